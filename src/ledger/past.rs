//! An earlier transaction, with what has become of it since: the facts by which the payment core ([`Past`]) decides what can
//! still be done with it. Here they are only collected.

use rusqlite::params;

use super::{Ledger, LedgerError, TransactionRow, statement_error};
use crate::card_number::KnownPan;
use crate::money::Amount;
use crate::payment::queue::Resolution;
use crate::payment::record::State;
use crate::payment::transaction::{Kind, NotPossible, Original, Past, Presence, Transaction};
use crate::reference::TraceNumber;

/// What refers to a payment and came about, or may have; a completion only as long as it was not voided for certain. What tops a
/// pre-authorisation up uses nothing of it: of that there is the sum of what holds, and whether anything may. Found by its index, of which
/// sales are no part.
const SINCE: &str =
    "SELECT coalesce(sum(CASE WHEN t.kind = 'refund' OR t.kind = 'code_refund' THEN t.amount ELSE 0 END), 0),
         coalesce(max(t.kind <> 'refund' AND t.kind <> 'code_refund' AND t.kind <> 'pre_authorisation_top_up' AND NOT EXISTS (
             SELECT 1 FROM transactions v INDEXED BY transactions_of_original
             WHERE v.merchant_code = t.merchant_code AND v.terminal_number = t.terminal_number
                 AND v.original_batch = t.batch AND v.original_stan = t.stan AND v.original_stan IS NOT NULL
                 AND v.kind = 'completion_void' AND (v.state = 'approved' OR v.resolution = 'charged'))), 0),
         coalesce(sum(CASE WHEN t.kind = 'pre_authorisation_top_up' AND (t.state = 'approved' OR t.resolution = 'charged')
             THEN t.amount ELSE 0 END), 0),
         coalesce(max(t.kind = 'pre_authorisation_top_up' AND t.state <> 'approved' AND t.resolution IS NOT 'charged'), 0)
     FROM transactions t INDEXED BY transactions_of_original
     WHERE t.merchant_code = ?1 AND t.terminal_number = ?2 AND t.original_batch = ?3 AND t.original_stan = ?4
         AND t.original_stan IS NOT NULL AND t.state <> 'declined' AND t.state <> 'reversed'
         AND t.resolution IS NOT 'reversed'";

impl Ledger {
    /// A transaction with what has become of it since; nothing, when there is none of this number. Its card number is whole as
    /// long as its key is there.
    ///
    /// # Errors
    /// When the ledger cannot be read or the vault fails.
    pub fn past(&self, trace: TraceNumber) -> Result<Option<Past>, LedgerError> {
        let Some(row) = self.find(trace)? else { return Ok(None) };
        let pan = self.pan(trace)?.map(KnownPan::Whole);
        self.past_of(&row, pan.unwrap_or_else(|| KnownPan::Truncated(row.truncated_pan.clone()))).map(Some)
    }

    fn past_of(&self, row: &TransactionRow, pan: KnownPan) -> Result<Past, LedgerError> {
        let trace = row.trace;
        let (merchant, terminal) = (self.merchant_code.as_str(), self.terminal_number.as_str());
        let (given_back, used, topped_up, top_up_open): (i64, bool, i64, bool) = self
            .connection
            .query_row(SINCE, params![merchant, terminal, trace.batch.number(), trace.stan.number()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .map_err(statement_error(&self.path))?;
        let sum = |minor: i64| {
            let wrong = || LedgerError::Value { what: "sum of amounts", value: minor.to_string() };
            let sum = u64::try_from(minor).map_err(|_| wrong())?;
            Amount::new(sum, row.amount.currency()).map_err(|_| wrong())
        };
        Ok(Past {
            kind: row.kind,
            state: standing(row),
            original: Original {
                trace,
                at: row.at,
                amount: row.amount,
                rrn: row.rrn.clone(),
                authorisation_code: row.authorisation_code.clone(),
                pan,
                periods: if row.kind == Kind::Sale { row.periods } else { None },
            },
            given_back: sum(given_back)?,
            used,
            told: row.kind != Kind::OfflineSale || !self.is_offline_sale_to_tell(trace)?,
            topped_up: sum(topped_up)?,
            top_up_open,
        })
    }

    /// Whether what a new row refers to allows it now, in the transaction of the database that has begun. What was looked at
    /// before may have changed since.
    pub(super) fn check_possible(
        &self,
        trace: TraceNumber,
        kind: Kind,
        amount: Amount,
        original: Option<&Original>,
    ) -> Result<(), LedgerError> {
        let Some(original) = original else { return Ok(()) };
        let row = self.find(original.trace)?.ok_or(LedgerError::NoSuchRow(original.trace))?;
        let past = self.past_of(&row, original.pan.clone())?;
        // Whether the card had to be there was looked at by whoever read it, or did not.
        let presence = Presence::CardThere;
        let made = match kind {
            Kind::Void | Kind::PreAuthorisationVoid | Kind::CompletionVoid => {
                Transaction::void(&past, trace.batch, presence)?
            }
            Kind::Refund | Kind::CodeRefund => Transaction::refund(&past, amount)?,
            Kind::PreAuthorisationTopUp => Transaction::top_up(&past, amount)?,
            Kind::Completion => Transaction::completion(&past, amount, enough_percent(&past, amount), presence)?,
            Kind::CompletionNotice => Transaction::completion_notice(&past, amount, enough_percent(&past, amount))?,
            // They refer to nothing; the schema takes none that does.
            Kind::Sale | Kind::OfflineSale | Kind::PreAuthorisation | Kind::Balance | Kind::CodePayment => {
                return Ok(());
            }
        };
        if made.kind() != kind {
            return Err(NotPossible::Kind { original: original.trace, of: past.kind, kind }.into());
        }
        if made.amount() != amount {
            return Err(NotPossible::TooMuch { original: original.trace, wanted: amount, most: made.amount() }.into());
        }
        Ok(())
    }
}

/// How much more than what was set aside may be paid is the acquirer's to say, and was looked at when this was made: what is set
/// aside never becomes less.
pub(super) fn enough_percent(past: &Past, amount: Amount) -> u32 {
    let held = past.whole().minor().max(1);
    u32::try_from(amount.minor().saturating_mul(100).div_ceil(held)).unwrap_or(u32::MAX)
}

/// Where a transaction stands, when a person's word counts as the host's.
const fn standing(row: &TransactionRow) -> State {
    match (row.state, row.resolution) {
        (State::Unresolved, Some(Resolution::Charged)) => State::Approved,
        (State::Unresolved, Some(Resolution::Reversed)) => State::Reversed,
        (state, _) => state,
    }
}

#[cfg(test)]
mod tests;
