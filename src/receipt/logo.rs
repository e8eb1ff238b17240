//! What a shop has at the head and at the foot of its slips: a picture of one colour, and lines of its own.

use std::sync::Arc;

use crate::wording::Language;

/// What stands above and below every slip of a shop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letterhead {
    /// The picture at the top.
    pub logo: Option<Arc<Logo>>,
    /// Lines below the picture, Chinese and English.
    pub header: [Vec<String>; 2],
    /// Lines at the end, Chinese and English.
    pub footer: [Vec<String>; 2],
}

impl Letterhead {
    /// The lines at the top.
    pub const fn header(&self, language: Language) -> &Vec<String> {
        Self::chosen(&self.header, language)
    }

    /// The lines at the end.
    pub const fn footer(&self, language: Language) -> &Vec<String> {
        Self::chosen(&self.footer, language)
    }

    const fn chosen(lines: &[Vec<String>; 2], language: Language) -> &Vec<String> {
        let [zh, en] = lines;
        match language {
            Language::Chinese => zh,
            Language::English => en,
        }
    }
}

/// A picture of black and white dots, 203 to an inch.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    /// Bytes of a row.
    row_bytes: u16,
    /// Row by row, the left dot in the highest bit; 1 is black.
    bits: Vec<u8>,
}

/// Why a picture is none for slips.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    /// It has no dots, or not as many as it says.
    #[error("the picture is empty, or a part of it is missing")]
    Empty,
    /// It does not fit on the paper.
    #[error(
        "the picture is {width} dots wide and {height} high; at most {} by {} fit on paper of 58 mm",
        Logo::WIDEST,
        Logo::HIGHEST
    )]
    TooLarge {
        /// Dots from left to right.
        width: u32,
        /// Dots from top to bottom.
        height: u32,
    },
    /// Nothing of it is dark enough to be printed.
    #[error("nothing of the picture is dark: the paper would stay white")]
    White,
}

impl std::fmt::Debug for Logo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Logo({} x {})", self.width(), self.height())
    }
}

impl Logo {
    /// The most dots from left to right: a line of the narrower paper.
    pub const WIDEST: u32 = 384;
    /// The most dots from top to bottom, three centimetres: on a slow line a picture takes longer than the rest of the slip.
    pub const HIGHEST: u32 = 240;

    /// A picture of rows of `width` dots, each row filled up to whole bytes; the left dot is in the highest bit, and 1 is black.
    ///
    /// # Errors
    /// When it is empty, larger than the paper, or white.
    pub fn new(width: u32, bits: Vec<u8>) -> Result<Self, LogoError> {
        let row_bytes = u16::try_from(width.div_ceil(8)).unwrap_or(u16::MAX);
        if row_bytes == 0 || bits.is_empty() || !bits.len().is_multiple_of(usize::from(row_bytes)) {
            return Err(LogoError::Empty);
        }
        let logo = Self { row_bytes, bits };
        if width > Self::WIDEST || logo.height() > Self::HIGHEST {
            return Err(LogoError::TooLarge { width, height: logo.height() });
        }
        if logo.bits.iter().all(|byte| *byte == 0) {
            return Err(LogoError::White);
        }
        Ok(logo)
    }

    /// A picture in grey, a byte a dot, 0 for black, in black and white: what is between the two becomes a pattern of dots (Floyd and
    /// Steinberg), so that a photograph is known again and an edge stays an edge. White rows above and below are left out.
    ///
    /// # Errors
    /// As [`Logo::new`].
    pub fn of_grey(width: u32, grey: &[u8]) -> Result<Self, LogoError> {
        let across = width as usize;
        if across == 0 || grey.is_empty() || !grey.len().is_multiple_of(across) {
            return Err(LogoError::Empty);
        }
        let height = grey.len() / across;
        if width > Self::WIDEST || height > Self::HIGHEST as usize {
            let height = u32::try_from(height).unwrap_or(u32::MAX);
            return Err(LogoError::TooLarge { width, height });
        }
        let row_bytes = across.div_ceil(8);
        let mut bits = vec![0; row_bytes * height];
        // Sixteenths of what the dots above and at the left were too bright or too dark; a column of margin at both sides.
        let (mut here, mut below) = (vec![0_i32; across + 2], vec![0_i32; across + 2]);
        for (row, dots) in bits.chunks_exact_mut(row_bytes).zip(grey.chunks_exact(across)) {
            for (x, dot) in dots.iter().enumerate() {
                let wanted = i32::from(*dot) + here[x + 1] / 16;
                let black = wanted < 128;
                if black {
                    row[x / 8] |= 0x80 >> (x % 8);
                }
                let error = wanted - if black { 0 } else { 255 };
                here[x + 2] += error * 7;
                below[x] += error * 3;
                below[x + 1] += error * 5;
                below[x + 2] += error;
            }
            std::mem::swap(&mut here, &mut below);
            below.fill(0);
        }
        let is_white = |row: &[u8]| row.iter().all(|byte| *byte == 0);
        let first = bits.chunks_exact(row_bytes).position(|row| !is_white(row)).ok_or(LogoError::White)?;
        let last = bits.chunks_exact(row_bytes).rposition(|row| !is_white(row)).ok_or(LogoError::White)?;
        Self::new(width, bits[first * row_bytes..(last + 1) * row_bytes].to_vec())
    }

    /// Bytes of a row.
    pub const fn row_bytes(&self) -> u16 {
        self.row_bytes
    }

    /// Dots from left to right, those that fill up a byte included.
    pub fn width(&self) -> u32 {
        u32::from(self.row_bytes) * 8
    }

    /// Dots from top to bottom.
    pub fn height(&self) -> u32 {
        u32::try_from(self.bits.len() / usize::from(self.row_bytes)).unwrap_or(u32::MAX)
    }

    /// As a file, black on white.
    ///
    /// # Errors
    /// When it cannot be encoded, which does not happen in memory.
    pub fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width(), self.height());
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let mut writer = encoder.write_header()?;
        // In a PNG, 1 is white.
        let white: Vec<u8> = self.bits.iter().map(|byte| !byte).collect();
        writer.write_image_data(&white)?;
        writer.finish()?;
        Ok(bytes)
    }

    /// Row by row.
    pub fn bits(&self) -> &[u8] {
        &self.bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_becomes_as_many_black_dots_as_it_is_dark() {
        for (grey, share) in [(0, 100), (64, 75), (128, 50), (192, 25)] {
            let logo = Logo::of_grey(64, &vec![grey; 64 * 64]).unwrap();
            let black: u32 = logo.bits().iter().map(|byte| byte.count_ones()).sum();
            let percent = black * 100 / (64 * 64);
            assert!(percent.abs_diff(share) <= 2, "{grey}: {percent}");
        }
        // An edge stays an edge.
        let half: Vec<u8> = (0..16 * 4).map(|dot| if dot % 16 < 5 { 0 } else { 255 }).collect();
        assert_eq!(Logo::of_grey(16, &half).unwrap().bits(), [0xF8, 0].repeat(4));
    }

    #[test]
    fn white_above_and_below_is_left_out() {
        let mut grey = vec![255; 8 * 10];
        grey[8 * 4] = 0;
        grey[8 * 6 + 7] = 0;
        let logo = Logo::of_grey(8, &grey).unwrap();
        assert_eq!((logo.height(), logo.bits()), (3, &[0x80, 0, 1][..]));
    }

    #[test]
    fn what_cannot_be_printed_is_no_logo() {
        assert_eq!(Logo::of_grey(8, &[255; 64]), Err(LogoError::White));
        assert_eq!(Logo::of_grey(0, &[]), Err(LogoError::Empty));
        assert_eq!(Logo::of_grey(8, &[0; 63]), Err(LogoError::Empty));
        assert_eq!(Logo::of_grey(385, &[0; 385]), Err(LogoError::TooLarge { width: 385, height: 1 }));
        assert_eq!(Logo::of_grey(1, &[0; 241]), Err(LogoError::TooLarge { width: 1, height: 241 }));
        assert_eq!(Logo::new(8, vec![0; 4]), Err(LogoError::White));
        assert!(Logo::new(384, vec![1; 48 * 240]).is_ok());
    }
}
