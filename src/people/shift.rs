//! A shift and its drawer: what was in it at the beginning, what was put in and taken out, what should be in it at the end, and what is.

use jiff::civil::DateTime;

use super::PersonNumber;
use crate::money::{Amount, Currency};
use crate::payment::cash::CashKind;

/// A shift. There is one drawer, and so one that is open at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Counted from 1.
    pub id: i64,
    /// Who opened it; nobody, where nobody signs on.
    pub opened_by: Option<PersonNumber>,
    /// Local time.
    pub opened_at: DateTime,
    /// What was in the drawer.
    pub float: Amount,
    /// What was put in since.
    pub put_in: Amount,
    /// What was taken out.
    pub taken_out: Amount,
    /// What cash sales put in.
    pub sold: Amount,
    /// What cash refunds took out.
    pub given_back: Amount,
    /// How it ended; nothing, while it is open.
    pub closing: Option<Closing>,
}

/// How a shift ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Who counted.
    pub by: Option<PersonNumber>,
    /// Local time.
    pub at: DateTime,
    /// What was in the drawer.
    pub counted: Amount,
}

/// Which way cash goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Movement {
    /// Into the drawer: change that was fetched. Cash sales are counted by themselves.
    PutIn,
    /// Out of it: paid out, brought to the bank.
    TakenOut,
}

/// What cannot be done with a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShiftError {
    /// One is open.
    #[error("a shift is open already; count its drawer first")]
    Open,
    /// None is.
    #[error("no shift is open")]
    NoneOpen,
    /// Nobody counts in two currencies.
    #[error("the drawer holds {0}")]
    Currency(Currency),
    /// More than an amount can be.
    #[error("the drawer would hold more than an amount can be")]
    TooMuch,
    /// Less than nothing.
    #[error("there is not so much in the drawer")]
    TooLittle,
    /// Nothing moves.
    #[error("the amount must be more than nothing")]
    Nothing,
}

impl Movement {
    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::PutIn => "put_in",
            Self::TakenOut => "taken_out",
        }
    }
}

impl Shift {
    /// What should be in the drawer.
    ///
    /// # Errors
    /// When that is no amount: nothing is noted that would make it so.
    pub fn expected(&self) -> Result<Amount, ShiftError> {
        let came = [self.float, self.put_in, self.sold].into_iter().map(Amount::minor);
        let went = [self.taken_out, self.given_back].into_iter().map(Amount::minor);
        let minor = came.fold(0, u64::saturating_add);
        let minor = minor.checked_sub(went.fold(0, u64::saturating_add)).ok_or(ShiftError::TooLittle)?;
        Amount::new(minor, self.float.currency()).map_err(|_| ShiftError::TooMuch)
    }

    /// What is too much in the drawer, in minor units; less than nothing, where it is too little. Nothing, before it is counted.
    pub fn difference(&self) -> Option<i64> {
        let counted = i64::try_from(self.closing.as_ref()?.counted.minor()).ok()?;
        let expected = i64::try_from(self.expected().ok()?.minor()).ok()?;
        Some(counted - expected)
    }

    /// The shift once cash has moved.
    ///
    /// # Errors
    /// When it is closed, or the drawer cannot hold or has not so much.
    pub fn moving(&self, movement: Movement, amount: Amount) -> Result<Self, ShiftError> {
        let sum: fn(&mut Self) -> &mut Amount = match movement {
            Movement::PutIn => |shift: &mut Self| &mut shift.put_in,
            Movement::TakenOut => |shift: &mut Self| &mut shift.taken_out,
        };
        self.with(amount, sum)
    }

    /// The shift once something was paid in cash, or has gone back.
    ///
    /// # Errors
    /// As for [`Shift::moving`].
    pub fn with_cash(&self, kind: CashKind, amount: Amount) -> Result<Self, ShiftError> {
        let sum: fn(&mut Self) -> &mut Amount = match kind {
            CashKind::Sale => |shift: &mut Self| &mut shift.sold,
            CashKind::Refund => |shift: &mut Self| &mut shift.given_back,
        };
        self.with(amount, sum)
    }

    fn with(&self, amount: Amount, sum: fn(&mut Self) -> &mut Amount) -> Result<Self, ShiftError> {
        if self.closing.is_some() {
            return Err(ShiftError::NoneOpen);
        }
        self.check(amount)?;
        if amount.is_zero() {
            return Err(ShiftError::Nothing);
        }
        let mut moved = self.clone();
        let sum = sum(&mut moved);
        let minor = sum.minor().saturating_add(amount.minor());
        *sum = Amount::new(minor, sum.currency()).map_err(|_| ShiftError::TooMuch)?;
        moved.expected()?;
        Ok(moved)
    }

    /// Whether this amount is of the drawer's currency.
    ///
    /// # Errors
    /// When it is of another one.
    pub fn check(&self, amount: Amount) -> Result<(), ShiftError> {
        let currency = self.float.currency();
        if amount.currency() == currency { Ok(()) } else { Err(ShiftError::Currency(currency)) }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::money::MAX_MINOR;

    fn yuan(minor: u64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    fn shift(float: u64) -> Shift {
        Shift {
            id: 1,
            opened_by: PersonNumber::new(1).ok(),
            opened_at: date(2026, 11, 29).at(8, 0, 0, 0),
            float: yuan(float),
            put_in: yuan(0),
            taken_out: yuan(0),
            sold: yuan(0),
            given_back: yuan(0),
            closing: None,
        }
    }

    fn counted(shift: &Shift, minor: u64) -> Option<i64> {
        let closing = Closing { by: None, at: shift.opened_at, counted: yuan(minor) };
        Shift { closing: Some(closing), ..shift.clone() }.difference()
    }

    #[test]
    fn a_drawer_is_right_or_wrong_to_the_cent() {
        let shift = shift(20_000).moving(Movement::PutIn, yuan(12_345)).unwrap();
        let shift = shift.moving(Movement::TakenOut, yuan(5_000)).unwrap();
        assert_eq!(shift.expected(), Ok(yuan(27_345)));
        assert_eq!(shift.difference(), None, "nobody has counted");
        for (found, difference) in [(27_345, 0), (27_346, 1), (27_344, -1), (0, -27_345)] {
            assert_eq!(counted(&shift, found), Some(difference));
        }
    }

    #[test]
    fn what_was_sold_and_given_back_is_in_what_should_be_there() {
        let shift = shift(10_000).with_cash(CashKind::Sale, yuan(2_345)).unwrap();
        let shift = shift.with_cash(CashKind::Refund, yuan(345)).unwrap();
        assert_eq!((shift.sold, shift.given_back, shift.expected()), (yuan(2_345), yuan(345), Ok(yuan(12_000))));
        // What was sold can be brought to the bank.
        let shift = shift.moving(Movement::TakenOut, yuan(11_999)).unwrap();
        assert_eq!(shift.with_cash(CashKind::Refund, yuan(2)), Err(ShiftError::TooLittle));
        assert_eq!(shift.with_cash(CashKind::Sale, yuan(MAX_MINOR)), Err(ShiftError::TooMuch));
        assert_eq!(counted(&shift, 2), Some(1));
    }

    #[test]
    fn nothing_moves_that_is_not_there_or_does_not_fit() {
        let open = shift(100);
        assert_eq!(open.moving(Movement::TakenOut, yuan(101)), Err(ShiftError::TooLittle));
        assert_eq!(open.moving(Movement::PutIn, yuan(MAX_MINOR)), Err(ShiftError::TooMuch));
        assert_eq!(open.moving(Movement::PutIn, yuan(0)), Err(ShiftError::Nothing));
        let usd = Amount::new(1, "USD".parse().unwrap()).unwrap();
        assert_eq!(open.moving(Movement::PutIn, usd), Err(ShiftError::Currency(Currency::CNY)));
        let closing = Closing { by: None, at: open.opened_at, counted: yuan(100) };
        let closed = Shift { closing: Some(closing), ..open };
        assert_eq!(closed.moving(Movement::PutIn, yuan(1)), Err(ShiftError::NoneOpen));
    }
}
