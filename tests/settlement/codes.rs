//! Orders that are paid by code in a settlement: what host and terminal count of them is the same, whatever became of each.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use yima::app::view::{Intent, Screen};
use yima::app::{Ending, Parts};
use yima::money::{Amount, Currency};
use yima::payment::purpose::Purpose;
use yima::payment::qr::record::{Pending, Record};
use yima::payment::qr::{Order, PaymentCode, Request, Schedule, Way};
use yima::payment::queue::Act;
use yima::payment::record::State as RowState;
use yima::payment::transaction::Kind;
use yima::reference::Batch;
use yima::sandbox::host::settling::PostingKind;
use yima::sandbox::wallet::RunningWallets;
use yima::settlement::closing::{State, Verdict};
use yima::settlement::reconciliation;

use super::settling::{House, LIMIT, settle};
use super::terminal::{Running, is_keypad};

const FULL: u64 = 1_000_000;

struct Street {
    house: House,
    wallets: RunningWallets,
}

fn yuan(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

impl Street {
    fn new() -> Self {
        let house = House::new();
        let wallets = RunningWallets::start(&house.books(), ([127, 0, 0, 1], 0).into()).unwrap();
        Self { house, wallets }
    }

    fn start(&self) -> Running {
        let mut running = self.house.start_as(|mut parts: Parts| {
            if let Some(codes) = parts.codes.as_mut() {
                codes.schedule = Schedule { enquiries_s: vec![0; 3], cancels_s: vec![0] };
            }
            parts
        });
        running.until("the keypad", is_keypad);
        running
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let request = reqwest::blocking::Client::new().post(format!("{}{path}", self.wallets.url()));
        let response = request.header("Content-Type", "application/json").body(body.to_string()).send().unwrap();
        serde_json::from_str(&response.text().unwrap()).unwrap()
    }

    fn code(&self) -> PaymentCode {
        let made = self.post("wallets/wallet-1/code", &json!({ "form": "number" }));
        PaymentCode::parse(made["code"].as_str().unwrap()).unwrap()
    }

    fn balance(&self) -> u64 {
        let response = reqwest::blocking::get(format!("{}wallets/wallet-1", self.wallets.url())).unwrap();
        let wallet: Value = serde_json::from_str(&response.text().unwrap()).unwrap();
        wallet["minor"].as_u64().unwrap()
    }

    /// By a code that is scanned.
    #[track_caller]
    fn pays(&self, running: &mut Running, minor: u64, expected: Ending) {
        running.wish(Intent::Begin(Purpose::Code(yuan(minor), Default::default(), Way::Scanned(self.code()))));
        self.ends(running, expected);
    }

    #[track_caller]
    fn ends(&self, running: &mut Running, expected: Ending) {
        let report = loop {
            let report = running.report();
            if report.complete {
                break report;
            }
        };
        assert_eq!(report.ending, expected, "{report:?}");
        running.wish(Intent::NextCustomer);
        running.until("the keypad", is_keypad);
    }
}

#[test]
fn orders_that_are_paid_refunded_and_cancelled_come_to_the_same_at_both() {
    let street = Street::new();
    let mut running = street.start();
    street.pays(&mut running, 1234, Ending::Approved);
    let paid = street.house.terminal.rows()[0].trace;
    street.pays(&mut running, 500, Ending::Approved);
    running.wish(Intent::Begin(Purpose::Refund(paid, Some(yuan(234)))));
    street.ends(&mut running, Ending::Approved);
    // Nobody types the password: it is closed.
    street.pays(&mut running, 60_000, Ending::Reversed);
    // The answer is lost: it is asked for, and stands.
    street.pays(&mut running, 67_03, Ending::Approved);
    street.house.sell(&mut running, &["1.00"]);
    settle(&running);
    let row = street.house.settled(1);
    assert_eq!((row.under_way.verdict, row.host_totals), (Some(Verdict::Equal), Some(row.under_way.totals)));
    assert_eq!(row.under_way.totals.domestic.debit.count, 4, "three by code, one by card");
    let net = 1234 + 500 - 234 + 6703 + 100;
    assert_eq!((row.under_way.totals.net_minor(), row.closing.unwrap().gross_minor), (net, net));
    assert_eq!(street.balance(), FULL - 1234 - 500 + 234 - 6703);
    // What goes back afterwards is of the next batch.
    running.wish(Intent::Begin(Purpose::Refund(paid, Some(yuan(1000)))));
    street.ends(&mut running, Ending::Approved);
    settle(&running);
    let row = street.house.settled(2);
    assert_eq!((row.under_way.verdict, row.under_way.totals.net_minor()), (Some(Verdict::Equal), -1000));
}

/// A payment by code that the host has and nobody here has decided about.
#[test]
fn an_order_that_is_cancelled_after_its_batch_was_posted_moves_the_account_by_an_adjustment() {
    let street = Street::new();
    let code = street.code();
    let mut parts = street.house.setup().parts().unwrap();
    parts.link.sign_on(parts.ledger.take_trace_number().unwrap()).unwrap();
    let trace = parts.ledger.take_trace_number().unwrap();
    let at = jiff::Zoned::now().datetime().with().subsec_nanosecond(0).build().unwrap();
    let order = Order { trace, amount: yuan(1234), at };
    let pending = Pending { amount: order.amount, at, scanned: Some(code.tail()) };
    parts.ledger.record_code(trace, &Record::Pending(pending), at).unwrap();
    parts.link.code_payment(&Request::Pay(order, code)).unwrap();
    drop(parts);
    street
        .house
        .terminal
        .sql("UPDATE transactions SET state = 'unresolved', reason = 'host_silent' WHERE state = 'pending'");
    let mut running = street.start();
    street.house.sell(&mut running, &["10.00"]);
    running.wish(Intent::Settle { without_undecided: true });
    let row = street.house.settled(1);
    assert_eq!(
        (row.under_way.state, row.under_way.verdict, row.undecided),
        (State::Closed, Some(Verdict::Different), 1)
    );
    let differences = street.house.terminal.ledger().settlement_differences(Batch::FIRST).unwrap();
    let [difference] = differences.as_slice() else { panic!("{differences:?}") };
    assert_eq!(
        (difference.stan, difference.kind, difference.theirs),
        (trace.stan, reconciliation::Kind::ChargedAllTheSame, Some(yuan(1234)))
    );
    assert_eq!(row.closing.unwrap().gross_minor, 1000 + 1234, "the host posts its own books");
    assert_eq!(street.balance(), FULL - 1234);
    // Somebody has the terminal take it back after all.
    running.wish(Intent::Decide(trace, Act::Retry));
    let end = Instant::now() + LIMIT;
    while street.house.terminal.ledger().find(trace).unwrap().unwrap().state != RowState::Reversed {
        assert!(Instant::now() < end, "{:?}", street.house.terminal.ledger().find(trace));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(street.balance(), FULL);
    assert_eq!(street.house.postings().last(), Some(&(PostingKind::Adjustment, 1, -1234)));
    assert_eq!(street.house.terminal.rows().iter().filter(|row| row.kind == Kind::CodePayment).count(), 1);
}

#[test]
fn a_code_that_is_still_shown_when_its_batch_is_settled_is_not_paid_any_more() {
    let street = Street::new();
    let mut running = street.house.start_as(|mut parts: Parts| {
        if let Some(codes) = parts.codes.as_mut() {
            codes.schedule = Schedule { enquiries_s: vec![5; 20], cancels_s: vec![0] };
        }
        parts
    });
    running.until("the keypad", is_keypad);
    running.wish(Intent::Begin(Purpose::Code(yuan(500), Default::default(), Way::Shown { valid_s: 60 })));
    let shown = running.until("the code", |screen| matches!(screen, Screen::ShowCode { .. }));
    let Screen::ShowCode { code, .. } = shown else { unreachable!() };
    let scanned = street.post("wallets/wallet-1/scan", &json!({ "text": code }));
    // The host has begun to settle the batch; the customer has the order on the phone.
    street.house.host_sql(
        "INSERT INTO batch_settlements (terminal, batch, merchant, state, said, answered, equal, at)
         SELECT terminal, 1, merchant, 'compared', '', '', 1, '2026-11-29T23:30:00' FROM terminals WHERE terminal = '10000001'",
    );
    let paid = street.post("wallets/wallet-1/pay", &json!({ "order": scanned["order"] }));
    assert_ne!(paid["result"], "paid", "{paid}");
    assert_eq!(street.balance(), FULL, "nobody pays what is posted to nobody");
    running.wish(Intent::Cancel);
    running.until("the keypad", is_keypad);
}
