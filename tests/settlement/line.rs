//! A line on which requests of a settlement are lost, or which holds one until the power is gone.

use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use yima::acquirer::cosign::{CosignError, Cosigned, LogToSign};
use yima::acquirer::link::{HostCheck, HostLink};
use yima::acquirer::parameters::status::StatusReport;
use yima::acquirer::parameters::{Download, DownloadError};
use yima::acquirer::sign_on::{SignOnFailure, SignedOn};
use yima::iso8583::Order;
use yima::link_fault::LinkFault;
use yima::payment::advice::Advice;
use yima::payment::online::{AboutRequest, HostAnswer, LinkFailure, ReversalRequest, SaleRequest, Unreached};
use yima::payment::qr::{self, CodeRefund, HostWord};
use yima::reference::TraceNumber;
use yima::settlement::closing::{Answer, MerchantAccount, Request};

/// What becomes of a request of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It never leaves, and the power goes.
    CutBefore,
    /// The host has carried it out, and the power goes before the answer is heard.
    CutAfter,
    /// The host has carried it out, and the answer is lost.
    AnswerLost,
    /// It does not reach the host.
    NotReached,
}

/// What a test says and hears of it.
#[derive(Default)]
pub struct Script {
    /// Of requests counted from 0.
    pub fates: Vec<(usize, Fate)>,
    /// What was asked.
    pub asked: Vec<Request>,
    /// The terminal's time is the host's, whatever its zone.
    pub same_clock: bool,
    /// The account is not told.
    pub no_account: bool,
    /// Called before a request, counted from 0.
    pub before: Option<Before>,
    /// Where a request that is cut off says so, and waits for the end.
    pub cut: Option<Cut>,
}

/// What happens before a request.
pub type Before = Box<dyn FnMut(usize) + Send>;

/// Of a request that is cut off.
pub struct Cut {
    /// It is.
    pub says: Sender<()>,
    /// The test is done with it.
    pub ends: Receiver<()>,
}

/// See the module.
pub struct Line {
    pub inner: Arc<dyn HostLink>,
    pub script: Arc<Mutex<Script>>,
}

impl Line {
    fn wait_for_the_end(&self) -> LinkFailure {
        let cut = self.script.lock().unwrap().cut.take();
        if let Some(Cut { says, ends }) = cut {
            let _ = says.send(());
            let _ = ends.recv_timeout(Duration::from_secs(30));
        }
        LinkFailure::NoAnswer("the power is gone".to_owned())
    }
}

impl HostLink for Line {
    fn settle(&self, request: &Request) -> Result<Answer, LinkFailure> {
        let fate = {
            let mut script = self.script.lock().unwrap();
            let number = script.asked.len();
            script.asked.push(request.clone());
            if let Some(before) = script.before.as_mut() {
                before(number);
            }
            script.fates.iter().find(|(at, _)| *at == number).map(|(_, fate)| *fate)
        };
        match fate {
            None => self.inner.settle(request),
            Some(Fate::NotReached) => Err(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, "no line"))),
            Some(Fate::CutBefore) => Err(self.wait_for_the_end()),
            Some(Fate::CutAfter) => {
                self.inner.settle(request)?;
                Err(self.wait_for_the_end())
            }
            Some(Fate::AnswerLost) => {
                self.inner.settle(request)?;
                Err(LinkFailure::NoAnswer("silent".to_owned()))
            }
        }
    }

    fn merchant_account(&self) -> Result<MerchantAccount, LinkFailure> {
        if self.script.lock().unwrap().no_account {
            return Err(LinkFailure::NoAnswer("silent".to_owned()));
        }
        self.inner.merchant_account()
    }

    fn witness(&self, log: &LogToSign) -> Result<Option<Cosigned>, CosignError> {
        self.inner.witness(log)
    }

    fn sale(&self, request: &SaleRequest) -> Result<HostAnswer, LinkFailure> {
        self.inner.sale(request)
    }

    fn code_payment(&self, asked: &qr::Request) -> Result<HostWord, LinkFailure> {
        self.inner.code_payment(asked)
    }

    fn code_refund(&self, refund: &CodeRefund) -> Result<HostAnswer, LinkFailure> {
        self.inner.code_refund(refund)
    }

    fn about(&self, request: &AboutRequest) -> Result<HostAnswer, LinkFailure> {
        self.inner.about(request)
    }

    fn reverse(&self, request: &ReversalRequest) -> Result<HostAnswer, LinkFailure> {
        self.inner.reverse(request)
    }

    fn advise(&self, advice: &Advice) -> Result<HostAnswer, LinkFailure> {
        self.inner.advise(advice)
    }

    fn sign_on(&self, trace: TraceNumber) -> Result<SignedOn, SignOnFailure> {
        self.inner.sign_on(trace)
    }

    fn check(&self) -> Result<HostCheck, LinkFailure> {
        let check = self.inner.check()?;
        let same = self.script.lock().unwrap().same_clock;
        Ok(if same { HostCheck { local_ahead: Some(SignedDuration::ZERO), date: None, ..check } } else { check })
    }

    fn take_need_of_keys(&self) -> bool {
        self.inner.take_need_of_keys()
    }

    fn take_orders(&self) -> Vec<Order> {
        self.inner.take_orders()
    }

    fn report(&self, report: &StatusReport) -> Result<(), DownloadError> {
        self.inner.report(report)
    }

    fn download(&self) -> Result<Download, DownloadError> {
        self.inner.download()
    }

    fn confirm_download(&self) -> Result<(), DownloadError> {
        self.inner.confirm_download()
    }
}
