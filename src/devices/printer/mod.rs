//! Receipt printers.

pub mod escpos_serial;
pub mod status;

use std::time::Duration;

/// What a printer can do. `print` blocks for as long as paper takes; the printer runs on a thread of its own.
pub trait Printer: Send {
    /// The printer's name for `yima doctor`: device path and profile.
    fn name(&self) -> String;

    /// Asks the printer how it is.
    ///
    /// # Errors
    /// Any [`PrinterFault`].
    fn check(&mut self) -> Result<(), PrinterFault>;

    /// Prints one job and waits for the printer's own word that the paper is out.
    ///
    /// `waiting` is called when the printer stops in the middle (paper out, cover open) and again with `None` when it goes
    /// on; the job goes on by itself when the trouble ends within `patience`.
    ///
    /// # Errors
    /// [`PrintFailure`], which says whether any of the job may be on paper.
    fn print(
        &mut self,
        job: &[u8],
        patience: Duration,
        waiting: &mut dyn FnMut(Option<PrinterFault>),
    ) -> Result<Confirmation, PrintFailure>;

    /// Opens the drawer that is connected to the printer, now or not at all: what the printer would only get to later is not sent, and
    /// nothing is tried again.
    ///
    /// # Errors
    /// Why it did not open. Where the pulse has left, it is taken to have opened.
    fn open_drawer(&mut self) -> Result<(), DrawerFault> {
        Err(DrawerFault::None)
    }
}

/// Why a drawer does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawerFault {
    /// The profile of the printer names none.
    #[error("this printer has no drawer; a profile with one is needed: printer.profile in the settings")]
    None,
    /// The printer.
    #[error("{0}; open the drawer with its key")]
    Printer(#[from] PrinterFault),
    /// The printer was busy for too long: nobody stands at the drawer any more.
    #[error("the printer was busy for too long; open the drawer with its key")]
    TooLate,
}

/// How sure it is that a job is on paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// The printer answered the end mark behind the job: it is printed.
    Printed,
    /// Everything was sent, but nothing proves that all of it is on paper: the printer answers nothing, or not enough, or
    /// it may have lost a part when it stood still. The cashier must be asked.
    CannotConfirm,
}

/// Why a printer does not print.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrinterFault {
    /// The device cannot be opened or has gone.
    #[error("the printer is not there ({0}); check cable and power, or printer.device in the settings")]
    Absent(String),
    /// No paper.
    #[error("the printer is out of paper; put in a new roll")]
    PaperOut,
    /// The cover is open.
    #[error("the printer's cover is open; close it")]
    CoverOpen,
    /// The printer says it has an error (cutter, temperature).
    #[error("the printer reports an error; switch it off and on")]
    Error,
    /// The printer holds the line and cannot say why: it stands still, or it is off.
    #[error("the printer has stopped and takes no data; look at paper and cover, and whether it is switched on")]
    Offline,
    /// The printer takes no data and says nothing.
    #[error("the printer does not answer; check cable and power")]
    NoAnswer,
}

/// A job that did not end as printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct PrintFailure {
    /// What stopped it.
    pub fault: PrinterFault,
    /// False when not one byte of the content left: the copy may be sent again without asking.
    pub may_be_on_paper: bool,
    /// The printer may hold what is not on paper yet and print it when it goes on. Whoever sends the copy again must mark it
    /// as a duplicate, for the first one may come out too. False when the printer said that its buffer is cleared.
    pub may_come_later: bool,
}

impl PrintFailure {
    /// Nothing of the job has left.
    pub const fn before_content(fault: PrinterFault) -> Self {
        Self { fault, may_be_on_paper: false, may_come_later: false }
    }
}
