//! Codes to pay with (pure): what a merchant shows ([`merchant`]), what a customer shows ([`consumer`]), and whose a code is that a
//! customer shows ([`networks`]). Reads and makes text; draws nothing, scans nothing, asks nobody.

pub mod consumer;
pub mod merchant;
pub mod networks;
