//! The payment core against the sandbox card and the real ledger, without threads or network: every place where something
//! can go wrong, one at a time.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod card;
mod choice;
mod order;
mod pin;
mod scripts;
mod shop;
