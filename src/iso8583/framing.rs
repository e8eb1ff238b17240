//! What stands around a message: a length in front, a transport address (TPDU), an application header.

use serde::Deserialize;

use super::encoding::NumberEncoding;
use super::layout::MAX_FRAME;
use super::unpack::{Reader, UnpackError, UnpackProblem};

/// A transport address: one byte of kind, two of destination, two of source.
pub const TPDU_LENGTH: usize = 5;

/// What stands around a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// How the length in front is written.
    pub length: FrameLength,
    /// What that length counts.
    pub covers: Coverage,
    /// Bytes of the transport address: 5, or 0 when there is none.
    pub tpdu: usize,
    /// Bytes of the header.
    pub header: usize,
}

/// How the length of a frame is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FrameLength {
    /// None: whatever carries the frame knows its length.
    None,
    /// Two bytes, most significant first.
    U16,
    /// Four decimal characters.
    Ascii,
    /// Four decimal digits in two bytes.
    Bcd,
}

/// What the length of a frame counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coverage {
    /// All that follows it.
    Following,
    /// Itself and all that follows.
    Whole,
    /// The message alone, without address and header.
    Message,
}

impl FrameLength {
    const DIGITS: u8 = 4;

    /// The word for it in dialect files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::U16 => "u16",
            Self::Ascii => "ascii",
            Self::Bcd => "bcd",
        }
    }

    const fn encoding(self) -> Option<NumberEncoding> {
        match self {
            Self::None => None,
            Self::U16 => Some(NumberEncoding::Binary),
            Self::Ascii => Some(NumberEncoding::Ascii),
            Self::Bcd => Some(NumberEncoding::Bcd),
        }
    }

    /// Bytes of it.
    pub const fn size(self) -> usize {
        match self.encoding() {
            None => 0,
            Some(encoding) => encoding.size(Self::DIGITS as usize),
        }
    }

    /// The largest length that can be written.
    pub(super) const fn largest(self) -> usize {
        match self.encoding() {
            None => MAX_FRAME,
            Some(encoding) => encoding.largest(Self::DIGITS),
        }
    }
}

impl Coverage {
    /// The word for it in dialect files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Following => "following",
            Self::Whole => "whole",
            Self::Message => "message",
        }
    }
}

impl Framing {
    /// A message that stands alone.
    pub const NONE: Self = Self { length: FrameLength::None, covers: Coverage::Following, tpdu: 0, header: 0 };

    /// Bytes in front of the message.
    pub const fn size(&self) -> usize {
        self.length.size() + self.tpdu + self.header
    }

    /// What the length says for a message of so many bytes.
    pub(super) const fn announced(&self, message: usize) -> usize {
        match self.covers {
            Coverage::Following => self.tpdu + self.header + message,
            Coverage::Whole => self.size() + message,
            Coverage::Message => message,
        }
    }

    /// Writes the length into its place at the front.
    pub(super) fn write_length(&self, announced: usize, bytes: &mut [u8]) {
        if let Some(encoding) = self.length.encoding() {
            for (place, byte) in bytes.iter_mut().zip(encoding.bytes(announced, usize::from(FrameLength::DIGITS))) {
                *place = byte;
            }
        }
    }

    /// Reads all up to the message; gives address and header.
    pub(super) fn read<'a>(&self, reader: &mut Reader<'a>) -> Result<(&'a [u8], &'a [u8]), UnpackError> {
        if let Some(encoding) = self.length.encoding() {
            let said = reader.take(self.length.size()).map_err(|problem| UnpackError::early(0, "length", problem))?;
            let announced = encoding.read(said, FrameLength::DIGITS);
            let announced = announced.ok_or_else(|| UnpackError::early(0, "length", UnpackProblem::Content))?;
            let (beside, before) = (self.tpdu + self.header, self.length.size());
            let following = match self.covers {
                Coverage::Following => reader.left(),
                Coverage::Whole => reader.left() + before,
                Coverage::Message => reader.left().saturating_sub(beside),
            };
            if announced != following {
                let problem = UnpackProblem::FrameLength { announced, following };
                return Err(UnpackError::early(0, "length", problem));
            }
        }
        let offset = reader.offset();
        let tpdu = reader.take(self.tpdu).map_err(|problem| UnpackError::early(offset, "TPDU", problem))?;
        let offset = reader.offset();
        let header = reader.take(self.header).map_err(|problem| UnpackError::early(offset, "header", problem))?;
        Ok((tpdu, header))
    }
}
