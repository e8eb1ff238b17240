//! The host is asked for the payment, and asked again, until it is paid, is not paid, or is to be cancelled.

use super::record::Record;
use super::{Answer, Cancelling, CodePayment, Conclusion, Effect, Event, Paid, Phase, Progress, Request};
use crate::deliberate;
use crate::payment::online::{LinkFailure, Unreached};
use crate::wording::{Reason, ReasonKind};

impl CodePayment {
    pub(super) fn while_asking(&mut self, shown: bool, leaving: Option<ReasonKind>, event: Event) -> Vec<Effect> {
        match event {
            Event::Answered(Answer::Paid(paid)) => self.approve(paid),
            Event::Answered(Answer::Refused(code)) => self.decline(code),
            Event::OrderOpen(code) if shown => match leaving {
                // Nobody has seen it.
                Some(why) => self.close(Reason::of(why)),
                None => self.wait(0, vec![Effect::Show(Progress::ShowingCode(code))]),
            },
            Event::Answered(Answer::NotYet | Answer::NotKnown)
            | Event::LinkFailed(LinkFailure::NoAnswer(_) | LinkFailure::BadMac(_) | LinkFailure::WrongAnswer(_)) => {
                // Of a code that never came nobody can be asked to pay.
                let leaving = leaving.or_else(|| shown.then_some(ReasonKind::HostSilent));
                self.undecided(0, leaving, ReasonKind::HostSilent)
            }
            Event::LinkFailed(LinkFailure::NeverSent(Unreached { fault, detail })) => {
                let reason = Reason::with_detail(ReasonKind::HostUnreachable, detail);
                self.not_asked(Reason { fault: Some(fault), ..reason })
            }
            Event::LinkFailed(LinkFailure::Unsendable(detail)) => {
                self.not_asked(Reason::with_detail(ReasonKind::CannotAsk, detail))
            }
            Event::Withheld(reason) => self.not_asked(reason),
            // The row was not written, so nothing was sent.
            Event::RecordFailed(detail) => {
                let reason = Reason::with_detail(ReasonKind::LedgerFailed, detail);
                vec![Effect::Conclude(Conclusion::Failed(reason))]
            }
            // Once the request is on its way nobody can call it back; the answer decides, and where it does not, nobody waits.
            Event::GivenUp => {
                self.phase = Phase::Asking { shown, leaving: Some(ReasonKind::Cancelled) };
                Vec::new()
            }
            Event::Begin | Event::OrderOpen(_) | Event::CancelAnswered(_) | Event::PauseOver | Event::CodeExpired => {
                self.phase = Phase::Asking { shown, leaving };
                Vec::new()
            }
        }
    }

    pub(super) fn while_waiting(&mut self, made: usize, event: Event) -> Vec<Effect> {
        match event {
            Event::PauseOver => self.enquire(made, None),
            // It may have been paid in the last second.
            Event::CodeExpired => self.enquire(made, Some(ReasonKind::CodeExpired)),
            Event::GivenUp => self.close(Reason::of(ReasonKind::Cancelled)),
            // The answer to an earlier request, or word of the wallet.
            Event::Answered(Answer::Paid(paid)) => self.approve(paid),
            Event::Answered(Answer::Refused(code)) => self.decline(code),
            Event::Begin
            | Event::OrderOpen(_)
            | Event::Answered(Answer::NotYet | Answer::NotKnown)
            | Event::CancelAnswered(_)
            | Event::LinkFailed(_)
            | Event::Withheld(_)
            | Event::RecordFailed(_) => {
                self.phase = Phase::Waiting { made };
                Vec::new()
            }
        }
    }

    pub(super) fn while_enquiring(&mut self, made: usize, leaving: Option<ReasonKind>, event: Event) -> Vec<Effect> {
        match event {
            Event::Answered(Answer::Paid(paid)) => self.approve(paid),
            Event::Answered(Answer::Refused(code)) => self.decline(code),
            Event::Answered(Answer::NotYet) => self.undecided(made, leaving, ReasonKind::CustomerTooSlow),
            Event::Answered(Answer::NotKnown) | Event::LinkFailed(_) | Event::Withheld(_) => {
                self.undecided(made, leaving, ReasonKind::HostSilent)
            }
            Event::GivenUp => {
                self.phase = Phase::Enquiring { made, leaving: Some(ReasonKind::Cancelled) };
                Vec::new()
            }
            Event::CodeExpired => {
                self.phase = Phase::Enquiring { made, leaving: leaving.or(Some(ReasonKind::CodeExpired)) };
                Vec::new()
            }
            Event::Begin
            | Event::OrderOpen(_)
            | Event::CancelAnswered(_)
            | Event::PauseOver
            | Event::RecordFailed(_) => {
                self.phase = Phase::Enquiring { made, leaving };
                Vec::new()
            }
        }
    }

    /// Asks how the order stands, once more.
    pub(super) fn enquire(&mut self, made: usize, leaving: Option<ReasonKind>) -> Vec<Effect> {
        self.phase = Phase::Enquiring { made: made.saturating_add(1), leaving };
        vec![Effect::Show(Progress::WaitingForCustomer), Effect::Send(Request::Enquire(self.order))]
    }

    /// Another enquiry, while there is one left and nobody wants to leave; else the order is closed.
    fn undecided(&mut self, made: usize, leaving: Option<ReasonKind>, at_last: ReasonKind) -> Vec<Effect> {
        match leaving {
            Some(why) => self.close(Reason::of(why)),
            None if made >= self.schedule.enquiries_s.len() => self.close(Reason::of(at_last)),
            None => self.wait(made, vec![Effect::Show(Progress::WaitingForCustomer)]),
        }
    }

    /// A pause before the next enquiry.
    fn wait(&mut self, made: usize, mut effects: Vec<Effect>) -> Vec<Effect> {
        self.phase = Phase::Waiting { made };
        effects.extend(self.schedule.enquiries_s.get(made).map(|seconds| Effect::Wait(*seconds)));
        effects
    }

    fn approve(&mut self, paid: Paid) -> Vec<Effect> {
        self.paid = Some(paid.clone());
        self.end(Record::Paid(paid), Conclusion::Approved)
    }

    fn decline(&mut self, code: crate::reference::ResponseCode) -> Vec<Effect> {
        let mut reason = Reason::of(ReasonKind::HostDeclined);
        reason.code = Some(code.clone());
        let record = Record::NotPaid { reason: reason.kind, response_code: Some(code) };
        self.end(record, Conclusion::Declined(reason))
    }

    /// Nothing has left the terminal.
    fn not_asked(&mut self, reason: Reason) -> Vec<Effect> {
        let record = Record::NotPaid { reason: reason.kind, response_code: None };
        self.end(record, Conclusion::Failed(reason))
    }

    /// From here on no "paid" is accepted, and the row says so before the host hears of it.
    fn close(&mut self, why: Reason) -> Vec<Effect> {
        if deliberate::is("order_not_cancelled") {
            return self.not_asked(why);
        }
        let mut effects = vec![Effect::Record(Record::CancelDue { reason: why.kind })];
        effects.extend(self.cancel(Cancelling { made: 0, why, late: false }));
        effects
    }
}
