//! The hardware on the counter: a trait for each device and the real drivers behind it. No rule of payment lives here.

pub mod pin_pad;
pub mod printer;
pub mod reader;
pub mod scanner;
pub mod sound;
pub mod stripe;
