//! The sheet that finds out what a printer can do, and what its profile is by what a person sees on it. The parts are numbered: each
//! has a question. Pure.

use super::escpos::code_commands;
use super::{Charset, PrinterProfile, profile};
use crate::wording::Language;

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

/// What is asked about the sheet, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Part 1.
    Ruler,
    /// Part 2.
    Chinese,
    /// Part 3.
    Place,
    /// Part 4.
    Code,
    /// The end of the paper.
    Cut,
}

impl Question {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::Ruler, Self::Chinese, Self::Place, Self::Code, Self::Cut];

    /// The question, for whoever holds the sheet.
    pub const fn words(self, language: Language) -> &'static str {
        let (chinese, english) = match self {
            Self::Ruler => (
                "第 1 部分：标尺是一整行，末尾数字是 4 吗？（两行就答否）",
                "Part 1: is the ruler one line, with 4 as its last digit? (No when it is two lines.)",
            ),
            Self::Chinese => (
                "第 2 部分：有四个“国”字，并且上下两条竖线对齐吗？",
                "Part 2: are there four Chinese characters, and do both bars stand one below the other?",
            ),
            Self::Place => ("第 3 部分：上下两条竖线对齐吗？", "Part 3: do both bars stand one below the other?"),
            Self::Code => ("第 4 部分：有一个二维码吗？", "Part 4: is there a QR code?"),
            Self::Cut => ("纸被切断（或半切）了吗？", "Was the paper cut, in full or in part?"),
        };
        match language {
            Language::Chinese => chinese,
            Language::English => english,
        }
    }

    /// The one behind it.
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().skip_while(|known| *known != self).nth(1)
    }
}

impl Seen {
    /// What was seen so far: nothing but what the printer answered.
    pub const fn nothing(end_mark_answered: bool) -> Self {
        Self {
            ruler_in_one_line: false,
            chinese_twice_as_wide: false,
            moves: false,
            code: false,
            cut: false,
            end_mark_answered,
        }
    }

    /// The same with an answer.
    #[must_use]
    pub const fn with(self, question: Question, yes: bool) -> Self {
        match question {
            Question::Ruler => Self { ruler_in_one_line: yes, ..self },
            Question::Chinese => Self { chinese_twice_as_wide: yes, ..self },
            Question::Place => Self { moves: yes, ..self },
            Question::Code => Self { code: yes, ..self },
            Question::Cut => Self { cut: yes, ..self },
        }
    }
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

/// Dots of one of its modules.
const CODE_DOTS: u8 = 6;

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
    // As slips have it. A code that cannot be made is none on the sheet, and the answer to its question is no.
    put(&code_commands(CODE, CODE_DOTS).unwrap_or_default());
    put(b"\n");
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
    fn every_answer_is_seen_at_its_place_and_the_questions_come_in_their_order() {
        let seen = Question::ALL.into_iter().fold(Seen::nothing(true), |seen, question| seen.with(question, true));
        assert_eq!(seen, ALL);
        for question in Question::ALL {
            let seen = Seen::nothing(true).with(question, true);
            assert_ne!(seen, Seen::nothing(true), "{question:?}");
            assert_eq!(seen.with(question, false), Seen::nothing(true), "{question:?}");
        }
        let asked: Vec<_> = std::iter::successors(Some(Question::Ruler), |question| question.next()).collect();
        assert_eq!(asked, Question::ALL);
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
