//! What a screen is told of a purchase that is paid in parts, and what somebody at it wants with it.

use jiff::civil::DateTime;

use crate::money::Amount;
use crate::payment::purchase::{Known, Means, Part, Purchase, PurchaseState};
use crate::reference::TraceNumber;
use crate::wording::Reason;

/// Parts that a screen shows; of more, the last.
pub const PARTS_SHOWN: usize = 4;

/// What somebody wants with the purchase that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurchaseIntent {
    /// Another card pays the rest.
    AnotherCard,
    /// The customer scans a code that is shown and pays the rest.
    ShowCode,
    /// The rest is paid in cash: ask what is given.
    Cash,
    /// Nobody pays the rest: what was paid is taken back. Whoever sends this has been asked twice.
    GiveUp,
}

/// A purchase as a screen shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseView {
    /// By which the terminal knows it.
    pub number: i64,
    /// What is to be paid in all.
    pub due: Amount,
    /// What is paid; where it was given up, what was.
    pub paid: Amount,
    /// What is still to be paid.
    pub rest: Amount,
    /// Where it stands.
    pub stage: PurchaseStage,
    /// Its parts that are paid, or may be.
    pub parts: Vec<PartView>,
    /// Why nothing more can be paid now, or what became of the last try.
    pub notice: Option<Reason>,
    /// More can be paid now.
    pub may_pay: bool,
    /// It can be given up now.
    pub may_give_up: bool,
    /// Local time of its first part.
    pub at: DateTime,
}

/// Where a purchase stands, as far as a screen shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurchaseStage {
    /// Something is still to be paid.
    Open,
    /// It was given up, and what was paid is being taken back.
    GoingBack,
    /// All that was paid is back.
    Back,
    /// The terminal has done what it can: a person must look.
    APersonMustLook,
}

/// A part as a screen shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartView {
    /// What it is paid with.
    pub means: Means,
    /// Batch and STAN.
    pub trace: TraceNumber,
    /// What it pays.
    pub amount: Amount,
    /// Card number, first six and last four; empty of everything else.
    pub truncated_pan: String,
    /// What is known of its money.
    pub known: Known,
}

impl PurchaseView {
    /// What there is to show of one.
    pub fn of(purchase: &Purchase, notice: Option<Reason>) -> Self {
        let open = purchase.state == PurchaseState::Open;
        let known = |part: &Part| if open { part.known() } else { part.went_back() };
        let is_of_interest = |part: &&Part| match purchase.state {
            PurchaseState::Open | PurchaseState::Paid => part.known() != Known::NotPaid,
            // What was declined never was paid; what is reversed now may have been.
            PurchaseState::GivenUp => was_paid(part),
        };
        let shown: Vec<_> = purchase.parts.iter().filter(is_of_interest).collect();
        let stage = if open {
            PurchaseStage::Open
        } else if !purchase.is_back() {
            PurchaseStage::GoingBack
        } else if shown.iter().all(|part| part.went_back() == Known::NotPaid) {
            PurchaseStage::Back
        } else {
            PurchaseStage::APersonMustLook
        };
        let paid = if open { purchase.paid() } else { was_paid_of(purchase) };
        Self {
            number: purchase.number,
            due: purchase.due,
            paid,
            rest: purchase.due.checked_sub(paid).unwrap_or(Amount::zero(purchase.due.currency())),
            stage,
            parts: shown
                .iter()
                .skip(shown.len().saturating_sub(PARTS_SHOWN))
                .map(|part| PartView {
                    means: part.means,
                    trace: part.trace,
                    amount: part.amount,
                    truncated_pan: part.truncated_pan.clone(),
                    known: known(part),
                })
                .collect(),
            notice: notice.or_else(|| purchase.may_pay().err().filter(|_| open).map(|not_now| not_now.reason())),
            may_pay: purchase.may_pay().is_ok(),
            may_give_up: purchase.may_give_up().is_ok(),
            at: purchase.opened_at,
        }
    }
}

/// Of a purchase that was given up: this part was paid before.
pub(super) fn was_paid(part: &Part) -> bool {
    part.was_given_up || part.refund.is_some() || part.known() == Known::Paid
}

/// What was paid of a purchase that was given up.
pub(super) fn was_paid_of(purchase: &Purchase) -> Amount {
    let parts = purchase.parts.iter().filter(|part| was_paid(part));
    let sum = parts.fold(0_u64, |sum, part| sum.saturating_add(part.amount.minor()));
    Amount::new(sum, purchase.due.currency()).unwrap_or(purchase.due)
}
