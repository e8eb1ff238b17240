//! The catalogue of this terminal, and what a cashier asks for by its barcode.

use super::setup::Setup;
use crate::catalogue::{Catalogue, CatalogueError, Scanned};
use crate::goods::cart::CartError;
use crate::goods::{Cart, GoodError, GoodNumber, Quantity};
use crate::money::Currency;

/// Why a good does not come into a cart.
#[derive(Debug, thiserror::Error)]
pub enum GoodsError {
    /// The catalogue.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// No such good.
    #[error("no good has the number or barcode {0}; yima goods search finds others")]
    Unknown(String),
    /// How much of it.
    #[error(transparent)]
    Quantity(#[from] GoodError),
    /// It is sold by weight, and none was given.
    #[error("{0} is sold by weight: say how much, such as {0}x0.532")]
    Weight(String),
    /// It does not fit.
    #[error(transparent)]
    Cart(#[from] CartError),
}

impl Setup {
    /// The catalogue, which is begun where there is none.
    ///
    /// # Errors
    /// When it cannot be opened or made.
    pub fn catalogue(&self) -> Result<Catalogue, CatalogueError> {
        Catalogue::open(&self.state)
    }

    /// The catalogue for who only looks. `None` where there is none yet.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn catalogue_to_look_at(&self) -> Result<Option<Catalogue>, CatalogueError> {
        Catalogue::open_to_look(&self.state)
    }

    /// A cart of what is asked for: each a barcode, a scale's label, or a number, with `x` and how much of it where that is not one
    /// piece.
    ///
    /// # Errors
    /// When there is no such good, or it does not fit.
    pub fn cart_of(&self, asked: &[String], currency: Currency) -> Result<Cart, GoodsError> {
        let mut cart = Cart::new(currency);
        let catalogue = self.catalogue_to_look_at()?;
        for text in asked {
            let (code, quantity) = text
                .split_once(['x', '×', '*'])
                .map_or((text.as_str(), None), |(code, quantity)| (code, Some(quantity)));
            let unknown = || GoodsError::Unknown(code.to_owned());
            let catalogue = catalogue.as_ref().ok_or_else(unknown)?;
            let scanned = catalogue.scan(code, &self.settings.goods.scale_barcodes)?;
            let good = match (scanned, code.parse::<GoodNumber>()) {
                (Some(Scanned { good, label: Some(label) }), _) if quantity.is_none() => {
                    cart.add_labelled(&good, &label)?;
                    continue;
                }
                (Some(Scanned { good, .. }), _) => good,
                (None, Ok(number)) => catalogue.good(number)?.ok_or_else(unknown)?,
                (None, Err(_)) => return Err(unknown()),
            };
            let quantity = match quantity {
                Some(quantity) => Quantity::parse(quantity, good.unit)?,
                None => Quantity::one_of(good.unit).ok_or_else(|| GoodsError::Weight(code.to_owned()))?,
            };
            cart.add(&good, quantity)?;
        }
        Ok(cart)
    }
}
