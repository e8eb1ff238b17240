//! What goes wrong after a booking, and how a reversal sets it right.

use super::*;
use crate::payment::advice::{Advice, AdviceKind};

/// Amount, what the terminal sees, whether the host has booked.
#[test]
fn amounts_of_67_misbehave_and_a_reversal_sets_it_right() {
    let house = House::new();
    let link = house.link();
    type Seen = fn(&LinkFailure) -> bool;
    let silent: Seen = |failure| matches!(failure, LinkFailure::NoAnswer(_));
    let not_authentic: Seen = |failure| matches!(failure, LinkFailure::BadMac(_));
    let foreign: Seen = |failure| matches!(failure, LinkFailure::WrongAnswer(_));
    for (stan, minor, seen, booked) in [
        (1, 67_01, silent, false),
        (2, 67_02, silent, true),
        (3, 67_03, not_authentic, true),
        (5, 67_05, silent, true),
        (6, 67_06, silent, true),
        (7, 67_07, foreign, false),
        (8, 67_08, foreign, true),
    ] {
        let failure = house.impatient().sale(&sale(stan, minor)).unwrap_err();
        assert!(seen(&failure), "{minor}: {failure}");
        assert_eq!(house.balance(), BALANCE - if booked { minor } else { 0 }, "{minor}");
        let expected = if booked { "00" } else { "25" };
        assert_eq!(code(link.reverse(&reversal(stan, minor))), expected, "{minor}");
        assert_eq!(house.balance(), BALANCE, "{minor}");
    }
    let answer = link.sale(&sale(4, 67_04));
    assert_eq!(code(answer.clone()), "05", "a counter that does not rise");
    let answer = link.sale(&sale(10, 67_04)).unwrap();
    assert_eq!(answer.response_code.as_str(), "00");
    assert!(!issuer_is_right(&answer, 10, 67_04));
}

#[test]
fn a_slow_answer_still_counts_for_who_waits() {
    let house = House::new();
    assert_eq!(code(house.link().sale(&sale(1, 67_05))), "00");
}

#[test]
fn two_reversals_get_no_answer_and_credit_once() {
    let house = House::new();
    let link = house.link();
    assert!(matches!(house.impatient().sale(&sale(1, 67_09)), Err(LinkFailure::NoAnswer(_))));
    for _ in 0..2 {
        assert!(matches!(house.impatient().reverse(&reversal(1, 67_09)), Err(LinkFailure::NoAnswer(_))));
    }
    assert_eq!(code(link.reverse(&reversal(1, 67_09))), "00");
    assert_eq!(house.balance(), BALANCE);
    assert_eq!(house.running.ledger().unwrap()[0].reversals, 3);
}

#[test]
fn a_host_deaf_to_reversals_can_be_asked_for() {
    let house = House::new();
    let link = house.link();
    assert_eq!(code(link.sale(&sale(1, 500))), "00");
    house.running.set_deaf_to_reversals(true);
    assert!(matches!(house.impatient().reverse(&reversal(1, 500)), Err(LinkFailure::NoAnswer(_))));
    assert_eq!(house.balance(), BALANCE - 500);
    house.running.set_deaf_to_reversals(false);
    assert_eq!(code(link.reverse(&reversal(1, 500))), "00");
    assert_eq!(house.balance(), BALANCE);
}

#[test]
fn a_repeated_reversal_credits_once() {
    let house = House::new();
    let link = house.link();
    assert_eq!(code(link.sale(&sale(1, 1234))), "00");
    for _ in 0..3 {
        assert_eq!(code(link.reverse(&reversal(1, 1234))), "00");
        assert_eq!(house.balance(), BALANCE);
    }
    assert_eq!(house.running.ledger().unwrap()[0].state, EntryState::Reversed);
}

#[test]
fn a_reversal_with_another_amount_credits_nothing() {
    let house = House::new();
    let link = house.link();
    assert_eq!(code(link.sale(&sale(1, 1234))), "00");
    assert_eq!(code(link.reverse(&reversal(1, 1235))), "13");
    assert_eq!(house.balance(), BALANCE - 1234);
}

#[test]
fn an_original_that_comes_after_its_reversal_is_refused() {
    let house = House::new();
    let link = house.link();
    assert_eq!(code(link.reverse(&reversal(1, 1234))), "25");
    assert_eq!(code(link.sale(&sale(1, 1234))), "94");
    assert_eq!(code(link.reverse(&reversal(1, 1234))), "25");
    assert_eq!(house.balance(), BALANCE);
}

#[test]
fn reversals_and_sales_at_the_same_time_leave_the_account_right() {
    let house = House::new();
    assert_eq!(code(house.link().sale(&sale(1, 1234))), "00");
    let house = &house;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(code(house.link().reverse(&reversal(1, 1234))), "00"));
        }
        // Of one trace number, one is booked.
        let sales = (0..4).map(|cents| scope.spawn(move || code(house.link().sale(&sale(2, 500 + cents)))));
        let sales: Vec<_> = sales.collect();
        let mut codes: Vec<_> = sales.into_iter().map(|sale| sale.join().unwrap()).collect();
        codes.sort();
        assert_eq!(codes, ["00", "94", "94", "94"]);
    });
    let booked = house.running.ledger().unwrap()[1].booked.minor();
    assert_eq!(house.balance(), BALANCE - booked);
    assert_eq!(house.running.ledger().unwrap()[0].reversals, 4);
}

/// A terminal that lost its ledger counts from the beginning: its number may be that of somebody else's payment.
#[test]
fn what_is_told_of_another_payment_with_the_same_number_changes_nothing() {
    let house = House::new();
    let link = house.link();
    let approved = link.sale(&sale(7, 1234)).unwrap();
    let chip_data = |atc: u16| chip_data(&profile(), atc, 1234, &Signed::default());
    let right = ReversalRequest { chip_data: chip_data(7), ..reversal(7, 1234) };
    let tomorrow = date(2026, 11, 23).at(14, 3, 5, 0);
    let another_code = crate::reference::AuthorisationCode::parse("ZZZZZZ").ok();
    let another = [
        ReversalRequest { at: tomorrow, ..right.clone() },
        ReversalRequest { with_pin: true, ..right.clone() },
        ReversalRequest { sequence_number: Some(9), ..right.clone() },
        ReversalRequest { chip_data: chip_data(8), ..right.clone() },
        ReversalRequest { authorisation_code: another_code, ..right.clone() },
    ];
    for request in another {
        assert_eq!(code(link.reverse(&request)), "25", "{request:?}");
        assert_eq!(house.balance(), BALANCE - 1234, "{request:?}");
    }
    let advice = |at| Advice {
        kind: AdviceKind::CardResult,
        trace: trace(8),
        original: trace(7),
        payment: Kind::Sale,
        amount: cny(1234),
        at,
        entry: EntryMode::Chip,
        with_pin: false,
        sequence_number: Some(1),
        chip_data: chip_data(7),
        by_instalments: false,
    };
    assert_eq!(code(link.advise(&advice(tomorrow))), "25");
    assert_eq!(code(link.advise(&advice(right.at))), "05", "its cryptogram is no TC, and it is the right payment's");
    let right = ReversalRequest { authorisation_code: approved.authorisation_code, ..right };
    assert_eq!(code(link.reverse(&right)), "00");
    assert_eq!(house.balance(), BALANCE);
}
