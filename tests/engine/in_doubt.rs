//! Payments whose end is not known, and a ledger that cannot be written.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use yima::app::Ending;
use yima::app::view::{Intent, Progress, Screen};
use yima::money::{Amount, Currency};
use yima::payment::online::Decision;
use yima::payment::record::State;
use yima::wording::ReasonKind;

use super::terminal::{Reversal, Sale, Terminal, is_keypad, notice_kind, refusing};

/// A terminal that stopped with a payment whose reversal has been tried nearly to the end, for hours.
fn with_a_reversal_nearly_given_up(reversal: Reversal) -> Terminal {
    let terminal = Terminal::new(Sale::Silent, Reversal::Silent);
    let mut running = terminal.start();
    running.charge("50.00");
    running.until("not known", |screen| matches!(screen, Screen::Unknown { tries: 1, .. }));
    drop(running);
    terminal.sql("UPDATE transactions SET reversal_tries = 19, at = '2026-01-01T12:00:00'");
    terminal.behave(Sale::Real, reversal);
    terminal
}

#[test]
fn a_payment_that_waits_does_not_begin_when_the_one_before_cannot_be_taken_back() {
    let (let_go, held) = channel();
    let terminal = with_a_reversal_nearly_given_up(Reversal::Held(Arc::new(Mutex::new(held))));
    let mut running = terminal.start();
    running.until("the keypad", is_keypad);
    running.charge("50.00");
    running.until("taking back", |screen| matches!(screen, Screen::Processing { .. }));
    let_go.send(()).unwrap();
    let screen = running.until("the keypad", is_keypad);
    assert_eq!(notice_kind(&screen), Some(ReasonKind::ReversalExhausted));
    let report = running.report();
    assert_eq!((report.ending, report.reason.unwrap().kind), (Ending::Error, ReasonKind::ReversalExhausted));
    assert_eq!(terminal.rows().len(), 1, "nothing was charged");
    assert_eq!(terminal.rows()[0].state, State::Unresolved);
}

#[test]
fn an_alarm_that_comes_while_the_keypad_is_shown_is_seen_at_once_and_after_every_start() {
    let terminal = with_a_reversal_nearly_given_up(Reversal::Silent);
    for _ in 0..2 {
        let mut running = terminal.start();
        running.until("the alarm", |screen| notice_kind(screen) == Some(ReasonKind::ReversalExhausted));
    }
}

#[test]
fn impatient_touches_do_not_use_up_the_tries() {
    let terminal = Terminal::new(Sale::Silent, Reversal::Code("96"));
    let mut running = terminal.start();
    running.charge("50.00");
    running.until("not known", |screen| matches!(screen, Screen::Unknown { tries: 1, .. }));
    running.report();
    running.wish(Intent::NextCustomer);
    for _ in 0..30 {
        running.charge("1.00");
        assert_eq!(running.report().reason.unwrap().kind, ReasonKind::ReversalWaiting);
    }
    assert!(*terminal.reversals.lock().unwrap() > 30, "each touch asked the host");
    // Those that came due meanwhile count, the touches do not.
    assert!(terminal.rows()[0].reversal_tries < 5, "{}", terminal.rows()[0].reversal_tries);
    assert_eq!(terminal.rows()[0].state, State::ReversalDue);
}

#[test]
fn a_number_the_host_has_already_is_for_a_person_and_never_taken_back() {
    let terminal = Terminal::new(Sale::Answer(Decision::NumberInUse, "94"), Reversal::Code("00"));
    let mut running = terminal.start();
    running.charge("12.34");
    let screen = running.until("not known", |screen| matches!(screen, Screen::Unknown { .. }));
    let Screen::Unknown { reason, next_try, .. } = screen else { panic!() };
    assert_eq!((reason.kind, next_try), (ReasonKind::TraceNumberInUse, None));
    assert_eq!(running.report().ending, Ending::Unresolved);
    running.wish(Intent::NextCustomer);
    running.until("the alarm", |screen| notice_kind(screen) == Some(ReasonKind::TraceNumberInUse));
    drop(running);
    assert_eq!(terminal.rows()[0].state, State::Unresolved);
    assert_eq!(*terminal.reversals.lock().unwrap(), 0, "it may be somebody else's payment");
    let mut running = terminal.start();
    running.until("the alarm", |screen| notice_kind(screen) == Some(ReasonKind::TraceNumberInUse));
}

#[test]
fn a_number_the_host_has_already_is_not_taken_back_either_when_that_cannot_be_written() {
    let terminal = Terminal::new(Sale::Answer(Decision::NumberInUse, "94"), Reversal::Code("00"));
    drop(terminal.start());
    refusing(&terminal, "transactions", "unresolved");
    let mut running = terminal.start();
    running.charge("12.34");
    running.until("not known", |screen| matches!(screen, Screen::Unknown { next_try: None, .. }));
    running.wish(Intent::NextCustomer);
    terminal.sql("DROP TRIGGER full_unresolved");
    let end = Instant::now() + Duration::from_secs(30);
    while terminal.rows()[0].state != State::Unresolved {
        assert!(Instant::now() < end, "{:?}", terminal.rows()[0].state);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(*terminal.reversals.lock().unwrap(), 0);
}

#[test]
fn a_number_the_host_has_already_is_not_taken_back_after_a_restart_either_when_that_could_not_be_written() {
    let terminal = Terminal::new(Sale::Answer(Decision::NumberInUse, "94"), Reversal::Code("00"));
    drop(terminal.start());
    refusing(&terminal, "transactions", "unresolved");
    let mut running = terminal.start();
    running.charge("12.34");
    running.until("not known", |screen| matches!(screen, Screen::Unknown { next_try: None, .. }));
    drop(running);
    assert_eq!(terminal.rows()[0].state, State::Pending, "it could not be written");
    terminal.sql("DROP TRIGGER full_unresolved");
    let mut running = terminal.start();
    running.until("the alarm", |screen| notice_kind(screen) == Some(ReasonKind::TraceNumberInUse));
    assert_eq!(terminal.rows()[0].state, State::Unresolved);
    assert_eq!(*terminal.reversals.lock().unwrap(), 0, "it may be somebody else's payment");
    drop(running);
    let note = std::fs::read_to_string(terminal.folder.path().join("ledger.sqlite.not-ours")).unwrap();
    assert!(!note.contains('0'), "the ledger says it by now: {note}");
}

/// What was counted last is still shown: nobody may take it for nothing.
#[test]
fn a_ledger_that_cannot_be_read_does_not_say_that_nothing_waits() {
    let terminal = Terminal::new(Sale::Silent, Reversal::Silent);
    let mut running = terminal.start();
    running.charge("50.00");
    running.until("not known", |screen| matches!(screen, Screen::Unknown { tries: 1, .. }));
    terminal.sql("ALTER TABLE advices RENAME TO gone");
    running.wish(Intent::NextCustomer);
    running.until("out of service", |screen| matches!(screen, Screen::OutOfService { .. }));
    let view = running.last.clone().unwrap();
    assert_eq!((view.waiting, view.queued), (1, 1));
    terminal.sql("ALTER TABLE gone RENAME TO advices");
    running.until("the keypad", is_keypad);
}

#[test]
fn a_full_disk_after_the_request_leaves_the_result_unknown_until_it_can_be_taken_back() {
    for state in ["host_approved", "approved"] {
        let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
        drop(terminal.start());
        refusing(&terminal, "transactions", state);
        refusing(&terminal, "transactions", "reversal_due");
        let mut running = terminal.start();
        running.charge("12.34");
        let screen = running.until("not known", |screen| matches!(screen, Screen::Unknown { .. }));
        let Screen::Unknown { reason, .. } = screen else { panic!() };
        assert_eq!(reason.kind, ReasonKind::LedgerFailedAfterRequest, "{state}");
        assert_eq!(running.report().ending, Ending::Unresolved, "{state}");
        // Whoever leaves the result sees that nothing can be charged.
        running.wish(Intent::NextCustomer);
        running.until("out of service", |screen| matches!(screen, Screen::OutOfService { .. }));
        terminal.sql(&format!("DROP TRIGGER full_{state}; DROP TRIGGER full_reversal_due"));
        running.until("the keypad", is_keypad);
        let end = Instant::now() + Duration::from_secs(30);
        while terminal.rows()[0].state != State::Reversed {
            assert!(Instant::now() < end, "{state}: {:?}", terminal.rows()[0].state);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn nothing_that_is_touched_while_the_bank_is_asked_changes_the_payment() {
    let (let_go, held) = channel();
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running = terminal.start();
    // A request that waits for the host's time is called back by a touch: after the first payment none waits for it.
    running.charge("1.00");
    assert_eq!(running.report().ending, Ending::Approved);
    terminal.behave(Sale::Held(Arc::new(Mutex::new(held))), Reversal::Code("00"));
    running.charge("12.34");
    let second = Amount::parse("12.34", Currency::CNY).unwrap();
    running.until(
        "asking",
        |screen| matches!(screen, Screen::Processing { amount, progress: Progress::AskingHost } if *amount == second),
    );
    for intent in [
        Intent::Cancel,
        Intent::NextCustomer,
        Intent::ShowKeypad,
        Intent::ShowTransactions(0),
        Intent::RetryPrint,
        Intent::Charge(second),
    ] {
        running.wish(intent);
    }
    let_go.send(()).unwrap();
    let report = running.report();
    assert_eq!(report.ending, Ending::Approved, "{:?}", report.reason);
    assert_eq!(terminal.rows().len(), 2, "one payment more");
    assert_eq!(terminal.rows()[0].state, State::Approved);
}

#[test]
fn whoever_stood_there_when_the_power_went_is_warned_before_anything_else() {
    let (let_go, held) = channel();
    let terminal = Terminal::new(Sale::Real, Reversal::Held(Arc::new(Mutex::new(held))));
    let running = terminal.start();
    running.charge("8.00");
    assert_eq!(running.report().ending, Ending::Approved);
    running.charge("12.34");
    assert_eq!(running.report().ending, Ending::Approved);
    drop(running);
    // The power went in the middle of the second; of the first nobody has said whether its slip came out.
    terminal.sql(
        "UPDATE copies SET state = 'sent_unconfirmed' WHERE transaction_id = 1;
         DELETE FROM copies WHERE transaction_id = 2;
         DROP TRIGGER transactions_keep_their_order;
         UPDATE transactions SET state = 'host_approved', cryptogram = NULL, chip_data = x'9505' WHERE id = 2",
    );
    let mut running = terminal.start();
    let screen = running.until("not known", |screen| matches!(screen, Screen::Unknown { .. }));
    let Screen::Unknown { amount, reason, .. } = screen else { panic!() };
    assert_eq!((amount.to_string().as_str(), reason.kind), ("12.34", ReasonKind::Interrupted));
    let_go.send(()).unwrap();
}

#[test]
fn a_terminal_that_is_closed_begins_no_payment() {
    let (let_go, held) = channel();
    let terminal = Terminal::new(Sale::Silent, Reversal::Silent);
    let mut running = terminal.start();
    running.charge("50.00");
    running.until("not known", |screen| matches!(screen, Screen::Unknown { tries: 1, .. }));
    drop(running);
    // A payment waits for the reversal of the one before when the window is closed.
    terminal.behave(Sale::Real, Reversal::Held(Arc::new(Mutex::new(held))));
    let mut running = terminal.start();
    running.until("the keypad", is_keypad);
    running.charge("1.00");
    running.until("taking back", |screen| matches!(screen, Screen::Processing { .. }));
    let closed = std::thread::spawn(move || drop(running));
    let_go.send(()).unwrap();
    closed.join().unwrap();
    assert_eq!(terminal.rows().len(), 1);
}

#[test]
fn a_ledger_that_fails_at_start_is_taken_up_when_it_can_be_written() {
    let terminal = with_a_reversal_nearly_given_up(Reversal::Silent);
    drop(terminal.start());
    terminal.sql("UPDATE transactions SET state = 'unresolved'");
    // A second payment was cut off, and the disk is full.
    terminal.sql(
        "INSERT INTO transactions (merchant_code, terminal_number, batch, stan, kind, state, amount, currency, at, entry,
             truncated_pan, aid, application_label, chip_data)
         SELECT merchant_code, terminal_number, batch, 999, kind, 'pending', 100, currency, at, entry, truncated_pan, aid,
             application_label, x'9505' FROM transactions;",
    );
    refusing(&terminal, "transactions", "reversal_due");
    let mut running = terminal.start();
    running.until("out of service", |screen| matches!(screen, Screen::OutOfService { .. }));
    terminal.sql("DROP TRIGGER full_reversal_due");
    running.until(
        "the interrupted payment",
        |screen| matches!(screen, Screen::Unknown { reason, .. } if reason.kind == ReasonKind::Interrupted),
    );
    running.wish(Intent::NextCustomer);
    running.until("the alarm", |screen| notice_kind(screen) == Some(ReasonKind::ReversalExhausted));
}
