//! Barcodes of goods: EAN-8, UPC-A, EAN-13 and the fourteen digits of a case (GS1 General Specifications 7.9).

use std::fmt;
use std::str::FromStr;

/// Digits of the longest.
const LONGEST: usize = 14;

/// Digits of the shortest.
const SHORTEST: usize = 8;

/// A number under a barcode, with a check digit that is right. Zeros in front do not count: a UPC-A is the EAN-13 that
/// begins with one, and spreadsheets lose them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Barcode(u64);

/// What is no barcode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BarcodeError {
    /// Not digits.
    #[error("\"{0}\" is no barcode: it has digits only")]
    NotDigits(String),
    /// A spreadsheet has shortened it.
    #[error(
        "\"{0}\" was shortened by a spreadsheet, and its last digits are lost: format the column as text and enter it again"
    )]
    Shortened(String),
    /// Not as many digits as a barcode has.
    #[error("\"{0}\" is no barcode: it has 8, 12, 13 or 14 digits")]
    Length(String),
    /// A digit is wrong.
    #[error("the barcode {0} is mistyped: its last digit would be {1}")]
    CheckDigit(String, u8),
}

impl Barcode {
    /// Its digits as one number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// What was made of a barcode before.
    ///
    /// # Errors
    /// When it is none.
    pub fn of_number(number: u64) -> Result<Self, BarcodeError> {
        format!("{number:0>SHORTEST$}").parse()
    }
}

impl FromStr for Barcode {
    type Err = BarcodeError;

    fn from_str(text: &str) -> Result<Self, BarcodeError> {
        if is_shortened(text) {
            return Err(BarcodeError::Shortened(text.to_owned()));
        }
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BarcodeError::NotDigits(text.to_owned()));
        }
        let length = || BarcodeError::Length(text.to_owned());
        if !(SHORTEST..=LONGEST).contains(&text.len()) {
            return Err(length());
        }
        let number: u64 = text.parse().map_err(|_| length())?;
        let right = check_digit(number / 10);
        if number == 0 || u64::from(right) != number % 10 {
            return Err(BarcodeError::CheckDigit(text.to_owned(), right));
        }
        Ok(Self(number))
    }
}

/// Eight digits, thirteen, or the fourteen of a case.
impl fmt::Display for Barcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.0 < 100_000_000 { 8 } else { 13 };
        write!(f, "{:0>digits$}", self.0)
    }
}

/// The digit that stands behind these: from the right, every other one counts three times.
pub(super) fn check_digit(mut digits: u64) -> u8 {
    let (mut sum, mut weight) = (0, 3);
    while digits > 0 {
        sum += digits % 10 * weight;
        digits /= 10;
        weight = 4 - weight;
    }
    // Between 0 and 9.
    ((10 - sum % 10) % 10) as u8
}

/// As a spreadsheet writes a long number: `6.90123E+12`.
fn is_shortened(text: &str) -> bool {
    let Some((digits, exponent)) = text.split_once(['E', 'e']) else { return false };
    let number = |text: &str, more: char| {
        !text.is_empty() && text.chars().all(|character| character.is_ascii_digit() || character == more)
    };
    number(digits, '.') && number(exponent, '+')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn barcodes_are_read_with_their_check_digits() {
        for (text, shown) in [
            ("96385074", "96385074"),
            ("4006381333931", "4006381333931"),
            ("036000291452", "0036000291452"),
            ("0036000291452", "0036000291452"),
            ("36000291452", "0036000291452"),
            ("10012345678902", "10012345678902"),
            ("6901028075763", "6901028075763"),
        ] {
            let barcode: Barcode = text.parse().unwrap();
            assert_eq!(barcode.to_string(), shown, "{text}");
            assert_eq!(shown.parse(), Ok(barcode));
            assert_eq!(Barcode::of_number(barcode.number()), Ok(barcode));
        }
    }

    #[test]
    fn what_is_no_barcode_is_refused_and_says_why() {
        for (text, said) in [
            ("", "\"\" is no barcode: it has digits only"),
            ("40063813x3931", "\"40063813x3931\" is no barcode: it has digits only"),
            ("６９０１０２８０７５７６３", "\"６９０１０２８０７５７６３\" is no barcode: it has digits only"),
            ("1234567", "\"1234567\" is no barcode: it has 8, 12, 13 or 14 digits"),
            ("123456789012345", "\"123456789012345\" is no barcode: it has 8, 12, 13 or 14 digits"),
            ("4006381333932", "the barcode 4006381333932 is mistyped: its last digit would be 1"),
            ("00000000", "the barcode 00000000 is mistyped: its last digit would be 0"),
            (
                "6.90103E+12",
                "\"6.90103E+12\" was shortened by a spreadsheet, and its last digits are lost: format the column as text and \
                 enter it again",
            ),
        ] {
            assert_eq!(text.parse::<Barcode>().unwrap_err().to_string(), said);
        }
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_always_found(digits in 1_u64..1_000_000_000_000, place in 0_u32..13, other in 1_u64..10) {
            let number = digits * 10 + u64::from(check_digit(digits));
            let text = format!("{number:013}");
            prop_assert!(text.parse::<Barcode>().is_ok());
            let unit = 10_u64.pow(place);
            let digit = number / unit % 10;
            let wrong = number - digit * unit + (digit + other) % 10 * unit;
            let said = format!("{wrong:013}").parse::<Barcode>();
            prop_assert!(matches!(said, Err(BarcodeError::CheckDigit(..))), "{number} as {wrong}");
        }
    }
}
