//! A host that dies in the middle of a settlement, at any step, and starts again: what it has written down counts, and the batch is posted
//! once.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use yima::app::settlement_view::SettlementIntent;
use yima::app::view::Intent;
use yima::app::{Engine, Parts, Setup};
use yima::ledger::{Ledger, SettlementRow};
use yima::money::{Amount, Currency};
use yima::reference::Batch;
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::fault::{Faults, FaultyCard};
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::card::reader::SandboxReader;
use yima::sandbox::host::Host;
use yima::sandbox::host::settling::PostingKind;
use yima::settlement::closing::State;
use yima::terminal::link::LinkSettings;
use yima::terminal::settings::{Origin, Settings};

use super::line::{Line, Script};
use super::settling::{LIMIT, paid};
use super::terminal::{Running, is_keypad};
use super::watching::{Paper, Watching};

/// The host's own process. Dropping it kills it.
struct Process(Child);

impl Process {
    fn start(state: &Path, address: SocketAddr) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yima"));
        command.arg("--state").arg(state).args(["sandbox", "host", "--listen", &address.to_string()]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let end = Instant::now() + LIMIT;
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < end, "the host does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self(child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Town {
    folder: tempfile::TempDir,
    address: SocketAddr,
    host: Arc<Mutex<Option<Process>>>,
    script: Arc<Mutex<Script>>,
}

impl Town {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::prepare(&folder.path().join("sandbox/host")).unwrap();
        host.write_kit(&folder.path().join("identity")).unwrap();
        drop(host);
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let host = Arc::new(Mutex::new(Some(Process::start(folder.path(), address))));
        Self { folder, address, host, script: Arc::default() }
    }

    fn setup(&self) -> Setup {
        let link = LinkSettings { url: format!("https://{}", self.address), ..LinkSettings::default() };
        let settings = Settings { host: link, ..Settings::default() };
        Setup { settings, origin: Origin::default(), state: self.folder.path().to_owned() }
    }

    fn start(&self) -> Running {
        let setup = self.setup();
        let parts = setup.parts().unwrap();
        let card = CardProfile::shipped("unionpay-debit").unwrap();
        let card = SandboxCard::open(&card, &self.folder.path().join("sandbox/card")).unwrap();
        let inner = Arc::clone(&parts.link);
        let parts = Parts {
            reader: Box::new(SandboxReader::new(FaultyCard::new(card, Faults::default()), Duration::ZERO)),
            printer: Box::new(Paper::default()),
            sound: Box::new(yima::devices::sound::silent::Silent),
            link: Arc::new(Line { inner, script: Arc::clone(&self.script) }),
            ..parts
        };
        let (listener, views, reports) = Watching::new();
        Running { engine: Engine::start(parts, Box::new(listener)).unwrap(), views, reports, last: None }
    }

    fn ledger(&self) -> Ledger {
        self.setup().ledger_to_look_at(&self.setup().identity().unwrap()).unwrap().unwrap()
    }

    fn settled(&self, running: &Running, case: &str) -> SettlementRow {
        let end = Instant::now() + LIMIT;
        loop {
            let row = self.ledger().settlement(Batch::FIRST).unwrap();
            if let Some(row) = row.as_ref().filter(|row| !row.under_way.state.is_open()) {
                return row.clone();
            }
            assert!(Instant::now() < end, "{case}: {row:?}");
            std::thread::sleep(Duration::from_millis(100));
            if row.is_some_and(|row| row.tries > 0) {
                running.wish(Intent::Settlement(SettlementIntent::TryNow));
            }
        }
    }
}

#[test]
fn a_host_that_dies_at_any_step_and_starts_again_has_posted_the_batch_once() {
    // Compare, upload, end, read; the host is gone before the request comes, or some moments after.
    for step in 0..4 {
        for delay_ms in [None, Some(0), Some(4)] {
            let case = format!("step {step}, after {delay_ms:?} ms");
            let town = Town::new();
            let mut running = town.start();
            running.until("the keypad", is_keypad);
            for amount in ["1.00", "2.00"] {
                running.wish(Intent::Charge(Amount::parse(amount, Currency::CNY).unwrap()));
                paid(&mut running);
            }
            let books = rusqlite::Connection::open(town.folder.path().join("sandbox/host/host.sqlite3")).unwrap();
            books.busy_timeout(Duration::from_secs(5)).unwrap();
            let changed = books.execute("UPDATE entries SET booked = 250 WHERE amount = 200", []).unwrap();
            assert_eq!(changed, 1);
            drop(books);
            let (host, dies) = (Arc::clone(&town.host), delay_ms);
            town.script.lock().unwrap().before = Some(Box::new(move |number| {
                if number != step {
                    return;
                }
                let killed = Arc::clone(&host);
                let kill = move || drop(killed.lock().unwrap().take());
                match dies {
                    None => kill(),
                    Some(delay) => {
                        std::thread::spawn(move || {
                            std::thread::sleep(Duration::from_millis(delay));
                            kill();
                        });
                    }
                }
            }));
            running.wish(Intent::Settle { without_undecided: false });
            let end = Instant::now() + LIMIT;
            while town.host.lock().unwrap().is_some() {
                assert!(Instant::now() < end, "{case}: the step never came");
                std::thread::sleep(Duration::from_millis(5));
            }
            *town.host.lock().unwrap() = Some(Process::start(town.folder.path(), town.address));
            let row = town.settled(&running, &case);
            assert_eq!((row.under_way.state, row.closing.unwrap().gross_minor), (State::Closed, 350), "{case}");
            assert_eq!(town.ledger().settlement_differences(Batch::FIRST).unwrap().len(), 1, "{case}");
            let books = Host::prepare(&town.folder.path().join("sandbox/host")).unwrap();
            let postings = books.postings(&books.merchant_of("10000001").unwrap()).unwrap();
            let postings: Vec<_> = postings.iter().map(|posting| (posting.kind, posting.amount)).collect();
            assert_eq!(postings, [(PostingKind::Settlement, 350), (PostingKind::Fee, -1)], "{case}");
        }
    }
}
