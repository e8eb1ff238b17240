//! `yima decode iso8583`: a message field by field, masked.

use std::process::ExitCode;

use serde_json::{Map, Value as Json, json};

use super::Writing;
use crate::cli::{Failure, output};
use crate::crypto::hex;
use crate::emv::dictionary;
use crate::emv::tag::Tag;
use crate::iso8583::framing::Framing;
use crate::iso8583::layout::{Content, FieldFormat, PartsFormat};
use crate::iso8583::parts::{OTHER_ALPHABET, Part, PartValue, Parts};
use crate::iso8583::{Frame, Layout, UnpackError, Value};

/// Reads a message and prints it.
pub fn run(bytes: &[u8], writing: &Writing, as_json: bool) -> Result<ExitCode, Failure> {
    let layout = writing.layout()?;
    let (framing, frame) = if writing.no_frame {
        (Framing::NONE, layout.unpack_any_alphabet(Framing::NONE, bytes)?)
    } else {
        layout.unpack_detected(bytes)?
    };
    let mut fields = Vec::new();
    for (number, value) in frame.message.fields() {
        let is_exact = layout.field(number).is_some_and(|format| format.exact);
        let made_of = match layout.parts(&frame.message, number) {
            Ok(None) => MadeOf::Whole,
            Ok(Some(parts)) => MadeOf::Parts(parts),
            Err(error) if is_exact => return Err(error.into()),
            // Somebody else's use of the field: the message is no worse for it.
            Err(error) => MadeOf::SomethingElse(error),
        };
        fields.push((number, value, made_of));
    }
    if as_json {
        for (_, _, made_of) in &fields {
            if let MadeOf::SomethingElse(error) = made_of {
                output::note(&format!("yima: {}; it is told as a whole", words_of(error)));
            }
        }
        output::json(&object(&layout, framing, &frame, &fields));
    } else {
        table(&layout, framing, &frame, &fields).iter().for_each(|line| output::say(line));
    }
    Ok(ExitCode::SUCCESS)
}

/// A field, its value and what it is made of.
type Field<'a> = (u8, Value<'a>, MadeOf<'a>);

/// What a field is made of.
enum MadeOf<'a> {
    /// Of nothing that this dialect knows.
    Whole,
    Parts(Parts<'a>),
    /// Not of the parts that the dialect has for it.
    SomethingElse(UnpackError),
}

/// Without what was read so far, which is told anyway.
fn words_of(error: &UnpackError) -> String {
    UnpackError { so_far: None, ..error.clone() }.to_string()
}

/// The message as `yima encode iso8583` takes it, but for what is masked.
fn object(layout: &Layout, framing: Framing, frame: &Frame, fields: &[Field<'_>]) -> Json {
    let mut object = Map::new();
    if framing != Framing::NONE || layout.framing != Framing::NONE {
        let mut told = json!({ "length": framing.length.word() });
        if framing != Framing::NONE {
            told["covers"] = framing.covers.word().into();
            told["tpdu"] = hex::encode(&frame.tpdu).into();
            told["header"] = hex::encode(&frame.header).into();
        }
        object.insert("frame".to_owned(), told);
    }
    object.insert("mti".to_owned(), frame.message.mti().to_string().into());
    if frame.message.has_empty_second_bitmap() {
        object.insert("1".to_owned(), hex::encode(&[0; 8]).into());
    }
    for (number, value, made_of) in fields {
        let is_text = layout.field(*number).is_some_and(|format| format.content != Content::Bytes);
        let told = match (made_of, value) {
            // Parts that would not give the same bytes again are told as a whole.
            (MadeOf::Parts(parts), _) if parts.complete && !parts.list.is_empty() => {
                parts_as_json(layout, *number, None, &parts.list)
            }
            (_, Value::Bytes(_)) if is_text => json!({ OTHER_ALPHABET: layout.masked(*number, *value) }),
            _ => layout.masked(*number, *value).into(),
        };
        object.insert(number.to_string(), told);
    }
    Json::Object(object)
}

fn parts_as_json(layout: &Layout, field: u8, around: Option<&str>, parts: &[Part<'_>]) -> Json {
    let told = parts.iter().map(|part| {
        let path = below(around, &part.tag);
        let value = match &part.value {
            PartValue::Whole(value) => layout.masked_part(field, &path, *value).into(),
            PartValue::Parts(within) => parts_as_json(layout, field, Some(&path), within),
        };
        (part.tag.clone(), value)
    });
    Json::Object(told.collect())
}

/// A line of the table.
struct Row {
    place: String,
    name: String,
    /// Of a part that holds parts only its parts are told.
    length: Option<usize>,
    value: String,
    /// What is strange about it.
    remark: String,
}

fn table(layout: &Layout, framing: Framing, frame: &Frame, fields: &[Field<'_>]) -> Vec<String> {
    let mut rows = Vec::new();
    for (number, value, made_of) in fields {
        let format = layout.field(*number);
        let name = format.map(|format| format.name.clone()).unwrap_or_default();
        let told = match made_of {
            MadeOf::Parts(parts) if !parts.list.is_empty() => String::new(),
            MadeOf::Parts(_) | MadeOf::Whole | MadeOf::SomethingElse(_) => layout.masked(*number, *value),
        };
        let is_text = format.is_some_and(|format| format.content != Content::Bytes);
        let remark = match (made_of, value) {
            (MadeOf::SomethingElse(error), _) => words_of(error),
            (_, Value::Bytes(_)) if is_text => "in another alphabet".to_owned(),
            _ => String::new(),
        };
        rows.push(Row { place: number.to_string(), name, length: Some(length_of(*value)), value: told, remark });
        if let MadeOf::Parts(parts) = made_of {
            collect(layout, (*number, format), None, &parts.list, &mut rows);
        }
    }
    let widest = |width: fn(&Row) -> usize| rows.iter().map(width).max().unwrap_or(0);
    let (place, name) = (widest(|row| row.place.len()).max("frame".len()), widest(|row| row.name.len()));
    let around = super::words(framing, &hex::encode(&frame.tpdu), &hex::encode(&frame.header));
    let own = framing == layout.framing;
    let hint = if own { "" } else { " (not the dialect's own)" };
    let mut lines =
        vec![format!("{:<place$}  {around}{hint}", "frame"), format!("{:<place$}  {}", "mti", frame.message.mti())];
    lines.extend(rows.iter().map(|row| {
        let masked = !row.value.is_empty() && row.value.bytes().all(|byte| byte == b'*');
        let value = if masked { "(masked)" } else { &row.value };
        let length = row.length.map(|length| length.to_string()).unwrap_or_default();
        let line = format!("{:<place$}  {:<name$}  {length:>3}  {value}  {}", row.place, row.name, row.remark);
        line.trim_end().to_owned()
    }));
    lines
}

fn collect(
    layout: &Layout,
    field: (u8, Option<&FieldFormat>),
    around: Option<&str>,
    parts: &[Part<'_>],
    rows: &mut Vec<Row>,
) {
    let (number, format) = field;
    for part in parts {
        let path = below(around, &part.tag);
        let depth = path.split('.').count();
        let place = format!("{:indent$}{}", "", part.tag, indent = 2 * depth);
        let name = part_name(format, &part.tag);
        match &part.value {
            PartValue::Whole(value) => {
                let told = layout.masked_part(number, &path, *value);
                let remark = String::new();
                rows.push(Row { place, name, length: Some(length_of(*value)), value: told, remark });
            }
            PartValue::Parts(within) => {
                rows.push(Row { place, name, length: None, value: String::new(), remark: String::new() });
                collect(layout, field, Some(&path), within, rows);
            }
        }
    }
}

fn part_name(format: Option<&FieldFormat>, tag: &str) -> String {
    match format.and_then(|format| format.parts.as_ref()) {
        Some(PartsFormat::Ber) => {
            let tag = u32::from_str_radix(tag, 16).map(Tag);
            tag.ok().and_then(dictionary::name).unwrap_or("unknown tag").to_owned()
        }
        Some(PartsFormat::Positions(positions)) => {
            let index = tag.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            index.and_then(|index| positions.get(index)).map(|position| position.name.clone()).unwrap_or_default()
        }
        Some(PartsFormat::Elements(_)) | None => String::new(),
    }
}

const fn length_of(value: Value<'_>) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
    }
}

fn below(around: Option<&str>, tag: &str) -> String {
    around.map_or_else(|| tag.to_owned(), |around| format!("{around}.{tag}"))
}
