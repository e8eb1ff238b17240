//! The log of transactions ([`crate::proof`]) as the ledger holds it: leaves, the right edge of their tree, signed checkpoints.
//!
//! A leaf is written in the database transaction that makes a payment final. What is final can change once more: an approval
//! that comes too late, or a person's word. That appends another leaf of the same payment; none is ever changed. A leaf leaves
//! with its payment when that is archived; its hash stays.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};

use super::row::{self, TransactionRow, read};
use super::{Ledger, LedgerError, statement_error};
use crate::proof::checkpoint::Checkpoint;
use crate::proof::export::Item;
use crate::proof::leaf::{Leaf, is_final};
use crate::proof::note::{Note, Signature};
use crate::proof::tree::{Frontier, Hash, Head, Tree};
use crate::reference::{MerchantCode, Stan, TerminalNumber, TraceNumber};

/// A leaf in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Counted from 0.
    pub index: u64,
    /// The root of the tree that ends with it.
    pub root: Hash,
    /// The leaf.
    pub leaf: String,
}

/// A signed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointRow {
    /// Which one.
    pub id: i64,
    /// Leaves.
    pub size: u64,
    /// The note, with the host's signature when there is one.
    pub note: Note,
    /// Whether the host has signed.
    pub cosigned: bool,
}

/// A payment that is not in the log as it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlogged {
    /// Which.
    pub trace: TraceNumber,
    /// What the ledger says of it now.
    pub now: String,
    /// Its last entry in the log, if it has one.
    pub logged: Option<LogEntry>,
}

impl Ledger {
    /// Writes down what a payment finally is, in the transaction of the database that has begun. Nothing is written when it is
    /// not final, or when the log says so already; of one that was final before, whatever it is now.
    pub(super) fn log(&self, trace: TraceNumber) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let id: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT id FROM transactions t WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4
                     AND (state IN ('approved', 'declined', 'reversed') OR resolution IS NOT NULL
                          OR EXISTS (SELECT 1 FROM log_leaves l WHERE l.transaction_id = t.id))",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(
                        params![
                            self.merchant_code.as_str(),
                            self.terminal_number.as_str(),
                            trace.batch.number(),
                            trace.stan.number()
                        ],
                        |row| row.get(0),
                    )
                    .optional()
            })
            .map_err(failed)?;
        id.map_or(Ok(()), |id| self.log_row(id))
    }

    /// Appends what a row is now, unless its last leaf says so.
    fn log_row(&self, id: i64) -> Result<(), LedgerError> {
        let leaf = self.leaf_of(id)?.text();
        let last = self
            .connection
            .prepare_cached("SELECT leaf FROM log_leaves WHERE transaction_id = ?1 ORDER BY number DESC LIMIT 1")
            .and_then(|mut statement| statement.query_row([id], |row| row.get::<_, String>(0)).optional())
            .map_err(statement_error(&self.path))?;
        if last.as_ref() == Some(&leaf) { Ok(()) } else { self.append_leaf(id, &leaf) }
    }

    fn append_leaf(&self, id: i64, leaf: &str) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let mut frontier = self.frontier()?;
        let number = frontier.size() as i64;
        let head = frontier.append(leaf.as_bytes());
        self.connection
            .prepare_cached("INSERT INTO log_leaves (number, transaction_id, leaf, root) VALUES (?1, ?2, ?3, ?4)")
            .and_then(|mut statement| statement.execute(params![number, id, leaf, head.root]))
            .map_err(&failed)?;
        self.connection
            .prepare_cached("UPDATE log_head SET size = ?1, frontier = ?2 WHERE id = 1 AND size = ?1 - 1")
            .and_then(|mut statement| statement.execute(params![head.size as i64, frontier.bytes()]))
            .map_err(&failed)?;
        Ok(())
    }

    fn frontier(&self) -> Result<Frontier, LedgerError> {
        let (size, bytes): (i64, Vec<u8>) = self
            .connection
            .prepare_cached("SELECT size, frontier FROM log_head WHERE id = 1")
            .and_then(|mut statement| statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
            .map_err(statement_error(&self.path))?;
        let frontier = u64::try_from(size).ok().and_then(|size| Frontier::new(size, &bytes));
        frontier.ok_or_else(|| self.log_wrong("its head is not one"))
    }

    fn log_wrong(&self, problem: &'static str) -> LedgerError {
        LedgerError::Log { path: self.path.display().to_string(), problem }
    }

    /// What a row is, as a leaf says it.
    fn leaf_of(&self, id: i64) -> Result<Leaf, LedgerError> {
        let sql =
            format!("SELECT {}, merchant_code, terminal_number FROM transactions t WHERE t.id = ?1", row::COLUMNS);
        self.connection
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_row([id], |row| Ok(leaf_from(row))))
            .map_err(statement_error(&self.path))?
    }

    /// Takes payments into the log that were final before the ledger had one, oldest first; afterwards there is nothing to do.
    pub(super) fn take_into_log(&mut self) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let complete: bool = self
            .connection
            .query_row("SELECT complete FROM log_head WHERE id = 1", [], |row| row.get(0))
            .map_err(&failed)?;
        if complete {
            return Ok(());
        }
        for id in self.final_rows()? {
            self.log_row(id)?;
        }
        self.connection.execute("UPDATE log_head SET complete = 1 WHERE id = 1", []).map_err(&failed)?;
        self.commit(transaction)
    }

    fn final_rows(&self) -> Result<Vec<i64>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self
            .connection
            .prepare(
                "SELECT id FROM transactions t WHERE state IN ('approved', 'declined', 'reversed') OR resolution IS NOT NULL
                     OR EXISTS (SELECT 1 FROM log_leaves l WHERE l.transaction_id = t.id) ORDER BY id",
            )
            .map_err(&failed)?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(&failed)?;
        rows.map(|row| row.map_err(&failed)).collect()
    }

    /// The head of the log.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn log_head(&self) -> Result<Head, LedgerError> {
        Ok(self.frontier()?.head())
    }

    /// The entries of a payment, oldest first. A payment of this number under whatever merchant and terminal.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn log_entries_of(&self, trace: TraceNumber) -> Result<Vec<LogEntry>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self
            .connection
            .prepare(
                "SELECT l.number, l.root, l.leaf FROM transactions t JOIN log_leaves l ON l.transaction_id = t.id
                 WHERE t.batch = ?1 AND t.stan = ?2 ORDER BY l.number",
            )
            .map_err(&failed)?;
        let rows = statement.query_map([trace.batch.number(), trace.stan.number()], log_entry).map_err(&failed)?;
        rows.map(|row| row.map_err(&failed)).collect()
    }

    /// The newest payment of a STAN that has an entry in the log, in whatever batch.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn newest_of(&self, stan: Stan) -> Result<Option<TraceNumber>, LedgerError> {
        let found = self
            .connection
            .query_row(
                "SELECT t.batch FROM log_leaves l JOIN transactions t ON t.id = l.transaction_id
                 WHERE t.stan = ?1 ORDER BY l.number DESC LIMIT 1",
                [stan.number()],
                |row| row.get(0),
            )
            .optional()
            .map_err(statement_error(&self.path))?;
        found.map(|batch| row::trace_number(batch, stan.number())).transpose()
    }

    /// The head of the log that ends with a payment's first entry: it stays the same whatever becomes of the payment later.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn log_head_of(&self, trace: TraceNumber) -> Result<Option<Head>, LedgerError> {
        let (merchant, terminal) = (self.merchant_code.as_str(), self.terminal_number.as_str());
        let of_this = params![merchant, terminal, trace.batch.number(), trace.stan.number()];
        self.connection
            .query_row(
                "SELECT l.number, l.root FROM log_leaves l JOIN transactions t ON t.id = l.transaction_id
                 WHERE t.merchant_code = ?1 AND t.terminal_number = ?2 AND t.batch = ?3 AND t.stan = ?4
                 ORDER BY l.number LIMIT 1",
                of_this,
                |row| Ok(Head { size: row.get::<_, i64>(0)?.unsigned_abs() + 1, root: row.get(1)? }),
            )
            .optional()
            .map_err(statement_error(&self.path))
    }

    /// The first leaves of the log, as a tree to prove things with.
    ///
    /// # Errors
    /// When the ledger cannot be read, or the log has not so many.
    pub fn log_tree(&self, size: u64) -> Result<Tree, LedgerError> {
        let mut tree = Tree::default();
        self.each_entry(size, |entry| tree.append(entry.leaf.into_bytes()))?;
        if tree.size() == size { Ok(tree) } else { Err(self.log_wrong("entries are missing")) }
    }

    /// Goes through the first entries of the log, in their order, also through those that have left with their payments.
    fn each_entry(&self, size: u64, mut each: impl FnMut(LogEntry)) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self
            .connection
            .prepare(
                "SELECT number, root, leaf, NULL FROM log_leaves WHERE number < ?1
                 UNION ALL SELECT number, root, '', archive_id FROM archived_leaves WHERE number < ?1 ORDER BY number",
            )
            .map_err(&failed)?;
        let rows = statement.query_map([size as i64], |row| Ok((log_entry(row)?, row.get(3)?))).map_err(&failed)?;
        let mut archives: HashMap<i64, HashMap<u64, LogEntry>> = HashMap::new();
        for row in rows {
            let (entry, archive): (LogEntry, Option<i64>) = row.map_err(&failed)?;
            let Some(archive) = archive else {
                each(entry);
                continue;
            };
            let leaves = match archives.entry(archive) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unread) => unread.insert(self.leaves_of_archive(archive)?),
            };
            // Its leaf is the one that was logged: the archive was held against the hash that stayed.
            let left = leaves.remove(&entry.index);
            each(left.ok_or_else(|| self.log_wrong("an entry is in no archive"))?);
        }
        Ok(())
    }

    /// The whole log with its checkpoints, as a file of it holds them ([`crate::proof::export`]).
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn log_items(&self) -> Result<Vec<Item>, LedgerError> {
        let mut checkpoints = self.checkpoints()?.into_iter().peekable();
        let mut items = Vec::new();
        self.each_entry(i64::MAX as u64, |LogEntry { index, root, leaf }| {
            while let Some(row) = checkpoints.next_if(|row| row.size <= index) {
                items.push(row.item());
            }
            items.push(Item::Entry { index, root, leaf });
        })?;
        items.extend(checkpoints.map(|row| row.item()));
        Ok(items)
    }

    /// The signed checkpoints, the smallest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn checkpoints(&self) -> Result<Vec<CheckpointRow>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self
            .connection
            .prepare("SELECT id, size, note, cosignature FROM log_checkpoints ORDER BY size, id")
            .map_err(&failed)?;
        let rows = statement.query_map([], |row| Ok(checkpoint_row(row))).map_err(&failed)?;
        rows.map(|row| row.map_err(&failed)?).collect()
    }

    /// Writes down a checkpoint that the device key signed, if it is of the log as it is now. Gives its number.
    ///
    /// # Errors
    /// When it is of another head, or cannot be written.
    pub fn add_checkpoint(&mut self, note: &Note) -> Result<i64, LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let checkpoint = Checkpoint::parse(&note.text).ok_or_else(|| self.log_wrong("a checkpoint is none"))?;
        let size = checkpoint.head.size as i64;
        // A sale may have ended since the head was read; what was signed is still a head of this log.
        let root = match checkpoint.head.size {
            0 => Some(Frontier::default().head().root),
            _ => self
                .connection
                .query_row(
                    "SELECT root FROM log_leaves WHERE number = ?1
                     UNION ALL SELECT root FROM archived_leaves WHERE number = ?1",
                    [size - 1],
                    |row| row.get::<_, Hash>(0),
                )
                .optional()
                .map_err(&failed)?,
        };
        if root != Some(checkpoint.head.root) {
            return Err(self.log_wrong("a head that was signed is none of it"));
        }
        self.connection
            .execute("INSERT INTO log_checkpoints (size, note) VALUES (?1, ?2)", params![size, note.whole()])
            .map_err(&failed)?;
        let id = self.connection.last_insert_rowid();
        self.commit(transaction)?;
        Ok(id)
    }

    /// Writes down the host's signature of a checkpoint.
    ///
    /// # Errors
    /// When there is no such checkpoint, the host has signed it already, or it cannot be written.
    pub fn add_cosignature(&mut self, id: i64, signature: &Signature) -> Result<(), LedgerError> {
        let changed = self
            .connection
            .execute(
                "UPDATE log_checkpoints SET cosignature = ?2 WHERE id = ?1 AND cosignature IS NULL",
                params![id, signature.line()],
            )
            .map_err(statement_error(&self.path))?;
        if changed == 1 { Ok(()) } else { Err(self.log_wrong("a checkpoint that was to be signed is not there")) }
    }

    /// Payments whose last entry in the log is not what the ledger says of them: somebody changed the one or the other.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn unlogged(&self) -> Result<Vec<Unlogged>, LedgerError> {
        let mut found = Vec::new();
        for id in self.final_rows()? {
            let leaf = self.leaf_of(id)?;
            let logged = self
                .connection
                .prepare_cached(
                    "SELECT number, root, leaf FROM log_leaves WHERE transaction_id = ?1 ORDER BY number DESC LIMIT 1",
                )
                .and_then(|mut statement| statement.query_row([id], log_entry).optional())
                .map_err(statement_error(&self.path))?;
            let now = leaf.text();
            // One that is no longer final says so in its last entry as well.
            debug_assert!(is_final(leaf.state, leaf.resolution) || logged.is_some());
            if logged.as_ref().is_none_or(|logged| logged.leaf != now) {
                found.push(Unlogged { trace: leaf.trace, now, logged });
            }
        }
        Ok(found)
    }
}

impl CheckpointRow {
    fn item(&self) -> Item {
        Item::Checkpoint { size: self.size, note: self.note.whole() }
    }
}

fn log_entry(row: &Row<'_>) -> rusqlite::Result<LogEntry> {
    let index: i64 = row.get(0)?;
    Ok(LogEntry { index: index.unsigned_abs(), root: row.get(1)?, leaf: row.get(2)? })
}

fn checkpoint_row(row: &Row<'_>) -> Result<CheckpointRow, LedgerError> {
    let wrong = |error: rusqlite::Error| LedgerError::Value { what: "checkpoint", value: error.to_string() };
    let text: String = row.get(2).map_err(wrong)?;
    let cosignature: Option<String> = row.get(3).map_err(wrong)?;
    let size: i64 = row.get(1).map_err(wrong)?;
    let whole = text + cosignature.as_deref().unwrap_or_default();
    let note = Note::parse(&whole).map_err(|_| LedgerError::Value { what: "checkpoint", value: whole })?;
    Ok(CheckpointRow {
        id: row.get(0).map_err(wrong)?,
        size: size.unsigned_abs(),
        note,
        cosigned: cosignature.is_some(),
    })
}

fn leaf_from(found: &Row<'_>) -> Result<Leaf, LedgerError> {
    let row: TransactionRow = read(found)?;
    let text = |index: usize, what: &'static str| -> Result<String, LedgerError> {
        found.get(index).map_err(|error| LedgerError::Value { what, value: error.to_string() })
    };
    let (merchant, terminal) =
        (text(row::COLUMN_COUNT, "merchant code")?, text(row::COLUMN_COUNT + 1, "terminal number")?);
    Ok(Leaf {
        merchant_code: MerchantCode::parse(&merchant)
            .map_err(|_| LedgerError::Value { what: "merchant code", value: merchant })?,
        terminal_number: TerminalNumber::parse(&terminal)
            .map_err(|_| LedgerError::Value { what: "terminal number", value: terminal })?,
        trace: row.trace,
        kind: row.kind,
        original: row.original.zip(row.original_at),
        state: row.state,
        resolution: row.resolution,
        amount: row.amount,
        at: row.at,
        entry: row.entry,
        verification: row.verification,
        truncated_pan: row.truncated_pan,
        sequence_number: row.sequence_number,
        aid: row.aid,
        response_code: row.response_code,
        rrn: row.rrn,
        authorisation_code: row.authorisation_code,
        cryptogram: row.cryptogram,
        atc: row.atc,
        reason: row.reason,
        reversal_reason: row.reversal_reason,
        late: row.late,
    })
}

#[cfg(test)]
mod tests;
