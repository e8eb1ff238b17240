//! What time it is. Whatever waits, ends or is dated asks here, so that a simulation can let a day pass in an instant.
//!
//! The time is the machine's own, unless somebody holds a [`SetByHand`] on the thread that asks: then it is that one's, and
//! stands still until it is told to go on. Nothing in the program makes one. Drivers that wait for real devices ask the
//! machine itself.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

thread_local! {
    static BY_HAND: RefCell<Option<Hand>> = const { RefCell::new(None) };
}

/// Where the hands of a clock stand.
#[derive(Clone, Debug)]
struct Hand {
    instant: Instant,
    time: Zoned,
    /// So much it is ahead of the right time.
    ahead: SignedDuration,
    since_boot: Duration,
}

impl Hand {
    fn local(&self) -> Zoned {
        self.time.saturating_add(self.ahead)
    }
}

/// Where Linux says which start of the machine this is, and how many seconds ago it was, sleep included.
const BOOT: (&str, &str) = ("/proc/sys/kernel/random/boot_id", "/proc/uptime");

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
    BY_HAND.with_borrow(|hand| hand.as_ref().map(|hand| hand.local().timestamp())).unwrap_or_else(Timestamp::now)
}

/// The time on the wall.
pub fn local() -> Zoned {
    BY_HAND.with_borrow(|hand| hand.as_ref().map(Hand::local)).unwrap_or_else(Zoned::now)
}

/// Which start of the machine this is, and how long ago it was: a time that nobody sets. Of a machine that does not say, every look is
/// the first moment of the same start.
pub fn since_boot() -> (String, Duration) {
    if let Some(since) = BY_HAND.with_borrow(|hand| hand.as_ref().map(|hand| hand.since_boot)) {
        return ("by hand".to_owned(), since);
    }
    let boot = std::fs::read_to_string(BOOT.0).unwrap_or_default().trim().to_owned();
    let seconds = std::fs::read_to_string(BOOT.1).ok().and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    let since = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default();
    (boot, since)
}

/// The clock of the thread that made it, as long as it is held. There is one at a time.
#[derive(Debug)]
pub struct SetByHand(PhantomData<*const ()>);

impl SetByHand {
    /// Stops the clock of this thread at `time`, in `zone`.
    pub fn at(time: Timestamp, zone: TimeZone) -> Self {
        let (instant, time) = (Instant::now(), time.to_zoned(zone));
        BY_HAND.set(Some(Hand { instant, time, ahead: SignedDuration::ZERO, since_boot: Duration::ZERO }));
        Self(PhantomData)
    }

    /// Sets the time of the world wrong by so much, or right again by zero. What waits does not notice: no other measure of time
    /// changes with it.
    pub fn set_ahead(&self, ahead: SignedDuration) {
        BY_HAND.with_borrow_mut(|hand| {
            if let Some(hand) = hand {
                hand.ahead = ahead;
            }
        });
    }

    /// Does something with the right time, however wrong the clock of this thread is set: others have clocks of their own.
    pub fn right<T>(work: impl FnOnce() -> T) -> T {
        let swap = |with: SignedDuration| {
            BY_HAND.with_borrow_mut(|hand| hand.as_mut().map(|hand| std::mem::replace(&mut hand.ahead, with)))
        };
        let ahead = swap(SignedDuration::ZERO);
        let done = work();
        ahead.and_then(swap);
        done
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        BY_HAND.with_borrow_mut(|hand| {
            if let Some(hand) = hand {
                hand.instant += time;
                hand.since_boot += time;
                let passed = SignedDuration::try_from(time).unwrap_or_default();
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
        assert_eq!(since_boot(), ("by hand".to_owned(), Duration::from_secs(3600)));
        // A day ahead, and nothing that waits sees it.
        clock.set_ahead(SignedDuration::from_hours(24));
        assert_eq!((local().day(), local().hour(), since(began)), (29, 13, Duration::from_secs(3600)));
        let right = SetByHand::right(|| (local().day(), timestamp()));
        assert_eq!(right, (28, noon + Duration::from_secs(3600)));
        assert_eq!(local().day(), 29, "it is as wrong as before");
        clock.set_ahead(SignedDuration::ZERO);
        assert_eq!(timestamp(), right.1);
        assert!(std::thread::spawn(timestamp).join().unwrap() != timestamp());
        drop(clock);
        assert!(timestamp() != noon && since(began) < Duration::from_secs(60));
        let (boot, first) = since_boot();
        assert!(boot.len() > 30 && first > Duration::ZERO && since_boot().0 == boot && since_boot().1 >= first);
    }
}
