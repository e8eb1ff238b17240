//! What becomes of payments that were cut off in the middle (pure). How a reversal is sent until it is done is `queue`'s
//! matter.

use super::online::ReversalReason;
use super::record::State;
use crate::wording::ReasonKind;

/// What to do at start with a row of a sale that a power cut left behind. What is done with those of other kinds
/// `transaction` says.
pub const fn after_restart(state: State) -> Option<(ReversalReason, ReasonKind)> {
    match state {
        State::Pending => Some((ReversalReason::NoAnswer, ReasonKind::Interrupted)),
        State::HostApproved => Some((ReversalReason::Other, ReasonKind::Interrupted)),
        State::Approved
        | State::Declined
        | State::ReversalDue
        | State::Reversed
        | State::RepeatDue
        | State::Unresolved => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment::transaction::{Kind, Resume};

    #[test]
    fn what_a_power_cut_leaves_is_taken_back_and_nothing_else() {
        let due: Vec<_> = State::ALL.into_iter().filter(|state| after_restart(*state).is_some()).collect();
        assert_eq!(due, [State::Pending, State::HostApproved]);
        for state in State::ALL {
            assert_eq!(due.contains(&state), Kind::Sale.after_restart(state) == Some(Resume::TakeBack), "{state:?}");
        }
    }
}
