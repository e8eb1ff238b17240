//! Binder of `ui/api/instalments.slint`: in how many periods a customer pays, and how, once the bank has said it.

use slint::{ComponentHandle, ModelRc, SharedString};

use super::generated::{self, AppWindow, FeeTaken};
use super::{Intents, Shared, values};
use crate::app::instalments_view::{InstalmentsIntent, InstalmentsView};
use crate::app::view::{Intent, Screen, View};
use crate::money::Amount;
use crate::payment::instalments::{Fee, Instalments};

/// Connects what can be chosen.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let instalments = window.global::<generated::Instalments>();
    let (state, sender) = (shared.clone(), intents.clone());
    instalments.on_ask(move || {
        let amount = state.with(|state| state.entry.amount());
        sender.send(Intent::Instalments(InstalmentsIntent::Ask(amount)));
    });
    let sender = intents.clone();
    instalments.on_choose(move |index| {
        if let Ok(index) = usize::try_from(index) {
            sender.send(Intent::Instalments(InstalmentsIntent::Choose(index)));
        }
    });
    let wish = |intent: InstalmentsIntent| {
        let sender = intents.clone();
        move || sender.send(Intent::Instalments(intent))
    };
    instalments.on_ask_of_cart(wish(InstalmentsIntent::AskCart));
    instalments.on_at_once(wish(InstalmentsIntent::AtOnce));
    instalments.on_leave(wish(InstalmentsIntent::Leave));
}

/// Shows what is offered.
pub(super) fn show(window: &AppWindow, view: &InstalmentsView) {
    let instalments = window.global::<generated::Instalments>();
    instalments.set_due(values::money(view.due));
    let offers: Vec<_> = view
        .offers
        .iter()
        .map(|offer| generated::InstalmentOffer {
            periods: offer.periods.to_string().into(),
            about: values::money_text(offer.about).into(),
        })
        .collect();
    instalments.set_offers(ModelRc::from(offers.as_slice()));
}

/// Shows how what the screen speaks of is paid, and whether what is in the cart can be paid so.
pub(super) fn show_what_is_said(window: &AppWindow, view: &View) {
    let instalments = window.global::<generated::Instalments>();
    instalments.set_plan(plan(view.instalments.of.as_ref()));
    let in_cart = match &view.screen {
        Screen::Cart(cart) => Some(cart.total),
        _ => None,
    };
    instalments.set_offered_of_cart(in_cart.is_some_and(|total| reaches(total, view.instalments.from)));
}

/// Shows whether what is keyed can be paid so.
pub(super) fn show_offered(window: &AppWindow, keyed: Amount, from: Option<Amount>) {
    window.global::<generated::Instalments>().set_offered(reaches(keyed, from));
}

fn reaches(amount: Amount, from: Option<Amount>) -> bool {
    !amount.is_zero() && from.is_some_and(|from| from.currency() == amount.currency() && amount.minor() >= from.minor())
}

/// As words for the screen; empty of what is paid at once.
pub(super) fn plan(instalments: Option<&Instalments>) -> generated::InstalmentPlan {
    let money = |amount: Amount| SharedString::from(values::money_text(amount));
    let mut shown = generated::InstalmentPlan {
        periods: instalments.map(|told| told.asked.periods.to_string()).unwrap_or_default().into(),
        first: SharedString::default(),
        following: SharedString::default(),
        taken: FeeTaken::None,
        fee: SharedString::default(),
        following_fee: SharedString::default(),
    };
    let Some(plan) = instalments.and_then(|told| told.plan) else { return shown };
    shown.first = money(plan.first());
    shown.following = money(plan.following());
    match plan.fee() {
        Fee::None => {}
        Fee::AtOnce(fee) => {
            shown.taken = FeeTaken::AtOnce;
            shown.fee = money(fee);
        }
        Fee::ByPeriods { first, following } => {
            shown.taken = FeeTaken::ByPeriods;
            shown.fee = money(first);
            shown.following_fee = money(following);
        }
    }
    shown
}
