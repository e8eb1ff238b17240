//! The engine with everything that can be in its way: a host that answers as told, a ledger that cannot be written, a
//! printer that fails, a cashier who is impatient. Card and ledger are real, the host's answers are scripted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

mod advices;
mod bookkeeping;
mod by_code;
mod cardholder;
mod clock;
mod copies;
mod in_doubt;
mod instalments;
mod offline;
mod parts;
mod receipts;
mod seeking;
mod shop;
mod slips;
#[path = "../people/staff.rs"]
#[allow(dead_code, reason = "these tests use a part of it")]
mod staff;
mod terminal;
mod terminal_data;
mod tips;
mod training;
#[path = "../support/watching.rs"]
mod watching;
