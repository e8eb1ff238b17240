//! What a terminal may ask about its own payments: those of a batch as they are booked, a part at a time.

use rusqlite::params;

use super::store::{ENTRY_COLUMN_COUNT, ENTRY_COLUMNS, EntryState, Store, StoreError, entry};
use crate::acquirer::enrolment::wire::{BookedPayment, BookedPayments, MOST_PAYMENTS};

impl Store {
    /// Payments of a terminal's batch with higher numbers than `after`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn payments_of(&self, terminal: &str, batch: u32, after: u32) -> Result<BookedPayments, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare(&format!(
            "SELECT {ENTRY_COLUMNS}, coalesce(substr(pan, -4), '') FROM entries
             WHERE terminal = ?1 AND batch = ?2 AND stan > ?3 ORDER BY stan LIMIT ?4"
        ))?;
        // With one more it is known whether there are more.
        let rows = statement.query_map(params![terminal, batch, after, MOST_PAYMENTS as i64 + 1], |row| {
            Ok((entry(row), row.get::<_, String>(ENTRY_COLUMN_COUNT)?))
        })?;
        let mut payments = Vec::new();
        for row in rows {
            let (entry, last_four) = row?;
            let entry = entry?;
            let charged = entry.state == EntryState::Approved;
            let amount = if charged { entry.booked } else { entry.amount };
            payments.push(BookedPayment {
                stan: entry.trace.stan.number(),
                kind: entry.kind.word().to_owned(),
                charged,
                minor: amount.minor(),
                currency: amount.currency().code().to_owned(),
                rrn: entry.rrn,
                last_four,
            });
        }
        let more = payments.len() > MOST_PAYMENTS;
        payments.truncate(MOST_PAYMENTS);
        Ok(BookedPayments { payments, more })
    }
}
