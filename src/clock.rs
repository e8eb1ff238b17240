//! What time it is. Whatever waits, ends or is dated asks here, so that a simulation can let a day pass in an instant.
//!
//! The time is the machine's own, unless somebody holds a [`SetByHand`] on the thread that asks: then it is that one's, and
//! stands still until it is told to go on. Nothing in the program makes one. Drivers that wait for real devices ask the
//! machine itself.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

thread_local! {
    static BY_HAND: RefCell<Option<Hand>> = const { RefCell::new(None) };
}

/// Where the hands of a clock stand.
#[derive(Clone, Debug)]
struct Hand {
    instant: Instant,
    time: Zoned,
}

/// A moment to measure from.
pub fn instant() -> Instant {
    BY_HAND.with_borrow(|hand| hand.as_ref().map(|hand| hand.instant)).unwrap_or_else(Instant::now)
}

/// How long ago a moment was.
pub fn since(moment: Instant) -> Duration {
    instant().saturating_duration_since(moment)
}

/// The time of the world.
pub fn timestamp() -> Timestamp {
    BY_HAND.with_borrow(|hand| hand.as_ref().map(|hand| hand.time.timestamp())).unwrap_or_else(Timestamp::now)
}

/// The time on the wall.
pub fn local() -> Zoned {
    BY_HAND.with_borrow(|hand| hand.as_ref().map(|hand| hand.time.clone())).unwrap_or_else(Zoned::now)
}

/// The clock of the thread that made it, as long as it is held. There is one at a time.
#[derive(Debug)]
pub struct SetByHand(PhantomData<*const ()>);

impl SetByHand {
    /// Stops the clock of this thread at `time`, in `zone`.
    pub fn at(time: Timestamp, zone: TimeZone) -> Self {
        BY_HAND.set(Some(Hand { instant: Instant::now(), time: time.to_zoned(zone) }));
        Self(PhantomData)
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        BY_HAND.with_borrow_mut(|hand| {
            if let Some(hand) = hand {
                hand.instant += time;
                let passed = jiff::SignedDuration::try_from(time).unwrap_or_default();
                hand.time = hand.time.saturating_add(passed);
            }
        });
    }
}

impl Drop for SetByHand {
    fn drop(&mut self) {
        BY_HAND.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_by_hand_goes_on_when_it_is_told_to_and_on_its_own_thread_only() {
        let noon: Timestamp = "2026-11-28T04:00:00Z".parse().unwrap();
        let clock = SetByHand::at(noon, TimeZone::fixed(jiff::tz::offset(8)));
        let began = instant();
        assert_eq!((timestamp(), local().hour(), instant()), (noon, 12, began));
        clock.pass(Duration::from_secs(3600));
        assert_eq!((local().hour(), since(began)), (13, Duration::from_secs(3600)));
        assert!(std::thread::spawn(timestamp).join().unwrap() != timestamp());
        drop(clock);
        assert!(timestamp() != noon && since(began) < Duration::from_secs(60));
    }
}
