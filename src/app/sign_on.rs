//! Sign-on: fetching the working keys before anything that needs them, and never while anything uses them.
//!
//! It is *needed* when there are no keys, when the host says so, and when the end of an earlier one is not known; until then
//! no payment begins and none is taken back, because a request under keys that the host no longer has is refused.
//! It is *wished for* once a day: then it goes before the first payment, and nothing waits for it when the host is not
//! there or refuses it. A payment that was refused for its keys is not sent again by itself; the cashier is told and charges again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::Date;

use super::engine::Core;
use super::setup::{Setup, SetupError};
use super::showing::local_now;
use super::view::{Progress, Screen};
use super::workers::link;
use crate::acquirer::link::HostLink;
use crate::acquirer::sign_on::{SignOnFailure, SignedOn};
use crate::clock;
use crate::ledger::{Adopted, Ledger, LedgerError};
use crate::payment::online::{LinkFailure, Unreached};
use crate::payment::queue;
use crate::vault::{KeyName, SecureElement, VaultError};
use crate::wording::{Reason, ReasonKind};

/// Keys that came so recently are the host's own affair when it does not know them.
const JUST_NOW: Duration = Duration::from_secs(60);

/// Whether new working keys are to be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    No,
    /// The keys are good; a new day has begun.
    Wished,
    /// Nothing can be asked of the host before.
    Needed,
}

/// What the engine knows of the working keys beside the ledger. Only the engine's thread touches it.
#[derive(Debug)]
pub(super) struct SignOnDesk {
    need: Need,
    in_flight: bool,
    /// Not before this, unless a payment waits.
    next_try: Instant,
    tries: u32,
    /// Why the last one failed.
    trouble: Option<Reason>,
    /// The day of the last one that brought keys.
    day: Option<Date>,
    /// When keys came last in this run.
    brought: Option<Instant>,
}

impl SignOnDesk {
    pub fn new() -> Self {
        Self {
            need: Need::Needed,
            in_flight: false,
            next_try: clock::instant(),
            tries: 0,
            trouble: None,
            day: None,
            brought: None,
        }
    }

    /// Nothing that needs working keys may be sent.
    pub fn holds(&self) -> bool {
        self.in_flight || self.need == Need::Needed
    }

    /// One is on its way.
    pub const fn in_flight(&self) -> bool {
        self.in_flight
    }

    fn failed(&mut self, reason: Reason) {
        self.tries = self.tries.saturating_add(1);
        self.next_try = clock::instant() + Duration::from_secs(queue::interval_s(self.tries).into());
        self.trouble = Some(reason);
    }
}

impl Core {
    /// What the ledger and the vault say at the start.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn take_up_sign_on(&mut self) -> Result<(), LedgerError> {
        let row = self.ledger.sign_on()?;
        // What a power cut left of it, and what was taken back since its batch was over.
        destroy_number_keys(&mut self.ledger);
        self.sign_on.day = row.at.map(|at| at.date());
        let needed = row.due || !self.parts.has_working_keys;
        self.sign_on.need = if needed { Need::Needed } else { Need::No };
        Ok(())
    }

    /// The host shares no working keys with this terminal, or wants to give it new ones.
    pub(super) fn keys_are_needed(&mut self) {
        self.sign_on.need = Need::Needed;
        if self.sign_on.brought.is_some_and(|brought| clock::since(brought) < JUST_NOW) {
            // A host that does not know what it gave is not asked over and over.
            self.sign_on
                .failed(Reason::with_detail(ReasonKind::SignOnFailed, "the host refuses the keys it just gave"));
        } else {
            self.sign_on.tries = 0;
            self.sign_on.next_try = clock::instant();
        }
        if let Err(error) = self.ledger.sign_on_due() {
            self.ledger_failed(&error);
        }
    }

    /// Fetches working keys if it is time, and nothing is under way that uses those there are.
    pub(super) fn drain_sign_on(&mut self, now: bool) {
        if self.sign_on.need == Need::No && self.sign_on.day != Some(local_now().date()) {
            self.sign_on.need = Need::Wished;
        }
        let busy = self.pays() || self.sign_on.in_flight || self.queue.busy() || self.parameters.asking();
        let busy = busy || self.settling.asking() || self.account.asking();
        let wanted = match self.sign_on.need {
            Need::No => false,
            // What is to be taken back goes first.
            Need::Wished => self.line.waiting == 0 && self.waiting.is_none(),
            Need::Needed => true,
        };
        let time = now && self.sign_on.need == Need::Needed || clock::instant() >= self.sign_on.next_try;
        if busy || !wanted || !time || self.out_of_service.is_some() {
            return;
        }
        match self.ledger.sign_on_begins() {
            Ok(trace) => {
                self.sign_on.in_flight = true;
                self.ask_host(link::Job::SignOn(trace));
            }
            Err(error) => self.ledger_failed(&error),
        }
    }

    pub(super) fn after_sign_on(&mut self, result: Result<SignedOn, SignOnFailure>) {
        self.sign_on.in_flight = false;
        self.line.after_sign_on(&result);
        let noted = match result {
            Ok(signed_on) => self.note_signed_on(signed_on),
            Err(failure) => self.note_not_signed_on(&failure),
        };
        if let Err(error) = noted {
            return self.ledger_failed(&error);
        }
        self.refresh_notice();
        self.continue_after_sign_on();
    }

    fn note_signed_on(&mut self, signed_on: SignedOn) -> Result<(), LedgerError> {
        let at = local_now();
        let adopted = self.ledger.signed_on(signed_on.batch, at)?;
        if let Adopted::Refused { ours, theirs } = adopted {
            tracing::warn!(%ours, %theirs, "the host's batch number lies behind the terminal's and was not taken");
        }
        tracing::info!(batch = %adopted.batch(), "signed on");
        destroy_number_keys(&mut self.ledger);
        self.sign_on.need = Need::No;
        self.sign_on.trouble = None;
        self.sign_on.day = Some(at.date());
        self.sign_on.brought = Some(clock::instant());
        self.queue.keys_came();
        Ok(())
    }

    /// Keys that were good are good where the host made no others; in every other case it may have.
    fn note_not_signed_on(&mut self, failure: &SignOnFailure) -> Result<(), LedgerError> {
        tracing::warn!(%failure, "not signed on");
        self.sign_on.failed(reason_of(failure));
        if self.sign_on.need == Need::Wished && leaves_keys_as_they_were(failure) {
            return self.ledger.sign_on_not_sent();
        }
        self.sign_on.need = Need::Needed;
        Ok(())
    }

    /// What waited for the keys goes on, or is told that there are none.
    fn continue_after_sign_on(&mut self) {
        let refusal = match self.sign_on.need {
            Need::Needed => self.sign_on.trouble.clone(),
            Need::No | Need::Wished => None,
        };
        let Some(reason) = refusal else { return self.go_on() };
        // A payment that is to be taken back is as it was.
        if let Some(report) = &mut self.report {
            report.complete = true;
        }
        if let Some(purpose) = self.waiting.take() {
            self.refuse(purpose, reason);
        }
    }

    /// Reversals go first, then the payment that waits.
    fn go_on(&mut self) {
        self.drain_queue(true);
        let waiting = match self.reversals_waiting() {
            Ok(waiting) => waiting,
            Err(error) => return self.ledger_failed(&error),
        };
        if waiting > 0 || self.queue.takes_back() {
            if let Screen::Processing { progress: progress @ Progress::SigningOn, .. } = &mut self.screen {
                *progress = Progress::ReversingEarlier;
            }
        } else if let Some(purpose) = self.waiting.take() {
            self.begin_now(purpose);
        }
    }

    /// Why no payment can begin, for as long as there are no keys. A host that cannot be reached is told elsewhere.
    pub(super) fn sign_on_trouble(&self) -> Option<&Reason> {
        let is_told_here = |reason: &&Reason| reason.kind == ReasonKind::SignOnFailed;
        self.sign_on.trouble.as_ref().filter(is_told_here).filter(|_| self.sign_on.need == Need::Needed)
    }
}

/// Whether a sign-on that failed can have changed nothing at the host: it never heard of it, or said no. A host that says no
/// because it has lost the keys says so to the next payment as well, and that makes a sign-on needed.
const fn leaves_keys_as_they_were(failure: &SignOnFailure) -> bool {
    matches!(failure, SignOnFailure::Link(LinkFailure::NeverSent(_)) | SignOnFailure::Refused(_))
}

/// What a cashier is told.
fn reason_of(failure: &SignOnFailure) -> Reason {
    match failure {
        SignOnFailure::Link(LinkFailure::NeverSent(Unreached { fault, detail })) => {
            Reason { fault: Some(*fault), ..Reason::with_detail(ReasonKind::HostUnreachable, detail.clone()) }
        }
        SignOnFailure::Refused(code) => {
            let reason = Reason::with_detail(ReasonKind::SignOnFailed, failure.to_string());
            Reason { code: Some(code.clone()), ..reason }
        }
        SignOnFailure::Link(_) | SignOnFailure::Keys(_) | SignOnFailure::Vault(_) => {
            Reason::with_detail(ReasonKind::SignOnFailed, failure.to_string())
        }
    }
}

/// Why a sign-on by hand came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum SignOnError {
    /// The terminal cannot ask.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No new keys.
    #[error("not signed on: {0}")]
    Failed(#[from] SignOnFailure),
    /// The keys cannot be looked at.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// A sign-on by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOnReport {
    /// What became of the host's batch number.
    pub adopted: Adopted,
    /// The check values of the keys that are there now.
    pub check_values: Vec<(KeyName, Vec<u8>)>,
}

impl Setup {
    /// Fetches working keys, for a terminal whose engine does not run.
    ///
    /// # Errors
    /// When an engine runs, the terminal cannot ask the host, or no keys come.
    pub fn sign_on(&self) -> Result<SignOnReport, SignOnError> {
        let identity = self.identity()?;
        let _alone = self.lock()?;
        let vault = self.vault()?;
        let mut ledger = self.ledger(&identity)?.keeping_numbers(Arc::clone(&vault));
        let link = self.link(identity, Arc::clone(&vault))?;
        let before = ledger.sign_on()?;
        let trace = ledger.sign_on_begins()?;
        let signed_on = match link.sign_on(trace) {
            Ok(signed_on) => signed_on,
            Err(failure) => {
                if leaves_keys_as_they_were(&failure) && !before.due {
                    ledger.sign_on_not_sent()?;
                }
                return Err(failure.into());
            }
        };
        let adopted = ledger.signed_on(signed_on.batch, local_now())?;
        destroy_number_keys(&mut ledger);
        Ok(SignOnReport { adopted, check_values: check_values(&*vault)? })
    }
}

/// A new batch number ends the batch before it. What cannot be done now is done with the next sign-on or at the next start: no
/// payment waits for it.
pub(super) fn destroy_number_keys(ledger: &mut Ledger) {
    match ledger.destroy_number_keys() {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "keys of card numbers were destroyed: their batch is over"),
        Err(error) => tracing::warn!(%error, "keys of card numbers whose batch is over are still there"),
    }
}

/// The check values of the keys that a vault holds.
///
/// # Errors
/// The vault's.
pub fn check_values(vault: &dyn SecureElement) -> Result<Vec<(KeyName, Vec<u8>)>, VaultError> {
    let mut values = Vec::new();
    for name in KeyName::ALL {
        if let Some(value) = vault.check_value(name)? {
            values.push((name, value));
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_keys_everything_waits_and_a_wish_holds_up_nothing_but_itself() {
        let mut desk = SignOnDesk::new();
        assert!(desk.holds(), "nobody knows yet whether there are keys");
        for (need, in_flight, holds) in [
            (Need::No, false, false),
            (Need::Wished, false, false),
            (Need::Wished, true, true),
            (Need::Needed, false, true),
            (Need::Needed, true, true),
        ] {
            (desk.need, desk.in_flight) = (need, in_flight);
            assert_eq!(desk.holds(), holds, "{need:?} {in_flight}");
        }
    }

    #[test]
    fn what_failed_is_tried_less_and_less_often() {
        let mut desk = SignOnDesk::new();
        let mut pauses = Vec::new();
        for _ in 0..3 {
            desk.failed(Reason::of(ReasonKind::SignOnFailed));
            pauses.push(desk.next_try.saturating_duration_since(Instant::now()).as_secs_f32().round());
        }
        assert_eq!(pauses, [10.0, 20.0, 40.0]);
    }

    #[test]
    fn a_host_that_is_not_there_is_told_as_such() {
        let never = SignOnFailure::Link(LinkFailure::NeverSent(Unreached::new(
            crate::link_fault::LinkFault::NoRoute,
            "no line",
        )));
        assert_eq!(reason_of(&never).kind, ReasonKind::HostUnreachable);
        let refused = SignOnFailure::Refused(crate::reference::ResponseCode::parse("97").unwrap());
        assert_eq!(reason_of(&refused).code.unwrap().as_str(), "97");
        let silent = SignOnFailure::Link(LinkFailure::NoAnswer(String::new()));
        assert_eq!(reason_of(&silent).kind, ReasonKind::SignOnFailed);
    }
}
