//! A host that serves: where it listens, what it is told to do wrong, and what it has heard.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::server::{self, Handshakes, PATH};
use super::store::{Entry, StoreError};
use super::{Host, HostError, Note, Service, SignOnState, TakenSignature, Told};
use crate::iso8583::Order;
use crate::reference::Batch;
use crate::terminal::link::LinkSettings;

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

impl Host {
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

    /// From now on terminals are told that customers find their e-receipts there, where `parameters/host.toml` names no other place.
    pub fn offer_receipts(&self, address: &str) {
        self.service.parameters.offer_receipts(address);
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

    /// While `refuses`, every signature is refused with 12.
    pub fn set_refuses_signatures(&self, refuses: bool) {
        self.service.refuses_signatures.store(refuses, Ordering::Relaxed);
    }

    /// What cardholders signed on terminals' screens.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn signatures(&self) -> Result<Vec<TakenSignature>, StoreError> {
        self.service.store.signatures()
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

    /// What of it is set aside.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn held(&self, pan: &str) -> Result<Option<u64>, StoreError> {
        self.service.store.held(pan)
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
