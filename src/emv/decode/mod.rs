//! Values of data objects taken apart into what they say: bit fields, cardholder verification, issuer data, lists,
//! tracks and the answer to reset.
//!
//! Needs: the bytes of one value. A bit without a meaning is told as such, never left out. What must not be shown (card
//! numbers, names, PIN data) leaves this module only with stars in its place: see [`mask`].

pub mod atr;
pub mod bits;
pub mod cryptogram;
pub mod cvm;
pub mod data_object_list;
pub mod file_locator;
pub mod issuer_data;
pub mod mask;
pub mod system_data;
pub mod terminal_type;
pub mod track2;

use serde::Serialize;

use self::atr::AnswerToReset;
use self::bits::BitField;
use self::cryptogram::CryptogramInformation;
use self::cvm::{CvmList, CvmResults};
use self::data_object_list::ListEntry;
use self::file_locator::FileLocator;
use self::issuer_data::IssuerData;
use self::system_data::SystemData;
use self::terminal_type::TerminalType;
use self::track2::Track2Data;
use super::tag::{self, Tag};
use super::tlv::TlvError;

/// A value, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Decoded {
    /// TVR, TSI, AIP and the other fields of single bits.
    Bits(BitField),
    /// 8E.
    CvmList(CvmList),
    /// 9F34.
    CvmResults(CvmResults),
    /// 9F27.
    Cryptogram(CryptogramInformation),
    /// 9F10.
    IssuerData(IssuerData),
    /// 9F35.
    TerminalType(TerminalType),
    /// 94.
    FileLocator(FileLocator),
    /// 9F6E.
    SystemData(SystemData),
    /// What a card sends after a reset.
    AnswerToReset(AnswerToReset),
    /// 57.
    Track2(Track2Data),
    /// PDOL, CDOL and the other lists of tags and lengths.
    DataObjectList(Vec<ListEntry>),
}

/// One thing a value says: where in it, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The place: a byte and bit, a rule, a part.
    pub place: String,
    /// What stands there.
    pub says: String,
}

/// A value that is not what it should be. Offsets count bytes from 0; the bytes themselves are never told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not a row of tags and lengths.
    #[error(transparent)]
    Tlv(#[from] TlvError),
    /// Too short or too long.
    #[error("{name} has {expected}, this has {found} bytes; see offset {offset}")]
    Length {
        /// What it should be.
        name: &'static str,
        /// Lengths it may have.
        expected: &'static str,
        /// Bytes there are.
        found: usize,
        /// Offset of the first byte that is missing or too much.
        offset: usize,
    },
    /// A byte that cannot stand where it stands.
    #[error("{name} at offset {offset}: {problem}")]
    Content {
        /// What it should be.
        name: &'static str,
        /// Offset of the byte.
        offset: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl Decoded {
    /// What it is, and its bytes as they may be shown.
    pub fn heading(&self) -> String {
        let (name, value) = match self {
            Self::Bits(field) => (field.name, &field.value),
            Self::CvmList(list) => (list.name, &list.value),
            Self::CvmResults(results) => (results.name, &results.value),
            Self::Cryptogram(information) => (information.name, &information.value),
            Self::IssuerData(data) => (data.name, &data.value),
            Self::TerminalType(terminal_type) => (terminal_type.name, &terminal_type.value),
            Self::FileLocator(locator) => (locator.name, &locator.value),
            Self::SystemData(data) => (data.name, &data.value),
            Self::AnswerToReset(answer) => (answer.name, &answer.value),
            Self::Track2(track) => (track.name, &track.value),
            Self::DataObjectList(entries) => {
                let bytes: usize = entries.iter().map(|entry| entry.length).sum();
                return format!("Data Object List asking for {bytes} bytes");
            }
        };
        format!("{name}  {value}")
    }

    /// What the value says, for people; nothing when no bit is set or a list is empty.
    pub fn lines(&self) -> Vec<Line> {
        match self {
            Self::Bits(field) => field.lines(),
            Self::CvmList(list) => list.lines(),
            Self::CvmResults(results) => results.lines(),
            Self::Cryptogram(information) => information.lines(),
            Self::IssuerData(data) => data.lines(),
            Self::TerminalType(terminal_type) => terminal_type.lines(),
            Self::FileLocator(locator) => locator.lines(),
            Self::SystemData(data) => data.lines(),
            Self::AnswerToReset(answer) => answer.lines(),
            Self::Track2(track) => track.lines(),
            Self::DataObjectList(entries) => entries.iter().map(ListEntry::line).collect(),
        }
    }
}

/// Takes the value of a tag apart, if it is one that has parts.
///
/// # Errors
/// When the value is not what the tag promises.
pub fn by_tag(tag: Tag, value: &[u8]) -> Option<Result<Decoded, DecodeError>> {
    Some(match tag {
        tag::CVM_LIST => cvm::list(value).map(Decoded::CvmList),
        tag::CVM_RESULTS => cvm::results(value).map(Decoded::CvmResults),
        tag::CRYPTOGRAM_INFORMATION => cryptogram::information(value).map(Decoded::Cryptogram),
        tag::ISSUER_APPLICATION_DATA => issuer_data::read(value).map(Decoded::IssuerData),
        tag::TERMINAL_TYPE => terminal_type::read(value).map(Decoded::TerminalType),
        tag::AFL => file_locator::read(value).map(Decoded::FileLocator),
        Tag(0x9F6E) => system_data::read(value).map(Decoded::SystemData),
        _ if data_object_list::LISTS.contains(&tag) => data_object_list::read(value).map(Decoded::DataObjectList),
        _ => bits::names(tag)?.read(value).map(Decoded::Bits),
    })
}

impl Line {
    fn new(place: impl Into<String>, says: impl Into<String>) -> Self {
        Self { place: place.into(), says: says.into() }
    }
}

/// The value as an array, when it has exactly `N` bytes.
fn sized<const N: usize>(name: &'static str, expected: &'static str, value: &[u8]) -> Result<[u8; N], DecodeError> {
    let found = value.len();
    value.try_into().map_err(|_| DecodeError::Length { name, expected, found, offset: found.min(N) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emv::dictionary;
    use proptest::prelude::*;

    /// Lines as they would be read aloud, for tests.
    pub fn told(lines: &[Line]) -> Vec<String> {
        lines.iter().map(|line| format!("{}: {}", line.place, line.says)).collect()
    }

    proptest! {
        #[test]
        fn any_value_of_any_tag_is_decoded_or_refused(value in proptest::collection::vec(any::<u8>(), 0..64)) {
            for object in dictionary::OBJECTS {
                if let Some(Ok(decoded)) = by_tag(object.tag, &value) {
                    let _ = decoded.lines();
                    prop_assert!(serde_json::to_value(&decoded).is_ok());
                }
            }
            for begin in [&[][..], &[0x3B], &[0x3F, 0xF0]] {
                let _ = atr::read(&[begin, &value].concat()).map(|answer| answer.lines());
            }
            let _ = track2::read(&value).map(|track| track.lines());
        }
    }
}
