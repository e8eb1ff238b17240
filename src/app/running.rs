//! The sale that is running: the payment core with what the shell must remember beside it.

use std::time::Instant;

use crate::goods::sold::Sold;
use crate::payment::purpose::Purpose;
use crate::payment::sale::{Progress, Sale};
use crate::wording::Reason;

use super::report::Timings;
use super::view::PinPlace;
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
    /// Where a PIN is entered, with the keys as they are laid out this time.
    pub pin_place: PinPlace,
    /// Until when a PIN may be typed on the screen.
    pub pin_until: Option<Instant>,
    /// What the cardholder is asked about the card's applications.
    pub question: Option<Question>,
    /// Until when there is time for that.
    pub question_until: Option<Instant>,
    /// Until when a stripe or a number is waited for; of a chip the reader minds the time.
    pub card_until: Option<Instant>,
    /// What was wanted.
    pub purpose: Purpose,
    /// What is sold. It stays when another PIN makes it another transaction.
    pub sold: Sold,
    /// How long its parts take.
    pub timings: Timings,
}

/// What the cardholder is asked about the card's applications, with their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Which.
    Which(Vec<String>),
    /// Whether this one may be used.
    Whether(String),
}

impl Running {
    /// The part of the sale to which time spent with the card belongs.
    pub const fn card_part(&self) -> &'static str {
        match self.progress {
            Progress::PresentCard | Progress::PresentStripe | Progress::TypingNumber | Progress::ReadingCard => {
                "card_read"
            }
            Progress::EnteringPin(_) => "pin",
            Progress::AskingHost | Progress::CompletingCard => "card_completion",
        }
    }
}
