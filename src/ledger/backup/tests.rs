use jiff::civil::date;

use super::super::MIGRATIONS;
use super::super::tests::{approved, host_approved, open, paid, pending};
use super::*;
use crate::reference::TraceNumber;

pub(in crate::ledger) fn at(hour: i8) -> DateTime {
    date(2026, 11, 22).at(hour, 0, 0, 0)
}

/// A ledger with one payment and a copy of it, closed again: the payment.
pub(in crate::ledger) fn copied(folder: &Path) -> TraceNumber {
    let mut ledger = open(folder);
    let kept = paid(&mut ledger, approved());
    ledger.keep_copy(at(8)).unwrap();
    kept
}

pub(in crate::ledger) fn names(folder: &Path, part: &str) -> Vec<String> {
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
    let path = directory.path().join("ledger.sqlite");
    assert!(check_space_of(&path, 1).is_ok());
    let refused = check_space_of(&path, u64::MAX).unwrap_err();
    assert!(matches!(refused, LedgerError::NoSpace { .. }), "{refused}");
}

#[test]
fn a_copy_that_knows_more_than_the_ledger_is_never_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    ledger.take_trace_number().unwrap();
    paid(&mut ledger, approved());
    ledger.keep_copy(at(8)).unwrap();
    let copy = std::fs::read(directory.path().join(COPY)).unwrap();
    let tomorrow = date(2026, 11, 23).at(8, 0, 0, 0);
    // An earlier ledger in the place of the one that was copied, each time behind in one thing only.
    for back in [
        "UPDATE counters SET next_stan = next_stan - 1",
        "UPDATE counters SET batch = batch - 1",
        "DROP TRIGGER log_head_never_shrinks; UPDATE log_head SET size = size - 1",
        "PRAGMA foreign_keys = OFF; DELETE FROM transactions",
    ] {
        let elsewhere = tempfile::tempdir().unwrap();
        let mut ledger = open(elsewhere.path());
        ledger.take_trace_number().unwrap();
        paid(&mut ledger, approved());
        ledger.connection.execute_batch("UPDATE counters SET batch = 1; PRAGMA foreign_keys = OFF;").unwrap();
        std::fs::write(elsewhere.path().join(COPY), &copy).unwrap();
        assert!(ledger.keep_copy(tomorrow).is_ok(), "as far as the copy");
        std::fs::write(elsewhere.path().join(COPY), &copy).unwrap();
        if back.contains("batch - 1") {
            let copy = Connection::open(elsewhere.path().join(COPY)).unwrap();
            copy.execute("UPDATE counters SET batch = 2", []).unwrap();
        } else {
            ledger.connection.execute_batch(back).unwrap();
        }
        let before = std::fs::read(elsewhere.path().join(COPY)).unwrap();
        let refused = ledger.keep_copy(date(2026, 11, 24).at(8, 0, 0, 0)).unwrap_err();
        assert!(matches!(refused, LedgerError::Lost { loss: Loss::Older, .. }), "{back}: {refused}");
        assert!(std::fs::read(elsewhere.path().join(COPY)).unwrap() == before, "{back}");
    }
}

#[test]
fn a_copy_is_made_on_another_thread_while_payments_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    for _ in 0..50 {
        paid(&mut ledger, approved());
    }
    let due = ledger.copy_due(at(8)).unwrap().unwrap();
    let copying = std::thread::spawn(move || due.make().map(|made| (made, due)));
    // Whether the copy sees one of them under way is chance; that none of them waits for it is not.
    for _ in 0..20 {
        paid(&mut ledger, approved());
    }
    let (made, due) = copying.join().unwrap().unwrap();
    if made {
        assert_eq!(made_at(&directory.path().join(COPY)), Some(at(8)));
        check_whole(&open_to_read(&directory.path().join(COPY)).unwrap(), directory.path()).unwrap();
        assert!(ledger.copy_due(at(20)).unwrap().is_none(), "young enough");
    } else {
        ledger.copy_was_not_made(&due).unwrap();
        assert!(ledger.keep_copy(at(8)).unwrap());
    }
    assert_eq!((ledger.count().unwrap(), names(directory.path(), ".new")), (70, Vec::new()));
}

#[test]
fn no_copy_is_kept_that_holds_a_payment_under_way() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    ledger.keep_copy(at(8)).unwrap();
    let before = std::fs::read(directory.path().join(COPY)).unwrap();
    let tomorrow = date(2026, 11, 23).at(8, 0, 0, 0);
    let trace = ledger.take_trace_number().unwrap();
    for record in [pending(1), host_approved(), approved()] {
        let due = ledger.copy_due(tomorrow).unwrap().unwrap();
        ledger.record(trace, &record).unwrap();
        if due.make().unwrap() {
            assert!(ledger.find(trace).unwrap().unwrap().state == crate::payment::record::State::Approved);
            assert!(ledger.copy_due(tomorrow).unwrap().is_none());
            return;
        }
        assert!(std::fs::read(directory.path().join(COPY)).unwrap() == before, "the one before is still there");
        ledger.copy_was_not_made(&due).unwrap();
        assert_eq!(names(directory.path(), ".new"), Vec::<String>::new());
    }
    panic!("it is never made");
}

/// The power goes, or the terminal ends, while the copy is made.
#[test]
fn a_copy_that_was_noted_and_never_made_is_made_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    ledger.keep_copy(at(8)).unwrap();
    let tomorrow = date(2026, 11, 23).at(8, 0, 0, 0);
    drop(ledger.copy_due(tomorrow).unwrap().unwrap());
    drop(ledger);
    assert!(open(directory.path()).keep_copy(tomorrow).unwrap());
}
