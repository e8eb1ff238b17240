//! The transaction log seen from outside: the command line signs, exports, proves and verifies, the host signs what only grew,
//! and what somebody changed is named.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

#[path = "support/pending.rs"]
mod pending;

use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::civil::{Date, date};
use pending::pending;
use serde_json::Value;
use tempfile::TempDir;
use yima::acquirer::cosign::CosignError;
use yima::app::Setup;
use yima::app::log::LogError;
use yima::ledger::Ledger;
use yima::payment::record::Record;
use yima::reference::{Batch, ResponseCode, TraceNumber};
use yima::sandbox::host::{Host, RunningHost};
use yima::terminal::settings::{Origin, Settings};
use yima::wording::ReasonKind;

/// A terminal in a folder and its host. No engine runs: the ledger's rows are written as an engine writes them.
struct Terminal {
    folder: TempDir,
    host: RunningHost,
}

impl Terminal {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::prepare(&folder.path().join("host")).unwrap();
        host.write_kit(&folder.path().join("identity")).unwrap();
        let host = host.start(([127, 0, 0, 1], 0).into()).unwrap();
        Self { folder, host }
    }

    fn setup(&self) -> Setup {
        let settings = Settings { host: self.host.link_settings(), ..Settings::default() };
        Setup { settings, origin: Origin::default(), state: self.folder.path().to_owned() }
    }

    fn ledger(&self) -> Ledger {
        let setup = self.setup();
        setup.ledger(&setup.identity().unwrap()).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The ledger's file with nothing beside it.
    fn whole_ledger(&self) -> Vec<u8> {
        let connection = rusqlite::Connection::open(self.path("ledger.sqlite")).unwrap();
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        std::fs::read(self.path("ledger.sqlite")).unwrap()
    }

    fn put_ledger(&self, content: &[u8]) {
        for beside in ["ledger.sqlite-wal", "ledger.sqlite-shm"] {
            let _ = std::fs::remove_file(self.path(beside));
        }
        std::fs::write(self.path("ledger.sqlite"), content).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> (Value, String, Option<i32>) {
        self.yima(&[&["log"], arguments].concat())
    }

    /// What a command says in JSON, on standard error, and its exit code.
    fn yima(&self, arguments: &[&str]) -> (Value, String, Option<i32>) {
        let config = self.path("yima.toml");
        std::fs::write(&config, format!("[host]\nurl = \"{}\"\n", self.host.link_settings().url)).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_yima"))
            .args(["--config", config.to_str().unwrap(), "--state", self.folder.path().to_str().unwrap()])
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (serde_json::from_slice(&output.stdout).unwrap_or_default(), said, output.status.code())
    }
}

/// A payment that its host declined.
fn declined(ledger: &mut Ledger, minor: u64) -> TraceNumber {
    declined_as(ledger, &pending(minor))
}

/// The same, long ago.
fn declined_on(ledger: &mut Ledger, minor: u64, day: Date) -> TraceNumber {
    let Record::Pending(mut begun) = pending(minor) else { panic!("it is none") };
    begun.at = day.at(12, 0, 0, 0);
    declined_as(ledger, &Record::Pending(begun))
}

fn declined_as(ledger: &mut Ledger, begun: &Record) -> TraceNumber {
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, begun).unwrap();
    let response_code = ResponseCode::parse("51").ok();
    ledger.record(trace, &Record::NotPaid { reason: ReasonKind::HostDeclined, response_code, rrn: None }).unwrap();
    trace
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} of {value}"))
}

fn write(path: &Path, content: impl AsRef<[u8]>) -> String {
    std::fs::write(path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_log_is_signed_by_both_and_verified_from_its_file_and_the_keys_alone() {
    let terminal = Terminal::new();
    let mut ledger = terminal.ledger();
    let traces: Vec<_> = (1..=7).map(|minor| declined(&mut ledger, minor)).collect();
    let (signed, _, code) = terminal.run(&["checkpoint", "--cosign", "--json"]);
    assert_eq!((code, &signed["cosigned"], &signed["entries"]), (Some(0), &Value::Bool(true), &Value::from(7)));
    let last = declined(&mut ledger, 8);

    let file = terminal.path("log.txt").to_str().unwrap().to_owned();
    let (written, said, code) = terminal.run(&["export", &file, "--json"]);
    assert_eq!((code, &written["entries"]), (Some(0), &Value::from(8)), "{said}");
    let (key, host_key) = (text(&written, "key"), text(&written, "host_key"));
    let head = text(&written, "head").to_owned();
    let verify = ["verify", "--file", &file, "--key", key, "--host-key", host_key, "--json"];
    let (verified, said, code) = terminal.run(&verify);
    assert_eq!((code, &verified["ok"], text(&verified, "head")), (Some(0), &Value::Bool(true), &*head), "{said}");
    assert_eq!(text(&verified, "cosigned"), text(&signed, "head"));

    // Somebody cuts off what the host has not signed; it is still there where the head was noted down.
    let whole = std::fs::read_to_string(&file).unwrap();
    let shorter: String = whole.split_inclusive('\n').take(9).collect();
    let shorter = write(&terminal.path("shorter.txt"), shorter);
    let verify = ["verify", "--file", &shorter, "--key", key, "--host-key", host_key, "--json"];
    assert_eq!(terminal.run(&verify).2, Some(0), "whole in itself");
    let (fault, _, code) = terminal.run(&[&verify[..], &["--anchor", &head]].concat());
    assert_eq!((code, &fault["ok"], &fault["first_bad_entry"]), (Some(1), &Value::Bool(false), &Value::from(7)));
    // So do the slips of payments: the code of one that was cut off, and of one that is still there.
    let slip = |trace: TraceNumber| {
        let head = ledger.log_head_of(trace).unwrap().unwrap();
        format!("Y2/898440100000001/00000001/{}/{}//8/CNY/20261128T101112/{}", trace.batch, trace.stan, head.code())
    };
    let (fault, _, code) = terminal.run(&[&verify[..], &["--anchor", &slip(last)]].concat());
    assert_eq!((code, &fault["first_bad_entry"]), (Some(1), &Value::from(7)));
    assert_eq!(terminal.run(&[&verify[..], &["--anchor", &slip(traces[2])]].concat()).2, Some(0));
    let anchor = write(&terminal.path("checkpoint.txt"), text(&signed, "checkpoint"));
    assert_eq!(terminal.run(&[&verify[..], &["--anchor", &anchor]].concat()).2, Some(0));

    // Somebody changes an amount.
    let changed = write(&terminal.path("changed.txt"), whole.replace(" amount=5 ", " amount=500 "));
    let (fault, _, code) = terminal.run(&["verify", "--file", &changed, "--key", key, "--json"]);
    assert_eq!((code, &fault["first_bad_entry"], &fault["line"]), (Some(1), &Value::from(4), &Value::from(6)));
    assert_eq!(terminal.run(&["verify", "--file", &file, "--key", host_key]).2, Some(1), "not the terminal's key");
    assert_eq!(terminal.run(&["verify", "--file", &file]).2, Some(2), "a file alone proves nothing");

    let stan = traces[2].stan.to_string();
    let (proof, said, code) = terminal.run(&["prove", &stan, "--json"]);
    assert_eq!((code, &proof["entry"], text(&proof, "state")), (Some(0), &Value::from(2), "declined"), "{said}");
    let proof_file = write(&terminal.path("one.tlog-proof"), text(&proof, "proof"));
    let (proved, _, code) =
        terminal.run(&["verify", "--proof", &proof_file, "--key", key, "--host-key", host_key, "--json"]);
    assert_eq!((code, &proved["cosigned"]), (Some(0), &Value::Bool(true)));
    assert!(text(&proved, "leaf").contains(" amount=3 "));
    let other = write(&terminal.path("other.tlog-proof"), text(&proof, "proof").replace("index 2", "index 3"));
    assert_eq!(terminal.run(&["verify", "--proof", &other, "--key", key]).2, Some(1));
    assert_eq!(terminal.run(&["prove", "999999"]).2, Some(2), "nothing of that number");
}

#[test]
fn the_host_signs_a_log_that_only_grew_and_no_other() {
    let terminal = Terminal::new();
    let mut ledger = terminal.ledger();
    declined(&mut ledger, 1);
    drop(ledger);
    let short = terminal.whole_ledger();
    for minor in 2..=5 {
        declined(&mut terminal.ledger(), minor);
        let row = terminal.setup().cosign_log().unwrap();
        assert!(row.cosigned && row.size == minor, "{row:?}");
        assert_eq!(terminal.setup().cosign_log().unwrap(), row, "signed once");
    }
    let long = terminal.whole_ledger();

    // An older copy of the ledger is put in its place: the host remembers that the log went on.
    terminal.put_ledger(&short);
    let refused = terminal.setup().cosign_log().unwrap_err();
    assert!(matches!(refused, LogError::Cosign(CosignError::Shortened { theirs: 5, ours: 1 })), "{refused}");
    // The copy grows past it in another way.
    for minor in 10..=16 {
        declined(&mut terminal.ledger(), minor);
    }
    let refused = terminal.setup().cosign_log().unwrap_err();
    assert!(matches!(refused, LogError::Cosign(CosignError::Refused(_))), "{refused}");

    terminal.put_ledger(&long);
    declined(&mut terminal.ledger(), 6);
    assert_eq!(terminal.setup().cosign_log().unwrap().size, 6);
    // The terminal has lost the host's signatures, not its log: the host says what it has signed, and is shown the way from there.
    let bare = rusqlite::Connection::open(terminal.path("ledger.sqlite")).unwrap();
    bare.execute_batch("DROP TRIGGER log_checkpoints_are_not_deleted; DELETE FROM log_checkpoints").unwrap();
    declined(&mut terminal.ledger(), 7);
    assert!(terminal.setup().cosign_log().unwrap().cosigned);
}

#[test]
fn a_terminal_finds_in_its_own_ledger_what_somebody_changed() {
    let terminal = Terminal::new();
    assert_eq!(terminal.run(&["verify", "--json"]).0["entries"], 0, "no ledger yet");
    let mut ledger = terminal.ledger();
    (1..=5).for_each(|minor| _ = declined(&mut ledger, minor));
    terminal.run(&["checkpoint"]);
    declined(&mut ledger, 6);
    let (verified, said, code) = terminal.run(&["verify", "--json"]);
    assert_eq!((code, &verified["entries"], &verified["signed"]), (Some(0), &6.into(), &5.into()), "{said}");

    let change =
        |sql: &str| rusqlite::Connection::open(terminal.path("ledger.sqlite")).unwrap().execute_batch(sql).unwrap();
    // Whoever changes a row in secret takes the rule away that forbids it.
    change("DROP TRIGGER transactions_keep_their_amount");
    change("UPDATE transactions SET amount = 999 WHERE stan = 3");
    let (fault, _, code) = terminal.run(&["verify", "--json"]);
    assert_eq!((code, &fault["first_bad_entry"], text(&fault, "stan")), (Some(1), &2.into(), "000003"));
    change("UPDATE transactions SET amount = 3 WHERE stan = 3");
    assert_eq!(terminal.run(&["verify"]).2, Some(0));
    change(
        "DROP TRIGGER log_leaves_are_not_changed;
         UPDATE log_leaves SET leaf = replace(leaf, 'amount=2 ', 'amount=1 ') WHERE number = 1",
    );
    let (fault, _, code) = terminal.run(&["verify", "--json"]);
    assert_eq!((code, &fault["first_bad_entry"]), (Some(1), &1.into()), "{fault}");
}

#[test]
fn whoever_shows_no_certificate_of_that_terminal_gets_no_signature() {
    let terminal = Terminal::new();
    declined(&mut terminal.ledger(), 1);
    let mut setup = terminal.setup();
    let (_, row) = setup.sign_log().unwrap();
    // Another terminal of the same host asks in this one's name.
    let host = Host::prepare(&terminal.path("host")).unwrap();
    let mut other = yima::terminal::identity::Identity::load(&terminal.path("identity")).unwrap();
    other.serial_number = "00000402TEST0009".to_owned();
    other.terminal_number = "10000009".to_owned();
    host.enrol(&other).unwrap();
    let kit = terminal.path("other");
    host.write_kit_of("10000009", &kit).unwrap();
    for name in ["client.pem", "client.key"] {
        std::fs::copy(kit.join(name), terminal.path("identity").join(name)).unwrap();
    }
    setup.settings.host = terminal.host.link_settings();
    let refused = setup.cosign_log().unwrap_err();
    assert!(
        matches!(&refused, LogError::Cosign(CosignError::Refused(why)) if why.contains("another terminal")),
        "{refused}"
    );
    assert!(!row.cosigned);
}

#[test]
fn payments_leave_for_an_archive_after_years_and_are_found_and_proved_as_before() {
    let terminal = Terminal::new();
    let mut ledger = terminal.ledger();
    let (first, second) = (date(2020, 5, 1), date(2020, 5, 2));
    let old = declined_on(&mut ledger, 300, first);
    declined_on(&mut ledger, 400, second);
    ledger.signed_on(Batch::new(2).ok(), second.at(13, 0, 0, 0)).unwrap();
    declined(&mut ledger, 500);
    drop(ledger);
    let stans = |rows: &Value| -> Vec<String> {
        rows.as_array().unwrap().iter().map(|row| text(row, "stan").to_owned()).collect()
    };
    assert_eq!(stans(&terminal.yima(&["transactions", "--json"]).0), ["000003", "000002", "000001"]);
    assert_eq!(stans(&terminal.yima(&["transactions", "--until", "2020-05-01", "--json"]).0), ["000001"]);
    assert_eq!(terminal.yima(&["archive", "list", "--json"]).0, Value::Array(Vec::new()));

    drop(terminal.setup().parts().unwrap());
    let (archives, said, code) = terminal.yima(&["archive", "list", "--json"]);
    assert_eq!((code, &archives[0]["payments"], &archives[1]), (Some(0), &Value::from(2), &Value::Null), "{said}");
    let file = text(&archives[0], "file").to_owned();
    assert_eq!(stans(&terminal.yima(&["transactions", "--json"]).0), ["000003"]);
    for (wanted, found) in [
        (&[][..], &["000002", "000001"][..]),
        (&["--stan", "000001"], &["000001"]),
        (&["--amount", "4.00"], &["000002"]),
        (&["--from", "2020-05-02"], &["000002"]),
        (&["--until", "2020-05-01"], &["000001"]),
        (&["--from", "2020-05-03"], &[]),
        (&["--last-four", "0000"], &[]),
    ] {
        let (rows, said, code) = terminal.yima(&[&["archive", "show", "--json"], wanted].concat());
        assert_eq!(code, Some(0), "{wanted:?}: {said}");
        assert_eq!(stans(&rows), found, "{wanted:?}");
        assert!(rows.as_array().unwrap().iter().all(|row| text(row, "archive") == file));
    }

    let log = terminal.path("log.txt").to_str().unwrap().to_owned();
    let (written, said, _) = terminal.run(&["export", &log, "--json"]);
    assert_eq!(written["entries"], Value::from(3), "{said}");
    let key = text(&written, "key");
    assert_eq!(terminal.run(&["verify", "--file", &log, "--key", key]).2, Some(0));
    assert_eq!(terminal.run(&["verify"]).2, Some(0));
    let (proof, said, code) = terminal.run(&["prove", &old.stan.to_string(), "--json"]);
    assert_eq!((code, &proof["entry"]), (Some(0), &Value::from(0)), "{said}");
    let proof = write(&terminal.path("old.tlog-proof"), text(&proof, "proof"));
    assert_eq!(terminal.run(&["verify", "--proof", &proof, "--key", key]).2, Some(0));

    // Somebody changes the archive.
    let content = std::fs::read(terminal.path(&file)).unwrap();
    std::fs::write(terminal.path(&file), &content[..content.len() - 9]).unwrap();
    let (_, said, code) = terminal.run(&["verify"]);
    assert!(code == Some(2) && said.contains(&file), "{said}");
}
