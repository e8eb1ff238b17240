//! A reader of magnetic stripes on a serial line: USB devices that show themselves as one, and RS-232.
//!
//! It says what is on the tracks when a card is swiped, and may be pulled out and put back at any time. Tracks are enough to pay with:
//! they are never logged, mask themselves, and what came over the line is wiped as soon as it has been read.

use zeroize::{Zeroize, Zeroizing};

use super::scanner::{Assembled, Listening, ScannerLine};
use crate::card_number::{StripeError, Swipe};

/// Where the reader is, and how it speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripeLine {
    /// The line.
    pub line: ScannerLine,
    /// A check character (LRC) stands behind each track.
    pub checked: bool,
}

/// More characters than three tracks with their sentinels have: 79, 40 and 107, and what stands between them.
const MOST: usize = 256;

/// What some readers send before and behind a swipe.
const START_OF_TEXT: u8 = 0x02;
const END_OF_TEXT: u8 = 0x03;

/// A reader that is listened to until this is dropped.
#[derive(Debug)]
pub struct RunningStripe {
    _listening: Listening,
}

impl RunningStripe {
    /// Listens on a thread of its own, and tells every card that is swiped to `swiped`; also that one could not be read.
    ///
    /// # Errors
    /// When the system gives no thread. A device that is not there is waited for.
    pub fn start(
        line: StripeLine,
        swiped: impl FnMut(Result<Swipe, StripeError>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let StripeLine { line, checked } = line;
        Ok(Self { _listening: Listening::start("stripe reader", line, Tracks::new(checked), swiped)? })
    }
}

/// Looks whether the device is there, for who sets the terminal up.
///
/// # Errors
/// The system's words.
pub fn check(line: &StripeLine) -> Result<(), String> {
    super::scanner::check(&line.line)
}

/// What has come of one swipe. Readers send tracks one behind the other, some a line each: it is over when nothing comes any more.
struct Tracks {
    text: Zeroizing<String>,
    /// Something is in it that no track has, or it is longer than all of them.
    noise: bool,
    checked: bool,
}

impl Tracks {
    fn new(checked: bool) -> Self {
        Self { text: Zeroizing::default(), noise: false, checked }
    }
}

impl Assembled for Tracks {
    type Whole = Result<Swipe, StripeError>;

    fn byte(&mut self, byte: u8) -> Option<Self::Whole> {
        match byte {
            START_OF_TEXT | END_OF_TEXT => {}
            // Names on track 1 have blanks.
            b' ' | b'\r' | b'\n' | b'!'..=b'~' if self.text.len() < MOST && !self.noise => {
                // It never grows: growing would leave a copy behind.
                if self.text.capacity() == 0 {
                    self.text.reserve_exact(MOST);
                }
                self.text.push(char::from(byte));
            }
            _ => {
                self.noise = true;
                self.text.zeroize();
            }
        }
        None
    }

    fn end(&mut self) -> Option<Self::Whole> {
        let noise = std::mem::take(&mut self.noise);
        let text = std::mem::take(&mut self.text);
        if noise {
            return Some(Err(StripeError::Malformed));
        }
        (!text.trim_ascii().is_empty()).then(|| Swipe::parse(&text, self.checked))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::sandbox::stripe::SandboxStripeReader;

    const TRACKS: &str = "%B4111111111111111^TEST CARD/YIMA^3012101000000000?;4111111111111111=30121010000012345?";

    fn read(bytes: &[u8]) -> Option<Result<Swipe, StripeError>> {
        let mut tracks = Tracks::new(false);
        bytes.iter().for_each(|byte| assert!(tracks.byte(*byte).is_none(), "a swipe ends with a pause"));
        tracks.end()
    }

    #[test]
    fn a_swipe_is_all_that_comes_until_a_pause() {
        for text in [
            TRACKS.to_owned(),
            format!("\u{2}{TRACKS}\r\n\u{3}"),
            TRACKS.replace("?;", "?\r\n;"),
            format!("{}\r", TRACKS.split_once('?').unwrap().1),
        ] {
            let swipe = read(text.as_bytes()).unwrap().unwrap();
            assert_eq!(swipe.track2().pan().unwrap().truncated(), "411111******1111", "{text:?}");
        }
        assert!(read(b"\r\n").is_none() && read(b"").is_none(), "an empty line is no swipe");
        for noise in [&b"\x00;4111"[..], b";4111111111111111=3012101\xFF?", &[b'7'; MOST + 1]] {
            assert_eq!(read(noise), Some(Err(StripeError::Malformed)));
        }
        let mut tracks = Tracks::new(false);
        assert!(tracks.byte(0).is_none() && tracks.end().is_some() && tracks.end().is_none(), "it is said once");
    }

    #[test]
    fn one_that_is_pulled_out_and_put_back_is_heard_again() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("stripe");
        let (sender, swipes) = channel();
        let line = ScannerLine { device: link.display().to_string(), baud: 9_600 };
        let _listening = RunningStripe::start(StripeLine { line, checked: false }, move |swipe| {
            let _ = sender.send(swipe.map(|swipe| format!("{swipe:?}")));
        });
        let mut reader = SandboxStripeReader::plugged_in(&link).unwrap();
        for _ in 0..2 {
            let end = Instant::now() + Duration::from_secs(20);
            loop {
                reader.send(TRACKS).unwrap();
                match swipes.recv_timeout(Duration::from_millis(600)) {
                    Ok(swipe) => {
                        assert_eq!(swipe.as_deref(), Ok("Swipe(411111******1111)"));
                        break;
                    }
                    Err(_) => assert!(Instant::now() < end, "it is not heard"),
                }
            }
            reader.pull_out();
            while swipes.recv_timeout(Duration::from_millis(300)).is_ok() {}
            reader.plug_in().unwrap();
        }
    }
}
