//! The one queue of this terminal: its head goes to the host, one entry at a time, when nobody pays. What goes first and what
//! an answer means for it is the payment core's matter (`payment::queue`).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::engine::Core;
use super::showing::{local_in, local_now};
use super::workers::link;
use crate::clock;
use crate::ledger::LedgerError;
use crate::payment::online::{Decision, HostAnswer, LateApproval, LinkFailure};
use crate::payment::qr::CancelAnswer;
use crate::payment::queue::{self, Act, Deed, Entry, EntryId, Kind, Rank, Standing, Try, Verdict, Work};
use crate::payment::record::State;
use crate::reference::{ResponseCode, TraceNumber};
use crate::wording::{Reason, ReasonKind};

/// How long an engine that is to end goes on with what is left, in all.
const LAST_ENTRIES: Duration = Duration::from_secs(3);

/// How long the queue waits with what cannot be read or made.
pub(super) const AFTER_DAMAGE: Duration = Duration::from_secs(600);

/// Who decided at the touchscreen: this terminal does not know its people.
const AT_THE_SCREEN: &str = "touchscreen";

/// What the engine knows of the queue beside the ledger.
#[derive(Debug)]
pub(super) struct QueueDesk {
    /// The one entry the host is being asked about.
    in_flight: Option<Flight>,
    /// Which entries are not due yet. One that is not here is due.
    rests: HashMap<EntryId, Rest>,
    /// Nothing goes by itself before this: the ledger could not take note of what comes of it.
    not_before: Instant,
    /// No advice goes before this.
    advices_not_before: Instant,
    /// Approvals that came too late and could not be written down yet.
    unrecorded: Vec<LateApproval>,
    /// Nothing waits, until something happens that may have left an entry.
    empty: bool,
    /// The engine is to end: nothing is begun after this, and nothing is waited for.
    stop_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    id: EntryId,
    /// It was time for it; otherwise somebody asked for it earlier.
    due: bool,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    until: Instant,
    /// Nothing left the terminal: it goes again as soon as the line is back.
    never_left: bool,
}

impl QueueDesk {
    pub fn new() -> Self {
        Self {
            in_flight: None,
            rests: HashMap::new(),
            not_before: clock::instant(),
            advices_not_before: clock::instant(),
            unrecorded: Vec::new(),
            empty: false,
            stop_at: None,
        }
    }

    /// Something may wait now.
    pub const fn look_again(&mut self) {
        self.empty = false;
    }

    /// Nothing goes by itself before this.
    pub fn rest_until(&mut self, time: Instant) {
        self.not_before = self.not_before.max(time);
        self.look_again();
    }

    /// The line to the host is back.
    pub fn line_is_back(&mut self) {
        self.rests.retain(|_, rest| !rest.never_left);
    }

    /// The terminal has new working keys: what could not be asked under the old ones is due.
    pub fn keys_came(&mut self) {
        self.rests.clear();
        self.look_again();
    }

    /// The engine is to end.
    pub fn stop(&mut self) {
        self.stop_at.get_or_insert_with(|| clock::instant() + LAST_ENTRIES);
    }

    /// What is under way need not be waited for without end: it is sent again after the next start.
    pub fn may_stop(&self) -> bool {
        self.in_flight.is_none() || self.out_of_time()
    }

    /// The host is being asked about an entry.
    pub const fn busy(&self) -> bool {
        self.in_flight.is_some()
    }

    /// The host is being asked to take a payment back.
    pub const fn takes_back(&self) -> bool {
        matches!(self.in_flight, Some(Flight { id: EntryId::Reversal(_), .. }))
    }

    /// It does not go before this.
    pub fn rest(&mut self, id: EntryId, pause: Duration) {
        self.rests.insert(id, Rest { until: clock::instant() + pause, never_left: false });
    }

    /// How long an entry still rests.
    pub fn until_due(&self, id: EntryId) -> Duration {
        self.rests.get(&id).map_or(Duration::ZERO, |rest| rest.until.saturating_duration_since(clock::instant()))
    }

    fn out_of_time(&self) -> bool {
        self.stop_at.is_some_and(|time| clock::instant() >= time)
    }
}

impl Core {
    /// Sends the head of the queue, when nobody pays and nothing of the queue is under way: when it is due, or `now` because
    /// somebody wants it. A customer who waits for an earlier payment to be taken back wants it.
    pub(super) fn drain_queue(&mut self, now: bool) {
        let desk = &self.queue;
        let now = now || self.waiting.is_some();
        let rests = clock::instant() < desk.not_before && !now;
        let held = self.pays() || self.sign_on.holds();
        if held || desk.busy() || desk.empty || rests || desk.out_of_time() {
            return;
        }
        match self.head() {
            Ok(Some((entry, work))) => self.send_head(&entry, work, now),
            Ok(None) => {}
            Err(error) => self.ledger_failed(&error),
        }
    }

    fn head(&mut self) -> Result<Option<(Entry, Work)>, LedgerError> {
        self.adopt_interrupted()?;
        let mut certain = true;
        for rank in Rank::ALL {
            if rank != Rank::Reversals && clock::instant() < self.queue.advices_not_before {
                certain = false;
                continue;
            }
            match self.ledger.oldest(rank) {
                Ok(Some(head)) => return Ok(Some(head)),
                Ok(None) => {}
                // One message that cannot be read is no reason to take no payments.
                Err(error @ LedgerError::Value { .. }) if rank != Rank::Reversals => {
                    tracing::error!(%error, "an advice cannot be read");
                    self.queue.advices_not_before = clock::instant() + AFTER_DAMAGE;
                    certain = false;
                }
                Err(error) => return Err(error),
            }
        }
        self.queue.empty = certain;
        Ok(None)
    }

    fn send_head(&mut self, entry: &Entry, work: Work, now: bool) {
        let due = self.queue.until_due(entry.id).is_zero();
        if !due && !now {
            return;
        }
        match work {
            Work::Reverse(request) => self.ask_host(link::Job::Reverse(request)),
            Work::Cancel(order) => self.ask_host(link::Job::Cancel(order)),
            // Nothing new waits for it: whoever pays now is somebody else.
            Work::Repeat if self.waiting.is_some() || self.out_of_service.is_some() => return,
            Work::Repeat if self.send_again(entry) => {}
            Work::Repeat => return,
            Work::OfflineSale if self.waiting.is_some() || self.out_of_service.is_some() => return,
            Work::OfflineSale if self.tell_of_offline_sale(entry) => {}
            Work::OfflineSale => return,
            // No payment waits for an advice, and none is told while the ledger may not take note of it.
            Work::Advise(_) if self.waiting.is_some() || self.out_of_service.is_some() => return,
            Work::Upload(_) if self.waiting.is_some() || self.out_of_service.is_some() => return,
            Work::Upload(upload) => {
                if self.check_jobs.send(link::Job::Upload(upload)).is_err() {
                    return tracing::error!("the link's second thread has ended");
                }
            }
            Work::Advise(advice) => {
                // Not the thread that payments are sent on: none waits behind it.
                let EntryId::Advice(id) = entry.id else { return };
                if self.check_jobs.send(link::Job::Advise(id, Box::new(advice))).is_err() {
                    return tracing::error!("the link's second thread has ended");
                }
            }
        }
        self.queue.in_flight = Some(Flight { id: entry.id, due });
    }

    /// What became of a try.
    pub(super) fn after_try(&mut self, id: EntryId, result: &Result<HostAnswer, LinkFailure>) {
        let due = self.queue.in_flight.take().is_some_and(|flight| flight.due);
        if let Err(error) = self.note_try(id, due, result) {
            self.ledger_failed(&error);
        }
        self.refresh_queue();
    }

    fn note_try(
        &mut self,
        id: EntryId,
        due: bool,
        result: &Result<HostAnswer, LinkFailure>,
    ) -> Result<(), LedgerError> {
        let Some((entry, this)) = self.tried_entry(id, due)? else { return Ok(()) };
        let verdict = match id {
            EntryId::Signature(trace) => self.judge_signature(trace, result, this)?,
            EntryId::Reversal(_) | EntryId::Repeat(_) | EntryId::Advice(_) | EntryId::OfflineSale(_) => {
                queue::judge(entry.kind, result, this, &self.parts.queue_codes)
            }
        };
        match &verdict {
            Verdict::Done => {
                self.note_approval_of_repeat(id, result)?;
                if !self.note_booked_offline_sale(id, result)? {
                    self.ledger.done(id)?;
                }
            }
            Verdict::Refused => self.note_refusal_of_repeat(id, result)?,
            Verdict::TryAgain | Verdict::TryAgainCounted | Verdict::Park(_) | Verdict::GiveUp(_) => {}
        }
        self.follow_verdict(&entry, this, verdict, result)
    }

    /// What became of a try to cancel an order.
    pub(super) fn after_cancellation(&mut self, trace: TraceNumber, result: &Result<CancelAnswer, LinkFailure>) {
        let due = self.queue.in_flight.take().is_some_and(|flight| flight.due);
        if let Err(error) = self.note_cancellation(trace, due, result) {
            self.ledger_failed(&error);
        }
        self.refresh_queue();
    }

    fn note_cancellation(
        &mut self,
        trace: TraceNumber,
        due: bool,
        result: &Result<CancelAnswer, LinkFailure>,
    ) -> Result<(), LedgerError> {
        let Some((entry, this)) = self.tried_entry(EntryId::Reversal(trace), due)? else { return Ok(()) };
        let verdict = queue::judge_cancellation(result, this);
        if verdict == Verdict::Done {
            self.ledger.order_is_closed(trace, matches!(result, Ok(CancelAnswer::PaidBack)))?;
        }
        self.follow_verdict(&entry, this, verdict, result)
    }

    /// The entry that was tried, and how that came about; nothing where it does not wait any more.
    fn tried_entry(&self, id: EntryId, due: bool) -> Result<Option<(Entry, Try)>, LedgerError> {
        let Some(entry) = self.ledger.entry(id)? else {
            tracing::error!(?id, "an entry that was sent is not in the queue");
            return Ok(None);
        };
        let most = self.parts.tables.terminal.tries.unwrap_or(queue::MAX_TRIES);
        let age_s = local_now().duration_since(entry.at).as_secs();
        let row = self.ledger.find(entry.original)?;
        let approved = row.is_some_and(|row| row.authorisation_code.is_some());
        let this = Try { counted: entry.tries, most, due, age_s, approved };
        Ok(Some((entry, this)))
    }

    /// Does what a verdict wants, and shows it.
    fn follow_verdict<T>(
        &mut self,
        entry: &Entry,
        this: Try,
        verdict: Verdict,
        result: &Result<T, LinkFailure>,
    ) -> Result<(), LedgerError> {
        let (id, counts) = (entry.id, verdict == Verdict::TryAgainCounted);
        let tries = this.counted + u32::from(counts);
        tracing::info!(kind = entry.kind.word(), trace = %entry.trace, tries, ?verdict, "an entry of the queue was tried");
        match &verdict {
            Verdict::Done | Verdict::Refused => {
                self.queue.rests.remove(&id);
            }
            // Who asks early changes nothing about when it is due.
            Verdict::TryAgain | Verdict::TryAgainCounted if this.due => {
                let pause = Duration::from_secs(queue::pause_s(result, tries).into());
                let never_left = matches!(result, Err(LinkFailure::NeverSent(_)));
                self.queue.rests.insert(id, Rest { until: clock::instant() + pause, never_left });
                self.ledger.tried(id, counts, local_in(pause))?;
            }
            Verdict::TryAgain | Verdict::TryAgainCounted => {}
            Verdict::Park(code) => self.give_up(entry, code.as_ref())?,
            // Nobody has to look.
            Verdict::GiveUp(code) => {
                self.queue.rests.remove(&id);
                self.ledger.park(id, code.as_ref())?;
                tracing::warn!(kind = entry.kind.word(), trace = %entry.trace, "not taken by the host; the slip has it");
                self.queue.look_again();
            }
        }
        match entry.kind {
            Kind::Reversal => self.show_reversal(entry.trace, &verdict, tries),
            Kind::Repeat => self.show_repeat(entry.trace, &verdict, tries)?,
            Kind::Advice(_) | Kind::OfflineSale => self.refresh_alarm(),
            Kind::Signature => {}
        }
        Ok(())
    }

    /// The terminal tries it no more: a person must look.
    ///
    /// # Errors
    /// When that cannot be written.
    pub(super) fn give_up(&mut self, entry: &Entry, code: Option<&ResponseCode>) -> Result<(), LedgerError> {
        self.queue.rests.remove(&entry.id);
        self.ledger.park(entry.id, code)?;
        tracing::warn!(kind = entry.kind.word(), trace = %entry.trace, "given up; yima queue shows it");
        self.queue.look_again();
        self.print_what_was_given_up();
        Ok(())
    }

    /// An approval came too late for its payment.
    pub(super) fn after_late_approval(&mut self, late: &LateApproval) {
        match self.ledger.note_late_approval(late, local_now()) {
            Ok(true) => {
                tracing::warn!(trace = %late.trace, "an approval came too late; it is recorded and not accepted");
                self.queue.look_again();
                self.after_decision();
                self.print_what_was_given_up();
            }
            Ok(false) => tracing::warn!(trace = %late.trace, "an approval came that no payment waits for"),
            Err(error) => {
                self.queue.unrecorded.push(late.clone());
                self.ledger_failed(&error);
            }
        }
    }

    /// What could not be written down yet is, as soon as the ledger is looked at again.
    pub(super) fn record_late_approvals(&mut self) {
        if clock::instant() >= self.queue.not_before {
            for late in std::mem::take(&mut self.queue.unrecorded) {
                self.after_late_approval(&late);
            }
        }
    }

    /// A sale was answered that is over already.
    pub(super) fn after_answer_nobody_waits_for(
        &mut self,
        trace: TraceNumber,
        result: Result<HostAnswer, LinkFailure>,
    ) {
        let Ok(answer) = result else { return };
        if matches!(answer.decision, Decision::Approved | Decision::Partial(_)) {
            let HostAnswer { response_code, rrn, authorisation_code, .. } = answer;
            self.after_late_approval(&LateApproval { trace, response_code, rrn, authorisation_code });
        }
    }

    /// Somebody wants the head of the queue to be sent at once.
    pub(super) fn try_queue_now(&mut self) {
        self.queue.look_again();
        self.drain_queue(true);
        self.retry_slips_of_what_was_given_up();
    }

    /// Somebody at the screen decides about an entry that was given up, after having been asked twice.
    pub(super) fn decide(&mut self, trace: TraceNumber, act: Act) {
        let note = "confirmed twice on the touchscreen".to_owned();
        let deed = Deed { act, by: self.who_decides(AT_THE_SCREEN), note, at: local_now() };
        let purchase = self.purchase_before_decision();
        match self.ledger.decide(trace, &deed) {
            Ok(entry) => {
                tracing::warn!(%trace, act = act.word(), "somebody decided about what was given up");
                self.queue.rests.remove(&entry.id);
                self.queue.look_again();
                self.after_decision();
                self.follow_decision(purchase);
                self.drain_queue(act == Act::Retry);
            }
            // It was decided elsewhere meanwhile: the screen shows how it stands.
            Err(error @ (LedgerError::NoSuchEntry(_) | LedgerError::NotAllowed { .. })) => {
                tracing::warn!(%error, "nothing is decided");
                self.after_decision();
            }
            Err(error) => self.ledger_failed(&error),
        }
    }

    /// Another program may have decided about something.
    pub(super) fn look_whether_somebody_decided(&mut self) {
        // A ledger that cannot be read is noticed by whoever needs it.
        if !self.pays() && self.ledger.changed_elsewhere().unwrap_or_default() {
            self.queue.look_again();
            self.after_decision();
            self.look_at_people_again();
            if let Err(error) = self.take_up_settlement().and_then(|()| self.take_up_wanted_slips()) {
                tracing::error!(%error, "what is to be settled or printed again cannot be read");
            }
        }
    }

    fn after_decision(&mut self) {
        self.refresh_alarm();
        self.refresh_waiting();
        self.refresh_queue();
        self.refresh_purchase();
    }

    /// What a person must look at is said above the keypad as long as it is so: payments first.
    pub(super) fn refresh_alarm(&mut self) {
        match self.alarm_of_ledger() {
            Ok(alarm) => self.alarm = alarm,
            Err(error) => tracing::error!(%error, "what a person must look at cannot be read"),
        }
        self.refresh_notice();
    }

    /// The same as the ledger has it.
    ///
    /// # Errors
    /// When it cannot be read: then nobody knows.
    pub(super) fn alarm_of_ledger(&self) -> Result<Option<Reason>, LedgerError> {
        // It is not in the ledger yet that this one is for a person.
        if let Some(trace) = self.not_to_be_reversed
            && self.ledger.find(trace)?.is_some_and(|row| row.state == State::Pending)
        {
            return Ok(Some(Reason::with_detail(ReasonKind::TraceNumberInUse, trace.to_string())));
        }
        let entries = self.ledger.entries()?;
        Ok(entries.iter().find(|entry| entry.standing == Standing::Parked).map(|entry| {
            let kind = match (entry.kind, entry.reason) {
                (Kind::Reversal, Some(kind @ (ReasonKind::TraceNumberInUse | ReasonKind::LedgerRestored))) => kind,
                (Kind::Reversal, _) => ReasonKind::ReversalExhausted,
                (Kind::Repeat, _) => ReasonKind::RepeatExhausted,
                (Kind::OfflineSale, _) => ReasonKind::OfflineRefused,
                (Kind::Advice(_) | Kind::Signature, _) => ReasonKind::AdviceParked,
            };
            Reason::with_detail(kind, entry.trace.to_string())
        }))
    }
}
