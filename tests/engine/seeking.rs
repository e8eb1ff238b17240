//! Looking for payments at a terminal that runs: by everything by which it can be done, what was paid by card and in cash is found, and
//! nothing else is.

use yima::app::cash_view::{CashFor, CashIntent, CashStage};
use yima::app::seek_view::{SeekBy, SeekIntent};
use yima::app::shop_view::ShopIntent;
use yima::app::staff_view::StaffIntent;
use yima::app::view::{Intent, RowKind, Screen};
use yima::app::{Ending, Parts, SaleReport};
use yima::catalogue::Catalogue;
use yima::goods::table::Table;
use yima::money::{Amount, Currency};
use yima::payment::cash::CashKind;
use yima::payment::transaction::Kind;
use yima::wording::ReasonKind;

use super::staff;
use super::terminal::{Running, Terminal, is_keypad};

/// The barcode of number 1.
const COLA: &str = "6901028075763";
const GOODS: &str = "number,barcode,name,price\n1,6901028075763,Cola,3.50\n2,96385074,Bag,1.00\n";

const BY_CARD: RowKind = RowKind::Host(Kind::Sale);
const IN_CASH: RowKind = RowKind::Cash(CashKind::Sale);

fn start(terminal: &Terminal) -> Running {
    let mut catalogue = Catalogue::open(terminal.folder.path()).unwrap();
    catalogue.import(&Table::read(GOODS.as_bytes()).unwrap(), Currency::CNY).unwrap();
    terminal.start_with("unionpay-debit", |parts| Parts { cash: true, ..staff::signing_on(parts) })
}

/// Pays, and goes back to the keypad.
#[track_caller]
fn by_card(running: &mut Running, wish: Intent) -> SaleReport {
    running.wish(wish);
    let report = running.report();
    assert_eq!(report.ending, Ending::Approved);
    running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    next_customer(running);
    report
}

#[track_caller]
pub fn in_cash(running: &mut Running, what: CashFor, given: u64) {
    running.wish(Intent::Cash(CashIntent::Begin(what)));
    let stage = |screen: &Screen| match screen {
        Screen::Cash(view) => Some(matches!(view.stage, CashStage::Done { .. })),
        _ => None,
    };
    running.until("asked", |screen| stage(screen) == Some(false));
    running.wish(Intent::Cash(CashIntent::Take(yuan(given))));
    running.until("taken", |screen| stage(screen) == Some(true));
    next_customer(running);
}

#[track_caller]
pub fn next_customer(running: &mut Running) {
    running.wish(Intent::NextCustomer);
    running.until("keypad", is_keypad);
}

#[track_caller]
pub fn scan(running: &mut Running, total: u64) {
    running.wish(Intent::Shop(ShopIntent::Scan(COLA.to_owned())));
    running.until("scanned", |screen| matches!(screen, Screen::Cart(cart) if cart.total.minor() == total));
}

pub fn yuan(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

/// What is found, newest first: of what kind, and how much.
#[track_caller]
fn found(running: &mut Running, by: SeekBy, digits: &str) -> Vec<(RowKind, u64)> {
    running.wish(Intent::Seek(SeekIntent::Open));
    running.until("asked what for", |screen| matches!(screen, Screen::Seek { notice: None }));
    running.wish(Intent::Seek(SeekIntent::Find(by, digits.to_owned())));
    match running.until("looked", |screen| !matches!(screen, Screen::Seek { notice: None })) {
        Screen::Transactions { rows, sought, .. } => {
            assert!(sought.is_some(), "it is said what was looked for");
            rows.iter().map(|row| (row.kind, row.amount.minor())).collect()
        }
        Screen::Seek { notice: Some(notice) } => {
            assert_eq!(notice.kind, ReasonKind::NothingFound);
            Vec::new()
        }
        screen => panic!("{screen:?}"),
    }
}

#[test]
fn what_was_paid_in_cash_is_found_also_where_no_card_paid() {
    let terminal = staff::terminal();
    let mut running = start(&terminal);
    running.sign_on(1);
    in_cash(&mut running, CashFor::Amount(yuan(1234)), 2000);
    assert_eq!(found(&mut running, SeekBy::Amount, "1234"), [(IN_CASH, 1234)]);
    assert_eq!(found(&mut running, SeekBy::Amount, "2000"), [], "what was given is not what was paid");
    assert_eq!(found(&mut running, SeekBy::Cashier, "1"), [(IN_CASH, 1234)]);
}

#[test]
fn by_whatever_is_looked_for_what_it_is_of_is_found_and_no_more() {
    let terminal = staff::terminal();
    let mut running = start(&terminal);
    running.sign_on(1);
    in_cash(&mut running, CashFor::Amount(yuan(1234)), 1234);
    let first = by_card(&mut running, Intent::Charge(yuan(1234)));
    scan(&mut running, 350);
    by_card(&mut running, Intent::Shop(ShopIntent::Pay));
    scan(&mut running, 350);
    scan(&mut running, 700);
    in_cash(&mut running, CashFor::Cart, 1000);
    running.staff(StaffIntent::SignOff);
    running.sign_on(2);
    let last = by_card(&mut running, Intent::Charge(yuan(3000)));
    let all = [(BY_CARD, 3000), (IN_CASH, 700), (BY_CARD, 350), (BY_CARD, 1234), (IN_CASH, 1234)];

    assert_eq!(found(&mut running, SeekBy::Amount, "1234"), [(BY_CARD, 1234), (IN_CASH, 1234)]);
    assert_eq!(found(&mut running, SeekBy::Amount, "700"), [(IN_CASH, 700)]);
    assert_eq!(found(&mut running, SeekBy::Amount, "9999"), []);
    let card = first.card.as_ref().unwrap().truncated_pan.clone();
    let by_the_card = [(BY_CARD, 3000), (BY_CARD, 350), (BY_CARD, 1234)];
    assert_eq!(found(&mut running, SeekBy::LastFour, &card[card.len() - 4..]), by_the_card);
    assert_eq!(found(&mut running, SeekBy::LastFour, "0000"), []);
    let stan = |report: &SaleReport| report.trace.unwrap().stan.number();
    assert_eq!(found(&mut running, SeekBy::Stan, &stan(&first).to_string()), [(BY_CARD, 1234)]);
    // Its number is between those of cards.
    let of_cash = terminal.ledger().list(None, None, 2).unwrap().rows;
    let yima::ledger::Listed::Cash(of_cash) = &of_cash[1] else { panic!("{of_cash:?}") };
    assert_eq!(found(&mut running, SeekBy::Stan, &of_cash.trace.stan.number().to_string()), [(IN_CASH, 700)]);
    assert_eq!(found(&mut running, SeekBy::Stan, "999999"), []);
    assert_eq!(found(&mut running, SeekBy::Rrn, last.rrn.as_ref().unwrap().as_str()), [(BY_CARD, 3000)]);
    assert_eq!(found(&mut running, SeekBy::Rrn, "999999999999"), []);
    let day = terminal.rows()[0].at.date();
    assert_eq!(found(&mut running, SeekBy::Day, &day.strftime("%m%d").to_string()), all);
    assert_eq!(found(&mut running, SeekBy::Day, &day.yesterday().unwrap().strftime("%Y%m%d").to_string()), []);
    assert_eq!(found(&mut running, SeekBy::Cashier, "01"), all[1..]);
    assert_eq!(found(&mut running, SeekBy::Cashier, "2"), [(BY_CARD, 3000)]);
    assert_eq!(found(&mut running, SeekBy::Cashier, "99"), []);
    for of_cola in ["1", COLA] {
        assert_eq!(found(&mut running, SeekBy::Good, of_cola), [(IN_CASH, 700), (BY_CARD, 350)], "{of_cola}");
    }
    assert_eq!(found(&mut running, SeekBy::Good, "2"), [], "nobody bought one");
    // All of them again.
    running.wish(Intent::Seek(SeekIntent::All));
    let screen = running.until("all", |screen| matches!(screen, Screen::Transactions { sought: None, .. }));
    let Screen::Transactions { rows, .. } = screen else { panic!("{screen:?}") };
    assert_eq!(rows.iter().map(|row| (row.kind, row.amount.minor())).collect::<Vec<_>>(), all);
}
