//! The choice among several applications of a card.

use yima::payment::chooser::Chooser;
use yima::payment::pin_pad::PinPad;
use yima::payment::sale::{Conclusion, Effect, Event, Opening, Sale};
use yima::sandbox::card::profile::CardProfile;
use yima::wording::ReasonKind;

use super::shop::{Shop, exchange, kind_of};

/// A sale up to what nobody answers any more: the next question to the cardholder, the request to the host, or the end.
fn until_answered(shop: &mut Shop, chooser: &Chooser, answers: &[Event]) -> (Sale, Effect) {
    let trace = shop.ledger.take_trace_number().unwrap();
    let mut sale = Sale::new(Opening { chooser: chooser.clone(), ..shop.opening(trace) });
    sale.step(Event::Begin);
    shop.card.power_on();
    let mut effects = sale.step(Event::CardInserted(PinPad::None));
    let mut answers = answers.iter();
    loop {
        match effects.pop().unwrap() {
            Effect::Apdu(command) => {
                effects = sale.step(Event::CardAnswered(exchange(&mut shop.card, command.bytes())));
            }
            asked @ (Effect::ChooseApplication(_) | Effect::ConfirmApplication(_)) => {
                // An answer that means nothing here has no effect, and the next one counts.
                match answers.by_ref().map(|answer| sale.step(answer.clone())).find(|effects| !effects.is_empty()) {
                    Some(answered) => effects = answered,
                    None => return (sale, asked),
                }
            }
            other => return (sale, other),
        }
    }
}

fn two_applications() -> Shop {
    Shop::with(CardProfile::shipped("multi-application").unwrap())
}

/// One application, which needs the cardholder's consent.
fn with_consent() -> Shop {
    let mut profile = CardProfile::shipped("multi-application").unwrap();
    profile.applications.truncate(1);
    Shop::with(profile)
}

const DEBIT: &str = "622848*********2014";

const CREDIT: &str = "625000******2018";

#[test]
fn the_cardholder_chooses_among_several_applications() {
    let (_, asked) = until_answered(&mut two_applications(), &Chooser::Cardholder, &[]);
    let Effect::ChooseApplication(choices) = asked else { panic!("{asked:?}") };
    let offered: Vec<_> = choices.iter().map(|choice| (choice.name.as_str(), choice.needs_confirmation)).collect();
    assert_eq!(offered, [("UnionPay Credit", false), ("UnionPay Debit", true)]);
    for (chooser, answers, pan) in [
        (Chooser::Cardholder, &[Event::ApplicationChosen(0)][..], CREDIT),
        // Who chooses from a list agrees to it.
        (Chooser::Cardholder, &[Event::ApplicationChosen(1)], DEBIT),
        // An answer to something else, and one that was not offered, leave the question open.
        (
            Chooser::Cardholder,
            &[Event::ApplicationConfirmed(true), Event::ApplicationChosen(2), Event::ApplicationChosen(1)],
            DEBIT,
        ),
        (Chooser::Nobody, &[], CREDIT),
        (Chooser::Beforehand("2".parse().unwrap()), &[], DEBIT),
        (Chooser::Beforehand("A000000333010101".parse().unwrap()), &[], DEBIT),
    ] {
        let (sale, end) = until_answered(&mut two_applications(), &chooser, answers);
        assert!(matches!(end, Effect::Send(_)), "{chooser:?} {answers:?}: {end:?}");
        assert_eq!(sale.card().unwrap().truncated_pan, pan, "{chooser:?} {answers:?}");
    }
}

#[test]
fn an_application_that_needs_consent_is_asked_for() {
    let (_, asked) = until_answered(&mut with_consent(), &Chooser::Cardholder, &[]);
    assert!(matches!(&asked, Effect::ConfirmApplication(choice) if choice.name == "UnionPay Debit"), "{asked:?}");
    let agreed = [Event::ApplicationConfirmed(true)];
    for (chooser, answers, sent) in [
        (Chooser::Cardholder, &agreed[..], true),
        (Chooser::Cardholder, &[Event::ApplicationConfirmed(false)], false),
        (Chooser::Nobody, &[], false),
        (Chooser::Beforehand("1".parse().unwrap()), &[], true),
        (Chooser::Beforehand("2".parse().unwrap()), &[], false),
    ] {
        let (_, end) = until_answered(&mut with_consent(), &chooser, answers);
        assert_eq!(matches!(end, Effect::Send(_)), sent, "{chooser:?} {answers:?}: {end:?}");
    }
}

#[test]
fn whatever_happens_instead_of_a_choice_ends_the_sale_unpaid_and_unwritten() {
    for (what, kind) in [
        (Event::Cancelled, ReasonKind::Cancelled),
        (Event::ChoiceTimedOut, ReasonKind::ChoiceTimedOut),
        (Event::CardTorn, ReasonKind::CardTorn),
        (Event::CardMute, ReasonKind::CardMute),
        (Event::ReaderFailed(String::new()), ReasonKind::ReaderMissing),
    ] {
        for mut shop in [two_applications(), with_consent()] {
            let (sale, end) = until_answered(&mut shop, &Chooser::Cardholder, std::slice::from_ref(&what));
            let Effect::Conclude(conclusion) = end else { panic!("{what:?}: {end:?}") };
            assert_eq!(kind_of(&conclusion), Some(kind), "{what:?}");
            assert!(matches!(conclusion, Conclusion::Failed(_)), "{what:?}");
            assert!(shop.ledger.find(sale.trace()).unwrap().is_none(), "{what:?}");
        }
    }
    let (_, end) = until_answered(&mut with_consent(), &Chooser::Cardholder, &[Event::ApplicationConfirmed(false)]);
    assert!(
        matches!(&end, Effect::Conclude(conclusion) if kind_of(conclusion) == Some(ReasonKind::ApplicationRefused))
    );
}
