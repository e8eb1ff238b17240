//! Slips that do not come out, or may have.

use yima::app::Ending;
use yima::app::view::{CopyState, Intent, Screen};
use yima::devices::printer::{Confirmation, PrintFailure, PrinterFault};
use yima::wording::ReasonKind;

use super::terminal::{Reversal, Sale, Terminal, is_keypad, notice_kind, refusing};

#[test]
fn a_slip_that_cannot_be_noted_does_not_keep_a_paid_sale_from_ending() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    drop(terminal.start());
    refusing(&terminal, "copies", "sending");
    let mut running = terminal.start();
    running.charge("12.34");
    let report = running.report();
    assert_eq!(report.ending, Ending::Approved);
    assert!(report.copies.iter().all(|copy| copy.state == yima::ledger::PrintState::Queued), "as the ledger has it");
    let screen = running.until("paid", |screen| {
        matches!(screen, Screen::Approved { copies, .. } if copies.iter().all(|copy| matches!(copy.state, CopyState::Failed(_))))
    });
    assert!(matches!(screen, Screen::Approved { copies, .. } if copies.len() == 2));
    // The trouble is over: both come out.
    terminal.sql("DROP TRIGGER full_sending");
    running.wish(Intent::RetryPrint);
    running.until("printed", |screen| {
        matches!(screen, Screen::Approved { copies, .. } if copies.iter().all(|copy| copy.state == CopyState::Printed))
    });
}

#[test]
fn a_slip_that_may_still_come_out_is_printed_again_as_a_duplicate_only() {
    let gave_up =
        |may_come_later| Err(PrintFailure { fault: PrinterFault::PaperOut, may_be_on_paper: true, may_come_later });
    // What the printer says of the merchant's slip, and which numbers stand in the ledger after "no" was answered.
    let cases = [
        (gave_up(true), vec![("merchant", 0, "failed"), ("merchant", 1, "printed")]),
        (Ok(Confirmation::CannotConfirm), vec![("merchant", 0, "failed"), ("merchant", 1, "printed")]),
        (gave_up(false), vec![("merchant", 0, "printed")]),
    ];
    for (said, expected) in cases {
        let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
        // Taken from the end: the merchant's slip, then the customer's.
        *terminal.paper.0.lock().unwrap() = vec![Ok(Confirmation::Printed), said.clone()];
        let mut running = terminal.start();
        running.charge("12.34");
        let report = running.report();
        assert_eq!(report.copies[0].trouble.is_some(), said.is_err(), "the report names what stopped it");
        running.until(
            "the question",
            |screen| matches!(screen, Screen::Approved { copies, .. } if matches!(copies[0].state, CopyState::Asks(_))),
        );
        running.wish(Intent::DidItPrint { copy: yima::receipt::CopyFor::Merchant, printed: false });
        running.until("printed", |screen| {
            matches!(screen, Screen::Approved { copies, .. } if copies.iter().all(|c| c.state == CopyState::Printed))
        });
        let rows: Vec<_> = terminal.copies().into_iter().filter(|(copy, ..)| copy == "merchant").collect();
        let rows: Vec<_> = rows.iter().map(|(copy, number, state)| (copy.as_str(), *number, state.as_str())).collect();
        assert_eq!(rows, expected, "{said:?}");
    }
}

#[test]
fn a_slip_of_an_earlier_sale_that_stands_still_is_said_above_the_keypad() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let failure = PrintFailure::before_content(PrinterFault::PaperOut);
    *terminal.paper.0.lock().unwrap() = vec![Err(failure.clone()), Err(failure)];
    let mut running = terminal.start();
    running.charge("12.34");
    assert_eq!(running.report().ending, Ending::Approved);
    running.wish(Intent::NextCustomer);
    running.until("the notice", |screen| notice_kind(screen) == Some(ReasonKind::PrinterPaperOut));
    // It does not stay for ever: the next sale has the screen.
    running.charge("1.00");
    running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    running.wish(Intent::NextCustomer);
    running.until("the keypad", |screen| matches!(screen, Screen::Keypad { notice: None }));
}

#[test]
fn a_slip_the_power_cut_on_its_way_is_asked_about_until_somebody_answers() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let running = terminal.start();
    running.charge("12.34");
    assert_eq!(running.report().ending, Ending::Approved);
    drop(running);
    terminal.sql("UPDATE copies SET state = 'sending' WHERE copy = 'merchant'");
    // Asked at the first start, and again at the second: nobody has answered.
    for _ in 0..2 {
        let mut running = terminal.start();
        running.until("the question", |screen| {
            matches!(screen, Screen::Approved { copies, .. } if copies.len() == 1 && copies[0].state == CopyState::Asks(None))
        });
    }
    let mut running = terminal.start();
    running.until("the question", |screen| matches!(screen, Screen::Approved { .. }));
    running.wish(Intent::DidItPrint { copy: yima::receipt::CopyFor::Merchant, printed: true });
    running.until(
        "printed",
        |screen| matches!(screen, Screen::Approved { copies, .. } if copies[0].state == CopyState::Printed),
    );
    drop(running);
    let mut running = terminal.start();
    running.until("the keypad", is_keypad);
}
