//! The card's own PIN, and how VERIFY brings one (EMV 4.4 Book 3, 6.5.12; Book 2, 7). It decides only whether a PIN is
//! right; tries are counted where the card remembers things.

use openssl::bn::BigNum;
use openssl::pkey::Private;
use openssl::rsa::{Padding, Rsa};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::crypto::mac;

/// Bytes of a PIN block, and of the card's challenge.
const BLOCK: usize = 8;

/// First byte of the recovered data of an enciphered PIN (Book 2, table 25).
const ENCIPHERED_HEADER: u8 = 0x7F;

/// A card's PIN, as the block that a terminal must bring. Masks itself and is wiped when dropped.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct ReferencePin(Zeroizing<[u8; BLOCK]>);

/// Digits that are no PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a PIN has 4 to 12 digits")]
pub struct PinError;

impl ReferencePin {
    /// Takes 4 to 12 digits.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(digits: &str) -> Result<Self, PinError> {
        if !(4..=12).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PinError);
        }
        // Control 2, length, digits, filled with F (Book 3, table 24).
        let mut block = Zeroizing::new([0xFF; BLOCK]);
        block[0] = 0x20 | digits.len() as u8;
        for (index, digit) in digits.bytes().enumerate() {
            let place = &mut block[1 + index / 2];
            let digit = digit - b'0';
            *place = if index % 2 == 0 { digit << 4 | 0x0F } else { *place & 0xF0 | digit };
        }
        Ok(Self(block))
    }

    /// Whether a PIN block is that of this PIN, in a time that does not depend on where they differ.
    pub fn is_in(&self, block: &[u8]) -> bool {
        mac::equal(self.0.as_slice(), block)
    }

    /// Whether enciphered PIN data is this PIN with the challenge that the card has just given.
    pub fn is_in_enciphered(&self, key: &Rsa<Private>, challenge: &[u8; BLOCK], data: &[u8]) -> bool {
        let Some(recovered) = deciphered(key, data) else { return false };
        // Header, PIN block, challenge; the rest is the terminal's random padding.
        let [header, block @ ..] = &recovered[..] else { return false };
        let (Some(pin), Some(number)) = (block.get(..BLOCK), block.get(BLOCK..2 * BLOCK)) else { return false };
        *header == ENCIPHERED_HEADER && mac::equal(challenge, number) && self.is_in(pin)
    }
}

/// The whole block behind raw RSA; nothing when it is not one of this key.
fn deciphered(key: &Rsa<Private>, data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if data.len() != key.size() as usize || BigNum::from_slice(data).ok()?.as_ref() >= key.n() {
        return None;
    }
    let mut recovered = Zeroizing::new(vec![0; data.len()]);
    let length = key.private_decrypt(data, &mut recovered, Padding::NONE).ok()?;
    recovered.truncate(length);
    Some(recovered)
}

impl TryFrom<String> for ReferencePin {
    type Error = PinError;

    fn try_from(digits: String) -> Result<Self, PinError> {
        Self::parse(&Zeroizing::new(digits))
    }
}

impl std::fmt::Debug for ReferencePin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReferencePin(masked)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_held_as_the_block_a_terminal_brings() {
        for (digits, block) in [
            ("1234", [0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
            ("12345", [0x25, 0x12, 0x34, 0x5F, 0xFF, 0xFF, 0xFF, 0xFF]),
            ("123456789012", [0x2C, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0xFF]),
        ] {
            let pin = ReferencePin::parse(digits).unwrap();
            assert!(pin.is_in(&block), "{digits}");
            assert!(!pin.is_in(&block[..7]), "a block has eight bytes");
            assert_eq!(format!("{pin:?}"), "ReferencePin(masked)");
        }
        for digits in ["", "123", "1234567890123", "12a4", "１２３４"] {
            assert_eq!(ReferencePin::parse(digits).unwrap_err(), PinError, "{digits}");
        }
    }

    #[test]
    fn an_enciphered_pin_is_right_with_header_and_challenge_only() {
        let key = Rsa::generate(1024).unwrap();
        let public = Rsa::from_public_components(key.n().to_owned().unwrap(), key.e().to_owned().unwrap()).unwrap();
        let (pin, challenge) = (ReferencePin::parse("1234").unwrap(), [7; 8]);
        let sealed = |header: u8, digits: &str, number: [u8; 8]| {
            let block = ReferencePin::parse(digits).unwrap();
            let mut plain = [&[header][..], block.0.as_slice(), &number].concat();
            plain.resize(128, 0x5A);
            let mut out = vec![0; 128];
            public.public_encrypt(&plain, &mut out, Padding::NONE).unwrap();
            out
        };
        assert!(pin.is_in_enciphered(&key, &challenge, &sealed(0x7F, "1234", challenge)));
        for (what, data) in [
            ("header", sealed(0x6A, "1234", challenge)),
            ("PIN", sealed(0x7F, "1235", challenge)),
            ("challenge", sealed(0x7F, "1234", [8; 8])),
            ("length", vec![1; 127]),
            ("more than the modulus", vec![0xFF; 128]),
        ] {
            assert!(!pin.is_in_enciphered(&key, &challenge, &data), "{what}");
        }
    }
}
