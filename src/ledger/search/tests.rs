use jiff::ToSpan;
use jiff::civil::date;

use super::super::tests::{approved, done_about, host_approved, open, pending, pending_sale};
use super::*;
use crate::card_number::Pan;
use crate::goods::{GoodName, Quantity, SoldGood, TaxRate, Unit};
use crate::money::Currency;
use crate::payment::record::{Pending, Record};
use crate::reference::{AuthorisationCode, ResponseCode, TraceNumber};

fn noon() -> DateTime {
    date(2026, 11, 22).at(12, 0, 0, 0)
}

fn record(minor: u64, change: impl FnOnce(&mut Pending)) -> Record {
    let mut record = pending_sale(minor);
    change(&mut record);
    Record::Pending(Box::new(record))
}

/// Ten payments, each a minute after the one before: 1 to 10 yuan, cards that end with 0000 to 0002, RRNs as they are counted.
fn ten(ledger: &mut Ledger) -> Vec<TraceNumber> {
    let mut traces = Vec::new();
    for number in 0..10_u64 {
        let trace = ledger.take_trace_number().unwrap();
        let begun = record((number % 5 + 1) * 100, |record| {
            record.at = noon() + i64::try_from(number).unwrap().minutes();
            record.pan = Pan::of_digits(&format!("622848000000000{:04}", number % 3)).unwrap().into();
        });
        ledger.record(trace, &begun).unwrap();
        let approval = Record::HostApproved {
            response_code: ResponseCode::parse("00").unwrap(),
            rrn: Rrn::parse(&format!("{number:012}")).ok(),
            authorisation_code: AuthorisationCode::parse("A12B3C").ok(),
            part: None,
            plan: None,
        };
        ledger.record(trace, &approval).unwrap();
        ledger.record(trace, &approved()).unwrap();
        traces.push(trace);
    }
    traces
}

fn places(traces: &[TraceNumber], page: &Page) -> Vec<usize> {
    page.rows.iter().map(|row| traces.iter().position(|trace| *trace == row.trace).unwrap()).collect()
}

#[test]
fn every_payment_comes_once_in_pages_also_when_one_is_paid_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let traces = ten(&mut ledger);
    let mut found = Vec::new();
    let mut page = ledger.history(None, 4).unwrap();
    loop {
        found.extend(places(&traces, &page));
        let Some(next) = page.next else { break };
        // What is newer than the page that is read moves nothing.
        let trace = ledger.take_trace_number().unwrap();
        ledger.record(trace, &pending(1)).unwrap();
        page = ledger.history(Some(&next), 4).unwrap();
    }
    assert_eq!(found, (0..10).rev().collect::<Vec<_>>());
    assert_eq!(ledger.history(None, 12).unwrap().next, None, "ten, and two since");
}

#[test]
fn what_is_looked_for_is_found_newest_first_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let traces = ten(&mut ledger);
    let amount = Amount::new(300, Currency::CNY).ok();
    let four = LastFour::parse("0001");
    let cases: Vec<(&str, Search, &[usize])> = vec![
        ("everything", Search::default(), &[9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ("amount", Search { amount, ..Search::default() }, &[7, 2]),
        (
            "another currency",
            Search { amount: Amount::new(300, "USD".parse().unwrap()).ok(), ..Search::default() },
            &[],
        ),
        ("card", Search { last_four: four.clone(), ..Search::default() }, &[7, 4, 1]),
        ("amount and card", Search { amount, last_four: four.clone(), ..Search::default() }, &[7]),
        ("STAN", Search { stan: Some(traces[4].stan), ..Search::default() }, &[4]),
        ("RRN", Search { rrn: Rrn::parse("000000000006").ok(), ..Search::default() }, &[6]),
        (
            "RRN of another card",
            Search { rrn: Rrn::parse("000000000006").ok(), last_four: four.clone(), ..Search::default() },
            &[],
        ),
        ("from", Search { from: Some(noon() + 8.minutes()), ..Search::default() }, &[9, 8]),
        ("before", Search { before: Some(noon() + 2.minutes()), ..Search::default() }, &[1, 0]),
        (
            "card within a time",
            Search {
                last_four: four,
                from: Some(noon() + 2.minutes()),
                before: Some(noon() + 7.minutes()),
                ..Search::default()
            },
            &[4],
        ),
    ];
    for (what, search, expected) in cases {
        assert_eq!(places(&traces, &ledger.search(&search, None, 100).unwrap()), expected, "{what}");
        // The same, one by one.
        let (mut found, mut end) = (Vec::new(), None);
        loop {
            let page = ledger.search(&search, end.as_ref(), 1).unwrap();
            found.extend(places(&traces, &page));
            end = page.next;
            if end.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{what}, one by one");
    }
}

#[test]
fn payments_are_found_by_what_was_sold_once_each_and_page_by_page() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let sold = |number: u32, minor: u64| SoldGood {
        number: GoodNumber::new(number).unwrap(),
        name: GoodName::parse("豆浆").unwrap(),
        quantity: Quantity::Pieces(1),
        unit: Unit::Piece,
        price: Amount::new(minor, Currency::CNY).unwrap(),
        discount: Amount::zero(Currency::CNY),
        amount: Amount::new(minor, Currency::CNY).unwrap(),
        tax_rate: TaxRate::new(0).unwrap(),
    };
    let mut traces = Vec::new();
    for (minute, goods) in [vec![7], vec![8], vec![7, 8, 7], vec![], vec![7, 7]].into_iter().enumerate() {
        let trace = ledger.take_trace_number().unwrap();
        let goods: Vec<_> = goods.into_iter().map(|number| sold(number, 100)).collect();
        let minor = if goods.is_empty() { 500 } else { goods.len() as u64 * 100 };
        let begun = record(minor, |record| record.at = noon() + (minute as i64).minutes());
        ledger.record_selling(trace, &begun, &goods, None).unwrap();
        traces.push(trace);
    }
    let of = |number| Search { good: GoodNumber::new(number).ok(), ..Search::default() };
    let found = |search: &Search, length| {
        let (mut all, mut end) = (Vec::new(), None);
        loop {
            let page = ledger.search(search, end.as_ref(), length).unwrap();
            all.extend(places(&traces, &page));
            end = page.next;
            if end.is_none() {
                return all;
            }
        }
    };
    for length in [1, 2, 100] {
        assert_eq!(found(&of(7), length), [4, 2, 0], "{length}");
        assert_eq!(found(&of(8), length), [2, 1], "{length}");
        assert_eq!(found(&of(9), length), [0_usize; 0], "{length}");
        let within =
            Search { before: Some(noon() + 3.minutes()), amount: Amount::new(300, Currency::CNY).ok(), ..of(7) };
        assert_eq!(found(&within, length), [2], "{length}");
    }
}

#[test]
fn what_is_looked_for_may_be_of_a_kind() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let mut traces = ten(&mut ledger);
    traces.push(done_about(&mut ledger, Kind::Void, traces[2], 300));
    let amount = Amount::new(300, Currency::CNY).ok();
    let of = |kind| Search { kind: Some(kind), amount, ..Search::default() };
    let found = |search: &Search| places(&traces, &ledger.search(search, None, 100).unwrap());
    assert_eq!(found(&of(Kind::Void)), [10]);
    assert_eq!(found(&Search { kind: Some(Kind::Void), ..Search::default() }), [10]);
    assert_eq!(found(&of(Kind::Sale)), [7, 2]);
    assert_eq!(found(&of(Kind::Refund)), [0_usize; 0]);
}

#[test]
fn payments_of_one_second_come_once_in_pages() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    for minor in 1..=5 {
        let trace = ledger.take_trace_number().unwrap();
        ledger.record(trace, &pending(minor)).unwrap();
    }
    let (mut found, mut end) = (Vec::new(), None);
    loop {
        let page = ledger.search(&Search::default(), end.as_ref(), 2).unwrap();
        found.extend(page.rows.iter().map(|row| row.amount.minor()));
        end = page.next;
        if end.is_none() {
            break;
        }
    }
    assert_eq!(found, [5, 4, 3, 2, 1]);
}

#[test]
fn four_digits_are_four_digits() {
    for text in ["", "123", "12345", "12a4", "１２３４", "12 4"] {
        assert_eq!(LastFour::parse(text), None, "{text}");
    }
}

/// However many payments there are, those that are given are looked at, and none is sorted but those of one reference number.
#[test]
fn every_question_is_answered_by_its_index() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = ledger.take_trace_number().unwrap();
    for step in [pending(1), host_approved()] {
        ledger.record(trace, &step).unwrap();
    }
    let end = PageEnd { at: noon().to_string(), id: 7 };
    let amount = Amount::new(300, Currency::CNY).ok();
    let last_four = LastFour::parse("0001");
    let kind = Some(Kind::Refund);
    let cases = [
        (
            question(&Search { kind, ..Search::default() }, Some(&end), 9),
            "SEARCH t USING INDEX transactions_of_kind (kind=? AND at>? AND at<?)",
        ),
        (
            question(&Search { kind: Some(Kind::Sale), ..Search::default() }, None, 9),
            "SEARCH t USING INDEX transactions_by_time (at>?)",
        ),
        (history(None, 9), "SEARCH t USING INTEGER PRIMARY KEY"),
        (history(Some(&end), 9), "SEARCH t USING INTEGER PRIMARY KEY"),
        (question(&Search::default(), None, 9), "SEARCH t USING INDEX transactions_by_time (at>?)"),
        (question(&Search::default(), Some(&end), 9), "SEARCH t USING INDEX transactions_by_time (at>? AND at<?)"),
        (
            question(&Search { amount, before: Some(noon()), ..Search::default() }, None, 9),
            "SEARCH t USING INDEX transactions_of_amount (amount=? AND at>? AND at<?)",
        ),
        (
            question(&Search { amount, last_four: last_four.clone(), ..Search::default() }, Some(&end), 9),
            "SEARCH t USING INDEX transactions_of_last_four (<expr>=? AND at>? AND at<?)",
        ),
        (
            question(&Search { stan: Some(trace.stan), ..Search::default() }, None, 9),
            "SEARCH t USING INDEX transactions_of_stan (stan=? AND at>?)",
        ),
        (
            question(&Search { cashier: PersonNumber::new(1).ok(), ..Search::default() }, Some(&end), 9),
            "SEARCH t USING INDEX transactions_of_cashier (cashier=? AND at>? AND at<?)",
        ),
        (
            question(&Search { good: GoodNumber::new(7).ok(), ..Search::default() }, Some(&end), 9),
            "SEARCH g USING COVERING INDEX sold_goods_of_number (number=? AND transaction_id<?)",
        ),
        (
            question(&Search { rrn: Rrn::parse("000000000001").ok(), ..Search::default() }, Some(&end), 9),
            "SEARCH t USING INDEX transactions_of_rrn (rrn=?)",
        ),
    ];
    for (question, expected) in cases {
        let mut statement = ledger.connection.prepare(&format!("EXPLAIN QUERY PLAN {}", question.sql)).unwrap();
        let plan: Vec<String> = statement
            .query_map(params_from_iter(&question.values), |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(plan[0].starts_with(expected), "{}\n{plan:?}", question.sql);
        let sorted = plan.iter().any(|step| step.contains("TEMP B-TREE"));
        assert_eq!(sorted, expected.contains("rrn"), "{plan:?}");
    }
}
