//! What no host hears of is in the day and in no settlement: host and terminal agree to the cent.

use std::time::{Duration, Instant};

use yima::app::Ending;
use yima::app::settling::batch_report;
use yima::app::view::Intent;
use yima::money::Currency;
use yima::payment::cash::CashKind;
use yima::payment::purpose::Purpose;
use yima::sandbox::host::Host;
use yima::settlement::closing::{State, Verdict};

use crate::counter::{Counter, sell, until_done};
use crate::terminal::is_keypad;

#[test]
fn a_batch_with_cash_in_it_settles_as_if_there_were_none_and_the_slip_of_the_day_tells_of_it() {
    let counter = Counter::open();
    let mut running = counter.start();
    running.charge("12.34");
    let report = loop {
        let report = running.report();
        if report.complete {
            break report;
        }
    };
    assert_eq!(report.ending, Ending::Approved);
    running.wish(Intent::NextCustomer);
    running.until("the keypad", is_keypad);
    let (sale, ..) = sell(&mut running, 1000, 2000);
    sell(&mut running, 250, 250);
    running.wish(Intent::Begin(Purpose::Refund(sale, Some(crate::counter::yuan(300)))));
    until_done(&mut running);
    running.wish(Intent::NextCustomer);
    running.until("the keypad", is_keypad);
    let batch = report.trace.unwrap().batch;
    assert_eq!(batch, sale.batch, "cash stands in the same batch");
    running.wish(Intent::Settle { without_undecided: false });
    let end = Instant::now() + Duration::from_secs(40);
    let row = loop {
        match counter.terminal.ledger().settlement(batch).unwrap() {
            Some(row) if !row.under_way.state.is_open() => break row,
            row => assert!(Instant::now() < end, "{row:?}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!((row.under_way.state, row.under_way.verdict), (State::Closed, Some(Verdict::Equal)));
    assert_eq!((row.under_way.totals.count(), row.under_way.totals.net_minor()), (1, 1234));
    let books = Host::prepare(&counter.terminal.folder.path().join("host")).unwrap();
    let merchant = books.merchant_of("10000001").unwrap();
    let posted: Vec<_> = books.postings(&merchant).unwrap().into_iter().map(|posting| posting.amount).collect();
    assert!(posted.contains(&1234) && !posted.contains(&1250), "{posted:?}");
    let report = batch_report(&counter.terminal.ledger(), batch, Currency::CNY).unwrap();
    assert_eq!(report.cash_sums(), [(CashKind::Sale, 2, 1250), (CashKind::Refund, 1, 300)]);
    // Two slips of the payment, two of sales in cash, two of the refund, and then that of the day.
    let slips = counter.until_slips(7);
    let day = slips.iter().find(|slip| slip.contains("结算单")).unwrap();
    for said in ["现金收款 x2", "12.50", "现金退款 x1", "-3.00", "净额"] {
        assert!(day.contains(said), "{said}\n{day}");
    }
    assert!(day.lines().any(|line| line.starts_with("净额") && line.ends_with("12.34")), "{day}");
}
