//! Cards that are torn, decline, or approve what nobody asked for.

use yima::emv::{tag, tlv};
use yima::link_fault::LinkFault;
use yima::payment::online::{Decision, LinkFailure, Unreached};
use yima::payment::record::State;
use yima::payment::sale::Conclusion;
use yima::sandbox::card::profile::CardProfile;
use yima::wording::ReasonKind;

use super::order::refusal;
use super::shop::{Faults, Host, Shop, answer, approve, kind_of};

#[test]
fn a_card_torn_at_any_command_is_never_paid_and_taken_back_when_due() {
    let whole = Shop::new().sale(&Faults::default(), approve).commands;
    assert!(whole >= 6, "{whole} commands");
    for tear in 1..=whole {
        let run = Shop::new().sale(&Faults { tear: Some(tear), ..Faults::default() }, approve);
        match (&run.conclusion, run.sent) {
            (Conclusion::Failed(reason), false) => {
                assert_eq!((reason.kind, run.state), (ReasonKind::CardTorn, None), "command {tear}");
            }
            (Conclusion::ReversalDue(reason), true) => {
                assert_eq!(reason.kind, ReasonKind::CardTornAfterRequest, "command {tear}");
                assert_eq!(run.state, Some(State::ReversalDue), "command {tear}");
            }
            other => panic!("torn at command {tear}: {other:?}"),
        }
    }
}

/// Why the host's word is not to be had.
const UNREACHABLE: [Host; 4] = [
    |_, _| Err(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, ""))),
    |_, _| Err(LinkFailure::NoAnswer(String::new())),
    |_, _| Err(LinkFailure::BadMac(String::new())),
    |_, _| Ok(answer(Decision::NumberInUse, "94")),
];

const ARQC: u8 = 0x80;

pub const TC: u8 = 0x40;

const AAC: u8 = 0x00;

#[test]
fn without_the_hosts_word_the_card_is_asked_to_decline() {
    for host in UNREACHABLE {
        let run = Shop::new().sale(&Faults::default(), host);
        // The shipped card would sign a TC; an AAC is never signed.
        assert_eq!(run.asked_for.iter().map(|asked| asked & 0xC0).collect::<Vec<_>>(), [ARQC, AAC]);
    }
}

#[test]
fn a_card_that_approves_without_the_host_has_not_paid() {
    for host in UNREACHABLE {
        let run = Shop::that_could_approve_alone(0).sale(&Faults::default(), host);
        assert_eq!(run.asked_for, [ARQC, TC], "the kernel takes the issuer's place (8A = Y3)");
        let approved = run.trail.iter().any(|step| step.contains("approved"));
        assert!(!approved && run.conclusion != Conclusion::Approved, "{:?} {:?}", run.trail, run.conclusion);
        let expected = Shop::new().sale(&Faults::default(), host);
        assert_eq!((run.conclusion, run.state), (expected.conclusion, expected.state), "as if the card had declined");
    }
}

#[test]
fn a_card_that_approves_alone_is_neither_paid_nor_declined() {
    let run = Shop::that_could_approve_alone(1_000_000).sale(&Faults::default(), approve);
    assert_eq!((run.asked_for, run.sent, run.state), (vec![TC], false, None));
    assert!(matches!(run.conclusion, Conclusion::Failed(_)), "{:?}", run.conclusion);
}

#[test]
fn a_card_torn_while_it_is_told_of_a_refusal_changes_nothing() {
    let commands = Shop::new().sale(&Faults::default(), |_, _| Ok(refusal())).commands;
    let run = Shop::new().sale(&Faults { tear: Some(commands), ..Faults::default() }, |_, _| Ok(refusal()));
    assert_eq!((kind_of(&run.conclusion), run.state), (Some(ReasonKind::HostDeclined), Some(State::Declined)));
}

#[test]
fn a_card_that_declines_after_the_approval_has_the_last_word() {
    let mut profile = CardProfile::shipped("unionpay-debit").unwrap();
    profile.applications[0].declines_after_approval = true;
    let run = Shop::with(profile).sale(&Faults::default(), approve);
    assert_eq!(run.state, Some(State::ReversalDue));
    assert_eq!(kind_of(&run.conclusion), Some(ReasonKind::CardDeclinedAfterApproval));
}

#[test]
fn an_expired_card_goes_to_the_host_with_the_bit_set() {
    let mut profile = CardProfile::shipped("unionpay-debit").unwrap();
    profile.applications[0].expiry = "2001".to_owned();
    let run = Shop::with(profile).sale(&Faults::default(), |_, request| {
        let tvr = tlv::find(&request.chip_data, tag::TVR).unwrap().unwrap();
        assert_eq!(tvr[1] & 0x40, 0x40, "expired application");
        Ok(answer(Decision::Refused, "54"))
    });
    assert_eq!(run.state, Some(State::Declined));
}

#[test]
fn a_card_of_another_scheme_is_refused_before_anything_is_written() {
    let mut profile = CardProfile::shipped("unionpay-debit").unwrap();
    profile.applications[0].aid = "A0000000999999".to_owned();
    let run = Shop::with(profile).sale(&Faults::default(), approve);
    assert_eq!((kind_of(&run.conclusion), run.state), (Some(ReasonKind::CardNotSupported), None));
}
