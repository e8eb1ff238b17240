//! The worker that owns the printer.

use std::sync::mpsc::Sender;
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

/// What the printer is to do.
#[derive(Debug)]
pub enum Job {
    /// Print one slip.
    Print {
        /// Which.
        slip: Slip,
        /// Its content for this printer.
        bytes: Vec<u8>,
    },
    /// Say how it is.
    Look,
}

/// How it goes.
#[derive(Debug)]
pub enum Event {
    /// The printer stopped in the middle, or goes on.
    Waiting(Slip, Option<PrinterFault>),
    /// It is over.
    Ended(Slip, Result<Confirmation, PrintFailure>),
    /// How it is.
    Is(Result<(), String>),
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
        for job in jobs {
            let Job::Print { slip, bytes } = job else {
                let state = printer.check().map_err(|fault| fault.to_string());
                if events.send(wrap(Event::Is(state))).is_err() {
                    return;
                }
                continue;
            };
            let result = printer.print(&bytes, patience, &mut |fault| {
                // The engine may be gone; the slip is printed all the same.
                let _ = events.send(wrap(Event::Waiting(slip, fault)));
            });
            if events.send(wrap(Event::Ended(slip, result))).is_err() {
                return;
            }
        }
    })
}
