//! PINs that the bank checks.

use super::*;
use crate::pin::Pin;
use crate::vault::KeyName;

fn pin(digits: &str) -> Pin {
    Pin::new(digits.as_bytes().to_vec().into()).unwrap()
}

fn sale_with_pin(stan: u32, digits: &str) -> SaleRequest {
    SaleRequest { pin: Some(pin(digits)), ..sale(stan, 100) }
}

#[test]
fn a_right_pin_pays_and_a_wrong_one_may_be_followed_by_another() {
    let house = House::new();
    let link = house.link();
    for (stan, digits, expected) in [
        (1, Some("1234"), "00"),
        (2, Some("9999"), "55"),
        // A payment without a PIN gives no try back.
        (3, None, "00"),
        (4, Some("4321"), "55"),
        (5, Some("1234"), "00"),
        (6, Some("12345"), "55"),
        (7, Some("123456789012"), "55"),
    ] {
        let answer = link.sale(&SaleRequest { pin: digits.map(pin), ..sale(stan, 100) }).unwrap();
        assert_eq!(answer.response_code.as_str(), expected, "{digits:?}");
        assert_eq!(answer.decision == Decision::WrongPin, expected == "55");
        assert!(issuer_is_right(&answer, stan as u16, 100), "the card hears of it from its issuer");
    }
    assert_eq!(house.balance(), BALANCE - 300);
}

#[test]
fn the_third_wrong_pin_locks_the_account_until_it_gets_another() {
    let house = House::new();
    let codes: Vec<_> = [(1, "9999"), (2, "9999"), (3, "9999"), (4, "1234")]
        .into_iter()
        .map(|(stan, digits)| code(house.link().sale(&sale_with_pin(stan, digits))))
        .collect();
    assert_eq!(codes, ["55", "55", "75", "75"]);
    house.host.set_pin(&profile().pan, &pin("246810")).unwrap();
    assert_eq!(code(house.link().sale(&sale_with_pin(5, "1234"))), "55");
    assert_eq!(code(house.link().sale(&sale_with_pin(6, "246810"))), "00");
    assert_eq!(house.balance(), BALANCE - 100);
}

#[test]
fn a_request_that_comes_twice_costs_one_try() {
    let house = House::new();
    let codes: Vec<_> = (0..3).map(|_| code(house.link().sale(&sale_with_pin(1, "9999")))).collect();
    assert_eq!(codes, ["55", "55", "55"], "the answer of the first");
    let codes: Vec<_> = (2..4).map(|stan| code(house.link().sale(&sale_with_pin(stan, "9999")))).collect();
    assert_eq!(codes, ["55", "75"]);
}

#[test]
fn a_pin_under_another_key_is_not_called_wrong_but_asks_for_new_keys() {
    let house = House::new();
    let kit = house.copied_kit();
    SoftwareVault::open(&kit).unwrap().set(KeyName::Pin, &[9; 16]);
    let answer = house.link_of(&kit).sale(&sale_with_pin(1, "1234")).unwrap();
    assert_eq!((answer.response_code.as_str(), answer.decision), ("99", Decision::Refused));
    assert!(house.running.ledger().unwrap().is_empty());
    let codes: Vec<_> = (2..5).map(|stan| code(house.link().sale(&sale_with_pin(stan, "9999")))).collect();
    assert_eq!(codes, ["55", "55", "75"], "it cost no try");
}

#[test]
fn a_card_without_a_right_cryptogram_tries_no_pins() {
    let house = House::new();
    let mut forged = sale_with_pin(1, "9999");
    forged.chip_data = chip_data(&profile(), 1, 200, &Signed::default()).into();
    assert_eq!(code(house.link().sale(&forged)), "05");
    let codes: Vec<_> = (2..5).map(|stan| code(house.link().sale(&sale_with_pin(stan, "9999")))).collect();
    assert_eq!(codes, ["55", "55", "75"]);
}
