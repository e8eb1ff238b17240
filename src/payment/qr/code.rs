//! The code that a customer shows. Whoever has it can charge the customer, once and for a minute: it is masked, and wiped.

use std::fmt;

use zeroize::Zeroizing;

/// Shortest and longest: a wallet's number; an EMV code as text (EMV QRCPS Consumer-Presented Mode, 3).
const LENGTHS: std::ops::RangeInclusive<usize> = 10..=512;

/// Digits at the end that may be shown and told.
const TAIL: usize = 6;

/// A code as it was scanned.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentCode(Zeroizing<String>);

/// What was scanned is no code to pay with. It is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "that is no payment code: it has {0} characters, or one that no such code has; ask for the customer's payment code"
)]
pub struct CodeError(usize);

impl PaymentCode {
    /// Reads what a scanner typed.
    ///
    /// # Errors
    /// When it is too short, too long, or not of letters, digits and the signs of base64.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
        if LENGTHS.contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err(CodeError(text.len()))
        }
    }

    /// The whole code, for the request and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The last six characters, which may be written down.
    pub fn tail(&self) -> String {
        self.0.get(self.0.len() - TAIL..).unwrap_or_default().to_owned()
    }
}

/// Masked.
impl fmt::Debug for PaymentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PaymentCode(*{})", self.tail())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_and_masked() {
        for good in ["281234567890123456", "hQVDUFYwMWETTwegAAAABhABUAdQUk9EVUNU"] {
            let code = PaymentCode::parse(good).unwrap();
            assert_eq!(code.expose(), good);
            assert!(!format!("{code:?}").contains(&good[..10]), "{code:?}");
            assert_eq!(code.tail(), good[good.len() - 6..]);
        }
        for bad in ["", "123456789", "28123456789012345\n", "支付码支付码支付码", &"1".repeat(513)] {
            let error = PaymentCode::parse(bad).unwrap_err();
            assert_eq!(error, CodeError(bad.len()));
        }
    }
}
