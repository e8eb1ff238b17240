//! Binder of `ui/api/status.slint`: clock, shop, line to the bank.

use slint::ComponentHandle;

use super::generated::{self, AppWindow, Status};
use super::values;
use crate::app::view::{LinkState, View};
use crate::clock;
use crate::terminal::mark::Mark;
use crate::wording::Language;

/// Shows what stands at the top of every screen.
pub(super) fn show(window: &AppWindow, view: &View, language: Language) {
    let status = window.global::<Status>();
    status.set_merchant_name(view.merchant_name.as_str().into());
    status.set_test(view.mark.is_for_tests());
    status.set_training(view.mark == Mark::Training);
    let link = match view.link {
        LinkState::Untried => generated::LinkState::Untried,
        LinkState::Online => generated::LinkState::Online,
        LinkState::Offline => generated::LinkState::Offline,
        LinkState::HostSilent => generated::LinkState::HostSilent,
        LinkState::Refused => generated::LinkState::Refused,
    };
    status.set_link(link);
    status.set_scan_note(values::sentences(view.scan_note.as_ref(), language));
    status.set_queued(i32::try_from(view.queued).unwrap_or(i32::MAX));
    status.set_waiting(i32::try_from(view.waiting).unwrap_or(i32::MAX));
}

/// Shows the time of day; redraws only when the minute changes.
pub(super) fn tick(window: &AppWindow) {
    set_clock(window, &clock::local().strftime("%H:%M").to_string());
}

/// Shows `clock` as the time of day.
pub(super) fn set_clock(window: &AppWindow, clock: &str) {
    let status = window.global::<Status>();
    if status.get_clock() != clock {
        status.set_clock(clock.into());
    }
}
