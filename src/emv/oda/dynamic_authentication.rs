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

/// Bytes of the unpredictable number (tag 9F37).
const UNPREDICTABLE_NUMBER_LENGTH: u8 = 4;

/// The list for INTERNAL AUTHENTICATE: the card's own (tag 9F49), else the terminal's default (Book 2, 6.5.1).
///
/// # Errors
/// When there is none, or it does not ask for the whole unpredictable number: a signature without it could be an old one.
pub fn choose_ddol<'a>(card: Option<&'a [u8]>, default: Option<&'a [u8]>) -> Result<&'a [u8], OdaFailure> {
    let list = card.or(default).ok_or(OdaFailure::DdolMissing)?;
    let mut rest = list;
    let mut asks = false;
    while !rest.is_empty() {
        let (tag, tag_length) = Tag::read(rest).ok_or(OdaFailure::DdolWithoutChallenge)?;
        let length = *rest.get(tag_length).ok_or(OdaFailure::DdolWithoutChallenge)?;
        rest = &rest[tag_length + 1..];
        asks |= tag == tag::UNPREDICTABLE_NUMBER && length >= UNPREDICTABLE_NUMBER_LENGTH;
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
    /// Opens the signature and checks its hash over `beside`: the DDOL's values in DDA, the unpredictable number in
    /// CDA.
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

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::emv::tlv::TlvBuilder;
    use crate::sandbox::card::authentication::sign_dynamic;

    fn format_2(content: &[u8]) -> Vec<u8> {
        TlvBuilder::new().with(tag::RESPONSE_FORMAT_2, content).build()
    }

    #[test]
    fn a_dynamic_signature_gives_its_number_and_every_fault_a_name() {
        let (card, key) = (card(), &KEYS.private.card);
        let block = Block::DynamicSignature;
        let good = sign_dynamic(key, &[0x03, 7, 8, 9], &CHALLENGE).unwrap();
        assert_eq!(verify_dynamic(&card, &good, &CHALLENGE).unwrap().as_bytes(), [7, 8, 9]);
        assert_eq!(verify_dynamic(&card, &good, &[1, 2, 3, 5]), Err(OdaFailure::Hash(block)));
        let made = |content: &[u8], frame| signature(key, content, &[&CHALLENGE], frame);
        for (signed, expected) in [
            (good[1..].to_vec(), OdaFailure::BlockLength { block, length: 127, key: 128 }),
            (vec![0xFF; 128], OdaFailure::Opening(block)),
            (made(&[0x05, 0x01, 3, 2, 1, 1], [0x6A, 0xCC]), OdaFailure::Trailer(block)),
            (made(&[0x05, 0x01, 3, 2, 1, 1], [0x60, 0xBC]), OdaFailure::Header(block)),
            (made(&[0x03, 0x01, 3, 2, 1, 1], FRAME), OdaFailure::Format { block, format: 0x03 }),
            (made(&[0x05, 0x00, 3, 2, 1, 1], FRAME), OdaFailure::HashAlgorithm { block, indicator: 0x00 }),
            (made(&[0x05, 0x01, 0], FRAME), OdaFailure::DynamicData { length: 0 }),
            (made(&[0x05, 0x01, 104, 2, 1, 1], FRAME), OdaFailure::DynamicData { length: 104 }),
            (made(&[0x05, 0x01, 2, 2, 1, 1], FRAME), OdaFailure::DynamicData { length: 2 }),
            (made(&[0x05, 0x01, 2, 1, 1], FRAME), OdaFailure::DynamicNumber { length: 1 }),
            (made(&[0x05, 0x01, 10, 9, 1], FRAME), OdaFailure::DynamicNumber { length: 9 }),
        ] {
            assert_eq!(verify_dynamic(&card, &signed, &CHALLENGE), Err(expected));
        }
    }

    #[test]
    fn the_signature_is_found_in_either_format_of_internal_authenticate() {
        let both = TlvBuilder::new().with(tag::ATC, &[0, 1]).with(tag::SIGNED_DYNAMIC_DATA, &[7, 8]).build();
        assert_eq!(signature_of(&[0x80, 0x02, 7, 8]), Ok(&[7, 8][..]));
        assert_eq!(signature_of(&format_2(&both)), Ok(&[7, 8][..]));
        let twice = format_2(&[&both[..], &both].concat());
        for answer in [&[][..], &[0x80], &[0x80, 0x01, 7, 0x80, 0x01, 7], &[0x70, 0x00], &[0x77, 0x01, 0x9F], &twice] {
            assert_eq!(signature_of(answer), Err(OdaFailure::Answer), "{answer:02X?}");
        }
        assert_eq!(signature_of(&[0x77, 0x00]), Err(OdaFailure::Missing(tag::SIGNED_DYNAMIC_DATA)));
    }

    #[test]
    fn a_ddol_without_a_challenge_is_refused() {
        let (good, bad): (&[u8], &[u8]) = (&[0x9A, 0x03, 0x9F, 0x37, 0x04], &[0x9A, 0x03]);
        assert_eq!(choose_ddol(Some(good), None), Ok(good));
        assert_eq!(choose_ddol(None, Some(good)), Ok(good));
        assert_eq!(choose_ddol(Some(bad), Some(good)), Err(OdaFailure::DdolWithoutChallenge), "the card's own counts");
        assert_eq!(choose_ddol(None, Some(bad)), Err(OdaFailure::DdolWithoutChallenge));
        assert_eq!(choose_ddol(None, None), Err(OdaFailure::DdolMissing));
        // A part of the number is no challenge: few signatures would answer all of them.
        for cut in [&[0x9F][..], &[0x9F, 0x37], &[0x9F, 0x37, 0x04, 0x9A], &[0x9F, 0x37, 0x00], &[0x9F, 0x37, 0x01]] {
            assert_eq!(choose_ddol(Some(cut), None), Err(OdaFailure::DdolWithoutChallenge), "{cut:02X?}");
        }
    }
}
