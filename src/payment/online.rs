//! What the payment core asks the acquirer and what it hears back, free of any message format.

use std::fmt;

use jiff::civil::DateTime;
use zeroize::Zeroizing;

use super::instalments::{AskedInstalments, Plan};
use super::transaction::{Kind, Original, Transaction};
use crate::card_number::{Pan, Track2, Track3};
use crate::goods::sold::Sold;
use crate::link_fault::LinkFault;
use crate::money::Amount;
use crate::pin::Pin;
use crate::reference::{AuthorisationCode, ResponseCode, Rrn, TraceNumber};

/// A request about a card (0200, 0100, 0220): a sale, or any other transaction for which a card was read.
#[derive(Clone)]
pub struct SaleRequest {
    /// Batch and STAN.
    pub trace: TraceNumber,
    /// What is to be done.
    pub kind: Kind,
    /// What it refers to.
    pub original: Option<Original>,
    /// What is to be paid.
    pub amount: Amount,
    /// Local time of the terminal.
    pub at: DateTime,
    /// The card.
    pub card: CardForHost,
    /// Field 55: data objects of the chip, with the ARQC.
    pub chip_data: Zeroizing<Vec<u8>>,
    /// What the issuer is to check: becomes field 52, and goes nowhere else.
    pub pin: Option<Pin>,
    /// The issuer may approve less than all of it.
    pub in_part: bool,
    /// The issuer is to split it into periods.
    pub instalments: Option<AskedInstalments>,
    /// What is sold, as far as the host is told; no rule of payment looks at it.
    pub sold: Sold,
}

impl SaleRequest {
    /// Whether the message says that it is by instalments: a sale that is, and what undoes one.
    pub fn is_by_instalments(&self) -> bool {
        self.instalments.is_some() || is_about_instalments(self.kind, self.original.as_ref())
    }
}

/// Whether what is done with an earlier transaction says that that one was by instalments.
fn is_about_instalments(kind: Kind, original: Option<&Original>) -> bool {
    kind.tells_of_instalments() && original.is_some_and(|original| original.periods.is_some())
}

/// The chip's data and the PIN are not shown.
impl fmt::Debug for SaleRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaleRequest")
            .field("trace", &self.trace)
            .field("kind", &self.kind)
            .field("amount", &self.amount)
            .field("card", &self.card)
            .finish_non_exhaustive()
    }
}

/// A request about an earlier transaction for which no card was read: what it refers to says which card it is about.
#[derive(Clone, Debug)]
pub struct AboutRequest {
    /// Batch and STAN.
    pub trace: TraceNumber,
    /// What is to be done, and with what.
    pub transaction: Transaction,
    /// Local time of the terminal.
    pub at: DateTime,
}

impl AboutRequest {
    /// As [`SaleRequest::is_by_instalments`].
    pub fn is_by_instalments(&self) -> bool {
        is_about_instalments(self.transaction.kind(), self.transaction.original())
    }
}

/// What the host needs of the card beside the chip's data objects. Lives no longer than the transaction.
#[derive(Clone)]
pub struct CardForHost {
    /// The number (field 2).
    pub pan: Pan,
    /// Expiry as year and month, packed decimal as the first two bytes of tag 5F24: `[0x30, 0x12]` (field 14).
    pub expiry: Option<[u8; 2]>,
    /// Track 2, of the chip or of the stripe (field 35).
    pub track2: Option<Track2>,
    /// Track 3 of the stripe (field 36).
    pub track3: Option<Track3>,
    /// PAN sequence number (field 23).
    pub sequence_number: Option<u8>,
    /// How it was read.
    pub entry: EntryMode,
}

/// The expiry is not shown, as nowhere else: with the number it is enough to pay somewhere.
impl fmt::Debug for CardForHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardForHost")
            .field("pan", &self.pan)
            .field("sequence_number", &self.sequence_number)
            .field("entry", &self.entry)
            .finish_non_exhaustive()
    }
}

/// How the card reached the terminal (field 22, first two digits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryMode {
    /// Chip, by contact.
    Chip,
    /// Stripe of a card without a chip.
    Stripe,
    /// Stripe of a card whose chip could not be read.
    Fallback,
    /// Its number was typed.
    Typed,
    /// It was not: the transaction is about the card of an earlier one.
    NotRead,
}

impl EntryMode {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Chip, Self::Stripe, Self::Fallback, Self::Typed, Self::NotRead];

    /// The word used in JSON and in the ledger.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Chip => "chip",
            Self::Stripe => "stripe",
            Self::Fallback => "fallback",
            Self::Typed => "typed",
            Self::NotRead => "not_read",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|entry| entry.word() == word)
    }

    /// A card was there, and its chip had no say.
    pub const fn is_without_chip(self) -> bool {
        match self {
            Self::Stripe | Self::Fallback | Self::Typed => true,
            Self::Chip | Self::NotRead => false,
        }
    }
}

/// Takes back a request whose result is not known or not wanted (0400). Everything in it is durable before the request
/// it takes back leaves the terminal.
#[derive(Clone, PartialEq, Eq)]
pub struct ReversalRequest {
    /// What it was: the message says of it what the request said.
    pub kind: Kind,
    /// Batch and STAN of the original, repeated.
    pub trace: TraceNumber,
    /// Amount of the original, repeated.
    pub amount: Amount,
    /// Local time of the original.
    pub at: DateTime,
    /// How the card of the original was read.
    pub entry: EntryMode,
    /// The original brought a PIN, which is not repeated: field 22 is the original's.
    pub with_pin: bool,
    /// PAN sequence number of the original.
    pub sequence_number: Option<u8>,
    /// Why.
    pub reason: ReversalReason,
    /// Authorisation code of the original, if an answer brought one.
    pub authorisation_code: Option<AuthorisationCode>,
    /// Field 55 of a reversal: TVR, issuer application data, ATC.
    pub chip_data: Vec<u8>,
    /// The original was by instalments: field 25 is the original's.
    pub by_instalments: bool,
}

/// The chip's data are not shown.
impl fmt::Debug for ReversalRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReversalRequest")
            .field("trace", &self.trace)
            .field("amount", &self.amount)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

/// Why a transaction is taken back (field 39 of the 0400).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReversalReason {
    /// No answer in time, or the power went before one came.
    NoAnswer,
    /// An answer came whose MAC is wrong.
    BadMac,
    /// Anything else: the card declined after the host approved, the answer belongs to something else.
    Other,
}

impl ReversalReason {
    /// Field 39.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoAnswer => "98",
            Self::BadMac => "A0",
            Self::Other => "06",
        }
    }

    /// Reads field 39 back.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::NoAnswer, Self::BadMac, Self::Other].into_iter().find(|reason| reason.code() == code)
    }
}

/// A valid answer of the host: to this very request, and authenticated; only [`Decision::Unproven`] is not.
#[derive(Clone, PartialEq, Eq)]
pub struct HostAnswer {
    /// What the host decided.
    pub decision: Decision,
    /// Field 39.
    pub response_code: ResponseCode,
    /// Field 37.
    pub rrn: Option<Rrn>,
    /// Field 38.
    pub authorisation_code: Option<AuthorisationCode>,
    /// Field 55: issuer authentication data and scripts.
    pub issuer_data: Vec<u8>,
    /// Field 54: what the account holds, of which only the answer to a balance tells.
    pub balances: Vec<Balance>,
    /// How the cardholder pays, of which only the approval of a sale by instalments tells.
    pub plan: Option<Plan>,
}

/// What an account holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The bank's number for the kind of account; 0 when it says none in particular.
    pub account: u8,
    /// What is counted.
    pub kind: BalanceKind,
    /// The customer owes it.
    pub owed: bool,
    /// How much.
    pub amount: Amount,
}

/// What a balance counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BalanceKind {
    /// What is booked (01).
    Ledger,
    /// What can be spent (02).
    Available,
    /// Something else, by its number.
    Other(u8),
}

/// Names what was decided; the issuer's data are not shown.
impl fmt::Debug for HostAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostAnswer")
            .field("decision", &self.decision)
            .field("response_code", &self.response_code)
            .field("rrn", &self.rrn)
            .finish_non_exhaustive()
    }
}

/// An approval that came when its payment was no longer waiting for it. It is recorded, never accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateApproval {
    /// Batch and STAN of the payment.
    pub trace: TraceNumber,
    /// Field 39.
    pub response_code: ResponseCode,
    /// Field 37.
    pub rrn: Option<Rrn>,
    /// Field 38.
    pub authorisation_code: Option<AuthorisationCode>,
}

/// What a host decided about a request. Which response code means what is the dialect's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The whole amount.
    Approved,
    /// Only this much.
    Partial(Amount),
    /// Nothing; any code that the dialect does not name is this.
    Refused,
    /// Nothing, it says, but its MAC is missing: from a host that shares no key with this terminal, or from anybody on the
    /// way. What was asked may have been booked all the same.
    Unproven,
    /// Nothing: the PIN is wrong, and another may be tried.
    WrongPin,
    /// Nothing by instalments: paid at once, or with another card, it may be.
    NotByInstalments,
    /// The host does not know itself: the issuer did not answer in time.
    Unclear,
    /// The host has a transaction of this number already. Ours are never used twice, so either this request was doubled on
    /// the way or the numbers began anew: taking it back could take back somebody else's payment.
    NumberInUse,
}

/// Why the host could not be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail} (code {})", .fault.code())]
pub struct Unreached {
    /// The cause.
    pub fault: LinkFault,
    /// What a technician needs, in English.
    pub detail: String,
}

impl Unreached {
    /// A cause with something for the technician.
    pub fn new(fault: LinkFault, detail: impl Into<String>) -> Self {
        Self { fault, detail: detail.into() }
    }
}

/// Why there is no valid answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkFailure {
    /// Name resolution, connect or TLS failed before the first byte of the request left: the host cannot know of it.
    #[error("the host could not be reached: {0}")]
    NeverSent(Unreached),
    /// The request cannot even be written: a key or a value is missing. Trying again changes nothing.
    #[error("the request could not be made: {0}")]
    Unsendable(String),
    /// The request, or part of it, may have arrived. Nothing is known about its result.
    #[error("the host did not answer: {0}")]
    NoAnswer(String),
    /// An answer came whose MAC is missing or wrong.
    #[error("the host's answer is not authentic: {0}")]
    BadMac(String),
    /// An answer came that cannot be read or belongs to something else.
    #[error("the host's answer does not belong to this request: {0}")]
    WrongAnswer(String),
}
