//! Wrong activation codes: whom they cost what.

use jiff::Timestamp;

use super::enrolment::{Machine, other_code, refused};
use crate::acquirer::enrolment::EnrolmentError;
use crate::acquirer::enrolment::wire::{ActivationCode, Answer, Refusal, SignedRequest};
use crate::sandbox::host::onboarding::Onboarding;
use crate::sandbox::host::onboarding::wrong_codes::Source;
use crate::sandbox::host::take_terminal;

/// A machine, and what it asks the acquirer's desk from an address at a time.
struct Asking<'a> {
    machine: &'a Machine,
    desk: Onboarding,
}

impl Asking<'_> {
    /// The request of a machine with this code, not sent.
    fn request(&self, code: &ActivationCode) -> SignedRequest {
        let settings = self.machine.house.running.link_settings();
        let enrolment = self.machine.enrolment(&settings);
        let mut made = None;
        let mut host = |signed: &SignedRequest| {
            made = Some(signed.clone());
            Err(EnrolmentError::Link("not sent".to_owned()))
        };
        enrolment.carry_out(code, &mut host, &mut |_| ()).unwrap_err();
        made.unwrap()
    }

    /// Why it is refused, if it is.
    fn ask(&self, request: &SignedRequest, address: &str, now: Timestamp) -> Option<Refusal> {
        let source = Source::of(address.parse().unwrap());
        match self.desk.enrol(request, &source, &take_terminal, now).unwrap() {
            Answer::Granted(_) => None,
            Answer::Refused(refusal) => Some(refusal),
        }
    }
}

#[test]
fn wrong_codes_of_a_stranger_keep_him_out_and_cost_the_shop_nothing() {
    const STRANGER: &str = "203.0.113.5";
    const SHOP: &str = "198.51.100.7";
    let machine = Machine::new();
    let (id, code) = machine.approved();
    let asking = Asking { machine: &machine, desk: machine.house.host.onboarding().unwrap() };
    let now = Timestamp::now();
    let later = |seconds| Timestamp::from_second(now.as_second() + seconds).unwrap();
    let wrong = asking.request(&ActivationCode::parse(&other_code(&code)).unwrap());
    let right = asking.request(&code);
    // He goes on for a day, and waits a quarter of an hour between two tries as soon as he has to.
    let mut looked_at = 0;
    for minute in 0..24 * 60 {
        match asking.ask(&wrong, STRANGER, later(minute * 60)) {
            Some(Refusal::WrongCode) => looked_at += 1,
            other => assert_eq!(other, Some(Refusal::TooManyCodes)),
        }
    }
    assert!((90..110).contains(&looked_at), "of 1440 tries: {looked_at}");
    let now = later(24 * 3600);
    assert_eq!(asking.ask(&right, STRANGER, now), Some(Refusal::TooManyCodes), "he does not learn that it is right");
    assert_eq!(asking.ask(&right, SHOP, now), None);
    // The same request again: its answer was lost, and the shop has the stranger's address now.
    assert_eq!(asking.ask(&right, STRANGER, now), None);
    let log = machine.register(|register| register.log_lines());
    let told = log.iter().filter(|line| line.application == id && line.what.contains(STRANGER)).count();
    assert_eq!(told, looked_at, "the acquirer sees where they came from");
}

#[test]
fn a_shop_that_mistypes_waits_a_moment_and_its_code_is_still_good() {
    const SHOP: &str = "198.51.100.7";
    let machine = Machine::new();
    let (_, code) = machine.approved();
    let asking = Asking { machine: &machine, desk: machine.house.host.onboarding().unwrap() };
    let now = Timestamp::now().as_second();
    let at = |seconds| Timestamp::from_second(now + seconds).unwrap();
    let wrong = asking.request(&ActivationCode::parse(&other_code(&code)).unwrap());
    for _ in 0..5 {
        assert_eq!(asking.ask(&wrong, SHOP, at(0)), Some(Refusal::WrongCode));
    }
    let right = asking.request(&code);
    for second in [0, 10, 29] {
        assert_eq!(asking.ask(&right, SHOP, at(second)), Some(Refusal::TooManyCodes), "waiting is not made longer");
    }
    assert_eq!(asking.ask(&right, SHOP, at(30)), None);
}

#[test]
fn codes_tried_for_machines_that_nobody_knows_are_counted_as_well() {
    let machine = Machine::new();
    let (_, code) = machine.approved();
    let beside = machine.house.directory.path().join("beside");
    std::fs::create_dir(&beside).unwrap();
    std::fs::copy(machine.directory.join("acquirer-ca.pem"), beside.join("acquirer-ca.pem")).unwrap();
    let mut said = Vec::new();
    while said.last() != Some(&Refusal::TooManyCodes) && said.len() < 40 {
        let another = machine.enrol_as("00000402TEST0008", &beside, &code, &mut |_| ());
        said.push(refused(another));
    }
    assert_eq!(said.len(), 22, "nobody finds out which codes there are: {said:?}");
    assert!(said[..21].iter().all(|refusal| *refusal == Refusal::OtherMachine));
}
