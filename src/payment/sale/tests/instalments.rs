//! Sales by instalments: what is asked for, and what an approval has to say of it.

use super::*;
use crate::goods::sold::Sold;
use crate::host_tables::{HostTables, InstalmentOffer, TerminalParameters};
use crate::payment::instalments::{AskedInstalments, ByInstalments, Fee, Periods, Plan};

fn six() -> Periods {
    Periods::new(6).unwrap()
}

/// Asked about already: by a card without a chip, which has nothing more to say.
fn asked() -> (Sale, Vec<Effect>) {
    let sale = ByInstalments::new(amount("600.05"), Sold::default(), six()).unwrap();
    let offer = InstalmentOffer { periods: vec![6], from: 1, programme: Some("0001".to_owned()) };
    let terminal = TerminalParameters { instalments: Some(offer), ..TerminalParameters::default() };
    let opening = Opening {
        tables: Arc::new(HostTables { terminal, ..HostTables::default() }),
        in_part: true,
        ..opening(Transaction::sale_by_instalments(&sale))
    };
    let mut sale = Sale::new(opening);
    sale.step(Event::Begin);
    let effects = sale.step(swiped("101", PinPad::None));
    (sale, effects)
}

fn plan(first: &str, following: &str) -> Plan {
    let whole = amount(first).checked_add(amount("0.00")).unwrap();
    let whole = (0..5).fold(whole, |sum, _| sum.checked_add(amount(following)).unwrap());
    Plan::new(whole, six(), amount(first), amount(following), Fee::AtOnce(amount("21.60"))).unwrap()
}

fn approved_with(plan: Option<Plan>) -> Event {
    match said(Decision::Approved, &[]) {
        Event::HostAnswered(answer) => Event::HostAnswered(HostAnswer { plan, ..answer }),
        event => event,
    }
}

#[test]
fn the_row_and_the_request_say_what_is_asked_for_and_no_part_may_be_approved() {
    let (sale, effects) = asked();
    let expected = Some(AskedInstalments { periods: six(), programme: Some("0001".to_owned()) });
    let mut seen = 0;
    for effect in &effects {
        match effect {
            Effect::Record(Record::Pending(pending)) => {
                assert_eq!(pending.instalments, expected);
                seen += 1;
            }
            Effect::Send(request) => {
                assert_eq!((&request.instalments, request.in_part), (&expected, false));
                assert!(request.is_by_instalments());
                seen += 1;
            }
            _ => {}
        }
    }
    assert_eq!(seen, 2);
    assert!(!sale.takes_a_part(), "a part of it would have another plan");
    assert_eq!(sale.instalments().map(|told| told.plan), Some(None));
}

#[test]
fn an_approval_with_its_plan_is_written_down_with_it() {
    let (mut sale, _) = asked();
    let right = plan("100.05", "100.00");
    let effects = sale.step(approved_with(Some(right)));
    assert_eq!(recorded(&effects), "HostApproved, PaidWithoutChip");
    assert!(effects.iter().any(|effect| matches!(
        effect,
        Effect::Record(Record::HostApproved { plan: Some(plan), .. }) if *plan == right
    )));
    assert_eq!(sale.instalments().and_then(|told| told.plan), Some(right));
}

#[test]
fn an_approval_without_a_plan_or_of_another_amount_is_taken_back() {
    for wrong in [None, Some(plan("100.00", "100.00")), Some(plan("100.06", "100.00"))] {
        let (mut sale, _) = asked();
        let effects = sale.step(approved_with(wrong));
        assert_eq!(recorded(&effects), "ReversalDue", "{wrong:?}");
        let reason = effects.iter().find_map(|effect| match effect {
            Effect::Conclude(Conclusion::ReversalDue(reason)) => Some(reason.kind),
            _ => None,
        });
        assert_eq!(reason, Some(ReasonKind::HostAnswerRefused), "{wrong:?}");
        assert_eq!(sale.instalments().and_then(|told| told.plan), None, "nobody is told of it");
    }
}

#[test]
fn what_the_bank_does_not_split_says_so_and_a_part_of_it_is_taken_back() {
    let (mut sale, _) = asked();
    let effects = sale.step(said(Decision::NotByInstalments, &[]));
    assert_eq!(recorded(&effects), "NotPaid");
    let reason = effects.iter().find_map(|effect| match effect {
        Effect::Conclude(Conclusion::Declined(reason)) => Some((reason.kind, reason.code.is_some())),
        _ => None,
    });
    assert_eq!(reason, Some((ReasonKind::NotByInstalments, true)));
    let (mut sale, _) = asked();
    let effects = sale.step(said(Decision::Partial(amount("300.00")), &[]));
    assert_eq!(recorded(&effects), "ReversalDue");
}

#[test]
fn it_is_asked_online_whatever_card_and_terminal_would_let_pass() {
    let split = ByInstalments::new(amount("600.05"), Sold::default(), six()).unwrap();
    assert!(opening(Transaction::sale_by_instalments(&split)).transaction_data().forced_online);
    assert!(!opening(Transaction::sale(amount("600.05"))).transaction_data().forced_online);
}
