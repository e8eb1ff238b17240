//! Binder of `ui/api/pin.slint`: keys become a PIN, and the PIN an intent. The drawing knows which digit stands on which
//! key and how many have been typed, never which.

use slint::{ComponentHandle, ModelRc, SharedString};

use super::generated::{AppWindow, PinPad};
use super::pin_typed::PinTyped;
use super::{Intents, Shared, values};
use crate::app::view::{Intent, PinPlace, Screen, View};
use crate::money::Amount;
use crate::pin::Pin;
use crate::wording::{Language, Reason};

/// Connects the keys.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let pad = window.global::<PinPad>();
    let (weak, state) = (window.as_weak(), shared.clone());
    pad.on_press(move |key, layout| {
        let Some(window) = weak.upgrade() else { return };
        let digit = state.with(|state| {
            // A finger that came down on another layout, which has been replaced since, meant another digit.
            if state.pin_layout != layout {
                return None;
            }
            let keys = keys(state.view.as_ref())?;
            keys.get(usize::try_from(key).ok()?).copied()
        });
        if let Some(digit) = digit {
            change(&window, &state, |pin| pin.push(digit));
        }
    });
    let (weak, state) = (window.as_weak(), shared.clone());
    pad.on_type_digit(move |text| {
        if let (Some(window), &[digit @ b'0'..=b'9']) = (weak.upgrade(), text.as_bytes()) {
            change(&window, &state, |pin| pin.push(digit - b'0'));
        }
    });
    let (weak, state) = (window.as_weak(), shared.clone());
    pad.on_delete(move || {
        if let Some(window) = weak.upgrade() {
            change(&window, &state, PinTyped::delete);
        }
    });
    let (weak, state) = (window.as_weak(), shared.clone());
    pad.on_clear(move || {
        if let Some(window) = weak.upgrade() {
            change(&window, &state, PinTyped::wipe);
        }
    });
    let (weak, state, sender) = (window.as_weak(), shared.clone(), intents.clone());
    pad.on_enter(move || {
        let pin = state.with(|state| keys(state.view.as_ref()).and_then(|_| state.pin.take()));
        if let Some(pin) = pin {
            sender.send(Intent::EnterPin(pin));
        }
        if let Some(window) = weak.upgrade() {
            show_count(&window, &state);
        }
    });
    let (weak, state, sender) = (window.as_weak(), shared.clone(), intents.clone());
    pad.on_bypass(move || {
        if let Some(window) = weak.upgrade() {
            change(&window, &state, PinTyped::wipe);
        }
        sender.send(Intent::BypassPin);
    });
    let (weak, state, sender) = (window.as_weak(), shared.clone(), intents.clone());
    pad.on_cancel(move || {
        if let Some(window) = weak.upgrade() {
            change(&window, &state, PinTyped::wipe);
        }
        sender.send(Intent::Cancel);
    });
}

/// Shows for what a PIN is asked, and why again.
pub(super) fn show(window: &AppWindow, amount: Amount, notice: Option<&Reason>, language: Language, may_bypass: bool) {
    let pad = window.global::<PinPad>();
    pad.set_amount(values::money(amount));
    pad.set_notice(values::sentences(notice, language));
    pad.set_may_bypass(may_bypass);
}

/// Shows which digit stands on which key, in which layout.
pub(super) fn show_keys(window: &AppWindow, keys: &[u8; 10], layout: i32) {
    let faces: Vec<SharedString> = keys.iter().map(|digit| digit.to_string().into()).collect();
    let pad = window.global::<PinPad>();
    pad.set_faces(ModelRc::from(faces.as_slice()));
    pad.set_layout(layout);
}

/// Shows how many digits have been typed.
pub(super) fn show_count(window: &AppWindow, shared: &Shared) {
    let count = shared.with(|state| state.pin.count());
    let pad = window.global::<PinPad>();
    pad.set_count(i32::try_from(count).unwrap_or(i32::MAX));
    pad.set_ready(count >= Pin::FEWEST_DIGITS);
}

/// The digits of the keys, where a PIN is typed on this screen.
fn keys(view: Option<&View>) -> Option<[u8; 10]> {
    match view.map(|view| &view.screen) {
        Some(Screen::EnterPin { place: PinPlace::Screen { keys }, .. }) => Some(*keys),
        _ => None,
    }
}

/// Changes what has been typed, as long as it is asked for.
fn change(window: &AppWindow, shared: &Shared, change: impl FnOnce(&mut PinTyped)) {
    shared.with(|state| {
        if keys(state.view.as_ref()).is_some() {
            change(&mut state.pin);
        }
    });
    show_count(window, shared);
}
