//! The log of a ledger that was restored, seen from outside: the host, which has seen more of it, signs it again when the acquirer says
//! so.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

#[path = "support/pending.rs"]
mod pending;

use std::path::Path;
use std::process::Command;

use pending::pending;
use yima::app::Setup;
use yima::ledger::Ledger;
use yima::payment::record::Record;
use yima::sandbox::host::Host;
use yima::terminal::settings::{Origin, Settings};
use yima::wording::ReasonKind;

/// What a worn memory card leaves of a ledger.
fn damage(state: &Path) {
    let path = state.join("ledger.sqlite");
    let mut content = std::fs::read(&path).unwrap();
    let middle = content.len() / 2;
    content[4096..middle].fill(0xA5);
    std::fs::write(&path, content).unwrap();
    for beside in ["ledger.sqlite-wal", "ledger.sqlite-shm"] {
        let _ = std::fs::remove_file(state.join(beside));
    }
}

/// A payment for which the host could not be reached, as an engine writes it down.
fn not_made(mut ledger: Ledger) {
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(1234)).unwrap();
    let never = Record::NotPaid { reason: ReasonKind::HostUnreachable, response_code: None, rrn: None };
    ledger.record(trace, &never).unwrap();
}

#[test]
fn the_log_of_a_restored_ledger_is_signed_again_when_the_acquirer_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::prepare(&folder.path().join("sandbox/host")).unwrap();
    host.write_kit(&folder.path().join("identity")).unwrap();
    let running = host.start(([127, 0, 0, 1], 0).into()).unwrap();
    let settings = Settings { host: running.link_settings(), ..Settings::default() };
    let setup = Setup { settings, origin: Origin::default(), state: folder.path().to_owned() };
    let config = folder.path().join("yima.toml");
    std::fs::write(&config, format!("[host]\nurl = \"{}\"\n", running.link_settings().url)).unwrap();
    let yima = |arguments: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yima"));
        command.arg("--config").arg(&config).arg("--state").arg(folder.path()).args(arguments.split(' '));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap_or_default(), said, output.status.code())
    };
    let ledger = || setup.ledger(&setup.identity().unwrap()).unwrap();
    // The copy has one payment, the ledger had three.
    not_made(ledger());
    drop(setup.parts().unwrap());
    (0..2).for_each(|_| not_made(ledger()));
    let signed = setup.cosign_log().unwrap();
    assert_eq!((signed.cosigned, signed.size), (true, 3));
    damage(folder.path());
    assert_eq!(yima("ledger restore --by Wang --json").2, Some(0));

    let (_, refused, code) = yima("log checkpoint --cosign --json");
    assert!(code == Some(2) && refused.contains("has signed 3 entries of this log and the ledger has 1"), "{refused}");
    let (_, refused, code) = yima("sandbox log accept 10000009 --by Li");
    assert!(code == Some(2) && refused.contains("no application of terminal 10000009"), "{refused}");
    let (taken, said, code) = yima("sandbox log accept 10000001 --by Li --json");
    assert_eq!((code, &taken["by"]), (Some(0), &"Li".into()), "{said}");
    assert!(taken["no_more"].as_str().unwrap().starts_with("3 "), "{taken}");
    let (again, said, code) = yima("log checkpoint --cosign --json");
    assert_eq!((code, &again["cosigned"], &again["entries"]), (Some(0), &true.into(), &1.into()), "{said}");

    // From there on it has to grow as any other, and what was done stands in the acquirer's log for good.
    not_made(ledger());
    assert_eq!(setup.cosign_log().unwrap().size, 2);
    let (_, refused, code) = yima("sandbox log accept 10000001 --by");
    assert_eq!(code, Some(2), "somebody does it: {refused}");
    let (lines, said, _) = yima("sandbox merchant log --json");
    let last = lines.as_array().unwrap_or_else(|| panic!("{said}")).last().unwrap();
    assert_eq!(last["who"], "Li");
    assert!(last["what"].as_str().unwrap().contains("no more: 3 "), "{last}");
}
