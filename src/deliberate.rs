//! Faults put into the program on purpose, one at a time, to see whether the simulation finds them (`./dev bites`).
//!
//! No program has them but the one that `./dev bites` builds: everywhere else [`is`] is always false, and the compiler
//! leaves out what stands behind it.

/// Whether this fault is in.
#[cfg(yima_faults)]
pub fn is(name: &str) -> bool {
    std::env::var("YIMA_FAULT").is_ok_and(|chosen| chosen == name)
}

/// Whether this fault is in: none is.
#[cfg(not(yima_faults))]
pub const fn is(_: &str) -> bool {
    false
}
