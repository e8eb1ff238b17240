//! From bytes to a message: values into one buffer, and where they stand into a list.

use super::dialect::{MAC_FIELD, MAC_LENGTH};
use super::encoding::{digit_of, from_ebcdic, hex_value, to_ebcdic};
use super::framing::Framing;
use super::layout::{Align, BitmapEncoding, Content, Encoding, FieldFormat, Layout, Length, MAX_FRAME};
use super::message::{Entry, Form, Frame, Message, Mti};
use super::pack::{SECOND_MAC_FIELD, bit};

/// Bytes that are not a frame of the dialect: where reading stopped, why, and what had been read by then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place} at byte {offset} cannot be read: {problem}{}", so_far.as_ref().map_or_else(String::new, |m| format!("; read so far: {}", m.outline())))]
pub struct UnpackError {
    /// What was being read: `field 4 (amount)`, `field 55.9F02 (chip data)`, `bitmap`, …
    pub place: String,
    /// The field, and what in it: `4`, `55.9F02`, `60.2`. Nothing when it was no field.
    pub path: Option<String>,
    /// Offset of its first byte, counted from the start of the frame.
    pub offset: usize,
    /// Why it cannot be.
    pub problem: UnpackProblem,
    /// The message up to there; nothing before its type is known.
    pub so_far: Option<Box<Message>>,
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnpackProblem {
    /// Less is left than is needed.
    #[error("{needed} bytes are needed, {left} are left")]
    CutOff {
        /// Bytes needed.
        needed: usize,
        /// Bytes there are.
        left: usize,
    },
    /// The length in front is not what follows.
    #[error("it announces {announced} bytes, {following} follow")]
    FrameLength {
        /// What the length says.
        announced: usize,
        /// What is there.
        following: usize,
    },
    /// The frame is longer than any can be.
    #[error("{0} bytes are more than a frame can have")]
    TooLong(usize),
    /// A digit that is none, or padding that is not the dialect's.
    #[error("it holds something that is not allowed there")]
    Content,
    /// A tag that is none.
    #[error("its tag cannot be read")]
    Tag,
    /// A length that is no number, or half a byte.
    #[error("its length cannot be read")]
    LengthContent,
    /// A length prefix beyond the field's largest.
    #[error("its length of {announced} is more than {max}")]
    Length {
        /// What the prefix says.
        announced: usize,
        /// The largest of this field.
        max: usize,
    },
    /// The bitmap names a field that the dialect does not have, so the rest cannot be found.
    #[error("the dialect does not have it")]
    UnknownField,
    /// Bytes are left when all fields are read.
    #[error("{0} bytes are left over")]
    LeftOver(usize),
}

impl UnpackError {
    /// One that comes before any message.
    pub(super) fn early(offset: usize, place: &str, problem: UnpackProblem) -> Self {
        Self { place: place.to_owned(), path: None, offset, problem, so_far: None }
    }
}

impl Layout {
    /// Reads a whole frame, with its length in front.
    ///
    /// # Errors
    /// At the first thing that is not as the dialect says; the error carries the place and what was read before it.
    pub fn unpack(&self, bytes: &[u8]) -> Result<Frame, UnpackError> {
        self.unpack_framed(self.framing, bytes)
    }

    /// Reads a message in another frame than the dialect's.
    ///
    /// # Errors
    /// As [`Layout::unpack`].
    pub fn unpack_framed(&self, framing: Framing, bytes: &[u8]) -> Result<Frame, UnpackError> {
        self.unpack_as(framing, Alphabets::Own, bytes)
    }

    /// The same for people, who want to see the rest of a message in which a shop's name is written in Chinese: text that is not
    /// of the dialect's alphabet is given as bytes. No terminal reads so.
    ///
    /// # Errors
    /// As [`Layout::unpack`].
    pub fn unpack_any_alphabet(&self, framing: Framing, bytes: &[u8]) -> Result<Frame, UnpackError> {
        self.unpack_as(framing, Alphabets::Any, bytes)
    }

    fn unpack_as(&self, framing: Framing, alphabets: Alphabets, bytes: &[u8]) -> Result<Frame, UnpackError> {
        if bytes.len() > MAX_FRAME + framing.length.size() {
            return Err(UnpackError::early(0, "frame", UnpackProblem::TooLong(bytes.len())));
        }
        let mut reader = Reader::new(bytes);
        let (tpdu, header) = framing.read(&mut reader)?;
        let message = self.read_message(alphabets, &mut reader)?;
        Ok(Frame { tpdu: tpdu.to_vec(), header: header.to_vec(), message })
    }

    /// The part of a frame's bytes that its MAC covers: from the message type to the field before the MAC's, which is 64, or
    /// 128 in a message with a second bitmap.
    ///
    /// Nothing when that field is not there. `bytes` must be a frame that [`Layout::unpack`] reads.
    pub fn mac_covered<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let message = self.unpack(bytes).ok()?.message;
        let (field, _) = message.fields().last()?;
        message.bytes(field).filter(|_| [MAC_FIELD, SECOND_MAC_FIELD].contains(&field))?;
        let mac = self.field(field)?.bytes_for(MAC_LENGTH);
        bytes.get(self.framing.size()..bytes.len().checked_sub(mac)?)
    }

    fn read_message(&self, alphabets: Alphabets, reader: &mut Reader<'_>) -> Result<Message, UnpackError> {
        let start = reader.offset;
        let mti = self.read_mti(reader).map_err(|problem| UnpackError::early(start, "message type", problem))?;
        let start = reader.offset;
        let mut bitmap = self
            .read_bitmap(reader)
            .map(|first| u128::from(first) << 64)
            .map_err(|problem| UnpackError::early(start, "bitmap", problem))?;
        let mut empty_second_bitmap = false;
        if bitmap & bit(1) != 0 && self.has_second_bitmap() {
            let start = reader.offset;
            let second =
                self.read_bitmap(reader).map_err(|problem| UnpackError::early(start, "second bitmap", problem))?;
            bitmap = bitmap & !bit(1) | u128::from(second);
            empty_second_bitmap = second == 0;
        }
        // Two digits for a byte of BCD is the most that any encoding gives: the buffer never grows.
        let mut message = Message::with_room(mti, bitmap.count_ones() as usize, 2 * reader.left());
        message.empty_second_bitmap = empty_second_bitmap;
        while bitmap != 0 {
            let field = bitmap.leading_zeros() as u8 + 1;
            bitmap &= !bit(field);
            let offset = reader.offset;
            let read = match self.field(field) {
                None => Err(UnpackProblem::UnknownField),
                Some(format) => read_field(format, field, alphabets, reader, &mut message),
            };
            if let Err(problem) = read {
                let place = format!("field {field} ({})", self.name_of(field));
                let so_far = Some(Box::new(message));
                return Err(UnpackError { place, path: Some(field.to_string()), offset, problem, so_far });
            }
        }
        match reader.left() {
            0 => Ok(message),
            left => {
                let (place, offset) = ("end of the message".to_owned(), reader.offset);
                let so_far = Some(Box::new(message));
                Err(UnpackError { place, path: None, offset, problem: UnpackProblem::LeftOver(left), so_far })
            }
        }
    }

    fn read_mti(&self, reader: &mut Reader<'_>) -> Result<Mti, UnpackProblem> {
        let number = self.mti.read(reader.take(self.mti.size(4))?, 4);
        number.and_then(|number| u16::try_from(number).ok()).and_then(Mti::new).ok_or(UnpackProblem::Content)
    }

    fn read_bitmap(&self, reader: &mut Reader<'_>) -> Result<u64, UnpackProblem> {
        let bytes = reader.take(self.bitmap.size())?;
        match self.bitmap {
            BitmapEncoding::Binary => Ok(bytes.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte))),
            BitmapEncoding::Hex => bytes
                .iter()
                .try_fold(0, |bits, byte| Some(bits << 4 | u64::from(hex_value(*byte)?)))
                .ok_or(UnpackProblem::Content),
        }
    }
}

/// What text may be made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabets {
    /// Printable characters of the dialect's encoding.
    Own,
    /// Anything.
    Any,
}

/// Reads from the front and cannot run past the end.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    pub(super) const fn left(&self) -> usize {
        self.bytes.len() - self.offset
    }

    pub(super) const fn offset(&self) -> usize {
        self.offset
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], UnpackProblem> {
        let cut_off = UnpackProblem::CutOff { needed: count, left: self.left() };
        let taken = self.bytes[self.offset..].get(..count).ok_or(cut_off)?;
        self.offset += count;
        Ok(taken)
    }
}

fn read_field(
    format: &FieldFormat,
    field: u8,
    alphabets: Alphabets,
    reader: &mut Reader<'_>,
    message: &mut Message,
) -> Result<(), UnpackProblem> {
    let count = match format.length {
        Length::Fixed(count) => count,
        Length::Prefixed(prefix) => {
            let said = reader.take(prefix.encoding.size(usize::from(prefix.digits)))?;
            let announced = prefix.encoding.read(said, prefix.digits).ok_or(UnpackProblem::LengthContent)?;
            let max = format.announced(prefix.counts, prefix.max);
            if announced > max {
                return Err(UnpackProblem::Length { announced, max });
            }
            format.count(prefix.counts, announced).ok_or(UnpackProblem::LengthContent)?
        }
    };
    let offset = reader.offset;
    let bytes = reader.take(format.bytes_for(count))?;
    let form = form_of(format, bytes, alphabets).ok_or(UnpackProblem::Content)?;
    let is_text = format.content != Content::Bytes && form != Form::OtherAlphabet;
    let entry = Entry { field, is_text, shown: format.shown, form, start: 0, length: 0, offset };
    message.push_read(entry, |values| {
        let start = values.len();
        if form == Form::OtherAlphabet {
            values.extend_from_slice(bytes);
            return Ok(());
        }
        read_value(format, bytes, count, values).ok_or(UnpackProblem::Content)?;
        // Where the padding tells the length, it may tell one digit more than there can be.
        match format.length {
            Length::Prefixed(prefix) if values.len() - start > prefix.max => {
                Err(UnpackProblem::Length { announced: values.len() - start, max: prefix.max })
            }
            Length::Prefixed(_) | Length::Fixed(_) => Ok(()),
        }
    })
}

/// How a value stands there. Nothing for a track whose separators are of both kinds: it could not be written back.
fn form_of(format: &FieldFormat, bytes: &[u8], alphabets: Alphabets) -> Option<Form> {
    let there = |character: u8| match format.encoding {
        Encoding::Ascii => bytes.contains(&character),
        Encoding::Ebcdic => bytes.contains(&to_ebcdic(character)),
        Encoding::Bcd | Encoding::Binary | Encoding::Hex => false,
    };
    match format.content {
        Content::Track | Content::Track3 => match (there(b'D'), there(b'=')) {
            (true, true) => None,
            (true, false) => Some(Form::OtherSeparator),
            (false, _) => Some(Form::Usual),
        },
        Content::Text if alphabets == Alphabets::Any => {
            let fits = match format.encoding {
                Encoding::Ebcdic => bytes.iter().all(|byte| from_ebcdic(*byte) != 0),
                Encoding::Ascii | Encoding::Bcd | Encoding::Binary | Encoding::Hex => Content::Text.fits(bytes),
            };
            Some(if fits { Form::Usual } else { Form::OtherAlphabet })
        }
        Content::Text | Content::Digits | Content::Signed | Content::Alphanumeric | Content::Bytes => Some(Form::Usual),
    }
}

/// Nothing when a character or the padding is not what may stand there.
fn read_value(format: &FieldFormat, bytes: &[u8], count: usize, out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    match (format.encoding, format.content) {
        (Encoding::Binary, _) => {
            out.extend_from_slice(bytes);
            return Some(());
        }
        (Encoding::Hex, _) => {
            for pair in bytes.chunks_exact(2) {
                out.push(hex_value(pair[0])? << 4 | hex_value(pair[1])?);
            }
            return Some(());
        }
        // Every half byte is looked at as it is read.
        (Encoding::Bcd, Content::Digits) => return read_digits(format, bytes, count, out),
        (Encoding::Bcd, Content::Signed) => {
            let (sign, digits) = bytes.split_at_checked(1)?;
            out.extend_from_slice(sign);
            read_digits(format, digits, count - 1, out)?;
        }
        (Encoding::Bcd, _) => read_digits(format, bytes, count, out)?,
        (Encoding::Ascii, _) => out.extend_from_slice(bytes),
        (Encoding::Ebcdic, _) => out.extend(bytes.iter().map(|byte| from_ebcdic(*byte))),
    }
    let value = &mut out[start..];
    if format.content.is_track() && format.encoding != Encoding::Bcd {
        // As characters a separator is `=` or `D`, which a message's entry remembers.
        for byte in value.iter_mut().filter(|byte| **byte == b'=') {
            *byte = b'D';
        }
    }
    format.content.fits(value).then_some(())
}

/// `count` digits or separators out of half bytes; the padding must be the dialect's. Where it tells whether the last of an
/// even count is there, there may be one less.
fn read_digits(format: &FieldFormat, bytes: &[u8], count: usize, out: &mut Vec<u8>) -> Option<()> {
    let padded = if format.padding_tells() {
        match format.align {
            Align::Left => bytes.last().is_some_and(|last| last & 0x0F == format.pad),
            Align::Right => bytes.first().is_some_and(|first| first >> 4 == format.pad),
        }
    } else {
        !count.is_multiple_of(2)
    };
    let start = out.len();
    let mut whole = bytes;
    let mut last = None;
    if padded {
        let (shared, others) = match format.align {
            Align::Left => bytes.split_last()?,
            Align::Right => bytes.split_first()?,
        };
        let (pad, digit) = match format.align {
            Align::Left => (shared & 0x0F, shared >> 4),
            Align::Right => (shared >> 4, shared & 0x0F),
        };
        if pad != format.pad {
            return None;
        }
        let digit = digit_of(digit, format.content);
        match format.align {
            Align::Left => last = Some(digit),
            Align::Right => out.push(digit),
        }
        whole = others;
    }
    let from = out.len();
    out.resize(from + 2 * whole.len(), 0);
    let pairs = out[from..].chunks_exact_mut(2).zip(whole);
    if format.content.is_track() {
        for (pair, byte) in pairs {
            pair[0] = digit_of(byte >> 4, format.content);
            pair[1] = digit_of(byte & 0x0F, format.content);
        }
        out.extend(last);
        // What is no digit became zero.
        return (!out[start..].contains(&0)).then_some(());
    }
    // Without a branch for each digit: most of a message is this loop.
    let mut wrong = false;
    for (pair, byte) in pairs {
        let (high, low) = (byte >> 4, byte & 0x0F);
        wrong |= high > 9 || low > 9;
        pair[0] = b'0' + high;
        pair[1] = b'0' + low;
    }
    let shared = if from > start { out[start] } else { last.unwrap_or(b'0') };
    out.extend(last);
    (!wrong && shared != 0).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;
    use crate::iso8583::Dialect;

    fn dialect() -> Dialect {
        Dialect::shipped("unionpay").unwrap()
    }

    /// Characters instead of half bytes, digits at the right.
    fn other_dialect() -> Dialect {
        let text = crate::iso8583::dialect::SHIPPED[0]
            .1
            .replace("mti = \"bcd\"\nlength_prefix = \"bcd\"", "mti = \"ascii\"\nlength_prefix = \"ascii\"")
            .replace("align = \"left\"\npad = \"0\"\n\n[fields.3]", "align = \"right\"\npad = \"F\"\n\n[fields.3]")
            .replace(
                "encoding = \"bcd\"\nlength = { prefix = 2, max = 37 }\nalign = \"left\"\npad = \"0\"",
                "encoding = \"ascii\"\nlength = { prefix = 2, max = 37 }",
            );
        let dialect = Dialect::parse(&text).unwrap();
        assert_eq!(dialect.field(2).unwrap().align, Align::Right);
        dialect
    }

    fn frame_of(body: &str) -> Vec<u8> {
        let body = hex::decode(&format!("6000000003603100311000{body}")).unwrap();
        [&(body.len() as u16).to_be_bytes()[..], &body].concat()
    }

    #[test]
    fn an_error_names_the_place_and_carries_what_was_read() {
        // Fields 3 and 4; the amount is cut off.
        let error = dialect().unpack(&frame_of("02003000000000000000 000000 0000")).unwrap_err();
        assert_eq!((error.path.as_deref(), error.offset), (Some("4"), 26));
        assert_eq!(error.problem, UnpackProblem::CutOff { needed: 6, left: 2 });
        assert_eq!(error.so_far.as_ref().unwrap().text(3), Some("000000"));
        assert_eq!(
            error.to_string(),
            "field 4 (amount) at byte 26 cannot be read: 6 bytes are needed, 2 are left; read so far: 0200 {3: 000000}"
        );
    }

    #[test]
    fn what_is_not_of_the_dialect_is_refused() {
        for (body, field, problem) in [
            ("0200 8000000000000000", Some("1"), UnpackProblem::UnknownField),
            ("0200 0800000000000000", Some("5"), UnpackProblem::UnknownField),
            ("0200 2000000000000000 00000A", Some("3"), UnpackProblem::Content),
            ("0200 2000000000000000 00000D", Some("3"), UnpackProblem::Content),
            (
                "0200 4000000000000000 20 12345678901234567890",
                Some("2"),
                UnpackProblem::Length { announced: 20, max: 19 },
            ),
            ("0200 4000000000000000 1A 12", Some("2"), UnpackProblem::LengthContent),
            ("0200 0000040000000000 0525", Some("22"), UnpackProblem::Content),
            ("0200 0000000020000000 03 4DD0", Some("35"), UnpackProblem::Content),
            ("0200 0000000000800000 3132333435363701", Some("41"), UnpackProblem::Content),
            ("0200 0000000000000200 1001", Some("55"), UnpackProblem::LengthContent),
            ("020A 0000000000000000", None, UnpackProblem::Content),
            ("0200 0000000000000000 00", None, UnpackProblem::LeftOver(1)),
            ("02", None, UnpackProblem::CutOff { needed: 2, left: 1 }),
        ] {
            let error = dialect().unpack(&frame_of(body)).unwrap_err();
            assert_eq!((error.path.as_deref(), error.problem), (field, problem), "{body}");
        }
        let short = [0, 3, 0x60];
        let problem = UnpackProblem::FrameLength { announced: 3, following: 1 };
        assert_eq!(dialect().unpack(&short).unwrap_err().problem, problem);
    }

    #[test]
    fn a_separator_is_mapped_not_folded() {
        let frame = dialect().unpack(&frame_of("0200 0000000020000000 06 4111D3")).unwrap();
        assert_eq!(frame.message.text(35), Some("4111D3"));
        let other = other_dialect();
        let written = Frame { tpdu: other.tpdu.clone(), header: other.header.clone(), message: frame.message.clone() };
        let bytes = other.pack(&written).unwrap();
        assert!(bytes.ends_with(b"064111=3"), "{bytes:02X?}");
        assert_eq!(other.unpack(&bytes).unwrap(), written);
    }

    #[test]
    fn the_mac_covers_from_type_to_field_63() {
        let dialect = dialect();
        let message = Message::new(Mti::FINANCIAL_REQUEST).with_text(39, "00").with_bytes(64, b"5FE058DB");
        let frame = Frame { tpdu: dialect.tpdu.clone(), header: dialect.header.clone(), message };
        let bytes = dialect.pack(&frame).unwrap();
        let covered = dialect.mac_covered(&bytes).unwrap();
        assert_eq!(hex::encode(covered), "020000000000020000013030");
        assert_eq!(covered, dialect.pack_for_mac(&frame.message.clone().without(64)).unwrap().as_slice());
        let without = Frame { message: frame.message.clone().without(64), ..frame };
        assert_eq!(dialect.mac_covered(&dialect.pack(&without).unwrap()), None);
    }
}
