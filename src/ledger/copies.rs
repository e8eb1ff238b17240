//! Slips and how far each is: `queued → sending → sent_unconfirmed → printed | failed`.

use rusqlite::params;

use super::{Ledger, LedgerError, statement_error};
use crate::receipt::CopyFor;
use crate::reference::{Batch, Stan, TraceNumber};

/// How far a slip is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintState {
    /// Waits for its turn; nothing of it is on paper.
    Queued,
    /// On its way to the printer.
    Sending,
    /// Sent, or cut off while sending: a person must say whether it is on paper.
    SentUnconfirmed,
    /// On paper.
    Printed,
    /// Not on paper.
    Failed,
}

impl PrintState {
    const ALL: [Self; 5] = [Self::Queued, Self::Sending, Self::SentUnconfirmed, Self::Printed, Self::Failed];

    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::SentUnconfirmed => "sent_unconfirmed",
            Self::Printed => "printed",
            Self::Failed => "failed",
        }
    }
}

/// A slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyRow {
    /// Which transaction it belongs to.
    pub trace: TraceNumber,
    /// Whose it is.
    pub copy: CopyFor,
    /// 0 for the first print, then counted.
    pub duplicate: u32,
    /// How far it is.
    pub state: PrintState,
}

impl CopyRow {
    /// True for the same slip, however far each side thinks it is.
    pub fn same_slip(&self, other: &Self) -> bool {
        (self.trace, self.copy, self.duplicate) == (other.trace, other.copy, other.duplicate)
    }
}

/// Where slips stand.
struct Place {
    /// Their table.
    slips: &'static str,
    /// The column that says of which row they are.
    of: &'static str,
    /// The table of those rows.
    rows: &'static str,
}

const PLACES: [Place; 2] = [
    Place { slips: "copies", of: "transaction_id", rows: "transactions" },
    Place { slips: "cash_copies", of: "cash_sale", rows: "cash_sales" },
];

impl Ledger {
    /// Queues a slip: the first, or the next duplicate of one that was queued before. Gives its number.
    ///
    /// # Errors
    /// When it cannot be written or there is no such transaction.
    pub fn queue_copy(&mut self, trace: TraceNumber, copy: CopyFor) -> Result<CopyRow, LedgerError> {
        if self.insert_copy(trace, copy).map_err(statement_error(&self.path))? != 1 {
            return Err(LedgerError::NoSuchRow(trace));
        }
        let copies = self.copies_of(trace)?;
        copies.into_iter().rfind(|row| row.copy == copy).ok_or(LedgerError::NoSuchRow(trace))
    }

    pub(super) fn insert_copy(&self, trace: TraceNumber, copy: CopyFor) -> rusqlite::Result<usize> {
        self.in_its_place(|Place { slips, of, rows }| {
            self.connection.execute(
                &format!(
                    "INSERT INTO {slips} ({of}, copy, duplicate, state)
                     SELECT id, ?5, (SELECT count(*) FROM {slips} WHERE {of} = {rows}.id AND copy = ?5), 'queued' FROM {rows}
                     WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4"
                ),
                params![
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    trace.batch.number(),
                    trace.stan.number(),
                    copy.word()
                ],
            )
        })
    }

    /// A number is a payment's or a cash sale's: what changes nothing at the one is tried at the other.
    fn in_its_place(&self, change: impl Fn(&Place) -> rusqlite::Result<usize>) -> rusqlite::Result<usize> {
        let mut changed = 0;
        for place in &PLACES {
            if changed == 0 {
                changed = change(place)?;
            }
        }
        Ok(changed)
    }

    /// Notes how far a slip is.
    ///
    /// # Errors
    /// When it cannot be written or there is no such slip.
    pub fn copy_is(&mut self, row: &CopyRow, state: PrintState) -> Result<(), LedgerError> {
        let changed = self.in_its_place(|Place { slips, of, rows }| {
            self.connection.execute(
                &format!(
                    "UPDATE {slips} SET state = ?7 WHERE copy = ?5 AND duplicate = ?6 AND {of} = (SELECT id FROM {rows}
                      WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4)"
                ),
                params![
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    row.trace.batch.number(),
                    row.trace.stan.number(),
                    row.copy.word(),
                    row.duplicate,
                    state.word()
                ],
            )
        });
        let changed = changed.map_err(statement_error(&self.path))?;
        if changed == 1 { Ok(()) } else { Err(LedgerError::NoSuchRow(row.trace)) }
    }

    /// The slips of a transaction, in the order in which they were queued.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn copies_of(&self, trace: TraceNumber) -> Result<Vec<CopyRow>, LedgerError> {
        let rows = self.copies_where("t.batch = ?1 AND t.stan = ?2", &[&trace.batch.number(), &trace.stan.number()])?;
        Ok(rows.into_iter().filter(|row| row.trace == trace).collect())
    }

    /// Slips that a power cut left in a state, oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn copies_in(&self, state: PrintState) -> Result<Vec<CopyRow>, LedgerError> {
        self.copies_where("c.state = ?1", &[&state.word()])
    }

    fn copies_where(&self, condition: &str, parameters: &[&dyn rusqlite::ToSql]) -> Result<Vec<CopyRow>, LedgerError> {
        let mut copies = Vec::new();
        for place in &PLACES {
            copies.extend(self.copies_at(place, condition, parameters)?);
        }
        Ok(copies)
    }

    fn copies_at(
        &self,
        Place { slips, of, rows }: &Place,
        condition: &str,
        parameters: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<CopyRow>, LedgerError> {
        let failed = statement_error(&self.path);
        let sql = format!(
            "SELECT t.batch, t.stan, c.copy, c.duplicate, c.state FROM {slips} c JOIN {rows} t ON t.id = c.{of}
             WHERE {condition} ORDER BY t.id, c.duplicate, c.copy = 'customer'"
        );
        let mut statement = self.connection.prepare(&sql).map_err(&failed)?;
        let rows = statement
            .query_map(parameters, |row| {
                Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?, row.get::<_, String>(2)?, row.get(3)?, row.get(4)?))
            })
            .map_err(&failed)?;
        rows.map(|row| {
            let (batch, stan, copy, duplicate, state): (u32, u32, String, u32, String) = row.map_err(&failed)?;
            let wrong = |what, value: &dyn ToString| LedgerError::Value { what, value: value.to_string() };
            Ok(CopyRow {
                trace: TraceNumber {
                    batch: Batch::new(batch).map_err(|_| wrong("batch number", &batch))?,
                    stan: Stan::new(stan).map_err(|_| wrong("STAN", &stan))?,
                },
                copy: [CopyFor::Merchant, CopyFor::Customer]
                    .into_iter()
                    .find(|known| known.word() == copy)
                    .ok_or_else(|| wrong("copy", &copy))?,
                duplicate,
                state: PrintState::ALL
                    .into_iter()
                    .find(|known| known.word() == state)
                    .ok_or_else(|| wrong("print state", &state))?,
            })
        })
        .collect()
    }
}
