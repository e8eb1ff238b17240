//! The cardholder's signature from outside: a terminal with its own engine, ledger and card, a printer on a pty, a host over TLS. Signed
//! on the screen, on paper, by nobody; the power that goes before and after; a host that is away, and one that refuses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails here and now"
)]

mod counter;
mod signing;
#[path = "../engine/terminal.rs"]
#[allow(dead_code, reason = "these tests use a part of it")]
mod terminal;
mod uploading;
#[path = "../support/watching.rs"]
mod watching;
