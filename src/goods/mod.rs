//! Goods: what a shop sells, what a cart of them comes to, and the tables in which a shop keeps them.
//!
//! Pure: a catalogue is kept elsewhere (`catalogue`), and what stands here is handed in and given back.

mod barcode;
pub mod cart;
mod finder;
mod good;
pub mod import;
mod initials;
mod scale;
pub mod sold;
mod sum;
mod sums;
pub mod table;
mod words;

pub use barcode::{Barcode, BarcodeError};
pub use cart::Cart;
pub use finder::{Finder, Wanted};
pub use good::{Category, Good, GoodError, GoodName, GoodNumber, Quantity, TaxRate, Unit};
pub use scale::{Label, Pattern, PatternError, read_label};
pub use sold::SoldGood;
pub use sum::{GoodSum, GoodsSold, OtherGoods};
pub use sums::{Discount, LineSum, Sums, TaxShare};
