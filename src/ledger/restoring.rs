//! The last good copy takes the place of a ledger that is damaged or lost, when a person wants it.
//!
//! Payments since the copy are known to the host alone. Numbers that may have been used since are passed over, working
//! keys are fetched anew, and what was to be taken back is left to a person where one may have decided about it since.
//! The copy itself becomes what took the place, so that a second restoration goes on from there.

use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use rusqlite::{OpenFlags, TransactionBehavior, params};

use super::backup::{COPY, beside, check_whole};
use super::connecting::open_to_read;
use super::queue::entry_id;
use super::row::trace_number;
use super::{Ledger, LedgerError, connecting, presence, statement_error};
use crate::payment::queue;
use crate::payment::record::{Record, State};
use crate::payment::reversal;
use crate::payment::transaction::Resume;
use crate::reference::{Batch, MerchantCode, Stan, TerminalNumber};
use crate::terminal::files;
use crate::wording::ReasonKind;

/// Numbers that are passed over after a copy took the ledger's place: more than a terminal uses between two copies.
const PASSED_OVER: u32 = 100_000;

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

/// The note that a copy is taking the ledger's place: as long as it is there, what stands in that place may be half of
/// each.
fn note_of(ledger: &Path) -> PathBuf {
    beside(ledger, ".restoring")
}

/// Refuses a ledger whose place a copy was to take when the power went.
pub(super) fn check_not_half_restored(ledger: &Path) -> Result<(), LedgerError> {
    if note_of(ledger).exists() { Err(LedgerError::HalfRestored(ledger.display().to_string())) } else { Ok(()) }
}

impl Ledger {
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

    /// Puts the last good copy in the place of a ledger that is damaged or lost. What is there of it is kept beside.
    /// Cut short, it is done again from the beginning.
    ///
    /// # Errors
    /// When the ledger is whole, there is no whole copy of this terminal's, or something cannot be written.
    pub fn restore(
        path: &Path,
        merchant_code: MerchantCode,
        terminal_number: TerminalNumber,
        by: &str,
        at: DateTime,
    ) -> Result<Restoration, LedgerError> {
        let copy = path.with_file_name(COPY);
        if check_not_half_restored(path).is_ok() && is_whole(path) && !presence::knows_less_than_copy(path) {
            return Err(LedgerError::NotDamaged(path.display().to_string()));
        }
        if !copy.exists() || Self::is_of_another(&copy, &merchant_code, &terminal_number) {
            return Err(LedgerError::NoCopy(copy.display().to_string()));
        }
        check_whole(&open_to_read(&copy)?, &copy)?;
        let file = |source| LedgerError::File { path: path.display().to_string(), source };
        let fresh = beside(path, ".restored");
        for ending in ["", "-wal", "-shm", "-journal"] {
            files::remove(&beside(&fresh, ending)).map_err(file)?;
        }
        std::fs::copy(&copy, &fresh).and_then(|_| files::open_private(&fresh)).map_err(file)?;
        let restoration = Self::prepare(&fresh, merchant_code, terminal_number, by, at)?;
        check_whole(&open_to_read(&fresh)?, &fresh)?;
        let synced = |path: &Path| std::fs::File::open(path).and_then(|file| file.sync_all());
        synced(&fresh).map_err(file)?;
        let next_copy = beside(&copy, ".restored");
        std::fs::copy(&fresh, &next_copy).and_then(|_| files::open_private(&next_copy)).map_err(file)?;
        synced(&next_copy).map_err(file)?;

        files::write(&note_of(path), b"a copy takes the place of this ledger\n").map_err(file)?;
        put_damaged_aside(path, at).map_err(file)?;
        std::fs::rename(&fresh, path).and_then(|()| files::sync(files::parent(path))).map_err(file)?;
        // A card that wears out damages more than once: the next restoration must not give the same numbers again. As
        // long as the note is there none of them has been given.
        std::fs::rename(&next_copy, &copy).and_then(|()| files::sync(files::parent(path))).map_err(file)?;
        files::remove(&note_of(path)).and_then(|()| files::sync(files::parent(path))).map_err(file)?;
        Ok(restoration)
    }

    /// Whether the last good copy is there and whole.
    pub fn has_whole_copy(path: &Path) -> bool {
        is_whole(&path.with_file_name(COPY))
    }

    /// Puts a ledger that nobody can read any more aside, with a copy that cannot take its place.
    ///
    /// # Errors
    /// When it cannot be: it is where it was.
    pub fn put_remains_aside(path: &Path, at: DateTime) -> Result<(), LedgerError> {
        let copy = path.with_file_name(COPY);
        let put_aside = || {
            let aside = put_damaged_aside(path, at)?;
            if copy.exists() {
                std::fs::rename(&copy, beside(&aside, "-copy"))?;
            }
            files::remove(&note_of(path))?;
            files::sync(files::parent(path))
        };
        put_aside().map_err(|source| LedgerError::File { path: path.display().to_string(), source })
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
        connecting::write_ahead(&ledger.connection, fresh)?;
        ledger.migrate()?;
        ledger.take_into_log()?;
        ledger.check_identity()?;
        let failed = statement_error(fresh);
        let transaction = ledger.connection.begin(TransactionBehavior::Deferred).map_err(&failed)?;
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
        ledger.leave_to_a_person_what_may_be_decided(at)?;
        connecting::one_file(&ledger.connection, fresh)?;
        Ok(Restoration { at, by: by.to_owned(), made_at, batch: known.batch, known: known.stan, next })
    }

    /// What was to be taken back or sent again when the copy was made, and is old enough for a person to have decided about it since,
    /// waits for a person again.
    fn leave_to_a_person_what_may_be_decided(&mut self, at: DateTime) -> Result<(), LedgerError> {
        for state in [State::Pending, State::HostApproved, State::ReversalDue, State::RepeatDue] {
            for row in self.in_state(state)? {
                let age_s = at.duration_since(row.at).as_secs();
                if !queue::may_be_decided_since(age_s) {
                    continue;
                }
                match (row.kind.after_restart(state), reversal::after_restart(state)) {
                    // Nobody has anything to decide about what the host has approved and nobody else has to.
                    (Some(Resume::Finish), _) => continue,
                    (Some(Resume::Repeat), Some((_, reason))) => {
                        self.record(row.trace, &Record::RepeatDue { reason })?;
                    }
                    (Some(Resume::TakeBack), Some((reversal_reason, reason))) => {
                        let chip_data = row.chip_data.clone().unwrap_or_default();
                        let due = Record::ReversalDue { reversal_reason, reason, authorisation_code: None, chip_data };
                        self.record(row.trace, &due)?;
                    }
                    (_, _) => {}
                }
                self.park(entry_id(row.kind, row.trace), None)?;
                let reason = ReasonKind::LedgerRestored.word();
                self.change(row.trace, "reason = ?5", &[State::Unresolved], params![reason])?;
            }
        }
        self.park_old_offline_sales(at)
    }

    /// Whether a copy took the ledger's place since this time.
    pub(super) fn was_restored_since(&self, time: Option<DateTime>) -> Result<bool, LedgerError> {
        let time = time.map(|time| time.to_string()).unwrap_or_default();
        self.connection
            .query_row("SELECT EXISTS (SELECT 1 FROM restorations WHERE at >= ?1)", [time], |row| row.get(0))
            .map_err(statement_error(&self.path))
    }
}

/// Keeps what is there of a ledger under another name. What SQLite wrote beside it must not be taken for the next one's.
fn put_damaged_aside(path: &Path, at: DateTime) -> std::io::Result<PathBuf> {
    let aside = path.with_file_name(format!("ledger-damaged-{}.sqlite", at.strftime("%Y%m%dT%H%M%S")));
    for ending in ["", "-wal", "-shm", "-journal"] {
        match std::fs::rename(beside(path, ending), beside(&aside, ending)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(aside)
}

/// Whether there is a ledger that is not damaged. It is left as it is.
pub(super) fn is_whole(path: &Path) -> bool {
    presence::is_there(path).is_ok_and(|there| there)
        && open_to_read(path)
            .and_then(|connection| {
                check_whole(&connection, path)?;
                presence::check_schema(&connection, path)
            })
            .is_ok()
}

#[cfg(test)]
mod tests;
