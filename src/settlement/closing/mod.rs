//! How a batch is settled with the host: one state after another, each durable before its request leaves. Decides only.
//!
//! It begins when the batch is *cut*: nothing in it waits for anybody any more, what it comes to is written down, and every payment from
//! then on has a number of the next batch. So no payment waits for a settlement, and none can change what is being compared.
//!
//! | state | what the host says | next |
//! |---|---|---|
//! | comparing | equal | ending |
//! | comparing | different, lines to upload | uploading |
//! | comparing | different, nothing to upload | ending |
//! | comparing | settled before, otherwise | closed |
//! | uploading | taken, more are left | uploading |
//! | uploading | taken, the last | ending |
//! | ending | closed, nothing differs | closed |
//! | ending | closed, something differs | reading |
//! | reading | differences, more are left | reading |
//! | reading | differences, the last | closed |
//!
//! Silence and refusals change nothing: the same request is made again, under the same number, less and less often. From *closed*
//! nothing leads on, but every state before it leads to *given up*, by a person's word.

mod night;
mod wish;

pub use night::{due, night};
pub use wish::{Cause, Cut, WAIT_FOR_PEOPLE_S, Wish, may_cut};

use jiff::civil::{Date, DateTime};

use super::reconciliation;
use super::{Side, Sum, Totals, TotalsError};
use crate::money::{Amount, Currency};
use crate::payment::transaction::Kind;
use crate::reference::{Batch, Rrn, Stan};

/// Where a settlement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The host is asked whether it has the same totals.
    Comparing,
    /// It has not: every payment is told, a part after the other.
    Uploading,
    /// The host is asked to close the batch.
    Ending,
    /// It has closed it, and is asked what differs.
    Reading,
    /// Over.
    Closed,
    /// Over by a person's word: the acquirer settles it in another way.
    GivenUp,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Comparing, Self::Uploading, Self::Ending, Self::Reading, Self::Closed, Self::GivenUp];

    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Comparing => "comparing",
            Self::Uploading => "uploading",
            Self::Ending => "ending",
            Self::Reading => "reading",
            Self::Closed => "closed",
            Self::GivenUp => "given_up",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether the host is still to be asked something.
    pub const fn is_open(self) -> bool {
        match self {
            Self::Comparing | Self::Uploading | Self::Ending | Self::Reading => true,
            Self::Closed | Self::GivenUp => false,
        }
    }

    /// Whether that state may follow this one; each may follow itself.
    pub fn may_become(self, next: Self) -> bool {
        use State::{Closed, Comparing, Ending, GivenUp, Reading, Uploading};
        self == next
            || matches!(
                (self, next),
                (Comparing, Uploading | Ending | Closed | GivenUp)
                    | (Uploading, Ending | GivenUp)
                    | (Ending, Reading | Closed | GivenUp)
                    | (Reading, Closed | GivenUp)
            )
    }
}

/// What the host says of the totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Both have the same.
    Equal,
    /// They have not.
    Different,
    /// The host settled this batch before, with other totals, and compares nothing any more.
    SettledBefore,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Equal, Self::Different, Self::SettledBefore];

    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Different => "different",
            Self::SettledBefore => "settled_before",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.word() == word)
    }
}

/// What goes each way, on cards of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides {
    /// To the merchant.
    pub debit: Sum,
    /// Back.
    pub credit: Sum,
}

/// What a batch comes to, as it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchTotals {
    /// Domestic cards, and codes.
    pub domestic: Sides,
    /// All other cards.
    pub foreign: Sides,
}

impl BatchTotals {
    /// Nothing.
    pub const fn nothing(currency: Currency) -> Self {
        let none = Sum { count: 0, amount: Amount::zero(currency) };
        let sides = Sides { debit: none, credit: none };
        Self { domestic: sides, foreign: sides }
    }

    /// Of what was added up.
    ///
    /// # Errors
    /// When it is more than a message can say.
    pub fn of(totals: &Totals) -> Result<Self, TotalsError> {
        let sides = |domestic| {
            Ok::<_, TotalsError>(Sides {
                debit: totals.of(Side::Debit, domestic)?,
                credit: totals.of(Side::Credit, domestic)?,
            })
        };
        Ok(Self { domestic: sides(true)?, foreign: sides(false)? })
    }

    /// In the order of the message: domestic debit and credit, then foreign.
    pub const fn sums(&self) -> [Sum; 4] {
        [self.domestic.debit, self.domestic.credit, self.foreign.debit, self.foreign.credit]
    }

    /// The same, put together again.
    pub const fn from_sums([a, b, c, d]: [Sum; 4]) -> Self {
        Self { domestic: Sides { debit: a, credit: b }, foreign: Sides { debit: c, credit: d } }
    }

    /// Their currency.
    pub const fn currency(&self) -> Currency {
        self.domestic.debit.amount.currency()
    }

    /// What is left for the merchant, in minor units; less than nothing where more went back than came in.
    pub fn net_minor(&self) -> i64 {
        let minor = |sum: Sum| i64::try_from(sum.amount.minor()).unwrap_or(i64::MAX);
        let [a, b, c, d] = self.sums().map(minor);
        a.saturating_add(c).saturating_sub(b).saturating_sub(d)
    }

    /// How many payments they are.
    pub fn count(&self) -> u32 {
        self.sums().iter().fold(0, |count, sum| count.saturating_add(sum.count))
    }
}

/// A payment as it is uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number within the batch.
    pub stan: Stan,
    /// What it is.
    pub kind: Kind,
    /// How much it is.
    pub amount: Amount,
}

/// A settlement that is under way, as far as the next request needs it. All of it is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnderWay {
    /// Which batch.
    pub batch: Batch,
    /// Where it stands.
    pub state: State,
    /// The number of the request that is made in this state. A request that is made again has the same one.
    pub stan: Stan,
    /// What the batch comes to.
    pub totals: BatchTotals,
    /// What the host said of that.
    pub verdict: Option<Verdict>,
    /// Payments that are to be uploaded if the totals differ.
    pub lines: u32,
    /// How many of them the host has taken.
    pub uploaded: u32,
    /// Differences that were read so far.
    pub read: u32,
}

/// What is asked of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Whether it has the same totals (0500).
    Compare {
        /// Which batch.
        batch: Batch,
        /// The request's own number.
        stan: Stan,
        /// What the batch comes to.
        totals: BatchTotals,
    },
    /// To take note of some payments (0320).
    Upload {
        /// Which batch.
        batch: Batch,
        /// The request's own number.
        stan: Stan,
        /// The payments.
        lines: Vec<Line>,
        /// Their currency.
        currency: Currency,
    },
    /// To close the batch (0320).
    End {
        /// Which batch.
        batch: Batch,
        /// The request's own number.
        stan: Stan,
        /// The totals were the same.
        equal: bool,
        /// Payments that were uploaded.
        lines: u32,
        /// Currency of the batch.
        currency: Currency,
    },
    /// What differs.
    Differences {
        /// Which batch.
        batch: Batch,
        /// Those that came before.
        after: u32,
        /// Currency of the batch.
        currency: Currency,
    },
}

/// What the host says when it has closed a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// What came in less what went back, by its own books, in minor units.
    pub gross_minor: i64,
    /// What it keeps.
    pub fee_minor: i64,
    /// Payments about which the two do not agree.
    pub differences: u32,
}

impl Closing {
    /// What is posted to the merchant's account.
    pub const fn net_minor(&self) -> i64 {
        self.gross_minor.saturating_sub(self.fee_minor)
    }
}

/// A payment about which the two do not agree, by the host's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostDifference {
    /// What it is.
    pub kind: reconciliation::Kind,
    /// Its number within the batch.
    pub stan: Stan,
    /// What the terminal uploaded.
    pub ours: Option<Amount>,
    /// What the host has.
    pub theirs: Option<Amount>,
    /// The host's reference number, where it has the payment.
    pub rrn: Option<Rrn>,
}

/// An authentic answer that carried the request out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The totals were compared.
    Compared {
        /// What came of it.
        verdict: Verdict,
        /// What the host has.
        theirs: BatchTotals,
    },
    /// The lines were taken.
    Taken,
    /// The batch is closed.
    Closed(Closing),
    /// What differs, a page of it.
    Differences {
        /// In the order of their numbers.
        differences: Vec<HostDifference>,
        /// There are others behind them.
        more: bool,
    },
}

/// What is written down of an answer, before the next request leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The totals were compared.
    Compared {
        /// What came of it.
        verdict: Verdict,
        /// What the host has.
        theirs: BatchTotals,
    },
    /// So many payments have been taken by now.
    Uploaded(u32),
    /// The batch is closed.
    Closed(Closing),
    /// These differ.
    Read(Vec<HostDifference>),
}

/// An answer that belongs to another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host answered something that a settlement which is {} did not ask", .0.word())]
pub struct Unexpected(pub State);

/// How often a person is told, and how long the next try waits: as for an entry of the queue.
pub fn pause_s(tries: u32) -> u32 {
    crate::payment::queue::interval_s(tries)
}

impl UnderWay {
    /// What the host is asked now. `part` gives the next lines that are to be uploaded.
    pub fn request(&self, part: Vec<Line>) -> Option<Request> {
        let (batch, stan, currency) = (self.batch, self.stan, self.totals.currency());
        match self.state {
            State::Comparing => Some(Request::Compare { batch, stan, totals: self.totals }),
            State::Uploading => Some(Request::Upload { batch, stan, lines: part, currency }),
            State::Ending => {
                let equal = self.verdict == Some(Verdict::Equal);
                Some(Request::End { batch, stan, equal, lines: self.uploaded, currency })
            }
            State::Reading => Some(Request::Differences { batch, after: self.read, currency }),
            State::Closed | State::GivenUp => None,
        }
    }

    /// What follows from an answer. `sent` counts the lines of the part that was uploaded.
    ///
    /// # Errors
    /// When it answers another request; then nothing has happened.
    pub fn step(&self, answer: Answer, sent: u32) -> Result<(State, Change), Unexpected> {
        match (self.state, answer) {
            (State::Comparing, Answer::Compared { verdict, theirs }) => {
                let next = match verdict {
                    Verdict::Equal => State::Ending,
                    Verdict::Different if self.lines > 0 => State::Uploading,
                    Verdict::Different => State::Ending,
                    Verdict::SettledBefore => State::Closed,
                };
                Ok((next, Change::Compared { verdict, theirs }))
            }
            (State::Uploading, Answer::Taken) => {
                let uploaded = self.uploaded.saturating_add(sent).min(self.lines);
                let next = if uploaded < self.lines { State::Uploading } else { State::Ending };
                Ok((next, Change::Uploaded(uploaded)))
            }
            (State::Ending, Answer::Closed(closing)) => {
                let next = if closing.differences > 0 { State::Reading } else { State::Closed };
                Ok((next, Change::Closed(closing)))
            }
            (State::Reading, Answer::Differences { differences, more }) => {
                // A host that says that there are more and names none would be asked without end.
                let next = if more && !differences.is_empty() { State::Reading } else { State::Closed };
                Ok((next, Change::Read(differences)))
            }
            (state, Answer::Compared { .. } | Answer::Taken | Answer::Closed(_) | Answer::Differences { .. }) => {
                Err(Unexpected(state))
            }
        }
    }
}

/// What the acquirer tells of the merchant's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantAccount {
    /// What is on it, in minor units.
    pub balance_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// What is kept of each settlement, in parts per ten thousand.
    pub fee_rate: u32,
    /// The last settlements of this terminal at the host, newest first.
    pub settlements: Vec<HostSettlement>,
}

/// A settlement as the host has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostSettlement {
    /// Which batch.
    pub batch: Batch,
    /// It is closed and posted.
    pub posted: bool,
    /// The totals were the same.
    pub equal: bool,
    /// What it came to and what was kept.
    pub closing: Closing,
    /// The day it was begun.
    pub date: Date,
    /// The host's local time of that.
    pub at: DateTime,
}

#[cfg(test)]
mod tests;
