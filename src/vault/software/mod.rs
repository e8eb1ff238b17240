//! Keys in a file, for tests and the sandbox. The file's name and its content say TEST; a terminal on a counter has a
//! secure element instead.

mod file;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use self::file::{Content, Step};
use super::{
    KeyName, SealedKey, SecureElement, StorageKey, VaultError, agreement, compare_check_value, nonce, unwrapped,
};
use crate::card_number::Pan;
use crate::crypto::check_value::check_value;
use crate::crypto::cipher::BlockKey;
use crate::crypto::elliptic::{P256PrivateKey, P256PublicKey, SEED};
use crate::crypto::gcm::KEY;
use crate::crypto::mac::{Cipher, MacAlgorithm};
use crate::crypto::sm4::Sm4Key;
use crate::crypto::{device, gcm, pin_block};
use crate::pin::Pin;

/// Name of the file within the identity directory.
pub const FILE: &str = "vault-TEST.toml";

/// Bytes of a check value that are told.
const CHECK_VALUE: usize = 4;

/// A secure element that is a file. Masks itself; the keys are wiped when it is dropped.
#[derive(Debug)]
pub struct SoftwareVault {
    /// Where the file is; none for a vault that lives as long as the program.
    directory: Option<PathBuf>,
    state: Mutex<State>,
    kinds: Mutex<Kinds>,
}

/// What keys the dialect has.
#[derive(Clone, Copy, Debug, Default)]
struct Kinds {
    /// Cipher of master, PIN and data key.
    cipher: Cipher,
    mac: MacAlgorithm,
}

/// Whether there are keys. Each of them masks itself.
#[derive(Debug)]
enum State {
    Keys(Box<Keys>),
    Destroyed,
}

#[derive(Clone, Debug, Default)]
struct Keys {
    pair: Option<P256PrivateKey>,
    master: Option<BlockKey>,
    device: Option<Sm4Key>,
    /// Of the master key's cipher.
    pin: Option<BlockKey>,
    mac: Option<BlockKey>,
    /// Of the master key's cipher.
    data: Option<BlockKey>,
    /// Oldest first.
    storage: Vec<StoredKey>,
}

/// A storage key. Masks itself and is wiped when dropped.
#[derive(Clone)]
struct StoredKey {
    number: StorageKey,
    key: Zeroizing<[u8; KEY]>,
}

impl SoftwareVault {
    /// Opens `vault-TEST.toml` in a directory.
    ///
    /// # Errors
    /// When it is missing, readable by others than its owner, or not of this shape.
    pub fn open(directory: &Path) -> Result<Self, VaultError> {
        Self::read(directory)?.ok_or_else(|| VaultError::Open {
            place: directory.join(FILE).display().to_string(),
            problem: "it is not there; enrol the terminal".to_owned(),
        })
    }

    /// As [`SoftwareVault::open`], for a terminal that may not have one yet. The first key makes the file.
    ///
    /// # Errors
    /// When there is one that cannot be used.
    pub fn create(directory: &Path) -> Result<Self, VaultError> {
        Ok(Self::read(directory)?.unwrap_or_else(|| Self::of(Some(directory), State::empty())))
    }

    /// A vault without a file.
    pub fn in_memory() -> Self {
        Self::of(None, State::empty())
    }

    fn of(directory: Option<&Path>, state: State) -> Self {
        Self { directory: directory.map(Path::to_owned), state: Mutex::new(state), kinds: Mutex::default() }
    }

    fn read(directory: &Path) -> Result<Option<Self>, VaultError> {
        match file::read(directory)? {
            Content::Missing => Ok(None),
            Content::State(state) => Ok(Some(Self::of(Some(directory), state))),
            Content::HalfDestroyed => {
                let vault = Self::of(Some(directory), State::Destroyed);
                vault.zeroize()?;
                Ok(Some(vault))
            }
        }
    }

    /// Makes a state the one that counts, on disk first.
    fn put(&self, held: &mut State, state: State) -> Result<(), VaultError> {
        self.write(|directory| file::replacement(directory, &state))?;
        *held = state;
        Ok(())
    }

    fn write(&self, steps: impl FnOnce(&Path) -> std::io::Result<Vec<Step>>) -> Result<(), VaultError> {
        let Some(directory) = &self.directory else { return Ok(()) };
        steps(directory).and_then(|steps| steps.into_iter().try_for_each(Step::carry_out)).map_err(|error| {
            VaultError::Write { place: directory.join(FILE).display().to_string(), problem: error.to_string() }
        })
    }

    fn held(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kinds(&self) -> MutexGuard<'_, Kinds> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at a key.
    fn with<R>(&self, work: impl FnOnce(&Keys) -> Result<R, VaultError>) -> Result<R, VaultError> {
        work(self.held().keys()?)
    }

    /// Puts a key into its place, as no acquirer can.
    #[cfg(test)]
    pub(crate) fn set(&self, name: KeyName, key: &[u8]) {
        let mut held = self.held();
        let mut keys = held.keys().unwrap().clone();
        match name {
            KeyName::Device => keys.device = Some(Sm4Key::new(key).unwrap()),
            KeyName::Master => keys.master = Some(self.kinds().cipher.key(key).unwrap()),
            KeyName::Mac => keys.mac = Some(self.kinds().mac.key(key).unwrap()),
            KeyName::Pin => keys.pin = Some(self.kinds().cipher.key(key).unwrap()),
            KeyName::Data => keys.data = Some(self.kinds().cipher.key(key).unwrap()),
        }
        self.put(&mut held, State::Keys(Box::new(keys))).unwrap();
    }
}

impl SecureElement for SoftwareVault {
    fn generate(&self) -> Result<Vec<u8>, VaultError> {
        let mut seed = Zeroizing::new([0; SEED]);
        getrandom::fill(seed.as_mut_slice()).map_err(|error| VaultError::Random(error.to_string()))?;
        let pair = P256PrivateKey::from_seed(&seed)?;
        let public_key = pair.public_key()?.to_der()?;
        let mut held = self.held();
        let before = match &*held {
            State::Keys(keys) => Keys::clone(keys),
            State::Destroyed => Keys::default(),
        };
        self.put(&mut held, State::Keys(Box::new(Keys { pair: Some(pair), ..before })))?;
        Ok(public_key)
    }

    fn public_key(&self) -> Result<Vec<u8>, VaultError> {
        self.with(|keys| Ok(keys.pair()?.public_key()?.to_der()?))
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.with(|keys| Ok(keys.pair()?.sign(message)?))
    }

    fn import_under_agreement(
        &self,
        host_key: &[u8],
        context: &[u8],
        master: &str,
        device: &str,
    ) -> Result<(), VaultError> {
        let host_key = P256PublicKey::from_der(host_key)?;
        let mut held = self.held();
        let pair = held.keys()?.pair()?;
        let protection_key = agreement::protection_key(pair, &host_key, context)?;
        let cipher = self.kinds().cipher;
        let master = agreement::open(KeyName::Master, cipher, &protection_key, master)?;
        let device = agreement::open(KeyName::Device, cipher, &protection_key, device)?;
        let keys = Keys {
            pair: Some(pair.clone()),
            master: Some(cipher.key(&master)?),
            device: Some(Sm4Key::new(&device)?),
            storage: held.keys()?.storage.clone(),
            ..Keys::default()
        };
        self.put(&mut held, State::Keys(Box::new(keys)))
    }

    fn import_under_master(&self, keys: &[SealedKey<'_>]) -> Result<(), VaultError> {
        let mut held = self.held();
        let before = held.keys()?;
        let kinds = *self.kinds();
        let master = of(kinds.cipher, &before.master).ok_or_else(|| KeyName::Master.missing())?;
        let mut after = Keys { pin: None, mac: None, data: None, ..before.clone() };
        for sealed in keys {
            let place = after.working(sealed.name).filter(|place| place.is_none());
            *place.ok_or(VaultError::NotInSet(sealed.name))? = Some(opened(kinds, master, sealed)?);
        }
        self.put(&mut held, State::Keys(Box::new(after)))
    }

    fn check_value(&self, key: KeyName) -> Result<Option<Vec<u8>>, VaultError> {
        self.with(|keys| {
            let kinds = *self.kinds();
            let key = match key {
                KeyName::Master => of(kinds.cipher, &keys.master).cloned(),
                KeyName::Device => keys.device.clone().map(BlockKey::Sm4),
                KeyName::Pin => of(kinds.cipher, &keys.pin).cloned(),
                KeyName::Mac => keys.mac_for(kinds.mac).cloned(),
                KeyName::Data => of(kinds.cipher, &keys.data).cloned(),
            };
            let Some(key) = key else { return Ok(None) };
            let mut value = check_value(&key, Cipher::of(&key).check_value())?;
            value.truncate(CHECK_VALUE);
            Ok(Some(value))
        })
    }

    fn set_mac_algorithm(&self, algorithm: MacAlgorithm) -> Result<(), VaultError> {
        self.kinds().mac = algorithm;
        Ok(())
    }

    fn set_key_cipher(&self, cipher: Cipher) -> Result<(), VaultError> {
        self.kinds().cipher = cipher;
        Ok(())
    }

    fn mac(&self, message: &[u8]) -> Result<[u8; 8], VaultError> {
        let algorithm = self.kinds().mac;
        self.with(|keys| {
            let key = keys.mac_for(algorithm).ok_or_else(|| KeyName::Mac.missing())?;
            Ok(algorithm.field_64(key, message)?)
        })
    }

    fn encrypt_pin(&self, pin: &Pin, pan: &Pan) -> Result<Vec<u8>, VaultError> {
        let mut random = [0; pin_block::format_4::RANDOM];
        getrandom::fill(&mut random).map_err(|error| VaultError::Random(error.to_string()))?;
        let cipher = self.kinds().cipher;
        self.with(|keys| {
            let key = of(cipher, &keys.pin).ok_or_else(|| KeyName::Pin.missing())?;
            Ok(pin_block::seal(key, pin, pan.expose_digits(), &random)?)
        })
    }

    fn device_ciphertext(&self, serial_number: &str, factor: &str) -> Result<String, VaultError> {
        self.with(|keys| {
            let key = keys.device.as_ref().ok_or_else(|| KeyName::Device.missing())?;
            Ok(device::ciphertext(key, serial_number, factor)?)
        })
    }

    fn secret_for(&self, purpose: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.with(|keys| {
            let key = keys.device.as_ref().ok_or_else(|| KeyName::Device.missing())?;
            Ok(device::secret_for(key, purpose)?)
        })
    }

    fn storage_keys(&self) -> Result<Vec<StorageKey>, VaultError> {
        self.with(|keys| Ok(keys.storage.iter().map(|stored| stored.number).collect()))
    }

    fn make_storage_key(&self) -> Result<StorageKey, VaultError> {
        let mut key = Zeroizing::new([0; KEY]);
        getrandom::fill(key.as_mut_slice()).map_err(|error| VaultError::Random(error.to_string()))?;
        let number = StorageKey::draw()?;
        let mut held = self.held();
        let mut keys = held.keys()?.clone();
        keys.storage.push(StoredKey { number, key });
        self.put(&mut held, State::Keys(Box::new(keys)))?;
        Ok(number)
    }

    fn destroy_storage_keys_but(&self, kept: StorageKey) -> Result<(), VaultError> {
        let mut held = self.held();
        let before = held.keys()?;
        before.stored(kept)?;
        if before.storage.len() == 1 {
            return Ok(());
        }
        let mut keys = before.clone();
        keys.storage.retain(|stored| stored.number == kept);
        self.put(&mut held, State::Keys(Box::new(keys)))
    }

    fn wrap_key(&self, under: StorageKey, key: &[u8; KEY], bound: &[u8]) -> Result<Vec<u8>, VaultError> {
        let nonce = nonce()?;
        self.with(|keys| Ok(gcm::seal(keys.stored(under)?, &nonce, bound, key)?))
    }

    fn unwrap_key(&self, under: StorageKey, wrapped: &[u8], bound: &[u8]) -> Result<Zeroizing<[u8; KEY]>, VaultError> {
        self.with(|keys| unwrapped(&gcm::open(keys.stored(under)?, bound, wrapped)?))
    }

    fn zeroize(&self) -> Result<(), VaultError> {
        let mut held = self.held();
        // Gone from memory whatever the disk says.
        *held = State::Destroyed;
        self.write(file::destruction)
    }

    fn is_test(&self) -> bool {
        true
    }

    fn name(&self) -> String {
        match &self.directory {
            Some(directory) => format!("file {}", directory.join(FILE).display()),
            None => "memory".to_owned(),
        }
    }
}

impl State {
    fn empty() -> Self {
        Self::Keys(Box::default())
    }

    fn keys(&self) -> Result<&Keys, VaultError> {
        match self {
            Self::Keys(keys) => Ok(keys),
            Self::Destroyed => Err(VaultError::Destroyed),
        }
    }
}

impl Keys {
    fn pair(&self) -> Result<&P256PrivateKey, VaultError> {
        self.pair.as_ref().ok_or(VaultError::NotEnrolled("device key pair"))
    }

    fn stored(&self, number: StorageKey) -> Result<&[u8; KEY], VaultError> {
        let stored = self.storage.iter().find(|stored| stored.number == number);
        Ok(&stored.ok_or(VaultError::NoStorageKey(number))?.key)
    }

    const fn working(&mut self, name: KeyName) -> Option<&mut Option<BlockKey>> {
        match name {
            KeyName::Pin => Some(&mut self.pin),
            KeyName::Mac => Some(&mut self.mac),
            KeyName::Data => Some(&mut self.data),
            KeyName::Master | KeyName::Device => None,
        }
    }

    /// The MAC key, when this algorithm can use it.
    fn mac_for(&self, algorithm: MacAlgorithm) -> Option<&BlockKey> {
        of(algorithm.cipher(), &self.mac).filter(|key| algorithm.key_lengths().contains(&key.expose_bytes().len()))
    }

    fn is_empty(&self) -> bool {
        let symmetric = [&self.master, &self.pin, &self.mac, &self.data];
        self.pair.is_none()
            && self.device.is_none()
            && self.storage.is_empty()
            && symmetric.iter().all(|key| key.is_none())
    }
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredKey({}, masked)", self.number.number())
    }
}

/// A key, when it is one of this cipher.
fn of(cipher: Cipher, key: &Option<BlockKey>) -> Option<&BlockKey> {
    key.as_ref().filter(|key| Cipher::of(key) == cipher)
}

/// A working key in the clear, when it has a length of its kind's keys and its check value is right.
fn opened(kinds: Kinds, master: &BlockKey, sealed: &SealedKey<'_>) -> Result<BlockKey, VaultError> {
    let (name, length) = (sealed.name, sealed.sealed.len());
    let (cipher, lengths) = match name {
        KeyName::Mac => (kinds.mac.cipher(), kinds.mac.key_lengths()),
        _ => (kinds.cipher, kinds.cipher.key_lengths()),
    };
    // Each block is under the master key on its own.
    if !lengths.contains(&length) || !length.is_multiple_of(master.block_length()) {
        return Err(VaultError::Length { key: name, length });
    }
    let key = cipher.key(&Zeroizing::new(master.decrypt_ecb(sealed.sealed)?))?;
    compare_check_value(name, &check_value(&key, cipher.check_value())?, sealed.check_value)?;
    Ok(key)
}
