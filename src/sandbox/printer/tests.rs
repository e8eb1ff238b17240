//! The driver and this printer over a real pty.

use std::fs;

use super::*;
use crate::devices::printer::escpos_serial::{SerialPrinter, SerialSettings, Waits};
use crate::devices::printer::{Confirmation, PrintFailure, Printer, PrinterFault};
use crate::receipt::tests::{long_slip, slip};
use crate::receipt::{CopyFor, PrinterProfile, SaleSlip, render, transaction_code};
use crate::wording::Language;

const PATIENCE: Duration = Duration::from_secs(20);

fn driver_of(printer: &RunningPrinter, profile: &str) -> SerialPrinter {
    let settings = SerialSettings::of_device(printer.device().to_str().unwrap());
    let waits = Waits {
        end_mark: Duration::from_secs(5),
        end_mark_of_silent: Duration::from_millis(300),
        look: Duration::from_millis(200),
        ..Waits::default()
    };
    SerialPrinter::with_waits(settings, PrinterProfile::shipped(profile).unwrap(), waits)
}

fn content(slip: &SaleSlip, copy: CopyFor, profile: &str) -> Vec<u8> {
    render(slip, copy, &PrinterProfile::shipped(profile).unwrap(), Language::Chinese)
}

/// A printer, a driver for it, and what its `waiting` was told.
fn print_on(
    settings: PrinterSettings,
) -> (Result<Confirmation, PrintFailure>, Vec<Option<PrinterFault>>, RunningPrinter) {
    let printer = SandboxPrinter::start(settings).unwrap();
    let mut told = Vec::new();
    let result = driver_of(&printer, "generic-80").print(
        &content(&slip(), CopyFor::Merchant, "generic-80"),
        PATIENCE,
        &mut |fault| told.push(fault),
    );
    (result, told, printer)
}

/// The text of the receipts that are there, once there are as many as expected.
fn texts(printer: &RunningPrinter, count: usize) -> Vec<String> {
    let end = Instant::now() + PATIENCE;
    while printer.receipts().len() < count && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    printer.receipts().iter().map(|path| fs::read_to_string(path.with_extension("txt")).unwrap()).collect()
}

fn qr_of(path: &Path) -> String {
    let mut reader = png::Decoder::new(std::io::BufReader::new(File::open(path).unwrap())).read_info().unwrap();
    let mut dots = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut dots).unwrap();
    let (width, height) = (info.width as usize, info.height as usize);
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| dots[y * width + x]);
    image.detect_grids().first().expect("a code").decode().unwrap().1
}

/// The blank lines of a layout are dots on paper, not lines of text.
fn without_blank_lines(text: &str) -> String {
    text.lines().filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

#[test]
fn both_copies_come_out_as_laid_out_and_their_codes_can_be_read() {
    for (profile, paper, columns) in [("generic-58", PaperWidth::Mm58, 32), ("generic-80", PaperWidth::Mm80, 48)] {
        for slip in [slip(), long_slip()] {
            let output = tempfile::tempdir().unwrap();
            let printer =
                SandboxPrinter::start(PrinterSettings { paper, ..PrinterSettings::new(output.path()) }).unwrap();
            let mut driver = driver_of(&printer, profile);
            assert_eq!(driver.check(), Ok(()));
            for copy in [CopyFor::Merchant, CopyFor::Customer] {
                let result = driver.print(&content(&slip, copy, profile), PATIENCE, &mut |_| panic!("no trouble"));
                assert_eq!(result, Ok(Confirmation::Printed));
            }
            let expected: Vec<_> = [CopyFor::Merchant, CopyFor::Customer]
                .map(|copy| without_blank_lines(&crate::receipt::text(&slip, copy, columns, Language::Chinese)))
                .into();
            assert_eq!(texts(&printer, 2).iter().map(|text| without_blank_lines(text)).collect::<Vec<_>>(), expected);
            for path in printer.receipts() {
                assert_eq!(qr_of(&path), transaction_code(&slip));
            }
            if let Some(keep) = std::env::var_os("YIMA_KEEP_PICTURES") {
                for path in printer.receipts() {
                    let name = format!("{profile}-{}-{}", slip.test, path.file_name().unwrap().to_str().unwrap());
                    fs::copy(&path, Path::new(&keep).join(name)).unwrap();
                }
            }
        }
    }
}

#[test]
fn without_paper_nothing_is_sent_and_patience_ends() {
    let output = tempfile::tempdir().unwrap();
    let (result, told, printer) =
        print_on(PrinterSettings { roll: Roll::Empty, ..PrinterSettings::new(output.path()) });
    assert_eq!(result, Err(PrintFailure { fault: PrinterFault::PaperOut, may_be_on_paper: false }));
    assert_eq!(told, [Some(PrinterFault::PaperOut)], "who waits for paper says so");
    printer.set_paper(true);
    assert_eq!(driver_of(&printer, "generic-80").check(), Ok(()));
    assert!(printer.receipts().is_empty());
}

#[test]
fn with_the_cover_open_nothing_is_sent() {
    let output = tempfile::tempdir().unwrap();
    let (result, _, _printer) = print_on(PrinterSettings { cover_open: true, ..PrinterSettings::new(output.path()) });
    assert_eq!(result, Err(PrintFailure { fault: PrinterFault::CoverOpen, may_be_on_paper: false }));
}

#[test]
fn a_roll_that_ends_in_the_middle_is_waited_for() {
    let output = tempfile::tempdir().unwrap();
    let roll = Roll::EndsAfter { lines: 5, back_after: Some(Duration::from_millis(600)) };
    let (result, told, printer) =
        print_on(PrinterSettings { roll, paper: PaperWidth::Mm80, ..PrinterSettings::new(output.path()) });
    assert_eq!(result, Ok(Confirmation::Printed));
    assert_eq!(told, [Some(PrinterFault::PaperOut), None]);
    assert!(texts(&printer, 1)[0].contains("RMB ￥12.34"));
}

#[test]
fn a_roll_nobody_changes_ends_patience_and_its_late_mark_is_not_taken_for_the_next_jobs() {
    let output = tempfile::tempdir().unwrap();
    let roll = Roll::EndsAfter { lines: 5, back_after: None };
    let printer = SandboxPrinter::start(PrinterSettings { roll, ..PrinterSettings::new(output.path()) }).unwrap();
    let mut driver = driver_of(&printer, "generic-80");
    let job = content(&slip(), CopyFor::Merchant, "generic-80");
    let failure = driver.print(&job, Duration::from_millis(500), &mut |_| {}).unwrap_err();
    assert_eq!(failure, PrintFailure { fault: PrinterFault::PaperOut, may_be_on_paper: true });
    assert_eq!(
        driver.print(&job, PATIENCE, &mut |_| {}),
        Err(PrintFailure { fault: PrinterFault::PaperOut, may_be_on_paper: false })
    );
    printer.set_paper(true);
    let second = driver.print(&job, PATIENCE, &mut |_| {});
    // The mark of the first job may have been answered before the line was opened again; then nobody can be sure.
    assert!(matches!(second, Ok(Confirmation::Printed | Confirmation::CannotConfirm)), "{second:?}");
    assert_eq!(texts(&printer, 2).len(), 2);
}

#[test]
fn a_cover_opened_in_the_middle_is_waited_for() {
    let output = tempfile::tempdir().unwrap();
    let roll = Roll::EndsAfter { lines: 5, back_after: None };
    let printer = SandboxPrinter::start(PrinterSettings { roll, ..PrinterSettings::new(output.path()) }).unwrap();
    let mut told = Vec::new();
    // The cashier's hands: the roll has ended, the cover is opened, a new roll goes in, the cover is closed.
    let result = driver_of(&printer, "generic-80").print(
        &content(&slip(), CopyFor::Merchant, "generic-80"),
        PATIENCE,
        &mut |fault| {
            match &fault {
                Some(PrinterFault::PaperOut) => printer.set_cover_open(true),
                Some(PrinterFault::CoverOpen) => {
                    printer.set_paper(true);
                    printer.set_cover_open(false);
                }
                _ => {}
            }
            told.push(fault);
        },
    );
    assert_eq!(result, Ok(Confirmation::Printed));
    assert_eq!(told, [Some(PrinterFault::PaperOut), Some(PrinterFault::CoverOpen), None]);
}

#[test]
fn a_printer_that_answers_nothing_prints_and_the_cashier_is_asked() {
    let output = tempfile::tempdir().unwrap();
    let (result, told, printer) = print_on(PrinterSettings {
        habits: Habits { answers: Answers::Nothing, ..Habits::default() },
        ..PrinterSettings::new(output.path())
    });
    assert_eq!(result, Ok(Confirmation::CannotConfirm));
    assert_eq!(told, []);
    assert_eq!(texts(&printer, 1).len(), 1);
    assert_eq!(driver_of(&printer, "generic-80").check(), Err(PrinterFault::NoAnswer));
    assert_eq!(driver_of(&printer, "silent-58").check(), Ok(()));
}

#[test]
fn a_printer_pulled_out_in_the_middle_is_absent_and_something_may_be_on_paper() {
    let output = tempfile::tempdir().unwrap();
    let roll = Roll::EndsAfter { lines: 5, back_after: None };
    let printer = SandboxPrinter::start(PrinterSettings { roll, ..PrinterSettings::new(output.path()) }).unwrap();
    let mut driver = driver_of(&printer, "generic-80");
    let mut plugged = Some(printer);
    let result = driver.print(&content(&slip(), CopyFor::Merchant, "generic-80"), PATIENCE, &mut |_| {
        plugged = None;
    });
    assert!(
        matches!(&result, Err(PrintFailure { fault: PrinterFault::Absent(_), may_be_on_paper: true })),
        "{result:?}"
    );
    assert!(matches!(driver.check(), Err(PrinterFault::Absent(_))));
}

#[test]
fn the_link_leads_to_the_printer_and_goes_with_it() {
    let output = tempfile::tempdir().unwrap();
    let link = output.path().join("printer");
    let start =
        || SandboxPrinter::start(PrinterSettings { link: Some(link.clone()), ..PrinterSettings::new(output.path()) });
    let printer = start().unwrap();
    assert_eq!(printer.device(), link);
    assert_eq!(driver_of(&printer, "generic-58").check(), Ok(()));
    drop(printer);
    assert!(!link.is_symlink());
}
