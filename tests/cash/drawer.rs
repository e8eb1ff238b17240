//! The drawer opens once, or not at all: whatever becomes of power and paper.

use std::time::Duration;

use jiff::civil::date;
use yima::app::SteppedEngine;
use yima::app::cash_view::{CashFor, CashIntent, CashStage, DrawerView};
use yima::app::view::{CopyState, Intent, Screen};
use yima::devices::printer::escpos_serial::{FlowControl, SerialPrinter, SerialSettings};
use yima::devices::printer::{DrawerFault, Printer, PrinterFault};
use yima::ledger::DrawerState;
use yima::payment::cash::Tender;
use yima::people::Deed;
use yima::receipt::{CopyFor, PrinterProfile};
use yima::wording::ReasonKind;

use crate::counter::{Counter, ask, sell, until_cash, until_done, yuan};
use crate::watching::Watching;

#[test]
fn it_opens_once_for_a_sale_and_never_for_a_slip_that_is_printed_again() {
    let counter = Counter::open();
    let mut running = counter.start();
    let (trace, _, drawer) = sell(&mut running, 1234, 1234);
    assert_eq!((drawer, counter.printer.drawer_kicks()), (DrawerView::Opened, 1));
    assert_eq!(counter.terminal.ledger().cash(trace).unwrap().unwrap().drawer, DrawerState::Opened);
    counter.until_slips(1);
    running.wish(Intent::Reprint(trace));
    assert!(counter.until_slips(2)[1].contains("DUPLICATE 1"));
    drop(running);
    drop(counter.start());
    assert_eq!(counter.printer.drawer_kicks(), 1, "neither a duplicate nor a restart opens it");
}

/// The sale is durable, and nothing has been sent to the printer yet.
#[test]
fn a_power_cut_between_the_sale_and_the_pulse_leaves_it_closed_for_good() {
    let counter = Counter::open();
    let (listener, ..) = Watching::new();
    let mut engine = SteppedEngine::start(counter.parts(counter.usual_parts()), Box::new(listener));
    engine.send(Intent::Cash(CashIntent::Begin(CashFor::Amount(yuan(500)))));
    engine.send(Intent::Cash(CashIntent::Take(yuan(500))));
    assert_eq!(engine.ledger().count_cash_rows().unwrap(), 1);
    // The power goes: no device has done its job.
    drop(engine);
    let mut running = counter.terminal.start_with("unionpay-debit", |parts| counter.parts(parts));
    // The slip was on its way, as far as anybody knows.
    let shown = until_cash(&mut running, "asked", |view| match &view.stage {
        CashStage::Done { copies, .. } => copies.iter().any(|copy| matches!(copy.state, CopyState::Asks(_))),
        CashStage::Asks { .. } => false,
    });
    let CashStage::Done { drawer, trace, .. } = shown.stage else { panic!("{shown:?}") };
    assert_eq!(drawer, DrawerView::Unknown);
    running.wish(Intent::DidItPrint { copy: CopyFor::Customer, printed: false });
    let slip = counter.until_slips(1).remove(0);
    assert!(slip.contains("现金收据") && slip.contains("DUPLICATE 1"), "it may have come out: {slip}");
    let row = counter.terminal.ledger().cash(trace).unwrap().unwrap();
    assert_eq!((row.drawer, counter.printer.drawer_kicks()), (DrawerState::Asked, 0));
}

#[test]
fn a_power_cut_right_behind_the_row_leaves_a_slip_that_comes_out_and_a_drawer_that_does_not_open() {
    let counter = Counter::open();
    let trace = {
        let mut parts = counter.parts(counter.usual_parts());
        let tender = Tender::new(yuan(500), yuan(1000)).unwrap();
        let at = date(2026, 11, 29).at(12, 0, 0, 0);
        parts.ledger.record_cash_sale(tender, at, &[], true).unwrap().trace
    };
    let running = counter.start();
    let slip = counter.until_slips(1).remove(0);
    assert!(slip.contains("现金收据") && !slip.contains("DUPLICATE"), "{slip}");
    drop(running);
    let row = counter.terminal.ledger().cash(trace).unwrap().unwrap();
    assert_eq!((row.drawer, counter.printer.drawer_kicks()), (DrawerState::Asked, 0));
}

#[test]
fn a_printer_without_paper_does_not_open_it_later_with_the_new_roll() {
    let counter = Counter::open();
    let mut running = counter.start();
    counter.printer.set_paper(false);
    ask(&mut running, CashFor::Amount(yuan(500)));
    running.wish(Intent::Cash(CashIntent::Take(yuan(1000))));
    let failed = running.until("not opened", |screen| match screen {
        Screen::Cash(view) => matches!(
            &view.stage,
            CashStage::Done { drawer: DrawerView::Failed(reason), .. } if reason.kind == ReasonKind::DrawerStuck
        ),
        _ => false,
    });
    assert!(matches!(failed, Screen::Cash(_)), "the sale stands");
    counter.printer.set_paper(true);
    counter.until_slips(1);
    let (trace, ..) = until_done(&mut running);
    assert_eq!(counter.printer.drawer_kicks(), 0);
    assert_eq!(counter.terminal.ledger().cash(trace).unwrap().unwrap().drawer, DrawerState::Failed);
}

#[test]
fn it_opens_by_hand_and_that_is_written_down() {
    let counter = Counter::open();
    let mut running = counter.start();
    running.wish(Intent::Cash(CashIntent::OpenDrawer));
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while counter.printer.drawer_kicks() == 0 {
        assert!(std::time::Instant::now() < end, "it never opened");
        std::thread::sleep(Duration::from_millis(20));
    }
    let audit = counter.terminal.ledger().audit_entries(&yima::ledger::AuditSearch::default(), 9).unwrap();
    assert_eq!(audit.iter().map(|entry| entry.deed).collect::<Vec<_>>(), [Deed::DrawerOpened]);
    assert_eq!(counter.terminal.ledger().count_cash_rows().unwrap(), 0, "nothing was sold");
    // A printer that cannot is said where the wish was made.
    counter.printer.set_cover_open(true);
    running.wish(Intent::Cash(CashIntent::OpenDrawer));
    let notice = running.until("said", |screen| matches!(screen, Screen::Keypad { notice: Some(_) }));
    assert_eq!(crate::terminal::notice_kind(&notice), Some(ReasonKind::DrawerStuck));
    counter.printer.set_cover_open(false);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(counter.printer.drawer_kicks(), 1);
}

#[test]
fn a_printer_says_why_it_opens_none() {
    let counter = Counter::open();
    let device = counter.printer.device().display().to_string();
    let line = SerialSettings { flow_control: FlowControl::None, ..SerialSettings::of_device(device) };
    let profile = PrinterProfile::shipped("generic-58").unwrap();
    let without = PrinterProfile { drawer: None, ..profile.clone() };
    assert_eq!(SerialPrinter::new(line.clone(), without).open_drawer(), Err(DrawerFault::None));
    let nowhere = SerialSettings::of_device("/dev/nowhere");
    let absent = SerialPrinter::new(nowhere, profile.clone()).open_drawer();
    assert!(matches!(absent, Err(DrawerFault::Printer(PrinterFault::Absent(_)))), "{absent:?}");
    counter.printer.set_paper(false);
    let mut printer = SerialPrinter::new(line, profile);
    assert_eq!(printer.open_drawer(), Err(DrawerFault::Printer(PrinterFault::PaperOut)));
    counter.printer.set_paper(true);
    assert_eq!(printer.open_drawer(), Ok(()));
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while counter.printer.drawer_kicks() == 0 {
        assert!(std::time::Instant::now() < end, "the pulse never came");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(counter.printer.drawer_kicks(), 1);
}
