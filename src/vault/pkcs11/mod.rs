//! Keys in a secure element that speaks PKCS #11: an HSM, a chip on the board, a smart card.
//!
//! The device key pair is made in the token and stays there; master and working keys are objects of the token that work
//! inside and cannot be read. What tokens do not know (HKDF, key blocks, SM4) is done here: at enrolment the two keys that
//! come are in our memory until the token has them, the device key once more for each computation, and where the token
//! cannot unwrap, each working key while it is brought in. All of that is wiped at once; see record 017.
//!
//! Keys are replaced by one object, the [`record`]: new keys go into the token first, then the record that names
//! them, then the old ones are destroyed. Whatever a power cut leaves between is tidied away when the vault is opened.
//!
//! A vault is one [set of keys](KeySet) in the token and touches no other: a terminal that is enrolled anew has two for a while.

mod fault;
mod key_set;
mod objects;
mod record;
mod token;

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{ObjectClass, ObjectHandle};
use zeroize::Zeroizing;

pub use self::fault::{TokenError, TokenFault};
pub use self::key_set::KeySet;
use self::objects::{Kind, Shelf};
use self::record::{Entry, Record, Sealed};
use self::token::Connection;
pub use self::token::Place;
use super::{
    KeyName, SealedKey, SecureElement, StorageKey, VaultError, agreement, compare_check_value, nonce, unwrapped,
};
use crate::card_number::Pan;
use crate::crypto::check_value::{Method, check_value};
use crate::crypto::cipher::BlockKey;
use crate::crypto::elliptic::{self, P256PublicKey};
use crate::crypto::gcm::{self, KEY};
use crate::crypto::mac::iso9797::Padding;
use crate::crypto::mac::{Cipher, MacAlgorithm};
use crate::crypto::pin_block::PinBlockError;
use crate::crypto::sm4::Sm4Key;
use crate::crypto::tdes::TdesKey;
use crate::crypto::{CryptoError, device, hex, mac, pin_block, tdes};
use crate::pin::Pin;

/// Name of the file, within the state directory, whose lock belongs to who changes the keys.
const LOCK: &str = "vault.lock";

/// Bytes of a check value that are told.
const CHECK_VALUE: usize = 4;

/// Bits of a tag of AES-GCM.
const TAG_BITS: u64 = 8 * gcm::TAG as u64;

/// What the sealed device key is bound to.
const SEALED_FOR: &[u8] = b"yima device key";

/// See the module.
pub struct Pkcs11Vault {
    place: Place,
    set: KeySet,
    lock: PathBuf,
    test: bool,
    held: Mutex<Held>,
    algorithm: Mutex<MacAlgorithm>,
}

/// What is known of the token between two calls.
#[derive(Default)]
struct Held {
    open: Option<Open>,
    /// A PIN that was refused is not tried again.
    refused: bool,
    /// Somebody destroyed the keys, whatever the token says.
    destroyed: bool,
}

/// A session, and what the token holds.
struct Open {
    connection: Connection,
    /// Which keys in the token are ours.
    set: KeySet,
    /// The record, or why it cannot be read.
    record: Result<Record, TokenFault>,
    keys: Keys,
}

/// The objects that the record names.
#[derive(Default)]
struct Keys {
    private: Option<ObjectHandle>,
    public: Option<ObjectHandle>,
    sealing: Option<ObjectHandle>,
    master: Option<ObjectHandle>,
    pin: Option<ObjectHandle>,
    mac: Option<ObjectHandle>,
    data: Option<ObjectHandle>,
    /// By their numbers, oldest first.
    storage: Vec<(u64, ObjectHandle)>,
}

/// Why something within a session does not work.
enum Problem {
    Token(TokenFault),
    Vault(VaultError),
}

impl Pkcs11Vault {
    /// Opens the vault that is a set of keys in a token, also when there are none yet. What a power cut left of it is tidied
    /// away, unless another program is changing keys.
    ///
    /// # Errors
    /// When the token is not there, lacks something, or does not let us in.
    pub fn open(place: Place, set: KeySet, state: &Path) -> Result<Self, VaultError> {
        let failed = |fault| VaultError::from(TokenError { token: place.token.clone(), fault });
        let test = place.is_test().map_err(failed)?;
        let (held, algorithm) = (Mutex::default(), Mutex::default());
        let vault = Self { place, set, lock: state.join(LOCK), test, held, algorithm };
        vault.twice(|held| vault.open_in(held).map(drop))?;
        if let Ok(file) = vault.lock_file()
            && file.try_lock().is_ok()
        {
            // What does not go now goes with the next change.
            let _ = vault.twice(|held| vault.open_in(held)?.tidy());
        }
        Ok(vault)
    }

    /// Destroys the whole set, with what says that there was one. What a power cut leaves of it can be removed again.
    ///
    /// # Errors
    /// When the token fails; then it must be tried again.
    pub fn remove(self) -> Result<(), VaultError> {
        let _alone = self.lock()?;
        self.twice(|held| Ok(self.open_in(held)?.shelf().tidy(None)?))
    }

    /// The token, in a session.
    fn open_in<'h>(&self, held: &'h mut Held) -> Result<&'h mut Open, Problem> {
        held.open(&self.place, &self.set)
    }

    /// Looks at keys, or lets them work.
    fn with<R>(&self, work: impl Fn(&Open) -> Result<R, Problem>) -> Result<R, VaultError> {
        self.twice(|held| {
            held.check()?;
            work(self.open_in(held)?)
        })
    }

    /// Changes keys, alone of all programs, from what the token holds now.
    fn change<R>(&self, work: impl Fn(&mut Open) -> Result<R, Problem>) -> Result<R, VaultError> {
        let _alone = self.lock()?;
        self.twice(|held| {
            held.check()?;
            let open = self.open_in(held)?;
            open.refresh()?;
            open.tidy()?;
            let result = work(open);
            if let Err(Problem::Vault(_)) = result {
                // What was brought in for nothing.
                open.tidy()?;
            }
            result
        })
    }

    /// Does something, and once more with a new session when the old one has ended.
    fn twice<R>(&self, work: impl Fn(&mut Held) -> Result<R, Problem>) -> Result<R, VaultError> {
        let mut held = self.held();
        let mut result = work(&mut held);
        if matches!(&result, Err(Problem::Token(fault)) if fault.may_pass()) {
            held.open = None;
            result = work(&mut held);
        }
        result.map_err(|problem| match problem {
            Problem::Token(fault) => {
                // The next call begins with what the token says then.
                held.open = None;
                TokenError { token: self.place.token.clone(), fault }.into()
            }
            Problem::Vault(error) => error,
        })
    }

    fn algorithm(&self) -> MacAlgorithm {
        *self.algorithm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_file(&self) -> std::io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&self.lock)
    }

    fn lock(&self) -> Result<File, VaultError> {
        let locked = self.lock_file().and_then(|file| match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => file.lock().map(|()| file),
            Err(TryLockError::Error(error)) => Err(error),
        });
        locked.map_err(|error| VaultError::Write { place: self.lock.display().to_string(), problem: error.to_string() })
    }
}

impl Held {
    fn check(&self) -> Result<(), VaultError> {
        if self.destroyed { Err(VaultError::Destroyed) } else { Ok(()) }
    }

    fn open(&mut self, place: &Place, set: &KeySet) -> Result<&mut Open, Problem> {
        if self.refused {
            return Err(TokenFault::PinRefused(place.pin_file.display().to_string()).into());
        }
        if self.open.is_none() {
            let connection = place.connect().inspect_err(|fault| {
                self.refused = matches!(fault, TokenFault::PinRefused(_));
            })?;
            let (record, keys) = (Ok(Record::default()), Keys::default());
            let mut open = Open { connection, set: set.clone(), record, keys };
            open.refresh()?;
            self.open = Some(open);
        }
        self.open.as_mut().ok_or_else(|| TokenFault::Lost("no session".to_owned()).into())
    }
}

impl Open {
    fn shelf(&self) -> Shelf<'_> {
        Shelf { session: &self.connection.session, set: &self.set }
    }

    /// Reads what the token holds.
    fn refresh(&mut self) -> Result<(), TokenFault> {
        self.record = match self.shelf().read_record() {
            Ok(record) => Ok(record.unwrap_or_default()),
            Err(fault @ TokenFault::Record(_)) => Err(fault),
            Err(fault) => return Err(fault),
        };
        let Ok(record) = &self.record else {
            self.keys = Keys::default();
            return Ok(());
        };
        let find = |kind, class| self.shelf().find(kind, class, record);
        let key = |name| find(Kind::Key(name), ObjectClass::SECRET_KEY);
        let mut storage = Vec::new();
        for number in &record.storage {
            let object = self.shelf().find_number(Kind::Storage, ObjectClass::SECRET_KEY, *number)?;
            storage.extend(object.map(|object| (*number, object)));
        }
        self.keys = Keys {
            private: find(Kind::Pair, ObjectClass::PRIVATE_KEY)?,
            public: find(Kind::Pair, ObjectClass::PUBLIC_KEY)?,
            sealing: find(Kind::Sealing, ObjectClass::SECRET_KEY)?,
            master: key(KeyName::Master)?,
            pin: key(KeyName::Pin)?,
            mac: key(KeyName::Mac)?,
            data: key(KeyName::Data)?,
            storage,
        };
        Ok(())
    }

    /// Destroys what the record does not name. One that cannot be read names nothing, and nothing is destroyed.
    fn tidy(&mut self) -> Result<(), Problem> {
        match &self.record {
            Ok(record) => Ok(self.shelf().tidy(Some(record))?),
            Err(_) => Ok(()),
        }
    }

    /// The record, when there are keys.
    fn record(&self) -> Result<&Record, Problem> {
        match &self.record {
            Ok(record) if record.destroyed => Err(VaultError::Destroyed.into()),
            Ok(record) => Ok(record),
            Err(TokenFault::Record(problem)) => Err(TokenFault::Record(problem.clone()).into()),
            Err(_) => Err(TokenFault::Record("it is not there".to_owned()).into()),
        }
    }

    /// Lets a record count, and destroys what it does not name.
    fn count(&mut self, record: Record) -> Result<(), Problem> {
        self.shelf().write_record(&record)?;
        // The record counts already: old keys that do not go now go with the next change.
        let _ = self.shelf().tidy(Some(&record));
        self.refresh()?;
        Ok(())
    }

    fn key(&self, name: KeyName) -> Result<Option<ObjectHandle>, Problem> {
        self.record()?;
        Ok(match name {
            KeyName::Master => self.keys.master,
            KeyName::Pin => self.keys.pin,
            KeyName::Mac => self.keys.mac,
            KeyName::Data => self.keys.data,
            KeyName::Device => None,
        })
    }

    fn private_key(&self) -> Result<ObjectHandle, Problem> {
        self.record()?;
        Ok(self.keys.private.ok_or(VaultError::NotEnrolled("device key pair"))?)
    }

    fn public_key(&self) -> Result<P256PublicKey, Problem> {
        self.record()?;
        let public = self.keys.public.ok_or(VaultError::NotEnrolled("device key pair"))?;
        let point = objects::point(&self.connection.session, public)?;
        Ok(P256PublicKey::from_point(&point).map_err(|_| TokenFault::Nonsense("a public key"))?)
    }

    /// TDES in the token, each block on its own.
    fn encrypt(&self, key: ObjectHandle, blocks: &[u8]) -> Result<Vec<u8>, Problem> {
        let sealed = self.connection.session.encrypt(&Mechanism::Des3Ecb, key, blocks).map_err(TokenFault::from)?;
        if sealed.len() == blocks.len() { Ok(sealed) } else { Err(TokenFault::Nonsense("a ciphertext").into()) }
    }

    /// Brings a key that is under the master key into the token.
    fn bring(&self, master: ObjectHandle, key: &SealedKey<'_>, number: u64) -> Result<ObjectHandle, Problem> {
        let Connection { session, unwraps } = &self.connection;
        if *unwraps {
            return Ok(self.shelf().unwrap_key(master, key.name, number, key.sealed)?);
        }
        let clear = session.decrypt(&Mechanism::Des3Ecb, master, key.sealed).map(Zeroizing::new);
        let clear = clear.map_err(TokenFault::from)?;
        if clear.len() != key.sealed.len() {
            return Err(TokenFault::Nonsense("a clear text").into());
        }
        Ok(self.shelf().put_key(key.name, number, &clear, false)?)
    }

    fn seal(&self, number: u64, device_key: &[u8]) -> Result<Sealed, Problem> {
        let key = self.shelf().generate_aes_key(Kind::Sealing, number)?;
        let nonce = nonce()?;
        let text = self.encrypt_gcm(key, nonce, SEALED_FOR, device_key)?;
        Ok(Sealed { number, nonce: hex::encode(&nonce), text: hex::encode(&text) })
    }

    /// AES-GCM in the token: ciphertext and tag.
    fn encrypt_gcm(
        &self,
        key: ObjectHandle,
        mut nonce: [u8; gcm::NONCE],
        bound: &[u8],
        clear: &[u8],
    ) -> Result<Vec<u8>, Problem> {
        let parameters = GcmParams::new(&mut nonce, bound, TAG_BITS.into()).map_err(TokenFault::from)?;
        Ok(self.connection.session.encrypt(&Mechanism::AesGcm(parameters), key, clear).map_err(TokenFault::from)?)
    }

    /// The same backwards.
    fn decrypt_gcm(
        &self,
        key: ObjectHandle,
        nonce: &mut [u8],
        bound: &[u8],
        text: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Problem> {
        let parameters = GcmParams::new(nonce, bound, TAG_BITS.into()).map_err(TokenFault::from)?;
        let clear = self.connection.session.decrypt(&Mechanism::AesGcm(parameters), key, text);
        Ok(clear.map(Zeroizing::new).map_err(TokenFault::from)?)
    }

    fn storage_key(&self, number: StorageKey) -> Result<ObjectHandle, Problem> {
        self.record()?;
        let wanted = number.number().cast_unsigned();
        let found = self.keys.storage.iter().find(|(number, _)| *number == wanted);
        Ok(found.map(|(_, object)| *object).ok_or(VaultError::NoStorageKey(number))?)
    }

    /// The device key, for one computation.
    fn device_key(&self) -> Result<Option<Sm4Key>, Problem> {
        let (Some(sealed), Some(key)) = (&self.record()?.device, self.keys.sealing) else { return Ok(None) };
        let (mut nonce, text) = sealed.parts()?;
        let clear = self.decrypt_gcm(key, &mut nonce, SEALED_FOR, &text)?;
        Ok(Some(Sm4Key::new(&clear)?))
    }
}

impl SecureElement for Pkcs11Vault {
    fn generate(&self) -> Result<Vec<u8>, VaultError> {
        let _alone = self.lock()?;
        self.twice(|held| {
            let destroyed = held.destroyed;
            let open = self.open_in(held)?;
            open.refresh()?;
            open.tidy()?;
            let before = match &open.record {
                Ok(record) if record.destroyed || destroyed => Record { number: record.number, ..Record::default() },
                _ => open.record()?.clone(),
            };
            let number = before.number + 1;
            open.shelf().generate_pair(number)?;
            open.count(Record { number, pair: Some(number), ..before })?;
            let public_key = open.public_key()?.to_der()?;
            held.destroyed = false;
            Ok(public_key)
        })
    }

    fn public_key(&self) -> Result<Vec<u8>, VaultError> {
        self.with(|open| Ok(open.public_key()?.to_der()?))
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, VaultError> {
        let digest = elliptic::digest(message)?;
        self.with(|open| {
            let key = open.private_key()?;
            let numbers = open.connection.session.sign(&Mechanism::Ecdsa, key, &digest).map_err(TokenFault::from)?;
            Ok(elliptic::signature_of(&numbers).map_err(|_| TokenFault::Nonsense("a signature"))?)
        })
    }

    fn import_under_agreement(
        &self,
        host_key: &[u8],
        context: &[u8],
        master: &str,
        device: &str,
    ) -> Result<(), VaultError> {
        let host_key = P256PublicKey::from_der(host_key)?.to_point()?;
        self.change(|open| {
            let private = open.private_key()?;
            let Connection { session, unwraps } = &open.connection;
            let agreed = objects::agree(session, private, &host_key, elliptic::NUMBER)?;
            let protection_key = agreement::protection_key_of(&agreed, context)?;
            let master = agreement::open(KeyName::Master, Cipher::Tdes, &protection_key, master)?;
            let device = agreement::open(KeyName::Device, Cipher::Tdes, &protection_key, device)?;
            let mut record = open.record()?.next();
            let check_value = TdesKey::new(&master)?.check_value()?;
            open.shelf().put_key(KeyName::Master, record.number, &master, *unwraps)?;
            record.master =
                Some(Entry { number: record.number, check_value: hex::encode(&check_value[..CHECK_VALUE]) });
            record.device = Some(open.seal(record.number, &device)?);
            open.count(record)
        })
    }

    fn import_under_master(&self, keys: &[SealedKey<'_>]) -> Result<(), VaultError> {
        let algorithm = self.algorithm();
        self.change(|open| {
            let master = open.key(KeyName::Master)?.ok_or_else(|| KeyName::Master.missing())?;
            let mut record = open.record()?.next();
            let number = record.number;
            for key in keys {
                let place = record.working(key.name).filter(|place| place.is_none());
                let place = place.ok_or(VaultError::NotInSet(key.name))?;
                let lengths: &[usize] = if key.name == KeyName::Mac { algorithm.key_lengths() } else { &[8, 16, 24] };
                if !lengths.contains(&key.sealed.len()) {
                    return Err(VaultError::Length { key: key.name, length: key.sealed.len() }.into());
                }
                let brought = open.bring(master, key, number)?;
                // By the key that will be used: what the token made of it is checked as well.
                let whole = open.encrypt(brought, &[0; 8])?;
                compare_check_value(key.name, &whole, key.check_value)?;
                *place = Some(Entry { number, check_value: hex::encode(&whole[..CHECK_VALUE]) });
            }
            open.count(record)
        })
    }

    fn check_value(&self, key: KeyName) -> Result<Option<Vec<u8>>, VaultError> {
        self.with(|open| {
            let mut value = match (key, open.key(key)?) {
                (KeyName::Device, _) => match open.device_key()? {
                    Some(key) => check_value(&BlockKey::Sm4(key), Method::EncryptedZeros)?,
                    None => return Ok(None),
                },
                (_, None) => return Ok(None),
                // It encrypts nothing, not even zeros.
                (KeyName::Master, Some(_)) => match open.record()?.entry(KeyName::Master) {
                    Some(entry) => {
                        hex::decode(&entry.check_value).map_err(|error| TokenFault::Record(error.to_string()))?
                    }
                    None => return Ok(None),
                },
                (KeyName::Pin | KeyName::Mac | KeyName::Data, Some(key)) => open.encrypt(key, &[0; 8])?,
            };
            value.truncate(CHECK_VALUE);
            Ok(Some(value))
        })
    }

    /// What whole blocks of TDES make. Algorithm 3 needs half of the key as a key of its own, and a token gives none away; keys of
    /// AES and SM4 do not come under its master key, which is TDES.
    fn set_mac_algorithm(&self, algorithm: MacAlgorithm) -> Result<(), VaultError> {
        match algorithm {
            MacAlgorithm::Unionpay | MacAlgorithm::X99 => {
                *self.algorithm.lock().unwrap_or_else(PoisonError::into_inner) = algorithm;
                Ok(())
            }
            MacAlgorithm::UnionpaySm4
            | MacAlgorithm::X919
            | MacAlgorithm::Iso97973(_)
            | MacAlgorithm::AesCmac
            | MacAlgorithm::Sm4 => {
                let can = [MacAlgorithm::Unionpay, MacAlgorithm::X99].map(MacAlgorithm::word).join(" and ");
                Err(VaultError::MacAlgorithm { place: self.name(), algorithm, can })
            }
        }
    }

    /// TDES alone: PKCS #11 has numbers for SM4 only with some makers, and what its AES and ours agree on nobody has tried.
    fn set_key_cipher(&self, cipher: Cipher) -> Result<(), VaultError> {
        match cipher {
            Cipher::Tdes => Ok(()),
            Cipher::Aes | Cipher::Sm4 => {
                Err(VaultError::KeyCipher { place: self.name(), cipher, can: Cipher::Tdes.words() })
            }
        }
    }

    fn mac(&self, message: &[u8]) -> Result<[u8; 8], VaultError> {
        let algorithm = self.algorithm();
        self.with(|open| {
            let key = open.key(KeyName::Mac)?.ok_or_else(|| KeyName::Mac.missing())?;
            let encrypt = |block: &[u8]| open.encrypt(key, block);
            if algorithm == MacAlgorithm::X99 {
                let whole = mac::iso9797::algorithm_1_by(8, Padding::Zeros, message, encrypt)?;
                return Ok(tdes::block(&whole)?);
            }
            Ok(mac::field_64(&mac::unionpay_block_by(8, message, encrypt)?)?)
        })
    }

    fn encrypt_pin(&self, pin: &Pin, pan: &Pan) -> Result<Vec<u8>, VaultError> {
        self.with(|open| {
            let key = open.key(KeyName::Pin)?.ok_or_else(|| KeyName::Pin.missing())?;
            open.encrypt(key, pin_block::format_0(pin, pan.expose_digits())?.as_slice())
        })
    }

    fn device_ciphertext(&self, serial_number: &str, factor: &str) -> Result<String, VaultError> {
        self.with(|open| {
            let key = open.device_key()?.ok_or_else(|| KeyName::Device.missing())?;
            Ok(device::ciphertext(&key, serial_number, factor)?)
        })
    }

    fn secret_for(&self, purpose: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.with(|open| {
            let key = open.device_key()?.ok_or_else(|| KeyName::Device.missing())?;
            Ok(device::secret_for(&key, purpose)?)
        })
    }

    fn storage_keys(&self) -> Result<Vec<StorageKey>, VaultError> {
        self.with(|open| {
            open.record()?;
            Ok(open.keys.storage.iter().map(|(number, _)| StorageKey::of_number(number.cast_signed())).collect())
        })
    }

    fn make_storage_key(&self) -> Result<StorageKey, VaultError> {
        self.change(|open| {
            let drawn = StorageKey::draw()?;
            let number = drawn.number().cast_unsigned();
            let before = open.record()?.clone();
            open.shelf().generate_aes_key(Kind::Storage, number)?;
            let storage = [before.storage.as_slice(), &[number]].concat();
            open.count(Record { number: before.number + 1, storage, ..before })?;
            Ok(drawn)
        })
    }

    fn destroy_storage_keys_but(&self, kept: StorageKey) -> Result<(), VaultError> {
        self.change(|open| {
            open.storage_key(kept)?;
            let before = open.record()?.clone();
            if before.storage.len() > 1 {
                let storage = vec![kept.number().cast_unsigned()];
                open.count(Record { number: before.number + 1, storage, ..before })?;
            }
            // What could not be destroyed with the change before this one.
            open.tidy()
        })
    }

    fn wrap_key(&self, under: StorageKey, key: &[u8; KEY], bound: &[u8]) -> Result<Vec<u8>, VaultError> {
        let nonce = nonce()?;
        self.with(|open| {
            let text = open.encrypt_gcm(open.storage_key(under)?, nonce, bound, key)?;
            Ok([nonce.as_slice(), &text].concat())
        })
    }

    fn unwrap_key(&self, under: StorageKey, wrapped: &[u8], bound: &[u8]) -> Result<Zeroizing<[u8; KEY]>, VaultError> {
        let (nonce, text) = wrapped
            .split_first_chunk::<{ gcm::NONCE }>()
            .ok_or(CryptoError::DataLength { what: "a wrapped key", length: wrapped.len() })?;
        self.with(|open| {
            let clear = open.decrypt_gcm(open.storage_key(under)?, &mut { *nonce }, bound, text)?;
            Ok(unwrapped(&clear)?)
        })
    }

    fn zeroize(&self) -> Result<(), VaultError> {
        // Gone whatever the token says. A lock that cannot be had is no reason to leave them.
        self.held().destroyed = true;
        let _alone = self.lock();
        self.twice(|held| {
            let open = self.open_in(held)?;
            open.refresh()?;
            let number = match &open.record {
                Ok(record) => record.number + 1,
                Err(_) => {
                    open.shelf().tidy(None)?;
                    1
                }
            };
            let record = Record { number, destroyed: true, ..Record::default() };
            // The word first, so that the next start finishes what a power cut leaves; without room for it all the same.
            let written = open.shelf().write_record(&record);
            open.shelf().tidy(written.is_ok().then_some(&record))?;
            written?;
            Ok(open.refresh()?)
        })
    }

    fn is_test(&self) -> bool {
        self.test
    }

    fn name(&self) -> String {
        format!("PKCS#11 token {}", self.place.token)
    }
}

impl From<TokenFault> for Problem {
    fn from(fault: TokenFault) -> Self {
        Self::Token(fault)
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl From<CryptoError> for Problem {
    fn from(error: CryptoError) -> Self {
        Self::Vault(error.into())
    }
}

impl From<PinBlockError> for Problem {
    fn from(error: PinBlockError) -> Self {
        Self::Vault(error.into())
    }
}
