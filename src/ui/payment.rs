//! Binder of `ui/api/payment.slint`: a payment on its way.

use slint::ComponentHandle;

use super::generated::{self, AppWindow, Payment};
use super::{Intents, values};
use crate::app::view::{Intent, Progress};
use crate::money::Amount;
use crate::wording::{Language, Reason};

/// Connects the way out.
pub(super) fn setup(window: &AppWindow, intents: &Intents) {
    let intents = intents.clone();
    window.global::<Payment>().on_cancel(move || intents.send(Intent::Cancel));
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
        Progress::SigningOn => generated::Progress::SigningOn,
        Progress::ComparingClocks => generated::Progress::ComparingClocks,
    };
    if payment.get_progress() != progress {
        payment.set_progress(progress);
        payment.set_step(payment.get_step().wrapping_add(1));
    }
}
