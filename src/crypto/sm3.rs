//! SM3 (GB/T 32905-2016), the hash of Chinese commercial cryptography.

use openssl::hash::{Hasher, MessageDigest};

use super::CryptoError;
use super::cipher::first;

/// Bytes of a hash.
pub const HASH_LENGTH: usize = 32;

/// The hash over parts taken as one message.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn sm3(parts: &[&[u8]]) -> Result<[u8; HASH_LENGTH], CryptoError> {
    let mut hasher = Hasher::new(MessageDigest::sm3())?;
    for part in parts {
        hasher.update(part)?;
    }
    first(&hasher.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    /// GB/T 32905-2016, appendix A, examples 1 and 2.
    #[test]
    fn the_examples_of_the_standard() {
        let sixteen = &[b"abcd".as_slice(); 16];
        for (parts, hash) in [
            (&[&b"a"[..], b"", b"bc"][..], "66C7F0F462EEEDD9D1F2D46BDC10E4E24167C4875CF2F7A2297DA02B8F4BA8E0"),
            (&sixteen[..], "DEBE9FF92275B8A138604889C18E5A4D6FDB70E5387E5765293DCBA39C0C5732"),
        ] {
            assert_eq!(hex::encode(&sm3(parts).unwrap()), hash);
        }
    }
}
