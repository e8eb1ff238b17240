//! A slip as ESC/POS commands: the content of a print job. Initialising the printer, asking how it is and the end mark
//! belong to the driver.
//!
//! The `escpos` crate gives the codes; it is told to write into memory. Chinese mode, the bytes of the text and the cut
//! are ours: the crate knows no Chinese, and its cut in part is a full one.

use std::cell::RefCell;

use escpos::driver::Driver;
use escpos::errors::Result as EscposResult;
use escpos::printer::Printer;
use escpos::utils::{JustifyMode, Protocol, QRCodeCorrectionLevel, QRCodeModel, QRCodeOption};

use super::layout::{Row, rows};
use super::{
    Align, CashSlip, Charset, CopyFor, Document, ParkedSlip, PrinterProfile, PurchaseSlip, SaleSlip, SettlementSlip,
    Size,
};
use crate::wording::Language;

/// `FS &`: the bytes above 80 are Chinese characters of two bytes each.
const CHINESE_ON: &[u8] = &[0x1C, b'&'];
/// `FS .`: they are not.
const CHINESE_OFF: &[u8] = &[0x1C, b'.'];
/// `GS V 66 0`: feed to the cutter and cut, leaving one point.
const CUT: &[u8] = &[0x1D, b'V', 66, 0];

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

#[expect(
    clippy::expect_used,
    reason = "writing into memory cannot fail, and every argument is within its command's range"
)]
fn job(document: &Document, profile: &PrinterProfile) -> Vec<u8> {
    commands(document, profile).expect("a slip within its limits is always printable")
}

fn commands(document: &Document, profile: &PrinterProfile) -> EscposResult<Vec<u8>> {
    let memory = Memory::default();
    let mut printer = Printer::new(&memory, Protocol::default(), None);
    if profile.chinese == Charset::Gb18030 {
        printer.custom(CHINESE_ON)?;
    }
    for row in rows(document, usize::from(profile.columns)) {
        match row {
            Row::Text { text, align, size, bold } => {
                printer.justify(justify(align))?;
                printer.size(if size == Size::Double { 2 } else { 1 }, if size == Size::Normal { 1 } else { 2 })?;
                printer.bold(bold)?;
                let mut line = profile.chinese.encode(&text);
                line.push(b'\n');
                printer.custom(&line)?;
            }
            Row::Qr(content) => {
                let size = module_dots(&content, profile);
                printer.justify(JustifyMode::CENTER)?;
                printer
                    .qrcode_option(&content, QRCodeOption::new(QRCodeModel::Model2, size, QRCodeCorrectionLevel::M))?;
                printer.custom(b"\n")?;
            }
            Row::Feed(lines) => {
                printer.size(1, 1)?.feeds(lines)?;
            }
        }
    }
    printer.justify(JustifyMode::LEFT)?.size(1, 1)?.bold(false)?;
    if profile.chinese == Charset::Gb18030 {
        printer.custom(CHINESE_OFF)?;
    }
    printer.feeds(profile.feed_lines)?;
    if profile.cutter {
        printer.custom(CUT)?;
    }
    printer.print()?;
    Ok(memory.written.into_inner())
}

const fn justify(align: Align) -> JustifyMode {
    match align {
        Align::Left => JustifyMode::LEFT,
        Align::Centre => JustifyMode::CENTER,
        Align::Right => JustifyMode::RIGHT,
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::tests::slip;

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
        assert!(has(&job, &[0x1D, b'(', b'k', 4, 0, 49, 65, 50, 0]));
        assert!(has(&job, &[0x1D, b'(', b'k', 3, 0, 49, 69, 49]));
        assert!(has(&job, b"Y2/898440100000001/"));
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
        // A short code: the length of a long one is a byte that is no character.
        let slip = SaleSlip { log_head: None, ..slip() };
        let job = render(&slip, CopyFor::Merchant, &profile, Language::Chinese);
        assert!(job.is_ascii());
        assert!(has(&job, b"SALES SLIP") && has(&job, b"RMB 12.34"));
    }
}
