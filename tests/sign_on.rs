//! Sign-on seen from outside: a terminal fetches its working keys before anything that needs them, keeps the old ones when
//! the new ones are wrong, takes the batch number from its host, and charges nobody twice on the way.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

#[path = "support/watching.rs"]
mod watching;

use std::process::Command;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use watching::{Paper, Watching};
use yima::acquirer::link::HostLink;
use yima::app::view::{Intent, Progress, Screen, View};
use yima::app::{Device, Ending, Engine, Parts, SaleReport, Setup, SteppedEngine};
use yima::crypto::hex;
use yima::ledger::{Adopted, Ledger, SignOnRow, TransactionRow};
use yima::money::{Amount, Currency};
use yima::payment::record::State;
use yima::reference::Batch;
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::fault::{Faults, FaultyCard};
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::card::reader::SandboxReader;
use yima::sandbox::host::{DEFAULT_TERMINAL, Host, RunningHost, SignOnState};
use yima::terminal::settings::{Origin, Settings};
use yima::vault::KeyName;
use yima::wording::ReasonKind;

/// A terminal in a folder and its host.
struct Terminal {
    folder: TempDir,
    host: RunningHost,
}

struct Running {
    engine: Engine,
    views: Receiver<View>,
    reports: Receiver<SaleReport>,
}

impl Terminal {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::prepare(&folder.path().join("host")).unwrap();
        host.write_kit(&folder.path().join("identity")).unwrap();
        let host = host.start(([127, 0, 0, 1], 0).into()).unwrap();
        Self { folder, host }
    }

    fn setup(&self) -> Setup {
        let settings = Settings { host: self.host.link_settings(), ..Settings::default() };
        Setup { settings, origin: Origin::default(), state: self.folder.path().to_owned() }
    }

    /// The same terminal, whose host cannot be reached.
    fn cut_off(&self) -> Setup {
        let mut setup = self.setup();
        // A port that was free a moment ago and is closed now.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        setup.settings.host.url = format!("https://{}", listener.local_addr().unwrap());
        setup
    }

    fn start(&self) -> Running {
        self.start_as(&self.setup())
    }

    fn start_as(&self, setup: &Setup) -> Running {
        let (listener, views, reports) = Watching::new();
        let engine = Engine::start(self.parts(setup), Box::new(listener)).unwrap();
        Running { engine, views, reports }
    }

    fn parts(&self, setup: &Setup) -> Parts {
        let profile = CardProfile::shipped("unionpay-debit").unwrap();
        let card = SandboxCard::open(&profile, &self.folder.path().join("sandbox/card")).unwrap();
        let reader = SandboxReader::new(FaultyCard::new(card, Faults::default()), Duration::ZERO);
        Parts {
            reader: Box::new(reader),
            printer: Box::new(Paper::default()),
            sound: Box::new(yima::devices::sound::silent::Silent),
            ..setup.parts().unwrap()
        }
    }

    fn ledger(&self) -> Ledger {
        let identity = self.setup().identity().unwrap();
        self.setup().ledger(&identity).unwrap()
    }

    fn row(&self) -> SignOnRow {
        self.ledger().sign_on().unwrap()
    }

    fn payments(&self) -> Vec<TransactionRow> {
        self.ledger().page(0, 100).unwrap()
    }

    fn at_host(&self) -> SignOnState {
        self.host.sign_on_state(DEFAULT_TERMINAL).unwrap().unwrap()
    }

    fn mac_key(&self) -> Option<String> {
        let value = self.setup().vault().unwrap().check_value(KeyName::Mac).unwrap();
        value.map(|value| hex::encode(&value))
    }

    #[track_caller]
    fn until(&self, what: &str, ready: impl Fn(&Self) -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        while !ready(self) {
            assert!(Instant::now() < end, "in vain: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the host debited in all and did not credit back, in minor units.
    fn debited(&self) -> u64 {
        let ledger = self.host.ledger().unwrap();
        let approved = ledger.iter().filter(|entry| entry.state == yima::sandbox::host::store::EntryState::Approved);
        approved.map(|entry| entry.booked.minor()).sum()
    }

    /// The program itself, with this terminal's settings.
    fn yima(&self, arguments: &[&str]) -> (Value, String, Option<i32>) {
        let config = self.folder.path().join("yima.toml");
        std::fs::write(&config, format!("[host]\nurl = \"{}\"\n", self.host.link_settings().url)).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_yima"))
            .args(["--config", config.to_str().unwrap(), "--state", self.folder.path().to_str().unwrap()])
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (serde_json::from_slice(&output.stdout).unwrap_or_default(), said, output.status.code())
    }
}

impl Running {
    fn charge(&self, amount: &str) -> SaleReport {
        self.engine.intents().send(Intent::Charge(Amount::parse(amount, Currency::CNY).unwrap()));
        self.reports.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    #[track_caller]
    fn paid(&self, amount: &str) {
        let report = self.charge(amount);
        assert_eq!(report.ending, Ending::Approved, "{report:?}");
        self.next_customer();
    }

    fn next_customer(&self) {
        self.engine.intents().send(Intent::NextCustomer);
    }

    #[track_caller]
    fn until(&self, what: &str, is: impl Fn(&Screen) -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            match self.views.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(view) if is(&view.screen) => return,
                Ok(_) => {}
                Err(_) => panic!("{what} was never shown"),
            }
        }
    }
}

fn batch(number: u32) -> Batch {
    Batch::new(number).unwrap()
}

#[test]
fn the_first_start_signs_on_and_a_payment_that_comes_at_once_waits_for_it() {
    let terminal = Terminal::new();
    assert_eq!(terminal.mac_key(), None);
    let running = terminal.start();
    running.paid("12.34");
    assert!(terminal.mac_key().is_some());
    drop(running);
    let row = terminal.row();
    assert!(!row.due && row.at.is_some() && row.batch == Batch::FIRST, "{row:?}");
    // The same day it needs no other.
    terminal.start().paid("1.00");
    assert_eq!((terminal.at_host().times, terminal.debited()), (1, 1334));
}

#[test]
fn a_new_day_begins_with_new_keys_and_does_not_wait_for_a_host_that_is_not_there() {
    let terminal = Terminal::new();
    terminal.start().paid("1.00");
    let yesterday = "2026-01-01T12:00:00".parse().unwrap();
    terminal.ledger().signed_on(None, yesterday).unwrap();
    let keys = terminal.mac_key();
    let running = terminal.start_as(&terminal.cut_off());
    let report = running.charge("1.00");
    assert_eq!(report.reason.unwrap().kind, ReasonKind::HostUnreachable);
    drop(running);
    assert_eq!(terminal.row(), SignOnRow { due: false, at: Some(yesterday), batch: Batch::FIRST });
    assert_eq!(terminal.mac_key(), keys, "they are good all the same");
    terminal.start().paid("1.00");
    assert_eq!(terminal.at_host().times, 2);
    assert_ne!(terminal.mac_key(), keys);
}

/// Both sides still share good keys: a host that makes none today stops neither sales nor reversals.
#[test]
fn a_daily_sign_on_that_is_refused_stops_no_payment() {
    let terminal = Terminal::new();
    terminal.start().paid("1.00");
    let yesterday = "2026-01-01T12:00:00".parse().unwrap();
    terminal.ledger().signed_on(None, yesterday).unwrap();
    let keys = terminal.mac_key();
    terminal.host.set_refuses_sign_ons(true);
    let running = terminal.start();
    running.paid("2.00");
    assert_eq!(running.charge("67.03").ending, Ending::Unresolved, "its reversal needs what the host does not give");
    drop(running);
    assert_eq!(terminal.mac_key(), keys);
    terminal.host.set_refuses_sign_ons(false);
    let running = terminal.start();
    terminal.until("the doubtful one is taken back", |terminal| terminal.debited() == 300);
    running.next_customer();
    running.paid("3.00");
    assert_eq!(terminal.at_host().times, 2);
}

#[test]
fn a_daily_sign_on_that_is_refused_is_not_due_at_the_next_start() {
    let terminal = Terminal::new();
    terminal.start().paid("1.00");
    terminal.host.set_refuses_sign_ons(true);
    assert!(terminal.setup().sign_on().is_err());
    assert!(!terminal.row().due);
    // One that was due before is still due.
    terminal.ledger().sign_on_due().unwrap();
    assert!(terminal.setup().sign_on().is_err());
    assert!(terminal.row().due);
}

#[test]
fn a_host_that_no_longer_knows_the_keys_refuses_once_and_the_cashier_charges_again() {
    let terminal = Terminal::new();
    let running = terminal.start();
    running.paid("1.00");
    terminal.host.forget_keys(DEFAULT_TERMINAL).unwrap();
    let report = running.charge("12.34");
    // A refusal without a MAC could be anybody's: it signs on, and asks under the new keys that nothing be booked. The payment
    // itself is not sent again.
    assert_eq!(report.ending, Ending::Reversed);
    assert_eq!(report.response_code.unwrap().as_str(), "A0");
    assert_eq!(terminal.at_host().times, 2);
    assert_eq!(terminal.debited(), 100);
    running.next_customer();
    running.paid("12.34");
    assert_eq!(terminal.debited(), 1334);
    drop(running);
    let states: Vec<_> = terminal.payments().iter().map(|row| row.state).collect();
    assert_eq!(states, [State::Approved, State::Reversed, State::Approved]);
}

#[test]
fn an_order_of_the_host_is_obeyed_between_two_payments() {
    let terminal = Terminal::new();
    let running = terminal.start();
    running.paid("1.00");
    let keys = terminal.mac_key();
    terminal.host.order_sign_on(DEFAULT_TERMINAL).unwrap();
    running.paid("2.00");
    terminal.until("new keys", |terminal| terminal.at_host().times == 2 && terminal.mac_key() != keys);
    running.paid("3.00");
    assert_eq!((terminal.at_host().times, terminal.debited()), (2, 600));
}

/// The order comes with the answer to a reversal, and a payment waits for that reversal.
#[test]
fn a_payment_that_waits_for_a_reversal_waits_for_the_keys_that_its_answer_asks_for() {
    let terminal = Terminal::new();
    let (listener, views, _reports) = Watching::new();
    let mut engine = SteppedEngine::start(terminal.parts(&terminal.setup()), Box::new(listener));
    let charge = |amount| Intent::Charge(Amount::parse(amount, Currency::CNY).unwrap());
    let mut shown = Screen::Keypad { notice: None };
    let mut see = || {
        shown = views.try_iter().last().map_or_else(|| shown.clone(), |view| view.screen);
        shown.clone()
    };
    let end = Instant::now() + Duration::from_secs(30);
    let step = |engine: &mut SteppedEngine, stop: &dyn Fn() -> bool| {
        assert!(Instant::now() < end, "in vain");
        for device in Device::ALL {
            let Some(outcome) = engine.work(device) else { continue };
            if stop() {
                return Some(outcome);
            }
            engine.hear(outcome);
        }
        let seen = engine.look();
        engine.hear(seen);
        engine.tick();
        None
    };
    while terminal.at_host().times == 0 || engine.ledger().sign_on().unwrap().due {
        step(&mut engine, &|| false);
    }
    // A gateway answers, the host has booked it.
    engine.send(charge("67.06"));
    while terminal.debited() == 0 {
        step(&mut engine, &|| false);
    }
    terminal.host.order_sign_on(DEFAULT_TERMINAL).unwrap();
    let taken_back = loop {
        if let Some(outcome) = step(&mut engine, &|| terminal.debited() == 0) {
            break outcome;
        }
    };
    engine.send(charge("1.00"));
    engine.hear(taken_back);
    assert!(matches!(see(), Screen::Processing { progress: Progress::SigningOn, .. }), "{:?}", see());
    while terminal.debited() == 0 {
        step(&mut engine, &|| false);
    }
    assert_eq!((terminal.at_host().times, terminal.debited()), (2, 100));
    let states: Vec<_> = engine.ledger().page(0, 10).unwrap().iter().map(|row| row.state).collect();
    assert_eq!(states.len(), 2, "the payment was not refused for its keys: {states:?}");
}

#[test]
fn a_wrong_check_value_keeps_the_old_keys_and_says_which_key_is_wrong() {
    let terminal = Terminal::new();
    terminal.host.set_wrong_check_values(true);
    let running = terminal.start();
    let report = running.charge("1.00");
    let reason = report.reason.unwrap();
    assert_eq!((report.ending, reason.kind), (Ending::Error, ReasonKind::SignOnFailed));
    assert!(reason.detail.contains("MAC key"), "{}", reason.detail);
    assert!(terminal.payments().is_empty() && terminal.mac_key().is_none());
    // Once the host is right, the next payment asks again and is paid.
    terminal.host.set_wrong_check_values(false);
    running.paid("1.00");
    let keys = terminal.mac_key();
    terminal.host.set_wrong_check_values(true);
    terminal.host.order_sign_on(DEFAULT_TERMINAL).unwrap();
    running.paid("2.00");
    running.until(
        "the notice",
        |screen| matches!(screen, Screen::Keypad { notice: Some(reason) } if reason.kind == ReasonKind::SignOnFailed),
    );
    assert_eq!(terminal.mac_key(), keys);
    let report = running.charge("3.00");
    assert_eq!(report.reason.unwrap().kind, ReasonKind::SignOnFailed);
    assert_eq!(terminal.debited(), 300, "nothing is sent under keys that the host has replaced");
    drop(running);
    assert!(terminal.row().due, "the next start knows it too");
}

#[test]
fn an_answer_with_a_wrong_mac_leads_to_new_keys_and_then_to_the_reversal() {
    let terminal = Terminal::new();
    let running = terminal.start();
    running.paid("1.00");
    let report = running.charge("67.03");
    assert_eq!(report.ending, Ending::Reversed, "{report:?}");
    assert_eq!((terminal.at_host().times, terminal.debited()), (2, 100));
    drop(running);
    let row = terminal.payments().remove(0);
    assert_eq!((row.state, row.reversal_reason.map(|reason| reason.code())), (State::Reversed, Some("A0")));
}

#[test]
fn a_payment_to_be_taken_back_waits_for_keys_and_is_taken_back_under_its_own_number() {
    let terminal = Terminal::new();
    let running = terminal.start();
    terminal.until("keys", |terminal| terminal.at_host().times == 1);
    // Booked at the host, not answered: the terminal is stopped before it has taken it back.
    terminal.host.set_deaf_to_reversals(true);
    let mut setup = terminal.setup();
    drop(running);
    setup.settings.host.answer_timeout_s = 1;
    let running = terminal.start_as(&setup);
    assert_eq!(running.charge("67.02").ending, Ending::Unresolved);
    drop(running);
    assert_eq!(terminal.debited(), 6702);
    terminal.host.set_deaf_to_reversals(false);
    terminal.host.forget_keys(DEFAULT_TERMINAL).unwrap();
    terminal.host.set_batch(DEFAULT_TERMINAL, batch(5)).unwrap();
    let running = terminal.start();
    terminal.until("taken back", |terminal| terminal.debited() == 0);
    running.next_customer();
    running.paid("1.00");
    drop(running);
    let numbers: Vec<_> = terminal.payments().iter().map(|row| (row.trace.batch.number(), row.state)).collect();
    assert_eq!(numbers, [(5, State::Approved), (1, State::Reversed)]);
}

#[test]
fn the_batch_number_is_the_hosts_and_never_goes_back() {
    let terminal = Terminal::new();
    terminal.host.set_batch(DEFAULT_TERMINAL, batch(12)).unwrap();
    terminal.start().paid("1.00");
    terminal.host.set_batch(DEFAULT_TERMINAL, batch(3)).unwrap();
    let adopted = terminal.setup().sign_on().unwrap().adopted;
    assert_eq!(adopted, Adopted::Refused { ours: batch(12), theirs: batch(3) });
    terminal.start().paid("2.00");
    let batches: Vec<_> = terminal.payments().iter().map(|row| row.trace.batch.number()).collect();
    assert_eq!(batches, [12, 12]);
}

#[test]
fn a_power_cut_between_keys_and_batch_number_loses_neither() {
    let terminal = Terminal::new();
    terminal.start().paid("1.00");
    terminal.host.set_batch(DEFAULT_TERMINAL, batch(9)).unwrap();
    let setup = terminal.setup();
    let (identity, vault) = (setup.identity().unwrap(), setup.vault().unwrap());
    let mut ledger = terminal.ledger();
    let trace = ledger.sign_on_begins().unwrap();
    // The keys are in the vault; then the power goes.
    setup.link(identity, vault).unwrap().sign_on(trace).unwrap();
    drop(ledger);
    assert_eq!((terminal.row().due, terminal.row().batch), (true, Batch::FIRST));
    terminal.start().paid("2.00");
    assert_eq!((terminal.row().due, terminal.row().batch), (false, batch(9)));
    assert_eq!(terminal.payments()[0].trace.batch, batch(9));
    assert_eq!((terminal.at_host().times, terminal.debited()), (3, 300));
}

#[test]
fn without_keys_and_without_a_host_no_payment_begins() {
    let terminal = Terminal::new();
    let running = terminal.start_as(&terminal.cut_off());
    let report = running.charge("1.00");
    assert_eq!((report.ending, report.reason.unwrap().kind), (Ending::Error, ReasonKind::HostUnreachable));
    drop(running);
    assert!(terminal.payments().is_empty());
    terminal.start().paid("1.00");
}

#[test]
fn by_hand_it_says_batch_and_check_values_and_the_doctor_says_since_when() {
    let terminal = Terminal::new();
    let (found, ..) = terminal.yima(&["doctor", "--json"]);
    assert!(found["parts"]["sign_on"]["says"].as_str().unwrap().starts_with("not yet"), "{found:#}");
    let (said, errors, code) = terminal.yima(&["sign-on", "--json"]);
    assert_eq!(code, Some(0), "{errors}");
    assert_eq!((said["batch"].as_str(), &said["batch_not_taken"]), (Some("000001"), &Value::Null), "{said:#}");
    assert_eq!(said["check_values"]["mac"].as_str().map(str::to_owned), terminal.mac_key());
    assert!(said["check_values"]["pin"].is_string(), "{said:#}");
    let (found, ..) = terminal.yima(&["doctor", "--json"]);
    let keys = found["parts"]["keys"]["says"].as_str().unwrap();
    assert!(keys.contains(&format!("MAC key {}", terminal.mac_key().unwrap())), "{keys}");
    let since = found["parts"]["sign_on"]["says"].as_str().unwrap();
    assert!(since.ends_with("batch 000001"), "{since}");
    // A terminal that works is not disturbed.
    let running = terminal.start();
    let (_, errors, code) = terminal.yima(&["sign-on"]);
    assert!(code == Some(2) && errors.contains("already running"), "{errors}");
    drop(running);
    terminal.host.set_wrong_check_values(true);
    let (_, errors, code) = terminal.yima(&["sign-on"]);
    assert!(code == Some(2) && errors.contains("MAC key"), "{errors}");
}
