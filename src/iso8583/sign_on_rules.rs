//! How a terminal of a dialect fetches its working keys.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::DialectError;
use crate::crypto::mac::{Cipher, MacAlgorithm};

/// How working keys are fetched in a dialect.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOnRules {
    /// Field 60, third part, of the request: which keys are asked for.
    pub code: String,
    /// The cipher of the master key and of the PIN and data keys that come under it. The MAC key has that of the dialect's MAC.
    #[serde(default)]
    pub cipher: Cipher,
    /// Bytes of a check value behind each key in field 62 of the answer.
    pub check_value: usize,
    /// What field 62 of the answer may hold; told apart by its length.
    pub layouts: Vec<KeyLayout>,
    /// The order in the header of an answer that asks for a sign-on.
    pub order: u8,
    /// Response codes after which the keys have to be fetched anew.
    pub after: BTreeSet<String>,
}

/// Bytes of the keys in field 62, in the order in which they stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyLayout {
    /// Of the PIN key.
    pub pin: usize,
    /// Of the MAC key.
    pub mac: usize,
    /// Of the data key, if there is one.
    #[serde(default)]
    pub data: usize,
}

/// Bytes of a DES key of single length, which may stand in the place of a double one with zeros behind it.
const SINGLE: usize = 8;

impl SignOnRules {
    /// Bytes of the key that an algorithm has in the place of a layout's MAC key; nothing when none of its keys fits.
    pub fn mac_key(&self, layout: &KeyLayout, algorithm: MacAlgorithm) -> Option<usize> {
        let lengths = algorithm.key_lengths();
        if lengths.contains(&layout.mac) {
            Some(layout.mac)
        } else {
            (self.may_be_single(layout.mac) && lengths.contains(&SINGLE)).then_some(SINGLE)
        }
    }

    /// Whether a key of single length may stand in so many bytes, with zeros behind it. Ciphers with longer blocks have no such
    /// keys.
    pub const fn may_be_single(&self, length: usize) -> bool {
        length == 2 * SINGLE && self.cipher.block_length() == SINGLE
    }
}

impl SignOnRules {
    /// Bytes of field 62 in a layout.
    pub const fn length_of(&self, layout: &KeyLayout) -> usize {
        let keys = if layout.data == 0 { 2 } else { 3 };
        layout.pin + layout.mac + layout.data + keys * self.check_value
    }

    /// The layout of a field 62 with so many bytes.
    pub fn layout(&self, length: usize) -> Option<&KeyLayout> {
        self.layouts.iter().find(|layout| self.length_of(layout) == length)
    }

    pub(super) fn check(&self) -> Result<(), DialectError> {
        let wrong = |key, problem: &str| Err(DialectError::Key { key, problem: problem.to_owned() });
        if self.code.len() != 3 || !self.code.bytes().all(|digit| digit.is_ascii_digit()) {
            return wrong("sign_on.code", "it has three digits");
        }
        if !(3..=8).contains(&self.check_value) {
            return wrong("sign_on.check_value", "it is 3 to 8 bytes");
        }
        if !(1..=9).contains(&self.order) {
            return wrong("sign_on.order", "orders are 1 to 9");
        }
        let lengths: BTreeSet<_> = self.layouts.iter().map(|layout| self.length_of(layout)).collect();
        if lengths.is_empty() || lengths.len() != self.layouts.len() {
            return wrong("sign_on.layouts", "there is at least one, and no two have the same length");
        }
        // Each block comes under the master key on its own, so that a key is whole blocks.
        let blocks = |length: &usize| length.is_multiple_of(self.cipher.block_length());
        let lengths: Vec<_> = self.cipher.key_lengths().iter().copied().filter(blocks).collect();
        let is_key = |length: usize| lengths.contains(&length);
        let is_mac_key = |length: usize| matches!(length, 8 | 16 | 24) && blocks(&length);
        if !self
            .layouts
            .iter()
            .all(|layout| is_key(layout.pin) && is_mac_key(layout.mac) && (layout.data == 0 || is_key(layout.data)))
        {
            let words = match self.cipher {
                Cipher::Tdes => "a key has 8, 16 or 24 bytes",
                Cipher::Sm4 => "a key under one of SM4 has 16 bytes",
                Cipher::Aes => "a key under one of AES has 16 bytes, or 32 when it is no MAC key",
            };
            return wrong("sign_on.layouts", words);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::crypto::mac::{Cipher, MacAlgorithm};
    use crate::iso8583::Dialect;

    #[test]
    fn rules_that_contradict_themselves_are_refused() {
        let text = include_str!("../../assets/dialects/unionpay.toml");
        for (right, wrong, key) in [
            ("code = \"003\"", "code = \"3\"", "sign_on.code"),
            ("check_value = 4", "check_value = 2", "sign_on.check_value"),
            ("order = 3", "order = 10", "sign_on.order"),
            ("{ pin = 8, mac = 8 }", "{ pin = 16, mac = 16 }", "sign_on.layouts"),
            ("{ pin = 8, mac = 8 }", "{ pin = 7, mac = 8 }", "sign_on.layouts"),
            ("code = \"003\"", "code = \"003\"\ncipher = \"sm4\"", "sign_on.layouts"),
        ] {
            assert!(text.contains(right), "{right}");
            let error = Dialect::parse(&text.replacen(right, wrong, 1)).unwrap_err();
            assert!(error.to_string().starts_with(key), "{error}");
        }
    }

    /// Under SM4 no key is shorter than a block, and none has zeros in the place of a second half.
    #[test]
    fn keys_under_sm4_and_aes_are_whole_blocks() {
        let text = include_str!("../../assets/dialects/unionpay.toml");
        let rules = |cipher: &str, layouts: &str, block: &str| {
            let text = text
                .replacen("code = \"003\"", &format!("code = \"003\"\ncipher = \"{cipher}\""), 1)
                .replacen(
                    "layouts = [{ pin = 8, mac = 8 }, { pin = 16, mac = 16 }, { pin = 16, mac = 16, data = 16 }]",
                    layouts,
                    1,
                )
                .replacen(
                    "name = \"PIN block\"\ncontent = \"bytes\"\nencoding = \"binary\"\nlength = { fixed = 8 }",
                    block,
                    1,
                );
            Dialect::parse(&text).map(|dialect| dialect.sign_on)
        };
        let block = |length: usize| {
            format!("name = \"PIN block\"\ncontent = \"bytes\"\nencoding = \"binary\"\nlength = {{ fixed = {length} }}")
        };
        let keys = "layouts = [{ pin = 16, mac = 16 }]";
        let sm4 = rules("sm4", keys, &block(16)).unwrap();
        assert!(sm4.cipher == Cipher::Sm4 && !sm4.may_be_single(16));
        assert_eq!(sm4.mac_key(&sm4.layouts[0], MacAlgorithm::Sm4), Some(16));
        assert_eq!(sm4.mac_key(&sm4.layouts[0], MacAlgorithm::X99), None);
        assert_eq!(rules("aes", "layouts = [{ pin = 32, mac = 16 }]", &block(16)).unwrap().cipher, Cipher::Aes);
        for (cipher, layouts, length, key) in [
            ("sm4", "layouts = [{ pin = 24, mac = 16 }]", 16, "sign_on.layouts"),
            ("sm4", "layouts = [{ pin = 16, mac = 8 }]", 16, "sign_on.layouts"),
            ("aes", "layouts = [{ pin = 24, mac = 16 }]", 16, "sign_on.layouts"),
            ("sm4", keys, 8, "field 52"),
            ("tdes", keys, 16, "field 52"),
            ("des", keys, 8, "the message dialect cannot be read"),
        ] {
            let error = rules(cipher, layouts, &block(length)).unwrap_err().to_string();
            assert!(error.starts_with(key), "{cipher} {layouts} {length}: {error}");
        }
    }

    #[test]
    fn the_length_of_field_62_says_which_keys_it_holds() {
        let rules = Dialect::shipped("unionpay").unwrap().sign_on;
        let keys = |length| rules.layout(length).map(|layout| (layout.pin, layout.mac, layout.data));
        assert_eq!(keys(24), Some((8, 8, 0)));
        assert_eq!(keys(40), Some((16, 16, 0)));
        assert_eq!(keys(60), Some((16, 16, 16)));
        assert_eq!(keys(41), None);
    }
}
