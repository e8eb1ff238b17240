//! A terminal in a folder, its host, and engines that run on it: within the test, or in a process that can be killed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use yima::app::view::{Intent, LinkState, Screen, View};
use yima::app::{Ending, Engine, Parts, SaleReport, Setup};
use yima::devices::sound::silent::Silent;
use yima::iso8583::Order;
use yima::ledger::{AdviceRow, Ledger, TransactionRow};
use yima::money::{Amount, Currency};
use yima::payment::purpose::Purpose;
use yima::payment::transaction;
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::fault::{Faults, FaultyCard};
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::card::reader::SandboxReader;
use yima::sandbox::host::{Host, RunningHost};
use yima::terminal::link::LinkSettings;
use yima::terminal::settings::{Origin, Settings, SoundSettings};
use yima::wording::ReasonKind;

use crate::kinds::lead_to;
use crate::support::running::Running;
use crate::watching::{Paper, Watching};

/// What the account of the card holds at first, in minor units.
pub const FULL_ACCOUNT: u64 = 1_000_000;

/// Longer than anything takes that comes to an end: every wait of an engine for its next try is in it.
pub const LIMIT: Duration = Duration::from_secs(60);

/// How long a terminal waits for the host. What a fault loses is cut off; only one that comes late is waited for.
const CONNECT_TIMEOUT_S: u64 = 3;
const ANSWER_TIMEOUT_S: u64 = 3;

const CARD: &str = "unionpay-debit";

/// Where a killed terminal's own test finds what it is to do.
const CHILD_FOLDER: &str = "YIMA_FAULTS_FOLDER";
const CHILD_URL: &str = "YIMA_FAULTS_URL";
const CHILD_ACT: &str = "YIMA_FAULTS_ACT";

/// A terminal with its identity and card keys, and a host that knows it: made once, copied for each test.
static NEW: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::prepare(&folder.path().join("host")).unwrap();
    host.write_kit(&folder.path().join("identity")).unwrap();
    card_of(folder.path());
    folder
});

/// The same with working keys, so that the messages of a test are those it is about.
static SIGNED_ON: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    copy(NEW.path(), folder.path());
    let running = Host::prepare(&folder.path().join("host")).unwrap().start(([127, 0, 0, 1], 0).into()).unwrap();
    let settings = Settings { host: running.link_settings(), ..Settings::default() };
    Setup { settings, origin: Origin::default(), state: folder.path().to_owned() }.sign_on().unwrap();
    drop(running);
    folder
});

/// What somebody does at the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Nothing: it starts and looks for its host.
    Start,
    /// So many payments of this amount, one after the other.
    Pay { minor: u64, times: usize },
    /// Fetches the host's applications and CA keys by hand.
    Fetch,
    /// What leads to a transaction of this kind, and that.
    Do(transaction::Kind),
}

/// A folder with a terminal's state and a host's.
pub struct Premises {
    folder: tempfile::TempDir,
    pub host: RunningHost,
}

/// A terminal's state and the way to its host. Its engine may run here or in another process.
#[derive(Clone)]
pub struct Terminal {
    folder: PathBuf,
    url: String,
}

/// A terminal's ledger, to look at while an engine works on it.
pub struct Books<'a> {
    terminal: &'a Terminal,
    ledger: Option<Ledger>,
}

/// An engine that runs within the test.
pub struct Run {
    engine: Engine,
    views: Receiver<View>,
    reports: Receiver<SaleReport>,
    last: Option<View>,
}

impl Premises {
    /// A terminal that has signed on, with its host running.
    pub fn new() -> Self {
        Self::like(SIGNED_ON.path())
    }

    /// One that is to sign on first.
    pub fn without_working_keys() -> Self {
        Self::like(NEW.path())
    }

    fn like(model: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(model, folder.path());
        let host = Host::prepare(&folder.path().join("host")).unwrap();
        let host = host.start(([127, 0, 0, 1], 0).into()).unwrap();
        Self { folder, host }
    }

    /// Where the host's certificates are.
    pub fn pki(&self) -> PathBuf {
        self.folder.path().join("host/pki")
    }

    /// Where the terminal's keys and certificates are.
    pub fn kit(&self) -> PathBuf {
        self.folder.path().join("identity")
    }

    /// Puts a file where an integrator would: the host has it from now on.
    pub fn put_at_host(&self, name: &str, text: &str) {
        let folder = self.folder.path().join("host/parameters");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    }

    /// What the host wrote down that a terminal has taken: CA keys and applications, by their hashes.
    pub fn taken(&self) -> Option<(String, String)> {
        let books = rusqlite::Connection::open(self.folder.path().join("host/host.sqlite3")).unwrap();
        books
            .query_row("SELECT ca_keys, applications FROM parameters_taken", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .ok()
    }

    /// The same of the acquirer's tables: parameters and cards.
    pub fn tables_taken(&self) -> Option<(String, String)> {
        let books = rusqlite::Connection::open(self.folder.path().join("host/host.sqlite3")).unwrap();
        books.query_row("SELECT parameters, cards FROM tables_taken", [], |row| Ok((row.get(0)?, row.get(1)?))).ok()
    }

    /// What the card's account has paid, in minor units.
    pub fn charged(&self) -> i64 {
        let pan = &CardProfile::shipped(CARD).unwrap().applications[0].pan;
        FULL_ACCOUNT as i64 - self.host.balance(pan).unwrap().unwrap() as i64
    }

    /// What of the card's account is set aside, in minor units.
    pub fn held(&self) -> u64 {
        let pan = &CardProfile::shipped(CARD).unwrap().applications[0].pan;
        self.host.held(pan).unwrap().unwrap()
    }

    /// The terminal, with the host at this address.
    pub fn terminal(&self, url: String) -> Terminal {
        Terminal { folder: self.folder.path().to_owned(), url }
    }
}

impl Terminal {
    /// The settings, with everything they lead to.
    pub fn setup(&self) -> Setup {
        let host = LinkSettings {
            url: self.url.clone(),
            connect_timeout_s: CONNECT_TIMEOUT_S,
            answer_timeout_s: ANSWER_TIMEOUT_S,
            // Nothing goes over the line but what a test is about.
            watch_line: false,
            echo_interval_s: 0,
            ..LinkSettings::default()
        };
        let sound = SoundSettings { enabled: false, ..SoundSettings::default() };
        let settings = Settings { host, sound, ..Settings::default() };
        Setup { settings, origin: Origin::default(), state: self.folder.clone() }
    }

    /// Starts an engine here.
    pub fn start(&self) -> Run {
        let reader = SandboxReader::new(FaultyCard::new(card_of(&self.folder), Faults::default()), Duration::ZERO);
        let parts = Parts {
            reader: Box::new(reader),
            printer: Box::new(Paper::default()),
            sound: Box::new(Silent),
            ..self.setup().parts().unwrap()
        };
        let (listener, views, reports) = Watching::new();
        Run { engine: Engine::start(parts, Box::new(listener)).unwrap(), views, reports, last: None }
    }

    /// Starts a process that does this on the same folder and then stays, until it is killed.
    pub fn start_elsewhere(&self, act: Act) -> Running {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "terminal::a_terminal_to_be_killed", "--ignored", "--nocapture"])
            .env(CHILD_FOLDER, &self.folder)
            .env(CHILD_URL, &self.url)
            .env(CHILD_ACT, act.word())
            // The TLS library reads all authorities of the system for each link, though none of them is trusted here.
            .env("SSL_CERT_FILE", "/dev/null")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(self.folder.join("killed.log")).unwrap());
        Running::start("a terminal to be killed", &mut command)
    }

    /// What the killed process said.
    pub fn last_words(&self) -> String {
        std::fs::read_to_string(self.folder.join("killed.log")).unwrap_or_default()
    }

    /// Destroys the keys of all card numbers in the ledger, as a new enrolment does.
    pub fn forget_card_numbers(&self) {
        let ledger = rusqlite::Connection::open(self.folder.join("ledger.sqlite")).unwrap();
        assert!(ledger.execute("DELETE FROM pan_keys", []).unwrap() > 0);
    }

    /// Somebody who looks at the ledger.
    pub const fn books(&self) -> Books<'_> {
        Books { terminal: self, ledger: None }
    }
}

impl Books<'_> {
    /// The ledger; nothing while it has not been made.
    fn ledger(&mut self) -> Option<&Ledger> {
        if self.ledger.is_none() {
            let setup = self.terminal.setup();
            self.ledger = setup.ledger_to_look_at(&setup.identity().unwrap()).ok().flatten();
        }
        self.ledger.as_ref()
    }

    /// The rows, oldest first.
    pub fn rows(&mut self) -> Vec<TransactionRow> {
        let Some(ledger) = self.ledger() else { return Vec::new() };
        let mut rows = ledger.page(0, 10_000).unwrap_or_default();
        rows.reverse();
        rows
    }

    /// Advices the host does not have yet.
    pub fn advices(&mut self) -> Vec<AdviceRow> {
        self.ledger().map(|ledger| ledger.undelivered_advices().unwrap_or_default()).unwrap_or_default()
    }
}

impl Books<'_> {
    /// What the host ordered and the terminal has still to do.
    pub fn open_orders(&mut self) -> Vec<Order> {
        self.ledger().map(|ledger| ledger.open_orders().unwrap_or_default()).unwrap_or_default()
    }
}

impl Run {
    /// Waits until the line is what it should be.
    #[track_caller]
    pub fn until_line_is(&mut self, state: LinkState) {
        self.until(&format!("{state:?}"), |view| view.link == state);
    }

    #[track_caller]
    fn until(&mut self, what: &str, is: impl Fn(&View) -> bool) {
        let end = Instant::now() + LIMIT;
        while !self.last.as_ref().is_some_and(&is) {
            match self.views.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(view) => self.last = Some(view),
                Err(_) => panic!("waited in vain for {what}; last seen: {:?}", self.last),
            }
        }
    }

    /// Waits until a person is called; gives why.
    #[track_caller]
    pub fn until_alarm(&mut self) -> ReasonKind {
        let alarm = |view: &View| match &view.screen {
            Screen::Keypad { notice } => notice.as_ref().map(|reason| reason.kind),
            _ => None,
        };
        self.until("an alarm", |view| alarm(view).is_some());
        self.last.as_ref().and_then(alarm).unwrap()
    }

    /// Takes a payment to its end, and leaves its result.
    #[track_caller]
    pub fn pay(&mut self, minor: u64) -> SaleReport {
        self.carry_out(Purpose::Sale(Amount::new(minor, Currency::CNY).unwrap()))
    }

    /// Does something with the card to its end, and leaves its result.
    #[track_caller]
    pub fn carry_out(&mut self, purpose: Purpose) -> SaleReport {
        while self.reports.try_recv().is_ok() {}
        let intents = self.engine.intents();
        intents.send(Intent::Begin(purpose));
        let report = self.reports.recv_timeout(LIMIT).unwrap();
        intents.send(Intent::NextCustomer);
        report
    }

    /// The same by a cashier who tries again until it is paid: a terminal without keys, or with a host that names it wrongly,
    /// takes no payment until that is over.
    pub fn pay_at_last(&mut self, minor: u64) {
        let end = Instant::now() + LIMIT;
        while self.pay(minor).ending != Ending::Approved && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}

impl Act {
    fn word(self) -> String {
        match self {
            Self::Start => "start".to_owned(),
            Self::Pay { minor, times } => format!("pay {minor} {times}"),
            Self::Fetch => "fetch".to_owned(),
            Self::Do(kind) => format!("do {}", kind.word()),
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        match *word.split(' ').collect::<Vec<_>>() {
            ["start"] => Some(Self::Start),
            ["pay", minor, times] => Some(Self::Pay { minor: minor.parse().ok()?, times: times.parse().ok()? }),
            ["fetch"] => Some(Self::Fetch),
            ["do", kind] => transaction::Kind::from_word(kind).map(Self::Do),
            _ => None,
        }
    }

    /// Does it. What it starts is given back, to go on.
    pub fn carry_out(self, terminal: &Terminal) -> Option<Run> {
        match self {
            Self::Start => Some(terminal.start()),
            Self::Pay { minor, times } => {
                let mut run = terminal.start();
                for _ in 0..times {
                    run.until_line_is(LinkState::Online);
                    run.pay(minor);
                    until_told(terminal);
                }
                Some(run)
            }
            Self::Do(kind) => {
                let mut run = terminal.start();
                run.until_line_is(LinkState::Online);
                if let Some(purpose) = lead_to(kind, &mut run) {
                    until_told(terminal);
                    run.carry_out(purpose);
                }
                Some(run)
            }
            Self::Fetch => {
                // Its error is what the fault is about.
                let _ = terminal.setup().update_parameters();
                None
            }
        }
    }
}

/// Waits until each advice has been delivered, or has been tried in vain.
pub fn until_told(terminal: &Terminal) {
    let (mut books, end) = (terminal.books(), Instant::now() + LIMIT);
    while books.advices().iter().any(|advice| advice.tries == 0) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn card_of(state: &Path) -> SandboxCard {
    SandboxCard::open(&CardProfile::shipped(CARD).unwrap(), &state.join("sandbox/card")).unwrap()
}

/// Copies what is in a folder, with the files' modes.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// Not a test: the process that [`Terminal::start_elsewhere`] starts. It never ends by itself.
#[test]
#[ignore = "started and killed by the fault matrix"]
fn a_terminal_to_be_killed() {
    let value = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} says what this terminal is to do"));
    let terminal = Terminal { folder: value(CHILD_FOLDER).into(), url: value(CHILD_URL) };
    let running = Act::from_word(&value(CHILD_ACT)).unwrap().carry_out(&terminal);
    std::thread::sleep(LIMIT);
    drop(running);
    panic!("nobody killed this terminal");
}
