//! Holds the floors of the house (`docs/architecture.md`): who may use whom, and what the pure modules never name.
//!
//! It reads `src/` as text, without comments and without test modules, and looks at every path in it (`use` trees and
//! paths in the code alike).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

#[path = "floors/rules.rs"]
mod rules;
#[path = "floors/source.rs"]
mod source;

use std::path::{Path, PathBuf};

use rules::violations;

/// Every Rust file under `folder`, sorted.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn every_module_uses_only_what_stands_below_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = rust_files(&src);
    assert!(files.len() > 20, "only {} files found under {}", files.len(), src.display());
    let found: Vec<String> = files
        .iter()
        .flat_map(|path| {
            let name = path.strip_prefix(&src).unwrap();
            violations(name, &std::fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_module_has_its_floor() {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    let library = std::fs::read_to_string(library).unwrap();
    let mut declared: Vec<&str> =
        library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let mut known = rules::FLOORS.to_vec();
    declared.sort_unstable();
    known.sort_unstable();
    assert_eq!(declared, known, "src/lib.rs and the list of floors differ");
}

/// What the checker says about a file of this name and text.
fn said(name: &str, text: &str) -> String {
    violations(Path::new(name), text).join("\n")
}

#[test]
fn what_breaks_a_floor_is_found() {
    let cases = [
        ("payment/sale.rs", "use crate::ledger::Ledger;", "payment must not use crate::ledger"),
        ("payment/sale.rs", "fn f() { crate::app::run() }", "payment must not use crate::app"),
        ("emv/tlv.rs", "use crate::{crypto::hex, devices::{reader::Reader}};", "emv must not use crate::devices"),
        ("emv/mod.rs", "use super::vault;", "emv must not use crate::vault"),
        ("emv/oda/mod.rs", "use super::super::vault::Key;", "emv must not use crate::vault"),
        ("money.rs", "use super::wording;", "money must not use crate::wording"),
        ("devices/reader/pcsc.rs", "use crate::sandbox::card::Card;", "devices must not use crate::sandbox"),
        ("emv/tlv.rs", "use std::{collections::HashMap, fs};", "emv is pure and must not use std::fs"),
        ("emv/tlv.rs", "use std::fs::{self, File};", "emv is pure and must not use std::fs"),
        ("receipt/mod.rs", "fn f() { let _ = std::time::Instant::now(); }", "must not use std::time::Instant"),
        ("receipt/mod.rs", "use std::time::{Duration, SystemTime};", "must not use std::time::SystemTime"),
        ("receipt/mod.rs", "use std::time;", "must not use std::time::SystemTime"),
        ("receipt/mod.rs", "use std::time::*;", "must not use std::time::SystemTime"),
        ("receipt/mod.rs", "fn f() { jiff::Timestamp::now(); }", "must not use Timestamp::now"),
        ("iso8583/mod.rs", "use slint::Image;", "iso8583 is pure and must not use slint"),
        ("iso8583/mod.rs", "use openssl::hash::hash;", "must not use openssl"),
        ("crypto/key.rs", "use openssl::{pkey::PKey, rand::rand_bytes};", "must not use openssl::rand"),
        ("crypto/key.rs", "fn f() { getrandom::fill(&mut []) }", "must not use getrandom"),
        (
            "app/shop.rs",
            "use rusqlite::Connection;",
            "rusqlite belongs in ledger, catalogue, till_keys, sandbox/host: not in app",
        ),
        ("cli/sale.rs", "slint::include_modules!();", "slint belongs in ui: not in cli"),
        (
            "app/shop.rs",
            "const Q: &str = \"SELECT stan FROM sale\";",
            "SQL belongs in ledger, catalogue, till_keys, sandbox/host: not in app",
        ),
        (
            "app/line.rs",
            "fn f() { let _ = Instant::now(); }",
            "Instant::now asks the machine for the time: ask crate::clock",
        ),
        ("ui/status.rs", "fn f() { jiff::Zoned::now(); }", "Zoned::now asks the machine"),
        ("sandbox/host/pki.rs", "fn f() { std::time::SystemTime::now(); }", "SystemTime::now asks the machine"),
        ("sandbox/card/mod.rs", "fn f(since: Instant) { since.elapsed(); }", "elapsed asks the machine"),
        ("cli/sale.rs", "fn f() -> fn() -> Timestamp { Timestamp::now }", "Timestamp::now asks the machine"),
        ("sandbox/card/mod.rs", "const Q: &str = r#\"\n  insert into card values (1)\"#;", "SQL belongs in ledger"),
    ];
    for (name, text, expected) in cases {
        let said = said(name, text);
        assert!(said.contains(expected), "{name}: {text:?}\nexpected: {expected}\nsaid: {said:?}");
    }
}

#[test]
fn what_keeps_to_the_floors_is_left_alone() {
    let cases = [
        ("payment/sale.rs", "use crate::{money::Amount, receipt::Receipt, emv::tag::Tag};"),
        ("payment/sale.rs", "use super::online::Request; use self::step::Step; use crate::payment::Event;"),
        ("emv/tlv.rs", "//! Never crate::ledger.\n/* use crate::app; /* nested */ std::fs */\nfn f() {}"),
        (
            "emv/tlv.rs",
            "const TEXT: &str = \"use crate::app; std::fs\"; const C: char = '\"'; const L: &'static str = \"\";",
        ),
        (
            "emv/tlv.rs",
            "fn f() {}\n#[cfg(test)]\nmod tests { use crate::sandbox::card; fn g() { std::fs::read(\"{\"); } }",
        ),
        ("emv/tlv.rs", "#[cfg(test)] use std::fs;\nuse std::time::Duration;"),
        ("emv/tlv.rs", "const A: &[u8] = b\"crate::app\"; const B: &[u8] = br#\"\" crate::app \"#;"),
        ("emv/oda/mod.rs", "use super::tlv::Reader;"),
        ("crypto/mac.rs", "use openssl::symm::Cipher;"),
        ("sandbox/host/store.rs", "use rusqlite::Connection; const Q: &str = \"DELETE FROM debit\";"),
        ("cli/doctor.rs", "const SAYS: &str = \"Select a printer from the list\";"),
        ("sandbox/card/mod.rs", "use crate::devices::reader::Reader; use std::net::TcpStream;"),
        ("app/mod.rs", "use std::thread;"),
        ("app/line.rs", "fn f() { clock::since(clock::instant()); }"),
        ("app/line.rs", "#[cfg(test)]\nmod tests { fn f() { Instant::now().elapsed(); } }"),
        ("devices/reader/pcsc.rs", "fn f() { Instant::now().elapsed(); }"),
        ("acquirer/https/mod.rs", "fn f() { Instant::now(); }"),
        ("main.rs", "fn main() { yima::cli::run() }"),
    ];
    for (name, text) in cases {
        assert_eq!(said(name, text), "", "{name}: {text:?}");
    }
}

#[test]
fn a_violation_names_file_and_line() {
    let said = said("emv/tlv.rs", "//! Head.\n\nuse std::{\n    cmp,\n    fs,\n};\n");
    assert_eq!(said, "src/emv/tlv.rs:5: emv is pure and must not use std::fs");
}
