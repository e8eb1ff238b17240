//! The engine: one thread that takes intents and events, runs the payment core and carries out its effects in order. How it
//! starts and stops, what it holds, and what it does without being asked; the rest is beside it, by subject.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::binding::BindingDesk;
use super::by_code::ByCode;
use super::cash::CashDesk;
use super::copying::CopyDesk;
use super::instalments::InstalmentsDesk;
use super::line::Line;
use super::offline::Unreached;
use super::orders::StatusDesk;
use super::parameters::ParameterDesk;
use super::parts::{Fixed, Parts};
use super::printing::FollowedCopy;
use super::purchase::PurchaseDesk;
use super::queue::QueueDesk;
use super::receipt_view::ReceiptDesk;
use super::report::SaleReport;
use super::running::Running;
use super::scanning::ScanDesk;
use super::seek_view::Sought;
use super::settlement_desk::AccountDesk;
use super::settling::SettlingDesk;
use super::shop::ShopDesk;
use super::showing::local_now;
use super::sign_on::SignOnDesk;
use super::signing::SigningDesk;
use super::slips_of_the_queue::QueueSlips;
use super::staff::StaffDesk;
use super::till::{TillDesk, TillEvent};
use super::tip::TipDesk;
use super::view::{CopyState, Intent, LinkState, Screen, View};
use super::witness::WitnessDesk;
use super::workers::reader::{self, ReaderWorker, Ticket};
use super::workers::{Devices, Workers, artist, codes, copier, link, printer};
use crate::clock;
use crate::devices::scanner::RunningScanner;
use crate::devices::stripe::RunningStripe;
use crate::ledger::{CopyDue, Ledger, LedgerError, ListEnd};
use crate::payment::purpose::Purpose;
use crate::payment::transaction::Kind;
use crate::reference::TraceNumber;
use crate::wording::{Reason, ReasonKind};

/// How long a paid result stays on screen once its slips are out.
const RESULT_STAYS: Duration = Duration::from_secs(6);

/// How long a slip that is being printed keeps the engine from stopping.
const LAST_SLIP: Duration = Duration::from_secs(30);

/// How long an engine to which nothing happens waits before it looks what is due.
const TICK: Duration = Duration::from_millis(500);

/// Who watches the engine. Called on the engine's thread: must not block.
pub trait Listener: Send {
    /// Something to see has changed.
    fn show(&mut self, view: &View);

    /// A sale is over, or something about it has become known since.
    fn report(&mut self, report: &SaleReport);

    /// Something has become of a payment that a till wants.
    fn till(&mut self, _: &TillEvent) {}
}

/// A running engine. Dropping it ends the engine's thread: a payment that waits for a card is cancelled, an answer of the
/// host and a slip that is coming out are waited for.
#[derive(Debug)]
pub struct Engine {
    messages: Sender<Message>,
    thread: Option<JoinHandle<()>>,
    /// Listened to as long as the engine runs.
    _scanner: Option<RunningScanner>,
    _stripe: Option<RunningStripe>,
}

/// What reaches the engine.
#[derive(Debug)]
pub(super) enum Message {
    Intent(Intent),
    Reader(Ticket, reader::Event),
    Link(Vec<link::Event>),
    Printer(printer::Event),
    Copied(CopyDue, Result<bool, LedgerError>),
    Code(codes::Event),
    Drawn(artist::Drawn),
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
    pub fn start(mut parts: Parts, listener: Box<dyn Listener>) -> std::io::Result<Self> {
        let (messages, receiver) = channel();
        let (sender, scans, swipes) = (messages.clone(), messages.clone(), messages.clone());
        let listen = |line| {
            RunningScanner::start(line, move |text| {
                // The engine may have ended.
                let _ = scans.send(Message::Intent(Intent::Scanned(text)));
            })
        };
        let scanner = parts.scanner.take().map(listen).transpose()?;
        let listen = |line| {
            RunningStripe::start(line, move |swiped| {
                let _ = swipes.send(Message::Intent(Intent::Swiped(swiped)));
            })
        };
        let stripe = parts.stripe.take().map(listen).transpose()?;
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            let (devices, fixed, ledger) = parts.split();
            let line = Line::new(devices.link.echo_interval());
            match threads(devices, &sender) {
                Ok(workers) => Core::new(fixed, ledger, line, listener, workers).run(&receiver),
                Err(error) => tracing::error!(%error, "the engine cannot start its workers"),
            }
        })?;
        Ok(Self { messages, thread: Some(thread), _scanner: scanner, _stripe: stripe })
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

/// The engine's state. Only its own thread touches it.
pub(super) struct Core {
    pub(super) parts: Fixed,
    pub(super) ledger: Ledger,
    pub(super) listener: Box<dyn Listener>,
    pub(super) reader: ReaderWorker,
    pub(super) link_jobs: Sender<link::Job>,
    /// Looking for the host, telling it of payments that are over and fetching terminal data have a thread of their own: a
    /// payment never waits behind them.
    pub(super) check_jobs: Sender<link::Job>,
    pub(super) printer_jobs: Sender<printer::Job>,
    pub(super) screen: Screen,
    /// Which transaction's result is on screen.
    pub(super) result_shown: Option<TraceNumber>,
    /// Which transaction's slips are on screen.
    pub(super) slips_shown: Option<TraceNumber>,
    /// Where the pages of payments end that have been looked at.
    pub(super) page_ends: Vec<ListEnd>,
    /// What the list of payments is of; all of them, where nothing was looked for.
    pub(super) sought: Option<Sought>,
    /// Stays above the keypad until somebody has dealt with it.
    pub(super) alarm: Option<Reason>,
    /// Why no payment can be taken; shown as soon as no result is.
    pub(super) out_of_service: Option<Reason>,
    pub(super) line: Line,
    /// Held as long as the idle line is watched.
    _line_watch: Sender<Infallible>,
    pub(super) parameters: ParameterDesk,
    pub(super) status: StatusDesk,
    pub(super) binding: BindingDesk,
    pub(super) copying: CopyDesk,
    pub(super) running: Option<Running>,
    pub(super) by_code: Option<ByCode>,
    /// A row that stays `pending` because it could not be written that it is for a person: it must not be taken back.
    pub(super) not_to_be_reversed: Option<TraceNumber>,
    /// What an earlier run left could not be taken up yet.
    pub(super) left_over: bool,
    /// The reader's own pad asks for a PIN, perhaps for a payment that is over.
    pub(super) pad_asks: bool,
    /// What waits for reversals before it begins.
    pub(super) waiting: Option<Purpose>,
    /// What the screen speaks of; a payment, where nobody has said otherwise.
    pub(super) kind_shown: Option<Kind>,
    /// The request of what runs, while it waits for the host's time.
    pub(super) unsent: Option<link::Job>,
    pub(super) sign_on: SignOnDesk,
    pub(super) queue: QueueDesk,
    pub(super) purchase: PurchaseDesk,
    pub(super) queue_slips: QueueSlips,
    /// Entries of the queue that are open.
    pub(super) queued: usize,
    pub(super) copies: Vec<FollowedCopy>,
    pub(super) receipts: ReceiptDesk,
    pub(super) report: Option<SaleReport>,
    pub(super) ticket: Ticket,
    pub(super) leave_result_at: Option<Instant>,
    pub(super) next_ledger_try: Instant,
    pub(super) shop: ShopDesk,
    pub(super) cash: CashDesk,
    pub(super) tip: TipDesk,
    /// What may be sold offline instead.
    pub(super) unreached: Option<Unreached>,
    pub(super) instalments: InstalmentsDesk,
    pub(super) scanning: ScanDesk,
    pub(super) settling: SettlingDesk,
    pub(super) account: AccountDesk,
    pub(super) witness: WitnessDesk,
    pub(super) signing: SigningDesk,
    pub(super) till: TillDesk,
    pub(super) staff: StaffDesk,
    pub(super) shown: Option<View>,
}

impl Core {
    pub(super) fn new(
        mut fixed: Fixed,
        ledger: Ledger,
        line: Line,
        listener: Box<dyn Listener>,
        workers: Workers,
    ) -> Self {
        Self {
            shop: ShopDesk::new(fixed.shop.clone(), fixed.currency),
            cash: CashDesk::default(),
            tip: TipDesk::default(),
            unreached: None,
            instalments: InstalmentsDesk::default(),
            scanning: ScanDesk::default(),
            till: TillDesk::new(fixed.till_keys.take()),
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
            page_ends: Vec::new(),
            sought: None,
            alarm: None,
            out_of_service: None,
            line,
            _line_watch: workers.line_watch,
            parameters: ParameterDesk::new(),
            status: StatusDesk::new(),
            binding: BindingDesk::new(),
            copying: CopyDesk::new(workers.copier),
            running: None,
            by_code: None,
            not_to_be_reversed: None,
            left_over: true,
            pad_asks: false,
            waiting: None,
            kind_shown: None,
            unsent: None,
            sign_on: SignOnDesk::new(),
            queue: QueueDesk::new(),
            purchase: PurchaseDesk::default(),
            queue_slips: QueueSlips::new(),
            queued: 0,
            copies: Vec::new(),
            receipts: ReceiptDesk::new(workers.artist),
            report: None,
            ticket: 0,
            leave_result_at: None,
            next_ledger_try: clock::instant(),
            settling: SettlingDesk::new(),
            account: AccountDesk::default(),
            witness: WitnessDesk::new(),
            signing: SigningDesk::default(),
            staff: StaffDesk::new(workers.codes),
            shown: None,
        }
    }

    /// What an engine does first.
    pub(super) fn begin(&mut self) {
        // Before anything else, so that the clock is compared before a payment needs it.
        self.look_for_host();
        self.recall_what_is_not_ours();
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
                    self.waiting = None;
                    self.cancel();
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
            self.mind_by_code();
            self.drain_queue(false);
            self.obey();
            if self.may_stop() {
                return;
            }
            self.publish();
        }
    }

    /// What a power cut or an earlier run left behind. Tried again until it succeeds.
    pub(super) fn take_up_what_was_left(&mut self) -> Result<(), LedgerError> {
        self.take_up_people()?;
        self.take_up_sign_on()?;
        self.take_up_orders()?;
        self.take_up_settlement()?;
        self.take_up_witness()?;
        let interrupted = self.adopt_interrupted()?;
        self.alarm = self.alarm_of_ledger()?;
        self.take_up_wanted_slip_of_settlement()?;
        self.adopt_slips()?;
        self.print_what_was_given_up();
        // Whoever stood at the counter when the power went must not pay again: that comes before a question about a slip.
        if let Some(row) = interrupted.into_iter().next_back() {
            self.result_shown = Some(row.trace);
            self.kind_shown = Some(row.kind);
            let reason = Reason::of(ReasonKind::Interrupted).of_sense(row.kind.sense());
            self.screen = Screen::Unknown { amount: row.amount, reason, tries: 0, next_try: Some(local_now()) };
        }
        self.left_over = false;
        self.resume_by_code()?;
        Ok(())
    }

    /// A request that is out is waited for: its row is safe, but the customer wants the answer. A slip that is coming out is
    /// waited for as well, but not one that waits for paper; what the host is still to be told is sent once more,
    /// and what it ordered is done, for a while.
    fn may_stop(&self) -> bool {
        let printing =
            self.copies.iter().any(|copy| copy.state == CopyState::Sending && clock::since(copy.since) < LAST_SLIP);
        let printing =
            printing || self.queue_slips.keep_engine(LAST_SLIP) || self.settling.slips.keep_engine(LAST_SLIP);
        let printing = printing || self.purchase.keep_engine(LAST_SLIP);
        let asking = self.parameters.under_way() || self.status.under_way() || self.sign_on.in_flight();
        !self.pays() && !printing && self.queue.may_stop() && !asking
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Intent(intent) => self.on_intent(intent),
            Message::Reader(ticket, event) => self.on_reader(ticket, event),
            Message::Link(events) => events.into_iter().for_each(|event| self.on_link(event)),
            Message::Printer(event) => self.after_print(event),
            Message::Copied(due, made) => self.after_copy(&due, made),
            Message::Code(event) => self.after_code(event),
            Message::Drawn(drawn) => self.after_drawing(drawn),
            Message::Stop => {}
        }
    }

    /// What happens without anybody asking.
    fn tick(&mut self) {
        self.try_ledger_again();
        self.look_whether_somebody_decided();
        self.record_late_approvals();
        self.drain_sign_on(false);
        self.drain_queue(false);
        self.mind_given_up();
        self.mind_by_code();
        self.drain_settlement();
        self.drain_account();
        self.drain_witness();
        self.refresh_settlement();
        self.mind_pin_time();
        self.mind_question_time();
        self.mind_signature();
        self.mind_card_time();
        self.mind_people();
        self.mind_scans();
        self.mind_training();
        if self.leave_result_at.is_some_and(|at| clock::instant() >= at) {
            self.show_keypad();
        }
        if let (Screen::Approved { copies, .. }, None) = (&self.screen, self.leave_result_at) {
            let all_printed = copies.iter().all(|copy| copy.state == CopyState::Printed);
            self.leave_result_at = all_printed.then(|| clock::instant() + RESULT_STAYS);
        }
        let idle = !self.pays() && !self.queue.takes_back();
        if idle {
            self.mind_copy();
            self.look_for_host();
        }
        if idle && self.binding.wants_refresh() && self.check_jobs.send(link::Job::Binding).is_ok() {
            self.binding.refresh_begins();
        }
        self.obey();
    }

    fn look_for_host(&mut self) {
        if self.line.wants_check() && self.check_jobs.send(link::Job::Check).is_ok() {
            self.line.check_begins();
        }
    }

    /// What the host ordered, when no payment runs and the host can be reached. An engine that is to end goes on with it: what is
    /// ordered is begun once and waited for, for a while.
    fn obey(&mut self) {
        let reached = self.line.state() != LinkState::Offline;
        if self.pays() || self.queue.takes_back() || self.sign_on.holds() || !reached {
            return;
        }
        if self.parameters.wants_update() && self.check_jobs.send(link::Job::Update).is_ok() {
            self.parameters.update_begins();
        }
        // What was just fetched is in the report.
        if !self.parameters.asking() {
            self.drain_status();
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
        copier: Some(copier::start(messages.clone(), Message::Copied)?),
        codes: Some(codes::start(messages.clone(), Message::Code)?),
        artist: Some(artist::start(messages.clone(), Message::Drawn)?),
    })
}
