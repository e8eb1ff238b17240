//! One transaction on the card: from GET PROCESSING OPTIONS to the last GENERATE AC.
//!
//! The card verification results (CVR) in 9F10 follow the layout that PBOC 3.0 took over from the first chip cards of
//! debit and credit; this card uses
//!
//! | byte | bits | meaning |
//! |---|---|---|
//! | 1 | all | `03`: three bytes follow |
//! | 2 | 8-7 | second cryptogram: 00 AAC, 01 TC, 10 not asked for yet |
//! | 2 | 6-5 | first cryptogram: 00 AAC, 01 TC, 10 ARQC |
//! | 2 | 4 | issuer authentication failed in this transaction |
//! | 2 | 3 | offline PIN verification performed |
//! | 2 | 2 | offline PIN verification failed |
//! | 2 | 1 | the terminal could not go online |
//! | 3 | 8 | last online transaction not completed |
//! | 3 | 7 | PIN try limit exceeded |
//! | 3 | 6 | more transactions offline in a row than the card allows |
//! | 3 | 5 | new card |
//! | 3 | 4 | issuer authentication failed in the last online transaction |
//! | 3 | 3 | issuer authentication not performed after the host answered |
//! | 4 | 8-5 | script commands of the issuer in the last online transaction |
//! | 4 | 4 | one of them failed |
//! | 4 | 2 | DDA performed |
//!
//! All other bits are 0. The CVR of an ARQC is therefore `03 Ax xx x0`, or `03 Ax xx x2` after DDA.

use openssl::pkey::Private;
use openssl::rsa::Rsa;

use super::apdu::Status;
use super::authentication::{sha_1, sign_dynamic};
use super::issuer_authentication::{Proof, Verdict, check, verdict};
use super::lists::{CDOL1, DDOL, DataObjectList, list_length, value_of};
use super::memory::{Counters, Memory};
use super::profile::{AnswerFormat, IssuerAuthentication};
use super::risk::RiskRules;
use crate::crypto::CryptoError;
use crate::crypto::emv::{Algorithm, CardKey};
use crate::emv::tag::{self, Tag};
use crate::emv::tlv::TlvBuilder;
use crate::sandbox::issuer::{Cryptogram, CryptogramInput, ResponseMethod, issuer_application_data};

/// P1 of GENERATE AC: a CDA signature is asked for (Book 3, table 12).
const CDA_REQUESTED: u8 = 0x10;

const ISSUER_AUTHENTICATION_FAILED: u8 = 0x08;
const PIN_PERFORMED: u8 = 0x04;
const PIN_FAILED: u8 = 0x02;
const UNABLE_TO_GO_ONLINE: u8 = 0x01;
const LAST_ONLINE_UNFINISHED: u8 = 0x80;
const PIN_TRIES_EXCEEDED: u8 = 0x40;
const CONSECUTIVE_LIMIT_EXCEEDED: u8 = 0x20;
const NEW_CARD: u8 = 0x10;
const LAST_ISSUER_AUTHENTICATION_FAILED: u8 = 0x08;
const ISSUER_AUTHENTICATION_NOT_PERFORMED: u8 = 0x04;
const LAST_SCRIPT_FAILED: u8 = 0x08;
const DDA_PERFORMED: u8 = 0x02;

/// Script commands that four bits can count.
const MOST_SCRIPT_COMMANDS: u8 = 15;

/// What an application computes and decides with, the same in every transaction.
pub struct Chip {
    /// Signs DDA and CDA; nothing on an application that does neither.
    pub signature: Option<Rsa<Private>>,
    /// Signs cryptograms as well (CDA).
    pub combined: bool,
    /// Derived from the issuer's master key for this card.
    pub master: CardKey,
    /// What that key is for.
    pub algorithm: Algorithm,
    /// How the issuer proves itself.
    pub method: ResponseMethod,
    /// The way its proof comes.
    pub issuer_authentication: IssuerAuthentication,
    /// Application interchange profile, which every cryptogram covers.
    pub aip: [u8; 2],
    /// What the second GENERATE AC must bring.
    pub second_list: Vec<(Tag, u8)>,
    /// Format of answers without a combined signature.
    pub format: AnswerFormat,
    /// How it decides for itself.
    pub rules: RiskRules,
}

/// A transaction that GET PROCESSING OPTIONS has begun.
#[derive(Debug)]
pub struct Transaction {
    atc: u16,
    /// Data of GET PROCESSING OPTIONS, for the CDA hash.
    options: Vec<u8>,
    /// What the transactions before this one left behind.
    earlier: Counters,
    dda_performed: bool,
    pin: PinVerification,
    phase: Phase,
    /// An ARQC was given: the issuer may send scripts.
    went_online: bool,
}

/// What has become of the offline PIN in this transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinVerification {
    /// Nobody brought one.
    NotPerformed,
    /// The last one was right.
    Right,
    /// The last one was wrong.
    Wrong,
}

/// How far a transaction has come.
#[derive(Debug)]
enum Phase {
    /// No cryptogram yet.
    Begun,
    /// An ARQC is out; the issuer's answer is expected.
    Online {
        arqc: [u8; 8],
        first_data: Vec<u8>,
        /// By EXTERNAL AUTHENTICATE.
        proof: Proof,
    },
    /// The last cryptogram is out.
    Ended,
}

/// One GENERATE AC.
struct Request<'a> {
    cryptogram: Cryptogram,
    signed: bool,
    data: &'a [u8],
}

/// What a cryptogram is about to say.
struct Answer<'a> {
    decision: Cryptogram,
    cryptogram: [u8; 8],
    verification: [u8; 4],
    /// The terminal's number, when a combined signature is asked for.
    challenge: Option<&'a [u8]>,
    /// What the terminal has sent in the whole transaction.
    sent: Vec<u8>,
}

impl Transaction {
    /// Begins a transaction with a counter that is already kept. `options` are the values the PDOL asks for.
    pub fn new(atc: u16, options: &[u8], earlier: Counters) -> Self {
        let options = options.to_vec();
        let (pin, phase) = (PinVerification::NotPerformed, Phase::Begun);
        Self { atc, options, earlier, dda_performed: false, pin, phase, went_online: false }
    }

    /// No cryptogram is out yet.
    pub const fn has_no_cryptogram(&self) -> bool {
        matches!(self.phase, Phase::Begun)
    }

    /// An ARQC was given in this transaction.
    pub const fn went_online(&self) -> bool {
        self.went_online
    }

    /// What has become of the offline PIN.
    pub const fn pin(&self) -> PinVerification {
        self.pin
    }

    /// Remembers how a VERIFY ended.
    pub const fn set_pin(&mut self, pin: PinVerification) {
        self.pin = pin;
    }

    /// INTERNAL AUTHENTICATE (Book 3, 6.5.9): dynamic data authentication.
    ///
    /// # Errors
    /// A status word.
    pub fn internal_authenticate(&mut self, chip: &Chip, challenge: &[u8]) -> Result<Vec<u8>, Status> {
        let key = chip.signature.as_ref().ok_or(Status::INSTRUCTION_NOT_SUPPORTED)?;
        if !self.has_no_cryptogram() {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        has_length(challenge, DDOL)?;
        let signature = sign_dynamic(key, &dynamic_number()?, challenge).map_err(no_diagnosis)?;
        self.dda_performed = true;
        Ok(match chip.format {
            AnswerFormat::One => TlvBuilder::new().with(tag::RESPONSE_FORMAT_1, &signature).build(),
            AnswerFormat::Two => {
                let answer = TlvBuilder::new().with(tag::SIGNED_DYNAMIC_DATA, &signature);
                TlvBuilder::new().with_template(tag::RESPONSE_FORMAT_2, answer).build()
            }
        })
    }

    /// EXTERNAL AUTHENTICATE (Book 3, 6.5.4): the issuer proves itself, once and between the two cryptograms.
    ///
    /// # Errors
    /// A status word: 6300 when it is not the issuer.
    pub fn external_authenticate(&mut self, chip: &Chip, data: &[u8]) -> Result<(), Status> {
        if chip.issuer_authentication != IssuerAuthentication::Command {
            return Err(Status::INSTRUCTION_NOT_SUPPORTED);
        }
        if !(8..=16).contains(&data.len()) {
            return Err(Status::WRONG_LENGTH);
        }
        match &mut self.phase {
            Phase::Online { arqc, proof: proof @ Proof::Missing, .. } => {
                *proof = check(chip, self.atc, *arqc, data).map_err(no_diagnosis)?;
                if *proof == Proof::Wrong { Err(Status::AUTHENTICATION_FAILED) } else { Ok(()) }
            }
            _ => Err(Status::CONDITIONS_NOT_SATISFIED),
        }
    }

    /// GENERATE AC (Book 3, 6.5.5), the first or the second.
    ///
    /// # Errors
    /// A status word.
    pub fn generate_ac(&mut self, chip: &Chip, memory: &mut Memory, p1: u8, data: &[u8]) -> Result<Vec<u8>, Status> {
        let request = Request { cryptogram: requested(p1)?, signed: p1 & CDA_REQUESTED != 0, data };
        match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Begun => match has_length(data, CDOL1) {
                Ok(()) => self.first(chip, memory, &request),
                Err(status) => {
                    self.phase = Phase::Begun;
                    Err(status)
                }
            },
            Phase::Online { arqc, first_data, proof } => match second_is_possible(chip, &request) {
                Ok(()) => self.second(chip, memory, &request, &Exchange { arqc, first_data: &first_data, proof }),
                Err(status) => {
                    self.phase = Phase::Online { arqc, first_data, proof };
                    Err(status)
                }
            },
            Phase::Ended => Err(Status::CONDITIONS_NOT_SATISFIED),
        }
    }

    fn first(&mut self, chip: &Chip, memory: &mut Memory, request: &Request<'_>) -> Result<Vec<u8>, Status> {
        let data = request.data;
        let decision = match request.cryptogram {
            _ if chip.rules.is_blocked(memory.counters()) => Cryptogram::Aac,
            Cryptogram::Tc if !self.may_approve_offline(chip, CDOL1, data) => Cryptogram::Arqc,
            other => other,
        };
        // Second cryptogram not asked for yet, first one as decided.
        let verification = self.verification_results(chip, memory, 0x80 | (decision as u8) >> 2, 0);
        let cryptogram = self.cryptogram(chip, CDOL1, data, verification).map_err(no_diagnosis)?;
        if decision == Cryptogram::Arqc {
            // This ARQC tells of the scripts before it; from here on those of this transaction are counted.
            let counters =
                Counters { online_unfinished: true, script_commands: 0, script_failed: false, ..memory.counters() };
            memory.keep(counters).map_err(|_| Status::MEMORY_FAILURE)?;
            self.phase = Phase::Online { arqc: cryptogram, first_data: data.to_vec(), proof: Proof::Missing };
            self.went_online = true;
        }
        let challenge = value_of(CDOL1, data, tag::UNPREDICTABLE_NUMBER).filter(|_| request.signed);
        let sent = [&self.options, data].concat();
        self.answer(chip, &Answer { decision, cryptogram, verification, challenge, sent })
    }

    fn second(
        &mut self,
        chip: &Chip,
        memory: &mut Memory,
        request: &Request<'_>,
        exchange: &Exchange<'_>,
    ) -> Result<Vec<u8>, Status> {
        let (data, list) = (request.data, &chip.second_list[..]);
        let proof = exchange.proof(chip, self.atc, data).map_err(no_diagnosis)?;
        let verdict = verdict(proof, value_of(list, data, tag::AUTHORISATION_RESPONSE_CODE).unwrap_or_default());
        let approved = match verdict {
            Verdict::Approved => !chip.rules.declines_after_approval,
            Verdict::Unreachable { may_approve } => may_approve && self.may_approve_offline(chip, list, data),
            Verdict::Declined | Verdict::Forged | Verdict::Unauthenticated { .. } => false,
        };
        let approved = approved && request.cryptogram == Cryptogram::Tc && !chip.rules.is_blocked(memory.counters());
        let decision = if approved { Cryptogram::Tc } else { Cryptogram::Aac };
        let (of_terminal, of_issuer) = match verdict {
            Verdict::Approved | Verdict::Declined => (0, 0),
            Verdict::Forged => (ISSUER_AUTHENTICATION_FAILED, 0),
            // An approval that nobody vouches for is as good as a forged one; a refusal needs no proof.
            Verdict::Unauthenticated { approval: true } => {
                (ISSUER_AUTHENTICATION_FAILED, ISSUER_AUTHENTICATION_NOT_PERFORMED)
            }
            Verdict::Unauthenticated { approval: false } => (0, ISSUER_AUTHENTICATION_NOT_PERFORMED),
            Verdict::Unreachable { .. } => (UNABLE_TO_GO_ONLINE, 0),
        };
        let second_byte = decision as u8 | (Cryptogram::Arqc as u8) >> 2 | of_terminal;
        let verification = self.verification_results(chip, memory, second_byte, of_issuer);
        let cryptogram = self.cryptogram(chip, list, data, verification).map_err(no_diagnosis)?;
        self.remember(memory, verdict)?;
        let challenge = value_of(list, data, tag::UNPREDICTABLE_NUMBER).filter(|_| request.signed);
        let sent = [&self.options, exchange.first_data, data].concat();
        self.answer(chip, &Answer { decision, cryptogram, verification, challenge, sent })
    }

    fn may_approve_offline(&self, chip: &Chip, list: &DataObjectList, data: &[u8]) -> bool {
        !self.consecutive_limit_exceeded(chip) && chip.rules.approve_offline(list, data)
    }

    /// More transactions since the last one online than the card allows, this one counted.
    fn consecutive_limit_exceeded(&self, chip: &Chip) -> bool {
        let limit = self.earlier.consecutive_limit.or(chip.rules.consecutive_limit);
        limit.is_some_and(|limit| self.atc.saturating_sub(self.earlier.last_online_atc) > u16::from(limit))
    }

    fn remember(&self, memory: &mut Memory, verdict: Verdict) -> Result<(), Status> {
        let mut counters = memory.counters();
        match verdict {
            Verdict::Approved | Verdict::Declined => {
                counters.last_online_atc = self.atc;
                counters.online_unfinished = false;
                counters.issuer_authentication_failed = false;
            }
            Verdict::Forged | Verdict::Unauthenticated { approval: true } => {
                counters.online_unfinished = false;
                counters.issuer_authentication_failed = true;
            }
            Verdict::Unauthenticated { approval: false } => counters.online_unfinished = false,
            Verdict::Unreachable { .. } => {}
        }
        memory.keep(counters).map_err(|_| Status::MEMORY_FAILURE)
    }

    /// The four bytes described at the head of this file.
    fn verification_results(&self, chip: &Chip, memory: &Memory, second_byte: u8, of_issuer: u8) -> [u8; 4] {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let second_byte = second_byte
            | match self.pin {
                PinVerification::NotPerformed => 0,
                PinVerification::Right => PIN_PERFORMED,
                PinVerification::Wrong => PIN_PERFORMED | PIN_FAILED,
            };
        let third_byte = flag(self.earlier.online_unfinished, LAST_ONLINE_UNFINISHED)
            | flag(chip.rules.pin_tries_left(memory.counters()) == 0, PIN_TRIES_EXCEEDED)
            | flag(self.consecutive_limit_exceeded(chip), CONSECUTIVE_LIMIT_EXCEEDED)
            | flag(self.earlier.last_online_atc == 0, NEW_CARD)
            | flag(self.earlier.issuer_authentication_failed, LAST_ISSUER_AUTHENTICATION_FAILED)
            | of_issuer;
        let fourth_byte = self.earlier.script_commands.min(MOST_SCRIPT_COMMANDS) << 4
            | flag(self.earlier.script_failed, LAST_SCRIPT_FAILED)
            | flag(self.dda_performed, DDA_PERFORMED);
        [0x03, second_byte, third_byte, fourth_byte]
    }

    fn cryptogram(
        &self,
        chip: &Chip,
        list: &DataObjectList,
        data: &[u8],
        verification: [u8; 4],
    ) -> Result<[u8; 8], CryptoError> {
        let part = |wanted: Tag| value_of(list, data, wanted).unwrap_or_default();
        let input = CryptogramInput {
            amount_authorised: part(tag::AMOUNT_AUTHORISED),
            amount_other: part(tag::AMOUNT_OTHER),
            terminal_country: part(tag::TERMINAL_COUNTRY),
            tvr: part(tag::TVR),
            currency: part(tag::TRANSACTION_CURRENCY),
            date: part(tag::TRANSACTION_DATE),
            transaction_type: part(tag::TRANSACTION_TYPE),
            unpredictable_number: part(tag::UNPREDICTABLE_NUMBER),
            aip: &chip.aip,
            atc: &self.atc.to_be_bytes(),
            card_verification_results: &verification,
        };
        chip.master.session_key(self.atc)?.application_cryptogram(&input.bytes())
    }

    /// The answer: plain, or with the cryptogram inside a combined signature when one is asked for and the card makes
    /// any. An AAC is never signed (Book 2, 6.6.1).
    fn answer(&self, chip: &Chip, answer: &Answer<'_>) -> Result<Vec<u8>, Status> {
        let information = [answer.decision as u8];
        let atc = self.atc.to_be_bytes();
        let own = issuer_application_data(answer.verification, chip.algorithm);
        let head = TlvBuilder::new().with(tag::CRYPTOGRAM_INFORMATION, &information).with(tag::ATC, &atc);
        let signing = chip.signature.as_ref().filter(|_| chip.combined && answer.decision != Cryptogram::Aac);
        let content = match (answer.challenge.zip(signing), chip.format) {
            (Some((challenge, key)), _) => {
                let answered = head.clone().with(tag::ISSUER_APPLICATION_DATA, &own).build();
                let hash = sha_1(&[&answer.sent[..], &answered].concat()).map_err(no_diagnosis)?;
                let dynamic = [&dynamic_number()?[..], &information, &answer.cryptogram, &hash].concat();
                let signature = sign_dynamic(key, &dynamic, challenge).map_err(no_diagnosis)?;
                head.with(tag::SIGNED_DYNAMIC_DATA, &signature).with(tag::ISSUER_APPLICATION_DATA, &own)
            }
            (None, AnswerFormat::Two) => {
                head.with(tag::CRYPTOGRAM, &answer.cryptogram).with(tag::ISSUER_APPLICATION_DATA, &own)
            }
            (None, AnswerFormat::One) => {
                let values = [&information[..], &atc, &answer.cryptogram, &own].concat();
                return Ok(TlvBuilder::new().with(tag::RESPONSE_FORMAT_1, &values).build());
            }
        };
        Ok(TlvBuilder::new().with_template(tag::RESPONSE_FORMAT_2, content).build())
    }
}

/// What lies between the two cryptograms.
struct Exchange<'a> {
    arqc: [u8; 8],
    first_data: &'a [u8],
    /// By EXTERNAL AUTHENTICATE.
    proof: Proof,
}

impl Exchange<'_> {
    /// The issuer's proof, whichever way it came.
    fn proof(&self, chip: &Chip, atc: u16, data: &[u8]) -> Result<Proof, CryptoError> {
        if chip.issuer_authentication == IssuerAuthentication::Command {
            return Ok(self.proof);
        }
        let given = value_of(&chip.second_list, data, tag::ISSUER_AUTHENTICATION_DATA).unwrap_or_default();
        // A terminal without issuer authentication data fills the place with zeros (Book 3, 5.4).
        if given.iter().all(|byte| *byte == 0) {
            return Ok(Proof::Missing);
        }
        check(chip, atc, self.arqc, given)
    }
}

/// The cryptogram that P1 of GENERATE AC asks for (Book 3, table 12).
const fn requested(p1: u8) -> Result<Cryptogram, Status> {
    match p1 & !CDA_REQUESTED {
        0x00 => Ok(Cryptogram::Aac),
        0x40 => Ok(Cryptogram::Tc),
        0x80 => Ok(Cryptogram::Arqc),
        _ => Err(Status::WRONG_PARAMETERS),
    }
}

fn second_is_possible(chip: &Chip, request: &Request<'_>) -> Result<(), Status> {
    if request.cryptogram == Cryptogram::Arqc {
        return Err(Status::WRONG_PARAMETERS);
    }
    has_length(request.data, &chip.second_list)
}

fn has_length(data: &[u8], list: &DataObjectList) -> Result<(), Status> {
    if data.len() == list_length(list) { Ok(()) } else { Err(Status::WRONG_LENGTH) }
}

/// ICC dynamic number with its length before it: fresh for every signature.
fn dynamic_number() -> Result<[u8; 9], Status> {
    let mut number = [8; 9];
    getrandom::fill(&mut number[1..]).map_err(|_| Status::NO_DIAGNOSIS)?;
    Ok(number)
}

fn no_diagnosis(_: CryptoError) -> Status {
    Status::NO_DIAGNOSIS
}
