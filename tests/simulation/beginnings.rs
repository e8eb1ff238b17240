//! A disk that fails, or is full, while the ledger is made: once it is well again the ledger opens, and what is written from then
//! on outlives the next power cut.

use yima::ledger::{Ledger, LedgerError};
use yima::reference::TraceNumber;

use crate::disk::{self, Survives, Trouble};
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
