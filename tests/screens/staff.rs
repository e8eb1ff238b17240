//! People by touch and by key: number and code, the manager's list, the drawer.

use std::time::Duration;

use slint::platform::Key;
use yima::app::staff_view::{CodePurpose, PeopleView, StaffIntent, StaffView};
use yima::app::view::{Intent, Screen, View};
use yima::people::{Code, Movement, Right};
use yima::terminal::mark::Mark;
use yima::ui::WindowOptions;
use yima::wording::{Language, ReasonKind};
use zeroize::Zeroizing;

use crate::pictures::save;
use crate::platform::{Bench, LANDSCAPE, PORTRAIT};
use crate::staff_views::{code, counted, number, on_duty, open_shift, people, person, shift, staff};
use crate::targets::{everything_is_on_the_screen, nothing_covers_another};
use crate::touching::{benches, is_there, key, press, touch};
use crate::views::{cny, view};

fn digits(text: &str) -> Code {
    Code::new(Zeroizing::new(text.as_bytes().to_vec())).unwrap()
}

fn sent(bench: &Bench) -> Vec<StaffIntent> {
    let of_staff = |intent| match intent {
        Intent::Staff(intent) => intent,
        intent => unreachable!("{intent:?} was sent"),
    };
    bench.sent().into_iter().map(of_staff).collect()
}

fn type_in(bench: &Bench, text: &str) {
    for character in text.chars() {
        press(bench, &character.to_string());
    }
}

#[test]
fn a_number_and_a_code_sign_somebody_on_by_touch_and_by_key() {
    for bench in benches() {
        bench.show(view(code(CodePurpose::SignOn, None, None, 0)));
        for label in ["0", "1", "2", "7", "4"] {
            touch(&bench, label);
        }
        touch(&bench, "OK");
        assert_eq!(sent(&bench), [], "three digits are no code");
        touch(&bench, "9");
        assert!(is_there(&bench, "4 digits typed"));
        touch(&bench, "OK");
        assert!(is_there(&bench, "0 digits typed"), "what was sent is gone from here");
        bench.show(view(code(CodePurpose::SignOn, Some(person(1, "")), Some(ReasonKind::CodeWrong), 0)));
        assert!(is_there(&bench, "Number 01"), "the number stays");
        type_in(&bench, "8305");
        key(&bench, Key::Return);
        let wanted = [StaffIntent::SignOn(number(1), digits("2749")), StaffIntent::SignOn(number(1), digits("8305"))];
        assert_eq!(sent(&bench), wanted);
    }
}

#[test]
fn what_was_typed_is_taken_back_digit_by_digit_and_another_person_takes_over() {
    for bench in benches() {
        bench.show(view(code(CodePurpose::Unlock, Some(person(1, "Wang")), None, 0)));
        assert!(is_there(&bench, "Number 01") && is_there(&bench, "Wang"));
        type_in(&bench, "27");
        for _ in 0..3 {
            key(&bench, Key::Backspace);
        }
        assert!(is_there(&bench, "Number 0"), "the number goes after the code");
        type_in(&bench, "18305");
        // While nobody looks at codes of this person none is sent; another one's is.
        bench.show(view(code(CodePurpose::Unlock, Some(person(1, "Wang")), Some(ReasonKind::CodeWaits), 30)));
        assert!(is_there(&bench, "Wait 30 s"));
        key(&bench, Key::Return);
        assert_eq!(sent(&bench), []);
        touch(&bench, "Other");
        type_in(&bench, "028305");
        assert!(!is_there(&bench, "Wait 30 s"));
        key(&bench, Key::Return);
        assert_eq!(sent(&bench), [StaffIntent::SignOn(number(2), digits("8305"))]);
        // Nothing leads away from a locked screen.
        key(&bench, Key::Escape);
        assert!(!is_there(&bench, "History") && !is_there(&bench, "Cancel"));
        assert_eq!(sent(&bench), []);
    }
}

#[test]
fn a_code_outlasts_the_seconds_that_pass_and_not_the_screen() {
    for bench in benches() {
        let ask = |wait_s| view(code(CodePurpose::SignOn, Some(person(1, "")), None, wait_s));
        bench.show(ask(0));
        type_in(&bench, "2749");
        bench.show(ask(2));
        bench.show(ask(0));
        assert!(is_there(&bench, "4 digits typed"));
        bench.show(view(Screen::Keypad { notice: None }));
        bench.show(ask(0));
        assert!(is_there(&bench, "0 digits typed"));
    }
}

#[test]
fn the_picture_tells_how_many_digits_of_a_code_and_not_which() {
    for bench in benches() {
        let picture = |digits: &str| {
            bench.show(view(Screen::Keypad { notice: None }));
            bench.show(view(code(CodePurpose::SignOn, Some(person(1, "")), None, 0)));
            type_in(&bench, digits);
            bench.pixels()
        };
        let typed = picture("2749");
        assert_eq!(typed.as_bytes(), picture("8305").as_bytes());
        assert_ne!(typed.as_bytes(), picture("83051").as_bytes());
    }
}

#[test]
fn a_manager_gives_the_right_or_it_is_left() {
    for bench in benches() {
        let ask = code(CodePurpose::Right(Right::Refund), Some(person(99, "")), None, 0);
        bench.show(on_duty(ask, "Wang"));
        assert!(is_there(&bench, "For: Refund") && is_there(&bench, "Number 99"));
        type_in(&bench, "274961");
        touch(&bench, "OK");
        touch(&bench, "Cancel");
        key(&bench, Key::Escape);
        let wanted = [StaffIntent::GiveRight(number(99), digits("274961")), StaffIntent::Leave, StaffIntent::Leave];
        assert_eq!(sent(&bench), wanted);
    }
}

#[test]
fn whoever_is_signed_on_locks_signs_off_and_goes_to_shift_and_people() {
    for bench in benches() {
        bench.show(on_duty(Screen::Keypad { notice: None }, "Wang"));
        for label in ["Lock", "Sign off", "Shift and drawer", "People and codes"] {
            touch(&bench, "Signed on: 01 Wang");
            touch(&bench, label);
            assert!(!is_there(&bench, "Sign off"), "the sheet is closed");
        }
        assert_eq!(
            sent(&bench),
            [StaffIntent::Lock, StaffIntent::SignOff, StaffIntent::ShowShift, StaffIntent::ShowPeople(0)]
        );
        // Where nobody signs on, the way is where the line is explained.
        bench.show(view(Screen::Keypad { notice: None }));
        touch(&bench, "Online");
        touch(&bench, "People and codes");
        assert_eq!(sent(&bench), [StaffIntent::ShowPeople(0)]);
    }
}

#[test]
fn keys_on_the_keypad_are_touches_where_people_sign_on() {
    let bench = &benches()[0];
    bench.show(on_duty(Screen::Keypad { notice: None }, "Wang"));
    touch(bench, "7");
    assert_eq!(sent(bench), [StaffIntent::Touched]);
}

#[test]
fn the_manager_adds_gives_codes_and_disables() {
    for bench in benches() {
        let list = || on_duty(staff(StaffView::People(people(None))), "Wang");
        bench.show(list());
        touch(&bench, "Next page");
        touch(&bench, "Add");
        type_in(&bench, "05");
        touch(&bench, "OK");
        assert_eq!(sent(&bench), [StaffIntent::ShowPeople(1), StaffIntent::Add(number(5))]);
        touch(&bench, "03 , Cashier, has no code yet");
        touch(&bench, "New code");
        type_in(&bench, "2749");
        touch(&bench, "OK");
        assert!(is_there(&bench, "The same code once more") && is_there(&bench, "0 digits typed"));
        type_in(&bench, "2748");
        touch(&bench, "OK");
        assert_eq!(sent(&bench), [StaffIntent::GiveCode(number(3), digits("2749"), digits("2748"))]);
        touch(&bench, "01 小王, Cashier, can sign on");
        touch(&bench, "Disable");
        touch(&bench, "04 李梅, Cashier, disabled");
        assert!(!is_there(&bench, "New code"));
        touch(&bench, "Enable");
        assert_eq!(sent(&bench), [StaffIntent::Enable(number(1), false), StaffIntent::Enable(number(4), true)]);
        // Left in the middle, nothing is given.
        touch(&bench, "03 , Cashier, has no code yet");
        touch(&bench, "New code");
        type_in(&bench, "2749");
        key(&bench, Key::Escape);
        bench.show(list());
        assert_eq!(sent(&bench), []);
    }
}

#[test]
fn a_drawer_is_opened_changed_and_counted_without_being_told_what_should_be_there() {
    for bench in benches() {
        bench.show(on_duty(shift(None, None, None), "Wang"));
        touch(&bench, "Open a shift");
        type_in(&bench, "20000");
        touch(&bench, "Open");
        bench.show(on_duty(shift(Some(open_shift(20_000)), None, None), "Wang"));
        touch(&bench, "Pay out");
        type_in(&bench, "5000");
        touch(&bench, "Note it");
        touch(&bench, "Put in");
        touch(&bench, "Note it");
        touch(&bench, "Back");
        touch(&bench, "Count and close");
        assert!(!is_there(&bench, "Should be there ¥934.56"));
        type_in(&bench, "93411");
        key(&bench, Key::Return);
        assert_eq!(
            sent(&bench),
            [
                StaffIntent::OpenShift(cny(20_000)),
                StaffIntent::MoveCash(Movement::TakenOut, cny(5_000)),
                StaffIntent::CloseShift(cny(93_411)),
            ]
        );
        bench.show(on_duty(shift(None, Some(counted(93_411)), None), "Wang"));
        assert!(is_there(&bench, "Should be there ¥934.56") && is_there(&bench, "Difference -¥0.45"));
        bench.show(on_duty(shift(None, Some(counted(93_456)), None), "Wang"));
        assert!(is_there(&bench, "Difference none"));
    }
}

/// What is reached by a touch is looked at like every other screen.
#[test]
fn every_step_is_drawn_in_both_shapes_and_languages() {
    type Step<'a> = (&'a str, View, Vec<[&'a str; 2]>, &'a str);
    let list = || on_duty(staff(StaffView::People(PeopleView { pages: 1, ..people(None) })), "Alexander Wolkenstein");
    let open = || on_duty(shift(Some(open_shift(20_000)), None, None), "Alexander Wolkenstein");
    let row = ["02 Alexander Wolkenstein, Cashier, locked out", "02 Alexander Wolkenstein, 收银员, 已锁定"];
    let chip = ["Signed on: 01 Alexander Wolkenstein", "当班：01 Alexander Wolkenstein"];
    let steps: [Step<'_>; 7] = [
        ("duty-sheet", on_duty(Screen::Keypad { notice: None }, "Alexander Wolkenstein"), vec![chip], ""),
        ("people-number", list(), vec![["Add", "添加"]], "05"),
        ("people-what", list(), vec![row], ""),
        ("people-code", list(), vec![row, ["New code", "设新密码"]], "27496183"),
        ("shift-opening", on_duty(shift(None, None, None), "小王"), vec![["Open a shift", "开班"]], "20000"),
        ("shift-counting", open(), vec![["Count and close", "清点交班"]], "999999999999"),
        ("shift-paying-out", open(), vec![["Pay out", "取出现金"]], ""),
    ];
    for (shape, (width, height)) in [("portrait", PORTRAIT), ("landscape", LANDSCAPE)] {
        for (word, language) in [("zh", Language::Chinese), ("en", Language::English)] {
            for (name, shown, touches, typed) in &steps {
                let bench = Bench::open(WindowOptions { width, height, language, ..WindowOptions::default() });
                bench.show(View { mark: Mark::Test, ..shown.clone() });
                for [english, chinese] in touches {
                    touch(&bench, if language == Language::English { english } else { chinese });
                }
                type_in(&bench, typed);
                bench.pass(Duration::from_millis(600));
                save(&bench.pixels(), &format!("{name}-{shape}-{word}"));
                everything_is_on_the_screen(&bench, (width, height), name);
                if *name != "duty-sheet" {
                    nothing_covers_another(&bench, name);
                }
            }
        }
    }
}
