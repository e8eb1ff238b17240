//! A payment by QR code as a pure state machine: the customer's code is scanned, or ours is shown.
//!
//! | state | event | next | recorded |
//! |---|---|---|---|
//! | opened to pay, opened to order | begun | asking | `Pending`, sent |
//! | opened to enquire | begun | enquiring | sent |
//! | opened to cancel | begun | cancelling | sent |
//! | asking, waiting, enquiring | paid | over: paid | `Paid` |
//! | asking, waiting, enquiring | refused | over: declined | `NotPaid` |
//! | asking | order open | waiting | |
//! | asking | not yet, not known, no answer, bad MAC, wrong answer | waiting | |
//! | asking | order open, not yet, not known, no answer, bad MAC, wrong answer | cancelling | `CancelDue`, sent |
//! | asking | never sent, cannot be sent, kept back | over: failed | `NotPaid` |
//! | asking | a record fails | over: failed | |
//! | waiting | pause over, code expired | enquiring | sent |
//! | waiting | given up | cancelling | `CancelDue`, sent |
//! | enquiring | not yet, not known, no answer, bad MAC, wrong answer, never sent, cannot be sent, kept back | waiting | |
//! | enquiring | not yet, not known, no answer, bad MAC, wrong answer, never sent, cannot be sent, kept back | cancelling | `CancelDue`, sent |
//! | cancelling, waiting to cancel | never paid, paid back | over: taken back | `Cancelled` |
//! | cancelling, waiting to cancel | cannot be cancelled | over: a person must look | `Unresolved` |
//! | cancelling | cancel not known, no answer, bad MAC, wrong answer, never sent, cannot be sent, kept back | waiting to cancel | |
//! | cancelling | cancel not known, no answer, bad MAC, wrong answer, never sent, cannot be sent, kept back | over: being taken back | |
//! | cancelling | paid | cancelling | `LatePaid` |
//! | waiting to cancel | paid | waiting to cancel | `LatePaid` |
//! | waiting to cancel | pause over | cancelling | sent |
//! | cancelling, waiting to cancel, ending | a record fails | over: not known | |
//!
//! What is in no line changes nothing that can be seen. Where the same event leads to two states the schedule decides: after
//! the last enquiry, and where somebody wants to leave or the code has expired, the order is closed.
//!
//! An order that is not known to be paid is never left alone: it is asked about, then cancelled, which closes it when it was
//! never paid and pays it back when it was. What a few tries do not cancel is the queue's (`queue`), as a reversal is. That it is to be cancelled is durable before the host hears of it, and from then
//! on no "paid" is accepted. An answer that the host does not know the order proves nothing: the request may still be on
//! its way. After the end an approval that comes too late is `queue::late_approval`'s matter, as that of a card.
//!
//! Effects are carried out in the order given, and a `Record` is durable before the next effect starts. What a power cut
//! leaves behind goes on from its row alone ([`CodePayment::resumed`]); it is never paid for a second time.

mod asking;
mod cancelling;
mod code;
mod online;
pub mod record;
#[cfg(test)]
mod tests;

use jiff::civil::DateTime;

pub use self::code::{CodeError, PaymentCode};
pub use self::online::{CodeRefund, HostWord};
use self::record::{Pending, Record, Resume};
use super::online::LinkFailure;
use crate::money::Amount;
use crate::reference::{ResponseCode, Rrn, TraceNumber};
use crate::wording::{Reason, ReasonKind};

/// What is paid for, and by which number the host knows it in every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Batch and STAN of the first request.
    pub trace: TraceNumber,
    /// What is to be paid.
    pub amount: Amount,
    /// Local time.
    pub at: DateTime,
}

/// Who shows a code to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The customer, and the terminal scans it: the host charges at once, or when the customer has typed a password.
    Scanned(PaymentCode),
    /// The terminal, for so many seconds: it is asked of the host first, and the customer scans it.
    Shown {
        /// How long the code can be paid.
        valid_s: u32,
    },
}

/// When the host is asked again. Both end: so does every payment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Seconds before each enquiry; there are so many. After the last one the order is cancelled.
    pub enquiries_s: Vec<u32>,
    /// Seconds before each further try to cancel while somebody waits for it.
    pub cancels_s: Vec<u32>,
}

/// What the host says of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is paid.
    Paid(Paid),
    /// It is not paid and never will be.
    Refused(ResponseCode),
    /// The customer types a password, or has not scanned the code yet.
    NotYet,
    /// The host does not know, or does not know the order.
    NotKnown,
}

/// By which numbers the wallet knows what was paid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    /// Field 37.
    pub rrn: Option<Rrn>,
    /// The wallet's own number.
    pub voucher: Option<String>,
}

/// What the host says to a cancellation, which closes the order whatever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CancelAnswer {
    /// It was never paid, and nobody can pay it any more.
    NeverPaid,
    /// It was paid; the money is back.
    PaidBack,
    /// It cannot be cancelled.
    Refused(ResponseCode),
    /// The host does not know what came of it.
    NotKnown,
}

/// What happened outside.
#[derive(Clone, Debug)]
pub enum Event {
    /// The cashier has named the amount, and the code is scanned where there is one; or a row was left behind.
    Begin,
    /// The host has opened the order, and this is the code to be shown.
    OrderOpen(String),
    /// The host said how the order stands, authentically.
    Answered(Answer),
    /// The host said what came of cancelling it.
    CancelAnswered(CancelAnswer),
    /// It did not answer what was sent last.
    LinkFailed(LinkFailure),
    /// What was sent last was kept back and never leaves.
    Withheld(Reason),
    /// The pause that was asked for is over.
    PauseOver,
    /// The code on the screen is not valid any more.
    CodeExpired,
    /// Cashier or customer want out.
    GivenUp,
    /// A record could not be made durable; the effects behind it were not carried out.
    RecordFailed(String),
}

/// What to do, in this order.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Show where the payment stands.
    Show(Progress),
    /// Make this durable.
    Record(Record),
    /// Ask the host.
    Send(Request),
    /// Say when so many seconds are over.
    Wait(u32),
    /// The payment is over.
    Conclude(Conclusion),
}

/// What the host is asked.
#[derive(Clone, Debug)]
pub enum Request {
    /// Charge whoever showed this code.
    Pay(Order, PaymentCode),
    /// Open an order and give the code that stands for it.
    Open(Order, u32),
    /// How does it stand?
    Enquire(Order),
    /// Close it, and pay it back where it was paid. The host expects repeats.
    Cancel(Order),
}

impl Request {
    /// Which order it is about.
    pub const fn order(&self) -> Order {
        match self {
            Self::Pay(order, _) | Self::Open(order, _) | Self::Enquire(order) | Self::Cancel(order) => *order,
        }
    }
}

/// Where a payment stands while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The host is being asked.
    AskingHost,
    /// This code is to be shown.
    ShowingCode(String),
    /// The customer has something to do, or nobody knows.
    WaitingForCustomer,
    /// The order is being closed.
    Cancelling,
}

/// How a payment ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Paid.
    Approved,
    /// Not paid: the host said no.
    Declined(Reason),
    /// Not paid: nothing was asked.
    Failed(Reason),
    /// Not paid, and the order is closed. `paid_back`: it was paid for a moment.
    TakenBack {
        /// Why it was cancelled.
        reason: Reason,
        /// The customer has the money back.
        paid_back: bool,
    },
    /// Nobody knows whether it is paid; its order is being closed.
    BeingTakenBack(Reason),
    /// The ledger failed in the middle: what its row says is gone on with at the next start.
    NotKnown(Reason),
    /// May be paid: a person must look.
    Unresolved(Reason),
}

/// A payment by code.
#[derive(Debug)]
pub struct CodePayment {
    order: Order,
    schedule: Schedule,
    phase: Phase,
    /// What was paid, where it was.
    paid: Option<Paid>,
}

#[derive(Debug)]
enum Phase {
    Opened(Beginning),
    /// The first request is out. `shown`: it asks for a code.
    Asking {
        shown: bool,
        leaving: Option<ReasonKind>,
    },
    /// So many enquiries have been made.
    Waiting {
        made: usize,
    },
    /// `leaving`: whatever does not decide it ends in closing the order.
    Enquiring {
        made: usize,
        leaving: Option<ReasonKind>,
    },
    Cancelling(Cancelling),
    WaitingToCancel(Cancelling),
    /// All is said and done but for a record, which may still fail to be written.
    Ending,
    Over,
}

/// What a payment begins with.
#[derive(Debug)]
enum Beginning {
    Pay(PaymentCode),
    Order { valid_s: u32 },
    Enquire,
    Cancel,
}

/// An order that is being cancelled.
#[derive(Clone, Debug)]
struct Cancelling {
    /// So many further tries were made.
    made: usize,
    why: Reason,
    /// A "paid" that came too late is written down.
    late: bool,
}

impl CodePayment {
    /// A payment that has not begun.
    pub fn new(order: Order, way: Way, schedule: Schedule) -> Self {
        let beginning = match way {
            Way::Scanned(code) => Beginning::Pay(code),
            Way::Shown { valid_s } => Beginning::Order { valid_s },
        };
        Self { order, schedule, phase: Phase::Opened(beginning), paid: None }
    }

    /// Goes on with what a power cut or a ledger that failed has left behind. A payment is never asked for again.
    pub const fn resumed(order: Order, resume: Resume, schedule: Schedule) -> Self {
        let beginning = match resume {
            Resume::Enquire => Beginning::Enquire,
            Resume::Cancel => Beginning::Cancel,
        };
        Self { order, schedule, phase: Phase::Opened(beginning), paid: None }
    }

    /// Takes what happened, gives what to do. An event that does not belong to the phase changes nothing.
    pub fn step(&mut self, event: Event) -> Vec<Effect> {
        match (std::mem::replace(&mut self.phase, Phase::Over), event) {
            (Phase::Opened(beginning), Event::Begin) => self.begin(beginning),
            (Phase::Asking { shown, leaving }, event) => self.while_asking(shown, leaving, event),
            (Phase::Waiting { made }, event) => self.while_waiting(made, event),
            (Phase::Enquiring { made, leaving }, event) => self.while_enquiring(made, leaving, event),
            (Phase::Cancelling(cancelling), event) => self.while_cancelling(cancelling, event),
            (Phase::WaitingToCancel(cancelling), event) => self.while_waiting_to_cancel(cancelling, event),
            // Whatever could not be written, the row says less than is known, and nothing wrong.
            (Phase::Ending, Event::RecordFailed(detail)) => self.not_known(detail),
            (phase @ (Phase::Opened(_) | Phase::Ending | Phase::Over), _) => {
                self.phase = phase;
                Vec::new()
            }
        }
    }

    /// What is paid for.
    pub const fn order(&self) -> Order {
        self.order
    }

    /// By which numbers it was paid; nothing before that.
    pub const fn paid(&self) -> Option<&Paid> {
        self.paid.as_ref()
    }

    /// The row first, then the request.
    fn begin(&mut self, beginning: Beginning) -> Vec<Effect> {
        let (shown, entry, request) = match beginning {
            Beginning::Pay(code) => (false, Some(code.tail()), Request::Pay(self.order, code)),
            Beginning::Order { valid_s } => (true, None, Request::Open(self.order, valid_s)),
            Beginning::Enquire => return self.enquire(0, None),
            Beginning::Cancel => {
                let why = Reason::of(ReasonKind::Interrupted);
                return self.cancel(Cancelling { made: 0, why, late: false });
            }
        };
        self.phase = Phase::Asking { shown, leaving: None };
        let pending = Pending { amount: self.order.amount, at: self.order.at, scanned: entry };
        vec![Effect::Record(Record::Pending(pending)), Effect::Show(Progress::AskingHost), Effect::Send(request)]
    }

    /// The end behind a record.
    fn end(&mut self, record: Record, conclusion: Conclusion) -> Vec<Effect> {
        self.phase = Phase::Ending;
        vec![Effect::Record(record), Effect::Conclude(conclusion)]
    }

    fn not_known(&mut self, detail: String) -> Vec<Effect> {
        self.phase = Phase::Over;
        let reason = Reason::with_detail(ReasonKind::LedgerFailedAfterRequest, detail);
        vec![Effect::Conclude(Conclusion::NotKnown(reason))]
    }
}
