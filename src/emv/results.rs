//! What the terminal found out and did: TVR and TSI (EMV 4.4 Book 3, annex C5 and C6).

use std::fmt;

/// Terminal verification results (tag 95): five bytes, one bit for each thing that was found.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Tvr(pub [u8; 5]);

/// Transaction status information (tag 9B): two bytes, one bit for each step that was performed, even in vain.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Tsi(pub [u8; 2]);

/// One bit of the TVR or TSI: byte counted from 1 and bit from 8 down to 1, as the Books write them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bit {
    byte: u8,
    bit: u8,
}

macro_rules! bits {
    ($owner:ident { $($(#[$doc:meta])* $name:ident = $byte:literal, $bit:literal;)* }) => {
        impl $owner { $($(#[$doc])* pub const $name: Bit = Bit { byte: $byte, bit: $bit };)* }
    };
}

bits!(Tvr {
    /// Offline data authentication was not performed.
    ODA_NOT_PERFORMED = 1, 8;
    /// SDA failed.
    SDA_FAILED = 1, 7;
    /// ICC data missing.
    CARD_DATA_MISSING = 1, 6;
    /// Card appears on terminal exception file.
    ON_EXCEPTION_FILE = 1, 5;
    /// DDA failed.
    DDA_FAILED = 1, 4;
    /// CDA failed.
    CDA_FAILED = 1, 3;
    /// SDA selected.
    SDA_SELECTED = 1, 2;
    /// ICC and terminal have different application versions.
    VERSIONS_DIFFER = 2, 8;
    /// Expired application.
    EXPIRED = 2, 7;
    /// Application not yet effective.
    NOT_YET_EFFECTIVE = 2, 6;
    /// Requested service not allowed for card product.
    SERVICE_NOT_ALLOWED = 2, 5;
    /// New card.
    NEW_CARD = 2, 4;
    /// Cardholder verification was not successful.
    CVM_FAILED = 3, 8;
    /// Unrecognised CVM.
    CVM_UNRECOGNISED = 3, 7;
    /// PIN try limit exceeded.
    PIN_TRIES_EXCEEDED = 3, 6;
    /// PIN entry required and PIN pad not present or not working.
    PIN_PAD_MISSING = 3, 5;
    /// PIN entry required, PIN pad present, but PIN was not entered.
    PIN_NOT_ENTERED = 3, 4;
    /// Online PIN entered.
    ONLINE_PIN_ENTERED = 3, 3;
    /// Transaction exceeds floor limit.
    FLOOR_LIMIT_EXCEEDED = 4, 8;
    /// Lower consecutive offline limit exceeded.
    LOWER_LIMIT_EXCEEDED = 4, 7;
    /// Upper consecutive offline limit exceeded.
    UPPER_LIMIT_EXCEEDED = 4, 6;
    /// Transaction selected randomly for online processing.
    SELECTED_RANDOMLY = 4, 5;
    /// Merchant forced transaction online.
    FORCED_ONLINE = 4, 4;
    /// A selected biometric type not supported.
    BIOMETRIC_NOT_SUPPORTED = 4, 2;
    /// Default TDOL used.
    DEFAULT_TDOL_USED = 5, 8;
    /// Issuer authentication failed.
    ISSUER_AUTHENTICATION_FAILED = 5, 7;
    /// Script processing failed before final GENERATE AC.
    SCRIPT_FAILED_BEFORE = 5, 6;
    /// Script processing failed after final GENERATE AC.
    SCRIPT_FAILED_AFTER = 5, 5;
});

bits!(Tsi {
    /// Offline data authentication was performed.
    ODA_PERFORMED = 1, 8;
    /// Cardholder verification was performed.
    CVM_PERFORMED = 1, 7;
    /// Card risk management was performed.
    CARD_RISK_PERFORMED = 1, 6;
    /// Issuer authentication was performed.
    ISSUER_AUTHENTICATION_PERFORMED = 1, 5;
    /// Terminal risk management was performed.
    TERMINAL_RISK_PERFORMED = 1, 4;
    /// Script processing was performed.
    SCRIPT_PERFORMED = 1, 3;
});

impl Tvr {
    /// Sets a bit.
    pub fn set(&mut self, bit: Bit) {
        bit.set_in(&mut self.0);
    }

    /// The same results with a bit not set.
    #[must_use]
    pub fn without(mut self, bit: Bit) -> Self {
        if let Some(byte) = self.0.get_mut(usize::from(bit.byte) - 1) {
            *byte &= !bit.mask();
        }
        self
    }

    /// True when the bit is set.
    pub fn has(self, bit: Bit) -> bool {
        self.0.get(usize::from(bit.byte) - 1).is_some_and(|byte| byte & bit.mask() != 0)
    }

    /// True when a bit is set here and in `code`, which is an action code.
    pub fn intersects(self, code: [u8; 5]) -> bool {
        self.0.iter().zip(code).any(|(found, mask)| found & mask != 0)
    }
}

impl Tsi {
    /// Sets a bit.
    pub fn set(&mut self, bit: Bit) {
        bit.set_in(&mut self.0);
    }
}

impl Bit {
    const fn mask(self) -> u8 {
        1 << (self.bit - 1)
    }

    fn set_in(self, bytes: &mut [u8]) {
        if let Some(byte) = bytes.get_mut(usize::from(self.byte) - 1) {
            *byte |= self.mask();
        }
    }
}

impl fmt::Debug for Tvr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tvr({})", crate::crypto::hex::encode(&self.0))
    }
}

impl fmt::Debug for Tsi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tsi({})", crate::crypto::hex::encode(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_stand_where_the_book_puts_them() {
        let mut tvr = Tvr::default();
        tvr.set(Tvr::ODA_NOT_PERFORMED);
        tvr.set(Tvr::CVM_FAILED);
        tvr.set(Tvr::FLOOR_LIMIT_EXCEEDED);
        assert_eq!(tvr.0, [0x80, 0x00, 0x80, 0x80, 0x00]);
        assert!(tvr.has(Tvr::CVM_FAILED) && !tvr.has(Tvr::EXPIRED));
        assert!(tvr.intersects([0, 0, 0, 0x80, 0]) && !tvr.intersects([0x7F, 0xFF, 0x7F, 0x7F, 0xFF]));
        let mut tsi = Tsi::default();
        tsi.set(Tsi::CVM_PERFORMED);
        tsi.set(Tsi::TERMINAL_RISK_PERFORMED);
        assert_eq!(tsi.0, [0x48, 0x00]);
    }
}
