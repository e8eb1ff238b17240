//! Which keys in a token are meant. A token holds sets of keys that know nothing of each other: those that count, and beside
//! them, while a terminal is being enrolled, those that are to count. Which set is whose is noted elsewhere.

use std::fmt;

use crate::crypto::hex;
use crate::vault::VaultError;

/// Bytes that are drawn for a name. Some tokens keep 32 characters of a label at most.
const DRAWN: usize = 4;

/// The name of a set of keys: eight hexadecimal digits, or none for a set that nobody enrols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet(String);

impl KeySet {
    /// A name that nobody has used.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn draw() -> Result<Self, VaultError> {
        let mut drawn = [0; DRAWN];
        getrandom::fill(&mut drawn).map_err(|error| VaultError::Random(error.to_string()))?;
        Ok(Self(hex::encode(&drawn)))
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        let is_name = text.len() == 2 * DRAWN && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
        is_name.then(|| Self(text.to_owned()))
    }

    /// How an object of this set is called.
    pub(super) fn label(&self, words: &str) -> Vec<u8> {
        match self.0.as_str() {
            "" => format!("yima {words}"),
            name => format!("yima {name} {words}"),
        }
        .into_bytes()
    }
}

impl fmt::Display for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_as_it_was_drawn_and_nothing_else_does() {
        let drawn = KeySet::draw().unwrap();
        assert_eq!(KeySet::parse(&drawn.to_string()), Some(drawn.clone()));
        assert_ne!(KeySet::draw().unwrap(), drawn);
        for wrong in ["", "0123456", "012345678", "0123456g", "0123abcd", "０１２３"] {
            assert_eq!(KeySet::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn labels_of_two_sets_differ_and_the_longest_is_kept_whole_by_every_token() {
        let set = KeySet::parse("0123ABCD").unwrap();
        assert_eq!(set.label("device key pair"), b"yima 0123ABCD device key pair");
        assert_eq!(KeySet::default().label("record"), b"yima record");
        assert!(set.label("device key pair").len() <= 32);
    }
}
