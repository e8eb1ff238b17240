//! Tills at a terminal: a real engine, a virtual card, a HTTPS host with books of its own, and HTTP over sockets. Every answer is held against
//! `docs/till.openapi.yaml`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

mod client;
mod document;
mod following;
mod guarding;
mod killed;
mod mutated;
mod pairing;
mod paying;
mod spec;
#[path = "../support/mod.rs"]
mod support;
mod terminal;
#[path = "../support/watching.rs"]
mod watching;
mod ways;
