//! Cash: what a customer gives for an amount, what goes back at once, and what may go back later. No host hears of it.

use crate::money::{Amount, Currency};

/// How many amounts are offered that a customer is likely to give.
const OFFERED: usize = 4;

/// What is done in cash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CashKind {
    /// The customer pays.
    Sale,
    /// A part of such a payment goes back, or all of it.
    Refund,
}

impl CashKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Sale, Self::Refund];

    /// The word in JSON and in tables.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sale => "cash_sale",
            Self::Refund => "cash_refund",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What cannot be done in cash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CashError {
    /// Nothing to pay, or nothing goes back.
    #[error("the amount must be more than nothing")]
    Nothing,
    /// The customer gave less than is to be paid.
    #[error("{given} is less than the {due} that are to be paid")]
    TooLittle {
        /// What is to be paid.
        due: Amount,
        /// What was given.
        given: Amount,
    },
    /// The drawer holds one currency.
    #[error("{0} and {1} are not the same money")]
    Currencies(Currency, Currency),
    /// It came back already, as a whole.
    #[error("all of it has gone back already")]
    NothingLeft,
    /// More than is left of it.
    #[error("no more than {0} can go back")]
    TooMuch(Amount),
}

/// What a customer gave for what is to be paid: never less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tender {
    due: Amount,
    given: Amount,
}

impl Tender {
    /// So much was given for so much.
    ///
    /// # Errors
    /// When nothing is to be paid, less was given, or another currency.
    pub fn new(due: Amount, given: Amount) -> Result<Self, CashError> {
        if due.currency() != given.currency() {
            return Err(CashError::Currencies(due.currency(), given.currency()));
        }
        if due.is_zero() {
            return Err(CashError::Nothing);
        }
        if given.minor() < due.minor() {
            return Err(CashError::TooLittle { due, given });
        }
        Ok(Self { due, given })
    }

    /// Exactly what is to be paid was given.
    ///
    /// # Errors
    /// When nothing is to be paid.
    pub fn exact(due: Amount) -> Result<Self, CashError> {
        Self::new(due, due)
    }

    /// What is paid.
    pub const fn due(self) -> Amount {
        self.due
    }

    /// What was given.
    pub const fn given(self) -> Amount {
        self.given
    }

    /// What goes back at once.
    pub fn change(self) -> Amount {
        // It was never less.
        self.given.checked_sub(self.due).unwrap_or(Amount::zero(self.due.currency()))
    }
}

/// Amounts that a customer is likely to give, made of the currency's notes: each more than what is to be paid, the smallest first.
pub fn likely(due: Amount) -> Vec<Amount> {
    let currency = due.currency();
    let up_to = |note: &u64| due.minor().div_ceil(*note).checked_mul(*note);
    let mut offered: Vec<u64> =
        currency.notes().iter().filter_map(up_to).filter(|minor| *minor > due.minor()).collect();
    offered.sort_unstable();
    offered.dedup();
    // The largest notes are those that are given most.
    let spared = offered.len().saturating_sub(OFFERED);
    offered.into_iter().skip(spared).filter_map(|minor| Amount::new(minor, currency).ok()).collect()
}

/// How much of a cash sale goes back, where so much is wanted or all that is left.
///
/// # Errors
/// When nothing is wanted or left, or more than is left.
pub fn going_back(sale: Amount, given_back: Amount, wanted: Option<Amount>) -> Result<Amount, CashError> {
    let left = sale.checked_sub(given_back).unwrap_or(Amount::zero(sale.currency()));
    if left.is_zero() {
        return Err(CashError::NothingLeft);
    }
    let wanted = wanted.unwrap_or(left);
    if wanted.currency() != sale.currency() {
        return Err(CashError::Currencies(sale.currency(), wanted.currency()));
    }
    match wanted.minor() {
        0 => Err(CashError::Nothing),
        minor if minor > left.minor() => Err(CashError::TooMuch(left)),
        _ => Ok(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::MAX_MINOR;

    fn yuan(minor: u64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    #[test]
    fn change_is_what_was_given_beyond_what_is_paid() {
        for (due, given, change) in [(1234, 2000, 766), (1234, 1234, 0), (1, MAX_MINOR, MAX_MINOR - 1)] {
            let tender = Tender::new(yuan(due), yuan(given)).unwrap();
            assert_eq!((tender.due(), tender.given(), tender.change()), (yuan(due), yuan(given), yuan(change)));
        }
        assert_eq!(Tender::exact(yuan(5)).map(Tender::change), Ok(yuan(0)));
    }

    #[test]
    fn less_than_what_is_paid_nothing_and_other_money_are_refused() {
        let yen = Amount::new(5000, "JPY".parse().unwrap()).unwrap();
        for (due, given, why) in [
            (yuan(1234), yuan(1233), CashError::TooLittle { due: yuan(1234), given: yuan(1233) }),
            (yuan(0), yuan(100), CashError::Nothing),
            (yuan(1234), yen, CashError::Currencies(Currency::CNY, yen.currency())),
        ] {
            assert_eq!(Tender::new(due, given), Err(why));
        }
    }

    #[test]
    fn notes_are_offered_that_come_to_more_than_is_paid_and_each_once() {
        for (due, offered) in [
            (3750, &[3800, 4000, 5000, 10_000][..]),
            (1234, &[1500, 2000, 5000, 10_000]),
            (10_000, &[]),
            (10_001, &[11_000, 12_000, 15_000, 20_000]),
            (9_900, &[10_000]),
            (50, &[1000, 2000, 5000, 10_000]),
            (MAX_MINOR, &[]),
        ] {
            let minors: Vec<_> = likely(yuan(due)).into_iter().map(Amount::minor).collect();
            assert_eq!(minors, offered, "{due}");
        }
        let yen = Amount::new(1200, "JPY".parse().unwrap()).unwrap();
        assert_eq!(likely(yen).iter().map(|amount| amount.minor()).collect::<Vec<_>>(), [2000, 5000, 10_000]);
    }

    #[test]
    fn of_a_sale_no_more_goes_back_than_was_paid() {
        for (back, wanted, expected) in [
            (0, None, Ok(1000)),
            (0, Some(1000), Ok(1000)),
            (300, None, Ok(700)),
            (300, Some(700), Ok(700)),
            (300, Some(701), Err(CashError::TooMuch(yuan(700)))),
            (300, Some(0), Err(CashError::Nothing)),
            (1000, None, Err(CashError::NothingLeft)),
            (1000, Some(1), Err(CashError::NothingLeft)),
        ] {
            assert_eq!(going_back(yuan(1000), yuan(back), wanted.map(yuan)), expected.map(yuan), "{back} {wanted:?}");
        }
        let usd = Amount::new(1, "USD".parse().unwrap()).unwrap();
        assert!(matches!(going_back(yuan(1000), yuan(0), Some(usd)), Err(CashError::Currencies(..))));
    }

    #[test]
    fn every_word_is_read_back() {
        for kind in CashKind::ALL {
            assert_eq!(CashKind::from_word(kind.word()), Some(kind));
        }
        assert_eq!(CashKind::from_word("sale"), None);
    }
}
