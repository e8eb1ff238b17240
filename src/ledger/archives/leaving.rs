//! How payments leave the ledger: a month at a time, when all of it is old enough, into a file that is durable and read back
//! before anything is deleted.
//!
//! Rows are deleted in one transaction of the database with the note of the file. Wherever the power goes, a payment is in
//! the ledger, or it is in a file that the ledger knows; in a file that the ledger does not know it is in the ledger as well.

use std::collections::HashSet;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use rusqlite::{TransactionBehavior, params};

use super::text::{self, Table};
use super::{ArchiveRow, name_of};
use crate::crypto::digest;
use crate::ledger::backup::{LEAST_SPACE_MIB, check_space_of};
use crate::ledger::{Ledger, LedgerError, statement_error};
use crate::proof::tree::{Hash, leaf_hash};
use crate::terminal::files;
use crate::terminal::settings::LEAST_KEPT_DAYS;

/// So many leave at once at the most: nobody waits longer for the ledger meanwhile than other connections are patient.
const MOST_PAYMENTS: usize = 5_000;

/// Room for a file, in MiB.
const SPACE_FOR_FILE_MIB: u64 = 16;

/// Payments that may leave, oldest first: of a batch that is over, over themselves, with nothing that anybody must still hear,
/// print, ask or decide, and with a card number that nobody can read any more. One that others refer to stays until those of other
/// months have left. The newest payment stays, whatever it is: its row
/// says whose the ledger is and how far it has come.
const LEAVING: &str = "SELECT t.id, t.at FROM transactions t INDEXED BY transactions_by_time
     WHERE t.at < ?1 AND t.batch <> (SELECT batch FROM counters WHERE id = 1) AND t.id < (SELECT max(id) FROM transactions)
         AND (t.state IN ('approved', 'declined', 'reversed') OR t.resolution IS NOT NULL)
         AND EXISTS (SELECT 1 FROM log_leaves l WHERE l.transaction_id = t.id)
         AND NOT EXISTS (SELECT 1 FROM advices a WHERE a.transaction_id = t.id
                         AND ((a.state <> 'delivered' AND a.resolution IS NULL)
                              OR a.batch = (SELECT batch FROM counters WHERE id = 1)))
         AND NOT EXISTS (SELECT 1 FROM signatures s WHERE s.transaction_id = t.id AND s.state = 'queued')
         AND NOT EXISTS (SELECT 1 FROM offline_sales o WHERE o.transaction_id = t.id AND o.state = 'queued')
         AND NOT EXISTS (SELECT 1 FROM copies c WHERE c.transaction_id = t.id AND c.state NOT IN ('printed', 'failed'))
         AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.transaction_id = t.id AND d.slip = 'due')
         AND NOT EXISTS (SELECT 1 FROM pan_keys k WHERE k.transaction_id = t.id)
         AND NOT EXISTS (SELECT 1 FROM transactions r INDEXED BY transactions_of_original
                         WHERE r.merchant_code = t.merchant_code AND r.terminal_number = t.terminal_number
                             AND r.original_batch = t.batch AND r.original_stan = t.stan AND r.original_stan IS NOT NULL
                             AND substr(r.at, 1, 7) <> substr(t.at, 1, 7))
     ORDER BY t.at, t.id LIMIT ?2";

impl Ledger {
    /// Moves payments of the oldest month that is older than so many days into an archive. Gives it, or nothing when none is
    /// old enough. Age is counted from the newest payment, so that a clock which is wrong moves nothing.
    ///
    /// # Errors
    /// When the file or the ledger cannot be written: all payments are still in the ledger.
    pub fn archive_a_month(&mut self, kept_days: u32, now: DateTime) -> Result<Option<ArchiveRow>, LedgerError> {
        let Some(kept_from) = self.kept_from(kept_days, now)? else { return Ok(None) };
        check_space_of(&self.path, LEAST_SPACE_MIB + SPACE_FOR_FILE_MIB)?;
        let failed = statement_error(&self.path);
        // Nobody changes a payment between the look and the end.
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let Some((payments, first_at, last_at)) = self.leaving(kept_from)? else { return Ok(None) };
        let tables = text::tables(&self.connection).map_err(&failed)?;
        let text = text::write(&self.connection, &tables, &payments).map_err(&failed)?;
        let digest = digest::hash(&[text.as_bytes()]);
        let name = name_of(first_at.get(..7).unwrap_or_default(), &digest);
        self.write_file(&name, &text)?;
        let archive = self.note_archive(&name, now, (&first_at, &last_at), payments.len(), &digest)?;
        for payment in &payments {
            self.let_leave(*payment, &tables, archive.id)?;
        }
        transaction.commit().map_err(failed)?;
        Ok(Some(archive))
    }

    /// The day from which on payments stay; nothing, when there is none before it.
    fn kept_from(&self, kept_days: u32, now: DateTime) -> Result<Option<Date>, LedgerError> {
        let (oldest, newest): (Option<String>, Option<String>) = self
            .connection
            .query_row(
                "SELECT (SELECT at FROM transactions ORDER BY at LIMIT 1),
                     (SELECT at FROM transactions ORDER BY at DESC LIMIT 1)",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .map_err(statement_error(&self.path))?;
        let time = |text: Option<String>| text.and_then(|text| text.parse::<DateTime>().ok());
        let (Some(oldest), Some(newest)) = (time(oldest), time(newest)) else { return Ok(None) };
        let days = i64::from(kept_days.max(LEAST_KEPT_DAYS)).days();
        let Ok(day) = newest.min(now).date().checked_sub(days) else { return Ok(None) };
        let month = day.first_of_month();
        Ok((oldest.date() < month).then_some(month))
    }

    /// Payments of the oldest month before a day that may leave, with the times of the first and of the last one.
    fn leaving(&self, before: Date) -> Result<Option<(Vec<i64>, String, String)>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self.connection.prepare(LEAVING).map_err(&failed)?;
        let rows = statement
            .query_map(params![before.to_string(), MOST_PAYMENTS as i64], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })
            .map_err(&failed)?;
        let rows: Vec<(i64, String)> = rows.collect::<rusqlite::Result<_>>().map_err(&failed)?;
        // Of a month all may have to stay for one that refers to them.
        for month in rows.chunk_by(|one, next| one.1.get(..7) == next.1.get(..7)) {
            let payments = self.with_all_that_refer(month.iter().map(|(id, _)| *id).collect())?;
            let leaving: HashSet<i64> = payments.iter().copied().collect();
            let mut times = month.iter().filter(|(id, _)| leaving.contains(id)).map(|(_, at)| at.clone());
            if let Some(first) = times.next() {
                let last = times.next_back().unwrap_or_else(|| first.clone());
                return Ok(Some((payments, first, last)));
            }
        }
        Ok(None)
    }

    /// Those of some payments to which none refers that is not one of them.
    fn with_all_that_refer(&self, mut payments: Vec<i64>) -> Result<Vec<i64>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self
            .connection
            .prepare(
                "SELECT r.id FROM transactions t JOIN transactions r INDEXED BY transactions_of_original
                     ON r.merchant_code = t.merchant_code AND r.terminal_number = t.terminal_number
                     AND r.original_batch = t.batch AND r.original_stan = t.stan AND r.original_stan IS NOT NULL
                 WHERE t.id = ?1",
            )
            .map_err(&failed)?;
        let mut referring: Vec<(i64, i64)> = Vec::new();
        for payment in &payments {
            let rows = statement.query_map([payment], |row| Ok((*payment, row.get(0)?))).map_err(&failed)?;
            for row in rows {
                referring.push(row.map_err(&failed)?);
            }
        }
        // One that stays keeps what it refers to itself.
        let mut leaving: HashSet<i64> = payments.iter().copied().collect();
        while let Some((kept, _)) = referring.iter().find(|(_, other)| !leaving.contains(other)).copied() {
            leaving.remove(&kept);
            referring.retain(|(payment, _)| *payment != kept);
        }
        payments.retain(|payment| leaving.contains(payment));
        Ok(payments)
    }

    /// The file, durable, and what is read from it is what was written.
    fn write_file(&self, name: &str, text: &str) -> Result<(), LedgerError> {
        let path = self.path.with_file_name(name);
        let file = |source| LedgerError::File { path: path.display().to_string(), source };
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let packed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).map_err(file)?;
        files::write(&path, &packed).map_err(file)?;
        if self.unpack(name)? == text { Ok(()) } else { Err(self.archive_wrong(name, "it is not what was written")) }
    }

    fn note_archive(
        &self,
        name: &str,
        made_at: DateTime,
        (first_at, last_at): (&str, &str),
        payments: usize,
        digest: &Hash,
    ) -> Result<ArchiveRow, LedgerError> {
        let failed = statement_error(&self.path);
        self.connection
            .execute(
                "INSERT INTO archives (name, made_at, first_at, last_at, payments, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![name, made_at.to_string(), first_at, last_at, payments as i64, digest],
            )
            .map_err(&failed)?;
        let sql = "SELECT id, name, made_at, first_at, last_at, payments, digest FROM archives WHERE id = ?1";
        let id = self.connection.last_insert_rowid();
        self.connection.query_row(sql, [id], |row| Ok(super::archive_row(row))).map_err(failed)?
    }

    /// Deletes a payment and what refers to it; of its leaves the hashes stay.
    fn let_leave(&self, payment: i64, tables: &[Table], archive: i64) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self
            .connection
            .prepare_cached("SELECT number, leaf, root FROM log_leaves WHERE transaction_id = ?1")
            .map_err(&failed)?;
        let leaves = statement
            .query_map([payment], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, Hash>(2)?)))
            .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
            .map_err(&failed)?;
        for (number, leaf, root) in leaves {
            self.connection
                .prepare_cached(
                    "INSERT INTO archived_leaves (number, transaction_id, archive_id, hash, root) VALUES (?1, ?2, ?3, ?4, ?5)",
                )
                .and_then(|mut statement| {
                    statement.execute(params![number, payment, archive, leaf_hash(leaf.as_bytes()), root])
                })
                .map_err(&failed)?;
        }
        // Rows of these tables refer to one another as well; at the end none may refer to nothing.
        self.connection.execute_batch("PRAGMA defer_foreign_keys = ON").map_err(&failed)?;
        for (table, column) in tables.iter().rev() {
            self.connection
                .prepare_cached(&format!("DELETE FROM {table} WHERE {column} = ?1"))
                .and_then(|mut statement| statement.execute([payment]))
                .map_err(&failed)?;
        }
        Ok(())
    }
}
