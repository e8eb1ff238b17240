//! From a message to bytes: into one buffer that has its final size from the beginning.

use zeroize::Zeroizing;

use super::dialect::MAC_FIELD;
use super::encoding::{HEX, half, to_ebcdic};
use super::framing::Framing;
use super::layout::{Align, BitmapEncoding, Content, Encoding, FIRST_BITMAP, FieldFormat, Layout, Length, MAX_FRAME};
use super::message::{Entry, Form, Frame, Message};

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
    /// Address or header have not the length that they have in this frame.
    #[error("the {part} has {length} bytes, this frame has {expected}")]
    Frame {
        /// Which part.
        part: &'static str,
        /// Bytes given.
        length: usize,
        /// Bytes it has in this frame.
        expected: usize,
    },
    /// All together is longer than the length prefix can say.
    #[error("the frame would have {0} bytes, more than its length can say")]
    TooLong(usize),
}

/// The last field of the second bitmap; it carries the MAC of a message that has one.
pub(super) const SECOND_MAC_FIELD: u8 = 128;

impl Layout {
    /// The bytes of a frame, with its length in front.
    ///
    /// # Errors
    /// When a field is not of the dialect or does not fit its description.
    pub fn pack(&self, frame: &Frame) -> Result<Zeroizing<Vec<u8>>, PackError> {
        self.pack_framed(self.framing, frame)
    }

    /// The same in another frame than the dialect's.
    ///
    /// # Errors
    /// As [`Layout::pack`].
    pub fn pack_framed(&self, framing: Framing, frame: &Frame) -> Result<Zeroizing<Vec<u8>>, PackError> {
        let parts = [("TPDU", frame.tpdu.len(), framing.tpdu), ("header", frame.header.len(), framing.header)];
        if let Some((part, length, expected)) = parts.into_iter().find(|(_, length, expected)| length != expected) {
            return Err(PackError::Frame { part, length, expected });
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(framing.size() + self.room_for(&frame.message)));
        // The length has its place now and says something when all is written.
        bytes.resize(framing.length.size(), 0);
        bytes.extend_from_slice(&frame.tpdu);
        bytes.extend_from_slice(&frame.header);
        self.write_message(&frame.message, false, &mut bytes)?;
        let announced = framing.announced(bytes.len() - framing.size());
        if announced > framing.length.largest() {
            return Err(PackError::TooLong(announced));
        }
        framing.write_length(announced, &mut bytes);
        Ok(bytes)
    }

    /// The bytes a MAC covers: MTI, bitmap (which names field 64) and all fields before 64. In a message with a second bitmap
    /// it is field 128.
    ///
    /// # Errors
    /// As [`Layout::pack`].
    pub fn pack_for_mac(&self, message: &Message) -> Result<Zeroizing<Vec<u8>>, PackError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.room_for(message)));
        self.write_message(message, true, &mut bytes)?;
        Ok(bytes)
    }

    /// Bytes that a message takes at most.
    fn room_for(&self, message: &Message) -> usize {
        let room = |entry: &Entry| self.field(entry.field).map_or(0, |format| format.room_for(entry.length));
        let bitmaps = if has_second_bitmap(message) { 2 } else { 1 };
        self.mti.size(4) + bitmaps * self.bitmap.size() + message.entries().iter().map(room).sum::<usize>()
    }

    fn write_message(&self, message: &Message, for_mac: bool, out: &mut Vec<u8>) -> Result<(), PackError> {
        let start = out.len();
        let second = has_second_bitmap(message);
        let mac = if second { SECOND_MAC_FIELD } else { MAC_FIELD };
        let mut bitmap = if second { bit(1) } else { 0 };
        bitmap |= if for_mac { bit(mac) } else { 0 };
        bitmap = message.entries().iter().fold(bitmap, |bitmap, entry| bitmap | bit(entry.field));
        out.extend(self.mti.bytes(usize::from(message.mti().number()), 4));
        self.write_bitmap((bitmap >> 64) as u64, out);
        if second {
            self.write_bitmap(bitmap as u64, out);
        }
        for entry in message.entries().iter().filter(|entry| !for_mac || entry.field != mac) {
            let field = entry.field;
            let written = match self.field(field) {
                None => Err("the dialect does not have it".to_owned()),
                Some(format) => write_field(format, entry, message.stored(entry), out),
            };
            written.map_err(|problem| PackError::Field { field, name: self.name_of(field).to_owned(), problem })?;
        }
        let length = out.len() - start;
        if length > MAX_FRAME { Err(PackError::TooLong(length)) } else { Ok(()) }
    }

    fn write_bitmap(&self, bitmap: u64, out: &mut Vec<u8>) {
        match self.bitmap {
            BitmapEncoding::Binary => out.extend_from_slice(&bitmap.to_be_bytes()),
            BitmapEncoding::Hex => write_hex(&bitmap.to_be_bytes(), out),
        }
    }
}

/// Whether a message needs a second bitmap, or has one that names nothing.
fn has_second_bitmap(message: &Message) -> bool {
    message.empty_second_bitmap || message.entries().last().is_some_and(|last| last.field > FIRST_BITMAP)
}

/// The bit of a field in both bitmaps, one behind the other. A field that no bitmap can name has none.
pub(super) const fn bit(field: u8) -> u128 {
    if field == 0 || field > 128 { 0 } else { 1 << (128 - field as u32) }
}

fn write_field(format: &FieldFormat, entry: &Entry, value: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let other_alphabet = entry.form == Form::OtherAlphabet && format.content == Content::Text;
    if !other_alphabet && (entry.is_text == (format.content == Content::Bytes) || !format.content.fits(value)) {
        return Err(format.content.words().to_owned());
    }
    let count = value.len();
    match format.length {
        Length::Fixed(expected) if count < expected && format.fill.is_some() && !other_alphabet => {
            return write_filled(format, value, expected, out);
        }
        Length::Fixed(expected) if count != expected => {
            return Err(format!("it has always a length of {expected}, this is {count}"));
        }
        Length::Fixed(_) => {}
        Length::Prefixed(prefix) if count > prefix.max => return Err(format!("{count} is longer than {}", prefix.max)),
        Length::Prefixed(prefix) => {
            out.extend(prefix.encoding.bytes(format.announced(prefix.counts, count), usize::from(prefix.digits)));
        }
    }
    write_value(format, entry.form, value, out);
    Ok(())
}

/// A value that is shorter than its fixed length, with the characters that fill it.
fn write_filled(format: &FieldFormat, value: &[u8], length: usize, out: &mut Vec<u8>) -> Result<(), String> {
    let fill = format.fill.unwrap_or(b' ');
    let missing = length - value.len();
    let mut filled = Zeroizing::new(Vec::with_capacity(length));
    let (before, after) = match format.align {
        Align::Left => (0, missing),
        Align::Right => (missing, 0),
    };
    filled.resize(before, fill);
    filled.extend_from_slice(value);
    filled.resize(before + value.len() + after, fill);
    if !format.content.fits(&filled) {
        return Err(format!("it has always a length of {length}, this is {}", value.len()));
    }
    write_value(format, Form::Usual, &filled, out);
    Ok(())
}

fn write_value(format: &FieldFormat, form: Form, value: &[u8], out: &mut Vec<u8>) {
    let separator = if form == Form::OtherSeparator { b'D' } else { b'=' };
    match (format.encoding, format.content) {
        (Encoding::Ascii | Encoding::Ebcdic, Content::Text) if form == Form::OtherAlphabet => {
            out.extend_from_slice(value);
        }
        (Encoding::Binary, _) => out.extend_from_slice(value),
        (Encoding::Hex, _) => write_hex(value, out),
        (Encoding::Bcd, Content::Signed) => {
            let (sign, digits) = value.split_at(1);
            out.extend_from_slice(sign);
            write_digits(format, digits, out);
        }
        (Encoding::Bcd, _) => write_digits(format, value, out),
        // As characters a separator is `=`, unless it was read as the other.
        (Encoding::Ascii, Content::Track | Content::Track3) => {
            out.extend(value.iter().map(|byte| if *byte == b'D' { separator } else { *byte }))
        }
        (Encoding::Ebcdic, Content::Track | Content::Track3) => {
            out.extend(value.iter().map(|byte| to_ebcdic(if *byte == b'D' { separator } else { *byte })));
        }
        (Encoding::Ascii, _) => out.extend_from_slice(value),
        (Encoding::Ebcdic, _) => out.extend(value.iter().map(|byte| to_ebcdic(*byte))),
    }
}

/// Two digits a byte; an odd one shares its byte with the padding.
fn write_digits(format: &FieldFormat, digits: &[u8], out: &mut Vec<u8>) {
    let mut rest = digits;
    if !digits.len().is_multiple_of(2)
        && format.align == Align::Right
        && let Some((first, others)) = digits.split_first()
    {
        out.push(format.pad << 4 | half(*first));
        rest = others;
    }
    let pairs = rest.chunks_exact(2);
    let last = pairs.remainder();
    if format.content.is_track() {
        out.extend(pairs.map(|pair| half(pair[0]) << 4 | half(pair[1])));
    } else {
        out.extend(pairs.map(|pair| pair[0] << 4 | pair[1] & 0x0F));
    }
    out.extend(last.iter().map(|digit| half(*digit) << 4 | format.pad));
}

fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0x0F)]]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;
    use crate::iso8583::{Dialect, Mti};

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
