//! AES (FIPS 197) as newer chip cards, PIN pads and key blocks use it: blocks, CBC and CMAC.

use openssl::symm::Cipher;
use zeroize::Zeroizing;

use super::CryptoError;
use super::cipher::{Keyed, first};

/// Bytes of a block.
pub const BLOCK: usize = 16;

/// An AES key of 16, 24 or 32 bytes. Masks itself and is wiped when dropped.
#[derive(Clone)]
pub struct AesKey {
    /// Only the first `length` bytes are the key.
    bytes: Zeroizing<[u8; 32]>,
    length: usize,
}

impl AesKey {
    /// Takes 16, 24 or 32 bytes.
    ///
    /// # Errors
    /// Any other length.
    pub fn new(key: &[u8]) -> Result<Self, CryptoError> {
        let length = key.len();
        if !matches!(length, 16 | 24 | 32) {
            return Err(CryptoError::KeyLength { algorithm: "AES", length, allowed: &[16, 24, 32] });
        }
        let mut bytes = Zeroizing::new([0; 32]);
        bytes[..length].copy_from_slice(key);
        Ok(Self { bytes, length })
    }

    /// Bytes of the key: 16, 24 or 32.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Never: a key has at least sixteen bytes.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// The key itself, for a tool whose purpose is to show it.
    pub fn expose_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Encrypts one block.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn encrypt_block(&self, block: &[u8; BLOCK]) -> Result<[u8; BLOCK], CryptoError> {
        first(&Zeroizing::new(self.keyed().encrypt_ecb(block)?))
    }

    /// Decrypts one block.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn decrypt_block(&self, block: &[u8; BLOCK]) -> Result<[u8; BLOCK], CryptoError> {
        first(&Zeroizing::new(self.keyed().decrypt_ecb(block)?))
    }

    /// The CMAC (NIST SP 800-38B) over a message of any length, all 16 bytes.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn cmac(&self, message: &[u8]) -> Result<[u8; BLOCK], CryptoError> {
        first(&self.keyed().cmac(message)?)
    }

    pub(super) fn keyed(&self) -> Keyed<'_> {
        let (ecb, cbc) = match self.length {
            16 => (Cipher::aes_128_ecb(), Cipher::aes_128_cbc()),
            24 => (Cipher::aes_192_ecb(), Cipher::aes_192_cbc()),
            _ => (Cipher::aes_256_ecb(), Cipher::aes_256_cbc()),
        };
        Keyed { ecb, cbc, key: self.expose_bytes() }
    }
}

impl std::fmt::Debug for AesKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AesKey({} bytes, masked)", self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    fn key(text: &str) -> AesKey {
        AesKey::new(&hex::decode(text).unwrap()).unwrap()
    }

    /// FIPS 197, appendices C.1 to C.3.
    #[test]
    fn the_blocks_of_fips_197() {
        let plain: [u8; 16] = hex::decode("00112233445566778899AABBCCDDEEFF").unwrap().try_into().unwrap();
        let bytes = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
        for (length, sealed) in [
            (16, "69C4E0D86A7B0430D8CDB78070B4C55A"),
            (24, "DDA97CA4864CDFE06EAF70A0EC0D7191"),
            (32, "8EA2B7CA516745BFEAFC49904B496089"),
        ] {
            let key = key(&bytes[..2 * length]);
            let block = key.encrypt_block(&plain).unwrap();
            assert_eq!(hex::encode(&block), sealed, "{length} bytes");
            assert_eq!(key.decrypt_block(&block).unwrap(), plain, "{length} bytes");
        }
    }

    /// RFC 4493, section 4, examples 1 to 4.
    #[test]
    fn the_macs_of_rfc_4493() {
        let key = key("2B7E151628AED2A6ABF7158809CF4F3C");
        let message = hex::decode(
            "6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E5130C81C46A35CE411E5FBC1191A0A52EF\
             F69F2445DF4F9B17AD2B417BE66C3710",
        )
        .unwrap();
        for (length, mac) in [
            (0, "BB1D6929E95937287FA37D129B756746"),
            (16, "070A16B46B4D4144F79BDD9DD04A287C"),
            (40, "DFA66747DE9AE63030CA32611497C827"),
            (64, "51F0BEBF7E3B9D92FC49741779363CFE"),
        ] {
            assert_eq!(hex::encode(&key.cmac(&message[..length]).unwrap()), mac, "{length} bytes");
        }
    }

    #[test]
    fn a_key_has_one_of_three_lengths_and_nobody_sees_it() {
        for length in [0, 8, 15, 17, 33] {
            assert!(AesKey::new(&vec![7; length]).is_err(), "{length} bytes");
        }
        assert_eq!(format!("{:?}", AesKey::new(&[7; 24]).unwrap()), "AesKey(24 bytes, masked)");
    }
}
