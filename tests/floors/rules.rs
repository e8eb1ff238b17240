//! The rules: the order of the floors, what pure modules never name, and where libraries are at home.

use std::path::Path;

use super::source::{Source, UsedPath};

/// The modules of the library from the top down. Each uses only those that come after it.
pub const FLOORS: [&str; 34] = [
    "cli",
    "ui",
    "till_server",
    "training",
    "app",
    "sandbox",
    "devices",
    "acquirer",
    "catalogue",
    "till_keys",
    "ledger",
    "people",
    "proof",
    "settlement",
    "till",
    "qr",
    "payment",
    "receipt",
    "terminal",
    "vault",
    "clock",
    "iso8583",
    "emv",
    "host_tables",
    "crypto",
    "goods",
    "jbig",
    "wording",
    "link_fault",
    "reference",
    "card_number",
    "pin",
    "money",
    "deliberate",
];

/// Modules that decide and do nothing: no input or output, no clock, no randomness, no threads.
const PURE: [&str; 19] = [
    "people",
    "proof",
    "settlement",
    "till",
    "qr",
    "payment",
    "receipt",
    "emv",
    "iso8583",
    "host_tables",
    "crypto",
    "goods",
    "jbig",
    "wording",
    "link_fault",
    "reference",
    "card_number",
    "pin",
    "money",
];

/// What a pure module never names. `openssl` is pure mathematics in `crypto`, which keeps it for all others.
const IMPURE: [&[&str]; 22] = [
    &["slint"],
    &["rusqlite"],
    &["hyper_openssl"],
    &["pcsc"],
    &["serialport"],
    &["alsa"],
    &["axum"],
    &["hyper"],
    &["tokio"],
    &["nix"],
    &["getrandom"],
    &["openssl", "rand"],
    &["std", "time", "SystemTime"],
    &["std", "time", "Instant"],
    &["std", "thread"],
    &["std", "fs"],
    &["std", "net"],
    &["std", "os"],
    &["std", "process"],
    &["std", "env"],
    &["std", "io", "stdin"],
    &["std", "io", "stdout"],
];

/// Functions by which anybody asks the machine what time it is, and where that is allowed. All others ask `clock`, so that a
/// simulation can let a day pass in an instant.
const TIME_FUNCTIONS: [[&str; 2]; 4] =
    [["SystemTime", "now"], ["Instant", "now"], ["Timestamp", "now"], ["Zoned", "now"]];

/// Where, and why: nobody simulates these.
const TIME_HOMES: [(&str, &str); 6] = [
    ("clock", "it is the clock"),
    ("devices", "real printers, readers and loudspeakers take their time"),
    ("acquirer/https", "sockets and their runtime wait by the machine's time"),
    ("sandbox/printer", "it takes its time as a real printer does"),
    ("sandbox/card/reader", "it waits for its customer as a real reader does"),
    ("sandbox/card/vpcd", "a real reader waits for this card"),
];

/// Functions by which a pure module would ask the machine for the time or for chance.
const IMPURE_FUNCTIONS: [[&str; 2]; 6] = [
    ["SystemTime", "now"],
    ["Instant", "now"],
    ["Timestamp", "now"],
    ["Zoned", "now"],
    ["Rsa", "generate"],
    ["EcKey", "generate"],
];

/// Libraries that one part of the house keeps for itself, so that there is one place to look and one to change.
const HOMES: [(&str, &[&str]); 12] = [
    ("argon2", &["crypto"]),
    ("slint", &["ui"]),
    ("rusqlite", SQL_HOME),
    ("hyper_openssl", &["acquirer"]),
    ("pcsc", &["devices"]),
    ("ct_merkle", &["proof", "crypto"]),
    ("cryptoki", &["vault/pkcs11"]),
    ("calamine", &["goods"]),
    ("rust_xlsxwriter", &["goods"]),
    ("zip", &["goods"]),
    ("pinyin", &["goods"]),
    ("serialport", &["devices"]),
];

/// Where SQL is written: the ledger, the catalogue, and the sandbox host, which is another company's computer.
const SQL_HOME: &[&str] = &["ledger", "catalogue", "till_keys", "sandbox/host"];

/// What the file `name` (relative to `src/`) breaks, a sentence each with file and line. `main.rs` and `lib.rs` stand
/// above all floors.
pub fn violations(name: &Path, text: &str) -> Vec<String> {
    let name = name.to_str().unwrap();
    let module = name.split('/').next().unwrap().trim_end_matches(".rs");
    if module == "main" || module == "lib" {
        return Vec::new();
    }
    let source = Source::read(text);
    let mut found: Vec<String> = Vec::new();
    let mut report = |line: usize, sentence: String| found.push(format!("src/{name}:{line}: {sentence}"));
    for path in &source.paths {
        if let Some(used) = module_used(name, path)
            && floor(used) < floor(module)
        {
            report(path.line, format!("{module} must not use crate::{used}, which stands above it"));
        }
        if PURE.contains(&module)
            && let Some(impure) = impure(module, path)
        {
            report(path.line, format!("{module} is pure and must not use {impure}"));
        }
        if let Some(function) = machine_time(path)
            && !is_a_test(name)
            && !TIME_HOMES.iter().any(|(home, _)| is_at_home(name, &[home]))
        {
            report(path.line, format!("{function} asks the machine for the time: ask crate::clock"));
        }
        if let Some((library, homes)) = HOMES.iter().find(|(library, _)| names(path, &[library]))
            && !is_at_home(name, homes)
        {
            report(path.line, format!("{library} belongs in {}: not in {module}", homes.join(", ")));
        }
    }
    for (line, literal) in &source.strings {
        if is_sql(literal) && !is_at_home(name, SQL_HOME) {
            report(*line, format!("SQL belongs in {}: not in {module}", SQL_HOME.join(", ")));
        }
    }
    found.dedup();
    found
}

/// The floor's number from the top. A module that is no floor fails the test: it has to be given its place.
fn floor(module: &str) -> usize {
    FLOORS.iter().position(|floor| *floor == module).unwrap_or_else(|| panic!("module {module} has no floor"))
}

/// The top-level module that `path`, written in file `name`, leads to.
fn module_used<'p>(name: &str, path: &'p UsedPath) -> Option<&'p str> {
    let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
    let used = match segments[0] {
        "crate" => *segments.get(1)?,
        "super" | "self" => {
            let ups = segments.iter().take_while(|segment| **segment == "super").count();
            let selfs = usize::from(segments[0] == "self");
            // `emv/oda/mod.rs` is crate::emv::oda, two below the root; `emv/tlv.rs` as well.
            let depth = name.trim_end_matches(".rs").trim_end_matches("/mod").split('/').count();
            if ups < depth {
                return None;
            }
            *segments.get(ups + selfs)?
        }
        _ => return None,
    };
    FLOORS.contains(&used).then_some(used)
}

/// The forbidden thing that `path` names, if any.
fn impure(module: &str, path: &UsedPath) -> Option<String> {
    if module != "crypto" && names(path, &["openssl"]) {
        return Some("openssl (crypto does)".to_owned());
    }
    let function = IMPURE_FUNCTIONS
        .iter()
        .find(|function| path.segments.windows(2).any(|pair| pair[0] == function[0] && pair[1] == function[1]));
    let thing = IMPURE.iter().find(|thing| names(path, thing));
    thing.map(|thing| thing.join("::")).or_else(|| function.map(|function| function.join("::")))
}

/// Whether the file is a module of tests, which is declared as such elsewhere.
fn is_a_test(name: &str) -> bool {
    name.trim_end_matches(".rs").split('/').any(|part| part == "tests")
}

/// The function by which `path` asks the machine for the time, if it does. A moment that tells its own age does so as well.
fn machine_time(path: &UsedPath) -> Option<String> {
    if path.segments == ["elapsed"] {
        return Some("elapsed".to_owned());
    }
    let function = TIME_FUNCTIONS.iter().find(|function| path.segments.ends_with(&function.map(str::to_owned)));
    function.map(|function| function.join("::"))
}

/// Whether `path` leads to `thing` or into it, or imports a module that contains it whole (`use std::time;`).
fn names(path: &UsedPath, thing: &[&str]) -> bool {
    let shared = path.segments.iter().zip(thing).take_while(|(segment, part)| *segment == *part).count();
    let into = shared == thing.len() && (path.segments.len() > 1 || path.imported);
    let around = path.imported && shared == path.segments.len();
    into || around
}

/// Whether the file is in one of the `homes`, a module or a part of one.
fn is_at_home(name: &str, homes: &[&str]) -> bool {
    homes.iter().any(|home| name.strip_prefix(home).is_some_and(|rest| rest.starts_with('/') || rest == ".rs"))
}

/// Whether a text is an SQL statement.
fn is_sql(literal: &str) -> bool {
    let words: Vec<String> = literal.split_whitespace().map(str::to_uppercase).collect();
    let has = |word: &str| words.iter().any(|have| have == word);
    match words.iter().map(String::as_str).take(2).collect::<Vec<_>>()[..] {
        ["SELECT", _] => has("FROM") && !literal.trim_start().starts_with("Select "),
        ["INSERT", "INTO" | "OR"] | ["DELETE", "FROM"] | ["REPLACE", "INTO"] => true,
        ["CREATE" | "DROP" | "ALTER", "TABLE" | "INDEX" | "TRIGGER" | "VIEW" | "UNIQUE"] => true,
        ["UPDATE", _] => has("SET"),
        ["PRAGMA" | "BEGIN", _] => true,
        _ => false,
    }
}
