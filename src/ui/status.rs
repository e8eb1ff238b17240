//! Binder of `ui/api/status.slint`: clock, shop, line to the bank.

use jiff::Zoned;
use slint::ComponentHandle;

use super::generated::{self, AppWindow, Status};
use crate::app::view::{LinkState, View};

/// Shows what stands at the top of every screen.
pub(super) fn show(window: &AppWindow, view: &View) {
    let status = window.global::<Status>();
    status.set_merchant_name(view.merchant_name.as_str().into());
    status.set_test(view.test);
    let (link, waiting) = match view.link {
        LinkState::Untried => (generated::LinkState::Untried, 0),
        LinkState::Online => (generated::LinkState::Online, 0),
        LinkState::Offline { waiting } => (generated::LinkState::Offline, waiting),
        LinkState::HostSilent { waiting } => (generated::LinkState::HostSilent, waiting),
    };
    status.set_link(link);
    status.set_waiting(i32::try_from(waiting).unwrap_or(i32::MAX));
}

/// Shows the time of day; redraws only when the minute changes.
pub(super) fn tick(window: &AppWindow) {
    set_clock(window, &Zoned::now().strftime("%H:%M").to_string());
}

/// Shows `clock` as the time of day.
pub(super) fn set_clock(window: &AppWindow, clock: &str) {
    let status = window.global::<Status>();
    if status.get_clock() != clock {
        status.set_clock(clock.into());
    }
}
