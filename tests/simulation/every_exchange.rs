//! Every exchange with the host of a day of codes and settlements, and of one of offline sales and instalments, meets every fault of
//! the line.

use crate::day::live;
use crate::every_write::{day_of_codes, offline_day};
use crate::fault_proxy::fault::{Change, Way};
use crate::plan::{OnLine, Part, Plan};

const FAULTS: [OnLine; 20] = [
    OnLine::Unreachable,
    OnLine::RequestLost,
    OnLine::AnswerLost,
    OnLine::Slow(25),
    OnLine::RequestLate(45),
    OnLine::RequestLate(300),
    OnLine::Overtaken,
    OnLine::Twice { second_answer: false },
    OnLine::Twice { second_answer: true },
    OnLine::OlderAnswer { reached: false },
    OnLine::OlderAnswer { reached: true },
    OnLine::Forged(Way::Request, Change::Amount),
    OnLine::Forged(Way::Request, Change::Mac),
    OnLine::Forged(Way::Answer, Change::Stan),
    OnLine::Forged(Way::Answer, Change::Amount),
    OnLine::Forged(Way::Answer, Change::Mac),
    OnLine::Gateway { reached: false },
    OnLine::Gateway { reached: true },
    OnLine::Page { reached: true, as_message: true },
    OnLine::Page { reached: false, as_message: false },
];

/// How many exchanges such a day has.
fn exchanges(plan: &Plan) -> u32 {
    let verdict = live(plan, true);
    assert!(verdict.problems.is_empty(), "{:?}", verdict.problems);
    verdict.lines.iter().filter(|line| line.contains(" exchange ")).count() as u32
}

/// Every exchange meets so many of the faults, in turns. `length`: so do the ones behind it.
fn on_days(day: fn(Vec<Part>) -> Plan, faults: usize, length: u32) {
    let exchanges = exchanges(&day(Vec::new()));
    assert!(exchanges > 15, "{exchanges} exchanges");
    let (mut days, mut found) = (0, Vec::new());
    for exchange in 0..exchanges {
        for fault in FAULTS.iter().cycle().skip(exchange as usize * faults).take(faults) {
            let parts = (exchange..exchange + length).map(|exchange| Part::Line(exchange, *fault));
            let verdict = live(&day(parts.collect()), false);
            days += 1;
            if !verdict.problems.is_empty() {
                found.push(format!("{length} from {exchange} on, {fault:?}: {}", verdict.problems.join("; ")));
            }
        }
    }
    println!("{exchanges} exchanges, {days} days, {} went wrong", found.len());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_fault_of_the_line_charges_nobody_twice_and_settles_nothing_twice() {
    on_days(day_of_codes, 1, 1);
    on_days(day_of_codes, 1, 2);
    on_days(offline_day, 1, 1);
}

/// `./dev test` plays some of these.
#[test]
#[ignore = "plays a day of codes for every exchange and every fault: ./dev simulate --every-write"]
fn every_exchange_of_a_day_of_codes_meets_everything() {
    on_days(day_of_codes, FAULTS.len(), 1);
    on_days(day_of_codes, FAULTS.len(), 4);
}

/// `./dev test` plays some of these.
#[test]
#[ignore = "plays an offline day for every exchange and every fault: ./dev simulate --every-write"]
fn every_exchange_of_an_offline_day_meets_everything() {
    on_days(offline_day, FAULTS.len(), 1);
    on_days(offline_day, FAULTS.len(), 4);
}
