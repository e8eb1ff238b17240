//! Many days one after the other, for whoever asks for them (`./dev simulate`): how many, how fast, and what went wrong.

use std::fmt::{self, Display, Formatter};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::day::{Verdict, live};
use crate::plan::Plan;
use crate::shrink::shrink;

/// How often somebody who waits hears how far it has come.
const PROGRESS: Duration = Duration::from_secs(60);

/// What is to be played.
pub struct Order {
    pub seeds: Range<u64>,
    pub threads: usize,
    pub json: bool,
    /// One that goes wrong is enough.
    pub first: bool,
}

/// What came of it.
#[derive(Default)]
pub struct Totals {
    pub days: u64,
    pub payments: usize,
    pub paid: usize,
    pub cuts: usize,
    pub took: Duration,
    /// What went wrong, a text for each day.
    pub wrong: Vec<String>,
}

impl Order {
    /// What the environment says, as `./dev simulate` sets it.
    pub fn from_environment() -> Self {
        let is_set = |name| std::env::var_os(name).is_some();
        let text = std::env::var("YIMA_SEEDS").expect("YIMA_SEEDS says which, as in 0..1000");
        let (from, to) = text.split_once("..").expect("as in 0..1000");
        let threads = std::env::var("YIMA_THREADS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
        let seeds = from.parse().unwrap()..to.parse().unwrap();
        Self { seeds, threads, json: is_set("YIMA_JSON"), first: is_set("YIMA_FIRST") }
    }
}

/// Plays the days of an order.
pub fn play(order: &Order) -> Totals {
    let next = AtomicU64::new(order.seeds.start);
    let totals = Mutex::new(Totals::default());
    let (started, told) = (Instant::now(), Mutex::new(Instant::now()));
    std::thread::scope(|scope| {
        for _ in 0..order.threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= order.seeds.end || (order.first && !totals.lock().unwrap().wrong.is_empty()) {
                        return;
                    }
                    let plan = Plan::of(seed);
                    let verdict = live(&plan, false);
                    let wrong = (!verdict.problems.is_empty()).then(|| complaint(&plan)).flatten();
                    let mut totals = totals.lock().unwrap();
                    totals.take(&verdict, wrong);
                    totals.took = started.elapsed();
                    let mut told = told.lock().unwrap();
                    if told.elapsed() >= PROGRESS {
                        *told = Instant::now();
                        eprintln!("up to seed {seed}: {}, {} went wrong", totals.sum(), totals.wrong.len());
                    }
                }
            });
        }
    });
    totals.into_inner().unwrap()
}

impl Totals {
    fn take(&mut self, verdict: &Verdict, wrong: Option<String>) {
        self.days += 1;
        self.payments += verdict.payments;
        self.paid += verdict.paid;
        self.cuts += verdict.cuts;
        if let Some(wrong) = &wrong {
            eprintln!("{}", wrong.lines().next().unwrap_or_default());
        }
        self.wrong.extend(wrong);
    }

    fn rate(&self) -> f64 {
        self.days as f64 / self.took.as_secs_f64()
    }

    fn sum(&self) -> String {
        let Self { days, payments, paid, cuts, took, .. } = self;
        let (seconds, rate) = (took.as_secs_f64(), self.rate());
        format!("{days} days, {payments} payments ({paid} paid), {cuts} power cuts: {seconds:.1} s, {rate:.1} days/s")
    }

    /// For programs.
    pub fn json(&self, order: &Order) -> String {
        serde_json::json!({
            "from": order.seeds.start, "to": order.seeds.end, "days": self.days, "payments": self.payments,
            "paid": self.paid, "power_cuts": self.cuts, "seconds": self.took.as_secs_f64(),
            "days_per_second": self.rate(), "violations": self.wrong,
        })
        .to_string()
    }
}

impl Display for Totals {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.sum())?;
        self.wrong.iter().try_for_each(|wrong| write!(formatter, "\n{wrong}"))
    }
}

/// What goes wrong in a day, with the shortest one found that still does.
pub fn complaint(plan: &Plan) -> Option<String> {
    // For who wants to see the day as it was, and at once.
    let show = std::env::var_os("YIMA_SHOW").is_some();
    let verdict = live(plan, show);
    if verdict.problems.is_empty() {
        return None;
    }
    let mut text = format!("seed {}: {}\n", plan.seed, verdict.problems.join("; "));
    if show {
        text += &verdict.lines.join("\n");
        return Some(text);
    }
    let shortest = shrink(plan, &|plan| !live(plan, false).problems.is_empty());
    let (short, again) = (live(&shortest, true), live(&shortest, false));
    text += &format!("shortest day found, trace {:016x}: {}\n", short.hash, short.problems.join("; "));
    text += if again.hash == short.hash { "it replays exactly\n" } else { "IT IS ANOTHER ONE WHEN PLAYED AGAIN\n" };
    for part in &shortest.parts {
        text += &format!("  {part:?}\n");
    }
    for line in &short.lines {
        text += &format!("    {line}\n");
    }
    Some(text)
}
