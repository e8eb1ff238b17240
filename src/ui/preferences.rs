//! Binder of `ui/api/preferences.slint`: language, day and night. What a customer chooses on the customer's screens is
//! the cashier's again when the customer has gone.

use slint::ComponentHandle;

use super::Shared;
use super::generated::{self, AppWindow, Preferences, Theme};
use crate::app::view::Screen;
use crate::wording::Language;

/// Connects the two switches.
pub(super) fn setup(window: &AppWindow, shared: &Shared) {
    let preferences = window.global::<Preferences>();
    let (weak, shared) = (window.as_weak(), shared.clone());
    preferences.on_switch_language(move || {
        let Some(window) = weak.upgrade() else { return };
        let other = match language(&window) {
            Language::Chinese => Language::English,
            Language::English => Language::Chinese,
        };
        set_language(&window, other);
        shared.with(|state| {
            if !state.view.as_ref().is_some_and(|view| is_customers(&view.screen)) {
                state.cashiers_language = other;
            }
        });
        // Sentences come from Rust: say them again.
        super::paint(&window, &shared);
    });
    let weak = window.as_weak();
    preferences.on_switch_dark(move || {
        if let Some(window) = weak.upgrade() {
            set_dark(&window, !window.global::<Preferences>().get_dark());
        }
    });
}

/// Whether the customer looks at this screen, and may change its language.
const fn is_customers(screen: &Screen) -> bool {
    match screen {
        Screen::PresentCard { .. }
        | Screen::EnterPin { .. }
        | Screen::ChooseApplication { .. }
        | Screen::ConfirmApplication { .. }
        | Screen::Processing { .. }
        | Screen::ShowCode { .. }
        | Screen::Sign { .. }
        | Screen::NotPaid { .. } => true,
        // Whoever works here types.
        Screen::Keypad { .. }
        | Screen::TypeNumber { .. }
        | Screen::Approved { .. }
        | Screen::Unknown { .. }
        | Screen::Purchase(_)
        | Screen::Transactions { .. }
        | Screen::Seek { .. }
        | Screen::Tip(_)
        | Screen::Instalments(_)
        | Screen::Transaction(_)
        | Screen::Receipt(_)
        | Screen::Cart(_)
        | Screen::Cash(_)
        | Screen::Goods(_)
        | Screen::Settlement(_)
        | Screen::Staff(_)
        | Screen::Queue { .. }
        | Screen::Enrol { .. }
        | Screen::Turning(_)
        | Screen::OutOfService { .. } => false,
    }
}

/// The customer has gone, or the terminal is closed: back to the cashier's language.
pub(super) fn return_to_cashier(window: &AppWindow, shared: &Shared) {
    let cashiers = shared.with(|state| state.cashiers_language);
    if language(window) != cashiers {
        set_language(window, cashiers);
    }
}

/// A screen that has turned to a cardholder by itself.
#[derive(Clone, Copy)]
pub(super) struct Turned {
    before: Language,
    to: Language,
}

/// Turns to the language a card asks for, once, so that its holder can still choose another; and back to the language before
/// when nobody is asked any more, unless another has been chosen.
pub(super) fn speak_to_cardholder(window: &AppWindow, shared: &Shared, asked_for: Option<Language>) {
    let (now, turned) = (language(window), shared.with(|state| state.turned));
    let (wanted, turned) = match (asked_for, turned) {
        (Some(to), None) => (to, Some(Turned { before: now, to })),
        (None, Some(turned)) if turned.to == now => (turned.before, None),
        (None, _) => (now, None),
        (Some(_), Some(_)) => return,
    };
    shared.with(|state| state.turned = turned);
    if wanted != now {
        set_language(window, wanted);
    }
}

/// The language shown.
pub(super) fn language(window: &AppWindow) -> Language {
    match window.global::<Preferences>().get_language() {
        generated::Language::Chinese => Language::Chinese,
        generated::Language::English => Language::English,
    }
}

/// Changes the language of every word of the screen itself.
pub(super) fn set_language(window: &AppWindow, language: Language) {
    let (shown, locale) = match language {
        Language::Chinese => (generated::Language::Chinese, "zh_CN"),
        Language::English => (generated::Language::English, "en"),
    };
    // Both are compiled in; should one be missing, the screen goes on in the language it has.
    match slint::select_bundled_translation(locale) {
        Ok(()) => window.global::<Preferences>().set_language(shown),
        Err(error) => tracing::error!(%error, locale, "the screen's language cannot be changed"),
    }
}

/// Day or night.
pub(super) fn set_dark(window: &AppWindow, dark: bool) {
    window.global::<Preferences>().set_dark(dark);
    window.global::<Theme>().set_dark(dark);
}
