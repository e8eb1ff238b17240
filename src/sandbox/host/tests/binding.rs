//! One machine, one code: a terminal whose values disagree is refused.

use super::*;
use crate::acquirer::device::DeviceRecord;
use crate::acquirer::messages::Requests;
use crate::iso8583::Dialect;
use crate::sandbox::host::{DEFAULT_TERMINAL, rules};
use crate::vault::SecureElement;

#[test]
fn a_terminal_whose_values_disagree_is_told_so_and_books_nothing() {
    let house = House::new();
    let other = house.other_kit();
    assert_eq!(code(house.link_of(&other).sale(&sale(1, 100))), "00");
    let before = house.balance();

    // Another terminal's certificate with this terminal's identity and keys.
    let kit = house.copied_kit();
    for name in ["client.pem", "client.key"] {
        std::fs::copy(other.join(name), kit.join(name)).unwrap();
    }
    assert_eq!(code(house.link_of(&kit).sale(&sale(2, 100))), "97");
    assert_eq!(
        code(house.link_of(&kit).check().map(|check| HostAnswer {
            decision: Decision::Refused,
            response_code: check.response_code,
            rrn: None,
            authorisation_code: None,
            issuer_data: vec![],
            balances: vec![],
            plan: None,
        })),
        "97"
    );

    type Change = fn(&mut Identity);
    let changes: [Change; 3] = [
        |identity| identity.serial_number = "00000402TEST0002".to_owned(),
        |identity| identity.merchant_code = "999TEST00000002".to_owned(),
        |identity| identity.terminal_number = "10000009".to_owned(),
    ];
    for change in changes {
        let mut identity = Identity::load(&house.kit()).unwrap();
        change(&mut identity);
        let link = open_as(&house.running.link_settings(), &house.kit(), identity.clone());
        assert_eq!(code(link.sale(&sale(3, 100))), "97", "{identity:?}");
    }
    assert_eq!(house.balance(), before);
}

#[test]
fn wrong_keys_are_told_apart() {
    let house = House::new();
    let kit = house.copied_kit();
    SoftwareVault::open(&kit).unwrap().set(KeyName::Mac, &[9; 16]);
    assert_eq!(code(house.link_of(&kit).sale(&sale(1, 100))), "A0");
    let kit = house.copied_kit();
    SoftwareVault::open(&kit).unwrap().set(KeyName::Device, &[9; 16]);
    assert_eq!(code(house.link_of(&kit).sale(&sale(1, 100))), "97");
    assert_eq!(code(house.link_of(&kit).reverse(&reversal(1, 100))), "97");
    assert!(house.running.ledger().unwrap().is_empty());
    assert_eq!(house.balance(), BALANCE);
}

/// A field 59 cut out of another message is of no use: its factor belongs to that message's card or STAN.
#[test]
fn the_factor_binds_the_device_to_the_request() {
    let house = House::new();
    let dialect = Dialect::shipped("unionpay").unwrap();
    let identity = Identity::load(&house.kit()).unwrap();
    let vault = SoftwareVault::open(&house.kit()).unwrap();
    let tags = &dialect.binding;
    let requests = Requests { dialect: &dialect, tpdu: &dialect.tpdu, identity: &identity, vault: &vault };
    let terminal = house.host.store.terminal(DEFAULT_TERMINAL).unwrap().unwrap();
    for message in [
        requests.sale(&sale(1, 100)).unwrap().frame.message,
        requests.reversal(&reversal(1, 100)).unwrap().frame.message,
    ] {
        assert!(rules::check_device(&terminal, &message, &dialect).is_ok());
        let mut record = DeviceRecord::read(message.text(59).unwrap(), tags).unwrap();
        record.factor = "999999".to_owned();
        record.ciphertext = vault.device_ciphertext(&record.serial_number, &record.factor).unwrap();
        let refusal =
            rules::check_device(&terminal, &message.with_text(59, &record.write(tags)), &dialect).unwrap_err();
        assert!(refusal.response_code == "97" && refusal.reason.contains("factor"), "{refusal:?}");
    }
}
