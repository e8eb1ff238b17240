//! `yima decode`: what bytes of a card, a terminal, an issuer or a host mean. Card numbers, names and PIN data stay masked.

use std::io::Read;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Failure, iso8583, output};
use crate::crypto::hex;
use crate::emv::decode::{self, DecodeError, Decoded, Line, atr, bits, cryptogram, cvm, mask};
use crate::emv::decode::{data_object_list, file_locator, issuer_data, system_data, terminal_type, track2};
use crate::emv::dictionary;
use crate::emv::tlv::{self, Node};

/// Hexadecimal digits of a value on one line of text.
const DIGITS_A_LINE: usize = 48;

/// Characters read from standard input at most.
const LONGEST_INPUT: u64 = 1 << 20;

/// What comes after `yima decode`.
#[derive(Debug, Args)]
#[command(after_help = "\
A message of iso8583 is read in the dialect's frame (length, transport address, header), without any, or in another usual \
one; which it was is said. Fields are masked unless they are known to be harmless: of a card number the first six and last \
four digits are shown, of everything else its length, in stars. With --json it is what `yima encode iso8583` takes, once the \
values with stars are replaced.")]
pub struct Arguments {
    /// What the bytes are
    #[arg(value_enum, ignore_case = true)]
    kind: Kind,

    /// The bytes in hexadecimal, with blanks or without; without them, or with `-`, standard input is read
    #[arg(default_value = "-", hide_default_value = true, value_name = "HEX")]
    hex: Vec<String>,

    /// Print as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    writing: iso8583::Writing,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Data objects: an answer of a card, a record, field 55
    Tlv,
    /// Terminal verification results (95), also issuer and terminal action codes
    Tvr,
    /// Transaction status information (9B)
    Tsi,
    /// Application interchange profile (82)
    Aip,
    /// Application usage control (9F07)
    Auc,
    /// Cardholder verification: the list (8E), or the results (9F34) when there are 3 bytes
    Cvm,
    /// Terminal capabilities (9F33), or the additional ones (9F40) when there are 5 bytes
    Capabilities,
    /// Terminal transaction qualifiers (9F66)
    Ttq,
    /// Card transaction qualifiers (9F6C)
    Ctq,
    /// Cryptogram information data (9F27)
    Cid,
    /// Issuer application data (9F10)
    Iad,
    /// Terminal type (9F35)
    TerminalType,
    /// Answer to reset
    Atr,
    /// Track 2 equivalent data (57)
    Track2,
    /// Data object list: PDOL, CDOL, DDOL
    Dol,
    /// Application file locator (94): files, records, and how many are for offline data authentication
    Afl,
    /// Tag 9F6E: form factor (Visa), third party data (Mastercard), reader capabilities (American Express)
    #[value(name = "9f6e")]
    SystemData,
    /// Message of the host link
    Iso8583,
}

impl Arguments {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let bytes = self.bytes()?;
        if matches!(self.kind, Kind::Iso8583) {
            return iso8583::decode::run(&bytes, &self.writing, self.json);
        }
        if self.writing.is_given() {
            return Err("--dialect and --no-frame are for iso8583".into());
        }
        let (json, text) = match self.kind.decode(&bytes) {
            None => {
                let nodes = tlv::tree(&bytes)?;
                (nodes.iter().map(as_json).collect(), table(&nodes))
            }
            Some(decoded) => {
                let decoded = decoded?;
                let mut text = vec![decoded.heading()];
                text.extend(aligned(&decoded.lines(), 2));
                (serde_json::to_value(&decoded)?, text)
            }
        };
        if self.json {
            output::json(&json);
        } else {
            text.iter().for_each(|line| output::say(line));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let mut text = Zeroizing::new(self.hex.join(" "));
        if *text == "-" {
            let mut input = Zeroizing::new(Vec::new());
            std::io::stdin().take(LONGEST_INPUT + 1).read_to_end(&mut input)?;
            if input.len() as u64 > LONGEST_INPUT {
                return Err(format!("no message is as long: see offset {LONGEST_INPUT} of standard input").into());
            }
            *text = String::from_utf8_lossy(&input).into_owned();
        }
        let bytes = hex::decode(&text).map_err(|error| {
            format!("not pairs of hexadecimal digits: see the digit at offset {}, blanks not counted", error.offset)
        })?;
        if bytes.is_empty() {
            return Err("there is nothing to decode at offset 0; give hexadecimal digits".into());
        }
        Ok(Zeroizing::new(bytes))
    }
}

impl Kind {
    /// Takes a value apart; nothing for data objects, which are a tree of values, and messages, which are more than one.
    fn decode(self, bytes: &[u8]) -> Option<Result<Decoded, DecodeError>> {
        let field = |names: &bits::BitNames| names.read(bytes).map(Decoded::Bits);
        Some(match self {
            Self::Tlv | Self::Iso8583 => return None,
            Self::Tvr => field(&bits::TVR),
            Self::Tsi => field(&bits::TSI),
            Self::Aip => field(&bits::AIP),
            Self::Auc => field(&bits::AUC),
            Self::Capabilities if bytes.len() > 3 => field(&bits::ADDITIONAL_CAPABILITIES),
            Self::Capabilities => field(&bits::CAPABILITIES),
            Self::Ttq => field(&bits::TTQ),
            Self::Ctq => field(&bits::CTQ),
            Self::Cvm if bytes.len() > 3 => cvm::list(bytes).map(Decoded::CvmList),
            Self::Cvm => cvm::results(bytes).map(Decoded::CvmResults),
            Self::Cid => cryptogram::information(bytes).map(Decoded::Cryptogram),
            Self::Iad => issuer_data::read(bytes).map(Decoded::IssuerData),
            Self::TerminalType => terminal_type::read(bytes).map(Decoded::TerminalType),
            Self::Atr => atr::read(bytes).map(Decoded::AnswerToReset),
            Self::Track2 => track2::read(bytes).map(Decoded::Track2),
            Self::Dol => data_object_list::read(bytes).map(Decoded::DataObjectList),
            Self::Afl => file_locator::read(bytes).map(Decoded::FileLocator),
            Self::SystemData => system_data::read(bytes).map(Decoded::SystemData),
        })
    }
}

fn as_json(node: &Node<'_>) -> Value {
    let mut object = json!({
        "tag": node.tag,
        "name": dictionary::name(node.tag),
        "length": node.value.len(),
        "value": mask::node(node),
    });
    if node.tag.is_constructed() {
        object["children"] = node.children.iter().map(as_json).collect();
    }
    object
}

/// A line of the table: tag and name, and what the value is.
struct Row {
    title: String,
    length: usize,
    value: String,
    explanation: Vec<String>,
}

/// Tags and names, lengths and values in columns; below a value what it means.
fn table(nodes: &[Node<'_>]) -> Vec<String> {
    let mut rows = Vec::new();
    collect(nodes, 0, &mut rows);
    let width = rows.iter().map(|row| row.title.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for row in rows {
        let mut rest = row.value.as_str();
        let (first, after) = rest.split_at(rest.len().min(DIGITS_A_LINE));
        lines.push(format!("{:<width$}  {:>3}  {first}", row.title, row.length).trim_end().to_owned());
        rest = after;
        while !rest.is_empty() {
            let (next, after) = rest.split_at(rest.len().min(DIGITS_A_LINE));
            lines.push(format!("{:<width$}       {next}", ""));
            rest = after;
        }
        lines.extend(row.explanation);
    }
    lines
}

fn collect(nodes: &[Node<'_>], depth: usize, rows: &mut Vec<Row>) {
    for node in nodes {
        let indent = "  ".repeat(depth);
        let name = dictionary::name(node.tag).unwrap_or("unknown tag");
        rows.push(Row {
            title: format!("{indent}{:<4}  {name}", node.tag.to_string()),
            length: node.value.len(),
            value: if node.tag.is_constructed() { String::new() } else { mask::node(node) },
            explanation: explanation(node, indent.len() + 6),
        });
        collect(&node.children, depth + 1, rows);
    }
}

/// What a value means: its text, or what its parts say.
fn explanation(node: &Node<'_>, indent: usize) -> Vec<String> {
    let is_text = dictionary::find(node.tag).is_some_and(|object| object.format.is_text());
    let printable = !node.value.is_empty() && node.value.iter().all(|byte| (0x20..0x7F).contains(byte));
    if is_text && printable && !mask::is_secret(node.tag) {
        return vec![format!("{:indent$}\"{}\"", "", String::from_utf8_lossy(node.value))];
    }
    match decode::by_tag(node.tag, node.value) {
        None => Vec::new(),
        Some(Ok(decoded)) => aligned(&decoded.lines(), indent),
        Some(Err(error)) => vec![format!("{:indent$}not readable: {error}", "")],
    }
}

/// Places in one column, what they say in the next.
fn aligned(lines: &[Line], indent: usize) -> Vec<String> {
    if lines.is_empty() {
        return vec![format!("{:indent$}nothing is set", "")];
    }
    let width = lines.iter().map(|line| line.place.len()).max().unwrap_or(0);
    lines.iter().map(|line| format!("{:indent$}{:<width$}  {}", "", line.place, line.says)).collect()
}
