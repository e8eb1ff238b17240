//! The last good copy of the ledger, and putting it in the place of a ledger that is damaged.
//!
//! A copy is made of a ledger that was found whole, once a day at the most, while no payment runs; another one is kept of each
//! version before it is migrated. A copy takes the ledger's place only when a person wants it: payments since then are known to
//! the host alone. Numbers that may have been used since are passed over, and working keys are fetched anew.

use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::{Span, ToSpan};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::row::trace_number;
use super::{Ledger, LedgerError, statement_error};
use crate::reference::{Batch, MerchantCode, Stan, TerminalNumber};
use crate::terminal::files;

/// Name of the last good copy, beside the ledger.
pub const COPY: &str = "ledger-copy.sqlite";

/// Numbers that are passed over after a copy took the ledger's place: more than a terminal uses between two copies.
const PASSED_OVER: u32 = 100_000;

/// Free space below which no payment begins, in MiB: the last ones must still be finished.
const LEAST_SPACE_MIB: u64 = 32;

/// A copy that took the place of a damaged ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restoration {
    /// When, in local time.
    pub at: DateTime,
    /// Who wanted it.
    pub by: String,
    /// When the copy was made: payments since then are known to the host alone.
    pub made_at: DateTime,
    /// Batch of the numbers.
    pub batch: Batch,
    /// The number that the copy would have given next.
    pub known: Stan,
    /// The first that was given afterwards.
    pub next: Stan,
}

/// How often a copy is made.
fn copy_age() -> Span {
    20.hours()
}

/// A file beside the ledger whose name begins as the ledger's.
fn beside(ledger: &Path, ending: &str) -> PathBuf {
    let mut name = ledger.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    ledger.with_file_name(name)
}

/// The note that a copy is taking the ledger's place: as long as it is there, what stands in that place may be half of each.
fn note_of(ledger: &Path) -> PathBuf {
    beside(ledger, ".restoring")
}

/// Refuses a ledger whose place a copy was to take when the power went.
pub(super) fn check_not_half_restored(ledger: &Path) -> Result<(), LedgerError> {
    if note_of(ledger).exists() { Err(LedgerError::HalfRestored(ledger.display().to_string())) } else { Ok(()) }
}

impl Ledger {
    /// Makes a copy of the ledger, unless the last one is young enough. Only while no payment runs: what a copy holds as under way
    /// is taken back when it takes the ledger's place. Gives whether one was made.
    ///
    /// # Errors
    /// When it cannot be made; the copy before is still there.
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
        if copy.exists() && last.is_some_and(young) {
            return Ok(false);
        }
        self.connection
            .execute("UPDATE counters SET copied_at = ?1 WHERE id = 1", [now.to_string()])
            .map_err(&failed)?;
        self.copy_to(&copy)?;
        Ok(true)
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
        files::remove(&fresh).map_err(file)?;
        self.connection.execute("VACUUM INTO ?1", [fresh.to_string_lossy()]).map_err(statement_error(&self.path))?;
        check_whole(&open_to_read(&fresh)?, &fresh)?;
        private(&fresh).and_then(|()| std::fs::File::open(&fresh)?.sync_all()).map_err(file)?;
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

    /// Times that a copy took the ledger's place, oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn restorations(&self) -> Result<Vec<Restoration>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self
            .connection
            .prepare("SELECT at, person, made_at, batch, known, next FROM restorations ORDER BY id")
            .map_err(&failed)?;
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?)))
            .map_err(&failed)?;
        rows.map(|row| {
            let (at, by, made_at, batch, known, next): (String, String, String, u32, u32, u32) =
                row.map_err(&failed)?;
            let time =
                |text: &str| text.parse().map_err(|_| LedgerError::Value { what: "time", value: text.to_owned() });
            let known = trace_number(batch, known)?;
            Ok(Restoration {
                at: time(&at)?,
                by,
                made_at: time(&made_at)?,
                batch: known.batch,
                known: known.stan,
                next: trace_number(batch, next)?.stan,
            })
        })
        .collect()
    }

    /// Puts the last good copy in the place of a ledger that is damaged or gone. The damaged one is kept beside it. Cut short, it
    /// is done again from the beginning.
    ///
    /// # Errors
    /// When the ledger is whole, there is no whole copy, or something cannot be written.
    pub fn restore(
        path: &Path,
        merchant_code: MerchantCode,
        terminal_number: TerminalNumber,
        by: &str,
        at: DateTime,
    ) -> Result<Restoration, LedgerError> {
        let copy = path.with_file_name(COPY);
        if check_not_half_restored(path).is_ok() && is_whole(path) {
            return Err(LedgerError::NotDamaged(path.display().to_string()));
        }
        if !copy.exists() {
            return Err(LedgerError::NoCopy(copy.display().to_string()));
        }
        check_whole(&open_to_read(&copy)?, &copy)?;
        let file = |source| LedgerError::File { path: path.display().to_string(), source };
        files::write(&note_of(path), b"a copy takes the place of this ledger\n").map_err(file)?;

        let fresh = beside(path, ".restored");
        for ending in ["", "-wal", "-shm", "-journal"] {
            files::remove(&beside(&fresh, ending)).map_err(file)?;
        }
        std::fs::copy(&copy, &fresh).and_then(|_| private(&fresh)).map_err(file)?;
        let restoration = Self::prepare(&fresh, merchant_code, terminal_number, by, at)?;
        std::fs::File::open(&fresh).and_then(|fresh| fresh.sync_all()).map_err(file)?;

        let aside = format!("ledger-damaged-{}.sqlite", at.strftime("%Y%m%dT%H%M%S"));
        let aside = path.with_file_name(aside);
        // What SQLite wrote beside the damaged one must not be taken for the new one's.
        for ending in ["", "-wal", "-shm"] {
            match std::fs::rename(beside(path, ending), beside(&aside, ending)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(file(error)),
                Ok(()) | Err(_) => {}
            }
        }
        std::fs::rename(&fresh, path).and_then(|()| files::sync(files::parent(path))).map_err(file)?;
        files::remove(&note_of(path)).and_then(|()| files::sync(files::parent(path))).map_err(file)?;
        Ok(restoration)
    }

    /// Makes a copy ready to be the ledger: up to date, with numbers that were not used, and with a note of what it is.
    fn prepare(
        fresh: &Path,
        merchant_code: MerchantCode,
        terminal_number: TerminalNumber,
        by: &str,
        at: DateTime,
    ) -> Result<Restoration, LedgerError> {
        let mut ledger = Self::connect(fresh, OpenFlags::SQLITE_OPEN_READ_WRITE, merchant_code, terminal_number)?;
        ledger.make_durable()?;
        ledger.migrate()?;
        ledger.take_into_log()?;
        let failed = statement_error(fresh);
        let transaction = ledger.connection.unchecked_transaction().map_err(&failed)?;
        let (batch, known, made_at): (u32, u32, Option<String>) = transaction
            .query_row("SELECT batch, next_stan, copied_at FROM counters WHERE id = 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .map_err(&failed)?;
        let known = trace_number(batch, known)?;
        let next = Stan::new((known.stan.number() - 1 + PASSED_OVER) % 999_999 + 1)
            .map_err(|error| LedgerError::Value { what: "STAN", value: error.value })?;
        let made_at: Option<DateTime> = made_at.and_then(|text| text.parse().ok());
        let made_at = made_at.ok_or(LedgerError::Value { what: "time of a copy", value: "nothing".to_owned() })?;
        transaction.execute("UPDATE counters SET next_stan = ?1 WHERE id = 1", [next.number()]).map_err(&failed)?;
        transaction.execute("UPDATE sign_on SET due = 1 WHERE id = 1", []).map_err(&failed)?;
        transaction
            .execute(
                "INSERT INTO restorations (at, person, made_at, batch, known, next) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![at.to_string(), by, made_at.to_string(), batch, known.stan.number(), next.number()],
            )
            .map_err(&failed)?;
        transaction.commit().map_err(&failed)?;
        // One file, with nothing beside it.
        ledger
            .connection
            .query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0))
            .map_err(&failed)?;
        Ok(Restoration { at, by: by.to_owned(), made_at, batch: known.batch, known: known.stan, next })
    }
}

/// A database to look at.
fn open_to_read(path: &Path) -> Result<Connection, LedgerError> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|source| LedgerError::Open { path: path.display().to_string(), source })
}

/// Looks at every page, every index and every reference.
fn check_whole(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    let damaged = |problem: String| LedgerError::Damaged { path: path.display().to_string(), problem };
    let verdict: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| damaged(error.to_string()))?;
    if verdict != "ok" {
        return Err(damaged(verdict));
    }
    let dangling: Option<String> = connection
        .query_row("PRAGMA foreign_key_check", [], |row| row.get(0))
        .optional()
        .map_err(|error| damaged(error.to_string()))?;
    dangling.map_or(Ok(()), |table| Err(damaged(format!("a row of {table} refers to nothing"))))
}

/// Whether there is a ledger that is not damaged. It is left as it is.
fn is_whole(path: &Path) -> bool {
    path.exists() && open_to_read(path).and_then(|connection| check_whole(&connection, path)).is_ok()
}

/// Only its owner reads it.
fn private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

#[cfg(test)]
mod tests;
