//! AES-256 in Galois/counter mode (NIST SP 800-38D): what is kept cannot be read without its key, nor changed unnoticed.

use std::sync::OnceLock;

use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;
use zeroize::Zeroizing;

use super::CryptoError;

/// Bytes of a key.
pub const KEY: usize = 32;

/// Bytes of what may be used only once with a key.
pub const NONCE: usize = 12;

/// Bytes of the tag that stands behind the ciphertext.
pub const TAG: usize = 16;

/// Encrypts: nonce, ciphertext and tag, one behind the other. `bound` is not in it, but must be the same to open it.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn seal(key: &[u8; KEY], nonce: &[u8; NONCE], bound: &[u8], clear: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let mut context = CipherCtx::new()?;
    context.encrypt_init(Some(cipher()?), Some(key), Some(nonce))?;
    context.cipher_update(bound, None)?;
    let mut sealed = nonce.to_vec();
    sealed.reserve_exact(clear.len() + TAG);
    context.cipher_update_vec(clear, &mut sealed)?;
    context.cipher_final_vec(&mut sealed)?;
    let mut tag = [0; TAG];
    context.tag(&mut tag)?;
    sealed.extend(tag);
    Ok(sealed)
}

/// OpenSSL looks an algorithm up by its name, which takes longer than to use it for a card number: once is enough.
fn cipher() -> Result<&'static Cipher, ErrorStack> {
    static FOUND: OnceLock<Cipher> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found);
    }
    let found = Cipher::fetch(None, "AES-256-GCM", None)?;
    Ok(FOUND.get_or_init(|| found))
}

/// Decrypts what [`seal`] made.
///
/// # Errors
/// When it is too short, was changed, is under another key or bound to something else.
pub fn open(key: &[u8; KEY], bound: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let short = || CryptoError::DataLength { what: "something sealed", length: sealed.len() };
    let (nonce, rest) = sealed.split_at_checked(NONCE).ok_or_else(short)?;
    let (text, tag) = rest.split_at_checked(rest.len().wrapping_sub(TAG)).ok_or_else(short)?;
    let mut context = CipherCtx::new()?;
    context.decrypt_init(Some(cipher()?), Some(key), Some(nonce))?;
    context.cipher_update(bound, None)?;
    // What comes out before the tag has been looked at is wiped as well when it is refused.
    let mut clear = Zeroizing::new(vec![0; text.len()]);
    let written = context.cipher_update(text, Some(&mut clear))?;
    context.set_tag(tag)?;
    let end = context.cipher_final(&mut clear[written..])?;
    clear.truncate(written + end);
    Ok(clear)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    /// The Galois/Counter Mode of Operation (McGrew, Viega), appendix B, test case 16.
    #[test]
    fn the_sixteenth_case_of_its_authors() {
        let key = bytes("FEFFE9928665731C6D6A8F9467308308FEFFE9928665731C6D6A8F9467308308");
        let nonce = bytes("CAFEBABEFACEDBADDECAF888");
        let bound = hex::decode("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2").unwrap();
        let clear = hex::decode(
            "D9313225F88406E5A55909C5AFF5269A86A7A9531534F7DA2E4C303D8A318A721C3C0C95956809532FCF0E2449A6B525\
             B16AEDF5AA0DE657BA637B39",
        )
        .unwrap();
        let sealed = seal(&key, &nonce, &bound, &clear).unwrap();
        assert_eq!(
            hex::encode(&sealed[NONCE..]),
            "522DC1F099567D07F47F37A32A84427D643A8CDCBFE5C0C97598A2BD2555D1AA8CB08E48590DBB3DA7B08B1056828838\
             C5F61E6393BA7A0ABCC9F66276FC6ECE0F4E1768CDDF8853BB2D551B"
        );
        assert_eq!(*open(&key, &bound, &sealed).unwrap(), clear);
    }

    #[test]
    fn what_was_changed_or_belongs_elsewhere_is_not_opened() {
        let (key, nonce) = ([7; KEY], [9; NONCE]);
        let sealed = seal(&key, &nonce, b"row 1", b"4111111111111111").unwrap();
        assert_eq!(open(&key, b"row 1", &sealed).unwrap().as_slice(), b"4111111111111111");
        assert!(open(&key, b"row 2", &sealed).is_err());
        assert!(open(&[8; KEY], b"row 1", &sealed).is_err());
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(open(&key, b"row 1", &changed).is_err(), "byte {index}");
            assert!(open(&key, b"row 1", &sealed[..index]).is_err(), "{index} bytes");
        }
    }
}
