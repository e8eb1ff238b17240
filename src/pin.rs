//! The cardholder's PIN, in a type that masks itself and is wiped when dropped. What a card or a host is sent of it is made
//! in [`crate::crypto::pin_block`]; nothing else needs the digits.

use std::fmt;

use zeroize::Zeroizing;

/// A PIN of 4 to 12 digits (ISO 9564-1, 8.1). Masked, wiped when dropped, never a string.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(Zeroizing<Vec<u8>>);

/// Not 4 to 12 digits. The digits themselves are never part of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a PIN has 4 to 12 digits")]
pub struct PinError;

impl Pin {
    /// The fewest digits a PIN has.
    pub const FEWEST_DIGITS: usize = 4;

    /// Takes digits as text bytes.
    ///
    /// # Errors
    /// When it is not 4 to 12 digits.
    pub fn new(digits: Zeroizing<Vec<u8>>) -> Result<Self, PinError> {
        let good = (Self::FEWEST_DIGITS..=12).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
        if good { Ok(Self(digits)) } else { Err(PinError) }
    }

    /// The digits as text bytes, for a PIN block only.
    pub fn expose_digits(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(masked)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(digits: &str) -> Result<Pin, PinError> {
        Pin::new(Zeroizing::new(digits.as_bytes().to_vec()))
    }

    #[test]
    fn a_pin_has_four_to_twelve_digits_and_is_never_shown() {
        for digits in ["1234", "123456789012"] {
            assert_eq!(pin(digits).unwrap().expose_digits(), digits.as_bytes());
            assert_eq!(format!("{:?}", pin(digits).unwrap()), "Pin(masked)");
        }
        for refused in ["", "123", "1234567890123", "12a4", "１２３４"] {
            assert_eq!(pin(refused), Err(PinError), "{refused}");
        }
    }
}
