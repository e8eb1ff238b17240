//! Opening what the settings name: identity, ledger, keys, link and devices, each on its own so that `yima doctor` can say
//! of each how it is.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::books::make_private;
use super::by_code::CodeSetup;
use super::parts::{EngineLock, Parts};
use super::shop::ShopSetup;
use super::signing::SignaturePlan;
use super::staff::{Attendant, StaffSetup};
use super::swiping::EntrySetup;
use crate::acquirer::dialect_file;
use crate::acquirer::enrolment::{self, EnrolmentError};
use crate::acquirer::link::{HostLink, HttpsLink, LinkError};
use crate::acquirer::parameters::number_key;
use crate::devices::printer::Printer;
use crate::devices::printer::escpos_serial::{SerialPrinter, SerialSettings};
use crate::devices::reader::CardReader;
use crate::devices::reader::pcsc::PcscReader;
use crate::devices::scanner::ScannerLine;
use crate::devices::sound::Sound;
use crate::devices::sound::alsa::AlsaSound;
use crate::devices::sound::silent::Silent;
use crate::devices::stripe::StripeLine;
use crate::emv::ca_keys::KeyWorld;
use crate::host_tables::HostTables;
use crate::iso8583::Dialect;
use crate::ledger::LedgerError;
use crate::money::UnknownCurrency;
use crate::payment::chooser::Chooser;
use crate::payment::qr::Schedule;
use crate::payment::transaction::Kind;
use crate::people::{self, CodeKey, Right};
use crate::qr::networks::Networks;
use crate::receipt::PrinterProfile;
use crate::receipt::link::{self, LinkKey};
use crate::reference::ReferenceError;
use crate::sandbox::card::fault::{Faults, FaultyCard};
use crate::sandbox::card::profile::CardProfile;
use crate::sandbox::card::reader::SandboxReader;
use crate::sandbox::card::{CardError, SandboxCard};
use crate::terminal::custody::Custody;
use crate::terminal::emv_files::{EmvFiles, EmvFilesError};
use crate::terminal::files;
use crate::terminal::identity::{self, Identity, IdentityError};
use crate::terminal::mark::{self, Mark};
use crate::terminal::settings::{CodeSettings, Origin, Settings, SettingsError, SignatureSettings, VaultKind};
use crate::till_keys::{TillKeys, TillKeysError};
use crate::vault::pkcs11::Place;
use crate::vault::{KeyName, SecureElement, VaultError};

/// Name of the file whose lock the one engine holds.
const LOCK: &str = "engine.lock";

/// Name of the note that a card which has been in a sale is in the reader.
const USED_CARD: &str = "card-in-reader";

/// Where the cards of the sandbox keep keys and counters, within the state directory.
const SANDBOX_CARDS: &str = "sandbox/card";

/// The card of a training, when nobody names another.
const TRAINING_CARD: &str = "unionpay-debit";

/// Where a sandbox card leaves the key of its certification authority, within the state directory.
const SANDBOX_CA_KEY: &str = "sandbox/card/capk.toml";

/// Name of the note which address of the host is in use.
const HOST_ADDRESS: &str = "host-address.toml";

/// What a terminal is set up from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The settings.
    pub settings: Settings,
    /// Where they come from.
    pub origin: Origin,
    /// The state directory.
    pub state: PathBuf,
}

/// Why the terminal cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No identity.
    #[error("{}", said_of(.0))]
    Identity(#[from] IdentityError),
    /// An enrolment that was cut short cannot be finished.
    #[error(transparent)]
    Enrolment(#[from] EnrolmentError),
    /// A number of the identity.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The state directory cannot be made.
    #[error("the state directory {path} cannot be made ({source}); choose another with --state")]
    State {
        /// Which.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another engine works on this ledger.
    #[error("Yima is already running on {0}; use that one, or close it first")]
    Running(String),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Identity and keys are not of one world: a live terminal would trust test cards, or the other way round.
    #[error("this terminal's identity is {identity} and its keys are {keys}; register it anew, with both of one kind")]
    Worlds {
        /// Live or test.
        identity: &'static str,
        /// Live or test.
        keys: &'static str,
    },
    /// The keys.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The link.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The terminal's side of EMV.
    #[error(transparent)]
    Terminal(#[from] EmvFilesError),
    /// The card of a training.
    #[error("the training's card cannot be made: {0}")]
    Card(#[from] CardError),
    /// The keys of tills.
    #[error(transparent)]
    Tills(#[from] TillKeysError),
    /// A setting has a value that cannot be.
    #[error(transparent)]
    Setting(#[from] SettingsError),
}

impl Setup {
    /// Who this terminal is, on the machine that was enrolled.
    ///
    /// # Errors
    /// When it is not enrolled, its binding record was changed or is an older one, or this is another machine.
    pub fn identity(&self) -> Result<Identity, SetupError> {
        let directory = self.identity_directory();
        let identity = Identity::load_by(&directory, &self.settings.host.ca_file)?;
        identity.check_machine(&directory, self.settings.serial_number(&self.state)?.as_deref())?;
        Ok(identity)
    }

    /// What must be said of this terminal wherever something of it is shown or printed.
    pub fn mark(&self, identity: &Identity) -> Mark {
        Mark::of(&self.state, identity.test)
    }

    /// Where identity, certificates and keys are.
    pub fn identity_directory(&self) -> PathBuf {
        self.settings.identity_directory(&self.state)
    }

    /// The keys.
    ///
    /// # Errors
    /// When the vault cannot be opened, or does not know the dialect's keys and MAC.
    pub fn vault(&self) -> Result<Arc<dyn SecureElement>, SetupError> {
        let vault: Arc<dyn SecureElement> = Arc::from(self.custody()?.open(&self.identity_directory())?);
        let dialect = self.dialect()?;
        vault.set_mac_algorithm(dialect.mac)?;
        vault.set_key_cipher(dialect.sign_on.cipher)?;
        Ok(vault)
    }

    /// Where the keys are.
    ///
    /// # Errors
    /// When the state directory cannot be made.
    pub(super) fn custody(&self) -> Result<Custody, SetupError> {
        let settings = &self.settings.vault;
        match settings.kind {
            VaultKind::Software => Ok(Custody::Software),
            VaultKind::Pkcs11 => {
                let place = Place {
                    module: settings.module.clone(),
                    token: settings.token.clone(),
                    pin_file: self.identity_directory().join(&settings.pin_file),
                };
                make_private(&self.state)?;
                Ok(Custody::Token { place, state: self.state.clone() })
            }
        }
    }

    /// The way to the host. Nothing is sent.
    ///
    /// # Errors
    /// When settings or certificates are wrong.
    pub fn link(&self, identity: Identity, vault: Arc<dyn SecureElement>) -> Result<HttpsLink, SetupError> {
        let tables = self.host_tables(&identity)?;
        let opened = HttpsLink::open(&self.settings.host, &self.identity_directory(), identity, vault);
        let opened = opened.inspect(|link| link.adopt(&tables.terminal));
        opened.map(|link| link.remembering(&self.state.join(HOST_ADDRESS))).map_err(|error| match error {
            LinkError::Setting { key, problem } => self.origin.wrong(&format!("host.{key}"), problem).into(),
            LinkError::Dialect(error) => self.origin.wrong("host.dialect", error).into(),
            LinkError::File { .. } | LinkError::Client(_) | LinkError::Vault(_) => error.into(),
        })
    }

    /// How messages to the host are written.
    ///
    /// # Errors
    /// When no dialect has the configured name.
    pub fn dialect(&self) -> Result<Dialect, SetupError> {
        dialect_file::load(&self.settings.host.dialect).map_err(|error| self.origin.wrong("host.dialect", error).into())
    }

    /// The card reader; it may be plugged in later. In a training it is one with a card of the sandbox in it, of the profile by whose
    /// name the settings call it: no real card is ever read there.
    ///
    /// # Errors
    /// When there is no card of that name.
    pub fn reader(&self) -> Result<Box<dyn CardReader>, SetupError> {
        let settings = &self.settings.reader;
        if mark::is_for_training(&self.state) {
            let name = if settings.name.is_empty() { TRAINING_CARD } else { &settings.name };
            let profile = CardProfile::shipped(name).map_err(|error| self.origin.wrong("reader.name", error))?;
            let card = SandboxCard::open(&profile, &self.state.join(SANDBOX_CARDS))?;
            return Ok(Box::new(SandboxReader::new(FaultyCard::new(card, Faults::default()), Duration::ZERO)));
        }
        let wanted = (!settings.name.is_empty()).then(|| settings.name.clone());
        Ok(Box::new(PcscReader::new(wanted, Duration::from_secs(settings.answer_timeout_s))))
    }

    /// What the printer can do: as the set-up test found, or as the profile says that the settings name.
    ///
    /// # Errors
    /// When no profile has the configured name, or what the test found cannot be read.
    pub fn printer_profile(&self) -> Result<PrinterProfile, SetupError> {
        if let Some(found) = self.found_printer()? {
            return Ok(found.profile);
        }
        PrinterProfile::shipped(&self.settings.printer.profile)
            .map_err(|error| self.origin.wrong("printer.profile", error).into())
    }

    /// The printer; it may be plugged in later.
    pub fn printer(&self, profile: PrinterProfile) -> Box<dyn Printer> {
        let settings = &self.settings.printer;
        let line = SerialSettings {
            device: settings.device.clone(),
            baud: settings.baud,
            flow_control: settings.flow_control,
        };
        Box::new(SerialPrinter::new(line, profile))
    }

    /// Where the scanner is, if it is on a serial line.
    pub fn scanner(&self) -> Option<ScannerLine> {
        let settings = &self.settings.scanner;
        let line = ScannerLine { device: settings.device.clone(), baud: settings.baud };
        Some(line).filter(|line| !line.device.is_empty())
    }

    /// Where stripes are read. In a training nowhere: no real card is ever read there.
    pub fn stripe(&self) -> Option<StripeLine> {
        let settings = &self.settings.stripe;
        let line = ScannerLine { device: settings.device.clone(), baud: settings.baud };
        let there = !line.device.is_empty() && !mark::is_for_training(&self.state);
        there.then_some(StripeLine { line, checked: settings.lrc })
    }

    /// What is taken of cards without their chip, where the acquirer says nothing.
    ///
    /// # Errors
    /// When a setting names a kind that there is none of.
    pub fn entry_setup(&self) -> Result<EntrySetup, SetupError> {
        let settings = &self.settings.stripe;
        let kind = |word: &String| {
            let by_card = |kind: &Kind| !kind.is_by_code();
            let known = || Kind::ALL.into_iter().filter(by_card).map(Kind::word).collect::<Vec<_>>().join(", ");
            Kind::from_word(word).filter(by_card).ok_or_else(|| {
                self.origin.wrong("stripe.typed", format!("\"{word}\" is no kind; there are {}", known()))
            })
        };
        Ok(EntrySetup {
            has_reader: self.stripe().is_some(),
            fallback_s: settings.fallback_s,
            without_application: self.dialect()?.transactions.fallback_without_application,
            typed: settings.typed.iter().map(kind).collect::<Result<_, _>>()?,
        })
    }

    /// Sounds, or silence.
    pub fn sound(&self) -> Box<dyn Sound> {
        let settings = &self.settings.sound;
        if settings.enabled { Box::new(AlsaSound::open(&settings.device)) } else { Box::new(Silent) }
    }

    /// All parts of the engine.
    ///
    /// # Errors
    /// When the terminal is not registered, or one of its parts cannot be opened.
    pub fn parts(&self) -> Result<Parts, SetupError> {
        let identity = self.identity()?;
        make_private(&self.state)?;
        let lock = self.lock()?;
        enrolment::finish(&self.identity_directory(), &self.custody()?)?;
        self.put_aside_ledger_of_another(&identity.merchant_code, &identity.terminal_number)?;
        let ledger = self.ledger(&identity)?;
        let vault = self.vault()?;
        identity::check_device_key(&self.identity_directory(), &vault.public_key()?)?;
        let test = identity.test;
        if test != vault.is_test() {
            return Err(SetupError::Worlds { identity: world(test), keys: world(vault.is_test()) });
        }
        let mut ledger = ledger.keeping_numbers(Arc::clone(&vault));
        // Before the first payment: what a copy holds as under way would be taken back.
        Self::keep_copy(&mut ledger)?;
        self.archive_what_is_old(&mut ledger);
        // What was logged since the last start is signed; a terminal whose vault is slow or silent trades all the same.
        if let Err(error) = super::log::sign_head(&mut ledger, &*vault, &identity) {
            tracing::warn!(%error, "the head of the transaction log is not signed");
        }
        let staff = self.staff_setup(&*vault)?;
        let printer_profile = self.printer_profile()?;
        let emv_files = self.emv_files(&identity).knowing(number_key(&*vault)?);
        let in_use = emv_files.load()?;
        Ok(Parts {
            merchant_code: identity.merchant_code()?,
            terminal_number: identity.terminal_number()?,
            terminal: in_use.data,
            tables: in_use.tables,
            set: (in_use.provenance, in_use.hashes),
            receipt_key: Some(receipt_key(&*vault)?),
            emv_files,
            ledger,
            reader: self.reader()?,
            used_card_note: self.state.join(USED_CARD),
            printer: self.printer(printer_profile.clone()),
            found_printer: self.found_printer_file(),
            printer_profile,
            letterhead: self.letterhead(),
            printer_patience: Duration::from_secs(self.settings.printer.patience_s),
            scanner: self.scanner(),
            stripe: self.stripe(),
            entry: self.entry_setup()?,
            sound: self.sound(),
            has_working_keys: vault.check_value(KeyName::Mac)?.is_some(),
            link: Arc::new(self.link(identity.clone(), vault)?),
            completion_percent: self.dialect()?.transactions.most_completed_percent,
            in_part: self.dialect()?.transactions.in_part.is_some(),
            codes: self.code_setup()?,
            settlement: self.settlement_plan()?,
            signature: self.signature_plan()?,
            queue_codes: self.dialect()?.queue,
            currency: self
                .settings
                .terminal
                .currency
                .parse()
                .map_err(|error: UnknownCurrency| self.origin.wrong("terminal.currency", error))?,
            language: self.settings.terminal.language,
            card_wait: Duration::from_secs(self.settings.reader.card_wait_s),
            pin_wait: Duration::from_secs(self.settings.pin.wait_s),
            pin_bypass: self.settings.pin.bypass,
            // Whoever shows keys for it says so.
            screen_pad: false,
            shuffled_pin_keys: self.settings.pin.shuffled_keys,
            // Whoever shows a screen to the cardholder says so.
            chooser: Chooser::Nobody,
            cash: self.settings.terminal.cash,
            tips: self.settings.terminal.tips.clone(),
            shop: ShopSetup { state: self.state.clone(), scales: self.settings.goods.scale_barcodes.clone() },
            till_keys: self.till_keys()?,
            staff,
            mark: Mark::of(&self.state, test),
            lock,
            identity,
        })
    }

    /// Whoever shows a screen that customers can touch says so.
    fn signature_plan(&self) -> Result<SignaturePlan, SetupError> {
        let SignatureSettings { pad, wait_s } = self.settings.signature;
        let most_bytes = self.dialect()?.signatures.map(|rules| rules.most_bytes);
        Ok(SignaturePlan { pad, most_bytes, wait: Duration::from_secs(wait_s), has_screen: false })
    }

    /// The keys of tills, where any may speak to this terminal.
    ///
    /// # Errors
    /// When they cannot be opened.
    fn till_keys(&self) -> Result<Option<TillKeys>, SetupError> {
        if self.settings.till.listen.is_empty() {
            return Ok(None);
        }
        Ok(Some(TillKeys::open(&self.state)?))
    }

    /// How the people of this terminal are known. Whoever shows a screen at which they sign on says so.
    ///
    /// # Errors
    /// When a setting names a right that there is none of, or the vault gives no key.
    pub fn staff_setup(&self, vault: &dyn SecureElement) -> Result<StaffSetup, SetupError> {
        let settings = &self.settings.people;
        let known = || Right::ALL.map(Right::word).join(", ");
        let right = |word: &String| {
            let problem = || format!("\"{word}\" is no right; there are {}", known());
            Right::from_word(word).ok_or_else(|| self.origin.wrong("people.manager_code_for", problem()))
        };
        Ok(StaffSetup {
            key: CodeKey::new(vault.secret_for(people::PURPOSE)?),
            with_manager: settings.manager_code_for.iter().map(right).collect::<Result<_, _>>()?,
            lock_after: (settings.lock_after_s > 0).then(|| Duration::from_secs(settings.lock_after_s)),
            attendant: Attendant::Known(None),
        })
    }

    /// How payments by code are taken, where the acquirer has them.
    ///
    /// # Errors
    /// When dialect or networks cannot be read.
    pub fn code_setup(&self) -> Result<Option<CodeSetup>, SetupError> {
        if self.dialect()?.code_payments.is_none() {
            return Ok(None);
        }
        let CodeSettings { enquiries_s, cancels_s, valid_s } = self.settings.codes.clone();
        let networks = Networks::shipped().map_err(|error| self.origin.wrong("codes", error))?;
        Ok(Some(CodeSetup { networks: Arc::new(networks), schedule: Schedule { enquiries_s, cancels_s }, valid_s }))
    }

    /// What the acquirer decides about this terminal, as it last sent it.
    ///
    /// # Errors
    /// When the sets in the state directory cannot be read.
    pub fn host_tables(&self, identity: &Identity) -> Result<Arc<HostTables>, SetupError> {
        Ok(self.emv_files(identity).load()?.tables)
    }

    /// The terminal's side of EMV: sets that the host sent. A terminal of the sandbox trusts test keys and that of its own
    /// cards, any other one trusts live keys; never both.
    pub fn emv_files(&self, identity: &Identity) -> EmvFiles {
        let world = if identity.test { KeyWorld::Test } else { KeyWorld::Live };
        EmvFiles::new(&self.state, world, &self.state.join(SANDBOX_CA_KEY))
    }

    /// Makes this program the one engine on its ledger.
    ///
    /// # Errors
    /// When there is one, or the lock cannot be taken.
    pub fn lock(&self) -> Result<EngineLock, SetupError> {
        make_private(&self.state)?;
        let path = self.state.join(LOCK);
        let refused = |source| SetupError::State { path: path.display().to_string(), source };
        let file = files::open_private(&path).map_err(refused)?;
        match file.try_lock() {
            Ok(()) => Ok(EngineLock(file)),
            Err(std::fs::TryLockError::WouldBlock) => Err(SetupError::Running(self.state.display().to_string())),
            Err(std::fs::TryLockError::Error(source)) => Err(refused(source)),
        }
    }
}

/// What links to e-receipts are signed by: it follows from the device key, so that the host has it too.
pub(super) fn receipt_key(vault: &dyn SecureElement) -> Result<LinkKey, VaultError> {
    Ok(LinkKey::new(vault.secret_for(link::PURPOSE)?))
}

/// A terminal that was never enrolled is told how to try the program.
fn said_of(error: &IdentityError) -> String {
    match error {
        IdentityError::File { .. } => {
            format!("this terminal is not enrolled: {error}. Enrol it: yima enrol. For a trial run: yima sandbox host")
        }
        other => other.to_string(),
    }
}

const fn world(test: bool) -> &'static str {
    if test { "for tests" } else { "live" }
}
