//! The issuer of a sandbox card, and what the two agree on: which data a cryptogram covers, how the issuer's own data
//! in the cryptogram's answer is laid out, and how the issuer proves itself.
//!
//! The layout follows the public descriptions of PBOC 3.0 cards: 9F10 = length 07, key index, cryptogram version, card
//! verification results (4 bytes), algorithm (01 = TDES; 05 = AES, a number of our own). The issuer believes nothing
//! that the MAC does not cover: what kind of cryptogram it is says the card in its verification results, the cryptogram
//! information data (9F27) only repeats it.

use crate::crypto::emv::{Algorithm, CardKey, IssuerKey, SequenceNumber, SessionKey};
use crate::crypto::{CryptoError, mac};
use crate::emv::tag::{self, Tag};
use crate::emv::tlv;

/// Cryptogram version of the sandbox cards, third byte of 9F10.
pub const CRYPTOGRAM_VERSION: u8 = 0x01;

/// Where the card verification results stand in 9F10.
pub const CVR_IN_ISSUER_DATA: std::ops::Range<usize> = 3..7;

/// Key index, second byte of 9F10.
const KEY_INDEX: u8 = 0x01;

/// First byte of 9F10: so many follow.
const ISSUER_DATA_LENGTH: u8 = 0x07;

/// First byte of the card verification results: so many follow.
const CVR_LENGTH: u8 = 0x03;

/// Second byte of the card status update: the issuer approves (EMV 4.4 Book 3, annex C10).
pub const STATUS_UPDATE_APPROVES: u8 = 0x80;

/// What a cryptogram says, with its code in 9F27 and in P1 of GENERATE AC (EMV 4.4 Book 3, tables 12 and 14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cryptogram {
    /// Declined.
    Aac = 0x00,
    /// Approved.
    Tc = 0x40,
    /// The issuer shall decide.
    Arqc = 0x80,
}

/// How the issuer proves itself to the card (EMV 4.4 Book 2, 8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMethod {
    /// Eight bytes of cryptogram and the response code they cover.
    One,
    /// Four bytes of cryptogram and the card status update they cover.
    Two,
}

/// The data an ARQC, TC or AAC covers, in this order.
#[derive(Clone, Copy, Debug)]
pub struct CryptogramInput<'a> {
    /// 9F02, 6 bytes.
    pub amount_authorised: &'a [u8],
    /// 9F03, 6 bytes.
    pub amount_other: &'a [u8],
    /// 9F1A, 2 bytes.
    pub terminal_country: &'a [u8],
    /// 95, 5 bytes.
    pub tvr: &'a [u8],
    /// 5F2A, 2 bytes.
    pub currency: &'a [u8],
    /// 9A, 3 bytes.
    pub date: &'a [u8],
    /// 9C, 1 byte.
    pub transaction_type: &'a [u8],
    /// 9F37, 4 bytes.
    pub unpredictable_number: &'a [u8],
    /// 82, 2 bytes.
    pub aip: &'a [u8],
    /// 9F36, 2 bytes.
    pub atc: &'a [u8],
    /// Card verification results, 4 bytes of 9F10.
    pub card_verification_results: &'a [u8],
}

/// The issuer of one card.
#[derive(Clone, Debug)]
pub struct Issuer {
    key: CardKey,
    algorithm: Algorithm,
    method: ResponseMethod,
}

/// A cryptogram that is right.
#[derive(Debug)]
pub struct Verified {
    session: SessionKey,
    cryptogram: [u8; 8],
    method: ResponseMethod,
    /// The card's transaction counter.
    pub atc: u16,
}

/// Why a cryptogram does not count.
#[derive(Debug, thiserror::Error)]
pub enum CryptogramError {
    /// The chip data is not BER-TLV.
    #[error("the chip data cannot be read: {0}")]
    Tlv(#[from] tlv::TlvError),
    /// A data object is missing or has another length.
    #[error("the chip data has no {tag} of {length} bytes")]
    Missing {
        /// Which.
        tag: Tag,
        /// Bytes it should have.
        length: usize,
    },
    /// 9F27 tells of another kind of cryptogram.
    #[error("9F27 tells of another cryptogram than the {0} that is expected")]
    Kind(Cryptogram),
    /// 9F10 is not laid out as this issuer's cards do it.
    #[error("9F10 is not that of a card of this issuer")]
    IssuerData,
    /// The card verification results, which the card signed, tell of another cryptogram.
    #[error("the card says in its verification results that this is no {0}")]
    Verification(Cryptogram),
    /// The card did not make this cryptogram over these data.
    #[error("the {0} is wrong")]
    Wrong(Cryptogram),
    /// The computation failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl Issuer {
    /// The issuer of the card with this number.
    ///
    /// # Errors
    /// When the number is not one.
    pub fn new(
        key: &IssuerKey,
        pan: &str,
        sequence_number: SequenceNumber,
        method: ResponseMethod,
    ) -> Result<Self, CryptoError> {
        Ok(Self { key: key.card_master_key(pan, sequence_number)?, algorithm: key.algorithm(), method })
    }

    /// Verifies a cryptogram of the expected kind over chip data as field 55 brings it.
    ///
    /// # Errors
    /// When anything is missing, tells of another kind, or the cryptogram is wrong.
    pub fn verify(&self, expected: Cryptogram, chip_data: &[u8]) -> Result<Verified, CryptogramError> {
        if object(chip_data, tag::CRYPTOGRAM_INFORMATION, 1)?[0] & 0xC0 != expected as u8 {
            return Err(CryptogramError::Kind(expected));
        }
        let issuer_data = object(chip_data, tag::ISSUER_APPLICATION_DATA, 8)?;
        let card_verification_results = &issuer_data[CVR_IN_ISSUER_DATA];
        let verification: [u8; 4] = card_verification_results.try_into().map_err(|_| CryptogramError::IssuerData)?;
        if issuer_data != issuer_application_data(verification, self.algorithm) || verification[0] != CVR_LENGTH {
            return Err(CryptogramError::IssuerData);
        }
        if !expected.is_told_by(verification[1]) {
            return Err(CryptogramError::Verification(expected));
        }
        let atc_bytes = object(chip_data, tag::ATC, 2)?;
        let input = CryptogramInput {
            amount_authorised: object(chip_data, tag::AMOUNT_AUTHORISED, 6)?,
            // A terminal without cashback may leave it out; the card then signed zeros.
            amount_other: tlv::find(chip_data, tag::AMOUNT_OTHER)?.unwrap_or(&[0; 6]),
            terminal_country: object(chip_data, tag::TERMINAL_COUNTRY, 2)?,
            tvr: object(chip_data, tag::TVR, 5)?,
            currency: object(chip_data, tag::TRANSACTION_CURRENCY, 2)?,
            date: object(chip_data, tag::TRANSACTION_DATE, 3)?,
            transaction_type: object(chip_data, tag::TRANSACTION_TYPE, 1)?,
            unpredictable_number: object(chip_data, tag::UNPREDICTABLE_NUMBER, 4)?,
            aip: object(chip_data, tag::AIP, 2)?,
            atc: atc_bytes,
            card_verification_results,
        };
        let atc = u16::from(atc_bytes[0]) << 8 | u16::from(atc_bytes[1]);
        let session = self.key.session_key(atc)?;
        let cryptogram = session.application_cryptogram(&input.bytes())?;
        if !mac::equal(&cryptogram, object(chip_data, tag::CRYPTOGRAM, 8)?) {
            return Err(CryptogramError::Wrong(expected));
        }
        Ok(Verified { session, cryptogram, method: self.method, atc })
    }
}

impl Verified {
    /// Issuer authentication data (tag 91) for a response code: the proof and what it covers.
    ///
    /// # Errors
    /// With an AES key and method 1, which do not go together.
    pub fn issuer_authentication_data(&self, response_code: [u8; 2]) -> Result<Vec<u8>, CryptoError> {
        Ok(match self.method {
            ResponseMethod::One => {
                let proof = self.session.response_cryptogram_1(self.cryptogram, response_code)?;
                [&proof[..], &response_code].concat()
            }
            ResponseMethod::Two => {
                let update = [0, if approves(response_code) { STATUS_UPDATE_APPROVES } else { 0 }, 0, 0];
                let proof = self.session.response_cryptogram_2(self.cryptogram, update, &[])?;
                [proof, update].concat()
            }
        })
    }
}

impl std::fmt::Display for Cryptogram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Aac => "AAC",
            Self::Tc => "TC",
            Self::Arqc => "ARQC",
        })
    }
}

impl Cryptogram {
    /// The cryptogram of a byte of information data (9F27).
    pub const fn from_information(byte: u8) -> Option<Self> {
        match byte & 0xC0 {
            0x00 => Some(Self::Aac),
            0x40 => Some(Self::Tc),
            0x80 => Some(Self::Arqc),
            _ => None,
        }
    }

    /// Whether the second byte of the card verification results tells of this cryptogram as the transaction's last. Its
    /// bits 8-7 are the second cryptogram (10: not asked for yet), bits 6-5 the first.
    const fn is_told_by(self, second_byte: u8) -> bool {
        match self {
            Self::Arqc => second_byte & 0xF0 == 0xA0,
            Self::Tc => matches!(second_byte & 0xF0, 0x60 | 0x90),
            Self::Aac => matches!(second_byte & 0xF0, 0x20 | 0x80),
        }
    }
}

impl CryptogramInput<'_> {
    /// All parts one behind the other.
    pub fn bytes(&self) -> Vec<u8> {
        [
            self.amount_authorised,
            self.amount_other,
            self.terminal_country,
            self.tvr,
            self.currency,
            self.date,
            self.transaction_type,
            self.unpredictable_number,
            self.aip,
            self.atc,
            self.card_verification_results,
        ]
        .concat()
    }
}

/// Issuer application data (tag 9F10) of a sandbox card.
pub const fn issuer_application_data(card_verification_results: [u8; 4], algorithm: Algorithm) -> [u8; 8] {
    let [length, second, third, fourth] = card_verification_results;
    let algorithm = match algorithm {
        Algorithm::Tdes => 0x01,
        Algorithm::Aes => 0x05,
    };
    [ISSUER_DATA_LENGTH, KEY_INDEX, CRYPTOGRAM_VERSION, length, second, third, fourth, algorithm]
}

/// Approved, approved for a part, approved as VIP (ISO 8583 field 39, tag 8A).
pub const fn approves(response_code: [u8; 2]) -> bool {
    matches!(&response_code, b"00" | b"10" | b"11")
}

fn object(chip_data: &[u8], tag: Tag, length: usize) -> Result<&[u8], CryptogramError> {
    match tlv::find(chip_data, tag)? {
        Some(value) if value.len() == length => Ok(value),
        _ => Err(CryptogramError::Missing { tag, length }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emv::tlv::TlvBuilder;

    const PAN: &str = "6228480000000001230";

    fn issuer(algorithm: Algorithm, method: ResponseMethod) -> Issuer {
        let key = IssuerKey::new(algorithm, &[0x5A; 16]).unwrap();
        Issuer::new(&key, PAN, SequenceNumber::new(10).unwrap(), method).unwrap()
    }

    /// Chip data of a card that signs whatever it is told to sign.
    fn signed(issuer: &Issuer, information: u8, issuer_data: [u8; 8]) -> Vec<u8> {
        let input = CryptogramInput {
            amount_authorised: &[0, 0, 0, 0, 0x12, 0x34],
            amount_other: &[0; 6],
            terminal_country: &[0x01, 0x56],
            tvr: &[0; 5],
            currency: &[0x01, 0x56],
            date: &[0x26, 0x11, 0x22],
            transaction_type: &[0],
            unpredictable_number: &[1, 2, 3, 4],
            aip: &[0x39, 0],
            atc: &[0, 7],
            card_verification_results: &issuer_data[CVR_IN_ISSUER_DATA],
        };
        let cryptogram = issuer.key.session_key(7).unwrap().application_cryptogram(&input.bytes()).unwrap();
        TlvBuilder::new()
            .with(tag::CRYPTOGRAM_INFORMATION, &[information])
            .with(tag::ISSUER_APPLICATION_DATA, &issuer_data)
            .with(tag::CRYPTOGRAM, &cryptogram)
            .with(tag::AMOUNT_AUTHORISED, input.amount_authorised)
            .with(tag::TERMINAL_COUNTRY, input.terminal_country)
            .with(tag::TVR, input.tvr)
            .with(tag::TRANSACTION_CURRENCY, input.currency)
            .with(tag::TRANSACTION_DATE, input.date)
            .with(tag::TRANSACTION_TYPE, input.transaction_type)
            .with(tag::UNPREDICTABLE_NUMBER, input.unpredictable_number)
            .with(tag::AIP, input.aip)
            .with(tag::ATC, input.atc)
            .build()
    }

    /// The last cryptogram and the second byte of the verification results that go with it.
    #[test]
    fn the_signed_verification_results_say_which_cryptogram_it_is() {
        use Cryptogram::{Aac, Arqc, Tc};
        for algorithm in [Algorithm::Tdes, Algorithm::Aes] {
            let issuer = issuer(algorithm, ResponseMethod::Two);
            for (second_byte, told) in [
                (0xA0, Some(Arqc)),
                (0xA6, Some(Arqc)),
                (0x90, Some(Tc)),
                (0x60, Some(Tc)),
                (0x80, Some(Aac)),
                (0x20, Some(Aac)),
                (0x00, None),
                (0x40, None),
                (0xB0, None),
                (0xE0, None),
            ] {
                let issuer_data = issuer_application_data([3, second_byte, 0, 0], algorithm);
                for expected in [Aac, Tc, Arqc] {
                    let verified = issuer.verify(expected, &signed(&issuer, expected as u8, issuer_data));
                    assert_eq!(verified.is_ok(), told == Some(expected), "{second_byte:02X} as {expected:?}");
                }
            }
        }
    }

    /// A terminal that takes a card's refusal (AAC) for a question (ARQC) by turning 9F27 is not believed.
    #[test]
    fn what_the_card_did_not_sign_counts_for_nothing() {
        let issuer = issuer(Algorithm::Tdes, ResponseMethod::One);
        let refusal = signed(&issuer, 0x80, issuer_application_data([3, 0x80, 0, 0], Algorithm::Tdes));
        let error = issuer.verify(Cryptogram::Arqc, &refusal).unwrap_err();
        assert!(matches!(error, CryptogramError::Verification(Cryptogram::Arqc)), "{error}");
        let honest = signed(&issuer, 0x00, issuer_application_data([3, 0x80, 0, 0], Algorithm::Tdes));
        let error = issuer.verify(Cryptogram::Arqc, &honest).unwrap_err();
        assert!(matches!(error, CryptogramError::Kind(Cryptogram::Arqc)), "{error}");
        assert_eq!(issuer.verify(Cryptogram::Aac, &honest).unwrap().atc, 7);
    }

    #[test]
    fn issuer_data_of_another_layout_is_refused_whole() {
        let issuer = issuer(Algorithm::Tdes, ResponseMethod::One);
        for (what, issuer_data) in [
            ("length", [6, 1, 1, 3, 0xA0, 0, 0, 1]),
            ("key index", [7, 2, 1, 3, 0xA0, 0, 0, 1]),
            ("cryptogram version", [7, 1, 2, 3, 0xA0, 0, 0, 1]),
            ("length of the verification results", [7, 1, 1, 4, 0xA0, 0, 0, 1]),
            ("algorithm", [7, 1, 1, 3, 0xA0, 0, 0, 5]),
        ] {
            let error = issuer.verify(Cryptogram::Arqc, &signed(&issuer, 0x80, issuer_data)).unwrap_err();
            assert!(matches!(error, CryptogramError::IssuerData), "{what}: {error}");
        }
    }

    #[test]
    fn a_wrong_byte_anywhere_is_a_wrong_cryptogram() {
        let issuer = issuer(Algorithm::Tdes, ResponseMethod::One);
        let right = signed(&issuer, 0x80, issuer_application_data([3, 0xA0, 0, 0], Algorithm::Tdes));
        assert!(issuer.verify(Cryptogram::Arqc, &right).is_ok());
        for wanted in [tag::CRYPTOGRAM, tag::AMOUNT_AUTHORISED, tag::TVR, tag::UNPREDICTABLE_NUMBER, tag::AIP, tag::ATC]
        {
            let at = tlv::find(&right, wanted).unwrap().unwrap().as_ptr() as usize - right.as_ptr() as usize;
            let mut wrong = right.clone();
            wrong[at] ^= 1;
            let error = issuer.verify(Cryptogram::Arqc, &wrong).unwrap_err();
            assert!(matches!(error, CryptogramError::Wrong(_)), "{wanted}: {error}");
        }
        let missing = TlvBuilder::new().with(tag::CRYPTOGRAM_INFORMATION, &[0x80]).build();
        let error = issuer.verify(Cryptogram::Arqc, &missing).unwrap_err();
        assert!(matches!(error, CryptogramError::Missing { tag: tag::ISSUER_APPLICATION_DATA, .. }), "{error}");
    }

    #[test]
    fn each_method_proves_the_issuer_in_its_own_way() {
        for (algorithm, method, code, covered) in [
            (Algorithm::Tdes, ResponseMethod::One, b"51", &b"51"[..]),
            (Algorithm::Tdes, ResponseMethod::Two, b"00", &[0, 0x80, 0, 0]),
            (Algorithm::Aes, ResponseMethod::Two, b"51", &[0, 0, 0, 0]),
        ] {
            let issuer = issuer(algorithm, method);
            let chip_data = signed(&issuer, 0x80, issuer_application_data([3, 0xA0, 0, 0], algorithm));
            let verified = issuer.verify(Cryptogram::Arqc, &chip_data).unwrap();
            let data = verified.issuer_authentication_data(*code).unwrap();
            let (proof, said) = data.split_at(data.len() - covered.len());
            let session = issuer.key.session_key(7).unwrap();
            let expected = match method {
                ResponseMethod::One => session.response_cryptogram_1(verified.cryptogram, *code).unwrap().to_vec(),
                ResponseMethod::Two => {
                    session.response_cryptogram_2(verified.cryptogram, said.try_into().unwrap(), &[]).unwrap().to_vec()
                }
            };
            assert_eq!((proof, said), (&expected[..], covered));
        }
    }
}
