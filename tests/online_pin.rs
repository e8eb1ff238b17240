//! PINs that the bank checks, over real parts: pcscd with the sandbox card in a virtual reader, the sandbox host over HTTPS.
//! Neither the PIN nor the block that was made of it is to be found afterwards.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

mod support;

use serde_json::Value;
use support::counter::Counter;
use support::running::Running;
use support::secrets::{contains, files_in, pin_shapes};
use support::shop::PAD_KEYS;
use support::wait_until;
use yima::card_number::Pan;
use yima::crypto::{hex, pin_block};
use yima::pin::Pin;
use yima::sandbox::host::store::EntryState;
use yima::vault::SecureElement;
use yima::vault::software::SoftwareVault;

const CARD: [&str; 2] = ["--profile", "cvm-online-pin"];
const READ_PIN: [&str; 2] = ["--pin", "-"];

/// The number of that card. A test number that belongs to nobody.
const PAN: &str = "6228480000000004069";

/// What its account holds at first, in minor units.
const FULL: u64 = 1_000_000;

/// TVR of a sale in which a PIN went to the bank: entered, and over the floor limit.
const ENTERED: &str = "0000048000";

fn outcome(result: &Value) -> (&str, Option<&str>, Option<&str>) {
    (result["outcome"].as_str().unwrap(), result["response_code"].as_str(), result["reason"]["kind"].as_str())
}

/// State and response code of the terminal's rows, oldest first.
fn rows(counter: &Counter) -> Vec<(String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut rows: Vec<_> =
        counter.transactions().iter().map(|row| (text(&row["state"]).unwrap(), text(&row["response_code"]))).collect();
    rows.reverse();
    rows
}

fn row(state: &str, code: &str) -> (String, Option<String>) {
    (state.to_owned(), Some(code.to_owned()))
}

fn charged(counter: &Counter) -> u64 {
    FULL - counter.host_books().balance(PAN).unwrap().unwrap()
}

fn pin(digits: &str) -> Pin {
    Pin::new(digits.as_bytes().to_vec().into()).unwrap()
}

#[test]
fn the_bank_checks_the_pin_and_a_wrong_one_is_another_transaction() {
    let mut counter = Counter::open_for_business();
    let (result, code) = counter.sale_saying("12.34", &CARD, &READ_PIN, "1234\n");
    assert_eq!((outcome(&result), code), (("approved", Some("00"), None), 0), "{result:#}");
    assert_eq!((&result["cvm"], &result["tvr"]), (&"online_pin".into(), &ENTERED.into()), "{result:#}");

    // Two numbers, one charge.
    let (result, code) = counter.sale_saying("12.34", &CARD, &READ_PIN, "9999\n1234\n");
    assert_eq!((outcome(&result), code), (("approved", Some("00"), None), 0), "{result:#}");
    assert_eq!(rows(&counter), [row("approved", "00"), row("declined", "55"), row("approved", "00")]);
    assert_eq!(charged(&counter), 2 * 1234);
    let ledger = counter.host_books().ledger().unwrap();
    let booked: Vec<_> = ledger.iter().map(|entry| (entry.booked.minor(), entry.response_code.as_str())).collect();
    assert_eq!(booked, [(1234, "00"), (0, "55"), (1234, "00")]);

    // The third wrong one in a row locks it at the bank.
    let (result, code) = counter.sale_saying("12.34", &CARD, &READ_PIN, "9999\n8888\n7777\n");
    assert_eq!((outcome(&result), code), (("declined", Some("75"), Some("host_declined")), 1), "{result:#}");
    let (result, _) = counter.sale_saying("12.34", &CARD, &READ_PIN, "1234\n");
    assert_eq!(outcome(&result), ("declined", Some("75"), Some("host_declined")), "{result:#}");
    assert_eq!((charged(&counter), rows(&counter).len()), (2 * 1234, 7));
}

#[test]
fn a_terminal_whose_bank_has_another_pin_asks_three_times_at_most() {
    let mut counter = Counter::open_for_business();
    // The amount asks for it.
    let (result, code) = counter.sale_saying("66.55", &CARD, &READ_PIN, "1234\n1234\n1234\n1234\n");
    assert_eq!((outcome(&result), code), (("declined", Some("55"), Some("host_declined")), 1), "{result:#}");
    assert_eq!(rows(&counter), [row("declined", "55"), row("declined", "55"), row("declined", "55")]);
    // Who leaves after a wrong one has been charged nothing.
    let (result, code) = counter.sale_saying("66.55", &CARD, &READ_PIN, "1234\n");
    assert_eq!((outcome(&result), code), (("error", None, Some("cancelled")), 2), "{result:#}");
    assert_eq!((rows(&counter).len(), charged(&counter)), (4, 0));
}

#[test]
fn who_goes_on_without_a_pin_is_told_of_to_the_bank() {
    let mut counter = Counter::open_for_business();
    // Not allowed: the question stands until there is a PIN.
    let (result, _) = counter.sale_saying("12.34", &CARD, &READ_PIN, "\n1234\n");
    assert_eq!((outcome(&result).0, &result["cvm"]), ("approved", &"online_pin".into()), "{result:#}");
    counter.set("[pin]\nbypass = true\n");
    let (result, _) = counter.sale_saying("12.34", &CARD, &READ_PIN, "\n");
    assert_eq!(outcome(&result).0, "approved", "the bank decides: {result:#}");
    assert_eq!((&result["cvm"], &result["tvr"]), (&"failed".into(), &"0000888000".into()), "{result:#}");
    // Without a pad there is nothing to be entered, and nobody is asked.
    let (result, _) = counter.sale("12.34", &CARD);
    assert_eq!((&result["cvm"], &result["tvr"]), (&"failed".into(), &"0000908000".into()), "{result:#}");
}

#[test]
fn a_silent_bank_is_followed_by_a_reversal_that_has_no_pin() {
    let mut counter = Counter::open_to_silence();
    let (result, code) = counter.sale_saying("67.02", &CARD, &READ_PIN, "1234\n");
    assert_eq!((outcome(&result).0, code), ("reversed", 2), "{result:#}");
    assert_eq!(charged(&counter), 0);
    let ledger = counter.host_books().ledger().unwrap();
    assert_eq!(ledger.iter().map(|entry| entry.state).collect::<Vec<_>>(), [EntryState::Reversed]);
    // The host's log has every request's fields, masked.
    let log = counter.log("host.log");
    let fields_of = |mti: &str| {
        let line = log.lines().find(|line| line.contains(&format!("{mti} {{"))).unwrap_or_default();
        [22, 26, 52, 53].map(|field| line.contains(&format!("{field}: ")))
    };
    assert_eq!(fields_of("0200"), [true; 4], "{log}");
    assert_eq!(fields_of("0400"), [true, false, false, false], "{log}");
}

/// Twelve digits, so that nothing else is like them.
const SECRET: &str = "735591802746";

#[test]
fn neither_the_pin_nor_its_block_is_to_be_found() {
    let mut counter = Counter::open_for_business();
    counter.host_books().set_pin(PAN, &pin(SECRET)).unwrap();
    let wrong: String = SECRET.chars().rev().collect();
    counter.bring_card(&CARD);
    let mut command = counter.yima(&["sale", "12.34", "--json"]);
    command.env("YIMA_LOG", "trace").env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    let log = counter.shop.log_to(&mut command, "sale.log");
    let keys = counter.shop.folder().join(PAD_KEYS);
    std::fs::write(&keys, format!("{wrong}\n{SECRET}\n")).unwrap();
    command.args(READ_PIN).stdin(std::fs::File::open(&keys).unwrap());
    let sale = Running::start("a sale", &mut command);
    let status = sale.wait(std::time::Duration::from_secs(60));
    let said = std::fs::read_to_string(&log).unwrap();
    // Nothing in the program speaks as low as it may; without the wish it would only warn.
    assert!(status.success() && said.contains("INFO"), "{said}");
    assert_eq!(rows(&counter), [row("declined", "55"), row("approved", "00")]);
    let slips = || counter.receipts().len();
    wait_until("both slips are drawn", std::time::Duration::from_secs(30), || slips() == 2);

    // Where the test itself wrote the PIN.
    std::fs::remove_file(&keys).unwrap();
    let vault = SoftwareVault::open(&counter.state().join("identity")).unwrap();
    let pan = Pan::parse(PAN).unwrap();
    let mut looked_at = 0;
    for digits in [SECRET, &wrong] {
        // As for a card; then the block of format 0 in the clear, and under the key that both sides have.
        let mut shapes = pin_shapes(digits);
        let clear = pin_block::format_0(&pin(digits), PAN).unwrap();
        for block in [clear.to_vec(), vault.encrypt_pin(&pin(digits), &pan).unwrap()] {
            shapes.extend([hex::encode(&block).into_bytes(), hex::encode(&block).to_lowercase().into_bytes()]);
            shapes.extend([format!("{block:?}").into_bytes(), block]);
        }
        for file in files_in(counter.shop.folder()) {
            let bytes = std::fs::read(&file).unwrap();
            for shape in &shapes {
                assert!(!contains(&bytes, shape), "{} holds the PIN as {shape:02X?}", file.display());
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 20, "ledger, logs, slips: {looked_at}");
}
