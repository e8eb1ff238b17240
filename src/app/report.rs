//! What there is to say about a sale when it is over, for the command line and tests. Nothing secret is in it.

use std::time::{Duration, Instant};

use crate::clock;
use crate::ledger::PrintState;
use crate::money::Amount;
use crate::payment::instalments::Instalments;
use crate::payment::online::Balance;
use crate::payment::purchase::Purchase;
use crate::payment::sale::CardSummary;
use crate::payment::signature::SignedOn;
use crate::payment::transaction::Kind;
use crate::receipt::CopyFor;
use crate::reference::{AuthorisationCode, ResponseCode, Rrn, TraceNumber};
use crate::wording::Reason;

/// How a sale ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Paid.
    Approved,
    /// Not paid: host or card said no.
    Declined,
    /// May have been charged, was taken back.
    Reversed,
    /// May have been charged; taking it back has not succeeded yet.
    Unresolved,
    /// Not paid: something failed before anything could be charged.
    Error,
    /// A part is paid: the rest of the purchase is still to be paid.
    InPart,
}

impl Ending {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Reversed => "reversed",
            Self::Unresolved => "unresolved",
            Self::Error => "error",
            Self::InPart => "in_part",
        }
    }
}

/// A sale that is over.
#[derive(Clone, Debug)]
pub struct SaleReport {
    /// What it was.
    pub kind: Kind,
    /// The earlier transaction that it is about.
    pub original: Option<TraceNumber>,
    /// How it ended.
    pub ending: Ending,
    /// What was to be paid.
    pub amount: Amount,
    /// Batch and STAN; none when the sale could not even begin.
    pub trace: Option<TraceNumber>,
    /// Why it was not paid.
    pub reason: Option<Reason>,
    /// The card, if one was read.
    pub card: Option<CardSummary>,
    /// Field 37.
    pub rrn: Option<Rrn>,
    /// Field 38.
    pub authorisation_code: Option<AuthorisationCode>,
    /// Field 39.
    pub response_code: Option<ResponseCode>,
    /// What the account holds, where that was asked.
    pub balances: Vec<Balance>,
    /// The purchase of which it pays a part, as it stands with it.
    pub purchase: Option<Purchase>,
    /// How it is paid, where that is by instalments.
    pub instalments: Option<Instalments>,
    /// How the cardholder signs it.
    pub signed: SignedOn,
    /// The slips.
    pub copies: Vec<CopyReport>,
    /// How long each part took.
    pub timings: Timings,
    /// Nothing is under way any more.
    pub complete: bool,
}

/// A slip of a sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyReport {
    /// Whose.
    pub copy: CopyFor,
    /// How far it came.
    pub state: PrintState,
    /// What stopped it.
    pub trouble: Option<Reason>,
}

/// How long the parts of a sale took, in the order in which they happened.
#[derive(Clone, Debug)]
pub struct Timings {
    began: Instant,
    last: Instant,
    parts: Vec<(&'static str, Duration)>,
}

impl Timings {
    /// Starts the clock.
    pub fn start() -> Self {
        let now = clock::instant();
        Self { began: now, last: now, parts: Vec::new() }
    }

    /// Ends a part: all time since the end of the last one belongs to it.
    pub fn mark(&mut self, part: &'static str) {
        let now = clock::instant();
        self.add(part, now - self.last);
        self.last = now;
    }

    /// Parts by name, in order.
    pub fn parts(&self) -> &[(&'static str, Duration)] {
        &self.parts
    }

    /// From the beginning to the end of the last part.
    pub fn total(&self) -> Duration {
        self.last - self.began
    }

    /// Adds time to a part that was measured elsewhere.
    pub fn add(&mut self, part: &'static str, duration: Duration) {
        match self.parts.iter_mut().find(|(known, _)| *known == part) {
            Some((_, sum)) => *sum += duration,
            None => self.parts.push((part, duration)),
        }
    }
}
