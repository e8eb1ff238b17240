//! The vault on a PKCS#11 token: SoftHSM, and a module in front of it that fails as tokens do. What every vault does is
//! shown of this one and of the software vault alike.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]
#![allow(clippy::print_stdout, reason = "a scenario tells the test what it saw")]

#[path = "vault/contract.rs"]
mod contract;
#[path = "vault/softhsm.rs"]
mod softhsm;
mod support;

use std::collections::BTreeMap;

use contract::{CASES, MASTER, bytes, check_values, enrol, fill, sign_on};
use cryptoki::context::Pkcs11;
use cryptoki::object::{Attribute, AttributeInfo, AttributeType, KeyType, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use serde_json::{Value, json};
use softhsm::{LABEL, PIN, SCENARIO, Token, write_pin};
use support::counter::{Counter, FULL_ACCOUNT};
use yima::crypto::elliptic::P256PrivateKey;
use yima::crypto::hex;
use yima::vault::pkcs11::{Pkcs11Vault, TokenFault};
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

/// The working keys come into the token at sign-on; field 64 and field 59 of the sale are computed with it, the host checks both.
#[test]
fn a_terminal_with_a_token_signs_on_and_sells() {
    let mut counter = Counter::open_for_business();
    let token = Token::new();
    let identity = counter.state().join("identity");
    let file = identity.join("vault-TEST.toml");
    let keys: toml::Table = std::fs::read_to_string(&file).unwrap().parse().unwrap();
    let keys = ["master_key", "device_key", "device_key_pair"].map(|name| keys[name].as_str().unwrap().to_owned());
    token.succeed(&format!("take {}", keys.join(" ")));
    std::fs::remove_file(file).unwrap();
    write_pin(&identity.join("token.pin"), PIN);
    counter.environment.push(("SOFTHSM2_CONF", token.settings()));
    counter.set(&format!(
        "[vault]\nkind = \"pkcs11\"\nmodule = \"{}\"\ntoken = \"{LABEL}\"\n",
        support::parts::SOFTHSM2.find().display()
    ));
    let (result, code) = counter.sale("12.34", &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("approved"), 0), "{result:#}");
    assert_eq!(counter.balance(), FULL_ACCOUNT - 1234);

    let output = counter.yima(&["doctor", "--json"]).output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys = found["parts"]["keys"]["says"].as_str().unwrap();
    assert!(keys.contains(&format!("PKCS#11 token {LABEL}, TEST keys")) && keys.contains("MAC key "), "{found:#}");
    assert_eq!(found["parts"]["keys"]["ok"], true);

    // Keys of an enrolment would go into a file and not be used: it is refused before the acquirer hears of it.
    let output = counter.yima(&["enrol", "--code", "123456789012", "--again"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("vault.kind"), "{said}");
}

/// Not a test: what [`Token::play`] runs.
#[test]
#[ignore = "other tests run it, each with a token of its own"]
fn in_a_process_of_its_own() {
    let Ok(scenario) = std::env::var(SCENARIO) else { return };
    if let Some((_, case)) = CASES.iter().find(|(name, _)| *name == scenario) {
        return case(&softhsm::open);
    }
    match scenario.split_once(' ').unwrap_or((scenario.as_str(), "")) {
        ("fill", _) => fill(&*softhsm::open()),
        ("generate", _) => drop(softhsm::open().generate().unwrap()),
        ("enrol", _) => enrol(&*softhsm::open(), &[3; 24], &[4; 16]),
        ("sign_on", _) => {
            sign_on(&*softhsm::open(), &bytes(MASTER), &[(KeyName::Mac, &[1; 16]), (KeyName::Data, &[2; 16])]).unwrap()
        }
        ("zeroize", _) => softhsm::open().zeroize().unwrap(),
        ("take", keys) => take(keys),
        ("look", _) => show(),
        ("no_key_can_be_read", _) => no_key_can_be_read(),
        ("a_session_that_ended", _) => a_session_that_ended(),
        ("two_programs", _) => two_programs(),
        ("pulled_out", _) => pulled_out(),
        ("a_refused_pin", _) => a_refused_pin(),
        ("the_last_try", _) => the_last_try(),
        ("found_by_name", _) => found_by_name(),
        ("an_unreadable_record", _) => an_unreadable_record(),
        ("cost", _) => cost(),
        _ => panic!("no scenario {scenario}"),
    }
}

/// Keys that a host has already given, to a terminal that had the pair elsewhere: its pair takes the place of the token's.
fn take(keys: &str) {
    let keys: Vec<_> = keys.split(' ').map(bytes).collect();
    let [master, device, pair] = keys.as_slice() else { panic!("three keys") };
    let vault = softhsm::open();
    vault.generate().unwrap();
    enrol(&*vault, master, device);
    let module = module();
    let session = module.open_rw_session(module.get_slots_with_initialized_token().unwrap()[0]).unwrap();
    let label = Attribute::Label(b"yima device key pair".to_vec());
    for half in session.find_objects(std::slice::from_ref(&label)).unwrap() {
        session.destroy_object(half).unwrap();
    }
    let curve = Attribute::EcParams(bytes("06082A8648CE3D030107"));
    let point = P256PrivateKey::new(pair).unwrap().public_key().unwrap().to_point().unwrap();
    let both = [
        Attribute::Token(true),
        Attribute::KeyType(KeyType::EC),
        curve,
        label,
        Attribute::Id(1_u64.to_be_bytes().to_vec()),
    ];
    let point = Attribute::EcPoint([bytes("0441"), point].concat());
    let public = [both.as_slice(), &[Attribute::Class(ObjectClass::PUBLIC_KEY), point]].concat();
    let value = Attribute::Value(pair.clone());
    let private = [
        both.as_slice(),
        &[Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Private(true), Attribute::Sign(true), value],
    ]
    .concat();
    session.create_object(&public).unwrap();
    session.create_object(&private).unwrap();
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
    let keys: Vec<_> = all_objects()
        .into_iter()
        .filter(|object| [ObjectClass::SECRET_KEY, ObjectClass::PRIVATE_KEY].contains(&object.class))
        .collect();
    assert_eq!(
        keys.len(),
        5,
        "master, MAC, PIN and sealing key, and the private half of the pair; no shared secret is left"
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
    assert!(Pkcs11Vault::open(softhsm::place(), &softhsm::folder()).is_err());
    std::fs::remove_file(gone).unwrap();
    assert_eq!(vault.mac(b"0200").unwrap(), mac);
}

#[track_caller]
fn fault_of_opening() -> TokenFault {
    match Pkcs11Vault::open(softhsm::place(), &softhsm::folder()) {
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
    assert!(Pkcs11Vault::open(place.clone(), &softhsm::folder()).is_ok());
    place.token = "another".to_owned();
    let said = Pkcs11Vault::open(place, &softhsm::folder()).err().unwrap().to_string();
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
