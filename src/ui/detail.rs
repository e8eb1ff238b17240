//! Binder of `ui/api/detail.slint`: one earlier transaction, and what can be done with it.

use slint::ComponentHandle;

use super::amount_entry::AmountEntry;
use super::generated::{AppWindow, Detail, DetailStep};
use super::{Intents, Shared, instalments, values};
use crate::app::view::{self, Intent, Screen};
use crate::money::Amount;
use crate::payment::purpose::Purpose;
use crate::payment::transaction::Presence;
use crate::wording::Language;

/// Connects keys and doings.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let detail = window.global::<Detail>();
    let change = |change: fn(&mut AmountEntry, &str)| {
        let (weak, shared) = (window.as_weak(), shared.clone());
        move |digits: &str| {
            if let Some(window) = weak.upgrade() {
                let (entry, shown) = shared.with(|state| {
                    change(&mut state.detail_entry, digits);
                    (state.detail_entry, shown(&state.view))
                });
                show_entry(&window, &entry, shown.as_ref());
            }
        }
    };
    let type_digits = change(AmountEntry::type_digits);
    detail.on_type_digits(move |digits| type_digits(&digits));
    let delete = change(|entry, _| entry.delete());
    detail.on_delete(move || delete(""));
    // All of it stands there, until a digit is typed; of what is added nothing does.
    let (weak, state) = (window.as_weak(), shared.clone());
    detail.on_clear(move || {
        if let Some(window) = weak.upgrade() {
            let (entry, shown) = state.with(|state| {
                let shown = shown(&state.view);
                if let Some(whole) = shown.as_ref().and_then(|shown| shown.whole) {
                    state.detail_entry =
                        if adds(&window) { AmountEntry::new(whole.currency()) } else { AmountEntry::of(whole) };
                }
                (state.detail_entry, shown)
            });
            show_entry(&window, &entry, shown.as_ref());
        }
    });
    let does = |purpose: fn(&view::Detail, &AmountEntry) -> Purpose| {
        let (shared, intents) = (shared.clone(), intents.clone());
        move || {
            let purpose = shared.with(|state| Some(purpose(&shown(&state.view)?, &state.detail_entry)));
            if let Some(purpose) = purpose {
                intents.send(Intent::Begin(purpose));
            }
        }
    };
    detail.on_undo(does(|shown, _| Purpose::Void(shown.row.trace, Presence::CardThere)));
    detail.on_undo_away(does(|shown, _| Purpose::Void(shown.row.trace, Presence::CardAway)));
    detail.on_refund(does(|shown, entry| Purpose::Refund(shown.row.trace, Some(entry.amount()))));
    detail.on_top_up(does(|shown, entry| Purpose::TopUp(shown.row.trace, entry.amount())));
    detail.on_complete(does(|shown, entry| {
        Purpose::Completion(shown.row.trace, Some(entry.amount()), Presence::CardThere)
    }));
    detail.on_complete_away(does(|shown, entry| {
        Purpose::Completion(shown.row.trace, Some(entry.amount()), Presence::CardAway)
    }));
    detail.on_notify(does(|shown, entry| Purpose::CompletionNotice(shown.row.trace, Some(entry.amount()))));
    let (state, sender) = (shared.clone(), intents.clone());
    detail.on_reprint(move || {
        if let Some(shown) = state.with(|state| shown(&state.view)) {
            sender.send(Intent::Reprint(shown.row.trace));
        }
    });
    let sender = intents.clone();
    detail.on_back(move || sender.send(Intent::ShowTransactions(0)));
}

/// Whether it is asked how much more is set aside.
fn adds(window: &AppWindow) -> bool {
    window.global::<Detail>().get_step() == DetailStep::TopUp
}

fn shown(view: &Option<view::View>) -> Option<view::Detail> {
    match view.as_ref().map(|view| &view.screen) {
        Some(Screen::Transaction(detail)) => Some((**detail).clone()),
        _ => None,
    }
}

/// Shows it.
pub(super) fn show(window: &AppWindow, shown: &view::Detail, entry: &AmountEntry, language: Language) {
    let detail = window.global::<Detail>();
    let row = &shown.row;
    detail.set_kind(values::row_kind(row.kind));
    detail.set_state(values::row_state(row.state));
    detail.set_amount(values::money(row.amount));
    detail.set_card(values::card(&row.truncated_pan).into());
    detail.set_at(row.at.strftime("%Y-%m-%d %H:%M:%S").to_string().into());
    detail.set_trace(row.trace.to_string().into());
    detail.set_original(shown.original.map(|original| original.to_string()).unwrap_or_default().into());
    detail.set_reference(shown.rrn.as_ref().map(ToString::to_string).unwrap_or_default().into());
    detail.set_authorisation(shown.authorisation_code.as_ref().map(ToString::to_string).unwrap_or_default().into());
    detail.set_plan(instalments::plan(shown.instalments.as_ref()));
    detail.set_cashier(shown.cashier.as_str().into());
    detail.set_reason(values::sentences(shown.reason.as_ref(), language));
    detail.set_can_undo(shown.can_undo);
    detail.set_can_undo_away(shown.can_undo_away);
    detail.set_can_complete_away(shown.can_complete_away);
    detail.set_can_notify(shown.can_notify);
    detail.set_can_refund(shown.can_refund);
    detail.set_can_top_up(shown.can_top_up);
    detail.set_can_complete(shown.can_complete);
    detail.set_can_print(shown.can_print);
    let held = shown.whole.filter(|_| shown.can_complete);
    detail.set_held(values::money(held.unwrap_or(row.amount)));
    detail.set_topped_up(held.is_some_and(|held| held != row.amount));
    if let Some(most) = shown.most {
        detail.set_most(values::money(most));
    }
    show_entry(window, entry, Some(shown));
}

fn show_entry(window: &AppWindow, entry: &AmountEntry, shown: Option<&view::Detail>) {
    let detail = window.global::<Detail>();
    let most = shown.and_then(|shown| shown.most);
    let amount = entry.amount();
    detail.set_entry(values::money(amount));
    let only_whole = shown.is_some_and(|shown| shown.instalments.is_some());
    detail.set_only_whole(only_whole);
    let fits = |most: Amount| if only_whole { amount == most } else { amount.minor() <= most.minor() };
    // How much more may be set aside only the bank can say.
    detail.set_ready(!amount.is_zero() && (adds(window) || most.is_some_and(fits)));
}
