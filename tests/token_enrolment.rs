//! Enrolment of a terminal whose keys are in a token: SoftHSM, and a module in front of it that fails as tokens do. Wherever the
//! power goes or the token is pulled out, the terminal is the one before or the new one, whole, and nothing of the other is
//! left in the token.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]
#![allow(clippy::print_stdout, reason = "a scenario tells the test what it saw")]

#[allow(dead_code, reason = "two test programs compile this module and each uses a part of it")]
#[path = "vault/softhsm.rs"]
mod softhsm;
mod support;

use std::collections::BTreeMap;

use cryptoki::context::Pkcs11;
use cryptoki::object::{Attribute, AttributeType};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use serde_json::{Value, json};
use softhsm::{LABEL, PIN, SCENARIO, Token, write_pin};
use support::counter::{Counter, FULL_ACCOUNT};
use support::town::{TUSN, Town};
use yima::acquirer::enrolment::wire::ActivationCode;
use yima::app::Setup;
use yima::terminal::identity;
use yima::terminal::settings::Settings;
use yima::vault::KeyName;

/// What stands before what a scenario saw.
const SAW: &str = "saw: ";

/// Parts of an enrolment, as it tells of them.
const PARTS: usize = 5;

/// The objects of a terminal that is enrolled, and of one that has signed on as well.
const ENROLLED: [&str; 5] = ["device key pair", "device key pair", "master key", "record", "sealing key"];
const SIGNED_ON: [&str; 8] =
    ["MAC key", "PIN key", "device key pair", "device key pair", "master key", "record", "sealing key", "storage key"];

/// A machine that keeps its keys in a token, and the town around it.
struct Machine {
    town: Town,
    token: Token,
}

impl Machine {
    fn new(token: Token) -> Self {
        let town = Town::new();
        town.keep_keys_in(token.module(), LABEL);
        write_pin(&town.identity().join("token.pin"), PIN);
        let mut machine = Self { town, token };
        machine.fail(&[]);
        machine
    }

    fn enrolled() -> Self {
        let machine = Self::new(Token::new().failing());
        let code = machine.town.approved();
        machine.enrol(&code, false);
        machine
    }

    /// How the token fails from now on.
    fn fail(&mut self, how: &[(&'static str, &str)]) {
        self.token.set(how);
        self.town.environment = self.token.environment();
    }

    /// Enrols the terminal, which has to go well.
    #[track_caller]
    fn enrol(&self, code: &str, again: bool) {
        let (_, exit, said) = self.town.run(&self.town.state(), &enrol(code, again));
        assert_eq!(exit, 0, "{said}");
    }

    fn new_code(&self) -> String {
        self.town.merchant(&["code", TUSN])["activation_code"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn sign_on(&self) {
        let (_, exit, said) = self.town.run(&self.town.state(), &["sign-on"]);
        assert_eq!(exit, 0, "{said}");
    }

    /// The same token is used, without a program of the terminal: what is in it and whether it fits the identity.
    fn look(&self) -> Seen {
        self.scenario("look", "")
    }

    /// The terminal is started, and looked at.
    fn start(&self) -> Seen {
        self.scenario("start", "")
    }

    fn scenario(&self, name: &str, more: &str) -> Seen {
        let said = self.token.succeed(&self.words(name, more));
        serde_json::from_str(said.lines().find_map(|line| line.split_once(SAW)).unwrap().1).unwrap()
    }

    fn words(&self, name: &str, more: &str) -> String {
        format!("{name} {} {} {more}", self.town.settings().display(), self.town.state().display())
    }

    /// The terminal and its token have one identity with its keys, and nothing else is in the token or beside the identity.
    #[track_caller]
    fn has_only(&self, objects: &[&str]) {
        let seen = self.look();
        assert!(seen.whole, "{seen:?}");
        assert_eq!(seen.sets.len(), 1, "{seen:?}");
        assert_eq!(seen.sets[&seen.set], objects, "{seen:?}");
        assert!(!self.town.state().join("identity.new").exists());
        assert!(self.town.host_line().starts_with("answers 00"), "{}", self.town.host_line());
    }
}

fn enrol(code: &str, again: bool) -> Vec<&str> {
    let mut arguments = vec!["enrol", "--code", code, "--json"];
    if again {
        arguments.push("--again");
    }
    arguments
}

/// What a scenario saw.
#[derive(Debug, PartialEq, Eq, serde::Deserialize)]
struct Seen {
    /// The version of the binding record; 0 without one.
    version: u32,
    /// The keys that the identity names are all there, and it is for them.
    whole: bool,
    /// The set of keys that the identity names.
    set: String,
    /// What is in the token, by sets.
    sets: BTreeMap<String, Vec<String>>,
}

#[test]
fn a_terminal_with_a_token_is_enrolled_moved_enrolled_anew_and_taken_out_of_service() {
    let machine = Machine::enrolled();
    let town = &machine.town;
    machine.has_only(&ENROLLED);
    machine.sign_on();
    machine.has_only(&SIGNED_ON);
    let mut names: Vec<_> = std::fs::read_dir(town.identity())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = [
        "acquirer-ca.pem",
        "binding-ca.pem",
        "binding.json",
        "client.key",
        "client.pem",
        "journal.jsonl",
        "ledger-begun",
        "machine.toml",
        "token.pin",
        "vault-token.toml",
    ];
    assert_eq!(names, expected, "no key but that for TLS is in a file");

    town.yima(&["move", "--address", "深圳市", "--coordinates", "22.5,114.0", "--json"]);
    town.merchant(&["move", TUSN]);
    let (newer, exit) = town.yima(&["enrol", "--refresh", "--json"]);
    assert_eq!((newer["address"].as_str(), exit), (Some("深圳市"), 0));
    machine.has_only(&SIGNED_ON);

    let before = machine.look();
    machine.enrol(&machine.new_code(), true);
    machine.has_only(&ENROLLED);
    assert_ne!(machine.look().set, before.set);

    town.merchant(&["decommission", TUSN, "--reason", "the shop has closed"]);
    let (done, exit) = town.yima(&["decommission", "--json"]);
    assert_eq!((&done["decommissioned"], exit), (&Value::Bool(true), 0));
    let seen = machine.look();
    assert_eq!(seen.sets.into_values().collect::<Vec<_>>(), [["record"]], "the word that they were destroyed");
    let events = ["enrolled", "move_requested", "binding_replaced", "keys_replaced", "enrolled", "decommissioned"];
    assert_eq!(town.events(), events);

    // And for another merchant.
    let code = town.approved();
    machine.enrol(&code, false);
    machine.has_only(&ENROLLED);
}

/// Field 64 of the sale is computed in the token, field 59 with the key that lies sealed in it; the host checks both.
#[test]
fn a_terminal_that_moves_its_keys_into_a_token_signs_on_and_sells_and_does_so_with_new_ones() {
    let mut counter = Counter::open_for_business();
    let token = Token::new();
    let identity = counter.state().join("identity");
    write_pin(&identity.join("token.pin"), PIN);
    counter.environment.push(("SOFTHSM2_CONF", token.settings()));
    let vault = format!("[vault]\nkind = \"pkcs11\"\nmodule = \"{}\"\ntoken = \"{LABEL}\"\n", token.module().display());
    counter.set(&vault);
    for (amount, left) in [("12.34", FULL_ACCOUNT - 1234), ("10.00", FULL_ACCOUNT - 2234)] {
        let output = counter.yima(&["sandbox", "merchant", "code", "00000402TEST0001", "--json"]).output().unwrap();
        let given: Value = serde_json::from_slice(&output.stdout).unwrap();
        let code = given["activation_code"].as_str().unwrap();
        let output = counter.yima(&enrol(code, true)).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(!identity.join("vault-TEST.toml").exists());
        let (result, code) = counter.sale(amount, &[]);
        assert_eq!((result["outcome"].as_str(), code), (Some("approved"), 0), "{result:#}");
        assert_eq!(counter.balance(), left);
    }
    let output = counter.yima(&["doctor", "--json"]).output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys = found["parts"]["keys"]["says"].as_str().unwrap();
    assert!(keys.contains(&format!("PKCS#11 token {LABEL}, TEST keys")) && keys.contains("MAC key "), "{found:#}");
}

#[test]
fn a_power_cut_before_any_change_to_the_token_leaves_the_old_identity_or_the_new_one() {
    let mut machine = Machine::enrolled();
    let seen = cut_everywhere(&mut machine, |machine, code, cut| {
        machine.fail(&[("TOKEN_CUT", &cut.to_string())]);
        let (_, exit, _) = machine.town.run(&machine.town.state(), &enrol(code, true));
        machine.fail(&[]);
        exit
    });
    println!(
        "enrolling anew: {} changes to the token, the new identity counts from cut {:?} on",
        seen.len(),
        first_new(&seen)
    );
    assert!(seen.len() > 12, "{seen:?}");
}

#[test]
fn a_power_cut_before_any_part_of_an_enrolment_leaves_the_old_identity_or_the_new_one() {
    let mut machine = Machine::enrolled();
    let seen = cut_everywhere(&mut machine, |machine, code, cut| {
        let output = machine.token.play(&machine.words("cut", &format!("{code} {cut}")));
        output.status.code().unwrap()
    });
    assert_eq!((seen.len(), first_new(&seen)), (PARTS, Some(PARTS - 1)), "{seen:?}");
}

fn first_new(seen: &[bool]) -> Option<usize> {
    seen.iter().position(|new| *new)
}

/// The power goes in the middle of one enrolment after another, each time a little later, until one comes to its end. Tells of each
/// whether the terminal is the new one.
fn cut_everywhere(machine: &mut Machine, enrol_and_cut: impl Fn(&mut Machine, &str, usize) -> i32) -> Vec<bool> {
    let mut seen = Vec::new();
    for cut in 1.. {
        machine.sign_on();
        machine.has_only(&SIGNED_ON);
        let before = machine.look();
        let code = machine.new_code();
        let exit = enrol_and_cut(machine, &code, cut);
        let after = machine.look();
        assert!(after.whole, "cut {cut}: {after:?}");
        let is_new = after.version != before.version;
        let objects: &[&str] = if is_new { &ENROLLED } else { &SIGNED_ON };
        assert_eq!(
            (after.sets[&after.set].as_slice(), after.set != before.set),
            (strings(objects).as_slice(), is_new),
            "cut {cut}"
        );
        if exit == 0 {
            break;
        }
        assert_eq!(exit, 99, "cut {cut}");
        seen.push(is_new);
        if is_new {
            machine.start();
        } else {
            machine.enrol(&code, true);
        }
        machine.has_only(&ENROLLED);
        assert_eq!(machine.look().version, before.version + 1, "the host enrolled once");
    }
    assert!(seen.is_sorted() && !seen[0] && seen[seen.len() - 1], "first the old, then the new: {seen:?}");
    seen
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn a_power_cut_in_the_first_enrolment_leaves_a_machine_not_enrolled_or_enrolled() {
    let unused = Token::new().failing();
    for cut in 1.. {
        let mut machine = Machine::new(unused.copy());
        let code = machine.town.approved();
        machine.fail(&[("TOKEN_CUT", &cut.to_string())]);
        let (_, exit, _) = machine.town.run(&machine.town.state(), &enrol(&code, false));
        machine.fail(&[]);
        if exit == 0 {
            assert!(cut > 4, "pair, record, keys and record again");
            break;
        }
        assert_eq!(exit, 99, "cut {cut}");
        let (status, _) = machine.town.yima(&["enrol", "--status", "--json"]);
        // Nothing of before is destroyed in a first enrolment, and nothing is changed after it was decided.
        assert_eq!(status["standing"], "not_enrolled", "cut {cut}");
        machine.enrol(&code, false);
        machine.has_only(&ENROLLED);
    }
}

#[test]
fn a_token_that_is_pulled_out_in_the_middle_leaves_the_terminal_as_it_was_and_the_same_code_goes_on() {
    let mut machine = Machine::enrolled();
    let gone = machine.token.folder().join("gone");
    machine.fail(&[("TOKEN_GONE", gone.to_str().unwrap())]);
    for part in 1..=PARTS {
        machine.sign_on();
        let before = machine.look();
        let code = machine.new_code();
        let output = machine.token.play(&machine.words("pull", &format!("{code} {part}")));
        assert!(gone.exists() && output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        std::fs::remove_file(&gone).unwrap();
        let after = machine.look();
        assert!(after.whole, "{part}: {after:?}");
        if part == PARTS {
            // It was decided: what could not be destroyed is destroyed at the next start.
            assert!(
                said.contains("enrolled") && after.version == before.version + 1 && after.sets.len() == 2,
                "{after:?}"
            );
            assert_eq!(machine.start().sets.len(), 1);
        } else {
            // Before the answer is there, and while it is put in its place, the token is not needed.
            let needed = !said.contains("enrolled");
            if needed {
                assert!(said.contains("put it in"), "{part}: {said}");
                assert_eq!((after.version, &after.sets[&after.set]), (before.version, &strings(&SIGNED_ON)), "{part}");
                machine.enrol(&code, true);
            } else {
                machine.start();
            }
        }
        machine.has_only(&ENROLLED);
    }
}

#[test]
fn with_a_wrong_pin_nothing_is_begun_and_it_is_tried_once() {
    let mut machine = Machine::new(Token::new().failing());
    let logins = machine.token.folder().join("logins");
    machine.fail(&[("TOKEN_LOGINS", logins.to_str().unwrap())]);
    let code = machine.town.approved();
    let pin_file = machine.town.identity().join("token.pin");
    write_pin(&pin_file, "000000");
    let (refused, exit) = machine.town.enrol(&code);
    assert_eq!((refused["done"].as_bool(), exit), (Some(false), 1));
    let said = refused["reason"].to_string();
    assert!(said.contains("refuses the PIN") && said.contains(pin_file.to_str().unwrap()), "{said}");
    assert_eq!(std::fs::read_to_string(&logins).unwrap().lines().count(), 1);
    write_pin(&pin_file, PIN);
    machine.enrol(&code, false);
    machine.has_only(&ENROLLED);
}

#[test]
fn a_refused_enrolment_leaves_nothing_in_the_token() {
    let machine = Machine::new(Token::new().failing());
    assert_eq!(machine.town.kind("123456789012"), "enrol_wrong_code");
    assert_eq!(machine.look().sets.len(), 0);
    let code = machine.town.approved();
    machine.enrol(&code, false);
    machine.sign_on();
    let before = machine.look();
    let (_, exit, _) = machine.town.run(&machine.town.state(), &enrol("123456789012", true));
    assert_eq!(exit, 1);
    assert_eq!(machine.look(), before);
    machine.has_only(&SIGNED_ON);
}

#[test]
fn keys_of_another_terminal_in_the_same_token_are_left_alone() {
    let machine = Machine::enrolled();
    let mut other = Town::new();
    other.keep_keys_in(machine.token.module(), LABEL);
    write_pin(&other.identity().join("token.pin"), PIN);
    other.environment = machine.token.environment();
    let code = other.approved();
    let (_, exit) = other.enrol(&code);
    assert_eq!(exit, 0);
    machine.enrol(&machine.new_code(), true);
    assert_eq!(machine.start().sets.into_values().collect::<Vec<_>>(), [ENROLLED, ENROLLED]);
    for town in [&machine.town, &other] {
        assert!(town.host_line().starts_with("answers 00"), "{}", town.host_line());
    }
}

/// Not a test: what [`Token::play`] runs.
#[test]
#[ignore = "other tests run it, each with a token of its own"]
fn in_a_process_of_its_own() {
    let Ok(scenario) = std::env::var(SCENARIO) else { return };
    let words: Vec<_> = scenario.split_whitespace().collect();
    let [name, settings, state, more @ ..] = words.as_slice() else { panic!("no scenario {scenario}") };
    let (settings, origin) = Settings::load(Some(settings.as_ref())).unwrap();
    let setup = Setup { settings, origin, state: state.into() };
    match (*name, more) {
        ("look", _) => show(&setup),
        ("start", _) => {
            drop(setup.parts().unwrap());
            show(&setup);
        }
        ("cut", [code, part]) => {
            let result = enrol_until(&setup, code, part, || std::process::exit(99));
            result.unwrap();
        }
        ("pull", [code, part]) => {
            let result =
                enrol_until(&setup, code, part, || std::fs::write(softhsm::folder().join("gone"), "").unwrap());
            println!("\n{SAW}{}", result.map_or_else(|error| error.to_string(), |()| "enrolled".to_owned()));
        }
        _ => panic!("no scenario {scenario}"),
    }
}

/// Enrols anew; before the part with this number, something happens.
fn enrol_until(
    setup: &Setup,
    code: &str,
    part: &str,
    happens: impl Fn(),
) -> Result<(), yima::app::enrolment::EnrolError> {
    let mut left: usize = part.parse().unwrap();
    let mut progress = |_| {
        left = left.wrapping_sub(1);
        if left == 0 {
            happens();
        }
    };
    setup.enrol(&ActivationCode::parse(code).unwrap(), true, &mut progress).map(drop)
}

fn show(setup: &Setup) {
    let directory = setup.identity_directory();
    let vault = setup.vault().unwrap();
    let fits = vault.public_key().is_ok_and(|key| identity::check_device_key(&directory, &key).is_ok());
    let has = |name| vault.check_value(name).is_ok_and(|value| value.is_some());
    let version = identity::unverified(&directory).map_or(0, |record| record.version);
    let whole = fits && has(KeyName::Master) && has(KeyName::Device) && setup.identity().is_ok();
    let file = std::fs::read_to_string(directory.join("vault-token.toml")).unwrap_or_default();
    let set = file.split('"').nth(1).unwrap_or_default();
    println!("\n{SAW}{}", json!({ "version": version, "whole": whole, "set": set, "sets": sets() }));
}

/// Everything in the token, past the vault.
fn sets() -> BTreeMap<String, Vec<String>> {
    let module = Pkcs11::new(softhsm::place().module).unwrap();
    let session = module.open_ro_session(module.get_slots_with_initialized_token().unwrap()[0]).unwrap();
    // The vault's session has logged this program in; without one, this does.
    let _ = session.login(UserType::User, Some(&AuthPin::new(PIN.into())));
    let mut sets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for handle in session.find_objects(&[]).unwrap() {
        let Attribute::Label(label) = session.get_attributes(handle, &[AttributeType::Label]).unwrap().remove(0) else {
            panic!("every object has a label")
        };
        let label = String::from_utf8(label).unwrap();
        let (set, words) = label.strip_prefix("yima ").unwrap().split_once(' ').unwrap();
        sets.entry(set.to_owned()).or_default().push(words.to_owned());
    }
    for words in sets.values_mut() {
        words.sort();
    }
    sets
}
