//! A dialect: how one family of hosts writes ISO 8583, read from TOML and checked as a whole.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::BindingTags;
use super::queue_codes::QueueCodes;
use crate::crypto::hex;

/// Fields one bitmap can name; field 1 would be the second bitmap, which no dialect here uses.
pub const FIELDS: std::ops::RangeInclusive<u8> = 2..=64;

/// The field that carries the MAC.
pub const MAC_FIELD: u8 = 64;

/// The longest frame: its length prefix is a u16.
pub const MAX_FRAME: usize = u16::MAX as usize;

/// The shipped dialects, by name.
pub const SHIPPED: &[(&str, &str)] = &[("unionpay", include_str!("../../assets/dialects/unionpay.toml"))];

/// How one family of hosts writes its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// What it is called in settings.
    pub name: String,
    /// How the message type identifier is written.
    pub mti: NumberEncoding,
    /// How length prefixes are written.
    pub length_prefix: NumberEncoding,
    /// How field 64 is made.
    pub mac: MacAlgorithm,
    /// Transport address that stands in a frame unless settings say otherwise.
    pub tpdu: Vec<u8>,
    /// Header that stands in a request.
    pub header: Vec<u8>,
    /// Tag under which issuer script results (9F5B) stand in field 55.
    pub script_results: Vec<u8>,
    /// What response codes do.
    pub answers: AnswerCodes,
    /// What ends an entry of the queue.
    pub queue: QueueCodes,
    /// How applications and CA keys are downloaded.
    pub parameters: ParameterRules,
    /// Where the terminal's binding stands in field 59.
    pub binding: BindingTags,
    fields: BTreeMap<u8, FieldFormat>,
}

/// What the response codes of field 39 do in this dialect.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerCodes {
    /// Codes that approve.
    pub approved: BTreeSet<String>,
    /// Codes that approve less than was asked.
    pub partial: BTreeSet<String>,
    /// Codes that say that the result is not known.
    pub unclear: BTreeSet<String>,
    /// Codes that say that the trace number was used before.
    pub number_in_use: BTreeSet<String>,
    /// Refusals that may come without field 64, because the host shares no key with the terminal.
    pub without_mac: BTreeSet<String>,
}

/// How applications and CA keys are downloaded in this dialect.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterRules {
    /// How amounts in field 62 are written.
    pub amounts: AmountCoding,
    /// Codes for CA keys.
    pub ca_keys: DownloadCodes,
    /// Codes for applications.
    pub applications: DownloadCodes,
    /// How an answer orders a download.
    pub order: HeaderOrder,
}

/// How an amount of four bytes is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AmountCoding {
    /// A number, most significant byte first (EMV 4.4 Book 3, annex A: 9F1B).
    Binary,
    /// Two digits a byte.
    Bcd,
}

/// Field 60, third part, of the messages of a download.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DownloadCodes {
    /// Asks what there is.
    pub list: String,
    /// Asks for one.
    pub fetch: String,
    /// Says that all is in its place.
    pub end: String,
}

/// Where the header of an answer orders something, and what orders a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderOrder {
    /// Which digit of the header, counted from 0.
    pub digit: u8,
    /// Its value that orders CA keys.
    pub ca_keys: u8,
    /// Its value that orders applications.
    pub applications: u8,
}

impl ParameterRules {
    /// What a header orders: its processing request digit; nothing when the header is too short for one.
    pub fn order_in(&self, header: &[u8]) -> Option<u8> {
        let byte = header.get(usize::from(self.order.digit / 2))?;
        Some(if self.order.digit.is_multiple_of(2) { byte >> 4 } else { byte & 0x0F })
    }

    /// A header that orders something.
    pub fn with_order(&self, header: &[u8], order: u8) -> Vec<u8> {
        let mut header = header.to_vec();
        if let Some(byte) = header.get_mut(usize::from(self.order.digit / 2)) {
            *byte = if self.order.digit.is_multiple_of(2) {
                *byte & 0x0F | order << 4
            } else {
                *byte & 0xF0 | order & 0x0F
            };
        }
        header
    }

    /// Whether what is ordered is a download.
    pub const fn is_download(&self, order: u8) -> bool {
        order == self.order.ca_keys || order == self.order.applications
    }

    fn check(&self, header: &[u8]) -> Result<(), DialectError> {
        let wrong = |key, problem: &str| Err(DialectError::Key { key, problem: problem.to_owned() });
        let code = |code: &String| code.len() == 3 && code.bytes().all(|digit| digit.is_ascii_digit());
        for (key, codes) in [("parameters.ca_keys", &self.ca_keys), ("parameters.applications", &self.applications)] {
            if ![&codes.list, &codes.fetch, &codes.end].into_iter().all(code) {
                return wrong(key, "list, fetch and end have three digits each");
            }
        }
        if usize::from(self.order.digit) >= header.len() * 2 {
            return wrong("parameters.order.digit", "the header has no such digit");
        }
        if !(1..=9).contains(&self.order.ca_keys) || !(1..=9).contains(&self.order.applications) {
            return wrong("parameters.order", "orders are 1 to 9");
        }
        Ok(())
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
    /// How long it is, counted as its encoding counts.
    pub length: Length,
    /// Where the digits of an odd count stand.
    pub align: Align,
    /// What fills the free half byte, 0 to 15.
    pub pad: u8,
}

/// How numbers of the message itself are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberEncoding {
    /// Two digits a byte, right-aligned.
    Bcd,
    /// A character a digit.
    Ascii,
}

/// How field 64 is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MacAlgorithm {
    /// [`crate::crypto::mac::unionpay`].
    Unionpay,
}

/// What a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Decimal digits.
    Digits,
    /// Decimal digits with one separator, written `D` in a [`super::Message`]; `=` is taken too.
    Track,
    /// Printable ASCII.
    Text,
    /// Anything.
    Bytes,
}

/// How a value becomes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Two digits a byte; the length counts digits.
    Bcd,
    /// A byte a character; the length counts characters.
    Ascii,
    /// As it is; the length counts bytes.
    Binary,
}

/// How long a field is, in digits, characters or bytes as its encoding counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Always the same.
    Fixed(usize),
    /// A prefix of that many decimal digits says it, up to a largest.
    Prefixed {
        /// Digits of the prefix: 2 or 3.
        digits: u8,
        /// The largest length.
        max: usize,
    },
}

/// Where an odd count of digits stands in whole bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// At the left; the last half byte is padding.
    Left,
    /// At the right; the first half byte is padding.
    Right,
}

/// A dialect that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialectError {
    /// No dialect of that name is shipped.
    #[error("no message dialect \"{name}\" is shipped; shipped are: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The file is not TOML of this shape.
    #[error("the message dialect cannot be read: {0}")]
    Toml(String),
    /// A key that belongs to the whole dialect has a value that cannot be.
    #[error("{key} of the message dialect: {problem}")]
    Key {
        /// Which key.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A field's description contradicts itself.
    #[error("field {field} of the message dialect: {problem}")]
    Field {
        /// Which field, as written in the file.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Dialect {
    /// A shipped dialect.
    ///
    /// # Errors
    /// When none has that name; the message lists those that exist.
    pub fn shipped(name: &str) -> Result<Self, DialectError> {
        match SHIPPED.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Self::parse(text),
            None => {
                let known: Vec<_> = SHIPPED.iter().map(|(known, _)| *known).collect();
                Err(DialectError::Unknown { name: name.to_owned(), known: known.join(", ") })
            }
        }
    }

    /// Reads a dialect and checks it as a whole.
    ///
    /// # Errors
    /// When it is not TOML of this shape, or a field's description contradicts itself.
    pub fn parse(text: &str) -> Result<Self, DialectError> {
        let file: DialectFile = toml::from_str(text).map_err(|error| DialectError::Toml(error.to_string()))?;
        let bytes = |key: &'static str, text: &str| {
            hex::decode(text).map_err(|error| DialectError::Key { key, problem: error.to_string() })
        };
        let tpdu = bytes("frame.tpdu", &file.frame.tpdu)?;
        let header = bytes("frame.header", &file.frame.header)?;
        let script_results = bytes("script_results", &file.script_results)?;
        if tpdu.len() != TPDU_LENGTH {
            return Err(DialectError::Key { key: "frame.tpdu", problem: "it has five bytes".to_owned() });
        }
        if header.len() > MAX_HEADER {
            return Err(DialectError::Key { key: "frame.header", problem: format!("more than {MAX_HEADER} bytes") });
        }
        file.parameters.check(&header)?;
        if !file.binding.are_right() {
            let problem = "record and machine are two different private tags of two characters".to_owned();
            return Err(DialectError::Key { key: "binding", problem });
        }
        file.queue.check()?;
        let mut fields = BTreeMap::new();
        for (key, entry) in file.fields {
            let refused = |problem: &str| DialectError::Field { field: key.clone(), problem: problem.to_owned() };
            let number: u8 = key.parse().map_err(|_| refused("the name of the table is not a number"))?;
            if !FIELDS.contains(&number) || key != number.to_string() {
                return Err(refused("only fields 2 to 64 exist"));
            }
            fields.insert(number, entry.checked().map_err(refused)?);
        }
        let mac = FieldFormat { name: String::new(), ..MAC_FORMAT };
        if fields.get(&MAC_FIELD).map(|format| FieldFormat { name: String::new(), ..format.clone() }) != Some(mac) {
            let problem = "it carries the MAC and must be bytes, binary, fixed = 8".to_owned();
            return Err(DialectError::Field { field: MAC_FIELD.to_string(), problem });
        }
        let DialectFile { name, mti, length_prefix, mac, answers, queue, parameters, binding, .. } = file;
        Ok(Self {
            name,
            mti,
            length_prefix,
            mac,
            tpdu,
            header,
            script_results,
            answers,
            queue,
            parameters,
            binding,
            fields,
        })
    }

    /// How a field is written, if the dialect has it.
    pub fn field(&self, number: u8) -> Option<&FieldFormat> {
        self.fields.get(&number)
    }

    /// All fields in the order in which they stand in a message.
    pub fn fields(&self) -> impl Iterator<Item = (u8, &FieldFormat)> {
        self.fields.iter().map(|(number, format)| (*number, format))
    }

    /// The field's words, for errors.
    pub(super) fn name_of(&self, number: u8) -> String {
        self.field(number).map_or_else(|| "not of this dialect".to_owned(), |format| format.name.clone())
    }
}

impl FieldFormat {
    /// The bytes that `count` digits, characters or bytes take.
    pub(super) const fn bytes_for(&self, count: usize) -> usize {
        match self.encoding {
            Encoding::Bcd => count.div_ceil(2),
            Encoding::Ascii | Encoding::Binary => count,
        }
    }
}

/// A transport address: one byte of kind, two of destination, two of source.
pub(super) const TPDU_LENGTH: usize = 5;

const MAX_HEADER: usize = 64;

const MAC_FORMAT: FieldFormat = FieldFormat {
    name: String::new(),
    content: Content::Bytes,
    encoding: Encoding::Binary,
    length: Length::Fixed(8),
    align: Align::Left,
    pad: 0,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DialectFile {
    name: String,
    mti: NumberEncoding,
    length_prefix: NumberEncoding,
    mac: MacAlgorithm,
    script_results: String,
    frame: FrameEntry,
    answers: AnswerCodes,
    queue: QueueCodes,
    parameters: ParameterRules,
    #[serde(default)]
    binding: BindingTags,
    fields: BTreeMap<String, FieldEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrameEntry {
    tpdu: String,
    header: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldEntry {
    name: String,
    content: Content,
    encoding: Encoding,
    length: LengthEntry,
    align: Option<Align>,
    pad: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LengthEntry {
    fixed: Option<usize>,
    prefix: Option<u8>,
    max: Option<usize>,
}

impl FieldEntry {
    fn checked(self) -> Result<FieldFormat, &'static str> {
        let fits = match self.content {
            Content::Digits | Content::Track => matches!(self.encoding, Encoding::Bcd | Encoding::Ascii),
            Content::Text => self.encoding == Encoding::Ascii,
            Content::Bytes => self.encoding == Encoding::Binary,
        };
        if !fits {
            return Err("this content cannot be written in this encoding");
        }
        let length = match (self.length.fixed, self.length.prefix, self.length.max) {
            (Some(count @ 1..=999), None, None) => Length::Fixed(count),
            (None, Some(digits @ 2..=3), Some(max)) if (1..10_usize.pow(u32::from(digits))).contains(&max) => {
                Length::Prefixed { digits, max }
            }
            _ => {
                return Err(
                    "its length is { fixed = 1 to 999 } or { prefix = 2 or 3, max = what these digits can say }",
                );
            }
        };
        let odd_possible = match length {
            Length::Fixed(count) => !count.is_multiple_of(2),
            Length::Prefixed { .. } => true,
        };
        let pad = match self.pad.as_deref().map(str::as_bytes) {
            None => None,
            Some([digit]) => Some((*digit as char).to_digit(16).ok_or("its pad is one digit, 0 to F")? as u8),
            Some(_) => return Err("its pad is one digit, 0 to F"),
        };
        let (align, pad) = match (self.encoding == Encoding::Bcd && odd_possible, self.align, pad) {
            (true, Some(align), Some(pad)) => (align, pad),
            (true, _, _) => return Err("an odd count of digits in bcd needs align and pad"),
            (false, None, None) => (Align::Left, 0),
            (false, _, _) => return Err("align and pad have no meaning where no half byte is free"),
        };
        Ok(FieldFormat { name: self.name, content: self.content, encoding: self.encoding, length, align, pad })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_dialect_can_be_read() {
        for (name, _) in SHIPPED {
            assert_eq!(Dialect::shipped(name).unwrap().name, *name);
        }
        assert!(Dialect::shipped("nobody").unwrap_err().to_string().contains("unionpay"));
    }

    #[test]
    fn partial_codes_approve_and_refusals_without_mac_do_not() {
        for (name, _) in SHIPPED {
            let codes = Dialect::shipped(name).unwrap().answers;
            assert!(codes.partial.is_subset(&codes.approved), "{name}");
            assert!(codes.without_mac.is_disjoint(&codes.approved), "{name}");
            assert!(codes.unclear.is_disjoint(&codes.approved), "{name}");
            assert!(codes.number_in_use.is_disjoint(&codes.approved), "{name}");
        }
    }

    #[test]
    fn a_wrong_file_is_refused_with_the_place() {
        let shipped = SHIPPED[0].1;
        for (from, to, said) in [
            ("[fields.2]", "[fields.1]", "field 1"),
            ("[fields.2]", "[fields.65]", "field 65"),
            ("[fields.2]", "[fields.pan]", "field pan"),
            ("[fields.2]", "[fields.02]", "field 02"),
            ("length = { prefix = 2, max = 19 }", "length = { prefix = 2, max = 119 }", "field 2"),
            ("length = { prefix = 2, max = 19 }", "length = { prefix = 2, fixed = 19 }", "field 2"),
            ("length = { prefix = 2, max = 19 }\nalign = \"left\"", "length = { prefix = 2, max = 19 }", "field 2"),
            ("length = { fixed = 6 }", "length = { fixed = 6 }\nalign = \"left\"\npad = \"0\"", "field 3"),
            ("content = \"track\"", "content = \"bytes\"", "field 35"),
            ("length = { fixed = 8 }\n\n[fields.53]", "length = { fixed = 8 }\nsecret = 1\n\n[fields.53]", "secret"),
            ("mac = \"unionpay\"", "mac = \"x9.9\"", "mac"),
            ("6000030000", "60000300", "frame.tpdu"),
            ("603100311000", "60310031100G", "frame.header"),
        ] {
            assert!(shipped.contains(from), "{from}");
            let error = Dialect::parse(&shipped.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(said), "{to}: {error}");
        }
        let (without_mac, _) = shipped.split_once("[fields.64]").unwrap();
        assert!(Dialect::parse(without_mac).unwrap_err().to_string().contains("field 64"));
    }
}
