//! The payment core: the life of a transaction as a pure state machine. Events in, effects out.

pub mod advice;
pub mod cash;
pub mod chooser;
pub mod entry;
pub mod instalments;
pub mod offline;
pub mod online;
mod opening;
pub mod permitted;
pub mod pin_pad;
pub mod purchase;
pub mod purpose;
pub mod qr;
pub mod queue;
pub mod record;
pub mod reversal;
pub mod sale;
pub mod signature;
pub mod small;
#[cfg(test)]
pub(crate) mod tables;
pub mod tip;
pub mod transaction;
