//! The cardholder is asked for a PIN, while the card waits. Nothing of this transaction has been sent to the host yet.

use super::{Effect, Event, Phase, Progress, Sale, failed};
use crate::emv::kernel;
use crate::emv::pin::{PinEntry, PinKind, PinRequest};
use crate::payment::pin_pad::PinPad;
use crate::wording::{Reason, ReasonKind};

/// So many entries of a wrong length may be refused; whoever goes on has no PIN, and the payment ends.
const MAX_REFUSED: u8 = 5;

impl Sale {
    pub(super) fn ask_pin(&mut self, request: PinRequest) -> Vec<Effect> {
        let request = self.pins.told_in(request);
        self.phase = Phase::EnteringPin { request, refused: 0 };
        vec![Effect::Show(Progress::EnteringPin(request)), Effect::AskPin(request)]
    }

    pub(super) fn while_entering_pin(&mut self, request: PinRequest, refused: u8, event: Event) -> Vec<Effect> {
        match event {
            Event::PinEntered(entry) if self.may_come(&entry) => self.after_pin(request.kind, entry),
            Event::PinLengthWrong if refused < MAX_REFUSED => {
                self.phase = Phase::EnteringPin { request, refused: refused + 1 };
                vec![Effect::AskPin(request)]
            }
            // Not a pad that does not work: whoever types nonsense must not come to a rule that asks for less.
            Event::PinLengthWrong | Event::PinCancelled => failed(Reason::of(ReasonKind::PinCancelled)),
            // Who does not type is no one who goes on without: the payment ends, and the card has heard of no PIN.
            Event::PinTimedOut => failed(Reason::of(ReasonKind::PinTimedOut)),
            Event::Cancelled => failed(Reason::of(ReasonKind::Cancelled)),
            // Of a card that is in no reader.
            Event::CardTorn | Event::CardMute | Event::ReaderFailed(_) if self.presented.is_some() => {
                self.phase = Phase::EnteringPin { request, refused };
                Vec::new()
            }
            Event::CardTorn => failed(Reason::of(ReasonKind::CardTorn)),
            Event::CardMute => failed(Reason::of(ReasonKind::CardMute)),
            Event::ReaderFailed(detail) => failed(Reason::with_detail(ReasonKind::ReaderMissing, detail)),
            Event::PinEntered(_)
            | Event::Begin
            | Event::CardInserted(_)
            | Event::Swiped(..)
            | Event::NumberTyped(..)
            | Event::ApplicationChosen(_)
            | Event::ApplicationConfirmed(_)
            | Event::ChoiceTimedOut
            | Event::CardAnswered(_)
            | Event::NoCard
            | Event::HostAnswered(_)
            | Event::LinkFailed(_)
            | Event::Withheld(_)
            | Event::RecordFailed(_) => {
                self.phase = Phase::EnteringPin { request, refused };
                Vec::new()
            }
        }
    }

    /// Whether this pad can have said that, and the terminal's parameters let it count.
    fn may_come(&self, entry: &PinEntry) -> bool {
        match entry {
            PinEntry::Entered { .. } => matches!(self.pin_pad, PinPad::Screen),
            PinEntry::Verified(_) => matches!(self.pin_pad, PinPad::Reader),
            PinEntry::Bypassed => self.pin_bypass(),
            PinEntry::PadBroken => true,
            // The PIN for the host comes with its digits, and is kept here.
            PinEntry::Captured => false,
        }
    }

    fn after_pin(&mut self, kind: PinKind, entry: PinEntry) -> Vec<Effect> {
        if self.presented.is_some() {
            return self.after_pin_without_chip(entry);
        }
        let entry = match (kind, entry) {
            // The kernel needs to know only that there is one.
            (PinKind::Online, PinEntry::Entered { pin, .. }) => {
                self.pin = Some(pin);
                PinEntry::Captured
            }
            (PinKind::Online | PinKind::Plaintext | PinKind::Enciphered, entry) => entry,
        };
        // Whoever is asked for a PIN has heard that the card is read.
        self.phase = Phase::Reading { sounded: true };
        let mut effects = vec![Effect::Show(Progress::ReadingCard)];
        effects.extend(self.drive(kernel::Event::Pin(entry)));
        effects
    }
}
