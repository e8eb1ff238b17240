//! A scanner to try everything without one: a pty that sends what it is told to, as a scanner on a serial line does. It is pulled out
//! and put back by hand.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::ttyname;

/// See the module. It is pulled out when it is dropped.
#[derive(Debug)]
pub struct SandboxScanner {
    link: PathBuf,
    line: Option<Line>,
}

#[derive(Debug)]
struct Line {
    end: File,
    /// Held open, so that the line lives on when the terminal closes its end.
    _terminals_end: OwnedFd,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum ScannerError {
    /// The link cannot be made.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The system gives no pty.
    #[error("the system gives no pseudo terminal for the sandbox scanner: {0}")]
    Pty(#[from] nix::Error),
    /// What is sent does not get through.
    #[error("the sandbox scanner's line: {0}")]
    Line(#[from] io::Error),
    /// It is pulled out.
    #[error("the sandbox scanner is pulled out")]
    PulledOut,
}

impl SandboxScanner {
    /// A scanner under a name that stays, plugged in.
    ///
    /// # Errors
    /// [`ScannerError`].
    pub fn plugged_in(link: impl Into<PathBuf>) -> Result<Self, ScannerError> {
        let mut scanner = Self { link: link.into(), line: None };
        scanner.plug_in()?;
        Ok(scanner)
    }

    /// The device to listen to.
    pub fn device(&self) -> &Path {
        &self.link
    }

    /// Puts it back: another device of the system, under the same name.
    ///
    /// # Errors
    /// [`ScannerError`].
    pub fn plug_in(&mut self) -> Result<(), ScannerError> {
        self.pull_out();
        let pty = openpty(None, None)?;
        let mut modes = tcgetattr(&pty.slave)?;
        // Before anybody opens it, a fresh pty would echo.
        cfmakeraw(&mut modes);
        tcsetattr(&pty.slave, SetArg::TCSANOW, &modes)?;
        let device = ttyname(&pty.slave)?;
        let failed = |source| ScannerError::File { path: self.link.display().to_string(), source };
        if self.link.is_symlink() {
            fs::remove_file(&self.link).map_err(failed)?;
        }
        std::os::unix::fs::symlink(device, &self.link).map_err(failed)?;
        self.line = Some(Line { end: File::from(pty.master), _terminals_end: pty.slave });
        Ok(())
    }

    /// Pulls it out.
    pub fn pull_out(&mut self) {
        if self.line.take().is_some()
            && let Err(error) = fs::remove_file(&self.link)
        {
            tracing::debug!(%error, "the sandbox scanner's link could not be removed");
        }
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When it is pulled out, or they do not get through.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), ScannerError> {
        let line = self.line.as_mut().ok_or(ScannerError::PulledOut)?;
        Ok(line.end.write_all(bytes)?)
    }

    /// Scans a code: its text and the end of a line.
    ///
    /// # Errors
    /// As for [`SandboxScanner::send`].
    pub fn scan(&mut self, text: &str) -> Result<(), ScannerError> {
        self.send(text.as_bytes())?;
        self.send(b"\r")
    }
}

impl Drop for SandboxScanner {
    fn drop(&mut self) {
        self.pull_out();
    }
}
