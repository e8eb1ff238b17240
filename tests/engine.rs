//! The engine with everything that can be in its way: a host that answers as told, a ledger that cannot be written, a
//! printer that fails, a cashier who is impatient. Card and ledger are real, the host's answers are scripted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

#[path = "support/watching.rs"]
mod watching;

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use watching::Watching;
use yima::acquirer::link::{HostCheck, HostLink, HttpsLink};
use yima::acquirer::parameters::status::StatusReport;
use yima::acquirer::parameters::{Download, DownloadError};
use yima::acquirer::sign_on::{SignOnFailure, SignedOn};
use yima::app::view::{CopyState, Intent, Screen, View};
use yima::app::{Ending, Engine, Parts, SaleReport, Setup};
use yima::devices::printer::{Confirmation, PrintFailure, Printer, PrinterFault};
use yima::iso8583::Order;
use yima::ledger::{Ledger, TransactionRow};
use yima::link_fault::LinkFault;
use yima::money::{Amount, Currency};
use yima::payment::advice::{Advice, AdviceKind};
use yima::payment::chooser::Chooser;
use yima::payment::online::{Decision, HostAnswer, LinkFailure, ReversalRequest, SaleRequest, Unreached};
use yima::payment::record::State;
use yima::pin::Pin;
use yima::reference::{ResponseCode, TraceNumber};
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::fault::{Faults, FaultyCard};
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::card::reader::SandboxReader;
use yima::sandbox::host::{Host, RunningHost};
use yima::terminal::settings::{Origin, Settings};
use yima::wording::ReasonKind;
use zeroize::Zeroizing;

/// How the host behaves.
#[derive(Clone)]
struct Behaviour {
    sale: Sale,
    reversal: Reversal,
    advice: Told,
}

/// What becomes of an advice.
#[derive(Clone, Copy)]
enum Told {
    Real,
    NotReached,
    /// The host has it, the terminal does not hear of it.
    AnswerLost,
}

#[derive(Clone)]
enum Sale {
    /// As the sandbox host does.
    Real,
    Silent,
    Answer(Decision, &'static str),
    /// Answers when the test says so.
    Held(Arc<Mutex<Receiver<()>>>),
}

#[derive(Clone)]
enum Reversal {
    Silent,
    Code(&'static str),
    /// Stays silent, but not before the test says so.
    Held(Arc<Mutex<Receiver<()>>>),
}

struct Line {
    real: HttpsLink,
    behaviour: Arc<Mutex<Behaviour>>,
    reversals: Arc<Mutex<usize>>,
    advices: Arc<Mutex<Vec<Advice>>>,
}

impl HostLink for Line {
    fn sale(&self, request: &SaleRequest) -> Result<HostAnswer, LinkFailure> {
        let sale = self.behaviour.lock().unwrap().sale.clone();
        match sale {
            Sale::Real => self.real.sale(request),
            Sale::Silent => Err(LinkFailure::NoAnswer("silent".to_owned())),
            Sale::Answer(decision, code) => Ok(answer(decision, code)),
            Sale::Held(until) => {
                let _ = until.lock().unwrap().recv();
                self.real.sale(request)
            }
        }
    }

    fn reverse(&self, _: &ReversalRequest) -> Result<HostAnswer, LinkFailure> {
        let reversal = self.behaviour.lock().unwrap().reversal.clone();
        *self.reversals.lock().unwrap() += 1;
        match reversal {
            Reversal::Silent => Err(LinkFailure::NoAnswer("silent".to_owned())),
            Reversal::Code(code) => Ok(answer(Decision::Refused, code)),
            Reversal::Held(until) => {
                let _ = until.lock().unwrap().recv();
                Err(LinkFailure::NoAnswer("silent".to_owned()))
            }
        }
    }

    fn advise(&self, advice: &Advice) -> Result<HostAnswer, LinkFailure> {
        let told = self.behaviour.lock().unwrap().advice;
        self.advices.lock().unwrap().push(advice.clone());
        match told {
            Told::Real => self.real.advise(advice),
            Told::NotReached => Err(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, "no line"))),
            Told::AnswerLost => {
                self.real.advise(advice)?;
                Err(LinkFailure::NoAnswer("silent".to_owned()))
            }
        }
    }

    fn sign_on(&self, trace: TraceNumber) -> Result<SignedOn, SignOnFailure> {
        self.real.sign_on(trace)
    }

    fn check(&self) -> Result<HostCheck, LinkFailure> {
        self.real.check()
    }

    fn take_need_of_keys(&self) -> bool {
        self.real.take_need_of_keys()
    }

    fn take_orders(&self) -> Vec<Order> {
        self.real.take_orders()
    }

    fn report(&self, report: &StatusReport) -> Result<(), DownloadError> {
        self.real.report(report)
    }

    fn download(&self) -> Result<Download, DownloadError> {
        self.real.download()
    }

    fn confirm_download(&self) -> Result<(), DownloadError> {
        self.real.confirm_download()
    }
}

fn answer(decision: Decision, code: &str) -> HostAnswer {
    let response_code = ResponseCode::parse(code).unwrap();
    HostAnswer { decision, response_code, rrn: None, authorisation_code: None, issuer_data: Vec::new() }
}

/// A printer that says of every slip what the test wants; without a word of it, that it came out.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<Result<Confirmation, PrintFailure>>>>);

impl Printer for Paper {
    fn name(&self) -> String {
        "paper".to_owned()
    }

    fn check(&mut self) -> Result<(), PrinterFault> {
        Ok(())
    }

    fn print(
        &mut self,
        _: &[u8],
        _: Duration,
        _: &mut dyn FnMut(Option<PrinterFault>),
    ) -> Result<Confirmation, PrintFailure> {
        self.0.lock().unwrap().pop().unwrap_or(Ok(Confirmation::Printed))
    }
}

/// A terminal in a folder, its host, and what its engine has shown.
struct Terminal {
    folder: tempfile::TempDir,
    host: RunningHost,
    behaviour: Arc<Mutex<Behaviour>>,
    reversals: Arc<Mutex<usize>>,
    advices: Arc<Mutex<Vec<Advice>>>,
    paper: Paper,
}

struct Running {
    engine: Engine,
    views: Receiver<View>,
    reports: Receiver<SaleReport>,
    last: Option<View>,
}

impl Terminal {
    fn new(sale: Sale, reversal: Reversal) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::prepare(&folder.path().join("host")).unwrap();
        host.write_kit(&folder.path().join("identity")).unwrap();
        let host = host.start(([127, 0, 0, 1], 0).into()).unwrap();
        let behaviour = Arc::new(Mutex::new(Behaviour { sale, reversal, advice: Told::Real }));
        Self { folder, host, behaviour, reversals: Arc::default(), advices: Arc::default(), paper: Paper::default() }
    }

    fn behave(&self, sale: Sale, reversal: Reversal) {
        *self.behaviour.lock().unwrap() = Behaviour { sale, reversal, advice: Told::Real };
    }

    fn start(&self) -> Running {
        self.start_with("unionpay-debit", |parts| parts)
    }

    /// A start with a card that is torn or falls silent.
    fn start_with_faults(&self, faults: Faults) -> Running {
        self.begin("unionpay-debit", faults, |parts| parts)
    }

    /// A start with another card, and with parts that are not quite the usual ones.
    fn start_with(&self, card: &str, change: impl Fn(Parts) -> Parts) -> Running {
        self.begin(card, Faults::default(), change)
    }

    fn begin(&self, card: &str, faults: Faults, change: impl Fn(Parts) -> Parts) -> Running {
        let settings = Settings { host: self.host.link_settings(), ..Settings::default() };
        let setup = Setup { settings, origin: Origin::default(), state: self.folder.path().to_owned() };
        let identity = setup.identity().unwrap();
        let link = Line {
            real: setup.link(identity, setup.vault().unwrap()).unwrap(),
            behaviour: Arc::clone(&self.behaviour),
            reversals: Arc::clone(&self.reversals),
            advices: Arc::clone(&self.advices),
        };
        let profile = CardProfile::shipped(card).unwrap();
        let card = SandboxCard::open(&profile, &self.folder.path().join("sandbox/card")).unwrap();
        let reader = SandboxReader::new(FaultyCard::new(card, faults), Duration::ZERO);
        let parts = Parts {
            reader: Box::new(reader),
            printer: Box::new(self.paper.clone()),
            link: Arc::new(link),
            sound: Box::new(yima::devices::sound::silent::Silent),
            ..setup.parts().unwrap()
        };
        let (listener, views, reports) = Watching::new();
        let parts = change(parts);
        Running { engine: Engine::start(parts, Box::new(listener)).unwrap(), views, reports, last: None }
    }

    fn rows(&self) -> Vec<TransactionRow> {
        let setup_identity = yima::terminal::identity::Identity::load(&self.folder.path().join("identity")).unwrap();
        let ledger = Ledger::open_to_look(
            &self.folder.path().join("ledger.sqlite"),
            setup_identity.merchant_code().unwrap(),
            setup_identity.terminal_number().unwrap(),
        );
        ledger.unwrap().page(0, 100).unwrap()
    }

    /// Whose slip, which duplicate, how far.
    fn copies(&self) -> Vec<(String, u32, String)> {
        let connection = rusqlite::Connection::open(self.folder.path().join("ledger.sqlite")).unwrap();
        let mut statement = connection.prepare("SELECT copy, duplicate, state FROM copies ORDER BY 1, 2").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// Changes the ledger behind the program's back.
    fn sql(&self, statement: &str) {
        let connection = rusqlite::Connection::open(self.folder.path().join("ledger.sqlite")).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        connection.execute_batch(statement).unwrap();
    }
}

impl Running {
    fn wish(&self, intent: Intent) {
        self.engine.intents().send(intent);
    }

    fn charge(&self, amount: &str) {
        self.wish(Intent::Charge(Amount::parse(amount, Currency::CNY).unwrap()));
    }

    /// Waits for a screen, and gives the first that is it.
    #[track_caller]
    fn until(&mut self, what: &str, is: impl Fn(&Screen) -> bool) -> Screen {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(view) = &self.last
                && is(&view.screen)
            {
                return view.screen.clone();
            }
            match self.views.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(view) => self.last = Some(view),
                Err(_) => panic!("{what} was never shown; the last was {:?}", self.last.as_ref().map(|v| &v.screen)),
            }
        }
    }

    #[track_caller]
    fn report(&self) -> SaleReport {
        self.reports.recv_timeout(Duration::from_secs(30)).unwrap()
    }
}

fn is_keypad(screen: &Screen) -> bool {
    matches!(screen, Screen::Keypad { .. })
}

fn notice_kind(screen: &Screen) -> Option<ReasonKind> {
    match screen {
        Screen::Keypad { notice } => notice.as_ref().map(|reason| reason.kind),
        _ => None,
    }
}

/// A terminal that stopped with a payment whose reversal has been tried nearly to the end, for hours.
fn with_a_reversal_nearly_given_up(reversal: Reversal) -> Terminal {
    let terminal = Terminal::new(Sale::Silent, Reversal::Silent);
    let mut running = terminal.start();
    running.charge("50.00");
    running.until("not known", |screen| matches!(screen, Screen::Unknown { tries: 1, .. }));
    drop(running);
    terminal.sql("UPDATE transactions SET reversal_tries = 19, at = '2026-01-01T12:00:00'");
    terminal.behave(Sale::Real, reversal);
    terminal
}

#[test]
fn a_payment_that_waits_does_not_begin_when_the_one_before_cannot_be_taken_back() {
    let (let_go, held) = channel();
    let terminal = with_a_reversal_nearly_given_up(Reversal::Held(Arc::new(Mutex::new(held))));
    let mut running = terminal.start();
    running.until("the keypad", is_keypad);
    running.charge("50.00");
    running.until("taking back", |screen| matches!(screen, Screen::Processing { .. }));
    let_go.send(()).unwrap();
    let screen = running.until("the keypad", is_keypad);
    assert_eq!(notice_kind(&screen), Some(ReasonKind::ReversalExhausted));
    let report = running.report();
    assert_eq!((report.ending, report.reason.unwrap().kind), (Ending::Error, ReasonKind::ReversalExhausted));
    assert_eq!(terminal.rows().len(), 1, "nothing was charged");
    assert_eq!(terminal.rows()[0].state, State::Unresolved);
}

#[test]
fn an_alarm_that_comes_while_the_keypad_is_shown_is_seen_at_once_and_after_every_start() {
    let terminal = with_a_reversal_nearly_given_up(Reversal::Silent);
    for _ in 0..2 {
        let mut running = terminal.start();
        running.until("the alarm", |screen| notice_kind(screen) == Some(ReasonKind::ReversalExhausted));
    }
}

#[test]
fn impatient_touches_do_not_use_up_the_tries() {
    let terminal = Terminal::new(Sale::Silent, Reversal::Code("96"));
    let mut running = terminal.start();
    running.charge("50.00");
    running.until("not known", |screen| matches!(screen, Screen::Unknown { tries: 1, .. }));
    running.report();
    running.wish(Intent::NextCustomer);
    for _ in 0..30 {
        running.charge("1.00");
        assert_eq!(running.report().reason.unwrap().kind, ReasonKind::ReversalWaiting);
    }
    assert!(*terminal.reversals.lock().unwrap() > 30, "each touch asked the host");
    // Those that came due meanwhile count, the touches do not.
    assert!(terminal.rows()[0].reversal_tries < 5, "{}", terminal.rows()[0].reversal_tries);
    assert_eq!(terminal.rows()[0].state, State::ReversalDue);
}

#[test]
fn a_number_the_host_has_already_is_for_a_person_and_never_taken_back() {
    let terminal = Terminal::new(Sale::Answer(Decision::NumberInUse, "94"), Reversal::Code("00"));
    let mut running = terminal.start();
    running.charge("12.34");
    let screen = running.until("not known", |screen| matches!(screen, Screen::Unknown { .. }));
    let Screen::Unknown { reason, next_try, .. } = screen else { panic!() };
    assert_eq!((reason.kind, next_try), (ReasonKind::TraceNumberInUse, None));
    assert_eq!(running.report().ending, Ending::Unresolved);
    running.wish(Intent::NextCustomer);
    running.until("the alarm", |screen| notice_kind(screen) == Some(ReasonKind::TraceNumberInUse));
    drop(running);
    assert_eq!(terminal.rows()[0].state, State::Unresolved);
    assert_eq!(*terminal.reversals.lock().unwrap(), 0, "it may be somebody else's payment");
    let mut running = terminal.start();
    running.until("the alarm", |screen| notice_kind(screen) == Some(ReasonKind::TraceNumberInUse));
}

#[test]
fn a_number_the_host_has_already_is_not_taken_back_either_when_that_cannot_be_written() {
    let terminal = Terminal::new(Sale::Answer(Decision::NumberInUse, "94"), Reversal::Code("00"));
    drop(terminal.start());
    refusing(&terminal, "transactions", "unresolved");
    let mut running = terminal.start();
    running.charge("12.34");
    running.until("not known", |screen| matches!(screen, Screen::Unknown { next_try: None, .. }));
    running.wish(Intent::NextCustomer);
    terminal.sql("DROP TRIGGER full_unresolved");
    let end = Instant::now() + Duration::from_secs(30);
    while terminal.rows()[0].state != State::Unresolved {
        assert!(Instant::now() < end, "{:?}", terminal.rows()[0].state);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(*terminal.reversals.lock().unwrap(), 0);
}

/// A ledger that takes no change of this kind.
fn refusing(terminal: &Terminal, table: &str, state: &str) {
    terminal.sql(&format!(
        "CREATE TRIGGER full_{state} BEFORE UPDATE ON {table} WHEN NEW.state = '{state}'
         BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    ));
}

#[test]
fn a_full_disk_after_the_request_leaves_the_result_unknown_until_it_can_be_taken_back() {
    for state in ["host_approved", "approved"] {
        let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
        drop(terminal.start());
        refusing(&terminal, "transactions", state);
        refusing(&terminal, "transactions", "reversal_due");
        let mut running = terminal.start();
        running.charge("12.34");
        let screen = running.until("not known", |screen| matches!(screen, Screen::Unknown { .. }));
        let Screen::Unknown { reason, .. } = screen else { panic!() };
        assert_eq!(reason.kind, ReasonKind::LedgerFailedAfterRequest, "{state}");
        assert_eq!(running.report().ending, Ending::Unresolved, "{state}");
        // Whoever leaves the result sees that nothing can be charged.
        running.wish(Intent::NextCustomer);
        running.until("out of service", |screen| matches!(screen, Screen::OutOfService { .. }));
        terminal.sql(&format!("DROP TRIGGER full_{state}; DROP TRIGGER full_reversal_due"));
        running.until("the keypad", is_keypad);
        let end = Instant::now() + Duration::from_secs(30);
        while terminal.rows()[0].state != State::Reversed {
            assert!(Instant::now() < end, "{state}: {:?}", terminal.rows()[0].state);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn a_slip_that_cannot_be_noted_does_not_keep_a_paid_sale_from_ending() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    drop(terminal.start());
    refusing(&terminal, "copies", "sending");
    let mut running = terminal.start();
    running.charge("12.34");
    let report = running.report();
    assert_eq!(report.ending, Ending::Approved);
    assert!(report.copies.iter().all(|copy| copy.state == yima::ledger::PrintState::Queued), "as the ledger has it");
    let screen = running.until("paid", |screen| {
        matches!(screen, Screen::Approved { copies, .. } if copies.iter().all(|copy| matches!(copy.state, CopyState::Failed(_))))
    });
    assert!(matches!(screen, Screen::Approved { copies, .. } if copies.len() == 2));
    // The trouble is over: both come out.
    terminal.sql("DROP TRIGGER full_sending");
    running.wish(Intent::RetryPrint);
    running.until("printed", |screen| {
        matches!(screen, Screen::Approved { copies, .. } if copies.iter().all(|copy| copy.state == CopyState::Printed))
    });
}

#[test]
fn a_slip_that_may_still_come_out_is_printed_again_as_a_duplicate_only() {
    let gave_up =
        |may_come_later| Err(PrintFailure { fault: PrinterFault::PaperOut, may_be_on_paper: true, may_come_later });
    // What the printer says of the merchant's slip, and which numbers stand in the ledger after "no" was answered.
    let cases = [
        (gave_up(true), vec![("merchant", 0, "failed"), ("merchant", 1, "printed")]),
        (Ok(Confirmation::CannotConfirm), vec![("merchant", 0, "failed"), ("merchant", 1, "printed")]),
        (gave_up(false), vec![("merchant", 0, "printed")]),
    ];
    for (said, expected) in cases {
        let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
        // Taken from the end: the merchant's slip, then the customer's.
        *terminal.paper.0.lock().unwrap() = vec![Ok(Confirmation::Printed), said.clone()];
        let mut running = terminal.start();
        running.charge("12.34");
        let report = running.report();
        assert_eq!(report.copies[0].trouble.is_some(), said.is_err(), "the report names what stopped it");
        running.until(
            "the question",
            |screen| matches!(screen, Screen::Approved { copies, .. } if matches!(copies[0].state, CopyState::Asks(_))),
        );
        running.wish(Intent::DidItPrint { copy: yima::receipt::CopyFor::Merchant, printed: false });
        running.until("printed", |screen| {
            matches!(screen, Screen::Approved { copies, .. } if copies.iter().all(|c| c.state == CopyState::Printed))
        });
        let rows: Vec<_> = terminal.copies().into_iter().filter(|(copy, ..)| copy == "merchant").collect();
        let rows: Vec<_> = rows.iter().map(|(copy, number, state)| (copy.as_str(), *number, state.as_str())).collect();
        assert_eq!(rows, expected, "{said:?}");
    }
}

#[test]
fn nothing_that_is_touched_while_the_bank_is_asked_changes_the_payment() {
    let (let_go, held) = channel();
    let terminal = Terminal::new(Sale::Held(Arc::new(Mutex::new(held))), Reversal::Code("00"));
    let mut running = terminal.start();
    running.charge("12.34");
    running.until("asking", |screen| {
        matches!(screen, Screen::Processing { progress: yima::app::view::Progress::AskingHost, .. })
    });
    for intent in [
        Intent::Cancel,
        Intent::NextCustomer,
        Intent::ShowKeypad,
        Intent::ShowTransactions(0),
        Intent::RetryPrint,
        Intent::Charge(Amount::parse("12.34", Currency::CNY).unwrap()),
    ] {
        running.wish(intent);
    }
    let_go.send(()).unwrap();
    assert_eq!(running.report().ending, Ending::Approved);
    assert_eq!(terminal.rows().len(), 1, "one payment");
    assert_eq!(terminal.rows()[0].state, State::Approved);
}

#[test]
fn whoever_stood_there_when_the_power_went_is_warned_before_anything_else() {
    let (let_go, held) = channel();
    let terminal = Terminal::new(Sale::Real, Reversal::Held(Arc::new(Mutex::new(held))));
    let running = terminal.start();
    running.charge("8.00");
    assert_eq!(running.report().ending, Ending::Approved);
    running.charge("12.34");
    assert_eq!(running.report().ending, Ending::Approved);
    drop(running);
    // The power went in the middle of the second; of the first nobody has said whether its slip came out.
    terminal.sql(
        "UPDATE copies SET state = 'sent_unconfirmed' WHERE transaction_id = 1;
         DELETE FROM copies WHERE transaction_id = 2;
         UPDATE transactions SET state = 'host_approved', cryptogram = NULL, chip_data = x'9505' WHERE id = 2",
    );
    let mut running = terminal.start();
    let screen = running.until("not known", |screen| matches!(screen, Screen::Unknown { .. }));
    let Screen::Unknown { amount, reason, .. } = screen else { panic!() };
    assert_eq!((amount.to_string().as_str(), reason.kind), ("12.34", ReasonKind::Interrupted));
    let_go.send(()).unwrap();
}

#[test]
fn a_terminal_that_is_closed_begins_no_payment() {
    let (let_go, held) = channel();
    let terminal = Terminal::new(Sale::Silent, Reversal::Silent);
    let mut running = terminal.start();
    running.charge("50.00");
    running.until("not known", |screen| matches!(screen, Screen::Unknown { tries: 1, .. }));
    drop(running);
    // A payment waits for the reversal of the one before when the window is closed.
    terminal.behave(Sale::Real, Reversal::Held(Arc::new(Mutex::new(held))));
    let mut running = terminal.start();
    running.until("the keypad", is_keypad);
    running.charge("1.00");
    running.until("taking back", |screen| matches!(screen, Screen::Processing { .. }));
    let closed = std::thread::spawn(move || drop(running));
    let_go.send(()).unwrap();
    closed.join().unwrap();
    assert_eq!(terminal.rows().len(), 1);
}

#[test]
fn a_slip_of_an_earlier_sale_that_stands_still_is_said_above_the_keypad() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let failure = PrintFailure::before_content(PrinterFault::PaperOut);
    *terminal.paper.0.lock().unwrap() = vec![Err(failure.clone()), Err(failure)];
    let mut running = terminal.start();
    running.charge("12.34");
    assert_eq!(running.report().ending, Ending::Approved);
    running.wish(Intent::NextCustomer);
    running.until("the notice", |screen| notice_kind(screen) == Some(ReasonKind::PrinterPaperOut));
    // It does not stay for ever: the next sale has the screen.
    running.charge("1.00");
    running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    running.wish(Intent::NextCustomer);
    running.until("the keypad", |screen| matches!(screen, Screen::Keypad { notice: None }));
}

#[test]
fn a_ledger_that_fails_at_start_is_taken_up_when_it_can_be_written() {
    let terminal = with_a_reversal_nearly_given_up(Reversal::Silent);
    drop(terminal.start());
    terminal.sql("UPDATE transactions SET state = 'unresolved'");
    // A second payment was cut off, and the disk is full.
    terminal.sql(
        "INSERT INTO transactions (merchant_code, terminal_number, batch, stan, kind, state, amount, currency, at, entry,
             truncated_pan, aid, application_label, chip_data)
         SELECT merchant_code, terminal_number, batch, 999, kind, 'pending', 100, currency, at, entry, truncated_pan, aid,
             application_label, x'9505' FROM transactions;",
    );
    refusing(&terminal, "transactions", "reversal_due");
    let mut running = terminal.start();
    running.until("out of service", |screen| matches!(screen, Screen::OutOfService { .. }));
    terminal.sql("DROP TRIGGER full_reversal_due");
    running.until(
        "the interrupted payment",
        |screen| matches!(screen, Screen::Unknown { reason, .. } if reason.kind == ReasonKind::Interrupted),
    );
    running.wish(Intent::NextCustomer);
    running.until("the alarm", |screen| notice_kind(screen) == Some(ReasonKind::ReversalExhausted));
}

#[test]
fn a_slip_the_power_cut_on_its_way_is_asked_about_until_somebody_answers() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let running = terminal.start();
    running.charge("12.34");
    assert_eq!(running.report().ending, Ending::Approved);
    drop(running);
    terminal.sql("UPDATE copies SET state = 'sending' WHERE copy = 'merchant'");
    // Asked at the first start, and again at the second: nobody has answered.
    for _ in 0..2 {
        let mut running = terminal.start();
        running.until("the question", |screen| {
            matches!(screen, Screen::Approved { copies, .. } if copies.len() == 1 && copies[0].state == CopyState::Asks(None))
        });
    }
    let mut running = terminal.start();
    running.until("the question", |screen| matches!(screen, Screen::Approved { .. }));
    running.wish(Intent::DidItPrint { copy: yima::receipt::CopyFor::Merchant, printed: true });
    running.until(
        "printed",
        |screen| matches!(screen, Screen::Approved { copies, .. } if copies[0].state == CopyState::Printed),
    );
    drop(running);
    let mut running = terminal.start();
    running.until("the keypad", is_keypad);
}

#[test]
fn terminal_data_that_the_host_orders_are_fetched_between_payments_and_count_for_the_next() {
    let terminal = Terminal::new(Sale::Real, Reversal::Silent);
    let shipped = include_str!("../assets/emv/aids.toml");
    let parameters = terminal.folder.path().join("host/parameters");
    std::fs::create_dir_all(&parameters).unwrap();
    // A sale above the floor limit is declined by the terminal itself.
    std::fs::write(parameters.join("aids.toml"), shipped.replacen("0010000000", "0010008000", 1)).unwrap();
    let mut running = terminal.start();
    let mut endings = Vec::new();
    // The first sale brings the order; how many more are made until all has been fetched is a matter of time.
    while endings.len() < 20 && endings.last() != Some(&Ending::Declined) {
        running.charge("1.00");
        endings.push(running.report().ending);
        running.until("a result", |screen| matches!(screen, Screen::Approved { .. } | Screen::NotPaid { .. }));
        running.wish(Intent::NextCustomer);
        running.until("the keypad", is_keypad);
    }
    assert!(endings.len() > 1 && endings[..endings.len() - 1].iter().all(|ending| *ending == Ending::Approved));
    assert_eq!(endings.last(), Some(&Ending::Declined));
}

/// What the host has noted of payments that are over.
fn noted(terminal: &Terminal) -> Vec<(AdviceKind, String, String, u32)> {
    let notes = terminal.host.advices().unwrap();
    notes.into_iter().map(|note| (note.kind, note.verdict, note.script_results, note.times)).collect()
}

#[test]
fn the_host_is_told_the_cards_last_word_and_what_came_of_scripts() {
    let (card, script) = (AdviceKind::CardResult, AdviceKind::ScriptResult);
    // Amount, what the host notes: kind, cryptogram that the issuer finds right, script results.
    let told = |kind, results: &str| (kind, "TC".to_owned(), results.to_owned(), 1);
    for (amount, expected) in [
        ("12.34", vec![told(card, "")]),
        ("68.01", vec![told(card, ""), told(script, "2000006801")]),
        ("68.02", vec![told(card, ""), told(script, "2000006802")]),
        ("68.03", vec![told(card, ""), told(script, "1100006803")]),
        ("68.04", vec![told(card, ""), told(script, "2000006804")]),
        // Nothing was booked, and the card was told nothing that the issuer does not know.
        ("66.51", vec![]),
    ] {
        let terminal = Terminal::new(Sale::Real, Reversal::Silent);
        let running = terminal.start();
        running.charge(amount);
        let report = running.report();
        // An engine that ends sends what is left.
        drop(running);
        assert_eq!(noted(&terminal), expected, "{amount}: {:?}", report.ending);
        let results = expected.get(1).map_or("", |(_, _, results, _)| results);
        assert_eq!(report.card.unwrap().script_results, results, "{amount}");
    }
}

#[test]
fn an_advice_waits_for_the_host_and_comes_with_the_same_number_however_often_it_is_sent() {
    let terminal = Terminal::new(Sale::Real, Reversal::Silent);
    terminal.behaviour.lock().unwrap().advice = Told::NotReached;
    let running = terminal.start();
    running.charge("12.34");
    assert_eq!(running.report().ending, Ending::Approved);
    drop(running);
    assert_eq!(noted(&terminal), [], "not reached");
    terminal.behaviour.lock().unwrap().advice = Told::AnswerLost;
    drop(terminal.start());
    terminal.behaviour.lock().unwrap().advice = Told::Real;
    drop(terminal.start());
    assert_eq!(noted(&terminal), [(AdviceKind::CardResult, "TC".to_owned(), String::new(), 2)]);
    drop(terminal.start());
    let sent: Vec<_> = terminal.advices.lock().unwrap().iter().map(|advice| advice.trace).collect();
    assert!(sent.len() >= 3 && sent.iter().all(|trace| *trace == sent[0]), "{sent:?}");
    assert_eq!(noted(&terminal)[0].3, 2, "what the host has is not sent again");
}

#[test]
fn a_tc_that_the_issuer_does_not_know_as_its_cards_is_parked_for_a_person() {
    let terminal = Terminal::new(Sale::Real, Reversal::Silent);
    terminal.behaviour.lock().unwrap().advice = Told::NotReached;
    let running = terminal.start();
    running.charge("12.34");
    running.report();
    drop(running);
    terminal.sql("UPDATE advices SET chip_data = x'9F2701409F260801020304050607089F100807010103900000'");
    terminal.behaviour.lock().unwrap().advice = Told::Real;
    drop(terminal.start());
    let connection = rusqlite::Connection::open(terminal.folder.path().join("ledger.sqlite")).unwrap();
    let parked: (String, String) = connection
        .query_row("SELECT state, response_code FROM advices", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(parked, ("parked".to_owned(), "05".to_owned()));
    assert_ne!(noted(&terminal)[0].1, "TC");
}

#[test]
fn wherever_a_card_leaves_its_issuer_hears_how_far_its_script_came() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut endings = Vec::new();
    // At every command, until the card stays to the end.
    while endings.last() != Some(&Ending::Approved) {
        let tear = u32::try_from(endings.len()).unwrap() + 1;
        let mut running = terminal.start_with_faults(Faults { tear: Some(tear), ..Faults::default() });
        running.charge("68.01");
        endings.push(running.report().ending);
        running.until("the end", |screen| !matches!(screen, Screen::Processing { .. }));
    }
    // Unheard of by the host; while the script is run or before the second GENERATE AC; paid.
    let script = |verdict: &str, results: &str| (AdviceKind::ScriptResult, verdict.to_owned(), results.to_owned(), 1);
    let told = noted(&terminal);
    assert!(told.contains(&script("ARQC", "1100006801")), "in the middle of it: {told:?}");
    assert!(told.contains(&script("ARQC", "2000006801")), "behind it: {told:?}");
    assert!(told.ends_with(&[(AdviceKind::CardResult, "TC".to_owned(), String::new(), 1), script("TC", "2000006801")]));
    assert!(told.len() <= 6 && endings.len() > 8, "{told:?} {endings:?}");
}

#[test]
fn a_terminal_that_cannot_note_that_the_host_was_told_neither_hangs_nor_tells_it_without_end() {
    let terminal = Terminal::new(Sale::Real, Reversal::Silent);
    terminal.behaviour.lock().unwrap().advice = Told::NotReached;
    let running = terminal.start();
    running.charge("12.34");
    running.report();
    drop(running);
    let before = terminal.advices.lock().unwrap().len();
    terminal.sql("CREATE TRIGGER full BEFORE UPDATE ON advices BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    terminal.behaviour.lock().unwrap().advice = Told::Real;
    let began = Instant::now();
    drop(terminal.start());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(terminal.advices.lock().unwrap().len() - before <= 2);
    terminal.sql("DROP TRIGGER full");
    drop(terminal.start());
    assert_eq!(noted(&terminal)[0].1, "TC");
}

/// A screen that shows keys for a PIN.
fn with_keys(parts: Parts) -> Parts {
    Parts { screen_pad: true, ..parts }
}

fn pin(digits: &str) -> Intent {
    Intent::EnterPin(Pin::new(Zeroizing::new(digits.as_bytes().to_vec())).unwrap())
}

/// What the cardholder is told who is asked for a PIN.
fn pin_notice(screen: &Screen) -> Option<Option<ReasonKind>> {
    match screen {
        Screen::EnterPin { notice, .. } => Some(notice.as_ref().map(|reason| reason.kind)),
        _ => None,
    }
}

#[test]
fn a_pin_is_typed_on_the_screen_and_a_wrong_one_is_said_to_be_wrong() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running = terminal.start_with("cvm-plaintext-pin", with_keys);
    running.charge("12.34");
    running.until("the PIN", |screen| pin_notice(screen) == Some(None));
    running.wish(pin("9999"));
    running.until("wrong", |screen| pin_notice(screen) == Some(Some(ReasonKind::PinWrong)));
    running.wish(pin("9998"));
    running.until("the last try", |screen| pin_notice(screen) == Some(Some(ReasonKind::PinWrongLastTry)));
    running.wish(pin("1234"));
    assert_eq!(running.report().ending, Ending::Approved);
}

#[test]
fn a_pin_that_is_not_typed_in_time_or_not_at_all_ends_the_payment_unpaid() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running = terminal
        .start_with("cvm-enciphered-pin", |parts| Parts { pin_wait: Duration::from_millis(600), ..with_keys(parts) });
    running.charge("12.34");
    running.until("the PIN", |screen| pin_notice(screen).is_some());
    let report = running.report();
    assert_eq!((report.ending, report.reason.unwrap().kind), (Ending::Error, ReasonKind::PinTimedOut));
    running.until("not paid", |screen| matches!(screen, Screen::NotPaid { .. }));
    drop(running);
    let mut running = terminal.start_with("cvm-enciphered-pin", with_keys);
    running.charge("12.34");
    running.until("the PIN", |screen| pin_notice(screen).is_some());
    // It may not be passed over here, so the question stands; nor is anything else of use now.
    for intent in [Intent::BypassPin, Intent::NextCustomer, Intent::ShowTransactions(0)] {
        running.wish(intent);
    }
    running.wish(Intent::Cancel);
    let report = running.report();
    assert_eq!((report.ending, report.reason.unwrap().kind), (Ending::Error, ReasonKind::Cancelled));
    running.until("the keypad", is_keypad);
    assert!(terminal.rows().is_empty());
}

#[test]
fn a_pin_may_be_passed_over_where_the_settings_say_so() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running = terminal.start_with("cvm-plaintext-pin", |parts| Parts { pin_bypass: true, ..with_keys(parts) });
    running.charge("12.34");
    running.until("the PIN", |screen| pin_notice(screen).is_some());
    running.wish(Intent::BypassPin);
    let card = running.report().card.unwrap();
    assert_eq!(card.tvr, "0000888000", "PIN required and not entered, cardholder verification failed");
}

#[test]
fn with_live_keys_no_pin_is_typed_on_the_screen_whatever_the_parts_say() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running =
        terminal.start_with("cvm-plaintext-pin", |parts| Parts { test: false, screen_pad: true, ..parts });
    running.charge("12.34");
    running.wish(pin("1234"));
    let screen = running.until("a PIN or the end", |screen| {
        pin_notice(screen).is_some() || matches!(screen, Screen::Approved { .. } | Screen::NotPaid { .. })
    });
    assert_eq!(pin_notice(&screen), None, "the card was told that there is no pad, and takes a signature");
    assert_eq!(running.report().card.unwrap().tvr, "0000008000");
}

#[test]
fn what_is_logged_of_a_pin_is_never_the_pin() {
    let said = format!("{:?} {:?}", pin("735591802746"), vec![pin("735591802746")]);
    assert!(!said.contains("7355") && !said.contains("55, 51"), "{said}");
    assert!(said.contains("masked"), "{said}");
}

/// A screen at which the cardholder chooses.
fn with_a_cardholder(parts: Parts) -> Parts {
    Parts { chooser: Chooser::Cardholder, ..parts }
}

fn is_choice(screen: &Screen) -> bool {
    matches!(screen, Screen::ChooseApplication { .. })
}

#[test]
fn the_application_that_was_chosen_pays() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running = terminal.start_with("multi-application", with_a_cardholder);
    running.charge("12.34");
    let screen = running.until("the choice", is_choice);
    let Screen::ChooseApplication { applications, .. } = screen else { unreachable!() };
    assert_eq!(applications, ["UnionPay Credit", "UnionPay Debit"]);
    // What belongs to another screen, or is not there, leaves the choice open.
    for intent in [Intent::BypassPin, Intent::ConfirmApplication(true), Intent::ChooseApplication(2)] {
        running.wish(intent);
    }
    running.wish(Intent::ChooseApplication(1));
    let report = running.report();
    assert_eq!((report.ending, report.card.unwrap().aid.as_str()), (Ending::Approved, "A000000333010101"));
    assert!(report.timings.parts().iter().any(|(part, _)| *part == "choice"));
}

#[test]
fn a_choice_that_nobody_makes_ends_unpaid() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running = terminal.start_with("multi-application", |parts| Parts {
        card_wait: Duration::from_millis(600),
        ..with_a_cardholder(parts)
    });
    running.charge("12.34");
    running.until("the choice", is_choice);
    let report = running.report();
    assert_eq!((report.ending, report.reason.unwrap().kind), (Ending::Error, ReasonKind::ChoiceTimedOut));
    running.until("not paid", |screen| matches!(screen, Screen::NotPaid { .. }));
    running.wish(Intent::NextCustomer);
    running.charge("12.34");
    running.until("the choice", is_choice);
    running.wish(Intent::Cancel);
    assert_eq!(running.report().reason.unwrap().kind, ReasonKind::Cancelled);
    running.until("the keypad", is_keypad);
    assert!(terminal.rows().is_empty());
}
