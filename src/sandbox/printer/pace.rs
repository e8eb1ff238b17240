//! How fast a printer is: a serial line of so many bits a second, and a mechanism that moves the paper so many dots a second. A pty
//! has neither; the printer waits as if it had.

use std::time::{Duration, Instant};

use super::PaperWidth;
use super::model::{Habits, Model};

/// The speed of a line and of a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Bits a second; a byte has ten of them: start, eight, stop.
    pub baud: u32,
    /// Dots that the paper moves in a second, eight to a millimetre. Built-in printers of 58 mm do 400 to 700, counter-top ones of
    /// 80 mm 1200 to 2400.
    pub dots_per_second: u32,
}

impl Pace {
    /// A line of this speed, and the mechanism that printers of this paper have: 60 mm a second, or 150.
    pub const fn usual(baud: u32, paper: PaperWidth) -> Self {
        let dots_per_second = match paper {
            PaperWidth::Mm58 => 480,
            PaperWidth::Mm80 => 1200,
        };
        Self { baud, dots_per_second }
    }

    /// How long so many bytes are on the line.
    pub fn on_the_line(self, bytes: usize) -> Duration {
        let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(10 * 1_000_000_000);
        Duration::from_nanos(bits / u64::from(self.baud.max(1)))
    }

    /// How long the paper moves for so many dots.
    pub fn of_paper(self, dots: u32) -> Duration {
        Duration::from_nanos(u64::from(dots) * 1_000_000_000 / u64::from(self.dots_per_second.max(1)))
    }

    /// How soon the first line of a job can be on paper, and how soon all of it, by a line and a mechanism of this speed: each row
    /// waits for its last byte, and for the paper to be done with the row before.
    pub fn limits(self, job: &[u8], paper: PaperWidth) -> (Duration, Duration) {
        let mut model = Model::new(paper.dots(), Habits::default());
        model.move_by_steps();
        let mut first = None;
        let mut done = Duration::ZERO;
        for (at, byte) in job.iter().enumerate() {
            // What comes of a byte is of no matter here, only the time that it takes.
            drop(model.receive(&[*byte]));
            while let Some(dots) = model.moving() {
                done = done.max(self.on_the_line(at + 1)) + self.of_paper(dots);
                first.get_or_insert(done);
                drop(model.has_moved());
            }
        }
        let all = done.max(self.on_the_line(job.len()));
        (first.unwrap_or(all), all)
    }
}

/// The printer is not woken for less than this: at high speeds it takes some bytes at a time.
const SHORTEST_SLEEP: Duration = Duration::from_micros(300);

/// Bytes on their way to the printer.
#[derive(Debug)]
pub(super) struct Arrival {
    pace: Option<Pace>,
    /// The last byte that was taken had arrived then; nothing is on its way when there is none.
    since: Option<Instant>,
}

impl Arrival {
    pub(super) const fn new(pace: Option<Pace>) -> Self {
        Self { pace, since: None }
    }

    /// Something is on the line: how many bytes of it have arrived, `most` at most.
    pub(super) fn arrived(&mut self, now: Instant, most: usize) -> usize {
        let Some(pace) = self.pace else { return most };
        let since = *self.since.get_or_insert(now);
        let nanos = pace.on_the_line(1).as_nanos().max(1);
        usize::try_from((now - since).as_nanos() / nanos).unwrap_or(most).min(most)
    }

    /// So many of them were taken. Fewer than had arrived: the line is empty.
    pub(super) fn took(&mut self, taken: usize, arrived: usize) {
        let Some(pace) = self.pace else { return };
        self.since = self.since.filter(|_| taken == arrived).map(|since| since + pace.on_the_line(taken));
    }

    /// How long until there is more to take, while something is on its way.
    pub(super) fn next(&self, now: Instant) -> Option<Duration> {
        let (pace, since) = (self.pace?, self.since?);
        let due = since + pace.on_the_line(1).max(SHORTEST_SLEEP);
        Some(due.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_has_ten_bits() {
        let pace = Pace { baud: 9600, dots_per_second: 640 };
        assert_eq!(pace.on_the_line(960), Duration::from_secs(1));
        assert_eq!(pace.of_paper(320), Duration::from_millis(500));
    }

    #[test]
    fn a_row_waits_for_its_bytes_or_for_the_paper() {
        // Two lines of ten bytes with their ends, of 30 dots each.
        let job = b"123456789\n123456789\n";
        let limits = |baud, dots_per_second| {
            let (first, all) = Pace { baud, dots_per_second }.limits(job, PaperWidth::Mm58);
            (first.as_millis(), all.as_millis())
        };
        assert_eq!(limits(1000, 3000), (110, 210), "the line is slow: the second line comes when its bytes have come");
        assert_eq!(limits(10_000, 100), (310, 610), "the paper is slow");
    }

    #[test]
    fn bytes_arrive_one_after_the_other_and_a_pause_is_not_made_up_for() {
        let pace = Pace { baud: 10_000, dots_per_second: 1 };
        let mut arrival = Arrival::new(Some(pace));
        let begun = Instant::now();
        let at = |ms: u64| begun + Duration::from_millis(ms);
        assert_eq!(arrival.arrived(at(0), 100), 0);
        assert_eq!(arrival.next(at(0)), Some(Duration::from_millis(1)));
        assert_eq!(arrival.arrived(at(5), 100), 5);
        arrival.took(5, 5);
        assert_eq!(arrival.arrived(at(7), 100), 2);
        arrival.took(1, 2);
        assert_eq!(arrival.next(at(7)), None, "it is empty");
        assert_eq!(arrival.arrived(at(1000), 100), 0, "what comes now begins now");
        assert_eq!(arrival.arrived(at(2000), 100), 100);
        assert_eq!(Arrival::new(None).arrived(at(0), 100), 100);
    }
}
