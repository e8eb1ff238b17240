//! How a terminal of a dialect fetches its working keys.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::DialectError;
use crate::crypto::mac::MacAlgorithm;

/// How working keys are fetched in a dialect.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOnRules {
    /// Field 60, third part, of the request: which keys are asked for.
    pub code: String,
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

impl KeyLayout {
    /// Bytes of the key that an algorithm has in the place of the MAC key; nothing when none of its keys fits.
    pub fn mac_key(&self, algorithm: MacAlgorithm) -> Option<usize> {
        let lengths = algorithm.key_lengths();
        if lengths.contains(&self.mac) {
            Some(self.mac)
        } else {
            (self.mac == 2 * SINGLE && lengths.contains(&SINGLE)).then_some(SINGLE)
        }
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
        let is_key = |length: usize| matches!(length, 8 | 16 | 24);
        if !self
            .layouts
            .iter()
            .all(|layout| is_key(layout.pin) && is_key(layout.mac) && (layout.data == 0 || is_key(layout.data)))
        {
            return wrong("sign_on.layouts", "a key has 8, 16 or 24 bytes");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
        ] {
            assert!(text.contains(right), "{right}");
            let error = Dialect::parse(&text.replacen(right, wrong, 1)).unwrap_err();
            assert!(error.to_string().starts_with(key), "{error}");
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
