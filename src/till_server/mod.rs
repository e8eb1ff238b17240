//! The interface for tills: HTTP with JSON on this machine alone (`docs/till.openapi.yaml`).
//!
//! Nothing of it happens on the engine's thread or the screen's: the engine only says what it does ([`Hearing`]), a thread of its own
//! writes that down ([`desk`]), and another one speaks HTTP ([`server`]). What a till may do is decided in `till`, what is written down
//! is in `till_keys`; what became of a payment is always read from the ledger.

mod answers;
mod desk;
mod guard;
mod hearing;
mod routes;
mod server;
mod stream;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use self::desk::Desk;
use self::hearing::Heard;
use self::server::Listener;
use crate::app::{Engine, Intents, Listener as EngineListener, Parts, Setup, SetupError};
use crate::terminal::till::Listen;
use crate::till_keys::TillKeysError;

pub use hearing::{Ears, Hearing, hear};
pub use routes::PATHS;

/// How often it is looked what became of payments that are over and not known yet.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long an engine that begins is waited for.
const FIRST_VIEW: Duration = Duration::from_secs(5);

/// How long requests that are being answered are waited for at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Why tills cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TillServerError {
    /// The place cannot be listened on.
    #[error("tills cannot be listened to on {place} ({source}); see till.listen in the settings")]
    Listen {
        /// Where.
        place: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another program listens there.
    #[error("another program listens on {0}; see till.listen in the settings")]
    InUse(String),
    /// The settings have no place for it.
    #[error("there is no place where tills are listened to; see till.listen in the settings")]
    NoPlace,
    /// Thread or runtime.
    #[error("tills cannot be served: {0}")]
    System(#[from] std::io::Error),
    /// Their keys.
    #[error(transparent)]
    Keys(#[from] TillKeysError),
    /// The terminal.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

/// An engine, and what came of opening the interface beside it.
pub type WithTills = (Engine, Result<Option<RunningTills>, TillServerError>);

/// Starts an engine whose payments tills may ask for, where the settings have a place for them. A terminal whose tills cannot be
/// listened to trades all the same. Drop the engine before the interface: what it still does is then written down.
///
/// # Errors
/// When the engine cannot be started.
pub fn start_engine(setup: &Setup, parts: Parts, listener: Box<dyn EngineListener>) -> std::io::Result<WithTills> {
    let (hearing, ears) = hear(listener);
    let engine = Engine::start(parts, Box::new(hearing))?;
    let tills = RunningTills::start(setup, ears, engine.intents());
    Ok((engine, tills))
}

/// An interface that is open. Dropping it closes it; a payment that runs goes on.
#[derive(Debug)]
pub struct RunningTills {
    place: Listen,
    stop: Option<oneshot::Sender<()>>,
    stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl RunningTills {
    /// Settles what an earlier run left, then listens. Nothing, where the settings have no place for it. `ears`: those of the engine's
    /// listener; `intents`: the same engine's.
    ///
    /// # Errors
    /// When the place cannot be listened on, or the tills' keys cannot be read.
    pub fn start(setup: &Setup, ears: Ears, intents: Intents) -> Result<Option<Self>, TillServerError> {
        let place = Listen::parse(&setup.settings.till.listen)
            .map_err(|error| SetupError::from(setup.origin.wrong("till.listen", error)))?;
        let Some(place) = place else { return Ok(None) };
        let listener = Listener::open(&place)?;
        let place = listener.place(&place)?;
        let desk = Arc::new(Desk::open(setup, intents)?);
        desk.settle_all();
        hear_first_view(&desk, &ears);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, wanted) = oneshot::channel();
        let stopped = Arc::new(AtomicBool::new(false));
        let (writer, ended) = (Arc::clone(&desk), Arc::clone(&stopped));
        let writing = std::thread::Builder::new().name("tills-hearing".to_owned()).spawn(move || {
            write_down(&writer, &ears, &ended);
        })?;
        let guard = guard::Guard::new(&place);
        let serving = std::thread::Builder::new().name("tills".to_owned()).spawn(move || {
            runtime.block_on(server::serve(listener, desk, guard, wanted));
            runtime.shutdown_timeout(LAST_ANSWERS);
        })?;
        tracing::info!(%place, "tills are listened to");
        Ok(Some(Self { place, stop: Some(stop), stopped, threads: vec![writing, serving] }))
    }

    /// Where it listens; of an address with port 0 the port it was given.
    pub const fn place(&self) -> &Listen {
        &self.place
    }
}

impl Drop for RunningTills {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        if let Some(stop) = self.stop.take() {
            // An error means that it has stopped already.
            let _ = stop.send(());
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        if let Listen::Unix(path) = &self.place {
            remove_socket(path);
        }
    }
}

fn remove_socket(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::debug!(%error, "the tills' socket was gone already");
    }
}

/// Whoever asks first is told how the terminal does.
fn hear_first_view(desk: &Desk, ears: &Ears) {
    while let Ok(heard) = ears.0.recv_timeout(FIRST_VIEW) {
        match heard {
            Heard::View(view) => return desk.saw(&view),
            Heard::Event(event) => desk.heard(event),
        }
    }
}

/// What the engine says is written down in its order; in between it is looked what became of what is not known.
fn write_down(desk: &Desk, ears: &Ears, stopped: &AtomicBool) {
    loop {
        match ears.0.recv_timeout(LOOK_EVERY) {
            Ok(Heard::View(view)) => desk.saw(&view),
            Ok(Heard::Event(event)) => desk.heard(event),
            Err(mpsc::RecvTimeoutError::Timeout) if !stopped.load(Ordering::Acquire) => desk.settle_all(),
            Err(mpsc::RecvTimeoutError::Timeout | mpsc::RecvTimeoutError::Disconnected) => return,
        }
    }
}
