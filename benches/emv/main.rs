//! How long the kernel and its parts take: `cargo bench --bench emv`, and beside crate `emv` with `--features peers`.
//!
//! A record of 139 bytes and keys of 1408 bits are what cards bring. Keys are made anew for each run.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot go on stops here and now")]

mod parts;
mod transaction;

fn main() {
    divan::main();
}
