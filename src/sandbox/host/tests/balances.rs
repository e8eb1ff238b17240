//! Questions about a balance.

use super::desk::Desk;
use super::*;
use crate::emv::tag;
use crate::emv::tlv;

fn available(desk: &mut Desk, stan: u32) -> String {
    desk.ask(Kind::Balance, stan, 0, None).decision.balance.unwrap()
}

#[test]
fn it_is_told_what_can_be_spent_and_nothing_is_booked() {
    let mut desk = Desk::new();
    assert_eq!(available(&mut desk, 1), format!("0002156C{BALANCE:012}"));
    desk.ask(Kind::Sale, 2, 300, None);
    desk.ask(Kind::PreAuthorisation, 3, 200, None);
    let asked = desk.ask(Kind::Balance, 4, 0, None);
    assert_eq!(asked.decision.balance, Some(format!("0002156C{:012}", BALANCE - 500)));
    assert_eq!((asked.code(), &asked.decision.authorisation_code), ("00", &None));
    let proof = tlv::find(asked.decision.issuer_data.as_deref().unwrap(), tag::ISSUER_AUTHENTICATION_DATA);
    assert!(proof.unwrap().is_some(), "the card is answered as in a sale");
    assert_eq!((desk.balance(), desk.held(), desk.entries().len()), (BALANCE - 300, 200, 2));
    // A number that only asked is still free.
    assert_eq!(desk.ask(Kind::Sale, 4, 100, None).code(), "00");
    assert_eq!(desk.take_back(&asked), "12", "there is nothing to be taken back");
}

#[test]
fn the_same_question_gets_the_same_answer() {
    let mut desk = Desk::new();
    let asked = desk.ask(Kind::Balance, 1, 0, None);
    desk.ask(Kind::Sale, 2, 300, None);
    let again = desk.send(&asked.message);
    assert_eq!((again.response_code.as_str(), again.balance), ("00", asked.decision.balance));
    let other = asked.message.with_text(11, "000003");
    assert_eq!(desk.send(&other).response_code, "05", "a counter that does not rise");
}

#[test]
fn whose_cryptogram_is_wrong_is_told_nothing() {
    let mut desk = Desk::new();
    let message = desk.message(Kind::Balance, trace(1), 0, None);
    for (message, code) in [
        (message.clone().without(55), "05"),
        (message.clone().with_text(2, "4111111111111111"), "14"),
        (message.clone().with_text(14, "2401"), "54"),
        (message.clone().with_text(4, "000000000100"), "13"),
        (message.clone().with_text(49, "840"), "12"),
        (message.with_bytes(55, &chip_data(&profile(), 9, 0, &Signed::default())), "05"),
    ] {
        let said = desk.send(&message);
        assert_eq!((said.response_code.as_str(), said.balance), (code, None), "{}", said.reason);
    }
}
