use jiff::civil::date;
use zeroize::Zeroizing;

use super::*;
use crate::ledger::tests::open;
use crate::people::{Code, CodeKey, NotAllowed};

fn number(number: u32) -> PersonNumber {
    PersonNumber::new(number).unwrap()
}

fn entry(deed: Deed, person: u32) -> AuditEntry {
    AuditEntry::new(date(2026, 11, 29).at(8, 0, 0, 0), Place::Screen, deed, Some(number(person)))
}

fn at(boot: &str, seconds: u64) -> Moment {
    Moment { boot: boot.to_owned(), since_boot: Duration::from_secs(seconds) }
}

fn with_people(directory: &std::path::Path) -> Ledger {
    let mut ledger = open(directory);
    for person in [99, 1] {
        ledger.add_person(number(person), "小王", &entry(Deed::Added, person)).unwrap();
    }
    ledger
}

#[test]
fn people_are_kept_with_their_codes_and_never_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    assert!(!ledger.people().unwrap().is_used());
    let first = ledger.add_person(number(1), "", &entry(Deed::Added, 1)).unwrap_err();
    assert!(matches!(first, LedgerError::People(NotAllowed::ManagerFirst)), "{first}");
    drop(ledger);
    let mut ledger = with_people(directory.path());
    let key = CodeKey::new(Zeroizing::new(vec![7; 32]));
    let code = Code::new(Zeroizing::new(b"274961".to_vec())).unwrap();
    ledger.give_code(number(99), &key.keep(&code, &[1; 16]).unwrap(), &entry(Deed::CodeGiven, 99)).unwrap();
    let nobody =
        ledger.give_code(number(2), &key.keep(&code, &[1; 16]).unwrap(), &entry(Deed::CodeGiven, 2)).unwrap_err();
    assert!(matches!(nobody, LedgerError::People(NotAllowed::Nobody(_))), "{nobody}");
    drop(ledger);
    let mut ledger = open(directory.path());
    let people = ledger.people().unwrap();
    let manager = people.of(number(99)).unwrap();
    assert_eq!(key.is_code(manager.code_for(&key).unwrap(), &code), Ok(true));
    assert_eq!(manager.name, "小王");
    let last = ledger.enable_person(number(99), false, &entry(Deed::Disabled, 99)).unwrap_err();
    assert!(matches!(last, LedgerError::People(NotAllowed::LastManager(_))), "{last}");
    for statement in [
        "DELETE FROM people",
        "UPDATE people SET number = 3 WHERE number = 1",
        "INSERT OR REPLACE INTO people (number, name, enabled, added_at) VALUES (1, '', 1, '')",
        "UPDATE people SET code = '274961'",
    ] {
        assert!(ledger.connection.execute(statement, []).is_err(), "{statement}");
    }
    assert_eq!(ledger.people().unwrap(), people);
}

#[test]
fn a_try_counts_before_it_is_looked_at_and_a_power_cut_makes_it_a_wrong_one() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = with_people(directory.path());
    assert_eq!(ledger.count_try(number(1), &at("a", 100)).unwrap(), 1);
    drop(ledger);
    let mut ledger = open(directory.path());
    for expected in 2..=4 {
        assert_eq!(ledger.count_try(number(1), &at("a", 100)).unwrap(), expected);
    }
    let tries = |ledger: &Ledger| ledger.people().unwrap().of(number(1)).unwrap().tries.clone();
    assert_eq!(tries(&ledger).left(&at("a", 110)), Duration::from_secs(50));
    assert_eq!(tries(&ledger).left(&at("b", 0)), Duration::from_secs(60), "a restart gains nothing");
    ledger.code_was_not_looked_at(number(1)).unwrap();
    assert_eq!(tries(&ledger).wrong, 3);
    ledger.code_was_right(number(1)).unwrap();
    assert_eq!(tries(&open(directory.path())), Tries::default());
}

#[test]
fn who_is_signed_on_is_known_after_a_restart_and_who_is_disabled_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = with_people(directory.path());
    assert_eq!(ledger.on_duty().unwrap(), None);
    let signed_on = entry(Deed::SignedOn, 1);
    ledger.set_on_duty(Some(number(1)), &signed_on).unwrap();
    assert_eq!(open(directory.path()).on_duty().unwrap(), Some((number(1), signed_on.at)));
    ledger.enable_person(number(1), false, &entry(Deed::Disabled, 1).by(Some(number(99)))).unwrap();
    assert_eq!(ledger.on_duty().unwrap(), None);
}

#[test]
fn what_was_written_down_is_found_and_only_ever_added_to() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = with_people(directory.path());
    let given = entry(Deed::RightGiven, 1).by(Some(number(99))).about(Right::Refund).saying("000001-000007");
    ledger.audit(&given).unwrap();
    ledger.audit(&AuditEntry { person: Some(number(55)), ..entry(Deed::TurnedAway, 1) }).unwrap();
    let all = |search: &AuditSearch| ledger.audit_entries(search, 99).unwrap();
    assert_eq!(all(&AuditSearch::default()).len(), 4);
    let of_manager = all(&AuditSearch { person: Some(number(99)), ..AuditSearch::default() });
    assert_eq!((of_manager.len(), &of_manager[0]), (2, &given));
    let later = Some(date(2026, 11, 30).at(0, 0, 0, 0));
    assert!(all(&AuditSearch { from: later, ..AuditSearch::default() }).is_empty());
    assert_eq!(all(&AuditSearch { before: later, ..AuditSearch::default() }).len(), 4);
    for statement in [
        "UPDATE audit SET detail = ''",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit (id, at, place, deed, detail) VALUES (1, '', 'screen', 'added', '')",
    ] {
        let said = ledger.connection.execute(statement, []).unwrap_err().to_string();
        assert!(said.starts_with("what was written down of people is never "), "{said}");
    }
}
