//! On which machine this is: a fingerprint of what the machine says of itself, noted at enrolment.
//!
//! The note that is kept beside the keys can only check a fingerprint, not make one; the proof that goes into messages needs
//! the fingerprint itself, taken anew at each start. So a copied state directory is refused on another machine, and a
//! program that leaves this check out is refused by the host. Whoever can read the first machine's numbers as well can imitate
//! it: only keys in a secure element that cannot be copied are proof against that.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::files;
use crate::crypto::sha256::{HASH_LENGTH, hmac_sha256, sha256};
use crate::crypto::{CryptoError, hex, mac};

/// Name of the note within the identity directory.
pub const FILE: &str = "machine.toml";

/// Where a machine says which it is, when the settings say nothing else: systemd's number of the installation, the serial
/// number of a board with a device tree, the number of a PC's firmware (which only root may read).
pub const SOURCES: [&str; 3] =
    ["/etc/machine-id", "/sys/firmware/devicetree/base/serial-number", "/sys/class/dmi/id/product_uuid"];

/// Longest source that is read, in bytes.
const LONGEST_SOURCE: usize = 4096;

/// Hexadecimal digits of a proof.
const PROOF_DIGITS: usize = 16;

/// What the machine says of itself. Masks itself; wiped when it is dropped.
pub struct Fingerprint {
    sources: Vec<PathBuf>,
    hash: Zeroizing<[u8; HASH_LENGTH]>,
}

/// What enrolment keeps of a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineNote {
    /// The files that were read.
    sources: Vec<PathBuf>,
    /// What the same files must give, hexadecimal.
    verifier: String,
}

/// Proves to the host on which machine a request was made. Masks itself; wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct MachineProof(Zeroizing<[u8; HASH_LENGTH]>);

/// Why this is not, or not known to be, the machine that was enrolled.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// Nothing names the machine.
    #[error("nothing on this machine tells it from others (terminal.machine); name a file that does")]
    Nameless,
    /// The note of enrolment cannot be read or written.
    #[error("{path}: {problem}; enrol this terminal anew")]
    Note {
        /// Which file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Another machine.
    #[error(
        "these keys were made on another machine, or this one has been changed: {0} is not as it was when the terminal was \
         enrolled. Take no payment. Call the acquirer; after a repair the terminal is enrolled anew"
    )]
    Other(String),
    /// OpenSSL failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl Fingerprint {
    /// Takes the fingerprint of those sources that can be read and say something.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn take(sources: &[PathBuf]) -> Result<Self, CryptoError> {
        let readable = sources.iter().filter(|source| read(source).is_some()).cloned().collect();
        Self::of(readable)
    }

    /// One that cannot be read says nothing, which is another fingerprint than with it.
    fn of(sources: Vec<PathBuf>) -> Result<Self, CryptoError> {
        let mut said = Zeroizing::new(b"yima machine 1".to_vec());
        for source in &sources {
            let content = read(source).unwrap_or_default();
            said.extend((content.len() as u64).to_be_bytes());
            said.extend(content.iter());
        }
        Ok(Self { sources, hash: Zeroizing::new(sha256(&[&said])?) })
    }

    /// Whether no source said anything.
    pub fn is_nameless(&self) -> bool {
        self.sources.is_empty()
    }

    /// What is kept to check it.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn note(&self, serial_number: &str) -> Result<MachineNote, CryptoError> {
        Ok(MachineNote { sources: self.sources.clone(), verifier: self.verifier(serial_number)? })
    }

    /// What proves it to the host.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn proof(&self, serial_number: &str) -> Result<MachineProof, CryptoError> {
        let key = hmac_sha256(&*self.hash, &[b"proof\0", serial_number.as_bytes()])?;
        Ok(MachineProof(Zeroizing::new(key)))
    }

    fn verifier(&self, serial_number: &str) -> Result<String, CryptoError> {
        Ok(hex::encode(&hmac_sha256(&*self.hash, &[b"verifier\0", serial_number.as_bytes()])?))
    }
}

impl MachineNote {
    /// Reads the note from the identity directory.
    ///
    /// # Errors
    /// When it is missing or not one.
    pub fn load(directory: &Path) -> Result<Self, MachineError> {
        let path = directory.join(FILE);
        let refused = |problem: String| MachineError::Note { path: path.display().to_string(), problem };
        let text = std::fs::read_to_string(&path).map_err(|error| refused(error.to_string()))?;
        toml::from_str(&text).map_err(|error| refused(error.message().to_owned()))
    }

    /// Writes the note into the identity directory.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, directory: &Path) -> Result<(), MachineError> {
        let path = directory.join(FILE);
        let refused = |problem: String| MachineError::Note { path: path.display().to_string(), problem };
        let text = toml::to_string(self).map_err(|error| refused(error.to_string()))?;
        files::write(&path, text.as_bytes()).map_err(|error| refused(error.to_string()))
    }

    /// The fingerprint of the machine that this is now, by the sources that were noted.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn fingerprint_now(&self) -> Result<Fingerprint, CryptoError> {
        Fingerprint::of(self.sources.clone())
    }

    /// Is this the machine that was enrolled?
    ///
    /// # Errors
    /// When not; the sentence is for the help desk.
    pub fn check(&self, serial_number: &str) -> Result<(), MachineError> {
        let found = self.fingerprint_now()?.verifier(serial_number)?;
        if mac::equal(found.as_bytes(), self.verifier.as_bytes()) {
            return Ok(());
        }
        let gone = self.sources.iter().find(|source| read(source).is_none());
        let named = match (gone, self.sources.as_slice()) {
            (Some(gone), _) => format!("{} cannot be read and", gone.display()),
            (None, [only]) => only.display().to_string(),
            (None, several) => {
                several.iter().map(|source| source.display().to_string()).collect::<Vec<_>>().join(" or ")
            }
        };
        Err(MachineError::Other(named))
    }
}

impl MachineProof {
    /// The key as the host registers it, hexadecimal.
    pub fn expose_key(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(&*self.0))
    }

    /// Takes the key that the host has registered.
    pub fn of_key(key: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(key.try_into().ok()?)))
    }

    /// What goes into a message: sixteen hexadecimal digits over serial number and random factor.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn over(&self, serial_number: &str, factor: &str) -> Result<String, CryptoError> {
        let hash = hmac_sha256(&*self.0, &[serial_number.as_bytes(), b"\0", factor.as_bytes()])?;
        let mut text = hex::encode(&hash);
        text.truncate(PROOF_DIGITS);
        Ok(text)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({} sources, masked)", self.sources.len())
    }
}

impl fmt::Debug for MachineProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MachineProof(masked)")
    }
}

/// What a source says, without the white space and zeros around it; nothing when it cannot be read or is empty.
fn read(source: &Path) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(std::fs::read(source).ok()?);
    bytes.truncate(LONGEST_SOURCE);
    let outer = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    let start = bytes.iter().position(|byte| !outer(byte))?;
    let end = bytes.iter().rposition(|byte| !outer(byte))?;
    Some(Zeroizing::new(bytes[start..=end].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERIAL: &str = "00000402TEST0001";

    #[test]
    fn the_machine_that_was_enrolled_is_known_again_and_another_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let sources = ["machine-id", "board", "absent"].map(|name| directory.path().join(name));
        std::fs::write(&sources[0], "3d1219c7\n").unwrap();
        std::fs::write(&sources[1], "100000001\0").unwrap();
        let fingerprint = Fingerprint::take(&sources).unwrap();
        let proof = fingerprint.proof(SERIAL).unwrap();
        fingerprint.note(SERIAL).unwrap().save(directory.path()).unwrap();
        let note = MachineNote::load(directory.path()).unwrap();
        note.check(SERIAL).unwrap();
        assert_eq!(note.fingerprint_now().unwrap().proof(SERIAL).unwrap(), proof);
        // A source that says something only later is none of those that were noted.
        std::fs::write(&sources[2], "later").unwrap();
        note.check(SERIAL).unwrap();
        std::fs::write(&sources[0], " 3d1219c7").unwrap();
        note.check(SERIAL).unwrap();

        assert!(note.check("00000402TEST0002").is_err(), "another terminal's note");
        std::fs::write(&sources[1], "100000002").unwrap();
        let said = note.check(SERIAL).unwrap_err().to_string();
        assert!(said.contains("board") && said.contains("Call the acquirer"), "{said}");
        assert_ne!(note.fingerprint_now().unwrap().proof(SERIAL).unwrap(), proof);
        std::fs::remove_file(&sources[1]).unwrap();
        assert!(note.check(SERIAL).unwrap_err().to_string().contains("board cannot be read"));
    }

    #[test]
    fn what_one_source_says_cannot_stand_for_another() {
        let directory = tempfile::tempdir().unwrap();
        let sources = ["a", "b"].map(|name| directory.path().join(name));
        let mut proofs = Vec::new();
        for (a, b) in [("12", "3"), ("1", "23"), ("3", "12"), ("123", "x")] {
            std::fs::write(&sources[0], a).unwrap();
            std::fs::write(&sources[1], b).unwrap();
            proofs.push(Fingerprint::take(&sources).unwrap().proof(SERIAL).unwrap().over(SERIAL, "000001").unwrap());
        }
        let count = proofs.len();
        proofs.sort();
        proofs.dedup();
        assert_eq!(proofs.len(), count);
    }

    #[test]
    fn a_proof_is_for_one_factor_and_shows_neither_key_nor_fingerprint() {
        let proof = Fingerprint::take(&[]).unwrap().proof(SERIAL).unwrap();
        assert_eq!(proof.over(SERIAL, "000001").unwrap().len(), 16);
        assert_ne!(proof.over(SERIAL, "000001").unwrap(), proof.over(SERIAL, "000002").unwrap());
        assert_eq!(format!("{proof:?}"), "MachineProof(masked)");
        let key = hex::decode(&proof.expose_key()).unwrap();
        assert_eq!(MachineProof::of_key(&key), Some(proof));
        assert!(Fingerprint::take(&[]).unwrap().is_nameless());
    }
}
