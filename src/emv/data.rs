//! The data objects of one transaction: what card and terminal said. Wiped when dropped, never shown.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use super::tag::{self, Tag};
use super::tlv::{self, TlvBuilder, TlvError};

/// Data objects by tag.
#[derive(Clone, Default)]
pub struct DataObjects {
    objects: BTreeMap<Tag, Zeroizing<Vec<u8>>>,
}

/// Two values for one data object, or bytes that are not data objects (EMV 4.4 Book 3, 7.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardDataError {
    /// Not BER-TLV.
    #[error(transparent)]
    Tlv(#[from] TlvError),
    /// The card gave a data object twice.
    #[error("the card gives {0} twice")]
    Twice(Tag),
    /// A data object that must be there is not.
    #[error("the card does not give {0}")]
    Missing(Tag),
    /// A data object has a length or content that cannot be.
    #[error("the card's {0} cannot be read")]
    Wrong(Tag),
}

impl DataObjects {
    /// Puts a value the terminal decides; an earlier one is replaced.
    pub fn put(&mut self, tag: Tag, value: impl Into<Vec<u8>>) {
        self.objects.insert(tag, Zeroizing::new(value.into()));
    }

    /// Forgets a value.
    pub fn remove(&mut self, tag: Tag) {
        self.objects.remove(&tag);
    }

    /// Takes in what a template of the card holds: every primitive object, once only.
    ///
    /// # Errors
    /// When the bytes are not BER-TLV or an object comes for the second time.
    pub fn read_from_card(&mut self, template: &[u8]) -> Result<(), CardDataError> {
        for object in tlv::walk(template) {
            let object = object?;
            if object.tag.is_constructed() {
                continue;
            }
            if self.objects.contains_key(&object.tag) {
                return Err(CardDataError::Twice(object.tag));
            }
            self.put(object.tag, object.value);
        }
        Ok(())
    }

    /// A value, if there is one.
    pub fn get(&self, tag: Tag) -> Option<&[u8]> {
        self.objects.get(&tag).map(|value| value.as_slice())
    }

    /// A value that must be there.
    ///
    /// # Errors
    /// [`CardDataError::Missing`].
    pub fn require(&self, tag: Tag) -> Result<&[u8], CardDataError> {
        self.get(tag).ok_or(CardDataError::Missing(tag))
    }

    /// A value of exactly `N` bytes, if it is there.
    ///
    /// # Errors
    /// [`CardDataError::Wrong`] when it is there and has another length.
    pub fn sized<const N: usize>(&self, tag: Tag) -> Result<Option<[u8; N]>, CardDataError> {
        self.get(tag).map(|value| value.try_into().map_err(|_| CardDataError::Wrong(tag))).transpose()
    }

    /// The objects of `tags` that are there, one behind the other as TLV: field 55.
    pub fn collect(&self, tags: &[Tag]) -> Vec<u8> {
        let mut builder = TlvBuilder::new();
        for tag in tags {
            if let Some(value) = self.get(*tag) {
                builder.push(*tag, value);
            }
        }
        builder.build()
    }
}

/// Names the tags, never the values.
impl fmt::Debug for DataObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.objects.keys()).finish()
    }
}

/// How a value is brought to the length a list asks for (EMV 4.4 Book 3, 5.4).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Numeric,
    CompressedNumeric,
    Other,
}

/// The values a data object list asks for, one behind the other, each exactly as long as asked (Book 3, 5.4).
///
/// Unknown objects become zeros; numeric ones keep their right end, compressed numeric ones are filled with F, others
/// keep their left end.
///
/// # Errors
/// When the list itself is not a row of tags and lengths.
pub fn fill(list: &[u8], data: &DataObjects) -> Result<Vec<u8>, CardDataError> {
    let mut filled = Vec::new();
    let mut at = 0;
    while at < list.len() {
        let (tag, tag_length) = Tag::read(&list[at..]).ok_or(TlvError::Tag { offset: at })?;
        at += tag_length;
        let length = usize::from(*list.get(at).ok_or(TlvError::Length { tag, offset: at })?);
        at += 1;
        let value = data.get(tag).filter(|_| !tag.is_constructed()).unwrap_or(&[]);
        filled.extend(brought_to_length(value, length, format_of(tag, value)));
    }
    Ok(filled)
}

fn brought_to_length(value: &[u8], length: usize, format: Format) -> Vec<u8> {
    let missing = length.saturating_sub(value.len());
    let surplus = value.len().saturating_sub(length);
    match format {
        Format::Numeric => {
            let mut out = vec![0; missing];
            out.extend(&value[surplus..]);
            out
        }
        Format::CompressedNumeric | Format::Other => {
            let filler = if format == Format::CompressedNumeric { 0xFF } else { 0x00 };
            let mut out = value[..value.len() - surplus].to_vec();
            out.resize(length, filler);
            out
        }
    }
}

/// Format of the objects whose format matters when a list cuts or fills them (Book 3, annex A1). An absent object is all
/// zeros whatever its format.
fn format_of(tag: Tag, value: &[u8]) -> Format {
    match tag {
        _ if value.is_empty() => Format::Other,
        tag::AMOUNT_AUTHORISED
        | tag::AMOUNT_OTHER
        | tag::TERMINAL_COUNTRY
        | tag::TRANSACTION_CURRENCY
        | tag::TRANSACTION_CURRENCY_EXPONENT
        | tag::TRANSACTION_DATE
        | tag::TRANSACTION_TIME
        | tag::TRANSACTION_TYPE
        | tag::TERMINAL_TYPE
        | tag::TRANSACTION_SEQUENCE_COUNTER
        | tag::ISSUER_COUNTRY
        | tag::APPLICATION_CURRENCY
        | tag::EXPIRATION_DATE
        | tag::EFFECTIVE_DATE
        | tag::PAN_SEQUENCE_NUMBER => Format::Numeric,
        tag::PAN => Format::CompressedNumeric,
        _ => Format::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some() -> DataObjects {
        let mut data = DataObjects::default();
        data.put(tag::AMOUNT_AUTHORISED, [0x00, 0x00, 0x00, 0x00, 0x12, 0x34]);
        data.put(tag::PAN, [0x62, 0x28]);
        data.put(tag::UNPREDICTABLE_NUMBER, [1, 2, 3, 4]);
        data
    }

    #[test]
    fn a_list_is_filled_by_format() {
        // Numeric keeps its right end and is filled on the left; 5A is filled with F; others keep their left end.
        let list =
            [0x9F, 0x02, 0x02, 0x9F, 0x02, 0x08, 0x5A, 0x04, 0x9F, 0x37, 0x02, 0x9F, 0x37, 0x05, 0x9F, 0x15, 0x02];
        assert_eq!(
            fill(&list, &some()).unwrap(),
            [0x12, 0x34, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x62, 0x28, 0xFF, 0xFF, 1, 2, 1, 2, 3, 4, 0, 0, 0]
        );
        let nothing = DataObjects::default();
        assert_eq!(fill(&[0x5A, 0x02], &nothing).unwrap(), [0, 0], "an unknown object is zeros, not F");
    }

    #[test]
    fn a_cut_off_list_is_refused() {
        assert!(fill(&[0x9F], &some()).is_err());
        assert!(fill(&[0x9F, 0x02], &some()).is_err());
        assert!(fill(&[], &some()).unwrap().is_empty());
    }

    #[test]
    fn the_card_may_not_say_a_thing_twice() {
        let mut data = DataObjects::default();
        data.read_from_card(&[0x5A, 0x01, 0x62]).unwrap();
        assert_eq!(data.read_from_card(&[0x5A, 0x01, 0x62]), Err(CardDataError::Twice(tag::PAN)));
        assert_eq!(format!("{data:?}"), "{5A}");
    }

    proptest! {
        #[test]
        fn any_list_is_filled_or_refused(list in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = fill(&list, &some());
        }
    }
}
