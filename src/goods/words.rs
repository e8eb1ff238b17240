//! What units and columns of tables are called, from `assets/goods.toml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::good::Unit;
use super::table::Column;
use crate::wording::Language;

/// Names of one thing in each language; the first is the one that is written.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    zh: Vec<String>,
    en: Vec<String>,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    columns: BTreeMap<String, Names>,
    answers: BTreeMap<String, Names>,
    units: BTreeMap<String, Names>,
}

impl Names {
    fn has(&self, text: &str) -> bool {
        let text = text.trim().to_lowercase();
        self.zh.iter().chain(&self.en).any(|name| *name == text)
    }

    fn first(&self, language: Language) -> &str {
        let names = match language {
            Language::Chinese => &self.zh,
            Language::English => &self.en,
        };
        names.first().map_or("", String::as_str)
    }
}

/// The unit of a word.
pub(super) fn unit(text: &str) -> Option<Unit> {
    Unit::ALL.into_iter().find(|unit| words().units.get(unit.word()).is_some_and(|names| names.has(text)))
}

/// What people call a unit.
pub(super) fn name_of(unit: Unit, language: Language) -> &'static str {
    words().units.get(unit.word()).map_or(unit.word(), |names| names.first(language))
}

/// All words for units.
pub(super) fn units() -> String {
    let all = Unit::ALL.into_iter().filter_map(|unit| words().units.get(unit.word()));
    all.flat_map(|names| names.en.iter().chain(&names.zh)).map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The column that is headed so.
pub(super) fn column(heading: &str) -> Option<Column> {
    Column::ALL.into_iter().find(|column| words().columns.get(column.word()).is_some_and(|names| names.has(heading)))
}

/// What a column is headed with.
pub(super) fn heading(column: Column, language: Language) -> &'static str {
    words().columns.get(column.word()).map_or(column.word(), |names| names.first(language))
}

/// Yes or no.
pub(super) fn answer(text: &str) -> Option<bool> {
    let is = |word: &str| words().answers.get(word).is_some_and(|names| names.has(text));
    if is("yes") { Some(true) } else { is("no").then_some(false) }
}

/// What is written for yes or no.
pub(super) fn answer_word(yes: bool, language: Language) -> &'static str {
    words().answers.get(if yes { "yes" } else { "no" }).map_or("", |names| names.first(language))
}

fn words() -> &'static Words {
    static WORDS: OnceLock<Words> = OnceLock::new();
    // The file is part of the program; `every_word_means_one_thing` proves that it parses.
    WORDS.get_or_init(|| toml::from_str(include_str!("../../assets/goods.toml")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_means_one_thing() {
        let words = words();
        assert_eq!(words.columns.len(), Column::ALL.len());
        assert_eq!(words.units.len(), Unit::ALL.len());
        for kind in [&words.columns, &words.answers, &words.units] {
            let mut all: Vec<&String> = kind.values().flat_map(|names| names.zh.iter().chain(&names.en)).collect();
            assert!(all.iter().all(|word| **word == word.to_lowercase()), "compared in small letters");
            let count = all.len();
            all.sort();
            all.dedup();
            assert_eq!(all.len(), count);
        }
    }

    #[test]
    fn what_is_written_is_understood() {
        for language in [Language::Chinese, Language::English] {
            for column in Column::ALL {
                assert_eq!(super::column(heading(column, language)), Some(column));
            }
            for yes in [true, false] {
                assert_eq!(answer(answer_word(yes, language)), Some(yes));
            }
        }
        assert_eq!(super::column(" Barcode "), Some(Column::Barcodes));
        assert_eq!(answer(""), Some(false));
        assert_eq!(answer("perhaps"), None);
    }
}
