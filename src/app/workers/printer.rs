//! The worker that owns the printer.

use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::devices::printer::{Confirmation, PrintFailure, Printer, PrinterFault};
use crate::ledger::CopyRow;

/// One slip to print.
#[derive(Debug)]
pub struct Job {
    /// Which.
    pub copy: CopyRow,
    /// Its content for this printer.
    pub bytes: Vec<u8>,
}

/// How it goes.
#[derive(Debug)]
pub enum Event {
    /// The printer stopped in the middle, or goes on.
    Waiting(CopyRow, Option<PrinterFault>),
    /// It is over.
    Ended(CopyRow, Result<Confirmation, PrintFailure>),
}

/// Starts the worker.
///
/// # Errors
/// When the system has no thread left.
pub fn start<M: Send + 'static>(
    mut printer: Box<dyn Printer>,
    patience: Duration,
    events: Sender<M>,
    wrap: impl Fn(Event) -> M + Send + 'static,
) -> std::io::Result<Sender<Job>> {
    super::start("printer", move |jobs| {
        for Job { copy, bytes } in jobs {
            let result = printer.print(&bytes, patience, &mut |fault| {
                // The engine may be gone; the slip is printed all the same.
                let _ = events.send(wrap(Event::Waiting(copy, fault)));
            });
            if events.send(wrap(Event::Ended(copy, result))).is_err() {
                return;
            }
        }
    })
}
