//! The acquirer's host: a real HTTPS server with client certificates, a ledger in SQLite and an issuer behind it that
//! verifies the card's cryptograms.
//!
//! [`Host::prepare`] makes keys, certificates and accounts at the first start and keeps them; [`Host::write_kit`] gives a
//! terminal what it needs to speak to this host; [`Host::start`] serves. Every key, number and name in it is for tests.

mod advices;
mod answers;
mod books;
mod checkpoints;
mod cryptogram;
mod files;
mod keys;
pub mod onboarding;
mod orders;
mod originals;
mod parameters;
mod pins;
mod pki;
mod places;
mod repeats;
mod rules;
pub mod scripts;
mod server;
mod service;
pub mod store;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use openssl::x509::X509;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

pub use self::advices::Note;
use self::files::Readers;
pub use self::keys::SignOnState;
use self::onboarding::application::{Form, Numbers};
use self::onboarding::bound::Bound;
use self::onboarding::register::{self, Register, RegisterError};
use self::onboarding::wrong_codes::Source;
use self::onboarding::{NewTerminal, Onboarding};
pub use self::orders::Told;
use self::parameters::{Parameters, ParametersError};
use self::pki::{Credential, Purpose};
use self::server::Handshakes;
pub use self::server::PATH;
pub use self::service::{Reply, Service};
use self::store::{Entry, Store, StoreError, TerminalRow};
use crate::acquirer::dialect_file;
use crate::acquirer::enrolment::wire::SignedRequest;
use crate::acquirer::enrolment::{Enrolment, EnrolmentError};
use crate::clock;
use crate::crypto::CryptoError;
use crate::crypto::mac::Cipher;
use crate::iso8583::{Dialect, DialectError, Order};
use crate::pin::Pin;
use crate::reference::{Batch, ReferenceError};
use crate::sandbox::card::profile::{CardProfile, ProfileError, SHIPPED};
use crate::terminal::binding::Place;
use crate::terminal::custody::Custody;
use crate::terminal::identity::{self, Identity, IdentityError};
use crate::terminal::link::LinkSettings;
use crate::terminal::{journal, machine};
use crate::vault::VaultError;
use crate::vault::software;

/// Where the sandbox host listens when nobody says otherwise.
pub const DEFAULT_PORT: u16 = 8583;

/// Terminal number of the terminal that every host knows.
pub const DEFAULT_TERMINAL: &str = "10000001";

/// What it speaks when nobody says otherwise.
pub const DEFAULT_DIALECT: &str = "unionpay";

/// A host that is ready to start.
#[derive(Clone, Debug)]
pub struct Host {
    state: PathBuf,
    store: Arc<Store>,
    /// What it speaks, by its name or its file.
    dialect_name: String,
    dialect: Dialect,
}

/// A host that serves. Stops when it is dropped.
#[derive(Debug)]
pub struct RunningHost {
    /// Where it listens.
    pub address: SocketAddr,
    dialect: String,
    service: Arc<Service>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Why a host cannot be prepared or started.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A file or directory cannot be read or written.
    #[error("the sandbox host cannot use its files: {0}")]
    File(#[from] std::io::Error),
    /// A file of the state directory cannot be used.
    #[error("{path} cannot be used: {problem}; remove the state directory of the sandbox host to begin anew")]
    State {
        /// Which.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The address is taken or not of this machine.
    #[error("the sandbox host cannot listen on {address}: {source}; choose another port")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The kit would replace an identity that is not a sandbox's.
    #[error("{0} holds an identity that is not for tests; it is left as it is")]
    RealIdentity(String),
    /// No terminal of that number has been enrolled here.
    #[error("no terminal {0} has been enrolled at this sandbox host")]
    UnknownTerminal(String),
    /// The applications and CA keys for its terminals.
    #[error("{0}; correct the file or remove it")]
    Parameters(#[from] ParametersError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A shipped card profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The dialect.
    #[error(transparent)]
    Dialect(#[from] DialectError),
    /// The identity of a terminal.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A number of a terminal's identity.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The keys of a terminal.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The register of merchants.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// An enrolment of its own.
    #[error(transparent)]
    Enrolment(#[from] EnrolmentError),
    /// A computation with them.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// Random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    /// OpenSSL's own words.
    #[error("OpenSSL: {0}")]
    OpenSsl(#[from] openssl::error::ErrorStack),
}

impl Host {
    /// Opens a host in its state directory. What is missing is made: authority and server certificate, database, the
    /// accounts behind the shipped cards, one merchant with one terminal. What is there is kept.
    ///
    /// # Errors
    /// When the directory cannot be written, or holds something else.
    pub fn prepare(state: &Path) -> Result<Self, HostError> {
        let host = Self::open(DEFAULT_DIALECT, state)?;
        if !host.has_kit_of(DEFAULT_TERMINAL)? {
            host.enrol_default()?;
        }
        Ok(host)
    }

    /// As [`Host::prepare`], for a host that speaks another dialect: a shipped one, or the one of a file. The terminal that it
    /// knows gets a new kit when its keys are for a dialect with others.
    ///
    /// # Errors
    /// Also when the dialect is one that no terminal can trade with.
    pub fn prepare_in(dialect_name: &str, state: &Path) -> Result<Self, HostError> {
        let host = Self::open(dialect_name, state)?;
        let known = host.store.terminal(DEFAULT_TERMINAL)?.map(|terminal| Cipher::of(&terminal.master_key));
        if !host.has_kit_of(DEFAULT_TERMINAL)? || known != Some(host.dialect.sign_on.cipher) {
            host.enrol_default()?;
        }
        Ok(host)
    }

    fn enrol_default(&self) -> Result<(), HostError> {
        let (form, numbers) = default_application();
        self.enrol_kit(&form, &numbers)
    }

    /// What is missing is made, except the terminal.
    fn open(dialect_name: &str, state: &Path) -> Result<Self, HostError> {
        let dialect = dialect_file::load(dialect_name)?;
        files::private_directory(state)?;
        let pki = state.join(PKI);
        if !pki.exists() {
            files::whole_directory::<HostError>(&pki, |fresh| {
                let authority = pki::authority()?;
                let server = authority.issue("localhost", Purpose::Server)?;
                write_credential(fresh, "ca", &authority)?;
                write_credential(fresh, "server", &server)
            })?;
        }
        let database = state.join("host.sqlite3");
        // It holds keys. SQLite gives its other files the mode of this one.
        std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&database)?;
        let store = Arc::new(Store::open(&database)?);
        for (name, _) in SHIPPED {
            for application in &CardProfile::shipped(name)?.applications {
                store.register_account(application)?;
            }
        }
        let host = Self { state: state.to_owned(), store, dialect_name: dialect_name.to_owned(), dialect };
        if !pki.join("binding.pem").exists() {
            let signer = host.credential("ca")?.issue("Yima sandbox TEST binding records", Purpose::BindingSigner)?;
            write_credential(&pki, "binding", &signer)?;
        }
        Ok(host)
    }

    /// Takes a terminal into the register and enrols it as any other: application, approval, activation code, keys. One of
    /// the same number is replaced. Of the identity count its numbers, names and addresses.
    ///
    /// # Errors
    /// When its numbers are not what they should be, or its files or its row cannot be written.
    pub fn enrol(&self, identity: &Identity) -> Result<(), HostError> {
        let form = Form {
            serial_number: identity.serial_number.clone(),
            merchant_name: identity.merchant_name.clone(),
            credit_code: identity.credit_code.clone(),
            account: identity.settlement_account.clone(),
            address: identity.address.clone(),
            place: DEFAULT_PLACE,
        };
        let numbers = Numbers {
            acquirer: identity.acquirer_code.clone(),
            merchant: identity.merchant_code.clone(),
            terminal: identity.terminal_number.clone(),
        };
        self.enrol_kit(&form, &numbers)
    }

    fn enrol_kit(&self, form: &Form, numbers: &Numbers) -> Result<(), HostError> {
        let kit = self.kit(&numbers.terminal)?;
        let now = clock::timestamp();
        let code = self.store.register(|register| {
            for other in register.all()? {
                let same_machine = other.form.serial_number == form.serial_number;
                let same_number = other.numbers.as_ref().is_some_and(|known| known.terminal == numbers.terminal);
                if (same_machine || same_number) && other.is_open() {
                    register.decommission(other.id, SANDBOX, "another kit takes its place", now)?;
                }
            }
            let id = register.apply(form, SANDBOX, now)?;
            register.approve(id, Some(numbers.clone()), SANDBOX, now)
        })?;
        files::private_directory(&self.state.join(TERMINALS))?;
        if kit.exists() {
            std::fs::remove_dir_all(&kit)?;
        }
        files::private_directory(&kit)?;
        let authority = std::fs::read(self.state.join(PKI).join("ca.pem"))?;
        files::write(&kit.join(identity::AUTHORITIES), &authority, Readers::All)?;
        let onboarding = self.onboarding()?;
        let enrolment = Enrolment {
            settings: &LinkSettings::default(),
            dialect: &self.dialect,
            directory: &kit,
            serial_number: &form.serial_number,
            machine: &machine::SOURCES.map(PathBuf::from),
            custody: &Custody::Software,
        };
        let mut desk = |signed: &SignedRequest| {
            let here = Source::of(Ipv4Addr::LOCALHOST.into());
            onboarding
                .enrol(signed, &here, &take_terminal, now)
                .map_err(|error| EnrolmentError::Link(error.to_string()))
        };
        enrolment.carry_out(&code, &mut desk, &mut |_| ())?;
        Ok(())
    }

    /// The desk of this host for enrolments.
    fn onboarding(&self) -> Result<Onboarding, HostError> {
        let cipher = self.dialect.sign_on.cipher;
        Ok(Onboarding::new(Arc::clone(&self.store), self.credential("ca")?, self.credential("binding")?, cipher))
    }

    /// Changes the register of merchant applications, in one transaction.
    ///
    /// # Errors
    /// Those of `work`, and when the database fails.
    pub fn register<T>(
        &self,
        work: impl FnOnce(&Register<'_>) -> Result<T, RegisterError>,
    ) -> Result<T, RegisterError> {
        self.store.register(work)
    }

    /// Writes what the default terminal needs into a directory, as if it had been enrolled there: `binding.json`,
    /// `binding-ca.pem`, `machine.toml`, `journal.jsonl`, `vault-TEST.toml`, `acquirer-ca.pem`, `client.pem`, `client.key`. A kit that is there is
    /// replaced.
    ///
    /// # Errors
    /// When the directory cannot be written, or holds an identity that is not for tests.
    pub fn write_kit(&self, directory: &Path) -> Result<(), HostError> {
        self.write_kit_of(DEFAULT_TERMINAL, directory)
    }

    /// As [`Host::write_kit`], for another enrolled terminal.
    ///
    /// # Errors
    /// Also when no terminal has that number.
    pub fn write_kit_of(&self, terminal: &str, directory: &Path) -> Result<(), HostError> {
        let kit = self.kit(terminal)?;
        if !self.has_kit_of(terminal)? {
            return Err(HostError::UnknownTerminal(terminal.to_owned()));
        }
        files::private_directory(directory)?;
        let there = directory.join(identity::FILE).exists();
        if there && !identity::unverified(directory).is_ok_and(|record| record.test) {
            return Err(HostError::RealIdentity(directory.display().to_string()));
        }
        // The identity comes last: with it the kit is complete.
        for (name, readers) in [
            (software::FILE, Readers::Owner),
            (identity::AUTHORITIES, Readers::All),
            (identity::BINDING_AUTHORITIES, Readers::All),
            (CLIENT_CERTIFICATE, Readers::All),
            ("client.key", Readers::Owner),
            (machine::FILE, Readers::Owner),
            (journal::FILE, Readers::Owner),
            (identity::FILE, Readers::All),
        ] {
            let content = Zeroizing::new(std::fs::read(kit.join(name))?);
            files::write(&directory.join(name), &content, readers)?;
        }
        Ok(())
    }

    /// Whether a directory has the identity of the default terminal, and has it as it is in the register now.
    ///
    /// # Errors
    /// When the kit cannot be read.
    pub fn is_kit(&self, directory: &Path) -> Result<Option<bool>, HostError> {
        if !identity::unverified(directory)
            .is_ok_and(|record| record.test && record.terminal_number == DEFAULT_TERMINAL)
        {
            return Ok(None);
        }
        let kept = std::fs::read(self.kit(DEFAULT_TERMINAL)?.join(CLIENT_CERTIFICATE))?;
        Ok(Some(std::fs::read(directory.join(CLIENT_CERTIFICATE)).is_ok_and(|certificate| certificate == kept)))
    }

    /// What answers requests, for who brings them in another way than over the network.
    ///
    /// # Errors
    /// When keys, certificates or files cannot be used.
    pub fn service(&self) -> Result<Service, HostError> {
        let parameters = Parameters::new(&self.state);
        parameters.check()?;
        Ok(Service {
            parameters,
            dialect: self.dialect.clone(),
            store: Arc::clone(&self.store),
            deaf_to_reversals: AtomicBool::new(false),
            wrong_check_values: AtomicBool::new(false),
            refuses_sign_ons: AtomicBool::new(false),
            handshakes: Handshakes::default(),
            blind_to_bindings: AtomicBool::new(false),
            onboarding: self.onboarding()?,
        })
    }

    /// Listens and serves on a thread of its own. Port 0 takes any free one; see [`RunningHost::address`].
    ///
    /// # Errors
    /// When the address cannot be listened on, or keys and certificates cannot be used.
    pub fn start(&self, listen: SocketAddr) -> Result<RunningHost, HostError> {
        let refused = |source| HostError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let authority = self.credential("ca")?.certificate;
        let acceptor = server::acceptor(&self.credential("server")?, &authority)?;
        let service = Arc::new(self.service()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&service);
        let thread = std::thread::Builder::new().name("sandbox-host".to_owned()).spawn(move || {
            runtime.block_on(server::serve(listener, acceptor, serving, stopped));
            // A booking that has begun is finished; connections are cut.
            runtime.shutdown_timeout(Duration::from_secs(5));
        })?;
        Ok(RunningHost { address, dialect: self.dialect_name.clone(), service, stop: Some(stop), thread: Some(thread) })
    }

    /// The host's ledger, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn ledger(&self) -> Result<Vec<Entry>, StoreError> {
        self.store.ledger()
    }

    /// What terminals told of payments that are over.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn advices(&self) -> Result<Vec<Note>, StoreError> {
        self.store.advices()
    }

    /// The next answers to a terminal order this, until it is done.
    ///
    /// # Errors
    /// When the database cannot be written, or no terminal has that number.
    pub fn order(&self, terminal: &str, order: Order) -> Result<(), HostError> {
        if self.store.terminal(terminal)?.is_none() {
            return Err(HostError::UnknownTerminal(terminal.to_owned()));
        }
        Ok(self.store.order(terminal, order)?)
    }

    /// What terminals told of themselves, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn reports(&self) -> Result<Vec<Told>, StoreError> {
        self.store.reports()
    }

    /// What the account behind a card number holds, in minor units of CNY.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn balance(&self, pan: &str) -> Result<Option<u64>, StoreError> {
        self.store.balance(pan)
    }

    /// Gives the account behind a card number another PIN, with all its tries. At first every account has 1234.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_pin(&self, pan: &str, pin: &Pin) -> Result<(), StoreError> {
        self.store.set_pin(pan, pin)
    }

    /// Do register and kit belong together? Not when an enrolment was cut short.
    fn has_kit_of(&self, terminal: &str) -> Result<bool, HostError> {
        let Some(registered) = self.store.terminal(terminal)? else { return Ok(false) };
        if Bound::of(&self.store, terminal)?.is_none() {
            return Ok(false);
        }
        let certificate = std::fs::read(self.kit(terminal)?.join(CLIENT_CERTIFICATE)).unwrap_or_default();
        match X509::from_pem(&certificate) {
            Ok(certificate) => Ok(pki::fingerprint(&certificate)? == registered.certificate),
            Err(_) => Ok(false),
        }
    }

    fn kit(&self, terminal: &str) -> Result<PathBuf, HostError> {
        // The number becomes the name of a directory.
        if terminal.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Ok(self.state.join(TERMINALS).join(terminal))
        } else {
            Err(HostError::UnknownTerminal(terminal.to_owned()))
        }
    }

    fn credential(&self, name: &str) -> Result<Credential, HostError> {
        let path = self.state.join(PKI);
        let certificate = std::fs::read(path.join(format!("{name}.pem")))?;
        let key = Zeroizing::new(std::fs::read(path.join(format!("{name}.key")))?);
        Credential::from_pem(&certificate, &key)
            .map_err(|error| HostError::State { path: path.display().to_string(), problem: error.to_string() })
    }
}

impl RunningHost {
    /// Settings with which a terminal finds this host; file names are those of the kit.
    pub fn link_settings(&self) -> LinkSettings {
        let host = match self.address.ip() {
            ip if ip.is_unspecified() => format!("localhost:{}", self.address.port()),
            _ => self.address.to_string(),
        };
        LinkSettings {
            url: format!("https://{host}"),
            path: PATH.to_owned(),
            dialect: self.dialect.clone(),
            ..LinkSettings::default()
        }
    }

    /// How many TLS handshakes there were: full ones, and such that resumed a session.
    pub fn handshakes(&self) -> (usize, usize) {
        let Handshakes { full, resumed } = &self.service.handshakes;
        (full.load(Ordering::Relaxed), resumed.load(Ordering::Relaxed))
    }

    /// While `deaf`, reversals are neither carried out nor answered.
    pub fn set_deaf_to_reversals(&self, deaf: bool) {
        self.service.deaf_to_reversals.store(deaf, Ordering::Relaxed);
    }

    /// While `blind`, it does not compare what a message names with its register, and answers with its own values.
    pub fn set_blind_to_bindings(&self, blind: bool) {
        self.service.blind_to_bindings.store(blind, Ordering::Relaxed);
    }

    /// While `wrong`, the check value of the MAC key is wrong at a sign-on.
    pub fn set_wrong_check_values(&self, wrong: bool) {
        self.service.wrong_check_values.store(wrong, Ordering::Relaxed);
    }

    /// While `refuses`, every sign-on is refused with 96, and the keys before go on to count.
    pub fn set_refuses_sign_ons(&self, refuses: bool) {
        self.service.refuses_sign_ons.store(refuses, Ordering::Relaxed);
    }

    /// The next answers to a terminal order a sign-on, until it comes.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn order_sign_on(&self, terminal: &str) -> Result<(), StoreError> {
        self.service.store.order_sign_on(terminal)
    }

    /// As [`RunningHost::order_sign_on`], for anything that can be ordered.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn order(&self, terminal: &str, order: Order) -> Result<(), StoreError> {
        self.service.store.order(terminal, order)
    }

    /// What terminals told of themselves, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn reports(&self) -> Result<Vec<Told>, StoreError> {
        self.service.store.reports()
    }

    /// The host shares no working keys with a terminal any more.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_keys(&self, terminal: &str) -> Result<(), StoreError> {
        self.service.store.forget_working_keys(terminal)
    }

    /// The batch that a terminal is told with its next sign-on.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_batch(&self, terminal: &str, batch: Batch) -> Result<(), StoreError> {
        self.service.store.set_batch(terminal, batch)
    }

    /// Where a terminal stands with its sign-ons; nothing when none has that number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sign_on_state(&self, terminal: &str) -> Result<Option<SignOnState>, StoreError> {
        self.service.store.sign_on_state(terminal)
    }

    /// The host's ledger, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn ledger(&self) -> Result<Vec<Entry>, StoreError> {
        self.service.store.ledger()
    }

    /// What terminals told of payments that are over.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn advices(&self) -> Result<Vec<Note>, StoreError> {
        self.service.store.advices()
    }

    /// What the account behind a card number holds, in minor units of CNY.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn balance(&self, pan: &str) -> Result<Option<u64>, StoreError> {
        self.service.store.balance(pan)
    }
}

impl Drop for RunningHost {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // An error means that it has stopped already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

const CLIENT_CERTIFICATE: &str = "client.pem";
const PKI: &str = "pki";
const TERMINALS: &str = "terminals";

/// Who changes the register when the sandbox does it by itself.
const SANDBOX: &str = "sandbox";

/// Where sandbox terminals stand: on Tian'anmen Square, where no shop is.
const DEFAULT_PLACE: Place = Place { latitude_e6: 39_903_200, longitude_e6: 116_397_800, radius_m: 500 };

/// The one merchant every sandbox host knows. None of these numbers belongs to anybody.
fn default_application() -> (Form, Numbers) {
    let form = Form {
        serial_number: "00000402TEST0001".to_owned(),
        merchant_name: "老王小吃店".to_owned(),
        credit_code: "91000000TE5T00001W".to_owned(),
        account: "6222 **** **** 0001".to_owned(),
        address: "北京市测试区示例路1号（测试）".to_owned(),
        place: DEFAULT_PLACE,
    };
    let numbers = Numbers {
        acquirer: register::ACQUIRER.to_owned(),
        merchant: "999TEST00000001".to_owned(),
        terminal: DEFAULT_TERMINAL.to_owned(),
    };
    (form, numbers)
}

/// Puts a newly enrolled terminal into the host's books. Its working keys come when it signs on.
fn take_terminal(store: &Store, new: &NewTerminal<'_>) -> Result<(), HostError> {
    let numbers = new.application.numbers.as_ref().ok_or_else(|| StoreError::Row("no numbers".to_owned()))?;
    store.register_terminal(&TerminalRow {
        terminal: &numbers.terminal,
        merchant: &numbers.merchant,
        serial_number: &new.application.form.serial_number,
        acquirer: &numbers.acquirer,
        certificate: new.certificate,
        cipher: new.cipher,
        master_key: new.master_key,
        device_key: new.device_key,
    })?;
    Ok(())
}

fn write_credential(directory: &Path, name: &str, credential: &Credential) -> Result<(), HostError> {
    let key = Zeroizing::new(credential.key.private_key_to_pem_pkcs8()?);
    files::write(&directory.join(format!("{name}.key")), &key, Readers::Owner)?;
    files::write(&directory.join(format!("{name}.pem")), &credential.certificate.to_pem()?, Readers::All)?;
    Ok(())
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, HostError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| HostError::Random(error.to_string()))?;
    Ok(bytes)
}
