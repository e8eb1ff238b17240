//! Every write and sync of a day meets everything: the power goes before, within and after it, or the disk is broken or full.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::day::{Verdict, live};
use crate::disk::{Moment, Survives, Trouble};
use crate::plan::{Customer, CutAt, Part, Plan};

/// So many pay on the long day.
const LONG_DAY: usize = 200;

/// So many writes and syncs lie between two power cuts of a long day.
const APART: u64 = 61;

/// Somebody who pays, 20 seconds after the one before, and tries it twice.
fn pays(card: &'static str) -> Part {
    Part::Customer(Customer {
        after_s: 20,
        minor: 12_34,
        card,
        wrong_pins: 0,
        card_fault: None,
        tries: 2,
        insists: true,
        cancels: None,
        touches_twice: false,
        forgets_card: false,
        regrets: None,
        rest: None,
    })
}

/// A day on which nothing else goes wrong: two pay, and one's card declines after the host has approved.
fn short_day(parts: impl IntoIterator<Item = Part>) -> Plan {
    let mut plan = Plan { seed: 1, parts: Vec::from(["unionpay-debit", "declines-after-approval", "t1"].map(pays)) };
    plan.parts.extend(parts);
    plan
}

/// A day on which many pay, one after the other, and nothing else goes wrong.
fn long_day(parts: impl IntoIterator<Item = Part>) -> Plan {
    let cards = ["unionpay-debit", "unionpay-credit", "t1", "cvm-online-pin", "aes"].map(pays);
    let mut plan = Plan { seed: 1, parts: cards.into_iter().cycle().take(LONG_DAY).collect() };
    plan.parts.extend(parts);
    plan
}

/// How often the terminal writes and syncs on a day.
fn operations(plan: &Plan) -> u64 {
    let verdict = live(plan, false);
    assert!(verdict.problems.is_empty(), "{:?}", verdict.problems);
    verdict.operations
}

/// This trouble at another write or sync.
fn moved(trouble: &Part, operation: u64) -> Part {
    match trouble {
        Part::Cut(CutAt::Operation(_, moment), survives) => Part::Cut(CutAt::Operation(operation, *moment), *survives),
        Part::Disk(_, length, trouble) => Part::Disk(operation, *length, *trouble),
        other => other.clone(),
    }
}

/// Every `step`th of the short day's writes and syncs meets each of these. A short run tries them in turns.
fn on_short_days(step: usize, troubles: &[Part]) {
    let operations = operations(&short_day([]));
    assert!(operations > 80, "{operations} writes and syncs");
    let (mut days, mut found) = (0, Vec::new());
    for (turn, operation) in (0..operations).step_by(step).enumerate() {
        let chosen = if step == 1 { troubles } else { &troubles[turn % troubles.len()..][..1] };
        for trouble in chosen {
            let part = moved(trouble, operation);
            let verdict = live(&short_day([part.clone()]), false);
            days += 1;
            if !verdict.problems.is_empty() {
                found.push(format!("{part:?}: {}", verdict.problems.join("; ")));
            }
        }
    }
    println!("{operations} writes and syncs, {days} days, {} went wrong", found.len());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Every write and sync of the long day meets each of these, many in a day. As many days at a time as `./dev simulate` is told.
fn on_long_days(troubles: &[Part]) {
    let operations = operations(&long_day([]));
    let threads = std::env::var("YIMA_THREADS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let to_live: Vec<Part> =
        troubles.iter().flat_map(|trouble| (0..APART).map(|first| moved(trouble, first))).collect();
    let (next, so_far) = (AtomicUsize::new(0), Mutex::new(LongDays::default()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(first) = to_live.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let verdict = live(&long_day(again_and_again(first, operations)), false);
                    so_far.lock().unwrap().take(first, &verdict);
                }
            });
        }
    });
    let LongDays { days, cuts, payments, found } = so_far.into_inner().unwrap();
    println!("{operations} writes and syncs, {days} days, {payments} payments, {cuts} power cuts");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// This trouble, and the same at every [`APART`]th write and sync after it.
fn again_and_again(first: &Part, operations: u64) -> impl Iterator<Item = Part> {
    let (Part::Cut(CutAt::Operation(begin, _), _) | Part::Disk(begin, ..)) = *first else {
        unreachable!("troubles of writes and syncs only")
    };
    // What comes after a cut takes some more.
    (begin..operations * 2).step_by(APART as usize).map(|operation| moved(first, operation))
}

/// What came of long days.
#[derive(Default)]
struct LongDays {
    days: usize,
    cuts: usize,
    payments: usize,
    found: Vec<String>,
}

impl LongDays {
    fn take(&mut self, first: &Part, verdict: &Verdict) {
        self.days += 1;
        self.cuts += verdict.cuts;
        self.payments += verdict.payments;
        if !verdict.problems.is_empty() {
            self.found.push(format!("{first:?} and on: {}", verdict.problems.join("; ")));
            eprintln!("{}", self.found[self.found.len() - 1]);
        }
        let Self { days, cuts, payments, found } = self;
        eprintln!("{first:?}: {days} days, {payments} payments, {cuts} power cuts, {} went wrong", found.len());
    }
}

fn cuts() -> Vec<Part> {
    let mut cuts = Vec::new();
    for survives in [Survives::All, Survives::Synced, Survives::Sectors] {
        for moment in [Moment::Before, Moment::Within, Moment::After] {
            cuts.push(Part::Cut(CutAt::Operation(0, moment), survives));
        }
    }
    cuts
}

fn disk_errors(lengths: &[u64]) -> Vec<Part> {
    let troubles = [Trouble::Broken, Trouble::Full];
    troubles.iter().flat_map(|trouble| lengths.iter().map(|length| Part::Disk(0, *length, *trouble))).collect()
}

#[test]
fn a_power_cut_at_a_write_loses_nothing() {
    on_short_days(31, &cuts());
}

#[test]
fn a_disk_that_fails_or_is_full_approves_nothing() {
    on_short_days(47, &disk_errors(&[1, 3, 20]));
}

/// Nobody is sent for a copy that there is not.
#[test]
fn a_disk_that_fails_while_the_ledger_is_made_is_no_damage() {
    for part in [
        Part::Disk(3, 20, Trouble::Full),
        Part::Disk(4, 20, Trouble::Full),
        Part::Disk(5, 3, Trouble::Broken),
        Part::Disk(5, 20, Trouble::Broken),
    ] {
        let verdict = live(&short_day([part.clone()]), false);
        assert!(verdict.problems.is_empty(), "{part:?}: {}", verdict.problems.join("; "));
    }
}

/// `./dev test` plays some of these.
#[test]
#[ignore = "plays a day for every write in every way: ./dev simulate --every-write"]
fn every_write_meets_everything() {
    on_short_days(1, &[cuts(), disk_errors(&[1, 3, 20])].concat());
}

#[test]
#[ignore = "plays 200 sales some hundred times: ./dev simulate --every-write"]
fn every_write_of_a_long_day_meets_everything() {
    on_long_days(&[cuts(), disk_errors(&[1])].concat());
}
