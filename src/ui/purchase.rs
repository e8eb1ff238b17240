//! Binder of `ui/api/purchase.slint`: a purchase that is paid in parts.

use slint::{ComponentHandle, ModelRc};

use super::generated::{self, AppWindow, PartMeans, PartMoney, Purchase, PurchaseStage, PurchaseStep};
use super::{Intents, values};
use crate::app::purchase_view::{self, PartView, PurchaseIntent, PurchaseView};
use crate::app::view::Intent;
use crate::payment::purchase::{Known, Means};
use crate::wording::Language;

/// Connects what can be done with it.
pub(super) fn setup(window: &AppWindow, intents: &Intents) {
    let purchase = window.global::<Purchase>();
    let sender = intents.clone();
    purchase.on_another_card(move || sender.send(Intent::Purchase(PurchaseIntent::AnotherCard)));
    let sender = intents.clone();
    purchase.on_show_code(move || sender.send(Intent::Purchase(PurchaseIntent::ShowCode)));
    let sender = intents.clone();
    purchase.on_cash(move || sender.send(Intent::Purchase(PurchaseIntent::Cash)));
    let sender = intents.clone();
    purchase.on_give_up(move || sender.send(Intent::Purchase(PurchaseIntent::GiveUp)));
}

/// Shows how it stands. Whoever is asked about giving up what cannot be given up any more is asked no more.
pub(super) fn show(window: &AppWindow, view: &PurchaseView, language: Language) {
    let shown = window.global::<Purchase>();
    shown.set_stage(match view.stage {
        purchase_view::PurchaseStage::Open => PurchaseStage::Open,
        purchase_view::PurchaseStage::GoingBack => PurchaseStage::GoingBack,
        purchase_view::PurchaseStage::Back => PurchaseStage::Back,
        purchase_view::PurchaseStage::APersonMustLook => PurchaseStage::Person,
    });
    shown.set_rest(values::money(view.rest));
    shown.set_paid(values::money(view.paid));
    shown.set_paid_text(values::money_text(view.paid).into());
    shown.set_due_text(values::money_text(view.due).into());
    let parts: Vec<generated::PurchasePart> = view.parts.iter().map(part).collect();
    shown.set_parts(ModelRc::from(parts.as_slice()));
    shown.set_notice(values::sentences(view.notice.as_ref(), language));
    shown.set_may_pay(view.may_pay);
    shown.set_may_give_up(view.may_give_up);
    if !view.may_give_up {
        shown.set_step(PurchaseStep::Look);
    }
}

fn part(part: &PartView) -> generated::PurchasePart {
    generated::PurchasePart {
        amount: values::money_text(part.amount).into(),
        means: match part.means {
            Means::Card => PartMeans::Card,
            Means::Code => PartMeans::Code,
            Means::Cash => PartMeans::Cash,
        },
        card: values::card(&part.truncated_pan).into(),
        trace: part.trace.to_string().into(),
        money: match part.known {
            Known::Paid => PartMoney::Paid,
            Known::NotPaid => PartMoney::NotPaid,
            Known::NotYet => PartMoney::NotYet,
            Known::ByAPerson => PartMoney::Person,
        },
    }
}
