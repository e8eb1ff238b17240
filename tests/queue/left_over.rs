//! A terminal that could not write its ledger when it started, and can by the time that somebody pays.

use yima::app::Ending;
use yima::app::view::{Intent, Screen};
use yima::ledger::PrintState;

use super::terminal::Terminal;

/// What an earlier run left is told from what runs now by nothing but the order: it is taken up first.
#[test]
fn what_an_earlier_run_left_is_taken_up_before_the_next_payment_begins() {
    let terminal = Terminal::new();
    let running = terminal.start();
    assert_eq!(running.pay("12.34").ending, Ending::Approved);
    running.wish(Intent::NextCustomer);
    drop(running);
    let first = terminal.ledger().page(0, 1).unwrap().remove(0).trace;
    terminal.sql(
        "UPDATE copies SET state = 'sending' WHERE copy = 'customer';
         CREATE TRIGGER full BEFORE UPDATE ON copies WHEN old.state = 'sending' AND new.state = 'sent_unconfirmed'
         BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    );
    let mut running = terminal.start();
    running.until("out of service", |view| matches!(view.screen, Screen::OutOfService { .. }));
    assert_eq!(running.pay("1.00").ending, Ending::Error, "nothing begins while it cannot be taken up");
    terminal.sql("DROP TRIGGER full");
    let report = running.pay("2.00");
    assert_eq!(report.ending, Ending::Approved);
    let states: Vec<_> = terminal.ledger().copies_of(first).unwrap().iter().map(|copy| copy.state).collect();
    assert!(states.contains(&PrintState::SentUnconfirmed), "{states:?}");
    let own = terminal.ledger().copies_of(report.trace.unwrap()).unwrap();
    assert!(own.iter().all(|copy| copy.state != PrintState::SentUnconfirmed), "{own:?}");
}
