//! Words can be told from their ground by day and by night: 4.5:1, and 3:1 for what is large (WCAG 2.2, 1.4.3).

use std::collections::BTreeMap;
use std::fs;

/// The theme's colours by name, by day and by night.
fn colours() -> BTreeMap<String, [[u8; 3]; 2]> {
    let theme = fs::read_to_string("ui/theme.slint").unwrap();
    let rgb = |text: &str| {
        let digits = text.trim().strip_prefix('#').unwrap();
        [0, 2, 4].map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
    };
    theme
        .lines()
        .filter_map(|line| line.trim().strip_prefix("out property <color> ")?.strip_suffix(';')?.split_once(": "))
        .filter(|(_, value)| !value.contains("portrait"))
        .map(|(name, value)| {
            let both = match value.strip_prefix("root.dark ? ").and_then(|value| value.split_once(" : ")) {
                Some((night, day)) => [rgb(day), rgb(night)],
                None => [rgb(value); 2],
            };
            (name.to_owned(), both)
        })
        .collect()
}

/// Relative luminance (WCAG 2.2).
fn luminance(colour: [u8; 3]) -> f64 {
    let [red, green, blue] = colour.map(|channel| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    (one / other).max(other / one)
}

#[test]
fn every_ink_is_told_from_every_ground_it_stands_on() {
    let colours = colours();
    for (ink, grounds) in [
        ("ink", &["paper", "card", "well", "card-pressed", "jade-wash", "amber-wash", "red-wash"][..]),
        ("soft", &["paper", "card", "well", "amber-wash", "red-wash"]),
        ("jade", &["paper", "card", "jade-wash"]),
        ("amber", &["paper", "card", "amber-wash"]),
        ("paper", &["amber"]),
        ("red", &["card", "red-wash"]),
        ("jade-ink", &["jade", "jade-pressed"]),
        ("red-ink", &["red", "red-pressed"]),
        ("yellow-ink", &["yellow", "yellow-pressed"]),
        ("done-ink", &["done"]),
        ("done-soft", &["done"]),
    ] {
        for ground in grounds {
            for (time, index) in [("day", 0), ("night", 1)] {
                let found = contrast(colours[ink][index], colours[*ground][index]);
                assert!(found >= 4.5, "{ink} on {ground} by {time}: {found:.2}");
            }
        }
    }
}
