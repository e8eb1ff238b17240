//! Custody of keys: what a secure element does for the terminal. No call gives a key away.
//!
//! Five keys and a key pair live in an element. The pair and the device key are the machine's, the master key is what the
//! acquirer gave it at enrolment, and the working keys (PIN, MAC, data) come under the master key at every sign-on. Beside
//! them are storage keys of the terminal's own: what they wrap is lost with them, wherever there is a copy of it.
//! [`agreement`] says in what form the first ones arrive, [`pkcs11`] is the element of a terminal on a counter, [`software`]
//! the one for tests and the sandbox. What payments need of keys is known elsewhere.

pub mod agreement;
pub mod pkcs11;
pub mod software;

use std::fmt;

use zeroize::Zeroizing;

use crate::card_number::Pan;
use crate::crypto::gcm::KEY;
use crate::crypto::key_block::KeyBlockError;
use crate::crypto::mac::{Cipher, MacAlgorithm};
use crate::crypto::pin_block::PinBlockError;
use crate::crypto::{CryptoError, gcm, hex, mac};
use crate::pin::Pin;

/// The keys of a terminal, beside its key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyName {
    /// The master key (TMK), of the cipher of the dialect's keys: working keys come under it, and it does nothing else.
    Master,
    /// The device key, SM4: field 59, element 04.
    Device,
    /// The PIN key (PIK), of the same cipher.
    Pin,
    /// The MAC key (MAK), of the cipher of the dialect's MAC.
    Mac,
    /// The key for tracks and other data (TDK), of the same cipher.
    Data,
}

/// A working key as the host sends it.
#[derive(Clone, Copy)]
pub struct SealedKey<'a> {
    /// Which.
    pub name: KeyName,
    /// The key under the master key, each block on its own (ECB).
    pub sealed: &'a [u8],
    /// The first three to eight bytes of a block of zeros under the key itself; of its CMAC with AES.
    pub check_value: &'a [u8],
}

/// A storage key (AES-256), by a number that no other one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StorageKey(i64);

/// A place where keys live and work.
///
/// What a call has answered with `Ok` holds over a power cut. A call that fails leaves the keys as they were, except where
/// the system cannot say whether it wrote ([`VaultError::Write`]): then they are the old ones or the new ones, all of them.
pub trait SecureElement: Send + Sync {
    /// Makes a new device key pair (P-256) and gives its public half: SubjectPublicKeyInfo in DER. The private half never
    /// leaves. The pair before it is gone; the keys stay until [`SecureElement::import_under_agreement`] replaces them. An
    /// element whose keys were destroyed begins anew.
    ///
    /// # Errors
    /// When the element fails.
    fn generate(&self) -> Result<Vec<u8>, VaultError>;

    /// The public half of the device key pair: SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    /// When there is none or the element fails.
    fn public_key(&self) -> Result<Vec<u8>, VaultError>;

    /// Signs with the device key pair: ECDSA with SHA-256, in DER.
    ///
    /// # Errors
    /// When there is no pair or the element fails.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, VaultError>;

    /// Takes master key and device key as key blocks under what the device key pair and the host's key (SubjectPublicKeyInfo
    /// in DER) agree on; see [`agreement`]. Both are checked before either counts, and working keys under an
    /// earlier master key are gone with it.
    ///
    /// # Errors
    /// When a block is not for this pair and context, or its key is meant for something else.
    fn import_under_agreement(
        &self,
        host_key: &[u8],
        context: &[u8],
        master: &str,
        device: &str,
    ) -> Result<(), VaultError>;

    /// Takes working keys as a set: all check values are right before any key is replaced, and a key that is not in the set
    /// is gone.
    ///
    /// # Errors
    /// When there is no master key, when a key is no working key, has another length or check value, or comes twice. The
    /// keys before stay in force.
    fn import_under_master(&self, keys: &[SealedKey<'_>]) -> Result<(), VaultError>;

    /// The check value of a key, at least three bytes from the left of a block of zeros under it; none when there is no such
    /// key yet.
    ///
    /// # Errors
    /// When the element fails.
    fn check_value(&self, key: KeyName) -> Result<Option<Vec<u8>>, VaultError>;

    /// From now on MACs are made in this way, and MAC keys are such as it takes. Without this call it is
    /// [`MacAlgorithm::Unionpay`]. A key that came for an algorithm with another cipher is as good as none.
    ///
    /// # Errors
    /// When the element cannot: [`VaultError::MacAlgorithm`].
    fn set_mac_algorithm(&self, algorithm: MacAlgorithm) -> Result<(), VaultError>;

    /// From now on master, PIN and data key are of this cipher. Without this call it is TDES. Keys that came for another cipher
    /// are as good as none.
    ///
    /// # Errors
    /// When the element cannot: [`VaultError::KeyCipher`].
    fn set_key_cipher(&self, cipher: Cipher) -> Result<(), VaultError>;

    /// Field 64 over a message, with the MAC key.
    ///
    /// # Errors
    /// When the key is missing or the element fails.
    fn mac(&self, message: &[u8]) -> Result<[u8; 8], VaultError>;

    /// A PIN as the PIN key sends it: a block of format 0 (ISO 9564-1, 9.3.2) under TDES, the same with eight zeros behind it
    /// under SM4, one of format 4 (9.4.2) under AES.
    ///
    /// # Errors
    /// When the key is missing, the card number has not 12 to 19 digits, or the element fails.
    fn encrypt_pin(&self, pin: &Pin, pan: &Pan) -> Result<Vec<u8>, VaultError>;

    /// Field 59, tag A2, element 04: eight characters that only the holder of the device key can make, over serial number and
    /// random factor.
    ///
    /// # Errors
    /// When the key is missing or the element fails.
    fn device_ciphertext(&self, serial_number: &str, factor: &str) -> Result<String, VaultError>;

    /// A secret of 32 bytes for a purpose that is none of the acquirer's, always the same as long as the device key is. Nothing
    /// about the device key follows from it, nor from one secret about another.
    ///
    /// # Errors
    /// When the key is missing or the element fails.
    fn secret_for(&self, purpose: &str) -> Result<Zeroizing<Vec<u8>>, VaultError>;

    /// The storage keys there are, oldest first.
    ///
    /// # Errors
    /// When the element fails.
    fn storage_keys(&self) -> Result<Vec<StorageKey>, VaultError>;

    /// Makes a storage key, beside those there are.
    ///
    /// # Errors
    /// When the element fails.
    fn make_storage_key(&self) -> Result<StorageKey, VaultError>;

    /// Destroys all storage keys but one, durably.
    ///
    /// # Errors
    /// When that one is not there, or the element fails; then it must be tried again.
    fn destroy_storage_keys_but(&self, kept: StorageKey) -> Result<(), VaultError>;

    /// Puts a key that works elsewhere under a storage key (AES-GCM), bound to what it is for.
    ///
    /// # Errors
    /// When there is no such storage key or the element fails.
    fn wrap_key(&self, under: StorageKey, key: &[u8; KEY], bound: &[u8]) -> Result<Vec<u8>, VaultError>;

    /// Gives such a key back.
    ///
    /// # Errors
    /// When there is no such storage key, the key was not wrapped by it, is for something else, or the element fails.
    fn unwrap_key(&self, under: StorageKey, wrapped: &[u8], bound: &[u8]) -> Result<Zeroizing<[u8; KEY]>, VaultError>;

    /// Destroys all keys and the pair, durably. From then on every call but [`SecureElement::generate`] says so.
    ///
    /// # Errors
    /// When the element fails; then it must be tried again.
    fn zeroize(&self) -> Result<(), VaultError>;

    /// True when the keys are for tests only.
    fn is_test(&self) -> bool;

    /// What it is and where, for a person who looks for it.
    fn name(&self) -> String;
}

/// Why a secure element does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The vault cannot be opened.
    #[error("the vault {place} cannot be opened: {problem}")]
    Open {
        /// Where it should be.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// The vault cannot be written.
    #[error(
        "the vault {place} cannot be written: {problem}; its keys are the old ones or the new ones, never some of each"
    )]
    Write {
        /// Where it is.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// The machine's own keys are not there.
    #[error("the vault holds no {0}; enrol the terminal")]
    NotEnrolled(&'static str),
    /// Working keys are not there.
    #[error("the vault holds no {0}; sign on at the host")]
    NotSignedOn(KeyName),
    /// What a storage key wrapped is lost with it.
    #[error("the vault does not hold this storage key any more")]
    NoStorageKey(StorageKey),
    /// Somebody destroyed the keys.
    #[error("the keys were destroyed; enrol the terminal anew")]
    Destroyed,
    /// The check value that came with a key is another one's.
    #[error(
        "the {key} has the check value {is}, the host says {said}; no key was replaced: report this to the acquirer"
    )]
    CheckValue {
        /// Which key.
        key: KeyName,
        /// What the host says, hexadecimal.
        said: String,
        /// What it is, hexadecimal, as many digits.
        is: String,
    },
    /// A key, or what should be one, of a length that it cannot have.
    #[error("the {key} cannot have {length} bytes; no key was replaced: report this to the acquirer")]
    Length {
        /// Which key.
        key: KeyName,
        /// Its bytes.
        length: usize,
    },
    /// A key that does not come under the master key, or comes twice.
    #[error("the {0} has no place in a set of working keys, or comes twice; no key was replaced")]
    NotInSet(KeyName),
    /// A key block that cannot be opened.
    #[error("the key block of the {key}: {source}")]
    KeyBlock {
        /// Which key.
        key: KeyName,
        /// What is wrong with it.
        source: KeyBlockError,
    },
    /// A key block of a key that is meant for something else.
    #[error("the key block of the {key} says usage {found}, which is not {expected}; report this to the acquirer")]
    Usage {
        /// Which key.
        key: KeyName,
        /// Usage, algorithm and mode of use in the block.
        found: String,
        /// What they may be.
        expected: &'static str,
    },
    /// An element does not know the MAC of a dialect.
    #[error(
        "{place} makes no MACs of the kind {}, which the message dialect names, but only {can}; take another dialect or \
         another secure element", algorithm.word()
    )]
    MacAlgorithm {
        /// Which element.
        place: String,
        /// What it is asked for.
        algorithm: MacAlgorithm,
        /// What it can do.
        can: String,
    },
    /// An element does not know the cipher of a dialect's keys.
    #[error(
        "{place} keeps no master key of {}, which the message dialect names, but only of {can}; take another dialect or another \
         secure element", cipher.words()
    )]
    KeyCipher {
        /// Which element.
        place: String,
        /// What it is asked for.
        cipher: Cipher,
        /// What it can do.
        can: &'static str,
    },
    /// A token fails.
    #[error(transparent)]
    Token(#[from] pkcs11::TokenError),
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    /// The PIN block.
    #[error(transparent)]
    PinBlock(#[from] PinBlockError),
    /// The computation failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl StorageKey {
    /// A number that nobody has used.
    ///
    /// # Errors
    /// When the system has no random numbers.
    fn draw() -> Result<Self, VaultError> {
        let mut drawn = [0; 8];
        getrandom::fill(&mut drawn).map_err(|error| VaultError::Random(error.to_string()))?;
        // Positive, so that it is one number for whoever writes it down.
        Ok(Self(i64::from_be_bytes(drawn) & i64::MAX))
    }

    /// Reads a number that was written down.
    pub const fn of_number(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> i64 {
        self.0
    }
}

impl KeyName {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Master, Self::Device, Self::Pin, Self::Mac, Self::Data];

    /// Those that come at every sign-on.
    pub const WORKING: [Self; 3] = [Self::Pin, Self::Mac, Self::Data];

    /// What it is called.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Master => "master key",
            Self::Device => "device key",
            Self::Pin => "PIN key",
            Self::Mac => "MAC key",
            Self::Data => "data key",
        }
    }

    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Device => "device",
            Self::Pin => "pin",
            Self::Mac => "mac",
            Self::Data => "data",
        }
    }

    /// The error for when it is not there: who brings it is what to do next.
    pub const fn missing(self) -> VaultError {
        match self {
            Self::Master | Self::Device => VaultError::NotEnrolled(self.words()),
            Self::Pin | Self::Mac | Self::Data => VaultError::NotSignedOn(self),
        }
    }
}

/// What may be used once with a storage key.
fn nonce() -> Result<[u8; gcm::NONCE], VaultError> {
    let mut nonce = [0; gcm::NONCE];
    getrandom::fill(&mut nonce).map_err(|error| VaultError::Random(error.to_string()))?;
    Ok(nonce)
}

/// A key that came out of a wrapping.
fn unwrapped(clear: &[u8]) -> Result<Zeroizing<[u8; KEY]>, VaultError> {
    let length = clear.len();
    let mut key = Zeroizing::new([0; KEY]);
    if length != KEY {
        return Err(CryptoError::KeyLength { algorithm: "AES-256", length, allowed: &[KEY] }.into());
    }
    key.copy_from_slice(clear);
    Ok(key)
}

/// Whether a key has the check value that came with it. `whole` is a block of zeros under the key; at least three bytes of it
/// must have been said.
fn compare_check_value(key: KeyName, whole: &[u8], said: &[u8]) -> Result<(), VaultError> {
    let is = &whole[..said.len().clamp(3, whole.len())];
    if mac::equal(is, said) {
        Ok(())
    } else {
        Err(VaultError::CheckValue { key, said: hex::encode(said), is: hex::encode(is) })
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

/// The sealed key is not shown.
impl fmt::Debug for SealedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedKey({:?}, {} bytes, masked)", self.name, self.sealed.len())
    }
}
