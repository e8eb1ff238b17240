//! Payments that a till wants: the engine takes them as anybody's, tells how they go, and gives each of their numbers to the till's key
//! before anything is written or sent under it.
//!
//! Who speaks to tills ([`crate::till_server`] stands above) hears of it as any other listener does.

use super::engine::Core;
use super::report::Ending;
use super::view::Screen;
use crate::payment::purpose::Purpose;
use crate::payment::sale;
use crate::reference::TraceNumber;
use crate::till::request::Display;
use crate::till::rules::Stage;
use crate::till_keys::{BoundNumber, PaymentNumber, TillKeys};
use crate::wording::{Reason, ReasonKind};

/// What a till wants of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TillIntent {
    /// Begin this payment, whose key is written down.
    Begin(PaymentNumber, Box<Purpose>),
    /// Leave it, while nothing of it has left the terminal.
    Cancel(PaymentNumber),
    /// Show this while nobody pays; or nothing.
    Display(Option<Display>),
}

/// What the engine tells of a payment that a till wants. Told on the engine's thread: who hears it must not block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TillEvent {
    /// It runs, or waits for something earlier.
    Began(PaymentNumber),
    /// Another payment runs: this one is not taken up.
    Busy(PaymentNumber),
    /// It is not taken up; no number was given to it.
    Refused(PaymentNumber, Reason),
    /// It is over, as far as this engine runs it; why it is not approved, where it is not.
    Over(PaymentNumber, Option<Reason>),
    /// It was not left: it runs on.
    NotLeft(PaymentNumber),
    /// It does not run here, so that it cannot be left.
    NotHere(PaymentNumber),
}

/// The payment that runs for a till.
#[derive(Debug, Default)]
pub(super) struct TillDesk {
    keys: Option<TillKeys>,
    paying: Option<PaymentNumber>,
    /// Its key has been given a number.
    is_bound: bool,
    display: Option<Display>,
}

impl TillDesk {
    pub fn new(keys: Option<TillKeys>) -> Self {
        Self { keys, ..Self::default() }
    }

    /// The payment that runs, or begins, is a till's.
    pub const fn pays(&self) -> bool {
        self.paying.is_some()
    }

    /// The tills' file, where tills are listened to.
    pub const fn keys(&self) -> Option<&TillKeys> {
        self.keys.as_ref()
    }

    /// The same, to pair one.
    pub const fn keys_mut(&mut self) -> Option<&mut TillKeys> {
        self.keys.as_mut()
    }

    /// What a till shows while nobody pays.
    pub fn shown(&self) -> Option<Display> {
        self.display.clone()
    }
}

impl Core {
    pub(super) fn on_till(&mut self, intent: TillIntent) {
        match intent {
            TillIntent::Begin(number, purpose) => self.begin_for_till(number, *purpose),
            TillIntent::Cancel(number) => self.cancel_for_till(number),
            TillIntent::Display(display) => self.till.display = display,
        }
    }

    fn begin_for_till(&mut self, number: PaymentNumber, purpose: Purpose) {
        // What an earlier run left is asked about first, and this one may wait for that.
        let resumes = self.resumes_by_code();
        if self.turns() || self.till.paying.is_some() || self.waiting.is_some() || (self.pays() && !resumes) {
            return self.listener.till(&TillEvent::Busy(number));
        }
        if let Some(reason) = self.out_of_service.clone().filter(|_| !self.left_over) {
            return self.listener.till(&TillEvent::Refused(number, reason));
        }
        // Nobody hands out cash for a till: the key would not know that it went.
        if let Some(reason) = self.refusal_of_cash(&purpose) {
            return self.listener.till(&TillEvent::Refused(number, reason));
        }
        // What was to be reported belongs to somebody else.
        self.report = None;
        self.till.paying = Some(number);
        self.till.is_bound = false;
        self.begin_with(purpose);
        // It may be over already, and that was told.
        if self.till.paying != Some(number) {
            return;
        }
        if self.pays() || self.waiting.is_some() || self.till.is_bound {
            return self.listener.till(&TillEvent::Began(number));
        }
        self.till.paying = None;
        let reason = self.reason_of_report().unwrap_or(Reason::of(ReasonKind::AmountWrong));
        self.listener.till(&TillEvent::Refused(number, reason));
    }

    /// Why what a till wants back of an earlier number is not for a till: it was paid in cash.
    fn refusal_of_cash(&self, purpose: &Purpose) -> Option<Reason> {
        match self.ledger.cash(purpose.original()?) {
            Ok(None) => None,
            Ok(Some(_)) => Some(Reason::of(ReasonKind::NotForThisKind)),
            Err(error) => Some(Reason::with_detail(ReasonKind::LedgerFailed, error.to_string())),
        }
    }

    /// Takes the next trace number. A payment of a till is given it in the till's file first: whatever is sent under it can be told of
    /// by the till's own key.
    ///
    /// # Errors
    /// What cannot be written, for people: then nothing may begin.
    pub(super) fn take_number(&mut self) -> Result<TraceNumber, String> {
        let trace = self.ledger.take_trace_number().map_err(|error| error.to_string())?;
        let Some(number) = self.till.paying else { return Ok(trace) };
        let Some(keys) = self.till.keys.as_mut() else { return Err("the tills' file is not open".to_owned()) };
        let bound = BoundNumber {
            merchant_code: self.parts.merchant_code.clone(),
            terminal_number: self.parts.terminal_number.clone(),
            trace,
        };
        keys.bind(number, &bound).map_err(|error| error.to_string())?;
        self.till.is_bound = true;
        Ok(trace)
    }

    fn cancel_for_till(&mut self, number: PaymentNumber) {
        if self.till.paying != Some(number) {
            return self.listener.till(&TillEvent::NotHere(number));
        }
        if self.till_stage().may_be_left() {
            if self.waiting.is_some() {
                self.show_keypad();
            } else {
                self.cancel();
            }
        }
        self.mind_till();
        if self.till.paying == Some(number) {
            self.listener.till(&TillEvent::NotLeft(number));
        }
    }

    fn till_stage(&self) -> Stage {
        if self.waiting.is_some() {
            return Stage::Waiting;
        }
        if self.by_code.is_some() {
            return if self.unsent.is_some() { Stage::KeptBack } else { Stage::ByCode };
        }
        let progress = self.running.as_ref().map(|running| running.progress);
        match progress {
            Some(sale::Progress::AskingHost) if self.unsent.is_some() => Stage::KeptBack,
            Some(sale::Progress::AskingHost | sale::Progress::CompletingCard) | None => Stage::Sent,
            Some(
                sale::Progress::PresentCard
                | sale::Progress::PresentStripe
                | sale::Progress::TypingNumber
                | sale::Progress::ReadingCard
                | sale::Progress::EnteringPin(_),
            ) => Stage::AtTheCard,
        }
    }

    /// A till's payment is over when nobody pays and nothing waits: told once, before anything else is shown.
    pub(super) fn mind_till(&mut self) {
        let Some(number) = self.till.paying else { return };
        if self.pays() || self.waiting.is_some() {
            return;
        }
        self.till.paying = None;
        // What is paid must not stand there to be paid again.
        if matches!(self.screen, Screen::Approved { .. } | Screen::Sign { .. } | Screen::Unknown { .. }) {
            self.till.display = None;
        }
        let approved = self.report.as_ref().is_some_and(|report| report.ending == Ending::Approved);
        let reason = if approved { None } else { self.reason_of_report().or(Some(Reason::of(ReasonKind::Cancelled))) };
        self.listener.till(&TillEvent::Over(number, reason));
    }

    fn reason_of_report(&self) -> Option<Reason> {
        self.report.as_ref().and_then(|report| report.reason.clone())
    }
}
