//! Lists of tags and lengths: what the card wants to be told (EMV 4.4 Book 3, 5.4).

use serde::Serialize;

use super::{DecodeError, Line};
use crate::emv::dictionary;
use crate::emv::tag::{self, Tag};
use crate::emv::tlv::TlvError;

/// The tags whose value is such a list: PDOL, CDOL1, CDOL2, DDOL, TDOL, SDOL and log format.
pub const LISTS: [Tag; 7] = [tag::PDOL, tag::CDOL1, tag::CDOL2, tag::DDOL, Tag(0x97), Tag(0x9F3F), Tag(0x9F4F)];

/// One data object that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ListEntry {
    /// Its tag.
    pub tag: Tag,
    /// Its name, if the dictionary has one.
    pub name: Option<&'static str>,
    /// Bytes that are asked for.
    pub length: usize,
}

/// Takes a list apart.
///
/// # Errors
/// When it is not a row of tags and lengths.
pub fn read(list: &[u8]) -> Result<Vec<ListEntry>, DecodeError> {
    let mut entries = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let offset = list.len() - rest.len();
        let (tag, tag_length) = Tag::read(rest).ok_or(TlvError::Tag { offset })?;
        let length = *rest.get(tag_length).ok_or(TlvError::Length { tag, offset: offset + tag_length })?;
        entries.push(ListEntry { tag, name: dictionary::name(tag), length: usize::from(length) });
        rest = rest.get(tag_length + 1..).unwrap_or_default();
    }
    Ok(entries)
}

impl ListEntry {
    /// `9F02` and `6  Amount, Authorised (Numeric)`.
    pub fn line(&self) -> Line {
        let name = self.name.unwrap_or("unknown tag");
        Line::new(self.tag.to_string(), format!("{:>3}  {name}", self.length))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    #[test]
    fn a_list_is_told_entry_by_entry() {
        let list = [0x9F, 0x02, 0x06, 0x95, 0x05, 0x9F, 0x81, 0x01, 0x02];
        let lines: Vec<_> = read(&list).unwrap().iter().map(ListEntry::line).collect();
        assert_eq!(
            told(&lines),
            [
                "9F02:   6  Amount, Authorised (Numeric)",
                "95:   5  Terminal Verification Results (TVR)",
                "9F8101:   2  unknown tag",
            ]
        );
        assert!(read(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_cut_off_list_is_refused_with_the_offset() {
        assert_eq!(read(&[0x95, 0x05, 0x9F]), Err(DecodeError::Tlv(TlvError::Tag { offset: 2 })));
        assert_eq!(
            read(&[0x95, 0x05, 0x9F, 0x02]),
            Err(DecodeError::Tlv(TlvError::Length { tag: tag::AMOUNT_AUTHORISED, offset: 4 }))
        );
    }
}
