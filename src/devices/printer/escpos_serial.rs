//! A receipt printer that speaks ESC/POS on a serial line: RS-232, a USB device that shows itself as one, or a pty.
//!
//! A write that returned is not paper: data sits in the kernel and in the printer. A job is printed when the printer
//! answers the mark that stands behind it. A printer that answers nothing may still print; then nobody knows but the
//! cashier. The port is opened for each job, so that a cable may be pulled and put back between two.

mod line;

use std::time::{Duration, Instant};

use self::line::{Gone, SerialLine};
use super::status::{Answer, AnswerParser, StatusRequest};
use super::{Confirmation, PrintFailure, Printer, PrinterFault};
use crate::receipt::PrinterProfile;

/// `ESC @`: back to the settings of power-on.
const INITIALISE: &[u8] = &[0x1B, b'@'];
/// `GS a FF`: speak up at every change.
const AUTOMATIC_STATUS: &[u8] = &[0x1D, b'a', 0xFF];
/// `GS r 1`: answer when everything before has been worked off.
const END_MARK: &[u8] = &[0x1D, b'r', 1];
/// As many zeros as end any command of ours that lost a part of itself on the way; alone they print nothing.
const ZEROS: [u8; 512] = [0; 512];

/// Where the printer is and how to talk to it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SerialSettings {
    /// Path of the device, as `/dev/ttyS0`.
    pub device: String,
    /// Bits per second.
    #[serde(default = "SerialSettings::usual_baud")]
    pub baud: u32,
    /// How the printer says that its buffer is full.
    #[serde(default)]
    pub flow_control: FlowControl,
}

impl SerialSettings {
    /// A device with the usual speed and flow control.
    pub fn of_device(device: impl Into<String>) -> Self {
        Self { device: device.into(), baud: Self::usual_baud(), flow_control: FlowControl::default() }
    }

    /// What most receipt printers are set to when they are sold.
    pub const fn usual_baud() -> u32 {
        115_200
    }
}

/// How the printer says that its buffer is full. Linux has no DTR/DSR: the printer's DTR is wired to the host's CTS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowControl {
    /// By the lines RTS and CTS.
    #[default]
    RtsCts,
    /// By the characters XON and XOFF.
    XonXoff,
    /// Not at all: a job must fit into the printer's buffer.
    None,
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
    /// End marks of abandoned jobs that the printer may still hold and answer during the next one.
    old_marks: usize,
}

impl SerialPrinter {
    /// A printer that is not opened before it is needed.
    pub fn new(settings: SerialSettings, profile: PrinterProfile) -> Self {
        Self::with_waits(settings, profile, Waits::default())
    }

    /// The same with other waits.
    pub const fn with_waits(settings: SerialSettings, profile: PrinterProfile, waits: Waits) -> Self {
        Self { settings, profile, waits, old_marks: 0 }
    }

    fn open(&self) -> Result<Conversation, PrinterFault> {
        let line = SerialLine::open(&self.settings).map_err(PrinterFault::Absent)?;
        Ok(Conversation { line, answers: AnswerParser::default(), marks_answered: 0, paper_out_at_mark: false })
    }
}

impl Printer for SerialPrinter {
    fn name(&self) -> String {
        format!("{} at {} ({})", self.profile.title, self.settings.device, self.settings.baud)
    }

    fn check(&mut self) -> Result<(), PrinterFault> {
        let mut conversation = self.open()?;
        match conversation.ask(self.waits.status) {
            Err(gone) => Err(gone.into()),
            Ok(Answers::None) if self.profile.confirms_end_mark => Err(PrinterFault::NoAnswer),
            Ok(Answers::None | Answers::Given) => match conversation.answers.condition().fault() {
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
        let mut conversation = self.open().map_err(|fault| PrintFailure { fault, may_be_on_paper: false })?;
        let mut task = Task {
            waits: self.waits,
            step: usize::from(self.profile.write_step),
            confirms: self.profile.confirms_end_mark,
            patience,
            waiting,
            trouble: None,
            sends_content: false,
            content_left: false,
            between_commands: true,
            marks_sent: self.old_marks,
        };
        let result = task.run(&mut conversation, job);
        // A mark that was not answered may be answered late, during the next job, and must not pass for that job's own. A
        // printer that lost its power never answers it: after one job of waiting for it, it is forgotten.
        let stopped = result.is_err() && conversation.answers.condition().fault().is_some();
        let unanswered = task.marks_sent.saturating_sub(conversation.marks_answered);
        self.old_marks = if stopped || self.old_marks == 0 { unanswered } else { 0 };
        if result.is_err() {
            // Closing a line that is held by flow control would otherwise wait for it.
            conversation.line.discard_unsent();
        }
        result.map_err(|fault| PrintFailure { fault, may_be_on_paper: task.content_left })
    }
}

/// Whether the printer answers a request for its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answers {
    Given,
    None,
}

/// An open line and what was heard on it.
struct Conversation {
    line: SerialLine,
    answers: AnswerParser,
    marks_answered: usize,
    paper_out_at_mark: bool,
}

impl Conversation {
    /// Asks for both statuses and waits up to `limit` for the second answer.
    fn ask(&mut self, limit: Duration) -> Result<Answers, Gone> {
        self.send_requests()?;
        let end = Instant::now() + limit;
        let mut paper_known = false;
        while !paper_known {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Answers::None);
            }
            paper_known = self.listen(left)?.contains(&Answer::Status(StatusRequest::Paper));
        }
        Ok(Answers::Given)
    }

    /// Asks for both statuses; the answers are taken up whenever they come.
    fn send_requests(&mut self) -> Result<(), Gone> {
        self.answers.forget_requests();
        for request in [StatusRequest::Offline, StatusRequest::Paper] {
            if self.line.write(&request.command())? {
                self.answers.asked(request);
            }
        }
        Ok(())
    }

    /// Waits up to `limit` for bytes and takes up what they say.
    fn listen(&mut self, limit: Duration) -> Result<Vec<Answer>, Gone> {
        let bytes = self.line.read(limit)?;
        let answers: Vec<_> = bytes.iter().filter_map(|byte| self.answers.take(*byte)).collect();
        for answer in &answers {
            if let Answer::EndMark { paper_out } = answer {
                self.marks_answered += 1;
                self.paper_out_at_mark = *paper_out;
            }
        }
        Ok(answers)
    }
}

/// A trouble in the middle of a job.
struct Trouble {
    fault: PrinterFault,
    since: Instant,
    looked: Instant,
}

/// One job on its way.
struct Task<'a> {
    waits: Waits,
    step: usize,
    confirms: bool,
    patience: Duration,
    waiting: &'a mut dyn FnMut(Option<PrinterFault>),
    trouble: Option<Trouble>,
    /// What is being written is the job's own content.
    sends_content: bool,
    /// At least one byte of the content has left.
    content_left: bool,
    /// Nothing is half written: a request may be put in here.
    between_commands: bool,
    marks_sent: usize,
}

/// How often a line that is being filled is looked at.
const TICK: Duration = Duration::from_millis(10);

impl Task<'_> {
    fn run(&mut self, printer: &mut Conversation, job: &[u8]) -> Result<Confirmation, PrinterFault> {
        // A printer that stands still is waited for before anything is sent, as it is in the middle.
        let answers = printer.ask(self.waits.status)?;
        self.send(printer, &[INITIALISE, AUTOMATIC_STATUS].concat())?;
        self.sends_content = true;
        for step in steps(job, self.step) {
            self.send(printer, step)?;
        }
        self.sends_content = false;
        if !self.confirms {
            return Ok(Confirmation::CannotConfirm);
        }
        self.confirm(printer, answers)
    }

    /// Writes one step and waits until it has left, or until the printer has got over its trouble.
    fn send(&mut self, printer: &mut Conversation, step: &[u8]) -> Result<(), PrinterFault> {
        let mut bytes = step;
        let mut moved = Instant::now();
        let mut unsent_before = usize::MAX;
        loop {
            printer.listen(Duration::ZERO)?;
            let stopped = printer.answers.condition().fault();
            if stopped.is_none() && !bytes.is_empty() {
                let written = printer.line.write_some(bytes)?;
                bytes = bytes.get(written..).unwrap_or_default();
                self.content_left |= self.sends_content && written > 0;
                if written > 0 {
                    moved = Instant::now();
                }
            }
            let unsent = printer.line.unsent();
            if bytes.is_empty() && unsent == 0 {
                return Ok(());
            }
            // A printer that says why it stands still does not count as one that takes no data.
            if unsent != unsent_before || stopped.is_some() {
                moved = Instant::now();
                unsent_before = unsent;
            }
            let stalled = (moved.elapsed() >= self.waits.stalled).then_some(PrinterFault::NoAnswer);
            self.between_commands = bytes.is_empty() || bytes.len() == step.len();
            self.look_after(printer, stopped.or(stalled))?;
            printer.listen(TICK)?;
        }
    }

    /// Sends the end mark and waits for its answer.
    fn confirm(&mut self, printer: &mut Conversation, answers: Answers) -> Result<Confirmation, PrinterFault> {
        // What was answered before the mark left answers the mark of a job before.
        self.marks_sent = self.marks_sent.saturating_sub(printer.marks_answered);
        printer.marks_answered = 0;
        let limit = match answers {
            Answers::Given => self.waits.end_mark,
            Answers::None => self.waits.end_mark_of_silent,
        };
        self.send_mark(printer)?;
        if self.all_marks_answered(printer, limit)? {
            return if printer.paper_out_at_mark { Err(PrinterFault::PaperOut) } else { Ok(Confirmation::Printed) };
        }
        if answers == Answers::None {
            return Ok(Confirmation::CannotConfirm);
        }
        // A command that lost bytes may have swallowed the mark: fill it up and ask once more. When only the second
        // mark is answered, something is missing on the paper, and the cashier has to look.
        self.send(printer, &ZEROS)?;
        self.send_mark(printer)?;
        if self.all_marks_answered(printer, self.waits.end_mark_of_silent)? && !printer.paper_out_at_mark {
            return Ok(Confirmation::Printed);
        }
        match printer.ask(self.waits.status)? {
            Answers::None => Err(PrinterFault::NoAnswer),
            Answers::Given => match printer.answers.condition().fault() {
                Some(fault) => Err(fault),
                None => Ok(Confirmation::CannotConfirm),
            },
        }
    }

    fn send_mark(&mut self, printer: &mut Conversation) -> Result<(), PrinterFault> {
        self.marks_sent += 1;
        self.send(printer, END_MARK)
    }

    /// Waits for the marks' answers; false when `limit` passes without trouble and without them.
    fn all_marks_answered(&mut self, printer: &mut Conversation, limit: Duration) -> Result<bool, PrinterFault> {
        let mut quiet_since = Instant::now();
        self.between_commands = true;
        loop {
            if printer.marks_answered >= self.marks_sent {
                self.over();
                return Ok(true);
            }
            let fault = printer.answers.condition().fault();
            if fault.is_some() {
                quiet_since = Instant::now();
            } else if quiet_since.elapsed() >= limit {
                return Ok(false);
            }
            self.look_after(printer, fault)?;
            printer.listen(self.waits.look.min(limit))?;
        }
    }

    /// Tells the cashier of a trouble that begins, changes or ends, asks the printer about it now and then, and gives up
    /// when patience is at its end.
    fn look_after(&mut self, printer: &mut Conversation, fault: Option<PrinterFault>) -> Result<(), PrinterFault> {
        let Some(fault) = fault else {
            self.over();
            return Ok(());
        };
        let now = Instant::now();
        match &mut self.trouble {
            Some(trouble) => {
                if trouble.fault != fault {
                    trouble.fault = fault.clone();
                    (self.waiting)(Some(fault.clone()));
                }
                if now.duration_since(trouble.since) >= self.patience {
                    return Err(fault);
                }
                if now.duration_since(trouble.looked) >= self.waits.look {
                    trouble.looked = now;
                    // A printer that was switched off and on no longer speaks by itself.
                    if fault != PrinterFault::NoAnswer && self.between_commands {
                        printer.send_requests()?;
                    }
                }
            }
            None => {
                self.trouble = Some(Trouble { fault: fault.clone(), since: now, looked: now });
                (self.waiting)(Some(fault));
            }
        }
        Ok(())
    }

    fn over(&mut self) {
        if self.trouble.take().is_some() {
            (self.waiting)(None);
        }
    }
}

/// A job in steps of at most `size` bytes that end with a line where they can: a request for the status sent between two
/// steps then does not stand in the middle of a command.
fn steps(job: &[u8], size: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = job;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let window = rest.get(..size).unwrap_or(rest);
        let end = match window.iter().rposition(|byte| *byte == b'\n') {
            Some(at) if window.len() < rest.len() => at + 1,
            _ => window.len(),
        };
        let (step, after) = rest.split_at(end);
        rest = after;
        Some(step)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_end_with_a_line_and_lose_nothing() {
        let job: Vec<u8> = (0..50).flat_map(|n| format!("line number {n}\n").into_bytes()).collect();
        let steps: Vec<_> = steps(&job, 64).collect();
        assert_eq!(steps.concat(), job);
        assert!(steps.iter().all(|step| step.len() <= 64 && step.ends_with(b"\n")));
        assert_eq!(super::steps(&[7; 100], 64).map(<[u8]>::len).collect::<Vec<_>>(), [64, 36]);
        assert_eq!(super::steps(&[], 64).count(), 0);
    }
}
