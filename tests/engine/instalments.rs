//! Instalments: the customer chooses in how many before the card is asked for, and the bank's plan is what stands everywhere after.

use std::sync::Arc;

use yima::app::instalments_view::{InstalmentsIntent, InstalmentsView};
use yima::app::shop_view::ShopIntent;
use yima::app::tip_view::TipIntent;
use yima::app::view::{Intent, Screen, View};
use yima::app::{Ending, Parts};
use yima::catalogue::Catalogue;
use yima::goods::table::Table;
use yima::host_tables::{HostTables, InstalmentOffer, TerminalParameters};
use yima::money::{Amount, Currency};
use yima::payment::instalments::{ByInstalments, Fee, Periods};
use yima::payment::online::Decision;
use yima::payment::purpose::Purpose;
use yima::payment::record::State;
use yima::payment::transaction::Presence;
use yima::wording::ReasonKind;

use super::terminal::{Reversal, Running, Sale, Terminal, answer, is_keypad};

/// Amounts of the sandbox that mean something are small.
fn offer() -> InstalmentOffer {
    InstalmentOffer { periods: vec![3, 6, 12], from: 5000, programme: None }
}

fn tables() -> Arc<HostTables> {
    let terminal = TerminalParameters { instalments: Some(offer()), ..TerminalParameters::default() };
    Arc::new(HostTables { terminal, ..HostTables::default() })
}

fn terminal(sale: Sale) -> Terminal {
    let terminal = Terminal::new(sale, Reversal::Code("00"));
    let folder = terminal.folder.path().join("host/parameters");
    std::fs::create_dir_all(&folder).unwrap();
    let text = "terminal = { instalments = { periods = [3, 6, 12], from = 5000 } }";
    std::fs::write(folder.join("host.toml"), text).unwrap();
    terminal
}

fn start(terminal: &Terminal, card: &str) -> Running {
    terminal.start_with(card, |parts| Parts { tables: tables(), tips: vec![10], ..parts })
}

fn yuan(text: &str) -> Amount {
    Amount::parse(text, Currency::CNY).unwrap()
}

fn ask(text: &str) -> Intent {
    Intent::Instalments(InstalmentsIntent::Ask(yuan(text)))
}

fn choose(index: usize) -> Intent {
    Intent::Instalments(InstalmentsIntent::Choose(index))
}

fn asked(running: &mut Running) -> InstalmentsView {
    match running.until("asked", |screen| matches!(screen, Screen::Instalments(_))) {
        Screen::Instalments(view) => *view,
        screen => panic!("{screen:?}"),
    }
}

fn last(running: &Running) -> &View {
    running.last.as_ref().unwrap()
}

#[test]
fn what_the_bank_answers_stands_in_report_ledger_screen_and_on_the_slip() {
    let terminal = terminal(Sale::Real);
    let mut running = start(&terminal, "unionpay-credit");
    running.until("keypad", is_keypad);
    assert_eq!(last(&running).instalments.from, Some(yuan("50.00")));
    running.wish(ask("600.05"));
    let view = asked(&mut running);
    let offered: Vec<_> = view.offers.iter().map(|offer| (offer.periods.number(), offer.about.minor())).collect();
    assert_eq!((view.due, offered), (yuan("600.05"), vec![(3, 20_002), (6, 10_001), (12, 5_000)]));
    // There is no such offer, and nobody is charged for it.
    running.wish(choose(3));
    running.wish(choose(1));
    let report = running.report();
    assert_eq!((report.ending, report.amount), (Ending::Approved, yuan("600.05")));
    let told = report.instalments.unwrap();
    let plan = told.plan.unwrap();
    assert_eq!((plan.periods().number(), plan.first(), plan.following()), (6, yuan("100.05"), yuan("100.00")));
    assert_eq!(plan.fee(), Fee::AtOnce(yuan("21.60")));
    running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    assert_eq!(last(&running).instalments.of.as_ref(), Some(&told));
    let (ledger, trace) = (terminal.ledger(), report.trace.unwrap());
    assert_eq!(ledger.instalments_of(trace).unwrap(), Some(told.clone()));
    assert_eq!(ledger.tip_of(trace).unwrap(), None, "nobody was asked for a tip");
    running.wish(Intent::NextCustomer);
    running.until("keypad", is_keypad);
    assert_eq!(last(&running).instalments.of, None, "the next customer has nothing to do with it");
    running.wish(Intent::ShowTransaction(trace));
    let detail = running.until("detail", |screen| matches!(screen, Screen::Transaction(_)));
    assert!(matches!(detail, Screen::Transaction(detail) if detail.instalments == Some(told)));
}

#[test]
fn a_card_that_cannot_is_told_what_to_do_and_pays_at_once() {
    let terminal = terminal(Sale::Real);
    let mut running = start(&terminal, "unionpay-debit");
    running.wish(ask("600.00"));
    asked(&mut running);
    running.wish(choose(0));
    let report = running.report();
    let reason = report.reason.unwrap();
    assert_eq!((report.ending, reason.kind), (Ending::Declined, ReasonKind::NotByInstalments));
    assert_eq!(report.response_code.unwrap().as_str(), "57");
    assert!(report.instalments.unwrap().plan.is_none());
    running.wish(Intent::NextCustomer);
    running.until("keypad", is_keypad);
    running.wish(ask("600.00"));
    asked(&mut running);
    running.wish(Intent::Instalments(InstalmentsIntent::AtOnce));
    // Whoever pays at once is asked for a tip as anybody else.
    running.until("a tip", |screen| matches!(screen, Screen::Tip(_)));
    running.wish(Intent::Tip(TipIntent::GiveNone));
    let report = running.report();
    assert_eq!((report.ending, report.instalments), (Ending::Approved, None));
    assert_eq!(terminal.ledger().instalments_of(report.trace.unwrap()).unwrap(), None);
}

#[test]
fn too_little_is_not_asked_about_and_by_command_it_is_refused_before_any_card() {
    let terminal = terminal(Sale::Real);
    let mut running = start(&terminal, "unionpay-credit");
    running.until("keypad", is_keypad);
    running.wish(ask("49.99"));
    // A touch that comes late meets nobody who was asked.
    running.wish(choose(0));
    let by = |text: &str, number| {
        let periods = Periods::new(number).unwrap();
        let sale = ByInstalments::new(yuan(text), yima::goods::sold::Sold::default(), periods).unwrap();
        Intent::Begin(Purpose::Instalments(sale))
    };
    for (intent, kind) in
        [(by("49.99", 3), ReasonKind::TooLittleForInstalments), (by("600.00", 24), ReasonKind::InstalmentsNotOffered)]
    {
        running.wish(intent);
        let report = running.report();
        assert_eq!((report.ending, report.reason.unwrap().kind, report.trace), (Ending::Error, kind, None));
    }
    assert_eq!(terminal.rows().len(), 0, "no card was asked for");
    // Leaving is leaving.
    running.wish(ask("600.00"));
    asked(&mut running);
    running.wish(Intent::Instalments(InstalmentsIntent::Leave));
    running.until("keypad", is_keypad);
    running.wish(choose(0));
    running.wish(by("600.00", 3));
    assert_eq!(running.report().ending, Ending::Approved);
    assert_eq!(terminal.rows().len(), 1);
}

#[test]
fn an_approval_without_a_plan_is_taken_back_and_never_shown_as_paid() {
    let terminal = terminal(Sale::Answer(Decision::Approved, "00"));
    assert_eq!(answer(Decision::Approved, "00").plan, None);
    let mut running = start(&terminal, "unionpay-credit");
    running.wish(ask("600.00"));
    asked(&mut running);
    running.wish(choose(0));
    let report = running.report();
    assert_eq!(report.ending, Ending::Reversed, "{report:?}");
    assert_eq!(report.reason.unwrap().kind, ReasonKind::HostAnswerRefused);
    let row = terminal.ledger().find(report.trace.unwrap()).unwrap().unwrap();
    assert_eq!((row.state, row.periods.map(Periods::number)), (State::Reversed, Some(3)));
}

#[test]
fn it_is_voided_as_any_sale_and_given_back_as_a_whole_or_not_at_all() {
    let terminal = terminal(Sale::Real);
    let mut running = start(&terminal, "unionpay-credit");
    let pay = |running: &mut Running| {
        running.wish(ask("600.00"));
        asked(running);
        running.wish(choose(2));
        let report = running.report();
        assert_eq!(report.ending, Ending::Approved);
        running.wish(Intent::NextCustomer);
        running.until("keypad", is_keypad);
        report.trace.unwrap()
    };
    let first = pay(&mut running);
    running.wish(Intent::Begin(Purpose::Void(first, Presence::CardThere)));
    let report = running.report();
    assert_eq!((report.ending, report.amount), (Ending::Approved, yuan("600.00")), "{report:?}");
    running.wish(Intent::NextCustomer);
    running.until("keypad", is_keypad);
    let second = pay(&mut running);
    running.wish(Intent::Begin(Purpose::Refund(second, Some(yuan("100.00")))));
    let report = running.report();
    assert_eq!((report.ending, report.reason.unwrap().kind), (Ending::Error, ReasonKind::OnlyWhole));
    running.wish(Intent::Begin(Purpose::Refund(second, None)));
    let report = running.report();
    assert_eq!((report.ending, report.amount), (Ending::Approved, yuan("600.00")), "{report:?}");
    let books = yima::sandbox::host::Host::prepare(&terminal.folder.path().join("host")).unwrap();
    let stands: Vec<_> = books.instalment_plans().unwrap().iter().map(|plan| plan.stands).collect();
    assert_eq!(stands, [false, false]);
}

#[test]
fn a_cart_is_paid_so_with_its_goods_or_is_still_there() {
    let terminal = terminal(Sale::Real);
    let mut catalogue = Catalogue::open(terminal.folder.path()).unwrap();
    let goods = Table::read("number,barcode,name,price\n1,6901028075763,Radio,300.00\n".as_bytes()).unwrap();
    catalogue.import(&goods, Currency::CNY).unwrap();
    let mut running = start(&terminal, "unionpay-credit");
    let cart = |screen: &Screen| matches!(screen, Screen::Cart(cart) if cart.total.minor() == 30_000);
    running.wish(Intent::Shop(ShopIntent::Scan("6901028075763".to_owned())));
    running.until("cart", cart);
    let ask = || Intent::Instalments(InstalmentsIntent::AskCart);
    running.wish(ask());
    assert_eq!(asked(&mut running).due, yuan("300.00"));
    running.wish(Intent::Instalments(InstalmentsIntent::Leave));
    running.until("the cart again", cart);
    running.wish(ask());
    asked(&mut running);
    running.wish(choose(0));
    let report = running.report();
    assert_eq!((report.ending, report.amount), (Ending::Approved, yuan("300.00")));
    let (ledger, trace) = (terminal.ledger(), report.trace.unwrap());
    assert_eq!((ledger.sold_in(trace).unwrap().len(), ledger.instalments_of(trace).unwrap().is_some()), (1, true));
    running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    assert_eq!(last(&running).shop.in_cart, 0);
}
