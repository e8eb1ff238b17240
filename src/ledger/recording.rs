//! What the payment core wants written down ([`Record`]), each in one transaction of the database.
//!
//! Whether what a new row refers to allows it is looked at in the transaction that writes it (`past.rs`): what two programs
//! begin at once never comes to more than there is.

use rusqlite::{TransactionBehavior, params};

use super::numbers::Kept;
use super::purchases::Follows;
use super::{Ledger, LedgerError, statement_error};
use crate::deliberate;
use crate::goods::SoldGood;
use crate::money::Amount;
use crate::payment::advice::AdviceKind;
use crate::payment::online::EntryMode;
use crate::payment::queue::EntryId;
use crate::payment::record::{CardResult, Pending, Record, ScriptResult};
use crate::payment::transaction::{IfUnknown, Kind};
use crate::people::PersonNumber;
use crate::receipt::CopyFor;
use crate::reference::TraceNumber;

impl Ledger {
    /// Makes a change durable.
    ///
    /// # Errors
    /// When it cannot be written, the row is not in a state from which this change is possible, or what became of the
    /// original since does not allow it.
    pub fn record(&mut self, trace: TraceNumber, record: &Record) -> Result<(), LedgerError> {
        self.record_selling(trace, record, &[], None)
    }

    /// The same; with a payment that begins, what it is for, and what of it is a tip.
    ///
    /// # Errors
    /// As for [`Ledger::record`], and when the lines and the tip do not come to what is to be paid.
    pub fn record_selling(
        &mut self,
        trace: TraceNumber,
        record: &Record,
        sold: &[SoldGood],
        tip: Option<Amount>,
    ) -> Result<(), LedgerError> {
        check_kind(record)?;
        let failed = statement_error(&self.path);
        let kept = match record {
            Record::Pending(pending) | Record::ApprovedByCard(pending, _) => self.seal_of(trace, pending)?,
            _ => None,
        };
        let transaction = self.connection.begin(behaviour(record)).map_err(&failed)?;
        if let Record::Pending(pending) | Record::ApprovedByCard(pending, _) = record {
            self.check_possible(trace, pending.kind, pending.amount, pending.original.as_ref())?;
        }
        if self.apply(trace, record, kept.as_ref()).map_err(&failed)? != 1 {
            return Err(LedgerError::NoSuchRow(trace));
        }
        // Paid, and owed to the host, is one fact as well.
        if let Record::ApprovedByCard(_, card) = record {
            self.queue_offline_sale(card)?;
        }
        if let Record::Pending(pending) | Record::ApprovedByCard(pending, _) = record {
            self.note_sold(pending.amount, sold, tip)?;
            self.note_part(trace, pending.kind)?;
            if let Some(asked) = &pending.instalments {
                self.note_instalments(trace, asked)?;
            }
        }
        if let Record::HostApproved { plan, .. } = record {
            self.note_plan(trace, plan.as_ref())?;
        }
        if let Some(kept) = kept {
            self.keep_key(&kept).map_err(&failed)?;
        }
        // Paid, owing two slips and owing the host the TC is one fact: no power cut can part them. So is what it is for a purchase.
        let has_slips = match record {
            Record::Approved(_) | Record::PaidWithoutChip { .. } => self.follow_purchase(trace)? == Follows::Nothing,
            Record::ApprovedByCard(..) => true,
            Record::Done => !self.gives_back_a_part(trace)?,
            _ => false,
        };
        if has_slips {
            for copy in [CopyFor::Merchant, CopyFor::Customer] {
                if !deliberate::is("slips_apart") {
                    self.insert_copy(trace, copy).map_err(&failed)?;
                }
            }
        }
        if let Record::Approved(card) = record {
            self.queue_advice(AdviceKind::CardResult, trace, &card.chip_data)?;
            if let Some(scripts) = &card.scripts {
                self.note_scripts(trace, scripts).map_err(&failed)?;
            }
        }
        if let Record::Unresolved { response_code, .. } = record {
            self.note_dead_letter(EntryId::Reversal(trace), response_code.as_ref())?;
        }
        if let Some(scripts) = record.scripts() {
            self.queue_advice(AdviceKind::ScriptResult, trace, &scripts.chip_data)?;
        }
        // What has only begun is not final, whatever became of others before it.
        if !matches!(record, Record::Pending(_) | Record::HostApproved { .. }) {
            self.log(trace)?;
        }
        self.commit(transaction)
    }

    /// The card number, as it is written down. What may have to be sent again, or is told only later, is not begun without.
    fn seal_of(&self, trace: TraceNumber, pending: &Pending) -> Result<Option<Kept>, LedgerError> {
        let kept = match pending.pan.whole() {
            Some(pan) => self.seal(trace, pan)?,
            None => None,
        };
        let told_later = pending.kind == Kind::OfflineSale || pending.kind.if_unknown() == IfUnknown::Repeated;
        if kept.is_none() && told_later {
            return Err(LedgerError::NumberNotKept(pending.kind.word()));
        }
        Ok(kept)
    }

    fn apply(&self, trace: TraceNumber, record: &Record, kept: Option<&Kept>) -> rusqlite::Result<usize> {
        let (merchant, terminal) = (self.merchant_code.as_str(), self.terminal_number.as_str());
        let (batch, stan) = (trace.batch.number(), trace.stan.number());
        match record {
            Record::Pending(pending) => self.insert(trace, pending, kept),
            Record::HostApproved { response_code, rrn, authorisation_code, part, .. } => self.connection.execute(
                "UPDATE transactions SET state = 'host_approved', response_code = ?5, rrn = ?6, authorisation_code = ?7,
                     next_try = NULL, asked = CASE WHEN ?8 IS NULL THEN asked ELSE amount END, amount = coalesce(?8, amount)
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4
                     AND (state = 'pending' OR state = 'repeat_due') AND kind <> 'code_payment'",
                params![
                    merchant,
                    terminal,
                    batch,
                    stan,
                    response_code.as_str(),
                    rrn.as_ref().map(|rrn| rrn.as_str()),
                    authorisation_code.as_ref().map(|code| code.as_str()),
                    part.map(|part| part.minor() as i64),
                ],
            ),
            Record::Approved(card) => self.connection.execute(
                "UPDATE transactions SET state = 'approved', cryptogram = ?5, tvr = ?6, tsi = ?7, atc = ?8, signature = ?9,
                     chip_data = NULL
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4 AND state = 'host_approved'
                     AND (kind = 'sale' OR kind = 'pre_authorisation' OR kind = 'pre_authorisation_top_up')",
                params![
                    merchant,
                    terminal,
                    batch,
                    stan,
                    card.cryptogram,
                    card.tvr,
                    card.tsi,
                    card.atc,
                    card.signature,
                ],
            ),
            // Why it was sent again is of no interest to anybody who reads that it is done.
            Record::Done => self.connection.execute(
                "UPDATE transactions SET state = 'approved', chip_data = NULL, reason = NULL
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4 AND state = 'host_approved'
                     AND kind <> 'sale' AND kind <> 'pre_authorisation' AND kind <> 'pre_authorisation_top_up'
                     AND kind <> 'code_payment'",
                params![merchant, terminal, batch, stan],
            ),
            Record::PaidWithoutChip { signature } => self.connection.execute(
                "UPDATE transactions SET state = 'approved', signature = ?5, chip_data = NULL
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4 AND state = 'host_approved'
                     AND (kind = 'sale' OR kind = 'pre_authorisation' OR kind = 'pre_authorisation_top_up')
                     AND (entry = 'stripe' OR entry = 'fallback' OR entry = 'typed')",
                params![merchant, terminal, batch, stan, signature],
            ),
            Record::ApprovedByCard(pending, card) => self.insert_approved(trace, pending, card, kept),
            Record::Scripts(scripts) => self.note_scripts(trace, scripts),
            Record::NotPaid { reason, response_code, rrn } => self.connection.execute(
                "UPDATE transactions SET state = 'declined', reason = ?5, response_code = ?6, rrn = ?7, chip_data = NULL,
                     next_try = NULL
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4
                     AND (state = 'pending' OR state = 'repeat_due')",
                params![
                    merchant,
                    terminal,
                    batch,
                    stan,
                    reason.word(),
                    response_code.as_ref().map(|code| code.as_str()),
                    rrn.as_ref().map(|rrn| rrn.as_str()),
                ],
            ),
            Record::Unresolved { reason, response_code } => self.connection.execute(
                "UPDATE transactions SET state = 'unresolved', reason = ?5, response_code = ?6, next_try = NULL,
                     reversal_reason = CASE WHEN kind = 'refund' OR kind = 'completion_notice' OR kind = 'code_payment'
                         OR kind = 'code_refund' THEN NULL ELSE '06' END
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4
                     AND (state = 'pending' OR state = 'repeat_due')",
                params![
                    merchant,
                    terminal,
                    batch,
                    stan,
                    reason.word(),
                    response_code.as_ref().map(|code| code.as_str())
                ],
            ),
            Record::ReversalDue { reversal_reason, reason, authorisation_code, chip_data } => self.connection.execute(
                "UPDATE transactions SET state = 'reversal_due', reversal_reason = ?5, reason = ?6,
                     authorisation_code = coalesce(?7, authorisation_code), chip_data = ?8
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4
                     AND (state = 'pending' OR state = 'host_approved') AND kind <> 'refund' AND kind <> 'completion_notice'
                     AND kind <> 'offline_sale' AND kind <> 'code_payment' AND kind <> 'code_refund'",
                params![
                    merchant,
                    terminal,
                    batch,
                    stan,
                    reversal_reason.code(),
                    reason.word(),
                    authorisation_code.as_ref().map(|code| code.as_str()),
                    chip_data,
                ],
            ),
            Record::RepeatDue { reason } => self.connection.execute(
                "UPDATE transactions SET state = 'repeat_due', reason = ?5
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4 AND state = 'pending'
                     AND (kind = 'refund' OR kind = 'completion_notice' OR kind = 'code_refund')",
                params![merchant, terminal, batch, stan, reason.word()],
            ),
        }
    }

    /// Of a card that was not read, the original says what application and bank it is of.
    fn insert(&self, trace: TraceNumber, pending: &Pending, kept: Option<&Kept>) -> rusqlite::Result<usize> {
        let original = pending.original.as_ref();
        let (merchant, terminal) = (self.merchant_code.as_str(), self.terminal_number.as_str());
        let (batch, stan) = (trace.batch.number(), trace.stan.number());
        let (kind, entry, verification) = (pending.kind.word(), pending.entry.word(), pending.verification.word());
        let original_batch = original.map(|original| original.trace.batch.number());
        let original_stan = original.map(|original| original.trace.stan.number());
        let original_at = original.map(|original| original.at.to_string());
        let (amount, currency) = (pending.amount.minor() as i64, pending.amount.currency());
        let currency = currency.code();
        let (at, pan, sealed_pan) = (pending.at.to_string(), pending.pan.truncated(), kept.map(Kept::sealed_pan));
        let cashier = self.cashier.map(PersonNumber::number);
        let values: [&dyn rusqlite::ToSql; 22] = [
            &merchant,
            &terminal,
            &batch,
            &stan,
            &kind,
            &original_batch,
            &original_stan,
            &original_at,
            &amount,
            &currency,
            &at,
            &entry,
            &pan,
            &pending.sequence_number,
            &pending.card_expiry,
            &pending.aid,
            &pending.application_label,
            &pending.chip_data,
            &verification,
            &pending.bank,
            &sealed_pan,
            &cashier,
        ];
        let columns = "merchant_code, terminal_number, batch, stan, kind, original_batch, original_stan, original_at, amount,
             currency, at, entry, truncated_pan, sequence_number, card_expiry, aid, application_label, chip_data, verification,
             bank, sealed_pan, cashier, state";
        match (pending.entry, original) {
            (EntryMode::NotRead, Some(_)) => self.connection.execute(
                &format!(
                    "INSERT INTO transactions ({columns})
                     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, CASE ?16 WHEN '' THEN aid ELSE ?16 END,
                         CASE ?17 WHEN '' THEN application_label ELSE ?17 END, ?18, ?19, coalesce(?20, bank), ?21, ?22, 'pending'
                     FROM transactions WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?6 AND stan = ?7"
                ),
                &values[..],
            ),
            (
                EntryMode::Chip | EntryMode::Stripe | EntryMode::Fallback | EntryMode::Typed | EntryMode::NotRead,
                _,
            ) => self.connection.execute(
                &format!(
                    "INSERT INTO transactions ({columns})
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
                         ?22, 'pending')"
                ),
                &values[..],
            ),
        }
    }

    /// A row that begins with the card's word.
    fn insert_approved(
        &self,
        trace: TraceNumber,
        pending: &Pending,
        card: &CardResult,
        kept: Option<&Kept>,
    ) -> rusqlite::Result<usize> {
        let amount = pending.amount.minor() as i64;
        let currency = pending.amount.currency();
        self.connection.execute(
            "INSERT INTO transactions (merchant_code, terminal_number, batch, stan, kind, amount, currency, at, entry,
                 truncated_pan, sequence_number, card_expiry, aid, application_label, verification, bank, sealed_pan, cashier,
                 cryptogram, tvr, tsi, atc, signature, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
                 'approved')",
            params![
                self.merchant_code.as_str(),
                self.terminal_number.as_str(),
                trace.batch.number(),
                trace.stan.number(),
                pending.kind.word(),
                amount,
                currency.code(),
                pending.at.to_string(),
                pending.entry.word(),
                pending.pan.truncated(),
                pending.sequence_number,
                pending.card_expiry,
                pending.aid,
                pending.application_label,
                pending.verification.word(),
                pending.bank,
                kept.map(Kept::sealed_pan),
                self.cashier.map(PersonNumber::number),
                card.cryptogram,
                card.tvr,
                card.tsi,
                card.atc,
                card.signature,
            ],
        )
    }

    /// TVR and TSI of a payment are those after the last script.
    fn note_scripts(&self, trace: TraceNumber, scripts: &ScriptResult) -> rusqlite::Result<usize> {
        self.connection.execute(
            "UPDATE transactions SET script_results = ?5, tvr = ?6, tsi = ?7
             WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4
                 AND state NOT IN ('pending', 'host_approved')",
            params![
                self.merchant_code.as_str(),
                self.terminal_number.as_str(),
                trace.batch.number(),
                trace.stan.number(),
                scripts.results,
                scripts.tvr,
                scripts.tsi,
            ],
        )
    }
}

/// What refers to something is looked at first: who waits to write only then is turned away at once where another writes.
fn behaviour(record: &Record) -> TransactionBehavior {
    match record {
        Record::Pending(pending) if pending.original.is_some() => TransactionBehavior::Immediate,
        _ => TransactionBehavior::Deferred,
    }
}

/// What is refused before it is written: a question is no transaction, and what a card approves alone begins with that.
fn check_kind(record: &Record) -> Result<(), LedgerError> {
    let refused = |pending: &Pending| match pending.kind {
        // What is paid by code is written down by `code_payments`.
        Kind::OfflineSale | Kind::Balance | Kind::CodePayment | Kind::CodeRefund => Some(pending.kind.word()),
        Kind::Sale
        | Kind::PreAuthorisation
        | Kind::PreAuthorisationTopUp
        | Kind::Void
        | Kind::Refund
        | Kind::PreAuthorisationVoid
        | Kind::Completion
        | Kind::CompletionNotice
        | Kind::CompletionVoid => None,
    };
    let word = match record {
        Record::Pending(pending) => refused(pending),
        Record::ApprovedByCard(pending, _) => (pending.kind != Kind::OfflineSale).then(|| pending.kind.word()),
        Record::HostApproved { .. }
        | Record::Approved(_)
        | Record::Done
        | Record::PaidWithoutChip { .. }
        | Record::Scripts(_)
        | Record::NotPaid { .. }
        | Record::Unresolved { .. }
        | Record::ReversalDue { .. }
        | Record::RepeatDue { .. } => None,
    };
    word.map_or(Ok(()), |word| Err(LedgerError::Kind(word)))
}
