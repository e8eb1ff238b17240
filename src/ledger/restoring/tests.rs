use jiff::ToSpan;
use jiff::civil::date;
use rusqlite::Connection;

use super::super::backup::tests::{at, copied, names};
use super::super::tests::{approved, host_approved, keeping, open, paid, pending, reversal_due, sold_offline};
use super::*;
use crate::payment::queue::EntryId;
use crate::payment::queue::{Act, Deed, Resolution, Standing};

fn restore(folder: &Path) -> Result<Restoration, LedgerError> {
    let merchant = MerchantCode::parse("898440100000001").unwrap();
    let terminal = TerminalNumber::parse("10000001").unwrap();
    Ledger::restore(&folder.join("ledger.sqlite"), merchant, terminal, "Wang", at(20))
}

fn reopen(folder: &Path) -> Result<Ledger, LedgerError> {
    let merchant = MerchantCode::parse("898440100000001").unwrap();
    Ledger::open(&folder.join("ledger.sqlite"), merchant, TerminalNumber::parse("10000001").unwrap())
}

/// Overwrites pages in the middle of the ledger, as a card that wears out does.
fn damage(folder: &Path) {
    let path = folder.join("ledger.sqlite");
    let connection = Connection::open(&path).unwrap();
    assert!(connecting::empty_log(&connection).unwrap());
    drop(connection);
    let mut content = std::fs::read(&path).unwrap();
    content[4096..4096 * 8].fill(0xA5);
    std::fs::write(&path, content).unwrap();
}

#[test]
fn a_damaged_ledger_takes_no_payment_and_its_copy_takes_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let kept = paid(&mut ledger, approved());
    ledger.keep_copy(at(8)).unwrap();
    let lost = paid(&mut ledger, approved());
    assert!(matches!(restore(directory.path()), Err(LedgerError::NotDamaged(_))), "never of a whole one");
    drop(ledger);
    damage(directory.path());
    let damaged = std::fs::read(directory.path().join("ledger.sqlite")).unwrap();
    let refused = reopen(directory.path()).unwrap_err();
    assert!(matches!(refused, LedgerError::Damaged { .. }), "{refused}");
    assert!(refused.to_string().contains("yima ledger restore"), "{refused}");

    let restoration = restore(directory.path()).unwrap();
    assert_eq!((restoration.made_at, restoration.by.as_str()), (at(8), "Wang"));
    let aside = names(directory.path(), "ledger-damaged-20261122T200000");
    assert_eq!(std::fs::read(directory.path().join(&aside[0])).unwrap(), damaged, "the damaged one is kept");
    let mut ledger = reopen(directory.path()).unwrap();
    assert_eq!(ledger.find(kept).unwrap().unwrap().state, State::Approved);
    assert_eq!(ledger.find(lost).unwrap(), None, "only the host knows it");
    let next = ledger.take_trace_number().unwrap();
    assert_eq!(next.stan, restoration.next);
    assert!(next.stan.number() > lost.stan.number() + 50_000, "no number is used twice");
    assert!(ledger.sign_on().unwrap().due, "keys and batch come anew");
    assert_eq!(ledger.restorations().unwrap(), [restoration]);
    assert!(ledger.connection.execute("DELETE FROM restorations", []).is_err());
    assert!(matches!(restore(directory.path()), Err(LedgerError::NotDamaged(_))));
}

#[test]
fn a_file_that_is_no_database_at_all_is_said_to_be_damaged() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("ledger.sqlite"), [0xA5; 8192]).unwrap();
    let refused = reopen(directory.path()).unwrap_err();
    assert!(matches!(refused, LedgerError::Damaged { .. }), "{refused}");
    assert!(matches!(restore(directory.path()), Err(LedgerError::NoCopy(_))));
}

#[test]
fn a_copy_that_is_damaged_itself_takes_nobody_s_place() {
    let directory = tempfile::tempdir().unwrap();
    copied(directory.path());
    damage(directory.path());
    let copy = directory.path().join(COPY);
    let mut content = std::fs::read(&copy).unwrap();
    content[4096..4096 * 8].fill(0xA5);
    std::fs::write(&copy, content).unwrap();
    let before = std::fs::read(directory.path().join("ledger.sqlite")).unwrap();
    assert!(matches!(restore(directory.path()), Err(LedgerError::Damaged { .. })));
    assert_eq!(std::fs::read(directory.path().join("ledger.sqlite")).unwrap(), before);
}

#[test]
fn what_was_cut_short_is_refused_until_it_is_done_again() {
    let directory = tempfile::tempdir().unwrap();
    let kept = copied(directory.path());
    damage(directory.path());
    let path = directory.path().join("ledger.sqlite");
    // The power went when the damaged one had been put aside, before the copy was in its place.
    std::fs::write(note_of(&path), "").unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(reopen(directory.path()), Err(LedgerError::HalfRestored(_))), "no empty ledger is made");
    restore(directory.path()).unwrap();
    assert!(reopen(directory.path()).unwrap().find(kept).unwrap().is_some());
}

#[test]
fn a_second_restoration_goes_on_where_the_first_one_left_off() {
    let directory = tempfile::tempdir().unwrap();
    let kept = copied(directory.path());
    damage(directory.path());
    let first = restore(directory.path()).unwrap();
    let mut ledger = reopen(directory.path()).unwrap();
    let used = ledger.take_trace_number().unwrap();
    assert_eq!(used.stan, first.next);
    drop(ledger);
    damage(directory.path());
    let second = restore(directory.path()).unwrap();
    assert_eq!(
        (second.known, second.made_at),
        (first.next, first.made_at),
        "payments since then are asked for as well"
    );
    let mut ledger = reopen(directory.path()).unwrap();
    assert!(ledger.take_trace_number().unwrap().stan.number() > used.stan.number() + 50_000);
    assert_eq!(ledger.restorations().unwrap(), [first, second]);
    assert!(ledger.find(kept).unwrap().is_some());
}

#[test]
fn the_start_after_a_restoration_makes_a_copy_however_young_the_last_one_is() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    ledger.keep_copy(at(19)).unwrap();
    drop(ledger);
    damage(directory.path());
    restore(directory.path()).unwrap();
    let mut ledger = reopen(directory.path()).unwrap();
    let soon = at(20).checked_add(1.minute()).unwrap();
    assert!(ledger.keep_copy(soon).unwrap());
    assert!(!ledger.keep_copy(soon).unwrap(), "once");
}

/// The payments are of 14:26, the copy takes the ledger's place at 20:00.
#[test]
fn what_a_person_may_have_decided_since_the_copy_is_not_sent_but_left_to_a_person() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let mut traces = Vec::new();
    for upto in 0..3 {
        let trace = ledger.take_trace_number().unwrap();
        let records = match upto {
            0 => vec![pending(100)],
            1 => vec![pending(200), host_approved()],
            _ => vec![pending(300), reversal_due()],
        };
        records.iter().for_each(|record| ledger.record(trace, record).unwrap());
        traces.push(trace);
    }
    let paid = paid(&mut ledger, approved());
    ledger.keep_copy(date(2026, 11, 22).at(14, 30, 0, 0)).unwrap();
    // At the counter one was given up, and the acquirer says that it is charged: the goods are handed out.
    ledger.park(EntryId::Reversal(traces[2]), None).unwrap();
    let deed = Deed {
        act: Act::Resolve(Resolution::Charged),
        by: "Li".to_owned(),
        note: "the bank says so".to_owned(),
        at: at(19),
    };
    ledger.decide(traces[2], &deed).unwrap();
    drop(ledger);
    damage(directory.path());
    restore(directory.path()).unwrap();

    let ledger = reopen(directory.path()).unwrap();
    for trace in &traces {
        let entry = ledger.entry_of(*trace).unwrap().unwrap();
        assert_eq!((entry.standing, entry.reason), (Standing::Parked, Some(ReasonKind::LedgerRestored)), "{trace}");
    }
    assert_eq!(ledger.in_state(State::ReversalDue).unwrap(), [], "none goes out by itself");
    assert_eq!(ledger.dead_letters_without_slip().unwrap().len(), 3, "paper says it as well");
    let advice = ledger.next_advice().unwrap().unwrap();
    assert_eq!(advice.advice.original, paid, "what only tells the host something is told again");
}

#[test]
fn an_old_offline_sale_is_told_by_nobody_but_a_person_and_a_young_one_goes_on() {
    for (restored_at, standing) in [(at(20), Standing::Parked), (date(2026, 11, 22).at(15, 0, 0, 0), Standing::Waiting)]
    {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = keeping(directory.path());
        let trace = ledger.take_trace_number().unwrap();
        ledger.record(trace, &sold_offline(1234)).unwrap();
        ledger.keep_copy(date(2026, 11, 22).at(14, 30, 0, 0)).unwrap();
        drop(ledger);
        damage(directory.path());
        let merchant = MerchantCode::parse("898440100000001").unwrap();
        let terminal = TerminalNumber::parse("10000001").unwrap();
        let path = directory.path().join("ledger.sqlite");
        Ledger::restore(&path, merchant, terminal, "Wang", restored_at).unwrap();
        let ledger = reopen(directory.path()).unwrap();
        let entry = ledger.entry_of(trace).unwrap().unwrap();
        let reason = (standing == Standing::Parked).then_some(ReasonKind::LedgerRestored);
        assert_eq!((entry.standing, entry.reason), (standing, reason), "{restored_at}");
    }
}

#[test]
fn what_nobody_can_have_decided_since_the_copy_is_taken_back() {
    for (restored_at, standing) in [
        (date(2026, 11, 22).at(14, 26, 9, 0), Standing::Waiting),
        (date(2026, 11, 22).at(16, 26, 8, 0), Standing::Waiting),
        (date(2026, 11, 22).at(16, 26, 9, 0), Standing::Parked),
        // A clock that goes wrong says nothing about what may have happened.
        (date(2026, 11, 22).at(14, 26, 8, 0), Standing::Parked),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let trace = ledger.take_trace_number().unwrap();
        ledger.record(trace, &pending(100)).unwrap();
        ledger.record(trace, &reversal_due()).unwrap();
        ledger.keep_copy(at(14)).unwrap();
        drop(ledger);
        damage(directory.path());
        let merchant = MerchantCode::parse("898440100000001").unwrap();
        let terminal = TerminalNumber::parse("10000001").unwrap();
        Ledger::restore(&directory.path().join("ledger.sqlite"), merchant, terminal, "Wang", restored_at).unwrap();
        let entry = reopen(directory.path()).unwrap().entry_of(trace).unwrap().unwrap();
        assert_eq!(entry.standing, standing, "{restored_at}");
    }
}

#[test]
fn a_restoration_that_is_cut_short_gives_no_number_twice_when_it_is_done_again() {
    let directory = tempfile::tempdir().unwrap();
    copied(directory.path());
    damage(directory.path());
    let path = directory.path().join("ledger.sqlite");
    let old_copy = std::fs::read(path.with_file_name(COPY)).unwrap();
    let first = restore(directory.path()).unwrap();
    // The power went between the exchange of the ledger and that of the copy, or after both.
    for copy in [Some(old_copy), None] {
        std::fs::write(note_of(&path), "").unwrap();
        if let Some(copy) = copy {
            std::fs::write(path.with_file_name(COPY), copy).unwrap();
        }
        assert!(matches!(reopen(directory.path()), Err(LedgerError::HalfRestored(_))));
        let again = restore(directory.path()).unwrap();
        assert!(again.next >= first.next);
        let mut ledger = reopen(directory.path()).unwrap();
        assert_eq!(ledger.take_trace_number().unwrap().stan, again.next);
    }
}

#[test]
fn the_copy_of_another_terminal_takes_nobodys_place() {
    let directory = tempfile::tempdir().unwrap();
    copied(directory.path());
    std::fs::remove_file(directory.path().join("ledger.sqlite")).unwrap();
    let merchant = MerchantCode::parse("898440100000002").unwrap();
    let terminal = TerminalNumber::parse("10000009").unwrap();
    let refused =
        Ledger::restore(&directory.path().join("ledger.sqlite"), merchant, terminal, "Wang", at(20)).unwrap_err();
    assert!(matches!(refused, LedgerError::NoCopy(_)), "{refused}");
}

#[test]
fn what_nobody_can_read_any_more_is_kept_beside() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.sqlite");
    std::fs::write(&path, [0xA5; 8192]).unwrap();
    std::fs::write(path.with_file_name(COPY), [0x5A; 8192]).unwrap();
    assert!(!Ledger::has_whole_copy(&path));
    Ledger::put_remains_aside(&path, at(20)).unwrap();
    assert_eq!(
        names(directory.path(), "ledger"),
        ["ledger-damaged-20261122T200000.sqlite", "ledger-damaged-20261122T200000.sqlite-copy"]
    );
    drop(open(directory.path()));
}
