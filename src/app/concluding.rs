//! How a sale ended: its report, its tone and its screen, and what follows from it.

use super::engine::Core;
use super::report::{Ending, SaleReport};
use super::showing::{Paid, local_now};
use super::view::Screen;
use crate::devices::sound::Tone;
use crate::payment::sale::{Conclusion, HostSummary};
use crate::payment::signature::SignedOn;
use crate::payment::transaction::Kind;
use crate::reference::TraceNumber;
use crate::wording::{Language, Reason, ReasonKind, Sense};

impl Core {
    pub(super) fn conclude(&mut self, conclusion: Conclusion) {
        let Some(running) = self.running.take() else { return };
        let sale = &running.sale;
        let kind = sale.kind();
        let conclusion = self.in_the_acquirers_words(kind, conclusion);
        self.kind_shown = Some(kind);
        self.note_unreached(&running.purpose, &conclusion);
        let (trace, at) = (sale.trace(), sale.at());
        let (card, host) = (sale.card(), sale.host().cloned());
        let instalments = sale.instalments();
        self.instalments.end(trace, instalments.clone());
        let wants_signature = conclusion == Conclusion::Approved && sale.wants_signature();
        let language = sale.language().and_then(Language::of_iso_639);
        // A question about the account has no amount of its own.
        let told = || host.as_ref().and_then(HostSummary::can_be_spent);
        let amount = (kind == Kind::Balance).then(told).flatten().unwrap_or(sale.amount());
        let authorisation_code = host.as_ref().and_then(|host| host.authorisation_code.clone());
        let (ending, reason) = match &conclusion {
            Conclusion::Approved => (Ending::Approved, None),
            Conclusion::Declined(reason) => (Ending::Declined, Some(reason.clone())),
            Conclusion::Failed(reason) => (Ending::Error, Some(reason.clone())),
            Conclusion::ReversalDue(reason) | Conclusion::Repeating(reason) | Conclusion::Unresolved(reason) => {
                (Ending::Unresolved, Some(reason.clone()))
            }
        };
        tracing::info!(%trace, outcome = ending.word(), reason = reason.as_ref().map(|r| r.kind.word()), "sale over");
        self.report = Some(SaleReport {
            kind,
            original: sale.original(),
            ending,
            amount,
            trace: Some(trace),
            reason,
            rrn: host.as_ref().and_then(|host| host.rrn.clone()),
            authorisation_code: authorisation_code.clone(),
            balances: host.as_ref().map(|host| host.balances.clone()).unwrap_or_default(),
            response_code: host.map(|host| host.response_code),
            purchase: None,
            instalments,
            signed: SignedOn::of(wants_signature, false),
            copies: Vec::new(),
            complete: !matches!(
                conclusion,
                Conclusion::Approved | Conclusion::ReversalDue(_) | Conclusion::Repeating(_)
            ),
            timings: running.timings,
            card: card.clone(),
        });
        self.result_shown = Some(trace);
        self.parts.sound.play(match &conclusion {
            Conclusion::Approved => Tone::Approved,
            Conclusion::Declined(_)
            | Conclusion::Failed(_)
            | Conclusion::ReversalDue(_)
            | Conclusion::Repeating(_)
            | Conclusion::Unresolved(_) => Tone::Alert,
        });
        match conclusion {
            Conclusion::Approved => {
                let truncated_pan = card.map(|card| card.truncated_pan).unwrap_or_default();
                let paid = Paid { kind, trace, amount, truncated_pan, authorisation_code, at };
                // Nobody keeps a slip of a question, and a part of a purchase has none of its own.
                if !kind.is_written_down() {
                    self.show_paid(paid);
                } else if self.show_what_is_paid(paid.clone()) {
                    self.sign_or_print(paid, wants_signature, language);
                }
            }
            Conclusion::Failed(reason) if reason.kind == ReasonKind::Cancelled => self.show_keypad(),
            Conclusion::Declined(reason) | Conclusion::Failed(reason) => {
                self.screen = Screen::NotPaid { amount, reason, at: local_now() };
            }
            Conclusion::Unresolved(reason) => {
                self.must_not_be_taken_back(trace);
                self.set_alarm(reason.clone());
                self.screen = Screen::Unknown { amount, reason, tries: 0, next_try: None };
            }
            Conclusion::ReversalDue(reason) | Conclusion::Repeating(reason) => {
                self.screen = Screen::Unknown { amount, reason, tries: 0, next_try: Some(local_now()) };
                // Keys that the host does not share come first.
                self.drain_sign_on(true);
                self.queue.look_again();
                self.drain_queue(true);
            }
        }
        self.queue.look_again();
        self.refresh_waiting();
        self.print_what_was_given_up();
        self.complete_what_nothing_follows(trace);
    }

    /// Every reason is said of what was to be done. A refusal to pay says what the acquirer wants to be said of its code, where it
    /// sent words for it.
    fn in_the_acquirers_words(&self, kind: Kind, conclusion: Conclusion) -> Conclusion {
        let said = |reason: Reason| reason.of_sense(kind.sense());
        match conclusion {
            Conclusion::Approved => Conclusion::Approved,
            Conclusion::Declined(reason) if kind.sense() == Sense::Payment => {
                Conclusion::Declined(self.parts.tables.in_own_words(reason))
            }
            Conclusion::Declined(reason) => Conclusion::Declined(said(reason)),
            Conclusion::Failed(reason) => Conclusion::Failed(said(reason)),
            Conclusion::ReversalDue(reason) => Conclusion::ReversalDue(said(reason)),
            Conclusion::Repeating(reason) => Conclusion::Repeating(said(reason)),
            Conclusion::Unresolved(reason) => Conclusion::Unresolved(said(reason)),
        }
    }

    /// A report waits for slips and for the reversal; where neither is on its way there is nothing to wait for.
    pub(super) fn complete_what_nothing_follows(&mut self, trace: TraceNumber) {
        let asking = self.queue.takes_back() || self.sign_on.in_flight();
        let nothing_follows = self.copy_views(trace).is_empty() && !asking && !self.signing.asks();
        if let Some(report) = self.report_of(trace).filter(|_| nothing_follows) {
            report.complete = true;
        }
    }
}
