//! A slip on the screen as it is on paper: what the printer was sent is drawn by the rules of the printer, dot for dot. Drawing takes a
//! tenth of a second and has a thread of its own.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::engine::Core;
use super::view::Screen;
use super::workers::artist::{self, Drawn, Job};
use crate::ledger::{CopyRow, PrintState};
use crate::receipt::CopyFor;
use crate::reference::TraceNumber;

/// A slip on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptView {
    /// Of which transaction.
    pub trace: TraceNumber,
    /// Whose copy.
    pub copy: CopyFor,
    /// The paper; nothing while it is being drawn.
    pub paper: Option<Arc<PaperView>>,
}

/// Paper, from the first line to where it is cut.
#[derive(Clone, PartialEq, Eq)]
pub struct PaperView {
    /// Dots from left to right.
    pub width: u32,
    /// A byte a dot, row by row: 0 black, 255 white.
    pub dots: Vec<u8>,
}

impl PaperView {
    /// Dots from top to bottom.
    pub fn height(&self) -> u32 {
        u32::try_from(self.dots.len()).unwrap_or(u32::MAX) / self.width.max(1)
    }
}

impl std::fmt::Debug for PaperView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PaperView({} x {})", self.width, self.height())
    }
}

/// Slips that are shown.
pub(super) struct ReceiptDesk {
    /// Nobody draws, where there is no thread for it: the engine does.
    jobs: Option<Sender<Job>>,
    /// The number of the drawing that is waited for.
    ticket: u64,
    /// The result from which the slip was asked for.
    behind: Option<Screen>,
}

impl ReceiptDesk {
    pub const fn new(jobs: Option<Sender<Job>>) -> Self {
        Self { jobs, ticket: 0, behind: None }
    }
}

impl Core {
    /// Whether the result of this transaction is on the screen, or its slip in front of it.
    pub(super) fn shows_result_of(&self, trace: TraceNumber) -> bool {
        self.result_shown == Some(trace)
    }

    /// Shows a copy of a transaction's slip as it was last sent to the printer, or would be.
    pub(super) fn show_receipt(&mut self, trace: TraceNumber, copy: CopyFor) {
        let bytes = match self.sent_of(trace, copy) {
            Ok(bytes) => bytes,
            Err(error) => {
                // Only what has a slip offers it.
                tracing::warn!(%trace, error, "no slip can be shown");
                return;
            }
        };
        if self.shows_result_of(trace) {
            if matches!(self.screen, Screen::Approved { .. }) {
                self.receipts.behind = Some(self.screen.clone());
            }
            // Who reads it is not sent away.
            self.leave_result_at = None;
        } else {
            self.leave_result();
            self.receipts.behind = None;
        }
        self.receipts.ticket += 1;
        self.screen = Screen::Receipt(Box::new(ReceiptView { trace, copy, paper: None }));
        let job = Job { ticket: self.receipts.ticket, bytes, dots: self.parts.printer_profile.dots };
        let left = match &self.receipts.jobs {
            Some(jobs) => jobs.send(job).err().map(|unsent| unsent.0),
            None => Some(job),
        };
        if let Some(job) = left {
            self.after_drawing(artist::draw(&job));
        }
    }

    /// It is drawn.
    pub(super) fn after_drawing(&mut self, drawn: Drawn) {
        if let Screen::Receipt(shown) = &mut self.screen
            && drawn.ticket == self.receipts.ticket
        {
            shown.paper = Some(Arc::new(drawn.paper));
        }
    }

    /// Back to where the slip was asked for.
    pub(super) fn leave_receipt(&mut self) {
        let Screen::Receipt(shown) = &self.screen else { return };
        let trace = shown.trace;
        match self.receipts.behind.take().filter(|_| self.shows_result_of(trace)) {
            Some(mut result) => {
                if let Screen::Approved { copies, .. } = &mut result {
                    *copies = self.copy_views(trace);
                }
                self.screen = result;
            }
            None => self.show_transaction(trace),
        }
    }

    /// What the printer was sent for the newest slip of this copy; what it would be sent where it was never asked to print one.
    fn sent_of(&self, trace: TraceNumber, copy: CopyFor) -> Result<Vec<u8>, String> {
        let copies = self.ledger.copies_of(trace).map_err(|error| error.to_string())?;
        let newest = copies.into_iter().filter(|row| row.copy == copy).max_by_key(|row| row.duplicate);
        let row = newest.unwrap_or(CopyRow { trace, copy, duplicate: 0, state: PrintState::Queued });
        self.slip_bytes(&row)
    }
}
