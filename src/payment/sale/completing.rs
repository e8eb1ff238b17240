//! The card's last word, and what it is still told once the outcome stands.

use super::{Conclusion, Effect, Event, Phase, Sale, over};
use crate::crypto::hex;
use crate::deliberate;
use crate::emv::apdu::Command;
use crate::emv::kernel::{self, OnlineResult, Outcome, Step, Termination};
use crate::emv::tag::{self, Tag};
use crate::payment::online::ReversalReason;
use crate::payment::record::{CardResult, Record, ScriptResult};
use crate::payment::transaction::{IfUnknown, Kind};
use crate::reference::AuthorisationCode;
use crate::wording::{Reason, ReasonKind};

impl Sale {
    /// Records what stands, then lets the card finish its own books; whatever it answers changes nothing. Where the host's
    /// word is not to be had an online-only terminal asks for an AAC; a card that gives a TC all the same has not paid.
    /// What is not written down at all has no record, and a card that was only read, or not even that, is told nothing.
    pub(super) fn tell_card(
        &mut self,
        record: Option<Record>,
        online: OnlineResult,
        conclusion: Conclusion,
    ) -> Vec<Effect> {
        let record = record.filter(|_| self.kind().is_written_down());
        let mut effects: Vec<_> = record.map(Effect::Record).into_iter().collect();
        // A card without its chip is told nothing.
        if self.presented.is_some() {
            effects.extend(self.ending(conclusion));
            return effects;
        }
        match self.next_step(kernel::Event::Online(online)) {
            Step::Send(command) => {
                self.phase = Phase::TellingCard { conclusion };
                effects.push(Effect::Apdu(command));
            }
            _ => effects.extend(self.ending(conclusion)),
        }
        effects
    }

    /// The end behind a record, which may still fail to be written.
    fn ending(&mut self, conclusion: Conclusion) -> Vec<Effect> {
        let effects = self.told(conclusion.clone());
        self.phase = Phase::Ending { conclusion };
        effects
    }

    /// The end behind the card's last answer: what it made of scripts is written down for the issuer, and the conclusion
    /// stands whether or not that succeeds.
    fn told(&mut self, conclusion: Conclusion) -> Vec<Effect> {
        self.phase = Phase::Told { conclusion: conclusion.clone() };
        let mut effects = Vec::new();
        if let Some(scripts) = self.new_script_result() {
            effects.push(Effect::Record(Record::Scripts(Box::new(scripts))));
        }
        effects.extend(self.over_or_again(conclusion));
        effects
    }

    pub(super) fn once_told(&mut self, conclusion: Conclusion, event: &Event) -> Vec<Effect> {
        if let Event::RecordFailed(_) = event {
            return over(conclusion);
        }
        self.phase = Phase::Told { conclusion };
        Vec::new()
    }

    pub(super) fn while_ending(&mut self, conclusion: Conclusion, event: Event) -> Vec<Effect> {
        if let Event::RecordFailed(detail) = event {
            return self.unwritten(conclusion, detail);
        }
        self.phase = Phase::Ending { conclusion };
        Vec::new()
    }

    pub(super) fn while_telling(&mut self, conclusion: Conclusion, event: Event) -> Vec<Effect> {
        match event {
            Event::CardAnswered(answer) => match self.tell_more(kernel::Event::Answer(answer)) {
                Some(command) => {
                    self.phase = Phase::TellingCard { conclusion };
                    vec![Effect::Apdu(command)]
                }
                None => self.told(conclusion),
            },
            Event::CardTorn | Event::CardMute | Event::ReaderFailed(_) => {
                self.kernel.card_lost();
                self.pins.no_more = true;
                self.told(conclusion)
            }
            Event::Cancelled => {
                self.pins.no_more = true;
                self.phase = Phase::TellingCard { conclusion };
                Vec::new()
            }
            Event::RecordFailed(detail) => self.unwritten(conclusion, detail),
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
            | Event::NoCard
            | Event::HostAnswered(_)
            | Event::LinkFailed(_)
            | Event::Withheld(_) => {
                self.phase = Phase::TellingCard { conclusion };
                Vec::new()
            }
        }
    }

    /// What the card is still told once the conclusion stands: the second GENERATE AC, issuer scripts.
    fn tell_more(&mut self, event: kernel::Event) -> Option<Command> {
        let mut step = self.next_step(event);
        if let Step::Decided(_) = step {
            step = self.next_step(kernel::Event::Noted);
        }
        match step {
            Step::Send(command) => Some(command),
            _ => None,
        }
    }

    pub(super) fn while_completing(
        &mut self,
        authorisation_code: Option<AuthorisationCode>,
        event: Event,
    ) -> Vec<Effect> {
        let take_back = |sale: &mut Self, kind: ReasonKind, detail: String| {
            sale.kernel.card_lost();
            let record = sale.reversal_due(ReversalReason::Other, kind, authorisation_code.clone());
            let mut effects = vec![Effect::Record(record)];
            effects.extend(sale.ending(Conclusion::ReversalDue(Reason::with_detail(kind, detail))));
            effects
        };
        match event {
            Event::CardAnswered(answer) => {
                self.phase = Phase::Completing { authorisation_code };
                self.complete(kernel::Event::Answer(answer))
            }
            Event::CardTorn => take_back(self, ReasonKind::CardTornAfterRequest, String::new()),
            Event::CardMute => take_back(self, ReasonKind::CardLostAfterRequest, "the card is mute".to_owned()),
            Event::ReaderFailed(detail) => take_back(self, ReasonKind::CardLostAfterRequest, detail),
            // Host approval or final approval is not durable: not approved. The row is taken back.
            Event::RecordFailed(detail) => self.unwritten(Conclusion::Approved, detail),
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
            | Event::NoCard
            | Event::Cancelled
            | Event::HostAnswered(_)
            | Event::LinkFailed(_)
            | Event::Withheld(_) => {
                self.phase = Phase::Completing { authorisation_code };
                Vec::new()
            }
        }
    }

    /// The card's last word after an approval.
    pub(super) fn complete(&mut self, event: kernel::Event) -> Vec<Effect> {
        let authorisation_code = match &self.phase {
            Phase::Completing { authorisation_code } => authorisation_code.clone(),
            _ => None,
        };
        let detail = match self.next_step(event) {
            Step::Send(command) => return vec![Effect::Apdu(command)],
            // The card's word stands; a card that leaves while scripts are run has given its TC all the same.
            Step::Decided(Outcome::Approved) => {
                let mut result = self.card_result();
                if let Some(command) = self.tell_more(kernel::Event::Noted) {
                    self.phase = Phase::TellingCard { conclusion: Conclusion::Approved };
                    return vec![Effect::Record(Record::Approved(Box::new(result))), Effect::Apdu(command)];
                }
                // Scripts of which nothing could be sent.
                result.scripts = self.new_script_result().or(result.scripts);
                return self.paid(result);
            }
            Step::Done(Outcome::Approved) => return self.paid_by_card(),
            Step::Decided(_) if deliberate::is("aac_swallowed") => return self.paid_by_card(),
            // The issuer's scripts are for a card that declines as well (Book 3, 10.10).
            Step::Decided(_) => {
                let reason = Reason::of(ReasonKind::CardDeclinedAfterApproval);
                let record = self.reversal_due(ReversalReason::Other, reason.kind, authorisation_code);
                let conclusion = Conclusion::ReversalDue(reason);
                let mut effects = vec![Effect::Record(record)];
                match self.tell_more(kernel::Event::Noted) {
                    Some(command) => {
                        self.phase = Phase::TellingCard { conclusion };
                        effects.push(Effect::Apdu(command));
                    }
                    None => effects.extend(self.ending(conclusion)),
                }
                return effects;
            }
            Step::Done(Outcome::Terminated(termination)) => termination.to_string(),
            Step::Done(_) => String::new(),
            Step::GoOnline => "the card asked for the host again".to_owned(),
            Step::Choose(_) | Step::Confirm(_) | Step::AskPin(_) | Step::LookUp | Step::CallIssuer => {
                Termination::OutOfTurn.to_string()
            }
        };
        let reason = Reason::with_detail(ReasonKind::CardDeclinedAfterApproval, detail);
        let record = self.reversal_due(ReversalReason::Other, reason.kind, authorisation_code);
        let mut effects = vec![Effect::Record(record)];
        effects.extend(self.ending(Conclusion::ReversalDue(reason)));
        effects
    }

    fn paid_by_card(&mut self) -> Vec<Effect> {
        let result = self.card_result();
        self.paid(result)
    }

    /// Paid, once that is durable.
    fn paid(&mut self, result: CardResult) -> Vec<Effect> {
        self.phase = Phase::Ending { conclusion: Conclusion::Approved };
        let mut effects = vec![Effect::Record(Record::Approved(Box::new(result)))];
        effects.extend(over(Conclusion::Approved));
        effects
    }

    /// A conclusion that could not be written down. The row stays `pending` or `host_approved`, and what follows from that is
    /// the safe side of every conclusion but one: before the next payment it is taken back, or sent again. Where a person
    /// must look, whoever carries this out must not take it back: see `Decision::NumberInUse`.
    fn unwritten(&self, conclusion: Conclusion, detail: String) -> Vec<Effect> {
        let reason = |kind| Reason::with_detail(kind, detail);
        over(match (conclusion, self.kind().if_unknown()) {
            (conclusion @ Conclusion::Unresolved(_), _) => conclusion,
            (_, IfUnknown::TakenBack) => Conclusion::ReversalDue(reason(ReasonKind::LedgerFailedAfterRequest)),
            (_, IfUnknown::Repeated) => Conclusion::Repeating(reason(ReasonKind::LedgerFailedAfterRequest)),
            // There is no row, and nobody was told of anything.
            (_, IfUnknown::Nothing) => Conclusion::Failed(reason(ReasonKind::LedgerFailed)),
        })
    }

    /// Whether the cardholder has to sign what was approved. What no card was read for nobody signs.
    pub fn wants_signature(&self) -> bool {
        let verification =
            if self.presented.is_some() { self.verification_without_chip() } else { self.kernel.verification() };
        let signs = [Kind::Sale, Kind::PreAuthorisation, Kind::PreAuthorisationTopUp, Kind::OfflineSale];
        signs.contains(&self.kind())
            && verification.needs_signature()
            && !self.opening.tables.terminal.spares_signature(self.amount())
    }

    pub(super) fn card_result(&mut self) -> CardResult {
        let scripts = self.new_script_result();
        CardResult {
            cryptogram: self.hexadecimal(tag::CRYPTOGRAM),
            tvr: self.hexadecimal(tag::TVR),
            tsi: self.hexadecimal(tag::TSI),
            atc: self.hexadecimal(tag::ATC),
            signature: self.wants_signature(),
            chip_data: self.kernel.data().collect(&self.opening.terminal.card_result_data).to_vec(),
            scripts,
        }
    }

    /// All that the card made of scripts, when there is more of it than was recorded before.
    fn new_script_result(&mut self) -> Option<ScriptResult> {
        if !self.kind().is_written_down() {
            return None;
        }
        let data = self.kernel.data();
        let results = data.get(tag::SCRIPT_RESULTS).filter(|results| results.len() > self.scripts_recorded)?;
        self.scripts_recorded = results.len();
        Some(ScriptResult {
            results: hex::encode(results),
            tvr: self.hexadecimal(tag::TVR),
            tsi: self.hexadecimal(tag::TSI),
            chip_data: data.collect(&self.opening.terminal.script_result_data).to_vec(),
        })
    }

    fn hexadecimal(&self, tag: Tag) -> String {
        hex::encode(self.kernel.data().get(tag).unwrap_or_default())
    }
}
