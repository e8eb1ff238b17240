//! An EMV contact card that computes: certificates, signatures and cryptograms are made with keys of its own, fresh for
//! every transaction (EMV 4.4 Books 1-3; ISO/IEC 7816-4).
//!
//! [`SandboxCard`] takes command bytes and gives answer bytes; it knows no reader. [`reader::SandboxReader`] puts it into a
//! reader within the program, [`vpcd`] into a real PC/SC reader. [`fault::FaultyCard`] takes it out in the middle.

pub mod apdu;
pub mod authentication;
pub mod fault;
pub mod image;
pub mod keys;
pub mod memory;
pub mod profile;
pub mod reader;
#[cfg(test)]
mod tests;
pub mod transaction;
pub mod vpcd;

use std::path::Path;

use crate::crypto::emv::IssuerKey;
use crate::crypto::{CryptoError, hex};
use crate::devices::reader::transport::Protocol;
use crate::emv::tag;
use crate::emv::tlv::{TlvBuilder, walk};

use apdu::{Command, Status};
use image::{AFL, AIP, CardImage, PDOL, PSE, list_length};
use keys::CardKeys;
use memory::Memory;
use profile::CardProfile;
use transaction::{Chip, RiskRules, Transaction};

/// Bytes an answer to reset has at most, without TS counted twice (ISO/IEC 7816-3, 8.1).
const LONGEST_ATR: usize = 33;

/// PIN tries left (tag 9F17). The card has a counter as every card has, but none of its cardholder verification methods
/// is an offline PIN.
const PIN_TRIES: u8 = 3;

/// A contact card with one application.
pub struct SandboxCard {
    atr: Vec<u8>,
    protocol: Protocol,
    image: CardImage,
    chip: Chip,
    memory: Memory,
    selected: Selected,
    /// T=0: what waits for GET RESPONSE.
    held: Vec<u8>,
}

/// What the last SELECT chose.
#[derive(Debug)]
enum Selected {
    Nothing,
    Environment,
    Application { transaction: Option<Transaction> },
}

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
    Memory(#[from] memory::MemoryError),
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
        let rid = profile_bytes("aid", &profile.aid)?.first_chunk().copied().unwrap_or_default();
        let keys = CardKeys::open(directory, rid)?;
        // The name tells cards apart without carrying the number.
        let number = format!("{}{:02X}", profile.pan, profile.sequence_number.packed());
        let digest = authentication::sha_1(number.as_bytes())?;
        let memory = Memory::open(directory.join(format!("card-{}.toml", hex::encode(&digest[..6]))))?;
        Self::new(profile, &keys, memory)
    }

    /// A card from its parts.
    ///
    /// # Errors
    /// When the profile does not make a card.
    pub fn new(profile: &CardProfile, keys: &CardKeys, memory: Memory) -> Result<Self, CardError> {
        let atr = profile_bytes("atr", &profile.atr)?;
        if atr.len() < 2 || atr.len() > LONGEST_ATR {
            return Err(wrong("atr", format!("has {} bytes, an answer to reset has 2 to 33", atr.len())));
        }
        let key = profile_bytes("issuer.master_key", &profile.issuer.master_key)?;
        let issuer = IssuerKey::new(profile.issuer.algorithm, &key)?;
        let [high, low] = profile_bytes("currency", &format!("{:04}", profile.currency))?[..] else {
            return Err(wrong("currency", "has more than four digits".to_owned()));
        };
        let rules = RiskRules {
            offline_limit: profile.offline_limit,
            currency: [high, low],
            declines_after_approval: profile.declines_after_approval,
        };
        let master = issuer.card_master_key(&profile.pan, profile.sequence_number)?;
        Ok(Self {
            protocol: Protocol::of_atr(&atr),
            atr,
            image: CardImage::new(profile, keys)?,
            chip: Chip { signature: keys.card.clone(), master, rules },
            memory,
            selected: Selected::Nothing,
            held: Vec::new(),
        })
    }

    /// Powers the card, or resets it: everything but its memory is forgotten. Gives the answer to reset.
    pub fn power_on(&mut self) -> &[u8] {
        self.selected = Selected::Nothing;
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

    fn execute(&mut self, command: &Command<'_>) -> Result<(Vec<u8>, Status), Status> {
        let held = std::mem::take(&mut self.held);
        if !matches!(command.class, 0x00 | 0x80) {
            return Err(Status::CLASS_NOT_SUPPORTED);
        }
        let class = match command.instruction {
            0xA4 | 0xB2 | 0x88 | 0xC0 => 0x00,
            0xA8 | 0xAE | 0xCA => 0x80,
            _ => return Err(Status::INSTRUCTION_NOT_SUPPORTED),
        };
        if command.class != class {
            return Err(Status::CLASS_NOT_SUPPORTED);
        }
        match command.instruction {
            0xC0 => self.get_response(command, held),
            0xB2 => self.sized(command, Self::read_record),
            0xCA => self.sized(command, Self::get_data),
            0xA4 => self.with_data(command, Self::select),
            0xA8 => self.with_data(command, Self::get_processing_options),
            0x88 => self.with_data(command, Self::internal_authenticate),
            _ => self.with_data(command, Self::generate_ac),
        }
    }

    /// Case 2: no data, and an Le that must fit what there is.
    fn sized(
        &mut self,
        command: &Command<'_>,
        run: fn(&mut Self, &Command<'_>) -> Result<Vec<u8>, Status>,
    ) -> Result<(Vec<u8>, Status), Status> {
        let expected = command.expected.filter(|_| command.body.is_empty()).ok_or(Status::WRONG_LENGTH)?;
        let answer = run(self, command)?;
        if expected != 0 && usize::from(expected) != answer.len() {
            return Err(Status::exact_length(answer.len()));
        }
        Ok((answer, Status::DONE))
    }

    /// Case 4: data, and Le 00 (EMV 4.4 Book 3, 6.5). T=0 has no Le in this case: what is to be answered waits for
    /// GET RESPONSE (ISO/IEC 7816-3, 12.2.1).
    fn with_data(
        &mut self,
        command: &Command<'_>,
        run: fn(&mut Self, &Command<'_>) -> Result<Vec<u8>, Status>,
    ) -> Result<(Vec<u8>, Status), Status> {
        match (command.expected, self.protocol) {
            (Some(0), _) | (None, Protocol::T0) if !command.body.is_empty() => {}
            _ => return Err(Status::WRONG_LENGTH),
        }
        let answer = run(self, command)?;
        if command.expected.is_some() {
            return Ok((answer, Status::DONE));
        }
        let status = Status::more_waits(answer.len());
        self.held = answer;
        Ok((Vec::new(), status))
    }

    fn get_response(&mut self, command: &Command<'_>, mut held: Vec<u8>) -> Result<(Vec<u8>, Status), Status> {
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
    fn select(&mut self, command: &Command<'_>) -> Result<Vec<u8>, Status> {
        if command.p1 != 0x04 || !matches!(command.p2, 0x00 | 0x02) {
            return Err(Status::WRONG_PARAMETERS);
        }
        if !(5..=16).contains(&command.body.len()) {
            return Err(Status::WRONG_LENGTH);
        }
        let already = match (command.p2, &self.selected) {
            (0x02, Selected::Environment) => 1,
            (0x02, Selected::Application { .. }) => 2,
            _ => 0,
        };
        let names = [PSE, &self.image.aid];
        let found = names.iter().enumerate().skip(already).find(|(_, name)| name.starts_with(command.body));
        match found.map(|(index, _)| index) {
            Some(0) => {
                self.selected = Selected::Environment;
                Ok(self.image.pse.clone())
            }
            Some(_) => {
                self.selected = Selected::Application { transaction: None };
                Ok(self.image.application.clone())
            }
            None => Err(Status::FILE_NOT_FOUND),
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
        match &self.selected {
            Selected::Environment if file != 1 => Err(Status::FILE_NOT_FOUND),
            Selected::Environment if number != 1 => Err(Status::RECORD_NOT_FOUND),
            Selected::Environment => Ok(self.image.directory.clone()),
            Selected::Application { transaction: Some(_) } => {
                let mut records = self.image.records.iter().filter(|(of, ..)| *of == file).peekable();
                records.peek().ok_or(Status::FILE_NOT_FOUND)?;
                let record = records.find(|(_, own, _)| *own == number).ok_or(Status::RECORD_NOT_FOUND)?;
                Ok(record.2.clone())
            }
            Selected::Nothing | Selected::Application { transaction: None } => Err(Status::CONDITIONS_NOT_SATISFIED),
        }
    }

    /// GET PROCESSING OPTIONS (EMV 4.4 Book 3, 6.5.8), once after each SELECT.
    fn get_processing_options(&mut self, command: &Command<'_>) -> Result<Vec<u8>, Status> {
        if command.p1 != 0 || command.p2 != 0 {
            return Err(Status::WRONG_PARAMETERS);
        }
        let Selected::Application { transaction } = &mut self.selected else {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        };
        if transaction.is_some() {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        let mut objects = walk(command.body);
        let options = match (objects.next(), objects.next()) {
            (Some(Ok(template)), None) if template.tag == tag::COMMAND_TEMPLATE => template.value,
            _ => return Err(Status::WRONG_DATA),
        };
        if options.len() != list_length(PDOL) {
            return Err(Status::WRONG_LENGTH);
        }
        let next = self.memory.next_transaction().map_err(|_| Status::MEMORY_FAILURE)?;
        let atc = next.ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        *transaction = Some(Transaction::new(atc, options, self.memory.counters()));
        let answer = TlvBuilder::new().with(tag::AIP, &AIP).with(tag::AFL, &AFL);
        Ok(TlvBuilder::new().with_template(tag::RESPONSE_FORMAT_2, answer).build())
    }

    fn internal_authenticate(&mut self, command: &Command<'_>) -> Result<Vec<u8>, Status> {
        if command.p1 != 0 || command.p2 != 0 {
            return Err(Status::WRONG_PARAMETERS);
        }
        match &mut self.selected {
            Selected::Application { transaction: Some(transaction) } => {
                transaction.internal_authenticate(&self.chip, command.body)
            }
            _ => Err(Status::CONDITIONS_NOT_SATISFIED),
        }
    }

    fn generate_ac(&mut self, command: &Command<'_>) -> Result<Vec<u8>, Status> {
        if command.p2 != 0 {
            return Err(Status::WRONG_PARAMETERS);
        }
        match &mut self.selected {
            Selected::Application { transaction: Some(transaction) } => {
                transaction.generate_ac(&self.chip, &mut self.memory, command.p1, command.body)
            }
            _ => Err(Status::CONDITIONS_NOT_SATISFIED),
        }
    }

    /// GET DATA (EMV 4.4 Book 3, 6.5.7) of the two counters and the PIN tries.
    fn get_data(&mut self, command: &Command<'_>) -> Result<Vec<u8>, Status> {
        if !matches!(self.selected, Selected::Application { .. }) {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        let counters = self.memory.counters();
        let answer = TlvBuilder::new();
        let answer = match (command.p1, command.p2) {
            (0x9F, 0x36) => answer.with(tag::ATC, &counters.atc.to_be_bytes()),
            (0x9F, 0x13) => answer.with(LAST_ONLINE_ATC, &counters.last_online_atc.to_be_bytes()),
            (0x9F, 0x17) => answer.with(PIN_TRY_COUNTER, &[PIN_TRIES]),
            _ => return Err(Status::DATA_NOT_FOUND),
        };
        Ok(answer.build())
    }
}

/// Last online application transaction counter register.
const LAST_ONLINE_ATC: tag::Tag = tag::Tag(0x9F13);
/// PIN try counter.
const PIN_TRY_COUNTER: tag::Tag = tag::Tag(0x9F17);

impl std::fmt::Debug for SandboxCard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxCard").field("atr", &hex::encode(&self.atr)).finish_non_exhaustive()
    }
}

fn profile_bytes(key: &'static str, text: &str) -> Result<Vec<u8>, CardError> {
    hex::decode(text).map_err(|error| wrong(key, error.to_string()))
}

fn wrong(key: &'static str, problem: String) -> CardError {
    CardError::Image(image::ImageError::Profile { key, problem })
}
