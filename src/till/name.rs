//! What tills and their payments are called.

use std::fmt;
use std::str::FromStr;

/// What makes a text not one of these names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" is no {what}")]
pub struct NameError {
    /// What it should be.
    pub what: &'static str,
    /// The text that was refused, shortened.
    pub value: String,
}

/// Characters of a name at most.
const LONGEST: usize = 64;

fn refused(what: &'static str, text: &str) -> NameError {
    let value = text.chars().take(LONGEST).map(|letter| if letter.is_control() { '?' } else { letter }).collect();
    NameError { what, value }
}

/// The till's own name for a payment: the same key is the same payment, whatever happens to line and machines in between.
///
/// 1 to 64 letters, digits, `-`, `_`, `.`, `:` in ASCII: it stands in a path as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
        // A path that is `.` or `..` is another one for whoever resolves it.
        let is_path = matches!(text, "." | "..");
        if (1..=LONGEST).contains(&text.len()) && text.bytes().all(allowed) && !is_path {
            return Ok(Self(text.to_owned()));
        }
        Err(refused("idempotency key: 1 to 64 letters, digits, - _ . or :", text))
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a till is called by those who work here. Whoever pairs again under a name is the same till: its keys go on to count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TillName(String);

impl TillName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TillName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = text.trim();
        let count = name.chars().count();
        if (1..=LONGEST).contains(&count) && !name.chars().any(char::is_control) {
            return Ok(Self(name.to_owned()));
        }
        Err(refused("name of a till: 1 to 64 characters", text))
    }
}

impl fmt::Display for TillName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_in_a_path_as_it_is() {
        for good in ["1", "order-17_b:2.1", &"k".repeat(64)] {
            assert_eq!(good.parse::<IdempotencyKey>().unwrap().as_str(), good);
        }
        for wrong in ["", " ", "a b", "a/b", "é", ".", "..", "a%20", "a\n", &"k".repeat(65)] {
            assert!(wrong.parse::<IdempotencyKey>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_till_is_called_as_people_write() {
        assert_eq!(" 收银台 1 ".parse::<TillName>().unwrap().as_str(), "收银台 1");
        for wrong in ["", "  ", "a\u{7}b", &"台".repeat(65)] {
            assert!(wrong.parse::<TillName>().is_err(), "{wrong:?}");
        }
    }
}
