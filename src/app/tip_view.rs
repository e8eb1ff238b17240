//! What a screen is told of a tip, and what somebody at it wants.

use crate::money::Amount;
use crate::payment::tip::Offer;

/// A customer is asked for a tip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TipView {
    /// What is to be paid.
    pub due: Amount,
    /// What is offered beside giving none.
    pub offers: Vec<Offer>,
}

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TipIntent {
    /// One of the offers, from 0.
    Give(usize),
    /// No tip: what is to be paid is paid.
    GiveNone,
    /// Nobody pays after all.
    Leave,
}
