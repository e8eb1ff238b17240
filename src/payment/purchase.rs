//! A purchase that is paid in parts: the issuer has approved less than was asked for, and the rest is paid in another way.
//!
//! It is there from the moment in which such an approval is final, and nothing else begins before it is over: paid, or given up. Who
//! gives it up takes back every part that is paid.
//!
//! | part stands | counts as paid | what giving up does with it |
//! |---|---|---|
//! | approved, or charged by a person's word | yes | takes it back; what only a person knows is left to the person |
//! | declined, reversed | no | nothing |
//! | pending, host_approved, reversal_due | not known yet | waits until it is known |
//! | unresolved | not known, a person must look | nothing: what the person finds is done by hand |
//!
//! A part is a card's or a code's transaction, or cash: that is there whole or not at all, and always pays all of the rest, so that a
//! purchase of which something is still open has none.
//!
//! Needs what stands in the ledger. Decides only; writes nothing.

use jiff::civil::DateTime;

use super::cash::{CashKind, Tender};
use super::queue::Resolution;
use super::record::State;
use super::transaction::Kind;
use crate::money::Amount;
use crate::reference::TraceNumber;
use crate::wording::{Reason, ReasonKind};

/// How a purchase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PurchaseState {
    /// Something is still to be paid.
    Open,
    /// All of it is paid.
    Paid,
    /// Nobody pays the rest: what was paid is taken back.
    GivenUp,
}

impl PurchaseState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Paid, Self::GivenUp];

    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::GivenUp => "given_up",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// What a part of a purchase is paid with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Means {
    /// A card.
    Card,
    /// A code, scanned or shown.
    Code,
    /// Cash.
    Cash,
}

impl Means {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Card, Self::Code, Self::Cash];

    /// The word in the ledger.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Code => "code",
            Self::Cash => "cash",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|means| means.word() == word)
    }

    /// That of a transaction.
    pub const fn of(kind: Kind) -> Self {
        if kind.is_by_code() { Self::Code } else { Self::Card }
    }

    /// What kind its row is of, in the word that lists have.
    pub const fn kind_word(self) -> &'static str {
        match self {
            Self::Card => Kind::Sale.word(),
            Self::Code => Kind::CodePayment.word(),
            Self::Cash => CashKind::Sale.word(),
        }
    }
}

/// A try to pay a part of a purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its transaction, or the number of what was paid in cash.
    pub trace: TraceNumber,
    /// What it was to be paid with.
    pub means: Means,
    /// What it pays, where it pays: what was approved.
    pub amount: Amount,
    /// How its transaction stands; cash is approved.
    pub state: State,
    /// What a person found out about it.
    pub resolution: Option<Resolution>,
    /// Card number, first six and last four; empty of everything else.
    pub truncated_pan: String,
    /// It was paid when the purchase was given up, and is taken back for that.
    pub was_given_up: bool,
    /// Its refund, where giving up gives it back by one.
    pub refund: Option<(TraceNumber, State)>,
}

/// What is known of the money of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is paid.
    Paid,
    /// It is not, or not any more.
    NotPaid,
    /// The terminal will know, by itself.
    NotYet,
    /// A person must look.
    ByAPerson,
}

impl Part {
    /// What is known of its money.
    pub const fn known(&self) -> Known {
        match (self.state, self.resolution) {
            (State::Approved, _) | (State::Unresolved, Some(Resolution::Charged)) => Known::Paid,
            (State::Declined | State::Reversed, _) | (State::Unresolved, Some(Resolution::Reversed)) => Known::NotPaid,
            (State::Unresolved, Some(Resolution::Noted) | None) => Known::ByAPerson,
            (State::Pending | State::HostApproved | State::ReversalDue | State::RepeatDue, _) => Known::NotYet,
        }
    }

    /// How it went back, or goes, once its purchase is given up.
    pub const fn went_back(&self) -> Known {
        match self.refund {
            Some((_, State::Approved)) => Known::NotPaid,
            // A refund that is refused, or whose result nobody knows, leaves the money with the shop until a person has looked.
            Some((_, State::Declined | State::Unresolved | State::Reversed)) => Known::ByAPerson,
            Some((_, State::Pending | State::HostApproved | State::ReversalDue | State::RepeatDue)) => Known::NotYet,
            None => match self.known() {
                // By a person's word, and taken back by nobody but a person.
                Known::Paid => Known::ByAPerson,
                known => known,
            },
        }
    }
}

/// A purchase with all that was tried to pay it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// By which the ledger knows it.
    pub number: i64,
    /// What the customer owes in all.
    pub due: Amount,
    /// Local time of its first part.
    pub opened_at: DateTime,
    /// How it stands.
    pub state: PurchaseState,
    /// In their order.
    pub parts: Vec<Part>,
    /// What was taken back is still to be said on a slip.
    pub slip_due: bool,
}

impl Purchase {
    /// Parts that are paid.
    pub fn paid_parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.known() == Known::Paid)
    }

    /// What is paid of it.
    pub fn paid(&self) -> Amount {
        let sum = self.paid_parts().fold(0_u64, |sum, part| sum.saturating_add(part.amount.minor()));
        Amount::new(sum, self.due.currency()).unwrap_or(self.due)
    }

    /// What is still to be paid.
    pub fn rest(&self) -> Amount {
        self.due.checked_sub(self.paid()).unwrap_or(Amount::zero(self.due.currency()))
    }

    /// The part with this number.
    pub fn part(&self, trace: TraceNumber) -> Option<&Part> {
        self.parts.iter().find(|part| part.trace == trace)
    }

    /// Whether more of it may be paid now.
    ///
    /// # Errors
    /// Why not: it is over, or nobody knows yet whether a part is paid, so that the customer could pay it twice.
    pub fn may_pay(&self) -> Result<(), NotNow> {
        if self.state != PurchaseState::Open {
            return Err(NotNow::Over(self.number));
        }
        match self.parts.iter().map(Part::known).find(|known| matches!(known, Known::NotYet | Known::ByAPerson)) {
            Some(Known::NotYet) => Err(NotNow::NotKnownYet),
            Some(_) => Err(NotNow::APersonMustLook),
            None => Ok(()),
        }
    }

    /// Whether this much cash pays its rest now: all of it, for what is given.
    ///
    /// # Errors
    /// Why not: it may not be paid now, or something else is to be paid.
    pub fn may_pay_in_cash(&self, tender: Tender) -> Result<(), NotNow> {
        self.may_pay()?;
        if tender.due() == self.rest() { Ok(()) } else { Err(NotNow::Open(self.number)) }
    }

    /// Whether it may be given up now. What a person must look at is no reason to wait: the person decides about it all the same.
    ///
    /// # Errors
    /// Why not.
    pub fn may_give_up(&self) -> Result<(), NotNow> {
        if self.state != PurchaseState::Open {
            return Err(NotNow::Over(self.number));
        }
        if self.parts.iter().any(|part| part.known() == Known::NotYet) {
            return Err(NotNow::NotKnownYet);
        }
        Ok(())
    }

    /// Whether all that was paid has gone back, as far as the terminal can see to it.
    pub fn is_back(&self) -> bool {
        self.state == PurchaseState::GivenUp && self.parts.iter().all(|part| part.went_back() != Known::NotYet)
    }
}

/// Why something is not done with a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// There is none.
    #[error("no purchase is open; yima sale begins one")]
    None,
    /// One is open: its rest is paid, or it is given up, before anything else.
    #[error("purchase {0} is open: pay its rest or give it up first, see yima purchase")]
    Open(i64),
    /// It is paid, or given up.
    #[error("purchase {0} is over")]
    Over(i64),
    /// Whether a part of it is paid is not known yet.
    #[error("whether a part of it is paid is not known yet: wait until the terminal has found out")]
    NotKnownYet,
    /// Nor will the terminal find out.
    #[error("a person must look at a part of it first: see yima queue")]
    APersonMustLook,
}

impl NotNow {
    /// The same for a person.
    pub fn reason(self) -> Reason {
        let kind = match self {
            Self::None | Self::Over(_) => ReasonKind::NoPurchaseOpen,
            Self::Open(_) => ReasonKind::PurchaseOpen,
            Self::NotKnownYet => ReasonKind::ReversalWaiting,
            Self::APersonMustLook => ReasonKind::PurchasePartUnknown,
        };
        Reason::with_detail(kind, self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::money::Currency;
    use crate::reference::{Batch, Stan};

    fn yuan(text: &str) -> Amount {
        Amount::parse(text, Currency::CNY).unwrap()
    }

    fn part(stan: u32, amount: &str, state: State) -> Part {
        Part {
            trace: TraceNumber { batch: Batch::FIRST, stan: Stan::new(stan).unwrap() },
            means: Means::Card,
            amount: yuan(amount),
            state,
            resolution: None,
            truncated_pan: "622848*********1230".to_owned(),
            was_given_up: false,
            refund: None,
        }
    }

    fn purchase(parts: &[Part]) -> Purchase {
        Purchase {
            number: 1,
            due: yuan("15.00"),
            opened_at: date(2026, 11, 29).at(12, 0, 0, 0),
            state: PurchaseState::Open,
            parts: parts.to_vec(),
            slip_due: false,
        }
    }

    #[test]
    fn what_is_paid_is_what_was_approved_and_the_rest_is_still_to_be_paid() {
        let first = part(1, "9.40", State::Approved);
        let of = |more: &[Part]| {
            let purchase = purchase(&[std::slice::from_ref(&first), more].concat());
            (purchase.paid().to_string(), purchase.rest().to_string())
        };
        let said = |paid: &str, rest: &str| (paid.to_owned(), rest.to_owned());
        assert_eq!(of(&[]), said("9.40", "5.60"));
        for state in [State::Declined, State::Reversed, State::Pending, State::ReversalDue, State::Unresolved] {
            assert_eq!(of(&[part(2, "5.60", state)]), said("9.40", "5.60"), "{state:?}");
        }
        assert_eq!(of(&[part(2, "2.00", State::Approved)]), said("11.40", "3.60"), "approved in part again");
        assert_eq!(of(&[part(2, "2.00", State::Approved), part(3, "3.60", State::Approved)]), said("15.00", "0.00"));
        let charged = Part { resolution: Some(Resolution::Charged), ..part(2, "5.60", State::Unresolved) };
        assert_eq!(of(&[charged]), said("15.00", "0.00"), "a person's word counts as the host's");
    }

    #[test]
    fn nobody_pays_more_or_gives_up_before_it_is_known_what_is_paid() {
        let first = part(1, "9.40", State::Approved);
        for (state, pay, give_up) in [
            (State::Declined, Ok(()), Ok(())),
            (State::Reversed, Ok(()), Ok(())),
            (State::Pending, Err(NotNow::NotKnownYet), Err(NotNow::NotKnownYet)),
            (State::HostApproved, Err(NotNow::NotKnownYet), Err(NotNow::NotKnownYet)),
            (State::ReversalDue, Err(NotNow::NotKnownYet), Err(NotNow::NotKnownYet)),
            (State::Unresolved, Err(NotNow::APersonMustLook), Ok(())),
        ] {
            let purchase = purchase(&[first.clone(), part(2, "5.60", state)]);
            assert_eq!((purchase.may_pay(), purchase.may_give_up()), (pay, give_up), "{state:?}");
        }
        for state in [PurchaseState::Paid, PurchaseState::GivenUp] {
            let over = Purchase { state, ..purchase(std::slice::from_ref(&first)) };
            assert_eq!((over.may_pay(), over.may_give_up()), (Err(NotNow::Over(1)), Err(NotNow::Over(1))));
            assert_eq!(PurchaseState::from_word(state.word()), Some(state));
        }
        for not_now in [NotNow::None, NotNow::Over(1), NotNow::NotKnownYet, NotNow::APersonMustLook] {
            assert_eq!(not_now.reason().detail, not_now.to_string());
        }
    }

    #[test]
    fn cash_pays_all_of_the_rest_or_nothing() {
        let first = part(1, "9.40", State::Approved);
        let cash = |minor: u64| Tender::exact(Amount::new(minor, Currency::CNY).unwrap()).unwrap();
        let open = purchase(std::slice::from_ref(&first));
        assert_eq!(open.may_pay_in_cash(cash(560)), Ok(()));
        assert_eq!(open.may_pay_in_cash(Tender::new(yuan("5.60"), yuan("10.00")).unwrap()), Ok(()));
        for other in [1, 559, 561, 1500] {
            assert_eq!(open.may_pay_in_cash(cash(other)), Err(NotNow::Open(1)), "{other}");
        }
        let doubtful = purchase(&[first.clone(), part(2, "5.60", State::ReversalDue)]);
        assert_eq!(doubtful.may_pay_in_cash(cash(560)), Err(NotNow::NotKnownYet));
        let over = Purchase { state: PurchaseState::GivenUp, ..open };
        assert_eq!(over.may_pay_in_cash(cash(560)), Err(NotNow::Over(1)));
        let paid = purchase(&[first, Part { means: Means::Cash, ..part(2, "5.60", State::Approved) }]);
        assert_eq!((paid.paid(), paid.rest()), (yuan("15.00"), yuan("0.00")));
        for means in Means::ALL {
            assert_eq!(Means::from_word(means.word()), Some(means));
        }
        assert_eq!((Means::of(Kind::Sale), Means::of(Kind::CodePayment)), (Means::Card, Means::Code));
    }

    #[test]
    fn it_is_back_when_every_part_is_or_only_a_person_can_see_to_it() {
        let given_up = |parts: &[Part]| Purchase { state: PurchaseState::GivenUp, ..purchase(parts) };
        assert!(!purchase(&[part(1, "9.40", State::Reversed)]).is_back(), "nobody gave it up");
        for (state, back) in [
            (State::ReversalDue, false),
            (State::Reversed, true),
            (State::Declined, true),
            // All tries are used up.
            (State::Unresolved, true),
        ] {
            assert_eq!(given_up(&[part(1, "9.40", state)]).is_back(), back, "{state:?}");
        }
        let by_code = |refund: State| {
            let of = part(2, "5.60", State::Approved);
            Part { means: Means::Code, refund: Some((part(3, "5.60", refund).trace, refund)), ..of }
        };
        for (refund, known) in [
            (State::RepeatDue, Known::NotYet),
            (State::HostApproved, Known::NotYet),
            (State::Approved, Known::NotPaid),
            (State::Declined, Known::ByAPerson),
            (State::Unresolved, Known::ByAPerson),
        ] {
            assert_eq!(by_code(refund).went_back(), known, "{refund:?}");
            assert_eq!(given_up(&[by_code(refund)]).is_back(), known != Known::NotYet, "{refund:?}");
        }
    }
}
