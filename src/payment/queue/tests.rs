use super::*;
use crate::iso8583::Dialect;
use crate::link_fault::LinkFault;
use crate::money::Currency;
use crate::payment::online::Unreached;
use crate::reference::{Batch, Stan};

const CARD_RESULT: Kind = Kind::Advice(AdviceKind::CardResult);
const SCRIPT_RESULT: Kind = Kind::Advice(AdviceKind::ScriptResult);
const KINDS: [Kind; 4] = [Kind::Reversal, CARD_RESULT, SCRIPT_RESULT, Kind::OfflineSale];

fn codes() -> QueueCodes {
    Dialect::shipped("unionpay").unwrap().queue
}

fn answer(code: &str) -> Result<HostAnswer, LinkFailure> {
    decided(Decision::Refused, code)
}

fn decided(decision: Decision, code: &str) -> Result<HostAnswer, LinkFailure> {
    Ok(HostAnswer {
        decision,
        response_code: ResponseCode::parse(code).unwrap(),
        rrn: None,
        authorisation_code: None,
        issuer_data: Vec::new(),
        balances: Vec::new(),
        plan: None,
    })
}

const FIRST: Try = Try { counted: 0, most: MAX_TRIES, due: true, age_s: 10, approved: false };
const OFTEN: Try = Try { counted: MAX_TRIES - 1, most: MAX_TRIES, due: true, age_s: MIN_AGE_S - 1, approved: false };
const LAST: Try = Try { counted: MAX_TRIES - 1, most: MAX_TRIES, due: true, age_s: MIN_AGE_S, approved: false };

fn parked(code: &str) -> Verdict {
    Verdict::Park(ResponseCode::parse(code).ok())
}

/// Every code there can be, of the characters that response codes have.
fn every_code() -> impl Iterator<Item = String> {
    let characters = || ('0'..='9').chain('A'..='Z');
    characters().flat_map(move |first| characters().map(move |second| format!("{first}{second}")))
}

#[test]
fn only_codes_that_the_dialect_names_end_an_entry() {
    let codes = codes();
    for kind in KINDS {
        for code in every_code() {
            let done = match kind {
                Kind::Reversal => ["00", "25", "12"].contains(&code.as_str()),
                Kind::Repeat | Kind::OfflineSale => false,
                Kind::Advice(_) | Kind::Signature => code == "00",
            };
            let of_the_bank = ["04", "34", "41", "43", "51", "54", "57", "61", "62", "65"];
            let refused = kind != Kind::Reversal
                && (["05", "12", "13", "14", "25", "30"].contains(&code.as_str())
                    || (kind == Kind::OfflineSale && of_the_bank.contains(&code.as_str())));
            let expected = |otherwise: Verdict| match (done, refused) {
                (true, _) => Verdict::Done,
                (false, true) => parked(&code),
                (false, false) => otherwise,
            };
            let judged = |this| judge(kind, &answer(&code), this, &codes);
            assert_eq!(judged(FIRST), expected(Verdict::TryAgainCounted), "{kind:?} {code}");
            assert_eq!(judged(OFTEN), expected(Verdict::TryAgainCounted), "{kind:?} {code}: often, but not for long");
            assert_eq!(judged(LAST), expected(parked(&code)), "{kind:?} {code}: the last try");
        }
    }
}

#[test]
fn a_try_that_never_left_does_not_count() {
    let detail = String::new;
    for kind in KINDS {
        let judged = |failure, this| judge(kind, &Err(failure), this, &codes());
        let many = Try { counted: MAX_TRIES + 5, ..LAST };
        assert_eq!(
            judged(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, "no line")), many),
            Verdict::TryAgain
        );
        for failure in [
            LinkFailure::NoAnswer(detail()),
            LinkFailure::Unsendable(detail()),
            LinkFailure::BadMac(detail()),
            LinkFailure::WrongAnswer(detail()),
        ] {
            assert_eq!(judged(failure.clone(), FIRST), Verdict::TryAgainCounted);
            assert_eq!(judged(failure.clone(), OFTEN), Verdict::TryAgainCounted);
            let fourth = Try { counted: 3, most: 4, ..LAST };
            assert_eq!(judged(failure.clone(), fourth), Verdict::Park(None), "as often as the acquirer wants");
            assert_eq!(judged(failure, LAST), Verdict::Park(None), "nothing mends it but a person");
        }
    }
}

#[test]
fn impatience_does_not_use_up_the_tries() {
    for kind in KINDS {
        let early = |code: &str| judge(kind, &answer(code), Try { due: false, ..LAST }, &codes());
        assert_eq!(early("96"), Verdict::TryAgain, "asked for before its time");
        let done = judge(kind, &decided(Decision::Approved, "00"), Try { due: false, ..LAST }, &codes());
        assert_eq!(done, Verdict::Done, "an answer counts at any time");
    }
}

#[test]
fn a_number_the_host_has_already_is_that_of_an_earlier_try_of_an_advice() {
    let used = decided(Decision::NumberInUse, "94");
    assert_eq!(judge(CARD_RESULT, &used, Try { counted: 1, ..FIRST }, &codes()), Verdict::Done);
    assert_eq!(judge(CARD_RESULT, &used, FIRST, &codes()), Verdict::TryAgainCounted);
    assert_eq!(judge(Kind::Reversal, &used, Try { counted: 1, ..FIRST }, &codes()), Verdict::TryAgainCounted);
}

#[test]
fn an_offline_sale_is_booked_only_by_an_approval_of_all_of_it() {
    let judged = |answer: &_| judge(Kind::OfflineSale, answer, Try { counted: 1, ..FIRST }, &codes());
    assert_eq!(judged(&decided(Decision::Approved, "00")), Verdict::Done);
    assert_eq!(
        judged(&decided(Decision::Partial(Amount::new(9_40, Currency::CNY).unwrap()), "10")),
        parked("10"),
        "no further try changes that"
    );
    assert_eq!(judged(&decided(Decision::NumberInUse, "94")), parked("94"), "another one has its number");
    assert_eq!(judged(&decided(Decision::Refused, "51")), parked("51"), "the bank does not pay it");
    assert_eq!(judged(&decided(Decision::Unproven, "51")), Verdict::TryAgainCounted, "anybody could say that");
    assert_eq!(judged(&decided(Decision::Refused, "96")), Verdict::TryAgainCounted, "the host may be well again");
}

#[test]
fn a_host_that_has_approved_a_payment_and_does_not_know_it_is_not_believed() {
    let first = Try { approved: true, ..FIRST };
    let taken_back = decided(Decision::Approved, "00");
    for code in ["25", "12"] {
        assert_eq!(judge(Kind::Reversal, &answer(code), first, &codes()), parked(code));
        assert_eq!(judge(Kind::Reversal, &answer(code), FIRST, &codes()), Verdict::Done, "it never said otherwise");
        let later = Try { counted: 1, ..first };
        assert_eq!(judge(Kind::Reversal, &answer(code), later, &codes()), Verdict::Done, "the try before took it back");
    }
    assert_eq!(judge(Kind::Reversal, &taken_back, first, &codes()), Verdict::Done);
}

#[test]
fn tries_become_rarer_but_not_rare() {
    let intervals: Vec<_> = [0, 1, 2, 3, 6, 7, 8, MAX_TRIES].into_iter().map(interval_s).collect();
    assert_eq!(intervals, [10, 10, 20, 40, 320, 600, 600, 600]);
    let all: u32 = (1..MAX_TRIES).map(interval_s).sum();
    assert!(all > 2 * 3600, "{all} s");
    assert_eq!(
        pause_s::<HostAnswer>(&Err(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, "no line"))), 7),
        OFFLINE_INTERVAL_S
    );
    assert_eq!(pause_s(&answer("96"), 7), 600);
}

fn entry(kind: Kind, stan: u32, standing: Standing) -> Entry {
    let trace = TraceNumber { batch: Batch::FIRST, stan: Stan::new(stan).unwrap() };
    let id = match kind {
        Kind::Reversal => EntryId::Reversal(trace),
        Kind::Repeat => EntryId::Repeat(trace),
        Kind::Advice(_) => EntryId::Advice(stan.into()),
        Kind::OfflineSale => EntryId::OfflineSale(trace),
        Kind::Signature => EntryId::Signature(trace),
    };
    Entry {
        id,
        kind,
        trace,
        original: trace,
        amount: Amount::new(1234, Currency::CNY).unwrap(),
        at: "2026-11-22T14:26:09".parse().unwrap(),
        standing,
        tries: 0,
        next_try: None,
        reason: (kind == Kind::Reversal).then_some(ReasonKind::HostSilent),
        response_code: None,
    }
}

#[test]
fn reversals_go_first_and_within_a_rank_what_came_first() {
    let mut entries = vec![
        entry(Kind::Signature, 9, Standing::GivenUp),
        entry(Kind::Signature, 8, Standing::Waiting),
        entry(CARD_RESULT, 1, Standing::Waiting),
        entry(SCRIPT_RESULT, 2, Standing::Waiting),
        entry(CARD_RESULT, 3, Standing::Parked),
        entry(Kind::Reversal, 4, Standing::Waiting),
        entry(CARD_RESULT, 5, Standing::Waiting),
        entry(Kind::Reversal, 6, Standing::Interrupted),
        entry(Kind::Reversal, 7, Standing::Parked),
    ];
    order(&mut entries);
    let numbers: Vec<_> = entries.iter().map(|entry| entry.trace.stan.number()).collect();
    assert_eq!(numbers, [7, 3, 4, 6, 1, 2, 5, 8, 9]);
    assert!(Rank::ALL.is_sorted());
}

fn deed(act: Act) -> Deed {
    let at = "2026-11-23T09:00:00".parse().unwrap();
    Deed { act, by: "Wang".to_owned(), note: "the bank said so".to_owned(), at }
}

#[test]
fn a_person_decides_only_what_was_given_up_and_says_what_fits_it() {
    let resolve = |resolution| Act::Resolve(resolution);
    let (reversed, charged, noted) =
        (resolve(Resolution::Reversed), resolve(Resolution::Charged), resolve(Resolution::Noted));
    for (kind, act, expected) in [
        (Kind::Reversal, reversed, Ok(())),
        (Kind::Reversal, charged, Ok(())),
        (Kind::Reversal, Act::Retry, Ok(())),
        (Kind::Reversal, noted, Err(NotAllowed::PaymentNoted)),
        (CARD_RESULT, noted, Ok(())),
        (SCRIPT_RESULT, Act::Retry, Ok(())),
        (CARD_RESULT, charged, Err(NotAllowed::AdviceDecides)),
        (SCRIPT_RESULT, reversed, Err(NotAllowed::AdviceDecides)),
    ] {
        assert_eq!(allow(&entry(kind, 1, Standing::Parked), &deed(act)), expected, "{kind:?} {act:?}");
        for standing in [Standing::Waiting, Standing::Interrupted] {
            assert_eq!(allow(&entry(kind, 1, standing), &deed(act)), Err(NotAllowed::NotParked));
        }
    }
}

#[test]
fn what_may_be_somebody_elses_payment_is_never_taken_back() {
    let in_use = Entry { reason: Some(ReasonKind::TraceNumberInUse), ..entry(Kind::Reversal, 1, Standing::Parked) };
    assert_eq!(allow(&in_use, &deed(Act::Retry)), Err(NotAllowed::NumberInUse));
    for resolution in [Resolution::Reversed, Resolution::Charged] {
        assert_eq!(allow(&in_use, &deed(Act::Resolve(resolution))), Ok(()));
    }
}

#[test]
fn whoever_decides_says_who_and_why() {
    let parked = entry(Kind::Reversal, 1, Standing::Parked);
    let with = |by: &str, note: &str| {
        let deed = Deed { by: by.to_owned(), note: note.to_owned(), ..deed(Act::Retry) };
        allow(&parked, &deed)
    };
    assert_eq!(with("王", "好"), Ok(()));
    for (by, error) in [("", Err(NotAllowed::Name)), ("  ", Err(NotAllowed::Name)), (&"王".repeat(64), Ok(()))] {
        assert_eq!(with(by, "why"), error, "{by:?}");
    }
    assert_eq!(with(&"a".repeat(65), "why"), Err(NotAllowed::Name));
    assert_eq!(with("Wang", " "), Err(NotAllowed::Note));
    assert_eq!(with("Wang", &"a".repeat(501)), Err(NotAllowed::Note));
}

#[test]
fn a_settlement_waits_for_every_entry() {
    assert!(Open::of(&[]).settlement_may_begin());
    for kind in KINDS {
        for standing in [Standing::Interrupted, Standing::Waiting, Standing::Parked] {
            let open = Open::of(&[entry(kind, 1, standing)]);
            assert!(!open.settlement_may_begin(), "{kind:?} {standing:?}");
            assert_eq!((open.waiting, open.parked), if standing == Standing::Parked { (0, 1) } else { (1, 0) });
        }
    }
}

#[test]
fn a_signature_that_was_given_up_stands_in_nobodys_way_and_nobody_decides_about_it() {
    assert!(!Open::of(&[entry(Kind::Signature, 1, Standing::Waiting)]).settlement_may_begin());
    assert!(Open::of(&[entry(Kind::Signature, 1, Standing::GivenUp)]).settlement_may_begin());
    for act in Resolution::ALL.map(Act::Resolve).into_iter().chain([Act::Retry]) {
        for standing in [Standing::Waiting, Standing::GivenUp] {
            assert_eq!(allow(&entry(Kind::Signature, 1, standing), &deed(act)), Err(NotAllowed::NotParked));
        }
    }
}

#[test]
fn every_act_has_a_word_of_its_own() {
    for act in Resolution::ALL.map(Act::Resolve).into_iter().chain([Act::Retry]) {
        assert_eq!(Act::from_word(act.word()), Some(act));
    }
}

#[test]
fn a_late_approval_takes_back_what_the_customer_was_told_is_not_paid() {
    for state in State::ALL {
        let does = match state.word() {
            "declined" | "reversed" => Some(LateApprovalDoes::TakeBack),
            "reversal_due" | "repeat_due" | "unresolved" => Some(LateApprovalDoes::Nothing),
            _ => None,
        };
        for resolution in [None, Some(Resolution::Charged)] {
            assert_eq!(late_approval(transaction::Kind::Sale, state, resolution), does, "{state:?}");
        }
    }
    // The acquirer said that it had nothing, and a person believed it.
    let said = Some(Resolution::Reversed);
    assert_eq!(late_approval(transaction::Kind::Sale, State::Unresolved, said), Some(LateApprovalDoes::AskAgain));
}

#[test]
fn what_is_sent_again_is_done_or_refused_only_by_a_word_that_says_so() {
    let codes = codes();
    for (decision, code, verdict) in [
        (Decision::Approved, "00", Verdict::Done),
        (Decision::Refused, "25", Verdict::Refused),
        // The first one may have been done, whatever the host says of its own trouble now.
        (Decision::Refused, "96", Verdict::TryAgainCounted),
        (Decision::Refused, "A0", Verdict::TryAgainCounted),
        (Decision::Unproven, "25", Verdict::TryAgainCounted),
        (Decision::Unclear, "68", Verdict::TryAgainCounted),
        (Decision::Partial(Amount::zero(Currency::CNY)), "10", parked("10")),
        (Decision::NumberInUse, "94", parked("94")),
    ] {
        assert_eq!(judge(Kind::Repeat, &decided(decision, code), FIRST, &codes), verdict, "{decision:?} {code}");
    }
    let silent = Err(LinkFailure::NoAnswer(String::new()));
    assert_eq!(judge(Kind::Repeat, &silent, FIRST, &codes), Verdict::TryAgainCounted);
    assert_eq!(judge(Kind::Repeat, &silent, LAST, &codes), Verdict::Park(None));
}

#[test]
fn an_approval_that_comes_too_late_for_what_nothing_takes_back_is_for_a_person() {
    use crate::payment::transaction::Kind;
    for kind in [Kind::Refund, Kind::CompletionNotice] {
        assert_eq!(late_approval(kind, State::Declined, None), Some(LateApprovalDoes::AskPerson));
        assert_eq!(late_approval(kind, State::RepeatDue, None), Some(LateApprovalDoes::Nothing));
    }
    assert_eq!(late_approval(Kind::Void, State::Declined, None), Some(LateApprovalDoes::TakeBack));
}

#[test]
fn an_order_that_is_closed_is_done_a_refusal_is_for_a_person_and_all_else_is_tried_again() {
    let unreached = || Err(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, "no line")));
    let silent = || Err(LinkFailure::NoAnswer("read timed out".to_owned()));
    let refused = Ok(CancelAnswer::Refused(ResponseCode::parse("05").unwrap()));
    for this in [FIRST, OFTEN, LAST, Try { due: false, ..FIRST }, Try { due: false, ..LAST }] {
        for closed in [CancelAnswer::NeverPaid, CancelAnswer::PaidBack] {
            assert_eq!(judge_cancellation(&Ok(closed), this), Verdict::Done, "{this:?}");
        }
        assert_eq!(judge_cancellation(&refused, this), parked("05"), "{this:?}");
        assert_eq!(judge_cancellation(&unreached(), this), Verdict::TryAgain, "{this:?}");
        for unknown in [Ok(CancelAnswer::NotKnown), silent()] {
            let expected = match this {
                Try { due: false, .. } => Verdict::TryAgain,
                LAST => Verdict::Park(None),
                _ => Verdict::TryAgainCounted,
            };
            assert_eq!(judge_cancellation(&unknown, this), expected, "{this:?}");
        }
    }
}
