//! A terminal, its host and everything between and around them in one thread, on one seed and a clock of its own.
//!
//! The engine is the program's own ([`yima::app::SteppedEngine`]), and so are payment core, ledger, codec, MACs, the host's rules
//! and the cards. Simulated are the line ([`network`]), the disk under SQLite ([`disk`]), reader and printer ([`counter`]) and
//! people ([`day`]). A seed is a day ([`plan`]); [`judge`] says what must be true in the end, [`shrink`] looks for the shortest
//! day that still goes wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails here and now"
)]
#![allow(clippy::print_stdout, reason = "what a run found is for whoever asked for it")]

#[path = "../faults/agreement.rs"]
mod agreement;
mod bites;
mod counter;
mod day;
mod disk;
/// What a fault of the line is, as the proxy of other tests knows it.
#[path = "../support/fault_proxy"]
mod fault_proxy {
    #![allow(dead_code, reason = "the proxy has faults of bytes as well")]
    pub mod fault;
    pub mod tampering;
}
mod judge;
mod network;
mod plan;
mod premises;
mod random;
mod shrink;
mod trace;

use std::time::Instant;

use day::live;
use disk::{Moment, Survives, Trouble};
use plan::{Customer, CutAt, Part, Plan};
use shrink::shrink;

/// What goes wrong in a day, with the shortest one found that still does.
fn complaint(plan: &Plan) -> Option<String> {
    // For who wants to see the day as it was, and at once.
    let show = std::env::var_os("YIMA_SHOW").is_some();
    let verdict = live(plan, show);
    if verdict.problems.is_empty() {
        return None;
    }
    if show {
        return Some(format!("seed {}: {}\n{}", plan.seed, verdict.problems.join("; "), verdict.lines.join("\n")));
    }
    let shortest = shrink(plan, &|plan| !live(plan, false).problems.is_empty());
    let short = live(&shortest, true);
    let mut text = format!("seed {}: {}\n", plan.seed, verdict.problems.join("; "));
    text += &format!("shortest day found, trace {:016x}: {}\n", short.hash, short.problems.join("; "));
    for part in &shortest.parts {
        text += &format!("  {part:?}\n");
    }
    for line in &short.lines {
        text += &format!("    {line}\n");
    }
    Some(text)
}

/// The seeds of `./dev test`.
const SEEDS: std::ops::Range<u64> = 0..14;

#[test]
fn no_day_goes_wrong() {
    let started = Instant::now();
    let found: Vec<String> = SEEDS.filter_map(|seed| complaint(&Plan::of(seed))).collect();
    println!("{} days in {:.1} s", SEEDS.end - SEEDS.start, started.elapsed().as_secs_f64());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_same_seed_is_the_same_day() {
    for seed in [3, 5, 13] {
        let plan = Plan::of(seed);
        let (one, other) = (live(&plan, true), live(&plan, true));
        assert_eq!(one.lines, other.lines);
        assert_eq!(one.hash, other.hash);
        assert!(one.payments > 0 && one.lasted.as_secs() > 0);
    }
}

/// A short day on which nothing else goes wrong: two pay, and one's card declines after the host has approved.
fn short_day(parts: impl IntoIterator<Item = Part>) -> Plan {
    let pays = |card| {
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
        })
    };
    let mut plan = Plan { seed: 1, parts: Vec::from(["unionpay-debit", "declines-after-approval", "t1"].map(pays)) };
    plan.parts.extend(parts);
    plan
}

/// Every `step`th of the short day's writes and syncs meets each of these.
fn at_every_write(step: usize, troubles: &[Part]) {
    let operations = live(&short_day([]), false).operations;
    assert!(operations > 100, "{operations} writes and syncs");
    let mut found = Vec::new();
    for (turn, operation) in (0..operations).step_by(step).enumerate() {
        // The whole run tries all of them at each; the short one takes turns.
        let chosen = if step == 1 { troubles } else { &troubles[turn % troubles.len()..][..1] };
        for trouble in chosen {
            let part = match trouble {
                Part::Cut(CutAt::Operation(_, moment), survives) => {
                    Part::Cut(CutAt::Operation(operation, *moment), *survives)
                }
                Part::Disk(_, length, trouble) => Part::Disk(operation, *length, *trouble),
                other => other.clone(),
            };
            let verdict = live(&short_day([part.clone()]), false);
            if !verdict.problems.is_empty() {
                found.push(format!("{part:?}: {}", verdict.problems.join("; ")));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
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

fn disk_errors() -> Vec<Part> {
    let mut errors = Vec::new();
    for trouble in [Trouble::Broken, Trouble::Full] {
        errors.extend([1, 3, 20].map(|length| Part::Disk(0, length, trouble)));
    }
    errors
}

#[test]
fn a_power_cut_at_a_write_loses_nothing() {
    at_every_write(97, &cuts());
}

#[test]
fn a_disk_that_fails_or_is_full_approves_nothing() {
    at_every_write(139, &disk_errors());
}

/// `./dev test` plays some of these.
#[test]
#[ignore = "plays a day for every write in every way: ./dev simulate --every-write"]
fn every_write_meets_everything() {
    at_every_write(1, &[cuts(), disk_errors()].concat());
}

/// Not a test: `./dev simulate` says which seeds.
#[test]
#[ignore = "plays the days that ./dev simulate asks for"]
fn simulate() {
    let text = std::env::var("YIMA_SEEDS").expect("YIMA_SEEDS says which, as in 0..1000");
    let (from, to) = text.split_once("..").expect("as in 0..1000");
    let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
    let json = std::env::var_os("YIMA_JSON").is_some();
    // Whoever looks for one that goes wrong needs no second.
    let first = std::env::var_os("YIMA_FIRST").is_some();
    let threads = std::env::var("YIMA_THREADS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let next = std::sync::atomic::AtomicU64::new(from);
    let totals = std::sync::Mutex::new((0_u64, 0_usize, 0_usize, 0_usize, Vec::<String>::new()));
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if seed >= to || (first && !totals.lock().unwrap().4.is_empty()) {
                        return;
                    }
                    let plan = Plan::of(seed);
                    let verdict = live(&plan, false);
                    let wrong = (!verdict.problems.is_empty()).then(|| complaint(&plan)).flatten();
                    let mut totals = totals.lock().unwrap();
                    totals.0 += 1;
                    totals.1 += verdict.payments;
                    totals.2 += verdict.paid;
                    totals.3 += verdict.cuts;
                    totals.4.extend(wrong);
                }
            });
        }
    });
    let (days, payments, paid, cuts, wrong) = totals.into_inner().unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let rate = days as f64 / seconds;
    if json {
        let report = serde_json::json!({
            "from": from, "to": to, "days": days, "payments": payments, "paid": paid, "power_cuts": cuts,
            "seconds": seconds, "days_per_second": rate, "violations": wrong,
        });
        println!("{report}");
    } else {
        println!("{days} days, {payments} payments ({paid} paid), {cuts} power cuts: {seconds:.1} s, {rate:.1} days/s");
        for text in &wrong {
            println!("{text}");
        }
    }
    assert!(wrong.is_empty(), "{} of {days} days went wrong", wrong.len());
}
