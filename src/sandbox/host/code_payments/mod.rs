//! Orders that are paid by code: a customer's code was scanned, or one of ours is shown. Opened, paid, closed, paid back in parts.
//!
//! | state | what happens | next | its outcome |
//! |---|---|---|---|
//! | | a scanned code is good, the wallet holds enough | paid | 00 |
//! | | the same, and the wallet wants a password first; a code is to be shown | open | 09 |
//! | | a scanned code is not good; the wallet holds too little; the amount asks for it | refused | 56; 51; 66.CC |
//! | | cancelled before it came | closed | 25 |
//! | open | the customer pays | paid | 00 |
//! | open | the customer refuses; too little, or too many wrong passwords, after a code was scanned | refused | 17; 51, 75 |
//! | open | cancelled; nobody paid in time | closed | 17 |
//! | paid | cancelled: what has not gone back yet goes back | paid back | 17 |
//! | paid | refunded, a part or all of it | paid | 00 |
//!
//! From *refused*, *closed* and *paid back* nothing leads on: what was cancelled is never paid afterwards. The same request once more is
//! the same order; its outcome is the response code that its own request would have now, so that who asks twice hears how it stands.
//!
//! [`requests`] reads what terminals ask and decides, [`wallets`] is what customers hold and do, [`orders`] what is written down. A
//! wallet's balance moves in the database transaction in which an order becomes paid or is paid back.

mod orders;
mod requests;
mod service;
mod shown;
#[cfg(test)]
mod tests;
pub mod wallets;

pub use self::orders::{CodeOrder, CodeRefunded, OrderState, Way};
pub(super) use self::orders::{SCHEMA, has_number};

use super::Host;
use super::books::Books;
use super::store::{Store, StoreError};
use crate::reference::TraceNumber;

/// The order and the refund of a number, for its e-receipt: one of them at most.
///
/// # Errors
/// When the database cannot be read.
pub(in crate::sandbox::host) fn receipts_of(
    books: &Books<'_>,
    terminal: &str,
    trace: TraceNumber,
) -> Result<(Option<CodeOrder>, Option<CodeRefunded>), StoreError> {
    Ok((orders::of_number(books, terminal, trace)?, orders::refund_of_number(books, terminal, trace)?))
}

/// Response codes of an order.
mod outcome {
    /// It is paid.
    pub const PAID: &str = "00";
    /// The customer has something to do.
    pub const NOT_YET: &str = "09";
    /// The customer did not pay: was not asked any more, did not want to, or not in time.
    pub const NOT_PAID: &str = "17";
    /// No order of that number ever came.
    pub const UNKNOWN: &str = "25";
    /// The wallet holds too little.
    pub const TOO_LITTLE: &str = "51";
    /// A code that is nobody's, was used before or is too old.
    pub const BAD_CODE: &str = "56";
    /// Too many wrong passwords.
    pub const PASSWORD_TRIES: &str = "75";
}

impl Store {
    /// All orders that were to be paid by code, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn code_orders(&self) -> Result<Vec<CodeOrder>, StoreError> {
        self.transaction(orders::all)
    }

    /// What was to be paid back of them, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn code_refunds(&self) -> Result<Vec<CodeRefunded>, StoreError> {
        self.transaction(orders::refunds)
    }
}

impl Host {
    /// As [`Store::code_orders`].
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn code_orders(&self) -> Result<Vec<CodeOrder>, StoreError> {
        self.store.code_orders()
    }

    /// As [`Store::code_refunds`].
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn code_refunds(&self) -> Result<Vec<CodeRefunded>, StoreError> {
        self.store.code_refunds()
    }
}
