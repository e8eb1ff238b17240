//! What the tones sound like, as samples: pure arithmetic, nothing is played here.
//!
//! The three differ in pitch, in length and in shape, so that nobody needs to look: 嘟 is short and flat, 叮 is struck and
//! rings out, the alert is two low beeps. 1500 Hz for success and two of 750 Hz for an alert are what EMVCo's contactless
//! user interface uses; the reading tone lies between them.

use std::f64::consts::{PI, TAU};

use super::Tone;

/// The loudest a sample gets: half of what 16 bits hold, the rest is left to the volume of the machine.
pub const PEAK: i16 = i16::MAX / 2;

/// Every beep swells and dies away over this time; a wave cut off in its middle is heard as a click.
const FADE_MS: u32 = 5;

/// Part of a tone.
enum Part {
    Beep { duration_ms: u32, waves: &'static [Wave] },
    Gap { duration_ms: u32 },
}

/// A sine within a beep. The shares of a beep's waves add up to one.
struct Wave {
    frequency_hz: f64,
    share: f64,
    /// Time in which it falls to 1/e of its strength; without one it stays as strong as it began.
    decay_ms: Option<f64>,
}

const CARD_READ: &[Part] =
    &[Part::Beep { duration_ms: 120, waves: &[Wave { frequency_hz: 1000.0, share: 1.0, decay_ms: None }] }];

/// The overtone of a bell is no multiple of its pitch (2.76 is a struck bar's), and is gone before it.
const APPROVED: &[Part] = &[Part::Beep {
    duration_ms: 400,
    waves: &[
        Wave { frequency_hz: 1500.0, share: 0.7, decay_ms: Some(90.0) },
        Wave { frequency_hz: 4140.0, share: 0.3, decay_ms: Some(40.0) },
    ],
}];

const LOW_BEEP: Part =
    Part::Beep { duration_ms: 150, waves: &[Wave { frequency_hz: 750.0, share: 1.0, decay_ms: None }] };

const ALERT: &[Part] = &[LOW_BEEP, Part::Gap { duration_ms: 100 }, LOW_BEEP];

/// The tone as signed 16-bit samples of one channel, `rate_hz` of them a second, none louder than [`PEAK`].
///
/// A wave that the rate cannot carry (half the rate or more) is left out rather than heard as another pitch.
pub fn samples(tone: Tone, rate_hz: u32) -> Vec<i16> {
    parts(tone)
        .iter()
        .flat_map(|part| match part {
            Part::Beep { duration_ms, waves } => beep(*duration_ms, waves, rate_hz),
            Part::Gap { duration_ms } => vec![0; sample_count(*duration_ms, rate_hz)],
        })
        .collect()
}

fn parts(tone: Tone) -> &'static [Part] {
    match tone {
        Tone::CardRead => CARD_READ,
        Tone::Approved => APPROVED,
        Tone::Alert => ALERT,
    }
}

fn beep(duration_ms: u32, waves: &[Wave], rate_hz: u32) -> Vec<i16> {
    let rate = f64::from(rate_hz);
    let count = sample_count(duration_ms, rate_hz);
    let fade = sample_count(FADE_MS, rate_hz);
    (0..count)
        .map(|index| {
            let seconds = index as f64 / rate;
            let strength: f64 = waves
                .iter()
                .filter(|wave| wave.frequency_hz < rate / 2.0)
                .map(|wave| wave.share * wave.decay(seconds) * (TAU * wave.frequency_hz * seconds).sin())
                .sum();
            let from_the_edge = index.min(count - 1 - index);
            (strength * fade_at(from_the_edge, fade) * f64::from(PEAK)).round() as i16
        })
        .collect()
}

impl Wave {
    fn decay(&self, seconds: f64) -> f64 {
        self.decay_ms.map_or(1.0, |decay_ms| (-seconds * 1000.0 / decay_ms).exp())
    }
}

/// A raised cosine: nothing at the edge of a beep, full strength `fade` samples away from it.
fn fade_at(from_the_edge: usize, fade: usize) -> f64 {
    if from_the_edge >= fade { 1.0 } else { (1.0 - (PI * from_the_edge as f64 / fade as f64).cos()) / 2.0 }
}

fn sample_count(duration_ms: u32, rate_hz: u32) -> usize {
    (u64::from(duration_ms) * u64::from(rate_hz) / 1000) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 48_000;

    /// How strong a frequency is, by Goertzel: 1 for a sine of that frequency at [`PEAK`] all along.
    fn strength(samples: &[i16], frequency_hz: f64) -> f64 {
        let step = TAU * frequency_hz / f64::from(RATE_HZ);
        let (last, before) = samples
            .iter()
            .fold((0.0, 0.0), |(last, before), sample| (f64::from(*sample) + 2.0 * step.cos() * last - before, last));
        let power: f64 = last * last + before * before - 2.0 * step.cos() * last * before;
        2.0 * power.sqrt() / samples.len() as f64 / f64::from(PEAK)
    }

    fn milliseconds(samples: &[i16], from: usize, to: usize) -> &[i16] {
        &samples[from * RATE_HZ as usize / 1000..to * RATE_HZ as usize / 1000]
    }

    #[test]
    fn each_tone_lasts_as_long_as_it_should_at_any_rate() {
        for rate_hz in [8_000, 44_100, 48_000, 192_000] {
            for (tone, duration_ms) in [(Tone::CardRead, 120), (Tone::Approved, 400), (Tone::Alert, 400)] {
                let expected = duration_ms * rate_hz as usize / 1000;
                assert_eq!(samples(tone, rate_hz).len(), expected, "{tone:?} at {rate_hz} Hz");
            }
        }
    }

    #[test]
    fn each_tone_has_its_own_pitch_and_hardly_anything_at_the_others() {
        for (tone, pitch_hz) in [(Tone::CardRead, 1000.0), (Tone::Approved, 1500.0), (Tone::Alert, 750.0)] {
            let samples = samples(tone, RATE_HZ);
            // One beep only: the two of the alert are of opposite phase and would cancel each other.
            let beginning = milliseconds(&samples, 0, 120);
            let own = strength(beginning, pitch_hz);
            for other_hz in [500.0, 750.0, 1000.0, 1500.0, 2000.0, 3000.0] {
                let other = strength(beginning, other_hz);
                assert!(other_hz == pitch_hz || own > 15.0 * other, "{tone:?}: {own} but {other} at {other_hz} Hz");
            }
        }
    }

    #[test]
    fn the_reading_tone_is_flat() {
        let samples = samples(Tone::CardRead, RATE_HZ);
        for from in [10, 40, 70, 100] {
            let now = strength(milliseconds(&samples, from, from + 10), 1000.0);
            assert!((0.99..1.01).contains(&now), "{now} after {from} ms");
        }
    }

    #[test]
    fn the_approving_tone_rings_out_and_its_overtone_goes_first() {
        let samples = samples(Tone::Approved, RATE_HZ);
        // 50 ms are whole periods of both waves.
        let at = |from: usize, frequency_hz| strength(milliseconds(&samples, from, from + 50), frequency_hz);
        for from in [0, 50, 100, 150, 200, 250, 300] {
            assert!(at(from, 1500.0) > 1.5 * at(from + 50, 1500.0), "after {from} ms");
        }
        assert!(at(0, 4140.0) > 0.1);
        assert!(at(150, 4140.0) / at(0, 4140.0) < at(150, 1500.0) / at(0, 1500.0) / 3.0);
        assert!(at(350, 1500.0) < 0.02);
    }

    #[test]
    fn the_alert_is_two_low_beeps_with_silence_between() {
        let samples = samples(Tone::Alert, RATE_HZ);
        let (first, gap, second) =
            (milliseconds(&samples, 0, 150), milliseconds(&samples, 150, 250), milliseconds(&samples, 250, 400));
        assert!(strength(first, 750.0) > 0.9);
        assert!(gap.iter().all(|sample| *sample == 0));
        assert_eq!(first, second);
    }

    #[test]
    fn no_tone_is_louder_than_half_volume_or_much_quieter() {
        for tone in [Tone::CardRead, Tone::Approved, Tone::Alert] {
            let loudest = samples(tone, RATE_HZ).iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            let limit = PEAK.unsigned_abs();
            assert!((limit / 2..=limit).contains(&loudest), "{tone:?}: {loudest}");
        }
    }

    #[test]
    fn nothing_clicks_at_the_edge_of_a_beep() {
        for (tone, edges_ms) in
            [(Tone::CardRead, &[0, 120][..]), (Tone::Approved, &[0, 400]), (Tone::Alert, &[0, 150, 250, 400])]
        {
            let samples = samples(tone, RATE_HZ);
            for edge_ms in edges_ms {
                let edge = edge_ms * RATE_HZ as usize / 1000;
                let near = &samples[edge.saturating_sub(10)..(edge + 10).min(samples.len())];
                let loudest = near.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
                assert!(loudest < PEAK.unsigned_abs() / 100, "{tone:?}: {loudest} at {edge_ms} ms");
            }
        }
    }

    #[test]
    fn a_rate_too_low_for_the_overtone_leaves_it_out() {
        let low_rate_hz = 8_000;
        let pure: Vec<i16> = beep(400, &[Wave { frequency_hz: 1500.0, share: 0.7, decay_ms: Some(90.0) }], low_rate_hz);
        assert_eq!(samples(Tone::Approved, low_rate_hz), pure);
        assert!(samples(Tone::Approved, 0).is_empty());
    }
}
