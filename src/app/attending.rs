//! People by command: who gives one, what they may do, and what is changed about them. The same rules as at the screen ([`super::staff`]);
//! a code comes from whoever reads it, and is in no argument.

use std::io;

use super::parts::Parts;
use super::setup::{Setup, SetupError};
use super::showing::local_now;
use super::staff::{StaffSetup, now};
use crate::crypto::code_hash::CodeHashError;
use crate::ledger::{Ledger, LedgerError};
use crate::payment::purpose::Purpose;
use crate::people::{
    AuditEntry, Code, CodeError, CodeKey, Deed, Judgement, NotAllowed, Person, PersonNumber, Place, Right, Role,
    Roster, TurnedAway, judge,
};

/// Whose code is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Somebody's, to know them by.
    Of(PersonNumber),
    /// A new one for somebody.
    New(PersonNumber),
    /// The same once more.
    Again(PersonNumber),
}

/// Where codes come from.
pub type Codes<'a> = &'a mut dyn FnMut(Wanted) -> io::Result<Code>;

/// Why somebody does not do something by command.
#[derive(Debug, thiserror::Error)]
pub enum AttendError {
    /// The terminal's parts.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// It cannot be read.
    #[error("no code was typed: {0}")]
    Input(#[from] io::Error),
    /// The code is not looked at.
    #[error("{0}: {1}")]
    TurnedAway(PersonNumber, TurnedAway),
    /// It is wrong.
    #[error("the code of {0} is wrong")]
    Wrong(PersonNumber),
    /// It cannot be computed.
    #[error(transparent)]
    Hash(#[from] CodeHashError),
    /// It cannot be anybody's.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// It was typed otherwise.
    #[error("the two codes are not the same; nothing was changed")]
    Differ,
    /// People work here, and nobody says who it is.
    #[error("people sign on at this terminal: say who does it, such as --cashier 01, or sign on at the screen")]
    WhoIsIt,
    /// Nobody works here.
    #[error("nobody works at this terminal yet: leave --cashier out, or add people: yima people add 99")]
    Nobody,
    /// A manager must give the right.
    #[error("{0} may not do this alone ({right}): a manager's code is needed, such as --manager 99", right = .1.word())]
    ManagerNeeded(PersonNumber, Right),
    /// Only a manager gives it.
    #[error("{0} is no manager's number")]
    NoManager(PersonNumber),
    /// A manager comes first.
    #[error("no manager has a code that counts: give the manager's first: yima people code 99")]
    ManagerFirst,
    /// That cannot become of somebody.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
}

/// The people of a terminal, for commands.
pub struct People<'a> {
    ledger: &'a mut Ledger,
    staff: &'a StaffSetup,
}

/// What a command about people works on.
pub struct PeopleOfTerminal {
    ledger: Ledger,
    staff: StaffSetup,
}

impl PeopleOfTerminal {
    /// The people.
    pub const fn people(&mut self) -> People<'_> {
        People { ledger: &mut self.ledger, staff: &self.staff }
    }
}

impl Parts {
    /// The people of the terminal that is about to be used.
    pub const fn people(&mut self) -> People<'_> {
        People { ledger: &mut self.ledger, staff: &self.staff }
    }
}

impl Setup {
    /// Everybody who works here, and with what their codes are kept: for who only looks.
    ///
    /// # Errors
    /// When the ledger or the keys cannot be read.
    pub fn people_to_look_at(&self) -> Result<(Roster, CodeKey), SetupError> {
        let ledger = self.ledger_to_look_at(&self.identity()?)?;
        let roster = ledger.map(|ledger| ledger.people()).transpose()?.unwrap_or_default();
        Ok((roster, self.staff_setup(&*self.vault()?)?.key))
    }

    /// The people of this terminal. It may run meanwhile.
    ///
    /// # Errors
    /// When its ledger or its keys cannot be opened.
    pub fn people(&self) -> Result<PeopleOfTerminal, AttendError> {
        let identity = self.identity()?;
        let staff = self.staff_setup(&*self.vault()?)?;
        Ok(PeopleOfTerminal { ledger: self.ledger_beside(&identity)?, staff })
    }
}

impl Setup {
    /// Lets somebody change how the terminal is set up, and writes down what, before it is changed. Where nobody works everybody may, and
    /// nothing is written down. The terminal may run meanwhile, and need not be enrolled.
    ///
    /// # Errors
    /// When nobody may, or the ledger cannot be read or written.
    pub fn change_settings(
        &self,
        cashier: Option<PersonNumber>,
        manager: Option<PersonNumber>,
        what: &str,
        codes: Codes<'_>,
    ) -> Result<(), AttendError> {
        // People work where no payment was taken yet; a terminal without an identity has the people of its last payments, if any.
        let ledger = match self.identity() {
            Ok(identity) => self.ledger_to_look_at(&identity)?,
            Err(_) => self.ledger_of_anybody()?,
        };
        let works_here = ledger.map(|ledger| ledger.people()).transpose()?;
        if !works_here.is_some_and(|roster| roster.is_used()) {
            return if cashier.is_some() { Err(AttendError::Nobody) } else { Ok(()) };
        }
        let mut of_terminal = self.people()?;
        let mut people = of_terminal.people();
        let person = people.attend(cashier, manager, Right::Settings, codes)?;
        let entry = AuditEntry::new(local_now(), Place::Command, Deed::SettingsChanged, person);
        Ok(people.ledger().audit(&entry.saying(what))?)
    }
}

impl People<'_> {
    /// The ledger, for what is done by whoever may.
    pub const fn ledger(&mut self) -> &mut Ledger {
        self.ledger
    }

    /// What a transaction needs.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn right_of(&self, purpose: &Purpose) -> Result<Right, AttendError> {
        let undone = purpose.original().map(|original| self.ledger.find(original)).transpose()?.flatten();
        Ok(Right::of(purpose, undone.map(|row| row.kind)))
    }

    /// Who does something: whoever the command names, by their code, or whoever is signed on at the terminal. Nobody, where nobody works.
    ///
    /// # Errors
    /// When nobody is named, the code is wrong or not looked at, or a manager is needed and none gives it.
    pub fn attend(
        &mut self,
        cashier: Option<PersonNumber>,
        manager: Option<PersonNumber>,
        right: Right,
        codes: Codes<'_>,
    ) -> Result<Option<PersonNumber>, AttendError> {
        let roster = self.ledger.people()?;
        if !roster.is_used() {
            return if cashier.is_some() { Err(AttendError::Nobody) } else { Ok(None) };
        }
        let person = match cashier {
            Some(person) => {
                self.check(person, codes)?;
                person
            }
            None => self.ledger.on_duty()?.map(|(person, _)| person).ok_or(AttendError::WhoIsIt)?,
        };
        let role = roster.of(person).map_or(Role::Cashier, Person::role);
        if judge(role, right, &self.staff.with_manager) == Judgement::WithManager {
            self.ask_manager(person, manager, right, codes)?;
        }
        Ok(Some(person))
    }

    fn ask_manager(
        &mut self,
        person: PersonNumber,
        manager: Option<PersonNumber>,
        right: Right,
        codes: Codes<'_>,
    ) -> Result<(), AttendError> {
        let entry = |deed| AuditEntry::new(local_now(), Place::Command, deed, Some(person)).about(right);
        self.ledger.audit(&entry(Deed::RightAsked))?;
        let given = match manager {
            None => Err(AttendError::ManagerNeeded(person, right)),
            Some(manager) if manager.role() != Some(Role::Manager) => Err(AttendError::NoManager(manager)),
            Some(manager) => self.check(manager, codes),
        };
        match given {
            Ok(()) => Ok(self.ledger.audit(&entry(Deed::RightGiven).by(manager))?),
            Err(error) => {
                self.ledger.audit(&entry(Deed::RightRefused))?;
                Err(error)
            }
        }
    }

    /// Looks at somebody's code. It is counted before, as one that was wrong.
    fn check(&mut self, number: PersonNumber, codes: Codes<'_>) -> Result<(), AttendError> {
        let entry = |deed| AuditEntry::new(local_now(), Place::Command, deed, Some(number));
        let turned_away = |ledger: &mut Ledger, refused: TurnedAway| {
            ledger.audit(&entry(Deed::TurnedAway).saying(refused.word()))?;
            Err(AttendError::TurnedAway(number, refused))
        };
        // Whoever is not looked at is not asked.
        if let Err(refused) = self.ledger.people()?.code_of(number, &self.staff.key, &now()) {
            return turned_away(self.ledger, refused);
        }
        let code = codes(Wanted::Of(number))?;
        // Others may have tried while it was typed.
        let roster = self.ledger.people()?;
        let kept = match roster.code_of(number, &self.staff.key, &now()) {
            Ok(kept) => kept,
            Err(refused) => return turned_away(self.ledger, refused),
        };
        let wrong = self.ledger.count_try(number, &now())?;
        match self.staff.key.is_code(kept, &code) {
            Ok(true) => Ok(self.ledger.code_was_right(number)?),
            Ok(false) => {
                self.ledger.audit(&entry(Deed::WrongCode))?;
                if self.ledger.people()?.of(number)?.is_locked_out() {
                    self.ledger.audit(&entry(Deed::LockedOut).saying(format!("{wrong} wrong")))?;
                }
                Err(AttendError::Wrong(number))
            }
            Err(error) => {
                self.ledger.code_was_not_looked_at(number)?;
                Err(error.into())
            }
        }
    }

    /// The manager who changes something about people, by the code. Nobody, where no manager can sign on: then a manager is set up first.
    fn manager(&mut self, named: Option<PersonNumber>, codes: Codes<'_>) -> Result<Option<PersonNumber>, AttendError> {
        let roster = self.ledger.people()?;
        if !roster.has_manager(&self.staff.key) {
            return Ok(None);
        }
        let mut managers = roster.0.iter().filter(|person| person.role() == Role::Manager && person.enabled);
        let manager = match (named, managers.next(), managers.next()) {
            (Some(named), ..) => named,
            (None, Some(only), None) => only.number,
            (None, ..) => return Err(AttendError::WhoIsIt),
        };
        if manager.role() != Some(Role::Manager) {
            return Err(AttendError::NoManager(manager));
        }
        self.check(manager, codes)?;
        Ok(Some(manager))
    }

    fn entry(deed: Deed, number: PersonNumber, by: Option<PersonNumber>) -> AuditEntry {
        AuditEntry::new(local_now(), Place::Command, deed, Some(number)).by(by)
    }

    /// Adds somebody.
    ///
    /// # Errors
    /// When no manager gives it, or it cannot be.
    pub fn add(
        &mut self,
        number: PersonNumber,
        name: &str,
        by: Option<PersonNumber>,
        codes: Codes<'_>,
    ) -> Result<(), AttendError> {
        let by = self.manager(by, codes)?;
        Ok(self.ledger.add_person(number, name, &Self::entry(Deed::Added, number, by))?)
    }

    /// Gives somebody a code, typed twice.
    ///
    /// # Errors
    /// When no manager gives it, or the code cannot be theirs.
    pub fn give_code(
        &mut self,
        number: PersonNumber,
        by: Option<PersonNumber>,
        salt: &[u8; 16],
        codes: Codes<'_>,
    ) -> Result<(), AttendError> {
        let by = self.manager(by, codes)?;
        if by.is_none() && number.role() != Some(Role::Manager) {
            return Err(AttendError::ManagerFirst);
        }
        self.ledger.people()?.of(number)?;
        let code = codes(Wanted::New(number))?;
        code.check(number)?;
        if codes(Wanted::Again(number))? != code {
            return Err(AttendError::Differ);
        }
        let kept = self.staff.key.keep(&code, salt)?;
        Ok(self.ledger.give_code(number, &kept, &Self::entry(Deed::CodeGiven, number, by))?)
    }

    /// Calls somebody otherwise from now on; nothing takes the name away.
    ///
    /// # Errors
    /// When no manager gives it, or it cannot be.
    pub fn name(
        &mut self,
        number: PersonNumber,
        name: &str,
        by: Option<PersonNumber>,
        codes: Codes<'_>,
    ) -> Result<(), AttendError> {
        let by = self.manager(by, codes)?;
        Ok(self.ledger.name_person(number, name, &Self::entry(Deed::Named, number, by).saying(name))?)
    }

    /// Enables somebody, or disables.
    ///
    /// # Errors
    /// When no manager gives it, or it cannot be.
    pub fn enable(
        &mut self,
        number: PersonNumber,
        enabled: bool,
        by: Option<PersonNumber>,
        codes: Codes<'_>,
    ) -> Result<(), AttendError> {
        let by = self.manager(by, codes)?;
        let deed = if enabled { Deed::Enabled } else { Deed::Disabled };
        Ok(self.ledger.enable_person(number, enabled, &Self::entry(deed, number, by))?)
    }
}
