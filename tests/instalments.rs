//! Instalments from outside: a credit card in a virtual reader, the sandbox host with its books over HTTPS, a printer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

mod support;

use serde_json::Value;
use support::counter::{Counter, FULL_ACCOUNT, PAN, keep};
use yima::sandbox::host::KeptPlan;

const CREDIT: [&str; 2] = ["--profile", "unionpay-credit"];
const CREDIT_PAN: &str = "6250000000001010";

/// Amounts of the sandbox at which something happens are small, so that they are offered as well.
const OFFER: &str =
    "[terminal]\ninstalments = { periods = [3, 6, 12], from = 5000, programme = \"0001\" }\nsignature_pad = false\n";

/// A counter whose acquirer offers instalments, and has told the terminal so.
fn open() -> Counter {
    let counter = Counter::open_for_business();
    let parameters = counter.state().join("sandbox/host/parameters");
    std::fs::create_dir_all(&parameters).unwrap();
    std::fs::write(parameters.join("host.toml"), OFFER).unwrap();
    for command in [&["sign-on"][..], &["parameters"]] {
        let output = counter.yima(command).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    counter
}

fn plans(counter: &Counter) -> Vec<KeptPlan> {
    counter.host_books().instalment_plans().unwrap()
}

fn credit_balance(counter: &Counter) -> u64 {
    counter.host_books().balance(CREDIT_PAN).unwrap().unwrap()
}

fn kind(result: &Value) -> (&str, Option<&str>) {
    (result["outcome"].as_str().unwrap(), result["reason"]["kind"].as_str())
}

fn said(counter: &Counter, arguments: &[&str]) -> String {
    String::from_utf8(counter.yima(arguments).output().unwrap().stdout).unwrap()
}

#[test]
fn the_banks_plan_stands_in_the_result_the_record_the_books_and_on_both_slips() {
    let mut counter = open();
    let shown = said(&counter, &["parameters", "--json"]);
    assert!(shown.contains("set"), "{shown}");
    let (result, code) = counter.by_card(&["sale", "600.05", "--instalments", "6"], &CREDIT);
    assert_eq!((kind(&result), code), (("approved", None), 0), "{result:#}");
    let told = &result["instalments"];
    assert_eq!((told["periods"].as_u64(), told["programme"].as_str()), (Some(6), Some("0001")), "{told:#}");
    assert_eq!((told["first"].as_str(), told["following"].as_str()), (Some("100.05"), Some("100.00")));
    assert_eq!((told["fee"]["taken"].as_str(), told["fee"]["amount"].as_str()), (Some("at_once"), Some("21.60")));
    assert_eq!(credit_balance(&counter), FULL_ACCOUNT - 60_005, "the merchant has all of it");
    let row = counter.transactions().remove(0);
    assert_eq!(&row["instalments"], told, "{row:#}");
    let list = said(&counter, &["transactions"]);
    assert!(list.contains(" in 6 periods"), "{list}");
    let kept = plans(&counter);
    assert_eq!((kept.len(), kept[0].plan.first().minor(), kept[0].stands), (1, 10_005, true));
    let books = said(&counter, &["sandbox", "books"]);
    assert!(books.contains("6 instalments: 100.05, then 100.00 each; a fee of 21.60 at once"), "{books}");
    let receipts = counter.receipts();
    assert_eq!(receipts.len(), 2);
    for receipt in &receipts {
        let text = std::fs::read_to_string(receipt.with_extension("txt")).unwrap();
        for (word, value) in [
            ("交易类型", "分期付款消费"),
            ("分期期数", "6"),
            ("首期金额", "100.05"),
            ("每期金额", "100.00"),
            ("手续费(一次收取)", "21.60"),
        ] {
            let found = text.lines().any(|line| line.starts_with(word) && line.trim_end().ends_with(value));
            assert!(found, "{word} {value}:\n{text}");
        }
    }
    let text = std::fs::read_to_string(receipts[0].with_extension("txt")).unwrap();
    assert!(text.contains("同意按以上期数分期还款"), "what the cardholder signs\n{text}");
    keep(&receipts[0], "receipt-instalments-merchant.png");
    // The card's last word reached the host, which knows by it which sale it is about.
    assert_eq!(counter.queue(), Vec::<Value>::new());
    let noted = counter.host_books().advices().unwrap();
    assert_eq!(noted.iter().map(|note| note.verdict.as_str()).collect::<Vec<_>>(), ["TC"]);
    // It counts as what it is, a sale: the totals are the same on both sides.
    let (settled, code) = counter.without_card(&["settle"], "");
    assert_eq!(code, 0, "{settled:#}");
}

#[test]
fn a_debit_card_is_declined_with_what_to_do_and_what_is_not_offered_reaches_no_card() {
    let mut counter = open();
    let (result, code) = counter.by_card(&["sale", "600.00", "--instalments", "6"], &[]);
    assert_eq!((kind(&result), code), (("declined", Some("not_by_instalments")), 1), "{result:#}");
    assert_eq!(result["response_code"], "57");
    assert!(
        result["reason"]["do"].to_string().contains("一次付清") || result.to_string().contains("一次付清"),
        "{result:#}"
    );
    assert_eq!((counter.balance(), plans(&counter).len()), (FULL_ACCOUNT, 0));
    assert_eq!(counter.transactions()[0]["instalments"]["first"], Value::Null);
    for (amount, number, expected) in
        [("49.99", "3", "too_little_for_instalments"), ("600.00", "24", "instalments_not_offered")]
    {
        let (result, code) = counter.without_card(&["sale", amount, "--instalments", number], "");
        assert_eq!((kind(&result), code), (("error", Some(expected)), 2), "{result:#}");
        assert_eq!(result["stan"], Value::Null, "no number was used up");
    }
    // What makes no sense is not taken at all.
    for arguments in [
        &["sale", "600.00", "--instalments", "6", "--tip", "10"][..],
        &["sale", "600.00", "--instalments", "6", "--show-code"],
        &["sale", "600.00", "--instalments", "1"],
    ] {
        let output = counter.yima(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    assert_eq!(counter.transactions().len(), 1);
    // The same card pays at once.
    let (result, _) = counter.sale("600.00", &[]);
    assert_eq!((kind(&result), result["instalments"].is_null()), (("approved", None), true), "{result:#}");
    assert_eq!(counter.host_books().balance(PAN).unwrap(), Some(FULL_ACCOUNT - 60_000));
}

#[test]
fn a_void_and_a_whole_refund_end_the_plan_and_a_part_does_not_go_back() {
    let mut counter = open();
    let numbers =
        |result: &Value| (result["batch"].as_str().unwrap().to_owned(), result["stan"].as_str().unwrap().to_owned());
    let (sold, _) = counter.by_card(&["sale", "600.00", "--instalments", "3"], &CREDIT);
    assert_eq!((kind(&sold).0, sold["instalments"]["fee"]["taken"].as_str()), ("approved", Some("none")), "{sold:#}");
    let (batch, stan) = numbers(&sold);
    let (result, code) = counter.by_card(&["void", &batch, &stan], &CREDIT);
    assert_eq!((kind(&result), code), (("approved", None), 0), "{result:#}");
    assert_eq!(credit_balance(&counter), FULL_ACCOUNT);
    let (sold, _) = counter.by_card(&["sale", "600.00", "--instalments", "12"], &CREDIT);
    assert_eq!((kind(&sold).0, sold["instalments"]["fee"]["taken"].as_str()), ("approved", Some("by_periods")));
    let (batch, stan) = numbers(&sold);
    let (result, code) = counter.without_card(&["refund", &batch, &stan, "100.00"], "");
    assert_eq!((kind(&result), code), (("error", Some("only_whole")), 2), "{result:#}");
    assert!(plans(&counter)[1].stands);
    let (result, code) = counter.by_card(&["refund", &batch, &stan], &CREDIT);
    assert_eq!((kind(&result), code, result["amount"].as_str()), (("approved", None), 0, Some("600.00")), "{result:#}");
    assert_eq!((credit_balance(&counter), plans(&counter).iter().any(|plan| plan.stands)), (FULL_ACCOUNT, false));
}

#[test]
fn when_the_answer_is_lost_or_the_power_goes_the_plan_goes_with_the_payment() {
    let mut counter = Counter::open_to_silence();
    let parameters = counter.state().join("sandbox/host/parameters");
    std::fs::create_dir_all(&parameters).unwrap();
    std::fs::write(parameters.join("host.toml"), OFFER).unwrap();
    for command in [&["sign-on"][..], &["parameters"]] {
        assert!(counter.yima(command).output().unwrap().status.success());
    }
    // Booked, and not answered.
    let (result, code) = counter.by_card(&["sale", "67.02", "--instalments", "3"], &CREDIT);
    assert_eq!((kind(&result).0, code), ("reversed", 2), "{result:#}");
    let row = counter.transactions().remove(0);
    assert_eq!((row["state"].as_str(), row["instalments"]["periods"].as_u64()), (Some("reversed"), Some(3)), "{row:#}");
    let kept = plans(&counter);
    assert_eq!((kept.len(), kept[0].stands, credit_balance(&counter)), (1, false, FULL_ACCOUNT));
    // The same with a terminal that is killed while it waits: the next one takes it back before anything else.
    counter.give_up_after(20);
    counter.bring_card(&CREDIT);
    let mut command = counter.yima(&["sale", "67.02", "--instalments", "6", "--json"]);
    counter.shop.log_to(&mut command, "killed.log");
    let mut sale = support::running::Running::start("a sale that is cut off", &mut command);
    support::wait_until("the host has booked it", std::time::Duration::from_secs(60), || plans(&counter).len() == 2);
    assert!(plans(&counter)[1].stands);
    sale.child().kill().unwrap();
    drop(sale);
    counter.card = None;
    counter.give_up_after(20);
    let (result, code) = counter.by_card(&["sale", "600.00", "--instalments", "6"], &CREDIT);
    assert_eq!((kind(&result), code), (("approved", None), 0), "{result:#}");
    let stands: Vec<_> = plans(&counter).iter().map(|plan| plan.stands).collect();
    assert_eq!((stands, credit_balance(&counter)), (vec![false, false, true], FULL_ACCOUNT - 60_000));
    let states: Vec<_> = counter.transactions().iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states, ["approved", "reversed", "reversed"]);
}
