//! A cardholder is asked for a PIN: at the reader's own pad, or on the screen of a terminal with test keys.

use zeroize::Zeroizing;

use super::engine::Core;
use super::view::PinPlace;
use super::workers::reader;
use crate::clock;
use crate::devices::pin_pad::{PadAnswer, PadPrompt};
use crate::emv::apdu::CardAnswer;
use crate::emv::pin::{PinEntry, PinKind, PinRequest};
use crate::payment::pin_pad::PinPad;
use crate::payment::sale::Event;
use crate::pin::Pin;
use crate::wording::{Language, Reason, ReasonKind};

/// Random bytes for an enciphered PIN: as many as the longest key has (EMV 4.4 Book 2, annex B2.1: 1984 bits).
const RANDOM_FILLING: usize = 248;

/// Digits in the order of a telephone.
const KEYS: [u8; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0];

impl Core {
    /// The pad for a card that is in now. The screen is one with test keys only, whatever it was asked to be.
    pub(super) const fn pin_pad(&self, reader_has_one: bool) -> PinPad {
        match (reader_has_one, self.parts.screen_pad && self.parts.mark.is_for_tests()) {
            (true, _) => PinPad::Reader,
            (false, true) => PinPad::Screen,
            (false, false) => PinPad::None,
        }
    }

    /// Carries the wish for a PIN to the pad. A pad of the reader minds the time itself.
    pub(super) fn ask_pin(&mut self) {
        let Some(running) = self.running.as_mut() else { return };
        match running.sale.pin_pad() {
            PinPad::Reader => {
                let own = match self.parts.language {
                    Language::Chinese => *b"zh",
                    Language::English => *b"en",
                };
                let prompt =
                    PadPrompt { language: running.sale.language().unwrap_or(own), patience: self.parts.pin_wait };
                self.pad_asks = true;
                self.reader.send(reader::Job::VerifyPin { ticket: running.ticket, prompt });
            }
            PinPad::Screen => {
                running.pin_until = Some(clock::instant() + self.parts.pin_wait);
                // One that was swiped or typed is in no reader.
                if !running.sale.holds_card() {
                    return;
                }
                self.reader.send(reader::Job::Watch { ticket: running.ticket });
            }
            // The core asks for no PIN then.
            PinPad::None => {}
        }
    }

    /// The reader's own pad cannot be called back: it asks on after a payment was left, and whoever comes next must not answer.
    pub(super) fn pad_notice(&self) -> Option<Reason> {
        self.pad_asks.then(|| Reason::of(ReasonKind::PadBusy))
    }

    /// The reader has spoken after its pad was asked, so the pad asks no more. Whoever waited for that may go on.
    pub(super) fn pad_is_done(&mut self) {
        self.pad_asks = false;
        if let Some(running) = self.running.as_mut()
            && running.notice.as_ref().is_some_and(|reason| reason.kind == ReasonKind::PadBusy)
        {
            running.notice = None;
            self.show_progress();
        }
    }

    /// A PIN was typed on the screen. One that nobody asked for is dropped.
    pub(super) fn take_pin(&mut self, pin: Pin) {
        let Some(running) = self.running.as_mut().filter(|running| running.pin_until.is_some()) else { return };
        running.timings.mark("pin");
        let mut random = Zeroizing::new(vec![0; RANDOM_FILLING]);
        let entry = match getrandom::fill(&mut random) {
            Ok(()) => PinEntry::Entered { pin, random },
            Err(error) => {
                tracing::error!(%error, "no random numbers: a PIN cannot be enciphered");
                PinEntry::PadBroken
            }
        };
        self.feed(Event::PinEntered(entry));
    }

    /// Ends the time for a PIN on the screen.
    pub(super) fn mind_pin_time(&mut self) {
        if let Some(running) = self.running.as_mut()
            && running.pin_until.is_some_and(|until| clock::instant() >= until)
        {
            running.pin_until = None;
            self.feed(Event::PinTimedOut);
        }
    }
}

/// Where a PIN is entered now. Digits in another order each time tell nobody by the place of a finger what they are.
pub(super) fn place(pad: PinPad, shuffled: bool) -> PinPlace {
    match pad {
        PinPad::Screen => PinPlace::Screen { keys: if shuffled { shuffled_keys() } else { KEYS } },
        PinPad::Reader | PinPad::None => PinPlace::Reader,
    }
}

/// Every order is as likely as any other: digits are sorted by numbers drawn for them.
fn shuffled_keys() -> [u8; 10] {
    let mut drawn = [[0; 8]; 10];
    for number in &mut drawn {
        if let Err(error) = getrandom::fill(number) {
            tracing::warn!(%error, "no random numbers: the keys stay in order");
            return KEYS;
        }
    }
    let mut keys = KEYS;
    keys.sort_by_key(|digit| drawn[usize::from(*digit)]);
    keys
}

/// What the core hears of the reader's own pad.
pub(super) fn event_of(answer: PadAnswer) -> Event {
    match answer {
        PadAnswer::Card(answer) => Event::PinEntered(PinEntry::Verified(CardAnswer::new(answer))),
        PadAnswer::TimedOut => Event::PinTimedOut,
        PadAnswer::Cancelled => Event::PinCancelled,
        PadAnswer::Failed(detail) => Event::ReaderFailed(detail),
        PadAnswer::WrongLength => Event::PinLengthWrong,
        PadAnswer::Broken(detail) => {
            tracing::warn!(detail, "the reader's PIN pad does not work");
            Event::PinEntered(PinEntry::PadBroken)
        }
    }
}

/// What a cardholder should know who is asked again, or for the last time.
pub(super) fn notice(request: PinRequest) -> Option<Reason> {
    let kind = match (request.kind, request.wrong_before, request.tries_left) {
        (PinKind::Online, true, Some(1)) => ReasonKind::PinWrongAtBankLastTry,
        (PinKind::Plaintext | PinKind::Enciphered, true, Some(1)) => ReasonKind::PinWrongLastTry,
        (_, true, _) => ReasonKind::PinWrong,
        (_, false, Some(1)) => ReasonKind::PinLastTry,
        (_, false, _) => return None,
    };
    Some(Reason::of(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_stands_on_a_key_and_not_always_on_the_same() {
        let orders: std::collections::HashSet<_> = (0..50).map(|_| shuffled_keys()).collect();
        for mut keys in orders.iter().copied() {
            keys.sort_unstable();
            assert_eq!(keys, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        }
        assert!(orders.len() > 40, "{} orders of 50", orders.len());
        assert_eq!(place(PinPad::Screen, false), PinPlace::Screen { keys: KEYS });
        assert_eq!(place(PinPad::Reader, true), PinPlace::Reader);
    }

    #[test]
    fn the_last_try_is_said_also_to_who_has_not_been_wrong_here() {
        for (wrong_before, tries_left, kind) in [
            (false, None, None),
            (false, Some(3), None),
            (false, Some(1), Some(ReasonKind::PinLastTry)),
            (true, Some(2), Some(ReasonKind::PinWrong)),
            (true, None, Some(ReasonKind::PinWrong)),
            (true, Some(1), Some(ReasonKind::PinWrongLastTry)),
        ] {
            let request = PinRequest { kind: PinKind::Plaintext, tries_left, wrong_before };
            assert_eq!(notice(request).map(|reason| reason.kind), kind, "{request:?}");
        }
        let request = PinRequest { kind: PinKind::Online, tries_left: Some(1), wrong_before: true };
        assert_eq!(notice(request).map(|reason| reason.kind), Some(ReasonKind::PinWrongAtBankLastTry));
    }
}
