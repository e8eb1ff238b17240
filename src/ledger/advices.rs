//! Advices and how far each is: `queued → delivered | parked`.

use rusqlite::{Connection, OptionalExtension, params};

use super::row::{read, word};
use super::{Ledger, LedgerError, row, statement_error};
use crate::payment::advice::{Advice, AdviceKind};
use crate::reference::{Batch, ResponseCode, Stan, TraceNumber};

/// How far an advice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdviceState {
    /// Waits for the host.
    Queued,
    /// The host has it.
    Delivered,
    /// The host does not take it, or all tries are used up: a person must look.
    Parked,
}

impl AdviceState {
    const ALL: [Self; 3] = [Self::Queued, Self::Delivered, Self::Parked];

    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Parked => "parked",
        }
    }
}

/// An advice as the ledger holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdviceRow {
    /// Which one.
    pub id: i64,
    /// What is sent; its chip data are empty once the host has it.
    pub advice: Advice,
    /// How far it is.
    pub state: AdviceState,
    /// Field 39 of the answer that parked it.
    pub response_code: Option<ResponseCode>,
    /// Tries that may have reached the host.
    pub tries: u32,
}

impl Ledger {
    /// The oldest advice that waits for the host.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn next_advice(&self) -> Result<Option<AdviceRow>, LedgerError> {
        Ok(self.advices("a.state = 'queued'", 1)?.into_iter().next())
    }

    /// All advices the host does not have yet, oldest first: those that wait, and those that a person must look at.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn undelivered_advices(&self) -> Result<Vec<AdviceRow>, LedgerError> {
        self.advices("a.state <> 'delivered'", i64::MAX)
    }

    /// How many tries of an advice count so far.
    ///
    /// # Errors
    /// When the ledger cannot be read, or there is no such advice.
    pub fn advice_tries(&self, id: i64) -> Result<u32, LedgerError> {
        self.connection
            .query_row("SELECT tries FROM advices WHERE id = ?1", [id], |row| row.get(0))
            .map_err(statement_error(&self.path))
    }

    /// Counts a try.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn count_advice_try(&mut self, id: i64) -> Result<(), LedgerError> {
        self.change_advice("UPDATE advices SET tries = tries + 1 WHERE id = ?1 AND state = 'queued'", params![id])
    }

    /// The host has it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn advice_delivered(&mut self, id: i64) -> Result<(), LedgerError> {
        self.change_advice(
            "UPDATE advices SET state = 'delivered', chip_data = NULL WHERE id = ?1 AND state = 'queued'",
            params![id],
        )
    }

    /// A person must look.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn advice_parked(&mut self, id: i64, code: Option<&ResponseCode>) -> Result<(), LedgerError> {
        self.change_advice(
            "UPDATE advices SET state = 'parked', response_code = ?2, tries = tries + 1
             WHERE id = ?1 AND state = 'queued'",
            params![id, code.map(ResponseCode::as_str)],
        )
    }

    fn change_advice(&self, sql: &str, parameters: &[&dyn rusqlite::ToSql]) -> Result<(), LedgerError> {
        match self.connection.execute(sql, parameters).map_err(statement_error(&self.path))? {
            1 => Ok(()),
            _ => Err(LedgerError::Value { what: "queued advice", value: "nothing".to_owned() }),
        }
    }

    fn advices(&self, condition: &str, limit: i64) -> Result<Vec<AdviceRow>, LedgerError> {
        let failed = statement_error(&self.path);
        let columns = row::COLUMNS;
        let count = row::COLUMN_COUNT;
        let sql = format!(
            "SELECT {columns}, a.id, a.kind, a.stan, a.state, a.chip_data, a.response_code, a.tries
             FROM advices a JOIN transactions t ON t.id = a.transaction_id
             WHERE {condition} AND merchant_code = ?1 AND terminal_number = ?2 ORDER BY a.id LIMIT ?3"
        );
        let mut statement = self.connection.prepare(&sql).map_err(&failed)?;
        let parameters = params![self.merchant_code.as_str(), self.terminal_number.as_str(), limit];
        let rows = statement.query_map(parameters, |found| {
            let numbers: (i64, u32, u32) = (found.get(count)?, found.get(count + 2)?, found.get(count + 6)?);
            let chip_data: Option<Vec<u8>> = found.get(count + 4)?;
            Ok(advice_row(found, count, numbers, chip_data.unwrap_or_default()))
        });
        rows.map_err(&failed)?.map(|row| row.map_err(&failed)?).collect()
    }

    /// Queues an advice of a transaction in the transaction of the database that has begun. One that waits already is
    /// replaced: it keeps its number and tells what is known now.
    pub(super) fn queue_advice(
        &self,
        kind: AdviceKind,
        original: TraceNumber,
        chip_data: &[u8],
    ) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let own = self.next_trace_number(&self.connection)?;
        self.connection
            .execute(
                "INSERT INTO advices (transaction_id, kind, stan, state, chip_data)
                 SELECT id, ?5, ?6, 'queued', ?7 FROM transactions
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4
                 ON CONFLICT (transaction_id, kind) DO UPDATE SET chip_data = ?7 WHERE state = 'queued'",
                params![
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    original.batch.number(),
                    original.stan.number(),
                    kind.word(),
                    own.stan.number(),
                    chip_data
                ],
            )
            .map(|_| ())
            .map_err(failed)
    }

    /// Takes a trace number in the transaction of the database that has begun.
    pub(super) fn next_trace_number(&self, connection: &Connection) -> Result<TraceNumber, LedgerError> {
        let failed = statement_error(&self.path);
        let (batch, stan): (u32, u32) = connection
            .query_row("SELECT batch, next_stan FROM counters WHERE id = 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(&failed)?;
        let unreadable = |value: u32| LedgerError::Value { what: "counter", value: value.to_string() };
        let batch = Batch::new(batch).map_err(|_| unreadable(batch))?;
        let mut stan = Stan::new(stan).map_err(|_| unreadable(stan))?;
        // After 999999 the counter begins again; numbers of this batch that are in use are passed over.
        while self.is_in_use(connection, TraceNumber { batch, stan })? {
            stan = stan.next();
        }
        connection
            .execute("UPDATE counters SET next_stan = ?1 WHERE id = 1", [stan.next().number()])
            .map_err(&failed)?;
        Ok(TraceNumber { batch, stan })
    }

    fn is_in_use(&self, connection: &Connection, trace: TraceNumber) -> Result<bool, LedgerError> {
        connection
            .query_row(
                "SELECT 1 FROM transactions t LEFT JOIN advices a ON a.transaction_id = t.id
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND (t.stan = ?4 OR a.stan = ?4)",
                params![
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    trace.batch.number(),
                    trace.stan.number()
                ],
                |_| Ok(()),
            )
            .optional()
            .map(|found| found.is_some())
            .map_err(statement_error(&self.path))
    }
}

fn advice_row(
    found: &rusqlite::Row<'_>,
    first: usize,
    (id, stan, tries): (i64, u32, u32),
    chip_data: Vec<u8>,
) -> Result<AdviceRow, LedgerError> {
    let original = read(found)?;
    let state = |text: &str| AdviceState::ALL.into_iter().find(|state| state.word() == text);
    let own = Stan::new(stan).map_err(|_| LedgerError::Value { what: "STAN", value: stan.to_string() })?;
    Ok(AdviceRow {
        id,
        advice: Advice {
            kind: word(found, first + 1, "kind of advice", AdviceKind::from_word)?,
            trace: TraceNumber { batch: original.trace.batch, stan: own },
            original: original.trace,
            amount: original.amount,
            at: original.at,
            entry: original.entry,
            sequence_number: original.sequence_number,
            chip_data,
        },
        state: word(found, first + 3, "state of an advice", state)?,
        response_code: row::maybe_word(found, first + 5, "response code", |text| ResponseCode::parse(text).ok())?,
        tries,
    })
}
