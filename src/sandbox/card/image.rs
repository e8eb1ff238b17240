//! What is written on the card and never changes: file control information, directory, records, and the lists of data
//! objects it asks for. Built once from a profile and the keys.

use jiff::civil::Date;

use super::authentication::{Certificate, Subject, certify};
use super::keys::{CA_KEY_INDEX, CERTIFICATE_EXPIRY, CardKeys};
use super::profile::CardProfile;
use crate::crypto::hex;
use crate::emv::tag::{self, Tag};
use crate::emv::tlv::TlvBuilder;

/// Name of the payment system environment (EMV 4.4 Book 1, 12.2.2).
pub const PSE: &[u8] = b"1PAY.SYS.DDF01";

/// Application interchange profile: DDA, cardholder verification, terminal risk management and CDA; no SDA, and no issuer
/// authentication by EXTERNAL AUTHENTICATE: tag 91 goes into CDOL2 (Book 3, annex C1).
pub const AIP: [u8; 2] = [0x39, 0x00];

/// Application file locator: file 1 with records 1 and 2, of which record 1 is authenticated; file 2 with records 1 and 2.
pub const AFL: [u8; 8] = [0x08, 1, 2, 1, 0x10, 1, 2, 0];

/// What GET PROCESSING OPTIONS must bring.
pub const PDOL: &DataObjectList = &[(tag::TERMINAL_COUNTRY, 2), (tag::TRANSACTION_CURRENCY, 2)];

/// What INTERNAL AUTHENTICATE must bring.
pub const DDOL: &DataObjectList = &[(tag::UNPREDICTABLE_NUMBER, 4)];

/// What the first GENERATE AC must bring.
pub const CDOL1: &DataObjectList = &[
    (tag::AMOUNT_AUTHORISED, 6),
    (tag::AMOUNT_OTHER, 6),
    (tag::TERMINAL_COUNTRY, 2),
    (tag::TVR, 5),
    (tag::TRANSACTION_CURRENCY, 2),
    (tag::TRANSACTION_DATE, 3),
    (tag::TRANSACTION_TYPE, 1),
    (tag::UNPREDICTABLE_NUMBER, 4),
];

/// What the second GENERATE AC must bring.
pub const CDOL2: &DataObjectList = &[
    (tag::AUTHORISATION_RESPONSE_CODE, 2),
    (tag::ISSUER_AUTHENTICATION_DATA, 10),
    (tag::AMOUNT_AUTHORISED, 6),
    (tag::AMOUNT_OTHER, 6),
    (tag::TERMINAL_COUNTRY, 2),
    (tag::TVR, 5),
    (tag::TRANSACTION_CURRENCY, 2),
    (tag::TRANSACTION_DATE, 3),
    (tag::TRANSACTION_TYPE, 1),
    (tag::UNPREDICTABLE_NUMBER, 4),
];

/// Tags and lengths in bytes that a command's data is put together from (Book 3, 5.4).
pub type DataObjectList = [(Tag, u8)];

/// The unchanging content of a card.
#[derive(Debug)]
pub struct CardImage {
    /// Answer to SELECT of the payment system environment.
    pub pse: Vec<u8>,
    /// The only record of its directory.
    pub directory: Vec<u8>,
    /// The application's identifier.
    pub aid: Vec<u8>,
    /// Answer to SELECT of the application.
    pub application: Vec<u8>,
    /// The application's records: file, number, content with template 70.
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

impl CardImage {
    /// Writes a card.
    ///
    /// # Errors
    /// When the profile holds something that cannot be written, or a certificate cannot be made.
    pub fn new(profile: &CardProfile, keys: &CardKeys) -> Result<Self, ImageError> {
        let aid = bytes("aid", &profile.aid)?;
        if !(5..=16).contains(&aid.len()) {
            return Err(refused("aid", format!("has {} bytes, an identifier has 5 to 16", aid.len())));
        }
        let static_data = static_data(profile)?;
        let authenticated = [&static_data[..], &AIP].concat();
        let issuer = certify(
            &keys.ca,
            Subject::Issuer(issuer_identifier(&profile.pan)?),
            CERTIFICATE_EXPIRY,
            [0, 0, 1],
            &keys.issuer,
        )?;
        let subject = Subject::Card { pan: padded_pan(&profile.pan)?, static_data: &authenticated };
        let [year, month] = expiry(profile)?;
        let card = certify(&keys.issuer, subject, [month, year], [0, 0, 2], &keys.card)?;
        let records = vec![
            (1, 1, record(&static_data)),
            (1, 2, record(&holder_data(profile)?)),
            (2, 1, record(&issuer_key_data(&issuer))),
            (2, 2, record(&card_key_data(&card))),
        ];
        Ok(Self {
            pse: environment(),
            directory: directory(profile, &aid),
            application: application(profile, &aid),
            aid,
            records,
        })
    }
}

/// The list as it stands in its tag.
pub fn list_bytes(list: &DataObjectList) -> Vec<u8> {
    list.iter().flat_map(|(tag, length)| tag.bytes().chain([*length])).collect()
}

/// Bytes that a command built from the list has.
pub fn list_length(list: &DataObjectList) -> usize {
    list.iter().map(|(_, length)| usize::from(*length)).sum()
}

/// The value of `wanted` within data built from the list; nothing when the list or the data does not have it.
pub fn value_of<'a>(list: &DataObjectList, data: &'a [u8], wanted: Tag) -> Option<&'a [u8]> {
    let index = list.iter().position(|(tag, _)| *tag == wanted)?;
    let start = list_length(&list[..index]);
    data.get(start..start + usize::from(list[index].1))
}

fn environment() -> Vec<u8> {
    let proprietary = TlvBuilder::new().with(tag::SFI, &[1]).with(tag::LANGUAGE_PREFERENCE, b"zhen");
    let template = TlvBuilder::new().with(tag::DF_NAME, PSE).with_template(tag::FCI_PROPRIETARY, proprietary);
    TlvBuilder::new().with_template(tag::FCI_TEMPLATE, template).build()
}

fn directory(profile: &CardProfile, aid: &[u8]) -> Vec<u8> {
    let entry = named(TlvBuilder::new().with(tag::AID, aid), profile).with(tag::PRIORITY, &[1]);
    record(&TlvBuilder::new().with_template(tag::APPLICATION_TEMPLATE, entry).build())
}

fn application(profile: &CardProfile, aid: &[u8]) -> Vec<u8> {
    let mut proprietary = TlvBuilder::new()
        .with(tag::APPLICATION_LABEL, profile.label.as_bytes())
        .with(tag::PRIORITY, &[1])
        .with(tag::PDOL, &list_bytes(PDOL))
        .with(tag::LANGUAGE_PREFERENCE, b"zhen");
    if let Some(name) = &profile.preferred_name {
        proprietary = proprietary.with(tag::CODE_TABLE_INDEX, &[1]).with(tag::PREFERRED_NAME, &latin_1(name));
    }
    let template = TlvBuilder::new().with(tag::DF_NAME, aid).with_template(tag::FCI_PROPRIETARY, proprietary);
    TlvBuilder::new().with_template(tag::FCI_TEMPLATE, template).build()
}

fn named(entry: TlvBuilder, profile: &CardProfile) -> TlvBuilder {
    let entry = entry.with(tag::APPLICATION_LABEL, profile.label.as_bytes());
    match &profile.preferred_name {
        Some(name) => entry.with(tag::PREFERRED_NAME, &latin_1(name)),
        None => entry,
    }
}

/// The record that the card's certificate vouches for.
fn static_data(profile: &CardProfile) -> Result<Vec<u8>, ImageError> {
    let [default, denial, online] = &profile.iac;
    let [year, month] = expiry(profile)?;
    Ok(TlvBuilder::new()
        .with(tag::PAN, &compressed("pan", &profile.pan)?)
        .with(tag::PAN_SEQUENCE_NUMBER, &[profile.sequence_number.packed()])
        .with(tag::EXPIRATION_DATE, &[year, month, last_day(year, month)?])
        .with(tag::EFFECTIVE_DATE, &exactly("effective", &profile.effective, 3)?)
        .with(tag::ISSUER_COUNTRY, &numeric(profile.country))
        .with(tag::APPLICATION_USAGE_CONTROL, &[0xFF, 0x00])
        .with(tag::CARD_APPLICATION_VERSION, &[0x00, 0x30])
        .with(tag::APPLICATION_CURRENCY, &numeric(profile.currency))
        .with(SERVICE_CODE, &exactly("service_code", &format!("0{}", profile.service_code), 2)?)
        .with(tag::CDOL1, &list_bytes(CDOL1))
        .with(tag::CDOL2, &list_bytes(CDOL2))
        .with(tag::CVM_LIST, &bytes("cvm_list", &profile.cvm_list)?)
        .with(tag::IAC_DEFAULT, &exactly("iac", default, 5)?)
        .with(tag::IAC_DENIAL, &exactly("iac", denial, 5)?)
        .with(tag::IAC_ONLINE, &exactly("iac", online, 5)?)
        .with(tag::SDA_TAG_LIST, &tag::AIP.bytes().collect::<Vec<_>>())
        .build())
}

fn holder_data(profile: &CardProfile) -> Result<Vec<u8>, ImageError> {
    // Behind the service code stand five digits of the issuer's own.
    let track2 = format!("{}D{}{}00000", profile.pan, profile.expiry, profile.service_code);
    Ok(TlvBuilder::new()
        .with(tag::TRACK_2, &compressed("service_code", &track2)?)
        .with(tag::CARDHOLDER_NAME, &latin_1(&profile.cardholder))
        .build())
}

fn issuer_key_data(certificate: &Certificate) -> Vec<u8> {
    let mut record = TlvBuilder::new().with(tag::CA_KEY_INDEX, &[CA_KEY_INDEX]);
    record.push(tag::ISSUER_EXPONENT, &certificate.exponent);
    record.push(tag::ISSUER_REMAINDER, &certificate.remainder);
    record.push(tag::ISSUER_CERTIFICATE, &certificate.block);
    record.build()
}

fn card_key_data(certificate: &Certificate) -> Vec<u8> {
    let mut record = TlvBuilder::new().with(tag::ICC_CERTIFICATE, &certificate.block);
    record.push(tag::ICC_EXPONENT, &certificate.exponent);
    record.push(tag::ICC_REMAINDER, &certificate.remainder);
    record.push(tag::DDOL, &list_bytes(DDOL));
    record.build()
}

/// Service code as on the magnetic stripe (Book 3, annex A).
const SERVICE_CODE: Tag = Tag(0x5F30);

fn record(content: &[u8]) -> Vec<u8> {
    TlvBuilder::new().with(tag::RECORD_TEMPLATE, content).build()
}

/// Year and month, packed.
fn expiry(profile: &CardProfile) -> Result<[u8; 2], ImageError> {
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
fn numeric(code: u16) -> [u8; 2] {
    let digit = |unit: u16| (code / unit % 10) as u8;
    [digit(1000) << 4 | digit(100), digit(10) << 4 | digit(1)]
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

fn bytes(key: &'static str, text: &str) -> Result<Vec<u8>, ImageError> {
    hex::decode(text).map_err(|error| refused(key, error.to_string()))
}

fn refused(key: &'static str, problem: String) -> ImageError {
    ImageError::Profile { key, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_where_the_list_puts_them() {
        let data: Vec<u8> = (0..list_length(CDOL2) as u8).collect();
        assert_eq!(value_of(CDOL2, &data, tag::AUTHORISATION_RESPONSE_CODE), Some(&[0, 1][..]));
        assert_eq!(value_of(CDOL2, &data, tag::TVR), Some(&[26, 27, 28, 29, 30][..]));
        assert_eq!(value_of(CDOL1, &data, tag::CVM_RESULTS), None);
        assert_eq!(list_bytes(PDOL), [0x9F, 0x1A, 2, 0x5F, 0x2A, 2]);
    }

    #[test]
    fn a_card_is_good_to_the_end_of_its_month() {
        for (year, month, day) in [(0x30, 0x12, 0x31), (0x28, 0x02, 0x29), (0x30, 0x02, 0x28), (0x29, 0x04, 0x30)] {
            assert_eq!(last_day(year, month).unwrap(), day);
        }
        assert!(last_day(0x30, 0x13).is_err());
    }

    #[test]
    fn a_wrong_profile_names_the_key() {
        let keys = CardKeys::generate().unwrap();
        let wrong = |change: fn(&mut CardProfile)| {
            let mut profile = CardProfile::shipped("unionpay-debit").unwrap();
            change(&mut profile);
            CardImage::new(&profile, &keys).unwrap_err().to_string()
        };
        assert!(wrong(|p| p.aid = "A000".into()).contains("key aid"));
        assert!(wrong(|p| p.expiry = "3013".into()).contains("key expiry"));
        assert!(wrong(|p| p.iac[1] = "00".into()).contains("key iac"));
        assert!(wrong(|p| p.pan = "62284800000000012301234".into()).contains("key pan"));
        assert!(wrong(|p| p.service_code = "2".into()).contains("key service_code"));
    }

    #[test]
    fn every_record_fits_a_short_answer() {
        let profile = CardProfile::shipped("unionpay-debit").unwrap();
        let image = CardImage::new(&profile, &CardKeys::generate().unwrap()).unwrap();
        for (file, number, content) in &image.records {
            assert!(content.len() <= 254, "record {number} of file {file} has {} bytes", content.len());
        }
    }
}
