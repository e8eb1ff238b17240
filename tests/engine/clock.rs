//! Payments at a terminal that does not know yet whether its time is the host's.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use yima::app::view::{Intent, Progress, Screen};
use yima::app::{Ending, SaleReport};
use yima::payment::record::State;
use yima::wording::ReasonKind;

use super::terminal::{Check, Reversal, Running, Sale, Terminal, is_keypad};

fn terminal(check: Check) -> Terminal {
    let terminal = Terminal::new(Sale::Real, Reversal::Silent);
    terminal.behaviour.lock().unwrap().check = check;
    terminal
}

fn is_comparing(screen: &Screen) -> bool {
    matches!(screen, Screen::Processing { progress: Progress::ComparingClocks, .. })
}

/// A payment whose card has been read before the host has told its time; and who lets the host answer.
fn waiting() -> (Terminal, Running, Sender<()>) {
    let (let_go, held) = channel();
    let terminal = terminal(Check::Held(Arc::new(Mutex::new(held))));
    let mut running = terminal.start();
    running.charge("12.34");
    running.until("clocks are compared", is_comparing);
    assert_eq!(terminal.rows()[0].state, State::Pending);
    assert_eq!(asked(&terminal), 0);
    (terminal, running, let_go)
}

/// How many payments the host was asked for.
fn asked(terminal: &Terminal) -> usize {
    terminal.host.ledger().unwrap().len()
}

#[track_caller]
fn is_no_charge(terminal: &Terminal, report: SaleReport, why: ReasonKind) {
    assert_eq!((report.ending, report.reason.unwrap().kind), (Ending::Error, why));
    assert_eq!(asked(terminal), 0);
    assert_eq!(terminal.rows()[0].state, State::Declined);
}

#[test]
fn a_payment_that_is_quicker_than_the_first_echo_waits_for_it_with_its_request() {
    let (terminal, running, let_go) = waiting();
    terminal.behaviour.lock().unwrap().check = Check::Real;
    let_go.send(()).unwrap();
    let report = running.report();
    assert_eq!(report.ending, Ending::Approved);
    assert!(report.timings.parts().iter().any(|(part, _)| *part == "clock"), "{:?}", report.timings.parts());
    assert_eq!((terminal.rows().len(), asked(&terminal)), (1, 1));
}

#[test]
fn a_host_in_another_time_is_not_asked_by_the_payment_that_was_quicker_either() {
    let (terminal, mut running, let_go) = waiting();
    terminal.behaviour.lock().unwrap().check = Check::Ahead(SignedDuration::from_hours(-8));
    let_go.send(()).unwrap();
    is_no_charge(&terminal, running.report(), ReasonKind::TimeZoneWrong);
    // The next one does not even begin.
    running.wish(Intent::NextCustomer);
    running.until("the keypad", is_keypad);
    running.charge("12.34");
    assert_eq!(running.report().trace, None);
    assert_eq!(terminal.rows().len(), 1);
}

#[test]
fn a_payment_without_a_line_ends_as_ever_and_the_next_one_finds_the_host_itself() {
    let terminal = terminal(Check::NotReached);
    let mut running = terminal.start();
    running.charge("12.34");
    is_no_charge(&terminal, running.report(), ReasonKind::HostUnreachable);
    terminal.behaviour.lock().unwrap().check = Check::Real;
    running.wish(Intent::NextCustomer);
    running.until("the keypad", is_keypad);
    running.charge("12.34");
    assert_eq!(running.report().ending, Ending::Approved);
}

#[test]
fn a_host_that_answers_no_echo_is_asked_all_the_same() {
    let terminal = terminal(Check::Silent);
    let running = terminal.start();
    running.charge("12.34");
    assert_eq!(running.report().ending, Ending::Approved);
    assert_eq!(asked(&terminal), 1);
}

#[test]
fn a_request_that_waits_can_be_called_back_and_does_not_keep_an_engine_that_is_to_end() {
    let (terminal, running, _let_go) = waiting();
    running.wish(Intent::Cancel);
    is_no_charge(&terminal, running.report(), ReasonKind::Cancelled);
    drop(running);
    let (terminal, running, _let_go) = waiting();
    drop(running);
    assert_eq!((asked(&terminal), terminal.rows()[0].state), (0, State::Declined));
}
