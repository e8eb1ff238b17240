//! The terminal is killed at every step, started again and asked by the same key: a process of its own with a card in a virtual reader.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use yima::sandbox::host::store::EntryState;

use super::client::{LIMIT, Place, Till, sale};
use super::support::counter::Counter;
use super::support::running::Running;
use super::support::wait_until;

/// A counter whose terminal listens to a till.
struct Shop {
    counter: Counter,
    till: Till,
    terminal: Option<Running>,
}

impl Shop {
    fn open() -> Self {
        let counter = Counter::open_for_business();
        let socket = counter.shop.folder().join("till.sock");
        counter.set(&format!("[till]\nlisten = \"unix:{}\"\n", socket.display()));
        let till = Till::stranger(Place::Socket(socket));
        let mut shop = Self { counter, till, terminal: None };
        // The key of the card's authority has to be there when the terminal starts.
        shop.counter.bring_card(&[]);
        shop.counter.card = None;
        shop.start();
        let output = shop.counter.yima(&["till", "pair", "1", "--json"]).output().unwrap();
        let code: Value = serde_json::from_slice(&output.stdout).unwrap();
        shop.till = Till::pair(shop.till.place, code["code"].as_str().unwrap());
        shop
    }

    fn socket(&self) -> PathBuf {
        match &self.till.place {
            Place::Socket(path) => path.clone(),
            Place::Address(_) => unreachable!("a socket"),
        }
    }

    fn start(&mut self) {
        let mut command = self.counter.yima(&["till", "serve"]);
        self.counter.shop.log_to(&mut command, "till.log");
        self.terminal = Some(Running::start("yima till serve", &mut command));
        let socket = self.socket();
        wait_until("the terminal listens to tills", Duration::from_secs(30), || {
            std::os::unix::net::UnixStream::connect(&socket).is_ok()
        });
    }

    /// As when the power goes.
    fn kill(&mut self) {
        self.terminal = None;
    }

    fn restart(&mut self) {
        self.kill();
        self.start();
    }

    /// So many requests of this amount the host has seen, and so many it has charged and not taken back.
    fn at_host(&self, minor: u64) -> (usize, usize) {
        let mut entries = self.counter.host_books().ledger().unwrap();
        entries.retain(|entry| entry.amount.minor() == minor);
        let charged = entries.iter().filter(|entry| entry.state == EntryState::Approved).count();
        (entries.len(), charged)
    }

    fn ledger_says(&self, state: &str, minor: u64) -> bool {
        let path = self.counter.state().join("ledger.sqlite");
        let Ok(connection) = rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
        else {
            return false;
        };
        let sql = "SELECT count(*) FROM transactions WHERE state = ?1 AND amount = ?2";
        connection.query_row(sql, (state, minor as i64), |row| row.get::<_, i64>(0)).is_ok_and(|count| count > 0)
    }

    /// The same again, whatever it comes to, must begin nothing.
    #[track_caller]
    fn asked_again(&self, key: &str, minor: u64, expected: &Value) {
        let before = self.at_host(minor);
        let again = self.till.begin(key, &sale(minor));
        assert_eq!((again.status, &again.body), (200, expected));
        assert_eq!(self.at_host(minor), before);
    }
}

#[test]
fn killed_once_the_key_is_written_nothing_is_charged_and_the_key_says_so() {
    let mut shop = Shop::open();
    assert_eq!(shop.till.begin("order-1", &sale(300)).status, 201);
    shop.restart();
    let payment = shop.till.payment("order-1");
    assert_eq!((&payment["state"], &payment["final"]), (&json!("not_charged"), &json!(true)), "{payment:#}");
    shop.asked_again("order-1", 300, &payment);
    // The same once the card was asked for.
    assert_eq!(shop.till.begin("order-2", &sale(301)).status, 201);
    shop.till.until("order-2", "at the card", |payment| payment["progress"] == "present_card");
    shop.restart();
    let payment = shop.till.payment("order-2");
    assert_eq!(payment["state"], "not_charged", "{payment:#}");
    assert!(payment["stan"].is_string(), "it had been given a number");
    shop.asked_again("order-2", 301, &payment);
    assert_eq!((shop.at_host(300), shop.at_host(301)), ((0, 0), (0, 0)));
}

#[test]
fn killed_while_the_host_is_asked_the_payment_is_taken_back_and_the_key_says_so() {
    let mut shop = Shop::open();
    // Booked, and answered eight seconds later.
    shop.till.begin("order-1", &sale(6705));
    shop.counter.bring_card(&[]);
    wait_until("the host has booked it", LIMIT, || shop.at_host(6705) == (1, 1));
    shop.kill();
    shop.start();
    let first = shop.till.payment("order-1");
    assert!(matches!(first["state"].as_str(), Some("unknown" | "reversed")), "{first:#}");
    let payment = shop.till.until_final("order-1");
    assert_eq!((&payment["state"], &payment["money"]), (&json!("reversed"), &json!("not_moved")), "{payment:#}");
    assert_eq!(shop.at_host(6705), (1, 0));
    shop.asked_again("order-1", 6705, &payment);
}

#[test]
fn killed_when_it_is_approved_and_nobody_was_told_the_key_tells_it() {
    let mut shop = Shop::open();
    shop.till.begin("order-1", &sale(1234));
    shop.counter.bring_card(&[]);
    let began = Instant::now();
    while !shop.ledger_says("approved", 1234) {
        assert!(began.elapsed() < LIMIT, "never approved");
    }
    shop.kill();
    shop.start();
    let payment = shop.till.payment("order-1");
    assert_eq!((&payment["state"], &payment["money"]), (&json!("approved"), &json!("moved")), "{payment:#}");
    assert_eq!(shop.at_host(1234), (1, 1));
    shop.asked_again("order-1", 1234, &payment);
    // And its till can be given back by the same key.
    let void = json!({ "kind": "void", "original": { "key": "order-1" }, "card_present": false });
    assert_eq!(shop.till.begin("order-1-void", &void).status, 201);
    assert_eq!(shop.till.until_final("order-1-void")["state"], "approved");
}

/// What happens at the counter.
#[derive(Clone, Debug)]
enum Happens {
    /// A till asks under this key, whatever became of it before; and perhaps for another amount.
    Asked {
        key: usize,
        otherwise: bool,
    },
    Cancelled {
        key: usize,
    },
    Pause {
        ms: u64,
    },
    Killed,
}

/// Amounts of the keys: ordinary ones, one that is declined, one that is booked and not answered.
const AMOUNTS: [u64; 4] = [1001, 1002, 6651, 6702];

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        5 => (0..AMOUNTS.len(), proptest::bool::weighted(0.15))
            .prop_map(|(key, otherwise)| Happens::Asked { key, otherwise }),
        1 => (0..AMOUNTS.len()).prop_map(|key| Happens::Cancelled { key }),
        3 => (50..1500_u64).prop_map(|ms| Happens::Pause { ms }),
        2 => Just(Happens::Killed),
    ]
}

/// Whatever is asked and whenever the power goes: of each key the host charges once at most, and exactly when its till is told so.
#[test]
fn whatever_happens_no_key_is_charged_twice() {
    let mut runner = TestRunner::new(Config { cases: 1, ..Config::default() });
    let plans: Vec<Vec<Happens>> = (0..3)
        .map(|_| {
            let tree = proptest::collection::vec(happens(), 14).new_tree(&mut runner).unwrap();
            proptest::strategy::ValueTree::current(&tree)
        })
        .collect();
    let mut shop = Shop::open();
    shop.counter.give_up_after(3);
    let socket = shop.socket();
    let text = std::fs::read_to_string(shop.counter.settings()).unwrap();
    std::fs::write(shop.counter.settings(), format!("{text}[till]\nlisten = \"unix:{}\"\n", socket.display())).unwrap();
    shop.restart();
    // A customer with a card comes again and again.
    shop.counter.bring_card(&["--insert-again-after", "1.0"]);
    for (run, plan) in plans.iter().enumerate() {
        let key = |index: usize| format!("run-{run}-{index}");
        let amount = |index: usize| AMOUNTS[index] + if AMOUNTS[index] < 6000 { run as u64 * 10 } else { 0 };
        let mut wanted = [false; AMOUNTS.len()];
        for what in plan {
            match what {
                Happens::Asked { key: index, otherwise } => {
                    let answer = shop.till.begin(&key(*index), &sale(if *otherwise { 4321 } else { amount(*index) }));
                    match (answer.status, *otherwise && wanted[*index]) {
                        (422, true) | (200 | 201 | 409 | 503, false) => {}
                        other => panic!("{plan:#?}\n{what:?}: {other:?} {:#}", answer.body),
                    }
                    if *otherwise && !wanted[*index] {
                        // It stands for that from now on: nobody asks for the other any more.
                        break;
                    }
                    wanted[*index] = true;
                }
                Happens::Cancelled { key: index } => drop(shop.till.cancel(&key(*index))),
                Happens::Pause { ms } => std::thread::sleep(Duration::from_millis(*ms)),
                Happens::Killed => shop.restart(),
            }
        }
        shop.restart();
        for index in (0..AMOUNTS.len()).filter(|index| wanted[*index]) {
            let began = Instant::now();
            let payment = loop {
                let payment = shop.till.payment(&key(index));
                if payment["final"] == true || payment["state"] == "refused" {
                    break payment;
                }
                assert!(began.elapsed() < 2 * LIMIT, "{plan:#?}\nnever ended: {payment:#}");
                std::thread::sleep(Duration::from_millis(50));
            };
            // What amounts of the host's own meaning charged in an earlier run is counted with it, and there it was nothing.
            let (_, charged) = shop.at_host(amount(index));
            assert_eq!(charged, usize::from(payment["state"] == "approved"), "{plan:#?}\n{payment:#}");
        }
    }
}
