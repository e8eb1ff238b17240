//! What the cardholder is asked on the screen: a PIN, and which application pays.

use std::time::Duration;

use yima::app::view::{Intent, Screen};
use yima::app::{Ending, Parts};
use yima::payment::chooser::Chooser;
use yima::pin::Pin;
use yima::terminal::mark::Mark;
use yima::wording::ReasonKind;
use zeroize::Zeroizing;

use super::terminal::{Reversal, Sale, Terminal, is_keypad};

/// A screen that shows keys for a PIN.
fn with_keys(parts: Parts) -> Parts {
    Parts { screen_pad: true, ..parts }
}

fn pin(digits: &str) -> Intent {
    Intent::EnterPin(Pin::new(Zeroizing::new(digits.as_bytes().to_vec())).unwrap())
}

/// What the cardholder is told who is asked for a PIN.
fn pin_notice(screen: &Screen) -> Option<Option<ReasonKind>> {
    match screen {
        Screen::EnterPin { notice, .. } => Some(notice.as_ref().map(|reason| reason.kind)),
        _ => None,
    }
}

#[test]
fn a_pin_is_typed_on_the_screen_and_a_wrong_one_is_said_to_be_wrong() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running = terminal.start_with("cvm-plaintext-pin", with_keys);
    running.charge("12.34");
    running.until("the PIN", |screen| pin_notice(screen) == Some(None));
    running.wish(pin("9999"));
    running.until("wrong", |screen| pin_notice(screen) == Some(Some(ReasonKind::PinWrong)));
    running.wish(pin("9998"));
    running.until("the last try", |screen| pin_notice(screen) == Some(Some(ReasonKind::PinWrongLastTry)));
    running.wish(pin("1234"));
    assert_eq!(running.report().ending, Ending::Approved);
}

#[test]
fn a_pin_that_is_not_typed_in_time_or_not_at_all_ends_the_payment_unpaid() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running = terminal
        .start_with("cvm-enciphered-pin", |parts| Parts { pin_wait: Duration::from_millis(600), ..with_keys(parts) });
    running.charge("12.34");
    running.until("the PIN", |screen| pin_notice(screen).is_some());
    let report = running.report();
    assert_eq!((report.ending, report.reason.unwrap().kind), (Ending::Error, ReasonKind::PinTimedOut));
    running.until("not paid", |screen| matches!(screen, Screen::NotPaid { .. }));
    drop(running);
    let mut running = terminal.start_with("cvm-enciphered-pin", with_keys);
    running.charge("12.34");
    running.until("the PIN", |screen| pin_notice(screen).is_some());
    // It may not be passed over here, so the question stands; nor is anything else of use now.
    for intent in [Intent::BypassPin, Intent::NextCustomer, Intent::ShowTransactions(0)] {
        running.wish(intent);
    }
    running.wish(Intent::Cancel);
    let report = running.report();
    assert_eq!((report.ending, report.reason.unwrap().kind), (Ending::Error, ReasonKind::Cancelled));
    running.until("the keypad", is_keypad);
    assert!(terminal.rows().is_empty());
}

#[test]
fn a_pin_may_be_passed_over_where_the_settings_say_so() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running = terminal.start_with("cvm-plaintext-pin", |parts| Parts { pin_bypass: true, ..with_keys(parts) });
    running.charge("12.34");
    running.until("the PIN", |screen| pin_notice(screen).is_some());
    running.wish(Intent::BypassPin);
    let card = running.report().card.unwrap();
    assert_eq!(card.tvr, "0000888000", "PIN required and not entered, cardholder verification failed");
}

#[test]
fn with_live_keys_no_pin_is_typed_on_the_screen_whatever_the_parts_say() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running =
        terminal.start_with("cvm-plaintext-pin", |parts| Parts { mark: Mark::Live, screen_pad: true, ..parts });
    running.charge("12.34");
    running.wish(pin("1234"));
    let screen = running.until("a PIN or the end", |screen| {
        pin_notice(screen).is_some() || matches!(screen, Screen::Approved { .. } | Screen::NotPaid { .. })
    });
    assert_eq!(pin_notice(&screen), None, "the card was told that there is no pad, and takes a signature");
    assert_eq!(running.report().card.unwrap().tvr, "0000008000");
}

#[test]
fn what_is_logged_of_a_pin_is_never_the_pin() {
    let said = format!("{:?} {:?}", pin("735591802746"), vec![pin("735591802746")]);
    assert!(!said.contains("7355") && !said.contains("55, 51"), "{said}");
    assert!(said.contains("masked"), "{said}");
}

/// A screen at which the cardholder chooses.
fn with_a_cardholder(parts: Parts) -> Parts {
    Parts { chooser: Chooser::Cardholder, ..parts }
}

fn is_choice(screen: &Screen) -> bool {
    matches!(screen, Screen::ChooseApplication { .. })
}

#[test]
fn the_application_that_was_chosen_pays() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running = terminal.start_with("multi-application", with_a_cardholder);
    running.charge("12.34");
    let screen = running.until("the choice", is_choice);
    let Screen::ChooseApplication { applications, .. } = screen else { unreachable!() };
    assert_eq!(applications, ["UnionPay Credit", "UnionPay Debit"]);
    // What belongs to another screen, or is not there, leaves the choice open.
    for intent in [Intent::BypassPin, Intent::ConfirmApplication(true), Intent::ChooseApplication(2)] {
        running.wish(intent);
    }
    running.wish(Intent::ChooseApplication(1));
    let report = running.report();
    assert_eq!((report.ending, report.card.unwrap().aid.as_str()), (Ending::Approved, "A000000333010101"));
    assert!(report.timings.parts().iter().any(|(part, _)| *part == "choice"));
}

#[test]
fn a_choice_that_nobody_makes_ends_unpaid() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running = terminal.start_with("multi-application", |parts| Parts {
        card_wait: Duration::from_millis(600),
        ..with_a_cardholder(parts)
    });
    running.charge("12.34");
    running.until("the choice", is_choice);
    let report = running.report();
    assert_eq!((report.ending, report.reason.unwrap().kind), (Ending::Error, ReasonKind::ChoiceTimedOut));
    running.until("not paid", |screen| matches!(screen, Screen::NotPaid { .. }));
    running.wish(Intent::NextCustomer);
    running.charge("12.34");
    running.until("the choice", is_choice);
    running.wish(Intent::Cancel);
    assert_eq!(running.report().reason.unwrap().kind, ReasonKind::Cancelled);
    running.until("the keypad", is_keypad);
    assert!(terminal.rows().is_empty());
}
