//! A scanner on a serial line, from outside: a pty sends, the engine listens, and what comes of it depends on the screen.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

#[path = "../engine/terminal.rs"]
#[allow(dead_code, reason = "these tests use a part of it")]
mod terminal;
#[path = "../support/watching.rs"]
mod watching;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use yima::app::view::{Intent, Screen, View};
use yima::app::{Ending, Parts};
use yima::catalogue::Catalogue;
use yima::devices::reader::{CardReader, ReaderError};
use yima::devices::scanner::ScannerLine;
use yima::goods::table::Table;
use yima::money::{Amount, Currency};
use yima::payment::qr::Schedule;
use yima::payment::transaction::Kind;
use yima::receipt::{Receipt, transaction_code};
use yima::sandbox::host::Host;
use yima::sandbox::scanner::SandboxScanner;
use yima::sandbox::wallet::RunningWallets;
use yima::wording::ReasonKind;

use terminal::{Reversal, Running, Sale, Terminal, is_keypad};

const FULL: u64 = 1_000_000;

const LIMIT: Duration = Duration::from_secs(30);

const COLA: &str = "6901028075763";

/// A terminal with a scanner and some goods, and customers with phones.
struct Counter {
    terminal: Terminal,
    wallets: RunningWallets,
    scanner: SandboxScanner,
}

/// A reader in which no card ever is.
struct NoCard;

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

impl Counter {
    fn open() -> Self {
        let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
        let folder = terminal.folder.path();
        let host = Host::prepare(&folder.join("host")).unwrap();
        let wallets = RunningWallets::start(&host, ([127, 0, 0, 1], 0).into()).unwrap();
        let table = format!("number,barcode,name,price,unit,tax rate,favourite\n1,{COLA},Cola,3.50,piece,13%,yes\n");
        let mut catalogue = Catalogue::open(folder).unwrap();
        catalogue.import(&Table::read(table.as_bytes()).unwrap(), Currency::CNY).unwrap();
        let scanner = SandboxScanner::plugged_in(folder.join("scanner")).unwrap();
        Self { terminal, wallets, scanner }
    }

    /// An engine that listens to the scanner.
    fn start(&mut self) -> Running {
        let device = self.scanner.device().display().to_string();
        let mut running = self.terminal.start_with("unionpay-debit", |mut parts| {
            parts.codes.as_mut().unwrap().schedule = Schedule { enquiries_s: vec![0; 5], cancels_s: vec![0] };
            let scanner = Some(ScannerLine { device: device.clone(), baud: 9600 });
            Parts { scanner, reader: Box::new(NoCard), ..parts }
        });
        running.until("the keypad", is_keypad);
        self.is_heard(&mut running);
        running
    }

    /// Scans goods until they are in the cart, and leaves it empty: then the scanner is listened to.
    fn is_heard(&mut self, running: &mut Running) {
        let end = Instant::now() + LIMIT;
        loop {
            self.scanner.scan(COLA).unwrap();
            let heard = |view: &View| matches!(&view.screen, Screen::Cart(cart) if cart.count == 1);
            if see(running, Duration::from_millis(500), heard).is_some() {
                break;
            }
            assert!(Instant::now() < end, "the scanner is not heard");
        }
        // Scans that came before it was heard may follow.
        std::thread::sleep(Duration::from_millis(500));
        running.wish(Intent::Shop(yima::app::shop_view::ShopIntent::Empty));
        running.until("empty", |screen| matches!(screen, Screen::Cart(cart) if cart.count == 0));
        running.wish(Intent::ShowKeypad);
        running.until("the keypad", is_keypad);
    }

    fn code(&self) -> String {
        let request = reqwest::blocking::Client::new().post(format!("{}wallets/wallet-1/code", self.wallets.url()));
        let body = json!({ "form": "number" }).to_string();
        let response = request.header("Content-Type", "application/json").body(body).send().unwrap();
        let made: Value = serde_json::from_str(&response.text().unwrap()).unwrap();
        made["code"].as_str().unwrap().to_owned()
    }

    fn balance(&self) -> u64 {
        let response = reqwest::blocking::get(format!("{}wallets/wallet-1", self.wallets.url())).unwrap();
        let wallet: Value = serde_json::from_str(&response.text().unwrap()).unwrap();
        wallet["minor"].as_u64().unwrap()
    }
}

/// Waits for a view of this kind, as long as that.
fn see(running: &mut Running, limit: Duration, is: impl Fn(&View) -> bool) -> Option<View> {
    let end = Instant::now() + limit;
    loop {
        if let Some(view) = running.last.as_ref().filter(|view| is(view)) {
            return Some(view.clone());
        }
        running.last = Some(running.views.recv_timeout(end.saturating_duration_since(Instant::now())).ok()?);
    }
}

#[track_caller]
fn noted(running: &mut Running, kind: ReasonKind) -> View {
    see(running, LIMIT, |view| view.scan_note.as_ref().is_some_and(|note| note.kind == kind))
        .unwrap_or_else(|| panic!("{} was not said: {:?}", kind.word(), running.last))
}

fn asks_for_a_card(running: &mut Running, minor: u64) {
    running.wish(Intent::Charge(Amount::new(minor, Currency::CNY).unwrap()));
    running.until("card", |screen| matches!(screen, Screen::PresentCard { notice: None, .. }));
}

#[test]
fn a_code_that_is_scanned_where_the_customer_pays_is_paid_with_once_however_often_it_is_read() {
    let mut counter = Counter::open();
    let mut running = counter.start();
    asks_for_a_card(&mut running, 1234);
    let code = counter.code();
    counter.scanner.scan(&code).unwrap();
    counter.scanner.scan(&code).unwrap();
    running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    assert_eq!(running.last.as_ref().unwrap().kind, Kind::CodePayment);
    let report = loop {
        let report = running.report();
        if report.complete {
            break report;
        }
    };
    assert_eq!((report.ending, report.kind), (Ending::Approved, Kind::CodePayment));
    // Once more, where nothing is paid any more: nothing happens but a note.
    std::thread::sleep(Duration::from_millis(2100));
    counter.scanner.scan(&code).unwrap();
    noted(&mut running, ReasonKind::ScanNotHere);
    let paid: Vec<_> = counter.terminal.rows().into_iter().filter(|row| row.kind == Kind::CodePayment).collect();
    assert_eq!((paid.len(), counter.balance()), (1, FULL - 1234));
}

#[test]
fn a_payment_code_begins_no_payment_where_nothing_is_to_be_paid_and_is_shown_to_nobody() {
    let mut counter = Counter::open();
    let mut running = counter.start();
    let code = counter.code();
    counter.scanner.scan(&code).unwrap();
    let view = noted(&mut running, ReasonKind::ScanPaysLater);
    assert!(is_keypad(&view.screen) && !format!("{view:?}").contains(&code), "{view:?}");
    running.wish(Intent::Shop(yima::app::shop_view::ShopIntent::ShowCart));
    running.until("the cart", |screen| matches!(screen, Screen::Cart(_)));
    // Typed by a scanner that is a keyboard.
    running.wish(Intent::Shop(yima::app::shop_view::ShopIntent::Scan(code.clone())));
    let view = noted(&mut running, ReasonKind::ScanPaysLater);
    assert!(matches!(&view.screen, Screen::Cart(cart) if cart.count == 0 && cart.notice.is_none()), "{view:?}");
    assert!(counter.terminal.rows().is_empty() && counter.balance() == FULL);
    // The note goes by itself.
    assert!(see(&mut running, LIMIT, |view| view.scan_note.is_none()).is_some());
}

#[test]
fn noise_and_what_is_longer_than_any_code_are_nothing_and_the_next_scan_counts() {
    let mut counter = Counter::open();
    let mut running = counter.start();
    asks_for_a_card(&mut running, 1234);
    let code = counter.code();
    counter.scanner.send(b"\x00\xFFx\x1b[A\r").unwrap();
    counter.scanner.send(&[b'7'; 3000]).unwrap();
    counter.scanner.send(b"\r").unwrap();
    // A code whose head was lost is none, and the customer is asked for another one.
    counter.scanner.scan(&code[6..]).unwrap();
    running.until("not known", |screen| {
        matches!(screen, Screen::PresentCard { notice: Some(reason), .. } if reason.kind == ReasonKind::CodeUnknown)
    });
    counter.scanner.send(code.as_bytes()).unwrap();
    running.until("paid without a line's end", |screen| matches!(screen, Screen::Approved { .. }));
    assert_eq!(counter.balance(), FULL - 1234);
}

#[test]
fn one_that_is_pulled_out_and_put_back_is_heard_again_and_goods_come_twice_when_they_are_scanned_twice() {
    let mut counter = Counter::open();
    let mut running = counter.start();
    counter.scanner.pull_out();
    std::thread::sleep(Duration::from_millis(500));
    counter.scanner.plug_in().unwrap();
    counter.is_heard(&mut running);
    counter.scanner.scan(COLA).unwrap();
    std::thread::sleep(Duration::from_millis(600));
    counter.scanner.scan(COLA).unwrap();
    running.until("two", |screen| matches!(screen, Screen::Cart(cart) if cart.total.minor() == 700));
}

#[test]
fn a_receipt_opens_its_payment_in_the_list_and_nothing_elsewhere() {
    let mut counter = Counter::open();
    let mut running = counter.start();
    asks_for_a_card(&mut running, 1234);
    let code = counter.code();
    counter.scanner.scan(&code).unwrap();
    running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    let row = counter.terminal.ledger().history(None, 1).unwrap().rows.remove(0);
    let setup = yima::app::Setup {
        settings: yima::terminal::settings::Settings::default(),
        origin: yima::terminal::settings::Origin::default(),
        state: counter.terminal.folder.path().to_owned(),
    };
    let slip = setup.duplicate(Some(row.trace.batch), row.trace.stan, yima::receipt::CopyFor::Merchant).unwrap();
    let Receipt::Sale(slip) = slip else { panic!("a purchase") };
    let named = transaction_code(&slip);
    running.wish(Intent::NextCustomer);
    running.until("the keypad", is_keypad);
    counter.scanner.scan(&named).unwrap();
    noted(&mut running, ReasonKind::ScanNotHere);
    running.wish(Intent::ShowTransactions(0));
    running.until("the list", |screen| matches!(screen, Screen::Transactions { .. }));
    counter.scanner.scan(&named.replace("10000001", "10000002")).unwrap();
    noted(&mut running, ReasonKind::ScanNoReceipt);
    counter.scanner.scan(&named).unwrap();
    running
        .until("the payment", |screen| matches!(screen, Screen::Transaction(detail) if detail.row.trace == row.trace));
}
