//! A terminal in a folder that listens to tills: engine, ledger, card and HTTPS host are real.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use yima::app::view::{Intent, View};
use yima::app::{Attendant, Engine, Parts, SaleReport, Setup};
use yima::ledger::{Ledger, TransactionRow};
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::fault::{Faults, FaultyCard};
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::card::reader::SandboxReader;
use yima::sandbox::host::store::Entry;
use yima::sandbox::host::{Host, RunningHost};
use yima::terminal::settings::{Origin, Settings};
use yima::terminal::till::Listen;
use yima::till_keys::TillKeys;
use yima::till_server::{RunningTills, start_engine};

use super::client::{Place, Till};
use super::watching::{Paper, Watching};

/// A customer who comes at once.
pub const AT_ONCE: Duration = Duration::ZERO;

/// A customer who does not come while the test lasts.
pub const NEVER: Duration = Duration::from_secs(600);

/// See the module.
pub struct Terminal {
    pub folder: tempfile::TempDir,
    pub host: RunningHost,
    pub setup: Setup,
}

/// One that runs.
pub struct Running {
    pub views: Receiver<View>,
    _reports: Receiver<SaleReport>,
    // In this order they end.
    pub engine: Engine,
    pub tills: RunningTills,
}

impl Terminal {
    /// Listens on a socket in its folder.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listen = format!("unix:{}", folder.path().join("till.sock").display());
        Self::listening(folder, listen)
    }

    /// Listens on any free port.
    pub fn on_address() -> Self {
        Self::listening(tempfile::tempdir().unwrap(), "127.0.0.1:0".to_owned())
    }

    fn listening(folder: tempfile::TempDir, listen: String) -> Self {
        let host = Host::prepare(&folder.path().join("host")).unwrap();
        host.write_kit(&folder.path().join("identity")).unwrap();
        let host = host.start(([127, 0, 0, 1], 0).into()).unwrap();
        let mut settings = Settings { host: host.link_settings(), ..Settings::default() };
        settings.host.answer_timeout_s = 20;
        settings.settlement.at = String::new();
        settings.till.listen = listen;
        let setup = Setup { settings, origin: Origin::default(), state: folder.path().to_owned() };
        Self { folder, host, setup }
    }

    /// Runs with a customer who comes so long after being asked.
    pub fn start(&self, customer: Duration) -> Running {
        self.start_as(customer, Attendant::Known(None))
    }

    /// The same with whoever is at it.
    pub fn start_as(&self, customer: Duration, attendant: Attendant) -> Running {
        self.start_with(customer, "unionpay-debit", |mut parts| {
            parts.staff.attendant = attendant;
            parts
        })
    }

    /// The same with another card, and with parts that are not quite the usual ones.
    pub fn start_with(&self, customer: Duration, card: &str, change: impl FnOnce(Parts) -> Parts) -> Running {
        let profile = CardProfile::shipped(card).unwrap();
        let card = SandboxCard::open(&profile, &self.folder.path().join("sandbox/card")).unwrap();
        let reader = SandboxReader::new(FaultyCard::new(card, Faults::default()), customer);
        let parts = change(Parts {
            reader: Box::new(reader),
            printer: Box::new(Paper::default()),
            sound: Box::new(yima::devices::sound::silent::Silent),
            ..self.setup.parts().unwrap()
        });
        let (listener, views, reports) = Watching::new();
        let (engine, tills) = start_engine(&self.setup, parts, Box::new(listener)).unwrap();
        Running { views, _reports: reports, engine, tills: tills.unwrap().unwrap() }
    }

    /// A pairing code for a till of this name.
    pub fn code(&self, name: &str) -> String {
        let mut keys = TillKeys::open(&self.setup.state).unwrap();
        let code = keys.begin_pairing(&name.parse().unwrap(), jiff::Timestamp::now()).unwrap();
        code.expose().to_owned()
    }

    /// What the host has of payments of so much.
    pub fn at_host(&self, minor: u64) -> Vec<Entry> {
        let mut entries = self.host.ledger().unwrap();
        entries.retain(|entry| entry.amount.minor() == minor);
        entries
    }

    /// The terminal's own rows, newest first.
    pub fn rows(&self) -> Vec<TransactionRow> {
        self.ledger().page(0, 100).unwrap()
    }

    pub fn ledger(&self) -> Ledger {
        self.setup.ledger_to_look_at(&self.setup.identity().unwrap()).unwrap().unwrap()
    }
}

impl Running {
    pub fn place(&self) -> Place {
        match self.tills.place() {
            Listen::Unix(path) => Place::Socket(PathBuf::from(path)),
            Listen::Loopback(address) => Place::Address(*address),
        }
    }

    /// A till of this name.
    pub fn till(&self, terminal: &Terminal, name: &str) -> Till {
        Till::pair(self.place(), &terminal.code(name))
    }

    pub fn wish(&self, intent: Intent) {
        self.engine.intents().send(intent);
    }

    /// Waits for something to be seen.
    #[track_caller]
    pub fn until(&self, what: &str, is: impl Fn(&View) -> bool) -> View {
        loop {
            match self.views.recv_timeout(super::client::LIMIT) {
                Ok(view) if is(&view) => return view,
                Ok(_) => {}
                Err(error) => panic!("{what} was never shown: {error}"),
            }
        }
    }
}
