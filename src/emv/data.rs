//! The data objects of one transaction: what the card said, and what terminal and issuer said. Wiped when dropped, never
//! shown.
//!
//! The two are kept apart: a card cannot put its own value in the place of the terminal's or the issuer's, and it is no
//! duplicate when it tries (EMV 4.4 Book 3, 7.5 speaks of what the card gives twice).

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use super::dictionary::{self, Source};
use super::tag::{self, Tag};
use super::tlv::{self, TlvBuilder, TlvError};

/// Data objects by tag, from both sides.
#[derive(Clone, Default)]
pub struct DataObjects {
    /// Of the terminal, and of the issuer through the host.
    terminal: Objects,
    card: Objects,
}

type Objects = BTreeMap<Tag, Zeroizing<Vec<u8>>>;

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
    /// Puts a value of the terminal or the issuer; an earlier one is replaced.
    pub fn put(&mut self, tag: Tag, value: impl Into<Vec<u8>>) {
        self.terminal.insert(tag, Zeroizing::new(value.into()));
    }

    /// Puts a value of the card outside of its records; an earlier one is replaced. An empty value is none.
    pub fn put_from_card(&mut self, tag: Tag, value: &[u8]) {
        if value.is_empty() {
            self.card.remove(&tag);
        } else {
            self.card.insert(tag, Zeroizing::new(value.to_vec()));
        }
    }

    /// Forgets a value of the terminal or the issuer.
    pub fn remove(&mut self, tag: Tag) {
        self.terminal.remove(&tag);
    }

    /// Forgets all that the card said.
    pub fn forget_card(&mut self) {
        self.card.clear();
    }

    /// Takes in what a template of the card holds: every primitive object of the card, once only. What only terminal or
    /// issuer may say is passed over, and so is what has no value (Book 3, 7.5).
    ///
    /// # Errors
    /// When the bytes are not BER-TLV or an object comes for the second time.
    pub fn read_from_card(&mut self, template: &[u8]) -> Result<(), CardDataError> {
        for object in tlv::walk(template) {
            let object = object?;
            if object.tag.is_constructed() || object.value.is_empty() || is_not_the_cards(object.tag) {
                continue;
            }
            if self.card.contains_key(&object.tag) {
                return Err(CardDataError::Twice(object.tag));
            }
            self.put_from_card(object.tag, object.value);
        }
        Ok(())
    }

    /// A value, if there is one: the terminal's or the issuer's before the card's.
    pub fn get(&self, tag: Tag) -> Option<&[u8]> {
        self.terminal.get(&tag).or_else(|| self.card.get(&tag)).map(|value| value.as_slice())
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
    pub fn collect(&self, tags: &[Tag]) -> Zeroizing<Vec<u8>> {
        let mut builder = TlvBuilder::new();
        for tag in tags {
            if let Some(value) = self.get(*tag) {
                builder.push(*tag, value);
            }
        }
        Zeroizing::new(builder.build())
    }

    /// Every tag that has a value.
    pub fn tags(&self) -> impl Iterator<Item = Tag> {
        let mut tags: Vec<Tag> = self.terminal.keys().chain(self.card.keys()).copied().collect();
        tags.sort_unstable();
        tags.dedup();
        tags.into_iter()
    }
}

/// Names the tags, never the values.
impl fmt::Debug for DataObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.tags()).finish()
    }
}

/// Digits, two a byte, as a number: an amount in minor units.
pub fn decimal(bcd: &[u8]) -> u64 {
    bcd.iter().fold(0, |sum, byte| sum * 100 + u64::from(byte >> 4) * 10 + u64::from(byte & 0x0F))
}

/// The one template an answer consists of.
///
/// # Errors
/// When there is none, or something stands beside it.
pub fn only_template(answer: &[u8]) -> Result<tlv::Tlv<'_>, CardDataError> {
    let mut objects = tlv::walk(answer);
    let template = objects.next().ok_or(CardDataError::Missing(tag::RESPONSE_FORMAT_2))??;
    match objects.next() {
        None => Ok(template),
        Some(extra) => Err(CardDataError::Wrong(extra?.tag)),
    }
}

/// What only terminal or issuer may say (Book 3, annex A1, column "source").
fn is_not_the_cards(tag: Tag) -> bool {
    dictionary::find(tag).is_some_and(|object| object.source != Source::Card)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_may_not_say_a_thing_twice() {
        let mut data = DataObjects::default();
        data.read_from_card(&[0x5A, 0x01, 0x62]).unwrap();
        assert_eq!(data.read_from_card(&[0x5A, 0x01, 0x62]), Err(CardDataError::Twice(tag::PAN)));
        assert_eq!(format!("{data:?}"), "{5A}");
    }

    #[test]
    fn the_card_cannot_speak_for_terminal_or_issuer() {
        let mut data = DataObjects::default();
        data.put(tag::TERMINAL_CAPABILITIES, [0x20, 0x28, 0x00]);
        data.read_from_card(&[0x9F, 0x33, 0x03, 0xFF, 0xFF, 0xFF, 0x8A, 0x02, 0x30, 0x30, 0x5A, 0x00]).unwrap();
        assert_eq!(data.get(tag::TERMINAL_CAPABILITIES), Some(&[0x20, 0x28, 0x00][..]));
        assert_eq!(data.get(tag::AUTHORISATION_RESPONSE_CODE), None);
        assert_eq!(data.get(tag::PAN), None, "an empty value is none");
        data.read_from_card(&[0x5A, 0x01, 0x62]).unwrap();
        data.forget_card();
        assert_eq!(format!("{data:?}"), "{9F33}");
    }
}
