//! Advices and how far each is: `queued → delivered | parked`.

use jiff::civil::DateTime;
use rusqlite::{ToSql, params};

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
    /// Tries that count.
    pub tries: u32,
    /// Local time of the next one.
    pub next_try: Option<DateTime>,
}

impl Ledger {
    /// The oldest advice that waits for the host.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn next_advice(&self) -> Result<Option<AdviceRow>, LedgerError> {
        Ok(self.advices("a.state <> 'delivered' AND a.state = 'queued'", &[], 1)?.into_iter().next())
    }

    /// All advices the host does not have yet, oldest first: those that wait, and those that a person must look at.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn undelivered_advices(&self) -> Result<Vec<AdviceRow>, LedgerError> {
        self.advices("a.state <> 'delivered' AND a.resolution IS NULL", &[], i64::MAX)
    }

    pub(super) fn change_advice(&self, sql: &str, parameters: &[&dyn rusqlite::ToSql]) -> Result<(), LedgerError> {
        match self.connection.execute(sql, parameters).map_err(statement_error(&self.path))? {
            1 => Ok(()),
            _ => Err(LedgerError::Value { what: "queued advice", value: "nothing".to_owned() }),
        }
    }

    /// Advices of a condition whose numbers are counted from 4.
    pub(super) fn advices(&self, condition: &str, numbers: &[i64], limit: i64) -> Result<Vec<AdviceRow>, LedgerError> {
        let failed = statement_error(&self.path);
        let (merchant, terminal) = (self.merchant_code.as_str(), self.terminal_number.as_str());
        let columns = row::COLUMNS;
        let count = row::COLUMN_COUNT;
        let sql = format!(
            "SELECT {columns}, a.id, a.kind, a.stan, a.state, a.chip_data, a.response_code, a.tries, a.batch, a.next_try
             FROM advices a CROSS JOIN transactions t ON t.id = a.transaction_id
             WHERE {condition} AND merchant_code = ?1 AND terminal_number = ?2 ORDER BY a.id LIMIT ?3"
        );
        let mut statement = self.connection.prepare(&sql).map_err(&failed)?;
        let mut parameters: Vec<&dyn ToSql> = vec![&merchant, &terminal, &limit];
        parameters.extend(numbers.iter().map(|number| number as &dyn ToSql));
        let rows = statement.query_map(&*parameters, |found| {
            let numbers = Numbers {
                id: found.get(count)?,
                batch: found.get(count + 7)?,
                stan: found.get(count + 2)?,
                tries: found.get(count + 6)?,
            };
            let chip_data: Option<Vec<u8>> = found.get(count + 4)?;
            Ok(advice_row(found, count, &numbers, chip_data.unwrap_or_default()))
        });
        rows.map_err(&failed)?.map(|row| row.map_err(&failed)?).collect()
    }

    /// Queues an advice of a transaction in the transaction of the database that has begun. One that waits already keeps its
    /// number and tells what is known now; nothing is sent while its payment runs.
    pub(super) fn queue_advice(
        &self,
        kind: AdviceKind,
        original: TraceNumber,
        chip_data: &[u8],
    ) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let payment: i64 = self
            .connection
            .query_row(
                "SELECT id FROM transactions
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4",
                params![
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    original.batch.number(),
                    original.stan.number()
                ],
                |row| row.get(0),
            )
            .map_err(&failed)?;
        let waits = self
            .connection
            .execute(
                "UPDATE advices SET chip_data = ?3 WHERE transaction_id = ?1 AND kind = ?2 AND state = 'queued'",
                params![payment, kind.word(), chip_data],
            )
            .map_err(&failed)?;
        if waits == 1 {
            return Ok(());
        }
        let own = self.next_trace_number()?;
        self.connection
            .execute(
                "INSERT INTO advices (transaction_id, kind, batch, stan, state, chip_data)
                 VALUES (?1, ?2, ?3, ?4, 'queued', ?5)",
                params![payment, kind.word(), own.batch.number(), own.stan.number(), chip_data],
            )
            .map(|_| ())
            .map_err(failed)
    }

    /// Takes a trace number in the transaction of the database that has begun.
    pub(super) fn next_trace_number(&self) -> Result<TraceNumber, LedgerError> {
        let failed = statement_error(&self.path);
        let (batch, stan): (u32, u32) = self
            .connection
            .query_row("SELECT batch, next_stan FROM counters WHERE id = 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(&failed)?;
        let unreadable = |value: u32| LedgerError::Value { what: "counter", value: value.to_string() };
        let batch = Batch::new(batch).map_err(|_| unreadable(batch))?;
        let first = Stan::new(stan).map_err(|_| unreadable(stan))?;
        let mut stan = first;
        // After 999999 the counter begins again; numbers of this batch that are in use are passed over.
        while self.is_in_use(TraceNumber { batch, stan })? {
            stan = stan.next();
            if stan == first {
                return Err(LedgerError::NoNumberLeft(batch));
            }
        }
        self.connection
            .execute("UPDATE counters SET next_stan = ?1 WHERE id = 1", [stan.next().number()])
            .map_err(&failed)?;
        Ok(TraceNumber { batch, stan })
    }

    fn is_in_use(&self, trace: TraceNumber) -> Result<bool, LedgerError> {
        let (merchant, terminal) = (self.merchant_code.as_str(), self.terminal_number.as_str());
        self.connection
            .prepare(
                "SELECT 1 FROM transactions
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4
                 UNION ALL SELECT 1 FROM advices WHERE batch = ?3 AND stan = ?4
                 UNION ALL SELECT 1 FROM cash_sales
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4",
            )
            .and_then(|mut used| used.exists(params![merchant, terminal, trace.batch.number(), trace.stan.number()]))
            .map_err(statement_error(&self.path))
    }
}

/// Numbers of a row.
struct Numbers {
    id: i64,
    batch: u32,
    stan: u32,
    tries: u32,
}

/// Reads a row whose columns behind those of its payment begin at `first`.
fn advice_row(
    found: &rusqlite::Row<'_>,
    first: usize,
    numbers: &Numbers,
    chip_data: Vec<u8>,
) -> Result<AdviceRow, LedgerError> {
    let original = read(found)?;
    let state = |text: &str| AdviceState::ALL.into_iter().find(|state| state.word() == text);
    let wrong = |what, value: u32| LedgerError::Value { what, value: value.to_string() };
    let trace = TraceNumber {
        batch: Batch::new(numbers.batch).map_err(|_| wrong("batch number", numbers.batch))?,
        stan: Stan::new(numbers.stan).map_err(|_| wrong("STAN", numbers.stan))?,
    };
    Ok(AdviceRow {
        id: numbers.id,
        advice: Advice {
            kind: word(found, first + 1, "kind of advice", AdviceKind::from_word)?,
            trace,
            original: original.trace,
            payment: original.kind,
            amount: original.asked_for(),
            at: original.at,
            entry: original.entry,
            with_pin: original.brought_pin(),
            sequence_number: original.sequence_number,
            chip_data,
            by_instalments: original.periods.is_some(),
        },
        state: word(found, first + 3, "state of an advice", state)?,
        response_code: row::maybe_word(found, first + 5, "response code", |text| ResponseCode::parse(text).ok())?,
        tries: numbers.tries,
        next_try: row::maybe_word(found, first + 8, "time", |text| text.parse().ok())?,
    })
}
