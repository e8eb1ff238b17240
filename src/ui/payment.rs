//! Binder of `ui/api/payment.slint`: a payment on its way.

use jiff::civil::DateTime;
use slint::ComponentHandle;
use zeroize::Zeroizing;

use super::generated::{self, AppWindow, Payment};
use super::{Intents, Shared, values};
use crate::app::view::{CardWays, CodePaper, Intent, Progress};
use crate::money::Amount;
use crate::payment::qr::PaymentCode;
use crate::receipt::symbol::Symbol;
use crate::wording::{Language, Reason};

/// Connects the way out.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let payment = window.global::<Payment>();
    let sender = intents.clone();
    payment.on_cancel(move || sender.send(Intent::Cancel));
    let sender = intents.clone();
    payment.on_show_code(move || sender.send(Intent::PayByShown));
    let sender = intents.clone();
    payment.on_print_code(move || sender.send(Intent::PrintCode));
    let sender = intents.clone();
    payment.on_type_number(move || sender.send(Intent::TypeNumber));
    let state = shared.clone();
    payment.on_scan(move |text| state.with(|state| state.scanned.sign(&text)));
    let (state, sender) = (shared.clone(), intents.clone());
    payment.on_scanned(move || {
        if let Some(code) = state.with(|state| state.scanned.take()) {
            let code = Zeroizing::new(code);
            sender.send(Intent::PayByScanned(PaymentCode::parse(&code)));
        }
    });
}

/// Whether the customer can pay by code instead of the card that is asked for.
pub(super) fn show_codes(window: &AppWindow, shared: &Shared, codes: bool) {
    let payment = window.global::<Payment>();
    if codes && !payment.get_codes() {
        shared.with(|state| state.scanned.clear());
    }
    payment.set_codes(codes);
}

/// In which ways the card that is asked for may come.
pub(super) fn show_ways(window: &AppWindow, ways: CardWays) {
    let payment = window.global::<Payment>();
    // What stands there while nobody is asked is not seen.
    payment.set_chip(ways.chip);
    payment.set_stripe(ways.stripe);
    payment.set_typed(ways.typed);
}

/// Shows a code for the customer's phone.
pub(super) fn show_code(window: &AppWindow, amount: Amount, code: &str, valid_until: Option<DateTime>) {
    let payment = window.global::<Payment>();
    payment.set_amount(values::money(amount));
    payment.set_valid_until(valid_until.map(values::time).unwrap_or_default().into());
    if payment.get_code() != code {
        let symbol = Symbol::of(code);
        payment.set_picture(symbol.as_ref().map(values::picture).unwrap_or_default());
        payment.set_modules(symbol.as_ref().map_or(0, values::modules));
        payment.set_code(code.into());
    }
}

/// Whether it is on paper too.
pub(super) fn show_paper(window: &AppWindow, paper: &CodePaper, language: Language) {
    let payment = window.global::<Payment>();
    let (shown, reason) = match paper {
        CodePaper::None => (generated::CodePaper::None, None),
        CodePaper::Printing => (generated::CodePaper::Printing, None),
        CodePaper::Waiting(reason) => (generated::CodePaper::Printing, Some(reason)),
        CodePaper::Sent => (generated::CodePaper::Sent, None),
        CodePaper::Failed(reason) => (generated::CodePaper::None, Some(reason)),
    };
    payment.set_paper(shown);
    payment.set_paper_trouble(values::sentences(reason, language));
}

/// Asks for a card.
pub(super) fn show_present_card(window: &AppWindow, amount: Amount, notice: Option<&Reason>, language: Language) {
    let payment = window.global::<Payment>();
    payment.set_amount(values::money(amount));
    payment.set_notice(values::sentences(notice, language));
}

/// Shows what takes time.
pub(super) fn show_progress(window: &AppWindow, amount: Amount, progress: Progress) {
    let payment = window.global::<Payment>();
    payment.set_amount(values::money(amount));
    let progress = match progress {
        Progress::ReadingCard => generated::Progress::ReadingCard,
        Progress::AskingHost => generated::Progress::AskingHost,
        Progress::CompletingCard => generated::Progress::CompletingCard,
        Progress::ReversingEarlier => generated::Progress::ReversingEarlier,
        Progress::WaitingForCustomer => generated::Progress::WaitingForCustomer,
        Progress::ClosingOrder => generated::Progress::ClosingOrder,
        Progress::AskingAboutEarlier => generated::Progress::AskingAboutEarlier,
        Progress::SigningOn => generated::Progress::SigningOn,
        Progress::ComparingClocks => generated::Progress::ComparingClocks,
    };
    if payment.get_progress() != progress {
        payment.set_progress(progress);
        payment.set_step(payment.get_step().wrapping_add(1));
    }
}
