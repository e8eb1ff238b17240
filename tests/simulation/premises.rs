//! A shop before its day begins: a terminal that is enrolled, its host, keys for the customers' cards. Made once, and copied
//! for every thread; what a day changes is put back before the next one.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use yima::acquirer::https::Carrier;
use yima::acquirer::link::{HostLink, HttpsLink};
use yima::app::{EntrySetup, Parts, SettlementPlan, Setup, ShopSetup, SignaturePlan, parameters};
use yima::crypto::hex;
use yima::devices::sound::silent::Silent;
use yima::emv::terminal::TerminalData;
use yima::iso8583::Dialect;
use yima::ledger::{Ledger, LedgerError};
use yima::money::Currency;
use yima::payment::chooser::Chooser;
use yima::receipt::PrinterProfile;
use yima::reference::{Batch, Stan, TraceNumber};
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::keys::CardKeys;
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::host::Host;
use yima::terminal::identity::Identity;
use yima::terminal::link::LinkSettings;
use yima::terminal::mark::Mark;
use yima::terminal::settings::{Origin, Settings, SoundSettings};
use yima::vault::software::{self, SoftwareVault};
use yima::vault::{KeyName, SecureElement};
use yima::wording::Language;

use crate::counter::{Paper, Slot};
use crate::day::allowed;
use crate::disk;
use crate::network::Network;
use crate::plan::{Part, Plan};
use crate::trace::Trace;

/// When a night begins, in local time: an hour after the day does.
const NIGHT: &str = "23:00";

/// So many payments are uploaded with a message: the batch of a day takes several.
const LINES: usize = 2;

/// What the acquirer offers, as the host knows it.
const OFFERED: &str = "terminal = { instalments = { periods = [3, 6, 12], from = 5000 } }";

/// The terminal's ledger, on the disk in memory.
const LEDGER: &str = "terminal/ledger.sqlite";

const HOST_DATABASE: &str = "host/host.sqlite3";

/// What every thread's premises are copied from.
struct Model {
    folder: tempfile::TempDir,
    host_database: Vec<u8>,
    /// A ledger that was begun before and has nothing in it.
    ledger: Vec<u8>,
}

static MODEL: LazyLock<Model> = LazyLock::new(|| std::thread::spawn(model).join().unwrap());

/// See the module.
pub struct Premises {
    folder: tempfile::TempDir,
    setup: Setup,
    identity: Identity,
    terminal: TerminalData,
    certificate: String,
    vault: Vec<u8>,
    pub keys: CardKeys,
}

thread_local! {
    static PREMISES: OnceCell<Premises> = const { OnceCell::new() };
}

/// Uses the premises of this thread.
pub fn with<T>(work: impl FnOnce(&Premises) -> T) -> T {
    PREMISES.with(|premises| work(premises.get_or_init(Premises::copy)))
}

/// Where files are kept that are no database: in memory, where the machine has room there for a ledger to begin.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let room = nix::sys::statvfs::statvfs(memory)
        .is_ok_and(|space| (space.blocks_available() * space.fragment_size()) >> 30 > 0);
    if room { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// A terminal that has its host's data and no working keys.
fn model() -> Model {
    disk::install();
    disk::fresh(0, []);
    let folder = folder();
    // The host offers what the terminal may ask for on some days.
    let parameters = folder.path().join("host/parameters");
    std::fs::create_dir_all(&parameters).unwrap();
    std::fs::write(parameters.join("host.toml"), OFFERED).unwrap();
    let host = Host::prepare(&folder.path().join("host")).unwrap();
    host.write_kit(&folder.path().join("identity")).unwrap();
    SandboxCard::open(&CardProfile::shipped("unionpay-debit").unwrap(), &folder.path().join("sandbox/card")).unwrap();
    let setup = setup(folder.path());
    let identity = setup.identity().unwrap();
    let kit = setup.identity_directory();
    let before = std::fs::read(kit.join(software::FILE)).unwrap();
    let plan = Plan { seed: 0, parts: Vec::new() };
    let network = Network::new(host, certificate(&kit), kit.clone(), &plan, Trace::new(false));
    let vault: Arc<dyn SecureElement> = Arc::new(SoftwareVault::open(&kit).unwrap());
    let link = HttpsLink::over(Box::new(network.clone()), &setup.settings.host, &kit, identity.clone(), vault).unwrap();
    let trace = TraceNumber { batch: Batch::FIRST, stan: Stan::new(999_999).unwrap() };
    link.sign_on(trace).unwrap();
    parameters::update(&link, &setup.emv_files(&identity)).unwrap();
    network.host(|service| service.store.forget_working_keys(&identity.terminal_number).unwrap());
    std::fs::write(kit.join(software::FILE), before).unwrap();
    drop((link, network));
    let database = folder.path().join(HOST_DATABASE);
    let host_database = disk::get(database.to_str().unwrap()).unwrap();
    // Nothing is ever in it: the ledger asks how much room there is beside it.
    std::fs::create_dir(folder.path().join("terminal")).unwrap();
    let path = folder.path().join(LEDGER);
    let (merchant, terminal) = (identity.merchant_code().unwrap(), identity.terminal_number().unwrap());
    drop(Ledger::open(&path, merchant, terminal).unwrap());
    let ledger = disk::get(path.to_str().unwrap()).unwrap();
    Model { folder, host_database, ledger }
}

fn setup(folder: &Path) -> Setup {
    // The longest wait of a day is for an answer that does not come.
    let host = LinkSettings { answer_timeout_s: 30, watch_line: false, ..LinkSettings::default() };
    let sound = SoundSettings { enabled: false, ..SoundSettings::default() };
    let settings = Settings { host, sound, ..Settings::default() };
    Setup { settings, origin: Origin::default(), state: folder.to_owned() }
}

/// The fingerprint of the terminal's certificate, as the host knows it.
fn certificate(kit: &Path) -> String {
    let pem = std::fs::read(kit.join("client.pem")).unwrap();
    let certificate = openssl::x509::X509::from_pem(&pem).unwrap();
    hex::encode(&certificate.digest(openssl::hash::MessageDigest::sha256()).unwrap())
}

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

impl Premises {
    fn copy() -> Self {
        let model = &*MODEL;
        disk::install();
        let folder = folder();
        copy(model.folder.path(), folder.path());
        let setup = setup(folder.path());
        let identity = setup.identity().unwrap();
        let kit = setup.identity_directory();
        Self {
            terminal: setup.emv_files(&identity).load().unwrap().data,
            identity,
            certificate: certificate(&kit),
            vault: std::fs::read(kit.join(software::FILE)).unwrap(),
            keys: CardKeys::open(&folder.path().join("sandbox/card"), [0xA0, 0, 0, 3, 0x33]).unwrap(),
            setup,
            folder,
        }
    }

    fn kit(&self) -> PathBuf {
        self.setup.identity_directory()
    }

    fn used_card_note(&self) -> PathBuf {
        self.folder.path().join("card-in-reader")
    }

    /// The disk is fresh: puts everything back as it was before this day, and opens the host.
    fn open(&self, plan: &Plan) -> Host {
        if !plan.parts.contains(&Part::FirstStart) {
            disk::put(self.ledger_path().to_str().unwrap(), &MODEL.ledger);
        }
        let database = self.folder.path().join(HOST_DATABASE);
        disk::put(database.to_str().unwrap(), &MODEL.host_database);
        std::fs::write(self.kit().join(software::FILE), &self.vault).unwrap();
        let _ = std::fs::remove_file(self.used_card_note());
        let _ = std::fs::remove_file(self.ledger_path().with_file_name("ledger.sqlite.not-ours"));
        Host::prepare(&self.folder.path().join("host")).unwrap()
    }

    /// The line to the host of this day.
    pub fn network(&self, plan: &Plan, trace: Trace) -> Network {
        Network::new(self.open(plan), self.certificate.clone(), self.kit(), plan, trace)
    }

    /// The terminal's ledger, on the disk in memory.
    pub fn ledger_path(&self) -> PathBuf {
        self.folder.path().join(LEDGER)
    }

    /// Somebody opens the ledger.
    pub fn ledger(&self) -> Result<Ledger, LedgerError> {
        let (merchant, terminal) = (self.identity.merchant_code(), self.identity.terminal_number());
        Ledger::open(&self.ledger_path(), merchant.unwrap(), terminal.unwrap())
    }

    /// When the terminal settles by itself: never, on days on which nobody settles.
    fn settlement(&self, plan: &Plan) -> SettlementPlan {
        if !plan.settles() {
            return SettlementPlan::NEVER;
        }
        let usual = self.setup.settlement_plan().unwrap();
        let most = plan.parts.iter().find_map(|part| match part {
            Part::SettlesWith(most) => Some(*most),
            _ => None,
        });
        SettlementPlan {
            at: plan.parts.contains(&Part::SettlesAtNight).then(|| NIGHT.parse().unwrap()),
            most_payments: most.unwrap_or(usual.most_payments),
            most_lines: LINES,
        }
    }

    /// The terminal is switched on.
    pub fn parts(&self, network: &Network, slot: &Slot, paper: &Paper, plan: &Plan) -> Result<Parts, LedgerError> {
        let vault: Arc<dyn SecureElement> = Arc::new(SoftwareVault::open(&self.kit()).unwrap());
        let ledger = self.ledger()?.keeping_numbers(Arc::clone(&vault));
        let has_working_keys = vault.check_value(KeyName::Mac).unwrap().is_some();
        let carrier: Box<dyn Carrier> = Box::new(network.clone());
        let host = &self.setup.settings.host;
        let in_use = self.setup.emv_files(&self.identity).load().unwrap();
        let staff = self.setup.staff_setup(&*vault).unwrap();
        Ok(Parts {
            merchant_code: self.identity.merchant_code().unwrap(),
            terminal_number: self.identity.terminal_number().unwrap(),
            terminal: self.terminal.clone(),
            tables: allowed(plan, &in_use.tables),
            set: (in_use.provenance, in_use.hashes),
            receipt_key: None,
            emv_files: self.setup.emv_files(&self.identity),
            ledger,
            reader: Box::new(slot.clone()),
            used_card_note: self.used_card_note(),
            printer: Box::new(paper.clone()),
            printer_profile: PrinterProfile::shipped("generic-58").unwrap(),
            found_printer: self.setup.found_printer_file(),
            cash: true,
            tips: Vec::new(),
            scanner: None,
            stripe: None,
            entry: EntrySetup::default(),
            letterhead: Arc::default(),
            printer_patience: Duration::from_secs(60),
            sound: Box::new(Silent),
            link: Arc::new(HttpsLink::over(carrier, host, &self.kit(), self.identity.clone(), vault).unwrap()),
            has_working_keys,
            completion_percent: 115,
            in_part: true,
            codes: self.setup.code_setup().unwrap(),
            settlement: self.settlement(plan),
            signature: SignaturePlan::PAPER,
            queue_codes: Dialect::shipped("unionpay").unwrap().queue,
            currency: Currency::CNY,
            language: Language::Chinese,
            card_wait: Duration::from_secs(60),
            pin_wait: Duration::from_secs(60),
            pin_bypass: false,
            screen_pad: true,
            shuffled_pin_keys: false,
            chooser: Chooser::Nobody,
            shop: ShopSetup::default(),
            till_keys: None,
            staff,
            mark: Mark::Test,
            lock: self.setup.lock().unwrap(),
            identity: self.identity.clone(),
        })
    }
}
