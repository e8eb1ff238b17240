//! The copy of the day of a terminal that runs over midnight: made by a thread of its own while nothing is paid. No payment
//! waits for it, and one that begins meanwhile makes it worthless: it is made later.

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::engine::Core;
use super::showing::local_now;
use super::workers::copier::Job;
use crate::clock;
use crate::ledger::{CopyDue, LedgerError};

/// How long after a look whether a copy is due until the next one.
const INTERVAL: Duration = Duration::from_secs(10 * 60);

/// How long after one that came to nothing.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// When copies are made.
pub(super) struct CopyDesk {
    /// Nobody makes copies, where there is no thread for it.
    jobs: Option<Sender<Job>>,
    under_way: bool,
    next_look: Instant,
}

impl CopyDesk {
    pub fn new(jobs: Option<Sender<Job>>) -> Self {
        Self { jobs, under_way: false, next_look: clock::instant() }
    }

    fn wants_look(&self) -> bool {
        self.jobs.is_some() && !self.under_way && clock::instant() >= self.next_look
    }

    fn hand_over(&mut self, due: CopyDue) {
        self.under_way = self.jobs.as_ref().is_some_and(|jobs| jobs.send(Job(due)).is_ok());
    }
}

impl Core {
    /// Has the copy of the day made, when nothing is paid.
    pub(super) fn mind_copy(&mut self) {
        if !self.copying.wants_look() || self.left_over || self.waiting.is_some() {
            return;
        }
        self.copying.next_look = clock::instant() + INTERVAL;
        match self.ledger.copy_due(local_now()) {
            Ok(Some(due)) => self.copying.hand_over(due),
            Ok(None) => {}
            Err(error @ LedgerError::Lost { .. }) => self.ledger_failed(&error),
            Err(error) => tracing::warn!(%error, "no copy of the ledger was made"),
        }
    }

    /// What came of it.
    pub(super) fn after_copy(&mut self, due: &CopyDue, made: Result<bool, LedgerError>) {
        self.copying.under_way = false;
        match made {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "no copy of the ledger was made"),
        }
        self.copying.next_look = clock::instant() + AFTER_FAILURE;
        if let Err(error) = self.ledger.copy_was_not_made(due) {
            tracing::warn!(%error, "it is not noted that no copy was made");
        }
    }
}
