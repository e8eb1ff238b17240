//! Rows of cards without their chip.

use super::*;
use crate::payment::record::State;

/// A sale or something else whose card came like this.
fn begun(ledger: &mut Ledger, kind: Kind, entry: EntryMode) -> TraceNumber {
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &Record::Pending(Box::new(without_chip(kind, entry)))).unwrap();
    trace
}

pub(super) fn without_chip(kind: Kind, entry: EntryMode) -> Pending {
    Pending {
        kind,
        entry,
        verification: Verification::Signature,
        sequence_number: None,
        aid: String::new(),
        application_label: String::new(),
        chip_data: Vec::new(),
        ..pending_sale(1234)
    }
}

#[test]
fn what_is_paid_without_a_chip_says_how_and_owes_the_host_no_tc() {
    for entry in [EntryMode::Stripe, EntryMode::Fallback, EntryMode::Typed] {
        for kind in [Kind::Sale, Kind::PreAuthorisation] {
            let directory = tempfile::tempdir().unwrap();
            let mut ledger = open(directory.path());
            let trace = begun(&mut ledger, kind, entry);
            ledger.record(trace, &host_approved()).unwrap();
            ledger.record(trace, &Record::PaidWithoutChip { signature: true }).unwrap();
            let row = ledger.find(trace).unwrap().unwrap();
            assert_eq!((row.state, row.entry, row.signature), (State::Approved, entry, true));
            assert_eq!((row.aid.as_str(), row.cryptogram, row.tvr, row.chip_data), ("", None, None, None));
            assert!(ledger.next_advice().unwrap().is_none(), "no card has a last word");
            assert_eq!(ledger.copies_of(trace).unwrap().len(), 2, "both slips");
            assert!(ledger.unlogged().unwrap().is_empty(), "it stands in the log");
            // It is paid, and so it can be undone.
            assert!(!ledger.past(trace).unwrap().unwrap().used);
        }
    }
}

#[test]
fn a_stripe_has_no_last_word_and_a_chip_is_not_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let swiped = begun(&mut ledger, Kind::Sale, EntryMode::Stripe);
    ledger.record(swiped, &host_approved()).unwrap();
    assert!(ledger.record(swiped, &approved()).is_err(), "a TC of a card without a chip");
    let chip = ledger.take_trace_number().unwrap();
    ledger.record(chip, &pending(1)).unwrap();
    ledger.record(chip, &host_approved()).unwrap();
    let passed = ledger.record(chip, &Record::PaidWithoutChip { signature: false });
    assert!(matches!(passed, Err(LedgerError::NoSuchRow(_))), "{passed:?}");
    assert_eq!(ledger.find(chip).unwrap().unwrap().state, State::HostApproved);
    // What the rules of the ledger itself do not take, whoever writes it.
    let named = ledger.take_trace_number().unwrap();
    let with_application = Pending { aid: pending_sale(1).aid, ..without_chip(Kind::Sale, EntryMode::Stripe) };
    assert!(ledger.record(named, &Record::Pending(Box::new(with_application))).is_err(), "a stripe has no application");
    let with_data = Pending { chip_data: vec![1], ..without_chip(Kind::Sale, EntryMode::Typed) };
    assert!(ledger.record(named, &Record::Pending(Box::new(with_data))).is_err(), "nor data of a chip");
    let nameless = Pending { aid: String::new(), ..pending_sale(1) };
    assert!(ledger.record(named, &Record::Pending(Box::new(nameless))).is_err(), "a chip has one");
}

#[test]
fn a_silent_host_is_asked_to_take_back_what_was_swiped_and_the_scheme_is_that_of_the_number() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = begun(&mut ledger, Kind::Sale, EntryMode::Fallback);
    let Record::ReversalDue { reversal_reason, reason, .. } = reversal_due() else { panic!("it is one") };
    let due = Record::ReversalDue { reversal_reason, reason, authorisation_code: None, chip_data: Vec::new() };
    ledger.record(trace, &due).unwrap();
    let request = ledger.find(trace).unwrap().unwrap().reversal_request().unwrap();
    assert_eq!((request.entry, request.chip_data.len(), request.with_pin), (EntryMode::Fallback, 0, false));
    let paid = begun(&mut ledger, Kind::Sale, EntryMode::Typed);
    ledger.record(paid, &host_approved()).unwrap();
    ledger.record(paid, &Record::PaidWithoutChip { signature: false }).unwrap();
    let tallies = ledger.tallies(paid.batch).unwrap();
    let of_paid = tallies.iter().find(|tally| tally.state == State::Approved).unwrap();
    assert_eq!((of_paid.aid.as_str(), of_paid.minor), ("622848", 1234));
    assert!(crate::settlement::Scheme::of_aid(&of_paid.aid).is_domestic());
}
