//! Raw RSA as EMV certificates and signatures use it (EMV 4.4 Book 2, annex B2.1): the whole block, no padding scheme;
//! and SHA-1, the hash that stands in those blocks.

use std::fmt;

use openssl::bn::BigNum;
use openssl::pkey::{Private, Public};
use openssl::rsa::{Padding, Rsa};
use openssl::sha::Sha1;

use super::CryptoError;

/// Bytes of a SHA-1 hash.
pub const HASH_LENGTH: usize = 20;

/// A public key, ready to be used more than once.
#[derive(Clone)]
pub struct PublicKey {
    key: Rsa<Public>,
    length: usize,
}

impl PublicKey {
    /// Puts a key together from modulus and exponent.
    ///
    /// # Errors
    /// When the modulus is empty or begins with a zero byte, or OpenSSL refuses the numbers.
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, CryptoError> {
        // A block has the length of the modulus; a leading zero would make that two different lengths.
        if modulus.first().is_none_or(|byte| *byte == 0) {
            return Err(CryptoError::DataLength {
                what: "an RSA modulus without leading zeros",
                length: modulus.len(),
            });
        }
        let key = Rsa::from_public_components(BigNum::from_slice(modulus)?, BigNum::from_slice(exponent)?)?;
        Ok(Self { key, length: modulus.len() })
    }

    /// Bytes of the modulus, and of every block.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// The modulus.
    pub fn modulus(&self) -> Vec<u8> {
        self.key.n().to_vec()
    }

    /// The exponent, without leading zeros.
    pub fn exponent(&self) -> Vec<u8> {
        self.key.e().to_vec()
    }

    /// Raises a block to the key: recovers what was signed, or enciphers.
    ///
    /// # Errors
    /// When the block is not as long as the modulus or, taken as a number, not smaller than it.
    pub fn recover(&self, block: &[u8]) -> Result<Vec<u8>, CryptoError> {
        if block.len() != self.length {
            return Err(CryptoError::DataLength { what: "a block for this RSA modulus", length: block.len() });
        }
        let mut recovered = vec![0; self.length];
        let length = self.key.public_decrypt(block, &mut recovered, Padding::NONE)?;
        recovered.truncate(length);
        Ok(recovered)
    }
}

/// Shows the length only: which key it is belongs to whoever holds it.
impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} bits)", self.length * 8)
    }
}

/// Recovers a signed block with a public key: the block has the length of the modulus.
///
/// # Errors
/// When the block is not as long as the modulus or OpenSSL refuses the key.
pub fn recover(modulus: &[u8], exponent: &[u8], block: &[u8]) -> Result<Vec<u8>, CryptoError> {
    PublicKey::new(modulus, exponent)?.recover(block)
}

/// Signs a whole block with a private key.
///
/// # Errors
/// When the block is not as long as the modulus or, taken as a number, not smaller than it.
pub fn sign(key: &Rsa<Private>, block: &[u8]) -> Result<Vec<u8>, CryptoError> {
    if block.len() != key.size() as usize {
        return Err(CryptoError::DataLength { what: "a block for this RSA modulus", length: block.len() });
    }
    let mut signed = vec![0; block.len()];
    let length = key.private_encrypt(block, &mut signed, Padding::NONE)?;
    signed.truncate(length);
    Ok(signed)
}

/// SHA-1 over parts taken as one message.
pub fn sha_1(parts: &[&[u8]]) -> [u8; HASH_LENGTH] {
    let mut hash = Sha1::new();
    for part in parts {
        hash.update(part);
    }
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_undoes_signing() {
        let key = Rsa::generate(1024).unwrap();
        let mut block = vec![0x5A; key.size() as usize];
        block[0] = 0x6A;
        let signed = sign(&key, &block).unwrap();
        assert_eq!(recover(&key.n().to_vec(), &key.e().to_vec(), &signed).unwrap(), block);
        assert!(recover(&key.n().to_vec(), &key.e().to_vec(), &signed[1..]).is_err());
    }

    #[test]
    fn a_key_keeps_its_numbers_and_refuses_what_is_none() {
        let pair = Rsa::generate(1024).unwrap();
        let (modulus, exponent) = (pair.n().to_vec(), pair.e().to_vec());
        let key = PublicKey::new(&modulus, &exponent).unwrap();
        assert_eq!((key.length(), key.modulus(), key.exponent()), (128, modulus.clone(), exponent));
        assert_eq!(format!("{key:?}"), "PublicKey(1024 bits)");
        assert!(key.recover(&modulus).is_err(), "a block is smaller than the modulus");
        for modulus in [&[][..], &[0], &[0, 0xC1]] {
            assert!(PublicKey::new(modulus, &[3]).is_err(), "{modulus:02X?}");
        }
    }

    #[test]
    fn a_hash_does_not_see_where_one_part_ends() {
        // FIPS 180-1, appendix A.
        let expected = [
            0xA9, 0x99, 0x3E, 0x36, 0x47, 0x06, 0x81, 0x6A, 0xBA, 0x3E, 0x25, 0x71, 0x78, 0x50, 0xC2, 0x6C, 0x9C, 0xD0,
            0xD8, 0x9D,
        ];
        assert_eq!(sha_1(&[b"abc"]), expected);
        assert_eq!(sha_1(&[b"a", b"", b"bc"]), expected);
    }
}
