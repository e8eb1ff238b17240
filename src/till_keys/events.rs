//! What tills were told of their payments, in the order in which they were told: who was away catches up by the last number it had.

use rusqlite::params;

use super::payments::PaymentNumber;
use super::{TillId, TillKeys, TillKeysError};
use crate::ledger::Prepared;

/// Events that are kept, of all tills together.
pub const MOST_EVENTS: i64 = 5000;

/// What a till was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Grows from one to the next.
    pub id: i64,
    /// JSON of the payment as it stood then.
    pub data: String,
}

impl TillKeys {
    pub(super) fn insert_event(changes: &Prepared, number: PaymentNumber, data: &str) -> rusqlite::Result<i64> {
        changes.execute(
            "INSERT INTO events (till, data) SELECT till, ?2 FROM payments WHERE number = ?1",
            params![number.0, data],
        )?;
        let id = changes.last_insert_rowid();
        changes.execute("DELETE FROM events WHERE id <= ?1", [id - MOST_EVENTS])?;
        Ok(id)
    }

    /// What a till was told after the event `after`, oldest first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn events_after(&self, till: TillId, after: i64) -> Result<Vec<Event>, TillKeysError> {
        let failed = self.failed();
        let mut statement = self
            .connection()
            .prepare("SELECT id, data FROM events WHERE till = ?1 AND id > ?2 ORDER BY id")
            .map_err(&failed)?;
        let rows = statement
            .query_map(params![till.0, after], |row| Ok(Event { id: row.get(0)?, data: row.get(1)? }))
            .map_err(&failed)?;
        rows.map(|row| row.map_err(&failed)).collect()
    }

    /// The last event of all, or 0; and the last one that was given up to make room, or 0.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn event_range(&self) -> Result<(i64, i64), TillKeysError> {
        self.connection()
            .query_row("SELECT coalesce(max(id), 0), coalesce(min(id) - 1, 0) FROM events", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .map_err(self.failed())
    }
}
