//! A customer pays by instalments.

use yima::app::instalments_view::{InstalmentsShown, InstalmentsView};
use yima::app::view::{CopyState, Detail, Screen, View};
use yima::host_tables::InstalmentOffer;
use yima::payment::instalments::{AskedInstalments, Fee, Instalments, Periods, Plan, offers};
use yima::terminal::mark::Mark;

use super::{Scene, approved, cny, detail, scene, sign, view};

/// What the acquirer of the pictures offers.
pub fn shown(of: Option<Instalments>) -> InstalmentsShown {
    InstalmentsShown { from: Some(cny(500)), of }
}

/// Of 600.05, in so many.
pub fn asks(periods: &[u8]) -> Screen {
    let due = cny(60_005);
    let offer = InstalmentOffer { periods: periods.to_vec(), from: 500, programme: None };
    Screen::Instalments(Box::new(InstalmentsView { due, offers: offers(due, Some(&offer)) }))
}

/// 600.05 in six, with its plan.
pub fn planned(fee: Fee) -> Instalments {
    let periods = Periods::new(6).unwrap();
    let plan = Plan::new(cny(60_005), periods, cny(10_005), cny(10_000), fee).unwrap();
    Instalments { asked: AskedInstalments { periods, programme: None }, plan: Some(plan) }
}

fn keypad() -> Screen {
    Screen::Keypad { notice: None }
}

fn told(name: &'static str, screen: Screen, of: Instalments) -> Scene {
    Scene { view: View { instalments: shown(Some(of)), ..view(screen.clone()) }, ..scene(name, screen) }
}

/// All of them.
pub fn scenes() -> Vec<Scene> {
    let by_periods = Fee::ByPeriods { first: cny(365), following: cny(360) };
    let most = cny(999_999_999_999);
    let offer = InstalmentOffer { periods: vec![3, 6, 9, 12, 24, 36], from: 500, programme: None };
    let fullest = Screen::Instalments(Box::new(InstalmentsView { due: most, offers: offers(most, Some(&offer)) }));
    let asked = Instalments { plan: None, ..planned(Fee::None) };
    let wait = Screen::PresentCard { amount: cny(60_005), notice: None };
    let split = Screen::Transaction(Box::new(Detail { instalments: Some(planned(by_periods)), ..detail() }));
    vec![
        scene("instalments", asks(&[3, 6, 12])),
        Scene { view: View { mark: Mark::Test, ..view(fullest.clone()) }, ..scene("instalments-fullest", fullest) },
        told("instalments-card", wait, asked),
        told(
            "instalments-approved",
            approved(cny(60_005), CopyState::Printed, CopyState::Sending),
            planned(by_periods),
        ),
        told("instalments-sign", sign(60_005, false), planned(by_periods)),
        scene("instalments-detail", split),
        Scene {
            then: "\u{F735}",
            view: View { instalments: shown(None), ..view(keypad()) },
            ..scene("instalments-more", keypad())
        },
    ]
}
