//! Offline sales from outside: the program with a card in a virtual reader and a printer, while the host is away; what the host is told
//! once it is back, and what follows where the bank does not pay.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use serde_json::Value;
use support::counter::{Counter, FULL_ACCOUNT};
use support::wait_until;
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::host::store::EntryState;

/// A card that approves alone up to 200.00, three times in a row.
const CARD: [&str; 2] = ["--profile", "offline"];

/// A counter whose acquirer lets so much be sold offline: 150.00 at once, and two sales of 250.00 together until it has them.
fn open() -> Counter {
    let counter = Counter::open_for_business();
    assert!(counter.yima(&["sign-on"]).status().unwrap().success());
    let parameters = counter.state().join("sandbox/host/parameters");
    std::fs::create_dir_all(&parameters).unwrap();
    let limits = "terminal = { offline = { most = 15000, count = 2, total = 25000 } }";
    std::fs::write(parameters.join("host.toml"), limits).unwrap();
    let output = counter.yima(&["parameters"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    counter
}

fn holds(counter: &Counter) -> u64 {
    let pan = &CardProfile::shipped("offline").unwrap().applications[0].pan;
    counter.host_books().balance(pan).unwrap().unwrap()
}

fn sold(counter: &mut Counter, amount: &str) -> (Value, i32) {
    counter.by_card(&["offline-sale", amount], &CARD)
}

#[track_caller]
fn is_sold(counter: &mut Counter, amount: &str) -> Value {
    let (result, code) = sold(counter, amount);
    assert_eq!((result["outcome"].as_str(), code), (Some("approved"), 0), "{result:#}");
    assert_eq!((result["kind"].as_str(), result["amount"].as_str()), (Some("offline_sale"), Some(amount)));
    assert!(result["rrn"].is_null() && result["response_code"].is_null(), "nobody was asked: {result:#}");
    result
}

#[track_caller]
fn is_refused(counter: &mut Counter, amount: &str, why: &str) {
    let (result, code) = sold(counter, amount);
    assert_eq!(
        (result["outcome"].as_str(), result["reason"]["kind"].as_str()),
        (Some("error"), Some(why)),
        "{result:#}"
    );
    assert_ne!(code, 0);
}

/// The next customer pays with another card; what waits goes to the host behind that. Gives what still waits.
#[track_caller]
fn drained(counter: &mut Counter) -> Vec<Value> {
    let (online, _) = counter.sale("1.00", &[]);
    assert_eq!(online["outcome"], "approved", "online as ever: {online:#}");
    counter.queue()
}

fn slips(counter: &Counter) -> Vec<String> {
    let read = |path: &Path| std::fs::read_to_string(path.with_extension("txt")).unwrap();
    counter.receipts().iter().map(|path| read(path)).collect()
}

#[test]
fn while_the_host_is_away_a_card_pays_alone_within_limits_and_the_host_books_each_sale_once() {
    let mut counter = open();
    counter.host = None;
    let first = is_sold(&mut counter, "120.00");
    let second = is_sold(&mut counter, "130.00");
    is_refused(&mut counter, "0.01", "offline_full");
    is_refused(&mut counter, "150.01", "over_offline_limit");
    let printed = slips(&counter);
    assert_eq!(printed.len(), 4);
    for slip in &printed[..2] {
        assert!(
            slip.contains("离线消费") && slip.contains("120.00") && slip.contains(first["stan"].as_str().unwrap()),
            "{slip}"
        );
    }
    let queue = counter.queue();
    assert_eq!(queue.iter().map(|entry| entry["kind"].as_str().unwrap()).collect::<Vec<_>>(), ["offline_sale"; 2]);
    assert_eq!(holds(&counter), FULL_ACCOUNT);

    counter.start_host();
    assert_eq!(drained(&mut counter), Vec::<Value>::new());
    assert_eq!(holds(&counter), FULL_ACCOUNT - 25_000);
    let booked = counter.host_books().ledger().unwrap();
    let sales: Vec<_> = booked.iter().filter(|entry| entry.state == EntryState::Approved).collect();
    assert_eq!(sales.len(), 3, "two offline, one online: {booked:?}");
    let rows = counter.transactions();
    for sale in [&second, &first] {
        let row = rows.iter().find(|row| row["stan"] == sale["stan"]).unwrap();
        assert_eq!(row["state"], "approved", "{row:#}");
        assert!(row["rrn"].is_string() && row["auth_code"].is_string(), "the host has said so since: {row:#}");
    }
    // As much may be sold offline again.
    is_sold(&mut counter, "1.00");
    // The day is settled: terminal and host have the same.
    let output = counter.yima(&["settle", "--json"]).output().unwrap();
    let settled: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{settled:#}");
    assert_eq!(settled["verdict"], "equal", "{settled:#}");
}

#[test]
fn an_answer_that_is_lost_has_the_same_told_once_more_and_booked_once() {
    let mut counter = open();
    counter.host = None;
    is_sold(&mut counter, "12.34");
    counter.start_host();
    // It is booked, and the terminal is killed before it knows.
    let mut child = counter.yima(&["settle"]).spawn().unwrap();
    wait_until("the host has booked it", std::time::Duration::from_secs(30), || holds(&counter) < FULL_ACCOUNT);
    let _ = child.kill();
    child.wait().unwrap();
    assert_eq!(drained(&mut counter), Vec::<Value>::new());
    assert_eq!(holds(&counter), FULL_ACCOUNT - 12_34);
    assert_eq!(counter.host_books().ledger().unwrap().len(), 2, "and one online");
}

#[test]
fn a_bank_that_refuses_at_once_keeps_nobody_from_the_slips_of_what_was_sold() {
    let mut counter = open();
    // The host is there all the time: it hears of the sale while the merchant's slip is printed.
    let sold = is_sold(&mut counter, "66.51");
    wait_until("it is for a person", std::time::Duration::from_secs(30), || {
        counter.queue().iter().any(|entry| entry["state"] == "parked")
    });
    let stan = sold["stan"].as_str().unwrap();
    let printed = slips(&counter);
    let of_sale = |slip: &&String| slip.contains("离线消费") && slip.contains(stan) && slip.contains("66.51");
    assert_eq!(printed.iter().filter(of_sale).count(), 2, "{printed:?}");
    let again = counter.yima(&["receipt", stan]).output().unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
}

#[test]
fn one_that_the_bank_does_not_pay_is_for_a_person_and_then_counts_as_that_one_says() {
    let mut counter = open();
    counter.host = None;
    // The sandbox declines such an amount with 51.
    let refused = is_sold(&mut counter, "66.51");
    let paid = is_sold(&mut counter, "1.00");
    counter.start_host();
    let queue = drained(&mut counter);
    assert_eq!(queue.len(), 1, "{queue:#?}");
    assert_eq!(
        (queue[0]["kind"].as_str(), queue[0]["state"].as_str()),
        (Some("offline_sale"), Some("parked")),
        "{queue:#?}"
    );
    assert_eq!((queue[0]["stan"].as_str(), queue[0]["response_code"].as_str()), (refused["stan"].as_str(), Some("51")));
    assert_eq!(holds(&counter), FULL_ACCOUNT - 1_00);
    let said = slips(&counter).pop().unwrap();
    assert!(said.contains(refused["stan"].as_str().unwrap()), "a slip says so: {said}");
    // A batch is not settled over it.
    let output = counter.yima(&["settle"]).output().unwrap();
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (batch, stan) = (refused["batch"].as_str().unwrap(), refused["stan"].as_str().unwrap());
    let mut resolve = counter.yima(&["queue", "resolve", batch, stan, "--as", "reversed"]);
    let output = resolve.args(["--by", "王五", "--note", "银行不付"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = counter.yima(&["settle", "--json"]).output().unwrap();
    let settled: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{settled:#} {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(settled["verdict"], "equal", "{settled:#}");
    assert!(paid["stan"].is_string());
}

#[test]
fn a_card_that_wants_its_bank_pays_nothing_offline_and_no_acquirer_no_offline_sale() {
    let mut counter = open();
    counter.host = None;
    let (result, _) = counter.by_card(&["offline-sale", "1.00"], &[]);
    assert_eq!(
        (result["outcome"].as_str(), result["reason"]["kind"].as_str()),
        (Some("declined"), Some("card_wants_host"))
    );
    assert_eq!(counter.transactions(), Vec::<Value>::new());
    assert_eq!(counter.queue(), Vec::<Value>::new());
    let mut without = Counter::open_for_business();
    assert!(without.yima(&["sign-on"]).status().unwrap().success());
    is_refused(&mut without, "1.00", "offline_not_allowed");
}

#[test]
fn it_is_given_back_once_the_host_has_it() {
    let mut counter = open();
    counter.host = None;
    let sale = is_sold(&mut counter, "120.00");
    counter.start_host();
    assert_eq!(drained(&mut counter), Vec::<Value>::new());
    let (batch, stan) = (sale["batch"].as_str().unwrap(), sale["stan"].as_str().unwrap());
    let (refund, code) = counter.by_card(&["refund", batch, stan, "20.00"], &CARD);
    assert_eq!((refund["outcome"].as_str(), code), (Some("approved"), 0), "{refund:#}");
    assert_eq!(holds(&counter), FULL_ACCOUNT - 10_000);
}
