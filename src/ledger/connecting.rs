//! Every connection to a ledger, or to a copy of one, is opened here and promises the same: what is committed is on disk, what
//! refers to nothing is refused, and what is deleted is overwritten.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::backup::beside;
use super::{LedgerError, statement_error};
use crate::deliberate;
use crate::terminal::files;

/// How long one connection waits for what another one writes.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What every connection is asked for, and what it must say then.
const PROMISES: [(&str, &str, i64, &str); 3] = [
    ("PRAGMA synchronous = FULL", "PRAGMA synchronous", 2, "synchronous=FULL"),
    ("PRAGMA foreign_keys = ON", "PRAGMA foreign_keys", 1, "foreign_keys=ON"),
    ("PRAGMA secure_delete = ON", "PRAGMA secure_delete", 1, "secure_delete=ON"),
];

/// Of a ledger that is made, in bytes. A commit writes every page that it changed as a whole, and what belongs to one payment is
/// spread over a dozen: with small pages a quarter is written, and memory cards wear out the later.
const PAGE_SIZE: &str = "PRAGMA page_size = 1024";

/// How many pages the log grows by before they are brought into the ledger: some 4 MB of small pages, a hundred sales.
const CHECKPOINT: &str = "PRAGMA wal_autocheckpoint = 4000";

/// Opens a database.
pub(super) fn open(path: &Path, flags: OpenFlags) -> Result<Connection, LedgerError> {
    let open = |source| LedgerError::Open { path: path.display().to_string(), source };
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(open)?;
    connection.busy_timeout(PATIENCE).map_err(open)?;
    let failed = statement_error(path);
    for (ask, look, wanted, setting) in PROMISES {
        connection.execute_batch(ask).map_err(&failed)?;
        let found: i64 = connection.query_row(look, [], |row| row.get(0)).map_err(&failed)?;
        if found != wanted {
            return Err(LedgerError::Setting { path: path.display().to_string(), setting });
        }
    }
    Ok(connection)
}

/// Opens a database to look at it.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, LedgerError> {
    open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Whoever writes a ledger writes it by way of a log. The settings above stand before: they hold for the first write as well,
/// which makes the log. A power cut before that is durable leaves no ledger, and none has been used.
pub(super) fn write_ahead(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    let failed = statement_error(path);
    connection.execute_batch(PAGE_SIZE).map_err(&failed)?;
    if !journal_mode(connection, "wal").map_err(&failed)? {
        return Err(LedgerError::Setting { path: path.display().to_string(), setting: "journal_mode=WAL" });
    }
    connection.execute_batch(CHECKPOINT).map_err(&failed)?;
    if deliberate::is("sync_left_out") {
        return connection.execute_batch("PRAGMA synchronous = OFF").map_err(failed);
    }
    Ok(())
}

/// Brings a database into a journal mode; gives whether it is in it then. SQLite names the mode first and writes it into the file
/// afterwards: whoever stops at the name takes a mode for granted that a broken disk did not take.
pub(crate) fn journal_mode(connection: &Connection, mode: &str) -> rusqlite::Result<bool> {
    connection.query_one(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(()))?;
    let found: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    Ok(found == mode)
}

/// A ledger that was written alone becomes one file, with nothing beside it.
pub(super) fn one_file(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    match journal_mode(connection, "delete") {
        Ok(true) => Ok(()),
        Err(error) if error.sqlite_error_code() != Some(ErrorCode::DatabaseBusy) => Err(statement_error(path)(error)),
        Ok(false) | Err(_) => Err(LedgerError::InUse(path.display().to_string())),
    }
}

/// How a log is written over with itself, where it is not a file.
static OTHER_WAY: OnceLock<fn(&Path) -> std::io::Result<()>> = OnceLock::new();

/// For a test whose databases are no files: has a log written over with itself in this way.
#[doc(hidden)]
pub fn write_logs_again_by(way: fn(&Path) -> std::io::Result<()>) {
    OTHER_WAY.get_or_init(|| way);
}

/// Makes sure of what a log that was found holds, brings it into the ledger, and begins the log anew.
///
/// A sync that failed has given up what was written, and on Linux it can be read all the same until the power goes: the log that
/// an earlier program left may look whole and not be on the disk. What comes to stand behind such a part would be lost with it;
/// and pages that were brought from it into the ledger would meet the older log after a power cut. So it is written once more
/// first, as it is read.
///
/// Only for who is alone on a ledger: what runs there already has settled its log, and would have to wait.
pub(super) fn settle_log(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    let (busy, failed) = (|| LedgerError::InUse(path.display().to_string()), statement_error(path));
    let failed = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy) => busy(),
        _ => failed(error),
    };
    // Nobody else writes meanwhile.
    let alone = Transaction::new_unchecked(connection, TransactionBehavior::Immediate).map_err(&failed)?;
    let log = beside(path, "-wal");
    let again = OTHER_WAY.get().copied().unwrap_or(files::write_again);
    again(&log).map_err(|source| LedgerError::File { path: log.display().to_string(), source })?;
    alone.commit().map_err(&failed)?;
    // A checkpoint of another connection is in the way for a moment, and is not waited for by SQLite.
    if !empty_log(connection).map_err(&failed)? {
        std::thread::sleep(Duration::from_millis(100));
        if !empty_log(connection).map_err(&failed)? {
            return Err(busy());
        }
    }
    // A log of this program's own stands on the disk, and none of before comes back.
    write_nothing(connection).map_err(&failed)
}

/// A commit that changes nothing, and is written all the same. A row that is given the values it has is not: SQLite sees that.
pub(super) fn write_nothing(connection: &Connection) -> rusqlite::Result<()> {
    let alone = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let version: i64 = alone.pragma_query_value(None, "user_version", |row| row.get(0))?;
    alone.pragma_update(None, "user_version", version)?;
    alone.commit()
}

/// Brings what is in the write-ahead log into the file, durably, and cuts the log; gives false where others are in its way.
pub(super) fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_one("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0)).map(|busy| !busy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::backup::tests::copied;
    use crate::ledger::tests::open as open_ledger;
    use crate::ledger::{COPY, Ledger};
    use crate::reference::{MerchantCode, TerminalNumber};

    fn setting(connection: &Connection, name: &str) -> String {
        let value = connection.pragma_query_value(None, name, |row| {
            Ok(row.get::<_, String>(0).or_else(|_| row.get::<_, i64>(0).map(|number| number.to_string())))
        });
        value.unwrap().unwrap()
    }

    fn promises(connection: &Connection) -> [String; 4] {
        ["synchronous", "foreign_keys", "secure_delete", "journal_mode"].map(|name| setting(connection, name))
    }

    #[test]
    fn every_way_to_open_a_ledger_promises_that_what_is_written_lasts_and_what_is_deleted_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.sqlite");
        let numbers = || (MerchantCode::parse("898440100000001").unwrap(), TerminalNumber::parse("10000001").unwrap());
        assert_eq!(promises(&open_ledger(directory.path()).connection), ["2", "1", "1", "wal"], "begun");
        copied(directory.path());
        assert_eq!(promises(&open_ledger(directory.path()).connection), ["2", "1", "1", "wal"], "opened again");
        let (merchant, terminal) = numbers();
        let looking = Ledger::open_to_look(&path, merchant, terminal).unwrap();
        assert_eq!(promises(&looking.connection), ["2", "1", "1", "wal"], "to look");
        drop(looking);
        assert_eq!(promises(&open_to_read(&path).unwrap()), ["2", "1", "1", "wal"], "to read");
        // A copy is one file; whoever writes it next writes it by way of a log.
        let copy = path.with_file_name(COPY);
        assert_eq!(promises(&open_to_read(&copy).unwrap()), ["2", "1", "1", "delete"], "copy");
        let (merchant, terminal) = numbers();
        let before = Ledger::connect(&copy, OpenFlags::SQLITE_OPEN_READ_WRITE, merchant, terminal).unwrap();
        assert_eq!(promises(&before.connection), ["2", "1", "1", "delete"], "before it is made a ledger");
        write_ahead(&before.connection, &copy).unwrap();
        assert_eq!(promises(&before.connection), ["2", "1", "1", "wal"], "and after");
    }

    #[test]
    fn a_ledger_whose_log_somebody_reads_is_not_written_before_that_ends() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.sqlite");
        let connect = || open(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE).unwrap();
        let (writer, reader) = (connect(), connect());
        write_ahead(&writer, &path).unwrap();
        writer.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM notes;").unwrap();
        writer.execute_batch("INSERT INTO notes VALUES ('one')").unwrap();
        writer.busy_timeout(Duration::ZERO).unwrap();
        assert!(matches!(settle_log(&writer, &path), Err(LedgerError::InUse(_))));
        assert!(matches!(one_file(&writer, &path), Err(LedgerError::InUse(_))));
        reader.execute_batch("COMMIT").unwrap();
        settle_log(&writer, &path).unwrap();
        let pages = std::fs::metadata(path.with_extension("sqlite-wal")).unwrap().len() / 1024;
        assert_eq!(pages, 1, "what says that nothing of before counts");
    }

    #[test]
    fn a_ledger_is_made_of_small_pages_and_one_of_large_ones_is_taken_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(setting(&open_ledger(directory.path()).connection, "page_size"), "1024");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.sqlite");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; VACUUM").unwrap();
        drop(connection);
        let mut ledger = open_ledger(directory.path());
        assert_eq!(setting(&ledger.connection, "page_size"), "4096");
        assert_eq!(ledger.take_trace_number().unwrap().stan.number(), 1);
    }

    #[test]
    fn a_command_writes_beside_an_engine_also_while_somebody_reads() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.sqlite");
        let mut engine = open_ledger(directory.path());
        let reader = open_to_read(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM transactions;").unwrap();
        let first = engine.take_trace_number().unwrap();
        let numbers = (MerchantCode::parse("898440100000001").unwrap(), TerminalNumber::parse("10000001").unwrap());
        let mut command = Ledger::open_beside(&path, numbers.0, numbers.1).unwrap();
        let second = command.take_trace_number().unwrap();
        let third = engine.take_trace_number().unwrap();
        assert_eq!([first, second, third].map(|trace| trace.stan.number()), [1, 2, 3]);
    }

    #[test]
    fn whether_a_ledger_can_be_written_is_found_out_by_writing() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = open_ledger(directory.path());
        let log = directory.path().join("ledger.sqlite-wal");
        assert!(empty_log(&ledger.connection).unwrap());
        assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
        ledger.check_writable().unwrap();
        assert!(std::fs::metadata(&log).unwrap().len() > 0);
    }

    #[test]
    fn what_is_deleted_is_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret.sqlite");
        let connection = open(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE).unwrap();
        write_ahead(&connection, &path).unwrap();
        connection
            .execute_batch("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('a secret of somebody');")
            .unwrap();
        let truncate = || assert!(empty_log(&connection).unwrap());
        let there = || std::fs::read(&path).unwrap().windows(8).any(|bytes| bytes == b"a secret");
        truncate();
        assert!(there());
        connection.execute("DELETE FROM notes", []).unwrap();
        truncate();
        assert!(!there());
    }
}
