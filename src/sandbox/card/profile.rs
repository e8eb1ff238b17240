//! What a sandbox card is: a TOML file in `assets/sandbox/cards/`. The sandbox host reads the same files for the accounts
//! behind the cards.

use serde::{Deserialize, Deserializer};

use crate::crypto::emv::{Algorithm, SequenceNumber};
use crate::sandbox::issuer::ResponseMethod;

/// A card and the account behind it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardProfile {
    /// One line for lists.
    pub title: String,
    /// Answer to reset, hexadecimal.
    pub atr: String,
    /// Application identifier, hexadecimal.
    pub aid: String,
    /// Application label (tag 50).
    pub label: String,
    /// Test card number; no issuer has given it to anybody.
    pub pan: String,
    /// PAN sequence number (tag 5F34).
    #[serde(deserialize_with = "sequence_number")]
    pub sequence_number: SequenceNumber,
    /// Expiry, `YYMM`.
    pub expiry: String,
    /// Service code, three digits.
    pub service_code: String,
    /// Cardholder verification method list (tag 8E), hexadecimal.
    pub cvm_list: String,
    /// Issuer action codes: default, denial, online, hexadecimal.
    pub iac: [String; 3],
    /// Name on the card (tag 5F20), at most 26 characters.
    #[serde(default = "default_cardholder")]
    pub cardholder: String,
    /// Application preferred name (tag 9F12), in ISO 8859-1. Left out when absent.
    #[serde(default)]
    pub preferred_name: Option<String>,
    /// First day of validity (tag 5F25), `YYMMDD`.
    #[serde(default = "default_effective")]
    pub effective: String,
    /// Issuer's country (tag 5F28), ISO 3166 numeric.
    #[serde(default = "china")]
    pub country: u16,
    /// Currency of the account (tag 9F42), ISO 4217 numeric.
    #[serde(default = "china")]
    pub currency: u16,
    /// Up to this amount, in minor units of its own currency, the card approves offline when it is asked for a TC. At 0 it
    /// always wants to go online.
    #[serde(default)]
    pub offline_limit: u64,
    /// The card declines at its last word what its issuer has approved: to see a terminal reverse.
    #[serde(default)]
    pub declines_after_approval: bool,
    /// What only the issuer knows.
    pub issuer: IssuerEntry,
}

/// The issuer's side of a test card.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerEntry {
    /// Issuer master key for application cryptograms, 16 bytes hexadecimal. A TEST key.
    pub master_key: String,
    /// What the account holds at first, in minor units of CNY.
    pub balance: u64,
    /// What its key is for: `tdes` or `aes`.
    #[serde(default = "tdes", deserialize_with = "algorithm")]
    pub algorithm: Algorithm,
    /// How it proves itself to the card: method 1 or 2 (EMV 4.4 Book 2, 8.2).
    #[serde(default = "method_1", deserialize_with = "response_method")]
    pub response_method: ResponseMethod,
}

const fn tdes() -> Algorithm {
    Algorithm::Tdes
}

const fn method_1() -> ResponseMethod {
    ResponseMethod::One
}

fn sequence_number<'de, D: Deserializer<'de>>(source: D) -> Result<SequenceNumber, D::Error> {
    SequenceNumber::new(u8::deserialize(source)?).map_err(serde::de::Error::custom)
}

fn algorithm<'de, D: Deserializer<'de>>(source: D) -> Result<Algorithm, D::Error> {
    match String::deserialize(source)?.as_str() {
        "tdes" => Ok(Algorithm::Tdes),
        "aes" => Ok(Algorithm::Aes),
        other => Err(serde::de::Error::unknown_variant(other, &["tdes", "aes"])),
    }
}

fn response_method<'de, D: Deserializer<'de>>(source: D) -> Result<ResponseMethod, D::Error> {
    match u8::deserialize(source)? {
        1 => Ok(ResponseMethod::One),
        2 => Ok(ResponseMethod::Two),
        other => Err(serde::de::Error::custom(format!("there is no response method {other}, only 1 and 2"))),
    }
}

fn default_cardholder() -> String {
    "TEST CARD/YIMA".to_owned()
}

fn default_effective() -> String {
    "200101".to_owned()
}

/// 156 in ISO 3166 and, not by chance, CNY in ISO 4217.
const fn china() -> u16 {
    156
}

/// A profile that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("card profile {name}: {problem}")]
pub struct ProfileError {
    /// File or shipped name.
    pub name: String,
    /// What is wrong with it.
    pub problem: String,
}

/// The shipped profiles, by name.
pub const SHIPPED: &[(&str, &str)] =
    &[("unionpay-debit", include_str!("../../../assets/sandbox/cards/unionpay-debit.toml"))];

impl CardProfile {
    /// Reads a profile's text; `name` is for messages.
    ///
    /// # Errors
    /// When the text is not TOML of this shape.
    pub fn parse(name: &str, text: &str) -> Result<Self, ProfileError> {
        toml::from_str(text).map_err(|error| ProfileError { name: name.to_owned(), problem: error.to_string() })
    }

    /// A shipped profile.
    ///
    /// # Errors
    /// When no profile has that name; the message lists those that exist.
    pub fn shipped(name: &str) -> Result<Self, ProfileError> {
        match SHIPPED.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Self::parse(name, text),
            None => {
                let known: Vec<_> = SHIPPED.iter().map(|(known, _)| *known).collect();
                Err(ProfileError {
                    name: name.to_owned(),
                    problem: format!("not known; known are: {}", known.join(", ")),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_profile_can_be_read() {
        for (name, _) in SHIPPED {
            let profile = CardProfile::shipped(name).unwrap();
            assert!(crate::card_number::luhn(&profile.pan), "{name}");
        }
        assert!(CardProfile::shipped("nobody").unwrap_err().to_string().contains("unionpay-debit"));
    }
}
