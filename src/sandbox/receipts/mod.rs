//! E-receipts on the customer's phone: pages that the links on slips and screen open. A phone has no certificate, so they have a
//! listener of their own, on this machine alone and without TLS, as the wallets have.
//!
//! | request | answer |
//! |---|---|
//! | `GET /R/LINK` | 200 and the page; 404 when it opens nothing, whatever the reason; 410 after its last day; 429 when asked too often |
//!
//! A page says nothing of a card but its last four digits, asks nobody for anything, and is kept by no cache.

mod page;
mod patience;
mod server;

use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::host::{Host, HostError};

pub(super) use self::page::wanted;

/// Where e-receipts are found when nobody says otherwise.
pub const DEFAULT_PORT: u16 = 8585;

/// E-receipts that can be opened. They are gone when this is dropped.
#[derive(Debug)]
pub struct RunningReceipts {
    /// Where they are.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RunningReceipts {
    /// Listens and serves on a thread of its own. Port 0 takes any free one; see [`RunningReceipts::address`].
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn start(host: &Host, listen: SocketAddr) -> Result<Self, HostError> {
        let refused = |source| HostError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let host = host.clone();
        let thread = std::thread::Builder::new().name("sandbox-receipts".to_owned()).spawn(move || {
            runtime.block_on(server::serve(listener, host, stopped));
            runtime.shutdown_timeout(Duration::from_secs(5));
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// What links begin with.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for RunningReceipts {
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
