//! A purchase that is paid in parts, from the command line over real parts: the card's account holds less than is asked for, and the rest
//! comes by another card or by code, or all of it goes back. In the end ledger, accounts and paper agree to the cent.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use serde_json::Value;
use support::counter::{Counter, FULL_ACCOUNT, PAN, keep};
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::host::store::EntryState;

/// What the account of the card `low-balance` holds.
const LOW: u64 = 9_40;

/// That card.
const LOW_CARD: [&str; 2] = ["--profile", "low-balance"];

/// A counter whose acquirer lets issuers approve parts, or does not.
fn open(in_part: bool) -> Counter {
    let counter = Counter::open_for_business();
    assert!(counter.yima(&["sign-on"]).status().unwrap().success());
    if in_part {
        let parameters = counter.state().join("sandbox/host/parameters");
        std::fs::create_dir_all(&parameters).unwrap();
        std::fs::write(parameters.join("host.toml"), "terminal = { in_part = true }").unwrap();
        let output = counter.yima(&["parameters"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    counter
}

fn number_of(profile: &str) -> String {
    CardProfile::shipped(profile).unwrap().applications[0].pan.clone()
}

fn holds(counter: &Counter, pan: &str) -> u64 {
    counter.host_books().balance(pan).unwrap().unwrap()
}

fn purchase(counter: &Counter) -> Value {
    let output = counter.yima(&["purchase", "--json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The first part: 9.40 of 15.00.
#[track_caller]
fn first_part(counter: &mut Counter) -> Value {
    let (result, code) = counter.sale("15.00", &LOW_CARD);
    assert_eq!((result["outcome"].as_str(), code), (Some("in_part"), 3), "{result:#}");
    assert_eq!((result["amount"].as_str(), result["response_code"].as_str()), (Some("9.40"), Some("10")));
    assert_eq!(
        (result["purchase"]["rest"].as_str(), result["receipts"].as_array().map(Vec::len)),
        (Some("5.60"), Some(0)),
        "{result:#}"
    );
    result
}

/// Texts of the slips since so many.
fn slips(counter: &Counter, before: usize) -> Vec<String> {
    let read = |path: &Path| std::fs::read_to_string(path.with_extension("txt")).unwrap();
    counter.receipts().iter().skip(before).map(|path| read(path)).collect()
}

#[test]
fn an_account_with_too_little_pays_what_it_holds_and_another_card_the_rest() {
    let mut counter = open(true);
    let first = first_part(&mut counter);
    assert_eq!(counter.receipts().len(), 0, "no part has a receipt of its own");
    assert_eq!(holds(&counter, &number_of("low-balance")), 0);
    let row = &counter.transactions()[0];
    assert_eq!((row["amount"].as_str(), row["asked"].as_str()), (Some("9.40"), Some("15.00")), "{row:#}");
    let (result, code) = counter.by_card(&["purchase", "pay"], &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("approved"), 0), "{result:#}");
    assert_eq!(
        (result["amount"].as_str(), result["purchase"]["state"].as_str(), result["purchase"]["paid"].as_str()),
        (Some("5.60"), Some("paid"), Some("15.00")),
        "{result:#}"
    );
    assert_eq!(counter.balance(), FULL_ACCOUNT - 5_60);
    // The issuer of each card has found its TC right, over what that card was asked for.
    assert_eq!(counter.queue(), Vec::<Value>::new());
    let noted = counter.host_books().advices().unwrap();
    assert_eq!(noted.iter().map(|note| note.verdict.as_str()).collect::<Vec<_>>(), ["TC", "TC"]);
    let slips = slips(&counter, 0);
    assert_eq!(slips.len(), 2, "one receipt, both copies");
    for slip in &slips {
        for wanted in ["15.00", "9.40", "5.60", "622848*********1230", first["rrn"].as_str().unwrap()] {
            assert!(slip.contains(wanted), "{wanted} is not on the slip:\n{slip}");
        }
    }
    assert!(slips[0].contains("商户") && slips[1].contains("持卡人"));
    keep(&counter.receipts()[1], "receipt-purchase.png");
    // Each part can be asked for, and both are the same receipt.
    for stan in [first["stan"].as_str().unwrap(), result["stan"].as_str().unwrap()] {
        let output = counter.yima(&["receipt", stan]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("9.40") && text.contains("5.60") && text.contains("DUPLICATE"), "{text}");
    }
    // The next customer pays as ever, and the day is settled with both parts.
    let (next, _) = counter.sale("1.00", &[]);
    assert_eq!(next["outcome"], "approved", "{next:#}");
    assert!(next["purchase"].is_null());
}

#[test]
fn a_phone_pays_the_rest() {
    let mut counter = open(true);
    first_part(&mut counter);
    let made = counter.yima(&["sandbox", "wallet", "code", "wallet-1", "--json"]).output().unwrap();
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let (result, code) = counter.without_card(&["purchase", "pay", "--code", made["code"].as_str().unwrap()], "");
    assert_eq!((result["outcome"].as_str(), code), (Some("approved"), 0), "{result:#}");
    assert_eq!((result["kind"].as_str(), result["amount"].as_str()), (Some("code_payment"), Some("5.60")));
    assert_eq!(result["purchase"]["state"], "paid", "{result:#}");
    let slips = slips(&counter, 0);
    assert_eq!(slips.len(), 2);
    assert!(
        slips.iter().all(|slip| slip.contains("9.40") && slip.contains("5.60") && slip.contains("扫码")),
        "{slips:?}"
    );
}

#[test]
fn cash_pays_the_rest_and_the_drawer_opens_with_the_change() {
    let mut counter = open(true);
    counter.set("[terminal]\ncash = true\n");
    let output = counter.yima(&["purchase", "pay", "--cash"]).output().unwrap();
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("no purchase is open"));
    first_part(&mut counter);
    let output = counter.yima(&["purchase", "pay", "--cash", "--given", "5.00"]).output().unwrap();
    assert!(!output.status.success(), "less than the rest");
    assert_eq!(purchase(&counter)["rest"], "5.60");
    let output = counter.yima(&["purchase", "pay", "--cash", "--given", "10.00", "--json"]).output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{said:#} {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!((said["amount"].as_str(), said["cash"]["change"].as_str()), (Some("5.60"), Some("4.40")), "{said:#}");
    assert_eq!((said["purchase"]["state"].as_str(), said["purchase"]["paid"].as_str()), (Some("paid"), Some("15.00")));
    let kinds: Vec<_> = said["purchase"]["parts"].as_array().unwrap().iter().map(|part| &part["kind"]).collect();
    assert_eq!(kinds, ["sale", "cash_sale"]);
    let slips = slips(&counter, 0);
    assert_eq!(slips.len(), 2, "one receipt, both copies");
    for wanted in ["15.00", "9.40", "5.60", "10.00", "4.40", "现金", "622848*********"] {
        assert!(slips.iter().all(|slip| slip.contains(wanted)), "{wanted} is not on the slip:\n{}", slips[0]);
    }
    let stan = said["stan"].as_str().unwrap();
    let again = counter.yima(&["receipt", stan]).output().unwrap();
    let text = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(text.contains("9.40") && text.contains("5.60") && text.contains("DUPLICATE"), "{text}");
    // The host settles what was paid by card, and nothing else.
    let settled = counter.yima(&["settle", "--json"]).output().unwrap();
    let said: Value = serde_json::from_slice(&settled.stdout).unwrap();
    assert!(settled.status.success() && said.to_string().contains("9.40"), "{said:#}");
    assert!(!said["settlement"].to_string().contains("15.00"), "{said:#}");
    assert_eq!(holds(&counter, &number_of("low-balance")), 0);
}

#[test]
fn what_was_paid_in_parts_goes_back_when_the_cashier_gives_up() {
    let mut counter = open(true);
    // The second card holds 2.00.
    let (drained, _) = counter.sale("9998.00", &[]);
    assert_eq!(drained["outcome"], "approved", "{drained:#}");
    let before = counter.receipts().len();
    first_part(&mut counter);
    let (result, code) = counter.by_card(&["purchase", "pay"], &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("in_part"), 3), "{result:#}");
    assert_eq!((result["amount"].as_str(), result["purchase"]["rest"].as_str()), (Some("2.00"), Some("3.60")));
    assert_eq!((holds(&counter, &number_of("low-balance")), counter.balance()), (0, 0));
    let (result, code) = counter.without_card(&["purchase", "give-up"], "");
    assert_eq!((result["outcome"].as_str(), code), (Some("reversed"), 0), "{result:#}");
    assert_eq!((result["amount"].as_str(), result["purchase"]["state"].as_str()), (Some("11.40"), Some("given_up")));
    assert_eq!((holds(&counter, &number_of("low-balance")), counter.balance()), (LOW, 2_00), "to the cent");
    let states: Vec<_> = counter.host_books().ledger().unwrap().iter().skip(1).map(|entry| entry.state).collect();
    assert_eq!(states, [EntryState::Reversed, EntryState::Reversed]);
    let rows = counter.transactions();
    assert_eq!((rows[0]["state"].as_str(), rows[1]["state"].as_str()), (Some("reversed"), Some("reversed")));
    let slips = slips(&counter, before);
    assert_eq!(slips.len(), 1, "one slip says what went back");
    for wanted in ["付款取消单", "11.40", "9.40", "2.00", "已退回付款账户"] {
        assert!(slips[0].contains(wanted), "{wanted} is not on the slip:\n{}", slips[0]);
    }
    // It is over: nothing is given up twice, and the next customer pays.
    let (again, code) = counter.without_card(&["purchase", "give-up"], "");
    assert_eq!((again["reason"]["kind"].as_str(), code), (Some("no_purchase_open"), 2), "{again:#}");
    let (next, _) = counter.sale("1.00", &[]);
    assert_eq!(next["outcome"], "approved", "{next:#}");
}

#[test]
fn parts_of_parts_come_to_the_whole() {
    let mut counter = open(true);
    let (drained, _) = counter.sale("9998.00", &[]);
    assert_eq!(drained["outcome"], "approved", "{drained:#}");
    first_part(&mut counter);
    let (result, _) = counter.by_card(&["purchase", "pay"], &[]);
    assert_eq!(result["purchase"]["rest"], "3.60", "{result:#}");
    let (result, code) = counter.by_card(&["purchase", "pay"], &["--profile", "unionpay-credit"]);
    assert_eq!((result["outcome"].as_str(), code), (Some("approved"), 0), "{result:#}");
    assert_eq!(result["purchase"]["parts"].as_array().unwrap().len(), 3);
    assert_eq!(holds(&counter, &number_of("unionpay-credit")), FULL_ACCOUNT - 3_60);
    let settled = counter.yima(&["settle", "--json"]).output().unwrap();
    let said = String::from_utf8_lossy(&settled.stdout).into_owned();
    assert!(settled.status.success() && said.contains("10013.00"), "{said}");
}

#[test]
fn a_second_card_that_is_declined_leaves_the_rest_to_be_paid() {
    let mut counter = open(true);
    first_part(&mut counter);
    let (result, code) = counter.by_card(&["purchase", "pay"], &["--profile", "expired"]);
    assert_eq!((result["outcome"].as_str(), code), (Some("declined"), 1), "{result:#}");
    let open = purchase(&counter);
    assert_eq!((open["state"].as_str(), open["rest"].as_str()), (Some("open"), Some("5.60")), "{open:#}");
    let (result, _) = counter.by_card(&["purchase", "pay"], &[]);
    assert_eq!(result["outcome"], "approved", "{result:#}");
    assert_eq!(counter.balance(), FULL_ACCOUNT - 5_60);
}

#[test]
fn what_nobody_knows_of_the_second_card_is_taken_back_first_and_the_purchase_stays_open() {
    let mut counter = open(true);
    counter.give_up_after(3);
    // The rest is an amount of which the host books everything and says nothing.
    let (result, _) = counter.sale("76.42", &LOW_CARD);
    assert_eq!((result["outcome"].as_str(), result["purchase"]["rest"].as_str()), (Some("in_part"), Some("67.02")));
    let (result, code) = counter.by_card(&["purchase", "pay"], &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("reversed"), 2), "{result:#}");
    let open = purchase(&counter);
    assert_eq!((open["state"].as_str(), open["rest"].as_str()), (Some("open"), Some("67.02")), "{open:#}");
    assert_eq!((holds(&counter, &number_of("low-balance")), counter.balance()), (0, FULL_ACCOUNT));
    let (result, code) = counter.without_card(&["purchase", "give-up"], "");
    assert_eq!((result["outcome"].as_str(), code), (Some("reversed"), 0), "{result:#}");
    assert_eq!((holds(&counter, &number_of("low-balance")), counter.balance()), (LOW, FULL_ACCOUNT));
}

#[test]
fn after_a_restart_the_purchase_is_still_open_and_nothing_else_begins() {
    let mut counter = open(true);
    let first = first_part(&mut counter);
    let open = purchase(&counter);
    assert_eq!((open["paid"].as_str(), open["rest"].as_str()), (Some("9.40"), Some("5.60")), "{open:#}");
    let (refused, code) = counter.without_card(&["sale", "5.60"], "");
    assert_eq!((refused["reason"]["kind"].as_str(), code), (Some("purchase_open"), 2), "{refused:#}");
    let (batch, stan) = (first["batch"].as_str().unwrap(), first["stan"].as_str().unwrap());
    let (refused, _) = counter.without_card(&["void", batch, stan], "");
    assert_eq!(refused["reason"]["kind"], "purchase_open", "{refused:#}");
    let receipt = counter.yima(&["receipt", first["stan"].as_str().unwrap()]).output().unwrap();
    assert!(!receipt.status.success() && String::from_utf8_lossy(&receipt.stderr).contains("not paid to its end"));
    // Nobody hears of giving up: it is durable all the same, and goes on when the host is back.
    counter.host = None;
    let (result, code) = counter.without_card(&["purchase", "give-up"], "");
    assert_eq!((result["outcome"].as_str(), code), (Some("unresolved"), 2), "{result:#}");
    assert_eq!(purchase(&counter)["state"], "given_up");
    assert_eq!(holds(&counter, &number_of("low-balance")), 0);
    counter.start_host();
    let (next, _) = counter.sale("1.00", &[]);
    assert_eq!(next["outcome"], "approved", "{next:#}");
    assert_eq!((holds(&counter, &number_of("low-balance")), counter.balance()), (LOW, FULL_ACCOUNT - 1_00));
    let slips = slips(&counter, 0);
    assert!(slips.iter().any(|slip| slip.contains("付款取消单") && slip.contains("9.40")), "{slips:?}");
}

#[test]
fn where_the_acquirer_does_not_allow_it_all_or_nothing_is_paid() {
    let mut counter = open(false);
    let (result, code) = counter.sale("15.00", &LOW_CARD);
    assert_eq!((result["outcome"].as_str(), code), (Some("declined"), 1), "{result:#}");
    assert_eq!(result["response_code"], "51");
    // A host that approves a part unasked is not believed to have approved.
    let (result, _) = counter.sale("66.10", &[]);
    assert_eq!(
        (result["outcome"].as_str(), result["reason"]["kind"].as_str()),
        (Some("reversed"), Some("partial_approval"))
    );
    assert_eq!((holds(&counter, PAN), holds(&counter, &number_of("low-balance"))), (FULL_ACCOUNT, LOW));
    assert!(purchase(&counter).is_null());
    let (nothing, code) = counter.without_card(&["purchase", "pay"], "");
    assert_eq!((nothing["reason"]["kind"].as_str(), code), (Some("no_purchase_open"), 2), "{nothing:#}");
}
