//! Archives: payments that are long over, in compressed files beside the ledger, and read from there.
//!
//! A file is gzip around lines of JSON (`archives/text.rs`), so that it can be read without this program. The ledger knows
//! each of its archives by the digest of that text; a file it does not know holds nothing that is not in the ledger still,
//! and is not looked into. How payments leave stands in `archives/leaving.rs`.

mod leaving;
mod text;

use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use jiff::civil::DateTime;
use rusqlite::{Connection, Row};

use super::log::LogEntry;
use super::{Ledger, LedgerError, MIGRATIONS, Prepared, statement_error};
use crate::crypto::digest;
use crate::crypto::hex;
use crate::proof::tree::{Hash, leaf_hash};

/// A file that unpacks to more is none of ours: as many payments as leave at once need a twentieth of it.
const LONGEST_TEXT: u64 = 256 * 1024 * 1024;

/// An archive of this ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveRow {
    id: i64,
    /// Name of the file, beside the ledger.
    pub name: String,
    /// When its payments left the ledger.
    pub made_at: DateTime,
    /// Time of its oldest payment.
    pub first_at: DateTime,
    /// Time of its newest one.
    pub last_at: DateTime,
    /// How many there are.
    pub payments: u32,
    digest: Hash,
}

impl Ledger {
    /// The archives, those with the newest payments first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn archives(&self) -> Result<Vec<ArchiveRow>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self
            .connection
            .prepare(
                "SELECT id, name, made_at, first_at, last_at, payments, digest FROM archives ORDER BY last_at DESC, id DESC",
            )
            .map_err(&failed)?;
        let rows = statement.query_map([], |row| Ok(archive_row(row))).map_err(&failed)?;
        rows.map(|row| row.map_err(&failed)?).collect()
    }

    /// What is in an archive, as a ledger of its own: to look at, and nothing that is written there lasts.
    ///
    /// # Errors
    /// When the file is gone or is not what left this ledger.
    pub fn open_archive(&self, archive: &ArchiveRow) -> Result<Self, LedgerError> {
        let path = self.path.with_file_name(&archive.name);
        let text = self.text_of(archive)?;
        let failed = statement_error(&path);
        let connection = Connection::open_in_memory().map_err(&failed)?;
        for migration in MIGRATIONS {
            connection.execute_batch(migration).map_err(&failed)?;
        }
        // They come as they were in the end, and what one refers to may be in another archive.
        connection
            .execute_batch(
                "DROP TRIGGER transactions_begin_pending; DROP TRIGGER transactions_refer_to_what_came_about;
                 DROP TRIGGER signatures_are_of_who_had_to_sign; DROP TRIGGER offline_sales_begin_with_their_payment;
                 PRAGMA foreign_keys = OFF",
            )
            .map_err(&failed)?;
        let read = text::load(&text, &connection).map_err(&failed)?;
        if read != archive.payments {
            return Err(self.archive_wrong(&archive.name, "payments are missing in it"));
        }
        Ok(Self {
            connection: Prepared::new(connection),
            path,
            merchant_code: self.merchant_code.clone(),
            terminal_number: self.terminal_number.clone(),
            data_version: None,
            keeper: None,
            cashier: None,
        })
    }

    fn text_of(&self, archive: &ArchiveRow) -> Result<String, LedgerError> {
        let text = self.unpack(&archive.name)?;
        if digest::hash(&[text.as_bytes()]) == archive.digest {
            Ok(text)
        } else {
            Err(self.archive_wrong(&archive.name, "it is not what left the ledger"))
        }
    }

    fn unpack(&self, name: &str) -> Result<String, LedgerError> {
        let path = self.path.with_file_name(name);
        let file = std::fs::File::open(&path)
            .map_err(|source| LedgerError::File { path: path.display().to_string(), source })?;
        let mut text = String::new();
        GzDecoder::new(file)
            .take(LONGEST_TEXT)
            .read_to_string(&mut text)
            .map_err(|error| self.archive_wrong(name, &error.to_string()))?;
        Ok(text)
    }

    fn archive_wrong(&self, name: &str, problem: &str) -> LedgerError {
        let path: PathBuf = self.path.with_file_name(name);
        LedgerError::Archive { path: path.display().to_string(), problem: problem.to_owned() }
    }

    /// The leaves of the log that have left with their payments, by their numbers. Each is held against the hash that stayed.
    pub(super) fn leaves_of_archive(&self, id: i64) -> Result<HashMap<u64, LogEntry>, LedgerError> {
        let failed = statement_error(&self.path);
        let archive = self.archives()?.into_iter().find(|archive| archive.id == id);
        let archive =
            archive.ok_or_else(|| LedgerError::Value { what: "number of an archive", value: id.to_string() })?;
        let mut texts = text::leaves(&self.text_of(&archive)?);
        let mut statement = self
            .connection
            .prepare("SELECT number, hash, root FROM archived_leaves WHERE archive_id = ?1")
            .map_err(&failed)?;
        let rows = statement
            .query_map([id], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Hash>(1)?, row.get(2)?)))
            .map_err(&failed)?;
        let mut leaves = HashMap::new();
        for row in rows {
            let (number, hash, root) = row.map_err(&failed)?;
            let index = number.unsigned_abs();
            let leaf = texts.remove(&index).filter(|leaf| leaf_hash(leaf.as_bytes()) == hash);
            let leaf = leaf.ok_or_else(|| {
                self.archive_wrong(&archive.name, &format!("entry {index} of the log is not what was logged"))
            })?;
            leaves.insert(index, LogEntry { index, root, leaf });
        }
        Ok(leaves)
    }
}

fn archive_row(row: &Row<'_>) -> Result<ArchiveRow, LedgerError> {
    let wrong = |error: rusqlite::Error| LedgerError::Value { what: "archive", value: error.to_string() };
    let time = |index: usize| -> Result<DateTime, LedgerError> {
        let text: String = row.get(index).map_err(wrong)?;
        text.parse().map_err(|_| LedgerError::Value { what: "time", value: text })
    };
    Ok(ArchiveRow {
        id: row.get(0).map_err(wrong)?,
        name: row.get(1).map_err(wrong)?,
        made_at: time(2)?,
        first_at: time(3)?,
        last_at: time(4)?,
        payments: row.get(5).map_err(wrong)?,
        digest: row.get(6).map_err(wrong)?,
    })
}

/// Name of the archive of a month that holds this text.
fn name_of(month: &str, digest: &Hash) -> String {
    let digest = hex::encode(digest).to_lowercase();
    format!("ledger-archive-{month}-{}.jsonl.gz", digest.get(..16).unwrap_or(&digest))
}

#[cfg(test)]
mod tests;
