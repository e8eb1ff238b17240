//! What is sent again until the host answers: refunds and notices of completion. When it is sent, and what an answer means, is the
//! payment core's matter (`payment::queue`).

use super::engine::Core;
use super::queue::AFTER_DAMAGE;
use super::report::Ending;
use super::showing::{Paid, local_in, local_now};
use super::view::Screen;
use super::workers::link;
use crate::devices::sound::Tone;
use crate::ledger::{LedgerError, TransactionRow};
use crate::payment::online::{HostAnswer, LinkFailure};
use crate::payment::queue::{Entry, EntryId, Repeat, Verdict};
use crate::payment::record::Record;
use crate::reference::TraceNumber;
use crate::wording::{Reason, ReasonKind};

impl Core {
    /// Sends it the way it went before. Gives whether it left for the link.
    pub(super) fn send_again(&mut self, entry: &Entry) -> bool {
        let job = match self.ledger.repeat_request(entry.trace) {
            Ok(Some(Repeat::Card(request))) => link::Job::Repeat(request),
            Ok(Some(Repeat::About(request))) => link::Job::RepeatAbout(request),
            Ok(Some(Repeat::Code(refund))) => link::Job::CodeRefund(refund),
            Ok(None) => return false,
            // It will never be made, and what stands behind it can: a person must look.
            Err(error) if error.is_for_good() => {
                tracing::error!(trace = %entry.trace, %error, "what is to be sent again cannot be made any more");
                if let Err(error) = self
                    .give_up(entry, None)
                    .and_then(|()| self.show_repeat(entry.trace, &Verdict::Park(None), entry.tries))
                {
                    self.ledger_failed(&error);
                }
                return false;
            }
            // The vault is away, say. Advices stand behind it and wait as well; the queue's screen shows it.
            Err(error) => {
                tracing::error!(trace = %entry.trace, %error, "what is to be sent again cannot be made");
                self.queue.rest(entry.id, AFTER_DAMAGE);
                return false;
            }
        };
        self.ask_host(job);
        true
    }

    /// The host has done it: what it said is written down before its end.
    pub(super) fn note_approval_of_repeat(
        &mut self,
        id: EntryId,
        result: &Result<HostAnswer, LinkFailure>,
    ) -> Result<(), LedgerError> {
        let (EntryId::Repeat(trace), Ok(answer)) = (id, result) else { return Ok(()) };
        let record = Record::HostApproved {
            plan: None,
            response_code: answer.response_code.clone(),
            rrn: answer.rrn.clone(),
            authorisation_code: answer.authorisation_code.clone(),
            part: None,
        };
        self.ledger.record(trace, &record)
    }

    /// The host has not done it, and would refuse the same for ever.
    pub(super) fn note_refusal_of_repeat(
        &mut self,
        id: EntryId,
        result: &Result<HostAnswer, LinkFailure>,
    ) -> Result<(), LedgerError> {
        let (EntryId::Repeat(trace), Ok(answer)) = (id, result) else { return Ok(()) };
        let record = Record::NotPaid {
            reason: ReasonKind::HostDeclined,
            response_code: Some(answer.response_code.clone()),
            rrn: answer.rrn.clone(),
        };
        self.ledger.record(trace, &record)
    }

    /// Says what became of a try.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn show_repeat(
        &mut self,
        trace: TraceNumber,
        verdict: &Verdict,
        tries_now: u32,
    ) -> Result<(), LedgerError> {
        let Some(row) = self.ledger.find(trace)? else { return Ok(()) };
        let shown = self.result_shown == Some(trace) && matches!(self.screen, Screen::Unknown { .. });
        match verdict {
            Verdict::Done => self.show_done(row, shown),
            Verdict::Refused => self.show_refused(&row, shown),
            Verdict::Park(_) | Verdict::GiveUp(_) => self.show_that_a_person_must_look(&row),
            Verdict::TryAgain | Verdict::TryAgainCounted => {
                let until_next = self.queue.until_due(EntryId::Repeat(trace));
                if let Some(report) = self.report_of(trace) {
                    report.complete = true;
                }
                if let Screen::Unknown { tries, next_try, .. } = &mut self.screen
                    && shown
                {
                    *tries = tries_now;
                    *next_try = Some(local_in(until_next));
                }
            }
        }
        Ok(())
    }

    fn show_done(&mut self, row: TransactionRow, shown: bool) {
        let trace = row.trace;
        if let Some(report) = self.report_of(trace) {
            report.ending = Ending::Approved;
            report.reason = None;
            report.rrn = row.rrn.clone();
            report.authorisation_code = row.authorisation_code.clone();
            report.response_code = row.response_code.clone();
        }
        if !shown {
            return self.print_unseen(trace);
        }
        self.parts.sound.play(Tone::Approved);
        self.show_paid(Paid {
            kind: row.kind,
            trace,
            amount: row.amount,
            truncated_pan: row.truncated_pan,
            authorisation_code: row.authorisation_code,
            at: row.at,
        });
        self.print_new(trace);
    }

    fn show_refused(&mut self, row: &TransactionRow, shown: bool) {
        let code = row.response_code.clone();
        let reason = Reason { code, ..Reason::of(ReasonKind::HostDeclined) }.of_sense(row.kind.sense());
        if let Some(report) = self.report_of(row.trace) {
            report.ending = Ending::Declined;
            report.response_code = reason.code.clone();
            report.reason = Some(reason.clone());
            report.complete = true;
        }
        if shown {
            self.parts.sound.play(Tone::Alert);
            self.screen = Screen::NotPaid { amount: row.amount, reason, at: local_now() };
        }
    }

    fn show_that_a_person_must_look(&mut self, row: &TransactionRow) {
        let why = Reason::with_detail(ReasonKind::RepeatExhausted, row.trace.to_string());
        if let Some(report) = self.report_of(row.trace) {
            report.reason = Some(why.clone());
            report.complete = true;
        }
        self.refresh_alarm();
        if let Screen::Unknown { reason, next_try, .. } = &mut self.screen
            && self.result_shown == Some(row.trace)
        {
            *reason = why;
            *next_try = None;
        }
    }
}
