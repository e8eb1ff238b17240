//! What a terminal asks of its host, whatever the way there is: [`super::link`] is the one over HTTPS.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::cosign::{CosignError, Cosigned, LogToSign};
use super::enrolment::EnrolmentError;
use super::held::LineEnd;
use super::parameters::status::StatusReport;
use super::parameters::{Download, DownloadError};
use super::sign_on::{SignOnFailure, SignedOn};
use crate::goods::sold::Sold;
use crate::host_tables::TerminalParameters;
use crate::iso8583::Order;
use crate::payment::advice::Advice;
use crate::payment::online::{AboutRequest, HostAnswer, LateApproval, LinkFailure, ReversalRequest, SaleRequest};
use crate::payment::qr::{self, CodeRefund, HostWord};
use crate::payment::signature::SignatureUpload;
use crate::reference::{ResponseCode, TraceNumber};
use crate::settlement::closing::{self, MerchantAccount};
use crate::terminal::identity::Identity;

/// A way to the host.
pub trait HostLink: Send + Sync {
    /// Asks for a sale, or any other transaction for which a card was read (0100, 0200, 0220).
    ///
    /// # Errors
    /// When no valid answer came; the variant says whether the host may know of the request.
    fn sale(&self, request: &SaleRequest) -> Result<HostAnswer, LinkFailure>;

    /// Asks about an earlier transaction whose card is not there (0100, 0200, 0220).
    ///
    /// # Errors
    /// As [`HostLink::sale`].
    fn about(&self, request: &AboutRequest) -> Result<HostAnswer, LinkFailure>;

    /// Takes a request back (0400).
    ///
    /// # Errors
    /// As [`HostLink::sale`].
    fn reverse(&self, request: &ReversalRequest) -> Result<HostAnswer, LinkFailure>;

    /// Tells of a payment that is over (0320, 0620). Moves no money.
    ///
    /// # Errors
    /// As [`HostLink::sale`].
    fn advise(&self, advice: &Advice) -> Result<HostAnswer, LinkFailure>;

    /// Uploads the signature of a payment that is over (0820). Moves no money.
    ///
    /// # Errors
    /// As [`HostLink::sale`].
    fn upload_signature(&self, _upload: &SignatureUpload) -> Result<HostAnswer, LinkFailure> {
        Err(LinkFailure::Unsendable("this link takes no signatures".to_owned()))
    }

    /// Asks about an order that is paid by code: has it paid or opened, asks how it stands, or cancels it. The same once more is about
    /// the same order, and charges nobody again.
    ///
    /// # Errors
    /// As [`HostLink::sale`].
    fn code_payment(&self, _asked: &qr::Request) -> Result<HostWord, LinkFailure> {
        Err(LinkFailure::Unsendable("this link has no payments by code".to_owned()))
    }

    /// The same with what is sold, where the host is told of it.
    ///
    /// # Errors
    /// As [`HostLink::sale`].
    fn code_payment_of(&self, asked: &qr::Request, _sold: &Sold) -> Result<HostWord, LinkFailure> {
        self.code_payment(asked)
    }

    /// Pays back what was paid by code (0220). The same once more goes back once.
    ///
    /// # Errors
    /// As [`HostLink::sale`].
    fn code_refund(&self, _refund: &CodeRefund) -> Result<HostAnswer, LinkFailure> {
        Err(LinkFailure::Unsendable("this link has no payments by code".to_owned()))
    }

    /// Asks something of a settlement: compares totals (0500), uploads payments or closes the batch (0320), or asks what differs (0800).
    /// The same once more has the same answer, and is booked once.
    ///
    /// # Errors
    /// When no valid answer came, or the host has not carried it out.
    fn settle(&self, _request: &closing::Request) -> Result<closing::Answer, LinkFailure> {
        Err(LinkFailure::Unsendable("this link has no settlement".to_owned()))
    }

    /// Asks what is on the merchant's account, and for the last settlements (0800). Books nothing.
    ///
    /// # Errors
    /// As [`HostLink::settle`].
    fn merchant_account(&self) -> Result<MerchantAccount, LinkFailure> {
        Err(LinkFailure::Unsendable("this link has no settlement".to_owned()))
    }

    /// How many payments one message of a settlement uploads; nothing where none is settled.
    fn most_lines(&self) -> usize {
        0
    }

    /// Signs the head of the transaction log and has the host sign it, which looks whether the log only grew since it signed last.
    /// Nothing, where this link has no such witness. Books nothing.
    ///
    /// # Errors
    /// When one of the two does not sign.
    fn witness(&self, _log: &LogToSign) -> Result<Option<Cosigned>, CosignError> {
        Ok(None)
    }

    /// Fetches new working keys (0800) and gives them to the vault; those before are gone. Books nothing.
    ///
    /// # Errors
    /// When no valid answer came, the host refuses, or the vault does not take its keys.
    fn sign_on(&self, trace: TraceNumber) -> Result<SignedOn, SignOnFailure>;

    /// Asks whether the host is there (0820 echo). Books nothing.
    ///
    /// # Errors
    /// As [`HostLink::sale`].
    fn check(&self) -> Result<HostCheck, LinkFailure>;

    /// What answers since the last call ordered the terminal to do, but for a sign-on: see [`HostLink::take_need_of_keys`].
    fn take_orders(&self) -> Vec<Order>;

    /// Whether an answer since the last call says that the working keys have to be fetched anew: one that orders it, one
    /// whose code says so, or one whose MAC is wrong.
    fn take_need_of_keys(&self) -> bool;

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

    /// Tells the host how the terminal is (0820). Books nothing.
    ///
    /// # Errors
    /// When the host does not take note of it.
    fn report(&self, report: &StatusReport) -> Result<(), DownloadError>;

    /// From the next request on the acquirer's parameters count, where they are about the line.
    fn adopt(&self, _parameters: &TerminalParameters) {}

    /// Fetches applications, CA keys and tables. Keeps nothing.
    ///
    /// # Errors
    /// When an answer is missing, refuses, or cannot be read.
    fn download(&self) -> Result<Download, DownloadError>;

    /// Tells the host that what was downloaded is in its place. Downloads that were ordered before are then no longer among
    /// [`HostLink::take_orders`]: a host may order the same with every answer until it is told.
    ///
    /// # Errors
    /// When the host does not take note of it.
    fn confirm_download(&self) -> Result<(), DownloadError>;

    /// How long nothing may have been heard of the host before it is asked whether it is there; `None` when it never is.
    fn echo_interval(&self) -> Option<Duration> {
        None
    }

    /// Waits until the idle line that the last echo left open ends, but not longer than `patience`.
    fn wait_for_line_end(&self, patience: Duration) -> Option<LineEnd> {
        std::thread::sleep(patience);
        None
    }
}

/// What an echo brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCheck {
    /// The host's response code: 00 when it takes this terminal.
    pub response_code: ResponseCode,
    /// The host's time (HTTP `Date`), to compare the terminal's clock with. Good to a second.
    pub date: Option<Timestamp>,
    /// How far this machine's local time is ahead of the host's (fields 12 and 13).
    pub local_ahead: Option<SignedDuration>,
    /// From the start of the connection to the end of the answer.
    pub round_trip: Duration,
    /// The address that answered.
    pub address: String,
    /// It is the host's second one.
    pub on_fallback: bool,
    /// How the line is kept secret, in a word for technicians.
    pub tls: String,
}
