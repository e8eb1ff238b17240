//! Field 62 of the message that tells how the terminal is: BER-TLV with a text in each object, which are this program's own. An
//! object that is not known is passed over, so that host and terminal may be of different versions.

use serde::{Deserialize, Serialize};

use crate::emv::tag::Tag;
use crate::emv::tlv::{self, TlvBuilder, TlvError};

/// The longest text, in bytes: all of them fit into one field.
const LONGEST: usize = 80;

/// How a terminal is, in words for the acquirer's people. Nothing in it is about a payment or a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// Version of the program.
    pub program: String,
    /// Which set of terminal data counts: its number, or `shipped`.
    pub set: String,
    /// SHA-1 of the CA keys in it, hexadecimal; the same of what follows.
    pub ca_keys: String,
    /// Of the applications.
    pub applications: String,
    /// Of the terminal's parameters and the words for response codes.
    pub parameters: String,
    /// Of the list of cards.
    pub cards: String,
    /// `ok`, or what is wrong with the card reader.
    pub reader: String,
    /// `ok`, or what is wrong with the printer.
    pub printer: String,
    /// Entries of the queue that wait, and those that were given up: `2, 0`.
    pub queue: String,
    /// When it signed on last, local time; `never`.
    pub signed_on: String,
    /// What was ordered and cannot be done: `remote: not supported`. Empty when there is nothing.
    pub refused: String,
}

impl StatusReport {
    /// Field 62. What is too long is cut.
    pub fn write(&self) -> Vec<u8> {
        let mut field = TlvBuilder::new();
        for (tag, text) in self.clone().texts() {
            field.push(tag, cut(text).as_bytes());
        }
        field.build()
    }

    /// Reads field 62; an object that is missing is an empty text.
    ///
    /// # Errors
    /// When it is no BER-TLV.
    pub fn read(field: &[u8]) -> Result<Self, TlvError> {
        let mut report = Self::default();
        for object in tlv::walk(field) {
            let object = object?;
            if let Some((_, text)) = report.texts().into_iter().find(|(tag, _)| *tag == object.tag) {
                *text = cut(&String::from_utf8_lossy(object.value)).to_owned();
            }
        }
        Ok(report)
    }

    /// Every text with its object.
    fn texts(&mut self) -> [(Tag, &mut String); 11] {
        [
            (Tag(0xDF41), &mut self.program),
            (Tag(0xDF42), &mut self.set),
            (Tag(0xDF43), &mut self.ca_keys),
            (Tag(0xDF44), &mut self.applications),
            (Tag(0xDF45), &mut self.parameters),
            (Tag(0xDF46), &mut self.cards),
            (Tag(0xDF47), &mut self.reader),
            (Tag(0xDF48), &mut self.printer),
            (Tag(0xDF49), &mut self.queue),
            (Tag(0xDF4A), &mut self.signed_on),
            (Tag(0xDF4B), &mut self.refused),
        ]
    }
}

/// The beginning of a text, in whole characters.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> StatusReport {
        let mut report = StatusReport::default();
        for (number, (_, text)) in report.texts().into_iter().enumerate() {
            *text = format!("text {number}");
        }
        report
    }

    #[test]
    fn a_report_is_read_as_it_was_written_and_what_is_not_known_is_passed_over() {
        let mut field = report().write();
        assert_eq!(StatusReport::read(&field), Ok(report()));
        field.extend([0xDF, 0x7F, 1, b'x']);
        assert_eq!(StatusReport::read(&field), Ok(report()));
        assert_eq!(StatusReport::read(&[]), Ok(StatusReport::default()));
        assert!(StatusReport::read(&[0xDF, 0x41, 9, b'x']).is_err());
    }

    #[test]
    fn whatever_a_device_says_it_fits_into_the_field() {
        let mut long = report();
        for (_, text) in long.texts() {
            *text = "打印机没有纸".repeat(40);
        }
        let field = long.write();
        assert!(field.len() <= 999, "{}", field.len());
        let read = StatusReport::read(&field).unwrap();
        assert!(long.printer.starts_with(&read.printer) && read.printer.len() >= 75, "{}", read.printer);
    }
}
