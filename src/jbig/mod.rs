//! Pictures of black and white dots in few bytes, as ITU-T T.82 (JBIG1) writes them: one layer, one plane, the template of three lines,
//! typical prediction. That is what fax machines send (T.85), and what acquirers take of a signature.
//!
//! Pure. Reads what [`encode`] writes, and of others' files those of the same kind, in any number of stripes.

mod arithmetic;

use self::arithmetic::{Decoder, Encoder, Estimates};

/// Bytes of the head (T.82, 6.2).
pub const HEAD: usize = 20;

/// The most dots across and down that are read: no signature has as many.
pub const MOST_DOTS: u32 = 1024;

/// Contexts of the template of three lines: ten dots around.
const CONTEXTS: usize = 1024;

/// The context in which it is said whether a line is the one above it again (T.82, figure 15).
const TYPICAL: usize = 0x0E5;

/// Options of the head: a line may be the one above it again.
const TPBON: u8 = 0x08;

/// In front of a marker, and what may stand behind it.
const ESC: u8 = 0xFF;
const STUFF: u8 = 0x00;
const SDNORM: u8 = 0x02;
const SDRST: u8 = 0x03;

/// A picture of black and white dots.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    /// Row by row, each filled up to whole bytes with white; the left dot in the highest bit, 1 is black.
    bits: Vec<u8>,
}

/// What it shows may be somebody's signature.
impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({} x {})", self.width, self.height)
    }
}

/// Bytes that are no such picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JbigError {
    /// They end before the head does.
    #[error("the picture ends after {0} bytes; its head alone has 20")]
    Short(usize),
    /// It is of a kind that is not read.
    #[error("the picture has {what} {found}; only {wanted} is read")]
    Kind {
        /// Of what.
        what: &'static str,
        /// What the head says.
        found: u32,
        /// What it would have to say.
        wanted: &'static str,
    },
    /// It has no dots, or too many.
    #[error("the picture is {0} dots wide and {1} high; 1 to 1024 are read")]
    Size(u32, u32),
    /// A marker that does not belong there, or nothing where a stripe would have to end.
    #[error("the picture's stripe {stripe} ends with marker {marker:02X}, not with 02 or 03")]
    Marker {
        /// Which, from 0.
        stripe: u32,
        /// What stands behind FF; 00 where nothing does.
        marker: u8,
    },
    /// Something stands behind the last stripe.
    #[error("{0} bytes stand behind the picture")]
    Rest(usize),
}

impl Picture {
    /// A white one. Of more than [`MOST_DOTS`] across or down there are as many.
    pub fn white(width: u32, height: u32) -> Self {
        let (width, height) = (width.clamp(1, MOST_DOTS), height.clamp(1, MOST_DOTS));
        Self { width, height, bits: vec![0; (width.div_ceil(8) * height) as usize] }
    }

    /// Dots from left to right.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Dots from top to bottom.
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Bytes of a row.
    pub const fn row_bytes(&self) -> usize {
        self.width.div_ceil(8) as usize
    }

    /// Row by row, each filled up to whole bytes; the left dot in the highest bit, 1 is black.
    pub fn bits(&self) -> &[u8] {
        &self.bits
    }

    /// Whether a dot is black. Around the picture all is white.
    pub fn is_black(&self, x: i64, y: i64) -> bool {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return false };
        if x >= self.width || y >= self.height {
            return false;
        }
        let byte = self.bits.get(y as usize * self.row_bytes() + (x / 8) as usize);
        byte.is_some_and(|byte| byte & (0x80 >> (x % 8)) != 0)
    }

    /// Makes a dot black. One outside is left out.
    pub fn blacken(&mut self, x: u32, y: u32) {
        if x >= self.width || y >= self.height {
            return;
        }
        let index = y as usize * self.row_bytes() + (x / 8) as usize;
        if let Some(byte) = self.bits.get_mut(index) {
            *byte |= 0x80 >> (x % 8);
        }
    }

    /// How many dots are black.
    pub fn black_dots(&self) -> u32 {
        self.bits.iter().map(|byte| byte.count_ones()).sum()
    }

    /// The same so many times as large, dot for dot; as large as [`MOST_DOTS`] at the most.
    #[must_use]
    pub fn enlarged(&self, times: u32) -> Self {
        let times = times.max(1);
        let mut large = Self::white(self.width.saturating_mul(times), self.height.saturating_mul(times));
        for y in 0..large.height {
            for x in 0..large.width {
                if self.is_black((x / times).into(), (y / times).into()) {
                    large.blacken(x, y);
                }
            }
        }
        large
    }

    fn row(&self, y: u32) -> &[u8] {
        let row_bytes = self.row_bytes();
        self.bits.get(y as usize * row_bytes..(y as usize + 1) * row_bytes).unwrap_or_default()
    }

    /// Whether a row is the one above it again; above the first all is white.
    fn is_typical(&self, y: u32) -> bool {
        match y.checked_sub(1) {
            Some(above) => self.row(above) == self.row(y),
            None => self.row(y).iter().all(|byte| *byte == 0),
        }
    }

    /// The ten dots around one, those to the left of it and above: three two lines above, five above, two beside it.
    fn context(&self, x: u32, y: u32) -> usize {
        let (x, y) = (i64::from(x), i64::from(y));
        let above = (-1..=1).map(|by| (x + by, y - 2)).chain((-2..=2).map(|by| (x + by, y - 1)));
        let places = above.chain((-2..=-1).map(|by| (x + by, y)));
        places.fold(0, |context, (x, y)| context << 1 | usize::from(self.is_black(x, y)))
    }
}

/// Writes a picture in one stripe.
pub fn encode(picture: &Picture) -> Vec<u8> {
    let mut bytes = vec![0, 0, 1, 0];
    for number in [picture.width, picture.height, picture.height] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(&[0, 0, 0, TPBON]);
    let (mut encoder, mut estimates) = (Encoder::new(), Estimates::new(CONTEXTS));
    let mut before = false;
    for y in 0..picture.height {
        let typical = picture.is_typical(y);
        encoder.encode(&mut estimates, TYPICAL, typical == before);
        before = typical;
        if !typical {
            for x in 0..picture.width {
                encoder.encode(&mut estimates, picture.context(x, y), picture.is_black(x.into(), y.into()));
            }
        }
    }
    for byte in encoder.finish() {
        bytes.push(byte);
        if byte == ESC {
            bytes.push(STUFF);
        }
    }
    bytes.extend_from_slice(&[ESC, SDNORM]);
    bytes
}

/// Reads a picture.
///
/// # Errors
/// When it is none, is of another kind, or is not whole.
pub fn decode(bytes: &[u8]) -> Result<Picture, JbigError> {
    let (head, mut rest) = bytes.split_first_chunk::<HEAD>().ok_or(JbigError::Short(bytes.len()))?;
    let [first, layers, planes, _, sizes @ .., most_across, most_down, _, options] = head;
    let number =
        |at: usize| sizes.get(at..at + 4).map_or(0, |four| four.iter().fold(0, |n, byte| n << 8 | u32::from(*byte)));
    let (width, height, stripe_height) = (number(0), number(4), number(8));
    for (what, found, wanted, is_right) in [
        ("layers up to", *layers, "one (0)", *layers == 0 && *first == 0),
        ("planes", *planes, "one", *planes == 1),
        ("moves of a dot up to", *most_across, "none (0)", *most_across == 0),
        ("moves of a dot down to", *most_down, "none (0)", *most_down == 0),
        ("options", *options, "typical prediction or nothing (8 or 0)", *options & !TPBON == 0),
    ] {
        if !is_right {
            return Err(JbigError::Kind { what, found: found.into(), wanted });
        }
    }
    if !(1..=MOST_DOTS).contains(&width) || !(1..=MOST_DOTS).contains(&height) {
        return Err(JbigError::Size(width, height));
    }
    if stripe_height == 0 {
        return Err(JbigError::Kind { what: "lines of a stripe", found: 0, wanted: "one or more" });
    }
    let mut picture = Picture::white(width, height);
    let (mut estimates, mut before) = (Estimates::new(CONTEXTS), false);
    for stripe in 0..height.div_ceil(stripe_height) {
        let (data, marker, behind) = stripe_of(rest);
        rest = behind;
        let rows = stripe * stripe_height..height.min((stripe + 1).saturating_mul(stripe_height));
        read_stripe(&mut picture, rows, &data, *options & TPBON != 0, (&mut estimates, &mut before));
        match marker {
            Some(SDNORM) => {}
            Some(SDRST) => {
                // What comes next begins as if nothing had been before.
                estimates = Estimates::new(CONTEXTS);
                before = false;
            }
            marker => return Err(JbigError::Marker { stripe, marker: marker.unwrap_or(0) }),
        }
    }
    if rest.is_empty() { Ok(picture) } else { Err(JbigError::Rest(rest.len())) }
}

/// The data of the stripe that begins here, without stuffing, the marker that ends it, and what stands behind.
fn stripe_of(bytes: &[u8]) -> (Vec<u8>, Option<u8>, &[u8]) {
    let mut data = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        match rest {
            [ESC, STUFF, behind @ ..] => {
                data.push(ESC);
                rest = behind;
            }
            [ESC, marker, behind @ ..] => return (data, Some(*marker), behind),
            [ESC] | [] => return (data, None, &[]),
            [byte, behind @ ..] => {
                data.push(*byte);
                rest = behind;
            }
        }
    }
}

fn read_stripe(
    picture: &mut Picture,
    rows: std::ops::Range<u32>,
    data: &[u8],
    predicts: bool,
    (estimates, before): (&mut Estimates, &mut bool),
) {
    let mut decoder = Decoder::new(data);
    for y in rows {
        if predicts {
            *before = decoder.decode(estimates, TYPICAL) == *before;
            if *before {
                repeat_row(picture, y);
                continue;
            }
        }
        for x in 0..picture.width {
            if decoder.decode(estimates, picture.context(x, y)) {
                picture.blacken(x, y);
            }
        }
    }
}

fn repeat_row(picture: &mut Picture, y: u32) {
    let Some(above) = y.checked_sub(1) else { return };
    for x in 0..picture.width {
        if picture.is_black(x.into(), above.into()) {
            picture.blacken(x, y);
        }
    }
}

#[cfg(test)]
mod tests;
