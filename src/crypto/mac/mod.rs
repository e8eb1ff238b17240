//! Message authentication codes as terminals and hosts of card payments know them, each whole: who sends fewer bytes cuts
//! off the rest. A dialect names its own.
//!
//! CMAC (NIST SP 800-38B) is a method of the keys: [`BlockKey::cmac`](super::cipher::BlockKey::cmac).

mod algorithm;
pub mod iso9797;
mod unionpay;

use subtle::ConstantTimeEq;

pub use algorithm::{Cipher, MacAlgorithm};
pub use unionpay::{field_64, unionpay, unionpay_block, unionpay_block_by};

/// Compares two MACs in a time that does not depend on where they differ.
pub fn equal(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// XORs two blocks of the same length.
fn xor(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter().zip(other).map(|(one, other)| one ^ other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparison_needs_the_same_length() {
        assert!(equal(b"5FE058DB", b"5FE058DB"));
        assert!(!equal(b"5FE058DB", b"5FE058D"));
        assert!(!equal(b"5FE058DB", b"5FE058DC"));
    }
}
