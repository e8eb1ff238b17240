//! Working keys: made anew at every sign-on, and from then on the only ones.

use super::*;
use crate::acquirer::sign_on::{SignOnFailure, SignedOn};
use crate::sandbox::host::DEFAULT_TERMINAL;
use crate::vault::{SecureElement, VaultError};

fn mac_key(kit: &Path) -> Option<Vec<u8>> {
    SoftwareVault::open(kit).unwrap().check_value(KeyName::Mac).unwrap()
}

/// A terminal of a house where nobody has signed on.
fn fresh(house: &House) -> PathBuf {
    let kit = house.directory.path().join("fresh");
    house.host.write_kit(&kit).unwrap();
    kit
}

#[test]
fn a_terminal_that_has_not_signed_on_has_no_key_to_ask_with_and_afterwards_it_has() {
    let house = House::new();
    let kit = fresh(&house);
    let link = house.link_of(&kit);
    let failure = link.sale(&sale(1, 100)).unwrap_err();
    assert!(matches!(&failure, LinkFailure::Unsendable(detail) if detail.contains("sign on")), "{failure}");
    assert_eq!(link.sign_on(trace(1)).unwrap(), SignedOn { batch: Some(Batch::FIRST) });
    assert_eq!(code(link.sale(&sale(2, 100))), "00");
}

#[test]
fn every_sign_on_brings_other_keys_and_those_before_are_void() {
    let house = House::new();
    let old = house.copied_kit();
    let before = mac_key(&house.kit());
    let link = house.link();
    link.sign_on(trace(1)).unwrap();
    assert_ne!(mac_key(&house.kit()), before);
    assert!(!link.take_need_of_keys());
    let void = house.link_of(&old);
    assert_eq!(code(void.sale(&sale(2, 100))), "A0");
    assert!(void.take_need_of_keys() && !void.take_need_of_keys());
    assert_eq!(code(link.sale(&sale(3, 100))), "00");
    assert!(house.running.ledger().unwrap().len() == 1, "a request under void keys is not in the books");
}

#[test]
fn a_wrong_check_value_replaces_no_key() {
    let house = House::new();
    let before = mac_key(&house.kit());
    house.running.set_wrong_check_values(true);
    let failure = house.link().sign_on(trace(1)).unwrap_err();
    assert!(matches!(&failure, SignOnFailure::Vault(VaultError::CheckValue { key: KeyName::Mac, .. })), "{failure}");
    assert_eq!(mac_key(&house.kit()), before);
    house.running.set_wrong_check_values(false);
    house.link().sign_on(trace(2)).unwrap();
    assert_eq!(code(house.link().sale(&sale(3, 100))), "00");
}

#[test]
fn the_host_can_order_a_sign_on_and_forget_its_keys() {
    let house = House::new();
    let link = house.link();
    house.running.order_sign_on(DEFAULT_TERMINAL).unwrap();
    assert_eq!(code(link.sale(&sale(1, 100))), "00", "an order is no refusal");
    assert!(link.take_need_of_keys() && link.take_orders().is_empty());
    link.sign_on(trace(2)).unwrap();
    assert_eq!(code(link.sale(&sale(3, 100))), "00");
    assert!(!link.take_need_of_keys(), "it has been done");
    house.running.forget_keys(DEFAULT_TERMINAL).unwrap();
    assert_eq!(code(link.sale(&sale(4, 100))), "A0");
    assert_eq!(code(link.reverse(&reversal(4, 100))), "A0");
    assert!(link.take_need_of_keys());
    house.running.set_batch(DEFAULT_TERMINAL, Batch::new(12).unwrap()).unwrap();
    assert_eq!(link.sign_on(trace(5)).unwrap().batch, Batch::new(12).ok());
    assert_eq!(house.running.sign_on_state(DEFAULT_TERMINAL).unwrap().unwrap().times, 3);
}

#[test]
fn a_sign_on_is_bound_to_machine_and_code() {
    let house = House::new();
    let other = house.other_kit();
    let refused_as = |kit: &Path, identity: Identity| match open_as(&house.running.link_settings(), kit, identity)
        .sign_on(trace(1))
    {
        Err(SignOnFailure::Refused(code)) => code.as_str().to_owned(),
        other => panic!("{other:?}"),
    };
    let refused = |kit: &Path| refused_as(kit, Identity::load(kit).unwrap());
    let kit = house.copied_kit();
    SoftwareVault::open(&kit).unwrap().set(KeyName::Device, &[9; 16]);
    assert_eq!(refused(&kit), "97", "another device key");
    let kit = house.copied_kit();
    let mut identity = Identity::load(&kit).unwrap();
    identity.serial_number = "00000402TEST0009".to_owned();
    assert_eq!(refused_as(&kit, identity), "97", "another serial number");
    let kit = house.copied_kit();
    for name in ["client.pem", "client.key"] {
        std::fs::copy(other.join(name), kit.join(name)).unwrap();
    }
    assert_eq!(refused(&kit), "97", "another certificate");
    assert_eq!(house.running.sign_on_state(DEFAULT_TERMINAL).unwrap().unwrap().times, 1, "no keys were made");
    let kit = house.copied_kit();
    SoftwareVault::open(&kit).unwrap().set(KeyName::Master, &[9; 16]);
    let failure = house.link_of(&kit).sign_on(trace(2)).unwrap_err();
    assert!(matches!(failure, SignOnFailure::Vault(VaultError::CheckValue { .. })), "another master key: {failure}");
}

/// A host of an older version: its terminals have no master key, and the one that every host knows gets a new kit.
#[test]
fn a_host_of_an_older_version_enrols_its_terminal_anew() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("host");
    Host::prepare(&state).unwrap();
    let database = rusqlite::Connection::open(state.join("host.sqlite3")).unwrap();
    database
        .execute_batch(
            "DROP TABLE terminal_keys; ALTER TABLE terminals ADD COLUMN mac_key BLOB;
             DROP TABLE entries; ALTER TABLE accounts DROP COLUMN held; PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(database);
    let host = Host::prepare(&state).unwrap();
    let kit = directory.path().join("kit");
    host.write_kit(&kit).unwrap();
    let running = host.start(([127, 0, 0, 1], 0).into()).unwrap();
    open(&running.link_settings(), &kit).sign_on(trace(1)).unwrap();
}
