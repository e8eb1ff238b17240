//! The issuer's side of a chip card: is the ARQC right, and what does the card hear back.

use crate::crypto::tdes::TdesKey;
use crate::crypto::{CryptoError, emv, mac};
use crate::emv::tag::{self, Tag};
use crate::emv::tlv;
use crate::sandbox::issuer::{CRYPTOGRAM_VERSION, CVR_IN_ISSUER_DATA, CryptogramInput};

/// First byte of 9F27 when the card asks for an online decision.
const ARQC: u8 = 0x80;

/// A cryptogram that is right.
pub struct Verified {
    session_key: TdesKey,
    arqc: [u8; 8],
    /// The card's transaction counter.
    pub atc: u16,
}

/// Why a cryptogram does not count.
#[derive(Debug, thiserror::Error)]
pub enum CryptogramError {
    /// Field 55 is not BER-TLV.
    #[error("field 55 cannot be read: {0}")]
    Tlv(#[from] tlv::TlvError),
    /// A data object is missing or has another length.
    #[error("field 55 has no {tag} of {length} bytes")]
    Missing {
        /// Which.
        tag: Tag,
        /// Bytes it should have.
        length: usize,
    },
    /// The card did not ask for an online decision, or made its cryptogram in another way.
    #[error("{0} of field 55 is not that of an ARQC of this issuer")]
    Kind(Tag),
    /// Field 4 and 9F02 differ.
    #[error("the amount in field 4 is not the one the card signed")]
    Amount,
    /// The card did not make this cryptogram over these data.
    #[error("the ARQC is wrong")]
    Wrong,
    /// The counter was seen before, or one above it.
    #[error("the transaction counter {atc} does not rise above {last}")]
    Counter {
        /// The card's.
        atc: u16,
        /// The highest seen.
        last: u16,
    },
    /// The computation failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Verifies field 55 against the issuer's key. `amount` is field 4, twelve digits.
///
/// # Errors
/// When anything is missing, differs, or the cryptogram is wrong.
pub fn verify(
    chip_data: &[u8],
    master_key: &TdesKey,
    pan: &str,
    sequence_number: u8,
    amount: &str,
    last_atc: Option<u16>,
) -> Result<Verified, CryptogramError> {
    let object = |tag: Tag, length: usize| match tlv::find(chip_data, tag)? {
        Some(value) if value.len() == length => Ok(value),
        _ => Err(CryptogramError::Missing { tag, length }),
    };
    if object(tag::CRYPTOGRAM_INFORMATION, 1)?[0] & 0xC0 != ARQC {
        return Err(CryptogramError::Kind(tag::CRYPTOGRAM_INFORMATION));
    }
    let issuer_data = tlv::find(chip_data, tag::ISSUER_APPLICATION_DATA)?.unwrap_or_default();
    let (Some(&CRYPTOGRAM_VERSION), Some(card_verification_results)) =
        (issuer_data.get(2), issuer_data.get(CVR_IN_ISSUER_DATA))
    else {
        return Err(CryptogramError::Kind(tag::ISSUER_APPLICATION_DATA));
    };
    let amount_authorised = object(tag::AMOUNT_AUTHORISED, 6)?;
    if crate::crypto::hex::encode(amount_authorised) != amount {
        return Err(CryptogramError::Amount);
    }
    let atc_bytes = object(tag::ATC, 2)?;
    let input = CryptogramInput {
        amount_authorised,
        // A terminal without cashback may leave it out; the card then signed zeros.
        amount_other: tlv::find(chip_data, tag::AMOUNT_OTHER)?.unwrap_or(&[0; 6]),
        terminal_country: object(tag::TERMINAL_COUNTRY, 2)?,
        tvr: object(tag::TVR, 5)?,
        currency: object(tag::TRANSACTION_CURRENCY, 2)?,
        date: object(tag::TRANSACTION_DATE, 3)?,
        transaction_type: object(tag::TRANSACTION_TYPE, 1)?,
        unpredictable_number: object(tag::UNPREDICTABLE_NUMBER, 4)?,
        aip: object(tag::AIP, 2)?,
        atc: atc_bytes,
        card_verification_results,
    };
    let atc = u16::from(atc_bytes[0]) << 8 | u16::from(atc_bytes[1]);
    let card_key = emv::card_master_key(master_key, pan, sequence_number)?;
    let session_key = emv::session_key(&card_key, atc)?;
    let arqc = emv::application_cryptogram(&session_key, &input.bytes())?;
    if !mac::equal(&arqc, object(tag::CRYPTOGRAM, 8)?) {
        return Err(CryptogramError::Wrong);
    }
    match last_atc {
        Some(last) if atc <= last => Err(CryptogramError::Counter { atc, last }),
        _ => Ok(Verified { session_key, arqc, atc }),
    }
}

impl Verified {
    /// Field 55 of the answer: 91 with the issuer's cryptogram (method 1) and the response code it covers.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn answer(&self, response_code: [u8; 2]) -> Result<Vec<u8>, CryptoError> {
        let mut data = emv::response_cryptogram_1(&self.session_key, &self.arqc, &response_code)?.to_vec();
        data.extend(response_code);
        Ok(tlv::TlvBuilder::new().with(tag::ISSUER_AUTHENTICATION_DATA, &data).build())
    }
}
