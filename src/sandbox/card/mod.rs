//! An EMV contact card that computes: certificates, signatures and cryptograms are made with keys of its own, fresh for
//! every transaction (EMV 4.4 Books 1-3; ISO/IEC 7816-4).
//!
//! [`SandboxCard`] takes command bytes and gives answer bytes; it knows no reader. [`reader::SandboxReader`] puts it
//! into a reader within the program, [`vpcd`] into a real PC/SC reader. [`fault::FaultyCard`] takes it out in the
//! middle.

pub mod apdu;
pub mod application;
pub mod authentication;
pub mod directory;
pub mod fault;
pub mod hand;
pub mod image;
pub mod issuer_authentication;
pub mod keys;
pub mod lists;
pub mod memory;
pub mod pin;
pub mod profile;
pub mod reader;
pub mod risk;
mod script;
mod shipped;
#[cfg(test)]
mod tests;
pub mod transaction;
pub mod vpcd;

use std::path::Path;

use crate::crypto::{CryptoError, hex};
use crate::devices::reader::transport::Protocol;

use apdu::{Command, Status};
use application::Application;
use directory::{Directory, PSE};
use image::{bytes, refused};
use keys::CardKeys;
use memory::{Memory, MemoryError};
use profile::{ApplicationProfile, CardProfile};
use script::SCRIPT_CLASSES;

/// Bytes an answer to reset has at most, without TS counted twice (ISO/IEC 7816-3, 8.1).
const LONGEST_ATR: usize = 33;

/// A contact card.
pub struct SandboxCard {
    atr: Vec<u8>,
    protocol: Protocol,
    /// The whole card is blocked.
    blocked: bool,
    directory: Option<Directory>,
    applications: Vec<Application>,
    selected: Selected,
    /// What GET CHALLENGE has just given; good for the next command only.
    challenge: Option<[u8; 8]>,
    /// T=0: what waits for GET RESPONSE.
    held: Vec<u8>,
}

/// What the last SELECT chose.
#[derive(Clone, Copy, Debug)]
enum Selected {
    Nothing,
    Directory,
    /// By its place on the card.
    Application(usize),
}

/// Data and status word.
type Answer = (Vec<u8>, Status);

/// A card that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// The profile does not fit on a card.
    #[error(transparent)]
    Image(#[from] image::ImageError),
    /// The keys cannot be made, kept or read.
    #[error(transparent)]
    Keys(#[from] keys::KeysError),
    /// The counters cannot be read.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A computation failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl SandboxCard {
    /// A card with keys and counters from `directory`, which is made when it is missing.
    ///
    /// # Errors
    /// When the profile does not make a card, or the directory cannot be used.
    pub fn open(profile: &CardProfile, directory: &Path) -> Result<Self, CardError> {
        let first = profile.applications.first().ok_or_else(no_application)?;
        let rid = bytes("aid", &first.aid)?.first_chunk().copied().unwrap_or_default();
        let keys = CardKeys::open(directory, rid)?;
        Self::new(profile, &keys, |application| {
            // The name tells applications apart without carrying the number.
            let number = format!("{}{:02X}", application.pan, application.sequence_number.packed());
            let digest = authentication::sha_1(number.as_bytes())?;
            Ok(Memory::open(directory.join(format!("card-{}.toml", hex::encode(&digest[..6]))))?)
        })
    }

    /// A card from its parts; `memory` gives each application its own.
    ///
    /// # Errors
    /// When the profile does not make a card.
    pub fn new(
        profile: &CardProfile,
        keys: &CardKeys,
        mut memory: impl FnMut(&ApplicationProfile) -> Result<Memory, CardError>,
    ) -> Result<Self, CardError> {
        let atr = bytes("atr", &profile.atr)?;
        if atr.len() < 2 || atr.len() > LONGEST_ATR {
            return Err(refused("atr", format!("has {} bytes, an answer to reset has 2 to 33", atr.len())).into());
        }
        if profile.applications.is_empty() {
            return Err(no_application());
        }
        let mut applications: Vec<Application> = Vec::new();
        for application in &profile.applications {
            let made = Application::new(application, keys, memory(application)?)?;
            if applications.iter().any(|other| other.image.aid == made.image.aid) {
                return Err(refused("aid", format!("{} is there twice", application.aid)).into());
            }
            applications.push(made);
        }
        let entries = applications.iter().map(|application| &application.image.entry[..]);
        Ok(Self {
            protocol: Protocol::of_atr(&atr),
            atr,
            blocked: profile.blocked,
            directory: profile.directory.then(|| Directory::new(entries)),
            applications,
            selected: Selected::Nothing,
            challenge: None,
            held: Vec::new(),
        })
    }

    /// Powers the card, or resets it: everything but its memory is forgotten. Gives the answer to reset.
    pub fn power_on(&mut self) -> &[u8] {
        self.selected = Selected::Nothing;
        self.challenge = None;
        self.held.clear();
        &self.atr
    }

    /// The answer to reset, without a reset.
    pub fn atr(&self) -> &[u8] {
        &self.atr
    }

    /// The transport protocol the answer to reset announces.
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Answers a command: data and two status bytes, whatever the bytes are.
    pub fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        let (mut answer, status) = match Command::parse(command).and_then(|command| self.execute(&command)) {
            Ok(answered) => answered,
            Err(status) => (Vec::new(), status),
        };
        answer.extend_from_slice(&status.0.to_be_bytes());
        answer
    }

    fn execute(&mut self, command: &Command<'_>) -> Result<Answer, Status> {
        let held = std::mem::take(&mut self.held);
        let challenge = self.challenge.take();
        if SCRIPT_CLASSES.contains(&command.class) {
            return self.without_answer(command, |card, command| card.application()?.script_command(command));
        }
        if !matches!(command.class, 0x00 | 0x80) {
            return Err(Status::CLASS_NOT_SUPPORTED);
        }
        let class = match command.instruction {
            0x20 | 0x82 | 0x84 | 0x88 | 0xA4 | 0xB2 | 0xC0 => 0x00,
            0xA8 | 0xAE | 0xCA => 0x80,
            _ => return Err(Status::INSTRUCTION_NOT_SUPPORTED),
        };
        if command.class != class {
            return Err(Status::CLASS_NOT_SUPPORTED);
        }
        match command.instruction {
            0xC0 => self.get_response(command, held),
            0xB2 => self.sized(command, Self::read_record),
            0xCA => self.sized(command, |card, command| card.application()?.get_data(command)),
            0x84 => self.sized(command, Self::get_challenge),
            0x20 => self.without_answer(command, |card, command| card.application()?.verify(command, challenge)),
            0x82 => self.without_answer(command, Self::external_authenticate),
            0xA4 => self.with_data(command, Self::select),
            0xA8 => self.with_data(command, |card, command| {
                Ok((card.application()?.get_processing_options(command)?, Status::DONE))
            }),
            0x88 => self.with_data(command, Self::internal_authenticate),
            _ => self.with_data(command, Self::generate_ac),
        }
    }

    /// Case 2: no data, and an Le that must fit what there is.
    fn sized(
        &mut self,
        command: &Command<'_>,
        run: impl FnOnce(&mut Self, &Command<'_>) -> Result<Vec<u8>, Status>,
    ) -> Result<Answer, Status> {
        let expected = command.expected.filter(|_| command.body.is_empty()).ok_or(Status::WRONG_LENGTH)?;
        let answer = run(self, command)?;
        if expected != 0 && usize::from(expected) != answer.len() {
            return Err(Status::exact_length(answer.len()));
        }
        Ok((answer, Status::DONE))
    }

    /// Cases 1 and 3: nothing to answer but a status. T=0 has a P3 of 00 in case 1.
    fn without_answer(
        &mut self,
        command: &Command<'_>,
        run: impl FnOnce(&mut Self, &Command<'_>) -> Result<(), Status>,
    ) -> Result<Answer, Status> {
        match (command.expected, self.protocol) {
            (None, _) => {}
            (Some(0), Protocol::T0) if command.body.is_empty() => {}
            _ => return Err(Status::WRONG_LENGTH),
        }
        run(self, command)?;
        Ok((Vec::new(), Status::DONE))
    }

    /// Case 4: data, and Le 00 (EMV 4.4 Book 3, 6.5). T=0 has no Le in this case: what is to be answered waits for
    /// GET RESPONSE (ISO/IEC 7816-3, 12.2.1), behind a warning too (EMV 4.4 Book 1, 9.3.1).
    fn with_data(
        &mut self,
        command: &Command<'_>,
        run: impl FnOnce(&mut Self, &Command<'_>) -> Result<Answer, Status>,
    ) -> Result<Answer, Status> {
        match (command.expected, self.protocol) {
            (Some(0), _) | (None, Protocol::T0) if !command.body.is_empty() => {}
            _ => return Err(Status::WRONG_LENGTH),
        }
        let (answer, status) = run(self, command)?;
        if command.expected.is_some() {
            return Ok((answer, status));
        }
        let status = if status == Status::DONE { Status::more_waits(answer.len()) } else { status };
        self.held = answer;
        Ok((Vec::new(), status))
    }

    fn get_response(&mut self, command: &Command<'_>, mut held: Vec<u8>) -> Result<Answer, Status> {
        if command.p1 != 0 || command.p2 != 0 {
            return Err(Status::WRONG_PARAMETERS);
        }
        let expected = command.expected.filter(|_| command.body.is_empty()).ok_or(Status::WRONG_LENGTH)?;
        if held.is_empty() {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        let wanted = if expected == 0 { held.len() } else { usize::from(expected) };
        if wanted > held.len() {
            let status = Status::exact_length(held.len());
            self.held = held;
            return Err(status);
        }
        self.held = held.split_off(wanted);
        let status = if self.held.is_empty() { Status::DONE } else { Status::more_waits(self.held.len()) };
        Ok((held, status))
    }

    /// SELECT by name, whole or its beginning (EMV 4.4 Book 1, 11.3 and 12.3.1).
    fn select(&mut self, command: &Command<'_>) -> Result<Answer, Status> {
        if self.blocked {
            return Err(Status::FUNCTION_NOT_SUPPORTED);
        }
        if command.p1 != 0x04 || !matches!(command.p2, 0x00 | 0x02) {
            return Err(Status::WRONG_PARAMETERS);
        }
        if !(5..=16).contains(&command.body.len()) {
            return Err(Status::WRONG_LENGTH);
        }
        // The directory comes first, then the applications; "next" goes on behind what is selected.
        let already = match (command.p2, self.selected) {
            (0x02, Selected::Directory) => 1,
            (0x02, Selected::Application(place)) => place + 2,
            _ => 0,
        };
        let directory = self.directory.as_ref().map(|_| PSE).unwrap_or_default();
        let applications = self.applications.iter().map(|application| &application.image.aid[..]);
        let mut names = std::iter::once(directory).chain(applications).enumerate().skip(already);
        let found = names.find(|(_, name)| name.starts_with(command.body)).ok_or(Status::FILE_NOT_FOUND)?;
        match (found.0.checked_sub(1), &self.directory) {
            (None, Some(directory)) => {
                self.selected = Selected::Directory;
                Ok((directory.information.clone(), Status::DONE))
            }
            (None, None) => Err(Status::FILE_NOT_FOUND),
            (Some(place), _) => {
                self.selected = Selected::Application(place);
                Ok(self.application()?.select())
            }
        }
    }

    /// READ RECORD (EMV 4.4 Book 3, 6.5.11): P1 is the record's number, P2 the file's short identifier and `100`.
    fn read_record(&mut self, command: &Command<'_>) -> Result<Vec<u8>, Status> {
        if command.p2 & 0x07 != 0x04 {
            return Err(Status::FUNCTION_NOT_SUPPORTED);
        }
        let (file, number) = (command.p2 >> 3, command.p1);
        if number == 0 || number == 0xFF || file == 0 {
            return Err(Status::WRONG_PARAMETERS);
        }
        match (self.selected, &self.directory) {
            (Selected::Directory, Some(directory)) if file == directory::FILE => {
                Ok(directory.record(number).ok_or(Status::RECORD_NOT_FOUND)?.to_vec())
            }
            (Selected::Directory, _) => Err(Status::FILE_NOT_FOUND),
            (Selected::Nothing | Selected::Application(_), _) => self.application()?.read_record(file, number),
        }
    }

    /// GET CHALLENGE (EMV 4.4 Book 3, 6.5.6): eight bytes for the next command.
    fn get_challenge(&mut self, command: &Command<'_>) -> Result<Vec<u8>, Status> {
        has_no_parameters(command)?;
        self.application()?;
        let mut number = [0; 8];
        getrandom::fill(&mut number).map_err(|_| Status::NO_DIAGNOSIS)?;
        self.challenge = Some(number);
        Ok(number.to_vec())
    }

    fn internal_authenticate(&mut self, command: &Command<'_>) -> Result<Answer, Status> {
        has_no_parameters(command)?;
        let application = self.application()?;
        let transaction = application.transaction.as_mut().ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        Ok((transaction.internal_authenticate(&application.chip, command.body)?, Status::DONE))
    }

    fn external_authenticate(&mut self, command: &Command<'_>) -> Result<(), Status> {
        has_no_parameters(command)?;
        let application = self.application()?;
        let transaction = application.transaction.as_mut().ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        transaction.external_authenticate(&application.chip, command.body)
    }

    fn generate_ac(&mut self, command: &Command<'_>) -> Result<Answer, Status> {
        if command.p2 != 0 {
            return Err(Status::WRONG_PARAMETERS);
        }
        let Application { chip, memory, transaction, .. } = self.application()?;
        let transaction = transaction.as_mut().ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        Ok((transaction.generate_ac(chip, memory, command.p1, command.body)?, Status::DONE))
    }

    /// The selected application.
    fn application(&mut self) -> Result<&mut Application, Status> {
        match self.selected {
            Selected::Application(place) => self.applications.get_mut(place).ok_or(Status::CONDITIONS_NOT_SATISFIED),
            Selected::Nothing | Selected::Directory => Err(Status::CONDITIONS_NOT_SATISFIED),
        }
    }
}

impl std::fmt::Debug for SandboxCard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxCard").field("atr", &hex::encode(&self.atr)).finish_non_exhaustive()
    }
}

fn has_no_parameters(command: &Command<'_>) -> Result<(), Status> {
    if command.p1 == 0 && command.p2 == 0 { Ok(()) } else { Err(Status::WRONG_PARAMETERS) }
}

fn no_application() -> CardError {
    refused("application", "is missing: a card has at least one".to_owned()).into()
}
