use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::reference::{Batch, MerchantCode, Stan, TerminalNumber, TraceNumber};
use crate::till::answer::Facts;
use crate::till::request::PaymentRequest;
use crate::till::rules::{Outcome, Standing};
use crate::till::{IdempotencyKey, TillName};

fn now() -> Timestamp {
    "2026-11-29T08:00:00Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    now().saturating_add(SignedDuration::from_secs(seconds)).unwrap()
}

fn name() -> TillName {
    "收银台 1".parse().unwrap()
}

fn key(text: &str) -> IdempotencyKey {
    text.parse().unwrap()
}

fn sale(minor: u64) -> PaymentRequest {
    let text = format!(r#"{{"kind":"sale","amount":{{"minor":{minor},"currency":"CNY"}}}}"#);
    PaymentRequest::parse(text.as_bytes()).unwrap()
}

fn number(stan: u32) -> BoundNumber {
    BoundNumber {
        merchant_code: MerchantCode::parse("898440100000001").unwrap(),
        terminal_number: TerminalNumber::parse("10000001").unwrap(),
        trace: TraceNumber { batch: Batch::FIRST, stan: Stan::new(stan).unwrap() },
    }
}

/// A file with one till.
fn paired(folder: &Path) -> (TillKeys, TillId) {
    let mut keys = TillKeys::open(folder).unwrap();
    let code = keys.begin_pairing(&name(), now()).unwrap();
    let paired = keys.pair(code.expose(), now()).unwrap().unwrap();
    let till = keys.till_of(paired.key.expose()).unwrap().unwrap();
    (keys, till)
}

fn begun(keys: &mut TillKeys, till: TillId, text: &str) -> PaymentNumber {
    match keys.take_up(till, &key(text), &sale(100), now()).unwrap() {
        TakenUp::Begin(row) => row.number,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_code_is_exchanged_once_and_only_hashes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut keys = TillKeys::open(folder.path()).unwrap();
    let code = keys.begin_pairing(&name(), now()).unwrap();
    assert_eq!(code.expose().len(), 9);
    let typed = code.expose().to_ascii_lowercase().replace('-', " ");
    let paired = keys.pair(&typed, later(299)).unwrap().unwrap();
    assert_eq!((paired.name.as_str(), paired.key.expose().len()), ("收银台 1", KEY_LENGTH));
    assert!(keys.pair(code.expose(), later(299)).unwrap().is_none(), "used");
    assert!(keys.till_of(paired.key.expose()).unwrap().is_some());
    assert!(keys.till_of("yima_till_00").unwrap().is_none());
    assert!(!format!("{:?}{:?}", code, paired).contains(&paired.key.expose()[10..]));
    drop(keys);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in [paired.key.expose(), code.expose()] {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()));
        }
    }
}

const KEY_LENGTH: usize = 10 + 64;

#[test]
fn a_code_is_over_in_time_and_after_some_wrong_ones() {
    let folder = tempfile::tempdir().unwrap();
    let mut keys = TillKeys::open(folder.path()).unwrap();
    assert!(keys.pair("2345-6789", now()).unwrap().is_none(), "nobody is being paired");
    let code = keys.begin_pairing(&name(), now()).unwrap();
    assert!(keys.pair(code.expose(), later(300)).unwrap().is_none());
    assert!(keys.pair(code.expose(), later(1)).unwrap().is_none(), "what was over stays over");
    let code = keys.begin_pairing(&name(), now()).unwrap();
    for _ in 1..MOST_WRONG_CODES {
        assert!(keys.pair("wrong", now()).unwrap().is_none());
    }
    assert!(keys.pair(code.expose(), now()).unwrap().is_some(), "one try less than too many");
    let code = keys.begin_pairing(&name(), now()).unwrap();
    for _ in 0..MOST_WRONG_CODES {
        assert!(keys.pair("wrong", now()).unwrap().is_none());
    }
    assert!(keys.pair(code.expose(), now()).unwrap().is_none());
}

#[test]
fn a_revoked_till_is_nobody_and_comes_back_with_its_payments() {
    let folder = tempfile::tempdir().unwrap();
    let (mut keys, till) = paired(folder.path());
    begun(&mut keys, till, "a");
    assert!(keys.revoke(&name(), later(1)).unwrap());
    assert!(!keys.revoke(&name(), later(2)).unwrap());
    assert_eq!(keys.tills().unwrap()[0].revoked_at, Some(later(1)));
    let code = keys.begin_pairing(&name(), later(3)).unwrap();
    let again = keys.pair(code.expose(), later(3)).unwrap().unwrap();
    assert_eq!(keys.till_of(again.key.expose()).unwrap(), Some(till));
    assert_eq!(keys.tills().unwrap()[0].revoked_at, None);
    assert!(matches!(keys.take_up(till, &key("a"), &sale(100), later(4)).unwrap(), TakenUp::Tell(_)));
    // A pairing that is open when its till is revoked is over.
    let code = keys.begin_pairing(&name(), later(5)).unwrap();
    keys.revoke(&name(), later(5)).unwrap();
    assert!(keys.pair(code.expose(), later(6)).unwrap().is_none());
}

#[test]
fn a_key_begins_once_also_for_twenty_that_come_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, till) = paired(folder.path());
    drop(keys);
    let begun: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    let mut keys = TillKeys::open(folder.path()).unwrap();
                    let taken = keys.take_up(till, &key("order-1"), &sale(100), now()).unwrap();
                    usize::from(matches!(taken, TakenUp::Begin(_)))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(begun, 1);
}

#[test]
fn the_same_key_of_another_till_is_another_key() {
    let folder = tempfile::tempdir().unwrap();
    let (mut keys, till) = paired(folder.path());
    let code = keys.begin_pairing(&"2".parse().unwrap(), now()).unwrap();
    let second = keys.pair(code.expose(), now()).unwrap().unwrap();
    let second = keys.till_of(second.key.expose()).unwrap().unwrap();
    assert_ne!(begun(&mut keys, till, "1"), begun(&mut keys, second, "1"));
}

/// Every pair of standings, as the rules have it and as the file holds it.
#[test]
fn the_file_lets_a_key_go_where_the_rules_let_it_go() {
    let facts = Facts::default();
    for from in Standing::ALL {
        for to in Standing::ALL {
            let folder = tempfile::tempdir().unwrap();
            let (mut keys, till) = paired(folder.path());
            let payment = begun(&mut keys, till, "a");
            match from {
                Standing::Open => {}
                Standing::Refused => drop(keys.refuse(payment, &facts, "{}").unwrap()),
                Standing::Ended => drop(keys.end(payment, Outcome::Declined, &facts, "{}").unwrap()),
            }
            let outcome = (to == Standing::Ended).then_some("approved");
            let sql = "UPDATE payments SET standing = ?1, outcome = ?2";
            let changed = keys.connection.execute(sql, rusqlite::params![to.word(), outcome]);
            assert_eq!(changed.is_ok(), from.may_become(to), "{from:?} to {to:?}: {changed:?}");
        }
    }
}

#[test]
fn what_was_given_a_number_was_not_refused_and_what_is_over_is_given_none() {
    let folder = tempfile::tempdir().unwrap();
    let (mut keys, till) = paired(folder.path());
    let payment = begun(&mut keys, till, "a");
    keys.bind(payment, &number(1)).unwrap();
    keys.bind(payment, &number(2)).unwrap();
    assert_eq!(keys.numbers_of(payment).unwrap(), [number(1), number(2)]);
    assert!(keys.refuse(payment, &Facts::default(), "{}").is_err());
    let facts = Facts { stan: Some("000002".to_owned()), ..Facts::default() };
    keys.end(payment, Outcome::Approved, &facts, "{}").unwrap();
    assert!(keys.bind(payment, &number(3)).is_err());
    assert!(matches!(keys.end(payment, Outcome::Declined, &facts, "{}"), Err(TillKeysError::NotOpen(_))));
    let row = keys.payment(till, &key("a")).unwrap().unwrap();
    assert_eq!((row.standing, row.outcome, row.facts), (Standing::Ended, Some(Outcome::Approved), facts));
    assert!(keys.connection.execute("UPDATE payments SET request = 'x'", []).is_err());
}

#[test]
fn events_come_in_order_to_their_till_alone_and_old_ones_make_room() {
    let folder = tempfile::tempdir().unwrap();
    let (mut keys, till) = paired(folder.path());
    let payment = begun(&mut keys, till, "a");
    let first = keys.tell(payment, &Facts::default(), "running", "one").unwrap();
    let second = keys.end(payment, Outcome::Approved, &Facts::default(), "two").unwrap();
    let data = |after| -> Vec<String> {
        keys.events_after(till, after).unwrap().into_iter().map(|event| event.data).collect()
    };
    assert_eq!(data(0), ["one", "two"]);
    assert_eq!(data(first), ["two"]);
    assert!(data(second).is_empty());
    assert!(keys.events_after(TillId(till.0 + 1), 0).unwrap().is_empty());
    assert_eq!(keys.event_range().unwrap(), (second, 0));
    let changes = keys.connection.begin(TransactionBehavior::Immediate).unwrap();
    for _ in 0..MOST_EVENTS {
        TillKeys::insert_event(&changes, payment, "more").unwrap();
    }
    changes.commit().unwrap();
    assert_eq!(keys.event_range().unwrap(), (second + MOST_EVENTS, second));
}

#[test]
fn keys_are_kept_as_long_as_payments_are() {
    let folder = tempfile::tempdir().unwrap();
    let (mut keys, till) = paired(folder.path());
    let ended = begun(&mut keys, till, "ended");
    keys.bind(ended, &number(1)).unwrap();
    keys.end(ended, Outcome::Approved, &Facts::default(), "{}").unwrap();
    begun(&mut keys, till, "open");
    let day = 24 * 3600;
    assert_eq!(keys.forget_old(later(KEPT_DAYS * day)).unwrap(), 0);
    assert_eq!(keys.forget_old(later(KEPT_DAYS * day + 1)).unwrap(), 1);
    assert!(keys.payment(till, &key("ended")).unwrap().is_none());
    assert!(keys.payment(till, &key("open")).unwrap().is_some(), "what nobody knows is not forgotten");
}

#[test]
fn a_file_of_a_newer_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, _) = paired(folder.path());
    keys.connection.pragma_update(None, "user_version", 99).unwrap();
    drop(keys);
    assert!(matches!(TillKeys::open(folder.path()), Err(TillKeysError::Newer { found: 99, .. })));
}

/// What happens to keys, one after another.
#[derive(Clone, Debug)]
enum Happens {
    Asked { key: u8, amount: u8 },
    Bound { key: u8 },
    Refused { key: u8 },
    Ended { key: u8 },
    PowerCut,
}

fn happens() -> impl Strategy<Value = Happens> {
    let key = 0..3_u8;
    prop_oneof![
        4 => (key.clone(), 1..3_u8).prop_map(|(key, amount)| Happens::Asked { key, amount }),
        1 => key.clone().prop_map(|key| Happens::Bound { key }),
        1 => key.clone().prop_map(|key| Happens::Refused { key }),
        1 => key.prop_map(|key| Happens::Ended { key }),
        1 => Just(Happens::PowerCut),
    ]
}

/// A key in the model.
#[derive(Clone, Copy, Default)]
struct Model {
    amount: u8,
    standing: Option<Standing>,
    bound: bool,
    /// Beginnings that were not refused.
    begun: u32,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever is asked, bound, refused, ended and cut off in whatever order: no key begins while it stands for a beginning, and
    /// none comes to stand for another amount.
    #[test]
    fn a_key_never_begins_twice(happens in proptest::collection::vec(happens(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let (mut keys, till) = paired(folder.path());
        let mut models = [Model::default(); 3];
        for what in happens {
            match what {
                Happens::Asked { key: index, amount } => {
                    let model = &mut models[usize::from(index)];
                    let taken = keys.take_up(till, &key(&index.to_string()), &sale(amount.into()), now()).unwrap();
                    let same = model.standing.is_none() || model.amount == amount;
                    match (model.standing, same) {
                        (None | Some(Standing::Refused), true) => {
                            prop_assert!(matches!(taken, TakenUp::Begin(_)));
                            model.begun += 1;
                            model.standing = Some(Standing::Open);
                            model.amount = amount;
                        }
                        (_, true) => {
                            let TakenUp::Tell(row) = taken else { panic!("{taken:?}") };
                            prop_assert_eq!(Some(row.standing), model.standing);
                        }
                        (_, false) => prop_assert_eq!(taken, TakenUp::UsedOtherwise),
                    }
                }
                Happens::Bound { key: index } => {
                    let model = &mut models[usize::from(index)];
                    if let Some(row) = keys.payment(till, &key(&index.to_string())).unwrap() {
                        let open = model.standing == Some(Standing::Open);
                        prop_assert_eq!(keys.bind(row.number, &number(1)).is_ok(), open);
                        model.bound |= open;
                    }
                }
                Happens::Refused { key: index } => {
                    let model = &mut models[usize::from(index)];
                    if let Some(row) = keys.payment(till, &key(&index.to_string())).unwrap() {
                        let may = model.standing == Some(Standing::Open) && !model.bound;
                        prop_assert_eq!(keys.refuse(row.number, &Facts::default(), "{}").is_ok(), may);
                        if may {
                            model.standing = Some(Standing::Refused);
                            model.begun -= 1;
                        }
                    }
                }
                Happens::Ended { key: index } => {
                    let model = &mut models[usize::from(index)];
                    if let Some(row) = keys.payment(till, &key(&index.to_string())).unwrap() {
                        let may = model.standing == Some(Standing::Open);
                        let ended = keys.end(row.number, Outcome::Approved, &Facts::default(), "{}");
                        prop_assert_eq!(ended.is_ok(), may);
                        if may {
                            model.standing = Some(Standing::Ended);
                        }
                    }
                }
                Happens::PowerCut => keys = TillKeys::open(folder.path()).unwrap(),
            }
            prop_assert!(models.iter().all(|model| model.begun <= 1));
        }
    }
}

#[test]
fn a_pairing_that_is_open_says_how_long_and_after_how_many_wrong_codes_until_it_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut keys = TillKeys::open(folder.path()).unwrap();
    assert_eq!(keys.open_pairing(now()).unwrap(), None);
    let code = keys.begin_pairing(&name(), now()).unwrap();
    let open = |keys: &TillKeys, seconds| keys.open_pairing(later(seconds)).unwrap();
    let at_first = OpenPairing { name: name(), left: CODE_VALID, wrong: 0 };
    assert_eq!(open(&keys, 0), Some(at_first.clone()));
    assert_eq!(keys.pair("WRONG-CODE", now()).unwrap().map(|paired| paired.name), None);
    let left = Duration::from_secs(CODE_VALID.as_secs() - 10);
    assert_eq!(open(&keys, 10), Some(OpenPairing { left, wrong: 1, ..at_first }));
    assert_eq!(open(&keys, CODE_VALID.as_secs() as i64), None, "its time is over");
    keys.end_pairing().unwrap();
    assert_eq!(open(&keys, 0), None);
    assert!(keys.pair(code.expose(), now()).unwrap().is_none(), "whoever has read it comes too late");
    let code = keys.begin_pairing(&name(), now()).unwrap();
    assert!(keys.pair(code.expose(), now()).unwrap().is_some());
    assert_eq!(open(&keys, 0), None, "it was exchanged");
}
