//! The customer by command, and the host's books.

use std::process::Command;

use serde_json::Value;

use super::street::Street;
use yima::payment::qr::Conclusion;

/// Runs `yima sandbox …` on a state directory whose host is the street's.
fn yima(state: &std::path::Path, arguments: &[&str]) -> (Value, String, bool) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yima"));
    let output = command.arg("--state").arg(state).arg("sandbox").args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!said.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    (serde_json::from_str(&said).unwrap_or_default(), said, output.status.success())
}

#[test]
fn a_customer_makes_a_code_and_pays_what_is_shown_by_command() {
    let street = Street::open();
    // The command looks for the host in the state directory, beside the terminal's own things.
    let state = tempfile::tempdir().unwrap();
    std::fs::create_dir(state.path().join("sandbox")).unwrap();
    std::os::unix::fs::symlink(street.kit().parent().unwrap().join("host"), state.path().join("sandbox/host")).unwrap();
    let run = |arguments: &[&str]| yima(state.path(), arguments);
    let (made, ..) = run(&["wallet", "code", "wallet-3", "--json"]);
    let code = made["code"].as_str().unwrap();
    assert!(code.starts_with("62") && code.len() == 19, "{made}");
    let played = street.play(street.scanned(1, 1234, code), |pause, _| {
        if pause == 0 {
            let (listed, ..) = run(&["wallet", "list", "--json"]);
            assert_eq!(listed["wallets"][2]["waiting"][0]["amount"], "12.34", "{listed:#}");
            let (_, said, paid) = run(&["wallet", "pay", "wallet-3"]);
            assert!(said.contains("--password") && !paid, "{said}");
            let (said, _, paid) = run(&["wallet", "pay", "wallet-3", "--password", "123456", "--json"]);
            assert_eq!(
                (said["result"].as_str(), said["balance"].as_str(), paid),
                (Some("paid"), Some("1987.66"), true)
            );
        }
        None
    });
    assert_eq!(played.conclusion, Conclusion::Approved);
    let (emv, said, _) = run(&["wallet", "code", "--emv"]);
    assert!(emv.is_null() && said.starts_with("hQVDUFY"), "{said}");
    let played = street.play(street.to_show(2, 500, 60), |pause, shown| {
        if pause == 0 {
            let (listed, said, _) = run(&["wallet", "list"]);
            assert!(listed.is_null() && said.contains("shown now: ￥5.00"), "{said}");
            let (_, said, _) = run(&["wallet", "refuse", "wallet-2"]);
            assert!(said.contains("still shown to others"), "{said}");
            let (_, said, paid) = run(&["wallet", "pay", "wallet-2", "--code", &shown[0]]);
            assert!(said.contains("paid") && said.contains("￥45.00") && paid, "{said}");
        }
        None
    });
    assert_eq!(played.conclusion, Conclusion::Approved);
    let (books, ..) = run(&["books", "--json"]);
    let told: Vec<_> =
        books.as_array().unwrap().iter().map(|one| (&one["kind"], &one["booked"], &one["state"])).collect();
    assert_eq!(
        format!("{told:?}"),
        "[(String(\"code_payment\"), String(\"12.34\"), String(\"paid\")), \
                                      (String(\"code_payment\"), String(\"5.00\"), String(\"paid\"))]"
    );
    let (_, said, _) = run(&["books"]);
    assert!(said.contains("code scanned 12.34, wallet-3: paid 12.34, 00, "), "{said}");
}
