//! Who wants a settlement, and what it waits for before the batch is cut.
//!
//! It waits for the host as long as that takes: what is to be taken back, sent again or told would change what is compared, and every
//! entry of the queue ends, or goes to a person after a limited time. It waits for a person until the next night: then, or when
//! somebody says so, it goes on without what nobody has decided about. That is not added, and the host names it line by line where it
//! has it otherwise.

use jiff::civil::DateTime;

use crate::payment::queue::Open;

/// How long a settlement waits for people by itself: so that the next night goes on without them. In seconds.
pub const WAIT_FOR_PEOPLE_S: i64 = 20 * 3600;

/// Why a batch is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Somebody wants it.
    ByHand,
    /// It is time.
    Nightly,
    /// A message could not say more.
    Full,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ByHand, Self::Nightly, Self::Full];

    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ByHand => "by_hand",
            Self::Nightly => "nightly",
            Self::Full => "full",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.word() == word)
    }
}

/// A settlement that is wanted and has not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Why.
    pub cause: Cause,
    /// Local time since when.
    pub since: DateTime,
    /// It does not wait for people.
    pub without_undecided: bool,
}

/// Whether the batch can be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing stands in the way.
    Now,
    /// The host must still get so many entries of the queue.
    WaitsForHost(usize),
    /// A person must decide about so many.
    WaitsForPeople(usize),
}

/// Whether a batch in whose way this stands can be cut.
pub fn may_cut(open: Open, wish: &Wish, now: DateTime) -> Cut {
    // A clock that went back since has not shown how long it waits.
    let waited = now.duration_since(wish.since).as_secs();
    match open {
        Open { waiting: 1.., .. } => Cut::WaitsForHost(open.waiting),
        Open { parked: 1.., .. } if !wish.without_undecided && waited < WAIT_FOR_PEOPLE_S => {
            Cut::WaitsForPeople(open.parked)
        }
        Open { .. } => Cut::Now,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn it_waits_for_the_host_as_long_as_it_takes_and_for_people_until_the_next_night() {
        let since = date(2026, 11, 28).at(23, 30, 0, 0);
        let next = date(2026, 11, 29).at(23, 30, 0, 0);
        let open = |waiting, parked| Open { waiting, parked };
        let wish = |without_undecided| Wish { cause: Cause::Nightly, since, without_undecided };
        for (open, without, now, expected) in [
            (open(0, 0), false, since, Cut::Now),
            (open(2, 1), true, next, Cut::WaitsForHost(2)),
            (open(0, 3), false, since, Cut::WaitsForPeople(3)),
            (open(0, 3), false, date(2026, 11, 27).at(0, 0, 0, 0), Cut::WaitsForPeople(3)),
            (open(0, 3), true, since, Cut::Now),
            (open(0, 3), false, next, Cut::Now),
        ] {
            assert_eq!(may_cut(open, &wish(without), now), expected, "{open:?} {without} {now}");
        }
    }
}
