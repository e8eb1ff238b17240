//! The sale that is running: the payment core with what the shell must remember beside it.

use crate::payment::sale::{Progress, Sale};
use crate::wording::Reason;

use super::report::Timings;
use super::workers::reader::Ticket;

/// A sale under way.
#[derive(Debug)]
pub struct Running {
    /// The core.
    pub sale: Sale,
    /// Which events of the reader belong to it.
    pub ticket: Ticket,
    /// What it is doing.
    pub progress: Progress,
    /// What to tell the customer beside "insert your card".
    pub notice: Option<Reason>,
    /// How long its parts take.
    pub timings: Timings,
}

impl Running {
    /// The part of the sale to which time spent with the card belongs.
    pub const fn card_part(&self) -> &'static str {
        match self.progress {
            Progress::PresentCard | Progress::ReadingCard => "card_read",
            Progress::AskingHost | Progress::CompletingCard => "card_completion",
        }
    }
}
