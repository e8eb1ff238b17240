//! `yima encode iso8583`: JSON in, hexadecimal out.

use std::io::Read;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Writing;
use super::document::Document;
use crate::cli::{Failure, output};
use crate::crypto::hex;
use crate::iso8583::framing::{Coverage, FrameLength, Framing, TPDU_LENGTH};
use crate::iso8583::parts::Given;
use crate::iso8583::{Frame, Layout, Message, Mti};

/// Bytes read from standard input at most.
const LONGEST_INPUT: u64 = 1 << 20;

/// What comes after `yima encode`.
#[derive(Debug, Args)]
#[command(after_help = "\
The JSON is an object with \"mti\" and field numbers as keys; all values stand in quotes, bytes in hexadecimal. What is made \
of parts may be given as an object of them or as a whole:\n\n\
  {\"mti\": \"0200\", \"3\": \"000000\", \"55\": {\"9F02\": \"000000001000\"}, \"60\": {\"1\": \"22\", \"2\": \"000001\"}}\n\n\
\"frame\" is optional, as is each of its keys: {\"length\": \"u16\", \"covers\": \"following\", \"tpdu\": HEX, \"header\": HEX}. \
`yima decode iso8583 --json` prints this form. What it masks with stars is refused here: put the test card's own values in \
their place.")]
pub struct Arguments {
    /// What is made
    #[arg(value_enum, ignore_case = true)]
    kind: Kind,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// A message of the host link, from JSON on standard input
    Iso8583,
}

impl Arguments {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let Kind::Iso8583 = self.kind;
        let layout = self.writing.layout()?;
        let mut text = Zeroizing::new(Vec::new());
        std::io::stdin().take(LONGEST_INPUT + 1).read_to_end(&mut text)?;
        if text.len() as u64 > LONGEST_INPUT {
            return Err(format!("no message is as long: see offset {LONGEST_INPUT} of standard input").into());
        }
        let document: Document =
            serde_json::from_slice(&text).map_err(|error| format!("the JSON cannot be read: {error}"))?;
        let (framing, frame) = message(&layout, document, self.writing.no_frame)?;
        output::say(&hex::encode(&layout.pack_framed(framing, &frame)?));
        Ok(ExitCode::SUCCESS)
    }
}

/// The message that the JSON says, and what stands around it.
fn message(layout: &Layout, document: Document, no_frame: bool) -> Result<(Framing, Frame), Failure> {
    let Given::Parts(mut entries) = document.0 else {
        return Err("the JSON is an object with \"mti\" and field numbers as keys".into());
    };
    let mut taken = |key: &str| {
        let index = entries.iter().position(|(name, _)| name == key)?;
        Some(entries.remove(index).1)
    };
    let mti = match taken("mti") {
        Some(Given::Text(digits)) if digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            digits.parse().ok().and_then(Mti::new)
        }
        _ => None,
    };
    let mut message = Message::new(mti.ok_or("\"mti\" is missing or not four digits: it looks like \"0200\"")?);
    let (framing, tpdu, header) = match (taken("frame"), no_frame) {
        (Some(_), true) => return Err("\"frame\" and --no-frame contradict each other".into()),
        (None, true) => (Framing::NONE, Vec::new(), Vec::new()),
        (None, false) => (layout.framing, layout.tpdu.clone(), layout.header.clone()),
        (Some(given), false) => framed(layout, &given)?,
    };
    match taken("1") {
        None => {}
        Some(Given::Text(text)) if hex::decode(&text).is_ok_and(|bitmap| bitmap == [0; 8]) => {
            message.set_empty_second_bitmap();
        }
        Some(_) => {
            return Err(
                "field 1 is the second bitmap and follows from the fields: leave it out, or give sixteen zeros \
                        for one that names none"
                    .into(),
            );
        }
    }
    for (key, given) in &entries {
        let number = key.parse::<u8>().ok().filter(|number| number.to_string() == *key);
        let number = number.ok_or_else(|| format!("\"{key}\" is neither mti, frame nor the number of a field"))?;
        layout.set_given(&mut message, number, given)?;
    }
    Ok((framing, Frame { tpdu, header, message }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrameWords {
    length: Option<FrameLength>,
    covers: Option<Coverage>,
    tpdu: Option<String>,
    header: Option<String>,
}

/// What `"frame"` says. Without a length it has nothing else either that is not given; any other is as the dialect's.
fn framed(layout: &Layout, given: &Given) -> Result<(Framing, Vec<u8>, Vec<u8>), Failure> {
    let Given::Parts(entries) = given else { return Err("\"frame\" is an object".into()) };
    let mut words = serde_json::Map::new();
    for (key, value) in entries {
        let Given::Text(text) = value else { return Err(format!("\"{key}\" of \"frame\" is text").into()) };
        words.insert(key.clone(), text.as_str().into());
    }
    let words: FrameWords =
        serde_json::from_value(words.into()).map_err(|error| format!("\"frame\" cannot be read: {error}"))?;
    let length = words.length.unwrap_or(layout.framing.length);
    let bytes = |name: &str, text: &Option<String>, own: &[u8]| match text {
        Some(text) => hex::decode(text).map_err(|error| format!("\"{name}\" of \"frame\" is {error}")),
        None if length == FrameLength::None => Ok(Vec::new()),
        None => Ok(own.to_vec()),
    };
    let tpdu = bytes("tpdu", &words.tpdu, &layout.tpdu)?;
    let header = bytes("header", &words.header, &layout.header)?;
    if ![0, TPDU_LENGTH].contains(&tpdu.len()) {
        return Err(format!("\"tpdu\" of \"frame\" is a TPDU of {TPDU_LENGTH} bytes, or none").into());
    }
    let covers = words.covers.unwrap_or(layout.framing.covers);
    Ok((Framing { length, covers, tpdu: tpdu.len(), header: header.len() }, tpdu, header))
}
