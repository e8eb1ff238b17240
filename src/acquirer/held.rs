//! An idle connection that is only watched: its end tells at once that the host, or the way to it, is gone.
//!
//! It is that of the last echo. Nothing is ever sent on it again, so no request can be lost with it. The kernel asks over it
//! every two seconds whether the other side is there (TCP keep-alive, some 100 bytes there and back); two
//! questions without an answer end it, at most [`SEEN_AFTER`] after a cable was pulled.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt};

use super::https::OpenLine;

/// Idle seconds before the first question, seconds to the next one, and questions without an answer.
const KEEP_ALIVE: (u32, u32, u32) = (2, 1, 2);

/// The longest time from the last sign of the other side to the end of the line.
pub const SEEN_AFTER: Duration = Duration::from_secs((KEEP_ALIVE.0 + KEEP_ALIVE.1 * KEEP_ALIVE.2) as u64);

/// How an idle line ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// The other side hung up: it stops, or it does not keep idle lines.
    Closed,
    /// No sign of the other side any more; with the system's word for it.
    Dead(String),
}

/// The line that is watched, if there is one.
#[derive(Debug, Default)]
pub struct Held(Mutex<Option<Arc<OpenLine>>>);

impl Held {
    /// Watches this line from now on, in the place of another.
    pub fn watch(&self, line: OpenLine) {
        let socket = line.socket();
        let (idle, interval, count) = KEEP_ALIVE;
        let asked = setsockopt(socket, sockopt::TcpKeepIdle, &idle)
            .and_then(|()| setsockopt(socket, sockopt::TcpKeepInterval, &interval))
            .and_then(|()| setsockopt(socket, sockopt::TcpKeepCount, &count))
            .and_then(|()| setsockopt(socket, sockopt::KeepAlive, &true));
        if let Err(error) = asked {
            tracing::warn!(%error, "an idle line cannot be watched; its loss is seen later");
        }
        *self.lock() = Some(Arc::new(line));
    }

    /// Watches nothing any more.
    pub fn let_go(&self) {
        *self.lock() = None;
    }

    /// Waits until the line ends, but not longer than this.
    pub fn wait(&self, patience: Duration) -> Option<LineEnd> {
        let Some(line) = self.lock().clone() else {
            std::thread::sleep(patience);
            return None;
        };
        let mut watched = [PollFd::new(line.socket().as_fd(), PollFlags::POLLIN)];
        let limit = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        match poll(&mut watched, limit) {
            Ok(0) => return None,
            Ok(_) => {}
            // A signal, most likely; the next call looks again.
            Err(_) => return None,
        }
        let mut slot = self.lock();
        // Another line has taken its place meanwhile.
        if !slot.as_ref().is_some_and(|current| Arc::ptr_eq(current, &line)) {
            return None;
        }
        *slot = None;
        Some(end_of(line.socket()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<OpenLine>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the system says of a line that is no longer silent. Whoever is not asked has nothing to say but farewell.
fn end_of(mut line: &TcpStream) -> LineEnd {
    match line.read(&mut [0; 64]) {
        Ok(_) => LineEnd::Closed,
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => LineEnd::Closed,
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => LineEnd::Closed,
        Err(error) => LineEnd::Dead(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    fn line() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (near, listener.accept().unwrap().0)
    }

    #[test]
    fn the_end_of_a_line_is_seen_at_once_and_only_once() {
        let held = Held::default();
        let (near, far) = line();
        held.watch(OpenLine::of(near));
        assert_eq!(held.wait(Duration::from_millis(5)), None);
        drop(far);
        let began = Instant::now();
        assert_eq!(held.wait(LONG), Some(LineEnd::Closed));
        assert!(began.elapsed() < LONG / 2);
        assert_eq!(held.wait(Duration::ZERO), None);
    }

    #[test]
    fn a_line_that_was_replaced_ends_unnoticed() {
        let held = Held::default();
        let ((near, far), (other, _other_far)) = (line(), line());
        held.watch(OpenLine::of(near));
        held.watch(OpenLine::of(other));
        drop(far);
        assert_eq!(held.wait(Duration::from_millis(20)), None);
        held.let_go();
        assert_eq!(held.wait(Duration::ZERO), None);
    }

    #[test]
    fn a_pulled_cable_is_seen_within_five_seconds() {
        assert!(SEEN_AFTER < Duration::from_secs(5));
        let held = Held::default();
        let (near, _far) = line();
        held.watch(OpenLine::of(near));
        let line = held.lock().clone().unwrap();
        let system = nix::sys::socket::getsockopt(line.socket(), sockopt::TcpKeepIdle).unwrap();
        assert_eq!(system, KEEP_ALIVE.0);
        assert!(nix::sys::socket::getsockopt(line.socket(), sockopt::KeepAlive).unwrap());
    }
}
