//! The queue's screen: what waits, what a person must look at, page by page.

use super::engine::Core;
use super::view::{QUEUE_ROWS_PER_PAGE, QueueRow, Screen};
use crate::ledger::LedgerError;
use crate::payment::queue::{self, Entry, Open};

impl Core {
    /// Shows a page of the queue.
    pub(super) fn show_queue(&mut self, page: usize) {
        self.leave_result();
        match self.queue_screen(page) {
            Ok(screen) => self.screen = screen,
            Err(error) => self.ledger_failed(&error),
        }
    }

    /// What became of an entry is seen at once when the queue is shown.
    pub(super) fn refresh_queue(&mut self) {
        let Screen::Queue { page, .. } = self.screen else { return };
        match self.queue_screen(page) {
            Ok(screen) => self.screen = screen,
            Err(error) => tracing::error!(%error, "the queue cannot be read"),
        }
    }

    fn queue_screen(&self, page: usize) -> Result<Screen, LedgerError> {
        let entries = self.ledger.entries()?;
        let Open { waiting, parked } = Open::of(&entries);
        let pages = entries.len().div_ceil(QUEUE_ROWS_PER_PAGE).max(1);
        let page = page.min(pages - 1);
        let rows = entries.iter().skip(page * QUEUE_ROWS_PER_PAGE).take(QUEUE_ROWS_PER_PAGE).map(row).collect();
        Ok(Screen::Queue { rows, page, pages, waiting, parked, under_way: self.queue.busy() })
    }
}

fn row(entry: &Entry) -> QueueRow {
    QueueRow {
        trace: entry.trace,
        kind: entry.kind,
        amount: entry.amount,
        at: entry.at,
        standing: entry.standing,
        tries: entry.tries,
        next_try: entry.next_try,
        may_be_tried_again: queue::may_be_tried_again(entry),
    }
}
