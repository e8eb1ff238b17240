//! What is sent again until the host answers: refunds and notices of completion. What an answer means is the payment core's
//! matter (`payment::repeating`); when it is sent is `queue`'s.

use super::engine::Core;
use super::report::Ending;
use super::showing::{Paid, local_in, local_now};
use super::view::Screen;
use crate::devices::sound::Tone;
use crate::ledger::LedgerError;
use crate::payment::online::{HostAnswer, LinkFailure};
use crate::payment::queue::{EntryId, Verdict};
use crate::payment::repeating::{self, Follows};
use crate::reference::TraceNumber;
use crate::wording::{Reason, ReasonKind};

impl Core {
    /// Writes down what an answer decides, and says it. Gives whether it decides anything.
    ///
    /// # Errors
    /// When it cannot be written down: then it is asked once more.
    pub(super) fn note_answer_to_repeat(
        &mut self,
        trace: TraceNumber,
        result: &Result<HostAnswer, LinkFailure>,
    ) -> Result<bool, LedgerError> {
        let (follows, records) = repeating::after(result);
        if follows == Follows::Again {
            return Ok(false);
        }
        for record in &records {
            self.ledger.record(trace, record)?;
        }
        tracing::info!(%trace, ?follows, "what was sent again is answered");
        self.queue.forget(EntryId::Repeat(trace));
        self.say_what_followed(trace, follows)?;
        Ok(true)
    }

    fn say_what_followed(&mut self, trace: TraceNumber, follows: Follows) -> Result<(), LedgerError> {
        let Some(row) = self.ledger.find(trace)? else { return Ok(()) };
        let shown = self.result_shown == Some(trace) && matches!(self.screen, Screen::Unknown { .. });
        let sense = row.kind.sense();
        match follows {
            Follows::Done => {
                if let Some(report) = self.report_of(trace) {
                    report.ending = Ending::Approved;
                    report.reason = None;
                    report.rrn = row.rrn.clone();
                    report.authorisation_code = row.authorisation_code.clone();
                    report.response_code = row.response_code.clone();
                }
                if shown {
                    self.parts.sound.play(Tone::Approved);
                    self.show_paid(Paid {
                        trace,
                        amount: row.amount,
                        truncated_pan: row.truncated_pan,
                        authorisation_code: row.authorisation_code,
                        at: row.at,
                    });
                    self.print_new(trace);
                } else {
                    self.print_unseen(trace);
                }
            }
            Follows::NotDone(reason) => {
                let reason = reason.of_sense(sense);
                if let Some(report) = self.report_of(trace) {
                    report.ending = Ending::Declined;
                    report.reason = Some(reason.clone());
                    report.response_code = reason.code.clone();
                    report.complete = true;
                }
                if shown {
                    self.parts.sound.play(Tone::Alert);
                    self.screen = Screen::NotPaid { amount: row.amount, reason, at: local_now() };
                }
            }
            Follows::Look(reason) => {
                self.say_that_a_person_must_look(trace, reason.of_sense(sense));
                self.print_what_was_given_up();
            }
            Follows::Again => {}
        }
        Ok(())
    }

    /// Says what became of a try that decided nothing.
    pub(super) fn show_repeat(&mut self, trace: TraceNumber, verdict: &Verdict, tries_now: u32) {
        if matches!(verdict, Verdict::Park(_)) {
            let sense = self.kind_shown.map(|kind| kind.sense()).unwrap_or_default();
            let exhausted = Reason::with_detail(ReasonKind::ReversalExhausted, trace.to_string()).of_sense(sense);
            return self.say_that_a_person_must_look(trace, exhausted);
        }
        let until_next = self.queue.until_due(EntryId::Repeat(trace));
        if let Some(report) = self.report_of(trace) {
            report.complete = true;
        }
        if let Screen::Unknown { tries, next_try, .. } = &mut self.screen
            && self.result_shown == Some(trace)
        {
            *tries = tries_now;
            *next_try = Some(local_in(until_next));
        }
    }

    fn say_that_a_person_must_look(&mut self, trace: TraceNumber, why: Reason) {
        if let Some(report) = self.report_of(trace) {
            report.reason = Some(why.clone());
            report.complete = true;
        }
        self.refresh_alarm();
        if let Screen::Unknown { reason, next_try, .. } = &mut self.screen
            && self.result_shown == Some(trace)
        {
            *reason = why;
            *next_try = None;
        }
    }
}
