//! Binder of `ui/api/till.slint`: what a till shows to the customer while nobody pays.

use slint::{ComponentHandle, ModelRc};

use super::generated::{AppWindow, Till, TillLine};
use super::{Intents, values};
use crate::app::TillIntent;
use crate::app::view::Intent;
use crate::till::request::{Display, DisplayLine};

/// Lines that are shown: the last ones, as they come in.
const SHOWN: usize = 6;

/// Connects everything.
pub(super) fn setup(window: &AppWindow, intents: &Intents) {
    let sender = intents.clone();
    window.global::<Till>().on_leave(move || sender.send(Intent::Till(TillIntent::Display(None))));
}

/// Shows a till's cart.
pub(super) fn show(window: &AppWindow, display: &Display) {
    let till = window.global::<Till>();
    let more = display.lines.len().saturating_sub(SHOWN);
    let lines: Vec<TillLine> = display.lines.iter().skip(more).map(line).collect();
    till.set_lines(ModelRc::from(lines.as_slice()));
    till.set_more(i32::try_from(more).unwrap_or(i32::MAX));
    till.set_total(values::money(display.total));
}

fn line(line: &DisplayLine) -> TillLine {
    TillLine {
        name: line.name.as_str().into(),
        quantity: line.quantity.as_str().into(),
        amount: line.amount.grouped().into(),
    }
}
