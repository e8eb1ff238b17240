//! Values as they may be shown: hexadecimal with stars for what belongs to the cardholder alone.
//!
//! A card number keeps its first six and last four digits (PCI DSS 4.0, 3.4.1), a track its expiry and service code as
//! well; names, PIN data, discretionary data and identification numbers are stars throughout. The length is always
//! kept.

use crate::crypto::hex;
use crate::emv::tag::{self, Tag};
use crate::emv::tlv::Node;

/// Digits of a card number: fewer could not be cut to ten and still hide something.
const PAN_DIGITS: std::ops::RangeInclusive<usize> = 12..=19;
/// Expiry and service code behind the separator of a track.
const EXPIRY_AND_SERVICE: usize = 7;

/// True when a value of this tag is shown with stars.
pub fn is_secret(tag: Tag) -> bool {
    is_track_2(tag)
        || matches!(
            tag,
            // Number, name, extended name.
            tag::PAN | tag::CARDHOLDER_NAME | Tag(0x9F0B)
            // Track 1, PIN data, discretionary data of tracks 1 and 2.
            | Tag(0x56 | 0x99 | 0x9F1F | 0x9F20)
            // Account number, identification number of the cardholder.
            | Tag(0x5F53 | 0x9F61)
        )
}

/// A value in hexadecimal, with stars where it is secret.
pub fn value(tag: Tag, value: &[u8]) -> String {
    let digits = hex::encode(value);
    match tag {
        tag::PAN => card_number(&digits),
        _ if is_track_2(tag) => track_2(&digits),
        _ if is_secret(tag) => stars(&digits),
        _ => digits,
    }
}

/// The value of an object of a tree; in a template only the secrets within become stars.
pub fn node(node: &Node<'_>) -> String {
    if node.children.is_empty() {
        return value(node.tag, node.value);
    }
    let mut text = hex::encode(node.value);
    for child in &node.children {
        let start = 2 * (child.value_offset - node.value_offset);
        text.replace_range(start..start + 2 * child.value.len(), &self::node(child));
    }
    text
}

/// 57, and 6B where it is Mastercard's track 2 data.
const fn is_track_2(tag: Tag) -> bool {
    matches!(tag.0, 0x57 | 0x9F6B)
}

/// Digits padded with F: `622848******1236F`.
pub fn card_number(digits: &str) -> String {
    let number = digits.trim_end_matches('F');
    if !PAN_DIGITS.contains(&number.len()) || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return stars(digits);
    }
    let hidden = number.len() - 10;
    format!("{}{}{}", &digits[..6], "*".repeat(hidden), &digits[6 + hidden..])
}

/// A number, `D`, expiry and service code, the rest hidden: `622848******1236D2912201*****F`.
pub fn track_2(digits: &str) -> String {
    let Some((number, rest)) = digits.split_once('D') else { return stars(digits) };
    let padding = rest.len() - rest.trim_end_matches('F').len();
    let data = rest.len() - padding;
    if padding > 1 || !rest[..data].bytes().all(|digit| digit.is_ascii_digit()) {
        return stars(digits);
    }
    let shown = data.min(EXPIRY_AND_SERVICE);
    format!("{}D{}{}{}", card_number(number), &rest[..shown], "*".repeat(data - shown), &rest[data..])
}

fn stars(digits: &str) -> String {
    "*".repeat(digits.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emv::tlv::{TlvBuilder, tree};
    use proptest::prelude::*;

    /// Data objects of all kinds, some of them in templates in templates.
    fn objects() -> impl Strategy<Value = Vec<u8>> {
        const TAGS: [Tag; 5] = [tag::PAN, tag::TRACK_2, tag::CARDHOLDER_NAME, tag::AID, Tag(0x9F_8101)];
        let value = proptest::collection::vec(any::<u8>(), 0..200);
        let leaf = (proptest::sample::select(&TAGS[..]), value)
            .prop_map(|(tag, value)| TlvBuilder::new().with(tag, &value).build());
        leaf.prop_recursive(5, 20, 4, |inside| {
            let template = proptest::sample::select(&[tag::RECORD_TEMPLATE, tag::ISSUER_DISCRETIONARY][..]);
            (template, proptest::collection::vec(inside, 0..4))
                .prop_map(|(tag, objects)| TlvBuilder::new().with(tag, &objects.concat()).build())
        })
    }

    fn shown(tag: Tag, text: &str) -> String {
        value(tag, &hex::decode(text).unwrap())
    }

    #[test]
    fn secrets_become_stars_of_the_same_length() {
        let cases = [
            (tag::PAN, "6228480012341236", "622848******1236"),
            (tag::PAN, "6228480012345678901F", "622848*********8901F"),
            (tag::PAN, "62284800123F", "************"),
            (tag::PAN, "6228D80012341236", "****************"),
            (tag::TRACK_2, "6228480012341236D29122011234567F", "622848******1236D2912201*******F"),
            (tag::TRACK_2, "6228480012341236D2912F", "622848******1236D2912F"),
            (tag::TRACK_2, "6228480012341236", "****************"),
            (tag::TRACK_2, "6228480012341236DFFFFF", "**********************"),
            (Tag(0x9F6B), "6228480012341236D2912201", "622848******1236D2912201"),
            (Tag(0x9F6B), "000000010000", "************"),
            (tag::CARDHOLDER_NAME, "4C49204D4549", "************"),
            (Tag(0x99), "041234FFFFFFFFFF", "****************"),
            (Tag(0x56), "42", "**"),
            (Tag(0x9F20), "1234", "****"),
            (tag::AID, "A000000333", "A000000333"),
        ];
        for (tag, text, expected) in cases {
            assert_eq!(shown(tag, text), expected, "{tag}");
        }
    }

    #[test]
    fn a_template_hides_what_is_in_it() {
        let bytes = hex::decode("70 16 5A 08 6228480012341236 00 77 07 5F20 02 4C49 95 00 9B 00").unwrap();
        let nodes = tree(&bytes).unwrap();
        assert_eq!(node(&nodes[0]), "5A08622848******12360077075F2002****95009B00");
    }

    proptest! {
        #[test]
        fn an_object_is_shown_as_long_as_it_is(bytes in objects()) {
            for object in tree(&bytes).unwrap() {
                let shown = node(&object);
                prop_assert_eq!(shown.len(), 2 * object.value.len());
                let open = hex::encode(object.value);
                prop_assert!(shown.bytes().zip(open.bytes()).all(|(shown, open)| shown == open || shown == b'*'));
            }
        }

        #[test]
        fn a_value_keeps_its_length(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            for tag in [tag::PAN, tag::TRACK_2, tag::CARDHOLDER_NAME, tag::AID] {
                prop_assert_eq!(value(tag, &bytes).len(), 2 * bytes.len());
            }
        }

        #[test]
        fn no_card_number_gets_through(number in "[0-9]{12,19}", expiry in "[0-9]{7}", rest in "[0-9]{0,8}") {
            let mut text = format!("{number}D{expiry}{rest}");
            if !text.len().is_multiple_of(2) {
                text.push('F');
            }
            let masked = shown(tag::TRACK_2, &text);
            let hidden = &number[6..number.len() - 4];
            let stars = "*".repeat(hidden.len());
            prop_assert_eq!(&masked[6..6 + hidden.len()], stars);
            prop_assert_eq!(masked.matches('*').count(), hidden.len() + rest.len());
        }
    }
}
