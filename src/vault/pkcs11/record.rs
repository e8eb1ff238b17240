//! What a token says of our keys: which of them count. One object, written whole; the one with the highest number counts,
//! so that writing it is the moment at which a set of keys is replaced.

use serde::{Deserialize, Serialize};

use super::TokenFault;
use crate::crypto::hex;
use crate::vault::KeyName;

/// See the module. Every change writes a new one, with the next number; keys that are made with it have that number too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// Counts upwards.
    pub number: u64,
    /// There were keys, and somebody destroyed them.
    pub destroyed: bool,
    /// Number of the device key pair.
    pub pair: Option<u64>,
    /// The master key.
    pub master: Option<Entry>,
    /// The device key, sealed.
    pub device: Option<Sealed>,
    /// The PIN key.
    pub pin: Option<Entry>,
    /// The MAC key.
    pub mac: Option<Entry>,
    /// The data key.
    pub data: Option<Entry>,
    /// Numbers of the storage keys, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storage: Vec<u64>,
}

/// A TDES key in the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// The number of its object.
    pub number: u64,
    /// Its check value, hexadecimal.
    pub check_value: String,
}

/// The device key under a key of the token's (AES-GCM).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    /// The number of the token's key.
    pub number: u64,
    /// Used once with that key, hexadecimal.
    pub nonce: String,
    /// Ciphertext and tag, hexadecimal.
    pub text: String,
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, TokenFault> {
        let record: Self =
            serde_json::from_slice(bytes).map_err(|error| TokenFault::Record(format!("{:?}", error.classify())))?;
        let keys = record.pair.is_some()
            || record.device.is_some()
            || !record.storage.is_empty()
            || KeyName::ALL.iter().any(|name| record.entry(*name).is_some());
        match record.destroyed && keys {
            true => Err(TokenFault::Record("it says that the keys were destroyed, and names some".to_owned())),
            false => Ok(record),
        }
    }

    /// What is written.
    ///
    /// # Errors
    /// None that this shape allows.
    pub fn bytes(&self) -> Result<Vec<u8>, TokenFault> {
        serde_json::to_vec(self).map_err(|error| TokenFault::Record(error.to_string()))
    }

    /// The next one, without working keys.
    pub fn next(&self) -> Self {
        Self { number: self.number + 1, pin: None, mac: None, data: None, ..self.clone() }
    }

    /// A TDES key.
    pub const fn entry(&self, name: KeyName) -> Option<&Entry> {
        match name {
            KeyName::Master => self.master.as_ref(),
            KeyName::Pin => self.pin.as_ref(),
            KeyName::Mac => self.mac.as_ref(),
            KeyName::Data => self.data.as_ref(),
            KeyName::Device => None,
        }
    }

    /// The place of a working key.
    pub const fn working(&mut self, name: KeyName) -> Option<&mut Option<Entry>> {
        match name {
            KeyName::Pin => Some(&mut self.pin),
            KeyName::Mac => Some(&mut self.mac),
            KeyName::Data => Some(&mut self.data),
            KeyName::Master | KeyName::Device => None,
        }
    }
}

impl Sealed {
    /// Nonce, and ciphertext with tag.
    ///
    /// # Errors
    /// When they are not hexadecimal.
    pub fn parts(&self) -> Result<(Vec<u8>, Vec<u8>), TokenFault> {
        let bytes = |text: &str| hex::decode(text).map_err(|error| TokenFault::Record(error.to_string()));
        Ok((bytes(&self.nonce)?, bytes(&self.text)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            number: 7,
            pair: Some(1),
            master: Some(Entry { number: 2, check_value: "01020304".to_owned() }),
            device: Some(Sealed { number: 2, nonce: "00".to_owned(), text: "FF".to_owned() }),
            mac: Some(Entry { number: 7, check_value: "AB7153CA".to_owned() }),
            ..Record::default()
        }
    }

    #[test]
    fn a_record_reads_as_it_was_written_and_nothing_else_does() {
        let bytes = record().bytes().unwrap();
        assert_eq!(Record::parse(&bytes).unwrap(), record());
        assert!(bytes.len() < 600, "small elements have little room: {} bytes", bytes.len());
        for wrong in [&bytes[..bytes.len() - 1], b"", b"{}", b"{\"number\":1}x"] {
            assert!(matches!(Record::parse(wrong), Err(TokenFault::Record(_))));
        }
        let contradiction = Record { destroyed: true, ..record() }.bytes().unwrap();
        assert!(matches!(Record::parse(&contradiction), Err(TokenFault::Record(_))));
    }

    #[test]
    fn the_next_record_keeps_what_is_the_machines_own() {
        let next = record().next();
        assert_eq!((next.number, next.pair, &next.mac), (8, Some(1), &None));
        assert_eq!((&next.master, &next.device), (&record().master, &record().device));
    }
}
