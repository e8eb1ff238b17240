//! What a screen is told of goods and the cart, and what somebody at it wants with them.

use jiff::civil::DateTime;

use crate::goods::{Discount, GoodNumber, Quantity, Unit};
use crate::money::Amount;
use crate::wording::Reason;

/// Lines of the cart on one page: each has something to touch.
pub const CART_LINES_PER_PAGE: usize = 4;

/// Goods that are found on one page.
pub const GOODS_PER_PAGE: usize = 4;

/// Favourites that stand on the keypad.
pub const QUICK_GOODS: usize = 3;

/// What somebody wants with goods and the cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShopIntent {
    /// See the cart.
    ShowCart,
    /// Turn to a page of it, counted from 0.
    TurnTo(usize),
    /// What a scanner has read.
    Scan(String),
    /// A good that was touched.
    Add(GoodNumber),
    /// So much of a good that is sold by weight.
    Weighed(GoodNumber, u32),
    /// One more of a line, counted from 0.
    OneMore(usize),
    /// One fewer of it.
    OneFewer(usize),
    /// So many of it.
    Pieces(usize, u32),
    /// Take a line out.
    Remove(usize),
    /// Take something off a line, or off the whole where none is named; or no longer.
    Discount(Option<usize>, Option<Discount>),
    /// Put the cart aside.
    Hold,
    /// Take one up that was put aside.
    TakeUp(u8),
    /// Let the cart go.
    Empty,
    /// Look for goods; a page of what is found, counted from 0.
    Search(String, usize),
    /// Take the payment.
    Pay,
}

/// What every screen may be asked for, and the keypad shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShopView {
    /// Favourites.
    pub quick: Vec<GoodView>,
    /// Lines in the cart.
    pub in_cart: usize,
    /// Cash is taken here.
    pub cash: bool,
}

/// A good to touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoodView {
    /// Which.
    pub number: GoodNumber,
    /// Its name.
    pub name: String,
    /// What one unit costs.
    pub price: Amount,
    /// What that is of.
    pub unit: Unit,
}

/// The cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartView {
    /// Lines of this page.
    pub lines: Vec<LineView>,
    /// Page shown, from 0.
    pub page: usize,
    /// How many pages there are, at least 1.
    pub pages: usize,
    /// Lines on all pages.
    pub count: usize,
    /// What is paid.
    pub total: Amount,
    /// Everything that is taken off.
    pub discount: Amount,
    /// Carts that were put aside.
    pub held: Vec<HeldView>,
    /// A good that was touched and is sold by weight: how heavy is it?
    pub weighing: Option<GoodView>,
    /// Why something was not done.
    pub notice: Option<Reason>,
}

/// A line of the cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineView {
    /// Which, from 0, on all pages.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// How much of it.
    pub quantity: Quantity,
    /// What the price is of.
    pub unit: Unit,
    /// What one unit costs.
    pub price: Amount,
    /// What is taken off, its share of what is taken off the whole among it.
    pub discount: Amount,
    /// What is paid for it.
    pub total: Amount,
}

/// A cart that was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldView {
    /// What was called out to the customer.
    pub number: u8,
    /// Since when, local time.
    pub at: DateTime,
    /// What it comes to.
    pub total: Amount,
    /// The first thing in it.
    pub first: String,
}

/// Goods that were looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundView {
    /// What was typed.
    pub text: String,
    /// Goods of this page.
    pub goods: Vec<GoodView>,
    /// Page shown, from 0.
    pub page: usize,
    /// How many pages there are, at least 1.
    pub pages: usize,
    /// Why nothing could be looked for.
    pub notice: Option<Reason>,
}
