//! The people at the terminal: who is signed on, who may do what, and what is asked of a manager. What a role may do, how long a wrong
//! code waits and what becomes of a person is the core's matter ([`crate::people`]).
//!
//! A terminal without people asks nobody. A payment that runs is never stopped for a code: who is asked is asked before it begins.

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::engine::Core;
use super::settlement_view::SettlementIntent;
use super::showing::local_now;
use super::staff_view::{
    CodePurpose, CodeView, DutyView, PEOPLE_PER_PAGE, PeopleView, PersonRow, PersonState, PersonView, ShiftView,
    StaffIntent, StaffView,
};
use super::till::{TillEvent, TillIntent};
use super::view::{Intent, Screen};
use super::workers::codes::{self, Answer, Work};
use crate::clock;
use crate::crypto::code_hash::CodeHashError;
use crate::ledger::LedgerError;
use crate::payment::purpose::Purpose;
use crate::payment::transaction::Kind;
use crate::people::{
    AuditEntry, Code, CodeError, CodeKey, Deed, Judgement, KeptCode, Moment, NotAllowed, Person, PersonNumber, Place,
    Right, Role, Roster, Shift, ShiftError, TurnedAway, judge,
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
}

/// A right that is asked for.
struct Asking {
    right: Right,
    intent: Intent,
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
        }
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

    /// A wish as far as whoever wants it may have it. One that needs a manager waits for the code; of people themselves it is seen to here.
    pub(super) fn admit(&mut self, intent: Intent) -> Option<Intent> {
        if let Intent::Till(wish) = &intent {
            return self.admits_till(wish).then_some(intent);
        }
        self.staff.last_touch = clock::instant();
        match &intent {
            Intent::Staff(StaffIntent::Touched) => return None,
            Intent::Staff(
                wish @ (StaffIntent::SignOn(..)
                | StaffIntent::GiveRight(..)
                | StaffIntent::SignOff
                | StaffIntent::Lock
                | StaffIntent::Leave),
            ) => {
                let wish = wish.clone();
                self.at_the_door(wish);
                return None;
            }
            _ => {}
        }
        if let Attendant::Known(_) = self.parts.staff.attendant {
            return (!matches!(intent, Intent::Staff(_))).then_some(intent);
        }
        // Whoever turns to something else does not give the right.
        if self.staff.asking.is_some() && !self.pays() {
            self.refuse_right();
        }
        let right = self.right_for(&intent);
        let managing = right == Some(Right::People);
        if !self.people_sign_on() || (managing && !self.staff.roster.has_manager(&self.parts.staff.key)) {
            return Some(intent);
        }
        if belongs_to_a_payment(&intent) {
            return Some(intent);
        }
        let Some(person) = self.staff.on_duty.filter(|_| !self.staff.locked) else {
            if !self.pays() && self.waiting.is_none() {
                self.show_keypad();
            }
            return None;
        };
        let Some(right) = right else { return Some(intent) };
        if managing && self.staff.visiting.is_some() && self.shows_people() {
            return Some(intent);
        }
        let role = self.staff.roster.of(person).map_or(Role::Cashier, Person::role);
        match judge(role, right, &self.parts.staff.with_manager) {
            Judgement::Allowed => Some(intent),
            Judgement::WithManager => {
                if !self.pays() && self.waiting.is_none() {
                    self.ask_for_right(right, intent);
                }
                None
            }
        }
    }

    /// A till touches nothing, and a payment of it is whoever's is signed on. Nobody types a manager's code for it: what needs one is
    /// done at the terminal.
    fn admits_till(&mut self, wish: &TillIntent) -> bool {
        let TillIntent::Begin(number, purpose) = wish else { return true };
        if let Attendant::Known(_) = self.parts.staff.attendant {
            return true;
        }
        if !self.people_sign_on() {
            return true;
        }
        let refused = match self.staff.on_duty.filter(|_| !self.staff.locked) {
            None => Some(ReasonKind::NobodySignedOn),
            Some(person) => {
                let role = self.staff.roster.of(person).map_or(Role::Cashier, Person::role);
                match judge(role, self.right_of(purpose), &self.parts.staff.with_manager) {
                    Judgement::Allowed => None,
                    Judgement::WithManager => Some(ReasonKind::ManagerNeeded),
                }
            }
        };
        if let Some(kind) = refused {
            self.listener.till(&TillEvent::Refused(*number, Reason::of(kind)));
        }
        refused.is_none()
    }

    /// What somebody needs for a wish; nothing, where everybody who is signed on may have it.
    fn right_for(&self, intent: &Intent) -> Option<Right> {
        match intent {
            Intent::Charge(_) | Intent::Shop(super::shop_view::ShopIntent::Pay) => Some(Right::Sale),
            Intent::Begin(purpose) => Some(self.right_of(purpose)),
            Intent::Settle { .. } | Intent::Settlement(SettlementIntent::GiveUp(_) | SettlementIntent::Withdraw) => {
                Some(Right::Settle)
            }
            Intent::Settlement(_) => Some(Right::Reports),
            Intent::Decide(..) => Some(Right::Decide),
            Intent::Shop(_) => Some(Right::Goods),
            Intent::ShowTransactions(_) | Intent::ShowTransaction(_) | Intent::Reprint(_) => Some(Right::Reports),
            Intent::Staff(
                StaffIntent::ShowPeople(_) | StaffIntent::Add(_) | StaffIntent::GiveCode(..) | StaffIntent::Enable(..),
            ) => Some(Right::People),
            Intent::Staff(
                StaffIntent::ShowShift
                | StaffIntent::OpenShift(_)
                | StaffIntent::MoveCash(..)
                | StaffIntent::CloseShift(_),
            ) => Some(Right::Shift),
            _ => None,
        }
    }

    /// What is undone says by what it is what it needs.
    pub(super) fn right_of(&self, purpose: &Purpose) -> Right {
        let Purpose::Void(original, _) = purpose else { return Right::of(purpose.kind()) };
        match self.ledger.find(*original).ok().flatten().map(|row| row.kind) {
            Some(Kind::PreAuthorisation) => Right::PreAuthorisationVoid,
            Some(Kind::Completion) => Right::CompletionVoid,
            _ => Right::Void,
        }
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

    fn ask_for_right(&mut self, right: Right, intent: Intent) {
        let asked = self.entry(Deed::RightAsked, self.staff.on_duty).about(right);
        if !self.write_down(&asked) {
            return;
        }
        self.leave_result();
        self.staff.notice = None;
        let below = std::mem::replace(&mut self.screen, Screen::Keypad { notice: None });
        self.staff.asking = Some(Asking { right, intent, below });
        self.screen = Screen::Staff(Box::new(StaffView::Code(self.code_view(CodePurpose::Right(right)))));
    }

    /// Nobody gave it: what was there before is there again.
    fn refuse_right(&mut self) {
        let Some(Asking { right, below, .. }) = self.staff.asking.take() else { return };
        self.staff.notice = None;
        // A code that is looked at now comes too late.
        self.staff.checking = None;
        self.screen = below;
        let refused = self.entry(Deed::RightRefused, self.staff.on_duty).about(right);
        self.write_down(&refused);
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

    fn give_right(&mut self, manager: PersonNumber) -> Result<(), LedgerError> {
        self.ledger.code_was_right(manager)?;
        let Some(Asking { right, intent, below }) = self.staff.asking.take() else { return Ok(()) };
        let about = match &intent {
            Intent::Begin(purpose) => purpose.original().map(|original| original.to_string()),
            _ => None,
        };
        let given = self.entry(Deed::RightGiven, self.staff.on_duty).by(Some(manager)).about(right);
        self.ledger.audit(&given.saying(about.unwrap_or_default()))?;
        self.screen = below;
        self.staff.visiting = (right == Right::People).then_some(manager);
        self.staff.given_by = Some(manager);
        self.do_as_wished(intent);
        self.staff.given_by = None;
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
        let may_be_locked = matches!(
            self.screen,
            Screen::Keypad { .. }
                | Screen::Transactions { .. }
                | Screen::Transaction(_)
                | Screen::Cart(_)
                | Screen::Goods(_)
                | Screen::Queue { .. }
                | Screen::Staff(_)
        );
        let idle = self.parts.staff.lock_after.is_some_and(|after| clock::since(self.staff.last_touch) >= after);
        if idle && may_be_locked && self.staff.checking.is_none() {
            self.lock();
        }
    }

    /// What is done with people and the shift, by whoever may.
    pub(super) fn do_with_people(&mut self, wish: StaffIntent) {
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

    fn keep_code(&mut self, number: PersonNumber, kept: &KeptCode) -> Result<(), LedgerError> {
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

    fn show_people(&mut self, page: usize) {
        self.show_people_with(page, None);
    }

    fn show_people_with(&mut self, page: usize, notice: Option<Reason>) {
        self.leave_result();
        let visiting = self.staff.visiting;
        self.screen = Screen::Staff(Box::new(StaffView::People(self.people_view(page, notice))));
        self.staff.visiting = visiting;
    }

    fn people_view(&self, page: usize, notice: Option<Reason>) -> PeopleView {
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

    /// Who stands behind a decision; where nobody signs on, whoever is there.
    pub(super) fn who_decides(&self, nobody: &str) -> String {
        match (self.staff.on_duty, self.staff.given_by) {
            (Some(person), Some(manager)) => format!("{person}, let by {manager}"),
            (Some(person), None) => person.to_string(),
            (None, _) => nobody.to_owned(),
        }
    }

    /// Whoever was let see everybody has left.
    pub(super) fn leave_people(&mut self) {
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

/// What belongs to a payment that runs, or to what it came to: whoever is signed on, it is gone on with.
const fn belongs_to_a_payment(intent: &Intent) -> bool {
    matches!(
        intent,
        Intent::Cancel
            | Intent::PayByScanned(_)
            | Intent::PayByShown
            | Intent::EnterPin(_)
            | Intent::BypassPin
            | Intent::ChooseApplication(_)
            | Intent::ConfirmApplication(_)
            | Intent::NextCustomer
            | Intent::ShowKeypad
            | Intent::DidItPrint { .. }
            | Intent::RetryPrint
            | Intent::Enrol(_)
    )
}
