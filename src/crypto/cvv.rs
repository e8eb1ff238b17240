//! Card verification value: three digits by which an issuer knows that a track is one it has written (the schemes' algorithm, as IBM's
//! Common Cryptographic Architecture documents it for CVV and CVC). Pure.

use zeroize::Zeroizing;

use super::CryptoError;
use super::tdes::{TdesKey, block};

/// Digits of a value.
pub const CVV_DIGITS: usize = 3;

/// Bytes of the pair of keys.
const KEY_PAIR: usize = 16;

/// Digits that number, expiry and service code may have together: two blocks of sixteen.
const MOST_DIGITS: usize = 32;

/// The value over number, expiry (`YYMM`) and service code, under a pair of keys.
///
/// # Errors
/// When something else than digits is given, too many of them, or a key of another length.
pub fn card_verification_value(
    key: &[u8],
    pan: &str,
    expiry: &str,
    service_code: &str,
) -> Result<Zeroizing<String>, CryptoError> {
    const WHAT: &str = "number, expiry and service code";
    if key.len() != KEY_PAIR {
        return Err(CryptoError::KeyLength { algorithm: "CVV", length: key.len(), allowed: &[KEY_PAIR] });
    }
    let mut digits = Zeroizing::new(String::with_capacity(MOST_DIGITS));
    for part in [pan, expiry, service_code] {
        if !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CryptoError::Content { what: WHAT, allowed: "decimal digits" });
        }
        if digits.len() + part.len() > MOST_DIGITS {
            return Err(CryptoError::DataLength { what: WHAT, length: digits.len() + part.len() });
        }
        digits.push_str(part);
    }
    while digits.len() < MOST_DIGITS {
        digits.push('0');
    }
    let packed = Zeroizing::new(super::hex::decode(&digits).unwrap_or_default());
    let (first, second) = packed.split_at(packed.len() / 2);
    let half = TdesKey::new(&key[..KEY_PAIR / 2])?;
    let whole = TdesKey::new(key)?;
    let mixed = Zeroizing::new(block(&half.encrypt_ecb(first)?)?);
    let mixed: Zeroizing<Vec<u8>> = Zeroizing::new(mixed.iter().zip(second).map(|(one, other)| one ^ other).collect());
    let value = Zeroizing::new(super::hex::encode(&whole.encrypt_ecb(&mixed)?));
    // Decimal digits first, in their order; then the others, less ten.
    let decimal = value.chars().filter(char::is_ascii_digit);
    let others = value.chars().filter_map(|sign| char::from_digit(sign.to_digit(16)?.checked_sub(10)?, 10));
    Ok(Zeroizing::new(decimal.chain(others).take(CVV_DIGITS).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789ABCDEFFEDCBA9876543210";

    /// The widely published sample of the algorithm.
    #[test]
    fn the_published_sample_has_its_value() {
        let key = crate::crypto::hex::decode(KEY).unwrap();
        let value = |expiry: &str, code: &str| card_verification_value(&key, "4123456789012345", expiry, code).unwrap();
        assert_eq!(*value("8701", "101"), "561");
        assert_ne!(*value("8702", "101"), "561");
        assert_ne!(*value("8701", "201"), "561");
    }

    #[test]
    fn what_cannot_be_computed_is_refused() {
        let key = crate::crypto::hex::decode(KEY).unwrap();
        assert!(card_verification_value(&key[..8], "4123456789012345", "8701", "101").is_err());
        assert!(card_verification_value(&key, "4123 456789012345", "8701", "101").is_err());
        assert!(card_verification_value(&key, &"4".repeat(30), "8701", "101").is_err());
        assert_eq!(card_verification_value(&key, &"4".repeat(19), "8701", "101").unwrap().len(), CVV_DIGITS);
    }
}
