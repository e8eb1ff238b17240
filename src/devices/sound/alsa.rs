//! Tones through ALSA, which every Linux has.
//!
//! A thread of its own opens the device for each tone and closes it after: other programs can have it in between, and one that
//! is plugged in later is found. It needs nothing to be there when the program starts. It never makes a payment wait or fail:
//! without a device there is silence and one warning in the log. How late a tone is is of the machine's own time: somebody hears it.

use std::ffi::CString;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use alsa::pcm::{Access, Format, HwParams, PCM};
use alsa::{Direction, Output, ValueOr};
use nix::errno::Errno;

use super::{Sound, Tone, tones};

/// Tones that may wait for their turn; another one is dropped.
const QUEUE: usize = 4;

/// A tone that would begin later than this is left out: by then it would seem to mean something else.
const LATEST: Duration = Duration::from_secs(2);

/// How long [`AlsaSound::check`] waits for the device.
const CHECK_LIMIT: Duration = Duration::from_secs(3);

/// How long the last tone may ring when the program ends.
const END_LIMIT: Duration = Duration::from_secs(2);

/// What we ask for; the device may have another.
const RATE_HZ: u32 = 48_000;
/// Long enough for a busy small machine to keep up with.
const BUFFER_US: u32 = 200_000;
const PERIOD_US: u32 = 20_000;

/// Underruns forgiven within one tone.
const MAX_UNDERRUNS: usize = 3;

/// The sound card.
#[derive(Debug)]
pub struct AlsaSound {
    device: String,
    /// Gone when the thread could not be started.
    jobs: Option<SyncSender<Job>>,
    ended: Receiver<()>,
}

enum Job {
    Play { tone: Tone, asked: Instant },
    Check { reply: Sender<Result<String, SoundFault>> },
}

/// Why nothing is heard.
#[derive(Debug, thiserror::Error)]
enum SoundFault {
    #[error("there is no sound device \"{0}\"; plug it in, or put one that `aplay -L` lists into sound.device")]
    Missing(String),
    #[error("another program uses the sound device \"{0}\"; end it, or put \"default\" into sound.device to share it")]
    Busy(String),
    #[error("the sound device \"{0}\" may not be used by this user; add the user to the group audio")]
    Forbidden(String),
    #[error("the sound device \"{0}\" does not answer; unplug it and plug it in again, or set sound.enabled = false")]
    Stuck(String),
    #[error("the thread for sound could not be started; end other programs, or set sound.enabled = false")]
    NoThread,
    #[error("the sound device \"{device}\" fails ({reason}); put another that `aplay -L` lists into sound.device")]
    Failed { device: String, reason: alsa::Error },
}

impl AlsaSound {
    /// Makes ready to play on the ALSA device of this name (`default`, `plughw:CARD=Headphones`, …).
    ///
    /// Never fails and opens nothing yet: whether the device is there shows with the first tone.
    pub fn open(device: &str) -> Self {
        let (jobs, waiting) = sync_channel(QUEUE);
        let (end, ended) = channel();
        let player = Player { device: device.to_owned(), warned: false };
        let started = thread::Builder::new().name("sound".to_owned()).spawn(move || {
            player.work(&waiting);
            // Nobody may wait for the end any more.
            let _ = end.send(());
        });
        let jobs = match started {
            Ok(_) => Some(jobs),
            Err(error) => {
                tracing::warn!(%error, "no sound: {}", SoundFault::NoThread);
                None
            }
        };
        Self { device: device.to_owned(), jobs, ended }
    }
}

impl Sound for AlsaSound {
    fn play(&self, tone: Tone) {
        let Some(jobs) = &self.jobs else { return };
        if jobs.try_send(Job::Play { tone, asked: Instant::now() }).is_err() {
            tracing::debug!(?tone, "dropped: the tones before it are still waiting");
        }
    }

    fn check(&self) -> Result<String, String> {
        let Some(jobs) = &self.jobs else { return Err(SoundFault::NoThread.to_string()) };
        let (reply, answer) = channel();
        let stuck = || SoundFault::Stuck(self.device.clone());
        jobs.try_send(Job::Check { reply })
            .map_err(|error| match error {
                TrySendError::Full(_) => SoundFault::Busy(self.device.clone()),
                TrySendError::Disconnected(_) => stuck(),
            })
            .and_then(|()| answer.recv_timeout(CHECK_LIMIT).unwrap_or_else(|_| Err(stuck())))
            .map_err(|fault| fault.to_string())
    }
}

impl Drop for AlsaSound {
    /// Lets the last tone be heard: a program that ends with its sale would cut off the 叮.
    fn drop(&mut self) {
        if self.jobs.take().is_some() && self.ended.recv_timeout(END_LIMIT) == Err(RecvTimeoutError::Timeout) {
            tracing::debug!("ended before the last tone");
        }
    }
}

/// What lives on the thread.
struct Player {
    device: String,
    /// The log has the warning; the next one is due when the device has worked in between.
    warned: bool,
}

impl Player {
    fn work(mut self, waiting: &Receiver<Job>) {
        for job in waiting {
            // Takes in what alsa-lib would otherwise write to the standard error output, and lasts for one job.
            let messages = Output::local_error_handler();
            match job {
                Job::Play { tone, asked } if asked.elapsed() > LATEST => tracing::debug!(?tone, "too late, left out"),
                Job::Play { tone, .. } => {
                    let result = self.play(tone);
                    self.report(result);
                }
                Job::Check { reply } => {
                    // Who asked may have stopped waiting.
                    let _ = reply.send(self.check());
                }
            }
            if let Ok(messages) = messages {
                let messages = messages.borrow().to_string();
                if !messages.is_empty() {
                    tracing::debug!(messages, "alsa-lib");
                }
            }
        }
    }

    fn report(&mut self, result: Result<(), SoundFault>) {
        match result {
            Ok(()) => self.warned = false,
            Err(fault) if self.warned => tracing::debug!("no sound: {fault}"),
            Err(fault) => {
                self.warned = true;
                tracing::warn!("no sound: {fault}");
            }
        }
    }

    fn play(&self, tone: Tone) -> Result<(), SoundFault> {
        let opened = self.open()?;
        opened.play(tone).map_err(|reason| self.fault(reason))
    }

    fn check(&self) -> Result<String, SoundFault> {
        let opened = self.open()?;
        let card = opened.card_name().filter(|card| *card != self.device);
        let card = card.map(|card| format!(" on {card}")).unwrap_or_default();
        Ok(format!("\"{}\"{card}, {} Hz", self.device, opened.rate_hz))
    }

    fn open(&self) -> Result<Opened, SoundFault> {
        let name = CString::new(self.device.as_str()).map_err(|_| SoundFault::Missing(self.device.clone()))?;
        Opened::open(&name).map_err(|reason| self.fault(reason))
    }

    fn fault(&self, reason: alsa::Error) -> SoundFault {
        let device = self.device.clone();
        match Errno::from_raw(reason.errno()) {
            Errno::ENOENT | Errno::ENODEV | Errno::ENXIO => SoundFault::Missing(device),
            Errno::EBUSY | Errno::EAGAIN => SoundFault::Busy(device),
            Errno::EACCES | Errno::EPERM => SoundFault::Forbidden(device),
            _ => SoundFault::Failed { device, reason },
        }
    }
}

/// A device that is ready to play 16-bit samples.
struct Opened {
    pcm: PCM,
    rate_hz: u32,
    channels: usize,
    /// Frames (a sample for each channel) that the device plays at a time.
    period: usize,
}

impl Opened {
    fn open(name: &CString) -> alsa::Result<Self> {
        let pcm = PCM::open(name, Direction::Playback, false)?;
        {
            let wanted = HwParams::any(&pcm)?;
            wanted.set_access(Access::RWInterleaved)?;
            wanted.set_format(Format::s16())?;
            wanted.set_channels_near(1)?;
            wanted.set_rate_near(RATE_HZ, ValueOr::Nearest)?;
            // Wishes only: a device with other sizes plays as well.
            let _ = wanted.set_buffer_time_near(BUFFER_US, ValueOr::Nearest);
            let _ = wanted.set_period_time_near(PERIOD_US, ValueOr::Nearest);
            pcm.hw_params(&wanted)?;
        }
        let (rate_hz, channels, period) = {
            let given = pcm.hw_params_current()?;
            (given.get_rate()?, given.get_channels()? as usize, given.get_period_size()?)
        };
        Ok(Self { pcm, rate_hz, channels: channels.max(1), period: usize::try_from(period).unwrap_or(1).max(1) })
    }

    /// Returns when the tone has been heard to its end.
    fn play(&self, tone: Tone) -> alsa::Result<()> {
        let mut samples = tones::samples(tone, self.rate_hz);
        // A card that ends within a period may play on with what an earlier sound left in the rest of it.
        samples.resize(samples.len().next_multiple_of(self.period), 0);
        let interleaved: Vec<i16> =
            samples.iter().flat_map(|sample| std::iter::repeat_n(*sample, self.channels)).collect();
        let output = self.pcm.io_i16()?;
        let mut rest = interleaved.as_slice();
        let mut underruns = 0;
        while !rest.is_empty() {
            match output.writei(rest) {
                Ok(frames) => rest = rest.get(frames * self.channels..).unwrap_or_default(),
                Err(error) if underruns < MAX_UNDERRUNS => {
                    underruns += 1;
                    self.pcm.try_recover(error, true)?;
                }
                Err(error) => return Err(error),
            }
        }
        self.pcm.drain()
    }

    fn card_name(&self) -> Option<String> {
        let name = self.pcm.info().ok()?.get_name().ok()?.to_owned();
        (!name.is_empty()).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(errno: Errno) -> String {
        let player = Player { device: "hw:9".to_owned(), warned: false };
        player.fault(alsa::Error::new("snd_pcm_open", errno as i32)).to_string()
    }

    #[test]
    fn each_fault_names_the_device_and_what_to_do() {
        for (errno, cure) in [
            (Errno::ENOENT, "plug it in"),
            (Errno::ENODEV, "plug it in"),
            (Errno::EBUSY, "end it"),
            (Errno::EACCES, "group audio"),
            (Errno::EINVAL, "aplay -L"),
        ] {
            let sentence = fault(errno);
            assert!(sentence.contains("\"hw:9\"") && sentence.contains(cure), "{errno}: {sentence}");
        }
    }

    #[test]
    fn a_missing_device_is_said_by_check_and_silent_otherwise() {
        for device in ["hw:CARD=NoSuchCard", "no such device", "with\0zero", ""] {
            let sound = AlsaSound::open(device);
            for _ in 0..2 * QUEUE {
                sound.play(Tone::Approved);
            }
            drop(sound);
            let message = AlsaSound::open(device).check().unwrap_err();
            assert!(message.contains("sound.device"), "{device:?}: {message}");
        }
    }

    #[test]
    fn a_device_that_goes_on_failing_is_warned_of_once_until_it_has_worked() {
        let warnings = tempfile::NamedTempFile::new().unwrap();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::WARN)
            .with_writer(warnings.reopen().map(std::sync::Mutex::new).unwrap())
            .finish();
        let warned = || std::fs::read_to_string(warnings.path()).unwrap().matches("plug it in").count();
        let mut player = Player { device: "hw:9".to_owned(), warned: false };
        let missing = || Err(SoundFault::Missing("hw:9".to_owned()));
        tracing::subscriber::with_default(subscriber, || {
            for (result, warnings_so_far) in [(missing(), 1), (missing(), 1), (Ok(()), 1), (missing(), 2)] {
                player.report(result);
                assert_eq!(warned(), warnings_so_far);
            }
        });
    }
}
