//! PINs from standard input, a line each, for a payment without the touchscreen. With test keys only: nothing here is built
//! to keep a secret.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::pin::{Pin, PinError};

/// The longest PIN; of a longer line no more is kept than shows that it is none.
const MOST_DIGITS: usize = 12;

/// What ends this program from outside: by key (Ctrl-C, Ctrl-\), by command, with its terminal.
const ENDING: [Signal; 4] = [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGHUP];

/// Keeps what would end this program until somebody looks: a terminal whose echo is off must get it back first.
pub struct Interruptions(SignalFd);

impl Interruptions {
    /// Begins to keep them. It comes before any other thread: a thread that was there before would still be ended.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn keep() -> io::Result<Self> {
        let ending = SigSet::from_iter(ENDING);
        ending.thread_block()?;
        Ok(Self(SignalFd::with_flags(&ending, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    /// What was kept ends this program again, at once where it came meanwhile.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn let_go() -> io::Result<()> {
        Ok(SigSet::from_iter(ENDING).thread_unblock()?)
    }

    /// Which one came.
    fn look(&self) -> Option<Signal> {
        let info = self.0.read_signal().ok().flatten()?;
        ENDING.into_iter().find(|signal| u32::try_from(*signal as i32) == Ok(info.ssi_signo))
    }
}

/// Standard input as a keypad for PINs.
pub struct TypedPins(TypedLines);

/// Secrets from standard input, a line each. What is typed at a terminal is not echoed until this is dropped, or the program is ended.
pub struct TypedLines {
    /// Read without a buffer of its own, which nobody would wipe.
    input: File,
    echoing: Option<Termios>,
    line: Zeroizing<Vec<u8>>,
    /// Of a longer line no more is kept than one sign, which shows that it is longer.
    longest: usize,
    interruptions: Option<Interruptions>,
}

/// What a line was.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// A PIN.
    Pin(Pin),
    /// Empty: whoever types wants to go on without a PIN.
    Nothing,
    /// No PIN.
    Wrong(PinError),
    /// There will be no more lines.
    End,
}

impl TypedPins {
    /// Takes standard input. What would end the program has been kept since before its other threads.
    ///
    /// # Errors
    /// When it cannot be read, or its terminal keeps echoing.
    pub fn on_standard_input(interruptions: Interruptions) -> io::Result<Self> {
        TypedLines::on_standard_input(interruptions, MOST_DIGITS).map(Self)
    }

    /// As [`TypedLines::end_if_interrupted`].
    ///
    /// # Errors
    /// When the program cannot be ended, or its terminal keeps echoing.
    pub fn end_if_interrupted(&mut self) -> io::Result<()> {
        self.0.end_if_interrupted()
    }

    /// The next line, if it has been typed by now.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn look(&mut self) -> io::Result<Option<Typed>> {
        Ok(self.0.look()?.map(|line| match line {
            None => Typed::End,
            Some(line) if line.is_empty() => Typed::Nothing,
            Some(line) => Pin::new(line).map_or_else(Typed::Wrong, Typed::Pin),
        }))
    }
}

impl TypedLines {
    /// Takes standard input, for lines of so many signs. What would end the program has been kept since before its other threads.
    ///
    /// # Errors
    /// When it cannot be read, or its terminal keeps echoing.
    pub fn on_standard_input(interruptions: Interruptions, longest: usize) -> io::Result<Self> {
        let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let mut lines =
            Self { input, echoing: None, line: empty_line(longest), longest, interruptions: Some(interruptions) };
        lines.echo_no_more()?;
        Ok(lines)
    }

    /// Ends the program as it would have ended without this, but with its terminal echoing again. What it had begun is in the
    /// ledger, and is taken back at the next start. Where whoever started the program has the signal ignored (`nohup`), it goes
    /// on, and its terminal is silent.
    ///
    /// # Errors
    /// When the program cannot be ended, or its terminal keeps echoing.
    pub fn end_if_interrupted(&mut self) -> io::Result<()> {
        let Some(signal) = self.interruptions.as_ref().and_then(Interruptions::look) else { return Ok(()) };
        self.echo_again();
        let signal_alone = SigSet::from(signal);
        signal_alone.thread_unblock()?;
        raise(signal)?;
        // Still here: it is ignored.
        signal_alone.thread_block()?;
        self.echo_no_more()
    }

    fn echo_no_more(&mut self) -> io::Result<()> {
        if self.input.is_terminal() {
            let settings = tcgetattr(&self.input)?;
            let mut silent = settings.clone();
            silent.local_flags.remove(LocalFlags::ECHO);
            tcsetattr(&self.input, SetArg::TCSANOW, &silent)?;
            self.echoing = Some(settings);
        }
        Ok(())
    }

    fn echo_again(&mut self) {
        if let Some(settings) = self.echoing.take() {
            // The terminal may be gone, and then nobody types at it.
            let _ = tcsetattr(&self.input, SetArg::TCSANOW, &settings);
        }
    }

    /// The next line, if it has been typed by now; nothing within it when there will be no more.
    ///
    /// # Errors
    /// When the input cannot be read.
    #[expect(clippy::option_option, reason = "no line yet, and no line any more")]
    pub fn look(&mut self) -> io::Result<Option<Option<Zeroizing<Vec<u8>>>>> {
        let mut byte = Zeroizing::new([0]);
        while self.is_ready()? {
            match (self.input.read(&mut *byte)?, *byte) {
                (0, _) if self.line.is_empty() => return Ok(Some(None)),
                (0, _) | (_, [b'\n']) => {
                    return Ok(Some(Some(std::mem::replace(&mut self.line, empty_line(self.longest)))));
                }
                // One more than there can be; the rest of the line changes nothing.
                (_, [sign]) if self.line.len() <= self.longest => self.line.push(sign),
                _ => {}
            }
        }
        Ok(None)
    }

    fn is_ready(&self) -> io::Result<bool> {
        let mut files = [PollFd::new(self.input.as_fd(), PollFlags::POLLIN)];
        Ok(poll(&mut files, PollTimeout::ZERO)? > 0)
    }
}

impl Drop for TypedLines {
    fn drop(&mut self) {
        self.echo_again();
    }
}

/// Room for the longest line that is kept: a buffer that grows leaves copies behind.
fn empty_line(longest: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(longest + 1))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn typed(said: &[u8]) -> (TypedPins, io::PipeWriter) {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(said).unwrap();
        let input = File::from(std::os::fd::OwnedFd::from(reader));
        let lines = TypedLines {
            input,
            echoing: None,
            line: empty_line(MOST_DIGITS),
            longest: MOST_DIGITS,
            interruptions: None,
        };
        (TypedPins(lines), writer)
    }

    fn pin(digits: &str) -> Typed {
        Typed::Pin(Pin::new(Zeroizing::new(digits.as_bytes().to_vec())).unwrap())
    }

    #[test]
    fn each_line_is_a_pin_and_the_last_needs_no_end() {
        let (mut pins, writer) = typed(b"1234\n123456789012\n0000");
        assert_eq!(pins.look().unwrap(), Some(pin("1234")));
        assert_eq!(pins.look().unwrap(), Some(pin("123456789012")));
        assert_eq!(pins.look().unwrap(), None, "the line is not complete");
        drop(writer);
        assert_eq!(pins.look().unwrap(), Some(pin("0000")));
        assert_eq!(pins.look().unwrap(), Some(Typed::End));
    }

    #[test]
    fn an_empty_line_is_a_wish_to_go_on_without() {
        let (mut pins, _writer) = typed(b"\n1234\n");
        assert_eq!(pins.look().unwrap(), Some(Typed::Nothing));
        assert_eq!(pins.look().unwrap(), Some(pin("1234")));
    }

    #[test]
    fn a_line_that_is_no_pin_is_said_to_be_none_and_the_next_counts() {
        for wrong in ["123", "12345678901234567890", "12a4", "12 34"] {
            let (mut pins, _writer) = typed(format!("{wrong}\n1234\n").as_bytes());
            assert_eq!(pins.look().unwrap(), Some(Typed::Wrong(PinError)), "{wrong}");
            assert_eq!(pins.look().unwrap(), Some(pin("1234")), "{wrong}");
        }
    }
}
