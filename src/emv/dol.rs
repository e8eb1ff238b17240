//! Data object lists: which values a command carries, one behind the other without tags (EMV 4.4 Book 3, 5.4).
//!
//! A list is parsed when it is read from the card, so that a bad one ends the transaction before anybody is asked for
//! money; it is filled when its command is made.

use std::fmt;

use zeroize::Zeroizing;

use super::data::{CardDataError, DataObjects};
use super::dictionary::{self, Format};
use super::tag::{self, Tag};
use super::tlv::TlvError;

/// Bytes that the values may have together: what one command of short length can carry. PDOL values share it with
/// template 83 and its length.
const LONGEST: usize = 255;
const LONGEST_PDOL: usize = LONGEST - 3;

/// Tags with the length asked for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataObjectList {
    entries: Vec<(Tag, usize)>,
}

/// The values of a filled list. They may hold the card's number and track: masked, wiped when dropped.
#[derive(Clone, Default)]
pub struct Values(Zeroizing<Vec<u8>>);

impl std::ops::Deref for Values {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Values({} bytes, masked)", self.0.len())
    }
}

/// Its tags with the lengths in brackets: `9F37(4)`.
impl fmt::Display for DataObjectList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (tag, length)) in self.entries.iter().enumerate() {
            let gap = if position == 0 { "" } else { " " };
            write!(f, "{gap}{tag}({length})")?;
        }
        Ok(())
    }
}

impl DataObjectList {
    /// Reads a list; `name` is the tag it stands under.
    ///
    /// # Errors
    /// When it is not a row of tags and lengths, or asks for more than a command can carry.
    pub fn parse(name: Tag, bytes: &[u8]) -> Result<Self, CardDataError> {
        let mut entries = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let (tag, tag_length) = Tag::read(&bytes[at..]).ok_or(TlvError::Tag { offset: at })?;
            at += tag_length;
            let length = usize::from(*bytes.get(at).ok_or(TlvError::Length { tag, offset: at })?);
            at += 1;
            entries.push((tag, length));
        }
        let list = Self { entries };
        let fits = match name {
            tag::PDOL => list.length() <= LONGEST_PDOL,
            // Its values are hashed and never sent.
            tag::TDOL => true,
            _ => list.length() <= LONGEST,
        };
        if fits { Ok(list) } else { Err(CardDataError::Wrong(name)) }
    }

    /// Whether the list asks for a tag.
    pub fn asks_for(&self, tag: Tag) -> bool {
        self.entries.iter().any(|(entry, _)| *entry == tag)
    }

    /// The values, each exactly as long as asked. Unknown objects become zeros; numeric ones keep their right end,
    /// compressed numeric ones are filled with F, others keep their left end.
    pub fn fill(&self, data: &DataObjects) -> Values {
        let mut filled = Zeroizing::new(Vec::with_capacity(self.length()));
        for (tag, length) in &self.entries {
            let value = data.get(*tag).filter(|_| !tag.is_constructed()).unwrap_or(&[]);
            let format = dictionary::find(*tag).map_or(Format::Binary, |object| object.format);
            append(&mut filled, value, *length, format);
        }
        Values(filled)
    }

    fn length(&self) -> usize {
        self.entries.iter().map(|(_, length)| length).sum()
    }
}

/// Brings a value to the length asked for. An absent object is all zeros whatever its format.
fn append(filled: &mut Vec<u8>, value: &[u8], length: usize, format: Format) {
    let missing = length.saturating_sub(value.len());
    let surplus = value.len().saturating_sub(length);
    if format == Format::Numeric {
        filled.extend(std::iter::repeat_n(0x00, missing));
        filled.extend(&value[surplus..]);
    } else {
        let filler = if format == Format::CompressedNumeric && !value.is_empty() { 0xFF } else { 0x00 };
        filled.extend(&value[..value.len() - surplus]);
        filled.extend(std::iter::repeat_n(filler, missing));
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

    fn filled(list: &[u8], data: &DataObjects) -> Vec<u8> {
        DataObjectList::parse(tag::CDOL1, list).unwrap().fill(data).to_vec()
    }

    #[test]
    fn a_list_is_filled_by_format() {
        // Numeric keeps its right end and is filled on the left; 5A is filled with F; others keep their left end.
        let list =
            [0x9F, 0x02, 0x02, 0x9F, 0x02, 0x08, 0x5A, 0x04, 0x9F, 0x37, 0x02, 0x9F, 0x37, 0x05, 0x9F, 0x15, 0x02];
        assert_eq!(
            filled(&list, &some()),
            [0x12, 0x34, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x62, 0x28, 0xFF, 0xFF, 1, 2, 1, 2, 3, 4, 0, 0, 0]
        );
        assert_eq!(filled(&[0x5A, 0x02], &DataObjects::default()), [0, 0], "an unknown object is zeros, not F");
    }

    #[test]
    fn a_cut_off_list_is_refused() {
        for list in [&[0x9F][..], &[0x9F, 0x02], &[0x9A, 0x03, 0x9F, 0x37]] {
            assert!(DataObjectList::parse(tag::CDOL1, list).is_err(), "{list:02X?}");
        }
        assert_eq!(DataObjectList::parse(tag::CDOL1, &[]), Ok(DataObjectList::default()));
    }

    #[test]
    fn a_list_that_asks_for_more_than_a_command_carries_is_refused() {
        let of = |name, length| DataObjectList::parse(name, &[0x9A, 0x01, 0x9C, length]).err();
        assert_eq!(of(tag::CDOL1, 254), None);
        assert_eq!(of(tag::CDOL1, 255), Some(CardDataError::Wrong(tag::CDOL1)));
        assert_eq!(of(tag::PDOL, 251), None);
        assert_eq!(of(tag::PDOL, 252), Some(CardDataError::Wrong(tag::PDOL)));
        assert_eq!(of(tag::TDOL, 255), None, "a TDOL is not sent");
    }

    proptest! {
        #[test]
        fn any_list_is_filled_as_asked_or_refused(list in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(list) = DataObjectList::parse(tag::CDOL1, &list) {
                prop_assert_eq!(list.fill(&some()).len(), list.length());
            }
        }
    }
}
