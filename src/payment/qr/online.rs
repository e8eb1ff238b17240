//! What the host is asked about orders beside what the machine of a payment asks, and what it says, free of any message format.

use jiff::civil::DateTime;

use super::{Answer, CancelAnswer, Event, Order, Paid};
use crate::money::Amount;
use crate::reference::TraceNumber;

/// What the host said to a [`super::Request`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostWord {
    /// The order is open; this is the code to be shown for it.
    Open(String),
    /// How it stands.
    Stands(Answer),
    /// What came of cancelling it.
    Cancelled(CancelAnswer),
}

impl From<HostWord> for Event {
    fn from(word: HostWord) -> Self {
        match word {
            HostWord::Open(code) => Self::OrderOpen(code),
            HostWord::Stands(answer) => Self::Answered(answer),
            HostWord::Cancelled(answer) => Self::CancelAnswered(answer),
        }
    }
}

/// Pays a part of a paid order back, or all of it. Nothing takes it back: it is sent again until it is answered, and is the same each
/// time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRefund {
    /// Its own batch and STAN.
    pub trace: TraceNumber,
    /// What was paid.
    pub order: Order,
    /// By which numbers it was.
    pub paid: Paid,
    /// What goes back.
    pub amount: Amount,
    /// Local time.
    pub at: DateTime,
}
