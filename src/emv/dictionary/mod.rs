//! The data objects of EMV: what a tag is called, who gives it, how its value is written and where it stands
//! (EMV 4.4 Book 3, annex A; EMV Contactless Books A to C for what contactless adds; PBOC 3.0 for what UnionPay adds).
//!
//! One entry a tag. Payment systems are free in 9F50 to 9F7F: a name with two halves gives the meaning for UnionPay and
//! Visa first, that for Mastercard second. Inside the biometric templates A1 and BF4E the tags 81, 82 and 90 mean other
//! things than here; this terminal has no biometrics.

mod objects;

use std::ops::RangeInclusive;

use serde::Serialize;

use super::tag::Tag;
pub use objects::OBJECTS;

/// What is known of a data object.
#[derive(Debug)]
pub struct DataObject {
    /// Its tag.
    pub tag: Tag,
    /// Its name in the Books.
    pub name: &'static str,
    /// Who gives it.
    pub source: Source,
    /// How its value is written.
    pub format: Format,
    /// Bytes its value may have.
    pub lengths: RangeInclusive<usize>,
    /// Templates it stands in; none when it stands alone or the Books name none.
    pub templates: &'static [Tag],
}

/// Who gives a data object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The card (the Books write ICC).
    Card,
    /// The terminal.
    Terminal,
    /// The issuer, through the host. 8A also comes from the terminal when there is no answer.
    Issuer,
}

/// How a value is written (EMV 4.4 Book 3, 4.3). It decides how a data object list cuts and fills it (5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `n`: two digits a byte, right-justified, filled with zeros on the left.
    Numeric,
    /// `cn`: two digits a byte, left-justified, filled with F on the right.
    CompressedNumeric,
    /// `a`: letters.
    Alphabetic,
    /// `an`: letters and digits.
    Alphanumeric,
    /// `ans`: any printable character.
    AlphanumericSpecial,
    /// `b`: bits or a binary number.
    Binary,
    /// `var`: made of other data objects, or left open by the Books.
    Variable,
}

impl Format {
    /// The Books' short form.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Numeric => "n",
            Self::CompressedNumeric => "cn",
            Self::Alphabetic => "a",
            Self::Alphanumeric => "an",
            Self::AlphanumericSpecial => "ans",
            Self::Binary => "b",
            Self::Variable => "var",
        }
    }

    /// True when a value is readable text.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Alphabetic | Self::Alphanumeric | Self::AlphanumericSpecial)
    }
}

/// The entry of a tag, if the dictionary has one.
pub fn find(tag: Tag) -> Option<&'static DataObject> {
    let index = OBJECTS.binary_search_by_key(&tag, |object| object.tag).ok()?;
    OBJECTS.get(index)
}

/// The name of a tag, if the dictionary has one.
pub fn name(tag: Tag) -> Option<&'static str> {
    find(tag).map(|object| object.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emv::tag;

    #[test]
    fn no_tag_comes_twice_and_search_can_halve() {
        for pair in OBJECTS.windows(2) {
            assert!(pair[0].tag < pair[1].tag, "{} does not come before {}", pair[0].tag, pair[1].tag);
        }
    }

    #[test]
    fn every_tag_is_one_that_can_be_read() {
        for object in OBJECTS {
            let bytes: Vec<u8> = object.tag.bytes().collect();
            assert_eq!(Tag::read(&bytes), Some((object.tag, bytes.len())), "{}", object.tag);
        }
    }

    #[test]
    fn lengths_and_names_are_sane() {
        for DataObject { tag, name, lengths, .. } in OBJECTS {
            assert!(lengths.start() <= lengths.end() && *lengths.end() <= 261, "{tag}: {lengths:?}");
            assert!(name.len() > 2 && name.is_ascii() && name.trim() == *name, "{tag}: {name:?}");
        }
    }

    #[test]
    fn a_template_is_a_template_and_is_known() {
        for object in OBJECTS {
            for template in object.templates {
                // 80 and 9F31 hold data objects though their tags do not say so.
                assert!(template.is_constructed() || [0x80, 0x9F31].contains(&template.0), "{}", object.tag);
                assert!(find(*template).is_some(), "{} stands in {template}, which is unknown", object.tag);
            }
            if object.tag.is_constructed() {
                assert!(matches!(object.format, Format::Variable | Format::Binary), "{}", object.tag);
            }
        }
    }

    #[test]
    fn what_names_the_cardholder_or_the_card_is_masked() {
        use crate::emv::decode::mask::is_secret;
        for object in OBJECTS {
            // CVC3 and its helpers count and check; the sequence number and the PAN's end are printed on receipts.
            let harmless = ["CVC3", "NATC", "Sequence Number", "Last 4", "Try Counter", "Encipherment", "Type"];
            let personal = ["Track", "PAN", "Cardholder Name", "Cardholder ID", "(PIN)", "IBAN"];
            let says = |words: &[&str]| words.iter().any(|word| object.name.contains(word));
            if says(&personal) && (object.tag == Tag(0x9F61) || !says(&harmless)) {
                assert!(is_secret(object.tag), "{} {}", object.tag, object.name);
            }
        }
    }

    #[test]
    fn every_tag_with_a_constant_is_known() {
        for tag in tag::ALL {
            assert!(find(*tag).is_some(), "{tag} has a constant, but no entry");
        }
    }

    #[test]
    fn entries_say_what_the_books_say() {
        use Format::{Alphanumeric, Binary, CompressedNumeric, Numeric};
        use Source::{Card, Issuer, Terminal};
        let cases = [
            (tag::PAN, "Application Primary Account Number (PAN)", Card, CompressedNumeric, 1..=10),
            (tag::TVR, "Terminal Verification Results (TVR)", Terminal, Binary, 5..=5),
            (tag::AMOUNT_AUTHORISED, "Amount, Authorised (Numeric)", Terminal, Numeric, 6..=6),
            (tag::AUTHORISATION_RESPONSE_CODE, "Authorisation Response Code", Issuer, Alphanumeric, 2..=2),
            (Tag(0x9F66), "Terminal Transaction Qualifiers (TTQ)", Terminal, Binary, 4..=4),
        ];
        for (tag, name, source, format, lengths) in cases {
            let object = find(tag).unwrap();
            assert_eq!((object.name, object.source, object.format), (name, source, format));
            assert_eq!(object.lengths, lengths, "{tag}");
        }
        assert_eq!(find(tag::PAN).unwrap().templates, [tag::RECORD_TEMPLATE, tag::RESPONSE_FORMAT_2]);
        assert_eq!(find(tag::PAN).unwrap().format.code(), "cn");
        assert!(find(Tag(0xDF_8101)).is_none());
    }
}
