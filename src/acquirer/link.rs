//! The link to the host: one HTTPS POST for each request, and an honest word about what came of it.
//!
//! Trusts only the acquirer's own authorities, shows the terminal's certificate, never follows a redirect, uses no proxy
//! and never sends anything twice: whether to try again is for the payment core to decide. Blocking; must not be called
//! on a thread that runs an asynchronous runtime.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::{Timestamp, Zoned};
use reqwest::blocking::{Client, Response};
use reqwest::header::{CACHE_CONTROL, CONTENT_TYPE, DATE};
use zeroize::Zeroizing;

use super::enrolment::wire::SignedRequest;
use super::enrolment::{Enrolled, EnrolmentError, https};
use super::{answers, late};
use super::messages::{RequestError, Requests, Written};
use super::parameters::{self, Download, DownloadError, Question, Reply};
use crate::crypto::hex;
use crate::iso8583::{Dialect, DialectError};
use crate::payment::advice::Advice;
use crate::payment::online::{HostAnswer, LateApproval, LinkFailure, ReversalRequest, SaleRequest};
use crate::reference::ResponseCode;
use crate::terminal::identity::Identity;
use crate::terminal::link::LinkSettings;
use crate::vault::SecureElement;

/// Content type of a message, both ways.
pub const MESSAGE_TYPE: &str = "x-ISO-TPDU/x-auth";

/// Longest answer that is read, in bytes. The longest message of the shipped dialect is below it.
pub const MAX_ANSWER: usize = 8 * 1024;

/// A way to the host.
pub trait HostLink: Send + Sync {
    /// Asks for a sale (0200).
    ///
    /// # Errors
    /// When no valid answer came; the variant says whether the host may know of the request.
    fn sale(&self, request: &SaleRequest) -> Result<HostAnswer, LinkFailure>;

    /// Takes a sale back (0400).
    ///
    /// # Errors
    /// As [`HostLink::sale`].
    fn reverse(&self, request: &ReversalRequest) -> Result<HostAnswer, LinkFailure>;

    /// Tells of a payment that is over (0320, 0620). Moves no money.
    ///
    /// # Errors
    /// As [`HostLink::sale`].
    fn advise(&self, advice: &Advice) -> Result<HostAnswer, LinkFailure>;

    /// Asks whether the host is there (0820 echo). Books nothing.
    ///
    /// # Errors
    /// As [`HostLink::sale`].
    fn check(&self) -> Result<HostCheck, LinkFailure>;

    /// Whether an answer since the last call ordered the terminal to fetch its data anew.
    fn take_order(&self) -> bool;

    /// What the answers since the last call said of this terminal's binding, if they spoke of it: the same, or which value is
    /// another.
    fn take_word_on_binding(&self) -> Option<Result<(), String>> {
        None
    }

    /// Fetches the binding record and takes it when it is newer than the one that counts; gives the identity that it makes.
    ///
    /// # Errors
    /// When nothing valid came; what counted still counts.
    fn refresh_binding(&self) -> Result<Option<Identity>, EnrolmentError> {
        Ok(None)
    }

    /// Approvals since the last call that came as the answer to something else: too late for their own request.
    fn take_late(&self) -> Vec<LateApproval> {
        Vec::new()
    }

    /// Fetches applications and CA keys. Keeps nothing.
    ///
    /// # Errors
    /// When an answer is missing, refuses, or cannot be read.
    fn download(&self) -> Result<Download, DownloadError>;

    /// Tells the host that what was downloaded is in its place.
    ///
    /// # Errors
    /// When the host does not take note of it.
    fn confirm_download(&self) -> Result<(), DownloadError>;
}

/// What an echo brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCheck {
    /// The host's response code: 00 when it takes this terminal.
    pub response_code: ResponseCode,
    /// The host's time (HTTP `Date`), to compare the terminal's clock with. Good to a second.
    pub date: Option<Timestamp>,
    /// From the start of the connection to the end of the answer.
    pub round_trip: Duration,
}

/// The link over HTTPS.
pub struct HttpsLink {
    client: Client,
    url: String,
    deadline: Duration,
    dialect: Dialect,
    tpdu: Vec<u8>,
    settings: LinkSettings,
    directory: PathBuf,
    identity: RwLock<Arc<Identity>>,
    vault: Arc<dyn SecureElement>,
    ordered: AtomicBool,
    word_on_binding: Mutex<Option<Result<(), String>>>,
    late: Mutex<Vec<LateApproval>>,
}

/// Settings or files with which no link can be made.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The dialect is not shipped or is wrong.
    #[error(transparent)]
    Dialect(#[from] DialectError),
    /// A setting has a value that cannot be.
    #[error("host.{key}: {problem}")]
    Setting {
        /// Which setting.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A certificate or key file cannot be read.
    #[error("host.{key}: {path}: {problem}; enrol this terminal or correct the path")]
    File {
        /// Which setting names it.
        key: &'static str,
        /// Which file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The TLS library refuses certificate, key or authority.
    #[error("the link to the host cannot be set up: {0}")]
    Client(String),
}

impl HttpsLink {
    /// Reads certificates and key and sets the link up. Nothing is sent. File names that are not absolute are taken from
    /// the identity `directory`.
    ///
    /// # Errors
    /// When a setting or a file is wrong; the sentence names it.
    pub fn open(
        settings: &LinkSettings,
        directory: &Path,
        identity: Identity,
        vault: Arc<dyn SecureElement>,
    ) -> Result<Self, LinkError> {
        let dialect = Dialect::shipped(&settings.dialect)?;
        let setting = |key, problem: &str| LinkError::Setting { key, problem: problem.to_owned() };
        match reqwest::Url::parse(&settings.url) {
            Ok(url) if url.scheme() == "https" && url.has_host() => {}
            Ok(_) => return Err(setting("url", "it must begin with https:// and name a host")),
            Err(error) => return Err(setting("url", &error.to_string())),
        }
        if !settings.path.starts_with('/') {
            return Err(setting("path", "it must begin with /"));
        }
        let tpdu = match settings.tpdu.as_deref().map(hex::decode) {
            None => dialect.tpdu.clone(),
            Some(Ok(tpdu)) if tpdu.len() == dialect.tpdu.len() => tpdu,
            Some(_) => return Err(setting("tpdu", "it has ten hexadecimal digits")),
        };
        let (connect, answer) = match (settings.connect_timeout_s, settings.answer_timeout_s) {
            (connect @ 1..=600, answer @ 1..=600) => (Duration::from_secs(connect), Duration::from_secs(answer)),
            (1..=600, _) => return Err(setting("answer_timeout_s", "it must be 1 to 600")),
            _ => return Err(setting("connect_timeout_s", "it must be 1 to 600")),
        };
        let deadline = connect + answer;
        let client = client(settings, directory, connect, deadline)?;
        let url = format!("{}{}", settings.url.trim_end_matches('/'), settings.path);
        Ok(Self {
            client,
            url,
            deadline,
            dialect,
            tpdu,
            settings: settings.clone(),
            directory: directory.to_owned(),
            identity: RwLock::new(Arc::new(identity)),
            vault,
            ordered: AtomicBool::new(false),
            word_on_binding: Mutex::new(None),
            late: Mutex::default(),
        })
    }

    fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.identity.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn requests<'a>(&'a self, identity: &'a Identity) -> Requests<'a> {
        Requests { dialect: &self.dialect, tpdu: &self.tpdu, identity, vault: &*self.vault }
    }

    /// Keeps what an answer says of the binding: a disagreement outlasts what other answers say until it is taken.
    fn note_binding(&self, requests: &Requests<'_>, body: &[u8]) {
        if let Some(word) = answers::word_on_binding(requests, body) {
            let mut kept = self.word_on_binding.lock().unwrap_or_else(PoisonError::into_inner);
            if !matches!(*kept, Some(Err(_))) {
                *kept = Some(word);
            }
        }
    }

    fn exchange(&self, request: &Written) -> Result<(Option<Timestamp>, Vec<u8>), LinkFailure> {
        let started = Instant::now();
        // The bytes go into the HTTP library and cannot be wiped there; TLS keeps them off the wire.
        let response = self
            .client
            .post(&self.url)
            .header(CONTENT_TYPE, MESSAGE_TYPE)
            .header(CACHE_CONTROL, "no-cache")
            .body(request.bytes.to_vec())
            // Said for the request itself, the limit covers it up to the last byte of the answer.
            .timeout(self.deadline)
            .send()
            .map_err(|error| failure(&error))?;
        let status = response.status();
        if status != reqwest::StatusCode::OK {
            return Err(LinkFailure::NoAnswer(format!("something on the way answered HTTP {status}")));
        }
        let date = response.headers().get(DATE).and_then(|value| value.to_str().ok()).and_then(http_date);
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !content_type.is_some_and(|found| found.eq_ignore_ascii_case(MESSAGE_TYPE)) {
            let found = content_type.unwrap_or("nothing").to_owned();
            return Err(LinkFailure::WrongAnswer(format!("its content type is {found}, not {MESSAGE_TYPE}")));
        }
        let body = self.body(response, started)?;
        Ok((date, body))
    }

    /// Reads the body up to [`MAX_ANSWER`].
    fn body(&self, mut response: Response, started: Instant) -> Result<Vec<u8>, LinkFailure> {
        let mut body = Vec::new();
        let mut chunk = [0; 1024];
        loop {
            match response.read(&mut chunk) {
                Ok(0) => return Ok(body),
                Ok(count) => body.extend(&chunk[..count]),
                Err(error) => return Err(LinkFailure::NoAnswer(format!("the answer was cut off: {error}"))),
            }
            if body.len() > MAX_ANSWER {
                return Err(LinkFailure::WrongAnswer(format!("it is longer than {MAX_ANSWER} bytes")));
            }
            if started.elapsed() > self.deadline {
                return Err(LinkFailure::NoAnswer("the answer came too slowly".to_owned()));
            }
        }
    }

    fn financial(
        &self,
        write: impl FnOnce(&Requests<'_>) -> Result<Written, RequestError>,
    ) -> Result<HostAnswer, LinkFailure> {
        let identity = self.identity();
        let requests = self.requests(&identity);
        let request = write(&requests).map_err(never_written)?;
        let (_, body) = self.exchange(&request)?;
        self.note_binding(&requests, &body);
        let kept = |_: &LinkFailure| self.keep_late(&requests, &request, &body);
        let answer = answers::read(&requests, &request, &body).inspect_err(kept)?;
        if answers::orders_download(&self.dialect, &body) {
            self.ordered.store(true, Ordering::Release);
        }
        Ok(answer)
    }

    /// What is no answer to this request may be the approval of an earlier one.
    fn keep_late(&self, requests: &Requests<'_>, request: &Written, body: &[u8]) {
        if let Some(late) = late::approval(requests, request, body) {
            self.late.lock().unwrap_or_else(PoisonError::into_inner).push(late);
        }
    }

    fn ask(&self, question: &Question) -> Result<Reply, LinkFailure> {
        let identity = self.identity();
        let requests = self.requests(&identity);
        let request = requests.question(question, Zoned::now().datetime()).map_err(never_written)?;
        let (_, body) = self.exchange(&request)?;
        self.note_binding(&requests, &body);
        answers::read_reply(&requests, &request, &body)
    }
}

impl HostLink for HttpsLink {
    fn sale(&self, request: &SaleRequest) -> Result<HostAnswer, LinkFailure> {
        self.financial(|requests| requests.sale(request))
    }

    fn reverse(&self, request: &ReversalRequest) -> Result<HostAnswer, LinkFailure> {
        self.financial(|requests| requests.reversal(request))
    }

    fn advise(&self, advice: &Advice) -> Result<HostAnswer, LinkFailure> {
        self.financial(|requests| requests.advice(advice))
    }

    fn check(&self) -> Result<HostCheck, LinkFailure> {
        let started = Instant::now();
        let identity = self.identity();
        let requests = self.requests(&identity);
        let request = requests.echo(Zoned::now().datetime()).map_err(never_written)?;
        let (date, body) = self.exchange(&request)?;
        self.note_binding(&requests, &body);
        let response_code = answers::read_echo(&requests, &request, &body)?;
        Ok(HostCheck { response_code, date, round_trip: started.elapsed() })
    }

    fn take_word_on_binding(&self) -> Option<Result<(), String>> {
        self.word_on_binding.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn refresh_binding(&self) -> Result<Option<Identity>, EnrolmentError> {
        let identity = self.identity();
        let enrolled =
            Enrolled { settings: &self.settings, directory: &self.directory, identity: &identity, vault: &*self.vault };
        let mut desk = |signed: &SignedRequest| https::ask(&self.settings, &self.directory, signed);
        let newer = enrolled.refresh(&mut desk, Timestamp::now())?;
        if let Some(newer) = &newer {
            *self.identity.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(newer.clone());
        }
        Ok(newer)
    }

    fn take_order(&self) -> bool {
        self.ordered.swap(false, Ordering::AcqRel)
    }

    fn take_late(&self) -> Vec<LateApproval> {
        std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn download(&self) -> Result<Download, DownloadError> {
        parameters::fetch(&self.dialect.parameters, self.url.clone(), &mut |question| self.ask(question))
    }

    fn confirm_download(&self) -> Result<(), DownloadError> {
        parameters::confirm(&self.dialect.parameters, &mut |question| self.ask(question))
    }
}

fn client(
    settings: &LinkSettings,
    directory: &Path,
    connect: Duration,
    deadline: Duration,
) -> Result<Client, LinkError> {
    let refused = |error: reqwest::Error| LinkError::Client(chain(&error));
    let read = |key, file: &Path| {
        let path = directory.join(file);
        let failed = |problem: String| LinkError::File { key, path: path.display().to_string(), problem };
        std::fs::read(&path).map(Zeroizing::new).map_err(|error| failed(error.to_string()))
    };
    let authorities = read("ca_file", &settings.ca_file)?;
    let authorities = reqwest::Certificate::from_pem_bundle(&authorities).map_err(refused)?;
    if authorities.is_empty() {
        let path = directory.join(&settings.ca_file).display().to_string();
        return Err(LinkError::File { key: "ca_file", path, problem: "it holds no certificate".to_owned() });
    }
    let certificate = read("client_certificate_file", &settings.client_certificate_file)?;
    let key = read("client_key_file", &settings.client_key_file)?;
    Client::builder()
        .tls_backend_native()
        .https_only(true)
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .tls_certs_only(authorities)
        .identity(reqwest::Identity::from_pkcs8_pem(&certificate, &key).map_err(refused)?)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .http1_only()
        .tcp_nodelay(true)
        .pool_max_idle_per_host(0)
        .connect_timeout(connect)
        .timeout(deadline)
        .build()
        .map_err(refused)
}

/// A request that cannot be built and a failure to connect come before the first byte of the request; after any other the
/// host may have it.
fn failure(error: &reqwest::Error) -> LinkFailure {
    if error.is_builder() {
        LinkFailure::Unsendable(chain(error))
    } else if error.is_connect() {
        LinkFailure::NeverSent(chain(error))
    } else if error.is_timeout() {
        LinkFailure::NoAnswer("no answer came in time".to_owned())
    } else {
        LinkFailure::NoAnswer(chain(error))
    }
}

fn never_written(error: RequestError) -> LinkFailure {
    LinkFailure::Unsendable(error.to_string())
}

/// The library's sentence and the reasons behind it, without the address.
fn chain(error: &reqwest::Error) -> String {
    let mut reasons = Vec::new();
    let mut next: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(reason) = next {
        reasons.push(reason.to_string());
        next = reason.source();
    }
    if reasons.is_empty() { error.to_string() } else { reasons.join(": ") }
}

/// The date of an HTTP header (RFC 9110, 5.6.7).
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_a_header_is_read() {
        let date = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(date.to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(http_date("yesterday"), None);
    }

    /// Features of a crate add up over the whole tree: one dependency could bring a second TLS library in.
    #[test]
    fn openssl_is_the_only_tls_library() {
        let lock = include_str!("../../Cargo.lock");
        assert!(lock.contains("name = \"native-tls\""));
        for other in ["rustls", "boring", "aws-lc-rs", "ring", "hickory-resolver"] {
            assert!(!lock.contains(&format!("name = \"{other}\"\n")), "{other}");
        }
    }
}
