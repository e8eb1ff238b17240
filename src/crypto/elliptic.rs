//! NIST's curve P-256 (SP 800-186, 3.2.1.3): key pairs, ECDSA with SHA-256 (FIPS 186-5), key agreement (SP 800-56A rev. 3,
//! 5.7.1.2), and HKDF with SHA-256 (RFC 5869), which makes keys of what was agreed.
//!
//! Nothing here draws the number that a key pair begins with: who makes one brings it. The number that a signature needs is
//! drawn by OpenSSL.

use std::fmt;

use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::derive::Deriver;
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::md::Md;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::sign::{Signer, Verifier};
use zeroize::Zeroizing;

use super::CryptoError;
use super::cipher::first;

/// Bytes of a private number, and of what two keys agree on.
pub const NUMBER: usize = 32;

/// Random bytes that a key pair is made of: sixty-four bits more than the number has, so that all numbers are as likely.
pub const SEED: usize = NUMBER + 8;

/// What stands before the point in SubjectPublicKeyInfo of this curve (RFC 5480, 2).
const FRONT: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE,
    0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A public key of this curve.
#[derive(Clone)]
pub struct P256PublicKey(PKey<Public>);

/// A private key of this curve, and with it its public one. Masks itself; OpenSSL wipes it when it is dropped.
#[derive(Clone)]
pub struct P256PrivateKey(PKey<Private>);

impl P256PublicKey {
    /// Takes SubjectPublicKeyInfo in DER (RFC 5480) as [`P256PublicKey::to_der`] writes it: the curve by its name, the point
    /// uncompressed. One key has one form, so that its hash names it.
    ///
    /// # Errors
    /// Another curve or form, a point that is not on the curve, or bytes that are no key.
    pub fn from_der(der: &[u8]) -> Result<Self, CryptoError> {
        const CONTENT: CryptoError = CryptoError::Content {
            what: "a public key",
            allowed: "SubjectPublicKeyInfo of the curve P-256 with an uncompressed point",
        };
        let key = PKey::public_key_from_der(der).and_then(|key| key.ec_key()).map_err(|_| CONTENT)?;
        if key.group().curve_name() != Some(Nid::X9_62_PRIME256V1) {
            return Err(CONTENT);
        }
        key.check_key().map_err(|_| CONTENT)?;
        let key = Self(PKey::from_ec_key(key)?);
        if key.to_der()? == der { Ok(key) } else { Err(CONTENT) }
    }

    /// SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn to_der(&self) -> Result<Vec<u8>, CryptoError> {
        Ok(self.0.public_key_to_der()?)
    }

    /// Takes the point: 04, x and y (SEC 1, 2.3.3).
    ///
    /// # Errors
    /// Another form, or a point that is not on the curve.
    pub fn from_point(point: &[u8]) -> Result<Self, CryptoError> {
        Self::from_der(&[FRONT.as_slice(), point].concat())
    }

    /// The point: 04, x and y.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn to_point(&self) -> Result<Vec<u8>, CryptoError> {
        Ok(self.to_der()?.split_off(FRONT.len()))
    }

    /// Whether a signature, in DER, is that of this key over a message.
    ///
    /// # Errors
    /// Passed on from OpenSSL; a signature that is wrong or none at all is no error.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<bool, CryptoError> {
        let mut verifier = Verifier::new(MessageDigest::sha256(), &self.0)?;
        verifier.update(message)?;
        // OpenSSL reports bytes that are no signature as an error: they are a wrong one as well.
        Ok(verifier.verify(signature).unwrap_or(false))
    }
}

impl P256PrivateKey {
    /// Makes a key pair of random bytes (FIPS 186-5, A.2.1).
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn from_seed(seed: &[u8; SEED]) -> Result<Self, CryptoError> {
        let (group, mut context) = (curve()?, BigNumContext::new_secure()?);
        let (mut order, mut drawn) = (BigNum::new()?, BigNum::new_secure()?);
        group.order(&mut order, &mut context)?;
        order.sub_word(1)?;
        drawn.copy_from_slice(seed)?;
        let mut number = BigNum::new_secure()?;
        number.nnmod(&drawn, &order, &mut context)?;
        number.add_word(1)?;
        Self::new(padded(&number)?.as_slice())
    }

    /// Takes the private number; the public key follows from it.
    ///
    /// # Errors
    /// Another length than 32 bytes, or a number that is no key.
    pub fn new(number: &[u8]) -> Result<Self, CryptoError> {
        if number.len() != NUMBER {
            return Err(CryptoError::KeyLength { algorithm: "P-256 private", length: number.len(), allowed: &[32] });
        }
        let (group, mut context) = (curve()?, BigNumContext::new_secure()?);
        let mut secret = BigNum::new_secure()?;
        secret.copy_from_slice(number)?;
        let mut point = EcPoint::new(&group)?;
        point.mul_generator2(&group, &secret, &mut context)?;
        let key = EcKey::from_private_components(&group, &secret, &point)?;
        key.check_key()?;
        Ok(Self(PKey::from_ec_key(key)?))
    }

    /// The private number, for a place that keeps keys.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn expose_number(&self) -> Result<Zeroizing<[u8; NUMBER]>, CryptoError> {
        padded(self.0.ec_key()?.private_key())
    }

    /// The public key that belongs to it.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn public_key(&self) -> Result<P256PublicKey, CryptoError> {
        let key = self.0.ec_key()?;
        Ok(P256PublicKey(PKey::from_ec_key(EcKey::from_public_key(key.group(), key.public_key())?)?))
    }

    /// Signs a message: ECDSA with SHA-256, in DER.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut signer = Signer::new(MessageDigest::sha256(), &self.0)?;
        signer.update(message)?;
        Ok(signer.sign_to_vec()?)
    }

    /// What this key and another one's public half agree on: x of the shared point. No key yet; [`hkdf_sha_256`] makes one.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn agree(&self, other: &P256PublicKey) -> Result<Zeroizing<[u8; NUMBER]>, CryptoError> {
        let mut deriver = Deriver::new(&self.0)?;
        deriver.set_peer(&other.0)?;
        Ok(Zeroizing::new(first(&Zeroizing::new(deriver.derive_to_vec()?))?))
    }
}

/// What ECDSA signs of a message: its SHA-256. For a key that signs elsewhere; [`P256PrivateKey::sign`] does it by itself.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn digest(message: &[u8]) -> Result<[u8; NUMBER], CryptoError> {
    first(&hash(MessageDigest::sha256(), message)?)
}

/// A signature in DER, of the two numbers r and s one behind the other, as secure elements give them.
///
/// # Errors
/// When they are not 32 bytes each.
pub fn signature_of(numbers: &[u8]) -> Result<Vec<u8>, CryptoError> {
    if numbers.len() != 2 * NUMBER {
        return Err(CryptoError::DataLength { what: "r and s of P-256", length: numbers.len() });
    }
    let (r, s) = numbers.split_at(NUMBER);
    Ok(EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?.to_der()?)
}

/// A key of `length` bytes out of a secret that is none yet (RFC 5869, extract and expand).
///
/// # Errors
/// When the length is 0 or beyond 255 hashes; passed on from OpenSSL.
pub fn hkdf_sha_256(secret: &[u8], salt: &[u8], info: &[u8], length: usize) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let mut context = PkeyCtx::new_id(Id::HKDF)?;
    context.derive_init()?;
    context.set_hkdf_md(Md::sha256())?;
    context.set_hkdf_key(secret)?;
    // Without a salt OpenSSL takes as many zeros as a hash has bytes, which is what the standard says.
    if !salt.is_empty() {
        context.set_hkdf_salt(salt)?;
    }
    if !info.is_empty() {
        context.add_hkdf_info(info)?;
    }
    let mut key = Zeroizing::new(vec![0; length]);
    context.derive(Some(&mut key))?;
    Ok(key)
}

fn curve() -> Result<EcGroup, ErrorStack> {
    EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)
}

fn padded(number: &BigNumRef) -> Result<Zeroizing<[u8; NUMBER]>, CryptoError> {
    Ok(Zeroizing::new(first(&Zeroizing::new(number.to_vec_padded(NUMBER as i32)?))?))
}

impl fmt::Debug for P256PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P256PublicKey")
    }
}

impl fmt::Debug for P256PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P256PrivateKey(masked)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    /// The key pair of RFC 6979, A.2.5.
    const PRIVATE: &str = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721";
    const PUBLIC: &str = "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6\
                          7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299";

    /// What stands before x and y in SubjectPublicKeyInfo of this curve (RFC 5480, 2).
    const BEFORE: &str = "3059301306072A8648CE3D020106082A8648CE3D03010703420004";

    fn private(number: &str) -> P256PrivateKey {
        P256PrivateKey::new(&hex::decode(number).unwrap()).unwrap()
    }

    fn public(numbers: &str) -> Result<P256PublicKey, CryptoError> {
        P256PublicKey::from_der(&hex::decode(&format!("{BEFORE}{numbers}")).unwrap())
    }

    #[test]
    fn the_public_key_follows_from_the_private_one() {
        let key = private(PRIVATE);
        assert_eq!(hex::encode(&key.public_key().unwrap().to_der().unwrap()), format!("{BEFORE}{PUBLIC}"));
        assert_eq!(hex::encode(key.expose_number().unwrap().as_slice()), PRIVATE);
        assert_eq!(format!("{key:?}"), "P256PrivateKey(masked)");
    }

    /// RFC 6979, A.2.5, with SHA-256: r and s, written as DER.
    #[test]
    fn the_signatures_of_rfc_6979_are_right_and_changed_ones_are_not() {
        let key = public(PUBLIC).unwrap();
        let sample = hex::decode(
            "3046022100EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716\
             022100F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
        )
        .unwrap();
        let test = hex::decode(
            "3045022100F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367\
             0220019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
        )
        .unwrap();
        assert!(key.verify(b"sample", &sample).unwrap());
        assert!(key.verify(b"test", &test).unwrap());
        assert!(!key.verify(b"test", &sample).unwrap());
        assert!(!key.verify(b"sample", &sample[..sample.len() - 1]).unwrap());
        assert!(!key.verify(b"sample", b"").unwrap());
    }

    /// The same signature as r and s (RFC 6979, A.2.5, SHA-256, "test"): s begins with a small byte, r with a large one.
    #[test]
    fn two_numbers_become_the_signature_in_der() {
        let numbers = hex::decode(
            "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367\
             019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
        )
        .unwrap();
        let signature = signature_of(&numbers).unwrap();
        assert!(hex::encode(&signature).starts_with("3045022100F1ABB023"));
        assert!(public(PUBLIC).unwrap().verify(b"test", &signature).unwrap());
        assert!(signature_of(&numbers[1..]).is_err());
        // FIPS 180-4 by way of NIST's examples: the digest of "abc".
        assert!(hex::encode(&digest(b"abc").unwrap()).starts_with("BA7816BF8F01CFEA"));
    }

    #[test]
    fn a_key_and_its_point_say_the_same() {
        let key = public(PUBLIC).unwrap();
        let point = key.to_point().unwrap();
        assert_eq!(hex::encode(&point), format!("04{PUBLIC}"));
        assert_eq!(P256PublicKey::from_point(&point).unwrap().to_der().unwrap(), key.to_der().unwrap());
        assert!(P256PublicKey::from_point(&point[1..]).is_err());
    }

    #[test]
    fn what_is_signed_is_verified() {
        let key = private(PRIVATE);
        let signature = key.sign(b"0800").unwrap();
        assert!(key.public_key().unwrap().verify(b"0800", &signature).unwrap());
        assert!(!key.public_key().unwrap().verify(b"0810", &signature).unwrap());
    }

    /// RFC 5903, 8.1.
    #[test]
    fn the_agreement_of_rfc_5903() {
        let one = private("C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433");
        let other = private("C6EF9C5D78AE012A011164ACB397CE2088685D8F06BF9BE0B283AB46476BEE53");
        let shared = "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE";
        for (ours, theirs) in [(&one, &other), (&other, &one)] {
            let agreed = ours.agree(&theirs.public_key().unwrap()).unwrap();
            assert_eq!(hex::encode(agreed.as_slice()), shared);
        }
    }

    /// RFC 5869, A.1 and A.3.
    #[test]
    fn the_keys_of_rfc_5869() {
        let secret = [0x0B; 22];
        for (salt, info, key) in [
            (
                "000102030405060708090A0B0C",
                "F0F1F2F3F4F5F6F7F8F9",
                "3CB25F25FAACD57A90434F64D0362F2A2D2D0A90CF1A5A4C5DB02D56ECC4C5BF34007208D5B887185865",
            ),
            ("", "", "8DA4E775A563C18F715F802A063C5A31B8A11F5C5EE1879EC3454E5F3C738D2D9D201395FAA4B61A96C8"),
        ] {
            let (salt, info) = (hex::decode(salt).unwrap(), hex::decode(info).unwrap());
            assert_eq!(hex::encode(&hkdf_sha_256(&secret, &salt, &info, 42).unwrap()), key);
        }
        assert!(hkdf_sha_256(&secret, &[], &[], 255 * 32 + 1).is_err());
    }

    /// FIPS 186-5, A.2.1: the remainder by the order less one, and one more. The order is that of SP 800-186, 3.2.1.3.
    #[test]
    fn a_seed_becomes_a_number_between_one_and_the_order() {
        let order_less_one = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550";
        let order_less_two = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC63254F";
        let one = format!("{:064X}", 1);
        for (seed, number) in [(&format!("{:064X}", 0), &one), (&order_less_one.into(), &one)] {
            let seed: [u8; SEED] = hex::decode(&format!("{:016X}{seed}", 0)).unwrap().try_into().unwrap();
            let made = P256PrivateKey::from_seed(&seed).unwrap();
            assert_eq!(&hex::encode(made.expose_number().unwrap().as_slice()), number);
        }
        let seed = hex::decode(&format!("{:016X}{order_less_two}", 0)).unwrap().try_into().unwrap();
        let made = P256PrivateKey::from_seed(&seed).unwrap();
        assert_eq!(hex::encode(made.expose_number().unwrap().as_slice()), order_less_one);
    }

    #[test]
    fn numbers_and_bytes_that_are_no_keys_are_refused() {
        for number in [vec![0; 32], vec![0xFF; 32], vec![7; 31]] {
            assert!(P256PrivateKey::new(&number).is_err(), "{number:?}");
        }
        assert!(public(&"07".repeat(64)).is_err(), "not on the curve");
        assert!(public(&format!("{PUBLIC}00")).is_err(), "something behind it");
        assert!(P256PublicKey::from_der(&[]).is_err());
        // The same point, compressed, and a key of P-384.
        let compressed = format!("3039301306072A8648CE3D020106082A8648CE3D03010703220003{}", &PUBLIC[..64]);
        assert!(P256PublicKey::from_der(&hex::decode(&compressed).unwrap()).is_err());
        let other_curve = EcGroup::from_curve_name(Nid::SECP384R1).unwrap();
        let other = EcKey::from_public_key(&other_curve, other_curve.generator_opt().unwrap()).unwrap();
        let other = PKey::from_ec_key(other).unwrap().public_key_to_der().unwrap();
        assert!(P256PublicKey::from_der(&other).unwrap_err().to_string().contains("P-256"));
    }
}
