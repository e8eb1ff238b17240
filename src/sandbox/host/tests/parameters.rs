//! A terminal that fetches applications and CA keys from the host, over a real link.

use super::*;
use crate::acquirer::parameters::DownloadError;
use crate::acquirer::parameters::status::StatusReport;
use crate::emv::ca_keys::KeyEntry;
use crate::emv::terminal::{AidEntry, TerminalData};
use crate::host_tables::HostTables;
use crate::iso8583::Order;
use crate::sandbox::host::DEFAULT_TERMINAL;

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

/// A sale, and what its answer ordered.
fn orders(link: &HttpsLink, stan: u32) -> Vec<Order> {
    assert_eq!(code(link.sale(&sale(stan, 100))), "00");
    link.take_orders()
}

/// A sale, and whether its answer ordered a download of applications.
fn ordered(link: &HttpsLink, stan: u32) -> bool {
    let orders = orders(link, stan);
    assert!(orders.is_empty() || orders == [Order::Applications], "{orders:?}");
    !orders.is_empty()
}

const TABLES: &str = r#"
terminal = { answer_timeout_s = 45, tries = 5, merchant_name = "老王面馆", sale_limit = 500000, other = { 13 = "33" } }
card = [{ prefix = "62", bank = "A", kind = "debit" }, { prefix = "622848", ending = "1230", bank = "B", kind = "credit", refused = true }]
text = [{ code = "51", zh = "钱不够。" }]
"#;

#[test]
fn the_tables_that_the_host_has_are_what_the_terminal_gets() {
    let house = House::new();
    put(&house, "host.toml", TABLES);
    assert_eq!(house.link().download().unwrap().set.tables, HostTables::parse(TABLES).unwrap());
    // More cards than fit into one answer.
    let cards: Vec<_> =
        (1000..1500).map(|prefix| format!("{{ prefix = \"{prefix}\", bank = \"A\", kind = \"other\" }}")).collect();
    put(&house, "host.toml", &format!("card = [{}]", cards.join(", ")));
    assert_eq!(house.link().download().unwrap().set.tables.card.len(), 500);
    // What a terminal would refuse does not leave the sandbox.
    put(&house, "host.toml", &TABLES.replace("45", "9"));
    assert_eq!(refused_with(house.link().download()), "96");
}

#[test]
fn each_part_is_ordered_by_its_own_digit_until_it_was_taken() {
    let house = House::new();
    let link = house.link();
    put(&house, "host.toml", "terminal = { tries = 5 }");
    assert_eq!(orders(&link, 1), [Order::Parameters]);
    put(&house, "host.toml", "card = [{ prefix = \"62\", bank = \"A\", kind = \"debit\" }]");
    assert_eq!(orders(&link, 2), [Order::Cards]);
    link.confirm_download().unwrap();
    assert_eq!(orders(&link, 3), []);
    // Words for response codes belong to the parameters.
    put(&house, "host.toml", &format!("{}\n", TABLES.lines().last().unwrap()));
    assert_eq!(orders(&link, 4), [Order::Parameters]);
}

#[test]
fn what_somebody_orders_comes_with_every_answer_until_it_is_done() {
    let house = House::new();
    let link = house.link();
    for order in [Order::Remote, Order::Status, Order::CaKeys] {
        house.host.order(DEFAULT_TERMINAL, order).unwrap();
    }
    assert_eq!(orders(&link, 1), [Order::Status]);
    assert_eq!(orders(&link, 2), [Order::Status], "heard is not done");
    let report = StatusReport { program: "1".to_owned(), ..StatusReport::default() };
    link.report(&report).unwrap();
    assert_eq!(link.take_orders(), [Order::CaKeys], "the answer to a report orders the next thing");
    link.confirm_download().unwrap();
    assert_eq!(orders(&link, 3), [Order::Remote]);
    link.report(&report).unwrap();
    assert_eq!(link.take_orders(), [Order::Remote], "it says nothing of that");
    let refused = StatusReport { refused: "remote management: not supported".to_owned(), ..report.clone() };
    link.report(&refused).unwrap();
    assert_eq!(orders(&link, 4), []);
    let told: Vec<_> = house.host.reports().unwrap().into_iter().map(|told| told.report).collect();
    assert_eq!(told, [report.clone(), report, refused]);
    assert!(house.host.order("77777777", Order::Status).is_err());
    let kit = house.copied_kit();
    SoftwareVault::open(&kit).unwrap().set(KeyName::Mac, &[9; 16]);
    assert_eq!(refused_with(house.link_of(&kit).report(&StatusReport::default())), "A0");
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

/// A host orders with every answer, with those of a download as well.
#[test]
fn what_the_answers_of_a_download_order_is_done_when_the_host_knows_that_it_ended() {
    let house = House::new();
    let link = house.link();
    put(&house, "host.toml", "terminal = { tries = 5 }");
    link.download().unwrap();
    assert_eq!(link.take_orders(), [Order::Parameters], "as long as it does not know, it repeats");
    link.download().unwrap();
    link.confirm_download().unwrap();
    assert_eq!(link.take_orders(), []);
    house.host.order(DEFAULT_TERMINAL, Order::Status).unwrap();
    link.download().unwrap();
    link.confirm_download().unwrap();
    assert_eq!(link.take_orders(), [Order::Status], "a download is no answer to this");
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
