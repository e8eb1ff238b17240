//! Our kernel beside another one, crate `emv` 0.1.1, over ten thousand cards and terminals: TVR, TSI, requested
//! cryptogram and outcome agree, or the difference is one of those in `differences`, which the Book decides.
//!
//! The first GENERATE AC is compared by what the card is told: its CDOL1 asks for TVR and TSI.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test that cannot go on fails here and now")]

mod card;
mod case;
mod differences;
mod kernels;

use std::collections::BTreeSet;

use case::Case;
use differences::{DIFFERENCES, Difference};
use kernels::{Ending, Run};
use yima::emv::terminal::TerminalData;

const CASES: u64 = 10_000;

/// What of two runs is not explained by the differences that concern the case.
fn unexplained(known: &[&Difference], ours: &Run, theirs: &Run) -> Option<&'static str> {
    let tvr: [u8; 5] = std::array::from_fn(|byte| !known.iter().fold(0, |mask, one| mask | one.tvr[byte]));
    let tsi: [u8; 2] = std::array::from_fn(|byte| !known.iter().fold(0, |mask, one| mask | one.tsi[byte]));
    let same = |one: &[u8], other: &[u8], mask: &[u8]| {
        one.iter().zip(other).zip(mask).all(|((one, other), mask)| (one ^ other) & mask == 0)
    };
    let ends = known.iter().any(|one| one.ends);
    let mut follows = false;
    match (&ours.judged, &theirs.judged) {
        (Some(our), Some(their)) => {
            if !same(&our.tvr, &their.tvr, &tvr) {
                return Some("TVR at the first GENERATE AC");
            }
            if !same(&our.tsi, &their.tsi, &tsi) {
                return Some("TSI at the first GENERATE AC");
            }
            // What is decided follows from the TVR: only where that differs may this.
            follows = our.tvr != their.tvr;
            if our.requested != their.requested {
                return (!follows).then_some("requested cryptogram");
            }
        }
        (None, None) => {}
        (None, Some(_)) | (Some(_), None) => return (!ends).then_some("one comes to a cryptogram, the other does not"),
    }
    if ours.ending != theirs.ending {
        return (!ends && !follows).then_some("outcome");
    }
    // Results of a transaction that cannot go on go nowhere.
    if ours.ending == Ending::Terminated {
        return None;
    }
    if !same(&ours.tvr, &theirs.tvr, &tvr) {
        return Some("TVR at the end");
    }
    (!same(&ours.tsi, &theirs.tsi, &tsi)).then_some("TSI at the end")
}

/// A case that the list does not explain, with what was said to our kernel as `yima emv replay` reads it.
fn report(seed: u64, what: &str, case: &Case, ours: &Run, theirs: &Run) -> String {
    let results = |run: &Run| format!("{:02X?} {:02X?} {:?} {:02X?}", run.tvr, run.tsi, run.ending, run.judged);
    let (ours_in_short, theirs_in_short) = (results(ours), results(theirs));
    format!("case {seed}: {what}\nours   {ours_in_short}\ntheirs {theirs_in_short}\n{case:02X?}\n{}", ours.script)
}

#[test]
fn both_kernels_agree_or_the_book_says_who_is_right() {
    let shipped = TerminalData::shipped().unwrap();
    let mut unknown = Vec::new();
    let mut needed = vec![0_u32; DIFFERENCES.len()];
    let (mut alike, mut cryptograms, mut endings) = (0_u64, 0_u64, BTreeSet::new());
    for seed in 0..CASES {
        let case = Case::of(seed);
        let (ours, theirs) = (kernels::ours(&case, &shipped), kernels::theirs(&case));
        endings.insert(ours.ending);
        if let Some(judged) = ours.judged {
            cryptograms += 1;
            let asked = kernels::their_request(&case, judged.tvr);
            assert_eq!(judged.requested, asked, "{}", report(seed, "action analysis", &case, &ours, &theirs));
        }
        let concerning: Vec<_> =
            (0..DIFFERENCES.len()).filter(|index| (DIFFERENCES[*index].concerns)(&case, &ours)).collect();
        let judge = |known: &mut dyn Iterator<Item = &usize>| {
            let known: Vec<_> = known.map(|index| &DIFFERENCES[*index]).collect();
            unexplained(&known, &ours, &theirs)
        };
        alike += u64::from(judge(&mut std::iter::empty()).is_none());
        if let Some(what) = judge(&mut concerning.iter()) {
            unknown.push(report(seed, what, &case, &ours, &theirs));
        }
        for index in &concerning {
            needed[*index] += u32::from(judge(&mut concerning.iter().filter(|other| *other != index)).is_some());
        }
    }
    let first = unknown.iter().take(5).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(unknown.is_empty(), "{} cases differ and nothing says why; the first:\n{first}", unknown.len());
    for (difference, cases) in DIFFERENCES.iter().zip(&needed) {
        assert!(*cases > 0, "\"{}\" explains nothing any more: take it off the list", difference.name);
    }
    // The cases are worth comparing.
    assert_eq!(endings.len(), 4, "{endings:?}");
    assert!(cryptograms > CASES * 3 / 4, "{cryptograms} of {CASES} come to a cryptogram");
    assert!(alike > CASES / 2, "{alike} of {CASES} need no explanation");
}

#[test]
fn every_difference_is_described() {
    let page = include_str!("../../docs/emv-differences.md");
    let described: BTreeSet<_> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let listed: BTreeSet<_> = DIFFERENCES.iter().map(|difference| difference.name).collect();
    assert_eq!(described, listed);
}
