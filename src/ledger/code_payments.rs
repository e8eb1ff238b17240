//! Payments by code in the ledger: what the payment core wants written down of one ([`Record`]), each in one transaction of the
//! database, and what goes back of it.
//!
//! They are rows among those of cards: a shop has one history, one sequence of numbers and one batch.

use jiff::civil::DateTime;
use rusqlite::{TransactionBehavior, params};

use super::purchases::Follows;
use super::{Ledger, LedgerError, TransactionRow, statement_error};
use crate::goods::SoldGood;
use crate::money::Amount;
use crate::payment::online::LateApproval;
use crate::payment::qr::record::{Pending, Record};
use crate::payment::qr::{CodeRefund, Order, Paid};
use crate::payment::queue::EntryId;
use crate::payment::record::{self, State};
use crate::payment::transaction::{Kind, Past};
use crate::people::PersonNumber;
use crate::receipt::CopyFor;
use crate::reference::{ResponseCode, TraceNumber};

/// What the host said of an order that is paid.
const PAID: &str = "00";

impl Ledger {
    /// Makes a change of a payment by code durable: with one that begins, what it is for and what of it is a tip. `now`: local time, for what came too late.
    ///
    /// # Errors
    /// As for [`Ledger::record_code`], and when the lines and the tip do not come to what is to be paid.
    pub fn record_code_selling(
        &mut self,
        trace: TraceNumber,
        record: &Record,
        now: DateTime,
        sold: &[SoldGood],
        tip: Option<Amount>,
    ) -> Result<(), LedgerError> {
        let Record::Pending(pending) = record else { return self.record_code(trace, record, now) };
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        self.begin_code_payment(trace, pending)?;
        self.note_sold(pending.amount, sold, tip)?;
        self.note_part(trace, Kind::CodePayment)?;
        self.commit(transaction)
    }

    /// Makes a change of a payment by code durable. `now`: local time, for what came too late.
    ///
    /// # Errors
    /// When it cannot be written, or the row is not in a state from which this change is possible.
    pub fn record_code(&mut self, trace: TraceNumber, record: &Record, now: DateTime) -> Result<(), LedgerError> {
        match record {
            Record::Pending(_) => self.record_code_selling(trace, record, now, &[], None),
            Record::Paid(paid) => self.paid_by_code(trace, paid),
            Record::NotPaid { reason, response_code } => self.record(
                trace,
                &record::Record::NotPaid { reason: *reason, response_code: response_code.clone(), rrn: None },
            ),
            Record::CancelDue { reason } => {
                let reason = reason.word();
                self.change(trace, "state = 'reversal_due', reason = ?5", &[State::Pending], params![reason])
            }
            Record::Cancelled { paid_back } => self.order_is_closed(trace, *paid_back),
            Record::LatePaid => {
                let code = ResponseCode::parse(PAID);
                let response_code =
                    code.map_err(|_| LedgerError::Value { what: "response code", value: PAID.to_owned() })?;
                let late = LateApproval { trace, response_code, rrn: None, authorisation_code: None };
                self.note_late_approval(&late, now).map(|_| ())
            }
            Record::Unresolved { response_code, .. } => self.park(EntryId::Reversal(trace), response_code.as_ref()),
        }
    }

    /// The host has closed an order that was to be cancelled. `paid_back`: it was paid, and the customer has the money back.
    ///
    /// # Errors
    /// When it cannot be written or the order is not to be cancelled.
    pub fn order_is_closed(&mut self, trace: TraceNumber, paid_back: bool) -> Result<(), LedgerError> {
        let transaction = self.connection.begin(TransactionBehavior::Deferred).map_err(statement_error(&self.path))?;
        let changes = "state = 'reversed', chip_data = NULL, next_try = NULL, paid_back = ?5";
        self.change(trace, changes, &[State::ReversalDue], params![paid_back.then_some(true)])?;
        self.log(trace)?;
        self.commit(transaction)
    }

    /// Writes down that a part of a payment by code, or all of it, is to go back: before the host hears of it.
    ///
    /// # Errors
    /// When it cannot be written, or what became of the payment since does not allow it.
    pub fn begin_code_refund(&mut self, refund: &CodeRefund) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        // Nobody who works on this ledger as well comes between the look and the row.
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        self.write_code_refund(refund)?;
        self.commit(transaction)
    }

    /// The same in the transaction of the database that has begun.
    pub(super) fn write_code_refund(&self, refund: &CodeRefund) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let paid = refund.order.trace;
        let past = self.past(paid)?.ok_or(LedgerError::NoSuchRow(paid))?;
        self.check_possible(refund.trace, Kind::CodeRefund, refund.amount, Some(&past.original))?;
        let written = self.connection.execute(
            "INSERT INTO transactions (merchant_code, terminal_number, batch, stan, kind, original_batch, original_stan,
                 original_at, state, amount, currency, at, entry, truncated_pan, aid, application_label, chip_data, voucher,
                 cashier)
             SELECT ?1, ?2, ?3, ?4, 'code_refund', batch, stan, at, 'pending', ?7, currency, ?8, 'not_read', '', '',
                 application_label, x'', voucher, ?9
             FROM transactions WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?5 AND stan = ?6",
            params![
                self.merchant_code.as_str(),
                self.terminal_number.as_str(),
                refund.trace.batch.number(),
                refund.trace.stan.number(),
                paid.batch.number(),
                paid.stan.number(),
                refund.amount.minor() as i64,
                refund.at.to_string(),
                self.cashier.map(PersonNumber::number),
            ],
        );
        if written.map_err(&failed)? != 1 {
            return Err(LedgerError::NoSuchRow(paid));
        }
        Ok(())
    }

    /// What is sent of a refund that was just written down; nothing, where there is none of this number.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn code_refund(&self, trace: TraceNumber) -> Result<Option<CodeRefund>, LedgerError> {
        let Some(row) = self.find(trace)?.filter(|row| row.kind == Kind::CodeRefund) else { return Ok(None) };
        let original = row.original.ok_or(LedgerError::NoSuchRow(trace))?;
        let past = self.past(original)?.ok_or(LedgerError::NoSuchRow(original))?;
        Ok(Some(row.code_refund(&past)))
    }

    /// The row first, then the request.
    fn begin_code_payment(&self, trace: TraceNumber, pending: &Pending) -> Result<(), LedgerError> {
        let written = self.connection.execute(
            "INSERT INTO transactions (merchant_code, terminal_number, batch, stan, kind, state, amount, currency, at, entry,
                 truncated_pan, aid, application_label, chip_data, code_tail, cashier)
             VALUES (?1, ?2, ?3, ?4, 'code_payment', 'pending', ?5, ?6, ?7, 'not_read', '', '', '', x'', ?8, ?9)",
            params![
                self.merchant_code.as_str(),
                self.terminal_number.as_str(),
                trace.batch.number(),
                trace.stan.number(),
                pending.amount.minor() as i64,
                pending.amount.currency().code(),
                pending.at.to_string(),
                pending.scanned,
                self.cashier.map(PersonNumber::number),
            ],
        );
        written.map(|_| ()).map_err(statement_error(&self.path))
    }

    /// Paid, and owing two slips, is one fact.
    fn paid_by_code(&mut self, trace: TraceNumber, paid: &Paid) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Deferred).map_err(&failed)?;
        let changes =
            "state = 'approved', response_code = ?5, rrn = ?6, voucher = ?7, chip_data = NULL, next_try = NULL";
        let rrn = paid.rrn.as_ref().map(|rrn| rrn.as_str());
        self.change(trace, changes, &[State::Pending], params![PAID, rrn, paid.voucher])?;
        if self.follow_purchase(trace)? == Follows::Nothing {
            for copy in [CopyFor::Merchant, CopyFor::Customer] {
                self.insert_copy(trace, copy).map_err(&failed)?;
            }
        }
        self.log(trace)?;
        self.commit(transaction)
    }
}

impl TransactionRow {
    /// The order that this row stands for, if it is a payment by code.
    pub fn order(&self) -> Option<Order> {
        (self.kind == Kind::CodePayment).then_some(Order { trace: self.trace, amount: self.amount, at: self.at })
    }

    /// By which numbers it is paid.
    pub fn paid(&self) -> Paid {
        Paid { rrn: self.rrn.clone(), voucher: self.voucher.clone() }
    }

    /// What is sent of a refund of a payment by code, made of its row and of what it goes back of.
    pub(super) fn code_refund(&self, past: &Past) -> CodeRefund {
        let paid = &past.original;
        CodeRefund {
            trace: self.trace,
            order: Order { trace: paid.trace, amount: paid.amount, at: paid.at },
            paid: Paid { rrn: paid.rrn.clone(), voucher: self.voucher.clone() },
            amount: self.amount,
            at: self.at,
        }
    }
}

#[cfg(test)]
mod tests;
