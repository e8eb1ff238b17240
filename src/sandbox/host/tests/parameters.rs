//! A terminal that fetches applications and CA keys from the host, over a real link.

use super::*;
use crate::acquirer::parameters::DownloadError;
use crate::emv::ca_keys::KeyEntry;
use crate::emv::terminal::{AidEntry, TerminalData};

fn put(house: &House, name: &str, text: &str) {
    let folder = house.directory.path().join("host/parameters");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), text).unwrap();
}

fn refused_with(result: Result<impl std::fmt::Debug, DownloadError>) -> String {
    match result {
        Err(DownloadError::Refused { response_code, .. }) => response_code.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// A sale, and whether its answer ordered a download.
fn ordered(link: &HttpsLink, stan: u32) -> bool {
    assert_eq!(code(link.sale(&sale(stan, 100))), "00");
    link.take_order()
}

#[test]
fn what_the_host_has_is_what_the_terminal_gets() {
    let house = House::new();
    let download = house.link().download().unwrap();
    let entries: Vec<_> = download.set.applications.iter().map(|application| application.entry.clone()).collect();
    assert_eq!(entries, AidEntry::all_of(TerminalData::SHIPPED_APPLICATIONS).unwrap());
    let shipped = KeyEntry::all_of(crate::emv::ca_keys::CaKeys::SHIPPED_TEST).unwrap();
    let hashes = |keys: &[KeyEntry]| keys.iter().map(|key| key.hash.clone()).collect::<Vec<_>>();
    assert_eq!(hashes(&download.set.ca_keys), hashes(&shipped));
    assert!(download.unusable.is_empty());
}

#[test]
fn the_host_orders_with_every_answer_until_its_set_was_taken() {
    let house = House::new();
    let link = house.link();
    assert!(!ordered(&link, 1), "terminal and host have what comes with the program");
    let denial = TerminalData::SHIPPED_APPLICATIONS.replacen("0010000000", "8010000000", 1);
    put(&house, "aids.toml", &denial);
    assert!(ordered(&link, 2) && ordered(&link, 3));
    let download = link.download().unwrap();
    assert_eq!(download.set.applications[0].entry.tac_denial, "8010000000");
    assert!(ordered(&link, 4), "fetched is not taken");
    link.confirm_download().unwrap();
    assert!(!ordered(&link, 5));
    // A terminal that is enrolled anew may be another machine, with what came with its program.
    house.host.enrol(&Identity::load(&house.kit()).unwrap()).unwrap();
    house.host.write_kit(&house.kit()).unwrap();
    house.sign_on(&house.kit());
    assert!(ordered(&house.link(), 6));
}

#[test]
fn who_asks_must_have_the_right_keys() {
    let house = House::new();
    let kit = house.copied_kit();
    SoftwareVault::open(&kit).unwrap().set(KeyName::Mac, &[9; 16]);
    assert_eq!(refused_with(house.link_of(&kit).download()), "A0");
    assert_eq!(refused_with(house.link_of(&kit).confirm_download()), "A0");
}

#[test]
fn a_set_that_a_terminal_must_not_use_does_not_leave_the_sandbox() {
    let house = House::new();
    let link = house.link();
    let live = include_str!("../../../../assets/emv/capk-live.toml");
    for (name, text) in [
        ("capk.toml", live.to_owned()),
        ("capk.toml", live.replace("test = false", "test = true")),
        ("capk.toml", "test = true\nkey = []".to_owned()),
        ("aids.toml", String::new()),
    ] {
        put(&house, name, &text);
        assert_eq!(refused_with(link.download()), "96", "{name}");
        std::fs::remove_file(house.directory.path().join("host/parameters").join(name)).unwrap();
    }
    link.download().unwrap();
}
