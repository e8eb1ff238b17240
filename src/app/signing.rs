//! A cardholder signs on the screen: asked when the payment is approved and durable, before its slips are printed. What counts as a
//! signature and what follows is the core's matter ([`crate::payment::signature`]).
//!
//! Nothing waits for it but the slips and a settlement of its batch. Whatever takes the screen for something else ends it, and what is
//! printed then has a line for a pen.

use std::time::{Duration, Instant};

use super::engine::Core;
use super::showing::{Paid, local_now};
use super::view::Screen;
use crate::clock;
use crate::ledger::LedgerError;
use crate::payment::online::{HostAnswer, LinkFailure};
use crate::payment::queue::{Try, Verdict};
use crate::payment::signature::{self, Event, Outcome, SignedOn, Strokes};
use crate::reference::TraceNumber;
use crate::terminal::settings::SignaturePad;
use crate::wording::Language;

/// What is wished while somebody signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIntent {
    /// The customer has signed. It masks itself: an intent may be logged.
    Done(Strokes),
    /// The customer signs with a pen.
    OnPaper,
}

/// Whether and how long customers sign here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignaturePlan {
    /// As the settings say.
    pub pad: SignaturePad,
    /// The most bytes of a picture that the acquirer takes; nothing, where it takes none.
    pub most_bytes: Option<usize>,
    /// How long one is waited for.
    pub wait: Duration,
    /// There is a screen that customers can touch.
    pub has_screen: bool,
}

impl SignaturePlan {
    /// Of a terminal at which everybody signs on paper.
    pub const PAPER: Self =
        Self { pad: SignaturePad::Never, most_bytes: None, wait: Duration::from_secs(150), has_screen: false };

    /// How many bytes a picture may have, where customers sign on the screen.
    fn bytes(self, by_acquirer: bool) -> Option<usize> {
        self.most_bytes.filter(|_| self.has_screen && self.pad.is_used(by_acquirer))
    }
}

/// What the engine knows of the signature that is asked for. Only its own thread touches it.
#[derive(Debug, Default)]
pub(super) struct SigningDesk(Option<Asked>);

/// A signature that is asked for.
#[derive(Debug)]
struct Asked {
    paid: Paid,
    most_bytes: usize,
    until: Instant,
}

impl SigningDesk {
    /// Somebody is asked to sign.
    pub const fn asks(&self) -> bool {
        self.0.is_some()
    }
}

impl Core {
    /// The slips of what was paid: at once, or when it is signed. `is_wanted` says whether the cardholder has to sign, `language`
    /// what the cardholder reads.
    pub(super) fn sign_or_print(&mut self, paid: Paid, is_wanted: bool, language: Option<Language>) {
        let trace = paid.trace;
        let bytes = self.parts.signature.bytes(self.parts.tables.terminal.signature_pad).filter(|_| is_wanted);
        // A purchase that was paid in parts has one slip, and one line, for all who have to sign.
        let is_part = self.ledger.purchase_of(trace).map_or(true, |purchase| purchase.is_some());
        match bytes.filter(|_| !is_part) {
            Some(most_bytes) => {
                self.screen = Screen::Sign { amount: paid.amount, too_little: false, language };
                let until = clock::instant() + self.parts.signature.wait;
                self.signing = SigningDesk(Some(Asked { paid, most_bytes, until }));
                tracing::info!(%trace, "the customer is asked to sign on the screen");
            }
            None => self.print_new(trace),
        }
    }

    /// A wish about the signature that is asked for; nothing where none is.
    pub(super) fn on_sign(&mut self, wish: SignIntent) {
        self.after_signing(&match wish {
            SignIntent::Done(strokes) => Event::Done(strokes),
            SignIntent::OnPaper => Event::OnPaper,
        });
    }

    /// Ends what is asked for when its time is over, or when the screen shows something else.
    pub(super) fn mind_signature(&mut self) {
        let Some(asked) = &self.signing.0 else { return };
        if !matches!(self.screen, Screen::Sign { .. }) {
            self.after_signing(&Event::Left);
        } else if clock::instant() >= asked.until {
            self.after_signing(&Event::TimeUp);
        }
    }

    fn after_signing(&mut self, event: &Event) {
        let Some(asked) = &self.signing.0 else { return };
        let trace = asked.paid.trace;
        match signature::step(event, asked.most_bytes) {
            Outcome::StillAsked => {
                if let Screen::Sign { too_little, .. } = &mut self.screen {
                    *too_little = true;
                }
                return;
            }
            Outcome::Signed(signature) => match self.ledger.sign(trace, &signature, local_now()) {
                Ok(()) => {
                    tracing::info!(%trace, ?signature, "signed on the screen");
                    if let Some(report) = self.report_of(trace) {
                        report.signed = SignedOn::Screen;
                    }
                    self.queue.look_again();
                }
                // The payment stands; its slip is signed with a pen.
                Err(error) => tracing::error!(%trace, %error, "a signature could not be written down"),
            },
            Outcome::OnPaper(why) => tracing::info!(%trace, ?why, "signed on paper"),
        }
        let Some(Asked { paid, .. }) = self.signing.0.take() else { return };
        if matches!(self.screen, Screen::Sign { .. }) {
            self.show_paid(paid);
            self.print_new(trace);
        } else {
            self.print_unseen(trace);
        }
        self.complete_what_nothing_follows(trace);
        self.refresh_waiting();
    }

    /// Judges a try to upload one, and writes down that it was refused.
    ///
    /// # Errors
    /// When the ledger cannot be read or written.
    pub(super) fn judge_signature(
        &mut self,
        trace: TraceNumber,
        result: &Result<HostAnswer, LinkFailure>,
        this: Try,
    ) -> Result<Verdict, LedgerError> {
        let refusals = self.ledger.signature_of(trace)?.map_or(0, |row| row.refusals);
        let verdict = signature::judge(result, this, refusals, &self.parts.queue_codes);
        if let (Verdict::TryAgainCounted, Ok(answer)) = (&verdict, result)
            && signature::is_refusal(answer)
        {
            self.ledger.signature_refused(trace, &answer.response_code)?;
        }
        Ok(verdict)
    }
}
