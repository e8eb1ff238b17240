//! One contact transaction, from the first SELECT to the card's last word, as resumable steps.
//!
//! [`Kernel::step`] takes an [`Event`] and yields the next [`Step`]; nothing happens in between. It knows no reader, no
//! clock and no random generator: date, time and random numbers are handed in with [`TransactionData`].
//!
//! | file | steps |
//! |---|---|
//! | `application` | selection, choice, final SELECT, GET PROCESSING OPTIONS |
//! | `reading` | records, mandatory data |
//! | `authentication` | offline data authentication |
//! | `judging` | restrictions, cardholder verification, risk management, action analysis, first GENERATE AC |
//! | `completion` | the issuer's answer, issuer authentication, scripts, second GENERATE AC |
//!
//! Events and steps name nothing that only a contact card has: [`super::entry_point`] can put kernels of another interface
//! beside this one, driven by the same two types.

mod application;
mod authentication;
mod completion;
mod judging;
mod outcome;
mod reading;
#[cfg(test)]
mod tests;
mod transaction;

use super::action::{ActionCodes, Cryptogram};
use super::apdu::{CardAnswer, Command, Status};
use super::cvm::{CardholderVerification, Verification};
use super::data::DataObjects;
use super::dol::{DataObjectList, Values};
use super::oda::{CardKey, OdaFailure, RecordsToAuthenticate, StaticData};
use super::pin::{PinEntry, PinRequest};
use super::results::{Tsi, Tvr};
use super::risk::{Lookup, Velocity};
use super::scripts::{IssuerAnswer, ScriptRun};
use super::selection::{Candidate, Selection};
use super::tag;
use super::terminal::TerminalData;
use crate::crypto::rsa::sha_1;
use application::Candidates;
pub use authentication::Authentication;
pub use outcome::{Outcome, Termination};
use reading::Records;
pub use transaction::{OnlineResult, TransactionData};

/// What happened outside.
#[derive(Clone, Debug)]
pub enum Event {
    /// A card is in and powered.
    Start,
    /// The card answered the last command.
    Answer(CardAnswer),
    /// Which of the offered applications it shall be, counted from 0; nothing when it shall be none.
    Chosen(Option<usize>),
    /// Whether the cardholder agrees to the application.
    Confirmed(bool),
    /// What came of asking for a PIN.
    Pin(PinEntry),
    /// What log and exception file say.
    LookedUp(Lookup),
    /// What became of the request for authorisation.
    Online(OnlineResult),
    /// Whether the issuer approved when it was called.
    Referred(bool),
    /// What was decided is noted: go on.
    Noted,
}

/// What to do next.
#[derive(Clone, Debug)]
pub enum Step {
    /// Send this to the card and come back with its answer.
    Send(Command),
    /// Let somebody choose an application; the best one comes first.
    Choose(Vec<Choice>),
    /// Ask the cardholder whether this application may be used.
    Confirm(Choice),
    /// Ask the cardholder for a PIN.
    AskPin(PinRequest),
    /// Look the card's number (5A, 5F34) up in the log and on the exception file.
    LookUp,
    /// The card gave an ARQC: ask the issuer.
    GoOnline,
    /// The issuer wants to be called.
    CallIssuer,
    /// The outcome stands; what the card is still told (issuer scripts) changes nothing.
    Decided(Outcome),
    /// The transaction is over for the card.
    Done(Outcome),
}

/// An application that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Name for people.
    pub name: String,
    /// Name on the card.
    pub df_name: Vec<u8>,
    /// Not to be used without the cardholder's consent.
    pub needs_confirmation: bool,
}

/// A transaction with a card.
#[cfg_attr(test, derive(Clone))]
#[derive(Debug)]
pub struct Kernel {
    terminal: TerminalData,
    transaction: TransactionData,
    data: DataObjects,
    tvr: Tvr,
    tsi: Tsi,
    verification: Verification,
    /// What belongs to the selected application.
    application: Application,
    /// What the terminal asked for in the first GENERATE AC.
    requested: Option<Cryptogram>,
    state: State,
}

/// The selected application and what it asked for. A new selection begins with a new one.
#[cfg_attr(test, derive(Clone))]
#[derive(Debug, Default)]
struct Application {
    /// Index in the terminal's list.
    index: usize,
    /// Name for people.
    name: String,
    /// First of the card's languages that the terminal speaks.
    language: Option<[u8; 2]>,
    /// Values of the PDOL and of CDOL1 as they were sent: a CDA signature covers them.
    pdol_values: Values,
    cdol1_values: Values,
    records: RecordsToAuthenticate,
    /// The records and what else static signatures cover, once all are read.
    static_data: Option<Result<StaticData, OdaFailure>>,
    authentication: Option<Authentication>,
    card_key: Option<CardKey>,
    cdol1: DataObjectList,
    cdol2: DataObjectList,
    /// What a TC hash is made from; nothing when neither CDOL asks for one.
    tdol: Option<DataObjectList>,
    action_codes: ActionCodes,
    /// All records have been read and nothing is missing.
    read: bool,
}

#[cfg_attr(test, derive(Clone))]
#[derive(Debug)]
enum State {
    Ready,
    Selecting(Selection),
    Choosing(Candidates),
    Confirming { chosen: Candidate, others: Candidates },
    FinalSelect { chosen: Candidate, others: Candidates },
    ProcessingOptions { others: Candidates },
    Reading(Records),
    Authenticating { challenge: Values },
    Verifying(Box<CardholderVerification>),
    LookingUp,
    CheckingVelocity(Velocity),
    FirstCryptogram { requested: Cryptogram, signed: bool },
    Online,
    CallingIssuer { answer: IssuerAnswer },
    ExternalAuthentication { approved: bool, answer: IssuerAnswer },
    ScriptsBefore { approved: bool, run: ScriptRun, answer: IssuerAnswer },
    SecondCryptogram { requested: Cryptogram, signature: Option<Values>, answer: IssuerAnswer },
    Decided { outcome: Outcome, answer: IssuerAnswer },
    ScriptsAfter { outcome: Outcome, run: ScriptRun },
    Done,
}

impl Kernel {
    /// A kernel for one transaction.
    pub fn new(terminal: TerminalData, transaction: &TransactionData) -> Self {
        Self {
            data: transaction.objects(&terminal),
            terminal,
            transaction: transaction.clone(),
            tvr: Tvr::default(),
            tsi: Tsi::default(),
            verification: Verification::NotPerformed,
            application: Application::default(),
            requested: None,
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

    /// What the terminal asked the card for in the first GENERATE AC.
    pub const fn requested(&self) -> Option<Cryptogram> {
        self.requested
    }

    /// How the card was authenticated; nothing when both sides have no method in common.
    pub const fn authentication(&self) -> Option<&Authentication> {
        self.application.authentication.as_ref()
    }

    /// True from the moment all records have been read until the card has had its last word.
    pub const fn card_is_read(&self) -> bool {
        self.application.read && !matches!(self.state, State::Done)
    }

    /// The selected application's name for people: its preferred name or label, or nothing.
    pub fn application_label(&self) -> &str {
        &self.application.name
    }

    /// The language to speak to the cardholder, ISO 639 (Book 4, 11.1).
    pub const fn language(&self) -> Option<[u8; 2]> {
        self.application.language
    }

    fn advance(&mut self, event: Event) -> Result<Step, Termination> {
        match (std::mem::replace(&mut self.state, State::Done), event) {
            (State::Ready, Event::Start) => {
                let (selection, command) = Selection::start();
                Ok(self.wait(State::Selecting(selection), command))
            }
            (State::Choosing(candidates), Event::Chosen(index)) => self.after_choice(candidates, index),
            (State::Confirming { chosen, others }, Event::Confirmed(agreed)) => {
                self.after_confirmation(chosen, others, agreed)
            }
            (State::Verifying(mut verification), Event::Pin(entry)) => {
                let next = verification.entered(entry, &mut self.tvr);
                self.after_verification_step(verification, next)
            }
            (State::LookingUp, Event::LookedUp(lookup)) => self.after_lookup(lookup),
            (State::Online, Event::Online(result)) => self.after_online(result),
            (State::CallingIssuer { answer }, Event::Referred(approved)) => self.authenticate_issuer(approved, answer),
            (State::Decided { outcome, answer }, Event::Noted) => Ok(self.run_scripts_after(outcome, answer)),
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
            State::Selecting(selection) => self.after_selection_step(selection, data, status),
            State::FinalSelect { chosen, others } => self.after_final_select(&chosen, others, data, status),
            State::ProcessingOptions { others } => self.after_processing_options(others, data, status),
            State::Reading(records) => self.after_record(records, data, status),
            State::Verifying(mut verification) => {
                let next = verification.answer(data, status, &mut self.tvr);
                self.after_verification_step(verification, next)
            }
            State::CheckingVelocity(velocity) => self.after_counter(velocity, data, status),
            State::Authenticating { challenge } => self.after_internal_authenticate(&challenge, data, status),
            State::FirstCryptogram { requested, signed } => {
                self.after_first_cryptogram(requested, signed, data, status)
            }
            State::ExternalAuthentication { approved, answer } => {
                self.after_external_authenticate(approved, answer, status)
            }
            State::ScriptsBefore { approved, run, answer } => self.after_script_before(approved, run, answer, status),
            State::SecondCryptogram { requested, signature, answer } => {
                self.after_second_cryptogram(requested, signature, answer, data, status)
            }
            State::ScriptsAfter { outcome, run } => Ok(self.after_script_after(outcome, run, status)),
            State::Ready
            | State::Choosing(_)
            | State::Confirming { .. }
            | State::LookingUp
            | State::Online
            | State::CallingIssuer { .. }
            | State::Decided { .. }
            | State::Done => Err(Termination::OutOfTurn),
        }
    }

    fn wait(&mut self, state: State, command: Command) -> Step {
        self.state = state;
        Step::Send(command)
    }

    fn end(&mut self, outcome: Outcome) -> Step {
        self.state = State::Done;
        self.publish_results();
        Step::Done(outcome)
    }

    /// Puts TVR and TSI where lists and messages find them.
    fn publish_results(&mut self) {
        self.data.put(tag::TVR, self.tvr.0);
        self.data.put(tag::TSI, self.tsi.0);
    }

    /// The values of a list, with the results and the TC hash as they are now (Book 3, 9.2.2).
    fn filled(&mut self, list: &DataObjectList) -> Values {
        self.publish_results();
        if let Some(tdol) = self.application.tdol.as_ref().filter(|_| list.asks_for(tag::TC_HASH)) {
            self.data.put(tag::TC_HASH, sha_1(&[&tdol.fill(&self.data)]));
        }
        list.fill(&self.data)
    }

    /// The selected application in the terminal's list.
    fn application_terms(&self) -> Result<&super::terminal::Application, Termination> {
        self.terminal.applications.get(self.application.index).ok_or(Termination::NoCommonApplication)
    }
}
