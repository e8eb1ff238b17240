//! Field 62 of the messages that bring the acquirer's tables.
//!
//! Terminal parameters are pairs of two digits and a value of fixed length, which the dialect names. Those about payments are
//! BER-TLV. Both are read as a whole; what this program has no use for is kept as it came. The card list and the words for
//! response codes are BER-TLV behind a control character, as in [`super::field62`]: a record begins with its first object, and a
//! request says in four digits how many have come. Reads and writes; sends nothing.

use encoding_rs::GB18030;
use zeroize::Zeroizing;

use super::field62::{ALL, Field62Problem, LAST, MORE, NOTHING};
use crate::crypto::hex;
use crate::emv::tag::Tag;
use crate::emv::tlv::{self, Node, TlvBuilder, TlvError};
use crate::host_tables::{
    CardKind, CardNumber, CardRange, InstalmentOffer, NumberKey, OfflineLimits, ResponseText, TerminalParameters,
    Transaction, is_whole,
};
use crate::iso8583::dialect::{BusinessTags, TerminalLayout};

/// Objects of a record of the card list.
const PREFIX: Tag = Tag(0xDF21);
const BANK: Tag = Tag(0xDF22);
const KIND: Tag = Tag(0xDF23);
const REFUSED: Tag = Tag(0xDF24);
const ENDING: Tag = Tag(0xDF25);

/// Objects of a record of words.
const CODE: Tag = Tag(0xDF31);
const WORDS: [Tag; 4] = [Tag(0xDF32), Tag(0xDF33), Tag(0xDF34), Tag(0xDF35)];

/// Digits of the name of a pair.
const PAIR_NAME: usize = 2;

/// The longest field 62, in bytes.
const LONGEST_FIELD: usize = 999;

/// What was read cannot be what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field 62, {path} at byte {offset}: {problem}")]
pub struct TablesError {
    /// Which parameter or record, and which object of it.
    pub path: String,
    /// Offset of its first byte within the field.
    pub offset: usize,
    /// Why not.
    pub problem: Field62Problem,
}

/// Records of a table, and whether others follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records<T> {
    /// The records.
    pub records: Vec<T>,
    /// Others follow.
    pub more: bool,
}

/// Reads terminal parameters into `parameters`.
///
/// # Errors
/// When a pair is unknown to the dialect, so that nobody knows where it ends, comes twice, is cut off, or its value is none.
pub fn read_terminal(
    field: &[u8],
    layout: &TerminalLayout,
    parameters: &mut TerminalParameters,
) -> Result<(), TablesError> {
    let mut seen = Vec::new();
    let mut at = 0;
    while at < field.len() {
        let refused = |path: &str, problem| Err(TablesError { path: path.to_owned(), offset: at, problem });
        let Some(name) = field.get(at..at + 2).and_then(|name| std::str::from_utf8(name).ok()) else {
            return refused("a parameter", Field62Problem::Value("two digits"));
        };
        let path = format!("parameter {name}");
        let Some(length) = layout.lengths.get(name) else {
            return refused(&path, Field62Problem::Value("one that the dialect knows"));
        };
        let Some(value) = field.get(at + 2..at + 2 + length) else {
            return refused(&path, Field62Problem::Value("all there"));
        };
        if seen.contains(&name) {
            return refused(&path, Field62Problem::Twice);
        }
        seen.push(name);
        if name == layout.merchant_name || name == layout.help_desk {
            let Some(text) = GB18030.decode_without_bom_handling_and_without_replacement(value) else {
                return refused(&path, Field62Problem::Value("text in GB 18030"));
            };
            let text = Some(text.trim_matches(' ').to_owned()).filter(|text| !text.is_empty());
            *(if name == layout.help_desk { &mut parameters.help_desk } else { &mut parameters.merchant_name }) = text;
        } else if name == layout.answer_timeout || name == layout.tries {
            let Some(number) = number(value) else { return refused(&path, Field62Problem::Value("a number")) };
            if name == layout.tries {
                parameters.tries = u32::try_from(number).ok();
            } else {
                parameters.answer_timeout_s = Some(number);
            }
        } else {
            parameters.other.insert(name.to_owned(), hex::encode(value));
        }
        at += 2 + length;
    }
    Ok(())
}

/// Writes terminal parameters: those that there are. Nothing when one does not fit.
pub fn write_terminal(parameters: &TerminalParameters, layout: &TerminalLayout) -> Option<Vec<u8>> {
    let digits = |name: &String, number: Option<u64>| {
        let width = *layout.lengths.get(name)?;
        number.map(|number| format!("{number:0width$}").into_bytes())
    };
    let text = |name: &String, text: &Option<String>| {
        let mut bytes = text.as_ref().map(|text| GB18030.encode(text).0.into_owned())?;
        let length = *layout.lengths.get(name)?;
        bytes.resize(bytes.len().max(length), b' ');
        Some(bytes)
    };
    let mut pairs = vec![
        (&layout.answer_timeout, digits(&layout.answer_timeout, parameters.answer_timeout_s)),
        (&layout.tries, digits(&layout.tries, parameters.tries.map(u64::from))),
        (&layout.help_desk, text(&layout.help_desk, &parameters.help_desk)),
        (&layout.merchant_name, text(&layout.merchant_name, &parameters.merchant_name)),
    ];
    let others = parameters.other.iter().filter(|(name, _)| name.len() == PAIR_NAME);
    pairs.extend(others.map(|(name, value)| (name, hex::decode(value).ok())));
    let mut field = Vec::new();
    for (name, value) in pairs {
        let Some(value) = value else { continue };
        if value.len() != *layout.lengths.get(name)? {
            return None;
        }
        field.extend_from_slice(name.as_bytes());
        field.extend_from_slice(&value);
    }
    Some(field)
}

/// Reads parameters about payments into `parameters`.
///
/// # Errors
/// When the field is no BER-TLV, or a value in it cannot be.
pub fn read_business(
    field: &[u8],
    tags: &BusinessTags,
    parameters: &mut TerminalParameters,
) -> Result<(), TablesError> {
    let mut seen = Vec::new();
    let (mut offered, mut from) = (None, None);
    let mut objects = tlv::walk(field);
    while let Some(object) = objects.next_with_offset() {
        let (offset, tlv::Tlv { tag, value }) = object.map_err(|error| whole(0, error.into()))?;
        let name = tag.to_string();
        let refused = |problem| Err(TablesError { path: name.clone(), offset, problem });
        // Two digits name a pair of the terminal's own parameters.
        if name.len() == PAIR_NAME {
            return refused(Field62Problem::Value("a tag of two bytes or more"));
        }
        if name != tags.trailer && seen.contains(&tag) {
            return refused(Field62Problem::Twice);
        }
        seen.push(tag);
        let text = std::str::from_utf8(value).ok();
        let of_pins = tags.no_pin_limit.as_ref() == Some(&name);
        if name == tags.no_signature_limit || name == tags.sale_limit || of_pins {
            let Some(limit) = number(value).filter(|_| value.len() == 12) else {
                return refused(Field62Problem::Value("an amount of twelve digits"));
            };
            let of_signatures = name == tags.no_signature_limit;
            // None at all, where hosts send twelve zeros for it.
            let limit = Some(limit).filter(|limit| *limit > 0);
            *(match (of_signatures, of_pins) {
                (true, _) => &mut parameters.no_signature_limit,
                (_, true) => &mut parameters.no_pin_limit,
                _ => &mut parameters.sale_limit,
            }) = limit;
        } else if tags.receipt_address.as_ref() == Some(&name) {
            let Some(text) = text else { return refused(Field62Problem::Value("a text in UTF-8")) };
            parameters.receipt_address = Some(text.to_owned()).filter(|text| !text.is_empty());
        } else if tags.receipt_days.as_ref() == Some(&name) {
            let days = number(value).map(|days| u16::try_from(days).unwrap_or(u16::MAX));
            let Some(days) = days else { return refused(Field62Problem::Value("a number")) };
            parameters.receipt_days = Some(days);
        } else if tags.settlement_at.as_ref() == Some(&name) {
            let digits = text.filter(|text| text.len() == 4 && text.bytes().all(|digit| digit.is_ascii_digit()));
            let Some((hour, minute)) = digits.and_then(|digits| digits.split_at_checked(2)) else {
                return refused(Field62Problem::Value("four digits"));
            };
            parameters.settlement_at = Some(format!("{hour}:{minute}"));
        } else if let Some(place) = yes_or_no(&name, tags, parameters) {
            *place = match value {
                [0] => false,
                [1] => true,
                _ => return refused(Field62Problem::Value("00 or 01")),
            };
        } else if tags.card_needed.as_ref() == Some(&name) {
            let Some(text) = text else { return refused(Field62Problem::Value("a text in UTF-8")) };
            parameters.card_needed = words(text);
        } else if tags.instalments.as_ref() == Some(&name) {
            let Some(offer) = text.and_then(read_offer) else {
                return refused(Field62Problem::Value(
                    "numbers with commas between them, and a programme behind a semicolon",
                ));
            };
            offered = Some(offer);
        } else if tags.instalments_from.as_ref() == Some(&name) {
            let Some(amount) = number(value).filter(|_| value.len() == 12) else {
                return refused(Field62Problem::Value("an amount of twelve digits"));
            };
            from = Some(amount);
        } else if tags.fallback_s.as_ref() == Some(&name) {
            let seconds = number(value).map(|seconds| u16::try_from(seconds).unwrap_or(u16::MAX));
            let Some(seconds) = seconds else { return refused(Field62Problem::Value("a number")) };
            parameters.fallback_s = Some(seconds);
        } else if tags.typed.as_ref() == Some(&name) {
            let Some(text) = text else { return refused(Field62Problem::Value("a text in UTF-8")) };
            parameters.typed = Some(words(text));
        } else if tags.offline.as_ref() == Some(&name) {
            let Some(limits) = offline_limits(value) else {
                return refused(Field62Problem::Value("an amount, a count and an amount: 27 digits"));
            };
            // As with the limits above, zeros say that there is none.
            parameters.offline = Some(limits).filter(|limits| limits.most > 0);
        } else if name == tags.transactions || name == tags.trailer {
            let Some(text) = text else { return refused(Field62Problem::Value("a text in UTF-8")) };
            if name == tags.trailer {
                parameters.trailer.push(text.to_owned());
            } else {
                parameters.transactions = Some(words(text));
            }
        } else {
            parameters.other.insert(name, hex::encode(value));
        }
    }
    // An amount alone offers nothing, and an empty list says that nothing is offered.
    parameters.instalments = offered
        .filter(|(periods, _)| !periods.is_empty())
        .map(|(periods, programme)| InstalmentOffer { periods, from: from.unwrap_or(1).max(1), programme });
    Ok(())
}

/// Where a parameter of one byte that says yes or no has its place, if it is one.
fn yes_or_no<'a>(name: &str, tags: &BusinessTags, parameters: &'a mut TerminalParameters) -> Option<&'a mut bool> {
    let places = [
        (&tags.in_part, &mut parameters.in_part),
        (&tags.signature_pad, &mut parameters.signature_pad),
        (&tags.no_pin_for_stripes, &mut parameters.no_pin_for_stripes),
    ];
    places.into_iter().find(|(tag, _)| tag.as_deref() == Some(name)).map(|(_, place)| place)
}

/// The most of one, how many may wait, what those may come to.
fn offline_limits(value: &[u8]) -> Option<OfflineLimits> {
    let (most, rest) = value.split_at_checked(12)?;
    let (count, total) = rest.split_at_checked(3)?;
    let count = u32::try_from(number(count)?).ok()?;
    (total.len() == 12).then_some(OfflineLimits { most: number(most)?, count, total: number(total)? })
}

/// Numbers of periods with commas between them, and the number of a programme behind a semicolon. A number that cannot be is left to
/// whoever adjusts what was sent.
fn read_offer(text: &str) -> Option<(Vec<u8>, Option<String>)> {
    let (numbers, programme) = match text.split_once(';') {
        Some((numbers, programme)) => (numbers, Some(programme.to_owned())),
        None => (text, None),
    };
    let digits = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = |text: &str| digits(text).then(|| text.parse().unwrap_or(u8::MAX));
    let periods: Option<Vec<u8>> = numbers.split(',').filter(|text| !text.is_empty()).map(number).collect();
    Some((periods?, programme))
}

/// The same, written.
fn write_offer(offer: &InstalmentOffer) -> String {
    let numbers = offer.periods.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
    match &offer.programme {
        Some(programme) => format!("{numbers};{programme}"),
        None => numbers,
    }
}

/// Words of kinds, with commas between them.
fn words(text: &str) -> Vec<Transaction> {
    text.split(',').filter(|word| !word.is_empty()).map(|word| Transaction::from(word.to_owned())).collect()
}

/// The same, written.
fn with_commas(transactions: &[Transaction]) -> String {
    transactions.iter().map(Transaction::word).collect::<Vec<_>>().join(",")
}

/// Writes parameters about payments: those that there are. Nothing when a name of others is no tag.
pub fn write_business(parameters: &TerminalParameters, tags: &BusinessTags) -> Option<Vec<u8>> {
    let tag = |name: &String| {
        let bytes = hex::decode(name).ok()?;
        Tag::read(&bytes).filter(|(_, length)| *length == bytes.len()).map(|(tag, _)| tag)
    };
    let mut field = TlvBuilder::new();
    for (name, limit) in [
        (Some(&tags.no_signature_limit), parameters.no_signature_limit),
        (tags.no_pin_limit.as_ref(), parameters.no_pin_limit),
        (Some(&tags.sale_limit), parameters.sale_limit),
    ] {
        if let (Some(name), Some(limit)) = (name, limit) {
            field.push(tag(name)?, format!("{limit:012}").as_bytes());
        }
    }
    let days = parameters.receipt_days.map(|days| format!("{days:04}"));
    let night = parameters.settlement_at.as_ref().map(|at| at.replace(':', ""));
    for (name, value) in [
        (&tags.receipt_address, &parameters.receipt_address),
        (&tags.receipt_days, &days),
        (&tags.settlement_at, &night),
    ] {
        if let (Some(name), Some(value)) = (name, value) {
            field.push(tag(name)?, value.as_bytes());
        }
    }
    for (name, is_so) in [
        (&tags.in_part, parameters.in_part),
        (&tags.signature_pad, parameters.signature_pad),
        (&tags.no_pin_for_stripes, parameters.no_pin_for_stripes),
    ] {
        let Some(name) = name.as_ref().filter(|_| is_so) else { continue };
        field.push(tag(name)?, &[1]);
    }
    if let (Some(name), Some(seconds)) = (&tags.fallback_s, parameters.fallback_s) {
        field.push(tag(name)?, format!("{seconds:03}").as_bytes());
    }
    if let (Some(name), Some(OfflineLimits { most, count, total })) = (&tags.offline, parameters.offline) {
        field.push(tag(name)?, format!("{most:012}{count:03}{total:012}").as_bytes());
    }
    if let Some(offer) = &parameters.instalments {
        let from = format!("{:012}", offer.from);
        for (name, value) in [(&tags.instalments, write_offer(offer)), (&tags.instalments_from, from)] {
            if let Some(name) = name {
                field.push(tag(name)?, value.as_bytes());
            }
        }
    }
    let card_needed = Some(&parameters.card_needed).filter(|kinds| !kinds.is_empty());
    let listed = [
        (Some(&tags.transactions), parameters.transactions.as_ref()),
        (tags.typed.as_ref(), parameters.typed.as_ref()),
        (tags.card_needed.as_ref(), card_needed),
    ];
    for (name, transactions) in listed {
        if let (Some(name), Some(transactions)) = (name, transactions) {
            field.push(tag(name)?, with_commas(transactions).as_bytes());
        }
    }
    for line in &parameters.trailer {
        field.push(tag(&tags.trailer)?, line.as_bytes());
    }
    for (name, value) in parameters.other.iter().filter(|(name, _)| name.len() != PAIR_NAME) {
        field.push(tag(name)?, &hex::decode(value).ok()?);
    }
    Some(field.build())
}

/// A record of the card list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardRecord {
    /// Cards by the beginnings of their numbers.
    Range(CardRange),
    /// One card by its whole number.
    Number(CardNumber),
}

/// Reads part of the card list. A beginning that is a whole number is one card, of which only what stands for the number under
/// `key` is kept.
///
/// # Errors
/// When the field cannot be read, or a value in it cannot be.
pub fn cards(field: &[u8], key: &NumberKey) -> Result<Records<CardRecord>, TablesError> {
    records(field, PREFIX, |record| {
        let refused = match record.find(REFUSED) {
            None | Some([0]) => false,
            Some([1]) => true,
            Some(_) => return Err(record.wrong(REFUSED, "00 or 01")),
        };
        let (prefix, ending) = (Zeroizing::new(record.text(PREFIX)?), record.maybe_text(ENDING)?);
        let bank = record.text(BANK)?;
        let kind = match record.find(KIND) {
            Some([code]) => CardKind::ALL.get(usize::from(*code)).copied(),
            _ => None,
        };
        let kind = kind.ok_or_else(|| record.wrong(KIND, "00, 01 or 02"))?;
        if is_whole(&prefix) && ending.is_none() {
            let digest =
                key.digest(&prefix).map_err(|_| record.wrong(PREFIX, "a number that a digest can be made of"))?;
            return Ok(CardRecord::Number(CardNumber { digest, bank, kind, refused }));
        }
        Ok(CardRecord::Range(CardRange { prefix: (*prefix).clone(), ending, bank, kind, refused }))
    })
}

/// Reads part of the words for response codes.
///
/// # Errors
/// When the field cannot be read, or a value in it cannot be.
pub fn texts(field: &[u8]) -> Result<Records<ResponseText>, TablesError> {
    records(field, CODE, |record| {
        let [zh, zh_do, en, en_do] = WORDS.map(|tag| record.maybe_text(tag));
        Ok(ResponseText { code: record.text(CODE)?, zh: zh?, zh_do: zh_do?, en: en?, en_do: en_do? })
    })
}

/// A record of the card list.
pub fn write_card(range: &CardRange) -> Vec<u8> {
    let mut record = card_record(&range.prefix, &range.bank, range.kind, range.refused);
    if let Some(ending) = &range.ending {
        record.push(ENDING, ending.as_bytes());
    }
    record.build()
}

/// A record of the card list about one card, by its whole number.
pub fn write_number(number: &str, bank: &str, kind: CardKind, refused: bool) -> Vec<u8> {
    card_record(number, bank, kind, refused).build()
}

fn card_record(prefix: &str, bank: &str, kind: CardKind, refused: bool) -> TlvBuilder {
    let code = CardKind::ALL.iter().position(|known| *known == kind).and_then(|code| u8::try_from(code).ok());
    TlvBuilder::new()
        .with(PREFIX, prefix.as_bytes())
        .with(BANK, bank.as_bytes())
        .with(KIND, &[code.unwrap_or_default()])
        .with(REFUSED, &[u8::from(refused)])
}

/// A record of words.
pub fn write_text(text: &ResponseText) -> Vec<u8> {
    let mut record = TlvBuilder::new().with(CODE, text.code.as_bytes());
    for (tag, words) in WORDS.into_iter().zip([&text.zh, &text.zh_do, &text.en, &text.en_do]) {
        if let Some(words) = words {
            record.push(tag, words.as_bytes());
        }
    }
    record.build()
}

/// A part of a table: as many of `records`, after `received` of them, as fit. Nothing when the first of them is longer than a
/// field: a terminal would ask for it without end.
pub fn write_records(records: &[Vec<u8>], received: usize) -> Option<Vec<u8>> {
    let rest = records.get(received..).unwrap_or_default();
    let mut field = vec![NOTHING];
    let mut written = 0;
    for record in rest.iter() {
        if field.len() + record.len() > LONGEST_FIELD {
            break;
        }
        field.extend_from_slice(record);
        written += 1;
    }
    let control = match (written, written == rest.len()) {
        (0, true) => NOTHING,
        (0, false) => return None,
        (_, false) => MORE,
        (_, true) if received == 0 => ALL,
        (_, true) => LAST,
    };
    if let Some(first) = field.first_mut() {
        *first = control;
    }
    Some(field)
}

/// What a request for part of a table says: how many records have come already.
pub fn request(received: usize) -> Vec<u8> {
    format!("{received:04}").into_bytes()
}

/// How many records a terminal has already; nothing when it does not ask so.
pub fn received(field: &[u8]) -> Option<usize> {
    number(field).filter(|_| field.len() == 4).and_then(|number| usize::try_from(number).ok())
}

/// Digits as a number.
fn number(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|digit| digit.is_ascii_digit()))?;
    digits.parse().ok()
}

/// One record: the objects from its first to that of the next one.
struct Record<'a> {
    /// Counted from 1.
    number: usize,
    /// Of its first object, within the field.
    offset: usize,
    objects: &'a [Node<'a>],
}

impl<'a> Record<'a> {
    fn object(&self, tag: Tag) -> Option<&'a Node<'a>> {
        self.objects.iter().find(|node| node.tag == tag)
    }

    fn find(&self, tag: Tag) -> Option<&'a [u8]> {
        self.object(tag).map(|node| node.value)
    }

    fn wrong(&self, tag: Tag, expected: &'static str) -> TablesError {
        let offset = self.object(tag).map_or(self.offset, |node| node.offset + 1);
        TablesError { path: format!("record {}, {tag}", self.number), offset, problem: Field62Problem::Value(expected) }
    }

    fn text(&self, tag: Tag) -> Result<String, TablesError> {
        self.maybe_text(tag)?.ok_or_else(|| TablesError {
            path: format!("record {}, {tag}", self.number),
            offset: self.offset,
            problem: Field62Problem::Missing,
        })
    }

    fn maybe_text(&self, tag: Tag) -> Result<Option<String>, TablesError> {
        let Some(bytes) = self.find(tag) else { return Ok(None) };
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err(self.wrong(tag, "a text in UTF-8")),
        }
    }
}

fn records<T>(
    field: &[u8],
    first: Tag,
    read: impl Fn(&Record<'_>) -> Result<T, TablesError>,
) -> Result<Records<T>, TablesError> {
    let more = match field.first() {
        Some(&(NOTHING | ALL | LAST)) => false,
        Some(&MORE) => true,
        Some(other) => return Err(whole(0, Field62Problem::Control(*other))),
        None => return Err(whole(0, Field62Problem::Empty)),
    };
    let objects = tlv::tree(&field[1..]).map_err(|error: TlvError| whole(1, error.into()))?;
    if objects.first().is_some_and(|object| object.tag != first) {
        return Err(whole(1, Field62Problem::Missing));
    }
    // Each part begins with the first object of a record; those behind it belong to it.
    let mut found = Vec::new();
    let mut rest = objects.as_slice();
    while let Some((head, tail)) = rest.split_first() {
        let length = 1 + tail.iter().position(|object| object.tag == first).unwrap_or(tail.len());
        let (objects, others) = rest.split_at(length);
        found.push(read(&Record { number: found.len() + 1, offset: head.offset + 1, objects })?);
        rest = others;
    }
    Ok(Records { records: found, more })
}

fn whole(offset: usize, problem: Field62Problem) -> TablesError {
    TablesError { path: "the whole".to_owned(), offset, problem }
}

#[cfg(test)]
mod tests;
