//! What a till may have of a terminal at which people work.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use jiff::Timestamp;
use yima::app::staff_view::StaffIntent;
use yima::app::view::{Intent, View};
use yima::app::{Attendant, Engine, Listener, Parts, SaleReport, Setup, TillEvent, TillIntent};
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::fault::{Faults, FaultyCard};
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::card::reader::SandboxReader;
use yima::terminal::settings::{Origin, Settings};
use yima::till::request::PaymentRequest;
use yima::till_keys::{PaymentNumber, TakenUp, TillKeys};
use yima::wording::ReasonKind;

use crate::staff::{CASHIERS, code, number, signing_on, terminal};
use crate::terminal::Terminal;

/// A server for tills, as far as the engine knows one.
struct Server {
    views: Sender<View>,
    events: Sender<TillEvent>,
}

impl Listener for Server {
    fn show(&mut self, view: &View) {
        let _ = self.views.send(view.clone());
    }

    fn report(&mut self, _: &SaleReport) {}

    fn till(&mut self, event: &TillEvent) {
        let _ = self.events.send(event.clone());
    }
}

struct Running {
    engine: Engine,
    views: Receiver<View>,
    events: Receiver<TillEvent>,
}

fn start(terminal: &Terminal) -> Running {
    start_as(terminal, signing_on)
}

fn start_as(terminal: &Terminal, who: impl Fn(Parts) -> Parts) -> Running {
    let state = terminal.folder.path();
    let settings = Settings { host: terminal.host.link_settings(), ..Settings::default() };
    let setup = Setup { settings, origin: Origin::default(), state: state.to_owned() };
    let profile = CardProfile::shipped("unionpay-debit").unwrap();
    let card = SandboxCard::open(&profile, &state.join("sandbox/card")).unwrap();
    let parts = who(Parts {
        reader: Box::new(SandboxReader::new(FaultyCard::new(card, Faults::default()), Duration::ZERO)),
        printer: Box::new(terminal.paper.clone()),
        sound: Box::new(yima::devices::sound::silent::Silent),
        till_keys: Some(TillKeys::open(state).unwrap()),
        ..setup.parts().unwrap()
    });
    let ((views, seen), (events, told)) = (channel(), channel());
    let engine = Engine::start(parts, Box::new(Server { views, events })).unwrap();
    Running { engine, views: seen, events: told }
}

impl Running {
    /// What a till wants, and the first word about it.
    fn wants(&self, number: PaymentNumber, request: &PaymentRequest, terminal: &Terminal) -> TillEvent {
        let original = terminal.rows().first().map(|row| row.trace);
        let purpose = Box::new(request.purpose(original).unwrap());
        self.engine.intents().send(Intent::Till(TillIntent::Begin(number, purpose)));
        self.told()
    }

    fn told(&self) -> TillEvent {
        self.events.recv_timeout(Duration::from_secs(30)).unwrap()
    }

    fn sign_on(&self, person: u32) {
        self.engine.intents().send(Intent::Staff(StaffIntent::SignOn(number(person), code(CASHIERS))));
        loop {
            let view = self.views.recv_timeout(Duration::from_secs(30)).unwrap();
            if view.duty.person.is_some_and(|one| one.number == number(person)) {
                return;
            }
        }
    }
}

fn refused(event: &TillEvent) -> Option<ReasonKind> {
    match event {
        TillEvent::Refused(_, reason) => Some(reason.kind),
        _ => None,
    }
}

#[test]
fn a_till_takes_payments_for_whoever_is_signed_on_and_nothing_that_needs_a_manager() {
    let terminal = terminal();
    let mut keys = TillKeys::open(terminal.folder.path()).unwrap();
    let pairing = keys.begin_pairing(&"till 1".parse().unwrap(), Timestamp::now()).unwrap();
    let paired = keys.pair(pairing.expose(), Timestamp::now()).unwrap().unwrap();
    let till = keys.till_of(paired.key.expose()).unwrap().unwrap();
    let mut take_up = |key: &str, body: &str| {
        let request = PaymentRequest::parse(body.as_bytes()).unwrap();
        match keys.take_up(till, &key.parse().unwrap(), &request, Timestamp::now()).unwrap() {
            TakenUp::Begin(row) => (row.number, request),
            other => panic!("{other:?}"),
        }
    };
    let sale = r#"{"kind": "sale", "amount": {"minor": 1234, "currency": "CNY"}}"#;
    let running = start(&terminal);
    let (first, request) = take_up("one", sale);
    assert_eq!(refused(&running.wants(first, &request, &terminal)), Some(ReasonKind::NobodySignedOn));
    running.sign_on(1);
    let (second, request) = take_up("two", sale);
    assert_eq!(running.wants(second, &request, &terminal), TillEvent::Began(second));
    assert_eq!(running.told(), TillEvent::Over(second, None));
    let row = terminal.rows().remove(0);
    assert_eq!((row.cashier, terminal.rows().len()), (Some(number(1)), 1), "whoever is signed on took it");
    let refund = format!(
        r#"{{"kind": "refund", "amount": {{"minor": 100, "currency": "CNY"}}, "original": {{"batch": "{}", "stan": "{}"}}}}"#,
        row.trace.batch, row.trace.stan
    );
    let (third, request) = take_up("three", &refund);
    assert_eq!(refused(&running.wants(third, &request, &terminal)), Some(ReasonKind::ManagerNeeded));
    running.engine.intents().send(Intent::Staff(StaffIntent::Lock));
    let (fourth, request) = take_up("four", sale);
    assert_eq!(refused(&running.wants(fourth, &request, &terminal)), Some(ReasonKind::NobodySignedOn));
    assert_eq!(terminal.rows().len(), 1);
}

#[test]
fn tills_that_are_served_without_a_screen_have_what_whoever_gave_the_command_may() {
    let terminal = terminal();
    let mut keys = TillKeys::open(terminal.folder.path()).unwrap();
    let pairing = keys.begin_pairing(&"till 1".parse().unwrap(), Timestamp::now()).unwrap();
    let paired = keys.pair(pairing.expose(), Timestamp::now()).unwrap().unwrap();
    let till = keys.till_of(paired.key.expose()).unwrap().unwrap();
    let mut take_up = |key: &str, body: &str| {
        let request = PaymentRequest::parse(body.as_bytes()).unwrap();
        match keys.take_up(till, &key.parse().unwrap(), &request, Timestamp::now()).unwrap() {
            TakenUp::Begin(row) => (row.number, request),
            other => panic!("{other:?}"),
        }
    };
    let sale = r#"{"kind": "sale", "amount": {"minor": 1234, "currency": "CNY"}}"#;
    let by = |person: u32| {
        start_as(&terminal, move |mut parts| {
            parts.staff.attendant = Attendant::Known(Some(number(person)));
            parts
        })
    };
    let running = by(1);
    let (first, request) = take_up("one", sale);
    assert_eq!(running.wants(first, &request, &terminal), TillEvent::Began(first));
    assert_eq!(running.told(), TillEvent::Over(first, None));
    let row = terminal.rows().remove(0);
    assert_eq!(row.cashier, Some(number(1)));
    let refund = format!(
        r#"{{"kind": "refund", "amount": {{"minor": 100, "currency": "CNY"}}, "original": {{"batch": "{}", "stan": "{}"}}}}"#,
        row.trace.batch, row.trace.stan
    );
    let (second, request) = take_up("two", &refund);
    assert_eq!(refused(&running.wants(second, &request, &terminal)), Some(ReasonKind::ManagerNeeded));
    drop(running);
    // A manager's till gives back by itself.
    let running = by(99);
    let (third, request) = take_up("three", &refund);
    assert_eq!(running.wants(third, &request, &terminal), TillEvent::Began(third));
    assert_eq!(running.told(), TillEvent::Over(third, None));
    assert_eq!(terminal.rows()[0].cashier, Some(number(99)));
    drop(running);
    // Whoever is none of the people has nothing.
    let running = by(50);
    let (fourth, request) = take_up("four", sale);
    assert_eq!(refused(&running.wants(fourth, &request, &terminal)), Some(ReasonKind::NobodySignedOn));
}
