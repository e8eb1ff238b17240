//! A slip as ESC/POS commands: the content of a print job. Initialising the printer, asking how it is and the end mark
//! belong to the driver.
//!
//! The `escpos` crate gives the commands of codes; it is told to write into memory. All else is ours: the crate knows no Chinese, its
//! cut in part is a full one, and it says of every line again how it looks.
//!
//! On a slow line every byte is a millisecond. How a line looks is therefore said only where it changes, and blanks in the middle of
//! a line are left out for the place where it goes on, where the printer knows how (`ESC $`).

use std::cell::RefCell;

use escpos::driver::Driver;
use escpos::errors::Result as EscposResult;
use escpos::printer::Printer;
use escpos::utils::{Protocol, QRCodeCorrectionLevel, QRCodeModel, QRCodeOption};

use super::encoding::{Codes, codes};
use super::layout::{Row, rows};
use super::shown_code::ShownCodeSlip;
use super::{
    Align, CashSlip, Charset, CopyFor, Document, Logo, ParkedSlip, PrinterProfile, PurchaseSlip, SaleSlip,
    SettlementSlip, Size,
};
use crate::wording::Language;

/// `FS &`: the bytes above 80 are Chinese characters of two bytes each.
const CHINESE_ON: &[u8] = &[0x1C, b'&'];
/// `FS .`: they are not.
const CHINESE_OFF: &[u8] = &[0x1C, b'.'];
/// `GS V 66 0`: feed to the cutter and cut, leaving one point.
const CUT: &[u8] = &[0x1D, b'V', 66, 0];
/// Dots of a column.
const COLUMN_DOTS: u16 = 12;
/// Blanks that are worth a move: `ESC $` has four bytes.
const MOVED: usize = 5;
/// Empty lines up to this many are sent as they are: `ESC d` has three bytes.
const MOST_PLAIN_FEEDS: u8 = 2;

/// The content of the job that prints one copy of a slip.
///
/// A printer without Chinese characters prints in English whatever `language` says.
pub fn render(slip: &SaleSlip, copy: CopyFor, profile: &PrinterProfile, language: Language) -> Vec<u8> {
    job(&Document::of_sale(slip, copy, printed_language(profile, language), profile.chinese), profile)
}

/// The content of the job that prints one copy of a slip of cash, in the language of [`render`]. The drawer opens by another job.
pub fn render_cash(slip: &CashSlip, copy: CopyFor, profile: &PrinterProfile, language: Language) -> Vec<u8> {
    job(&Document::of_cash(slip, copy, printed_language(profile, language), profile.chinese), profile)
}

/// The content of the job that prints what was given up, in the language of [`render`].
pub fn render_parked(slip: &ParkedSlip, profile: &PrinterProfile, language: Language) -> Vec<u8> {
    job(&Document::of_parked(slip, printed_language(profile, language), profile.chinese), profile)
}

/// The content of the job that prints the slip of a settlement, in the language of [`render`].
pub fn render_settlement(slip: &SettlementSlip, profile: &PrinterProfile, language: Language) -> Vec<u8> {
    job(&Document::of_settlement(slip, printed_language(profile, language), profile.chinese), profile)
}

/// The content of the job that prints a code for the customer's phone, in the language of [`render`].
pub(super) fn render_shown_code(slip: &ShownCodeSlip, profile: &PrinterProfile, language: Language) -> Vec<u8> {
    job(&slip.document(printed_language(profile, language), profile.chinese), profile)
}

/// The content of the job that prints one copy of the slip of a purchase, in the language of [`render`].
pub fn render_purchase(slip: &PurchaseSlip, copy: CopyFor, profile: &PrinterProfile, language: Language) -> Vec<u8> {
    job(&Document::of_purchase(slip, copy, printed_language(profile, language), profile.chinese), profile)
}

const fn printed_language(profile: &PrinterProfile, language: Language) -> Language {
    match profile.chinese {
        Charset::Gb18030 | Charset::Unicode => language,
        Charset::Ascii => Language::English,
    }
}

/// The content of the job that prints a document.
fn job(document: &Document, profile: &PrinterProfile) -> Vec<u8> {
    commands(&rows(document, usize::from(profile.columns)), profile)
}

/// The commands that print these rows, which were laid out for the columns of this profile.
pub fn commands(rows: &[Row], profile: &PrinterProfile) -> Vec<u8> {
    // A slip has a thousand bytes.
    let mut job = Job { bytes: Vec::with_capacity(2048), look: Look::default(), codes: codes(), profile };
    if profile.chinese == Charset::Gb18030 {
        job.bytes.extend_from_slice(CHINESE_ON);
    }
    for row in rows {
        match row {
            Row::Text { text, align, size, bold } => job.line(text, Look { align: *align, size: *size, bold: *bold }),
            Row::Qr(content) => job.code(content),
            Row::Logo(picture) | Row::Signature(picture) => job.logo(picture),
            Row::Feed(lines) => job.feed(*lines),
        }
    }
    job.look(Look::default());
    if profile.chinese == Charset::Gb18030 {
        job.bytes.extend_from_slice(CHINESE_OFF);
    }
    job.feed(profile.feed_lines);
    if profile.cutter {
        job.bytes.extend_from_slice(CUT);
    }
    job.bytes
}

/// How a line looks. The usual one is that of a printer that was initialised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    align: Align,
    size: Size,
    bold: bool,
}

/// A job that is being written.
struct Job<'a> {
    bytes: Vec<u8>,
    /// What was last said of it.
    look: Look,
    codes: Codes,
    profile: &'a PrinterProfile,
}

impl Job<'_> {
    fn look(&mut self, wanted: Look) {
        if wanted.align != self.look.align {
            let n = match wanted.align {
                Align::Left => 0,
                Align::Centre => 1,
                Align::Right => 2,
            };
            self.bytes.extend_from_slice(&[0x1B, b'a', n]);
        }
        if wanted.size != self.look.size {
            let n = match wanted.size {
                Size::Normal => 0x00,
                Size::Tall => 0x01,
                Size::Double => 0x11,
            };
            self.bytes.extend_from_slice(&[0x1D, b'!', n]);
        }
        if wanted.bold != self.look.bold {
            self.bytes.extend_from_slice(&[0x1B, b'E', u8::from(wanted.bold)]);
        }
        self.look = wanted;
    }

    fn line(&mut self, text: &str, look: Look) {
        self.look(look);
        let moves = self.profile.moves && look.align == Align::Left && look.size == Size::Normal;
        self.bytes.reserve(text.len() + MOVED);
        let (mut blanks, mut column) = (0, 0);
        for character in text.chars() {
            if character == ' ' {
                blanks += 1;
                continue;
            }
            if blanks > 0 {
                column += blanks;
                self.blanks(blanks, column, moves);
                blanks = 0;
            }
            let before = self.bytes.len();
            self.profile.chinese.encode_character(self.codes, character, &mut self.bytes);
            // A character has as many columns as bytes.
            column += self.bytes.len() - before;
        }
        self.bytes.extend(std::iter::repeat_n(b' ', blanks));
        self.bytes.push(b'\n');
    }

    /// White in the middle of a line, up to this column.
    fn blanks(&mut self, blanks: usize, column: usize, moves: bool) {
        if moves && blanks >= MOVED {
            let dots = u16::try_from(column).unwrap_or(u16::MAX).saturating_mul(COLUMN_DOTS);
            let [low, high] = dots.to_le_bytes();
            self.bytes.extend_from_slice(&[0x1B, b'$', low, high]);
        } else {
            self.bytes.extend(std::iter::repeat_n(b' ', blanks));
        }
    }

    fn feed(&mut self, lines: u8) {
        // Empty lines are as high as those that are printed.
        self.look(Look { size: Size::Normal, ..self.look });
        if lines <= MOST_PLAIN_FEEDS {
            self.bytes.extend(std::iter::repeat_n(b'\n', usize::from(lines)));
        } else {
            self.bytes.extend_from_slice(&[0x1B, b'd', lines]);
        }
    }
    /// A code, in the middle.
    fn code(&mut self, content: &str) {
        self.look(Look { align: Align::Centre, ..self.look });
        let module = module_dots(content, self.profile);
        match code_commands(content, module) {
            Ok(commands) => self.bytes.extend_from_slice(&commands),
            // It is longer than any symbol: the slip goes without.
            Err(error) => tracing::error!(%error, "no code on a slip"),
        }
        self.bytes.push(b'\n');
    }

    /// A picture, in the middle, in strips that every printer's memory holds.
    fn logo(&mut self, logo: &Logo) {
        self.look(Look { align: Align::Centre, size: Size::Normal, ..self.look });
        let [low, high] = logo.row_bytes().to_le_bytes();
        for strip in logo.bits().chunks(usize::from(logo.row_bytes()) * MOST_ROWS) {
            let rows = strip.len() / usize::from(logo.row_bytes());
            let [rows_low, rows_high] = u16::try_from(rows).unwrap_or(0).to_le_bytes();
            self.bytes.extend_from_slice(&[0x1D, b'v', b'0', 0, low, high, rows_low, rows_high]);
            self.bytes.extend_from_slice(strip);
        }
    }
}

/// The commands of a code of model 2 at level M.
pub(super) fn code_commands(content: &str, module: u8) -> EscposResult<Vec<u8>> {
    let memory = Memory::default();
    let mut printer = Printer::new(&memory, Protocol::default(), None);
    printer.qrcode_option(content, QRCodeOption::new(QRCodeModel::Model2, module, QRCodeCorrectionLevel::M))?;
    printer.print()?;
    Ok(memory.written.into_inner())
}

/// A printer that only remembers.
#[derive(Default)]
struct Memory {
    written: RefCell<Vec<u8>>,
}

impl Driver for &Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn write(&self, data: &[u8]) -> EscposResult<()> {
        self.written.borrow_mut().extend_from_slice(data);
        Ok(())
    }

    fn read(&self, _: &mut [u8]) -> EscposResult<usize> {
        Ok(0)
    }

    fn flush(&self) -> EscposResult<()> {
        Ok(())
    }
}
/// Rows of a strip of a picture.
const MOST_ROWS: usize = 128;

/// Dots of a module: what the profile wants, or less when the code would be wider than the paper.
fn module_dots(content: &str, profile: &PrinterProfile) -> u8 {
    // Version 10 (57 modules) holds 213 bytes at level M, more than any content of ours, and 4 modules stay white at
    // both sides.
    let modules: u16 = match content.len() {
        0..=90 => 41,
        91..=122 => 45,
        _ => 57,
    };
    let most = u8::try_from(profile.dots / (modules + 8)).unwrap_or(u8::MAX);
    profile.qr_module_dots.min(most).max(1)
}

/// Bytes of the command, or of the character, at the head of a job of ours, as it was written here; all that is there when it is cut
/// short. Where one ends, a printer may be asked something.
pub fn unit(job: &[u8], chinese: bool) -> usize {
    let length = match job {
        [0x1B, b'a' | b'E' | b'd' | b'J' | b't' | b'R', ..] | [0x1D, b'!' | b'r' | b'a', ..] => 3,
        [0x1B, b'$', ..] => 4,
        [0x1B, b'p', ..] => 5,
        [0x1D, b'V', 65 | 66 | 97 | 98 | 103 | 104, ..] => 4,
        [0x1D, b'V', ..] => 3,
        [0x1D, b'(', _, low, high, ..] => 5 + usize::from(u16::from_le_bytes([*low, *high])),
        [0x1D, b'v', b'0', _, a, b, c, d, ..] => {
            8 + usize::from(u16::from_le_bytes([*a, *b])) * usize::from(u16::from_le_bytes([*c, *d]))
        }
        [0x1B | 0x1C, ..] => 2,
        [0x1D, ..] => 2,
        [0x81..=0xFE, ..] if chinese => 2,
        _ => 1,
    };
    length.min(job.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::tests::slip;

    /// `GS ( k`, function 165: a code of model 2.
    const MODEL_2: &[u8] = &[0x1D, b'(', b'k', 4, 0, 49, 65, 50, 0];
    /// `GS ( k`, function 169: level M.
    const LEVEL_M: &[u8] = &[0x1D, b'(', b'k', 3, 0, 49, 69, 49];

    fn has(job: &[u8], bytes: &[u8]) -> bool {
        job.windows(bytes.len()).any(|window| window == bytes)
    }

    #[test]
    fn chinese_goes_out_as_two_bytes_between_the_commands_that_switch_it_on_and_off() {
        let profile = PrinterProfile::shipped("generic-58").unwrap();
        let job = render(&slip(), CopyFor::Merchant, &profile, Language::Chinese);
        assert!(job.starts_with(CHINESE_ON));
        assert!(has(&job, CHINESE_OFF));
        assert!(has(&job, &[0xC7, 0xA9, 0xB9, 0xBA, 0xB5, 0xA5]), "签购单");
        assert!(has(&job, b"RMB \xA3\xA412.34"), "the amount with its sign");
    }

    #[test]
    fn the_code_is_of_model_2_and_level_m() {
        let profile = PrinterProfile::shipped("generic-80").unwrap();
        let job = render(&slip(), CopyFor::Customer, &profile, Language::Chinese);
        assert!(has(&job, MODEL_2) && has(&job, LEVEL_M));
        assert!(has(&job, b"Y2/898440100000001/"));
    }

    #[test]
    fn how_a_line_looks_is_said_only_where_it_changes_and_blanks_are_moves() {
        let line = |text: &str, align, bold| Row::Text { text: text.into(), align, size: Size::Normal, bold };
        let rows = [
            line("a        中     b", Align::Left, false),
            line("c    d", Align::Left, false),
            line("e        f", Align::Centre, true),
            line("g", Align::Centre, true),
        ];
        let profile = PrinterProfile { feed_lines: 1, ..PrinterProfile::shipped("generic-58").unwrap() };
        let chinese = commands(&rows, &profile);
        let expected = [
            CHINESE_ON,
            b"a\x1b$\x6c\x00\xd6\xd0\x1b$\xc0\x00b\nc    d\n\x1ba\x01\x1bE\x01e        f\ng\n\x1ba\x00\x1bE\x00",
            CHINESE_OFF,
            b"\n",
        ];
        assert_eq!(chinese, expected.concat());
        let without = PrinterProfile { moves: false, ..profile };
        assert!(has(&commands(&rows, &without), b"a        \xd6\xd0     b\nc    d\n"));
    }

    #[test]
    fn a_job_taken_apart_is_the_job_and_no_line_ends_within_a_command() {
        for (name, _) in PrinterProfile::SHIPPED {
            let profile = PrinterProfile::shipped(name).unwrap();
            // Rows of ten bytes, and ten rows: both look like the end of a line.
            let logo = Logo::new(80, vec![b'\n'; 100]).unwrap();
            let mut rows = vec![Row::Logo(logo.into()), Row::Qr("ABCDEFG".into())];
            rows.push(Row::Text {
                text: "签购单    \u{a0}     1".into(),
                align: Align::Left,
                size: Size::Normal,
                bold: true,
            });
            let job = commands(&rows, &profile);
            let (mut at, mut ends) = (0, 0);
            while at < job.len() {
                let length = unit(&job[at..], true);
                ends += usize::from(job[at..at + length] == *b"\n");
                at += length;
            }
            assert_eq!(at, job.len());
            let feeds = if profile.feed_lines <= MOST_PLAIN_FEEDS { usize::from(profile.feed_lines) } else { 0 };
            assert_eq!(ends, 2 + feeds, "{name}: behind the code and the text");
        }
    }

    #[test]
    fn content_never_initialises_resets_or_asks_the_printer() {
        for (name, _) in PrinterProfile::SHIPPED {
            let profile = PrinterProfile::shipped(name).unwrap();
            let cash = crate::receipt::cash::tests::cash_slip(false);
            let cash = render_cash(&cash, CopyFor::Customer, &profile, Language::Chinese);
            assert!(!has(&cash, &[0x1B, b'p']), "what is printed again opens no drawer");
            let job = render(&slip(), CopyFor::Merchant, &profile, Language::Chinese);
            for forbidden in [[0x1B, b'@'], [0x1B, b'?'], [0x1D, b'r'], [0x10, 0x04], [0x1B, b'p']] {
                assert!(!has(&job, &forbidden), "{forbidden:x?} in {name}");
            }
            assert_eq!(has(&job, CUT), profile.cutter, "{name}");
            assert!(job.len() < 2500, "{name}: {} bytes", job.len());
        }
    }

    #[test]
    fn a_printer_without_chinese_prints_english_in_ascii() {
        let mut profile = PrinterProfile::shipped("generic-58").unwrap();
        profile.chinese = Charset::Ascii;
        // The place of a move and the length of a long code are bytes that are no characters.
        profile.moves = false;
        let slip = SaleSlip { log_head: None, ..slip() };
        let job = render(&slip, CopyFor::Merchant, &profile, Language::Chinese);
        assert!(job.is_ascii());
        assert!(has(&job, b"SALES SLIP") && has(&job, b"RMB 12.34"));
    }
}
