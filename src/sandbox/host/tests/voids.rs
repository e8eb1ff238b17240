//! Voids of sales, and what takes them back.

use super::desk::Desk;
use super::*;

#[test]
fn a_void_gives_everything_back_once() {
    let mut desk = Desk::new();
    let sale = desk.ask(Kind::Sale, 1, 1234, None);
    assert_eq!((sale.code(), desk.balance()), ("00", BALANCE - 1234));
    let void = desk.ask(Kind::Void, 2, 1234, Some(&sale));
    assert_eq!((void.code(), desk.balance()), ("00", BALANCE));
    assert!(void.decision.rrn.is_some() && void.decision.authorisation_code.is_some());
    assert_eq!(void.decision.issuer_data, None, "no card waits for it");
    // The same request again gets the same answer; another one finds nothing to undo.
    let again = desk.send(&void.message);
    assert_eq!((again.response_code.as_str(), again.rrn), ("00", void.decision.rrn.clone()));
    assert_eq!(desk.ask(Kind::Void, 3, 1234, Some(&sale)).code(), "12");
    assert_eq!(desk.ask(Kind::Refund, 4, 1, Some(&sale)).code(), "12");
    assert_eq!(desk.balance(), BALANCE);
    let entries = desk.entries();
    assert_eq!((entries[1].kind, entries[1].original, entries[1].booked), (Kind::Void, Some(sale.trace), cny(1234)));
    assert_eq!((entries[0].kind, entries[0].original, entries[0].state), (Kind::Sale, None, EntryState::Approved));
}

#[test]
fn a_void_that_is_taken_back_lets_the_sale_stand_again() {
    let mut desk = Desk::new();
    let sale = desk.ask(Kind::Sale, 1, 1234, None);
    let void = desk.ask(Kind::Void, 2, 1234, Some(&sale));
    for _ in 0..3 {
        assert_eq!((desk.take_back(&void).as_str(), desk.balance()), ("00", BALANCE - 1234));
    }
    assert_eq!(desk.send(&void.message).response_code, "94", "what was taken back stays so");
    let other = desk.ask(Kind::Void, 3, 1234, Some(&sale));
    assert_eq!((other.code(), desk.balance()), ("00", BALANCE));
}

#[test]
fn a_void_that_comes_after_its_reversal_undoes_nothing() {
    let mut desk = Desk::new();
    let sale = desk.ask(Kind::Sale, 1, 1234, None);
    assert_eq!(desk.reverse(Kind::Void, trace(2), 1234), "25");
    assert_eq!(desk.ask(Kind::Void, 2, 1234, Some(&sale)).code(), "94");
    assert_eq!((desk.reverse(Kind::Void, trace(2), 1234).as_str(), desk.balance()), ("25", BALANCE - 1234));
}

/// A terminal that found out late that the sale itself was not wanted, and one whose reversals come in another order than it meant.
#[test]
fn a_sale_that_is_taken_back_after_its_void_gives_nothing_back_a_second_time() {
    let mut desk = Desk::new();
    let sale = desk.ask(Kind::Sale, 1, 1234, None);
    let void = desk.ask(Kind::Void, 2, 1234, Some(&sale));
    assert_eq!((desk.take_back(&sale).as_str(), desk.balance()), ("00", BALANCE));
    // Without the void there is still no sale.
    assert_eq!((desk.take_back(&void).as_str(), desk.balance()), ("00", BALANCE));
}

#[test]
fn only_the_sale_that_is_meant_is_undone() {
    let mut desk = Desk::new();
    let sale = desk.ask(Kind::Sale, 1, 1234, None);
    let wrong = |desk: &mut Desk, field: u8, value: &str| {
        let stan = 100 + u32::try_from(desk.entries().len()).unwrap();
        let message = desk.message(Kind::Void, trace(stan), 1234, Some(&sale)).with_text(field, value);
        desk.send(&message).response_code
    };
    for (field, value, code) in [
        (2, "6228480000000004069", "25"),
        (4, "000000001233", "13"),
        (23, "002", "25"),
        (37, "000000000000", "25"),
        (38, "ZZZZZZ", "25"),
        (49, "840", "12"),
        (61, "0000010000021122", "25"),
        (61, "0000010000011123", "25"),
        (61, "000001000001", "30"),
    ] {
        assert_eq!(wrong(&mut desk, field, value), code, "field {field}: {value}");
        assert_eq!(desk.balance(), BALANCE - 1234);
    }
    // How the card was read then says nothing of how it is now.
    assert_eq!(wrong(&mut desk, 22, "012"), "00");
}

#[test]
fn a_sale_of_another_batch_is_refunded_and_one_that_did_not_come_about_is_not_undone() {
    let mut desk = Desk::new();
    let sale = desk.ask(Kind::Sale, 1, 1234, None);
    assert_eq!(desk.ask_in(2, Kind::Void, 2, 1234, Some(&sale)).code(), "12");
    let declined = desk.ask(Kind::Sale, 3, 66_51, None);
    assert_eq!(desk.ask(Kind::Void, 4, 66_51, Some(&declined)).code(), "25");
    assert_eq!(desk.take_back(&sale), "00");
    assert_eq!(desk.ask(Kind::Void, 5, 1234, Some(&sale)).code(), "25");
    assert_eq!(desk.balance(), BALANCE);
}

#[test]
fn of_a_sale_in_part_the_part_is_undone() {
    let mut desk = Desk::new();
    let sale = desk.ask(Kind::Sale, 1, 66_10, None);
    assert_eq!((sale.code(), desk.balance()), ("10", BALANCE - 33_05));
    assert_eq!(desk.ask(Kind::Void, 2, 66_10, Some(&sale)).code(), "13");
    assert_eq!((desk.ask(Kind::Void, 3, 33_05, Some(&sale)).code(), desk.balance()), ("00", BALANCE));
}

#[test]
fn a_reversal_of_another_kind_than_the_request_takes_nothing_back() {
    let mut desk = Desk::new();
    let sale = desk.ask(Kind::Sale, 1, 1234, None);
    for kind in [Kind::Void, Kind::PreAuthorisation, Kind::Completion] {
        assert_eq!((desk.reverse(kind, sale.trace, 1234).as_str(), desk.balance()), ("25", BALANCE - 1234), "{kind:?}");
    }
}

/// The money that a void gave back was spent before the void was taken back.
#[test]
fn what_was_spent_meanwhile_cannot_be_charged_again() {
    let mut desk = Desk::new();
    let sale = desk.ask(Kind::Sale, 1, BALANCE, None);
    let void = desk.ask(Kind::Void, 2, BALANCE, Some(&sale));
    let other = desk.ask(Kind::Sale, 3, 1, None);
    assert_eq!((desk.take_back(&void).as_str(), desk.balance()), ("51", BALANCE - 1));
    assert_eq!(desk.take_back(&other), "00");
    assert_eq!((desk.take_back(&void).as_str(), desk.balance()), ("00", 0));
}

#[test]
fn amounts_of_69_refuse_a_void() {
    let mut desk = Desk::new();
    let sale = desk.ask(Kind::Sale, 1, 69_51, None);
    assert_eq!(sale.code(), "00");
    assert_eq!((desk.ask(Kind::Void, 2, 69_51, Some(&sale)).code(), desk.balance()), ("51", BALANCE - 69_51));
}
