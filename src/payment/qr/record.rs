//! What a payment by code wants written down, where its row then stands, and what is done with a row that was left behind.
//!
//! The words are those of every payment ([`State`]); only that no card has a last word: what the host calls paid is paid.
//!
//! | state | event | next | recorded |
//! |---|---|---|---|
//! | no row | the request is about to leave | pending | `Pending` |
//! | pending | paid | approved | `Paid` |
//! | pending | not paid | declined | `NotPaid` |
//! | pending | to be cancelled | reversal_due | `CancelDue` |
//! | reversal_due | closed or paid back | reversed | `Cancelled` |
//! | reversal_due | nobody knows | unresolved | `Unresolved` |

use jiff::civil::DateTime;

use super::Paid;
use crate::money::Amount;
use crate::payment::record::State;
use crate::reference::ResponseCode;
use crate::wording::ReasonKind;

/// One change of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The request is about to leave: everything by which it can be asked about and cancelled.
    Pending(Pending),
    /// Final: paid.
    Paid(Paid),
    /// Final: not paid.
    NotPaid {
        /// Why.
        reason: ReasonKind,
        /// Field 39, if a host said no.
        response_code: Option<ResponseCode>,
    },
    /// The order is to be closed, and paid back where it was paid.
    CancelDue {
        /// Why, for people.
        reason: ReasonKind,
    },
    /// Final: closed.
    Cancelled {
        /// It was paid, and the customer has the money back.
        paid_back: bool,
    },
    /// A "paid" came when the order was to be cancelled already; where the payment stands does not change.
    LatePaid,
    /// Nobody knows: a person must look.
    Unresolved {
        /// Why.
        reason: ReasonKind,
        /// Field 39, if a host answered.
        response_code: Option<ResponseCode>,
    },
}

/// A row before anything leaves the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// What is to be paid.
    pub amount: Amount,
    /// Local time.
    pub at: DateTime,
    /// The last characters of the customer's code; nothing where ours is shown.
    pub scanned: Option<String>,
}

/// How a payment goes on of which only the row is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// The host is asked how it stands.
    Enquire,
    /// It is cancelled.
    Cancel,
}

impl Record {
    /// Where the row stands once it is written; nothing where that does not change.
    pub const fn leads_to(&self) -> Option<State> {
        match self {
            Self::Pending(_) => Some(State::Pending),
            Self::Paid(_) => Some(State::Approved),
            Self::NotPaid { .. } => Some(State::Declined),
            Self::CancelDue { .. } => Some(State::ReversalDue),
            Self::Cancelled { .. } => Some(State::Reversed),
            Self::LatePaid => None,
            Self::Unresolved { .. } => Some(State::Unresolved),
        }
    }

    /// Whether it can be written into a row that stands there; `None`: there is no row.
    pub const fn fits(&self, row: Option<State>) -> bool {
        match self {
            Self::Pending(_) => row.is_none(),
            Self::Paid(_) | Self::NotPaid { .. } | Self::CancelDue { .. } => matches!(row, Some(State::Pending)),
            Self::Cancelled { .. } | Self::LatePaid | Self::Unresolved { .. } => {
                matches!(row, Some(State::ReversalDue))
            }
        }
    }
}

impl Resume {
    /// What is to be done at start with a row that stands there.
    pub const fn of(row: State) -> Option<Self> {
        match row {
            // No payment by code stands at `host_approved`; one that did would be asked about.
            State::Pending | State::HostApproved => Some(Self::Enquire),
            State::ReversalDue => Some(Self::Cancel),
            // A payment by code is asked about, and never sent again.
            State::Approved | State::Declined | State::Reversed | State::RepeatDue | State::Unresolved => None,
        }
    }
}
