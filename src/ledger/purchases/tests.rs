use jiff::civil::date;

use super::*;
use crate::ledger::tests::{about, approved, keeping, open, paid, pending, reversal_due};
use crate::ledger::{DrawerState, PrintState, TransactionRow};
use crate::payment::purchase::Known;
use crate::payment::qr;
use crate::payment::queue::{Act, Deed, EntryId, Rank, Repeat, Work};
use crate::payment::record::Record;
use crate::reference::{AuthorisationCode, Batch, ResponseCode, Rrn};
use crate::settlement::closing::Cause;

fn noon() -> DateTime {
    date(2026, 11, 22).at(12, 0, 0, 0)
}

fn yuan(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

/// The host approves so much of what was asked for.
fn part_approved(minor: u64) -> Record {
    Record::HostApproved {
        response_code: ResponseCode::parse("10").unwrap(),
        rrn: Rrn::parse("000000000001").ok(),
        authorisation_code: AuthorisationCode::parse("A12B3C").ok(),
        part: Some(yuan(minor)),
        plan: None,
    }
}

fn begin(ledger: &mut Ledger, minor: u64) -> Result<TraceNumber, LedgerError> {
    let trace = ledger.take_trace_number()?;
    ledger.record(trace, &pending(minor)).map(|()| trace)
}

/// A sale of which a part is approved, up to the card's last word.
fn in_part(ledger: &mut Ledger, asked: u64, part: u64) -> TraceNumber {
    let trace = begin(ledger, asked).unwrap();
    for record in [part_approved(part), approved()] {
        ledger.record(trace, &record).unwrap();
    }
    trace
}

fn by_card(ledger: &mut Ledger, minor: u64) -> TraceNumber {
    let trace = begin(ledger, minor).unwrap();
    for record in [crate::ledger::tests::host_approved(), approved()] {
        ledger.record(trace, &record).unwrap();
    }
    trace
}

fn by_code(ledger: &mut Ledger, minor: u64) -> TraceNumber {
    let trace = ledger.take_trace_number().unwrap();
    let pending = qr::record::Pending { amount: yuan(minor), at: noon(), scanned: Some("123456".to_owned()) };
    let how = qr::Paid { rrn: Rrn::parse("000000000009").ok(), voucher: Some("4200001".to_owned()) };
    for record in [qr::record::Record::Pending(pending), qr::record::Record::Paid(how)] {
        ledger.record_code(trace, &record, noon()).unwrap();
    }
    trace
}

fn row(ledger: &Ledger, trace: TraceNumber) -> TransactionRow {
    ledger.find(trace).unwrap().unwrap()
}

fn copies(ledger: &Ledger, trace: TraceNumber) -> usize {
    ledger.copies_of(trace).unwrap().len()
}

#[test]
fn what_was_approved_counts_and_what_was_asked_for_is_what_the_host_knows_it_by() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = in_part(&mut ledger, 1500, 940);
    let found = row(&ledger, trace);
    assert_eq!((found.amount, found.asked, found.state), (yuan(940), Some(yuan(1500)), State::Approved));
    let advice = ledger.next_advice().unwrap().unwrap().advice;
    assert_eq!((advice.original, advice.amount), (trace, yuan(1500)), "the TC is over what was asked for");
    let day = ledger.paid_on(noon().date(), Currency::CNY).unwrap();
    assert_eq!((day.count, day.amount), (1, yuan(940)));
    let tallies = ledger.tallies(trace.batch).unwrap();
    assert_eq!(tallies.iter().map(|tally| tally.minor).sum::<u64>(), 940);
    let leaf = ledger.log_entries_of(trace).unwrap().pop().unwrap().leaf;
    assert!(leaf.contains(" amount=940 ") && !leaf.contains("1500"), "{leaf}");
    // It may be cut off before the card has spoken.
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = begin(&mut ledger, 1500).unwrap();
    ledger.record(trace, &part_approved(940)).unwrap();
    assert_eq!(ledger.open_purchase().unwrap(), None, "nothing is paid yet");
    ledger.record(trace, &reversal_due()).unwrap();
    assert_eq!(row(&ledger, trace).reversal_request().unwrap().amount, yuan(1500));
    assert_eq!(ledger.open_purchase().unwrap(), None);
}

#[test]
fn an_amount_changes_once_and_only_by_an_approval_of_less() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = begin(&mut ledger, 1500).unwrap();
    for part in [1500, 1501, 0] {
        assert!(ledger.record(trace, &part_approved(part)).is_err(), "{part}");
    }
    ledger.record(trace, &part_approved(940)).unwrap();
    ledger.record(trace, &approved()).unwrap();
    for change in ["amount = 1", "asked = NULL", "asked = 1600", "amount = 1500, asked = NULL"] {
        let said = ledger.connection.execute(&format!("UPDATE transactions SET {change}"), []).unwrap_err().to_string();
        assert!(said.contains("never changes"), "{change}: {said}");
    }
    ledger.give_up_purchase(noon()).unwrap();
    let original = paid(&mut ledger, approved());
    let void = ledger.take_trace_number().unwrap();
    let begun = about(&ledger, Kind::Void, original, 1234);
    ledger.record(void, &begun).unwrap();
    assert!(ledger.record(void, &part_approved(940)).is_err(), "only what is paid is paid in part");
}

#[test]
fn a_purchase_is_opened_with_the_approval_of_a_part_and_paid_with_the_last_one() {
    for by_a_code in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let first = in_part(&mut ledger, 1500, 940);
        // As after a power cut.
        drop(ledger);
        let mut ledger = open(directory.path());
        let purchase = ledger.open_purchase().unwrap().unwrap();
        assert_eq!((purchase.due, purchase.paid(), purchase.rest()), (yuan(1500), yuan(940), yuan(560)));
        assert_eq!((copies(&ledger, first), purchase.parts.len()), (0, 1), "nobody has paid to the end");
        let second = if by_a_code { by_code(&mut ledger, 560) } else { by_card(&mut ledger, 560) };
        assert_eq!(ledger.open_purchase().unwrap(), None);
        let purchase = ledger.purchase_of(first).unwrap().unwrap();
        assert_eq!(Some(&purchase), ledger.purchase_of(second).unwrap().as_ref());
        assert_eq!((purchase.state, purchase.paid(), purchase.parts.len()), (PurchaseState::Paid, yuan(1500), 2));
        assert_eq!((copies(&ledger, first), copies(&ledger, second)), (0, 2), "one receipt");
        let other = by_card(&mut ledger, 100);
        assert_eq!((ledger.purchase_of(other).unwrap(), copies(&ledger, other)), (None, 2));
        // What is paid is given back as ever.
        let batch = ledger.batch().unwrap();
        let past = ledger.past(first).unwrap().unwrap();
        assert!(
            crate::payment::transaction::Transaction::void(
                &past,
                batch,
                crate::payment::transaction::Presence::CardThere
            )
            .is_ok()
        );
    }
}

#[test]
fn parts_of_parts_make_the_rest_smaller_and_what_is_declined_leaves_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    in_part(&mut ledger, 1500, 940);
    let declined = begin(&mut ledger, 560).unwrap();
    let no = Record::NotPaid { reason: ReasonKind::HostDeclined, response_code: None, rrn: None };
    ledger.record(declined, &no).unwrap();
    assert_eq!(ledger.open_purchase().unwrap().unwrap().rest(), yuan(560));
    in_part(&mut ledger, 560, 200);
    let purchase = ledger.open_purchase().unwrap().unwrap();
    assert_eq!((purchase.number, purchase.rest(), purchase.due), (1, yuan(360), yuan(1500)), "it is the same one");
    by_card(&mut ledger, 360);
    let purchase = ledger.newest_purchase().unwrap().unwrap();
    assert_eq!((purchase.state, purchase.parts.len()), (PurchaseState::Paid, 4));
}

#[test]
fn while_one_is_open_nothing_begins_but_its_rest_and_the_day_is_not_settled() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let before = paid(&mut ledger, approved());
    let first = in_part(&mut ledger, 1500, 940);
    let said = |result: Result<(), LedgerError>| result.unwrap_err().to_string();
    let refused = |ledger: &mut Ledger, record: Record| {
        let trace = ledger.take_trace_number().unwrap();
        said(ledger.record(trace, &record))
    };
    for (original, kind) in [(before, Kind::Void), (before, Kind::Refund), (first, Kind::Void), (first, Kind::Refund)] {
        let begun = about(&ledger, kind, original, row(&ledger, original).amount.minor());
        assert!(refused(&mut ledger, begun).contains("only its rest is paid"), "{kind:?}");
    }
    assert!(refused(&mut ledger, pending(561)).contains("only its rest is paid"), "more than is left");
    // It is not known of one part whether it is paid.
    let doubtful = begin(&mut ledger, 560).unwrap();
    assert!(refused(&mut ledger, pending(560)).contains("only its rest is paid"));
    assert!(matches!(ledger.give_up_purchase(noon()), Err(LedgerError::Purchase(NotNow::NotKnownYet))));
    ledger.record(doubtful, &reversal_due()).unwrap();
    assert!(refused(&mut ledger, pending(560)).contains("only its rest is paid"));
    ledger.done(EntryId::Reversal(doubtful)).unwrap();
    while let Some(advice) = ledger.next_advice().unwrap() {
        ledger.done(EntryId::Advice(advice.id)).unwrap();
    }
    let cut = ledger.begin_settlement(Batch::FIRST, Currency::CNY, Cause::ByHand, noon());
    assert!(cut.unwrap_err().to_string().contains("the day is not over"));
    by_card(&mut ledger, 560);
    while let Some(advice) = ledger.next_advice().unwrap() {
        ledger.done(EntryId::Advice(advice.id)).unwrap();
    }
    let cut = ledger.begin_settlement(Batch::FIRST, Currency::CNY, Cause::ByHand, noon()).unwrap();
    assert_eq!(cut.under_way.totals.net_minor(), 1234 + 1500);
}

#[test]
fn giving_up_is_one_fact_and_the_queue_takes_every_part_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let card = in_part(&mut ledger, 1500, 940);
    // A wallet pays all or nothing, so that its part comes between.
    let code = {
        let trace = ledger.take_trace_number().unwrap();
        let pending = qr::record::Pending { amount: yuan(100), at: noon(), scanned: None };
        ledger.record_code(trace, &qr::record::Record::Pending(pending), noon()).unwrap();
        ledger.record_code(trace, &qr::record::Record::Paid(qr::Paid::default()), noon()).unwrap();
        trace
    };
    let given_up = ledger.give_up_purchase(noon()).unwrap();
    assert_eq!((given_up.state, given_up.is_back(), given_up.slip_due), (PurchaseState::GivenUp, false, true));
    assert_eq!(ledger.purchase_slip_due().unwrap(), None, "it is not back yet");
    // As after a power cut.
    drop(ledger);
    let mut ledger = open(directory.path());
    assert_eq!(ledger.open_purchase().unwrap(), None);
    let (entry, work) = ledger.oldest(Rank::Reversals).unwrap().unwrap();
    let Work::Reverse(request) = work else { panic!("{work:?}") };
    assert_eq!((entry.id, request.amount), (EntryId::Reversal(card), yuan(1500)));
    assert_eq!(request.authorisation_code, AuthorisationCode::parse("A12B3C").ok());
    let states = |ledger: &Ledger| {
        let purchase = ledger.newest_purchase().unwrap().unwrap();
        purchase.parts.iter().map(|part| (part.trace, part.went_back())).collect::<Vec<_>>()
    };
    assert_eq!(states(&ledger), [(card, Known::NotYet), (code, Known::NotYet)]);
    ledger.done(entry.id).unwrap();
    assert_eq!(states(&ledger), [(card, Known::NotPaid), (code, Known::NotYet)]);
    let (entry, _) = ledger.oldest(Rank::Repeats).unwrap().unwrap();
    let EntryId::Repeat(refund) = entry.id else { panic!("{entry:?}") };
    let Some(Repeat::Code(sent)) = ledger.repeat_request(refund).unwrap() else { panic!("it waits") };
    assert_eq!((sent.order.trace, sent.amount), (code, yuan(100)));
    ledger.record(refund, &crate::ledger::tests::host_approved()).unwrap();
    ledger.done(entry.id).unwrap();
    let back = ledger.newest_purchase().unwrap().unwrap();
    assert!(back.is_back());
    assert_eq!(states(&ledger), [(card, Known::NotPaid), (code, Known::NotPaid)]);
    assert_eq!(
        [card, code, refund].map(|trace| copies(&ledger, trace)),
        [0; 3],
        "the slip of the purchase tells of all"
    );
    assert_eq!(ledger.purchase_slip_due().unwrap().map(|due| due.number), Some(back.number));
    ledger.purchase_slip_is_out(back.number).unwrap();
    assert_eq!(ledger.purchase_slip_due().unwrap(), None);
    let day = ledger.paid_on(noon().date(), Currency::CNY).unwrap();
    assert_eq!((day.amount, day.back), (yuan(100), yuan(100)), "nothing of it is left");
    assert!(matches!(ledger.give_up_purchase(noon()), Err(LedgerError::Purchase(NotNow::None))));
    by_card(&mut ledger, 100);
}

#[test]
fn what_is_paid_stays_paid_unless_its_purchase_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let alone = paid(&mut ledger, approved());
    let first = in_part(&mut ledger, 1500, 940);
    let force = |ledger: &Ledger, trace: TraceNumber| {
        ledger.connection.execute(
            "UPDATE transactions SET state = 'reversal_due', reason = 'interrupted', reversal_reason = '06', chip_data = x''
             WHERE stan = ?1",
            [trace.stan.number()],
        )
    };
    assert!(force(&ledger, alone).is_err() && force(&ledger, first).is_err(), "it is open");
    by_card(&mut ledger, 560);
    assert!(force(&ledger, first).is_err(), "it is paid");
    let second = in_part(&mut ledger, 1500, 940);
    ledger.give_up_purchase(noon()).unwrap();
    assert_eq!(row(&ledger, second).state, State::ReversalDue);
    assert!(force(&ledger, first).is_err(), "another one is given up");
}

#[test]
fn a_persons_word_pays_a_part_and_the_receipt_comes_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let first = in_part(&mut ledger, 1500, 940);
    let doubtful = begin(&mut ledger, 560).unwrap();
    let unresolved = Record::Unresolved { reason: ReasonKind::TraceNumberInUse, response_code: None };
    ledger.record(doubtful, &unresolved).unwrap();
    let purchase = ledger.open_purchase().unwrap().unwrap();
    assert_eq!((purchase.may_pay(), purchase.may_give_up()), (Err(NotNow::APersonMustLook), Ok(())));
    let act = Act::Resolve(Resolution::Charged);
    let deed = Deed { act, by: "王五".to_owned(), note: "问过银行".to_owned(), at: noon() };
    ledger.decide(doubtful, &deed).unwrap();
    let purchase = ledger.purchase_of(doubtful).unwrap().unwrap();
    assert_eq!((purchase.state, purchase.paid()), (PurchaseState::Paid, yuan(1500)));
    let slips: Vec<_> = ledger.copies_of(first).unwrap().iter().map(|copy| copy.state).collect();
    assert_eq!(slips, [PrintState::Queued; 2]);
}

#[test]
fn cash_pays_all_of_the_rest_with_one_receipt_and_its_share_of_the_drawer() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let first = in_part(&mut ledger, 1500, 940);
    let other = Tender::exact(yuan(100)).unwrap();
    assert!(matches!(ledger.record_cash_sale(other, noon(), &[], false), Err(LedgerError::Purchase(NotNow::Open(1)))));
    for wrong in [559, 561, 1500] {
        let tender = Tender::new(yuan(wrong), yuan(2000)).unwrap();
        let said = ledger.pay_rest_in_cash(tender, noon(), true);
        assert!(matches!(said, Err(LedgerError::Purchase(NotNow::Open(1)))), "{wrong}");
    }
    let before = ledger.take_trace_number().unwrap();
    let row = ledger.pay_rest_in_cash(Tender::new(yuan(560), yuan(1000)).unwrap(), noon(), true).unwrap();
    assert!(row.trace.stan.number() > before.stan.number(), "a number of its own");
    assert_eq!((row.change, row.drawer), (Some(yuan(440)), DrawerState::Asked));
    // As after a power cut.
    drop(ledger);
    let mut ledger = open(directory.path());
    assert_eq!(ledger.open_purchase().unwrap(), None);
    let purchase = ledger.purchase_of(first).unwrap().unwrap();
    assert_eq!(Some(&purchase), ledger.purchase_of(row.trace).unwrap().as_ref());
    assert_eq!((purchase.state, purchase.paid()), (PurchaseState::Paid, yuan(1500)));
    let cash = &purchase.parts[1];
    assert_eq!((cash.means, cash.trace, cash.amount, cash.known()), (Means::Cash, row.trace, yuan(560), Known::Paid));
    assert_eq!((copies(&ledger, first), copies(&ledger, row.trace)), (0, 2), "one receipt");
    let again = ledger.pay_rest_in_cash(Tender::exact(yuan(560)).unwrap(), noon(), true);
    assert!(matches!(again, Err(LedgerError::Purchase(NotNow::None))));
    let sums = ledger.cash_of_batch(row.trace.batch, Currency::CNY).unwrap();
    assert_eq!(sums.iter().map(|sum| sum.minor).collect::<Vec<_>>(), [560]);
    // It goes back as all cash does.
    let back = ledger.record_cash_refund(row.trace, None, noon(), false).unwrap();
    assert_eq!(back.amount, yuan(560));
    by_card(&mut ledger, 100);
}

#[test]
fn no_cash_is_taken_while_it_is_not_known_what_a_part_came_to_and_none_for_what_was_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    in_part(&mut ledger, 1500, 940);
    let doubtful = begin(&mut ledger, 560).unwrap();
    let rest = Tender::exact(yuan(560)).unwrap();
    assert!(matches!(ledger.pay_rest_in_cash(rest, noon(), false), Err(LedgerError::Purchase(NotNow::NotKnownYet))));
    ledger.record(doubtful, &reversal_due()).unwrap();
    // Nor by whoever writes it otherwise.
    let written = ledger.connection.execute(
        "INSERT INTO cash_sales (merchant_code, terminal_number, batch, stan, kind, state, amount, currency, given, change, at, drawer)
         SELECT merchant_code, terminal_number, 1, 999, 'cash_sale', 'done', 560, 'CNY', 560, 0, '2026-11-22T12:00:00', 'none'
         FROM purchases",
        [],
    );
    assert!(written.unwrap_err().to_string().contains("only its rest is paid"));
    ledger.done(EntryId::Reversal(doubtful)).unwrap();
    ledger.give_up_purchase(noon()).unwrap();
    assert!(matches!(ledger.pay_rest_in_cash(rest, noon(), false), Err(LedgerError::Purchase(NotNow::None))));
    assert_eq!(ledger.count_cash_rows().unwrap(), 0);
}

#[test]
fn a_purchase_never_changes_once_it_is_over_and_nothing_of_it_is_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    in_part(&mut ledger, 1500, 940);
    let execute = |ledger: &Ledger, sql: &str| ledger.connection.execute(sql, []).map(|_| ());
    for wrong in [
        "UPDATE purchases SET state = 'paid', ended_at = '2026-11-22T12:00:00'",
        "UPDATE purchases SET due = 940",
        "DELETE FROM purchases",
        "UPDATE purchase_parts SET position = 9",
        "DELETE FROM purchase_parts",
        "INSERT INTO purchases SELECT 2, merchant_code, terminal_number, due, currency, opened_at, state, ended_at, slip
             FROM purchases",
    ] {
        assert!(execute(&ledger, wrong).is_err(), "{wrong}");
    }
    ledger.give_up_purchase(noon()).unwrap();
    for wrong in [
        "UPDATE purchases SET state = 'open', ended_at = NULL, slip = 'none'",
        "UPDATE purchases SET state = 'paid', slip = 'none'",
        "INSERT INTO purchase_parts VALUES (1, 2, 'cash', NULL, NULL)",
    ] {
        assert!(execute(&ledger, wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_part_that_leaves_for_an_archive_takes_its_place_in_the_purchase_along() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let old = |mut record: Record| {
        if let Record::Pending(pending) = &mut record {
            pending.at = date(2023, 5, 1).at(12, 0, 0, 0);
        }
        record
    };
    let mut traces = Vec::new();
    for (asked, approval) in [(1500, part_approved(940)), (560, crate::ledger::tests::host_approved())] {
        let trace = ledger.take_trace_number().unwrap();
        for record in [old(pending(asked)), approval, approved()] {
            ledger.record(trace, &record).unwrap();
        }
        traces.push(trace);
    }
    while let Some(advice) = ledger.next_advice().unwrap() {
        ledger.done(EntryId::Advice(advice.id)).unwrap();
    }
    for copy in ledger.copies_of(traces[1]).unwrap() {
        ledger.copy_is(&copy, PrintState::Printed).unwrap();
    }
    let now = date(2027, 1, 20).at(8, 0, 0, 0);
    ledger.signed_on(Batch::new(2).ok(), now).unwrap();
    let newest = ledger.take_trace_number().unwrap();
    let Record::Pending(mut last) = pending(1) else { panic!("it begins") };
    last.at = now;
    ledger.record(newest, &Record::Pending(last)).unwrap();
    let left = ledger.archive_a_month(crate::terminal::settings::LEAST_KEPT_DAYS, now).unwrap().unwrap();
    assert_eq!((left.payments, ledger.find(traces[0]).unwrap()), (2, None));
    let archive = ledger.open_archive(&left).unwrap();
    assert_eq!(archive.find(traces[0]).unwrap().unwrap().asked, Some(yuan(1500)));
    let parts: i64 = archive.connection.query_row("SELECT count(*) FROM purchase_parts", [], |row| row.get(0)).unwrap();
    assert_eq!(parts, 2);
    assert_eq!(ledger.newest_purchase().unwrap().unwrap().state, PurchaseState::Paid);
}

#[test]
fn every_part_of_a_purchase_is_found_by_what_it_comes_to_in_all() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let first = in_part(&mut ledger, 1500, 940);
    let second = by_card(&mut ledger, 560);
    let alone = by_card(&mut ledger, 1500);
    let other = by_card(&mut ledger, 940);
    let third = in_part(&mut ledger, 1500, 700);
    let in_cash = ledger
        .pay_rest_in_cash(Tender::exact(yuan(800)).unwrap(), noon() + jiff::ToSpan::hours(9), false)
        .unwrap()
        .trace;
    let found = |amount: Amount, length: usize| {
        let search = crate::ledger::Search { amount: Some(amount), ..crate::ledger::Search::default() };
        let (mut found, mut end) = (Vec::new(), None);
        loop {
            let list = ledger.list(Some(&search), end.as_ref(), length).unwrap();
            found.extend(list.rows.iter().map(|row| match row {
                crate::ledger::Listed::Payment(row) => row.trace,
                crate::ledger::Listed::Cash(row) => row.trace,
            }));
            end = list.next;
            if end.is_none() {
                return found;
            }
        }
    };
    for length in [1, 2, 3, 100] {
        assert_eq!(found(yuan(1500), length), [in_cash, third, alone, second, first], "{length}");
        assert_eq!(found(yuan(940), length), [other, first], "a part is found by itself, {length}");
        assert_eq!(found(yuan(800), length), [in_cash], "{length}");
    }
    let dollars = Amount::new(1500, "USD".parse().unwrap()).unwrap();
    assert_eq!(found(dollars, 100), []);
}
