//! What tests need that run the program from outside: a shop of its own for each test.
//!
//! A test starts the program with `shop.command(env!("CARGO_BIN_EXE_yima"))`. Nothing here skips: a test that lacks a
//! part of the machine fails with the command that installs it.
#![allow(dead_code, reason = "every test program compiles this module and uses a part of it")]
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails here and now"
)]

pub mod counter;
pub mod parts;
pub mod running;
pub mod screen;
pub mod secrets;
pub mod shop;
pub mod town;

use std::time::{Duration, Instant};

/// Waits until `ready` holds, looking every 20 ms.
///
/// Panics with `what` when `limit` has passed: the limit only ends a test that would hang, it measures nothing.
#[track_caller]
pub fn wait_until(what: &str, limit: Duration, mut ready: impl FnMut() -> bool) {
    let started = Instant::now();
    while !ready() {
        assert!(started.elapsed() < limit, "waited {} s in vain: {what}", limit.as_secs());
        std::thread::sleep(Duration::from_millis(20));
    }
}
