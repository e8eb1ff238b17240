//! When and how often a payment is taken back, and when that is done (pure).

use super::online::{HostAnswer, LinkFailure, ReversalReason};
use super::record::State;
use crate::wording::ReasonKind;

/// Seconds between the first two tries; it doubles with each try that counts.
const FIRST_INTERVAL_S: u32 = 10;

/// Seconds between two tries at the most.
const LONGEST_INTERVAL_S: u32 = 600;

/// Tries that count before a person must look.
pub const MAX_TRIES: u32 = 20;

/// A person must look only at a payment that is at least so old, in seconds: a host that refuses at once, or a cashier who
/// is impatient, does not use up the tries of two hours in one minute.
pub const MIN_AGE_S: i64 = 2 * 60 * 60;

/// Seconds until the next try, after so many that count.
pub fn interval_s(tries: u32) -> u32 {
    FIRST_INTERVAL_S.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(LONGEST_INTERVAL_S)
}

/// What follows from one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The host has taken it back, or never had it.
    Reversed,
    /// Nothing reached the host, or it was not time yet: try again, the try does not count.
    TryAgain,
    /// It may have reached the host: try again, the try counts.
    TryAgainCounted,
    /// All tries are used up.
    GiveUp,
}

/// How a try came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// Those counted before it.
    pub counted: u32,
    /// It was time for it. One that somebody asked for before that does not count.
    pub due: bool,
    /// Seconds since the payment.
    pub age_s: i64,
}

/// Judges a try.
///
/// 00 is done, 25 (original unknown) and 12 (nothing to take back) leave nothing to do. Every other answer proves nothing.
pub fn judge(result: &Result<HostAnswer, LinkFailure>, this: Try) -> Next {
    match result {
        Ok(answer) if matches!(answer.response_code.as_str(), "00" | "25" | "12") => Next::Reversed,
        Err(LinkFailure::NeverSent(_)) => Next::TryAgain,
        Ok(_) | Err(_) if !this.due => Next::TryAgain,
        Ok(_) | Err(_) if this.counted + 1 >= MAX_TRIES && this.age_s >= MIN_AGE_S => Next::GiveUp,
        Ok(_) | Err(_) => Next::TryAgainCounted,
    }
}

/// What to do at start with a row that a power cut left behind.
pub const fn after_restart(state: State) -> Option<(ReversalReason, ReasonKind)> {
    match state {
        State::Pending => Some((ReversalReason::NoAnswer, ReasonKind::Interrupted)),
        State::HostApproved => Some((ReversalReason::Other, ReasonKind::Interrupted)),
        State::Approved | State::Declined | State::ReversalDue | State::Reversed | State::Unresolved => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link_fault::LinkFault;
    use crate::payment::online::{Decision, Unreached};
    use crate::reference::ResponseCode;

    fn answer(code: &str) -> Result<HostAnswer, LinkFailure> {
        Ok(HostAnswer {
            decision: Decision::Refused,
            response_code: ResponseCode::parse(code).unwrap(),
            rrn: None,
            authorisation_code: None,
            issuer_data: Vec::new(),
        })
    }

    const FIRST: Try = Try { counted: 0, due: true, age_s: 10 };
    const AFTER_LONG: Try = Try { counted: MAX_TRIES - 1, due: true, age_s: MIN_AGE_S };

    #[test]
    fn only_three_answers_end_a_reversal() {
        for code in ["00", "25", "12"] {
            assert_eq!(judge(&answer(code), AFTER_LONG), Next::Reversed, "{code}");
        }
        for code in ["96", "A0", "68", "05", "Q7"] {
            assert_eq!(judge(&answer(code), FIRST), Next::TryAgainCounted, "{code}");
        }
    }

    #[test]
    fn a_try_that_never_left_does_not_count() {
        let never = Err(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, "no line")));
        let silent = Err(LinkFailure::NoAnswer(String::new()));
        let unsendable = Err(LinkFailure::Unsendable(String::new()));
        assert_eq!(judge(&unsendable, AFTER_LONG), Next::GiveUp, "nothing mends it but a person");
        assert_eq!(judge(&never, Try { counted: MAX_TRIES + 5, ..AFTER_LONG }), Next::TryAgain);
        assert_eq!(judge(&silent, Try { counted: MAX_TRIES - 2, ..AFTER_LONG }), Next::TryAgainCounted);
        assert_eq!(judge(&silent, AFTER_LONG), Next::GiveUp);
    }

    #[test]
    fn impatience_does_not_use_up_the_tries() {
        let refused = answer("96");
        assert_eq!(judge(&refused, Try { due: false, ..AFTER_LONG }), Next::TryAgain, "asked for before its time");
        assert_eq!(judge(&refused, Try { age_s: MIN_AGE_S - 1, ..AFTER_LONG }), Next::TryAgainCounted, "too young");
        assert_eq!(judge(&answer("00"), Try { due: false, ..FIRST }), Next::Reversed, "an answer counts at any time");
    }

    #[test]
    fn tries_become_rarer_but_not_rare() {
        let intervals: Vec<_> = [0, 1, 2, 3, 6, 7, 8, MAX_TRIES].into_iter().map(interval_s).collect();
        assert_eq!(intervals, [10, 10, 20, 40, 320, 600, 600, 600]);
        let all: u32 = (1..MAX_TRIES).map(interval_s).sum();
        assert!(all > 2 * 3600, "{all} s");
    }

    #[test]
    fn what_a_power_cut_leaves_is_taken_back_and_nothing_else() {
        let due: Vec<_> = State::ALL.into_iter().filter(|state| after_restart(*state).is_some()).collect();
        assert_eq!(due, [State::Pending, State::HostApproved]);
    }
}
