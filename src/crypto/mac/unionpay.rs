//! The MAC of UnionPay-style terminals ("ECB"): field 64. No specification of it is public; worked samples are.

use super::xor;
use crate::crypto::cipher::BlockKey;
use crate::crypto::tdes::{TdesKey, block};
use crate::crypto::{CryptoError, hex};

/// Field 64 under a TDES key: the first eight characters of [`unionpay_block`], written in hexadecimal.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn unionpay(key: &TdesKey, message: &[u8]) -> Result<[u8; 8], CryptoError> {
    field_64(&unionpay_block(&BlockKey::Tdes(key.clone()), message)?)
}

/// Field 64 of the ciphertext that [`unionpay_block`] gives.
///
/// # Errors
/// When that has not the four bytes that field 64 shows.
pub fn field_64(ciphertext: &[u8]) -> Result<[u8; 8], CryptoError> {
    block(hex::encode(ciphertext).as_bytes())
}

/// The ciphertext whose first four bytes, in hexadecimal, are field 64.
///
/// All blocks of the message (zero padded) are XORed into one; its upper-case hexadecimal characters are two new
/// blocks; the first is encrypted, XORed with the second, encrypted again. A double-length key encrypts with TDES; with
/// SM4 the blocks have sixteen bytes.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn unionpay_block(key: &BlockKey, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
    unionpay_block_by(key.block_length(), message, |block| key.encrypt_ecb(block))
}

/// As [`unionpay_block`], for a key that encrypts elsewhere: `encrypt` takes a block of `length` bytes.
///
/// # Errors
/// Passed on from `encrypt`.
pub fn unionpay_block_by<E>(
    length: usize,
    message: &[u8],
    encrypt: impl Fn(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, E> {
    let folded = message.chunks(length).fold(vec![0; length], |mut folded, chunk| {
        for (to, from) in folded.iter_mut().zip(chunk) {
            *to ^= from;
        }
        folded
    });
    let characters = hex::encode(&folded).into_bytes();
    let (first, second) = characters.split_at(length);
    let once = encrypt(first)?;
    encrypt(&xor(&once, second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sm4::Sm4Key;

    fn sample_key() -> TdesKey {
        TdesKey::new(&hex::decode("55036372B17543ECB173730768B8D6C4").unwrap()).unwrap()
    }

    /// Worked sample of a public post on UnionPay POS MACs, recomputed.
    #[test]
    fn the_worked_sample() {
        let folded = hex::decode("1212B04E1227809C").unwrap();
        let whole = unionpay_block(&BlockKey::Tdes(sample_key()), &folded).unwrap();
        assert_eq!(hex::encode(&whole), "5FE058DB90680D33");
        assert_eq!(&unionpay(&sample_key(), &folded).unwrap(), b"5FE058DB");
    }

    #[test]
    fn blocks_are_folded_and_the_last_one_padded_with_zeros() {
        let mac = |message: &[u8]| unionpay(&sample_key(), message).unwrap();
        assert_eq!(mac(&[1, 2, 3, 4, 5, 6, 7, 8, 1, 2]), mac(&[0, 0, 3, 4, 5, 6, 7, 8]));
        assert_eq!(mac(&[]), mac(&[0; 8]));
    }

    /// No worked sample with SM4 is public. Computed step by step with `openssl enc -sm4-ecb -nopad` of OpenSSL 3.0.
    #[test]
    fn with_sm4_the_blocks_have_sixteen_bytes() {
        let key = BlockKey::Sm4(Sm4Key::new(&hex::decode("0123456789ABCDEFFEDCBA9876543210").unwrap()).unwrap());
        let message = hex::decode("1212B04E1227809C5FE058DB90680D3301").unwrap();
        assert_eq!(hex::encode(&unionpay_block(&key, &message).unwrap()), "8B377BB2683E5DC21C18B44870C94B3D");
    }
}
