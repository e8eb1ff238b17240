//! The keypad, and a terminal that takes no payments.

use yima::acquirer::enrolment;
use yima::app::shop_view::ShopView;
use yima::app::view::{LinkState, Screen, View};
use yima::terminal::mark::Mark;
use yima::wording::{Reason, ReasonKind};

use super::selling::quick;
use super::{Scene, scene, view};

/// What the settings say of a key that is mistyped.
pub const WRONG_SETTING: &str = "/etc/yima/yima.toml, line 41, printer.buad: unknown field `buad`, expected one of device, \
                                 baud, flow_control, profile, patience_s";

/// All of them.
pub fn scenes() -> Vec<Scene> {
    let keypad = |notice| Screen::Keypad { notice };
    let enrolment = |progress, notice| Screen::Enrol { serial_number: "00000402TEST0001".to_owned(), progress, notice };
    vec![
        Scene { keys: "", ..scene("keypad-empty", keypad(None)) },
        scene("keypad", keypad(None)),
        Scene {
            keys: "999999999999",
            view: View {
                link: LinkState::Offline,
                waiting: 12,
                merchant_name: "深圳市南山区老王家的正宗手工小笼包早餐连锁店（科技园分店）".to_owned(),
                mark: Mark::Test,
                ..view(keypad(Some(Reason::of(ReasonKind::ReversalWaiting))))
            },
            ..scene("keypad-fullest", keypad(None))
        },
        Scene {
            view: View {
                link: LinkState::HostSilent,
                waiting: 1,
                ..view(keypad(Some(Reason::of(ReasonKind::ReversalExhausted))))
            },
            ..scene("keypad-notice", keypad(None))
        },
        Scene { view: View { waiting: 1, ..view(keypad(None)) }, ..scene("keypad-online-waiting", keypad(None)) },
        Scene {
            view: View { link: LinkState::Refused, mark: Mark::Test, ..view(keypad(None)) },
            ..scene("keypad-refused", keypad(None))
        },
        Scene {
            keys: "15500",
            view: View {
                currency: "KWD".parse().unwrap(),
                link: LinkState::Untried,
                mark: Mark::Test,
                ..view(keypad(None))
            },
            ..scene("keypad-test", keypad(None))
        },
        // Everything at once: the longest alarm with its trace number, the banner, the largest amount.
        Scene {
            keys: "999999999999",
            view: View {
                link: LinkState::HostSilent,
                waiting: 1,
                mark: Mark::Test,
                ..view(keypad(Some(Reason::with_detail(ReasonKind::ReversalExhausted, "000001-000042"))))
            },
            ..scene("keypad-alarm", keypad(None))
        },
        Scene { view: View { shop: quick(), ..view(keypad(None)) }, ..scene("keypad-goods", keypad(None)) },
        // The menu key of a keyboard.
        Scene { then: "\u{F735}", ..scene("keypad-more", keypad(None)) },
        Scene {
            keys: "999999999999",
            view: View {
                mark: Mark::Test,
                offline: true,
                shop: ShopView { cash: true, ..quick() },
                ..view(keypad(Some(Reason::of(ReasonKind::ReversalWaiting))))
            },
            then: "\u{F735}",
            ..scene("keypad-more-fullest", keypad(None))
        },
        Scene {
            view: View { mark: Mark::Test, shop: quick(), ..view(keypad(None)) },
            keys: "999999999999",
            ..scene("keypad-goods-fullest", keypad(None))
        },
        Scene {
            view: View {
                queued: 1,
                ..view(keypad(Some(Reason::with_detail(ReasonKind::AdviceParked, "000001-000124"))))
            },
            ..scene("keypad-advice-parked", keypad(None))
        },
        Scene {
            view: View {
                mark: Mark::Test,
                ..view(Screen::OutOfService { reason: Reason::with_detail(ReasonKind::SetupWrong, WRONG_SETTING) })
            },
            ..scene("out-of-service", keypad(None))
        },
        Scene { then: "12345", ..scene("enrolment", enrolment(None, None)) },
        Scene {
            then: "123456789012",
            ..scene("enrolment-refused", enrolment(None, Some(Reason::of(ReasonKind::EnrolOtherMachine))))
        },
        scene("enrolment-asking", enrolment(Some(enrolment::Progress::AskingHost), None)),
    ]
}
