//! Slips once more by command: printed by the terminal that runs without a screen, or here where none does; marked, and counted in the
//! ledger, as those that are wanted at the screen.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

mod support;

use std::time::Duration;

use serde_json::Value;
use support::counter::Counter;
use support::running::Running;
use support::wait_until;

/// What a command says, and its exit code.
fn yima(counter: &Counter, arguments: &[&str]) -> (String, i32) {
    let output = counter.yima(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (String::from_utf8(said).unwrap(), output.status.code().unwrap())
}

/// Texts of the slips since so many, once there are `count` of them.
#[track_caller]
fn slips(counter: &Counter, before: usize, count: usize) -> Vec<String> {
    wait_until("the slips", Duration::from_secs(30), || counter.receipts().len() >= before + count);
    let slips: Vec<_> = counter.receipts()[before..]
        .iter()
        .map(|picture| std::fs::read_to_string(picture.with_extension("txt")).unwrap())
        .collect();
    assert_eq!(slips.len(), count, "{slips:?}");
    slips
}

/// Whose slip of the newest payment, which duplicate, how far.
fn counted(counter: &Counter) -> Vec<(String, u64, String)> {
    let rows = counter.transactions();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let receipts = rows[0]["receipts"].as_array().unwrap();
    receipts.iter().map(|one| (text(&one["copy"]), one["duplicate"].as_u64().unwrap(), text(&one["state"]))).collect()
}

/// A terminal without a screen.
fn serve(counter: &Counter) -> Running {
    let mut command = counter.yima(&["till", "serve"]);
    counter.shop.log_to(&mut command, "till.log");
    let running = Running::start("yima till serve", &mut command);
    let socket = counter.shop.folder().join("till.sock");
    wait_until("the terminal listens", Duration::from_secs(30), || {
        std::os::unix::net::UnixStream::connect(&socket).is_ok()
    });
    running
}

#[test]
fn a_slip_is_printed_again_by_command_counted_and_marked() {
    let mut counter = Counter::open_for_business();
    let socket = counter.shop.folder().join("till.sock");
    counter.set(&format!("[till]\nlisten = \"unix:{}\"\n", socket.display()));
    let (sale, code) = counter.sale("12.34", &[]);
    assert_eq!(code, 0, "{sale:#}");
    let stan = sale["stan"].as_str().unwrap();
    assert!(slips(&counter, 0, 2).iter().all(|slip| !slip.contains("DUPLICATE")));

    // Nobody runs: it is printed here, both slips of it.
    let (said, code) = yima(&counter, &["receipt", stan, "--print"]);
    assert_eq!(code, 0, "{said}");
    let again = slips(&counter, 2, 2);
    assert!(again.iter().all(|slip| slip.contains("DUPLICATE 1") && slip.contains("12.34")), "{again:?}");
    assert!(again[0].contains("商户") && again[1].contains("持卡人"), "{again:?}");
    let printed = |copy: &str, duplicate| (copy.to_owned(), duplicate, "printed".to_owned());
    let mut expected =
        vec![printed("customer", 0), printed("customer", 1), printed("merchant", 0), printed("merchant", 1)];
    let sorted = |counter: &Counter| {
        let mut counted = counted(counter);
        counted.sort();
        counted
    };
    assert_eq!(sorted(&counter), expected);

    // A terminal runs, without a screen: it prints, and goes on running.
    let mut running = serve(&counter);
    let (said, code) = yima(&counter, &["receipt", stan, "--print", "--copy", "customer"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("customer duplicate 2: printed"), "{said}");
    assert!(slips(&counter, 4, 1)[0].contains("DUPLICATE 2"));
    expected.insert(2, printed("customer", 2));
    assert_eq!(sorted(&counter), expected);
    assert_eq!(running.ended(), None);

    // What there is no slip of.
    for (wrong, why) in [
        (&["receipt", "999999", "--print"][..], "no approved payment"),
        (&["settlement", "1", "--print"], "no settlement that is over"),
        (&["settlement", "7", "--print"], "no settlement that is over"),
    ] {
        let (said, code) = yima(&counter, wrong);
        assert!(code == 2 && said.contains(why), "{wrong:?}: {said}");
    }
    assert_eq!(counter.receipts().len(), 5, "nothing was printed");
}

#[test]
fn the_slip_of_a_settlement_is_printed_again_by_command() {
    let mut counter = Counter::open_for_business();
    let socket = counter.shop.folder().join("till.sock");
    counter.set(&format!("[till]\nlisten = \"unix:{}\"\n[terminal]\ncash = true\n", socket.display()));
    let (sale, _) = counter.sale("12.34", &[]);
    let batch = sale["batch"].as_str().unwrap();
    let (said, code) = yima(&counter, &["settle"]);
    assert_eq!(code, 0, "{said}");
    let first = slips(&counter, 2, 1).remove(0);
    assert!(first.contains("结算单") && !first.contains("DUPLICATE"), "{first}");
    let (said, code) = yima(&counter, &["settlement", batch, "--print"]);
    assert_eq!((said.as_str(), code), (format!("batch {batch}: printed\n").as_str(), 0));
    let again = slips(&counter, 3, 1).remove(0);
    assert!(again.contains("结算单") && again.contains("DUPLICATE") && again.contains("12.34"), "{again}");
    let mut running = serve(&counter);
    let (said, code) = yima(&counter, &["settlement", batch, "--print"]);
    assert_eq!(code, 0, "{said}");
    assert!(slips(&counter, 4, 1)[0].contains("DUPLICATE"));
    assert_eq!(running.ended(), None);
    // Cash is printed again as well, and its drawer stays shut.
    drop(running);
    let (said, code) = yima(&counter, &["cash", "5.00", "--json"]);
    assert_eq!(code, 0, "{said}");
    let cash: Value = serde_json::from_str(&said).unwrap();
    let (said, code) = yima(&counter, &["receipt", cash["stan"].as_str().unwrap(), "--print"]);
    assert_eq!(code, 0, "{said}");
    let slips = slips(&counter, 5, 2);
    assert!(slips[1].contains("DUPLICATE 1") && slips[1].contains("5.00"), "{slips:?}");
}
