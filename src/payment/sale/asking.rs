//! The host is asked, and has answered or not.

use super::{Conclusion, Effect, Event, HostSummary, Phase, Progress, Sale, failed, over};
use crate::deliberate;
use crate::emv::kernel::{self, OnlineResult};
use crate::money::Amount;
use crate::payment::instalments::Plan;
use crate::payment::online::{Decision, HostAnswer, LinkFailure, ReversalReason, Unreached};
use crate::payment::record::Record;
use crate::payment::transaction::{CardUse, IfUnknown};
use crate::reference::{AuthorisationCode, ResponseCode};
use crate::wording::{Reason, ReasonKind};

impl Sale {
    pub(super) fn while_asking(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::HostAnswered(answer) => self.after_answer(answer),
            Event::LinkFailed(LinkFailure::NeverSent(Unreached { fault, detail })) => {
                let reason = Reason::with_detail(ReasonKind::HostUnreachable, detail);
                self.not_asked(Reason { fault: Some(fault), ..reason })
            }
            Event::LinkFailed(LinkFailure::Unsendable(detail)) => {
                self.not_asked(Reason::with_detail(ReasonKind::CannotAsk, detail))
            }
            Event::Withheld(reason) => self.not_asked(reason),
            Event::LinkFailed(LinkFailure::NoAnswer(detail)) if deliberate::is("silence_is_no") => {
                self.not_asked(Reason::with_detail(ReasonKind::HostSilent, detail))
            }
            Event::LinkFailed(LinkFailure::NoAnswer(detail)) => {
                self.take_back(ReversalReason::NoAnswer, Reason::with_detail(ReasonKind::HostSilent, detail))
            }
            Event::LinkFailed(LinkFailure::BadMac(detail)) => {
                self.take_back(ReversalReason::BadMac, Reason::with_detail(ReasonKind::HostAnswerRefused, detail))
            }
            Event::LinkFailed(LinkFailure::WrongAnswer(detail)) => {
                self.take_back(ReversalReason::Other, Reason::with_detail(ReasonKind::HostAnswerRefused, detail))
            }
            // The pending row was not written, so nothing was sent.
            Event::RecordFailed(detail) => failed(Reason::with_detail(ReasonKind::LedgerFailed, detail)),
            // Once the request is on its way nobody can call it back; the answer decides. Only no other one follows.
            Event::Cancelled => {
                self.pins.no_more = true;
                self.phase = Phase::AskingHost;
                Vec::new()
            }
            Event::Begin
            | Event::CardInserted(_)
            | Event::Swiped(..)
            | Event::NumberTyped(..)
            | Event::PinEntered(_)
            | Event::PinLengthWrong
            | Event::PinTimedOut
            | Event::PinCancelled
            | Event::ApplicationChosen(_)
            | Event::ApplicationConfirmed(_)
            | Event::ChoiceTimedOut
            | Event::CardAnswered(_)
            | Event::CardTorn
            | Event::CardMute
            | Event::NoCard
            | Event::ReaderFailed(_) => {
                self.phase = Phase::AskingHost;
                Vec::new()
            }
        }
    }

    fn after_answer(&mut self, answer: HostAnswer) -> Vec<Effect> {
        let response_code = code_for_card(&answer.response_code);
        self.host = Some(HostSummary {
            response_code: answer.response_code.clone(),
            rrn: answer.rrn.clone(),
            authorisation_code: answer.authorisation_code.clone(),
            balances: answer.balances.clone(),
            plan: answer.plan.filter(|_| self.is_planned(&answer)),
        });
        match answer.decision {
            // Approved is something else than what the customer was asked about: nobody would know how it is paid.
            Decision::Approved if !self.is_planned(&answer) => {
                let detail = "it approves instalments without a plan of them";
                let mut reason = Reason::with_detail(ReasonKind::HostAnswerRefused, detail);
                reason.code = Some(answer.response_code);
                let online = OnlineResult::Declined { response_code, issuer_data: answer.issuer_data };
                self.not_known(ReversalReason::Other, reason, answer.authorisation_code, online)
            }
            Decision::Approved if !self.card_has_last_word() => self.approved_by_host(answer, None),
            Decision::Approved => self.completing(answer, None),
            // The rest is paid in another way. Who asks for it is not the card: it is told of an approval.
            Decision::Partial(part) if self.takes_a_part() && self.is_a_part(part) => {
                if self.card_has_last_word() {
                    self.completing(answer, Some(part))
                } else {
                    self.approved_by_host(answer, Some(part))
                }
            }
            Decision::Partial(amount) => {
                // Only a request to pay may be met in part.
                let kind = match self.card_use() {
                    CardUse::Whole | CardUse::Decides => ReasonKind::PartialApproval,
                    CardUse::Read | CardUse::None => ReasonKind::HostAnswerRefused,
                };
                let mut reason = Reason::of(kind);
                reason.amount = Some(amount);
                reason.code = Some(answer.response_code);
                // It has answered, and would answer the same again.
                if self.kind().if_unknown() == IfUnknown::Repeated {
                    return self.only_a_person_can_tell(reason);
                }
                let online = OnlineResult::Declined { response_code, issuer_data: answer.issuer_data };
                self.not_known(ReversalReason::Other, reason, answer.authorisation_code, online)
            }
            Decision::NumberInUse => {
                let mut reason = Reason::of(ReasonKind::TraceNumberInUse);
                reason.code = Some(answer.response_code);
                reason.detail = self.opening.trace.to_string();
                self.only_a_person_can_tell(reason)
            }
            Decision::Unclear => {
                let mut reason =
                    Reason::with_detail(ReasonKind::HostSilent, "the host itself does not know the result");
                reason.code = Some(answer.response_code);
                self.take_back(ReversalReason::Other, reason)
            }
            // Believed only so far as to say that this answer is worth nothing.
            Decision::Unproven => {
                let mut reason = Reason::with_detail(ReasonKind::HostAnswerRefused, "a refusal without a MAC");
                reason.code = Some(answer.response_code);
                self.take_back(ReversalReason::BadMac, reason)
            }
            decision @ (Decision::Refused | Decision::WrongPin | Decision::NotByInstalments) => {
                let online = OnlineResult::Declined { response_code, issuer_data: answer.issuer_data };
                let mut reason = Reason::of(match decision {
                    Decision::NotByInstalments => ReasonKind::NotByInstalments,
                    _ => ReasonKind::HostDeclined,
                });
                reason.code = Some(answer.response_code.clone());
                let record =
                    Record::NotPaid { reason: reason.kind, response_code: Some(answer.response_code), rrn: answer.rrn };
                self.pins.called_wrong = decision == Decision::WrongPin;
                self.tell_card(Some(record), online, Conclusion::Declined(reason))
            }
        }
    }

    /// The host approves all of it, or a part; the card has the last word.
    fn completing(&mut self, answer: HostAnswer, part: Option<Amount>) -> Vec<Effect> {
        let response_code = code_for_card(&answer.response_code);
        self.part = part;
        let plan = self.approved_plan();
        self.phase = Phase::Completing { authorisation_code: answer.authorisation_code.clone() };
        let record = Record::HostApproved {
            response_code: answer.response_code,
            rrn: answer.rrn,
            authorisation_code: answer.authorisation_code,
            part,
            plan,
        };
        let online = OnlineResult::Approved { response_code, issuer_data: answer.issuer_data };
        let mut effects = vec![Effect::Record(record), Effect::Show(Progress::CompletingCard)];
        effects.extend(self.complete(kernel::Event::Online(online)));
        effects
    }

    /// What the host said of the periods; nothing of what is paid at once.
    fn approved_plan(&self) -> Option<Plan> {
        self.opening.transaction.periods()?;
        self.host.as_ref()?.plan
    }

    /// More than nothing and less than all.
    fn is_a_part(&self, part: Amount) -> bool {
        let asked = self.asked();
        part.currency() == asked.currency() && (1..asked.minor()).contains(&part.minor())
    }

    /// Nothing has left the terminal.
    fn not_asked(&mut self, reason: Reason) -> Vec<Effect> {
        let record = Record::NotPaid { reason: reason.kind, response_code: None, rrn: None };
        self.tell_card(Some(record), OnlineResult::UnableToGoOnline, Conclusion::Failed(reason))
    }

    fn take_back(&mut self, why: ReversalReason, reason: Reason) -> Vec<Effect> {
        self.not_known(why, reason, None, OnlineResult::UnableToGoOnline)
    }

    /// Nobody knows what came of the request, or it is not what was wanted: what follows is the kind's to say.
    fn not_known(
        &mut self,
        why: ReversalReason,
        reason: Reason,
        authorisation_code: Option<AuthorisationCode>,
        online: OnlineResult,
    ) -> Vec<Effect> {
        match self.kind().if_unknown() {
            IfUnknown::TakenBack => {
                let record = self.reversal_due(why, reason.kind, authorisation_code);
                self.tell_card(Some(record), online, Conclusion::ReversalDue(reason))
            }
            IfUnknown::Repeated => {
                let record = Record::RepeatDue { reason: reason.kind };
                self.tell_card(Some(record), online, Conclusion::Repeating(reason))
            }
            IfUnknown::Nothing => self.tell_card(None, online, Conclusion::Failed(reason)),
        }
    }

    /// The host's answer settles nothing, and neither would anything that this terminal may do. Of what moves no money there is
    /// nothing to tell.
    fn only_a_person_can_tell(&mut self, reason: Reason) -> Vec<Effect> {
        let record = Record::Unresolved { reason: reason.kind, response_code: reason.code.clone() };
        let conclusion = match self.kind().if_unknown() {
            IfUnknown::TakenBack | IfUnknown::Repeated => Conclusion::Unresolved(reason),
            IfUnknown::Nothing => Conclusion::Failed(reason),
        };
        self.tell_card(Some(record), OnlineResult::UnableToGoOnline, conclusion)
    }

    /// Whether an approval of the host is not the end. Of a balance the card has nothing to say.
    fn card_has_last_word(&self) -> bool {
        match self.card_use() {
            CardUse::Whole | CardUse::Decides => self.kind().is_written_down() && self.presented.is_none(),
            CardUse::Read | CardUse::None => false,
        }
    }

    /// The host has the last word. What a card that waits for it makes of it changes nothing.
    fn approved_by_host(&mut self, answer: HostAnswer, part: Option<Amount>) -> Vec<Effect> {
        let response_code = code_for_card(&answer.response_code);
        if !self.kind().is_written_down() {
            let online = OnlineResult::Approved { response_code, issuer_data: answer.issuer_data };
            return self.tell_card(None, online, Conclusion::Approved);
        }
        let HostAnswer { response_code, rrn, authorisation_code, .. } = answer;
        self.part = part;
        let plan = self.approved_plan();
        self.phase = Phase::Ending { conclusion: Conclusion::Approved };
        let done = if self.presented.is_some() { self.done_without_chip() } else { Record::Done };
        let mut effects = vec![
            Effect::Record(Record::HostApproved { response_code, rrn, authorisation_code, part, plan }),
            Effect::Record(done),
        ];
        effects.extend(over(Conclusion::Approved));
        effects
    }

    pub(super) fn reversal_due(
        &self,
        reversal_reason: ReversalReason,
        reason: ReasonKind,
        authorisation_code: Option<AuthorisationCode>,
    ) -> Record {
        Record::ReversalDue { reversal_reason, reason, authorisation_code, chip_data: self.reversal_data() }
    }
}

/// 8A: the host's two characters, which nobody changes on the way to the card (EMV 4.4 Book 4, annex A6). What is asked of
/// the card is decided apart from them. Of a part that is approved it hears the 10 as it came: the issuer's cryptogram (ARPC) is
/// made over these very characters, and a card that checks it would refuse another one. Its TC is over what was asked for (9F02),
/// as its ARQC was; what is less than that stands in the records of terminal and host alone.
fn code_for_card(code: &ResponseCode) -> [u8; 2] {
    code.as_str().as_bytes().first_chunk().copied().unwrap_or_default()
}
