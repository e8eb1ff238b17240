use jiff::civil::date;

use super::*;
use crate::goods::{GoodName, GoodNumber, Quantity, TaxRate, Unit};
use crate::ledger::tests::{approved, open, paid};
use crate::ledger::{Listed, PrintState, Search};
use crate::payment::cash::CashError;
use crate::people::{AuditEntry, Deed, Place, ShiftError};
use crate::settlement::closing::Cause;

fn yuan(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

fn at(hour: i8) -> DateTime {
    date(2026, 11, 22).at(hour, 0, 0, 0)
}

fn tender(due: u64, given: u64) -> Tender {
    Tender::new(yuan(due), yuan(given)).unwrap()
}

fn sold(ledger: &mut Ledger, due: u64, given: u64) -> CashRow {
    ledger.record_cash_sale(tender(due, given), at(12), &[], true).unwrap()
}

fn back(ledger: &mut Ledger, sale: &CashRow, wanted: Option<u64>) -> Result<CashRow, LedgerError> {
    ledger.record_cash_refund(sale.trace, wanted.map(yuan), at(13), false)
}

fn cola(minor: u64) -> SoldGood {
    SoldGood {
        number: GoodNumber::new(7).unwrap(),
        name: GoodName::parse("可口可乐").unwrap(),
        quantity: Quantity::Pieces(2),
        unit: Unit::Piece,
        price: yuan(minor / 2),
        discount: yuan(0),
        amount: yuan(minor),
        tax_rate: TaxRate::new(1300).unwrap(),
    }
}

fn entry(deed: Deed, hour: i8) -> AuditEntry {
    AuditEntry::new(at(hour), Place::Screen, deed, None)
}

#[test]
fn a_sale_is_written_whole_with_its_goods_its_slip_and_its_number_among_those_of_payments() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let before = paid(&mut ledger, approved());
    let goods = [cola(700)];
    let row = ledger.record_cash_sale(tender(700, 1000), at(12), &goods, true).unwrap();
    let after = ledger.take_trace_number().unwrap();
    assert!(before.stan < row.trace.stan && row.trace.stan < after.stan, "one sequence of numbers");
    drop(ledger);
    let ledger = open(directory.path());
    let read = ledger.cash(row.trace).unwrap().unwrap();
    assert_eq!(read, row);
    assert_eq!((read.amount, read.given, read.change), (yuan(700), Some(yuan(1000)), Some(yuan(300))));
    assert_eq!((read.left(), read.drawer, read.cashier), (Some(yuan(700)), DrawerState::Asked, None));
    assert_eq!(ledger.sold_in(row.trace).unwrap(), goods);
    let slips = ledger.copies_of(row.trace).unwrap();
    let slips: Vec<_> = slips.iter().map(|slip| (slip.copy, slip.duplicate, slip.state)).collect();
    assert_eq!(slips, [(CopyFor::Customer, 0, PrintState::Queued)]);
    assert_eq!((ledger.find(row.trace).unwrap(), ledger.cash(before).unwrap()), (None, None));
    assert!(ledger.log_head_of(row.trace).unwrap().is_none(), "the log is of what the host knows");
}

#[test]
fn goods_that_do_not_come_to_what_is_paid_leave_nothing_not_even_a_number() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let refused = ledger.record_cash_sale(tender(701, 1000), at(12), &[cola(700)], false).unwrap_err();
    assert!(matches!(refused, LedgerError::Sold(_)), "{refused}");
    assert_eq!((ledger.count_cash_rows().unwrap(), ledger.take_trace_number().unwrap().stan.number()), (0, 1));
}

#[test]
fn what_goes_back_is_never_more_than_was_paid_however_often_and_by_whomever() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let sale = sold(&mut ledger, 1000, 2000);
    let first = back(&mut ledger, &sale, Some(300)).unwrap();
    assert_eq!((first.kind, first.sale, first.amount), (CashKind::Refund, Some(sale.trace), yuan(300)));
    assert_eq!((first.given, first.change, first.left(), first.drawer), (None, None, None, DrawerState::None));
    assert_eq!(ledger.copies_of(first.trace).unwrap().len(), 2, "the customer signs one");
    assert_eq!(ledger.cash(sale.trace).unwrap().unwrap().left(), Some(yuan(700)));
    // Another program on the same ledger.
    let mut other = open_beside(directory.path());
    let much = back(&mut other, &sale, Some(701)).unwrap_err();
    assert!(matches!(much, LedgerError::Cash(CashError::TooMuch(left)) if left == yuan(700)), "{much}");
    back(&mut other, &sale, None).unwrap();
    let all = back(&mut ledger, &sale, Some(1)).unwrap_err();
    assert!(matches!(all, LedgerError::Cash(CashError::NothingLeft)), "{all}");
    let of_refund = back(&mut ledger, &first, None).unwrap_err();
    assert!(matches!(of_refund, LedgerError::NoSuchRow(_)), "{of_refund}");
    let payment = paid(&mut ledger, approved());
    let of_payment = ledger.record_cash_refund(payment, None, at(13), false).unwrap_err();
    assert!(matches!(of_payment, LedgerError::NoSuchRow(_)), "what the host has goes back through the host");
    assert_eq!(ledger.count_cash_rows().unwrap(), 3);
    let state: String = ledger
        .connection
        .query_row("SELECT state FROM cash_sales WHERE kind = 'cash_sale'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(state, "returned");
}

fn open_beside(directory: &std::path::Path) -> Ledger {
    let merchant = crate::reference::MerchantCode::parse("898440100000001").unwrap();
    let terminal = crate::reference::TerminalNumber::parse("10000001").unwrap();
    Ledger::open_beside(&directory.join("ledger.sqlite"), merchant, terminal).unwrap()
}

#[test]
fn what_stands_there_is_changed_by_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let sale = ledger.record_cash_sale(tender(700, 700), at(12), &[cola(700)], true).unwrap();
    let payment = paid(&mut ledger, approved());
    let insert = |stan: u32, values: &str| {
        format!(
            "INSERT INTO cash_sales (merchant_code, terminal_number, batch, stan, kind, state, amount, currency, at, drawer, sale, given,
                 change) VALUES ('898440100000001', '10000001', 1, {stan}, {values})"
        )
    };
    for (statement, why) in [
        ("UPDATE cash_sales SET amount = 1".to_owned(), "what was paid in cash is never changed"),
        ("UPDATE cash_sales SET at = 'x'".to_owned(), "what was paid in cash is never changed"),
        ("DELETE FROM cash_sales".to_owned(), "what was paid in cash is never deleted"),
        ("UPDATE cash_sales SET state = 'returned'".to_owned(), "a cash sale is returned once"),
        ("UPDATE cash_goods SET amount = 1".to_owned(), "what was sold is never changed"),
        ("DELETE FROM cash_goods".to_owned(), "what was sold is never deleted"),
        (
            insert(payment.stan.number(), "'cash_sale', 'done', 1, 'CNY', 'x', 'none', NULL, 1, 0"),
            "this number is a payment's",
        ),
        (insert(77, "'cash_refund', 'done', 701, 'CNY', 'x', 'none', 1, NULL, NULL"), "more would go back"),
        (insert(77, "'cash_refund', 'done', 1, 'USD', 'x', 'none', 1, NULL, NULL"), "more would go back"),
        (insert(77, "'cash_sale', 'done', 5, 'CNY', 'x', 'none', NULL, 4, -1"), "CHECK constraint failed"),
        (insert(77, "'cash_sale', 'done', 5, 'CNY', 'x', 'none', NULL, 9, 5"), "CHECK constraint failed"),
        (insert(sale.trace.stan.number(), "'cash_sale', 'done', 5, 'CNY', 'x', 'none', NULL, 5, 0"), "UNIQUE"),
    ] {
        let said = ledger.connection.execute(&statement, []).unwrap_err().to_string();
        assert!(said.contains(why), "{statement}\n{said}");
    }
    // The drawer opens once, and what came of it stays.
    ledger.drawer_is(sale.trace, DrawerState::Opened).unwrap();
    for state in [DrawerState::Opened, DrawerState::Failed] {
        assert!(ledger.drawer_is(sale.trace, state).is_err());
    }
    assert!(ledger.connection.execute("UPDATE cash_sales SET drawer = 'asked'", []).is_err());
}

#[test]
fn a_drawer_that_was_asked_when_the_power_went_stays_so() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let sale = sold(&mut ledger, 700, 700);
    drop(ledger);
    assert_eq!(open(directory.path()).cash(sale.trace).unwrap().unwrap().drawer, DrawerState::Asked);
}

#[test]
fn the_shift_that_is_open_counts_cash_to_the_cent() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    sold(&mut ledger, 555, 555);
    let shift = ledger.begin_shift(yuan(10_000), &entry(Deed::ShiftOpened, 8)).unwrap();
    let sale = sold(&mut ledger, 2_345, 5_000);
    sold(&mut ledger, 100, 100);
    back(&mut ledger, &sale, Some(345)).unwrap();
    let open_now = ledger.open_shift().unwrap().unwrap();
    assert_eq!((open_now.sold, open_now.given_back, open_now.expected()), (yuan(2_445), yuan(345), Ok(yuan(12_100))));
    // Two kinds of money are in no drawer, and it gives out no more than is in it.
    let yen = Amount::new(500, "JPY".parse().unwrap()).unwrap();
    let other = ledger.record_cash_sale(Tender::exact(yen).unwrap(), at(12), &[], false).unwrap_err();
    assert!(matches!(other, LedgerError::Shift(ShiftError::Currency(_))), "{other}");
    ledger.move_cash(crate::people::Movement::TakenOut, yuan(12_000), &entry(Deed::CashMoved, 14)).unwrap();
    let little = back(&mut ledger, &sale, None).unwrap_err();
    assert!(matches!(little, LedgerError::Shift(ShiftError::TooLittle)), "{little}");
    let closed = ledger.close_shift(yuan(90), &entry(Deed::DrawerCounted, 20)).unwrap();
    assert_eq!((closed.difference(), closed.id), (Some(-10), shift.id));
    let sums = ledger.cash_of_shift(&closed).unwrap();
    let sums: Vec<_> = sums.iter().map(|sum| (sum.kind, sum.count, sum.minor)).collect();
    assert_eq!(sums, [(CashKind::Sale, 2, 2_445), (CashKind::Refund, 1, 345)]);
    // Without a shift nobody counts.
    back(&mut ledger, &sale, None).unwrap();
    assert_eq!(ledger.shifts(9).unwrap()[0], closed);
}

#[test]
fn cash_is_in_the_day_and_in_the_batch_and_in_nothing_that_the_host_compares() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let payment = paid(&mut ledger, approved());
    let sale = ledger.record_cash_sale(tender(700, 1000), at(12), &[cola(700)], false).unwrap();
    back(&mut ledger, &sale, Some(200)).unwrap();
    let day = ledger.paid_on(at(0).date(), Currency::CNY).unwrap();
    assert_eq!((day.count, day.amount.minor(), day.count_back, day.back.minor()), (2, 1234 + 700, 1, 200));
    let cash = ledger.cash_of_batch(payment.batch, Currency::CNY).unwrap();
    let cash: Vec<_> = cash.iter().map(|sum| (sum.kind, sum.count, sum.minor)).collect();
    assert_eq!(cash, [(CashKind::Sale, 1, 700), (CashKind::Refund, 1, 200)]);
    assert_eq!(ledger.goods_of_batch(payment.batch).unwrap().len(), 1);
    back(&mut ledger, &sale, None).unwrap();
    assert_eq!(ledger.goods_of_batch(payment.batch).unwrap().len(), 0, "all of it has gone back");
    assert_eq!(ledger.tallies(payment.batch).unwrap().len(), 1);
    let advice = ledger.next_advice().unwrap().unwrap().id;
    ledger.done(crate::payment::queue::EntryId::Advice(advice)).unwrap();
    let cut = ledger.begin_settlement(payment.batch, Currency::CNY, Cause::ByHand, at(23)).unwrap();
    assert_eq!((cut.under_way.totals.count(), cut.under_way.totals.net_minor()), (1, 1234));
    // What comes later is of the next batch.
    assert!(sold(&mut ledger, 1, 1).trace.batch > payment.batch);
}

#[test]
fn cash_stands_among_payments_in_the_order_of_its_time_page_by_page() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let mut expected = Vec::new();
    for index in 0..7_u64 {
        if index % 2 == 0 {
            expected.push(paid(&mut ledger, approved()));
        } else {
            let row =
                ledger.record_cash_sale(tender(700 + index, 1000), date(2026, 11, 22).at(14, 26, 9, 0), &[], false);
            expected.push(row.unwrap().trace);
        }
    }
    expected.reverse();
    let trace = |entry: &Listed| match entry {
        Listed::Payment(row) => row.trace,
        Listed::Cash(row) => row.trace,
    };
    let search = Search { from: Some(at(0)), ..Search::default() };
    for search in [None, Some(&search)] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = ledger.list(search, after.as_ref(), 2).unwrap();
            assert!(page.rows.len() <= 2);
            found.extend(page.rows.iter().map(trace));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{search:?}");
    }
    let of = |search: Search| {
        let found = ledger.list(Some(&search), None, 9).unwrap();
        found.rows.iter().map(trace).collect::<Vec<_>>()
    };
    let cash = expected[1];
    assert_eq!(of(Search { stan: Some(cash.stan), ..Search::default() }), [cash]);
    assert_eq!(of(Search { amount: Some(yuan(701)), ..Search::default() }).len(), 1);
    assert_eq!(of(Search { before: Some(at(1)), ..Search::default() }), []);
    let digits = crate::ledger::LastFour::parse("1230");
    assert_eq!(of(Search { last_four: digits, ..Search::default() }).len(), 4, "cash has no card");
}

#[test]
fn a_part_of_something_can_be_noted_in_somebody_elses_transaction_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    ledger.begin_shift(yuan(0), &entry(Deed::ShiftOpened, 8)).unwrap();
    for kept in [false, true] {
        let transaction = ledger.connection.begin(TransactionBehavior::Immediate).unwrap();
        ledger.note_cash_part(tender(250, 500), at(12), false).unwrap();
        if kept {
            ledger.commit(transaction).unwrap();
        } else {
            drop(transaction);
        }
        let counted = ledger.open_shift().unwrap().unwrap().sold.minor();
        assert_eq!((ledger.count_cash_rows().unwrap(), counted), if kept { (1, 250) } else { (0, 0) });
    }
}

#[test]
fn slips_go_their_way_and_are_counted_as_those_of_payments() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let sale = sold(&mut ledger, 700, 700);
    let slip = ledger.copies_in(PrintState::Queued).unwrap()[0];
    assert_eq!(slip.trace, sale.trace);
    ledger.copy_is(&slip, PrintState::Sending).unwrap();
    assert_eq!(ledger.copies_in(PrintState::Sending).unwrap().len(), 1);
    ledger.copy_is(&slip, PrintState::Printed).unwrap();
    let again = ledger.queue_copy(sale.trace, CopyFor::Customer).unwrap();
    assert_eq!((again.duplicate, again.state), (1, PrintState::Queued));
}
