//! What a terminal makes of its device key: the characters with which it proves that it holds it (field 59, tag A2, element 04),
//! and secrets of its own.

use zeroize::Zeroizing;

use super::elliptic::hkdf_sha_256;
use super::sm4::Sm4Key;
use super::{CryptoError, hex};

/// Eight upper-case hexadecimal characters over a serial number and a random factor.
///
/// Serial number and factor stand one behind the other, filled with zeros to whole blocks of sixteen bytes; the blocks
/// are XORed into one; SM4 encrypts it; the first four bytes are written in hexadecimal. No public specification says
/// how acquirers fold; this is the definition of the `unionpay` dialect here, and a host that differs needs another.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn ciphertext(key: &Sm4Key, serial_number: &str, factor: &str) -> Result<String, CryptoError> {
    let mut folded = [0_u8; 16];
    for (index, byte) in serial_number.bytes().chain(factor.bytes()).enumerate() {
        folded[index % 16] ^= byte;
    }
    let sealed = key.encrypt_ecb(&folded)?;
    Ok(hex::encode(&sealed[..4]))
}

/// A secret of 32 bytes for a purpose, by HKDF with SHA-256: nobody learns of the key by it, or of another purpose's.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn secret_for(key: &Sm4Key, purpose: &str) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    hkdf_sha_256(key.expose_bytes(), b"yima device key", purpose.as_bytes(), 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_and_every_key_has_a_secret_of_its_own() {
        let secret = |byte: u8, purpose| secret_for(&Sm4Key::new(&[byte; 16]).unwrap(), purpose).unwrap();
        assert_eq!(secret(7, "one"), secret(7, "one"));
        assert!(secret(7, "one") != secret(7, "two") && secret(7, "one") != secret(8, "one"));
        assert_eq!(secret(7, "one").len(), 32);
    }

    #[test]
    fn the_fold_is_a_xor_of_zero_filled_blocks() {
        let key = Sm4Key::new(&[7; 16]).unwrap();
        // 16 characters of serial number, 6 of factor: the second block is the factor and ten zeros.
        let mut folded = *b"0000010200030405";
        for (to, from) in folded.iter_mut().zip(b"001230") {
            *to ^= from;
        }
        let expected = hex::encode(&key.encrypt_ecb(&folded).unwrap())[..8].to_owned();
        assert_eq!(ciphertext(&key, "0000010200030405", "001230").unwrap(), expected);
    }

    #[test]
    fn it_changes_with_key_serial_number_and_factor() {
        let of = |key: u8, serial: &str, factor: &str| {
            ciphertext(&Sm4Key::new(&[key; 16]).unwrap(), serial, factor).unwrap()
        };
        let one = of(1, "00000102TEST0001", "001230");
        assert_eq!(one.len(), 8);
        assert_ne!(one, of(2, "00000102TEST0001", "001230"));
        assert_ne!(one, of(1, "00000102TEST0002", "001230"));
        assert_ne!(one, of(1, "00000102TEST0001", "001231"));
    }
}
