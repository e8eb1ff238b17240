//! The ledger: SQLite, the only module with SQL. It keeps what it is told durably and decides nothing.
//!
//! Every connection runs with `synchronous=FULL`, foreign keys and `secure_delete`, and whoever writes with WAL
//! (`connecting.rs`); a call that returns `Ok` is on disk.

mod advices;
mod archives;
mod backup;
mod bindings;
mod connecting;
mod copies;
mod deeds;
mod error;
mod log;
mod not_ours;
mod numbers;
mod orders;
mod prepared;
mod presence;
mod put_aside;
mod queue;
mod restoring;
mod row;
mod search;
mod sign_on;
mod tallies;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

pub(crate) use self::connecting::journal_mode;
#[doc(hidden)]
pub use self::connecting::write_logs_again_by;
use self::error::statement_error;
use self::numbers::{Keeper, Kept};
use self::prepared::Changes;
pub(crate) use self::prepared::Prepared;
use crate::deliberate;
use crate::payment::advice::AdviceKind;
use crate::payment::queue::EntryId;
use crate::payment::record::{Record, ScriptResult, State};
use crate::payment::transaction::Kind;
use crate::receipt::CopyFor;
use crate::reference::{MerchantCode, TerminalNumber, TraceNumber};

pub use advices::{AdviceRow, AdviceState};
pub use archives::ArchiveRow;
pub use backup::{COPY, CopyDue};
pub use copies::{CopyRow, PrintState};
pub use deeds::DeedRow;
pub use error::{LedgerError, Loss};
pub use log::{CheckpointRow, LogEntry, Unlogged};
pub use orders::OrderRow;
pub use queue::DeadLetter;
pub use restoring::Restoration;
pub use row::{DayTotal, TransactionRow};
pub use search::{LastFour, Page, PageEnd, Search};
pub use sign_on::{Adopted, SignOnRow};

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
        Ok(Self { connection, path: path.to_owned(), merchant_code, terminal_number, data_version: None, keeper: None })
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

    /// Makes a change durable.
    ///
    /// # Errors
    /// When it cannot be written, or the row is not in a state from which this change is possible.
    pub fn record(&mut self, trace: TraceNumber, record: &Record) -> Result<(), LedgerError> {
        check_kind(record)?;
        let failed = statement_error(&self.path);
        let kept = match record {
            Record::Pending(pending) => self.seal(trace, &pending.pan)?,
            _ => None,
        };
        let transaction = self.connection.begin(TransactionBehavior::Deferred).map_err(&failed)?;
        if self.apply(trace, record, kept.as_ref()).map_err(&failed)? != 1 {
            return Err(LedgerError::NoSuchRow(trace));
        }
        if let Some(kept) = kept {
            self.keep_key(&kept).map_err(&failed)?;
        }
        // Paid, owing two slips and owing the host the TC is one fact: no power cut can part them.
        if let Record::Approved(card) = record {
            for copy in [CopyFor::Merchant, CopyFor::Customer] {
                if !deliberate::is("slips_apart") {
                    self.insert_copy(trace, copy).map_err(&failed)?;
                }
            }
            self.queue_advice(AdviceKind::CardResult, trace, &card.chip_data)?;
            if let Some(scripts) = &card.scripts {
                self.note_scripts(trace, scripts).map_err(&failed)?;
            }
        }
        if let Record::Unresolved { response_code, .. } = record {
            self.note_dead_letter(EntryId::Reversal(trace), response_code.as_ref())?;
        }
        if let Some(scripts) = record.scripts() {
            self.queue_advice(AdviceKind::ScriptResult, trace, &scripts.chip_data)?;
        }
        // What has only begun is not final, whatever became of others before it.
        if !matches!(record, Record::Pending(_) | Record::HostApproved { .. }) {
            self.log(trace)?;
        }
        self.commit(transaction)
    }

    fn apply(&self, trace: TraceNumber, record: &Record, kept: Option<&Kept>) -> rusqlite::Result<usize> {
        let (merchant, terminal) = (self.merchant_code.as_str(), self.terminal_number.as_str());
        let (batch, stan) = (trace.batch.number(), trace.stan.number());
        match record {
            Record::Pending(pending) => self.connection.execute(
                "INSERT INTO transactions (merchant_code, terminal_number, batch, stan, kind, state, amount, currency, at,
                     entry, truncated_pan, sequence_number, card_expiry, aid, application_label, chip_data, verification, bank,
                     sealed_pan)
                 VALUES (?1, ?2, ?3, ?4, 'sale', 'pending', ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
                params![
                    merchant,
                    terminal,
                    batch,
                    stan,
                    pending.amount.minor() as i64,
                    pending.amount.currency().code(),
                    pending.at.to_string(),
                    pending.entry.word(),
                    pending.pan.truncated(),
                    pending.sequence_number,
                    pending.card_expiry,
                    pending.aid,
                    pending.application_label,
                    pending.chip_data,
                    pending.verification.word(),
                    pending.bank,
                    kept.map(Kept::sealed_pan),
                ],
            ),
            Record::HostApproved { response_code, rrn, authorisation_code } => self.connection.execute(
                "UPDATE transactions SET state = 'host_approved', response_code = ?5, rrn = ?6, authorisation_code = ?7
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4 AND state = 'pending'",
                params![
                    merchant,
                    terminal,
                    batch,
                    stan,
                    response_code.as_str(),
                    rrn.as_ref().map(|rrn| rrn.as_str()),
                    authorisation_code.as_ref().map(|code| code.as_str()),
                ],
            ),
            Record::Approved(card) => self.connection.execute(
                "UPDATE transactions SET state = 'approved', cryptogram = ?5, tvr = ?6, tsi = ?7, atc = ?8, signature = ?9,
                     chip_data = NULL
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4 AND state = 'host_approved'",
                params![
                    merchant,
                    terminal,
                    batch,
                    stan,
                    card.cryptogram,
                    card.tvr,
                    card.tsi,
                    card.atc,
                    card.signature,
                ],
            ),
            // Of a kind that is not kept there is no row.
            Record::Done | Record::ApprovedByCard(..) | Record::RepeatDue { .. } => Ok(0),
            Record::Scripts(scripts) => self.note_scripts(trace, scripts),
            Record::NotPaid { reason, response_code, rrn } => self.connection.execute(
                "UPDATE transactions SET state = 'declined', reason = ?5, response_code = ?6, rrn = ?7, chip_data = NULL
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4 AND state = 'pending'",
                params![
                    merchant,
                    terminal,
                    batch,
                    stan,
                    reason.word(),
                    response_code.as_ref().map(|code| code.as_str()),
                    rrn.as_ref().map(|rrn| rrn.as_str()),
                ],
            ),
            Record::Unresolved { reason, response_code } => self.connection.execute(
                "UPDATE transactions SET state = 'unresolved', reversal_reason = '06', reason = ?5, response_code = ?6
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4 AND state = 'pending'",
                params![
                    merchant,
                    terminal,
                    batch,
                    stan,
                    reason.word(),
                    response_code.as_ref().map(|code| code.as_str())
                ],
            ),
            Record::ReversalDue { reversal_reason, reason, authorisation_code, chip_data } => self.connection.execute(
                "UPDATE transactions SET state = 'reversal_due', reversal_reason = ?5, reason = ?6,
                     authorisation_code = coalesce(?7, authorisation_code), chip_data = ?8
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4
                     AND state IN ('pending', 'host_approved')",
                params![
                    merchant,
                    terminal,
                    batch,
                    stan,
                    reversal_reason.code(),
                    reason.word(),
                    authorisation_code.as_ref().map(|code| code.as_str()),
                    chip_data,
                ],
            ),
        }
    }

    /// TVR and TSI of a payment are those after the last script.
    fn note_scripts(&self, trace: TraceNumber, scripts: &ScriptResult) -> rusqlite::Result<usize> {
        self.connection.execute(
            "UPDATE transactions SET script_results = ?5, tvr = ?6, tsi = ?7
             WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4
                 AND state NOT IN ('pending', 'host_approved')",
            params![
                self.merchant_code.as_str(),
                self.terminal_number.as_str(),
                trace.batch.number(),
                trace.stan.number(),
                scripts.results,
                scripts.tvr,
                scripts.tsi,
            ],
        )
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
                 WHERE (((state = 'pending' OR state = 'host_approved' OR state = 'reversal_due' OR state = 'unresolved')
                             AND resolution IS NULL)
                         OR id IN (SELECT transaction_id FROM advices WHERE state <> 'delivered' AND state = 'queued'))
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
        // As a whole: a power cut leaves the ledger as it was, and never one of a version that no program has written.
        let transaction = self.connection.begin(TransactionBehavior::Deferred).map_err(&failed)?;
        for migration in MIGRATIONS.iter().skip(found) {
            transaction.execute_batch(migration).map_err(&failed)?;
        }
        transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64).map_err(&failed)?;
        transaction.commit().map_err(&failed)
    }
}

/// The schema keeps sales; whatever else the core can do is refused before it leaves.
fn check_kind(record: &Record) -> Result<(), LedgerError> {
    match record {
        Record::Pending(pending) | Record::ApprovedByCard(pending, _) if pending.kind != Kind::Sale => {
            Err(LedgerError::Kind(pending.kind.word()))
        }
        Record::Pending(_)
        | Record::ApprovedByCard(..)
        | Record::HostApproved { .. }
        | Record::Approved(_)
        | Record::Done
        | Record::Scripts(_)
        | Record::NotPaid { .. }
        | Record::Unresolved { .. }
        | Record::ReversalDue { .. }
        | Record::RepeatDue { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests;
