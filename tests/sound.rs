//! Tones through the real ALSA library, on a device that writes down what it is given. It keeps one file for each time it
//! is opened (`played`, `played.0001`, …), so the files tell what was played and in which order.
//!
//! ALSA reads its configuration once in a process and finds it by an environment variable. So each test starts itself anew
//! with that variable: the inner run plays, the outer one listens.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails here and now")]

use std::f64::consts::TAU;
use std::path::Path;
use std::process::Command;

use yima::devices::sound::alsa::AlsaSound;
use yima::devices::sound::{Sound, Tone};

const CONFIGURATION: &str = "ALSA_CONFIG_PATH";
const INNER_RUN: &str = "YIMA_TEST_PLAYS";

/// Runs the test of that name once more with this ALSA configuration, in which `{file}` stands for what the device writes;
/// there `play` is done. Returns the recordings in the order they were made, or nothing in the inner run.
fn record(test: &str, configuration: &str, play: impl FnOnce()) -> Option<Vec<Vec<i16>>> {
    if std::env::var_os(INNER_RUN).is_some() {
        play();
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("played");
    let configuration_file = directory.path().join("asound.conf");
    std::fs::write(&configuration_file, configuration.replace("{file}", file.to_str().unwrap())).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CONFIGURATION, &configuration_file)
        .env(INNER_RUN, "1")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "the inner run found no test {test}: {text}");
    assert!(!text.contains("ALSA lib"), "the library wrote to the terminal: {text}");
    Some(recordings(&file))
}

fn recordings(file: &Path) -> Vec<Vec<i16>> {
    let later = (1..).map(|number| file.with_extension(format!("{number:04}")));
    std::iter::once(file.to_owned()).chain(later).map_while(|path| std::fs::read(path).ok()).map(samples).collect()
}

fn samples(bytes: Vec<u8>) -> Vec<i16> {
    bytes.chunks_exact(2).map(|pair| i16::from_ne_bytes([pair[0], pair[1]])).collect()
}

/// How strong a frequency is, by Goertzel: 1 for a sine of that frequency at full volume all along.
fn strength(samples: &[i16], frequency_hz: f64, rate_hz: f64) -> f64 {
    let factor = 2.0 * (TAU * frequency_hz / rate_hz).cos();
    let (last, before) =
        samples.iter().fold((0.0, 0.0), |(last, before), sample| (f64::from(*sample) + factor * last - before, last));
    let power: f64 = last * last + before * before - factor * last * before;
    2.0 * power.sqrt() / samples.len() as f64 / f64::from(i16::MAX)
}

/// Which tone a recording of one channel is, told as the ear does: by pitch, and by how long it is to be heard.
#[track_caller]
fn assert_heard(recording: &[i16], rate_hz: usize, tone: Tone) {
    let (pitch_hz, duration_ms) = match tone {
        Tone::CardRead => (1000.0, 120),
        Tone::Approved => (1500.0, 400),
        Tone::Alert => (750.0, 400),
    };
    let first = recording.iter().position(|sample| *sample != 0).expect("silence");
    let last = recording.iter().rposition(|sample| *sample != 0).unwrap();
    let heard_ms = (last - first) * 1000 / rate_hz;
    assert!((duration_ms - 10..duration_ms + 10).contains(&heard_ms), "{tone:?} is heard for {heard_ms} ms");
    let beginning = &recording[first..first + rate_hz / 10];
    let own = strength(beginning, pitch_hz, rate_hz as f64);
    assert!(own > 0.1, "{tone:?} has a strength of {own}");
    for other_hz in [750.0, 1000.0, 1500.0].into_iter().filter(|other_hz| *other_hz != pitch_hz) {
        let other = strength(beginning, other_hz, rate_hz as f64);
        assert!(own > 10.0 * other, "{tone:?}: {own}, but {other} at {other_hz} Hz");
    }
}

/// The channels of a recording.
fn left_and_right(recording: &[i16]) -> (Vec<i16>, Vec<i16>) {
    recording.chunks_exact(2).map(|frame| (frame[0], frame[1])).unzip()
}

#[test]
fn the_right_tones_come_out_in_the_order_they_were_asked_for() {
    let configuration = r#"
        pcm.!default { type file file "{file}" format raw truncate false slave.pcm { type null } }
    "#;
    let tones = [Tone::CardRead, Tone::Approved, Tone::Alert, Tone::CardRead];
    let recorded = record("the_right_tones_come_out_in_the_order_they_were_asked_for", configuration, || {
        let sound = AlsaSound::open("default");
        for tone in tones {
            sound.play(tone);
        }
    });
    let Some(recordings) = recorded else { return };
    assert_eq!(recordings.len(), tones.len());
    for (recording, tone) in recordings.iter().zip(tones) {
        assert_heard(recording, 48_000, tone);
    }
}

#[test]
fn a_device_of_two_channels_plays_on_both() {
    let configuration = r#"
        pcm.!default {
            type file file "{file}" format raw truncate false
            slave.pcm {
                type multi
                slaves.a { pcm { type null } channels 2 }
                bindings { 0 { slave a channel 0 } 1 { slave a channel 1 } }
            }
        }
    "#;
    let recorded = record("a_device_of_two_channels_plays_on_both", configuration, || {
        AlsaSound::open("default").play(Tone::Approved);
    });
    let Some(recordings) = recorded else { return };
    let (left, right) = left_and_right(&recordings[0]);
    assert_heard(&left, 48_000, Tone::Approved);
    assert_eq!(left, right);
}

#[test]
fn a_device_of_another_rate_plays_at_the_right_pitch() {
    let configuration = r#"
        pcm.!default {
            type plug
            slave {
                pcm { type file file "{file}" format raw truncate false slave.pcm { type null } }
                rate 22050 channels 2 format S16_LE
            }
        }
    "#;
    let recorded = record("a_device_of_another_rate_plays_at_the_right_pitch", configuration, || {
        AlsaSound::open("default").play(Tone::CardRead);
    });
    let Some(recordings) = recorded else { return };
    let (left, _) = left_and_right(&recordings[0]);
    assert_heard(&left, 22_050, Tone::CardRead);
}

#[test]
fn the_check_names_the_device_and_a_missing_one_says_what_to_do() {
    let configuration = r#"
        pcm.!default { type file file "{file}" format raw truncate false slave.pcm { type null } }
    "#;
    let recorded = record("the_check_names_the_device_and_a_missing_one_says_what_to_do", configuration, || {
        assert_eq!(AlsaSound::open("default").check().unwrap(), "\"default\", 48000 Hz");
        let message = AlsaSound::open("counter").check().unwrap_err();
        assert!(message.contains("\"counter\"") && message.contains("aplay -L"), "{message}");
    });
    let Some(recordings) = recorded else { return };
    assert!(recordings.iter().all(|recording| recording.is_empty()), "a check is not heard");
}
