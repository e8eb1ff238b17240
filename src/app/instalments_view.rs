//! What a screen is told of instalments, and what somebody at it wants.

use crate::money::Amount;
use crate::payment::instalments::{Instalments, Offer};

/// A customer is asked in how many periods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalmentsView {
    /// What is to be paid.
    pub due: Amount,
    /// What is offered beside paying at once.
    pub offers: Vec<Offer>,
}

/// What any screen may need of instalments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstalmentsShown {
    /// From which amount on they are offered; nothing where they are not.
    pub from: Option<Amount>,
    /// How what the screen speaks of is paid; nothing of what is paid at once.
    pub of: Option<Instalments>,
}

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstalmentsIntent {
    /// The customer wants to pay this by instalments.
    Ask(Amount),
    /// The same with what is in the cart.
    AskCart,
    /// In one of the numbers of periods that are offered, from 0.
    Choose(usize),
    /// At once after all.
    AtOnce,
    /// Nobody pays after all.
    Leave,
}
