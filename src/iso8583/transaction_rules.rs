//! Which message each kind of transaction is in a dialect. What a kind is, is not known here: only its word.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::{DialectError, Mti};

/// The words of all kinds there are.
pub const WORDS: [&str; 11] = [
    "sale",
    "offline_sale",
    "pre_authorisation",
    "balance",
    "void",
    "refund",
    "pre_authorisation_void",
    "completion",
    "completion_notice",
    "completion_void",
    "pre_authorisation_top_up",
];

/// Transactions of a dialect.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransactionRules {
    /// Field 22 of what is asked about a card that is not there.
    pub card_away: String,
    /// The most that may be paid of what was set aside, in percent of it.
    pub most_completed_percent: u32,
    /// Field 60, sixth part, of a sale of which the issuer may approve a part; none where the acquirer knows no such thing.
    #[serde(default)]
    pub in_part: Option<String>,
    /// Whether a card without an application that the terminal takes counts as one whose chip could not be read.
    #[serde(default)]
    pub fallback_without_application: bool,
    /// How a message says in which way the card was read.
    pub entry: EntryDigits,
    /// By the word of the kind. One that is not listed is not done.
    messages: BTreeMap<String, TransactionMessage>,
}

/// How a message says in which way a card was read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryDigits {
    /// Field 22, first two digits: by its chip.
    pub chip: String,
    /// By its stripe.
    pub stripe: String,
    /// Its number was typed.
    pub typed: String,
    /// Field 60, fifth part: a stripe stands for a chip that could not be read.
    pub fallback: String,
    /// The same of everything else.
    pub usual: String,
}

impl EntryDigits {
    fn check(&self) -> Result<(), DialectError> {
        let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        let wrong = |problem: &str| Err(DialectError::Key { key: "transactions.entry", problem: problem.to_owned() });
        let modes = [&self.chip, &self.stripe, &self.typed];
        if !modes.iter().all(|mode| digits(mode, 2)) || modes.iter().collect::<BTreeSet<_>>().len() != modes.len() {
            return wrong("chip, stripe and typed have two digits each, and no two are the same");
        }
        if !digits(&self.fallback, 1) || !digits(&self.usual, 1) || self.fallback == self.usual {
            return wrong("fallback and usual have one digit each, and another one");
        }
        Ok(())
    }
}

/// What makes a message one of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransactionMessage {
    /// Message type of the request.
    #[serde(deserialize_with = "request_type")]
    pub mti: Mti,
    /// Field 3.
    pub processing_code: String,
    /// Field 25.
    pub condition: String,
    /// Field 60, first part.
    #[serde(rename = "type")]
    pub transaction_type: String,
}

fn request_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Mti, D::Error> {
    let text = String::deserialize(deserializer)?;
    [Mti::AUTHORISATION_REQUEST, Mti::FINANCIAL_REQUEST, Mti::FINANCIAL_ADVICE]
        .into_iter()
        .find(|mti| mti.to_string() == text)
        .ok_or_else(|| D::Error::custom("mti of a transaction is 0100, 0200 or 0220"))
}

impl TransactionRules {
    /// The message of a kind, by its word.
    pub fn message(&self, word: &str) -> Option<&TransactionMessage> {
        self.messages.get(word)
    }

    /// All kinds that are done, with their messages.
    pub fn messages(&self) -> impl Iterator<Item = (&str, &TransactionMessage)> {
        self.messages.iter().map(|(word, message)| (word.as_str(), message))
    }

    /// The word of the kind, and its message, of which field 60 tells. No two have the same type.
    pub fn of_type(&self, transaction_type: &str) -> Option<(&str, &TransactionMessage)> {
        self.messages().find(|(_, message)| message.transaction_type == transaction_type)
    }

    pub(super) fn check(&self) -> Result<(), DialectError> {
        let wrong = |key, problem: String| Err(DialectError::Key { key, problem });
        let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(&self.card_away, 3) {
            return wrong("transactions.card_away", "it has three digits".to_owned());
        }
        if !(1..=1000).contains(&self.most_completed_percent) {
            return wrong("transactions.most_completed_percent", "it is 1 to 1000".to_owned());
        }
        if self.in_part.as_ref().is_some_and(|digit| !digits(digit, 1)) {
            return wrong("transactions.in_part", "it has one digit".to_owned());
        }
        self.entry.check()?;
        const KEY: &str = "transactions.messages";
        if let Some(word) = self.messages.keys().find(|word| !WORDS.contains(&word.as_str())) {
            return wrong(KEY, format!("there is no {word}; there are {}", WORDS.join(", ")));
        }
        if !self.messages.contains_key("sale") {
            return wrong(KEY, "without a sale a terminal cannot trade".to_owned());
        }
        for (word, message) in &self.messages {
            let TransactionMessage { processing_code, condition, transaction_type, .. } = message;
            if !digits(processing_code, 6) || !digits(condition, 2) || !digits(transaction_type, 2) {
                let problem = format!("{word}: processing_code has six digits, condition and type have two");
                return wrong(KEY, problem);
            }
        }
        // Answers and reversals are told apart by it.
        let types: BTreeSet<_> = self.messages.values().map(|message| &message.transaction_type).collect();
        if types.len() != self.messages.len() {
            return wrong(KEY, "no two have the same type".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::iso8583::{Dialect, Mti};

    #[test]
    fn rules_that_contradict_themselves_are_refused() {
        let text = include_str!("../../assets/dialects/unionpay.toml");
        for (right, wrong, key) in [
            ("card_away = \"012\"", "card_away = \"12\"", "transactions.card_away"),
            ("stripe = \"02\"", "stripe = \"05\"", "transactions.entry"),
            ("fallback = \"2\"", "fallback = \"0\"", "transactions.entry"),
            ("in_part = \"1\"", "in_part = \"11\"", "transactions.in_part"),
            ("most_completed_percent = 115", "most_completed_percent = 0", "transactions.most_completed_percent"),
            ("sale = { mti = \"0200\"", "sale = { mti = \"0400\"", "the message dialect cannot be read"),
            ("sale = { mti", "sail = { mti", "transactions.messages"),
            ("\"310000\"", "\"31000\"", "transactions.messages"),
            ("type = \"23\"", "type = \"22\"", "transactions.messages"),
        ] {
            assert!(text.contains(right), "{right}");
            let error = Dialect::parse(&text.replacen(right, wrong, 1)).unwrap_err().to_string();
            assert!(error.starts_with(key), "{wrong}: {error}");
        }
        let (before, rest) = text.split_once("\nsale = {").unwrap();
        let without_sale = format!("{before}\n{}", rest.split_once('\n').unwrap().1);
        let error = Dialect::parse(&without_sale).unwrap_err().to_string();
        assert!(error.contains("without a sale"), "{error}");
    }

    #[test]
    fn a_kind_is_found_by_its_word_and_by_its_type() {
        let rules = Dialect::shipped("unionpay").unwrap().transactions;
        assert_eq!(rules.message("refund").unwrap().mti, Mti::FINANCIAL_ADVICE);
        assert_eq!(rules.of_type("10").unwrap().0, "pre_authorisation");
        assert_eq!(rules.of_type("36").unwrap().0, "offline_sale");
        assert_eq!((rules.of_type("99"), rules.message("cash")), (None, None));
    }
}
