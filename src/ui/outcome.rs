//! Binder of `ui/api/outcome.slint`: how a payment ended.

use slint::ComponentHandle;

use super::generated::{AppWindow, Outcome};
use super::{Intents, values};
use crate::app::view::{Intent, Screen};
use crate::receipt::symbol::Symbol;
use crate::wording::Language;

/// Connects the way on.
pub(super) fn setup(window: &AppWindow, intents: &Intents) {
    let outcome = window.global::<Outcome>();
    let sender = intents.clone();
    outcome.on_sell_offline(move || sender.send(Intent::SellOffline));
    let sender = intents.clone();
    outcome.on_next_customer(move || sender.send(Intent::NextCustomer));
}

/// The code of the customer's link; none where there is no link.
fn show_receipt(outcome: &Outcome<'_>, link: Option<&str>) {
    let symbol = link.and_then(Symbol::of);
    outcome.set_receipt_modules(symbol.as_ref().map_or(0, values::modules));
    if let Some(symbol) = symbol {
        outcome.set_receipt_code(values::picture(&symbol));
    }
}

/// Shows a result, or why the terminal cannot trade; other screens are not its concern.
pub(super) fn show(window: &AppWindow, screen: &Screen, language: Language) {
    let outcome = window.global::<Outcome>();
    match screen {
        Screen::Approved { amount, truncated_pan, authorisation_code, receipt, at, .. } => {
            show_receipt(&outcome, receipt.as_deref());
            outcome.set_amount(values::money(*amount));
            outcome.set_truncated_pan(values::card(truncated_pan).into());
            outcome.set_authorisation_code(authorisation_code.as_str().into());
            outcome.set_at(values::time(*at).into());
        }
        Screen::NotPaid { amount, reason, at } => {
            outcome.set_amount(values::money(*amount));
            outcome.set_reason(values::sentences(Some(reason), language));
            outcome.set_at(values::time(*at).into());
        }
        Screen::Unknown { amount, reason, tries, next_try } => {
            outcome.set_amount(values::money(*amount));
            outcome.set_reason(values::sentences(Some(reason), language));
            outcome.set_tries(i32::try_from(*tries).unwrap_or(i32::MAX));
            outcome.set_next_try(next_try.map(values::time).unwrap_or_default().into());
        }
        Screen::OutOfService { reason } => outcome.set_reason(values::sentences(Some(reason), language)),
        Screen::Keypad { .. }
        | Screen::PresentCard { .. }
        | Screen::TypeNumber { .. }
        | Screen::EnterPin { .. }
        | Screen::ChooseApplication { .. }
        | Screen::ConfirmApplication { .. }
        | Screen::Processing { .. }
        | Screen::ShowCode { .. }
        | Screen::Sign { .. }
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
        | Screen::Turning(_)
        | Screen::Purchase(_)
        | Screen::Enrol { .. } => {}
    }
}
