//! Whatever is asked for and taken back, in whatever order: the account holds what it held at first, less what stands.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::desk::{Desk, Done};
use super::*;

/// One step of a day: what is done, with which of the requests before, and about how much.
#[derive(Clone, Debug)]
enum Step {
    Ask { kind: usize, about: usize, minor: u64, next_batch: bool },
    Repeat { which: usize },
    TakeBack { which: usize },
    TakeBackBeforeItComes { kind: usize, about: usize, minor: u64 },
}

/// Kinds in the order in which a step names them. What refers to something comes more often: most of it is refused.
const KINDS: [Kind; 16] = [
    Kind::Sale,
    Kind::PreAuthorisation,
    Kind::PreAuthorisationTopUp,
    Kind::PreAuthorisationTopUp,
    Kind::Void,
    Kind::Refund,
    Kind::PreAuthorisationVoid,
    Kind::Completion,
    Kind::CompletionNotice,
    Kind::CompletionVoid,
    Kind::Balance,
    Kind::Void,
    Kind::Refund,
    Kind::Completion,
    Kind::CompletionVoid,
    Kind::CompletionVoid,
];

fn step() -> impl Strategy<Value = Step> {
    let (kind, about) = (0..KINDS.len(), any::<prop::sample::Index>());
    let about = about.prop_map(|index| index.index(1 << 16));
    // Few amounts, so that they often fit; the last one is half approved.
    let minor = prop::sample::select(vec![100, 100, 100, 200, 200, 200, 230, BALANCE / 2, 66_10, 66_51]);
    prop_oneof![
        9 => (kind.clone(), about.clone(), minor.clone(), prop::bool::weighted(0.05))
            .prop_map(|(kind, about, minor, next_batch)| Step::Ask { kind, about, minor, next_batch }),
        2 => about.clone().prop_map(|which| Step::Repeat { which }),
        2 => about.clone().prop_map(|which| Step::TakeBack { which }),
        1 => (kind, about, minor).prop_map(|(kind, about, minor)| Step::TakeBackBeforeItComes { kind, about, minor }),
    ]
}

/// The first request that this kind may be about, of those from `about` on; mostly one of which something came.
fn original_of(kind: Kind, done: &[Done], about: usize) -> Option<Done> {
    let from = about % done.len().max(1);
    let in_turn = || done.iter().cycle().skip(from).take(done.len()).filter(|one| kind.may_refer_to(one.kind));
    let approved = in_turn().find(|one| !about.is_multiple_of(4) && one.decision.authorisation_code.is_some());
    approved.or_else(|| in_turn().next()).cloned()
}

/// What the customer has paid in a family and what is set aside of it, told from the entries alone.
fn stands(entries: &[Entry], entry: &Entry) -> (u64, u64) {
    let about = |trace, kinds: &'static [Kind]| {
        entries.iter().filter(move |one| {
            one.original == Some(trace) && one.state == EntryState::Approved && kinds.contains(&one.kind)
        })
    };
    let set_aside = |hold: &Entry| {
        let more = about(hold.trace, &[Kind::PreAuthorisationTopUp]).map(|more| more.booked.minor()).sum::<u64>();
        hold.booked.minor() + more
    };
    let undone = |one: &Entry| {
        about(one.trace, &[Kind::Void, Kind::PreAuthorisationVoid, Kind::CompletionVoid]).next().is_some()
    };
    let refunded = about(entry.trace, &[Kind::Refund]).map(|refund| refund.booked.minor()).sum::<u64>();
    assert!(refunded <= entry.booked.minor(), "more went back than was paid");
    if entry.state != EntryState::Approved {
        return (0, 0);
    }
    match entry.kind {
        Kind::Sale | Kind::Completion | Kind::CompletionNotice => {
            let voids = about(entry.trace, &[Kind::Void, Kind::CompletionVoid]).count();
            assert!(voids == 0 || (voids == 1 && refunded == 0), "given back twice");
            (if voids > 0 { 0 } else { entry.booked.minor() - refunded }, 0)
        }
        Kind::PreAuthorisation => {
            let completions =
                about(entry.trace, &[Kind::Completion, Kind::CompletionNotice]).filter(|one| !undone(one)).count();
            let let_go = about(entry.trace, &[Kind::PreAuthorisationVoid]).count();
            assert!(completions + let_go <= 1, "used twice");
            (0, if completions + let_go > 0 { 0 } else { set_aside(entry) })
        }
        _ => (0, 0),
    }
}

fn check(desk: &Desk) {
    let entries = desk.entries();
    let (mut paid, mut held) = (0, 0);
    for entry in &entries {
        let (pays, holds) = stands(&entries, entry);
        paid += pays;
        held += holds;
    }
    assert_eq!((desk.balance() + paid, desk.held()), (BALANCE, held));
}

/// What must happen in the days that are played: what never happens proves nothing.
const MUST_HAPPEN: [&str; 27] = [
    "sale 00",
    "sale 51",
    "sale 10",
    "pre_authorisation 00",
    "pre_authorisation_top_up 00",
    "pre_authorisation_top_up 10",
    "pre_authorisation_top_up 12",
    "pre_authorisation_top_up taken back 00",
    "pre_authorisation_void 13",
    "balance 00",
    "void 00",
    "void 12",
    "refund 00",
    "refund 13",
    "pre_authorisation_void 00",
    "completion 00",
    "completion 13",
    "completion_notice 00",
    "completion_void 00",
    "sale taken back 00",
    "void taken back 00",
    "refund taken back 12",
    "pre_authorisation taken back 00",
    "pre_authorisation_void taken back 00",
    "completion taken back 00",
    "completion_void taken back 00",
    "completion_notice taken back 12",
];

/// Days that are played at least, and so many more as it takes until everything happened, at most this often.
const DAYS: u32 = 192;
const MOST_ROUNDS: usize = 20;

#[test]
fn after_any_day_the_account_holds_what_the_entries_say() {
    let seen = std::cell::RefCell::new(BTreeMap::<String, u32>::new());
    let days = prop::collection::vec(step(), 1..60);
    let desk = std::cell::RefCell::new(Desk::new());
    let missing = || MUST_HAPPEN.into_iter().find(|what| !seen.borrow().contains_key(*what));
    for _ in 0..MOST_ROUNDS {
        let mut runner = TestRunner::new(Config { cases: DAYS, ..Config::default() });
        let result = runner.run(&days, |steps| {
            let mut desk = desk.borrow_mut();
            desk.begin_anew();
            let mut done: Vec<Done> = Vec::new();
            let (mut stan, mut batch) = (0, 1);
            for step in steps {
                stan += 1;
                let before = (desk.balance(), desk.held());
                match step {
                    Step::Ask { kind, about, minor, next_batch } => {
                        batch += u32::from(next_batch);
                        let kind = KINDS[kind];
                        let original = original_of(kind, &done, about);
                        let refers = Kind::ALL.into_iter().any(|original| kind.may_refer_to(original));
                        if refers && original.is_none() {
                            continue;
                        }
                        // A void is of the whole.
                        let whole = matches!(kind, Kind::Void | Kind::PreAuthorisationVoid | Kind::CompletionVoid);
                        // But for what was topped up: then that is not all of it.
                        let minor = original.as_ref().filter(|_| whole).map_or(minor, |original| {
                            let let_go = kind == Kind::PreAuthorisationVoid && !about.is_multiple_of(3);
                            if let_go { desk.set_aside(original) } else { original.booked() }
                        });
                        let minor = if kind == Kind::Balance { 0 } else { minor };
                        let one = desk.ask_in(batch, kind, stan, minor, original.as_ref());
                        *seen.borrow_mut().entry(format!("{} {}", kind.word(), one.code())).or_default() += 1;
                        done.push(one);
                    }
                    Step::Repeat { which } if !done.is_empty() => {
                        let one = done[which % done.len()].clone();
                        let again = desk.send(&one.message);
                        let same = again.rrn == one.decision.rrn && again.response_code == one.decision.response_code;
                        prop_assert!(same || again.response_code == "94", "{}", again.response_code);
                        prop_assert_eq!((desk.balance(), desk.held()), before, "a repeat moves nothing");
                    }
                    Step::TakeBack { which } if !done.is_empty() => {
                        let one = done[which % done.len()].clone();
                        let code = desk.take_back(&one);
                        *seen.borrow_mut().entry(format!("{} taken back {code}", one.kind.word())).or_default() += 1;
                        let after = (desk.balance(), desk.held());
                        prop_assert!(code == "00" || after == before, "{}", code);
                        let again = desk.take_back(&one);
                        prop_assert_eq!((again, (desk.balance(), desk.held())), (code, after), "once");
                    }
                    Step::TakeBackBeforeItComes { kind, about, minor } => {
                        let kind = KINDS[kind];
                        let Some(original) = original_of(kind, &done, about) else { continue };
                        let trace = TraceNumber { batch: Batch::new(batch).unwrap(), stan: trace(stan).stan };
                        let code = desk.reverse(kind, trace, minor);
                        let one = desk.ask_in(batch, kind, stan, minor, Some(&original));
                        if code == "25" {
                            prop_assert_eq!(one.code(), "94", "what was taken back before it came is not done");
                        }
                        done.push(one);
                    }
                    Step::Repeat { .. } | Step::TakeBack { .. } => {}
                }
                check(&desk);
            }
            Ok(())
        });
        result.unwrap();
        if missing().is_none() {
            return;
        }
    }
    assert_eq!(missing(), None, "never happened: {:?}", seen.borrow());
}
