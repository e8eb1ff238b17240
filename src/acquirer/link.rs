//! The link to the host: one HTTPS POST for each request, and an honest word about what came of it.
//!
//! Trusts only the acquirer's own authorities, shows the terminal's certificate, never follows a redirect, uses no proxy
//! and never sends anything twice: whether to try again is for the payment core to decide. A host may have a second address:
//! see [`super::addresses`]. Blocking; must not be called on a thread that runs an asynchronous runtime.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::addresses::Addresses;
use super::cosign::{CosignError, Cosigned, LogToSign};
use super::enrolment::wire::SignedRequest;
use super::enrolment::{Enrolled, EnrolmentError};
use super::held::{Held, LineEnd};
pub use super::host_link::{HostCheck, HostLink};
use super::https::address::{Address, AddressError};
use super::https::tls::{OwnCertificate, Tls, TlsError};
use super::https::{Carrier, Https, Limits, Post, PostError, Received};
use super::messages::{RequestError, Requests, Written};
use super::parameters::status::StatusReport;
use super::parameters::{self, Download, DownloadError, Question, Reply};
use super::sign_on::{self, SignOnFailure, SignedOn};
use super::{answers, clock, code_payments, enrolment, late, settlement};
use crate::crypto::hex;
use crate::deliberate;
use crate::goods::sold::Sold;
use crate::host_tables::TerminalParameters;
use crate::iso8583::{Dialect, DialectError, Order, SettlementRules};
use crate::payment::advice::Advice;
use crate::payment::online::{
    AboutRequest, HostAnswer, LateApproval, LinkFailure, ReversalRequest, SaleRequest, Unreached,
};
use crate::payment::qr::{self, CodeRefund, HostWord};
use crate::payment::signature::SignatureUpload;
use crate::reference::TraceNumber;
use crate::settlement::closing::{self, MerchantAccount};
use crate::terminal::identity::Identity;
use crate::terminal::link::LinkSettings;
use crate::vault::{SecureElement, VaultError};

/// Content type of a message, both ways.
pub const MESSAGE_TYPE: &str = "x-ISO-TPDU/x-auth";

/// Longest answer that is read, in bytes. The longest message of the shipped dialects is below it.
pub const MAX_ANSWER: usize = 8 * 1024;

/// The longest any phase of an echo takes: it books nothing, and who is gone is to be seen soon.
const ECHO_LIMIT: Duration = Duration::from_secs(4);

/// The link over HTTPS.
pub struct HttpsLink {
    carrier: Box<dyn Carrier>,
    addresses: Addresses,
    path: String,
    limits: Mutex<Limits>,
    deadline: Duration,
    echo_interval: Option<Duration>,
    /// Idle lines are held to watch them.
    watches: bool,
    held: Held,
    dialect: Dialect,
    tpdu: Vec<u8>,
    settings: LinkSettings,
    directory: PathBuf,
    identity: RwLock<Arc<Identity>>,
    vault: Arc<dyn SecureElement>,
    ordered: Mutex<BTreeSet<Order>>,
    keys_needed: AtomicBool,
    word_on_binding: Mutex<Option<Result<(), String>>>,
    late: Mutex<Vec<LateApproval>>,
    /// The host signs the log over a line of its own, which only the network has.
    witnessed: bool,
}

/// Settings or files with which no link can be made.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The dialect is not shipped or is wrong.
    #[error(transparent)]
    Dialect(#[from] DialectError),
    /// The secure element does not know the dialect's keys or MAC.
    #[error(transparent)]
    Vault(#[from] VaultError),
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
        let carrier = Box::new(Https::new(tls(settings, directory)?));
        let link = Self::over(carrier, settings, directory, identity, vault)?;
        Ok(Self { witnessed: true, ..link })
    }

    /// The same over another carrier of messages. Certificates and key are its own matter.
    ///
    /// # Errors
    /// When a setting is wrong; the sentence names it.
    pub fn over(
        carrier: Box<dyn Carrier>,
        settings: &LinkSettings,
        directory: &Path,
        identity: Identity,
        vault: Arc<dyn SecureElement>,
    ) -> Result<Self, LinkError> {
        let dialect = super::dialect_file::load(&settings.dialect)?;
        vault.set_mac_algorithm(dialect.mac)?;
        vault.set_key_cipher(dialect.sign_on.cipher)?;
        let setting = |key, problem: &str| LinkError::Setting { key, problem: problem.to_owned() };
        let address =
            |key, url: &str| Address::parse(url).map_err(|error: AddressError| setting(key, &error.to_string()));
        let first = address("url", &settings.url)?;
        let second = settings.fallback_url.as_deref().map(|url| address("fallback_url", url)).transpose()?;
        if !settings.path.starts_with('/') {
            return Err(setting("path", "it must begin with /"));
        }
        let tpdu = match settings.tpdu.as_deref().map(hex::decode) {
            None => dialect.tpdu.clone(),
            Some(Ok(tpdu)) if tpdu.len() == dialect.tpdu.len() => tpdu,
            Some(_) => return Err(setting("tpdu", "it has ten hexadecimal digits")),
        };
        for (key, seconds) in settings.time_limits() {
            if !(1..=600).contains(&seconds) {
                return Err(setting(key.trim_start_matches("host."), "it must be 1 to 600"));
            }
        }
        // Otherwise nothing could ever be sent: the time for an answer would be used up before it begins.
        if settings.deadline_s < settings.answer_timeout_s {
            return Err(setting("deadline_s", "it must be answer_timeout_s at least"));
        }
        let seconds = Duration::from_secs;
        Ok(Self {
            carrier,
            addresses: Addresses::new(first, second),
            path: settings.path.clone(),
            limits: Mutex::new(Limits::of(settings)),
            deadline: seconds(settings.deadline_s),
            echo_interval: (settings.echo_interval_s > 0).then(|| seconds(settings.echo_interval_s)),
            watches: settings.watch_line,
            held: Held::default(),
            dialect,
            tpdu,
            settings: settings.clone(),
            directory: directory.to_owned(),
            identity: RwLock::new(Arc::new(identity)),
            vault,
            ordered: Mutex::default(),
            keys_needed: AtomicBool::new(false),
            word_on_binding: Mutex::new(None),
            late: Mutex::default(),
            witnessed: false,
        })
    }

    /// Remembers in this file which of the host's addresses is in use.
    #[must_use]
    pub fn remembering(mut self, file: &Path) -> Self {
        self.addresses = self.addresses.remembering(file);
        self
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

    /// Sends a request to the address in use, or to the other one as long as nothing has left.
    fn exchange(&self, request: &Written) -> Result<Vec<u8>, LinkFailure> {
        let until = crate::clock::instant() + self.deadline;
        let mut unreached: Option<Unreached> = None;
        for index in self.addresses.order() {
            match self.exchange_at(index, request, until) {
                Err(LinkFailure::NeverSent(failure)) => {
                    // The first address is the one that ought to answer: its cause is told.
                    let detail = unreached.as_ref().map(|first| format!("{}; {}", first.detail, failure.detail));
                    let fault = unreached.map_or(failure.fault, |first| first.fault);
                    unreached = Some(Unreached::new(fault, detail.unwrap_or(failure.detail)));
                }
                result => return result,
            }
        }
        Err(unreached
            .map_or_else(|| LinkFailure::Unsendable("the host has no address".to_owned()), LinkFailure::NeverSent))
    }

    fn exchange_at(&self, index: usize, request: &Written, until: Instant) -> Result<Vec<u8>, LinkFailure> {
        let Received { response, .. } = self.post(index, request, &self.limits(), until, false)?;
        Ok(response.body)
    }

    /// One request to one address. The answer is a message by its head; what it says is not looked at.
    fn post(
        &self,
        index: usize,
        request: &Written,
        limits: &Limits,
        until: Instant,
        hold: bool,
    ) -> Result<Received, LinkFailure> {
        let Some(address) = self.addresses.get(index) else {
            return Err(LinkFailure::Unsendable("the host has no such address".to_owned()));
        };
        let post =
            Post { path: &self.path, content_type: MESSAGE_TYPE, body: &request.bytes, longest: MAX_ANSWER, hold };
        let received = match self.carrier.post(address, &post, limits, until) {
            Ok(received) => received,
            Err(PostError::NotSent(unreached)) => return Err(LinkFailure::NeverSent(unreached)),
            Err(PostError::Doubtful(detail)) => {
                self.addresses.kept_silent(index);
                return Err(LinkFailure::NoAnswer(detail));
            }
            Err(error @ PostError::TooLong(_)) => return Err(LinkFailure::WrongAnswer(error.to_string())),
        };
        let response = &received.response;
        if response.status != 200 && deliberate::is("gateway_clears") {
            return Err(LinkFailure::NeverSent(Unreached::new(crate::link_fault::LinkFault::NoRoute, "")));
        }
        if response.status != 200 {
            self.addresses.kept_silent(index);
            return Err(LinkFailure::NoAnswer(format!("something on the way answered HTTP {}", response.status)));
        }
        if !response.content_type.as_deref().is_some_and(|found| found.eq_ignore_ascii_case(MESSAGE_TYPE)) {
            self.addresses.kept_silent(index);
            let found = response.content_type.as_deref().unwrap_or("nothing");
            return Err(LinkFailure::WrongAnswer(format!("its content type is {found}, not {MESSAGE_TYPE}")));
        }
        self.addresses.answered(index);
        Ok(received)
    }

    /// An echo to one address. Its line is held and watched.
    fn echo(&self, index: usize) -> Result<HostCheck, LinkFailure> {
        let started = crate::clock::instant();
        let identity = self.identity();
        let requests = self.requests(&identity);
        let request = requests.echo(crate::clock::local().datetime()).map_err(never_written)?;
        let limits = self.limits().at_most(ECHO_LIMIT);
        let received = self.post(index, &request, &limits, started + self.deadline, self.watches)?;
        self.note_binding(&requests, &received.response.body);
        let kept = |_: &LinkFailure| self.keep_late(&requests, &request, &received.response.body);
        let echo = answers::read_echo(&requests, &request, &received.response.body).inspect_err(kept)?;
        match received.line {
            Some(line) => self.held.watch(line),
            None => self.held.let_go(),
        }
        let here = crate::clock::local().datetime();
        let resumed = if received.resumed { ", session resumed" } else { "" };
        Ok(HostCheck {
            response_code: echo.response_code,
            date: received.response.date.as_deref().and_then(clock::http_date),
            local_ahead: echo.local_time.and_then(|(day, time)| clock::ahead_of_fields(here, &day, &time)),
            round_trip: crate::clock::since(started),
            address: self.addresses.get(index).map(ToString::to_string).unwrap_or_default(),
            on_fallback: index != 0,
            tls: format!("{}{resumed}", received.tls),
        })
    }

    fn financial(
        &self,
        write: impl FnOnce(&Requests<'_>) -> Result<Written, RequestError>,
    ) -> Result<HostAnswer, LinkFailure> {
        self.asked(write, answers::read)
    }

    fn asked<T>(
        &self,
        write: impl FnOnce(&Requests<'_>) -> Result<Written, RequestError>,
        read: impl FnOnce(&Requests<'_>, &Written, &[u8]) -> Result<T, LinkFailure>,
    ) -> Result<T, LinkFailure> {
        let identity = self.identity();
        let requests = self.requests(&identity);
        let request = write(&requests).map_err(never_written)?;
        let mut body = self.exchange(&request);
        if body.is_err() && deliberate::is("sent_again") {
            body = self.exchange(&request);
        }
        let body = body?;
        self.note_binding(&requests, &body);
        let kept = |_: &LinkFailure| self.keep_late(&requests, &request, &body);
        let answer = self.mind_keys(&body, read(&requests, &request, &body).inspect_err(kept))?;
        self.note_order(&body);
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
        let request = requests.question(question, crate::clock::local().datetime()).map_err(never_written)?;
        let body = self.exchange(&request)?;
        self.note_binding(&requests, &body);
        let kept = |_: &LinkFailure| self.keep_late(&requests, &request, &body);
        let reply = self.mind_keys(&body, answers::read_reply(&requests, &request, &body).inspect_err(kept))?;
        self.note_order(&body);
        Ok(reply)
    }

    /// Keeps what an answer that was found right orders.
    fn note_order(&self, body: &[u8]) {
        match answers::order(&self.dialect, body) {
            Ok(Some(order)) if order != Order::SignOn => {
                self.ordered.lock().unwrap_or_else(PoisonError::into_inner).insert(order);
            }
            Ok(_) => {}
            Err(digit) => {
                tracing::warn!(digit, "the host orders something that this program does not know; nothing is done")
            }
        }
    }

    fn settlement_rules(&self) -> Result<&SettlementRules, LinkFailure> {
        self.dialect.settlement.as_ref().ok_or_else(|| never_written(RequestError::NoSettlement))
    }

    fn approves(&self, reply: &Reply) -> bool {
        self.dialect.answers.approved.contains(reply.response_code.as_str())
    }

    fn limits(&self) -> Limits {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what an answer says of the working keys. One with a wrong MAC says it too: host and terminal share none.
    fn mind_keys<T>(&self, body: &[u8], read: Result<T, LinkFailure>) -> Result<T, LinkFailure> {
        let needed = match &read {
            Ok(_) => answers::asks_for_sign_on(&self.dialect, body),
            Err(failure) => matches!(failure, LinkFailure::BadMac(_)),
        };
        if needed {
            self.keys_needed.store(true, Ordering::Release);
        }
        read
    }
}

impl HostLink for HttpsLink {
    fn sale(&self, request: &SaleRequest) -> Result<HostAnswer, LinkFailure> {
        self.financial(|requests| requests.sale(request))
    }

    fn about(&self, request: &AboutRequest) -> Result<HostAnswer, LinkFailure> {
        self.financial(|requests| requests.about(request))
    }

    fn reverse(&self, request: &ReversalRequest) -> Result<HostAnswer, LinkFailure> {
        self.financial(|requests| requests.reversal(request))
    }

    fn advise(&self, advice: &Advice) -> Result<HostAnswer, LinkFailure> {
        self.financial(|requests| requests.advice(advice))
    }

    fn upload_signature(&self, upload: &SignatureUpload) -> Result<HostAnswer, LinkFailure> {
        self.financial(|requests| requests.signature(upload))
    }

    fn code_payment(&self, asked: &qr::Request) -> Result<HostWord, LinkFailure> {
        self.code_payment_of(asked, &Sold::default())
    }

    fn code_payment_of(&self, asked: &qr::Request, sold: &Sold) -> Result<HostWord, LinkFailure> {
        let read = |requests: &Requests<'_>, written: &Written, body: &[u8]| {
            code_payments::read(requests, asked, written, body)
        };
        self.asked(|requests| requests.code_payment_of(asked, sold), read)
    }

    fn code_refund(&self, refund: &CodeRefund) -> Result<HostAnswer, LinkFailure> {
        self.financial(|requests| requests.code_refund(refund))
    }

    fn settle(&self, asked: &closing::Request) -> Result<closing::Answer, LinkFailure> {
        if let closing::Request::Differences { batch, after, currency } = asked {
            let reply = self.ask(&settlement::differences_question(self.settlement_rules()?, *batch, *after))?;
            return settlement::differences_in(&reply, self.approves(&reply), *currency);
        }
        let read =
            |requests: &Requests<'_>, written: &Written, body: &[u8]| settlement::read(requests, asked, written, body);
        self.asked(|requests| requests.settlement(asked), read)
    }

    fn merchant_account(&self) -> Result<MerchantAccount, LinkFailure> {
        let reply = self.ask(&settlement::account_question(self.settlement_rules()?))?;
        settlement::account_in(&reply, self.approves(&reply))
    }

    fn most_lines(&self) -> usize {
        self.dialect.settlement.as_ref().map_or(0, |rules| rules.most_lines)
    }

    fn witness(&self, log: &LogToSign) -> Result<Option<Cosigned>, CosignError> {
        if !self.witnessed {
            return Ok(None);
        }
        let identity = self.identity();
        log.signed(&self.settings, &self.directory, &identity, &*self.vault).map(Some)
    }

    fn sign_on(&self, trace: TraceNumber) -> Result<SignedOn, SignOnFailure> {
        let identity = self.identity();
        let requests = self.requests(&identity);
        let request = requests.sign_on(trace).map_err(never_written)?;
        let body = self.exchange(&request)?;
        self.note_binding(&requests, &body);
        let kept = |_: &SignOnFailure| self.keep_late(&requests, &request, &body);
        let answer = sign_on::read(&requests, &request, &body).inspect_err(kept)?;
        if deliberate::is("keys_not_taken")
            && self.vault.check_value(crate::vault::KeyName::Mac).is_ok_and(|value| value.is_some())
        {
            return Ok(SignedOn { batch: answer.batch });
        }
        self.vault.import_under_master(&sign_on::keys(&self.dialect.sign_on, &answer.field62)?)?;
        Ok(SignedOn { batch: answer.batch })
    }

    fn check(&self) -> Result<HostCheck, LinkFailure> {
        if self.addresses.should_return() {
            match self.echo(0) {
                Ok(check) => return Ok(check),
                Err(failure) => tracing::info!(%failure, "the host's first address is not back yet"),
            }
            self.addresses.stay();
        }
        let mut failures = Vec::new();
        // Nothing is booked, so an echo may always go on to the other address.
        for index in self.addresses.order() {
            match self.echo(index) {
                Ok(check) => return Ok(check),
                Err(failure) => failures.push(failure),
            }
        }
        self.held.let_go();
        Err(failures.into_iter().next().unwrap_or(LinkFailure::Unsendable("the host has no address".to_owned())))
    }

    fn take_word_on_binding(&self) -> Option<Result<(), String>> {
        self.word_on_binding.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn refresh_binding(&self) -> Result<Option<Identity>, EnrolmentError> {
        let identity = self.identity();
        let enrolled =
            Enrolled { settings: &self.settings, directory: &self.directory, identity: &identity, vault: &*self.vault };
        // It books nothing, so whichever address answers will do; each is asked with a request of its own.
        let mut newer = Err(EnrolmentError::Link("the host has no address".to_owned()));
        for address in self.addresses.order().into_iter().filter_map(|index| self.addresses.get(index)) {
            let mut desk = |signed: &SignedRequest| {
                enrolment::https::ask_at(address.as_str(), &self.settings, &self.directory, signed)
            };
            newer = enrolled.refresh(&mut desk, crate::clock::timestamp());
            if !matches!(newer, Err(EnrolmentError::Link(_))) {
                break;
            }
        }
        let newer = newer?;
        if let Some(newer) = &newer {
            *self.identity.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(newer.clone());
        }
        Ok(newer)
    }

    fn take_orders(&self) -> Vec<Order> {
        std::mem::take(&mut *self.ordered.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }

    fn report(&self, report: &StatusReport) -> Result<(), DownloadError> {
        parameters::report(&self.dialect.parameters, report, &mut |question| self.ask(question))
    }

    fn adopt(&self, parameters: &TerminalParameters) {
        let seconds = parameters.answer_timeout_s.unwrap_or(self.settings.answer_timeout_s);
        // The acquirer does not know the deadline of this shop, and nothing could be sent if an answer had more time than that.
        let first_byte = Duration::from_secs(seconds).min(self.deadline);
        self.limits.lock().unwrap_or_else(PoisonError::into_inner).first_byte = first_byte;
    }

    fn take_need_of_keys(&self) -> bool {
        self.keys_needed.swap(false, Ordering::AcqRel)
    }

    fn take_late(&self) -> Vec<LateApproval> {
        std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn download(&self) -> Result<Download, DownloadError> {
        let from = self.addresses.order().first().and_then(|index| self.addresses.get(*index));
        let from = from.map(|address| format!("{address}{}", self.path)).unwrap_or_default();
        let numbers = parameters::number_key(&*self.vault)?;
        parameters::fetch(&self.dialect.parameters, &numbers, from, &mut |question| self.ask(question))
    }

    fn confirm_download(&self) -> Result<(), DownloadError> {
        parameters::confirm(&self.dialect.parameters, &mut |question| {
            // What was ordered before is in its place. What the answer orders is not.
            self.ordered.lock().unwrap_or_else(PoisonError::into_inner).retain(|order| !order.is_download());
            self.ask(question)
        })
    }

    fn echo_interval(&self) -> Option<Duration> {
        self.echo_interval
    }

    fn wait_for_line_end(&self, patience: Duration) -> Option<LineEnd> {
        self.held.wait(patience)
    }
}

fn tls(settings: &LinkSettings, directory: &Path) -> Result<Tls, LinkError> {
    let path = |file: &Path| directory.join(file).display().to_string();
    let read = |key, file: &Path| {
        let failed = |error: std::io::Error| LinkError::File { key, path: path(file), problem: error.to_string() };
        std::fs::read(directory.join(file)).map(Zeroizing::new).map_err(failed)
    };
    let authorities = read("ca_file", &settings.ca_file)?;
    let chain = read("client_certificate_file", &settings.client_certificate_file)?;
    let key = read("client_key_file", &settings.client_key_file)?;
    Tls::new(&authorities, Some(OwnCertificate { chain: &chain, key: &key })).map_err(|error| {
        let (key, file) = match &error {
            TlsError::NoAuthority => ("ca_file", &settings.ca_file),
            TlsError::NoCertificate => ("client_certificate_file", &settings.client_certificate_file),
            TlsError::OpenSsl(_) => return LinkError::Client(error.to_string()),
        };
        LinkError::File { key, path: path(file), problem: error.to_string() }
    })
}

fn never_written(error: RequestError) -> LinkFailure {
    LinkFailure::Unsendable(error.to_string())
}

#[cfg(test)]
mod tests {
    /// Features of a crate add up over the whole tree: one dependency could bring a second TLS library in.
    #[test]
    fn openssl_is_the_only_tls_library() {
        let lock = include_str!("../../Cargo.lock");
        assert!(lock.contains("name = \"openssl\""));
        for other in ["rustls", "boring", "aws-lc-rs", "ring", "hickory-resolver"] {
            assert!(!lock.contains(&format!("name = \"{other}\"\n")), "{other}");
        }
    }
}
