//! The thread that hands notifications to their provider, one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing::{debug, info, warn};

use super::{NotificationProvider, Standing};
use crate::clock;
use crate::sandbox::host::store::{Store, StoreError};
use crate::sandbox::host::{Host, HostError};

/// How long it waits before it looks for the next one.
const INTERVAL: Duration = Duration::from_millis(200);

/// Notifications that are being sent. Dropped, it finishes the one that is under way; the others wait in the database.
#[derive(Debug)]
pub struct RunningNotifications {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl RunningNotifications {
    /// Sends what the host has written down, now and from now on.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(host: &Host, provider: Box<dyn NotificationProvider>) -> Result<Self, HostError> {
        let (store, stop) = (Arc::clone(&host.store), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("sandbox-notify".to_owned()).spawn(move || {
            while !stopped.load(Ordering::Acquire) {
                match send_one(&store, &*provider) {
                    Ok(true) => {}
                    Ok(false) => std::thread::park_timeout(INTERVAL),
                    Err(error) => {
                        warn!(%error, "notifications wait");
                        std::thread::park_timeout(INTERVAL);
                    }
                }
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

/// Hands over the one that has been due for longest; false when none is.
fn send_one(store: &Store, provider: &dyn NotificationProvider) -> Result<bool, StoreError> {
    let Some(due) = store.due_notification(clock::timestamp().as_second())? else { return Ok(false) };
    let result = provider.deliver(&due);
    let failed_by = result.err().map(|error| error.to_string());
    match &failed_by {
        None => info!(key = due.key, to = %due.phone, by = provider.name(), "a customer was told"),
        Some(problem) => debug!(key = due.key, to = %due.phone, problem, "a customer was not told yet"),
    }
    store.note_delivery(&due, failed_by.as_deref(), clock::timestamp().as_second())?;
    Ok(due.standing == Standing::Waiting)
}

impl Drop for RunningNotifications {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
