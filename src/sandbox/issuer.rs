//! What the sandbox card and its issuer (in the sandbox host) agree on: which data a cryptogram covers, and how the
//! issuer's own data in the cryptogram's answer is laid out.
//!
//! The layout follows the public descriptions of PBOC 3.0 cards: 9F10 = length 07, key index, cryptogram version,
//! card verification results (4 bytes), algorithm (01 = TDES).

/// Cryptogram version of the sandbox cards, third byte of 9F10.
pub const CRYPTOGRAM_VERSION: u8 = 0x01;

/// Where the card verification results stand in 9F10.
pub const CVR_IN_ISSUER_DATA: std::ops::Range<usize> = 3..7;

/// The data an ARQC, TC or AAC covers, in this order.
#[derive(Clone, Copy, Debug)]
pub struct CryptogramInput<'a> {
    /// 9F02, 6 bytes.
    pub amount_authorised: &'a [u8],
    /// 9F03, 6 bytes.
    pub amount_other: &'a [u8],
    /// 9F1A, 2 bytes.
    pub terminal_country: &'a [u8],
    /// 95, 5 bytes.
    pub tvr: &'a [u8],
    /// 5F2A, 2 bytes.
    pub currency: &'a [u8],
    /// 9A, 3 bytes.
    pub date: &'a [u8],
    /// 9C, 1 byte.
    pub transaction_type: &'a [u8],
    /// 9F37, 4 bytes.
    pub unpredictable_number: &'a [u8],
    /// 82, 2 bytes.
    pub aip: &'a [u8],
    /// 9F36, 2 bytes.
    pub atc: &'a [u8],
    /// Card verification results, 4 bytes of 9F10.
    pub card_verification_results: &'a [u8],
}

impl CryptogramInput<'_> {
    /// All parts one behind the other.
    pub fn bytes(&self) -> Vec<u8> {
        [
            self.amount_authorised,
            self.amount_other,
            self.terminal_country,
            self.tvr,
            self.currency,
            self.date,
            self.transaction_type,
            self.unpredictable_number,
            self.aip,
            self.atc,
            self.card_verification_results,
        ]
        .concat()
    }
}
