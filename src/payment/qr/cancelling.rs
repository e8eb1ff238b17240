//! The order is closed: until the host says what came of it, or a person must look.

use super::record::Record;
use super::{Answer, CancelAnswer, Cancelling, CodePayment, Conclusion, Effect, Event, Phase, Progress, Request};
use crate::reference::ResponseCode;
use crate::wording::{Reason, ReasonKind};

impl CodePayment {
    /// Sends it, once more.
    pub(super) fn cancel(&mut self, cancelling: Cancelling) -> Vec<Effect> {
        self.phase = Phase::Cancelling(cancelling);
        vec![Effect::Show(Progress::Cancelling), Effect::Send(Request::Cancel(self.order))]
    }

    pub(super) fn while_cancelling(&mut self, cancelling: Cancelling, event: Event) -> Vec<Effect> {
        match event {
            Event::CancelAnswered(CancelAnswer::NotKnown) | Event::LinkFailed(_) | Event::Withheld(_) => {
                match self.schedule.cancels_s.get(cancelling.made) {
                    Some(seconds) => {
                        let wait = Effect::Wait(*seconds);
                        self.phase = Phase::WaitingToCancel(Cancelling { made: cancelling.made + 1, ..cancelling });
                        vec![wait]
                    }
                    None => self.leave(cancelling),
                }
            }
            Event::CancelAnswered(answer) => self.closed(cancelling, answer),
            Event::Answered(Answer::Paid(_)) if !cancelling.late => {
                self.phase = Phase::Cancelling(Cancelling { late: true, ..cancelling });
                vec![Effect::Record(Record::LatePaid)]
            }
            // Either nothing was sent, and the row is asked about again; or it says that the order is to be cancelled.
            Event::RecordFailed(detail) => self.not_known(detail),
            Event::Begin
            | Event::OrderOpen(_)
            | Event::Answered(_)
            | Event::PauseOver
            | Event::CodeExpired
            | Event::GivenUp => {
                self.phase = Phase::Cancelling(cancelling);
                Vec::new()
            }
        }
    }

    pub(super) fn while_waiting_to_cancel(&mut self, cancelling: Cancelling, event: Event) -> Vec<Effect> {
        match event {
            Event::PauseOver => self.cancel(cancelling),
            // The answer to an earlier try.
            Event::CancelAnswered(
                answer @ (CancelAnswer::NeverPaid | CancelAnswer::PaidBack | CancelAnswer::Refused(_)),
            ) => self.closed(cancelling, answer),
            Event::Answered(Answer::Paid(_)) if !cancelling.late => {
                self.phase = Phase::WaitingToCancel(Cancelling { late: true, ..cancelling });
                vec![Effect::Record(Record::LatePaid)]
            }
            Event::RecordFailed(detail) => self.not_known(detail),
            Event::Begin
            | Event::OrderOpen(_)
            | Event::Answered(_)
            | Event::CancelAnswered(CancelAnswer::NotKnown)
            | Event::LinkFailed(_)
            | Event::Withheld(_)
            | Event::CodeExpired
            | Event::GivenUp => {
                self.phase = Phase::WaitingToCancel(cancelling);
                Vec::new()
            }
        }
    }

    fn closed(&mut self, cancelling: Cancelling, answer: CancelAnswer) -> Vec<Effect> {
        let paid_back = match answer {
            CancelAnswer::NeverPaid => false,
            CancelAnswer::PaidBack => true,
            CancelAnswer::Refused(code) => return self.give_up(code),
            CancelAnswer::NotKnown => return self.leave(cancelling),
        };
        self.end(Record::Cancelled { paid_back }, Conclusion::TakenBack { reason: cancelling.why, paid_back })
    }

    /// Nobody waits for it any longer: the row says that it is to be cancelled, and the queue goes on with it.
    fn leave(&mut self, cancelling: Cancelling) -> Vec<Effect> {
        self.phase = Phase::Over;
        vec![Effect::Conclude(Conclusion::BeingTakenBack(cancelling.why))]
    }

    /// The host does not cancel it, and nothing that this terminal may do decides it.
    fn give_up(&mut self, code: ResponseCode) -> Vec<Effect> {
        let mut reason = Reason::with_detail(ReasonKind::ReversalExhausted, self.order.trace.to_string());
        reason.code = Some(code.clone());
        let record = Record::Unresolved { reason: reason.kind, response_code: Some(code) };
        self.end(record, Conclusion::Unresolved(reason))
    }
}
