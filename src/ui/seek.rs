//! Binder of `ui/api/seek.slint`: payments that are looked for.

use slint::{ComponentHandle, ModelRc};

use super::generated::{self, AppWindow, Seek, SeekChoice};
use super::{Intents, Shared, values};
use crate::app::seek_view::{MOST_DIGITS, SeekBy, SeekIntent, Sought};
use crate::app::view::Intent;
use crate::wording::{Language, Reason};

/// Connects everything.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let seek = window.global::<Seek>();
    let change = |change: fn(&mut String, &str)| {
        let (weak, shared) = (window.as_weak(), shared.clone());
        move |digits: &str| {
            if let Some(window) = weak.upgrade() {
                let typed = shared.with(|state| {
                    change(&mut state.seek, digits);
                    state.seek.clone()
                });
                show_typed(&window, &typed);
            }
        }
    };
    let typed = change(|text, digits| {
        // A key whose digits would not all fit is ignored.
        if text.len() + digits.len() <= MOST_DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit()) {
            text.push_str(digits);
        }
    });
    seek.on_type_digits(move |digits| typed(&digits));
    let delete = change(|text, _| {
        text.pop();
    });
    seek.on_delete(move || delete(""));
    let clear = change(|text, _| text.clear());
    seek.on_clear(move || clear(""));
    let (state, sender) = (shared.clone(), intents.clone());
    seek.on_find(move |by| {
        let digits = state.with(|state| state.seek.clone());
        sender.send(Intent::Seek(SeekIntent::Find(of(by), digits)));
    });
    let (clear, sender) = (change(|text, _| text.clear()), intents.clone());
    seek.on_open(move || {
        clear("");
        sender.send(Intent::Seek(SeekIntent::Open));
    });
    let sender = intents.clone();
    seek.on_all(move || sender.send(Intent::Seek(SeekIntent::All)));
}

/// Shows the digits, and of what they can be.
pub(super) fn show(window: &AppWindow, shared: &Shared, notice: Option<&Reason>, language: Language) {
    show_typed(window, &shared.with(|state| state.seek.clone()));
    window.global::<Seek>().set_notice(values::sentences(notice, language));
}

fn show_typed(window: &AppWindow, typed: &str) {
    let seek = window.global::<Seek>();
    seek.set_digits(typed.into());
    let choices = SeekBy::ALL.map(|by| SeekChoice { by: shown(by), fits: by.takes(typed.len()) });
    seek.set_choices(ModelRc::from(choices));
}

/// Says of what the list of payments is.
pub(super) fn show_sought(window: &AppWindow, sought: Option<&Sought>) {
    let seek = window.global::<Seek>();
    seek.set_narrowed(sought.is_some());
    let Some(sought) = sought else { return };
    let (by, value) = match sought {
        Sought::Amount(amount) => (SeekBy::Amount, values::money_text(*amount)),
        Sought::LastFour(digits) => (SeekBy::LastFour, digits.as_str().to_owned()),
        Sought::Stan(stan) => (SeekBy::Stan, stan.to_string()),
        Sought::Rrn(rrn) => (SeekBy::Rrn, rrn.to_string()),
        Sought::Day(day) => (SeekBy::Day, day.to_string()),
        Sought::Cashier(person) => (SeekBy::Cashier, person.to_string()),
        Sought::Good(number) => (SeekBy::Good, number.to_string()),
    };
    seek.set_by(shown(by));
    seek.set_value(value.into());
}

const fn shown(by: SeekBy) -> generated::SeekBy {
    match by {
        SeekBy::Amount => generated::SeekBy::Amount,
        SeekBy::LastFour => generated::SeekBy::LastFour,
        SeekBy::Stan => generated::SeekBy::Stan,
        SeekBy::Rrn => generated::SeekBy::Rrn,
        SeekBy::Day => generated::SeekBy::Day,
        SeekBy::Cashier => generated::SeekBy::Cashier,
        SeekBy::Good => generated::SeekBy::Good,
    }
}

const fn of(by: generated::SeekBy) -> SeekBy {
    match by {
        generated::SeekBy::Amount => SeekBy::Amount,
        generated::SeekBy::LastFour => SeekBy::LastFour,
        generated::SeekBy::Stan => SeekBy::Stan,
        generated::SeekBy::Rrn => SeekBy::Rrn,
        generated::SeekBy::Day => SeekBy::Day,
        generated::SeekBy::Cashier => SeekBy::Cashier,
        generated::SeekBy::Good => SeekBy::Good,
    }
}
