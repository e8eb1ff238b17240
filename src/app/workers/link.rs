//! The worker that talks to the host.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::{Sender, TryRecvError};
use std::time::Duration;

use crate::acquirer::cosign::{CosignError, Cosigned, LogToSign};
use crate::acquirer::enrolment::EnrolmentError;
use crate::acquirer::held::LineEnd;
use crate::acquirer::link::{HostCheck, HostLink};
use crate::acquirer::parameters::DownloadError;
use crate::acquirer::parameters::status::StatusReport;
use crate::acquirer::sign_on::{SignOnFailure, SignedOn};
use crate::app::parameters::{self, Update, UpdateError};
use crate::goods::sold::Sold;
use crate::iso8583::Order;
use crate::payment::advice::Advice;
use crate::payment::online::{AboutRequest, HostAnswer, LateApproval, LinkFailure, ReversalRequest, SaleRequest};
use crate::payment::qr::{self as code, CancelAnswer, CodeRefund, HostWord};
use crate::payment::signature::SignatureUpload;
use crate::reference::{Batch, TraceNumber};
use crate::settlement::closing;
use crate::terminal::emv_files::EmvFiles;
use crate::terminal::identity::Identity;

/// How often whoever watches the idle line looks whether the engine has ended.
const LOOK_UP: Duration = Duration::from_millis(500);

/// What the host is asked.
#[derive(Debug)]
pub enum Job {
    /// For a sale.
    Sale(Box<SaleRequest>),
    /// For something about an earlier transaction, whose card is not there.
    About(Box<AboutRequest>),
    /// About an order that is paid by code, and what is sold, as far as the host is told.
    Code(Box<code::Request>, Sold),
    /// To pay a part of what was paid by code back, or all of it, for the first time.
    BeginCodeRefund(Box<CodeRefund>),
    /// To take a sale back.
    Reverse(ReversalRequest),
    /// For what it may have done already: the same as before.
    Repeat(Box<SaleRequest>),
    /// To book what a card has approved alone: the same at every try.
    TellOfOfflineSale(Box<SaleRequest>),
    /// The same, about an earlier transaction whose card was not there.
    RepeatAbout(Box<AboutRequest>),
    /// To pay a part of what was paid by code back, or all of it.
    CodeRefund(Box<CodeRefund>),
    /// To close an order, and to pay it back where it was paid.
    Cancel(code::Order),
    /// To take note of a payment that is over: which row of the ledger, and what it says.
    Advise(i64, Box<Advice>),
    /// To take the signature of a payment that is over.
    Upload(Box<SignatureUpload>),
    /// Something of the settlement of a batch.
    Settle(Batch, Box<closing::Request>),
    /// What is on the merchant's account.
    Account,
    /// To sign the head of the transaction log.
    Witness(Box<LogToSign>),
    /// For working keys.
    SignOn(TraceNumber),
    /// Whether it is there.
    Check,
    /// To take note of how the terminal is.
    Report(Box<StatusReport>),
    /// For its terminal data, which take the place of those there are.
    Update,
    /// For the binding record that counts now.
    Binding,
}

/// What came of it.
#[derive(Debug)]
pub enum Event {
    /// Of a sale.
    Sale(TraceNumber, Result<HostAnswer, LinkFailure>),
    /// Of a request about an order.
    Code(TraceNumber, Result<HostWord, LinkFailure>),
    /// Of a reversal.
    Reversal(TraceNumber, Result<HostAnswer, LinkFailure>),
    /// Of something that was sent again.
    Repeated(TraceNumber, Result<HostAnswer, LinkFailure>),
    /// Of what a card has approved alone.
    OfflineSale(TraceNumber, Result<HostAnswer, LinkFailure>),
    /// Of closing an order.
    Cancelled(TraceNumber, Result<CancelAnswer, LinkFailure>),
    /// Of an advice.
    Advice(i64, Result<HostAnswer, LinkFailure>),
    /// Of the signature of this payment.
    Uploaded(TraceNumber, Result<HostAnswer, LinkFailure>),
    /// An approval came that its payment no longer waited for.
    Late(LateApproval),
    /// Of a settlement.
    Settled(Batch, Result<closing::Answer, LinkFailure>),
    /// Of the question about the merchant's account.
    Account(Result<closing::MerchantAccount, LinkFailure>),
    /// Of the request to sign the head of the log; nothing where this link has no witness.
    Witnessed(Result<Option<Box<Cosigned>>, CosignError>),
    /// Of a sign-on.
    SignOn(Result<SignedOn, SignOnFailure>),
    /// Of a check.
    Check(Result<HostCheck, LinkFailure>),
    /// Of an update.
    Update(Result<Box<Update>, UpdateError>),
    /// An answer ordered something.
    Ordered(Order),
    /// Of a status report.
    Report(Result<(), DownloadError>),
    /// An answer says that the working keys have to be fetched anew. Comes before the event of what was answered.
    KeysNeeded,
    /// The idle line to the host has ended.
    LineEnded(LineEnd),
    /// An answer spoke of the terminal's binding.
    WordOnBinding(Result<(), String>),
    /// A newer binding record, if there is one.
    Binding(Result<Option<Box<Identity>>, EnrolmentError>),
}

/// Starts the worker.
///
/// # Errors
/// When the system has no thread left.
pub fn start<M: Send + 'static>(
    link: Arc<dyn HostLink>,
    files: EmvFiles,
    events: Sender<M>,
    wrap: impl Fn(Vec<Event>) -> M + Send + 'static,
) -> std::io::Result<Sender<Job>> {
    super::start("link", move |jobs| {
        for job in jobs {
            // In one message: an engine that is to end hears all that came with an answer.
            if events.send(wrap(carry_out(job, &*link, &files))).is_err() {
                return;
            }
        }
    })
}

/// Asks the host, and gives what came of it in the order in which the engine has to hear it.
pub fn carry_out(job: Job, link: &dyn HostLink, files: &EmvFiles) -> Vec<Event> {
    let event = match job {
        Job::Sale(request) => Event::Sale(request.trace, link.sale(&request)),
        Job::About(request) => Event::Sale(request.trace, link.about(&request)),
        Job::Code(request, sold) => Event::Code(request.order().trace, link.code_payment_of(&request, &sold)),
        Job::BeginCodeRefund(refund) => Event::Sale(refund.trace, link.code_refund(&refund)),
        Job::Reverse(request) => Event::Reversal(request.trace, link.reverse(&request)),
        Job::TellOfOfflineSale(request) => Event::OfflineSale(request.trace, link.sale(&request)),
        Job::Repeat(request) => Event::Repeated(request.trace, link.sale(&request)),
        Job::RepeatAbout(request) => Event::Repeated(request.trace, link.about(&request)),
        Job::CodeRefund(refund) => Event::Repeated(refund.trace, link.code_refund(&refund)),
        Job::Cancel(order) => Event::Cancelled(order.trace, cancel(link, order)),
        Job::Advise(id, advice) => Event::Advice(id, link.advise(&advice)),
        Job::Upload(upload) => Event::Uploaded(upload.trace, link.upload_signature(&upload)),
        Job::Settle(batch, request) => Event::Settled(batch, link.settle(&request)),
        Job::Account => Event::Account(link.merchant_account()),
        Job::Witness(log) => Event::Witnessed(link.witness(&log).map(|signed| signed.map(Box::new))),
        Job::SignOn(trace) => Event::SignOn(link.sign_on(trace)),
        Job::Check => Event::Check(link.check()),
        Job::Report(report) => Event::Report(link.report(&report)),
        Job::Update => Event::Update(parameters::update(link, files).map(Box::new)),
        Job::Binding => Event::Binding(link.refresh_binding().map(|identity| identity.map(Box::new))),
    };
    let mut events = Vec::new();
    events.extend(link.take_need_of_keys().then_some(Event::KeysNeeded));
    events.extend(link.take_word_on_binding().map(Event::WordOnBinding));
    events.extend(link.take_late().into_iter().map(Event::Late));
    events.push(event);
    events.extend(link.take_orders().into_iter().map(Event::Ordered));
    events
}

fn cancel(link: &dyn HostLink, order: code::Order) -> Result<CancelAnswer, LinkFailure> {
    match link.code_payment(&code::Request::Cancel(order))? {
        HostWord::Cancelled(answer) => Ok(answer),
        HostWord::Open(_) | HostWord::Stands(_) => {
            Err(LinkFailure::WrongAnswer("it does not say what came of cancelling".to_owned()))
        }
    }
}

/// Starts the watch over the idle line. It ends when the sender is dropped.
///
/// # Errors
/// When the system has no thread left.
pub fn watch<M: Send + 'static>(
    link: Arc<dyn HostLink>,
    events: Sender<M>,
    wrap: impl Fn(Vec<Event>) -> M + Send + 'static,
) -> std::io::Result<Sender<Infallible>> {
    super::start("line", move |jobs| {
        while jobs.try_recv() == Err(TryRecvError::Empty) {
            let ended = link.wait_for_line_end(LOOK_UP);
            if ended.is_some_and(|end| events.send(wrap(vec![Event::LineEnded(end)])).is_err()) {
                return;
            }
        }
    })
}
