//! Carts that were put aside: the customer has forgotten something, and the next one pays meanwhile. They outlive a power cut.

use jiff::civil::DateTime;
use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::{Catalogue, CatalogueError, MOST_HELD, wrong};
use crate::goods::Cart;

/// A cart that was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldCart {
    /// What is called out to the customer.
    pub number: u8,
    /// Since when, local time.
    pub at: DateTime,
    /// What is in it.
    pub cart: Cart,
}

impl Catalogue {
    /// Puts a cart aside, durably; gives the number by which it is taken up again.
    ///
    /// # Errors
    /// When too many are put aside, or the catalogue cannot be written.
    pub fn hold(&mut self, cart: &Cart, at: DateTime) -> Result<u8, CatalogueError> {
        let failed = self.failed();
        let changes = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let number = self.put_aside(cart, at)?;
        changes.commit().map_err(failed)?;
        Ok(number)
    }

    /// Puts a cart aside in the change that has begun.
    fn put_aside(&self, cart: &Cart, at: DateTime) -> Result<u8, CatalogueError> {
        let held = self.held()?;
        let number = (1..=MOST_HELD as u8).find(|number| held.iter().all(|cart| cart.number != *number));
        let number = number.ok_or(CatalogueError::Held)?;
        let stored = cart.to_stored().map_err(wrong("cart"))?;
        self.connection
            .execute(
                "INSERT INTO held_carts (number, at, cart) VALUES (?1, ?2, ?3)",
                params![number, at.to_string(), stored],
            )
            .map_err(self.failed())?;
        Ok(number)
    }

    /// The carts that are put aside, the one that has waited longest first.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn held(&self) -> Result<Vec<HeldCart>, CatalogueError> {
        let failed = self.failed();
        let mut statement =
            self.connection.prepare("SELECT number, at, cart FROM held_carts ORDER BY at, number").map_err(&failed)?;
        let found = statement
            .query_map([], |row| Ok((row.get::<_, u8>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)))
            .map_err(&failed)?;
        let mut held = Vec::new();
        for row in found {
            let (number, at, cart) = row.map_err(&failed)?;
            held.push(HeldCart {
                number,
                at: at.parse().map_err(wrong("time"))?,
                cart: Cart::of_stored(&cart).map_err(wrong("cart"))?,
            });
        }
        Ok(held)
    }

    /// Takes a cart up again: it is put aside no longer. `instead`, unless it is empty, is put aside in the same change: no cart is
    /// lost between the two.
    ///
    /// # Errors
    /// When there is none of this number, or the catalogue cannot be written: then all is as it was.
    pub fn take_up(&mut self, number: u8, instead: &Cart, at: DateTime) -> Result<Cart, CatalogueError> {
        let failed = self.failed();
        let changes = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let stored: Option<String> = changes
            .query_row("SELECT cart FROM held_carts WHERE number = ?1", [number], |row| row.get(0))
            .optional()
            .map_err(&failed)?;
        let cart = Cart::of_stored(&stored.ok_or(CatalogueError::NoCart(number))?).map_err(wrong("cart"))?;
        changes.execute("DELETE FROM held_carts WHERE number = ?1", [number]).map_err(&failed)?;
        if !instead.is_empty() {
            self.put_aside(instead, at)?;
        }
        changes.commit().map_err(failed)?;
        Ok(cart)
    }
}
