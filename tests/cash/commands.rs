//! `yima cash`, `yima drawer`, and what other commands tell of cash.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::counter::Counter;

const MANAGERS: &str = "603184\n";
const CASHIERS: &str = "2749\n";

fn settings(counter: &Counter, cash: bool) {
    let host = counter.terminal.host.link_settings();
    let text = format!(
        "[terminal]\ncash = {cash}\n[host]\nurl = \"{}\"\n[printer]\ndevice = \"{}\"\nflow_control = \"none\"\n[sound]\nenabled = false\n",
        host.url,
        counter.printer.device().display()
    );
    std::fs::write(counter.terminal.folder.path().join("yima.toml"), text).unwrap();
}

fn yima(counter: &Counter, arguments: &[&str], typed: &str) -> Output {
    let state = counter.terminal.folder.path();
    let mut child = Command::new(env!("CARGO_BIN_EXE_yima"))
        .arg("--config")
        .arg(state.join("yima.toml"))
        .arg("--state")
        .arg(state)
        .args(arguments)
        .env("TZ", "Asia/Shanghai")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that wants nothing does not read it.
    let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
    child.wait_with_output().unwrap()
}

#[track_caller]
fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn json(output: &Output) -> Value {
    serde_json::from_str(&done(output)).unwrap()
}

#[track_caller]
fn refused(output: &Output, why: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains(why), "{why}\n{said}");
}

#[test]
fn a_day_in_cash_by_command_is_told_the_same_everywhere() {
    let counter = Counter::open();
    settings(&counter, false);
    refused(&yima(&counter, &["cash", "12.34"], ""), "terminal.cash = true");
    settings(&counter, true);
    done(&yima(&counter, &["shift", "open", "100"], ""));
    refused(&yima(&counter, &["cash", "12.34", "--given", "12"], ""), "现金不够");
    refused(&yima(&counter, &["cash", "0"], ""), "more than nothing");
    let sale = json(&yima(&counter, &["cash", "12.34", "--given", "20", "--json"], ""));
    let cash = &sale["cash"];
    assert_eq!(
        (&sale["kind"], &sale["amount"], &sale["state"]),
        (&"cash_sale".into(), &"12.34".into(), &"approved".into())
    );
    assert_eq!((&cash["given"], &cash["change"], &cash["drawer"]), (&"20.00".into(), &"7.66".into(), &"opened".into()));
    assert_eq!(sale["receipts"][0]["state"], "printed");
    assert_eq!((counter.printer.drawer_kicks(), counter.printer.receipts().len()), (1, 1));
    let number = format!("{}-{}", sale["batch"].as_str().unwrap(), sale["stan"].as_str().unwrap());

    let back = json(&yima(&counter, &["cash", "5", "--refund", &number, "--json"], ""));
    assert_eq!(
        (&back["kind"], &back["amount"], &back["original"]),
        (&"cash_refund".into(), &"5.00".into(), &number.as_str().into())
    );
    refused(&yima(&counter, &["cash", "7.35", "--refund", &number], ""), "no more than 7.34");
    assert!(done(&yima(&counter, &["cash", "--refund", &number], "")).contains("7.34"));
    refused(&yima(&counter, &["cash", "--refund", &number], ""), "all of it has gone back already");
    refused(&yima(&counter, &["cash", "--refund", "000001-999999"], ""), "");
    assert!(done(&yima(&counter, &["cash", "1"], "")).contains("given 1.00, change 0.00"));

    // Look-up, receipt, batch, shift.
    let list = json(&yima(&counter, &["transactions", "--json"], ""));
    let kinds: Vec<_> = list.as_array().unwrap().iter().map(|row| row["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["cash_sale", "cash_refund", "cash_refund", "cash_sale"]);
    let found = json(&yima(&counter, &["transactions", "--json", "--amount", "12.34"], ""));
    assert_eq!((found.as_array().unwrap().len(), &found[0]["cash"]["given_back"]), (1, &"12.34".into()));
    let again = done(&yima(&counter, &["receipt", sale["stan"].as_str().unwrap(), "--text"], ""));
    assert!(again.contains("DUPLICATE 1") && again.contains("现金收据"), "{again}");
    refused(&yima(&counter, &["receipt", sale["stan"].as_str().unwrap(), "--copy", "merchant"], ""), "merchant copy");
    let report = json(&yima(&counter, &["settlement", "--json"], ""));
    assert_eq!(report["lines"], Value::Array(Vec::new()), "nothing of it is settled");
    assert_eq!((&report["cash"][0]["count"], &report["cash"][0]["amount"]), (&2.into(), &"13.34".into()));
    let table = done(&yima(&counter, &["settlement", "--csv"], ""));
    assert!(table.contains(",cash,cash_sale,,2,13.34,") && table.contains(",cash,cash_refund,,2,12.34,"), "{table}");
    // 100 + 13.34 - 12.34
    assert!(!done(&yima(&counter, &["shift"], "")).contains("101.00"), "whoever counts is not told");
    assert!(done(&yima(&counter, &["shift", "close", "100.90"], "")).contains("= 101.00, counted 100.90"));
    let shift = &json(&yima(&counter, &["shift", "list", "--json"], ""))[0];
    assert_eq!(
        (&shift["sold"], &shift["given_back"], &shift["difference"]),
        (&"13.34".into(), &"12.34".into(), &"-0.10".into())
    );
    assert_eq!(counter.printer.drawer_kicks(), 4, "one for each sale and refund");
}

#[test]
fn people_need_a_manager_to_give_cash_back_and_to_open_the_drawer_and_it_is_written_down() {
    let counter = Counter::open();
    settings(&counter, true);
    done(&yima(&counter, &["people", "add", "99"], ""));
    done(&yima(&counter, &["people", "code", "99"], &MANAGERS.repeat(2)));
    done(&yima(&counter, &["people", "add", "01"], MANAGERS));
    done(&yima(&counter, &["people", "code", "01"], &[MANAGERS, CASHIERS, CASHIERS].concat()));
    refused(&yima(&counter, &["cash", "5"], ""), "say who does it");
    let sale = json(&yima(&counter, &["cash", "5", "--json", "--cashier", "01"], CASHIERS));
    assert_eq!(sale["cashier"], "01");
    let number = format!("{}-{}", sale["batch"].as_str().unwrap(), sale["stan"].as_str().unwrap());
    refused(&yima(&counter, &["cash", "--refund", &number, "--cashier", "01"], CASHIERS), "manager's code is needed");
    refused(&yima(&counter, &["drawer", "--cashier", "01"], CASHIERS), "manager's code is needed");
    let kicks = counter.printer.drawer_kicks();
    let with_manager = [CASHIERS, MANAGERS].concat();
    done(&yima(&counter, &["drawer", "--cashier", "01", "--manager", "99"], &with_manager));
    done(&yima(&counter, &["cash", "--refund", &number, "--cashier", "01", "--manager", "99"], &with_manager));
    assert_eq!(counter.printer.drawer_kicks(), kicks + 2);
    let audit = json(&yima(&counter, &["audit", "--json"], ""));
    let opened: Vec<_> = audit.as_array().unwrap().iter().filter(|entry| entry["deed"] == "drawer_opened").collect();
    assert_eq!((opened.len(), &opened[0]["person"], &opened[0]["place"]), (1, &"01".into(), &"command".into()));
    let given: Vec<_> = audit.as_array().unwrap().iter().filter(|entry| entry["deed"] == "right_given").collect();
    assert_eq!(given.len(), 2);
}
