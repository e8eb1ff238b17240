//! What a sandbox card is: a TOML file in `assets/sandbox/cards/`. The sandbox host reads the same files for the
//! accounts behind the cards.

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::pin::ReferencePin;
pub use super::shipped::SHIPPED;
use crate::crypto::emv::{Algorithm, IssuerKey, SequenceNumber};
use crate::crypto::{CryptoError, hex};
use crate::sandbox::issuer::{Issuer, ResponseMethod};

/// A card.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardProfile {
    /// One line for lists.
    pub title: String,
    /// Answer to reset, hexadecimal; it decides on T=0 or T=1.
    pub atr: String,
    /// The card has a directory (PSE); without one a terminal tries its own list of names.
    #[serde(default = "yes")]
    pub directory: bool,
    /// The whole card is blocked: it answers every SELECT with 6A81.
    #[serde(default)]
    pub blocked: bool,
    /// Its applications, in the order in which the card finds them.
    #[serde(rename = "application")]
    pub applications: Vec<ApplicationProfile>,
}

/// An application of a card, and the account behind it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationProfile {
    /// Application identifier, hexadecimal.
    pub aid: String,
    /// Application label (tag 50).
    pub label: String,
    /// Application preferred name (tag 9F12), in ISO 8859-1. Left out when absent.
    #[serde(default)]
    pub preferred_name: Option<String>,
    /// Priority among the card's applications, 1 the highest, 0 none (tag 87).
    #[serde(default = "first")]
    pub priority: u8,
    /// The application may be chosen with the cardholder's consent only (tag 87).
    #[serde(default)]
    pub confirmation: bool,
    /// The application is blocked from the beginning: SELECT warns with 6283, and it declines everything.
    #[serde(default)]
    pub blocked: bool,
    /// Test card number; no issuer has given it to anybody.
    pub pan: String,
    /// PAN sequence number (tag 5F34).
    #[serde(deserialize_with = "sequence_number")]
    pub sequence_number: SequenceNumber,
    /// Expiry, `YYMM`.
    pub expiry: String,
    /// First day of validity (tag 5F25), `YYMMDD`.
    #[serde(default = "default_effective")]
    pub effective: String,
    /// Service code, three digits.
    pub service_code: String,
    /// Name on the card (tag 5F20), at most 26 characters.
    #[serde(default = "default_cardholder")]
    pub cardholder: String,
    /// Issuer's country (tag 5F28), ISO 3166 numeric.
    #[serde(default = "china")]
    pub country: u16,
    /// Currency of the account (tag 9F42), ISO 4217 numeric.
    #[serde(default = "china")]
    pub currency: u16,
    /// How the card shows offline that it is genuine.
    #[serde(default)]
    pub authentication: Authentication,
    /// Cardholder verification method list (tag 8E), hexadecimal.
    pub cvm_list: String,
    /// Issuer action codes: default, denial, online, hexadecimal.
    pub iac: [String; 3],
    /// The card asks for terminal data before it begins (PDOL).
    #[serde(default = "yes")]
    pub pdol: bool,
    /// Format of the answers to GET PROCESSING OPTIONS, INTERNAL AUTHENTICATE and GENERATE AC: 1 (tag 80) or 2 (tag
    /// 77). A combined signature has always format 2.
    #[serde(default)]
    pub format: AnswerFormat,
    /// How the issuer's proof reaches the card.
    #[serde(default)]
    pub issuer_authentication: IssuerAuthentication,
    /// The PIN the card itself knows, a TEST one. Without it the card knows none.
    #[serde(default)]
    pub pin: Option<ReferencePin>,
    /// Wrong PINs in a row until the card refuses more, 1 to 15.
    #[serde(default = "three")]
    pub pin_tries: u8,
    /// How many of them a new card has left; all, when absent.
    #[serde(default)]
    pub pin_tries_left: Option<u8>,
    /// PINs are enciphered with a key of their own instead of the key that signs (Book 2, 7.1).
    #[serde(default)]
    pub pin_key: bool,
    /// Up to this amount, in minor units of its own currency, the card approves offline when it is asked for a TC. At 0
    /// it always wants to go online.
    #[serde(default)]
    pub offline_limit: u64,
    /// Transactions since the last one online after which the card does not approve offline any more (tag 9F58, PBOC).
    #[serde(default)]
    pub consecutive_limit: Option<u8>,
    /// Lower and upper limit of consecutive offline transactions for the terminal's velocity check (tags 9F14 and
    /// 9F23).
    #[serde(default)]
    pub velocity: Option<[u8; 2]>,
    /// The card declines at its last word what its issuer has approved: to see a terminal reverse.
    #[serde(default)]
    pub declines_after_approval: bool,
    /// What only the issuer knows.
    pub issuer: IssuerEntry,
}

/// Offline data authentication (EMV 4.4 Book 2, 5 and 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authentication {
    /// None at all.
    None,
    /// The issuer has signed what is on the card.
    Sda,
    /// The card signs a number of the terminal's.
    Dda,
    /// That, and the card signs its cryptograms as well.
    #[default]
    Cda,
}

/// Format of an answer (EMV 4.4 Book 3, 6.5.8.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u8")]
pub enum AnswerFormat {
    /// Values one behind the other in tag 80.
    One,
    /// Data objects in tag 77.
    #[default]
    Two,
}

/// How issuer authentication data reaches the card; never both ways (EMV 4.4 Book 3, 10.9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssuerAuthentication {
    /// Within the second GENERATE AC: CDOL2 asks for tag 91.
    #[default]
    SecondCryptogram,
    /// By EXTERNAL AUTHENTICATE, which the application interchange profile announces.
    Command,
}

impl TryFrom<u8> for AnswerFormat {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, &'static str> {
        match number {
            1 => Ok(Self::One),
            2 => Ok(Self::Two),
            _ => Err("a format is 1 or 2"),
        }
    }
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

const fn yes() -> bool {
    true
}

const fn first() -> u8 {
    1
}

const fn three() -> u8 {
    3
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

impl ApplicationProfile {
    /// The issuer behind it.
    ///
    /// # Errors
    /// When key or number are not what they should be.
    pub fn issuer(&self) -> Result<Issuer, CryptoError> {
        Issuer::new(&self.issuer_key()?, &self.pan, self.sequence_number, self.issuer.response_method)
    }

    /// The issuer's master key.
    ///
    /// # Errors
    /// When it is not 16 bytes in hexadecimal.
    pub fn issuer_key(&self) -> Result<IssuerKey, CryptoError> {
        let key = Zeroizing::new(hex::decode(&self.issuer.master_key).unwrap_or_default());
        IssuerKey::new(self.issuer.algorithm, &key)
    }
}

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
    fn an_unknown_name_is_answered_with_the_known_ones() {
        assert!(CardProfile::shipped("nobody").unwrap_err().to_string().contains("unionpay-debit"));
    }

    #[test]
    fn a_value_that_cannot_be_read_is_named() {
        let text = SHIPPED.iter().find(|(name, _)| *name == "unionpay-debit").unwrap().1;
        for (key, right, wrong) in [
            ("sequence_number", "sequence_number = 1", "sequence_number = 100"),
            ("pan", "pan = \"6228480000000001230\"", "pan = 6228480000000001230"),
            ("authentication", "label =", "authentication = \"rsa\"\nlabel ="),
            ("format", "label =", "format = 3\nlabel ="),
            ("issuer_authentication", "label =", "issuer_authentication = \"both\"\nlabel ="),
            ("pin", "label =", "pin = \"123\"\nlabel ="),
            ("colour", "label =", "colour = \"red\"\nlabel ="),
            ("algorithm", "balance =", "algorithm = \"des\"\nbalance ="),
            ("response_method", "balance =", "response_method = 3\nbalance ="),
        ] {
            let changed = text.replacen(right, wrong, 1);
            assert_ne!(changed, text, "{key}");
            let error = CardProfile::parse("mine.toml", &changed).unwrap_err().to_string();
            assert!(error.contains(key) && error.contains("mine.toml"), "{key}: {error}");
        }
    }
}
