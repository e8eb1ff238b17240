//! A cart as it is put aside: JSON, read back through the same checks as if everything were put in anew.

use serde::{Deserialize, Serialize};

use super::{Cart, CartError, Discount, Line};
use crate::goods::{GoodError, GoodName, GoodNumber, Quantity, TaxRate, Unit};
use crate::money::{Amount, AmountError, Currency, UnknownCurrency};

/// Why what was put aside is no cart.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// It is not written as one.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Its currency.
    #[error(transparent)]
    Currency(#[from] UnknownCurrency),
    /// A good.
    #[error(transparent)]
    Good(#[from] GoodError),
    /// A price.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// It could not have been put together.
    #[error(transparent)]
    Cart(#[from] CartError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCart {
    currency: String,
    discount: Option<StoredDiscount>,
    lines: Vec<StoredLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredLine {
    number: u32,
    name: String,
    price: u64,
    unit: String,
    tax_rate: u16,
    quantity: String,
    label_price: Option<u64>,
    discount: Option<StoredDiscount>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredDiscount {
    Percent(u16),
    Minor(u64),
}

impl From<Discount> for StoredDiscount {
    fn from(discount: Discount) -> Self {
        match discount {
            Discount::Percent(basis_points) => Self::Percent(basis_points),
            Discount::Minor(minor) => Self::Minor(minor),
        }
    }
}

impl From<StoredDiscount> for Discount {
    fn from(discount: StoredDiscount) -> Self {
        match discount {
            StoredDiscount::Percent(basis_points) => Self::Percent(basis_points),
            StoredDiscount::Minor(minor) => Self::Minor(minor),
        }
    }
}

impl StoredLine {
    fn of(line: &Line) -> Self {
        Self {
            number: line.number.number(),
            name: line.name.as_str().to_owned(),
            price: line.price.minor(),
            unit: line.unit.word().to_owned(),
            tax_rate: line.tax_rate.basis_points(),
            quantity: line.quantity.to_string(),
            label_price: line.label_price.map(Amount::minor),
            discount: line.discount.map(StoredDiscount::from),
        }
    }

    fn line(self, currency: Currency) -> Result<Line, StoredError> {
        let unit = Unit::parse(&self.unit)?;
        Ok(Line {
            number: GoodNumber::new(self.number)?,
            name: GoodName::parse(&self.name)?,
            price: Amount::new(self.price, currency)?,
            unit,
            tax_rate: TaxRate::new(self.tax_rate)?,
            quantity: Quantity::parse(&self.quantity, unit)?,
            label_price: self.label_price.map(|minor| Amount::new(minor, currency)).transpose()?,
            discount: self.discount.map(Discount::from),
        })
    }
}

impl Cart {
    /// What is written down of it.
    ///
    /// # Errors
    /// Never, for what a cart holds.
    pub fn to_stored(&self) -> Result<String, StoredError> {
        let stored = StoredCart {
            currency: self.currency().code().to_owned(),
            discount: self.discount.map(StoredDiscount::from),
            lines: self.lines.iter().map(StoredLine::of).collect(),
        };
        Ok(serde_json::to_string(&stored)?)
    }

    /// The cart of what was written down.
    ///
    /// # Errors
    /// When it is none.
    pub fn of_stored(text: &str) -> Result<Self, StoredError> {
        let stored: StoredCart = serde_json::from_str(text)?;
        let currency = stored.currency.parse()?;
        let mut cart = Self::new(currency);
        for line in stored.lines {
            cart.lines.push(line.line(currency)?);
        }
        cart.discount = stored.discount.map(Discount::from);
        cart.add_up()?;
        Ok(cart)
    }
}
