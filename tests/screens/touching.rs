//! Touches and physical keys become intents, and nothing else does.

use std::time::Duration;

use i_slint_backend_testing::{AccessibleRole, ElementHandle};
use slint::platform::{Key, PointerEventButton, WindowEvent};
use slint::{ComponentHandle, LogicalPosition, LogicalSize};
use yima::app::seek_view::SeekIntent;
use yima::app::view::{CardWays, CopyState, Intent, LinkState, PinPlace, Progress, Screen, View};
use yima::card_number::TypedCard;
use yima::pin::Pin;
use yima::receipt::CopyFor;
use yima::ui::WindowOptions;
use yima::wording::{Language, Reason, ReasonKind};
use zeroize::Zeroizing;

use crate::platform::{Bench, LANDSCAPE, PORTRAIT};
use crate::views::{MANY_NAMES, SHUFFLED, approved, at, cny, transactions, type_number, view};

/// Left upper corner and size of what a screen reader calls `label`.
fn place(bench: &Bench, label: &str) -> (LogicalPosition, LogicalSize) {
    let found: Vec<_> = ElementHandle::find_by_accessible_label(bench.screen.window(), label)
        .filter(|element| element.accessible_role().is_some_and(|role| role != AccessibleRole::None))
        .collect();
    assert_eq!(found.len(), 1, "one thing is called {label:?}");
    (found[0].absolute_position(), found[0].size())
}

/// The middle of it.
pub fn middle(bench: &Bench, label: &str) -> LogicalPosition {
    let (corner, size) = place(bench, label);
    LogicalPosition::new(corner.x + size.width / 2.0, corner.y + size.height / 2.0)
}

/// Holds a finger on `position` for `time`.
fn hold(bench: &Bench, position: LogicalPosition, time: Duration) {
    let window = bench.screen.window().window();
    window.dispatch_event(WindowEvent::PointerMoved { position });
    window.dispatch_event(WindowEvent::PointerPressed { position, button: PointerEventButton::Left });
    bench.pass(time);
    window.dispatch_event(WindowEvent::PointerReleased { position, button: PointerEventButton::Left });
    window.dispatch_event(WindowEvent::PointerExited);
    bench.pass(Duration::from_millis(20));
}

/// Touches `label` briefly.
pub fn touch(bench: &Bench, label: &str) {
    touch_at(bench, middle(bench, label));
}

fn touch_at(bench: &Bench, position: LogicalPosition) {
    hold(bench, position, Duration::from_millis(50));
}

/// Whether something on the screen is called `label`.
pub fn is_there(bench: &Bench, label: &str) -> bool {
    ElementHandle::find_by_accessible_label(bench.screen.window(), label).next().is_some()
}

/// Presses a physical key.
pub fn press(bench: &Bench, text: &str) {
    let window = bench.screen.window().window();
    window.dispatch_event(WindowEvent::KeyPressed { text: text.into() });
    window.dispatch_event(WindowEvent::KeyReleased { text: text.into() });
    bench.pass(Duration::from_millis(20));
}

pub fn key(bench: &Bench, key: Key) {
    press(bench, &slint::SharedString::from(key));
}

pub fn benches() -> Vec<Bench> {
    [PORTRAIT, LANDSCAPE]
        .into_iter()
        .map(|(width, height)| {
            Bench::open(WindowOptions { width, height, language: Language::English, ..WindowOptions::default() })
        })
        .collect()
}

fn keypad() -> Screen {
    Screen::Keypad { notice: None }
}

#[test]
fn four_keys_and_charge_send_the_amount() {
    for bench in benches() {
        bench.show(view(keypad()));
        // On the keypad "Charge" is the button; in the navigation it is the tab one is on.
        for label in ["1", "2", "3", "4"] {
            touch(&bench, label);
        }
        touch(&bench, "Charge 12.34");
        assert_eq!(bench.sent(), [Intent::Charge(cny(1234))]);
    }
}

#[test]
fn physical_keys_do_the_same() {
    let bench = &benches()[0];
    bench.show(view(keypad()));
    for text in ["9", "1", "2", "3", "4"] {
        press(bench, text);
    }
    key(bench, Key::Escape);
    for text in ["1", "2", "3", "5"] {
        press(bench, text);
    }
    key(bench, Key::Backspace);
    press(bench, "4");
    key(bench, Key::Return);
    assert_eq!(bench.sent(), [Intent::Charge(cny(1234))]);
}

#[test]
fn nothing_keyed_charges_nothing() {
    for bench in benches() {
        bench.show(view(keypad()));
        touch(&bench, "Charge 0.00");
        key(&bench, Key::Return);
        assert_eq!(bench.sent(), []);
    }
}

#[test]
fn delete_takes_one_digit_and_held_takes_all() {
    for bench in benches() {
        bench.show(view(keypad()));
        for label in ["5", "00", "7"] {
            touch(&bench, label);
        }
        touch(&bench, "Delete");
        touch(&bench, "Charge 5.00");
        assert_eq!(bench.sent(), [Intent::Charge(cny(500))]);
        hold(&bench, middle(&bench, "Delete"), Duration::from_secs(1));
        touch(&bench, "8");
        touch(&bench, "Charge 0.08");
        assert_eq!(bench.sent(), [Intent::Charge(cny(8))]);
    }
}

#[test]
fn what_was_paid_is_gone_from_the_keypad_and_what_was_not_is_kept() {
    let bench = &benches()[0];
    bench.show(view(keypad()));
    touch(bench, "7");
    bench.show(view(Screen::NotPaid { amount: cny(7), reason: Reason::of(ReasonKind::NoCard), at: at(9, 0, 0) }));
    bench.show(view(keypad()));
    touch(bench, "Charge 0.07");
    bench.show(view(approved(cny(7), CopyState::Queued, CopyState::Queued)));
    bench.show(view(keypad()));
    touch(bench, "Charge 0.00");
    assert_eq!(bench.sent(), [Intent::Charge(cny(7))]);
}

#[test]
fn a_payment_can_be_left_while_a_card_is_awaited() {
    for bench in benches() {
        bench.show(view(Screen::PresentCard { amount: cny(1234), notice: None }));
        touch(&bench, "Cancel");
        key(&bench, Key::Escape);
        assert_eq!(bench.sent(), [Intent::Cancel, Intent::Cancel]);
    }
}

#[test]
fn a_payment_that_waits_for_an_earlier_one_can_be_left() {
    for bench in benches() {
        bench.show(view(Screen::Processing { amount: cny(1234), progress: Progress::ReversingEarlier }));
        touch(&bench, "Cancel");
        key(&bench, Key::Escape);
        assert_eq!(bench.sent(), [Intent::Cancel, Intent::Cancel]);
    }
}

#[test]
fn a_payment_that_waits_for_a_pin_at_the_reader_can_be_left() {
    for bench in benches() {
        let (notice, place) = (Some(Reason::of(ReasonKind::PinWrong)), PinPlace::Reader);
        bench.show(view(Screen::EnterPin { amount: cny(1234), notice, place, may_bypass: false, language: None }));
        assert!(is_there(&bench, "Enter the PIN on the card reader"));
        assert!(is_there(&bench, "The PIN is wrong. Enter it again."));
        touch(&bench, "Cancel");
        key(&bench, Key::Escape);
        assert_eq!(bench.sent(), [Intent::Cancel, Intent::Cancel]);
    }
}

#[test]
fn a_card_number_is_typed_with_its_end_in_sight_and_goes_with_its_expiry() {
    for bench in benches() {
        bench.show(view(type_number(cny(1234), None)));
        touch(&bench, "OK");
        for digit in "6228480000000001239".chars() {
            touch(&bench, &digit.to_string());
        }
        assert!(is_there(&bench, "19 digits typed"));
        touch(&bench, "Correct");
        touch(&bench, "0");
        touch(&bench, "OK");
        assert_eq!(bench.sent(), [], "the expiry comes behind");
        // Another way to type.
        for digit in "1230".chars() {
            press(&bench, &digit.to_string());
        }
        assert!(is_there(&bench, "12/30"));
        touch(&bench, "OK");
        let card = TypedCard::parse("6228480000000001230", "1230");
        assert_eq!(bench.sent(), [Intent::NumberTyped(card)]);
        assert!(is_there(&bench, "0 digits typed"), "what was sent is gone from here");
        // What cannot be is sent as that; the engine says what is wrong.
        for digit in "62284800000012301".chars() {
            touch(&bench, &digit.to_string());
        }
        touch(&bench, "OK");
        for digit in "1330".chars() {
            touch(&bench, &digit.to_string());
        }
        touch(&bench, "OK");
        assert!(matches!(bench.sent()[..], [Intent::NumberTyped(Err(_))]), "no card was made of it");
        touch(&bench, "Cancel");
        key(&bench, Key::Escape);
        assert_eq!(bench.sent(), [Intent::Cancel, Intent::Cancel]);
    }
}

#[test]
fn the_number_can_be_typed_where_the_view_says_so() {
    for bench in benches() {
        let asks = || Screen::PresentCard { amount: cny(1234), notice: None };
        bench.show(view(asks()));
        assert!(!is_there(&bench, "Type the number"));
        let ways = CardWays { chip: true, stripe: true, typed: true };
        bench.show(View { ways, ..view(asks()) });
        assert!(is_there(&bench, "or swipe a card without a chip"));
        touch(&bench, "Type the number");
        assert_eq!(bench.sent(), [Intent::TypeNumber]);
        bench.show(View { ways: CardWays { chip: false, stripe: true, typed: false }, ..view(asks()) });
        assert!(is_there(&bench, "Swipe card") && !is_there(&bench, "Insert card"));
    }
}

fn enter_pin(keys: [u8; 10], may_bypass: bool) -> Screen {
    let place = PinPlace::Screen { keys };
    Screen::EnterPin { amount: cny(1234), notice: None, place, may_bypass, language: None }
}

fn pin(digits: &str) -> Intent {
    Intent::EnterPin(Pin::new(Zeroizing::new(digits.as_bytes().to_vec())).unwrap())
}

#[test]
fn digits_touched_where_they_stand_this_time_are_the_pin() {
    for bench in benches() {
        for keys in [SHUFFLED, [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]] {
            bench.show(view(keypad()));
            bench.show(view(enter_pin(keys, false)));
            let places: Vec<_> = keys.iter().map(|digit| place(&bench, &digit.to_string()).0).collect();
            assert!(places.windows(2).all(|pair| (pair[0].y, pair[0].x) < (pair[1].y, pair[1].x)), "row by row");
            for label in ["1", "2", "0", "5", "Correct", "4"] {
                touch(&bench, label);
            }
            assert!(is_there(&bench, "4 digits typed"));
            touch(&bench, "OK");
            assert_eq!(bench.sent(), [pin("1204")]);
            assert!(is_there(&bench, "0 digits typed"), "what was sent is gone from here");
            touch(&bench, "OK");
            assert_eq!(bench.sent(), []);
        }
    }
}

#[test]
fn physical_digits_mean_what_they_say_wherever_they_stand_on_the_screen() {
    let bench = &benches()[0];
    bench.show(view(enter_pin(SHUFFLED, false)));
    for text in ["7", "7", "7"] {
        press(bench, text);
    }
    key(bench, Key::Return);
    assert_eq!(bench.sent(), [], "three digits are no PIN");
    key(bench, Key::Delete);
    for text in ["9", "8", "7", "6", "5", "4", "3", "2", "1", "0", "9", "8", "7", "7", "."] {
        press(bench, text);
    }
    key(bench, Key::Backspace);
    press(bench, "1");
    key(bench, Key::Return);
    key(bench, Key::Escape);
    assert_eq!(bench.sent(), [pin("987654321091"), Intent::Cancel]);
}

#[test]
fn a_long_touch_is_a_digit_and_correct_held_takes_all() {
    for bench in benches() {
        bench.show(view(enter_pin(SHUFFLED, false)));
        hold(&bench, middle(&bench, "7"), Duration::from_secs(1));
        touch(&bench, "8");
        assert!(is_there(&bench, "2 digits typed"));
        hold(&bench, middle(&bench, "Correct"), Duration::from_secs(1));
        assert!(is_there(&bench, "0 digits typed"));
    }
}

#[test]
fn what_has_been_typed_of_a_pin_outlasts_news_of_the_line_and_nothing_else() {
    let bench = &benches()[0];
    bench.show(view(enter_pin(SHUFFLED, false)));
    for text in ["1", "2", "3"] {
        press(bench, text);
    }
    bench.show(View { link: LinkState::Offline, ..view(enter_pin(SHUFFLED, false)) });
    press(bench, "4");
    assert!(is_there(bench, "4 digits typed"));
    bench.show(view(Screen::Processing { amount: cny(1234), progress: Progress::ReadingCard }));
    bench.show(view(enter_pin(SHUFFLED, false)));
    assert!(is_there(bench, "0 digits typed"));
    key(bench, Key::Return);
    assert_eq!(bench.sent(), []);
}

#[test]
fn the_picture_tells_how_many_digits_and_not_which() {
    for bench in benches() {
        let picture = |digits: &str| {
            bench.show(view(keypad()));
            bench.show(view(enter_pin(SHUFFLED, false)));
            for digit in digits.chars() {
                press(&bench, &digit.to_string());
            }
            bench.pixels()
        };
        let typed = picture("1234");
        assert_eq!(typed.as_bytes(), picture("9999").as_bytes());
        assert_ne!(typed.as_bytes(), picture("99999").as_bytes());
    }
}

#[test]
fn a_pin_is_passed_over_only_where_that_is_offered() {
    for bench in benches() {
        bench.show(view(enter_pin(SHUFFLED, false)));
        assert!(!is_there(&bench, "No PIN"));
        bench.show(view(enter_pin(SHUFFLED, true)));
        touch(&bench, "No PIN");
        touch(&bench, "Cancel");
        assert_eq!(bench.sent(), [Intent::BypassPin, Intent::Cancel]);
    }
}

#[test]
fn a_pin_is_asked_for_in_the_cardholders_language_and_what_follows_is_said_in_the_cashiers() {
    let bench = &benches()[0];
    let ask = |language| {
        let (amount, place) = (cny(1234), PinPlace::Screen { keys: SHUFFLED });
        bench.show(view(Screen::EnterPin { amount, notice: None, place, may_bypass: false, language }));
    };
    let go_on = || bench.show(view(Screen::Processing { amount: cny(1234), progress: Progress::AskingHost }));
    let chinese = Some(Language::Chinese);
    ask(chinese);
    assert!(is_there(bench, "请输入密码"));
    go_on();
    assert!(is_there(bench, "Asking the bank"));
    // Who reads another language than the card says chooses it, and the card does not change that.
    ask(chinese);
    touch(bench, "English");
    ask(chinese);
    assert!(is_there(bench, "Enter your PIN"));
    go_on();
    assert!(is_there(bench, "Asking the bank"));
    // A card that says nothing, or what is spoken anyway, changes nothing.
    for language in [None, Some(Language::English)] {
        ask(language);
        assert!(is_there(bench, "Enter your PIN"));
        go_on();
        assert!(is_there(bench, "Asking the bank"));
    }
}

#[test]
fn an_application_is_chosen_by_touch_or_by_its_number() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    for bench in benches() {
        bench.show(view(Screen::ChooseApplication { amount: cny(1), applications: names(&["Crédit", "Débit"]) }));
        touch(&bench, "Débit");
        press(&bench, "1");
        press(&bench, "3");
        touch(&bench, "Cancel");
        key(&bench, Key::Escape);
        let chosen = Intent::ChooseApplication;
        assert_eq!(bench.sent(), [chosen(1), chosen(0), Intent::Cancel, Intent::Cancel]);
        bench.show(view(Screen::ChooseApplication { amount: cny(1), applications: names(MANY_NAMES) }));
        assert!(!is_there(&bench, MANY_NAMES[5]));
        touch(&bench, "More · 1 / 2");
        touch(&bench, MANY_NAMES[5]);
        touch(&bench, "More · 2 / 2");
        press(&bench, "4");
        assert_eq!(bench.sent(), [chosen(5), chosen(3)]);
    }
}

#[test]
fn consent_is_a_touch_on_pay() {
    for bench in benches() {
        bench.show(view(Screen::ConfirmApplication { amount: cny(1), application: "Débit".to_owned() }));
        assert!(is_there(&bench, "Débit"));
        touch(&bench, "Pay");
        touch(&bench, "Do not pay");
        key(&bench, Key::Return);
        key(&bench, Key::Escape);
        assert_eq!(bench.sent(), [true, false, true, false].map(Intent::ConfirmApplication));
    }
}

#[test]
fn a_payment_that_may_have_been_charged_cannot_be_left() {
    for bench in benches() {
        for progress in [Progress::ReadingCard, Progress::AskingHost, Progress::CompletingCard] {
            bench.show(view(Screen::Processing { amount: cny(1234), progress }));
            assert!(!is_there(&bench, "Cancel"));
            key(&bench, Key::Escape);
        }
        assert_eq!(bench.sent(), []);
    }
}

#[test]
fn the_cashier_says_whether_it_printed() {
    for bench in benches() {
        bench.show(view(approved(cny(1234), CopyState::Printed, CopyState::Asks(None))));
        touch(&bench, "Yes");
        touch(&bench, "No");
        touch(&bench, "Next customer");
        assert_eq!(
            bench.sent(),
            [
                Intent::DidItPrint { copy: CopyFor::Customer, printed: true },
                Intent::DidItPrint { copy: CopyFor::Customer, printed: false },
                Intent::NextCustomer,
            ]
        );
    }
}

#[test]
fn a_slip_that_failed_is_printed_again_by_a_touch() {
    let failed = || CopyState::Failed(Reason::of(ReasonKind::PrinterMissing));
    for bench in benches() {
        bench.show(view(approved(cny(1234), failed(), failed())));
        touch(&bench, "Print again");
        assert_eq!(bench.sent(), [Intent::RetryPrint]);
    }
}

#[test]
fn pages_turn_and_rows_print_again() {
    for bench in benches() {
        bench.show(view(keypad()));
        touch(&bench, "History");
        let screen = transactions(Vec::new());
        let Screen::Transactions { rows, .. } = &screen else { unreachable!() };
        let first = rows[0].trace;
        bench.show(view(screen.clone()));
        touch(&bench, "Older");
        touch(&bench, "Newer");
        touch(&bench, &format!("Print again {first}"));
        touch(&bench, "Charge");
        assert_eq!(
            bench.sent(),
            [Intent::Seek(SeekIntent::All), Intent::ShowTransactions(1), Intent::Reprint(first), Intent::ShowKeypad]
        );
    }
}

#[test]
fn the_language_changes_words_and_reasons_at_once() {
    let bench = &benches()[0];
    let reason = Reason::of(ReasonKind::NoCard);
    bench.show(view(Screen::Keypad { notice: Some(reason.clone()) }));
    let said = |language| {
        let said = reason.sentences(language);
        format!("{} {}", said.what, said.advice)
    };
    middle(bench, &said(Language::English));
    touch(bench, "中文");
    middle(bench, &said(Language::Chinese));
    touch(bench, "1");
    touch(bench, "收款 0.01");
    touch(bench, "English");
    middle(bench, &said(Language::English));
    assert_eq!(bench.sent(), [Intent::Charge(cny(1))]);
}

/// What the chip "Online" means.
const ONLINE_MEANS: &str = "The bank answered last time. Payments can be taken.";

#[test]
fn chip_and_language_button_each_take_the_touches_on_themselves() {
    for bench in benches() {
        bench.show(view(Screen::PresentCard { amount: cny(1234), notice: None }));
        let (chip, chip_size) = place(&bench, "Online");
        let (button, button_size) = place(&bench, "中文");
        let gap = chip.x - (button.x + button_size.width);
        let height = button.y + button_size.height / 2.0;
        // A pixel inside of the button's right edge.
        touch_at(&bench, LogicalPosition::new(button.x + button_size.width - 1.0, height));
        assert!(is_there(&bench, "在线"), "the button switches the language");
        touch(&bench, "English");
        for x in
            [chip.x - gap / 2.0 + 1.0, chip.x + 1.0, chip.x + chip_size.width - 1.0, chip.x + chip_size.width + gap]
        {
            touch_at(&bench, LogicalPosition::new(x, height));
            assert!(is_there(&bench, ONLINE_MEANS), "the chip explains itself at {x}");
            touch(&bench, ONLINE_MEANS);
        }
    }
}

#[test]
fn an_explanation_closes_when_the_screen_changes() {
    for bench in benches() {
        bench.show(view(Screen::PresentCard { amount: cny(1234), notice: None }));
        touch(&bench, "Online");
        assert!(is_there(&bench, ONLINE_MEANS));
        bench.show(view(approved(cny(1234), CopyState::Queued, CopyState::Queued)));
        assert!(!is_there(&bench, ONLINE_MEANS));
    }
}

#[test]
fn a_key_closes_an_explanation_and_does_nothing_else() {
    let bench = &benches()[0];
    bench.show(view(keypad()));
    press(bench, "7");
    for pressed in [Key::Escape, Key::Backspace, Key::Return] {
        touch(bench, "Online");
        assert!(is_there(bench, ONLINE_MEANS));
        key(bench, pressed);
        assert!(!is_there(bench, ONLINE_MEANS), "{pressed:?} closes it");
    }
    assert_eq!(bench.sent(), []);
    key(bench, Key::Return);
    assert_eq!(bench.sent(), [Intent::Charge(cny(7))]);
}

#[test]
fn the_customers_language_leaves_with_the_customer() {
    let bench = &benches()[0];
    bench.show(view(keypad()));
    for customers_screen in [
        Screen::PresentCard { amount: cny(1234), notice: None },
        Screen::Processing { amount: cny(1234), progress: Progress::AskingHost },
        Screen::NotPaid { amount: cny(1234), reason: Reason::of(ReasonKind::NoCard), at: at(9, 0, 0) },
    ] {
        bench.show(view(customers_screen));
        touch(bench, "中文");
        bench.show(view(approved(cny(1234), CopyState::Queued, CopyState::Queued)));
        assert!(is_there(bench, "已收款"), "the customer still reads the result");
        bench.show(view(keypad()));
        assert!(is_there(bench, "Charge 0.00"), "the cashier has the language from before");
    }
}

#[test]
fn the_cashiers_language_stays() {
    let bench = &benches()[0];
    bench.show(view(keypad()));
    touch(bench, "中文");
    bench.show(view(Screen::PresentCard { amount: cny(1234), notice: None }));
    assert!(is_there(bench, "请插卡"));
    touch(bench, "English");
    bench.show(view(keypad()));
    assert!(is_there(bench, "收款 0.00"));
    // The cashier's screens change it for good.
    bench.show(view(transactions(Vec::new())));
    touch(bench, "English");
    bench.show(view(keypad()));
    assert!(is_there(bench, "Charge 0.00"));
}

#[test]
fn the_question_is_answered_in_its_own_words() {
    let bench = Bench::open(WindowOptions::default());
    bench.show(view(approved(cny(1234), CopyState::Asks(None), CopyState::Queued)));
    touch(&bench, "打出来了");
    touch(&bench, "没有");
    let answer = |printed| Intent::DidItPrint { copy: CopyFor::Merchant, printed };
    assert_eq!(bench.sent(), [answer(true), answer(false)]);
}
