//! A terminal whose card, ledger and sales are real, whose host answers the queue as the test says, and whose printer keeps
//! what it prints.

#![allow(dead_code, reason = "every test program compiles this module and uses a part of it")]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use yima::acquirer::link::{HostCheck, HostLink, HttpsLink};
use yima::acquirer::parameters::status::StatusReport;
use yima::acquirer::parameters::{Download, DownloadError};
use yima::acquirer::sign_on::{SignOnFailure, SignedOn};
use yima::app::view::{Intent, Screen, View};
use yima::app::{Engine, Parts, SaleReport, Setup};
use yima::devices::printer::{Confirmation, PrintFailure, Printer, PrinterFault};
use yima::iso8583::Order;
use yima::ledger::Ledger;
use yima::link_fault::LinkFault;
use yima::money::{Amount, Currency};
use yima::payment::advice::Advice;
use yima::payment::online::{
    AboutRequest, Decision, HostAnswer, LateApproval, LinkFailure, ReversalRequest, SaleRequest, Unreached,
};
use yima::payment::queue::Entry;
use yima::reference::{ResponseCode, TraceNumber};
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::fault::{Faults, FaultyCard};
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::card::reader::SandboxReader;
use yima::sandbox::host::{Host, RunningHost};
use yima::terminal::identity::Identity;
use yima::terminal::settings::{Origin, Settings};

use super::watching::Watching;

/// What the host makes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// What the sandbox host says.
    Real,
    /// A response code.
    Code(&'static str),
    /// Nothing; the request may have arrived.
    Silent,
    /// Nothing; the request never left.
    Unreached,
}

/// How the host behaves, and what it was asked about the queue.
pub struct Behaviour {
    pub sale: Says,
    pub reversal: Says,
    pub advice: Says,
    /// How long it thinks about an entry of the queue.
    pub thinks: Duration,
    /// Approvals that come too late, with the next answer to a sale or a reversal.
    pub late: Vec<LateApproval>,
    pub reversals: Vec<ReversalRequest>,
    pub advices: Vec<Advice>,
}

struct Line {
    real: HttpsLink,
    behaviour: Arc<Mutex<Behaviour>>,
    late: Mutex<Vec<LateApproval>>,
    under_way: AtomicUsize,
    most_under_way: Arc<AtomicUsize>,
}

impl Line {
    fn late_comes(&self) {
        self.late.lock().unwrap().append(&mut self.behaviour.lock().unwrap().late);
    }

    /// Looks how many entries are under way, and thinks.
    fn think(&self) {
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(under_way, Ordering::SeqCst);
        let thinks = self.behaviour.lock().unwrap().thinks;
        std::thread::sleep(thinks);
        self.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

fn said(says: Says, real: impl FnOnce() -> Result<HostAnswer, LinkFailure>) -> Result<HostAnswer, LinkFailure> {
    match says {
        Says::Real => real(),
        Says::Code(code) => Ok(HostAnswer {
            decision: Decision::Refused,
            response_code: ResponseCode::parse(code).unwrap(),
            rrn: None,
            authorisation_code: None,
            issuer_data: Vec::new(),
            balances: Vec::new(),
            plan: None,
        }),
        Says::Silent => Err(LinkFailure::NoAnswer("silent".to_owned())),
        Says::Unreached => Err(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, "no line"))),
    }
}

impl HostLink for Line {
    fn sale(&self, request: &SaleRequest) -> Result<HostAnswer, LinkFailure> {
        let says = self.behaviour.lock().unwrap().sale;
        self.late_comes();
        said(says, || self.real.sale(request))
    }

    fn about(&self, request: &AboutRequest) -> Result<HostAnswer, LinkFailure> {
        self.real.about(request)
    }

    fn reverse(&self, request: &ReversalRequest) -> Result<HostAnswer, LinkFailure> {
        self.think();
        let says = {
            let mut behaviour = self.behaviour.lock().unwrap();
            behaviour.reversals.push(request.clone());
            behaviour.reversal
        };
        self.late_comes();
        said(says, || self.real.reverse(request))
    }

    fn advise(&self, advice: &Advice) -> Result<HostAnswer, LinkFailure> {
        self.think();
        let says = {
            let mut behaviour = self.behaviour.lock().unwrap();
            behaviour.advices.push(advice.clone());
            behaviour.advice
        };
        said(says, || self.real.advise(advice))
    }

    fn check(&self) -> Result<HostCheck, LinkFailure> {
        self.real.check()
    }

    fn sign_on(&self, trace: TraceNumber) -> Result<SignedOn, SignOnFailure> {
        self.real.sign_on(trace)
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

    fn take_late(&self) -> Vec<LateApproval> {
        std::mem::take(&mut self.late.lock().unwrap())
    }

    fn download(&self) -> Result<Download, DownloadError> {
        self.real.download()
    }

    fn confirm_download(&self) -> Result<(), DownloadError> {
        self.real.confirm_download()
    }
}

/// A printer that keeps what it prints, as long as it has paper.
#[derive(Clone)]
pub struct Paper {
    pub there: Arc<Mutex<bool>>,
    pub printed: Arc<Mutex<VecDeque<Vec<u8>>>>,
}

impl Printer for Paper {
    fn name(&self) -> String {
        "paper".to_owned()
    }

    fn check(&mut self) -> Result<(), PrinterFault> {
        Ok(())
    }

    fn print(
        &mut self,
        bytes: &[u8],
        _: Duration,
        _: &mut dyn FnMut(Option<PrinterFault>),
    ) -> Result<Confirmation, PrintFailure> {
        if !*self.there.lock().unwrap() {
            return Err(PrintFailure::before_content(PrinterFault::PaperOut));
        }
        self.printed.lock().unwrap().push_back(bytes.to_vec());
        Ok(Confirmation::Printed)
    }
}

/// See the module.
pub struct Terminal {
    pub folder: tempfile::TempDir,
    pub host: RunningHost,
    pub behaviour: Arc<Mutex<Behaviour>>,
    pub paper: Paper,
    /// The most entries of the queue that were ever under way at once.
    pub most_under_way: Arc<AtomicUsize>,
}

/// A terminal that is switched on.
pub struct Running {
    pub engine: Engine,
    views: Receiver<View>,
    reports: Receiver<SaleReport>,
    last: Option<View>,
}

impl Terminal {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::prepare(&folder.path().join("host")).unwrap();
        host.write_kit(&folder.path().join("identity")).unwrap();
        let host = host.start(([127, 0, 0, 1], 0).into()).unwrap();
        let behaviour = Behaviour {
            sale: Says::Real,
            reversal: Says::Real,
            advice: Says::Real,
            thinks: Duration::ZERO,
            late: Vec::new(),
            reversals: Vec::new(),
            advices: Vec::new(),
        };
        Self {
            folder,
            host,
            behaviour: Arc::new(Mutex::new(behaviour)),
            paper: Paper { there: Arc::new(Mutex::new(true)), printed: Arc::default() },
            most_under_way: Arc::default(),
        }
    }

    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.behaviour.lock().unwrap());
    }

    fn setup(&self) -> Setup {
        let settings = Settings { host: self.host.link_settings(), ..Settings::default() };
        Setup { settings, origin: Origin::default(), state: self.folder.path().to_owned() }
    }

    pub fn start(&self) -> Running {
        self.start_with("unionpay-debit", |parts| parts)
    }

    /// A start with another card, and with parts that are not quite the usual ones.
    pub fn start_with(&self, card: &str, change: impl FnOnce(Parts) -> Parts) -> Running {
        let setup = self.setup();
        let link = Line {
            real: setup.link(setup.identity().unwrap(), setup.vault().unwrap()).unwrap(),
            behaviour: Arc::clone(&self.behaviour),
            late: Mutex::default(),
            under_way: AtomicUsize::new(0),
            most_under_way: Arc::clone(&self.most_under_way),
        };
        let profile = CardProfile::shipped(card).unwrap();
        let card = SandboxCard::open(&profile, &self.folder.path().join("sandbox/card")).unwrap();
        let parts = change(Parts {
            reader: Box::new(SandboxReader::new(FaultyCard::new(card, Faults::default()), Duration::ZERO)),
            printer: Box::new(self.paper.clone()),
            link: Arc::new(link),
            sound: Box::new(yima::devices::sound::silent::Silent),
            ..setup.parts().unwrap()
        });
        let (listener, views, reports) = Watching::new();
        Running { engine: Engine::start(parts, Box::new(listener)).unwrap(), views, reports, last: None }
    }

    /// The ledger, as another program sees it.
    pub fn ledger(&self) -> Ledger {
        let identity = Identity::load(&self.folder.path().join("identity")).unwrap();
        self.setup().ledger(&identity).unwrap()
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.ledger().entries().unwrap()
    }

    /// Changes the ledger behind the program's back.
    pub fn sql(&self, statement: &str) {
        let connection = rusqlite::Connection::open(self.folder.path().join("ledger.sqlite")).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        connection.execute_batch(statement).unwrap();
    }

    /// Lets what waits be as old, and as often tried, as what is given up with the next try. The day stays: the host compares it.
    pub fn nearly_give_up(&self) {
        self.sql(
            "UPDATE transactions SET at = '2024' || substr(at, 5);
             UPDATE transactions SET reversal_tries = 19 WHERE state = 'reversal_due';
             UPDATE advices SET tries = 19 WHERE state = 'queued'",
        );
    }

    /// How many slips on paper have this in them, in the bytes of a Chinese printer.
    pub fn slips_with(&self, text: &[u8]) -> usize {
        let printed = self.paper.printed.lock().unwrap();
        printed.iter().filter(|slip| slip.windows(text.len()).any(|window| window == text)).count()
    }
}

impl Running {
    pub fn wish(&self, intent: Intent) {
        self.engine.intents().send(intent);
    }

    /// Takes a payment to its end.
    #[track_caller]
    pub fn pay(&self, amount: &str) -> SaleReport {
        self.wish(Intent::Charge(Amount::parse(amount, Currency::CNY).unwrap()));
        self.report()
    }

    #[track_caller]
    pub fn report(&self) -> SaleReport {
        self.reports.recv_timeout(Duration::from_secs(30)).unwrap()
    }

    /// Waits for a view, and gives the first that is it.
    #[track_caller]
    pub fn until(&mut self, what: &str, is: impl Fn(&View) -> bool) -> View {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(view) = self.last.as_ref().filter(|view| is(view)) {
                return view.clone();
            }
            match self.views.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(view) => self.last = Some(view),
                Err(_) => panic!("{what} was never shown; the last was {:?}", self.last),
            }
        }
    }
}

/// Waits until something holds that nobody tells.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The rows of the queue's screen: number, how it stands, tries.
pub fn rows(view: &View) -> Option<Vec<(TraceNumber, &'static str, u32)>> {
    match &view.screen {
        Screen::Queue { rows, .. } => {
            Some(rows.iter().map(|row| (row.trace, row.standing.word(), row.tries)).collect())
        }
        _ => None,
    }
}
