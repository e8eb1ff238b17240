//! The queue of a terminal that runs: one entry at a time, never lost, never twice, and a person where the terminal has
//! given up.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

mod command;
mod left_over;
mod terminal;
#[path = "../support/watching.rs"]
mod watching;

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::civil::date;
use terminal::{Says, Terminal, rows, wait_until};
use yima::app::Ending;
use yima::app::view::{Intent, Screen, View};
use yima::money::Currency;
use yima::payment::online::LateApproval;
use yima::payment::queue::{Act, Deed, Kind, Resolution, Standing};
use yima::payment::record::State;
use yima::reference::{AuthorisationCode, ResponseCode, TraceNumber};
use yima::wording::ReasonKind;

/// 需要人工处理, the headline of the slip that says what was given up, in GB 18030.
const A_PERSON_MUST_LOOK: &[u8] = &[0xD0, 0xE8, 0xD2, 0xAA, 0xC8, 0xCB, 0xB9, 0xA4, 0xB4, 0xA6, 0xC0, 0xED];

fn notice(view: &View) -> Option<ReasonKind> {
    match &view.screen {
        Screen::Keypad { notice } => notice.as_ref().map(|reason| reason.kind),
        _ => None,
    }
}

fn is_quiet(view: &View) -> bool {
    matches!(view.screen, Screen::Keypad { notice: None })
}

/// A terminal that stopped with a payment whose next reversal is the last.
fn with_a_reversal() -> (Terminal, TraceNumber) {
    let terminal = Terminal::new();
    terminal.behave(|host| (host.sale, host.reversal) = (Says::Silent, Says::Silent));
    let running = terminal.start();
    assert_eq!(running.pay("50.00").ending, Ending::Unresolved);
    drop(running);
    terminal.nearly_give_up();
    terminal.behave(|host| (host.sale, host.reversals) = (Says::Real, Vec::new()));
    let trace = terminal.entries()[0].trace;
    (terminal, trace)
}

/// A terminal that stopped with a TC whose next try is the last.
fn with_an_advice() -> (Terminal, TraceNumber) {
    let terminal = Terminal::new();
    terminal.behave(|host| host.advice = Says::Unreached);
    let running = terminal.start();
    assert_eq!(running.pay("12.34").ending, Ending::Approved);
    drop(running);
    terminal.nearly_give_up();
    terminal.behave(|host| (host.advice, host.advices) = (Says::Silent, Vec::new()));
    let trace = terminal.entries()[0].trace;
    (terminal, trace)
}

#[test]
fn one_entry_is_under_way_at_a_time_and_reversals_go_first() {
    let terminal = Terminal::new();
    terminal.behave(|host| host.advice = Says::Unreached);
    let running = terminal.start();
    for amount in ["1.00", "2.00", "68.01"] {
        assert_eq!(running.pay(amount).ending, Ending::Approved);
        running.wish(Intent::NextCustomer);
    }
    terminal.behave(|host| (host.sale, host.reversal) = (Says::Silent, Says::Unreached));
    assert_eq!(running.pay("50.00").ending, Ending::Unresolved);
    drop(running);
    assert_eq!(terminal.entries().len(), 5);
    terminal.behave(|host| {
        (host.reversal, host.advice, host.thinks) = (Says::Real, Says::Real, Duration::from_millis(100));
        host.advices.clear();
    });
    let _running = terminal.start();
    wait_until("the queue is empty", || terminal.entries().is_empty());
    assert_eq!(terminal.most_under_way.load(Ordering::SeqCst), 1);
    let behaviour = terminal.behaviour.lock().unwrap();
    let sent: Vec<_> = behaviour.advices.iter().map(|advice| advice.trace).collect();
    assert!(sent.is_sorted_by_key(|trace| trace.stan.number()), "in the order in which they came: {sent:?}");
    assert_eq!(sent.len(), 4, "each once");
    drop(behaviour);
    let unsent = terminal.host.advices().unwrap().iter().all(|note| note.times == 1);
    assert!(unsent, "the host has each once");
}

#[test]
fn what_is_given_up_is_said_printed_once_and_shown_until_somebody_decides() {
    for ((terminal, trace), alarm, act) in [
        (with_a_reversal(), ReasonKind::ReversalExhausted, Act::Resolve(Resolution::Reversed)),
        (with_an_advice(), ReasonKind::AdviceParked, Act::Resolve(Resolution::Noted)),
    ] {
        for _ in 0..2 {
            let mut running = terminal.start();
            running.until("the alarm", |view| notice(view) == Some(alarm));
            wait_until("the slip", || terminal.slips_with(A_PERSON_MUST_LOOK) == 1);
        }
        let mut running = terminal.start();
        running.wish(Intent::ShowQueue(0));
        running.until("the entry", |view| rows(view) == Some(vec![(trace, "parked", 20)]) && view.queued == 1);
        running.wish(Intent::Decide(trace, act));
        running.until("an empty queue", |view| rows(view) == Some(Vec::new()) && view.queued == 0);
        running.wish(Intent::ShowKeypad);
        running.until("no alarm", is_quiet);
        drop(running);
        let mut running = terminal.start();
        running.until("no alarm", is_quiet);
        drop(running);
        assert_eq!(terminal.slips_with(A_PERSON_MUST_LOOK), 1, "printed once");
        let deeds = terminal.ledger().deeds().unwrap();
        assert_eq!((deeds.len(), deeds[0].deed.act, deeds[0].deed.by.as_str()), (1, act, "touchscreen"));
    }
}

#[test]
fn a_payment_that_turns_out_to_be_charged_counts_as_paid() {
    let (terminal, trace) = with_a_reversal();
    let mut running = terminal.start();
    running.until("the alarm", |view| notice(view) == Some(ReasonKind::ReversalExhausted));
    running.wish(Intent::Decide(trace, Act::Resolve(Resolution::Charged)));
    running.until("no alarm", is_quiet);
    let sent = terminal.behaviour.lock().unwrap().reversals.len();
    drop(running);
    drop(terminal.start());
    assert_eq!(terminal.behaviour.lock().unwrap().reversals.len(), sent, "nothing more is sent of it");
    let ledger = terminal.ledger();
    let day = ledger.find(trace).unwrap().unwrap().at.date();
    let total = ledger.paid_on(day, Currency::CNY).unwrap();
    assert_eq!((total.count, total.amount.to_string()), (1, "50.00".to_owned()));
    assert_eq!(ledger.find(trace).unwrap().unwrap().state, State::Unresolved, "all that the terminal knows by itself");
}

#[test]
fn what_another_program_decides_is_seen_by_the_terminal_that_runs() {
    let (terminal, trace) = with_a_reversal();
    let mut running = terminal.start();
    running.until("the alarm", |view| notice(view) == Some(ReasonKind::ReversalExhausted));
    let deed = |act| Deed {
        act,
        by: "Wang".to_owned(),
        note: "asked the acquirer".to_owned(),
        at: date(2026, 11, 28).at(12, 0, 0, 0),
    };
    // Sent again, it is taken back, before a payment begins.
    terminal.behave(|host| host.reversal = Says::Code("25"));
    terminal.ledger().decide(trace, &deed(Act::Retry)).unwrap();
    running.until("no alarm", is_quiet);
    wait_until("taken back", || terminal.ledger().find(trace).unwrap().unwrap().state == State::Reversed);
    running.until("nothing waits", |view| view.waiting == 0 && view.queued == 0);
    let requests = terminal.behaviour.lock().unwrap().reversals.clone();
    assert!(requests.len() == 2 && requests[0] == requests[1], "the same request: {requests:?}");
}

#[test]
fn nothing_is_decided_about_what_the_terminal_still_tries() {
    let (terminal, trace) = with_a_reversal();
    terminal.sql("UPDATE transactions SET reversal_tries = 0");
    let mut running = terminal.start();
    running.wish(Intent::ShowQueue(0));
    running.until("the entry", |view| rows(view) == Some(vec![(trace, "queued", 1)]));
    running.wish(Intent::Decide(trace, Act::Resolve(Resolution::Charged)));
    running.wish(Intent::TryQueueNow);
    wait_until("another try", || terminal.behaviour.lock().unwrap().reversals.len() == 2);
    drop(running);
    let entry = terminal.entries().remove(0);
    assert_eq!((entry.standing, entry.tries), (Standing::Waiting, 1), "asked for early, it does not count");
    assert!(entry.next_try.is_some());
    assert!(terminal.ledger().deeds().unwrap().is_empty());
}

#[test]
fn a_slip_that_the_printer_does_not_take_waits_and_comes_when_somebody_wants_it() {
    let (terminal, _) = with_an_advice();
    *terminal.paper.there.lock().unwrap() = false;
    let mut running = terminal.start();
    running.until("the alarm", |view| notice(view) == Some(ReasonKind::AdviceParked));
    *terminal.paper.there.lock().unwrap() = true;
    assert_eq!(terminal.slips_with(A_PERSON_MUST_LOOK), 0);
    running.wish(Intent::TryQueueNow);
    wait_until("the slip", || terminal.slips_with(A_PERSON_MUST_LOOK) == 1);
}

#[test]
fn a_slip_that_the_power_cut_on_its_way_comes_at_the_next_start_unless_nobody_needs_it_any_more() {
    let (terminal, trace) = with_an_advice();
    *terminal.paper.there.lock().unwrap() = false;
    let mut running = terminal.start();
    running.until("the alarm", |view| notice(view) == Some(ReasonKind::AdviceParked));
    drop(running);
    *terminal.paper.there.lock().unwrap() = true;
    let running = terminal.start();
    wait_until("the slip", || terminal.slips_with(A_PERSON_MUST_LOOK) == 1);
    drop(running);
    terminal.sql("UPDATE dead_letters SET slip = 'due'");
    let deed = Deed {
        act: Act::Resolve(Resolution::Noted),
        by: "Wang".to_owned(),
        note: "asked the acquirer".to_owned(),
        at: date(2026, 11, 28).at(12, 0, 0, 0),
    };
    terminal.ledger().decide(trace, &deed).unwrap();
    let mut running = terminal.start();
    running.until("the keypad", is_quiet);
    drop(running);
    assert_eq!(terminal.slips_with(A_PERSON_MUST_LOOK), 1);
    assert!(terminal.ledger().dead_letters_without_slip().unwrap().is_empty());
}

#[test]
fn what_cannot_be_written_that_it_was_given_up_is_tried_on_and_never_lost() {
    let (terminal, trace) = with_a_reversal();
    terminal.sql("CREATE TRIGGER full BEFORE INSERT ON dead_letters BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    let mut running = terminal.start();
    running.until("out of service", |view| matches!(view.screen, Screen::OutOfService { .. }));
    let entry = terminal.entries().remove(0);
    assert_eq!((entry.trace, entry.standing, entry.tries), (trace, Standing::Waiting, 19), "as before the try");
    terminal.sql("DROP TRIGGER full");
    running.until("the alarm", |view| notice(view) == Some(ReasonKind::ReversalExhausted));
    wait_until("the slip", || terminal.slips_with(A_PERSON_MUST_LOOK) == 1);
}

#[test]
fn an_approval_that_comes_with_the_answer_to_its_reversal_is_recorded_and_taken_back() {
    let (terminal, trace) = with_a_reversal();
    terminal.sql("UPDATE transactions SET reversal_tries = 0");
    let late = LateApproval {
        trace,
        response_code: ResponseCode::parse("00").unwrap(),
        rrn: None,
        authorisation_code: AuthorisationCode::parse("A12B3C").ok(),
    };
    terminal.behave(|host| host.late = vec![late.clone()]);
    let mut running = terminal.start();
    running.until("tried", |view| view.waiting == 1);
    wait_until("recorded", || terminal.ledger().find(trace).unwrap().unwrap().late.is_some());
    assert_eq!(terminal.ledger().find(trace).unwrap().unwrap().state, State::ReversalDue);
    terminal.behave(|host| host.reversal = Says::Code("00"));
    running.wish(Intent::TryQueueNow);
    running.until("taken back", |view| view.waiting == 0);
    let row = terminal.ledger().find(trace).unwrap().unwrap();
    assert_eq!((row.state, row.late.map(|(late, _)| late)), (State::Reversed, Some(late.clone())));
    // It overtook its original, which was booked after all: once more.
    terminal.sql("UPDATE transactions SET late_at = NULL, late_response_code = NULL");
    terminal.behave(|host| {
        host.late = vec![late.clone()];
        host.reversals.clear();
    });
    // Whatever is asked next brings it.
    assert_eq!(running.pay("12.34").ending, Ending::Approved);
    running.wish(Intent::NextCustomer);
    wait_until("taken back once more", || terminal.behaviour.lock().unwrap().reversals.len() == 1);
    wait_until("taken back", || terminal.ledger().find(trace).unwrap().unwrap().state == State::Reversed);
}

#[test]
fn a_late_approval_that_cannot_be_written_down_at_once_is_kept_until_it_can() {
    let (terminal, trace) = with_a_reversal();
    terminal.sql(
        "UPDATE transactions SET reversal_tries = 0;
         CREATE TRIGGER full BEFORE UPDATE OF late_at ON transactions BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    );
    let late =
        LateApproval { trace, response_code: ResponseCode::parse("00").unwrap(), rrn: None, authorisation_code: None };
    terminal.behave(|host| host.late = vec![late]);
    let mut running = terminal.start();
    running.until("out of service", |view| matches!(view.screen, Screen::OutOfService { .. }));
    terminal.sql("DROP TRIGGER full");
    wait_until("recorded", || terminal.ledger().find(trace).unwrap().unwrap().late.is_some());
}

#[test]
fn a_host_that_gives_a_code_nobody_knows_gets_the_same_message_again() {
    let (terminal, trace) = with_an_advice();
    terminal.sql("UPDATE advices SET tries = 0");
    for (tries, code) in [(1, "96"), (2, "Q7"), (3, "68")] {
        terminal.behave(|host| host.advice = Says::Code(code));
        let running = terminal.start();
        wait_until("another try", || terminal.entries()[0].tries == tries);
        drop(running);
        assert_eq!(terminal.entries()[0].standing, Standing::Waiting, "{code}");
    }
    terminal.behave(|host| host.advice = Says::Code("25"));
    let mut running = terminal.start();
    running.until("the alarm", |view| notice(view) == Some(ReasonKind::AdviceParked));
    drop(running);
    let entry = terminal.entries().remove(0);
    assert!(matches!(entry.kind, Kind::Advice(_)));
    assert_eq!((entry.trace, entry.response_code.unwrap().as_str()), (trace, "25"));
    let behaviour = terminal.behaviour.lock().unwrap();
    assert!(behaviour.advices.windows(2).all(|pair| pair[0] == pair[1]), "the same at every try");
}
