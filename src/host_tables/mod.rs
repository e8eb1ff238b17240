//! What the acquirer decides about a terminal beside applications and keys: its parameters, the banks behind card numbers,
//! cards that are not taken, and words for response codes. Read from TOML, checked as a whole, written to TOML.

mod cards;
mod instalments;
mod numbers;
mod parameters;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use self::cards::{CardKind, CardRange};
pub use self::instalments::{InstalmentOffer, LEAST_PERIODS, LONGEST_PROGRAMME, MOST_OFFERED, MOST_PERIODS};
pub use self::numbers::{CardNumber, NumberKey, is_whole};
pub use self::parameters::{LONGEST_FALLBACK_S, OfflineLimits, TerminalParameters, Transaction, is_link_base};
use crate::crypto::rsa::sha_1;
use crate::crypto::{CryptoError, hex};
use crate::wording::{HostWords, Reason, ReasonKind};

/// Longest name and longest sentence, in bytes.
const LONGEST_TEXT: usize = 255;

/// The most records a table may have: a request says in four digits how many have come.
pub const MOST_RECORDS: usize = 9999;

/// All tables; empty where the acquirer has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostTables {
    /// Settings of the terminal that are the acquirer's to make.
    pub terminal: TerminalParameters,
    /// Cards, by the beginnings of their numbers.
    pub card: Vec<CardRange>,
    /// Single cards, by their whole numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub number: Vec<CardNumber>,
    /// Words for response codes.
    pub text: Vec<ResponseText>,
    /// Under which single cards are known. Without it none is.
    #[serde(skip)]
    pub number_key: Option<NumberKey>,
}

/// What the list says of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// The bank.
    pub bank: &'a str,
    /// What kind of card.
    pub kind: CardKind,
    /// The acquirer does not take it.
    pub refused: bool,
}

/// Words for a response code; what is left out is said in this program's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseText {
    /// Field 39.
    pub code: String,
    /// What happened, in Chinese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zh: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zh_do: Option<String>,
    /// What happened, in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en_do: Option<String>,
}

/// Tables that must not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostTablesError {
    /// They are not of their shape.
    #[error("tables: {0}")]
    Shape(String),
    /// A value cannot be.
    #[error("tables, {place}: {problem}")]
    Value {
        /// Which value.
        place: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl HostTables {
    /// Reads and checks tables.
    ///
    /// # Errors
    /// When they are not of their shape, or a value cannot be.
    pub fn parse(text: &str) -> Result<Self, HostTablesError> {
        // Without the line it is about: a host's file may have a whole card number in it.
        let shape = |error: toml::de::Error| {
            let line = error.span().map(|span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count());
            let place = line.map_or_else(String::new, |line| format!("line {line}: "));
            HostTablesError::Shape(format!("{place}{}", error.message()))
        };
        let tables: Self = toml::from_str(text).map_err(shape)?;
        tables.check()?;
        Ok(tables)
    }

    /// The tables as text that [`HostTables::parse`] reads.
    ///
    /// # Errors
    /// When a value cannot be.
    pub fn text(&self) -> Result<String, HostTablesError> {
        self.check()?;
        toml::to_string(self).map_err(|error| HostTablesError::Shape(error.to_string()))
    }

    /// The entry of a card: that of its whole number, or that with the longest beginning, and one for a single card before one
    /// for many. Of a number that is known only in part, with others in place of digits, those that it may be none of are left
    /// out.
    pub fn card(&self, number: &str) -> Option<Listed<'_>> {
        match self.single_card(number) {
            Ok(None) => {}
            Ok(Some(CardNumber { bank, kind, refused, .. })) => {
                return Some(Listed { bank, kind: *kind, refused: *refused });
            }
            // Nobody can say that it is none of those that are not taken.
            Err(_) => return Some(Listed { bank: "", kind: CardKind::Other, refused: true }),
        }
        let range = self.card.iter().filter(|range| range.holds(number)).max_by_key(|range| range.precision());
        range.map(|CardRange { bank, kind, refused, .. }| Listed { bank, kind: *kind, refused: *refused })
    }

    fn single_card(&self, number: &str) -> Result<Option<&CardNumber>, CryptoError> {
        // Most lists have none, and then nothing is computed.
        let (Some(key), false) = (&self.number_key, self.number.is_empty()) else { return Ok(None) };
        let digest = key.digest(number)?;
        Ok(self.number.iter().find(|card| card.digest == digest))
    }

    /// A reason in the acquirer's words for its response code, where it sent any.
    #[must_use]
    pub fn in_own_words(&self, reason: Reason) -> Reason {
        let code = match (reason.kind, &reason.code) {
            (ReasonKind::HostDeclined, Some(code)) => code.as_str(),
            _ => return reason,
        };
        let words = self.text.iter().find(|text| text.code == code).map(|text| Box::new(text.words()));
        Reason { words, ..reason }
    }

    /// What tells the terminal's parameters and the words for response codes from others: SHA-1, hexadecimal.
    pub fn parameters_digest(&self) -> String {
        digest(&Self { card: Vec::new(), number: Vec::new(), ..self.clone() })
    }

    /// The same of the list of cards.
    pub fn cards_digest(&self) -> String {
        digest(&Self { card: self.card.clone(), number: self.number.clone(), ..Self::default() })
    }

    /// There is nothing in them.
    pub fn is_empty(&self) -> bool {
        *self == Self { number_key: self.number_key.clone(), ..Self::default() }
    }

    fn check(&self) -> Result<(), HostTablesError> {
        self.terminal.check()?;
        if self.card.len() + self.number.len() > MOST_RECORDS || self.text.len() > MOST_RECORDS {
            return wrong("a table".to_owned(), "it has more than 9999 records");
        }
        let mut cards = BTreeSet::new();
        for range in &self.card {
            range.check()?;
            if !cards.insert((&range.prefix, &range.ending)) {
                return wrong(range.name(), "it comes twice");
            }
        }
        let mut numbers = BTreeSet::new();
        for card in &self.number {
            card.check()?;
            if !numbers.insert(&card.digest) {
                return wrong(card.name(), "it comes twice");
            }
        }
        let mut codes = BTreeSet::new();
        for text in &self.text {
            let code = &text.code;
            let place = || format!("text {code}");
            if code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return wrong(place(), "a response code has two letters or digits");
            }
            let said = [&text.zh, &text.zh_do, &text.en, &text.en_do];
            if !said.into_iter().flatten().all(|text| is_text(text)) {
                return wrong(place(), NO_TEXT);
            }
            if said.into_iter().all(Option::is_none) {
                return wrong(place(), "it says nothing in any language");
            }
            if !codes.insert(code) {
                return wrong(place(), "it comes twice");
            }
        }
        Ok(())
    }
}

fn digest(tables: &HostTables) -> String {
    hex::encode(&sha_1(&[toml::to_string(tables).unwrap_or_default().as_bytes()]))
}

impl ResponseText {
    fn words(&self) -> HostWords {
        let Self { zh, zh_do, en, en_do, .. } = self.clone();
        HostWords { zh, zh_do, en, en_do }
    }
}

const NO_TEXT: &str = "a text has 1 to 255 bytes and no control characters";

fn is_text(text: &str) -> bool {
    (1..=LONGEST_TEXT).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn wrong<T>(place: String, problem: &'static str) -> Result<T, HostTablesError> {
    Err(HostTablesError::Value { place, problem })
}

#[cfg(test)]
mod tests;
