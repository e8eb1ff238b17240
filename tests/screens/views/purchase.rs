//! A purchase that is paid in parts.

use yima::app::purchase_view::{PartView, PurchaseStage, PurchaseView};
use yima::app::shop_view::ShopView;
use yima::app::view::{Screen, View};
use yima::payment::purchase::{Known, Means};
use yima::wording::{Reason, ReasonKind};

use super::{Scene, at, cny, scene, trace, view};

/// 9.40 of 15.00 are paid by card.
pub fn purchase() -> PurchaseView {
    PurchaseView {
        number: 7,
        due: cny(1500),
        paid: cny(940),
        rest: cny(560),
        stage: PurchaseStage::Open,
        parts: vec![part(123, Means::Card, 940, Known::Paid)],
        notice: None,
        may_pay: true,
        may_give_up: true,
        at: at(14, 26, 9),
    }
}

fn part(stan: u32, means: Means, minor: u64, known: Known) -> PartView {
    let truncated_pan = if means == Means::Card { "622848*********1230".to_owned() } else { String::new() };
    PartView { means, trace: trace(stan), amount: cny(minor), truncated_pan, known }
}

pub fn screen(purchase: PurchaseView) -> Screen {
    Screen::Purchase(Box::new(purchase))
}

/// All of them.
pub fn scenes() -> Vec<Scene> {
    let most = 999_999_999_999;
    let fullest = PurchaseView {
        due: cny(most),
        paid: cny(most - 1),
        rest: cny(most),
        parts: vec![
            part(123, Means::Card, most, Known::Paid),
            part(124, Means::Code, most, Known::Paid),
            part(125, Means::Card, most, Known::NotYet),
            part(126, Means::Card, most, Known::ByAPerson),
        ],
        notice: Some(Reason::of(ReasonKind::PurchasePartUnknown)),
        may_pay: false,
        ..purchase()
    };
    let given_up = |stage, card, code| PurchaseView {
        stage,
        paid: cny(1140),
        rest: cny(360),
        parts: vec![part(123, Means::Card, 940, card), part(124, Means::Code, 200, code)],
        may_pay: false,
        may_give_up: false,
        ..purchase()
    };
    let with_code = Scene {
        view: View { codes: true, ..view(screen(purchase())) },
        ..scene("purchase-by-code", screen(purchase()))
    };
    let with_cash = Scene {
        view: View {
            codes: true,
            shop: ShopView { cash: true, ..ShopView::default() },
            ..view(screen(PurchaseView { parts: vec![part(123, Means::Card, 940, Known::Paid)], ..purchase() }))
        },
        ..scene("purchase-in-cash", screen(purchase()))
    };
    let other_open = PurchaseView {
        notice: Some(Reason { amount: Some(cny(560)), ..Reason::of(ReasonKind::PurchaseOpen) }),
        ..purchase()
    };
    let fullest = Scene {
        view: View {
            codes: true,
            shop: ShopView { cash: true, ..ShopView::default() },
            ..view(screen(fullest.clone()))
        },
        ..scene("purchase-fullest", screen(fullest))
    };
    vec![
        scene("purchase", screen(purchase())),
        with_code,
        with_cash,
        fullest,
        scene("purchase-refused", screen(other_open)),
        scene("purchase-going-back", screen(given_up(PurchaseStage::GoingBack, Known::NotPaid, Known::NotYet))),
        scene("purchase-back", screen(given_up(PurchaseStage::Back, Known::NotPaid, Known::NotPaid))),
        scene("purchase-person", screen(given_up(PurchaseStage::APersonMustLook, Known::ByAPerson, Known::NotPaid))),
    ]
}
