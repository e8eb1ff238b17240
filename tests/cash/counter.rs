//! A counter where cash is taken, with a drawer at a printer that is a pty; sales at it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use yima::app::cash_view::{CashFor, CashIntent, CashStage, CashView, DrawerView};
use yima::app::shop_view::ShopIntent;
use yima::app::view::{CopyState, Detail, Intent, RowKind, Screen};
use yima::app::{Parts, Setup};
use yima::catalogue::Catalogue;
use yima::devices::printer::escpos_serial::{FlowControl, SerialPrinter, SerialSettings};
use yima::devices::sound::silent::Silent;
use yima::goods::table::Table;
use yima::money::{Amount, Currency};
use yima::payment::cash::CashKind;
use yima::payment::purpose::Purpose;
use yima::receipt::PrinterProfile;
use yima::reference::TraceNumber;
use yima::sandbox::printer::{PrinterSettings, RunningPrinter, SandboxPrinter};
use yima::terminal::settings::{Origin, Settings};
use yima::wording::ReasonKind;

use crate::terminal::{Check, Reversal, Running, Sale, Terminal, is_keypad};

/// See the module.
pub struct Counter {
    pub terminal: Terminal,
    pub printer: Arc<RunningPrinter>,
}

impl Counter {
    pub fn open() -> Self {
        let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
        let settings = PrinterSettings {
            link: Some(terminal.folder.path().join("printer")),
            ..PrinterSettings::new(terminal.folder.path().join("receipts"))
        };
        Self { terminal, printer: Arc::new(SandboxPrinter::start(settings).unwrap()) }
    }

    /// Cash is taken, and the printer is the pty's.
    pub fn parts(&self, parts: Parts) -> Parts {
        let profile = PrinterProfile::shipped("generic-58").unwrap();
        let device = self.printer.device().display().to_string();
        let line = SerialSettings { flow_control: FlowControl::None, ..SerialSettings::of_device(device) };
        Parts {
            cash: true,
            printer: Box::new(SerialPrinter::new(line, profile.clone())),
            printer_profile: profile,
            ..parts
        }
    }

    /// The parts of a terminal as its settings make them.
    pub fn usual_parts(&self) -> Parts {
        let settings = Settings { host: self.terminal.host.link_settings(), ..Settings::default() };
        let state = self.terminal.folder.path().to_owned();
        let setup = Setup { settings, origin: Origin::default(), state };
        Parts { sound: Box::new(Silent), ..setup.parts().unwrap() }
    }

    pub fn start(&self) -> Running {
        let mut running = self.terminal.start_with("unionpay-debit", |parts| self.parts(parts));
        running.until("the keypad", is_keypad);
        running
    }

    /// What stands on the slips so far.
    pub fn slips(&self) -> Vec<String> {
        self.printer
            .receipts()
            .iter()
            .map(|picture| std::fs::read_to_string(picture.with_extension("txt")).unwrap())
            .collect()
    }

    #[track_caller]
    pub fn until_slips(&self, count: usize) -> Vec<String> {
        let end = Instant::now() + Duration::from_secs(30);
        while self.printer.receipts().len() < count {
            assert!(Instant::now() < end, "{count} slips never came out: {:?}", self.slips());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.slips()
    }
}

pub fn yuan(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

/// Waits for what is shown of cash.
#[track_caller]
pub fn until_cash(running: &mut Running, what: &str, is: impl Fn(&CashView) -> bool) -> CashView {
    match running.until(what, |screen| matches!(screen, Screen::Cash(view) if is(view))) {
        Screen::Cash(view) => *view,
        screen => panic!("{screen:?}"),
    }
}

#[track_caller]
pub fn ask(running: &mut Running, what: CashFor) -> CashView {
    running.wish(Intent::Cash(CashIntent::Begin(what)));
    until_cash(running, "asked", |view| matches!(view.stage, CashStage::Asks { .. }))
}

/// Waits until something in cash is over, drawer and slips as well.
#[track_caller]
pub fn until_done(running: &mut Running) -> (TraceNumber, Option<Amount>, DrawerView) {
    let under_way = |state: &CopyState| matches!(state, CopyState::Queued | CopyState::Sending | CopyState::Waiting(_));
    let is_over = |view: &CashView| match &view.stage {
        CashStage::Asks { .. } => false,
        CashStage::Done { drawer, copies, .. } => {
            *drawer != DrawerView::Opening && !copies.is_empty() && !copies.iter().any(|copy| under_way(&copy.state))
        }
    };
    match until_cash(running, "done", is_over).stage {
        CashStage::Done { trace, change, drawer, .. } => (trace, change, drawer),
        stage => panic!("{stage:?}"),
    }
}

#[track_caller]
pub fn sell(running: &mut Running, due: u64, given: u64) -> (TraceNumber, Option<Amount>, DrawerView) {
    ask(running, CashFor::Amount(yuan(due)));
    running.wish(Intent::Cash(CashIntent::Take(yuan(given))));
    let done = until_done(running);
    running.wish(Intent::NextCustomer);
    running.until("the keypad", is_keypad);
    done
}

#[track_caller]
fn detail(running: &mut Running, trace: TraceNumber) -> Detail {
    running.wish(Intent::ShowTransaction(trace));
    match running.until("one", |screen| matches!(screen, Screen::Transaction(detail) if detail.row.trace == trace)) {
        Screen::Transaction(detail) => *detail,
        screen => panic!("{screen:?}"),
    }
}

#[test]
fn a_sale_is_asked_for_gives_change_and_prints_a_slip_of_its_own_kind() {
    let counter = Counter::open();
    let mut running = counter.start();
    let asked = ask(&mut running, CashFor::Amount(yuan(1234)));
    let CashStage::Asks { likely, notice: None } = &asked.stage else { panic!("{asked:?}") };
    assert_eq!(likely.iter().map(|amount| amount.minor()).collect::<Vec<_>>(), [1500, 2000, 5000, 10_000]);
    // Too little is not taken, and nothing is written down.
    running.wish(Intent::Cash(CashIntent::Take(yuan(1233))));
    let refused = until_cash(
        &mut running,
        "refused",
        |view| matches!(&view.stage, CashStage::Asks { notice: Some(reason), .. } if reason.kind == ReasonKind::CashTooLittle),
    );
    assert_eq!((refused.amount, counter.terminal.ledger().count_cash_rows().unwrap()), (yuan(1234), 0));
    running.wish(Intent::Cash(CashIntent::Take(yuan(2000))));
    let (trace, change, drawer) = until_done(&mut running);
    assert_eq!((change, drawer), (Some(yuan(766)), DrawerView::Opened));
    let slip = counter.until_slips(1).remove(0);
    assert!(slip.contains("现金收据") && slip.contains("找零") && slip.contains("7.66"), "{slip}");
    assert!(slip.contains(&trace.to_string()) && !slip.contains("卡号"), "{slip}");
    // A second touch takes nothing more.
    running.wish(Intent::Cash(CashIntent::Take(yuan(2000))));
    running.wish(Intent::NextCustomer);
    running.until("the keypad", is_keypad);
    let row = counter.terminal.ledger().cash(trace).unwrap().unwrap();
    assert_eq!(
        (row.amount, row.given, counter.terminal.ledger().count_cash_rows().unwrap()),
        (yuan(1234), Some(yuan(2000)), 1)
    );
    assert!(counter.terminal.rows().is_empty(), "no payment has begun");
}

#[test]
fn cash_is_taken_while_the_host_is_away_and_nowhere_that_it_is_not_wanted() {
    let counter = Counter::open();
    counter.terminal.behaviour.lock().unwrap().check = Check::NotReached;
    let mut running = counter.start();
    assert_eq!(sell(&mut running, 500, 500).1, Some(yuan(0)));
    drop(running);
    let mut running =
        counter.terminal.start_with("unionpay-debit", |parts| Parts { cash: false, ..counter.parts(parts) });
    running.until("the keypad", is_keypad);
    assert!(!running.last.as_ref().unwrap().shop.cash);
    running.wish(Intent::Cash(CashIntent::Begin(CashFor::Amount(yuan(500)))));
    running.wish(Intent::Cash(CashIntent::Take(yuan(500))));
    running.wish(Intent::ShowTransactions(0));
    running.until("the list", |screen| matches!(screen, Screen::Transactions { .. }));
    assert_eq!(counter.terminal.ledger().count_cash_rows().unwrap(), 1);
}

#[test]
fn a_cart_is_paid_in_cash_or_still_there_when_nobody_does() {
    let counter = Counter::open();
    let mut catalogue = Catalogue::open(counter.terminal.folder.path()).unwrap();
    let table = "number,barcode,name,price,unit,tax rate,favourite\n1,6901028075763,Cola,3.50,piece,13%,yes\n";
    catalogue.import(&Table::read(table.as_bytes()).unwrap(), Currency::CNY).unwrap();
    let mut running = counter.start();
    running.wish(Intent::Shop(ShopIntent::Scan("6901028075763".to_owned())));
    running.until("the cart", |screen| matches!(screen, Screen::Cart(cart) if cart.count == 1));
    assert_eq!(ask(&mut running, CashFor::Cart).amount, yuan(350));
    running.wish(Intent::Cash(CashIntent::Leave));
    running.until("the cart", |screen| matches!(screen, Screen::Cart(cart) if cart.count == 1));
    ask(&mut running, CashFor::Cart);
    running.wish(Intent::Cash(CashIntent::Take(yuan(1000))));
    let (trace, change, _) = until_done(&mut running);
    assert_eq!((change, running.last.as_ref().unwrap().shop.in_cart), (Some(yuan(650)), 0));
    let sold = counter.terminal.ledger().sold_in(trace).unwrap();
    assert_eq!((sold.len(), sold[0].name.as_str()), (1, "Cola"));
    assert!(counter.until_slips(1)[0].contains("Cola"));
}

#[test]
fn what_goes_back_is_found_in_the_list_and_never_more_than_was_paid() {
    let counter = Counter::open();
    let mut running = counter.start();
    let (sale, ..) = sell(&mut running, 1000, 1000);
    running.wish(Intent::ShowTransactions(0));
    let Screen::Transactions { rows, count_today, total_today, .. } =
        running.until("the list", |screen| matches!(screen, Screen::Transactions { .. }))
    else {
        panic!("no list")
    };
    assert_eq!((rows.len(), rows[0].kind, rows[0].trace), (1, RowKind::Cash(CashKind::Sale), sale));
    assert_eq!((count_today, total_today), (1, yuan(1000)));
    let shown = detail(&mut running, sale);
    assert_eq!((shown.can_refund, shown.can_undo, shown.whole), (true, false, Some(yuan(1000))));
    running.wish(Intent::Begin(Purpose::Refund(sale, Some(yuan(400)))));
    let (refund, change, drawer) = until_done(&mut running);
    assert_eq!((change, drawer), (None, DrawerView::Opened));
    let slips = counter.until_slips(3);
    assert!(slips[1].contains("现金退款单") && slips[1].contains("顾客签名"), "{}", slips[1]);
    assert!(slips[2].contains("顾客存根") && slips[2].contains(&sale.stan.to_string()), "{}", slips[2]);
    assert!(!detail(&mut running, refund).can_refund, "what went back does not come again");
    assert_eq!(detail(&mut running, sale).most, Some(yuan(600)));
    running.wish(Intent::Begin(Purpose::Refund(sale, Some(yuan(601)))));
    let notice = running.until("refused", |screen| matches!(screen, Screen::Keypad { notice: Some(_) }));
    assert_eq!(crate::terminal::notice_kind(&notice), Some(ReasonKind::CashRefused));
    running.wish(Intent::Begin(Purpose::Refund(sale, None)));
    until_done(&mut running);
    assert!(!detail(&mut running, sale).can_refund);
    assert_eq!(counter.printer.drawer_kicks(), 3, "one for the sale, one for each refund");
}
