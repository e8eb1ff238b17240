//! Offline data authentication as issuer and card do it (EMV 4.4 Book 2, sections 5 and 6): certificates and dynamic
//! signatures. The terminal's side is in the kernel; nothing of it is shared, so that one can find the other's
//! mistakes.

use openssl::hash::{MessageDigest, hash};
use openssl::pkey::Private;
use openssl::rsa::Rsa;

use crate::crypto::{CryptoError, rsa};

const HEADER: u8 = 0x6A;
const TRAILER: u8 = 0xBC;
const PADDING: u8 = 0xBB;
const SHA_1: u8 = 0x01;
const RSA: u8 = 0x01;
const HASH_LENGTH: usize = 20;

/// A public key signed by the next higher key.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The signed block (tag 90 or 9F46).
    pub block: Vec<u8>,
    /// What of the modulus did not fit into it (tag 92 or 9F48); may be empty.
    pub remainder: Vec<u8>,
    /// The key's exponent (tag 9F32 or 9F47).
    pub exponent: Vec<u8>,
}

/// Whose key a certificate is about.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// An issuer: its identifier, the left-most digits of its card numbers, padded with F.
    Issuer([u8; 4]),
    /// A card: its number padded with F, and the static data its certificate also vouches for.
    Card {
        /// The number, ten bytes.
        pan: [u8; 10],
        /// Authenticated records and the value of tag 82 (Book 3, 10.3).
        static_data: &'a [u8],
    },
}

/// Signs `key` with `signer` (Book 2, tables 6 and 14). `expiry` is `MMYY`, packed.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn certify(
    signer: &Rsa<Private>,
    subject: Subject<'_>,
    expiry: [u8; 2],
    serial_number: [u8; 3],
    key: &Rsa<Private>,
) -> Result<Certificate, CryptoError> {
    let (modulus, exponent) = (key.n().to_vec(), key.e().to_vec());
    let (format, name, static_data): (u8, &[u8], &[u8]) = match &subject {
        Subject::Issuer(identifier) => (0x02, identifier, &[]),
        Subject::Card { pan, static_data } => (0x04, pan, static_data),
    };
    let mut signed = vec![format];
    signed.extend_from_slice(name);
    signed.extend_from_slice(&expiry);
    signed.extend_from_slice(&serial_number);
    signed.extend_from_slice(&[SHA_1, RSA, modulus.len() as u8, exponent.len() as u8]);
    // Header, hash and trailer frame what is signed; the rest of the block is for the modulus.
    let room = (signer.size() as usize).saturating_sub(signed.len() + HASH_LENGTH + 2);
    let (inside, remainder) = modulus.split_at(room.min(modulus.len()));
    signed.extend_from_slice(inside);
    signed.resize(signed.len() + room - inside.len(), PADDING);
    let block = frame(signer, &signed, &[remainder, &exponent, static_data].concat())?;
    Ok(Certificate { block, remainder: remainder.to_vec(), exponent })
}

/// Signed static application data (tag 93; Book 2, table 3): the issuer's signature over authenticated records and the
/// value of tag 82, with a code of the issuer's own inside.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn sign_static(issuer: &Rsa<Private>, code: [u8; 2], static_data: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let mut signed = vec![0x03, SHA_1, code[0], code[1]];
    signed.resize((issuer.size() as usize).saturating_sub(HASH_LENGTH + 2), PADDING);
    frame(issuer, &signed, static_data)
}

/// Signed dynamic application data (tag 9F4B; Book 2, tables 17 and 20) over the card's own `dynamic_data` and the
/// terminal's `challenge`: the DDOL's values in DDA, the unpredictable number in CDA.
///
/// # Errors
/// When the dynamic data is too long for the key, or OpenSSL refuses.
pub fn sign_dynamic(card: &Rsa<Private>, dynamic_data: &[u8], challenge: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let length = u8::try_from(dynamic_data.len())
        .map_err(|_| CryptoError::DataLength { what: "dynamic data", length: dynamic_data.len() })?;
    let mut signed = vec![0x05, SHA_1, length];
    signed.extend_from_slice(dynamic_data);
    signed.resize(signed.len().max((card.size() as usize).saturating_sub(HASH_LENGTH + 2)), PADDING);
    frame(card, &signed, challenge)
}

/// SHA-1, the only hash algorithm of EMV certificates.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn sha_1(bytes: &[u8]) -> Result<[u8; HASH_LENGTH], CryptoError> {
    let digest = hash(MessageDigest::sha1(), bytes)?;
    digest.as_ref().try_into().map_err(|_| CryptoError::DataLength { what: "a SHA-1 hash", length: digest.len() })
}

/// `6A | signed | hash(signed | also_hashed) | BC`, signed as one block.
fn frame(signer: &Rsa<Private>, signed: &[u8], also_hashed: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let hash = sha_1(&[signed, also_hashed].concat())?;
    rsa::sign(signer, &[&[HEADER], signed, &hash, &[TRAILER]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_needs_no_remainder_and_is_padded() {
        let (signer, key) = (Rsa::generate(1024).unwrap(), Rsa::generate(512).unwrap());
        let made = certify(&signer, Subject::Issuer([0x62, 0x28, 0x48, 0xFF]), [0x12, 0x30], [0, 0, 1], &key).unwrap();
        let block = rsa::recover(&signer.n().to_vec(), &signer.e().to_vec(), &made.block).unwrap();
        assert!(made.remainder.is_empty());
        assert_eq!(&block[15..15 + 64], key.n().to_vec());
        assert!(block[15 + 64..128 - 21].iter().all(|byte| *byte == PADDING));
        let hash = sha_1(&[&block[1..128 - 21], &made.exponent].concat()).unwrap();
        assert_eq!(&block[128 - 21..127], hash);
    }

    #[test]
    fn dynamic_data_too_long_for_the_key_is_refused() {
        let key = Rsa::generate(512).unwrap();
        assert!(sign_dynamic(&key, &[0; 60], &[]).is_err());
        assert!(sign_dynamic(&key, &[0; 300], &[]).is_err());
    }
}
