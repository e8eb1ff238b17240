//! Enrolment between a machine and this host, over a real link, and what an enrolled terminal must name from then on. What becomes of
//! it later is in [`super::in_service`].

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use super::*;
use crate::acquirer::enrolment::wire::{ActivationCode, Refusal, SignedRequest};
use crate::acquirer::enrolment::{Enrolment, EnrolmentError, Progress, https};
use crate::iso8583::Dialect;
use crate::sandbox::host::onboarding::application::{Form, State};
use crate::sandbox::host::onboarding::codes::CODE_LIFETIME_S;
use crate::sandbox::host::onboarding::register::{Register, RegisterError};
use crate::terminal::binding::{BindingRecord, Place, SignedBinding};
use crate::terminal::custody::Custody;
use crate::terminal::identity::{self, IdentityError};
use crate::terminal::journal::{Event, Journal};
use crate::terminal::machine::Fingerprint;
use crate::vault::SecureElement;

pub const TUSN: &str = "00000402TEST0007";

/// A machine beside a host, not enrolled.
pub struct Machine {
    pub house: House,
    pub directory: PathBuf,
    pub sources: Vec<PathBuf>,
}

impl Machine {
    pub fn new() -> Self {
        let house = House::new();
        let directory = house.directory.path().join("identity");
        std::fs::create_dir(&directory).unwrap();
        std::fs::copy(house.kit().join("acquirer-ca.pem"), directory.join("acquirer-ca.pem")).unwrap();
        let source = house.directory.path().join("machine-id");
        std::fs::write(&source, "3d1219c7c4c5404a").unwrap();
        Self { house, directory, sources: vec![source] }
    }

    fn form(&self) -> Form {
        Form {
            serial_number: TUSN.to_owned(),
            merchant_name: "小李水果店".to_owned(),
            credit_code: "91000000TE5T000020".to_owned(),
            account: "6222 0000 1234 0007".to_owned(),
            address: "上海市测试区示例路7号（测试）".to_owned(),
            place: Place { latitude_e6: 31_230_000, longitude_e6: 121_470_000, radius_m: 200 },
        }
    }

    /// Applied for and approved.
    pub fn approved(&self) -> (i64, ActivationCode) {
        let now = Timestamp::now();
        let id = self.register(|register| register.apply(&self.form(), "test", now));
        (id, self.register(|register| register.approve(id, None, "test", now)))
    }

    pub fn register<T>(&self, work: impl FnOnce(&Register<'_>) -> Result<T, RegisterError>) -> T {
        self.house.host.register(work).unwrap()
    }

    pub fn enrol(&self, code: &ActivationCode) -> Result<BindingRecord, EnrolmentError> {
        self.enrol_as(TUSN, &self.directory, code, &mut |_| ())
    }

    pub fn enrol_as(
        &self,
        serial_number: &str,
        directory: &Path,
        code: &ActivationCode,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<BindingRecord, EnrolmentError> {
        self.enrol_by(&self.house.running.link_settings(), serial_number, directory, code, progress)
    }

    fn enrol_by(
        &self,
        settings: &LinkSettings,
        serial_number: &str,
        directory: &Path,
        code: &ActivationCode,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<BindingRecord, EnrolmentError> {
        let enrolment = Enrolment { directory, serial_number, ..self.enrolment(settings) };
        enrolment.carry_out(code, &mut |signed| https::enrol(settings, directory, signed), progress)
    }

    /// What it asks for, with its keys in files.
    pub fn enrolment<'a>(&'a self, settings: &'a LinkSettings) -> Enrolment<'a> {
        static DIALECT: LazyLock<Dialect> = LazyLock::new(|| Dialect::shipped("unionpay").unwrap());
        Enrolment {
            settings,
            dialect: &DIALECT,
            directory: &self.directory,
            serial_number: TUSN,
            machine: &self.sources,
            custody: &Custody::Software,
        }
    }

    fn refusal(&self, code: &str) -> Refusal {
        refused(self.enrol(&ActivationCode::parse(code).unwrap()))
    }

    fn link(&self) -> HttpsLink {
        self.house.link_of(&self.directory)
    }
}

#[track_caller]
pub fn refused<T: std::fmt::Debug>(result: Result<T, EnrolmentError>) -> Refusal {
    match result {
        Err(EnrolmentError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

pub fn echo(link: &HttpsLink) -> String {
    link.check().unwrap().response_code.as_str().to_owned()
}

pub fn other_code(code: &ActivationCode) -> String {
    let digits: u64 = code.expose_digits().parse().unwrap();
    format!("{:012}", (digits + 1) % 1_000_000_000_000)
}

#[test]
fn a_machine_whose_application_was_approved_is_enrolled_by_its_code() {
    let machine = Machine::new();
    let (_, code) = machine.approved();
    let record = machine.enrol(&code).unwrap();
    assert_eq!((record.version, record.serial_number.as_str()), (1, TUSN));
    assert_eq!((record.merchant_code.as_str(), record.terminal_number.as_str()), ("999TEST00000002", "10000002"));
    assert_eq!(record.settlement_account, "6222 **** **** 0007");
    assert_eq!(record.place, machine.form().place);
    let identity = Identity::load(&machine.directory).unwrap();
    identity.check_machine(&machine.directory, Some(TUSN)).unwrap();
    let vault = SoftwareVault::open(&machine.directory).unwrap();
    identity::check_device_key(&machine.directory, &vault.public_key().unwrap()).unwrap();
    assert_eq!(echo(&machine.link()), "00");
    let journal = Journal::load(&machine.directory).unwrap();
    assert_eq!(journal.entries().iter().map(|entry| entry.event).collect::<Vec<_>>(), [Event::Enrolled]);
    // Only keys and records are left: neither the code nor a stage.
    let mut names: Vec<_> = std::fs::read_dir(&machine.directory)
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
        "machine.toml",
        "vault-TEST.toml",
    ];
    assert_eq!(names, expected);
    assert!(!machine.directory.with_file_name("identity.new").exists());
}

#[test]
fn each_refusal_says_what_it_is_and_leaves_the_machine_as_it_was() {
    let machine = Machine::new();
    let now = Timestamp::now();
    assert_eq!(machine.refusal("123456789012"), Refusal::WrongCode, "nobody applied");
    let id = machine.register(|register| register.apply(&machine.form(), "test", now));
    assert_eq!(machine.refusal("123456789012"), Refusal::NotApproved);
    machine.register(|register| register.reject(id, "no", "test", now));
    assert_eq!(machine.refusal("123456789012"), Refusal::Rejected);

    let (id, code) = machine.approved();
    assert_eq!(machine.refusal(&other_code(&code)), Refusal::WrongCode);
    // Another machine with this code.
    let beside = machine.house.directory.path().join("beside");
    std::fs::create_dir(&beside).unwrap();
    std::fs::copy(machine.directory.join("acquirer-ca.pem"), beside.join("acquirer-ca.pem")).unwrap();
    let another = machine.enrol_as("00000402TEST0008", &beside, &code, &mut |_| ());
    assert_eq!(refused(another), Refusal::OtherMachine);
    machine.register(|register| register.suspend(id, "why", "test", now));
    assert_eq!(machine.refusal(code.expose_digits()), Refusal::Suspended);
    machine.register(|register| register.resume(id, "test", now));

    // A week later.
    let late = Timestamp::from_second(now.as_second() - CODE_LIFETIME_S - 1).unwrap();
    let old = machine.register(|register| register.new_code(id, "test", late));
    assert_eq!(machine.refusal(old.expose_digits()), Refusal::CodeExpired);
    assert_eq!(machine.refusal(code.expose_digits()), Refusal::WrongCode, "a new code takes the old one's place");

    let code = machine.register(|register| register.new_code(id, "test", now));
    for _ in 0..5 {
        assert_eq!(machine.refusal(&other_code(&code)), Refusal::WrongCode);
    }
    assert_eq!(machine.refusal(code.expose_digits()), Refusal::TooManyCodes, "also the right one");
    assert!(!machine.directory.join("binding.json").exists());

    let code = machine.register(|register| register.new_code(id, "test", now));
    machine.enrol(&code).unwrap();
    // The same serial number elsewhere, with the code that was used.
    assert_eq!(refused(machine.enrol_as(TUSN, &beside, &code, &mut |_| ())), Refusal::CodeUsed);
    assert_eq!(echo(&machine.link()), "00");
    machine.register(|register| register.decommission(id, "test", "why", now));
    assert_eq!(refused(machine.enrol_as(TUSN, &beside, &old, &mut |_| ())), Refusal::Decommissioned);
    let log = machine.register(|register| register.log_lines());
    let what: Vec<_> = log.iter().filter(|line| line.application == id).map(|line| line.what.as_str()).collect();
    for expected in
        ["applied for", "approved as", "suspended: why", "resumed", "enrolled", "wrong code", "decommissioned"]
    {
        assert!(what.iter().any(|line| line.contains(expected)), "{expected}: {what:?}");
    }
}

#[test]
fn the_log_of_the_register_only_grows() {
    let machine = Machine::new();
    machine.approved();
    let database = machine.house.directory.path().join("host/host.sqlite3");
    let connection = rusqlite::Connection::open(database).unwrap();
    for sql in ["UPDATE register_log SET who = 'me'", "DELETE FROM register_log"] {
        assert!(connection.execute(sql, []).unwrap_err().to_string().contains("never changed"));
    }
}

/// The program is stopped before each part of an enrolment; the next try with the same code ends it well.
#[test]
fn a_power_cut_leaves_a_machine_not_enrolled_with_a_good_code_or_enrolled() {
    let parts = [
        Progress::MakingKeys,
        Progress::AskingHost,
        Progress::TakingAnswer,
        Progress::PuttingInPlace,
        Progress::DestroyingOld,
    ];
    for again in [false, true] {
        for cut in parts {
            let machine = Machine::new();
            let (id, mut code) = machine.approved();
            if again {
                machine.enrol(&code).unwrap();
                code = machine.register(|register| register.new_code(id, "test", Timestamp::now()));
            }
            let before = std::fs::read(machine.directory.join("binding.json")).ok();
            let stopped = catch_unwind(AssertUnwindSafe(|| {
                let _ = machine.enrol_as(TUSN, &machine.directory, &code, &mut |progress| {
                    assert!(progress != cut, "the power is cut");
                });
            }));
            assert!(stopped.is_err(), "{cut:?}");
            let after = std::fs::read(machine.directory.join("binding.json")).ok();
            if cut == Progress::DestroyingOld {
                assert_ne!(after, before, "it was decided");
                crate::acquirer::enrolment::finish(&machine.directory, &Custody::Software).unwrap();
            } else {
                assert_eq!(after, before, "{cut:?}");
                machine.enrol(&code).unwrap();
            }
            Identity::load(&machine.directory).unwrap().check_machine(&machine.directory, None).unwrap();
            assert_eq!(echo(&machine.link()), "00", "{cut:?}, again: {again}");
            assert!(!machine.directory.with_file_name("identity.new").exists(), "{cut:?}");
            let version = Identity::load(&machine.directory).unwrap().version;
            assert_eq!(version, if again { 2 } else { 1 }, "the host enrolled once: {cut:?}");
        }
    }
}

/// An address at which nobody listens.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    format!("https://{}", listener.local_addr().unwrap())
}

#[test]
fn a_machine_enrols_at_the_hosts_second_address_when_the_first_cannot_be_reached() {
    let machine = Machine::new();
    let (_, code) = machine.approved();
    let running = machine.house.running.link_settings();
    let enrol = |url: String, fallback_url: Option<String>| {
        let settings = LinkSettings { url, fallback_url, connect_timeout_s: 3, deadline_s: 10, ..running.clone() };
        machine.enrol_by(&settings, TUSN, &machine.directory, &code, &mut |_| ())
    };
    let error = enrol(nowhere(), None).unwrap_err();
    assert!(matches!(&error, EnrolmentError::Link(_)), "{error}");
    let said = |error: &str| error.matches("refused").count();
    let both = enrol(nowhere(), Some(nowhere())).unwrap_err().to_string();
    assert!(said(&both) > 0 && said(&both) == 2 * said(&error.to_string()), "both are told of: {both}");
    let record = enrol(nowhere(), Some(running.url.clone())).unwrap();
    assert_eq!(record.serial_number, TUSN);
    assert_eq!(echo(&machine.link()), "00");
}

/// A way to the host that lets one connection through until a request has left, keeps the answer to itself, and then cuts it.
fn cut_after_the_request(host: std::net::SocketAddr) -> String {
    /// More than a handshake without a client's certificate, or what a server says at the end of one; less than a request or an
    /// answer.
    const REQUEST: usize = 1500;
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let server = TcpStream::connect(host).unwrap();
        let has_left = Arc::new(AtomicBool::new(false));
        let (mut from, mut to, left) = (client.try_clone().unwrap(), server.try_clone().unwrap(), has_left.clone());
        std::thread::spawn(move || {
            let (mut buffer, mut count) = ([0; 4096], 0);
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                count += length;
                left.store(count > REQUEST, Ordering::SeqCst);
                to.write_all(&buffer[..length]).unwrap();
            }
        });
        let (mut from, mut to, mut buffer, mut kept) = (server, client, [0; 4096], 0);
        while kept < REQUEST
            && let Ok(length @ 1..) = from.read(&mut buffer)
        {
            if has_left.load(Ordering::SeqCst) {
                kept += length;
            } else {
                to.write_all(&buffer[..length]).unwrap();
            }
        }
        to.shutdown(Shutdown::Both).unwrap();
    });
    format!("https://{address}")
}

#[test]
fn a_request_that_may_have_left_goes_to_no_second_address_until_somebody_asks_again() {
    let machine = Machine::new();
    let (id, code) = machine.approved();
    let running = machine.house.running.link_settings();
    let asked = || machine.house.running.handshakes().0;
    let before = asked();
    let first = cut_after_the_request(machine.house.running.address);
    let settings = LinkSettings { url: first, fallback_url: Some(running.url.clone()), ..running.clone() };
    let enrol = |settings: &LinkSettings| machine.enrol_by(settings, TUSN, &machine.directory, &code, &mut |_| ());
    let error = enrol(&settings).unwrap_err();
    assert!(matches!(&error, EnrolmentError::Link(_)), "{error}");
    assert_eq!(asked(), before + 1, "at the first address, and nowhere else");
    let state = || machine.register(|register| Ok(register.application(id)?.state));
    assert_eq!(state(), State::Active, "the host has enrolled it");
    // The same request once more: now the first address is gone, and the second one answers as the first did.
    let settings = LinkSettings { url: nowhere(), ..settings };
    assert_eq!(enrol(&settings).unwrap().serial_number, TUSN);
    assert_eq!(echo(&machine.link()), "00");
}

#[test]
fn a_lost_answer_is_given_again_to_the_same_request_only() {
    let machine = Machine::new();
    let (_, code) = machine.approved();
    let settings = machine.house.running.link_settings();
    let enrolment = machine.enrolment(&settings);
    let mut sent: Option<SignedRequest> = None;
    let mut losing = |signed: &SignedRequest| {
        sent = Some(signed.clone());
        https::enrol::<serde_json::Value>(&settings, &machine.directory, signed)?;
        Err(EnrolmentError::Link("lost".to_owned()))
    };
    assert!(enrolment.carry_out(&code, &mut losing, &mut |_| ()).is_err());
    let mut again = |signed: &SignedRequest| {
        assert_eq!(Some(&signed.request), sent.as_ref().map(|sent| &sent.request), "word for word");
        https::enrol(&settings, &machine.directory, signed)
    };
    enrolment.carry_out(&code, &mut again, &mut |_| ()).unwrap();
    assert_eq!(echo(&machine.link()), "00");
    assert_eq!(refused(machine.enrol(&code)), Refusal::CodeUsed, "other keys are another request");
    assert_eq!(echo(&machine.link()), "00");
}

/// Whoever copies the state directory while the line is dead must get neither the code nor what proves the machine to
/// the host.
#[test]
fn nothing_that_is_kept_of_an_enrolment_under_way_tells_code_or_proof() {
    let machine = Machine::new();
    let (_, code) = machine.approved();
    let settings = machine.house.running.link_settings();
    let enrolment = machine.enrolment(&settings);
    let proof = Fingerprint::take(&machine.sources).unwrap().proof(TUSN).unwrap().expose_key();
    let mut dead = |signed: &SignedRequest| {
        assert!(
            signed.request.contains(&*proof) && signed.request.contains(code.expose_digits()),
            "the host gets both"
        );
        Err(EnrolmentError::Link("no line".to_owned()))
    };
    assert!(enrolment.carry_out(&code, &mut dead, &mut |_| ()).is_err());
    let stage = machine.directory.with_file_name("identity.new");
    assert!(stage.join("enrolment-request.json").exists());
    for file in std::fs::read_dir(&stage).unwrap().map(|file| file.unwrap().path()) {
        let content = std::fs::read(&file).unwrap();
        for secret in [proof.as_bytes(), code.expose_digits().as_bytes(), &hex::decode(&proof).unwrap()] {
            let found = content.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "{}", file.display());
        }
    }
    // Another code is another enrolment, with keys of its own.
    let key = |folder: &Path| SoftwareVault::open(folder).unwrap().public_key().unwrap();
    let before = key(&stage);
    let other = ActivationCode::parse("000000000000").unwrap();
    assert!(enrolment.carry_out(&other, &mut |_| Err(EnrolmentError::Link(String::new())), &mut |_| ()).is_err());
    assert_ne!(key(&stage), before);
    machine.enrol(&code).unwrap();
}

#[test]
fn a_request_that_its_keys_did_not_sign_is_refused() {
    let machine = Machine::new();
    let (_, code) = machine.approved();
    let settings = machine.house.running.link_settings();
    let enrolment = machine.enrolment(&settings);
    let stranger = SoftwareVault::in_memory();
    stranger.generate().unwrap();
    let mut tampering = |signed: &SignedRequest| {
        let mut forged = signed.clone();
        forged.signature = hex::encode(&stranger.sign(signed.request.as_bytes()).unwrap());
        https::enrol(&settings, &machine.directory, &forged)
    };
    assert_eq!(refused(enrolment.carry_out(&code, &mut tampering, &mut |_| ())), Refusal::BadRequest);
    machine.enrol(&code).unwrap();
}

#[test]
fn enrolling_anew_makes_new_keys_and_the_old_ones_are_worth_nothing() {
    let machine = Machine::new();
    let (id, code) = machine.approved();
    machine.enrol(&code).unwrap();
    let old = machine.house.directory.path().join("old");
    copy_folder(&machine.directory, &old);
    let code = machine.register(|register| register.new_code(id, "test", Timestamp::now()));
    let record = machine.enrol(&code).unwrap();
    assert_eq!(record.version, 2);
    assert_eq!(echo(&machine.link()), "00");
    assert_eq!(echo(&machine.house.link_of(&old)), "97");
    let events: Vec<_> = Journal::load(&machine.directory).unwrap().entries().iter().map(|entry| entry.event).collect();
    assert_eq!(events, [Event::Enrolled, Event::KeysReplaced, Event::Enrolled]);
    // The old record beside the new keys.
    std::fs::copy(old.join("binding.json"), machine.directory.join("binding.json")).unwrap();
    assert!(matches!(Identity::load(&machine.directory), Err(IdentityError::Older { found: 1, newest: 2, .. })));
}

/// Only the journal knows which records came after the one that is there.
#[test]
fn a_terminal_whose_journal_is_gone_does_not_start() {
    let house = House::new();
    std::fs::remove_file(house.kit().join("journal.jsonl")).unwrap();
    let error = Identity::load(&house.kit()).unwrap_err();
    assert!(matches!(error, IdentityError::NoJournal(_)), "{error}");
    assert!(error.to_string().contains("Take no payment"), "{error}");
}

/// Each value in turn is changed where the terminal keeps it: it does not start with it.
#[test]
fn a_terminal_refuses_a_record_in_which_any_value_was_changed() {
    let house = House::new();
    let path = house.kit().join("binding.json");
    let right = std::fs::read_to_string(&path).unwrap();
    Identity::load(&house.kit()).unwrap();
    for (from, to) in [
        ("00000402TEST0001", "00000402TEST0002"),
        ("acquirer_code = 99990000", "acquirer_code = 99990001"),
        ("999TEST00000001", "999TEST00000002"),
        ("terminal_number = 10000001", "terminal_number = 10000002"),
        ("91000000TE5T00001W", "91000000TE5T000020"),
        ("6222 **** **** 0001", "6222 **** **** 0002"),
        ("示例路1号", "示例路2号"),
        ("radius_m = 500", "radius_m = 501"),
        ("world = test", "world = live"),
        ("version = 1", "version = 2"),
        ("老王", "小李"),
    ] {
        let changed = right.replacen(from, to, 1);
        assert_ne!(changed, right, "{from}");
        std::fs::write(&path, changed).unwrap();
        let error = Identity::load(&house.kit()).unwrap_err();
        assert!(error.to_string().contains("did not sign"), "{to}: {error}");
    }
}

#[test]
fn only_the_acquirers_own_key_for_records_signs_them() {
    let house = House::new();
    let path = house.kit().join("binding.json");
    let right: SignedBinding = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let record = right.record.replacen("radius_m = 500", "radius_m = 5000", 1);
    let authority = house.host.credential("ca").unwrap();
    let stranger = pki::authority().unwrap();
    for (signer, problem) in [
        (authority.issue("x", pki::Purpose::Client).unwrap(), "not believed"),
        (authority.issue("x", pki::Purpose::Server).unwrap(), "not believed"),
        (stranger.issue("x", pki::Purpose::BindingSigner).unwrap(), "not believed"),
    ] {
        let mut signature = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &signer.key).unwrap();
        signature.update(record.as_bytes()).unwrap();
        let forged = SignedBinding {
            record: record.clone(),
            signature: hex::encode(&signature.sign_to_vec().unwrap()),
            certificate: String::from_utf8(signer.certificate.to_pem().unwrap()).unwrap(),
        };
        std::fs::write(&path, serde_json::to_string(&forged).unwrap()).unwrap();
        let error = Identity::load(&house.kit()).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

/// Each value in turn is another one at the host: it refuses the terminal, and the terminal does not believe a host that has
/// them and does not look.
#[test]
fn values_that_the_host_has_otherwise_are_refused_on_both_sides() {
    let house = House::new();
    let database = house.directory.path().join("host/host.sqlite3");
    let set = |sql: &str| {
        rusqlite::Connection::open(&database).unwrap().execute_batch(sql).unwrap();
    };
    for (stan, (change, back, named)) in [
        (
            "UPDATE terminals SET acquirer = '99990001'; UPDATE applications SET acquirer = '99990001'",
            "UPDATE terminals SET acquirer = '99990000'; UPDATE applications SET acquirer = '99990000'",
            "acquirer code",
        ),
        (
            "UPDATE applications SET serial_number = '00000402TEST0009'",
            "UPDATE applications SET serial_number = '00000402TEST0001'",
            "binding record",
        ),
        (
            "UPDATE applications SET merchant = '999TEST00000009'",
            "UPDATE applications SET merchant = '999TEST00000001'",
            "binding record",
        ),
        (
            "UPDATE applications SET credit_code = '91000000TE5T000020'",
            "UPDATE applications SET credit_code = '91000000TE5T00001W'",
            "unified social credit code",
        ),
        (
            "UPDATE applications SET account = '6222 **** **** 0009'",
            "UPDATE applications SET account = '6222 **** **** 0001'",
            "settlement account",
        ),
        (
            "UPDATE applications SET latitude_e6 = 1",
            "UPDATE applications SET latitude_e6 = 39903200",
            "deployment address",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let (stan, link) = (2 * stan as u32 + 1, house.link());
        let before = house.balance();
        set(change);
        assert_eq!(code(link.sale(&sale(stan, 100))), "97", "{named}");
        assert!(link.take_word_on_binding().unwrap().unwrap_err().contains(named), "{named}");
        assert_eq!(echo(&link), "97", "{named}");
        house.running.set_blind_to_bindings(true);
        let failure = link.sale(&sale(stan + 1, 100)).unwrap_err();
        assert!(matches!(failure, LinkFailure::WrongAnswer(_)) && failure.to_string().contains(named), "{failure}");
        assert!(house.link().check().unwrap_err().to_string().contains(named), "{named}");
        house.running.set_blind_to_bindings(false);
        set(back);
        // What the blind host booked is taken back.
        assert_eq!(code(link.reverse(&reversal(stan + 1, 100))), "00", "{named}");
        assert_eq!(house.balance(), before, "{named}");
        assert_eq!(echo(&house.link()), "00");
    }
}

/// The merchant code and terminal number of fields 41 and 42, and a machine that is not in the register.
#[test]
fn a_terminal_with_another_record_is_refused_and_so_is_one_that_names_none() {
    let house = House::new();
    let settings = house.running.link_settings();
    let right = Identity::load(&house.kit()).unwrap();
    let record = identity::unverified(&house.kit()).unwrap();
    type Change = fn(&mut BindingRecord);
    let changes: [Change; 8] = [
        |record| record.serial_number = "00000402TEST0002".to_owned(),
        |record| record.acquirer_code = "99990001".to_owned(),
        |record| record.merchant_code = "999TEST00000002".to_owned(),
        |record| record.terminal_number = "10000002".to_owned(),
        |record| record.credit_code = "91000000TE5T000020".to_owned(),
        |record| record.settlement_account = "6222 **** **** 0002".to_owned(),
        |record| record.address = "上海".to_owned(),
        |record| record.place.longitude_e6 = 0,
    ];
    for (stan, change) in changes.into_iter().enumerate() {
        let mut other = record.clone();
        change(&mut other);
        let identity = Identity::of(&other, right.machine.clone()).unwrap();
        let link = open_as(&settings, &house.kit(), identity);
        assert_eq!(code(link.sale(&sale(stan as u32 + 1, 100))), "97");
    }
    assert!(house.running.ledger().unwrap().is_empty());
    assert_eq!(house.balance(), BALANCE);
}

#[test]
fn a_copy_on_another_machine_is_refused_by_itself_and_by_the_host() {
    let house = House::new();
    let kit = house.copied_kit();
    let source = house.directory.path().join("machine-id");
    std::fs::write(&source, "the first machine").unwrap();
    let fingerprint = Fingerprint::take(std::slice::from_ref(&source)).unwrap();
    fingerprint.note("00000402TEST0001").unwrap().save(&kit).unwrap();
    let database = house.directory.path().join("host/host.sqlite3");
    let key = hex::decode(&fingerprint.proof("00000402TEST0001").unwrap().expose_key()).unwrap();
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.execute("UPDATE applications SET machine = ?1", [&key]).unwrap();
    let identity = Identity::load(&kit).unwrap();
    identity.check_machine(&kit, None).unwrap();
    assert_eq!(code(house.link_of(&kit).sale(&sale(1, 100))), "00");

    std::fs::write(&source, "the second machine").unwrap();
    let identity = Identity::load(&kit).unwrap();
    let said = identity.check_machine(&kit, None).unwrap_err().to_string();
    assert!(said.contains("another machine") && said.contains("Call the acquirer"), "{said}");
    let said = identity.check_machine(&kit, Some("00000402TEST0002")).unwrap_err();
    assert!(matches!(said, IdentityError::OtherSerialNumber { .. }));
    // A program that does not look.
    assert_eq!(code(house.link_of(&kit).sale(&sale(2, 100))), "97");
    assert_eq!(echo(&house.link_of(&kit)), "97");
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
