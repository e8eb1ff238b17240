//! The order of a sale: what is written down before what, and where each answer leads.

use yima::link_fault::LinkFault;
use yima::money::{Amount, Currency};
use yima::payment::online::{Decision, HostAnswer, LinkFailure, SaleRequest, Unreached};
use yima::payment::record::State;
use yima::payment::sale::Conclusion;
use yima::sandbox::card::profile::CardProfile;
use yima::wording::ReasonKind;

use super::shop::{Faults, Host, Shop, answer, approve, kind_of};

#[test]
fn a_sale_is_written_down_before_each_step_that_counts() {
    let run = Shop::new().sale(&Faults::default(), approve);
    assert_eq!(run.conclusion, Conclusion::Approved);
    assert_eq!(run.state, Some(State::Approved));
    let steps: Vec<_> = run.trail.iter().filter(|step| *step != "apdu").map(String::as_str).collect();
    assert_eq!(steps, ["record:pending", "send", "record:host_approved", "record:approved"]);
}

/// The terminal may find out at the last moment that it must not ask.
#[test]
fn a_request_that_is_kept_back_is_no_charge_and_the_card_is_asked_to_decline() {
    let faults = Faults { withheld: Some(ReasonKind::ClockFarOff), ..Faults::default() };
    let run = Shop::new().sale(&faults, approve);
    assert!(!run.sent);
    assert_eq!((run.state, kind_of(&run.conclusion)), (Some(State::Declined), Some(ReasonKind::ClockFarOff)));
    assert_eq!(run.asked_for.iter().map(|asked| asked & 0xC0).collect::<Vec<_>>(), [0x80, 0x00]);
}

#[test]
fn every_answer_and_every_silence_ends_where_it_must() {
    let cases: [(&str, Host, State, Option<ReasonKind>); 9] = [
        ("declined", |_, _| Ok(refusal()), State::Declined, Some(ReasonKind::HostDeclined)),
        ("issuer silent", |_, _| Ok(answer(Decision::Unclear, "68")), State::ReversalDue, Some(ReasonKind::HostSilent)),
        (
            "used before",
            |_, _| Ok(answer(Decision::NumberInUse, "94")),
            State::Unresolved,
            Some(ReasonKind::TraceNumberInUse),
        ),
        (
            "cannot be written",
            |_, _| Err(LinkFailure::Unsendable(String::new())),
            State::Declined,
            Some(ReasonKind::CannotAsk),
        ),
        ("partial", partial, State::ReversalDue, Some(ReasonKind::PartialApproval)),
        (
            "never sent",
            |_, _| Err(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, ""))),
            State::Declined,
            Some(ReasonKind::HostUnreachable),
        ),
        ("silent", |_, _| Err(LinkFailure::NoAnswer(String::new())), State::ReversalDue, Some(ReasonKind::HostSilent)),
        (
            "bad MAC",
            |_, _| Err(LinkFailure::BadMac(String::new())),
            State::ReversalDue,
            Some(ReasonKind::HostAnswerRefused),
        ),
        (
            "no issuer cryptogram",
            |_, _| Ok(answer(Decision::Approved, "00")),
            State::ReversalDue,
            Some(ReasonKind::CardDeclinedAfterApproval),
        ),
    ];
    for (what, host, state, kind) in cases {
        let run = Shop::new().sale(&Faults::default(), host);
        assert_eq!(run.state, Some(state), "{what}");
        assert_eq!(kind_of(&run.conclusion), kind, "{what}");
    }
}

fn partial(_: &CardProfile, _: &SaleRequest) -> Result<HostAnswer, LinkFailure> {
    Ok(answer(Decision::Partial(Amount::parse("9.40", Currency::CNY).unwrap()), "10"))
}

pub fn refusal() -> HostAnswer {
    answer(Decision::Refused, "51")
}

#[test]
fn a_record_that_cannot_be_written_never_ends_as_paid() {
    for (record, sent, state) in
        [(1, false, None), (2, true, Some(State::Pending)), (3, true, Some(State::HostApproved))]
    {
        let run = Shop::new().sale(&Faults { record: Some(record), ..Faults::default() }, approve);
        assert_eq!(run.sent, sent, "record {record}");
        assert_eq!(run.state, state, "record {record}: the row stays and is taken back");
        let kind = if sent { ReasonKind::LedgerFailedAfterRequest } else { ReasonKind::LedgerFailed };
        assert_eq!(kind_of(&run.conclusion), Some(kind), "record {record}");
        assert_ne!(run.conclusion, Conclusion::Approved);
    }
}

#[test]
fn a_record_that_fails_while_the_payment_is_taken_back_still_ends_the_sale() {
    let whole = Shop::new().sale(&Faults::default(), approve).commands;
    for tear in 1..=whole {
        for record in 1..=3 {
            let faults = Faults { tear: Some(tear), record: Some(record), ..Faults::default() };
            let run = Shop::new().sale(&faults, approve);
            assert_ne!(run.conclusion, Conclusion::Approved, "{faults:?}");
            let taken_back = matches!(run.conclusion, Conclusion::ReversalDue(_));
            assert_eq!(taken_back, run.sent, "what was sent is taken back, what was not is not: {faults:?}");
            if run.sent {
                let safe = [Some(State::Pending), Some(State::HostApproved), Some(State::ReversalDue)];
                assert!(safe.contains(&run.state), "{faults:?}: {:?}", run.state);
            }
        }
    }
}
