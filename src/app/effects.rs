//! What the payment core wants done, in its order.

use super::choosing;
use super::engine::Core;
use super::pin_entry;
use super::running::Question;
use super::workers::{link, reader};
use crate::deliberate;
use crate::devices::sound::Tone;
use crate::goods::sold::Sold;
use crate::ledger::{Ledger, LedgerError};
use crate::payment::qr::{CodeRefund, Order, Paid};
use crate::payment::record::{Pending, Record};
use crate::payment::sale::{self, Conclusion, Effect, Event};
use crate::payment::transaction::Kind;
use crate::reference::TraceNumber;
use crate::wording::{Reason, ReasonKind};

impl Core {
    /// Tells the core what happened and carries out what it wants, strictly in order. A record that fails ends the list:
    /// what stands behind it is not done, and the core is told.
    pub(super) fn feed(&mut self, event: Event) {
        let Some(running) = self.running.as_mut() else { return };
        let mut effects = running.sale.step(event).into_iter();
        while let Some(effect) = effects.next() {
            if let Err(error) = self.carry_out(effect) {
                tracing::error!(%error, "the ledger could not be written");
                let Some(running) = self.running.as_mut() else { return };
                let mut instead = running.sale.step(Event::RecordFailed(error.to_string()));
                if instead.is_empty() {
                    // A sale must end. What it may have charged is taken back by its row.
                    let reason = Reason::with_detail(ReasonKind::LedgerFailedAfterRequest, error.to_string());
                    instead = vec![Effect::ReleaseCard, Effect::Conclude(Conclusion::ReversalDue(reason))];
                }
                effects = instead.into_iter();
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) -> Result<(), LedgerError> {
        let Some(running) = self.running.as_mut() else { return Ok(()) };
        match effect {
            Effect::Show(progress) => {
                running.progress = progress;
                running.pin_until = None;
                if let sale::Progress::EnteringPin(_) = progress {
                    running.pin_place = pin_entry::place(running.sale.pin_pad(), self.parts.shuffled_pin_keys);
                }
                running.question = None;
                running.question_until = None;
                running.card_until = None;
                self.show_progress();
            }
            Effect::SoundCardRead => self.parts.sound.play(Tone::CardRead),
            Effect::AwaitCard => {
                self.reader.send(reader::Job::Await { ticket: running.ticket, timeout: self.parts.card_wait });
            }
            Effect::AwaitStripe(time) => self.wait_for_stripe(time),
            Effect::AwaitNumber => self.wait_for_number(),
            Effect::Notice(reason) => {
                running.notice = Some(reason);
                self.parts.sound.play(Tone::Alert);
                self.show_progress();
            }
            Effect::AskPin(_) => self.ask_pin(),
            Effect::ChooseApplication(choices) => self.ask(Question::Which(choosing::names(&choices))),
            Effect::ConfirmApplication(choice) => self.ask(Question::Whether(choosing::name(&choice))),
            Effect::Apdu(command) => self.reader.send(reader::Job::Transmit { ticket: running.ticket, command }),
            Effect::Record(record) => {
                let trace = running.sale.trace();
                let recorded = match (&record, running.sale.kind()) {
                    (Record::Pending(pending), Kind::CodeRefund) => begin_code_refund(&mut self.ledger, trace, pending),
                    _ => self.ledger.record_selling(trace, &record, running.sold.lines(), running.sold.tip()),
                };
                if !deliberate::is("done_before_written") {
                    recorded?;
                }
                if let Some(running) = self.running.as_mut() {
                    running.timings.mark("ledger");
                }
                log_record(trace, &record);
            }
            // The last of its list.
            Effect::Send(mut request) => {
                let sold = running.sold.clone();
                request.sold = self.told_to_host(sold);
                self.send_once_compared(link::Job::Sale(request));
            }
            // By the wallet's numbers, which only the ledger knows.
            Effect::SendAbout(request) if running.sale.kind() == Kind::CodeRefund => {
                let refund = self.ledger.code_refund(request.trace)?.ok_or(LedgerError::NoSuchRow(request.trace))?;
                self.send_once_compared(link::Job::BeginCodeRefund(Box::new(refund)));
            }
            Effect::SendAbout(request) => self.send_once_compared(link::Job::About(request)),
            Effect::ReleaseCard => {
                self.reader.stop_waiting();
                self.reader.send(reader::Job::Release);
            }
            Effect::Conclude(conclusion) => self.conclude(conclusion),
            Effect::TryAnotherPin(reason) => self.try_another_pin(reason),
        }
        Ok(())
    }

    /// What the host is told of what is sold: all of it, where the acquirer shows e-receipts, and otherwise nothing.
    pub(super) fn told_to_host(&self, sold: Sold) -> Sold {
        if self.parts.tables.terminal.receipt_address.is_some() { sold } else { Sold::default() }
    }

    /// Hands something to the link's worker. Its thread ends only with the engine.
    pub(super) fn ask_host(&mut self, job: link::Job) {
        if self.link_jobs.send(job).is_err() {
            tracing::error!("the link's thread has ended");
        }
    }
}

/// By which numbers the wallet knows it stands in the row of what was paid.
fn begin_code_refund(ledger: &mut Ledger, trace: TraceNumber, pending: &Pending) -> Result<(), LedgerError> {
    let original = pending.original.as_ref().ok_or(LedgerError::NoSuchRow(trace))?;
    ledger.begin_code_refund(&CodeRefund {
        trace,
        order: Order { trace: original.trace, amount: original.amount, at: original.at },
        paid: Paid::default(),
        amount: pending.amount,
        at: pending.at,
    })
}

fn log_record(trace: TraceNumber, record: &Record) {
    let what = match record {
        Record::Pending(_) => "pending",
        Record::HostApproved { .. } => "host_approved",
        Record::Approved(_) | Record::Done | Record::PaidWithoutChip { .. } | Record::ApprovedByCard(..) => "approved",
        Record::Scripts(_) => "scripts",
        Record::NotPaid { .. } => "declined",
        Record::ReversalDue { .. } => "reversal_due",
        Record::RepeatDue { .. } => "repeat_due",
        Record::Unresolved { .. } => "unresolved",
    };
    tracing::info!(%trace, state = what, "recorded");
}
