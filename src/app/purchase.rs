//! A purchase that is paid in parts: what is shown of it, what may begin while it is open, and how it is given up. What a part is and
//! what may be done is the core's matter ([`crate::payment::purchase`]); it is opened and paid by the ledger, in the commit that makes a
//! part final.

use std::time::{Duration, Instant};

use super::engine::Core;
use super::purchase_view::{PurchaseIntent, PurchaseStage, PurchaseView, was_paid_of};
use super::report::{Ending, SaleReport, Timings};
use super::showing::{Paid, local_now};
use super::view::{CopyState, Screen};
use super::workers::printer::{Job, Slip};
use crate::clock;
use crate::devices::printer::{Confirmation, PrintFailure};
use crate::devices::sound::Tone;
use crate::ledger::LedgerError;
use crate::money::{Amount, Currency};
use crate::payment::purchase::{NotNow, Purchase, PurchaseState};
use crate::payment::purpose::Purpose;
use crate::payment::qr::Way;
use crate::payment::record::State;
use crate::payment::signature::SignedOn;
use crate::payment::transaction::Kind;
use crate::receipt::{self, CopyFor};
use crate::reference::TraceNumber;
use crate::wording::{Reason, ReasonKind};

/// What the engine knows of purchases beside the ledger.
#[derive(Debug, Default)]
pub(super) struct PurchaseDesk {
    /// This one was given up, and what comes of that is followed.
    going_back: Option<i64>,
    /// Which slip the printer has, and since when.
    printing: Option<(i64, Instant)>,
    /// The printer did not take one: nothing is tried until something changes.
    held: bool,
}

impl PurchaseDesk {
    /// The printer is at a slip of a purchase that was given up.
    pub const fn is_printing(&self) -> bool {
        self.printing.is_some()
    }

    /// A slip that is coming out is waited for when the engine ends, for a while.
    pub fn keep_engine(&self, limit: Duration) -> bool {
        self.printing.is_some_and(|(_, since)| clock::since(since) < limit)
    }
}

/// When it is asked whether something may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Now.
    Now,
    /// As soon as what may be charged is taken back.
    OnceTakenBack,
}

impl Core {
    /// The issuer may approve a part: the acquirer allows it, and a person is there who takes the rest in another way. A till is told of
    /// whole payments only.
    pub(super) fn takes_parts(&self) -> bool {
        self.parts.in_part && self.parts.tables.terminal.in_part && !self.till.pays()
    }

    /// Why something is not begun because of a purchase: while one is open its rest is paid and nothing else.
    pub(super) fn refusal_of_purchase(&self, purpose: &Purpose, when: When) -> Option<Reason> {
        let open = match self.ledger.open_purchase() {
            Ok(open) => open,
            Err(error) => return Some(Reason::with_detail(ReasonKind::LedgerFailed, error.to_string())),
        };
        match (open, purpose.what()) {
            (None, Purpose::Rest(..)) => Some(NotNow::None.reason()),
            (None, _) => None,
            (Some(purchase), Purpose::Rest(amount, _)) => match purchase.may_pay() {
                Err(NotNow::NotKnownYet) if when == When::OnceTakenBack => None,
                Err(not_now) => Some(not_now.reason()),
                Ok(()) => (*amount != purchase.rest()).then(|| is_open(&purchase)),
            },
            (Some(purchase), _) => Some(is_open(&purchase)),
        }
    }

    /// The purchase that is open. A ledger that cannot be read is noticed by whoever needs it.
    fn open_purchase(&self) -> Option<Purchase> {
        self.ledger.open_purchase().unwrap_or_else(|error| {
            tracing::error!(%error, "whether a purchase is open cannot be read");
            None
        })
    }

    pub(super) fn purchase_is_open(&self) -> bool {
        self.open_purchase().is_some()
    }

    /// The screen of the purchase that is open; nothing, where none is.
    pub(super) fn purchase_screen(&mut self, notice: Option<Reason>) -> Option<Screen> {
        let purchase = self.open_purchase()?;
        self.kind_shown = Some(Kind::Sale);
        Some(Screen::Purchase(Box::new(PurchaseView::of(&purchase, notice))))
    }

    /// Whether the rest of what is on the screen can be paid by code.
    pub(super) fn rest_may_be_paid_by_code(&self) -> bool {
        matches!(&self.screen, Screen::Purchase(view) if view.stage == PurchaseStage::Open && view.may_pay)
    }

    /// What somebody wants with the purchase, while no payment runs.
    pub(super) fn on_purchase(&mut self, intent: PurchaseIntent) {
        match intent {
            PurchaseIntent::AnotherCard => self.pay_rest(None),
            PurchaseIntent::ShowCode => {
                if let Some(valid_s) = self.parts.codes.as_ref().map(|setup| setup.valid_s) {
                    self.pay_rest(Some(Way::Shown { valid_s }));
                }
            }
            PurchaseIntent::Cash => self.rest_in_cash(),
            PurchaseIntent::GiveUp => self.give_up_purchase(),
        }
    }

    fn rest_in_cash(&mut self) {
        let Some(purchase) = self.open_purchase() else { return };
        match purchase.may_pay() {
            Ok(()) => self.ask_for_rest_in_cash(purchase.rest()),
            Err(not_now) => self.note_on_purchase(not_now.reason()),
        }
    }

    /// The rest is paid in this way.
    pub(super) fn pay_rest(&mut self, way: Option<Way>) {
        if let Some(purchase) = self.open_purchase() {
            self.begin_with(Purpose::Rest(purchase.rest(), way));
        }
    }

    /// A part cannot be paid so: said on the screen of the purchase.
    pub(super) fn note_on_purchase(&mut self, reason: Reason) {
        if let Some(screen) = self.purchase_screen(Some(reason)) {
            self.screen = screen;
        }
    }

    /// A payment was made. Where it is a part of a purchase of which more is to be paid, that is said; where it was the last one, all of the
    /// purchase is paid. Gives whether it is.
    pub(super) fn show_what_is_paid(&mut self, paid: Paid) -> bool {
        let trace = paid.trace;
        let purchase = match self.ledger.purchase_of(trace) {
            Ok(purchase) => purchase,
            Err(error) => {
                self.ledger_failed(&error);
                return false;
            }
        };
        let Some(purchase) = purchase else {
            self.show_paid(paid);
            return true;
        };
        if let Some(report) = self.report_of(trace) {
            report.purchase = Some(purchase.clone());
        }
        match purchase.state {
            PurchaseState::Paid => {
                self.show_paid(Paid { amount: purchase.due, ..paid });
                // An e-receipt is of one payment, and this is of several.
                if let Screen::Approved { receipt, .. } = &mut self.screen {
                    *receipt = None;
                }
                true
            }
            PurchaseState::Open | PurchaseState::GivenUp => {
                tracing::info!(number = purchase.number, paid = %purchase.paid(), rest = %purchase.rest(), "paid in part");
                if let Some(report) = self.report_of(trace) {
                    report.ending = Ending::InPart;
                    report.reason = Some(is_open(&purchase));
                    report.complete = true;
                }
                // What is paid now is on the screen of the purchase.
                self.result_shown = None;
                self.kind_shown = Some(Kind::Sale);
                self.screen = Screen::Purchase(Box::new(PurchaseView::of(&purchase, None)));
                false
            }
        }
    }

    /// Nobody pays the rest: all that was paid is taken back.
    fn give_up_purchase(&mut self) {
        let purchase = match self.ledger.give_up_purchase(local_now()) {
            Ok(purchase) => purchase,
            Err(LedgerError::Purchase(not_now)) => {
                self.parts.sound.play(Tone::Alert);
                self.report = Some(report_of_giving_up(None, not_now.reason(), self.parts.currency));
                return self.show_keypad();
            }
            Err(error) => return self.ledger_failed(&error),
        };
        tracing::warn!(number = purchase.number, "a purchase is given up; what was paid of it is taken back");
        self.leave_result();
        self.purchase.going_back = Some(purchase.number);
        self.purchase.held = false;
        let reason = Reason::of(ReasonKind::PurchaseGivenUp);
        self.report = Some(report_of_giving_up(Some(&purchase), reason, self.parts.currency));
        self.kind_shown = Some(Kind::Sale);
        self.screen = Screen::Purchase(Box::new(PurchaseView::of(&purchase, None)));
        self.refresh_waiting();
        self.drain_sign_on(true);
        self.queue.look_again();
        self.drain_queue(true);
        self.mind_given_up();
    }

    /// Follows what comes of giving a purchase up, as long as somebody may want to see it.
    pub(super) fn mind_given_up(&mut self) {
        let Some(number) = self.purchase.going_back else { return };
        // Something of it is being asked now.
        if self.queue.busy() || self.sign_on.in_flight() {
            return;
        }
        let purchase = match self.ledger.newest_purchase() {
            Ok(purchase) => purchase,
            Err(error) => return tracing::error!(%error, "what is taken back of a purchase cannot be read"),
        };
        let Some(purchase) = purchase.filter(|purchase| purchase.number == number) else {
            self.purchase.going_back = None;
            return;
        };
        let view = PurchaseView::of(&purchase, None);
        let (stage, is_back) = (view.stage, purchase.is_back());
        if let Some(report) = self.report.as_mut().filter(|report| is_report_of(report, number)) {
            report.ending = if stage == PurchaseStage::Back { Ending::Reversed } else { Ending::Unresolved };
            report.purchase = Some(purchase);
            // What waits for the host waits without whoever began it.
            report.complete = true;
        }
        if matches!(&self.screen, Screen::Purchase(shown) if shown.number == number) {
            self.screen = Screen::Purchase(Box::new(view));
        }
        if is_back {
            self.purchase.going_back = None;
            self.refresh_waiting();
            self.print_what_was_given_up();
        }
    }

    /// Somebody has decided about a payment: a purchase of which it is a part may be paid by that.
    pub(super) fn follow_decision(&mut self, before: Option<Purchase>) {
        let Some(number) = before.map(|purchase| purchase.number) else { return };
        let now = self.ledger.newest_purchase().ok().flatten();
        let paid = now.filter(|purchase| purchase.number == number && purchase.state == PurchaseState::Paid);
        let last = paid.and_then(|purchase| {
            purchase.parts.iter().rfind(|part| part.state == State::Approved).map(|part| part.trace)
        });
        if let Some(trace) = last {
            self.print_unseen(trace);
        }
    }

    /// Before somebody decides.
    pub(super) fn purchase_before_decision(&self) -> Option<Purchase> {
        self.open_purchase()
    }

    /// The purchase on the screen as it stands now: another program may have changed it.
    pub(super) fn refresh_purchase(&mut self) {
        let Screen::Purchase(view) = &self.screen else { return };
        if view.stage != PurchaseStage::Open || self.pays() {
            return;
        }
        match self.purchase_screen(None) {
            Some(screen) => self.screen = screen,
            None => self.show_keypad(),
        }
    }

    /// Whether slips of a payment can be printed: a part of a purchase that is not paid to its end has none.
    pub(super) fn has_slips(&self, trace: TraceNumber) -> bool {
        match self.ledger.purchase_of(trace) {
            Ok(purchase) => purchase.is_none_or(|purchase| purchase.state == PurchaseState::Paid),
            // Whoever makes the slip finds out.
            Err(_) => true,
        }
    }

    /// Prints what was taken back of a purchase that was given up, when the printer is free.
    pub(super) fn print_purchases(&mut self) {
        let waits = |state: &CopyState| matches!(state, CopyState::Queued | CopyState::Sending | CopyState::Waiting(_));
        let busy = self.pays() || self.copies.iter().any(|copy| waits(&copy.state));
        let others = self.queue_slips.printing() || self.settling.slips.printing.is_some();
        if busy || others || self.purchase.held || self.purchase.is_printing() {
            return;
        }
        let purchase = match self.ledger.purchase_slip_due() {
            Ok(Some(purchase)) => purchase,
            Ok(None) => return,
            Err(error) => return tracing::error!(%error, "what was taken back of a purchase cannot be printed"),
        };
        match self.about_slips().purchase(&self.ledger, &purchase, 0) {
            Ok(slip) => {
                let language = self.parts.language;
                let bytes = receipt::render_purchase(&slip, CopyFor::Customer, &self.parts.printer_profile, language);
                if self.printer_jobs.send(Job::Print { slip: Slip::Purchase(purchase.number), bytes }).is_ok() {
                    self.purchase.printing = Some((purchase.number, clock::instant()));
                }
            }
            Err(error) => {
                self.purchase.held = true;
                tracing::error!(%error, "the slip of a purchase cannot be made");
            }
        }
    }

    /// The printer's last word on such a slip. One that it did not take waits until the printer has taken another.
    pub(super) fn after_slip_of_purchase(&mut self, number: i64, result: &Result<Confirmation, PrintFailure>) {
        self.purchase.printing = None;
        match result {
            Ok(Confirmation::Printed | Confirmation::CannotConfirm) => {
                if let Err(error) = self.ledger.purchase_slip_is_out(number) {
                    // It would come out without end otherwise.
                    self.purchase.held = true;
                    tracing::error!(%error, "that a slip was printed cannot be noted");
                }
            }
            Err(failure) => {
                self.purchase.held = true;
                tracing::warn!(number, fault = %failure.fault, "what was taken back of a purchase is not printed yet");
            }
        }
    }

    /// The printer has taken a slip, so it may take these.
    pub(super) const fn printer_takes_purchases(&mut self) {
        self.purchase.held = false;
    }
}

/// Nothing else begins before it is over.
fn is_open(purchase: &Purchase) -> Reason {
    Reason { amount: Some(purchase.rest()), ..Reason::of(ReasonKind::PurchaseOpen) }
}

fn is_report_of(report: &SaleReport, number: i64) -> bool {
    report.trace.is_none() && report.purchase.as_ref().is_some_and(|purchase| purchase.number == number)
}

fn report_of_giving_up(purchase: Option<&Purchase>, reason: Reason, currency: Currency) -> SaleReport {
    SaleReport {
        kind: Kind::Sale,
        original: None,
        ending: if purchase.is_some() { Ending::Unresolved } else { Ending::Error },
        amount: purchase.map_or(Amount::zero(currency), was_paid_of),
        trace: None,
        reason: Some(reason),
        card: None,
        rrn: None,
        authorisation_code: None,
        response_code: None,
        balances: Vec::new(),
        purchase: purchase.cloned(),
        instalments: None,
        signed: SignedOn::Nothing,
        copies: Vec::new(),
        timings: Timings::start(),
        complete: purchase.is_none(),
    }
}
