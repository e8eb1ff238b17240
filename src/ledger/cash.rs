//! Cash in the ledger: sales that no host hears of, what goes back of them, and whether the drawer was opened for them.
//!
//! Each is one database transaction with its number, its goods, its slips and its share of the open shift: a power cut leaves all of it
//! or nothing. That the drawer is to open is written down in it as well, before the pulse; whoever finds that later never sends it again.

use jiff::civil::{Date, DateTime};
use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};

use super::people::maybe_number;
use super::row::{trace_number, word};
use super::{Ledger, LedgerError, statement_error};
use crate::goods::SoldGood;
use crate::money::{Amount, Currency};
use crate::payment::cash::{CashKind, Tender, going_back};
use crate::payment::purchase::NotNow;
use crate::people::{PersonNumber, Shift};
use crate::receipt::CopyFor;
use crate::reference::{Batch, TraceNumber};

/// A cash sale, or what went back of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CashRow {
    /// Batch and STAN, among those of payments.
    pub trace: TraceNumber,
    /// Which of the two.
    pub kind: CashKind,
    /// Of a refund: the sale of which it went back.
    pub sale: Option<TraceNumber>,
    /// What was paid, or went back.
    pub amount: Amount,
    /// What the customer gave; nothing of a refund.
    pub given: Option<Amount>,
    /// What went back at once; nothing of a refund.
    pub change: Option<Amount>,
    /// What of a sale has gone back since.
    pub given_back: Amount,
    /// Local time.
    pub at: DateTime,
    /// Who took it; nobody, where nobody had signed on.
    pub cashier: Option<PersonNumber>,
    /// Whether the drawer was opened for it.
    pub drawer: DrawerState,
}

/// Whether a drawer was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawerState {
    /// There is none at the printer.
    None,
    /// It was to open. After a power cut nobody knows whether it did, and it is not asked again.
    Asked,
    /// The pulse has left.
    Opened,
    /// It has not, and will not.
    Failed,
}

/// What came about in cash of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CashSum {
    /// By whom; nobody, where nobody had signed on.
    pub cashier: Option<PersonNumber>,
    /// Which of the two.
    pub kind: CashKind,
    /// How many.
    pub count: u32,
    /// How much, in minor units.
    pub minor: u64,
}

impl DrawerState {
    const ALL: [Self; 4] = [Self::None, Self::Asked, Self::Opened, Self::Failed];

    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Asked => "asked",
            Self::Opened => "opened",
            Self::Failed => "failed",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    const fn first(with_drawer: bool) -> Self {
        if with_drawer { Self::Asked } else { Self::None }
    }
}

impl CashRow {
    /// Whose slips are printed of it: of a sale the customer's; of a refund both, for the customer signs one.
    pub const fn copies(kind: CashKind) -> &'static [CopyFor] {
        match kind {
            CashKind::Sale => &[CopyFor::Customer],
            CashKind::Refund => &[CopyFor::Merchant, CopyFor::Customer],
        }
    }

    /// What of a sale can still go back; nothing of a refund.
    pub fn left(&self) -> Option<Amount> {
        let sale = self.kind == CashKind::Sale;
        sale.then(|| going_back(self.amount, self.given_back, None).ok()).flatten()
    }
}

pub(super) const COLUMNS: &str =
    "c.batch, c.stan, c.kind, s.batch, s.stan, c.amount, c.currency, c.given, c.change, c.at, c.cashier,
    c.drawer, (SELECT coalesce(sum(r.amount), 0) FROM cash_sales r WHERE r.sale = c.id)";
/// How many they are.
pub(super) const COLUMN_COUNT: usize = 13;
pub(super) const SOURCE: &str = "cash_sales c LEFT JOIN cash_sales s ON s.id = c.sale";

impl Ledger {
    /// Writes a cash sale down, with its goods and the slip that is owed. `with_drawer`: one is at the printer, and opens for it.
    ///
    /// # Errors
    /// When it cannot be written, the lines do not come to what is paid, or the open shift's drawer cannot hold so much.
    pub fn record_cash_sale(
        &mut self,
        tender: Tender,
        at: DateTime,
        sold: &[SoldGood],
        with_drawer: bool,
    ) -> Result<CashRow, LedgerError> {
        self.check_space()?;
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        if let Some(purchase) = self.open_purchase()? {
            return Err(NotNow::Open(purchase.number).into());
        }
        let trace = self.note_cash_part(tender, at, with_drawer)?;
        self.note_sold_in_cash(tender.due(), sold)?;
        for copy in CashRow::copies(CashKind::Sale) {
            self.insert_copy(trace, *copy).map_err(&failed)?;
        }
        self.commit(transaction)?;
        self.cash(trace)?.ok_or(LedgerError::NoSuchRow(trace))
    }

    /// Notes that something is paid in cash, or a part of something, in a transaction of the database that whoever calls it has begun
    /// and commits: it takes a number of its own, and its share of the open shift. It owes no slip, and the drawer opens for it only
    /// when whoever calls it sends the pulse after the commit.
    ///
    /// # Errors
    /// When it cannot be written, or the open shift's drawer cannot hold so much.
    pub(super) fn note_cash_part(
        &self,
        tender: Tender,
        at: DateTime,
        with_drawer: bool,
    ) -> Result<TraceNumber, LedgerError> {
        let trace = self.next_trace_number()?;
        let shift = self.count_cash(CashKind::Sale, tender.due())?;
        self.connection
            .execute(
                "INSERT INTO cash_sales (merchant_code, terminal_number, batch, stan, kind, state, amount, currency, given, change,
                     at, cashier, shift, drawer)
                 VALUES (?1, ?2, ?3, ?4, 'cash_sale', 'done', ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                params![
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    trace.batch.number(),
                    trace.stan.number(),
                    tender.due().minor() as i64,
                    tender.due().currency().code(),
                    tender.given().minor() as i64,
                    tender.change().minor() as i64,
                    at.to_string(),
                    self.cashier.map(PersonNumber::number),
                    shift,
                    DrawerState::first(with_drawer).word(),
                ],
            )
            .map_err(statement_error(&self.path))?;
        Ok(trace)
    }

    /// Gives something of a cash sale back: so much, or all that is left of it.
    ///
    /// # Errors
    /// When there is no such sale, not so much is left of it or in the open shift's drawer, or it cannot be written.
    pub fn record_cash_refund(
        &mut self,
        sale: TraceNumber,
        wanted: Option<Amount>,
        at: DateTime,
        with_drawer: bool,
    ) -> Result<CashRow, LedgerError> {
        self.check_space()?;
        let failed = statement_error(&self.path);
        // Nobody who works on this ledger as well comes between the look and the row.
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let of = self.cash(sale)?.filter(|row| row.kind == CashKind::Sale).ok_or(LedgerError::NoSuchRow(sale))?;
        let amount = going_back(of.amount, of.given_back, wanted)?;
        let trace = self.next_trace_number()?;
        let shift = self.count_cash(CashKind::Refund, amount)?;
        let own = (self.merchant_code.as_str(), self.terminal_number.as_str());
        transaction
            .execute(
                "INSERT INTO cash_sales (merchant_code, terminal_number, batch, stan, kind, sale, state, amount, currency, at, cashier,
                     shift, drawer)
                 SELECT ?1, ?2, ?3, ?4, 'cash_refund', id, 'done', ?7, currency, ?8, ?9, ?10, ?11 FROM cash_sales
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?5 AND stan = ?6",
                params![
                    own.0,
                    own.1,
                    trace.batch.number(),
                    trace.stan.number(),
                    sale.batch.number(),
                    sale.stan.number(),
                    amount.minor() as i64,
                    at.to_string(),
                    self.cashier.map(PersonNumber::number),
                    shift,
                    DrawerState::first(with_drawer).word(),
                ],
            )
            .map_err(&failed)?;
        transaction
            .execute(
                "UPDATE cash_sales SET state = 'returned' WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3
                     AND stan = ?4 AND amount = (SELECT sum(r.amount) FROM cash_sales r WHERE r.sale = cash_sales.id)",
                params![own.0, own.1, sale.batch.number(), sale.stan.number()],
            )
            .map_err(&failed)?;
        for copy in CashRow::copies(CashKind::Refund) {
            self.insert_copy(trace, *copy).map_err(&failed)?;
        }
        self.commit(transaction)?;
        self.cash(trace)?.ok_or(LedgerError::NoSuchRow(trace))
    }

    /// Counts cash into the drawer of the shift that is open, or out of it, in the transaction that writes its row. Gives that shift;
    /// nothing, where none is open.
    fn count_cash(&self, kind: CashKind, amount: Amount) -> Result<Option<i64>, LedgerError> {
        let Some(shift) = self.open_shift()? else { return Ok(None) };
        // A terminal whose currency was changed meanwhile has two kinds of money in its drawer.
        shift.check(amount)?;
        let shift = shift.with_cash(kind, amount)?;
        self.connection
            .execute(
                "UPDATE shifts SET sold = ?2, given_back = ?3 WHERE id = ?1",
                params![shift.id, shift.sold.minor() as i64, shift.given_back.minor() as i64],
            )
            .map_err(statement_error(&self.path))?;
        Ok(Some(shift.id))
    }

    /// What came of the pulse.
    ///
    /// # Errors
    /// When it cannot be written, or the drawer was not to open for it.
    pub fn drawer_is(&mut self, trace: TraceNumber, state: DrawerState) -> Result<(), LedgerError> {
        let changed = self
            .connection
            .execute(
                "UPDATE cash_sales SET drawer = ?5 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4
                     AND drawer = 'asked'",
                params![
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    trace.batch.number(),
                    trace.stan.number(),
                    state.word()
                ],
            )
            .map_err(statement_error(&self.path))?;
        if changed == 1 { Ok(()) } else { Err(LedgerError::NoSuchRow(trace)) }
    }

    /// A cash sale or refund; nothing, where the number is none's.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn cash(&self, trace: TraceNumber) -> Result<Option<CashRow>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {SOURCE}
             WHERE c.merchant_code = ?1 AND c.terminal_number = ?2 AND c.batch = ?3 AND c.stan = ?4"
        );
        let (merchant, terminal) = (self.merchant_code.as_str(), self.terminal_number.as_str());
        self.connection
            .query_row(&sql, params![merchant, terminal, trace.batch.number(), trace.stan.number()], |row| {
                Ok(read(row))
            })
            .optional()
            .map_err(statement_error(&self.path))?
            .transpose()
    }

    /// How many cash sales and refunds there are.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn count_cash_rows(&self) -> Result<usize, LedgerError> {
        // Rows are numbered one after the other, and none leaves.
        self.connection
            .query_row("SELECT coalesce(max(id), 0) FROM cash_sales", [], |row| row.get::<_, i64>(0))
            .map(|count| usize::try_from(count).unwrap_or(0))
            .map_err(statement_error(&self.path))
    }

    /// What came about in cash while a batch was open, by who did it.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn cash_of_batch(&self, batch: Batch, currency: Currency) -> Result<Vec<CashSum>, LedgerError> {
        self.cash_sums(
            "merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND currency = ?4",
            params![self.merchant_code.as_str(), self.terminal_number.as_str(), batch.number(), currency.code()],
        )
    }

    /// What came about in cash in a shift, by who did it.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn cash_of_shift(&self, shift: &Shift) -> Result<Vec<CashSum>, LedgerError> {
        self.cash_sums("shift = ?1", params![shift.id])
    }

    /// What came about in cash on a day.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn cash_on(&self, day: Date, currency: Currency) -> Result<Vec<CashSum>, LedgerError> {
        let next = day.tomorrow().map_or_else(|_| "9999-12-31T24".to_owned(), |next| next.to_string());
        self.cash_sums("currency = ?1 AND at >= ?2 AND at < ?3", params![currency.code(), day.to_string(), next])
    }

    fn cash_sums(&self, condition: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<CashSum>, LedgerError> {
        let failed = statement_error(&self.path);
        let sql = format!(
            "SELECT cashier, kind, count(*), sum(amount) FROM cash_sales WHERE {condition}
             GROUP BY cashier, kind ORDER BY cashier, kind DESC"
        );
        let mut statement = self.connection.prepare(&sql).map_err(&failed)?;
        let rows = statement.query_map(values, |row| Ok(sum(row))).map_err(&failed)?;
        rows.map(|row| row.map_err(&failed)?).collect()
    }
}

fn sum(row: &Row<'_>) -> Result<CashSum, LedgerError> {
    let wrong = |error: rusqlite::Error| LedgerError::Value { what: "sum of cash", value: error.to_string() };
    let minor: i64 = row.get(3).map_err(wrong)?;
    Ok(CashSum {
        cashier: maybe_number(row, 0)?,
        kind: word(row, 1, "kind", CashKind::from_word)?,
        count: row.get(2).map_err(wrong)?,
        minor: minor.unsigned_abs(),
    })
}

pub(super) fn read(row: &Row<'_>) -> Result<CashRow, LedgerError> {
    let wrong = |error: rusqlite::Error| LedgerError::Value { what: "cash sale", value: error.to_string() };
    let currency: Currency = word(row, 6, "currency", |text| text.parse().ok())?;
    let amount = |minor: i64| {
        let amount = u64::try_from(minor).ok().and_then(|minor| Amount::new(minor, currency).ok());
        amount.ok_or_else(|| LedgerError::Value { what: "amount", value: minor.to_string() })
    };
    let maybe_amount = |index| row.get::<_, Option<i64>>(index).map_err(wrong)?.map(amount).transpose();
    let sale: (Option<u32>, Option<u32>) = (row.get(3).map_err(wrong)?, row.get(4).map_err(wrong)?);
    Ok(CashRow {
        trace: trace_number(row.get(0).map_err(wrong)?, row.get(1).map_err(wrong)?)?,
        kind: word(row, 2, "kind", CashKind::from_word)?,
        sale: sale.0.zip(sale.1).map(|(batch, stan)| trace_number(batch, stan)).transpose()?,
        amount: amount(row.get(5).map_err(wrong)?)?,
        given: maybe_amount(7)?,
        change: maybe_amount(8)?,
        at: word(row, 9, "time", |text| text.parse().ok())?,
        cashier: maybe_number(row, 10)?,
        drawer: word(row, 11, "state of a drawer", DrawerState::from_word)?,
        given_back: amount(row.get(12).map_err(wrong)?)?,
    })
}

#[cfg(test)]
mod tests;
