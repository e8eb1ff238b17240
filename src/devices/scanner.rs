//! A scanner on a serial line: USB devices that show themselves as one, and RS-232. One that is a keyboard types on the screen instead.
//! A reader of stripes ([`super::stripe`]) is listened to in the same way.
//!
//! It may be pulled out and put back at any time: the device is opened again for as long as the terminal runs. What was scanned may be
//! a customer's payment code, by which money can be taken: it is never logged, masks itself, and is wiped when it has been handed on.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::fcntl::OFlag;
use serialport::{ClearBuffer, SerialPort, TTYPort};
use zeroize::{Zeroize, Zeroizing};

/// Where the scanner is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannerLine {
    /// Path of the device, as `/dev/ttyACM0`.
    pub device: String,
    /// Bits per second.
    pub baud: u32,
}

/// A scan without a line's end is over when nothing has come for so long: one character takes a millisecond.
const PAUSE: Duration = Duration::from_millis(100);

/// Between two tries to open a device that is not there.
const RETRY: Duration = Duration::from_secs(1);

/// How soon a scanner that is no longer wanted is let go.
const LOOK: Duration = Duration::from_millis(100);

/// As many characters as the longest code has (EMV QRCPS Consumer-Presented Mode, 3).
const MOST: usize = 512;

/// What some scanners send before and behind a scan.
const START_OF_TEXT: u8 = 0x02;
const END_OF_TEXT: u8 = 0x03;

/// What was scanned. It is masked, and wiped.
#[derive(Clone, PartialEq, Eq)]
pub struct ScannedText(Zeroizing<String>);

impl ScannedText {
    /// What a scanner has read, whatever way it came.
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// All of it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Masked.
impl std::fmt::Debug for ScannedText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ScannedText({} characters)", self.0.len())
    }
}

/// Looks whether the device is there, for who sets the terminal up.
///
/// # Errors
/// The system's words.
pub fn check(line: &ScannerLine) -> Result<(), String> {
    match open(line) {
        Ok(_) => Ok(()),
        // The terminal that runs listens to it.
        Err(NotOpened::InUse) => Ok(()),
        Err(NotOpened::System(said)) => Err(format!("{}: {said}", line.device)),
    }
}

/// A scanner that is listened to until this is dropped.
#[derive(Debug)]
pub struct RunningScanner {
    _listening: Listening,
}

impl RunningScanner {
    /// Listens on a thread of its own, and tells every scan to `scanned`.
    ///
    /// # Errors
    /// When the system gives no thread. A device that is not there is waited for.
    pub fn start(line: ScannerLine, scanned: impl FnMut(ScannedText) + Send + 'static) -> std::io::Result<Self> {
        Ok(Self { _listening: Listening::start("scanner", line, Line::default(), scanned)? })
    }
}

/// How bytes of a line become something.
pub(super) trait Assembled: Send + 'static {
    /// What they become.
    type Whole;

    /// A byte; what is whole with it.
    fn byte(&mut self, byte: u8) -> Option<Self::Whole>;

    /// Nothing has come for a while; what is whole with that.
    fn end(&mut self) -> Option<Self::Whole>;
}

/// A device that is listened to until this is dropped.
#[derive(Debug)]
pub(super) struct Listening {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listening {
    /// Listens on a thread of its own; `name` is what the device is.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start<A: Assembled>(
        name: &'static str,
        line: ScannerLine,
        mut assembled: A,
        told: impl FnMut(A::Whole) + Send + 'static,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name(name.replace(' ', "-")).spawn(move || {
            listen(name, &line, &stopped, &mut assembled, told);
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a device's thread stopped by itself");
        }
    }
}

fn listen<A: Assembled>(
    name: &'static str,
    line: &ScannerLine,
    stop: &AtomicBool,
    assembled: &mut A,
    mut tell: impl FnMut(A::Whole),
) {
    let mut told = false;
    while !stop.load(Ordering::Relaxed) {
        match open(line) {
            Ok(mut open) => {
                tracing::info!(device = line.device, "the {name} is there");
                told = false;
                read_from(name, &mut open.port, stop, assembled, &mut tell);
            }
            Err(error) => {
                // Once: it may be unplugged for days.
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(device = line.device, %error, "the {name} is not there");
                }
            }
        }
        let mut waited = Duration::ZERO;
        while waited < RETRY && !stop.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK);
            waited += LOOK;
        }
    }
}

/// Why the device cannot be listened to.
#[derive(Debug, thiserror::Error)]
enum NotOpened {
    #[error("another program listens to it")]
    InUse,
    #[error("{0}")]
    System(String),
}

/// The device, for one program: two would each get half of a scan.
struct Open {
    port: TTYPort,
    /// The system's exclusive mode would outlive a killed program on a pty; a lock on the file ends with the program.
    _lock: File,
}

fn open(line: &ScannerLine) -> Result<Open, NotOpened> {
    let system = |error: &dyn std::fmt::Display| NotOpened::System(error.to_string());
    let lock = OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_NOCTTY | OFlag::O_NONBLOCK).bits())
        .open(&line.device)
        .map_err(|error| system(&error))?;
    match lock.try_lock() {
        // Shared, because `serialport` takes a lock of its own on the same file.
        Ok(()) => lock.lock_shared().map_err(|error| system(&error))?,
        Err(TryLockError::WouldBlock) => return Err(NotOpened::InUse),
        Err(TryLockError::Error(error)) => return Err(system(&error)),
    }
    let builder = serialport::new(line.device.as_str(), line.baud).timeout(PAUSE).exclusive(false);
    let port = TTYPort::open(&builder).map_err(|error| system(&error))?;
    // What was scanned before anybody listened was meant for somebody else.
    port.clear(ClearBuffer::Input).map_err(|error| system(&error))?;
    Ok(Open { port, _lock: lock })
}

/// Until the device is gone or nobody listens any more.
fn read_from<A: Assembled>(
    name: &'static str,
    port: &mut impl Read,
    stop: &AtomicBool,
    line: &mut A,
    tell: &mut impl FnMut(A::Whole),
) {
    // What the line before it left is of no use.
    drop(line.end());
    let mut bytes = Zeroizing::new([0; 256]);
    while !stop.load(Ordering::Relaxed) {
        match port.read(bytes.as_mut_slice()) {
            // The device was pulled out.
            Ok(0) => return tracing::warn!("the {name} is gone"),
            Ok(length) => {
                for byte in bytes.get(..length).unwrap_or_default() {
                    if let Some(whole) = line.byte(*byte) {
                        tell(whole);
                    }
                }
                bytes.zeroize();
            }
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                if let Some(whole) = line.end() {
                    tell(whole);
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(error) => return tracing::warn!(%error, "the {name} is gone"),
        }
    }
}

/// What has come of one scan.
#[derive(Default)]
struct Line {
    text: Zeroizing<String>,
    /// Something is in it that no code has, or it is longer than one: all of it is noise, up to its end.
    noise: bool,
}

impl Assembled for Line {
    type Whole = ScannedText;

    /// A byte of the line; what was scanned when it ends there.
    fn byte(&mut self, byte: u8) -> Option<ScannedText> {
        match byte {
            b'\r' | b'\n' | b'\t' | END_OF_TEXT => return self.end(),
            START_OF_TEXT => {
                self.end();
            }
            _ if byte.is_ascii_graphic() && self.text.len() < MOST && !self.noise => {
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

    fn end(&mut self) -> Option<ScannedText> {
        let noise = std::mem::take(&mut self.noise);
        let text = std::mem::take(&mut self.text);
        (!noise && !text.is_empty()).then_some(ScannedText(text))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::{Path, PathBuf};
    use std::sync::mpsc::{Receiver, channel};

    use nix::pty::{OpenptyResult, openpty};
    use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
    use nix::unistd::ttyname;

    use super::*;

    /// A scanner at the other end of a pty, under a name that stays.
    struct Scanner {
        end: std::fs::File,
        _slave: std::os::fd::OwnedFd,
    }

    fn plugged_in(link: &Path) -> Scanner {
        let OpenptyResult { master, slave } = openpty(None, None).unwrap();
        let mut raw = tcgetattr(&slave).unwrap();
        cfmakeraw(&mut raw);
        tcsetattr(&slave, SetArg::TCSANOW, &raw).unwrap();
        let _ = std::fs::remove_file(link);
        std::os::unix::fs::symlink(ttyname(&slave).unwrap(), link).unwrap();
        Scanner { end: std::fs::File::from(master), _slave: slave }
    }

    fn listening(link: PathBuf) -> (RunningScanner, Receiver<String>) {
        let (sender, scans) = channel();
        let line = ScannerLine { device: link.to_str().unwrap().to_owned(), baud: 9_600 };
        let scanner = RunningScanner::start(line, move |text| sender.send(text.expose().to_owned()).unwrap()).unwrap();
        (scanner, scans)
    }

    const LIMIT: Duration = Duration::from_secs(20);

    #[test]
    fn scans_end_with_their_line_or_with_a_pause_and_noise_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("scanner");
        let mut scanner = plugged_in(&link);
        let (_listening, scans) = listening(link);
        // It is open once something comes through; what came before was not meant for it.
        let end = std::time::Instant::now() + LIMIT;
        loop {
            scanner.end.write_all(b"1\r\n").unwrap();
            match scans.recv_timeout(Duration::from_millis(300)) {
                Ok(text) if text == "1" => break,
                other => assert!(std::time::Instant::now() < end, "{other:?}"),
            }
        }
        // Those that were sent before it was open.
        while scans.recv_timeout(Duration::from_millis(300)).is_ok() {}
        scanner.end.write_all(b"6901028075763\r\n96385074\r").unwrap();
        assert_eq!(scans.recv_timeout(LIMIT).unwrap(), "6901028075763");
        assert_eq!(scans.recv_timeout(LIMIT).unwrap(), "96385074");
        scanner.end.write_all(b"6212345678901234567").unwrap();
        assert_eq!(scans.recv_timeout(LIMIT).unwrap(), "6212345678901234567", "without an end");
        scanner.end.write_all(b"\x0296385074\x03").unwrap();
        assert_eq!(scans.recv_timeout(LIMIT).unwrap(), "96385074", "in a frame");
        scanner.end.write_all(b"690\x0010\xFF\r").unwrap();
        scanner.end.write_all(&[b'7'; MOST + 1]).unwrap();
        scanner.end.write_all(b"\r8\r").unwrap();
        assert_eq!(scans.recv_timeout(LIMIT).unwrap(), "8", "noise and what is too long are nothing");
    }

    #[test]
    fn one_that_is_pulled_out_and_put_back_is_heard_again() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("scanner");
        let (_listening, scans) = listening(link.clone());
        for text in ["11111111", "22222222"] {
            let mut scanner = plugged_in(&link);
            let end = std::time::Instant::now() + LIMIT;
            loop {
                scanner.end.write_all(format!("{text}\r").as_bytes()).unwrap();
                match scans.recv_timeout(Duration::from_millis(500)) {
                    Ok(scanned) if scanned == text => break,
                    _ => assert!(std::time::Instant::now() < end, "{text} is not heard"),
                }
            }
        }
    }

    #[test]
    fn the_longest_code_there_can_be_comes_whole_and_one_sign_more_not_at_all() {
        let read = |length: usize| {
            let mut line = Line::default();
            vec![b'7'; length].into_iter().for_each(|byte| assert!(line.byte(byte).is_none()));
            line.byte(b'\r').map(|text| text.expose().len())
        };
        assert_eq!((read(MOST), read(MOST + 1), read(100_000), read(0)), (Some(MOST), None, None, None));
        let mut line = Line::default();
        for byte in b"12 3" {
            assert!(line.byte(*byte).is_none());
        }
        assert!(line.end().is_none() && line.text.capacity() == 0, "nothing of noise is kept");
    }

    #[test]
    fn one_that_somebody_listens_to_is_there_and_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("scanner");
        let line = ScannerLine { device: link.to_str().unwrap().to_owned(), baud: 9_600 };
        assert!(check(&line).unwrap_err().contains("scanner"), "it is not there yet");
        let _scanner = plugged_in(&link);
        assert_eq!(check(&line), Ok(()));
        let held = open(&line).map(|_open| open(&line).err());
        assert!(matches!(held, Ok(Some(NotOpened::InUse))));
        assert_eq!(check(&line), Ok(()));
    }

    #[test]
    fn what_was_scanned_is_masked() {
        assert_eq!(format!("{:?}", ScannedText::new("6212345678901234567")), "ScannedText(19 characters)");
    }
}
