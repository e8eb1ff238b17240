//! Binder of `ui/api/enrolment.slint`: keys become an activation code, and the code an intent.

use slint::ComponentHandle;
use zeroize::Zeroizing;

use super::generated::{AppWindow, Enrolment, EnrolmentStep};
use super::{Intents, Shared, values};
use crate::acquirer::enrolment::Progress;
use crate::acquirer::enrolment::wire::{ActivationCode, CODE_DIGITS};
use crate::app::view::{Intent, Screen};
use crate::wording::{Language, Reason};

/// What stands in the place of a digit that is still to come.
const PLACE: char = '_';

/// What has been typed of an activation code. Wiped when it is dropped.
#[derive(Default)]
pub(super) struct CodeTyped(Zeroizing<String>);

impl CodeTyped {
    fn push(&mut self, digits: &str) {
        for digit in digits.chars().filter(char::is_ascii_digit) {
            if self.0.len() < CODE_DIGITS {
                self.0.push(digit);
            }
        }
    }

    /// Three groups, with a place for each digit that is still to come.
    fn shown(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        for place in 0..CODE_DIGITS {
            if place > 0 && place % 4 == 0 {
                text.push(' ');
            }
            text.push(self.0.chars().nth(place).unwrap_or(PLACE));
        }
        text
    }
}

/// Connects the keys.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let enrolment = window.global::<Enrolment>();
    let change = |change: fn(&mut CodeTyped, &str)| {
        let (weak, shared) = (window.as_weak(), shared.clone());
        move |digits: &str| {
            let Some(window) = weak.upgrade() else { return };
            shared.with(|state| {
                if matches!(state.view.as_ref().map(|view| &view.screen), Some(Screen::Enrol { progress: None, .. })) {
                    change(&mut state.code, digits);
                }
            });
            show_code(&window, &shared);
        }
    };
    let type_digits = change(CodeTyped::push);
    enrolment.on_type_digits(move |digits| type_digits(&digits));
    let delete = change(|code, _| {
        code.0.pop();
    });
    enrolment.on_delete(move || delete(""));
    let clear = change(|code, _| *code = CodeTyped::default());
    enrolment.on_clear(move || clear(""));
    let (shared, intents) = (shared.clone(), intents.clone());
    enrolment.on_enter(move || {
        let code = shared.with(|state| ActivationCode::parse(&state.code.0));
        if let Ok(code) = code {
            intents.send(Intent::Enrol(code));
        }
    });
}

/// Shows the serial number, how far an enrolment is and what became of the last one.
pub(super) fn show(
    window: &AppWindow,
    shared: &Shared,
    serial_number: &str,
    progress: Option<Progress>,
    notice: Option<&Reason>,
    language: Language,
) {
    let enrolment = window.global::<Enrolment>();
    enrolment.set_serial_number(serial_number.into());
    enrolment.set_notice(values::sentences(notice, language));
    enrolment.set_step(match progress {
        None => EnrolmentStep::Typing,
        Some(Progress::MakingKeys) => EnrolmentStep::MakingKeys,
        Some(Progress::AskingHost) => EnrolmentStep::AskingAcquirer,
        Some(Progress::TakingAnswer) => EnrolmentStep::TakingAnswer,
        Some(Progress::PuttingInPlace | Progress::DestroyingOld) => EnrolmentStep::Finishing,
    });
    show_code(window, shared);
}

fn show_code(window: &AppWindow, shared: &Shared) {
    let (shown, ready) = shared.with(|state| (state.code.shown(), state.code.0.len() == CODE_DIGITS));
    let enrolment = window.global::<Enrolment>();
    enrolment.set_code(shown.as_str().into());
    enrolment.set_ready(ready);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_shown_in_groups_with_places_for_what_is_to_come_and_takes_no_more_than_twelve_digits() {
        let mut code = CodeTyped::default();
        assert_eq!(*code.shown(), "____ ____ ____");
        code.push("12345");
        assert_eq!(*code.shown(), "1234 5___ ____");
        code.push("x678 9012345");
        assert_eq!(*code.shown(), "1234 5678 9012");
    }
}
