//! The worker that copies the ledger.

use std::sync::mpsc::{Receiver, Sender};

use crate::ledger::{CopyDue, LedgerError};

/// A copy to be made.
#[derive(Debug)]
pub struct Job(pub CopyDue);

/// Starts the worker.
///
/// # Errors
/// When the system has no thread left.
pub fn start<M: Send + 'static>(
    events: Sender<M>,
    wrap: impl Fn(CopyDue, Result<bool, LedgerError>) -> M + Send + 'static,
) -> std::io::Result<Sender<Job>> {
    super::start("copier", move |jobs: Receiver<Job>| {
        for Job(due) in jobs {
            let made = due.make();
            if events.send(wrap(due, made)).is_err() {
                return;
            }
        }
    })
}
