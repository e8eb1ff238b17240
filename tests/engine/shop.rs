//! Goods at the counter: scanned, put into a cart, and sold as one payment.

use yima::app::Ending;
use yima::app::shop_view::{CartView, ShopIntent};
use yima::app::view::{Intent, Screen};
use yima::catalogue::Catalogue;
use yima::goods::table::Table;
use yima::goods::{Discount, GoodNumber, Pattern};
use yima::money::Currency;
use yima::payment::online::Decision;
use yima::wording::ReasonKind;

use super::terminal::{Reversal, Running, Sale, Terminal, is_keypad};

const SHOP: &str = "number,barcode,name,price,unit,tax rate,favourite\n\
                    1,6901028075763,Cola,3.50,piece,13%,yes\n\
                    2,,Apples,12,kg,9%,yes\n\
                    3,96385074,Bag,0,piece,0,\n";

fn terminal(sale: Sale) -> Terminal {
    let terminal = Terminal::new(sale, Reversal::Code("00"));
    let mut catalogue = Catalogue::open(terminal.folder.path()).unwrap();
    catalogue.import(&Table::read(SHOP.as_bytes()).unwrap(), Currency::CNY).unwrap();
    terminal
}

fn start(terminal: &Terminal) -> Running {
    terminal.start_with("unionpay-debit", |mut parts| {
        parts.shop.scales = vec![Pattern::parse("21AAAAAWWWWWC").unwrap()];
        parts
    })
}

fn shop(running: &mut Running, intent: ShopIntent, what: &str, is: impl Fn(&CartView) -> bool) -> CartView {
    running.wish(Intent::Shop(intent));
    match running.until(what, |screen| matches!(screen, Screen::Cart(cart) if is(cart))) {
        Screen::Cart(cart) => *cart,
        screen => panic!("{screen:?}"),
    }
}

fn scan(running: &mut Running, digits: &str, total: u64) -> CartView {
    shop(running, ShopIntent::Scan(digits.to_owned()), digits, |cart| cart.total.minor() == total)
}

#[test]
fn what_is_scanned_is_sold_written_down_and_printed() {
    let terminal = terminal(Sale::Real);
    let mut running = start(&terminal);
    running.until("keypad", is_keypad);
    assert_eq!(running.last.as_ref().unwrap().shop.quick.len(), 2, "favourites are at hand");
    scan(&mut running, "6901028075763", 350);
    scan(&mut running, "6901028075763", 700);
    // 0.532 kg
    scan(&mut running, "2100002005329", 1338);
    let cart = shop(&mut running, ShopIntent::Discount(None, Some(Discount::Minor(104))), "discount", |cart| {
        cart.discount.minor() == 104
    });
    assert_eq!((cart.count, cart.total.minor()), (2, 1234));
    running.wish(Intent::Shop(ShopIntent::Pay));
    let report = running.report();
    assert_eq!((report.ending, report.amount.minor()), (Ending::Approved, 1234));
    let sold = terminal.ledger().sold_in(report.trace.unwrap()).unwrap();
    let lines: Vec<_> =
        sold.iter().map(|good| (good.name.as_str(), good.quantity.count(), good.amount.minor())).collect();
    assert_eq!(lines, [("Cola", 2, 646), ("Apples", 532, 588)]);
    running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    assert_eq!(running.last.as_ref().unwrap().shop.in_cart, 0, "it is not there to be paid again");
}

#[test]
fn a_cart_that_is_not_paid_is_there_for_the_next_try() {
    let terminal = terminal(Sale::Answer(Decision::Refused, "51"));
    let mut running = start(&terminal);
    scan(&mut running, "6901028075763", 350);
    running.wish(Intent::Shop(ShopIntent::Pay));
    assert_eq!(running.report().ending, Ending::Declined);
    running.until("not paid", |screen| matches!(screen, Screen::NotPaid { .. }));
    running.wish(Intent::NextCustomer);
    running.until("the cart", |screen| matches!(screen, Screen::Cart(cart) if cart.total.minor() == 350));
}

#[test]
fn a_cart_that_may_be_paid_is_let_go() {
    let terminal = terminal(Sale::Silent);
    terminal.behave(Sale::Silent, Reversal::Silent);
    let mut running = start(&terminal);
    scan(&mut running, "6901028075763", 350);
    running.wish(Intent::Shop(ShopIntent::Pay));
    running.until("unknown", |screen| matches!(screen, Screen::Unknown { .. }));
    assert_eq!(running.last.as_ref().unwrap().shop.in_cart, 0);
}

#[test]
fn what_is_not_known_or_is_weighed_first_is_asked_about() {
    let terminal = terminal(Sale::Real);
    let mut running = start(&terminal);
    let unknown =
        shop(&mut running, ShopIntent::Scan("4006381333931".to_owned()), "unknown", |cart| cart.notice.is_some());
    assert_eq!((unknown.count, unknown.notice.unwrap().kind), (0, ReasonKind::GoodUnknown));
    let apples = GoodNumber::new(2).unwrap();
    let asked = shop(&mut running, ShopIntent::Add(apples), "asked", |cart| cart.weighing.is_some());
    assert_eq!(asked.count, 0);
    let weighed = shop(&mut running, ShopIntent::Weighed(apples, 500), "weighed", |cart| cart.count == 1);
    assert_eq!((weighed.total.minor(), weighed.weighing), (600, None));
    // What costs nothing is not paid for.
    shop(&mut running, ShopIntent::Empty, "empty", |cart| cart.count == 0);
    scan(&mut running, "96385074", 0);
    running.wish(Intent::Shop(ShopIntent::Pay));
    shop(&mut running, ShopIntent::OneFewer(0), "still the cart", |cart| cart.count == 0);
}

#[test]
fn a_cart_is_put_aside_and_taken_up_also_after_a_restart_and_none_is_lost() {
    let terminal = terminal(Sale::Real);
    let mut running = start(&terminal);
    scan(&mut running, "6901028075763", 350);
    let held = shop(&mut running, ShopIntent::Hold, "held", |cart| cart.held.len() == 1);
    assert_eq!((held.count, held.held[0].total.minor()), (0, 350));
    drop(running);
    let mut running = start(&terminal);
    scan(&mut running, "2100002005329", 638);
    let taken = shop(&mut running, ShopIntent::TakeUp(1), "taken up", |cart| cart.total.minor() == 350);
    assert_eq!(taken.held[0].total.minor(), 638, "what was in the cart waits instead");
}

#[test]
fn goods_are_found_by_what_is_typed() {
    let terminal = terminal(Sale::Real);
    let mut running = start(&terminal);
    running.wish(Intent::Shop(ShopIntent::Search("app".to_owned(), 0)));
    let screen = running.until("found", |screen| matches!(screen, Screen::Goods(_)));
    let Screen::Goods(found) = screen else { panic!("{screen:?}") };
    assert_eq!(found.goods.iter().map(|good| good.name.as_str()).collect::<Vec<_>>(), ["Apples"]);
}
