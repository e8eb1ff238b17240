//! Every kind of transaction over the wire, from a terminal to its host.

use super::*;
use crate::payment::online::{AboutRequest, BalanceKind};
use crate::payment::record::State;
use crate::payment::transaction::{Original, Past, Presence, Transaction};

/// A request for which the card is only read.
fn referring(stan: u32, kind: Kind, minor: u64, original: &Original) -> SaleRequest {
    SaleRequest { kind, original: Some(original.clone()), chip_data: Vec::new().into(), ..sale(stan, minor) }
}

/// A whole card transaction of another kind than a sale.
fn whole(stan: u32, kind: Kind, minor: u64) -> SaleRequest {
    let signed = Signed { transaction_type: kind.for_kernel().code(), ..Signed::default() };
    SaleRequest { kind, chip_data: chip_data(&profile(), stan as u16, minor, &signed).into(), ..sale(stan, minor) }
}

/// What a later request says of one that was approved.
fn original(request: &SaleRequest, answer: &HostAnswer) -> Original {
    Original {
        trace: request.trace,
        at: request.at,
        amount: request.amount,
        rrn: answer.rrn.clone(),
        authorisation_code: answer.authorisation_code.clone(),
        pan: request.card.pan.clone().into(),
        periods: None,
    }
}

fn taking_back(stan: u32, kind: Kind, minor: u64) -> ReversalRequest {
    ReversalRequest { kind, chip_data: Vec::new(), ..reversal(stan, minor) }
}

fn approved(link: &HttpsLink, request: &SaleRequest) -> Original {
    let answer = link.sale(request).unwrap();
    assert_eq!(answer.decision, Decision::Approved, "{:?}", request.kind);
    original(request, &answer)
}

#[test]
fn a_day_with_every_kind_leaves_the_account_right() {
    let house = House::new();
    let link = house.link();
    let held = || house.running.held(&profile().pan).unwrap().unwrap();
    let sold = approved(&link, &sale(1, 1000));
    let voided = approved(&link, &referring(2, Kind::Void, 1000, &sold));
    assert_eq!((house.balance(), held()), (BALANCE, 0));
    assert_eq!(code(link.reverse(&taking_back(2, Kind::Void, 1000))), "00");
    assert_eq!(house.balance(), BALANCE - 1000);
    assert_eq!(voided.trace, trace(2));
    approved(&link, &referring(3, Kind::Refund, 400, &sold));
    assert_eq!(house.balance(), BALANCE - 600);
    let aside = approved(&link, &whole(4, Kind::PreAuthorisation, 500));
    assert_eq!((house.balance(), held()), (BALANCE - 600, 500));
    let told = link.sale(&SaleRequest { amount: cny(0), ..whole(5, Kind::Balance, 0) }).unwrap();
    let balance = &told.balances[0];
    assert_eq!((balance.kind, balance.owed, balance.amount), (BalanceKind::Available, false, cny(BALANCE - 1100)));
    // A whole card transaction that refers to another.
    let topped_up = SaleRequest { original: Some(aside.clone()), ..whole(10, Kind::PreAuthorisationTopUp, 300) };
    approved(&link, &topped_up);
    assert_eq!((house.balance(), held()), (BALANCE - 600, 800));
    assert_eq!(code(link.reverse(&taking_back(10, Kind::PreAuthorisationTopUp, 300))), "00");
    assert_eq!((house.balance(), held()), (BALANCE - 600, 500));
    let paid = approved(&link, &referring(6, Kind::Completion, 575, &aside));
    assert_eq!((house.balance(), held()), (BALANCE - 1175, 0));
    approved(&link, &referring(7, Kind::CompletionVoid, 575, &paid));
    assert_eq!((house.balance(), held()), (BALANCE - 600, 500));
    assert_eq!(code(link.reverse(&taking_back(7, Kind::CompletionVoid, 575))), "00");
    assert_eq!(code(link.reverse(&taking_back(6, Kind::Completion, 575))), "00");
    assert_eq!((house.balance(), held()), (BALANCE - 600, 500));
    approved(&link, &referring(8, Kind::PreAuthorisationVoid, 500, &aside));
    assert_eq!(code(link.reverse(&taking_back(8, Kind::PreAuthorisationVoid, 500))), "00");
    approved(&link, &referring(9, Kind::CompletionNotice, 500, &aside));
    assert_eq!((house.balance(), held()), (BALANCE - 1100, 0));
    let kinds: Vec<_> = house.running.ledger().unwrap().into_iter().map(|entry| entry.kind.word()).collect();
    let expected = [
        "sale",
        "void",
        "refund",
        "pre_authorisation",
        "pre_authorisation_top_up",
        "completion",
        "completion_void",
        "pre_authorisation_void",
        "completion_notice",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn what_is_asked_without_a_card_is_done_all_the_same() {
    let house = House::new();
    let link = house.link();
    let sold = approved(&link, &sale(1, 1000));
    let past = Past {
        kind: Kind::Sale,
        state: State::Approved,
        original: sold,
        given_back: cny(0),
        used: false,
        told: true,
        topped_up: cny(0),
        top_up_open: false,
    };
    let transaction = Transaction::void(&past, Batch::FIRST, Presence::CardAway).unwrap();
    let request = AboutRequest { trace: trace(2), transaction, at: sale(1, 1000).at };
    let first = link.about(&request).unwrap();
    assert_eq!((first.decision, house.balance()), (Decision::Approved, BALANCE));
    assert_eq!(link.about(&request).unwrap(), first, "doubled on the way");
    let reversal =
        ReversalRequest { entry: EntryMode::NotRead, sequence_number: None, ..taking_back(2, Kind::Void, 1000) };
    assert_eq!(code(link.reverse(&reversal)), "00");
    assert_eq!(house.balance(), BALANCE - 1000);
}

/// A refund whose answer was lost is sent again, the next morning and under new keys.
#[test]
fn a_refund_goes_on_over_a_sign_on() {
    let house = House::new();
    let sold = approved(&house.link(), &sale(1, 1000));
    let refund = referring(2, Kind::Refund, 67_02, &Original { amount: cny(1000), ..sold });
    assert_eq!(code(house.link().sale(&refund)), "13", "more than was paid");
    let large = approved(&house.link(), &sale(3, 10_000));
    let refund = referring(4, Kind::Refund, 67_02, &large);
    assert!(matches!(house.impatient().sale(&refund), Err(LinkFailure::NoAnswer(_))));
    let booked = BALANCE - 1000 - 10_000 + 67_02;
    assert_eq!(house.balance(), booked);
    house.sign_on(&house.kit());
    let answer = house.link().sale(&refund).unwrap();
    let entries = house.running.ledger().unwrap();
    assert_eq!((answer.decision, house.balance(), entries.len()), (Decision::Approved, booked, 4));
    assert_eq!(answer.rrn.unwrap().as_str(), entries[3].rrn);
}

/// Otherwise the terminal would take it for one that was never booked.
#[test]
fn a_refund_that_was_booked_is_not_called_refused_by_a_host_that_takes_none_any_more() {
    let house = House::new();
    let link = house.link();
    let sold = approved(&link, &sale(1, 1000));
    let refund = referring(2, Kind::Refund, 400, &sold);
    approved(&link, &refund);
    let id = house.host.register(|register| Ok(register.of_terminal("10000001")?.unwrap().id)).unwrap();
    house.host.register(|register| register.suspend(id, "why", "test", jiff::Timestamp::now())).unwrap();
    assert_eq!(code(link.sale(&refund)), "00", "the answer of the first");
    assert_eq!(code(link.sale(&referring(3, Kind::Refund, 400, &sold))), "03");
    assert_eq!(code(link.sale(&referring(4, Kind::Void, 1000, &sold))), "03");
    assert_eq!(house.balance(), BALANCE - 600);
}

#[test]
fn a_void_goes_wrong_at_amounts_of_its_own() {
    let house = House::new();
    let link = house.link();
    let sold = approved(&link, &sale(1, 69_03));
    let void = referring(2, Kind::Void, 69_03, &sold);
    assert!(matches!(link.sale(&void), Err(LinkFailure::BadMac(_))));
    assert_eq!(house.balance(), BALANCE);
    assert_eq!(code(link.reverse(&taking_back(2, Kind::Void, 69_03))), "00");
    assert_eq!(house.balance(), BALANCE - 69_03);
}
