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
use plan::Plan;
use shrink::shrink;

/// What goes wrong in the day of a seed, with the shortest one found.
fn complaint(plan: &Plan) -> Option<String> {
    let verdict = live(plan, std::env::var_os("YIMA_SHOW").is_some());
    if verdict.problems.is_empty() {
        return None;
    }
    // For who wants to see the day as it was, and at once.
    if std::env::var_os("YIMA_SHOW").is_some() {
        return Some(format!("{:?}\n{}", verdict.problems, verdict.lines.join("\n")));
    }
    let (shortest, short) = shrink(plan);
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
const SEEDS: std::ops::Range<u64> = 0..60;

#[test]
fn no_day_goes_wrong() {
    let started = Instant::now();
    let found: Vec<String> = SEEDS.filter_map(|seed| complaint(&Plan::of(seed))).collect();
    println!("{} days in {:.1} s", SEEDS.end, started.elapsed().as_secs_f64());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_same_seed_is_the_same_day() {
    for seed in [3, 14, 33] {
        let plan = Plan::of(seed);
        let (one, other) = (live(&plan, true), live(&plan, true));
        assert_eq!(one.lines, other.lines);
        assert_eq!(one.hash, other.hash);
        assert!(one.payments > 0 && one.lasted.as_secs() > 0);
    }
}

/// Not a test: `./dev simulate` says which seeds.
#[test]
#[ignore = "plays the days that ./dev simulate asks for"]
fn simulate() {
    let text = std::env::var("YIMA_SEEDS").expect("YIMA_SEEDS says which, as in 0..1000");
    let (from, to) = text.split_once("..").expect("as in 0..1000");
    let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
    let json = std::env::var_os("YIMA_JSON").is_some();
    let threads = std::env::var("YIMA_THREADS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let next = std::sync::atomic::AtomicU64::new(from);
    let totals = std::sync::Mutex::new((0_u64, 0_usize, 0_usize, 0_usize, Vec::<String>::new()));
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if seed >= to {
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
