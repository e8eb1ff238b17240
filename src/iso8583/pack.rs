//! From a message to bytes.

use zeroize::Zeroizing;

use super::dialect::{Align, Content, Dialect, Encoding, FieldFormat, Length, MAC_FIELD, MAX_FRAME, NumberEncoding};
use super::message::{Frame, Message, Value};

/// A message that the dialect cannot write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// A field does not fit its description.
    #[error("field {field} ({name}) cannot be written: {problem}")]
    Field {
        /// Its number.
        field: u8,
        /// Its words.
        name: String,
        /// What is wrong; never the value itself.
        problem: String,
    },
    /// Address or header have not the dialect's length.
    #[error("the {part} has {length} bytes, this dialect has {expected}")]
    Frame {
        /// Which part.
        part: &'static str,
        /// Bytes given.
        length: usize,
        /// Bytes the dialect has.
        expected: usize,
    },
    /// All together is longer than the length prefix can say.
    #[error("the frame would have {0} bytes, more than its length can say")]
    TooLong(usize),
}

impl Dialect {
    /// The bytes of a frame, with its length in front.
    ///
    /// # Errors
    /// When a field is not of the dialect or does not fit its description.
    pub fn pack(&self, frame: &Frame) -> Result<Zeroizing<Vec<u8>>, PackError> {
        for (part, given, expected) in [("TPDU", &frame.tpdu, &self.tpdu), ("header", &frame.header, &self.header)] {
            if given.len() != expected.len() {
                return Err(PackError::Frame { part, length: given.len(), expected: expected.len() });
            }
        }
        let message = self.pack_message(&frame.message, false)?;
        let length = frame.tpdu.len() + frame.header.len() + message.len();
        let announced = u16::try_from(length).map_err(|_| PackError::TooLong(length))?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 + length));
        bytes.extend(announced.to_be_bytes());
        bytes.extend(&frame.tpdu);
        bytes.extend(&frame.header);
        bytes.extend(message.iter());
        Ok(bytes)
    }

    /// The bytes a MAC covers: MTI, bitmap (which names field 64) and all fields before 64.
    ///
    /// # Errors
    /// As [`Dialect::pack`].
    pub fn pack_for_mac(&self, message: &Message) -> Result<Zeroizing<Vec<u8>>, PackError> {
        self.pack_message(message, true)
    }

    fn pack_message(&self, message: &Message, for_mac: bool) -> Result<Zeroizing<Vec<u8>>, PackError> {
        let mut bitmap = if for_mac { bit(MAC_FIELD) } else { 0 };
        let mut body = Zeroizing::new(Vec::with_capacity(512));
        for (field, value) in message.fields() {
            if for_mac && field == MAC_FIELD {
                continue;
            }
            let failed =
                |problem: &str| PackError::Field { field, name: self.name_of(field), problem: problem.to_owned() };
            let format = self.field(field).ok_or_else(|| failed("the dialect does not have it"))?;
            bitmap |= bit(field);
            self.write_field(format, value, &mut body).map_err(|problem| failed(&problem))?;
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(12 + body.len()));
        write_number(self.mti, usize::from(message.mti().number()), 4, &mut bytes);
        bytes.extend(bitmap.to_be_bytes());
        bytes.extend(body.iter());
        if bytes.len() > MAX_FRAME { Err(PackError::TooLong(bytes.len())) } else { Ok(bytes) }
    }

    fn write_field(&self, format: &FieldFormat, value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
        let count = match value {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
        };
        match format.length {
            Length::Fixed(expected) if count != expected => {
                return Err(format!("it has always a length of {expected}, this is {count}"));
            }
            Length::Fixed(_) => {}
            Length::Prefixed { max, .. } if count > max => return Err(format!("{count} is longer than {max}")),
            Length::Prefixed { digits, .. } => write_number(self.length_prefix, count, usize::from(digits), out),
        }
        match (format.content, value) {
            (Content::Bytes, Value::Bytes(bytes)) => out.extend(bytes.iter()),
            (Content::Text, Value::Text(text)) if text.bytes().all(|b| (0x20..0x7F).contains(&b)) => {
                out.extend(text.bytes());
            }
            (Content::Digits, Value::Text(text)) if text.bytes().all(|b| b.is_ascii_digit()) => {
                write_digits(format, text, out);
            }
            (Content::Track, Value::Text(text)) if is_track(text) => write_digits(format, text, out),
            (Content::Bytes, _) => return Err("it holds bytes".to_owned()),
            (Content::Text, _) => return Err("it holds printable ASCII only".to_owned()),
            (Content::Digits, _) => return Err("it holds decimal digits only".to_owned()),
            (Content::Track, _) => return Err("it holds decimal digits and one separator only".to_owned()),
        }
        Ok(())
    }
}

/// Digits with at most one separator between them.
pub(super) fn is_track(text: &str) -> bool {
    let separators = text.bytes().filter(|b| matches!(b, b'D' | b'=')).count();
    separators <= 1 && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'D' | b'='))
}

/// The bit of a field in a bitmap of 64.
pub(super) const fn bit(field: u8) -> u64 {
    1 << (64 - field as u32)
}

fn write_digits(format: &FieldFormat, text: &str, out: &mut Vec<u8>) {
    if format.encoding == Encoding::Ascii {
        out.extend(text.bytes().map(|b| if b == b'D' { b'=' } else { b }));
        return;
    }
    let digits = text.bytes().map(|b| if matches!(b, b'D' | b'=') { 0xD } else { b - b'0' });
    let odd = !text.len().is_multiple_of(2);
    let before = (odd && format.align == Align::Right).then_some(format.pad);
    let after = (odd && format.align == Align::Left).then_some(format.pad);
    let mut high = None;
    for digit in before.into_iter().chain(digits).chain(after) {
        match high.take() {
            None => high = Some(digit),
            Some(first) => out.push(first << 4 | digit),
        }
    }
}

/// A number of the message itself, with leading zeros; `digits` is enough for it.
fn write_number(encoding: NumberEncoding, number: usize, digits: usize, out: &mut Vec<u8>) {
    let text = format!("{number:0digits$}");
    match encoding {
        NumberEncoding::Ascii => out.extend(text.bytes()),
        NumberEncoding::Bcd => {
            let even = format!("{}{text}", if digits.is_multiple_of(2) { "" } else { "0" });
            out.extend(even.as_bytes().chunks(2).map(|pair| (pair[0] - b'0') << 4 | (pair[1] - b'0')));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;
    use crate::iso8583::Mti;

    fn packed(message: Message) -> Result<String, PackError> {
        let dialect = Dialect::shipped("unionpay").unwrap();
        let frame = Frame { tpdu: dialect.tpdu.clone(), header: dialect.header.clone(), message };
        dialect.pack(&frame).map(|bytes| hex::encode(&bytes))
    }

    /// Written out by hand from the dialect's rules.
    #[test]
    fn a_message_byte_for_byte() {
        let message = Message::new(Mti::FINANCIAL_REQUEST)
            .with_text(2, "4111111111111111111")
            .with_text(3, "000000")
            .with_text(22, "052")
            .with_text(23, "001")
            .with_text(35, "411111111111111=3012")
            .with_text(39, "00")
            .with_bytes(55, &[0x9F, 0x26])
            .with_text(60, "2200000100050");
        let expected = "0041\
             6000030000603100311000\
             0200 6000060022000210\
             1941111111111111111110\
             000000\
             0520 0010\
             20411111111111111D3012\
             3030\
             0002 9F26\
             0013 22000001000500";
        assert_eq!(packed(message).unwrap(), expected.replace(' ', ""));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_field_and_words() {
        let message = || Message::new(Mti::FINANCIAL_REQUEST);
        for (wrong, said) in [
            (message().with_text(2, "12345678901234567890"), "field 2 (primary account number)"),
            (message().with_text(4, "1234"), "field 4 (amount)"),
            (message().with_text(11, "00000A"), "decimal digits"),
            (message().with_text(35, "4111A3012"), "separator"),
            (message().with_text(35, "4111D30=12"), "separator"),
            (message().with_text(41, "1234567\u{e9}"), "field 41"),
            (message().with_bytes(41, b"12345678"), "field 41"),
            (message().with_text(55, "9F26"), "field 55"),
            (message().with_bytes(64, &[0; 7]), "field 64"),
            (message().with_text(1, "1"), "field 1 (not of this dialect)"),
            (message().with_text(65, "1"), "field 65 (not of this dialect)"),
        ] {
            let error = packed(wrong).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_frame_needs_address_and_header_of_the_dialect() {
        let dialect = Dialect::shipped("unionpay").unwrap();
        let message = Message::new(Mti::NETWORK_REQUEST);
        let frame = Frame { tpdu: vec![0x60], header: dialect.header.clone(), message };
        assert_eq!(dialect.pack(&frame), Err(PackError::Frame { part: "TPDU", length: 1, expected: 5 }));
    }
}
