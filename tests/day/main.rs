//! Two days of a shop over real parts: pcscd with the sandbox card in a virtual reader, the HTTPS host with wallets, the pty
//! printer. Every type of transaction, with faults of card, line, host, power and paper in between; then the night. What the
//! script says must have come of it is held against the terminal, the host, the account, the wallets and the paper, to the cent.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

mod books;
mod paper;
mod script;
#[path = "../support/mod.rs"]
mod support;
