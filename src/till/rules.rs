//! What an idempotency key may do in which state, and what has become of a payment whose engine is gone.
//!
//! A key begins a payment at most once. It is written down before anything begins, with a digest of what was wanted; whatever comes
//! with the same key later is answered from what is written down. Only a payment that the terminal refused to begin, of which nothing
//! was taken up, may be wanted once more under the same key.
//!
//! | a request comes, and its key is | same request | another request |
//! |---|---|---|
//! | never seen | begins | begins |
//! | open | is told how it stands | is refused |
//! | refused | begins | is refused |
//! | ended | is told what became of it | is refused |

use crate::payment::queue::Resolution;
use crate::payment::record::State;
use crate::wording::ReasonKind;

/// Where a key stands in what is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Written down. The payment is about to begin, runs, or is over and what became of it is not known yet.
    Open,
    /// The terminal did not take it up: nothing has begun.
    Refused,
    /// What became of it is known and stays so.
    Ended,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Refused, Self::Ended];

    /// The word in what is written down.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Refused => "refused",
            Self::Ended => "ended",
        }
    }

    /// The standing of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.word() == word)
    }

    /// Whether a key may come from this standing to that one.
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Open, Self::Refused | Self::Ended | Self::Open) | (Self::Refused, Self::Open | Self::Refused)
        )
    }
}

/// What is done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Its key is written down, and the payment begins.
    Begin,
    /// Nothing begins: it is told how the payment of this key stands.
    Tell,
    /// Nothing begins: the key belongs to something else.
    UsedOtherwise,
}

/// What is done with a request whose key stands so (nowhere, when it was never seen). `same`: it wants what was wanted first.
pub const fn on_request(standing: Option<Standing>, same: bool) -> Verdict {
    match (standing, same) {
        (None, _) | (Some(Standing::Refused), true) => Verdict::Begin,
        (Some(Standing::Open | Standing::Ended), true) => Verdict::Tell,
        (Some(_), false) => Verdict::UsedOtherwise,
    }
}

/// How far a payment is that runs for a till, as far as it matters to who wants to leave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// It waits for something earlier: nothing of it has begun.
    Waiting,
    /// Card and cardholder are busy; the host knows nothing.
    AtTheCard,
    /// Its request is made and kept back, until it is known whether the terminal's time is the host's.
    KeptBack,
    /// Its request may have left.
    Sent,
    /// It turned to a code that the customer may be paying now.
    ByCode,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::AtTheCard, Self::KeptBack, Self::Sent, Self::ByCode];

    /// Whether a till may leave the payment: only as long as nothing of it can have left the terminal.
    pub const fn may_be_left(self) -> bool {
        match self {
            Self::Waiting | Self::AtTheCard | Self::KeptBack => true,
            Self::Sent | Self::ByCode => false,
        }
    }
}

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Done: paid, given back or undone.
    Approved,
    /// Not done: host or card said no.
    Declined,
    /// Not done: it was left, or failed before anything could be charged.
    NotCharged,
    /// It may have been charged and was taken back; nothing is charged.
    Reversed,
    /// Nobody knows yet. The terminal takes it back or asks on, or a person must look.
    Unknown,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Approved, Self::Declined, Self::NotCharged, Self::Reversed, Self::Unknown];

    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::NotCharged => "not_charged",
            Self::Reversed => "reversed",
            Self::Unknown => "unknown",
        }
    }

    /// The outcome of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }

    /// Whether it stays so.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Unknown)
    }
}

/// What the ledger has under a number that was given to a payment, when no engine runs the payment any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// No row: nothing was sent under this number.
    NoRow,
    /// No row, and the ledger is not the one of then: another terminal's, or a copy that took its place.
    Lost,
    /// A row.
    Row {
        /// Where it stands.
        state: State,
        /// What a person found out, when the terminal had given up.
        resolution: Option<Resolution>,
        /// Host or card said no: there is a response code, or the card's own word.
        refused: bool,
    },
}

impl Found {
    /// What became of this number alone.
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::NoRow => Outcome::NotCharged,
            Self::Lost => Outcome::Unknown,
            Self::Row { state, resolution, refused } => match (state, resolution) {
                (State::Approved, _) | (State::Unresolved, Some(Resolution::Charged)) => Outcome::Approved,
                (State::Declined, _) if refused => Outcome::Declined,
                (State::Declined, _) => Outcome::NotCharged,
                (State::Reversed, _) | (State::Unresolved, Some(Resolution::Reversed)) => Outcome::Reversed,
                (
                    State::Pending | State::HostApproved | State::ReversalDue | State::RepeatDue | State::Unresolved,
                    _,
                ) => Outcome::Unknown,
            },
        }
    }
}

/// What became of a payment that was given these numbers, in their order: one more for each other PIN, or when it turned to a code.
/// The first that is done counts, then one of which nobody knows, then the last one. A payment without a number never began.
pub fn outcome(numbers: &[Found]) -> Outcome {
    let outcomes = || numbers.iter().map(|found| found.outcome());
    let has = |wanted: Outcome| outcomes().any(|outcome| outcome == wanted);
    if has(Outcome::Approved) {
        Outcome::Approved
    } else if has(Outcome::Unknown) {
        Outcome::Unknown
    } else {
        outcomes().next_back().unwrap_or(Outcome::NotCharged)
    }
}

/// The number that speaks for a payment: whose row is shown.
pub fn speaks(numbers: &[Found]) -> Option<usize> {
    let outcome = outcome(numbers);
    numbers.iter().rposition(|found| found.outcome() == outcome)
}

/// Whether a row that is not paid says so because host or card said no.
pub const fn was_refused(has_response_code: bool, reason: Option<ReasonKind>) -> bool {
    has_response_code || matches!(reason, Some(ReasonKind::HostDeclined | ReasonKind::CardDeclined))
}

/// Whether the terminal cannot do anything at present, rather than not this.
pub const fn is_about_the_terminal(kind: ReasonKind) -> bool {
    matches!(
        kind,
        ReasonKind::HostUnreachable
            | ReasonKind::HostSilent
            | ReasonKind::LinkTrouble
            | ReasonKind::ClockWrong
            | ReasonKind::ClockFarOff
            | ReasonKind::TimeZoneWrong
            | ReasonKind::LedgerFailed
            | ReasonKind::LedgerFailedAfterRequest
            | ReasonKind::LedgerLost
            | ReasonKind::LedgerRestored
            | ReasonKind::ReversalWaiting
            | ReasonKind::ReversalExhausted
            | ReasonKind::EarlierPaid
            | ReasonKind::SignOnFailed
            | ReasonKind::ReaderMissing
            | ReasonKind::PadBusy
            | ReasonKind::MerchantSuspended
            | ReasonKind::Decommissioned
            | ReasonKind::OtherMachine
            | ReasonKind::BindingWrong
            | ReasonKind::BindingDisagrees
            | ReasonKind::NotEnrolled
            | ReasonKind::SetupWrong
            | ReasonKind::AlreadyRunning
            | ReasonKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the module's head.
    const TABLE: [(Option<Standing>, Verdict, Verdict); 4] = [
        (None, Verdict::Begin, Verdict::Begin),
        (Some(Standing::Open), Verdict::Tell, Verdict::UsedOtherwise),
        (Some(Standing::Refused), Verdict::Begin, Verdict::UsedOtherwise),
        (Some(Standing::Ended), Verdict::Tell, Verdict::UsedOtherwise),
    ];

    #[test]
    fn a_key_does_what_the_table_says() {
        for (standing, same, other) in TABLE {
            assert_eq!(on_request(standing, true), same, "{standing:?}");
            assert_eq!(on_request(standing, false), other, "{standing:?}");
        }
        let listed: Vec<_> = TABLE.iter().filter_map(|(standing, ..)| *standing).collect();
        assert_eq!(listed, Standing::ALL);
    }

    #[test]
    fn nothing_follows_an_end_and_nothing_begins_twice() {
        for standing in Standing::ALL {
            assert!(!Standing::Ended.may_become(standing), "{standing:?}");
            // Whatever begins with a known key begins because nothing had begun.
            let begins = on_request(Some(standing), true) == Verdict::Begin;
            assert_eq!(begins, standing == Standing::Refused);
            assert!(!begins || standing.may_become(Standing::Open));
            assert_eq!(Standing::from_word(standing.word()), Some(standing));
        }
        assert!(!Standing::Refused.may_become(Standing::Ended));
    }

    #[test]
    fn only_what_has_not_left_can_be_left() {
        let left: Vec<_> = Stage::ALL.into_iter().filter(|stage| stage.may_be_left()).collect();
        assert_eq!(left, [Stage::Waiting, Stage::AtTheCard, Stage::KeptBack]);
    }

    fn row(state: State) -> Found {
        Found::Row { state, resolution: None, refused: false }
    }

    #[test]
    fn every_state_of_the_ledger_has_one_outcome() {
        let expected = |state| match state {
            State::Pending | State::HostApproved | State::ReversalDue | State::RepeatDue | State::Unresolved => {
                Outcome::Unknown
            }
            State::Approved => Outcome::Approved,
            State::Declined => Outcome::NotCharged,
            State::Reversed => Outcome::Reversed,
        };
        for state in State::ALL {
            assert_eq!(row(state).outcome(), expected(state), "{state:?}");
        }
        let said_no = Found::Row { state: State::Declined, resolution: None, refused: true };
        assert_eq!(said_no.outcome(), Outcome::Declined);
        for (resolution, outcome) in [
            (Resolution::Charged, Outcome::Approved),
            (Resolution::Reversed, Outcome::Reversed),
            (Resolution::Noted, Outcome::Unknown),
        ] {
            let decided = Found::Row { state: State::Unresolved, resolution: Some(resolution), refused: false };
            assert_eq!(decided.outcome(), outcome);
        }
    }

    #[test]
    fn of_several_numbers_what_may_be_charged_counts() {
        assert_eq!((outcome(&[]), speaks(&[])), (Outcome::NotCharged, None));
        let (declined, approved) = (row(State::Declined), row(State::Approved));
        // A wrong PIN, then a right one.
        assert_eq!((outcome(&[declined, approved]), speaks(&[declined, approved])), (Outcome::Approved, Some(1)));
        // The power went before the next number had its row.
        assert_eq!(
            (outcome(&[approved, Found::NoRow]), speaks(&[approved, Found::NoRow])),
            (Outcome::Approved, Some(0))
        );
        assert_eq!(outcome(&[row(State::ReversalDue), declined]), Outcome::Unknown);
        assert_eq!(outcome(&[declined, Found::NoRow]), Outcome::NotCharged);
        assert_eq!(outcome(&[Found::Lost]), Outcome::Unknown);
        assert_eq!(outcome(&[Found::NoRow, row(State::Reversed)]), Outcome::Reversed);
    }

    #[test]
    fn whatever_nobody_knows_is_not_final() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.is_final(), outcome != Outcome::Unknown);
            assert_eq!(Outcome::from_word(outcome.word()), Some(outcome));
        }
    }
}
