//! Slips of settlements: each is printed once, behind the slips of payments. One that the power cut on its way comes out again, and one
//! that the printer did not take waits until the printer has taken another, or the terminal starts again.

use super::day_sums::sums_in_cash;
use super::engine::Core;
use super::printing::reason_of;
use super::settlement_view::{CashierSums, DoneSum};
use super::settling::{BatchReport, ReportError, batch_report};
use super::view::{CopyState, RowKind};
use super::workers::printer::{Job, Slip};
use crate::clock;
use crate::devices::printer::{Confirmation, PrintFailure};
use crate::ledger::LedgerError;
use crate::proof::tree::Head;
use crate::receipt::{self, SettlementSlip, SlipCash, SlipCashier, SlipCashierSum, SlipDifference, SlipSum};
use crate::reference::{Batch, ReferenceError};
use crate::settlement::{Side, Sum};

/// Lines of goods on a slip: those of which most was sold, and one for all others. The command shows each.
const GOODS_ON_SLIP: usize = 20;

/// Why such a slip cannot be made.
#[derive(Debug, thiserror::Error)]
enum SlipError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

impl Core {
    /// Prints the oldest slip that is due, when the printer is free.
    pub(super) fn print_settlements(&mut self) {
        let waits = |state: &CopyState| matches!(state, CopyState::Queued | CopyState::Sending | CopyState::Waiting(_));
        let busy = self.pays() || self.copies.iter().any(|copy| waits(&copy.state));
        let slips = &self.settling.slips;
        if busy || slips.printing.is_some() || self.queue_slips.printing() || self.purchase.is_printing() {
            return;
        }
        if slips.held {
            return self.print_purchases();
        }
        match self.next_settlement_slip() {
            Ok(Some(slip)) => {
                self.settling.slips.again.take_if(|again| *again == slip.batch);
                let bytes = receipt::render_settlement(&slip, &self.parts.printer_profile, self.parts.language);
                if self.printer_jobs.send(Job::Print { slip: Slip::Settlement(slip.batch), bytes }).is_ok() {
                    self.settling.slips.printing = Some((slip.batch, clock::instant()));
                }
            }
            Ok(None) => self.print_purchases(),
            // What was settled is in the ledger all the same.
            Err(error) => {
                self.settling.slips.held = true;
                tracing::error!(%error, "the slip of a settlement cannot be made");
            }
        }
    }

    /// The printer's last word on such a slip.
    pub(super) fn after_slip_of_settlement(&mut self, batch: Batch, result: &Result<Confirmation, PrintFailure>) {
        let slips = &mut self.settling.slips;
        slips.printing = None;
        slips.failed.take_if(|(failed, _)| *failed == batch);
        match result {
            Ok(Confirmation::Printed | Confirmation::CannotConfirm) => {
                if let Err(error) = self.ledger.settlement_slip_is_out(batch) {
                    // It would come out without end otherwise.
                    self.settling.slips.held = true;
                    tracing::error!(%error, "that a slip was printed cannot be noted");
                }
            }
            Err(failure) => {
                slips.held = true;
                slips.failed = Some((batch, Some(reason_of(&failure.fault))));
                tracing::warn!(%batch, fault = %failure.fault, "the slip of a settlement is not printed yet");
            }
        }
    }

    fn next_settlement_slip(&mut self) -> Result<Option<SettlementSlip>, SlipError> {
        if let Some(batch) = self.settling.slips.again {
            let due = self.ledger.settlement(batch)?.is_some_and(|row| row.slip_due);
            let report = batch_report(&self.ledger, batch, self.parts.currency)?;
            match self.settlement_slip(&report)? {
                // The first one is no duplicate, whoever asks for it.
                Some(slip) if due => return Ok(Some(slip)),
                // What the head of the log was then is not known any more.
                Some(slip) => return Ok(Some(SettlementSlip { duplicate: true, log_head: None, ..slip })),
                None => self.settling.slips.again = None,
            }
        }
        for batch in self.ledger.settlement_slips_due()? {
            let report = batch_report(&self.ledger, batch, self.parts.currency)?;
            match self.settlement_slip(&report)? {
                Some(slip) => return Ok(Some(slip)),
                // A day on which nothing happened needs no paper.
                None => self.ledger.settlement_slip_is_out(batch)?,
            }
        }
        Ok(None)
    }

    fn settlement_slip(&self, report: &BatchReport) -> Result<Option<SettlementSlip>, SlipError> {
        let Some(row) = &report.settlement else { return Ok(None) };
        if report.is_empty() {
            return Ok(None);
        }
        let identity = &self.parts.identity;
        let sums = report.totals.lines.iter().map(|line| SlipSum {
            kind: line.kind.word(),
            method: line.method(),
            goes_back: Side::of(line.kind) == Some(Side::Credit),
            count: line.sum.count,
            amount: line.sum.amount,
        });
        let cash = sums_in_cash(&report.cash, report.totals.currency).into_iter().map(|done| {
            let Sum { count, amount } = done.sum;
            SlipCash { goes_back: done.goes_back(), count, amount }
        });
        let differences = report.differences.iter().map(|difference| SlipDifference {
            stan: difference.stan,
            ours: difference.ours,
            theirs: difference.theirs,
        });
        Ok(Some(SettlementSlip {
            merchant_name: self.merchant_name(),
            merchant_code: identity.merchant_code()?,
            terminal_number: identity.terminal_number()?,
            acquirer_code: identity.acquirer_code.clone(),
            state: row.under_way.state.word(),
            batch: report.batch,
            at: row.begun_at,
            currency: report.totals.currency,
            sums: sums.collect(),
            cash: cash.collect(),
            cashiers: report.sums_of_cashiers().into_iter().map(slip_cashier).collect(),
            goods: report.goods_in_lines(GOODS_ON_SLIP),
            net_minor: row.under_way.totals.net_minor(),
            money: row.closing.map(|closing| (closing.fee_minor, closing.net_minor())),
            undecided: row.undecided,
            differences: differences.collect(),
            log_head: Some(self.ledger.log_head()?).as_ref().map(Head::code),
            duplicate: false,
            mark: self.parts.mark,
        }))
    }
}

fn slip_cashier(cashier: CashierSums) -> SlipCashier {
    let sum = |done: &DoneSum| {
        let (kind, in_cash) = match done.kind {
            RowKind::Host(kind) => (kind.word(), false),
            RowKind::Cash(kind) => (kind.word(), true),
        };
        let Sum { count, amount } = done.sum;
        SlipCashierSum { kind, in_cash, goes_back: done.goes_back(), count, amount }
    };
    SlipCashier { who: cashier.who, sums: cashier.sums.iter().map(sum).collect(), tips: cashier.tips }
}
