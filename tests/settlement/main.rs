//! Settlement from outside: a terminal with its own engine, ledger and card, a host over TLS, and the power that goes at every step.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails here and now"
)]

mod beside;
mod codes;
mod dying;
mod line;
mod nights;
mod screen;
mod settling;
#[path = "../engine/terminal.rs"]
#[allow(dead_code, reason = "these tests use a part of it")]
mod terminal;
#[path = "../support/watching.rs"]
mod watching;
