//! Sales that a till has paid offline, or by instalments.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use yima::app::Parts;
use yima::host_tables::{HostTables, InstalmentOffer, OfflineLimits};
use yima::payment::record::State;
use yima::payment::transaction::Kind;
use yima::sandbox::host::store::EntryState;

use super::client::sale;
use super::terminal::{AT_ONCE, Running, Terminal};

/// Up to 200.00 is sold offline, and instalments are offered from 50.00 on.
fn start(terminal: &Terminal, card: &str) -> Running {
    let folder = terminal.folder.path().join("host/parameters");
    std::fs::create_dir_all(&folder).unwrap();
    let text = "terminal = { instalments = { periods = [3, 6, 12], from = 5000 } }";
    std::fs::write(folder.join("host.toml"), text).unwrap();
    terminal.start_with(AT_ONCE, card, |parts| {
        let mut tables = HostTables::clone(&parts.tables);
        tables.terminal.offline = Some(OfflineLimits { most: 20_000, count: 5, total: 50_000 });
        tables.terminal.instalments = Some(InstalmentOffer { periods: vec![3, 6, 12], from: 5000, programme: None });
        Parts { tables: Arc::new(tables), ..parts }
    })
}

fn with(minor: u64, key: &str, value: Value) -> Value {
    let mut request = sale(minor);
    request[key] = value;
    request
}

#[test]
fn a_sale_is_approved_by_the_card_alone_and_the_host_hears_of_it_once() {
    let terminal = Terminal::new();
    let running = start(&terminal, "offline");
    let till = running.till(&terminal, "1");
    let mut request = with(1234, "offline", json!(true));
    request["goods"] = json!([{ "number": 1, "name": "Cola", "price_minor": 617, "pieces": 2 }]);
    assert_eq!(till.begin("order-1", &request).status, 201);
    let paid = till.until_final("order-1");
    assert_eq!((&paid["state"], &paid["kind"], &paid["money"]), (&json!("approved"), &json!("sale"), &json!("moved")));
    assert_eq!(till.begin("order-1", &request).status, 200, "its key begins nothing more");
    let refused = till.begin("order-1", &sale(1234));
    assert_eq!((refused.status, refused.problem()), (422, "key-used-otherwise"), "another way is another wish");
    let rows = terminal.rows();
    assert_eq!(
        rows.iter().map(|row| (row.kind, row.state)).collect::<Vec<_>>(),
        [(Kind::OfflineSale, State::Approved)]
    );
    assert_eq!(terminal.ledger().sold_in(rows[0].trace).unwrap().len(), 1);
    let end = Instant::now() + Duration::from_secs(30);
    while terminal.at_host(1234).is_empty() {
        assert!(Instant::now() < end, "the host never hears of it");
        std::thread::sleep(Duration::from_millis(20));
    }
    let charged: Vec<_> = terminal.at_host(1234).iter().map(|entry| entry.state).collect();
    assert_eq!(charged, [EntryState::Approved]);
    // More than the acquirer lets be sold so.
    let refused = till.begin("order-2", &with(20_001, "offline", json!(true)));
    assert_eq!(refused.status, 409, "{:#}", refused.body);
    assert_eq!(till.payment("order-2")["state"], "refused");
    assert_eq!(terminal.rows().len(), 1);
}

#[test]
fn a_sale_is_paid_by_the_instalments_that_the_acquirer_offers() {
    let terminal = Terminal::new();
    let running = start(&terminal, "unionpay-credit");
    let till = running.till(&terminal, "1");
    assert_eq!(till.begin("order-1", &with(60_000, "instalments", json!(6))).status, 201);
    let paid = till.until_final("order-1");
    assert_eq!((&paid["state"], &paid["kind"]), (&json!("approved"), &json!("sale")), "{paid:#}");
    let row = &terminal.rows()[0];
    assert_eq!(row.periods.map(|periods| periods.number()), Some(6));
    assert!(terminal.ledger().instalments_of(row.trace).unwrap().unwrap().plan.is_some(), "with the bank's plan");
    for (key, request, status) in [
        ("order-2", with(60_000, "instalments", json!(5)), 409),
        ("order-3", with(4_999, "instalments", json!(6)), 409),
        ("order-4", with(60_000, "instalments", json!(1)), 400),
    ] {
        let refused = till.begin(key, &request);
        assert_eq!(refused.status, status, "{key}: {:#}", refused.body);
    }
    assert_eq!(terminal.rows().len(), 1, "nothing else was begun");
}
