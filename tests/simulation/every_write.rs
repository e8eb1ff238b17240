//! Every write and sync of a day meets everything: the power goes before, within and after it, or the disk is broken or full.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::day::{Verdict, live};
use crate::disk::{Moment, Survives, Trouble};
use crate::plan::{Cash, Customer, CutAt, Offline, OnPhone, Part, Phone, Plan, Regret, Settling, Shows};

/// So many pay on the long day.
const LONG_DAY: usize = 200;

/// So many writes and syncs lie between two power cuts of a long day: enough for a start and some payments.
const APART: u64 = 251;

/// So many writes and syncs a start takes at most on the long day.
const LONGEST_START: u64 = 61;

/// Somebody who pays, 20 seconds after the one before, and tries it twice.
fn pays(card: &'static str) -> Part {
    Part::Customer(paying(card))
}

fn paying(card: &'static str) -> Customer {
    Customer {
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
        phone: None,
        cash: None,
        offline: None,
        periods: None,
    }
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

/// A day on which people pay by code in both ways and in cash, one has a part of it back, and what is there is settled twice.
pub fn day_of_codes(parts: impl IntoIterator<Item = Part>) -> Plan {
    let by_phone = |wallet, shows, after_s| {
        let phone = Phone { wallet, shows, does: OnPhone::Pays, after_s, gives_up: false };
        move |customer| Customer { phone: Some(phone), ..customer }
    };
    let regrets = |customer| Customer { regrets: Some(Regret::Refund { percent: 50, times: 1 }), ..customer };
    let in_cash = |customer| Customer { cash: Some(Cash { more: 50, miscounts: false }), ..customer };
    let customers = [
        by_phone("wallet-1", Shows::Customer, 1)(paying("t1")),
        regrets(by_phone("wallet-3", Shows::Customer, 4)(paying("t1"))),
        by_phone("wallet-1", Shows::Terminal, 10)(paying("t1")),
        in_cash(paying("t1")),
        paying("unionpay-debit"),
    ];
    let mut plan = Plan { seed: 1, parts: customers.map(Part::Customer).into() };
    plan.parts.push(Part::Settle(40, Settling::AtTheKeypad));
    plan.parts.push(Part::SettlesAtLast);
    plan.parts.extend(parts);
    plan
}

/// The same, and the terminal is on for the first time.
fn first_day(parts: impl IntoIterator<Item = Part>) -> Plan {
    let mut plan = short_day(parts);
    plan.parts.push(Part::FirstStart);
    plan
}

/// A day on which cards pay alone while the host is away, and the bank pays one of them not; somebody pays by instalments and has it
/// undone, and all of it is settled.
pub fn offline_day(parts: impl IntoIterator<Item = Part>) -> Plan {
    let alone = |offline, minor| Customer { offline: Some(offline), minor, ..paying("offline") };
    let refund = Some(Regret::Refund { percent: 50, times: 1 });
    let customers = [
        alone(Offline::AtOnce, 12_34),
        alone(Offline::WhenOffered, 66_51),
        Customer { regrets: refund, after_s: 400, ..alone(Offline::AtOnce, 23_45) },
        Customer { periods: Some(3), minor: 60_000, regrets: Some(Regret::Void), ..paying("unionpay-credit") },
    ];
    let mut plan = Plan { seed: 1, parts: customers.map(Part::Customer).into() };
    plan.parts.push(Part::Outage(0, 300));
    plan.parts.push(Part::SettlesAtLast);
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

/// Every `step`th of a day's writes and syncs meets each of these. A short run tries them in turns.
fn on_days(day: fn(Option<Part>) -> Plan, step: usize, troubles: &[Part]) {
    let operations = operations(&day(None));
    assert!(operations > 80, "{operations} writes and syncs");
    let (mut days, mut found) = (0, Vec::new());
    for (turn, operation) in (0..operations).step_by(step).enumerate() {
        let chosen = if step == 1 { troubles } else { &troubles[turn % troubles.len()..][..1] };
        for trouble in chosen {
            let part = moved(trouble, operation);
            let verdict = live(&day(Some(part.clone())), false);
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
    let LongDays { found, cuts, while_starting, .. } = so_far.into_inner().unwrap();
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert_eq!(cuts > 0, while_starting > 0, "no start is cut");
}

/// This trouble, and the same at every [`APART`]th write and sync after it, and every other time once more while the terminal
/// starts again.
fn again_and_again(first: &Part, operations: u64) -> Vec<Part> {
    let (Part::Cut(CutAt::Operation(begin, _), _) | Part::Disk(begin, ..)) = *first else {
        unreachable!("troubles of writes and syncs only")
    };
    let soon = 1 + begin % LONGEST_START;
    // What comes after a cut takes some more.
    let at = (begin..operations * 3).step_by(APART as usize).enumerate();
    at.flat_map(|(turn, at)| [Some(at), (turn % 2 == 1).then_some(at + soon)])
        .flatten()
        .map(|at| moved(first, at))
        .collect()
}

/// What came of long days.
#[derive(Default)]
struct LongDays {
    days: usize,
    cuts: usize,
    while_starting: usize,
    payments: usize,
    found: Vec<String>,
}

impl LongDays {
    fn take(&mut self, first: &Part, verdict: &Verdict) {
        self.days += 1;
        self.cuts += verdict.cuts;
        self.while_starting += verdict.cuts_while_starting;
        self.payments += verdict.payments;
        for problem in &verdict.problems {
            self.found.push(format!("{first:?} and on: {problem}"));
        }
        if verdict.cuts > 0 && verdict.cuts_while_starting * 3 > verdict.cuts * 2 {
            self.found.push(format!("{first:?} and on: the terminal hardly ever runs when the power goes"));
        }
        let Self { days, cuts, while_starting, payments, found } = self;
        println!(
            "{first:?}: {days} days, {payments} payments, {cuts} power cuts ({while_starting} while starting), {} wrong",
            found.len()
        );
    }
}

/// Before, within and after a write.
fn cuts_with(survives: Survives) -> [Part; 3] {
    [Moment::Before, Moment::Within, Moment::After].map(|moment| Part::Cut(CutAt::Operation(0, moment), survives))
}

fn cuts() -> Vec<Part> {
    [Survives::All, Survives::Synced, Survives::Sectors].into_iter().flat_map(cuts_with).collect()
}

fn disk_errors(lengths: &[u64]) -> Vec<Part> {
    let troubles = [Trouble::Broken, Trouble::Full];
    troubles.iter().flat_map(|trouble| lengths.iter().map(|length| Part::Disk(0, *length, *trouble))).collect()
}

#[test]
fn a_power_cut_at_a_write_loses_nothing() {
    on_days(short_day, 31, &cuts());
    on_days(day_of_codes, 61, &cuts());
    on_days(offline_day, 61, &cuts());
}

#[test]
fn a_disk_that_fails_or_is_full_approves_nothing() {
    on_days(short_day, 47, &disk_errors(&[1, 3, 20]));
    on_days(day_of_codes, 83, &disk_errors(&[1, 3, 20]));
    on_days(offline_day, 83, &disk_errors(&[1, 3, 20]));
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
        let verdict = live(&first_day([part.clone()]), false);
        assert!(verdict.problems.is_empty(), "{part:?}: {}", verdict.problems.join("; "));
    }
}

/// `./dev test` plays some of these.
#[test]
#[ignore = "plays a day for every write in every way: ./dev simulate --every-write"]
fn every_write_meets_everything() {
    on_days(first_day, 1, &[cuts(), disk_errors(&[1, 3, 20])].concat());
}

/// `./dev test` plays some of these.
#[test]
#[ignore = "plays a day of codes for every write in every way: ./dev simulate --every-write"]
fn every_write_of_a_day_of_codes_meets_everything() {
    on_days(day_of_codes, 1, &[cuts(), disk_errors(&[1, 3, 20])].concat());
}

/// `./dev test` plays some of these.
#[test]
#[ignore = "plays an offline day for every write in every way: ./dev simulate --every-write"]
fn every_write_of_an_offline_day_meets_everything() {
    on_days(offline_day, 1, &[cuts(), disk_errors(&[1, 3, 20])].concat());
}

#[test]
#[ignore = "plays 200 sales some hundred times: ./dev simulate --every-write"]
fn every_write_of_a_long_day_is_the_last_before_the_program_is_killed() {
    on_long_days(&cuts_with(Survives::All));
}

#[test]
#[ignore = "plays 200 sales some hundred times: ./dev simulate --every-write"]
fn every_write_of_a_long_day_is_the_last_before_only_what_was_synced_survives() {
    on_long_days(&cuts_with(Survives::Synced));
}

#[test]
#[ignore = "plays 200 sales some hundred times: ./dev simulate --every-write"]
fn every_write_of_a_long_day_is_the_last_before_any_sectors_survive() {
    on_long_days(&cuts_with(Survives::Sectors));
}

#[test]
#[ignore = "plays 200 sales some hundred times: ./dev simulate --every-write"]
fn every_write_of_a_long_day_meets_a_broken_and_a_full_disk() {
    on_long_days(&disk_errors(&[1]));
}
