//! Payments by code from outside: the machine of a payment, the link, an HTTPS host and a customer's phone over loopback.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

mod browser;
mod commands;
#[path = "../support/browser.rs"]
mod driver;
mod paying;
mod street;
mod told;
mod turned_away;
