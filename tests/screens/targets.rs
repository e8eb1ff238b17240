//! What can be touched is large enough for a finger: keys 14 mm, everything else 9 mm; it and every word are wholly on
//! the screen.

use std::collections::BTreeMap;

use i_slint_backend_testing::{AccessibleRole, ElementHandle, ElementQuery};
use yima::app::view::{CopyState, CopyView, PinPlace, Screen, View};
use yima::receipt::CopyFor;
use yima::terminal::mark::Mark;
use yima::ui::WindowOptions;
use yima::wording::{Language, Reason, ReasonKind};

use crate::platform::{Bench, LANDSCAPE, PORTRAIT};
use crate::views::{SHUFFLED, at, cny, scenes, transactions, view};

const MILLIMETRES_PER_INCH: f32 = 25.4;

fn of_roles(bench: &Bench, roles: &[AccessibleRole]) -> Vec<ElementHandle> {
    roles
        .iter()
        .flat_map(|&role| ElementQuery::from_root(bench.screen.window()).match_accessible_role(role).find_all())
        .collect()
}

/// Words, rows and everything to touch.
pub fn everything_is_on_the_screen(bench: &Bench, (width, height): (u16, u16), name: &str) {
    let roles = [AccessibleRole::Text, AccessibleRole::ListItem, AccessibleRole::Button, AccessibleRole::Tab];
    for element in of_roles(bench, &roles) {
        let (corner, size) = (element.absolute_position(), element.size());
        assert!(
            corner.x >= -0.5
                && corner.y >= -0.5
                && corner.x + size.width <= f32::from(width) + 0.5
                && corner.y + size.height <= f32::from(height) + 0.5,
            "{name} {width}x{height}: {:?} leaves the screen: {corner:?} {size:?}",
            element.accessible_label().unwrap_or_default()
        );
    }
}

/// Of two things to touch none lies on the other.
pub fn nothing_covers_another(bench: &Bench, name: &str) {
    let all = of_roles(bench, &[AccessibleRole::Button, AccessibleRole::Tab]);
    for (index, one) in all.iter().enumerate() {
        for other in &all[index + 1..] {
            let (at, size) = (one.absolute_position(), one.size());
            let (other_at, other_size) = (other.absolute_position(), other.size());
            let apart = at.x + size.width <= other_at.x + 0.5
                || other_at.x + other_size.width <= at.x + 0.5
                || at.y + size.height <= other_at.y + 0.5
                || other_at.y + other_size.height <= at.y + 0.5;
            let labels = [one, other].map(|element| element.accessible_label().unwrap_or_default());
            assert!(apart, "{name}: {labels:?} lie on each other");
        }
    }
}

/// Digits, and what else stands among the keys of a PIN pad.
fn is_key(label: &str, scene: &str) -> bool {
    const PAD: [&str; 8] = ["Cancel", "Correct", "OK", "No PIN", "取消", "更正", "确认", "不输密码"];
    let digit = label.parse::<u8>().is_ok_and(|_| label.len() == 1);
    label == "00"
        || digit
        || ((["enter-pin", "type-number", "code-"].iter().any(|name| scene.starts_with(name))) && PAD.contains(&label))
}

#[test]
fn everything_to_touch_is_large_enough_and_on_the_screen() {
    for ((width, height), dots_per_inch) in [(PORTRAIT, 267.0), (LANDSCAPE, 133.0)] {
        for language in [Language::Chinese, Language::English] {
            let bench = Bench::open(WindowOptions { width, height, language, ..WindowOptions::default() });
            for scene in scenes() {
                bench.show(scene.view);
                let mut count = BTreeMap::new();
                everything_is_on_the_screen(&bench, (width, height), scene.name);
                for element in of_roles(&bench, &[AccessibleRole::Button, AccessibleRole::Tab]) {
                    let label = element.accessible_label().unwrap_or_default();
                    assert!(!label.is_empty(), "{}: something to touch has no name", scene.name);
                    *count.entry(label.clone()).or_insert(0) += 1;
                    let millimetres = if is_key(&label, scene.name) { 14.0 } else { 9.0 };
                    let size = element.size();
                    let least = millimetres / MILLIMETRES_PER_INCH * dots_per_inch;
                    // Keys are wider than high in both shapes.
                    assert!(
                        size.height >= least.floor() && size.width >= least.floor(),
                        "{} {width}x{height}: {label:?} is {}x{}, {least:.0} needed",
                        scene.name,
                        size.width,
                        size.height
                    );
                }
                nothing_covers_another(&bench, scene.name);
                assert!(count.values().all(|&times| times == 1), "{}: one name, two things: {count:?}", scene.name);
            }
        }
    }
}

// One after the other they would take longer than all other screens together.
#[test]
fn every_reason_leaves_everything_on_the_screen_in_portrait_and_chinese() {
    every_reason_leaves_everything_on_the_screen(PORTRAIT, Language::Chinese);
}

#[test]
fn every_reason_leaves_everything_on_the_screen_in_portrait_and_english() {
    every_reason_leaves_everything_on_the_screen(PORTRAIT, Language::English);
}

#[test]
fn every_reason_leaves_everything_on_the_screen_in_landscape_and_chinese() {
    every_reason_leaves_everything_on_the_screen(LANDSCAPE, Language::Chinese);
}

#[test]
fn every_reason_leaves_everything_on_the_screen_in_landscape_and_english() {
    every_reason_leaves_everything_on_the_screen(LANDSCAPE, Language::English);
}

fn every_reason_leaves_everything_on_the_screen((width, height): (u16, u16), language: Language) {
    type Place = (&'static str, fn(Reason) -> Screen);
    let places: [Place; 7] = [
        ("keypad", |reason| Screen::Keypad { notice: Some(reason) }),
        ("present card", |reason| Screen::PresentCard { amount: cny(1234), notice: Some(reason) }),
        ("not paid", |reason| Screen::NotPaid { amount: cny(1234), reason, at: at(14, 26, 9) }),
        ("not known", |reason| Screen::Unknown {
            amount: cny(1234),
            reason,
            tries: 20,
            next_try: Some(at(14, 31, 20)),
        }),
        ("transactions", |reason| {
            let state = CopyState::Failed(reason);
            transactions(
                [CopyFor::Merchant, CopyFor::Customer].map(|copy| CopyView { copy, state: state.clone() }).into(),
            )
        }),
        ("out of service", |reason| Screen::OutOfService { reason }),
        ("enrolment", |reason| Screen::Enrol {
            serial_number: "00000402TEST0001".to_owned(),
            progress: None,
            notice: Some(reason),
        }),
    ];
    let bench = Bench::open(WindowOptions { width, height, language, ..WindowOptions::default() });
    for &kind in ReasonKind::ALL {
        for (place, screen) in &places {
            let screen = screen(Reason::with_detail(kind, "000001-000042"));
            bench.show(View { mark: Mark::Test, ..view(screen) });
            everything_is_on_the_screen(&bench, (width, height), &format!("{} on {place}", kind.word()));
        }
    }
}

#[test]
fn whatever_is_said_of_a_number_leaves_everything_on_the_screen() {
    for (width, height) in [PORTRAIT, LANDSCAPE] {
        for language in [Language::Chinese, Language::English] {
            let bench = Bench::open(WindowOptions { width, height, language, ..WindowOptions::default() });
            for kind in [None, Some(ReasonKind::NumberWrong), Some(ReasonKind::ExpiryWrong)] {
                let screen = Screen::TypeNumber { amount: cny(999_999_999_999), notice: kind.map(Reason::of) };
                bench.show(View { mark: Mark::Test, ..view(screen) });
                everything_is_on_the_screen(&bench, (width, height), &format!("{kind:?} in {language:?}"));
            }
        }
    }
}

#[test]
fn whatever_is_said_of_a_pin_leaves_everything_on_the_screen() {
    for (width, height) in [PORTRAIT, LANDSCAPE] {
        for language in [Language::Chinese, Language::English] {
            let bench = Bench::open(WindowOptions { width, height, language, ..WindowOptions::default() });
            for kind in [ReasonKind::PinWrong, ReasonKind::PinWrongLastTry, ReasonKind::PinLastTry] {
                for place in [PinPlace::Screen { keys: SHUFFLED }, PinPlace::Reader] {
                    let (amount, notice) = (cny(999_999_999_999), Some(Reason::of(kind)));
                    let screen = Screen::EnterPin { amount, notice, place, may_bypass: true, language: None };
                    bench.show(View { mark: Mark::Test, ..view(screen) });
                    let name = format!("{} at {place:?} in {language:?}", kind.word());
                    everything_is_on_the_screen(&bench, (width, height), &name);
                }
            }
        }
    }
}
