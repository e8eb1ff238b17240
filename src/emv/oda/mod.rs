//! Offline data authentication (EMV 4.4 Book 2, 5 and 6; Book 3, 10.3): is this the card its issuer made, with the data
//! its issuer put on it?
//!
//! Needs CA keys, the card's certificates and signatures, the records read and the date. Each function is one step that
//! the kernel calls when it has what the step needs:
//!
//! 1. [`Method::choose`] from AIP and terminal capabilities;
//! 2. [`RecordsToAuthenticate`] while the records are read;
//! 3. [`issuer_key`], then [`card_key`] for DDA and CDA, [`pin_key`] for an enciphered PIN;
//! 4. [`verify_static`], or [`verify_dynamic`] over the answer to INTERNAL AUTHENTICATE, or [`verify_combined`] over the
//!    answer to GENERATE AC.
//!
//! Decides only: sets no TVR bit and sends no command. Every check that fails has its own [`OdaFailure`].

mod block;
mod certificates;
mod combined;
mod dynamic_authentication;
mod failure;
mod static_authentication;
mod static_data;

pub use block::Block;
pub use certificates::{
    CardCertificate, CardKey, IssuerCertificate, IssuerKey, KeyParts, PinCertificate, PinKey, card_key, issuer_key,
    pin_key,
};
pub use combined::{CombinedAnswer, CombinedInput, verify_combined};
pub use dynamic_authentication::{DynamicNumber, choose_ddol, signature_of, verify_dynamic};
pub use failure::OdaFailure;
pub use static_authentication::verify_static;
pub use static_data::{RecordsToAuthenticate, StaticData};

/// Byte 1 of the AIP (Book 3, annex C1).
const CARD_DOES_SDA: u8 = 0x40;
const CARD_DOES_DDA: u8 = 0x20;
const CARD_DOES_CDA: u8 = 0x01;

/// Byte 3 of the terminal capabilities (Book 4, annex A2).
const TERMINAL_DOES_SDA: u8 = 0x80;
const TERMINAL_DOES_DDA: u8 = 0x40;
const TERMINAL_DOES_CDA: u8 = 0x08;

/// How a card is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Static: the issuer signed the data once. Shows nothing about who copied it.
    Static,
    /// Dynamic: the card signs the terminal's challenge.
    Dynamic,
    /// Combined: the card signs its cryptogram.
    Combined,
}

impl Method {
    /// The best that both sides can do, if there is any: CDA before DDA before SDA (Book 3, 10.3).
    pub fn choose(aip: [u8; 2], capabilities: [u8; 3]) -> Option<Self> {
        [
            (Self::Combined, CARD_DOES_CDA, TERMINAL_DOES_CDA),
            (Self::Dynamic, CARD_DOES_DDA, TERMINAL_DOES_DDA),
            (Self::Static, CARD_DOES_SDA, TERMINAL_DOES_SDA),
        ]
        .into_iter()
        .find(|(_, card, terminal)| aip[0] & card != 0 && capabilities[2] & terminal != 0)
        .map(|(method, ..)| method)
    }
}
