//! The vault on a PKCS#11 token: SoftHSM, and a module in front of it that fails as tokens do. What every vault does is
//! shown of this one and of the software vault alike.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]
#![allow(clippy::print_stdout, reason = "a scenario tells the test what it saw")]

#[path = "vault/contract.rs"]
mod contract;
#[allow(dead_code, reason = "two test programs compile this module and each uses a part of it")]
#[path = "vault/softhsm.rs"]
mod softhsm;
mod support;

use std::collections::BTreeMap;

use contract::{CASES, MASTER, bytes, check_values, enrol, fill, sign_on};
use cryptoki::context::Pkcs11;
use cryptoki::object::{Attribute, AttributeInfo, AttributeType, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use serde_json::{Value, json};
use softhsm::{LABEL, PIN, SCENARIO, Token, write_pin};
use yima::crypto::hex;
use yima::vault::pkcs11::{KeySet, Pkcs11Vault, TokenFault};
use yima::vault::software::SoftwareVault;
use yima::vault::{KeyName, VaultError};

/// What stands before what a scenario saw.
const SAW: &str = "saw: ";

#[test]
fn the_software_vault_does_what_every_vault_does() {
    for (name, case) in CASES {
        let folder = tempfile::tempdir().unwrap();
        println!("{name}");
        case(&|| Box::new(SoftwareVault::create(folder.path()).unwrap()));
    }
}

#[test]
fn a_token_does_what_every_vault_does() {
    for (name, _) in CASES {
        Token::new().succeed(name);
    }
}

#[test]
fn a_token_that_unwraps_does_the_same_and_is_never_asked_for_a_key() {
    let unused = Token::new().failing();
    for (name, _) in CASES {
        let mut token = unused.copy();
        token.set(&[("TOKEN_UNWRAPS", "1")]);
        token.succeed(name);
    }
}

#[test]
fn no_key_can_be_read_or_leave_the_token() {
    Token::new().succeed("no_key_can_be_read");
}

#[test]
fn a_session_that_ended_is_opened_again() {
    let mut token = Token::new().failing();
    let reset = token.folder().join("reset");
    token.set(&[("TOKEN_RESET", reset.to_str().unwrap())]);
    token.succeed("a_session_that_ended");
    assert!(!reset.exists());
}

#[test]
fn two_programs_see_the_same_keys() {
    Token::new().succeed("two_programs");
}

#[test]
fn a_token_that_is_pulled_out_is_missed_and_works_again_when_it_is_back() {
    let mut token = Token::new().failing();
    let gone = token.folder().join("gone");
    token.set(&[("TOKEN_GONE", gone.to_str().unwrap())]);
    token.succeed("pulled_out");
}

#[test]
fn a_refused_pin_is_not_tried_again() {
    let mut token = Token::new().failing();
    let (logins, reset) = (token.folder().join("logins"), token.folder().join("reset"));
    token.set(&[("TOKEN_LOGINS", logins.to_str().unwrap()), ("TOKEN_RESET", reset.to_str().unwrap())]);
    token.succeed("a_refused_pin");
    assert_eq!(std::fs::read_to_string(logins).unwrap().lines().count(), 3, "wrong once, right once, wrong once");
}

#[test]
fn the_last_try_of_a_pin_is_left_to_a_person() {
    let mut token = Token::new().failing();
    let logins = token.folder().join("logins");
    token.set(&[("TOKEN_LAST_TRY", "1"), ("TOKEN_LOGINS", logins.to_str().unwrap())]);
    token.succeed("the_last_try");
    assert!(!logins.exists(), "no PIN was tried");
}

#[test]
fn a_token_is_found_by_label_or_serial_number_and_missed_by_name() {
    Token::new().succeed("found_by_name");
}

#[test]
fn a_record_that_cannot_be_read_stops_everything_but_the_destruction_of_keys() {
    Token::new().succeed("an_unreadable_record");
}

/// The power goes before each change to the token in turn. What is found at the next start are the keys from before or the
/// new ones, whole, and nothing else of ours in the token; and what was cut short can be done again.
#[test]
fn a_power_cut_between_two_changes_leaves_the_old_keys_or_the_new_ones() {
    let filled = Token::new().failing();
    filled.succeed("fill");
    let before = look(&filled);
    assert_eq!(before["objects"], json!(objects(&["MAC key", "PIN key", "master key", "sealing key"])));
    for scenario in ["generate", "enrol", "sign_on", "zeroize"] {
        let done = filled.copy();
        done.succeed(scenario);
        let after = look(&done);
        assert_ne!(before, after, "{scenario}");
        let mut seen = Vec::new();
        for cut in 1.. {
            let mut token = filled.copy();
            token.set(&[("TOKEN_CUT", &cut.to_string())]);
            let output = token.play(scenario);
            token.set(&[]);
            let found = look(&token);
            let is_new = match scenario {
                // Each pair is another one; nothing else changes.
                "generate" => {
                    assert_eq!(without_pair(&found), without_pair(&before), "{scenario}, cut {cut}");
                    found["pair"] != before["pair"]
                }
                _ => found != before,
            };
            if is_new && scenario != "generate" {
                assert_eq!(found, after, "{scenario}, cut {cut}");
            }
            seen.push(is_new);
            if output.status.success() {
                break;
            }
            assert_eq!(output.status.code(), Some(99), "{scenario}, cut {cut}");
            token.succeed(scenario);
            assert_eq!(without_pair(&look(&token)), without_pair(&after), "{scenario} again after cut {cut}");
        }
        println!(
            "{scenario}: {} changes, new from the {:?}th cut on",
            seen.len() - 1,
            seen.iter().position(|new| *new)
        );
        assert!(
            seen.is_sorted() && !seen[0] && seen[seen.len() - 1],
            "{scenario}: first the old, then the new: {seen:?}"
        );
    }
}

fn without_pair(seen: &Value) -> Value {
    let mut seen = seen.clone();
    seen["pair"] = Value::Null;
    seen
}

/// Our objects in a token that has a pair and a record, sorted.
fn objects(keys: &[&str]) -> Vec<String> {
    let mut all: Vec<_> = [keys, &["device key pair", "device key pair", "record"]]
        .concat()
        .iter()
        .map(|key| format!("yima {key}"))
        .collect();
    all.sort();
    all
}

/// What the vault shows of the token after a restart.
fn look(token: &Token) -> Value {
    let said = token.succeed("look");
    serde_json::from_str(said.lines().find_map(|line| line.split_once(SAW)).unwrap().1).unwrap()
}

/// Not a test: what [`Token::play`] runs.
#[test]
#[ignore = "other tests run it, each with a token of its own"]
fn in_a_process_of_its_own() {
    let Ok(scenario) = std::env::var(SCENARIO) else { return };
    if let Some((_, case)) = CASES.iter().find(|(name, _)| *name == scenario) {
        return case(&softhsm::open);
    }
    match scenario.as_str() {
        "fill" => fill(&*softhsm::open()),
        "generate" => drop(softhsm::open().generate().unwrap()),
        "enrol" => enrol(&*softhsm::open(), &[3; 24], &[4; 16]),
        "sign_on" => {
            sign_on(&*softhsm::open(), &bytes(MASTER), &[(KeyName::Mac, &[1; 16]), (KeyName::Data, &[2; 16])]).unwrap()
        }
        "zeroize" => softhsm::open().zeroize().unwrap(),
        "look" => show(),
        "no_key_can_be_read" => no_key_can_be_read(),
        "a_session_that_ended" => a_session_that_ended(),
        "two_programs" => two_programs(),
        "pulled_out" => pulled_out(),
        "a_refused_pin" => a_refused_pin(),
        "the_last_try" => the_last_try(),
        "found_by_name" => found_by_name(),
        "an_unreadable_record" => an_unreadable_record(),
        "cost" => cost(),
        _ => panic!("no scenario {scenario}"),
    }
}

fn show() {
    let vault = softhsm::open();
    assert!(vault.is_test(), "SoftHSM is no secure element");
    let keys = match vault.check_value(KeyName::Mac) {
        Err(VaultError::Destroyed) => {
            contract::all_say_that_they_were_destroyed(&*vault);
            json!("destroyed")
        }
        _ => {
            let mac = vault.mac(b"0200").ok().map(|mac| hex::encode(&mac));
            json!([check_values(&*vault), mac, vault.device_ciphertext("00000102TEST0001", "001230").unwrap()])
        }
    };
    let pair = vault.public_key().ok().map(|key| hex::encode(&key));
    let mut labels: Vec<_> = all_objects().into_iter().map(|object| object.label).collect();
    labels.sort();
    println!("\n{SAW}{}", json!({ "keys": keys, "pair": pair, "objects": labels }));
}

struct Object {
    label: String,
    class: ObjectClass,
    attributes: BTreeMap<AttributeType, Attribute>,
    value: AttributeInfo,
}

/// Everything in the token, past the vault.
fn all_objects() -> Vec<Object> {
    use AttributeType::{AlwaysSensitive, Class, Extractable, Label, Sensitive};
    let module = module();
    let session = module.open_ro_session(module.get_slots_with_initialized_token().unwrap()[0]).unwrap();
    // The vault's session has logged this program in; without one, this does.
    let _ = session.login(UserType::User, Some(&AuthPin::new(PIN.into())));
    let mut objects = Vec::new();
    for handle in session.find_objects(&[]).unwrap() {
        let known = [Class, Label, Sensitive, Extractable, AlwaysSensitive];
        let found = session.get_attributes(handle, &known).unwrap();
        let attributes: BTreeMap<_, _> =
            found.into_iter().map(|attribute| (attribute.attribute_type(), attribute)).collect();
        let (Attribute::Class(class), Attribute::Label(label)) = (&attributes[&Class], &attributes[&Label]) else {
            panic!("every object has a class and a label")
        };
        let (class, label) = (*class, String::from_utf8(label.clone()).unwrap());
        let value = session.get_attribute_info(handle, &[AttributeType::Value]).unwrap().remove(0);
        objects.push(Object { label, class, attributes, value });
    }
    objects
}

fn module() -> Pkcs11 {
    Pkcs11::new(softhsm::place().module).unwrap()
}

fn no_key_can_be_read() {
    let vault = softhsm::open();
    fill(&*vault);
    vault.make_storage_key().unwrap();
    let keys: Vec<_> = all_objects()
        .into_iter()
        .filter(|object| [ObjectClass::SECRET_KEY, ObjectClass::PRIVATE_KEY].contains(&object.class))
        .collect();
    assert_eq!(
        keys.len(),
        6,
        "master, MAC, PIN, sealing and storage key, and the private half of the pair; no shared secret is left"
    );
    for key in keys {
        let label = &key.label;
        assert!(matches!(key.attributes[&AttributeType::Sensitive], Attribute::Sensitive(true)), "{label}");
        assert!(matches!(key.attributes[&AttributeType::Extractable], Attribute::Extractable(false)), "{label}");
        assert!(matches!(key.value, AttributeInfo::Sensitive), "{label}: {:?}", key.value);
    }
}

/// All sessions of this program end behind the vault's back, and with them it is logged out.
fn a_session_that_ended() {
    let vault = softhsm::open();
    fill(&*vault);
    let mac = vault.mac(b"0200").unwrap();
    let reset = || std::fs::write(softhsm::folder().join("reset"), "").unwrap();
    reset();
    assert_eq!(vault.mac(b"0200").unwrap(), mac);
    reset();
    assert!(vault.sign(b"0200").is_ok());
    reset();
    sign_on(&*vault, &bytes(MASTER), &[(KeyName::Mac, &[1; 16])]).unwrap();
    assert_ne!(vault.mac(b"0200").unwrap(), mac);
    reset();
    vault.zeroize().unwrap();
    contract::all_say_that_they_were_destroyed(&*vault);
}

fn two_programs() {
    let (one, other) = (softhsm::open(), softhsm::open());
    fill(&*one);
    sign_on(&*other, &bytes(MASTER), &[(KeyName::Mac, &[1; 16])]).unwrap();
    assert_eq!(one.mac(b"0200").unwrap(), other.mac(b"0200").unwrap(), "the first one notices the new key");
    sign_on(&*one, &bytes(MASTER), &[(KeyName::Mac, &[2; 16])]).unwrap();
    assert_eq!(one.mac(b"0200").unwrap(), other.mac(b"0200").unwrap(), "and so does the other one");
    assert_eq!(all_objects().len(), 6, "pair twice, record, sealing, master and MAC key");
    // Opened while somebody changes keys: what he has just made is not taken for a leftover.
    let busy = std::fs::File::open(softhsm::folder().join("vault.lock")).unwrap();
    busy.lock().unwrap();
    assert!(softhsm::open().mac(b"0200").is_ok());
}

fn pulled_out() {
    let gone = softhsm::folder().join("gone");
    let vault = softhsm::open();
    fill(&*vault);
    let mac = vault.mac(b"0200").unwrap();
    std::fs::write(&gone, "").unwrap();
    for _ in 0..2 {
        let error = vault.mac(b"0200").unwrap_err();
        assert!(matches!(&error, VaultError::Token(error) if matches!(error.fault, TokenFault::Absent { .. })));
        let said = error.to_string();
        assert!(said.contains(LABEL) && said.contains("put it in"), "{said}");
    }
    assert!(Pkcs11Vault::open(softhsm::place(), KeySet::default(), &softhsm::folder()).is_err());
    std::fs::remove_file(gone).unwrap();
    assert_eq!(vault.mac(b"0200").unwrap(), mac);
}

#[track_caller]
fn fault_of_opening() -> TokenFault {
    match Pkcs11Vault::open(softhsm::place(), KeySet::default(), &softhsm::folder()) {
        Err(VaultError::Token(error)) => error.fault,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it opens"),
    }
}

fn a_refused_pin() {
    let pin_file = softhsm::place().pin_file;
    write_pin(&pin_file, "000000");
    assert!(matches!(fault_of_opening(), TokenFault::PinRefused(_)));
    write_pin(&pin_file, PIN);
    let vault = softhsm::open();
    fill(&*vault);
    write_pin(&pin_file, "000000");
    std::fs::write(softhsm::folder().join("reset"), "").unwrap();
    for _ in 0..3 {
        let error = vault.mac(b"0200").unwrap_err();
        assert!(
            matches!(&error, VaultError::Token(error) if matches!(error.fault, TokenFault::PinRefused(_))),
            "{error}"
        );
        assert!(error.to_string().contains(pin_file.to_str().unwrap()), "{error}");
    }
}

fn the_last_try() {
    assert!(matches!(fault_of_opening(), TokenFault::LastTry));
}

fn found_by_name() {
    let module = module();
    drop(softhsm::open());
    let slot = module.get_slots_with_initialized_token().unwrap()[0];
    let serial_number = module.get_token_info(slot).unwrap().serial_number().to_owned();
    let mut place = softhsm::place();
    place.token = serial_number;
    assert!(Pkcs11Vault::open(place.clone(), KeySet::default(), &softhsm::folder()).is_ok());
    place.token = "another".to_owned();
    let said = Pkcs11Vault::open(place, KeySet::default(), &softhsm::folder()).err().unwrap().to_string();
    assert!(said.contains("another") && said.contains(LABEL), "{said}");
}

fn an_unreadable_record() {
    let vault = softhsm::open();
    fill(&*vault);
    let module = module();
    let session = module.open_rw_session(module.get_slots_with_initialized_token().unwrap()[0]).unwrap();
    session
        .create_object(&[
            Attribute::Class(ObjectClass::DATA),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Application(b"yima".to_vec()),
            Attribute::Label(b"yima record".to_vec()),
            Attribute::Value(b"{\"number\":".to_vec()),
        ])
        .unwrap();
    drop(vault);
    let vault = softhsm::open();
    for result in [vault.mac(b"").map(drop), vault.generate().map(drop), vault.import_under_master(&[])] {
        assert!(result.unwrap_err().to_string().contains("destroy them"));
    }
    assert_eq!(all_objects().len(), 8, "nothing is tidied away in doubt");
    vault.zeroize().unwrap();
    contract::all_say_that_they_were_destroyed(&*softhsm::open());
    assert_eq!(all_objects().len(), 1, "the word that they were destroyed");
}

/// Told by hand: `YIMA_TEST_SCENARIO=cost`.
fn cost() {
    let vault = softhsm::open();
    fill(&*vault);
    let began = std::time::Instant::now();
    const TIMES: u32 = 2_000;
    for _ in 0..TIMES {
        vault.mac(&[7; 300]).unwrap();
    }
    println!("{SAW}mac: {:?}", began.elapsed() / TIMES);
}
