//! Everything that can happen to a message between terminal and host, and that the two ledgers agree afterwards.
//!
//! `./dev fault-matrix` prints the whole table.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

#[path = "faults/agreement.rs"]
mod agreement;
#[path = "faults/cells.rs"]
mod cells;
#[path = "faults/cuts.rs"]
mod cuts;
#[path = "support/fault_proxy/mod.rs"]
mod fault_proxy;
#[path = "faults/kinds.rs"]
mod kinds;
#[path = "faults/matrix.rs"]
mod matrix;
mod support;
#[path = "faults/table.rs"]
mod table;
#[path = "faults/terminal.rs"]
mod terminal;
#[path = "support/watching.rs"]
mod watching;
