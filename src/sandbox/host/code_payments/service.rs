//! The way of a request about an order through the host: decided, answered, or misused where its amount asks for it, as a sale's.

use std::sync::atomic::Ordering;

use jiff::Zoned;
use tracing::info;

use super::requests::{self, Asker, Decided};
use crate::acquirer::code_payments::CodeRequest;
use crate::iso8583::{Frame, Message};
use crate::payment::transaction::Kind;
use crate::sandbox::host::onboarding::register::Register;
use crate::sandbox::host::random;
use crate::sandbox::host::rules::Decision;
use crate::sandbox::host::scripts::{self, Script};
use crate::sandbox::host::service::{Known, Reply, SLOW, Service, ServiceFailure};
use crate::sandbox::host::store::StoreError;

impl Service {
    /// Answers a request about an order.
    pub(in crate::sandbox::host) fn code_payment(
        &self,
        asked: CodeRequest,
        request: &Frame,
        terminal: &Known,
        now: &Zoned,
    ) -> Result<Reply, ServiceFailure> {
        let message = &request.message;
        let minor = message.text(4).and_then(|digits| digits.parse().ok()).unwrap_or_default();
        let script = match asked {
            CodeRequest::Pay | CodeRequest::Open => scripts::of(Kind::Sale, minor),
            CodeRequest::Refund => scripts::of(Kind::Refund, minor),
            CodeRequest::Enquire | CodeRequest::Cancel => Script::Ordinary,
        };
        match script {
            Script::SilentUnbooked => return Ok(Reply::Silence),
            Script::CaptivePortal => return Ok(Reply::CaptivePortal),
            _ => {}
        }
        if asked == CodeRequest::Cancel && self.deaf_to_reversals.load(Ordering::Relaxed) {
            return Ok(Reply::Silence);
        }
        let merchant = self.merchant_name(&terminal.terminal)?;
        let random = random::<12>()?;
        let asker = Asker { terminal: &terminal.terminal, merchant: &merchant, random: &random };
        let Decided { mut decision, is_new } =
            requests::decide(&self.store, &self.dialect, asker, asked, message, now)?;
        // What was refused, or decided before, is answered properly, whatever its amount.
        if !is_new {
            return self.signed(request, terminal, &decision, now);
        }
        match script {
            Script::SilentBooked | Script::SilentReversals => decision.silent = true,
            Script::BadGateway => {
                info!(request = ?message, code = decision.response_code, reason = decision.reason, "decided");
                return Ok(Reply::BadGateway);
            }
            Script::WrongMac | Script::OtherStan => return self.tampered(request, terminal, &decision, script, now),
            Script::Slow
            | Script::Ordinary
            | Script::Decline(_)
            | Script::Partial
            | Script::WrongIssuerCryptogram
            | Script::ForCard(_)
            | Script::SilentUnbooked
            | Script::CaptivePortal => {}
        }
        match self.signed(request, terminal, &decision, now)? {
            Reply::Message(bytes, _) if script == Script::Slow => Ok(Reply::Message(bytes, SLOW)),
            reply => Ok(reply),
        }
    }

    /// What a terminal that may not trade is told of a request that was carried out while it might.
    pub(in crate::sandbox::host) fn code_payment_before(
        &self,
        asked: CodeRequest,
        message: &Message,
        terminal: &Known,
        now: &Zoned,
    ) -> Result<Option<Decision>, StoreError> {
        requests::answered_before(&self.store, &self.dialect, &terminal.terminal, asked, message, now)
    }

    fn merchant_name(&self, terminal: &str) -> Result<String, StoreError> {
        let application = self.store.register(|register: &Register<'_>| register.of_terminal(terminal));
        let application = application.map_err(|error| StoreError::Row(error.to_string()))?;
        Ok(application.map(|application| application.form.merchant_name).unwrap_or_default())
    }
}
