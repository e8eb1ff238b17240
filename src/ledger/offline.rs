//! Offline sales and how far each is with the host: `queued → delivered | parked`. The sale itself is paid from the beginning; one that
//! is parked is for a person, and so is its payment.

use jiff::civil::DateTime;
use rusqlite::{ToSql, params};

use super::row::{COLUMN_COUNT, COLUMNS, TransactionRow, maybe_word, read, word};
use super::{Ledger, LedgerError, statement_error};
use crate::card_number::Pan;
use crate::goods::sold::Sold;
use crate::payment::offline::Unsent;
use crate::payment::online::{CardForHost, HostAnswer, SaleRequest};
use crate::payment::queue::{self, Entry, EntryId, Kind, Standing};
use crate::payment::record::{CardResult, State};
use crate::reference::{ResponseCode, TraceNumber};
use crate::wording::ReasonKind;

/// How far an offline sale is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OfflineState {
    Queued,
    Delivered,
    Parked,
}

impl OfflineState {
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "queued" => Some(Self::Queued),
            "delivered" => Some(Self::Delivered),
            "parked" => Some(Self::Parked),
            _ => None,
        }
    }
}

/// An offline sale as the queue knows it.
#[derive(Clone, Debug)]
pub(super) struct OfflineRow {
    payment: TransactionRow,
    state: OfflineState,
    chip_data: Vec<u8>,
    tries: u32,
    next_try: Option<DateTime>,
}

/// Those that wait for the host.
const WAITING: &str = "o.state <> 'delivered' AND o.state = 'queued'";

/// Those, and what a person must look at.
const OPEN: &str = "o.state <> 'delivered' AND (o.state = 'queued' OR t.resolution IS NULL)";

impl Ledger {
    /// The oldest that waits for the host.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn next_offline_sale(&self) -> Result<Option<OfflineRow>, LedgerError> {
        Ok(self.offline_sales(WAITING, &[], 1)?.pop())
    }

    /// Those that wait for the host or for a person, oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn open_offline_sales(&self) -> Result<Vec<OfflineRow>, LedgerError> {
        self.offline_sales(OPEN, &[], i64::MAX)
    }

    /// Which of them the host has not heard of, and will.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn offline_sales_to_tell(&self) -> Result<Vec<TraceNumber>, LedgerError> {
        let rows = self.offline_sales(WAITING, &[], i64::MAX)?;
        Ok(rows.into_iter().map(|row| row.payment.trace).collect())
    }

    /// Whether the host has not heard of this one, and will.
    pub(super) fn is_offline_sale_to_tell(&self, trace: TraceNumber) -> Result<bool, LedgerError> {
        Ok(self.open_offline_sale(trace)?.is_some_and(|row| row.state == OfflineState::Queued))
    }

    /// A copy took the ledger's place, and since it was made a person may have decided otherwise of those that are older than that
    /// takes: they are told by nobody but a person.
    pub(super) fn park_old_offline_sales(&mut self, at: DateTime) -> Result<(), LedgerError> {
        for OfflineRow { payment, .. } in self.offline_sales(WAITING, &[], i64::MAX)? {
            if queue::may_be_decided_since(at.duration_since(payment.at).as_secs()) {
                self.park(EntryId::OfflineSale(payment.trace), None)?;
                let reason = ReasonKind::LedgerRestored.word();
                self.change(payment.trace, "reason = ?5", &[State::Unresolved], params![reason])?;
            }
        }
        Ok(())
    }

    /// One of them.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn open_offline_sale(&self, trace: TraceNumber) -> Result<Option<OfflineRow>, LedgerError> {
        let condition = format!("{OPEN} AND t.batch = ?4 AND t.stan = ?5");
        let numbers = [trace.batch.number(), trace.stan.number()].map(i64::from);
        Ok(self.offline_sales(&condition, &numbers, 1)?.pop())
    }

    /// How much was sold offline and has not come to the host, with what a person must still look at.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn unsent_offline(&self) -> Result<Unsent, LedgerError> {
        let own = params![self.merchant_code.as_str(), self.terminal_number.as_str()];
        let sql = format!(
            "SELECT count(*), coalesce(sum(t.amount), 0) FROM offline_sales o CROSS JOIN transactions t ON t.id = o.transaction_id
             WHERE {OPEN} AND merchant_code = ?1 AND terminal_number = ?2"
        );
        let sums = self.connection.query_row(&sql, own, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
        let (count, minor) = sums.map_err(statement_error(&self.path))?;
        Ok(Unsent { count: u32::try_from(count).unwrap_or(u32::MAX), minor: u64::try_from(minor).unwrap_or(u64::MAX) })
    }

    /// How many wait for the host.
    pub(super) fn offline_sales_waiting(&self) -> Result<usize, LedgerError> {
        let own = params![self.merchant_code.as_str(), self.terminal_number.as_str()];
        let sql = format!(
            "SELECT count(*) FROM offline_sales o CROSS JOIN transactions t ON t.id = o.transaction_id
             WHERE {WAITING} AND merchant_code = ?1 AND terminal_number = ?2"
        );
        let count = self.connection.query_row(&sql, own, |row| row.get::<_, i64>(0));
        Ok(usize::try_from(count.map_err(statement_error(&self.path))?).unwrap_or(usize::MAX))
    }

    /// The request that tells the host of one that waits; nothing, where none of this number does.
    ///
    /// # Errors
    /// When the ledger cannot be read, the vault fails, or the number of the card is gone: then only a person can tell.
    pub fn offline_request(&self, trace: TraceNumber) -> Result<Option<SaleRequest>, LedgerError> {
        let row = self.open_offline_sale(trace)?.filter(|row| row.state == OfflineState::Queued);
        let Some(row) = row else { return Ok(None) };
        let pan = self.pan(trace)?.ok_or(LedgerError::NumberGone(trace))?;
        row.request(pan).map(Some)
    }

    /// Queues one in the transaction of the database that has begun, in which its payment was written.
    pub(super) fn queue_offline_sale(&self, card: &CardResult) -> Result<(), LedgerError> {
        self.connection
            .execute(
                "INSERT INTO offline_sales (transaction_id, chip_data) VALUES (last_insert_rowid(), ?1)",
                params![card.chip_data],
            )
            .map(|_| ())
            .map_err(statement_error(&self.path))
    }

    /// The host has booked it; it is told no more.
    ///
    /// # Errors
    /// When it cannot be written or does not wait.
    pub fn offline_sale_is_booked(&mut self, trace: TraceNumber, answer: &HostAnswer) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(rusqlite::TransactionBehavior::Deferred).map_err(&failed)?;
        self.change_offline_sale(trace, "queued", "state = 'delivered', chip_data = NULL, next_try = NULL", &[])?;
        self.change_its_payment(
            trace,
            "approved",
            "response_code = ?5, rrn = ?6, authorisation_code = ?7",
            params![
                answer.response_code.as_str(),
                answer.rrn.as_ref().map(|rrn| rrn.as_str()),
                answer.authorisation_code.as_ref().map(|code| code.as_str()),
            ],
        )?;
        self.log(trace)?;
        self.commit(transaction)
    }

    /// The host does not book it, or all tries are used up: a person must look. In the transaction of the database that has begun.
    ///
    /// # Errors
    /// When it cannot be written or does not wait.
    pub(super) fn park_offline_sale(&self, trace: TraceNumber, code: Option<&ResponseCode>) -> Result<(), LedgerError> {
        self.change_offline_sale(trace, "queued", "state = 'parked', tries = tries + 1, next_try = NULL", &[])?;
        // No reversal takes it back; where a row says why a person must look it says what one would have said.
        self.change_its_payment(
            trace,
            "approved",
            "state = 'unresolved', reason = ?5, response_code = ?6, reversal_reason = '06', chip_data = x''",
            params![ReasonKind::OfflineRefused.word(), code.map(ResponseCode::as_str)],
        )?;
        self.log(trace)
    }

    /// A person has it told to the host once more. In the transaction of the database that has begun.
    ///
    /// # Errors
    /// When it cannot be written, or its card number is gone.
    pub(super) fn retry_offline_sale(&self, trace: TraceNumber) -> Result<(), LedgerError> {
        self.change_offline_sale(trace, "parked", "state = 'queued', tries = 0", &[])?;
        self.change_its_payment(
            trace,
            "unresolved",
            "state = 'approved', reason = NULL, response_code = NULL, reversal_reason = NULL, chip_data = NULL",
            &[],
        )
    }

    /// Changes one in this state; parameters are counted from 5.
    pub(super) fn change_offline_sale(
        &self,
        trace: TraceNumber,
        from: &str,
        change: &str,
        parameters: &[&dyn ToSql],
    ) -> Result<(), LedgerError> {
        let sql = format!(
            "UPDATE offline_sales SET {change} WHERE state = '{from}' AND transaction_id = (SELECT id FROM transactions
             WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4)"
        );
        self.change_of_number(trace, &sql, parameters)
    }

    fn change_its_payment(
        &self,
        trace: TraceNumber,
        from: &str,
        change: &str,
        parameters: &[&dyn ToSql],
    ) -> Result<(), LedgerError> {
        let sql = format!(
            "UPDATE transactions SET {change} WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4
                 AND kind = 'offline_sale' AND state = '{from}'"
        );
        self.change_of_number(trace, &sql, parameters)
    }

    fn change_of_number(&self, trace: TraceNumber, sql: &str, parameters: &[&dyn ToSql]) -> Result<(), LedgerError> {
        let (merchant, terminal) = (self.merchant_code.as_str(), self.terminal_number.as_str());
        let (batch, stan) = (trace.batch.number(), trace.stan.number());
        let mut all: Vec<&dyn ToSql> = vec![&merchant, &terminal, &batch, &stan];
        all.extend(parameters);
        match self.connection.execute(sql, &*all).map_err(statement_error(&self.path))? {
            1 => Ok(()),
            _ => Err(LedgerError::Value { what: "offline sale in the queue", value: trace.to_string() }),
        }
    }

    /// Offline sales of a condition whose numbers are counted from 4.
    fn offline_sales(&self, condition: &str, numbers: &[i64], limit: i64) -> Result<Vec<OfflineRow>, LedgerError> {
        let failed = statement_error(&self.path);
        let (merchant, terminal) = (self.merchant_code.as_str(), self.terminal_number.as_str());
        let sql = format!(
            "SELECT {COLUMNS}, o.state, o.chip_data, o.tries, o.next_try
             FROM offline_sales o CROSS JOIN transactions t ON t.id = o.transaction_id
             WHERE {condition} AND merchant_code = ?1 AND terminal_number = ?2 ORDER BY o.transaction_id LIMIT ?3"
        );
        let mut statement = self.connection.prepare(&sql).map_err(&failed)?;
        let mut parameters: Vec<&dyn ToSql> = vec![&merchant, &terminal, &limit];
        parameters.extend(numbers.iter().map(|number| number as &dyn ToSql));
        let rows = statement.query_map(&*parameters, |row| {
            let chip_data: Option<Vec<u8>> = row.get(COLUMN_COUNT + 1)?;
            let tries = row.get(COLUMN_COUNT + 2)?;
            Ok(offline_row(row, chip_data.unwrap_or_default(), tries))
        });
        rows.map_err(&failed)?.map(|row| row.map_err(&failed)?).collect()
    }
}

/// Reads a row whose columns behind those of its payment are those of the offline sale.
fn offline_row(row: &rusqlite::Row<'_>, chip_data: Vec<u8>, tries: u32) -> Result<OfflineRow, LedgerError> {
    Ok(OfflineRow {
        payment: read(row)?,
        state: word(row, COLUMN_COUNT, "state of an offline sale", OfflineState::from_word)?,
        chip_data,
        tries,
        next_try: maybe_word(row, COLUMN_COUNT + 3, "time", |text| text.parse().ok())?,
    })
}

impl OfflineRow {
    /// The same at every try: by its number and its cryptogram the host knows it again.
    fn request(self, pan: Pan) -> Result<SaleRequest, LedgerError> {
        let Self { payment, chip_data, .. } = self;
        Ok(SaleRequest {
            trace: payment.trace,
            kind: payment.kind,
            original: None,
            amount: payment.amount,
            at: payment.at,
            card: CardForHost {
                pan,
                expiry: payment.expiry()?,
                track2: None,
                track3: None,
                sequence_number: payment.sequence_number,
                entry: payment.entry,
            },
            chip_data: chip_data.into(),
            pin: None,
            in_part: false,
            instalments: None,
            // Goods stand on the slip; the host is told of money alone.
            sold: Sold::default(),
        })
    }

    /// As an entry of the queue; nothing once the host has it.
    pub(super) fn entry(&self) -> Option<Entry> {
        let payment = &self.payment;
        let standing = match self.state {
            OfflineState::Queued => Standing::Waiting,
            OfflineState::Parked => Standing::Parked,
            OfflineState::Delivered => return None,
        };
        Some(Entry {
            id: EntryId::OfflineSale(payment.trace),
            kind: Kind::OfflineSale,
            trace: payment.trace,
            original: payment.trace,
            amount: payment.amount,
            at: payment.at,
            standing,
            tries: self.tries,
            next_try: self.next_try,
            reason: payment.reason,
            response_code: payment.response_code.clone(),
        })
    }
}

#[cfg(test)]
mod tests;
