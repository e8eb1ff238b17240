//! A QR code as dots: one for each module, with the margin that scanners need. What screens and pages draw.

use qrcode::{Color, EcLevel, QrCode};

/// Modules of margin at every side (ISO/IEC 18004, 6.3.8).
pub const QUIET_ZONE: usize = 4;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Modules at a side, margin included.
    pub size: usize,
    /// Row by row: dark or light.
    pub dark: Vec<bool>,
}

impl Symbol {
    /// The symbol of a text, level M; nothing when the text is longer than a symbol holds.
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).ok()?;
        let (width, colors) = (code.width(), code.to_colors());
        let size = width + 2 * QUIET_ZONE;
        let mut dark = vec![false; size * size];
        for (y, row) in colors.chunks(width).enumerate() {
            for (x, color) in row.iter().enumerate() {
                dark[(y + QUIET_ZONE) * size + x + QUIET_ZONE] = *color == Color::Dark;
            }
        }
        Some(Self { size, dark })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scanner_reads_what_was_drawn_and_the_margin_is_white() {
        const DOTS: usize = 4;
        for text in ["HTTPS://R.EXAMPLE.CN/R/1", &"0A1B-".repeat(40)] {
            let symbol = Symbol::of(text).unwrap();
            let side = symbol.size * DOTS;
            let shade = |x: usize, y: usize| if symbol.dark[(y / DOTS) * symbol.size + x / DOTS] { 0 } else { 255 };
            let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, shade);
            assert_eq!(image.detect_grids()[0].decode().unwrap().1, text);
            assert!(symbol.dark[..QUIET_ZONE * symbol.size].iter().all(|dark| !dark));
        }
        assert_eq!(Symbol::of(&"1".repeat(8000)), None);
    }
}
