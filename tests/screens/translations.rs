//! Every word of the screen is translated, and no translation is left over.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn files(folder: &Path, ending: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|it| it == ending) {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
}

/// The string literal that `text` begins with.
fn literal(text: &str) -> &str {
    let inner = text.strip_prefix('"').unwrap();
    let end = inner.find('"').unwrap();
    assert!(!inner[..end].contains('\\'), "escapes are not read here: {inner}");
    &inner[..end]
}

/// Words of the screen: for one, and for many where the number matters.
type Words = (String, Option<String>);

/// The words of `@tr("…")` and of `@tr("…" | "…" % number)`.
fn said_in_slint() -> BTreeSet<Words> {
    let mut sources = Vec::new();
    files(Path::new("ui"), "slint", &mut sources);
    sources
        .iter()
        .flat_map(|source| source.split("@tr(").skip(1))
        .map(|rest| {
            let one = literal(rest);
            let after = rest[one.len() + 2..].trim_start();
            (one.to_owned(), after.strip_prefix('|').map(|many| literal(many.trim_start()).to_owned()))
        })
        .collect()
}

/// The catalogue: words and what they are in Chinese, which has one form for every number.
fn translated() -> Vec<(Words, String)> {
    let catalogue = fs::read_to_string("ui/lang/zh_CN/LC_MESSAGES/yima.po").unwrap();
    let entry = |paragraph: &str| {
        let after = |keyword: &str| {
            paragraph.lines().find_map(|line| line.strip_prefix(keyword)).map(|text| literal(text).to_owned())
        };
        let many = after("msgid_plural ");
        let text = after(if many.is_some() { "msgstr[0] " } else { "msgstr " });
        ((after("msgid ").unwrap(), many), text.unwrap())
    };
    // The first paragraph is the head.
    catalogue.split("\n\n").skip(1).map(entry).collect()
}

#[test]
fn every_word_has_a_translation_and_every_translation_a_word() {
    let said = said_in_slint();
    assert!(said.len() > 30, "the words of the screen were found");
    let known: BTreeSet<Words> = translated().into_iter().map(|(words, _)| words).collect();
    assert_eq!(said.difference(&known).collect::<Vec<_>>(), Vec::<&Words>::new(), "without translation");
    assert_eq!(known.difference(&said).collect::<Vec<_>>(), Vec::<&Words>::new(), "translated, but not said");
}

#[test]
fn a_translation_keeps_the_places_and_is_not_empty() {
    for ((one, many), text) in translated() {
        assert!(!text.is_empty(), "{one:?} is empty");
        for other in [Some(text), many].into_iter().flatten() {
            for place in ["{}", "{n}"] {
                assert_eq!(one.matches(place).count(), other.matches(place).count(), "{one:?} and {other:?}");
            }
        }
    }
}
