//! The engine: one thread that takes intents and events, runs the payment core and carries out its effects in order.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Zoned;
use jiff::civil::DateTime;

use super::printing::FollowedCopy;
use super::report::{Ending, SaleReport, Timings};
use super::reversals::ReversalDesk;
use super::running::Running;
use super::view::{CopyState, Intent, LinkState, Progress, ROWS_PER_PAGE, RowState, Screen, TransactionRow, View};
use super::workers::reader::{self, ReaderWorker, Ticket};
use super::workers::{link, printer};
use crate::acquirer::link::HostLink;
use crate::devices::printer::Printer;
use crate::devices::reader::CardReader;
use crate::devices::sound::{Sound, Tone};
use crate::emv::terminal::TerminalData;
use crate::ledger::{Ledger, LedgerError};
use crate::money::{Amount, Currency};
use crate::payment::online::LinkFailure;
use crate::payment::record::{Record, State};
use crate::payment::sale::{self, Conclusion, Effect, Event, Opening, Sale};
use crate::receipt::PrinterProfile;
use crate::reference::{MerchantCode, TerminalNumber, TraceNumber};
use crate::terminal::identity::Identity;
use crate::wording::{Language, Reason, ReasonKind};

/// How long a paid result stays on screen once its slips are out.
const RESULT_STAYS: Duration = Duration::from_secs(6);

/// How often a ledger that failed is tried again.
const LEDGER_INTERVAL: Duration = Duration::from_secs(10);

/// How often the host is looked for while it is not known to be there.
const CHECK_INTERVAL: Duration = Duration::from_secs(15);

/// Everything an engine is made of.
pub struct Parts {
    /// Who this terminal is.
    pub identity: Identity,
    /// Its merchant code.
    pub merchant_code: MerchantCode,
    /// Its terminal number.
    pub terminal_number: TerminalNumber,
    /// The terminal's side of EMV.
    pub terminal: TerminalData,
    /// The ledger.
    pub ledger: Ledger,
    /// The card reader.
    pub reader: Box<dyn CardReader>,
    /// The printer.
    pub printer: Box<dyn Printer>,
    /// What the printer can do.
    pub printer_profile: PrinterProfile,
    /// How long a slip waits for paper.
    pub printer_patience: Duration,
    /// Sounds.
    pub sound: Box<dyn Sound>,
    /// The way to the host.
    pub link: Arc<dyn HostLink>,
    /// Currency of the keypad.
    pub currency: Currency,
    /// Language of the slips.
    pub language: Language,
    /// How long to wait for a card.
    pub card_wait: Duration,
    /// Keys, host or cards are for tests only.
    pub test: bool,
    /// Held as long as the engine runs: two engines on one ledger would take each other's payments back.
    pub lock: EngineLock,
}

/// The right to be the one engine on a ledger.
#[derive(Debug)]
pub struct EngineLock(#[expect(dead_code, reason = "the lock is held, never looked at")] pub(super) std::fs::File);

/// Who watches the engine. Called on the engine's thread: must not block.
pub trait Listener: Send {
    /// Something to see has changed.
    fn show(&mut self, view: &View);

    /// A sale is over, or something about it has become known since.
    fn report(&mut self, report: &SaleReport);
}

/// A running engine. Dropping it ends the engine's thread once no sale is between request and answer.
#[derive(Debug)]
pub struct Engine {
    messages: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

/// What reaches the engine's thread.
#[derive(Debug)]
enum Message {
    Intent(Intent),
    Reader(Ticket, reader::Event),
    Link(link::Event),
    Printer(printer::Event),
    Stop,
}

/// A handle that sends intents and can be given away.
#[derive(Clone, Debug)]
pub struct Intents(Sender<Message>);

impl Intents {
    /// Sends an intent; silently dropped when the engine has ended.
    pub fn send(&self, intent: Intent) {
        let _ = self.0.send(Message::Intent(intent));
    }
}

impl Engine {
    /// Starts the engine's thread and those of the devices. First it takes back what a power cut left behind.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(parts: Parts, listener: Box<dyn Listener>) -> std::io::Result<Self> {
        let (messages, receiver) = channel();
        let sender = messages.clone();
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            match Core::new(parts, listener, &sender) {
                Ok(mut core) => core.run(&receiver),
                Err(error) => tracing::error!(%error, "the engine cannot start its workers"),
            }
        })?;
        Ok(Self { messages, thread: Some(thread) })
    }

    /// A handle for whoever has wishes.
    pub fn intents(&self) -> Intents {
        Intents(self.messages.clone())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.messages.send(Message::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What stays of [`Parts`] once devices and ledger have gone to their places.
pub(super) struct Fixed {
    pub identity: Identity,
    merchant_code: MerchantCode,
    terminal_number: TerminalNumber,
    terminal: TerminalData,
    pub printer_profile: PrinterProfile,
    sound: Box<dyn Sound>,
    currency: Currency,
    pub language: Language,
    card_wait: Duration,
    pub test: bool,
    _lock: EngineLock,
}

/// The engine's state. Only its own thread touches it.
pub(super) struct Core {
    pub(super) parts: Fixed,
    pub(super) ledger: Ledger,
    listener: Box<dyn Listener>,
    reader: ReaderWorker,
    link_jobs: Sender<link::Job>,
    /// Looking for the host has a thread of its own: a payment never waits behind it.
    check_jobs: Sender<link::Job>,
    pub(super) printer_jobs: Sender<printer::Job>,
    pub(super) screen: Screen,
    /// Which transaction's result is on screen.
    pub(super) result_shown: Option<TraceNumber>,
    /// Which transaction's slips are on screen.
    pub(super) slips_shown: Option<TraceNumber>,
    /// Stays above the keypad until somebody has dealt with it.
    pub(super) alarm: Option<Reason>,
    link_state: LinkState,
    pub(super) running: Option<Running>,
    /// A payment that waits for reversals.
    pub(super) waiting_charge: Option<Amount>,
    pub(super) reversals: ReversalDesk,
    pub(super) copies: Vec<FollowedCopy>,
    report: Option<SaleReport>,
    ticket: Ticket,
    leave_result_at: Option<Instant>,
    next_check: Instant,
    next_ledger_try: Instant,
    checking: bool,
    shown: Option<View>,
}

impl Core {
    fn new(parts: Parts, listener: Box<dyn Listener>, messages: &Sender<Message>) -> std::io::Result<Self> {
        let reader = ReaderWorker::start(parts.reader, messages.clone(), Message::Reader)?;
        let link_jobs = link::start(Arc::clone(&parts.link), messages.clone(), Message::Link)?;
        let check_jobs = link::start(parts.link, messages.clone(), Message::Link)?;
        let printer_jobs = printer::start(parts.printer, parts.printer_patience, messages.clone(), Message::Printer)?;
        Ok(Self {
            parts: Fixed {
                identity: parts.identity,
                merchant_code: parts.merchant_code,
                terminal_number: parts.terminal_number,
                terminal: parts.terminal,
                printer_profile: parts.printer_profile,
                sound: parts.sound,
                currency: parts.currency,
                language: parts.language,
                card_wait: parts.card_wait,
                test: parts.test,
                _lock: parts.lock,
            },
            ledger: parts.ledger,
            listener,
            reader,
            link_jobs,
            check_jobs,
            printer_jobs,
            screen: Screen::Keypad { notice: None },
            result_shown: None,
            slips_shown: None,
            alarm: None,
            link_state: LinkState::Untried,
            running: None,
            waiting_charge: None,
            reversals: ReversalDesk::new(),
            copies: Vec::new(),
            report: None,
            ticket: 0,
            leave_result_at: None,
            next_check: Instant::now(),
            next_ledger_try: Instant::now(),
            checking: false,
            shown: None,
        })
    }

    fn run(&mut self, messages: &Receiver<Message>) {
        if let Err(error) = self.take_up_what_was_left() {
            self.ledger_failed(&error);
        }
        self.show_keypad_if_free();
        self.drain_reversals(true);
        self.publish();
        let mut stopping = false;
        loop {
            match messages.recv_timeout(Duration::from_millis(500)) {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => stopping = true,
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
            }
            // A request that is out is waited for: its row is safe, but the customer wants the answer.
            if stopping && !self.between_request_and_end() {
                return;
            }
            if !stopping {
                self.tick();
            }
            self.publish();
        }
    }

    /// What a power cut or an earlier run left behind.
    fn take_up_what_was_left(&mut self) -> Result<(), LedgerError> {
        self.adopt_interrupted()?;
        let unresolved = self.ledger.in_state(State::Unresolved)?;
        self.alarm =
            unresolved.first().map(|row| Reason::with_detail(ReasonKind::ReversalExhausted, row.trace.to_string()));
        self.adopt_slips()
    }

    fn between_request_and_end(&self) -> bool {
        self.running.as_ref().is_some_and(|running| {
            matches!(running.progress, sale::Progress::AskingHost | sale::Progress::CompletingCard)
        })
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Intent(intent) => self.on_intent(intent),
            Message::Reader(ticket, event) => self.on_reader(ticket, event),
            Message::Link(event) => self.on_link(event),
            Message::Printer(event) => self.after_print(event),
            Message::Stop => {}
        }
    }

    fn on_intent(&mut self, intent: Intent) {
        match intent {
            Intent::Charge(amount) => self.charge(amount),
            Intent::Cancel if self.running.is_none() => {
                if self.waiting_charge.is_some() {
                    self.show_keypad();
                }
            }
            Intent::Cancel => self.feed(Event::Cancelled),
            Intent::NextCustomer | Intent::ShowKeypad if self.running.is_none() => self.show_keypad(),
            Intent::NextCustomer | Intent::ShowKeypad => {}
            Intent::DidItPrint { copy, printed } => self.did_it_print(copy, printed),
            Intent::RetryPrint => self.retry_failed(),
            Intent::Reprint(trace) => self.print_again(trace),
            Intent::ShowTransactions(page) if self.running.is_none() => self.show_transactions(page),
            Intent::ShowTransactions(_) => {}
        }
    }

    /// Begins a payment, after reversals that are due.
    fn charge(&mut self, amount: Amount) {
        // A second touch on the same button is not a second payment.
        let free = self.running.is_none() && self.waiting_charge.is_none();
        if !free || amount.is_zero() {
            return;
        }
        let waiting = match self.adopt_interrupted().and_then(|()| self.reversals_waiting()) {
            Ok(waiting) => waiting,
            Err(error) => {
                return self.refuse(amount, Reason::with_detail(ReasonKind::LedgerFailed, error.to_string()));
            }
        };
        if waiting == 0 && self.reversals.in_flight.is_none() {
            self.begin_sale(amount);
            return;
        }
        self.waiting_charge = Some(amount);
        self.result_shown = None;
        self.screen = Screen::Processing { amount, progress: Progress::ReversingEarlier };
        self.drain_reversals(true);
    }

    /// Begins a payment with nothing in its way.
    pub(super) fn begin_sale(&mut self, amount: Amount) {
        let timings = Timings::start();
        let mut unpredictable_number = [0; 4];
        if let Err(error) = getrandom::fill(&mut unpredictable_number) {
            return self.refuse(amount, Reason::with_detail(ReasonKind::ReaderMissing, error.to_string()));
        }
        let trace = match self.ledger.take_trace_number() {
            Ok(trace) => trace,
            Err(error) => {
                return self.refuse(amount, Reason::with_detail(ReasonKind::LedgerFailed, error.to_string()));
            }
        };
        let sale = Sale::new(Opening {
            trace,
            amount,
            at: local_now(),
            unpredictable_number,
            merchant_code: self.parts.merchant_code.clone(),
            terminal_number: self.parts.terminal_number.clone(),
            serial_number: self.parts.identity.serial_number.clone(),
            terminal: self.parts.terminal.clone(),
        });
        self.ticket += 1;
        self.leave_result();
        self.running =
            Some(Running { sale, ticket: self.ticket, progress: sale::Progress::PresentCard, notice: None, timings });
        self.feed(Event::Begin);
    }

    /// A payment that cannot begin: said above the keypad and in the report.
    pub(super) fn refuse(&mut self, amount: Amount, reason: Reason) {
        self.parts.sound.play(Tone::Alert);
        self.report = Some(SaleReport {
            ending: Ending::Error,
            amount,
            trace: None,
            reason: Some(reason.clone()),
            card: None,
            rrn: None,
            authorisation_code: None,
            response_code: None,
            copies: Vec::new(),
            timings: Timings::start(),
            complete: true,
        });
        self.screen = Screen::Keypad { notice: Some(reason) };
    }

    fn on_reader(&mut self, ticket: Ticket, event: reader::Event) {
        let Some(running) = self.running.as_mut().filter(|running| running.ticket == ticket) else { return };
        let event = match event {
            reader::Event::StillIn => {
                running.notice = Some(Reason::of(ReasonKind::RemoveCard));
                return self.show_progress();
            }
            reader::Event::Inserted => {
                running.notice = None;
                running.timings.mark("card_wait");
                Event::CardInserted
            }
            reader::Event::Answered(answer) => {
                running.timings.mark(running.card_part());
                Event::CardAnswered(answer)
            }
            reader::Event::Torn => Event::CardTorn,
            reader::Event::Mute => Event::CardMute,
            reader::Event::NoCard => Event::NoCard,
            reader::Event::Failed(detail) => Event::ReaderFailed(detail),
        };
        self.feed(event);
    }

    fn on_link(&mut self, event: link::Event) {
        match event {
            link::Event::Sale(trace, result) => {
                self.note_link(&result);
                let Some(running) = self.running.as_mut().filter(|running| running.sale.trace() == trace) else {
                    return;
                };
                running.timings.mark("host");
                self.feed(match result {
                    Ok(answer) => Event::HostAnswered(answer),
                    Err(failure) => Event::LinkFailed(failure),
                });
                self.refresh_waiting();
            }
            link::Event::Reversal(trace, result) => {
                self.note_link(&result);
                self.after_reversal(trace, &result);
                self.refresh_waiting();
            }
            link::Event::Check(result) => {
                self.checking = false;
                self.next_check = Instant::now() + CHECK_INTERVAL;
                self.note_link(&result);
            }
        }
    }

    fn note_link<T>(&mut self, result: &Result<T, LinkFailure>) {
        let waiting = self.reversals_waiting().unwrap_or_default();
        self.link_state = match result {
            Ok(_) => LinkState::Online,
            Err(LinkFailure::NeverSent(_) | LinkFailure::Unsendable(_)) => LinkState::Offline { waiting },
            Err(LinkFailure::NoAnswer(_) | LinkFailure::BadMac(_) | LinkFailure::WrongAnswer(_)) => {
                LinkState::HostSilent { waiting }
            }
        };
    }

    fn refresh_waiting(&mut self) {
        let count = self.reversals_waiting().unwrap_or_default();
        match &mut self.link_state {
            LinkState::Offline { waiting } | LinkState::HostSilent { waiting } => *waiting = count,
            LinkState::Untried | LinkState::Online => {}
        }
    }

    /// Tells the core what happened and carries out what it wants, strictly in order. A record that fails ends the list:
    /// what stands behind it is not done, and the core is told.
    fn feed(&mut self, event: Event) {
        let Some(running) = self.running.as_mut() else { return };
        let mut effects = running.sale.step(event).into_iter();
        while let Some(effect) = effects.next() {
            if let Err(error) = self.carry_out(effect) {
                tracing::error!(%error, "the ledger could not be written");
                let Some(running) = self.running.as_mut() else { return };
                let mut instead = running.sale.step(Event::RecordFailed(error.to_string()));
                if instead.is_empty() {
                    // A sale must end. What it may have charged is taken back by its row.
                    let reason = Reason::with_detail(ReasonKind::LedgerFailed, error.to_string());
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
                self.show_progress();
            }
            Effect::SoundCardRead => self.parts.sound.play(Tone::CardRead),
            Effect::AwaitCard => {
                self.reader.send(reader::Job::Await { ticket: running.ticket, timeout: self.parts.card_wait });
            }
            Effect::Apdu(command) => self.reader.send(reader::Job::Transmit { ticket: running.ticket, command }),
            Effect::Record(record) => {
                let trace = running.sale.trace();
                self.ledger.record(trace, &record)?;
                if let Some(running) = self.running.as_mut() {
                    running.timings.mark("ledger");
                }
                log_record(trace, &record);
            }
            Effect::Send(request) => self.ask_host(link::Job::Sale(request)),
            Effect::ReleaseCard => {
                self.reader.stop_waiting();
                self.reader.send(reader::Job::Release);
            }
            Effect::Conclude(conclusion) => self.conclude(conclusion),
        }
        Ok(())
    }

    /// Hands something to the link's worker. Its thread ends only with the engine.
    pub(super) fn ask_host(&mut self, job: link::Job) {
        if self.link_jobs.send(job).is_err() {
            tracing::error!("the link's thread has ended");
        }
    }

    fn conclude(&mut self, conclusion: Conclusion) {
        let Some(running) = self.running.take() else { return };
        let (trace, amount) = (running.sale.trace(), running.sale.amount());
        let row = self.ledger.find(trace).unwrap_or_default();
        let (ending, reason) = match &conclusion {
            Conclusion::Approved => (Ending::Approved, None),
            Conclusion::Declined(reason) => (Ending::Declined, Some(reason.clone())),
            Conclusion::Failed(reason) => (Ending::Error, Some(reason.clone())),
            Conclusion::ReversalDue(reason) => (Ending::Unresolved, Some(reason.clone())),
        };
        tracing::info!(%trace, outcome = ending.word(), reason = reason.as_ref().map(|r| r.kind.word()), "sale over");
        self.report = Some(SaleReport {
            ending,
            amount,
            trace: Some(trace),
            reason,
            card: running.sale.card(),
            rrn: row.as_ref().and_then(|row| row.rrn.clone()),
            authorisation_code: row.as_ref().and_then(|row| row.authorisation_code.clone()),
            response_code: row.as_ref().and_then(|row| row.response_code.clone()),
            copies: Vec::new(),
            timings: running.timings,
            complete: matches!(ending, Ending::Declined | Ending::Error),
        });
        self.result_shown = Some(trace);
        match conclusion {
            Conclusion::Approved => {
                self.parts.sound.play(Tone::Approved);
                self.show_approved(trace);
                self.print_new(trace);
                if self.copy_views(trace).is_empty()
                    && let Some(report) = self.report_of(trace)
                {
                    report.complete = true;
                }
            }
            Conclusion::Failed(reason) if reason.kind == ReasonKind::Cancelled => self.show_keypad(),
            Conclusion::Declined(reason) | Conclusion::Failed(reason) => {
                self.parts.sound.play(Tone::Alert);
                self.screen = Screen::NotPaid { amount, reason, at: local_now() };
            }
            Conclusion::ReversalDue(reason) => {
                self.parts.sound.play(Tone::Alert);
                self.screen = Screen::Unknown { amount, reason, tries: 0, next_try: Some(local_now()) };
                self.drain_reversals(true);
                // Nothing could be sent: there is nothing to wait for.
                if self.reversals.in_flight.is_none()
                    && let Some(report) = self.report_of(trace)
                {
                    report.complete = true;
                }
            }
        }
    }

    /// What happens without anybody asking.
    fn tick(&mut self) {
        if matches!(self.screen, Screen::OutOfService { .. }) && Instant::now() >= self.next_ledger_try {
            self.next_ledger_try = Instant::now() + LEDGER_INTERVAL;
            if self.ledger.check_writable().is_ok() {
                self.show_keypad();
            }
        }
        self.drain_reversals(false);
        if self.leave_result_at.is_some_and(|at| Instant::now() >= at) {
            self.show_keypad();
        }
        if let (Screen::Approved { copies, .. }, None) = (&self.screen, self.leave_result_at) {
            let all_printed = copies.iter().all(|copy| copy.state == CopyState::Printed);
            self.leave_result_at = all_printed.then(|| Instant::now() + RESULT_STAYS);
        }
        let idle = self.running.is_none() && self.reversals.in_flight.is_none() && !self.checking;
        if idle && self.link_state != LinkState::Online && Instant::now() >= self.next_check {
            self.checking = self.check_jobs.send(link::Job::Check).is_ok();
        }
    }

    fn show_progress(&mut self) {
        let Some(running) = &self.running else { return };
        let amount = running.sale.amount();
        self.screen = match running.progress {
            sale::Progress::PresentCard => Screen::PresentCard { amount, notice: running.notice.clone() },
            sale::Progress::ReadingCard => Screen::Processing { amount, progress: Progress::ReadingCard },
            sale::Progress::AskingHost => Screen::Processing { amount, progress: Progress::AskingHost },
            sale::Progress::CompletingCard => Screen::Processing { amount, progress: Progress::CompletingCard },
        };
        // What a person sees must not lag behind what happens next.
        self.publish();
    }

    pub(super) fn show_approved(&mut self, trace: TraceNumber) {
        let row = match self.ledger.find(trace) {
            Ok(Some(row)) => row,
            Ok(None) => return,
            Err(error) => return self.ledger_failed(&error),
        };
        self.result_shown = Some(trace);
        self.slips_shown = Some(trace);
        self.screen = Screen::Approved {
            amount: row.amount,
            truncated_pan: row.truncated_pan,
            authorisation_code: row.authorisation_code.map(|code| code.to_string()).unwrap_or_default(),
            copies: self.copy_views(trace),
            at: row.at,
        };
    }

    fn show_keypad_if_free(&mut self) {
        if matches!(self.screen, Screen::Keypad { .. }) {
            self.show_keypad();
        }
    }

    fn show_keypad(&mut self) {
        self.leave_result();
        self.screen = Screen::Keypad { notice: self.alarm.clone() };
    }

    /// Whatever was on screen is left; a payment that waited for reversals is given up.
    fn leave_result(&mut self) {
        self.leave_result_at = None;
        self.result_shown = None;
        self.slips_shown = None;
        self.waiting_charge = None;
        self.forget_finished_slips();
    }

    fn show_transactions(&mut self, page: usize) {
        self.leave_result();
        let read = (|| {
            let count = self.ledger.count()?;
            let pages = count.div_ceil(ROWS_PER_PAGE).max(1);
            let page = page.min(pages - 1);
            let total = self.ledger.paid_on(local_now().date(), self.parts.currency)?;
            Ok((self.ledger.page(page, ROWS_PER_PAGE)?, page, pages, total))
        })();
        let (rows, page, pages, total) = match read {
            Ok(read) => read,
            Err(error) => return self.ledger_failed(&error),
        };
        self.screen = Screen::Transactions {
            rows: rows.into_iter().map(view_of_row).collect(),
            page,
            pages,
            count_today: total.count,
            total_today: total.amount,
            copies: Vec::new(),
        };
    }

    /// The ledger cannot be read or written: no payment can be taken.
    pub(super) fn ledger_failed(&mut self, error: &LedgerError) {
        tracing::error!(%error, "the ledger failed");
        self.next_ledger_try = Instant::now() + LEDGER_INTERVAL;
        if let Some(report) = &mut self.report {
            report.complete = true;
        }
        let reason = Reason::with_detail(ReasonKind::LedgerFailed, error.to_string());
        if let Some(amount) = self.waiting_charge.take() {
            self.refuse(amount, reason.clone());
        }
        self.screen = Screen::OutOfService { reason };
    }

    /// Slips that nobody looks at any more: what is still on its way stays, the ledger keeps how far the others came.
    fn forget_finished_slips(&mut self) {
        self.copies.retain(FollowedCopy::under_way);
    }

    /// The report of the last sale, if it is about this transaction.
    pub(super) fn report_of(&mut self, trace: TraceNumber) -> Option<&mut SaleReport> {
        self.report.as_mut().filter(|report| report.trace == Some(trace))
    }

    /// Tells the listener what has changed since the last time.
    pub(super) fn publish(&mut self) {
        let view = View {
            screen: self.screen.clone(),
            link: self.link_state,
            merchant_name: self.parts.identity.merchant_name.clone(),
            currency: self.parts.currency,
            test: self.parts.test,
        };
        if self.shown.as_ref() != Some(&view) {
            self.listener.show(&view);
            self.shown = Some(view);
        }
        if let Some(report) = &self.report
            && report.complete
        {
            self.listener.report(report);
            self.report = None;
        }
    }
}

/// The terminal's local time, to the second.
pub(super) fn local_now() -> DateTime {
    local_in(Duration::ZERO)
}

/// Local time some seconds from now.
pub(super) fn local_in(delay: Duration) -> DateTime {
    let now = Zoned::now().datetime();
    let later = now.saturating_add(jiff::SignedDuration::try_from(delay).unwrap_or_default());
    later.with().subsec_nanosecond(0).build().unwrap_or(later)
}

fn view_of_row(row: crate::ledger::TransactionRow) -> TransactionRow {
    TransactionRow {
        trace: row.trace,
        at: row.at,
        amount: row.amount,
        truncated_pan: row.truncated_pan,
        state: match row.state {
            State::Pending | State::HostApproved => RowState::Pending,
            State::Approved => RowState::Approved,
            State::Declined => RowState::Declined,
            State::ReversalDue => RowState::ReversalDue,
            State::Reversed => RowState::Reversed,
            State::Unresolved => RowState::Unresolved,
        },
    }
}

fn log_record(trace: TraceNumber, record: &Record) {
    let what = match record {
        Record::Pending(_) => "pending",
        Record::HostApproved { .. } => "host_approved",
        Record::Approved(_) => "approved",
        Record::NotPaid { .. } => "declined",
        Record::ReversalDue { .. } => "reversal_due",
    };
    tracing::info!(%trace, state = what, "recorded");
}
