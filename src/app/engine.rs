//! The engine: one thread that takes intents and events, runs the payment core and carries out its effects in order.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::binding::BindingDesk;
use super::choosing;
use super::line::Line;
use super::parameters::ParameterDesk;
use super::pin_entry;
use super::printing::FollowedCopy;
use super::queue::QueueDesk;
use super::report::{Ending, SaleReport, Timings};
use super::running::{Question, Running};
use super::showing::local_now;
use super::sign_on::SignOnDesk;
use super::slips_of_the_queue::QueueSlips;
use super::view::{CopyState, Intent, LinkState, PinPlace, Progress, Screen, View};
use super::workers::reader::{self, ReaderWorker, Ticket};
use super::workers::{Devices, Workers, link, printer};
use crate::acquirer::link::HostLink;
use crate::clock;
use crate::devices::printer::Printer;
use crate::devices::reader::CardReader;
use crate::devices::sound::{Sound, Tone};
use crate::emv::pin::PinEntry;
use crate::emv::terminal::TerminalData;
use crate::iso8583::QueueCodes;
use crate::ledger::{Ledger, LedgerError};
use crate::money::{Amount, Currency};
use crate::payment::chooser::Chooser;
use crate::payment::queue::EntryId;
use crate::payment::record::Record;
use crate::payment::sale::{self, Conclusion, Effect, Event, Opening, Sale};
use crate::receipt::PrinterProfile;
use crate::reference::{MerchantCode, TerminalNumber, TraceNumber};
use crate::terminal::emv_files::EmvFiles;
use crate::terminal::identity::Identity;
use crate::wording::{Language, Reason, ReasonKind};

/// How long a paid result stays on screen once its slips are out.
const RESULT_STAYS: Duration = Duration::from_secs(6);

/// How long a slip that is being printed keeps the engine from stopping.
const LAST_SLIP: Duration = Duration::from_secs(30);

/// How long an engine to which nothing happens waits before it looks what is due.
const TICK: Duration = Duration::from_millis(500);

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
    /// Where data that the host sends are kept.
    pub emv_files: EmvFiles,
    /// The ledger.
    pub ledger: Ledger,
    /// The card reader.
    pub reader: Box<dyn CardReader>,
    /// A file that is there while a card which has been in a sale is in the reader.
    pub used_card_note: PathBuf,
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
    /// The vault holds working keys.
    pub has_working_keys: bool,
    /// Which of its response codes end an entry of the queue.
    pub queue_codes: QueueCodes,
    /// Currency of the keypad.
    pub currency: Currency,
    /// Language of the slips.
    pub language: Language,
    /// How long to wait for a card, and for an answer to what its holder is asked about it.
    pub card_wait: Duration,
    /// How long to wait for a PIN.
    pub pin_wait: Duration,
    /// A cardholder may go on without a PIN.
    pub pin_bypass: bool,
    /// PINs may be typed on the screen when the reader has no pad. Counts with test keys only.
    pub screen_pad: bool,
    /// Its digits stand on other keys each time.
    pub shuffled_pin_keys: bool,
    /// Who chooses among several applications of a card.
    pub chooser: Chooser,
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

/// A running engine. Dropping it ends the engine's thread: a payment that waits for a card is cancelled, an answer of the
/// host and a slip that is coming out are waited for.
#[derive(Debug)]
pub struct Engine {
    messages: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

/// What reaches the engine.
#[derive(Debug)]
pub(super) enum Message {
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
            let (devices, fixed, ledger) = parts.split();
            let line = Line::new(devices.link.echo_interval());
            match threads(devices, &sender) {
                Ok(workers) => Core::new(fixed, ledger, line, listener, workers).run(&receiver),
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
    pub terminal: TerminalData,
    pub printer_profile: PrinterProfile,
    pub sound: Box<dyn Sound>,
    pub queue_codes: QueueCodes,
    pub currency: Currency,
    pub language: Language,
    pub pin_wait: Duration,
    pin_bypass: bool,
    pub screen_pad: bool,
    shuffled_pin_keys: bool,
    pub card_wait: Duration,
    chooser: Chooser,
    pub has_working_keys: bool,
    pub test: bool,
    _lock: EngineLock,
}

/// The engine's state. Only its own thread touches it.
pub(super) struct Core {
    pub(super) parts: Fixed,
    pub(super) ledger: Ledger,
    pub(super) listener: Box<dyn Listener>,
    pub(super) reader: ReaderWorker,
    link_jobs: Sender<link::Job>,
    /// Looking for the host, telling it of payments that are over and fetching terminal data have a thread of their own: a
    /// payment never waits behind them.
    pub(super) check_jobs: Sender<link::Job>,
    pub(super) printer_jobs: Sender<printer::Job>,
    pub(super) screen: Screen,
    /// Which transaction's result is on screen.
    pub(super) result_shown: Option<TraceNumber>,
    /// Which transaction's slips are on screen.
    pub(super) slips_shown: Option<TraceNumber>,
    /// Stays above the keypad until somebody has dealt with it.
    pub(super) alarm: Option<Reason>,
    /// Why no payment can be taken; shown as soon as no result is.
    pub(super) out_of_service: Option<Reason>,
    pub(super) line: Line,
    /// Held as long as the idle line is watched.
    _line_watch: Sender<Infallible>,
    pub(super) parameters: ParameterDesk,
    pub(super) binding: BindingDesk,
    pub(super) running: Option<Running>,
    /// A row that stays `pending` because it could not be written that it is for a person: it must not be taken back.
    pub(super) not_to_be_reversed: Option<TraceNumber>,
    /// What an earlier run left could not be taken up yet.
    pub(super) left_over: bool,
    /// The reader's own pad asks for a PIN, perhaps for a payment that is over.
    pub(super) pad_asks: bool,
    /// A payment that waits for reversals.
    pub(super) waiting_charge: Option<Amount>,
    pub(super) sign_on: SignOnDesk,
    pub(super) queue: QueueDesk,
    pub(super) queue_slips: QueueSlips,
    /// Entries of the queue that are open.
    pub(super) queued: usize,
    pub(super) copies: Vec<FollowedCopy>,
    pub(super) report: Option<SaleReport>,
    ticket: Ticket,
    pub(super) leave_result_at: Option<Instant>,
    pub(super) next_ledger_try: Instant,
    pub(super) shown: Option<View>,
}

impl Parts {
    /// Devices go to their workers; the rest stays with the engine.
    pub(super) fn split(self) -> (Devices, Fixed, Ledger) {
        let parts = self;
        let fixed = Fixed {
            identity: parts.identity,
            merchant_code: parts.merchant_code,
            terminal_number: parts.terminal_number,
            terminal: parts.terminal,
            printer_profile: parts.printer_profile,
            sound: parts.sound,
            queue_codes: parts.queue_codes,
            currency: parts.currency,
            language: parts.language,
            card_wait: parts.card_wait,
            pin_wait: parts.pin_wait,
            pin_bypass: parts.pin_bypass,
            screen_pad: parts.screen_pad,
            shuffled_pin_keys: parts.shuffled_pin_keys,
            chooser: parts.chooser,
            has_working_keys: parts.has_working_keys,
            test: parts.test,
            _lock: parts.lock,
        };
        let devices = Devices {
            reader: parts.reader,
            used_card_note: parts.used_card_note,
            printer: parts.printer,
            printer_patience: parts.printer_patience,
            link: parts.link,
            emv_files: parts.emv_files,
        };
        (devices, fixed, parts.ledger)
    }
}

impl Core {
    pub(super) fn new(fixed: Fixed, ledger: Ledger, line: Line, listener: Box<dyn Listener>, workers: Workers) -> Self {
        Self {
            parts: fixed,
            ledger,
            listener,
            reader: workers.reader,
            link_jobs: workers.link,
            check_jobs: workers.second_link,
            printer_jobs: workers.printer,
            screen: Screen::Keypad { notice: None },
            result_shown: None,
            slips_shown: None,
            alarm: None,
            out_of_service: None,
            line,
            _line_watch: workers.line_watch,
            parameters: ParameterDesk::new(),
            binding: BindingDesk::new(),
            running: None,
            not_to_be_reversed: None,
            left_over: true,
            pad_asks: false,
            waiting_charge: None,
            sign_on: SignOnDesk::new(),
            queue: QueueDesk::new(),
            queue_slips: QueueSlips::new(),
            queued: 0,
            copies: Vec::new(),
            report: None,
            ticket: 0,
            leave_result_at: None,
            next_ledger_try: clock::instant(),
            shown: None,
        }
    }

    /// What an engine does first.
    pub(super) fn begin(&mut self) {
        if let Err(error) = self.take_up_what_was_left() {
            self.ledger_failed(&error);
        }
        if matches!(self.screen, Screen::Keypad { .. }) {
            self.show_keypad();
        }
        self.refresh_waiting();
        self.drain_sign_on(true);
        self.drain_queue(true);
        self.publish();
    }

    /// What an engine does whenever something has happened, or nothing for a while.
    pub(super) fn go_on_with(&mut self, message: Option<Message>) {
        if let Some(message) = message {
            self.take(message);
        }
        self.tick();
        self.publish();
    }

    fn run(&mut self, messages: &Receiver<Message>) {
        self.begin();
        let mut stopping = false;
        loop {
            let message = match messages.recv_timeout(TICK) {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => {
                    stopping = true;
                    self.queue.stop();
                    // Nobody is there any more to see a payment begin.
                    self.waiting_charge = None;
                    self.feed(Event::Cancelled);
                    None
                }
                Ok(Message::Intent(_)) if stopping => None,
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
            };
            if !stopping {
                self.go_on_with(message);
                continue;
            }
            if let Some(message) = message {
                self.take(message);
            }
            self.drain_queue(false);
            if self.may_stop() {
                return;
            }
            self.publish();
        }
    }

    /// What a power cut or an earlier run left behind. Tried again until it succeeds.
    pub(super) fn take_up_what_was_left(&mut self) -> Result<(), LedgerError> {
        self.take_up_sign_on()?;
        let interrupted = self.adopt_interrupted()?;
        self.alarm = self.alarm_of_ledger()?;
        self.adopt_slips()?;
        self.print_what_was_given_up();
        // Whoever stood at the counter when the power went must not pay again: that comes before a question about a slip.
        if let Some(row) = interrupted.into_iter().next_back() {
            self.result_shown = Some(row.trace);
            let reason = Reason::of(ReasonKind::Interrupted);
            self.screen = Screen::Unknown { amount: row.amount, reason, tries: 0, next_try: Some(local_now()) };
        }
        self.left_over = false;
        Ok(())
    }

    /// A request that is out is waited for: its row is safe, but the customer wants the answer. A slip that is coming out is
    /// waited for as well, but not one that waits for paper; what the host is still to be told is sent once more,
    /// and terminal data that are on their way are waited for, for a while.
    fn may_stop(&self) -> bool {
        let printing =
            self.copies.iter().any(|copy| copy.state == CopyState::Sending && clock::since(copy.since) < LAST_SLIP);
        let printing = printing || self.queue_slips.keep_engine(LAST_SLIP);
        let asking = self.parameters.under_way() || self.sign_on.in_flight();
        self.running.is_none() && !printing && self.queue.may_stop() && !asking
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
            // A terminal whose engine runs is enrolled.
            Intent::Enrol(_) => {}
            Intent::Cancel if self.running.is_none() => {
                if self.waiting_charge.is_some() {
                    self.show_keypad();
                }
            }
            Intent::Cancel => self.feed(Event::Cancelled),
            Intent::EnterPin(pin) => self.take_pin(pin),
            Intent::BypassPin => self.feed(Event::PinEntered(PinEntry::Bypassed)),
            Intent::ChooseApplication(index) => self.answered(Event::ApplicationChosen(index)),
            Intent::ConfirmApplication(agreed) => self.answered(Event::ApplicationConfirmed(agreed)),
            Intent::NextCustomer | Intent::ShowKeypad if self.running.is_none() => self.show_keypad(),
            Intent::NextCustomer | Intent::ShowKeypad => {}
            Intent::DidItPrint { copy, printed } => self.did_it_print(copy, printed),
            Intent::RetryPrint => self.retry_failed(),
            Intent::Reprint(trace) => self.print_again(trace),
            Intent::ShowTransactions(page) if self.running.is_none() => self.show_transactions(page),
            Intent::ShowQueue(page) if self.running.is_none() => self.show_queue(page),
            Intent::TryQueueNow if self.running.is_none() => self.try_queue_now(),
            Intent::Decide(trace, act) if self.running.is_none() => self.decide(trace, act),
            Intent::ShowTransactions(_) | Intent::ShowQueue(_) | Intent::TryQueueNow | Intent::Decide(..) => {}
        }
    }

    /// Begins a payment, after a sign-on that is needed and reversals that are due.
    fn charge(&mut self, amount: Amount) {
        // A second touch on the same button is not a second payment.
        let free = self.running.is_none() && self.waiting_charge.is_none();
        if !free || amount.is_zero() {
            return;
        }
        if let Some(reason) = self.binding.refusal().or_else(|| self.line.refusal()) {
            return self.refuse(amount, reason);
        }
        let waiting = match self.adopt_interrupted().and_then(|_| self.reversals_waiting()) {
            Ok(waiting) => waiting,
            Err(error) => {
                return self.refuse(amount, Reason::with_detail(ReasonKind::LedgerFailed, error.to_string()));
            }
        };
        let signing_on = self.sign_on.holds();
        if waiting == 0 && !self.queue.takes_back() && !signing_on {
            self.begin_sale(amount);
            return;
        }
        self.waiting_charge = Some(amount);
        self.result_shown = None;
        let progress = if signing_on { Progress::SigningOn } else { Progress::ReversingEarlier };
        self.screen = Screen::Processing { amount, progress };
        self.drain_sign_on(true);
        self.queue.look_again();
        self.drain_queue(true);
    }

    /// Begins a payment with nothing in its way.
    pub(super) fn begin_sale(&mut self, amount: Amount) {
        // A payment that waited may have learned meanwhile that the host has other values for this terminal.
        if let Some(reason) = self.binding.refusal() {
            return self.refuse(amount, reason);
        }
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
            chooser: self.parts.chooser.clone(),
            terminal: self.parts.terminal.clone(),
            pin_bypass: self.parts.pin_bypass,
        });
        self.ticket += 1;
        self.leave_result();
        // Slips that nobody has asked for since: the ledger keeps how far they came.
        self.copies.retain(FollowedCopy::under_way);
        let (ticket, progress) = (self.ticket, sale::Progress::PresentCard);
        self.running = Some(Running {
            sale,
            ticket,
            progress,
            notice: self.pad_notice(),
            pin_place: PinPlace::Reader,
            pin_until: None,
            question: None,
            question_until: None,
            timings,
        });
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
        };
        self.feed(event);
    }

    fn on_link(&mut self, event: link::Event) {
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
            link::Event::Advice(id, result) => {
                self.line.after_exchange(&result);
                self.after_try(EntryId::Advice(id), &result);
                self.refresh_waiting();
            }
            link::Event::Late(late) => self.after_late_approval(&late),
            link::Event::Check(result) => {
                self.line.after_check(&result);
                if self.line.state() == LinkState::Online {
                    self.queue.line_is_back();
                }
                self.refresh_waiting();
                self.refresh_notice();
            }
            link::Event::SignOn(result) => self.after_sign_on(result),
            link::Event::KeysNeeded => self.keys_are_needed(),
            link::Event::LineEnded(end) => self.line.after_end(&end),
            link::Event::Ordered => self.parameters.order(),
            link::Event::WordOnBinding(word) => self.on_word_about_binding(word),
            link::Event::Binding(result) => self.after_refresh(result),
            link::Event::Update(result) => self.after_update(result.map(|update| *update)),
        }
    }

    pub(super) fn refresh_waiting(&mut self) {
        self.line.waiting = self.reversals_waiting().unwrap_or_default();
        let open = self.ledger.open_entries().unwrap_or_default();
        self.queued = open.waiting + open.parked;
    }

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
                self.show_progress();
            }
            Effect::SoundCardRead => self.parts.sound.play(Tone::CardRead),
            Effect::AwaitCard => {
                self.reader.send(reader::Job::Await { ticket: running.ticket, timeout: self.parts.card_wait });
            }
            Effect::AskPin(_) => self.ask_pin(),
            Effect::ChooseApplication(choices) => self.ask(Question::Which(choosing::names(&choices))),
            Effect::ConfirmApplication(choice) => self.ask(Question::Whether(choosing::name(&choice))),
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
            Effect::TryAnotherPin(reason) => self.try_another_pin(reason),
        }
        Ok(())
    }

    /// Hands something to the link's worker. Its thread ends only with the engine.
    pub(super) fn ask_host(&mut self, job: link::Job) {
        if self.link_jobs.send(job).is_err() {
            tracing::error!("the link's thread has ended");
        }
    }

    /// What happens without anybody asking.
    fn tick(&mut self) {
        self.try_ledger_again();
        self.look_whether_somebody_decided();
        self.record_late_approvals();
        self.drain_sign_on(false);
        self.drain_queue(false);
        self.mind_pin_time();
        self.mind_question_time();
        if self.leave_result_at.is_some_and(|at| clock::instant() >= at) {
            self.show_keypad();
        }
        if let (Screen::Approved { copies, .. }, None) = (&self.screen, self.leave_result_at) {
            let all_printed = copies.iter().all(|copy| copy.state == CopyState::Printed);
            self.leave_result_at = all_printed.then(|| clock::instant() + RESULT_STAYS);
        }
        let idle = self.running.is_none() && !self.queue.takes_back();
        if idle && self.line.wants_check() && self.check_jobs.send(link::Job::Check).is_ok() {
            self.line.check_begins();
        }
        if idle && self.binding.wants_refresh() && self.check_jobs.send(link::Job::Binding).is_ok() {
            self.binding.refresh_begins();
        }
        let update = !self.sign_on.holds() && self.parameters.wants_update();
        if idle && update && self.check_jobs.send(link::Job::Update).is_ok() {
            self.parameters.update_begins();
        }
    }

    /// The report of the last sale, if it is about this transaction.
    pub(super) fn report_of(&mut self, trace: TraceNumber) -> Option<&mut SaleReport> {
        self.report.as_mut().filter(|report| report.trace == Some(trace))
    }
}

/// A thread for each device.
fn threads(devices: Devices, messages: &Sender<Message>) -> std::io::Result<Workers> {
    let Devices { reader, used_card_note, printer, printer_patience, link, emv_files: files } = devices;
    Ok(Workers {
        reader: ReaderWorker::start(reader, used_card_note, messages.clone(), Message::Reader)?,
        link: link::start(Arc::clone(&link), files.clone(), messages.clone(), Message::Link)?,
        second_link: link::start(Arc::clone(&link), files, messages.clone(), Message::Link)?,
        line_watch: link::watch(link, messages.clone(), Message::Link)?,
        printer: printer::start(printer, printer_patience, messages.clone(), Message::Printer)?,
    })
}

fn log_record(trace: TraceNumber, record: &Record) {
    let what = match record {
        Record::Pending(_) => "pending",
        Record::HostApproved { .. } => "host_approved",
        Record::Approved(_) => "approved",
        Record::Scripts(_) => "scripts",
        Record::NotPaid { .. } => "declined",
        Record::ReversalDue { .. } => "reversal_due",
        Record::Unresolved { .. } => "unresolved",
    };
    tracing::info!(%trace, state = what, "recorded");
}
