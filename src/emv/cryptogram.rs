//! The card's answer to GENERATE AC, in either format (EMV 4.4 Book 3, 6.5.5.4).
//!
//! Reads and checks it apart from everything else: an answer that cannot be used leaves the data objects of the
//! transaction as they were, so that a reversal still carries what the first answer said.

use zeroize::Zeroizing;

use super::action::Cryptogram;
use super::data::{CardDataError, DataObjects, only_template};
use super::tag::{self, Tag};
use super::tlv;

/// Issuer application data has up to 32 bytes (Book 3, annex A1).
const LONGEST_ISSUER_DATA: usize = 32;

/// Reason codes in the last three bits of the CID (Book 3, annex C): the service is not allowed.
const REASON_MASK: u8 = 0x07;
const SERVICE_NOT_ALLOWED: u8 = 0x01;

/// Objects that may stand in format 2. A card cannot overwrite its number here.
const OBJECTS: [Tag; 5] =
    [tag::CRYPTOGRAM_INFORMATION, tag::ATC, tag::CRYPTOGRAM, tag::ISSUER_APPLICATION_DATA, tag::SIGNED_DYNAMIC_DATA];

/// An answer that can be used.
pub struct CryptogramAnswer {
    /// What the card gave; nothing when it is of the reserved kind.
    pub given: Option<Cryptogram>,
    /// 9F27.
    information: u8,
    atc: [u8; 2],
    /// 9F26; it may be missing only where 9F4B holds it.
    cryptogram: Option<[u8; 8]>,
    issuer_data: Option<Zeroizing<Vec<u8>>>,
    /// 9F4B.
    signed: Option<Zeroizing<Vec<u8>>>,
}

impl CryptogramAnswer {
    /// Reads an answer. `may_be_signed`: a CDA signature was asked for, so the cryptogram may be inside it.
    ///
    /// # Errors
    /// When it is neither format, or something in it is missing, doubled or of a wrong length. The reserved kind of
    /// cryptogram is no error here: what it means depends on which GENERATE AC it answers (Book 3, 9.3).
    pub fn read(data: &[u8], may_be_signed: bool) -> Result<Self, CardDataError> {
        let template = only_template(data)?;
        match template.tag {
            tag::RESPONSE_FORMAT_1 => Self::read_format_1(template.value),
            tag::RESPONSE_FORMAT_2 => Self::read_format_2(template.value, may_be_signed),
            other => Err(CardDataError::Wrong(other)),
        }
    }

    /// True when an AAC says that this service is not allowed with this card (Book 3, 10.8).
    pub fn service_not_allowed(&self) -> bool {
        self.given == Some(Cryptogram::Aac) && self.information & REASON_MASK == SERVICE_NOT_ALLOWED
    }

    /// Puts the answer in the place of an earlier one, also where it says less.
    pub fn keep(&self, data: &mut DataObjects) {
        data.put_from_card(tag::CRYPTOGRAM_INFORMATION, &[self.information]);
        data.put_from_card(tag::ATC, &self.atc);
        data.put_from_card(tag::CRYPTOGRAM, self.cryptogram.as_ref().map_or(&[], |value| value.as_slice()));
        data.put_from_card(tag::ISSUER_APPLICATION_DATA, self.issuer_data.as_ref().map_or(&[], |value| value));
        data.put_from_card(tag::SIGNED_DYNAMIC_DATA, self.signed.as_ref().map_or(&[], |value| value));
    }

    fn read_format_1(value: &[u8]) -> Result<Self, CardDataError> {
        let wrong = CardDataError::Wrong(tag::RESPONSE_FORMAT_1);
        let ([information, atc @ .., _, _, _, _, _, _, _, _], issuer_data) =
            value.split_first_chunk::<11>().ok_or(wrong)?;
        let mut cryptogram = [0; 8];
        cryptogram.copy_from_slice(&value[3..11]);
        if issuer_data.len() > LONGEST_ISSUER_DATA {
            return Err(wrong);
        }
        Ok(Self {
            given: Cryptogram::from_information(*information),
            information: *information,
            atc: *atc,
            cryptogram: Some(cryptogram),
            issuer_data: (!issuer_data.is_empty()).then(|| Zeroizing::new(issuer_data.to_vec())),
            signed: None,
        })
    }

    fn read_format_2(value: &[u8], may_be_signed: bool) -> Result<Self, CardDataError> {
        let mut found = DataObjects::default();
        for object in tlv::walk(value) {
            let object = object?;
            if OBJECTS.contains(&object.tag) {
                if found.get(object.tag).is_some() {
                    return Err(CardDataError::Twice(object.tag));
                }
                found.put_from_card(object.tag, object.value);
            }
        }
        let [information] =
            found.sized(tag::CRYPTOGRAM_INFORMATION)?.ok_or(CardDataError::Missing(tag::CRYPTOGRAM_INFORMATION))?;
        let given = Cryptogram::from_information(information);
        let copy = |tag| found.get(tag).map(|value| Zeroizing::new(value.to_vec()));
        let answer = Self {
            given,
            information,
            atc: found.sized(tag::ATC)?.ok_or(CardDataError::Missing(tag::ATC))?,
            cryptogram: found.sized(tag::CRYPTOGRAM)?,
            issuer_data: copy(tag::ISSUER_APPLICATION_DATA),
            signed: copy(tag::SIGNED_DYNAMIC_DATA),
        };
        if answer.issuer_data.as_ref().is_some_and(|data| data.len() > LONGEST_ISSUER_DATA) {
            return Err(CardDataError::Wrong(tag::ISSUER_APPLICATION_DATA));
        }
        // An AAC carries no signed data (Book 2, 6.6.1).
        let inside_signature = may_be_signed && answer.signed.is_some() && given != Some(Cryptogram::Aac);
        if answer.cryptogram.is_none() && !inside_signature {
            return Err(CardDataError::Missing(tag::CRYPTOGRAM));
        }
        Ok(answer)
    }
}

/// Names what was given, nothing else.
impl std::fmt::Debug for CryptogramAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CryptogramAnswer({:?}, masked)", self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    fn read(answer: &str, may_be_signed: bool) -> Result<CryptogramAnswer, CardDataError> {
        CryptogramAnswer::read(&hex::decode(answer).unwrap(), may_be_signed)
    }

    #[test]
    fn both_formats_say_the_same() {
        for answer in [
            "800E 80 0001 0102030405060708 070809",
            "771A 9F270180 9F36020001 9F26080102030405060708 9F1003070809",
            "771E 9F270180 9F36020001 9F26080102030405060708 5A02FFFF 9F1003070809",
        ] {
            let mut data = DataObjects::default();
            data.put_from_card(tag::PAN, &[0x62, 0x28]);
            let answer = read(answer, false).unwrap();
            answer.keep(&mut data);
            assert_eq!(answer.given, Some(Cryptogram::Arqc));
            assert_eq!(data.get(tag::ATC), Some(&[0x00, 0x01][..]));
            assert_eq!(data.get(tag::CRYPTOGRAM), Some(&[1, 2, 3, 4, 5, 6, 7, 8][..]));
            assert_eq!(data.get(tag::ISSUER_APPLICATION_DATA), Some(&[7, 8, 9][..]));
            assert_eq!(data.get(tag::PAN), Some(&[0x62, 0x28][..]), "the number stays");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let missing = CardDataError::Missing;
        for (answer, error) in [
            ("8003 800001", CardDataError::Wrong(tag::RESPONSE_FORMAT_1)),
            ("7710 9F36020001 9F26080102030405060708", missing(tag::CRYPTOGRAM_INFORMATION)),
            ("770F 9F270180 9F26080102030405060708", missing(tag::ATC)),
            ("7709 9F270180 9F36020001", missing(tag::CRYPTOGRAM)),
            (
                "7718 9F270180 9F36020001 9F26080102030405060708 9F270140",
                CardDataError::Twice(tag::CRYPTOGRAM_INFORMATION),
            ),
            ("7001 00", CardDataError::Wrong(tag::RECORD_TEMPLATE)),
        ] {
            assert_eq!(read(answer, false).err(), Some(error), "{answer}");
        }
    }

    #[test]
    fn a_signature_may_hold_the_cryptogram_but_not_of_an_aac() {
        let arqc = "770E 9F270180 9F36020001 9F4B02AABB";
        assert!(read(arqc, true).is_ok());
        assert_eq!(read(arqc, false).err(), Some(CardDataError::Missing(tag::CRYPTOGRAM)));
        let aac = arqc.replace("9F270180", "9F270100");
        assert_eq!(read(&aac, true).err(), Some(CardDataError::Missing(tag::CRYPTOGRAM)));
    }

    #[test]
    fn an_aac_can_say_that_the_service_is_not_allowed() {
        assert!(read("800B 01 0001 0102030405060708", false).unwrap().service_not_allowed());
        assert!(!read("800B 00 0001 0102030405060708", false).unwrap().service_not_allowed());
        assert!(!read("800B 41 0001 0102030405060708", false).unwrap().service_not_allowed());
    }
}
