//! The customer's phone: the wallets of the sandbox host on a page for a browser, and the same as HTTP and JSON for whoever plays the
//! customer without one. It shows a code to be scanned, scans the one that a terminal shows, pays, asks for a password, refuses.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /` | | the page |
//! | `GET /messages` | | a page of what customers were told on their phones |
//! | `GET /wallets` | | all wallets, and the orders whose codes are shown now |
//! | `GET /wallets/NAME` | | one, and the orders that wait for its password |
//! | `POST /wallets/NAME/code` | `{"form": "number"}` or `"emv"` | a code, how long it is valid, its picture |
//! | `POST /wallets/NAME/scan` | `{"text": …}` | the order of a code that is shown |
//! | `POST /wallets/NAME/pay` | `{"order": …, "password": …}` | `paid`, `password_needed`, `wrong_password`, … |
//! | `POST /wallets/NAME/refuse` | `{"order": …}` | whether the order is over by that |
//!
//! Whoever reaches its address can pay with all wallets: it listens on this machine alone, and their money is worth nothing.

mod messages;
mod picture;
mod server;

use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::host::{Host, HostError};

pub use self::picture::picture;

/// Where the wallets are found when nobody says otherwise.
pub const DEFAULT_PORT: u16 = 8584;

/// Wallets that can be reached. They are gone when this is dropped; what they hold stays.
#[derive(Debug)]
pub struct RunningWallets {
    /// Where they are.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RunningWallets {
    /// Listens and serves on a thread of its own. Port 0 takes any free one; see [`RunningWallets::address`].
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
        let thread = std::thread::Builder::new().name("sandbox-wallets".to_owned()).spawn(move || {
            runtime.block_on(server::serve(listener, host, stopped));
            // A payment that has begun is finished; connections are cut.
            runtime.shutdown_timeout(Duration::from_secs(5));
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Address of the page.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Drop for RunningWallets {
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
