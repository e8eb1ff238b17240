//! A code as a picture: SVG, one unit a module, with the margin that scanners need.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// Modules of margin (ISO/IEC 18004, 6.3.8).
const QUIET_ZONE: usize = 4;

/// The picture of a text; nothing when it is longer than a code holds.
pub fn picture(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).ok()?;
    let width = code.width();
    let colors = code.to_colors();
    let mut path = String::new();
    for (y, row) in colors.chunks(width).enumerate() {
        for (x, _) in row.iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
            // A text in memory is always written.
            let _ = write!(path, "M{},{}h1v1h-1z", x + QUIET_ZONE, y + QUIET_ZONE);
        }
    }
    let size = width + 2 * QUIET_ZONE;
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" \
         d=\"M0,0h{size}v{size}h-{size}z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a scanner sees of the picture.
    fn scanned(svg: &str) -> String {
        let size: usize = svg.split_once("viewBox=\"0 0 ").unwrap().1.split(' ').next().unwrap().parse().unwrap();
        let path = svg.rsplit_once(" d=\"").unwrap().1.split('"').next().unwrap();
        let dark: std::collections::BTreeSet<(usize, usize)> = path
            .split('M')
            .filter(|module| !module.is_empty())
            .map(|module| {
                let (x, rest) = module.split_once(',').unwrap();
                (x.parse().unwrap(), rest.split_once('h').unwrap().0.parse().unwrap())
            })
            .collect();
        const DOTS: usize = 4;
        let shade = |x: usize, y: usize| if dark.contains(&(x / DOTS, y / DOTS)) { 0 } else { 255 };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(size * DOTS, size * DOTS, shade);
        image.detect_grids()[0].decode().unwrap().1
    }

    #[test]
    fn a_scanner_reads_what_was_drawn() {
        for text in ["281234567890123456", &"00020101021226".repeat(20)] {
            assert_eq!(scanned(&picture(text).unwrap()), *text);
        }
        assert_eq!(picture(&"1".repeat(8000)), None);
    }
}
