//! Reading transactions back.

use jiff::civil::{Date, DateTime};
use rusqlite::{OptionalExtension, Row, params};

use super::people::maybe_number;
use super::{Ledger, LedgerError, statement_error};
use crate::crypto::hex;
use crate::emv::cvm::Verification;
use crate::money::{Amount, Currency};
use crate::payment::cash::CashKind;
use crate::payment::instalments::Periods;
use crate::payment::online::{EntryMode, LateApproval, ReversalReason, ReversalRequest};
use crate::payment::queue::Resolution;
use crate::payment::record::State;
use crate::payment::signature::SignedOn;
use crate::payment::transaction::{Kind, Money};
use crate::people::PersonNumber;
use crate::reference::{AuthorisationCode, Batch, ResponseCode, Rrn, Stan, TraceNumber};
use crate::wording::ReasonKind;

/// A transaction as the ledger holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionRow {
    /// Batch and STAN.
    pub trace: TraceNumber,
    /// What was to be done.
    pub kind: Kind,
    /// What it refers to.
    pub original: Option<TraceNumber>,
    /// Local time of that.
    pub original_at: Option<DateTime>,
    /// Where it stands.
    pub state: State,
    /// Amount: of a sale of which a part was approved, that part.
    pub amount: Amount,
    /// What was asked for, where a part of it was approved.
    pub asked: Option<Amount>,
    /// Local time.
    pub at: DateTime,
    /// How the card was read.
    pub entry: EntryMode,
    /// How the cardholder was verified; not known of a payment from before version 4 of the ledger.
    pub verification: Option<Verification>,
    /// Card number, first six and last four.
    pub truncated_pan: String,
    /// PAN sequence number.
    pub sequence_number: Option<u8>,
    /// Expiry, `YYMM`.
    pub card_expiry: Option<String>,
    /// Application identifier, hexadecimal; that of the original, where the card was not read.
    pub aid: String,
    /// Application label.
    pub application_label: String,
    /// The bank behind the card, where the acquirer's list knew it.
    pub bank: Option<String>,
    /// Field 55 of a reversal; gone once none can be needed.
    pub chip_data: Option<Vec<u8>>,
    /// Why it was not paid or is taken back.
    pub reason: Option<ReasonKind>,
    /// Field 39.
    pub response_code: Option<ResponseCode>,
    /// Field 37.
    pub rrn: Option<Rrn>,
    /// Field 38.
    pub authorisation_code: Option<AuthorisationCode>,
    /// TC, hexadecimal.
    pub cryptogram: Option<String>,
    /// TVR, hexadecimal.
    pub tvr: Option<String>,
    /// TSI, hexadecimal.
    pub tsi: Option<String>,
    /// What the card made of the issuer's scripts (9F5B), hexadecimal.
    pub script_results: Option<String>,
    /// ATC, hexadecimal.
    pub atc: Option<String>,
    /// The cardholder signs.
    pub signature: bool,
    /// The signature was given on the screen.
    pub signed_on_screen: bool,
    /// Field 39 of the reversal.
    pub reversal_reason: Option<ReversalReason>,
    /// Tries to take it back, or to send it again, that may have reached the host.
    pub reversal_tries: u32,
    /// Local time of the next one.
    pub next_try: Option<DateTime>,
    /// What a person found out, when the terminal had given up.
    pub resolution: Option<Resolution>,
    /// An approval that came too late, and its local time.
    pub late: Option<(LateApproval, DateTime)>,
    /// Of a payment by code: the end of the customer's code, where it was theirs.
    pub code_tail: Option<String>,
    /// By which number the wallet knows it.
    pub voucher: Option<String>,
    /// It was paid for a moment before its order was closed: the customer has the money back.
    pub paid_back: bool,
    /// In how many periods a sale is paid, or the one that it undoes was; nothing of what is paid at once.
    pub periods: Option<Periods>,
    /// Who took it; nobody, where nobody had signed on.
    pub cashier: Option<PersonNumber>,
}

/// What was paid on one day, and what went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayTotal {
    /// How many payments.
    pub count: usize,
    /// How much they are.
    pub amount: Amount,
    /// How many times something went back: voids, refunds and voids of completions.
    pub count_back: usize,
    /// How much that is.
    pub back: Amount,
}

impl DayTotal {
    /// What is left of it in minor units; less than nothing, where more went back than was paid.
    pub const fn net_minor(&self) -> i64 {
        (self.amount.minor() as i64).saturating_sub(self.back.minor() as i64)
    }
}

pub(super) const COLUMNS: &str =
    "t.batch, t.stan, t.state, amount, currency, at, entry, truncated_pan, sequence_number, card_expiry, aid,
    application_label, t.chip_data, reason, t.response_code, rrn, authorisation_code, cryptogram, tvr, tsi, atc, signature,
    reversal_reason, reversal_tries, script_results, t.next_try, t.resolution, late_response_code, late_rrn,
    late_authorisation_code, late_at, verification, t.bank, t.kind, original_batch, original_stan, original_at,
    code_tail, voucher, paid_back, cashier, asked,
    EXISTS (SELECT 1 FROM signatures g WHERE g.transaction_id = t.id),
    (SELECT i.periods FROM instalments i WHERE i.transaction_id = CASE t.kind WHEN 'sale' THEN t.id
         WHEN 'void' THEN (SELECT o.id FROM transactions o WHERE o.merchant_code = t.merchant_code
             AND o.terminal_number = t.terminal_number AND o.batch = t.original_batch AND o.stan = t.original_stan) END)";
/// How many they are.
pub(super) const COLUMN_COUNT: usize = 44;

impl TransactionRow {
    /// Whether slips say that it is paid.
    pub const fn has_slips(&self) -> bool {
        self.state.has_slips(self.kind, self.resolution)
    }

    /// Whether the request brought a PIN for the bank.
    pub fn brought_pin(&self) -> bool {
        self.verification == Some(Verification::OnlinePin)
    }

    /// How the cardholder signs.
    pub const fn signed_on(&self) -> SignedOn {
        SignedOn::of(self.signature, self.signed_on_screen)
    }

    /// Expiry of the card, year and month packed; nothing where it is not known.
    ///
    /// # Errors
    /// When the row says something else.
    pub(super) fn expiry(&self) -> Result<Option<[u8; 2]>, LedgerError> {
        let of = |digits: &String| {
            let bytes = hex::decode(digits).ok().and_then(|bytes| <[u8; 2]>::try_from(bytes).ok());
            bytes.ok_or(LedgerError::Value { what: "expiry", value: digits.clone() })
        };
        self.card_expiry.as_ref().map(of).transpose()
    }

    /// What the host was asked for: it knows the request by that.
    pub fn asked_for(&self) -> Amount {
        self.asked.unwrap_or(self.amount)
    }

    /// The reversal that takes it back, when one is due.
    pub fn reversal_request(&self) -> Option<ReversalRequest> {
        Some(ReversalRequest {
            kind: self.kind,
            trace: self.trace,
            amount: self.asked_for(),
            at: self.at,
            entry: self.entry,
            with_pin: self.brought_pin(),
            sequence_number: self.sequence_number,
            reason: self.reversal_reason?,
            authorisation_code: self.authorisation_code.clone(),
            chip_data: self.chip_data.clone()?,
            by_instalments: self.periods.is_some(),
        })
    }
}

impl Ledger {
    /// One transaction.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn find(&self, trace: TraceNumber) -> Result<Option<TransactionRow>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM transactions t
             WHERE merchant_code = ?1 AND terminal_number = ?2 AND t.batch = ?3 AND t.stan = ?4"
        );
        self.connection
            .query_row(
                &sql,
                params![
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    trace.batch.number(),
                    trace.stan.number()
                ],
                |row| Ok(read(row)),
            )
            .optional()
            .map_err(statement_error(&self.path))?
            .transpose()
    }

    /// A page of transactions, newest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn page(&self, page: usize, page_length: usize) -> Result<Vec<TransactionRow>, LedgerError> {
        let sql = format!("SELECT {COLUMNS} FROM transactions t ORDER BY t.id DESC LIMIT ?1 OFFSET ?2");
        self.rows(&sql, params![page_length as i64, page.saturating_mul(page_length) as i64])
    }

    /// How many transactions there are. Rows are numbered one after the other and leave for archives only, the newest never: nobody
    /// has to count them. An archive that is looked at says itself how many are in it.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn count(&self) -> Result<usize, LedgerError> {
        let sql = "SELECT coalesce((SELECT max(id) FROM transactions), 0) - coalesce((SELECT sum(payments) FROM archives), 0)";
        self.connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map(|count| usize::try_from(count).unwrap_or(0))
            .map_err(statement_error(&self.path))
    }

    /// Transactions in a state, oldest first; of those that the terminal gave up, those that a person has not decided.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn in_state(&self, state: State) -> Result<Vec<TransactionRow>, LedgerError> {
        self.payments(&format!("t.state = '{}' AND t.resolution IS NULL", state.word()), i64::MAX)
    }

    /// The transactions of a batch of this terminal, by their numbers.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn of_batch(&self, batch: Batch) -> Result<Vec<TransactionRow>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM transactions t
             WHERE merchant_code = ?1 AND terminal_number = ?2 AND t.batch = ?3 ORDER BY t.stan"
        );
        self.rows(&sql, params![self.merchant_code.as_str(), self.terminal_number.as_str(), batch.number()])
    }

    /// The oldest transactions for which a fixed condition holds.
    pub(super) fn payments(&self, condition: &str, limit: i64) -> Result<Vec<TransactionRow>, LedgerError> {
        let sql = format!("SELECT {COLUMNS} FROM transactions t WHERE {condition} ORDER BY t.id LIMIT ?1");
        self.rows(&sql, params![limit])
    }

    /// What was paid on a day in a currency, and what went back; what a person found out to be charged counts as well.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn paid_on(&self, day: Date, currency: Currency) -> Result<DayTotal, LedgerError> {
        let zero = Amount::zero(currency);
        let mut total = DayTotal { count: 0, amount: zero, count_back: 0, back: zero };
        let too_much = |_| LedgerError::Value { what: "sum of amounts", value: "too much".to_owned() };
        for (kind, count, sum) in self.done_on(day, currency)? {
            let (counted, amount) = match kind.money() {
                Money::ToMerchant => (&mut total.count, &mut total.amount),
                Money::ToCustomer => (&mut total.count_back, &mut total.back),
                Money::Held | Money::Released | Money::None => continue,
            };
            *counted += count;
            *amount = Amount::new(amount.minor().saturating_add(sum), currency).map_err(too_much)?;
        }
        for sum in self.cash_on(day, currency)? {
            let (counted, amount) = match sum.kind {
                CashKind::Sale => (&mut total.count, &mut total.amount),
                CashKind::Refund => (&mut total.count_back, &mut total.back),
            };
            *counted += sum.count as usize;
            *amount = Amount::new(amount.minor().saturating_add(sum.minor), currency).map_err(too_much)?;
        }
        Ok(total)
    }

    /// How many transactions of each kind came about on a day, and how much they are in minor units.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn done_on(&self, day: Date, currency: Currency) -> Result<Vec<(Kind, usize, u64)>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self
            .connection
            .prepare(
                "SELECT kind, count(*), sum(amount) FROM transactions t
                 WHERE (state = 'approved' OR (state = 'unresolved' AND resolution = 'charged')) AND currency = ?1 AND at >= ?2 AND at < ?3
                 GROUP BY kind",
            )
            .map_err(&failed)?;
        let rows = statement.query_map(
            params![
                currency.code(),
                day.to_string(),
                day.tomorrow().map_or_else(|_| "9999-12-31T24".to_owned(), |next| next.to_string())
            ],
            |row| Ok((word(row, 0, "kind", Kind::from_word), row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)),
        );
        rows.map_err(&failed)?
            .map(|row| {
                let (kind, count, sum) = row.map_err(&failed)?;
                let wrong = || LedgerError::Value { what: "sum of amounts", value: sum.to_string() };
                Ok((kind?, usize::try_from(count).unwrap_or(0), u64::try_from(sum).map_err(|_| wrong())?))
            })
            .collect()
    }

    fn rows(&self, sql: &str, parameters: &[&dyn rusqlite::ToSql]) -> Result<Vec<TransactionRow>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self.connection.prepare(sql).map_err(&failed)?;
        let rows = statement.query_map(parameters, |row| Ok(read(row))).map_err(&failed)?;
        rows.map(|row| row.map_err(&failed)?).collect()
    }
}

pub(super) fn read(row: &Row<'_>) -> Result<TransactionRow, LedgerError> {
    let currency: Currency = word(row, 4, "currency", |text| text.parse().ok())?;
    let number = |index: usize, what: &'static str| -> Result<u32, LedgerError> {
        row.get(index).map_err(|error| LedgerError::Value { what, value: error.to_string() })
    };
    let text = |index: usize, what: &'static str| -> Result<String, LedgerError> {
        row.get(index).map_err(|error| LedgerError::Value { what, value: error.to_string() })
    };
    let maybe = |index: usize, what: &'static str| -> Result<Option<String>, LedgerError> {
        row.get(index).map_err(|error| LedgerError::Value { what, value: error.to_string() })
    };
    let minor: i64 = row.get(3).map_err(|error| LedgerError::Value { what: "amount", value: error.to_string() })?;
    let wrong_amount = || LedgerError::Value { what: "amount", value: minor.to_string() };
    let asked: Option<i64> =
        row.get(41).map_err(|error| LedgerError::Value { what: "amount asked for", value: error.to_string() })?;
    let asked = asked.map(|minor| {
        let wrong = || LedgerError::Value { what: "amount asked for", value: minor.to_string() };
        Amount::new(u64::try_from(minor).map_err(|_| wrong())?, currency).map_err(|_| wrong())
    });
    let trace = trace_number(number(0, "batch number")?, number(1, "STAN")?)?;
    let original_batch: Option<u32> =
        row.get(34).map_err(|error| LedgerError::Value { what: "batch number", value: error.to_string() })?;
    let original_stan: Option<u32> =
        row.get(35).map_err(|error| LedgerError::Value { what: "STAN", value: error.to_string() })?;
    Ok(TransactionRow {
        trace,
        kind: word(row, 33, "kind", Kind::from_word)?,
        original: original_batch.zip(original_stan).map(|(batch, stan)| trace_number(batch, stan)).transpose()?,
        original_at: maybe_word(row, 36, "time", |text| text.parse().ok())?,
        state: word(row, 2, "state", State::from_word)?,
        amount: Amount::new(u64::try_from(minor).map_err(|_| wrong_amount())?, currency).map_err(|_| wrong_amount())?,
        asked: asked.transpose()?,
        at: word(row, 5, "time", |text| text.parse().ok())?,
        entry: word(row, 6, "entry mode", EntryMode::from_word)?,
        verification: maybe_word(row, 31, "cardholder verification", Verification::from_word)?,
        truncated_pan: text(7, "card number")?,
        sequence_number: row
            .get(8)
            .map_err(|error| LedgerError::Value { what: "PAN sequence number", value: error.to_string() })?,
        card_expiry: maybe(9, "expiry")?,
        aid: text(10, "AID")?,
        application_label: text(11, "application label")?,
        bank: maybe(32, "bank")?,
        chip_data: row.get(12).map_err(|error| LedgerError::Value { what: "chip data", value: error.to_string() })?,
        reason: maybe_word(row, 13, "reason", ReasonKind::from_word)?,
        response_code: maybe_word(row, 14, "response code", |text| ResponseCode::parse(text).ok())?,
        rrn: maybe_word(row, 15, "retrieval reference number", |text| Rrn::parse(text).ok())?,
        authorisation_code: maybe_word(row, 16, "authorisation code", |text| AuthorisationCode::parse(text).ok())?,
        cryptogram: maybe(17, "cryptogram")?,
        tvr: maybe(18, "TVR")?,
        tsi: maybe(19, "TSI")?,
        script_results: maybe(24, "script results")?,
        atc: maybe(20, "ATC")?,
        signature: row
            .get::<_, Option<bool>>(21)
            .map_err(|error| LedgerError::Value { what: "signature mark", value: error.to_string() })?
            .unwrap_or(false),
        signed_on_screen: row
            .get(42)
            .map_err(|error| LedgerError::Value { what: "signature on the screen", value: error.to_string() })?,
        reversal_reason: maybe_word(row, 22, "reversal reason", ReversalReason::from_code)?,
        reversal_tries: number(23, "count of tries")?,
        next_try: maybe_word(row, 25, "time", |text| text.parse().ok())?,
        resolution: maybe_word(row, 26, "resolution", Resolution::from_word)?,
        late: late_approval(row, trace)?,
        code_tail: maybe(37, "end of a code")?,
        voucher: maybe(38, "voucher")?,
        paid_back: row
            .get::<_, Option<bool>>(39)
            .map_err(|error| LedgerError::Value { what: "mark of what was paid back", value: error.to_string() })?
            .unwrap_or(false),
        cashier: maybe_number(row, 40)?,
        periods: periods(row)?,
    })
}

/// In how many periods it is paid, or what it undoes was.
fn periods(row: &Row<'_>) -> Result<Option<Periods>, LedgerError> {
    let wrong = |value: String| LedgerError::Value { what: "number of periods", value };
    let number: Option<u8> = row.get(43).map_err(|error| wrong(error.to_string()))?;
    number.map(|number| Periods::new(number).map_err(|error| wrong(error.to_string()))).transpose()
}

fn late_approval(row: &Row<'_>, trace: TraceNumber) -> Result<Option<(LateApproval, DateTime)>, LedgerError> {
    let code = maybe_word(row, 27, "response code", |text| ResponseCode::parse(text).ok())?;
    let at = maybe_word(row, 30, "time", |text| text.parse().ok())?;
    let (Some(response_code), Some(at)) = (code, at) else { return Ok(None) };
    let late = LateApproval {
        trace,
        response_code,
        rrn: maybe_word(row, 28, "retrieval reference number", |text| Rrn::parse(text).ok())?,
        authorisation_code: maybe_word(row, 29, "authorisation code", |text| AuthorisationCode::parse(text).ok())?,
    };
    Ok(Some((late, at)))
}

/// Reads a number of two columns.
pub(super) fn trace_number(batch: u32, stan: u32) -> Result<TraceNumber, LedgerError> {
    Ok(TraceNumber {
        batch: Batch::new(batch).map_err(|_| LedgerError::Value { what: "batch number", value: batch.to_string() })?,
        stan: Stan::new(stan).map_err(|_| LedgerError::Value { what: "STAN", value: stan.to_string() })?,
    })
}

pub(super) fn word<T>(
    row: &Row<'_>,
    index: usize,
    what: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, LedgerError> {
    maybe_word(row, index, what, parse)?.ok_or(LedgerError::Value { what, value: "nothing".to_owned() })
}

pub(super) fn maybe_word<T>(
    row: &Row<'_>,
    index: usize,
    what: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, LedgerError> {
    let text: Option<String> = row.get(index).map_err(|error| LedgerError::Value { what, value: error.to_string() })?;
    text.map(|text| parse(&text).ok_or(LedgerError::Value { what, value: text.clone() })).transpose()
}
