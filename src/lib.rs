//! Yima (一码), the payment application of a Linux smart POS.
//!
//! The house has floors: a module uses only modules that stand below it, in the order of `docs/architecture.md`, and
//! the core is pure (no clock, no randomness, no threads, no input or output). `tests/floors.rs` holds both rules. The
//! plan and its reasons are in `docs/architecture.md`.

pub mod app;
pub mod cli;
pub mod till_server;
pub mod training;
#[cfg(feature = "screen")]
pub mod ui;
// ---- the shell's parts -------------------------------------------------------------------------
pub mod acquirer;
pub mod catalogue;
pub mod devices;
pub mod ledger;
pub mod sandbox;
pub mod till_keys;
// ---- the core: decides, does nothing -----------------------------------------------------------
pub mod card_number;
pub mod crypto;
pub mod deliberate;
pub mod emv;
pub mod goods;
pub mod host_tables;
pub mod iso8583;
pub mod jbig;
pub mod link_fault;
pub mod money;
pub mod payment;
pub mod people;
pub mod pin;
pub mod proof;
pub mod qr;
pub mod receipt;
pub mod reference;
pub mod settlement;
pub mod till;
pub mod wording;
// ---- beside the core, not pure: they read and write files, or ask for the time -------------------
pub mod clock;
pub mod terminal;
pub mod vault;
