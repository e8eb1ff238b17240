//! The serial line itself: opened, set up and locked; bytes out without ever waiting for the printer, bytes in within a
//! time limit.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::termios::{InputFlags, SetArg, tcgetattr, tcsetattr};
use serialport::{ClearBuffer, SerialPort, TTYPort};

use super::{FlowControl, SerialSettings};
use crate::devices::printer::PrinterFault;

/// The device has gone; what the system said.
#[derive(Debug)]
pub(super) struct Gone(String);

impl From<Gone> for PrinterFault {
    fn from(Gone(said): Gone) -> Self {
        Self::Absent(said)
    }
}

/// An open serial line.
pub(super) struct SerialLine {
    port: TTYPort,
    flow_control: FlowControl,
    /// The kernel took nothing of what was last written.
    refused: bool,
    /// Holds the lock as long as the line is open. The system's exclusive mode would outlive a killed program on a pty;
    /// a lock on the file ends with the program.
    _lock: File,
}

/// The most bytes handed to the kernel at once. A serial driver that reports room at all takes this many without
/// waiting, so a write never blocks on a printer that stands still.
const MOST_AT_ONCE: usize = 256;

impl SerialLine {
    /// Opens and sets up the line; what the printer said before is thrown away.
    ///
    /// # Errors
    /// The system's words, or that another program prints on this device.
    pub(super) fn open(settings: &SerialSettings) -> Result<Self, String> {
        let device = &settings.device;
        let failed = |said: String| format!("{device}: {said}");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags((OFlag::O_NOCTTY | OFlag::O_NONBLOCK).bits())
            .open(device)
            .map_err(|error| failed(error.to_string()))?;
        match file.try_lock() {
            // Shared, because `serialport` takes a lock of its own on the same file.
            Ok(()) => file.lock_shared().map_err(|error| failed(error.to_string()))?,
            Err(TryLockError::WouldBlock) => return Err(failed("another program is printing on it".to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed(error.to_string())),
        }
        let flow_control = match settings.flow_control {
            FlowControl::RtsCts => serialport::FlowControl::Hardware,
            FlowControl::XonXoff => serialport::FlowControl::Software,
            FlowControl::None => serialport::FlowControl::None,
        };
        let builder = serialport::new(device.as_str(), settings.baud).flow_control(flow_control).exclusive(false);
        let port = TTYPort::open(&builder).map_err(|error| failed(error.to_string()))?;
        let mut modes = tcgetattr(&file).map_err(|error| failed(error.to_string()))?;
        // With IXANY any byte of the printer's would count as "go on".
        modes.input_flags.remove(InputFlags::IXANY);
        // A break, as when a plug is touched or the printer is switched, would be read as 00: "printed". The same goes for
        // what is not framed as a byte; the system throws it away when it looks for wrong ones (INPCK) and ignores them.
        modes.input_flags.remove(InputFlags::BRKINT | InputFlags::PARMRK);
        modes.input_flags.insert(InputFlags::IGNBRK | InputFlags::IGNPAR | InputFlags::INPCK);
        tcsetattr(&file, SetArg::TCSANOW, &modes).map_err(|error| failed(error.to_string()))?;
        port.clear(ClearBuffer::Input).map_err(|error| failed(error.to_string()))?;
        Ok(Self { port, flow_control: settings.flow_control, refused: false, _lock: file })
    }

    /// Writes as much as the kernel takes now; 0 when the line is held.
    pub(super) fn write_some(&mut self, bytes: &[u8]) -> Result<usize, Gone> {
        let bytes = bytes.get(..MOST_AT_ONCE).unwrap_or(bytes);
        self.wait_at_most(Duration::ZERO)?;
        let written = match self.port.write(bytes) {
            Ok(written) => written,
            Err(error) if is_no_failure(error.kind()) => 0,
            Err(error) => return Err(gone(&error)),
        };
        self.refused = written == 0;
        Ok(written)
    }

    /// Writes a short command whole, or not at all when the line is held.
    pub(super) fn write(&mut self, command: &[u8]) -> Result<bool, Gone> {
        Ok(self.write_some(command)? == command.len())
    }

    /// Waits up to `limit` and gives what has come; nothing when nothing came.
    pub(super) fn read(&mut self, limit: Duration) -> Result<Vec<u8>, Gone> {
        self.wait_at_most(limit)?;
        let mut bytes = [0; 64];
        match self.port.read(&mut bytes) {
            // The other end of a pty or a USB cable is no longer there.
            Ok(0) => Err(Gone("the line was closed at the other end".to_owned())),
            Ok(length) => Ok(bytes[..length].to_vec()),
            Err(error) if is_no_failure(error.kind()) => Ok(Vec::new()),
            Err(error) => Err(gone(&error)),
        }
    }

    /// Bytes the kernel still holds.
    pub(super) fn unsent(&self) -> usize {
        // A driver that cannot say is taken to hold nothing.
        self.port.bytes_to_write().map_or(0, |bytes| bytes as usize)
    }

    /// Whether it is the printer that keeps a line that takes no data from taking any. A device without modem lines, as a
    /// pty, cannot tell and is taken not to.
    pub(super) fn is_held(&mut self) -> bool {
        match self.flow_control {
            FlowControl::RtsCts => self.port.read_clear_to_send().is_ok_and(|clear| !clear),
            // Without an XOFF everything leaves, also to a printer that is off.
            FlowControl::XonXoff => self.refused || self.unsent() > 0,
            FlowControl::None => false,
        }
    }

    /// From here on bytes leave also while the printer holds the line.
    pub(super) fn ignore_flow_control(&mut self) -> Result<(), Gone> {
        self.port.set_flow_control(serialport::FlowControl::None).map_err(|error| Gone(error.to_string()))
    }

    /// Throws away what the kernel still holds.
    pub(super) fn discard_unsent(&self) {
        if let Err(error) = self.port.clear(ClearBuffer::Output) {
            tracing::debug!(%error, "the unsent part of a print job could not be discarded");
        }
    }

    fn wait_at_most(&mut self, limit: Duration) -> Result<(), Gone> {
        self.port.set_timeout(limit).map_err(|error| Gone(error.to_string()))
    }
}

fn is_no_failure(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn gone(error: &std::io::Error) -> Gone {
    Gone(error.to_string())
}

#[cfg(test)]
mod tests {
    use nix::pty::openpty;
    use nix::unistd::ttyname;

    use super::*;

    #[test]
    fn a_break_or_a_broken_byte_is_never_read_as_an_answer() {
        let pty = openpty(None, None).unwrap();
        for flow_control in [FlowControl::RtsCts, FlowControl::XonXoff, FlowControl::None] {
            let device = ttyname(&pty.slave).unwrap().display().to_string();
            let mut line =
                SerialLine::open(&SerialSettings { flow_control, ..SerialSettings::of_device(device) }).unwrap();
            let flags = tcgetattr(&pty.slave).unwrap().input_flags;
            assert!(flags.contains(InputFlags::IGNBRK | InputFlags::IGNPAR | InputFlags::INPCK), "{flags:?}");
            assert!(!flags.intersects(InputFlags::BRKINT | InputFlags::PARMRK | InputFlags::IXANY), "{flags:?}");
            // A pty has no modem lines and must not be taken for a printer that holds one down.
            assert!(!line.is_held());
        }
    }
}
