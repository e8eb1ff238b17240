//! The terminal, in a process of its own: engine, ledger, keys and link of the program, its touchscreen on a display in memory,
//! and a cashier and cardholders who never look up.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use i_slint_backend_testing::ElementQuery;
use yima::app::view::{Intent, LinkState, Screen, View};
use yima::app::{Engine, Listener, Parts, SaleReport, Setup};
use yima::devices::printer::{Confirmation, PrintFailure, Printer, PrinterFault};
use yima::devices::sound::silent::Silent;
use yima::money::{Amount, Currency};
use yima::payment::entry::CardBy;
use yima::payment::purpose::Purpose;
use yima::pin::Pin;
use yima::terminal::link::LinkSettings;
use yima::terminal::settings::{Origin, Settings, SoundSettings, StripeSettings};
use yima::ui::WindowOptions;
use yima::wording::Language;
use zeroize::Zeroizing;

use crate::customers::Customer;
use crate::platform::Bench;
use crate::search;
use crate::socket::{SocketReader, TypingHand};

/// Where the process finds what it is to do.
pub const FOLDER: &str = "YIMA_MARKED_FOLDER";
pub const URL: &str = "YIMA_MARKED_URL";
pub const SALES: &str = "YIMA_MARKED_SALES";
pub const PLANTED: &str = "YIMA_MARKED_PLANTED";

/// What it says when everything is done.
pub const DONE: &str = "everything is done";

/// Files of the folder `seen`.
pub const LOG: &str = "log";
pub const SLIPS: &str = "slips";
pub const SCREEN: &str = "screen";
pub const SUMMARY: &str = "summary";

/// The reader of stripes, in the folder.
pub const STRIPE: &str = "stripe";

/// Longer than anything takes that comes to an end.
const LIMIT: Duration = Duration::from_secs(60);

/// The settings, with everything they lead to.
pub fn setup(folder: &Path, url: &str) -> Setup {
    let host = LinkSettings {
        url: url.to_owned(),
        connect_timeout_s: 10,
        answer_timeout_s: 20,
        watch_line: false,
        echo_interval_s: 0,
        ..LinkSettings::default()
    };
    let sound = SoundSettings { enabled: false, ..SoundSettings::default() };
    let stripe = StripeSettings {
        device: folder.join(STRIPE).to_str().unwrap().to_owned(),
        typed: vec!["sale".to_owned()],
        ..StripeSettings::default()
    };
    let settings = Settings { host, sound, stripe, ..Settings::default() };
    Setup { settings, origin: Origin::default(), state: folder.join("terminal") }
}

/// Not a test: the process that is searched. It never ends by itself.
#[test]
#[ignore = "started, searched and killed by the other tests"]
fn a_terminal_to_be_searched() {
    let value = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} says what this terminal is to do"));
    let folder = PathBuf::from(value(FOLDER));
    if let Ok(planted) = std::env::var(PLANTED) {
        let forms = search::forms(&planted);
        std::fs::write(
            folder.join("terminal/planted"),
            forms.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>(),
        )
        .unwrap();
        println!("{DONE}");
        std::thread::sleep(LIMIT);
        panic!("nobody killed this terminal, which holds {} forms", forms.len());
    }
    let log = Mutex::new(File::create(folder.join("seen").join(LOG)).unwrap());
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(log).init();
    let trade = Trade::begin(&folder, &value(URL));
    let _still_running = trade.make(value(SALES).parse().unwrap());
    println!("{DONE}");
    std::thread::sleep(LIMIT * 10);
    panic!("nobody killed this terminal");
}

/// Everything that is needed to trade.
struct Trade {
    engine: Engine,
    views: Receiver<View>,
    reports: Receiver<SaleReport>,
    sale: Arc<AtomicUsize>,
    hand: TypingHand,
    bench: Bench,
    screen: File,
    summary: PathBuf,
    last: Option<View>,
}

impl Trade {
    fn begin(folder: &Path, url: &str) -> Self {
        let sale = Arc::new(AtomicUsize::new(0));
        let seen = folder.join("seen");
        let setup = setup(folder, url);
        let parts = Parts {
            reader: Box::new(SocketReader::new(&folder.join("reader"), Arc::clone(&sale))),
            printer: Box::new(Paper(File::create(seen.join(SLIPS)).unwrap())),
            sound: Box::new(Silent),
            screen_pad: true,
            ..setup.parts().unwrap()
        };
        let ((to_views, views), (to_reports, reports)) = (channel(), channel());
        let engine = Engine::start(parts, Box::new(Ears { views: to_views, reports: to_reports })).unwrap();
        let bench = Bench::open(WindowOptions { language: Language::English, ..WindowOptions::default() });
        let screen = File::create(seen.join(SCREEN)).unwrap();
        let hand = TypingHand::new(&folder.join("reader"));
        Self { engine, views, reports, sale, hand, bench, screen, summary: seen.join(SUMMARY), last: None }
    }

    /// Makes so many sales, one after the other, and waits until nothing is left to do.
    fn make(mut self, sales: usize) -> Self {
        let mut endings: BTreeMap<&str, usize> = BTreeMap::new();
        self.until("the host", |view| view.link == LinkState::Online);
        for sale in 0..sales {
            self.sale.store(sale, Ordering::SeqCst);
            while self.reports.try_recv().is_ok() {}
            let amount = Amount::new(100 + sale as u64, Currency::CNY).unwrap();
            self.engine.intents().send(match Customer::of(sale) {
                Customer::IsTyped => Intent::Begin(Purpose::By(CardBy::Typed, Box::new(Purpose::Sale(amount)))),
                _ => Intent::Charge(amount),
            });
            let report = self.until_reported();
            *endings.entry(report.ending.word()).or_default() += 1;
            writeln!(self.screen, "{report:?}").unwrap();
            self.look();
            self.engine.intents().send(Intent::NextCustomer);
        }
        self.until("an empty queue", |view| view.waiting == 0 && view.queued == 0);
        self.engine.intents().send(Intent::ShowTransactions(0));
        self.until("the list", |view| matches!(view.screen, Screen::Transactions { .. }));
        self.look();
        self.engine.intents().send(Intent::ShowKeypad);
        self.until("the keypad", |view| matches!(view.screen, Screen::Keypad { .. }));
        std::fs::write(&self.summary, format!("{endings:?}")).unwrap();
        self
    }

    /// Waits for the end of the sale that runs. Whoever is asked for a PIN types one.
    fn until_reported(&mut self) -> SaleReport {
        let end = Instant::now() + LIMIT;
        let mut wrong = Customer::of(self.sale.load(Ordering::SeqCst)) == Customer::WrongPin;
        let (mut asked, mut typed) = (false, false);
        loop {
            if let Ok(report) = self.reports.try_recv()
                && report.complete
            {
                // What is shown with it.
                while let Ok(view) = self.views.try_recv() {
                    self.show(view);
                }
                return report;
            }
            assert!(Instant::now() < end, "sale {} does not end: {:?}", self.sale.load(Ordering::SeqCst), self.last);
            let Ok(view) = self.views.recv_timeout(Duration::from_millis(5)) else { continue };
            let asks = matches!(view.screen, Screen::EnterPin { .. });
            if asks && !asked {
                let pin = if std::mem::take(&mut wrong) { b"4321" } else { b"1234" };
                self.engine.intents().send(Intent::EnterPin(Pin::new(Zeroizing::new(pin.to_vec())).unwrap()));
            }
            asked = asks;
            if matches!(view.screen, Screen::TypeNumber { .. }) && !std::mem::replace(&mut typed, true) {
                let card = self.hand.reads(self.sale.load(Ordering::SeqCst));
                self.engine.intents().send(Intent::NumberTyped(Ok(card)));
            }
            self.show(view);
        }
    }

    fn until(&mut self, what: &str, is: impl Fn(&View) -> bool) {
        let end = Instant::now() + LIMIT;
        while !self.last.as_ref().is_some_and(&is) {
            match self.views.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(view) => self.show(view),
                Err(_) => panic!("waited in vain for {what}; last seen: {:?}", self.last),
            }
        }
    }

    /// On the screen, and as it would be in a log.
    fn show(&mut self, view: View) {
        writeln!(self.screen, "{view:?}").unwrap();
        self.last = Some(view.clone());
        self.bench.show(view);
    }

    /// Writes down every word on the screen.
    fn look(&mut self) {
        for element in ElementQuery::from_root(self.bench.screen.window()).find_all() {
            for said in [element.accessible_label(), element.accessible_value(), element.accessible_placeholder_text()]
            {
                if let Some(said) = said.filter(|said| !said.is_empty()) {
                    writeln!(self.screen, "{said}").unwrap();
                }
            }
        }
    }
}

/// Hands on what the engine shows and reports.
struct Ears {
    views: Sender<View>,
    reports: Sender<SaleReport>,
}

impl Listener for Ears {
    fn show(&mut self, view: &View) {
        let _ = self.views.send(view.clone());
    }

    fn report(&mut self, report: &SaleReport) {
        let _ = self.reports.send(report.clone());
    }
}

/// A printer of endless paper.
struct Paper(File);

impl Printer for Paper {
    fn name(&self) -> String {
        "paper".to_owned()
    }

    fn check(&mut self) -> Result<(), PrinterFault> {
        Ok(())
    }

    fn print(
        &mut self,
        job: &[u8],
        _: Duration,
        _: &mut dyn FnMut(Option<PrinterFault>),
    ) -> Result<Confirmation, PrintFailure> {
        self.0.write_all(job).unwrap();
        Ok(Confirmation::Printed)
    }
}
