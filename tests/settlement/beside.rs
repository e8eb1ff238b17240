//! `yima settle` while a terminal runs, which then does it; and `yima settle give-up`.

use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use yima::reference::Batch;
use yima::settlement::closing::{Cause, State};

use super::line::Fate;
use super::settling::House;

fn yima(house: &House, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yima"));
    command.arg("--state").arg(house.terminal.folder.path()).args(arguments).output().unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_settlement_by_command_is_carried_out_by_the_terminal_that_runs() {
    let house = House::new();
    let mut running = house.open(&["12.34"]);
    let output = yima(&house, &["settle", "--json", "--wait", "30"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", complaint(&output)));
    assert_eq!(output.status.code(), Some(0), "{said:#}");
    assert_eq!(
        (said["batch"].as_str(), said["state"].as_str(), said["verdict"].as_str(), said["net"].as_str()),
        (Some("000001"), Some("closed"), Some("equal"), Some("12.34"))
    );
    // It was the engine that asked, not the command; and it goes on taking payments.
    assert_eq!(house.script.lock().unwrap().asked.len(), 2);
    assert_eq!(house.settled(1).cause, Cause::ByHand);
    house.sell(&mut running, &["1.00"]);
    assert_eq!(house.terminal.rows()[0].trace.batch.number(), 2);
}

#[test]
fn a_settlement_that_comes_to_nothing_is_given_up_by_command_beside_the_terminal_and_for_good() {
    let house = House::new();
    let mut running = house.open(&["12.34"]);
    house.script.lock().unwrap().fates = (0..50).map(|number| (number, Fate::NotReached)).collect();
    let give_up = ["settle", "give-up", "1", "--by", "Wang", "--note", "the acquirer settles it on paper"];
    let output = yima(&house, &give_up);
    assert_eq!(output.status.code(), Some(2), "nothing is under way");
    assert!(complaint(&output).contains("has no settlement"), "{}", complaint(&output));
    let output = yima(&house, &["settle", "--wait", "2"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(complaint(&output).contains("the terminal goes on with it by itself"), "{}", complaint(&output));
    let output = yima(&house, &["settle", "give-up", "1", "--by", " ", "--note", "x"]);
    assert_eq!(output.status.code(), Some(2), "somebody has to say so");
    let output = yima(&house, &give_up);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let row = house.settled(1);
    let said = ("Wang".to_owned(), "the acquirer settles it on paper".to_owned());
    assert_eq!((row.under_way.state, row.given_up), (State::GivenUp, Some(said)));
    let output = yima(&house, &give_up);
    assert_eq!(output.status.code(), Some(2), "once is for good");
    // The engine notices, asks no more, and the next batch settles as any other.
    std::thread::sleep(Duration::from_secs(1));
    let asked = house.script.lock().unwrap().asked.len();
    std::thread::sleep(Duration::from_secs(11));
    assert_eq!(house.script.lock().unwrap().asked.len(), asked);
    house.script.lock().unwrap().fates.clear();
    house.sell(&mut running, &["2.00"]);
    let output = yima(&house, &["settle", "--wait", "30"]);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    assert_eq!(house.settled(2).under_way.totals.net_minor(), 200);
    let output = yima(&house, &["settlement", "1", "--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["settlement"]["given_up"]["by"], "Wang", "{said:#}");
    assert!(
        house
            .terminal
            .ledger()
            .settlement_lines(Batch::FIRST, row.under_way.totals.currency(), 0, 9)
            .unwrap()
            .is_empty()
    );
}
