//! What a scanner has read, whatever is on the screen: what it means is decided here, by where the terminal stands.
//!
//! A scan never begins a payment by itself: a payment code counts where the customer is asked to pay and nowhere else. What it leads to
//! is wished as a touch would wish it, by whoever is signed on. What was scanned is neither logged nor shown: it may be a customer's code.

use std::time::{Duration, Instant};

use super::cash_view::CashStage;
use super::engine::Core;
use super::shop_view::ShopIntent;
use super::view::{Intent, Screen};
use crate::clock;
use crate::crypto::sha256::{HASH_LENGTH, sha256};
use crate::devices::scanner::ScannedText;
use crate::devices::sound::Tone;
use crate::ledger::LedgerError;
use crate::payment::qr::PaymentCode;
use crate::receipt::named;
use crate::reference::TraceNumber;
use crate::wording::{Reason, ReasonKind};

/// The same text within such a moment is the same scan: nobody shows a code twice as quickly, and a scanner may read one twice.
const MOMENT: Duration = Duration::from_secs(2);

/// The same for goods, of which a customer may buy two: scanners themselves wait longer before they read the same again.
const MOMENT_OF_GOODS: Duration = Duration::from_millis(250);

/// How long a note stays.
const NOTE_STAYS: Duration = Duration::from_secs(5);

/// Digits of the shortest and of the longest barcode of goods.
const BARCODES: std::ops::RangeInclusive<usize> = 6..=14;

/// Signs of the longer label of a shop's own scale.
const LABEL: usize = 18;

/// What the engine knows of scans. Only its own thread touches it.
#[derive(Debug, Default)]
pub(super) struct ScanDesk {
    /// The last one, as a hash: it may have been a secret.
    last: Option<([u8; HASH_LENGTH], Instant)>,
    note: Option<(Reason, Instant)>,
}

impl ScanDesk {
    /// What is to be said of the last scan.
    pub fn note(&self) -> Option<Reason> {
        self.note.as_ref().map(|(reason, _)| reason.clone())
    }

    /// Whether this is what was scanned a moment ago.
    fn is_the_same_again(&mut self, text: &ScannedText, moment: Duration) -> bool {
        // Without a hash nothing is the same.
        let Ok(hash) = sha256(&[text.expose().as_bytes()]) else { return false };
        let again = self.last.is_some_and(|(last, at)| last == hash && clock::since(at) < moment);
        self.last = Some((hash, clock::instant()));
        again
    }
}

/// What a scan means where the terminal stands.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    /// It is wished for what was scanned.
    Wish(Intent),
    /// It is of no use here.
    Note(ReasonKind),
    /// Nobody needs to be told.
    Nothing,
}

impl Core {
    /// A scanner has read something.
    pub(super) fn on_scanned(&mut self, text: ScannedText) {
        let sells = matches!(self.screen, Screen::Keypad { .. } | Screen::Cart(_) | Screen::Goods(_));
        if self.scanning.is_the_same_again(&text, if sells { MOMENT_OF_GOODS } else { MOMENT }) {
            return;
        }
        self.scanning.note = None;
        match self.meaning(&text) {
            Ok(Meaning::Wish(intent)) => self.on_intent(intent),
            Ok(Meaning::Note(kind)) => {
                // Whoever goes where it is of use scans it again.
                self.scanning.last = None;
                self.note_scan(kind);
            }
            Ok(Meaning::Nothing) => {}
            Err(error) => self.ledger_failed(&error),
        }
    }

    fn meaning(&self, text: &ScannedText) -> Result<Meaning, LedgerError> {
        let pays = self.is_payment_code(text.expose());
        Ok(match &self.screen {
            // A card that is on its way in is paid with; a code that comes then is not looked at.
            Screen::PresentCard { .. } | Screen::Purchase(_) if self.may_turn_to_code() => {
                Meaning::Wish(Intent::PayByScanned(PaymentCode::parse(text.expose())))
            }
            Screen::Keypad { .. } | Screen::Cart(_) | Screen::Goods(_) if pays => {
                Meaning::Note(ReasonKind::ScanPaysLater)
            }
            Screen::Keypad { .. } | Screen::Cart(_) | Screen::Goods(_) => {
                match barcode(text.expose(), !self.parts.shop.scales.is_empty()) {
                    Some(digits) => Meaning::Wish(Intent::Shop(ShopIntent::Scan(digits))),
                    None => Meaning::Note(ReasonKind::ScanNotHere),
                }
            }
            Screen::Transactions { .. } | Screen::Seek { .. } | Screen::Transaction(_) => {
                match self.receipt_named(text.expose())? {
                    Some(trace) => Meaning::Wish(Intent::ShowTransaction(trace)),
                    None => Meaning::Note(ReasonKind::ScanNoReceipt),
                }
            }
            Screen::Cash(view) if matches!(view.stage, CashStage::Asks { .. }) => {
                Meaning::Note(ReasonKind::ScanNotHere)
            }
            // What the customer does there goes on by itself: nothing is said over it.
            Screen::PresentCard { .. }
            | Screen::EnterPin { .. }
            | Screen::TypeNumber { .. }
            | Screen::ChooseApplication { .. }
            | Screen::ConfirmApplication { .. }
            | Screen::ShowCode { .. }
            | Screen::Processing { .. }
            | Screen::Sign { .. }
            | Screen::Turning(_)
            | Screen::Enrol { .. }
            | Screen::OutOfService { .. } => Meaning::Nothing,
            Screen::Approved { .. }
            | Screen::NotPaid { .. }
            | Screen::Unknown { .. }
            | Screen::Cash(_)
            | Screen::Tip(_)
            | Screen::Instalments(_)
            | Screen::Purchase(_)
            | Screen::Receipt(_)
            | Screen::Settlement(_)
            | Screen::Staff(_)
            | Screen::Queue { .. } => Meaning::Note(ReasonKind::ScanNotHere),
        })
    }

    /// Whether this is a code of a customer that can be paid with here: then it is no barcode, whatever digits it has.
    pub(super) fn is_payment_code(&self, text: &str) -> bool {
        self.parts.codes.as_ref().is_some_and(|setup| setup.networks.scanned(text).is_ok())
    }

    /// The payment or cash sale of this terminal that a receipt names.
    fn receipt_named(&self, text: &str) -> Result<Option<TraceNumber>, LedgerError> {
        let Some(named) = named::read(text) else { return Ok(None) };
        if named.terminal.is_some_and(|terminal| terminal != self.parts.terminal_number) {
            return Ok(None);
        }
        let known = self.ledger.find(named.trace)?.is_some() || self.ledger.cash(named.trace)?.is_some();
        Ok(known.then_some(named.trace))
    }

    /// Says that a scan is of no use here, for a moment.
    pub(super) fn note_scan(&mut self, kind: ReasonKind) {
        self.parts.sound.play(Tone::Alert);
        self.scanning.note = Some((Reason::of(kind), clock::instant() + NOTE_STAYS));
    }

    /// A note that was long enough there goes.
    pub(super) fn mind_scans(&mut self) {
        self.scanning.note.take_if(|(_, until)| clock::instant() >= *until);
    }
}

/// Digits that may stand on goods.
fn barcode(text: &str, has_scale: bool) -> Option<String> {
    let long_enough = BARCODES.contains(&text.len()) || (has_scale && text.len() == LABEL);
    (long_enough && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn the_same_text_within_a_moment_is_one_scan_and_nothing_of_it_is_kept() {
        let clock = clock::SetByHand::at(Timestamp::UNIX_EPOCH, TimeZone::UTC);
        let mut desk = ScanDesk::default();
        let (one, other) = (ScannedText::new("281234567890123456"), ScannedText::new("281234567890123457"));
        assert!(!desk.is_the_same_again(&one, MOMENT));
        clock.pass(Duration::from_millis(300));
        assert!(
            desk.is_the_same_again(&one, MOMENT) && !desk.is_the_same_again(&one, MOMENT_OF_GOODS.min(Duration::ZERO))
        );
        assert!(!desk.is_the_same_again(&other, MOMENT));
        clock.pass(MOMENT);
        assert!(!desk.is_the_same_again(&other, MOMENT));
        assert!(!format!("{desk:?}").contains("2812345"), "a hash is no code");
    }

    #[test]
    fn goods_have_digits_and_as_many_as_barcodes_have() {
        let label = "210000200532901234";
        for good in ["96385074", "6901028075763", label] {
            assert_eq!(barcode(good, true).as_deref(), Some(good));
        }
        assert_eq!(barcode(label, false), None, "a wallet that is not taken here has as many");
        for other in ["", "12345", "HTTPS://R.EXAMPLE.CN", "690102807576X", "1234567890123456789"] {
            assert_eq!(barcode(other, true), None);
        }
    }
}
