//! Who signed: the public key of a certificate that an authority vouches for, for one use and at one time.

use openssl::nid::Nid;
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyParam;
use openssl::x509::{X509, X509PurposeId, X509StoreContext};

use super::CryptoError;
use super::elliptic::P256PublicKey;

/// A certificate that is not believed.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// It is not PEM, or the authorities are not.
    #[error("{0} cannot be read as PEM")]
    Unreadable(&'static str),
    /// No authority of those given vouches for it, for this use and at this time.
    #[error("the certificate is not believed: {0}")]
    NotBelieved(String),
    /// It is for something else.
    #[error("the certificate is for \"{found}\", not for \"{expected}\"")]
    Unit {
        /// Its organisational unit.
        found: String,
        /// The one wanted.
        expected: &'static str,
    },
    /// Its key is of another kind, or OpenSSL failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// OpenSSL's own words.
    #[error("OpenSSL: {0}")]
    OpenSsl(#[from] openssl::error::ErrorStack),
}

/// The key of a certificate for signing documents (extended key usage `emailProtection`, the one that OpenSSL checks for it)
/// whose organisational unit is `unit`, when one of the `authorities` vouches for it at `at`, seconds since 1970.
///
/// # Errors
/// When it cannot be read, is not vouched for, or is for something else: an authority certifies hosts and terminals as
/// well, and none of those may sign here.
pub fn signing_key(
    certificate: &[u8],
    authorities: &[u8],
    unit: &'static str,
    at: i64,
) -> Result<P256PublicKey, CertificateError> {
    let certificate = X509::from_pem(certificate).map_err(|_| CertificateError::Unreadable("the certificate"))?;
    let authorities =
        X509::stack_from_pem(authorities).map_err(|_| CertificateError::Unreadable("the authorities' file"))?;
    let mut store = X509StoreBuilder::new()?;
    for authority in authorities {
        store.add_cert(authority)?;
    }
    let mut parameters = X509VerifyParam::new()?;
    parameters.set_purpose(X509PurposeId::SMIME_SIGN)?;
    parameters.set_time(at);
    store.set_param(&parameters)?;
    let (store, mut context, chain) = (store.build(), X509StoreContext::new()?, Stack::new()?);
    let (believed, why) = context.init(&store, &certificate, &chain, |context| {
        Ok((context.verify_cert()?, context.error().error_string().to_owned()))
    })?;
    if !believed {
        return Err(CertificateError::NotBelieved(why));
    }
    let mut units = certificate.subject_name().entries_by_nid(Nid::ORGANIZATIONALUNITNAME);
    let found = units.next().and_then(|entry| entry.data().to_string().ok()).unwrap_or_default();
    if found != unit {
        return Err(CertificateError::Unit { found, expected: unit });
    }
    Ok(P256PublicKey::from_der(&certificate.public_key()?.public_key_to_der()?)?)
}
