//! Single cards by their whole numbers. What is kept of a number is a digest under a key of the terminal's own: who has the file
//! has no card numbers, and without the key cannot find any by trying all there are.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{CardKind, HostTablesError, NO_TEXT, is_text, wrong};
use crate::crypto::elliptic::hkdf_sha_256;
use crate::crypto::{CryptoError, hex, mac};

/// Digits of a whole card number (ISO/IEC 7812-1 as issuers use it).
pub const WHOLE: std::ops::RangeInclusive<usize> = 13..=19;

/// Bytes of a digest: among as many numbers as there are, none has another's by chance.
const DIGEST: usize = 16;

/// Digits of a digest that people are shown.
const SHOWN: usize = 8;

/// The key under which a terminal knows card numbers. Never written; masks itself and is wiped when dropped.
#[derive(Clone)]
pub struct NumberKey(Zeroizing<Vec<u8>>);

/// One card by its whole number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardNumber {
    /// What stands for the number, hexadecimal.
    pub digest: String,
    /// The bank.
    pub bank: String,
    /// What kind of card.
    pub kind: CardKind,
    /// The acquirer does not take it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

impl NumberKey {
    /// A key out of a secret that nobody else has.
    pub const fn new(secret: Zeroizing<Vec<u8>>) -> Self {
        Self(secret)
    }

    /// What stands for a number.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn digest(&self, number: &str) -> Result<String, CryptoError> {
        Ok(hex::encode(&hkdf_sha_256(&self.0, &[], number.as_bytes(), DIGEST)?))
    }
}

/// Whether a text is a whole card number.
pub fn is_whole(number: &str) -> bool {
    WHOLE.contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit())
}

impl CardNumber {
    /// What it is called where people read it: nothing of the number is in it.
    pub fn name(&self) -> String {
        format!("single card {}", self.digest.get(..SHOWN).unwrap_or_default())
    }

    pub(super) fn check(&self) -> Result<(), HostTablesError> {
        if !hex::decode(&self.digest).is_ok_and(|digest| digest.len() == DIGEST) {
            return wrong(self.name(), "what stands for its number has 32 hexadecimal digits");
        }
        if is_text(&self.bank) { Ok(()) } else { wrong(self.name(), NO_TEXT) }
    }
}

impl fmt::Debug for NumberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NumberKey(masked)")
    }
}

/// In a time that does not depend on what is in them.
impl PartialEq for NumberKey {
    fn eq(&self, other: &Self) -> bool {
        mac::equal(&self.0, &other.0)
    }
}

impl Eq for NumberKey {}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "6228480000000001230";

    #[test]
    fn what_stands_for_a_number_depends_on_the_key_and_on_every_digit() {
        let key = |byte: u8| NumberKey::new(vec![byte; 32].into());
        let digest = key(7).digest(NUMBER).unwrap();
        assert_eq!(key(7).digest(NUMBER).unwrap(), digest);
        assert_ne!(key(8).digest(NUMBER).unwrap(), digest, "another terminal's");
        assert_ne!(key(7).digest("6228480000000001231").unwrap(), digest);
        assert!(key(7) == key(7) && key(7) != key(8) && key(7) != NumberKey::new(vec![7; 16].into()));
        assert_eq!(format!("{:?}", key(7)), "NumberKey(masked)");
    }

    #[test]
    fn whole_numbers_have_13_to_19_digits() {
        for (number, is) in [
            ("622848000000", false),
            ("6228480000000", true),
            (NUMBER, true),
            ("62284800000000012301", false),
            ("622848000000000 230", false),
        ] {
            assert_eq!(is_whole(number), is, "{number}");
        }
    }
}
