//! What reaches the engine: wishes of who stands before it, and what reader and link have to say.

use super::engine::Core;
use super::pin_entry;
use super::signing::SignIntent;
use super::view::{Intent, LinkState};
use super::workers::link;
use super::workers::reader::{self, Ticket};
use crate::emv::pin::PinEntry;
use crate::goods::sold::Sold;
use crate::ledger::LedgerError;
use crate::payment::queue::EntryId;
use crate::payment::sale::Event;
use crate::settlement::closing::Cause;
use crate::wording::{Reason, ReasonKind};

impl Core {
    /// A wish. What does not fit to what is going on is left alone.
    pub(super) fn on_intent(&mut self, intent: Intent) {
        // Whoever is left begins nothing any more.
        if self.turns() && !matches!(intent, Intent::Training(_) | Intent::Till(_)) {
            return;
        }
        // What it means is wished as anything else is.
        if let Intent::Scanned(text) = intent {
            return self.on_scanned(text);
        }
        // A card that is asked for is swiped by whoever pays.
        if let Intent::Swiped(swiped) = intent {
            return self.on_swiped(swiped);
        }
        if let Some(intent) = self.admit(intent) {
            self.do_as_wished(intent);
        }
    }

    /// A wish of somebody who may have it.
    pub(super) fn do_as_wished(&mut self, intent: Intent) {
        match intent {
            Intent::Charge(amount) => self.charge(amount, Sold::default(), false),
            Intent::Tip(intent) => self.on_tip(intent),
            Intent::Instalments(intent) => self.on_instalments(intent),
            Intent::PrintCode => self.print_code(),
            Intent::Begin(purpose) => self.begin_with(purpose),
            Intent::SellOffline => self.sell_offline(),
            // A terminal whose engine runs is enrolled; a scan was seen to before.
            Intent::Enrol(_) | Intent::Scanned(_) | Intent::Swiped(_) => {}
            Intent::Cancel if !self.pays() => {
                self.on_sign(SignIntent::OnPaper);
                if self.waiting.is_some() {
                    self.show_keypad();
                }
            }
            Intent::Cancel => self.cancel(),
            Intent::PayByScanned(code) => self.pay_by_scanned(code),
            Intent::PayByShown => self.pay_by_shown(),
            Intent::TypeNumber => self.turn_to_typing(),
            Intent::NumberTyped(typed) => self.on_number(typed),
            Intent::EnterPin(pin) => self.take_pin(pin),
            Intent::BypassPin => self.feed(Event::PinEntered(PinEntry::Bypassed)),
            Intent::ChooseApplication(index) => self.answered(Event::ApplicationChosen(index)),
            Intent::ConfirmApplication(agreed) => self.answered(Event::ApplicationConfirmed(agreed)),
            Intent::NextCustomer if !self.pays() => self.show_what_is_next(),
            Intent::ShowKeypad if !self.pays() => self.show_keypad(),
            Intent::NextCustomer | Intent::ShowKeypad => {}
            // Nobody changes what is being paid.
            Intent::Shop(intent) if !self.pays() && self.waiting.is_none() => self.on_shop(intent),
            Intent::Shop(_) => {}
            Intent::Purchase(intent) if !self.pays() && self.waiting.is_none() => self.on_purchase(intent),
            Intent::Purchase(_) => {}
            Intent::Sign(intent) => self.on_sign(intent),
            Intent::Cash(intent) => self.on_cash(intent),
            Intent::Till(intent) => self.on_till(intent),
            Intent::Staff(wish) => self.do_with_people(wish),
            Intent::Training(wish) => self.on_training(wish),
            Intent::Settle { without_undecided } => self.want_settlement(Cause::ByHand, without_undecided),
            Intent::Settlement(intent) if !self.pays() && self.waiting.is_none() => self.on_settlement(intent),
            Intent::Settlement(_) => {}
            Intent::Seek(intent) if !self.pays() && self.waiting.is_none() => self.on_seek(intent),
            Intent::Seek(_) => {}
            Intent::DidItPrint { copy, printed } => self.did_it_print(copy, printed),
            Intent::RetryPrint => self.retry_failed(),
            Intent::Reprint(trace) => self.print_again(trace),
            Intent::ShowTransactions(page) if !self.pays() => self.show_transactions(page),
            Intent::ShowTransaction(trace) if !self.pays() => self.show_transaction(trace),
            Intent::ShowReceipt(trace, copy) if !self.pays() => self.show_receipt(trace, copy),
            Intent::LeaveReceipt if !self.pays() => self.leave_receipt(),
            Intent::ShowQueue(page) if !self.pays() => self.show_queue(page),
            Intent::TryQueueNow if !self.pays() => self.try_queue_now(),
            Intent::Decide(trace, act) if !self.pays() => self.decide(trace, act),
            Intent::ShowTransactions(_)
            | Intent::ShowTransaction(_)
            | Intent::ShowReceipt(..)
            | Intent::LeaveReceipt
            | Intent::ShowQueue(_)
            | Intent::TryQueueNow
            | Intent::Decide(..) => {}
        }
    }

    /// What the reader says about a card, while the payment that asked for it goes on.
    pub(super) fn on_reader(&mut self, ticket: Ticket, event: reader::Event) {
        if let reader::Event::Is(state) = event {
            return self.reader_is(state);
        }
        // The reader does one thing after another: whatever it says now, its pad has answered or is gone.
        if self.pad_asks {
            self.pad_is_done();
        }
        let pin_pad = self.pin_pad(matches!(event, reader::Event::Inserted { own_pad: true }));
        let Some(running) = self.running.as_mut().filter(|running| running.ticket == ticket) else { return };
        let event = match event {
            reader::Event::StillIn => {
                running.notice = Some(Reason::of(ReasonKind::RemoveCard));
                return self.show_progress();
            }
            reader::Event::Removed => {
                running.notice = None;
                return self.show_progress();
            }
            reader::Event::Inserted { .. } => {
                running.notice = None;
                running.timings.mark("card_wait");
                Event::CardInserted(pin_pad)
            }
            reader::Event::PadAnswered(answer) => {
                running.timings.mark(running.card_part());
                pin_entry::event_of(answer)
            }
            reader::Event::Answered(answer) => {
                running.timings.mark(running.card_part());
                Event::CardAnswered(answer)
            }
            reader::Event::Torn => Event::CardTorn,
            reader::Event::Mute => Event::CardMute,
            reader::Event::NoCard => Event::NoCard,
            reader::Event::Failed(detail) => Event::ReaderFailed(detail),
            reader::Event::Is(_) => return,
        };
        self.feed(event);
    }

    /// What came of something that was asked of the host, and what the link saw by itself.
    pub(super) fn on_link(&mut self, event: link::Event) {
        match event {
            link::Event::Sale(trace, result) => {
                self.line.after_exchange(&result);
                let Some(running) = self.running.as_mut().filter(|running| running.sale.trace() == trace) else {
                    return self.after_answer_nobody_waits_for(trace, result);
                };
                running.timings.mark("host");
                self.feed(match result {
                    Ok(answer) => Event::HostAnswered(answer),
                    Err(failure) => Event::LinkFailed(failure),
                });
                self.refresh_waiting();
            }
            link::Event::Reversal(trace, result) => {
                self.line.after_exchange(&result);
                self.after_try(EntryId::Reversal(trace), &result);
                self.refresh_waiting();
            }
            link::Event::Repeated(trace, result) => {
                self.line.after_exchange(&result);
                self.after_try(EntryId::Repeat(trace), &result);
                self.refresh_waiting();
            }
            link::Event::OfflineSale(trace, result) => {
                self.line.after_exchange(&result);
                self.after_try(EntryId::OfflineSale(trace), &result);
                self.refresh_waiting();
            }
            link::Event::Cancelled(trace, result) => {
                self.line.after_exchange_of_any_kind(&result);
                self.after_cancellation(trace, &result);
                self.refresh_waiting();
            }
            link::Event::Advice(id, result) => {
                self.line.after_exchange(&result);
                self.after_try(EntryId::Advice(id), &result);
                self.refresh_waiting();
            }
            link::Event::Uploaded(trace, result) => {
                self.line.after_exchange(&result);
                self.after_try(EntryId::Signature(trace), &result);
                self.refresh_waiting();
            }
            link::Event::Code(trace, result) => self.after_word_on_order(trace, result),
            link::Event::Late(late) => self.after_late_approval(&late),
            link::Event::Check(result) => {
                self.line.after_check(&result);
                if self.line.state() == LinkState::Online {
                    self.queue.line_is_back();
                }
                self.refresh_waiting();
                self.refresh_notice();
                self.after_comparison(&result);
            }
            link::Event::Settled(batch, result) => self.after_settling(batch, result),
            link::Event::Account(result) => self.after_account(result),
            link::Event::Witnessed(result) => self.after_witness(result),
            link::Event::SignOn(result) => self.after_sign_on(result),
            link::Event::KeysNeeded => self.keys_are_needed(),
            link::Event::LineEnded(end) => self.line.after_end(&end),
            link::Event::Ordered(order) => self.on_order(order),
            link::Event::Report(result) => self.after_report(result),
            link::Event::WordOnBinding(word) => self.on_word_about_binding(word),
            link::Event::Binding(result) => self.after_refresh(result),
            link::Event::Update(result) => self.after_update(result.map(|update| *update)),
        }
    }

    /// Counts anew what waits in the queue. Where the ledger cannot be read, what was counted last is still shown:
    /// nobody may take it for nothing.
    pub(super) fn refresh_waiting(&mut self) {
        if let Err(error) = self.count_waiting() {
            if self.pays() {
                // Whatever it has to write next tells how it is.
                tracing::error!(%error, "what waits cannot be counted");
            } else {
                self.ledger_failed(&error);
            }
        }
    }

    pub(super) fn count_waiting(&mut self) -> Result<(), LedgerError> {
        let (waiting, open) = (self.reversals_waiting()?, self.ledger.open_entries()?);
        self.line.waiting = waiting;
        self.queued = open.waiting + open.parked;
        Ok(())
    }
}
