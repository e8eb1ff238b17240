//! The listener. Everything is bounded: connections, time for the head of a request and for its body, size of a body.

use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::sleep;
use tracing::debug;

use super::desk::Desk;
use super::guard::Guard;
use super::{TillServerError, routes};
use crate::terminal::files;
use crate::terminal::till::Listen;

/// Connections at a time.
const MOST_CONNECTIONS: usize = 64;

/// How long the head of a request may be on its way, and a line idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of a request's head at most.
const MOST_HEAD: usize = 16 * 1024;

/// Who may use the socket: the program's own user and its group, into which whoever runs the till is put.
const SOCKET_MODE: u32 = 0o660;

/// A place that is listened on.
pub(super) enum Listener {
    Unix(std::os::unix::net::UnixListener),
    Tcp(std::net::TcpListener),
}

impl Listener {
    /// Listens. A socket that a program left behind is removed; one that somebody listens on is not.
    pub fn open(place: &Listen) -> Result<Self, TillServerError> {
        let refused = |source| TillServerError::Listen { place: place.to_string(), source };
        match place {
            Listen::Loopback(address) => {
                let listener = std::net::TcpListener::bind(address).map_err(|error| match error.kind() {
                    ErrorKind::AddrInUse => TillServerError::InUse(place.to_string()),
                    _ => refused(error),
                })?;
                listener.set_nonblocking(true).map_err(refused)?;
                Ok(Self::Tcp(listener))
            }
            Listen::Unix(path) => {
                files::make_private(files::parent(path)).map_err(refused)?;
                remove_what_was_left(path).map_err(refused)?;
                let listener = std::os::unix::net::UnixListener::bind(path).map_err(|error| match error.kind() {
                    ErrorKind::AddrInUse => TillServerError::InUse(place.to_string()),
                    _ => refused(error),
                })?;
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE)).map_err(refused)?;
                listener.set_nonblocking(true).map_err(refused)?;
                Ok(Self::Unix(listener))
            }
        }
    }

    /// Where it listens, with the port it was given.
    pub fn place(&self, asked_for: &Listen) -> std::io::Result<Listen> {
        match self {
            Self::Unix(_) => Ok(asked_for.clone()),
            Self::Tcp(listener) => listener.local_addr().map(Listen::Loopback),
        }
    }
}

fn remove_what_was_left(path: &Path) -> std::io::Result<()> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let is_deserted = || {
        std::os::unix::net::UnixStream::connect(path).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    };
    if is_socket && is_deserted() { std::fs::remove_file(path) } else { Ok(()) }
}

/// Serves until `stop` is told or dropped.
pub(super) async fn serve(listener: Listener, desk: Arc<Desk>, guard: Guard, stop: oneshot::Receiver<()>) {
    let router = routes::router(desk, guard);
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let accepting = async {
        match listener {
            Listener::Unix(listener) => match tokio::net::UnixListener::from_std(listener) {
                Ok(listener) => accept(async || Ok(listener.accept().await?.0), &router, &places).await,
                Err(error) => debug!(%error, "the listener cannot be used"),
            },
            Listener::Tcp(listener) => match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => accept(async || Ok(listener.accept().await?.0), &router, &places).await,
                Err(error) => debug!(%error, "the listener cannot be used"),
            },
        }
    };
    tokio::select! {
        () = accepting => {}
        _ = stop => {}
    }
}

async fn accept<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    next: impl AsyncFn() -> std::io::Result<S>,
    router: &Router,
    places: &Arc<Semaphore>,
) {
    loop {
        let Ok(place) = Arc::clone(places).acquire_owned().await else { return };
        match next().await {
            Ok(stream) => {
                let router = router.clone();
                tokio::spawn(async move {
                    let _place = place;
                    connection(stream, router).await;
                });
            }
            // Out of file descriptors, most likely; they come back when connections end.
            Err(error) => {
                debug!(%error, "no connection accepted");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, router: Router) {
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MOST_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
    if let Err(error) = served {
        debug!(%error, "a till's connection ended");
    }
}
