//! Telling the host of payments that are over: one at a time, oldest first, when nothing else is asked of it.

use std::time::{Duration, Instant};

use super::engine::Core;
use super::showing::local_now;
use super::workers::link;
use crate::ledger::LedgerError;
use crate::payment::advice::{self, Next, Try};
use crate::payment::online::{HostAnswer, LinkFailure};
use crate::payment::reversal;

/// How long an engine that is to end goes on telling the host what is left, in all.
const LAST_ADVICES: Duration = Duration::from_secs(3);

/// How long advices wait after one that cannot be read.
const AFTER_DAMAGE: Duration = Duration::from_secs(600);

/// What the engine knows of advices beside the ledger.
#[derive(Debug)]
pub(super) struct AdviceDesk {
    /// The row the host is being told of.
    in_flight: Option<i64>,
    /// Not before this.
    next_try: Instant,
    /// Nothing waits, until another payment is over.
    empty: bool,
    /// The engine is to end: nothing is begun after this, and nothing is waited for.
    stop_at: Option<Instant>,
}

impl AdviceDesk {
    pub fn new() -> Self {
        Self { in_flight: None, next_try: Instant::now(), empty: false, stop_at: None }
    }

    /// A payment is over and may have left something to tell.
    pub const fn look_again(&mut self) {
        self.empty = false;
    }

    /// Nothing is sent before this: the ledger could not take note of what comes of it.
    pub fn rest_until(&mut self, time: Instant) {
        self.next_try = self.next_try.max(time);
    }

    /// The engine is to end.
    pub fn stop(&mut self) {
        self.stop_at.get_or_insert_with(|| Instant::now() + LAST_ADVICES);
    }

    /// What is under way need not be waited for without end: it is sent again after the next start.
    pub fn may_stop(&self) -> bool {
        self.in_flight.is_none() || self.out_of_time()
    }

    fn out_of_time(&self) -> bool {
        self.stop_at.is_some_and(|time| Instant::now() >= time)
    }

    /// The host is being told of one.
    pub const fn in_flight(&self) -> bool {
        self.in_flight.is_some()
    }

    fn may_send(&self) -> bool {
        self.in_flight.is_none() && !self.empty && Instant::now() >= self.next_try && !self.out_of_time()
    }
}

impl Core {
    /// Sends the oldest advice, if it is time, nobody pays and no payment is to be taken back first.
    pub(super) fn drain_advices(&mut self) {
        let paying = self.running.is_some() || self.waiting_charge.is_some();
        let taking_back = self.line.waiting > 0 || self.reversals.in_flight.is_some();
        if paying || taking_back || self.sign_on.holds() || self.out_of_service.is_some() || !self.advices.may_send() {
            return;
        }
        let row = match self.ledger.next_advice() {
            Ok(Some(row)) => row,
            Ok(None) => return self.advices.empty = true,
            // One row that cannot be read is no reason to take no payments.
            Err(error @ LedgerError::Value { .. }) => {
                tracing::error!(%error, "an advice cannot be read");
                return self.advices.rest_until(Instant::now() + AFTER_DAMAGE);
            }
            Err(error) => return self.ledger_failed(&error),
        };
        // Not the thread that payments are sent on: none waits behind it.
        if self.check_jobs.send(link::Job::Advise(row.id, Box::new(row.advice))).is_ok() {
            self.advices.in_flight = Some(row.id);
        }
    }

    /// What became of a try.
    pub(super) fn after_advice(&mut self, id: i64, result: &Result<HostAnswer, LinkFailure>) {
        self.advices.in_flight = None;
        if let Err(error) = self.note_advice(id, result) {
            self.ledger_failed(&error);
        }
    }

    fn note_advice(&mut self, id: i64, result: &Result<HostAnswer, LinkFailure>) -> Result<(), LedgerError> {
        let (counted, at) = self.ledger.advice_tries(id)?;
        let this = Try { counted, age_s: local_now().duration_since(at).as_secs() };
        let next = advice::judge(result, this);
        match &next {
            Next::Delivered => self.ledger.advice_delivered(id)?,
            Next::TryAgain => {}
            Next::TryAgainCounted => self.ledger.count_advice_try(id)?,
            Next::Park(code) => self.ledger.advice_parked(id, code.as_ref())?,
        }
        match next {
            Next::Delivered => tracing::info!(id, "the host has taken note of a payment"),
            Next::Park(code) => tracing::warn!(
                id,
                code = code.as_ref().map(|code| code.as_str()),
                "the host takes no note of a payment; yima queue shows it"
            ),
            Next::TryAgain | Next::TryAgainCounted => {
                let pause = Duration::from_secs(reversal::interval_s(counted + 1).into());
                self.advices.rest_until(Instant::now() + pause);
            }
        }
        Ok(())
    }
}
