//! What becomes of an enrolled terminal: it is suspended, moved, asks about itself, and leaves service.

use jiff::Timestamp;

use super::enrolment::{Machine, echo, refused};
use super::*;
use crate::acquirer::enrolment::wire::{Refusal, SignedRequest};
use crate::acquirer::enrolment::{Enrolled, EnrolmentError, https};
use crate::sandbox::host::onboarding::register::{Register, RegisterError};
use crate::terminal::binding::Place;
use crate::terminal::identity::IdentityError;
use crate::terminal::journal::{Event, Journal};
use crate::vault::SecureElement;

#[test]
fn a_merchant_suspended_or_gone_takes_no_payment_but_what_is_to_be_taken_back_comes_through() {
    let house = House::new();
    let (link, now) = (house.link(), Timestamp::now());
    let before = house.balance();
    assert_eq!(code(link.sale(&sale(1, 100))), "00");
    let id = house.host.register(|register| Ok(register.of_terminal("10000001")?.unwrap().id)).unwrap();
    house.host.register(|register| register.suspend(id, "why", "test", now)).unwrap();
    assert_eq!(code(link.sale(&sale(2, 100))), "03");
    assert_eq!(echo(&link), "03");
    assert_eq!(code(link.reverse(&reversal(1, 100))), "00");
    assert_eq!(house.balance(), before);
    house.host.register(|register| register.resume(id, "test", now)).unwrap();
    assert_eq!(code(link.sale(&sale(3, 100))), "00");
    house.host.register(|register| register.decommission(id, "test", "why", now)).unwrap();
    assert_eq!(code(link.sale(&sale(4, 100))), "97");
    assert_eq!(echo(&link), "97");
    // What its customers paid last may still have to be taken back, under new keys too.
    link.sign_on(trace(999_998)).unwrap();
    assert_eq!(code(link.reverse(&reversal(3, 100))), "00");
    assert_eq!(house.balance(), before);
}

/// Something on the way doubles a sale, and the merchant is suspended or moved between the two.
#[test]
fn a_sale_that_was_booked_is_not_called_refused_when_it_comes_again_to_a_host_that_takes_none_any_more() {
    let house = House::new();
    let (link, now) = (house.link(), Timestamp::now());
    assert_eq!(code(link.sale(&sale(1, 100))), "00");
    let id = house.host.register(|register| Ok(register.of_terminal("10000001")?.unwrap().id)).unwrap();
    house.host.register(|register| register.suspend(id, "why", "test", now)).unwrap();
    let booked = house.balance();
    assert_eq!(code(link.sale(&sale(1, 100))), "00", "the answer of the first");
    assert_eq!(code(link.sale(&sale(2, 100))), "03");
    house.host.register(|register| register.resume(id, "test", now)).unwrap();
    let place = Place::parse("22.5,114.0", 300).unwrap();
    house.host.register(|register| register.move_to(id, "深圳市", place, "test", now)).unwrap();
    // The answer of the first, in the host's name of now: no proof to a terminal that does not know it yet, so it takes it back.
    let doubtful = link.sale(&sale(1, 100)).unwrap_err();
    assert!(matches!(doubtful, LinkFailure::WrongAnswer(_)), "{doubtful}");
    assert_eq!(code(link.sale(&sale(2, 100))), "97");
    assert_eq!(house.balance(), booked);
    // What was taken back is booked no more, and the refusal is true.
    assert_eq!(code(link.reverse(&reversal(1, 100))), "97", "as a request of a terminal with an old record");
    let newer = link.refresh_binding().unwrap();
    assert!(newer.is_some());
    assert_eq!(code(link.reverse(&reversal(1, 100))), "00");
    house.host.register(|register| register.suspend(id, "why", "test", now)).unwrap();
    assert_eq!(code(link.sale(&sale(1, 100))), "03");
}

/// The acquirer gives a terminal number to a second machine that has not been enrolled yet.
#[test]
fn a_terminal_gives_back_what_it_took_while_its_number_waits_for_another_machine() {
    let house = House::new();
    let link = house.link();
    let before = house.balance();
    assert_eq!(code(link.sale(&sale(1, 100))), "00");
    let register = |work: &dyn Fn(&Register<'_>) -> Result<(), RegisterError>| house.host.register(work).unwrap();
    let now = Timestamp::now();
    register(&|register| {
        let first = register.of_terminal("10000001")?.unwrap();
        register.decommission(first.id, "test", "why", now)?;
        let mut form = first.form.clone();
        form.serial_number = "00000402TEST0077".to_owned();
        let second = register.apply(&form, "test", now)?;
        register.approve(second, first.numbers.clone(), "test", now).map(drop)
    });
    assert_eq!(code(link.reverse(&reversal(1, 100))), "00");
    assert_eq!(house.balance(), before);
}

#[test]
fn a_terminal_that_was_moved_fetches_its_record_and_goes_on() {
    let house = House::new();
    let (link, kit) = (house.link(), house.kit());
    let id = house.host.register(|register| Ok(register.of_terminal("10000001")?.unwrap().id)).unwrap();
    // The terminal asks, the acquirer agrees.
    let (settings, vault) = (house.running.link_settings(), SoftwareVault::open(&kit).unwrap());
    let identity = Identity::load(&kit).unwrap();
    let enrolled = Enrolled { settings: &settings, directory: &kit, identity: &identity, vault: &vault };
    let mut desk = |signed: &SignedRequest| https::ask(&settings, &kit, signed);
    enrolled.ask_to_move(&mut desk, "深圳市", "22.5,114.0", 300, Timestamp::now()).unwrap();
    let asked = house.host.register(|register| Ok(register.application(id)?.move_asked)).unwrap();
    assert_eq!(asked.as_deref(), Some("深圳市; 22.5,114.0; 300 m"));
    assert_eq!(code(link.sale(&sale(1, 100))), "00", "asking changes nothing");
    assert!(link.refresh_binding().unwrap().is_none());
    let place = Place::parse("22.5,114.0", 300).unwrap();
    house.host.register(|register| register.move_to(id, "深圳市", place, "test", Timestamp::now())).unwrap();

    assert_eq!(code(link.sale(&sale(2, 100))), "97");
    assert!(link.take_word_on_binding().unwrap().unwrap_err().contains("deployment address"));
    let newer = link.refresh_binding().unwrap().unwrap();
    assert_eq!((newer.version, newer.address.as_str()), (2, "深圳市"));
    assert_eq!(code(link.sale(&sale(3, 100))), "00");
    assert_eq!(link.take_word_on_binding(), Some(Ok(())));
    assert_eq!(Identity::load(&kit).unwrap(), newer);
    let events: Vec<_> = Journal::load(&kit).unwrap().entries().iter().map(|entry| entry.event).collect();
    assert_eq!(events, [Event::Enrolled, Event::MoveRequested, Event::BindingReplaced]);
    let log = house.host.register(|register| register.log_lines()).unwrap();
    assert!(log.iter().any(|line| line.who == "terminal 10000001" && line.what.contains("asks to be moved")));
}

/// The host's first address is dead or silent; a terminal that lives on the second one is moved.
#[test]
fn a_terminal_on_the_second_address_fetches_its_record_there() {
    let house = House::new();
    let (kit, alive) = (house.kit(), house.running.link_settings());
    let id = house.host.register(|register| Ok(register.of_terminal("10000001")?.unwrap().id)).unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // A gateway with nothing behind it: it takes connections and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for (number, (dead, latitude)) in [(closed, "22.5"), (silent.local_addr().unwrap(), "22.6")].iter().enumerate() {
        let settings = LinkSettings {
            url: format!("https://{dead}"),
            fallback_url: Some(alive.url.clone()),
            connect_timeout_s: 1,
            tls_timeout_s: 1,
            answer_timeout_s: 10,
            deadline_s: 20,
            ..alive.clone()
        };
        let link = open(&settings, &kit);
        let place = Place::parse(&format!("{latitude},114.0"), 300).unwrap();
        house.host.register(|register| register.move_to(id, "深圳市", place, "test", Timestamp::now())).unwrap();
        let stan = u32::try_from(number).unwrap() * 2 + 1;
        assert_eq!(code(link.sale(&sale(stan, 100))), "97");
        assert!(link.refresh_binding().unwrap().is_some());
        assert_eq!(code(link.sale(&sale(stan + 1, 100))), "00");
        // By hand it does as well.
        let (identity, vault) = (Identity::load(&kit).unwrap(), SoftwareVault::open(&kit).unwrap());
        let enrolled = Enrolled { settings: &settings, directory: &kit, identity: &identity, vault: &vault };
        let mut desk = |signed: &SignedRequest| https::ask(&settings, &kit, signed);
        assert_eq!(enrolled.refresh(&mut desk, Timestamp::now()).unwrap(), None);
    }
}

#[test]
fn what_a_terminal_asks_about_itself_is_signed_fresh_and_its_own() {
    let house = House::new();
    let other = house.other_kit();
    let (kit, settings) = (house.kit(), house.running.link_settings());
    let (identity, vault) = (Identity::load(&kit).unwrap(), SoftwareVault::open(&kit).unwrap());
    let enrolled = Enrolled { settings: &settings, directory: &kit, identity: &identity, vault: &vault };
    let mut sent = None;
    let mut desk = |signed: &SignedRequest| {
        sent = Some(signed.clone());
        https::ask(&settings, &kit, signed)
    };
    enrolled.refresh(&mut desk, Timestamp::now()).unwrap();
    // Once more, word for word; with another terminal's certificate; with another device's signature.
    let sent = sent.unwrap();
    let refusal = |kit: &Path, signed: &SignedRequest| -> String {
        https::ask::<serde_json::Value>(&settings, kit, signed).map(|answer| format!("{answer:?}")).unwrap()
    };
    assert!(refusal(&kit, &sent).contains("BadRequest"));
    let later = |vault: &dyn SecureElement| {
        let mut request: serde_json::Value = serde_json::from_str(&sent.request).unwrap();
        request["at_ms"] = (Timestamp::now().as_millisecond() + 60_000).into();
        SignedRequest::sign(vault, &request).unwrap()
    };
    assert!(refusal(&other, &later(&vault)).contains("BadRequest"));
    assert!(refusal(&kit, &later(&SoftwareVault::open(&other).unwrap())).contains("BadRequest"));
    assert!(refusal(&kit, &later(&vault)).contains("Granted"));
}

/// A terminal without a battery for its clock asks once, and then the network sets the clock right.
#[test]
fn a_clock_that_was_ahead_once_does_not_keep_a_terminal_from_its_acquirer() {
    let machine = Machine::new();
    let (id, code) = machine.approved();
    machine.enrol(&code).unwrap();
    let (settings, directory) = (machine.house.running.link_settings(), machine.directory.clone());
    let ask = |now: Timestamp| {
        let (identity, vault) = (Identity::load(&directory).unwrap(), SoftwareVault::open(&directory).unwrap());
        let enrolled = Enrolled { settings: &settings, directory: &directory, identity: &identity, vault: &vault };
        enrolled.refresh(&mut |signed: &SignedRequest| https::ask(&settings, &directory, signed), now)
    };
    let in_fifty_years = Timestamp::from_second(Timestamp::now().as_second() + 50 * 365 * 86400).unwrap();
    assert_eq!(refused(ask(in_fifty_years)), Refusal::ClockAhead);
    assert!(ask(Timestamp::now()).unwrap().is_none());
    // A host that noted such a time before it refused them forgets it with the next enrolment.
    let database = machine.house.directory.path().join("host/host.sqlite3");
    let connection = rusqlite::Connection::open(database).unwrap();
    connection.execute("UPDATE applications SET asked_at_ms = ?1", [in_fifty_years.as_millisecond()]).unwrap();
    drop(connection);
    assert_eq!(refused(ask(Timestamp::now())), Refusal::BadRequest);
    let code = machine.register(|register| register.new_code(id, "test", Timestamp::now()));
    machine.enrol(&code).unwrap();
    assert!(ask(Timestamp::now()).unwrap().is_none());
}

#[test]
fn a_terminal_leaves_service_when_nothing_is_open_or_the_acquirer_orders_it() {
    let house = House::new();
    let other = house.other_kit();
    let (kit, settings) = (house.kit(), house.running.link_settings());
    let (identity, vault) = (Identity::load(&kit).unwrap(), SoftwareVault::open(&kit).unwrap());
    let enrolled = Enrolled { settings: &settings, directory: &kit, identity: &identity, vault: &vault };
    let mut desk = |signed: &SignedRequest| https::ask(&settings, &kit, signed);
    let refusal = enrolled.decommission(&mut desk, 0, 2, None, Timestamp::now());
    assert_eq!(refused(refusal), Refusal::PaymentsOpen);
    assert_eq!(echo(&house.link()), "00");
    let id = house.host.register(|register| Ok(register.of_terminal("10000001")?.unwrap().id)).unwrap();
    house.host.register(|register| register.decommission(id, "test", "lost", Timestamp::now())).unwrap();
    let refused = enrolled.decommission(&mut desk, 3, 2, None, Timestamp::now());
    assert!(
        matches!(refused, Err(EnrolmentError::Unfinished { unfinished: 3 })),
        "nobody answers for them: {refused:?}"
    );
    assert!(SoftwareVault::open(&kit).unwrap().public_key().is_ok(), "its keys can still finish them");
    enrolled.decommission(&mut desk, 3, 2, Some("王五: the bank knows"), Timestamp::now()).unwrap();
    let last = Journal::load(&kit).unwrap().entries().last().unwrap().detail.clone();
    assert_eq!(last, "3 payments not finished, 2 not settled; given up by 王五: the bank knows");
    assert!(matches!(Identity::load(&kit), Err(IdentityError::Decommissioned)));
    assert!(SoftwareVault::open(&kit).unwrap().public_key().is_err(), "the keys are gone");

    let (identity, vault) = (Identity::load(&other).unwrap(), SoftwareVault::open(&other).unwrap());
    let enrolled = Enrolled { settings: &settings, directory: &other, identity: &identity, vault: &vault };
    let mut desk = |signed: &SignedRequest| https::ask(&settings, &other, signed);
    enrolled.decommission(&mut desk, 0, 0, None, Timestamp::now()).unwrap();
    let state = house.host.register(|register| Ok(register.of_terminal("10000002")?.unwrap().state)).unwrap();
    assert_eq!(state.word(), "decommissioned");
}
