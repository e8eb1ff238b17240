//! The shortest day found that still goes wrong: parts are left out as long as it does.

use crate::plan::{Cash, Customer, OnPhone, Part, Phone, Plan, Rest};

/// Gives the shortest plan found with which `goes_wrong` still holds.
pub fn shrink(plan: &Plan, goes_wrong: &dyn Fn(&Plan) -> bool) -> Plan {
    let mut best = plan.clone();
    let mut size = best.parts.len().div_ceil(2);
    while size > 0 {
        let (mut at, before) = (0, best.parts.len());
        while at < best.parts.len() {
            let end = (at + size).min(best.parts.len());
            let mut shorter = best.clone();
            shorter.parts.drain(at..end);
            if goes_wrong(&shorter) {
                best = shorter;
            } else {
                at = end;
            }
        }
        // Something went: perhaps more can, now that it has.
        if size > 1 || best.parts.len() == before {
            size /= 2;
        }
    }
    soothe(&mut best, goes_wrong);
    best
}

/// What is not needed about a customer.
fn soothe(best: &mut Plan, goes_wrong: &dyn Fn(&Plan) -> bool) {
    for at in 0..best.parts.len() {
        for calm in [calmer, without_regrets, paying_at_once] {
            let Part::Customer(customer) = &best.parts[at] else { continue };
            let mut shorter = best.clone();
            shorter.parts[at] = Part::Customer(calm(customer.clone()));
            if shorter != *best && goes_wrong(&shorter) {
                *best = shorter;
            }
        }
    }
}

fn calmer(customer: Customer) -> Customer {
    Customer { card_fault: None, cancels: None, touches_twice: false, forgets_card: false, ..customer }
}

fn without_regrets(customer: Customer) -> Customer {
    Customer { regrets: None, periods: None, ..customer }
}

/// Whoever pays by phone has it ready, and whoever pays in cash counts right.
fn paying_at_once(customer: Customer) -> Customer {
    let at_once = |phone: Phone| Phone { does: OnPhone::Pays, after_s: 1, gives_up: false, ..phone };
    let counted = |_: Cash| Cash { more: 0, miscounts: false };
    let rest = customer.rest.map(|rest| match rest {
        Rest::Card(card) => Rest::Card(card),
        Rest::Phone(phone) => Rest::Phone(at_once(phone)),
        Rest::Cash(cash) => Rest::Cash(counted(cash)),
    });
    Customer { phone: customer.phone.map(at_once), cash: customer.cash.map(counted), rest, ..customer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_needed_goes() {
        let plan = Plan::of(14);
        let is_customer = |part: &&Part| matches!(part, Part::Customer(_));
        let last = plan.parts.iter().rfind(is_customer).unwrap().clone();
        let other = plan.parts.iter().find(|part| !is_customer(part)).unwrap().clone();
        let goes_wrong = |plan: &Plan| {
            let has = |wanted: &Part| plan.parts.contains(wanted);
            has(&other) && plan.parts.iter().filter(is_customer).count() >= 2 && has(&last)
        };
        assert!(goes_wrong(&plan) && plan.parts.len() > 3);
        let shortest = shrink(&plan, &goes_wrong);
        assert!(goes_wrong(&shortest));
        assert_eq!(shortest.parts.len(), 3, "{:?}", shortest.parts);
    }
}
