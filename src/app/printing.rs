//! Slips: from the ledger to the printer, one at a time, each with a life of its own.

use std::time::Instant;

use jiff::civil::DateTime;

use super::cash_view::CashStage;
use super::engine::Core;
use super::report::CopyReport;
use super::showing::{Paid, local_now};
use super::slips::{self, SlipOf};
use super::view::{CodePaper, CopyState, CopyView, Screen};
use super::workers::printer::{Event, Job, Slip};
use crate::clock;
use crate::devices::printer::{Confirmation, PrinterFault};
use crate::ledger::{CashRow, CopyRow, LedgerError, PrintState, TransactionRow};
use crate::proof::tree::Head;
use crate::receipt::{CopyFor, Receipt};
use crate::reference::TraceNumber;
use crate::wording::{Reason, ReasonKind};

/// Seconds after a sale in which its slips are still asked about when the terminal starts.
const ASKED_FOR_S: i64 = 15 * 60;

/// A slip the engine follows.
#[derive(Clone, Debug)]
pub(super) struct FollowedCopy {
    pub row: CopyRow,
    pub state: CopyState,
    pub since: Instant,
    /// It may be on paper, or still come out of the printer: sent once more, it is marked as a duplicate.
    may_exist: bool,
}

impl FollowedCopy {
    /// On its way or waiting for its turn.
    pub const fn under_way(&self) -> bool {
        matches!(self.state, CopyState::Queued | CopyState::Sending | CopyState::Waiting(_))
    }
}

impl Core {
    /// Prints the slips that were queued with the approval.
    pub(super) fn print_new(&mut self, trace: TraceNumber) {
        self.slips_shown = Some(trace);
        self.print_unseen(trace);
    }

    /// The same while something else is on the screen.
    pub(super) fn print_unseen(&mut self, trace: TraceNumber) {
        match self.ledger.copies_of(trace) {
            Ok(rows) => {
                for row in rows {
                    self.follow(row, CopyState::Queued);
                }
            }
            // The sale stands, and so do its queued slips: they are printed at the next start.
            Err(error) => tracing::error!(%trace, %error, "the slips could not be read"),
        }
        self.refresh_copies(trace);
        self.print_next();
    }

    /// Queues duplicates of both slips of a sale and starts printing.
    pub(super) fn print_again(&mut self, trace: TraceNumber) {
        // One reprint at a time: a second touch while it runs is not a second wish.
        if self.copies.iter().any(|copy| copy.row.trace == trace && copy.under_way()) || !self.has_slips(trace) {
            return;
        }
        self.slips_shown = Some(trace);
        self.copies.retain(|copy| copy.row.trace != trace);
        for copy in self.slips_of(trace) {
            match self.ledger.queue_copy(trace, *copy) {
                Ok(row) => self.follow(row, CopyState::Queued),
                Err(error) => {
                    // The sale stands; only its slip is missing, and can be printed again later.
                    tracing::error!(%trace, %error, "a slip could not be queued");
                }
            }
        }
        self.refresh_copies(trace);
        self.print_next();
    }

    /// Whose slips there are of a number.
    fn slips_of(&self, trace: TraceNumber) -> &'static [CopyFor] {
        match self.ledger.cash(trace) {
            // What paid the rest of a purchase has the receipt of all of it.
            Ok(Some(row)) if !matches!(self.ledger.purchase_of(trace), Ok(Some(_))) => CashRow::copies(row.kind),
            _ => &[CopyFor::Merchant, CopyFor::Customer],
        }
    }

    /// Prints the slips that failed once more.
    pub(super) fn retry_failed(&mut self) {
        let shown = self.slips_shown;
        let failed: Vec<_> = self
            .copies
            .iter()
            .filter(|copy| Some(copy.row.trace) == shown && matches!(copy.state, CopyState::Failed(_)))
            .map(|copy| copy.row)
            .collect();
        for row in failed {
            self.set_copy(row, PrintState::Queued, CopyState::Queued);
        }
        self.print_next();
    }

    /// What a power cut left: queued slips are printed; those that were on their way are asked about.
    ///
    /// # Errors
    /// When the ledger cannot be read or written.
    pub(super) fn adopt_slips(&mut self) -> Result<(), LedgerError> {
        for row in self.ledger.copies_in(PrintState::Sending)? {
            self.ledger.copy_is(&row, PrintState::SentUnconfirmed)?;
        }
        let asked = self.ledger.copies_in(PrintState::SentUnconfirmed)?;
        let queued = self.ledger.copies_in(PrintState::Queued)?;
        // One result at a time can be asked about; the newest is the one somebody may still hold in their hands, unless it is
        // from another day's work.
        let newest = asked.last().map(|row| row.trace);
        if let Some(sale) = newest.map(|trace| self.ledger.find(trace)).transpose()?.flatten()
            && local_now().duration_since(sale.at).as_secs() < ASKED_FOR_S
        {
            for row in asked.iter().filter(|row| row.trace == sale.trace) {
                self.follow(*row, CopyState::Asks(None));
                self.may_exist(row, true);
            }
            self.show_paid(Paid {
                kind: sale.kind,
                trace: sale.trace,
                amount: sale.amount,
                truncated_pan: sale.truncated_pan,
                authorisation_code: sale.authorisation_code,
                at: sale.at,
            });
        }
        if let Some(row) = newest.map(|trace| self.ledger.cash(trace)).transpose()?.flatten()
            && local_now().duration_since(row.at).as_secs() < ASKED_FOR_S
        {
            for slip in asked.iter().filter(|slip| slip.trace == row.trace) {
                self.follow(*slip, CopyState::Asks(None));
                self.may_exist(slip, true);
            }
            self.show_cash_of_before(&row);
        }
        for row in queued {
            self.follow(row, CopyState::Queued);
        }
        self.print_next();
        Ok(())
    }

    fn follow(&mut self, row: CopyRow, state: CopyState) {
        self.copies.push(FollowedCopy { row, state, since: clock::instant(), may_exist: false });
    }

    /// One that another program queued.
    pub(super) fn follow_wanted(&mut self, row: CopyRow) {
        self.follow(row, CopyState::Queued);
    }

    fn may_exist(&mut self, row: &CopyRow, may: bool) {
        if let Some(followed) = self.copies.iter_mut().find(|followed| followed.row.same_slip(row)) {
            followed.may_exist = may;
        }
    }

    /// Hands the next queued slip to the printer when it is free.
    pub(super) fn print_next(&mut self) {
        let sending = self.copies.iter().any(|copy| matches!(copy.state, CopyState::Sending | CopyState::Waiting(_)));
        let others = self.settling.slips.printing.is_some() || self.purchase.is_printing();
        if sending || self.queue_slips.printing() || others {
            return;
        }
        let next = self.copies.iter().find(|copy| copy.state == CopyState::Queued).map(|copy| copy.row);
        let Some(row) = next else { return self.print_what_was_given_up() };
        match self.slip_bytes(&row) {
            Ok(bytes) => {
                // A slip that is sent without being written down as sent would be printed again after a power cut.
                if !self.set_copy(row, PrintState::Sending, CopyState::Sending) {
                    self.set_shown(row, CopyState::Failed(Reason::of(ReasonKind::LedgerFailed)));
                    self.print_next();
                } else if self.printer_jobs.send(Job::Print { slip: Slip::Copy(row), bytes }).is_err() {
                    self.set_copy(row, PrintState::Failed, CopyState::Failed(Reason::of(ReasonKind::PrinterSilent)));
                    self.print_next();
                }
            }
            Err(detail) => {
                let reason = Reason::with_detail(ReasonKind::LedgerFailed, detail);
                self.set_copy(row, PrintState::Failed, CopyState::Failed(reason));
                self.print_next();
            }
        }
    }

    /// The printer's word.
    pub(super) fn after_print(&mut self, event: Event) {
        match event {
            Event::Is(state) => self.printer_is(state),
            Event::Drawer(of, result) => self.after_pulse(of, result),
            Event::Waiting(Slip::DeadLetter(_) | Slip::Settlement(_) | Slip::Purchase(_) | Slip::SetUp, _) => {}
            Event::Ended(Slip::SetUp, result) => {
                self.after_sheet(result);
                self.print_next();
            }
            Event::Waiting(Slip::Code(trace), fault) => {
                let paper = fault.map_or(CodePaper::Printing, |fault| CodePaper::Waiting(reason_of(&fault)));
                self.code_on_paper(trace, paper);
            }
            Event::Ended(Slip::Code(trace), result) => {
                let paper = match result {
                    Ok(_) => CodePaper::Sent,
                    Err(failure) => CodePaper::Failed(reason_of(&failure.fault)),
                };
                self.code_on_paper(trace, paper);
            }
            Event::Ended(Slip::Purchase(number), result) => {
                self.after_slip_of_purchase(number, &result);
                self.print_next();
            }
            Event::Ended(Slip::Settlement(batch), result) => {
                self.after_slip_of_settlement(batch, &result);
                self.print_next();
            }
            Event::Ended(Slip::DeadLetter(id), result) => {
                self.after_slip_of_dead_letter(id, &result);
                self.print_next();
            }
            Event::Waiting(Slip::Copy(row), Some(fault)) => {
                self.set_shown(row, CopyState::Waiting(reason_of(&fault)));
            }
            Event::Waiting(Slip::Copy(row), None) => self.set_shown(row, CopyState::Sending),
            Event::Ended(Slip::Copy(row), result) => {
                self.time_of_copy(row);
                match result {
                    Ok(Confirmation::Printed) => {
                        self.queue_slips.printer_works();
                        self.settling.slips.held = false;
                        self.printer_takes_purchases();
                        self.set_copy(row, PrintState::Printed, CopyState::Printed);
                    }
                    Ok(Confirmation::CannotConfirm) => {
                        self.may_exist(&row, true);
                        self.set_copy(row, PrintState::SentUnconfirmed, CopyState::Asks(None));
                    }
                    Err(failure) if failure.may_be_on_paper => {
                        tracing::warn!(trace = %row.trace, copy = row.copy.word(), fault = %failure.fault, "slip unconfirmed");
                        self.may_exist(&row, failure.may_come_later);
                        let reason = Some(reason_of(&failure.fault));
                        self.set_copy(row, PrintState::SentUnconfirmed, CopyState::Asks(reason));
                    }
                    Err(failure) => {
                        tracing::warn!(trace = %row.trace, copy = row.copy.word(), fault = %failure.fault, "slip not printed");
                        self.set_copy(row, PrintState::Failed, CopyState::Failed(reason_of(&failure.fault)));
                    }
                }
                self.print_next();
            }
        }
    }

    /// The cashier's word on "Did it print?".
    pub(super) fn did_it_print(&mut self, copy: CopyFor, printed: bool) {
        let asked = self
            .copies
            .iter()
            .find(|followed| {
                Some(followed.row.trace) == self.slips_shown
                    && followed.row.copy == copy
                    && matches!(followed.state, CopyState::Asks(_))
            })
            .map(|followed| (followed.row, followed.may_exist));
        match asked {
            Some((row, _)) if printed => {
                self.set_copy(row, PrintState::Printed, CopyState::Printed);
            }
            Some((row, true)) => self.print_instead(row),
            Some((row, false)) => {
                self.set_copy(row, PrintState::Queued, CopyState::Queued);
            }
            None => return,
        }
        self.print_next();
    }

    /// Prints a duplicate in place of a slip that nobody found but that may exist all the same.
    fn print_instead(&mut self, row: CopyRow) {
        match self.ledger.queue_copy(row.trace, row.copy) {
            Ok(duplicate) => {
                self.set_copy(row, PrintState::Failed, CopyState::Queued);
                self.copies.retain(|followed| !followed.row.same_slip(&row));
                self.follow(duplicate, CopyState::Queued);
                self.refresh_copies(row.trace);
            }
            Err(error) => tracing::error!(trace = %row.trace, %error, "a slip could not be queued"),
        }
    }

    /// Slips of a transaction as the screen shows them.
    pub(super) fn copy_views(&self, trace: TraceNumber) -> Vec<CopyView> {
        self.copies
            .iter()
            .filter(|copy| copy.row.trace == trace)
            .map(|copy| CopyView { copy: copy.row.copy, state: copy.state.clone() })
            .collect()
    }

    /// Notes how far a slip is; false when the ledger did not take it.
    fn set_copy(&mut self, row: CopyRow, stored: PrintState, shown: CopyState) -> bool {
        let written = match self.ledger.copy_is(&row, stored) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(trace = %row.trace, %error, "the state of a slip could not be written");
                false
            }
        };
        if let Some(followed) = self.copies.iter_mut().find(|followed| written && followed.row.same_slip(&row)) {
            followed.row.state = stored;
        }
        self.set_shown(row, shown);
        written
    }

    fn set_shown(&mut self, row: CopyRow, shown: CopyState) {
        if let Some(followed) = self.copies.iter_mut().find(|followed| followed.row.same_slip(&row)) {
            if shown == CopyState::Sending && followed.state == CopyState::Queued {
                followed.since = clock::instant();
            }
            followed.state = shown;
        }
        self.refresh_copies(row.trace);
        self.refresh_notice();
    }

    fn refresh_copies(&mut self, trace: TraceNumber) {
        let views = self.copy_views(trace);
        let slips = self.copies.iter().filter(|copy| copy.row.trace == trace);
        let reports: Vec<_> = slips
            .map(|copy| CopyReport {
                copy: copy.row.copy,
                state: copy.row.state,
                trouble: match &copy.state {
                    CopyState::Waiting(reason) | CopyState::Failed(reason) => Some(reason.clone()),
                    CopyState::Asks(reason) => reason.clone(),
                    CopyState::Queued | CopyState::Sending | CopyState::Printed => None,
                },
            })
            .collect();
        let done = !views.is_empty()
            && views
                .iter()
                .all(|view| matches!(view.state, CopyState::Printed | CopyState::Failed(_) | CopyState::Asks(_)));
        if let Some(report) = self.report_of(trace) {
            report.copies = reports;
            report.complete = done;
        }
        match &mut self.screen {
            Screen::Approved { copies, .. } if self.result_shown == Some(trace) => *copies = views,
            Screen::Cash(view) if self.result_shown == Some(trace) => {
                if let CashStage::Done { copies, .. } = &mut view.stage {
                    *copies = views;
                }
            }
            Screen::Transactions { copies, .. } if self.slips_shown == Some(trace) => *copies = views,
            Screen::Transaction(detail) if self.slips_shown == Some(trace) => detail.copies = views,
            _ => {}
        }
    }

    fn time_of_copy(&mut self, row: CopyRow) {
        let since = self.copies.iter().find(|followed| followed.row.same_slip(&row)).map(|followed| followed.since);
        let part = match row.copy {
            CopyFor::Merchant => "print_merchant",
            CopyFor::Customer => "print_customer",
        };
        if let (Some(since), Some(report)) = (since, self.report_of(row.trace)) {
            report.timings.add(part, clock::since(since));
        }
    }

    /// Name of the shop: the acquirer may want another one on slips than in the binding record.
    pub(super) fn merchant_name(&self) -> String {
        slips::merchant_name(&self.parts.identity, &self.parts.tables.terminal)
    }

    /// The content of a slip for this printer.
    pub(super) fn slip_bytes(&self, row: &CopyRow) -> Result<Vec<u8>, String> {
        if let Some(bytes) = self.cash_slip_bytes(row)? {
            return Ok(bytes);
        }
        Ok(self.slip(row)?.render(row.copy, &self.parts.printer_profile, self.parts.language))
    }

    fn slip(&self, copy: &CopyRow) -> Result<Receipt, String> {
        let row = self.ledger.find(copy.trace).map_err(|error| error.to_string())?;
        let row = row.filter(TransactionRow::has_slips).ok_or("the transaction is not approved")?;
        self.about_slips().receipt(&self.ledger, &row, copy.duplicate).map_err(|error| error.to_string())
    }

    pub(super) fn about_slips(&self) -> SlipOf<'_> {
        SlipOf {
            identity: &self.parts.identity,
            parameters: &self.parts.tables.terminal,
            receipt_key: self.parts.receipt_key.as_ref(),
            letterhead: &self.parts.letterhead,
            mark: self.parts.mark,
        }
    }

    /// The customer's link to the e-receipt of a payment, or of the purchase of which it pays a part: the same that its slip has. Without a
    /// ledger there is none.
    pub(super) fn receipt_link(&self, trace: TraceNumber, at: DateTime) -> Option<String> {
        if let Some(purchase) = self.ledger.purchase_of(trace).ok()? {
            return self.about_slips().link_of_purchase(&purchase).map(|(text, _)| text);
        }
        let head = self.ledger.log_head_of(trace).ok()?;
        let terminal = self.parts.identity.terminal_number().ok()?;
        let link = self.about_slips().link(&terminal, trace, at.date(), head.as_ref().map(Head::code));
        link.map(|(text, _)| text)
    }
}

pub(super) fn reason_of(fault: &PrinterFault) -> Reason {
    let kind = match fault {
        PrinterFault::Absent(_) => ReasonKind::PrinterMissing,
        PrinterFault::PaperOut => ReasonKind::PrinterPaperOut,
        PrinterFault::CoverOpen => ReasonKind::PrinterCoverOpen,
        PrinterFault::Offline => ReasonKind::PrinterStopped,
        PrinterFault::NoAnswer => ReasonKind::PrinterSilent,
        PrinterFault::Error => ReasonKind::PrinterFault,
    };
    Reason::with_detail(kind, fault.to_string())
}

#[cfg(test)]
mod tests {
    use crate::payment::transaction::Kind;
    use crate::receipt::template::titled_kinds;

    #[test]
    fn a_slip_of_every_kind_says_what_it_is_of() {
        let mut wanted: Vec<_> =
            Kind::ALL.into_iter().filter(|kind| kind.is_written_down()).map(|kind| kind.word()).collect();
        let mut titled = titled_kinds();
        wanted.sort_unstable();
        titled.sort_unstable();
        assert_eq!(titled, wanted);
    }
}
