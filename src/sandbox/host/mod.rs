//! The acquirer's host: a real HTTPS server with client certificates, a ledger in SQLite and an issuer behind it that
//! verifies the card's cryptograms.
//!
//! [`Host::prepare`] makes keys, certificates and accounts at the first start and keeps them; [`Host::write_kit`] gives a
//! terminal what it needs to speak to this host; [`Host::start`] serves. Every key, number and name in it is for tests.

mod advices;
mod answers;
mod balances;
mod books;
mod checkpoints;
pub mod code_payments;
mod cryptogram;
mod enquiries;
mod families;
mod files;
mod instalments;
mod issuing;
mod keys;
mod kits;
pub mod notifications;
mod offline;
pub mod onboarding;
mod orders;
mod originals;
mod parameters;
mod pins;
mod pki;
mod places;
pub mod receipts;
mod references;
mod repeats;
mod rules;
mod running;
pub mod scripts;
mod server;
mod service;
pub mod settling;
mod signatures;
pub mod store;
mod stripes;
mod taking_back;
#[cfg(test)]
mod tests;
mod transactions;

use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use zeroize::Zeroizing;

pub use self::advices::Note;
use self::files::Readers;
pub use self::instalments::KeptPlan;
pub use self::keys::SignOnState;
use self::kits::take_terminal;
use self::onboarding::Onboarding;
use self::onboarding::register::{Register, RegisterError};
pub use self::orders::Told;
use self::parameters::{Parameters, ParametersError};
use self::pki::{Credential, Purpose};
pub use self::running::RunningHost;
use self::server::Handshakes;
pub use self::server::PATH;
pub use self::service::{Reply, Service};
pub use self::signatures::TakenSignature;
use self::store::{Entry, Store, StoreError};
use crate::acquirer::dialect_file;
use crate::acquirer::enrolment::EnrolmentError;
use crate::crypto::CryptoError;
use crate::crypto::mac::Cipher;
use crate::iso8583::{Dialect, DialectError, Order};
use crate::pin::Pin;
use crate::reference::ReferenceError;
use crate::sandbox::card::profile::{CardProfile, ProfileError, SHIPPED};
use crate::sandbox::stripe::StripeCard;
use crate::terminal::identity::IdentityError;
use crate::vault::VaultError;

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
        for card in StripeCard::without_chip()? {
            store.register_stripe(&card)?;
        }
        store.make_wallets()?;
        notifications::make_phones(&store)?;
        let host = Self { state: state.to_owned(), store, dialect_name: dialect_name.to_owned(), dialect };
        if !pki.join("binding.pem").exists() {
            let signer = host.credential("ca")?.issue("Yima sandbox TEST binding records", Purpose::BindingSigner)?;
            write_credential(&pki, "binding", &signer)?;
        }
        Ok(host)
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
            refuses_signatures: AtomicBool::new(false),
            handshakes: Handshakes::default(),
            blind_to_bindings: AtomicBool::new(false),
            onboarding: self.onboarding()?,
        })
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

    /// The plans of sales by instalments, in the order of their sales.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn instalment_plans(&self) -> Result<Vec<KeptPlan>, StoreError> {
        self.store.instalment_plans()
    }

    /// What cardholders signed on terminals' screens.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn signatures(&self) -> Result<Vec<TakenSignature>, StoreError> {
        self.store.signatures()
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

    /// What of it is set aside.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn held(&self, pan: &str) -> Result<Option<u64>, StoreError> {
        self.store.held(pan)
    }

    /// Gives the account behind a card number another PIN, with all its tries. At first every account has 1234.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_pin(&self, pan: &str, pin: &Pin) -> Result<(), StoreError> {
        self.store.set_pin(pan, pin)
    }

    fn credential(&self, name: &str) -> Result<Credential, HostError> {
        let path = self.state.join(PKI);
        let certificate = std::fs::read(path.join(format!("{name}.pem")))?;
        let key = Zeroizing::new(std::fs::read(path.join(format!("{name}.key")))?);
        Credential::from_pem(&certificate, &key)
            .map_err(|error| HostError::State { path: path.display().to_string(), problem: error.to_string() })
    }
}

const PKI: &str = "pki";

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
