use super::*;

fn origin(text: &str) -> Origin {
    Origin { path: "yima.toml".to_owned(), text: text.to_owned() }
}

fn message(text: &str) -> String {
    Settings::parse(origin(text)).unwrap_err().to_string()
}

#[test]
fn the_example_holds_every_key_with_its_default() {
    let (example, _) = Settings::parse(origin(EXAMPLE)).unwrap();
    assert_eq!(example, Settings::default());
    let keys = EXAMPLE.lines().filter(|line| line.contains('=') && !line.starts_with('#')).count();
    let documented = EXAMPLE
        .lines()
        .zip(EXAMPLE.lines().skip(1))
        .filter(|(above, line)| above.starts_with('#') && line.contains('=') && !line.starts_with('#'))
        .count();
    assert_eq!(keys, documented, "every key has a comment above it");
}

#[test]
fn every_key_of_the_program_is_in_the_example() {
    // serde names all known keys when it meets an unknown one.
    for section in [
        "terminal",
        "host",
        "vault",
        "ledger",
        "reader",
        "pin",
        "printer",
        "sound",
        "screen",
        "goods",
        "people",
        "till",
        "receipt",
        "scanner",
        "stripe",
        "signature",
    ] {
        let message = message(&format!("[{section}]\nno_such_key = 1"));
        for key in message.split('`').skip(3).step_by(2) {
            assert!(EXAMPLE.contains(&format!("{key} =")), "{section}.{key} is not in assets/yima.toml");
        }
    }
}

#[test]
fn a_wrong_key_is_named_with_file_and_line() {
    let text = "[terminal]\nlanguage = \"zh-CN\"\n\n[printer]\nbuad = 9600\n";
    assert!(message(text).starts_with("yima.toml, line 5, printer.buad: unknown field `buad`"), "{}", message(text));
    assert!(message("[printer]\nbaud = \"fast\"").starts_with("yima.toml, line 2, printer.baud: "));
    assert!(message("[pinter]\nbaud = 1").starts_with("yima.toml, line 1, [pinter]: unknown field `pinter`"));
    assert!(
        message("[terminal]\n\ncurrency = \"XYZ\"")
            .starts_with("yima.toml, line 3, terminal.currency: unknown currency")
    );
    assert!(message("[terminal\n").starts_with("yima.toml, line 1"));
    assert!(message("[reader]\ncard_wait_s = 0").starts_with("yima.toml, line 2, reader.card_wait_s: 0 seconds"));
    assert!(message("[signature]\nwait_s = 0").starts_with("yima.toml, line 2, signature.wait_s: 0 seconds"));
    assert!(message("[signature]\npad = \"on\"").starts_with("yima.toml, line 2, signature.pad: unknown variant"));
    assert!(message("[printer]\npatience_s = 9999").starts_with("yima.toml, line 2, printer.patience_s: "));
    let head = message("[receipt]\nheader_zh = [\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\"]");
    assert!(head.starts_with("yima.toml, line 2, receipt.header_zh: 7 lines; at most 6"), "{head}");
    let long = message(&format!("[receipt]\nfooter_en = [\"{}\"]", "x".repeat(61)));
    assert!(long.contains("receipt.footer_en: ") && long.contains("at most 60 characters"), "{long}");
    let law = message("[ledger]\nkeep_days = 1095");
    assert!(law.starts_with("yima.toml, line 2, ledger.keep_days: 1095 days; payments must be kept"), "{law}");
    assert!(message("[ledger]\nkeep_days = -1").starts_with("yima.toml, line 2, ledger.keep_days: "));
    assert!(Settings::parse(origin("[ledger]\nkeep_days = 4000")).is_ok());
    assert!(message("[pin]\nwait_s = 256").starts_with("yima.toml, line 2, pin.wait_s: 256 seconds"));
    assert!(message("[stripe]\nfallback_s = 121").starts_with("yima.toml, line 2, stripe.fallback_s: 121 seconds"));
    assert!(message("[stripe]\nbaud = 1").starts_with("yima.toml, line 2, stripe.baud: "));
    assert!(message("[sound]\ndevice = \"默认").starts_with("yima.toml, line 2"));
    let scale = message("[goods]\nscale_barcodes = [\"21AAAAAWWWWWC\", \"69AAAAAWWWWWC\"]");
    assert!(scale.starts_with("yima.toml, line 2, goods.scale_barcodes: \"69AAAAAWWWWWC\" does not begin"), "{scale}");
    let token = "[vault]\nkind = \"pkcs11\"\nmodule = \"libsofthsm2.so\"\ntoken = \"\"\n";
    assert!(message(token).starts_with("yima.toml, line 3, vault.module: "), "{}", message(token));
    let token = token.replace("lib", "/usr/lib/softhsm/lib");
    assert!(message(&token).starts_with("yima.toml, line 4, vault.token: "), "{}", message(&token));
}

#[test]
fn a_wrong_value_is_named_where_it_stands_also_among_keys_of_the_same_name() {
    for (from, to, key) in [
        ("answer_timeout_s = 30", "answer_timeout_s = 0", "reader.answer_timeout_s"),
        ("answer_timeout_s = 60", "answer_timeout_s = 0", "host.answer_timeout_s"),
        ("baud = 115200", "baud = 0", "printer.baud"),
        ("width = 720", "width = 100000", "screen.width"),
    ] {
        let text = EXAMPLE.replacen(from, to, 1);
        let line = text.lines().position(|line| line == to).unwrap() + 1;
        assert!(message(&text).starts_with(&format!("yima.toml, line {line}, {key}: ")), "{}", message(&text));
    }
    let (_, origin) = Settings::parse(origin(EXAMPLE)).unwrap();
    let line = EXAMPLE.lines().position(|line| line.starts_with("profile =")).unwrap() + 1;
    let said = origin.wrong("printer.profile", "not known").to_string();
    assert_eq!(said, format!("yima.toml, line {line}, printer.profile: not known"));
    let said = Origin::default().wrong("host.url", "no").to_string();
    assert_eq!(said, "host.url (left at its default): no");
}

#[test]
fn customers_sign_on_the_screen_where_acquirer_or_settings_say_so() {
    for (pad, by_acquirer, used) in [
        (SignaturePad::Acquirer, false, false),
        (SignaturePad::Acquirer, true, true),
        (SignaturePad::Always, false, true),
        (SignaturePad::Never, true, false),
    ] {
        assert_eq!(pad.is_used(by_acquirer), used, "{pad:?} {by_acquirer}");
    }
}

#[test]
fn a_file_that_was_asked_for_must_be_there() {
    let error = Settings::load(Some(Path::new("/nowhere/yima.toml"))).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/yima.toml: "));
}
