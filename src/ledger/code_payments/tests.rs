use jiff::civil::{DateTime, date};

use super::*;
use crate::ledger::tests::{about, approved, keeping, open, paid};
use crate::money::{Amount, Currency};
use crate::payment::queue::{Act, Deed, Rank, Repeat, Resolution, Work};
use crate::payment::transaction::NotPossible;
use crate::reference::Rrn;
use crate::wording::ReasonKind;

fn noon() -> DateTime {
    date(2026, 11, 22).at(12, 0, 0, 0)
}

fn yuan(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

fn pending() -> Record {
    Record::Pending(Pending { amount: yuan(12_34), at: noon(), scanned: Some("123456".to_owned()) })
}

fn how() -> Paid {
    Paid { rrn: Rrn::parse("000000000009").ok(), voucher: Some("4200001".to_owned()) }
}

fn begin(ledger: &mut Ledger) -> TraceNumber {
    let trace = ledger.take_trace_number().unwrap();
    ledger.record_code(trace, &pending(), noon()).unwrap();
    trace
}

fn paid_by_code(ledger: &mut Ledger) -> TraceNumber {
    let trace = begin(ledger);
    ledger.record_code(trace, &Record::Paid(how()), noon()).unwrap();
    trace
}

fn cancel_due(ledger: &mut Ledger) -> TraceNumber {
    let trace = begin(ledger);
    ledger.record_code(trace, &Record::CancelDue { reason: ReasonKind::Cancelled }, noon()).unwrap();
    trace
}

fn refund(ledger: &mut Ledger, order: TraceNumber, minor: u64) -> Result<CodeRefund, LedgerError> {
    let row = ledger.find(order).unwrap().unwrap();
    let trace = ledger.take_trace_number().unwrap();
    let refund = CodeRefund { trace, order: row.order().unwrap(), paid: row.paid(), amount: yuan(minor), at: noon() };
    ledger.begin_code_refund(&refund).map(|()| refund)
}

fn every_record() -> [Record; 7] {
    [
        pending(),
        Record::Paid(how()),
        Record::NotPaid { reason: ReasonKind::HostDeclined, response_code: ResponseCode::parse("51").ok() },
        Record::CancelDue { reason: ReasonKind::HostSilent },
        Record::Cancelled { paid_back: true },
        Record::LatePaid,
        Record::Unresolved { reason: ReasonKind::ReversalExhausted, response_code: None },
    ]
}

/// A row that stands there.
fn at(ledger: &mut Ledger, state: Option<State>) -> TraceNumber {
    let [_, paid, not_paid, cancel_due, cancelled, _, unresolved] = every_record();
    let trace = ledger.take_trace_number().unwrap();
    let way = match state {
        None => vec![],
        Some(State::Pending) => vec![pending()],
        Some(State::Approved) => vec![pending(), paid],
        Some(State::Declined) => vec![pending(), not_paid],
        Some(State::ReversalDue) => vec![pending(), cancel_due],
        Some(State::Reversed) => vec![pending(), cancel_due, cancelled],
        Some(State::Unresolved) => vec![pending(), cancel_due, unresolved],
        Some(other) => panic!("no payment by code stands at {other:?}"),
    };
    for record in way {
        ledger.record_code(trace, &record, noon()).unwrap();
    }
    trace
}

#[test]
fn a_record_is_written_where_the_core_says_that_it_fits_and_nowhere_else() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let rows = State::ALL.into_iter().filter(|state| !matches!(state, State::HostApproved | State::RepeatDue));
    for state in std::iter::once(None).chain(rows.map(Some)) {
        for record in every_record() {
            let trace = at(&mut ledger, state);
            let written = ledger.record_code(trace, &record, noon());
            // Word that comes too late is written down wherever it comes, with what follows from it.
            if matches!(record, Record::LatePaid) {
                assert!(written.is_ok(), "{state:?}");
                continue;
            }
            assert_eq!(written.is_ok(), record.fits(state), "{record:?} into {state:?}: {written:?}");
            let expected = if record.fits(state) { record.leads_to() } else { state };
            assert_eq!(ledger.find(trace).unwrap().map(|row| row.state), expected, "{record:?} into {state:?}");
        }
    }
}

#[test]
fn what_is_paid_owes_two_slips_and_stands_in_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = paid_by_code(&mut ledger);
    let row = ledger.find(trace).unwrap().unwrap();
    assert_eq!((row.kind, row.state, row.amount), (Kind::CodePayment, State::Approved, yuan(12_34)));
    assert_eq!((row.code_tail.as_deref(), row.paid(), row.paid_back), (Some("123456"), how(), false));
    assert_eq!((row.truncated_pan.as_str(), row.aid.as_str()), ("", ""));
    assert_eq!(ledger.copies_of(trace).unwrap().len(), 2);
    let leaf = &ledger.log_entries_of(trace).unwrap()[0].leaf;
    assert!(leaf.contains(" kind=code_payment ") && leaf.contains(" card= "), "{leaf}");
    assert!(ledger.unlogged().unwrap().is_empty());
    assert!(ledger.undelivered_advices().unwrap().is_empty(), "no card has a last word");
}

#[test]
fn what_is_to_be_cancelled_is_in_the_queue_as_an_order() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    for paid_back in [false, true] {
        let trace = cancel_due(&mut ledger);
        let order = ledger.find(trace).unwrap().unwrap().order().unwrap();
        let (entry, work) = ledger.oldest(Rank::Reversals).unwrap().unwrap();
        assert_eq!((entry.id, work), (EntryId::Reversal(trace), Work::Cancel(order)));
        ledger.order_is_closed(trace, paid_back).unwrap();
        let row = ledger.find(trace).unwrap().unwrap();
        assert_eq!((row.state, row.paid_back), (State::Reversed, paid_back));
        assert!(ledger.unlogged().unwrap().is_empty());
    }
    assert_eq!(ledger.oldest(Rank::Reversals).unwrap().map(|(entry, _)| entry.id), None);
}

#[test]
fn word_that_it_is_paid_after_all_has_it_cancelled_once_more() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = cancel_due(&mut ledger);
    ledger.order_is_closed(trace, false).unwrap();
    ledger.record_code(trace, &Record::LatePaid, noon()).unwrap();
    let row = ledger.find(trace).unwrap().unwrap();
    assert_eq!((row.state, row.reversal_reason), (State::ReversalDue, None));
    assert!(matches!(ledger.oldest(Rank::Reversals).unwrap(), Some((_, Work::Cancel(_)))));
}

#[test]
fn what_the_host_does_not_cancel_is_for_a_person_who_may_have_it_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = cancel_due(&mut ledger);
    ledger.park(EntryId::Reversal(trace), ResponseCode::parse("05").ok().as_ref()).unwrap();
    assert_eq!(ledger.dead_letters_without_slip().unwrap().len(), 1);
    let deed = |act| Deed { act, by: "王五".to_owned(), note: "问过银行".to_owned(), at: noon() };
    ledger.decide(trace, &deed(Act::Retry)).unwrap();
    assert!(matches!(ledger.oldest(Rank::Reversals).unwrap(), Some((_, Work::Cancel(_)))));
    ledger.park(EntryId::Reversal(trace), None).unwrap();
    ledger.decide(trace, &deed(Act::Resolve(Resolution::Charged))).unwrap();
    assert_eq!(ledger.paid_on(noon().date(), Currency::CNY).unwrap().amount, yuan(12_34));
}

#[test]
fn it_goes_back_in_parts_and_never_more_than_was_paid() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let order = paid_by_code(&mut ledger);
    refund(&mut ledger, order, 5_00).unwrap();
    refund(&mut ledger, order, 7_00).unwrap();
    let more = refund(&mut ledger, order, 35).unwrap_err();
    assert!(
        matches!(&more, LedgerError::NotPossible(NotPossible::TooMuch { most, .. }) if *most == yuan(34)),
        "{more}"
    );
    refund(&mut ledger, order, 34).unwrap();
    assert!(matches!(refund(&mut ledger, order, 1), Err(LedgerError::NotPossible(NotPossible::Used(_)))));
    let open = begin(&mut ledger);
    let row = ledger.find(open).unwrap().unwrap();
    let early = CodeRefund {
        trace: ledger.take_trace_number().unwrap(),
        order: row.order().unwrap(),
        paid: row.paid(),
        amount: yuan(1),
        at: noon(),
    };
    let refused = ledger.begin_code_refund(&early).unwrap_err();
    assert!(matches!(refused, LedgerError::NotPossible(NotPossible::NotApproved { .. })), "{refused}");
    assert_eq!(ledger.find(early.trace).unwrap(), None);
}

#[test]
fn a_refund_is_sent_again_as_it_was_and_without_any_card() {
    let directory = tempfile::tempdir().unwrap();
    // Nobody keeps card numbers here: none is needed.
    let mut ledger = open(directory.path());
    let order = paid_by_code(&mut ledger);
    let refund = refund(&mut ledger, order, 5_00).unwrap();
    ledger.record(refund.trace, &record::Record::RepeatDue { reason: ReasonKind::HostSilent }).unwrap();
    let Some(Repeat::Code(again)) = ledger.repeat_request(refund.trace).unwrap() else { panic!("it waits") };
    assert_eq!(*again, refund);
    let id = EntryId::Repeat(refund.trace);
    ledger.park(id, None).unwrap();
    let deed = Deed { act: Act::Retry, by: "王五".to_owned(), note: "问过银行".to_owned(), at: noon() };
    ledger.decide(refund.trace, &deed).unwrap();
    let done = record::Record::HostApproved {
        response_code: ResponseCode::parse("00").unwrap(),
        rrn: None,
        authorisation_code: None,
        part: None,
        plan: None,
    };
    ledger.record(refund.trace, &done).unwrap();
    ledger.done(id).unwrap();
    let day = ledger.paid_on(noon().date(), Currency::CNY).unwrap();
    assert_eq!((day.amount, day.back, day.count_back), (yuan(12_34), yuan(5_00), 1));
    assert_eq!(ledger.copies_of(refund.trace).unwrap().len(), 2);
    assert!(ledger.unlogged().unwrap().is_empty());
}

#[test]
fn a_refund_to_a_card_is_none_of_a_payment_by_code_nor_the_other_way_round() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let order = paid_by_code(&mut ledger);
    let to_card = about(&ledger, Kind::Refund, order, 1_00);
    let trace = ledger.take_trace_number().unwrap();
    assert!(matches!(ledger.record(trace, &to_card), Err(LedgerError::NotPossible(NotPossible::Kind { .. }))));
    let sale = paid(&mut ledger, approved());
    let row = ledger.find(sale).unwrap().unwrap();
    assert_eq!(row.order(), None);
    let by_code = CodeRefund {
        trace: ledger.take_trace_number().unwrap(),
        order: Order { trace: sale, amount: row.amount, at: row.at },
        paid: Paid::default(),
        amount: yuan(1),
        at: noon(),
    };
    let refused = ledger.begin_code_refund(&by_code).unwrap_err();
    assert!(matches!(refused, LedgerError::NotPossible(NotPossible::Kind { .. })), "{refused}");
}
