//! The cardholder's PIN in a sale: deciphered under the terminal's PIN key, compared with the account's, wrong ones counted.
//!
//! Of an account's PIN only a value is kept that another can be checked with, and nothing of any PIN is ever logged.

use super::books::Books;
use super::rules::{Refusal, format_error};
use super::store::StoreError;
use crate::crypto::aes::AesKey;
use crate::crypto::cipher::BlockKey;
use crate::crypto::{CryptoError, mac, pin_block};
use crate::iso8583::Message;
use crate::iso8583::dialect::PinRules;
use crate::pin::Pin;

/// PIN of every account, as of every card with a PIN.
pub const FIRST_PIN: &[u8] = b"1234";

/// So many wrong PINs in a row lock an account's PIN.
pub const TRIES: u32 = 3;

/// PINs are kept under this TEST key: it protects nothing but the eyes of who looks into the database.
const VERIFICATION_KEY: [u8; 16] = *b"TEST PIN CHECKS.";

/// The PIN that a sale brings, if it brings one.
///
/// # Errors
/// A [`Refusal`]: 30 when the fields about it contradict each other, 99 when the block was not made under this key and for
/// this card, so that the terminal fetches its keys anew.
pub fn read(rules: &PinRules, message: &Message, key: Option<&BlockKey>) -> Result<Option<Pin>, Refusal> {
    let announced = message.text(22).is_some_and(|mode| mode.ends_with('1'));
    let block = match (announced, message.bytes(52)) {
        (true, Some(block)) => block,
        (false, None) => return Ok(None),
        (true, None) => return Err(format_error("field 22 tells of a PIN that is not there")),
        (false, Some(_)) => return Err(format_error("a PIN of which field 22 does not tell")),
    };
    let length = message.text(26).and_then(|digits| digits.parse().ok());
    if !length.is_some_and(|digits: u8| (4..=12).contains(&digits)) {
        return Err(format_error("field 26 is no length of a PIN"));
    }
    if message.text(53) != Some(&rules.security_control) {
        return Err(format_error("field 53 is not that of a PIN block of this dialect"));
    }
    let unreadable = |reason: &str| Refusal { response_code: "99", reason: reason.to_owned() };
    let key = key.ok_or_else(|| unreadable("this terminal has no PIN key"))?;
    let pan = message.text(2).ok_or_else(|| format_error("no card number"))?;
    pin_block::open(key, block, pan)
        .map(Some)
        .map_err(|_| unreadable("the PIN block is not one under this terminal's PIN key and for this card"))
}

/// What there is to be said against a PIN: response code and reason. Counts a wrong one.
///
/// # Errors
/// When the database fails.
pub fn check(books: &Books<'_>, pan: &str, pin: &Pin) -> Result<Option<(&'static str, &'static str)>, StoreError> {
    let (right, wrong_before) = books.pin_check(pan)?;
    if wrong_before >= TRIES {
        return Ok(Some(("75", "the PIN is locked")));
    }
    let is_right = mac::equal(&right, &check_value(pan, pin)?);
    let wrong = if is_right { 0 } else { wrong_before + 1 };
    books.set_wrong_pins(pan, wrong)?;
    Ok(match wrong {
        0 => None,
        TRIES.. => Some(("75", "the PIN is wrong, and that once too often")),
        _ => Some(("55", "the PIN is wrong")),
    })
}

/// What an account keeps of its PIN.
///
/// # Errors
/// When OpenSSL refuses.
pub fn check_value(pan: &str, pin: &Pin) -> Result<Vec<u8>, CryptoError> {
    let covered = zeroize::Zeroizing::new([pan.as_bytes(), b" ", pin.expose_digits()].concat());
    BlockKey::Aes(AesKey::new(&VERIFICATION_KEY)?).cmac(&covered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::mac::Cipher;
    use crate::iso8583::{Dialect, Mti};

    const PAN: &str = "6228480000000001230";

    fn pin() -> Pin {
        Pin::new(FIRST_PIN.to_vec().into()).unwrap()
    }

    fn key(byte: u8) -> BlockKey {
        Cipher::Tdes.key(&[byte; 16]).unwrap()
    }

    fn rules() -> PinRules {
        Dialect::shipped("unionpay").unwrap().pin
    }

    fn read(message: &Message, key: Option<&BlockKey>) -> Result<Option<Pin>, Refusal> {
        super::read(&rules(), message, key)
    }

    /// A sale with the PIN under the key of fives.
    fn sale() -> Message {
        sale_under(&key(5))
    }

    fn sale_under(key: &BlockKey) -> Message {
        let block = pin_block::seal(key, &pin(), PAN, &[7; 8]).unwrap();
        Message::new(Mti::FINANCIAL_REQUEST)
            .with_text(2, PAN)
            .with_text(22, "051")
            .with_text(26, "12")
            .with_bytes(52, &block)
            .with_text(53, &rules().security_control)
    }

    #[test]
    fn a_pin_is_read_under_the_terminals_key_and_for_the_card() {
        assert_eq!(read(&sale(), Some(&key(5))).unwrap(), Some(pin()));
        let none = sale().without(52).without(26).without(53).with_text(22, "052");
        assert_eq!(read(&none, Some(&key(5))).unwrap(), None);
        for (what, message, key, code) in [
            ("an old key", sale(), Some(key(6)), "99"),
            ("no key", sale(), None, "99"),
            ("another card", sale().with_text(2, "6228480000000004069"), Some(key(5)), "99"),
            ("a block that is announced and missing", sale().without(52), Some(key(5)), "30"),
            ("a block that is not announced", sale().with_text(22, "052"), Some(key(5)), "30"),
            ("no length", sale().without(26), Some(key(5)), "30"),
            ("a length that no PIN has", sale().with_text(26, "13"), Some(key(5)), "30"),
            ("no security control", sale().without(53), Some(key(5)), "30"),
            ("a key of single length", sale().with_text(53, "2000000000000000"), Some(key(5)), "30"),
        ] {
            let refusal = read(&message, key.as_ref()).unwrap_err();
            assert_eq!(refusal.response_code, code, "{what}");
            assert!(!refusal.reason.contains("1234"), "{what}");
        }
    }

    #[test]
    fn what_is_kept_of_a_pin_is_its_own_for_each_card() {
        let kept = check_value(PAN, &pin()).unwrap();
        assert_ne!(kept, check_value("6228480000000004069", &pin()).unwrap());
        assert_ne!(kept, check_value(PAN, &Pin::new(b"12345".to_vec().into()).unwrap()).unwrap());
        assert!(!kept.windows(4).any(|bytes| bytes == FIRST_PIN));
    }
}
