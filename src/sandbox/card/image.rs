//! What is written in an application of the card and never changes: file control information, records, profile and
//! locator. Built once from the card's profile and the keys.

use jiff::civil::Date;
use openssl::pkey::Private;
use openssl::rsa::Rsa;

use super::authentication::{Certificate, Subject, certify, sign_static};
use super::keys::{CA_KEY_INDEX, CERTIFICATE_EXPIRY, CardKeys};
use super::lists::{CDOL1, DDOL, PDOL, cdol2, list_bytes};
use super::profile::{ApplicationProfile, Authentication, IssuerAuthentication};
use crate::crypto::hex;
use crate::emv::tag::{self, Tag};
use crate::emv::tlv::TlvBuilder;

/// File with what the cardholder and the terminal's checks need: record 1 is authenticated, record 2 is not.
const DATA_FILE: u8 = 1;
/// File with certificates and signatures.
const KEY_FILE: u8 = 2;

/// Bits of the first byte of the application interchange profile (Book 3, annex C1).
const SDA_SUPPORTED: u8 = 0x40;
const DDA_SUPPORTED: u8 = 0x20;
const VERIFICATION_SUPPORTED: u8 = 0x10;
const RISK_MANAGEMENT: u8 = 0x08;
const EXTERNAL_AUTHENTICATE: u8 = 0x04;
const CDA_SUPPORTED: u8 = 0x01;

/// Bit of the priority indicator: with the cardholder's consent only (Book 1, table 48).
const CONFIRMATION: u8 = 0x80;

/// The unchanging content of an application.
#[derive(Debug)]
pub struct ApplicationImage {
    /// Its identifier, which is also its DF name.
    pub aid: Vec<u8>,
    /// Its entry in the directory: a template 61.
    pub entry: Vec<u8>,
    /// Answer to SELECT.
    pub information: Vec<u8>,
    /// Application interchange profile.
    pub aip: [u8; 2],
    /// Application file locator.
    pub afl: Vec<u8>,
    /// File, number, content with template 70.
    pub records: Vec<(u8, u8, Vec<u8>)>,
}

/// A profile that does not make a card.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A key of the profile holds something that cannot be written on a card.
    #[error("card profile, key {key}: {problem}")]
    Profile {
        /// Name of the key in the file.
        key: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A certificate cannot be made.
    #[error(transparent)]
    Crypto(#[from] crate::crypto::CryptoError),
}

impl ApplicationImage {
    /// Writes an application.
    ///
    /// # Errors
    /// When the profile holds something that cannot be written, or a certificate cannot be made.
    pub fn new(profile: &ApplicationProfile, keys: &CardKeys) -> Result<Self, ImageError> {
        let aid = bytes("aid", &profile.aid)?;
        if !(5..=16).contains(&aid.len()) {
            return Err(refused("aid", format!("has {} bytes, an identifier has 5 to 16", aid.len())));
        }
        if profile.priority > 15 {
            return Err(refused("priority", format!("is {}, at most 15", profile.priority)));
        }
        let aip = interchange_profile(profile)?;
        let static_data = static_data(profile)?;
        let key_records = key_records(profile, keys, &[&static_data[..], &aip].concat())?;
        let mut afl = vec![DATA_FILE << 3, 1, 2, 1];
        if !key_records.is_empty() {
            afl.extend([KEY_FILE << 3, 1, key_records.len() as u8, 0]);
        }
        let data_records = [static_data, holder_data(profile)?].into_iter().map(|content| (DATA_FILE, content));
        let key_records = key_records.into_iter().map(|content| (KEY_FILE, content));
        Ok(Self {
            entry: directory_entry(profile, &aid),
            information: control_information(profile, &aid),
            aip,
            afl,
            records: numbered(data_records.chain(key_records)),
            aid,
        })
    }

    /// The record of a file.
    pub fn record(&self, file: u8, number: u8) -> Option<&[u8]> {
        let found = self.records.iter().find(|(of, own, _)| (*of, *own) == (file, number));
        found.map(|(_, _, content)| &content[..])
    }

    /// Whether there is such a file.
    pub fn has_file(&self, file: u8) -> bool {
        self.records.iter().any(|(of, ..)| *of == file)
    }
}

fn numbered(contents: impl Iterator<Item = (u8, Vec<u8>)>) -> Vec<(u8, u8, Vec<u8>)> {
    let (mut records, mut last) = (Vec::new(), (0, 0));
    for (file, content) in contents {
        last = if last.0 == file { (file, last.1 + 1) } else { (file, 1) };
        records.push((file, last.1, record(&content)));
    }
    records
}

fn interchange_profile(profile: &ApplicationProfile) -> Result<[u8; 2], ImageError> {
    let authentication = match profile.authentication {
        Authentication::None => 0,
        Authentication::Sda => SDA_SUPPORTED,
        Authentication::Dda => DDA_SUPPORTED,
        Authentication::Cda => DDA_SUPPORTED | CDA_SUPPORTED,
    };
    let verification = if bytes("cvm_list", &profile.cvm_list)?.is_empty() { 0 } else { VERIFICATION_SUPPORTED };
    let issuer = match profile.issuer_authentication {
        IssuerAuthentication::SecondCryptogram => 0,
        IssuerAuthentication::Command => EXTERNAL_AUTHENTICATE,
    };
    Ok([authentication | verification | RISK_MANAGEMENT | issuer, 0])
}

fn directory_entry(profile: &ApplicationProfile, aid: &[u8]) -> Vec<u8> {
    let mut entry = TlvBuilder::new().with(tag::AID, aid).with(tag::APPLICATION_LABEL, profile.label.as_bytes());
    if let Some(name) = &profile.preferred_name {
        entry.push(tag::PREFERRED_NAME, &latin_1(name));
    }
    let entry = entry.with(tag::PRIORITY, &[priority(profile)]);
    TlvBuilder::new().with_template(tag::APPLICATION_TEMPLATE, entry).build()
}

fn control_information(profile: &ApplicationProfile, aid: &[u8]) -> Vec<u8> {
    let mut proprietary = TlvBuilder::new()
        .with(tag::APPLICATION_LABEL, profile.label.as_bytes())
        .with(tag::PRIORITY, &[priority(profile)]);
    if profile.pdol {
        proprietary.push(tag::PDOL, &list_bytes(PDOL));
    }
    proprietary.push(tag::LANGUAGE_PREFERENCE, b"zhen");
    if let Some(name) = &profile.preferred_name {
        proprietary = proprietary.with(tag::CODE_TABLE_INDEX, &[1]).with(tag::PREFERRED_NAME, &latin_1(name));
    }
    let template = TlvBuilder::new().with(tag::DF_NAME, aid).with_template(tag::FCI_PROPRIETARY, proprietary);
    TlvBuilder::new().with_template(tag::FCI_TEMPLATE, template).build()
}

fn priority(profile: &ApplicationProfile) -> u8 {
    profile.priority | if profile.confirmation { CONFIRMATION } else { 0 }
}

/// The record that certificate or signature vouch for.
fn static_data(profile: &ApplicationProfile) -> Result<Vec<u8>, ImageError> {
    let [default, denial, online] = &profile.iac;
    let [year, month] = expiry(profile)?;
    let second_list = cdol2(profile.issuer_authentication, profile.issuer.response_method);
    let mut record = TlvBuilder::new()
        .with(tag::PAN, &compressed("pan", &profile.pan)?)
        .with(tag::PAN_SEQUENCE_NUMBER, &[profile.sequence_number.packed()])
        .with(tag::EXPIRATION_DATE, &[year, month, last_day(year, month)?])
        .with(tag::EFFECTIVE_DATE, &exactly("effective", &profile.effective, 3)?)
        .with(tag::ISSUER_COUNTRY, &numeric("country", profile.country)?)
        .with(tag::APPLICATION_USAGE_CONTROL, &[0xFF, 0x00])
        .with(tag::CARD_APPLICATION_VERSION, &[0x00, 0x30])
        .with(tag::APPLICATION_CURRENCY, &numeric("currency", profile.currency)?)
        .with(SERVICE_CODE, &exactly("service_code", &format!("0{}", profile.service_code), 2)?)
        .with(tag::CDOL1, &list_bytes(CDOL1))
        .with(tag::CDOL2, &list_bytes(&second_list));
    let cvm_list = bytes("cvm_list", &profile.cvm_list)?;
    if !cvm_list.is_empty() {
        record.push(tag::CVM_LIST, &cvm_list);
    }
    if let Some([lower, upper]) = profile.velocity {
        record = record.with(LOWER_LIMIT, &[lower]).with(UPPER_LIMIT, &[upper]);
    }
    Ok(record
        .with(tag::IAC_DEFAULT, &exactly("iac", default, 5)?)
        .with(tag::IAC_DENIAL, &exactly("iac", denial, 5)?)
        .with(tag::IAC_ONLINE, &exactly("iac", online, 5)?)
        .with(tag::SDA_TAG_LIST, &tag::AIP.bytes().collect::<Vec<_>>())
        .build())
}

fn holder_data(profile: &ApplicationProfile) -> Result<Vec<u8>, ImageError> {
    if profile.cardholder.chars().count() > 26 {
        return Err(refused("cardholder", "has more than 26 characters".to_owned()));
    }
    // Behind the service code stand five digits of the issuer's own.
    let track2 = format!("{}D{}{}00000", profile.pan, profile.expiry, profile.service_code);
    Ok(TlvBuilder::new()
        .with(tag::TRACK_2, &compressed("service_code", &track2)?)
        .with(tag::CARDHOLDER_NAME, &latin_1(&profile.cardholder))
        .build())
}

/// Records of certificates and signatures: the issuer's key first, then what it has signed. None on a card that needs
/// none.
fn key_records(
    profile: &ApplicationProfile,
    keys: &CardKeys,
    authenticated: &[u8],
) -> Result<Vec<Vec<u8>>, ImageError> {
    let mut signed = Vec::new();
    match profile.authentication {
        Authentication::None => {}
        Authentication::Sda => {
            let signature = sign_static(&keys.issuer, DATA_AUTHENTICATION_CODE, authenticated)?;
            signed.push(TlvBuilder::new().with(SIGNED_STATIC_DATA, &signature).build());
        }
        Authentication::Dda | Authentication::Cda => {
            let certificate = certified(profile, keys, &keys.card, authenticated)?;
            let [key, exponent, remainder] = [tag::ICC_CERTIFICATE, tag::ICC_EXPONENT, tag::ICC_REMAINDER];
            let mut record = key_data(&certificate, key, exponent, remainder);
            record.push(tag::DDOL, &list_bytes(DDOL));
            signed.push(record.build());
        }
    }
    if profile.pin_key {
        // No static data: a PIN key vouches for nothing but itself (Book 2, table 23).
        let certificate = certified(profile, keys, &keys.pin, &[])?;
        signed.push(key_data(&certificate, PIN_CERTIFICATE, PIN_EXPONENT, PIN_REMAINDER).build());
    }
    if signed.is_empty() {
        return Ok(signed);
    }
    let subject = Subject::Issuer(issuer_identifier(&profile.pan)?);
    let certificate = certify(&keys.ca, subject, CERTIFICATE_EXPIRY, [0, 0, 1], &keys.issuer)?;
    let mut issuer = TlvBuilder::new().with(tag::CA_KEY_INDEX, &[CA_KEY_INDEX]).build();
    issuer.extend(key_data(&certificate, tag::ISSUER_CERTIFICATE, tag::ISSUER_EXPONENT, tag::ISSUER_REMAINDER).build());
    signed.insert(0, issuer);
    Ok(signed)
}

/// A key of the card, certified by its issuer.
fn certified(
    profile: &ApplicationProfile,
    keys: &CardKeys,
    key: &Rsa<Private>,
    static_data: &[u8],
) -> Result<Certificate, ImageError> {
    let [year, month] = expiry(profile)?;
    let subject = Subject::Card { pan: padded_pan(&profile.pan)?, static_data };
    Ok(certify(&keys.issuer, subject, [month, year], [0, 0, 2], key)?)
}

fn key_data(certificate: &Certificate, block: Tag, exponent: Tag, remainder: Tag) -> TlvBuilder {
    TlvBuilder::new()
        .with(block, &certificate.block)
        .with(exponent, &certificate.exponent)
        .with(remainder, &certificate.remainder)
}

/// Service code as on the magnetic stripe (Book 3, annex A).
const SERVICE_CODE: Tag = Tag(0x5F30);
/// Signed static application data.
const SIGNED_STATIC_DATA: Tag = Tag(0x93);
/// Lower consecutive offline limit.
const LOWER_LIMIT: Tag = Tag(0x9F14);
/// Upper consecutive offline limit.
const UPPER_LIMIT: Tag = Tag(0x9F23);
/// ICC PIN encipherment public key certificate.
const PIN_CERTIFICATE: Tag = Tag(0x9F2D);
/// ICC PIN encipherment public key exponent.
const PIN_EXPONENT: Tag = Tag(0x9F2E);
/// ICC PIN encipherment public key remainder.
const PIN_REMAINDER: Tag = Tag(0x9F2F);

/// What the issuer puts into its signature over static data (tag 9F45).
const DATA_AUTHENTICATION_CODE: [u8; 2] = [0xDA, 0xC1];

/// Content within the record template.
pub(super) fn record(content: &[u8]) -> Vec<u8> {
    TlvBuilder::new().with(tag::RECORD_TEMPLATE, content).build()
}

/// Year and month, packed.
fn expiry(profile: &ApplicationProfile) -> Result<[u8; 2], ImageError> {
    let packed = exactly("expiry", &profile.expiry, 2)?;
    let [year, month] = packed[..] else { return Err(refused("expiry", "is not YYMM".to_owned())) };
    last_day(year, month)?;
    Ok([year, month])
}

/// The last day of a month, packed: a card is good to its end.
fn last_day(year: u8, month: u8) -> Result<u8, ImageError> {
    let plain = |packed: u8| (packed >> 4) * 10 + (packed & 0x0F);
    let first = Date::new(2000 + i16::from(plain(year)), plain(month) as i8, 1)
        .map_err(|_| refused("expiry", "is not a year and a month (YYMM)".to_owned()))?;
    let days = first.days_in_month() as u8;
    Ok(((days / 10) << 4) | (days % 10))
}

/// Left-most eight digits of the number, as much as an issuer certificate names.
fn issuer_identifier(pan: &str) -> Result<[u8; 4], ImageError> {
    let packed = compressed("pan", pan)?;
    packed.first_chunk().copied().ok_or_else(|| refused("pan", "has fewer than eight digits".to_owned()))
}

/// The number in ten bytes, padded with F.
fn padded_pan(pan: &str) -> Result<[u8; 10], ImageError> {
    let mut padded = compressed("pan", pan)?;
    padded.resize(padded.len().max(10), 0xFF);
    padded.try_into().map_err(|_| refused("pan", "has more than twenty digits".to_owned()))
}

/// Digits two to a byte, an odd last one followed by F.
fn compressed(key: &'static str, digits: &str) -> Result<Vec<u8>, ImageError> {
    let even = format!("{digits}{}", if digits.len() % 2 == 1 { "F" } else { "" });
    bytes(key, &even)
}

/// Four digits of a numeric code.
pub(super) fn numeric(key: &'static str, code: u16) -> Result<[u8; 2], ImageError> {
    let digit = |unit: u16| (code / unit % 10) as u8;
    if code > 9999 {
        return Err(refused(key, "has more than four digits".to_owned()));
    }
    Ok([digit(1000) << 4 | digit(100), digit(10) << 4 | digit(1)])
}

fn latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?')).collect()
}

fn exactly(key: &'static str, text: &str, count: usize) -> Result<Vec<u8>, ImageError> {
    let read = bytes(key, text)?;
    if read.len() == count {
        Ok(read)
    } else {
        Err(refused(key, format!("has {} bytes and should have {count}", read.len())))
    }
}

pub(super) fn bytes(key: &'static str, text: &str) -> Result<Vec<u8>, ImageError> {
    hex::decode(text).map_err(|error| refused(key, error.to_string()))
}

pub(super) fn refused(key: &'static str, problem: String) -> ImageError {
    ImageError::Profile { key, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_good_to_the_end_of_its_month() {
        for (year, month, day) in [(0x30, 0x12, 0x31), (0x28, 0x02, 0x29), (0x30, 0x02, 0x28), (0x29, 0x04, 0x30)] {
            assert_eq!(last_day(year, month).unwrap(), day);
        }
        assert!(last_day(0x30, 0x13).is_err());
    }
}
