//! The last good copy of the ledger, for the day on which a person puts it in the ledger's place (`restoring`).
//!
//! A copy is made of a ledger that was found whole, once a day at the most and after each restoration, while no payment
//! runs; another one is kept of each version before it is migrated. One that knows more than the ledger is never
//! replaced.

use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::{Span, ToSpan};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::error::Loss;
use super::presence::Extent;
use super::{Ledger, LedgerError, statement_error};
use crate::terminal::files;

/// Name of the last good copy, beside the ledger.
pub const COPY: &str = "ledger-copy.sqlite";

/// Free space below which no payment begins, in MiB: the last ones must still be finished.
const LEAST_SPACE_MIB: u64 = 32;

/// How often a copy is made.
fn copy_age() -> Span {
    20.hours()
}

/// A file beside the ledger whose name begins as the ledger's.
pub(super) fn beside(ledger: &Path, ending: &str) -> PathBuf {
    let mut name = ledger.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    ledger.with_file_name(name)
}

impl Ledger {
    /// Makes a copy of the ledger, unless the last one is young enough. Only while no payment runs: what a copy holds as under way
    /// is taken back when it takes the ledger's place. Gives whether one was made.
    ///
    /// # Errors
    /// When it cannot be made, or the copy before knows more than this ledger; that one is still there.
    pub fn keep_copy(&mut self, now: DateTime) -> Result<bool, LedgerError> {
        let failed = statement_error(&self.path);
        let copy = self.path.with_file_name(COPY);
        let last: Option<String> = self
            .connection
            .query_row("SELECT copied_at FROM counters WHERE id = 1", [], |row| row.get(0))
            .map_err(&failed)?;
        let last: Option<DateTime> = last.and_then(|text| text.parse().ok());
        // One of tomorrow was made by a clock that was wrong.
        let young = |last: DateTime| last <= now && last.checked_add(copy_age()).is_ok_and(|until| now < until);
        if self.knows_less_than(&copy) {
            return Err(LedgerError::Lost { path: self.path.display().to_string(), loss: Loss::Older });
        }
        if copy.exists() && last.is_some_and(young) && !self.was_restored_since(last)? {
            return Ok(false);
        }
        let note = |at: Option<DateTime>| {
            let at = at.map(|at| at.to_string());
            self.connection.execute("UPDATE counters SET copied_at = ?1 WHERE id = 1", [at]).map_err(&failed)
        };
        // When it was made stands in the copy itself.
        note(Some(now))?;
        if let Err(error) = self.copy_to(&copy) {
            note(last)?;
            return Err(error);
        }
        Ok(true)
    }

    fn knows_less_than(&self, copy: &Path) -> bool {
        Extent::of_file(copy)
            .is_some_and(|copied| Extent::of(&self.connection).is_some_and(|own| copied.knows_more_than(own)))
    }

    /// Keeps the ledger as the version before wrote it.
    pub(super) fn keep_version(&self, version: usize) -> Result<(), LedgerError> {
        self.copy_to(&self.path.with_file_name(format!("ledger-version-{version}.sqlite")))
    }

    /// Copies the ledger as a whole and durably; a file that is there is replaced when the copy has been found whole.
    fn copy_to(&self, to: &Path) -> Result<(), LedgerError> {
        let fresh = beside(to, ".new");
        let file = |source| LedgerError::File { path: fresh.display().to_string(), source };
        self.check_space_for_copy()?;
        // SQLite fills an empty file, and leaves it to its owner alone.
        files::remove(&fresh).and_then(|()| files::open_private(&fresh)).map_err(file)?;
        self.connection.execute("VACUUM INTO ?1", [fresh.to_string_lossy()]).map_err(statement_error(&self.path))?;
        check_whole(&open_to_read(&fresh)?, &fresh)?;
        std::fs::File::open(&fresh).and_then(|fresh| fresh.sync_all()).map_err(file)?;
        std::fs::rename(&fresh, to).and_then(|()| files::sync(files::parent(to))).map_err(file)
    }

    fn check_space_for_copy(&self) -> Result<(), LedgerError> {
        let size = std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len()) / (1024 * 1024);
        self.check_space_of(LEAST_SPACE_MIB + size)
    }

    /// Whether there is room for payments to come.
    pub(super) fn check_space(&self) -> Result<(), LedgerError> {
        self.check_space_of(LEAST_SPACE_MIB)
    }

    fn check_space_of(&self, least_mib: u64) -> Result<(), LedgerError> {
        let place = files::parent(&self.path);
        let space = nix::sys::statvfs::statvfs(place)
            .map_err(|error| LedgerError::File { path: place.display().to_string(), source: error.into() })?;
        let free_mib = space.blocks_available() * space.fragment_size() / (1024 * 1024);
        if free_mib >= least_mib {
            Ok(())
        } else {
            Err(LedgerError::NoSpace { path: place.display().to_string(), free_mib, least_mib })
        }
    }
}

/// A database to look at.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, LedgerError> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|source| LedgerError::Open { path: path.display().to_string(), source })
}

/// Has SQLite look at a database with one of its checks. A disk that is full, or answers nothing now, has damaged nothing: nobody
/// is sent for the copy then.
pub(super) fn check_with(pragma: &str, connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    let verdict: String =
        connection.query_row(&format!("PRAGMA {pragma}(1)"), [], |row| row.get(0)).map_err(statement_error(path))?;
    if verdict == "ok" { Ok(()) } else { Err(damaged(path, verdict)) }
}

/// Looks at every page, every index and every reference.
pub(super) fn check_whole(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    check_with("integrity_check", connection, path)?;
    let dangling: Option<String> = connection
        .query_row("PRAGMA foreign_key_check", [], |row| row.get(0))
        .optional()
        .map_err(statement_error(path))?;
    dangling.map_or(Ok(()), |table| Err(damaged(path, format!("a row of {table} refers to nothing"))))
}

fn damaged(path: &Path, problem: String) -> LedgerError {
    LedgerError::Damaged { path: path.display().to_string(), problem }
}

#[cfg(test)]
pub(super) mod tests;
