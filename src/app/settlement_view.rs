//! What a screen is told of settlements and the merchant's account, and what somebody at it wants with them.

use jiff::civil::DateTime;

use super::view::RowKind;
use crate::goods::GoodsSold;
use crate::money::{Amount, Currency};
use crate::reference::Batch;
use crate::settlement::closing::{Cause, Closing, HostDifference, MerchantAccount, State, Verdict};
use crate::settlement::{Line, Sum};
use crate::wording::Reason;

/// Settlements on one page of the list.
pub const SETTLEMENTS_PER_PAGE: usize = 6;

/// Lines of goods that the screen has for a batch: nobody turns more pages.
pub const GOODS_ON_SCREEN: usize = 100;

/// What somebody wants with settlements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettlementIntent {
    /// See the batch that is open, or the settlement that is under way.
    Show,
    /// See a page of the list, counted from 0, newest first.
    ShowPast(usize),
    /// See one.
    ShowOne(Batch),
    /// See the merchant's account: the host is asked.
    ShowAccount,
    /// Want none any more, as long as the batch is not cut.
    Withdraw,
    /// Ask the host again at once.
    TryNow,
    /// End it: the acquirer settles the batch in another way. Whoever sends this has been asked twice.
    GiveUp(Batch),
    /// Print its slip once more.
    Reprint(Batch),
}

/// A settlement screen, with its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettlementView {
    /// The batch that is open.
    Open(OpenBatch),
    /// The list.
    Past(PastPage),
    /// One settlement, under way or over.
    One(Box<OneSettlement>),
    /// The merchant's account.
    Account(AccountView),
}

/// The batch that is open, and whether it is to be settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenBatch {
    /// Which.
    pub batch: Batch,
    /// Its currency.
    pub currency: Currency,
    /// What it comes to, by type and means of payment; none where it cannot be added up, and why.
    pub sums: Result<Sums, String>,
    /// What of the queue the host must still get before it is cut.
    pub waiting: usize,
    /// What a person must decide about before it is cut.
    pub parked: usize,
    /// Somebody wants it settled, and so it stands.
    pub wanted: Option<WaitsFor>,
    /// This terminal settles.
    pub can_settle: bool,
}

/// What a settlement that is wanted waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitsFor {
    /// For its turn: it goes on by itself in a moment.
    Turn,
    /// For the host, which must still get something of the queue.
    Host,
    /// For a person, who must decide about something.
    People,
}

/// What a batch comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// By type and means of payment.
    pub lines: Vec<Line>,
    /// Payments that move money.
    pub count: u32,
    /// What is left for the merchant, in minor units.
    pub net_minor: i64,
    /// Payments that are not finished, and are not counted.
    pub open: u32,
    /// What came about in cash meanwhile: no host settles it.
    pub cash: Vec<DoneSum>,
    /// Who took and gave back what; nobody, where nobody signs on.
    pub cashiers: Vec<CashierSums>,
    /// What was sold, in [`GOODS_ON_SCREEN`] lines at most.
    pub goods: GoodsSold,
}

/// What was done of one kind, by card, by code or in cash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoneSum {
    /// What.
    pub kind: RowKind,
    /// How many, and how much.
    pub sum: Sum,
}

/// What somebody did in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CashierSums {
    /// Who: number and name, as in `07 小王`.
    pub who: String,
    /// What, by kind.
    pub sums: Vec<DoneSum>,
    /// What of it were tips, where there were some.
    pub tips: Option<Amount>,
}

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastPage {
    /// The settlements, newest first.
    pub rows: Vec<PastRow>,
    /// Page shown, from 0.
    pub page: usize,
    /// How many pages there are, at least 1.
    pub pages: usize,
}

/// One settlement of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastRow {
    /// Which batch.
    pub batch: Batch,
    /// How far it is.
    pub state: State,
    /// Local time when the batch was cut.
    pub at: DateTime,
    /// What the batch comes to, in minor units.
    pub net_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// What the host says of the totals.
    pub verdict: Option<Verdict>,
    /// Payments about which host and terminal do not agree.
    pub differences: u32,
}

/// One settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneSettlement {
    /// As in the list.
    pub row: PastRow,
    /// Why it was begun.
    pub cause: Cause,
    /// Local time when it was over.
    pub closed_at: Option<DateTime>,
    /// What the batch comes to.
    pub sums: Result<Sums, String>,
    /// Payments that nobody had decided about.
    pub undecided: u32,
    /// How far the upload is: payments that the host has taken, of how many.
    pub uploaded: (u32, u32),
    /// How it goes with the request that is made, while it is under way.
    pub request: Option<RequestView>,
    /// What the host posts, once it has said so.
    pub money: Option<Closing>,
    /// What host and terminal have otherwise.
    pub differences: Vec<HostDifference>,
    /// Who gave it up, and what was noted.
    pub given_up: Option<(String, String)>,
    /// It has a slip that can be printed.
    pub can_print: bool,
    /// How it stands with the slip.
    pub slip: Option<SlipView>,
}

/// How it goes with a request of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestView {
    /// The host is being asked now.
    pub asking: bool,
    /// Requests of this step that came to nothing.
    pub tries: u32,
    /// Local time of the next try, where the last one came to nothing.
    pub next_try: Option<DateTime>,
}

/// How it stands with the slip of a settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlipView {
    /// It waits for its turn, or is coming out.
    Printing,
    /// It is out.
    Printed,
    /// The printer did not take it, and why.
    Failed(Option<Reason>),
}

/// The merchant's account as the host tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountView {
    /// The host is being asked.
    Asking,
    /// It has told.
    Told(MerchantAccount),
    /// It does not tell.
    NotTold {
        /// It was not reached.
        unreachable: bool,
        /// What a technician needs, in English.
        detail: String,
    },
}
