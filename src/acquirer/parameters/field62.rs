//! Field 62 of the messages that bring terminal data: lists of what there is, one key, one application.
//!
//! A control character, then BER-TLV. Seen in public code of terminals in the field: `0` there is nothing, `1` all is here,
//! `2` more follows, `3` this was the last part. Reads and writes; sends nothing.

use jiff::civil::Date;

use crate::crypto::hex;
use crate::emv::ca_keys::{KeyEntry, Rid};
use crate::emv::tag::Tag;
use crate::emv::terminal::AidEntry;
use crate::emv::tlv::{self, Node, TlvBuilder, TlvError};
use crate::iso8583::dialect::AmountCoding;
use crate::terminal::emv_files::HostApplication;

/// Objects of this field. Those with DF are its own.
const AID: Tag = Tag(0x9F06);
const INDEX: Tag = Tag(0x9F22);
const EXPIRY: Tag = Tag(0xDF05);
const HASH_ALGORITHM: Tag = Tag(0xDF06);
const KEY_ALGORITHM: Tag = Tag(0xDF07);
const MODULUS: Tag = Tag(0xDF02);
const EXPONENT: Tag = Tag(0xDF04);
const HASH: Tag = Tag(0xDF03);
const SELECTION: Tag = Tag(0xDF01);
const CARD_VERSION: Tag = Tag(0x9F08);
const VERSION: Tag = Tag(0x9F09);
const TAC_DEFAULT: Tag = Tag(0xDF11);
const TAC_ONLINE: Tag = Tag(0xDF12);
const TAC_DENIAL: Tag = Tag(0xDF13);
const FLOOR_LIMIT: Tag = Tag(0x9F1B);
const THRESHOLD: Tag = Tag(0xDF15);
const MAXIMUM: Tag = Tag(0xDF16);
const TARGET: Tag = Tag(0xDF17);
const DDOL: Tag = Tag(0xDF14);

/// SHA-1 and RSA, in DF06 and DF07. Hosts in China also list keys of SM3 and SM2.
const SHA_1: u8 = 0x01;
const RSA: u8 = 0x01;

/// Control characters.
pub(super) const NOTHING: u8 = b'0';
pub(super) const ALL: u8 = b'1';
pub(super) const MORE: u8 = b'2';
pub(super) const LAST: u8 = b'3';

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What stands on it.
    pub names: Vec<T>,
    /// Whether another part follows.
    pub more: bool,
}

/// What a CA key is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName {
    /// Its owner.
    pub rid: Rid,
    /// Its index.
    pub index: u8,
}

/// A key as the host sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentKey {
    /// One that the kernel can use, if its hash fits.
    Rsa(KeyEntry),
    /// One of an algorithm that the kernel lacks.
    Other(KeyName),
}

/// What was read cannot be what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field 62, {path} at byte {offset}: {problem}")]
pub struct Field62Error {
    /// Which entry, and which object of it: `entry 3, DF05`.
    pub path: String,
    /// Offset of its first byte within the field.
    pub offset: usize,
    /// Why not.
    pub problem: Field62Problem,
}

/// Why field 62 cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Field62Problem {
    /// The field is empty.
    #[error("there is no control character")]
    Empty,
    /// The control character is not one of this answer.
    #[error("the control character is {0:02X}, not one of 0, 1, 2, 3")]
    Control(u8),
    /// No BER-TLV.
    #[error(transparent)]
    Tlv(#[from] TlvError),
    /// An object that must be there is not.
    #[error("it is missing")]
    Missing,
    /// An object comes twice in one entry.
    #[error("it comes twice")]
    Twice,
    /// An answer about one thing holds more than one.
    #[error("{0} entries where one was asked for")]
    Entries(usize),
    /// A value has another length than it must have.
    #[error("it has {found} bytes, not {expected}")]
    Length {
        /// How many it has.
        found: usize,
        /// How many it should have.
        expected: &'static str,
    },
    /// A value of the right length that cannot be.
    #[error("it is not {0}")]
    Value(&'static str),
}

/// Reads part of the list of CA keys.
///
/// # Errors
/// When the field cannot be read, or a name in it is not one.
pub fn ca_key_list(field: &[u8]) -> Result<Page<KeyName>, Field62Error> {
    page(field, |entry| entry.key_name())
}

/// Reads part of the list of applications.
///
/// # Errors
/// When the field cannot be read, or a name in it is not one.
pub fn application_list(field: &[u8]) -> Result<Page<Vec<u8>>, Field62Error> {
    page(field, |entry| Ok(entry.aid(5..=16, "5 to 16")?.to_vec()))
}

/// Reads a CA key; nothing when the host has none of that name. Whether its hash fits is for
/// [`crate::emv::ca_keys::CaKeys::parse`] to say.
///
/// # Errors
/// When the field cannot be read, or a value in it cannot be.
pub fn ca_key(field: &[u8]) -> Result<Option<SentKey>, Field62Error> {
    let objects = objects(field)?;
    let Some(entry) = single(field, &objects)? else { return Ok(None) };
    let name = entry.key_name()?;
    // What is left out is what it always was before there was a choice.
    let algorithm = |tag, usual| -> Result<u8, Field62Error> {
        Ok(entry.find(tag)?.and_then(|node| node.value.first().copied()).unwrap_or(usual))
    };
    if algorithm(KEY_ALGORITHM, RSA)? != RSA || algorithm(HASH_ALGORITHM, SHA_1)? != SHA_1 {
        return Ok(Some(SentKey::Other(name)));
    }
    Ok(Some(SentKey::Rsa(KeyEntry {
        rid: name.rid.to_string(),
        index: hex::encode(&[name.index]),
        exponent: hex::encode(entry.sized(EXPONENT, 1..=3, "1 to 3")?),
        expiry: entry.expiry()?.map(|day| day.to_string()),
        hash: hex::encode(entry.sized(HASH, 20..=20, "20")?),
        source: Some("the acquirer's host".to_owned()),
        modulus: hex::encode(entry.sized(MODULUS, 1..=248, "1 to 248")?),
    })))
}

/// Reads an application; nothing when the host has none of that name.
///
/// # Errors
/// When the field cannot be read, or a value in it cannot be.
pub fn application(field: &[u8], amounts: AmountCoding) -> Result<Option<HostApplication>, Field62Error> {
    let objects = objects(field)?;
    let Some(entry) = single(field, &objects)? else { return Ok(None) };
    let fixed = |tag, length: usize, expected| -> Result<String, Field62Error> {
        Ok(hex::encode(entry.sized(tag, length..=length, expected)?))
    };
    // Hosts send the terminal's version in the card's tag; the right one wins where both come.
    let version = if entry.find(VERSION)?.is_some() { VERSION } else { CARD_VERSION };
    let aid = hex::encode(entry.aid(5..=16, "5 to 16")?);
    Ok(Some(HostApplication {
        entry: AidEntry {
            aid,
            partial: entry.partial()?,
            version: fixed(version, 2, "2")?,
            tac_denial: fixed(TAC_DENIAL, 5, "5")?,
            tac_online: fixed(TAC_ONLINE, 5, "5")?,
            tac_default: fixed(TAC_DEFAULT, 5, "5")?,
            floor_limit: entry.amount(FLOOR_LIMIT, amounts)?,
            random_threshold: entry.amount(THRESHOLD, amounts)?,
            random_target: entry.percentage(TARGET)?,
            random_maximum: entry.percentage(MAXIMUM)?,
            ddol: hex::encode(entry.sized(DDOL, 1..=252, "1 to 252")?),
            tdol: None,
        },
        as_sent: hex::encode(field.get(1..).unwrap_or_default()),
    }))
}

/// One entry: the objects from one 9F06 to the next.
#[derive(Clone, Copy)]
struct Entry<'a> {
    /// Counted from 1.
    number: usize,
    /// Offset behind its last byte.
    end: usize,
    objects: &'a [Node<'a>],
}

impl<'a> Entry<'a> {
    fn refused(&self, tag: Tag, offset: usize, problem: Field62Problem) -> Field62Error {
        Field62Error { path: format!("entry {}, {tag}", self.number), offset, problem }
    }

    fn find(&self, tag: Tag) -> Result<Option<&'a Node<'a>>, Field62Error> {
        let mut found = self.objects.iter().filter(|node| node.tag == tag);
        let first = found.next();
        match found.next() {
            Some(again) => Err(self.refused(tag, again.offset + 1, Field62Problem::Twice)),
            None => Ok(first),
        }
    }

    fn needed(&self, tag: Tag) -> Result<&'a Node<'a>, Field62Error> {
        self.find(tag)?.ok_or_else(|| self.refused(tag, self.end, Field62Problem::Missing))
    }

    fn sized(
        &self,
        tag: Tag,
        lengths: std::ops::RangeInclusive<usize>,
        expected: &'static str,
    ) -> Result<&'a [u8], Field62Error> {
        let node = self.needed(tag)?;
        let found = node.value.len();
        if lengths.contains(&found) {
            Ok(node.value)
        } else {
            Err(self.refused(tag, node.offset + 1, Field62Problem::Length { found, expected }))
        }
    }

    fn value<T>(&self, tag: Tag, value: Option<T>, expected: &'static str) -> Result<T, Field62Error> {
        let offset = self.find(tag)?.map_or(self.end, |node| node.offset + 1);
        value.ok_or_else(|| self.refused(tag, offset, Field62Problem::Value(expected)))
    }

    fn aid(&self, lengths: std::ops::RangeInclusive<usize>, expected: &'static str) -> Result<&'a [u8], Field62Error> {
        self.sized(AID, lengths, expected)
    }

    fn key_name(&self) -> Result<KeyName, Field62Error> {
        let rid = self.value(AID, Rid::of(self.aid(5..=5, "5")?), "an owner")?;
        let index = self.value(INDEX, self.sized(INDEX, 1..=1, "1")?.first().copied(), "an index")?;
        Ok(KeyName { rid, index })
    }

    /// The last day: four bytes of two digits each, or eight characters. Zeros say that none was announced.
    fn expiry(&self) -> Result<Option<Date>, Field62Error> {
        let Some(node) = self.find(EXPIRY)? else { return Ok(None) };
        let digits = match node.value.len() {
            4 => Some(hex::encode(node.value)),
            8 => std::str::from_utf8(node.value).ok().map(str::to_owned),
            found => {
                let problem = Field62Problem::Length { found, expected: "4 or 8" };
                return Err(self.refused(EXPIRY, node.offset + 1, problem));
            }
        };
        if digits.as_deref() == Some("00000000") {
            return Ok(None);
        }
        let day = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit())).and_then(|digits| {
            let number: u32 = digits.parse().ok()?;
            let part = |number: u32| i8::try_from(number % 100).ok();
            Date::new(i16::try_from(number / 10_000).ok()?, part(number / 100)?, part(number)?).ok()
        });
        self.value(EXPIRY, day, "a day YYYYMMDD").map(Some)
    }

    /// Application selection indicator: 00 a longer name on the card is taken too, 01 only the whole one.
    fn partial(&self) -> Result<bool, Field62Error> {
        let partial = match self.sized(SELECTION, 1..=1, "1")? {
            [0] => Some(true),
            [1] => Some(false),
            _ => None,
        };
        self.value(SELECTION, partial, "00 or 01")
    }

    fn amount(&self, tag: Tag, coding: AmountCoding) -> Result<u32, Field62Error> {
        let bytes = self.sized(tag, 4..=4, "4")?;
        let amount = match coding {
            AmountCoding::Binary => Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))),
            AmountCoding::Bcd => hex::encode(bytes).parse().ok(),
        };
        self.value(tag, amount, "an amount")
    }

    fn percentage(&self, tag: Tag) -> Result<u8, Field62Error> {
        let percentage = hex::encode(self.sized(tag, 1..=1, "1")?).parse().ok();
        self.value(tag, percentage, "two digits")
    }
}

fn page<T>(field: &[u8], name: impl Fn(&Entry<'_>) -> Result<T, Field62Error>) -> Result<Page<T>, Field62Error> {
    let control = control(field)?;
    if control == NOTHING {
        return Ok(Page { names: Vec::new(), more: false });
    }
    let objects = objects(field)?;
    let names = entries(field, &objects).iter().map(name).collect::<Result<_, _>>()?;
    Ok(Page { names, more: control == MORE })
}

/// The one entry of an answer that brings one thing; nothing when the host has it not.
fn single<'a>(field: &[u8], objects: &'a [Node<'a>]) -> Result<Option<Entry<'a>>, Field62Error> {
    if control(field)? == NOTHING {
        return Ok(None);
    }
    match entries(field, objects)[..] {
        [entry] => Ok(Some(entry)),
        ref others => Err(whole_field(1, Field62Problem::Entries(others.len()))),
    }
}

/// Cuts objects into entries. Some hosts put a time and a count in front of the first one.
fn entries<'a>(field: &[u8], objects: &'a [Node<'a>]) -> Vec<Entry<'a>> {
    let starts: Vec<_> = (0..objects.len()).filter(|at| objects[*at].tag == AID).collect();
    let ends = starts.iter().skip(1).copied().chain([objects.len()]);
    let bounds = starts.iter().copied().zip(ends);
    let entry = |(number, (start, end)): (usize, (usize, usize))| Entry {
        number: number + 1,
        end: objects.get(end).map_or(field.len(), |next| next.offset + 1),
        objects: &objects[start..end],
    };
    bounds.enumerate().map(entry).collect()
}

fn control(field: &[u8]) -> Result<u8, Field62Error> {
    match field.first() {
        Some(control @ (&NOTHING | &ALL | &MORE | &LAST)) => Ok(*control),
        Some(other) => Err(whole_field(0, Field62Problem::Control(*other))),
        None => Err(whole_field(0, Field62Problem::Empty)),
    }
}

fn objects(field: &[u8]) -> Result<Vec<Node<'_>>, Field62Error> {
    tlv::tree(field.get(1..).unwrap_or_default()).map_err(|error| {
        let at = match error {
            TlvError::Tag { offset }
            | TlvError::Length { offset, .. }
            | TlvError::Value { offset, .. }
            | TlvError::Depth { offset } => offset,
        };
        whole_field(at + 1, error.into())
    })
}

fn whole_field(offset: usize, problem: Field62Problem) -> Field62Error {
    Field62Error { path: "the whole".to_owned(), offset, problem }
}

/// What a request for part of a list says: how many names have come already.
pub fn list_request(received: usize) -> Vec<u8> {
    format!("1{:02}", received % 100).into_bytes()
}

/// How many names a terminal that asks for part of a list has already; nothing when it does not ask so.
pub fn names_received(field: &[u8]) -> Option<usize> {
    match field {
        [b'1', digits @ ..] if digits.len() == 2 => std::str::from_utf8(digits).ok()?.parse().ok(),
        _ => None,
    }
}

/// The name of a CA key as a request says it.
pub fn write_key_name(name: KeyName) -> Vec<u8> {
    TlvBuilder::new().with(AID, &name.rid.0).with(INDEX, &[name.index]).build()
}

/// The name of an application as a request says it.
pub fn write_application_name(aid: &[u8]) -> Vec<u8> {
    TlvBuilder::new().with(AID, aid).build()
}

/// The name of a CA key in a request.
pub fn read_key_name(field: &[u8]) -> Option<KeyName> {
    named(field, |entry| entry.key_name())
}

/// The name of an application in a request.
pub fn read_application_name(field: &[u8]) -> Option<Vec<u8>> {
    named(field, |entry| Ok(entry.aid(5..=16, "5 to 16")?.to_vec()))
}

fn named<T>(field: &[u8], name: impl Fn(&Entry<'_>) -> Result<T, Field62Error>) -> Option<T> {
    let objects = tlv::tree(field).ok()?;
    match entries(field, &objects)[..] {
        [entry] => name(&entry).ok(),
        _ => None,
    }
}

/// An answer that has nothing.
pub fn write_nothing() -> Vec<u8> {
    vec![NOTHING]
}

/// Part of a list: `names` as [`write_key_name`] or [`write_application_name`] writes them.
pub fn write_page(names: &[Vec<u8>], first: bool, more: bool) -> Vec<u8> {
    let control = match (first, more) {
        (_, true) => MORE,
        (true, false) => ALL,
        (false, false) => LAST,
    };
    [&[control][..], &names.concat()].concat()
}

/// A CA key as an answer brings it; nothing when a value is not what it should be.
pub fn write_ca_key(key: &KeyEntry) -> Option<Vec<u8>> {
    let bytes = |text: &str| hex::decode(text).ok();
    let mut content = TlvBuilder::new().with(AID, &bytes(&key.rid)?).with(INDEX, &bytes(&key.index)?);
    if let Some(expiry) = &key.expiry {
        content = content.with(EXPIRY, expiry.replace('-', "").as_bytes());
    }
    let content = content
        .with(HASH_ALGORITHM, &[SHA_1])
        .with(KEY_ALGORITHM, &[RSA])
        .with(MODULUS, &bytes(&key.modulus)?)
        .with(EXPONENT, &bytes(&key.exponent)?)
        .with(HASH, &bytes(&key.hash)?)
        .build();
    Some([&[ALL][..], &content].concat())
}

/// An application as an answer brings it; nothing when a value is not what it should be.
pub fn write_application(entry: &AidEntry, amounts: AmountCoding) -> Option<Vec<u8>> {
    let bytes = |text: &str| hex::decode(text).ok();
    let amount = |amount: u32| match amounts {
        AmountCoding::Binary => Some(amount.to_be_bytes().to_vec()),
        AmountCoding::Bcd => bytes(&format!("{amount:08}")).filter(|written| written.len() == 4),
    };
    let percentage = |percentage: u8| bytes(&format!("{percentage:02}")).filter(|written| written.len() == 1);
    let content = TlvBuilder::new()
        .with(AID, &bytes(&entry.aid)?)
        .with(SELECTION, &[u8::from(!entry.partial)])
        .with(CARD_VERSION, &bytes(&entry.version)?)
        .with(TAC_DEFAULT, &bytes(&entry.tac_default)?)
        .with(TAC_ONLINE, &bytes(&entry.tac_online)?)
        .with(TAC_DENIAL, &bytes(&entry.tac_denial)?)
        .with(FLOOR_LIMIT, &amount(entry.floor_limit)?)
        .with(THRESHOLD, &amount(entry.random_threshold)?)
        .with(MAXIMUM, &percentage(entry.random_maximum)?)
        .with(TARGET, &percentage(entry.random_target)?)
        .with(DDOL, &bytes(&entry.ddol)?)
        .build();
    Some([&[ALL][..], &content].concat())
}

#[cfg(test)]
mod tests;
