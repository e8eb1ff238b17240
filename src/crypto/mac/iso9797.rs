//! MACs by CBC (ISO/IEC 9797-1:2011): algorithm 1, which with DES and zero padding is ANSI X9.9, and algorithm 3, which
//! with zero padding is ANSI X9.19 ("retail MAC").

use super::xor;
use crate::crypto::CryptoError;
use crate::crypto::cipher::BlockKey;
use crate::crypto::tdes::{TdesKey, block};

/// How a message becomes whole blocks (6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Method 1: zeros, none when the blocks are whole; an empty message becomes a block of zeros.
    Zeros,
    /// Method 2: `80`, then zeros; always at least the `80`.
    OneThenZeros,
    /// Method 3: zeros as in method 1, and in front of all a block with the length in bits.
    LengthInFront,
}

/// MAC algorithm 1 (7.2): the last block of CBC. As long as a block of the key.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn algorithm_1(key: &BlockKey, padding: Padding, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let length = key.block_length();
    let chained = key.encrypt_cbc(&padded(message, padding, length))?;
    Ok(chained[chained.len() - length..].to_vec())
}

/// As [`algorithm_1`], for a key that encrypts elsewhere: `encrypt` takes a block of `length` bytes.
///
/// # Errors
/// Passed on from `encrypt`.
pub fn algorithm_1_by<E>(
    length: usize,
    padding: Padding,
    message: &[u8],
    encrypt: impl Fn(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, E> {
    padded(message, padding, length)
        .chunks(length)
        .try_fold(vec![0; length], |chained, block| encrypt(&xor(&chained, block)))
}

/// MAC algorithm 3 (7.4) with DES: CBC under the left half of the key, the last block then decrypted with the right
/// half and encrypted with the left.
///
/// # Errors
/// When the key is not of double length.
pub fn algorithm_3(key: &TdesKey, padding: Padding, message: &[u8]) -> Result<[u8; 8], CryptoError> {
    if key.len() != 16 {
        return Err(CryptoError::KeyLength { algorithm: "ISO 9797-1 algorithm 3", length: key.len(), allowed: &[16] });
    }
    let padded = padded(message, padding, 8);
    let (head, last) = padded.split_at(padded.len() - 8);
    let chained = match key.left_half()?.encrypt_cbc(head)? {
        nothing if nothing.is_empty() => vec![0; 8],
        chained => chained[chained.len() - 8..].to_vec(),
    };
    // All three steps on the last block are one TDES encryption.
    block(&key.encrypt_ecb(&xor(&chained, last))?)
}

fn padded(message: &[u8], padding: Padding, block: usize) -> Vec<u8> {
    let mut blocks = Vec::with_capacity(message.len() + 2 * block);
    if padding == Padding::LengthInFront {
        let bits = 8 * message.len() as u64;
        blocks.resize(block - 8, 0);
        blocks.extend(bits.to_be_bytes());
    }
    blocks.extend(message);
    if padding == Padding::OneThenZeros {
        blocks.push(0x80);
    }
    let whole = blocks.len().next_multiple_of(block);
    // An empty message still gives one block of data; of itself only method 2 does.
    let least = if padding == Padding::LengthInFront { 2 * block } else { block };
    blocks.resize(whole.max(least), 0);
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    const ALL: [Padding; 3] = [Padding::Zeros, Padding::OneThenZeros, Padding::LengthInFront];

    /// ISO/IEC 9797-1, annex B: K is 0123456789ABCDEF, K' is FEDCBA9876543210. Algorithm 1 shows four bytes there.
    #[test]
    fn the_examples_of_the_standard() {
        let both = TdesKey::new(&hex::decode("0123456789ABCDEFFEDCBA9876543210").unwrap()).unwrap();
        let left = BlockKey::Tdes(both.left_half().unwrap());
        for (message, padding, one, three) in [
            ("Now is the time for all ", Padding::Zeros, "70A30640", "A1C72E74EA3FA9B6"),
            ("Now is the time for all ", Padding::OneThenZeros, "10E1F0F1", "E9086230CA3BE796"),
            ("Now is the time for all ", Padding::LengthInFront, "2C58FB8F", "AB059463D7A7D170"),
            ("Now is the time for it", Padding::Zeros, "E45B3AD2", "2E2B1428CC78254F"),
            ("Now is the time for it", Padding::OneThenZeros, "A924C721", "5A692CE64F404145"),
            ("Now is the time for it", Padding::LengthInFront, "B1ECD6FC", "C59F7EED328DDD69"),
        ] {
            let first = algorithm_1(&left, padding, message.as_bytes()).unwrap();
            assert_eq!(hex::encode(&first[..4]), one, "algorithm 1, {padding:?}: {message}");
            let by = algorithm_1_by(8, padding, message.as_bytes(), |block| left.encrypt_ecb(block)).unwrap();
            assert_eq!(by, first);
            let third = algorithm_3(&both, padding, message.as_bytes()).unwrap();
            assert_eq!(hex::encode(&third), three, "algorithm 3, {padding:?}: {message}");
        }
    }

    #[test]
    fn messages_of_any_length_become_whole_blocks() {
        for (message, blocks) in [
            ("", ["0000000000000000", "8000000000000000", "00000000000000000000000000000000"]),
            ("1234", ["1234000000000000", "1234800000000000", "00000000000000101234000000000000"]),
            (
                "1234567890123456",
                ["1234567890123456", "12345678901234568000000000000000", "00000000000000401234567890123456"],
            ),
        ] {
            let message = hex::decode(message).unwrap();
            assert_eq!(ALL.map(|padding| hex::encode(&padded(&message, padding, 8))), blocks);
        }
        assert_eq!(hex::encode(&padded(&[1], Padding::LengthInFront, 16)), format!("{:032X}01{:030}", 8, 0));
    }

    #[test]
    fn one_block_is_a_single_encryption() {
        let key = TdesKey::new(&[7; 16]).unwrap();
        let mac = algorithm_3(&key, Padding::Zeros, &[5; 8]).unwrap();
        assert_eq!(mac.to_vec(), key.encrypt_ecb(&[5; 8]).unwrap());
        for length in [8, 24] {
            assert!(algorithm_3(&TdesKey::new(&vec![7; length]).unwrap(), Padding::Zeros, &[5; 8]).is_err());
        }
    }
}
