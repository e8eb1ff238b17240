//! The file of a software vault: how it is read, and how it is replaced and destroyed as a list of steps, so that a power
//! cut between any two of them leaves the old keys, the new ones or none.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{FILE, Keys, State, StoredKey};
use crate::crypto::CryptoError;
use crate::crypto::cipher::BlockKey;
use crate::crypto::elliptic::P256PrivateKey;
use crate::crypto::hex;
use crate::crypto::mac::Cipher;
use crate::crypto::sm4::Sm4Key;
use crate::vault::{StorageKey, VaultError};

/// The file. TOML's own buffers cannot be wiped, which is one of the reasons why the keys in it are for tests only.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct VaultFile {
    /// Must be true: this file never holds other keys.
    test: bool,
    /// There were keys, and somebody destroyed them.
    #[serde(default)]
    destroyed: bool,
    device_key_pair: Option<String>,
    /// Cipher of master, PIN and data key, when that is not TDES.
    key_cipher: Option<String>,
    master_key: Option<String>,
    device_key: Option<String>,
    pin_key: Option<String>,
    mac_key: Option<String>,
    /// Its cipher, when that is not TDES.
    mac_cipher: Option<String>,
    data_key: Option<String>,
    /// Number and key of each, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    storage_keys: Vec<String>,
}

/// What a file holds.
pub(super) enum Content {
    /// There is none.
    Missing,
    /// What it says.
    State(State),
    /// Its destruction was cut short and is to be finished.
    HalfDestroyed,
}

/// One thing that is done to the disk.
#[derive(Debug)]
pub(super) enum Step {
    /// Takes a file away, if it is there.
    Remove(PathBuf),
    /// Writes a file that only its owner may read, durably.
    Write(PathBuf, Zeroizing<String>),
    /// Gives a file its name.
    Rename(PathBuf, PathBuf),
    /// Makes what was done in a directory durable.
    Sync(PathBuf),
    /// Puts zeros in place of what a file holds, durably. On flash the cells may keep it all the same.
    Overwrite(File),
}

/// Reads the file of a directory.
pub(super) fn read(directory: &Path) -> Result<Content, VaultError> {
    let path = directory.join(FILE);
    let refused = |problem: String| VaultError::Open { place: path.display().to_string(), problem };
    let mode = match std::fs::metadata(&path) {
        Ok(metadata) => metadata.permissions().mode(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Content::Missing),
        Err(error) => return Err(refused(error.to_string())),
    };
    if mode & 0o077 != 0 {
        return Err(refused(format!("others may read it (mode {:o}); make it 600", mode & 0o777)));
    }
    let text = Zeroizing::new(std::fs::read_to_string(&path).map_err(|error| refused(error.to_string()))?);
    // No text has a zero in it: somebody was destroying the keys.
    if text.contains('\0') {
        return Ok(Content::HalfDestroyed);
    }
    // What TOML says of a mistake repeats the line, which may be a key; only its kind is passed on.
    let file: VaultFile = toml::from_str(&text).map_err(|error| refused(error.message().to_owned()))?;
    if !file.test {
        return Err(refused(
            "it does not say test = true; keys of a real acquirer belong into a secure element".to_owned(),
        ));
    }
    let keys = file.keys().map_err(refused)?;
    match (file.destroyed, keys.is_empty()) {
        (true, true) => Ok(Content::State(State::Destroyed)),
        (true, false) => Err(refused("it says that the keys were destroyed, and holds some".to_owned())),
        (false, _) => Ok(Content::State(State::Keys(Box::new(keys)))),
    }
}

/// What makes a state the one that counts. The keys before it are overwritten once nothing names them any more.
pub(super) fn replacement(directory: &Path, state: &State) -> Result<Vec<Step>, Error> {
    let before = old_file(directory)?;
    let mut steps = naming(directory, state)?;
    steps.extend(before.map(Step::Overwrite));
    Ok(steps)
}

/// What destroys the keys: first they are gone from the disk, then the file says so. Zeros in it say so as well.
pub(super) fn destruction(directory: &Path) -> Result<Vec<Step>, Error> {
    let mut steps: Vec<_> = old_file(directory)?.map(Step::Overwrite).into_iter().collect();
    steps.extend(naming(directory, &State::Destroyed)?);
    Ok(steps)
}

fn naming(directory: &Path, state: &State) -> Result<Vec<Step>, Error> {
    let (path, fresh) = (directory.join(FILE), directory.join(format!("{FILE}.new")));
    // What a power cut left of an earlier try may hold keys too.
    let left_over = writable(&fresh)?;
    let mut steps: Vec<_> = left_over.map(Step::Overwrite).into_iter().collect();
    steps.extend([
        Step::Remove(fresh.clone()),
        Step::Write(fresh.clone(), VaultFile::text(state)?),
        // This one decides.
        Step::Rename(fresh, path),
        Step::Sync(directory.to_owned()),
    ]);
    Ok(steps)
}

fn old_file(directory: &Path) -> Result<Option<File>, Error> {
    writable(&directory.join(FILE))
}

fn writable(path: &Path) -> Result<Option<File>, Error> {
    match OpenOptions::new().write(true).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Step {
    pub(super) fn carry_out(self) -> Result<(), Error> {
        match self {
            Self::Remove(path) => match std::fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
            Self::Write(path, text) => {
                let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
                file.write_all(text.as_bytes())?;
                file.sync_all()
            }
            Self::Rename(from, to) => std::fs::rename(from, to),
            Self::Sync(directory) => File::open(directory)?.sync_all(),
            Self::Overwrite(mut file) => {
                let zeros = vec![0; usize::try_from(file.metadata()?.len()).unwrap_or(0)];
                file.seek(SeekFrom::Start(0))?;
                file.write_all(&zeros)?;
                file.sync_all()
            }
        }
    }
}

impl VaultFile {
    fn keys(&self) -> Result<Keys, String> {
        fn key<K>(
            name: &str,
            text: Option<&String>,
            new: impl Fn(&[u8]) -> Result<K, CryptoError>,
        ) -> Result<Option<K>, String> {
            let Some(text) = text else { return Ok(None) };
            let bytes = hex::decode(text).map(Zeroizing::new).map_err(|error| format!("{name}: {error}"))?;
            new(&bytes).map(Some).map_err(|error| format!("{name}: {error}"))
        }
        let cipher = |name: &str, word: Option<&String>| match word {
            None => Ok(Cipher::Tdes),
            Some(word) => Cipher::from_word(word).ok_or_else(|| format!("{name}: there is no cipher {word}")),
        };
        let mac_cipher = cipher("mac_cipher", self.mac_cipher.as_ref())?;
        let cipher = cipher("key_cipher", self.key_cipher.as_ref())?;
        Ok(Keys {
            pair: key("device_key_pair", self.device_key_pair.as_ref(), P256PrivateKey::new)?,
            master: key("master_key", self.master_key.as_ref(), |bytes| cipher.key(bytes))?,
            device: key("device_key", self.device_key.as_ref(), Sm4Key::new)?,
            pin: key("pin_key", self.pin_key.as_ref(), |bytes| cipher.key(bytes))?,
            mac: key("mac_key", self.mac_key.as_ref(), |bytes| mac_cipher.key(bytes))?,
            data: key("data_key", self.data_key.as_ref(), |bytes| cipher.key(bytes))?,
            storage: self.storage_keys.iter().map(|text| stored(text)).collect::<Result<_, _>>()?,
        })
    }

    fn text(state: &State) -> Result<Zeroizing<String>, Error> {
        let none = Keys::default();
        let (destroyed, keys) = match state {
            State::Keys(keys) => (false, &**keys),
            State::Destroyed => (true, &none),
        };
        let written = |key: &Option<BlockKey>| key.as_ref().map(|key| hex::encode(key.expose_bytes()));
        let cipher = |key: Option<&BlockKey>| {
            key.map(Cipher::of).filter(|cipher| *cipher != Cipher::Tdes).map(|cipher| cipher.word().to_owned())
        };
        // One of them is there when any is, and all have the same.
        let first = keys.master.as_ref().or(keys.pin.as_ref()).or(keys.data.as_ref());
        let pair = keys.pair.as_ref().map(P256PrivateKey::expose_number).transpose().map_err(Error::other)?;
        let file = Self {
            test: true,
            destroyed,
            device_key_pair: pair.map(|number| hex::encode(number.as_slice())),
            key_cipher: cipher(first),
            master_key: written(&keys.master),
            device_key: keys.device.as_ref().map(|key| hex::encode(key.expose_bytes())),
            pin_key: written(&keys.pin),
            mac_key: written(&keys.mac),
            mac_cipher: cipher(keys.mac.as_ref()),
            data_key: written(&keys.data),
            storage_keys: keys
                .storage
                .iter()
                .map(|stored| format!("{} {}", stored.number.number(), *Zeroizing::new(hex::encode(&*stored.key))))
                .collect(),
        };
        let mut text =
            Zeroizing::new(String::from("# TEST keys of a sandbox. They protect nothing and belong to no acquirer.\n"));
        text.push_str(&Zeroizing::new(toml::to_string(&file).map_err(Error::other)?));
        Ok(text)
    }
}

/// Number and key of a storage key, as a line of the file has them.
fn stored(text: &str) -> Result<StoredKey, String> {
    let wrong = || "storage_keys: one of them is not a number and a key of 32 bytes".to_owned();
    let (number, key) = text.split_once(' ').ok_or_else(wrong)?;
    let number = number.parse().map(StorageKey::of_number).map_err(|_| wrong())?;
    let bytes = hex::decode(key).map(Zeroizing::new).map_err(|_| wrong())?;
    let key = bytes.as_slice().try_into().map(Zeroizing::new).map_err(|_| wrong())?;
    Ok(StoredKey { number, key })
}
