//! The cardholder has a say about the application (EMV 4.4 Book 1, 12.4; Book 4, 11.3), while the card waits. Nothing has
//! been sent to the host yet.

use super::{Effect, Event, Phase, Progress, Question, Sale, failed};
use crate::emv::kernel::{self, Choice};
use crate::wording::{Reason, ReasonKind};

impl Sale {
    /// Several applications: the cardholder chooses.
    pub(super) fn offer(&mut self, choices: Vec<Choice>) -> Vec<Effect> {
        self.phase = Phase::Choosing(Question::Which(choices.len()));
        vec![Effect::ChooseApplication(choices)]
    }

    /// One application, not to be used without consent.
    pub(super) fn ask_consent(&mut self, choice: Choice) -> Vec<Effect> {
        self.phase = Phase::Choosing(Question::Whether);
        vec![Effect::ConfirmApplication(choice)]
    }

    pub(super) fn while_choosing(&mut self, question: Question, event: Event) -> Vec<Effect> {
        match (question, event) {
            (Question::Which(offered), Event::ApplicationChosen(index)) if index < offered => {
                self.go_on_reading(kernel::Event::Chosen(Some(index)))
            }
            (Question::Whether, Event::ApplicationConfirmed(true)) => {
                self.go_on_reading(kernel::Event::Confirmed(true))
            }
            (Question::Whether, Event::ApplicationConfirmed(false)) => {
                failed(Reason::of(ReasonKind::ApplicationRefused))
            }
            (_, Event::ChoiceTimedOut) => failed(Reason::of(ReasonKind::ChoiceTimedOut)),
            (_, Event::Cancelled) => failed(Reason::of(ReasonKind::Cancelled)),
            (_, Event::CardTorn) => failed(Reason::of(ReasonKind::CardTorn)),
            (_, Event::CardMute) => failed(Reason::of(ReasonKind::CardMute)),
            (_, Event::ReaderFailed(detail)) => failed(Reason::with_detail(ReasonKind::ReaderMissing, detail)),
            (
                _,
                Event::ApplicationChosen(_)
                | Event::ApplicationConfirmed(_)
                | Event::Begin
                | Event::CardInserted(_)
                | Event::Swiped(..)
                | Event::NumberTyped(..)
                | Event::CardAnswered(_)
                | Event::PinEntered(_)
                | Event::PinLengthWrong
                | Event::PinTimedOut
                | Event::PinCancelled
                | Event::NoCard
                | Event::HostAnswered(_)
                | Event::LinkFailed(_)
                | Event::Withheld(_)
                | Event::RecordFailed(_),
            ) => {
                self.phase = Phase::Choosing(question);
                Vec::new()
            }
        }
    }

    /// An application is chosen before any of it is read, so the reading tone is still to come.
    fn go_on_reading(&mut self, event: kernel::Event) -> Vec<Effect> {
        self.phase = Phase::Reading { sounded: false };
        let mut effects = vec![Effect::Show(Progress::ReadingCard)];
        effects.extend(self.drive(event));
        effects
    }
}
