//! The beginning of a payment: what it waits for, what stands in its way, and what it begins with.

use std::sync::Arc;

use super::engine::Core;
use super::printing::FollowedCopy;
use super::report::{Ending, SaleReport, Timings};
use super::running::Running;
use super::showing::local_now;
use super::view::{PinPlace, Progress, Screen};
use crate::devices::sound::Tone;
use crate::money::Amount;
use crate::payment::sale::{self, Event, Opening, Sale};
use crate::payment::transaction::Transaction;
use crate::wording::{Reason, ReasonKind};

impl Core {
    /// Begins a payment, after a sign-on that is needed and reversals that are due.
    pub(super) fn charge(&mut self, amount: Amount) {
        // A second touch on the same button is not a second payment.
        let free = self.running.is_none() && self.waiting_charge.is_none();
        if !free || amount.is_zero() {
            return;
        }
        // What an earlier run left is taken up first: later it could not be told from the payment that begins now.
        if self.left_over {
            if let Err(error) = self.take_up_what_was_left() {
                return self.refuse(amount, Reason::with_detail(ReasonKind::LedgerFailed, error.to_string()));
            }
            self.out_of_service = None;
        }
        let unwanted = || self.parts.tables.refusal(amount);
        if let Some(reason) = self.binding.refusal().or_else(|| self.line.refusal()).or_else(unwanted) {
            return self.refuse(amount, reason);
        }
        let waiting = match self.adopt_interrupted().and_then(|_| self.reversals_waiting()) {
            Ok(waiting) => waiting,
            Err(error) => {
                return self.refuse(amount, Reason::with_detail(ReasonKind::LedgerFailed, error.to_string()));
            }
        };
        let signing_on = self.sign_on.holds();
        if waiting == 0 && !self.queue.takes_back() && !signing_on {
            self.begin_sale(amount);
            return;
        }
        self.waiting_charge = Some(amount);
        self.result_shown = None;
        let progress = if signing_on { Progress::SigningOn } else { Progress::ReversingEarlier };
        self.screen = Screen::Processing { amount, progress };
        self.drain_sign_on(true);
        self.queue.look_again();
        self.drain_queue(true);
    }

    /// Begins a payment with nothing in its way.
    pub(super) fn begin_sale(&mut self, amount: Amount) {
        // A payment that waited may have learned meanwhile that the host has other values for this terminal, or another time.
        if let Some(reason) = self.binding.refusal().or_else(|| self.line.refusal()) {
            return self.refuse(amount, reason);
        }
        let timings = Timings::start();
        let mut unpredictable_number = [0; 4];
        if let Err(error) = getrandom::fill(&mut unpredictable_number) {
            return self.refuse(amount, Reason::with_detail(ReasonKind::ReaderMissing, error.to_string()));
        }
        let trace = match self.ledger.take_trace_number() {
            Ok(trace) => trace,
            Err(error) => {
                return self.refuse(amount, Reason::with_detail(ReasonKind::LedgerFailed, error.to_string()));
            }
        };
        let sale = Sale::new(Opening {
            trace,
            transaction: Transaction::sale(amount),
            at: local_now(),
            unpredictable_number,
            merchant_code: self.parts.merchant_code.clone(),
            terminal_number: self.parts.terminal_number.clone(),
            serial_number: self.parts.identity.serial_number.clone(),
            chooser: self.parts.chooser.clone(),
            terminal: self.parts.terminal.clone(),
            tables: Arc::clone(&self.parts.tables),
            pin_bypass: self.parts.pin_bypass,
        });
        self.ticket += 1;
        self.leave_result();
        // Slips that nobody has asked for since: the ledger keeps how far they came.
        self.copies.retain(FollowedCopy::under_way);
        let (ticket, progress) = (self.ticket, sale::Progress::PresentCard);
        self.running = Some(Running {
            sale,
            ticket,
            progress,
            notice: self.pad_notice(),
            pin_place: PinPlace::Reader,
            pin_until: None,
            question: None,
            question_until: None,
            timings,
        });
        self.feed(Event::Begin);
    }

    /// A payment that cannot begin: said above the keypad and in the report.
    pub(super) fn refuse(&mut self, amount: Amount, reason: Reason) {
        self.parts.sound.play(Tone::Alert);
        self.report = Some(SaleReport {
            ending: Ending::Error,
            amount,
            trace: None,
            reason: Some(reason.clone()),
            card: None,
            rrn: None,
            authorisation_code: None,
            response_code: None,
            copies: Vec::new(),
            timings: Timings::start(),
            complete: true,
        });
        self.screen = Screen::Keypad { notice: Some(reason) };
    }
}
