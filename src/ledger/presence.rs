//! Whether there is a ledger, and whether there has been one: where one is lost, no other is begun in its place. An
//! empty one would give the numbers of the open batch once more, and would know nothing of what is to be taken back.
//!
//! Looks, and changes nothing. SQLite takes an empty file for a database of its own, and throws the log beside it away:
//! it is not asked about one.

use std::path::Path;

use rusqlite::Connection;

use super::backup::{COPY, beside};
use super::connecting::open_to_read;
use super::error::Loss;
use super::{Ledger, LedgerError, MIGRATIONS, restoring, statement_error};
use crate::reference::{MerchantCode, TerminalNumber};

/// The first version with a log of transactions.
const VERSION_WITH_LOG: i64 = 6;

/// After it the numbers of a batch begin again.
const HIGHEST_STAN: i64 = 999_999;

impl Ledger {
    /// Whether there is a ledger at `path`; `begun` says that this terminal is known to have had one.
    ///
    /// # Errors
    /// When there was one and it is lost, or is older than its own copy, and while a copy takes its place.
    pub fn is_there(
        path: &Path,
        merchant_code: &MerchantCode,
        terminal_number: &TerminalNumber,
        begun: bool,
    ) -> Result<bool, LedgerError> {
        restoring::check_not_half_restored(path)?;
        let copy = path.with_file_name(COPY);
        let own_copy = copy.exists() && !Self::is_of_another(&copy, merchant_code, terminal_number);
        let there = is_there(path)?;
        let loss = match there {
            true if own_copy && knows_less_than_copy(path) => Loss::Older,
            true => return Ok(true),
            // A log beside no bytes is what is left of a ledger; beside a first page it may be the beginning of one.
            false if !begun && !own_copy && (has_content(path)? || !has_content(&beside(path, "-wal"))?) => {
                return Ok(false);
            }
            false if path.exists() => Loss::Empty { copy: own_copy },
            false => Loss::Gone { copy: own_copy },
        };
        Err(LedgerError::Lost { path: path.display().to_string(), loss })
    }
}

/// Whether a file holds more than nothing: something that could be a ledger, whole or damaged.
pub(super) fn is_there(path: &Path) -> Result<bool, LedgerError> {
    if !has_content(path)? {
        return Ok(false);
    }
    // What cannot be read is there, and damaged.
    Ok(open_to_read(path).ok().and_then(|connection| tables(&connection).ok()) != Some((0, 0)))
}

/// Whether the ledger at `path` gave fewer numbers, or wrote down less, than the copy beside it. Not, where one of them
/// cannot be read.
pub(super) fn knows_less_than_copy(path: &Path) -> bool {
    // The copy first: an engine that runs meanwhile makes one of a ledger that has gone on.
    Extent::of_file(&path.with_file_name(COPY))
        .is_some_and(|copied| Extent::of_file(path).is_some_and(|own| copied.knows_more_than(own)))
}

/// Refuses a database of which this program has made nothing, and one whose tables are gone.
pub(super) fn check_schema(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    let problem = match tables(connection).map_err(statement_error(path))? {
        (0, 0) => return Ok(()),
        (0, _) => "it holds something else",
        _ => {
            let sql = "SELECT count(*) FROM sqlite_schema WHERE name IN ('counters', 'transactions', 'copies')";
            let found: i64 = connection.query_row(sql, [], |row| row.get(0)).map_err(statement_error(path))?;
            if found == 3 {
                return Ok(());
            }
            "its tables are gone"
        }
    };
    Err(LedgerError::Damaged { path: path.display().to_string(), problem: problem.to_owned() })
}

/// Version of the schema, and how much there is of it.
fn tables(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok((version, connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?))
}

fn has_content(path: &Path) -> Result<bool, LedgerError> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len() > 0),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(LedgerError::File { path: path.display().to_string(), source }),
    }
}

/// How far a ledger has come. All of it only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    batch: i64,
    next_stan: i64,
    transactions: i64,
    logged: i64,
}

impl Extent {
    /// Of a file, where it can be read.
    pub fn of_file(path: &Path) -> Option<Self> {
        if !has_content(path).ok()? {
            return None;
        }
        Self::of(&open_to_read(path).ok()?)
    }

    /// Of a database, where it is a ledger.
    pub fn of(connection: &Connection) -> Option<Self> {
        let (version, _) = tables(connection).ok()?;
        if usize::try_from(version).is_ok_and(|version| version > MIGRATIONS.len()) {
            return None;
        }
        let logged = if version < VERSION_WITH_LOG { "0" } else { "(SELECT size FROM log_head WHERE id = 1)" };
        let sql = format!(
            "SELECT batch, next_stan, coalesce((SELECT max(id) FROM transactions), 0), {logged} FROM counters WHERE id = 1"
        );
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Self { batch: row.get(0)?, next_stan: row.get(1)?, transactions: row.get(2)?, logged: row.get(3)? })
        };
        connection.query_row(&sql, [], read).ok()
    }

    /// Whether something of it is more than of another: nothing of a ledger that goes on becomes less.
    pub fn knows_more_than(self, other: Self) -> bool {
        // Numbers begin again after the last one: the shorter way round tells which is ahead.
        let ahead = (self.next_stan - other.next_stan).rem_euclid(HIGHEST_STAN);
        let numbers =
            self.batch > other.batch || (self.batch == other.batch && (1..=HIGHEST_STAN / 2).contains(&ahead));
        numbers || self.transactions > other.transactions || self.logged > other.logged
    }
}

#[cfg(test)]
mod tests;
