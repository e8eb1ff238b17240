//! Custody of keys: what a secure element does for the terminal. No call gives a key away.

pub mod software;

use crate::crypto::CryptoError;

/// A place where keys live and work.
pub trait SecureElement: Send + Sync {
    /// Field 64 over a message, with the working MAC key.
    ///
    /// # Errors
    /// When the key is missing or the element fails.
    fn mac(&self, message: &[u8]) -> Result<[u8; 8], VaultError>;

    /// Field 59, tag A2, element 04: eight characters that only the holder of the device key can make, over serial number and
    /// random factor.
    ///
    /// # Errors
    /// When the key is missing or the element fails.
    fn device_ciphertext(&self, serial_number: &str, factor: &str) -> Result<String, VaultError>;

    /// Check value of the MAC key, four bytes, for `yima doctor`.
    ///
    /// # Errors
    /// When the key is missing or the element fails.
    fn mac_key_check_value(&self) -> Result<[u8; 4], VaultError>;

    /// True when the keys are for tests only.
    fn is_test(&self) -> bool;
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
    /// The computation failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}
