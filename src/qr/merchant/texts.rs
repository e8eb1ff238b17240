//! What a value may be made of, and how long it may be.

use std::ops::RangeInclusive;

use super::MerchantCodeError;

/// What a value is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// 0 to 9.
    Digits,
    /// A to Z, small ones as well.
    Letters,
    /// Characters of ASCII that are printed.
    Printable,
    /// Any characters but those that steer something. The specification has names in ASCII, and codes in the field have them in
    /// Chinese as well.
    Any,
}

impl Kind {
    fn takes(self, character: char) -> bool {
        match self {
            Self::Digits => character.is_ascii_digit(),
            Self::Letters => character.is_ascii_alphabetic(),
            Self::Printable => matches!(character, ' '..='~'),
            Self::Any => !character.is_control(),
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Letters => "letters",
            Self::Printable => "printable characters of ASCII",
            Self::Any => "printable characters",
        }
    }
}

/// A value is made of this, and so long.
pub(super) fn check(
    id: u8,
    what: &'static str,
    value: &str,
    kind: Kind,
    lengths: RangeInclusive<usize>,
    within: Option<u8>,
) -> Result<(), MerchantCodeError> {
    if lengths.contains(&value.chars().count()) && value.chars().all(|character| kind.takes(character)) {
        return Ok(());
    }
    let (shortest, longest) = lengths.into_inner();
    let count = if shortest == longest { shortest.to_string() } else { format!("{shortest} to {longest}") };
    Err(MerchantCodeError::Value { id, what, must: format!("{count} {}", kind.words()), within })
}
