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

fn said_in_slint() -> BTreeSet<String> {
    let mut sources = Vec::new();
    files(Path::new("ui"), "slint", &mut sources);
    sources.iter().flat_map(|source| source.split("@tr(").skip(1)).map(|rest| literal(rest).to_owned()).collect()
}

fn translated() -> Vec<(String, String)> {
    let catalogue = fs::read_to_string("ui/lang/zh_CN/LC_MESSAGES/yima.po").unwrap();
    let lines: Vec<&str> = catalogue.lines().collect();
    lines
        .windows(2)
        .filter_map(|pair| Some((pair[0].strip_prefix("msgid ")?, pair[1].strip_prefix("msgstr ")?)))
        .map(|(id, text)| (literal(id).to_owned(), literal(text).to_owned()))
        .filter(|(id, _)| !id.is_empty())
        .collect()
}

#[test]
fn every_word_has_a_translation_and_every_translation_a_word() {
    let said = said_in_slint();
    assert!(said.len() > 30, "the words of the screen were found");
    let known: BTreeSet<String> = translated().into_iter().map(|(id, _)| id).collect();
    assert_eq!(said.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "without translation");
    assert_eq!(known.difference(&said).collect::<Vec<_>>(), Vec::<&String>::new(), "translated, but not said");
}

#[test]
fn a_translation_keeps_the_places_and_is_not_empty() {
    for (id, text) in translated() {
        assert!(!text.is_empty(), "{id:?} is empty");
        assert_eq!(id.matches("{}").count(), text.matches("{}").count(), "{id:?} and {text:?}");
    }
}
