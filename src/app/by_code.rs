//! A payment by code that runs: the payment core (`payment::qr`) with what the shell must remember beside it, and what it wants done.
//! What a power cut left behind is asked about before anything else begins.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::engine::Core;
use super::printing::FollowedCopy;
use super::report::{Ending, SaleReport, Timings};
use super::running::Running;
use super::showing::{Paid, local_in, local_now};
use super::view::{CodePaper, Progress, Screen};
use super::workers::link;
use super::workers::printer::{Job, Slip};
use crate::clock;
use crate::deliberate;
use crate::devices::sound::Tone;
use crate::goods::sold::Sold;
use crate::ledger::LedgerError;
use crate::money::Amount;
use crate::payment::online::{LateApproval, LinkFailure};
use crate::payment::permitted;
use crate::payment::purpose::Purpose;
use crate::payment::qr::record::{Record, Resume};
use crate::payment::qr::{
    self, Answer, CodeError, CodePayment, Conclusion, Effect, Event, HostWord, Order, PaymentCode, Request, Schedule,
    Way,
};
use crate::payment::record::State;
use crate::payment::sale;
use crate::payment::signature::SignedOn;
use crate::payment::transaction::Kind;
use crate::qr::networks::Networks;
use crate::receipt::ShownCodeSlip;
use crate::reference::{ResponseCode, TraceNumber};
use crate::wording::{Reason, ReasonKind};

/// What the host says of an order that is paid.
const PAID: &str = "00";

/// How this terminal takes payments by code.
#[derive(Clone, Debug)]
pub struct CodeSetup {
    /// Whose codes are taken.
    pub networks: Arc<Networks>,
    /// When the host is asked again.
    pub schedule: Schedule,
    /// How many seconds a code on the screen can be paid.
    pub valid_s: u32,
}

/// A payment by code under way.
#[derive(Debug)]
pub(super) struct ByCode {
    payment: CodePayment,
    sold: Sold,
    progress: qr::Progress,
    /// Until when the core wants to wait.
    pause_until: Option<Instant>,
    /// When the code on the screen is over; it is told once.
    expires_at: Option<Instant>,
    /// The same for people.
    valid_until: Option<jiff::civil::DateTime>,
    /// Whether the code is on paper too.
    paper: CodePaper,
    /// An earlier run left it behind.
    resumed: bool,
    timings: Timings,
}

impl ByCode {
    fn of(payment: CodePayment, sold: Sold, resumed: bool) -> Self {
        Self {
            payment,
            sold,
            progress: qr::Progress::AskingHost,
            pause_until: None,
            expires_at: None,
            valid_until: None,
            paper: CodePaper::None,
            resumed,
            timings: Timings::start(),
        }
    }

    fn trace(&self) -> TraceNumber {
        self.payment.order().trace
    }
}

impl Core {
    /// Somebody is paying now, by card or by code.
    pub(super) const fn pays(&self) -> bool {
        self.running.is_some() || self.by_code.is_some()
    }

    /// What is paid now, or was to be.
    pub(super) fn amount_now(&self) -> Amount {
        let by_code = || self.by_code.as_ref().map(|paying| paying.payment.order().amount);
        let by_card = self.running.as_ref().map(|running| running.sale.amount());
        by_card.or_else(by_code).unwrap_or(Amount::zero(self.parts.currency))
    }

    /// The customer who is asked for a card shows a code instead: nothing has been asked yet, and the payment begins anew.
    pub(super) fn pay_by_scanned(&mut self, scanned: Result<PaymentCode, CodeError>) {
        let Some(setup) = &self.parts.codes else { return };
        if !self.may_turn_to_code() {
            return;
        }
        let known = scanned.map_err(|error| error.to_string()).and_then(|code| {
            setup.networks.scanned(code.expose()).map(|scanned| scanned.code).map_err(|error| error.to_string())
        });
        match known {
            Ok(code) if self.running.is_none() => self.pay_rest(Some(Way::Scanned(code))),
            Ok(code) => self.turn_to_code(Way::Scanned(code)),
            Err(detail) if self.running.is_none() => {
                self.parts.sound.play(Tone::Alert);
                self.note_on_purchase(Reason::with_detail(ReasonKind::CodeUnknown, detail));
            }
            Err(detail) => {
                self.parts.sound.play(Tone::Alert);
                if let Some(running) = self.running.as_mut() {
                    running.notice = Some(Reason::with_detail(ReasonKind::CodeUnknown, detail));
                }
                self.show_progress();
            }
        }
    }

    /// The customer scans the terminal's code instead.
    pub(super) fn pay_by_shown(&mut self) {
        let Some(setup) = &self.parts.codes else { return };
        let way = Way::Shown { valid_s: setup.valid_s };
        if !self.may_turn_to_code() {
            return;
        }
        if self.running.is_none() { self.pay_rest(Some(way)) } else { self.turn_to_code(way) }
    }

    /// Only a sale whose card has not come yet, or the rest of a purchase.
    pub(super) fn may_turn_to_code(&self) -> bool {
        let rest = || !self.pays() && self.waiting.is_none() && self.rest_may_be_paid_by_code();
        // Whoever pays by instalments has chosen that: a code would be paid at once.
        let awaits_card = |running: &Running| {
            running.sale.kind() == Kind::Sale
                && running.sale.instalments().is_none()
                && running.progress == sale::Progress::PresentCard
        };
        self.parts.codes.is_some() && (self.running.as_ref().is_some_and(awaits_card) || rest())
    }

    fn turn_to_code(&mut self, way: Way) {
        let Some(running) = self.running.as_ref() else { return };
        let amount = running.sale.amount();
        let purpose = if self.purchase_is_open() {
            Purpose::Rest(amount, Some(way))
        } else {
            Purpose::Code(amount, running.sold.clone(), way)
        };
        let for_cart = self.shop.paying;
        self.feed(sale::Event::Cancelled);
        // A card that came in the same moment is paid with.
        if self.running.is_some() {
            return;
        }
        // Nobody left the counter.
        self.report = None;
        self.begin_with(purpose);
        // What is in the cart is still what is paid.
        self.shop.paying = for_cart && (self.pays() || self.waiting.is_some());
    }

    /// Begins with nothing in the way.
    pub(super) fn begin_by_code(&mut self, purpose: Purpose) {
        let (amount, sold, way) = match &purpose {
            Purpose::Code(amount, sold, way) => (amount, sold, way),
            Purpose::Rest(amount, Some(way)) => (amount, &Sold::default(), way),
            _ => return,
        };
        let Some(setup) = &self.parts.codes else {
            return self.refuse(purpose, Reason::of(ReasonKind::TransactionNotAllowed));
        };
        if let Some(reason) = permitted::refusal(&self.parts.tables.terminal, Kind::CodePayment, *amount) {
            return self.refuse(purpose, reason);
        }
        let schedule = setup.schedule.clone();
        let way = match way {
            Way::Shown { .. } => way.clone(),
            Way::Scanned(code) => match setup.networks.scanned(code.expose()) {
                Ok(scanned) => Way::Scanned(scanned.code),
                Err(error) => {
                    let reason = Reason::with_detail(ReasonKind::CodeUnknown, error.to_string());
                    return self.refuse(purpose, reason);
                }
            },
        };
        let (amount, sold) = (*amount, sold.clone());
        let trace = match self.take_number() {
            Ok(trace) => trace,
            Err(error) => return self.refuse(purpose, Reason::with_detail(ReasonKind::LedgerFailed, error)),
        };
        self.leave_result();
        self.copies.retain(FollowedCopy::under_way);
        self.kind_shown = Some(Kind::CodePayment);
        if let Way::Scanned(_) = way {
            self.parts.sound.play(Tone::CardRead);
        }
        let payment = CodePayment::new(Order { trace, amount, at: local_now() }, way, schedule);
        self.by_code = Some(ByCode::of(payment, sold, false));
        self.feed_code(Event::Begin);
    }

    /// Asks about the oldest payment that an earlier run left in the middle, if there is one. Gives whether it does.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn resume_by_code(&mut self) -> Result<bool, LedgerError> {
        if self.pays() {
            return Ok(false);
        }
        let left = self.ledger.in_state(State::Pending)?;
        let left = left.into_iter().find_map(|row| row.order().filter(|_| self.not_to_be_reversed != Some(row.trace)));
        let Some(order) = left else { return Ok(false) };
        tracing::warn!(trace = %order.trace, "a payment by code was interrupted; the host is asked about it");
        let schedule = self.parts.codes.as_ref().map(|setup| setup.schedule.clone()).unwrap_or_default();
        self.kind_shown = Some(Kind::CodePayment);
        let payment = CodePayment::resumed(order, Resume::Enquire, schedule);
        self.by_code = Some(ByCode::of(payment, Sold::default(), true));
        self.feed_code(Event::Begin);
        Ok(true)
    }

    /// An earlier payment by code is asked about now.
    pub(super) fn resumes_by_code(&self) -> bool {
        self.by_code.as_ref().is_some_and(|paying| paying.resumed)
    }

    /// What somebody wants to begin while an earlier payment is still asked about begins when that is over and not paid.
    pub(super) fn waits_for_resumed(&mut self, purpose: &Purpose) -> bool {
        let resumed = self.by_code.as_ref().is_some_and(|paying| paying.resumed);
        if resumed && self.waiting.is_none() {
            self.waiting = Some(purpose.clone());
        }
        resumed
    }

    /// Pauses that are over, and codes that are.
    pub(super) fn mind_by_code(&mut self) {
        let now = clock::instant();
        let Some(paying) = self.by_code.as_mut() else { return };
        if paying.expires_at.is_some_and(|at| now >= at) {
            paying.expires_at = None;
            return self.feed_code(Event::CodeExpired);
        }
        if paying.pause_until.is_some_and(|at| now >= at) {
            paying.pause_until = None;
            self.feed_code(Event::PauseOver);
        }
    }

    /// Cashier or customer want out.
    pub(super) fn give_up_code(&mut self) {
        self.feed_code(Event::GivenUp);
    }

    /// What the host said about an order.
    pub(super) fn after_word_on_order(&mut self, trace: TraceNumber, result: Result<HostWord, LinkFailure>) {
        self.line.after_exchange_of_any_kind(&result);
        if deliberate::is("order_asked_anew") && matches!(result, Err(LinkFailure::NoAnswer(_))) {
            return self.ask_anew(trace);
        }
        match self.by_code.as_mut().filter(|paying| paying.trace() == trace) {
            Some(paying) => {
                paying.timings.mark("host");
                self.feed_code(match result {
                    Ok(word) => word.into(),
                    Err(failure) => Event::LinkFailed(failure),
                });
                self.refresh_waiting();
            }
            None => {
                let Ok(HostWord::Stands(Answer::Paid(paid))) = result else { return };
                let Ok(response_code) = ResponseCode::parse(PAID) else { return };
                let late = LateApproval { trace, response_code, rrn: paid.rrn, authorisation_code: None };
                self.after_late_approval(&late);
            }
        }
    }

    /// A fault on purpose: what is not answered counts as not paid, and is asked for under another number.
    fn ask_anew(&mut self, trace: TraceNumber) {
        let silent = self.by_code.take_if(|paying| paying.trace() == trace);
        let (Some(paying), Ok(next)) = (silent, self.take_number()) else { return };
        let record = Record::NotPaid { reason: ReasonKind::HostSilent, response_code: None };
        if let Err(error) = self.ledger.record_code(trace, &record, local_now()) {
            return self.ledger_failed(&error);
        }
        let (order, schedule) = (Order { trace: next, ..paying.payment.order() }, Schedule::default());
        let way = Way::Shown { valid_s: 60 };
        self.by_code = Some(ByCode::of(CodePayment::new(order, way, schedule), paying.sold, false));
        self.feed_code(Event::Begin);
    }

    /// Tells the core what happened and carries out what it wants, strictly in order. A record that fails ends the list.
    pub(super) fn feed_code(&mut self, event: Event) {
        let Some(paying) = self.by_code.as_mut() else { return };
        let mut effects = paying.payment.step(event).into_iter();
        while let Some(effect) = effects.next() {
            if let Err(error) = self.carry_out_by_code(effect) {
                tracing::error!(%error, "the ledger could not be written");
                let Some(paying) = self.by_code.as_mut() else { return };
                let instead = paying.payment.step(Event::RecordFailed(error.to_string()));
                effects = instead.into_iter();
            }
        }
    }

    fn carry_out_by_code(&mut self, effect: Effect) -> Result<(), LedgerError> {
        let Some(paying) = self.by_code.as_mut() else { return Ok(()) };
        match effect {
            Effect::Show(progress) => {
                if let (qr::Progress::ShowingCode(_), Some(setup)) = (&progress, &self.parts.codes) {
                    let valid = Duration::from_secs(setup.valid_s.into());
                    paying.expires_at = Some(clock::instant() + valid);
                    paying.valid_until = Some(local_in(valid));
                }
                // While it is asked whether a code that is shown has been paid, the customer still sees it.
                let still_shown = matches!(paying.progress, qr::Progress::ShowingCode(_))
                    && progress == qr::Progress::WaitingForCustomer;
                if !still_shown {
                    paying.progress = progress;
                }
                self.show_by_code();
            }
            Effect::Record(record) => {
                let trace = paying.trace();
                let sold = &paying.sold;
                self.ledger.record_code_selling(trace, &record, local_now(), sold.lines(), sold.tip())?;
                paying.timings.mark("ledger");
                log(trace, &record);
            }
            Effect::Send(request) => {
                paying.pause_until = None;
                let first = matches!(request, Request::Pay(..) | Request::Open(..));
                // What asks how an order stands tells no more of it.
                let sold = if first { paying.sold.clone() } else { Sold::default() };
                let job = link::Job::Code(Box::new(request), self.told_to_host(sold));
                // What asks about a payment that has left already waits for nothing.
                if first {
                    self.send_once_compared(job);
                } else {
                    self.ask_host(job);
                }
            }
            Effect::Wait(seconds) => {
                paying.pause_until = Some(clock::instant() + Duration::from_secs(seconds.into()));
            }
            Effect::Conclude(conclusion) => self.conclude_by_code(conclusion),
        }
        Ok(())
    }

    /// Where a payment by code stands.
    pub(super) fn show_by_code(&mut self) {
        let Some(paying) = &self.by_code else { return };
        let amount = paying.payment.order().amount;
        self.screen = match &paying.progress {
            qr::Progress::AskingHost => Screen::Processing { amount, progress: Progress::AskingHost },
            qr::Progress::WaitingForCustomer if paying.resumed => {
                Screen::Processing { amount, progress: Progress::AskingAboutEarlier }
            }
            qr::Progress::WaitingForCustomer => Screen::Processing { amount, progress: Progress::WaitingForCustomer },
            qr::Progress::Cancelling => Screen::Processing { amount, progress: Progress::ClosingOrder },
            qr::Progress::ShowingCode(code) => {
                let (code, paper) = (code.clone(), paying.paper.clone());
                Screen::ShowCode { amount, code, valid_until: paying.valid_until, paper }
            }
        };
        self.publish();
    }

    /// Prints the code that is on the screen. It is paid as the one on the screen is, and is over with it.
    pub(super) fn print_code(&mut self) {
        let Some(paying) = &self.by_code else { return };
        let (Screen::ShowCode { code, .. }, false) = (&self.screen, paying.paper == CodePaper::Printing) else {
            return;
        };
        let order = paying.payment.order();
        let slip = ShownCodeSlip {
            merchant_name: self.merchant_name(),
            merchant_code: self.parts.merchant_code.clone(),
            terminal_number: self.parts.terminal_number.clone(),
            trace: order.trace,
            amount: order.amount,
            code: code.clone(),
            valid_until: paying.valid_until,
            mark: self.parts.mark,
        };
        let (trace, bytes) = (order.trace, slip.render(&self.parts.printer_profile, self.parts.language));
        let sent = self.printer_jobs.send(Job::Print { slip: Slip::Code(trace), bytes });
        let paper = match sent {
            Ok(()) => CodePaper::Printing,
            Err(_) => CodePaper::Failed(Reason::of(ReasonKind::PrinterSilent)),
        };
        self.code_on_paper(trace, paper);
    }

    /// How far the paper is. Of an order that is over nobody wants to know.
    pub(super) fn code_on_paper(&mut self, trace: TraceNumber, paper: CodePaper) {
        let Some(paying) = self.by_code.as_mut().filter(|paying| paying.trace() == trace) else { return };
        paying.paper = paper;
        if matches!(self.screen, Screen::ShowCode { .. }) {
            self.show_by_code();
        }
    }

    fn conclude_by_code(&mut self, conclusion: Conclusion) {
        let Some(paying) = self.by_code.take() else { return };
        self.unsent = None;
        let order = paying.payment.order();
        let (trace, amount) = (order.trace, order.amount);
        let conclusion = self.in_own_words(conclusion);
        self.kind_shown = Some(Kind::CodePayment);
        let (ending, reason) = match &conclusion {
            Conclusion::Approved => (Ending::Approved, None),
            Conclusion::Declined(reason) => (Ending::Declined, Some(reason.clone())),
            Conclusion::Failed(reason) => (Ending::Error, Some(reason.clone())),
            Conclusion::TakenBack { reason, .. } => (Ending::Reversed, Some(reason.clone())),
            Conclusion::BeingTakenBack(reason) | Conclusion::NotKnown(reason) | Conclusion::Unresolved(reason) => {
                (Ending::Unresolved, Some(reason.clone()))
            }
        };
        tracing::info!(%trace, outcome = ending.word(), reason = reason.as_ref().map(|r| r.kind.word()), "payment over");
        let paid = paying.payment.paid().cloned().unwrap_or_default();
        // Whose payment was left behind has left as well; what somebody began since is reported.
        if !paying.resumed {
            let approved = conclusion == Conclusion::Approved;
            let code = reason.as_ref().and_then(|reason| reason.code.clone());
            self.report = Some(SaleReport {
                kind: Kind::CodePayment,
                original: None,
                ending,
                amount,
                trace: Some(trace),
                rrn: paid.rrn.clone(),
                authorisation_code: None,
                response_code: code.or_else(|| approved.then(|| ResponseCode::parse(PAID).ok()).flatten()),
                reason,
                balances: Vec::new(),
                purchase: None,
                instalments: None,
                signed: SignedOn::Nothing,
                copies: Vec::new(),
                complete: !matches!(conclusion, Conclusion::Approved | Conclusion::BeingTakenBack(_)),
                timings: paying.timings,
                card: None,
            });
        }
        self.result_shown = Some(trace);
        let stops = stops_what_waits(trace, &conclusion);
        self.parts.sound.play(match &conclusion {
            Conclusion::Approved => Tone::Approved,
            _ => Tone::Alert,
        });
        match conclusion {
            Conclusion::Approved => {
                let truncated_pan = String::new();
                let kind = Kind::CodePayment;
                let paid = Paid { kind, trace, amount, truncated_pan, authorisation_code: None, at: order.at };
                if self.show_what_is_paid(paid) {
                    self.print_new(trace);
                }
            }
            Conclusion::Failed(reason) | Conclusion::TakenBack { reason, paid_back: false }
                if reason.kind == ReasonKind::Cancelled =>
            {
                self.show_keypad();
            }
            Conclusion::Declined(reason) | Conclusion::Failed(reason) => {
                self.screen = Screen::NotPaid { amount, reason, at: local_now() };
            }
            Conclusion::TakenBack { reason, .. } => {
                self.screen = Screen::NotPaid { amount, reason: reason.once_taken_back(), at: local_now() };
            }
            Conclusion::Unresolved(reason) => {
                self.set_alarm(reason.clone());
                self.screen = Screen::Unknown { amount, reason, tries: 0, next_try: None };
            }
            Conclusion::NotKnown(reason) => {
                // Its row is gone on with as soon as the ledger can be written; until then nothing else begins.
                self.left_over = true;
                self.out_of_service = Some(reason.clone());
                self.screen = Screen::Unknown { amount, reason, tries: 0, next_try: Some(local_now()) };
            }
            Conclusion::BeingTakenBack(reason) => {
                self.screen = Screen::Unknown { amount, reason, tries: 0, next_try: Some(local_now()) };
                self.drain_sign_on(true);
            }
        }
        self.queue.look_again();
        self.drain_queue(true);
        self.refresh_waiting();
        self.print_what_was_given_up();
        self.complete_what_nothing_follows(trace);
        if paying.resumed
            && let Some(purpose) = self.waiting.take()
        {
            match stops {
                None => self.begin_with(purpose),
                Some(reason) => self.refuse_beside_result(purpose, reason),
            }
        }
    }

    /// What waited is not begun, and what became of the earlier payment stays on the screen.
    fn refuse_beside_result(&mut self, purpose: Purpose, reason: Reason) {
        let shown = self.screen.clone();
        self.refuse(purpose, reason);
        self.screen = shown;
    }

    /// A refusal says what the acquirer wants to be said of its code, where it sent words for it.
    fn in_own_words(&self, conclusion: Conclusion) -> Conclusion {
        match conclusion {
            Conclusion::Declined(reason) => Conclusion::Declined(self.parts.tables.in_own_words(reason)),
            other => other,
        }
    }

    /// What was kept back never leaves.
    pub(super) fn withhold(&mut self, reason: Reason) {
        if self.by_code.is_some() {
            return self.feed_code(Event::Withheld(reason));
        }
        self.feed(sale::Event::Withheld(reason));
    }

    /// What was kept back could not be sent.
    pub(super) fn request_failed(&mut self, failure: LinkFailure) {
        if self.by_code.is_some() {
            return self.feed_code(Event::LinkFailed(failure));
        }
        self.feed(sale::Event::LinkFailed(failure));
    }
}

/// Why what waited for an earlier payment does not begin by itself when that is over: whoever began it may be the customer who has paid, or
/// may have.
fn stops_what_waits(earlier: TraceNumber, conclusion: &Conclusion) -> Option<Reason> {
    let kind = match conclusion {
        Conclusion::Approved => ReasonKind::EarlierPaid,
        Conclusion::Unresolved(_) => ReasonKind::ReversalExhausted,
        // What is still taken back or asked about it waits for once more.
        Conclusion::Declined(_)
        | Conclusion::Failed(_)
        | Conclusion::TakenBack { .. }
        | Conclusion::BeingTakenBack(_)
        | Conclusion::NotKnown(_) => return None,
    };
    Some(Reason::with_detail(kind, earlier.to_string()))
}

fn log(trace: TraceNumber, record: &Record) {
    let what = match record {
        Record::Pending(_) => "pending",
        Record::Paid(_) => "approved",
        Record::NotPaid { .. } => "declined",
        Record::CancelDue { .. } => "reversal_due",
        Record::Cancelled { .. } => "reversed",
        Record::LatePaid => "paid too late",
        Record::Unresolved { .. } => "unresolved",
    };
    tracing::info!(%trace, state = what, "recorded");
}
