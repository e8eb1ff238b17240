//! When a settlement is due by itself: once for each night, whatever the clock does.
//!
//! A night is named by the day on which its set time lies. What counts is whether the night that it is now was settled, not whether a
//! later one was: a clock that jumps ahead and back again settles once too often at the worst, and never stops settling.

use jiff::civil::{Date, DateTime, Time};

/// The night that it is: the last day whose set time has passed.
pub fn night(now: DateTime, at: Time) -> Date {
    let today = now.date();
    if now.time() >= at { today } else { today.yesterday().unwrap_or(today) }
}

/// Whether a settlement is due: the night that it is now, when that was not settled yet. A terminal that never had a night waits for
/// the next one.
pub fn due(last: Option<Date>, now: DateTime, at: Time) -> Option<Date> {
    let tonight = night(now, at);
    last.is_some_and(|last| last != tonight).then_some(tonight)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::*;

    #[test]
    fn a_night_begins_at_its_time_and_is_due_once() {
        let at = time(23, 30, 0, 0);
        let day = |day, hour, minute| date(2026, 11, day).at(hour, minute, 0, 0);
        let last = Some(date(2026, 11, 27));
        for (last, now, expected) in [
            (None, day(28, 23, 30), None),
            (last, day(28, 23, 29), None),
            (last, day(28, 23, 30), Some(date(2026, 11, 28))),
            // Off at that time: at the next start.
            (last, day(29, 8, 0), Some(date(2026, 11, 28))),
            (last, day(30, 8, 0), Some(date(2026, 11, 29))),
            (Some(date(2026, 11, 28)), day(29, 8, 0), None),
            (Some(date(2026, 11, 28)), day(28, 23, 59), None),
            // The clock went back by an hour, or by days; or it had been ahead by a year.
            (Some(date(2026, 11, 28)), day(28, 22, 59), Some(date(2026, 11, 27))),
            (Some(date(2027, 11, 28)), day(28, 23, 30), Some(date(2026, 11, 28))),
        ] {
            assert_eq!(due(last, now, at), expected, "{last:?} {now}");
        }
        assert_eq!(night(day(28, 0, 0), time(0, 0, 0, 0)), date(2026, 11, 28), "midnight begins the day's own");
    }
}
