use std::path::Path;

use jiff::civil::date;
use rusqlite::Connection;

use super::super::tests::{approved, host_approved, open, paid, pending, reversal_due};
use super::super::{DeedRow, MIGRATIONS};
use super::*;
use crate::money::Currency;
use crate::payment::queue::{Act, Deed, MAX_TRIES, NotAllowed, Resolution};
use crate::payment::record::Record;
use crate::reference::{AuthorisationCode, Rrn};
use crate::wording::ReasonKind;

fn noon() -> DateTime {
    date(2026, 11, 22).at(12, 0, 0, 0)
}

fn deed(act: Act) -> Deed {
    Deed { act, by: "王五".to_owned(), note: "银行说已经扣款".to_owned(), at: noon() }
}

fn resolve(resolution: Resolution) -> Deed {
    deed(Act::Resolve(resolution))
}

/// A payment that is to be taken back.
fn to_be_taken_back(ledger: &mut Ledger, minor: u64) -> TraceNumber {
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(minor)).unwrap();
    ledger.record(trace, &reversal_due()).unwrap();
    trace
}

fn given_up(ledger: &mut Ledger, minor: u64) -> TraceNumber {
    let trace = to_be_taken_back(ledger, minor);
    ledger.park(EntryId::Reversal(trace), ResponseCode::parse("96").ok().as_ref()).unwrap();
    trace
}

fn parked_advice(ledger: &mut Ledger) -> AdviceRow {
    paid(ledger, approved());
    let row = ledger.next_advice().unwrap().unwrap();
    ledger.park(EntryId::Advice(row.id), ResponseCode::parse("05").ok().as_ref()).unwrap();
    row
}

/// Looks behind the program's back.
fn count(directory: &Path, sql: &str) -> i64 {
    Connection::open(directory.join("ledger.sqlite")).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

fn sql(directory: &Path, statement: &str) -> rusqlite::Result<()> {
    Connection::open(directory.join("ledger.sqlite")).unwrap().execute_batch(statement)
}

#[test]
fn the_head_is_the_oldest_of_the_first_rank() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    for rank in Rank::ALL {
        assert_eq!(ledger.oldest(rank).unwrap(), None);
    }
    paid(&mut ledger, approved());
    paid(&mut ledger, approved());
    let (first, second) = (to_be_taken_back(&mut ledger, 1), to_be_taken_back(&mut ledger, 2));
    let kinds: Vec<_> = ledger.entries().unwrap().iter().map(|entry| (entry.kind, entry.standing)).collect();
    let (reversal, result) = (Kind::Reversal, Kind::Advice(AdviceKind::CardResult));
    assert_eq!(kinds, [reversal, reversal, result, result].map(|kind| (kind, Standing::Waiting)));
    assert_eq!(ledger.open_entries().unwrap(), Open { waiting: 4, parked: 0 });
    for trace in [first, second] {
        let (entry, work) = ledger.oldest(Rank::Reversals).unwrap().unwrap();
        assert_eq!((entry.trace, entry.id), (trace, EntryId::Reversal(trace)));
        assert!(matches!(work, Work::Reverse(request) if request.trace == trace));
        ledger.done(entry.id).unwrap();
    }
    assert_eq!(ledger.oldest(Rank::Reversals).unwrap(), None);
    let (entry, work) = ledger.oldest(Rank::CardResults).unwrap().unwrap();
    assert!(matches!(work, Work::Advise(advice) if advice.trace == entry.trace));
}

#[test]
fn the_same_is_sent_at_every_try_and_after_every_start() {
    let directory = tempfile::tempdir().unwrap();
    let trace = to_be_taken_back(&mut open(directory.path()), 1234);
    let first = open(directory.path()).oldest(Rank::Reversals).unwrap().unwrap().1;
    for tries in 1..5 {
        let mut ledger = open(directory.path());
        ledger.tried(EntryId::Reversal(trace), true, noon()).unwrap();
        let (entry, work) = ledger.oldest(Rank::Reversals).unwrap().unwrap();
        assert_eq!((entry.tries, entry.next_try), (tries, Some(noon())));
        assert_eq!(work, first);
    }
    let mut ledger = open(directory.path());
    ledger.tried(EntryId::Reversal(trace), false, noon()).unwrap();
    assert_eq!(ledger.entry(EntryId::Reversal(trace)).unwrap().unwrap().tries, 4, "one that does not count");
}

#[test]
fn what_is_given_up_and_that_it_owes_a_slip_are_one_fact() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = given_up(&mut ledger, 1234);
    let advice = parked_advice(&mut ledger);
    let letters = open(directory.path()).dead_letters_without_slip().unwrap();
    assert_eq!(
        letters.iter().map(|letter| letter.entry).collect::<Vec<_>>(),
        [EntryId::Reversal(trace), EntryId::Advice(advice.id)]
    );
    assert_eq!(ledger.open_entries().unwrap(), Open { waiting: 0, parked: 2 });
    ledger.slip_of_dead_letter_is(letters[0].id, true).unwrap();
    assert_eq!(open(directory.path()).dead_letters_without_slip().unwrap(), letters[1..]);
    // Where the second half cannot be written there is no first.
    let trace = to_be_taken_back(&mut ledger, 1);
    sql(directory.path(), "CREATE TRIGGER full BEFORE INSERT ON dead_letters BEGIN SELECT RAISE(ABORT, 'full'); END")
        .unwrap();
    assert!(ledger.park(EntryId::Reversal(trace), None).is_err());
    drop(ledger);
    let entry = open(directory.path()).entry(EntryId::Reversal(trace)).unwrap().unwrap();
    assert_eq!((entry.standing, entry.tries), (Standing::Waiting, 0));
}

#[test]
fn a_number_the_host_has_already_owes_a_slip_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(1)).unwrap();
    let record = Record::Unresolved { reason: ReasonKind::TraceNumberInUse, response_code: None };
    ledger.record(trace, &record).unwrap();
    assert_eq!(ledger.dead_letters_without_slip().unwrap()[0].entry, EntryId::Reversal(trace));
    let error = ledger.decide(trace, &deed(Act::Retry)).unwrap_err();
    assert!(matches!(error, LedgerError::NotAllowed { problem: NotAllowed::NumberInUse, .. }), "{error}");
    ledger.decide(trace, &resolve(Resolution::Reversed)).unwrap();
}

#[test]
fn what_a_person_says_of_a_payment_counts_and_the_state_stays_what_the_terminal_knows() {
    let total = |ledger: &Ledger| {
        let total = ledger.paid_on(date(2026, 11, 22), Currency::CNY).unwrap();
        (total.count, total.amount.to_string())
    };
    for (resolution, expected) in [(Resolution::Charged, (1, "12.34")), (Resolution::Reversed, (0, "0.00"))] {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let trace = given_up(&mut ledger, 1234);
        assert_eq!(total(&ledger), (0, "0.00".to_owned()), "as long as nobody knows it is not paid");
        ledger.decide(trace, &resolve(resolution)).unwrap();
        let mut ledger = open(directory.path());
        assert_eq!(total(&ledger), (expected.0, expected.1.to_owned()));
        let row = ledger.find(trace).unwrap().unwrap();
        assert_eq!((row.state, row.resolution), (State::Unresolved, Some(resolution)));
        assert_eq!(row.chip_data, Some(Vec::new()), "no reversal will need it");
        assert_eq!(ledger.open_entries().unwrap(), Open::default());
        assert_eq!((ledger.entries().unwrap(), ledger.entry_of(trace).unwrap()), (Vec::new(), None));
        let expected = DeedRow { kind: Kind::Reversal, trace, original: trace, deed: resolve(resolution), tries: 1 };
        assert_eq!(ledger.deeds().unwrap(), [expected]);
        // It is decided once.
        assert!(matches!(ledger.decide(trace, &resolve(Resolution::Charged)), Err(LedgerError::NoSuchEntry(_))));
        assert!(matches!(ledger.decide(trace, &deed(Act::Retry)), Err(LedgerError::NoSuchEntry(_))));
        assert!(ledger.done(EntryId::Reversal(trace)).is_err());
    }
}

#[test]
fn what_was_decided_is_never_changed_or_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = given_up(&mut ledger, 1234);
    ledger.decide(trace, &resolve(Resolution::Charged)).unwrap();
    for statement in ["UPDATE deeds SET person = 'nobody'", "DELETE FROM deeds"] {
        let error = sql(directory.path(), statement).unwrap_err().to_string();
        assert!(error.contains("never"), "{statement}: {error}");
    }
    // Nor can the row say what nobody has found out.
    for statement in [
        "UPDATE transactions SET resolution = 'noted'",
        "UPDATE transactions SET state = 'reversed', chip_data = NULL",
        "UPDATE transactions SET late_at = '2026-11-22T12:00:00'",
    ] {
        assert!(sql(directory.path(), statement).is_err(), "{statement}");
    }
}

#[test]
fn a_decision_that_cannot_be_written_down_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let (trace, advice) = (given_up(&mut ledger, 1234), parked_advice(&mut ledger));
    let before = ledger.entries().unwrap();
    sql(directory.path(), "CREATE TRIGGER full BEFORE INSERT ON deeds BEGIN SELECT RAISE(ABORT, 'full'); END").unwrap();
    for (trace, deed) in [
        (trace, resolve(Resolution::Charged)),
        (trace, resolve(Resolution::Reversed)),
        (trace, deed(Act::Retry)),
        (advice.advice.trace, resolve(Resolution::Noted)),
        (advice.advice.trace, deed(Act::Retry)),
    ] {
        assert!(matches!(ledger.decide(trace, &deed), Err(LedgerError::Statement { .. })));
        // As after a power cut: another connection sees nothing of it.
        assert_eq!(open(directory.path()).entries().unwrap(), before);
    }
    sql(directory.path(), "DROP TRIGGER full").unwrap();
    ledger.decide(trace, &resolve(Resolution::Charged)).unwrap();
}

#[test]
fn what_is_sent_again_goes_before_what_came_after_it_and_has_all_tries_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let first = given_up(&mut ledger, 1);
    let second = to_be_taken_back(&mut ledger, 2);
    assert_eq!(ledger.oldest(Rank::Reversals).unwrap().unwrap().0.trace, second);
    ledger.decide(first, &deed(Act::Retry)).unwrap();
    let entry = ledger.oldest(Rank::Reversals).unwrap().unwrap().0;
    assert_eq!((entry.trace, entry.tries, entry.standing), (first, 0, Standing::Waiting));
    let (before, _) = (parked_advice(&mut ledger), paid(&mut ledger, approved()));
    ledger.decide(before.advice.trace, &deed(Act::Retry)).unwrap();
    let (entry, work) = ledger.oldest(Rank::CardResults).unwrap().unwrap();
    assert_eq!((entry.trace, entry.tries, entry.response_code), (before.advice.trace, 0, None));
    assert_eq!(work, Work::Advise(before.advice), "with the same number");
    let acts: Vec<_> = ledger.deeds().unwrap().into_iter().map(|row| (row.deed.act, row.tries)).collect();
    assert_eq!(acts, [(Act::Retry, 1), (Act::Retry, 1)]);
}

#[test]
fn an_advice_that_the_acquirer_has_is_sent_no_more_and_keeps_no_chip_data() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let row = parked_advice(&mut ledger);
    for resolution in [Resolution::Charged, Resolution::Reversed] {
        let error = ledger.decide(row.advice.trace, &resolve(resolution)).unwrap_err();
        assert!(matches!(error, LedgerError::NotAllowed { problem: NotAllowed::AdviceDecides, .. }), "{error}");
    }
    ledger.decide(row.advice.trace, &resolve(Resolution::Noted)).unwrap();
    assert_eq!(ledger.entries().unwrap(), []);
    assert_eq!(count(directory.path(), "SELECT count(*) FROM advices WHERE length(chip_data) > 0"), 0);
    assert_eq!(ledger.find(row.advice.original).unwrap().unwrap().state, State::Approved, "the payment stands");
    let deeds = ledger.deeds().unwrap();
    assert_eq!((deeds[0].trace, deeds[0].original), (row.advice.trace, row.advice.original));
    assert_eq!(deeds[0].kind, Kind::Advice(AdviceKind::CardResult));
}

fn late(trace: TraceNumber) -> LateApproval {
    LateApproval {
        trace,
        response_code: ResponseCode::parse("00").unwrap(),
        rrn: Rrn::parse("000000000001").ok(),
        authorisation_code: AuthorisationCode::parse("A12B3C").ok(),
    }
}

#[test]
fn an_approval_that_comes_too_late_is_recorded_and_never_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let waiting = to_be_taken_back(&mut ledger, 1234);
    let before = ledger.oldest(Rank::Reversals).unwrap();
    assert!(ledger.note_late_approval(&late(waiting), noon()).unwrap());
    assert!(!ledger.note_late_approval(&late(waiting), noon()).unwrap(), "once");
    let row = ledger.find(waiting).unwrap().unwrap();
    assert_eq!((row.state, row.late), (State::ReversalDue, Some((late(waiting), noon()))));
    assert_eq!(ledger.oldest(Rank::Reversals).unwrap(), before, "the reversal stays the same, byte for byte");
    let given_up = given_up(&mut ledger, 1);
    assert!(ledger.note_late_approval(&late(given_up), noon()).unwrap());
    assert_eq!(ledger.find(given_up).unwrap().unwrap().state, State::Unresolved);
    let paid = paid(&mut ledger, approved());
    assert!(!ledger.note_late_approval(&late(paid), noon()).unwrap(), "that one was accepted in time");
    assert_eq!(ledger.find(paid).unwrap().unwrap().late, None);
}

/// A reversal that overtook its original found nothing to take back; then the original was booked.
#[test]
fn a_payment_that_counts_as_taken_back_is_taken_back_once_more_when_it_is_approved_after_all() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = to_be_taken_back(&mut ledger, 1234);
    ledger.done(EntryId::Reversal(trace)).unwrap();
    assert!(ledger.note_late_approval(&late(trace), noon()).unwrap());
    let mut ledger = open(directory.path());
    let (entry, work) = ledger.oldest(Rank::Reversals).unwrap().unwrap();
    assert_eq!((entry.trace, entry.tries), (trace, 0));
    let Work::Reverse(request) = work else { panic!("{work:?}") };
    assert_eq!((request.reason, request.chip_data), (ReversalReason::NoAnswer, Vec::new()));
    assert_eq!(request.authorisation_code, None, "the same as before");
    ledger.done(entry.id).unwrap();
    // The same approval, doubled on the way, does not begin it anew.
    assert!(!ledger.note_late_approval(&late(trace), noon()).unwrap());
    assert_eq!(ledger.find(trace).unwrap().unwrap().state, State::Reversed);
}

/// A refusal without a MAC, of a request that was doubled on the way, tells nothing of the first of the two.
#[test]
fn a_payment_that_was_told_as_refused_is_taken_back_when_the_host_approved_it_after_all() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(1234)).unwrap();
    let refused =
        Record::NotPaid { reason: ReasonKind::HostDeclined, response_code: ResponseCode::parse("A0").ok(), rrn: None };
    ledger.record(trace, &refused).unwrap();
    assert_eq!(ledger.oldest(Rank::Reversals).unwrap(), None);
    assert!(ledger.note_late_approval(&late(trace), noon()).unwrap());
    let mut ledger = open(directory.path());
    let row = ledger.find(trace).unwrap().unwrap();
    assert_eq!((row.state, row.reason), (State::ReversalDue, Some(ReasonKind::HostDeclined)));
    let (entry, work) = ledger.oldest(Rank::Reversals).unwrap().unwrap();
    let Work::Reverse(request) = work else { panic!("{work:?}") };
    assert_eq!((request.trace, request.reason, request.chip_data), (trace, ReversalReason::Other, Vec::new()));
    assert_eq!(request.authorisation_code, late(trace).authorisation_code, "nothing was sent of it before");
    ledger.done(entry.id).unwrap();
    assert!(!ledger.note_late_approval(&late(trace), noon()).unwrap(), "once");
}

/// The reversal had no answer, the acquirer said that nothing was booked, and then the approval came.
#[test]
fn a_payment_that_a_person_ended_as_not_charged_is_for_a_person_again_when_it_was_approved() {
    for (resolution, again) in [(Resolution::Reversed, true), (Resolution::Charged, false)] {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let trace = given_up(&mut ledger, 1234);
        ledger.decide(trace, &resolve(resolution)).unwrap();
        let letters = ledger.dead_letters_without_slip().unwrap().len();
        assert!(ledger.note_late_approval(&late(trace), noon()).unwrap());
        let mut ledger = open(directory.path());
        let row = ledger.find(trace).unwrap().unwrap();
        assert_eq!((row.state, row.resolution), (State::Unresolved, (!again).then_some(resolution)));
        assert_eq!(ledger.entries().unwrap().len(), usize::from(again));
        assert_eq!(ledger.open_entries().unwrap().parked, usize::from(again));
        assert_eq!(ledger.dead_letters_without_slip().unwrap().len(), letters + usize::from(again));
        assert_eq!(ledger.oldest(Rank::Reversals).unwrap(), None, "the acquirer may have given it back by hand");
        if again {
            ledger.decide(trace, &resolve(Resolution::Charged)).unwrap();
            let said: Vec<_> = ledger.deeds().unwrap().into_iter().map(|row| row.deed.act).collect();
            assert_eq!(said, [Act::Resolve(Resolution::Reversed), Act::Resolve(Resolution::Charged)]);
        }
    }
}

#[test]
fn a_ledger_sees_what_another_connection_changed_and_not_what_it_changed_itself() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    assert!(!ledger.changed_elsewhere().unwrap(), "nothing is known before");
    let trace = given_up(&mut ledger, 1234);
    assert!(!ledger.changed_elsewhere().unwrap());
    open(directory.path()).decide(trace, &resolve(Resolution::Charged)).unwrap();
    assert!(ledger.changed_elsewhere().unwrap());
    assert!(!ledger.changed_elsewhere().unwrap(), "once");
}

/// A ledger as an older program left it.
fn of_version(directory: &Path, version: usize, rows: &str) {
    let connection = Connection::open(directory.join("ledger.sqlite")).unwrap();
    for migration in &MIGRATIONS[..version] {
        connection.execute_batch(migration).unwrap();
    }
    connection.pragma_update(None, "user_version", version as i64).unwrap();
    connection.execute_batch(rows).unwrap();
}

const OF_VERSION_1: &str =
    "INSERT INTO transactions (merchant_code, terminal_number, batch, stan, kind, state, amount, currency, at, entry,
         truncated_pan, aid, application_label, chip_data, reason, reversal_reason, reversal_tries)
     VALUES ('898440100000001', '10000001', 1, 1, 'sale', 'unresolved', 1234, 'CNY', '2026-11-22T14:26:09', 'chip',
         '622848*********1230', 'A000000333010101', 'UnionPay Debit', x'9505', 'host_silent', '98', 20),
         ('898440100000001', '10000001', 1, 2, 'sale', 'reversal_due', 500, 'CNY', '2026-11-22T14:28:09', 'chip',
         '622848*********1230', 'A000000333010101', 'UnionPay Debit', x'9505', 'host_silent', '98', 3);
     INSERT INTO transactions (merchant_code, terminal_number, batch, stan, kind, state, amount, currency, at, entry,
         truncated_pan, aid, application_label, cryptogram, tvr, tsi, atc, signature)
     VALUES ('898440100000001', '10000001', 1, 3, 'sale', 'approved', 100, 'CNY', '2026-11-22T14:29:09', 'chip',
         '622848*********1230', 'A000000333010101', 'UnionPay Debit', '01', '00', '00', '0001', 0);
     UPDATE counters SET next_stan = 4;";

const OF_VERSION_2: &str =
    "INSERT INTO advices (transaction_id, kind, batch, stan, state, chip_data, response_code, tries)
     VALUES (3, 'card_result', 1, 4, 'parked', x'9F26', '05', 1),
         (3, 'script_result', 1, 5, 'queued', x'9F5B', NULL, 0);
     UPDATE counters SET next_stan = 6;";

#[test]
fn older_ledgers_keep_their_rows_and_what_they_gave_up_gets_its_slip() {
    for (version, rows) in [(1, OF_VERSION_1.to_owned()), (2, [OF_VERSION_1, OF_VERSION_2].concat())] {
        let directory = tempfile::tempdir().unwrap();
        of_version(directory.path(), version, &rows);
        let mut ledger = open(directory.path());
        let entries: Vec<_> = ledger
            .entries()
            .unwrap()
            .iter()
            .map(|entry| (entry.kind.word(), entry.standing.word(), entry.trace.stan.number(), entry.tries))
            .collect();
        let (first, second) = (("reversal", "parked", 1, 20), ("reversal", "queued", 2, 3));
        let expected = match version {
            1 => vec![first, second],
            _ => vec![first, ("card_result", "parked", 4, 1), second, ("script_result", "queued", 5, 0)],
        };
        assert_eq!(entries, expected, "version {version}");
        assert_eq!(ledger.dead_letters_without_slip().unwrap().len(), version);
        let trace =
            TraceNumber { batch: crate::reference::Batch::FIRST, stan: crate::reference::Stan::new(1).unwrap() };
        ledger.decide(trace, &resolve(Resolution::Charged)).unwrap();
        let total = ledger.paid_on(date(2026, 11, 22), Currency::CNY).unwrap();
        assert_eq!((total.count, total.amount.to_string()), (2, "13.34".to_owned()));
    }
}

#[test]
fn a_payment_in_the_middle_is_in_the_list_and_goes_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    for records in [vec![pending(1)], vec![pending(2), host_approved()]] {
        let trace = ledger.take_trace_number().unwrap();
        records.iter().for_each(|record| ledger.record(trace, record).unwrap());
        let entry = ledger.entry_of(trace).unwrap().unwrap();
        assert_eq!(entry.standing, Standing::Interrupted);
        let error = ledger.decide(trace, &deed(Act::Retry)).unwrap_err();
        assert!(matches!(error, LedgerError::NotAllowed { problem: NotAllowed::NotParked, .. }), "{error}");
    }
    assert_eq!(ledger.oldest(Rank::Reversals).unwrap(), None);
    assert_eq!(ledger.open_entries().unwrap().waiting, 2);
}

/// The head of the queue is asked for twice a second, in a ledger of many years.
#[test]
fn the_queue_is_found_by_its_index() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = to_be_taken_back(&mut ledger, 1);
    (0..MAX_TRIES).for_each(|_| ledger.tried(EntryId::Reversal(trace), true, noon()).unwrap());
    let connection = Connection::open(directory.path().join("ledger.sqlite")).unwrap();
    let oldest = |condition| format!("SELECT t.stan FROM transactions t WHERE {condition} ORDER BY t.id LIMIT 9");
    let own = "AND merchant_code = '898440100000001' AND terminal_number = '10000001'";
    for condition in [
        oldest(REVERSALS),
        oldest(OPEN_PAYMENTS),
        format!("SELECT count(*) FROM {WAITING} {own}"),
        format!("SELECT count(*) FROM {PARKED} {own}"),
    ] {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {condition}")).unwrap();
        let plan: Vec<String> = statement.query_map([], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        assert!(plan.iter().any(|step| step.contains("transactions_unfinished")), "{condition}: {plan:?}");
    }
}
