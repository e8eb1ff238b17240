//! Field 62 of the messages that bring the acquirer's tables.
//!
//! Terminal parameters (360) are pairs of two digits and a value of fixed length, which the dialect names; what this program
//! has no use for is passed over. The card list and the words for response codes are BER-TLV behind a control character, as
//! in [`super::field62`]: a record begins with its first object, and a request says in four digits how many have come. Reads
//! and writes; sends nothing.

use encoding_rs::GB18030;

use super::field62::{ALL, Field62Problem, LAST, MORE, NOTHING};
use crate::emv::tag::Tag;
use crate::emv::tlv::{self, TlvBuilder};
use crate::host_tables::{CardKind, CardRange, ResponseText, TerminalParameters};
use crate::iso8583::dialect::TerminalLayout;
use crate::wording::HostWords;

/// Objects of a record of the card list.
const PREFIX: Tag = Tag(0xDF21);
const BANK: Tag = Tag(0xDF22);
const KIND: Tag = Tag(0xDF23);
const REFUSED: Tag = Tag(0xDF24);

/// Objects of a record of words.
const CODE: Tag = Tag(0xDF31);
const WORDS: [Tag; 4] = [Tag(0xDF32), Tag(0xDF33), Tag(0xDF34), Tag(0xDF35)];

/// The longest field 62, in bytes.
const LONGEST_FIELD: usize = 999;

/// What was read cannot be what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field 62, {path} at byte {offset}: {problem}")]
pub struct TablesError {
    /// Which record, and which object of it.
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

/// Reads terminal parameters.
///
/// # Errors
/// When a pair is unknown or cut off, or a value is no text.
pub fn terminal(field: &[u8], layout: &TerminalLayout) -> Result<TerminalParameters, TablesError> {
    let mut parameters = TerminalParameters::default();
    let mut at = 0;
    while at < field.len() {
        let refused = |path: String, problem| Err(TablesError { path, offset: at, problem });
        let Some(name) = field.get(at..at + 2).and_then(|name| std::str::from_utf8(name).ok()) else {
            return refused("a parameter".to_owned(), Field62Problem::Value("two digits"));
        };
        let path = format!("parameter {name}");
        let Some(length) = layout.lengths.get(name) else {
            return refused(path, Field62Problem::Value("one that the dialect knows"));
        };
        let Some(value) = field.get(at + 2..at + 2 + length) else {
            return refused(path, Field62Problem::Value("all there"));
        };
        let Some(text) = GB18030.decode_without_bom_handling_and_without_replacement(value) else {
            return refused(path, Field62Problem::Value("text in GB 18030"));
        };
        let text = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        if name == layout.merchant_name {
            parameters.merchant_name = text;
        } else if name == layout.help_desk {
            parameters.help_desk = text;
        } else if name == layout.answer_timeout
            && let Some(text) = text
        {
            match text.parse() {
                Ok(seconds) => parameters.answer_timeout_s = Some(seconds),
                Err(_) => return refused(path, Field62Problem::Value("a number")),
            }
        }
        at += 2 + length;
    }
    Ok(parameters)
}

/// Writes terminal parameters: those that there are. Nothing when one does not fit.
pub fn write_terminal(parameters: &TerminalParameters, layout: &TerminalLayout) -> Option<Vec<u8>> {
    let seconds = parameters.answer_timeout_s.map(|seconds| format!("{seconds:02}"));
    let mut field = Vec::new();
    for (name, value) in [
        (&layout.answer_timeout, seconds.as_ref()),
        (&layout.help_desk, parameters.help_desk.as_ref()),
        (&layout.merchant_name, parameters.merchant_name.as_ref()),
    ] {
        let Some(value) = value else { continue };
        let (mut bytes, length) = (GB18030.encode(value).0.into_owned(), *layout.lengths.get(name)?);
        if bytes.len() > length {
            return None;
        }
        bytes.resize(length, b' ');
        field.extend_from_slice(name.as_bytes());
        field.extend_from_slice(&bytes);
    }
    Some(field)
}

/// Reads part of the card list.
///
/// # Errors
/// When the field cannot be read, or a value in it cannot be.
pub fn cards(field: &[u8]) -> Result<Records<CardRange>, TablesError> {
    records(field, PREFIX, |record| {
        let refused = match record.find(REFUSED) {
            None | Some([0]) => false,
            Some([1]) => true,
            Some(_) => return Err(record.wrong(REFUSED, "00 or 01")),
        };
        let kind = match record.find(KIND) {
            Some([code]) => CardKind::ALL.get(usize::from(*code)).copied(),
            _ => None,
        };
        Ok(CardRange {
            prefix: record.text(PREFIX)?,
            bank: record.text(BANK)?,
            kind: kind.ok_or_else(|| record.wrong(KIND, "00, 01 or 02"))?,
            refused,
        })
    })
}

/// Reads part of the words for response codes.
///
/// # Errors
/// When the field cannot be read, or a value in it cannot be.
pub fn texts(field: &[u8]) -> Result<Records<ResponseText>, TablesError> {
    records(field, CODE, |record| {
        let [zh, zh_do, en, en_do] = WORDS.map(|tag| record.text(tag));
        let words = HostWords { zh: zh?, zh_do: zh_do?, en: en?, en_do: en_do? };
        Ok(ResponseText { code: record.text(CODE)?, words })
    })
}

/// A record of the card list.
pub fn write_card(range: &CardRange) -> Vec<u8> {
    let kind = CardKind::ALL.iter().position(|kind| *kind == range.kind).and_then(|code| u8::try_from(code).ok());
    TlvBuilder::new()
        .with(PREFIX, range.prefix.as_bytes())
        .with(BANK, range.bank.as_bytes())
        .with(KIND, &[kind.unwrap_or_default()])
        .with(REFUSED, &[u8::from(range.refused)])
        .build()
}

/// A record of words.
pub fn write_text(text: &ResponseText) -> Vec<u8> {
    let HostWords { zh, zh_do, en, en_do } = &text.words;
    let mut record = TlvBuilder::new().with(CODE, text.code.as_bytes());
    for (tag, words) in WORDS.into_iter().zip([zh, zh_do, en, en_do]) {
        record = record.with(tag, words.as_bytes());
    }
    record.build()
}

/// A part of a table: as many of `records`, after `received` of them, as fit.
pub fn write_records(records: &[Vec<u8>], received: usize) -> Vec<u8> {
    let rest = records.get(received..).unwrap_or_default();
    let mut field = vec![NOTHING];
    let mut written = 0;
    for record in rest.iter().take_while(|record| field.len() + record.len() <= LONGEST_FIELD) {
        field.extend_from_slice(record);
        written += 1;
    }
    field[0] = match (written, written == rest.len()) {
        (0, _) => NOTHING,
        (_, false) => MORE,
        (_, true) if received == 0 => ALL,
        (_, true) => LAST,
    };
    field
}

/// What a request for part of a table says: how many records have come already.
pub fn request(received: usize) -> Vec<u8> {
    format!("{received:04}").into_bytes()
}

/// How many records a terminal has already; nothing when it does not ask so.
pub fn received(field: &[u8]) -> Option<usize> {
    (field.len() == 4).then(|| std::str::from_utf8(field).ok()?.parse().ok()).flatten()
}

/// One record: the objects from its first to that of the next one.
struct Record<'a> {
    /// Counted from 1.
    number: usize,
    offset: usize,
    objects: &'a [tlv::Node<'a>],
}

impl<'a> Record<'a> {
    fn find(&self, tag: Tag) -> Option<&'a [u8]> {
        self.objects.iter().find(|node| node.tag == tag).map(|node| node.value)
    }

    fn wrong(&self, tag: Tag, expected: &'static str) -> TablesError {
        let offset = self.objects.iter().find(|node| node.tag == tag).map_or(self.offset, |node| node.offset + 1);
        TablesError { path: format!("record {}, {tag}", self.number), offset, problem: Field62Problem::Value(expected) }
    }

    fn text(&self, tag: Tag) -> Result<String, TablesError> {
        let text = self.find(tag).and_then(|bytes| std::str::from_utf8(bytes).ok());
        text.map(str::to_owned).ok_or_else(|| self.wrong(tag, "a text in UTF-8"))
    }
}

fn records<T>(
    field: &[u8],
    first: Tag,
    read: impl Fn(&Record<'_>) -> Result<T, TablesError>,
) -> Result<Records<T>, TablesError> {
    let whole = |offset, problem| TablesError { path: "the whole".to_owned(), offset, problem };
    let more = match field.first() {
        Some(&(NOTHING | ALL | LAST)) => false,
        Some(&MORE) => true,
        Some(other) => return Err(whole(0, Field62Problem::Control(*other))),
        None => return Err(whole(0, Field62Problem::Empty)),
    };
    let objects = tlv::tree(&field[1..]).map_err(|error| whole(1, error.into()))?;
    let starts: Vec<_> = (0..objects.len()).filter(|at| objects[*at].tag == first).collect();
    if starts.first().is_none_or(|start| *start != 0) && !objects.is_empty() {
        return Err(whole(1, Field62Problem::Missing));
    }
    let ends = starts.iter().skip(1).copied().chain([objects.len()]);
    let records = starts.iter().copied().zip(ends).enumerate().map(|(index, (start, end))| {
        read(&Record { number: index + 1, offset: objects[start].offset + 1, objects: &objects[start..end] })
    });
    Ok(Records { records: records.collect::<Result<_, _>>()?, more })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso8583::Dialect;

    fn layout() -> TerminalLayout {
        Dialect::shipped("unionpay").unwrap().parameters.tables.unwrap().layout
    }

    fn range(prefix: &str, refused: bool) -> CardRange {
        CardRange { prefix: prefix.to_owned(), bank: "农业银行".to_owned(), kind: CardKind::Debit, refused }
    }

    /// As a host of the field writes it: pairs this program has no use for among those it has.
    #[test]
    fn terminal_parameters_are_read_among_others() {
        let mut field = b"1160125213314              17 95516        181".to_vec();
        field.truncate(8);
        field.extend_from_slice(b"133");
        field.extend_from_slice(b"1795516         ");
        field.extend_from_slice(b"22");
        let mut name = GB18030.encode("老王面馆").0.into_owned();
        name.resize(40, b' ');
        field.extend_from_slice(&name);
        let read = terminal(&field, &layout()).unwrap();
        assert_eq!(read.answer_timeout_s, Some(52));
        assert_eq!((read.merchant_name.as_deref(), read.help_desk.as_deref()), (Some("老王面馆"), Some("95516")));
        let written = write_terminal(&read, &layout()).unwrap();
        assert_eq!(terminal(&written, &layout()), Ok(read));
        for (field, at) in [(&b"99x"[..], 0), (b"1160x", 4), (b"12", 0), (b"12ab", 0), (b"1712345", 0)] {
            assert_eq!(terminal(field, &layout()).unwrap_err().offset, at, "{field:?}");
        }
    }

    #[test]
    fn a_table_comes_in_parts_that_fit() {
        let ranges: Vec<_> = (10..99).map(|number| range(&format!("6228{number}"), number % 2 == 0)).collect();
        let written: Vec<_> = ranges.iter().map(write_card).collect();
        let mut read: Vec<CardRange> = Vec::new();
        loop {
            let field = write_records(&written, received(&request(read.len())).unwrap());
            assert!(field.len() <= LONGEST_FIELD);
            let part = cards(&field).unwrap();
            read.extend(part.records);
            if !part.more {
                break;
            }
        }
        assert_eq!(read, ranges);
        assert_eq!(cards(&write_records(&[], 0)), Ok(Records { records: Vec::new(), more: false }));
    }

    #[test]
    fn words_are_read_as_they_were_written_and_what_is_none_is_refused_at_its_place() {
        let words =
            HostWords {
                zh: "余额不足".into(), zh_do: "换卡".into(), en: "No money".into(), en_do: "Other".into()
            };
        let text = ResponseText { code: "51".to_owned(), words };
        let field = write_records(&[write_text(&text)], 0);
        assert_eq!(texts(&field), Ok(Records { records: vec![text], more: false }));
        for end in 1..field.len() {
            assert!(texts(&field[..end]).is_err() || end == 1, "{end}");
        }
        assert!(texts(b"").is_err() && texts(b"9").is_err());
        let card = write_records(&[write_card(&range("62", false))], 0);
        assert_eq!(texts(&card).unwrap_err().problem, Field62Problem::Missing);
    }
}
