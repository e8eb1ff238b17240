use jiff::civil::date;

use super::*;
use crate::ledger::tests::{approved, open, paid, pending, reversal_due};
use crate::payment::queue::{Act, Deed, EntryId, Resolution};
use crate::payment::record::Record;
use crate::settlement::closing::{Answer, Request};
use crate::wording::ReasonKind;

fn at() -> DateTime {
    date(2026, 11, 29).at(23, 30, 0, 0)
}

fn begin(ledger: &mut Ledger) -> SettlementRow {
    let batch = ledger.batch_to_settle().unwrap();
    for entry in ledger.entries().unwrap() {
        if let EntryId::Advice(_) = entry.id {
            ledger.done(entry.id).unwrap();
        }
    }
    ledger.begin_settlement(batch, Currency::CNY, Cause::ByHand, at()).unwrap()
}

fn same(totals: BatchTotals) -> Answer {
    Answer::Compared { verdict: Verdict::Equal, theirs: totals }
}

fn carry_on(ledger: &mut Ledger, answer: Answer, sent: u32) -> State {
    let under_way = ledger.settlement_under_way().unwrap().unwrap().under_way;
    let (next, change) = under_way.step(answer, sent).unwrap();
    ledger.carry_settlement_on(under_way.batch, next, &change, at()).unwrap();
    next
}

#[test]
fn a_batch_is_cut_at_once_and_the_next_payment_is_of_the_next_one() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let first = paid(&mut ledger, approved());
    paid(&mut ledger, approved());
    let row = begin(&mut ledger);
    assert_eq!((row.under_way.batch, row.under_way.state), (first.batch, State::Comparing));
    assert_eq!((row.under_way.totals.count(), row.under_way.totals.net_minor()), (2, 2468));
    let later = paid(&mut ledger, approved());
    assert_eq!(later.batch.number(), first.batch.number() + 1);
    let of = |batch| ledger.of_batch(batch).unwrap().len();
    assert_eq!((of(first.batch), of(later.batch)), (2, 1), "each payment is in one batch");
    let lines = ledger.settlement_lines(first.batch, Currency::CNY, 1, 16).unwrap();
    assert_eq!((lines.len(), lines[0].amount.minor()), (1, 1234));
}

#[test]
fn no_row_comes_into_a_batch_that_is_settled_whoever_writes_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    // Its number was taken before the batch was cut.
    let early = ledger.take_trace_number().unwrap();
    begin(&mut ledger);
    let error = ledger.record(early, &pending(100)).unwrap_err().to_string();
    assert!(error.contains("this batch is settled"), "{error}");
    assert_eq!(ledger.of_batch(early.batch).unwrap(), []);
}

#[test]
fn what_waits_for_the_host_keeps_a_batch_open_and_nothing_is_written_then() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(100)).unwrap();
    ledger.record(trace, &reversal_due()).unwrap();
    let refused = ledger.begin_settlement(trace.batch, Currency::CNY, Cause::ByHand, at()).unwrap_err();
    assert!(matches!(refused, LedgerError::NotSettled(_)), "{refused}");
    assert_eq!((ledger.settlements(9).unwrap(), ledger.batch().unwrap()), (vec![], trace.batch));
    ledger.done(EntryId::Reversal(trace)).unwrap();
    assert_eq!(begin(&mut ledger).under_way.totals.count(), 0, "what was taken back is not counted");
}

#[test]
fn what_nobody_has_decided_about_is_told_and_not_counted_and_a_decision_counts() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let mut unresolved = || {
        let trace = ledger.take_trace_number().unwrap();
        ledger.record(trace, &pending(500)).unwrap();
        let record = Record::Unresolved { reason: ReasonKind::TraceNumberInUse, response_code: None };
        ledger.record(trace, &record).unwrap();
        trace
    };
    let (charged, undecided) = (unresolved(), unresolved());
    let deed = Deed {
        act: Act::Resolve(Resolution::Charged),
        by: "Wang".to_owned(),
        note: "the acquirer says so".to_owned(),
        at: at(),
    };
    ledger.decide(charged, &deed).unwrap();
    let row = begin(&mut ledger);
    assert_eq!((row.undecided, row.under_way.totals.count(), row.under_way.totals.net_minor()), (1, 1, 500));
    let lines = ledger.settlement_lines(undecided.batch, Currency::CNY, 0, 16).unwrap();
    assert_eq!(lines.iter().map(|line| line.stan).collect::<Vec<_>>(), [charged.stan]);
}

#[test]
fn a_settlement_goes_on_after_any_power_cut_under_the_same_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    for _ in 0..3 {
        paid(&mut ledger, approved());
    }
    let batch = begin(&mut ledger).under_way.batch;
    let nothing = BatchTotals::nothing(Currency::CNY);
    let different = Answer::Compared { verdict: Verdict::Different, theirs: nothing };
    let closing = Closing { gross_minor: 0, fee_minor: 0, differences: 1 };
    let difference = HostDifference {
        kind: reconciliation::Kind::NotCharged,
        stan: Stan::FIRST,
        ours: Amount::new(1234, Currency::CNY).ok(),
        theirs: None,
        rrn: None,
    };
    let page = Answer::Differences { differences: vec![difference.clone()], more: false };
    let mut asked = Vec::new();
    for (answer, sent) in
        [(different, 0), (Answer::Taken, 2), (Answer::Taken, 1), (Answer::Closed(closing), 0), (page, 0)]
    {
        let request = |ledger: &Ledger| {
            let under_way = ledger.settlement_under_way().unwrap().unwrap().under_way;
            let part = ledger.settlement_lines(batch, Currency::CNY, under_way.uploaded, 2).unwrap();
            let part = if under_way.state == State::Uploading { part } else { Vec::new() };
            under_way.request(part).unwrap()
        };
        let before = request(&ledger);
        drop(ledger);
        ledger = open(directory.path());
        assert_eq!(request(&ledger), before, "the same is asked after a power cut");
        asked.push(before);
        carry_on(&mut ledger, answer, sent);
    }
    let stans: std::collections::BTreeSet<_> = asked
        .iter()
        .filter_map(|request| match request {
            Request::Compare { stan, .. } | Request::Upload { stan, .. } | Request::End { stan, .. } => Some(*stan),
            Request::Differences { .. } => None,
        })
        .collect();
    assert_eq!(stans.len(), 4, "each request has a number of its own");
    let row = ledger.settlement(batch).unwrap().unwrap();
    assert_eq!((row.under_way.state, row.under_way.uploaded, row.closing), (State::Closed, 3, Some(closing)));
    assert!(row.slip_due && row.closed_at.is_some());
    assert_eq!(ledger.settlement_differences(batch).unwrap(), [difference]);
    assert_eq!(ledger.settlement_under_way().unwrap(), None);
    assert_eq!(ledger.settlement_lines(batch, Currency::CNY, 0, 16).unwrap(), [], "they are needed no more");
}

#[test]
fn one_settlement_at_a_time_and_none_twice() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    paid(&mut ledger, approved());
    let first = begin(&mut ledger);
    let second = ledger.begin_settlement(ledger.batch().unwrap(), Currency::CNY, Cause::ByHand, at());
    assert!(second.is_err(), "one is under way");
    carry_on(&mut ledger, same(first.under_way.totals), 0);
    let closing = Closing { gross_minor: 1234, fee_minor: 5, differences: 0 };
    assert_eq!(carry_on(&mut ledger, Answer::Closed(closing), 0), State::Closed);
    let again = ledger.begin_settlement(first.under_way.batch, Currency::CNY, Cause::ByHand, at());
    assert!(again.is_err(), "it is settled");
    assert_eq!(begin(&mut ledger).under_way.totals.count(), 0, "an empty batch is settled as any other");
}

#[test]
fn a_batch_that_a_sign_on_passed_over_is_settled_before_the_one_that_is_open() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let first = paid(&mut ledger, approved());
    ledger.signed_on(Some(Batch::new(9).unwrap()), at()).unwrap();
    paid(&mut ledger, approved());
    assert_eq!(begin(&mut ledger).under_way.batch, first.batch);
    assert_eq!(ledger.batch().unwrap().number(), 9);
}

#[test]
fn a_wish_is_kept_until_it_is_begun_and_a_night_is_noted_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let wish = |cause, without_undecided| Wish { cause, since: at(), without_undecided };
    assert_eq!((ledger.settlement_wish().unwrap(), ledger.settled_night().unwrap()), (None, None));
    ledger.night_has_come(at().date(), Some(&wish(Cause::Nightly, false))).unwrap();
    ledger
        .wish_settlement(&Wish { since: at().with().hour(23).minute(45).build().unwrap(), ..wish(Cause::ByHand, true) })
        .unwrap();
    drop(ledger);
    let mut ledger = open(directory.path());
    assert_eq!(ledger.settlement_wish().unwrap(), Some(wish(Cause::Nightly, true)));
    assert_eq!(ledger.settled_night().unwrap(), Some(at().date()));
    begin(&mut ledger);
    assert_eq!(ledger.settlement_wish().unwrap(), None);
    ledger.wish_settlement(&wish(Cause::Full, false)).unwrap();
    ledger.withdraw_settlement().unwrap();
    assert_eq!(ledger.settlement_wish().unwrap(), None);
}

#[test]
fn the_triggers_let_a_state_follow_another_as_the_core_does() {
    for from in State::ALL {
        for to in State::ALL {
            let directory = tempfile::tempdir().unwrap();
            let mut ledger = open(directory.path());
            begin(&mut ledger);
            let set = |state: State| {
                let over = if state.is_open() { "NULL" } else { "'2026-11-29T23:31:00'" };
                let person = if state == State::GivenUp { "'Wang'" } else { "NULL" };
                ledger.connection.execute(
                    &format!(
                        "UPDATE settlements SET state = '{}', closed_at = {over}, person = {person}, note = {person},
                             verdict = 'different', host_totals = '', gross = 0, fee = 0, differences = 1",
                        state.word()
                    ),
                    [],
                )
            };
            let way: &[State] = match from {
                State::Comparing => &[],
                State::Uploading => &[State::Uploading],
                State::Ending => &[State::Ending],
                State::Reading => &[State::Ending, State::Reading],
                State::Closed => &[State::Closed],
                State::GivenUp => &[State::GivenUp],
            };
            way.iter().for_each(|state| assert_eq!(set(*state).unwrap(), 1));
            assert_eq!(set(to).is_ok(), from.may_become(to), "{from:?} {to:?}");
        }
    }
}

#[test]
fn a_settlement_is_given_up_once_by_somebody_who_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let batch = begin(&mut ledger).under_way.batch;
    ledger.give_settlement_up(batch, "Wang", "the acquirer settles it", at()).unwrap();
    let row = ledger.settlement(batch).unwrap().unwrap();
    assert_eq!(row.under_way.state, State::GivenUp);
    assert_eq!(row.given_up, Some(("Wang".to_owned(), "the acquirer settles it".to_owned())));
    assert!(ledger.give_settlement_up(batch, "Wang", "again", at()).is_err());
}
