//! Every trouble of a printer at every moment of two slips: a payment, a real driver, a printer on a pty that a hand pulls at, and a
//! cashier who looks at the paper and says what is on it. Nobody is charged twice, no copy is lost, and none comes out twice
//! without saying so.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

mod matrix;
mod paper;
#[path = "../engine/terminal.rs"]
#[allow(dead_code, reason = "these tests use a part of it")]
mod terminal;
#[path = "../support/watching.rs"]
mod watching;
