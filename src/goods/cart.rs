//! What one customer buys. Each change is made as a whole or not at all, and what the cart comes to is always known and exact.

mod stored;

use super::sold::{Sold, SoldGood};
use super::sums::{Discount, Sums, price_of};
use super::{Good, GoodName, GoodNumber, Label, Quantity, TaxRate, Unit};
use crate::money::{Amount, AmountError, Currency};

pub use stored::StoredError;

/// Lines of a cart at most: a receipt of these is two metres long.
pub const MOST_LINES: usize = 200;

/// What one customer buys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cart {
    lines: Vec<Line>,
    discount: Option<Discount>,
    sums: Sums,
}

/// One kind of thing in it, as it was when it came in: a price that changes later is not the customer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which good.
    pub number: GoodNumber,
    /// Its name.
    pub name: GoodName,
    /// What one unit costs.
    pub price: Amount,
    /// What that is of.
    pub unit: Unit,
    /// What of it is tax.
    pub tax_rate: TaxRate,
    /// How much of it.
    pub quantity: Quantity,
    /// What a scale's label says that it costs.
    pub label_price: Option<Amount>,
    /// What is taken off this line.
    pub discount: Option<Discount>,
}

/// Why a cart is not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CartError {
    /// It would be more than can be paid at once.
    #[error("the cart would come to more than can be paid at once")]
    TooLarge,
    /// Another currency.
    #[error("{0} is priced in {1}, the cart is in {2}: change its price in the catalogue")]
    Currency(GoodName, Currency, Currency),
    /// Too many lines.
    #[error("the cart has {MOST_LINES} lines: take a payment for these first")]
    Full,
    /// No such line.
    #[error("the cart has no line {0}")]
    NoLine(usize),
    /// It is sold by weight, and none was given; or the other way round.
    #[error("{0} is sold by {by}: enter that", by = sold_by(*.1))]
    Unit(GoodName, Unit),
    /// It has been weighed.
    #[error("{0} has been weighed: weigh it again, and take this line out")]
    Weighed(GoodName),
    /// Too many of it.
    #[error("there are at most {most} pieces or grams in a line", most = Quantity::MOST)]
    TooMany,
    /// Nothing of it.
    #[error("a line has at least one piece or one gram; take it out instead")]
    Nothing,
    /// No such discount.
    #[error("a discount is at most 100%, or as much as there is")]
    Discount,
}

fn sold_by(unit: Unit) -> &'static str {
    match unit.grams() {
        None => "the piece",
        Some(_) => "weight",
    }
}

impl Line {
    fn of(good: &Good, quantity: Quantity, label_price: Option<Amount>) -> Result<Self, CartError> {
        let line = Self {
            number: good.number,
            name: good.name.clone(),
            price: good.price,
            unit: good.unit,
            tax_rate: good.tax_rate,
            quantity,
            label_price,
            discount: None,
        };
        line.check().map(|()| line)
    }

    /// What it costs before anything is taken off.
    fn price(&self) -> Result<Amount, AmountError> {
        self.label_price.map_or_else(|| price_of(self.price, self.unit, self.quantity), Ok)
    }

    fn check(&self) -> Result<(), CartError> {
        if !self.quantity.is_of(self.unit) {
            return Err(CartError::Unit(self.name.clone(), self.unit));
        }
        match self.quantity.count() {
            0 => Err(CartError::Nothing),
            count if count > Quantity::MOST => Err(CartError::TooMany),
            _ if self.discount.is_some_and(|discount| !discount.is_possible()) => Err(CartError::Discount),
            _ => Ok(()),
        }
    }

    /// Whether one more of it can be counted onto this line. What was taken off is for the pieces that are there.
    fn takes(&self, other: &Self) -> bool {
        self.unit == Unit::Piece
            && self.discount.is_none()
            && self.label_price.is_none()
            && other.label_price.is_none()
            && (self.number, &self.name, self.price, self.unit, self.tax_rate)
                == (other.number, &other.name, other.price, other.unit, other.tax_rate)
    }
}

impl Cart {
    /// An empty cart.
    pub fn new(currency: Currency) -> Self {
        let nothing = Amount::zero(currency);
        let sums = Sums { lines: Vec::new(), price: nothing, discount: nothing, total: nothing };
        Self { lines: Vec::new(), discount: None, sums }
    }

    /// Its lines, in the order in which they came in.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// What is taken off the whole.
    pub const fn discount(&self) -> Option<Discount> {
        self.discount
    }

    /// What it comes to.
    pub const fn sums(&self) -> &Sums {
        &self.sums
    }

    /// What is paid for it.
    pub const fn total(&self) -> Amount {
        self.sums.total
    }

    /// Its currency.
    pub const fn currency(&self) -> Currency {
        self.sums.total.currency()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Puts so much of a good in; gives the line in which it is. Pieces are counted onto a line of the same good.
    ///
    /// # Errors
    /// When the cart would be too large, or the good is sold in another way.
    pub fn add(&mut self, good: &Good, quantity: Quantity) -> Result<usize, CartError> {
        self.add_line(Line::of(good, quantity, None)?)
    }

    /// Puts in what a scale's label names. A good that is sold by the piece and priced by a label is one piece; how heavy
    /// something is that only has a price follows from its unit price.
    ///
    /// # Errors
    /// As for [`Cart::add`], and when the label names no more than a weight of what is sold by the piece.
    pub fn add_labelled(&mut self, good: &Good, label: &Label) -> Result<usize, CartError> {
        let price = label.price.map(|minor| Amount::new(minor, good.currency())).transpose().map_err(of_amount)?;
        let quantity = match (good.unit.grams(), label.weight, label.price) {
            (None, _, Some(_)) => Quantity::Pieces(1),
            (_, Some(weight), _) => weight,
            (Some(grams), None, Some(minor)) => weight_of(minor, good.price.minor(), grams),
            (_, None, None) => return Err(CartError::Unit(good.name.clone(), good.unit)),
        };
        self.add_line(Line::of(good, quantity, price)?)
    }

    fn add_line(&mut self, line: Line) -> Result<usize, CartError> {
        if line.price.currency() != self.currency() {
            return Err(CartError::Currency(line.name, line.price.currency(), self.currency()));
        }
        let there = self.lines.iter().rposition(|there| there.takes(&line));
        let index = there.unwrap_or(self.lines.len());
        self.change(|next| {
            match next.lines.get_mut(index) {
                Some(there) => {
                    let count = there.quantity.count().checked_add(line.quantity.count());
                    there.quantity = Quantity::Pieces(count.ok_or(CartError::TooMany)?);
                }
                None => next.lines.push(line),
            }
            Ok(())
        })?;
        Ok(index)
    }

    /// Has so much of a line.
    ///
    /// # Errors
    /// When there is no such line, or it cannot have so much: a line that was weighed is weighed again instead.
    pub fn set_quantity(&mut self, index: usize, quantity: Quantity) -> Result<(), CartError> {
        self.change_line(index, |line| {
            if line.label_price.is_some() {
                return Err(CartError::Weighed(line.name.clone()));
            }
            line.quantity = quantity;
            Ok(())
        })
    }

    /// One more of a line.
    ///
    /// # Errors
    /// When there is no such line, it is not counted in pieces, or is full.
    pub fn one_more(&mut self, index: usize) -> Result<(), CartError> {
        let count = self.pieces(index)?.checked_add(1).ok_or(CartError::TooMany)?;
        self.set_quantity(index, Quantity::Pieces(count))
    }

    /// One fewer of a line; the last one takes the line out.
    ///
    /// # Errors
    /// When there is no such line, or it is not counted in pieces.
    pub fn one_fewer(&mut self, index: usize) -> Result<(), CartError> {
        match self.pieces(index)?.saturating_sub(1) {
            0 => self.remove(index),
            count => self.set_quantity(index, Quantity::Pieces(count)),
        }
    }

    fn pieces(&self, index: usize) -> Result<u32, CartError> {
        let line = self.lines.get(index).ok_or(CartError::NoLine(index + 1))?;
        match line.quantity {
            Quantity::Pieces(count) => Ok(count),
            Quantity::Grams(_) => Err(CartError::Weighed(line.name.clone())),
        }
    }

    /// Takes a line out.
    ///
    /// # Errors
    /// When there is no such line.
    pub fn remove(&mut self, index: usize) -> Result<(), CartError> {
        self.change(|next| {
            if index >= next.lines.len() {
                return Err(CartError::NoLine(index + 1));
            }
            next.lines.remove(index);
            // Nobody gives a discount on what he does not see.
            if next.lines.is_empty() {
                next.discount = None;
            }
            Ok(())
        })
    }

    /// Takes something off a line, or no longer.
    ///
    /// # Errors
    /// When there is no such line or discount.
    pub fn discount_line(&mut self, index: usize, discount: Option<Discount>) -> Result<(), CartError> {
        self.change_line(index, |line| {
            line.discount = discount;
            Ok(())
        })
    }

    /// Takes something off the whole, or no longer.
    ///
    /// # Errors
    /// When there is no such discount.
    pub fn discount_all(&mut self, discount: Option<Discount>) -> Result<(), CartError> {
        self.change(|next| {
            next.discount = discount;
            Ok(())
        })
    }

    /// What is sold, for record and receipt: what was taken off the whole is within the lines.
    pub fn sold(&self) -> Sold {
        let sold = |(line, sum): (&Line, &super::LineSum)| SoldGood {
            number: line.number,
            name: line.name.clone(),
            quantity: line.quantity,
            unit: line.unit,
            price: line.price,
            discount: sum.discount,
            amount: sum.total,
            tax_rate: line.tax_rate,
        };
        Sold::of(self.lines.iter().zip(&self.sums.lines).map(sold).collect(), self.total())
    }

    fn change_line(
        &mut self,
        index: usize,
        change: impl FnOnce(&mut Line) -> Result<(), CartError>,
    ) -> Result<(), CartError> {
        self.change(|next| change(next.lines.get_mut(index).ok_or(CartError::NoLine(index + 1))?))
    }

    /// Changes it as a whole, or leaves it as it is.
    fn change(&mut self, change: impl FnOnce(&mut Self) -> Result<(), CartError>) -> Result<(), CartError> {
        let mut next = self.clone();
        change(&mut next)?;
        next.add_up()?;
        *self = next;
        Ok(())
    }

    fn add_up(&mut self) -> Result<(), CartError> {
        if self.lines.len() > MOST_LINES {
            return Err(CartError::Full);
        }
        if self.discount.is_some_and(|discount| !discount.is_possible()) {
            return Err(CartError::Discount);
        }
        let mut prices = Vec::with_capacity(self.lines.len());
        for line in &self.lines {
            line.check()?;
            prices.push((line.price().map_err(of_amount)?, line.tax_rate, line.discount));
        }
        self.sums = Sums::of(self.currency(), &prices, self.discount).map_err(of_amount)?;
        Ok(())
    }
}

/// Currencies were compared before.
fn of_amount(_: AmountError) -> CartError {
    CartError::TooLarge
}

/// How heavy something is that costs so much, to the nearest gram, and one at least. It is only told: the price is paid.
fn weight_of(minor: u64, price: u64, grams: u32) -> Quantity {
    let (minor, price, grams) = (u128::from(minor), u128::from(price.max(1)), u128::from(grams));
    let weight = (minor * grams * 2 + price) / (price * 2);
    Quantity::Grams(u32::try_from(weight).unwrap_or(u32::MAX).clamp(1, Quantity::MOST))
}

#[cfg(test)]
mod tests;
