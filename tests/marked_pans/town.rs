//! Host, cards and a folder for a terminal, all in the test's process but the terminal.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use yima::app::Setup;
use yima::card_number::Pan;
use yima::ledger::Adopted;
use yima::payment::record::State;
use yima::reference::Batch;
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::fault::{FaultyCard, Reaction};
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::host::store::Store;
use yima::sandbox::host::{DEFAULT_TERMINAL, Host, RunningHost};
use yima::sandbox::stripe::{SandboxStripeReader, StripeCard};

use crate::customers::{Customer, number};
use crate::running::Running;
use crate::search::{Hit, Search};
use crate::socket::{ANSWER, CARD, SILENCE, TORN, hear, say};
use crate::terminal;

/// See the module.
pub struct Town {
    folder: tempfile::TempDir,
    host: RunningHost,
    cards: Arc<Cards>,
}

/// What is known on the other side of the reader.
#[derive(Default)]
struct Cards {
    /// Sales whose card has answered at least one command.
    served: Mutex<BTreeSet<usize>>,
    /// The terminal's process.
    terminal: AtomicU32,
    /// Numbers that its memory held while the first card was in.
    held: Mutex<Vec<Hit>>,
}

impl Town {
    /// Nobody has paid yet. In memory, where the machine has room there: nothing here is about disks.
    pub fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let room = nix::sys::statvfs::statvfs(memory)
            .is_ok_and(|space| (space.blocks_available() * space.fragment_size()) >> 30 > 0);
        let folder = if room { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() };
        let host = Host::prepare(&folder.path().join("host")).unwrap();
        let state = folder.path().join("terminal");
        host.write_kit(&state.join("identity")).unwrap();
        std::fs::create_dir_all(folder.path().join("seen")).unwrap();
        // The terminal trusts the authority of these cards.
        let cards = folder.path().join("cards");
        SandboxCard::open(&CardProfile::shipped("unionpay-debit").unwrap(), &cards).unwrap();
        let key = state.join("sandbox/card/capk.toml");
        std::fs::create_dir_all(key.parent().unwrap()).unwrap();
        std::fs::copy(cards.join("capk.toml"), key).unwrap();
        let running = host.start(([127, 0, 0, 1], 0).into()).unwrap();
        let known: Arc<Cards> = Arc::default();
        let listener = UnixListener::bind(folder.path().join("reader")).unwrap();
        let serving = Arc::clone(&known);
        let stripes = SandboxStripeReader::plugged_in(folder.path().join(terminal::STRIPE)).unwrap();
        std::thread::spawn(move || {
            let (reader, _) = listener.accept().unwrap();
            let (hand, _) = listener.accept().unwrap();
            let (accounts, typing) = (host.service().unwrap(), Arc::clone(&serving));
            std::thread::spawn(move || show_numbers(hand, &accounts.store, &typing));
            serve(reader, stripes, &cards, &host, &serving);
        });
        Self { folder, host: running, cards: known }
    }

    /// The terminal's state directory.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("terminal")
    }

    /// Where the terminal's log, slips, screens and reports are.
    pub fn seen(&self) -> PathBuf {
        self.folder.path().join("seen")
    }

    /// Starts the terminal and waits until it has made these sales and told the host everything. It goes on running.
    pub fn start_terminal(&self, sales: usize, planted: Option<String>) -> Running {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "terminal::a_terminal_to_be_searched", "--ignored", "--nocapture"])
            .env(terminal::FOLDER, self.folder.path())
            .env(terminal::URL, self.host.link_settings().url)
            .env(terminal::SALES, sales.to_string())
            .env("SSL_CERT_FILE", "/dev/null")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(self.seen().join("stderr")).unwrap());
        if let Some(planted) = planted {
            command.env(terminal::PLANTED, planted);
        }
        let mut terminal = Running::start("a terminal to be searched", &mut command);
        self.cards.terminal.store(terminal.id(), Ordering::SeqCst);
        let mut lines = BufReader::new(terminal.child().stdout.take().unwrap()).lines().map_while(Result::ok);
        let done = lines.any(|line| line.contains(terminal::DONE));
        assert!(done, "the terminal ended: {}", std::fs::read_to_string(self.seen().join("stderr")).unwrap());
        // Whatever it is about to free is freed.
        std::thread::sleep(Duration::from_millis(500));
        terminal
    }

    /// How sales ended, as the terminal counted them.
    pub fn summary(&self) -> String {
        std::fs::read_to_string(self.seen().join(terminal::SUMMARY)).unwrap()
    }

    /// A search that finds nothing says something only if there was something: nearly every card was read, the host knows
    /// the payments, and every kind of end was there.
    pub fn check_that_numbers_passed(&self, sales: usize) {
        let held = self.cards.held.lock().unwrap().len();
        assert!(held > 0, "while a card is in, its number is in the memory, and the search sees it");
        let served = self.cards.served.lock().unwrap().len();
        assert!(served > sales * 9 / 10, "{served} cards were read");
        let asked = self.host.ledger().unwrap();
        assert!(asked.len() > sales / 2, "the host was asked {} times", asked.len());
        for entry in ["by its stripe", "its number typed"] {
            let of_this = asked.iter().filter(|asked| asked.reason.contains(entry)).count();
            assert!(of_this > sales / 20, "{of_this} cards {entry}");
        }
        let summary = self.summary();
        for ending in ["approved", "declined", "reversed", "error"] {
            assert!(summary.contains(ending), "{ending}: {summary}");
        }
        let log = std::fs::read_to_string(self.seen().join(terminal::LOG)).unwrap();
        assert!(log.matches("recorded").count() > sales, "the log tells of them");
        let screen = std::fs::read_to_string(self.seen().join(terminal::SCREEN)).unwrap();
        assert!(screen.contains("622848"), "the screen shows what may be shown");
        let slips = std::fs::read(self.seen().join(terminal::SLIPS)).unwrap();
        assert!(slips.windows(6).any(|digits| digits == b"622848"), "and so do slips");
    }

    /// What was paid has its number, unreadable and readable again; when the batch is over it is gone for good.
    pub fn check_that_numbers_are_kept_until_their_batch_is_over(&self) {
        let setup = self.setup();
        let identity = setup.identity().unwrap();
        let mut ledger = setup.ledger(&identity).unwrap().keeping_numbers(setup.vault().unwrap());
        // A terminal that takes so many settles before a batch is too full for it. What is settled is over; what is being settled is not.
        let batch = ledger.batch().unwrap();
        let (paid, before): (Vec<_>, Vec<_>) = ledger
            .page(0, 20_000)
            .unwrap()
            .into_iter()
            .filter(|row| row.state == State::Approved)
            .partition(|row| row.trace.batch == batch);
        for row in &before {
            let settlement = ledger.settlement(row.trace.batch).unwrap();
            let settled = settlement.is_some_and(|settlement| !settlement.under_way.state.is_open());
            assert_eq!(ledger.pan(row.trace).unwrap().is_none(), settled, "{}", row.trace);
        }
        let kept: BTreeSet<String> =
            paid.iter().map(|row| ledger.pan(row.trace).unwrap().unwrap().expose_digits().to_owned()).collect();
        assert_eq!(kept.len(), paid.len(), "everybody has a number of their own");
        for row in &paid {
            assert_eq!(ledger.pan(row.trace).unwrap().as_ref().map(Pan::truncated), Some(row.truncated_pan.clone()));
        }
        let known: BTreeSet<String> = self.cards.served.lock().unwrap().iter().map(|sale| number(*sale)).collect();
        assert!(kept.is_subset(&known));
        let next = Batch::new(paid[0].trace.batch.number() + 1).unwrap();
        ledger.keep_copy(jiff::civil::date(2999, 1, 1).at(0, 0, 0, 0)).unwrap();
        drop(ledger);
        self.host.set_batch(DEFAULT_TERMINAL, next).unwrap();
        assert_eq!(setup.sign_on().unwrap().adopted, Adopted::Taken(next));
        let ledger = setup.ledger(&identity).unwrap().keeping_numbers(setup.vault().unwrap());
        assert!(paid.iter().all(|row| ledger.pan(row.trace).unwrap().is_none()));
    }

    fn setup(&self) -> Setup {
        terminal::setup(self.folder.path(), &self.host.link_settings().url)
    }
}

/// Brings the cards, one after the other, for as long as the terminal runs.
fn serve(mut stream: UnixStream, mut stripes: SandboxStripeReader, cards: &Path, host: &Host, known: &Cards) {
    let accounts = host.service().unwrap();
    let mut card: Option<FaultyCard> = None;
    let (mut sale, mut swiped) = (0, None);
    while let Ok((word, data)) = hear(&mut stream) {
        if word == CARD {
            sale = usize::try_from(u64::from_be_bytes(data.as_slice().try_into().unwrap())).unwrap();
            let customer = Customer::of(sale);
            if customer == Customer::Swipes {
                if swiped.replace(sale) != Some(sale) {
                    let card = without_chip(sale);
                    accounts.store.register_stripe(&card).unwrap();
                    stripes.swipe(&card).unwrap();
                    known.served.lock().unwrap().insert(sale);
                }
                if say(&mut stream, SILENCE, &[]).is_err() {
                    return;
                }
                continue;
            }
            let mut profile = CardProfile::shipped(customer.card()).unwrap();
            profile.applications[0].pan = number(sale);
            if customer == Customer::Poor {
                profile.applications[0].issuer.balance = 1;
            }
            if customer != Customer::Unknown {
                accounts.store.register_account(&profile.applications[0]).unwrap();
            }
            let fresh = SandboxCard::open(&profile, cards).unwrap();
            let mut fresh = FaultyCard::new(fresh, customer.faults());
            let atr = fresh.power_on().to_vec();
            card = Some(fresh);
            if say(&mut stream, ANSWER, &atr).is_err() {
                return;
            }
            continue;
        }
        // GENERATE AC: everything has been read.
        if sale == 0 && data.get(1) == Some(&0xAE) {
            *known.held.lock().unwrap() = Search::new().memory(known.terminal.load(Ordering::SeqCst));
        }
        let reaction = card.as_mut().map_or(Reaction::Torn, |card| card.transmit(&data));
        let said = match reaction {
            Reaction::Answer(answer) => {
                known.served.lock().unwrap().insert(sale);
                say(&mut stream, ANSWER, &answer)
            }
            Reaction::Torn => say(&mut stream, TORN, &[]),
            Reaction::Silence => say(&mut stream, SILENCE, &[]),
        };
        if said.is_err() {
            return;
        }
    }
}

/// Shows the cards whose numbers are typed to whoever types them.
fn show_numbers(mut stream: UnixStream, accounts: &Store, known: &Cards) {
    while let Ok((_, data)) = hear(&mut stream) {
        let sale = usize::try_from(u64::from_be_bytes(data.as_slice().try_into().unwrap())).unwrap();
        let card = without_chip(sale);
        accounts.register_stripe(&card).unwrap();
        known.served.lock().unwrap().insert(sale);
        let (year, month) = card.expiry.split_at(2);
        if say(&mut stream, ANSWER, format!("{} {month}{year}", card.pan).as_bytes()).is_err() {
            return;
        }
    }
}

/// The card of a sale that has no chip.
fn without_chip(sale: usize) -> StripeCard {
    StripeCard { pan: number(sale), ..StripeCard::shipped(Customer::of(sale).card()).unwrap() }
}
