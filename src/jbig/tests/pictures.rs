//! The pictures that both kinds of tests draw: those beside the code, and `tests/jbig.rs`.

use super::Picture;

/// One whose dots are black where this says so.
pub fn drawn(width: u32, height: u32, black: impl Fn(u32, u32) -> bool) -> Picture {
    let mut picture = Picture::white(width, height);
    for y in 0..height {
        for x in 0..width {
            if black(x, y) {
                picture.blacken(x, y);
            }
        }
    }
    picture
}

/// A stroke with loops, three dots thick.
pub fn looped(width: u32, height: u32) -> Picture {
    let mut picture = Picture::white(width, height);
    for step in 0..6000 {
        let t = f64::from(step) / 6000.0;
        let x = (0.05 + 0.9 * t) * f64::from(width) + (t * 40.0).sin() * 14.0;
        let y = (0.5 + 0.35 * (t * 40.0).cos() * (1.0 - t)) * f64::from(height);
        for (dx, dy) in (0..3).flat_map(|dx| (0..3).map(move |dy| (dx, dy))) {
            picture.blacken(x as u32 + dx, y as u32 + dy);
        }
    }
    picture
}

/// One of each sort: empty, full, small, chequered, random, written on.
pub fn pictures() -> Vec<Picture> {
    vec![
        Picture::white(1, 1),
        Picture::white(384, 128),
        drawn(1, 1, |_, _| true),
        drawn(384, 128, |_, _| true),
        drawn(17, 9, |x, y| (x + y) % 2 == 0),
        drawn(64, 64, |x, y| x == y),
        drawn(100, 60, |x, y| (x * 7919 + y * 104_729) % 13 < 5),
        looped(384, 128),
        looped(240, 80),
    ]
}
