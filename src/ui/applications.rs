//! Binder of `ui/api/applications.slint`: the cardholder's say about the card's application.

use slint::{ComponentHandle, ModelRc, SharedString};

use super::generated::{AppWindow, Applications};
use super::{Intents, Shared, values};
use crate::app::view::{Intent, Screen};
use crate::money::Amount;

/// Names of one page, which every screen shows without scrolling.
const NAMES_PER_PAGE: usize = 4;

/// Connects names, pages and answers.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let applications = window.global::<Applications>();
    let (state, sender) = (shared.clone(), intents.clone());
    applications.on_choose(move |place| {
        let index = state.with(|state| {
            let names = names(state.view.as_ref().map(|view| &view.screen))?;
            let index = state.applications_page * NAMES_PER_PAGE + usize::try_from(place).ok()?;
            (index < names.len()).then_some(index)
        });
        if let Some(index) = index {
            sender.send(Intent::ChooseApplication(index));
        }
    });
    let (weak, state) = (window.as_weak(), shared.clone());
    applications.on_turn_page(move || {
        let Some(window) = weak.upgrade() else { return };
        let shown = state.with(|state| {
            let names = names(state.view.as_ref().map(|view| &view.screen))?;
            state.applications_page = (state.applications_page + 1) % pages(names.len());
            Some((state.applications_page, names.to_vec()))
        });
        if let Some((page, names)) = shown {
            show_page(&window, page, &names);
        }
    });
    let sender = intents.clone();
    applications.on_confirm(move |agreed| sender.send(Intent::ConfirmApplication(agreed)));
    let sender = intents.clone();
    applications.on_cancel(move || sender.send(Intent::Cancel));
}

/// Shows the applications, or the only one.
pub(super) fn show(window: &AppWindow, shared: &Shared, amount: Amount, names: &[String]) {
    window.global::<Applications>().set_amount(values::money(amount));
    show_page(window, shared.with(|state| state.applications_page), names);
}

fn show_page(window: &AppWindow, page: usize, names: &[String]) {
    let shown = window.global::<Applications>();
    let on_page: Vec<SharedString> =
        names.iter().skip(page * NAMES_PER_PAGE).take(NAMES_PER_PAGE).map(SharedString::from).collect();
    shown.set_names(ModelRc::from(on_page.as_slice()));
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    shown.set_page(count(page.saturating_add(1)));
    shown.set_pages(count(pages(names.len())));
}

const fn pages(names: usize) -> usize {
    let pages = names.div_ceil(NAMES_PER_PAGE);
    if pages == 0 { 1 } else { pages }
}

fn names(screen: Option<&Screen>) -> Option<&[String]> {
    match screen {
        Some(Screen::ChooseApplication { applications, .. }) => Some(applications),
        _ => None,
    }
}
