//! Slips once more, wanted by a command: the wish is written into the ledger, where the terminal that runs sees it and prints, counted and
//! marked as a duplicate as one that was wanted at the screen. Where none runs, whoever wants it starts one.

use super::cash::newest_of;
use super::engine::Core;
use super::settling::{ReportError, batch_report};
use super::setup::{Setup, SetupError};
use super::slips::DuplicateError;
use crate::ledger::{CashRow, CopyRow, Ledger, LedgerError, PrintState, TransactionRow};
use crate::payment::purchase::{Known, PurchaseState};
use crate::receipt::CopyFor;
use crate::reference::{Batch, Stan, TraceNumber};

/// Why the slip of a settlement is not printed again.
#[derive(Debug, thiserror::Error)]
pub enum SlipAgainError {
    /// There is none.
    #[error("batch {0} has no settlement that is over; yima settlements lists them")]
    NotOver(Batch),
    /// There was no paper in the first place.
    #[error("nothing happened in batch {0}: it has no slip")]
    Nothing(Batch),
    /// The terminal's parts.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The sums.
    #[error(transparent)]
    Report(#[from] ReportError),
}

impl Setup {
    /// Queues duplicates of the slips of an approved payment or of cash; of what pays a part of a purchase, of its one receipt. `copy`: of
    /// this one alone. They are printed by the terminal that runs, or by the next one.
    ///
    /// # Errors
    /// When the ledger has no such payment, it has no such slip, or it cannot be written.
    pub fn queue_duplicates(
        &self,
        batch: Option<Batch>,
        stan: Stan,
        copy: Option<CopyFor>,
    ) -> Result<Vec<CopyRow>, DuplicateError> {
        let none = || {
            let batch = batch.map(|batch| format!("{batch}/")).unwrap_or_default();
            DuplicateError::None(format!("{batch}{stan}"))
        };
        let identity = self.identity()?;
        // Whoever asks for what there is not makes nothing.
        self.ledger_to_look_at(&identity)?.ok_or_else(none)?;
        let mut ledger = self.ledger_beside(&identity)?;
        let trace = newest_of(&ledger, batch, stan)?.ok_or_else(none)?;
        let (trace, slips) = slips_of(&ledger, trace)?.ok_or_else(none)?;
        let wanted: Vec<_> = slips.iter().filter(|slip| copy.is_none_or(|copy| **slip == copy)).collect();
        if wanted.is_empty() {
            let copy = copy.map_or("", CopyFor::word);
            return Err(DuplicateError::None(format!("{trace} with a {copy} copy")));
        }
        let queued = wanted.into_iter().map(|copy| ledger.queue_copy(trace, *copy)).collect::<Result<_, _>>()?;
        Ok(queued)
    }

    /// Wants the slip of a settlement that is over once more. One that is not out yet comes out by itself.
    ///
    /// # Errors
    /// When the batch has no such settlement or no slip, or the ledger cannot be written.
    pub fn want_settlement_slip(&self, batch: Batch) -> Result<(), SlipAgainError> {
        let identity = self.identity()?;
        self.ledger_to_look_at(&identity)?.ok_or(SlipAgainError::NotOver(batch))?;
        let mut ledger = self.ledger_beside(&identity)?;
        let row = ledger.settlement(batch)?.filter(|row| !row.under_way.state.is_open());
        let row = row.ok_or(SlipAgainError::NotOver(batch))?;
        if batch_report(&ledger, batch, row.under_way.totals.currency())?.is_empty() {
            return Err(SlipAgainError::Nothing(batch));
        }
        if !row.slip_due {
            ledger.want_settlement_slip(batch)?;
        }
        Ok(())
    }
}

/// Whose slips there are of a number, and under which one they are counted: those of a purchase under what was paid last.
fn slips_of(ledger: &Ledger, trace: TraceNumber) -> Result<Option<(TraceNumber, &'static [CopyFor])>, DuplicateError> {
    const BOTH: &[CopyFor] = &[CopyFor::Merchant, CopyFor::Customer];
    if let Some(purchase) = ledger.purchase_of(trace)? {
        if purchase.state != PurchaseState::Paid {
            return Err(DuplicateError::NotPaid(purchase.number));
        }
        let last = purchase.parts.iter().rfind(|part| part.known() == Known::Paid);
        return Ok(last.map(|last| (last.trace, BOTH)));
    }
    if let Some(row) = ledger.cash(trace)? {
        return Ok(Some((trace, CashRow::copies(row.kind))));
    }
    let row = ledger.find(trace)?.filter(TransactionRow::has_slips);
    // What had no slip has no duplicate.
    let printed = row.is_some() && !ledger.copies_of(trace)?.is_empty();
    Ok(printed.then_some((trace, BOTH)))
}

impl Core {
    /// Prints what another program wants once more. First prints are queued, and followed, by who writes the payment down.
    pub(super) fn take_up_wanted_slips(&mut self) -> Result<(), LedgerError> {
        for row in self.ledger.copies_in(PrintState::Queued)? {
            if row.duplicate > 0 && !self.copies.iter().any(|followed| followed.row.same_slip(&row)) {
                self.follow_wanted(row);
            }
        }
        self.take_up_wanted_slip_of_settlement()?;
        self.print_next();
        Ok(())
    }

    /// The same of a settlement.
    pub(super) fn take_up_wanted_slip_of_settlement(&mut self) -> Result<(), LedgerError> {
        let wanted = self.ledger.settlement_slip_wanted()?;
        let printing = self.settling.slips.printing.map(|(batch, _)| batch);
        if let Some(batch) = wanted.filter(|batch| printing != Some(*batch)) {
            self.settling.slips.print_again(batch);
        }
        Ok(())
    }
}
