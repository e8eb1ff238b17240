//! The shortest day found that still goes wrong: parts are left out as long as it does.

use crate::day::{Verdict, live};
use crate::plan::{Part, Plan};

/// Gives the shortest plan found, and how its day went, in lines.
pub fn shrink(plan: &Plan) -> (Plan, Verdict) {
    let mut best = plan.clone();
    let mut size = best.parts.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        let before = best.parts.len();
        while at < best.parts.len() {
            let end = (at + size).min(best.parts.len());
            let mut shorter = best.clone();
            shorter.parts.drain(at..end);
            if live(&shorter, false).problems.is_empty() {
                at = end;
            } else {
                best = shorter;
            }
        }
        // Something went: perhaps more can, now that it has.
        if size > 1 || best.parts.len() == before {
            size /= 2;
        }
    }
    soothe(&mut best);
    let verdict = live(&best, true);
    (best, verdict)
}

/// What is not needed about a customer.
fn soothe(best: &mut Plan) {
    for at in 0..best.parts.len() {
        let Part::Customer(customer) = &best.parts[at] else { continue };
        let mut calm = customer.clone();
        (calm.card_fault, calm.cancels, calm.touches_twice, calm.forgets_card) = (None, None, false, false);
        let mut shorter = best.clone();
        shorter.parts[at] = Part::Customer(calm);
        if !live(&shorter, false).problems.is_empty() {
            *best = shorter;
        }
    }
}
