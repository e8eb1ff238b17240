//! What the host is still told of a payment that is over: the card's last word, and what came of the issuer's scripts
//! (pure).
//!
//! An advice moves no money and holds up no payment. It is durable together with the result it tells of, and is sent, with
//! the same number, until the host has it or a person must look (`queue`).

use std::fmt;

use jiff::civil::DateTime;

use super::online::EntryMode;
use super::transaction::Kind;
use crate::money::Amount;
use crate::reference::TraceNumber;

/// What it tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdviceKind {
    /// The TC of a payment: the card's own receipt (0320).
    CardResult,
    /// What the card made of the issuer's scripts (0620).
    ScriptResult,
}

impl AdviceKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::CardResult, Self::ScriptResult];

    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::CardResult => "card_result",
            Self::ScriptResult => "script_result",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// One advice.
#[derive(Clone, PartialEq, Eq)]
pub struct Advice {
    /// What it tells of.
    pub kind: AdviceKind,
    /// Its own batch and STAN; the same at every try.
    pub trace: TraceNumber,
    /// Batch and STAN of the payment.
    pub original: TraceNumber,
    /// What the payment was.
    pub payment: Kind,
    /// Amount of the payment.
    pub amount: Amount,
    /// Local time of the payment.
    pub at: DateTime,
    /// How the card was read.
    pub entry: EntryMode,
    /// The payment brought a PIN: field 22 is the payment's.
    pub with_pin: bool,
    /// PAN sequence number.
    pub sequence_number: Option<u8>,
    /// Field 55.
    pub chip_data: Vec<u8>,
    /// The payment was by instalments: field 25 is the payment's.
    pub by_instalments: bool,
}

/// The chip's data are not shown.
impl fmt::Debug for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Advice")
            .field("kind", &self.kind)
            .field("trace", &self.trace)
            .field("original", &self.original)
            .finish_non_exhaustive()
    }
}
