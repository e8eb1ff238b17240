//! The screen of a purchase that is paid in parts: how the rest is paid, and how it is given up. Whoever gives it up is asked twice.

use slint::platform::Key;
use yima::app::purchase_view::{PurchaseIntent, PurchaseStage, PurchaseView};
use yima::app::view::{Intent, View};
use yima::ui::WindowOptions;
use yima::wording::Language;

use crate::pictures::save;
use crate::platform::{Bench, LANDSCAPE, PORTRAIT};
use crate::targets::{everything_is_on_the_screen, nothing_covers_another};
use crate::touching::{benches, is_there, key, touch};
use crate::views::{purchase, purchase_screen, view};

fn shown(purchase: PurchaseView) -> View {
    View { codes: true, ..view(purchase_screen(purchase)) }
}

#[test]
fn the_rest_is_paid_by_another_card_or_by_code() {
    for bench in benches() {
        bench.show(shown(purchase()));
        touch(&bench, "Another card");
        touch(&bench, "Pay by code");
        assert_eq!(
            bench.sent(),
            [Intent::Purchase(PurchaseIntent::AnotherCard), Intent::Purchase(PurchaseIntent::ShowCode)]
        );
        bench.show(View { codes: false, ..shown(purchase()) });
        assert!(!is_there(&bench, "Pay by code"), "this acquirer has none");
        // What nobody knows is not paid twice.
        bench.show(shown(PurchaseView { may_pay: false, may_give_up: false, ..purchase() }));
        for label in ["Another card", "Pay by code", "Give up"] {
            touch(&bench, label);
        }
        assert_eq!(bench.sent(), []);
    }
}

#[test]
fn whoever_gives_it_up_is_asked_twice_and_finds_the_way_back() {
    for bench in benches() {
        bench.show(shown(purchase()));
        touch(&bench, "Give up");
        touch(&bench, "Back");
        touch(&bench, "Give up");
        touch(&bench, "Yes, give up");
        assert!(!is_there(&bench, "Another card"));
        touch(&bench, "Back");
        assert_eq!(bench.sent(), []);
        touch(&bench, "Give up");
        key(&bench, Key::Escape);
        assert!(is_there(&bench, "Another card"));
        touch(&bench, "Give up");
        touch(&bench, "Yes, give up");
        touch(&bench, "Take it all back");
        assert_eq!(bench.sent(), [Intent::Purchase(PurchaseIntent::GiveUp)]);
        bench.show(shown(PurchaseView {
            stage: PurchaseStage::Back,
            may_pay: false,
            may_give_up: false,
            ..purchase()
        }));
        touch(&bench, "Next customer");
        assert_eq!(bench.sent(), [Intent::NextCustomer]);
    }
}

#[test]
fn every_question_has_room_in_both_languages() {
    for (language, [give_up, yes]) in
        [(Language::English, ["Give up", "Yes, give up"]), (Language::Chinese, ["放弃", "是，放弃"])]
    {
        for (width, height) in [PORTRAIT, LANDSCAPE] {
            let bench = Bench::open(WindowOptions { width, height, language, ..WindowOptions::default() });
            bench.show(shown(purchase()));
            for (label, name) in [(give_up, "purchase-sure"), (yes, "purchase-certain")] {
                touch(&bench, label);
                everything_is_on_the_screen(&bench, (width, height), name);
                nothing_covers_another(&bench, name);
                save(
                    &bench.pixels(),
                    &format!("{name}-{width}x{height}-{}", if language == Language::English { "en" } else { "zh" }),
                );
            }
        }
    }
}
