//! The line between terminal and host, and the host behind it: the host's own rules answer, and the plan says what of it
//! arrives. An exchange is decided when it begins; how long it takes is left to the day.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use yima::acquirer::code_payments::{self, CodeRequest};
use yima::acquirer::https::address::Address;
use yima::acquirer::https::response::Response;
use yima::acquirer::https::{Carrier, Limits, Post, PostError, Received};
use yima::acquirer::link::MESSAGE_TYPE;
use yima::acquirer::settlement;
use yima::clock::SetByHand;
use yima::iso8583::{Dialect, Message};
use yima::link_fault::LinkFault;
use yima::payment::online::Unreached;
use yima::reference::{Batch, Stan, TraceNumber};
use yima::sandbox::host::code_payments::wallets::Wallet;
use yima::sandbox::host::{Host, Reply, Service};

use crate::fault_proxy::fault::{Kind, Way};
use crate::fault_proxy::tampering::changed;
use crate::plan::{OnLine, Part, Plan};
use crate::random::Random;
use crate::trace::Trace;

const PAGE: &[u8] = b"<html><h1>Welcome</h1><p>Please log in to this network.</p></html>";

/// How field 60 of an offline sale begins.
const OFFLINE_SALE: &str = "36";

/// See the module.
#[derive(Clone)]
pub struct Network(Arc<Mutex<State>>);

struct State {
    /// What customers hold is looked at and paid with there.
    street: Host,
    service: Service,
    /// What customers held in the morning.
    held: Vec<Wallet>,
    certificate: String,
    dialect: Dialect,
    /// Where the terminal's keys are: a forged answer has a right MAC.
    kit: PathBuf,
    random: Random,
    trace: Trace,
    began: Instant,
    exchanges: u32,
    faults: BTreeMap<u32, OnLine>,
    outages: Vec<(u64, u64)>,
    /// Requests under way, and when they come to the host.
    late: Vec<(Duration, Vec<u8>)>,
    /// Requests that come to the host behind the next one.
    overtaken: Vec<Vec<u8>>,
    answers: Vec<Given>,
    took: Duration,
    customer: Option<usize>,
    owners: BTreeMap<TraceNumber, usize>,
    numbers: HashMap<(String, String), Vec<u8>>,
    problems: Vec<String>,
}

impl Network {
    pub fn new(street: Host, certificate: String, kit: PathBuf, plan: &Plan, trace: Trace) -> Self {
        let service = street.service().unwrap();
        let (mut faults, mut outages) = (BTreeMap::new(), Vec::new());
        for part in &plan.parts {
            match part {
                Part::Line(exchange, fault) => drop(faults.insert(*exchange, *fault)),
                Part::Outage(from, length) => outages.push((*from, from + length)),
                _ => {}
            }
        }
        Self(Arc::new(Mutex::new(State {
            dialect: service.dialect.clone(),
            held: street.wallets().unwrap(),
            street,
            service,
            certificate,
            kit,
            random: Random::new(plan.seed ^ 0x4E45_5457_4F52_4B00),
            trace,
            began: yima::clock::instant(),
            exchanges: 0,
            faults,
            outages,
            late: Vec::new(),
            overtaken: Vec::new(),
            answers: Vec::new(),
            took: Duration::ZERO,
            customer: None,
            owners: BTreeMap::new(),
            numbers: HashMap::new(),
            problems: Vec::new(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Who stands at the counter: payments that are sent now are this one's.
    pub fn serves(&self, customer: Option<usize>) {
        self.state().customer = customer;
    }

    /// How long the exchanges since the last question took.
    pub fn took(&self) -> Duration {
        std::mem::take(&mut self.state().took)
    }

    /// Whose payments came over the line.
    pub fn owners(&self) -> BTreeMap<TraceNumber, usize> {
        self.state().owners.clone()
    }

    /// Whose payment this is that did not come over the line.
    pub fn owns(&self, trace: TraceNumber, customer: usize) {
        self.state().owners.insert(trace, customer);
    }

    /// What was seen that must not be.
    pub fn problems(&self) -> Vec<String> {
        self.state().problems.clone()
    }

    /// The host itself.
    pub fn host<T>(&self, work: impl FnOnce(&Service) -> T) -> T {
        SetByHand::right(|| work(&self.state().service))
    }

    /// What customers do with their phones: they go to the host in ways of their own.
    pub fn street<T>(&self, work: impl FnOnce(&Host) -> T) -> T {
        SetByHand::right(|| work(&self.state().street))
    }

    /// What customers held in the morning.
    pub fn held(&self) -> Vec<Wallet> {
        self.state().held.clone()
    }

    /// Brings late requests to the host whose time has come; nobody waits for the answers.
    pub fn deliver_late(&self) {
        let state = &mut *self.state();
        let now = yima::clock::since(state.began);
        let (due, later) = std::mem::take(&mut state.late).into_iter().partition(|(at, _)| *at <= now);
        state.late = later;
        for (_, request) in Vec::from_iter::<Vec<_>>(due) {
            state.trace.note(format_args!("a late request comes to the host"));
            state.ask(&request);
        }
    }

    /// Nothing is under way any more, and nothing goes wrong from now on.
    pub fn heal(&self) {
        let state = &mut *self.state();
        state.faults.clear();
        state.outages.clear();
        for (_, request) in std::mem::take(&mut state.late) {
            state.ask(&request);
        }
        for request in std::mem::take(&mut state.overtaken) {
            state.ask(&request);
        }
    }
}

impl Carrier for Network {
    fn post(&self, _: &Address, post: &Post<'_>, limits: &Limits, _: Instant) -> Result<Received, PostError> {
        self.state().exchange(post.body, limits)
    }
}

impl State {
    fn exchange(&mut self, request: &[u8], limits: &Limits) -> Result<Received, PostError> {
        let number = self.exchanges;
        self.exchanges += 1;
        let kind = self.note(number, request);
        let second = yima::clock::since(self.began).as_secs();
        let out = self.outages.iter().any(|(from, to)| (*from..*to).contains(&second));
        let fault = self.faults.get(&number).copied();
        if out || fault == Some(OnLine::Unreachable) {
            self.took += Duration::from_secs(2);
            self.trace.note(format_args!("  cannot be reached"));
            return Err(Unreached::new(LinkFault::NoRoute, "no route in this simulation").into());
        }
        if let Some(fault) = fault {
            self.trace.note(format_args!("  {fault:?}"));
        }
        self.took += Duration::from_millis(self.random.between(60, 900));
        let lost = |state: &mut Self| {
            state.took += limits.first_byte;
            Err(PostError::Doubtful("the answer did not come in this simulation".to_owned()))
        };
        let answered = match fault {
            None => self.ask(request),
            Some(OnLine::Unreachable | OnLine::RequestLost) => None,
            Some(OnLine::AnswerLost) => {
                self.ask(request);
                None
            }
            Some(OnLine::Slow(seconds)) => {
                self.took += Duration::from_secs(seconds);
                self.ask(request)
            }
            Some(OnLine::RequestLate(seconds)) => {
                let at = yima::clock::since(self.began) + Duration::from_secs(seconds);
                self.late.push((at, request.to_vec()));
                None
            }
            Some(OnLine::Overtaken) => {
                self.overtaken.push(request.to_vec());
                return lost(self);
            }
            Some(OnLine::Twice { second_answer }) => {
                let first = self.ask(request);
                let second = self.ask(request);
                if second_answer { second } else { first }
            }
            Some(OnLine::OlderAnswer { reached }) => {
                let older = self.older_answer(kind, request);
                if reached {
                    self.ask(request);
                }
                older.map(Answer::Message)
            }
            Some(OnLine::Forged(Way::Request, change)) => {
                let forged = changed(&self.dialect, &self.kit, Way::Request, change, request);
                self.ask(&forged.unwrap_or_else(|| request.to_vec()))
            }
            Some(OnLine::Forged(Way::Answer, change)) => match self.ask(request) {
                Some(Answer::Message(body)) => {
                    let forged = changed(&self.dialect, &self.kit, Way::Answer, change, &body);
                    Some(Answer::Message(forged.unwrap_or(body)))
                }
                other => other,
            },
            Some(OnLine::Gateway { reached }) => {
                if reached {
                    self.ask(request);
                }
                Some(Answer::Status(502))
            }
            Some(OnLine::Page { reached, as_message }) => {
                if reached {
                    self.ask(request);
                }
                Some(if as_message { Answer::Message(PAGE.to_vec()) } else { Answer::Page })
            }
        };
        for request in std::mem::take(&mut self.overtaken) {
            self.trace.note(format_args!("  an overtaken request comes to the host"));
            self.ask(&request);
        }
        let Some(answer) = answered else { return lost(self) };
        Ok(received(answer))
    }

    /// What a request is about, and what must not be about it.
    fn note(&mut self, number: u32, request: &[u8]) -> Kind {
        let Ok(frame) = self.dialect.unpack(request) else {
            self.problems.push("the terminal sent what is no message".to_owned());
            return Kind::Other;
        };
        let message = &frame.message;
        let kind = Kind::of(message);
        let text = |field| message.text(field).map(str::to_owned);
        let stan = text(11).unwrap_or_default();
        let amount = text(4).unwrap_or_default();
        let code = code_payments::of_request(&self.dialect, message);
        let settles = settlement::of_request(&self.dialect, message);
        match (code, settles) {
            (Some(code), _) => self.trace.note(format_args!("exchange {number}: code {code:?} {stan} {amount}")),
            (_, Some(asked)) => self.trace.note(format_args!("exchange {number}: settlement {asked:?} {stan}")),
            _ => self.trace.note(format_args!("exchange {number}: {kind:?} {stan} {amount}")),
        }
        let batch = text(60).and_then(|sixty| sixty.get(2..8).map(str::to_owned)).unwrap_or_default();
        let pays = kind == Kind::Sale || matches!(code, Some(CodeRequest::Pay | CodeRequest::Open));
        let once = pays || kind == Kind::SignOn;
        let what = if once { Some(request.to_vec()) } else { sent_again(&self.dialect, kind, code, message) };
        if let Some(what) = what
            && let Some(before) = self.numbers.insert((batch.clone(), stan.clone()), what.clone())
            && (before != what || once)
        {
            self.problems.push(format!("{batch}/{stan} was sent for two things"));
        }
        if pays && let (Ok(batch), Ok(stan), Some(customer)) = (Batch::parse(&batch), Stan::parse(&stan), self.customer)
        {
            self.owners.insert(TraceNumber { batch, stan }, customer);
        }
        kind
    }

    /// The answer of before that fits best: of this kind, and of this amount. Not one that the host signed for this number before it
    /// was asked about it: no terminal can tell such an answer from its own.
    fn older_answer(&self, kind: Kind, request: &[u8]) -> Option<Vec<u8>> {
        let amount = self.dialect.unpack(request).ok().and_then(|frame| frame.message.text(4).map(str::to_owned));
        let fits = |given: &&Given| (given.kind == kind, given.amount == amount);
        let asked = self.dialect.unpack(request).ok().and_then(|frame| frame.message.text(11).map(str::to_owned));
        let told_apart = self.answers.iter().filter(|given| given.to_the_point || given.stan != asked);
        told_apart.max_by_key(fits).map(|given| given.body.clone())
    }

    /// Brings a request to the host; nothing when it keeps silent.
    fn ask(&mut self, request: &[u8]) -> Option<Answer> {
        let answer = match SetByHand::right(|| self.service.answer(&self.certificate, request)) {
            Reply::Message(bytes, pause) => {
                self.took += pause;
                Answer::Message(bytes.to_vec())
            }
            Reply::Silence => return None,
            Reply::BadGateway => Answer::Status(502),
            Reply::CaptivePortal => Answer::Page,
            Reply::Unreadable(_) => Answer::Status(400),
            Reply::Failed(problem) => {
                self.problems.push(format!("the host failed: {problem}"));
                Answer::Status(500)
            }
        };
        if let Answer::Message(body) = &answer
            && let Ok(frame) = self.dialect.unpack(body)
        {
            let code = frame.message.text(39).unwrap_or_default();
            self.trace.note(format_args!("  the host says {code}"));
            // Answers have types one number behind those of their requests, and are kept by those.
            let asked = self.dialect.unpack(request).ok().map(|frame| frame.message);
            let kind = asked.as_ref().map_or(Kind::Other, Kind::of);
            let to_the_point = asked.is_some_and(|asked| asked.text(11) == frame.message.text(11));
            let (amount, stan) = (frame.message.text(4).map(str::to_owned), frame.message.text(11).map(str::to_owned));
            self.answers.push(Given { kind, to_the_point, stan, amount, body: body.clone() });
        }
        Some(answer)
    }
}

/// What of a request is the same whenever it is sent again; its MAC may be under newer keys. Nothing, where it is not followed.
fn sent_again(dialect: &Dialect, kind: Kind, code: Option<CodeRequest>, message: &Message) -> Option<Vec<u8>> {
    let fields = |fields: &[u8]| fields.iter().map(|field| format!(" {:?}", message.text(*field))).collect::<String>();
    // What a batch came to does not change, nor what is uploaded of it under one number.
    if let Some(asked) = settlement::of_request(dialect, message) {
        let asks_only = matches!(asked, settlement::Asked::Account | settlement::Asked::Differences);
        return (!asks_only).then(|| format!("{asked:?}{}", fields(&[48])).into_bytes());
    }
    match (kind, code) {
        (Kind::CardResult | Kind::ScriptResult, _) => Some(format!("{kind:?}{}", fields(&[61])).into_bytes()),
        (_, Some(CodeRequest::Refund)) => Some(format!("{code:?}{}", fields(&[4, 12, 13, 37, 61])).into_bytes()),
        // The sale's own number, and its cryptogram, whenever the host is told of it.
        (Kind::NoSale, _) if message.text(60).is_some_and(|text| text.starts_with(OFFLINE_SALE)) => {
            Some(format!("offline{} {:?}", fields(&[4, 12, 13, 14, 22, 23]), message.bytes(55)).into_bytes())
        }
        _ => None,
    }
}

/// An answer of the host's.
struct Given {
    kind: Kind,
    /// It carries the number that was asked about.
    to_the_point: bool,
    stan: Option<String>,
    amount: Option<String>,
    body: Vec<u8>,
}

enum Answer {
    Message(Vec<u8>),
    Page,
    Status(u16),
}

fn received(answer: Answer) -> Received {
    let date = SetByHand::right(yima::clock::timestamp).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let (status, content_type, body) = match answer {
        Answer::Message(body) => (200, MESSAGE_TYPE, body),
        Answer::Page => (200, "text/html", PAGE.to_vec()),
        Answer::Status(status) => (status, "text/html", Vec::new()),
    };
    let response =
        Response { status, content_type: Some(content_type.to_owned()), date: Some(date), stays_open: false, body };
    Received { response, resumed: false, tls: "none", line: None }
}
