//! What is offered offline at the screen: what just did not reach the bank, and nothing else.

use std::sync::Arc;

use yima::app::shop_view::ShopIntent;
use yima::app::view::{Intent, Screen};
use yima::app::{Ending, Parts};
use yima::catalogue::Catalogue;
use yima::goods::table::Table;
use yima::host_tables::{HostTables, OfflineLimits};
use yima::money::{Amount, Currency};
use yima::payment::purpose::Purpose;
use yima::payment::qr::{PaymentCode, Way};
use yima::payment::record::State;
use yima::payment::transaction::Kind;
use yima::sandbox::host::Host;
use yima::sandbox::host::code_payments::wallets::Form;

use super::terminal::{Reversal, Running, Sale, Terminal, is_keypad};

/// A terminal whose bank is not reached, with a card that may pay alone, and up to 200.00 of it.
fn start(terminal: &Terminal) -> Running {
    terminal.start_with("offline", |parts| {
        let mut tables = HostTables::clone(&parts.tables);
        tables.terminal.offline = Some(OfflineLimits { most: 20_000, count: 5, total: 50_000 });
        Parts { tables: Arc::new(tables), ..parts }
    })
}

fn yuan(text: &str) -> Amount {
    Amount::parse(text, Currency::CNY).unwrap()
}

/// Whether the screen of a payment that was not made offers to sell it offline.
fn offers(running: &mut Running) -> bool {
    running.until("not paid", |screen| matches!(screen, Screen::NotPaid { .. }));
    running.last.as_ref().unwrap().offline
}

/// 12.34 did not reach the bank, and is offered.
fn not_reached(terminal: &Terminal) -> Running {
    let mut running = start(terminal);
    running.until("keypad", is_keypad);
    running.charge("12.34");
    assert_eq!(running.report().ending, Ending::Error);
    assert!(offers(&mut running));
    running
}

#[test]
fn what_did_not_reach_the_bank_is_sold_offline_with_a_touch() {
    let terminal = Terminal::new(Sale::NotReached, Reversal::Code("00"));
    let mut running = not_reached(&terminal);
    running.wish(Intent::SellOffline);
    let report = running.report();
    assert_eq!((report.kind, report.ending, report.amount), (Kind::OfflineSale, Ending::Approved, yuan("12.34")));
    // Whoever touches twice sells once.
    running.wish(Intent::SellOffline);
    running.wish(Intent::NextCustomer);
    running.until("keypad", is_keypad);
    running.wish(Intent::SellOffline);
    let sold: Vec<_> = terminal.rows().into_iter().filter(|row| row.kind == Kind::OfflineSale).collect();
    assert_eq!(sold.iter().map(|row| (row.state, row.amount)).collect::<Vec<_>>(), [(State::Approved, yuan("12.34"))]);
}

#[test]
fn what_fails_after_it_offers_nothing_of_it() {
    let terminal = Terminal::new(Sale::NotReached, Reversal::Code("00"));
    let mut running = not_reached(&terminal);
    // There is less in this wallet: it is another payment, and another amount.
    let host = Host::prepare(&terminal.folder.path().join("host")).unwrap();
    let code = host.make_code("wallet-2", Form::Number, jiff::Timestamp::now()).unwrap();
    let way = Way::Scanned(PaymentCode::parse(&code).unwrap());
    running.wish(Intent::Begin(Purpose::Code(yuan("150.00"), Default::default(), way)));
    let report = running.report();
    assert_eq!((report.kind, report.ending), (Kind::CodePayment, Ending::Declined), "{report:?}");
    running
        .until("the other one", |screen| matches!(screen, Screen::NotPaid { amount, .. } if *amount == yuan("150.00")));
    assert!(!offers(&mut running), "12.34 is no amount of this payment");
    running.wish(Intent::SellOffline);
    running.wish(Intent::NextCustomer);
    running.until("keypad", is_keypad);
    assert!(terminal.rows().iter().all(|row| row.kind != Kind::OfflineSale));
}

#[test]
fn a_cart_that_is_sold_offline_is_paid_and_gone() {
    let terminal = Terminal::new(Sale::NotReached, Reversal::Code("00"));
    let mut catalogue = Catalogue::open(terminal.folder.path()).unwrap();
    let goods = Table::read("number,barcode,name,price\n1,6901028075763,Cola,3.50\n".as_bytes()).unwrap();
    catalogue.import(&goods, Currency::CNY).unwrap();
    let mut running = start(&terminal);
    running.wish(Intent::Shop(ShopIntent::Scan("6901028075763".to_owned())));
    running.until("cart", |screen| matches!(screen, Screen::Cart(cart) if cart.total.minor() == 350));
    running.wish(Intent::Shop(ShopIntent::Pay));
    assert_eq!(running.report().ending, Ending::Error);
    assert!(offers(&mut running));
    assert_eq!(running.last.as_ref().unwrap().shop.in_cart, 1, "it is not paid yet");
    running.wish(Intent::SellOffline);
    let report = running.report();
    assert_eq!((report.kind, report.ending), (Kind::OfflineSale, Ending::Approved));
    assert_eq!(terminal.ledger().sold_in(report.trace.unwrap()).unwrap().len(), 1);
    running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    assert_eq!(running.last.as_ref().unwrap().shop.in_cart, 0, "nobody pays it twice");
}
