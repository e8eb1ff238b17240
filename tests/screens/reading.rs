//! What a person must be able to read to its end: lines for the help desk, card numbers, and sentences that are longer in
//! one language than in the other.

use i_slint_backend_testing::ElementHandle;
use yima::app::view::{Progress, Screen};
use yima::ui::WindowOptions;
use yima::wording::{Language, Reason, ReasonKind};

use crate::platform::{Bench, LANDSCAPE, PORTRAIT};
use crate::views::{WRONG_SETTING, at, cny, transactions, view};

fn in_every_shape_and_language(look: impl Fn(&Bench, &str)) {
    for (width, height) in [PORTRAIT, LANDSCAPE] {
        for language in [Language::Chinese, Language::English] {
            let bench = Bench::open(WindowOptions { width, height, language, ..WindowOptions::default() });
            look(&bench, &format!("{width}x{height} {language:?}"));
        }
    }
}

fn english() -> Bench {
    Bench::open(WindowOptions { language: Language::English, ..WindowOptions::default() })
}

/// The things on the screen that are called `label`.
fn called(bench: &Bench, label: &str) -> Vec<ElementHandle> {
    ElementHandle::find_by_accessible_label(bench.screen.window(), label).collect()
}

#[test]
fn a_line_to_be_read_out_is_shown_to_its_last_character() {
    type Screens = [(&'static str, &'static str, fn(Reason) -> Screen); 4];
    let cases: Screens = [
        ("out of service", WRONG_SETTING, |reason| Screen::OutOfService { reason }),
        ("not paid", WRONG_SETTING, |reason| Screen::NotPaid { amount: cny(1234), reason, at: at(14, 26, 9) }),
        ("not known", WRONG_SETTING, |reason| Screen::Unknown { amount: cny(1234), reason, tries: 20, next_try: None }),
        ("keypad", "000001-00004", |reason| Screen::Keypad { notice: Some(reason) }),
    ];
    in_every_shape_and_language(|bench, shape| {
        for (name, line, screen) in &cases {
            let picture = |last: char| {
                bench.show(view(screen(Reason::with_detail(ReasonKind::ReversalExhausted, format!("{line}{last}")))));
                bench.pixels()
            };
            assert!(picture('2').as_bytes() != picture('8').as_bytes(), "{name}, {shape}: the end is cut off");
        }
    });
}

#[test]
fn a_row_shows_the_last_digit_of_the_card_whatever_stands_beside_it() {
    in_every_shape_and_language(|bench, shape| {
        for index in [0, 1, 3, 4, 5] {
            let picture = |pan: &str| {
                let Screen::Transactions {
                    mut rows,
                    page,
                    pages,
                    count_today,
                    total_today,
                    count_back,
                    total_back,
                    copies,
                    sought,
                } = transactions(Vec::new())
                else {
                    unreachable!()
                };
                rows[index].truncated_pan = pan.to_owned();
                bench.show(view(Screen::Transactions {
                    rows,
                    page,
                    pages,
                    count_today,
                    total_today,
                    count_back,
                    total_back,
                    copies,
                    sought,
                }));
                bench.pixels()
            };
            let (one, other) = (picture("622202******1231"), picture("622202******1238"));
            assert!(one.as_bytes() != other.as_bytes(), "row {index}, {shape}: the last digit is cut off");
        }
    });
}

#[test]
fn tries_are_counted_in_words_that_fit_their_number() {
    let bench = english();
    for (tries, said) in [(0, None), (1, Some("Tried 1 time")), (2, Some("Tried 2 times"))] {
        let reason = Reason::of(ReasonKind::HostSilent);
        bench.show(view(Screen::Unknown { amount: cny(1234), reason, tries, next_try: Some(at(14, 31, 20)) }));
        for phrase in ["Tried 0 times", "Tried 1 time", "Tried 1 times", "Tried 2 times"] {
            let shown = !called(&bench, phrase).is_empty();
            assert_eq!(shown, said == Some(phrase), "{phrase:?} at {tries}");
        }
    }
}

#[test]
fn what_takes_time_is_said_whole_beside_its_seconds() {
    let bench = english();
    bench.show(view(Screen::Processing { amount: cny(1234), progress: Progress::ReversingEarlier }));
    bench.pixels();
    bench.pass(std::time::Duration::from_secs(3));
    let headline = called(&bench, "Taking an earlier payment back");
    let seconds = called(&bench, "3 s");
    assert_eq!((headline.len(), seconds.len()), (1, 1));
    // One line of it is as wide as the screen; beside the seconds it takes two.
    assert!(headline[0].size().height > 80.0, "{:?}", headline[0].size());
}
