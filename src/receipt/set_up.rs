//! The sheet that finds out what a printer can do, and what its profile is by what a person sees on it. The parts are numbered: each
//! has a question. Pure.

use super::{Charset, PrinterProfile, profile};

/// What is seen on the sheet, and what the printer answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Part 1: the ruler of 48 columns is one line; it is two on narrow paper.
    pub ruler_in_one_line: bool,
    /// Part 2: four Chinese characters, and both bars of it one below the other.
    pub chinese_twice_as_wide: bool,
    /// Part 3: both bars of it one below the other.
    pub moves: bool,
    /// Part 4: a code.
    pub code: bool,
    /// The paper was cut, in full or in part.
    pub cut: bool,
    /// The printer answered the end mark: nobody needs to be asked whether a slip came out.
    pub end_mark_answered: bool,
}

/// Whether a drawer is to be opened on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawer {
    /// There is none.
    None,
    /// A pulse on the connector of the printer.
    Opens,
}

/// What the code of part 4 says.
pub const CODE: &str = "YIMA PRINTER TEST";

/// Columns of the ruler: those of the wider paper.
const RULER: u8 = 48;

/// The content of the job that prints the sheet. All that stands on it but part 2 is ASCII: a printer without Chinese shows that it
/// has none.
pub fn sheet(drawer: Drawer) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut put = |part: &[u8]| bytes.extend_from_slice(part);
    put(b"\x1ba\x01\x1bE\x01YIMA PRINTER TEST\n\x1bE\x00\x1ba\x00\n");
    put(b"1 RULER\n");
    let mark = |column: u8| match (column % 10, column % 5) {
        (0, _) => b'0' + column / 10,
        (_, 0) => b'+',
        _ => b'-',
    };
    put(&(1..=RULER).map(mark).collect::<Vec<_>>());
    put(b"\n\n2 CHINESE\nABCDEFGH|\n\x1c&");
    put(&Charset::Gb18030.encode("国国国国"));
    put(b"|\n\x1c.\n3 PLACE\nA              |\nA\x1b$\xb4\x00|\n\n4 CODE\n");
    put(&[
        0x1D, b'(', b'k', 4, 0, 49, 65, 50, 0, 0x1D, b'(', b'k', 3, 0, 49, 67, 6, 0x1D, b'(', b'k', 3, 0, 49, 69, 49,
    ]);
    let [low, high] = u16::try_from(CODE.len() + 3).unwrap_or(0).to_le_bytes();
    put(&[0x1D, b'(', b'k', low, high, 49, 80, 48]);
    put(CODE.as_bytes());
    put(&[0x1D, b'(', b'k', 3, 0, 49, 81, 48, b'\n']);
    if drawer == Drawer::Opens {
        // Connector 1, 50 ms on, 500 ms off: five bytes, or the printer takes the next two for the times.
        put(b"\n5 DRAWER\n\x1bp\x00\x19\xfa");
    }
    put(b"\n\n\n\n\x1dVB\x00");
    bytes
}

impl PrinterProfile {
    /// The profile of a printer of which this was seen: that of its paper, with what it can do.
    pub fn of_what_was_seen(seen: Seen) -> Self {
        let (columns, paper, qr_module_dots) = if seen.ruler_in_one_line { (48, 80, 7) } else { (32, 58, 6) };
        let (chinese, words) = match seen.chinese_twice_as_wide {
            true => (Charset::Gb18030, "Chinese font in the printer"),
            false => (Charset::Ascii, "no Chinese"),
        };
        let answers = if seen.end_mark_answered { "" } else { ", never answers" };
        Self {
            title: format!("{paper} mm, ESC/POS, {words}{answers}, as the test found"),
            columns,
            dots: columns * 12,
            chinese,
            confirms_end_mark: seen.end_mark_answered,
            // A printer that says so is believed, but to ask it the test would have to stop it in the middle of a slip.
            clears_buffer: false,
            moves: seen.moves,
            cutter: seen.cut,
            feed_lines: if seen.cut { 1 } else { 4 },
            qr_module_dots,
            write_step: 256,
            // Most have the connector, and most drawers its usual pin.
            drawer: Some(profile::Drawer::USUAL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::unit;

    const ALL: Seen = Seen {
        ruler_in_one_line: true,
        chinese_twice_as_wide: true,
        moves: true,
        code: true,
        cut: true,
        end_mark_answered: true,
    };

    #[test]
    fn what_is_seen_of_a_shipped_make_is_its_profile() {
        for (name, seen) in [
            ("generic-58", Seen { ruler_in_one_line: false, cut: false, ..ALL }),
            ("silent-58", Seen { ruler_in_one_line: false, cut: false, moves: false, end_mark_answered: false, ..ALL }),
            ("generic-80", ALL),
        ] {
            let shipped = PrinterProfile::shipped(name).unwrap();
            let found = PrinterProfile::of_what_was_seen(seen);
            let same = PrinterProfile { title: shipped.title.clone(), clears_buffer: shipped.clears_buffer, ..found };
            assert_eq!(same, shipped, "{name}");
        }
        let ascii = PrinterProfile::of_what_was_seen(Seen { chinese_twice_as_wide: false, ..ALL });
        assert_eq!(ascii.chinese, Charset::Ascii);
    }

    #[test]
    fn what_was_found_is_read_again_as_it_was_written() {
        let found = PrinterProfile::of_what_was_seen(Seen { ruler_in_one_line: false, ..ALL });
        assert_eq!(PrinterProfile::parse("found", &found.text()), Ok(found));
    }

    #[test]
    fn the_sheet_is_taken_apart_to_its_last_byte_and_opens_no_drawer_unasked() {
        for (drawer, pulses) in [(Drawer::None, 0), (Drawer::Opens, 1)] {
            let sheet = sheet(drawer);
            let (mut at, mut found, mut chinese) = (0, 0, false);
            while at < sheet.len() {
                match &sheet[at..] {
                    [0x1B, b'p', ..] => found += 1,
                    [0x1C, b'&', ..] => chinese = true,
                    [0x1C, b'.', ..] => chinese = false,
                    _ => {}
                }
                at += unit(&sheet[at..], chinese);
            }
            assert_eq!((at, found), (sheet.len(), pulses));
        }
    }
}
