//! The worker that owns the printer.

use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use crate::clock;
use crate::devices::printer::{Confirmation, DrawerFault, PrintFailure, Printer, PrinterFault};
use crate::ledger::CopyRow;
use crate::reference::{Batch, TraceNumber};

/// How long opening the drawer may wait for what is being printed.
const DRAWER_WAITS: Duration = Duration::from_secs(10);

/// Which slip.
#[derive(Clone, Copy, Debug)]
pub enum Slip {
    /// One of a payment.
    Copy(CopyRow),
    /// One that says what was given up: which dead letter.
    DeadLetter(i64),
    /// One of the settlement of a batch.
    Settlement(Batch),
    /// One that says what was taken back of a purchase: which.
    Purchase(i64),
    /// A code for the customer's phone: of which order.
    Code(TraceNumber),
    /// The sheet that finds out what the printer can do.
    SetUp,
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
    /// Open the drawer: for this cash sale, or for nobody but who wants to.
    OpenDrawer {
        /// Which sale, or refund.
        of: Option<TraceNumber>,
        /// When it was wanted: later than a while after it nobody stands there any more.
        wanted: Instant,
    },
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
    /// What came of opening the drawer.
    Drawer(Option<TraceNumber>, Result<(), DrawerFault>),
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
            let over = carry_out(job, &mut *printer, patience, &mut |event| {
                // The engine may be gone; the slip is printed all the same.
                let _ = events.send(wrap(event));
            });
            if events.send(wrap(over)).is_err() {
                return;
            }
        }
    })
}

/// Prints a slip, and tells when the printer stops in the middle and goes on, or looks how the printer is. Gives what came of it.
pub fn carry_out(job: Job, printer: &mut dyn Printer, patience: Duration, tell: &mut dyn FnMut(Event)) -> Event {
    match job {
        Job::Print { slip, bytes } => {
            let result = printer.print(&bytes, patience, &mut |fault| tell(Event::Waiting(slip, fault)));
            Event::Ended(slip, result)
        }
        Job::OpenDrawer { of, wanted } if clock::since(wanted) > DRAWER_WAITS => {
            Event::Drawer(of, Err(DrawerFault::TooLate))
        }
        Job::OpenDrawer { of, .. } => Event::Drawer(of, printer.open_drawer()),
        Job::Look => Event::Is(printer.check().map_err(|fault| fault.to_string())),
    }
}
