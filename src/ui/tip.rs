//! Binder of `ui/api/tip.slint`: a tip that a customer is asked for.

use slint::{ComponentHandle, ModelRc};

use super::generated::{self, AppWindow, Tip};
use super::{Intents, values};
use crate::app::tip_view::{TipIntent, TipView};
use crate::app::view::Intent;

/// Connects what can be chosen.
pub(super) fn setup(window: &AppWindow, intents: &Intents) {
    let tip = window.global::<Tip>();
    let sender = intents.clone();
    tip.on_give(move |index| {
        if let Ok(index) = usize::try_from(index) {
            sender.send(Intent::Tip(TipIntent::Give(index)));
        }
    });
    let sender = intents.clone();
    tip.on_give_none(move || sender.send(Intent::Tip(TipIntent::GiveNone)));
    let sender = intents.clone();
    tip.on_leave(move || sender.send(Intent::Tip(TipIntent::Leave)));
}

/// Shows what is offered.
pub(super) fn show(window: &AppWindow, view: &TipView) {
    let tip = window.global::<Tip>();
    tip.set_due(values::money(view.due));
    let offers: Vec<_> = view
        .offers
        .iter()
        .map(|offer| generated::TipOffer {
            percent: format!("{}%", offer.percent).into(),
            tip: values::money_text(offer.tip).into(),
            total: values::money_text(offer.total).into(),
        })
        .collect();
    tip.set_offers(ModelRc::from(offers.as_slice()));
}
