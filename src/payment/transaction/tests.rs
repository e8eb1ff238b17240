use jiff::civil::date;

use super::*;
use crate::card_number::{KnownPan, Pan};
use crate::payment::instalments::Periods;
use crate::reference::Stan;

fn yuan(text: &str) -> Amount {
    Amount::parse(text, Currency::CNY).unwrap()
}

fn batch(number: u32) -> Batch {
    Batch::new(number).unwrap()
}

/// An approved transaction of 100.00 in batch 1.
fn past(kind: Kind) -> Past {
    Past {
        kind,
        state: State::Approved,
        original: Original {
            trace: TraceNumber { batch: batch(1), stan: Stan::FIRST },
            at: date(2026, 11, 22).at(14, 26, 9, 0),
            amount: yuan("100"),
            rrn: Rrn::parse("000000000001").ok(),
            authorisation_code: AuthorisationCode::parse("A12B3C").ok(),
            pan: Pan::of_digits("6228480000000001230").unwrap().into(),
            periods: None,
        },
        given_back: Amount::zero(Currency::CNY),
        used: false,
        told: true,
        topped_up: Amount::zero(Currency::CNY),
        top_up_open: false,
    }
}

fn all_of(past: &Past) -> [(Kind, Result<Transaction, NotPossible>); 5] {
    let void = match past.kind {
        Kind::PreAuthorisation => Kind::PreAuthorisationVoid,
        Kind::Completion => Kind::CompletionVoid,
        _ => Kind::Void,
    };
    [
        (void, Transaction::void(past, batch(1), Presence::CardThere)),
        (if past.kind.is_by_code() { Kind::CodeRefund } else { Kind::Refund }, Transaction::refund(past, yuan("1"))),
        (Kind::Completion, Transaction::completion(past, yuan("1"), 100, Presence::CardThere)),
        (Kind::CompletionNotice, Transaction::completion_notice(past, yuan("1"), 100)),
        (Kind::PreAuthorisationTopUp, Transaction::top_up(past, yuan("1"))),
    ]
}

#[test]
fn the_table_in_the_head_is_what_the_code_does() {
    let rows: Vec<Vec<&str>> = include_str!("../transaction.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! | ")?.strip_suffix('|'))
        .map(|row| row.split('|').map(str::trim).collect())
        .skip(1)
        .collect();
    let made = Kind::ALL.map(|kind| {
        let card = match kind.card() {
            CardUse::Whole => "whole",
            CardUse::Decides => "decides",
            CardUse::Read => "read",
            CardUse::None => "none",
        };
        let money = match kind.money() {
            Money::ToMerchant => "to the merchant",
            Money::ToCustomer => "to the customer",
            Money::Held => "held",
            Money::Released => "released",
            Money::None => "none",
        };
        let unknown = match kind.if_unknown() {
            IfUnknown::TakenBack => "taken back",
            IfUnknown::Repeated => "repeated",
            IfUnknown::Nothing => "nothing",
        };
        let originals: Vec<_> =
            Kind::ALL.into_iter().filter(|original| kind.may_refer_to(*original)).map(Kind::word).collect();
        vec![kind.word(), card, money, unknown, &originals.join(", ")]
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    assert_eq!(rows, made);
    assert!(Kind::ALL.into_iter().all(|kind| Kind::from_word(kind.word()) == Some(kind)));
}

#[test]
fn what_refers_to_something_refers_to_what_it_may() {
    for of in Kind::ALL {
        for (kind, made) in all_of(&past(of)) {
            assert_eq!(made.is_ok(), kind.may_refer_to(of), "{kind:?} of {of:?}: {made:?}");
            let Ok(made) = made else { continue };
            assert_eq!((made.kind(), made.card()), (kind, kind.card()));
            assert_eq!(made.original(), Some(&past(of).original));
        }
    }
    for made in [
        Transaction::sale(yuan("1")),
        Transaction::offline_sale(yuan("1")),
        Transaction::pre_authorisation(yuan("1")),
        Transaction::balance(Currency::CNY),
    ] {
        assert!(made.original().is_none() && !Kind::ALL.iter().any(|of| made.kind().may_refer_to(*of)), "{made:?}");
    }
}

#[test]
fn only_what_is_approved_and_untouched_can_be_used() {
    for of in [Kind::Sale, Kind::PreAuthorisation, Kind::Completion] {
        for state in State::ALL {
            for (kind, made) in all_of(&Past { state, ..past(of) }) {
                assert_eq!(
                    made.is_ok(),
                    kind.may_refer_to(of) && state == State::Approved,
                    "{kind:?} {of:?} {state:?}"
                );
            }
        }
        for (kind, made) in all_of(&Past { used: true, ..past(of) }) {
            assert!(made.is_err(), "{kind:?} {of:?}: {made:?}");
        }
    }
}

#[test]
fn a_void_is_of_this_batch_and_of_the_whole() {
    let trace = past(Kind::Sale).original.trace;
    for (of, in_another) in [(Kind::Sale, false), (Kind::Completion, false), (Kind::PreAuthorisation, true)] {
        let made = Transaction::void(&past(of), batch(2), Presence::CardAway);
        assert_eq!(made.is_ok(), in_another, "{of:?}: {made:?}");
        let made = Transaction::void(&past(of), batch(1), Presence::CardAway).unwrap();
        assert_eq!((made.amount(), made.card()), (yuan("100"), CardUse::None));
    }
    let part = Past { given_back: yuan("0.01"), ..past(Kind::Sale) };
    let refused = Transaction::void(&part, batch(1), Presence::CardThere).unwrap_err();
    assert_eq!(refused, NotPossible::RefundedInPart(trace));
    let refused = Transaction::void(&past(Kind::OfflineSale), batch(1), Presence::CardThere).unwrap_err();
    assert_eq!(refused.to_string(), format!("{trace} is a offline_sale, of which there is no void"));
}

#[test]
fn no_more_goes_back_than_was_paid_however_often() {
    let original = past(Kind::Sale).original.trace;
    let mut sale = past(Kind::Sale);
    for (wanted, left) in [("30", "70.00"), ("69.99", "0.01"), ("0.01", "0.00")] {
        let refund = Transaction::refund(&sale, yuan(wanted)).unwrap();
        assert_eq!(refund.amount(), yuan(wanted));
        sale.given_back = sale.given_back.checked_add(refund.amount()).unwrap();
        let most = sale.original.amount.checked_sub(sale.given_back).unwrap();
        assert_eq!(most.to_string(), left);
        let wanted = most.checked_add(yuan("0.01")).unwrap();
        let refused = Transaction::refund(&sale, wanted).unwrap_err();
        let all_is_gone = most.is_zero();
        let expected =
            if all_is_gone { NotPossible::Used(original) } else { NotPossible::TooMuch { original, wanted, most } };
        assert_eq!(refused, expected);
    }
    assert_eq!(Transaction::refund(&past(Kind::Sale), yuan("0")).unwrap_err(), NotPossible::Nothing);
    let all = sale.original.amount.checked_add(yuan("0.01")).unwrap();
    let refused = Transaction::refund(&Past { given_back: all, ..sale.clone() }, yuan("0.01")).unwrap_err();
    assert_eq!(refused, NotPossible::Used(original));
    let dollars = Amount::parse("1", "USD".parse().unwrap()).unwrap();
    assert_eq!(Transaction::refund(&past(Kind::Sale), dollars).unwrap_err(), NotPossible::Currency(original));
}

#[test]
fn a_completion_pays_no_more_than_the_acquirer_allows() {
    let held = past(Kind::PreAuthorisation);
    for (percent, wanted, allowed) in [
        (100, "100", true),
        (100, "100.01", false),
        (115, "115", true),
        (115, "115.01", false),
        (100, "0", false),
        (u32::MAX, "9999999999.99", true),
    ] {
        for made in [
            Transaction::completion(&held, yuan(wanted), percent, Presence::CardThere),
            Transaction::completion_notice(&held, yuan(wanted), percent),
        ] {
            // More than any message can carry is as much as was set aside.
            let allowed = allowed && percent != u32::MAX;
            assert_eq!(made.is_ok(), allowed, "{percent} {wanted}: {made:?}");
        }
    }
}

#[test]
fn what_is_topped_up_is_paid_and_let_go_as_one_sum() {
    let trace = past(Kind::PreAuthorisation).original.trace;
    let mut held = past(Kind::PreAuthorisation);
    for more in ["20", "30"] {
        let made = Transaction::top_up(&held, yuan(more)).unwrap();
        assert_eq!(
            (made.kind(), made.amount(), made.card()),
            (Kind::PreAuthorisationTopUp, yuan(more), CardUse::Whole)
        );
        assert_eq!(made.original().map(|original| original.trace), Some(trace));
        held.topped_up = held.topped_up.checked_add(made.amount()).unwrap();
    }
    assert_eq!(held.whole(), yuan("150"));
    let void = Transaction::void(&held, batch(2), Presence::CardThere).unwrap();
    assert_eq!((void.kind(), void.amount()), (Kind::PreAuthorisationVoid, yuan("150")));
    // 115 % of all of it.
    Transaction::completion(&held, yuan("172.50"), 115, Presence::CardThere).unwrap();
    let most = yuan("172.50");
    let refused = Transaction::completion_notice(&held, yuan("172.51"), 115).unwrap_err();
    assert_eq!(refused, NotPossible::TooMuch { original: trace, wanted: yuan("172.51"), most });
    // Of a top-up nobody knows: what goes as a whole cannot go; what is known can be paid, and more can be added.
    let open = Past { top_up_open: true, ..held.clone() };
    let refused = Transaction::void(&open, batch(1), Presence::CardThere).unwrap_err();
    assert_eq!((refused.reason().kind, refused), (ReasonKind::TopUpOpen, NotPossible::TopUpOpen(trace)));
    Transaction::completion(&open, yuan("150"), 100, Presence::CardThere).unwrap();
    Transaction::top_up(&open, yuan("1")).unwrap();
    // Neither nothing, nor another currency, nor more than an amount can be in all.
    assert_eq!(Transaction::top_up(&held, yuan("0")), Err(NotPossible::Nothing));
    let dollars = Amount::parse("1", "USD".parse().unwrap()).unwrap();
    assert_eq!(Transaction::top_up(&held, dollars), Err(NotPossible::Currency(trace)));
    let most = yuan("9999999849.99");
    Transaction::top_up(&held, most).unwrap();
    let wanted = yuan("9999999850");
    assert_eq!(Transaction::top_up(&held, wanted), Err(NotPossible::TooMuch { original: trace, wanted, most }));
    // It is neither topped up itself nor undone alone.
    let top_up = past(Kind::PreAuthorisationTopUp);
    assert!(all_of(&top_up).into_iter().all(|(_, made)| matches!(made, Err(NotPossible::Kind { .. }))));
}

#[test]
fn a_power_cut_is_followed_by_what_the_kind_says() {
    for kind in Kind::ALL {
        let (pending, host_approved) = match kind.if_unknown() {
            // The customer may have paid meanwhile.
            _ if kind == Kind::CodePayment => (Some(Resume::Enquire), Some(Resume::Enquire)),
            IfUnknown::TakenBack => (Some(Resume::TakeBack), Some(Resume::TakeBack)),
            IfUnknown::Repeated => (Some(Resume::Repeat), Some(Resume::Finish)),
            IfUnknown::Nothing => (None, None),
        };
        assert_eq!(kind.after_restart(State::Pending), pending, "{kind:?}");
        assert_eq!(kind.after_restart(State::HostApproved), host_approved, "{kind:?}");
        for state in State::ALL.into_iter().filter(|state| !matches!(state, State::Pending | State::HostApproved)) {
            assert_eq!(kind.after_restart(state), None, "{kind:?} {state:?}");
        }
    }
}

#[test]
fn the_kernel_hears_what_kind_it_is() {
    // The first two digits of the processing code of what goes online with a cryptogram.
    for (kind, code) in
        [(Kind::Sale, 0x00), (Kind::PreAuthorisation, 0x03), (Kind::PreAuthorisationTopUp, 0x03), (Kind::Balance, 0x31)]
    {
        assert_eq!(kind.for_kernel().code(), code, "{kind:?}");
    }
    for kind in Kind::ALL {
        let read_only = matches!(kind.card(), CardUse::Read | CardUse::None);
        assert_eq!(kind.for_kernel() == TransactionKind::Refund, read_only, "{kind:?}");
    }
}

#[test]
fn what_cannot_be_taken_back_is_what_no_reversal_may_name() {
    // Reversible: sale, void, pre-authorisation, its top-up, completion and their voids; an order is closed.
    let taken_back = Kind::ALL.into_iter().filter(|kind| kind.if_unknown() == IfUnknown::TakenBack);
    assert_eq!(
        taken_back.collect::<Vec<_>>(),
        [
            Kind::Sale,
            Kind::PreAuthorisation,
            Kind::Void,
            Kind::PreAuthorisationVoid,
            Kind::Completion,
            Kind::CompletionVoid,
            Kind::CodePayment,
            Kind::PreAuthorisationTopUp,
        ]
    );
}

#[test]
fn of_a_card_whose_number_is_kept_no_more_nothing_is_asked_without_it() {
    let held = past(Kind::PreAuthorisation);
    let pan = KnownPan::Truncated(held.original.pan.truncated());
    let original = Original { pan, ..held.original.clone() };
    let trace = original.trace;
    let settled = Past { original, ..held };
    let batch = trace.batch;
    let amount = settled.original.amount;
    let refused = [
        Transaction::void(&settled, batch, Presence::CardAway),
        Transaction::completion(&settled, amount, 100, Presence::CardAway),
        Transaction::completion_notice(&settled, amount, 100),
    ];
    assert!(refused.into_iter().all(|made| made == Err(NotPossible::CardNeeded(trace))));
    Transaction::void(&settled, batch, Presence::CardThere).unwrap();
    Transaction::completion(&settled, amount, 100, Presence::CardThere).unwrap();
}

#[test]
fn what_is_paid_by_instalments_goes_back_as_a_whole_or_not_at_all_and_is_voided_as_any_sale() {
    let sale = past(Kind::Sale);
    let original = Original { periods: Periods::new(6).ok(), ..sale.original.clone() };
    let split = Past { original, ..sale };
    let trace = split.original.trace;
    assert_eq!(Transaction::refund(&split, yuan("1")), Err(NotPossible::OnlyWhole(trace)));
    assert_eq!(NotPossible::OnlyWhole(trace).reason().kind, ReasonKind::OnlyWhole);
    let refund = Transaction::refund(&split, yuan("100")).unwrap();
    assert_eq!((refund.kind(), refund.amount(), refund.periods()), (Kind::Refund, yuan("100"), None));
    let void = Transaction::void(&split, batch(1), Presence::CardThere).unwrap();
    assert_eq!((void.kind(), void.periods()), (Kind::Void, None));
    assert!(void.original().is_some_and(|original| original.periods.is_some()), "its message says so");
    let told: Vec<_> = Kind::ALL.into_iter().filter(|kind| kind.tells_of_instalments()).collect();
    assert_eq!(told, [Kind::Sale, Kind::Void]);
}
