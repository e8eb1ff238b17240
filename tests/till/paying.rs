//! Payments that a till asks for.

use serde_json::{Value, json};
use yima::app::view::{Intent, Screen};
use yima::money::{Amount, Currency};
use yima::payment::cash::Tender;
use yima::reference::{Batch, Stan, TraceNumber};
use yima::sandbox::host::store::EntryState;
use yima::till::request::PaymentRequest;
use yima::till_keys::{BoundNumber, TakenUp, TillKeys};

use super::client::{Till, sale};
use super::terminal::{AT_ONCE, NEVER, Terminal};

/// What the host did of it, and did not take back.
fn charges(terminal: &Terminal, minor: u64) -> usize {
    terminal.at_host(minor).iter().filter(|entry| entry.state == EntryState::Approved).count()
}

#[test]
fn a_sale_is_charged_once_however_often_its_key_comes() {
    let terminal = Terminal::new();
    let running = terminal.start(AT_ONCE);
    let till = running.till(&terminal, "1");
    let first = till.begin("order-1", &sale(1234));
    assert_eq!((first.status, first.body["final"].as_bool()), (201, Some(false)), "{:#}", first.body);
    assert_eq!(first.header("location"), Some("/v1/payments/order-1"));
    let paid = till.until_final("order-1");
    assert_eq!((paid["state"].as_str(), paid["money"].as_str()), (Some("approved"), Some("moved")), "{paid:#}");
    assert_eq!(paid["card"]["pan"], "622848*********1230");
    assert_eq!((&paid["response_code"], &paid["reason"]), (&json!("00"), &Value::Null));
    assert_eq!(paid["amount"], json!({ "minor": 1234, "currency": "CNY" }));
    for quoted in ["order-1", "\"order-1\""] {
        let again = till.begin(quoted, &sale(1234));
        assert_eq!((again.status, &again.body), (200, &paid));
    }
    // Another request under the same key does nothing.
    for other in [sale(1235), json!({ "kind": "void", "original": { "key": "order-1" } })] {
        let refused = till.begin("order-1", &other);
        assert_eq!((refused.status, refused.problem()), (422, "key-used-otherwise"));
    }
    assert_eq!((charges(&terminal, 1234), charges(&terminal, 1235)), (1, 0));
    let row = &terminal.rows()[0];
    assert_eq!(paid["stan"], row.trace.stan.to_string());
    // The key of another till is another key.
    let second = running.till(&terminal, "2");
    assert_eq!(second.get("/v1/payments/order-1").problem(), "payment-unknown");
    assert_eq!(second.begin("order-1", &sale(1234)).status, 201);
    second.until_final("order-1");
    assert_eq!(charges(&terminal, 1234), 2);
}

#[test]
fn twenty_that_come_at_once_with_one_key_begin_one_payment() {
    let terminal = Terminal::new();
    let running = terminal.start(AT_ONCE);
    let till = running.till(&terminal, "1");
    let answers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(|| till.begin("order-1", &sale(700)).status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|status| **status == 201).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|status| *status == 200 || *status == 201), "{answers:?}");
    assert_eq!(till.until_final("order-1")["state"], "approved");
    assert_eq!((terminal.at_host(700).len(), charges(&terminal, 700)), (1, 1));
}

#[test]
fn a_decline_is_final_and_says_why_in_both_languages() {
    let terminal = Terminal::new();
    let running = terminal.start(AT_ONCE);
    let till = running.till(&terminal, "1");
    till.begin("order-1", &sale(6651));
    let declined = till.until_final("order-1");
    assert_eq!((&declined["state"], &declined["money"]), (&json!("declined"), &json!("not_moved")));
    assert_eq!(declined["response_code"], "51");
    assert_eq!(declined["reason"]["what"]["zh-CN"], "余额不足。");
    assert_eq!(till.begin("order-1", &sale(6651)).status, 200);
    assert_eq!((terminal.at_host(6651).len(), charges(&terminal, 6651)), (1, 0));
}

#[test]
fn a_payment_is_left_before_the_card_and_not_after_it() {
    let terminal = Terminal::new();
    let running = terminal.start(NEVER);
    let till = running.till(&terminal, "1");
    assert_eq!(till.cancel("order-1").problem(), "payment-unknown");
    till.begin("order-1", &sale(500));
    till.until("order-1", "at the card", |payment| payment["progress"] == "present_card");
    let left = till.cancel("order-1");
    assert_eq!((left.status, left.body["state"].as_str()), (200, Some("not_charged")), "{:#}", left.body);
    assert_eq!(left.body["reason"]["kind"], "cancelled");
    assert_eq!((till.cancel("order-1").status, till.begin("order-1", &sale(500)).status), (200, 200));
    // Somebody at the counter leaves it as well.
    till.begin("order-2", &sale(501));
    till.until("order-2", "at the card", |payment| payment["progress"] == "present_card");
    running.wish(Intent::Cancel);
    assert_eq!(till.until_final("order-2")["state"], "not_charged");
    assert!(terminal.at_host(500).is_empty() && terminal.at_host(501).is_empty());
    drop(running);
    // The host answers after eight seconds: what has left cannot be left.
    let running = terminal.start(AT_ONCE);
    let till = Till { place: running.place(), ..till };
    till.begin("order-3", &sale(6705));
    till.until("order-3", "at the host", |_| !terminal.at_host(6705).is_empty());
    let late = till.cancel("order-3");
    assert_eq!((late.status, late.problem()), (409, "too-late-to-cancel"));
    assert_eq!(late.body["payment"]["state"], "running");
    assert_eq!(till.until_final("order-3")["state"], "approved");
    assert_eq!(till.cancel("order-3").problem(), "payment-over");
    assert_eq!(charges(&terminal, 6705), 1);
}

#[test]
fn what_was_paid_in_cash_goes_back_at_the_terminal_and_for_no_till() {
    let terminal = Terminal::new();
    let mut parts = terminal.setup.parts().unwrap();
    let due = Amount::new(2000, Currency::CNY).unwrap();
    let tender = Tender::new(due, due).unwrap();
    let at = jiff::Zoned::now().datetime().with().subsec_nanosecond(0).build().unwrap();
    let cash = parts.ledger.record_cash_sale(tender, at, &[], false).unwrap().trace;
    drop(parts);
    let running = terminal.start(AT_ONCE);
    let till = running.till(&terminal, "1");
    let original = json!({ "batch": cash.batch.to_string(), "stan": cash.stan.to_string() });
    let all = json!({ "kind": "refund", "original": original });
    let some = json!({ "kind": "refund", "original": original, "amount": { "minor": 500, "currency": "CNY" } });
    for (key, refund) in [("all", all), ("some", some)] {
        for _ in 0..2 {
            let answer = till.begin(key, &refund);
            assert_eq!((answer.status, answer.problem()), (409, "not-possible"), "{:#}", answer.body);
            assert_eq!(answer.body["reason"]["kind"], "not_for_this_kind");
        }
    }
    let rows = terminal.ledger().list(None, None, 9).unwrap().rows;
    assert_eq!(rows.len(), 1, "no cash has left the drawer");
}

#[test]
fn money_goes_back_by_key_and_by_the_numbers_on_the_slip() {
    let terminal = Terminal::new();
    let running = terminal.start(AT_ONCE);
    let till = running.till(&terminal, "1");
    for key in ["a", "b"] {
        till.begin(key, &sale(2000));
        assert_eq!(till.until_final(key)["state"], "approved");
    }
    let refund = json!({ "kind": "refund", "amount": { "minor": 500, "currency": "CNY" }, "original": { "key": "a" } });
    for _ in 0..2 {
        till.begin("a-back", &refund);
        let done = till.until_final("a-back");
        assert_eq!((&done["state"], &done["kind"]), (&json!("approved"), &json!("refund")), "{done:#}");
    }
    assert_eq!(charges(&terminal, 500), 1, "a refund is made once as well");
    let sold = till.payment("b");
    let void = json!({ "kind": "void", "original": { "batch": sold["batch"], "stan": sold["stan"] } });
    till.begin("b-void", &void);
    let done = till.until_final("b-void");
    assert_eq!((&done["state"], &done["amount"]["minor"]), (&json!("approved"), &json!(2000)), "{done:#}");
    // What has been undone cannot be undone again; nothing began, and the key says so.
    let again = till.begin("b-void-2", &void);
    assert_eq!((again.status, again.problem()), (409, "not-possible"), "{:#}", again.body);
    assert_eq!(again.body["reason"]["kind"], "original_used");
    assert_eq!(again.body["payment"]["state"], "refused");
    assert_eq!(
        (&till.payment("b-void-2")["state"], &till.payment("b-void-2")["money"]),
        (&json!("refused"), &json!("not_moved"))
    );
    for original in [json!({ "key": "nobody" }), json!({ "key": "b-void-2" })] {
        let unknown = till.begin("c", &json!({ "kind": "refund", "original": original }));
        assert_eq!((unknown.status, unknown.problem()), (409, "original-unknown"));
    }
    let unknown = json!({ "kind": "void", "original": { "batch": "000001", "stan": "999999" } });
    assert_eq!(till.begin("d", &unknown).body["reason"]["kind"], "no_such_transaction");
}

#[test]
fn while_another_pays_nothing_begins_and_the_key_stays_free() {
    let terminal = Terminal::new();
    let running = terminal.start(NEVER);
    let till = running.till(&terminal, "1");
    let ready = till.get("/v1/status").body;
    assert_eq!((&ready["test"], &ready["currency"]), (&json!(true), &json!("CNY")), "{ready:#}");
    running.wish(Intent::Charge(Amount::parse("1.00", Currency::CNY).unwrap()));
    running.until("the card is asked for", |view| matches!(view.screen, Screen::PresentCard { .. }));
    let busy = till.begin("order-1", &sale(800));
    assert_eq!((busy.status, busy.problem(), busy.body["repeatable"].as_bool()), (409, "busy", Some(true)));
    assert_eq!(busy.body["payment"]["state"], "refused");
    assert_eq!(till.begin("order-1", &sale(801)).problem(), "key-used-otherwise");
    assert_eq!((&till.get("/v1/status").body["state"]), &json!("busy"));
    running.wish(Intent::Cancel);
    running.until("the keypad", |view| matches!(view.screen, Screen::Keypad { .. }));
    assert_eq!(till.begin("order-1", &sale(800)).status, 201);
    // Two of one till do not run at a time either.
    assert_eq!(till.begin("order-2", &sale(802)).problem(), "busy");
    till.until("order-1", "at the card", |payment| payment["progress"] == "present_card");
    assert_eq!(till.cancel("order-1").status, 200);
}

#[test]
fn the_tills_goods_stand_in_the_record_and_its_cart_on_the_screen_until_it_is_paid() {
    let terminal = Terminal::new();
    let running = terminal.start(AT_ONCE);
    let till = running.till(&terminal, "1");
    let cart = json!({
        "lines": [{ "name": "可口可乐", "quantity": "2", "amount": { "minor": 700, "currency": "CNY" } }],
        "total": { "minor": 700, "currency": "CNY" },
    });
    assert_eq!(till.ask("PUT", "/v1/display", &[], Some(&cart)).status, 204);
    let view = running.until("the till's cart", |view| view.display.is_some());
    let shown = view.display.unwrap();
    assert_eq!((shown.lines[0].name.as_str(), shown.total.minor()), ("可口可乐", 700));
    assert_eq!(till.ask("DELETE", "/v1/display", &[], None).status, 204);
    running.until("no cart", |view| view.display.is_none());
    assert_eq!(till.ask("PUT", "/v1/display", &[], Some(&json!({ "lines": [] }))).problem(), "request-invalid");
    till.ask("PUT", "/v1/display", &[], Some(&cart));
    let mut request = sale(700);
    request["goods"] =
        json!([{ "number": 1, "name": "可口可乐", "price_minor": 350, "pieces": 2, "tax_rate_hundredths": 1300 }]);
    assert_eq!(till.begin("order-1", &request).status, 201);
    assert_eq!(till.until_final("order-1")["state"], "approved");
    running.until("it is paid", |view| matches!(view.screen, Screen::Approved { .. }) && view.display.is_none());
    let sold = terminal.ledger().sold_in(terminal.rows()[0].trace).unwrap();
    assert_eq!((sold[0].name.as_str(), sold[0].amount.minor()), ("可口可乐", 700));
    request["goods"][0]["pieces"] = json!(3);
    assert_eq!(till.begin("order-2", &request).problem(), "request-invalid");
}

#[test]
fn an_unknown_payment_is_told_as_unknown_until_it_is_taken_back_also_over_a_restart() {
    let mut terminal = Terminal::new();
    terminal.setup.settings.host.answer_timeout_s = 2;
    let running = terminal.start(AT_ONCE);
    let till = running.till(&terminal, "1");
    // Booked, and not answered; the first reversals are not answered either.
    terminal.host.set_deaf_to_reversals(true);
    till.begin("order-1", &sale(6702));
    let unknown = till.until("order-1", "unknown", |payment| payment["state"] == "unknown");
    assert_eq!((&unknown["final"], &unknown["money"]), (&json!(false), &json!("unknown")), "{unknown:#}");
    assert_eq!(unknown["reason"]["kind"], "host_silent");
    assert_eq!(till.cancel("order-1").problem(), "too-late-to-cancel");
    let again = till.begin("order-1", &sale(6702));
    assert_eq!((again.status, &again.body["state"]), (200, &json!("unknown")));
    drop(running);
    let running = terminal.start(AT_ONCE);
    let till = Till { place: running.place(), ..till };
    assert_eq!(till.payment("order-1")["state"], "unknown");
    terminal.host.set_deaf_to_reversals(false);
    running.wish(Intent::TryQueueNow);
    let reversed = till.until_final("order-1");
    assert_eq!((&reversed["state"], &reversed["money"]), (&json!("reversed"), &json!("not_moved")), "{reversed:#}");
    drop(running);
    // Whatever runs next has the same answer.
    let running = terminal.start(AT_ONCE);
    let till = Till { place: running.place(), ..till };
    assert_eq!(till.begin("order-1", &sale(6702)).body, reversed);
    assert_eq!((terminal.at_host(6702).len(), charges(&terminal, 6702)), (1, 0));
}

#[test]
fn what_cannot_be_written_down_for_the_key_is_not_sent() {
    let terminal = Terminal::new();
    let running = terminal.start(AT_ONCE);
    let till = running.till(&terminal, "1");
    // A payment that waits for the first sign-on would be refused later.
    till.begin("order-0", &sale(99));
    till.until_final("order-0");
    let sql = |statement: &str| {
        let connection = rusqlite::Connection::open(terminal.folder.path().join("tills.sqlite")).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        connection.execute_batch(statement).unwrap();
    };
    // The engine cannot give the key its number.
    sql("CREATE TRIGGER full BEFORE INSERT ON numbers BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    let refused = till.begin("order-1", &sale(100));
    assert_eq!((refused.status, refused.problem()), (503, "not-ready"), "{:#}", refused.body);
    assert_eq!(
        (&refused.body["reason"]["kind"], &refused.body["payment"]["state"]),
        (&json!("ledger_failed"), &json!("refused"))
    );
    sql("DROP TRIGGER full");
    // The key itself cannot be written down.
    sql("CREATE TRIGGER full BEFORE INSERT ON payments BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    let failed = till.begin("order-2", &sale(101));
    assert_eq!((failed.status, failed.problem()), (500, "terminal-failed"));
    sql("DROP TRIGGER full");
    assert!(terminal.rows().len() == 1 && terminal.at_host(100).is_empty() && terminal.at_host(101).is_empty());
    // Both keys are free.
    for (key, minor) in [("order-1", 100), ("order-2", 101)] {
        assert_eq!(till.begin(key, &sale(minor)).status, 201);
        assert_eq!(till.until_final(key)["state"], "approved");
        assert_eq!(charges(&terminal, minor), 1);
    }
}

/// A copy that took the ledger's place knows nothing of what came after it: nobody may say that it was not charged.
#[test]
fn what_a_restored_ledger_does_not_know_is_not_called_unpaid() {
    let terminal = Terminal::new();
    let running = terminal.start(NEVER);
    let till = running.till(&terminal, "1");
    drop(running);
    let row = |key: &str, stan: u32| {
        let mut keys = TillKeys::open(&terminal.setup.state).unwrap();
        let of = keys.till_named(&"1".parse().unwrap()).unwrap().unwrap();
        let request = PaymentRequest::parse(sale(100).to_string().as_bytes()).unwrap();
        let taken = keys.take_up(of, &key.parse().unwrap(), &request, jiff::Timestamp::now()).unwrap();
        let TakenUp::Begin(row) = taken else { panic!("{taken:?}") };
        let identity = terminal.setup.identity().unwrap();
        let number = BoundNumber {
            merchant_code: identity.merchant_code().unwrap(),
            terminal_number: identity.terminal_number().unwrap(),
            trace: TraceNumber { batch: Batch::FIRST, stan: Stan::new(stan).unwrap() },
        };
        keys.bind(row.number, &number).unwrap();
    };
    row("before", 70);
    let ledger = rusqlite::Connection::open(terminal.folder.path().join("ledger.sqlite")).unwrap();
    let local = |seconds: i64| {
        let at = jiff::Zoned::now().datetime().checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
        at.with().subsec_nanosecond(0).build().unwrap().to_string()
    };
    let sql =
        "INSERT INTO restorations (at, person, made_at, batch, known, next) VALUES (?1, 'Wang', ?2, 1, 60, 100060)";
    ledger.execute(sql, [local(2), local(-60)]).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    row("after", 71);
    let running = terminal.start(NEVER);
    let till = Till { place: running.place(), ..till };
    let before = till.payment("before");
    assert_eq!((&before["state"], &before["money"]), (&json!("unknown"), &json!("unknown")), "{before:#}");
    assert_eq!(before["reason"]["kind"], "ledger_restored");
    assert_eq!(till.payment("after")["state"], "not_charged");
    assert_eq!(till.begin("before", &sale(100)).body["state"], "unknown", "and it does not begin");
}
