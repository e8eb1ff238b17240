//! Working keys of other ciphers than TDES: the dialect names it, and enrolment, sign-on, PIN blocks and MACs follow.

use super::*;
use crate::acquirer::sign_on::SignOnFailure;
use crate::crypto::mac::{Cipher, MacAlgorithm};
use crate::pin::Pin;
use crate::sandbox::host::DEFAULT_TERMINAL;
use crate::vault::{SecureElement, VaultError};

/// UnionPay's dialect with keys of another cipher, as an acquirer's own file would have it.
fn dialect_with(cipher: Cipher, algorithm: MacAlgorithm, folder: &Path) -> String {
    let mut text = include_str!("../../../../assets/dialects/unionpay.toml").to_owned();
    for (from, to) in [
        ("mac = \"unionpay\"", format!("mac = \"{}\"", algorithm.word())),
        ("check_value = 4", format!("check_value = 8\ncipher = \"{}\"", cipher.word())),
        (
            "layouts = [{ pin = 8, mac = 8 }, { pin = 16, mac = 16 }, { pin = 16, mac = 16, data = 16 }]",
            "layouts = [{ pin = 16, mac = 16 }, { pin = 16, mac = 16, data = 16 }]".to_owned(),
        ),
        ("security_control = \"2600000000000000\"", "security_control = \"2300000000000000\"".to_owned()),
        (
            "name = \"PIN block\"\ncontent = \"bytes\"\nencoding = \"binary\"\nlength = { fixed = 8 }",
            "name = \"PIN block\"\ncontent = \"bytes\"\nencoding = \"binary\"\nlength = { fixed = 16 }".to_owned(),
        ),
    ] {
        assert_eq!(text.matches(&format!("\n{from}\n")).count(), 1, "{from}");
        text = text.replace(from, &to);
    }
    let path = folder.join(format!("{}.toml", cipher.word()));
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn values(kit: &Path, cipher: Cipher, algorithm: MacAlgorithm) -> [Option<Vec<u8>>; 5] {
    let vault = SoftwareVault::open(kit).unwrap();
    vault.set_key_cipher(cipher).unwrap();
    vault.set_mac_algorithm(algorithm).unwrap();
    KeyName::ALL.map(|name| vault.check_value(name).unwrap())
}

fn with_pin(stan: u32, digits: &str) -> SaleRequest {
    SaleRequest { pin: Some(Pin::new(digits.as_bytes().to_vec().into()).unwrap()), ..sale(stan, 100) }
}

#[test]
fn a_terminal_with_keys_of_sm4_or_aes_enrols_signs_on_sells_with_a_pin_and_takes_back() {
    for (cipher, algorithm) in [
        (Cipher::Sm4, MacAlgorithm::UnionpaySm4),
        (Cipher::Sm4, MacAlgorithm::Sm4),
        (Cipher::Sm4, MacAlgorithm::X919),
        (Cipher::Aes, MacAlgorithm::AesCmac),
    ] {
        let what = format!("{cipher:?} {algorithm:?}");
        let directory = tempfile::tempdir().unwrap();
        let dialect = dialect_with(cipher, algorithm, directory.path());
        let host = Host::prepare_in(&dialect, &directory.path().join("host")).unwrap();
        let kit = directory.path().join("kit");
        host.write_kit(&kit).unwrap();
        let [master, device, working @ ..] = values(&kit, cipher, algorithm);
        assert!(master.is_some() && device.is_some() && working == [const { None }; 3], "{what}");
        assert_eq!(values(&kit, Cipher::Tdes, algorithm)[0], None, "{what}: no master key of TDES");
        let running = host.start(([127, 0, 0, 1], 0).into()).unwrap();
        let settings = running.link_settings();
        let link = open(&settings, &kit);
        link.sign_on(trace(999_999)).unwrap_or_else(|failure| panic!("{what}: {failure}"));
        let before = values(&kit, cipher, algorithm);
        assert!(before[2].is_some() && before[3].is_some(), "{what}");

        assert_eq!(code(link.sale(&with_pin(1, "1234"))), "00", "{what}");
        assert_eq!(code(link.sale(&with_pin(2, "9999"))), "55", "{what}: the bank reads the PIN");
        let taken_back = ReversalRequest { with_pin: true, reason: ReversalReason::Other, ..reversal(1, 100) };
        assert_eq!(code(open(&settings, &kit).reverse(&taken_back)), "00", "{what}: keys are found again");
        let failure = link.sale(&sale(3, 67_03)).unwrap_err();
        assert!(matches!(failure, LinkFailure::BadMac(_)), "{what}: {failure}");
        let booked: Vec<_> = running.ledger().unwrap().iter().map(|entry| entry.state).collect();
        assert_eq!(booked[..2], [EntryState::Reversed, EntryState::Declined], "{what}");

        running.set_wrong_check_values(true);
        let failure = link.sign_on(trace(4)).unwrap_err();
        let of_mac_key = matches!(&failure, SignOnFailure::Vault(VaultError::CheckValue { key: KeyName::Mac, .. }));
        assert!(of_mac_key, "{what}: {failure}");
        assert_eq!(values(&kit, cipher, algorithm), before, "{what}: nothing was replaced");
        running.set_wrong_check_values(false);
        link.sign_on(trace(5)).unwrap();
        let after = values(&kit, cipher, algorithm);
        assert!(after[..2] == before[..2] && after[2] != before[2] && after[3] != before[3], "{what}");
        assert_eq!(code(link.sale(&sale(6, 100))), "00", "{what}");
    }
}

/// A host that goes over to keys of another cipher: its own terminal gets a new kit, and others have to be enrolled anew.
#[test]
fn keys_of_one_cipher_are_not_taken_for_those_of_another() {
    let house = House::new();
    let other = house.other_kit();
    let dialect = dialect_with(Cipher::Sm4, MacAlgorithm::UnionpaySm4, house.directory.path());
    let House { host, running, directory } = house;
    drop((host, running));
    let (state, kit) = (directory.path().join("host"), directory.path().join("kit"));
    let host = Host::prepare_in(&dialect, &state).unwrap();
    assert_eq!((host.is_kit(&kit).unwrap(), host.is_kit(&other).unwrap()), (Some(false), None));
    host.write_kit(&kit).unwrap();
    // Whoever only looks into its books, or comes again with the same dialect, changes nothing.
    for again in [Host::prepare(&state).unwrap(), Host::prepare_in(&dialect, &state).unwrap()] {
        assert_eq!(again.is_kit(&kit).unwrap(), Some(true));
    }
    let running = host.start(([127, 0, 0, 1], 0).into()).unwrap();
    let settings = running.link_settings();
    open(&settings, &kit).sign_on(trace(1)).unwrap();
    assert_eq!(running.sign_on_state(DEFAULT_TERMINAL).unwrap().unwrap().times, 2);
    // A terminal that takes its keys of TDES for what they are.
    let failure = open(&LinkSettings { dialect: "unionpay".to_owned(), ..settings.clone() }, &other).sign_on(trace(2));
    assert!(matches!(&failure, Err(SignOnFailure::Refused(code)) if code.as_str() == "97"), "{failure:?}");
    // One that speaks the host's dialect says what it lacks, and sends nothing that it could not read.
    let failure = open(&settings, &other).sale(&sale(3, 100)).unwrap_err();
    assert!(matches!(&failure, LinkFailure::Unsendable(_)), "{failure}");
}

#[test]
fn a_dialect_without_a_hosts_rules_is_refused_before_anything_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("host");
    for name in ["iso87-ascii", "iso87-binary", "iso93-binary"] {
        let error = Host::prepare_in(name, &state).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("cannot trade"), "{error}");
    }
    assert!(!state.exists());
}
