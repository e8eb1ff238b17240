//! What is said on an open line, and what is remembered of it during one job. Waits are of the machine's own time: a real printer
//! knows no other.

use std::time::{Duration, Instant};

use super::SerialSettings;
use super::line::{Gone, SerialLine};
use crate::devices::printer::PrinterFault;
use crate::devices::printer::status::{Answer, AnswerParser, StatusRequest};

/// `DLE DC4 8`: throw away what waits. Seen at once, also by a printer that stands still (Epson ESC/POS reference).
const CLEAR_BUFFER: &[u8] = &[0x10, 0x14, 8, 1, 3, 20, 1, 6, 2, 8];

/// How often a line that is being written to is looked at.
const LOOK_AT_LINE: Duration = Duration::from_millis(10);

/// Whether the printer answers a request for its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answers {
    Given,
    None,
}

/// Answers to end marks since they were last counted from nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MarksAnswered {
    pub count: usize,
    /// What the last one said.
    pub paper_out: bool,
}

/// An open line and what was heard on it.
pub(super) struct Conversation {
    line: SerialLine,
    answers: AnswerParser,
    marks: MarksAnswered,
    has_answered: bool,
    good_by_itself: Option<Instant>,
}

impl Conversation {
    /// Opens the line.
    ///
    /// # Errors
    /// [`PrinterFault::Absent`].
    pub(super) fn open(settings: &SerialSettings) -> Result<Self, PrinterFault> {
        let line = SerialLine::open(settings).map_err(PrinterFault::Absent)?;
        Ok(Self {
            line,
            answers: AnswerParser::default(),
            marks: MarksAnswered::default(),
            has_answered: false,
            good_by_itself: None,
        })
    }

    /// What the printer last said is wrong with it.
    pub(super) const fn fault(&self) -> Option<PrinterFault> {
        self.answers.condition().fault()
    }

    /// Whether a request for the status was ever answered.
    pub(super) const fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// When the printer last said by itself that nothing is wrong. It does so only while it remembers what this job set:
    /// one that lost its power since does not.
    pub(super) const fn good_by_itself(&self) -> Option<Instant> {
        self.good_by_itself
    }

    /// The answers to end marks since [`Self::count_marks_anew`].
    pub(super) const fn marks(&self) -> MarksAnswered {
        self.marks
    }

    /// Forgets the answers to end marks that came so far.
    pub(super) fn count_marks_anew(&mut self) -> Result<(), Gone> {
        self.listen(Duration::ZERO)?;
        self.marks = MarksAnswered::default();
        Ok(())
    }

    /// What a printer has that neither takes data nor says why: when it is the printer that holds the line, it is there and
    /// has stopped.
    pub(super) fn silence(&mut self) -> PrinterFault {
        if self.line.is_held() { PrinterFault::Offline } else { PrinterFault::NoAnswer }
    }

    /// Asks for both statuses and waits up to `limit` for the second answer.
    pub(super) fn ask(&mut self, limit: Duration) -> Result<Answers, Gone> {
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
    pub(super) fn send_requests(&mut self) -> Result<(), Gone> {
        self.answers.forget_requests();
        // Behind data that cannot leave, requests would only heap up.
        if self.line.unsent() > 0 {
            return Ok(());
        }
        for request in [StatusRequest::Offline, StatusRequest::Paper] {
            if self.line.write(&request.command())? {
                self.answers.asked(request);
            }
        }
        Ok(())
    }

    /// Waits up to `limit` for bytes and takes up what they say.
    pub(super) fn listen(&mut self, limit: Duration) -> Result<Vec<Answer>, Gone> {
        let bytes = self.line.read(limit)?;
        let mut answers = Vec::new();
        for byte in bytes {
            let Some(answer) = self.answers.take(byte) else { continue };
            match answer {
                Answer::Status(_) => self.has_answered = true,
                Answer::Automatic => {
                    if self.answers.condition().fault().is_none() {
                        self.good_by_itself = Some(Instant::now());
                    }
                }
                Answer::EndMark { paper_out } => {
                    self.marks = MarksAnswered { count: self.marks.count + 1, paper_out };
                }
                Answer::BufferCleared => {}
            }
            answers.push(answer);
        }
        Ok(answers)
    }

    /// Listens until nothing has come for `pause`, or a line full of noise has been listened to for long enough.
    pub(super) fn listen_until_quiet(&mut self, pause: Duration) -> Result<(), Gone> {
        for _ in 0..MOST_NOISE {
            let begun = Instant::now();
            self.listen(pause)?;
            if begun.elapsed() >= pause {
                break;
            }
        }
        Ok(())
    }

    /// Writes as much of the bytes as the line takes now.
    pub(super) fn write_some(&mut self, bytes: &[u8]) -> Result<usize, Gone> {
        self.line.write_some(bytes)
    }

    /// Writes bytes whole and waits until they have left; false when the line does not take them within the limit.
    pub(super) fn send_now(&mut self, bytes: &[u8], limit: Duration) -> Result<bool, Gone> {
        let end = Instant::now() + limit;
        let mut rest = bytes;
        loop {
            let written = self.write_some(rest)?;
            rest = rest.get(written..).unwrap_or_default();
            if rest.is_empty() && self.unsent() == 0 {
                return Ok(true);
            }
            if Instant::now() >= end {
                return Ok(false);
            }
            self.listen(LOOK_AT_LINE)?;
        }
    }

    /// Bytes that have not left yet.
    pub(super) fn unsent(&self) -> usize {
        self.line.unsent()
    }

    /// Throws away what has not left: closing a line that is held would otherwise wait for it.
    pub(super) fn discard_unsent(&self) {
        self.line.discard_unsent();
    }

    /// Has the printer throw away what it holds; true only when it said that it has.
    pub(super) fn clear_buffer(&mut self, limit: Duration) -> bool {
        self.discard_unsent();
        let cleared = self.try_to_clear_buffer(limit).unwrap_or(false);
        self.discard_unsent();
        cleared
    }

    fn try_to_clear_buffer(&mut self, limit: Duration) -> Result<bool, Gone> {
        // A printer that stands still may hold the line; real-time commands it takes all the same.
        self.line.ignore_flow_control()?;
        self.listen(Duration::ZERO)?;
        if !self.line.write(CLEAR_BUFFER)? {
            return Ok(false);
        }
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            if self.listen(left)?.contains(&Answer::BufferCleared) {
                return Ok(true);
            }
        }
    }
}

/// Reads of a line that never falls silent before it is given up.
const MOST_NOISE: usize = 50;
