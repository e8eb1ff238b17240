//! What a shop sells.

use std::fmt;
use std::str::FromStr;

use super::Barcode;
use super::words;
use crate::money::{Amount, Currency};
use crate::wording::Language;

/// Characters of a name at most.
const LONGEST_NAME: usize = 60;

/// Characters of a category at most.
const LONGEST_CATEGORY: usize = 20;

/// Barcodes of one good at most.
pub const MOST_BARCODES: usize = 16;

/// One of the things a shop sells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Good {
    /// The shop's own number for it.
    pub number: GoodNumber,
    /// What stands on the receipt.
    pub name: GoodName,
    /// What stands on the thing; several, where it comes from several makers or in several packings.
    pub barcodes: Vec<Barcode>,
    /// Of one [`Unit`], with tax.
    pub price: Amount,
    /// What the price is of.
    pub unit: Unit,
    /// What of the price is tax.
    pub tax_rate: TaxRate,
    /// Where it is found.
    pub category: Category,
    /// Whether it is at hand on the keypad.
    pub favourite: bool,
}

/// What is none of what a good has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GoodError {
    /// A number.
    #[error("\"{0}\" is no number of a good: it is 1 to 99999999")]
    Number(String),
    /// A name.
    #[error("\"{0}\" is no name: it has 1 to {LONGEST_NAME} characters, and none that cannot be printed")]
    Name(String),
    /// A category.
    #[error("\"{0}\" is no category: it has at most {LONGEST_CATEGORY} characters, and none that cannot be printed")]
    Category(String),
    /// A unit.
    #[error("the unit \"{0}\" is not known; known are: {known}", known = words::units())]
    Unit(String),
    /// A tax rate.
    #[error("\"{0}\" is no tax rate: write it like 13%, at most 100% and to the hundredth of a percent")]
    TaxRate(String),
    /// A quantity.
    #[error("\"{0}\" is no quantity; write pieces like 3 and kilograms like 0.532, at most {most}", most = Quantity::MOST)]
    Quantity(String),
}

/// The shop's own number for a good. It has no zeros in front, which a spreadsheet would lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GoodNumber(u32);

impl GoodNumber {
    /// The largest.
    pub const MAX: u32 = 99_999_999;

    /// A number from 1 to [`GoodNumber::MAX`].
    ///
    /// # Errors
    /// When it is none.
    pub fn new(number: u32) -> Result<Self, GoodError> {
        if (1..=Self::MAX).contains(&number) { Ok(Self(number)) } else { Err(GoodError::Number(number.to_string())) }
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl FromStr for GoodNumber {
    type Err = GoodError;

    fn from_str(text: &str) -> Result<Self, GoodError> {
        let wrong = || GoodError::Number(text.to_owned());
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        text.parse().map_err(|_| wrong()).and_then(|number| Self::new(number).map_err(|_| wrong()))
    }
}

impl fmt::Display for GoodNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What stands on the receipt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GoodName(String);

impl GoodName {
    /// A name without the blanks around it.
    ///
    /// # Errors
    /// When it is empty, too long, or has characters that cannot be printed.
    pub fn parse(text: &str) -> Result<Self, GoodError> {
        let name = text.trim();
        if name.is_empty() || !can_be_printed(name, LONGEST_NAME) {
            return Err(GoodError::Name(shown(text)));
        }
        Ok(Self(name.to_owned()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GoodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a good is found; empty for one that is in none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Category(String);

impl Category {
    /// A category without the blanks around it.
    ///
    /// # Errors
    /// When it is too long, or has characters that cannot be printed.
    pub fn parse(text: &str) -> Result<Self, GoodError> {
        let name = text.trim();
        if !can_be_printed(name, LONGEST_CATEGORY) {
            return Err(GoodError::Category(shown(text)));
        }
        Ok(Self(name.to_owned()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn can_be_printed(text: &str, longest: usize) -> bool {
    text.chars().count() <= longest && !text.chars().any(|character| character.is_control() || character == '\u{FFFD}')
}

/// Enough of a text to find it by.
fn shown(text: &str) -> String {
    if text.chars().count() <= LONGEST_NAME {
        return text.to_owned();
    }
    text.chars().take(LONGEST_NAME).chain("...".chars()).collect()
}

/// What a price is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A piece.
    Piece,
    /// A kilogram.
    Kilogram,
    /// 500 grams, a jin (斤).
    Jin,
    /// 100 grams.
    HundredGrams,
}

impl Unit {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Piece, Self::Kilogram, Self::Jin, Self::HundredGrams];

    /// The word in tables and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Piece => "piece",
            Self::Kilogram => "kg",
            Self::Jin => "500g",
            Self::HundredGrams => "100g",
        }
    }

    /// The unit of a word, in whatever language people write it.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, GoodError> {
        words::unit(text).ok_or_else(|| GoodError::Unit(text.to_owned()))
    }

    /// What people call it.
    pub fn name(self, language: Language) -> &'static str {
        words::name_of(self, language)
    }

    /// How many grams it is of; nothing for a piece.
    pub const fn grams(self) -> Option<u32> {
        match self {
            Self::Piece => None,
            Self::Kilogram => Some(1000),
            Self::Jin => Some(500),
            Self::HundredGrams => Some(100),
        }
    }
}

/// How much of a good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// So many.
    Pieces(u32),
    /// So heavy.
    Grams(u32),
}

impl Quantity {
    /// Pieces, or grams, of one line at most.
    pub const MOST: u32 = 999_999;

    /// One of what is counted; of what is weighed, there is no such thing.
    pub const fn one_of(unit: Unit) -> Option<Self> {
        match unit {
            Unit::Piece => Some(Self::Pieces(1)),
            Unit::Kilogram | Unit::Jin | Unit::HundredGrams => None,
        }
    }

    /// Reads what a person writes: pieces like `3`, kilograms like `0.532`.
    ///
    /// # Errors
    /// When it is none, or more than a line can have.
    pub fn parse(text: &str, unit: Unit) -> Result<Self, GoodError> {
        let wrong = || GoodError::Quantity(text.to_owned());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 6 || !is_digits(whole) || !is_digits(fraction) || text.ends_with('.') {
            return Err(wrong());
        }
        let whole: u32 = whole.parse().map_err(|_| wrong())?;
        let quantity = match unit {
            Unit::Piece if fraction.is_empty() => Self::Pieces(whole),
            Unit::Kilogram | Unit::Jin | Unit::HundredGrams if fraction.len() <= 3 => {
                let grams: u32 = format!("{fraction:0<3}").parse().map_err(|_| wrong())?;
                Self::Grams(whole.checked_mul(1000).and_then(|whole| whole.checked_add(grams)).ok_or_else(wrong)?)
            }
            _ => return Err(wrong()),
        };
        if (1..=Self::MOST).contains(&quantity.count()) { Ok(quantity) } else { Err(wrong()) }
    }

    /// How many pieces or grams.
    pub const fn count(self) -> u32 {
        match self {
            Self::Pieces(count) | Self::Grams(count) => count,
        }
    }

    /// Whether it is of this unit.
    pub const fn is_of(self, unit: Unit) -> bool {
        matches!(self, Self::Pieces(_)) == matches!(unit, Unit::Piece)
    }
}

/// Pieces like `3`, kilograms like `0.532`.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pieces(count) => write!(f, "{count}"),
            Self::Grams(grams) => write!(f, "{}.{:03}", grams / 1000, grams % 1000),
        }
    }
}

/// What of a price is tax, in hundredths of a percent of the price without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaxRate(u16);

impl TaxRate {
    /// All of it: a hundred percent.
    const WHOLE: u16 = 10_000;

    /// A rate in hundredths of a percent.
    ///
    /// # Errors
    /// When it is more than a hundred percent.
    pub fn new(basis_points: u16) -> Result<Self, GoodError> {
        if basis_points <= Self::WHOLE {
            Ok(Self(basis_points))
        } else {
            Err(GoodError::TaxRate(basis_points.to_string()))
        }
    }

    /// Reads what people write, and what spreadsheets make of it: `13%`, `13` and `0.13` are the same.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, GoodError> {
        let wrong = || GoodError::TaxRate(text.to_owned());
        let (number, is_percent) = match text.strip_suffix(['%', '％']) {
            Some(number) => (number.trim_end(), true),
            None => (text, false),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 3 || !is_digits(whole) || !is_digits(fraction) || fraction.len() > 4 {
            return Err(wrong());
        }
        let whole: u32 = whole.parse().map_err(|_| wrong())?;
        let fraction: u32 = format!("{fraction:0<4}").parse().map_err(|_| wrong())?;
        let rate = match (whole, is_percent) {
            (0, false) => fraction,
            _ if fraction.is_multiple_of(100) => whole * 100 + fraction / 100,
            _ => return Err(wrong()),
        };
        u16::try_from(rate).map_err(|_| wrong()).and_then(|rate| Self::new(rate).map_err(|_| wrong()))
    }

    /// In hundredths of a percent.
    pub const fn basis_points(self) -> u16 {
        self.0
    }
}

/// As people write it: `13%`, `0.5%`.
impl fmt::Display for TaxRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}%"),
            (whole, part) if part % 10 == 0 => write!(f, "{whole}.{}%", part / 10),
            (whole, part) => write!(f, "{whole}.{part:02}%"),
        }
    }
}

impl Good {
    /// The currency of its price.
    pub const fn currency(&self) -> Currency {
        self.price.currency()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_and_without_zeros_in_front() {
        assert_eq!("00123".parse::<GoodNumber>().unwrap().to_string(), "123");
        for text in ["", "0", "000", "100000000", "12a", "-1", "+1", "1.0", "99999999999999"] {
            assert_eq!(text.parse::<GoodNumber>(), Err(GoodError::Number(text.to_owned())));
        }
    }

    #[test]
    fn names_can_be_printed() {
        assert_eq!(GoodName::parse(" 可口可乐 330ml ").unwrap().as_str(), "可口可乐 330ml");
        for text in ["", "  ", "a\nb", "a\u{1b}@b", "\u{FFFD}", &"长".repeat(61)] {
            assert!(GoodName::parse(text).is_err(), "{text:?}");
        }
        assert!(GoodName::parse(&"长".repeat(60)).is_ok());
        assert_eq!(Category::parse("").unwrap(), Category::default());
        assert!(Category::parse(&"长".repeat(21)).is_err());
    }

    #[test]
    fn quantities_are_pieces_or_kilograms_to_the_gram() {
        for (text, unit, quantity) in [
            ("3", Unit::Piece, Quantity::Pieces(3)),
            ("0.532", Unit::Kilogram, Quantity::Grams(532)),
            ("2", Unit::Jin, Quantity::Grams(2000)),
            ("0.5", Unit::HundredGrams, Quantity::Grams(500)),
            ("999.999", Unit::Kilogram, Quantity::Grams(999_999)),
        ] {
            assert_eq!(Quantity::parse(text, unit), Ok(quantity), "{text}");
            assert!(quantity.is_of(unit));
            assert_eq!(Quantity::parse(&quantity.to_string(), unit), Ok(quantity));
        }
        for (text, unit) in [
            ("0", Unit::Piece),
            ("1.5", Unit::Piece),
            ("1000000", Unit::Piece),
            ("", Unit::Piece),
            ("-1", Unit::Piece),
            ("0.000", Unit::Kilogram),
            ("0.5321", Unit::Kilogram),
            ("1000", Unit::Kilogram),
            (".5", Unit::Kilogram),
            ("5.", Unit::Kilogram),
        ] {
            assert!(Quantity::parse(text, unit).is_err(), "{text} {unit:?}");
        }
    }

    #[test]
    fn tax_rates_are_read_as_people_and_spreadsheets_write_them() {
        for (text, rate) in [
            ("13%", 1300),
            ("13", 1300),
            ("0.13", 1300),
            ("13.00 %", 1300),
            ("0.5%", 50),
            ("0.005", 50),
            ("0", 0),
            ("1", 100),
            ("100%", 10_000),
            ("9.25%", 925),
        ] {
            assert_eq!(TaxRate::parse(text).map(TaxRate::basis_points), Ok(rate), "{text}");
        }
        for text in ["", "%", "101", "13,5", "-1", "9.255%", "a", "1000"] {
            assert!(TaxRate::parse(text).is_err(), "{text}");
        }
        for rate in 0..=10_000 {
            let rate = TaxRate::new(rate).unwrap();
            assert_eq!(TaxRate::parse(&rate.to_string()), Ok(rate));
        }
    }

    #[test]
    fn every_unit_is_known_by_its_word_and_by_what_people_call_it() {
        for unit in Unit::ALL {
            for name in [unit.word(), unit.name(Language::Chinese), unit.name(Language::English)] {
                assert_eq!(Unit::parse(name), Ok(unit), "{name}");
            }
        }
        assert_eq!(Unit::parse("瓶"), Ok(Unit::Piece));
        assert_eq!(Unit::parse("公斤"), Ok(Unit::Kilogram));
        assert_eq!(Unit::parse("KG"), Ok(Unit::Kilogram));
        let said = Unit::parse("parsec").unwrap_err().to_string();
        assert!(said.starts_with("the unit \"parsec\" is not known; known are: ") && said.contains("斤"), "{said}");
    }
}
