mod entries;
mod life;
mod migrations;

use std::sync::Arc;

use jiff::civil::date;
use rusqlite::{Connection, OptionalExtension};

use super::*;
use crate::card_number::Pan;
use crate::emv::cvm::Verification;
use crate::money::{Amount, Currency};
use crate::payment::advice::AdviceKind;
use crate::payment::online::{EntryMode, ReversalReason};
use crate::payment::queue::EntryId;
use crate::payment::record::{CardResult, Pending, Record, ScriptResult};
use crate::payment::transaction::{CardUse, Kind};
use crate::receipt::CopyFor;
use crate::reference::{AuthorisationCode, ResponseCode, Rrn};
use crate::vault::SecureElement;
use crate::vault::software::SoftwareVault;
use crate::wording::ReasonKind;

pub(super) fn open(directory: &Path) -> Ledger {
    let merchant = MerchantCode::parse("898440100000001").unwrap();
    let terminal = TerminalNumber::parse("10000001").unwrap();
    Ledger::open(&directory.join("ledger.sqlite"), merchant, terminal).unwrap()
}

pub(super) fn number() -> Pan {
    Pan::of_digits("6228480000000001230").unwrap()
}

/// Rows are written as they are in the end, by a program of whatever version: where a version lets payments only begin, that
/// rule is away meanwhile.
pub(super) fn written_at_once(connection: &Connection, write: impl FnOnce()) {
    let sql = "SELECT sql FROM sqlite_schema WHERE name = 'transactions_begin_pending'";
    let rule: Option<String> = connection.query_row(sql, [], |row| row.get(0)).optional().unwrap();
    if rule.is_some() {
        connection.execute_batch("DROP TRIGGER transactions_begin_pending").unwrap();
    }
    write();
    if let Some(rule) = rule {
        connection.execute_batch(&rule).unwrap();
    }
}

/// With a vault that keeps card numbers.
pub(super) fn keeping(directory: &Path) -> Ledger {
    let vault = SoftwareVault::in_memory();
    vault.make_storage_key().unwrap();
    open(directory).keeping_numbers(Arc::new(vault))
}

/// What refers to an earlier transaction begins, as the core writes it down.
pub(super) fn about(ledger: &Ledger, kind: Kind, original: TraceNumber, minor: u64) -> Record {
    let original = ledger.past(original).unwrap().unwrap().original;
    let entry = if kind.card() == CardUse::None { EntryMode::NotRead } else { EntryMode::Chip };
    let (original, verification) = (Some(original), Verification::NotPerformed);
    let chip_data = if kind.card() == CardUse::Whole { vec![0x95, 0x01, 0x00] } else { Vec::new() };
    Record::Pending(Box::new(Pending { kind, original, entry, verification, chip_data, ..pending_sale(minor) }))
}

/// What a card is used whole for, approved.
pub(super) fn approved_of(ledger: &mut Ledger, kind: Kind, minor: u64) -> TraceNumber {
    let trace = ledger.take_trace_number().unwrap();
    for record in [Record::Pending(Box::new(Pending { kind, ..pending_sale(minor) })), host_approved(), approved()] {
        ledger.record(trace, &record).unwrap();
    }
    trace
}

/// What refers to an earlier transaction, done.
pub(super) fn done_about(ledger: &mut Ledger, kind: Kind, original: TraceNumber, minor: u64) -> TraceNumber {
    let trace = ledger.take_trace_number().unwrap();
    let last = if kind.card() == CardUse::Whole { approved() } else { Record::Done };
    for record in [about(ledger, kind, original, minor), host_approved(), last] {
        ledger.record(trace, &record).unwrap();
    }
    trace
}

pub(super) fn pending(minor: u64) -> Record {
    Record::Pending(Box::new(pending_sale(minor)))
}

pub(super) fn pending_sale(minor: u64) -> Pending {
    Pending {
        kind: Kind::Sale,
        original: None,
        amount: Amount::new(minor, Currency::CNY).unwrap(),
        at: date(2026, 11, 22).at(14, 26, 9, 0),
        entry: EntryMode::Chip,
        verification: Verification::OnlinePin,
        pan: number().into(),
        sequence_number: Some(1),
        card_expiry: Some("3012".to_owned()),
        aid: "A000000333010101".to_owned(),
        application_label: "UnionPay Debit".to_owned(),
        bank: None,
        chip_data: vec![0x95, 0x01, 0x00],
        instalments: None,
    }
}

pub(super) fn host_approved() -> Record {
    Record::HostApproved {
        response_code: ResponseCode::parse("00").unwrap(),
        rrn: Rrn::parse("000000000001").ok(),
        authorisation_code: AuthorisationCode::parse("A12B3C").ok(),
        part: None,
        plan: None,
    }
}

pub(super) fn approved() -> Record {
    Record::Approved(Box::new(card_result()))
}

pub(super) fn card_result() -> CardResult {
    CardResult {
        cryptogram: "0102030405060708".to_owned(),
        tvr: "8000008000".to_owned(),
        tsi: "6800".to_owned(),
        atc: "0001".to_owned(),
        signature: false,
        chip_data: vec![0x9F, 0x26, 1, 7],
        scripts: None,
    }
}

/// What a card has approved alone.
pub(super) fn sold_offline(minor: u64) -> Record {
    let pending = Pending {
        kind: Kind::OfflineSale,
        verification: Verification::OfflinePin,
        chip_data: Vec::new(),
        ..pending_sale(minor)
    };
    Record::ApprovedByCard(Box::new(pending), Box::new(card_result()))
}

pub(super) fn reversal_due() -> Record {
    Record::ReversalDue {
        reversal_reason: ReversalReason::NoAnswer,
        reason: ReasonKind::HostSilent,
        authorisation_code: None,
        chip_data: vec![0x95, 0x01, 0x01],
    }
}

#[test]
fn a_trace_number_is_never_given_twice_also_over_restarts() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).take_trace_number().unwrap();
    let mut ledger = open(directory.path());
    let second = ledger.take_trace_number().unwrap();
    assert_eq!((first.stan.number(), second.stan.number()), (1, 2));
}

#[test]
fn after_the_last_number_those_in_use_are_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let first = ledger.take_trace_number().unwrap();
    ledger.record(first, &pending(1)).unwrap();
    ledger.connection.execute("UPDATE counters SET next_stan = 999999", []).unwrap();
    assert_eq!(ledger.take_trace_number().unwrap().stan.number(), 999_999);
    assert_eq!(ledger.take_trace_number().unwrap().stan.number(), 2, "1 is in use");
}

#[test]
fn what_the_schema_has_no_place_for_is_refused_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    for kind in Kind::ALL {
        let trace = ledger.take_trace_number().unwrap();
        let other = Box::new(Pending { kind, ..pending_sale(1) });
        let by_card = Record::ApprovedByCard(other.clone(), Box::new(card_result()));
        let kept = |result| matches!(result, Err(LedgerError::Kind(word)) if word == kind.word());
        match ledger.record(trace, &by_card) {
            // Whoever keeps no card numbers could never tell the host of it.
            Err(LedgerError::NumberNotKept(word)) => assert_eq!((kind, word), (Kind::OfflineSale, kind.word())),
            refused => assert!(kept(refused), "{kind:?}"),
        }
        assert!(matches!(ledger.record(trace, &Record::Done), Err(LedgerError::NoSuchRow(_))), "{kind:?}");
        match kind {
            Kind::Sale | Kind::PreAuthorisation => continue,
            Kind::OfflineSale | Kind::Balance => {
                assert!(kept(ledger.record(trace, &Record::Pending(other))), "{kind:?}")
            }
            // They refer to nothing.
            _ => assert!(ledger.record(trace, &Record::Pending(other)).is_err(), "{kind:?}"),
        }
        assert!(ledger.find(trace).unwrap().is_none(), "{kind:?}");
    }
    // Nor does a sale end without its card.
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(1)).unwrap();
    ledger.record(trace, &host_approved()).unwrap();
    assert!(matches!(ledger.record(trace, &Record::Done), Err(LedgerError::NoSuchRow(_))));
    assert_eq!(ledger.find(trace).unwrap().unwrap().state, State::HostApproved);
}

#[test]
fn a_sale_goes_through_its_states_and_keeps_no_chip_data() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(1234)).unwrap();
    ledger.record(trace, &host_approved()).unwrap();
    ledger.record(trace, &approved()).unwrap();
    let row = ledger.find(trace).unwrap().unwrap();
    assert_eq!(row.state, State::Approved);
    assert_eq!(row.amount.to_string(), "12.34");
    assert_eq!(row.chip_data, None);
    assert_eq!(row.authorisation_code.unwrap().as_str(), "A12B3C");
    let total = ledger.paid_on(date(2026, 11, 22), Currency::CNY).unwrap();
    assert_eq!((total.count, total.amount.to_string()), (1, "12.34".to_owned()));
    assert_eq!(ledger.paid_on(date(2026, 11, 21), Currency::CNY).unwrap().count, 0);
    assert_eq!(ledger.paid_on(date(2026, 11, 23), Currency::CNY).unwrap().count, 0);
}

#[test]
fn impossible_changes_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = ledger.take_trace_number().unwrap();
    assert!(matches!(ledger.record(trace, &approved()), Err(LedgerError::NoSuchRow(_))), "nothing to approve");
    ledger.record(trace, &pending(1)).unwrap();
    assert!(matches!(ledger.record(trace, &pending(1)), Err(LedgerError::Statement { .. })), "a number used twice");
    assert!(ledger.record(trace, &approved()).is_err(), "not without the host");
    ledger.record(trace, &host_approved()).unwrap();
    let not_paid = Record::NotPaid { reason: ReasonKind::HostDeclined, response_code: None, rrn: None };
    assert!(ledger.record(trace, &not_paid).is_err(), "not declined after an approval");
    ledger.record(trace, &approved()).unwrap();
    assert!(ledger.record(trace, &reversal_due()).is_err(), "final is final");
    assert!(ledger.done(EntryId::Reversal(trace)).is_err());
}

#[test]
fn a_reversal_is_counted_and_ends() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(1234)).unwrap();
    ledger.record(trace, &reversal_due()).unwrap();
    ledger.tried(EntryId::Reversal(trace), true, date(2026, 11, 22).at(14, 27, 0, 0)).unwrap();
    let due = ledger.in_state(State::ReversalDue).unwrap();
    let request = due[0].reversal_request().unwrap();
    assert_eq!((request.reason, due[0].reversal_tries), (ReversalReason::NoAnswer, 1));
    assert_eq!(request.chip_data, [0x95, 0x01, 0x01]);
    ledger.done(EntryId::Reversal(trace)).unwrap();
    let row = ledger.find(trace).unwrap().unwrap();
    assert_eq!((row.state, row.chip_data), (State::Reversed, None));
}

#[test]
fn slips_are_numbered_and_followed() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = ledger.take_trace_number().unwrap();
    assert!(ledger.queue_copy(trace, CopyFor::Merchant).is_err(), "no transaction, no slip");
    ledger.record(trace, &pending(1)).unwrap();
    let first = ledger.queue_copy(trace, CopyFor::Merchant).unwrap();
    ledger.queue_copy(trace, CopyFor::Customer).unwrap();
    ledger.copy_is(&first, PrintState::Printed).unwrap();
    let again = ledger.queue_copy(trace, CopyFor::Merchant).unwrap();
    assert_eq!((first.duplicate, again.duplicate), (0, 1));
    assert_eq!(ledger.copies_in(PrintState::Queued).unwrap().len(), 2);
    assert_eq!(ledger.copies_of(trace).unwrap()[0].state, PrintState::Printed);
}

#[test]
fn pages_show_the_newest_first() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    for minor in 1..=5 {
        let trace = ledger.take_trace_number().unwrap();
        ledger.record(trace, &pending(minor)).unwrap();
    }
    let page: Vec<_> = ledger.page(1, 2).unwrap().iter().map(|row| row.amount.minor()).collect();
    assert_eq!((page, ledger.count().unwrap()), (vec![3, 2], 5));
}

#[test]
fn a_newer_or_damaged_file_is_refused_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).connection.pragma_update(None, "user_version", 99).unwrap();
    let path = directory.path().join("ledger.sqlite");
    let merchant = || MerchantCode::parse("898440100000001").unwrap();
    let terminal = || TerminalNumber::parse("10000001").unwrap();
    assert!(matches!(Ledger::open(&path, merchant(), terminal()), Err(LedgerError::Newer { found: 99, .. })));

    let damaged = directory.path().join("damaged.sqlite");
    std::fs::write(&damaged, b"this is not a ledger, but it is long enough to look at").unwrap();
    assert!(Ledger::open(&damaged, merchant(), terminal()).is_err());
    assert!(std::fs::read(&damaged).unwrap().starts_with(b"this is not"));
}

#[test]
fn a_paid_row_owes_two_slips_from_the_moment_it_is_paid() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(1)).unwrap();
    ledger.record(trace, &host_approved()).unwrap();
    assert!(ledger.copies_of(trace).unwrap().is_empty());
    ledger.record(trace, &approved()).unwrap();
    // As after a power cut: another connection sees both.
    let slips: Vec<_> = open(directory.path()).copies_in(PrintState::Queued).unwrap();
    assert_eq!(slips.iter().map(|slip| slip.copy).collect::<Vec<_>>(), [CopyFor::Merchant, CopyFor::Customer]);
}

#[test]
fn open_payments_of_another_identity_are_not_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(1)).unwrap();
    let reopen = || {
        let merchant = MerchantCode::parse("898440100000002").unwrap();
        Ledger::open(&directory.path().join("ledger.sqlite"), merchant, TerminalNumber::parse("10000001").unwrap())
    };
    assert!(matches!(reopen(), Err(LedgerError::OtherIdentity { count: 1, .. })));
    ledger.record(trace, &reversal_due()).unwrap();
    ledger.done(EntryId::Reversal(trace)).unwrap();
    assert!(reopen().is_ok(), "what is finished stands in nobody's way");
}

fn scripts(results: &str) -> ScriptResult {
    ScriptResult {
        results: results.to_owned(),
        tvr: "8000008010".to_owned(),
        tsi: "6C00".to_owned(),
        chip_data: vec![0x9F, 0x5B, 1, 9],
    }
}

/// Batch and STAN, and the records of a sale that was paid.
pub(super) fn paid(ledger: &mut Ledger, last: Record) -> TraceNumber {
    let trace = ledger.take_trace_number().unwrap();
    for record in [pending(1234), host_approved(), last] {
        ledger.record(trace, &record).unwrap();
    }
    trace
}

#[test]
fn a_payment_and_what_the_host_must_hear_of_it_are_one_fact() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = paid(&mut ledger, approved());
    let row = ledger.next_advice().unwrap().unwrap();
    assert_eq!((row.advice.kind, row.advice.original, row.tries), (AdviceKind::CardResult, trace, 0));
    assert_eq!(row.advice.chip_data, [0x9F, 0x26, 1, 7]);
    assert_ne!(row.advice.trace, trace, "a number of its own");
    let next = ledger.take_trace_number().unwrap();
    assert_ne!(next, row.advice.trace, "which nobody else gets");
    // A row that cannot become paid owes nothing.
    assert!(ledger.record(trace, &approved()).is_err());
    assert_eq!(ledger.undelivered_advices().unwrap().len(), 1);
}

#[test]
fn an_advice_keeps_its_number_until_the_host_has_it_and_then_holds_no_chip_data() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    paid(&mut ledger, approved());
    let first = ledger.next_advice().unwrap().unwrap();
    ledger.tried(EntryId::Advice(first.id), true, date(2026, 11, 22).at(14, 27, 0, 0)).unwrap();
    let mut ledger = open(directory.path());
    let second = ledger.next_advice().unwrap().unwrap();
    assert_eq!((second.advice.clone(), second.tries), (first.advice, 1));
    ledger.done(EntryId::Advice(second.id)).unwrap();
    assert_eq!(ledger.next_advice().unwrap(), None);
    let kept: i64 = ledger
        .connection
        .query_row("SELECT count(*) FROM advices WHERE chip_data IS NOT NULL", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 0);
    assert!(ledger.done(EntryId::Advice(second.id)).is_err(), "it is delivered once");
}

#[test]
fn an_advice_that_nobody_takes_is_parked_where_it_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    paid(&mut ledger, approved());
    let id = ledger.next_advice().unwrap().unwrap().id;
    let code = ResponseCode::parse("25").unwrap();
    ledger.park(EntryId::Advice(id), Some(&code)).unwrap();
    assert_eq!(ledger.next_advice().unwrap(), None);
    let row = ledger.undelivered_advices().unwrap().remove(0);
    assert_eq!((row.state, row.response_code), (AdviceState::Parked, Some(code)));
}

#[test]
fn script_results_add_up_in_one_advice() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let card = CardResult { scripts: Some(scripts("2000000001")), ..card_result() };
    let trace = paid(&mut ledger, Record::Approved(Box::new(card)));
    let before = ledger.undelivered_advices().unwrap();
    ledger.record(trace, &Record::Scripts(Box::new(scripts("20000000011100000002")))).unwrap();
    let after = ledger.undelivered_advices().unwrap();
    let numbers = |rows: &[AdviceRow]| rows.iter().map(|row| row.advice.trace).collect::<Vec<_>>();
    assert_eq!(numbers(&before), numbers(&after));
    let row = ledger.find(trace).unwrap().unwrap();
    assert_eq!(row.script_results.as_deref(), Some("20000000011100000002"));
    assert_eq!((row.tvr.as_deref(), row.tsi.as_deref()), (Some("8000008010"), Some("6C00")));
    assert_eq!(row.state, State::Approved);
}

#[test]
fn a_ledger_of_version_1_keeps_its_rows() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.sqlite");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(MIGRATIONS[0]).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    connection
        .execute_batch(
            "INSERT INTO transactions (merchant_code, terminal_number, batch, stan, kind, state, amount, currency, at,
                 entry, truncated_pan, aid, application_label, cryptogram, tvr, tsi, atc, signature)
             VALUES ('898440100000001', '10000001', 1, 1, 'sale', 'approved', 1234, 'CNY', '2026-11-22T14:26:09', 'chip',
                 '622848*********1230', 'A000000333010101', 'UnionPay Debit', '01', '00', '00', '0001', 0);
             UPDATE counters SET next_stan = 2;",
        )
        .unwrap();
    drop(connection);
    let ledger = open(directory.path());
    let row = ledger.page(0, 10).unwrap().remove(0);
    assert_eq!((row.state, row.script_results), (State::Approved, None));
    assert_eq!(ledger.next_advice().unwrap(), None, "its TC was not kept; nothing can be told of it");
}

/// A ledger of many years answers before a customer notices: each of these looks at the rows it gives, not at all.
#[test]
fn numbers_and_advices_are_found_by_their_index() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    paid(&mut ledger, approved());
    let connection = Connection::open(directory.path().join("ledger.sqlite")).unwrap();
    for sql in [
        "SELECT 1 FROM transactions
         WHERE merchant_code = 'a' AND terminal_number = 'b' AND batch = 1 AND stan = 1
         UNION ALL SELECT 1 FROM advices WHERE batch = 1 AND stan = 1",
        "SELECT a.id FROM advices a CROSS JOIN transactions t ON t.id = a.transaction_id
         WHERE a.state <> 'delivered' AND a.state = 'queued' AND merchant_code = 'a' ORDER BY a.id LIMIT 1",
    ] {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let plan: Vec<String> = statement.query_map([], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        assert!(plan.iter().all(|step| !step.starts_with("SCAN transactions")), "{plan:?}");
        assert!(plan.iter().all(|step| !step.starts_with("SCAN") || step.contains("USING INDEX")), "{plan:?}");
        assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE")), "{plan:?}");
    }
}

#[test]
fn an_advice_has_a_number_that_no_payment_of_its_batch_has_or_gets() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let payment = paid(&mut ledger, approved());
    let advice = ledger.next_advice().unwrap().unwrap().advice.trace;
    // The counter comes round again.
    ledger.connection.execute("UPDATE counters SET next_stan = ?1", [payment.stan.number()]).unwrap();
    let next = ledger.take_trace_number().unwrap();
    assert!(next != payment && next != advice, "{next}");
}
