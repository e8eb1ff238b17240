//! A ledger that is damaged or lost, seen from outside: the terminal takes no payment and says why, no command takes it
//! for a new one, and a person puts the copy of its last good start in the ledger's place.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

use std::path::PathBuf;
use std::process::Command;

use yima::app::{Setup, SetupError};
use yima::ledger::LedgerError;
use yima::sandbox::host::Host;
use yima::terminal::identity::IdentityError;
use yima::terminal::link::LinkSettings;
use yima::terminal::settings::{Origin, Settings};

/// A terminal that trades, as far as it can without a host.
struct Shop {
    folder: tempfile::TempDir,
    setup: Setup,
}

impl Shop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Host::prepare(&folder.path().join("host")).unwrap().write_kit(&folder.path().join("identity")).unwrap();
        let link = LinkSettings { url: "https://127.0.0.1:1".to_owned(), ..LinkSettings::default() };
        let settings = Settings { host: link, ..Settings::default() };
        let setup = Setup { settings, origin: Origin::default(), state: folder.path().to_owned() };
        Self { folder, setup }
    }

    /// Starts, takes a number as a payment does, and ends. Gives the number.
    fn trade(&self) -> u32 {
        self.setup.parts().unwrap().ledger.take_trace_number().unwrap().stan.number()
    }

    /// Why it does not start.
    fn refusal(&self) -> SetupError {
        let Err(refused) = self.setup.parts() else { panic!("it trades") };
        refused
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn copy(&self) -> Vec<u8> {
        std::fs::read(self.path("ledger-copy.sqlite")).unwrap()
    }

    fn yima(&self, arguments: &[&str]) -> (String, String, Option<i32>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yima"));
        let output = command.args(["--state", self.folder.path().to_str().unwrap()]).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (said, String::from_utf8_lossy(&output.stderr).into_owned(), output.status.code())
    }

    /// What `yima ledger restore` says.
    fn restore(&self) -> serde_json::Value {
        let (said, complaint, code) = self.yima(&["ledger", "restore", "--by", "Wang", "--json"]);
        assert_eq!(code, Some(0), "{complaint}");
        serde_json::from_str(&said).unwrap()
    }

    fn lose_what_is_beside(&self) {
        for beside in ["ledger.sqlite-wal", "ledger.sqlite-shm"] {
            let _ = std::fs::remove_file(self.path(beside));
        }
    }

    /// As a card that wears out does.
    fn damage(&self) {
        let path = self.path("ledger.sqlite");
        let mut content = std::fs::read(&path).unwrap();
        let middle = content.len() / 2;
        content[4096..middle].fill(0xA5);
        std::fs::write(&path, content).unwrap();
        self.lose_what_is_beside();
    }
}

/// A file that is gone, one of which nothing is left, and one that SQLite takes for a valid database.
const LOSSES: [fn(&Shop); 3] = [
    |shop| {
        std::fs::remove_file(shop.path("ledger.sqlite")).unwrap();
        shop.lose_what_is_beside();
    },
    |shop| {
        std::fs::write(shop.path("ledger.sqlite"), "").unwrap();
        shop.lose_what_is_beside();
    },
    |shop| {
        shop.lose_what_is_beside();
        std::fs::remove_file(shop.path("ledger.sqlite")).unwrap();
        let empty = rusqlite::Connection::open(shop.path("ledger.sqlite")).unwrap();
        empty.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); DROP TABLE t;").unwrap();
    },
];

#[test]
fn a_terminal_with_a_damaged_ledger_starts_again_from_the_copy_of_its_last_start() {
    let shop = Shop::new();
    let first = shop.trade();
    let (_, refused, code) = shop.yima(&["ledger", "restore", "--by", "Wang"]);
    assert!(code == Some(2) && refused.contains("is whole"), "{refused}");
    shop.damage();
    let refused = shop.refusal();
    assert!(matches!(refused, SetupError::Ledger(LedgerError::Damaged { .. })), "{refused}");

    let said = shop.restore();
    assert_eq!((&said["by"], &said["first_stan_not_known"]), (&"Wang".into(), &format!("{first:06}").into()));
    assert_eq!(format!("{:06}", shop.trade()), said["next_stan"].as_str().unwrap());
}

#[test]
fn a_ledger_that_is_lost_is_not_taken_for_a_new_one_by_anybody() {
    for lose in LOSSES {
        let shop = Shop::new();
        let used = shop.trade();
        lose(&shop);
        let copy = shop.copy();
        for arguments in [
            &["queue"][..],
            &["queue", "--history"],
            &["queue", "retry", "1", "1"],
            &["transactions"],
            &["parameters"],
            &["sign-on"],
            &["log", "checkpoint"],
            &["decommission"],
        ] {
            let (said, complaint, code) = shop.yima(arguments);
            let all = format!("{arguments:?}: {said}{complaint}");
            assert!(code != Some(0) && all.contains("yima ledger restore"), "{all}");
        }
        let (said, _, _) = shop.yima(&["doctor"]);
        assert!(said.contains("yima ledger restore") && !said.contains("none yet"), "{said}");
        let refused = shop.refusal().to_string();
        assert!(refused.contains("no payment is taken") && refused.contains("yima ledger restore"), "{refused}");
        assert!(shop.copy() == copy, "nobody touched the last good copy");

        let said = shop.restore();
        let next = shop.trade();
        assert_eq!(format!("{next:06}"), said["next_stan"].as_str().unwrap());
        assert!(next > used + 50_000, "{next}");
    }
}

#[test]
fn a_lost_ledger_is_restored_before_anything_has_been_started_as_well() {
    for lose in LOSSES {
        let shop = Shop::new();
        let used = shop.trade();
        lose(&shop);
        shop.restore();
        assert!(shop.trade() > used);
    }
}

#[test]
fn no_number_is_given_twice_by_two_restorations_and_both_stay_noted() {
    for start_between in [true, false] {
        let shop = Shop::new();
        let mut used = vec![shop.trade()];
        for _ in 0..3 {
            shop.damage();
            shop.restore();
            if start_between {
                used.extend([shop.trade(), shop.trade()]);
            } else {
                // Only a command has written since: no start has made a copy.
                let identity = shop.setup.identity().unwrap();
                let mut ledger = shop.setup.ledger(&identity).unwrap();
                used.extend([0, 0].map(|_| ledger.take_trace_number().unwrap().stan.number()));
            }
        }
        let mut once = used.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once, used, "each is above those before");
        let identity = shop.setup.identity().unwrap();
        assert_eq!(shop.setup.ledger(&identity).unwrap().restorations().unwrap().len(), 3);
    }
}

#[test]
fn a_ledger_that_is_lost_with_its_copy_is_not_begun_anew_under_this_identity() {
    let shop = Shop::new();
    shop.trade();
    let identity = shop.setup.identity().unwrap();
    for name in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "ledger-copy.sqlite"] {
        let _ = std::fs::remove_file(shop.path(name));
    }
    let refused = shop.refusal().to_string();
    assert!(refused.contains("no payment is taken") && refused.contains("yima enrol --again"), "{refused}");
    assert!(shop.setup.ledger(&identity).is_err() && shop.setup.ledger_to_look_at(&identity).is_err());
    let (_, complaint, code) = shop.yima(&["ledger", "restore", "--by", "Wang"]);
    assert!(code == Some(2) && complaint.contains("yima enrol --again"), "{complaint}");
    assert!(!shop.path("ledger.sqlite").exists());
    // As a new enrolment does, which exchanges the folder as a whole.
    std::fs::remove_file(shop.path("identity/ledger-begun")).unwrap();
    assert_eq!(shop.trade(), 1);
}

#[test]
fn a_terminal_that_has_never_traded_begins_and_its_files_are_its_own() {
    use std::os::unix::fs::PermissionsExt;

    let shop = Shop::new();
    std::fs::set_permissions(shop.folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["ledger.sqlite", "engine.lock"] {
        std::fs::write(shop.path(name), "").unwrap();
        std::fs::set_permissions(shop.path(name), std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let (said, complaint, code) = shop.yima(&["queue"]);
    assert_eq!((said.as_str(), code), ("nothing waits\n", Some(0)), "{complaint}");
    let mode = |name: &str| std::fs::metadata(shop.path(name)).unwrap().permissions().mode() & 0o777;
    let mut parts = shop.setup.parts().unwrap();
    parts.ledger.take_trace_number().unwrap();
    for name in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "ledger-copy.sqlite", "engine.lock"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    assert_eq!(mode("."), 0o700);
}

#[test]
fn an_older_binding_record_does_not_count_again_when_the_end_of_the_journal_is_taken_away() {
    let shop = Shop::new();
    let identity = shop.setup.identity().unwrap();
    let mut ledger = shop.setup.ledger(&identity).unwrap();
    // As the engine does when it takes a newer record; then record and journal of before are put back.
    ledger.raise_binding(identity.version + 1).unwrap();
    drop(ledger);
    for refused in [shop.refusal(), shop.setup.ledger(&identity).unwrap_err()] {
        assert!(matches!(refused, SetupError::Identity(IdentityError::Older { .. })), "{refused}");
    }
}
