//! People at a terminal: the engine with a real ledger, card and host, and the program from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails here and now"
)]

mod commands;
mod names;
mod screen;
mod set_up;
mod slow;
mod staff;
#[path = "../engine/terminal.rs"]
#[allow(dead_code, reason = "these tests use a part of it")]
mod terminal;
mod tills;
#[path = "../support/watching.rs"]
mod watching;
