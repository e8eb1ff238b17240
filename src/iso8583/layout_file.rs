//! A layout as a dialect file writes it, and what makes one that cannot be.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::dialect::DialectError;
use super::encoding::NumberEncoding;
use super::framing::{Coverage, FrameLength, Framing, TPDU_LENGTH};
use super::layout::{
    Align, BitmapEncoding, Content, ElementsFormat, Encoding, FIELDS, FIRST_BITMAP, FieldFormat, Layout, Length,
    PartsFormat, Position, Prefix, Unit,
};
use super::masking::NEVER_SHOWN;
use crate::crypto::hex;

/// Keys of a dialect file that are its layout. All others say what a host means.
pub(super) const KEYS: [&str; 8] = ["name", "mti", "bitmap", "length_prefix", "shown", "frame", "kinds", "fields"];

const MAX_HEADER: usize = 64;

/// The longest fixed length.
const MAX_FIXED: usize = 999;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LayoutFile {
    name: String,
    mti: NumberEncoding,
    #[serde(default)]
    bitmap: BitmapEncoding,
    length_prefix: NumberEncoding,
    #[serde(default)]
    shown: BTreeSet<u8>,
    frame: FrameEntry,
    #[serde(default)]
    kinds: BTreeMap<String, KindEntry>,
    fields: BTreeMap<String, FieldEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrameEntry {
    length: FrameLength,
    covers: Option<Coverage>,
    #[serde(default)]
    tpdu: String,
    #[serde(default)]
    header: String,
}

/// What many fields have in common.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct KindEntry {
    content: Option<Content>,
    encoding: Option<Encoding>,
    align: Option<Align>,
    pad: Option<String>,
    fill: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldEntry {
    name: String,
    kind: Option<String>,
    content: Option<Content>,
    encoding: Option<Encoding>,
    length: LengthEntry,
    align: Option<Align>,
    pad: Option<String>,
    fill: Option<String>,
    tlv: Option<TlvEntry>,
    elements: Option<ElementsFormat>,
    positions: Option<Vec<Position>>,
    #[serde(default)]
    exact: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LengthEntry {
    fixed: Option<usize>,
    prefix: Option<u8>,
    max: Option<usize>,
    encoding: Option<NumberEncoding>,
    counts: Option<Unit>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TlvEntry {
    Ber,
}

impl LayoutFile {
    pub(super) fn checked(self) -> Result<Layout, DialectError> {
        let (framing, tpdu, header) = self.frame.checked()?;
        if self.mti == NumberEncoding::Binary {
            return Err(DialectError::Key { key: "mti", problem: "it is bcd, ascii or ebcdic".to_owned() });
        }
        if let Some(field) = self.shown.iter().find(|field| NEVER_SHOWN.contains(field)) {
            let problem = format!("field {field} holds what no dialect may show");
            return Err(DialectError::Key { key: "shown", problem });
        }
        let mut fields = Vec::new();
        for (key, entry) in self.fields {
            let refused = |problem: &str| DialectError::Field { field: key.clone(), problem: problem.to_owned() };
            let number: u8 = key.parse().map_err(|_| refused("the name of the table is not a number"))?;
            if !FIELDS.contains(&number) || key != number.to_string() {
                return Err(refused("only fields 2 to 128 exist"));
            }
            let kind = match &entry.kind {
                None => KindEntry::default(),
                Some(kind) => self.kinds.get(kind).cloned().ok_or_else(|| refused("there is no such kind"))?,
            };
            let mut format = entry.checked(kind, self.length_prefix).map_err(refused)?;
            if NEVER_SHOWN.contains(&number) && format.shows_a_part() {
                return Err(refused("it holds what no dialect may show, not even a part of it"));
            }
            format.shown = self.shown.contains(&number);
            let room = usize::from(number) + 1;
            if fields.len() < room {
                fields.resize(room, None);
            }
            fields[usize::from(number)] = Some(format);
        }
        if fields.len() <= usize::from(FIRST_BITMAP) {
            fields.resize(usize::from(FIRST_BITMAP) + 1, None);
        }
        Ok(Layout { name: self.name, framing, tpdu, header, mti: self.mti, bitmap: self.bitmap, fields })
    }
}

impl FrameEntry {
    fn checked(self) -> Result<(Framing, Vec<u8>, Vec<u8>), DialectError> {
        let bytes = |key: &'static str, text: &str| {
            hex::decode(text).map_err(|error| DialectError::Key { key, problem: error.to_string() })
        };
        let tpdu = bytes("frame.tpdu", &self.tpdu)?;
        let header = bytes("frame.header", &self.header)?;
        if ![0, TPDU_LENGTH].contains(&tpdu.len()) {
            return Err(DialectError::Key { key: "frame.tpdu", problem: "it has five bytes, or none".to_owned() });
        }
        if header.len() > MAX_HEADER {
            return Err(DialectError::Key { key: "frame.header", problem: format!("more than {MAX_HEADER} bytes") });
        }
        let covers = match (self.length, self.covers) {
            (FrameLength::None, None) => Coverage::Following,
            (FrameLength::U16 | FrameLength::Ascii | FrameLength::Bcd, Some(covers)) => covers,
            (FrameLength::None, Some(_)) | (FrameLength::U16 | FrameLength::Ascii | FrameLength::Bcd, None) => {
                let problem =
                    "it says what the length counts: following, whole or message; none where none is".to_owned();
                return Err(DialectError::Key { key: "frame.covers", problem });
            }
        };
        let framing = Framing { length: self.length, covers, tpdu: tpdu.len(), header: header.len() };
        Ok((framing, tpdu, header))
    }
}

impl FieldEntry {
    fn checked(self, kind: KindEntry, prefix: NumberEncoding) -> Result<FieldFormat, &'static str> {
        let content = self.content.or(kind.content).ok_or("it needs content")?;
        let encoding = self.encoding.or(kind.encoding).ok_or("it needs an encoding")?;
        let fits = match content {
            Content::Digits | Content::Track | Content::Track3 => {
                matches!(encoding, Encoding::Bcd | Encoding::Ascii | Encoding::Ebcdic)
            }
            Content::Signed => matches!(encoding, Encoding::Bcd | Encoding::Ascii),
            Content::Alphanumeric | Content::Text => matches!(encoding, Encoding::Ascii | Encoding::Ebcdic),
            Content::Bytes => matches!(encoding, Encoding::Binary | Encoding::Hex),
        };
        if !fits {
            return Err("this content cannot be written in this encoding");
        }
        let parts = parts(content, self.tlv, self.elements, self.positions)?;
        if self.exact && parts.is_none() {
            return Err("exact has no meaning where a field is not made of parts");
        }
        let mut format = FieldFormat {
            name: self.name,
            content,
            encoding,
            length: Length::Fixed(0),
            align: Align::Left,
            pad: 0,
            fill: None,
            shown: false,
            parts,
            exact: self.exact,
        };
        format.length = self.length.checked(&format, prefix)?;
        // What a field says of itself must have a meaning there; what its kind says may not have one.
        let own = (self.align.is_some(), self.pad.is_some(), self.fill.is_some());
        let align = self.align.or(kind.align);
        let pad = self.pad.or(kind.pad);
        let fill = self.fill.or(kind.fill);
        let half_free = encoding == Encoding::Bcd
            && match format.length {
                Length::Fixed(count) => !(count - usize::from(content == Content::Signed)).is_multiple_of(2),
                Length::Prefixed(_) => true,
            };
        let fillable = matches!(format.length, Length::Fixed(_)) && content != Content::Bytes;
        match (half_free, pad.as_deref().map(str::as_bytes)) {
            (true, Some([digit])) => {
                format.pad = (*digit as char).to_digit(16).ok_or("its pad is one digit, 0 to F")? as u8;
            }
            (true, Some(_)) => return Err("its pad is one digit, 0 to F"),
            (true, None) => return Err("an odd count of digits in bcd needs align and pad"),
            (false, _) if own.1 => return Err("align and pad have no meaning where no half byte is free"),
            (false, _) => {}
        }
        match (fillable, fill.as_deref().map(str::as_bytes)) {
            (_, None) => {}
            (true, Some([character])) if content.allows(*character) && content != Content::Signed => {
                format.fill = Some(*character);
            }
            (true, Some(_)) => return Err("its fill is one character that may stand in it"),
            (false, Some(_)) if own.2 => return Err("fill has no meaning where the length is not fixed"),
            (false, Some(_)) => {}
        }
        match align {
            Some(align) => format.align = align,
            None if half_free => return Err("an odd count of digits in bcd needs align and pad"),
            None if format.fill.is_some() => return Err("fill needs align"),
            None => {}
        }
        if own.0 && !half_free && format.fill.is_none() {
            return Err("align and pad have no meaning where no half byte is free");
        }
        // A digit that fills could be one of the value; a separator could be one of a track.
        if format.padding_tells() && (format.pad < 0xA || format.pad == 0xD) {
            return Err("a prefix that counts bytes of bcd needs a pad that is no digit: F");
        }
        Ok(format)
    }
}

impl LengthEntry {
    fn checked(&self, format: &FieldFormat, encoding: NumberEncoding) -> Result<Length, &'static str> {
        match (self.fixed, self.prefix, self.max) {
            (Some(count @ 1..=MAX_FIXED), None, None) if self.encoding.is_none() && self.counts.is_none() => {
                Ok(Length::Fixed(count))
            }
            (None, Some(_), Some(_)) if format.content == Content::Signed => {
                Err("an amount with a sign has a fixed length")
            }
            (None, Some(digits @ 1..=4), Some(max @ 1..)) => {
                let encoding = self.encoding.unwrap_or(encoding);
                let counts = self.counts.unwrap_or(match format.encoding {
                    Encoding::Bcd => Unit::Digits,
                    Encoding::Ascii | Encoding::Ebcdic | Encoding::Hex => Unit::Characters,
                    Encoding::Binary => Unit::Bytes,
                });
                if format.announced(counts, max) > encoding.largest(digits) {
                    return Err("its largest length is more than the digits of its prefix can say");
                }
                Ok(Length::Prefixed(Prefix { digits, max, encoding, counts }))
            }
            _ => Err("its length is { fixed = 1 to 999 } or { prefix = 1 to 4, max = what these digits can say }"),
        }
    }
}

fn parts(
    content: Content,
    tlv: Option<TlvEntry>,
    elements: Option<ElementsFormat>,
    positions: Option<Vec<Position>>,
) -> Result<Option<PartsFormat>, &'static str> {
    match (tlv, elements, positions) {
        (None, None, None) => Ok(None),
        (Some(TlvEntry::Ber), None, None) if content == Content::Bytes => Ok(Some(PartsFormat::Ber)),
        (Some(TlvEntry::Ber), None, None) => Err("tlv is for a field of bytes"),
        (None, Some(format), None) if content == Content::Text => {
            if !(1..=8).contains(&format.tag) || !(1..=4).contains(&format.length) {
                return Err("elements have tags of 1 to 8 characters and lengths of 1 to 4 digits");
            }
            let mut tags = format.nested.iter().chain(&format.shown).flat_map(|path| path.split('.'));
            if tags.any(|tag| tag.len() != format.tag) {
                return Err("a tag among its nested or shown elements has another length");
            }
            Ok(Some(PartsFormat::Elements(format)))
        }
        (None, Some(_), None) => Err("elements are for a field of text"),
        (None, None, Some(positions)) => {
            if positions.is_empty() || positions.iter().any(|position| position.length == 0) {
                return Err("each of its positions has a length of at least 1");
            }
            if positions.iter().rev().skip(1).any(|position| position.rest) {
                return Err("only the last of its positions takes the rest");
            }
            if content != Content::Bytes && positions.iter().any(|position| position.text) {
                return Err("text of a position has a meaning in a field of bytes only");
            }
            Ok(Some(PartsFormat::Positions(positions)))
        }
        _ => Err("it is made of one thing: tlv, elements or positions"),
    }
}
