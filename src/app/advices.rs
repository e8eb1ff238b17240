//! Telling the host of payments that are over: one at a time, oldest first, when nothing else is asked of it.

use std::time::{Duration, Instant};

use super::engine::Core;
use super::workers::link;
use crate::ledger::LedgerError;
use crate::payment::advice::{self, Next};
use crate::payment::online::{HostAnswer, LinkFailure};
use crate::payment::reversal;

/// How long an engine that is to end waits for the host to take what it still has to be told.
const LAST_ADVICE: Duration = Duration::from_secs(3);

/// What the engine knows of advices beside the ledger.
#[derive(Debug)]
pub(super) struct AdviceDesk {
    /// The row the host is being told of, since when.
    in_flight: Option<(i64, Instant)>,
    /// Not before this.
    next_try: Instant,
}

impl AdviceDesk {
    pub fn new() -> Self {
        Self { in_flight: None, next_try: Instant::now() }
    }

    /// An engine that is to end need not wait for what is under way: it is sent again after the next start.
    pub fn may_stop(&self) -> bool {
        self.in_flight.is_none_or(|(_, since)| since.elapsed() > LAST_ADVICE)
    }
}

impl Core {
    /// Sends the oldest advice, if it is time, nobody pays and no payment is to be taken back first.
    pub(super) fn drain_advices(&mut self) {
        let busy = self.running.is_some() || self.waiting_charge.is_some() || self.line.waiting > 0;
        if busy || self.advices.in_flight.is_some() || Instant::now() < self.advices.next_try {
            return;
        }
        let row = match self.ledger.next_advice() {
            Ok(Some(row)) => row,
            // Nothing can come but by a payment, which clears this.
            Ok(None) => return self.advices.next_try = Instant::now() + Duration::from_secs(600),
            Err(error) => return self.ledger_failed(&error),
        };
        // A thread of its own: a payment never waits behind it.
        if self.check_jobs.send(link::Job::Advise(row.id, Box::new(row.advice))).is_ok() {
            self.advices.in_flight = Some((row.id, Instant::now()));
        }
    }

    /// A payment is over and may have left something to tell.
    pub(super) fn look_for_advices(&mut self) {
        self.advices.next_try = Instant::now();
    }

    /// What became of a try.
    pub(super) fn after_advice(&mut self, id: i64, result: &Result<HostAnswer, LinkFailure>) {
        self.advices.in_flight = None;
        if let Err(error) = self.note_advice(id, result) {
            self.ledger_failed(&error);
        }
    }

    fn note_advice(&mut self, id: i64, result: &Result<HostAnswer, LinkFailure>) -> Result<(), LedgerError> {
        let counted = self.ledger.advice_tries(id)?;
        let next = advice::judge(result, counted);
        tracing::info!(id, ?next, "advice tried");
        let pause = match &next {
            Next::Delivered | Next::Park(_) => Duration::ZERO,
            Next::TryAgain | Next::TryAgainCounted => Duration::from_secs(reversal::interval_s(counted + 1).into()),
        };
        self.advices.next_try = Instant::now() + pause;
        match next {
            Next::Delivered => self.ledger.advice_delivered(id),
            Next::TryAgain => Ok(()),
            Next::TryAgainCounted => self.ledger.count_advice_try(id),
            Next::Park(code) => self.ledger.advice_parked(id, code.as_ref()),
        }
    }
}
