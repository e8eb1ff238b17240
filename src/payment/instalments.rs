//! Instalments: a sale by credit card whose amount the issuer lets the cardholder pay in periods. The merchant gets all of it at once, so
//! that for totals and settlement it is a sale as any other. How many periods there may be, and from which amount on, is the acquirer's
//! word; the issuer answers with the plan.
//!
//! A [`ByInstalments`] is made by what it needs: with a tip, or of nothing, it cannot be made, and there is no other way to a
//! transaction with periods. A [`Plan`] comes to what is paid, or there is none.

use std::fmt;

use crate::goods::sold::Sold;
use crate::host_tables::{InstalmentOffer, LEAST_PERIODS, MOST_PERIODS};
use crate::money::{Amount, AmountError};
use crate::receipt::SlipInstalments;
use crate::wording::{Reason, ReasonKind};

/// In how many periods something is paid: 2 to 99.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Periods(u8);

impl Periods {
    /// So many.
    ///
    /// # Errors
    /// When they are fewer than two or more than two digits say.
    pub const fn new(number: u8) -> Result<Self, InstalmentError> {
        if number < LEAST_PERIODS || number > MOST_PERIODS {
            return Err(InstalmentError::Periods(number));
        }
        Ok(Self(number))
    }

    /// How many they are.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Periods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why something is not paid by instalments.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstalmentError {
    /// There are no such periods.
    #[error("{0} periods cannot be; it is {LEAST_PERIODS} to {MOST_PERIODS}")]
    Periods(u8),
    /// A tip is the shop's people's, and nobody waits for it for months.
    #[error("what is paid by instalments has no tip; let the customer leave it in another way")]
    Tip,
    /// Nothing would be split.
    #[error("the amount must be more than nothing")]
    Nothing,
    /// The amount is no amount.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

/// What is sold by instalments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByInstalments {
    amount: Amount,
    sold: Sold,
    periods: Periods,
}

impl ByInstalments {
    /// So much, for these goods if any are known, in so many periods.
    ///
    /// # Errors
    /// When a part of it is a tip, or it is nothing.
    pub fn new(due: Amount, sold: Sold, periods: Periods) -> Result<Self, InstalmentError> {
        if sold.tip().is_some() {
            return Err(InstalmentError::Tip);
        }
        if due.is_zero() {
            return Err(InstalmentError::Nothing);
        }
        Ok(Self { amount: due, sold, periods })
    }

    /// What is paid in all.
    pub const fn amount(&self) -> Amount {
        self.amount
    }

    /// What is sold; nothing, where the amount was keyed.
    pub const fn sold(&self) -> &Sold {
        &self.sold
    }

    /// In how many periods.
    pub const fn periods(&self) -> Periods {
        self.periods
    }
}

/// What the host is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedInstalments {
    /// In how many periods.
    pub periods: Periods,
    /// The acquirer's number of the programme, where it has one.
    pub programme: Option<String>,
}

/// What a sale by instalments is: what was asked for, and what the issuer made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instalments {
    /// What was asked for.
    pub asked: AskedInstalments,
    /// Nothing before the issuer has approved.
    pub plan: Option<Plan>,
}

/// What the issuer wants for it beside the amount. The merchant has nothing to do with it: it stands on the slip because the cardholder signs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fee {
    /// Nothing.
    None,
    /// So much, with the first period.
    AtOnce(Amount),
    /// So much with the first period, and so much with each that follows.
    ByPeriods {
        /// With the first.
        first: Amount,
        /// With each of the others.
        following: Amount,
    },
}

impl Fee {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::AtOnce(_) => "at_once",
            Self::ByPeriods { .. } => "by_periods",
        }
    }
}

/// How the cardholder pays. The amounts are without the fee, and come to what the merchant gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    periods: Periods,
    first: Amount,
    following: Amount,
    fee: Fee,
}

/// Why something is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It does not come to what is paid.
    #[error("{periods} periods of {first} and then {following} do not come to {amount}")]
    Sum {
        /// So many.
        periods: Periods,
        /// The first.
        first: Amount,
        /// Each that follows.
        following: Amount,
        /// What is paid.
        amount: Amount,
    },
    /// A period of nothing is none, and a fee of nothing is no fee.
    #[error("a period or a fee of nothing")]
    Nothing,
    /// The fee is of another currency than what is paid.
    #[error("the fee is of another currency than the amount")]
    Currency,
}

impl Plan {
    /// The plan of an amount.
    ///
    /// # Errors
    /// When the periods do not come to the amount, or one of them or the fee is nothing or of another currency.
    pub fn new(
        amount: Amount,
        periods: Periods,
        first: Amount,
        following: Amount,
        fee: Fee,
    ) -> Result<Self, PlanError> {
        let wrong_sum = || PlanError::Sum { periods, first, following, amount };
        if first.is_zero() || following.is_zero() {
            return Err(PlanError::Nothing);
        }
        let mut sum = first;
        for _ in 1..periods.number() {
            sum = sum.checked_add(following).map_err(|_| wrong_sum())?;
        }
        if sum != amount {
            return Err(wrong_sum());
        }
        let fees = match fee {
            Fee::None => [None, None],
            Fee::AtOnce(fee) => [Some(fee), None],
            Fee::ByPeriods { first, following } => [Some(first), Some(following)],
        };
        let mut fees = fees.into_iter().flatten().peekable();
        if fees.peek().is_some() && fees.clone().all(Amount::is_zero) {
            return Err(PlanError::Nothing);
        }
        if fees.any(|fee| fee.currency() != amount.currency()) {
            return Err(PlanError::Currency);
        }
        Ok(Self { periods, first, following, fee })
    }

    /// In how many periods.
    pub const fn periods(&self) -> Periods {
        self.periods
    }

    /// What the first period is, without a fee.
    pub const fn first(&self) -> Amount {
        self.first
    }

    /// What each of the others is.
    pub const fn following(&self) -> Amount {
        self.following
    }

    /// What the issuer wants for it.
    pub const fn fee(&self) -> Fee {
        self.fee
    }

    /// As a slip says it.
    pub const fn on_slip(&self) -> SlipInstalments {
        let (fee, first_fee, following_fee) = match self.fee {
            Fee::None => (None, None, None),
            Fee::AtOnce(fee) => (Some(fee), None, None),
            Fee::ByPeriods { first, following } => (None, Some(first), Some(following)),
        };
        let (periods, first, following) = (self.periods.number(), self.first, self.following);
        SlipInstalments { periods, first, following, fee, first_fee, following_fee }
    }

    /// Whether it is one of what was asked for.
    pub fn is_of(&self, amount: Amount, periods: Periods) -> bool {
        Self::new(amount, periods, self.first, self.following, self.fee).as_ref() == Ok(self)
    }
}

/// A number of periods that is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// So many.
    pub periods: Periods,
    /// About so much each, half a minor unit counting as a whole one; the issuer says it to the last of them.
    pub about: Amount,
}

/// What is offered of this amount; nothing where the acquirer offers none, the amount is too small for it, or a period would be nothing.
pub fn offers(due: Amount, offered: Option<&InstalmentOffer>) -> Vec<Offer> {
    let Some(offered) = offered.filter(|offered| !due.is_zero() && due.minor() >= offered.from) else {
        return Vec::new();
    };
    let offer = |number: u8| {
        let periods = Periods::new(number).ok()?;
        let parts = u64::from(number);
        let about = Amount::new((due.minor() + parts / 2) / parts, due.currency()).ok()?;
        (due.minor() >= parts).then_some(Offer { periods, about })
    };
    offered.periods.iter().copied().filter_map(offer).collect()
}

/// Why the acquirer does not want this amount in so many periods, if it does not. Asked before anything begins.
pub fn refusal(offered: Option<&InstalmentOffer>, amount: Amount, periods: Periods) -> Option<Reason> {
    let Some(offer) = offered.filter(|offer| offer.periods.contains(&periods.number())) else {
        let known = offered.map(|offer| offer.periods.iter().map(u8::to_string).collect::<Vec<_>>().join(", "));
        let known = known.map_or_else(|| "none at all".to_owned(), |known| format!("{known} periods"));
        let detail = format!("{periods} periods were wanted; the acquirer offers {known}");
        return Some(Reason::with_detail(ReasonKind::InstalmentsNotOffered, detail));
    };
    if offers(amount, Some(offer)).iter().any(|offer| offer.periods == periods) {
        return None;
    }
    let least = Amount::new(offer.from.max(u64::from(periods.number())), amount.currency()).ok();
    Some(Reason { amount: least, ..Reason::of(ReasonKind::TooLittleForInstalments) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, MAX_MINOR};

    fn yuan(minor: u64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    fn periods(number: u8) -> Periods {
        Periods::new(number).unwrap()
    }

    fn offer() -> InstalmentOffer {
        InstalmentOffer { periods: vec![3, 6, 12], from: 60_000, programme: None }
    }

    #[test]
    fn there_are_at_least_two_periods_and_no_more_than_two_digits_say() {
        for wrong in [0, 1, 100, 255] {
            assert_eq!(Periods::new(wrong), Err(InstalmentError::Periods(wrong)));
        }
        assert_eq!((periods(2).number(), periods(99).to_string()), (2, "99".to_owned()));
    }

    #[test]
    fn what_is_sold_by_instalments_is_something_and_has_no_tip() {
        let sale = ByInstalments::new(yuan(60_000), Sold::default(), periods(6)).unwrap();
        assert_eq!((sale.amount(), sale.periods().number(), sale.sold().lines().len()), (yuan(60_000), 6, 0));
        assert_eq!(ByInstalments::new(yuan(0), Sold::default(), periods(6)), Err(InstalmentError::Nothing));
        let tipped = Sold::default().with_tip(yuan(60_000), yuan(100)).unwrap();
        assert_eq!(ByInstalments::new(yuan(60_100), tipped, periods(6)), Err(InstalmentError::Tip));
    }

    #[test]
    fn a_plan_comes_to_what_is_paid_to_the_last_minor_unit() {
        let plan = |first, following, fee| Plan::new(yuan(10_000), periods(3), yuan(first), yuan(following), fee);
        let right = plan(33_34, 33_33, Fee::None).unwrap();
        assert_eq!((right.first(), right.following(), right.fee()), (yuan(33_34), yuan(33_33), Fee::None));
        assert!(right.is_of(yuan(10_000), periods(3)));
        assert!(!right.is_of(yuan(10_000), periods(4)) && !right.is_of(yuan(10_001), periods(3)));
        for (first, following) in [(33_33, 33_33), (33_35, 33_33), (10_000, 1), (MAX_MINOR, MAX_MINOR)] {
            assert!(matches!(plan(first, following, Fee::None), Err(PlanError::Sum { .. })), "{first} {following}");
        }
        for (first, following) in [(0, 50_00), (10_000, 0)] {
            assert_eq!(plan(first, following, Fee::None), Err(PlanError::Nothing));
        }
        // One of the fees by periods may be nothing, and what is nothing in all is none.
        let by_periods = |first, following| Fee::ByPeriods { first: yuan(first), following: yuan(following) };
        for fee in [Fee::AtOnce(yuan(3_60)), by_periods(1_20, 1_20), by_periods(0, 1_80), by_periods(3_60, 0)] {
            assert_eq!(plan(33_34, 33_33, fee).unwrap().fee(), fee);
        }
        for fee in [Fee::AtOnce(yuan(0)), by_periods(0, 0)] {
            assert_eq!(plan(33_34, 33_33, fee), Err(PlanError::Nothing));
        }
        let yen = Amount::new(10, "JPY".parse().unwrap()).unwrap();
        assert_eq!(plan(33_34, 33_33, Fee::AtOnce(yen)), Err(PlanError::Currency));
        assert!(matches!(Plan::new(yen, periods(2), yuan(5), yuan(5), Fee::None), Err(PlanError::Sum { .. })));
    }

    #[test]
    fn what_the_acquirer_does_not_offer_or_not_of_so_little_is_not_offered() {
        let of = |minor, offer: &InstalmentOffer| -> Vec<(u8, u64)> {
            let offers = offers(yuan(minor), Some(offer));
            offers.iter().map(|offer| (offer.periods.number(), offer.about.minor())).collect()
        };
        assert_eq!(of(60_000, &offer()), [(3, 20_000), (6, 10_000), (12, 5_000)]);
        assert_eq!(of(60_003, &offer()), [(3, 20_001), (6, 10_001), (12, 5_000)]);
        assert_eq!(of(59_999, &offer()), []);
        // A period of nothing is none.
        assert_eq!(of(6, &InstalmentOffer { from: 1, ..offer() }), [(3, 2), (6, 1)]);
        assert_eq!(of(0, &InstalmentOffer { from: 0, ..offer() }), []);
        assert_eq!(of(MAX_MINOR, &offer())[0], (3, MAX_MINOR / 3));
        assert_eq!(offers(yuan(60_000), None), []);
    }

    #[test]
    fn what_is_refused_says_whether_the_number_or_the_amount_is_wrong() {
        let why = |offer: Option<&InstalmentOffer>, minor, number| refusal(offer, yuan(minor), periods(number));
        let offer = offer();
        assert_eq!(why(Some(&offer), 60_000, 6), None);
        let little = why(Some(&offer), 59_999, 6).unwrap();
        assert_eq!((little.kind, little.amount), (ReasonKind::TooLittleForInstalments, Some(yuan(60_000))));
        for (offer, said) in [(Some(&offer), "offers 3, 6, 12 periods"), (None, "offers none at all")] {
            let unknown = why(offer, 60_000, 24).unwrap();
            assert_eq!(unknown.kind, ReasonKind::InstalmentsNotOffered);
            assert!(unknown.detail.contains(said), "{}", unknown.detail);
        }
        let least = why(Some(&InstalmentOffer { from: 1, ..offer }), 11, 12).unwrap();
        assert_eq!(least.amount, Some(yuan(12)), "a period is at least a minor unit");
    }
}
