//! Combined DDA and application cryptogram generation (EMV 4.4 Book 2, 6.6): the card signs its cryptogram together
//! with everything terminal and card said about the transaction.

use super::dynamic_authentication::SignedByCard;
use super::{CardKey, DynamicNumber, OdaFailure};
use crate::crypto::rsa::{HASH_LENGTH, sha_1};
use crate::emv::tag;
use crate::emv::tlv::{self, Tlv};

/// What the card's signature is checked with.
#[derive(Clone, Copy)]
pub struct CombinedInput<'a> {
    /// The unpredictable number of this GENERATE AC (tag 9F37).
    pub unpredictable_number: &'a [u8],
    /// What the terminal said, byte for byte as sent: values of the PDOL, of the CDOL1 and, in the second GENERATE AC,
    /// of the CDOL2.
    pub terminal_values: &'a [&'a [u8]],
    /// The answer to GENERATE AC without the status word: template 77.
    pub answer: &'a [u8],
}

/// What a right signature says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CombinedAnswer {
    /// The card's own number (tag 9F4C).
    pub number: DynamicNumber,
    /// The kind of cryptogram (tag 9F27), the same inside and outside the signature.
    pub cryptogram_information: u8,
    /// The cryptogram (tag 9F26), which stands only inside the signature.
    pub cryptogram: [u8; 8],
}

/// Checks the signature in an answer to GENERATE AC that gives a TC or an ARQC (Book 2, 6.6.2). An AAC is never signed.
///
/// # Errors
/// The check that failed.
pub fn verify_combined(card: &CardKey, input: &CombinedInput<'_>) -> Result<CombinedAnswer, OdaFailure> {
    let answer = Answer::read(input.answer)?;
    let signed = SignedByCard::open(card, answer.signature, input.unpredictable_number)?;
    let (number, rest) = signed.number()?;
    let wrong = || OdaFailure::DynamicData { length: 1 + number.as_bytes().len() + rest.len() };
    let (&[information], rest) = rest.split_first_chunk().ok_or_else(wrong)?;
    let (cryptogram, rest) = rest.split_first_chunk().ok_or_else(wrong)?;
    let hash = rest.first_chunk::<HASH_LENGTH>().ok_or_else(wrong)?;
    if information != answer.cryptogram_information {
        return Err(OdaFailure::CryptogramInformation { signed: information, said: answer.cryptogram_information });
    }
    let said: Vec<&[u8]> = input.terminal_values.iter().chain(&answer.beside_signature).copied().collect();
    if sha_1(&said) != *hash {
        return Err(OdaFailure::TransactionData);
    }
    Ok(CombinedAnswer { number, cryptogram_information: information, cryptogram: *cryptogram })
}

/// The parts of an answer in format 2.
struct Answer<'a> {
    signature: &'a [u8],
    cryptogram_information: u8,
    /// Every other object as received, tag and length included, in the order received.
    beside_signature: Vec<&'a [u8]>,
}

impl<'a> Answer<'a> {
    fn read(answer: &'a [u8]) -> Result<Self, OdaFailure> {
        let mut objects = tlv::walk(answer);
        let template = match (objects.next(), objects.next()) {
            (Some(Ok(template)), None) if template.tag == tag::RESPONSE_FORMAT_2 => template.value,
            _ => return Err(OdaFailure::Answer),
        };
        let mut signature = None;
        let mut information = None;
        let mut beside_signature = Vec::new();
        let mut rest = template;
        while let Some((object, whole)) = split_object(&mut rest)? {
            let twice = match object.tag {
                tag::SIGNED_DYNAMIC_DATA => signature.replace(object.value).is_some(),
                tag::CRYPTOGRAM_INFORMATION => information.replace(object.value).is_some(),
                _ => false,
            };
            if twice {
                return Err(OdaFailure::Answer);
            }
            if object.tag != tag::SIGNED_DYNAMIC_DATA {
                beside_signature.push(whole);
            }
        }
        let signature = signature.ok_or(OdaFailure::Missing(tag::SIGNED_DYNAMIC_DATA))?;
        match information {
            Some(&[cryptogram_information]) => Ok(Self { signature, cryptogram_information, beside_signature }),
            Some(_) => Err(OdaFailure::Answer),
            None => Err(OdaFailure::Missing(tag::CRYPTOGRAM_INFORMATION)),
        }
    }
}

/// Takes the next object off the front of `rest`, with all its bytes: the hash is over what was received, however the
/// card wrote its lengths. Padding `00` before it is no part of it.
fn split_object<'a>(rest: &mut &'a [u8]) -> Result<Option<(Tlv<'a>, &'a [u8])>, OdaFailure> {
    while let [0, behind @ ..] = rest {
        *rest = behind;
    }
    let Some(object) = tlv::walk(rest).next() else { return Ok(None) };
    let object = object.map_err(|_| OdaFailure::Answer)?;
    let tag_length = object.tag.bytes().count();
    let more_length_bytes = match rest.get(tag_length) {
        Some(long) if long & 0x80 != 0 => usize::from(long & 0x7F),
        _ => 0,
    };
    let whole = tag_length + 1 + more_length_bytes + object.value.len();
    let (whole, behind) = rest.split_at_checked(whole).ok_or(OdaFailure::Answer)?;
    *rest = behind;
    Ok(Some((object, whole)))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::emv::tlv::TlvBuilder;
    use crate::sandbox::card::authentication::sign_dynamic;

    const CRYPTOGRAM: [u8; 8] = [0xC0, 1, 2, 3, 4, 5, 6, 7];

    const VALUES: [&[u8]; 3] = [&[0x01, 0x56], &[1, 2, 3], b"00"];

    const BEFORE: &[u8] = &[0x9F, 0x27, 0x01, 0x40, 0x9F, 0x36, 0x02, 0x00, 0x07];

    const BEHIND: &[u8] = &[0x9F, 0x10, 0x02, 0x07, 0x01];

    /// An answer with a TC: objects before the signature, the signature over them and `behind`, objects behind it.
    fn combined(information: u8, values: &[&[u8]], before: &[u8], behind: &[u8]) -> Vec<u8> {
        let said = [values, &[before, behind]].concat();
        let dynamic = [&[2, 0xAA, 0xBB][..], &[information], &CRYPTOGRAM, &sha_1(&said)].concat();
        let signed = sign_dynamic(&KEYS.private.card, &dynamic, &CHALLENGE).unwrap();
        let signed = TlvBuilder::new().with(tag::SIGNED_DYNAMIC_DATA, &signed).build();
        template(&[before, &signed, behind].concat())
    }

    fn template(content: &[u8]) -> Vec<u8> {
        TlvBuilder::new().with(tag::RESPONSE_FORMAT_2, content).build()
    }

    fn checked(values: &[&[u8]], answer: &[u8]) -> Result<CombinedAnswer, OdaFailure> {
        verify_combined(&card(), &CombinedInput { unpredictable_number: &CHALLENGE, terminal_values: values, answer })
    }

    #[test]
    fn a_combined_signature_gives_cryptogram_and_number_in_either_generate_ac() {
        for values in [&VALUES[..2], &VALUES] {
            let said = checked(values, &combined(0x40, values, BEFORE, BEHIND)).unwrap();
            assert_eq!(said.cryptogram, CRYPTOGRAM);
            assert_eq!(said.cryptogram_information, 0x40);
            assert_eq!(said.number.as_bytes(), [0xAA, 0xBB]);
        }
    }

    #[test]
    fn the_hash_is_over_what_the_card_sent_and_not_over_what_was_read() {
        // 9F36 with its length in two bytes, and padding between the objects.
        let before = [0x9F, 0x27, 0x01, 0x40, 0x9F, 0x36, 0x81, 0x02, 0x00, 0x07];
        let answer = combined(0x40, &VALUES, &before, BEHIND);
        assert!(checked(&VALUES, &answer).is_ok());
    }

    #[test]
    fn every_single_fault_of_a_combined_answer_has_its_own_name() {
        let answer = |before: &[u8], behind: &[u8]| combined(0x40, &VALUES, before, behind);
        let good = answer(BEFORE, BEHIND);
        let content = crate::emv::tlv::find(&good, tag::RESPONSE_FORMAT_2).unwrap().unwrap().to_vec();
        let signed_twice = template(&[&content[..], &content[BEFORE.len()..]].concat());
        let information = &BEFORE[..4];
        let changed = |from: &[u8], to: &[u8]| {
            let at = good.windows(from.len()).position(|window| window == from).unwrap();
            [&good[..at], to, &good[at + from.len()..]].concat()
        };
        for (name, answer, expected) in [
            ("nothing", vec![], OdaFailure::Answer),
            ("no template", content.clone(), OdaFailure::Answer),
            ("format 1", TlvBuilder::new().with(tag::RESPONSE_FORMAT_1, &content).build(), OdaFailure::Answer),
            ("something behind the template", [&good[..], information].concat(), OdaFailure::Answer),
            ("no TLV", template(&content[..content.len() - 1]), OdaFailure::Answer),
            ("signature twice", signed_twice, OdaFailure::Answer),
            ("9F27 twice", answer(&[information, BEFORE].concat(), BEHIND), OdaFailure::Answer),
            ("9F27 of two bytes", answer(&[0x9F, 0x27, 0x02, 0x40, 0x40], BEHIND), OdaFailure::Answer),
            ("no signature", template(&[BEFORE, BEHIND].concat()), OdaFailure::Missing(tag::SIGNED_DYNAMIC_DATA)),
            ("no 9F27", answer(&BEFORE[4..], BEHIND), OdaFailure::Missing(tag::CRYPTOGRAM_INFORMATION)),
            (
                "another cryptogram signed",
                combined(0x80, &VALUES, BEFORE, BEHIND),
                OdaFailure::CryptogramInformation { signed: 0x80, said: 0x40 },
            ),
            ("ATC changed", changed(&[0x02, 0x00, 0x07], &[0x02, 0x00, 0x08]), OdaFailure::TransactionData),
            (
                "objects in another order",
                template(&[BEHIND, &content[..content.len() - BEHIND.len()]].concat()),
                OdaFailure::TransactionData,
            ),
            ("terminal's values changed", combined(0x40, &VALUES[..2], BEFORE, BEHIND), OdaFailure::TransactionData),
        ] {
            assert_eq!(checked(&VALUES, &answer).err(), Some(expected), "{name}");
        }
        let short = sign_dynamic(&KEYS.private.card, &[2, 0xAA, 0xBB, 0x40, 1, 2, 3], &CHALLENGE).unwrap();
        let short = TlvBuilder::new().with(tag::CRYPTOGRAM_INFORMATION, &[0x40]).with(tag::SIGNED_DYNAMIC_DATA, &short);
        let short = template(&short.build());
        assert_eq!(checked(&VALUES, &short).err(), Some(OdaFailure::DynamicData { length: 7 }));
    }
}
