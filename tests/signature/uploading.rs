//! The way of a signature to the host, and what a settlement makes of it.

use std::time::Duration;

use yima::app::Parts;
use yima::app::SettlementPlan;
use yima::app::view::{Intent, Screen};
use yima::ledger::SignatureState;
use yima::payment::queue::{Kind, Standing};
use yima::payment::signature::SignedOn;
use yima::reference::Batch;
use yima::settlement::closing::Verdict;

use super::counter::{Counter, are_printed, is_pad, sign, until};
use super::terminal::{Running, Told};

/// A terminal that settles when somebody wants it.
fn settling(parts: Parts) -> Parts {
    Parts { settlement: SettlementPlan { at: None, most_payments: 900, most_lines: 16 }, ..parts }
}

/// One payment that is signed on the screen, and its slips.
fn signed(running: &mut Running) {
    running.charge("12.34");
    running.until("the pad", is_pad);
    sign(running);
    running.until("printed", are_printed);
}

fn settle(running: &Running) {
    running.wish(Intent::Settle { without_undecided: false });
}

#[test]
fn a_host_that_was_away_has_every_signature_before_the_batch_is_settled() {
    let counter = Counter::open();
    counter.terminal.behaviour.lock().unwrap().signature = Told::NotReached;
    let mut running = counter.start_as("cvm-signature", settling);
    signed(&mut running);
    let trace = counter.terminal.rows().remove(0).trace;
    until("the queue", || counter.terminal.ledger().entries().unwrap().iter().any(|entry| entry.next_try.is_some()));
    let waits = counter.terminal.ledger().entries().unwrap();
    assert_eq!((waits.len(), waits[0].kind, waits[0].standing), (1, Kind::Signature, Standing::Waiting));
    assert_eq!((waits[0].trace, waits[0].tries), (trace, 0), "what never left does not count");
    // The screen says what waits.
    running.wish(Intent::ShowQueue(0));
    let shown = running.until("the queue", |screen| matches!(screen, Screen::Queue { .. }));
    assert!(matches!(&shown, Screen::Queue { rows, waiting: 1, parked: 0, .. } if rows[0].kind == Kind::Signature));
    // Somebody settles: it goes first, and until it has gone nothing is settled.
    settle(&running);
    std::thread::sleep(Duration::from_millis(1500));
    assert!(counter.terminal.ledger().settlements(9).unwrap().is_empty(), "the batch waits for it");
    counter.terminal.behaviour.lock().unwrap().signature = Told::AnswerLost;
    running.wish(Intent::TryQueueNow);
    until("the host has it", || counter.terminal.host.signatures().unwrap().len() == 1);
    assert_eq!(counter.state(trace).unwrap().0, SignatureState::Queued, "and the terminal has not heard so");
    counter.terminal.behaviour.lock().unwrap().signature = Told::Real;
    until("it is delivered", || {
        running.wish(Intent::TryQueueNow);
        std::thread::sleep(Duration::from_millis(300));
        counter.state(trace).unwrap().0 == SignatureState::Delivered
    });
    assert!(counter.terminal.host.signatures().unwrap()[0].times >= 2, "the same once more");
    let batch = Batch::FIRST;
    until("it is settled", || {
        let row = counter.terminal.ledger().settlement(batch).unwrap();
        row.is_some_and(|row| !row.under_way.state.is_open())
    });
    let row = counter.terminal.ledger().settlement(batch).unwrap().unwrap();
    assert_eq!((row.under_way.verdict, row.under_way.lines), (Some(Verdict::Equal), 1));
}

#[test]
fn a_host_that_refuses_a_signature_three_times_keeps_neither_payment_nor_settlement() {
    let counter = Counter::open();
    counter.terminal.host.set_refuses_signatures(true);
    let mut running = counter.start_as("cvm-signature", settling);
    signed(&mut running);
    let trace = counter.terminal.rows().remove(0).trace;
    settle(&running);
    // At once, after ten seconds, and after twenty.
    until("two refusals", || counter.state(trace).is_some_and(|(_, refusals)| refusals >= 2));
    assert!(counter.terminal.ledger().settlements(9).unwrap().is_empty(), "the batch waits for it");
    counter.is(trace, SignatureState::GivenUp);
    assert_eq!(counter.state(trace), Some((SignatureState::GivenUp, 3)));
    until("it is settled", || {
        let row = counter.terminal.ledger().settlement(Batch::FIRST).unwrap();
        row.is_some_and(|row| !row.under_way.state.is_open())
    });
    let row = counter.terminal.ledger().settlement(Batch::FIRST).unwrap().unwrap();
    assert_eq!((row.under_way.verdict, row.under_way.lines, row.undecided), (Some(Verdict::Equal), 1, 0));
    // It is said where somebody looks for it, and nobody has to do anything.
    running.wish(Intent::ShowQueue(0));
    let is_said = |screen: &Screen| {
        matches!(screen, Screen::Queue { rows, waiting: 0, parked: 0, .. }
            if rows.iter().any(|row| row.kind == Kind::Signature && row.standing == Standing::GivenUp))
    };
    running.until("what was given up", is_said);
    running.wish(Intent::ShowKeypad);
    running.until("the keypad without an alarm", |screen| matches!(screen, Screen::Keypad { notice: None }));
    let row = counter.terminal.ledger().find(trace).unwrap().unwrap();
    assert_eq!((row.state.word(), row.signed_on()), ("approved", SignedOn::Screen));
    assert!(counter.terminal.host.signatures().unwrap().is_empty());
    let kept = counter.terminal.ledger().signature_of(trace).unwrap().unwrap().signature;
    assert!(counter.slips(2)[0].shows(&kept.on_paper(384)), "the slip has it all the same");
}
