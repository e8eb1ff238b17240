//! A chip card's cryptogram in a request: does it belong to the request, and is it new.

use super::books::Account;
use crate::crypto::hex;
use crate::emv::tag::{self, Tag};
use crate::emv::tlv;
use crate::sandbox::issuer::{Cryptogram, CryptogramError, Verified};

/// What a request says in its fields that the card has signed as well.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Field 4, twelve digits.
    pub amount: &'a str,
    /// Field 49, three digits.
    pub currency: &'a str,
    /// Field 3, six digits, of which the first two are the transaction's type.
    pub processing_code: &'a str,
}

/// Why a card's cryptogram does not support a request.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// The cryptogram itself.
    #[error(transparent)]
    Cryptogram(#[from] CryptogramError),
    /// A field of the message says something else than the card signed.
    #[error("field {field} is not what the card signed in {tag}")]
    Differs {
        /// The message's.
        field: u8,
        /// The card's.
        tag: Tag,
    },
    /// The counter of a request was seen before, or one above it.
    #[error("the transaction counter {atc} does not rise above {last}")]
    Counter {
        /// The card's.
        atc: u16,
        /// The highest seen.
        last: u16,
    },
}

/// Verifies the cryptogram in field 55 against the issuer behind an account, and that it is for this request.
///
/// # Errors
/// When the cryptogram does not count, is for something else, or is old.
pub fn verify(
    account: &Account,
    expected: Cryptogram,
    chip_data: &[u8],
    claim: &Claim<'_>,
) -> Result<Verified, ClaimError> {
    let verified = account.issuer.verify(expected, chip_data)?;
    for (field, tag, claimed) in [
        (4, tag::AMOUNT_AUTHORISED, claim.amount.to_owned()),
        // Three digits of ISO 4217, which the card has in four.
        (49, tag::TRANSACTION_CURRENCY, format!("0{}", claim.currency)),
        (3, tag::TRANSACTION_TYPE, claim.processing_code.chars().take(2).collect()),
    ] {
        let signed = tlv::find(chip_data, tag).map_err(CryptogramError::from)?.unwrap_or_default();
        if hex::encode(signed) != claimed {
            return Err(ClaimError::Differs { field, tag });
        }
    }
    match account.last_atc {
        // What a card has approved alone is told later, when it may have been used again: see `offline`.
        Some(last) if expected != Cryptogram::Tc && verified.atc <= last => {
            Err(ClaimError::Counter { atc: verified.atc, last })
        }
        _ => Ok(verified),
    }
}
