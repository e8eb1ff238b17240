//! Digits that come from keys: a scanner types as a person does, only quicker, and ends with Return.

use std::time::{Duration, Instant};

use zeroize::Zeroize;

use crate::clock;

/// Between two digits of a scanner; nobody types eight in a row as quickly.
const PAUSE: Duration = Duration::from_millis(80);

/// Digits of the shortest barcode.
const SHORTEST: usize = 8;

/// Digits that are kept: more than the longest has.
const MOST: usize = 24;

/// Characters of a payment code that are kept.
const MOST_SIGNS: usize = 513;

/// After a scan a Return is the scanner's, which may end with two of them.
const ECHO: Duration = Duration::from_millis(500);

/// What keys have typed.
#[derive(Clone, Debug, Default)]
pub(super) struct Scanned {
    digits: String,
    last: Option<Instant>,
    scanned_at: Option<Instant>,
}

impl Scanned {
    /// A digit where somebody may type an amount as well: only what comes quickly belongs together.
    pub(super) fn quick_digit(&mut self, digit: &str) {
        if self.last.is_none_or(|last| clock::since(last) > PAUSE) {
            self.digits.clear();
        }
        self.digit(digit);
    }

    /// A digit where nothing else is typed.
    pub(super) fn digit(&mut self, digit: &str) {
        if self.digits.len() < MOST && digit.bytes().all(|byte| byte.is_ascii_digit()) {
            self.digits.push_str(digit);
        }
        self.last = Some(clock::instant());
    }

    /// A character of a customer's code, where nothing else is typed.
    pub(super) fn sign(&mut self, sign: &str) {
        if self.digits.len() < MOST_SIGNS && sign.chars().all(|sign| sign.is_ascii_graphic()) {
            self.digits.push_str(sign);
        }
        self.last = Some(clock::instant());
    }

    /// The same where keys do other things as well: only what comes quickly belongs together.
    pub(super) fn quick_sign(&mut self, sign: &str) {
        if self.last.is_none_or(|last| clock::since(last) > PAUSE) {
            self.digits.zeroize();
        }
        self.sign(sign);
    }

    /// Takes the last digit back.
    pub(super) fn delete(&mut self) {
        self.digits.pop();
    }

    /// Nothing was typed.
    pub(super) fn clear(&mut self) {
        // It may be a customer's code.
        self.digits.zeroize();
        self.last = None;
    }

    /// What was typed so far.
    pub(super) fn digits(&self) -> &str {
        &self.digits
    }

    /// The code, when a scanner has typed it.
    pub(super) fn take_quick(&mut self) -> Option<String> {
        let quick = self.last.is_some_and(|last| clock::since(last) <= PAUSE);
        if quick && self.digits.len() >= SHORTEST {
            return self.take();
        }
        self.clear();
        None
    }

    /// What was typed, whoever typed it.
    pub(super) fn take(&mut self) -> Option<String> {
        let digits = std::mem::take(&mut self.digits);
        self.last = None;
        if digits.is_empty() {
            return None;
        }
        self.scanned_at = Some(clock::instant());
        Some(digits)
    }

    /// Whether a Return belongs to what was just scanned.
    pub(super) fn echoes(&self) -> bool {
        self.scanned_at.is_some_and(|at| clock::since(at) <= ECHO)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;

    fn typed(scanned: &mut Scanned, digits: &str, pause: u64, clock: &clock::SetByHand) {
        for digit in digits.chars() {
            scanned.quick_digit(&digit.to_string());
            clock.pass(Duration::from_millis(pause));
        }
    }

    #[test]
    fn a_scanner_is_told_from_a_person_by_how_quick_it_is() {
        let clock = clock::SetByHand::at(Timestamp::UNIX_EPOCH, TimeZone::UTC);
        let mut scanned = Scanned::default();
        typed(&mut scanned, "6901028075763", 10, &clock);
        assert_eq!(scanned.take_quick().as_deref(), Some("6901028075763"));
        assert!(scanned.echoes());
        clock.pass(Duration::from_secs(1));
        assert!(!scanned.echoes());
        typed(&mut scanned, "96385074", 120, &clock);
        assert_eq!(scanned.take_quick(), None, "a person has keyed an amount");
        typed(&mut scanned, "1234", 10, &clock);
        assert_eq!(scanned.take_quick(), None, "nothing has so short a barcode");
        typed(&mut scanned, "55", 200, &clock);
        typed(&mut scanned, "96385074", 10, &clock);
        assert_eq!(scanned.take_quick().as_deref(), Some("96385074"), "what was keyed before is not part of it");
        typed(&mut scanned, "96385074", 10, &clock);
        clock.pass(Duration::from_secs(5));
        assert_eq!(scanned.take_quick(), None, "somebody has pressed Return much later");
    }

    #[test]
    fn what_is_typed_where_nothing_else_can_be_needs_no_hurry() {
        let clock = clock::SetByHand::at(Timestamp::UNIX_EPOCH, TimeZone::UTC);
        let mut scanned = Scanned::default();
        for digit in ["1", "2", "x", "3"] {
            scanned.digit(digit);
            clock.pass(Duration::from_secs(2));
        }
        scanned.delete();
        assert_eq!((scanned.take().as_deref(), scanned.take()), (Some("12"), None));
        for _ in 0..99 {
            scanned.digit("7");
        }
        assert_eq!(scanned.digits().len(), MOST);
    }
}
