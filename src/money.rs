//! Money: an [`Amount`] counts minor units of one [`Currency`] (ISO 4217). No floating point, no silent overflow.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// The largest amount a message can carry: twelve digits (ISO 8583 field 4, EMV 9F02).
pub const MAX_MINOR: u64 = 999_999_999_999;

/// A sum of money in minor units (分 for CNY). Never negative; the transaction type says which way it flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    minor: u64,
    currency: Currency,
}

/// What makes a text or a number not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The text is not digits with at most one point.
    #[error("\"{0}\" is not an amount; write it like 12.34")]
    NotANumber(String),
    /// More decimals than the currency has.
    #[error("{currency} has {exponent} decimals, \"{text}\" has more")]
    TooFine {
        /// The text given.
        text: String,
        /// The currency asked for.
        currency: Currency,
        /// Decimals that currency has.
        exponent: u8,
    },
    /// More than twelve digits of minor units.
    #[error("the amount is larger than twelve digits can carry")]
    TooLarge,
    /// There is nothing to be paid.
    #[error("the amount must be more than nothing")]
    Nothing,
    /// Two currencies met in one sum.
    #[error("cannot add {0} and {1}")]
    CurrenciesDiffer(Currency, Currency),
    /// The result would be less than nothing.
    #[error("the result would be negative")]
    Negative,
}

impl Amount {
    /// An amount of `minor` units.
    ///
    /// # Errors
    /// [`AmountError::TooLarge`] beyond [`MAX_MINOR`].
    pub fn new(minor: u64, currency: Currency) -> Result<Self, AmountError> {
        if minor > MAX_MINOR { Err(AmountError::TooLarge) } else { Ok(Self { minor, currency }) }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Reads what a person writes: `12`, `12.3`, `12.34`.
    ///
    /// # Errors
    /// When the text is not a number, is finer than the currency, or too large.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, AmountError> {
        let not_a_number = || AmountError::NotANumber(text.to_owned());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || text.ends_with('.') {
            return Err(not_a_number());
        }
        let exponent = usize::from(currency.exponent());
        if fraction.len() > exponent {
            return Err(AmountError::TooFine { text: text.to_owned(), currency, exponent: currency.exponent() });
        }
        let minor = format!("{whole}{fraction:0<exponent$}");
        let significant = minor.trim_start_matches('0');
        if significant.len() > 12 {
            return Err(AmountError::TooLarge);
        }
        Self::new(if significant.is_empty() { 0 } else { significant.parse().map_err(|_| not_a_number())? }, currency)
    }

    /// The count of minor units.
    pub const fn minor(self) -> u64 {
        self.minor
    }

    /// Whose minor units they are.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// True for nothing at all.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The sum of two amounts.
    ///
    /// # Errors
    /// When the currencies differ or the sum is too large.
    pub fn checked_add(self, other: Self) -> Result<Self, AmountError> {
        self.same_currency(other)?;
        Self::new(self.minor.checked_add(other.minor).ok_or(AmountError::TooLarge)?, self.currency)
    }

    /// What is left of `self` without `other`.
    ///
    /// # Errors
    /// When the currencies differ or nothing would be left over and more.
    pub fn checked_sub(self, other: Self) -> Result<Self, AmountError> {
        self.same_currency(other)?;
        Self::new(self.minor.checked_sub(other.minor).ok_or(AmountError::Negative)?, self.currency)
    }

    /// Twelve digits, zero-filled: field 4 of ISO 8583 and the value of EMV 9F02.
    pub fn twelve_digits(self) -> String {
        format!("{:012}", self.minor)
    }

    /// Digits and point without sign, as people read it: `1,234.50`.
    pub fn grouped(self) -> String {
        let plain = self.to_string();
        let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), None), |(w, f)| (w, Some(f)));
        let mut grouped = String::with_capacity(plain.len() + 4);
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        if let Some(fraction) = fraction {
            grouped.push('.');
            grouped.push_str(fraction);
        }
        grouped
    }

    /// With the currency's sign, for screen and paper: `￥12.34`.
    pub fn signed(self) -> String {
        format!("{}{}", self.currency.sign(), self.grouped())
    }

    fn same_currency(self, other: Self) -> Result<(), AmountError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(AmountError::CurrenciesDiffer(self.currency, other.currency))
        }
    }
}

/// Plain digits with the currency's decimals: `12.34`, `500` (JPY).
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = u32::from(self.currency.exponent());
        if exponent == 0 {
            return write!(f, "{}", self.minor);
        }
        let unit = 10_u64.pow(exponent);
        write!(f, "{}.{:0width$}", self.minor / unit, self.minor % unit, width = exponent as usize)
    }
}

/// A currency of `assets/currencies.toml`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    alphabetic: [u8; 3],
    numeric: u16,
    exponent: u8,
}

/// A currency code that `assets/currencies.toml` does not list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown currency \"{0}\"; known are: {known}", known = Currency::codes())]
pub struct UnknownCurrency(pub String);

#[derive(serde::Deserialize)]
struct CurrencyEntry {
    numeric: u16,
    exponent: u8,
    sign: String,
    notes: Vec<u64>,
}

impl Currency {
    /// Renminbi, the currency of a terminal that is told nothing else.
    pub const CNY: Self = Self { alphabetic: *b"CNY", numeric: 156, exponent: 2 };

    /// The currency of an ISO 4217 numeric code (EMV 5F2A, field 49).
    pub fn from_numeric(numeric: u16) -> Option<Self> {
        table().iter().find(|(_, entry)| entry.numeric == numeric).map(|(code, entry)| Self::of(code, entry))
    }

    /// Three capital letters.
    pub fn code(&self) -> &str {
        // Built from a three-letter key of the table or a constant, so it is always valid text.
        std::str::from_utf8(&self.alphabetic).unwrap_or("???")
    }

    /// ISO 4217 numeric code.
    pub const fn numeric(self) -> u16 {
        self.numeric
    }

    /// Digits after the decimal point.
    pub const fn exponent(self) -> u8 {
        self.exponent
    }

    /// The sign that stands before an amount.
    pub fn sign(self) -> &'static str {
        table().get(self.code()).map_or("", |entry| entry.sign.as_str())
    }

    /// The notes that customers pay with, in minor units, the smallest first.
    pub fn notes(self) -> &'static [u64] {
        table().get(self.code()).map_or(&[], |entry| entry.notes.as_slice())
    }

    fn of(code: &str, entry: &CurrencyEntry) -> Self {
        let mut alphabetic = [b'?'; 3];
        for (to, from) in alphabetic.iter_mut().zip(code.bytes()) {
            *to = from;
        }
        Self { alphabetic, numeric: entry.numeric, exponent: entry.exponent }
    }

    fn codes() -> String {
        table().keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let code = text.to_ascii_uppercase();
        table().get(&code).map(|entry| Self::of(&code, entry)).ok_or_else(|| UnknownCurrency(text.to_owned()))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

fn table() -> &'static BTreeMap<String, CurrencyEntry> {
    static TABLE: OnceLock<BTreeMap<String, CurrencyEntry>> = OnceLock::new();
    // The file is part of the program; `the_table_is_readable` proves that it parses.
    TABLE.get_or_init(|| toml::from_str(include_str!("../assets/currencies.toml")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_readable() {
        assert!(table().len() >= 10);
        assert_eq!("cny".parse(), Ok(Currency::CNY));
        assert_eq!(Currency::from_numeric(156), Some(Currency::CNY));
        for (code, entry) in table() {
            let rising = entry.notes.windows(2).all(|two| two[0] < two[1]);
            assert!(rising && entry.notes.len() >= 3 && entry.notes[0] > 0, "the notes of {code}");
        }
        assert!("XXX".parse::<Currency>().unwrap_err().to_string().contains("CNY"));
    }

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, minor) in
            [("12.34", 1234), ("12.3", 1230), ("12", 1200), ("0.01", 1), ("0", 0), ("9999999999.99", MAX_MINOR)]
        {
            assert_eq!(Amount::parse(text, Currency::CNY).map(Amount::minor), Ok(minor), "{text}");
        }
        let jpy = "JPY".parse().unwrap();
        assert_eq!(Amount::parse("500", jpy).unwrap().to_string(), "500");
        let kwd = "KWD".parse().unwrap();
        assert_eq!(Amount::parse("1.5", kwd).unwrap().to_string(), "1.500");
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for text in ["", ".", "1.", ".5", "-1", "1,000", "1e3", "１２", "12.34.5", " 1"] {
            assert!(matches!(Amount::parse(text, Currency::CNY), Err(AmountError::NotANumber(_))), "{text}");
        }
        assert!(matches!(Amount::parse("1.234", Currency::CNY), Err(AmountError::TooFine { .. })));
        assert_eq!(Amount::parse("10000000000.00", Currency::CNY), Err(AmountError::TooLarge));
        assert_eq!(Amount::parse("99999999999999999999999", Currency::CNY), Err(AmountError::TooLarge));
    }

    #[test]
    fn sums_never_wrap_or_mix() {
        let one = Amount::new(1, Currency::CNY).unwrap();
        let most = Amount::new(MAX_MINOR, Currency::CNY).unwrap();
        assert_eq!(most.checked_add(one), Err(AmountError::TooLarge));
        assert_eq!(one.checked_sub(most), Err(AmountError::Negative));
        let yen = Amount::new(1, "JPY".parse().unwrap()).unwrap();
        assert!(matches!(one.checked_add(yen), Err(AmountError::CurrenciesDiffer(..))));
    }

    #[test]
    fn shown_with_sign_and_groups() {
        let amount = Amount::new(123_456_789, Currency::CNY).unwrap();
        assert_eq!(amount.signed(), "￥1,234,567.89");
        assert_eq!(amount.twelve_digits(), "000123456789");
        assert_eq!(Amount::zero(Currency::CNY).signed(), "￥0.00");
    }
}
