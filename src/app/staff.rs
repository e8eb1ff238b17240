//! The people at the terminal: who is signed on, who may do what, and what is asked of a manager. What a role may do, how long a wrong
//! code waits and what becomes of a person is the core's matter ([`crate::people`]).
//!
//! A terminal without people asks nobody. A payment that runs is never stopped for a code: who is asked is asked before it begins.

mod drawer;
mod managing;
mod rights;
mod set_up;

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

pub(super) use self::rights::Takes;
use self::set_up::SetUpDesk;
use super::engine::Core;
use super::showing::local_now;
use super::staff_view::{CodePurpose, CodeView, DutyView, PersonView, StaffIntent, StaffView};
use super::view::{Intent, Screen};
use super::workers::codes::{self, Answer, Work};
use crate::clock;
use crate::crypto::code_hash::CodeHashError;
use crate::ledger::LedgerError;
use crate::people::{
    AuditEntry, Code, CodeKey, Deed, Moment, Person, PersonNumber, Place, Right, Role, Roster, TurnedAway,
};
use crate::wording::{Reason, ReasonKind};

/// How the people of a terminal are known.
#[derive(Clone, Debug)]
pub struct StaffSetup {
    /// With what codes are kept.
    pub key: CodeKey,
    /// What cashiers need a manager's code for, beside what the table says.
    pub with_manager: Vec<Right>,
    /// After so long without a touch the screen is locked; never, where there is none.
    pub lock_after: Option<Duration>,
    /// Who is there.
    pub attendant: Attendant,
}

/// Who is at an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attendant {
    /// Whoever signs on at its screen.
    SignsOn,
    /// Whoever gave the command; nobody, where nobody works here. What they may do was looked at before.
    Known(Option<PersonNumber>),
}

/// What the engine knows of people. Only its own thread touches it.
pub(super) struct StaffDesk {
    /// Nobody looks at codes meanwhile, where there is no thread for it: the engine does.
    jobs: Option<Sender<codes::Job>>,
    roster: Roster,
    on_duty: Option<PersonNumber>,
    locked: bool,
    taken_up: bool,
    asking: Option<Asking>,
    /// Why the last code did not help, and whose it was.
    notice: Option<(Reason, Option<PersonNumber>)>,
    checking: Option<Checking>,
    /// Of the code that was handed over last.
    ticket: u64,
    /// A manager let somebody see everybody: as long as that is shown.
    visiting: Option<PersonNumber>,
    /// Who lets somebody do what is done now.
    given_by: Option<PersonNumber>,
    last_touch: Instant,
    set_up: SetUpDesk,
}

/// A right that is asked for.
struct Asking {
    right: Right,
    intent: Intent,
    /// What it begins is for what is in the cart.
    for_cart: bool,
    below: Screen,
}

/// What a code is looked at for.
#[derive(Clone, Copy, Debug)]
enum Checking {
    SignOn(PersonNumber),
    Right(PersonNumber),
    NewCode(PersonNumber),
}

impl StaffDesk {
    pub fn new(jobs: Option<Sender<codes::Job>>) -> Self {
        Self {
            jobs,
            roster: Roster::default(),
            on_duty: None,
            locked: false,
            taken_up: false,
            asking: None,
            notice: None,
            checking: None,
            ticket: 0,
            visiting: None,
            given_by: None,
            last_touch: clock::instant(),
            set_up: SetUpDesk::default(),
        }
    }

    /// When somebody did something last.
    pub const fn last_touch(&self) -> Instant {
        self.last_touch
    }

    fn person(&self, number: PersonNumber) -> Option<PersonView> {
        self.roster.of(number).ok().map(view_of)
    }
}

fn view_of(person: &Person) -> PersonView {
    PersonView { number: person.number, name: person.name.clone(), role: person.role() }
}

/// A moment without a clock.
pub(super) fn now() -> Moment {
    let (boot, since_boot) = clock::since_boot();
    Moment { boot, since_boot }
}

impl Core {
    /// Whoever was signed on is asked for the code again.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn take_up_people(&mut self) -> Result<(), LedgerError> {
        if self.staff.taken_up {
            return Ok(());
        }
        self.staff.roster = self.ledger.people()?;
        match self.parts.staff.attendant {
            Attendant::SignsOn => {
                self.staff.on_duty = self.ledger.on_duty()?.map(|(person, _)| person);
                self.staff.locked = self.staff.on_duty.is_some();
            }
            Attendant::Known(person) => self.staff.on_duty = person,
        }
        self.ledger.cashier_is(self.staff.on_duty);
        self.staff.taken_up = true;
        Ok(())
    }

    /// Another program may have changed something about people.
    pub(super) fn look_at_people_again(&mut self) {
        let before = (self.people_sign_on(), self.staff.roster.clone());
        match self.ledger.people() {
            Ok(roster) => self.staff.roster = roster,
            Err(error) => return tracing::warn!(%error, "it is not known who works here"),
        }
        if self.parts.staff.attendant != Attendant::SignsOn
            || (self.people_sign_on(), &self.staff.roster) == (before.0, &before.1)
        {
            return;
        }
        let still_here =
            self.staff.on_duty.is_some_and(|person| self.staff.roster.of(person).is_ok_and(|it| it.enabled));
        if self.staff.asking.is_some() {
            self.refuse_right();
        }
        if !still_here {
            self.staff.on_duty = None;
            self.staff.locked = false;
            self.ledger.cashier_is(None);
        }
        match &self.screen {
            Screen::Staff(view) if matches!(**view, StaffView::People(_)) && !self.nobody_serves() => {
                self.show_people(0)
            }
            Screen::Keypad { .. } | Screen::Staff(_) if !self.pays() => self.show_keypad(),
            _ => {}
        }
    }

    /// People work here, and this engine has a screen at which they sign on.
    fn people_sign_on(&self) -> bool {
        self.parts.staff.attendant == Attendant::SignsOn && self.staff.roster.is_used()
    }

    /// Somebody would have to sign on, or to unlock, before anything else.
    fn nobody_serves(&self) -> bool {
        self.people_sign_on() && (self.staff.on_duty.is_none() || self.staff.locked)
    }

    /// How somebody stands on a screen: number and name; empty for nobody.
    pub(super) fn told_of(&self, person: Option<PersonNumber>) -> String {
        person.map(|person| self.staff.roster.label(person)).unwrap_or_default()
    }

    /// What every screen shows.
    pub(super) fn duty_view(&self) -> DutyView {
        let person = self.staff.on_duty.filter(|_| !self.staff.locked).and_then(|person| self.staff.person(person));
        DutyView { people: self.people_sign_on(), person }
    }

    /// The screen that stands in the keypad's place, where somebody must sign on first.
    pub(super) fn sign_on_screen(&mut self) -> Option<Screen> {
        if !self.nobody_serves() {
            return None;
        }
        if !self.staff.roster.has_manager(&self.parts.staff.key) {
            return Some(Screen::Staff(Box::new(StaffView::People(self.people_view(0, None)))));
        }
        let purpose = if self.staff.locked { CodePurpose::Unlock } else { CodePurpose::SignOn };
        Some(Screen::Staff(Box::new(StaffView::Code(self.code_view(purpose)))))
    }

    fn code_view(&self, purpose: CodePurpose) -> CodeView {
        let (notice, of) = self.staff.notice.clone().unzip();
        let of = of.flatten();
        // A manager's code is a manager's: where there is one, nobody has to type the number.
        let managers = || self.staff.roster.0.iter().filter(|person| person.role() == Role::Manager && person.enabled);
        let expected = match purpose {
            CodePurpose::SignOn => None,
            CodePurpose::Unlock => self.staff.on_duty,
            CodePurpose::Right(_) => managers().next().filter(|_| managers().count() == 1).map(|person| person.number),
        };
        let left = of.and_then(|of| self.staff.roster.of(of).ok()).map(|person| person.tries.left(&now()));
        CodeView {
            purpose,
            person: of.or(expected).and_then(|person| self.staff.person(person)),
            notice,
            wait_s: left.map_or(0, |left| left.as_secs_f64().ceil() as u64),
            checking: self.staff.checking.is_some(),
        }
    }

    /// Shows anew what is asked for, where a code is.
    fn refresh_code_screen(&mut self) {
        let Screen::Staff(view) = &self.screen else { return };
        let StaffView::Code(CodeView { purpose, .. }) = **view else { return };
        self.screen = Screen::Staff(Box::new(StaffView::Code(self.code_view(purpose))));
    }

    fn shows_people(&self) -> bool {
        matches!(&self.screen, Screen::Staff(view) if matches!(**view, StaffView::People(_)))
    }

    fn entry(&self, deed: Deed, person: Option<PersonNumber>) -> AuditEntry {
        AuditEntry::new(local_now(), Place::Screen, deed, person)
    }

    /// Writes down what happened; a ledger that does not take it takes no payment either.
    fn write_down(&mut self, entry: &AuditEntry) -> bool {
        match self.ledger.audit(entry) {
            Ok(()) => true,
            Err(error) => {
                self.ledger_failed(&error);
                false
            }
        }
    }

    /// Who comes and goes, and what a manager gives.
    fn at_the_door(&mut self, wish: StaffIntent) {
        if self.pays() || self.waiting.is_some() {
            return;
        }
        match wish {
            StaffIntent::SignOn(number, code) if self.nobody_serves() => {
                self.look_at(number, code, Checking::SignOn(number))
            }
            StaffIntent::GiveRight(number, code) if self.staff.asking.is_some() => {
                if number.role() == Some(Role::Manager) {
                    return self.look_at(number, code, Checking::Right(number));
                }
                self.turn_away(number, ReasonKind::ManagerNeeded, "no_manager");
            }
            StaffIntent::SignOff if self.people_sign_on() => self.sign_off(),
            StaffIntent::Lock if self.people_sign_on() => self.lock(),
            StaffIntent::Leave if self.staff.asking.is_some() => self.refuse_right(),
            StaffIntent::Leave => self.show_keypad(),
            _ => {}
        }
    }

    fn turn_away(&mut self, number: PersonNumber, why: ReasonKind, word: &str) {
        let entry = self.entry(Deed::TurnedAway, Some(number)).saying(word);
        if self.write_down(&entry) {
            self.staff.notice = Some((Reason::of(why), Some(number)));
            self.refresh_code_screen();
        }
    }

    /// Has a code looked at. It is counted before, as one that was wrong.
    fn look_at(&mut self, number: PersonNumber, code: Code, what: Checking) {
        if self.staff.checking.is_some() {
            return;
        }
        match self.ledger.people() {
            Ok(roster) => self.staff.roster = roster,
            Err(error) => return self.ledger_failed(&error),
        }
        let key = self.parts.staff.key.clone();
        let kept = match self.staff.roster.code_of(number, &key, &now()) {
            Ok(kept) => kept.clone(),
            Err(refused) => {
                let why = match refused {
                    TurnedAway::Nobody | TurnedAway::NoCode => ReasonKind::PersonUnknown,
                    TurnedAway::LockedOut => ReasonKind::PersonLockedOut,
                    TurnedAway::Waits(_) => ReasonKind::CodeWaits,
                };
                return self.turn_away(number, why, refused.word());
            }
        };
        if let Err(error) = self.ledger.count_try(number, &now()) {
            return self.ledger_failed(&error);
        }
        self.staff.notice = None;
        self.hand_over(Work::Check(key, kept, code), what);
        self.refresh_code_screen();
    }

    fn hand_over(&mut self, work: Work, what: Checking) {
        self.staff.checking = Some(what);
        self.staff.ticket += 1;
        let job = codes::Job { ticket: self.staff.ticket, work };
        match &self.staff.jobs {
            Some(jobs) => {
                if jobs.send(job).is_err() {
                    tracing::error!("the thread that looks at codes has ended");
                    self.staff.checking = None;
                }
            }
            None => {
                let event = codes::carry_out(job);
                self.after_code(event);
            }
        }
    }

    /// What came of a code.
    pub(super) fn after_code(&mut self, event: codes::Event) {
        // Whoever left meanwhile is not let in by it, nor anybody else.
        if event.ticket != self.staff.ticket {
            return;
        }
        let Some(checking) = self.staff.checking.take() else { return };
        let done = match (checking, event.answer) {
            (Checking::SignOn(number), Answer::Checked(Ok(true))) => self.sign_on_as(number),
            (Checking::Right(number), Answer::Checked(Ok(true))) => self.give_right(number),
            (Checking::SignOn(number) | Checking::Right(number), Answer::Checked(Ok(false))) => {
                self.code_was_wrong(number)
            }
            (Checking::SignOn(number) | Checking::Right(number), Answer::Checked(Err(error))) => {
                self.code_failed(number, error)
            }
            (Checking::NewCode(number), Answer::Kept(Ok(kept))) => self.keep_code(number, &kept),
            (Checking::NewCode(_), Answer::Kept(Err(error))) => {
                self.show_people_with(0, Some(Reason::with_detail(ReasonKind::CodeFailed, error.to_string())));
                Ok(())
            }
            _ => Ok(()),
        };
        if let Err(error) = done {
            self.ledger_failed(&error);
        }
        self.refresh_code_screen();
    }

    fn sign_on_as(&mut self, number: PersonNumber) -> Result<(), LedgerError> {
        self.ledger.code_was_right(number)?;
        if self.staff.locked && self.staff.on_duty == Some(number) {
            self.ledger.audit(&self.entry(Deed::ScreenUnlocked, Some(number)))?;
        } else {
            if let Some(before) = self.staff.on_duty {
                self.ledger.audit(&self.entry(Deed::SignedOff, Some(before)).by(Some(number)))?;
            }
            self.ledger.set_on_duty(Some(number), &self.entry(Deed::SignedOn, Some(number)))?;
        }
        self.staff.on_duty = Some(number);
        self.staff.locked = false;
        self.ledger.cashier_is(Some(number));
        self.staff.roster = self.ledger.people()?;
        self.staff.last_touch = clock::instant();
        self.show_keypad();
        Ok(())
    }

    fn code_was_wrong(&mut self, number: PersonNumber) -> Result<(), LedgerError> {
        self.ledger.audit(&self.entry(Deed::WrongCode, Some(number)))?;
        self.staff.roster = self.ledger.people()?;
        let locked_out = self.staff.roster.of(number).is_ok_and(Person::is_locked_out);
        if locked_out {
            self.ledger.audit(&self.entry(Deed::LockedOut, Some(number)))?;
        }
        self.parts.sound.play(crate::devices::sound::Tone::Alert);
        let why = if locked_out { ReasonKind::PersonLockedOut } else { ReasonKind::CodeWrong };
        self.staff.notice = Some((Reason::of(why), Some(number)));
        Ok(())
    }

    fn code_failed(&mut self, number: PersonNumber, error: CodeHashError) -> Result<(), LedgerError> {
        tracing::error!(%error, "a code could not be looked at");
        self.ledger.code_was_not_looked_at(number)?;
        self.staff.notice = Some((Reason::with_detail(ReasonKind::CodeFailed, error.to_string()), Some(number)));
        Ok(())
    }

    fn sign_off(&mut self) {
        let Some(person) = self.staff.on_duty else { return };
        if self.staff.asking.is_some() {
            self.refuse_right();
        }
        let entry = self.entry(Deed::SignedOff, Some(person));
        if let Err(error) = self.ledger.set_on_duty(None, &entry) {
            return self.ledger_failed(&error);
        }
        self.staff.on_duty = None;
        self.staff.locked = false;
        self.staff.notice = None;
        self.ledger.cashier_is(None);
        self.show_keypad();
    }

    fn lock(&mut self) {
        if self.staff.on_duty.is_none() || self.staff.locked {
            return;
        }
        if self.staff.asking.is_some() {
            self.refuse_right();
        }
        let entry = self.entry(Deed::ScreenLocked, self.staff.on_duty);
        if self.write_down(&entry) {
            self.staff.locked = true;
            self.staff.notice = None;
            self.show_keypad();
        }
    }

    /// Locks the screen that nobody has touched for a while, and counts the seconds that a code waits. Never in a payment, nor over what
    /// one came to.
    pub(super) fn mind_people(&mut self) {
        self.mind_set_up();
        if !self.people_sign_on() {
            return;
        }
        if self.pays() || self.waiting.is_some() {
            self.staff.last_touch = clock::instant();
            return;
        }
        if self.staff.notice.is_some() {
            let waits_no_more = matches!(&self.staff.notice, Some((reason, Some(of)))
                if reason.kind == ReasonKind::CodeWaits
                    && self.staff.roster.of(*of).is_ok_and(|person| person.tries.left(&now()).is_zero()));
            if waits_no_more {
                self.staff.notice = None;
            }
            self.refresh_code_screen();
        }
        let may_be_locked = match self.screen {
            Screen::Keypad { .. }
            | Screen::Transactions { .. }
            | Screen::Seek { .. }
            | Screen::Tip(_)
            | Screen::Instalments(_)
            | Screen::Transaction(_)
            | Screen::Receipt(_)
            | Screen::Cart(_)
            | Screen::Goods(_)
            | Screen::Queue { .. }
            | Screen::Settlement(_)
            | Screen::Staff(_) => true,
            Screen::PresentCard { .. }
            | Screen::TypeNumber { .. }
            | Screen::EnterPin { .. }
            | Screen::ChooseApplication { .. }
            | Screen::ConfirmApplication { .. }
            | Screen::ShowCode { .. }
            | Screen::Processing { .. }
            | Screen::Approved { .. }
            | Screen::Sign { .. }
            | Screen::NotPaid { .. }
            | Screen::Unknown { .. }
            | Screen::Purchase(_)
            | Screen::Cash(_)
            | Screen::Enrol { .. }
            | Screen::Turning(_)
            | Screen::OutOfService { .. } => false,
        };
        let idle = self.parts.staff.lock_after.is_some_and(|after| clock::since(self.staff.last_touch) >= after);
        if idle && may_be_locked && self.staff.checking.is_none() {
            self.lock();
        }
    }

    /// Who stands behind a decision; where nobody signs on, whoever is there.
    pub(super) fn who_decides(&self, nobody: &str) -> String {
        match (self.staff.on_duty, self.staff.given_by) {
            (Some(person), Some(manager)) => format!("{person}, let by {manager}"),
            (Some(person), None) => person.to_string(),
            (None, _) => nobody.to_owned(),
        }
    }
}
