use jiff::civil::date;

use super::*;
use crate::ledger::tests::{approved, card_result, host_approved, open, pending};
use crate::ledger::{Ledger, PrintState};
use crate::money::Currency;
use crate::payment::queue::{Open, Rank, Work};
use crate::payment::record::{CardResult, Record};
use crate::payment::signature::{Point, SignedOn, Strokes};
use crate::settlement::closing::Cause;

fn noon() -> DateTime {
    date(2026, 11, 22).at(14, 27, 0, 0)
}

fn signature(turn: u16) -> Signature {
    let mut strokes = Strokes::default();
    strokes.begin(Point { x: 300, y: 900 });
    for step in 1..60_u16 {
        strokes.go_on(Point { x: 300 + step * 50, y: 500 + (step * turn * 97) % 900 });
    }
    Signature::of(&strokes, 999).unwrap()
}

/// A payment whose cardholder has to sign, with nothing left to tell of its card.
fn to_be_signed(ledger: &mut Ledger) -> TraceNumber {
    let trace = ledger.take_trace_number().unwrap();
    let signed = CardResult { signature: true, ..card_result() };
    for record in [pending(1234), host_approved(), Record::Approved(Box::new(signed))] {
        ledger.record(trace, &record).unwrap();
    }
    let advice = ledger.next_advice().unwrap().unwrap();
    ledger.done(EntryId::Advice(advice.id)).unwrap();
    trace
}

#[test]
fn what_was_signed_waits_for_the_host_behind_everything_else_and_lasts() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = to_be_signed(&mut ledger);
    let row = ledger.find(trace).unwrap().unwrap();
    assert_eq!((row.signed_on(), ledger.signature_of(trace).unwrap()), (SignedOn::Paper, None));
    ledger.sign(trace, &signature(3), noon()).unwrap();
    // Another payment tells of its card first.
    let other = ledger.take_trace_number().unwrap();
    for record in [pending(500), host_approved(), approved()] {
        ledger.record(other, &record).unwrap();
    }
    drop(ledger);
    let mut ledger = open(directory.path());
    assert_eq!(ledger.find(trace).unwrap().unwrap().signed_on(), SignedOn::Screen);
    assert_eq!(ledger.find(other).unwrap().unwrap().signed_on(), SignedOn::Nothing);
    let kept = ledger.signature_of(trace).unwrap().unwrap();
    assert_eq!((&kept.signature, kept.at, kept.state), (&signature(3), noon(), SignatureState::Queued));
    let kinds: Vec<_> = ledger.entries().unwrap().iter().map(|entry| (entry.kind.word(), entry.trace)).collect();
    assert_eq!((kinds.len(), kinds[1]), (2, ("signature", trace)), "{kinds:?}");
    assert_eq!(ledger.open_entries().unwrap(), Open { waiting: 2, parked: 0 });
    let Some((entry, Work::Upload(upload))) = ledger.oldest(Rank::Signatures).unwrap() else { panic!("it waits") };
    assert_eq!((entry.id, upload.trace, &upload.signature), (EntryId::Signature(trace), trace, &signature(3)));
    assert_eq!((upload.rrn, upload.authorisation_code), (row.rrn, row.authorisation_code));
    ledger.tried(entry.id, true, noon()).unwrap();
    ledger.tried(entry.id, false, noon()).unwrap();
    let tried = ledger.entry(entry.id).unwrap().unwrap();
    assert_eq!((tried.tries, tried.next_try), (1, Some(noon())));
    ledger.done(entry.id).unwrap();
    assert_eq!((ledger.entry(entry.id).unwrap(), ledger.next_signature().unwrap()), (None, None));
    assert_eq!(ledger.signature_of(trace).unwrap().unwrap().state, SignatureState::Delivered);
    assert!(ledger.done(entry.id).is_err(), "it is delivered once");
    assert_eq!(ledger.find(trace).unwrap().unwrap().signed_on(), SignedOn::Screen);
}

#[test]
fn only_who_has_to_sign_signs_and_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let refused = |result: Result<(), LedgerError>, said: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    };
    let begun = ledger.take_trace_number().unwrap();
    refused(ledger.sign(begun, &signature(1), noon()), "no");
    ledger.record(begun, &pending(500)).unwrap();
    refused(ledger.sign(begun, &signature(1), noon()), "nobody has to sign");
    for record in [host_approved(), approved()] {
        ledger.record(begun, &record).unwrap();
    }
    refused(ledger.sign(begun, &signature(1), noon()), "nobody has to sign");
    let trace = to_be_signed_after(&mut ledger, begun);
    ledger.sign(trace, &signature(1), noon()).unwrap();
    refused(ledger.sign(trace, &signature(2), noon()), "signed once");
    for change in [
        "UPDATE signatures SET picture = zeroblob(40)",
        "UPDATE signatures SET signed_at = 'later'",
        "DELETE FROM signatures",
        "INSERT OR REPLACE INTO signatures (transaction_id, signed_at, picture) SELECT transaction_id, signed_at, zeroblob(40) FROM signatures",
    ] {
        assert!(ledger.connection.execute(change, []).is_err(), "{change}");
    }
    ledger.done(EntryId::Signature(trace)).unwrap();
    assert!(ledger.connection.execute("UPDATE signatures SET state = 'queued'", []).is_err());
    assert_eq!(ledger.signature_of(trace).unwrap().unwrap().signature, signature(1));
}

fn to_be_signed_after(ledger: &mut Ledger, other: TraceNumber) -> TraceNumber {
    let advice = ledger.next_advice().unwrap().unwrap();
    assert_eq!(advice.advice.original, other);
    ledger.done(EntryId::Advice(advice.id)).unwrap();
    to_be_signed(ledger)
}

#[test]
fn one_that_the_host_does_not_take_is_said_for_a_batch_and_keeps_no_settlement() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = to_be_signed(&mut ledger);
    let (id, code) = (EntryId::Signature(trace), ResponseCode::parse("25").unwrap());
    ledger.sign(trace, &signature(2), noon()).unwrap();
    let begin = |ledger: &mut Ledger| {
        let batch = ledger.batch_to_settle().unwrap();
        ledger.begin_settlement(batch, Currency::CNY, Cause::ByHand, noon())
    };
    assert!(begin(&mut ledger).is_err(), "it waits for the host");
    for refusals in 1..=2 {
        ledger.signature_refused(trace, &code).unwrap();
        ledger.tried(id, true, noon()).unwrap();
        assert_eq!(ledger.next_signature().unwrap().unwrap().refusals, refusals);
    }
    ledger.park(id, Some(&code)).unwrap();
    let row = ledger.signature_of(trace).unwrap().unwrap();
    assert_eq!((row.state, row.tries, row.refusals), (SignatureState::GivenUp, 3, 3));
    assert_eq!(ledger.open_entries().unwrap(), Open::default());
    assert!(ledger.dead_letters_without_slip().unwrap().is_empty(), "nobody has to look");
    assert_eq!(ledger.entry(id).unwrap(), None, "it is sent no more");
    let listed = ledger.entries().unwrap();
    assert_eq!((listed.len(), listed[0].standing, &listed[0].response_code), (1, Standing::GivenUp, &Some(code)));
    let settled = begin(&mut ledger).unwrap();
    assert_eq!(settled.under_way.lines, 1, "the payment stands");
    assert_eq!(ledger.entries().unwrap().len(), 1, "it is said until the next batch is over");
    ledger.connection.execute("UPDATE counters SET batch = batch + 1", []).unwrap();
    assert!(ledger.entries().unwrap().is_empty());
    assert_eq!(ledger.find(trace).unwrap().unwrap().signed_on(), SignedOn::Screen, "the slip has it all the same");
}

#[test]
fn a_signature_leaves_with_its_payment_and_is_read_from_the_archive() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = to_be_signed(&mut ledger);
    ledger.sign(trace, &signature(4), noon()).unwrap();
    for copy in ledger.copies_of(trace).unwrap() {
        ledger.copy_is(&copy, PrintState::Printed).unwrap();
    }
    // The newest payment stays.
    let later = date(2030, 2, 1).at(9, 0, 0, 0);
    let newest = ledger.take_trace_number().unwrap();
    let begun = crate::payment::record::Pending { at: later, ..crate::ledger::tests::pending_sale(700) };
    ledger.record(newest, &Record::Pending(Box::new(begun))).unwrap();
    ledger.connection.execute("UPDATE counters SET batch = batch + 1", []).unwrap();
    assert_eq!(ledger.archive_a_month(0, later).unwrap(), None, "the host has not got it");
    ledger.done(EntryId::Signature(trace)).unwrap();
    let archive = ledger.archive_a_month(0, later).unwrap().unwrap();
    assert_eq!((archive.payments, ledger.signature_of(trace).unwrap()), (1, None));
    let read = ledger.open_archive(&archive).unwrap();
    let kept = read.signature_of(trace).unwrap().unwrap();
    assert_eq!((kept.signature, kept.state), (signature(4), SignatureState::Delivered));
    assert_eq!(read.find(trace).unwrap().unwrap().signed_on(), SignedOn::Screen);
}
