//! SM2 (GB/T 32918-2016) on its recommended curve: signatures and encryption.
//!
//! OpenSSL draws the random number that a signature or an encryption needs. Its SM2 key agreement (GB/T 32918.3) is not
//! reachable through it and is not here.

use std::fmt;

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint, PointConversionForm};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, PKey, PKeyRef, Private, Public};
use openssl::pkey_ctx::PkeyCtx;
use zeroize::Zeroizing;

use super::CryptoError;
use super::cipher::first;
use super::sm3::{HASH_LENGTH, sm3};

/// Who signs, when nobody says otherwise (GM/T 0009-2012, 10).
pub const DEFAULT_ID: &[u8] = b"1234567812345678";

/// Bytes of a number of this curve; a signature and a point are two of them.
const NUMBER: usize = 32;

/// A public key.
#[derive(Clone)]
pub struct Sm2PublicKey(PKey<Public>);

/// A private key. Masks itself; OpenSSL wipes it when it is dropped.
#[derive(Clone)]
pub struct Sm2PrivateKey(PKey<Private>);

impl Sm2PublicKey {
    /// Takes the point: `04`, x and y, or x and y alone.
    ///
    /// # Errors
    /// Another length, or a point that is not on the curve.
    pub fn new(point: &[u8]) -> Result<Self, CryptoError> {
        let numbers = match point {
            [0x04, numbers @ ..] if numbers.len() == 2 * NUMBER => numbers,
            numbers if numbers.len() == 2 * NUMBER => numbers,
            _ => return Err(CryptoError::DataLength { what: "an SM2 public key", length: point.len() }),
        };
        let (group, mut context) = (EcGroup::from_curve_name(Nid::SM2)?, BigNumContext::new()?);
        let point = EcPoint::from_bytes(&group, &[&[0x04], numbers].concat(), &mut context)?;
        Ok(Self(PKey::from_ec_key(EcKey::from_public_key(&group, &point)?)?))
    }

    /// Whether a signature, r and s, is that of this key over a message of the signer `id`.
    ///
    /// # Errors
    /// Passed on from OpenSSL; a signature that is wrong is no error.
    pub fn verify(&self, id: &[u8], message: &[u8], signature: &[u8; 2 * NUMBER]) -> Result<bool, CryptoError> {
        let (r, s) = signature.split_at(NUMBER);
        let signature = EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?.to_der()?;
        let mut context = PkeyCtx::new(&self.0)?;
        context.verify_init()?;
        let right = context.verify(&digest(&self.0, id, message)?, &signature);
        // OpenSSL reports numbers out of range as an error: such a signature is wrong as well.
        Ok(right.unwrap_or(false))
    }

    /// Encrypts a message; the result is DER as GM/T 0009-2012 has it: x, y, hash, ciphertext.
    ///
    /// # Errors
    /// When the message is empty; passed on from OpenSSL.
    pub fn encrypt(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut context = PkeyCtx::new(&self.0)?;
        context.encrypt_init()?;
        let mut sealed = Vec::new();
        context.encrypt_to_vec(message, &mut sealed)?;
        Ok(sealed)
    }
}

impl Sm2PrivateKey {
    /// Takes the private number; the public key follows from it.
    ///
    /// # Errors
    /// Another length than 32 bytes, or a number that is no key.
    pub fn new(number: &[u8]) -> Result<Self, CryptoError> {
        if number.len() != NUMBER {
            return Err(CryptoError::KeyLength { algorithm: "SM2 private", length: number.len(), allowed: &[32] });
        }
        let (group, mut context) = (EcGroup::from_curve_name(Nid::SM2)?, BigNumContext::new_secure()?);
        let mut secret = BigNum::new_secure()?;
        secret.copy_from_slice(number)?;
        let mut point = EcPoint::new(&group)?;
        point.mul_generator2(&group, &secret, &mut context)?;
        let key = EcKey::from_private_components(&group, &secret, &point)?;
        key.check_key()?;
        Ok(Self(PKey::from_ec_key(key)?))
    }

    /// The public key that belongs to it.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn public_key(&self) -> Result<Sm2PublicKey, CryptoError> {
        Sm2PublicKey::new(&point(&self.0)?)
    }

    /// Signs a message as the signer `id`: r and s.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn sign(&self, id: &[u8], message: &[u8]) -> Result<[u8; 2 * NUMBER], CryptoError> {
        let mut context = PkeyCtx::new(&self.0)?;
        context.sign_init()?;
        let mut signature = Vec::new();
        context.sign_to_vec(&digest(&self.0, id, message)?, &mut signature)?;
        let signature = EcdsaSig::from_der(&signature)?;
        let numbers = [signature.r().to_vec_padded(NUMBER as i32)?, signature.s().to_vec_padded(NUMBER as i32)?];
        first(&numbers.concat())
    }

    /// Decrypts what [`Sm2PublicKey::encrypt`] made.
    ///
    /// # Errors
    /// When it is not for this key or was changed.
    pub fn decrypt(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut context = PkeyCtx::new(&self.0)?;
        context.decrypt_init()?;
        let mut message = Zeroizing::new(Vec::new());
        context.decrypt_to_vec(sealed, &mut message)?;
        Ok(message)
    }
}

impl fmt::Debug for Sm2PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sm2PublicKey")
    }
}

impl fmt::Debug for Sm2PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sm2PrivateKey(masked)")
    }
}

/// What is signed (GB/T 32918.2-2016, 5.5 and 6.1): the hash of Z and the message; Z is the hash of the signer's id, the
/// curve and the public key.
fn digest<T: HasPublic>(key: &PKeyRef<T>, id: &[u8], message: &[u8]) -> Result<[u8; HASH_LENGTH], CryptoError> {
    let bits = u16::try_from(8 * id.len())
        .map_err(|_| CryptoError::DataLength { what: "the id of an SM2 signer", length: id.len() })?;
    let curve = curve()?;
    let z = sm3(&[&bits.to_be_bytes(), id, &curve, &point(key)?[1..]])?;
    sm3(&[&z, message])
}

/// a, b and the generator's x and y.
fn curve() -> Result<Vec<u8>, ErrorStack> {
    let (group, mut context) = (EcGroup::from_curve_name(Nid::SM2)?, BigNumContext::new()?);
    let (mut prime, mut a, mut b) = (BigNum::new()?, BigNum::new()?, BigNum::new()?);
    group.components_gfp(&mut prime, &mut a, &mut b, &mut context)?;
    let generator = group.generator_opt().ok_or_else(ErrorStack::get)?;
    let generator = generator.to_bytes(&group, PointConversionForm::UNCOMPRESSED, &mut context)?;
    Ok([a.to_vec_padded(NUMBER as i32)?, b.to_vec_padded(NUMBER as i32)?, generator[1..].to_vec()].concat())
}

/// The public key: `04`, x and y.
fn point<T: HasPublic>(key: &PKeyRef<T>) -> Result<Vec<u8>, ErrorStack> {
    let (key, mut context) = (key.ec_key()?, BigNumContext::new()?);
    key.public_key().to_bytes(key.group(), PointConversionForm::UNCOMPRESSED, &mut context)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    /// GB/T 32918.5-2017, appendices A and C: the key pair of both examples.
    const PRIVATE: &str = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";
    const PUBLIC: &str = "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020\
                          CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13";

    fn private_key() -> Sm2PrivateKey {
        Sm2PrivateKey::new(&hex::decode(PRIVATE).unwrap()).unwrap()
    }

    #[test]
    fn the_public_key_follows_from_the_private_one() {
        assert_eq!(hex::encode(&point(&private_key().0).unwrap()), format!("04{PUBLIC}"));
        assert_eq!(format!("{:?}", private_key()), "Sm2PrivateKey(masked)");
    }

    /// GB/T 32918.5-2017, appendix A.
    #[test]
    fn the_signature_of_the_standard_is_right_and_a_changed_one_is_not() {
        let public = Sm2PublicKey::new(&hex::decode(PUBLIC).unwrap()).unwrap();
        let signature: [u8; 64] = hex::decode(
            "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3\
             B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA",
        )
        .unwrap()
        .try_into()
        .unwrap();
        assert!(public.verify(DEFAULT_ID, b"message digest", &signature).unwrap());
        assert!(!public.verify(DEFAULT_ID, b"message digest.", &signature).unwrap());
        assert!(!public.verify(b"ALICE123@YAHOO.COM", b"message digest", &signature).unwrap());
        assert!(!public.verify(DEFAULT_ID, b"message digest", &[0; 64]).unwrap());
        assert!(!public.verify(DEFAULT_ID, b"message digest", &[0xFF; 64]).unwrap());
    }

    #[test]
    fn what_is_signed_is_verified() {
        let public = private_key().public_key().unwrap();
        let signature = private_key().sign(DEFAULT_ID, b"0200").unwrap();
        assert!(public.verify(DEFAULT_ID, b"0200", &signature).unwrap());
        assert!(!public.verify(DEFAULT_ID, b"0210", &signature).unwrap());
    }

    /// GB/T 32918.5-2017, appendix C, written as DER.
    #[test]
    fn the_ciphertext_of_the_standard_is_read() {
        let sealed = hex::decode(
            "307C\
             022004EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73\
             022100E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0\
             042059983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766\
             041321886CA989CA9C7D58087307CA93092D651EFA",
        )
        .unwrap();
        assert_eq!(private_key().decrypt(&sealed).unwrap().as_slice(), b"encryption standard");
        let mut changed = sealed;
        if let Some(last) = changed.last_mut() {
            *last ^= 1;
        }
        assert!(private_key().decrypt(&changed).is_err());
    }

    #[test]
    fn what_is_encrypted_comes_back() {
        let sealed = private_key().public_key().unwrap().encrypt(b"working key").unwrap();
        assert_eq!(private_key().decrypt(&sealed).unwrap().as_slice(), b"working key");
    }

    #[test]
    fn numbers_that_are_no_keys_are_refused() {
        assert!(Sm2PrivateKey::new(&[7; 31]).is_err());
        assert!(Sm2PrivateKey::new(&[0; 32]).is_err());
        assert!(Sm2PrivateKey::new(&[0xFF; 32]).is_err());
        assert!(Sm2PublicKey::new(&[7; 64]).is_err(), "not on the curve");
        assert!(Sm2PublicKey::new(&[7; 33]).is_err());
    }
}
