//! A ledger that is damaged, seen from outside: the terminal takes no payment and says why, and a person puts the copy of its last
//! good start in the ledger's place.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

use std::process::Command;

use yima::app::{Setup, SetupError};
use yima::ledger::LedgerError;
use yima::sandbox::host::Host;
use yima::terminal::link::LinkSettings;
use yima::terminal::settings::{Origin, Settings};

#[test]
fn a_terminal_with_a_damaged_ledger_starts_again_from_the_copy_of_its_last_start() {
    let folder = tempfile::tempdir().unwrap();
    Host::prepare(&folder.path().join("host")).unwrap().write_kit(&folder.path().join("identity")).unwrap();
    let link = LinkSettings { url: "https://127.0.0.1:1".to_owned(), ..LinkSettings::default() };
    let settings = Settings { host: link, ..Settings::default() };
    let setup = Setup { settings, origin: Origin::default(), state: folder.path().to_owned() };
    let first = setup.parts().unwrap().ledger.take_trace_number().unwrap();
    let yima = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yima"));
        command.args(["--state", folder.path().to_str().unwrap(), "ledger", "restore"]).args(arguments);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (said, String::from_utf8_lossy(&output.stderr).into_owned(), output.status.code())
    };
    let (_, refused, code) = yima(&["--by", "Wang"]);
    assert!(code == Some(2) && refused.contains("is whole"), "{refused}");

    let path = folder.path().join("ledger.sqlite");
    let mut content = std::fs::read(&path).unwrap();
    let middle = content.len() / 2;
    content[4096..middle].fill(0xA5);
    std::fs::write(&path, content).unwrap();
    for beside in ["ledger.sqlite-wal", "ledger.sqlite-shm"] {
        let _ = std::fs::remove_file(folder.path().join(beside));
    }
    let Err(refused) = setup.parts() else { panic!("it trades on a damaged ledger") };
    assert!(matches!(refused, SetupError::Ledger(LedgerError::Damaged { .. })), "{refused}");

    let (said, complaint, code) = yima(&["--by", "Wang", "--json"]);
    assert_eq!(code, Some(0), "{complaint}");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["by"], &said["first_stan_not_known"]), (&"Wang".into(), &first.stan.to_string().into()));
    let mut ledger = setup.parts().unwrap().ledger;
    assert_eq!(ledger.take_trace_number().unwrap().stan.to_string(), said["next_stan"].as_str().unwrap());
}
