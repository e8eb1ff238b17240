//! The worker that owns the printer.

use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use crate::devices::printer::{Confirmation, PrintFailure, Printer, PrinterFault};
use crate::ledger::CopyRow;

/// Which slip.
#[derive(Clone, Copy, Debug)]
pub enum Slip {
    /// One of a payment.
    Copy(CopyRow),
    /// One that says what was given up: which dead letter.
    DeadLetter(i64),
}

/// One slip to print.
#[derive(Debug)]
pub struct Job {
    /// Which.
    pub slip: Slip,
    /// Its content for this printer.
    pub bytes: Vec<u8>,
}

/// How it goes.
#[derive(Debug)]
pub enum Event {
    /// The printer stopped in the middle, or goes on.
    Waiting(Slip, Option<PrinterFault>),
    /// It is over.
    Ended(Slip, Result<Confirmation, PrintFailure>),
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
    super::start("printer", move |jobs: Receiver<Job>| {
        for job in jobs {
            let slip = job.slip;
            let result = carry_out(job, &mut *printer, patience, &mut |event| {
                // The engine may be gone; the slip is printed all the same.
                let _ = events.send(wrap(event));
            });
            if events.send(wrap(Event::Ended(slip, result))).is_err() {
                return;
            }
        }
    })
}

/// Prints a slip, and tells when the printer stops in the middle and goes on.
pub fn carry_out(
    Job { slip, bytes }: Job,
    printer: &mut dyn Printer,
    patience: Duration,
    tell: &mut dyn FnMut(Event),
) -> Result<Confirmation, PrintFailure> {
    printer.print(&bytes, patience, &mut |fault| tell(Event::Waiting(slip, fault)))
}
