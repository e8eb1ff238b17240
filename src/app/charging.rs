//! The beginning of a payment, or of what else is done with a card: what it waits for, what stands in its way, and what it
//! begins with.

use std::sync::Arc;

use super::engine::Core;
use super::printing::FollowedCopy;
use super::purchase::When;
use super::report::{Ending, SaleReport, Timings};
use super::running::Running;
use super::showing::local_now;
use super::view::{PinPlace, Progress, Screen};
use crate::devices::sound::Tone;
use crate::ledger::LedgerError;
use crate::money::Amount;
use crate::payment::permitted;
use crate::payment::purpose::{Allowed, Purpose};
use crate::payment::sale::{self, Event, Opening, Sale};
use crate::payment::signature::SignedOn;
use crate::payment::transaction::{Kind, Transaction};
use crate::wording::{Reason, ReasonKind};

impl Core {
    /// Begins what is wanted, after a sign-on that is needed and reversals that are due.
    pub(super) fn begin_with(&mut self, purpose: Purpose) {
        // A second touch on the same button is not a second payment.
        if self.waits_for_resumed(&purpose) {
            return;
        }
        let free = !self.pays() && self.waiting.is_none();
        if !free || purpose.amount().is_some_and(Amount::is_zero) {
            return;
        }
        // What is begun now, by card or by code, takes its place: its screen must not offer another amount.
        self.unreached = None;
        // No host is asked for it, whatever is wrong with the line.
        if self.goes_back_in_cash(&purpose) {
            return;
        }
        // What an earlier run left is taken up first: later it could not be told from the payment that begins now.
        if self.left_over {
            if let Err(error) = self.take_up_what_was_left() {
                return self.refuse(purpose, Reason::with_detail(ReasonKind::LedgerFailed, error.to_string()));
            }
            self.out_of_service = None;
        }
        let unwanted = || {
            let amount = purpose.amount().filter(|_| purpose.original().is_none())?;
            let refused = permitted::refusal(&self.parts.tables.terminal, purpose.kind(), amount);
            refused.or_else(|| self.refusal_of_offline_sale(purpose.kind(), amount))
        };
        if let Some(reason) = self.binding.refusal().or_else(|| self.line.refusal()).or_else(unwanted) {
            return self.refuse(purpose, reason);
        }
        // What was left in the middle is asked about first.
        match self.resume_by_code() {
            Ok(false) => {}
            Ok(true) => {
                self.waits_for_resumed(&purpose);
                return;
            }
            Err(error) => {
                return self.refuse(purpose, Reason::with_detail(ReasonKind::LedgerFailed, error.to_string()));
            }
        }
        if let Some(reason) = self.refusal_of_purchase(&purpose, When::OnceTakenBack) {
            return self.refuse(purpose, reason);
        }
        let waiting = match self.adopt_interrupted().and_then(|_| self.reversals_waiting()) {
            Ok(waiting) => waiting,
            Err(error) => {
                return self.refuse(purpose, Reason::with_detail(ReasonKind::LedgerFailed, error.to_string()));
            }
        };
        let signing_on = self.sign_on.holds();
        // Nobody asks the host for it, so that nothing that the host must hear first is waited for.
        if purpose.kind() == Kind::OfflineSale && !self.queue.takes_back() {
            return self.begin_now(purpose);
        }
        if waiting == 0 && !self.queue.takes_back() && !signing_on {
            return self.begin_now(purpose);
        }
        let amount = self.amount_of(&purpose);
        self.waiting = Some(purpose);
        self.kind_shown = None;
        self.result_shown = None;
        let progress = if signing_on { Progress::SigningOn } else { Progress::ReversingEarlier };
        self.screen = Screen::Processing { amount, progress };
        self.drain_sign_on(true);
        self.queue.look_again();
        self.drain_queue(true);
    }

    /// Begins with nothing in the way.
    pub(super) fn begin_now(&mut self, purpose: Purpose) {
        // What waited may have learned meanwhile that the host has other values for this terminal, or another time.
        if let Some(reason) = self.binding.refusal().or_else(|| self.line.refusal()) {
            return self.refuse(purpose, reason);
        }
        // Meanwhile it may have become known what was paid of it.
        if let Some(reason) = self.refusal_of_purchase(&purpose, When::Now) {
            return self.refuse(purpose, reason);
        }
        if matches!(purpose.what(), Purpose::Code(..) | Purpose::Rest(_, Some(_))) {
            return self.begin_by_code(purpose);
        }
        let timings = Timings::start();
        let mut unpredictable_number = [0; 4];
        if let Err(error) = getrandom::fill(&mut unpredictable_number) {
            return self.refuse(purpose, Reason::with_detail(ReasonKind::ReaderMissing, error.to_string()));
        }
        let transaction = match self.transaction_for(&purpose) {
            Ok(transaction) => transaction,
            Err(reason) => return self.refuse(purpose, reason),
        };
        if let Some(reason) = permitted::refusal(&self.parts.tables.terminal, transaction.kind(), transaction.amount())
        {
            return self.refuse(purpose, reason);
        }
        if let Some(reason) = self.refusal_of_offline_sale(transaction.kind(), transaction.amount()) {
            return self.refuse(purpose, reason);
        }
        if let Some(reason) = permitted::refusal_by_instalments(&self.parts.tables.terminal, &transaction) {
            return self.refuse(purpose, reason);
        }
        if let Some(reason) = permitted::refusal_without_card(&self.parts.tables.terminal, &transaction) {
            return self.refuse(purpose, reason);
        }
        let trace = match self.take_number() {
            Ok(trace) => trace,
            Err(error) => return self.refuse(purpose, Reason::with_detail(ReasonKind::LedgerFailed, error)),
        };
        self.kind_shown = Some(transaction.kind());
        let sale = Sale::new(Opening {
            trace,
            transaction,
            at: local_now(),
            unpredictable_number,
            merchant_code: self.parts.merchant_code.clone(),
            terminal_number: self.parts.terminal_number.clone(),
            serial_number: self.parts.identity.serial_number.clone(),
            chooser: self.parts.chooser.clone(),
            terminal: self.parts.terminal.clone(),
            tables: Arc::clone(&self.parts.tables),
            pin_bypass: self.parts.pin_bypass,
            in_part: self.takes_parts(),
            by: purpose.by(),
            entry: self.entry_rules(),
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
            card_until: None,
            sold: purpose.sold(),
            purpose,
            timings,
        });
        self.feed(Event::Begin);
    }

    /// What is to be begun, as far as the ledger lets it: it is asked once more when the row is written.
    fn transaction_for(&self, purpose: &Purpose) -> Result<Transaction, Reason> {
        let failed = |error: LedgerError| Reason::with_detail(ReasonKind::LedgerFailed, error.to_string());
        let past = match purpose.original() {
            Some(original) => self.ledger.past(original).map_err(failed)?,
            None => None,
        };
        let allowed = self.allowed().map_err(failed)?;
        purpose.transaction(past.as_ref(), allowed).map_err(|problem| problem.reason())
    }

    /// What this acquirer lets be done in this batch.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn allowed(&self) -> Result<Allowed, LedgerError> {
        Ok(Allowed { batch: self.ledger.batch()?, completion_percent: self.parts.completion_percent })
    }

    /// How much it is about, for the screen: of an earlier transaction the whole of it, where nobody said how much.
    fn amount_of(&self, purpose: &Purpose) -> Amount {
        let original = || self.ledger.find(purpose.original()?).ok().flatten().map(|row| row.amount);
        purpose.amount().or_else(original).unwrap_or(Amount::zero(self.parts.currency))
    }

    /// What cannot begin: said above the keypad and in the report.
    pub(super) fn refuse(&mut self, purpose: Purpose, reason: Reason) {
        self.parts.sound.play(Tone::Alert);
        let amount = self.amount_of(&purpose);
        let reason = reason.of_sense(purpose.kind().sense());
        self.report = Some(SaleReport {
            kind: purpose.kind(),
            original: purpose.original(),
            ending: Ending::Error,
            amount,
            trace: None,
            reason: Some(reason.clone()),
            card: None,
            rrn: None,
            authorisation_code: None,
            response_code: None,
            balances: Vec::new(),
            purchase: None,
            instalments: None,
            signed: SignedOn::Nothing,
            copies: Vec::new(),
            timings: Timings::start(),
            complete: true,
        });
        self.screen = self.purchase_screen(Some(reason.clone())).unwrap_or(Screen::Keypad { notice: Some(reason) });
    }
}
