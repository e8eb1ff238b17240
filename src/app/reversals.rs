//! Taking payments back: one at a time, oldest first, before anything new goes to the host.

use std::time::{Duration, Instant};

use super::engine::Core;
use super::report::Ending;
use super::showing::{local_in, local_now};
use super::view::Screen;
use super::workers::link;
use crate::ledger::{LedgerError, TransactionRow};
use crate::payment::online::{HostAnswer, LinkFailure};
use crate::payment::record::{Record, State};
use crate::payment::reversal::{self, Next, Try};
use crate::reference::TraceNumber;
use crate::wording::{Reason, ReasonKind};

/// What the engine knows of reversals beside the ledger.
#[derive(Debug)]
pub(super) struct ReversalDesk {
    /// The one the host is being asked about.
    pub in_flight: Option<TraceNumber>,
    /// It was time for that one; otherwise somebody asked for it earlier.
    due: bool,
    /// Not before this.
    pub next_try: Instant,
}

impl ReversalDesk {
    pub fn new() -> Self {
        Self { in_flight: None, due: false, next_try: Instant::now() }
    }
}

impl Core {
    /// Rows that were cut off in the middle become reversals; gives those. The running sale's own row is not one of them, so
    /// this is called only between sales.
    ///
    /// # Errors
    /// When the ledger cannot be read or written.
    pub(super) fn adopt_interrupted(&mut self) -> Result<Vec<TransactionRow>, LedgerError> {
        let mut adopted = Vec::new();
        for state in [State::Pending, State::HostApproved] {
            let Some((reversal_reason, reason)) = reversal::after_restart(state) else { continue };
            for row in self.ledger.in_state(state)? {
                if self.not_to_be_reversed == Some(row.trace) {
                    let record = Record::Unresolved { reason: ReasonKind::TraceNumberInUse, response_code: None };
                    self.ledger.record(row.trace, &record)?;
                    continue;
                }
                let record = Record::ReversalDue {
                    reversal_reason,
                    reason,
                    authorisation_code: None,
                    chip_data: row.chip_data.clone().unwrap_or_default(),
                };
                tracing::warn!(trace = %row.trace, state = state.word(), "a payment was interrupted and is taken back");
                self.ledger.record(row.trace, &record)?;
                adopted.push(row);
            }
        }
        Ok(adopted)
    }

    /// Reversals that wait for the host.
    ///
    /// # Errors
    /// When the ledger cannot be read: then nobody knows, and nothing may begin.
    pub(super) fn reversals_waiting(&self) -> Result<usize, LedgerError> {
        Ok(self.ledger.in_state(State::ReversalDue)?.len())
    }

    /// Sends the oldest reversal if it is time and nothing else is asked of the host.
    pub(super) fn drain_reversals(&mut self, now: bool) {
        let busy = self.running.is_some() || self.reversals.in_flight.is_some() || self.sign_on.holds();
        if busy || (!now && Instant::now() < self.reversals.next_try) {
            return;
        }
        let rows = match self.adopt_interrupted().and_then(|_| self.ledger.in_state(State::ReversalDue)) {
            Ok(rows) => rows,
            Err(error) => return self.ledger_failed(&error),
        };
        let Some(row) = rows.into_iter().next() else { return };
        let Some(request) = row.reversal_request() else {
            tracing::error!(trace = %row.trace, "a reversal is due whose data is not in the ledger");
            return;
        };
        self.reversals.in_flight = Some(row.trace);
        self.reversals.due = Instant::now() >= self.reversals.next_try;
        self.ask_host(link::Job::Reverse(request));
    }

    /// What became of a try.
    pub(super) fn after_reversal(&mut self, trace: TraceNumber, result: &Result<HostAnswer, LinkFailure>) {
        self.reversals.in_flight = None;
        let this = match self.ledger.find(trace) {
            Ok(Some(row)) => Try {
                counted: row.reversal_tries,
                due: self.reversals.due,
                age_s: local_now().duration_since(row.at).as_secs(),
            },
            Ok(None) => return tracing::error!(%trace, "a payment that was taken back is not in the ledger"),
            Err(error) => return self.ledger_failed(&error),
        };
        let next = reversal::judge(result, this);
        let tries = this.counted + u32::from(next == Next::TryAgainCounted);
        if this.due {
            self.reversals.next_try = Instant::now() + Duration::from_secs(reversal::interval_s(tries).into());
        }
        tracing::info!(%trace, tries, ?next, "reversal tried");
        let written = match next {
            Next::Reversed => self.ledger.reversed(trace),
            Next::TryAgain => Ok(()),
            Next::TryAgainCounted => self.ledger.count_reversal_try(trace),
            Next::GiveUp => self.ledger.unresolved(trace),
        };
        if let Err(error) = written {
            return self.ledger_failed(&error);
        }
        match next {
            Next::Reversed => self.show_taken_back(trace),
            Next::TryAgain | Next::TryAgainCounted => self.show_still_unknown(trace, tries),
            Next::GiveUp => self.show_unresolved(trace),
        }
        self.continue_waiting_charge(trace, next);
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
        self.drain_next();
    }

    fn show_still_unknown(&mut self, trace: TraceNumber, tries_now: u32) {
        let until_next = self.reversals.next_try.saturating_duration_since(Instant::now());
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
        self.set_alarm(exhausted.clone());
        // It may be paid: it is never shown as anything else than unknown.
        if let Screen::Unknown { reason, next_try, .. } = &mut self.screen
            && self.result_shown == Some(trace)
        {
            *reason = exhausted;
            *next_try = None;
        }
        self.drain_next();
    }

    /// More than one may wait after a bad day: go on at once while the host answers.
    fn drain_next(&mut self) {
        self.reversals.next_try = Instant::now();
    }

    /// A payment that waited for reversals begins when all have been taken back, and is given up when the host does not take
    /// one: while that one may be paid, the same customer must not pay again.
    fn continue_waiting_charge(&mut self, trace: TraceNumber, next: Next) {
        let Some(amount) = self.waiting_charge else { return };
        let refusal = match next {
            Next::Reversed => None,
            Next::TryAgain | Next::TryAgainCounted => Some(Reason::of(ReasonKind::ReversalWaiting)),
            Next::GiveUp => Some(Reason::with_detail(ReasonKind::ReversalExhausted, trace.to_string())),
        };
        if let Some(reason) = refusal {
            self.waiting_charge = None;
            return self.refuse(amount, reason);
        }
        let waiting = match self.reversals_waiting() {
            Ok(waiting) => waiting,
            Err(error) => return self.ledger_failed(&error),
        };
        if waiting == 0 {
            self.waiting_charge = None;
            self.begin_sale(amount);
        }
    }
}
