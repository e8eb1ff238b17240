//! The binding record: one machine, one code. The acquirer's signed word on which machine collects for whom, and where it
//! stands (PBoC notice 2021 No. 259: serial number, acquirer, merchant, terminal, credit code, settlement account and
//! address belong together one to one).
//!
//! What is signed is a text that can be written in one way only: a first line, then a line `key = value` for each of
//! [`KEYS`], in this order, each ended by a line feed, in UTF-8. Numbers stand in their shortest form, degrees with six
//! decimals, the time in UTC to the second. A text that would be written otherwise is refused, so that one record has one
//! digest. Reads and checks; knows no clock and no file.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::credit_code::{self, CreditCodeError};
pub use super::place::Place;
use super::place::{degrees, read_degrees};
use crate::crypto::certificates::{self, CertificateError};
use crate::crypto::elliptic::P256PublicKey;
use crate::crypto::sha256::sha256;
use crate::crypto::{CryptoError, hex};
use crate::reference::{MerchantCode, ReferenceError, TerminalNumber};

/// The first line: what this text is, and by which version of this definition.
const TITLE: &str = "yima binding record 1";

/// The keys, in the order in which they stand.
pub const KEYS: [&str; 16] = [
    "version",
    "issued_at",
    "world",
    "serial_number",
    "device_key",
    "acquirer_code",
    "merchant_code",
    "terminal_number",
    "merchant_name",
    "credit_code",
    "settlement_account",
    "address",
    "latitude",
    "longitude",
    "datum",
    "radius_m",
];

/// What the certificate of the acquirer's binding key is for, in the words of its subject (OU).
pub const SIGNER_UNIT: &str = "Yima binding record";

/// Bytes of a text within a record at most.
const LONGEST_VALUE: usize = 200;

/// Bytes of a serial number (TUSN) at most: PBoC's rules give it up to 50 digits and letters.
const LONGEST_SERIAL_NUMBER: usize = 50;

/// Coordinates are those of satellite navigation. Chinese maps shift them (GCJ-02): whoever reads a place off a map
/// converts it first.
const DATUM: &str = "WGS-84";

/// What the acquirer says of a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingRecord {
    /// Counts the records of this terminal upwards: an older one never counts again.
    pub version: u32,
    /// When it was signed, to the second.
    pub issued_at: Timestamp,
    /// True when every key and certificate belongs to a sandbox.
    pub test: bool,
    /// Terminal unique serial number (TUSN); cannot change after manufacture.
    pub serial_number: String,
    /// SHA-256 of the device's public key (SubjectPublicKeyInfo), in hexadecimal.
    pub device_key: String,
    /// Acquirer's institution code, 8 to 11 digits.
    pub acquirer_code: String,
    /// Merchant code, 15 characters.
    pub merchant_code: String,
    /// Terminal number, 8 characters.
    pub terminal_number: String,
    /// Name of the shop, for screen and slip.
    pub merchant_name: String,
    /// Unified social credit code, 18 characters.
    pub credit_code: String,
    /// Settlement account, masked.
    pub settlement_account: String,
    /// Deployment address.
    pub address: String,
    /// Where that is.
    pub place: Place,
}

/// Why a text is no binding record.
#[derive(Debug, thiserror::Error)]
pub enum BindingError {
    /// It is not written as records are.
    #[error("the binding record is not written as it must be, at \"{0}\"")]
    Form(String),
    /// A value cannot be.
    #[error("{key} of the binding record: {problem}")]
    Value {
        /// Which.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// It was changed, or somebody else signed it.
    #[error("the acquirer did not sign this binding record: a value was changed, or it is another acquirer's")]
    Signature,
    /// Who signed is not believed.
    #[error("who signed the binding record: {0}")]
    Signer(#[from] CertificateError),
    /// OpenSSL failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl BindingRecord {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let values: [String; KEYS.len()] = [
            self.version.to_string(),
            self.issued_at.to_string(),
            world(self.test).to_owned(),
            self.serial_number.clone(),
            self.device_key.clone(),
            self.acquirer_code.clone(),
            self.merchant_code.clone(),
            self.terminal_number.clone(),
            self.merchant_name.clone(),
            self.credit_code.clone(),
            self.settlement_account.clone(),
            self.address.clone(),
            degrees(self.place.latitude_e6),
            degrees(self.place.longitude_e6),
            DATUM.to_owned(),
            self.place.radius_m.to_string(),
        ];
        let mut text = format!("{TITLE}\n");
        for (key, value) in KEYS.iter().zip(values) {
            text.push_str(&format!("{key} = {value}\n"));
        }
        text
    }

    /// Reads a text and checks every value.
    ///
    /// # Errors
    /// At the first line that does not fit, or when the text would be written otherwise.
    pub fn parse(text: &str) -> Result<Self, BindingError> {
        let mut lines = text.lines();
        let form = |found: Option<&str>| BindingError::Form(found.unwrap_or("its end").chars().take(40).collect());
        let title = lines.next();
        if title != Some(TITLE) {
            return Err(form(title));
        }
        let mut values = [""; KEYS.len()];
        for (value, key) in values.iter_mut().zip(KEYS) {
            let line = lines.next();
            let found = line.and_then(|line| line.strip_prefix(key)?.strip_prefix(" = "));
            *value = found.ok_or_else(|| form(line))?;
        }
        let [
            version,
            issued_at,
            world_word,
            serial_number,
            device_key,
            acquirer_code,
            merchant_code,
            terminal_number,
            merchant_name,
            credit_code,
            settlement_account,
            address,
            latitude,
            longitude,
            _,
            radius_m,
        ] = values;
        let wrong = |key: &'static str, problem: &str| BindingError::Value { key, problem: problem.to_owned() };
        let number = |key: &'static str, text: &str| text.parse().map_err(|_| wrong(key, "it is not a number"));
        let record = Self {
            version: number("version", version)?,
            issued_at: issued_at.parse().map_err(|_| wrong("issued_at", "it is not a time"))?,
            test: match world_word {
                "test" => true,
                "live" => false,
                _ => return Err(wrong("world", "it is test or live")),
            },
            serial_number: serial_number.to_owned(),
            device_key: device_key.to_owned(),
            acquirer_code: acquirer_code.to_owned(),
            merchant_code: merchant_code.to_owned(),
            terminal_number: terminal_number.to_owned(),
            merchant_name: merchant_name.to_owned(),
            credit_code: credit_code.to_owned(),
            settlement_account: settlement_account.to_owned(),
            address: address.to_owned(),
            place: Place {
                latitude_e6: read_degrees(latitude)
                    .ok_or_else(|| wrong("latitude", "it is not degrees with six decimals"))?,
                longitude_e6: read_degrees(longitude)
                    .ok_or_else(|| wrong("longitude", "it is not degrees with six decimals"))?,
                radius_m: number("radius_m", radius_m)?,
            },
        };
        record.check()?;
        let written = record.text();
        if written == text {
            return Ok(record);
        }
        let odd = written.lines().zip(text.lines()).find(|(right, found)| right != found);
        Err(form(odd.map(|(_, found)| found)))
    }

    /// What every message must be able to carry, and what every acquirer must have checked.
    ///
    /// # Errors
    /// At the first value that cannot be.
    pub fn check(&self) -> Result<(), BindingError> {
        let wrong = |key: &'static str, problem: String| Err(BindingError::Value { key, problem });
        let reference =
            |key: &'static str| move |error: ReferenceError| BindingError::Value { key, problem: error.to_string() };
        if self.version == 0 {
            return wrong("version", "it counts from 1".to_owned());
        }
        if self.issued_at.subsec_nanosecond() != 0 {
            return wrong("issued_at", "it is told to the second".to_owned());
        }
        check_serial_number(&self.serial_number).or_else(|problem| wrong("serial_number", problem))?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte));
        if self.device_key.len() != 64 || !digits(&self.device_key) {
            return wrong("device_key", "it is not 64 hexadecimal digits".to_owned());
        }
        let numeric = self.acquirer_code.bytes().all(|byte| byte.is_ascii_digit());
        if !numeric || !(8..=11).contains(&self.acquirer_code.len()) {
            return wrong("acquirer_code", format!("\"{}\" is not 8 to 11 digits", self.acquirer_code));
        }
        MerchantCode::parse(&self.merchant_code).map_err(reference("merchant_code"))?;
        TerminalNumber::parse(&self.terminal_number).map_err(reference("terminal_number"))?;
        credit_code::check(&self.credit_code)
            .or_else(|error: CreditCodeError| wrong("credit_code", error.to_string()))?;
        for (key, value) in [
            ("merchant_code", &self.merchant_code),
            ("terminal_number", &self.terminal_number),
            ("merchant_name", &self.merchant_name),
            ("settlement_account", &self.settlement_account),
            ("address", &self.address),
        ] {
            check_text(value).or_else(|problem| wrong(key, problem))?;
        }
        // A whole account number has no place on a terminal.
        if !self.settlement_account.contains('*') {
            return wrong("settlement_account", "it is not masked".to_owned());
        }
        self.place.check().or_else(|problem| wrong("latitude", problem))
    }

    /// What stands for this record in messages.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn mark(&self) -> Result<BindingMark, CryptoError> {
        let short = |value: &str, length: usize| -> Result<String, CryptoError> {
            let mut text = hex::encode(&sha256(&[value.as_bytes()])?);
            text.truncate(length);
            Ok(text)
        };
        let place = format!("{}\n{:?}", self.address, self.place);
        let parts = [
            short(&self.text(), BindingMark::WHOLE)?,
            short(&self.credit_code, BindingMark::PART)?,
            short(&self.settlement_account, BindingMark::PART)?,
            short(&place, BindingMark::PART)?,
        ];
        Ok(BindingMark(parts.concat()))
    }
}

/// What stands for a binding record in field 59: the first half of its SHA-256, in hexadecimal, and four digits each of
/// the hashes of credit code, settlement account and place. The whole decides; the parts tell which value it is.
#[derive(Clone, PartialEq, Eq)]
pub struct BindingMark(String);

impl BindingMark {
    const WHOLE: usize = 32;
    const PART: usize = 4;

    /// As it stands in field 59.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Which value of the record the other mark disagrees on, in words; nothing when none.
    pub fn disagreement(&self, other: &str) -> Option<&'static str> {
        if self.0 == other {
            return None;
        }
        let part = |text: &str, index: usize| {
            let start = Self::WHOLE + index * Self::PART;
            text.get(start..start + Self::PART).map(str::to_owned)
        };
        let named = ["unified social credit code", "settlement account", "deployment address"];
        let found = (0..named.len()).find(|index| part(&self.0, *index) != part(other, *index));
        Some(found.map_or("binding record", |index| named[index]))
    }
}

impl fmt::Debug for BindingMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0[..8])
    }
}

/// A record with the acquirer's signature, as it is sent and kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedBinding {
    /// The text that is signed.
    pub record: String,
    /// The signature, hexadecimal: ECDSA with SHA-256, DER.
    pub signature: String,
    /// The certificate of the key that signed, PEM.
    pub certificate: String,
}

impl SignedBinding {
    /// The record, when an authority of `authorities` (PEM) vouches for who signed it. Certificates are looked at as of the time
    /// when the record was signed: it does not run out with them, a newer one takes its place.
    ///
    /// # Errors
    /// When it was changed, is not written as records are, or the signer is not believed.
    pub fn verified(&self, authorities: &[u8]) -> Result<BindingRecord, BindingError> {
        self.verified_with_key(authorities).map(|(record, _)| record)
    }

    /// As [`SignedBinding::verified`], with the key that signed.
    ///
    /// # Errors
    /// As there.
    pub fn verified_with_key(&self, authorities: &[u8]) -> Result<(BindingRecord, P256PublicKey), BindingError> {
        let record = BindingRecord::parse(&self.record)?;
        let certificate = self.certificate.as_bytes();
        let key = certificates::signing_key(certificate, authorities, SIGNER_UNIT, record.issued_at.as_second())?;
        let signature = hex::decode(&self.signature).map_err(|_| BindingError::Signature)?;
        if key.verify(self.record.as_bytes(), &signature)? { Ok((record, key)) } else { Err(BindingError::Signature) }
    }
}

/// The name of a device key in records: SHA-256 of SubjectPublicKeyInfo, in hexadecimal.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn key_name(public_key: &[u8]) -> Result<String, CryptoError> {
    Ok(hex::encode(&sha256(&[public_key])?))
}

/// A serial number that messages can carry.
///
/// # Errors
/// When it is none; the sentence says why.
pub fn check_serial_number(text: &str) -> Result<(), String> {
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.is_empty() || text.len() > LONGEST_SERIAL_NUMBER || !printable {
        return Err(format!("\"{text}\" is not 1 to {LONGEST_SERIAL_NUMBER} ASCII characters"));
    }
    Ok(())
}

/// A text that a record can hold: it has an end, and no line break or other control character.
///
/// # Errors
/// When it cannot; the sentence says why.
pub fn check_text(text: &str) -> Result<(), String> {
    if text.is_empty() || text.len() > LONGEST_VALUE || text.trim() != text || text.chars().any(char::is_control) {
        return Err(format!(
            "\"{}\" is not 1 to {LONGEST_VALUE} bytes without control characters and outer blanks",
            text.escape_debug()
        ));
    }
    Ok(())
}

const fn world(test: bool) -> &'static str {
    if test { "test" } else { "live" }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn record() -> BindingRecord {
        BindingRecord {
            version: 3,
            issued_at: "2026-11-28T02:00:00Z".parse().unwrap(),
            test: true,
            serial_number: "00000402TEST0001".to_owned(),
            device_key: "AB".repeat(32),
            acquirer_code: "99990000".to_owned(),
            merchant_code: "999TEST00000001".to_owned(),
            terminal_number: "10000001".to_owned(),
            merchant_name: "老王小吃店".to_owned(),
            credit_code: "91000000TE5T00001W".to_owned(),
            settlement_account: "6222 **** **** 0001".to_owned(),
            address: "北京市测试区示例路1号（测试）".to_owned(),
            place: Place { latitude_e6: 39_908_722, longitude_e6: 116_397_499, radius_m: 500 },
        }
    }

    #[test]
    fn a_record_is_written_in_one_way_and_read_back() {
        let text = record().text();
        assert_eq!(
            text,
            "yima binding record 1\nversion = 3\nissued_at = 2026-11-28T02:00:00Z\nworld = test\n\
             serial_number = 00000402TEST0001\n"
                .to_owned()
                + &format!("device_key = {}\n", "AB".repeat(32))
                + "acquirer_code = 99990000\nmerchant_code = 999TEST00000001\nterminal_number = 10000001\n\
                   merchant_name = 老王小吃店\ncredit_code = 91000000TE5T00001W\n\
                   settlement_account = 6222 **** **** 0001\naddress = 北京市测试区示例路1号（测试）\n\
                   latitude = 39.908722\nlongitude = 116.397499\ndatum = WGS-84\nradius_m = 500\n"
        );
        assert_eq!(BindingRecord::parse(&text).unwrap(), record());
        let south =
            BindingRecord { place: Place { latitude_e6: -1, longitude_e6: -70_000_001, radius_m: 1 }, ..record() };
        assert_eq!(BindingRecord::parse(&south.text()).unwrap(), south);
    }

    #[test]
    fn a_text_that_would_be_written_otherwise_is_refused() {
        let text = record().text();
        for (from, to) in [
            ("version = 3", "version = 03"),
            ("version = 3", "version = +3"),
            ("02:00:00Z", "02:00:00+00:00"),
            ("02:00:00Z", "02:00:00.000Z"),
            ("02:00:00Z\n", "02:00:00Z\r\n"),
            ("version = 3\n", "version = 3\nversion = 3\n"),
            ("WGS-84", "GCJ-02"),
            ("latitude = 39.908722", "latitude = 39.9087220"),
            ("latitude = 39.908722", "latitude = 039.908722"),
            ("radius_m = 500\n", "radius_m = 500\nmore = 1\n"),
            ("radius_m = 500\n", "radius_m = 500"),
            ("radius_m = 500\n", "radius_m = 500\n\n"),
            (TITLE, "yima binding record 2"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert!(BindingRecord::parse(&changed).is_err(), "{to}");
        }
        for end in 0..text.len() {
            if text.is_char_boundary(end) {
                assert!(BindingRecord::parse(&text[..end]).is_err(), "{end}");
            }
        }
    }

    #[test]
    fn a_value_that_cannot_be_is_named() {
        type Change = fn(&mut BindingRecord);
        let changes: [(Change, &str); 15] = [
            (|record| record.version = 0, "version"),
            (|record| record.serial_number = "序列号".to_owned(), "serial_number"),
            (|record| record.serial_number = String::new(), "serial_number"),
            (|record| record.serial_number = "1".repeat(51), "serial_number"),
            (|record| record.device_key = "ab".repeat(32), "device_key"),
            (|record| record.acquirer_code = "9999".to_owned(), "acquirer_code"),
            (|record| record.merchant_code = "1".to_owned(), "merchant_code"),
            (|record| record.terminal_number = "1".to_owned(), "terminal_number"),
            (|record| record.merchant_name = "a\nb".to_owned(), "merchant_name"),
            (|record| record.credit_code = "91000000TE5T000010".to_owned(), "credit_code"),
            (|record| record.settlement_account = "6222021234560001".to_owned(), "settlement_account"),
            (|record| record.address = " x".to_owned(), "address"),
            (|record| record.address = String::new(), "address"),
            (|record| record.place.latitude_e6 = 90_000_001, "latitude"),
            (|record| record.place.radius_m = 0, "radius"),
        ];
        for (change, named) in changes {
            let mut wrong = record();
            change(&mut wrong);
            let error = wrong.check().unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
            assert!(BindingRecord::parse(&wrong.text()).is_err(), "{named}");
        }
    }

    #[test]
    fn every_value_changes_the_mark_and_those_without_a_field_are_named() {
        let mark = record().mark().unwrap();
        assert_eq!(mark.as_str().len(), 44);
        assert_eq!(mark.disagreement(mark.as_str()), None);
        type Change = fn(&mut BindingRecord);
        let changes: [(Change, &str); 6] = [
            (|record| record.credit_code = "91000000TE5T000020".to_owned(), "unified social credit code"),
            (|record| record.settlement_account = "6222 **** **** 0002".to_owned(), "settlement account"),
            (|record| record.address = "上海".to_owned(), "deployment address"),
            (|record| record.place.radius_m = 501, "deployment address"),
            (|record| record.version = 4, "binding record"),
            (|record| record.merchant_name = "小李".to_owned(), "binding record"),
        ];
        for (change, named) in changes {
            let mut other = record();
            change(&mut other);
            assert_eq!(mark.disagreement(other.mark().unwrap().as_str()), Some(named));
        }
        assert_eq!(mark.disagreement(""), Some("unified social credit code"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}", at in 0_usize..600, other in any::<char>()) {
            let _ = BindingRecord::parse(&text);
            let mut changed: Vec<char> = record().text().chars().collect();
            let at = at % changed.len();
            changed[at] = other;
            let changed: String = changed.into_iter().collect();
            if let Ok(read) = BindingRecord::parse(&changed) {
                prop_assert_eq!(read.text(), changed);
            }
        }
    }
}
