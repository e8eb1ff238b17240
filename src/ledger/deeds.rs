//! What people did with entries of the queue that were given up. Each change of an entry and the note of who made it are one
//! database transaction; a note is never changed again.

use rusqlite::{TransactionBehavior, params};

use super::queue::entry_kind;
use super::row::{trace_number, word};
use super::{Ledger, LedgerError, statement_error};
use crate::payment::queue::{self, Act, Deed, Entry, EntryId, Kind, NotAllowed, Resolution};
use crate::payment::record::State;
use crate::payment::transaction;
use crate::reference::TraceNumber;

/// Something that a person did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeedRow {
    /// With what.
    pub kind: Kind,
    /// Its own batch and STAN.
    pub trace: TraceNumber,
    /// Batch and STAN of the payment.
    pub original: TraceNumber,
    /// Who did what, when and why.
    pub deed: Deed,
    /// Tries before it.
    pub tries: u32,
}

impl Ledger {
    /// Does with the entry of this number what a person wants, and writes down who wanted it. Gives the entry as it was.
    ///
    /// # Errors
    /// When nothing of that number waits for a person, the deed does not fit it, or it cannot be written.
    pub fn decide(&mut self, trace: TraceNumber, deed: &Deed) -> Result<Entry, LedgerError> {
        let failed = statement_error(&self.path);
        // Another program may work on this ledger: nobody comes between the look and the change.
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let entry = self.entry_of(trace)?.ok_or(LedgerError::NoSuchEntry(trace))?;
        queue::allow(&entry, deed).map_err(|problem| LedgerError::NotAllowed { trace, problem })?;
        match (entry.id, deed.act) {
            (EntryId::Reversal(trace), Act::Retry) => self.change(
                trace,
                "state = 'reversal_due', reversal_tries = 0",
                &[State::Unresolved],
                params![],
            )?,
            (EntryId::Repeat(trace), Act::Retry) => {
                let by_code = self.find(trace)?.is_some_and(|row| row.kind.is_by_code());
                if !by_code && self.pan(trace)?.is_none() {
                    return Err(LedgerError::NotAllowed { trace, problem: NotAllowed::NumberGone });
                }
                self.change(trace, "state = 'repeat_due', reversal_tries = 0", &[State::Unresolved], params![])?;
            }
            (EntryId::OfflineSale(trace), Act::Retry) => {
                if self.pan(trace)?.is_none() {
                    return Err(LedgerError::NotAllowed { trace, problem: NotAllowed::NumberGone });
                }
                self.retry_offline_sale(trace)?;
            }
            (EntryId::OfflineSale(trace), Act::Resolve(resolution)) => {
                self.change_offline_sale(trace, "parked", "chip_data = x''", &[])?;
                self.change(trace, "resolution = ?5", &[State::Unresolved], params![resolution.word()])?;
            }
            // What is decided is sent no more, and keeps no chip data; the state says what the terminal knows by itself.
            (EntryId::Reversal(trace) | EntryId::Repeat(trace), Act::Resolve(resolution)) => self.change(
                trace,
                "resolution = ?5, chip_data = x''",
                &[State::Unresolved],
                params![resolution.word()],
            )?,
            (EntryId::Advice(id), Act::Retry) => self.change_advice(
                "UPDATE advices SET state = 'queued', tries = 0, response_code = NULL WHERE id = ?1 AND state = 'parked'",
                params![id],
            )?,
            (EntryId::Advice(id), Act::Resolve(resolution)) => self.change_advice(
                "UPDATE advices SET resolution = ?2, chip_data = x'' WHERE id = ?1 AND state = 'parked'",
                params![id, resolution.word()],
            )?,
            // Nobody decides about one.
            (EntryId::Signature(trace), _) => {
                return Err(LedgerError::NotAllowed { trace, problem: NotAllowed::NotParked });
            }
        }
        let advice = match entry.id {
            EntryId::Reversal(_) | EntryId::Repeat(_) | EntryId::OfflineSale(_) | EntryId::Signature(_) => None,
            EntryId::Advice(id) => Some(id),
        };
        self.connection
            .execute(
                "INSERT INTO deeds (transaction_id, advice_id, act, person, note, at, tries)
                 SELECT id, ?5, ?6, ?7, ?8, ?9, ?10 FROM transactions
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4",
                params![
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    entry.original.batch.number(),
                    entry.original.stan.number(),
                    advice,
                    deed.act.word(),
                    deed.by,
                    deed.note,
                    deed.at.to_string(),
                    entry.tries,
                ],
            )
            .map_err(&failed)?;
        // What somebody finds out to be charged pays what it was to pay.
        if matches!(entry.id, EntryId::Reversal(_)) && deed.act == Act::Resolve(Resolution::Charged) {
            self.follow_purchase(entry.original)?;
        }
        self.log(entry.original)?;
        self.commit(transaction)?;
        Ok(entry)
    }

    /// All that people did, oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn deeds(&self) -> Result<Vec<DeedRow>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self
            .connection
            .prepare(
                "SELECT t.batch, t.stan, d.advice_id, a.batch, a.stan, d.act, d.person, d.note, d.at, d.tries, t.kind
                 FROM deeds d JOIN transactions t ON t.id = d.transaction_id LEFT JOIN advices a ON a.id = d.advice_id
                 ORDER BY d.id",
            )
            .map_err(&failed)?;
        let mut rows = statement.query([]).map_err(&failed)?;
        let mut deeds = Vec::new();
        while let Some(row) = rows.next().map_err(&failed)? {
            let original = trace_number(row.get(0).map_err(&failed)?, row.get(1).map_err(&failed)?)?;
            let advice: Option<i64> = row.get(2).map_err(&failed)?;
            let wrong = |what, value: &str| LedgerError::Value { what, value: value.to_owned() };
            let (kind, trace) = match advice {
                None => (entry_kind(word(row, 10, "kind", transaction::Kind::from_word)?), original),
                Some(id) => {
                    let kind = self.advice_kind(id)?.ok_or_else(|| wrong("advice", &id.to_string()))?;
                    let trace = trace_number(row.get(3).map_err(&failed)?, row.get(4).map_err(&failed)?)?;
                    (Kind::Advice(kind), trace)
                }
            };
            let act: String = row.get(5).map_err(&failed)?;
            let at: String = row.get(8).map_err(&failed)?;
            deeds.push(DeedRow {
                kind,
                trace,
                original,
                deed: Deed {
                    act: Act::from_word(&act).ok_or_else(|| wrong("act", &act))?,
                    by: row.get(6).map_err(&failed)?,
                    note: row.get(7).map_err(&failed)?,
                    at: at.parse().map_err(|_| wrong("time", &at))?,
                },
                tries: row.get(9).map_err(&failed)?,
            });
        }
        Ok(deeds)
    }
}
