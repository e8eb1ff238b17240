//! `yima queue`: what waits, in text and JSON, and what a person found out.

use std::process::Command;

use serde_json::Value;

use super::terminal::{Says, Terminal};
use super::{notice, with_a_reversal, with_an_advice};
use yima::reference::TraceNumber;
use yima::wording::ReasonKind;

/// What a command said, on standard output and on standard error, and its exit code.
fn yima(terminal: &Terminal, arguments: &[&str]) -> (String, String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_yima"))
        .arg("--state")
        .arg(terminal.folder.path())
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
}

fn json(terminal: &Terminal, arguments: &[&str]) -> Value {
    let (said, complaint, _) = yima(terminal, arguments);
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}{complaint}"))
}

/// Lets the terminal run until it has given up.
fn give_up(terminal: &Terminal, alarm: ReasonKind) {
    let mut running = terminal.start();
    running.until("the alarm", |view| notice(view) == Some(alarm));
}

fn numbers(trace: TraceNumber) -> (String, String) {
    (trace.batch.to_string(), trace.stan.to_string())
}

#[test]
fn what_waits_is_listed_with_its_next_try_and_stands_in_a_settlements_way() {
    let (terminal, trace) = with_a_reversal();
    terminal.sql("UPDATE transactions SET reversal_tries = 0");
    let running = terminal.start();
    super::wait_until("a try", || terminal.entries()[0].tries == 1);
    drop(running);
    let list = json(&terminal, &["queue", "--json"]);
    let entry = &list[0];
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!((&entry["kind"], &entry["state"], &entry["tries"]), (&"reversal".into(), &"queued".into(), &1.into()));
    assert_eq!(entry["stan"], trace.stan.to_string());
    assert!(entry["next_try"].as_str().unwrap().contains('T'), "{entry}");
    assert!(entry["at"].as_str().unwrap().starts_with("2024-"), "{entry}");
    let (said, _, code) = yima(&terminal, &["queue"]);
    assert!(said.contains("next try") && said.contains("1 for the host, 0 for a person"), "{said}");
    assert_eq!(code, 0);
}

#[test]
fn a_payment_is_decided_by_command_once_and_the_word_is_kept() {
    let (terminal, trace) = with_a_reversal();
    give_up(&terminal, ReasonKind::ReversalExhausted);
    let (batch, stan) = numbers(trace);
    let resolve = |word: &str, by: &str, note: &str| {
        yima(&terminal, &["queue", "resolve", &batch, &stan, "--as", word, "--by", by, "--note", note])
    };
    for (word, by, note, complaint) in [
        ("noted", "Wang", "why", "charged or reversed"),
        ("charged", " ", "why", "say who"),
        ("charged", "Wang", "", "say why"),
    ] {
        let (_, said, code) = resolve(word, by, note);
        assert!(code == 2 && said.contains(complaint), "{word} {by:?} {note:?}: {said}");
    }
    let (said, _, code) = resolve("charged", "王五", "收单机构来电确认");
    assert!(code == 0 && said.contains("counts as paid"), "{said}");
    let (_, said, code) = resolve("reversed", "Wang", "why");
    assert!(code == 2 && said.contains("nothing of the number"), "{said}");
    assert_eq!(yima(&terminal, &["queue"]).0.trim(), "nothing waits");
    let row = &json(&terminal, &["transactions", "--json"])[0];
    assert_eq!((&row["state"], &row["resolution"]), (&"unresolved".into(), &"charged".into()));
    assert_eq!((&row["decisions"][0]["by"], &row["decisions"][0]["tries"]), (&"王五".into(), &20.into()));
    assert_eq!(row["late_approval"], Value::Null);
    let history = json(&terminal, &["queue", "--history", "--json"]);
    assert_eq!((&history[0]["as"], &history[0]["note"]), (&"charged".into(), &"收单机构来电确认".into()));
    assert!(yima(&terminal, &["queue", "--history"]).0.contains("charged by 王五"));
}

#[test]
fn an_advice_is_put_back_by_command_and_delivered_with_its_number() {
    let (terminal, trace) = with_an_advice();
    give_up(&terminal, ReasonKind::AdviceParked);
    let (batch, stan) = numbers(trace);
    let (_, said, code) = yima(&terminal, &["queue", "retry", &batch, "000999"]);
    assert!(code == 2 && said.contains("nothing of the number"), "{said}");
    let (_, said, code) = yima(&terminal, &["queue", "retry", &batch, "0"]);
    assert!(code == 2 && said.contains("000001 to 999999"), "{said}");
    // With or without the zeros before it.
    let (said, complaint, code) = yima(&terminal, &["queue", "retry", &batch, stan.trim_start_matches('0')]);
    assert!(code == 0 && said.contains("sent again"), "{said}{complaint}");
    terminal.behave(|host| host.advice = Says::Real);
    drop(terminal.start());
    assert_eq!(yima(&terminal, &["queue", "--json"]).0.trim(), "[]");
    assert_eq!(terminal.host.advices().unwrap().len(), 1);
    let sent = terminal.behaviour.lock().unwrap().advices.clone();
    assert!(sent.iter().all(|advice| advice.trace == trace), "{sent:?}");
    assert_eq!(json(&terminal, &["queue", "--history", "--json"])[0]["as"], "retried");
}

#[test]
fn where_there_is_no_ledger_none_is_made() {
    let terminal = Terminal::new();
    let (_, said, code) = yima(&terminal, &["queue", "retry", "1", "1"]);
    assert!(code == 2 && said.contains("no ledger"), "{said}");
    assert!(!terminal.folder.path().join("ledger.sqlite").exists());
    assert_eq!(yima(&terminal, &["queue", "--json"]).0.trim(), "[]");
}
