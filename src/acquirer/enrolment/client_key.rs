//! The terminal's TLS key: made here, for nothing but TLS, and certified by the acquirer.

use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::x509::{X509, X509Name, X509ReqBuilder};
use zeroize::Zeroizing;

/// A key (PKCS#8, PEM) and the request for its certificate (PKCS#10, PEM).
pub struct ClientKey {
    /// The private key.
    pub key: Zeroizing<Vec<u8>>,
    /// The request, signed with it.
    pub certificate_request: String,
}

/// Makes a key on P-256.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn make(serial_number: &str) -> Result<ClientKey, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
    let mut name = X509Name::builder()?;
    // X.520 allows a common name 64 characters; a serial number has 50 at most.
    name.append_entry_by_nid(Nid::COMMONNAME, serial_number)?;
    let mut request = X509ReqBuilder::new()?;
    request.set_version(0)?;
    request.set_subject_name(&name.build())?;
    request.set_pubkey(&key)?;
    request.sign(&key, MessageDigest::sha256())?;
    let certificate_request = String::from_utf8_lossy(&request.build().to_pem()?).into_owned();
    Ok(ClientKey { key: Zeroizing::new(key.private_key_to_pem_pkcs8()?), certificate_request })
}

/// Whether a certificate (PEM) is for this key (PEM).
///
/// # Errors
/// When one of them cannot be read.
pub fn belong_together(certificate: &[u8], key: &[u8]) -> Result<bool, ErrorStack> {
    let certificate = X509::from_pem(certificate)?.public_key()?;
    let key = PKey::private_key_from_pem(key)?;
    Ok(certificate.public_eq(&key))
}
