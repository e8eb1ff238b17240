//! Sales by instalments at the host: what lets them be, the plan, and what becomes of it.

use super::*;
use crate::payment::instalments::{AskedInstalments, Fee, Periods, Plan};
use crate::payment::transaction::Original;
use crate::sandbox::host::KeptPlan;

const OFFER: &str = "terminal = { instalments = { periods = [3, 6, 12], from = 60000, programme = \"0001\" } }";

/// A host that offers instalments.
fn house() -> House {
    let house = House::new();
    let folder = house.directory.path().join("host/parameters");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("host.toml"), OFFER).unwrap();
    house
}

fn credit() -> ApplicationProfile {
    CardProfile::shipped("unionpay-credit").unwrap().applications.remove(0)
}

fn in_periods(profile: &ApplicationProfile, stan: u32, minor: u64, number: u8, programme: Option<&str>) -> SaleRequest {
    let asked = AskedInstalments { periods: Periods::new(number).unwrap(), programme: programme.map(str::to_owned) };
    SaleRequest { instalments: Some(asked), ..sale_of(profile, stan, minor) }
}

fn balance(house: &House) -> u64 {
    house.running.balance(&credit().pan).unwrap().unwrap()
}

fn plans(house: &House) -> Vec<KeptPlan> {
    house.host.instalment_plans().unwrap()
}

fn back(stan: u32, kind: Kind, minor: u64, sale: &SaleRequest, answer: &HostAnswer) -> SaleRequest {
    let original = Original {
        trace: sale.trace,
        at: sale.at,
        amount: sale.amount,
        rrn: answer.rrn.clone(),
        authorisation_code: answer.authorisation_code.clone(),
        pan: sale.card.pan.clone().into(),
        periods: sale.instalments.as_ref().map(|asked| asked.periods),
    };
    let chip_data = zeroize::Zeroizing::default();
    SaleRequest { kind, original: Some(original), chip_data, ..sale_of(&credit(), stan, minor) }
}

#[test]
fn the_whole_amount_is_booked_and_the_plan_stands_in_the_books_and_is_told_twice_if_asked_twice() {
    let house = house();
    let link = house.link();
    let sale = in_periods(&credit(), 1, 60_005, 6, Some("0001"));
    let answer = link.sale(&sale).unwrap();
    let periods = Periods::new(6).unwrap();
    let plan = Plan::new(cny(60_005), periods, cny(10_005), cny(10_000), Fee::AtOnce(cny(2160))).unwrap();
    assert_eq!((answer.decision, answer.plan), (Decision::Approved, Some(plan)));
    assert_eq!(link.sale(&sale).unwrap(), answer, "doubled on the way");
    assert_eq!(balance(&house), BALANCE - 60_005, "the merchant gets all of it at once");
    let kept = plans(&house);
    assert_eq!((kept.len(), kept[0].plan, kept[0].stands), (1, plan, true));
    assert_eq!(kept[0].programme.as_deref(), Some("0001"));
    assert_eq!(house.host.ledger().unwrap()[0].reason, "approved, in 6 periods");
}

#[test]
fn what_is_not_offered_too_little_or_no_card_of_credit_is_refused_and_books_nothing() {
    let house = house();
    let link = house.link();
    for (stan, request, expected, decision) in [
        (1, in_periods(&profile(), 1, 60_000, 6, Some("0001")), "57", Decision::NotByInstalments),
        (2, in_periods(&credit(), 2, 60_000, 24, Some("0001")), "58", Decision::NotByInstalments),
        (3, in_periods(&credit(), 3, 60_000, 6, None), "58", Decision::NotByInstalments),
        (4, in_periods(&credit(), 4, 59_999, 6, Some("0001")), "13", Decision::Refused),
        (5, in_periods(&credit(), 5, 2_000_000, 6, Some("0001")), "51", Decision::Refused),
    ] {
        let answer = link.sale(&request).unwrap();
        assert_eq!((answer.response_code.as_str(), answer.decision, answer.plan), (expected, decision, None), "{stan}");
    }
    assert_eq!((balance(&house), house.balance(), plans(&house).len()), (BALANCE, BALANCE, 0));
    // At once the same card pays the same amount.
    assert_eq!(code(link.sale(&sale_of(&credit(), 6, 60_000))), "00");
    // A host that offers none at all.
    std::fs::write(house.directory.path().join("host/parameters/host.toml"), "").unwrap();
    assert_eq!(code(link.sale(&in_periods(&credit(), 7, 60_000, 6, Some("0001")))), "58");
}

#[test]
fn a_plan_is_over_with_its_sale_voided_taken_back_or_given_back_as_a_whole() {
    let house = house();
    let link = house.link();
    let stands = |house: &House| plans(house).iter().map(|kept| kept.stands).collect::<Vec<_>>();
    let sold = |stan| {
        let sale = in_periods(&credit(), stan, 60_000, 12, Some("0001"));
        let answer = link.sale(&sale).unwrap();
        assert_eq!(answer.decision, Decision::Approved);
        (sale, answer)
    };
    // A void says what it undoes; and when it is taken back itself, the plan stands again.
    let (sale, answer) = sold(1);
    let void = back(2, Kind::Void, 60_000, &sale, &answer);
    let original = Original { periods: None, ..void.original.clone().unwrap() };
    let at_once = SaleRequest { trace: trace(3), original: Some(original), ..void.clone() };
    assert_eq!(code(link.sale(&at_once)), "12", "it was not paid at once");
    assert_eq!(code(link.sale(&void)), "00");
    assert_eq!((stands(&house), balance(&house)), (vec![false], BALANCE));
    let reversal = |stan, kind, by_instalments| ReversalRequest {
        kind,
        by_instalments,
        chip_data: Vec::new(),
        ..reversal(stan, 60_000)
    };
    assert_eq!(code(link.reverse(&reversal(2, Kind::Void, true))), "00");
    assert_eq!(stands(&house), [true]);
    // Money goes back as a whole.
    let part = back(4, Kind::Refund, 10_000, &sale, &answer);
    assert_eq!(code(link.sale(&part)), "13");
    assert_eq!(code(link.sale(&back(5, Kind::Refund, 60_000, &sale, &answer))), "00");
    assert_eq!((stands(&house), balance(&house)), (vec![false], BALANCE));
    // A reversal takes back what it says it takes back.
    let (sale, _) = sold(6);
    assert_eq!(code(link.reverse(&reversal(6, Kind::Sale, false))), "25", "that was another payment");
    assert_eq!(stands(&house), [false, true]);
    assert_eq!(code(link.reverse(&reversal(6, Kind::Sale, true))), "00");
    assert_eq!((stands(&house), balance(&house)), (vec![false, false], BALANCE));
    assert_eq!(code(link.sale(&sale)), "94", "what was taken back is not done when it comes once more");
}

#[test]
fn a_part_of_it_is_never_approved_and_an_amount_that_asks_for_one_is_refused_by_the_terminal() {
    let house = house();
    let link = house.link();
    std::fs::write(house.directory.path().join("host/parameters/host.toml"), OFFER.replace("60000", "100")).unwrap();
    let answer = link.sale(&in_periods(&credit(), 1, 66_10, 3, Some("0001"))).unwrap();
    assert!(matches!(answer.decision, Decision::Partial(_)), "{answer:?}");
    assert_eq!(answer.plan, None, "and has no plan of what was asked for");
}
