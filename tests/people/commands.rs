//! `yima people`, `yima shift`, `yima audit`, and who gives a payment by command; codes come from standard input.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::staff::{CASHIERS, MANAGERS, WRONG, no_file_has_a_code};
use crate::terminal::{Reversal, Sale, Terminal};

/// The program, with what is typed.
fn yima(state: &Path, arguments: &[&str], typed: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_yima"))
        .arg("--state")
        .arg(state)
        .args(arguments)
        .env("TZ", "Asia/Shanghai")
        .env("YIMA_LOG", "trace")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that wants nothing does not read it.
    let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    for digits in [MANAGERS, CASHIERS, WRONG] {
        assert!(!said.windows(digits.len()).any(|window| window == digits.as_bytes()), "{arguments:?} says a code");
    }
    output
}

#[track_caller]
fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn refused(output: &Output, why: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains(why), "{why}\n{said}");
}

fn json(output: &Output) -> Vec<Value> {
    serde_json::from_slice::<Value>(&output.stdout).unwrap().as_array().unwrap().clone()
}

#[test]
fn people_shifts_and_rights_by_command_are_written_down_and_no_code_is_anywhere() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let state = terminal.folder.path();
    let lines = |codes: &[&str]| codes.iter().map(|code| format!("{code}\n")).collect::<String>();

    assert!(done(&yima(state, &["people"], "")).contains("nobody has to sign on here"));
    refused(&yima(state, &["people", "add", "01"], ""), "the first person of a terminal is a manager");
    done(&yima(state, &["people", "add", "99", "--name", "Wang"], ""));
    refused(&yima(state, &["people", "code", "99"], &lines(&["123456", "123456"])), "too easy to guess");
    refused(&yima(state, &["people", "code", "99"], &lines(&["6031", "6031"])), "needs 6 digits or more");
    refused(&yima(state, &["people", "code", "99"], &lines(&[MANAGERS, WRONG])), "not the same");
    done(&yima(state, &["people", "code", "99"], &lines(&[MANAGERS, MANAGERS])));

    // From now on the manager's code is asked for.
    refused(&yima(state, &["people", "add", "01"], &lines(&[WRONG])), "the code of 99 is wrong");
    refused(&yima(state, &["people", "add", "01"], ""), "no code was typed");
    done(&yima(state, &["people", "add", "01"], &lines(&[MANAGERS])));
    refused(&yima(state, &["people", "add", "01"], &lines(&[MANAGERS])), "somebody's number already");
    done(&yima(state, &["people", "code", "01"], &lines(&[MANAGERS, CASHIERS, CASHIERS])));
    let listed = json(&yima(state, &["people", "list", "--json"], ""));
    let told = |row: &Value| format!("{} {} {}", row["number"], row["role"], row["state"]).replace('"', "");
    assert_eq!(listed.iter().map(told).collect::<Vec<_>>(), ["01 cashier ready", "99 manager ready"]);
    refused(&yima(state, &["people", "disable", "99"], &lines(&[MANAGERS])), "is the last manager");

    refused(&yima(state, &["shift", "open", "200"], ""), "people sign on at this terminal");
    done(&yima(state, &["shift", "open", "200", "--cashier", "01"], &lines(&[CASHIERS])));
    done(&yima(state, &["shift", "in", "50.50", "--cashier", "01"], &lines(&[CASHIERS])));
    refused(
        &yima(state, &["shift", "out", "999", "--cashier", "01"], &lines(&[CASHIERS])),
        "not so much in the drawer",
    );
    assert!(!done(&yima(state, &["shift"], "")).contains("250.50"), "whoever counts is not told");
    let closed = done(&yima(state, &["shift", "close", "250.49", "--cashier", "01"], &lines(&[CASHIERS])));
    assert!(closed.contains("= 250.50, counted 250.49 by 01") && closed.contains("difference -0.01"), "{closed}");
    let shifts = json(&yima(state, &["shift", "list", "--json"], ""));
    assert_eq!((shifts.len(), shifts[0]["difference"].as_str()), (1, Some("-0.01")));

    // Payments: nobody named, a wrong code, no right without the manager.
    refused(&yima(state, &["sale", "1.00"], ""), "say who does it");
    refused(&yima(state, &["sale", "1.00", "--cashier", "01"], &lines(&[WRONG])), "the code of 01 is wrong");
    let void = ["void", "000001", "000001", "--cashier", "01"];
    refused(&yima(state, &void, &lines(&[CASHIERS])), "a manager's code is needed");
    refused(
        &yima(state, &[&void[..], &["--manager", "01"]].concat(), &lines(&[CASHIERS, CASHIERS])),
        "01 is no manager's number",
    );
    refused(&yima(state, &["settle", "--cashier", "01"], &lines(&[CASHIERS])), "a manager's code is needed");

    let entries = json(&yima(state, &["audit", "--json"], ""));
    let said: Vec<_> = entries
        .iter()
        .rev()
        .map(|entry| {
            ["deed", "person", "by", "right"]
                .map(|key| entry[key].as_str().unwrap_or_default())
                .join(" ")
                .trim()
                .to_owned()
        })
        .collect();
    let expected = [
        "added 99",
        "code_given 99",
        "wrong_code 99",
        "added 01 99",
        "code_given 01 99",
        "shift_opened 01",
        "cash_moved 01",
        "drawer_counted 01",
        "wrong_code 01",
        "right_asked 01  void",
        "right_refused 01  void",
        "right_asked 01  void",
        "right_refused 01  void",
        "right_asked 01  settle",
        "right_refused 01  settle",
    ];
    assert_eq!(said, expected);
    let csv = done(&yima(state, &["audit", "--csv", "--person", "99"], ""));
    assert_eq!(csv.lines().next(), Some("at,place,deed,person,by,right,detail"));
    assert_eq!(csv.lines().count(), 1 + 5, "{csv}");
    no_file_has_a_code(state);
}

#[test]
fn whoever_changes_goods_tills_or_the_printer_needs_the_right_and_what_was_changed_is_written_down() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let state = terminal.folder.path();
    let lines = |codes: &[&str]| codes.iter().map(|code| format!("{code}\n")).collect::<String>();
    let goods = state.join("goods.csv");
    std::fs::write(&goods, "number,name,price,unit,favourite\n1,Apple,5.90,piece,yes\n").unwrap();
    let goods = goods.to_str().unwrap();
    // Where nobody works everybody may, and nothing is written down.
    done(&yima(state, &["goods", "import", goods], ""));
    done(&yima(state, &["till", "pair", "till 1"], ""));
    assert!(json(&yima(state, &["audit", "--json"], "")).is_empty());
    refused(&yima(state, &["goods", "remove", "1", "--cashier", "01"], ""), "nobody works at this terminal yet");

    done(&yima(state, &["people", "add", "99", "--name", "Wang"], ""));
    done(&yima(state, &["people", "code", "99"], &lines(&[MANAGERS, MANAGERS])));
    done(&yima(state, &["people", "add", "01"], &lines(&[MANAGERS])));
    done(&yima(state, &["people", "code", "01"], &lines(&[MANAGERS, CASHIERS, CASHIERS])));
    refused(&yima(state, &["people", "name", "01", "小王"], &lines(&[WRONG])), "the code of 99 is wrong");
    refused(&yima(state, &["people", "name", "01", &"王".repeat(21)], &lines(&[MANAGERS])), "at most 20 letters");
    refused(&yima(state, &["people", "name", "02", "x"], &lines(&[MANAGERS])), "nobody has the number 02");
    assert_eq!(done(&yima(state, &["people", "name", "01", "小王"], &lines(&[MANAGERS]))).trim(), "01 小王");
    let listed = json(&yima(state, &["people", "list", "--json"], ""));
    assert_eq!(listed[0]["name"], "小王");

    let before = json(&yima(state, &["audit", "--json"], "")).len();
    refused(&yima(state, &["goods", "import", goods], ""), "say who does it");
    refused(
        &yima(state, &["goods", "import", goods, "--cashier", "01"], &lines(&[CASHIERS])),
        "a manager's code is needed",
    );
    done(&yima(state, &["goods", "import", goods, "--dry-run"], ""));
    let with_manager = ["goods", "import", goods, "--cashier", "01", "--manager", "99"];
    done(&yima(state, &with_manager, &lines(&[CASHIERS, MANAGERS])));
    refused(&yima(state, &["goods", "favourite", "1", "--off"], ""), "say who does it");
    refused(&yima(state, &["goods", "remove", "1"], ""), "say who does it");
    assert!(done(&yima(state, &["goods", "list"], "")).contains("★ Apple"), "nothing of it was done");
    refused(&yima(state, &["till", "pair", "till 2"], ""), "say who does it");
    refused(&yima(state, &["till", "revoke", "till 1"], ""), "say who does it");
    refused(&yima(state, &["printer", "test"], ""), "say who does it");
    done(&yima(state, &["till", "pair", "till 2", "--cashier", "99"], &lines(&[MANAGERS])));
    let listen = state.join("yima.toml");
    std::fs::write(&listen, format!("[till]\nlisten = \"unix:{}\"\n", state.join("till.sock").display())).unwrap();
    let serve = ["--config", listen.to_str().unwrap(), "till", "serve"];
    refused(&yima(state, &serve, ""), "say who does it");
    refused(&yima(state, &[&serve[..], &["--cashier", "01"]].concat(), &lines(&[WRONG])), "the code of 01 is wrong");

    let entries = json(&yima(state, &["audit", "--json"], ""));
    let since = entries.len() - before;
    let told: Vec<_> = entries[..since]
        .iter()
        .rev()
        .map(|entry| {
            let of = |key: &str| entry[key].as_str().unwrap_or("-").replace(goods, "FILE");
            format!("{} {} {} {} {}", of("deed"), of("person"), of("by"), of("right"), of("detail"))
        })
        .collect();
    let expected = [
        "right_asked 01 - settings ",
        "right_refused 01 - settings ",
        "right_asked 01 - settings ",
        "right_given 01 99 settings ",
        "settings_changed 01 - - goods import FILE",
        "settings_changed 99 - - till pair till 2",
        "wrong_code 01 - - ",
    ];
    assert_eq!(told, expected);
    let named = entries.iter().find(|entry| entry["deed"] == "named").unwrap();
    assert_eq!((&named["person"], &named["by"], &named["detail"]), (&"01".into(), &"99".into(), &"小王".into()));
    no_file_has_a_code(state);
}
