use std::collections::BTreeSet;

use super::*;

const PART: u32 = 2;

fn amount(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

fn under_way(state: State, lines: u32, uploaded: u32) -> UnderWay {
    UnderWay {
        batch: Batch::FIRST,
        state,
        stan: Stan::FIRST,
        totals: BatchTotals::nothing(Currency::CNY),
        verdict: None,
        lines,
        uploaded,
        read: 0,
    }
}

fn difference() -> HostDifference {
    HostDifference {
        kind: reconciliation::Kind::UnknownHere,
        stan: Stan::FIRST,
        ours: None,
        theirs: Some(amount(1)),
        rrn: None,
    }
}

/// Everything a host can say, in the words of the table.
fn answers(lines: u32, uploaded: u32) -> Vec<(&'static str, Answer)> {
    let theirs = BatchTotals::nothing(Currency::CNY);
    let closing = |differences| Answer::Closed(Closing { gross_minor: 0, fee_minor: 0, differences });
    let different = if lines > 0 { "different, lines to upload" } else { "different, nothing to upload" };
    let taken = if uploaded + PART < lines { "taken, more are left" } else { "taken, the last" };
    vec![
        ("equal", Answer::Compared { verdict: Verdict::Equal, theirs }),
        (different, Answer::Compared { verdict: Verdict::Different, theirs }),
        ("settled before, otherwise", Answer::Compared { verdict: Verdict::SettledBefore, theirs }),
        (taken, Answer::Taken),
        ("closed, nothing differs", closing(0)),
        ("closed, something differs", closing(3)),
        ("differences, more are left", Answer::Differences { differences: vec![difference()], more: true }),
        ("differences, the last", Answer::Differences { differences: vec![difference()], more: false }),
    ]
}

#[test]
fn the_table_says_what_it_does_and_it_does_what_the_table_says() {
    let table: BTreeSet<_> = include_str!("mod.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! | "))
        .skip(1)
        .map(|line| line.split('|').map(str::trim).take(3).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let mut done = BTreeSet::new();
    for state in State::ALL {
        for (lines, uploaded) in [(0, 0), (5, 0), (5, 4)] {
            for (said, answer) in answers(lines, uploaded) {
                if let Ok((next, _)) = under_way(state, lines, uploaded).step(answer, PART) {
                    assert!(state.may_become(next), "{state:?} {next:?}");
                    done.insert([state.word(), said, next.word()].map(str::to_owned).to_vec());
                }
            }
        }
    }
    assert_eq!(done, table);
}

#[test]
fn every_open_state_asks_and_none_that_is_over_does() {
    for state in State::ALL {
        assert_eq!(under_way(state, 1, 0).request(Vec::new()).is_some(), state.is_open(), "{state:?}");
        assert_eq!(state.may_become(State::GivenUp), state.is_open() || state == State::GivenUp);
    }
}

#[test]
fn a_host_that_promises_differences_and_names_none_is_not_asked_without_end() {
    let nothing = Answer::Differences { differences: Vec::new(), more: true };
    assert_eq!(under_way(State::Reading, 0, 0).step(nothing, 0).unwrap().0, State::Closed);
}

#[test]
fn a_net_can_be_less_than_nothing() {
    let sum = |minor| Sum { count: 1, amount: amount(minor) };
    let none = BatchTotals::nothing(Currency::CNY);
    let totals = BatchTotals { domestic: Sides { debit: sum(500), credit: sum(700) }, ..none };
    assert_eq!((totals.net_minor(), totals.count()), (-200, 2));
    assert_eq!(BatchTotals::from_sums(totals.sums()), totals);
    assert_eq!(Closing { gross_minor: -200, fee_minor: -1, differences: 0 }.net_minor(), -199);
}
