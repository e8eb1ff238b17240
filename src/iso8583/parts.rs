//! What a field is made of: data objects, elements, or values one behind the other. Taken apart for people and for JSON, and
//! put together again. A message itself knows the whole value only, so nothing of it is ever lost here.

use zeroize::Zeroizing;

use super::layout::{Align, Content, ElementsFormat, Encoding, FieldFormat, Layout, PartsFormat, Position};
use super::message::{Message, Value};
use super::unpack::{UnpackError, UnpackProblem};
use crate::crypto::hex;
use crate::emv::tag::Tag;
use crate::emv::tlv::{self, MAX_DEPTH, TlvBuilder, TlvError};

/// What a value is made of.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// In the order in which they stand.
    pub list: Vec<Part<'a>>,
    /// Whether the list put together gives the very same value: no tag is there twice, no length longer than it must be,
    /// no padding between them.
    pub complete: bool,
}

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its tag, or its number counted from 1.
    pub tag: String,
    /// What it holds.
    pub value: PartValue<'a>,
}

/// What a part holds.
#[derive(PartialEq, Eq)]
pub enum PartValue<'a> {
    /// Digits or text, or bytes.
    Whole(Value<'a>),
    /// Parts again.
    Parts(Vec<Part<'a>>),
}

/// As [`Value`], the length only.
impl std::fmt::Debug for PartValue<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(value) => value.fmt(f),
            Self::Parts(parts) => parts.fmt(f),
        }
    }
}

/// What a person or another program gives to be put into a field: text, which is hexadecimal where the field has bytes, or
/// parts with their tags.
pub enum Given {
    /// The whole value.
    Text(Zeroizing<String>),
    /// What it is made of.
    Parts(Vec<(String, Self)>),
}

/// What was given cannot stand in the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field {path}: {problem}")]
pub struct GivenError {
    /// The field, and what in it: `55.9F02`.
    pub path: String,
    /// What is wrong; never the value itself.
    pub problem: String,
}

/// The key under which text in another alphabet is given, in hexadecimal.
pub const OTHER_ALPHABET: &str = "hex";

/// Where within a value reading stopped, at which tag, and why.
struct Stopped {
    path: Option<String>,
    at: usize,
    problem: UnpackProblem,
}

impl Layout {
    /// What a field of a message is made of; nothing when the field is not there, or is not made of parts.
    ///
    /// # Errors
    /// When the value is not what the dialect says; path and offset are of the part, and the whole message is what was read so
    /// far.
    pub fn parts<'m>(&self, message: &'m Message, field: u8) -> Result<Option<Parts<'m>>, UnpackError> {
        let (Some(format), Some(entry), Some(value)) = (self.field(field), message.entry(field), message.value(field))
        else {
            return Ok(None);
        };
        let Some(parts) = &format.parts else { return Ok(None) };
        let read = match (parts, value) {
            (PartsFormat::Ber, Value::Bytes(bytes)) => data_objects(bytes),
            (PartsFormat::Elements(format), Value::Text(text)) => elements(format, text),
            (PartsFormat::Positions(positions), value) => positioned(positions, value),
            // A message made by hand, of another kind than the dialect's.
            (PartsFormat::Ber, Value::Text(_)) | (PartsFormat::Elements(_), Value::Bytes(_)) => return Ok(None),
        };
        read.map(Some).map_err(|Stopped { path, at, problem }| {
            let path = path.map_or_else(|| field.to_string(), |path| format!("{field}.{path}"));
            let place = format!("field {path} ({})", format.name);
            let offset = entry.offset + format.bytes_before(entry.length, at);
            UnpackError { place, path: Some(path), offset, problem, so_far: Some(Box::new(message.clone())) }
        })
    }

    /// Puts what was given into a field. A value that masking made (stars only) is refused.
    ///
    /// # Errors
    /// When the dialect does not have the field, or what was given cannot stand in it. Whether content and length fit is
    /// found out by [`Layout::pack`].
    pub fn set_given(&self, message: &mut Message, field: u8, given: &Given) -> Result<(), GivenError> {
        let refused = |problem: &str| GivenError { path: field.to_string(), problem: problem.to_owned() };
        let format = self.field(field).ok_or_else(|| refused("the dialect does not have it"))?;
        let is_bytes = format.content == Content::Bytes;
        let in_hex = match given {
            Given::Parts(given) if format.content == Content::Text => match given.as_slice() {
                [(key, Given::Text(text))] if key == OTHER_ALPHABET => Some(text),
                _ => None,
            },
            Given::Parts(_) | Given::Text(_) => None,
        };
        if let Some(text) = in_hex {
            message.set_other_alphabet(field, &whole(text, true).map_err(refused)?);
            return Ok(());
        }
        let value = match given {
            Given::Text(text) => whole(text, is_bytes).map_err(refused)?,
            Given::Parts(given) => {
                let parts = format.parts.as_ref().ok_or_else(|| refused("it is not made of parts in this dialect"))?;
                put_together(parts, is_bytes, given).map_err(|(path, problem)| GivenError {
                    path: path.map_or_else(|| field.to_string(), |path| format!("{field}.{path}")),
                    problem,
                })?
            }
        };
        match std::str::from_utf8(&value) {
            Ok(text) if !is_bytes => message.set(field, Value::Text(text)),
            _ => message.set(field, Value::Bytes(&value)),
        }
        Ok(())
    }
}

impl FieldFormat {
    /// The bytes in front of the digit, character or byte at index `at` of a value of `count`.
    fn bytes_before(&self, count: usize, at: usize) -> usize {
        match self.encoding {
            Encoding::Bcd => (at + usize::from(self.align == Align::Right && !count.is_multiple_of(2))) / 2,
            Encoding::Hex => 2 * at,
            Encoding::Ascii | Encoding::Ebcdic | Encoding::Binary => at,
        }
    }
}

fn data_objects(bytes: &[u8]) -> Result<Parts<'_>, Stopped> {
    let list = objects_within(bytes, 0).map_err(|error| match error {
        TlvError::Tag { offset } | TlvError::Depth { offset } => {
            Stopped { path: None, at: offset, problem: UnpackProblem::Tag }
        }
        TlvError::Length { tag, offset } => {
            Stopped { path: Some(tag.to_string()), at: offset, problem: UnpackProblem::LengthContent }
        }
        TlvError::Value { tag, offset, length, left } => {
            let problem = UnpackProblem::CutOff { needed: length, left };
            Stopped { path: Some(tag.to_string()), at: offset, problem }
        }
    })?;
    let complete = unique(&list) && rebuilt(&list).build() == bytes;
    Ok(Parts { list, complete })
}

fn objects_within(bytes: &[u8], depth: usize) -> Result<Vec<Part<'_>>, TlvError> {
    let mut list = Vec::new();
    for object in tlv::walk(bytes) {
        let object = object?;
        // A template that does not hold data objects is told as a whole.
        let within = (object.tag.is_constructed() && depth < MAX_DEPTH)
            .then(|| objects_within(object.value, depth + 1).ok())
            .flatten()
            .filter(|within| !within.is_empty() && unique(within) && rebuilt(within).build() == object.value);
        let value = within.map_or(PartValue::Whole(Value::Bytes(object.value)), PartValue::Parts);
        list.push(Part { tag: object.tag.to_string(), value });
    }
    Ok(list)
}

fn rebuilt(list: &[Part<'_>]) -> TlvBuilder {
    list.iter().fold(TlvBuilder::new(), |built, part| match (tag_of(&part.tag), &part.value) {
        (Some(tag), PartValue::Whole(Value::Bytes(bytes))) => built.with(tag, bytes),
        (Some(tag), PartValue::Parts(within)) => built.with_template(tag, rebuilt(within)),
        (None, _) | (_, PartValue::Whole(Value::Text(_))) => built,
    })
}

fn unique(list: &[Part<'_>]) -> bool {
    list.iter().enumerate().all(|(index, part)| list[..index].iter().all(|before| before.tag != part.tag))
}

/// A tag as people write it.
fn tag_of(text: &str) -> Option<Tag> {
    let bytes = hex::decode(text).ok()?;
    Tag::read(&bytes).filter(|(_, length)| *length == bytes.len()).map(|(tag, _)| tag)
}

fn elements<'a>(format: &ElementsFormat, text: &'a str) -> Result<Parts<'a>, Stopped> {
    let list = elements_within(format, text, "", 0)?;
    let complete = all_unique(&list);
    Ok(Parts { list, complete })
}

fn all_unique(list: &[Part<'_>]) -> bool {
    unique(list)
        && list.iter().all(|part| match &part.value {
            PartValue::Parts(within) => all_unique(within),
            PartValue::Whole(_) => true,
        })
}

fn elements_within<'a>(
    format: &ElementsFormat,
    text: &'a str,
    around: &str,
    base: usize,
) -> Result<Vec<Part<'a>>, Stopped> {
    let mut list = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let outside = (!around.is_empty()).then(|| around.to_owned());
        let cut_off = |needed: usize, from: usize| UnpackProblem::CutOff { needed, left: text.len() - from };
        let tag = text.get(at..at + format.tag).ok_or_else(|| Stopped {
            path: outside,
            at: base + at,
            problem: cut_off(format.tag, at),
        })?;
        let path = if around.is_empty() { tag.to_owned() } else { format!("{around}.{tag}") };
        let stopped = |at: usize, problem| Stopped { path: Some(path.clone()), at: base + at, problem };
        at += format.tag;
        let digits = text.get(at..at + format.length).ok_or_else(|| stopped(at, cut_off(format.length, at)))?;
        let length = Some(digits)
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
            .and_then(|digits| digits.parse::<usize>().ok())
            .ok_or_else(|| stopped(at, UnpackProblem::LengthContent))?;
        at += format.length;
        let value = text.get(at..at + length).ok_or_else(|| stopped(at, cut_off(length, at)))?;
        let value = if format.nested.contains(tag) && around.is_empty() {
            PartValue::Parts(elements_within(format, value, &path, base + at)?)
        } else {
            PartValue::Whole(Value::Text(value))
        };
        list.push(Part { tag: tag.to_owned(), value });
        at += length;
    }
    Ok(list)
}

fn positioned<'a>(positions: &[Position], value: Value<'a>) -> Result<Parts<'a>, Stopped> {
    let length = match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
    };
    let mut list = Vec::new();
    let mut complete = true;
    let mut at = 0;
    for (number, position) in (1_usize..).zip(positions) {
        if at == length {
            break;
        }
        let number = number.to_string();
        let end = if position.rest { length.min(at + position.length) } else { at + position.length };
        let part = match value {
            Value::Text(text) => text.get(at..end).map(Value::Text),
            Value::Bytes(bytes) => bytes.get(at..end).map(Value::Bytes),
        };
        let part = part.ok_or_else(|| Stopped {
            path: Some(number.clone()),
            at,
            problem: UnpackProblem::CutOff { needed: position.length, left: length - at },
        })?;
        let part = match part {
            Value::Bytes(bytes) if position.text => match std::str::from_utf8(bytes) {
                Ok(text) if Content::Text.fits(bytes) => Value::Text(text),
                // Another alphabet: JSON shows the field as a whole.
                _ => {
                    complete = false;
                    part
                }
            },
            Value::Bytes(_) | Value::Text(_) => part,
        };
        list.push(Part { tag: number, value: PartValue::Whole(part) });
        at = end;
    }
    if at == length {
        Ok(Parts { list, complete })
    } else {
        Err(Stopped { path: None, at, problem: UnpackProblem::LeftOver(length - at) })
    }
}

/// What is wrong with what was given, and at which part.
type Wrong = (Option<String>, String);

fn put_together(parts: &PartsFormat, is_bytes: bool, given: &[(String, Given)]) -> Result<Zeroizing<Vec<u8>>, Wrong> {
    match parts {
        PartsFormat::Ber => put_objects_together(given, "", 0).map(|built| Zeroizing::new(built.build())),
        PartsFormat::Elements(format) => {
            put_elements_together(format, given, "").map(|text| Zeroizing::new(text.as_bytes().to_vec()))
        }
        PartsFormat::Positions(positions) => put_positions_together(positions, is_bytes, given),
    }
}

fn put_objects_together(given: &[(String, Given)], around: &str, depth: usize) -> Result<TlvBuilder, Wrong> {
    let mut built = TlvBuilder::new();
    for (tag, value) in given {
        let path = below(around, tag);
        let wrong = |problem: &str| (Some(path.clone()), problem.to_owned());
        let tag = tag_of(tag).ok_or_else(|| wrong("this is no tag of BER-TLV"))?;
        match value {
            Given::Text(text) => built.push(tag, &whole(text, true).map_err(wrong)?),
            Given::Parts(_) if !tag.is_constructed() || depth >= MAX_DEPTH => {
                return Err(wrong("only a template holds data objects"));
            }
            Given::Parts(within) => {
                built = built.with_template(tag, put_objects_together(within, &path, depth + 1)?);
            }
        }
    }
    Ok(built)
}

fn put_elements_together(
    format: &ElementsFormat,
    given: &[(String, Given)],
    around: &str,
) -> Result<Zeroizing<String>, Wrong> {
    let mut built = Zeroizing::new(String::new());
    for (tag, value) in given {
        let path = below(around, tag);
        let wrong = |problem: String| (Some(path.clone()), problem);
        if tag.len() != format.tag || !Content::Text.fits(tag.as_bytes()) {
            return Err(wrong(format!("a tag has {} characters here", format.tag)));
        }
        let value = match value {
            Given::Text(text) if is_masked(text) => return Err(wrong(MASKED.to_owned())),
            Given::Text(text) => text.clone(),
            Given::Parts(within) if around.is_empty() && format.nested.contains(tag) => {
                put_elements_together(format, within, &path)?
            }
            Given::Parts(_) => return Err(wrong("it does not hold elements in this dialect".to_owned())),
        };
        let width = format.length;
        if value.len() >= 10_usize.pow(width as u32) {
            return Err(wrong(format!("{} is more than its length can say", value.len())));
        }
        *built = format!("{}{tag}{:0width$}{}", *built, value.len(), *value);
    }
    Ok(built)
}

fn put_positions_together(
    positions: &[Position],
    is_bytes: bool,
    given: &[(String, Given)],
) -> Result<Zeroizing<Vec<u8>>, Wrong> {
    let mut built = Zeroizing::new(Vec::new());
    for (index, position) in positions.iter().enumerate() {
        let number = (index + 1).to_string();
        if index == given.len() {
            return Ok(built);
        }
        let wrong = |problem: String| (Some(number.clone()), problem);
        let value = match given.iter().find(|(key, _)| *key == number) {
            None => return Err(wrong("it is missing: positions are given from 1 without a gap".to_owned())),
            Some((_, Given::Parts(_))) => return Err(wrong("it is not made of parts".to_owned())),
            Some((_, Given::Text(text))) => {
                whole(text, is_bytes && !position.text).map_err(|it| wrong(it.to_owned()))?
            }
        };
        if position.rest && value.len() > position.length {
            return Err(wrong(format!("{} is longer than {}", value.len(), position.length)));
        }
        if !position.rest && value.len() != position.length {
            return Err(wrong(format!("it has always a length of {}, this is {}", position.length, value.len())));
        }
        built.extend_from_slice(&value);
    }
    if given.len() > positions.len() {
        return Err((None, format!("it has no more than {} positions", positions.len())));
    }
    Ok(built)
}

fn below(around: &str, tag: &str) -> String {
    if around.is_empty() { tag.to_owned() } else { format!("{around}.{tag}") }
}

const MASKED: &str = "it is masked with stars: give its value";

/// A value as a message holds it.
fn whole(text: &str, is_bytes: bool) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    if is_masked(text) || is_bytes && text.contains('*') {
        return Err(MASKED);
    }
    if !is_bytes {
        return Ok(Zeroizing::new(text.as_bytes().to_vec()));
    }
    hex::decode(text).map(Zeroizing::new).map_err(|_| "it holds bytes: give pairs of hexadecimal digits")
}

/// Whether nothing but stars is there. No value of the field is: it would be lost in its own mask.
fn is_masked(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'*')
}
