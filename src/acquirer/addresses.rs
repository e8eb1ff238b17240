//! Which of the host's two addresses is in use.
//!
//! A request goes to the other address only while not one byte of it has left: nobody can then have it twice. Where that is
//! not certain only the requests after it go elsewhere, and only when the address has kept silent several times in a row.
//! What is in use is remembered over a restart. After a while an echo looks whether the first address is back.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::https::address::Address;
use crate::clock;

/// So many requests in a row without an answer, and the next ones go to the other address.
const SILENCES: u32 = 2;

/// After so long on the second address the first one is looked for.
const RETURN_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// The addresses of a host, the first one first.
#[derive(Debug)]
pub struct Addresses {
    all: Vec<Address>,
    memory: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    in_use: usize,
    since: Timestamp,
    silences: u32,
}

/// The file that remembers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    in_use: String,
    since: String,
}

impl Addresses {
    /// One address or two. The first is in use.
    pub fn new(first: Address, second: Option<Address>) -> Self {
        let all = [Some(first), second].into_iter().flatten().collect();
        let state = State { in_use: 0, since: clock::timestamp(), silences: 0 };
        Self { all, memory: None, state: Mutex::new(state) }
    }

    /// Takes up what was in use when the program last ran, and remembers in this file from now on.
    pub fn remembering(mut self, file: &Path) -> Self {
        if self.all.len() > 1 {
            let memory = std::fs::read_to_string(file).ok().and_then(|text| toml::from_str::<Memory>(&text).ok());
            let known = memory.and_then(|memory| {
                let index = self.all.iter().position(|address| address.as_str() == memory.in_use)?;
                Some((index, memory.since.parse().ok()?))
            });
            if let Some((in_use, since)) = known {
                self.state = Mutex::new(State { in_use, since, silences: 0 });
            }
            self.memory = Some(file.to_owned());
        }
        self
    }

    /// In which order they are tried while nothing has left: that in use, then the other.
    pub fn order(&self) -> Vec<usize> {
        let in_use = self.lock().in_use;
        (0..self.all.len()).map(|step| (in_use + step) % self.all.len()).collect()
    }

    /// The address of this number.
    pub fn get(&self, index: usize) -> Option<&Address> {
        self.all.get(index)
    }

    /// The first address is not the one in use, and it is time to look for it.
    pub fn should_return(&self) -> bool {
        let state = self.lock();
        state.in_use != 0 && clock::timestamp().duration_since(state.since).abs() >= RETURN_AFTER
    }

    /// The first address was looked for in vain; not again at once.
    pub fn stay(&self) {
        self.lock().since = clock::timestamp();
    }

    /// The address answered: it is in use.
    pub fn answered(&self, index: usize) {
        let mut state = self.lock();
        state.silences = 0;
        if state.in_use != index {
            self.switch(&mut state, index);
        }
    }

    /// A request went there, and nobody knows what became of it.
    pub fn kept_silent(&self, index: usize) {
        let mut state = self.lock();
        if state.in_use != index {
            return;
        }
        state.silences += 1;
        if state.silences >= SILENCES && self.all.len() > 1 {
            let other = (index + 1) % self.all.len();
            self.switch(&mut state, other);
        }
    }

    fn switch(&self, state: &mut State, index: usize) {
        *state = State { in_use: index, since: clock::timestamp(), silences: 0 };
        let Some(address) = self.all.get(index) else { return };
        tracing::warn!(%address, "from now on the host is asked at this address");
        let Some(file) = &self.memory else { return };
        let memory = Memory { in_use: address.as_str().to_owned(), since: state.since.to_string() };
        // Nothing depends on it but a try at an address that may be dead.
        if let Err(error) = write(file, &memory) {
            tracing::warn!(%error, file = %file.display(), "it could not be noted which address is in use");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(file: &Path, memory: &Memory) -> std::io::Result<()> {
    let text = toml::to_string(memory).map_err(std::io::Error::other)?;
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, text)?;
    std::fs::rename(fresh, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Addresses {
        let address = |url| Address::parse(url).unwrap();
        Addresses::new(address("https://first.example"), Some(address("https://second.example")))
    }

    #[test]
    fn the_address_that_answered_is_tried_first() {
        let addresses = two();
        assert_eq!(addresses.order(), [0, 1]);
        addresses.answered(1);
        assert_eq!(addresses.order(), [1, 0]);
        addresses.answered(0);
        assert_eq!(addresses.order(), [0, 1]);
    }

    #[test]
    fn silence_moves_later_requests_only_when_it_is_repeated() {
        let addresses = two();
        addresses.kept_silent(0);
        assert_eq!(addresses.order(), [0, 1]);
        addresses.answered(0);
        addresses.kept_silent(0);
        assert_eq!(addresses.order(), [0, 1], "an answer between them begins the count anew");
        addresses.kept_silent(0);
        assert_eq!(addresses.order(), [1, 0]);
        addresses.kept_silent(0);
        assert_eq!(addresses.order(), [1, 0], "a late word about the address that was left changes nothing");
        let alone = Addresses::new(Address::parse("https://only.example").unwrap(), None);
        alone.kept_silent(0);
        alone.kept_silent(0);
        assert_eq!(alone.order(), [0]);
    }

    #[test]
    fn what_is_in_use_is_remembered_unless_the_settings_have_other_addresses() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("host-address.toml");
        let addresses = two().remembering(&file);
        assert!(!file.exists(), "the first address needs no note");
        addresses.answered(1);
        assert_eq!(two().remembering(&file).order(), [1, 0]);
        let other = Address::parse("https://third.example").unwrap();
        assert_eq!(Addresses::new(other.clone(), Some(other)).remembering(&file).order(), [0, 1]);
        std::fs::write(&file, "in_use = 3").unwrap();
        assert_eq!(two().remembering(&file).order(), [0, 1]);
    }

    #[test]
    fn the_first_address_is_looked_for_after_a_while_and_not_all_the_time() {
        let addresses = two();
        assert!(!addresses.should_return());
        addresses.answered(1);
        assert!(!addresses.should_return());
        addresses.lock().since -= RETURN_AFTER;
        assert!(addresses.should_return());
        addresses.stay();
        assert!(!addresses.should_return());
    }
}
