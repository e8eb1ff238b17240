//! Binder of `ui/api/cash.slint`: what a customer gives is typed or touched, and what goes back is shown.

use slint::{ComponentHandle, ModelRc, SharedString};

use super::amount_entry::AmountEntry;
use super::generated::{self, AppWindow, Cash};
use super::{Intents, Shared, State, values};
use crate::app::cash_view::{CashFor, CashIntent, CashStage, CashView, DrawerView};
use crate::app::view::{Intent, Screen, View};
use crate::money::Amount;
use crate::payment::cash::{CashKind, Tender};
use crate::wording::Language;

/// Connects keys, notes and buttons.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let cash = window.global::<Cash>();
    let send = |intent: CashIntent| {
        let sender = intents.clone();
        move || sender.send(Intent::Cash(intent.clone()))
    };
    cash.on_begin_cart(send(CashIntent::Begin(CashFor::Cart)));
    cash.on_leave(send(CashIntent::Leave));
    cash.on_open_drawer(send(CashIntent::OpenDrawer));
    let (state, sender) = (shared.clone(), intents.clone());
    cash.on_begin(move || {
        let amount = state.with(|state| state.entry.amount());
        if !amount.is_zero() {
            sender.send(Intent::Cash(CashIntent::Begin(CashFor::Amount(amount))));
        }
    });
    let change = |change: fn(&mut AmountEntry, &str)| {
        let (weak, shared) = (window.as_weak(), shared.clone());
        move |digits: &str| {
            if let Some(window) = weak.upgrade() {
                shared.with(|state| change(&mut state.given, digits));
                show_given(&window, &shared);
            }
        }
    };
    let type_digits = change(AmountEntry::type_digits);
    cash.on_type_digits(move |digits| type_digits(&digits));
    let delete = change(|entry, _| entry.delete());
    cash.on_delete(move || delete(""));
    let clear = change(|entry, _| entry.clear());
    cash.on_clear(move || clear(""));
    let give = |amount: fn(&State, i32) -> Option<Amount>| {
        let (shared, sender) = (shared.clone(), intents.clone());
        move |index: i32| {
            if let Some(amount) = shared.with(|state| amount(state, index)) {
                sender.send(Intent::Cash(CashIntent::Take(amount)));
            }
        }
    };
    cash.on_give(give(|state, index| {
        let (_, likely) = asked(state)?;
        usize::try_from(index).ok().and_then(|index| likely.get(index)).copied()
    }));
    let exactly = give(|state, _| asked(state).map(|(amount, _)| amount));
    cash.on_give_exactly(move || exactly(0));
    let take = give(|state, _| {
        let (amount, _) = asked(state)?;
        Tender::new(amount, state.given.amount()).ok().map(Tender::given)
    });
    cash.on_take(move || take(0));
}

/// What is to be paid, and what is likely to be given for it, while that is asked.
fn asked(state: &State) -> Option<(Amount, Vec<Amount>)> {
    match state.view.as_ref().map(|view| &view.screen) {
        Some(Screen::Cash(view)) => match &view.stage {
            CashStage::Asks { likely, .. } => Some((view.amount, likely.clone())),
            CashStage::Done { .. } => None,
        },
        _ => None,
    }
}

/// What is typed belongs to what is asked, and to nothing else.
pub(super) fn follow(given: &mut AmountEntry, before: Option<&View>, view: &View) {
    given.set_currency(view.currency);
    let asks = |view: &View| match &view.screen {
        Screen::Cash(cash) => matches!(cash.stage, CashStage::Asks { .. }).then_some(cash.amount),
        _ => None,
    };
    if before.and_then(asks) != asks(view) {
        given.clear();
    }
}

/// Shows it.
pub(super) fn show(window: &AppWindow, shared: &Shared, view: &CashView, language: Language) {
    let cash = window.global::<Cash>();
    cash.set_refund(view.kind == CashKind::Refund);
    cash.set_amount(values::money(view.amount));
    match &view.stage {
        CashStage::Asks { likely, notice } => {
            cash.set_done(false);
            let notes: Vec<SharedString> = likely.iter().map(|amount| note(*amount).into()).collect();
            cash.set_likely(ModelRc::from(notes.as_slice()));
            cash.set_notice(values::sentences(notice.as_ref(), language));
            show_given(window, shared);
        }
        CashStage::Done { trace, given, change, at, drawer, copies } => {
            cash.set_done(true);
            cash.set_given(values::money(given.unwrap_or(view.amount)));
            let change = change.unwrap_or(Amount::zero(view.amount.currency()));
            cash.set_change(values::money(change));
            cash.set_with_change(!change.is_zero());
            cash.set_trace(trace.to_string().into());
            cash.set_at(values::time(*at).into());
            cash.set_drawer(match drawer {
                DrawerView::Unknown => generated::DrawerState::Unknown,
                DrawerView::Opening => generated::DrawerState::Opening,
                DrawerView::Opened => generated::DrawerState::Opened,
                DrawerView::Failed(_) => generated::DrawerState::Failed,
            });
            let trouble = match drawer {
                DrawerView::Failed(reason) => Some(reason),
                DrawerView::Unknown | DrawerView::Opening | DrawerView::Opened => None,
            };
            cash.set_drawer_trouble(values::sentences(trouble, language));
            super::copies::show(window, copies, language);
        }
    }
}

/// What has been typed, and what would go back.
fn show_given(window: &AppWindow, shared: &Shared) {
    let cash = window.global::<Cash>();
    let (given, amount) = shared.with(|state| (state.given.amount(), asked(state).map(|(amount, _)| amount)));
    let tender = amount.and_then(|amount| Tender::new(amount, given).ok());
    cash.set_given(values::money(given));
    cash.set_given_something(!given.is_zero());
    cash.set_enough(tender.is_some());
    cash.set_change(values::money(tender.map_or(Amount::zero(given.currency()), Tender::change)));
}

/// `100`, or `0.50` where it is no whole number.
fn note(amount: Amount) -> String {
    let text = amount.grouped();
    match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn a_note_is_named_as_people_name_it() {
        for (minor, currency, said) in
            [(10_000, "CNY", "100"), (50, "CNY", "0.50"), (123_400, "CNY", "1,234"), (5000, "JPY", "5,000")]
        {
            let currency: Currency = currency.parse().unwrap();
            assert_eq!(note(Amount::new(minor, currency).unwrap()), said);
        }
    }
}
