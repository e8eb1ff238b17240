//! The touchscreen, drawn and touched without a display: `cargo test --test screens` makes every picture in
//! `target/screens/`.
#![cfg(feature = "screen")]
#![allow(clippy::unwrap_used, reason = "a test stops where something fails")]

mod cash;
mod contrast;
mod deciding;
mod doing;
mod enrolling;
mod fonts;
mod parting;
mod pictures;
mod platform;
mod reading;
mod receipts;
mod seeking;
mod selling;
mod settling;
mod signing;
#[path = "../support/slip.rs"]
mod slip;
mod staff;
mod staff_views;
mod targets;
mod touching;
mod training;
mod translations;
mod views;
