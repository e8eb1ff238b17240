//! What the acquirer decides about a terminal beside applications and keys: its own settings, the banks behind card numbers,
//! cards that are not taken, and words for response codes. Read from TOML, checked as a whole, written to TOML.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::wording::HostWords;

/// Longest name of a bank or a shop, and longest sentence, in bytes.
const LONGEST_TEXT: usize = 255;

/// The most records a table may have.
pub const MOST_RECORDS: usize = 9999;

/// Seconds the acquirer may give itself for an answer.
const ANSWER_TIMEOUTS_S: std::ops::RangeInclusive<u64> = 10..=99;

/// All tables; empty where the acquirer has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostTables {
    /// Settings of the terminal that are the acquirer's to make.
    pub terminal: TerminalParameters,
    /// Banks, by the beginnings of their card numbers.
    pub card: Vec<CardRange>,
    /// Words for response codes.
    pub text: Vec<ResponseText>,
}

/// Settings that win over those of `yima.toml` and of the identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TerminalParameters {
    /// Seconds to wait for an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_timeout_s: Option<u64>,
    /// Name of the shop on screen and slips.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_name: Option<String>,
    /// Telephone number of the acquirer's help desk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help_desk: Option<String>,
}

/// Cards whose numbers begin alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardRange {
    /// First digits of the number, 2 to 12.
    pub prefix: String,
    /// The bank.
    pub bank: String,
    /// What kind of card.
    pub kind: CardKind,
    /// The acquirer does not take it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

/// What kind of card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CardKind {
    /// Pays from an account.
    Debit,
    /// Pays on credit.
    Credit,
    /// Neither, or not known.
    Other,
}

/// Words for a response code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseText {
    /// Field 39.
    pub code: String,
    /// What is said and what to do.
    #[serde(flatten)]
    pub words: HostWords,
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

impl CardKind {
    /// All of them, in the order of their codes on the wire, from 0.
    pub const ALL: [Self; 3] = [Self::Other, Self::Debit, Self::Credit];
}

impl HostTables {
    /// Reads and checks tables.
    ///
    /// # Errors
    /// When they are not of their shape, or a value cannot be.
    pub fn parse(text: &str) -> Result<Self, HostTablesError> {
        let tables: Self = toml::from_str(text).map_err(|error| HostTablesError::Shape(error.to_string()))?;
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

    /// The range of a card: that with the longest beginning.
    pub fn card(&self, digits: &str) -> Option<&CardRange> {
        self.card.iter().filter(|range| digits.starts_with(&range.prefix)).max_by_key(|range| range.prefix.len())
    }

    /// The acquirer's words for a response code.
    pub fn words(&self, code: &str) -> Option<&HostWords> {
        self.text.iter().find(|text| text.code == code).map(|text| &text.words)
    }

    /// There is nothing in them.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn check(&self) -> Result<(), HostTablesError> {
        let wrong = |place: String, problem| Err(HostTablesError::Value { place, problem });
        let TerminalParameters { answer_timeout_s, merchant_name, help_desk } = &self.terminal;
        if answer_timeout_s.is_some_and(|seconds| !ANSWER_TIMEOUTS_S.contains(&seconds)) {
            return wrong("terminal.answer_timeout_s".to_owned(), "it must be 10 to 99");
        }
        for (key, value) in [("merchant_name", merchant_name), ("help_desk", help_desk)] {
            if value.as_ref().is_some_and(|text| !is_text(text)) {
                return wrong(format!("terminal.{key}"), NO_TEXT);
            }
        }
        if self.card.len() > MOST_RECORDS || self.text.len() > MOST_RECORDS {
            return wrong("a table".to_owned(), "it has more than 9999 records");
        }
        let mut seen = BTreeSet::new();
        for CardRange { prefix, bank, .. } in &self.card {
            let place = format!("card {prefix}");
            if !(2..=12).contains(&prefix.len()) || !prefix.bytes().all(|digit| digit.is_ascii_digit()) {
                return wrong(place, "a beginning has 2 to 12 digits");
            }
            if !is_text(bank) {
                return wrong(place, NO_TEXT);
            }
            if !seen.insert(prefix) {
                return wrong(place, "it comes twice");
            }
        }
        for ResponseText { code, words } in &self.text {
            let place = format!("text {code}");
            if code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return wrong(place, "a response code has two letters or digits");
            }
            if ![&words.zh, &words.zh_do, &words.en, &words.en_do].into_iter().all(|text| is_text(text)) {
                return wrong(place, NO_TEXT);
            }
            if !seen.insert(code) {
                return wrong(place, "it comes twice");
            }
        }
        Ok(())
    }
}

const NO_TEXT: &str = "a text has 1 to 255 bytes and no control characters";

fn is_text(text: &str) -> bool {
    (1..=LONGEST_TEXT).contains(&text.len()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
[terminal]
answer_timeout_s = 45
merchant_name = "老王面馆"
help_desk = "95516"
[[card]]
prefix = "622848"
bank = "农业银行"
kind = "debit"
[[card]]
prefix = "62284800"
bank = "农业银行某分行"
kind = "credit"
refused = true
[[text]]
code = "51"
zh = "卡里的钱不够。"
zh_do = "请换一张卡。"
en = "There is not enough money."
en_do = "Take another card."
"#;

    #[test]
    fn tables_are_written_as_they_were_read() {
        let tables = HostTables::parse(TEXT).unwrap();
        assert_eq!(HostTables::parse(&tables.text().unwrap()), Ok(tables));
        assert!(HostTables::parse("").unwrap().is_empty());
    }

    #[test]
    fn the_longest_beginning_says_which_bank_it_is() {
        let tables = HostTables::parse(TEXT).unwrap();
        assert_eq!(tables.card("6228480000000001230").map(|range| range.refused), Some(true));
        assert_eq!(tables.card("6228481000000001230").map(|range| range.bank.as_str()), Some("农业银行"));
        assert_eq!(tables.card("4111111111111111"), None);
        assert_eq!(tables.words("51").map(|words| words.en.as_str()), Some("There is not enough money."));
        assert_eq!(tables.words("05"), None);
    }

    #[test]
    fn one_wrong_value_makes_all_of_it_unusable_and_is_named() {
        for (from, to, named) in [
            ("45", "9", "terminal.answer_timeout_s"),
            ("老王面馆", "", "terminal.merchant_name"),
            ("95516", "95516\\n", "terminal.help_desk"),
            ("\"62284800\"", "\"622848\"", "card 622848"),
            ("\"62284800\"", "\"62 84800\"", "card 62 84800"),
            ("\"51\"", "\"5\"", "text 5"),
            ("卡里的钱不够。", "", "text 51"),
            ("refused", "refuses", "unknown field"),
        ] {
            let error = HostTables::parse(&TEXT.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(named), "{named}: {error}");
        }
    }
}
