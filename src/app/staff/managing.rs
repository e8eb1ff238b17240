//! People and the shift on the screen: what is done with them, and how they are shown. What may become of them is the core's and the
//! ledger's matter.

use super::{Checking, view_of};
use crate::app::engine::Core;
use crate::app::staff_view::{PEOPLE_PER_PAGE, PeopleView, PersonRow, PersonState, ShiftView, StaffIntent, StaffView};
use crate::app::view::Screen;
use crate::app::workers::codes::Work;
use crate::ledger::LedgerError;
use crate::people::{Code, CodeError, Deed, KeptCode, NotAllowed, Person, PersonNumber, Role, Shift, ShiftError};
use crate::wording::{Reason, ReasonKind};

impl Core {
    /// What is done with people and the shift, by whoever may.
    pub(in crate::app) fn do_with_people(&mut self, wish: StaffIntent) {
        if self.pays() || self.waiting.is_some() {
            return;
        }
        let done = match wish {
            StaffIntent::ShowPeople(page) => {
                self.show_people(page);
                Ok(())
            }
            StaffIntent::Add(number) => self.add_person(number),
            StaffIntent::GiveCode(number, code, again) => {
                self.new_code(number, code, &again);
                Ok(())
            }
            StaffIntent::Enable(number, enabled) => self.enable(number, enabled),
            StaffIntent::ShowShift => self.show_shift(None, None),
            StaffIntent::OpenShift(amount) => {
                let entry = self.entry(Deed::ShiftOpened, self.staff.on_duty);
                let opened = self.ledger.begin_shift(amount, &entry);
                self.after_shift(opened, false)
            }
            StaffIntent::MoveCash(movement, amount) => {
                let entry = self.entry(Deed::CashMoved, self.staff.on_duty);
                let moved = self.ledger.move_cash(movement, amount, &entry);
                self.after_shift(moved, false)
            }
            StaffIntent::CloseShift(amount) => {
                let entry = self.entry(Deed::DrawerCounted, self.staff.on_duty);
                let closed = self.ledger.close_shift(amount, &entry);
                self.after_shift(closed, true)
            }
            StaffIntent::SetUp(wish) => {
                self.on_set_up(wish);
                Ok(())
            }
            // Seen to before.
            StaffIntent::SignOn(..)
            | StaffIntent::SignOff
            | StaffIntent::Lock
            | StaffIntent::GiveRight(..)
            | StaffIntent::Leave
            | StaffIntent::Touched => Ok(()),
        };
        if let Err(error) = done {
            self.ledger_failed(&error);
        }
    }

    /// Who answers for it: the manager who let somebody do it, or whoever is signed on.
    fn acting(&self) -> Option<PersonNumber> {
        self.staff.visiting.or(self.staff.on_duty)
    }

    fn add_person(&mut self, number: PersonNumber) -> Result<(), LedgerError> {
        let entry = self.entry(Deed::Added, Some(number)).by(self.acting());
        let added = self.ledger.add_person(number, "", &entry);
        self.after_people(added)
    }

    fn enable(&mut self, number: PersonNumber, enabled: bool) -> Result<(), LedgerError> {
        let deed = if enabled { Deed::Enabled } else { Deed::Disabled };
        let entry = self.entry(deed, Some(number)).by(self.acting());
        let changed = self.ledger.enable_person(number, enabled, &entry);
        self.after_people(changed)
    }

    fn new_code(&mut self, number: PersonNumber, code: Code, again: &Code) {
        if self.staff.checking.is_some() {
            return;
        }
        // Where no manager can sign on, a manager comes first.
        let first = !self.staff.roster.has_manager(&self.parts.staff.key);
        let refused = if first && number.role() != Some(Role::Manager) {
            Some(ReasonKind::ManagerCodeFirst)
        } else if code != *again {
            Some(ReasonKind::CodesDiffer)
        } else {
            match code.check(number) {
                Ok(()) => None,
                Err(CodeError::TooShort(_) | CodeError::Digits) => Some(ReasonKind::CodeTooShort),
                Err(CodeError::Trivial) => Some(ReasonKind::CodeTooEasy),
            }
        };
        if let Some(refused) = refused {
            return self.show_people_with(0, Some(Reason::of(refused)));
        }
        let key = self.parts.staff.key.clone();
        self.hand_over(Work::Keep(key, code), Checking::NewCode(number));
        if self.staff.checking.is_some() && self.shows_people() {
            self.show_people_with(0, None);
        }
    }

    pub(super) fn keep_code(&mut self, number: PersonNumber, kept: &KeptCode) -> Result<(), LedgerError> {
        let entry = self.entry(Deed::CodeGiven, Some(number)).by(self.acting());
        let given = self.ledger.give_code(number, kept, &entry);
        self.after_people(given)
    }

    /// What cannot be is said; whatever else is wrong with the ledger closes the terminal.
    fn after_people(&mut self, done: Result<(), LedgerError>) -> Result<(), LedgerError> {
        let notice = match done {
            Ok(()) => None,
            Err(LedgerError::People(problem)) => Some(reason_of(&problem)),
            Err(error) => return Err(error),
        };
        self.staff.roster = self.ledger.people()?;
        // Whoever disabled oneself is gone.
        let gone = |person: PersonNumber| self.staff.roster.of(person).is_ok_and(|person| !person.enabled);
        if self.staff.on_duty.is_some_and(gone) {
            self.staff.on_duty = None;
            self.ledger.cashier_is(None);
        }
        if self.nobody_serves() && self.staff.roster.has_manager(&self.parts.staff.key) {
            self.show_keypad();
        } else {
            self.show_people_with(0, notice);
        }
        Ok(())
    }

    pub(super) fn show_people(&mut self, page: usize) {
        self.show_people_with(page, None);
    }

    pub(super) fn show_people_with(&mut self, page: usize, notice: Option<Reason>) {
        self.leave_result();
        let visiting = self.staff.visiting;
        self.screen = Screen::Staff(Box::new(StaffView::People(self.people_view(page, notice))));
        self.staff.visiting = visiting;
    }

    pub(super) fn people_view(&self, page: usize, notice: Option<Reason>) -> PeopleView {
        let key = &self.parts.staff.key;
        let pages = self.staff.roster.0.len().div_ceil(PEOPLE_PER_PAGE).max(1);
        let page = page.min(pages - 1);
        let row = |person: &Person| PersonRow {
            person: view_of(person),
            state: if !person.enabled {
                PersonState::Disabled
            } else if person.is_locked_out() {
                PersonState::LockedOut
            } else if person.code_for(key).is_none() {
                PersonState::NoCode
            } else {
                PersonState::Ready
            },
        };
        let rows = self.staff.roster.0.iter().skip(page * PEOPLE_PER_PAGE).take(PEOPLE_PER_PAGE).map(row).collect();
        let first = !self.staff.roster.has_manager(key);
        PeopleView { rows, page, pages, first, notice, working: self.staff.checking.is_some() }
    }

    fn show_shift(&mut self, counted: Option<Shift>, notice: Option<Reason>) -> Result<(), LedgerError> {
        let open = self.ledger.open_shift()?;
        self.leave_result();
        self.screen = Screen::Staff(Box::new(StaffView::Shift(ShiftView { open, counted, notice })));
        Ok(())
    }

    fn after_shift(&mut self, done: Result<Shift, LedgerError>, closed: bool) -> Result<(), LedgerError> {
        match done {
            Ok(shift) => self.show_shift(closed.then_some(shift), None),
            Err(LedgerError::Shift(problem)) => {
                let notice = match problem {
                    ShiftError::Open => Reason::of(ReasonKind::ShiftOpen),
                    ShiftError::TooLittle => Reason::of(ReasonKind::DrawerTooLittle),
                    other => Reason::with_detail(ReasonKind::ShiftRefused, other.to_string()),
                };
                self.show_shift(None, Some(notice))
            }
            Err(error) => Err(error),
        }
    }

    /// Whoever was let see everybody, or the set-up, has left.
    pub(in crate::app) fn leave_people(&mut self) {
        self.leave_set_up();
        self.staff.visiting = None;
    }
}

/// What cannot become of somebody, for a person.
fn reason_of(problem: &NotAllowed) -> Reason {
    match problem {
        NotAllowed::Taken(_) => Reason::of(ReasonKind::PersonTaken),
        NotAllowed::ManagerFirst => Reason::of(ReasonKind::ManagerCodeFirst),
        NotAllowed::LastManager(_) => Reason::of(ReasonKind::LastManager),
        NotAllowed::Nobody(_) | NotAllowed::NoRole(_) | NotAllowed::Name => {
            Reason::with_detail(ReasonKind::PersonNotChanged, problem.to_string())
        }
    }
}
