//! Enrolment as an act of the whole terminal: when it may happen, and what it finds and leaves. No engine runs meanwhile.

use std::path::Path;

use super::books::kind_of_ledger;
use super::setup::{Setup, SetupError};
use crate::acquirer::enrolment::wire::{ActivationCode, Answer, SignedRequest, TerminalAnswer};
use crate::acquirer::enrolment::{self, Enrolled, Enrolment, EnrolmentError, Progress, https};
use crate::clock;
use crate::ledger::{Ledger, LedgerError};
use crate::payment::queue::{self, NotAllowed, Open};
use crate::payment::record::State;
use crate::reference::{MerchantCode, ReferenceError, TerminalNumber};
use crate::terminal::binding::BindingRecord;
use crate::terminal::identity::{self, Identity, IdentityError};
use crate::terminal::journal::{self, Journal};
use crate::terminal::machine::MachineError;
use crate::terminal::settings::SettingsError;
use crate::vault::SecureElement;
use crate::wording::ReasonKind;

/// Why a terminal was not enrolled, moved or taken out of service. It is what it was before.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// It is enrolled already.
    #[error(
        "this terminal is enrolled as merchant {merchant}, terminal {terminal}. To make new keys with a new activation code: \
         yima enrol --again"
    )]
    Already {
        /// Its merchant code.
        merchant: String,
        /// Its terminal number.
        terminal: String,
    },
    /// Nothing to be enrolled anew.
    #[error("this terminal is not enrolled yet; leave --again out")]
    NotYet,
    /// The machine has no serial number.
    #[error(
        "the machine's serial number (TUSN) is not in {0} (terminal.serial_number_file); the maker leaves it there"
    )]
    NoSerialNumber(String),
    /// Payments are not finished.
    #[error("{unfinished} payments and messages about payments are not finished; yima queue shows them")]
    Unfinished {
        /// How many.
        unfinished: u32,
    },
    /// Payments are not finished, and whose they are cannot be read.
    #[error(
        "{unfinished} payments and messages about payments are not finished, and {unreadable}. New keys could not finish them: \
         put that file back as it was, or call the acquirer"
    )]
    UnfinishedOfNobody {
        /// How many.
        unfinished: u32,
        /// Why the binding record cannot be read.
        unreadable: String,
    },
    /// Nobody is named who gives payments up, or why.
    #[error("--by, --note: {0}")]
    GivenUp(NotAllowed),
    /// What the terminal is, or a part of it.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The enrolment itself.
    #[error(transparent)]
    Enrolment(#[from] EnrolmentError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A setting.
    #[error(transparent)]
    Setting(#[from] SettingsError),
    /// The identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl EnrolError {
    /// What it is for the person at the counter.
    pub fn kind(&self) -> ReasonKind {
        match self {
            Self::Enrolment(EnrolmentError::Refused(refusal)) => refusal.reason(),
            Self::Enrolment(EnrolmentError::Link(_)) => ReasonKind::EnrolUnreachable,
            Self::Enrolment(EnrolmentError::Unfinished { .. }) => ReasonKind::PaymentsOpen,
            Self::Enrolment(_) | Self::Already { .. } | Self::NotYet => ReasonKind::EnrolRefused,
            Self::Unfinished { .. } | Self::UnfinishedOfNobody { .. } => ReasonKind::PaymentsOpen,
            Self::NoSerialNumber(_) | Self::Setting(_) | Self::GivenUp(_) => ReasonKind::SetupWrong,
            Self::Ledger(error) => kind_of_ledger(error),
            Self::Identity(error) => kind_of_identity(error),
            Self::Setup(error) => kind_of_setup(error),
        }
    }
}

/// What a terminal that cannot start is for the person at the counter.
pub fn kind_of_setup(error: &SetupError) -> ReasonKind {
    match error {
        SetupError::Ledger(error) => kind_of_ledger(error),
        SetupError::State { .. } => ReasonKind::LedgerFailed,
        SetupError::Identity(error) => kind_of_identity(error),
        SetupError::Running(_) => ReasonKind::AlreadyRunning,
        _ => ReasonKind::SetupWrong,
    }
}

fn kind_of_identity(error: &IdentityError) -> ReasonKind {
    match error {
        IdentityError::File { .. } => ReasonKind::NotEnrolled,
        IdentityError::Decommissioned => ReasonKind::Decommissioned,
        IdentityError::Machine(MachineError::Other(_)) => ReasonKind::OtherMachine,
        IdentityError::OtherSerialNumber { .. } => ReasonKind::OtherMachine,
        IdentityError::Binding { .. }
        | IdentityError::Older { .. }
        | IdentityError::OtherKey
        | IdentityError::NoJournal(_)
        | IdentityError::Content { .. }
        | IdentityError::Journal(_)
        | IdentityError::Machine(_)
        | IdentityError::Reference(_)
        | IdentityError::Crypto(_) => ReasonKind::BindingWrong,
    }
}

/// Who gives up payments that are not finished when the terminal leaves service, and why. It stands in the journal, signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Who.
    pub by: String,
    /// Why: what the acquirer said.
    pub note: String,
}

/// How a terminal stands with its acquirer.
#[derive(Debug)]
pub enum Standing {
    /// It was never enrolled.
    NotEnrolled,
    /// It is enrolled and may trade as far as it can tell by itself.
    Enrolled(Box<BindingRecord>),
    /// It was enrolled, and must not trade.
    Refused(SetupError),
}

impl Setup {
    /// How this terminal stands.
    pub fn standing(&self) -> Standing {
        let directory = self.identity_directory();
        match self.identity() {
            Ok(_) => match identity::unverified(&directory) {
                Ok(record) => Standing::Enrolled(Box::new(record)),
                Err(error) => Standing::Refused(error.into()),
            },
            Err(SetupError::Identity(IdentityError::File { .. })) if !directory.join(identity::FILE).exists() => {
                Standing::NotEnrolled
            }
            Err(error) => Standing::Refused(error),
        }
    }

    /// What this terminal wrote down of its enrolments.
    ///
    /// # Errors
    /// When it was changed or cannot be read.
    pub fn journal(&self) -> Result<Journal, IdentityError> {
        Ok(Journal::load(&self.identity_directory())?)
    }

    /// Enrols the terminal by the acquirer's activation code; `again` replaces the keys of one that is enrolled.
    ///
    /// # Errors
    /// When it may not be now, or the host does not; the terminal is what it was before.
    pub fn enrol(
        &self,
        code: &ActivationCode,
        again: bool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<BindingRecord, EnrolError> {
        let (directory, custody) = (self.identity_directory(), self.custody()?);
        let _alone = self.lock()?;
        enrolment::finish(&directory, &custody)?;
        let before = Before::of(identity::unverified(&directory), &directory);
        match (self.identity(), again) {
            (Ok(identity), false) => {
                return Err(EnrolError::Already {
                    merchant: identity.merchant_code,
                    terminal: identity.terminal_number,
                });
            }
            (Err(_), true) if matches!(before, Before::Never) => return Err(EnrolError::NotYet),
            _ => {}
        }
        if self.journal().is_ok_and(|journal| journal.is_decommissioned()) {
            // Its keys are destroyed. What it left was given up then, by whom stands in the journal, and is kept as it is.
            match Ledger::put_aside(&self.ledger_path()) {
                Err(LedgerError::Damaged { .. }) => self.put_remains_aside()?,
                done => drop(done?),
            }
        } else {
            self.refuse_while_payments_are_open(&before)?;
        }
        let serial_number = match (self.settings.serial_number(&self.state)?, before) {
            (Some(number), _) => number,
            // The maker's number cannot change; the acquirer has signed it.
            (None, Before::Enrolled(before)) => before.serial_number,
            (None, Before::Never | Before::Unreadable(_)) => {
                let path = self.state.join(&self.settings.terminal.serial_number_file);
                return Err(EnrolError::NoSerialNumber(path.display().to_string()));
            }
        };
        let enrolment = Enrolment {
            settings: &self.settings.host,
            dialect: &self.dialect()?,
            directory: &directory,
            serial_number: &serial_number,
            machine: &self.settings.terminal.machine,
            custody: &custody,
        };
        let mut host = |signed: &SignedRequest| https::enrol(&self.settings.host, &directory, signed);
        let record = enrolment.carry_out(code, &mut host, progress)?;
        tracing::info!(merchant = record.merchant_code, terminal = record.terminal_number, again, "enrolled");
        // The engine would do it as well when it starts, so that a power cut here changes nothing.
        if let Err(error) = self.put_aside_ledger_of_another(&record.merchant_code, &record.terminal_number) {
            tracing::error!(%error, "the ledger of the identity before is still in its place");
        }
        Ok(record)
    }

    /// Fetches the acquirer's binding record, and takes it when it is newer.
    ///
    /// # Errors
    /// When nothing valid came; the record before still counts.
    pub fn refresh_binding(&self) -> Result<Option<Identity>, EnrolError> {
        let _alone = self.lock()?;
        self.as_enrolled(|enrolled| Ok(enrolled.refresh(&mut |signed| self.ask(signed), clock::timestamp())?))
    }

    /// Asks the acquirer to let the terminal stand somewhere else.
    ///
    /// # Errors
    /// When the host refuses or does not answer.
    pub fn ask_to_move(&self, address: &str, coordinates: &str, radius_m: u32) -> Result<(), EnrolError> {
        let _alone = self.lock()?;
        self.as_enrolled(|enrolled| {
            let mut desk = |signed: &SignedRequest| self.ask(signed);
            Ok(enrolled.ask_to_move(&mut desk, address, coordinates, radius_m, clock::timestamp())?)
        })
    }

    /// Takes the terminal out of service and destroys its keys. The acquirer refuses while payments are open, unless it ordered
    /// this itself; then what is not finished needs somebody who gives it up. The ledger stays as it is.
    ///
    /// # Errors
    /// When the host refuses or does not answer, or payments are not finished: nothing has changed then.
    pub fn decommission(&self, given_up: Option<&GivenUp>) -> Result<(), EnrolError> {
        if let Some(GivenUp { by, note }) = given_up {
            queue::check_words(by, note).map_err(EnrolError::GivenUp)?;
        }
        let (directory, custody) = (self.identity_directory(), self.custody()?);
        let _alone = self.lock()?;
        // Keys of an enrolment before, and of one that was not decided, are not to outlive the terminal.
        enrolment::finish(&directory, &custody)?;
        if self.journal()?.is_decommissioned() {
            // The power went between the last word of the journal and the end of the keys.
            self.vault()?.zeroize().map_err(SetupError::from)?;
            return Ok(enrolment::give_up(&directory, &custody)?);
        }
        let record = identity::unverified(&directory)?;
        let (unfinished, unsettled) = self.open_payments(&record)?;
        self.as_enrolled(|enrolled| {
            let mut desk = |signed: &SignedRequest| self.ask(signed);
            let given_up = given_up.map(|GivenUp { by, note }| format!("{}: {}", by.trim(), note.trim()));
            Ok(enrolled.decommission(&mut desk, unfinished, unsettled, given_up.as_deref(), clock::timestamp())?)
        })?;
        Ok(enrolment::give_up(&directory, &custody)?)
    }

    pub(super) fn ask(&self, signed: &SignedRequest) -> Result<Answer<TerminalAnswer>, EnrolmentError> {
        https::ask(&self.settings.host, &self.identity_directory(), signed)
    }

    pub(super) fn as_enrolled<T>(
        &self,
        work: impl FnOnce(&Enrolled<'_>) -> Result<T, EnrolError>,
    ) -> Result<T, EnrolError> {
        let (identity, vault, directory) = (self.identity()?, self.vault()?, self.identity_directory());
        let vault: &dyn SecureElement = &*vault;
        work(&Enrolled { settings: &self.settings.host, directory: &directory, identity: &identity, vault })
    }

    /// Old keys finish what is open; new ones cannot.
    fn refuse_while_payments_are_open(&self, before: &Before) -> Result<(), EnrolError> {
        let open = match before {
            Before::Never => return Ok(()),
            Before::Enrolled(record) => self.open_payments(record),
            Before::Unreadable(_) => self.ledger_of_anybody().map_err(EnrolError::from).and_then(counted),
        };
        match (open, before) {
            (Ok((0, _)), _) => Ok(()),
            (Ok((unfinished, _)), Before::Unreadable(error)) => {
                Err(EnrolError::UnfinishedOfNobody { unfinished, unreadable: error.to_string() })
            }
            (Ok((unfinished, _)), _) => Err(EnrolError::Unfinished { unfinished }),
            // Nobody can tell what was open but the acquirer, who gave a new code for this: under it a new batch begins.
            (Err(error), _) if is_beyond_help(&error) && !self.has_whole_copy() => Ok(self.put_remains_aside()?),
            (Err(error), _) => Err(error),
        }
    }

    /// Payments and messages about them that are not finished; payments that are not settled.
    fn open_payments(&self, record: &BindingRecord) -> Result<(u32, u32), EnrolError> {
        let wrong = |error: ReferenceError| EnrolError::Setup(error.into());
        let merchant = MerchantCode::parse(&record.merchant_code).map_err(wrong)?;
        let terminal = TerminalNumber::parse(&record.terminal_number).map_err(wrong)?;
        counted(self.ledger_of(merchant, terminal)?)
    }
}

/// What was there before an enrolment.
#[derive(Debug)]
enum Before {
    /// Nothing.
    Never,
    /// An identity.
    Enrolled(Box<BindingRecord>),
    /// One whose binding record cannot be read: it is not known whose the payments are.
    Unreadable(IdentityError),
}

impl Before {
    /// A record that is gone where a journal is has been there.
    fn of(record: Result<BindingRecord, IdentityError>, directory: &Path) -> Self {
        let gone = |source: &std::io::Error| source.kind() == std::io::ErrorKind::NotFound;
        match record {
            Ok(record) => Self::Enrolled(Box::new(record)),
            Err(IdentityError::File { source, .. }) if gone(&source) && !directory.join(journal::FILE).exists() => {
                Self::Never
            }
            Err(error) => Self::Unreadable(error),
        }
    }
}

/// What is open in a ledger: payments that are not finished and whatever the host must still hear or a person decide; payments that are
/// not settled.
fn counted(ledger: Option<Ledger>) -> Result<(u32, u32), EnrolError> {
    let Some(ledger) = ledger else { return Ok((0, 0)) };
    let Open { waiting, parked } = ledger.open_entries()?;
    let unsettled = ledger.in_state(State::Approved)?.len();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Ok((count(waiting + parked), count(unsettled)))
}

/// Whether a ledger can only be replaced.
fn is_beyond_help(error: &EnrolError) -> bool {
    let (EnrolError::Ledger(error) | EnrolError::Setup(SetupError::Ledger(error))) = error else { return false };
    matches!(error, LedgerError::Lost { .. } | LedgerError::Damaged { .. } | LedgerError::HalfRestored(_))
}
