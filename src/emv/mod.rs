//! The EMV kernel (EMV 4.4 Books 1-4): pure, resumable, one step at a time.
//!
//! [`kernel::Kernel`] yields commands and takes answers; it never talks to a reader, a clock or a random generator. The
//! same kernel runs under a PC/SC reader, a scripted card, a simulator and a fuzzer. [`entry_point`] gives the kernel for
//! a card to whoever wants a payment of it.

pub mod action;
pub mod afl;
pub mod apdu;
pub mod ca_keys;
pub mod cryptogram;
pub mod cvm;
pub mod data;
pub mod decode;
pub mod dictionary;
pub mod dol;
pub mod entry_point;
pub mod kernel;
pub mod oda;
pub mod pin;
pub mod restrictions;
pub mod results;
pub mod risk;
pub mod scripts;
pub mod selection;
pub mod tag;
pub mod terminal;
pub mod tlv;
