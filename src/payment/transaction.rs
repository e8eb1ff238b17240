//! Which card transaction it is, what it refers to, and what follows from that. What is here is data: the machine (`sale`)
//! is one for all of them.
//!
//! | kind | card | money | after an unknown result | refers to |
//! |---|---|---|---|---|
//! | sale | whole | to the merchant | taken back | |
//! | offline_sale | decides | to the merchant | nothing | |
//! | pre_authorisation | whole | held | taken back | |
//! | balance | whole | none | nothing | |
//! | void | read | to the customer | taken back | sale |
//! | refund | read | to the customer | repeated | sale, offline_sale, completion, completion_notice |
//! | pre_authorisation_void | read | released | taken back | pre_authorisation |
//! | completion | read | to the merchant | taken back | pre_authorisation |
//! | completion_notice | none | to the merchant | repeated | pre_authorisation |
//! | completion_void | read | to the customer | taken back | completion |
//! | code_payment | none | to the merchant | taken back | |
//! | code_refund | none | to the customer | repeated | code_payment |
//! | pre_authorisation_top_up | whole | held | taken back | pre_authorisation |
//!
//! *Whole*: an EMV transaction up to the card's last word. *Decides*: the same, and nobody else is asked. *Read*: the card
//! only says who it is, and must be the one of the original; where the acquirer lets a card stay away, it is none.
//! *Repeated*: the same message with the same numbers, by which the host knows it again. An offline sale is not voided but
//! refunded: the host need not have heard of it yet. What is repeated is made of nothing but what may be kept: it brings no PIN
//! and no track.
//!
//! A top-up adds to what its pre-authorisation holds, as often as the issuer lets it: what is completed, and what a void lets go, is the
//! sum. It is an authorisation of its own, so that the card is used whole for it, and no other card than that of the
//! pre-authorisation. None is voided singly: whoever wants to hold less lets all of it go.
//!
//! A payment by code is asked about before it is taken back, and taking it back closes its order (`qr`).
//!
//! A [`Transaction`] is made by what it needs: one that undoes something without its original, or gives back more than is
//! left of it, cannot be made.

use jiff::civil::DateTime;

use super::instalments::{ByInstalments, Periods};
use super::record::State;
use crate::card_number::KnownPan;
use crate::emv::terminal::TransactionKind;
use crate::money::{Amount, Currency, MAX_MINOR};
use crate::reference::{AuthorisationCode, Batch, Rrn, TraceNumber};
use crate::wording::{Reason, ReasonKind, Sense};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The customer pays.
    Sale,
    /// The customer pays, the card approves, and the host is told later.
    OfflineSale,
    /// Money is set aside.
    PreAuthorisation,
    /// What is on the account.
    Balance,
    /// A sale of this batch is undone as a whole.
    Void,
    /// Money of an earlier payment goes back, in whole or in part.
    Refund,
    /// What was set aside is let go.
    PreAuthorisationVoid,
    /// What was set aside is paid, in whole or in part.
    Completion,
    /// The same, when the acquirer is only told of it.
    CompletionNotice,
    /// A completion of this batch is undone as a whole.
    CompletionVoid,
    /// The customer pays with a code: theirs, or the one that the terminal shows.
    CodePayment,
    /// Money of such a payment goes back, in whole or in part.
    CodeRefund,
    /// More is set aside beside what a pre-authorisation holds.
    PreAuthorisationTopUp,
}

/// What a card is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CardUse {
    /// A whole EMV transaction: the card has the last word.
    Whole,
    /// The same, and nobody but the card is asked.
    Decides,
    /// It says who it is.
    Read,
    /// None is used.
    None,
}

/// Which way the money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Money {
    /// From the customer to the merchant.
    ToMerchant,
    /// Back.
    ToCustomer,
    /// It stays with the customer's bank, set aside.
    Held,
    /// It is no longer set aside.
    Released,
    /// None moves.
    None,
}

/// What follows when nobody knows what came of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IfUnknown {
    /// A reversal takes it back.
    TakenBack,
    /// It is sent again, the same as before, until the host answers; it can be taken back by nothing.
    Repeated,
    /// Nothing was asked that moves money.
    Nothing,
}

/// What is done at start with a row that a power cut left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// It is taken back.
    TakeBack,
    /// It is sent again.
    Repeat,
    /// The host has approved, and nobody else had to: it is finished.
    Finish,
    /// The host is asked how it stands.
    Enquire,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Sale,
        Self::OfflineSale,
        Self::PreAuthorisation,
        Self::Balance,
        Self::Void,
        Self::Refund,
        Self::PreAuthorisationVoid,
        Self::Completion,
        Self::CompletionNotice,
        Self::CompletionVoid,
        Self::CodePayment,
        Self::CodeRefund,
        Self::PreAuthorisationTopUp,
    ];

    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::OfflineSale => "offline_sale",
            Self::PreAuthorisation => "pre_authorisation",
            Self::Balance => "balance",
            Self::Void => "void",
            Self::Refund => "refund",
            Self::PreAuthorisationVoid => "pre_authorisation_void",
            Self::Completion => "completion",
            Self::CompletionNotice => "completion_notice",
            Self::CompletionVoid => "completion_void",
            Self::CodePayment => "code_payment",
            Self::CodeRefund => "code_refund",
            Self::PreAuthorisationTopUp => "pre_authorisation_top_up",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What the card is used for, unless the acquirer lets it stay away.
    pub const fn card(self) -> CardUse {
        match self {
            Self::Sale | Self::PreAuthorisation | Self::PreAuthorisationTopUp | Self::Balance => CardUse::Whole,
            Self::OfflineSale => CardUse::Decides,
            Self::Void | Self::Refund | Self::PreAuthorisationVoid | Self::Completion | Self::CompletionVoid => {
                CardUse::Read
            }
            Self::CompletionNotice | Self::CodePayment | Self::CodeRefund => CardUse::None,
        }
    }

    /// Which way the money goes.
    pub const fn money(self) -> Money {
        match self {
            Self::Sale | Self::OfflineSale | Self::Completion | Self::CompletionNotice | Self::CodePayment => {
                Money::ToMerchant
            }
            Self::Void | Self::Refund | Self::CompletionVoid | Self::CodeRefund => Money::ToCustomer,
            Self::PreAuthorisation | Self::PreAuthorisationTopUp => Money::Held,
            Self::PreAuthorisationVoid => Money::Released,
            Self::Balance => Money::None,
        }
    }

    /// What follows when nobody knows what came of it.
    pub const fn if_unknown(self) -> IfUnknown {
        match self {
            Self::Sale
            | Self::PreAuthorisation
            | Self::PreAuthorisationTopUp
            | Self::Void
            | Self::PreAuthorisationVoid
            | Self::Completion
            | Self::CompletionVoid
            | Self::CodePayment => IfUnknown::TakenBack,
            Self::Refund | Self::CompletionNotice | Self::CodeRefund => IfUnknown::Repeated,
            Self::OfflineSale | Self::Balance => IfUnknown::Nothing,
        }
    }

    /// Whether its holder may be asked for a PIN. Not where the request may have to be made once more: no PIN is kept.
    pub const fn takes_pin(self) -> bool {
        !matches!(self.if_unknown(), IfUnknown::Repeated)
    }

    /// What its reasons are said of.
    pub const fn sense(self) -> Sense {
        match self {
            Self::Sale | Self::OfflineSale | Self::Balance | Self::Completion | Self::CodePayment => Sense::Payment,
            Self::PreAuthorisation => Sense::Hold,
            Self::PreAuthorisationTopUp => Sense::TopUp,
            Self::Void | Self::PreAuthorisationVoid | Self::CompletionVoid => Sense::Undo,
            Self::Refund | Self::CodeRefund => Sense::Refund,
            Self::CompletionNotice => Sense::Notice,
        }
    }

    /// Whether a transaction of this kind may refer to one of that kind.
    pub const fn may_refer_to(self, original: Self) -> bool {
        match self {
            Self::Void => matches!(original, Self::Sale),
            Self::Refund => {
                matches!(original, Self::Sale | Self::OfflineSale | Self::Completion | Self::CompletionNotice)
            }
            Self::PreAuthorisationTopUp | Self::PreAuthorisationVoid | Self::Completion | Self::CompletionNotice => {
                matches!(original, Self::PreAuthorisation)
            }
            Self::CompletionVoid => matches!(original, Self::Completion),
            Self::CodeRefund => matches!(original, Self::CodePayment),
            Self::Sale | Self::OfflineSale | Self::PreAuthorisation | Self::Balance | Self::CodePayment => false,
        }
    }

    /// The kind as the EMV kernel knows it (9C).
    pub const fn for_kernel(self) -> TransactionKind {
        match self {
            Self::Sale | Self::OfflineSale => TransactionKind::Purchase,
            Self::PreAuthorisation | Self::PreAuthorisationTopUp => TransactionKind::PreAuthorisation,
            Self::Balance => TransactionKind::Balance,
            // The card only says who it is, or there is none.
            Self::Void
            | Self::Refund
            | Self::PreAuthorisationVoid
            | Self::Completion
            | Self::CompletionNotice
            | Self::CompletionVoid
            | Self::CodePayment
            | Self::CodeRefund => TransactionKind::Refund,
        }
    }

    /// Whether its messages say that it is by instalments, where it or what it refers to is: a sale, and what undoes one. Money that goes
    /// back is a refund as any other.
    pub const fn tells_of_instalments(self) -> bool {
        matches!(self, Self::Sale | Self::Void)
    }

    /// Whether it is written down: a question that moves no money is not.
    pub const fn is_written_down(self) -> bool {
        !matches!(self.money(), Money::None)
    }

    /// Whether it is paid, or paid back, by a code instead of a card.
    pub const fn is_by_code(self) -> bool {
        matches!(self, Self::CodePayment | Self::CodeRefund)
    }

    /// What is done at start with a row of this kind that stands there. What can be taken back is, also when the host has
    /// approved it: nobody has been told so yet. But a customer who pays with a phone may have paid since.
    pub const fn after_restart(self, row: State) -> Option<Resume> {
        match (row, self.if_unknown()) {
            (State::Pending | State::HostApproved, IfUnknown::TakenBack) if self.is_by_code() => Some(Resume::Enquire),
            (State::Pending | State::HostApproved, IfUnknown::TakenBack) => Some(Resume::TakeBack),
            (State::Pending, IfUnknown::Repeated) => Some(Resume::Repeat),
            (State::HostApproved, IfUnknown::Repeated) => Some(Resume::Finish),
            (State::Pending | State::HostApproved, IfUnknown::Nothing)
            | (
                State::Approved
                | State::Declined
                | State::ReversalDue
                | State::Reversed
                | State::RepeatDue
                | State::Unresolved,
                IfUnknown::TakenBack | IfUnknown::Repeated | IfUnknown::Nothing,
            ) => None,
        }
    }
}

/// An earlier transaction, with what has become of it since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// What it was.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// What of it a message names.
    pub original: Original,
    /// What has gone back of it, and what may have: every refund that is not declined for certain.
    pub given_back: Amount,
    /// It was voided or completed, or may have been: something like that is neither declined nor taken back for certain.
    pub used: bool,
    /// The host was asked for it, or has heard of it since.
    pub told: bool,
    /// What top-ups have added to what it holds: those that are approved.
    pub topped_up: Amount,
    /// Of a top-up nobody knows yet whether it holds.
    pub top_up_open: bool,
}

impl Past {
    /// What it is about now: with all that was added to it.
    pub fn whole(&self) -> Amount {
        // No top-up is begun that would make it more than an amount can be.
        self.original.amount.checked_add(self.topped_up).unwrap_or(self.original.amount)
    }
}

/// What a message says of the transaction that it refers to (fields 2, 37, 38 and 61).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// Batch and STAN.
    pub trace: TraceNumber,
    /// Local time.
    pub at: DateTime,
    /// Its amount.
    pub amount: Amount,
    /// Field 37.
    pub rrn: Option<Rrn>,
    /// Field 38.
    pub authorisation_code: Option<AuthorisationCode>,
    /// Card number: as a whole only until its batch is settled.
    pub pan: KnownPan,
    /// In how many periods it is paid, where it is a sale by instalments: what undoes it says so too (field 25).
    pub periods: Option<Periods>,
}

/// Whether the customer's card is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It must be the one of the original.
    CardThere,
    /// The acquirer lets it stay away.
    CardAway,
}

/// Why something cannot be done with an earlier transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPossible {
    /// There is none of this number.
    #[error("there is no transaction {0}")]
    Unknown(TraceNumber),
    /// That is not done with it.
    #[error("{original} is a {}, of which there is no {}", .of.word(), .kind.word())]
    Kind {
        /// Which one.
        original: TraceNumber,
        /// What it is.
        of: Kind,
        /// What was wanted.
        kind: Kind,
    },
    /// It did not come about, or nobody knows yet.
    #[error("{original} is {}; only what is approved can be used", .state.word())]
    NotApproved {
        /// Which one.
        original: TraceNumber,
        /// Where it stands.
        state: State,
    },
    /// A card has approved it alone, and the host has not heard of it.
    #[error("the host has not heard of {0} yet: it is told as soon as it is reached")]
    NotTold(TraceNumber),
    /// Its batch is settled.
    #[error("{0} is of another batch: refund it instead")]
    OtherBatch(TraceNumber),
    /// It was voided, given back as a whole or completed, or that is not known yet.
    #[error("{0} was voided, refunded or completed already, or may have been")]
    Used(TraceNumber),
    /// The number of its card is kept no more, and without the card nobody can be asked.
    #[error("the card number of {0} is kept no more: the card must be there")]
    CardNeeded(TraceNumber),
    /// Of a top-up nobody knows whether it holds: what goes as a whole cannot go.
    #[error("whether a top-up of {0} holds is not known yet")]
    TopUpOpen(TraceNumber),
    /// A part of it has gone back.
    #[error("of {0} a part was refunded already: refund the rest instead")]
    RefundedInPart(TraceNumber),
    /// What is paid by instalments goes back as a whole: no plan is left of a part of it.
    #[error("{0} is paid by instalments: refund all of it")]
    OnlyWhole(TraceNumber),
    /// More than there is.
    #[error("{wanted} is more than the {most} that are left of {original}")]
    TooMuch {
        /// Which one.
        original: TraceNumber,
        /// What was wanted.
        wanted: Amount,
        /// What may be.
        most: Amount,
    },
    /// It has a machine of its own.
    #[error("a payment by code is not made with a card")]
    ByCode,
    /// Nothing would move.
    #[error("the amount must be more than nothing")]
    Nothing,
    /// The amount is of another currency than that of the original.
    #[error("{0} was paid in another currency")]
    Currency(TraceNumber),
}

impl NotPossible {
    /// The same for a person.
    pub fn reason(&self) -> Reason {
        let kind = match self {
            Self::Unknown(_) => ReasonKind::NoSuchTransaction,
            Self::Kind { .. } => ReasonKind::NotForThisKind,
            Self::NotApproved { .. } => ReasonKind::OriginalNotApproved,
            Self::NotTold(_) => ReasonKind::OriginalNotTold,
            Self::OtherBatch(_) => ReasonKind::OriginalSettled,
            Self::Used(_) => ReasonKind::OriginalUsed,
            Self::RefundedInPart(_) => ReasonKind::OriginalRefundedInPart,
            Self::TopUpOpen(_) => ReasonKind::TopUpOpen,
            Self::CardNeeded(_) => ReasonKind::CardNeeded,
            Self::OnlyWhole(_) => ReasonKind::OnlyWhole,
            Self::TooMuch { .. } => ReasonKind::MoreThanIsLeft,
            Self::ByCode => ReasonKind::NotForThisKind,
            Self::Nothing | Self::Currency(_) => ReasonKind::AmountWrong,
        };
        let amount = match self {
            Self::TooMuch { most, .. } => Some(*most),
            _ => None,
        };
        Reason { amount, ..Reason::with_detail(kind, self.to_string()) }
    }
}

/// A transaction that can be begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    kind: Kind,
    amount: Amount,
    card: CardUse,
    original: Option<Original>,
    periods: Option<Periods>,
}

impl Transaction {
    /// The customer pays.
    pub const fn sale(amount: Amount) -> Self {
        Self::of_its_own(Kind::Sale, amount)
    }

    /// The customer pays, and the issuer splits it into periods.
    pub fn sale_by_instalments(sale: &ByInstalments) -> Self {
        Self { periods: Some(sale.periods()), ..Self::of_its_own(Kind::Sale, sale.amount()) }
    }

    /// The customer pays, and the host is told later.
    pub const fn offline_sale(amount: Amount) -> Self {
        Self::of_its_own(Kind::OfflineSale, amount)
    }

    /// Money is set aside.
    pub const fn pre_authorisation(amount: Amount) -> Self {
        Self::of_its_own(Kind::PreAuthorisation, amount)
    }

    /// What is on the account.
    pub const fn balance(currency: Currency) -> Self {
        Self::of_its_own(Kind::Balance, Amount::zero(currency))
    }

    /// Sets more aside beside what a pre-authorisation holds, of whichever batch it is. Its card must be there.
    ///
    /// # Errors
    /// When it holds nothing any more, or so much cannot be held.
    pub fn top_up(past: &Past, amount: Amount) -> Result<Self, NotPossible> {
        check(Kind::PreAuthorisationTopUp, past)?;
        let (trace, held) = (past.original.trace, past.whole());
        let room = MAX_MINOR.saturating_sub(held.minor());
        let most = Amount::new(room, held.currency()).unwrap_or(Amount::zero(held.currency()));
        within(trace, amount, most)?;
        Self::about(Kind::PreAuthorisationTopUp, amount, past, Presence::CardThere)
    }

    /// Undoes a payment of this batch, or lets go what was set aside with all that was added to it, as a whole. A top-up is not undone
    /// alone.
    ///
    /// # Errors
    /// When it cannot be undone, or not any more.
    pub fn void(past: &Past, batch: Batch, presence: Presence) -> Result<Self, NotPossible> {
        let kind = match past.kind {
            Kind::PreAuthorisation => Kind::PreAuthorisationVoid,
            Kind::Completion => Kind::CompletionVoid,
            Kind::Sale
            | Kind::OfflineSale
            | Kind::Balance
            | Kind::Void
            | Kind::Refund
            | Kind::PreAuthorisationVoid
            | Kind::CompletionNotice
            | Kind::CompletionVoid
            | Kind::CodePayment
            | Kind::CodeRefund
            | Kind::PreAuthorisationTopUp => Kind::Void,
        };
        check(kind, past)?;
        let trace = past.original.trace;
        // What was set aside is in no batch's totals.
        if kind != Kind::PreAuthorisationVoid && trace.batch != batch {
            return Err(NotPossible::OtherBatch(trace));
        }
        if !past.given_back.is_zero() {
            return Err(NotPossible::RefundedInPart(trace));
        }
        // The bank lets go all that it holds, and nothing else.
        if past.top_up_open {
            return Err(NotPossible::TopUpOpen(trace));
        }
        Self::about(kind, past.whole(), past, presence)
    }

    /// Gives back a payment, or a part of it. To its card, or to whoever paid with a code: nobody else's may be used.
    ///
    /// # Errors
    /// When it cannot be given back, or not so much.
    pub fn refund(past: &Past, amount: Amount) -> Result<Self, NotPossible> {
        let kind = if past.kind.is_by_code() { Kind::CodeRefund } else { Kind::Refund };
        check(kind, past)?;
        let (trace, paid) = (past.original.trace, past.original.amount);
        if past.given_back.currency() != paid.currency() {
            return Err(NotPossible::Currency(trace));
        }
        let left = paid.checked_sub(past.given_back).unwrap_or(Amount::zero(paid.currency()));
        if left.is_zero() {
            return Err(NotPossible::Used(trace));
        }
        within(trace, amount, left)?;
        if past.original.periods.is_some() && amount != left {
            return Err(NotPossible::OnlyWhole(trace));
        }
        Self::about(kind, amount, past, Presence::CardThere)
    }

    /// Pays what was set aside with all that was added to it, or a part of that; up to so many percent where the acquirer allows more.
    ///
    /// # Errors
    /// When it cannot be paid, or not so much.
    pub fn completion(past: &Past, amount: Amount, most_percent: u32, presence: Presence) -> Result<Self, NotPossible> {
        Self::completing(Kind::Completion, past, amount, most_percent, presence)
    }

    /// The same, when the acquirer is only told of it.
    ///
    /// # Errors
    /// When it cannot be paid, or not so much.
    pub fn completion_notice(past: &Past, amount: Amount, most_percent: u32) -> Result<Self, NotPossible> {
        Self::completing(Kind::CompletionNotice, past, amount, most_percent, Presence::CardAway)
    }

    fn completing(
        kind: Kind,
        past: &Past,
        amount: Amount,
        most_percent: u32,
        presence: Presence,
    ) -> Result<Self, NotPossible> {
        check(kind, past)?;
        within(past.original.trace, amount, most_of(past.whole(), most_percent))?;
        Self::about(kind, amount, past, presence)
    }

    const fn of_its_own(kind: Kind, amount: Amount) -> Self {
        Self { kind, amount, card: kind.card(), original: None, periods: None }
    }

    fn about(kind: Kind, amount: Amount, past: &Past, presence: Presence) -> Result<Self, NotPossible> {
        let card = match presence {
            Presence::CardThere => kind.card(),
            Presence::CardAway => CardUse::None,
        };
        if card == CardUse::None && !kind.is_by_code() && past.original.pan.whole().is_none() {
            return Err(NotPossible::CardNeeded(past.original.trace));
        }
        Ok(Self { kind, amount, card, original: Some(past.original.clone()), periods: None })
    }

    /// What is to be done.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// How much it is about; nothing for a balance.
    pub const fn amount(&self) -> Amount {
        self.amount
    }

    /// What the card is used for.
    pub const fn card(&self) -> CardUse {
        self.card
    }

    /// In how many periods it is paid; nothing of what is paid at once, and of everything that is no sale.
    pub const fn periods(&self) -> Option<Periods> {
        self.periods
    }

    /// What it refers to.
    pub const fn original(&self) -> Option<&Original> {
        self.original.as_ref()
    }
}

/// What must be so of every transaction that another one refers to.
fn check(kind: Kind, past: &Past) -> Result<(), NotPossible> {
    let original = past.original.trace;
    if !kind.may_refer_to(past.kind) {
        return Err(NotPossible::Kind { original, of: past.kind, kind });
    }
    if past.state != State::Approved {
        return Err(NotPossible::NotApproved { original, state: past.state });
    }
    if !past.told {
        return Err(NotPossible::NotTold(original));
    }
    if past.used {
        return Err(NotPossible::Used(original));
    }
    Ok(())
}

/// So many percent of what was set aside.
pub(super) fn most_of(held: Amount, percent: u32) -> Amount {
    let most = held.minor().saturating_mul(u64::from(percent)) / 100;
    Amount::new(most, held.currency()).unwrap_or(held)
}

fn within(original: TraceNumber, wanted: Amount, most: Amount) -> Result<(), NotPossible> {
    if wanted.is_zero() {
        return Err(NotPossible::Nothing);
    }
    if wanted.currency() != most.currency() {
        return Err(NotPossible::Currency(original));
    }
    if wanted.minor() > most.minor() {
        return Err(NotPossible::TooMuch { original, wanted, most });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
