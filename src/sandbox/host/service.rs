//! A request's way through the host: read, bind, authenticate, decide, answer — or misbehave, where the amount asks for it.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Zoned;
use tracing::{info, warn};
use zeroize::Zeroizing;

use super::advices;
use super::answers::{self, AnswerError, Named, Says};
use super::checkpoints;
use super::keys;
use super::onboarding::Onboarding;
use super::onboarding::bound::Bound;
use super::onboarding::wrong_codes::Source;
use super::orders::Told;
use super::parameters::{Parameters, Question};
use super::rules::{self, Decision, Refusal};
use super::scripts::{self, Script};
use super::server::Handshakes;
use super::store::{Store, StoreError, Terminal};
use super::taking_back;
use super::transactions;
use super::{HostError, take_terminal};
use crate::acquirer::code_payments;
use crate::acquirer::device;
use crate::acquirer::enrolment::wire::{Answer, EnrolmentAnswer, SignedRequest, TerminalAnswer};
use crate::acquirer::instalments::write_plan;
use crate::acquirer::kinds;
use crate::acquirer::messages::{ECHO, MANAGEMENT_TYPE};
use crate::acquirer::parameters::status::StatusReport;
use crate::acquirer::settlement;
use crate::acquirer::signatures;
use crate::clock;
use crate::iso8583::dialect::{Dialect, MAC_FIELD};
use crate::iso8583::{Frame, Message, Mti, Order};
use crate::payment::transaction::IfUnknown;

/// What goes back over HTTP.
#[derive(Debug)]
pub enum Reply {
    /// A message, after a pause.
    Message(Zeroizing<Vec<u8>>, Duration),
    /// Nothing, until the terminal gives up.
    Silence,
    /// A gateway's 502.
    BadGateway,
    /// A page that wants somebody to log in.
    CaptivePortal,
    /// The request is no message of the dialect.
    Unreadable(String),
    /// The host failed.
    Failed(String),
}

/// The host without its network.
#[derive(Debug)]
pub struct Service {
    /// How messages are written.
    pub dialect: Dialect,
    /// Terminals, accounts and ledger.
    pub store: Arc<Store>,
    /// Applications and CA keys for terminals.
    pub parameters: Parameters,
    /// While true, reversals are neither carried out nor answered.
    pub deaf_to_reversals: AtomicBool,
    /// While true, the check values of working keys are wrong.
    pub wrong_check_values: AtomicBool,
    /// While true, sign-ons are refused.
    pub refuses_sign_ons: AtomicBool,
    /// While true, signatures are refused.
    pub refuses_signatures: AtomicBool,
    /// TLS handshakes so far.
    pub handshakes: Handshakes,
    /// While true, what a message names is not compared with the register.
    pub blind_to_bindings: AtomicBool,
    /// Answers machines that want to be enrolled.
    pub onboarding: Onboarding,
}

pub(super) const SLOW: Duration = Duration::from_secs(8);

impl Service {
    /// Answers one request. `certificate` is the fingerprint of the certificate that the terminal showed.
    pub fn answer(&self, certificate: &str, bytes: &[u8]) -> Reply {
        let request = match self.dialect.unpack(bytes) {
            Ok(request) => request,
            Err(error) => {
                warn!(%error, "unreadable request");
                return Reply::Unreadable(error.to_string());
            }
        };
        let now = clock::local();
        self.financial(certificate, &request, bytes, &now).unwrap_or_else(|failure| {
            warn!(%failure, "the host failed");
            Reply::Failed(failure.to_string())
        })
    }

    /// Answers a machine that wants to be enrolled.
    pub fn enrol(&self, signed: &SignedRequest, source: &Source) -> Result<Answer<EnrolmentAnswer>, HostError> {
        self.onboarding.enrol(signed, source, &take_terminal, clock::timestamp())
    }

    /// Answers an enrolled terminal that asks about itself.
    pub fn ask_about_terminal(
        &self,
        certificate: &str,
        signed: &SignedRequest,
    ) -> Result<Answer<TerminalAnswer>, HostError> {
        self.onboarding.ask(certificate, signed, clock::timestamp())
    }

    /// Answers an enrolled terminal that asks for a signature of its log's head.
    pub fn cosign(&self, certificate: &str, text: &str) -> Result<checkpoints::Answer, HostError> {
        self.onboarding.cosign(&self.store, certificate, text, clock::timestamp())
    }

    fn financial(
        &self,
        certificate: &str,
        request: &Frame,
        bytes: &[u8],
        now: &Zoned,
    ) -> Result<Reply, ServiceFailure> {
        let message = &request.message;
        let terminal = match rules::bound_terminal(&self.store, certificate, message)? {
            Ok(terminal) => terminal,
            Err(refusal) => return self.refuse(request, None, &refusal, now),
        };
        let Some(bound) = Bound::of(&self.store, &terminal.terminal)? else {
            return self.refuse(request, None, &rules::unknown_terminal("the terminal is in no application"), now);
        };
        let mark = device::write_mark(bound.mark.as_str(), &self.dialect.binding);
        let terminal = &Known { row: terminal, mark };
        let device = rules::check_device(terminal, message, &self.dialect);
        let blind = self.blind_to_bindings.load(Ordering::Relaxed);
        let named = device.and_then(|record| if blind { Ok(()) } else { bound.check(terminal, message, &record) });
        if let Err(refusal) = named {
            // Whoever holds the key is told so that it can be believed: nothing was booked.
            return match rules::check_mac(&self.dialect, terminal, message, bytes) {
                Ok(()) => self.turned_away(request, bytes, terminal, refusal, now),
                Err(_) => self.refuse(request, Some(terminal), &refusal, now),
            };
        }
        let trades = bound.may_trade(message);
        if message.mti() == Mti::NETWORK_ADVICE && network_code(message) == Some(ECHO) {
            let response_code = trades.as_ref().err().map_or("00", |refusal| refusal.response_code);
            let says = Says { response_code, ..Says::default() };
            return self.unsigned(request, &says, Some(terminal.named()), now);
        }
        if keys::is_sign_on(&self.dialect, message) {
            return self.sign_on(request, terminal, now);
        }
        if let Some(question) = Question::of(&self.dialect.parameters, message) {
            return match rules::check_mac(&self.dialect, terminal, message, bytes) {
                Ok(()) if question == Question::Status => self.status(request, terminal, now),
                Ok(()) => self.parameters(request, terminal, &question, now),
                Err(refusal) => self.refuse(request, Some(terminal), &refusal, now),
            };
        }
        if let Err(refusal) = rules::check_mac(&self.dialect, terminal, message, bytes) {
            return self.refuse(request, Some(terminal), &refusal, now);
        }
        if let Some(asked) = settlement::of_request(&self.dialect, message) {
            return self.settlement(asked, request, terminal, now);
        }
        if let Some(uploaded) = signatures::of_request(&self.dialect, message) {
            let decision = if self.refuses_signatures.load(Ordering::Relaxed) {
                Refusal { response_code: "12", reason: "told to take no signatures".to_owned() }.into()
            } else {
                super::signatures::take(&self.store, terminal, message, uploaded)?
            };
            return self.signed(request, terminal, &decision, now);
        }
        if let Err(refusal) = trades {
            return self.turned_away(request, bytes, terminal, refusal, now);
        }
        if let Some(asked) = code_payments::of_request(&self.dialect, message) {
            return self.code_payment(asked, request, terminal, now);
        }
        match message.mti() {
            Mti::AUTHORISATION_REQUEST | Mti::FINANCIAL_REQUEST | Mti::FINANCIAL_ADVICE => {
                self.transaction(request, bytes, terminal, now)
            }
            Mti::REVERSAL_REQUEST if self.deaf_to_reversals.load(Ordering::Relaxed) => Ok(Reply::Silence),
            Mti::REVERSAL_REQUEST => {
                let decision = taking_back::reversal(&self.store, &self.dialect, terminal, message, now)?;
                self.signed(request, terminal, &decision, now)
            }
            Mti::BATCH_UPLOAD | Mti::ADMINISTRATIVE_ADVICE => {
                let decision = advices::advice(&self.store, &self.dialect, terminal, message)?;
                self.signed(request, terminal, &decision, now)
            }
            _ => {
                let refusal = Refusal { response_code: "12", reason: "a message type the sandbox lacks".to_owned() };
                self.signed(request, terminal, &refusal.into(), now)
            }
        }
    }

    /// A terminal that may not trade, or no longer with these values, is told so that it can be believed. What was booked while
    /// it might, and comes once more because something on the way has doubled it, is answered as it was: that nothing was booked
    /// would be untrue.
    fn turned_away(
        &self,
        request: &Frame,
        bytes: &[u8],
        terminal: &Known,
        refusal: Refusal,
        now: &Zoned,
    ) -> Result<Reply, ServiceFailure> {
        let message = &request.message;
        let again = match code_payments::of_request(&self.dialect, message) {
            Some(asked) => self.code_payment_before(asked, message, terminal, now)?,
            None => transactions::answered_before(&self.store, &self.dialect, terminal, message, bytes)?,
        };
        self.signed(request, terminal, &again.unwrap_or_else(|| refusal.into()), now)
    }

    fn transaction(
        &self,
        request: &Frame,
        bytes: &[u8],
        terminal: &Known,
        now: &Zoned,
    ) -> Result<Reply, ServiceFailure> {
        let message = &request.message;
        let minor = message.text(4).and_then(|digits| digits.parse().ok()).unwrap_or_default();
        let kind = kinds::of_request(&self.dialect, message);
        let script = kind.map_or(Script::Ordinary, |kind| scripts::of(kind, minor));
        match script {
            Script::SilentUnbooked => return Ok(Reply::Silence),
            Script::CaptivePortal => return Ok(Reply::CaptivePortal),
            _ => {}
        }
        // What no terminal could be told of is offered to none.
        let offered = self.parameters.instalments().unwrap_or_else(|error| {
            warn!(%error, "no instalments are offered");
            None
        });
        let offered = offered.as_ref();
        let mut decision = transactions::decide(&self.store, &self.dialect, terminal, message, bytes, offered, now)?;
        // What was refused is answered properly, whatever its amount: there is nothing to be lost. So is what the terminal sends again
        // because it cannot be taken back.
        let sent_again = decision.is_repeat && kind.is_some_and(|kind| kind.if_unknown() == IfUnknown::Repeated);
        if decision.authorisation_code.is_none() || sent_again {
            return self.signed(request, terminal, &decision, now);
        }
        match script {
            Script::SilentBooked | Script::SilentReversals => decision.silent = true,
            Script::BadGateway => {
                self.log(message, &decision);
                return Ok(Reply::BadGateway);
            }
            Script::WrongIssuerCryptogram => {
                if let Some(data) = &mut decision.issuer_data {
                    // Tag and length are two bytes; the cryptogram follows.
                    data[2] ^= 0xFF;
                }
            }
            Script::WrongMac | Script::OtherStan => return self.tampered(request, terminal, &decision, script, now),
            Script::Slow
            | Script::Ordinary
            | Script::Decline(_)
            | Script::Partial
            | Script::ForCard(_)
            | Script::SilentUnbooked
            | Script::CaptivePortal => {}
        }
        match self.signed(request, terminal, &decision, now)? {
            Reply::Message(bytes, _) if script == Script::Slow => Ok(Reply::Message(bytes, SLOW)),
            reply => Ok(reply),
        }
    }

    /// A terminal fetches its working keys. It could not check a MAC: its key is in the answer.
    fn sign_on(&self, request: &Frame, terminal: &Known, now: &Zoned) -> Result<Reply, ServiceFailure> {
        if self.refuses_sign_ons.load(Ordering::Relaxed) {
            let refusal = Refusal { response_code: "96", reason: "told to make no keys".to_owned() };
            return self.refuse(request, Some(terminal), &refusal, now);
        }
        let wrong = self.wrong_check_values.load(Ordering::Relaxed);
        let field = match keys::sign_on(&self.store, &self.dialect, terminal, &request.message, wrong)? {
            Ok(field) => field,
            Err(refusal) => return self.refuse(request, Some(terminal), &refusal, now),
        };
        let state = self.store.sign_on_state(&terminal.terminal)?.ok_or(ServiceFailure::NoAnswerType)?;
        let says = Says { response_code: "00", ..Says::default() };
        let answer = answers::message(&request.message, &says, Some(terminal.named()), now)
            .ok_or(ServiceFailure::NoAnswerType)?;
        let sixty = format!("{MANAGEMENT_TYPE}{}{}", state.batch, network_code(&request.message).unwrap_or_default());
        let answer = answer.with_text(60, &sixty).with_bytes(62, &field);
        Ok(now_said(answers::unsigned(&self.dialect, request, answer).map_err(AnswerError::from)?))
    }

    /// A terminal fetches applications and CA keys, or says that it has them.
    fn parameters(
        &self,
        request: &Frame,
        terminal: &Known,
        question: &Question,
        now: &Zoned,
    ) -> Result<Reply, ServiceFailure> {
        let asked = request.message.bytes(62).unwrap_or_default();
        let (response_code, field) = match self.parameters.answer(&self.dialect.parameters, question, asked) {
            Ok(Some(field)) => ("00", field),
            Ok(None) => ("30", Vec::new()),
            Err(error) => {
                warn!(%error, "these applications and CA keys are not served");
                ("96", Vec::new())
            }
        };
        if response_code == "00" {
            self.note_taken(terminal, *question)?;
        }
        info!(?question, code = response_code, "asked for terminal data");
        let says = Says { response_code, ..Says::default() };
        let mut answer = answers::message(&request.message, &says, Some(terminal.named()), now)
            .ok_or(ServiceFailure::NoAnswerType)?;
        if !field.is_empty() {
            answer = answer.with_bytes(62, &field);
        }
        // It orders as any other answer does, also what is being fetched.
        let order = self.order(terminal)?;
        Ok(now_said(answers::ordering(&self.dialect, request, answer, terminal, order)?))
    }

    fn note_taken(&self, terminal: &Known, question: Question) -> Result<(), ServiceFailure> {
        // What the terminal says it took is what was last served; a file that changes in between is ordered again.
        let Ok(offered) = self.parameters.versions() else { return Ok(()) };
        let mut taken = self.store.parameters_taken(&terminal.terminal)?;
        let order = match question {
            Question::KeysTaken => {
                taken.ca_keys = offered.ca_keys;
                Order::CaKeys
            }
            Question::ApplicationsTaken => {
                taken.applications = offered.applications;
                Order::Applications
            }
            Question::CardsTaken => {
                taken.cards = offered.cards;
                Order::Cards
            }
            Question::TextsTaken => {
                taken.parameters = offered.parameters;
                Order::Parameters
            }
            _ => return Ok(()),
        };
        self.store.order_is_done(&terminal.terminal, order)?;
        Ok(self.store.note_parameters_taken(&terminal.terminal, &taken)?)
    }

    /// A terminal tells how it is. The answer may order the next thing.
    fn status(&self, request: &Frame, terminal: &Known, now: &Zoned) -> Result<Reply, ServiceFailure> {
        let code = match StatusReport::read(request.message.bytes(62).unwrap_or_default()) {
            Ok(report) => {
                info!(terminal = terminal.terminal, ?report, "told how it is");
                self.store.note_report(&Told { terminal: terminal.terminal.clone(), at: now.timestamp(), report })?;
                "00"
            }
            Err(error) => {
                warn!(%error, "a status report that cannot be read");
                "30"
            }
        };
        let says = Says { response_code: code, ..Says::default() };
        let answer = answers::message(&request.message, &says, Some(terminal.named()), now)
            .ok_or(ServiceFailure::NoAnswerType)?;
        let order = self.order(terminal)?;
        Ok(now_said(answers::ordering(&self.dialect, request, answer, terminal, order)?))
    }

    /// What the header of an answer orders this terminal to do.
    pub(super) fn order(&self, terminal: &Known) -> Result<Option<Order>, ServiceFailure> {
        if self.store.sign_on_state(&terminal.terminal)?.is_some_and(|state| state.ordered) {
            return Ok(Some(Order::SignOn));
        }
        if let Some(order) = self.store.first_order(&terminal.terminal)? {
            return Ok(Some(order));
        }
        let taken = self.store.parameters_taken(&terminal.terminal)?;
        match self.parameters.versions() {
            Ok(offered) => Ok(offered.order(&taken)),
            Err(error) => {
                warn!(%error, "these applications, CA keys and tables are not served");
                Ok(None)
            }
        }
    }

    /// An answer that is not to be believed: its MAC is another's, or it is the right answer to something else.
    pub(super) fn tampered(
        &self,
        request: &Frame,
        terminal: &Known,
        decision: &Decision,
        script: Script,
        now: &Zoned,
    ) -> Result<Reply, ServiceFailure> {
        self.log(&request.message, decision);
        let answer = self.message(&request.message, decision, terminal, now)?;
        if script == Script::OtherStan {
            let stan: u32 = answer.text(11).and_then(|digits| digits.parse().ok()).unwrap_or_default();
            let other = answer.with_text(11, &format!("{:06}", stan % 999_999 + 1));
            return Ok(now_said(answers::signed(&self.dialect, request, other, terminal)?));
        }
        let mut bytes = answers::signed(&self.dialect, request, answer, terminal)?;
        let mac = bytes.len().saturating_sub(8);
        // Still hexadecimal characters, but others.
        for byte in &mut bytes[mac..] {
            *byte = if *byte == b'0' { b'1' } else { b'0' };
        }
        Ok(now_said(bytes))
    }

    pub(super) fn signed(
        &self,
        request: &Frame,
        terminal: &Known,
        decision: &Decision,
        now: &Zoned,
    ) -> Result<Reply, ServiceFailure> {
        self.log(&request.message, decision);
        if decision.silent {
            return Ok(Reply::Silence);
        }
        let answer = self.message(&request.message, decision, terminal, now)?;
        let order = self.order(terminal)?;
        Ok(now_said(answers::ordering(&self.dialect, request, answer, terminal, order)?))
    }

    fn message(
        &self,
        request: &Message,
        decision: &Decision,
        terminal: &Known,
        now: &Zoned,
    ) -> Result<Message, ServiceFailure> {
        let says = Says {
            response_code: &decision.response_code,
            rrn: decision.rrn.as_deref(),
            authorisation_code: decision.authorisation_code.as_deref(),
            amount: decision.amount,
            balance: decision.balance.as_deref(),
            issuer_data: decision.issuer_data.clone(),
        };
        let answer =
            answers::message(request, &says, Some(terminal.named()), now).ok_or(ServiceFailure::NoAnswerType)?;
        let answer = match (&decision.plan, &self.dialect.instalments) {
            (Some(plan), Some(rules)) => answer.with_bytes(rules.field, &write_plan(rules, plan)),
            _ => answer,
        };
        Ok(match (&decision.elements, &self.dialect.code_payments) {
            (Some(elements), Some(rules)) => answer.with_bytes(rules.field, elements),
            _ => answer,
        })
    }

    /// A terminal that is not known, or whose key does not fit, is told so; it could not check a MAC. What it asked for is
    /// written down nowhere.
    fn refuse(
        &self,
        request: &Frame,
        terminal: Option<&Known>,
        refusal: &Refusal,
        now: &Zoned,
    ) -> Result<Reply, ServiceFailure> {
        warn!(request = ?request.message, code = refusal.response_code, reason = refusal.reason, "refused");
        let says = Says { response_code: refusal.response_code, ..Says::default() };
        self.unsigned(request, &says, terminal.map(Known::named), now)
    }

    fn unsigned(
        &self,
        request: &Frame,
        says: &Says<'_>,
        named: Option<Named<'_>>,
        now: &Zoned,
    ) -> Result<Reply, ServiceFailure> {
        let answer = answers::message(&request.message, says, named, now).ok_or(ServiceFailure::NoAnswerType)?;
        let bytes = answers::unsigned(&self.dialect, request, answer.without(MAC_FIELD)).map_err(AnswerError::from)?;
        Ok(now_said(bytes))
    }

    fn log(&self, request: &Message, decision: &Decision) {
        info!(request = ?request, code = decision.response_code, reason = decision.reason, "decided");
    }
}

/// A terminal of the register, and field 59 of answers to it.
pub(super) struct Known {
    row: Terminal,
    mark: String,
}

impl Known {
    pub(super) fn named(&self) -> Named<'_> {
        Named { acquirer: &self.row.acquirer, merchant: &self.row.merchant, mark: &self.mark }
    }
}

impl Deref for Known {
    type Target = Terminal;

    fn deref(&self) -> &Terminal {
        &self.row
    }
}

/// Why a readable request gets no message back.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServiceFailure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Answer(#[from] AnswerError),
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("the message type has no answer")]
    NoAnswerType,
}

pub(super) const fn now_said(bytes: Zeroizing<Vec<u8>>) -> Reply {
    Reply::Message(bytes, Duration::ZERO)
}

/// Field 60, third part: what a network message is about.
fn network_code(message: &Message) -> Option<&str> {
    message.text(60)?.get(8..11)
}
