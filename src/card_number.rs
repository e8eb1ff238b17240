//! The card's number and track, in types that mask themselves and are wiped when dropped.
//!
//! The one form in which a number may be shown or stored is [`Pan::truncated`]: first six, last four
//! (PCI DSS 4.0, 3.4.1). The clear digits are reached only by `expose_*`, which a reader of the code can search for.

mod service_code;
mod stripe;
mod typed;

use std::fmt;

use zeroize::Zeroizing;

pub use self::service_code::{PinDemand, ServiceCode};
pub use self::stripe::{StripeError, Swipe, Track3};
pub use self::typed::TypedCard;

/// A primary account number: 12 to 19 digits (ISO/IEC 7812-1). Typed by people it needs its check digit; a chip's is taken
/// as it is, EMV asks for none.
#[derive(Clone, PartialEq, Eq)]
pub struct Pan(Zeroizing<String>);

/// Track 2, of a stripe or as a chip says it: number, expiry, service code and the issuer's own digits (EMV 57, ISO/IEC 7813).
#[derive(Clone, PartialEq, Eq)]
pub struct Track2(Zeroizing<String>);

/// What makes digits not a card number or a track. The digits themselves are never part of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardNumberError {
    /// Not 12 to 19 digits.
    #[error("a card number has 12 to 19 digits, this has {0}")]
    Length(usize),
    /// Something else than decimal digits.
    #[error("a card number consists of digits only")]
    NotDigits,
    /// The last digit does not fit the others.
    #[error("the card number's check digit is wrong")]
    CheckDigit,
    /// A track without `D`/`=` or with less than expiry and service code behind it.
    #[error("track 2 does not hold number, separator, expiry and service code")]
    Track,
    /// No month and year.
    #[error("the expiry is not a month and a year, four digits as on the card: MMYY")]
    Expiry,
}

impl Pan {
    /// Reads decimal digits.
    ///
    /// # Errors
    /// When it is not 12 to 19 digits, or the check digit (Luhn, ISO/IEC 7812-1 annex B) is wrong.
    pub fn parse(digits: &str) -> Result<Self, CardNumberError> {
        let number = Self::of_digits(digits)?;
        if luhn(digits) { Ok(number) } else { Err(CardNumberError::CheckDigit) }
    }

    /// Reads decimal digits of a number that a chip gave: they need no check digit.
    ///
    /// # Errors
    /// When it is not 12 to 19 digits.
    pub fn of_digits(digits: &str) -> Result<Self, CardNumberError> {
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(CardNumberError::NotDigits);
        }
        if !(12..=19).contains(&digits.len()) {
            return Err(CardNumberError::Length(digits.len()));
        }
        Ok(Self(Zeroizing::new(digits.to_owned())))
    }

    /// Reads compressed numeric bytes padded with F (EMV 5A).
    ///
    /// # Errors
    /// When it is not 12 to 19 digits.
    pub fn from_compressed(bytes: &[u8]) -> Result<Self, CardNumberError> {
        let nibbles = hex_digits(bytes);
        Self::of_digits(nibbles.trim_end_matches('F'))
    }

    /// First six and last four digits, the rest as stars: `622848******1236`.
    pub fn truncated(&self) -> String {
        let (digits, length) = (&*self.0, self.0.len());
        format!("{}{}{}", &digits[..6], "*".repeat(length - 10), &digits[length - 4..])
    }

    /// The clear digits, for a message to the acquirer or a computation only.
    pub fn expose_digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pan({})", self.truncated())
    }
}

/// What is known of the card of an earlier transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownPan {
    /// Its number.
    Whole(Pan),
    /// First six and last four digits, the rest as stars: the key of the number was destroyed with its batch.
    Truncated(String),
}

impl KnownPan {
    /// Whether this is that card, as far as anybody here can still tell.
    pub fn is_of(&self, pan: &Pan) -> bool {
        match self {
            Self::Whole(known) => known == pan,
            Self::Truncated(known) => *known == pan.truncated(),
        }
    }

    /// The number, where it is known.
    pub const fn whole(&self) -> Option<&Pan> {
        match self {
            Self::Whole(pan) => Some(pan),
            Self::Truncated(_) => None,
        }
    }

    /// First six and last four digits.
    pub fn truncated(&self) -> String {
        match self {
            Self::Whole(pan) => pan.truncated(),
            Self::Truncated(known) => known.clone(),
        }
    }
}

impl From<Pan> for KnownPan {
    fn from(pan: Pan) -> Self {
        Self::Whole(pan)
    }
}

impl Track2 {
    /// Reads the packed form of EMV 57: nibbles, separator `D`, padding `F`.
    ///
    /// # Errors
    /// When number, separator, expiry (4) and service code (3) are not all there.
    pub fn from_packed(bytes: &[u8]) -> Result<Self, CardNumberError> {
        let nibbles = hex_digits(bytes);
        let text = nibbles.trim_end_matches('F');
        let (number, rest) = text.split_once('D').ok_or(CardNumberError::Track)?;
        if rest.len() < 7 || !rest.bytes().all(|b| b.is_ascii_digit()) {
            return Err(CardNumberError::Track);
        }
        Pan::of_digits(number)?;
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The number that stands before the separator.
    ///
    /// # Errors
    /// Never for a track that was read by this type; the parse is repeated rather than trusted.
    pub fn pan(&self) -> Result<Pan, CardNumberError> {
        Pan::of_digits(self.0.split('D').next().unwrap_or(""))
    }

    /// Year and month, packed: `[0x30, 0x12]`. Zeros for a track that is none, which this type cannot be.
    pub fn expiry(&self) -> [u8; 2] {
        let digits = self.behind_separator().get(..4).unwrap_or("0000").as_bytes();
        let packed = |at: usize| digits.get(at..at + 2).map_or(0, |pair| (pair[0] & 15) << 4 | (pair[1] & 15));
        [packed(0), packed(2)]
    }

    /// Where and how the card is used.
    pub fn service_code(&self) -> Option<ServiceCode> {
        ServiceCode::parse(self.behind_separator().get(4..7)?)
    }

    fn behind_separator(&self) -> &str {
        self.0.split_once('D').map_or("", |(_, rest)| rest)
    }

    /// Digits with `D` as separator, for field 35 only.
    pub fn expose_digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Track2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Track2(masked)")
    }
}

/// The check digit rule of ISO/IEC 7812-1 annex B.
pub fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(index, byte)| {
            let digit = u32::from(byte.wrapping_sub(b'0'));
            match (index % 2, digit * 2) {
                (0, _) => digit,
                (_, doubled) if doubled > 9 => doubled - 9,
                (_, doubled) => doubled,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn hex_digits(bytes: &[u8]) -> Zeroizing<String> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    // The place is reserved at once: a text that grows leaves copies behind that nobody wipes.
    let mut digits = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    digits.extend(bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| DIGITS[usize::from(half)] as char));
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST_NUMBER: &str = "6228480000000001230";

    #[test]
    fn a_card_is_told_from_others_by_its_number_or_by_what_is_left_of_it() {
        let pan = Pan::of_digits(TEST_NUMBER).unwrap();
        let (whole, left) = (KnownPan::from(pan.clone()), KnownPan::Truncated(pan.truncated()));
        let differs_in_the_middle = Pan::of_digits("6228480000009991230").unwrap();
        let differs_at_the_end = Pan::of_digits("6228480000000001231").unwrap();
        let shorter = Pan::of_digits("622848000000001230").unwrap();
        for (card, is_whole, is_left) in [
            (&pan, true, true),
            (&differs_in_the_middle, false, true),
            (&differs_at_the_end, false, false),
            (&shorter, false, false),
        ] {
            assert_eq!((whole.is_of(card), left.is_of(card)), (is_whole, is_left), "{card:?}");
        }
        assert_eq!((whole.whole(), left.whole()), (Some(&pan), None));
        assert_eq!(whole.truncated(), left.truncated());
    }

    #[test]
    fn a_number_needs_its_check_digit() {
        assert!(Pan::parse("4111111111111111").is_ok());
        assert_eq!(Pan::parse("4111111111111112"), Err(CardNumberError::CheckDigit));
        assert_eq!(Pan::parse("41111"), Err(CardNumberError::Length(5)));
        assert_eq!(Pan::parse("4111 1111 1111 1111"), Err(CardNumberError::NotDigits));
    }

    #[test]
    fn debug_never_shows_the_middle() {
        let pan = Pan::parse("4111111111111111").unwrap();
        assert_eq!(format!("{pan:?}"), "Pan(411111******1111)");
        let track =
            Track2::from_packed(&[0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0xD3, 0x01, 0x22, 0x01, 0x1F])
                .unwrap();
        assert_eq!(format!("{track:?}"), "Track2(masked)");
        assert_eq!(track.pan().unwrap(), pan);
    }

    #[test]
    fn odd_numbers_are_padded_with_f() {
        let mut packed = Vec::new();
        let padded = format!("{TEST_NUMBER}F");
        for pair in padded.as_bytes().chunks(2) {
            packed.push(u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
        }
        assert_eq!(Pan::from_compressed(&packed).unwrap().expose_digits(), TEST_NUMBER);
    }

    #[test]
    fn a_chip_needs_no_check_digit_and_may_pad_further() {
        let pan = Pan::from_compressed(&[0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x12, 0xFF, 0xFF]).unwrap();
        assert_eq!(pan.expose_digits(), "4111111111111112");
        let track = [0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x12, 0xD3, 0x01, 0x22, 0x01, 0xFF, 0xFF];
        assert_eq!(Track2::from_packed(&track).unwrap().pan().unwrap(), pan);
    }

    #[test]
    fn a_track_needs_all_its_parts() {
        assert_eq!(Track2::from_packed(&[0x41, 0x11]), Err(CardNumberError::Track));
        assert_eq!(Track2::from_packed(&[]), Err(CardNumberError::Track));
    }
}
