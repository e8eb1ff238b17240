//! What an ESC/POS printer says of itself, told apart in one stream of bytes. Pure.
//!
//! Three kinds of answers share the line, and their fixed bits tell them apart (Epson ESC/POS reference, `DLE EOT`,
//! `GS a`, `GS r`; bit 7 is the left one):
//!
//! | answer | pattern |
//! |---|---|
//! | `DLE EOT n`, one byte | `0xx1xx10` |
//! | automatic status (ASB), first of four bytes | `0xx1xx00` |
//! | ASB, the three others, and `GS r`, one byte | `0xx0xxxx` |
//!
//! `GS r` and the later bytes of an ASB look alike: only the place tells them apart. "Buffer cleared" (`DLE DC4 8`) is a
//! block of `37`, `25` and `00`, of which the first looks like nothing else that is listened to. XON and XOFF (`0xx1xxx1`) are not
//! answers and are passed over.

use std::collections::VecDeque;

use super::PrinterFault;

/// A request that is answered at once, also by a printer that stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusRequest {
    /// `DLE EOT 2`: why the printer is offline.
    Offline,
    /// `DLE EOT 4`: the paper sensors.
    Paper,
}

impl StatusRequest {
    /// The command. Exactly three bytes: a stray fourth one would be printed.
    pub const fn command(self) -> [u8; 3] {
        match self {
            Self::Offline => [0x10, 0x04, 2],
            Self::Paper => [0x10, 0x04, 4],
        }
    }
}

/// What the printer said last of each of its troubles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// The cover is open.
    pub cover_open: bool,
    /// The roll is at its end.
    pub paper_out: bool,
    /// Cutter, temperature, or something that does not mend itself.
    pub error: bool,
}

impl Condition {
    /// The trouble to tell the cashier of, the one that must be dealt with first.
    pub const fn fault(self) -> Option<PrinterFault> {
        match self {
            // An open cover usually reports missing paper as well.
            Self { cover_open: true, .. } => Some(PrinterFault::CoverOpen),
            Self { paper_out: true, .. } => Some(PrinterFault::PaperOut),
            Self { error: true, .. } => Some(PrinterFault::Error),
            Self { .. } => None,
        }
    }
}

/// One answer taken from the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The answer to a `DLE EOT`.
    Status(StatusRequest),
    /// The printer spoke of itself.
    Automatic,
    /// The answer to `GS r 1`: everything before that mark has been worked off.
    EndMark {
        /// The printer says that there was no paper when it came to the mark.
        paper_out: bool,
    },
    /// The answer to `DLE DC4 8`: nothing waits in the printer any more.
    BufferCleared,
}

/// The block that says that the buffer is cleared: header, identifier, end.
const BUFFER_CLEARED: [u8; 3] = [0x37, 0x25, 0x00];

/// Takes the stream apart, byte by byte, and keeps the printer's condition.
#[derive(Debug, Default)]
pub struct AnswerParser {
    condition: Condition,
    asked: VecDeque<StatusRequest>,
    /// The bytes of an automatic status that has begun.
    automatic: Vec<u8>,
    /// So many bytes of [`BUFFER_CLEARED`] have come.
    cleared: usize,
}

impl AnswerParser {
    /// Notes that a request was sent: answers come in the order of the requests.
    pub fn asked(&mut self, request: StatusRequest) {
        self.asked.push_back(request);
    }

    /// Gives up on requests that were not answered. Answers come at once or never.
    pub fn forget_requests(&mut self) {
        self.asked.clear();
    }

    /// What is known of the printer.
    pub const fn condition(&self) -> Condition {
        self.condition
    }

    /// Takes one byte; gives the answer it completes.
    pub fn take(&mut self, byte: u8) -> Option<Answer> {
        if BUFFER_CLEARED.get(self.cleared) == Some(&byte) {
            self.cleared += 1;
            if self.cleared < BUFFER_CLEARED.len() {
                return None;
            }
            self.cleared = 0;
            return Some(Answer::BufferCleared);
        }
        self.cleared = 0;
        match byte & 0b1001_0011 {
            0b0001_0010 => self.real_time(byte),
            0b0001_0000 => {
                // A new automatic status, also when the one before lost a byte.
                self.automatic = vec![byte];
                None
            }
            pattern if pattern & 0b1001_0000 == 0 => self.plain(byte),
            _ => None,
        }
    }

    fn real_time(&mut self, byte: u8) -> Option<Answer> {
        let request = self.asked.pop_front()?;
        match request {
            StatusRequest::Offline => {
                self.condition.cover_open = byte & 0x04 != 0;
                self.condition.error = byte & 0x40 != 0;
                if byte & 0x20 != 0 {
                    self.condition.paper_out = true;
                }
            }
            StatusRequest::Paper => self.condition.paper_out = byte & 0x60 != 0,
        }
        Some(Answer::Status(request))
    }

    fn plain(&mut self, byte: u8) -> Option<Answer> {
        if self.automatic.is_empty() {
            return Some(Answer::EndMark { paper_out: byte & 0x0C != 0 });
        }
        self.automatic.push(byte);
        if let [offline, errors, paper, _] = self.automatic[..] {
            self.automatic.clear();
            self.condition = Condition {
                cover_open: offline & 0x20 != 0,
                // Bit 2 mechanical, 3 cutter, 5 beyond repair, 6 temperature.
                error: errors & 0x6C != 0,
                paper_out: paper & 0x0C != 0,
            };
            return Some(Answer::Automatic);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD_ASB: [u8; 4] = [0x10, 0x00, 0x00, 0x0F];

    fn run(parser: &mut AnswerParser, bytes: &[u8]) -> Vec<Answer> {
        bytes.iter().filter_map(|byte| parser.take(*byte)).collect()
    }

    #[test]
    fn answers_to_requests_come_in_the_order_of_the_requests() {
        for (offline, paper, fault) in [
            (0x12, 0x12, None),
            (0x16, 0x12, Some(PrinterFault::CoverOpen)),
            (0x32, 0x72, Some(PrinterFault::PaperOut)),
            (0x36, 0x72, Some(PrinterFault::CoverOpen)),
            (0x52, 0x12, Some(PrinterFault::Error)),
            (0x12, 0x1E, None), // near the end is not the end
        ] {
            let mut parser = AnswerParser::default();
            parser.asked(StatusRequest::Offline);
            parser.asked(StatusRequest::Paper);
            let answers = run(&mut parser, &[offline, paper]);
            assert_eq!(answers, [Answer::Status(StatusRequest::Offline), Answer::Status(StatusRequest::Paper)]);
            assert_eq!(parser.condition().fault(), fault, "{offline:02x} {paper:02x}");
        }
    }

    #[test]
    fn an_automatic_status_is_four_bytes_and_never_an_end_mark() {
        let mut parser = AnswerParser::default();
        let mut stream = GOOD_ASB.to_vec();
        stream.push(0x00);
        assert_eq!(run(&mut parser, &stream), [Answer::Automatic, Answer::EndMark { paper_out: false }]);
        assert_eq!(run(&mut parser, &[0x18, 0x00, 0x0C, 0x0F]), [Answer::Automatic]);
        assert_eq!(parser.condition().fault(), Some(PrinterFault::PaperOut));
        assert_eq!(run(&mut parser, &[0x38, 0x00, 0x00, 0x00]), [Answer::Automatic]);
        assert_eq!(parser.condition().fault(), Some(PrinterFault::CoverOpen));
        assert_eq!(run(&mut parser, &[0x18, 0x08, 0x00, 0x00]), [Answer::Automatic]);
        assert_eq!(parser.condition().fault(), Some(PrinterFault::Error));
        assert_eq!(run(&mut parser, &GOOD_ASB), [Answer::Automatic]);
        assert_eq!(parser.condition().fault(), None);
    }

    #[test]
    fn a_request_answered_in_the_middle_of_an_automatic_status_disturbs_neither() {
        let mut parser = AnswerParser::default();
        parser.asked(StatusRequest::Paper);
        let answers = run(&mut parser, &[0x10, 0x00, 0x12, 0x00, 0x0F, 0x00]);
        assert_eq!(
            answers,
            [Answer::Status(StatusRequest::Paper), Answer::Automatic, Answer::EndMark { paper_out: false }]
        );
    }

    #[test]
    fn cheap_printers_say_0f_for_no_paper_at_the_end_mark() {
        let mut parser = AnswerParser::default();
        assert_eq!(
            run(&mut parser, &[0x00, 0x03, 0x0F]),
            [
                Answer::EndMark { paper_out: false },
                Answer::EndMark { paper_out: false },
                Answer::EndMark { paper_out: true }
            ]
        );
    }

    #[test]
    fn a_cleared_buffer_is_told_by_a_block_that_is_no_end_mark() {
        let mut parser = AnswerParser::default();
        assert_eq!(run(&mut parser, &[0x37, 0x25, 0x00]), [Answer::BufferCleared]);
        assert_eq!(
            run(&mut parser, &[0x37, 0x00]),
            [Answer::EndMark { paper_out: false }],
            "a header of something else"
        );
        let mut stream = vec![0x10, 0x00, 0x00, 0x0F];
        stream.extend([0x37, 0x25, 0x00, 0x00]);
        assert_eq!(
            run(&mut parser, &stream),
            [Answer::Automatic, Answer::BufferCleared, Answer::EndMark { paper_out: false }]
        );
    }

    #[test]
    fn flow_control_unasked_answers_and_noise_are_passed_over() {
        let mut parser = AnswerParser::default();
        assert_eq!(run(&mut parser, &[0x11, 0x13, 0x12, 0x80, 0xFF]), []);
        // An automatic status that lost its tail gives way to the next one.
        assert_eq!(run(&mut parser, &[0x10, 0x00, 0x10, 0x00, 0x00, 0x0F]), [Answer::Automatic]);
    }

    proptest! {
        #[test]
        fn any_noise_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut parser = AnswerParser::default();
            prop_assert!(run(&mut parser, &bytes).len() <= bytes.len());
            prop_assert!(parser.automatic.len() < 4);
        }
    }
}
