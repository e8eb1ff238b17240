//! Cryptography of the field, as thin functions over OpenSSL: no algorithm is written here, only the way payment
//! standards put them together. Pure: keys and data in, result out.

pub mod aes;
pub mod base64;
pub mod certificates;
pub mod check_value;
pub mod cipher;
pub mod code_hash;
pub mod cvv;
pub mod device;
pub mod digest;
pub mod dukpt;
pub mod elliptic;
pub mod emv;
pub mod gcm;
pub mod hex;
pub mod key_block;
pub mod mac;
pub mod pin_block;
pub mod rsa;
pub mod sha256;
pub mod sm2;
pub mod sm3;
pub mod sm4;
pub mod tdes;

/// What can go wrong in a cryptographic computation.
#[derive(Debug, thiserror::Error)]
pub enum CryptoError {
    /// The key has a length that its algorithm does not take.
    #[error("a {algorithm} key cannot have {length} bytes, only {}", either(allowed))]
    KeyLength {
        /// Name of the algorithm.
        algorithm: &'static str,
        /// Length given, in bytes.
        length: usize,
        /// Lengths that it takes.
        allowed: &'static [usize],
    },
    /// The data has a length that the operation does not take.
    #[error("{what} cannot have {length} bytes")]
    DataLength {
        /// What the data was meant to be.
        what: &'static str,
        /// Length given, in bytes.
        length: usize,
    },
    /// The data holds something that the operation does not take.
    #[error("{what} can only be {allowed}")]
    Content {
        /// What the data was meant to be.
        what: &'static str,
        /// What it may be.
        allowed: &'static str,
    },
    /// OpenSSL refused; its own words follow.
    #[error("OpenSSL: {0}")]
    OpenSsl(#[from] openssl::error::ErrorStack),
}

/// `8, 16 or 24`.
fn either(numbers: &[usize]) -> String {
    let words: Vec<_> = numbers.iter().map(usize::to_string).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
