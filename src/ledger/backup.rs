//! The last good copy of the ledger, for the day on which a person puts it in the ledger's place (`restoring`).
//!
//! A copy is made of a ledger that was found whole, once a day at the most and after each restoration, while no payment
//! runs; another one is kept of each version before it is migrated. One that knows more than the ledger is never
//! replaced.

use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::{Span, ToSpan};
use rusqlite::{Connection, OptionalExtension};

use super::connecting::open_to_read;
use super::error::Loss;
use super::presence::Extent;
use super::{Ledger, LedgerError, statement_error};
use crate::terminal::files;

/// Name of the last good copy, beside the ledger.
pub const COPY: &str = "ledger-copy.sqlite";

/// Free space below which no payment begins, in MiB: the last ones must still be finished.
pub(super) const LEAST_SPACE_MIB: u64 = 32;

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

/// A copy that is to be made, as a ledger noted it.
#[derive(Debug)]
pub struct CopyDue {
    ledger: PathBuf,
    /// When the one before was made.
    last: Option<DateTime>,
}

impl CopyDue {
    /// Makes the copy by a connection of its own: the ledger goes on meanwhile. Gives whether it was made: not, when a payment has
    /// begun before it, because what a copy holds as under way is taken back when it takes the ledger's place.
    ///
    /// # Errors
    /// When it cannot be made; the one before is still there.
    pub fn make(&self) -> Result<bool, LedgerError> {
        let path = &self.ledger;
        copy_to(&open_to_read(path)?, path, &path.with_file_name(COPY), |copy| {
            let sql = "SELECT NOT EXISTS (SELECT 1 FROM transactions WHERE state = 'pending')
                 AND NOT EXISTS (SELECT 1 FROM transactions WHERE state = 'host_approved')";
            copy.query_row(sql, [], |row| row.get(0)).map_err(statement_error(path))
        })
    }
}

impl Ledger {
    /// Makes a copy of the ledger, unless the last one is young enough. Only while no payment runs: what a copy holds as under way
    /// is taken back when it takes the ledger's place. Gives whether one was made.
    ///
    /// # Errors
    /// When it cannot be made, or the copy before knows more than this ledger; that one is still there.
    pub fn keep_copy(&mut self, now: DateTime) -> Result<bool, LedgerError> {
        let Some(due) = self.copy_due(now)? else { return Ok(false) };
        let made = copy_to(&self.connection, &self.path, &self.path.with_file_name(COPY), |_| Ok(true));
        if made.is_err() {
            self.copy_was_not_made(&due)?;
        }
        made
    }

    /// Whether a copy is to be made. Its time is noted, because when it was made stands in the copy itself.
    ///
    /// # Errors
    /// When it cannot be noted, or the copy before knows more than this ledger.
    pub fn copy_due(&mut self, now: DateTime) -> Result<Option<CopyDue>, LedgerError> {
        let copy = self.path.with_file_name(COPY);
        let last = made_at(&copy);
        // One of tomorrow was made by a clock that was wrong.
        let young = |last: DateTime| last <= now && last.checked_add(copy_age()).is_ok_and(|until| now < until);
        if self.knows_less_than(&copy) {
            return Err(LedgerError::Lost { path: self.path.display().to_string(), loss: Loss::Older });
        }
        if copy.exists() && last.is_some_and(young) && !self.was_restored_since(last)? {
            return Ok(None);
        }
        self.note_copy(Some(now))?;
        Ok(Some(CopyDue { ledger: self.path.clone(), last }))
    }

    /// A copy that was to be made was not.
    ///
    /// # Errors
    /// When it cannot be noted.
    pub fn copy_was_not_made(&mut self, due: &CopyDue) -> Result<(), LedgerError> {
        self.note_copy(due.last)
    }

    fn note_copy(&self, at: Option<DateTime>) -> Result<(), LedgerError> {
        let at = at.map(|at| at.to_string());
        self.connection
            .execute("UPDATE counters SET copied_at = ?1 WHERE id = 1", [at])
            .map(|_| ())
            .map_err(statement_error(&self.path))
    }

    fn knows_less_than(&self, copy: &Path) -> bool {
        Extent::of_file(copy)
            .is_some_and(|copied| Extent::of(&self.connection).is_some_and(|own| copied.knows_more_than(own)))
    }

    /// Keeps the ledger as the version before wrote it.
    pub(super) fn keep_version(&self, version: usize) -> Result<(), LedgerError> {
        let to = self.path.with_file_name(format!("ledger-version-{version}.sqlite"));
        copy_to(&self.connection, &self.path, &to, |_| Ok(true)).map(|_| ())
    }

    /// Whether there is room for payments to come.
    pub(super) fn check_space(&self) -> Result<(), LedgerError> {
        check_space_of(&self.path, LEAST_SPACE_MIB)
    }
}

/// When a copy was made, as it says itself.
fn made_at(copy: &Path) -> Option<DateTime> {
    let connection = copy.exists().then(|| open_to_read(copy).ok())??;
    let sql = "SELECT copied_at FROM counters WHERE id = 1";
    connection.query_row(sql, [], |row| row.get::<_, Option<String>>(0)).ok()??.parse().ok()
}

/// Copies a ledger as a whole and durably; a file that is there is replaced when the copy has been found whole, and good by
/// another look. Gives whether it was.
fn copy_to(
    connection: &Connection,
    ledger: &Path,
    to: &Path,
    is_good: impl FnOnce(&Connection) -> Result<bool, LedgerError>,
) -> Result<bool, LedgerError> {
    let fresh = beside(to, ".new");
    let file = |source| LedgerError::File { path: fresh.display().to_string(), source };
    let size_mib = std::fs::metadata(ledger).map_or(0, |metadata| metadata.len()) / (1024 * 1024);
    check_space_of(ledger, LEAST_SPACE_MIB + size_mib)?;
    // SQLite fills an empty file, and leaves it to its owner alone.
    files::remove(&fresh).and_then(|()| files::open_private(&fresh)).map_err(file)?;
    connection.execute("VACUUM INTO ?1", [fresh.to_string_lossy()]).map_err(statement_error(ledger))?;
    {
        let copied = open_to_read(&fresh)?;
        check_whole(&copied, &fresh)?;
        if !is_good(&copied)? {
            files::remove(&fresh).map_err(file)?;
            return Ok(false);
        }
    }
    std::fs::File::open(&fresh).and_then(|fresh| fresh.sync_all()).map_err(file)?;
    std::fs::rename(&fresh, to).and_then(|()| files::sync(files::parent(to))).map_err(file)?;
    Ok(true)
}

/// Whether so much is free where a ledger lies.
pub(super) fn check_space_of(ledger: &Path, least_mib: u64) -> Result<(), LedgerError> {
    let place = files::parent(ledger);
    let space = nix::sys::statvfs::statvfs(place)
        .map_err(|error| LedgerError::File { path: place.display().to_string(), source: error.into() })?;
    let free_mib = space.blocks_available() * space.fragment_size() / (1024 * 1024);
    if free_mib >= least_mib {
        Ok(())
    } else {
        Err(LedgerError::NoSpace { path: place.display().to_string(), free_mib, least_mib })
    }
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
    check_references(connection, path)
}

/// Looks at every reference.
pub(super) fn check_references(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
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
