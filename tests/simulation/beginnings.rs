//! A disk that fails, or is full, while the ledger is made: once it is well again the ledger opens, and what is written from then
//! on outlives the next power cut. And a log that looks whole and is not on the disk, because a sync failed: a power cut while it
//! is put in order damages nothing, and what it ends with was not done.

use rusqlite::Connection;
use yima::ledger::{Ledger, LedgerError};
use yima::payment::record::{Record, State};
use yima::reference::TraceNumber;
use yima::wording::ReasonKind;

use crate::disk::{self, Moment, Survives, Trouble};
use crate::pending::pending;
use crate::premises;

/// So often somebody switches the terminal on before giving it up: more than the longest trouble has writes.
const TRIES: usize = 40;

/// Somebody switches the terminal on until it starts; a power cut meanwhile is over the next time.
fn begun(survives: Survives) -> Result<Ledger, LedgerError> {
    let mut last = None;
    for _ in 0..TRIES {
        match premises::with(premises::Premises::ledger) {
            Ok(ledger) => return Ok(ledger),
            Err(error) => last = Some(error),
        }
        if disk::is_dead() {
            disk::restore(survives);
        }
    }
    Err(last.unwrap())
}

/// Begins a ledger on a disk with these troubles and takes numbers; the power goes, and the next one must be another.
fn begin(seed: u64, troubles: &[(u64, Trouble)], survives: Survives) -> Result<TraceNumber, String> {
    disk::fresh(seed, troubles.iter().copied());
    let failed = |what: &str, error: LedgerError| format!("{what}: {error} ({error:?})");
    let mut ledger = begun(survives).map_err(|error| failed("cannot be begun", error))?;
    disk::heal();
    let mut taken = Vec::new();
    for _ in 0..3 {
        taken.push(ledger.take_trace_number().map_err(|error| failed("takes no number", error))?);
    }
    disk::cut();
    drop(ledger);
    disk::restore(survives);
    let mut ledger = begun(survives).map_err(|error| failed("cannot be opened again", error))?;
    let next = ledger.take_trace_number().map_err(|error| failed("takes no number any more", error))?;
    drop(ledger);
    if taken.contains(&next) { Err(format!("{next} is given again")) } else { Ok(next) }
}

/// Writes and syncs with which a ledger is begun.
fn operations() -> u64 {
    disk::fresh(1, []);
    drop(begun(Survives::All).unwrap());
    disk::operations()
}

/// Every write and sync with which a ledger is begun meets each trouble, so long, and the power goes in each way, with so many
/// seeds.
fn beginnings(troubles: &[Trouble], lengths: &[u64], ends: &[(Survives, u64)]) {
    premises::with(|_| ());
    let operations = operations();
    assert!(operations > 20, "{operations} writes and syncs");
    let (mut count, mut found) = (0, Vec::new());
    for at in 0..operations + 8 {
        for (trouble, length) in
            troubles.iter().flat_map(|trouble| lengths.iter().map(move |length| (*trouble, *length)))
        {
            let met: Vec<_> = (at..at + length).map(|operation| (operation, trouble)).collect();
            for (survives, seed) in
                ends.iter().flat_map(|(survives, seeds)| (0..*seeds).map(move |seed| (*survives, seed)))
            {
                count += 1;
                if let Err(problem) = begin(seed, &met, survives) {
                    found.push(format!("{trouble:?} {at}+{length}, {survives:?}, {seed}: {problem}"));
                }
            }
        }
    }
    println!("{operations} writes and syncs, {count} beginnings, {} went wrong", found.len());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_disk_that_fails_while_the_ledger_is_begun_does_no_harm_that_lasts() {
    beginnings(&[Trouble::Broken], &[2], &[(Survives::Synced, 1)]);
    beginnings(&[Trouble::Full], &[3], &[(Survives::Synced, 1)]);
}

#[test]
#[ignore = "begins a ledger some thousand times: ./dev simulate --every-write"]
fn every_write_of_a_beginning_meets_everything() {
    let ends = [(Survives::All, 1), (Survives::Synced, 1), (Survives::Sectors, 3)];
    beginnings(&[Trouble::Broken, Trouble::Full], &[1, 2, 3, 5, 20], &ends);
}

/// A ledger with payments and a log. What was written last was not synced, and nothing says so: a program that met that and ended
/// before it could write something else in its place.
fn with_a_log_of_which_half_is_lost(seed: u64) -> Vec<TraceNumber> {
    disk::fresh(seed, []);
    let mut ledger = begun(Survives::Synced).unwrap();
    let pay = |ledger: &mut Ledger| {
        let trace = ledger.take_trace_number()?;
        ledger.record(trace, &pending(12_34)).map(|()| trace)
    };
    let mut paid: Vec<_> = (0..20).map(|_| pay(&mut ledger).unwrap()).collect();
    let path = premises::with(premises::Premises::ledger_path);
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    // A part of the pages is in the log as it is on the disk.
    paid.push(pay(&mut ledger).unwrap());
    disk::fail_syncs(u32::MAX);
    // All of an index is another.
    assert!(connection.execute("UPDATE transactions SET at = '2020-01-01T00:00:' || (10 + id)", []).is_err());
    drop((connection, ledger));
    disk::heal();
    paid
}

/// What the file of the ledger says of itself.
fn integrity() -> String {
    let path = premises::with(premises::Premises::ledger_path);
    let connection = Connection::open(path).unwrap();
    connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_power_cut_while_a_log_that_is_half_lost_is_settled_damages_nothing() {
    premises::with(|_| ());
    let (mut cuts, mut found) = (0, Vec::new());
    for (survives, seed) in [(Survives::Synced, 0), (Survives::Sectors, 0), (Survives::Sectors, 1)] {
        for at in 0.. {
            let paid = with_a_log_of_which_half_is_lost(seed);
            disk::meet([(at, Trouble::Cut(Moment::Within))]);
            let opened = premises::with(premises::Premises::ledger)
                .and_then(|mut ledger| ledger.take_trace_number().map(|_| ledger));
            let is_over = !disk::is_dead();
            disk::cut();
            drop(opened);
            disk::restore(survives);
            cuts += 1;
            let ledger = begun(survives).unwrap();
            let there = paid.iter().all(|trace| ledger.find(*trace).unwrap().is_some());
            drop(ledger);
            let verdict = integrity();
            if verdict != "ok" || !there {
                found.push(format!("{survives:?} {seed}, cut at {at}: {verdict}, all there: {there}"));
            }
            if is_over {
                break;
            }
        }
    }
    println!("{cuts} cuts, {} went wrong", found.len());
    assert!(cuts > 60, "{cuts}");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_could_not_be_committed_is_not_found_done_at_the_next_start() {
    premises::with(|_| ());
    let declined = Record::NotPaid { reason: ReasonKind::HostDeclined, response_code: None, rrn: None };
    // Only the sync that would make it so fails, and all of them until the program has ended.
    for syncs in [1, u32::MAX] {
        disk::fresh(0, []);
        let mut ledger = begun(Survives::All).unwrap();
        let trace = ledger.take_trace_number().unwrap();
        ledger.record(trace, &pending(12_34)).unwrap();
        disk::fail_syncs(syncs);
        assert!(ledger.record(trace, &declined).is_err());
        drop(ledger);
        disk::heal();
        let ledger = begun(Survives::All).unwrap();
        assert_eq!(ledger.find(trace).unwrap().unwrap().state, State::Pending, "{syncs} syncs failed");
    }
}
