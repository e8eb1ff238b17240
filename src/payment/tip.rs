//! Tips: what a customer gives beside what is to be paid. The shop says which shares are offered; the customer chooses before the card
//! is asked for, so that the card, the host and the slip know one amount.

use crate::goods::sold::Sold;
use crate::money::{Amount, AmountError};
use crate::terminal::settings::{LARGEST_TIP, MOST_TIPS};

/// A tip that is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its share of what is to be paid, in percent.
    pub percent: u32,
    /// How much that is.
    pub tip: Amount,
    /// What is paid with it.
    pub total: Amount,
}

/// Why a tip cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TipError {
    /// More than there may be of it.
    #[error("a tip of {tip} is more than the {due} that are to be paid")]
    TooMuch {
        /// The tip.
        tip: Amount,
        /// What is to be paid.
        due: Amount,
    },
    /// The two together are no amount.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

/// What is offered of these shares, half a minor unit counting as a whole one. What would be nothing, and what no amount could be with it,
/// is left out.
pub fn offers(due: Amount, percents: &[u32]) -> Vec<Offer> {
    let offer = |percent: u32| {
        let hundredths = u128::from(due.minor()) * u128::from(percent.min(LARGEST_TIP));
        let minor = u64::try_from((hundredths + 50) / 100).ok()?;
        let tip = Amount::new(minor, due.currency()).ok().filter(|tip| !tip.is_zero())?;
        Some(Offer { percent, tip, total: due.checked_add(tip).ok()? })
    };
    percents.iter().copied().filter_map(offer).take(MOST_TIPS).collect()
}

/// The same goods, or what was keyed, with a tip.
///
/// # Errors
/// When the tip is more than what is to be paid, of another currency, or both together are no amount.
pub fn tipped(due: Amount, sold: &Sold, tip: Amount) -> Result<Sold, TipError> {
    if due.currency() == tip.currency() && tip.minor() > due.minor() {
        return Err(TipError::TooMuch { tip, due });
    }
    Ok(sold.with_tip(due, tip)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, MAX_MINOR};

    fn yuan(minor: u64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    #[test]
    fn a_share_is_rounded_to_a_minor_unit_and_what_is_nothing_is_not_offered() {
        for (due, percents, offered) in [
            (10_000, &[10, 15, 20][..], &[1000, 1500, 2000][..]),
            (1234, &[10, 15], &[123, 185]),
            (5, &[10, 15, 20], &[1, 1, 1]),
            (4, &[10, 15], &[1]),
            (1, &[10], &[]),
            (100, &[], &[]),
            (100, &[100, 400], &[100, 100]),
            (MAX_MINOR, &[10], &[]),
        ] {
            let tips: Vec<_> = offers(yuan(due), percents).iter().map(|offer| offer.tip.minor()).collect();
            assert_eq!(tips, offered, "{due} {percents:?}");
        }
        for offer in offers(yuan(1234), &[10, 15, 20, 25, 30]) {
            assert_eq!(offer.total.minor(), 1234 + offer.tip.minor());
        }
        assert_eq!(offers(yuan(1000), &[1, 2, 3, 4, 5, 6]).len(), MOST_TIPS);
    }

    #[test]
    fn what_is_paid_is_what_was_keyed_and_the_tip() {
        let sold = tipped(yuan(10_000), &Sold::default(), yuan(1000)).unwrap();
        assert_eq!((sold.amount(), sold.tip(), sold.lines().len()), (yuan(11_000), Some(yuan(1000)), 0));
        let none = tipped(yuan(10_000), &Sold::default(), yuan(0)).unwrap();
        assert_eq!((none.amount(), none.tip()), (yuan(10_000), None));
        let all = tipped(yuan(10_000), &Sold::default(), yuan(10_000)).unwrap();
        assert_eq!(all.amount(), yuan(20_000));
    }

    #[test]
    fn a_finger_that_slipped_and_other_money_are_refused() {
        let more = tipped(yuan(100), &Sold::default(), yuan(101));
        assert_eq!(more, Err(TipError::TooMuch { tip: yuan(101), due: yuan(100) }));
        let yen = Amount::new(10, "JPY".parse().unwrap()).unwrap();
        assert!(matches!(tipped(yuan(100), &Sold::default(), yen), Err(TipError::Amount(_))));
        assert!(matches!(tipped(yuan(MAX_MINOR), &Sold::default(), yuan(1)), Err(TipError::Amount(_))));
    }
}
