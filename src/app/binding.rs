//! One machine, one code, while payments are taken: a host that has other values for this terminal than the terminal gets no
//! new payment. The record is fetched anew, for the acquirer may have moved the terminal; a host that agrees again ends it.

use std::time::{Duration, Instant};

use super::engine::Core;
use crate::acquirer::enrolment::EnrolmentError;
use crate::clock;
use crate::terminal::identity::Identity;
use crate::wording::{Reason, ReasonKind};

/// How long after one look at the acquirer's record another may begin.
const INTERVAL: Duration = Duration::from_secs(30);

/// Whether both sides name the same values. Only the engine's thread touches it.
#[derive(Debug)]
pub(super) struct BindingDesk {
    disputed: Option<String>,
    under_way: bool,
    not_before: Instant,
}

impl BindingDesk {
    pub fn new() -> Self {
        Self { disputed: None, under_way: false, not_before: clock::instant() }
    }

    /// Why no payment may begin, if none may.
    pub fn refusal(&self) -> Option<Reason> {
        let detail = self.disputed.as_ref()?;
        Some(Reason::with_detail(ReasonKind::BindingDisagrees, detail.clone()))
    }

    pub fn wants_refresh(&self) -> bool {
        self.disputed.is_some() && !self.under_way && clock::instant() >= self.not_before
    }

    pub fn refresh_begins(&mut self) {
        self.under_way = true;
    }
}

impl Core {
    /// What an answer said of the binding.
    pub(super) fn on_word_about_binding(&mut self, word: Result<(), String>) {
        match word {
            Ok(()) => {
                if self.binding.disputed.take().is_some() {
                    tracing::info!("the host has the same values for this terminal again");
                }
            }
            Err(problem) => {
                tracing::error!(%problem, "the host has other values for this terminal");
                if self.binding.disputed.replace(problem).is_none() {
                    self.binding.not_before = clock::instant();
                }
                // Only another answer can end it.
                self.line.doubt();
            }
        }
        self.refresh_notice();
    }

    pub(super) fn after_refresh(&mut self, result: Result<Option<Box<Identity>>, EnrolmentError>) {
        self.binding.under_way = false;
        self.binding.not_before = clock::instant() + INTERVAL;
        match result {
            Ok(Some(identity)) => {
                tracing::info!(version = identity.version, address = identity.address, "a newer binding record");
                if let Err(error) = self.ledger.raise_binding(identity.version) {
                    tracing::warn!(%error, "the ledger knows the binding record before; the next start tells it");
                }
                self.parts.identity = *identity;
                // The next answer tells whether it is the one that the host means.
                self.line.doubt();
            }
            Ok(None) => tracing::warn!("the acquirer has no newer binding record"),
            Err(error) => tracing::warn!(%error, "the binding record"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_fetched_while_it_is_disputed_and_one_at_a_time() {
        let mut desk = BindingDesk::new();
        assert!(!desk.wants_refresh() && desk.refusal().is_none());
        desk.disputed = Some("its acquirer code is 1".to_owned());
        assert!(desk.wants_refresh());
        assert_eq!(desk.refusal().unwrap().kind, ReasonKind::BindingDisagrees);
        desk.refresh_begins();
        assert!(!desk.wants_refresh());
    }
}
