//! Binder of `ui/api/type-number.slint`: keys become number and expiry of a card. They are kept in one buffer that never grows and is
//! wiped; the drawing knows the last four digits of the number.

use slint::ComponentHandle;
use zeroize::{Zeroize, Zeroizing};

use super::generated::{AppWindow, NumberStep, TypeNumber};
use super::{Intents, Shared, values};
use crate::app::view::{Intent, Screen};
use crate::card_number::TypedCard;
use crate::money::Amount;
use crate::wording::{Language, Reason};

/// Digits of the shortest and of the longest number.
const FEWEST: usize = 12;
const MOST: usize = 19;

/// Digits of month and year.
const EXPIRY: usize = 4;

/// So many digits at the end are shown.
const SHOWN: usize = 4;

/// What has been typed so far. Deliberately without `Debug`.
pub(super) struct NumberAndExpiry {
    number: Zeroizing<String>,
    expiry: Zeroizing<String>,
    at_expiry: bool,
}

impl NumberAndExpiry {
    /// Nothing typed yet.
    pub(super) fn new() -> Self {
        // Room for all digits: a buffer that grows leaves copies behind.
        Self {
            number: Zeroizing::new(String::with_capacity(MOST)),
            expiry: Zeroizing::new(String::with_capacity(EXPIRY)),
            at_expiry: false,
        }
    }

    /// Forgets all of it, and begins with the number.
    pub(super) fn wipe(&mut self) {
        self.number.zeroize();
        self.expiry.zeroize();
        self.at_expiry = false;
    }

    fn push(&mut self, text: &str) {
        let (typed, most) = if self.at_expiry { (&mut self.expiry, EXPIRY) } else { (&mut self.number, MOST) };
        let room = most - typed.len();
        typed.extend(text.chars().filter(char::is_ascii_digit).take(room));
    }

    /// Takes the last digit back; in front of the first digit of the expiry the number goes on.
    fn delete(&mut self) {
        if self.at_expiry && self.expiry.is_empty() {
            self.at_expiry = false;
            return;
        }
        let typed = if self.at_expiry { &mut self.expiry } else { &mut self.number };
        typed.pop();
    }

    /// What is typed is enough to go on.
    fn is_enough(&self) -> bool {
        if self.at_expiry { self.expiry.len() == EXPIRY } else { self.number.len() >= FEWEST }
    }

    /// The number with dots for all but its end, in groups of four.
    fn shown(&self) -> String {
        let count = self.number.len();
        let mut shown = String::new();
        for (place, digit) in self.number.chars().enumerate() {
            if place > 0 && place % 4 == 0 {
                shown.push(' ');
            }
            shown.push(if place + SHOWN < count { '*' } else { digit });
        }
        if shown.is_empty() { "_".to_owned() } else { shown }
    }

    fn expiry_shown(&self) -> String {
        let digit = |place: usize| self.expiry.chars().nth(place).unwrap_or('_');
        format!("{}{}/{}{}", digit(0), digit(1), digit(2), digit(3))
    }
}

/// Connects the keys.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let typing = window.global::<TypeNumber>();
    let change = |change: fn(&mut NumberAndExpiry, &str)| {
        let (weak, shared) = (window.as_weak(), shared.clone());
        move |digits: &str| {
            let Some(window) = weak.upgrade() else { return };
            shared.with(|state| {
                // What is typed when nobody asks for it is dropped.
                if state.view.as_ref().is_some_and(|view| matches!(view.screen, Screen::TypeNumber { .. })) {
                    change(&mut state.number_typed, digits);
                }
            });
            show_typed(&window, &shared);
        }
    };
    let push = change(NumberAndExpiry::push);
    typing.on_type_digits(move |digits| push(digits.as_str()));
    let delete = change(|typed, _| typed.delete());
    typing.on_delete(move || delete(""));
    let clear = change(|typed, _| typed.wipe());
    typing.on_clear(move || clear(""));
    let (weak, state, sender) = (window.as_weak(), shared.clone(), intents.clone());
    typing.on_enter(move || {
        let typed = state.with(|state| {
            let typed = &mut state.number_typed;
            if !typed.is_enough() {
                return None;
            }
            if !typed.at_expiry {
                typed.at_expiry = true;
                return None;
            }
            let card = TypedCard::parse(&typed.number, &typed.expiry);
            typed.wipe();
            Some(card)
        });
        if let Some(card) = typed {
            sender.send(Intent::NumberTyped(card));
        }
        if let Some(window) = weak.upgrade() {
            show_typed(&window, &state);
        }
    });
    let (weak, state, sender) = (window.as_weak(), shared.clone(), intents.clone());
    typing.on_cancel(move || {
        state.with(|state| state.number_typed.wipe());
        if let Some(window) = weak.upgrade() {
            show_typed(&window, &state);
        }
        sender.send(Intent::Cancel);
    });
}

/// Asks for number and expiry.
pub(super) fn show(window: &AppWindow, shared: &Shared, amount: Amount, notice: Option<&Reason>, language: Language) {
    let typing = window.global::<TypeNumber>();
    typing.set_amount(values::money(amount));
    typing.set_notice(values::sentences(notice, language));
    show_typed(window, shared);
}

fn show_typed(window: &AppWindow, shared: &Shared) {
    let typing = window.global::<TypeNumber>();
    shared.with(|state| {
        let typed = &state.number_typed;
        typing.set_step(if typed.at_expiry { NumberStep::Expiry } else { NumberStep::Number });
        typing.set_number(typed.shown().into());
        typing.set_expiry(typed.expiry_shown().into());
        typing.set_count(i32::try_from(typed.number.len()).unwrap_or(i32::MAX));
        typing.set_ready(typed.is_enough());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_four_digits_are_seen_and_the_expiry_comes_behind_the_number() {
        let mut typed = NumberAndExpiry::new();
        let (place, room) = (typed.number.as_ptr(), typed.number.capacity());
        for (digits, shown) in [
            ("", "_"),
            ("4", "4"),
            ("111", "4111"),
            ("1", "*111 1"),
            ("11111111111", "**** **** **** 1111"),
            ("x", "**** **** **** 1111"),
        ] {
            typed.push(digits);
            assert_eq!(typed.shown(), shown);
        }
        assert!(typed.is_enough() && typed.expiry_shown() == "__/__");
        typed.at_expiry = true;
        typed.push("12309");
        assert_eq!(
            (typed.expiry_shown().as_str(), typed.is_enough()),
            ("12/30", true),
            "no more than there is room for"
        );
        for _ in 0..4 {
            typed.delete();
        }
        typed.delete();
        assert!(!typed.at_expiry, "back to the number");
        typed.push("99999999");
        assert_eq!((typed.number.len(), typed.number.as_ptr(), typed.number.capacity()), (MOST, place, room));
        typed.wipe();
        assert_eq!((typed.shown().as_str(), typed.number.capacity()), ("_", room));
    }
}
