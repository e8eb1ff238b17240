//! Keys and cryptograms between card and issuer (EMV 4.4 Book 2, annex A1). Both ends are ours only in the sandbox; a
//! terminal on a counter never holds these keys.

use openssl::hash::{MessageDigest, hash};

use super::tdes::{TdesKey, block};
use super::{CryptoError, mac};

/// Derives the card's master key from the issuer's: option A for numbers of up to sixteen digits, option B for longer
/// ones (EMV 4.4 Book 2, A1.4.1 and A1.4.2).
///
/// `pan_digits` are the decimal digits, `sequence_number` is 5F34 (00 when the card has none).
///
/// # Errors
/// When the number does not consist of digits.
pub fn card_master_key(issuer: &TdesKey, pan_digits: &str, sequence_number: u8) -> Result<TdesKey, CryptoError> {
    let refused = || CryptoError::DataLength { what: "digits of a card number", length: pan_digits.len() };
    let digits = format!("{pan_digits}{sequence_number:02X}");
    let chosen = if pan_digits.len() > 16 {
        let even = format!("{}{digits}", if digits.len() % 2 == 1 { "0" } else { "" });
        let packed = super::hex::decode(&even).map_err(|_| refused())?;
        decimalised(&hash(MessageDigest::sha1(), &packed)?)
    } else {
        format!("{digits:0>16}")
    };
    let right_most = &chosen[chosen.len() - 16..];
    let left = block(&super::hex::decode(right_most).map_err(|_| refused())?)?;
    let right = left.map(|byte| !byte);
    let mut key = issuer.encrypt_ecb(&left)?;
    key.extend(issuer.encrypt_ecb(&right)?);
    set_odd_parity(&mut key);
    TdesKey::new(&key)
}

/// Derives the session key of one transaction from the application transaction counter (EMV 4.4 Book 2, A1.3.1,
/// common session key with an eight-byte block cipher).
///
/// # Errors
/// Passed on from OpenSSL.
pub fn session_key(card: &TdesKey, atc: u16) -> Result<TdesKey, CryptoError> {
    let [high, low] = atc.to_be_bytes();
    let mut key = card.encrypt_ecb(&[high, low, 0xF0, 0, 0, 0, 0, 0])?;
    key.extend(card.encrypt_ecb(&[high, low, 0x0F, 0, 0, 0, 0, 0])?);
    TdesKey::new(&key)
}

/// The application cryptogram over `data` (EMV 4.4 Book 2, 8.1.2: ISO 9797-1 algorithm 3, padding method 2).
///
/// # Errors
/// Passed on from OpenSSL.
pub fn application_cryptogram(session: &TdesKey, data: &[u8]) -> Result<[u8; 8], CryptoError> {
    mac::iso9797_algorithm_3(session, data)
}

/// Authorisation response cryptogram, method 1 (EMV 4.4 Book 2, 8.2.1): the ARQC XORed with the response code, encrypted.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn response_cryptogram_1(
    session: &TdesKey,
    arqc: &[u8; 8],
    response_code: &[u8; 2],
) -> Result<[u8; 8], CryptoError> {
    let mut mixed = *arqc;
    mixed[0] ^= response_code[0];
    mixed[1] ^= response_code[1];
    block(&session.encrypt_ecb(&mixed)?)
}

/// Takes decimal digits of a hash first, then its letters turned into digits (A=0 … F=5), sixteen in all (A1.4.2).
fn decimalised(hash: &[u8]) -> String {
    let hex = super::hex::encode(hash);
    let digits = hex.chars().filter(char::is_ascii_digit);
    let letters = hex.chars().filter(char::is_ascii_alphabetic).map(|c| char::from(c as u8 - b'A' + b'0'));
    digits.chain(letters).take(16).collect()
}

fn set_odd_parity(key: &mut [u8]) {
    for byte in key {
        if byte.count_ones().is_multiple_of(2) {
            *byte ^= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    #[test]
    fn parity_is_odd_and_long_numbers_use_the_hash() {
        let issuer = TdesKey::new(&[0x11; 16]).unwrap();
        let short = card_master_key(&issuer, "4111111111111111", 1).unwrap();
        let long = card_master_key(&issuer, "6228480000000001230", 1).unwrap();
        assert_ne!(short.check_value().unwrap(), long.check_value().unwrap());
        let mut key = [0x00, 0x01, 0x03, 0xFE];
        set_odd_parity(&mut key);
        assert!(key.iter().all(|b| b.count_ones() % 2 == 1));
    }

    #[test]
    fn decimalisation_takes_digits_before_letters() {
        assert_eq!(decimalised(&[0xAB, 0x12, 0xCD, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0xEF]), "1234567890123401");
        assert_eq!(decimalised(&[0xAB, 0xCD, 0xEF, 0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), "1201234555555555");
    }

    #[test]
    fn cryptogram_changes_with_every_part() {
        let card = TdesKey::new(&hex::decode("0123456789ABCDEFFEDCBA9876543210").unwrap()).unwrap();
        let first = session_key(&card, 1).unwrap();
        let second = session_key(&card, 2).unwrap();
        let arqc = application_cryptogram(&first, b"data").unwrap();
        assert_ne!(arqc, application_cryptogram(&second, b"data").unwrap());
        assert_ne!(arqc, application_cryptogram(&first, b"datb").unwrap());
        assert_ne!(
            response_cryptogram_1(&first, &arqc, b"00").unwrap(),
            response_cryptogram_1(&first, &arqc, b"05").unwrap()
        );
    }
}
