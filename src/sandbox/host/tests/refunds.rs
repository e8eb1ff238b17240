//! Refunds: in parts, of other days, once for each number.

use super::desk::Desk;
use super::*;

#[test]
fn a_payment_goes_back_in_parts_until_nothing_is_left() {
    let mut desk = Desk::new();
    let sale = desk.ask(Kind::Sale, 1, 1000, None);
    // Another batch, and the number of the sale again: it is a number of that batch.
    let first = desk.ask_in(2, Kind::Refund, 1, 300, Some(&sale));
    assert_eq!((first.code(), desk.balance()), ("00", BALANCE - 700));
    assert_eq!(desk.ask_in(2, Kind::Refund, 2, 701, Some(&sale)).code(), "13");
    assert_eq!(desk.ask(Kind::Void, 3, 1000, Some(&sale)).code(), "12", "a part has gone back");
    assert_eq!((desk.ask_in(3, Kind::Refund, 1, 700, Some(&sale)).code(), desk.balance()), ("00", BALANCE));
    assert_eq!(desk.ask_in(3, Kind::Refund, 2, 1, Some(&sale)).code(), "13");
    assert_eq!(desk.balance(), BALANCE);
}

#[test]
fn a_refund_that_is_sent_again_is_booked_once_also_under_new_keys() {
    let mut desk = Desk::new();
    let sale = desk.ask(Kind::Sale, 1, 1000, None);
    let refund = desk.ask(Kind::Refund, 2, 400, Some(&sale));
    let newer = refund.message.clone().with_bytes(64, b"00000000").with_text(59, "of a newer program");
    for message in [&refund.message, &newer] {
        let again = desk.send(message);
        assert_eq!((again.response_code.as_str(), &again.rrn), ("00", &refund.decision.rrn));
        assert_eq!(desk.balance(), BALANCE - 600);
    }
    let another = refund.message.with_text(4, "000000000401");
    assert_eq!((desk.send(&another).response_code.as_str(), desk.balance()), ("94", BALANCE - 600));
}

#[test]
fn a_refund_can_be_taken_back_by_nothing() {
    let mut desk = Desk::new();
    let sale = desk.ask(Kind::Sale, 1, 1000, None);
    let refund = desk.ask(Kind::Refund, 2, 400, Some(&sale));
    assert_eq!((desk.take_back(&refund).as_str(), desk.balance()), ("12", BALANCE - 600));
    // Taken back by the number of a kind that can be: it is not its.
    assert_eq!((desk.reverse(Kind::Void, refund.trace, 400).as_str(), desk.balance()), ("25", BALANCE - 600));
}

#[test]
fn a_sale_that_is_taken_back_after_a_refund_gives_the_rest() {
    let mut desk = Desk::new();
    let sale = desk.ask(Kind::Sale, 1, 1000, None);
    desk.ask(Kind::Refund, 2, 400, Some(&sale));
    assert_eq!((desk.take_back(&sale).as_str(), desk.balance()), ("00", BALANCE));
    assert_eq!(desk.ask(Kind::Refund, 3, 1, Some(&sale)).code(), "25");
}

#[test]
fn a_refund_goes_to_the_card_that_paid() {
    let mut desk = Desk::new();
    let sale = desk.ask(Kind::Sale, 1, 1000, None);
    let message = desk.message(Kind::Refund, trace(2), 1000, Some(&sale)).with_text(2, "6228480000000004069");
    assert_eq!((desk.send(&message).response_code.as_str(), desk.balance()), ("25", BALANCE - 1000));
    let refused = desk.ask(Kind::Refund, 3, 66_51, Some(&sale));
    assert_eq!(refused.code(), "13");
}

#[test]
fn amounts_of_66_refuse_a_refund() {
    let mut desk = Desk::new();
    let sale = desk.ask(Kind::Sale, 1, 10_000, None);
    assert_eq!((desk.ask(Kind::Refund, 2, 66_05, Some(&sale)).code(), desk.balance()), ("05", BALANCE - 10_000));
}
