//! Slips that say what was given up: each is printed once, behind the slips of payments.
//!
//! Such a slip is no receipt. One that the power cut on its way comes out again, and one that the printer did not take waits
//! until the printer has taken another, the terminal starts again, or somebody asks for it.

use std::time::{Duration, Instant};

use super::engine::Core;
use super::view::CopyState;
use super::workers::printer::{Job, Slip};
use crate::clock;
use crate::devices::printer::{Confirmation, PrintFailure};
use crate::ledger::{DeadLetter, LedgerError};
use crate::payment::queue::{Entry, Kind, Standing};
use crate::receipt::{self, ParkedSlip};
use crate::reference::ReferenceError;

/// What the engine knows of these slips beside the ledger.
#[derive(Debug)]
pub(super) struct QueueSlips {
    /// Which one the printer has, and since when.
    printing: Option<(i64, Instant)>,
    /// The printer did not take one: nothing is tried until something changes.
    held: bool,
}

impl QueueSlips {
    pub const fn new() -> Self {
        Self { printing: None, held: false }
    }

    /// The printer is at it.
    pub const fn printing(&self) -> bool {
        self.printing.is_some()
    }

    /// A slip that is coming out is waited for when the engine ends, for a while.
    pub fn keep_engine(&self, limit: Duration) -> bool {
        self.printing.is_some_and(|(_, since)| clock::since(since) < limit)
    }

    /// The printer has taken a slip, so it may take these.
    pub const fn printer_works(&mut self) {
        self.held = false;
    }
}

impl Core {
    /// Prints the oldest slip that is due, when the printer is free.
    pub(super) fn print_what_was_given_up(&mut self) {
        let waits = |state: &CopyState| matches!(state, CopyState::Queued | CopyState::Sending | CopyState::Waiting(_));
        let busy = self.pays() || self.copies.iter().any(|copy| waits(&copy.state));
        let settlement = self.settling.slips.printing.is_some() || self.purchase.is_printing();
        if busy || self.queue_slips.held || self.queue_slips.printing() || settlement {
            return;
        }
        match self.next_slip() {
            Ok(Some((letter, slip))) => {
                let bytes = receipt::render_parked(&slip, &self.parts.printer_profile, self.parts.language);
                if self.printer_jobs.send(Job::Print { slip: Slip::DeadLetter(letter.id), bytes }).is_ok() {
                    self.queue_slips.printing = Some((letter.id, clock::instant()));
                }
            }
            Ok(None) => self.print_settlements(),
            // What was given up is in the ledger all the same, and is said on the screen.
            Err(error) => tracing::error!(%error, "what was given up cannot be printed"),
        }
    }

    /// Somebody wants what did not come out.
    pub(super) fn retry_slips_of_what_was_given_up(&mut self) {
        self.queue_slips.held = false;
        self.print_what_was_given_up();
    }

    /// The printer's last word on such a slip.
    pub(super) fn after_slip_of_dead_letter(&mut self, id: i64, result: &Result<Confirmation, PrintFailure>) {
        self.queue_slips.printing = None;
        match result {
            Ok(Confirmation::Printed | Confirmation::CannotConfirm) => {
                if let Err(error) = self.ledger.slip_of_dead_letter_is(id, true) {
                    // It would come out without end otherwise.
                    self.queue_slips.held = true;
                    tracing::error!(%error, "that a slip was printed cannot be noted");
                }
            }
            Err(failure) => {
                self.queue_slips.held = true;
                tracing::warn!(fault = %failure.fault, "what was given up is not printed yet");
            }
        }
        self.print_what_was_given_up();
    }

    fn next_slip(&mut self) -> Result<Option<(DeadLetter, ParkedSlip)>, SlipError> {
        for letter in self.ledger.dead_letters_without_slip()? {
            match self.ledger.entry(letter.entry)? {
                Some(entry) if entry.standing == Standing::Parked => {
                    let slip = self.parked_slip(&letter, &entry)?;
                    return Ok(Some((letter, slip)));
                }
                // Somebody has decided about it, or it waits for the host again.
                Some(_) | None => self.ledger.slip_of_dead_letter_is(letter.id, false)?,
            }
        }
        Ok(None)
    }

    fn parked_slip(&self, letter: &DeadLetter, entry: &Entry) -> Result<ParkedSlip, SlipError> {
        let identity = &self.parts.identity;
        Ok(ParkedSlip {
            merchant_name: self.merchant_name(),
            merchant_code: identity.merchant_code()?,
            terminal_number: identity.terminal_number()?,
            acquirer_code: identity.acquirer_code.clone(),
            kind: entry.kind.word(),
            advice: matches!(entry.kind, Kind::Advice(_)),
            trace: entry.trace,
            original: entry.original,
            amount: entry.amount,
            at: entry.at,
            parked_at: letter.at,
            tries: entry.tries,
            response_code: entry.response_code.clone(),
            help_desk: self.parts.tables.terminal.help_desk.clone(),
            mark: self.parts.mark,
        })
    }
}

/// Why such a slip cannot be made.
#[derive(Debug, thiserror::Error)]
enum SlipError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}
