//! The cardholder's PIN, checked by the card (EMV 4.4 Book 3, 10.5.1; Book 2, 7).
//!
//! Yields commands and the wish for a PIN; takes answers.

use std::fmt;

use zeroize::Zeroizing;

use super::apdu::{CardAnswer, Command, Status};
use super::oda::PinKey;
use super::results::Tvr;
use super::tag;
use super::tlv;
use crate::crypto::pin_block;
use crate::pin::Pin;

/// A card that never counts its tries down does not make the terminal ask for ever.
const MAX_TRIES: u8 = 15;

/// Header of the data that an enciphered PIN is made of (Book 2, 7.2).
const ENCIPHERED_HEADER: u8 = 0x7F;

/// Who checks a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinKind {
    /// The card, in the clear on the way to it.
    Plaintext,
    /// The card, enciphered with its key.
    Enciphered,
    /// The issuer; the pad enciphers it for the host and the kernel never sees it.
    Online,
}

/// What the cardholder is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinRequest {
    /// Who will check it.
    pub kind: PinKind,
    /// How many tries the card still allows, if it said so; at 1 people are told that it is the last.
    pub tries_left: Option<u8>,
    /// The PIN before this one was wrong.
    pub wrong_before: bool,
}

/// What came of asking.
#[derive(Clone)]
pub enum PinEntry {
    /// A PIN for the card, with random bytes to fill an enciphered block: as many as the modulus has, from the system's
    /// random generator.
    Entered {
        /// The digits.
        pin: Pin,
        /// Random filling.
        random: Zeroizing<Vec<u8>>,
    },
    /// The pad has the PIN and will give it to the host.
    Captured,
    /// The reader's own pad took the PIN and sent VERIFY; this is what the card answered (PC/SC part 10).
    Verified(CardAnswer),
    /// The cardholder or the merchant wants to go on without (Book 4, 6.3.4.3).
    Bypassed,
    /// There is no pad, or it does not work.
    PadBroken,
}

/// Says what happened, never with what: the random filling would help to guess an enciphered PIN.
impl fmt::Debug for PinEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Entered { .. } => "Entered(masked)",
            Self::Captured => "Captured",
            Self::Verified(_) => "Verified(masked)",
            Self::Bypassed => "Bypassed",
            Self::PadBroken => "PadBroken",
        })
    }
}

/// What the check wants next.
#[derive(Debug)]
pub enum Next {
    /// Send this and come back with the answer.
    Send(Command),
    /// Ask the cardholder.
    Ask(PinRequest),
    /// The check is over.
    Over(Ended),
    /// The card answered VERIFY with a status that means nothing there: the transaction ends (Book 3, 6.3.5).
    Refused(Status),
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The card knows the PIN as right.
    Right,
    /// It does not, or could not be asked.
    Failed,
    /// Nobody entered one.
    Bypassed,
}

/// A check of the PIN by the card, under way.
#[cfg_attr(test, derive(Clone))]
#[derive(Debug)]
pub struct PinCheck {
    kind: PinKind,
    key: Option<PinKey>,
    tries: u8,
    place: Place,
}

#[cfg_attr(test, derive(Clone))]
enum Place {
    TryCounter,
    Entry,
    Challenge { block: Zeroizing<[u8; 8]>, random: Zeroizing<Vec<u8>> },
    Verify,
}

/// Names the step: it may hold a PIN block.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TryCounter => "TryCounter",
            Self::Entry => "Entry",
            Self::Challenge { .. } => "Challenge(masked)",
            Self::Verify => "Verify",
        })
    }
}

impl PinCheck {
    /// Begins with the try counter: nobody types a PIN that the card will not look at. Without a key an enciphered PIN
    /// fails at once (Book 2, 7.1).
    pub fn start(kind: PinKind, key: Option<PinKey>) -> (Self, Next) {
        let next = match (kind, &key) {
            (PinKind::Enciphered, None) => Next::Over(Ended::Failed),
            _ => Next::Send(Command::get_data(tag::PIN_TRY_COUNTER)),
        };
        (Self { kind, key, tries: 0, place: Place::TryCounter }, next)
    }

    /// Takes the card's answer.
    pub fn answer(&mut self, data: &[u8], status: Status, tvr: &mut Tvr) -> Next {
        match std::mem::replace(&mut self.place, Place::Entry) {
            Place::TryCounter => {
                // The counter need not be readable (Book 3, 10.5.1); without it the card itself says when it is enough.
                let left = match tlv::find(data, tag::PIN_TRY_COUNTER) {
                    Ok(Some(&[left])) if status == Status::OK => Some(left),
                    _ => None,
                };
                if left == Some(0) { exceeded(tvr) } else { self.ask(left, false) }
            }
            Place::Challenge { block, random } => match <[u8; 8]>::try_from(data) {
                Ok(challenge) if status == Status::OK => self.verify_enciphered(&block, &challenge, &random),
                _ => Next::Over(Ended::Failed),
            },
            Place::Verify => self.after_verify(status, tvr),
            // No command is out while a person types.
            Place::Entry => Next::Over(Ended::Failed),
        }
    }

    /// Takes what came of asking the cardholder.
    pub fn entered(&mut self, entry: PinEntry, tvr: &mut Tvr) -> Next {
        match (entry, self.kind) {
            (PinEntry::Entered { pin, .. }, PinKind::Plaintext) => {
                self.place = Place::Verify;
                Next::Send(Command::verify_plaintext(&pin_block::format_2(&pin)))
            }
            (PinEntry::Entered { pin, random }, PinKind::Enciphered) => {
                self.place = Place::Challenge { block: pin_block::format_2(&pin), random };
                Next::Send(Command::get_challenge())
            }
            // A reader's pad sends the PIN in the clear: that fulfils no rule that wants it enciphered.
            (PinEntry::Verified(answer), PinKind::Plaintext) => {
                let status = answer.split().map_or(Status(0), |(_, status)| status);
                self.after_verify(status, tvr)
            }
            (PinEntry::Bypassed, _) => {
                tvr.set(Tvr::PIN_NOT_ENTERED);
                Next::Over(Ended::Bypassed)
            }
            (PinEntry::PadBroken | PinEntry::Captured | PinEntry::Entered { .. } | PinEntry::Verified(_), _) => {
                tvr.set(Tvr::PIN_PAD_MISSING);
                Next::Over(Ended::Failed)
            }
        }
    }

    fn ask(&mut self, tries_left: Option<u8>, wrong_before: bool) -> Next {
        self.place = Place::Entry;
        Next::Ask(PinRequest { kind: self.kind, tries_left, wrong_before })
    }

    /// 7F, PIN block, challenge and random filling, enciphered with the card's key (Book 2, 7.2).
    fn verify_enciphered(&mut self, block: &[u8; 8], challenge: &[u8; 8], random: &[u8]) -> Next {
        let Some(key) = &self.key else { return Next::Over(Ended::Failed) };
        let Some(filling) = key.0.length().checked_sub(17).and_then(|length| random.get(..length)) else {
            return Next::Over(Ended::Failed);
        };
        let mut plain = Zeroizing::new(Vec::with_capacity(key.0.length()));
        plain.push(ENCIPHERED_HEADER);
        plain.extend(block);
        plain.extend(challenge);
        plain.extend(filling);
        // With a public key, recovering and enciphering are the same computation.
        match key.0.recover(&plain) {
            Ok(enciphered) => {
                self.place = Place::Verify;
                Next::Send(Command::verify_enciphered(&enciphered))
            }
            Err(_) => Next::Over(Ended::Failed),
        }
    }

    fn after_verify(&mut self, status: Status, tvr: &mut Tvr) -> Next {
        self.tries += 1;
        match status.0 {
            0x9000 => Next::Over(Ended::Right),
            0x63C1..=0x63CF if self.tries < MAX_TRIES => self.ask(Some(status.0 as u8 & 0x0F), true),
            0x63C1..=0x63CF => Next::Over(Ended::Failed),
            // No try left, or the method blocked (Book 3, 10.5.1).
            0x63C0 | 0x6983 | 0x6984 => exceeded(tvr),
            _ => Next::Refused(status),
        }
    }
}

fn exceeded(tvr: &mut Tvr) -> Next {
    tvr.set(Tvr::PIN_TRIES_EXCEEDED);
    Next::Over(Ended::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;
    use crate::crypto::rsa::PublicKey;

    fn pin(digits: &str) -> Pin {
        Pin::new(Zeroizing::new(digits.as_bytes().to_vec())).unwrap()
    }

    #[test]
    fn a_card_that_never_counts_down_is_not_asked_for_ever() {
        let mut tvr = Tvr::default();
        let (mut check, _) = PinCheck::start(PinKind::Plaintext, None);
        check.answer(&[], Status(0x6A88), &mut tvr);
        for asked in 1.. {
            let entry = PinEntry::Entered { pin: pin("1234"), random: Zeroizing::default() };
            assert!(matches!(check.entered(entry, &mut tvr), Next::Send(_)));
            match check.answer(&[], Status(0x63C3), &mut tvr) {
                Next::Ask(request) => assert!(request.wrong_before && request.tries_left == Some(3)),
                Next::Over(ended) => {
                    assert_eq!((ended, asked), (Ended::Failed, MAX_TRIES));
                    return;
                }
                next @ (Next::Send(_) | Next::Refused(_)) => panic!("{next:?}"),
            }
        }
    }

    #[test]
    fn an_enciphered_pin_is_what_the_card_can_read() {
        let key = openssl::rsa::Rsa::generate(1024).unwrap();
        let public = PinKey(PublicKey::new(&key.n().to_vec(), &key.e().to_vec()).unwrap());
        let mut tvr = Tvr::default();
        let (mut check, _) = PinCheck::start(PinKind::Enciphered, Some(public));
        assert!(matches!(check.answer(&[0x9F, 0x17, 0x01, 0x03], Status::OK, &mut tvr), Next::Ask(_)));
        let random = Zeroizing::new(vec![0x5A; 256]);
        check.entered(PinEntry::Entered { pin: pin("1234"), random }, &mut tvr);
        let Next::Send(command) = check.answer(&[7; 8], Status::OK, &mut tvr) else { panic!("no VERIFY") };
        assert_eq!(command.bytes()[..5], [0x00, 0x20, 0x00, 0x88, 128]);
        let mut plain = vec![0; 128];
        key.private_decrypt(&command.bytes()[5..], &mut plain, openssl::rsa::Padding::NONE).unwrap();
        assert_eq!(hex::encode(&plain[..18]), "7F241234FFFFFFFFFF07070707070707075A");
    }

    #[test]
    fn without_a_key_nothing_is_typed_and_nothing_sent() {
        let (_, next) = PinCheck::start(PinKind::Enciphered, None);
        assert!(matches!(next, Next::Over(Ended::Failed)));
    }
}
