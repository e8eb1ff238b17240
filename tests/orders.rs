//! What the host orders in the header of an answer, seen from outside: it is done when the payment is over, remembered until then, also
//! over a restart, and what cannot be done is said.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

mod support;

use serde_json::Value;
use support::counter::Counter;

fn run(counter: &Counter, arguments: &[&str]) -> (Value, String) {
    let output = counter.yima(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    (serde_json::from_slice(&output.stdout).unwrap_or_default(), said)
}

/// Puts a file where an integrator would: the host has it from now on.
fn put(counter: &Counter, name: &str, text: &str) {
    let folder = counter.state().join("sandbox/host/parameters");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), text).unwrap();
}

/// The terminal's orders, as `word done` or `word open`.
fn orders(counter: &Counter) -> Vec<String> {
    let (shown, _) = run(counter, &["parameters", "--show", "--json"]);
    let said = |row: &Value| {
        let state = if row["done_at"].is_null() { "open" } else { "done" };
        format!("{} {state}", row["order"].as_str().unwrap())
    };
    shown["orders"].as_array().unwrap().iter().map(said).collect()
}

#[track_caller]
fn pay(counter: &mut Counter) {
    let (result, code) = counter.sale("12.34", &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("approved"), 0), "{result:#}");
}

fn reports(counter: &Counter) -> Vec<Value> {
    let (reports, _) = run(counter, &["sandbox", "reports", "--json"]);
    reports.as_array().unwrap().clone()
}

#[test]
fn parameters_and_cards_that_changed_are_ordered_each_by_its_digit_and_fetched_after_the_payment() {
    let mut counter = Counter::open_for_business();
    pay(&mut counter);
    assert!(orders(&counter).is_empty());
    put(&counter, "host.toml", "terminal = { help_desk = \"95516\" }");
    pay(&mut counter);
    assert_eq!(orders(&counter), ["parameters done"]);
    let cards = "card = [{ prefix = \"62\", bank = \"农业银行\", kind = \"debit\", refused = true }]\n";
    put(&counter, "host.toml", &format!("{cards}terminal = {{ help_desk = \"95516\" }}"));
    pay(&mut counter);
    assert_eq!(orders(&counter), ["cards done", "parameters done"]);
    let (result, _) = counter.sale("12.34", &[]);
    assert_eq!(result["reason"]["kind"], "card_not_taken", "{result:#}");
}

#[test]
fn a_terminal_that_is_ordered_to_tells_how_it_is_and_that_it_is_not_managed_from_afar() {
    let mut counter = Counter::open_for_business();
    put(&counter, "host.toml", "terminal = { help_desk = \"95516\" }");
    pay(&mut counter);
    assert!(reports(&counter).is_empty());
    run(&counter, &["sandbox", "order", "status"]);
    pay(&mut counter);
    assert_eq!(orders(&counter), ["parameters done", "status done"]);
    let told = reports(&counter);
    let report = &told[0];
    assert_eq!((told.len(), report["terminal"].as_str()), (1, Some("10000001")), "{told:#?}");
    assert_eq!(report["program"], env!("CARGO_PKG_VERSION"));
    assert!(report["set"].as_str().unwrap().starts_with("000001 of "), "{report:#}");
    assert_eq!([&report["reader"], &report["printer"], &report["refused"]], ["ok", "ok", ""], "{report:#}");
    assert_eq!(report["parameters"].as_str().unwrap().len(), 40, "{report:#}");
    assert_ne!(report["parameters"], report["cards"]);
    // Nothing is silent: the host is told, the doctor says it, and the log does.
    run(&counter, &["sandbox", "order", "remote"]);
    pay(&mut counter);
    assert_eq!(orders(&counter), ["parameters done", "remote done", "status done"]);
    assert_eq!(reports(&counter).last().unwrap()["refused"], "remote management: not supported");
    let (found, _) = run(&counter, &["doctor", "--json"]);
    let says = found["parts"]["parameters"]["says"].as_str().unwrap();
    assert!(says.contains("remote management") && says.contains("the host was told so"), "{says}");
    pay(&mut counter);
    assert_eq!(reports(&counter).len(), 2, "an order is carried out once");
}
