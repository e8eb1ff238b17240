use std::path::Path;

use jiff::civil::{DateTime, date};

use super::super::PrintState;
use super::super::backup::check_whole;
use super::super::backup::tests::names;
use super::super::connecting::empty_log;
use super::super::tests::{about, approved, host_approved, open, pending_sale, reversal_due};
use super::*;
use crate::payment::queue::{Act, Deed, EntryId, Resolution};
use crate::payment::record::{Pending, Record, State};
use crate::payment::transaction::Kind;
use crate::proof::export;
use crate::proof::verify::{Trust, verify};
use crate::receipt::CopyFor;
use crate::reference::{Batch, ResponseCode, TraceNumber};
use crate::terminal::settings::LEAST_KEPT_DAYS;
use crate::wording::ReasonKind;

/// Three years and more after the payments of these tests.
fn later() -> DateTime {
    date(2027, 1, 20).at(8, 0, 0, 0)
}

fn begin(ledger: &mut Ledger, at: DateTime) -> TraceNumber {
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &Record::Pending(Box::new(Pending { at, ..pending_sale(1234) }))).unwrap();
    trace
}

/// Paid, told to the host, and on paper.
fn paid(ledger: &mut Ledger, at: DateTime) -> TraceNumber {
    let trace = begin(ledger, at);
    ledger.record(trace, &host_approved()).unwrap();
    ledger.record(trace, &approved()).unwrap();
    let id = ledger.next_advice().unwrap().unwrap().id;
    ledger.done(EntryId::Advice(id)).unwrap();
    for copy in ledger.copies_of(trace).unwrap() {
        ledger.copy_is(&copy, PrintState::Printed).unwrap();
    }
    trace
}

fn declined(ledger: &mut Ledger, at: DateTime) -> TraceNumber {
    let trace = begin(ledger, at);
    let code = ResponseCode::parse("51").unwrap();
    let record = Record::NotPaid { reason: ReasonKind::HostDeclined, response_code: Some(code), rrn: None };
    ledger.record(trace, &record).unwrap();
    trace
}

fn given_up(ledger: &mut Ledger, at: DateTime) -> TraceNumber {
    let trace = begin(ledger, at);
    ledger.record(trace, &reversal_due()).unwrap();
    ledger.park(EntryId::Reversal(trace), None).unwrap();
    trace
}

fn resolve(ledger: &mut Ledger, trace: TraceNumber) {
    let deed =
        Deed { act: Act::Resolve(Resolution::Charged), by: "Wang".to_owned(), note: "asked".to_owned(), at: later() };
    ledger.decide(trace, &deed).unwrap();
    for letter in ledger.dead_letters_without_slip().unwrap() {
        ledger.slip_of_dead_letter_is(letter.id, true).unwrap();
    }
}

/// The batch ends, and somebody pays in the next one.
fn end_batch(ledger: &mut Ledger, number: u32) -> TraceNumber {
    ledger.signed_on(Batch::new(number).ok(), later()).unwrap();
    paid(ledger, later())
}

fn archive(ledger: &mut Ledger) -> Option<ArchiveRow> {
    ledger.archive_a_month(LEAST_KEPT_DAYS, later()).unwrap()
}

fn traces(ledger: &Ledger) -> Vec<TraceNumber> {
    let mut traces: Vec<_> = ledger.page(0, 100).unwrap().iter().map(|row| row.trace).collect();
    traces.sort();
    traces
}

fn may(day: i8) -> DateTime {
    date(2023, 5, day).at(12, 0, 0, 0)
}

#[test]
fn a_month_that_is_old_enough_leaves_for_a_file_and_is_read_from_there() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let old = [paid(&mut ledger, may(1)), declined(&mut ledger, may(31)), given_up(&mut ledger, may(2))];
    resolve(&mut ledger, old[2]);
    let june = paid(&mut ledger, date(2023, 6, 1).at(0, 0, 0, 0));
    let newest = end_batch(&mut ledger, 2);
    let rows: Vec<_> = old.iter().map(|trace| ledger.find(*trace).unwrap().unwrap()).collect();
    let (deeds, slips) = (ledger.deeds().unwrap(), ledger.copies_of(old[0]).unwrap());
    let left = archive(&mut ledger).unwrap();
    assert_eq!((left.first_at, left.last_at, left.payments, left.made_at), (may(1), may(31), 3, later()));
    assert!(left.name.starts_with("ledger-archive-2023-05-"), "{}", left.name);
    assert_eq!(traces(&ledger), [june, newest]);
    assert_eq!((ledger.find(old[0]).unwrap(), ledger.deeds().unwrap()), (None, Vec::new()));

    // As after a restart, from another connection that only looks.
    drop(ledger);
    let ledger = open(directory.path());
    assert_eq!(ledger.archives().unwrap(), std::slice::from_ref(&left));
    let opened = ledger.open_archive(&left).unwrap();
    for (trace, row) in old.iter().zip(rows) {
        assert_eq!(opened.find(*trace).unwrap(), Some(row));
    }
    assert_eq!((opened.deeds().unwrap(), opened.copies_of(old[0]).unwrap()), (deeds, slips));
    assert_eq!(opened.page(0, 9).unwrap().len(), 3);
    assert!(opened.unlogged().unwrap().is_empty());
}

fn voided(ledger: &mut Ledger, original: TraceNumber, at: DateTime) -> TraceNumber {
    let Record::Pending(mut void) = about(ledger, Kind::Void, original, 1234) else { panic!("it begins") };
    void.at = at;
    let trace = ledger.take_trace_number().unwrap();
    for record in [Record::Pending(void), host_approved(), Record::Done] {
        ledger.record(trace, &record).unwrap();
    }
    trace
}

fn print(ledger: &mut Ledger, trace: TraceNumber) {
    for copy in ledger.copies_of(trace).unwrap() {
        ledger.copy_is(&copy, PrintState::Printed).unwrap();
    }
}

#[test]
fn a_payment_leaves_with_what_refers_to_it_or_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let june = date(2023, 6, 1).at(0, 0, 0, 0);
    let sales = [paid(&mut ledger, may(1)), paid(&mut ledger, may(2)), paid(&mut ledger, may(30))];
    let voids = [
        voided(&mut ledger, sales[0], may(1)),
        voided(&mut ledger, sales[1], may(3)),
        voided(&mut ledger, sales[2], june),
    ];
    let newest = end_batch(&mut ledger, 2);
    print(&mut ledger, voids[0]);
    print(&mut ledger, voids[2]);
    let rows: Vec<_> = sales.iter().chain(&voids).map(|trace| ledger.find(*trace).unwrap().unwrap()).collect();
    let mut left = Vec::new();
    let mut leave = |ledger: &mut Ledger, month: &str, payments: u32| {
        let archive = archive(ledger).unwrap();
        assert!(archive.name.contains(month), "{}", archive.name);
        assert_eq!(archive.payments, payments);
        left.push(archive);
    };
    // One of May has a slip to print, and one is referred to in June.
    leave(&mut ledger, "2023-05", 2);
    assert_eq!(traces(&ledger).len(), 5);
    // What stays in May holds June up for nobody.
    leave(&mut ledger, "2023-06", 1);
    leave(&mut ledger, "2023-05", 1);
    assert_eq!(archive(&mut ledger), None);
    print(&mut ledger, voids[1]);
    leave(&mut ledger, "2023-05", 2);
    assert_eq!(traces(&ledger), [newest]);
    let opened: Vec<_> = left.iter().map(|archive| ledger.open_archive(archive).unwrap()).collect();
    for row in rows {
        let found = opened.iter().find_map(|archive| archive.find(row.trace).unwrap());
        assert_eq!(found, Some(row), "also where what it refers to is in another file");
    }
    assert!(opened.iter().all(|archive| archive.unlogged().unwrap().is_empty()));
    check_whole(&ledger.connection, &ledger.path).unwrap();
}

#[test]
fn months_leave_one_after_the_other_until_the_law_keeps_them() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    // 1096 days before the newest payment is the 20th of January 2024: its month stays whole.
    let months = [date(2023, 11, 30), date(2023, 12, 31), date(2024, 1, 1), date(2024, 1, 20)];
    let old: Vec<_> = months.iter().map(|day| paid(&mut ledger, day.at(23, 59, 59, 0))).collect();
    let newest = end_batch(&mut ledger, 2);
    let mut left: Vec<String> =
        std::iter::from_fn(|| archive(&mut ledger)).map(|left| left.name[15..22].to_owned()).collect();
    left.sort();
    assert_eq!(left, ["2023-11", "2023-12"]);
    assert_eq!(traces(&ledger), [old[2], old[3], newest]);
    // Whoever keeps them for longer, keeps them; nobody keeps them for less.
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let day = |day: i8| date(2023, 12, day).at(9, 0, 0, 0);
    paid(&mut ledger, day(1));
    end_batch(&mut ledger, 2);
    assert_eq!(ledger.archive_a_month(1127, later()).unwrap(), None);
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    paid(&mut ledger, date(2024, 2, 1).at(9, 0, 0, 0));
    end_batch(&mut ledger, 2);
    assert_eq!(ledger.archive_a_month(1, later()).unwrap(), None);
}

#[test]
fn a_clock_that_is_wrong_moves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    paid(&mut ledger, may(1));
    end_batch(&mut ledger, 2);
    assert_eq!(ledger.archive_a_month(LEAST_KEPT_DAYS, date(2023, 6, 1).at(0, 0, 0, 0)).unwrap(), None);
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    paid(&mut ledger, may(1));
    ledger.signed_on(Batch::new(2).ok(), may(2)).unwrap();
    paid(&mut ledger, may(2));
    assert_eq!(ledger.archive_a_month(LEAST_KEPT_DAYS, date(2099, 1, 1).at(0, 0, 0, 0)).unwrap(), None);
}

#[test]
fn what_is_not_over_for_everybody_stays() {
    type Put = fn(&mut Ledger);
    let cases: [(&str, Put); 8] = [
        ("of the batch that is open", |ledger| {
            ledger.connection.execute("UPDATE counters SET batch = 1", []).unwrap();
        }),
        ("under way", |ledger| {
            begin(ledger, may(1));
        }),
        ("not decided", |ledger| {
            given_up(ledger, may(1));
        }),
        ("not taken back yet", |ledger| {
            let trace = begin(ledger, may(1));
            ledger.record(trace, &reversal_due()).unwrap();
        }),
        ("the host waits for its TC", |ledger| {
            let trace = begin(ledger, may(1));
            ledger.record(trace, &host_approved()).unwrap();
            ledger.record(trace, &approved()).unwrap();
        }),
        ("perhaps on paper", |ledger| {
            let trace = paid(ledger, may(1));
            let slip = ledger.queue_copy(trace, CopyFor::Customer).unwrap();
            ledger.copy_is(&slip, PrintState::SentUnconfirmed).unwrap();
        }),
        ("its card number can be read", |ledger| {
            paid(ledger, may(1));
            let key = "INSERT INTO pan_keys SELECT max(id), 1, zeroblob(60) FROM transactions";
            ledger.connection.execute(key, []).unwrap();
        }),
        ("its slip is due", |ledger| {
            let trace = given_up(ledger, may(1));
            let deed = Deed {
                act: Act::Resolve(Resolution::Reversed),
                by: "Wang".to_owned(),
                note: "asked".to_owned(),
                at: later(),
            };
            ledger.decide(trace, &deed).unwrap();
        }),
    ];
    for (what, put) in cases {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        if what.contains("batch") {
            paid(&mut ledger, may(1));
            paid(&mut ledger, later());
        }
        put(&mut ledger);
        if !what.contains("batch") {
            end_batch(&mut ledger, 2);
        }
        let before = traces(&ledger);
        assert_eq!(archive(&mut ledger), None, "{what}");
        assert_eq!(traces(&ledger), before, "{what}");
        assert_eq!(names(directory.path(), "archive"), Vec::<String>::new(), "{what}");
    }
}

#[test]
fn the_newest_payment_stays_so_that_no_row_gets_its_number_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    // The clock was put back: the newest row is the oldest payment.
    paid(&mut ledger, later());
    let newest = paid(&mut ledger, may(1));
    ledger.signed_on(Batch::new(2).ok(), later()).unwrap();
    assert_eq!(archive(&mut ledger), None);
    let last = end_batch(&mut ledger, 3);
    assert!(archive(&mut ledger).is_some());
    assert!(!traces(&ledger).contains(&newest) && traces(&ledger).contains(&last));
    ledger.keep_copy(later()).unwrap();
    drop(ledger);
    assert!(open(directory.path()).keep_copy(later()).is_ok(), "it is not taken for an earlier one");
}

#[test]
fn the_log_is_verified_over_what_has_left() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let first = given_up(&mut ledger, may(3));
    paid(&mut ledger, may(1));
    paid(&mut ledger, date(2023, 6, 1).at(0, 0, 0, 0));
    // Its leaf stands among those of later payments.
    resolve(&mut ledger, first);
    end_batch(&mut ledger, 2);
    let (head, before) = (ledger.log_head().unwrap(), export::file(&ledger.log_items().unwrap()));
    archive(&mut ledger).unwrap();
    archive(&mut ledger).unwrap();
    assert_eq!(ledger.log_head().unwrap(), head);
    assert_eq!(export::file(&ledger.log_items().unwrap()), before, "an export says the same as ever");
    assert_eq!(ledger.log_tree(head.size).unwrap().head(), head);
    let trust = Trust { growing: true, ..Trust::default() };
    assert_eq!(verify(before.as_bytes(), &trust).unwrap().head, head);
    // It goes on from there.
    paid(&mut ledger, later());
    let after = ledger.log_head().unwrap();
    assert_eq!(ledger.log_tree(after.size).unwrap().head(), after);
    for sql in [
        "DELETE FROM archived_leaves",
        "UPDATE archived_leaves SET hash = zeroblob(32)",
        "DELETE FROM archives",
        "UPDATE archives SET name = 'x'",
        "DELETE FROM log_leaves",
    ] {
        assert!(ledger.connection.execute(sql, []).is_err(), "{sql}");
    }
}

#[test]
fn an_archive_that_was_changed_or_is_gone_is_named_and_harms_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    paid(&mut ledger, may(1));
    let newest = end_batch(&mut ledger, 2);
    let left = archive(&mut ledger).unwrap();
    let path = directory.path().join(&left.name);
    let whole = std::fs::read(&path).unwrap();
    let text = ledger.unpack(&left.name).unwrap();
    let other = pack(&text.replace("\"amount\":1234", "\"amount\":9999"));
    let mut broken = whole.clone();
    broken[whole.len() / 2] ^= 1;
    for (content, what) in
        [(other, "not what left"), (broken, "damaged"), (whole[..40].to_vec(), "damaged"), (Vec::new(), "damaged")]
    {
        std::fs::write(&path, content).unwrap();
        for refused in [ledger.open_archive(&left).unwrap_err(), ledger.log_items().unwrap_err()] {
            assert!(matches!(refused, LedgerError::Archive { .. }) && refused.to_string().contains(what), "{refused}");
        }
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(ledger.open_archive(&left), Err(LedgerError::File { .. })));
    assert_eq!(ledger.find(newest).unwrap().unwrap().state, State::Approved);
    std::fs::write(&path, whole).unwrap();
    assert!(ledger.open_archive(&left).is_ok());
}

fn pack(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn an_archive_is_read_without_this_program_and_holds_each_payment_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let old = [paid(&mut ledger, may(1)), paid(&mut ledger, may(2))];
    ledger.connection.execute("UPDATE transactions SET sealed_pan = zeroblob(44)", []).unwrap();
    end_batch(&mut ledger, 2);
    let left = archive(&mut ledger).unwrap();
    let text = ledger.unpack(&left.name).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0], serde_json::json!({ "format": "yima-archive-1" }));
    let stans: Vec<_> = lines[1..].iter().map(|line| line["transactions"][0]["stan"].as_u64().unwrap()).collect();
    assert_eq!(stans, old.map(|trace| u64::from(trace.stan.number())));
    assert_eq!(lines[1]["copies"].as_array().unwrap().len(), 2);
    for gone in ["chip_data", "sealed_pan"] {
        assert_eq!(lines[1]["transactions"][0].get(gone), None, "there is none any more");
    }
}

/// A disk that fills up, or power that goes, at each step before the end: everything is in the ledger, and the next time leaves
/// one file.
#[test]
fn a_move_that_does_not_come_to_its_end_has_moved_nothing() {
    for (table, act) in
        [("archives", "INSERT"), ("archived_leaves", "INSERT"), ("copies", "DELETE"), ("transactions", "DELETE")]
    {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        paid(&mut ledger, may(1));
        paid(&mut ledger, may(2));
        end_batch(&mut ledger, 2);
        let before = (traces(&ledger), export::file(&ledger.log_items().unwrap()));
        let fault = format!(
            "CREATE TEMP TRIGGER full BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        );
        ledger.connection.execute_batch(&fault).unwrap();
        assert!(ledger.archive_a_month(LEAST_KEPT_DAYS, later()).is_err(), "{act} {table}");
        assert_eq!((traces(&ledger), export::file(&ledger.log_items().unwrap())), before, "{act} {table}");
        assert_eq!(ledger.archives().unwrap(), []);
        let orphan = names(directory.path(), "archive");
        assert_eq!(orphan.len(), 1, "the file comes first");
        drop(ledger);
        let mut ledger = open(directory.path());
        let left = archive(&mut ledger).unwrap();
        assert_eq!(names(directory.path(), "archive"), orphan, "the same file again");
        assert_eq!(
            (vec![left.name.clone()], ledger.open_archive(&left).unwrap().page(0, 9).unwrap().len()),
            (orphan, 2)
        );
        assert_eq!(ledger.count().unwrap(), 1);
    }
}

/// A file that is not what was written is found before anything is deleted.
#[test]
fn a_file_that_cannot_be_written_lets_nobody_leave() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    paid(&mut ledger, may(1));
    end_batch(&mut ledger, 2);
    let name = {
        let elsewhere = tempfile::tempdir().unwrap();
        let mut same = open(elsewhere.path());
        paid(&mut same, may(1));
        end_batch(&mut same, 2);
        archive(&mut same).unwrap().name
    };
    // A folder in the place of the file.
    std::fs::create_dir_all(directory.path().join(&name).join("x")).unwrap();
    let before = traces(&ledger);
    assert!(matches!(ledger.archive_a_month(LEAST_KEPT_DAYS, later()), Err(LedgerError::File { .. })));
    assert_eq!(traces(&ledger), before);
}

/// The ledger as it is on disk when the power goes, with the first `kept` bytes of what was written last.
fn cut(folder: &Path, kept: usize) -> tempfile::TempDir {
    let after = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), after.path().join(entry.file_name())).unwrap();
    }
    let written = std::fs::read(folder.join("ledger.sqlite-wal")).unwrap();
    std::fs::write(after.path().join("ledger.sqlite-wal"), &written[..kept]).unwrap();
    let _ = std::fs::remove_file(after.path().join("ledger.sqlite-shm"));
    after
}

#[test]
fn a_power_cut_within_the_move_leaves_each_payment_in_one_place() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let old: Vec<_> = (1..=20).map(|day| paid(&mut ledger, may(day))).collect();
    end_batch(&mut ledger, 2);
    assert!(empty_log(&ledger.connection).unwrap());
    let whole = export::file(&ledger.log_items().unwrap());
    archive(&mut ledger).unwrap();
    let written = std::fs::metadata(directory.path().join("ledger.sqlite-wal")).unwrap().len() as usize;
    let (mut before, mut after) = (0, 0);
    for kept in (0..=written).step_by(2060).chain([written]) {
        let folder = cut(directory.path(), kept);
        let ledger = open(folder.path());
        let archives = ledger.archives().unwrap();
        let archived = archives.first().map(|archive| ledger.open_archive(archive).unwrap());
        for trace in &old {
            let here = ledger.find(*trace).unwrap().is_some();
            let there = archived.as_ref().is_some_and(|archived| archived.find(*trace).unwrap().is_some());
            assert!(here != there, "{trace}, cut at {kept}");
        }
        if archived.is_some() {
            after += 1
        } else {
            before += 1
        }
        assert_eq!(export::file(&ledger.log_items().unwrap()), whole, "cut at {kept}");
        assert!(ledger.unlogged().unwrap().is_empty(), "cut at {kept}");
    }
    assert!(before > 5 && after > 0, "{before} {after}: the cuts went through all of it");
}

/// A copy from before the move takes the place of the ledger after it.
#[test]
fn a_restored_ledger_lets_the_same_payments_leave_again_into_the_same_file() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let old = paid(&mut ledger, may(1));
    end_batch(&mut ledger, 2);
    ledger.keep_copy(later()).unwrap();
    let left = archive(&mut ledger).unwrap();
    drop(ledger);
    for beside in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"] {
        let _ = std::fs::remove_file(directory.path().join(beside));
    }
    std::fs::copy(directory.path().join("ledger-copy.sqlite"), directory.path().join("ledger.sqlite")).unwrap();
    let mut ledger = open(directory.path());
    assert!(ledger.find(old).unwrap().is_some());
    assert_eq!(ledger.archives().unwrap(), [], "what is in the ledger is read there alone");
    assert_eq!(archive(&mut ledger).unwrap().name, left.name);
    assert_eq!(names(directory.path(), "archive"), [left.name]);
}
