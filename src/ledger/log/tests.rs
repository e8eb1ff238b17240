use jiff::civil::{DateTime, date};

use super::super::MIGRATIONS;
use super::super::connecting::empty_log;
use super::super::tests::{approved, host_approved, open, paid, pending, reversal_due, written_at_once};
use super::*;
use crate::crypto::elliptic::P256PrivateKey;
use crate::payment::online::LateApproval;
use crate::payment::queue::{Act, Deed, EntryId, Resolution};
use crate::payment::record::{Record, State};
use crate::proof::note::NoteKey;
use crate::proof::verify::{Trust, verify};
use crate::reference::{AuthorisationCode, ResponseCode};
use crate::wording::ReasonKind;

const ORIGIN: &str = "yima/00000102TEST0001";

fn noon() -> DateTime {
    date(2026, 11, 22).at(12, 0, 0, 0)
}

/// State and resolution of each entry, in order.
fn said(ledger: &Ledger) -> Vec<String> {
    let entries = ledger.log_items().unwrap();
    entries
        .iter()
        .filter_map(|item| match item {
            Item::Entry { leaf, .. } => Some(Leaf::parse(leaf).unwrap()),
            Item::Checkpoint { .. } => None,
        })
        .map(|leaf| format!("{} {}", leaf.state.word(), leaf.resolution.map_or("", Resolution::word)).trim().to_owned())
        .collect()
}

fn declined(ledger: &mut Ledger) -> TraceNumber {
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(100)).unwrap();
    let code = ResponseCode::parse("51").unwrap();
    let record = Record::NotPaid { reason: ReasonKind::HostDeclined, response_code: Some(code), rrn: None };
    ledger.record(trace, &record).unwrap();
    trace
}

fn late(trace: TraceNumber) -> LateApproval {
    LateApproval {
        trace,
        response_code: ResponseCode::parse("00").unwrap(),
        rrn: None,
        authorisation_code: AuthorisationCode::parse("LATE01").ok(),
    }
}

fn given_up(ledger: &mut Ledger) -> TraceNumber {
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(100)).unwrap();
    ledger.record(trace, &reversal_due()).unwrap();
    ledger.park(EntryId::Reversal(trace), None).unwrap();
    trace
}

fn resolve(ledger: &mut Ledger, trace: TraceNumber, resolution: Resolution) {
    let deed = Deed { act: Act::Resolve(resolution), by: "Wang".to_owned(), note: "asked".to_owned(), at: noon() };
    ledger.decide(trace, &deed).unwrap();
}

fn key() -> (NoteKey, P256PrivateKey) {
    let private = P256PrivateKey::from_seed(&[5; 40]).unwrap();
    (NoteKey::new(ORIGIN, &private.public_key().unwrap().to_der().unwrap()).unwrap(), private)
}

fn sign(ledger: &mut Ledger) -> i64 {
    let (key, private) = key();
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), head: ledger.log_head().unwrap() };
    let note = checkpoint.signed(&key, |text| private.sign(text)).unwrap();
    ledger.add_checkpoint(&note).unwrap()
}

#[test]
fn a_payment_is_logged_when_it_is_final_and_not_before() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(1234)).unwrap();
    ledger.record(trace, &host_approved()).unwrap();
    assert!(said(&ledger).is_empty());
    ledger.record(trace, &approved()).unwrap();
    declined(&mut ledger);
    let unresolved = given_up(&mut ledger);
    assert_eq!(said(&ledger), ["approved", "declined"]);
    resolve(&mut ledger, unresolved, Resolution::Charged);
    assert_eq!(said(&ledger), ["approved", "declined", "unresolved charged"]);
    let leaf = Leaf::parse(&ledger.log_entries_of(trace).unwrap()[0].leaf).unwrap();
    assert_eq!((leaf.amount.minor(), leaf.truncated_pan.as_str()), (1234, "622848*********1230"));
    assert!(ledger.unlogged().unwrap().is_empty());
}

#[test]
fn an_approval_that_comes_too_late_appends_and_rewrites_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = declined(&mut ledger);
    let before = ledger.log_entries_of(trace).unwrap();
    let head = Head { size: 1, root: before[0].root };
    assert_eq!(ledger.log_head_of(trace).unwrap(), Some(head));
    assert!(ledger.note_late_approval(&late(trace), noon()).unwrap());
    assert_eq!(said(&ledger), ["declined", "reversal_due"], "it is no longer over");
    ledger.done(EntryId::Reversal(trace)).unwrap();
    assert_eq!(said(&ledger), ["declined", "reversal_due", "reversed"]);
    let after = ledger.log_entries_of(trace).unwrap();
    assert_eq!(after[..1], before);
    assert_eq!(ledger.log_head_of(trace).unwrap(), Some(head), "what stands on paper stays so");
    let last = Leaf::parse(&after[2].leaf).unwrap();
    assert_eq!(
        last.late.map(|(late, at)| (late.authorisation_code, at)),
        Some((AuthorisationCode::parse("LATE01").ok(), noon()))
    );
}

#[test]
fn a_person_s_word_is_logged_and_what_comes_after_it_as_well() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = given_up(&mut ledger);
    resolve(&mut ledger, trace, Resolution::Reversed);
    assert!(ledger.note_late_approval(&late(trace), noon()).unwrap());
    assert_eq!(said(&ledger), ["unresolved reversed", "unresolved"], "a person is asked again");
    let entries = ledger.log_entries_of(trace).unwrap();
    assert!(!entries[0].leaf.contains("LATE01") && entries[1].leaf.contains("LATE01"));
    assert!(ledger.unlogged().unwrap().is_empty());
}

#[test]
fn a_record_that_cannot_be_logged_is_not_written_either() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(1)).unwrap();
    ledger.record(trace, &host_approved()).unwrap();
    // As when the disk is full in the middle.
    ledger
        .connection
        .execute_batch("CREATE TEMP TRIGGER full BEFORE INSERT ON log_leaves BEGIN SELECT RAISE(ABORT, 'full'); END")
        .unwrap();
    assert!(ledger.record(trace, &approved()).is_err());
    let row = ledger.find(trace).unwrap().unwrap();
    assert_eq!(row.state, State::HostApproved, "neither, never one of both");
    assert_eq!(ledger.log_head().unwrap().size, 0);
}

#[test]
fn what_was_logged_or_signed_cannot_be_changed_by_a_statement() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    paid(&mut ledger, approved());
    let id = sign(&mut ledger);
    for sql in [
        "UPDATE log_leaves SET leaf = 'x'",
        "DELETE FROM log_leaves",
        "DELETE FROM log_checkpoints",
        "UPDATE log_checkpoints SET note = 'x'",
        "UPDATE log_head SET size = 0, frontier = x''",
        "DELETE FROM transactions",
    ] {
        assert!(ledger.connection.execute(sql, []).is_err(), "{sql}");
    }
    let signature = Signature { signer: key().0.signer, signature: vec![1] };
    ledger.add_cosignature(id, &signature).unwrap();
    assert!(ledger.add_cosignature(id, &signature).is_err(), "once");
    assert!(ledger.checkpoints().unwrap()[0].cosigned);
}

#[test]
fn a_log_lives_on_over_restarts_and_is_verified_from_its_file_alone() {
    let directory = tempfile::tempdir().unwrap();
    for _ in 0..5 {
        let mut ledger = open(directory.path());
        paid(&mut ledger, approved());
        declined(&mut ledger);
        sign(&mut ledger);
    }
    let ledger = open(directory.path());
    let file = crate::proof::export::file(&ledger.log_items().unwrap());
    let keys = [key().0];
    let verified = verify(file.as_bytes(), &Trust { device: &keys, ..Trust::default() }).unwrap();
    assert_eq!((verified.head, verified.checkpoints), (ledger.log_head().unwrap(), 5));
    assert_eq!(ledger.log_tree(10).unwrap().head(), verified.head);
    assert!(ledger.log_tree(11).is_err());
}

#[test]
fn a_head_that_is_none_of_the_log_is_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    paid(&mut ledger, approved());
    let (key, private) = key();
    let head = Head { root: [7; 32], ..ledger.log_head().unwrap() };
    for head in [head, Head { size: 2, ..head }] {
        let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), head };
        let note = checkpoint.signed(&key, |text| private.sign(text)).unwrap();
        assert!(matches!(ledger.add_checkpoint(&note), Err(LedgerError::Log { .. })));
    }
    assert!(ledger.checkpoints().unwrap().is_empty());
}

#[test]
fn a_row_that_somebody_changed_is_told_from_its_entry() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = paid(&mut ledger, approved());
    paid(&mut ledger, approved());
    // Whoever changes a row in secret takes the rule away that forbids it.
    ledger.connection.execute_batch("DROP TRIGGER transactions_keep_their_amount").unwrap();
    ledger.connection.execute("UPDATE transactions SET amount = 1 WHERE stan = ?1", [trace.stan.number()]).unwrap();
    let found = ledger.unlogged().unwrap();
    assert_eq!(found.iter().map(|one| one.trace).collect::<Vec<_>>(), [trace]);
    assert_eq!(found[0].logged.as_ref().unwrap().index, 0);
    assert!(found[0].now.contains(" amount=1 "));
}

/// Rows as each version of the ledger could hold them.
const ROWS: [(&str, &str); 4] = [
    ("approved", "cryptogram, tvr, tsi, atc, signature) VALUES (?, '01', '00', '00', '0001', 0"),
    ("declined", "reason) VALUES (?, 'host_declined'"),
    ("reversed", "reason, reversal_reason) VALUES (?, 'host_silent', '98'"),
    ("reversal_due", "chip_data, reason, reversal_reason) VALUES (?, x'00', 'host_silent', '98'"),
];

#[test]
fn final_payments_of_every_earlier_version_are_taken_into_the_log_once() {
    for version in 1..MIGRATIONS.len() {
        let directory = tempfile::tempdir().unwrap();
        let connection = rusqlite::Connection::open(directory.path().join("ledger.sqlite")).unwrap();
        for migration in &MIGRATIONS[..version] {
            connection.execute_batch(migration).unwrap();
        }
        connection.pragma_update(None, "user_version", version as i64).unwrap();
        let write = |index: usize, state: &str, rest: &str| {
            // The last one was made under another merchant code.
            let merchant = if index == 2 { "898440100000002" } else { "898440100000001" };
            let sql = format!(
                "INSERT INTO transactions (merchant_code, terminal_number, batch, stan, kind, amount, currency, at, entry,
                     truncated_pan, aid, application_label, state, {})",
                rest.replacen(
                    "(?",
                    &format!(
                        "('{merchant}', '10000001', 1, {}, 'sale', 1234, 'CNY', '2026-11-22T14:26:09', 'chip',
                          '622848*********1230', 'A000000333010101', 'UnionPay Debit', '{state}'",
                        index + 1
                    ),
                    1
                )
            );
            connection.execute(&sql, []).unwrap();
        };
        written_at_once(&connection, || {
            ROWS.iter().enumerate().for_each(|(index, (state, rest))| write(index, state, rest));
        });
        connection.execute("UPDATE counters SET next_stan = 9", []).unwrap();
        drop(connection);
        let head = open(directory.path()).log_head().unwrap();
        let mut ledger = open(directory.path());
        assert_eq!(said(&ledger), ["approved", "declined", "reversed"], "version {version}");
        assert_eq!(ledger.log_head().unwrap(), head, "version {version}: once");
        let foreign = TraceNumber { stan: crate::reference::Stan::new(3).unwrap(), ..paid(&mut ledger, approved()) };
        assert!(ledger.log_entries_of(foreign).unwrap()[0].leaf.contains("merchant=898440100000002"));
        assert_eq!(ledger.log_head().unwrap().size, 4);
        assert!(ledger.unlogged().unwrap().is_empty());
    }
}

/// What a disk may hold after a power cut: the database as it was, and so much of what was written since.
fn cut(folder: &std::path::Path, kept: usize) -> tempfile::TempDir {
    let after = tempfile::tempdir().unwrap();
    std::fs::copy(folder.join("ledger.sqlite"), after.path().join("ledger.sqlite")).unwrap();
    let written = std::fs::read(folder.join("ledger.sqlite-wal")).unwrap();
    std::fs::write(after.path().join("ledger.sqlite-wal"), &written[..kept]).unwrap();
    after
}

#[test]
fn a_power_cut_within_a_write_leaves_payment_and_log_in_agreement() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    assert!(empty_log(&ledger.connection).unwrap());
    paid(&mut ledger, approved());
    let trace = declined(&mut ledger);
    ledger.note_late_approval(&late(trace), noon()).unwrap();
    ledger.done(EntryId::Reversal(trace)).unwrap();
    let unresolved = given_up(&mut ledger);
    resolve(&mut ledger, unresolved, Resolution::Charged);
    let written = std::fs::metadata(directory.path().join("ledger.sqlite-wal")).unwrap().len() as usize;
    let mut sizes = std::collections::BTreeSet::new();
    // At the end of each page that was written, and in the middle of it.
    for kept in (0..=written).step_by(2060).chain([written]) {
        let after = cut(directory.path(), kept);
        let after = open(after.path());
        assert!(after.unlogged().unwrap().is_empty(), "cut at {kept}");
        let head = after.log_head().unwrap();
        assert_eq!(after.log_tree(head.size).unwrap().head(), head, "cut at {kept}");
        sizes.insert(head.size);
    }
    assert_eq!(sizes.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5], "the cuts went through all of it");
}
