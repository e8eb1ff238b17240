//! A slip on the screen, against what a printer makes of the wire.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::{Duration, Instant};

use yima::app::view::{CopyState, Intent, Screen};
use yima::devices::printer::escpos_serial::{SerialPrinter, SerialSettings};
use yima::receipt::{CopyFor, PrinterProfile};
use yima::sandbox::printer::{PaperWidth, PrinterSettings, RunningPrinter, SandboxPrinter};
use yima::wording::Language;

use super::terminal::{Reversal, Running, Sale, Terminal};

/// Width and dots of a picture that the printer has kept.
fn kept(path: &Path) -> (u32, Vec<u8>) {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
    let mut dots = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut dots).unwrap();
    (frame.width, dots)
}

fn pictures(printer: &RunningPrinter, count: usize) -> Vec<(u32, Vec<u8>)> {
    let end = Instant::now() + Duration::from_secs(20);
    while printer.receipts().len() < count {
        assert!(Instant::now() < end, "{} of {count} slips", printer.receipts().len());
        std::thread::sleep(Duration::from_millis(20));
    }
    printer.receipts().iter().map(|path| kept(path)).collect()
}

/// What the screen shows of this copy.
fn shown(running: &mut Running, wish: Intent, copy: CopyFor) -> (u32, Vec<u8>) {
    running.wish(wish);
    let screen = running.until(
        "the slip",
        |screen| matches!(screen, Screen::Receipt(shown) if shown.copy == copy && shown.paper.is_some()),
    );
    let Screen::Receipt(shown) = screen else { panic!("{screen:?}") };
    let paper = shown.paper.unwrap();
    (paper.width, paper.dots.clone())
}

fn are_printed(screen: &Screen) -> bool {
    matches!(screen, Screen::Approved { copies, .. } if copies.iter().all(|copy| copy.state == CopyState::Printed))
}

#[test]
fn the_slip_on_the_screen_is_the_one_on_paper_dot_for_dot() {
    for (profile, paper) in [("generic-58", PaperWidth::Mm58), ("generic-80", PaperWidth::Mm80)] {
        for language in [Language::Chinese, Language::English] {
            let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
            let folder = tempfile::tempdir().unwrap();
            let printer =
                SandboxPrinter::start(PrinterSettings { paper, ..PrinterSettings::new(folder.path()) }).unwrap();
            let profile = PrinterProfile::shipped(profile).unwrap();
            let device = SerialSettings::of_device(printer.device().to_str().unwrap());
            let mut running = terminal.start_with("unionpay-debit", |parts| yima::app::Parts {
                printer: Box::new(SerialPrinter::new(device.clone(), profile.clone())),
                printer_profile: profile.clone(),
                language,
                ..parts
            });
            running.charge("12.34");
            running.until("printed", are_printed);
            let trace = terminal.rows()[0].trace;
            let on_paper = pictures(&printer, 2);
            for (copy, on_paper) in [CopyFor::Merchant, CopyFor::Customer].into_iter().zip(&on_paper) {
                let on_screen = shown(&mut running, Intent::ShowReceipt(trace, copy), copy);
                assert!(on_screen == *on_paper, "{profile:?} {language:?} {copy:?}");
                assert_eq!(on_screen.0, paper.dots());
            }
            // Back to the result, which has waited.
            running.wish(Intent::LeaveReceipt);
            running.until("the result", are_printed);
            // A duplicate says so, on paper and on the screen.
            running.wish(Intent::ShowTransaction(trace));
            running.wish(Intent::Reprint(trace));
            let duplicates = pictures(&printer, 4);
            let on_screen = shown(&mut running, Intent::ShowReceipt(trace, CopyFor::Customer), CopyFor::Customer);
            assert!(on_screen == duplicates[3] && on_screen != on_paper[1], "{profile:?} {language:?}");
            running.wish(Intent::LeaveReceipt);
            running.until("the transaction", |screen| matches!(screen, Screen::Transaction(_)));
        }
    }
}
