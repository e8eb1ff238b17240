//! What whoever is there may have: a wish is admitted, waits for a manager's code, or is refused. Which role may do what is the core's
//! matter ([`crate::people`]).

use super::{Asking, Attendant};
use crate::app::cash;
use crate::app::engine::Core;
use crate::app::instalments_view::InstalmentsIntent;
use crate::app::purchase_view::PurchaseIntent;
use crate::app::settlement_view::SettlementIntent;
use crate::app::shop_view::ShopIntent;
use crate::app::staff_view::{CodePurpose, StaffIntent, StaffView};
use crate::app::till::{TillEvent, TillIntent};
use crate::app::view::{Intent, Screen};
use crate::clock;
use crate::ledger::LedgerError;
use crate::payment::purpose::Purpose;
use crate::people::{Deed, Judgement, Person, PersonNumber, Right, Role, judge};
use crate::wording::{Reason, ReasonKind};

/// What a wish takes of whoever wants it, where people work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Takes {
    /// Nothing: whoever is signed on, or nobody, a payment is gone on with.
    Nothing,
    /// Somebody who is signed on.
    Somebody,
    /// Somebody with this right, or a manager's leave.
    Right(Right),
}

impl Core {
    /// A wish as far as whoever wants it may have it. One that needs a manager waits for the code; of people themselves it is seen to here.
    pub(in crate::app) fn admit(&mut self, intent: Intent) -> Option<Intent> {
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
        let takes = self.takes(&intent);
        let managing = takes == Takes::Right(Right::People);
        if !self.people_sign_on() || (managing && !self.staff.roster.has_manager(&self.parts.staff.key)) {
            return Some(intent);
        }
        if takes == Takes::Nothing {
            return Some(intent);
        }
        let Some(person) = self.staff.on_duty.filter(|_| !self.staff.locked) else {
            if !self.pays() && self.waiting.is_none() {
                self.show_keypad();
            }
            return None;
        };
        let Takes::Right(right) = takes else { return Some(intent) };
        if managing && self.staff.visiting.is_some() && self.shows_people() {
            return Some(intent);
        }
        // A manager's code is good for all of the set-up, as long as that is shown.
        if right == Right::Settings && self.goes_on_with_set_up() {
            return Some(intent);
        }
        match self.judged(person, right) {
            Judgement::Allowed => Some(intent),
            Judgement::WithManager => {
                if !self.pays() && self.waiting.is_none() {
                    self.ask_for_right(right, intent);
                }
                None
            }
        }
    }

    /// A till touches nothing, and a payment of it is of whoever is signed on, or gave the command that serves tills. Nobody types a
    /// manager's code for it: what needs one is done at the terminal.
    fn admits_till(&mut self, wish: &TillIntent) -> bool {
        let TillIntent::Begin(number, purpose) = wish else { return true };
        if !self.staff.roster.is_used() {
            return true;
        }
        // Whoever gave a command may have been disabled since.
        let works_here = |person: &PersonNumber| self.staff.roster.of(*person).is_ok_and(|it| it.enabled);
        let refused = match self.staff.on_duty.filter(|person| !self.staff.locked && works_here(person)) {
            None => Some(ReasonKind::NobodySignedOn),
            Some(person) => match self.judged(person, self.right_of(purpose)) {
                Judgement::Allowed => None,
                Judgement::WithManager => Some(ReasonKind::ManagerNeeded),
            },
        };
        if let Some(kind) = refused {
            self.listener.till(&TillEvent::Refused(*number, Reason::of(kind)));
        }
        refused.is_none()
    }

    fn judged(&self, person: PersonNumber, right: Right) -> Judgement {
        let role = self.staff.roster.of(person).map_or(Role::Cashier, Person::role);
        judge(role, right, &self.parts.staff.with_manager)
    }

    /// What a wish takes.
    fn takes(&self, intent: &Intent) -> Takes {
        match intent {
            Intent::Charge(_)
            | Intent::Shop(ShopIntent::Pay)
            | Intent::SellOffline
            | Intent::Instalments(InstalmentsIntent::Ask(_) | InstalmentsIntent::AskCart) => Takes::Right(Right::Sale),
            Intent::Begin(purpose) => Takes::Right(self.right_of(purpose)),
            Intent::Cash(wish) => cash::takes(wish),
            Intent::Settle { .. } | Intent::Settlement(SettlementIntent::GiveUp(_) | SettlementIntent::Withdraw) => {
                Takes::Right(Right::Settle)
            }
            Intent::Purchase(PurchaseIntent::AnotherCard | PurchaseIntent::ShowCode | PurchaseIntent::Cash) => {
                Takes::Right(Right::Sale)
            }
            // What was paid goes back.
            Intent::Purchase(PurchaseIntent::GiveUp) => Takes::Right(Right::Void),
            Intent::Settlement(_) => Takes::Right(Right::Reports),
            Intent::Decide(..) => Takes::Right(Right::Decide),
            Intent::Shop(_) => Takes::Right(Right::Goods),
            // Who has taken a payment may look at its slip.
            Intent::ShowReceipt(trace, _) if self.shows_result_of(*trace) => Takes::Somebody,
            Intent::ShowReceipt(..) => Takes::Right(Right::Reports),
            Intent::ShowTransactions(_) | Intent::ShowTransaction(_) | Intent::Reprint(_) | Intent::Seek(_) => {
                Takes::Right(Right::Reports)
            }
            Intent::Staff(
                StaffIntent::ShowPeople(_) | StaffIntent::Add(_) | StaffIntent::GiveCode(..) | StaffIntent::Enable(..),
            ) => Takes::Right(Right::People),
            Intent::Staff(StaffIntent::SetUp(_)) => Takes::Right(Right::Settings),
            Intent::Staff(
                StaffIntent::ShowShift
                | StaffIntent::OpenShift(_)
                | StaffIntent::MoveCash(..)
                | StaffIntent::CloseShift(_),
            ) => Takes::Right(Right::Shift),
            Intent::Staff(
                StaffIntent::SignOn(..)
                | StaffIntent::GiveRight(..)
                | StaffIntent::SignOff
                | StaffIntent::Lock
                | StaffIntent::Leave
                | StaffIntent::Touched,
            )
            | Intent::LeaveReceipt
            | Intent::Till(_)
            | Intent::Training(_)
            // Whoever may charge has charged.
            | Intent::Tip(_)
            | Intent::Instalments(InstalmentsIntent::Choose(_) | InstalmentsIntent::AtOnce | InstalmentsIntent::Leave)
            | Intent::PrintCode
            | Intent::ShowQueue(_)
            | Intent::TryQueueNow
            | Intent::Scanned(_) => Takes::Somebody,
            // It belongs to a payment that runs, or to what it came to.
            Intent::Cancel
            | Intent::PayByScanned(_)
            | Intent::PayByShown
            | Intent::Swiped(_)
            | Intent::TypeNumber
            | Intent::NumberTyped(_)
            | Intent::EnterPin(_)
            | Intent::BypassPin
            | Intent::ChooseApplication(_)
            | Intent::ConfirmApplication(_)
            | Intent::Sign(_)
            | Intent::NextCustomer
            | Intent::ShowKeypad
            | Intent::DidItPrint { .. }
            | Intent::RetryPrint
            | Intent::Enrol(_) => Takes::Nothing,
        }
    }

    /// What is undone says by what it is what it needs.
    pub(in crate::app) fn right_of(&self, purpose: &Purpose) -> Right {
        let undone = purpose.original().and_then(|original| self.ledger.find(original).ok().flatten());
        Right::of(purpose, undone.map(|row| row.kind))
    }

    fn ask_for_right(&mut self, right: Right, intent: Intent) {
        let asked = self.entry(Deed::RightAsked, self.staff.on_duty).about(right);
        if !self.write_down(&asked) {
            return;
        }
        self.leave_result();
        self.staff.notice = None;
        let below = std::mem::replace(&mut self.screen, Screen::Keypad { notice: None });
        self.staff.asking = Some(Asking { right, intent, for_cart: false, below });
        self.screen = Screen::Staff(Box::new(StaffView::Code(self.code_view(CodePurpose::Right(right)))));
    }

    /// What a manager's code is asked for is for what is in the cart.
    pub(in crate::app) const fn right_is_for_cart(&mut self) {
        if let Some(asking) = &mut self.staff.asking {
            asking.for_cart = true;
        }
    }

    /// Nobody gave it: what was there before is there again.
    pub(super) fn refuse_right(&mut self) {
        let Some(Asking { right, below, .. }) = self.staff.asking.take() else { return };
        self.staff.notice = None;
        // A code that is looked at now comes too late.
        self.staff.checking = None;
        self.screen = below;
        let refused = self.entry(Deed::RightRefused, self.staff.on_duty).about(right);
        self.write_down(&refused);
    }

    pub(super) fn give_right(&mut self, manager: PersonNumber) -> Result<(), LedgerError> {
        self.ledger.code_was_right(manager)?;
        let Some(Asking { right, intent, for_cart, below }) = self.staff.asking.take() else { return Ok(()) };
        let about = match &intent {
            Intent::Begin(purpose) => purpose.original().map(|original| original.to_string()),
            _ => None,
        };
        let given = self.entry(Deed::RightGiven, self.staff.on_duty).by(Some(manager)).about(right);
        self.ledger.audit(&given.saying(about.unwrap_or_default()))?;
        self.screen = below;
        self.staff.visiting = matches!(right, Right::People | Right::Settings).then_some(manager);
        self.staff.given_by = Some(manager);
        self.do_as_wished(intent);
        self.shop.paying |= for_cart && (self.pays() || self.waiting.is_some());
        self.staff.given_by = None;
        Ok(())
    }
}
