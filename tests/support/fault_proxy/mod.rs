//! A proxy between terminal and host that does what a line, a gateway or a liar may do.
//!
//! Two of them, for two kinds of fault. [`message::MessageProxy`] ends TLS on both sides and sees messages: it loses,
//! delays, doubles, reorders and changes them, or answers in the host's place. [`raw::RawProxy`] sees the bytes of the TCP
//! stream, without their meaning, and cuts, delays or falsifies them at any one.
//!
//! Both are deterministic: a fault is told beforehand for the n-th message of a kind or for the next connection, strikes
//! once, and nothing depends on the time. Both record what they saw. What a test wants done at the moment a fault strikes
//! (killing the terminal, say) it leaves with the [`Moment`].

mod door;
mod fault;
mod http;
pub mod message;
pub mod raw;
mod tampering;

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

pub use fault::{Change, Fault, Kind, Way};

/// Longer than any wait of a proxy for one of its two sides: what takes so long has hung.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// When a fault strikes: what is done then, and whether it has.
#[derive(Clone, Default)]
pub struct Moment(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    strikes: usize,
    then: Option<Box<dyn FnOnce() + Send>>,
}

impl Moment {
    /// What is done at the next strike, on the proxy's thread: the fault goes on when it is done.
    pub fn then(&self, act: impl FnOnce() + Send + 'static) {
        self.0.0.lock().unwrap().then = Some(Box::new(act));
    }

    /// Waits until so many faults have struck; false when `limit` has passed before.
    pub fn wait(&self, strikes: usize, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        while state.strikes < strikes {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = changed.wait_timeout(state, left).unwrap().0;
        }
        true
    }

    /// A fault strikes.
    fn strike(&self) {
        let then = self.0.0.lock().unwrap().then.take();
        if let Some(act) = then {
            act();
        }
        self.0.0.lock().unwrap().strikes += 1;
        self.0.1.notify_all();
    }
}
