//! Dynamic data authentication (EMV 4.4 Book 2, 6.5): the card signs what the DDOL asks the terminal for.

use super::block::{Block, Opened};
use super::{CardKey, OdaFailure};
use crate::emv::tag::{self, Tag};
use crate::emv::tlv;

/// A number that the card makes for every signature (tag 9F4C): two to eight bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamicNumber(Vec<u8>);

impl DynamicNumber {
    /// The value of tag 9F4C.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The list for INTERNAL AUTHENTICATE: the card's own (tag 9F49), else the terminal's default (Book 2, 6.5.1).
///
/// # Errors
/// When there is none, or it does not ask for the unpredictable number: a signature without it could be an old one.
pub fn choose_ddol<'a>(card: Option<&'a [u8]>, default: Option<&'a [u8]>) -> Result<&'a [u8], OdaFailure> {
    let list = card.or(default).ok_or(OdaFailure::DdolMissing)?;
    let mut rest = list;
    let mut asks = false;
    while !rest.is_empty() {
        let (tag, length) = Tag::read(rest).ok_or(OdaFailure::DdolWithoutChallenge)?;
        rest = rest.get(length + 1..).ok_or(OdaFailure::DdolWithoutChallenge)?;
        asks |= tag == tag::UNPREDICTABLE_NUMBER;
    }
    if asks { Ok(list) } else { Err(OdaFailure::DdolWithoutChallenge) }
}

/// The signature in the answer to INTERNAL AUTHENTICATE, in either format (Book 3, 6.5.9.4).
///
/// # Errors
/// When the answer is not one such template, or has no signature.
pub fn signature_of(answer: &[u8]) -> Result<&[u8], OdaFailure> {
    let mut objects = tlv::walk(answer);
    let (Some(Ok(template)), None) = (objects.next(), objects.next()) else { return Err(OdaFailure::Answer) };
    match template.tag {
        tag::RESPONSE_FORMAT_1 => Ok(template.value),
        tag::RESPONSE_FORMAT_2 => {
            let mut signature = None;
            for object in tlv::walk(template.value) {
                let object = object.map_err(|_| OdaFailure::Answer)?;
                if object.tag == tag::SIGNED_DYNAMIC_DATA && signature.replace(object.value).is_some() {
                    return Err(OdaFailure::Answer);
                }
            }
            signature.ok_or(OdaFailure::Missing(tag::SIGNED_DYNAMIC_DATA))
        }
        _ => Err(OdaFailure::Answer),
    }
}

/// Checks the card's signature over `challenge`, the values the DDOL asked for (Book 2, 6.5.2).
///
/// # Errors
/// The check that failed.
pub fn verify_dynamic(card: &CardKey, signature: &[u8], challenge: &[u8]) -> Result<DynamicNumber, OdaFailure> {
    let signed = SignedByCard::open(card, signature, challenge)?;
    let (number, _) = signed.number()?;
    Ok(number)
}

/// What the card signed, with a right hash.
pub(super) struct SignedByCard {
    opened: Opened,
}

impl SignedByCard {
    /// Opens the signature and checks its hash over `beside`: the DDOL's values in DDA, the unpredictable number in CDA.
    pub(super) fn open(card: &CardKey, signature: &[u8], beside: &[u8]) -> Result<Self, OdaFailure> {
        let opened = Opened::open(Block::DynamicSignature, &card.0, signature)?;
        opened.vouches_for(&[beside])?;
        Ok(Self { opened })
    }

    /// The card's own number, and the dynamic data behind it.
    pub(super) fn number(&self) -> Result<(DynamicNumber, &[u8]), OdaFailure> {
        let [_format, _hash_algorithm, length, rest @ ..] = self.opened.content() else {
            return Err(OdaFailure::DynamicData { length: 0 });
        };
        let length = usize::from(*length);
        let data = rest.get(..length).ok_or(OdaFailure::DynamicData { length })?;
        let (number_length, rest) = data.split_first().ok_or(OdaFailure::DynamicData { length })?;
        let number_length = usize::from(*number_length);
        if !(2..=8).contains(&number_length) {
            return Err(OdaFailure::DynamicNumber { length: number_length });
        }
        let (number, behind) = rest.split_at_checked(number_length).ok_or(OdaFailure::DynamicData { length })?;
        Ok((DynamicNumber(number.to_vec()), behind))
    }
}
