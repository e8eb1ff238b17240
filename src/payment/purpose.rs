//! What somebody wants to be done, before anybody has looked whether it can be: an amount, or the number of an earlier
//! transaction. What it becomes with what is known of that one is a [`Transaction`].

use super::entry::CardBy;
use super::instalments::ByInstalments;
use super::qr::Way;
use super::transaction::{Kind, NotPossible, Past, Presence, Transaction, most_of};
use crate::goods::sold::Sold;
use crate::money::{Amount, Currency};
use crate::reference::{Batch, TraceNumber};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The customer pays.
    Sale(Amount),
    /// The customer pays what is in the cart.
    Goods(Sold),
    /// The customer pays by instalments.
    Instalments(ByInstalments),
    /// The customer pays with a code: so much, for these goods, if any are known.
    Code(Amount, Sold, Way),
    /// The customer pays what is left of a purchase, with another card or with a code.
    Rest(Amount, Option<Way>),
    /// The customer pays so much, for these goods, if any are known; the card approves alone, and the host is told later.
    Offline(Amount, Sold),
    /// Money is set aside.
    PreAuthorisation(Amount),
    /// What is on the account.
    Balance(Currency),
    /// More is set aside beside what a pre-authorisation holds.
    TopUp(TraceNumber, Amount),
    /// An earlier transaction is undone: a sale, a pre-authorisation or a completion.
    Void(TraceNumber, Presence),
    /// Money of an earlier payment goes back: so much, or all that is left of it.
    Refund(TraceNumber, Option<Amount>),
    /// What was set aside is paid: so much, or all of it.
    Completion(TraceNumber, Option<Amount>, Presence),
    /// The same, when the acquirer is only told of it.
    CompletionNotice(TraceNumber, Option<Amount>),
    /// One of these, with a card that comes in this way alone.
    By(CardBy, Box<Purpose>),
}

/// What an acquirer lets be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The batch whose numbers are given now.
    pub batch: Batch,
    /// So many percent of what was set aside may be paid: what a hotel or a pump adds to what it expected.
    pub completion_percent: u32,
}

impl Allowed {
    /// The most that may be paid of what was set aside.
    pub fn most_of(&self, held: Amount) -> Amount {
        most_of(held, self.completion_percent)
    }
}

impl Purpose {
    /// The kind of transaction it becomes; of what is undone it is known only once the earlier one is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::By(_, purpose) => purpose.kind(),
            Self::Sale(_) | Self::Goods(_) | Self::Instalments(_) | Self::Rest(_, None) => Kind::Sale,
            Self::Code(..) | Self::Rest(_, Some(_)) => Kind::CodePayment,
            Self::Offline(..) => Kind::OfflineSale,
            Self::PreAuthorisation(_) => Kind::PreAuthorisation,
            Self::TopUp(..) => Kind::PreAuthorisationTopUp,
            Self::Balance(_) => Kind::Balance,
            Self::Void(..) => Kind::Void,
            Self::Refund(..) => Kind::Refund,
            Self::Completion(..) => Kind::Completion,
            Self::CompletionNotice(..) => Kind::CompletionNotice,
        }
    }

    /// The earlier transaction that it is about.
    pub fn original(&self) -> Option<TraceNumber> {
        match self {
            Self::By(_, purpose) => purpose.original(),
            Self::Sale(_)
            | Self::Goods(_)
            | Self::Instalments(_)
            | Self::Code(..)
            | Self::Rest(..)
            | Self::Offline(..)
            | Self::PreAuthorisation(_)
            | Self::Balance(_) => None,
            Self::TopUp(original, _)
            | Self::Void(original, _)
            | Self::Refund(original, _)
            | Self::Completion(original, ..)
            | Self::CompletionNotice(original, _) => Some(*original),
        }
    }

    /// How much it is about, as far as whoever wants it has said.
    pub fn amount(&self) -> Option<Amount> {
        match self {
            Self::By(_, purpose) => purpose.amount(),
            Self::Sale(amount)
            | Self::Code(amount, ..)
            | Self::Rest(amount, _)
            | Self::Offline(amount, _)
            | Self::PreAuthorisation(amount)
            | Self::TopUp(_, amount) => Some(*amount),
            Self::Goods(sold) => Some(sold.amount()),
            Self::Instalments(sale) => Some(sale.amount()),
            Self::Refund(_, amount) | Self::Completion(_, amount, _) | Self::CompletionNotice(_, amount) => *amount,
            Self::Balance(_) | Self::Void(..) => None,
        }
    }

    /// What is wanted, whichever way the card comes.
    pub fn what(&self) -> &Self {
        match self {
            Self::By(_, purpose) => purpose.what(),
            _ => self,
        }
    }

    /// In which ways its card may come.
    pub const fn by(&self) -> CardBy {
        match self {
            Self::By(by, _) => *by,
            _ => CardBy::Any,
        }
    }

    /// What is sold; nothing, where the amount was keyed.
    pub fn sold(&self) -> Sold {
        match self {
            Self::By(_, purpose) => purpose.sold(),
            Self::Goods(sold) | Self::Code(_, sold, _) | Self::Offline(_, sold) => sold.clone(),
            Self::Instalments(sale) => sale.sold().clone(),
            // The goods of a purchase stand with its first part.
            Self::Rest(..)
            | Self::Sale(_)
            | Self::PreAuthorisation(_)
            | Self::TopUp(..)
            | Self::Balance(_)
            | Self::Void(..)
            | Self::Refund(..)
            | Self::Completion(..)
            | Self::CompletionNotice(..) => Sold::default(),
        }
    }

    /// What is to be begun, with what has become of the earlier transaction since.
    ///
    /// # Errors
    /// When there is no earlier one, it does not let that be done, or no card takes part in it.
    pub fn transaction(&self, past: Option<&Past>, allowed: Allowed) -> Result<Transaction, NotPossible> {
        let known = |trace: &TraceNumber| past.ok_or(NotPossible::Unknown(*trace));
        let whole = |amount: &Option<Amount>, past: &Past| amount.unwrap_or_else(|| past.whole());
        match self {
            Self::By(_, purpose) => purpose.transaction(past, allowed),
            Self::Sale(amount) | Self::Rest(amount, None) => some(*amount).map(Transaction::sale),
            Self::Goods(sold) => some(sold.amount()).map(Transaction::sale),
            Self::Instalments(sale) => Ok(Transaction::sale_by_instalments(sale)),
            // It has a machine of its own.
            Self::Code(..) | Self::Rest(_, Some(_)) => Err(NotPossible::ByCode),
            Self::Offline(amount, _) => some(*amount).map(Transaction::offline_sale),
            Self::PreAuthorisation(amount) => some(*amount).map(Transaction::pre_authorisation),
            Self::TopUp(trace, amount) => Transaction::top_up(known(trace)?, *amount),
            Self::Balance(currency) => Ok(Transaction::balance(*currency)),
            Self::Void(trace, presence) => Transaction::void(known(trace)?, allowed.batch, *presence),
            Self::Refund(trace, amount) => {
                let past = known(trace)?;
                let left = past.original.amount.checked_sub(past.given_back).unwrap_or(past.original.amount);
                Transaction::refund(past, amount.unwrap_or(left))
            }
            Self::Completion(trace, amount, presence) => {
                let past = known(trace)?;
                Transaction::completion(past, whole(amount, past), allowed.completion_percent, *presence)
            }
            Self::CompletionNotice(trace, amount) => {
                let past = known(trace)?;
                Transaction::completion_notice(past, whole(amount, past), allowed.completion_percent)
            }
        }
    }
}

fn some(amount: Amount) -> Result<Amount, NotPossible> {
    if amount.is_zero() { Err(NotPossible::Nothing) } else { Ok(amount) }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::card_number::Pan;
    use crate::payment::instalments::Periods;
    use crate::payment::record::State;
    use crate::payment::transaction::Original;
    use crate::reference::Stan;
    use crate::wording::ReasonKind;

    fn yuan(text: &str) -> Amount {
        Amount::parse(text, Currency::CNY).unwrap()
    }

    fn past(kind: Kind) -> Past {
        Past {
            kind,
            state: State::Approved,
            original: Original {
                trace: TraceNumber { batch: Batch::FIRST, stan: Stan::new(7).unwrap() },
                at: date(2026, 11, 28).at(12, 0, 0, 0),
                amount: yuan("20.00"),
                rrn: None,
                authorisation_code: None,
                pan: Pan::of_digits("4111111111111111").unwrap().into(),
                periods: None,
            },
            given_back: yuan("5.00"),
            used: false,
            told: true,
            topped_up: yuan("0.00"),
            top_up_open: false,
        }
    }

    const ALLOWED: Allowed = Allowed { batch: Batch::FIRST, completion_percent: 115 };

    #[test]
    fn what_is_not_said_is_all_that_there_is() {
        let sale = past(Kind::Sale);
        let trace = sale.original.trace;
        let of = |purpose: Purpose, past: &Past| purpose.transaction(Some(past), ALLOWED).unwrap();
        assert_eq!(of(Purpose::Refund(trace, None), &sale).amount(), yuan("15.00"));
        assert_eq!(of(Purpose::Refund(trace, Some(yuan("1.00"))), &sale).amount(), yuan("1.00"));
        let held = Past { given_back: yuan("0.00"), ..past(Kind::PreAuthorisation) };
        let completion = of(Purpose::Completion(trace, None, Presence::CardThere), &held);
        assert_eq!((completion.kind(), completion.amount()), (Kind::Completion, yuan("20.00")));
        let most = of(Purpose::CompletionNotice(trace, Some(yuan("23.00"))), &held);
        assert_eq!((most.kind(), most.amount()), (Kind::CompletionNotice, yuan("23.00")));
        let void = of(Purpose::Void(trace, Presence::CardAway), &held);
        assert_eq!((void.kind(), void.amount()), (Kind::PreAuthorisationVoid, yuan("20.00")));
    }

    #[test]
    fn all_of_what_was_topped_up_is_the_sum() {
        let held = Past { given_back: yuan("0.00"), topped_up: yuan("7.50"), ..past(Kind::PreAuthorisation) };
        let trace = held.original.trace;
        let of = |purpose: Purpose| purpose.transaction(Some(&held), ALLOWED).map(|made| (made.kind(), made.amount()));
        let all = yuan("27.50");
        assert_eq!(of(Purpose::Completion(trace, None, Presence::CardThere)), Ok((Kind::Completion, all)));
        assert_eq!(of(Purpose::CompletionNotice(trace, None)), Ok((Kind::CompletionNotice, all)));
        assert_eq!(of(Purpose::Void(trace, Presence::CardThere)), Ok((Kind::PreAuthorisationVoid, all)));
        let more = Purpose::TopUp(trace, yuan("2.50"));
        assert_eq!(
            (more.kind(), more.original(), more.amount()),
            (Kind::PreAuthorisationTopUp, Some(trace), Some(yuan("2.50")))
        );
        assert_eq!(of(more), Ok((Kind::PreAuthorisationTopUp, yuan("2.50"))));
    }

    #[test]
    fn instalments_are_of_a_sale_and_of_nothing_else() {
        let periods = Periods::new(6).unwrap();
        let purpose = Purpose::Instalments(ByInstalments::new(yuan("600.00"), Sold::default(), periods).unwrap());
        let begun = purpose.transaction(None, ALLOWED).unwrap();
        assert_eq!((begun.kind(), begun.amount(), begun.periods()), (Kind::Sale, yuan("600.00"), Some(periods)));
        let typed = Purpose::By(CardBy::Typed, Box::new(purpose));
        assert_eq!(typed.transaction(None, ALLOWED).unwrap().periods(), Some(periods));
        for other in [Purpose::Sale(yuan("600.00")), Purpose::PreAuthorisation(yuan("600.00"))] {
            assert_eq!(other.transaction(None, ALLOWED).unwrap().periods(), None);
        }
    }

    #[test]
    fn nothing_is_done_with_what_is_not_there_or_with_nothing() {
        let sale = past(Kind::Sale);
        let trace = sale.original.trace;
        for purpose in [
            Purpose::Void(trace, Presence::CardThere),
            Purpose::Refund(trace, None),
            Purpose::Completion(trace, None, Presence::CardThere),
            Purpose::CompletionNotice(trace, None),
            Purpose::TopUp(trace, yuan("1.00")),
        ] {
            assert_eq!(purpose.original(), Some(trace));
            assert_eq!(purpose.transaction(None, ALLOWED), Err(NotPossible::Unknown(trace)));
        }
        for purpose in [Purpose::Sale(yuan("0.00")), Purpose::PreAuthorisation(yuan("0.00"))] {
            assert_eq!(purpose.transaction(None, ALLOWED), Err(NotPossible::Nothing));
            assert_eq!(purpose.original(), None);
        }
        let wrong = Purpose::Void(trace, Presence::CardThere).transaction(Some(&sale), ALLOWED).unwrap_err();
        assert_eq!(
            (wrong.reason().kind, wrong),
            (ReasonKind::OriginalRefundedInPart, NotPossible::RefundedInPart(trace))
        );
    }
}
