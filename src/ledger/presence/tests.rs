use super::super::backup::tests::{at, copied, names};
use super::super::tests::{approved, open, paid};
use super::*;
use crate::ledger::Loss;

fn numbers() -> (MerchantCode, TerminalNumber) {
    (MerchantCode::parse("898440100000001").unwrap(), TerminalNumber::parse("10000001").unwrap())
}

fn look(folder: &Path, begun: bool) -> Result<bool, LedgerError> {
    let (merchant, terminal) = numbers();
    Ledger::is_there(&folder.join("ledger.sqlite"), &merchant, &terminal, begun)
}

fn loss(folder: &Path, begun: bool) -> Loss {
    match look(folder, begun).unwrap_err() {
        LedgerError::Lost { loss, .. } => loss,
        other => panic!("{other}"),
    }
}

#[test]
fn a_terminal_that_never_had_a_ledger_begins_one() {
    let directory = tempfile::tempdir().unwrap();
    assert!(!look(directory.path(), false).unwrap());
    // The power went when it was begun.
    std::fs::write(directory.path().join("ledger.sqlite"), "").unwrap();
    assert!(!look(directory.path(), false).unwrap());
    let path = directory.path().join("ledger.sqlite");
    let half = Connection::open(&path).unwrap();
    half.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    drop(half);
    std::fs::write(directory.path().join("ledger.sqlite-wal"), [0; 512]).unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() > 0 && !look(directory.path(), false).unwrap());
    drop(open(directory.path()));
    assert!(look(directory.path(), false).unwrap() && look(directory.path(), true).unwrap());
}

#[test]
fn what_is_lost_is_not_begun_anew_whatever_tells_that_it_was_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.sqlite");
    assert_eq!(loss(directory.path(), true), Loss::Gone { copy: false }, "the identity tells it");
    std::fs::write(&path, "").unwrap();
    assert_eq!(loss(directory.path(), true), Loss::Empty { copy: false });
    std::fs::remove_file(&path).unwrap();

    let mut ledger = open(directory.path());
    let log = std::fs::read(directory.path().join("ledger.sqlite-wal")).unwrap();
    ledger.keep_copy(at(8)).unwrap();
    drop(ledger);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(loss(directory.path(), false), Loss::Gone { copy: true }, "the copy tells it");
    let (merchant, terminal) = numbers();
    let refused = Ledger::open(&path, merchant, terminal).unwrap_err();
    assert!(matches!(refused, LedgerError::Lost { .. }), "{refused}");
    assert_eq!(names(directory.path(), "ledger"), [COPY], "nothing was made");

    // SQLite would throw it away with the first look at an empty file.
    std::fs::remove_file(directory.path().join(COPY)).unwrap();
    std::fs::write(&path, "").unwrap();
    std::fs::write(directory.path().join("ledger.sqlite-wal"), &log).unwrap();
    assert_eq!(loss(directory.path(), false), Loss::Empty { copy: false }, "the log beside it tells it");
    assert!(std::fs::read(directory.path().join("ledger.sqlite-wal")).unwrap() == log);
}

#[test]
fn the_copy_of_another_terminal_says_nothing_about_this_one() {
    let directory = tempfile::tempdir().unwrap();
    copied(directory.path());
    std::fs::remove_file(directory.path().join("ledger.sqlite")).unwrap();
    let merchant = MerchantCode::parse("898440100000002").unwrap();
    let terminal = TerminalNumber::parse("10000009").unwrap();
    let path = directory.path().join("ledger.sqlite");
    assert!(!Ledger::is_there(&path, &merchant, &terminal, false).unwrap());
    assert_eq!(loss(directory.path(), false), Loss::Gone { copy: true });
}

#[test]
fn an_earlier_ledger_in_the_place_of_a_later_one_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.sqlite");
    drop(open(directory.path()));
    let earlier = std::fs::read(&path).unwrap();
    let mut ledger = open(directory.path());
    paid(&mut ledger, approved());
    ledger.keep_copy(at(8)).unwrap();
    paid(&mut ledger, approved());
    drop(ledger);
    assert!(look(directory.path(), true).unwrap(), "it has gone on since");
    std::fs::write(&path, earlier).unwrap();
    assert_eq!(loss(directory.path(), true), Loss::Older);
    let (merchant, terminal) = numbers();
    assert!(matches!(Ledger::open(&path, merchant, terminal), Err(LedgerError::Lost { loss: Loss::Older, .. })));
    let (merchant, terminal) = numbers();
    Ledger::restore(&path, merchant, terminal, "Wang", at(20)).unwrap();
    assert_eq!(open(directory.path()).count().unwrap(), 1);
}

#[test]
fn a_database_that_is_no_ledger_is_said_to_be_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.sqlite");
    for sql in ["CREATE TABLE notes (text TEXT)", "CREATE TABLE counters (x); PRAGMA user_version = 8"] {
        let _ = std::fs::remove_file(&path);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let (merchant, terminal) = numbers();
        let refused = Ledger::open(&path, merchant, terminal).unwrap_err();
        assert!(matches!(refused, LedgerError::Damaged { .. }), "{sql}: {refused}");
        let (merchant, terminal) = numbers();
        let refused = Ledger::open_to_look(&path, merchant, terminal).unwrap_err();
        assert!(matches!(refused, LedgerError::Damaged { .. }), "{sql}: {refused}");
    }
}

#[test]
fn which_of_two_has_come_further_is_told_over_the_end_of_the_numbers_as_well() {
    let extent = |batch, next_stan| Extent { batch, next_stan, transactions: 5, logged: 5 };
    for (further, behind) in [
        (extent(1, 2), extent(1, 1)),
        (extent(1, 1), extent(1, 999_999)),
        (extent(2, 1), extent(1, 700)),
        (Extent { transactions: 6, ..extent(1, 1) }, extent(1, 1)),
        (Extent { logged: 6, ..extent(1, 1) }, extent(1, 1)),
    ] {
        assert!(further.knows_more_than(behind), "{further:?} {behind:?}");
        assert!(!behind.knows_more_than(further), "{behind:?} {further:?}");
    }
    assert!(!extent(1, 1).knows_more_than(extent(1, 1)));
}
