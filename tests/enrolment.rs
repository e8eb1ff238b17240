//! From a merchant's application to the end of a terminal's service, with the real program on both sides.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

#[path = "enrolment/after_repair.rs"]
mod after_repair;
#[path = "enrolment/leaving.rs"]
mod leaving;
mod support;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::town::{TUSN, Town};
use yima::app::view::{Intent, View};
use yima::app::{Ending, Engine, Listener, Parts, SaleReport, Setup};
use yima::money::{Amount, Currency};
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::fault::{Faults, FaultyCard};
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::card::reader::SandboxReader;
use yima::sandbox::printer::{PrinterSettings, RunningPrinter, SandboxPrinter};
use yima::terminal::settings::{FlowControl, Settings};

#[test]
fn a_merchant_applies_is_approved_and_its_machine_is_enrolled() {
    let town = Town::new();
    let (status, code) = town.yima(&["enrol", "--status", "--json"]);
    assert_eq!((status["standing"].as_str(), code), (Some("not_enrolled"), 1));
    let applied = town.apply();
    assert_eq!(applied["state"], "applied");
    assert_eq!(applied["settlement_account"], "6222 **** **** 0007");
    let approved = town.merchant(&["approve", &applied["application"].to_string()]);
    assert_eq!(approved["state"], "approved");
    let code = approved["activation_code"].as_str().unwrap();
    let (enrolled, exit) = town.enrol(code);
    assert_eq!((&enrolled["enrolled"], exit), (&Value::Bool(true), 0));
    assert_eq!(enrolled["terminal_number"], approved["terminal_number"]);
    assert!(town.host_line().starts_with("answers 00"), "{}", town.host_line());
    let (status, exit) = town.yima(&["enrol", "--status", "--json"]);
    assert_eq!((status["standing"].as_str(), exit), (Some("enrolled"), 0));
    assert_eq!(status["binding"]["serial_number"], TUSN);
    assert_eq!(status["binding"]["address"], "上海市测试区示例路7号（测试）");
    assert_eq!(status["binding"]["place"], "31.230000, 121.470000, 200 m");
    assert_eq!(town.events(), ["enrolled"]);
    let list = town.merchant(&["list"]);
    assert_eq!(list.as_array().unwrap().last().unwrap()["state"], "active");
    // Again, without saying so.
    assert_eq!(town.kind(code), "enrol_refused");
}

#[test]
fn each_refusal_is_told_in_words_for_the_shop_and_nothing_is_left_behind() {
    let town = Town::new();
    assert_eq!(town.kind("123456789012"), "enrol_wrong_code");
    town.apply();
    assert_eq!(town.kind("123456789012"), "enrol_not_approved");
    town.merchant(&["reject", TUSN, "--reason", "the papers do not fit"]);
    assert_eq!(town.kind("123456789012"), "enrol_rejected");
    let code = town.approved();
    town.merchant(&["suspend", TUSN, "--reason", "a question is open"]);
    assert_eq!(town.kind(&code), "merchant_suspended");
    town.merchant(&["resume", TUSN]);
    std::fs::write(town.state().join("serial-number"), "00000402TEST0008").unwrap();
    assert_eq!(town.kind(&code), "enrol_other_machine");
    let (value, _) = town.enrol(&code);
    let reason = &value["reason"];
    assert_eq!(reason["what"], "This activation code belongs to another terminal.");
    assert!(reason["do"].as_str().unwrap().contains("serial number"));
    std::fs::write(town.state().join("serial-number"), TUSN).unwrap();
    let (_, exit, said) = town.run(&town.state(), &["enrol", "--code", "12"]);
    assert!(exit == 2 && said.contains("12 digits"), "{said}");
    assert_eq!(std::fs::read_dir(town.identity()).unwrap().count(), 1, "only the acquirer's authorities");
    assert!(!town.state().join("identity.new").exists());
    town.enrol(&code);
    assert!(town.host_line().starts_with("answers 00"));
}

#[test]
fn an_application_that_cannot_be_is_refused_where_it_is_wrong() {
    let town = Town::new();
    let state = town.folder.path().join("acquirer");
    let apply = |credit_code: &str, coordinates: &str, account: &str| {
        let arguments = [
            ["sandbox", "merchant", "apply", "--name"],
            ["x", "--credit-code", credit_code, "--account"],
            [account, "--address", "x", "--coordinates"],
            [coordinates, "--serial", TUSN, "--json"],
        ]
        .concat();
        let (_, exit, said) = town.run(&state, &arguments);
        assert_eq!(exit, 2, "{said}");
        said
    };
    assert!(apply("91000000TE5T000021", "1,1", "6222000012340007").contains("comes 0"));
    assert!(apply("91000000TE5T000020", "91,1", "6222000012340007").contains("Earth"));
    assert!(apply("91000000TE5T000020", "1,1", "12").contains("account"));
    town.apply();
    assert!(apply("91000000TE5T000020", "1,1", "6222000012340007").contains("one machine, one code"));
}

#[test]
fn a_copied_state_directory_does_not_start_on_another_machine() {
    let town = Town::new();
    let code = town.approved();
    town.enrol(&code);
    std::fs::write(town.machine_id(), "the second machine\n").unwrap();
    let (status, exit) = town.yima(&["enrol", "--status", "--json"]);
    assert_eq!((status["standing"].as_str(), exit), (Some("refused"), 1));
    assert_eq!(status["reason"]["kind"], "other_machine");
    let (_, exit, said) = town.run(&town.state(), &["sale", "1.00", "--json"]);
    assert!(exit == 2 || said.contains("another machine"), "{exit} {said}");
    std::fs::write(town.machine_id(), "the first machine\n").unwrap();
    assert!(town.host_line().starts_with("answers 00"));
    // The serial number that the maker left is another one's.
    std::fs::write(town.state().join("serial-number"), "00000402TEST0008").unwrap();
    let (status, _) = town.yima(&["enrol", "--status", "--json"]);
    assert_eq!(status["reason"]["kind"], "other_machine");
}

#[test]
fn a_value_changed_in_the_record_keeps_the_terminal_from_starting() {
    let town = Town::new();
    let code = town.approved();
    town.enrol(&code);
    let path = town.identity().join("binding.json");
    let right = std::fs::read_to_string(&path).unwrap();
    for (from, to) in [
        (TUSN, "00000402TEST0008"),
        ("99990000", "99990001"),
        ("999TEST00000002", "999TEST00000003"),
        ("91000000TE5T000020", "91000000TE5T00001W"),
        ("6222 **** **** 0007", "6222 **** **** 0008"),
        ("示例路7号", "示例路8号"),
    ] {
        std::fs::write(&path, right.replacen(from, to, 1)).unwrap();
        let (status, exit) = town.yima(&["enrol", "--status", "--json"]);
        assert_eq!((status["reason"]["kind"].as_str(), exit), (Some("binding_wrong"), 1), "{to}");
    }
    std::fs::write(&path, right).unwrap();
    assert!(town.host_line().starts_with("answers 00"));
}

#[test]
fn a_terminal_is_moved_enrolled_anew_and_taken_out_of_service() {
    let town = Town::new();
    let code = town.approved();
    town.enrol(&code);
    // The terminal asks, the acquirer agrees.
    let (asked, _) = town.yima(&["move", "--address", "深圳市", "--coordinates", "22.5,114.0", "--json"]);
    assert_eq!(asked["asked"], true);
    town.merchant(&["move", TUSN]);
    assert!(town.host_line().contains("refuses this terminal with 97"), "{}", town.host_line());
    let (newer, exit) = town.yima(&["enrol", "--refresh", "--json"]);
    assert_eq!((newer["address"].as_str(), exit), (Some("深圳市"), 0));
    assert!(town.host_line().starts_with("answers 00"));

    // New keys; not while a payment is open.
    let again = town.merchant(&["code", TUSN])["activation_code"].as_str().unwrap().to_owned();
    town.leave_a_payment_open();
    let (refused, exit) = town.yima(&["enrol", "--code", &again, "--again", "--json"]);
    assert_eq!((refused["reason"]["kind"].as_str(), exit), (Some("payments_open"), 1));
    std::fs::remove_file(town.state().join("ledger.sqlite")).unwrap();
    let vault = std::fs::read_to_string(town.identity().join("vault-TEST.toml")).unwrap();
    let (enrolled, exit) = town.yima(&["enrol", "--code", &again, "--again", "--json"]);
    assert_eq!((enrolled["version"].as_u64(), exit), (Some(3), 0));
    assert_ne!(std::fs::read_to_string(town.identity().join("vault-TEST.toml")).unwrap(), vault);
    assert!(town.host_line().starts_with("answers 00"));

    // Out of service; not while a payment is open, unless the acquirer ordered it.
    town.leave_a_payment_open();
    let (refused, exit) = town.yima(&["decommission", "--json"]);
    assert_eq!((refused["reason"]["kind"].as_str(), exit), (Some("payments_open"), 1));
    assert!(town.host_line().starts_with("answers 00"));
    town.merchant(&["decommission", TUSN, "--reason", "the shop has closed"]);
    let give_up = ["decommission", "--give-up", "--by", "王五", "--note", "the bank knows", "--json"];
    let (done, exit) = town.yima(&give_up);
    assert_eq!((&done["decommissioned"], exit), (&Value::Bool(true), 0));
    let (status, _) = town.yima(&["enrol", "--status", "--json"]);
    assert_eq!(status["reason"]["kind"], "decommissioned");
    assert!(std::fs::read_to_string(town.identity().join("vault-TEST.toml")).unwrap().contains("destroyed = true"));
    let events = ["enrolled", "move_requested", "binding_replaced", "keys_replaced", "enrolled", "decommissioned"];
    assert_eq!(town.events(), events);
    let log = town.merchant(&["log"]);
    let what: Vec<_> = log.as_array().unwrap().iter().map(|line| line["what"].as_str().unwrap()).collect();
    for expected in
        ["asks to be moved", "moved to 深圳市", "enrolled", "asks to be decommissioned", "the shop has closed"]
    {
        assert!(what.iter().any(|line| line.contains(expected)), "{expected}: {what:?}");
    }
}

#[test]
fn a_suspended_merchant_is_told_so_and_goes_on_when_it_is_resumed() {
    let town = Town::new();
    let code = town.approved();
    town.enrol(&code);
    town.merchant(&["suspend", TUSN, "--by", "risk desk"]);
    assert!(town.host_line().contains("refuses this terminal with 03"), "{}", town.host_line());
    town.merchant(&["resume", TUSN]);
    assert!(town.host_line().starts_with("answers 00"));
}

/// A terminal that takes payments, with a sandbox card in its reader.
struct Till {
    engine: Engine,
    reports: Receiver<SaleReport>,
    _printer: RunningPrinter,
}

struct Telling(Sender<SaleReport>);

impl Listener for Telling {
    fn show(&mut self, _: &View) {}

    fn report(&mut self, report: &SaleReport) {
        if report.complete {
            let _ = self.0.send(report.clone());
        }
    }
}

impl Town {
    /// With a terminal that was enrolled.
    fn enrolled() -> Self {
        let town = Self::new();
        let code = town.approved();
        town.enrol(&code);
        town
    }
}

impl Till {
    fn open(town: &Town) -> Self {
        let printer = SandboxPrinter::start(PrinterSettings::new(town.folder.path().join("receipts"))).unwrap();
        let (mut settings, origin) = Settings::load(Some(&town.settings())).unwrap();
        settings.printer.device = printer.device().display().to_string();
        settings.printer.flow_control = FlowControl::None;
        let setup = Setup { settings, origin, state: town.state() };
        let profile = CardProfile::shipped("unionpay-debit").unwrap();
        let card = SandboxCard::open(&profile, &town.state().join("sandbox/card")).unwrap();
        let reader = SandboxReader::new(FaultyCard::new(card, Faults::default()), Duration::ZERO);
        let parts = Parts { reader: Box::new(reader), ..setup.parts().unwrap() };
        let (sender, reports) = channel();
        Self { engine: Engine::start(parts, Box::new(Telling(sender))).unwrap(), reports, _printer: printer }
    }

    /// One payment of 1.00: how it ended, and the host's code or why not.
    fn sell(&self) -> (Ending, String) {
        self.engine.intents().send(Intent::ShowKeypad);
        self.engine.intents().send(Intent::Charge(Amount::parse("1.00", Currency::CNY).unwrap()));
        let report = self.reports.recv_timeout(Duration::from_secs(60)).unwrap();
        let why = report.reason.map(|reason| reason.kind.word().to_owned());
        (report.ending, report.response_code.map(|code| code.to_string()).or(why).unwrap_or_default())
    }

    /// One payment that is approved.
    #[track_caller]
    fn sells(&self) {
        assert_eq!(self.sell(), (Ending::Approved, "00".to_owned()));
    }

    /// Sells until a payment is approved; what was said before.
    fn sell_until_approved(&self) -> Vec<String> {
        let began = Instant::now();
        let mut before = Vec::new();
        loop {
            let (ending, said) = self.sell();
            if ending == Ending::Approved {
                return before;
            }
            before.push(said);
            assert!(began.elapsed() < Duration::from_secs(60), "{before:?}");
        }
    }
}

#[test]
fn an_enrolled_terminal_takes_payments_and_follows_what_the_acquirer_does() {
    let town = Town::new();
    let code = town.approved();
    town.enrol(&code);
    let till = Till::open(&town);
    till.sells();

    town.merchant(&["suspend", TUSN]);
    assert_eq!(till.sell(), (Ending::Declined, "03".to_owned()));
    town.merchant(&["resume", TUSN]);
    till.sells();

    // Moved while the shop is open: refused, until the terminal has fetched its record by itself.
    town.merchant(&["move", TUSN, "--address", "深圳市", "--coordinates", "22.5,114.0"]);
    let before = till.sell_until_approved();
    assert_eq!(before.first().map(String::as_str), Some("97"), "{before:?}");
    assert!(before.iter().all(|said| ["97", "binding_disagrees"].contains(&said.as_str())), "{before:?}");
    drop(till);
    let (status, _) = town.yima(&["enrol", "--status", "--json"]);
    assert_eq!(status["binding"]["address"], "深圳市");
    assert_eq!(town.events(), ["enrolled", "binding_replaced"]);
}
