//! One job on its way to the printer.
//!
//! An answer to an end mark is one byte without a name. It counts for this job because of its place: before the content a
//! mark is sent and answered, so that no older one is open; and it counts at all only when there are as many answers as
//! marks and the printer, asked afresh, is well. How long the printer was silent is of the machine's own time.

use std::time::{Duration, Instant};

use super::Waits;
use super::conversation::{Answers, Conversation};
use super::trouble::{Doubts, Trouble};
use crate::devices::printer::{Confirmation, PrinterFault};
use crate::receipt::{self, PrinterProfile};

/// `ESC @`: back to the settings of power-on.
const INITIALISE: &[u8] = &[0x1B, b'@'];
/// `GS a FF`: speak up at every change.
const AUTOMATIC_STATUS: &[u8] = &[0x1D, b'a', 0xFF];
/// `GS r 1`: answer when everything before has been worked off.
const END_MARK: &[u8] = &[0x1D, b'r', 1];
/// As many zeros as end any command of ours that lost a part of itself on the way; alone they print nothing.
pub(super) const ZEROS: &[u8] = &[0; 512];
/// How often a line that is being filled is looked at.
const TICK: Duration = Duration::from_millis(10);
/// How often a mark is sent anew when its answer says nothing.
const ROUNDS: usize = 4;

/// One job on its way.
pub(super) struct Task<'a> {
    waits: Waits,
    step: usize,
    /// Bytes that may wait in this machine while the next step is handed over: so many that they do not run out before it is looked
    /// at again.
    ahead: usize,
    confirms: bool,
    /// The printer may still hold something of an earlier job: a half command, an end mark.
    unclean: bool,
    patience: Duration,
    waiting: &'a mut dyn FnMut(Option<PrinterFault>),
    trouble: Option<Trouble>,
    doubts: Doubts,
    /// What is being written is the job's own content.
    sends_content: bool,
    content_left: bool,
    /// Nothing is half written: a request may be put in here.
    between_commands: bool,
    /// What was handed over last ends between two commands.
    whole: bool,
    marks_sent: usize,
}

impl<'a> Task<'a> {
    /// A job for a printer of this make.
    pub(super) fn new(
        profile: &PrinterProfile,
        baud: u32,
        waits: Waits,
        unclean: bool,
        patience: Duration,
        waiting: &'a mut dyn FnMut(Option<PrinterFault>),
    ) -> Self {
        Self {
            waits,
            step: usize::from(profile.write_step),
            ahead: usize::from(profile.write_step).max(bytes_in(TICK * 2, baud)),
            confirms: profile.confirms_end_mark,
            unclean,
            patience,
            waiting,
            trouble: None,
            doubts: Doubts::default(),
            sends_content: false,
            content_left: false,
            between_commands: true,
            whole: true,
            marks_sent: 0,
        }
    }

    /// At least one byte of the content has left.
    pub(super) const fn content_left(&self) -> bool {
        self.content_left
    }

    /// Sends the job and waits for the proof that it is on paper.
    pub(super) fn run(&mut self, printer: &mut Conversation, job: &[u8]) -> Result<Confirmation, PrinterFault> {
        // A printer that stands still is waited for before anything is sent, as it is in the middle.
        printer.ask(self.waits.status)?;
        if self.unclean {
            self.send(printer, ZEROS)?;
        }
        self.send(printer, &[INITIALISE, AUTOMATIC_STATUS].concat())?;
        // Behind a job of ours that was printed to its end no mark is open. The answer to the first one is taken up while the slip
        // leaves: waiting for it would only let the line fall silent.
        let clean = self.confirms && !self.unclean;
        if clean {
            self.send_first_mark(printer)?;
        }
        let mut in_step = self.confirms && !clean && self.no_older_mark_is_open(printer)?;
        self.sends_content = true;
        for step in steps(job, self.step) {
            // The line never falls silent between two steps: the next one is handed over before the last has left.
            self.hand_over(printer, step, self.ahead)?;
        }
        self.sends_content = false;
        if clean {
            let answered = self.marks_are_answered(printer, self.limit_of_first_mark(printer))?;
            in_step = answered && printer.marks().count == self.marks_sent;
        }
        if !self.confirms {
            self.send(printer, &[])?;
            return Ok(Confirmation::CannotConfirm);
        }
        self.confirm(printer, in_step)
    }

    /// Sends a mark and waits for its answer, so that no answer from here on can be an older mark's. False when that cannot
    /// be had from this printer: its end mark will prove nothing.
    fn no_older_mark_is_open(&mut self, printer: &mut Conversation) -> Result<bool, PrinterFault> {
        let limit = self.limit_of_first_mark(printer);
        for _ in 0..ROUNDS {
            self.send_first_mark(printer)?;
            if !self.marks_are_answered(printer, limit)? {
                return Ok(false);
            }
            if self.unclean {
                // That was an older mark's answer when this one's comes right behind it.
                printer.listen_until_quiet(self.waits.settle)?;
            }
            if printer.marks().count == self.marks_sent {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Nothing stands before it in the printer.
    const fn limit_of_first_mark(&self, printer: &Conversation) -> Duration {
        if printer.has_answered() { self.waits.end_mark_of_silent } else { self.waits.status }
    }

    /// Sends the end mark and waits for the proof.
    fn confirm(&mut self, printer: &mut Conversation, in_step: bool) -> Result<Confirmation, PrinterFault> {
        let limit = if in_step { self.waits.end_mark } else { self.waits.end_mark_of_silent };
        let mut proof = in_step;
        for _ in 0..ROUNDS {
            self.send_first_mark(printer)?;
            let mut answered = self.marks_are_answered(printer, limit)?;
            if !answered && proof {
                // A command that lost bytes may have swallowed the mark: fill it up and ask once more. When only the
                // second mark is answered, something is missing on the paper, and the cashier has to look.
                self.send(printer, ZEROS)?;
                self.send_mark(printer)?;
                answered = self.marks_are_answered(printer, self.waits.end_mark_of_silent)?;
            }
            proof &= answered;
            let status = printer.ask(self.waits.status)?;
            let marks = printer.marks();
            let exact = marks.count == self.marks_sent;
            match (status, printer.fault()) {
                // It came to the mark without paper: what went before was printed into the void.
                (Answers::Given, Some(fault)) if exact && marks.paper_out => return Err(fault),
                (Answers::None, _) if exact && marks.paper_out => return Err(PrinterFault::PaperOut),
                // One that has never answered is not expected to begin now.
                (Answers::None, _) if answered || !printer.has_answered() => return Ok(Confirmation::CannotConfirm),
                (Answers::None, _) => return Err(printer.silence()),
                // The answer was noise, or the paper ended right behind the slip: only another mark can tell.
                (Answers::Given, Some(_)) => self.wait_until_well(printer)?,
                (Answers::Given, None) => {
                    self.look_after(printer, None)?;
                    proof &= exact && !marks.paper_out && !self.doubts.remain(printer.good_by_itself());
                    return Ok(if proof { Confirmation::Printed } else { Confirmation::CannotConfirm });
                }
            }
            printer.listen_until_quiet(self.waits.settle)?;
        }
        Ok(Confirmation::CannotConfirm)
    }

    fn wait_until_well(&mut self, printer: &mut Conversation) -> Result<(), PrinterFault> {
        while let Some(fault) = printer.fault() {
            self.look_after(printer, Some(fault))?;
            printer.listen(self.waits.look)?;
        }
        self.look_after(printer, None)
    }

    /// Sends a mark and counts sent and answered ones from there.
    fn send_first_mark(&mut self, printer: &mut Conversation) -> Result<(), PrinterFault> {
        printer.count_marks_anew()?;
        self.marks_sent = 0;
        self.send_mark(printer)
    }

    fn send_mark(&mut self, printer: &mut Conversation) -> Result<(), PrinterFault> {
        self.marks_sent += 1;
        self.send(printer, END_MARK)
    }

    /// Writes one step and waits until it has left, or until the printer has got over its trouble.
    fn send(&mut self, printer: &mut Conversation, step: &[u8]) -> Result<(), PrinterFault> {
        self.hand_over(printer, Step::whole(step), 0)
    }

    /// Writes one step and waits until no more than `ahead` bytes have not left yet.
    fn hand_over(&mut self, printer: &mut Conversation, step: Step<'_>, ahead: usize) -> Result<(), PrinterFault> {
        let mut bytes = step.bytes;
        let was_whole = std::mem::replace(&mut self.whole, step.whole);
        let mut moved = Instant::now();
        let mut unsent_before = usize::MAX;
        loop {
            printer.listen(Duration::ZERO)?;
            let stopped = printer.fault();
            if stopped.is_none() && !bytes.is_empty() && printer.unsent() <= ahead {
                let written = printer.write_some(bytes)?;
                bytes = bytes.get(written..).unwrap_or_default();
                self.content_left |= self.sends_content && written > 0;
                if written > 0 {
                    moved = Instant::now();
                    if !bytes.is_empty() {
                        continue;
                    }
                }
            }
            let unsent = printer.unsent();
            if bytes.is_empty() && unsent <= ahead {
                self.between_commands = step.whole;
                return Ok(());
            }
            // A printer that says why it stands still does not count as one that takes no data.
            if unsent != unsent_before || stopped.is_some() {
                moved = Instant::now();
                unsent_before = unsent;
            }
            if self.content_left && moved.elapsed() >= self.waits.doubted {
                self.doubts.add_standstill(moved);
            }
            let fault = match stopped {
                None if moved.elapsed() >= self.waits.stalled => Some(printer.silence()),
                stopped => stopped,
            };
            self.between_commands = match bytes.len() {
                0 => step.whole,
                all if all == step.bytes.len() => was_whole,
                _ => false,
            };
            self.look_after(printer, fault)?;
            printer.listen(TICK)?;
        }
    }

    /// Waits for the marks' answers; false when `limit` passes without trouble and without them.
    fn marks_are_answered(&mut self, printer: &mut Conversation, limit: Duration) -> Result<bool, PrinterFault> {
        let mut quiet_since = Instant::now();
        let mut looked = quiet_since;
        loop {
            if printer.marks().count >= self.marks_sent {
                return Ok(true);
            }
            let fault = printer.fault();
            if fault.is_some() {
                quiet_since = Instant::now();
            } else if quiet_since.elapsed() >= limit {
                return Ok(false);
            } else if looked.elapsed() >= self.waits.look {
                looked = Instant::now();
                // Not every printer says by itself why it does not get to the mark.
                printer.send_requests()?;
            }
            self.look_after(printer, fault)?;
            printer.listen(self.waits.look.min(limit))?;
        }
    }

    /// Tells the cashier of a trouble that begins, changes or ends, asks the printer about it now and then, and gives up
    /// when patience is at its end.
    fn look_after(&mut self, printer: &mut Conversation, fault: Option<PrinterFault>) -> Result<(), PrinterFault> {
        let Some(fault) = fault else {
            if let Some(trouble) = self.trouble.take() {
                if self.content_left {
                    self.doubts.add(&trouble);
                }
                (self.waiting)(None);
            }
            return Ok(());
        };
        let now = Instant::now();
        let Some(trouble) = &mut self.trouble else {
            self.trouble = Some(Trouble::new(fault.clone(), now));
            (self.waiting)(Some(fault));
            return Ok(());
        };
        if trouble.fault != fault {
            trouble.becomes(fault.clone());
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
        Ok(())
    }
}

/// Bytes that leave in this time; each is ten bits.
fn bytes_in(time: Duration, baud: u32) -> usize {
    usize::try_from(time.as_millis() * u128::from(baud) / 10_000).unwrap_or(usize::MAX)
}

/// A part of a job that is handed over at one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step<'a> {
    bytes: &'a [u8],
    /// It ends between two commands.
    whole: bool,
}

impl<'a> Step<'a> {
    const fn whole(bytes: &'a [u8]) -> Self {
        Self { bytes, whole: true }
    }
}

/// A job in steps of at most `size` bytes that end with a line where they can, or else with a command: a request for the status sent
/// between two steps then does not stand in the middle of a command. Only what is longer than a step, as a picture, is cut within.
fn steps(job: &[u8], size: usize) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let (mut begin, mut commands, mut line) = (0, 0, 0);
    let mut chinese = false;
    while let Some(rest) = job.get(commands..).filter(|rest| !rest.is_empty()) {
        match rest {
            [0x1C, b'&', ..] => chinese = true,
            [0x1C, b'.', ..] => chinese = false,
            _ => {}
        }
        let end = commands + receipt::unit(rest, chinese);
        while end - begin > size {
            let cut = [line, commands].into_iter().find(|cut| *cut > begin).unwrap_or(begin + size);
            steps.push(Step { bytes: &job[begin..cut], whole: cut <= commands });
            begin = cut;
        }
        commands = end;
        if rest[0] == b'\n' {
            line = end;
        }
    }
    if begin < job.len() {
        steps.push(Step::whole(&job[begin..]));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_end_with_a_line_and_lose_nothing() {
        let job: Vec<u8> = (0..50).flat_map(|n| format!("line number {n}\n").into_bytes()).collect();
        let found = steps(&job, 64);
        assert_eq!(found.iter().map(|step| step.bytes).collect::<Vec<_>>().concat(), job);
        assert!(found.iter().all(|step| step.whole && step.bytes.len() <= 64 && step.bytes.ends_with(b"\n")));
        let words = [b'a'; 100];
        assert_eq!(steps(&words, 64).iter().map(|step| step.bytes.len()).collect::<Vec<_>>(), [64, 36]);
        assert_eq!(steps(&[], 64).len(), 0);
    }

    #[test]
    fn a_picture_is_cut_and_every_cut_within_it_is_known_as_one() {
        // Rows of line feeds, which end no line.
        let picture = [&[0x1D, b'v', b'0', 0, 10, 0, 20, 0][..], &[b'\n'; 200]].concat();
        let job = [b"above\n", &picture[..], b"\x1ba\x01below\n"].concat();
        let found = steps(&job, 64);
        assert_eq!(found.iter().map(|step| step.bytes).collect::<Vec<_>>().concat(), job);
        let wholes: Vec<_> = found.iter().map(|step| step.whole).collect();
        assert_eq!(wholes, [true, false, false, false, true]);
        assert_eq!(found[0].bytes, b"above\n");
        assert!(found.iter().all(|step| step.bytes.len() <= 64));
        // A character of two bytes is not cut either.
        let chinese = [&b"\x1c&"[..], &[0xD6, 0xD0].repeat(40)].concat();
        assert!(steps(&chinese, 63).iter().all(|step| step.whole && step.bytes.len() % 2 == 0));
    }

    #[test]
    fn a_fast_line_has_more_ahead() {
        assert_eq!(bytes_in(TICK * 2, 115_200), 230);
        assert_eq!(bytes_in(TICK * 2, 1_000_000), 2000);
    }
}
