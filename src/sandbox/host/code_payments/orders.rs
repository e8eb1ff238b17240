//! What is written down of orders and refunds. Every change of an order is one statement that names the state that it leaves, so that
//! nothing leads on from a state that is an end.

use rusqlite::{OptionalExtension, Row, params};

use super::outcome;
use crate::money::{Amount, Currency};
use crate::reference::{Batch, Stan, TraceNumber};
use crate::sandbox::host::books::Books;
use crate::sandbox::host::store::StoreError;

/// Tables of this module.
pub(in crate::sandbox::host) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS wallets (
        name       TEXT PRIMARY KEY,
        network    TEXT NOT NULL,
        balance    INTEGER NOT NULL CHECK (balance >= 0),
        password   TEXT NOT NULL,             -- of a TEST wallet
        asks_above INTEGER NOT NULL,          -- for the password
        wrong      INTEGER NOT NULL DEFAULT 0 -- passwords in a row
    ) STRICT;
    CREATE TABLE IF NOT EXISTS code_orders (
        id         INTEGER PRIMARY KEY,
        terminal   TEXT NOT NULL REFERENCES terminals,
        batch      INTEGER NOT NULL,
        stan       INTEGER NOT NULL,
        moment     TEXT,                      -- MMDDhhmmss, as the terminal said it; nothing of one that never came
        amount     INTEGER NOT NULL CHECK (amount > 0),
        way        TEXT NOT NULL CHECK (way IN ('scanned', 'shown', 'never_came')),
        state      TEXT NOT NULL CHECK (state IN ('open', 'paid', 'refused', 'closed', 'paid_back')),
        outcome    TEXT NOT NULL,
        reason     TEXT NOT NULL,
        request    BLOB,                      -- SHA-256 of what it says
        wallet     TEXT REFERENCES wallets,
        expires_at INTEGER NOT NULL,          -- seconds since 1970
        token      TEXT UNIQUE,               -- names it in the code that is shown
        code       TEXT,                      -- that code
        rrn        TEXT NOT NULL,
        voucher    TEXT,
        cancels    INTEGER NOT NULL DEFAULT 0,
        UNIQUE (terminal, batch, stan),
        CHECK (state NOT IN ('paid', 'paid_back') OR (wallet IS NOT NULL AND voucher IS NOT NULL)),
        CHECK ((state = 'paid') = (outcome = '00'))
    ) STRICT;
    CREATE TABLE IF NOT EXISTS code_refunds (
        id            INTEGER PRIMARY KEY,
        terminal      TEXT NOT NULL REFERENCES terminals,
        batch         INTEGER NOT NULL,
        stan          INTEGER NOT NULL,
        code_order    INTEGER REFERENCES code_orders,
        amount        INTEGER NOT NULL,
        booked        INTEGER NOT NULL,       -- nothing when it was refused
        response_code TEXT NOT NULL,
        reason        TEXT NOT NULL,
        rrn           TEXT NOT NULL,
        request       BLOB NOT NULL,
        UNIQUE (terminal, batch, stan)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS wallet_codes (
        code       TEXT PRIMARY KEY,          -- of a TEST wallet
        wallet     TEXT NOT NULL REFERENCES wallets,
        expires_at INTEGER NOT NULL,
        used_by    INTEGER REFERENCES code_orders
    ) STRICT;
    -- What is over stays over.
    CREATE TRIGGER IF NOT EXISTS code_order_is_over BEFORE UPDATE OF state ON code_orders
        WHEN NEW.state <> OLD.state AND NOT (OLD.state = 'open' OR (OLD.state = 'paid' AND NEW.state = 'paid_back'))
    BEGIN
        SELECT RAISE(ABORT, 'an order that is over stays so');
    END;
";

/// Who showed a code to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The customer to the terminal.
    Scanned,
    /// The terminal to the customer.
    Shown,
    /// It was cancelled before it came.
    NeverCame,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// Somebody may still pay.
    Open,
    /// Paid.
    Paid,
    /// Never paid: the wallet or its owner said no.
    Refused,
    /// Never paid: cancelled, or too late.
    Closed,
    /// Paid, and all of it went back.
    PaidBack,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeOrder {
    /// Its row.
    pub(super) id: i64,
    /// Terminal number.
    pub terminal: String,
    /// Batch and STAN of its first request.
    pub trace: TraceNumber,
    /// MMDDhhmmss, as the terminal said it.
    pub(super) moment: Option<String>,
    /// What is to be paid.
    pub amount: Amount,
    /// Who shows a code to whom.
    pub way: Way,
    /// Where it stands.
    pub state: OrderState,
    /// The response code that its own request would have now.
    pub outcome: String,
    /// Why, for a technician.
    pub reason: String,
    /// What tells its request from others.
    pub(super) request: Option<Vec<u8>>,
    /// Who pays or has paid.
    pub wallet: Option<String>,
    /// Until when it can be paid, in seconds since 1970.
    pub expires_at: i64,
    /// What names it in the code that is shown.
    pub(super) token: Option<String>,
    /// The code that is shown.
    pub code: Option<String>,
    /// Retrieval reference number.
    pub rrn: String,
    /// The wallet's number of the payment.
    pub voucher: Option<String>,
    /// How often it was to be cancelled.
    pub cancels: u32,
    /// What was refunded of it.
    pub refunded: Amount,
}

/// A refund of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRefunded {
    /// Terminal number.
    pub terminal: String,
    /// Its own batch and STAN.
    pub trace: TraceNumber,
    /// Batch and STAN of the order, where there is one.
    pub order: Option<TraceNumber>,
    /// What was asked for.
    pub amount: Amount,
    /// What went back; nothing when it was refused.
    pub booked: Amount,
    /// Field 39.
    pub response_code: String,
    /// Why, for a technician.
    pub reason: String,
    /// Retrieval reference number.
    pub rrn: String,
    pub(super) request: Vec<u8>,
}

/// An order to be written.
pub(super) struct NewOrder<'a> {
    pub terminal: &'a str,
    pub trace: TraceNumber,
    pub moment: Option<&'a str>,
    pub minor: u64,
    pub way: Way,
    pub state: OrderState,
    pub outcome: &'a str,
    pub reason: &'a str,
    pub request: Option<&'a [u8]>,
    pub wallet: Option<&'a str>,
    pub expires_at: i64,
    pub token: Option<&'a str>,
    pub code: Option<&'a str>,
}

/// A refund to be written.
pub(super) struct NewRefund<'a> {
    pub terminal: &'a str,
    pub trace: TraceNumber,
    pub order: Option<i64>,
    pub minor: u64,
    pub booked: u64,
    pub response_code: &'a str,
    pub reason: &'a str,
    pub request: &'a [u8],
}

impl Way {
    const ALL: [Self; 3] = [Self::Scanned, Self::Shown, Self::NeverCame];

    /// The word in the database, in JSON and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Scanned => "scanned",
            Self::Shown => "shown",
            Self::NeverCame => "never_came",
        }
    }
}

impl OrderState {
    const ALL: [Self; 5] = [Self::Open, Self::Paid, Self::Refused, Self::Closed, Self::PaidBack];

    /// The word in the database, in JSON and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Refused => "refused",
            Self::Closed => "closed",
            Self::PaidBack => "paid_back",
        }
    }
}

impl CodeOrder {
    /// What the merchant has of it.
    ///
    /// # Errors
    /// When more went back than was paid, which is never written.
    pub fn kept(&self) -> Result<Amount, StoreError> {
        match self.state {
            OrderState::Paid => {
                self.amount.checked_sub(self.refunded).map_err(|error| StoreError::Row(error.to_string()))
            }
            OrderState::Open | OrderState::Refused | OrderState::Closed | OrderState::PaidBack => {
                Ok(Amount::zero(self.amount.currency()))
            }
        }
    }
}

const COLUMNS: &str = "id, terminal, batch, stan, moment, amount, way, state, outcome, reason, request, wallet, expires_at, token, code, \
     rrn, voucher, cancels, (SELECT coalesce(sum(booked), 0) FROM code_refunds WHERE code_order = code_orders.id)";

const REFUND_COLUMNS: &str = "terminal, batch, stan, amount, booked, response_code, reason, rrn, request,
    (SELECT batch FROM code_orders WHERE id = code_order), (SELECT stan FROM code_orders WHERE id = code_order)";

/// Orders that nobody paid in time are closed. Every transaction about orders begins with it.
pub(super) fn close_what_is_over(books: &Books<'_>, now: i64) -> Result<(), StoreError> {
    books.connection().execute(
        "UPDATE code_orders SET state = 'closed', outcome = ?2, reason = 'nobody paid in time'
         WHERE state = 'open' AND expires_at <= ?1",
        params![now, outcome::NOT_PAID],
    )?;
    Ok(())
}

/// All orders, oldest first.
pub(super) fn all(books: &Books<'_>) -> Result<Vec<CodeOrder>, StoreError> {
    let mut statement = books.connection().prepare(&format!("SELECT {COLUMNS} FROM code_orders ORDER BY id"))?;
    let rows = statement.query_map([], |row| Ok(order(row)))?;
    rows.map(|row| row?).collect()
}

/// The order of a number.
pub(super) fn of_number(
    books: &Books<'_>,
    terminal: &str,
    trace: TraceNumber,
) -> Result<Option<CodeOrder>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM code_orders WHERE terminal = ?1 AND batch = ?2 AND stan = ?3");
    let key = params![terminal, trace.batch.number(), trace.stan.number()];
    books.connection().query_row(&sql, key, |row| Ok(order(row))).optional()?.transpose()
}

/// The order that a shown code names.
pub(super) fn of_token(books: &Books<'_>, token: &str) -> Result<Option<CodeOrder>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM code_orders WHERE token = ?1");
    books.connection().query_row(&sql, [token], |row| Ok(order(row))).optional()?.transpose()
}

/// Writes one down.
pub(super) fn write(books: &Books<'_>, new: &NewOrder<'_>, rrn_of_day: &str) -> Result<CodeOrder, StoreError> {
    let connection = books.connection();
    let id: i64 = connection.query_row("SELECT coalesce(max(id), 0) + 1 FROM code_orders", [], |row| row.get(0))?;
    let paid = matches!(new.state, OrderState::Paid | OrderState::PaidBack);
    connection.execute(
        "INSERT INTO code_orders (id, terminal, batch, stan, moment, amount, way, state, outcome, reason, request, wallet, expires_at,
                                  token, code, rrn, voucher)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        params![
            id,
            new.terminal,
            new.trace.batch.number(),
            new.trace.stan.number(),
            new.moment,
            signed(new.minor)?,
            new.way.word(),
            new.state.word(),
            new.outcome,
            new.reason,
            new.request,
            new.wallet,
            new.expires_at,
            new.token,
            new.code,
            // Card transactions count from 0, refunds of orders from 9.
            format!("{rrn_of_day}8{:06}", id % 1_000_000),
            paid.then(|| voucher(id)),
        ],
    )?;
    of_number(books, new.terminal, new.trace)?.ok_or_else(|| StoreError::Row("an order that is not there".to_owned()))
}

/// An open order leaves its state.
pub(super) fn settle(
    books: &Books<'_>,
    order: &CodeOrder,
    state: OrderState,
    outcome: &str,
    reason: &str,
    wallet: Option<&str>,
) -> Result<(), StoreError> {
    let changed = books.connection().execute(
        "UPDATE code_orders SET state = ?2, outcome = ?3, reason = ?4, wallet = coalesce(?5, wallet), voucher = ?6
         WHERE id = ?1 AND state = 'open'",
        params![
            order.id,
            state.word(),
            outcome,
            reason,
            wallet,
            (state == OrderState::Paid).then(|| voucher(order.id))
        ],
    )?;
    one(changed, "an order that is over")
}

/// A paid order is paid back.
pub(super) fn pay_back(books: &Books<'_>, order: &CodeOrder, outcome: &str, reason: &str) -> Result<(), StoreError> {
    let changed = books.connection().execute(
        "UPDATE code_orders SET state = 'paid_back', outcome = ?2, reason = ?3 WHERE id = ?1 AND state = 'paid'",
        params![order.id, outcome, reason],
    )?;
    one(changed, "an order that is not paid")
}

/// Counts that it was to be cancelled.
pub(super) fn count_cancel(books: &Books<'_>, order: &CodeOrder) -> Result<(), StoreError> {
    let sql = "UPDATE code_orders SET cancels = cancels + 1 WHERE id = ?1";
    one(books.connection().execute(sql, [order.id])?, "an order that is not there")
}

/// All refunds, oldest first.
pub(super) fn refunds(books: &Books<'_>) -> Result<Vec<CodeRefunded>, StoreError> {
    let mut statement =
        books.connection().prepare(&format!("SELECT {REFUND_COLUMNS} FROM code_refunds ORDER BY id"))?;
    let rows = statement.query_map([], |row| Ok(refunded(row)))?;
    rows.map(|row| row?).collect()
}

/// The refund of a number.
pub(super) fn refund_of_number(
    books: &Books<'_>,
    terminal: &str,
    trace: TraceNumber,
) -> Result<Option<CodeRefunded>, StoreError> {
    let sql = format!("SELECT {REFUND_COLUMNS} FROM code_refunds WHERE terminal = ?1 AND batch = ?2 AND stan = ?3");
    let key = params![terminal, trace.batch.number(), trace.stan.number()];
    books.connection().query_row(&sql, key, |row| Ok(refunded(row))).optional()?.transpose()
}

/// Writes one down; gives its retrieval reference number.
pub(super) fn write_refund(books: &Books<'_>, new: &NewRefund<'_>, rrn_of_day: &str) -> Result<String, StoreError> {
    let connection = books.connection();
    let id: i64 = connection.query_row("SELECT coalesce(max(id), 0) + 1 FROM code_refunds", [], |row| row.get(0))?;
    let rrn = format!("{rrn_of_day}9{:06}", id % 1_000_000);
    connection.execute(
        "INSERT INTO code_refunds (id, terminal, batch, stan, code_order, amount, booked, response_code, reason, rrn, request)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            id,
            new.terminal,
            new.trace.batch.number(),
            new.trace.stan.number(),
            new.order,
            signed(new.minor)?,
            signed(new.booked)?,
            new.response_code,
            new.reason,
            rrn,
            new.request
        ],
    )?;
    Ok(rrn)
}

/// Whether a number is an order's or a refund's, so that it is no card transaction's.
///
/// # Errors
/// When the database cannot be read.
pub(in crate::sandbox::host) fn has_number(
    books: &Books<'_>,
    terminal: &str,
    trace: TraceNumber,
) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM code_orders WHERE terminal = ?1 AND batch = ?2 AND stan = ?3)
                   OR EXISTS (SELECT 1 FROM code_refunds WHERE terminal = ?1 AND batch = ?2 AND stan = ?3)";
    let key = params![terminal, trace.batch.number(), trace.stan.number()];
    Ok(books.connection().query_row(sql, key, |row| row.get(0))?)
}

fn voucher(id: i64) -> String {
    format!("TEST{id:016}")
}

fn one(changed: usize, problem: &str) -> Result<(), StoreError> {
    if changed == 1 { Ok(()) } else { Err(StoreError::Row(problem.to_owned())) }
}

pub(super) fn signed(minor: u64) -> Result<i64, StoreError> {
    minor.try_into().map_err(|_| StoreError::Row("an amount beyond all bounds".to_owned()))
}

fn cny(minor: i64) -> Result<Amount, StoreError> {
    let minor = u64::try_from(minor).map_err(|_| StoreError::Row("less than nothing".to_owned()))?;
    Amount::new(minor, Currency::CNY).map_err(|error| StoreError::Row(error.to_string()))
}

fn trace(batch: u32, stan: u32) -> Result<TraceNumber, StoreError> {
    match (Batch::new(batch), Stan::new(stan)) {
        (Ok(batch), Ok(stan)) => Ok(TraceNumber { batch, stan }),
        (Err(error), _) | (_, Err(error)) => Err(StoreError::Row(error.to_string())),
    }
}

fn order(row: &Row<'_>) -> Result<CodeOrder, StoreError> {
    let words: (String, String) = (row.get(6)?, row.get(7)?);
    Ok(CodeOrder {
        id: row.get(0)?,
        terminal: row.get(1)?,
        trace: trace(row.get(2)?, row.get(3)?)?,
        moment: row.get(4)?,
        amount: cny(row.get(5)?)?,
        way: Way::ALL.into_iter().find(|way| way.word() == words.0).ok_or(StoreError::Row(words.0))?,
        state: OrderState::ALL.into_iter().find(|state| state.word() == words.1).ok_or(StoreError::Row(words.1))?,
        outcome: row.get(8)?,
        reason: row.get(9)?,
        request: row.get(10)?,
        wallet: row.get(11)?,
        expires_at: row.get(12)?,
        token: row.get(13)?,
        code: row.get(14)?,
        rrn: row.get(15)?,
        voucher: row.get(16)?,
        cancels: row.get(17)?,
        refunded: cny(row.get(18)?)?,
    })
}

fn refunded(row: &Row<'_>) -> Result<CodeRefunded, StoreError> {
    let order: (Option<u32>, Option<u32>) = (row.get(9)?, row.get(10)?);
    Ok(CodeRefunded {
        terminal: row.get(0)?,
        trace: trace(row.get(1)?, row.get(2)?)?,
        amount: cny(row.get(3)?)?,
        booked: cny(row.get(4)?)?,
        response_code: row.get(5)?,
        reason: row.get(6)?,
        rrn: row.get(7)?,
        request: row.get(8)?,
        order: order.0.zip(order.1).map(|(batch, stan)| trace(batch, stan)).transpose()?,
    })
}
