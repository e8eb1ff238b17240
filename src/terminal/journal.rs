//! The terminal's own record of being enrolled, moved and taken out of service: one line for each, chained by their hashes and
//! signed by the device key.
//!
//! A change of the device key is signed twice: the old key names the new one before it goes, and the new one signs what
//! follows. Reads, checks and appends; what may happen is decided elsewhere.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::binding::key_name;
use super::files;
use crate::crypto::elliptic::P256PublicKey;
use crate::crypto::sha256::sha256;
use crate::crypto::{CryptoError, hex};
use crate::vault::{SecureElement, VaultError};

/// Name of the file within the identity directory.
pub const FILE: &str = "journal.jsonl";

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Keys were made, and the acquirer's binding record was taken.
    Enrolled,
    /// The device key gives way to another one; the detail names it.
    KeysReplaced,
    /// The acquirer's newer binding record was taken.
    BindingReplaced,
    /// The merchant asked for another place.
    MoveRequested,
    /// The terminal was taken out of service; its keys were destroyed afterwards.
    Decommissioned,
}

impl Event {
    /// The word in the journal and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enrolled => "enrolled",
            Self::KeysReplaced => "keys_replaced",
            Self::BindingReplaced => "binding_replaced",
            Self::MoveRequested => "move_requested",
            Self::Decommissioned => "decommissioned",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Counted from 1.
    pub number: u32,
    /// When, in UTC.
    pub at: String,
    /// What.
    pub event: Event,
    /// What a person wants to know of it.
    pub detail: String,
    /// Version of the binding record that counts from then on.
    pub binding: u32,
    /// Public key of the device (SubjectPublicKeyInfo), hexadecimal.
    pub key: String,
    /// SHA-256 of the line before, hexadecimal; of nothing for the first.
    pub previous: String,
    /// Signature with that key over everything before, hexadecimal.
    pub signature: String,
}

/// A journal that was read and found whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    entries: Vec<Entry>,
    text: String,
}

/// A journal that cannot be read or written, or was changed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line is not one, or not signed as it must be.
    #[error(
        "the journal of this terminal was changed or damaged at line {line}: {problem}; keep the file and call the acquirer"
    )]
    Line {
        /// Which, counted from 1.
        line: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// An entry cannot be written as a line.
    #[error("an entry of the journal cannot be written: {0}")]
    Entry(String),
    /// The vault does not sign.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// OpenSSL failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl Journal {
    /// Reads the journal of an identity directory and checks chain and signatures. None is an empty one.
    ///
    /// # Errors
    /// When it cannot be read or was changed.
    pub fn load(directory: &Path) -> Result<Self, JournalError> {
        let path = directory.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(file_error(path, source)),
        }
    }

    fn parse(text: String) -> Result<Self, JournalError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut previous = hash(b"")?;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let wrong = |problem| JournalError::Line { line: index + 1, problem };
            let entry: Entry = serde_json::from_str(line).map_err(|_| wrong("it is not an entry"))?;
            if !line.ends_with('\n') {
                return Err(wrong("it is cut off"));
            }
            if entry.number as usize != index + 1 || entry.previous != previous {
                return Err(wrong("it does not follow from the line before"));
            }
            match entries.last() {
                None if entry.event != Event::Enrolled => return Err(wrong("nobody was enrolled before")),
                Some(last) if last.key != entry.key => {
                    let announced = match last.event {
                        Event::KeysReplaced => last.detail == key_name(&hex::decode(&entry.key).unwrap_or_default())?,
                        // Its keys are gone; whoever enrols it again makes others.
                        Event::Decommissioned => true,
                        Event::Enrolled | Event::BindingReplaced | Event::MoveRequested => false,
                    };
                    if !announced || entry.event != Event::Enrolled {
                        return Err(wrong("another key signs than the one before named"));
                    }
                }
                _ => {}
            }
            let key = hex::decode(&entry.key).map_err(|_| wrong("its key is none"))?;
            let key = P256PublicKey::from_der(&key).map_err(|_| wrong("its key is none"))?;
            let signature = hex::decode(&entry.signature).map_err(|_| wrong("its signature is none"))?;
            if !key.verify(&signed_part(&entry)?, &signature)? {
                return Err(wrong("its signature is wrong"));
            }
            previous = hash(line.as_bytes())?;
            entries.push(entry);
        }
        Ok(Self { entries, text })
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether the last word is that the terminal is out of service for good.
    pub fn is_decommissioned(&self) -> bool {
        self.entries.last().is_some_and(|entry| entry.event == Event::Decommissioned)
    }

    /// The newest binding record that has counted since the keys were made; records before them name another key.
    pub fn newest_binding(&self) -> u32 {
        let since = self.entries.iter().rposition(|entry| entry.event == Event::Enrolled).unwrap_or(0);
        self.entries[since..].iter().map(|entry| entry.binding).max().unwrap_or(0)
    }

    /// Adds an entry, signed by the device key of the vault. Nothing is written.
    ///
    /// # Errors
    /// When the vault does not sign.
    pub fn push(
        &mut self,
        vault: &dyn SecureElement,
        event: Event,
        detail: &str,
        binding: u32,
        at: Timestamp,
    ) -> Result<(), JournalError> {
        let last = self.text.split_inclusive('\n').next_back().unwrap_or_default();
        let mut entry = Entry {
            number: self.entries.len() as u32 + 1,
            at: at.to_string(),
            event,
            detail: detail.to_owned(),
            binding,
            key: hex::encode(&vault.public_key()?),
            previous: hash(last.as_bytes())?,
            signature: String::new(),
        };
        entry.signature = hex::encode(&vault.sign(&signed_part(&entry)?)?);
        self.text.push_str(&line(&entry)?);
        self.text.push('\n');
        self.entries.push(entry);
        Ok(())
    }

    /// Writes the journal into an identity directory, durably.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, directory: &Path) -> Result<(), JournalError> {
        let path = directory.join(FILE);
        files::write(&path, self.text.as_bytes()).map_err(|source| file_error(path, source))
    }
}

/// The line without its signature.
fn signed_part(entry: &Entry) -> Result<Vec<u8>, JournalError> {
    Ok(line(&Entry { signature: String::new(), ..entry.clone() })?.into_bytes())
}

fn line(entry: &Entry) -> Result<String, JournalError> {
    serde_json::to_string(entry).map_err(|error| JournalError::Entry(error.to_string()))
}

fn hash(line: &[u8]) -> Result<String, CryptoError> {
    Ok(hex::encode(&sha256(&[line])?))
}

fn file_error(path: PathBuf, source: std::io::Error) -> JournalError {
    JournalError::File { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::software::SoftwareVault;

    fn vault() -> SoftwareVault {
        let vault = SoftwareVault::in_memory();
        vault.generate().unwrap();
        vault
    }

    fn now() -> Timestamp {
        "2026-11-28T02:00:00Z".parse().unwrap()
    }

    fn begun(vault: &SoftwareVault) -> Journal {
        let mut journal = Journal::default();
        journal.push(vault, Event::Enrolled, "merchant 1", 3, now()).unwrap();
        journal.push(vault, Event::BindingReplaced, "moved", 4, now()).unwrap();
        journal
    }

    #[test]
    fn what_is_written_is_read_and_goes_on() {
        let (directory, vault) = (tempfile::tempdir().unwrap(), vault());
        assert_eq!(Journal::load(directory.path()).unwrap(), Journal::default());
        begun(&vault).save(directory.path()).unwrap();
        let mut journal = Journal::load(directory.path()).unwrap();
        assert_eq!((journal.entries().len(), journal.newest_binding()), (2, 4));
        journal.push(&vault, Event::Decommissioned, "", 4, now()).unwrap();
        journal.save(directory.path()).unwrap();
        assert!(Journal::load(directory.path()).unwrap().is_decommissioned());
    }

    #[test]
    fn a_change_anywhere_is_found_and_a_line_left_out_too() {
        let text = begun(&vault()).text;
        Journal::parse(text.clone()).unwrap();
        for (from, to) in [
            ("merchant 1", "merchant 2"),
            ("\"binding\":4", "\"binding\":5"),
            ("\"number\":2", "\"number\":3"),
            ("02:00:00", "03:00:00"),
            ("binding_replaced", "move_requested"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert!(matches!(Journal::parse(changed), Err(JournalError::Line { .. })), "{to}");
        }
        let second = text.lines().nth(1).unwrap();
        assert!(Journal::parse(format!("{second}\n")).is_err());
        assert!(Journal::parse(text.trim_end().to_owned()).is_err(), "cut off");
    }

    #[test]
    fn another_key_signs_only_when_the_one_before_named_it() {
        let (old, new) = (vault(), vault());
        let name = key_name(&new.public_key().unwrap()).unwrap();
        let mut journal = begun(&old);
        journal.push(&new, Event::Enrolled, "", 1, now()).unwrap();
        assert!(Journal::parse(journal.text).is_err(), "nobody named it");
        let mut journal = begun(&old);
        journal.push(&old, Event::KeysReplaced, &name, 4, now()).unwrap();
        journal.push(&vault(), Event::Enrolled, "", 1, now()).unwrap();
        assert!(Journal::parse(journal.text).is_err(), "another one was named");
        let mut journal = begun(&old);
        journal.push(&old, Event::KeysReplaced, &name, 4, now()).unwrap();
        journal.push(&new, Event::Enrolled, "", 1, now()).unwrap();
        let journal = Journal::parse(journal.text).unwrap();
        assert_eq!(journal.newest_binding(), 1, "records before name another key");
        let mut journal = begun(&old);
        journal.push(&old, Event::Decommissioned, "", 4, now()).unwrap();
        journal.push(&new, Event::Enrolled, "", 5, now()).unwrap();
        assert!(!Journal::parse(journal.text).unwrap().is_decommissioned());
    }
}
