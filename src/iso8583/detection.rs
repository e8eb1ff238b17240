//! Which frame stands around a message, when nobody says: the dialect's own, none, or another that is usual.

use super::framing::{Coverage, FrameLength, Framing, TPDU_LENGTH};
use super::layout::Layout;
use super::message::Frame;
use super::unpack::{Reader, UnpackError};

/// The first byte of a transport address.
const TPDU_KIND: u8 = 0x60;

impl Layout {
    /// Reads a message in the dialect's frame, without any, or in one that is usual: a length of two bytes or four characters,
    /// a transport address, the dialect's header. Says in which. As [`Layout::unpack_any_alphabet`], it is for people.
    ///
    /// # Errors
    /// As [`Layout::unpack`], of the first frame behind which a message type stands.
    pub fn unpack_detected(&self, bytes: &[u8]) -> Result<(Framing, Frame), UnpackError> {
        // Whatever is wholly of the dialect comes first; then what has text in another alphabet.
        self.detected(bytes, Self::unpack_framed)
            .or_else(|error| self.detected(bytes, Self::unpack_any_alphabet).map_err(|_| error))
    }

    fn detected(
        &self,
        bytes: &[u8],
        unpack: impl Fn(&Self, Framing, &[u8]) -> Result<Frame, UnpackError>,
    ) -> Result<(Framing, Frame), UnpackError> {
        let own = match unpack(self, self.framing, bytes) {
            Ok(frame) => return Ok((self.framing, frame)),
            Err(error) => error,
        };
        let mut other = None;
        for framing in self.other_framings().filter(|framing| self.is_likely(*framing, bytes)) {
            match unpack(self, framing, bytes) {
                Ok(frame) => return Ok((framing, frame)),
                Err(error) => other = other.or(Some(error)),
            }
        }
        // The dialect's own frame has the last word, unless something else than a message stands in it.
        Err(other.filter(|_| !self.has_message_at(self.framing, bytes)).unwrap_or(own))
    }

    fn other_framings(&self) -> impl Iterator<Item = Framing> + '_ {
        let lengths = [FrameLength::U16, FrameLength::Ascii, FrameLength::Bcd, FrameLength::None];
        let around = [(TPDU_LENGTH, self.header.len()), (TPDU_LENGTH, 0), (0, self.header.len()), (0, 0)];
        let others = lengths.into_iter().flat_map(move |length| {
            around.into_iter().flat_map(move |(tpdu, header)| {
                [Coverage::Following, Coverage::Whole].map(|covers| Framing { length, covers, tpdu, header })
            })
        });
        // Of nothing it makes no difference what it counts.
        let others = others.filter(|it| it.length != FrameLength::None || it.covers == Coverage::Following);
        std::iter::once(Framing::NONE).chain(others).filter(|framing| *framing != self.framing)
    }

    /// Whether the length fits, an address begins as one, and a message type stands behind.
    fn is_likely(&self, framing: Framing, bytes: &[u8]) -> bool {
        let length_fits = framing.read(&mut Reader::new(bytes)).is_ok();
        let address = framing.tpdu == 0 || bytes.get(framing.length.size()) == Some(&TPDU_KIND);
        length_fits && address && self.has_message_at(framing, bytes)
    }

    /// Whether behind this frame a message type stands that exists: a version of the standard, or of somebody's own, and a
    /// class.
    fn has_message_at(&self, framing: Framing, bytes: &[u8]) -> bool {
        let mti = bytes.get(framing.size()..framing.size() + self.mti.size(4));
        mti.and_then(|mti| self.mti.read(mti, 4))
            .is_some_and(|mti| matches!(mti / 1000, 0..=2 | 8 | 9) && matches!(mti / 100 % 10, 1..=8))
    }
}
