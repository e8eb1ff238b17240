//! The kernel against scripts, by `yima emv replay`: every step of a contact transaction has one in `tests/emv/`.
//!
//! A script says in its head how it is played and what it must end with:
//!
//! ```text
//! # play: --amount 12.34 --online 00
//! # expect: outcome approved
//! # expect: data.8A 3030
//! ```
//!
//! `expect` names a key of the JSON result, with dots into it, and its value.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Runs `yima emv replay` from the project's folder.
fn replay(script: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_yima"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["emv", "replay"])
        .arg(script)
        .args(arguments)
        .output()
        .unwrap()
}

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/emv");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut scripts: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "txt")).collect();
    scripts.sort();
    scripts
}

/// The value at `path`, with dots, as the script writes it.
fn at(result: &Value, path: &str) -> String {
    let pointer = format!("/{}", path.replace('.', "/"));
    match result.pointer(&pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => "null".to_owned(),
    }
}

/// What is wrong with how a script ends, a line each.
fn disagreements(script: &Path) -> Vec<String> {
    let name = script.file_name().unwrap().to_string_lossy();
    let text = std::fs::read_to_string(script).unwrap();
    let lines = |key: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.strip_prefix(key)).map(|rest| rest.trim().to_owned()).collect()
    };
    let play = lines("# play:").concat();
    let arguments: Vec<&str> = play.split_whitespace().chain(["--json"]).collect();
    let output = replay(script, &arguments);
    if !output.status.success() {
        return vec![format!("{name}: {}", String::from_utf8_lossy(&output.stderr))];
    }
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = lines("# expect:");
    assert!(!expected.is_empty(), "{name} expects nothing");
    let wrong = expected.iter().filter_map(|line| {
        let (path, value) = line.split_once(' ').unwrap();
        let (value, found) = (value.trim_matches('"'), at(&result, path));
        (found != value).then(|| format!("{name}: {path} is {found}, not {value}"))
    });
    wrong.collect()
}

#[test]
fn every_script_ends_as_it_says() {
    let scripts = scripts();
    assert!(scripts.len() > 50, "{} scripts", scripts.len());
    let wrong: Vec<String> = scripts.iter().flat_map(|script| disagreements(script)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_command_that_the_script_does_not_expect_is_reported_with_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script.txt");
    let select = "00A404000E315041592E5359532E444446303100";
    for (script, said) in [
        (
            "> 00A4040000\n< 6A82",
            format!("line 1: the kernel sends another command\n  script: 00A4040000\n  kernel: {select}"),
        ),
        ("# nothing\n", format!("the script ends where the kernel sends {select}")),
        ("= pin 1234\n", format!("line 1: the kernel sends {select}, the script has something else there")),
        (
            &format!("> {select}\n< 6A81\n\n> 00\n"),
            "line 4: the transaction is over (terminated: the card is blocked)".to_owned(),
        ),
        (&format!("> {select}\n< 6A8"), "line 2: not hexadecimal at digit 3".to_owned()),
        ("hello", "line 1, offset 0: a line begins with #, >, < or =".to_owned()),
    ] {
        std::fs::write(&path, script).unwrap();
        let output = replay(&path, &[]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{script}");
        assert!(stderr.contains(&said), "{script}\nsaid: {stderr}");
    }
}

#[test]
fn people_read_the_same_steps() {
    let output = replay(Path::new("tests/emv/card-blocked.txt"), &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("> 00A404000E315041592E5359532E444446303100\n< 6A81\n"), "{text}");
    assert!(text.ends_with("terminated: the card is blocked\n"), "{text}");
}
