//! Who may stay connected. The host has so many places for lines; when they are taken, a new line gets the place of one that
//! says nothing: who shook no hands or showed no certificate goes first, then the line that has been idle for longest. A line
//! that is being answered keeps its place. So nobody can shut the host by connecting and keeping silent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::clock;

/// Lines at a time.
pub(super) const MAX_CONNECTIONS: usize = 256;

/// Those among them that have shown no certificate, or not yet.
pub(super) const MAX_STRANGERS: usize = 64;

/// Who came so recently is still shaking hands.
const AT_THE_DOOR: Duration = Duration::from_secs(1);

/// When nobody can be sent away, it is looked again after so long.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Places {
    lines: Mutex<Vec<Arc<Line>>>,
    freed: Notify,
}

/// A line that has a place.
#[derive(Debug)]
struct Line {
    state: Mutex<State>,
    sent_away: Notify,
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// It has shown a certificate.
    known: bool,
    /// Requests that are being answered.
    busy: u32,
    /// Since when it has been as it is.
    since: Instant,
}

/// A place that is held. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    line: Arc<Line>,
}

/// A request on a line is being answered, until this is dropped.
#[derive(Debug)]
pub(super) struct Busy(Arc<Line>);

impl Places {
    /// Waits for a place, and makes one where it can.
    pub async fn take(self: &Arc<Self>) -> Place {
        loop {
            if let Some(place) = self.try_take() {
                return place;
            }
            // Whoever came before may have become old enough to be sent away.
            let _ = timeout(LOOK_AGAIN, self.freed.notified()).await;
        }
    }

    fn try_take(self: &Arc<Self>) -> Option<Place> {
        let mut lines = self.lines();
        let strangers = lines.iter().filter(|line| !line.state().known).count();
        let full = lines.len() >= MAX_CONNECTIONS;
        if strangers >= MAX_STRANGERS || full {
            let now = clock::instant();
            let gone = first_to_go(&lines, now, full)?;
            let gone = lines.swap_remove(gone);
            gone.sent_away.notify_one();
        }
        let state = State { known: false, busy: 0, since: clock::instant() };
        let line = Arc::new(Line { state: Mutex::new(state), sent_away: Notify::new() });
        lines.push(Arc::clone(&line));
        Some(Place { places: Arc::clone(self), line })
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Arc<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which line gives its place up: a stranger, or, when it is not strangers who are too many, one that is idle.
fn first_to_go(lines: &[Arc<Line>], now: Instant, full: bool) -> Option<usize> {
    let states: Vec<State> = lines.iter().map(|line| *line.state()).collect();
    let oldest = |wanted: &dyn Fn(&State) -> bool| {
        let found = states.iter().enumerate().filter(|(_, state)| wanted(state));
        found.min_by_key(|(_, state)| state.since).map(|(index, _)| index)
    };
    let stranger = oldest(&|state| !state.known && state.busy == 0 && now.duration_since(state.since) >= AT_THE_DOOR);
    stranger.or_else(|| if full { oldest(&|state| state.known && state.busy == 0) } else { None })
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// A certificate was shown.
    pub fn is_known(&self) {
        let mut state = self.line.state();
        state.known = true;
        state.since = clock::instant();
    }

    /// What marks requests of this line as being answered.
    pub fn marker(&self) -> Marker {
        Marker(Arc::clone(&self.line))
    }

    /// Ends when somebody else gets the place.
    pub async fn sent_away(&self) {
        self.line.sent_away.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lines().retain(|line| !Arc::ptr_eq(line, &self.line));
        self.places.freed.notify_one();
    }
}

/// Marks requests of a line.
#[derive(Clone, Debug)]
pub(super) struct Marker(Arc<Line>);

impl Marker {
    /// A request begins.
    pub fn begin(&self) -> Busy {
        self.0.state().busy += 1;
        Busy(Arc::clone(&self.0))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.busy = state.busy.saturating_sub(1);
        state.since = clock::instant();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(known: bool, busy: u32, seconds: u64, now: Instant) -> Arc<Line> {
        let state = State { known, busy, since: now - Duration::from_secs(seconds) };
        Arc::new(Line { state: Mutex::new(state), sent_away: Notify::new() })
    }

    #[test]
    fn strangers_go_first_then_who_was_idle_for_longest_and_never_who_is_being_answered() {
        let now = Instant::now() + Duration::from_secs(3600);
        let strangers = [line(true, 0, 90, now), line(false, 0, 3, now), line(false, 0, 5, now)];
        assert_eq!(first_to_go(&strangers, now, true), Some(2));
        assert_eq!(first_to_go(&strangers, now, false), Some(2));
        let known = [line(true, 1, 90, now), line(true, 0, 20, now), line(true, 0, 40, now), line(false, 0, 0, now)];
        assert_eq!(first_to_go(&known, now, true), Some(2));
        assert_eq!(first_to_go(&known, now, false), None, "it is still shaking hands");
        assert_eq!(first_to_go(&[line(true, 1, 90, now)], now, true), None);
        let enrolling = [line(false, 1, 9, now), line(false, 0, 3, now)];
        assert_eq!(first_to_go(&enrolling, now, false), Some(1), "who is being enrolled is being answered");
    }

    #[test]
    fn a_place_is_free_again_when_it_is_dropped() {
        let places = Arc::new(Places::default());
        let held: Vec<_> = (0..MAX_STRANGERS).map(|_| places.try_take().unwrap()).collect();
        assert!(places.try_take().is_none(), "all of them came just now");
        held[0].is_known();
        let another = places.try_take().unwrap();
        assert!(places.try_take().is_none());
        drop(another);
        assert!(places.try_take().is_some());
        drop(held);
        assert!(places.lines().is_empty());
    }
}
