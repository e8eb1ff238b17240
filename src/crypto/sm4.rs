//! SM4 (GB/T 32907-2016), the block cipher of Chinese commercial cryptography.

use openssl::symm::Cipher;
use zeroize::Zeroizing;

use super::CryptoError;
use super::cipher::Keyed;

/// An SM4 key: sixteen bytes. Masks itself and is wiped when dropped.
#[derive(Clone)]
pub struct Sm4Key(Zeroizing<[u8; 16]>);

impl Sm4Key {
    /// # Errors
    /// Any length but sixteen.
    pub fn new(key: &[u8]) -> Result<Self, CryptoError> {
        let bytes = key.try_into().map_err(|_| CryptoError::KeyLength {
            algorithm: "SM4",
            length: key.len(),
            allowed: &[16],
        })?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// The key itself, for a place that keeps keys.
    pub fn expose_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Encrypts whole blocks of sixteen bytes, each on its own (ECB).
    ///
    /// # Errors
    /// When the data is not whole blocks.
    pub fn encrypt_ecb(&self, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.keyed().encrypt_ecb(data)
    }

    pub(super) fn keyed(&self) -> Keyed<'_> {
        Keyed { ecb: Cipher::sm4_ecb(), cbc: Cipher::sm4_cbc(), key: self.0.as_slice() }
    }
}

impl std::fmt::Debug for Sm4Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sm4Key(masked)")
    }
}

#[cfg(test)]
mod tests {
    use openssl::symm::{Crypter, Mode};

    use super::*;
    use crate::crypto::hex;

    /// GB/T 32907-2016, appendix A, example 1.
    #[test]
    fn standard_example() {
        let key = Sm4Key::new(&hex::decode("0123456789ABCDEFFEDCBA9876543210").unwrap()).unwrap();
        let sealed = key.encrypt_ecb(&hex::decode("0123456789ABCDEFFEDCBA9876543210").unwrap()).unwrap();
        assert_eq!(hex::encode(&sealed), "681EDF34D206965E86B3E94F536E4246");
    }

    /// GB/T 32907-2016, appendix A, example 2: the block of example 1 encrypted a million times.
    #[test]
    fn standard_example_of_a_million_rounds() {
        let key = Sm4Key::new(&hex::decode("0123456789ABCDEFFEDCBA9876543210").unwrap()).unwrap();
        let mut crypter = Crypter::new(Cipher::sm4_ecb(), Mode::Encrypt, key.0.as_slice(), None).unwrap();
        crypter.pad(false);
        let (mut block, mut out) = (hex::decode("0123456789ABCDEFFEDCBA9876543210").unwrap(), [0; 32]);
        for _ in 0..1_000_000 {
            crypter.update(&block, &mut out).unwrap();
            block.copy_from_slice(&out[..16]);
        }
        assert_eq!(hex::encode(&block), "595298C7C6FD271F0402F804C33D3F66");
    }

    /// Worked sample of a public post: check value of a working key, and a PIN block under it.
    #[test]
    fn check_value_and_pin_block_of_a_working_key() {
        let key = Sm4Key::new(&hex::decode("F351D490994603795C6EBEE8FAEBB481").unwrap()).unwrap();
        assert_eq!(hex::encode(&key.encrypt_ecb(&[0; 16]).unwrap()[..8]), "861E83E31FAEBF10");
        let pin_block = key.encrypt_ecb(&hex::decode("06125055FF88D9770000000000000000").unwrap()).unwrap();
        assert_eq!(hex::encode(&pin_block), "E639B7346D93D4ECE1E991CDCC84936E");
    }
}
