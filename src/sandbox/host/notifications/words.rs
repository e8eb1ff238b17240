//! What a notification says: sentences of `assets/sandbox/notifications.toml`, filled in.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{About, Event};
use crate::money::{Amount, Currency};
use crate::wording::Language;

const WORDS: &str = include_str!("../../../../assets/sandbox/notifications.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    account: BTreeMap<String, Sentence>,
    event: BTreeMap<String, Sentence>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentence {
    zh: String,
    en: String,
}

impl Sentence {
    fn of(&self, language: Language) -> &str {
        match language {
            Language::Chinese => &self.zh,
            Language::English => &self.en,
        }
    }
}

/// The text; or what is wrong with the words.
pub(super) fn text(event: Event, about: &About<'_>, merchant: &str, language: Language) -> Result<String, String> {
    let words: Words = toml::from_str(WORDS).map_err(|error| error.to_string())?;
    let sentence = |table: &BTreeMap<String, Sentence>, word: &str| {
        table.get(word).map(|sentence| sentence.of(language).to_owned()).ok_or_else(|| format!("no words for {word}"))
    };
    let is_card = about.holder.bytes().all(|byte| byte.is_ascii_digit());
    let tail = if is_card { about.holder.get(about.holder.len().saturating_sub(4)..) } else { Some(about.holder) };
    let account = sentence(&words.account, if is_card { "card" } else { "wallet" })?;
    let account = account.replace("{tail}", tail.unwrap_or_default());
    let amount = Amount::new(about.minor, Currency::CNY).map_err(|error| error.to_string())?;
    // What a shop calls itself comes last: it may look like a place to be filled.
    Ok(sentence(&words.event, event.word())?
        .replace("{account}", &account)
        .replace("{amount}", &amount.signed())
        .replace("{rrn}", about.rrn)
        .replace("{merchant}", merchant))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{Batch, Stan, TraceNumber};

    #[test]
    fn every_event_has_words_in_both_languages_and_none_tells_a_card_number() {
        let trace = TraceNumber { batch: Batch::new(1).unwrap(), stan: Stan::new(2).unwrap() };
        for holder in ["6228480000000001230", "wallet-1"] {
            let about = About { holder, terminal: "10000001", trace, minor: 1234, rrn: "263330000001" };
            for event in Event::ALL {
                for language in [Language::Chinese, Language::English] {
                    let text = text(event, &about, "老王小吃店", language).unwrap();
                    assert!(!text.contains('{') && !text.contains("622848"), "{text}");
                    for wanted in ["老王小吃店", "12.34", "263330000001", &holder[holder.len() - 4..]] {
                        assert!(text.contains(wanted), "{wanted}: {text}");
                    }
                }
            }
        }
    }
}
