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
//! | 2 | 1 | the terminal could not go online |
//! | 3 | 8 | last online transaction not completed |
//! | 3 | 5 | new card |
//! | 3 | 4 | issuer authentication failed in the last online transaction |
//! | 3 | 3 | issuer authentication not performed after the host answered |
//! | 4 | 2 | DDA performed |
//!
//! All other bits are 0. The CVR of an ARQC is therefore `03 A0 xx 00`, or `03 A0 xx 02` after DDA.

use openssl::pkey::Private;
use openssl::rsa::Rsa;

use super::apdu::Status;
use super::authentication::{sha_1, sign_dynamic};
use super::image::{AIP, CDOL1, CDOL2, DDOL, DataObjectList, list_length, value_of};
use super::memory::{Counters, Memory};
use crate::crypto::emv::{Algorithm, CardKey};
use crate::crypto::{CryptoError, mac};
use crate::emv::tag::{self, Tag};
use crate::emv::tlv::TlvBuilder;
use crate::sandbox::issuer::{Cryptogram, CryptogramInput, approves, issuer_application_data};

/// P1 of GENERATE AC: a CDA signature is asked for (Book 3, table 12).
const CDA_REQUESTED: u8 = 0x10;

const ISSUER_AUTHENTICATION_FAILED: u8 = 0x08;
const UNABLE_TO_GO_ONLINE: u8 = 0x01;
const LAST_ONLINE_UNFINISHED: u8 = 0x80;
const NEW_CARD: u8 = 0x10;
const LAST_ISSUER_AUTHENTICATION_FAILED: u8 = 0x08;
const ISSUER_AUTHENTICATION_NOT_PERFORMED: u8 = 0x04;
const DDA_PERFORMED: u8 = 0x02;

/// What the card computes and decides with, the same in every transaction.
pub struct Chip {
    /// Signs DDA and CDA.
    pub signature: Rsa<Private>,
    /// Derived from the issuer's master key for this card.
    pub master: CardKey,
    /// How it decides for itself.
    pub rules: RiskRules,
}

/// How the card decides for itself.
#[derive(Clone, Copy, Debug)]
pub struct RiskRules {
    /// Up to this amount of its own currency it approves offline.
    pub offline_limit: u64,
    /// Its own currency, packed.
    pub currency: [u8; 2],
    /// Declines at its last word, whatever the issuer said.
    pub declines_after_approval: bool,
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
    phase: Phase,
}

/// How far a transaction has come.
#[derive(Debug)]
enum Phase {
    /// No cryptogram yet.
    Begun,
    /// An ARQC is out; the issuer's answer is expected.
    Online { arqc: [u8; 8], first_data: Vec<u8> },
    /// The last cryptogram is out.
    Ended,
}

/// One GENERATE AC.
struct Request<'a> {
    cryptogram: Cryptogram,
    signed: bool,
    data: &'a [u8],
}

impl Transaction {
    /// Begins a transaction with a counter that is already kept. `options` are the values the PDOL asks for.
    pub fn new(atc: u16, options: &[u8], earlier: Counters) -> Self {
        Self { atc, options: options.to_vec(), earlier, dda_performed: false, phase: Phase::Begun }
    }

    /// INTERNAL AUTHENTICATE (Book 3, 6.5.9): dynamic data authentication.
    ///
    /// # Errors
    /// A status word.
    pub fn internal_authenticate(&mut self, chip: &Chip, challenge: &[u8]) -> Result<Vec<u8>, Status> {
        if !matches!(self.phase, Phase::Begun) {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        has_length(challenge, DDOL)?;
        let signature = sign_dynamic(&chip.signature, &dynamic_number()?, challenge).map_err(no_diagnosis)?;
        self.dda_performed = true;
        let answer = TlvBuilder::new().with(tag::SIGNED_DYNAMIC_DATA, &signature);
        Ok(TlvBuilder::new().with_template(tag::RESPONSE_FORMAT_2, answer).build())
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
            Phase::Online { arqc, first_data } => match second_is_possible(&request) {
                Ok(()) => self.second(chip, memory, &request, &Issuer { arqc, first_data: &first_data }),
                Err(status) => {
                    self.phase = Phase::Online { arqc, first_data };
                    Err(status)
                }
            },
            Phase::Ended => Err(Status::CONDITIONS_NOT_SATISFIED),
        }
    }

    fn first(&mut self, chip: &Chip, memory: &mut Memory, request: &Request<'_>) -> Result<Vec<u8>, Status> {
        let data = request.data;
        let decision = match request.cryptogram {
            Cryptogram::Tc if !chip.rules.approve_offline(CDOL1, data) => Cryptogram::Arqc,
            other => other,
        };
        // Second cryptogram not asked for yet, first one as decided.
        let verification = self.verification_results(0x80 | (decision as u8) >> 2, 0);
        let cryptogram = self.cryptogram(chip, CDOL1, data, verification).map_err(no_diagnosis)?;
        if decision == Cryptogram::Arqc {
            let counters = Counters { online_unfinished: true, ..memory.counters() };
            memory.keep(counters).map_err(|_| Status::MEMORY_FAILURE)?;
            self.phase = Phase::Online { arqc: cryptogram, first_data: data.to_vec() };
        }
        let challenge = value_of(CDOL1, data, tag::UNPREDICTABLE_NUMBER).filter(|_| request.signed);
        let hashed = [&self.options, data].concat();
        self.answer(chip, decision, cryptogram, verification, challenge, &hashed)
    }

    fn second(
        &mut self,
        chip: &Chip,
        memory: &mut Memory,
        request: &Request<'_>,
        issuer: &Issuer<'_>,
    ) -> Result<Vec<u8>, Status> {
        let data = request.data;
        let verdict = issuer.verdict(chip, self.atc, data).map_err(no_diagnosis)?;
        let approved = match verdict {
            Verdict::Approved => !chip.rules.declines_after_approval,
            Verdict::Unreachable { may_approve } => may_approve && chip.rules.approve_offline(CDOL2, data),
            Verdict::Declined | Verdict::Forged | Verdict::Unauthenticated { .. } => false,
        };
        let decision = if approved && request.cryptogram == Cryptogram::Tc { Cryptogram::Tc } else { Cryptogram::Aac };
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
        let verification = self.verification_results(second_byte, of_issuer);
        let cryptogram = self.cryptogram(chip, CDOL2, data, verification).map_err(no_diagnosis)?;
        self.remember(memory, verdict)?;
        let challenge = value_of(CDOL2, data, tag::UNPREDICTABLE_NUMBER).filter(|_| request.signed);
        let hashed = [&self.options, issuer.first_data, data].concat();
        self.answer(chip, decision, cryptogram, verification, challenge, &hashed)
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
    fn verification_results(&self, second_byte: u8, of_issuer: u8) -> [u8; 4] {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let third_byte = flag(self.earlier.online_unfinished, LAST_ONLINE_UNFINISHED)
            | flag(self.earlier.last_online_atc == 0, NEW_CARD)
            | flag(self.earlier.issuer_authentication_failed, LAST_ISSUER_AUTHENTICATION_FAILED)
            | of_issuer;
        [0x03, second_byte, third_byte, flag(self.dda_performed, DDA_PERFORMED)]
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
            aip: &AIP,
            atc: &self.atc.to_be_bytes(),
            card_verification_results: &verification,
        };
        chip.master.session_key(self.atc)?.application_cryptogram(&input.bytes())
    }

    /// Format 2: plain, or with the cryptogram inside a CDA signature when there is a `challenge` to sign. An AAC is never
    /// signed (Book 2, 6.6.1).
    fn answer(
        &self,
        chip: &Chip,
        decision: Cryptogram,
        cryptogram: [u8; 8],
        verification: [u8; 4],
        challenge: Option<&[u8]>,
        hashed: &[u8],
    ) -> Result<Vec<u8>, Status> {
        let information = [decision as u8];
        let own = issuer_application_data(verification, Algorithm::Tdes);
        let head =
            TlvBuilder::new().with(tag::CRYPTOGRAM_INFORMATION, &information).with(tag::ATC, &self.atc.to_be_bytes());
        let content = match challenge.filter(|_| decision != Cryptogram::Aac) {
            None => head.with(tag::CRYPTOGRAM, &cryptogram).with(tag::ISSUER_APPLICATION_DATA, &own),
            Some(challenge) => {
                let answered = head.clone().with(tag::ISSUER_APPLICATION_DATA, &own).build();
                let hash = sha_1(&[hashed, &answered].concat()).map_err(no_diagnosis)?;
                let dynamic = [&dynamic_number()?[..], &information, &cryptogram, &hash].concat();
                let signature = sign_dynamic(&chip.signature, &dynamic, challenge).map_err(no_diagnosis)?;
                head.with(tag::SIGNED_DYNAMIC_DATA, &signature).with(tag::ISSUER_APPLICATION_DATA, &own)
            }
        };
        Ok(TlvBuilder::new().with_template(tag::RESPONSE_FORMAT_2, content).build())
    }
}

/// The issuer's side of the second GENERATE AC.
struct Issuer<'a> {
    arqc: [u8; 8],
    first_data: &'a [u8],
}

/// What the card makes of the issuer's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The issuer approved, and it was the issuer.
    Approved,
    /// The issuer declined, and it was the issuer.
    Declined,
    /// The response cryptogram is wrong, or vouches for another response code than the terminal says.
    Forged,
    /// The host answered without a response cryptogram.
    Unauthenticated { approval: bool },
    /// The terminal heard nothing (`Y3`, `Z3`), or never asked (`Y1`, `Z1`).
    Unreachable { may_approve: bool },
}

impl Issuer<'_> {
    /// Method 1 (Book 2, 8.2.1): eight bytes of cryptogram and the response code it vouches for.
    fn verdict(&self, chip: &Chip, atc: u16, data: &[u8]) -> Result<Verdict, CryptoError> {
        let said = value_of(CDOL2, data, tag::AUTHORISATION_RESPONSE_CODE).unwrap_or_default();
        match said {
            b"Y3" => return Ok(Verdict::Unreachable { may_approve: true }),
            b"Z3" | b"Y1" | b"Z1" => return Ok(Verdict::Unreachable { may_approve: false }),
            _ => {}
        }
        let proof = value_of(CDOL2, data, tag::ISSUER_AUTHENTICATION_DATA).unwrap_or_default();
        // A terminal without issuer authentication data fills the place with zeros (Book 3, 5.4).
        if proof.iter().all(|byte| *byte == 0) {
            return Ok(Verdict::Unauthenticated { approval: <[u8; 2]>::try_from(said).is_ok_and(approves) });
        }
        let Some((cryptogram, code)) = proof.split_first_chunk::<8>() else { return Ok(Verdict::Forged) };
        let Ok(vouched) = <[u8; 2]>::try_from(code) else { return Ok(Verdict::Forged) };
        let expected = chip.master.session_key(atc)?.response_cryptogram_1(self.arqc, vouched)?;
        Ok(if !mac::equal(&expected, cryptogram) || vouched != said {
            Verdict::Forged
        } else if approves(vouched) {
            Verdict::Approved
        } else {
            Verdict::Declined
        })
    }
}

impl RiskRules {
    fn approve_offline(self, list: &DataObjectList, data: &[u8]) -> bool {
        let amount = value_of(list, data, tag::AMOUNT_AUTHORISED).unwrap_or_default();
        let minor =
            amount.iter().fold(0, |sum: u64, byte| sum * 100 + u64::from(byte >> 4) * 10 + u64::from(byte & 0x0F));
        let own_currency = value_of(list, data, tag::TRANSACTION_CURRENCY) == Some(&self.currency[..]);
        own_currency && self.offline_limit > 0 && minor <= self.offline_limit
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

fn second_is_possible(request: &Request<'_>) -> Result<(), Status> {
    if request.cryptogram == Cryptogram::Arqc {
        return Err(Status::WRONG_PARAMETERS);
    }
    has_length(request.data, CDOL2)
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
