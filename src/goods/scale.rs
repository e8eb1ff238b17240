//! Barcodes that a shop's own scales print: which digits are the good, its weight or its price. Every shop sets its scales as it
//! likes (numbers that begin with 2 are free for that), so it is data.

use super::barcode::check_digit;
use super::{GoodNumber, Quantity};

/// Digits of a barcode of a scale: EAN-13, or the eighteen digits that carry weight and price.
const LENGTHS: [usize; 2] = [13, 18];

/// Which digits are what: `21AAAAAWWWWWC`.
///
/// Digits stand for themselves; `A` is the number of the good, `W` its weight in grams, `P` its price in minor units, `X` something
/// else, and `C` the check digit.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(String);

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        Self::parse(&text)
    }
}

/// A pattern that says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Not as many signs as such a barcode has digits.
    #[error("\"{0}\" has neither 13 nor 18 signs; write it like 21AAAAAWWWWWC")]
    Length(String),
    /// A sign without a meaning.
    #[error(
        "\"{0}\" has a \"{1}\"; there are digits, A (good), W (weight in grams), P (price), X (anything) and C (check digit)"
    )]
    Sign(String, char),
    /// Nothing would tell it from the barcode of a maker.
    #[error("\"{0}\" does not begin with a 2: a scale's barcode would be taken for a maker's")]
    Prefix(String),
    /// It does not say what is sold, or how much.
    #[error("\"{0}\" needs A (good), and W (weight) or P (price), each in one piece of at most eight digits")]
    Incomplete(String),
    /// The check digit is not the last one.
    #[error("\"{0}\" does not end with its only C, the check digit")]
    CheckDigit(String),
}

/// What a scale has printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Which good.
    pub number: GoodNumber,
    /// How heavy it is, where that stands on it.
    pub weight: Option<Quantity>,
    /// What it costs in minor units, where that stands on it: then this is what is paid.
    pub price: Option<u64>,
}

impl Pattern {
    /// Takes a pattern.
    ///
    /// # Errors
    /// When it says nothing.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let own = || text.to_owned();
        if let Some(sign) = text.chars().find(|sign| !matches!(sign, '0'..='9' | 'A' | 'W' | 'P' | 'X' | 'C')) {
            return Err(PatternError::Sign(own(), sign));
        }
        if !LENGTHS.contains(&text.len()) {
            return Err(PatternError::Length(own()));
        }
        if !text.starts_with('2') {
            return Err(PatternError::Prefix(own()));
        }
        if text.find('C') != Some(text.len() - 1) {
            return Err(PatternError::CheckDigit(own()));
        }
        let pattern = Self(own());
        let part = |sign: char| {
            let length = text.matches(sign).count();
            let is_whole = text.contains(&sign.to_string().repeat(length)) && length <= 8;
            is_whole.then_some(length)
        };
        match (part('A'), part('W'), part('P')) {
            (Some(number), Some(weight), Some(price)) if number > 0 && weight + price > 0 => Ok(pattern),
            _ => Err(PatternError::Incomplete(own())),
        }
    }

    /// What stands on a label, when it is one of this pattern.
    fn read(&self, digits: &str) -> Option<Label> {
        if digits.len() != self.0.len() {
            return None;
        }
        let fits = self.0.bytes().zip(digits.bytes()).all(|(sign, digit)| !sign.is_ascii_digit() || sign == digit);
        if !fits {
            return None;
        }
        let part = |sign: char| {
            let from = self.0.find(sign)?;
            let length = self.0.matches(sign).count();
            digits.get(from..from + length)?.parse::<u32>().ok()
        };
        let number = GoodNumber::new(part('A')?).ok()?;
        // A label without weight or price is of an empty scale.
        let weight = match part('W') {
            Some(grams) if (1..=Quantity::MOST).contains(&grams) => Some(Quantity::Grams(grams)),
            Some(_) => return None,
            None => None,
        };
        let price = match part('P') {
            Some(0) => return None,
            price => price.map(u64::from),
        };
        Some(Label { number, weight, price })
    }
}

/// What stands on a scale's label: by the first pattern that fits. Nothing, when it is none, or was read wrongly.
pub fn read_label(patterns: &[Pattern], digits: &str) -> Option<Label> {
    let (front, last) = digits.split_at_checked(digits.len().checked_sub(1)?)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || last != check_digit(front.parse().ok()?).to_string() {
        return None;
    }
    patterns.iter().find_map(|pattern| pattern.read(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| Pattern::parse(text).unwrap()).collect()
    }

    fn with_check_digit(front: &str) -> String {
        format!("{front}{}", check_digit(front.parse().unwrap()))
    }

    #[test]
    fn a_label_says_what_is_sold_and_how_much() {
        let patterns = patterns(&["21AAAAAWWWWWC", "22AAAAAPPPPPC", "23AAAAXPPPPPC", "28AAAAAPPPPPWWWWWC"]);
        let label = |front: &str| read_label(&patterns, &with_check_digit(front));
        let number = |number| GoodNumber::new(number).unwrap();
        let grams = |grams| Some(Quantity::Grams(grams));
        assert_eq!(label("210012300532"), Some(Label { number: number(123), weight: grams(532), price: None }));
        assert_eq!(label("220012301650"), Some(Label { number: number(123), weight: None, price: Some(1650) }));
        assert_eq!(label("230123901650"), Some(Label { number: number(123), weight: None, price: Some(1650) }));
        let both = Label { number: number(123), weight: grams(532), price: Some(1650) };
        assert_eq!(label("28001230165000532"), Some(both));
    }

    #[test]
    fn what_is_no_label_is_left_alone() {
        let patterns = patterns(&["21AAAAAWWWWWC", "22AAAAAPPPPPC"]);
        let right = with_check_digit("210012300532");
        assert!(read_label(&patterns, &right).is_some());
        let mistyped = format!("{}{}", &right[..12], (right[12..].parse::<u8>().unwrap() + 1) % 10);
        for digits in [
            mistyped.as_str(),
            "",
            "2",
            "二",
            &with_check_digit("690012300532"),
            &with_check_digit("250012300532"),
            &with_check_digit("2100123005321"),
            // No good, no weight, no price.
            &with_check_digit("210000000532"),
            &with_check_digit("210012300000"),
            &with_check_digit("220012300000"),
        ] {
            assert_eq!(read_label(&patterns, digits), None, "{digits}");
        }
    }

    #[test]
    fn patterns_that_say_nothing_are_refused() {
        for (text, said) in [
            ("21AAAAAWWWWW", "neither 13 nor 18"),
            ("21AAAAAGGGGGC", "has a \"G\""),
            ("69AAAAAWWWWWC", "does not begin with a 2"),
            ("21AAAAAWWWWWX", "does not end with its only C"),
            ("21AAACAWWWWWC", "does not end with its only C"),
            ("21AAAAAXXXXXC", "needs A (good)"),
            ("21XXXXXWWWWWC", "needs A (good)"),
            ("21AAWWWAAAAAC", "needs A (good)"),
            ("2AAAAAAAAAWWC", "needs A (good)"),
        ] {
            let error = Pattern::parse(text).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains(text), "{text}: {error}");
        }
    }
}
