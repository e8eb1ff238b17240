use std::path::Path;

use jiff::civil::date;

use super::*;
use crate::ledger::backup::COPY;
use crate::ledger::tests::{approved, host_approved, number, open, paid, pending, reversal_due, sold_offline};
use crate::payment::online::{Decision, HostAnswer};
use crate::payment::queue::{Act, Deed, EntryId};
use crate::payment::record::Record;
use crate::reference::{Batch, ResponseCode};
use crate::vault::software::SoftwareVault;
use crate::wording::ReasonKind;

fn vault(folder: &Path) -> Arc<dyn SecureElement> {
    Arc::new(SoftwareVault::create(folder).unwrap())
}

/// A terminal that is switched on.
fn start(folder: &Path) -> Ledger {
    open(folder).keeping_numbers(vault(folder))
}

fn begin_batch(ledger: &mut Ledger, batch: u32) {
    ledger.signed_on(Some(Batch::new(batch).unwrap()), date(2026, 11, 23).at(8, 0, 0, 0)).unwrap();
}

fn wrapped_keys(ledger: &Ledger) -> Vec<(i64, Vec<u8>)> {
    let mut statement = ledger.connection.prepare("SELECT transaction_id, wrapped FROM pan_keys ORDER BY 1").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

/// Whether the ledger's own files hold these bytes, in pages that are in use or not.
fn stands_in_ledger(folder: &Path, wanted: &[u8]) -> bool {
    ["ledger.sqlite", "ledger.sqlite-wal"].iter().any(|name| {
        let bytes = std::fs::read(folder.join(name)).unwrap_or_default();
        bytes.windows(wanted.len()).any(|window| window == wanted)
    })
}

#[test]
fn a_number_is_kept_unreadable_and_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = start(directory.path());
    let trace = paid(&mut ledger, approved());
    let again = paid(&mut ledger, approved());
    drop(ledger);
    let ledger = start(directory.path());
    assert_eq!(ledger.pan(trace).unwrap(), Some(number()));
    assert_eq!(ledger.pan(again).unwrap(), Some(number()));
    let keys = wrapped_keys(&ledger);
    assert_ne!(keys[0].1, keys[1].1, "a key for each");
    assert!(!stands_in_ledger(directory.path(), number().expose_digits().as_bytes()));
    assert!(stands_in_ledger(directory.path(), &keys[0].1), "what is looked for is found");
}

#[test]
fn without_a_vault_no_number_is_kept_and_none_is_given() {
    let directory = tempfile::tempdir().unwrap();
    let trace = paid(&mut open(directory.path()), approved());
    let ledger = start(directory.path());
    assert_eq!((ledger.pan(trace).unwrap(), wrapped_keys(&ledger)), (None, Vec::new()));
}

#[test]
fn a_number_and_its_key_belong_to_one_payment() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = start(directory.path());
    let (one, other) = (paid(&mut ledger, approved()), paid(&mut ledger, approved()));
    ledger
        .connection
        .execute_batch(
            "UPDATE pan_keys SET wrapped = (SELECT wrapped FROM pan_keys WHERE transaction_id = 2) WHERE transaction_id = 1;
             UPDATE transactions SET sealed_pan = (SELECT sealed_pan FROM transactions WHERE id = 1) WHERE id = 2;",
        )
        .unwrap();
    assert!(matches!(ledger.pan(one), Err(LedgerError::NumberKeys(_))));
    assert!(matches!(ledger.pan(other), Err(LedgerError::NumberKeys(_))));
}

#[test]
fn keys_are_destroyed_when_their_batch_is_over_and_not_before() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = start(directory.path());
    let old = paid(&mut ledger, approved());
    assert_eq!(ledger.destroy_number_keys().unwrap(), 0, "the batch goes on");
    assert_eq!(ledger.pan(old).unwrap(), Some(number()));
    ledger.keep_copy(date(2026, 11, 22).at(8, 0, 0, 0)).unwrap();
    let wrapped = wrapped_keys(&ledger).remove(0).1;
    assert!(stands_in_ledger(directory.path(), &wrapped));

    begin_batch(&mut ledger, 2);
    let new = paid(&mut ledger, approved());
    assert_eq!(ledger.destroy_number_keys().unwrap(), 1);
    assert_eq!((ledger.pan(old).unwrap(), ledger.pan(new).unwrap()), (None, Some(number())));
    assert!(!stands_in_ledger(directory.path(), &wrapped), "nor in a page that nobody uses, nor in the log");
    drop(ledger);
    assert_eq!(vault(directory.path()).storage_keys().unwrap().len(), 1);
    let ledger = start(directory.path());
    assert_eq!((ledger.pan(old).unwrap(), ledger.pan(new).unwrap()), (None, Some(number())));
}

#[test]
fn the_copy_of_yesterday_gives_no_number_away() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = start(directory.path());
    let trace = paid(&mut ledger, approved());
    ledger.keep_copy(date(2026, 11, 22).at(8, 0, 0, 0)).unwrap();
    let put_in_place = |folder: &Path| {
        std::fs::copy(directory.path().join(COPY), folder.join("ledger.sqlite")).unwrap();
        open(folder)
    };
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = put_in_place(elsewhere.path()).keeping_numbers(vault(directory.path()));
    assert_eq!(copy.pan(trace).unwrap(), Some(number()), "as long as the batch goes on it serves after a restoration");
    drop(copy);
    begin_batch(&mut ledger, 2);
    ledger.destroy_number_keys().unwrap();

    let elsewhere = tempfile::tempdir().unwrap();
    let mut copy = put_in_place(elsewhere.path()).keeping_numbers(vault(directory.path()));
    assert_eq!(wrapped_keys(&copy).len(), 1, "it is still there");
    assert_eq!(copy.pan(trace).unwrap(), None, "and opens nothing");
    // As after a restoration: the next batch ends, and nobody stumbles over what cannot be opened.
    begin_batch(&mut copy, 3);
    assert_eq!(copy.destroy_number_keys().unwrap(), 1);
}

#[test]
fn what_may_yet_be_taken_back_keeps_its_key_under_the_new_storage_key() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = start(directory.path());
    let begin = |ledger: &mut Ledger| {
        let trace = ledger.take_trace_number().unwrap();
        ledger.record(trace, &pending(100)).unwrap();
        trace
    };
    let (under_way, due, parked) = (begin(&mut ledger), begin(&mut ledger), begin(&mut ledger));
    ledger.record(due, &reversal_due()).unwrap();
    ledger.record(parked, &reversal_due()).unwrap();
    ledger.park(EntryId::Reversal(parked), None).unwrap();
    let over = paid(&mut ledger, approved());
    let before = wrapped_keys(&ledger);
    begin_batch(&mut ledger, 2);
    assert_eq!(ledger.destroy_number_keys().unwrap(), 1);
    assert_eq!(ledger.pan(over).unwrap(), None);
    for open in [under_way, due, parked] {
        assert_eq!(ledger.pan(open).unwrap(), Some(number()));
    }
    for (_, wrapped) in before {
        assert!(!stands_in_ledger(directory.path(), &wrapped), "the old storage key's are all gone");
    }
    assert_eq!(ledger.destroy_number_keys().unwrap(), 0);
    ledger.done(EntryId::Reversal(due)).unwrap();
    assert_eq!(ledger.pan(due).unwrap(), None, "taken back: nothing is done with it any more");
}

#[test]
fn what_was_not_paid_keeps_no_number() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = start(directory.path());
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(100)).unwrap();
    assert_eq!(ledger.pan(trace).unwrap(), Some(number()));
    ledger
        .record(trace, &Record::NotPaid { reason: ReasonKind::HostDeclined, response_code: None, rrn: None })
        .unwrap();
    assert_eq!((ledger.pan(trace).unwrap(), wrapped_keys(&ledger)), (None, Vec::new()));
}

#[test]
fn a_power_cut_in_between_is_finished_at_the_next_start() {
    // What each step leaves: a new storage key; and the ledger's change without the vault's.
    for written in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = start(directory.path());
        let old = paid(&mut ledger, approved());
        begin_batch(&mut ledger, 2);
        let new = paid(&mut ledger, approved());
        if written {
            ledger.connection.execute("DELETE FROM pan_keys WHERE transaction_id = 1", []).unwrap();
        }
        drop(ledger);
        let [first, second] = {
            let vault = vault(directory.path());
            vault.make_storage_key().unwrap();
            vault.storage_keys().unwrap().try_into().unwrap()
        };
        let mut ledger = start(directory.path());
        assert_eq!(ledger.destroy_number_keys().unwrap(), usize::from(!written));
        let left = vault(directory.path()).storage_keys().unwrap();
        assert!(left.len() == 1 && left[0] != first && (left[0] == second) == written, "{left:?}");
        assert_eq!((ledger.pan(old).unwrap(), ledger.pan(new).unwrap()), (None, Some(number())));
    }
}

#[test]
fn a_vault_that_fails_lets_no_payment_begin() {
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(directory.path());
    let mut ledger = open(directory.path()).keeping_numbers(Arc::clone(&vault));
    let kept = paid(&mut ledger, approved());
    vault.zeroize().unwrap();
    let trace = ledger.take_trace_number().unwrap();
    assert!(matches!(ledger.record(trace, &pending(100)), Err(LedgerError::NumberKeys(VaultError::Destroyed))));
    assert_eq!(ledger.find(trace).unwrap(), None);
    assert!(matches!(ledger.pan(kept), Err(LedgerError::NumberKeys(VaultError::Destroyed))));
    // What is under way comes to its end all the same.
    assert!(ledger.record(kept, &host_approved()).is_err_and(|error| matches!(error, LedgerError::NoSuchRow(_))));
}

/// A ledger of many years has millions of payments, and keys of one day.
#[test]
fn what_is_over_is_found_from_the_keys() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = start(directory.path());
    let sql = format!("EXPLAIN QUERY PLAN DELETE FROM pan_keys WHERE transaction_id IN ({OVER})");
    let mut statement = ledger.connection.prepare(&sql).unwrap();
    let plan: Vec<String> = statement.query_map(["", ""], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
    assert!(!plan.is_empty() && plan.iter().all(|step| !step.starts_with("SCAN transactions")), "{plan:?}");
}

#[test]
fn an_offline_sale_keeps_its_key_until_the_host_has_heard_of_it_whatever_batch_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = start(directory.path());
    let mut sold = |minor| {
        let trace = ledger.take_trace_number().unwrap();
        ledger.record(trace, &sold_offline(minor)).unwrap();
        trace
    };
    let (told, parked) = (sold(1234), sold(500));
    ledger.park(EntryId::OfflineSale(parked), None).unwrap();
    begin_batch(&mut ledger, 2);
    assert_eq!(ledger.destroy_number_keys().unwrap(), 0);
    assert!(ledger.offline_request(told).unwrap().is_some(), "its bank can still be told");
    // Somebody has the other one told again, and the terminal is started before it is.
    let at = date(2026, 11, 23).at(9, 0, 0, 0);
    let deed = Deed { act: Act::Retry, by: "Li".to_owned(), note: "the bank says try again".to_owned(), at };
    ledger.decide(parked, &deed).unwrap();
    assert_eq!(ledger.destroy_number_keys().unwrap(), 0);
    assert!(ledger.offline_request(parked).unwrap().is_some());
    let booked = HostAnswer {
        decision: Decision::Approved,
        response_code: ResponseCode::parse("00").unwrap(),
        rrn: None,
        authorisation_code: None,
        issuer_data: Vec::new(),
        balances: Vec::new(),
        plan: None,
    };
    ledger.offline_sale_is_booked(told, &booked).unwrap();
    ledger.offline_sale_is_booked(parked, &booked).unwrap();
    assert_eq!(ledger.destroy_number_keys().unwrap(), 2);
}
