//! The queue as the ledger holds it: payments to be taken back and advices, what became of each try, what was given up.

use jiff::civil::DateTime;
use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::advices::{AdviceRow, AdviceState};
use super::offline::OfflineRow;
use super::row::{TransactionRow, trace_number, word};
use super::signatures::SignatureRow;
use super::{Ledger, LedgerError, statement_error};
use crate::payment::advice::AdviceKind;
use crate::payment::online::{LateApproval, ReversalReason};
use crate::payment::queue::{self, Entry, EntryId, Kind, LateApprovalDoes, Open, Rank, Standing, Work};
use crate::payment::record::{Record, State};
use crate::payment::transaction::{self, IfUnknown};
use crate::reference::{ResponseCode, TraceNumber};

/// Rows of which nobody knows for certain what came of them.
const OPEN_PAYMENTS: &str =
    "(t.state = 'pending' OR t.state = 'host_approved' OR t.state = 'reversal_due' OR t.state = 'repeat_due'
      OR t.state = 'unresolved') AND t.resolution IS NULL";

/// The oldest row to be taken back.
const REVERSALS: &str = "t.state = 'reversal_due'";

/// The oldest row to be sent again.
const REPEATS: &str = "t.state = 'repeat_due'";

/// Rows under way, to be taken back or to be sent again. Without being told SQLite would count by way of the merchant: every row.
const WAITING: &str = "transactions t INDEXED BY transactions_unfinished
     WHERE (t.state = 'pending' OR t.state = 'host_approved' OR t.state = 'reversal_due' OR t.state = 'repeat_due'
         OR t.state = 'unresolved') AND t.state <> 'unresolved'";

/// Rows that a person must look at.
const PARKED: &str =
    "transactions t INDEXED BY transactions_unfinished WHERE t.state = 'unresolved' AND t.resolution IS NULL";

/// Something that was given up, and owes a slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Which time something was given up.
    pub id: i64,
    /// What.
    pub entry: EntryId,
    /// When, in local time.
    pub at: DateTime,
}

impl Ledger {
    /// What goes first of a rank, with what is sent of it.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn oldest(&self, rank: Rank) -> Result<Option<(Entry, Work)>, LedgerError> {
        Ok(match rank {
            Rank::Reversals => {
                let row = self.payments(REVERSALS, 1)?.pop();
                row.and_then(|row| {
                    let work = match row.order() {
                        Some(order) => Work::Cancel(order),
                        None => Work::Reverse(row.reversal_request()?),
                    };
                    Some((row.entry()?, work))
                })
            }
            Rank::Repeats => {
                let row = self.payments(REPEATS, 1)?.pop();
                row.and_then(|row| Some((row.entry()?, Work::Repeat)))
            }
            Rank::CardResults => self.next_advice()?.map(|row| (row.entry(), Work::Advise(row.advice))),
            Rank::OfflineSales => {
                let row = self.next_offline_sale()?;
                row.and_then(|row| Some((row.entry()?, Work::OfflineSale)))
            }
            Rank::Signatures => {
                let row = self.next_signature()?;
                row.and_then(|row| Some((row.entry()?, Work::Upload(Box::new(row.upload())))))
            }
        })
    }

    /// All entries, in the order in which a person reads them.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, LedgerError> {
        let payments = self.payments(OPEN_PAYMENTS, i64::MAX)?;
        let mut entries: Vec<_> = payments.iter().filter_map(TransactionRow::entry).collect();
        entries.extend(self.undelivered_advices()?.iter().map(AdviceRow::entry));
        entries.extend(self.open_offline_sales()?.iter().filter_map(OfflineRow::entry));
        entries.extend(self.listed_signatures()?.iter().filter_map(SignatureRow::entry));
        queue::order(&mut entries);
        Ok(entries)
    }

    /// How many entries wait for the host, and how many for a person.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn open_entries(&self) -> Result<Open, LedgerError> {
        let own = [self.merchant_code.as_str(), self.terminal_number.as_str()];
        let count = |condition: &str| -> Result<usize, LedgerError> {
            let sql = format!("SELECT count(*) FROM {condition} AND merchant_code = ?1 AND terminal_number = ?2");
            let count = self.connection.query_row(&sql, own, |row| row.get::<_, i64>(0));
            Ok(usize::try_from(count.map_err(statement_error(&self.path))?).unwrap_or(usize::MAX))
        };
        let waiting = count(WAITING)?
            + count(
                "advices a CROSS JOIN transactions t ON t.id = a.transaction_id
             WHERE a.state <> 'delivered' AND a.state = 'queued'",
            )?;
        let waiting = waiting + self.offline_sales_waiting()? + self.signatures_waiting()?;
        let parked = count(PARKED)?
            + count(
                "advices a CROSS JOIN transactions t ON t.id = a.transaction_id
             WHERE a.state <> 'delivered' AND a.state = 'parked' AND a.resolution IS NULL",
            )?;
        Ok(Open { waiting, parked })
    }

    /// One entry, as long as it is open.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn entry(&self, id: EntryId) -> Result<Option<Entry>, LedgerError> {
        Ok(match id {
            EntryId::Reversal(trace) | EntryId::Repeat(trace) => {
                self.entry_of_payment(trace)?.filter(|entry| entry.id == id)
            }
            EntryId::Advice(id) => {
                let rows = self.advices("a.state <> 'delivered' AND a.resolution IS NULL AND a.id = ?4", &[id], 1)?;
                rows.first().map(AdviceRow::entry)
            }
            EntryId::OfflineSale(trace) => self.open_offline_sale(trace)?.as_ref().and_then(OfflineRow::entry),
            EntryId::Signature(trace) => {
                let entry = self.signature_of(trace)?.as_ref().and_then(SignatureRow::entry);
                entry.filter(|entry| entry.standing == Standing::Waiting)
            }
        })
    }

    /// The open entry of this number.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn entry_of(&self, trace: TraceNumber) -> Result<Option<Entry>, LedgerError> {
        if let Some(entry) = self.entry_of_payment(trace)? {
            return Ok(Some(entry));
        }
        if let Some(row) = self.open_offline_sale(trace)? {
            return Ok(row.entry());
        }
        let condition = "a.state <> 'delivered' AND a.resolution IS NULL AND a.batch = ?4 AND a.stan = ?5";
        let numbers = [trace.batch.number(), trace.stan.number()].map(i64::from);
        Ok(self.advices(condition, &numbers, 1)?.first().map(AdviceRow::entry))
    }

    fn entry_of_payment(&self, trace: TraceNumber) -> Result<Option<Entry>, LedgerError> {
        let row = self.find(trace)?.filter(|row| row.resolution.is_none());
        Ok(row.as_ref().and_then(TransactionRow::entry))
    }

    /// A try came to nothing: whether it counts, and when the next one is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn tried(&mut self, id: EntryId, counts: bool, next_try: DateTime) -> Result<(), LedgerError> {
        let next_try = next_try.to_string();
        match id {
            EntryId::Reversal(trace) => self.change(
                trace,
                "reversal_tries = reversal_tries + ?5, next_try = ?6",
                &[State::ReversalDue],
                params![counts, next_try],
            ),
            EntryId::Repeat(trace) => self.change(
                trace,
                "reversal_tries = reversal_tries + ?5, next_try = ?6",
                &[State::RepeatDue],
                params![counts, next_try],
            ),
            EntryId::Advice(id) => self.change_advice(
                "UPDATE advices SET tries = tries + ?2, next_try = ?3 WHERE id = ?1 AND state = 'queued'",
                params![id, counts, next_try],
            ),
            EntryId::OfflineSale(trace) => self.change_offline_sale(
                trace,
                "queued",
                "tries = tries + ?5, next_try = ?6",
                params![counts, next_try],
            ),
            EntryId::Signature(trace) => {
                self.change_signature(trace, "tries = tries + ?5, next_try = ?6", params![counts, next_try])
            }
        }
    }

    /// The host has taken the payment back, has taken note of the advice, or has done what was sent again: its approval
    /// (`Record::HostApproved`) is written down before.
    ///
    /// # Errors
    /// When it cannot be written or the entry does not wait.
    pub fn done(&mut self, id: EntryId) -> Result<(), LedgerError> {
        match id {
            EntryId::Reversal(trace) => {
                let failed = statement_error(&self.path);
                let transaction = self.connection.begin(TransactionBehavior::Deferred).map_err(&failed)?;
                self.change(
                    trace,
                    "state = 'reversed', chip_data = NULL, next_try = NULL",
                    &[State::ReversalDue],
                    params![],
                )?;
                self.log(trace)?;
                self.commit(transaction)
            }
            EntryId::Repeat(trace) => self.record(trace, &Record::Done),
            EntryId::Advice(id) => self.change_advice(
                "UPDATE advices SET state = 'delivered', chip_data = NULL, next_try = NULL
                 WHERE id = ?1 AND state = 'queued'",
                params![id],
            ),
            // With what the host said: see `offline_sale_is_booked`.
            EntryId::OfflineSale(trace) => Err(LedgerError::NoSuchEntry(trace)),
            EntryId::Signature(trace) => {
                self.change_signature(trace, "state = 'delivered', next_try = NULL", params![])
            }
        }
    }

    /// An entry is given up: a person must look, and a slip is due that says so. At a signature nobody has to look.
    ///
    /// # Errors
    /// When it cannot be written or the entry does not wait.
    pub fn park(&mut self, id: EntryId, code: Option<&ResponseCode>) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Deferred).map_err(&failed)?;
        match id {
            EntryId::Reversal(trace) => self.change(
                trace,
                "state = 'unresolved', reversal_tries = reversal_tries + 1, next_try = NULL",
                &[State::ReversalDue],
                params![],
            )?,
            EntryId::Repeat(trace) => self.change(
                trace,
                "state = 'unresolved', reversal_tries = reversal_tries + 1, next_try = NULL",
                &[State::RepeatDue],
                params![],
            )?,
            EntryId::Advice(id) => self.change_advice(
                "UPDATE advices SET state = 'parked', response_code = ?2, tries = tries + 1, next_try = NULL
                 WHERE id = ?1 AND state = 'queued'",
                params![id, code.map(ResponseCode::as_str)],
            )?,
            EntryId::OfflineSale(trace) => self.park_offline_sale(trace, code)?,
            EntryId::Signature(trace) => {
                self.give_signature_up(trace, code)?;
                return self.commit(transaction);
            }
        }
        self.note_dead_letter(id, code)?;
        self.commit(transaction)
    }

    /// Writes down that something was given up, in the transaction of the database that has begun.
    pub(super) fn note_dead_letter(&self, id: EntryId, code: Option<&ResponseCode>) -> Result<(), LedgerError> {
        let code = code.map(ResponseCode::as_str);
        let written = match id {
            // Nobody has to look at a signature.
            EntryId::Signature(_) => return Ok(()),
            EntryId::Reversal(trace) | EntryId::Repeat(trace) | EntryId::OfflineSale(trace) => self.connection.execute(
                "INSERT INTO dead_letters (transaction_id, response_code) SELECT id, ?5 FROM transactions
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4",
                params![
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    trace.batch.number(),
                    trace.stan.number(),
                    code
                ],
            ),
            EntryId::Advice(id) => self.connection.execute(
                "INSERT INTO dead_letters (transaction_id, advice_id, response_code)
                 SELECT transaction_id, id, ?2 FROM advices WHERE id = ?1",
                params![id, code],
            ),
        };
        written.map(|_| ()).map_err(statement_error(&self.path))
    }

    /// What was given up and has no slip yet, oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn dead_letters_without_slip(&self) -> Result<Vec<DeadLetter>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self
            .connection
            .prepare(
                "SELECT d.id, d.advice_id, t.batch, t.stan, d.at, t.kind FROM dead_letters d
                 JOIN transactions t ON t.id = d.transaction_id
                 WHERE d.slip = 'due' AND t.merchant_code = ?1 AND t.terminal_number = ?2 ORDER BY d.id",
            )
            .map_err(&failed)?;
        let rows = statement
            .query_map([self.merchant_code.as_str(), self.terminal_number.as_str()], |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    word(row, 5, "kind", transaction::Kind::from_word),
                ))
            })
            .map_err(&failed)?;
        rows.map(|row| {
            let (id, advice, batch, stan, at, kind): (i64, Option<i64>, u32, u32, String, _) = row.map_err(&failed)?;
            let (trace, kind) = (trace_number(batch, stan)?, kind?);
            let entry = advice.map_or_else(|| entry_id(kind, trace), EntryId::Advice);
            let at = at.parse().map_err(|_| LedgerError::Value { what: "time", value: at })?;
            Ok(DeadLetter { id, entry, at })
        })
        .collect()
    }

    /// The slip of what was given up is on paper, or, when nobody has to look any more, needed by nobody.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn slip_of_dead_letter_is(&mut self, id: i64, on_paper: bool) -> Result<(), LedgerError> {
        let state = if on_paper { "printed" } else { "needless" };
        self.connection
            .execute("UPDATE dead_letters SET slip = ?2 WHERE id = ?1", params![id, state])
            .map(|_| ())
            .map_err(statement_error(&self.path))
    }

    /// Writes down an approval that came too late, with what follows from it ([`queue::late_approval`]); true when this is the
    /// first of its payment.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_late_approval(&mut self, late: &LateApproval, at: DateTime) -> Result<bool, LedgerError> {
        let failed = statement_error(&self.path);
        // Another program may work on this ledger: nobody comes between the look and the change.
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let row = self.find(late.trace)?.filter(|row| row.late.is_none());
        let does = row.and_then(|row| Some((row.state, queue::late_approval(row.kind, row.state, row.resolution)?)));
        let Some((state, does)) = does else { return Ok(false) };
        self.change(
            late.trace,
            "late_response_code = ?5, late_rrn = ?6, late_authorisation_code = ?7, late_at = ?8",
            &[state],
            params![
                late.response_code.as_str(),
                late.rrn.as_ref().map(|rrn| rrn.as_str()),
                late.authorisation_code.as_ref().map(|code| code.as_str()),
                at.to_string(),
            ],
        )?;
        match does {
            LateApprovalDoes::Nothing => {}
            // Chip data are gone with the final state. A reversal that was sent before keeps its reason and its lack of an
            // authorisation code, so that it is a repeat; one that was not says all that is known.
            LateApprovalDoes::TakeBack => self.change(
                late.trace,
                "state = 'reversal_due', chip_data = x'', reversal_tries = 0, next_try = NULL,
                 authorisation_code = CASE WHEN reversal_reason IS NULL THEN coalesce(authorisation_code, ?6)
                                      ELSE authorisation_code END,
                 reversal_reason = CASE WHEN kind = 'code_payment' THEN NULL ELSE coalesce(reversal_reason, ?5) END",
                &[state],
                params![ReversalReason::Other.code(), late.authorisation_code.as_ref().map(|code| code.as_str())],
            )?,
            // What was said before stays among the deeds.
            LateApprovalDoes::AskAgain => {
                self.change(late.trace, "resolution = NULL", &[state], params![])?;
                self.note_dead_letter(EntryId::Reversal(late.trace), Some(&late.response_code))?;
            }
            LateApprovalDoes::AskPerson => {
                self.change(late.trace, "state = 'unresolved', chip_data = x''", &[state], params![])?;
                self.note_dead_letter(EntryId::Repeat(late.trace), Some(&late.response_code))?;
            }
        }
        self.log(late.trace)?;
        self.commit(transaction)?;
        Ok(true)
    }

    /// Whether another connection has written since the last question.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn changed_elsewhere(&mut self) -> Result<bool, LedgerError> {
        let version: i64 = self
            .connection
            .query_row("PRAGMA data_version", [], |row| row.get(0))
            .map_err(statement_error(&self.path))?;
        Ok(self.data_version.replace(version).is_some_and(|before| before != version))
    }

    /// Which kind of advice, and of which payment.
    pub(super) fn advice_kind(&self, id: i64) -> Result<Option<AdviceKind>, LedgerError> {
        let word: Option<String> = self
            .connection
            .query_row("SELECT kind FROM advices WHERE id = ?1", [id], |row| row.get(0))
            .optional()
            .map_err(statement_error(&self.path))?;
        word.map(|word| AdviceKind::from_word(&word).ok_or(LedgerError::Value { what: "kind of advice", value: word }))
            .transpose()
    }
}

impl TransactionRow {
    /// The entry of a payment that is, or was, to be taken back or to be sent again, or will be at the next start.
    fn entry(&self) -> Option<Entry> {
        let standing = match self.state {
            State::Pending | State::HostApproved => Standing::Interrupted,
            State::ReversalDue | State::RepeatDue => Standing::Waiting,
            State::Unresolved => Standing::Parked,
            State::Approved | State::Declined | State::Reversed => return None,
        };
        // It has an entry of its own.
        if self.kind == transaction::Kind::OfflineSale {
            return None;
        }
        Some(Entry {
            id: entry_id(self.kind, self.trace),
            kind: entry_kind(self.kind),
            trace: self.trace,
            original: self.trace,
            amount: self.amount,
            at: self.at,
            standing,
            tries: self.reversal_tries,
            next_try: self.next_try,
            reason: self.reason,
            response_code: self.response_code.clone(),
        })
    }
}

/// Whether what nobody answered is taken back or sent again.
pub(super) const fn entry_kind(payment: transaction::Kind) -> Kind {
    match payment.if_unknown() {
        IfUnknown::Repeated => Kind::Repeat,
        IfUnknown::Nothing if matches!(payment, transaction::Kind::OfflineSale) => Kind::OfflineSale,
        // Of what is not asked of the host there is no entry.
        IfUnknown::TakenBack | IfUnknown::Nothing => Kind::Reversal,
    }
}

pub(super) const fn entry_id(payment: transaction::Kind, trace: TraceNumber) -> EntryId {
    match payment.if_unknown() {
        IfUnknown::Repeated => EntryId::Repeat(trace),
        IfUnknown::Nothing if matches!(payment, transaction::Kind::OfflineSale) => EntryId::OfflineSale(trace),
        IfUnknown::TakenBack | IfUnknown::Nothing => EntryId::Reversal(trace),
    }
}

impl AdviceRow {
    fn entry(&self) -> Entry {
        Entry {
            id: EntryId::Advice(self.id),
            kind: Kind::Advice(self.advice.kind),
            trace: self.advice.trace,
            original: self.advice.original,
            amount: self.advice.amount,
            at: self.advice.at,
            standing: if self.state == AdviceState::Parked { Standing::Parked } else { Standing::Waiting },
            tries: self.tries,
            next_try: self.next_try,
            reason: None,
            response_code: self.response_code.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
