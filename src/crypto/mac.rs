//! Message authentication codes. This floor knows the ones the first sale needs; a dialect names its own.

use subtle::ConstantTimeEq;

use super::tdes::{TdesKey, block};
use super::{CryptoError, hex};

/// The MAC of UnionPay-style terminals, field 64: the first eight characters of a ciphertext written in hexadecimal.
///
/// All blocks of the message (zero padded) are XORed into one; its sixteen upper-case hexadecimal characters are two
/// new blocks; the first is encrypted, XORed with the second, encrypted again. A double-length key encrypts with TDES.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn unionpay(key: &TdesKey, message: &[u8]) -> Result<[u8; 8], CryptoError> {
    unionpay_of_block(key, &xor_of_blocks(message))
}

/// ISO/IEC 9797-1 MAC algorithm 3 (retail MAC) with padding method 2 (`80 00 …`), all eight bytes.
///
/// # Errors
/// When the key is not of double length.
pub fn iso9797_algorithm_3(key: &TdesKey, message: &[u8]) -> Result<[u8; 8], CryptoError> {
    if key.len() != 16 {
        return Err(CryptoError::KeyLength { algorithm: "ISO 9797-1 algorithm 3", length: key.len() });
    }
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(8), 0);
    let (head, last) = padded.split_at(padded.len() - 8);
    let chained = if head.is_empty() { [0; 8] } else { tail(&key.left_half()?.encrypt_cbc(head)?)? };
    // The last block goes through all three steps: encrypt left, decrypt right, encrypt left (TDES).
    block(&key.encrypt_ecb(&xor(&chained, &tail(last)?))?)
}

/// Compares two MACs in a time that does not depend on where they differ.
pub fn equal(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

fn unionpay_of_block(key: &TdesKey, folded: &[u8; 8]) -> Result<[u8; 8], CryptoError> {
    let characters = hex::encode(folded).into_bytes();
    let (first, second) = characters.split_at(8);
    let once = block(&key.encrypt_ecb(first)?)?;
    let twice = key.encrypt_ecb(&xor(&once, &tail(second)?))?;
    block(hex::encode(&twice).as_bytes())
}

fn xor_of_blocks(message: &[u8]) -> [u8; 8] {
    message.chunks(8).fold([0; 8], |mut folded, chunk| {
        for (to, from) in folded.iter_mut().zip(chunk) {
            *to ^= from;
        }
        folded
    })
}

fn xor(one: &[u8; 8], other: &[u8; 8]) -> [u8; 8] {
    std::array::from_fn(|index| one[index] ^ other[index])
}

fn tail(bytes: &[u8]) -> Result<[u8; 8], CryptoError> {
    block(&bytes[bytes.len().saturating_sub(8)..])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked sample of a public post on UnionPay POS MACs, recomputed.
    #[test]
    fn unionpay_sample() {
        let key = TdesKey::new(&hex::decode("55036372B17543ECB173730768B8D6C4").unwrap()).unwrap();
        let folded: [u8; 8] = hex::decode("1212B04E1227809C").unwrap().try_into().unwrap();
        assert_eq!(&unionpay_of_block(&key, &folded).unwrap(), b"5FE058DB");
        // The same through the whole function: one block folds to itself.
        assert_eq!(&unionpay(&key, &folded).unwrap(), b"5FE058DB");
    }

    /// Blocks are folded, the last one padded with zeros.
    #[test]
    fn folding_pads_with_zeros() {
        assert_eq!(xor_of_blocks(&[1, 2, 3, 4, 5, 6, 7, 8, 1, 2]), [0, 0, 3, 4, 5, 6, 7, 8]);
        assert_eq!(xor_of_blocks(&[]), [0; 8]);
    }

    #[test]
    fn comparison_needs_the_same_length() {
        assert!(equal(b"5FE058DB", b"5FE058DB"));
        assert!(!equal(b"5FE058DB", b"5FE058D"));
        assert!(!equal(b"5FE058DB", b"5FE058DC"));
    }
}
