//! What can be touched is large enough for a finger: keys 14 mm, everything else 9 mm; it and every word are wholly on
//! the screen.

use std::collections::BTreeMap;

use i_slint_backend_testing::{AccessibleRole, ElementHandle, ElementQuery};
use yima::ui::WindowOptions;
use yima::wording::Language;

use crate::platform::{Bench, LANDSCAPE, PORTRAIT};
use crate::views::scenes;

const MILLIMETRES_PER_INCH: f32 = 25.4;

fn of_roles(bench: &Bench, roles: &[AccessibleRole]) -> Vec<ElementHandle> {
    roles
        .iter()
        .flat_map(|&role| ElementQuery::from_root(bench.screen.window()).match_accessible_role(role).find_all())
        .collect()
}

fn is_on_the_screen(element: &ElementHandle, (width, height): (u16, u16)) -> bool {
    let (corner, size) = (element.absolute_position(), element.size());
    corner.x >= -0.5
        && corner.y >= -0.5
        && corner.x + size.width <= f32::from(width) + 0.5
        && corner.y + size.height <= f32::from(height) + 0.5
}

#[test]
fn everything_to_touch_is_large_enough_and_on_the_screen() {
    for ((width, height), dots_per_inch) in [(PORTRAIT, 267.0), (LANDSCAPE, 133.0)] {
        for language in [Language::Chinese, Language::English] {
            let bench = Bench::open(WindowOptions { width, height, language, ..WindowOptions::default() });
            for scene in scenes() {
                bench.show(scene.view);
                let mut count = BTreeMap::new();
                for element in of_roles(&bench, &[AccessibleRole::Text, AccessibleRole::ListItem]) {
                    assert!(
                        is_on_the_screen(&element, (width, height)),
                        "{} {width}x{height}: {:?} leaves the screen: {:?} {:?}",
                        scene.name,
                        element.accessible_label().unwrap_or_default(),
                        element.absolute_position(),
                        element.size()
                    );
                }
                for element in of_roles(&bench, &[AccessibleRole::Button, AccessibleRole::Tab]) {
                    let label = element.accessible_label().unwrap_or_default();
                    assert!(!label.is_empty(), "{}: something to touch has no name", scene.name);
                    *count.entry(label.clone()).or_insert(0) += 1;
                    let millimetres =
                        if label == "00" || label.parse::<u8>().is_ok_and(|_| label.len() == 1) { 14.0 } else { 9.0 };
                    let (corner, size) = (element.absolute_position(), element.size());
                    let least = millimetres / MILLIMETRES_PER_INCH * dots_per_inch;
                    // Keys are wider than high in both shapes.
                    assert!(
                        size.height >= least.floor() && size.width >= least.floor(),
                        "{} {width}x{height}: {label:?} is {}x{}, {least:.0} needed",
                        scene.name,
                        size.width,
                        size.height
                    );
                    assert!(
                        is_on_the_screen(&element, (width, height)),
                        "{} {width}x{height}: {label:?} leaves the screen: {corner:?} {size:?}",
                        scene.name
                    );
                }
                assert!(count.values().all(|&times| times == 1), "{}: one name, two things: {count:?}", scene.name);
            }
        }
    }
}
