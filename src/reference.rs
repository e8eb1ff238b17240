//! The numbers that name a transaction between terminal, acquirer and issuer, and the ones that name the terminal.
//!
//! Each is a type of its own, so that a STAN cannot stand where a batch number belongs.

use std::fmt;

/// What makes a text not one of these numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" is not a {what}")]
pub struct ReferenceError {
    /// Name of the number, in the field's words.
    pub what: &'static str,
    /// The value that was refused.
    pub value: String,
}

macro_rules! six_digits {
    ($(#[$doc:meta])* $name:ident, $what:literal, $first:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The number given to the first of its kind.
            pub const FIRST: Self = Self(1);

            /// # Errors
            /// When the number has more than six digits or is below the smallest allowed.
            pub fn new(number: u32) -> Result<Self, ReferenceError> {
                if ($first..=999_999).contains(&number) {
                    Ok(Self(number))
                } else {
                    Err(ReferenceError { what: $what, value: number.to_string() })
                }
            }

            /// Reads up to six digits.
            ///
            /// # Errors
            /// When it is not a number of that range.
            pub fn parse(text: &str) -> Result<Self, ReferenceError> {
                let refused = || ReferenceError { what: $what, value: text.to_owned() };
                if text.is_empty() || text.len() > 6 || !text.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(refused());
                }
                Self::new(text.parse().map_err(|_| refused())?)
            }

            /// The number itself.
            pub const fn number(self) -> u32 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:06}", self.0)
            }
        }
    };
}

six_digits!(
    /// System trace audit number (ISO 8583 field 11, 凭证号): names one request of this terminal within a batch.
    Stan, "STAN (000001 to 999999)", 1
);
six_digits!(
    /// Batch number (field 60.2, 批次号): names one settlement period.
    Batch, "batch number (000001 to 999999)", 1
);

impl Stan {
    /// The one after this; after 999999 comes 000001.
    pub const fn next(self) -> Self {
        if self.0 >= 999_999 { Self(1) } else { Self(self.0 + 1) }
    }
}

macro_rules! text_of_length {
    ($(#[$doc:meta])* $name:ident, $what:literal, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Reads the text, exactly as long as the field.
            ///
            /// # Errors
            /// When the length differs or a character is outside printable ASCII.
            pub fn parse(text: &str) -> Result<Self, ReferenceError> {
                if text.len() == $length && text.bytes().all(|b| (0x20..0x7F).contains(&b)) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(ReferenceError { what: $what, value: text.to_owned() })
                }
            }

            /// The text as it stands in the field.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_of_length!(
    /// Retrieval reference number (field 37, 参考号): the acquirer's name for the transaction.
    Rrn, "retrieval reference number (12 characters)", 12
);
text_of_length!(
    /// Authorisation code (field 38, 授权码): the issuer's word.
    AuthorisationCode, "authorisation code (6 characters)", 6
);
text_of_length!(
    /// Response code (field 39, 应答码).
    ResponseCode, "response code (2 characters)", 2
);
text_of_length!(
    /// Merchant code (field 42, 商户号): the "one code" of the terminal.
    MerchantCode, "merchant code (15 characters)", 15
);
text_of_length!(
    /// Terminal number (field 41, 终端号), given by the acquirer.
    TerminalNumber, "terminal number (8 characters)", 8
);

/// Batch and STAN: what names a transaction of this terminal, on paper and in a reversal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceNumber {
    /// Settlement period.
    pub batch: Batch,
    /// Request within it.
    pub stan: Stan,
}

impl fmt::Display for TraceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.batch, self.stan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stan_goes_from_one_to_999999_and_round() {
        assert_eq!(Stan::new(999_999).unwrap().next(), Stan::FIRST);
        assert!(Stan::new(0).is_err());
        assert!(Stan::new(1_000_000).is_err());
        assert_eq!(Stan::parse("000123").unwrap().to_string(), "000123");
        assert!(Stan::parse("+12").is_err());
    }

    #[test]
    fn texts_have_the_length_of_their_field() {
        assert!(ResponseCode::parse("00").is_ok());
        assert!(ResponseCode::parse("0").is_err());
        assert!(MerchantCode::parse("898440100000001").is_ok());
        assert!(TerminalNumber::parse("1234567\u{7f}").is_err());
    }
}
