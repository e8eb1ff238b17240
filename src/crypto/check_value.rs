//! Key check values: what proves that two people hold the same key without showing it.

use super::CryptoError;
use super::cipher::BlockKey;

/// How a check value is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A block of zeros, encrypted: TDES and SM4 everywhere, AES in older systems.
    EncryptedZeros,
    /// The CMAC of a block of zeros: AES (ANSI X9.24-1:2017, annex A; X9.143).
    Cmac,
}

/// The whole block; three to eight bytes from its left are what people compare.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn check_value(key: &BlockKey, method: Method) -> Result<Vec<u8>, CryptoError> {
    let zeros = &[0; 16][..key.block_length()];
    match method {
        Method::EncryptedZeros => key.encrypt_ecb(zeros),
        Method::Cmac => key.cmac(zeros),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::aes::AesKey;
    use crate::crypto::hex;
    use crate::crypto::sm4::Sm4Key;
    use crate::crypto::tdes::TdesKey;

    /// TDES and SM4: the sign-on samples of UnionPay-style acquirers (public posts, recomputed). AES: the key of ANSI
    /// X9.143:2021, 8.1, whose value by CMAC is in the tests of openemv/tr31 (tr31_decrypt_test.c, test 11).
    #[test]
    fn check_values_of_public_samples() {
        let bytes = |text| hex::decode(text).unwrap();
        let single = BlockKey::Tdes(TdesKey::new(&bytes("5BB5C72CD00B7338")).unwrap());
        let sm4 = BlockKey::Sm4(Sm4Key::new(&bytes("F351D490994603795C6EBEE8FAEBB481")).unwrap());
        let aes = BlockKey::Aes(AesKey::new(&bytes("3F419E1CB7079442AA37474C2EFBF8B8")).unwrap());
        for (key, method, value) in [
            (single, Method::EncryptedZeros, "AB7153CA"),
            (sm4, Method::EncryptedZeros, "861E83E31FAEBF10"),
            (aes, Method::Cmac, "08793E25AB"),
        ] {
            let whole = hex::encode(&check_value(&key, method).unwrap());
            assert_eq!(whole.len(), 2 * key.block_length());
            assert!(whole.starts_with(value), "{whole} is not {value}");
        }
    }
}
