//! The ledger: SQLite, the only module with SQL. It keeps what it is told durably and decides nothing.
//!
//! Every connection runs with `synchronous=FULL`, foreign keys and `secure_delete`, and whoever writes with WAL
//! (`connecting.rs`); a call that returns `Ok` is on disk.

mod advices;
mod archives;
mod backup;
mod bindings;
mod cash;
mod code_payments;
mod connecting;
mod copies;
mod deeds;

mod error;
mod instalments;
mod list;
mod log;
mod not_ours;
mod numbers;
mod offline;
mod orders;
mod past;
mod people;
mod prepared;
mod presence;
mod purchases;
mod put_aside;
mod queue;
mod recording;
mod repeating;
mod restoring;
mod row;
mod search;
mod settlements;
mod shifts;
mod sign_on;
mod signatures;
mod sold;
mod tallies;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

pub(crate) use self::connecting::journal_mode;
#[doc(hidden)]
pub use self::connecting::write_logs_again_by;
use self::error::statement_error;
use self::numbers::Keeper;
use self::prepared::Changes;
pub(crate) use self::prepared::Prepared;
use crate::payment::record::State;
use crate::people::PersonNumber;
use crate::reference::{MerchantCode, TerminalNumber, TraceNumber};

pub use advices::{AdviceRow, AdviceState};
pub use archives::ArchiveRow;
pub use backup::{COPY, CopyDue};
pub use cash::{CashRow, CashSum, DrawerState};
pub use copies::{CopyRow, PrintState};
pub use deeds::DeedRow;
pub use error::{LedgerError, Loss};
pub use list::{List, ListEnd, Listed};
pub use log::{CheckpointRow, LogEntry, Unlogged};
pub use orders::OrderRow;
pub use people::AuditSearch;
pub use queue::DeadLetter;
pub use restoring::Restoration;
pub use row::{DayTotal, TransactionRow};
pub use search::{LastFour, Page, PageEnd, Search};
pub use settlements::SettlementRow;
pub use shifts::CashierSum;
pub use sign_on::{Adopted, SignOnRow};
pub use signatures::{SignatureRow, SignatureState};

/// Migrations in order; the database's `user_version` counts how many have been applied.
const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("advices.sql"),
    include_str!("queue.sql"),
    include_str!("verification.sql"),
    include_str!("sign_on.sql"),
    include_str!("log.sql"),
    include_str!("restorations.sql"),
    include_str!("orders.sql"),
    include_str!("bindings.sql"),
    include_str!("numbers.sql"),
    include_str!("search.sql"),
    include_str!("archives.sql"),
    include_str!("life.sql"),
    include_str!("unfinished.sql"),
    include_str!("kinds.sql"),
    include_str!("sold.sql"),
    include_str!("codes.sql"),
    include_str!("settlements.sql"),
    include_str!("people.sql"),
    include_str!("purchases.sql"),
    include_str!("cash.sql"),
    include_str!("sold_index.sql"),
    include_str!("entries.sql"),
    include_str!("signatures.sql"),
    include_str!("rest_in_cash.sql"),
    include_str!("tips.sql"),
    include_str!("offline.sql"),
    include_str!("instalments.sql"),
    include_str!("top_ups.sql"),
];

/// The ledger of one terminal.
#[derive(Debug)]
pub struct Ledger {
    connection: Prepared,
    path: PathBuf,
    merchant_code: MerchantCode,
    terminal_number: TerminalNumber,
    /// What SQLite counted of other connections' changes when it was last asked.
    data_version: Option<i64>,
    /// What wraps the keys of card numbers.
    keeper: Option<Keeper>,
    /// Who takes the payments that are begun.
    cashier: Option<PersonNumber>,
}

impl Ledger {
    /// Opens or makes the ledger `path` for a terminal. None is made where there has been one. For who is alone on it: see
    /// [`Ledger::open_beside`].
    ///
    /// # Errors
    /// When it cannot be opened, is in use, damaged or lost, was written by a newer program, or does not promise durability.
    pub fn open(
        path: &Path,
        merchant_code: MerchantCode,
        terminal_number: TerminalNumber,
    ) -> Result<Self, LedgerError> {
        Self::open_settled(path, merchant_code, terminal_number, connecting::settle_log)
    }

    /// Opens the ledger `path` beside an engine that runs on it, and writes behind what that one has written.
    ///
    /// # Errors
    /// As for [`Ledger::open`].
    pub fn open_beside(
        path: &Path,
        merchant_code: MerchantCode,
        terminal_number: TerminalNumber,
    ) -> Result<Self, LedgerError> {
        Self::open_settled(path, merchant_code, terminal_number, |_, _| Ok(()))
    }

    fn open_settled(
        path: &Path,
        merchant_code: MerchantCode,
        terminal_number: TerminalNumber,
        settle: impl FnOnce(&Connection, &Path) -> Result<(), LedgerError>,
    ) -> Result<Self, LedgerError> {
        Self::is_there(path, &merchant_code, &terminal_number, false)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut ledger = Self::connect(path, flags, merchant_code, terminal_number)?;
        connecting::write_ahead(&ledger.connection, path)?;
        settle(&ledger.connection, path)?;
        ledger.check_integrity()?;
        presence::check_schema(&ledger.connection, path)?;
        ledger.migrate()?;
        ledger.take_into_log()?;
        ledger.check_identity()?;
        Ok(ledger)
    }

    /// Opens the ledger `path` to look at it: nothing in it can be changed, and a missing one is not made.
    ///
    /// # Errors
    /// When it cannot be opened, or another version of this program wrote it.
    pub fn open_to_look(
        path: &Path,
        merchant_code: MerchantCode,
        terminal_number: TerminalNumber,
    ) -> Result<Self, LedgerError> {
        restoring::check_not_half_restored(path)?;
        let ledger = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, merchant_code, terminal_number)?;
        presence::check_schema(&ledger.connection, path)?;
        let (path, known) = (path.display().to_string(), MIGRATIONS.len());
        match ledger.version()? {
            found if found == known => Ok(ledger),
            found if found > known => Err(LedgerError::Newer { path, found, known }),
            found => Err(LedgerError::Older { path, found, known }),
        }
    }

    fn connect(
        path: &Path,
        flags: OpenFlags,
        merchant_code: MerchantCode,
        terminal_number: TerminalNumber,
    ) -> Result<Self, LedgerError> {
        let connection = Prepared::new(connecting::open(path, flags)?);
        Ok(Self {
            connection,
            path: path.to_owned(),
            merchant_code,
            terminal_number,
            data_version: None,
            keeper: None,
            cashier: None,
        })
    }

    /// Takes the next trace number. It is never given again, whatever becomes of it.
    ///
    /// # Errors
    /// When the counter cannot be written: then no sale may begin.
    pub fn take_trace_number(&mut self) -> Result<TraceNumber, LedgerError> {
        self.check_space()?;
        // It reads first: who waits to write only then is turned away at once where another writes.
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(statement_error(&self.path))?;
        let trace = self.next_trace_number()?;
        self.commit(transaction)?;
        Ok(trace)
    }

    /// Makes durable what was written. What a commit that fails has written can still be read in the log: the next program would
    /// take it for done. Something that changes nothing takes its place, where that can be written.
    fn commit(&self, transaction: Changes<'_>) -> Result<(), LedgerError> {
        let Err(error) = transaction.commit() else { return Ok(()) };
        if let Err(error) = connecting::write_nothing(&self.connection) {
            tracing::warn!(%error, "what could not be committed could not be written over either");
        }
        Err(statement_error(&self.path)(error))
    }

    /// Whether the ledger can be written and there is room for more: writes what stands there already.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn check_writable(&self) -> Result<(), LedgerError> {
        self.check_space()?;
        connecting::write_nothing(&self.connection).map_err(statement_error(&self.path))
    }

    /// Applies a fixed assignment, whose values are numbered from 5, to a row in one of the given states.
    fn change(
        &self,
        trace: TraceNumber,
        assignment: &str,
        from: &[State],
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<(), LedgerError> {
        let states: Vec<_> = from.iter().map(|state| format!("'{}'", state.word())).collect();
        let sql = format!(
            "UPDATE transactions SET {assignment} WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3
                 AND stan = ?4 AND state IN ({})",
            states.join(", ")
        );
        let (merchant, terminal) = (self.merchant_code.as_str(), self.terminal_number.as_str());
        let (batch, stan) = (trace.batch.number(), trace.stan.number());
        let all = [params![merchant, terminal, batch, stan], values].concat();
        let changed = self.connection.execute(&sql, &*all).map_err(statement_error(&self.path))?;
        if changed == 1 { Ok(()) } else { Err(LedgerError::NoSuchRow(trace)) }
    }

    fn check_integrity(&self) -> Result<(), LedgerError> {
        backup::check_with("quick_check", &self.connection, &self.path)
    }

    /// A reversal that belongs to another merchant or terminal could not be sent under this one's name.
    fn check_identity(&self) -> Result<(), LedgerError> {
        let foreign: i64 = self
            .connection
            .query_row(
                "SELECT count(*) FROM transactions
                 WHERE (((state = 'pending' OR state = 'host_approved' OR state = 'reversal_due' OR state = 'repeat_due'
                              OR state = 'unresolved') AND resolution IS NULL)
                         OR id IN (SELECT transaction_id FROM advices WHERE state <> 'delivered' AND state = 'queued')
                         OR id IN (SELECT transaction_id FROM offline_sales WHERE state <> 'delivered' AND state = 'queued'))
                     AND (merchant_code <> ?1 OR terminal_number <> ?2)",
                params![self.merchant_code.as_str(), self.terminal_number.as_str()],
                |row| row.get(0),
            )
            .map_err(statement_error(&self.path))?;
        if foreign == 0 {
            Ok(())
        } else {
            Err(LedgerError::OtherIdentity { path: self.path.display().to_string(), count: foreign })
        }
    }

    fn version(&self) -> Result<usize, LedgerError> {
        let found: i64 = self
            .connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(statement_error(&self.path))?;
        Ok(usize::try_from(found).unwrap_or(usize::MAX))
    }

    fn migrate(&mut self) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let found = self.version()?;
        if found > MIGRATIONS.len() {
            return Err(LedgerError::Newer { path: self.path.display().to_string(), found, known: MIGRATIONS.len() });
        }
        if (1..MIGRATIONS.len()).contains(&found) {
            self.keep_version(found)?;
        }
        if found == MIGRATIONS.len() {
            return Ok(());
        }
        // A table that is built anew is gone for a moment, and what refers to it is not to go with it. Within a transaction this
        // cannot be set.
        self.connection.pragma_update(None, "foreign_keys", false).map_err(&failed)?;
        let migrated = self.migrate_from(found);
        self.connection.pragma_update(None, "foreign_keys", true).map_err(&failed)?;
        migrated
    }

    /// As a whole: a power cut leaves the ledger as it was, and never one of a version that no program has written.
    fn migrate_from(&self, found: usize) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Deferred).map_err(&failed)?;
        for migration in MIGRATIONS.iter().skip(found) {
            transaction.execute_batch(migration).map_err(&failed)?;
        }
        backup::check_references(&self.connection, &self.path)?;
        transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64).map_err(&failed)?;
        transaction.commit().map_err(&failed)
    }
}

#[cfg(test)]
mod tests;
