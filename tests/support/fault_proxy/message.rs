//! The proxy that sees messages: it shows the terminal the host's certificate, and the host the terminal's.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use openssl::ssl::{
    Ssl, SslAcceptor, SslContext, SslFiletype, SslMethod, SslOptions, SslSessionCacheMode, SslStream, SslVerifyMode,
};
use yima::acquirer::link::MESSAGE_TYPE;
use yima::iso8583::Dialect;

use super::door::Door;
use super::fault::{DELAY, Fault, Kind};
use super::http::Http;
use super::tampering::changed;
use super::{Moment, PATIENCE};

/// A page as a captive portal sends it.
const PAGE: &[u8] = b"<html><h1>Welcome</h1><p>Please log in to this network.</p></html>";

/// See the module.
pub struct MessageProxy {
    shared: Arc<Shared>,
    // Dropped last: its threads use what is above.
    door: Door,
}

/// What the proxy saw of one message, and what it did to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What it was about.
    pub kind: Kind,
    /// Field 11, where there is one.
    pub stan: Option<String>,
    /// What went wrong with it.
    pub fault: Option<Fault>,
    /// How often the host got it.
    pub reached: usize,
    /// Response codes of the host.
    pub said: Vec<String>,
}

struct Shared {
    host: SocketAddr,
    kit: PathBuf,
    dialect: Dialect,
    acceptor: SslAcceptor,
    to_host: SslContext,
    plan: Mutex<Plan>,
    moment: Moment,
}

/// What is to happen, and what has.
#[derive(Default)]
struct Plan {
    told: Vec<Told>,
    refuse_after: Option<(Kind, usize)>,
    refuse: bool,
    counts: BTreeMap<Kind, usize>,
    seen: Vec<Seen>,
    answers: Vec<(Kind, Http)>,
    /// Requests that come to the host behind the next message, and which message each was.
    overtaken: Vec<(usize, Http)>,
    /// Requests that come to the host when the test says so.
    late: Vec<(usize, Http)>,
}

struct Told {
    kind: Kind,
    nth: usize,
    fault: Fault,
    strikes: bool,
}

/// Whether a connection goes on.
#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    Cut,
}

impl MessageProxy {
    /// Starts a proxy before `host`, with the host's certificate from its folder `pki` and the terminal's from its `kit`.
    pub fn start(host: SocketAddr, pki: &Path, kit: &Path) -> Self {
        let shared = Arc::new(Shared {
            host,
            kit: kit.to_owned(),
            dialect: Dialect::shipped("unionpay").unwrap(),
            acceptor: acceptor(pki),
            to_host: to_host(kit),
            plan: Mutex::default(),
            moment: Moment::default(),
        });
        let serving = Arc::clone(&shared);
        let door = Door::open(move |stream, _| serving.serve(stream));
        Self { shared, door }
    }

    /// Where the terminal finds it.
    pub fn url(&self) -> String {
        format!("https://{}", self.door.address())
    }

    /// When faults strike.
    pub fn moment(&self) -> &Moment {
        &self.shared.moment
    }

    /// The `nth` message of this kind, counted from 1, meets this fault.
    pub fn tell(&self, kind: Kind, nth: usize, fault: Fault) {
        self.shared.plan().told.push(Told { kind, nth, fault, strikes: true });
    }

    /// The same for a fault that only leads to the one that is meant: it is no strike.
    pub fn tell_beforehand(&self, kind: Kind, nth: usize, fault: Fault) {
        self.shared.plan().told.push(Told { kind, nth, fault, strikes: false });
    }

    /// The next connection ends before its handshake does: what it was for is never sent.
    pub fn refuse(&self) {
        self.shared.plan().refuse = true;
    }

    /// The same for the first connection after the `nth` message of this kind has been dealt with.
    pub fn refuse_after(&self, kind: Kind, nth: usize) {
        self.shared.plan().refuse_after = Some((kind, nth));
    }

    /// Delivers requests that are late ([`Fault::LateRequest`]) to the host. Nobody waits for what it says.
    pub fn release(&self) {
        let late = std::mem::take(&mut self.shared.plan().late);
        for (message, request) in late {
            self.shared.ask_host(message, &request);
        }
    }

    /// What came through so far, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.plan().seen.clone()
    }
}

impl Shared {
    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.plan.lock().unwrap()
    }

    fn serve(&self, stream: TcpStream) {
        if std::mem::take(&mut self.plan().refuse) {
            return self.moment.strike();
        }
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let Ok(mut terminal) = self.acceptor.accept(stream) else { return };
        while let Ok(Some(request)) = Http::read(&mut terminal) {
            let (message, told) = self.note(&request);
            let fault = told.as_ref().map(|told| told.fault);
            let strikes = told.is_none_or(|told| told.strikes);
            let strike = || {
                if strikes {
                    self.moment.strike()
                }
            };
            if self.deal(&mut terminal, &request, message, fault, &strike) == Next::Cut {
                return;
            }
        }
        let _ = terminal.shutdown();
    }

    /// Takes note of a message: which one it is, and what has been told about it.
    fn note(&self, request: &Http) -> (usize, Option<Told>) {
        let frame = self.dialect.unpack(&request.body).ok();
        let kind = frame.as_ref().map_or(Kind::Other, |frame| Kind::of(&frame.message));
        let stan = frame.and_then(|frame| frame.message.text(11).map(str::to_owned));
        let mut plan = self.plan();
        let count = plan.counts.entry(kind).or_default();
        *count += 1;
        let count = *count;
        let told = plan.told.iter().position(|told| (told.kind, told.nth) == (kind, count));
        let told = told.map(|index| plan.told.remove(index));
        let fault = told.as_ref().map(|told| told.fault);
        plan.seen.push(Seen { kind, stan, fault, reached: 0, said: Vec::new() });
        (plan.seen.len() - 1, told)
    }

    /// Brings a message to the host and the answer back, or does what its fault is.
    fn deal(
        &self,
        terminal: &mut SslStream<TcpStream>,
        request: &Http,
        message: usize,
        fault: Option<Fault>,
        strike: &dyn Fn(),
    ) -> Next {
        let ask = || self.ask_host(message, request);
        let mut answer = |answer: &Http| {
            self.dealt_with(message);
            // A terminal that is gone hears nothing.
            let _ = terminal.write_all(&answer.bytes());
            let _ = terminal.flush();
        };
        let Some(fault) = fault else {
            return match ask() {
                Some(said) => {
                    answer(&said);
                    Next::GoOn
                }
                None => Next::Cut,
            };
        };
        match fault {
            Fault::Swallowed | Fault::HalfSent | Fault::Lost | Fault::Overtaken => {
                match fault {
                    Fault::HalfSent => self.send_half(request),
                    Fault::Lost => drop(ask()),
                    Fault::Overtaken => self.plan().overtaken.push((message, request.clone())),
                    _ => {}
                }
                self.dealt_with(message);
                strike();
                return Next::Cut;
            }
            Fault::Delayed => {
                let said = ask();
                strike();
                std::thread::sleep(DELAY);
                let Some(said) = said else { return Next::Cut };
                answer(&said);
                return Next::GoOn;
            }
            Fault::LateAnswer | Fault::LateRequest => {
                let said = match fault {
                    Fault::LateAnswer => ask(),
                    _ => {
                        self.plan().late.push((message, request.clone()));
                        None
                    }
                };
                self.dealt_with(message);
                strike();
                // Until the terminal hangs up.
                let _ = terminal.read_to_end(&mut Vec::new());
                let _ = said.map(|said| terminal.write_all(&said.bytes()));
                return Next::Cut;
            }
            Fault::TwiceFirstAnswer | Fault::TwiceSecondAnswer | Fault::AnswerTwice => {
                let first = ask();
                let said = match fault {
                    Fault::TwiceFirstAnswer => ask().and(first),
                    Fault::TwiceSecondAnswer => ask(),
                    _ => first,
                };
                strike();
                let Some(said) = said else { return Next::Cut };
                answer(&said);
                if fault == Fault::AnswerTwice {
                    answer(&said);
                }
                return Next::Cut;
            }
            Fault::OlderAnswer => {
                let older = self.older_answer(message);
                ask();
                answer(&older);
            }
            Fault::Changed(way @ super::Way::Request, change) => {
                let body = changed(&self.dialect, &self.kit, way, change, &request.body).unwrap();
                let Some(said) = self.ask_host(message, &request.with_body(body)) else { return Next::Cut };
                answer(&said);
            }
            Fault::Changed(way @ super::Way::Answer, change) => {
                let Some(said) = ask() else { return Next::Cut };
                let body = changed(&self.dialect, &self.kit, way, change, &said.body).unwrap();
                answer(&said.with_body(body));
            }
            Fault::BadGateway { reached } => {
                if reached {
                    ask();
                }
                answer(&Http::answer("502 Bad Gateway", "text/html", b"<h1>502 Bad Gateway</h1>"));
            }
            Fault::Page { reached } => {
                if reached {
                    ask();
                }
                answer(&Http::answer("200 OK", "text/html", PAGE));
            }
            Fault::PageAsMessage { reached } => {
                if reached {
                    ask();
                }
                answer(&Http::answer("200 OK", MESSAGE_TYPE, PAGE));
            }
        }
        strike();
        Next::GoOn
    }

    /// A request that is over for the terminal: what was told to come after it comes.
    fn dealt_with(&self, message: usize) {
        let mut plan = self.plan();
        let kind = plan.seen[message].kind;
        let nth = plan.seen[..=message].iter().filter(|seen| seen.kind == kind).count();
        if plan.refuse_after == Some((kind, nth)) {
            plan.refuse_after = None;
            plan.refuse = true;
        }
        let overtaken = plan.overtaken.extract_if(.., |(held, _)| *held < message).collect::<Vec<_>>();
        drop(plan);
        for (held, request) in overtaken {
            self.ask_host(held, &request);
        }
    }

    /// Sends a request to the host and gives its answer; nothing when none comes.
    fn ask_host(&self, message: usize, request: &Http) -> Option<Http> {
        let mut host = self.connect()?;
        host.write_all(&request.bytes()).ok()?;
        let said = Http::read(&mut host).ok()??;
        let _ = host.shutdown();
        let code = self.dialect.unpack(&said.body).ok().and_then(|frame| frame.message.text(39).map(str::to_owned));
        let mut plan = self.plan();
        let seen = &mut plan.seen[message];
        seen.reached += 1;
        seen.said.push(code.unwrap_or_else(|| String::from_utf8_lossy(&said.head).lines().next().unwrap().to_owned()));
        let kind = seen.kind;
        plan.answers.push((kind, said.clone()));
        Some(said)
    }

    fn send_half(&self, request: &Http) {
        let bytes = request.bytes();
        let Some(mut host) = self.connect() else { return };
        let half = request.head.len() + request.body.len() / 2;
        let _ = host.write_all(&bytes[..half]);
        let _ = host.flush();
    }

    fn connect(&self) -> Option<SslStream<TcpStream>> {
        let stream = TcpStream::connect(self.host).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut ssl = Ssl::new(&self.to_host).unwrap();
        ssl.param_mut().set_host("localhost").unwrap();
        ssl.connect(stream).ok()
    }

    /// The last answer to an earlier message of the same kind; to any other, where there was none.
    fn older_answer(&self, message: usize) -> Http {
        let plan = self.plan();
        let kind = plan.seen[message].kind;
        let same = plan.answers.iter().rev().find(|(known, _)| *known == kind);
        same.or(plan.answers.last()).unwrap().1.clone()
    }
}

fn acceptor(pki: &Path) -> SslAcceptor {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    builder.set_private_key_file(pki.join("server.key"), SslFiletype::PEM).unwrap();
    builder.set_certificate_file(pki.join("server.pem"), SslFiletype::PEM).unwrap();
    builder.set_ca_file(pki.join("ca.pem")).unwrap();
    builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
    builder.set_options(SslOptions::NO_TICKET);
    builder.set_num_tickets(0).unwrap();
    builder.build()
}

/// Not the library's usual connector: that one reads all authorities of the system, each time.
fn to_host(kit: &Path) -> SslContext {
    let mut builder = SslContext::builder(SslMethod::tls_client()).unwrap();
    builder.set_ca_file(kit.join("acquirer-ca.pem")).unwrap();
    builder.set_certificate_file(kit.join("client.pem"), SslFiletype::PEM).unwrap();
    builder.set_private_key_file(kit.join("client.key"), SslFiletype::PEM).unwrap();
    builder.set_verify(SslVerifyMode::PEER);
    builder.build()
}
