//! Purchases that are paid in parts ([`crate::payment::purchase`]), as the ledger holds them: opened in the commit that makes the approval
//! of a part final, paid in the one that makes the last part final, given up with all that is to be taken back.

use jiff::civil::DateTime;
use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};

use super::row::{maybe_word, trace_number, word};
use super::{CashRow, Ledger, LedgerError, statement_error};
use crate::money::{Amount, Currency};
use crate::payment::cash::Tender;
use crate::payment::online::ReversalReason;
use crate::payment::purchase::{Means, NotNow, Part, Purchase, PurchaseState};
use crate::payment::qr::CodeRefund;
use crate::payment::queue::Resolution;
use crate::payment::record::State;
use crate::payment::transaction::Kind;
use crate::receipt::CopyFor;
use crate::reference::TraceNumber;
use crate::wording::ReasonKind;

/// What the end of a payment is for the purchase that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    /// It belongs to none: it has slips of its own.
    Nothing,
    /// More is to be paid, or it was given up: no slip says yet that anything is paid.
    NotYetPaid,
    /// With it all is paid; its slips are queued.
    Paid,
}

/// The row that a part refers to, as `t`.
const TRANSACTION_OF_PART: &str = "transactions t ON t.id = q.transaction_id";
const CASH_OF_PART: &str = "cash_sales t ON t.id = q.cash_sale";

impl Ledger {
    /// The purchase of which something is still to be paid.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn open_purchase(&self) -> Result<Option<Purchase>, LedgerError> {
        self.purchase_where("state = 'open'")
    }

    /// The purchase that began last.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn newest_purchase(&self) -> Result<Option<Purchase>, LedgerError> {
        self.purchase_where("number = (SELECT max(number) FROM purchases)")
    }

    /// The purchase of which a transaction or cash pays a part, or was to.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn purchase_of(&self, trace: TraceNumber) -> Result<Option<Purchase>, LedgerError> {
        match self.purchase_by(TRANSACTION_OF_PART, trace)? {
            Some(purchase) => Ok(Some(purchase)),
            None => self.purchase_by(CASH_OF_PART, trace),
        }
    }

    fn purchase_by(&self, row_of_part: &str, trace: TraceNumber) -> Result<Option<Purchase>, LedgerError> {
        let number: Option<i64> = self
            .connection
            .query_row(
                &format!(
                    "SELECT q.purchase FROM purchase_parts q JOIN {row_of_part}
                     WHERE t.merchant_code = ?1 AND t.terminal_number = ?2 AND t.batch = ?3 AND t.stan = ?4"
                ),
                params![
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    trace.batch.number(),
                    trace.stan.number()
                ],
                |row| row.get(0),
            )
            .optional()
            .map_err(statement_error(&self.path))?;
        match number {
            Some(number) => self.purchase_where(&format!("number = {number}")),
            None => Ok(None),
        }
    }

    /// The oldest purchase that was given up, is taken back as far as the terminal can see to it, and has no slip that says so.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn purchase_slip_due(&self) -> Result<Option<Purchase>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self
            .connection
            .prepare("SELECT number FROM purchases WHERE slip = 'due' ORDER BY number")
            .map_err(&failed)?;
        let numbers = statement.query_map([], |row| row.get::<_, i64>(0)).map_err(&failed)?;
        for number in numbers {
            let found = self.purchase_where(&format!("number = {}", number.map_err(&failed)?))?;
            if found.as_ref().is_some_and(Purchase::is_back) {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The slip of a purchase that was given up is on paper.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn purchase_slip_is_out(&mut self, number: i64) -> Result<(), LedgerError> {
        self.connection
            .execute("UPDATE purchases SET slip = 'printed' WHERE number = ?1 AND slip = 'due'", [number])
            .map(|_| ())
            .map_err(statement_error(&self.path))
    }

    /// Gives the open purchase up: it is over, and every part that is paid is to be taken back, a card's by a reversal, a code's by a
    /// refund. All of it is one fact: wherever the power goes, the queue goes on with it or nothing has begun.
    ///
    /// # Errors
    /// When none is open, it may not be given up now, or it cannot be written.
    pub fn give_up_purchase(&mut self, at: DateTime) -> Result<Purchase, LedgerError> {
        self.check_space()?;
        let failed = statement_error(&self.path);
        // Nobody who works on this ledger as well comes between the look and the change.
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let purchase = self.open_purchase()?.ok_or(NotNow::None)?;
        purchase.may_give_up()?;
        self.connection
            .execute(
                "UPDATE purchases SET state = 'given_up', ended_at = ?2, slip = 'due' WHERE number = ?1",
                params![purchase.number, at.to_string()],
            )
            .map_err(&failed)?;
        // What is paid by a person's word is for a person to give back.
        for part in purchase.parts.iter().filter(|part| part.state == State::Approved) {
            match part.means {
                Means::Card => self.take_back_part(part.trace)?,
                Means::Code => self.give_back_by_code(part, at)?,
                // It would have paid all of it.
                Means::Cash => return Err(NotNow::Over(purchase.number).into()),
            }
        }
        self.commit(transaction)?;
        self.purchase_where(&format!("number = {}", purchase.number))?.ok_or_else(|| NotNow::None.into())
    }

    /// The rest is paid in cash, all of it: the purchase is paid, and its receipt queued, in the commit that writes down the cash.
    /// `with_drawer`: one is at the printer, and opens for it.
    ///
    /// # Errors
    /// When no purchase is open, its rest is another amount or may not be paid now, the open shift's drawer cannot hold so much, or it
    /// cannot be written.
    pub fn pay_rest_in_cash(
        &mut self,
        tender: Tender,
        at: DateTime,
        with_drawer: bool,
    ) -> Result<CashRow, LedgerError> {
        self.check_space()?;
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let purchase = self.open_purchase()?.ok_or(NotNow::None)?;
        purchase.may_pay_in_cash(tender)?;
        let trace = self.note_cash_part(tender, at, with_drawer)?;
        self.insert_part(purchase.number, trace, Means::Cash)?;
        self.is_paid(purchase.number, trace)?;
        self.commit(transaction)?;
        self.cash(trace)?.ok_or(LedgerError::NoSuchRow(trace))
    }

    /// Nothing of it is open any more. One receipt for all of it, with what was paid last.
    fn is_paid(&self, number: i64, last: TraceNumber) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        self.connection
            .execute(
                "UPDATE purchases SET state = 'paid', ended_at = strftime('%Y-%m-%dT%H:%M:%S', 'now', 'localtime')
                 WHERE number = ?1",
                [number],
            )
            .map_err(&failed)?;
        for copy in [CopyFor::Merchant, CopyFor::Customer] {
            self.insert_copy(last, copy).map_err(&failed)?;
        }
        Ok(())
    }

    /// Its chip data went with its approval: the reversal names it by its numbers.
    fn take_back_part(&self, trace: TraceNumber) -> Result<(), LedgerError> {
        self.change(
            trace,
            "state = 'reversal_due', reversal_reason = ?5, reason = ?6, chip_data = x'', reversal_tries = 0, next_try = NULL",
            &[State::Approved],
            params![ReversalReason::Other.code(), ReasonKind::PurchaseGivenUp.word()],
        )?;
        self.log(trace)
    }

    /// Written down as what is to be sent until the host answers: so it is resumed.
    fn give_back_by_code(&self, part: &Part, at: DateTime) -> Result<(), LedgerError> {
        let past = self.past(part.trace)?.ok_or(LedgerError::NoSuchRow(part.trace))?;
        let row = self.find(part.trace)?.ok_or(LedgerError::NoSuchRow(part.trace))?;
        let order = row.order().ok_or(LedgerError::NoSuchRow(part.trace))?;
        let left = past.original.amount.checked_sub(past.given_back).unwrap_or(part.amount);
        let refund = CodeRefund { trace: self.next_trace_number()?, order, paid: row.paid(), amount: left, at };
        self.write_code_refund(&refund)?;
        let reason = ReasonKind::PurchaseGivenUp.word();
        self.change(refund.trace, "state = 'repeat_due', reason = ?5", &[State::Pending], params![reason])
    }

    /// While a purchase is open what begins pays its rest. In the transaction of the database that has just written the row.
    pub(super) fn note_part(&self, trace: TraceNumber, kind: Kind) -> Result<(), LedgerError> {
        match self.open_purchase_number()? {
            Some(number) => self.insert_part(number, trace, Means::of(kind)),
            None => Ok(()),
        }
    }

    /// A payment is approved, or a person says so: what that is for its purchase is written down with it. Where a part was approved and no
    /// purchase is open, one is opened.
    pub(super) fn follow_purchase(&self, trace: TraceNumber) -> Result<Follows, LedgerError> {
        let purchase = match self.purchase_by(TRANSACTION_OF_PART, trace)? {
            Some(purchase) => purchase,
            None => match self.open_for(trace)? {
                Some(purchase) => purchase,
                None => return Ok(Follows::Nothing),
            },
        };
        if purchase.state != PurchaseState::Open || !purchase.rest().is_zero() {
            return Ok(Follows::NotYetPaid);
        }
        // With whatever was approved last: it may be that a person has just said of another one that it is paid.
        let approved = purchase.parts.iter().rfind(|part| part.state == State::Approved);
        self.is_paid(purchase.number, approved.map_or(trace, |part| part.trace))?;
        Ok(Follows::Paid)
    }

    /// Whether a refund gives back a part of a purchase that was given up: the slip of the purchase tells of it.
    pub(super) fn gives_back_a_part(&self, trace: TraceNumber) -> Result<bool, LedgerError> {
        let Some(original) = self.find(trace)?.filter(|row| row.kind == Kind::CodeRefund).and_then(|row| row.original)
        else {
            return Ok(false);
        };
        Ok(self.purchase_of(original)?.is_some_and(|purchase| purchase.state == PurchaseState::GivenUp))
    }

    fn open_for(&self, trace: TraceNumber) -> Result<Option<Purchase>, LedgerError> {
        let Some(row) = self.find(trace)? else { return Ok(None) };
        let Some(due) = row.asked else { return Ok(None) };
        self.connection
            .execute(
                "INSERT INTO purchases (merchant_code, terminal_number, due, currency, opened_at, state)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'open')",
                params![
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    due.minor() as i64,
                    due.currency().code(),
                    row.at.to_string()
                ],
            )
            .map_err(statement_error(&self.path))?;
        self.insert_part(self.connection.last_insert_rowid(), trace, Means::of(row.kind))?;
        self.open_purchase()
    }

    fn insert_part(&self, number: i64, trace: TraceNumber, means: Means) -> Result<(), LedgerError> {
        let (column, rows) = match means {
            Means::Card | Means::Code => ("transaction_id", "transactions"),
            Means::Cash => ("cash_sale", "cash_sales"),
        };
        let written = self.connection.execute(
            &format!(
                "INSERT INTO purchase_parts (purchase, position, kind, {column})
                 SELECT ?5, (SELECT count(*) + 1 FROM purchase_parts WHERE purchase = ?5), ?6, id FROM {rows}
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4"
            ),
            params![
                self.merchant_code.as_str(),
                self.terminal_number.as_str(),
                trace.batch.number(),
                trace.stan.number(),
                number,
                means.word()
            ],
        );
        match written.map_err(statement_error(&self.path))? {
            1 => Ok(()),
            _ => Err(LedgerError::NoSuchRow(trace)),
        }
    }

    fn open_purchase_number(&self) -> Result<Option<i64>, LedgerError> {
        self.connection
            .query_row("SELECT number FROM purchases WHERE state = 'open'", [], |row| row.get(0))
            .optional()
            .map_err(statement_error(&self.path))
    }

    /// By a fixed condition.
    fn purchase_where(&self, condition: &str) -> Result<Option<Purchase>, LedgerError> {
        let sql =
            format!("SELECT number, due, currency, opened_at, state, slip = 'due' FROM purchases WHERE {condition}");
        let found = self.connection.query_row(&sql, [], |row| Ok(purchase(row))).optional();
        let Some(found) = found.map_err(statement_error(&self.path))?.transpose()? else { return Ok(None) };
        Ok(Some(Purchase { parts: self.parts_of(found.number)?, ..found }))
    }

    fn parts_of(&self, number: i64) -> Result<Vec<Part>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT coalesce(t.batch, c.batch), coalesce(t.stan, c.stan), q.kind, coalesce(t.amount, c.amount),
                     coalesce(t.currency, c.currency), coalesce(t.state, 'approved'), t.resolution, coalesce(t.truncated_pan, ''),
                     r.batch, r.stan, r.state, t.reason
                 FROM purchase_parts q LEFT JOIN transactions t ON t.id = q.transaction_id
                     LEFT JOIN cash_sales c ON c.id = q.cash_sale
                     LEFT JOIN transactions r INDEXED BY transactions_of_original ON r.merchant_code = t.merchant_code
                         AND r.terminal_number = t.terminal_number AND r.original_batch = t.batch
                         AND r.original_stan = t.stan AND r.original_stan IS NOT NULL AND r.kind = 'code_refund'
                 WHERE q.purchase = ?1 ORDER BY q.position, r.id DESC",
            )
            .map_err(&failed)?;
        let rows = statement.query_map([number], |row| Ok(part(row))).map_err(&failed)?;
        let mut parts: Vec<Part> = rows.map(|row| row.map_err(&failed)?).collect::<Result<_, _>>()?;
        // Of several refunds the newest: it is what giving up wrote down.
        parts.dedup_by_key(|part| part.trace);
        Ok(parts)
    }
}

fn purchase(row: &Row<'_>) -> Result<Purchase, LedgerError> {
    let wrong = |error: rusqlite::Error| LedgerError::Value { what: "purchase", value: error.to_string() };
    let currency: Currency = word(row, 2, "currency", |text| text.parse().ok())?;
    Ok(Purchase {
        number: row.get(0).map_err(wrong)?,
        due: amount(row.get(1).map_err(wrong)?, currency)?,
        opened_at: word(row, 3, "time", |text| text.parse().ok())?,
        state: word(row, 4, "state of a purchase", PurchaseState::from_word)?,
        slip_due: row.get(5).map_err(wrong)?,
        parts: Vec::new(),
    })
}

fn part(row: &Row<'_>) -> Result<Part, LedgerError> {
    let wrong = |error: rusqlite::Error| LedgerError::Value { what: "part of a purchase", value: error.to_string() };
    let currency: Currency = word(row, 4, "currency", |text| text.parse().ok())?;
    let refund: (Option<u32>, Option<u32>) = (row.get(8).map_err(wrong)?, row.get(9).map_err(wrong)?);
    let refund = match (refund, maybe_word(row, 10, "state", State::from_word)?) {
        ((Some(batch), Some(stan)), Some(state)) => Some((trace_number(batch, stan)?, state)),
        _ => None,
    };
    Ok(Part {
        trace: trace_number(row.get(0).map_err(wrong)?, row.get(1).map_err(wrong)?)?,
        means: word(row, 2, "means of payment", Means::from_word)?,
        amount: amount(row.get(3).map_err(wrong)?, currency)?,
        state: word(row, 5, "state", State::from_word)?,
        resolution: maybe_word(row, 6, "resolution", Resolution::from_word)?,
        truncated_pan: row.get(7).map_err(wrong)?,
        was_given_up: maybe_word(row, 11, "reason", ReasonKind::from_word)? == Some(ReasonKind::PurchaseGivenUp),
        refund,
    })
}

fn amount(minor: i64, currency: Currency) -> Result<Amount, LedgerError> {
    let wrong = || LedgerError::Value { what: "amount", value: minor.to_string() };
    Amount::new(u64::try_from(minor).map_err(|_| wrong())?, currency).map_err(|_| wrong())
}

#[cfg(test)]
mod tests;
