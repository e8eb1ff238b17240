use jiff::civil::date;

use super::*;
use crate::card_number::KnownPan;
use crate::ledger::tests::{card_result, keeping, number, open, sold_offline};
use crate::money::Currency;
use crate::payment::online::Decision;
use crate::payment::queue::{Act, Deed, NotAllowed, Open, Rank, Resolution, Work};
use crate::payment::record::State;
use crate::payment::transaction::{Kind as PaymentKind, NotPossible, Transaction};
use crate::reference::{AuthorisationCode, Rrn};
use crate::settlement::{Side, totals};

fn sold(ledger: &mut Ledger, minor: u64) -> TraceNumber {
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &sold_offline(minor)).unwrap();
    trace
}

fn booked() -> HostAnswer {
    HostAnswer {
        decision: Decision::Approved,
        response_code: ResponseCode::parse("00").unwrap(),
        rrn: Rrn::parse("000000000007").ok(),
        authorisation_code: AuthorisationCode::parse("B00K3D").ok(),
        issuer_data: Vec::new(),
        balances: Vec::new(),
        plan: None,
    }
}

fn deed(act: Act) -> Deed {
    let at = date(2026, 11, 22).at(18, 0, 0, 0);
    Deed { act, by: "王五".to_owned(), note: "银行说".to_owned(), at }
}

fn state(ledger: &Ledger, trace: TraceNumber) -> State {
    ledger.find(trace).unwrap().unwrap().state
}

#[test]
fn it_is_paid_owes_two_slips_and_waits_for_the_host_from_one_moment_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let trace = sold(&mut ledger, 1234);
    let row = ledger.find(trace).unwrap().unwrap();
    assert_eq!((row.kind, row.state, row.chip_data), (PaymentKind::OfflineSale, State::Approved, None));
    assert_eq!((row.cryptogram, row.atc), (Some(card_result().cryptogram), Some(card_result().atc)));
    assert_eq!(ledger.copies_of(trace).unwrap().len(), 2);
    let (entry, work) = ledger.oldest(Rank::OfflineSales).unwrap().unwrap();
    assert_eq!(
        (entry.id, entry.kind, entry.standing),
        (EntryId::OfflineSale(trace), Kind::OfflineSale, Standing::Waiting)
    );
    assert_eq!((entry.trace, entry.original, work), (trace, trace, Work::OfflineSale));
    assert_eq!(ledger.open_entries().unwrap(), Open { waiting: 1, parked: 0 });
    assert_eq!(ledger.unsent_offline().unwrap(), Unsent { count: 1, minor: 1234 });
    // Whoever keeps no card numbers could never tell the host of it, and sells nothing so.
    let elsewhere = tempfile::tempdir().unwrap();
    let mut other = open(elsewhere.path());
    let trace = other.take_trace_number().unwrap();
    assert!(matches!(other.record(trace, &sold_offline(1)), Err(LedgerError::NumberNotKept("offline_sale"))));
    assert!(other.find(trace).unwrap().is_none());
}

#[test]
fn the_host_is_told_the_same_at_every_try_until_it_has_booked_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let (first, second) = (sold(&mut ledger, 1234), sold(&mut ledger, 500));
    let request = ledger.offline_request(first).unwrap().unwrap();
    assert_eq!((request.trace, request.kind, request.amount.minor()), (first, PaymentKind::OfflineSale, 1234));
    assert_eq!((&request.card.pan, request.card.expiry), (&number(), Some([0x30, 0x12])));
    assert_eq!((request.card.sequence_number, &request.chip_data[..]), (Some(1), &card_result().chip_data[..]));
    assert!(request.card.track2.is_none() && request.pin.is_none() && request.original.is_none());
    ledger.tried(EntryId::OfflineSale(first), true, date(2026, 11, 22).at(15, 0, 0, 0)).unwrap();
    let again = ledger.offline_request(first).unwrap().unwrap();
    assert_eq!((again.trace, &again.chip_data[..]), (request.trace, &request.chip_data[..]));
    assert_eq!(ledger.entry(EntryId::OfflineSale(first)).unwrap().unwrap().tries, 1);
    assert!(ledger.done(EntryId::OfflineSale(first)).is_err(), "not without the host's word");

    ledger.offline_sale_is_booked(first, &booked()).unwrap();
    let row = ledger.find(first).unwrap().unwrap();
    assert_eq!(
        (row.state, row.rrn, row.authorisation_code),
        (State::Approved, booked().rrn, booked().authorisation_code)
    );
    assert!(ledger.offline_request(first).unwrap().is_none());
    assert_eq!(ledger.offline_sales_to_tell().unwrap(), [second]);
    assert!(ledger.offline_sale_is_booked(first, &booked()).is_err(), "once");
    assert_eq!(ledger.oldest(Rank::OfflineSales).unwrap().unwrap().0.trace, second);
    let kept: i64 = ledger
        .connection
        .query_row("SELECT count(*) FROM offline_sales WHERE chip_data IS NOT NULL", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 1, "chip data live only until the host has them");
}

#[test]
fn one_that_its_bank_does_not_pay_counts_as_a_person_says() {
    for resolution in [Resolution::Charged, Resolution::Reversed] {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = keeping(directory.path());
        let trace = sold(&mut ledger, 1234);
        let code = ResponseCode::parse("51").unwrap();
        ledger.park(EntryId::OfflineSale(trace), Some(&code)).unwrap();
        assert_eq!(
            (state(&ledger, trace), ledger.open_entries().unwrap()),
            (State::Unresolved, Open { waiting: 0, parked: 1 })
        );
        let entry = ledger.entry_of(trace).unwrap().unwrap();
        assert_eq!(
            (entry.kind, entry.standing, entry.response_code),
            (Kind::OfflineSale, Standing::Parked, Some(code))
        );
        assert_eq!(ledger.entries().unwrap().len(), 1, "it is one entry, and not its payment as well");
        assert_eq!(ledger.unsent_offline().unwrap().count, 1, "it still counts among those that may wait");
        let refused = ledger.decide(trace, &deed(Act::Resolve(Resolution::Noted))).unwrap_err();
        assert!(matches!(refused, LedgerError::NotAllowed { problem: NotAllowed::PaymentNoted, .. }), "{refused}");
        assert_eq!(ledger.dead_letters_without_slip().unwrap()[0].entry, EntryId::OfflineSale(trace));

        ledger.decide(trace, &deed(Act::Resolve(resolution))).unwrap();
        assert_eq!((ledger.open_entries().unwrap(), ledger.entries().unwrap().len()), (Open::default(), 0));
        assert_eq!(ledger.deeds().unwrap()[0].kind, Kind::OfflineSale);
        let sums = totals(&ledger.tallies(trace.batch).unwrap(), Currency::CNY).unwrap();
        let counted = u32::from(resolution == Resolution::Charged);
        assert_eq!(sums.of(Side::Debit, true).unwrap().count, counted, "{resolution:?}");
    }
}

#[test]
fn a_person_may_have_it_told_once_more() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let trace = sold(&mut ledger, 1234);
    ledger.park(EntryId::OfflineSale(trace), None).unwrap();
    ledger.decide(trace, &deed(Act::Retry)).unwrap();
    let row = ledger.find(trace).unwrap().unwrap();
    assert_eq!((row.state, row.reason, row.chip_data), (State::Approved, None, None));
    assert!(ledger.offline_request(trace).unwrap().is_some());
    ledger.offline_sale_is_booked(trace, &booked()).unwrap();
    assert_eq!(ledger.open_entries().unwrap(), Open::default());
}

#[test]
fn it_is_not_voided_and_is_given_back_as_any_other_payment() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let trace = sold(&mut ledger, 1234);
    ledger.offline_sale_is_booked(trace, &booked()).unwrap();
    let past = ledger.past(trace).unwrap().unwrap();
    assert!(matches!(past.original.pan, KnownPan::Whole(_)));
    let void = Transaction::void(&past, trace.batch, crate::payment::transaction::Presence::CardThere);
    assert!(matches!(void, Err(NotPossible::Kind { .. })));
    assert_eq!(Transaction::refund(&past, past.original.amount).unwrap().kind(), PaymentKind::Refund);
}

#[test]
fn the_ledgers_own_rules_let_nobody_tell_it_twice_or_forget_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let trace = sold(&mut ledger, 1234);
    let run = |ledger: &Ledger, sql: &str| ledger.connection.execute(sql, []);
    assert!(run(&ledger, "DELETE FROM offline_sales").is_err());
    assert!(
        run(&ledger, "INSERT INTO offline_sales (transaction_id, chip_data) SELECT id, x'' FROM transactions").is_err()
    );
    ledger.offline_sale_is_booked(trace, &booked()).unwrap();
    assert!(run(&ledger, "UPDATE offline_sales SET state = 'queued', chip_data = x''").is_err());
}

#[test]
fn nothing_goes_back_of_one_that_the_host_has_not_heard_of() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let trace = sold(&mut ledger, 1234);
    let refund = |ledger: &Ledger| {
        let past = ledger.past(trace).unwrap().unwrap();
        Transaction::refund(&past, past.original.amount).map(|_| ())
    };
    assert_eq!(refund(&ledger), Err(NotPossible::NotTold(trace)));
    // Nor where whoever asked had looked at it before.
    let begun = crate::ledger::tests::about(&ledger, PaymentKind::Refund, trace, 1234);
    let number = ledger.take_trace_number().unwrap();
    let refused = ledger.record(number, &begun).unwrap_err();
    assert!(matches!(refused, LedgerError::NotPossible(NotPossible::NotTold(of)) if of == trace), "{refused}");
    ledger.offline_sale_is_booked(trace, &booked()).unwrap();
    assert_eq!(refund(&ledger), Ok(()));
    ledger.record(number, &begun).unwrap();
}

#[test]
fn it_leaves_with_what_it_was_in_the_end_and_is_read_from_the_archive() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let (paid, refused) = (sold(&mut ledger, 1234), sold(&mut ledger, 500));
    let copies = [paid, refused].map(|trace| ledger.copies_of(trace).unwrap()).concat();
    for copy in copies {
        ledger.copy_is(&copy, crate::ledger::PrintState::Printed).unwrap();
    }
    // The newest payment stays.
    let later = date(2030, 2, 1).at(9, 0, 0, 0);
    let newest = ledger.take_trace_number().unwrap();
    let begun = crate::payment::record::Pending { at: later, ..crate::ledger::tests::pending_sale(700) };
    ledger.record(newest, &crate::payment::record::Record::Pending(Box::new(begun))).unwrap();
    ledger.connection.execute("UPDATE counters SET batch = batch + 1", []).unwrap();
    assert_eq!(ledger.archive_a_month(0, later).unwrap(), None, "the host has not heard of them");
    ledger.offline_sale_is_booked(paid, &booked()).unwrap();
    ledger.park(EntryId::OfflineSale(refused), ResponseCode::parse("51").ok().as_ref()).unwrap();
    assert_eq!(ledger.archive_a_month(0, later).unwrap(), None, "nobody has decided");
    ledger.decide(refused, &deed(Act::Resolve(Resolution::Reversed))).unwrap();
    for letter in ledger.dead_letters_without_slip().unwrap() {
        ledger.slip_of_dead_letter_is(letter.id, true).unwrap();
    }
    assert_eq!(ledger.destroy_number_keys().unwrap(), 2);
    let archive = ledger.archive_a_month(0, later).unwrap().unwrap();
    assert_eq!(archive.payments, 2);
    let read = ledger.open_archive(&archive).unwrap();
    assert_eq!((state(&read, paid), state(&read, refused)), (State::Approved, State::Unresolved));
}

#[test]
fn a_terminal_of_another_merchant_does_not_put_aside_what_its_host_has_not_heard_of() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let trace = sold(&mut ledger, 1234);
    let path = directory.path().join("ledger.sqlite");
    let merchant = crate::reference::MerchantCode::parse("898440100000002").unwrap();
    let terminal = ledger.terminal_number.clone();
    let move_in = || Ledger::put_aside_of_another(&path, &merchant, &terminal);
    drop(ledger);
    assert!(matches!(move_in(), Err(LedgerError::OtherIdentity { count: 1, .. })));
    keeping(directory.path()).offline_sale_is_booked(trace, &booked()).unwrap();
    assert!(move_in().unwrap().is_some());
}
