//! What was sold: the lines that stand in the record of a sale and on its receipt, whatever becomes of the goods later.

use std::sync::Arc;

use super::sums::{price_of, taxes};
use super::{GoodName, GoodNumber, Quantity, TaxRate, Unit};
use crate::money::{Amount, AmountError, Currency};

pub use super::sums::TaxShare;

/// A line of what was sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoldGood {
    /// Which good it was.
    pub number: GoodNumber,
    /// What it was called.
    pub name: GoodName,
    /// How much of it.
    pub quantity: Quantity,
    /// What its price was of.
    pub unit: Unit,
    /// What one unit cost.
    pub price: Amount,
    /// What was taken off.
    pub discount: Amount,
    /// What was paid for it.
    pub amount: Amount,
    /// What of that was tax.
    pub tax_rate: TaxRate,
}

impl SoldGood {
    /// What it would have cost without a discount. A scale's own price is taken as it stood on the label.
    ///
    /// # Errors
    /// When that is more than an amount can be.
    pub fn before(&self) -> Result<Amount, AmountError> {
        self.amount.checked_add(self.discount)
    }

    /// Whether a scale named another price than weight and unit price come to.
    pub fn is_priced_by_label(&self) -> bool {
        price_of(self.price, self.unit, self.quantity) != self.before()
    }
}

/// All lines of a sale. They were looked at: they come to what is paid, but for a tip. None, where the amount was keyed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sold {
    lines: Arc<[SoldGood]>,
    amount: Option<Amount>,
    tip: Option<Amount>,
}

impl Sold {
    /// What is in a cart.
    pub(super) fn of(lines: Vec<SoldGood>, amount: Amount) -> Self {
        Self { lines: lines.into(), amount: Some(amount), tip: None }
    }

    /// The same without a cart.
    #[cfg(test)]
    pub(crate) fn of_lines(lines: Vec<SoldGood>, amount: Amount) -> Self {
        Self::of(lines, amount)
    }

    /// The lines.
    pub fn lines(&self) -> &[SoldGood] {
        &self.lines
    }

    /// The same with a tip beside the amount that is due; without one where it is nothing.
    ///
    /// # Errors
    /// When the two are of different currencies, or no amount together.
    pub fn with_tip(&self, due: Amount, tip: Amount) -> Result<Self, AmountError> {
        let total = due.checked_add(tip)?;
        Ok(Self { lines: Arc::clone(&self.lines), amount: Some(total), tip: Some(tip).filter(|tip| !tip.is_zero()) })
    }

    /// What of the amount is a tip.
    pub const fn tip(&self) -> Option<Amount> {
        self.tip
    }

    /// What is paid for them, with the tip; nothing for none.
    pub const fn amount(&self) -> Amount {
        match self.amount {
            Some(amount) => amount,
            None => Amount::zero(Currency::CNY),
        }
    }
}

/// Whether the lines of a sale come to what is paid for it.
pub fn come_to(lines: &[SoldGood], amount: Amount) -> bool {
    let mut lines = lines.iter().map(|line| line.amount);
    let sum = lines.try_fold(Amount::zero(amount.currency()), Amount::checked_add);
    sum == Ok(amount)
}

/// What of a sale is tax, for each rate.
///
/// # Errors
/// When the lines are more than an amount can be, or of several currencies.
pub fn taxes_of(lines: &[SoldGood]) -> Result<Vec<TaxShare>, AmountError> {
    let Some(first) = lines.first() else { return Ok(Vec::new()) };
    taxes(first.amount.currency(), lines.iter().map(|line| (line.tax_rate, line.amount)))
}
