//! A card whose number and expiry a person has typed.

use std::fmt;

use super::{CardNumberError, Pan};

/// Number and expiry, as they stand on the card. The code behind it (CVN2) is never asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct TypedCard {
    /// The number, with the right check digit.
    pub pan: Pan,
    /// Year and month, packed: `[0x30, 0x12]`.
    pub expiry: [u8; 2],
}

impl TypedCard {
    /// Reads the number, and the expiry as it stands on cards: month and year, four digits.
    ///
    /// # Errors
    /// When the number is none or its check digit is wrong, or there is no such month.
    pub fn parse(number: &str, month_and_year: &str) -> Result<Self, CardNumberError> {
        let pan = Pan::parse(number)?;
        let digits = Some(month_and_year.as_bytes()).filter(|digits| digits.iter().all(u8::is_ascii_digit));
        let Some([m1, m2, y1, y2]) = digits.and_then(|digits| <[u8; 4]>::try_from(digits).ok()) else {
            return Err(CardNumberError::Expiry);
        };
        let packed = |tens: u8, ones: u8| (tens - b'0') << 4 | (ones - b'0');
        let month = packed(m1, m2);
        if !matches!(month, 0x01..=0x09 | 0x10..=0x12) {
            return Err(CardNumberError::Expiry);
        }
        Ok(Self { pan, expiry: [packed(y1, y2), month] })
    }
}

/// The expiry is not shown: with the number it is enough to pay somewhere.
impl fmt::Debug for TypedCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypedCard({})", self.pan.truncated())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_needs_its_check_digit_and_an_expiry_its_month() {
        let card = TypedCard::parse("4111111111111111", "1230").unwrap();
        assert_eq!((card.pan.expose_digits(), card.expiry), ("4111111111111111", [0x30, 0x12]));
        assert_eq!(TypedCard::parse("4111111111111111", "0930").unwrap().expiry, [0x30, 0x09]);
        assert_eq!(TypedCard::parse("4111111111111112", "1230"), Err(CardNumberError::CheckDigit));
        assert_eq!(TypedCard::parse("41111", "1230"), Err(CardNumberError::Length(5)));
        for expiry in ["", "1330", "0030", "123", "12300", "1a30", "１２30"] {
            assert_eq!(TypedCard::parse("4111111111111111", expiry), Err(CardNumberError::Expiry), "{expiry}");
        }
        assert_eq!(format!("{card:?}"), "TypedCard(411111******1111)");
    }
}
