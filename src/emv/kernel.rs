//! One contact transaction, from the first SELECT to the card's last word, as resumable steps.
//!
//! [`Kernel::step`] takes an [`Event`] and yields the next [`Step`]; nothing happens in between. It knows no reader, no
//! clock and no random generator: date, time and unpredictable number are handed in with [`TransactionData`].
//!
//! Not here yet, and said so in the TVR: offline data authentication, PIN, velocity checking, issuer scripts.

use std::collections::VecDeque;

use super::action::{self, ActionCodes, Cryptogram, Reach};
use super::afl::{self, RecordPlace};
use super::apdu::{CardAnswer, Command, Status};
use super::cvm::{self, Verification};
use super::data::{CardDataError, DataObjects, fill};
use super::restrictions;
use super::results::{Tsi, Tvr};
use super::selection::{Candidate, Next, Selection};
use super::tag::{self, Tag};
use super::terminal::TerminalData;
use super::tlv;

/// Bits of the application interchange profile's first byte (Book 3, annex C1).
const AIP_CARDHOLDER_VERIFICATION: u8 = 0x10;
const AIP_TERMINAL_RISK_MANAGEMENT: u8 = 0x08;
const AIP_EXTERNAL_AUTHENTICATE: u8 = 0x04;

/// Objects of an answer to GENERATE AC (Book 3, 6.5.5.4).
const CRYPTOGRAM_ANSWER: [Tag; 5] =
    [tag::CRYPTOGRAM_INFORMATION, tag::ATC, tag::CRYPTOGRAM, tag::ISSUER_APPLICATION_DATA, tag::SIGNED_DYNAMIC_DATA];

/// Issuer application data has up to 32 bytes (Book 3, annex A1).
const LONGEST_ISSUER_DATA: usize = 32;

/// Authorisation response code when the host could not be reached and the terminal declines (Book 4, annex A6).
const UNABLE_TO_GO_ONLINE_DECLINED: &[u8; 2] = b"Z3";

/// What is particular to this transaction.
#[derive(Clone, Debug)]
pub struct TransactionData {
    /// 9F02, twelve BCD digits.
    pub amount: [u8; 6],
    /// 5F2A, ISO 4217 numeric.
    pub currency: [u8; 2],
    /// 5F36.
    pub currency_exponent: u8,
    /// 9A, YYMMDD.
    pub date: [u8; 3],
    /// 9F21, HHMMSS.
    pub time: [u8; 3],
    /// 9C: 00 purchase.
    pub transaction_type: u8,
    /// 9F37: four bytes from the system's random generator, fresh for every transaction.
    pub unpredictable_number: [u8; 4],
    /// 9F41, four bytes BCD.
    pub sequence_counter: [u8; 4],
    /// 9F1C, the terminal number, 8 characters.
    pub terminal_identification: Vec<u8>,
    /// 9F16, the merchant code, 15 characters.
    pub merchant_identifier: Vec<u8>,
    /// 9F1E, 8 characters.
    pub interface_serial_number: [u8; 8],
}

/// What happened outside.
#[derive(Clone, Debug)]
pub enum Event {
    /// A card is in and powered.
    Start,
    /// The card answered the last command.
    Answer(CardAnswer),
    /// What became of the request for authorisation.
    Online(OnlineResult),
}

/// What became of going online.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnlineResult {
    /// The issuer approved.
    Approved {
        /// 8A.
        response_code: [u8; 2],
        /// Field 55 of the answer: 91 and scripts.
        issuer_data: Vec<u8>,
    },
    /// The issuer declined, or its approval is not wanted.
    Declined {
        /// 8A.
        response_code: [u8; 2],
        /// Field 55 of the answer.
        issuer_data: Vec<u8>,
    },
    /// No answer that can be believed.
    UnableToGoOnline,
}

/// What to do next.
#[derive(Clone, Debug)]
pub enum Step {
    /// Send this to the card and come back with its answer.
    Send(Command),
    /// The card gave an ARQC: ask the issuer.
    GoOnline,
    /// The transaction is over for the card.
    Done(Outcome),
}

/// How a transaction ended for the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The card gave a TC.
    Approved,
    /// The card gave an AAC.
    Declined,
    /// The transaction cannot go on with this card.
    Terminated(Termination),
}

/// Why a transaction cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Termination {
    /// No application in common.
    #[error("no application on the card that this terminal takes")]
    NoCommonApplication,
    /// The card said `6A81` to the first SELECT.
    #[error("the card is blocked")]
    CardBlocked,
    /// The only applications in common are blocked.
    #[error("the application is blocked")]
    ApplicationBlocked,
    /// What the card says of itself cannot be.
    #[error("{0}")]
    CardData(#[from] CardDataError),
    /// A status that ends the transaction.
    #[error("the card answered {status:?} to {command}")]
    Status {
        /// Name of the command.
        command: &'static str,
        /// What the card answered.
        status: Status,
    },
    /// The card gave a cryptogram that was not asked for and is worth more.
    #[error("the card answered with a cryptogram that was not asked for")]
    Cryptogram,
    /// An event came that does not belong to the current state: a fault of this program.
    #[error("an event came out of turn")]
    OutOfTurn,
}

/// A transaction with a card.
#[derive(Debug)]
pub struct Kernel {
    terminal: TerminalData,
    data: DataObjects,
    tvr: Tvr,
    tsi: Tsi,
    verification: Verification,
    label: Option<Vec<u8>>,
    state: State,
}

#[derive(Debug)]
enum State {
    Ready,
    Selecting(Selection),
    FinalSelect { chosen: Candidate, others: VecDeque<Candidate>, blocked_seen: bool },
    ProcessingOptions { others: VecDeque<Candidate>, blocked_seen: bool, application: usize },
    Reading { places: VecDeque<RecordPlace>, application: usize },
    FirstCryptogram { requested: Cryptogram },
    Online,
    ExternalAuthentication { approved: bool },
    SecondCryptogram { requested: Cryptogram },
    Done,
}

impl Kernel {
    /// A kernel for one transaction.
    pub fn new(terminal: TerminalData, transaction: &TransactionData) -> Self {
        let data = initial_data(&terminal, transaction);
        let mut tvr = Tvr::default();
        tvr.set(Tvr::ODA_NOT_PERFORMED);
        Self {
            terminal,
            data,
            tvr,
            tsi: Tsi::default(),
            verification: Verification::NotPerformed,
            label: None,
            state: State::Ready,
        }
    }

    /// Takes what happened, gives what to do next. After [`Step::Done`] nothing more comes.
    pub fn step(&mut self, event: Event) -> Step {
        self.advance(event).unwrap_or_else(|termination| self.end(Outcome::Terminated(termination)))
    }

    /// The data objects of card and terminal.
    pub const fn data(&self) -> &DataObjects {
        &self.data
    }

    /// The results so far.
    pub const fn tvr(&self) -> Tvr {
        self.tvr
    }

    /// The steps performed so far.
    pub const fn tsi(&self) -> Tsi {
        self.tsi
    }

    /// How the cardholder was verified.
    pub const fn verification(&self) -> Verification {
        self.verification
    }

    /// True from the moment all records have been read until the card has had its last word.
    pub const fn card_is_read(&self) -> bool {
        matches!(
            self.state,
            State::FirstCryptogram { .. }
                | State::Online
                | State::ExternalAuthentication { .. }
                | State::SecondCryptogram { .. }
        )
    }

    /// The selected application's name for people: its label, or nothing.
    pub fn application_label(&self) -> String {
        let printable =
            |bytes: &[u8]| bytes.iter().filter(|b| (0x20..0x7F).contains(*b)).map(|b| char::from(*b)).collect();
        self.label.as_deref().map(printable).unwrap_or_default()
    }

    fn advance(&mut self, event: Event) -> Result<Step, Termination> {
        match (std::mem::replace(&mut self.state, State::Done), event) {
            (State::Ready, Event::Start) => {
                let (selection, command) = Selection::start();
                Ok(self.wait(State::Selecting(selection), command))
            }
            (State::Online, Event::Online(result)) => self.after_online(result),
            (state, Event::Answer(answer)) => {
                let too_short = Termination::Status { command: "a command", status: Status(0) };
                let (data, status) = answer.split().ok_or(too_short)?;
                self.after_answer(state, data, status)
            }
            _ => Err(Termination::OutOfTurn),
        }
    }

    fn after_answer(&mut self, state: State, data: &[u8], status: Status) -> Result<Step, Termination> {
        match state {
            State::Selecting(mut selection) => match selection.answer(data, status, &self.terminal.applications) {
                Next::Send(command) => Ok(self.wait(State::Selecting(selection), command)),
                Next::CardBlocked => Err(Termination::CardBlocked),
                Next::Candidates(candidates) => self.try_next(candidates.into(), selection.blocked_seen),
            },
            State::FinalSelect { chosen, others, blocked_seen } => {
                self.after_final_select(chosen, others, blocked_seen, data, status)
            }
            State::ProcessingOptions { others, blocked_seen, application } => match status {
                Status::OK => self.after_processing_options(data, application),
                Status::CONDITIONS => self.try_next(others, blocked_seen),
                status => Err(Termination::Status { command: "GET PROCESSING OPTIONS", status }),
            },
            State::Reading { places, application } => self.after_record(places, application, data, status),
            State::FirstCryptogram { requested } => self.after_first_cryptogram(requested, data, status),
            State::ExternalAuthentication { approved } => {
                self.tsi.set(Tsi::ISSUER_AUTHENTICATION_PERFORMED);
                if status != Status::OK {
                    self.tvr.set(Tvr::ISSUER_AUTHENTICATION_FAILED);
                }
                self.second_cryptogram(approved)
            }
            State::SecondCryptogram { requested } => self.after_second_cryptogram(requested, data, status),
            State::Ready | State::Online | State::Done => Err(Termination::OutOfTurn),
        }
    }

    /// Selects the best candidate that is left (Book 1, 12.4).
    fn try_next(&mut self, mut candidates: VecDeque<Candidate>, blocked_seen: bool) -> Result<Step, Termination> {
        match candidates.pop_front() {
            Some(chosen) => {
                let command = Command::select(&chosen.df_name, false);
                Ok(self.wait(State::FinalSelect { chosen, others: candidates, blocked_seen }, command))
            }
            None if blocked_seen => Err(Termination::ApplicationBlocked),
            None => Err(Termination::NoCommonApplication),
        }
    }

    fn after_final_select(
        &mut self,
        chosen: Candidate,
        others: VecDeque<Candidate>,
        blocked_seen: bool,
        data: &[u8],
        status: Status,
    ) -> Result<Step, Termination> {
        if status != Status::OK {
            return self.try_next(others, blocked_seen || status == Status::BLOCKED);
        }
        let application = chosen.application;
        let name = tlv::find(data, tag::DF_NAME).map_err(CardDataError::from)?;
        if name != Some(&chosen.df_name) {
            return Err(CardDataError::Wrong(tag::DF_NAME).into());
        }
        self.begin_application(&chosen, data)?;
        let pdol = tlv::find(data, tag::PDOL).map_err(CardDataError::from)?.unwrap_or(&[]);
        let values = fill(pdol, &self.data)?;
        let command = Command::get_processing_options(&values);
        Ok(self.wait(State::ProcessingOptions { others, blocked_seen, application }, command))
    }

    /// Puts in place what belongs to the selected application and forgets what an earlier one left.
    fn begin_application(&mut self, chosen: &Candidate, fci: &[u8]) -> Result<(), CardDataError> {
        let application = &self.terminal.applications[chosen.application];
        self.data.put(tag::TERMINAL_AID, application.aid.clone());
        self.data.put(tag::TERMINAL_APPLICATION_VERSION, application.version);
        self.data.put(tag::FLOOR_LIMIT, application.floor_limit.to_be_bytes());
        self.data.put(tag::DF_NAME, chosen.df_name.clone());
        let label = tlv::find(fci, tag::APPLICATION_LABEL)?.map(<[u8]>::to_vec);
        self.label = label.or_else(|| chosen.label.clone());
        Ok(())
    }

    fn after_processing_options(&mut self, data: &[u8], application: usize) -> Result<Step, Termination> {
        let template = only_template(data)?;
        let (aip, afl) = match template.tag {
            tag::RESPONSE_FORMAT_1 => template.value.split_at_checked(2).ok_or(CardDataError::Wrong(template.tag))?,
            tag::RESPONSE_FORMAT_2 => {
                let find = |tag| tlv::find(template.value, tag).map_err(CardDataError::from);
                let aip = find(tag::AIP)?.ok_or(CardDataError::Missing(tag::AIP))?;
                (aip, find(tag::AFL)?.ok_or(CardDataError::Missing(tag::AFL))?)
            }
            other => return Err(CardDataError::Wrong(other).into()),
        };
        if aip.len() != 2 {
            return Err(CardDataError::Wrong(tag::AIP).into());
        }
        self.data.put(tag::AIP, aip);
        self.data.put(tag::AFL, afl);
        self.read_next(afl::records(afl)?.into(), application)
    }

    fn read_next(&mut self, places: VecDeque<RecordPlace>, application: usize) -> Result<Step, Termination> {
        match places.front() {
            Some(place) => {
                let command = Command::read_record(place.sfi, place.record);
                Ok(self.wait(State::Reading { places, application }, command))
            }
            None => self.after_reading(application),
        }
    }

    fn after_record(
        &mut self,
        mut places: VecDeque<RecordPlace>,
        application: usize,
        data: &[u8],
        status: Status,
    ) -> Result<Step, Termination> {
        if status != Status::OK {
            return Err(Termination::Status { command: "READ RECORD", status });
        }
        let place = places.pop_front().ok_or(Termination::OutOfTurn)?;
        // Files 11 to 30 are the issuer's own business; only 1 to 10 have the form of the Book (Book 3, 5.3.2.2).
        if place.sfi <= 10 {
            let template = only_template(data)?;
            if template.tag != tag::RECORD_TEMPLATE {
                return Err(CardDataError::Wrong(template.tag).into());
            }
            self.data.read_from_card(template.value)?;
        }
        self.read_next(places, application)
    }

    /// Restrictions, cardholder verification, risk management and action analysis, then the first GENERATE AC.
    fn after_reading(&mut self, application: usize) -> Result<Step, Termination> {
        for mandatory in [tag::EXPIRATION_DATE, tag::PAN, tag::CDOL1, tag::CDOL2] {
            self.data.require(mandatory)?;
        }
        let [profile, _] = self.data.sized::<2>(tag::AIP)?.unwrap_or_default();
        restrictions::check(&self.data, &mut self.tvr)?;
        if profile & AIP_CARDHOLDER_VERIFICATION != 0 {
            let result = cvm::verify(&self.data, &mut self.tvr)?;
            self.verification = result.verification;
            self.data.put(tag::CVM_RESULTS, result.results);
            self.tsi.set(Tsi::CVM_PERFORMED);
        } else {
            self.data.put(tag::CVM_RESULTS, [0x3F, 0x00, 0x00]);
        }
        let application = &self.terminal.applications[application];
        if profile & AIP_TERMINAL_RISK_MANAGEMENT != 0 {
            let amount = amount_in_minor_units(self.data.require(tag::AMOUNT_AUTHORISED)?);
            if amount >= u64::from(application.floor_limit) {
                self.tvr.set(Tvr::FLOOR_LIMIT_EXCEEDED);
            }
            self.tsi.set(Tsi::TERMINAL_RISK_PERFORMED);
        }
        let codes = ActionCodes::of(application.tac_denial, application.tac_online, &self.data)?;
        let requested = action::first(self.tvr, &codes, Reach::of_terminal_type(self.terminal.terminal_type));
        let command = self.generate_ac(requested, tag::CDOL1)?;
        Ok(self.wait(State::FirstCryptogram { requested }, command))
    }

    fn generate_ac(&mut self, requested: Cryptogram, list: Tag) -> Result<Command, CardDataError> {
        self.data.put(tag::TVR, self.tvr.0);
        self.data.put(tag::TSI, self.tsi.0);
        let values = fill(self.data.require(list)?, &self.data)?;
        Ok(Command::generate_ac(requested, &values))
    }

    fn after_first_cryptogram(
        &mut self,
        requested: Cryptogram,
        data: &[u8],
        status: Status,
    ) -> Result<Step, Termination> {
        let given = self.take_cryptogram(data, status)?;
        self.tsi.set(Tsi::CARD_RISK_PERFORMED);
        self.data.put(tag::TSI, self.tsi.0);
        match (requested, given) {
            (_, Cryptogram::Aac) => Ok(self.end(Outcome::Declined)),
            (Cryptogram::Tc | Cryptogram::Arqc, Cryptogram::Arqc) => {
                self.state = State::Online;
                Ok(Step::GoOnline)
            }
            (Cryptogram::Tc, Cryptogram::Tc) => Ok(self.end(Outcome::Approved)),
            // A card may step down from what was asked, never up (Book 3, 10.8).
            (Cryptogram::Arqc | Cryptogram::Aac, Cryptogram::Tc) | (Cryptogram::Aac, Cryptogram::Arqc) => {
                Err(Termination::Cryptogram)
            }
        }
    }

    fn after_online(&mut self, result: OnlineResult) -> Result<Step, Termination> {
        let (approved, response_code, issuer_data) = match result {
            OnlineResult::Approved { response_code, issuer_data } => (true, response_code, issuer_data),
            OnlineResult::Declined { response_code, issuer_data } => (false, response_code, issuer_data),
            OnlineResult::UnableToGoOnline => (false, *UNABLE_TO_GO_ONLINE_DECLINED, Vec::new()),
        };
        self.data.put(tag::AUTHORISATION_RESPONSE_CODE, response_code);
        // An answer that is not TLV brings no authentication data; the card then decides without it.
        let authentication = tlv::find(&issuer_data, tag::ISSUER_AUTHENTICATION_DATA).ok().flatten();
        if let Some(data) = authentication.filter(|data| (8..=16).contains(&data.len())) {
            self.data.put(tag::ISSUER_AUTHENTICATION_DATA, data);
            let [profile, _] = self.data.sized::<2>(tag::AIP)?.unwrap_or_default();
            if profile & AIP_EXTERNAL_AUTHENTICATE != 0 {
                let command = Command::external_authenticate(data);
                return Ok(self.wait(State::ExternalAuthentication { approved }, command));
            }
        }
        self.second_cryptogram(approved)
    }

    fn second_cryptogram(&mut self, approved: bool) -> Result<Step, Termination> {
        let requested = if approved { Cryptogram::Tc } else { Cryptogram::Aac };
        let command = self.generate_ac(requested, tag::CDOL2)?;
        Ok(self.wait(State::SecondCryptogram { requested }, command))
    }

    fn after_second_cryptogram(
        &mut self,
        requested: Cryptogram,
        data: &[u8],
        status: Status,
    ) -> Result<Step, Termination> {
        match (requested, self.take_cryptogram(data, status)?) {
            (Cryptogram::Tc, Cryptogram::Tc) => Ok(self.end(Outcome::Approved)),
            (_, Cryptogram::Aac) => Ok(self.end(Outcome::Declined)),
            (_, Cryptogram::Tc | Cryptogram::Arqc) => Err(Termination::Cryptogram),
        }
    }

    /// Reads an answer to GENERATE AC in either format and keeps its objects (Book 3, 6.5.5.4).
    fn take_cryptogram(&mut self, data: &[u8], status: Status) -> Result<Cryptogram, Termination> {
        if status != Status::OK {
            return Err(Termination::Status { command: "GENERATE AC", status });
        }
        // What the first answer left must not stand in for what the second leaves out.
        for object in CRYPTOGRAM_ANSWER {
            self.data.remove(object);
        }
        let template = only_template(data)?;
        match template.tag {
            tag::RESPONSE_FORMAT_1 => {
                let value = template.value;
                if !(11..=43).contains(&value.len()) {
                    return Err(CardDataError::Wrong(template.tag).into());
                }
                self.data.put(tag::CRYPTOGRAM_INFORMATION, &value[..1]);
                self.data.put(tag::ATC, &value[1..3]);
                self.data.put(tag::CRYPTOGRAM, &value[3..11]);
                if value.len() > 11 {
                    self.data.put(tag::ISSUER_APPLICATION_DATA, &value[11..]);
                }
            }
            tag::RESPONSE_FORMAT_2 => {
                for object in tlv::walk(template.value) {
                    let object = object.map_err(CardDataError::from)?;
                    // Only what belongs into this answer: a card cannot overwrite its number here.
                    if CRYPTOGRAM_ANSWER.contains(&object.tag) {
                        if self.data.get(object.tag).is_some() {
                            return Err(CardDataError::Twice(object.tag).into());
                        }
                        self.data.put(object.tag, object.value);
                    }
                }
            }
            other => return Err(CardDataError::Wrong(other).into()),
        }
        if self.data.get(tag::ISSUER_APPLICATION_DATA).is_some_and(|data| data.len() > LONGEST_ISSUER_DATA) {
            return Err(CardDataError::Wrong(tag::ISSUER_APPLICATION_DATA).into());
        }
        self.data.sized::<8>(tag::CRYPTOGRAM)?.ok_or(CardDataError::Missing(tag::CRYPTOGRAM))?;
        self.data.sized::<2>(tag::ATC)?.ok_or(CardDataError::Missing(tag::ATC))?;
        let [information] =
            self.data.sized(tag::CRYPTOGRAM_INFORMATION)?.ok_or(CardDataError::Missing(tag::CRYPTOGRAM_INFORMATION))?;
        Cryptogram::from_information(information)
            .ok_or_else(|| CardDataError::Wrong(tag::CRYPTOGRAM_INFORMATION).into())
    }

    fn wait(&mut self, state: State, command: Command) -> Step {
        self.state = state;
        Step::Send(command)
    }

    fn end(&mut self, outcome: Outcome) -> Step {
        self.state = State::Done;
        self.data.put(tag::TVR, self.tvr.0);
        self.data.put(tag::TSI, self.tsi.0);
        Step::Done(outcome)
    }
}

fn initial_data(terminal: &TerminalData, transaction: &TransactionData) -> DataObjects {
    let mut data = DataObjects::default();
    data.put(tag::TERMINAL_COUNTRY, terminal.country);
    data.put(tag::TERMINAL_TYPE, [terminal.terminal_type]);
    data.put(tag::TERMINAL_CAPABILITIES, terminal.capabilities);
    data.put(tag::ADDITIONAL_CAPABILITIES, terminal.additional_capabilities);
    data.put(tag::AMOUNT_AUTHORISED, transaction.amount);
    data.put(tag::AMOUNT_OTHER, [0; 6]);
    data.put(tag::TRANSACTION_CURRENCY, transaction.currency);
    data.put(tag::TRANSACTION_CURRENCY_EXPONENT, [transaction.currency_exponent]);
    data.put(tag::TRANSACTION_DATE, transaction.date);
    data.put(tag::TRANSACTION_TIME, transaction.time);
    data.put(tag::TRANSACTION_TYPE, [transaction.transaction_type]);
    data.put(tag::UNPREDICTABLE_NUMBER, transaction.unpredictable_number);
    data.put(tag::TRANSACTION_SEQUENCE_COUNTER, transaction.sequence_counter);
    data.put(tag::TERMINAL_IDENTIFICATION, transaction.terminal_identification.clone());
    data.put(tag::MERCHANT_IDENTIFIER, transaction.merchant_identifier.clone());
    data.put(tag::IFD_SERIAL_NUMBER, transaction.interface_serial_number);
    data
}

/// The one template an answer consists of.
fn only_template(data: &[u8]) -> Result<tlv::Tlv<'_>, CardDataError> {
    let mut objects = tlv::walk(data);
    let template = objects.next().ok_or(CardDataError::Missing(tag::RESPONSE_FORMAT_2))??;
    match objects.next() {
        None => Ok(template),
        Some(extra) => Err(CardDataError::Wrong(extra?.tag)),
    }
}

fn amount_in_minor_units(bcd: &[u8]) -> u64 {
    bcd.iter().fold(0, |sum, byte| sum * 100 + u64::from(byte >> 4) * 10 + u64::from(byte & 0x0F))
}
