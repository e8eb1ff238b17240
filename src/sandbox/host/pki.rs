//! The sandbox's certificates: an authority, the host's certificate and one for each terminal. Made at the first start,
//! kept afterwards, never part of the program.

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, PKey, PKeyRef, Private};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef};

use crate::clock;
use crate::crypto::hex;
use crate::terminal::binding::SIGNER_UNIT;

/// A certificate and the key that belongs to it.
pub struct Credential {
    /// The certificate.
    pub certificate: X509,
    /// Its private key (EC, P-256).
    pub key: PKey<Private>,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The host, under the names of this machine: `localhost`, 127.0.0.1, ::1.
    Server,
    /// A terminal.
    Client,
    /// Who signs binding records.
    BindingSigner,
}

/// A new authority that signs itself.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn authority() -> Result<Credential, ErrorStack> {
    let key = new_key()?;
    let name = name("Yima sandbox TEST authority", None)?;
    let mut builder = builder(&name, &name, &key)?;
    builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
    builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    let identifier = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
    builder.append_extension(identifier)?;
    builder.sign(&key, MessageDigest::sha256())?;
    Ok(Credential { certificate: builder.build(), key })
}

impl Credential {
    /// A new key and a certificate for it, signed by this authority.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn issue(&self, common_name: &str, purpose: Purpose) -> Result<Self, ErrorStack> {
        let key = new_key()?;
        Ok(Self { certificate: self.certify(&key, common_name, purpose)?, key })
    }

    /// A certificate for somebody's key, signed by this authority.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn certify<T: HasPublic>(
        &self,
        key: &PKeyRef<T>,
        common_name: &str,
        purpose: Purpose,
    ) -> Result<X509, ErrorStack> {
        let unit = (purpose == Purpose::BindingSigner).then_some(SIGNER_UNIT);
        let mut builder = builder(&*name(common_name, unit)?, self.certificate.subject_name(), key)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        let usage = match purpose {
            Purpose::Server => ExtendedKeyUsage::new().server_auth().build()?,
            Purpose::Client => ExtendedKeyUsage::new().client_auth().build()?,
            Purpose::BindingSigner => ExtendedKeyUsage::new().email_protection().build()?,
        };
        builder.append_extension(usage)?;
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let mut extensions = vec![AuthorityKeyIdentifier::new().keyid(true).build(&context)?];
        if purpose == Purpose::Server {
            let names = SubjectAlternativeName::new().dns("localhost").ip("127.0.0.1").ip("::1").build(&context)?;
            extensions.push(names);
        }
        for extension in extensions {
            builder.append_extension(extension)?;
        }
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(builder.build())
    }

    /// Reads certificate and key from PEM.
    ///
    /// # Errors
    /// When they are not PEM.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, ErrorStack> {
        Ok(Self { certificate: X509::from_pem(certificate)?, key: PKey::private_key_from_pem(key)? })
    }
}

/// SHA-256 over a certificate, in hexadecimal: its name in the host's register.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn fingerprint(certificate: &X509) -> Result<String, ErrorStack> {
    Ok(hex::encode(&certificate.digest(MessageDigest::sha256())?))
}

const VALID_DAYS: i64 = 3650;

const DAY: i64 = 86_400;

fn new_key() -> Result<PKey<Private>, ErrorStack> {
    PKey::from_ec_key(EcKey::generate(&*EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?)?)
}

fn name(common_name: &str, unit: Option<&str>) -> Result<X509Name, ErrorStack> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::ORGANIZATIONNAME, "Yima sandbox, TEST only")?;
    if let Some(unit) = unit {
        name.append_entry_by_nid(Nid::ORGANIZATIONALUNITNAME, unit)?;
    }
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    Ok(name.build())
}

fn builder<T: HasPublic>(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKeyRef<T>,
) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(120, MsbOption::ONE, false)?;
    builder.set_serial_number(&*Asn1Integer::from_bn(&serial)?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    // A day back, for clocks that disagree.
    let now = clock::timestamp().as_second();
    builder.set_not_before(&*Asn1Time::from_unix(now - DAY)?)?;
    builder.set_not_after(&*Asn1Time::from_unix(now + VALID_DAYS * DAY)?)?;
    Ok(builder)
}
