//! What a screen is told of cash, and what somebody at it wants with it.

use jiff::civil::DateTime;

use super::view::CopyView;
use crate::goods::sold::Sold;
use crate::money::Amount;
use crate::payment::cash::CashKind;
use crate::reference::TraceNumber;
use crate::wording::Reason;

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CashIntent {
    /// The customer pays in cash: ask what is given.
    Begin(CashFor),
    /// So much was given for what is on the screen.
    Take(Amount),
    /// Nobody pays in cash after all.
    Leave,
    /// Open the drawer, without a sale.
    OpenDrawer,
}

/// What is paid in cash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CashFor {
    /// An amount that was keyed.
    Amount(Amount),
    /// What is in the cart.
    Cart,
    /// Goods that were named otherwise.
    Goods(Sold),
}

/// Cash on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CashView {
    /// A sale, or what goes back of one.
    pub kind: CashKind,
    /// What is paid, or goes back.
    pub amount: Amount,
    /// How far it is.
    pub stage: CashStage,
}

/// How far something in cash is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CashStage {
    /// What does the customer give?
    Asks {
        /// What customers are likely to give, beside exactly what is paid.
        likely: Vec<Amount>,
        /// Why something was not taken.
        notice: Option<Reason>,
    },
    /// It is written down.
    Done {
        /// Under which number.
        trace: TraceNumber,
        /// What was given; nothing of a refund.
        given: Option<Amount>,
        /// What goes back at once; nothing of a refund.
        change: Option<Amount>,
        /// Local time.
        at: DateTime,
        /// How the drawer is.
        drawer: DrawerView,
        /// The slips.
        copies: Vec<CopyView>,
    },
}

/// How the drawer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DrawerView {
    /// The printer has none, or it is not known whether it opened before the power went.
    Unknown,
    /// It is being opened.
    Opening,
    /// It is open.
    Opened,
    /// It did not open: it has a key.
    Failed(Reason),
}
