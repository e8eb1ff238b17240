//! Cash from outside: a terminal with its own engine, ledger and pty printer, a host that hears nothing of it, and the program's commands.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

mod commands;
mod counter;
mod drawer;
mod settled;
#[path = "../engine/terminal.rs"]
#[allow(dead_code, reason = "these tests use a part of it")]
mod terminal;
#[path = "../support/watching.rs"]
mod watching;
