//! A receipt printer that speaks ESC/POS on a serial line: RS-232, a USB device that shows itself as one, or a pty.
//!
//! A write that returned is not paper: data sits in the kernel and in the printer. A job is printed when the printer
//! answers the mark that stands behind it. A printer that answers nothing may still print; then nobody knows but the
//! cashier. The port is opened for each job, so that a cable may be pulled and put back between two.

mod conversation;
mod line;
mod task;
mod trouble;

use std::time::Duration;

use self::conversation::{Answers, Conversation};
use self::task::Task;
use super::{Confirmation, DrawerFault, PrintFailure, Printer, PrinterFault};
use crate::receipt::PrinterProfile;
pub use crate::terminal::settings::FlowControl;

/// Where the printer is and how to talk to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialSettings {
    /// Path of the device, as `/dev/ttyS0`.
    pub device: String,
    /// Bits per second.
    pub baud: u32,
    /// How the printer says that its buffer is full.
    pub flow_control: FlowControl,
}

impl SerialSettings {
    /// A device with the usual speed and flow control.
    pub fn of_device(device: impl Into<String>) -> Self {
        Self { device: device.into(), baud: Self::usual_baud(), flow_control: FlowControl::RtsCts }
    }

    /// What most receipt printers are set to when they are sold.
    pub const fn usual_baud() -> u32 {
        115_200
    }
}

/// How long the driver waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// For the answer to `DLE EOT`, which comes at once or never.
    pub status: Duration,
    /// For the end mark's answer after the last byte has left, while the printer reports no trouble.
    pub end_mark: Duration,
    /// The same when the printer has answered nothing at all so far.
    pub end_mark_of_silent: Duration,
    /// Of silence, until every answer that was on its way has come.
    pub settle: Duration,
    /// Until a line that takes no data may be that of a printer that is being switched off and on. While it prints from a
    /// full buffer, it takes some every few lines.
    pub doubted: Duration,
    /// Until a line that takes no data is called a trouble.
    pub stalled: Duration,
    /// Between two looks at a printer that stands still.
    pub look: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            status: Duration::from_millis(600),
            end_mark: Duration::from_secs(15),
            end_mark_of_silent: Duration::from_secs(3),
            settle: Duration::from_millis(200),
            doubted: Duration::from_secs(1),
            stalled: Duration::from_secs(3),
            look: Duration::from_secs(1),
        }
    }
}

/// The printer on a serial line.
#[derive(Debug)]
pub struct SerialPrinter {
    settings: SerialSettings,
    profile: PrinterProfile,
    waits: Waits,
    /// The printer may still hold something of an earlier job, of this process or of one before: half a command, an end
    /// mark. Only a job that was printed to its end leaves nothing.
    unclean: bool,
}

impl SerialPrinter {
    /// A printer that is not opened before it is needed.
    pub fn new(settings: SerialSettings, profile: PrinterProfile) -> Self {
        Self::with_waits(settings, profile, Waits::default())
    }

    /// The same with other waits.
    pub const fn with_waits(settings: SerialSettings, profile: PrinterProfile, waits: Waits) -> Self {
        Self { settings, profile, waits, unclean: true }
    }
}

impl Printer for SerialPrinter {
    fn name(&self) -> String {
        format!("{} at {} ({})", self.profile.title, self.settings.device, self.settings.baud)
    }

    fn check(&mut self) -> Result<(), PrinterFault> {
        let mut conversation = Conversation::open(&self.settings)?;
        match conversation.ask(self.waits.status) {
            Err(gone) => Err(gone.into()),
            Ok(Answers::None) if self.profile.confirms_end_mark => {
                let silence = conversation.silence();
                conversation.discard_unsent();
                Err(silence)
            }
            Ok(Answers::None | Answers::Given) => match conversation.fault() {
                Some(fault) => Err(fault),
                None => Ok(()),
            },
        }
    }

    fn print(
        &mut self,
        job: &[u8],
        patience: Duration,
        waiting: &mut dyn FnMut(Option<PrinterFault>),
    ) -> Result<Confirmation, PrintFailure> {
        let mut conversation = Conversation::open(&self.settings).map_err(PrintFailure::before_content)?;
        let mut task = Task::new(&self.profile, self.settings.baud, self.waits, self.unclean, patience, waiting);
        let result = task.run(&mut conversation, job);
        self.unclean = result != Ok(Confirmation::Printed);
        result.map_err(|fault| {
            conversation.discard_unsent();
            if !task.content_left() {
                return PrintFailure::before_content(fault);
            }
            // What the printer holds would come out with the next roll, beside the slip printed anew.
            let cleared = self.profile.clears_buffer && conversation.clear_buffer(self.waits.status);
            PrintFailure { fault, may_be_on_paper: true, may_come_later: !cleared }
        })
    }

    fn open_drawer(&mut self) -> Result<(), DrawerFault> {
        let pulse = self.profile.drawer.ok_or(DrawerFault::None)?.pulse();
        let mut conversation = Conversation::open(&self.settings)?;
        // A printer that stands still would open it when it goes on: with a new roll, before whoever put that in.
        let answers = conversation.ask(self.waits.status).map_err(PrinterFault::from)?;
        if let Some(fault) = conversation.fault() {
            return Err(fault.into());
        }
        if answers == Answers::None && self.profile.confirms_end_mark {
            let silence = conversation.silence();
            conversation.discard_unsent();
            return Err(silence.into());
        }
        // Half a command of an earlier job would swallow the pulse.
        let filled = if self.unclean { task::ZEROS } else { &[] };
        let sent = conversation.send_now(&[filled, &pulse].concat(), self.waits.stalled);
        if !sent.map_err(PrinterFault::from)? {
            let silence = conversation.silence();
            conversation.discard_unsent();
            return Err(silence.into());
        }
        Ok(())
    }
}
