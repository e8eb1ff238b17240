//! The host signs the head of the transaction log when a batch has been closed: from then on nobody can write anew what was settled.
//! What it has not signed is asked for again, and whether the log was replaced is said to people.

use std::time::{Duration, Instant};

use super::engine::Core;
use super::view::LinkState;
use super::workers::link;
use crate::acquirer::cosign::{CosignError, Cosigned, LogToSign};
use crate::clock;
use crate::ledger::LedgerError;
use crate::settlement::closing::pause_s;
use crate::wording::{Reason, ReasonKind};

/// What the engine knows of the host's signatures beside the ledger. Only its own thread touches it.
#[derive(Debug)]
pub(super) struct WitnessDesk {
    due: bool,
    asked: bool,
    tries: u32,
    next_try: Instant,
    /// The host refuses the log as it is.
    trouble: Option<Reason>,
}

impl WitnessDesk {
    pub fn new() -> Self {
        Self { due: false, asked: false, tries: 0, next_try: clock::instant(), trouble: None }
    }

    /// What the host has against the log.
    pub const fn trouble(&self) -> Option<&Reason> {
        self.trouble.as_ref()
    }

    /// The host shall sign, at once.
    pub fn order(&mut self) {
        self.due = true;
        self.tries = 0;
        self.next_try = clock::instant();
    }
}

impl Core {
    /// A power cut after a settlement may have come before the host's signature: where there were settlements, what is not signed
    /// is signed at the next start.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn take_up_witness(&mut self) -> Result<(), LedgerError> {
        if self.ledger.count_settlements()? > 0 && self.signed_size()? < self.ledger.log_head()?.size {
            self.witness.order();
        }
        Ok(())
    }

    /// How much of the log the host has signed, as far as is known here.
    fn signed_size(&self) -> Result<u64, LedgerError> {
        Ok(self.ledger.checkpoints()?.into_iter().rfind(|row| row.cosigned).map_or(0, |row| row.size))
    }

    /// Asks the host to sign, when nobody pays and the host can be reached.
    pub(super) fn drain_witness(&mut self) {
        let WitnessDesk { due, asked, next_try, .. } = self.witness;
        let busy = self.pays() || self.waiting.is_some() || self.queue.takes_back() || self.left_over;
        let reached = self.line.state() != LinkState::Offline;
        if !due || asked || busy || !reached || self.out_of_service.is_some() || clock::instant() < next_try {
            return;
        }
        match self.log_to_sign() {
            Ok(Some(log)) => {
                if self.check_jobs.send(link::Job::Witness(Box::new(log))).is_ok() {
                    self.witness.asked = true;
                }
            }
            Ok(None) => self.witness.due = false,
            // Payments notice a ledger that cannot be read.
            Err(error) => {
                tracing::error!(%error, "the log cannot be read to be signed");
                self.witness_later();
            }
        }
    }

    fn log_to_sign(&self) -> Result<Option<LogToSign>, LedgerError> {
        let (head, signed) = (self.ledger.log_head()?, self.signed_size()?);
        if head.size <= signed {
            return Ok(None);
        }
        Ok(Some(LogToSign { tree: self.ledger.log_tree(head.size)?, signed }))
    }

    fn witness_later(&mut self) {
        self.witness.tries = self.witness.tries.saturating_add(1);
        self.witness.next_try = clock::instant() + Duration::from_secs(pause_s(self.witness.tries).into());
    }

    /// What the host said; none where this link has no witness.
    pub(super) fn after_witness(&mut self, result: Result<Option<Box<Cosigned>>, CosignError>) {
        self.witness.asked = false;
        match result {
            Ok(None) => self.witness.due = false,
            Ok(Some(cosigned)) => {
                self.witness.due = false;
                self.witness.trouble = None;
                let noted = self
                    .ledger
                    .add_checkpoint(&cosigned.note)
                    .and_then(|id| self.ledger.add_cosignature(id, &cosigned.signature));
                match noted {
                    Ok(()) => tracing::info!(size = cosigned.size, "the host has signed the head of the log"),
                    // It is asked for again: the host gives the same signature once more.
                    Err(error) => {
                        tracing::error!(%error, "the host's signature of the log cannot be kept");
                        self.witness.due = true;
                        self.witness_later();
                    }
                }
            }
            Err(error) if error.is_passing() => {
                tracing::warn!(%error, "the host has not signed the head of the log");
                self.witness_later();
            }
            // Asking again changes nothing: a person has to look. The next settlement asks once more.
            Err(error) => {
                tracing::error!(%error, "the host does not sign the head of the log");
                self.witness.due = false;
                self.witness.trouble = Some(Reason::with_detail(ReasonKind::LogRefused, error.to_string()));
            }
        }
        self.refresh_notice();
    }
}
