//! SHA-256 of OpenSSL in the shape that a library asks for which hashes trees.

use ct_merkle::digest::consts::U32;
use ct_merkle::digest::{FixedOutput, HashMarker, Output, OutputSizeUser, Update};

/// SHA-256 (FIPS 180-4), which takes its message in parts.
#[derive(Clone, Default)]
pub struct Sha256(openssl::sha::Sha256);

impl HashMarker for Sha256 {}

impl OutputSizeUser for Sha256 {
    type OutputSize = U32;
}

impl Update for Sha256 {
    fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }
}

impl FixedOutput for Sha256 {
    fn finalize_into(self, out: &mut Output<Self>) {
        out.copy_from_slice(&self.0.finish());
    }
}

/// The hash over parts taken as one message; it cannot fail.
pub fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = openssl::sha::Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sha256::sha256;

    #[test]
    fn it_is_the_hash_of_the_rest_of_the_program() {
        let mut hasher = Sha256::default();
        hasher.update(b"ab");
        hasher.update(b"c");
        let hashed: [u8; 32] = hasher.finalize_fixed().into();
        assert_eq!(hashed, sha256(&[b"abc"]).unwrap());
        assert_eq!(hash(&[b"a", b"bc"]), hashed);
    }
}
