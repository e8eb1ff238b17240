//! A layout: how one family of hosts writes a message. Frame, message type, bitmaps, and each field composed of content,
//! encoding, length and padding. What a host means by what stands in the fields is not known here.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::encoding::NumberEncoding;
use super::framing::Framing;

/// Fields that bitmaps can name. Field 1 is the second bitmap.
pub const FIELDS: std::ops::RangeInclusive<u8> = 2..=128;

/// The last field that the first bitmap names.
pub(super) const FIRST_BITMAP: u8 = 64;

/// The longest frame: a u16 can count it.
pub const MAX_FRAME: usize = u16::MAX as usize;

/// How one family of hosts writes its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// What it is called.
    pub name: String,
    /// What stands around a message.
    pub framing: Framing,
    /// Transport address that stands in a frame unless settings say otherwise; empty when there is none.
    pub tpdu: Vec<u8>,
    /// Header that stands in a request; empty when there is none.
    pub header: Vec<u8>,
    /// How the message type identifier is written.
    pub mti: NumberEncoding,
    /// How bitmaps are written.
    pub bitmap: BitmapEncoding,
    /// By number; the first two are never there.
    pub(super) fields: Vec<Option<FieldFormat>>,
}

impl Layout {
    /// How a field is written, if there is one of this number.
    pub fn field(&self, number: u8) -> Option<&FieldFormat> {
        self.fields.get(usize::from(number))?.as_ref()
    }

    /// All fields in the order in which they stand in a message.
    pub fn fields(&self) -> impl Iterator<Item = (u8, &FieldFormat)> {
        (0..=*FIELDS.end()).zip(&self.fields).filter_map(|(number, format)| Some((number, format.as_ref()?)))
    }

    /// Whether a second bitmap can stand in a message: when there are fields for it to name.
    pub(super) const fn has_second_bitmap(&self) -> bool {
        self.fields.len() > FIRST_BITMAP as usize + 1
    }

    /// The field's words, for errors.
    pub(super) fn name_of(&self, number: u8) -> &str {
        self.field(number).map_or("not of this dialect", |format| &format.name)
    }
}

/// How bitmaps are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BitmapEncoding {
    /// A bit a field.
    #[default]
    Binary,
    /// The same as hexadecimal characters.
    Hex,
}

impl BitmapEncoding {
    /// Bytes of one bitmap.
    pub(super) const fn size(self) -> usize {
        match self {
            Self::Binary => 8,
            Self::Hex => 16,
        }
    }
}

/// How a field stands in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFormat {
    /// The field's words, for errors.
    pub name: String,
    /// What it may hold.
    pub content: Content,
    /// How that becomes bytes.
    pub encoding: Encoding,
    /// How long it is.
    pub length: Length,
    /// Where a value stands that does not fill its room.
    pub align: Align,
    /// What fills a free half byte, 0 to 15.
    pub pad: u8,
    /// What fills a fixed length when the value is shorter; without one such a value is refused.
    pub fill: Option<u8>,
    /// Whether it may be shown to anybody.
    pub shown: bool,
    /// What it is made of.
    pub parts: Option<PartsFormat>,
    /// Whether it is made of nothing else: what cannot be taken apart is then wrong, and not only strange.
    pub exact: bool,
}

/// What a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Decimal digits (n).
    Digits,
    /// `C` or `D` and decimal digits (x+n).
    Signed,
    /// Decimal digits with one separator (z), written `D` in a [`super::Message`]; `=` is taken too.
    Track,
    /// The same with any number of separators: on track 3 each of many fields that is left out is one (ISO 4909).
    Track3,
    /// Letters, digits and blanks (a, an).
    Alphanumeric,
    /// Printable ASCII (ans).
    Text,
    /// Anything (b).
    Bytes,
}

impl Content {
    /// Whether separators stand in it.
    pub(super) const fn is_track(self) -> bool {
        matches!(self, Self::Track | Self::Track3)
    }

    /// Whether a character may stand in it; of a track and a signed amount only the order is left to be looked at.
    pub(super) const fn allows(self, character: u8) -> bool {
        match self {
            Self::Digits => character.is_ascii_digit(),
            Self::Signed => matches!(character, b'0'..=b'9' | b'C' | b'D'),
            Self::Track | Self::Track3 => matches!(character, b'0'..=b'9' | b'D' | b'='),
            Self::Alphanumeric => character.is_ascii_alphanumeric() || character == b' ',
            Self::Text => matches!(character, b' '..=b'~'),
            Self::Bytes => true,
        }
    }

    /// Whether text is of this kind.
    pub(super) fn fits(self, text: &[u8]) -> bool {
        // A whole value is looked at without a branch for each character, eight and more of them at a time.
        let all = |text: &[u8], allowed: fn(u8) -> bool| text.iter().fold(true, |fits, byte| fits & allowed(*byte));
        match self {
            Self::Digits => text.iter().fold(true, |fits, byte| fits & byte.is_ascii_digit()),
            Self::Text => text.iter().fold(true, |fits, byte| fits & (byte.wrapping_sub(b' ') < 0x5F)),
            Self::Alphanumeric => text.iter().fold(true, |fits, byte| {
                fits & (byte.is_ascii_digit() | (byte | 0x20).is_ascii_lowercase() | (*byte == b' '))
            }),
            Self::Bytes => true,
            Self::Track => {
                all(text, |byte| Self::Track.allows(byte))
                    && text.iter().filter(|byte| matches!(byte, b'D' | b'=')).count() <= 1
            }
            Self::Track3 => all(text, |byte| Self::Track3.allows(byte)),
            Self::Signed => match text.split_first() {
                Some((b'C' | b'D', digits)) => Self::Digits.fits(digits),
                Some(_) | None => false,
            },
        }
    }

    /// What it holds, for errors.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Digits => "it holds decimal digits only",
            Self::Signed => "it holds C or D and decimal digits",
            Self::Track => "it holds decimal digits and one separator only",
            Self::Track3 => "it holds decimal digits and separators only",
            Self::Alphanumeric => "it holds letters, digits and blanks only",
            Self::Text => "it holds printable ASCII only",
            Self::Bytes => "it holds bytes",
        }
    }
}

/// How a value becomes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Two digits a byte; the sign of a signed amount is a character in front.
    Bcd,
    /// A byte a character.
    Ascii,
    /// A byte a character, EBCDIC code page 1047.
    Ebcdic,
    /// Bytes as they are.
    Binary,
    /// Bytes as hexadecimal characters.
    Hex,
}

/// How long a field is. Digits and characters are counted for text, bytes for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Always the same.
    Fixed(usize),
    /// A prefix says it, up to a largest.
    Prefixed(Prefix),
}

/// The length in front of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Decimal digits of it: 1 to 4.
    pub digits: u8,
    /// The largest length of a value.
    pub max: usize,
    /// How it is written.
    pub encoding: NumberEncoding,
    /// What it counts.
    pub counts: Unit,
}

/// What a length counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Digits: two for each byte of bytes.
    Digits,
    /// Characters: two for each byte that is written in hexadecimal.
    Characters,
    /// Bytes: one for two digits of BCD.
    Bytes,
}

/// Where a value stands in room that it does not fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// At the left; padding follows.
    Left,
    /// At the right; padding comes first.
    Right,
}

/// What a field is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartsFormat {
    /// Data objects of EMV (BER-TLV).
    Ber,
    /// Tag, length and value, all characters.
    Elements(ElementsFormat),
    /// Values of known length one behind the other; the field may end behind any of them.
    Positions(Vec<Position>),
}

/// How elements of tag, length and value are written in characters.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElementsFormat {
    /// Characters of a tag.
    pub tag: usize,
    /// Digits of a length.
    pub length: usize,
    /// Tags whose values are elements again.
    #[serde(default)]
    pub nested: BTreeSet<String>,
    /// Elements that may be shown, with the tags around them: `A2.01`.
    #[serde(default)]
    pub shown: BTreeSet<String>,
}

/// One of the values that stand one behind the other.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Its words.
    pub name: String,
    /// Digits, characters or bytes of it.
    pub length: usize,
    /// Whether it may be shorter: it takes what is left, and is the last.
    #[serde(default)]
    pub rest: bool,
    /// In a field of bytes: that it is text.
    #[serde(default)]
    pub text: bool,
    /// Whether it may be shown when the field as a whole may not.
    #[serde(default)]
    pub shown: bool,
}

impl FieldFormat {
    /// Whether any part of it may be shown because the dialect says so. Data objects of EMV say it for themselves.
    pub(super) fn shows_a_part(&self) -> bool {
        match &self.parts {
            None | Some(PartsFormat::Ber) => false,
            Some(PartsFormat::Elements(format)) => !format.shown.is_empty(),
            Some(PartsFormat::Positions(positions)) => positions.iter().any(|position| position.shown),
        }
    }

    /// The bytes that a value of `count` digits, characters or bytes takes, without its length in front.
    pub(super) const fn bytes_for(&self, count: usize) -> usize {
        match (self.encoding, self.content) {
            (Encoding::Bcd, Content::Signed) => 1 + count.saturating_sub(1).div_ceil(2),
            (Encoding::Bcd, _) => count.div_ceil(2),
            (Encoding::Ascii | Encoding::Ebcdic | Encoding::Binary, _) => count,
            (Encoding::Hex, _) => 2 * count,
        }
    }

    /// The most bytes that a value of `count` takes, with its length in front and what fills it.
    pub(super) fn room_for(&self, count: usize) -> usize {
        match self.length {
            Length::Fixed(expected) => self.bytes_for(count.max(expected)),
            Length::Prefixed(prefix) => prefix.encoding.size(usize::from(prefix.digits)) + self.bytes_for(count),
        }
    }

    /// What a prefix says for a value of `count`.
    pub(super) const fn announced(&self, unit: Unit, count: usize) -> usize {
        match (self.encoding, unit) {
            (Encoding::Bcd, Unit::Bytes) => count.div_ceil(2),
            (Encoding::Binary, Unit::Digits) | (Encoding::Hex, Unit::Digits | Unit::Characters) => 2 * count,
            (Encoding::Bcd | Encoding::Ascii | Encoding::Ebcdic | Encoding::Binary | Encoding::Hex, _) => count,
        }
    }

    /// The length of the value for which a prefix says `announced`; nothing when there is none. BCD counted in bytes may
    /// have a digit less.
    pub(super) const fn count(&self, unit: Unit, announced: usize) -> Option<usize> {
        match (self.encoding, unit) {
            (Encoding::Bcd, Unit::Bytes) => Some(2 * announced),
            (Encoding::Binary, Unit::Digits) | (Encoding::Hex, Unit::Digits | Unit::Characters) => {
                if announced.is_multiple_of(2) { Some(announced / 2) } else { None }
            }
            (Encoding::Bcd | Encoding::Ascii | Encoding::Ebcdic | Encoding::Binary | Encoding::Hex, _) => {
                Some(announced)
            }
        }
    }

    /// Whether the length of a value is the same as `bytes_for` says only with the help of the padding: BCD whose prefix
    /// counts bytes.
    pub(super) const fn padding_tells(&self) -> bool {
        matches!((self.encoding, self.length), (Encoding::Bcd, Length::Prefixed(Prefix { counts: Unit::Bytes, .. })))
    }
}
