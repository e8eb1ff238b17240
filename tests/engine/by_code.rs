//! Payments by code at the counter: the customer's code is scanned, or ours is shown; what is not known is asked about, and what is not
//! paid is closed.

use std::time::Duration;

use serde_json::{Value, json};
use yima::app::shop_view::ShopIntent;
use yima::app::view::{CodePaper, Intent, Progress, Screen};
use yima::app::{Ending, Setup};
use yima::catalogue::Catalogue;
use yima::devices::printer::{PrintFailure, PrinterFault};
use yima::devices::reader::{CardReader, ReaderError};
use yima::goods::table::Table;
use yima::ledger::TransactionRow;
use yima::money::{Amount, Currency};
use yima::payment::purpose::Purpose;
use yima::payment::qr::record::{Pending, Record};
use yima::payment::qr::{Order, PaymentCode, Request, Schedule, Way};
use yima::payment::record::State;
use yima::payment::transaction::Kind;
use yima::sandbox::host::Host;
use yima::sandbox::wallet::RunningWallets;
use yima::terminal::settings::{Origin, Settings};
use yima::wording::ReasonKind;

use super::terminal::{Reversal, Running, Sale, Terminal, is_keypad};

const FULL: u64 = 1_000_000;

/// A terminal, and customers with phones.
struct Counter {
    terminal: Terminal,
    wallets: RunningWallets,
}

impl Counter {
    fn open() -> Self {
        let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
        let host = Host::prepare(&terminal.folder.path().join("host")).unwrap();
        let wallets = RunningWallets::start(&host, ([127, 0, 0, 1], 0).into()).unwrap();
        Self { terminal, wallets }
    }

    /// Nobody wants to wait in a test.
    fn start(&self, enquiries_s: Vec<u32>) -> Running {
        let mut running = self.terminal.start_with("unionpay-debit", |mut parts| {
            let codes = parts.codes.as_mut().unwrap();
            codes.schedule = Schedule { enquiries_s: enquiries_s.clone(), cancels_s: vec![0] };
            codes.valid_s = 30;
            parts.reader = Box::new(NoCard);
            parts
        });
        running.until("keypad", is_keypad);
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

    /// The customer scans what is shown, and pays.
    fn pays_shown(&self, code: &str) -> String {
        let scanned = self.post("wallets/wallet-1/scan", &json!({ "text": code }));
        let paid = self.post("wallets/wallet-1/pay", &json!({ "order": scanned["order"] }));
        paid["result"].as_str().map_or_else(|| paid.to_string(), str::to_owned)
    }

    fn balance(&self) -> u64 {
        let response = reqwest::blocking::get(format!("{}wallets/wallet-1", self.wallets.url())).unwrap();
        let wallet: Value = serde_json::from_str(&response.text().unwrap()).unwrap();
        wallet["minor"].as_u64().unwrap()
    }

    fn row(&self) -> TransactionRow {
        self.terminal.ledger().history(None, 1).unwrap().rows.remove(0)
    }
}

/// A reader in which no card ever is.
pub struct NoCard;

impl CardReader for NoCard {
    fn name(&self) -> String {
        "no card".to_owned()
    }

    fn check(&mut self) -> Result<(), ReaderError> {
        Ok(())
    }

    fn wait_for_card(&mut self, timeout: Duration) -> Result<Option<Vec<u8>>, ReaderError> {
        std::thread::sleep(timeout.min(Duration::from_millis(50)));
        Ok(None)
    }

    fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, ReaderError> {
        Err(ReaderError::CardTorn)
    }

    fn card_is_in(&mut self) -> Result<bool, ReaderError> {
        Ok(false)
    }

    fn release(&mut self) {}

    fn wait_for_removal(&mut self, _: Duration) -> Result<bool, ReaderError> {
        Ok(true)
    }
}

fn yuan(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

fn asks_for_a_card(running: &mut Running, minor: u64) {
    running.wish(Intent::Charge(yuan(minor)));
    running.until("card", |screen| matches!(screen, Screen::PresentCard { notice: None, .. }));
    assert!(running.last.as_ref().unwrap().codes, "a code would do as well");
}

fn approved(screen: &Screen) -> bool {
    matches!(screen, Screen::Approved { .. })
}

#[test]
fn a_code_is_scanned_instead_of_the_card_that_is_asked_for() {
    let counter = Counter::open();
    let mut running = counter.start(vec![0; 5]);
    asks_for_a_card(&mut running, 1234);
    let code = counter.code();
    running.wish(Intent::PayByScanned(Ok(code.clone())));
    running.until("paid", approved);
    assert_eq!(running.last.as_ref().unwrap().kind, Kind::CodePayment);
    let report = running.report();
    assert_eq!((report.kind, report.ending), (Kind::CodePayment, Ending::Approved));
    assert_eq!(report.copies.len(), 2, "{report:?}");
    let row = counter.row();
    assert_eq!((row.kind, row.state, row.amount), (Kind::CodePayment, State::Approved, yuan(1234)));
    assert!(row.paid().voucher.is_some());
    assert_eq!(counter.balance(), FULL - 1234);
    // What goes back of it goes to the wallet, in parts.
    for (minor, left) in [(234, FULL - 1000), (1000, FULL)] {
        running.wish(Intent::NextCustomer);
        running.wish(Intent::Begin(Purpose::Refund(row.trace, Some(yuan(minor)))));
        let report = running.report();
        assert_eq!((report.kind, report.ending), (Kind::CodeRefund, Ending::Approved), "{report:?}");
        assert_eq!((counter.row().kind, counter.row().state), (Kind::CodeRefund, State::Approved));
        assert_eq!(counter.balance(), left);
    }
    running.wish(Intent::Begin(Purpose::Refund(row.trace, None)));
    let report = running.report();
    assert_eq!(report.reason.map(|reason| reason.kind), Some(ReasonKind::OriginalUsed));
}

#[test]
fn what_is_no_payment_code_is_refused_and_the_card_is_still_asked_for() {
    let counter = Counter::open();
    let mut running = counter.start(vec![0]);
    asks_for_a_card(&mut running, 1234);
    for text in ["6901028075763", "https://example.com", "9999999999999999999"] {
        running.wish(Intent::PayByScanned(PaymentCode::parse(text)));
        running.until(text, |screen| {
            matches!(screen, Screen::PresentCard { notice: Some(reason), .. } if reason.kind == ReasonKind::CodeUnknown)
        });
    }
    running.wish(Intent::Cancel);
    running.until("keypad", is_keypad);
    assert!(counter.terminal.ledger().history(None, 1).unwrap().rows.is_empty(), "nothing was begun");
    // The same by command, where nobody is asked for a card.
    let way = Way::Scanned(PaymentCode::parse("9999999999999999999").unwrap());
    running.wish(Intent::Begin(Purpose::Code(yuan(100), Default::default(), way)));
    assert_eq!(running.report().reason.map(|reason| reason.kind), Some(ReasonKind::Cancelled));
    assert_eq!(running.report().reason.map(|reason| reason.kind), Some(ReasonKind::CodeUnknown));
}

#[test]
fn our_code_is_shown_and_paid_with_the_phone() {
    let counter = Counter::open();
    let mut running = counter.start(vec![1; 10]);
    asks_for_a_card(&mut running, 500);
    running.wish(Intent::PayByShown);
    let shown = running.until("code", |screen| matches!(screen, Screen::ShowCode { .. }));
    let Screen::ShowCode { code, amount, valid_until: Some(_), .. } = shown else { panic!("{shown:?}") };
    assert_eq!(amount, yuan(500));
    assert_eq!(counter.pays_shown(&code), "paid");
    running.until("paid", approved);
    assert_eq!((counter.row().state, counter.balance()), (State::Approved, FULL - 500));
}

#[test]
fn our_code_is_printed_too_and_is_over_with_the_order() {
    let counter = Counter::open();
    let mut running = counter.start(vec![1; 10]);
    // There is no code yet.
    running.wish(Intent::PrintCode);
    asks_for_a_card(&mut running, 500);
    running.wish(Intent::PayByShown);
    let shown = running.until("code", |screen| matches!(screen, Screen::ShowCode { .. }));
    let Screen::ShowCode { code, paper: CodePaper::None, .. } = shown else { panic!("{shown:?}") };
    let fault = PrinterFault::PaperOut;
    let failed = PrintFailure { fault, may_be_on_paper: false, may_come_later: false };
    counter.terminal.paper.0.lock().unwrap().push(Err(failed));
    running.wish(Intent::PrintCode);
    let is_failed = |screen: &Screen| {
        matches!(screen, Screen::ShowCode { paper: CodePaper::Failed(reason), .. }
        if reason.kind == ReasonKind::PrinterPaperOut)
    };
    running.until("no paper", is_failed);
    running.wish(Intent::PrintCode);
    running.until("on paper", |screen| matches!(screen, Screen::ShowCode { paper: CodePaper::Sent, .. }));
    assert_eq!(counter.pays_shown(&code), "paid");
    running.until("paid", approved);
    assert_eq!((counter.row().state, counter.balance()), (State::Approved, FULL - 500));
    assert_ne!(counter.pays_shown(&code), "paid", "what is on paper can be paid once");
    assert_eq!(counter.balance(), FULL - 500);
}

#[test]
fn who_leaves_before_paying_has_not_paid_and_cannot_any_more() {
    let counter = Counter::open();
    let mut running = counter.start(vec![5; 10]);
    asks_for_a_card(&mut running, 500);
    running.wish(Intent::PayByShown);
    let shown = running.until("code", |screen| matches!(screen, Screen::ShowCode { .. }));
    running.wish(Intent::Cancel);
    running.until("keypad", is_keypad);
    assert_eq!(counter.row().state, State::Reversed);
    let Screen::ShowCode { code, .. } = shown else { panic!("{shown:?}") };
    assert_ne!(counter.pays_shown(&code), "paid");
    assert_eq!(counter.balance(), FULL);
}

#[test]
fn an_answer_that_is_lost_is_asked_for_and_an_order_that_nobody_pays_is_closed() {
    let counter = Counter::open();
    let mut running = counter.start(vec![0; 2]);
    // The host books and its answer is damaged, by a wrong MAC and by a gateway; then the customer types no password.
    for (minor, state, taken) in
        [(67_03, State::Approved, 67_03), (67_06, State::Approved, 67_06), (60_000, State::Reversed, 0)]
    {
        let before = counter.balance();
        asks_for_a_card(&mut running, minor);
        running.wish(Intent::PayByScanned(Ok(counter.code())));
        let report = running.report();
        let ending = if state == State::Approved { Ending::Approved } else { Ending::Reversed };
        assert_eq!(report.ending, ending, "{minor}: {report:?}");
        assert_eq!((counter.row().state, counter.balance()), (state, before - taken), "{minor}");
        running.wish(Intent::NextCustomer);
        running.until("keypad", is_keypad);
    }
}

#[test]
fn what_a_power_cut_left_is_asked_about_before_anything_else_begins() {
    let counter = Counter::open();
    let code = counter.code();
    let folder = counter.terminal.folder.path().to_owned();
    let settings = Settings { host: counter.terminal.host.link_settings(), ..Settings::default() };
    let mut parts = Setup { settings, origin: Origin::default(), state: folder }.parts().unwrap();
    parts.link.sign_on(parts.ledger.take_trace_number().unwrap()).unwrap();
    let trace = parts.ledger.take_trace_number().unwrap();
    let at = jiff::Zoned::now().datetime().with().subsec_nanosecond(0).build().unwrap();
    let order = Order { trace, amount: yuan(1234), at };
    let pending = Pending { amount: order.amount, at, scanned: Some(code.tail()) };
    parts.ledger.record_code(trace, &Record::Pending(pending), at).unwrap();
    parts.link.code_payment(&Request::Pay(order, code)).unwrap();
    drop(parts);
    assert_eq!(counter.balance(), FULL - 1234);
    let running = counter.terminal.start_with("unionpay-debit", |parts| parts);
    // A customer is here already: it begins when the other one is known.
    running.wish(Intent::Begin(Purpose::Code(yuan(100), Default::default(), Way::Scanned(counter.code()))));
    let report = running.report();
    assert_eq!((report.ending, report.amount), (Ending::Approved, yuan(100)));
    let states: Vec<_> =
        counter.terminal.ledger().history(None, 9).unwrap().rows.iter().map(|row| (row.amount, row.state)).collect();
    assert_eq!(states, [(yuan(100), State::Approved), (yuan(1234), State::Approved)]);
    assert_eq!(counter.balance(), FULL - 1334);
}

#[test]
fn the_customer_types_a_password_while_the_screen_says_so() {
    let counter = Counter::open();
    let mut running = counter.start(vec![1; 10]);
    asks_for_a_card(&mut running, 60_000);
    running.wish(Intent::PayByScanned(Ok(counter.code())));
    running.until("password", |screen| {
        matches!(screen, Screen::Processing { progress: Progress::WaitingForCustomer, .. })
    });
    let response = reqwest::blocking::get(format!("{}wallets/wallet-1", counter.wallets.url())).unwrap();
    let wallet: Value = serde_json::from_str(&response.text().unwrap()).unwrap();
    let body = json!({ "order": wallet["waiting"][0]["order"], "password": "123456" });
    assert_eq!(counter.post("wallets/wallet-1/pay", &body)["result"], "paid");
    running.until("paid", approved);
    assert_eq!((counter.row().state, counter.balance()), (State::Approved, FULL - 60_000));
}

#[test]
fn a_cart_is_paid_by_code_and_gone() {
    let counter = Counter::open();
    let mut catalogue = Catalogue::open(counter.terminal.folder.path()).unwrap();
    let goods = "number,barcode,name,price,unit,tax rate,favourite\n1,6901028075763,Cola,3.50,piece,13%,yes\n";
    catalogue.import(&Table::read(goods.as_bytes()).unwrap(), Currency::CNY).unwrap();
    let mut running = counter.start(vec![0; 5]);
    for total in [350, 700] {
        running.wish(Intent::Shop(ShopIntent::Scan("6901028075763".to_owned())));
        running.until("cart", |screen| matches!(screen, Screen::Cart(cart) if cart.total.minor() == total));
    }
    running.wish(Intent::Shop(ShopIntent::Pay));
    running.until("card", |screen| matches!(screen, Screen::PresentCard { .. }));
    running.wish(Intent::PayByScanned(Ok(counter.code())));
    running.until("paid", approved);
    let row = counter.row();
    assert_eq!((row.kind, row.amount, counter.balance()), (Kind::CodePayment, yuan(700), FULL - 700));
    let sold = counter.terminal.ledger().sold_in(row.trace).unwrap();
    assert_eq!(sold.len(), 1, "{sold:?}");
    running.wish(Intent::NextCustomer);
    running.until("keypad", is_keypad);
    assert_eq!(running.last.as_ref().unwrap().shop.in_cart, 0, "nobody pays it twice");
}
