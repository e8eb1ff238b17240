//! A terminal in a folder: card and ledger are real, the host answers and the printer prints as the test says.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use yima::acquirer::cosign::{CosignError, Cosigned, LogToSign};
use yima::acquirer::link::{HostCheck, HostLink, HttpsLink};
use yima::acquirer::parameters::status::StatusReport;
use yima::acquirer::parameters::{Download, DownloadError};
use yima::acquirer::sign_on::{SignOnFailure, SignedOn};
use yima::app::view::{Intent, Screen, View};
use yima::app::{Engine, Parts, SaleReport, Setup};
use yima::iso8583::Order;
use yima::ledger::{Ledger, TransactionRow};
use yima::link_fault::LinkFault;
use yima::money::{Amount, Currency};
use yima::payment::advice::Advice;
use yima::payment::online::{AboutRequest, Decision, HostAnswer, LinkFailure, ReversalRequest, SaleRequest, Unreached};
use yima::payment::qr::{self, CodeRefund, HostWord};
use yima::payment::signature::SignatureUpload;
use yima::reference::{ResponseCode, TraceNumber};
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::fault::{Faults, FaultyCard};
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::card::reader::SandboxReader;
use yima::sandbox::host::{Host, RunningHost};
use yima::settlement::closing::{self, MerchantAccount};
use yima::terminal::settings::{Origin, Settings};
use yima::wording::ReasonKind;

use super::watching::{Paper, Watching};

/// How the host behaves.
#[derive(Clone)]
pub struct Behaviour {
    pub sale: Sale,
    pub reversal: Reversal,
    pub advice: Told,
    pub signature: Told,
    pub check: Check,
}

/// What becomes of an echo.
#[derive(Clone)]
pub enum Check {
    Real,
    /// As it is when the test says so.
    Held(Arc<Mutex<Receiver<()>>>),
    NotReached,
    Silent,
    /// The host's local time is another.
    Ahead(SignedDuration),
}

/// What becomes of an advice.
#[derive(Clone, Copy)]
pub enum Told {
    Real,
    NotReached,
    /// The host has it, the terminal does not hear of it.
    AnswerLost,
}

#[derive(Clone)]
pub enum Sale {
    /// As the sandbox host does.
    Real,
    Silent,
    NotReached,
    Answer(Decision, &'static str),
    /// Answers when the test says so.
    Held(Arc<Mutex<Receiver<()>>>),
}

#[derive(Clone)]
pub enum Reversal {
    Silent,
    Code(&'static str),
    /// Stays silent, but not before the test says so.
    Held(Arc<Mutex<Receiver<()>>>),
}

pub struct Line {
    pub real: HttpsLink,
    pub behaviour: Arc<Mutex<Behaviour>>,
    pub reversals: Arc<Mutex<usize>>,
    pub advices: Arc<Mutex<Vec<Advice>>>,
    pub advice_waits: Arc<Mutex<Option<Receiver<()>>>>,
    pub download_waits: Arc<Mutex<Option<Receiver<()>>>>,
    pub downloads: Arc<AtomicUsize>,
    pub fetched: Arc<AtomicBool>,
}

impl HostLink for Line {
    fn sale(&self, request: &SaleRequest) -> Result<HostAnswer, LinkFailure> {
        let sale = self.behaviour.lock().unwrap().sale.clone();
        match sale {
            Sale::Real => self.real.sale(request),
            Sale::Silent => Err(LinkFailure::NoAnswer("silent".to_owned())),
            Sale::NotReached => Err(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, "no line"))),
            Sale::Answer(decision, code) => Ok(answer(decision, code)),
            Sale::Held(until) => {
                let _ = until.lock().unwrap().recv();
                self.real.sale(request)
            }
        }
    }

    fn code_payment(&self, asked: &qr::Request) -> Result<HostWord, LinkFailure> {
        self.real.code_payment(asked)
    }

    fn code_refund(&self, refund: &CodeRefund) -> Result<HostAnswer, LinkFailure> {
        self.real.code_refund(refund)
    }

    fn about(&self, request: &AboutRequest) -> Result<HostAnswer, LinkFailure> {
        self.real.about(request)
    }

    fn reverse(&self, _: &ReversalRequest) -> Result<HostAnswer, LinkFailure> {
        let reversal = self.behaviour.lock().unwrap().reversal.clone();
        *self.reversals.lock().unwrap() += 1;
        match reversal {
            Reversal::Silent => Err(LinkFailure::NoAnswer("silent".to_owned())),
            // Whatever the code, an answer whose decision is another one contradicts itself.
            Reversal::Code("00") => Ok(answer(Decision::Approved, "00")),
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
        let until = self.advice_waits.lock().unwrap().take();
        if let Some(until) = until {
            let _ = until.recv();
        }
        match told {
            Told::Real => self.real.advise(advice),
            Told::NotReached => Err(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, "no line"))),
            Told::AnswerLost => {
                self.real.advise(advice)?;
                Err(LinkFailure::NoAnswer("silent".to_owned()))
            }
        }
    }

    fn upload_signature(&self, upload: &SignatureUpload) -> Result<HostAnswer, LinkFailure> {
        let told = self.behaviour.lock().unwrap().signature;
        match told {
            Told::Real => self.real.upload_signature(upload),
            Told::NotReached => Err(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, "no line"))),
            Told::AnswerLost => {
                self.real.upload_signature(upload)?;
                Err(LinkFailure::NoAnswer("silent".to_owned()))
            }
        }
    }

    fn settle(&self, request: &closing::Request) -> Result<closing::Answer, LinkFailure> {
        self.real.settle(request)
    }

    fn merchant_account(&self) -> Result<MerchantAccount, LinkFailure> {
        self.real.merchant_account()
    }

    fn witness(&self, log: &LogToSign) -> Result<Option<Cosigned>, CosignError> {
        self.real.witness(log)
    }

    fn sign_on(&self, trace: TraceNumber) -> Result<SignedOn, SignOnFailure> {
        self.real.sign_on(trace)
    }

    fn check(&self) -> Result<HostCheck, LinkFailure> {
        let check = self.behaviour.lock().unwrap().check.clone();
        match check {
            Check::Real => self.real.check(),
            Check::Held(until) => match until.lock().unwrap().recv() {
                Ok(()) => self.check(),
                // The test is over.
                Err(_) => Err(LinkFailure::NoAnswer("silent".to_owned())),
            },
            Check::NotReached => Err(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, "no line"))),
            Check::Silent => Err(LinkFailure::NoAnswer("silent".to_owned())),
            Check::Ahead(ahead) => self.real.check().map(|check| HostCheck { local_ahead: Some(ahead), ..check }),
        }
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
        let until = self.download_waits.lock().unwrap().take();
        if let Some(until) = until {
            let _ = until.recv();
        }
        self.downloads.fetch_add(1, Ordering::SeqCst);
        self.real.download()
    }

    fn confirm_download(&self) -> Result<(), DownloadError> {
        self.real.confirm_download().inspect(|()| self.fetched.store(true, Ordering::SeqCst))
    }
}

pub fn answer(decision: Decision, code: &str) -> HostAnswer {
    let response_code = ResponseCode::parse(code).unwrap();
    HostAnswer {
        decision,
        response_code,
        rrn: None,
        authorisation_code: None,
        issuer_data: Vec::new(),
        balances: Vec::new(),
        plan: None,
    }
}

/// A terminal in a folder, its host, and what its engine has shown.
pub struct Terminal {
    pub folder: tempfile::TempDir,
    pub host: RunningHost,
    pub behaviour: Arc<Mutex<Behaviour>>,
    pub reversals: Arc<Mutex<usize>>,
    pub advices: Arc<Mutex<Vec<Advice>>>,
    /// The next advice goes when the test says so.
    pub advice_waits: Arc<Mutex<Option<Receiver<()>>>>,
    /// Terminal data are fetched when the test says so.
    pub download_waits: Arc<Mutex<Option<Receiver<()>>>>,
    /// How often they were.
    pub downloads: Arc<AtomicUsize>,
    /// The host knows that terminal data which it ordered are in their place.
    pub fetched: Arc<AtomicBool>,
    pub paper: Paper,
}

pub struct Running {
    pub engine: Engine,
    pub views: Receiver<View>,
    pub reports: Receiver<SaleReport>,
    pub last: Option<View>,
}

impl Terminal {
    pub fn new(sale: Sale, reversal: Reversal) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::prepare(&folder.path().join("host")).unwrap();
        host.write_kit(&folder.path().join("identity")).unwrap();
        let host = host.start(([127, 0, 0, 1], 0).into()).unwrap();
        let behaviour = Arc::new(Mutex::new(Behaviour {
            sale,
            reversal,
            advice: Told::Real,
            signature: Told::Real,
            check: Check::Real,
        }));
        Self {
            folder,
            host,
            behaviour,
            reversals: Arc::default(),
            advices: Arc::default(),
            advice_waits: Arc::default(),
            download_waits: Arc::default(),
            downloads: Arc::default(),
            fetched: Arc::default(),
            paper: Paper::default(),
        }
    }

    pub fn behave(&self, sale: Sale, reversal: Reversal) {
        *self.behaviour.lock().unwrap() =
            Behaviour { sale, reversal, advice: Told::Real, signature: Told::Real, check: Check::Real };
    }

    pub fn start(&self) -> Running {
        self.start_with("unionpay-debit", |parts| parts)
    }

    /// A start with a card that is torn or falls silent.
    pub fn start_with_faults(&self, faults: Faults) -> Running {
        self.begin("unionpay-debit", faults, |parts| parts)
    }

    /// A start with another card, and with parts that are not quite the usual ones.
    pub fn start_with(&self, card: &str, change: impl Fn(Parts) -> Parts) -> Running {
        self.begin(card, Faults::default(), change)
    }

    pub fn begin(&self, card: &str, faults: Faults, change: impl Fn(Parts) -> Parts) -> Running {
        let settings = Settings { host: self.host.link_settings(), ..Settings::default() };
        let setup = Setup { settings, origin: Origin::default(), state: self.folder.path().to_owned() };
        let identity = setup.identity().unwrap();
        let link = Line {
            real: setup.link(identity, setup.vault().unwrap()).unwrap(),
            behaviour: Arc::clone(&self.behaviour),
            reversals: Arc::clone(&self.reversals),
            advices: Arc::clone(&self.advices),
            advice_waits: Arc::clone(&self.advice_waits),
            download_waits: Arc::clone(&self.download_waits),
            downloads: Arc::clone(&self.downloads),
            fetched: Arc::clone(&self.fetched),
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

    pub fn rows(&self) -> Vec<TransactionRow> {
        self.ledger().page(0, 100).unwrap()
    }

    /// What is in the ledger now.
    pub fn ledger(&self) -> Ledger {
        let setup_identity = yima::terminal::identity::Identity::load(&self.folder.path().join("identity")).unwrap();
        let ledger = Ledger::open_to_look(
            &self.folder.path().join("ledger.sqlite"),
            setup_identity.merchant_code().unwrap(),
            setup_identity.terminal_number().unwrap(),
        );
        ledger.unwrap()
    }

    /// Whose slip, which duplicate, how far.
    pub fn copies(&self) -> Vec<(String, u32, String)> {
        let connection = rusqlite::Connection::open(self.folder.path().join("ledger.sqlite")).unwrap();
        let mut statement = connection.prepare("SELECT copy, duplicate, state FROM copies ORDER BY 1, 2").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// Changes the ledger behind the program's back.
    pub fn sql(&self, statement: &str) {
        let connection = rusqlite::Connection::open(self.folder.path().join("ledger.sqlite")).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        connection.execute_batch(statement).unwrap();
    }
}

impl Running {
    pub fn wish(&self, intent: Intent) {
        self.engine.intents().send(intent);
    }

    pub fn charge(&self, amount: &str) {
        self.wish(Intent::Charge(Amount::parse(amount, Currency::CNY).unwrap()));
    }

    /// Waits for a screen, and gives the first that is it.
    #[track_caller]
    pub fn until(&mut self, what: &str, is: impl Fn(&Screen) -> bool) -> Screen {
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
    pub fn report(&self) -> SaleReport {
        self.reports.recv_timeout(Duration::from_secs(30)).unwrap()
    }
}

pub fn is_keypad(screen: &Screen) -> bool {
    matches!(screen, Screen::Keypad { .. })
}

pub fn notice_kind(screen: &Screen) -> Option<ReasonKind> {
    match screen {
        Screen::Keypad { notice } => notice.as_ref().map(|reason| reason.kind),
        _ => None,
    }
}

/// A ledger that takes no change of this kind.
pub fn refusing(terminal: &Terminal, table: &str, state: &str) {
    terminal.sql(&format!(
        "CREATE TRIGGER full_{state} BEFORE UPDATE ON {table} WHEN NEW.state = '{state}'
         BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    ));
}
