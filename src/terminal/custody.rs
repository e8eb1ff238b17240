//! Where the keys of an identity are: in a file of the identity directory, or in a token. Then a file of the directory names
//! the set of keys in the token that is its own, so that keys and identity come and go together: whoever exchanges the directory
//! exchanges the keys with it.
//!
//! The name is in the directory before the first key is in the token, and is gone after the last: no key is without a directory
//! that names it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::files;
use crate::vault::pkcs11::{KeySet, Pkcs11Vault, Place};
use crate::vault::software::{self, SoftwareVault};
use crate::vault::{SecureElement, VaultError};

/// Name of the file within the identity directory that names the keys in a token.
pub const FILE: &str = "vault-token.toml";

/// See the module.
#[derive(Clone, Debug)]
pub enum Custody {
    /// TEST keys in a file.
    Software,
    /// Keys in a token.
    Token {
        /// Where the token is found.
        place: Place,
        /// The state directory; who changes keys locks a file there.
        state: PathBuf,
    },
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFile {
    /// Name of the set of keys.
    set: String,
}

impl Custody {
    /// The keys of an identity directory. A token is opened also for one that has none in it yet.
    ///
    /// # Errors
    /// When they cannot be reached.
    pub fn open(&self, directory: &Path) -> Result<Box<dyn SecureElement>, VaultError> {
        match self {
            Self::Software => Ok(Box::new(SoftwareVault::open(directory)?)),
            Self::Token { place, state } => {
                let set = read(directory)?.unwrap_or_default();
                Ok(Box::new(Pkcs11Vault::open(place.clone(), set, state)?))
            }
        }
    }

    /// A secure element for an identity that is being made in a directory of its own, without any key yet. Those of other
    /// directories stay as they are.
    ///
    /// # Errors
    /// When it cannot be reached, or the directory not be written.
    pub fn begin(&self, directory: &Path) -> Result<Box<dyn SecureElement>, VaultError> {
        match self {
            Self::Software => Ok(Box::new(SoftwareVault::create(directory)?)),
            Self::Token { place, state } => {
                let set = KeySet::draw()?;
                let vault = Pkcs11Vault::open(place.clone(), set.clone(), state)?;
                write(directory, &set)?;
                Ok(Box::new(vault))
            }
        }
    }

    /// Gives a directory what its keys are opened with and the one that counts has: the token's PIN, where it is kept there.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn hand_over(&self, from: &Path, to: &Path) -> Result<(), VaultError> {
        let Self::Token { place, .. } = self else { return Ok(()) };
        let Ok(within) = place.pin_file.strip_prefix(from) else { return Ok(()) };
        let copy = to.join(within);
        let pin =
            std::fs::read(&place.pin_file).map(Zeroizing::new).map_err(|error| cannot_open(&place.pin_file, error))?;
        let written = files::make_private(files::parent(&copy)).and_then(|()| files::write(&copy, &pin));
        written.map_err(|error| cannot_write(&copy, &error))
    }

    /// Destroys the keys of a directory, whatever they are in. One that names none has none.
    ///
    /// # Errors
    /// When they cannot be destroyed; then it must be tried again.
    pub fn destroy(&self, directory: &Path) -> Result<(), VaultError> {
        if directory.join(software::FILE).exists() {
            // A vault that cannot be opened holds nothing that could be used.
            if let Ok(vault) = SoftwareVault::open(directory) {
                vault.zeroize()?;
            }
        }
        match (read(directory), self) {
            (Ok(None), _) => Ok(()),
            (Ok(Some(set)), Self::Token { place, state }) => Pkcs11Vault::open(place.clone(), set, state)?.remove(),
            (Ok(Some(set)), Self::Software) => {
                tracing::warn!(%set, "keys of an earlier enrolment stay in a token that the settings do not name");
                Ok(())
            }
            (Err(error), _) => {
                tracing::warn!(%error, "which keys in the token are to be destroyed is not known; they stay");
                Ok(())
            }
        }
    }
}

fn read(directory: &Path) -> Result<Option<KeySet>, VaultError> {
    let path = directory.join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot_open(&path, error)),
    };
    let file: TokenFile = toml::from_str(&text).map_err(|error| cannot_open(&path, error.message()))?;
    match KeySet::parse(&file.set) {
        Some(set) => Ok(Some(set)),
        None => Err(cannot_open(&path, "it names no set of keys")),
    }
}

fn write(directory: &Path, set: &KeySet) -> Result<(), VaultError> {
    let path = directory.join(FILE);
    let text = format!("# Which keys in the token are this terminal's.\nset = \"{set}\"\n");
    files::write(&path, text.as_bytes()).map_err(|error| cannot_write(&path, &error))
}

fn cannot_open(path: &Path, problem: impl ToString) -> VaultError {
    VaultError::Open { place: path.display().to_string(), problem: problem.to_string() }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> VaultError {
    VaultError::Write { place: path.display().to_string(), problem: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(directory: &Path) -> Custody {
        let place = Place {
            module: "/nowhere/module.so".into(),
            token: "shop".to_owned(),
            pin_file: directory.join("token.pin"),
        };
        Custody::Token { place, state: directory.to_owned() }
    }

    #[test]
    fn a_directory_says_which_keys_in_the_token_are_its_own() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read(directory.path()).unwrap(), None);
        assert!(token(directory.path()).begin(directory.path()).is_err(), "there is no such token");
        assert_eq!(read(directory.path()).unwrap(), None, "what was not begun leaves nothing to destroy");
        let set = KeySet::draw().unwrap();
        write(directory.path(), &set).unwrap();
        assert_eq!(read(directory.path()).unwrap(), Some(set));
    }

    #[test]
    fn keys_that_cannot_be_destroyed_are_not_forgotten_and_where_there_are_none_no_token_is_needed() {
        let directory = tempfile::tempdir().unwrap();
        token(directory.path()).destroy(directory.path()).unwrap();
        write(directory.path(), &KeySet::draw().unwrap()).unwrap();
        assert!(token(directory.path()).destroy(directory.path()).is_err());
        std::fs::write(directory.path().join(FILE), "set = \"\"\n").unwrap();
        assert!(token(directory.path()).open(directory.path()).is_err(), "a damaged name is not taken for none");
    }

    #[test]
    fn the_pin_goes_over_when_it_is_kept_in_the_directory_and_only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(from.path().join("token.pin"), "271828\n").unwrap();
        token(from.path()).hand_over(from.path(), to.path()).unwrap();
        let copy = to.path().join("token.pin");
        assert_eq!(std::fs::read_to_string(&copy).unwrap(), "271828\n");
        assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        let elsewhere = tempfile::tempdir().unwrap();
        token(elsewhere.path()).hand_over(from.path(), to.path()).unwrap();
        Custody::Software.hand_over(from.path(), to.path()).unwrap();
    }
}
