//! What is sent again, made of what the ledger kept of it: the same as before, so that the host knows it.

use super::past::enough_percent;
use super::{Ledger, LedgerError, TransactionRow};
use crate::card_number::{KnownPan, Pan};

use crate::goods::sold::Sold;
use crate::payment::online::{AboutRequest, CardForHost, EntryMode, SaleRequest};
use crate::payment::queue::Repeat;
use crate::payment::record::State;
use crate::payment::transaction::{Past, Transaction};
use crate::reference::TraceNumber;

impl Ledger {
    /// The request of a transaction that waits to be sent again; nothing, where none of this number does.
    ///
    /// # Errors
    /// When the ledger cannot be read, the vault fails, or the number of the card is gone: then only a person can tell.
    pub fn repeat_request(&self, trace: TraceNumber) -> Result<Option<Repeat>, LedgerError> {
        let Some(row) = self.find(trace)?.filter(|row| row.state == State::RepeatDue) else { return Ok(None) };
        let original = row.original.ok_or(LedgerError::NoSuchRow(trace))?;
        let past = self.past(original)?.ok_or(LedgerError::NoSuchRow(original))?;
        if row.kind.is_by_code() {
            return Ok(Some(Repeat::Code(Box::new(row.code_refund(&past)))));
        }
        let pan = self.pan(trace)?.ok_or(LedgerError::NumberGone(trace))?;
        Ok(Some(match row.entry {
            EntryMode::Chip | EntryMode::Stripe | EntryMode::Fallback | EntryMode::Typed => {
                Repeat::Card(Box::new(with_card(&row, past, pan)?))
            }
            EntryMode::NotRead => Repeat::About(Box::new(without_card(&row, past, pan)?)),
        }))
    }
}

fn with_card(row: &TransactionRow, past: Past, pan: Pan) -> Result<SaleRequest, LedgerError> {
    let mut original = past.original;
    original.pan = KnownPan::Whole(pan.clone());
    Ok(SaleRequest {
        trace: row.trace,
        kind: row.kind,
        original: Some(original),
        amount: row.amount,
        at: row.at,
        card: CardForHost {
            pan,
            expiry: row.expiry()?,
            track2: None,
            track3: None,
            sequence_number: row.sequence_number,
            entry: row.entry,
        },
        chip_data: Vec::new().into(),
        pin: None,
        in_part: false,
        instalments: None,
        // What is sold was told the first time.
        sold: Sold::default(),
    })
}

/// It was possible when it was begun, and is looked at as it was then: by now it stands in its own way.
fn without_card(row: &TransactionRow, past: Past, pan: Pan) -> Result<AboutRequest, LedgerError> {
    let mut past = Past { state: State::Approved, used: false, ..past };
    past.original.pan = KnownPan::Whole(pan);
    let transaction = Transaction::completion_notice(&past, row.amount, enough_percent(&past, row.amount))?;
    Ok(AboutRequest { trace: row.trace, transaction, at: row.at })
}

#[cfg(test)]
mod tests;
