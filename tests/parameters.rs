//! Applications and CA keys from the host, seen from outside: a file is changed at the sandbox host, the terminal hears of it
//! with the next answer, fetches all of it and pays by it from the next sale on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use support::counter::{Counter, FULL_ACCOUNT, PAN};
use support::running::Running;
use support::secrets::{contains, files_in};
use support::wait_until;
use yima::crypto::hex;

/// The applications that come with the program.
const SHIPPED: &str = include_str!("../assets/emv/aids.toml");

/// Puts a file where an integrator would: the host has it from now on.
fn put(counter: &Counter, name: &str, text: &str) {
    let folder = counter.state().join("sandbox/host/parameters");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), text).unwrap();
}

fn run(counter: &Counter, arguments: &[&str]) -> (Value, String, Option<i32>) {
    let output = counter.yima(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (serde_json::from_slice(&output.stdout).unwrap_or_default(), said, output.status.code())
}

/// What the doctor says of the terminal data.
fn doctor(counter: &Counter) -> String {
    let (found, ..) = run(counter, &["doctor", "--json"]);
    found["parts"]["emv"]["says"].as_str().unwrap().to_owned()
}

#[test]
fn a_changed_action_code_reaches_the_terminal_with_a_sale_and_decides_the_next_one() {
    let mut counter = Counter::open_for_business();
    assert!(doctor(&counter).ends_with("as shipped with the program"), "{}", doctor(&counter));
    // Every sale is above the floor limit; from now on the terminal declines such sales by itself.
    put(&counter, "aids.toml", &SHIPPED.replacen("0010000000", "0010008000", 1));
    let (result, _) = counter.sale("12.34", &[]);
    assert_eq!(result["outcome"], "approved", "the old codes count as long as a payment runs: {result:#}");
    assert!(doctor(&counter).contains("set 000001 of "), "{}", doctor(&counter));
    let (result, code) = counter.sale("12.34", &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("declined"), 1), "{result:#}");
    assert_eq!(result["tvr"], "0000008000");
    assert_eq!(counter.balance(), FULL_ACCOUNT - 1234);
    // The acquirer puts it right; the sale above never reached the host, so somebody has to ask.
    put(&counter, "aids.toml", SHIPPED);
    let (said, errors, code) = run(&counter, &["parameters", "--json"]);
    assert_eq!(code, Some(0), "{errors}");
    assert_eq!(said["changed"][0], "application A000000333010101: TAC denial 0010000000, before 0010008000");
    let (result, _) = counter.sale("12.34", &[]);
    assert_eq!(result["outcome"], "approved", "{result:#}");
}

#[test]
fn what_is_fetched_by_hand_is_named_and_what_must_not_be_used_is_not_taken() {
    let mut counter = Counter::open_for_business();
    let (_, errors, code) = run(&counter, &["sign-on", "--json"]);
    assert_eq!(code, Some(0), "{errors}");
    let (said, errors, code) = run(&counter, &["parameters", "--json"]);
    assert_eq!(code, Some(0), "{errors}");
    assert_eq!((said["applications"].as_u64(), said["ca_key_world"].as_str()), (Some(9), Some("test")), "{said:#}");
    assert_eq!([&said["added"], &said["removed"], &said["changed"]], [&Value::Array(Vec::new()); 3], "{said:#}");
    // A key leaves the host's list.
    let keys = include_str!("../assets/emv/capk-test.toml");
    let last = keys.rfind("[[key]]").unwrap();
    put(&counter, "capk.toml", &keys[..last]);
    let (said, errors, _) = run(&counter, &["parameters", "--json"]);
    assert_eq!(said["removed"].as_array().unwrap().len(), 1, "{errors} {said:#}");
    // Nothing but files that are not served: the terminal keeps what it has.
    put(&counter, "capk.toml", include_str!("../assets/emv/capk-live.toml"));
    let (_, errors, code) = run(&counter, &["parameters"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("the old ones still count") && errors.contains("refused with 96"), "{errors}");
    let said = doctor(&counter);
    assert!(said.contains("was not taken") && said.contains("Still in use"), "{said}");
    // A set that was damaged on the disk is named, and the one before it counts.
    let broken = counter.state().join("emv/000002/aids.toml");
    let text = std::fs::read_to_string(&broken).unwrap();
    std::fs::write(&broken, &text[..text.len() / 2]).unwrap();
    let said = doctor(&counter);
    assert!(said.contains("emv/000002: aids.toml is not as it was written") && said.contains("set 000001"), "{said}");
    let (result, _) = counter.sale("12.34", &[]);
    assert_eq!(result["outcome"], "approved", "{result:#}");
}

#[test]
fn a_terminal_that_is_busy_is_not_disturbed_by_hand() {
    let counter = Counter::open_for_business();
    // It waits for a card.
    let mut command = counter.yima(&["sale", "12.34"]);
    counter.shop.log_to(&mut command, "sale.log");
    let _busy = Running::start("a sale", &mut command);
    wait_until("the terminal is busy", Duration::from_secs(30), || counter.log("sale.log").contains("12.34"));
    let (_, errors, code) = run(&counter, &["parameters"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("already running"), "{errors}");
}

/// What an acquirer decides beside applications and keys.
const TABLES: &str = r#"
[terminal]
answer_timeout_s = 25
merchant_name = "老王面馆"
help_desk = "95516"
no_signature_limit = 5000
no_pin_limit = 3000
no_pin_for_stripes = true
sale_limit = 10000
trailer = ["消费热线 95516"]
other = { 13 = "33", FF805D = "303030303030313030303030" }
[[card]]
prefix = "622848"
bank = "农业银行"
kind = "debit"
[[text]]
code = "51"
zh = "卡里的钱不够了。"
"#;

/// The text of the newest receipt.
fn newest_receipt(counter: &Counter) -> String {
    text_of(counter.receipts().last().unwrap())
}

fn text_of(receipt: &std::path::Path) -> String {
    std::fs::read_to_string(receipt.with_extension("txt")).unwrap()
}

#[test]
fn the_acquirers_tables_are_fetched_shown_and_used() {
    let mut counter = Counter::open_for_business();
    assert_eq!(run(&counter, &["sign-on"]).2, Some(0));
    put(&counter, "host.toml", TABLES);
    let (said, errors, code) = run(&counter, &["parameters", "--json"]);
    assert_eq!(code, Some(0), "{errors}");
    assert_eq!((said["card_ranges"].as_u64(), said["response_texts"].as_u64()), (Some(1), Some(1)), "{said:#}");
    let added = said["added"].as_array().unwrap();
    assert!(
        added.iter().any(|name| name == "card 622848") && added.iter().any(|name| name == "response 51"),
        "{said:#}"
    );
    let changed = said["changed"].as_array().unwrap();
    assert!(changed.iter().any(|change| change == "terminal: most of a sale 100.00, before none"), "{said:#}");
    let (found, ..) = run(&counter, &["doctor", "--json"]);
    let says = found["parts"]["parameters"]["says"].as_str().unwrap();
    for part in [
        "answer timeout: 25 s",
        "name of the shop: 老王面馆",
        "help desk: 95516",
        "no signature up to: 50.00",
        "no PIN up to: 30.00",
        "no PIN for stripes either: yes",
    ] {
        assert!(says.contains(part), "{part}: {says}");
    }
    let (shown, ..) = run(&counter, &["parameters", "--show", "--json"]);
    assert_eq!(shown["terminal"]["no_pin_limit"], 3000, "{shown:#}");
    assert_eq!(shown["terminal"]["other"]["FF805D"], "303030303030313030303030", "kept as it came: {shown:#}");
    assert_eq!((&shown["terminal"]["other"]["13"], &shown["cards"][0]["bank"]), (&"33".into(), &"农业银行".into()));
    // The bank says no in the acquirer's words, ours fill what it left out, and the card's bank is known.
    let (result, _) = counter.sale("66.51", &[]);
    assert_eq!(result["response_code"], "51", "{result:#}");
    assert_eq!(result["reason"]["what"], "卡里的钱不够了。");
    assert!(!result["reason"]["do"].as_str().unwrap().is_empty(), "{result:#}");
    assert_eq!(result["card"]["bank"], "农业银行");
    // A receipt as the acquirer wants it.
    let (result, _) = counter.sale("12.34", &[]);
    assert_eq!(result["outcome"], "approved", "{result:#}");
    let receipt = newest_receipt(&counter);
    for part in ["老王面馆", "农业银行", "消费热线 95516"] {
        assert!(receipt.contains(part), "{part}: {receipt}");
    }
    // A card that wants a signature, below and above the amount up to which nobody signs.
    for (amount, says, never) in [("50.00", "无需签名", "持卡人签名"), ("50.01", "持卡人签名", "无需签名")]
    {
        let (result, _) = counter.sale(amount, &["--profile", "cvm-signature"]);
        assert_eq!(result["outcome"], "approved", "{result:#}");
        let both: String = counter.receipts().iter().rev().take(2).map(|path| text_of(path)).collect();
        assert!(both.contains(says) && !both.contains(never), "{amount}: {both}");
    }
    let paid = FULL_ACCOUNT - counter.balance();
    // More than the acquirer allows in one sale: not even a card is asked for.
    let asked = counter.host_books().ledger().unwrap().len();
    let (result, code) = counter.sale("100.01", &[]);
    assert_eq!((result["reason"]["kind"].as_str(), code), (Some("over_sale_limit"), 2), "{result:#}");
    assert!(result["reason"]["what"].as_str().unwrap().contains("100.00"), "{result:#}");
    // The acquirer no longer takes these cards: nothing is asked of the host.
    put(&counter, "host.toml", &TABLES.replace("kind = \"debit\"", "kind = \"debit\"\nrefused = true"));
    let (said, errors, _) = run(&counter, &["parameters", "--json"]);
    assert_eq!(said["changed"][0], "card 622848: it is not taken, before taken", "{errors} {said:#}");
    let (result, code) = counter.sale("12.34", &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("declined"), 1), "{result:#}");
    assert_eq!(result["reason"]["kind"], "card_not_taken");
    assert_eq!(counter.host_books().ledger().unwrap().len(), asked);
    assert_eq!(FULL_ACCOUNT - counter.balance(), paid, "nothing was charged since");
}

#[test]
fn where_the_acquirer_wants_the_card_for_a_void_there_is_none_without() {
    let mut counter = Counter::open_for_business();
    assert_eq!(run(&counter, &["sign-on"]).2, Some(0));
    let sold = |counter: &mut Counter| {
        let (sold, _) = counter.sale("12.34", &[]);
        [sold["batch"].as_str().unwrap().to_owned(), sold["stan"].as_str().unwrap().to_owned()]
    };
    let void = |counter: &Counter, of: &[String; 2]| {
        let (said, _, code) = run(counter, &["void", &of[0], &of[1], "--no-card", "--json"]);
        (said["outcome"].as_str().map(str::to_owned), said["reason"]["kind"].as_str().map(str::to_owned), code)
    };
    let (first, second) = (sold(&mut counter), sold(&mut counter));
    put(&counter, "host.toml", "terminal = { card_needed = [\"void\"] }");
    assert_eq!(run(&counter, &["parameters"]).2, Some(0));
    let asked = counter.host_books().ledger().unwrap().len();
    assert_eq!(void(&counter, &first), (Some("error".to_owned()), Some("card_needed".to_owned()), Some(2)));
    assert_eq!(counter.host_books().ledger().unwrap().len(), asked, "the host was not asked");
    // The acquirer changes its mind.
    put(&counter, "host.toml", "terminal = { in_part = true }");
    assert_eq!(run(&counter, &["parameters"]).2, Some(0));
    for of in [first, second] {
        assert_eq!(void(&counter, &of), (Some("approved".to_owned()), None, Some(0)));
    }
    assert_eq!(counter.balance(), FULL_ACCOUNT);
}

/// A card number as text, and as two digits a byte from its first digit on and from its second.
fn number_shapes(number: &str) -> [Vec<u8>; 3] {
    let packed = |digits: &str| hex::decode(&digits[..digits.len() / 2 * 2]).unwrap();
    [number.as_bytes().to_vec(), packed(number), packed(&number[1..])]
}

/// The files of a folder that hold a card number.
fn files_with(folder: &Path, number: &str) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default();
        number_shapes(number).iter().any(|shape| contains(&bytes, shape))
    };
    files_in(folder).into_iter().filter(holds).collect()
}

#[test]
fn a_single_card_of_the_acquirers_list_is_not_taken_and_its_number_is_nowhere() {
    let mut counter = Counter::open_for_business();
    assert_eq!(run(&counter, &["sign-on"]).2, Some(0));
    let single = |number: &str| {
        format!("[[single_card]]\nnumber = \"{number}\"\nbank = \"某行\"\nkind = \"debit\"\nrefused = true\n")
    };
    // Another card of the same bank first: this one is still taken.
    let other = "6228480000000004069";
    put(&counter, "host.toml", &[TABLES, &single(other)].concat());
    let (said, errors, code) = run(&counter, &["parameters", "--json"]);
    assert_eq!((code, &said["single_cards"]), (Some(0), &1.into()), "{errors} {said:#}");
    let (result, _) = counter.sale("12.34", &[]);
    assert_eq!(result["outcome"], "approved", "{result:#}");

    put(&counter, "host.toml", &[TABLES, &single(other), &single(PAN)].concat());
    let (said, errors, _) = run(&counter, &["parameters", "--json"]);
    assert!(said["added"][0].as_str().unwrap().starts_with("single card "), "{errors} {said:#}");
    let asked = counter.host_books().ledger().unwrap().len();
    let (result, code) = counter.sale("12.34", &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("declined"), 1), "{result:#}");
    assert_eq!(result["reason"]["kind"], "card_not_taken");
    assert_eq!(counter.host_books().ledger().unwrap().len(), asked, "nothing was asked of the host");
    assert_eq!(FULL_ACCOUNT - counter.balance(), 1234);

    // Neither number is in what the terminal keeps or says. The host and the card beside it are others' and have theirs.
    let (shown, ..) = run(&counter, &["parameters", "--show", "--json"]);
    let (found, ..) = run(&counter, &["doctor", "--json"]);
    assert!(found["parts"]["parameters"]["says"].as_str().unwrap().contains("2 of them not taken"), "{found:#}");
    for number in [PAN, other] {
        for said in [&said, &result, &shown, &found] {
            assert!(!said.to_string().contains(&number[6..15]), "{said:#}");
        }
        let found = files_with(&counter.state(), number);
        let others = counter.state().join("sandbox");
        assert!(found.iter().all(|path| path.starts_with(&others)), "{found:?}");
        assert!(found.iter().any(|path| path.ends_with("host.toml")), "the search finds what is there: {found:?}");
    }

    // What is wrong with a list is said without the number.
    put(&counter, "host.toml", &[TABLES, &single(&format!("{PAN}0"))].concat());
    let (_, errors, code) = run(&counter, &["parameters"]);
    assert!(code == Some(2) && !errors.contains(&PAN[6..15]), "{errors}");
}

#[test]
fn tables_that_cannot_be_do_not_replace_those_that_count() {
    let counter = Counter::open_for_business();
    assert_eq!(run(&counter, &["sign-on"]).2, Some(0));
    put(&counter, "host.toml", TABLES);
    assert_eq!(run(&counter, &["parameters"]).2, Some(0));
    put(&counter, "host.toml", &TABLES.replace("\"51\"", "\"5\""));
    let (_, errors, code) = run(&counter, &["parameters"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("the old ones still count"), "{errors}");
    let (found, ..) = run(&counter, &["doctor", "--json"]);
    let says = found["parts"]["parameters"]["says"].as_str().unwrap();
    assert!(says.contains("words for 1 codes") && says.contains("answer timeout: 25 s"), "{found:#}");
}
