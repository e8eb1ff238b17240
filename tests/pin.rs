//! PINs over real parts: pcscd with the sandbox card in a virtual reader, with and without a PIN pad of its own. What was
//! typed is nowhere to be found afterwards.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use support::counter::Counter;
use support::running::Running;
use support::secrets::{contains, files_in, pin_shapes};
use support::shop::PAD_KEYS;
use support::wait_until;

/// TVR of a sale in which everything went well: over the floor limit, so online.
const GOOD: &str = "0000008000";
const GOOD_BY_SDA: &str = "0200008000";

/// The same with "PIN try limit exceeded" and "cardholder verification failed".
const USED_UP: &str = "0000A08000";

const READ_PIN: [&str; 2] = ["--pin", "-"];

fn outcome(result: &Value) -> (&str, Option<&str>) {
    (result["outcome"].as_str().unwrap(), result["reason"]["kind"].as_str())
}

/// Whether somebody was asked for a PIN.
fn was_asked(result: &Value) -> bool {
    result["timings_ms"]["pin"].as_f64().is_some()
}

#[test]
fn a_pin_from_standard_input_pays_in_the_clear_and_enciphered() {
    let mut counter = Counter::open_for_business();
    for (profile, tvr) in [
        ("cvm-plaintext-pin", GOOD),
        ("cvm-enciphered-pin", GOOD),
        ("cvm-enciphered-pin-key", GOOD_BY_SDA),
        ("cvm-combined", GOOD),
    ] {
        let (result, code) = counter.sale_saying("12.34", &["--profile", profile], &READ_PIN, "1234\n");
        assert_eq!((outcome(&result), code), (("approved", None), 0), "{profile}: {result:#}");
        assert_eq!(result["tvr"], tvr, "{profile}");
        assert!(was_asked(&result), "{profile}");
    }
}

#[test]
fn without_a_pad_the_card_is_told_that_there_is_none() {
    let mut counter = Counter::open_for_business();
    let (result, _) = counter.sale("12.34", &["--profile", "cvm-plaintext-pin"]);
    assert_eq!(outcome(&result), ("approved", None), "{result:#}");
    assert!(!was_asked(&result), "by signature");
}

#[test]
fn a_wrong_pin_is_asked_for_again_until_the_card_wants_no_more() {
    let mut counter = Counter::open_for_business();
    let card = ["--profile", "cvm-plaintext-pin"];
    let (result, _) = counter.sale_saying("12.34", &card, &READ_PIN, "9999\n1234\n");
    assert_eq!((outcome(&result), result["tvr"].as_str()), (("approved", None), Some(GOOD)), "{result:#}");
    // The right one gave the tries back; a line that is no PIN is none of them.
    let (result, _) = counter.sale_saying("12.34", &card, &READ_PIN, "9999\n12\n9999\n9999\n");
    assert_eq!(result["tvr"], USED_UP, "{result:#}");
    let (result, _) = counter.sale_saying("12.34", &card, &READ_PIN, "1234\n");
    assert_eq!((result["tvr"].as_str(), was_asked(&result)), (Some(USED_UP), false), "nobody is asked any more");
}

#[test]
fn who_enters_no_pin_is_charged_nothing() {
    let mut counter = Counter::open_for_business();
    let card = ["--profile", "cvm-enciphered-pin"];
    let (result, code) = counter.sale_saying("12.34", &card, &READ_PIN, "");
    assert_eq!((outcome(&result), code), (("error", Some("cancelled")), 2), "{result:#}");

    counter.set("[pin]\nwait_s = 1\n");
    counter.bring_card(&card);
    let mut command = counter.yima(&["sale", "12.34", "--json", "--pin", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let open = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(open);
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome(&result), ("error", Some("pin_timed_out")), "{result:#}");
    assert!(counter.host_books().ledger().unwrap().is_empty());
    assert!(counter.transactions().is_empty());
}

#[test]
fn the_readers_own_pad_takes_the_pin_and_nobody_else_has_it() {
    let mut counter = Counter::open_with_pad();
    counter.customer_at_pad("1234");
    let (result, code) = counter.sale("12.34", &["--profile", "cvm-plaintext-pin"]);
    assert_eq!((outcome(&result), code), (("approved", None), 0), "{result:#}");
    assert_eq!(result["tvr"], GOOD);
    assert!(was_asked(&result));
    // A minute to begin and a minute from there, EMV's block, 4 to 12 digits and the key, one message in Chinese.
    let structure = ["3C3C", "894704", "0C04", "02", "01040800", "000000", "0D000000", "002000800820FFFFFFFFFFFFFF"];
    assert_eq!(counter.pad_was_asked(), [structure.concat()]);
    // A card that takes PINs only enciphered is not given one in the clear.
    let (result, _) = counter.sale("12.34", &["--profile", "cvm-enciphered-pin"]);
    assert_eq!((outcome(&result), was_asked(&result)), (("approved", None), false), "{result:#}");
    assert_eq!(counter.pad_was_asked().len(), 1);
}

#[test]
fn what_happens_at_the_readers_pad_is_what_becomes_of_the_payment() {
    let mut counter = Counter::open_with_pad();
    counter.set("[pin]\nwait_s = 2\n");
    let card = ["--profile", "cvm-plaintext-pin"];
    for (keys, ends, tvr) in [
        (&["9999", "1234"][..], ("approved", None), GOOD),
        (&["123", "1234567890123", "1234"], ("approved", None), GOOD),
        (&["cancel"], ("error", Some("pin_cancelled")), "0000000000"),
        // Six times nonsense is no way past the PIN.
        (&["1", "2", "3", "4", "5", "6"], ("error", Some("pin_cancelled")), "0000000000"),
        // The reader fails after it began to ask: what the card was told nobody knows.
        (&["fail"], ("error", Some("reader_missing")), "0000000000"),
        // Nobody comes to the pad, which waits for two seconds.
        (&[], ("error", Some("pin_timed_out")), "0000000000"),
        (&["9999", "9999", "9999"], ("approved", None), USED_UP),
    ] {
        keys.iter().for_each(|keys| counter.customer_at_pad(keys));
        let before = counter.pad_was_asked().len();
        let (result, _) = counter.sale("12.34", &card);
        assert_eq!((outcome(&result), result["tvr"].as_str()), (ends, Some(tvr)), "{keys:?}: {result:#}");
        assert_eq!(counter.pad_was_asked().len(), before + keys.len().max(1), "{keys:?}");
    }
    assert_eq!(counter.transactions().len(), 3, "those that reached the host");
}

#[test]
fn a_card_of_the_other_protocol_is_given_the_pin_as_well() {
    let mut counter = Counter::open_with_pad();
    let profile = changed_profile(&counter, |text| text.replace("atr = \"3B6500002063CB6A00\"", &atr_of("t1")));
    counter.customer_at_pad("1234");
    let (result, _) = counter.sale("12.34", &["--profile", profile.to_str().unwrap()]);
    assert_eq!((outcome(&result), result["tvr"].as_str()), (("approved", None), Some(GOOD)), "{result:#}");
    assert!(was_asked(&result));
}

/// The line with the answer to reset of a shipped profile.
fn atr_of(profile: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("assets/sandbox/cards/{profile}.toml"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().find(|line| line.starts_with("atr")).unwrap().to_owned()
}

/// The card with a plaintext PIN, otherwise.
fn changed_profile(counter: &Counter, change: impl Fn(String) -> String) -> PathBuf {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sandbox/cards/cvm-plaintext-pin.toml");
    let text = std::fs::read_to_string(shipped).unwrap();
    let changed = change(text.clone());
    assert_ne!(text, changed);
    let path = counter.shop.folder().join("card.toml");
    std::fs::write(&path, changed).unwrap();
    path
}

#[test]
fn a_card_that_leaves_while_the_reader_asks_is_torn() {
    let mut counter = Counter::open_with_pad();
    counter.bring_card(&["--profile", "cvm-plaintext-pin"]);
    let mut command = counter.yima(&["sale", "12.34", "--json"]);
    let log = counter.shop.log_to(&mut command, "sale.log");
    let sale = Running::start("a sale", &mut command);
    wait_until("the pad asks", Duration::from_secs(30), || !counter.pad_was_asked().is_empty());
    counter.card = None;
    assert_eq!(sale.wait(Duration::from_secs(30)).code(), Some(2));
    let said = std::fs::read_to_string(log).unwrap();
    assert!(said.contains("\"card_torn\""), "{said}");
    assert!(counter.host_books().ledger().unwrap().is_empty());
}

#[test]
fn the_doctor_says_where_a_pin_is_entered() {
    for (counter, says) in
        [(Counter::open_with_pad(), "reader's own"), (Counter::open_for_business(), "typed in this program")]
    {
        let output = counter.yima(&["doctor", "--json"]).output().unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(found["parts"]["pin_pad"]["says"].as_str().unwrap().contains(says), "{found:#}");
        assert_eq!(found["parts"]["pin_pad"]["ok"], true);
    }
}

/// Twelve digits, so that nothing else is like them.
const SECRET: &str = "735591802746";

#[test]
fn what_was_typed_is_nowhere_to_be_found() {
    // Enciphered, then in the clear.
    for (at_reader, rule) in [(false, "44"), (false, "41"), (true, "41")] {
        let mut counter = if at_reader { Counter::open_with_pad() } else { Counter::open_for_business() };
        let profile = changed_profile(&counter, |text| {
            let text = text.replace("01031E03", &format!("{rule}031E03"));
            text.replace("pin = \"1234\"", &format!("pin = \"{SECRET}\""))
        });
        let wrong: String = SECRET.chars().rev().collect();
        counter.bring_card(&["--profile", profile.to_str().unwrap()]);
        let mut command = counter.yima(&["sale", "12.34", "--json"]);
        command.env("YIMA_LOG", "trace").env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        let log = counter.shop.log_to(&mut command, "sale.log");
        if at_reader {
            [&wrong, SECRET].iter().for_each(|keys| counter.customer_at_pad(keys));
        } else {
            let keys = counter.shop.folder().join(PAD_KEYS);
            std::fs::write(&keys, format!("{wrong}\n{SECRET}\n")).unwrap();
            command.args(READ_PIN).stdin(std::fs::File::open(keys).unwrap());
        }
        let sale = Running::start("a sale", &mut command);
        assert!(sale.wait(Duration::from_secs(60)).success(), "{}", std::fs::read_to_string(&log).unwrap());
        // Nothing in the program speaks as low as it may; without the wish it would only warn.
        assert!(std::fs::read_to_string(&log).unwrap().contains("INFO"), "the log says all it can");

        // Where the test itself wrote the PIN.
        std::fs::remove_file(&profile).unwrap();
        std::fs::remove_file(counter.shop.folder().join(PAD_KEYS)).unwrap();
        let mut looked_at = 0;
        for digits in [SECRET, &wrong] {
            for file in files_in(counter.shop.folder()) {
                let bytes = std::fs::read(&file).unwrap();
                for shape in pin_shapes(digits) {
                    assert!(!contains(&bytes, &shape), "{} holds the PIN as {shape:02X?}", file.display());
                }
                looked_at += 1;
            }
        }
        assert!(looked_at > 20, "ledger, logs, slips: {looked_at}");
    }
}
