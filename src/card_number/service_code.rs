//! The service code of a magnetic stripe: where a card may be used, whom to ask, and how its holder is known (ISO/IEC 7813, table 4).

use std::fmt;

/// Three digits. Nothing in it is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServiceCode([u8; 3]);

/// What the third digit says of a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinDemand {
    /// Nothing is done without one.
    Required,
    /// It is asked for where it can be entered.
    WherePossible,
    /// None is asked for: the cardholder signs.
    None,
}

impl ServiceCode {
    /// Reads three digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 3] = text.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then(|| Self(digits.map(|digit| digit - b'0')))
    }

    /// The card has a chip, which is used where that is possible: 2 for international cards, 6 for national ones.
    pub const fn has_chip(self) -> bool {
        matches!(self.0[0], 2 | 6)
    }

    /// It is used within one country only: 5, or 6 with a chip.
    pub const fn is_national(self) -> bool {
        matches!(self.0[0], 5 | 6)
    }

    /// Nobody but the issuer decides: 2, or 4 unless banks have agreed otherwise. Here every stripe goes to the issuer.
    pub const fn issuer_decides(self) -> bool {
        matches!(self.0[1], 2 | 4)
    }

    /// It pays for goods and services; 3 is for cash machines alone, 4 for cash alone.
    pub const fn pays_for_goods(self) -> bool {
        !matches!(self.0[2], 3 | 4)
    }

    /// Whether a PIN is asked for: 0, 3 and 5 demand it, 6 and 7 want it where there is a pad.
    pub const fn pin(self) -> PinDemand {
        match self.0[2] {
            0 | 3 | 5 => PinDemand::Required,
            6 | 7 => PinDemand::WherePossible,
            _ => PinDemand::None,
        }
    }
}

impl fmt::Display for ServiceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third] = self.0;
        write!(f, "{first}{second}{third}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_digit_says_what_the_standard_says() {
        // First digit: chip, national.
        for (digit, chip, national) in [
            (1, false, false),
            (2, true, false),
            (5, false, true),
            (6, true, true),
            (7, false, false),
            (9, false, false),
        ] {
            let code = ServiceCode::parse(&format!("{digit}01")).unwrap();
            assert_eq!((code.has_chip(), code.is_national()), (chip, national), "{digit}");
        }
        for (digit, issuer) in [(0, false), (2, true), (4, true)] {
            assert_eq!(ServiceCode::parse(&format!("1{digit}1")).unwrap().issuer_decides(), issuer, "{digit}");
        }
        use PinDemand::{None, Required, WherePossible};
        for (digit, pin, goods) in [
            (0, Required, true),
            (1, None, true),
            (2, None, true),
            (3, Required, false),
            (4, None, false),
            (5, Required, true),
            (6, WherePossible, true),
            (7, WherePossible, true),
        ] {
            let code = ServiceCode::parse(&format!("12{digit}")).unwrap();
            assert_eq!((code.pin(), code.pays_for_goods()), (pin, goods), "{digit}");
        }
    }

    #[test]
    fn only_three_digits_are_one() {
        assert_eq!(ServiceCode::parse("220").map(|code| code.to_string()).as_deref(), Some("220"));
        for text in ["", "22", "2201", "2 0", "２20"] {
            assert_eq!(ServiceCode::parse(text), None, "{text:?}");
        }
    }
}
