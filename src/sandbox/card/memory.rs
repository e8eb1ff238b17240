//! What a card remembers from one transaction to the next. A real card keeps it in EEPROM; this one in a small file, so
//! that its transaction counter never goes back, whatever happens to the program.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::keys::write_whole;

/// Counters and flags that outlive a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counters {
    /// Application transaction counter (tag 9F36).
    pub atc: u16,
    /// Counter of the last transaction whose issuer was authenticated (tag 9F13); 0 for a new card.
    pub last_online_atc: u16,
    /// The last transaction asked to go online and heard no more.
    pub online_unfinished: bool,
    /// The issuer's authentication failed in the last transaction that had one.
    pub issuer_authentication_failed: bool,
    /// PIN tries left (tag 9F17), once they are others than a new card's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin_tries_left: Option<u8>,
    /// The issuer has blocked or unblocked the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<bool>,
    /// The limit of consecutive offline transactions (tag 9F58), once the issuer has set another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consecutive_limit: Option<u8>,
    /// Script commands of the issuer in the last transaction that went online.
    #[serde(default)]
    pub script_commands: u8,
    /// One of them failed.
    #[serde(default)]
    pub script_failed: bool,
}

/// Counters, and where they are kept.
#[derive(Debug, Default)]
pub struct Memory {
    counters: Counters,
    path: Option<PathBuf>,
}

/// A memory that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}; the card cannot keep its transaction counter there", path.display())]
pub struct MemoryError {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong.
    pub problem: String,
}

impl Memory {
    /// A memory that is lost with the program.
    pub fn volatile() -> Self {
        Self::default()
    }

    /// The memory kept in a file; a missing file is a new card.
    ///
    /// # Errors
    /// When the file is there and cannot be read: starting over would take the counter back.
    pub fn open(path: PathBuf) -> Result<Self, MemoryError> {
        let counters = read(&path)?.unwrap_or_default();
        Ok(Self { counters, path: Some(path) })
    }

    /// What is remembered.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Begins a transaction: the counter goes up by one and is on disk before this returns. Gives nothing when the
    /// counter has reached its end, as it does once in a card's life.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn next_transaction(&mut self) -> Result<Option<u16>, MemoryError> {
        // Another process may have used the same card since.
        if let Some(path) = &self.path
            && let Some(kept) = read(path)?
            && kept.atc > self.counters.atc
        {
            self.counters = kept;
        }
        let Some(atc) = self.counters.atc.checked_add(1).filter(|atc| *atc < u16::MAX) else { return Ok(None) };
        self.keep(Counters { atc, ..self.counters })?;
        Ok(Some(atc))
    }

    /// Remembers new values, on disk before this returns.
    ///
    /// # Errors
    /// When they cannot be kept; then the old ones stay.
    pub fn keep(&mut self, counters: Counters) -> Result<(), MemoryError> {
        if let Some(path) = &self.path {
            let failed = |problem: String| MemoryError { path: path.clone(), problem };
            let text = toml::to_string(&counters).map_err(|error| failed(error.to_string()))?;
            write_whole(path, text.as_bytes(), 0o600).map_err(|error| failed(error.to_string()))?;
        }
        self.counters = counters;
        Ok(())
    }
}

fn read(path: &Path) -> Result<Option<Counters>, MemoryError> {
    let failed = |problem: String| MemoryError { path: path.to_owned(), problem };
    match fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text).map(Some).map_err(|error| failed(error.to_string())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_goes_on_where_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("card.toml");
        let mut first = Memory::open(path.clone()).unwrap();
        assert_eq!(first.next_transaction().unwrap(), Some(1));
        let mut second = Memory::open(path).unwrap();
        assert_eq!(second.next_transaction().unwrap(), Some(2));
        assert_eq!(first.next_transaction().unwrap(), Some(3), "two programs with one card share its counter");
    }

    #[test]
    fn the_counter_ends_instead_of_turning_over() {
        let mut memory = Memory::volatile();
        memory.keep(Counters { atc: 65_533, ..Counters::default() }).unwrap();
        assert_eq!(memory.next_transaction().unwrap(), Some(65_534));
        assert_eq!(memory.next_transaction().unwrap(), None);
    }

    #[test]
    fn an_unreadable_memory_is_no_new_card() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("card.toml");
        fs::write(&path, "atc = \"many\"").unwrap();
        assert!(Memory::open(path).is_err());
    }
}
