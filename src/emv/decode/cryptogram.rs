//! Cryptogram information data (9F27): what kind of cryptogram the card gave (EMV 4.4 Book 3, 6.5.5.4).

use serde::Serialize;

use super::{DecodeError, Line, sized};
use crate::crypto::hex;

/// Cryptogram information data, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CryptogramInformation {
    /// What it is.
    pub name: &'static str,
    /// Its bytes in hexadecimal.
    pub value: String,
    /// AAC, TC or ARQC.
    pub cryptogram: &'static str,
    /// Bits 6 and 5, which belong to the payment system.
    pub payment_system: u8,
    /// True when the card asks for an advice to the issuer.
    pub advice_required: bool,
    /// Why.
    pub reason: &'static str,
}

const NAME: &str = "Cryptogram Information Data";

/// Takes cryptogram information data apart.
///
/// # Errors
/// When it is not one byte.
pub fn information(value: &[u8]) -> Result<CryptogramInformation, DecodeError> {
    let [byte] = sized(NAME, "1 byte", value)?;
    let reason = match byte & 0x07 {
        0 => "no information given",
        1 => "service not allowed",
        2 => "PIN Try Limit exceeded",
        3 => "issuer authentication failed",
        4..=7 => "reserved for the payment system or future use",
        _ => "unknown",
    };
    Ok(CryptogramInformation {
        name: NAME,
        value: hex::encode(value),
        cryptogram: kind(byte >> 6),
        payment_system: byte >> 4 & 0x03,
        advice_required: byte & 0x08 != 0,
        reason,
    })
}

/// The cryptogram two bits stand for.
pub const fn kind(bits: u8) -> &'static str {
    match bits & 0x03 {
        0 => "AAC",
        1 => "TC",
        2 => "ARQC",
        _ => "reserved",
    }
}

impl CryptogramInformation {
    /// Cryptogram, advice and reason.
    pub fn lines(&self) -> Vec<Line> {
        let meaning = match self.cryptogram {
            "AAC" => "declined",
            "TC" => "approved",
            "ARQC" => "the issuer is to be asked",
            _ => "no meaning yet",
        };
        let mut lines = vec![Line::new("cryptogram", format!("{}: {meaning}", self.cryptogram))];
        if self.payment_system != 0 {
            lines.push(Line::new("payment system", self.payment_system.to_string()));
        }
        lines.push(Line::new("advice", if self.advice_required { "required" } else { "not required" }));
        lines.push(Line::new("reason", self.reason));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    #[test]
    fn the_two_leftmost_bits_are_the_cryptogram() {
        for (byte, cryptogram) in [(0x00, "AAC"), (0x40, "TC"), (0x80, "ARQC"), (0xC0, "reserved")] {
            assert_eq!(information(&[byte]).unwrap().cryptogram, cryptogram);
        }
        assert!(information(&[]).is_err());
    }

    #[test]
    fn an_advice_is_told_with_its_reason() {
        assert_eq!(
            told(&information(&[0x1A]).unwrap().lines()),
            ["cryptogram: AAC: declined", "payment system: 1", "advice: required", "reason: PIN Try Limit exceeded",]
        );
    }
}
