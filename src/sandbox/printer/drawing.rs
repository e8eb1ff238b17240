//! A strip of paper as a picture: 8 dots a millimetre, characters of 12x24 and 24x24 dots as a printer has them in its
//! memory, drawn with the fonts of the touchscreen.

use std::path::Path;
use std::sync::OnceLock;

use fontdue::{Font, FontSettings};
use qrcode::{Color, EcLevel, QrCode};

use super::model::{Cell, Row, Strip};

/// Dots of white above and below.
const MARGIN: u32 = 32;
/// The height of a character.
const CELL: u32 = 24;
/// White around a QR code, in modules: half of what the standard asks for, the rest is white anyway.
pub(super) const QUIET_MODULES: u32 = 2;
/// The longest strip that is drawn; a printer that is fed noise does not fill the memory.
const LONGEST: u32 = 20_000;

/// Why a receipt could not be drawn or kept.
#[derive(Debug, thiserror::Error)]
pub enum DrawingError {
    /// The picture cannot be written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The picture cannot be encoded.
    #[error("the picture of a receipt could not be encoded: {0}")]
    Encoding(#[from] png::EncodingError),
}

/// A picture in grey, one byte a dot, 0 for black.
pub struct Picture {
    width: u32,
    dots: Vec<u8>,
}

impl Picture {
    /// Draws a strip of `width` dots.
    pub fn of(strip: &Strip, width: u32) -> Self {
        let mut picture = Self { width, dots: Vec::new() };
        picture.add_white(MARGIN);
        for row in &strip.rows {
            if picture.height() > LONGEST {
                break;
            }
            match row {
                Row::Text { cells, align, spacing } => picture.text(cells, *align, u32::from(*spacing)),
                Row::Qr { content, module, level, align } => picture.qr(content, u32::from(*module), *level, *align),
                Row::Raster { width, bits, align } => picture.raster(*width, bits, *align),
                Row::Feed(dots) => picture.add_white(*dots),
            }
        }
        picture.add_white(MARGIN);
        picture
    }

    /// Dots from left to right.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Dots from top to bottom.
    pub fn height(&self) -> u32 {
        u32::try_from(self.dots.len()).unwrap_or(u32::MAX) / self.width.max(1)
    }

    /// All dots, row by row.
    pub fn dots(&self) -> &[u8] {
        &self.dots
    }

    /// How bright a dot is: 0 black, 255 white.
    pub fn dot(&self, x: u32, y: u32) -> u8 {
        if x >= self.width {
            return 255;
        }
        self.dots.get((y * self.width + x) as usize).copied().unwrap_or(255)
    }

    /// Writes it as PNG.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_png(&self, path: &Path) -> Result<(), DrawingError> {
        let file = std::fs::File::create(path)
            .map_err(|source| DrawingError::File { path: path.display().to_string(), source })?;
        self.png_to(std::io::BufWriter::new(file))
    }

    /// The same as bytes.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn png(&self) -> Result<Vec<u8>, DrawingError> {
        let mut bytes = Vec::new();
        self.png_to(&mut bytes)?;
        Ok(bytes)
    }

    fn png_to(&self, to: impl std::io::Write) -> Result<(), DrawingError> {
        let mut encoder = png::Encoder::new(to, self.width, self.height());
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: 8000, yppu: 8000, unit: png::Unit::Meter }));
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.dots)?;
        writer.finish()?;
        Ok(())
    }

    fn add_white(&mut self, rows: u32) {
        let rows = rows.min(LONGEST);
        self.dots.resize(self.dots.len() + (rows * self.width) as usize, 255);
    }

    fn darken(&mut self, x: u32, y: u32, ink: u8) {
        if x < self.width
            && let Some(dot) = self.dots.get_mut((y * self.width + x) as usize)
        {
            *dot = (*dot).min(255 - ink);
        }
    }

    fn left_edge(&self, width: u32, align: u8) -> u32 {
        let free = self.width.saturating_sub(width);
        match align {
            1 => free / 2,
            2 => free,
            _ => 0,
        }
    }

    fn text(&mut self, cells: &[Cell], align: u8, spacing: u32) {
        let height = line_height(cells);
        let top = self.height();
        self.add_white(line_dots(cells, spacing));
        let mut left = self.left_edge(cells.iter().map(Cell::room).sum(), align);
        for cell in cells {
            left += u32::from(cell.before);
            // Characters of different heights stand on the same foot.
            self.character(cell, left, top + height - u32::from(cell.height) * CELL);
            left += cell.dots();
        }
    }

    fn character(&mut self, cell: &Cell, left: u32, top: u32) {
        if cell.character == ' ' {
            return;
        }
        let height = u32::from(cell.height) * CELL;
        if cell.character == '-' {
            // Hyphens in a row make a fine broken line, as from a printer's own font.
            let thick = if cell.bold { 3 } else { 2 };
            for y in 0..thick {
                for x in 1..cell.dots() - 1 {
                    self.darken(left + x, top + height / 2 + y, 255);
                }
            }
            return;
        }
        let [regular, bold] = fonts();
        let Some(font) = (if cell.bold { bold } else { regular }) else { return };
        #[expect(clippy::cast_precision_loss, reason = "a few hundred dots")]
        let size = height as f32 * FILL;
        let (metrics, ink) = font.rasterize(cell.character, size);
        let squeeze = Squeeze::of(metrics.xmin, metrics.width, metrics.advance_width, cell);
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a few hundred dots")]
        let baseline = (height as f32 * BASELINE).round() as i32;
        let first_row = baseline - metrics.ymin - i32::try_from(metrics.height).unwrap_or(0);
        for row in 0..metrics.height {
            let Ok(y) = u32::try_from(first_row + i32::try_from(row).unwrap_or(0)) else { continue };
            // The tails of g and y reach into the white between the lines.
            if y >= height + height / 6 {
                continue;
            }
            let line = &ink[row * metrics.width..(row + 1) * metrics.width];
            for x in 0..cell.dots() {
                let covered = squeeze.ink_at(line, x);
                if covered > 0 {
                    self.darken(left + x, top + y, covered);
                }
            }
        }
    }

    fn qr(&mut self, content: &[u8], module: u32, level: u8, align: u8) {
        // Too much for any code: a printer prints nothing then.
        let Some(code) = symbol(content, level) else { return };
        let modules = u32::try_from(code.width()).unwrap_or(0);
        let size = (modules + 2 * QUIET_MODULES) * module;
        if size > self.width {
            return;
        }
        let (left, top) =
            (self.left_edge(size, align) + QUIET_MODULES * module, self.height() + QUIET_MODULES * module);
        self.add_white(size);
        for (index, colour) in (0_u32..).zip(code.to_colors()) {
            if colour == Color::Dark {
                let (column, row) = (index % modules, index / modules);
                for y in 0..module {
                    for x in 0..module {
                        self.darken(left + column * module + x, top + row * module + y, 255);
                    }
                }
            }
        }
    }

    fn raster(&mut self, width: usize, bits: &[u8], align: u8) {
        let top = self.height();
        let rows = bits.len().checked_div(width).unwrap_or(0);
        self.add_white(u32::try_from(rows).unwrap_or(LONGEST));
        let left = self.left_edge(u32::try_from(width * 8).unwrap_or(u32::MAX), align);
        for (y, row) in (top..).zip(bits.chunks_exact(width.max(1))) {
            for (x, byte) in (0_u32..).zip(row) {
                for bit in 0..8 {
                    if byte & (0x80 >> bit) != 0 {
                        self.darken(left + x * 8 + bit, y, 255);
                    }
                }
            }
        }
    }
}

fn line_height(cells: &[Cell]) -> u32 {
    cells.iter().map(|cell| u32::from(cell.height) * CELL).max().unwrap_or(0)
}

/// Dots from a line to the next. A tall one keeps the white between lines that a low one has.
pub(super) fn line_dots(cells: &[Cell], spacing: u32) -> u32 {
    let height = line_height(cells);
    if height > CELL { height + spacing.saturating_sub(CELL) } else { spacing.max(height) }
}

/// The code of a content at a level as `GS ( k` numbers them; nothing when it holds too much.
pub(super) fn symbol(content: &[u8], level: u8) -> Option<QrCode> {
    let level = match level {
        49 => EcLevel::M,
        50 => EcLevel::Q,
        51 => EcLevel::H,
        _ => EcLevel::L,
    };
    QrCode::with_error_correction_level(content, level).ok()
}

/// The part of a cell's height that the font's em takes: a dot of white stays between two lines of large characters.
const FILL: f32 = 0.96;
/// Where the baseline is, from the top of the cell.
const BASELINE: f32 = 0.86;

/// How a character of the font, which is as wide as it likes, gets into a cell, which is not: in the middle, or made
/// narrower.
struct Squeeze {
    /// Dots of the font for one of the cell.
    ratio: f32,
    /// Where the ink begins, in dots of the cell.
    start: f32,
}

impl Squeeze {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred dots")]
    fn of(xmin: i32, ink_width: usize, advance: f32, cell: &Cell) -> Self {
        let room = cell.dots() as f32;
        // How much narrower than high the cell is made: tall characters are the normal ones drawn higher.
        let stretch = f32::from(cell.width) / f32::from(cell.height);
        let natural = advance.max(ink_width as f32) * stretch;
        let scale = if natural > room { stretch * room / natural } else { stretch };
        Self { ratio: 1.0 / scale, start: (room - advance * scale) / 2.0 + xmin as f32 * scale }
    }

    /// The ink in dot `x` of the cell: the mean of what the font has there.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few hundred dots, and coverage between 0 and 255"
    )]
    fn ink_at(&self, line: &[u8], x: u32) -> u8 {
        let from = ((x as f32 - self.start) * self.ratio).max(0.0);
        let to = ((x as f32 + 1.0 - self.start) * self.ratio).min(line.len() as f32);
        if to <= from {
            return 0;
        }
        let mut sum = 0.0;
        for (index, ink) in line.iter().enumerate().take(to.ceil() as usize).skip(from as usize) {
            let share = (to.min(index as f32 + 1.0) - from.max(index as f32)).max(0.0);
            sum += share * f32::from(*ink);
        }
        (sum / self.ratio).min(255.0) as u8
    }
}

/// Regular and bold; read when the first receipt is drawn.
fn fonts() -> &'static [Option<Font>; 2] {
    static FONTS: OnceLock<[Option<Font>; 2]> = OnceLock::new();
    // Part of the program; `every_character_of_a_slip_has_ink` proves that they can be read.
    FONTS.get_or_init(|| {
        let read = |bytes: &'static [u8]| Font::from_bytes(bytes, FontSettings::default()).ok();
        [
            read(include_bytes!("../../../assets/fonts/yima-regular.ttf")),
            read(include_bytes!("../../../assets/fonts/yima-bold.ttf")),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip_of(text: &str, width: u8, height: u8, bold: bool, align: u8) -> Strip {
        let cells = text.chars().map(|character| Cell { character, width, height, bold, before: 0 }).collect();
        Strip { rows: vec![Row::Text { cells, align, spacing: 30 }] }
    }

    fn inked_columns(picture: &Picture) -> Vec<u32> {
        (0..picture.width()).filter(|x| (0..picture.height()).any(|y| picture.dot(*x, y) < 128)).collect()
    }

    #[test]
    fn every_character_of_a_slip_has_ink_inside_its_cell() {
        for bold in [false, true] {
            for (width, height) in [(1, 1), (1, 2), (2, 2)] {
                for character in "签购单消费￥〓，。ABWMgjy08@-.,*".chars() {
                    let picture = Picture::of(&strip_of(&character.to_string(), width, height, bold, 0), 384);
                    let columns = inked_columns(&picture);
                    let room = if character.is_ascii() { 12 } else { 24 } * u32::from(width);
                    assert!(!columns.is_empty(), "{character} {width}x{height}");
                    assert!(columns.iter().all(|x| *x < room), "{character} {width}x{height}");
                }
            }
        }
    }

    #[test]
    fn lines_stand_where_they_belong() {
        for (align, from, to) in [(0, 0, 60), (1, 160, 224), (2, 320, 384)] {
            let columns = inked_columns(&Picture::of(&strip_of("金额", 1, 1, false, align), 384));
            assert!(columns.iter().all(|x| (from..to).contains(x)), "{align}: {columns:?}");
        }
    }

    #[test]
    fn a_picture_keeps_its_dots() {
        let strip = Strip { rows: vec![Row::Raster { width: 1, bits: vec![0b1010_0000, 0], align: 0 }] };
        let picture = Picture::of(&strip, 16);
        let row = |y| (0..4).map(|x| picture.dot(x, y)).collect::<Vec<_>>();
        assert_eq!(row(MARGIN), [0, 255, 0, 255]);
        assert_eq!(row(MARGIN + 1), [255; 4]);
    }

    #[test]
    fn nonsense_is_not_drawn_and_does_no_harm() {
        let qr = |content: Vec<u8>, module| Row::Qr { content, module, level: 49, align: 1 };
        let rows = vec![
            qr(vec![b'x'; 5000], 3),
            qr(b"wide".to_vec(), 200),
            Row::Raster { width: 0, bits: vec![1, 2, 3], align: 0 },
        ];
        assert!(inked_columns(&Picture::of(&Strip { rows }, 384)).is_empty());
    }
}
