//! SHA-256 (FIPS 180-4) and HMAC with it (RFC 2104).

use openssl::hash::{Hasher, MessageDigest};
use openssl::pkey::PKey;
use openssl::sign::Signer;

use super::CryptoError;
use super::cipher::first;

/// Bytes of a hash.
pub const HASH_LENGTH: usize = 32;

/// The hash over parts taken as one message.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn sha256(parts: &[&[u8]]) -> Result<[u8; HASH_LENGTH], CryptoError> {
    let mut hasher = Hasher::new(MessageDigest::sha256())?;
    for part in parts {
        hasher.update(part)?;
    }
    first(&hasher.finish()?)
}

/// The keyed hash over parts taken as one message.
///
/// # Errors
/// Passed on from OpenSSL, which takes no empty key.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Result<[u8; HASH_LENGTH], CryptoError> {
    let key = PKey::hmac(key)?;
    let mut signer = Signer::new(MessageDigest::sha256(), &key)?;
    for part in parts {
        signer.update(part)?;
    }
    first(&signer.sign_to_vec()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    /// FIPS 180-4's example of one block, and RFC 4231, test case 2.
    #[test]
    fn the_examples_of_the_standards() {
        let hash = sha256(&[b"a", b"", b"bc"]).unwrap();
        assert_eq!(hex::encode(&hash), "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
        let keyed = hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"]).unwrap();
        assert_eq!(hex::encode(&keyed), "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843");
    }
}
