//! The driver and this printer over a real pty.

use std::fs;

use super::*;
use crate::devices::printer::escpos_serial::{FlowControl, SerialPrinter, SerialSettings, Waits};
use crate::devices::printer::{Confirmation, PrintFailure, Printer, PrinterFault};
use crate::receipt::tests::{long_slip, slip};
use crate::receipt::{CopyFor, PrinterProfile, SaleSlip, render, transaction_code};
use crate::terminal::mark::Mark;
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
                    let name = format!(
                        "{profile}-{}-{}",
                        slip.mark == Mark::Test,
                        path.file_name().unwrap().to_str().unwrap()
                    );
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
    assert_eq!(result, Err(PrintFailure::before_content(PrinterFault::PaperOut)));
    assert_eq!(told, [Some(PrinterFault::PaperOut)], "who waits for paper says so");
    printer.set_paper(true);
    assert_eq!(driver_of(&printer, "generic-80").check(), Ok(()));
    assert!(printer.receipts().is_empty());
}

#[test]
fn with_the_cover_open_nothing_is_sent() {
    let output = tempfile::tempdir().unwrap();
    let (result, _, _printer) = print_on(PrinterSettings { cover_open: true, ..PrinterSettings::new(output.path()) });
    assert_eq!(result, Err(PrintFailure::before_content(PrinterFault::CoverOpen)));
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
fn a_slip_that_is_given_up_comes_out_once() {
    // Whether the profile says that the printer clears its buffer, whether it does, and whether the slip may still come.
    for (profile, clears_buffer, may_come_later) in
        [("generic-80", true, false), ("generic-80", false, true), ("generic-58", true, true)]
    {
        let output = tempfile::tempdir().unwrap();
        let roll = Roll::EndsAfter { lines: 5, back_after: None };
        let habits = Habits { clears_buffer, ..Habits::default() };
        let settings = PrinterSettings { roll, habits, paper: PaperWidth::Mm80, ..PrinterSettings::new(output.path()) };
        let printer = SandboxPrinter::start(settings).unwrap();
        let mut driver = driver_of(&printer, profile);
        let job = content(&slip(), CopyFor::Merchant, profile);
        let impatience = Duration::from_millis(500);
        assert_eq!(
            driver.print(&job, impatience, &mut |_| {}),
            Err(PrintFailure { fault: PrinterFault::PaperOut, may_be_on_paper: true, may_come_later })
        );
        assert_eq!(
            driver.print(&job, impatience, &mut |_| {}),
            Err(PrintFailure::before_content(PrinterFault::PaperOut))
        );
        printer.set_paper(true);
        assert_eq!(driver.print(&job, PATIENCE, &mut |_| {}), Ok(Confirmation::Printed));
        let whole = texts(&printer, 2).iter().filter(|text| text.contains("[QR]")).count();
        assert!(whole == 1 || may_come_later, "{whole} slips");
    }
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
        matches!(
            &result,
            Err(PrintFailure { fault: PrinterFault::Absent(_), may_be_on_paper: true, may_come_later: true })
        ),
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

/// More lines than the printer and the line to it can hold, so that some are still here when the printer stops.
fn endless_job() -> Vec<u8> {
    b"x\n".repeat(60_000)
}

#[test]
fn a_printer_switched_off_and_on_in_the_middle_has_lost_a_part_and_is_never_believed() {
    let output = tempfile::tempdir().unwrap();
    let roll = Roll::EndsAfter { lines: 5, back_after: None };
    let printer = SandboxPrinter::start(PrinterSettings { roll, ..PrinterSettings::new(output.path()) }).unwrap();
    let result = driver_of(&printer, "generic-58").print(&endless_job(), PATIENCE, &mut |fault| {
        if fault == Some(PrinterFault::PaperOut) {
            printer.power_cycle();
            printer.set_paper(true);
        }
    });
    assert_eq!(result, Ok(Confirmation::CannotConfirm));
}

#[test]
fn a_printer_switched_off_and_on_so_quickly_that_nobody_was_told_is_not_believed_either() {
    let output = tempfile::tempdir().unwrap();
    let printer = SandboxPrinter::start(PrinterSettings::new(output.path())).unwrap();
    printer.busy_after(5);
    let mut driver = driver_of(&printer, "generic-58");
    let result = std::thread::scope(|scope| {
        let printing = scope.spawn(|| driver.print(&endless_job(), PATIENCE, &mut |_| panic!("nothing was noticed")));
        std::thread::sleep(Duration::from_secs(2));
        printer.power_cycle();
        printer.set_busy(false);
        printing.join().unwrap()
    });
    assert_eq!(result, Ok(Confirmation::CannotConfirm));
}

#[test]
fn after_an_error_in_the_middle_the_cashier_looks_at_the_slip() {
    let output = tempfile::tempdir().unwrap();
    let roll = Roll::EndsAfter { lines: 5, back_after: None };
    let printer = SandboxPrinter::start(PrinterSettings { roll, ..PrinterSettings::new(output.path()) }).unwrap();
    let mut told = Vec::new();
    let job = content(&slip(), CopyFor::Merchant, "generic-58");
    let result = driver_of(&printer, "generic-58").print(&job, PATIENCE, &mut |fault| {
        match &fault {
            // The cutter jams; it is freed, and the printer says by itself that all is well.
            Some(PrinterFault::PaperOut) => printer.noise(&[0x18, 0x08, 0, 0x0F]),
            Some(PrinterFault::Error) => printer.set_paper(true),
            _ => {}
        }
        told.push(fault);
    });
    assert_eq!(result, Ok(Confirmation::CannotConfirm));
    assert_eq!(told, [Some(PrinterFault::PaperOut), Some(PrinterFault::Error), None]);
}

#[test]
fn the_mark_of_a_process_that_died_is_not_taken_for_this_jobs() {
    let output = tempfile::tempdir().unwrap();
    let printer = SandboxPrinter::start(PrinterSettings::new(output.path())).unwrap();
    printer.set_busy(true);
    fs::write(printer.device(), b"old\n\x1dr\x01").unwrap();
    let mut driver = driver_of(&printer, "generic-58");
    let job = content(&slip(), CopyFor::Merchant, "generic-58");
    let result = std::thread::scope(|scope| {
        let printing = scope.spawn(|| driver.print(&job, Duration::from_secs(1), &mut |_| {}));
        std::thread::sleep(Duration::from_millis(500));
        // The old slip takes one line, this one three; then the roll is at its end.
        printer.end_paper_after(4);
        printer.set_busy(false);
        printing.join().unwrap()
    });
    assert_eq!(result.map_err(|failure| failure.fault), Err(PrinterFault::PaperOut));
}

#[test]
fn what_is_left_of_a_status_that_lost_its_head_is_not_an_end_mark() {
    let output = tempfile::tempdir().unwrap();
    let roll = Roll::EndsAfter { lines: 5, back_after: Some(Duration::from_secs(2)) };
    let habits = Habits { loses_heads: true, ..Habits::default() };
    let (result, told, printer) =
        print_on(PrinterSettings { roll, habits, paper: PaperWidth::Mm80, ..PrinterSettings::new(output.path()) });
    assert_eq!(result, Ok(Confirmation::CannotConfirm));
    assert_eq!(told, [Some(PrinterFault::PaperOut), None]);
    assert!(texts(&printer, 1)[0].contains("RMB ￥12.34"));
}

#[test]
fn noise_on_the_line_of_a_printer_without_paper_is_not_an_end_mark() {
    let output = tempfile::tempdir().unwrap();
    let roll = Roll::EndsAfter { lines: 3, back_after: None };
    let printer = SandboxPrinter::start(PrinterSettings { roll, ..PrinterSettings::new(output.path()) }).unwrap();
    // So short that the end mark is on its way before the printer stops.
    let job = b"1\n2\n3\n4\n5\n";
    let result = driver_of(&printer, "generic-58").print(job, Duration::from_secs(1), &mut |_| printer.noise(&[0]));
    assert_eq!(result.map_err(|failure| failure.fault), Err(PrinterFault::PaperOut));
}

#[test]
fn a_printer_that_answers_only_some_things_prints_and_the_cashier_is_asked() {
    for answers in [Answers::StatusOnly, Answers::MarksOnly] {
        let output = tempfile::tempdir().unwrap();
        let habits = Habits { answers, ..Habits::default() };
        let (result, told, printer) = print_on(PrinterSettings { habits, ..PrinterSettings::new(output.path()) });
        assert_eq!((result, told), (Ok(Confirmation::CannotConfirm), vec![]), "{answers:?}");
        assert_eq!(texts(&printer, 1).len(), 1, "{answers:?}");
    }
}

#[test]
fn a_printer_that_does_not_speak_by_itself_is_waited_for_and_the_cashier_is_asked() {
    let output = tempfile::tempdir().unwrap();
    let roll = Roll::EndsAfter { lines: 5, back_after: Some(Duration::from_secs(8)) };
    let habits = Habits { answers: Answers::StatusOnly, ..Habits::default() };
    let (result, told, printer) = print_on(PrinterSettings { roll, habits, ..PrinterSettings::new(output.path()) });
    assert_eq!(result, Ok(Confirmation::CannotConfirm));
    assert_eq!(told, [Some(PrinterFault::PaperOut), None]);
    assert!(texts(&printer, 1)[0].contains("12.34"));
}

#[test]
fn what_an_earlier_process_left_half_sent_swallows_nothing_of_this_job() {
    let output = tempfile::tempdir().unwrap();
    let printer =
        SandboxPrinter::start(PrinterSettings { paper: PaperWidth::Mm80, ..PrinterSettings::new(output.path()) })
            .unwrap();
    // The head of a QR code of which 298 bytes never came.
    fs::write(printer.device(), b"\x1d(k\x2c\x01\x31\x50").unwrap();
    let job = content(&slip(), CopyFor::Merchant, "generic-80");
    assert_eq!(driver_of(&printer, "generic-80").print(&job, PATIENCE, &mut |_| {}), Ok(Confirmation::Printed));
    let expected = crate::receipt::text(&slip(), CopyFor::Merchant, 48, Language::Chinese);
    assert_eq!(without_blank_lines(&texts(&printer, 1)[0]), without_blank_lines(&expected));
}

/// A printer that holds the line when its roll ends after five lines, and says nothing of it.
fn holding_printer(output: &Path) -> (RunningPrinter, SerialSettings, Waits) {
    let roll = Roll::EndsAfter { lines: 5, back_after: None };
    let habits = Habits { answers: Answers::MarksOnly, holds_line: true, ..Habits::default() };
    let printer = SandboxPrinter::start(PrinterSettings { roll, habits, ..PrinterSettings::new(output) }).unwrap();
    let device = printer.device().to_str().unwrap();
    let line = SerialSettings { flow_control: FlowControl::XonXoff, ..SerialSettings::of_device(device) };
    (printer, line, Waits { stalled: Duration::from_millis(500), ..Waits::default() })
}

#[test]
fn a_printer_that_holds_the_line_has_stopped_and_is_not_called_dead() {
    let output = tempfile::tempdir().unwrap();
    let (printer, line, waits) = holding_printer(output.path());
    let mut driver = SerialPrinter::with_waits(line, PrinterProfile::shipped("generic-58").unwrap(), waits);
    assert_eq!(driver.check(), Err(PrinterFault::NoAnswer), "it answers no request, but holds nothing");
    let mut told = Vec::new();
    let result = driver.print(&endless_job(), PATIENCE, &mut |fault| {
        printer.set_paper(true);
        told.push(fault);
    });
    assert_eq!(result, Ok(Confirmation::CannotConfirm));
    assert_eq!(told, [Some(PrinterFault::Offline), None]);
}

#[test]
fn what_a_printer_that_holds_the_line_has_taken_is_cleared_when_it_is_given_up() {
    let output = tempfile::tempdir().unwrap();
    let (_printer, line, waits) = holding_printer(output.path());
    let mut driver = SerialPrinter::with_waits(line, PrinterProfile::shipped("generic-80").unwrap(), waits);
    // More than a step, so that some of it is held.
    let result = driver.print(&b"x\n".repeat(1000), Duration::from_millis(300), &mut |_| {});
    assert_eq!(
        result,
        Err(PrintFailure { fault: PrinterFault::Offline, may_be_on_paper: true, may_come_later: false })
    );
}
