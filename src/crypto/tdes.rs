//! DES and TDES block operations. OpenSSL 3 keeps single DES in its legacy provider, so a single-length key is used as
//! K|K|K, which is the same function (ANSI X9.52, keying option 3).

use openssl::symm::Cipher;
use zeroize::Zeroizing;

use super::CryptoError;
use super::cipher::{Keyed, first};

/// A DES key of single, double or triple length. Masks itself and is wiped when dropped.
#[derive(Clone)]
pub struct TdesKey {
    /// Always written out to three parts.
    parts: Zeroizing<[u8; 24]>,
    length: usize,
}

impl TdesKey {
    /// Takes 8, 16 or 24 bytes. Parity bits are not looked at.
    ///
    /// # Errors
    /// Any other length.
    pub fn new(key: &[u8]) -> Result<Self, CryptoError> {
        let mut parts = Zeroizing::new([0_u8; 24]);
        match key.len() {
            8 | 16 | 24 => {
                for (index, byte) in parts.iter_mut().enumerate() {
                    *byte = key[index % key.len()];
                }
                Ok(Self { parts, length: key.len() })
            }
            length => Err(CryptoError::KeyLength { algorithm: "TDES", length, allowed: &[8, 16, 24] }),
        }
    }

    /// The first eight bytes as a single-length key: the left half in ISO 9797-1 algorithm 3.
    ///
    /// # Errors
    /// None that this length allows; passed on from [`TdesKey::new`].
    pub fn left_half(&self) -> Result<Self, CryptoError> {
        Self::new(&self.parts[..8])
    }

    /// Bytes the key was given with: 8, 16 or 24.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Never: a key has at least eight bytes.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// The key as it was given, for a tool whose purpose is to show it.
    pub fn expose_bytes(&self) -> &[u8] {
        &self.parts[..self.length]
    }

    /// Encrypts whole blocks, each on its own (ECB).
    ///
    /// # Errors
    /// When the data is not whole blocks of eight bytes.
    pub fn encrypt_ecb(&self, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.keyed().encrypt_ecb(data)
    }

    /// Decrypts whole blocks, each on its own (ECB).
    ///
    /// # Errors
    /// When the data is not whole blocks of eight bytes.
    pub fn decrypt_ecb(&self, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.keyed().decrypt_ecb(data)
    }

    /// Encrypts whole blocks chained from a zero vector (CBC).
    ///
    /// # Errors
    /// When the data is not whole blocks of eight bytes.
    pub fn encrypt_cbc(&self, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.keyed().encrypt_cbc(&[0; 8], data)
    }

    /// The CMAC (NIST SP 800-38B) over a message of any length, all 8 bytes.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn cmac(&self, message: &[u8]) -> Result<[u8; 8], CryptoError> {
        block(&self.keyed().cmac(message)?)
    }

    /// Key check value: the first bytes of an encrypted block of zeros. Three or four of them are usual.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn check_value(&self) -> Result<[u8; 8], CryptoError> {
        block(&self.encrypt_ecb(&[0; 8])?)
    }

    pub(super) fn keyed(&self) -> Keyed<'_> {
        Keyed { ecb: Cipher::des_ede3(), cbc: Cipher::des_ede3_cbc(), key: self.parts.as_slice() }
    }
}

impl std::fmt::Debug for TdesKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TdesKey({} bytes, masked)", self.length)
    }
}

/// The first eight bytes of `bytes` as a block.
pub(crate) fn block(bytes: &[u8]) -> Result<[u8; 8], CryptoError> {
    first(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    /// The sign-on sample of a UnionPay-style acquirer (public post, recomputed).
    #[test]
    fn check_value_of_a_single_length_key() {
        let mak = TdesKey::new(&hex::decode("5BB5C72CD00B7338").unwrap()).unwrap();
        assert_eq!(hex::encode(&mak.check_value().unwrap()[..4]), "AB7153CA");
    }

    /// NIST SP 800-38B, appendix D, examples for TDES with three keys and with two.
    #[test]
    fn the_macs_of_sp_800_38b() {
        let message = hex::decode("6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51").unwrap();
        let three = TdesKey::new(&hex::decode("0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123").unwrap()).unwrap();
        let two = TdesKey::new(&hex::decode("0123456789ABCDEF23456789ABCDEF01").unwrap()).unwrap();
        for (length, with_three, with_two) in [
            (0, "7DB0D37DF936C550", "79CE52A7F786A960"),
            (16, "30239CF1F52E6609", "CC18A0B79AF2413B"),
            (20, "6C9F3EE4923F6BE2", "C06D377ECD101969"),
            (32, "99429BD0BF7904E5", "9CD33580F9B64DFB"),
        ] {
            assert_eq!(hex::encode(&three.cmac(&message[..length]).unwrap()), with_three, "{length} bytes");
            assert_eq!(hex::encode(&two.cmac(&message[..length]).unwrap()), with_two, "{length} bytes");
        }
    }

    #[test]
    fn lengths_are_checked() {
        assert!(TdesKey::new(&[0; 10]).is_err());
        assert!(TdesKey::new(&[0; 16]).unwrap().encrypt_ecb(&[0; 9]).is_err());
    }

    #[test]
    fn decryption_undoes_encryption() {
        let key = TdesKey::new(&[7; 16]).unwrap();
        let sealed = key.encrypt_ecb(&[1; 16]).unwrap();
        assert_eq!(key.decrypt_ecb(&sealed).unwrap(), [1; 16]);
        assert_eq!(format!("{key:?}"), "TdesKey(16 bytes, masked)");
    }
}
