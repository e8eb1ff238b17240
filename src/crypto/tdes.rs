//! DES and TDES block operations. OpenSSL 3 keeps single DES in its legacy provider, so a single-length key is used as
//! K|K|K, which is the same function (ANSI X9.52, keying option 3).

use openssl::symm::{Cipher, Crypter, Mode};
use zeroize::Zeroizing;

use super::CryptoError;

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
            length => Err(CryptoError::KeyLength { algorithm: "TDES", length }),
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

    /// Encrypts whole blocks, each on its own (ECB).
    ///
    /// # Errors
    /// When the data is not whole blocks of eight bytes.
    pub fn encrypt_ecb(&self, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.run(Cipher::des_ede3(), Mode::Encrypt, data, None)
    }

    /// Decrypts whole blocks, each on its own (ECB).
    ///
    /// # Errors
    /// When the data is not whole blocks of eight bytes.
    pub fn decrypt_ecb(&self, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.run(Cipher::des_ede3(), Mode::Decrypt, data, None)
    }

    /// Encrypts whole blocks chained from a zero vector (CBC).
    ///
    /// # Errors
    /// When the data is not whole blocks of eight bytes.
    pub fn encrypt_cbc(&self, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.run(Cipher::des_ede3_cbc(), Mode::Encrypt, data, Some(&[0; 8]))
    }

    /// Key check value: the first bytes of an encrypted block of zeros. Three or four of them are usual.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn check_value(&self) -> Result<[u8; 8], CryptoError> {
        block(&self.encrypt_ecb(&[0; 8])?)
    }

    fn run(&self, cipher: Cipher, mode: Mode, data: &[u8], iv: Option<&[u8]>) -> Result<Vec<u8>, CryptoError> {
        if !data.len().is_multiple_of(8) {
            return Err(CryptoError::DataLength { what: "data for a block cipher of 8 bytes", length: data.len() });
        }
        let mut crypter = Crypter::new(cipher, mode, self.parts.as_slice(), iv)?;
        crypter.pad(false);
        let mut out = vec![0; data.len() + 8];
        let mut written = crypter.update(data, &mut out)?;
        written += crypter.finalize(&mut out[written..])?;
        out.truncate(written);
        Ok(out)
    }
}

impl std::fmt::Debug for TdesKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TdesKey({} bytes, masked)", self.length)
    }
}

/// The first eight bytes of `bytes` as a block.
pub(crate) fn block(bytes: &[u8]) -> Result<[u8; 8], CryptoError> {
    bytes
        .get(..8)
        .and_then(|head| head.try_into().ok())
        .ok_or(CryptoError::DataLength { what: "a block of 8 bytes", length: bytes.len() })
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
