//! An application on the card: what is written in it, what it remembers, and the transaction it is in.

use openssl::pkey::Private;
use openssl::rsa::Rsa;

use super::CardError;
use super::apdu::{Command, Status};
use super::image::{ApplicationImage, bytes, refused};
use super::keys::CardKeys;
use super::lists::{PDOL, cdol2, list_length};
use super::memory::{Counters, Memory};
use super::pin::ReferencePin;
use super::profile::{AnswerFormat, ApplicationProfile, Authentication};
use super::risk::RiskRules;
use super::transaction::{Chip, PinVerification, Transaction};
use crate::crypto::CryptoError;
use crate::crypto::emv::Algorithm;
use crate::emv::tag;
use crate::emv::tlv::{TlvBuilder, walk};
use crate::sandbox::issuer::ResponseMethod;

/// P2 of VERIFY: the PIN as it is (Book 3, table 23).
const PLAINTEXT_PIN: u8 = 0x80;
/// P2 of VERIFY: the PIN enciphered.
const ENCIPHERED_PIN: u8 = 0x88;

/// Codes of offline PIN methods in a cardholder verification rule (Book 3, annex C3).
const PLAINTEXT_METHODS: [u8; 2] = [0x01, 0x03];
const ENCIPHERED_METHODS: [u8; 2] = [0x04, 0x05];

/// An application.
pub struct Application {
    pub(super) image: ApplicationImage,
    pub(super) chip: Chip,
    pub(super) memory: Memory,
    pub(super) transaction: Option<Transaction>,
    pin: Option<Pin>,
    /// It asks for terminal data before it begins.
    pdol: bool,
}

/// The PIN the card knows.
struct Pin {
    reference: ReferencePin,
    /// Deciphers what a terminal has enciphered; without it PINs come as they are.
    key: Option<Rsa<Private>>,
}

impl Application {
    /// An application from its parts.
    ///
    /// # Errors
    /// When the profile does not make one.
    pub fn new(profile: &ApplicationProfile, keys: &CardKeys, memory: Memory) -> Result<Self, CardError> {
        let image = ApplicationImage::new(profile, keys)?;
        let signs = matches!(profile.authentication, Authentication::Dda | Authentication::Cda);
        let pin = pin(profile, keys, signs)?;
        if profile.issuer.algorithm == Algorithm::Aes && profile.issuer.response_method == ResponseMethod::One {
            return Err(refused("issuer.response_method", "must be 2 with AES".to_owned()).into());
        }
        bytes("issuer.master_key", &profile.issuer.master_key)?;
        let issuer =
            profile.issuer_key().map_err(|error: CryptoError| refused("issuer.master_key", error.to_string()))?;
        let master = issuer
            .card_master_key(&profile.pan, profile.sequence_number)
            .map_err(|error| refused("pan", error.to_string()))?;
        let chip = Chip {
            signature: signs.then(|| keys.card.clone()),
            combined: profile.authentication == Authentication::Cda,
            master,
            algorithm: profile.issuer.algorithm,
            method: profile.issuer.response_method,
            issuer_authentication: profile.issuer_authentication,
            aip: image.aip,
            second_list: cdol2(profile.issuer_authentication, profile.issuer.response_method),
            format: profile.format,
            rules: RiskRules::new(profile)?,
        };
        Ok(Self { image, chip, memory, transaction: None, pin, pdol: profile.pdol })
    }

    /// Selected, again or for the first time: the transaction before is forgotten. Gives the file control information,
    /// with a warning when the application is blocked.
    pub fn select(&mut self) -> (Vec<u8>, Status) {
        self.transaction = None;
        let blocked = self.chip.rules.is_blocked(self.memory.counters());
        (self.image.information.clone(), if blocked { Status::APPLICATION_BLOCKED } else { Status::DONE })
    }

    /// GET PROCESSING OPTIONS (EMV 4.4 Book 3, 6.5.8), once after each SELECT.
    ///
    /// # Errors
    /// A status word.
    pub fn get_processing_options(&mut self, command: &Command<'_>) -> Result<Vec<u8>, Status> {
        if command.p1 != 0 || command.p2 != 0 {
            return Err(Status::WRONG_PARAMETERS);
        }
        if self.transaction.is_some() {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        let mut objects = walk(command.body);
        let options = match (objects.next(), objects.next()) {
            (Some(Ok(template)), None) if template.tag == tag::COMMAND_TEMPLATE => template.value,
            _ => return Err(Status::WRONG_DATA),
        };
        if options.len() != if self.pdol { list_length(PDOL) } else { 0 } {
            return Err(Status::WRONG_LENGTH);
        }
        let next = self.memory.next_transaction().map_err(|_| Status::MEMORY_FAILURE)?;
        let atc = next.ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        self.transaction = Some(Transaction::new(atc, options, self.memory.counters()));
        let (aip, afl) = (&self.image.aip, &self.image.afl);
        Ok(match self.chip.format {
            AnswerFormat::One => TlvBuilder::new().with(tag::RESPONSE_FORMAT_1, &[&aip[..], afl].concat()).build(),
            AnswerFormat::Two => {
                let answer = TlvBuilder::new().with(tag::AIP, aip).with(tag::AFL, afl);
                TlvBuilder::new().with_template(tag::RESPONSE_FORMAT_2, answer).build()
            }
        })
    }

    /// A record, once GET PROCESSING OPTIONS has begun a transaction.
    ///
    /// # Errors
    /// A status word.
    pub fn read_record(&self, file: u8, number: u8) -> Result<Vec<u8>, Status> {
        if self.transaction.is_none() {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        if !self.image.has_file(file) {
            return Err(Status::FILE_NOT_FOUND);
        }
        Ok(self.image.record(file, number).ok_or(Status::RECORD_NOT_FOUND)?.to_vec())
    }

    /// GET DATA (EMV 4.4 Book 3, 6.5.7) of the counters, the PIN tries and the limit that the issuer may set.
    ///
    /// # Errors
    /// A status word.
    pub fn get_data(&self, command: &Command<'_>) -> Result<Vec<u8>, Status> {
        let counters = self.memory.counters();
        let answer = TlvBuilder::new();
        let answer = match (command.p1, command.p2) {
            (0x9F, 0x36) => answer.with(tag::ATC, &counters.atc.to_be_bytes()),
            (0x9F, 0x13) => answer.with(LAST_ONLINE_ATC, &counters.last_online_atc.to_be_bytes()),
            (0x9F, 0x17) => answer.with(PIN_TRY_COUNTER, &[self.chip.rules.pin_tries_left(counters)]),
            (0x9F, 0x58) => {
                let limit = counters.consecutive_limit.or(self.chip.rules.consecutive_limit);
                answer.with(CONSECUTIVE_LIMIT, &[limit.ok_or(Status::DATA_NOT_FOUND)?])
            }
            _ => return Err(Status::DATA_NOT_FOUND),
        };
        Ok(answer.build())
    }

    /// VERIFY (EMV 4.4 Book 3, 6.5.12): the PIN, as it is or enciphered with the card's `challenge`, before the first
    /// cryptogram.
    ///
    /// # Errors
    /// A status word: 63Cx for a wrong PIN, 6983 and 6984 when there are no more tries.
    pub fn verify(&mut self, command: &Command<'_>, challenge: Option<[u8; 8]>) -> Result<(), Status> {
        if command.p1 != 0 || !matches!(command.p2, PLAINTEXT_PIN | ENCIPHERED_PIN) {
            return Err(Status::WRONG_PARAMETERS);
        }
        let pin = self.pin.as_ref().ok_or(Status::DATA_NOT_FOUND)?;
        let transaction = self.transaction.as_mut().filter(|transaction| transaction.has_no_cryptogram());
        let transaction = transaction.ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        let key = pin.key.as_ref().filter(|_| command.p2 == ENCIPHERED_PIN);
        let expected = match (key, command.p2) {
            (Some(key), _) => key.size() as usize,
            (None, PLAINTEXT_PIN) => 8,
            (None, _) => return Err(Status::WRONG_PARAMETERS),
        };
        if command.body.len() != expected {
            return Err(Status::WRONG_LENGTH);
        }
        let counters = self.memory.counters();
        let left = match (self.chip.rules.pin_tries_left(counters), transaction.pin()) {
            (0, PinVerification::Wrong) => return Err(Status::PIN_BLOCKED),
            (0, PinVerification::NotPerformed | PinVerification::Right) => return Err(Status::PIN_INVALIDATED),
            (tries, _) => tries - 1,
        };
        let challenge = match key {
            Some(_) => Some(challenge.ok_or(Status::CONDITIONS_NOT_SATISFIED)?),
            None => None,
        };
        // The try is counted before the PIN is compared: pulling the card out does not give it back.
        let keep = |memory: &mut Memory, left: u8| {
            memory.keep(Counters { pin_tries_left: Some(left), ..counters }).map_err(|_| Status::MEMORY_FAILURE)
        };
        keep(&mut self.memory, left)?;
        let right = match key.zip(challenge) {
            Some((key, challenge)) => pin.reference.is_in_enciphered(key, &challenge, command.body),
            None => pin.reference.is_in(command.body),
        };
        if !right {
            transaction.set_pin(PinVerification::Wrong);
            return Err(Status::tries_left(left));
        }
        keep(&mut self.memory, self.chip.rules.pin_tries)?;
        transaction.set_pin(PinVerification::Right);
        Ok(())
    }
}

/// Last online application transaction counter register.
const LAST_ONLINE_ATC: tag::Tag = tag::Tag(0x9F13);
/// PIN try counter.
const PIN_TRY_COUNTER: tag::Tag = tag::Tag(0x9F17);
/// Lower consecutive offline limit of the card itself (PBOC).
const CONSECUTIVE_LIMIT: tag::Tag = tag::Tag(0x9F58);

/// The PIN and its key. A method in the list that the card could not carry out is refused here, not at a counter.
fn pin(profile: &ApplicationProfile, keys: &CardKeys, signs: bool) -> Result<Option<Pin>, CardError> {
    let list = bytes("cvm_list", &profile.cvm_list)?;
    // Two amounts of four bytes, then rules of two.
    let rules = list.get(8..).unwrap_or_default();
    if !list.is_empty() && (rules.is_empty() || rules.len() % 2 == 1) {
        return Err(refused("cvm_list", "is not two amounts and at least one rule of two bytes".to_owned()).into());
    }
    let asks_for = |methods: [u8; 2]| rules.chunks(2).any(|rule| methods.contains(&(rule[0] & 0x3F)));
    let key = if profile.pin_key { Some(&keys.pin) } else { Some(&keys.card).filter(|_| signs) };
    if asks_for(ENCIPHERED_METHODS) && key.is_none() {
        let problem = "or an authentication of dda or cda must give the enciphered PIN of cvm_list its key";
        return Err(refused("pin_key", problem.to_owned()).into());
    }
    match &profile.pin {
        None if asks_for(PLAINTEXT_METHODS) || asks_for(ENCIPHERED_METHODS) => {
            Err(refused("pin", "is missing: cvm_list asks the card for one".to_owned()).into())
        }
        None => Ok(None),
        Some(reference) => Ok(Some(Pin { reference: reference.clone(), key: key.cloned() })),
    }
}
