use jiff::civil::date;

use super::super::MIGRATIONS;
use super::super::tests::{approved, open, paid};
use super::*;
use crate::payment::record::State;

fn at(hour: i8) -> DateTime {
    date(2026, 11, 22).at(hour, 0, 0, 0)
}

fn restore(folder: &Path) -> Result<Restoration, LedgerError> {
    let merchant = MerchantCode::parse("898440100000001").unwrap();
    let terminal = TerminalNumber::parse("10000001").unwrap();
    Ledger::restore(&folder.join("ledger.sqlite"), merchant, terminal, "Wang", at(20))
}

fn reopen(folder: &Path) -> Result<Ledger, LedgerError> {
    let merchant = MerchantCode::parse("898440100000001").unwrap();
    Ledger::open(&folder.join("ledger.sqlite"), merchant, TerminalNumber::parse("10000001").unwrap())
}

/// Overwrites pages in the middle of the ledger, as a card that wears out does.
fn damage(folder: &Path) {
    let path = folder.join("ledger.sqlite");
    let connection = Connection::open(&path).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(connection);
    let mut content = std::fs::read(&path).unwrap();
    content[4096..4096 * 8].fill(0xA5);
    std::fs::write(&path, content).unwrap();
}

fn names(folder: &Path, part: &str) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.contains(part));
    names.sort();
    names
}

#[test]
fn a_copy_is_made_once_a_day_and_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    paid(&mut ledger, approved());
    assert!(ledger.keep_copy(at(8)).unwrap());
    paid(&mut ledger, approved());
    assert!(!ledger.keep_copy(at(20)).unwrap(), "young enough");
    let copied = |folder: &Path| -> i64 {
        let copy = open_to_read(&folder.join(COPY)).unwrap();
        check_whole(&copy, folder).unwrap();
        copy.query_row("SELECT count(*) FROM transactions", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(copied(directory.path()), 1);
    assert!(ledger.keep_copy(date(2026, 11, 23).at(8, 0, 0, 0)).unwrap());
    assert_eq!(copied(directory.path()), 2);
    assert!(ledger.keep_copy(at(8)).unwrap(), "the clock was put back");
    std::fs::remove_file(directory.path().join(COPY)).unwrap();
    assert!(ledger.keep_copy(at(9)).unwrap(), "it is gone");
    assert_eq!(names(directory.path(), ".new"), Vec::<String>::new());
}

#[test]
fn a_damaged_ledger_takes_no_payment_and_its_copy_takes_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let kept = paid(&mut ledger, approved());
    ledger.keep_copy(at(8)).unwrap();
    let lost = paid(&mut ledger, approved());
    assert!(matches!(restore(directory.path()), Err(LedgerError::NotDamaged(_))), "never of a whole one");
    drop(ledger);
    damage(directory.path());
    let damaged = std::fs::read(directory.path().join("ledger.sqlite")).unwrap();
    let refused = reopen(directory.path()).unwrap_err();
    assert!(matches!(refused, LedgerError::Damaged { .. }), "{refused}");
    assert!(refused.to_string().contains("yima ledger restore"), "{refused}");

    let restoration = restore(directory.path()).unwrap();
    assert_eq!((restoration.made_at, restoration.by.as_str()), (at(8), "Wang"));
    let aside = names(directory.path(), "ledger-damaged-20261122T200000");
    assert_eq!(std::fs::read(directory.path().join(&aside[0])).unwrap(), damaged, "the damaged one is kept");
    let mut ledger = reopen(directory.path()).unwrap();
    assert_eq!(ledger.find(kept).unwrap().unwrap().state, State::Approved);
    assert_eq!(ledger.find(lost).unwrap(), None, "only the host knows it");
    let next = ledger.take_trace_number().unwrap();
    assert_eq!(next.stan, restoration.next);
    assert!(next.stan.number() > lost.stan.number() + 50_000, "no number is used twice");
    assert!(ledger.sign_on().unwrap().due, "keys and batch come anew");
    assert_eq!(ledger.restorations().unwrap(), [restoration]);
    assert!(ledger.connection.execute("DELETE FROM restorations", []).is_err());
    assert!(matches!(restore(directory.path()), Err(LedgerError::NotDamaged(_))));
}

#[test]
fn a_file_that_is_no_database_at_all_is_said_to_be_damaged() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("ledger.sqlite"), [0xA5; 8192]).unwrap();
    let refused = reopen(directory.path()).unwrap_err();
    assert!(matches!(refused, LedgerError::Damaged { .. }), "{refused}");
    assert!(matches!(restore(directory.path()), Err(LedgerError::NoCopy(_))));
}

#[test]
fn a_copy_that_is_damaged_itself_takes_nobody_s_place() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    paid(&mut ledger, approved());
    ledger.keep_copy(at(8)).unwrap();
    drop(ledger);
    damage(directory.path());
    let copy = directory.path().join(COPY);
    let mut content = std::fs::read(&copy).unwrap();
    content[4096..4096 * 8].fill(0xA5);
    std::fs::write(&copy, content).unwrap();
    let before = std::fs::read(directory.path().join("ledger.sqlite")).unwrap();
    assert!(matches!(restore(directory.path()), Err(LedgerError::Damaged { .. })));
    assert_eq!(std::fs::read(directory.path().join("ledger.sqlite")).unwrap(), before);
}

#[test]
fn what_was_cut_short_is_refused_until_it_is_done_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let kept = paid(&mut ledger, approved());
    ledger.keep_copy(at(8)).unwrap();
    drop(ledger);
    damage(directory.path());
    let path = directory.path().join("ledger.sqlite");
    // The power went when the damaged one had been put aside, before the copy was in its place.
    std::fs::write(note_of(&path), "").unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(reopen(directory.path()), Err(LedgerError::HalfRestored(_))), "no empty ledger is made");
    restore(directory.path()).unwrap();
    assert!(reopen(directory.path()).unwrap().find(kept).unwrap().is_some());
}

#[test]
fn a_ledger_is_kept_as_it_was_before_it_is_migrated() {
    for version in 1..MIGRATIONS.len() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.sqlite");
        let connection = Connection::open(&path).unwrap();
        for migration in &MIGRATIONS[..version] {
            connection.execute_batch(migration).unwrap();
        }
        connection.pragma_update(None, "user_version", version as i64).unwrap();
        connection.execute("UPDATE counters SET next_stan = 77", []).unwrap();
        drop(connection);
        assert_eq!(open(directory.path()).take_trace_number().unwrap().stan.number(), 77);
        let before = open_to_read(&directory.path().join(format!("ledger-version-{version}.sqlite"))).unwrap();
        let found: (i64, i64) = before
            .query_row("SELECT next_stan, (SELECT user_version FROM pragma_user_version) FROM counters", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(found, (77, version as i64));
    }
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    drop(open(directory.path()));
    assert_eq!(names(directory.path(), "version"), Vec::<String>::new(), "there was none before");
}

#[test]
fn no_payment_begins_when_there_is_no_room_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(directory.path());
    assert!(ledger.check_space_of(1).is_ok());
    let refused = ledger.check_space_of(u64::MAX).unwrap_err();
    assert!(matches!(refused, LedgerError::NoSpace { .. }), "{refused}");
}
