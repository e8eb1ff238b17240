//! Derived unique key per transaction (DUKPT): a terminal uses every key once, and the host finds it again from the base
//! derivation key and the key serial number that comes with the message.
//!
//! From the base derivation key comes a terminal's initial key, from that the key of one transaction, from that its
//! working keys. This is the host's way and that of a tool: it starts from the base key each time. [`tdes`] is ANSI
//! X9.24-1:2009, [`aes`] ANSI X9.24-3:2017.

pub mod aes;
pub mod tdes;

use super::CryptoError;

/// What a working key is for, seen from the terminal: it sends requests and receives responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Encrypts PIN blocks.
    Pin,
    /// MACs of what the terminal sends.
    MacRequest,
    /// MACs of what the terminal receives.
    MacResponse,
    /// Encrypts data that the terminal sends.
    DataRequest,
    /// Decrypts data that the terminal receives.
    DataResponse,
}

/// Why no key can be derived.
#[derive(Debug, thiserror::Error)]
pub enum DukptError {
    /// A key serial number of another length.
    #[error("a key serial number has {expected} bytes, this has {length}")]
    SerialNumber {
        /// Bytes that it should have.
        expected: usize,
        /// Bytes that it has.
        length: usize,
    },
    /// The counter before the first transaction: only the initial key belongs to it.
    #[error("the transaction counter is 0: the first transaction has counter 1")]
    NoTransaction,
    /// A counter that terminals skip.
    #[error("transaction counter {counter:X} has {ones} one bits; terminals skip counters with more than {most}")]
    Skipped {
        /// The counter.
        counter: u32,
        /// Its one bits.
        ones: u32,
        /// Bits that a counter may have.
        most: u32,
    },
    /// A working key must not be stronger than the key it comes from.
    #[error("a working key of {wanted} bytes cannot come from a base derivation key of {base} bytes")]
    Stronger {
        /// Bytes of the working key.
        wanted: usize,
        /// Bytes of the base derivation key.
        base: usize,
    },
    /// The computation itself.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// The counter of a transaction, or why terminals never have it.
fn usable(counter: u32, most: u32) -> Result<u32, DukptError> {
    match counter.count_ones() {
        0 => Err(DukptError::NoTransaction),
        ones if ones > most => Err(DukptError::Skipped { counter, ones, most }),
        _ => Ok(counter),
    }
}

/// The one bits of a counter from the left, each with those before it: the ways that a key is derived along.
fn path(counter: u32) -> impl Iterator<Item = u32> {
    (0..u32::BITS).rev().map(move |bit| (counter & 1 << bit, counter >> bit << bit)).filter_map(|(one, so_far)| {
        let set = one != 0;
        set.then_some(so_far)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_derived_along_the_ones_of_the_counter() {
        assert_eq!(path(0b1011).collect::<Vec<_>>(), [0b1000, 0b1010, 0b1011]);
        assert_eq!(path(1 << 31).collect::<Vec<_>>(), [1 << 31]);
        assert_eq!(path(0).count(), 0);
    }

    #[test]
    fn counters_that_terminals_skip_are_refused() {
        assert!(usable(0x1F_F800, 10).is_ok());
        for (counter, said) in [(0, "first transaction has counter 1"), (0x1F_FC00, "1FFC00 has 11 one bits")] {
            let error = usable(counter, 10).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
