//! Cash, and what is said of a scan that is of no use.

use yima::app::cash_view::{CashStage, CashView, DrawerView};
use yima::app::shop_view::ShopView;
use yima::app::view::{CopyState, CopyView, Screen, View};
use yima::money::Amount;
use yima::payment::cash::{CashKind, likely};
use yima::receipt::CopyFor;
use yima::terminal::mark::Mark;
use yima::wording::{Reason, ReasonKind};

use super::selling::{cart, quick};
use super::{Scene, at, cny, scene, trace, view};

fn cash(kind: CashKind, minor: u64, stage: CashStage) -> Screen {
    Screen::Cash(Box::new(CashView { kind, amount: cny(minor), stage }))
}

/// What does the customer give?
pub fn asks(minor: u64, notice: Option<Reason>) -> Screen {
    cash(CashKind::Sale, minor, CashStage::Asks { likely: likely(cny(minor)), notice })
}

/// So much was given, or it goes back.
pub fn done(given: Option<Amount>, minor: u64, drawer: DrawerView, copies: &[(CopyFor, CopyState)]) -> Screen {
    let copies = copies.iter().map(|(copy, state)| CopyView { copy: *copy, state: state.clone() }).collect();
    let change = given.map(|given| given.checked_sub(cny(minor)).unwrap());
    let kind = if given.is_some() { CashKind::Sale } else { CashKind::Refund };
    cash(kind, minor, CashStage::Done { trace: trace(7), given, change, at: at(14, 26, 9), drawer, copies })
}

/// Cash is taken here.
pub fn taken(screen: Screen) -> View {
    View { shop: ShopView { cash: true, ..quick() }, ..view(screen) }
}

/// All of them.
pub fn scenes() -> Vec<Scene> {
    const MOST: u64 = 999_999_999_999;
    let printed = [(CopyFor::Customer, CopyState::Printed)];
    let stuck = || {
        DrawerView::Failed(Reason::with_detail(
            ReasonKind::DrawerStuck,
            "the printer is out of paper; put in a new roll",
        ))
    };
    let failed = [
        (CopyFor::Merchant, CopyState::Failed(Reason::of(ReasonKind::PrinterPaperOut))),
        (CopyFor::Customer, CopyState::Failed(Reason::of(ReasonKind::PrinterPaperOut))),
    ];
    let of = |name, screen| Scene { view: taken(screen), ..scene(name, Screen::Keypad { notice: None }) };
    let fullest = |scene: Scene| Scene { view: View { mark: Mark::Test, ..scene.view }, ..scene };
    vec![
        Scene {
            view: View {
                mark: Mark::Test,
                scan_note: Some(Reason::of(ReasonKind::ScanPaysLater)),
                ..taken(Screen::Keypad { notice: None })
            },
            ..scene("keypad-scan", Screen::Keypad { notice: None })
        },
        Scene {
            view: View {
                scan_note: Some(Reason::of(ReasonKind::ScanNotHere)),
                ..taken(super::transactions(Vec::new()))
            },
            ..scene("transactions-scan", Screen::Keypad { notice: None })
        },
        of("keypad-cash", Screen::Keypad { notice: None }),
        Scene { keys: "999999999999", ..fullest(of("keypad-cash-fullest", Screen::Keypad { notice: None })) },
        of("cart-cash", Screen::Cart(Box::new(cart()))),
        of("cash-asks", asks(1234, None)),
        Scene { then: "2000", ..of("cash-given", asks(1234, None)) },
        Scene {
            then: "999999999999",
            ..fullest(of("cash-fullest", asks(MOST - 1, Some(Reason::of(ReasonKind::CashTooLittle)))))
        },
        of("cash-change", done(Some(cny(2000)), 1234, DrawerView::Opened, &printed)),
        of("cash-exact", done(Some(cny(1234)), 1234, DrawerView::Opening, &[(CopyFor::Customer, CopyState::Sending)])),
        fullest(of("cash-stuck", done(Some(cny(MOST)), 1, stuck(), &failed[1..]))),
        of("cash-back", done(None, 1234, DrawerView::Unknown, &printed)),
        fullest(of("cash-back-stuck", done(None, MOST, stuck(), &failed))),
    ]
}
