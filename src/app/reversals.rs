//! Payments that are taken back: those that were cut off in the middle, what the screen says of each, and what waits until all
//! are taken back. How they are sent is `queue`'s matter; what is sent again instead is `repeats`'.

use super::engine::Core;
use super::report::Ending;
use super::showing::{local_in, local_now};
use super::view::{Progress, Screen};
use crate::deliberate;
use crate::ledger::{LedgerError, TransactionRow};
use crate::payment::queue::{EntryId, Verdict};
use crate::payment::record::{Record, State};
use crate::payment::reversal;
use crate::payment::transaction::Resume;
use crate::reference::TraceNumber;
use crate::wording::{Reason, ReasonKind};

impl Core {
    /// Rows that were cut off in the middle become reversals, are sent again, or are finished, as their kind wants it; gives
    /// those. The running sale's own row is not one of them, so this is called only between sales.
    ///
    /// # Errors
    /// When the ledger cannot be read or written.
    pub(super) fn adopt_interrupted(&mut self) -> Result<Vec<TransactionRow>, LedgerError> {
        let mut adopted = Vec::new();
        for state in [State::Pending, State::HostApproved] {
            if deliberate::is("interrupted_forgotten") {
                break;
            }
            for row in self.ledger.in_state(state)? {
                if self.not_to_be_reversed == Some(row.trace) {
                    let record = Record::Unresolved { reason: ReasonKind::TraceNumberInUse, response_code: None };
                    self.ledger.record(row.trace, &record)?;
                    self.note_not_ours(None);
                    continue;
                }
                let Some(record) = after_restart(&row) else { continue };
                let kind = row.kind.word();
                tracing::warn!(trace = %row.trace, kind, state = state.word(), "interrupted; what its kind wants follows");
                self.ledger.record(row.trace, &record)?;
                adopted.push(row);
            }
        }
        Ok(adopted)
    }

    /// The host has this number already: whatever becomes of the ledger and of this program, nobody takes it back.
    pub(super) fn must_not_be_taken_back(&mut self, trace: TraceNumber) {
        self.not_to_be_reversed = Some(trace);
        let says_so = self.ledger.find(trace).is_ok_and(|row| row.is_some_and(|row| row.state == State::Unresolved));
        if !says_so {
            self.note_not_ours(Some(trace));
        }
    }

    fn note_not_ours(&self, trace: Option<TraceNumber>) {
        if let Err(error) = self.ledger.note_not_ours(trace) {
            tracing::error!(%error, "which payment is not to be taken back stands nowhere but in this program");
        }
    }

    /// What an earlier run could not write into the ledger.
    pub(super) fn recall_what_is_not_ours(&mut self) {
        match self.ledger.not_ours() {
            Ok(trace) => self.not_to_be_reversed = trace,
            Err(error) => tracing::error!(%error, "whether a payment is not to be taken back cannot be read"),
        }
    }

    /// Reversals that wait for the host.
    ///
    /// # Errors
    /// When the ledger cannot be read: then nobody knows, and nothing may begin.
    pub(super) fn reversals_waiting(&self) -> Result<usize, LedgerError> {
        Ok(self.ledger.in_state(State::ReversalDue)?.len())
    }

    /// Says what became of a try to take a payment back, and goes on with the one that waits for it.
    pub(super) fn show_reversal(&mut self, trace: TraceNumber, verdict: &Verdict, tries: u32) {
        match verdict {
            Verdict::Done => self.show_taken_back(trace),
            // No answer refuses a reversal.
            Verdict::TryAgain | Verdict::TryAgainCounted | Verdict::Refused => self.show_still_unknown(trace, tries),
            Verdict::Park(_) | Verdict::GiveUp(_) => self.show_unresolved(trace),
        }
        self.continue_what_waits(trace, verdict);
    }

    fn show_taken_back(&mut self, trace: TraceNumber) {
        if let Some(report) = self.report_of(trace) {
            report.ending = Ending::Reversed;
            report.complete = true;
        }
        if let Screen::Unknown { amount, reason, .. } = &self.screen
            && self.result_shown == Some(trace)
        {
            self.screen = Screen::NotPaid { amount: *amount, reason: reason.once_taken_back(), at: local_now() };
        }
    }

    fn show_still_unknown(&mut self, trace: TraceNumber, tries_now: u32) {
        let until_next = self.queue.until_due(EntryId::Reversal(trace));
        if let Some(report) = self.report_of(trace) {
            report.complete = true;
        }
        if let Screen::Unknown { tries, next_try, .. } = &mut self.screen
            && self.result_shown == Some(trace)
        {
            *tries = tries_now;
            *next_try = Some(local_in(until_next));
        }
    }

    fn show_unresolved(&mut self, trace: TraceNumber) {
        let exhausted = Reason::with_detail(ReasonKind::ReversalExhausted, trace.to_string());
        if let Some(report) = self.report_of(trace) {
            report.reason = Some(exhausted.clone());
            report.complete = true;
        }
        self.refresh_alarm();
        // It may be paid: it is never shown as anything else than unknown.
        if let Screen::Unknown { reason, next_try, .. } = &mut self.screen
            && self.result_shown == Some(trace)
        {
            *reason = exhausted;
            *next_try = None;
        }
    }

    /// A payment that waited for reversals begins when all have been taken back, and is given up when the host does not take
    /// one: while that one may be paid, the same customer must not pay again.
    fn continue_what_waits(&mut self, trace: TraceNumber, verdict: &Verdict) {
        let Some(purpose) = self.waiting.clone() else { return };
        let refusal = match verdict {
            Verdict::Done => None,
            Verdict::TryAgain | Verdict::TryAgainCounted | Verdict::Refused => {
                Some(Reason::of(ReasonKind::ReversalWaiting))
            }
            Verdict::Park(_) | Verdict::GiveUp(_) => {
                Some(Reason::with_detail(ReasonKind::ReversalExhausted, trace.to_string()))
            }
        };
        if let Some(reason) = refusal {
            self.waiting = None;
            return self.refuse(purpose, reason);
        }
        let waiting = match self.reversals_waiting() {
            Ok(waiting) => waiting,
            Err(error) => return self.ledger_failed(&error),
        };
        if waiting > 0 {
            return;
        }
        // The answer that took the last one back may have asked for new keys: a payment under the old ones would be refused.
        if self.sign_on.holds() {
            if let Screen::Processing { progress, .. } = &mut self.screen {
                *progress = Progress::SigningOn;
            }
            return self.drain_sign_on(true);
        }
        self.waiting = None;
        self.begin_now(purpose);
    }
}

/// What is written down of a row that was cut off in the middle.
fn after_restart(row: &TransactionRow) -> Option<Record> {
    match row.kind.after_restart(row.state)? {
        Resume::TakeBack => {
            let (reversal_reason, reason) = reversal::after_restart(row.state)?;
            let chip_data = row.chip_data.clone().unwrap_or_default();
            Some(Record::ReversalDue { reversal_reason, reason, authorisation_code: None, chip_data })
        }
        Resume::Repeat => Some(Record::RepeatDue { reason: ReasonKind::Interrupted }),
        Resume::Finish => Some(Record::Done),
        // Whoever runs payments by code asks about it; none is begun yet.
        Resume::Enquire => None,
    }
}
