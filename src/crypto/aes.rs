//! AES-128 as newer chip cards use it: single blocks (FIPS 197) and CMAC (NIST SP 800-38B).

use openssl::pkey::PKey;
use openssl::sign::Signer;
use openssl::symm::{Cipher, Crypter, Mode};
use zeroize::Zeroizing;

use super::CryptoError;

/// Bytes of a block, and of the key.
pub const BLOCK: usize = 16;

/// An AES key of 16 bytes. Masks itself and is wiped when dropped.
#[derive(Clone)]
pub struct AesKey(Zeroizing<[u8; BLOCK]>);

impl AesKey {
    /// Takes 16 bytes.
    ///
    /// # Errors
    /// Any other length.
    pub fn new(key: &[u8]) -> Result<Self, CryptoError> {
        let bytes: [u8; BLOCK] =
            key.try_into().map_err(|_| CryptoError::KeyLength { algorithm: "AES-128", length: key.len() })?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// Encrypts one block.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn encrypt_block(&self, block: &[u8; BLOCK]) -> Result<[u8; BLOCK], CryptoError> {
        let mut crypter = Crypter::new(Cipher::aes_128_ecb(), Mode::Encrypt, self.0.as_slice(), None)?;
        crypter.pad(false);
        // OpenSSL wants room for a block more than there is.
        let mut out = Zeroizing::new([0; 2 * BLOCK]);
        let written = crypter.update(block, out.as_mut_slice())?;
        crypter.finalize(&mut out[written..])?;
        first(out.as_slice())
    }

    /// The CMAC over a message of any length, all 16 bytes.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn cmac(&self, message: &[u8]) -> Result<[u8; BLOCK], CryptoError> {
        let key = PKey::cmac(&Cipher::aes_128_cbc(), self.0.as_slice())?;
        let mut signer = Signer::new_without_digest(&key)?;
        signer.update(message)?;
        first(&signer.sign_to_vec()?)
    }
}

impl std::fmt::Debug for AesKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AesKey(masked)")
    }
}

fn first(bytes: &[u8]) -> Result<[u8; BLOCK], CryptoError> {
    bytes.first_chunk().copied().ok_or(CryptoError::DataLength { what: "a block of 16 bytes", length: bytes.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    /// FIPS 197, appendix C.1.
    #[test]
    fn a_block_of_fips_197() {
        let key = AesKey::new(&bytes::<16>("000102030405060708090A0B0C0D0E0F")).unwrap();
        let sealed = key.encrypt_block(&bytes("00112233445566778899AABBCCDDEEFF")).unwrap();
        assert_eq!(hex::encode(&sealed), "69C4E0D86A7B0430D8CDB78070B4C55A");
    }

    /// RFC 4493, section 4, examples 1 to 3.
    #[test]
    fn the_macs_of_rfc_4493() {
        let key = AesKey::new(&bytes::<16>("2B7E151628AED2A6ABF7158809CF4F3C")).unwrap();
        let message = bytes::<40>("6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E5130C81C46A35CE411");
        for (length, mac) in [
            (0, "BB1D6929E95937287FA37D129B756746"),
            (16, "070A16B46B4D4144F79BDD9DD04A287C"),
            (40, "DFA66747DE9AE63030CA32611497C827"),
        ] {
            assert_eq!(hex::encode(&key.cmac(&message[..length]).unwrap()), mac, "{length} bytes");
        }
    }

    #[test]
    fn only_sixteen_bytes_are_a_key_and_nobody_sees_them() {
        assert!(AesKey::new(&[7; 24]).is_err());
        assert_eq!(format!("{:?}", AesKey::new(&[7; 16]).unwrap()), "AesKey(masked)");
    }
}
