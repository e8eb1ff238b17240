//! From bytes to a message.

use zeroize::Zeroizing;

use super::dialect::{
    Align, Content, Dialect, Encoding, FieldFormat, Length, MAC_FIELD, MAX_FRAME, NumberEncoding, TPDU_LENGTH,
};
use super::message::{Frame, Message, Mti, Value};
use super::pack::{bit, is_track};

/// Bytes that are not a frame of the dialect: where reading stopped, why, and what had been read by then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place} at byte {offset} cannot be read: {problem}{}", so_far.as_ref().map_or_else(String::new, |m| format!("; read so far: {m:?}")))]
pub struct UnpackError {
    /// What was being read: `field 4 (amount)`, `bitmap`, …
    pub place: String,
    /// The field's number, when it was a field.
    pub field: Option<u8>,
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

impl Dialect {
    /// Reads a whole frame, with its length in front.
    ///
    /// # Errors
    /// At the first thing that is not as the dialect says; the error carries the place and what was read before it.
    pub fn unpack(&self, bytes: &[u8]) -> Result<Frame, UnpackError> {
        let mut reader = Reader { bytes, offset: 0 };
        let early = |offset, place: &str| {
            let place = place.to_owned();
            move |problem| UnpackError { place, field: None, offset, problem, so_far: None }
        };
        if bytes.len() > MAX_FRAME + 2 {
            return Err(early(0, "frame")(UnpackProblem::TooLong(bytes.len())));
        }
        let length = reader.take(2).map_err(early(0, "length"))?;
        let announced = usize::from(length[0]) << 8 | usize::from(length[1]);
        let following = reader.left();
        if announced != following {
            return Err(early(0, "length")(UnpackProblem::FrameLength { announced, following }));
        }
        let tpdu = reader.take(TPDU_LENGTH).map_err(early(reader.offset, "TPDU"))?.to_vec();
        let header = reader.take(self.header.len()).map_err(early(reader.offset, "header"))?.to_vec();
        let start = reader.offset;
        let mti = read_number(self.mti, 4, &mut reader).map_err(early(start, "message type"))?;
        let mti = u16::try_from(mti).ok().and_then(Mti::new).ok_or(UnpackProblem::Content);
        let mut message = Message::new(mti.map_err(early(start, "message type"))?);
        let start = reader.offset;
        let bitmap = reader
            .take(8)
            .map(|bytes| bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)))
            .map_err(early(start, "bitmap"))?;
        for field in (1..=64).filter(|field| bitmap & bit(*field) != 0) {
            let offset = reader.offset;
            let value = self
                .field(field)
                .ok_or(UnpackProblem::UnknownField)
                .and_then(|format| self.read_field(format, &mut reader));
            match value {
                Ok(value) => message.set(field, value),
                Err(problem) => {
                    let place = format!("field {field} ({})", self.name_of(field));
                    let so_far = Some(Box::new(message));
                    return Err(UnpackError { place, field: Some(field), offset, problem, so_far });
                }
            }
        }
        match reader.left() {
            0 => Ok(Frame { tpdu, header, message }),
            left => {
                let (place, offset) = ("end of the message".to_owned(), reader.offset);
                let so_far = Some(Box::new(message));
                Err(UnpackError { place, field: None, offset, problem: UnpackProblem::LeftOver(left), so_far })
            }
        }
    }

    /// The part of a frame's bytes that its field 64 covers: from the message type to the end of field 63.
    ///
    /// Nothing when field 64 is not there. `bytes` must be a frame that [`Dialect::unpack`] reads.
    pub fn mac_covered<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        self.unpack(bytes).ok()?.message.bytes(MAC_FIELD)?;
        bytes.get(2 + TPDU_LENGTH + self.header.len()..bytes.len().checked_sub(8)?)
    }

    fn read_field(&self, format: &FieldFormat, reader: &mut Reader<'_>) -> Result<Value, UnpackProblem> {
        let count = match format.length {
            Length::Fixed(count) => count,
            Length::Prefixed { digits, max } => {
                let announced = read_number(self.length_prefix, usize::from(digits), reader)?;
                if announced > max {
                    return Err(UnpackProblem::Length { announced, max });
                }
                announced
            }
        };
        let bytes = reader.take(format.bytes_for(count))?;
        let text = match (format.content, format.encoding) {
            (Content::Bytes, _) => return Ok(Value::Bytes(Zeroizing::new(bytes.to_vec()))),
            (Content::Digits | Content::Track, Encoding::Bcd) => read_digits(format, bytes, count)?,
            (_, _) => characters(bytes, format.content)?,
        };
        let fits = match format.content {
            Content::Bytes => true,
            Content::Digits => text.bytes().all(|b| b.is_ascii_digit()),
            Content::Track => is_track(&text),
            Content::Text => text.bytes().all(|b| (0x20..0x7F).contains(&b)),
        };
        if fits { Ok(Value::Text(text)) } else { Err(UnpackProblem::Content) }
    }
}

/// Reads from the front and cannot run past the end.
struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    const fn left(&self) -> usize {
        self.bytes.len() - self.offset
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], UnpackProblem> {
        let cut_off = UnpackProblem::CutOff { needed: count, left: self.left() };
        let taken = self.bytes[self.offset..].get(..count).ok_or(cut_off)?;
        self.offset += count;
        Ok(taken)
    }
}

/// `count` digits or separators out of half bytes; the padding must be the dialect's.
fn read_digits(format: &FieldFormat, bytes: &[u8], count: usize) -> Result<Zeroizing<String>, UnpackProblem> {
    let mut halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    let odd = !count.is_multiple_of(2);
    if odd && format.align == Align::Right && halves.next() != Some(format.pad) {
        return Err(UnpackProblem::Content);
    }
    let mut text = Zeroizing::new(String::with_capacity(count));
    for half in halves.by_ref().take(count) {
        text.push(match half {
            digit @ 0..=9 => char::from(b'0' + digit),
            0xD => 'D',
            _ => return Err(UnpackProblem::Content),
        });
    }
    if odd && format.align == Align::Left && halves.next() != Some(format.pad) {
        return Err(UnpackProblem::Content);
    }
    Ok(text)
}

fn characters(bytes: &[u8], content: Content) -> Result<Zeroizing<String>, UnpackProblem> {
    if content == Content::Track && bytes.contains(&b'D') {
        return Err(UnpackProblem::Content);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| UnpackProblem::Content)?;
    let separator = if content == Content::Track { "D" } else { "=" };
    Ok(Zeroizing::new(text.replace('=', separator)))
}

fn read_number(encoding: NumberEncoding, digits: usize, reader: &mut Reader<'_>) -> Result<usize, UnpackProblem> {
    let fold = |number: usize, digit: u8| (digit <= 9).then(|| number * 10 + usize::from(digit));
    match encoding {
        NumberEncoding::Ascii => {
            reader.take(digits)?.iter().try_fold(0, |number, byte| fold(number, byte.wrapping_sub(b'0')))
        }
        NumberEncoding::Bcd => reader
            .take(digits.div_ceil(2))?
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 0x0F])
            .try_fold(0, fold)
            .filter(|number| *number < 10_usize.pow(digits as u32)),
    }
    .ok_or(UnpackProblem::Content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;
    use proptest::prelude::*;

    fn dialect() -> Dialect {
        Dialect::shipped("unionpay").unwrap()
    }

    /// A dialect with everything the shipped one leaves out: characters instead of half bytes, digits at the right.
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
        assert_eq!((error.field, error.offset), (Some(4), 26));
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
            ("0200 8000000000000000", Some(1), UnpackProblem::UnknownField),
            ("0200 0800000000000000", Some(5), UnpackProblem::UnknownField),
            ("0200 2000000000000000 00000A", Some(3), UnpackProblem::Content),
            ("0200 2000000000000000 00000D", Some(3), UnpackProblem::Content),
            (
                "0200 4000000000000000 20 12345678901234567890",
                Some(2),
                UnpackProblem::Length { announced: 20, max: 19 },
            ),
            ("0200 4000000000000000 1A 12", Some(2), UnpackProblem::Content),
            ("0200 0000040000000000 0525", Some(22), UnpackProblem::Content),
            ("0200 0000000020000000 03 4DD0", Some(35), UnpackProblem::Content),
            ("0200 0000000000800000 3132333435363701", Some(41), UnpackProblem::Content),
            ("0200 0000000000000200 1001", Some(55), UnpackProblem::Content),
            ("020A 0000000000000000", None, UnpackProblem::Content),
            ("0200 0000000000000000 00", None, UnpackProblem::LeftOver(1)),
            ("02", None, UnpackProblem::CutOff { needed: 2, left: 1 }),
        ] {
            let error = dialect().unpack(&frame_of(body)).unwrap_err();
            assert_eq!((error.field, error.problem), (field, problem), "{body}");
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

    /// A value that fits a field.
    fn value_for(format: &FieldFormat) -> BoxedStrategy<Value> {
        let counts = match format.length {
            Length::Fixed(count) => count..=count,
            Length::Prefixed { max, .. } => 0..=max,
        };
        let text = |set: &str, counts: std::ops::RangeInclusive<usize>| {
            let pattern = format!("[{set}]{{{},{}}}", counts.start(), counts.end());
            proptest::string::string_regex(&pattern).unwrap().prop_map(|text| Value::Text(Zeroizing::new(text)))
        };
        match format.content {
            Content::Digits => text("0-9", counts).boxed(),
            Content::Text => text(" -~", counts).boxed(),
            Content::Track => (text("0-9", counts), any::<prop::sample::Index>())
                .prop_map(|(value, at)| match value {
                    Value::Text(digits) if !digits.is_empty() => {
                        let at = at.index(digits.len());
                        Value::Text(Zeroizing::new(format!("{}D{}", &digits[..at], &digits[at + 1..])))
                    }
                    other => other,
                })
                .boxed(),
            Content::Bytes => {
                prop::collection::vec(any::<u8>(), counts).prop_map(|b| Value::Bytes(Zeroizing::new(b))).boxed()
            }
        }
    }

    fn any_frame(dialect: &Dialect) -> impl Strategy<Value = Frame> + use<> {
        let fields: Vec<_> = dialect
            .fields()
            .map(|(number, format)| prop::option::of(value_for(format)).prop_map(move |v| (number, v)))
            .collect();
        let (tpdu, header) = (dialect.tpdu.clone(), dialect.header.clone());
        (0..=9999_u16, fields).prop_map(move |(mti, fields)| {
            let mut message = Message::new(Mti::new(mti).unwrap());
            for (number, value) in fields {
                if let Some(value) = value {
                    message.set(number, value);
                }
            }
            Frame { tpdu: tpdu.clone(), header: header.clone(), message }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_packed_is_unpacked(frame in any_frame(&dialect()), other in any_frame(&other_dialect())) {
            let bytes = dialect().pack(&frame).unwrap();
            prop_assert_eq!(dialect().unpack(&bytes).unwrap(), frame);
            let bytes = other_dialect().pack(&other).unwrap();
            prop_assert_eq!(other_dialect().unpack(&bytes).unwrap(), other);
        }

        #[test]
        fn a_cut_or_changed_frame_never_panics(frame in any_frame(&dialect()), at in any::<prop::sample::Index>(), by in 1..=255_u8) {
            let mut bytes = dialect().pack(&frame).unwrap().to_vec();
            prop_assert!(dialect().unpack(&bytes[..at.index(bytes.len())]).is_err());
            let at = at.index(bytes.len());
            bytes[at] ^= by;
            // Whatever is still read is written back as the same bytes: nothing was folded.
            if let Ok(read) = dialect().unpack(&bytes) {
                let again = dialect().pack(&read).unwrap();
                prop_assert_eq!(again.as_slice(), &bytes[..]);
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = dialect().unpack(&bytes);
            let framed = [&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat();
            let _ = dialect().unpack(&framed);
            let _ = other_dialect().mac_covered(&framed);
        }
    }
}
