//! Binder of `ui/api/training.slint`: into the training and out of it, and what a customer does there.

use slint::ComponentHandle;

use super::Intents;
use super::generated::{self, AppWindow, Training};
use crate::app::view::{Intent, TrainingCard, TrainingIntent, Turn};

/// Connects everything.
pub(super) fn setup(window: &AppWindow, intents: &Intents) {
    let training = window.global::<Training>();
    let sender = intents.clone();
    training.on_turn(move |begins| {
        let wish = if begins { TrainingIntent::Begin } else { TrainingIntent::End };
        sender.send(Intent::Training(wish));
    });
    let sender = intents.clone();
    training.on_insert(move |card| sender.send(Intent::Training(TrainingIntent::Insert(of(card)))));
    let sender = intents.clone();
    training.on_scan(move || sender.send(Intent::Training(TrainingIntent::Scan)));
    let sender = intents.clone();
    training.on_pay(move || sender.send(Intent::Training(TrainingIntent::Pay)));
}

const fn of(card: generated::TrainingCard) -> TrainingCard {
    match card {
        generated::TrainingCard::Plain => TrainingCard::Plain,
        generated::TrainingCard::WithPin => TrainingCard::WithPin,
        generated::TrainingCard::WithSignature => TrainingCard::WithSignature,
        generated::TrainingCard::Expired => TrainingCard::Expired,
    }
}

/// Says which of the two is opened.
pub(super) fn show(window: &AppWindow, turn: Turn) {
    window.global::<Training>().set_begins(turn == Turn::ToTraining);
}
