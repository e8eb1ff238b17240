//! Binder of `ui/api/keypad.slint`: keys become an amount, and the amount an intent.

use slint::ComponentHandle;

use super::amount_entry::AmountEntry;
use super::generated::{AppWindow, Keypad};
use super::{Intents, Shared, instalments, values};
use crate::app::cash_view::CashStage;
use crate::app::shop_view::ShopIntent;
use crate::app::staff_view::StaffIntent;
use crate::app::view::{Intent, Screen, View};
use crate::goods::sold::Sold;
use crate::money::Amount;
use crate::payment::purpose::Purpose;
use crate::wording::{Language, Reason, ReasonKind};

/// Connects the keys.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let keypad = window.global::<Keypad>();
    let change = |change: fn(&mut AmountEntry, &str)| {
        let (weak, shared, sender) = (window.as_weak(), shared.clone(), intents.clone());
        move |digits: &str| {
            if let Some(window) = weak.upgrade() {
                let (amount, from) = shared.with(|state| {
                    change(&mut state.entry, digits);
                    (state.entry, state.view.as_ref().and_then(|view| view.instalments.from))
                });
                show_entry(&window, &amount, from);
                // Where a screen is locked that nobody touches, keys are touches.
                if shared.with(|state| state.view.as_ref().is_some_and(|view| view.duty.people)) {
                    sender.send(Intent::Staff(StaffIntent::Touched));
                }
            }
        }
    };
    let type_digits = change(AmountEntry::type_digits);
    keypad.on_type_digits(move |digits| type_digits(&digits));
    let delete = change(|entry, _| entry.delete());
    let state = shared.clone();
    keypad.on_delete(move || {
        state.with(|state| state.scanned.clear());
        delete("");
    });
    let clear = change(|entry, _| entry.clear());
    let state = shared.clone();
    keypad.on_clear(move || {
        state.with(|state| state.scanned.clear());
        clear("");
    });
    let (state, sender) = (shared.clone(), intents.clone());
    keypad.on_charge(move || charge(&state, &sender));
    let (state, sender) = (shared.clone(), intents.clone());
    keypad.on_set_aside(move || {
        let amount = state.with(|state| state.entry.amount());
        if !amount.is_zero() {
            sender.send(Intent::Begin(Purpose::PreAuthorisation(amount)));
        }
    });
    let (state, sender) = (shared.clone(), intents.clone());
    keypad.on_sell_offline(move || {
        let amount = state.with(|state| state.entry.amount());
        if !amount.is_zero() {
            sender.send(Intent::Begin(Purpose::Offline(amount, Sold::default())));
        }
    });
    let (state, sender) = (shared.clone(), intents.clone());
    keypad.on_ask_balance(move || {
        let currency = state.with(|state| state.entry.amount().currency());
        sender.send(Intent::Begin(Purpose::Balance(currency)));
    });
    let (state, type_digits) = (shared.clone(), change(AmountEntry::type_digits));
    keypad.on_key_digits(move |digits| {
        state.with(|state| state.scanned.quick_digit(&digits));
        type_digits(&digits);
    });
    let (state, sender, clear) = (shared.clone(), intents.clone(), change(|entry, _| entry.clear()));
    keypad.on_enter(move || {
        let (code, echoes) = state.with(|state| (state.scanned.take_quick(), state.scanned.echoes()));
        match code {
            // Its digits are no amount.
            Some(code) => {
                clear("");
                sender.send(Intent::Shop(ShopIntent::Scan(code)));
            }
            None if echoes => {}
            None => charge(&state, &sender),
        }
    });
}

fn charge(shared: &Shared, intents: &Intents) {
    let amount = shared.with(|state| state.entry.amount());
    if !amount.is_zero() {
        intents.send(Intent::Charge(amount));
    }
}

/// Shows what has been typed and what waits for the cashier.
pub(super) fn show(
    window: &AppWindow,
    entry: &AmountEntry,
    instalments_from: Option<Amount>,
    notice: Option<&Reason>,
    language: Language,
) {
    let keypad = window.global::<Keypad>();
    // Whoever could not begin something sees why.
    if notice.is_some() {
        keypad.set_more(false);
    }
    keypad.set_notice(values::sentences(notice, language));
    keypad.set_notice_leads(notice.is_some_and(|reason| is_about_the_queue(reason.kind)));
    show_entry(window, entry, instalments_from);
}

/// Whether the queue says more about it.
const fn is_about_the_queue(kind: ReasonKind) -> bool {
    matches!(
        kind,
        ReasonKind::ReversalWaiting
            | ReasonKind::ReversalExhausted
            | ReasonKind::TraceNumberInUse
            | ReasonKind::LedgerRestored
            | ReasonKind::AdviceParked
    )
}

/// What a change of screen means for the amount typed: paid or perhaps paid, it must not stand there to be charged
/// again; not paid, it is kept for another card.
pub(super) fn follow(entry: &mut AmountEntry, view: &View) {
    entry.set_currency(view.currency);
    match view.screen {
        Screen::Approved { .. } | Screen::Sign { .. } | Screen::Unknown { .. } | Screen::Purchase(_) => entry.clear(),
        Screen::Cash(ref cash) => {
            if matches!(cash.stage, CashStage::Done { .. }) {
                entry.clear();
            }
        }
        Screen::NotPaid { .. } => entry.keep(),
        Screen::Keypad { .. }
        | Screen::PresentCard { .. }
        | Screen::EnterPin { .. }
        | Screen::TypeNumber { .. }
        | Screen::ChooseApplication { .. }
        | Screen::ConfirmApplication { .. }
        | Screen::Processing { .. }
        | Screen::ShowCode { .. }
        | Screen::Transactions { .. }
        | Screen::Seek { .. }
        | Screen::Tip(_)
        | Screen::Instalments(_)
        | Screen::Transaction(_)
        | Screen::Receipt(_)
        | Screen::Cart(_)
        | Screen::Goods(_)
        | Screen::Settlement(_)
        | Screen::Staff(_)
        | Screen::Queue { .. }
        | Screen::Enrol { .. }
        | Screen::Turning(_)
        | Screen::OutOfService { .. } => {}
    }
}

fn show_entry(window: &AppWindow, entry: &AmountEntry, instalments_from: Option<Amount>) {
    instalments::show_offered(window, entry.amount(), instalments_from);
    let keypad = window.global::<Keypad>();
    keypad.set_amount(values::money(entry.amount()));
    keypad.set_ready(!entry.amount().is_zero());
}
