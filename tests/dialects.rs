//! The sandbox host in other dialects than the one that it speaks by itself, seen from outside: a shop whose acquirer has keys of
//! SM4, and dialects with which nobody can trade.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use support::counter::Counter;
use support::running::Running;
use support::wait_until;

/// A card whose PIN the bank checks. A test card that belongs to nobody.
const CARD: [&str; 2] = ["--profile", "cvm-online-pin"];

/// What its account holds at first, in minor units.
const FULL: u64 = 1_000_000;

const PAN: &str = "6228480000000004069";

/// UnionPay's dialect with keys of SM4, as an integrator's own file would have it.
fn write_dialect(path: &Path) {
    let mut text = include_str!("../assets/dialects/unionpay.toml").to_owned();
    for (from, to) in [
        ("mac = \"unionpay\"", "mac = \"unionpay-sm4\""),
        ("check_value = 4", "check_value = 8\ncipher = \"sm4\""),
        (
            "layouts = [{ pin = 8, mac = 8 }, { pin = 16, mac = 16 }, { pin = 16, mac = 16, data = 16 }]",
            "layouts = [{ pin = 16, mac = 16 }]",
        ),
        (
            "name = \"PIN block\"\ncontent = \"bytes\"\nencoding = \"binary\"\nlength = { fixed = 8 }",
            "name = \"PIN block\"\ncontent = \"bytes\"\nencoding = \"binary\"\nlength = { fixed = 16 }",
        ),
    ] {
        assert_eq!(text.matches(&format!("\n{from}\n")).count(), 1, "{from}");
        text = text.replace(from, to);
    }
    std::fs::write(path, text).unwrap();
}

fn outcome(result: &Value) -> (&str, Option<&str>) {
    (result["outcome"].as_str().unwrap(), result["response_code"].as_str())
}

#[test]
fn a_shop_whose_acquirer_has_keys_of_sm4_sells_with_pins_and_takes_back() {
    let mut counter = Counter::open();
    let dialect = counter.shop.folder().join("sm4.toml");
    write_dialect(&dialect);
    let named = dialect.to_str().unwrap();
    counter.give_up_after(3);
    let settings = std::fs::read_to_string(counter.settings()).unwrap();
    std::fs::write(counter.settings(), settings.replace("[host]\n", &format!("[host]\ndialect = \"{named}\"\n")))
        .unwrap();
    let mut command = counter.yima(&["sandbox", "host", "--dialect", named]);
    counter.shop.log_to(&mut command, "host.log");
    counter.host = Some(Running::start("sandbox host", &mut command));
    wait_until("the host listens", Duration::from_secs(30), || counter.log("host.log").contains("sandbox host: https"));
    counter.start_printer(&[]);

    let signed_on = counter.yima(&["sign-on", "--json"]).output().unwrap();
    assert!(signed_on.status.success(), "{}", String::from_utf8_lossy(&signed_on.stderr));
    let keys = std::fs::read_to_string(counter.state().join("identity/vault-TEST.toml")).unwrap();
    assert!(keys.contains("key_cipher = \"sm4\"") && keys.contains("mac_cipher = \"sm4\""));

    let (result, _) = counter.sale_saying("12.34", &CARD, &["--pin", "-"], "9999\n1234\n");
    assert_eq!(outcome(&result), ("approved", Some("00")), "{result:#}");
    // Booked and not answered: taken back under the same keys.
    let (result, _) = counter.sale_saying("67.02", &CARD, &["--pin", "-"], "1234\n");
    assert_ne!(result["outcome"], "approved", "{result:#}");
    let state = || counter.transactions()[0]["state"].as_str().unwrap().to_owned();
    assert_eq!(state(), "reversed", "{result:#}");
    assert_eq!(counter.host_books().balance(PAN).unwrap(), Some(FULL - 1234));

    // The host goes over to keys of TDES: its terminal has to have others, and is told how.
    counter.host = None;
    let mut command = counter.yima(&["sandbox", "host"]);
    counter.shop.log_to(&mut command, "host-anew.log");
    counter.host = Some(Running::start("sandbox host", &mut command));
    wait_until("the host says so", Duration::from_secs(30), || counter.log("host-anew.log").contains("--kit"));
}

#[test]
fn a_dialect_with_which_nobody_can_trade_is_refused_by_name() {
    let counter = Counter::open();
    for name in ["iso87-ascii", "iso87-binary", "iso93-binary"] {
        let host = counter.yima(&["sandbox", "host", "--dialect", name]);
        // A demonstration takes no settings.
        let mut demo = Command::new(env!("CARGO_BIN_EXE_yima"));
        demo.args(["demo", "--headless", "--dialect", name]);
        for mut command in [host, demo] {
            let output = command.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains(name) && said.contains("a terminal cannot trade with it"), "{said}");
        }
    }
    let output = counter.yima(&["sandbox", "host", "--dialect", "nobody"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("unionpay"), "those that are shipped are listed");
    assert!(!counter.state().join("sandbox/host").exists(), "nothing was made");
}
