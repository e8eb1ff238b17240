use jiff::civil::{DateTime, date};
use rusqlite::Connection;

use super::*;
use crate::ledger::tests::{about, approved, approved_of, host_approved, keeping, number, paid, pending, reversal_due};
use crate::payment::online::LateApproval;
use crate::payment::queue::{Act, Deed, EntryId, Kind as EntryKind, NotAllowed, Rank, Resolution, Standing, Work};
use crate::payment::record::Record;
use crate::payment::transaction::{Kind, Presence};
use crate::reference::{Batch, ResponseCode};
use crate::wording::ReasonKind;

fn noon() -> DateTime {
    date(2026, 11, 22).at(12, 0, 0, 0)
}

fn deed(act: Act) -> Deed {
    Deed { act, by: "王五".to_owned(), note: "银行说".to_owned(), at: noon() }
}

/// Nobody answered.
fn waiting(ledger: &mut Ledger, kind: Kind) -> TraceNumber {
    let original = if kind == Kind::Refund { Kind::Sale } else { Kind::PreAuthorisation };
    let original = approved_of(ledger, original, 1234);
    let record = about(ledger, kind, original, 1234);
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &record).unwrap();
    ledger.record(trace, &Record::RepeatDue { reason: ReasonKind::HostSilent }).unwrap();
    trace
}

fn state(ledger: &Ledger, trace: TraceNumber) -> State {
    ledger.find(trace).unwrap().unwrap().state
}

#[test]
fn a_refund_is_sent_again_as_it_was_sent() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let trace = waiting(&mut ledger, Kind::Refund);
    let row = ledger.find(trace).unwrap().unwrap();
    let Some(Repeat::Card(request)) = ledger.repeat_request(trace).unwrap() else { panic!("a card was read") };
    assert_eq!((request.trace, request.kind, request.amount, request.at), (trace, Kind::Refund, row.amount, row.at));
    assert_eq!(request.original, Some(ledger.past(row.original.unwrap()).unwrap().unwrap().original));
    let CardForHost { pan, expiry, track2, track3, sequence_number, entry } = request.card;
    assert_eq!((pan, expiry, sequence_number, entry), (number(), Some([0x30, 0x12]), Some(1), EntryMode::Chip));
    assert!(track2.is_none() && track3.is_none() && request.pin.is_none() && request.chip_data.is_empty());
    // What does not wait is not sent.
    ledger.record(trace, &host_approved()).unwrap();
    assert!(ledger.repeat_request(trace).unwrap().is_none());
}

#[test]
fn a_notice_is_sent_again_as_it_was_sent() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let held = approved_of(&mut ledger, Kind::PreAuthorisation, 1000);
    let past = ledger.past(held).unwrap().unwrap();
    let other = waiting(&mut ledger, Kind::Refund);
    let amount = ledger.find(other).unwrap().unwrap().amount;
    // More than was set aside, as the acquirer allows.
    let notice = Transaction::completion_notice(&past, amount, 125).unwrap();
    let record = about(&ledger, Kind::CompletionNotice, held, amount.minor());
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &record).unwrap();
    ledger.record(trace, &Record::RepeatDue { reason: ReasonKind::HostSilent }).unwrap();
    let Some(Repeat::About(request)) = ledger.repeat_request(trace).unwrap() else { panic!("no card was read") };
    assert_eq!((request.trace, request.transaction), (trace, notice));
    assert!(Transaction::void(&ledger.past(held).unwrap().unwrap(), Batch::FIRST, Presence::CardAway).is_err());
}

#[test]
fn a_number_is_kept_until_nobody_has_to_send_it_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let trace = waiting(&mut ledger, Kind::Refund);
    ledger.signed_on(Batch::new(2).ok(), date(2026, 11, 23).at(8, 0, 0, 0)).unwrap();
    // That of the sale goes with its batch.
    assert_eq!(ledger.destroy_number_keys().unwrap(), 1);
    let Some(Repeat::Card(request)) = ledger.repeat_request(trace).unwrap() else { panic!("a card was read") };
    assert_eq!(request.original.unwrap().pan, KnownPan::Whole(number()));
    ledger.done_with(trace);
    assert_eq!(ledger.destroy_number_keys().unwrap(), 1);
    assert_eq!(ledger.pan(trace).unwrap(), None);
}

#[test]
fn repeats_go_after_reversals_and_before_words_of_cards() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let repeat = waiting(&mut ledger, Kind::CompletionNotice);
    let reversal = ledger.take_trace_number().unwrap();
    ledger.record(reversal, &pending(1)).unwrap();
    ledger.record(reversal, &reversal_due()).unwrap();
    let entries: Vec<_> = ledger.entries().unwrap().iter().map(|entry| (entry.kind.word(), entry.trace)).collect();
    assert_eq!(entries[..2], [("reversal", reversal), ("repeat", repeat)]);
    assert_eq!(entries[2].0, "card_result");
    let (entry, work) = ledger.oldest(Rank::Repeats).unwrap().unwrap();
    assert_eq!((entry.id, entry.kind, work), (EntryId::Repeat(repeat), EntryKind::Repeat, Work::Repeat));
    assert_eq!(ledger.oldest(Rank::Reversals).unwrap().unwrap().0.trace, reversal);
    assert_eq!(ledger.open_entries().unwrap().waiting, 3);
    assert_eq!(ledger.entry(EntryId::Reversal(repeat)).unwrap(), None, "nothing takes it back");
    assert!(ledger.record(repeat, &reversal_due()).is_err());
}

#[test]
fn a_repeat_is_tried_parked_and_decided() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let trace = waiting(&mut ledger, Kind::Refund);
    let id = EntryId::Repeat(trace);
    ledger.tried(id, true, noon()).unwrap();
    ledger.tried(id, false, noon()).unwrap();
    let entry = ledger.entry(id).unwrap().unwrap();
    assert_eq!((entry.tries, entry.next_try, entry.standing), (1, Some(noon()), Standing::Waiting));
    ledger.park(id, ResponseCode::parse("96").ok().as_ref()).unwrap();
    let letters = ledger.dead_letters_without_slip().unwrap();
    assert_eq!(letters.iter().map(|letter| letter.entry).collect::<Vec<_>>(), [id]);
    assert_eq!((state(&ledger, trace), ledger.open_entries().unwrap().parked), (State::Unresolved, 1));
    let noted = ledger.decide(trace, &deed(Act::Resolve(Resolution::Noted))).unwrap_err();
    assert!(matches!(noted, LedgerError::NotAllowed { problem: NotAllowed::PaymentNoted, .. }), "{noted}");
    ledger.decide(trace, &deed(Act::Retry)).unwrap();
    assert_eq!((state(&ledger, trace), ledger.entry(id).unwrap().unwrap().tries), (State::RepeatDue, 0));
    ledger.park(id, None).unwrap();
    ledger.decide(trace, &deed(Act::Resolve(Resolution::Charged))).unwrap();
    assert_eq!(ledger.entry_of(trace).unwrap(), None);
    assert_eq!(ledger.deeds().unwrap().iter().map(|deed| deed.kind).collect::<Vec<_>>(), [EntryKind::Repeat; 2]);
}

#[test]
fn a_repeat_that_the_host_has_done_is_done_and_owes_its_slips() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let trace = waiting(&mut ledger, Kind::Refund);
    assert!(ledger.done(EntryId::Repeat(trace)).is_err(), "not without the host's word");
    ledger.done_with(trace);
    let row = ledger.find(trace).unwrap().unwrap();
    assert_eq!((row.state, row.reason, row.next_try), (State::Approved, None, None));
    assert_eq!(ledger.copies_of(trace).unwrap().len(), 2);
    assert!(ledger.log_entries_of(trace).unwrap()[0].leaf.starts_with("yima-transaction-2 "));
    assert!(ledger.unlogged().unwrap().is_empty());
}

#[test]
fn a_repeat_whose_number_is_gone_is_for_a_person() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let trace = waiting(&mut ledger, Kind::Refund);
    let connection = Connection::open(directory.path().join("ledger.sqlite")).unwrap();
    connection.execute("DELETE FROM pan_keys", []).unwrap();
    assert!(matches!(ledger.repeat_request(trace), Err(LedgerError::NumberGone(gone)) if gone == trace));
    ledger.park(EntryId::Repeat(trace), None).unwrap();
    let retried = ledger.decide(trace, &deed(Act::Retry)).unwrap_err();
    assert!(matches!(retried, LedgerError::NotAllowed { problem: NotAllowed::NumberGone, .. }), "{retried}");
    ledger.decide(trace, &deed(Act::Resolve(Resolution::Reversed))).unwrap();
}

#[test]
fn an_approval_after_a_refusal_is_for_a_person_who_may_not_take_it_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let trace = waiting(&mut ledger, Kind::Refund);
    let not_paid = Record::NotPaid { reason: ReasonKind::HostDeclined, response_code: None, rrn: None };
    ledger.record(trace, &not_paid).unwrap();
    let sale = ledger.find(trace).unwrap().unwrap().original.unwrap();
    assert!(ledger.past(sale).unwrap().unwrap().given_back.is_zero());
    let response_code = ResponseCode::parse("00").unwrap();
    let late = LateApproval { trace, response_code, rrn: None, authorisation_code: None };
    assert!(ledger.note_late_approval(&late, noon()).unwrap());
    let entry = ledger.entry_of(trace).unwrap().unwrap();
    assert_eq!((entry.id, entry.standing), (EntryId::Repeat(trace), Standing::Parked));
    assert_eq!(ledger.past(sale).unwrap().unwrap().given_back.minor(), 1234, "it may have gone back");
    assert_eq!(ledger.dead_letters_without_slip().unwrap().len(), 1);
    assert!(ledger.unlogged().unwrap().is_empty());
}

impl Ledger {
    /// The host says that it has done it.
    fn done_with(&mut self, trace: TraceNumber) {
        self.record(trace, &host_approved()).unwrap();
        self.done(EntryId::Repeat(trace)).unwrap();
    }
}

#[test]
fn a_sale_is_never_sent_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(1)).unwrap();
    assert!(ledger.record(trace, &Record::RepeatDue { reason: ReasonKind::HostSilent }).is_err());
    let paid = paid(&mut ledger, approved());
    assert!(ledger.repeat_request(paid).unwrap().is_none());
}
