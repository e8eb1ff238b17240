//! Tips: the customer is asked before the card is, and pays one amount.

use yima::app::shop_view::ShopIntent;
use yima::app::tip_view::{TipIntent, TipView};
use yima::app::view::{Intent, Screen};
use yima::app::{Ending, Parts};
use yima::catalogue::Catalogue;
use yima::goods::table::Table;
use yima::money::Currency;
use yima::payment::online::Decision;

use super::terminal::{Reversal, Running, Sale, Terminal, is_keypad};

fn start(terminal: &Terminal) -> Running {
    terminal.start_with("unionpay-debit", |parts| Parts { tips: vec![10, 15, 20], ..parts })
}

fn asked(running: &mut Running) -> TipView {
    match running.until("asked", |screen| matches!(screen, Screen::Tip(_))) {
        Screen::Tip(view) => *view,
        screen => panic!("{screen:?}"),
    }
}

#[test]
fn what_was_keyed_and_the_tip_are_paid_as_one_amount() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running = start(&terminal);
    running.until("keypad", is_keypad);
    running.charge("12.34");
    let view = asked(&mut running);
    let tips: Vec<_> = view.offers.iter().map(|offer| offer.tip.minor()).collect();
    assert_eq!((view.due.minor(), tips), (1234, vec![123, 185, 247]));
    // There is no such offer, and nobody is charged for it.
    running.wish(Intent::Tip(TipIntent::Give(3)));
    running.wish(Intent::Tip(TipIntent::Give(1)));
    let report = running.report();
    assert_eq!((report.ending, report.amount.minor()), (Ending::Approved, 1419));
    let trace = report.trace.unwrap();
    let ledger = terminal.ledger();
    assert_eq!(ledger.tip_of(trace).unwrap().map(|tip| tip.minor()), Some(185));
    assert_eq!(ledger.cashiers_of_batch(trace.batch).unwrap()[0].tips, 185);
    assert_eq!(terminal.rows()[0].amount.minor(), 1419, "the host knows one amount");
}

#[test]
fn nobody_has_to_give_one_and_who_leaves_pays_nothing() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running = start(&terminal);
    running.charge("12.34");
    asked(&mut running);
    running.wish(Intent::Tip(TipIntent::Leave));
    running.until("keypad", is_keypad);
    // A touch that comes late meets nobody who was asked.
    running.wish(Intent::Tip(TipIntent::Give(0)));
    running.charge("10.00");
    asked(&mut running);
    running.wish(Intent::Tip(TipIntent::GiveNone));
    let report = running.report();
    assert_eq!((report.ending, report.amount.minor()), (Ending::Approved, 1000));
    assert_eq!(terminal.ledger().tip_of(report.trace.unwrap()).unwrap(), None);
    assert_eq!(terminal.rows().len(), 1);
}

#[test]
fn a_cart_is_paid_with_its_tip_or_is_still_there() {
    let terminal = Terminal::new(Sale::Answer(Decision::Refused, "51"), Reversal::Code("00"));
    let mut catalogue = Catalogue::open(terminal.folder.path()).unwrap();
    let goods = Table::read("number,barcode,name,price\n1,6901028075763,Cola,3.50\n".as_bytes()).unwrap();
    catalogue.import(&goods, Currency::CNY).unwrap();
    let mut running = start(&terminal);
    let cart = |screen: &Screen| matches!(screen, Screen::Cart(cart) if cart.total.minor() == 350);
    let scan = || Intent::Shop(ShopIntent::Scan("6901028075763".to_owned()));
    running.wish(scan());
    running.until("cart", cart);
    running.wish(Intent::Shop(ShopIntent::Pay));
    assert_eq!(asked(&mut running).due.minor(), 350);
    running.wish(Intent::Tip(TipIntent::Leave));
    running.until("the cart again", cart);
    running.wish(Intent::Shop(ShopIntent::Pay));
    asked(&mut running);
    running.wish(Intent::Tip(TipIntent::Give(2)));
    let report = running.report();
    assert_eq!((report.ending, report.amount.minor()), (Ending::Declined, 420));
    running.until("not paid", |screen| matches!(screen, Screen::NotPaid { .. }));
    running.wish(Intent::NextCustomer);
    running.until("the cart, without the tip", cart);
    terminal.behave(Sale::Real, Reversal::Code("00"));
    running.wish(Intent::Shop(ShopIntent::Pay));
    asked(&mut running);
    running.wish(Intent::Tip(TipIntent::Give(2)));
    let report = running.report();
    assert_eq!((report.ending, report.amount.minor()), (Ending::Approved, 420));
    let (ledger, trace) = (terminal.ledger(), report.trace.unwrap());
    assert_eq!(ledger.sold_in(trace).unwrap().len(), 1);
    assert_eq!(ledger.tip_of(trace).unwrap().map(|tip| tip.minor()), Some(70));
    running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    assert_eq!(running.last.as_ref().unwrap().shop.in_cart, 0);
}
