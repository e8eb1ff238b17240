//! Binder of `ui/api/queue.slint`: what waits for the bank, and what a person decides about what was given up.

use slint::{ComponentHandle, ModelRc};

use super::generated::{self, AppWindow, Queue, QueueAct, QueueKind, QueueStanding, QueueStep, Screens};
use super::{Intents, Shared, values};
use crate::app::view::{Intent, QueueRow, Screen};
use crate::payment::advice::AdviceKind;
use crate::payment::queue::{Act, Kind, Resolution, Standing};

/// Connects pages, decisions and the way here.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let queue = window.global::<Queue>();
    let (state, sender) = (shared.clone(), intents.clone());
    queue.on_turn_page(move |by| {
        let target = state.with(|state| match state.view.as_ref().map(|view| &view.screen) {
            Some(Screen::Queue { page, pages, .. }) => {
                let by = isize::try_from(by).unwrap_or(0);
                page.checked_add_signed(by).filter(|target| target < pages)
            }
            _ => None,
        });
        if let Some(target) = target {
            sender.send(Intent::ShowQueue(target));
        }
    });
    let sender = intents.clone();
    queue.on_try_now(move || sender.send(Intent::TryQueueNow));
    let (state, sender) = (shared.clone(), intents.clone());
    queue.on_decide(move |name, act| {
        // The list may have moved since it was drawn: an entry is meant by its name, and one that has gone by nobody.
        let trace = state.with(|state| match state.view.as_ref().map(|view| &view.screen) {
            Some(Screen::Queue { rows, .. }) => {
                rows.iter().map(|row| row.trace).find(|trace| trace.to_string() == name.as_str())
            }
            _ => None,
        });
        if let Some(trace) = trace {
            sender.send(Intent::Decide(trace, act_of(act)));
        }
    });
    let sender = intents.clone();
    window.global::<Screens>().on_show_queue(move || sender.send(Intent::ShowQueue(0)));
}

/// How many there are, and whether one is under way.
pub(super) struct Counts {
    /// The host must still get them.
    pub(super) waiting: usize,
    /// A person must look at them.
    pub(super) parked: usize,
    /// The host is being asked.
    pub(super) under_way: bool,
}

/// Shows a page; `page` counts from 0. Whoever decides about an entry that has gone meanwhile is back at the list.
pub(super) fn show(window: &AppWindow, rows: &[QueueRow], page: usize, pages: usize, counts: &Counts) {
    let shown = window.global::<Queue>();
    let rows: Vec<generated::QueueRow> = rows.iter().map(row).collect();
    let chosen = shown.get_chosen().trace;
    if !rows.iter().any(|row| row.trace == chosen && row.standing == QueueStanding::Parked) {
        shown.set_step(QueueStep::List);
    }
    shown.set_rows(ModelRc::from(rows.as_slice()));
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    shown.set_page(count(page.saturating_add(1)));
    shown.set_pages(count(pages));
    shown.set_waiting(count(counts.waiting));
    shown.set_parked(count(counts.parked));
    shown.set_under_way(counts.under_way);
}

fn row(row: &QueueRow) -> generated::QueueRow {
    generated::QueueRow {
        amount: values::money_text(row.amount).into(),
        at: values::day_and_time(row.at).into(),
        trace: row.trace.to_string().into(),
        kind: match row.kind {
            Kind::Reversal => QueueKind::Reversal,
            Kind::Repeat => QueueKind::Repeat,
            Kind::Advice(AdviceKind::CardResult) => QueueKind::CardResult,
            Kind::Advice(AdviceKind::ScriptResult) => QueueKind::ScriptResult,
            Kind::OfflineSale => QueueKind::OfflineSale,
            Kind::Signature => QueueKind::Signature,
        },
        standing: match row.standing {
            Standing::Interrupted => QueueStanding::Interrupted,
            Standing::Waiting => QueueStanding::Waiting,
            Standing::Parked => QueueStanding::Parked,
            Standing::GivenUp => QueueStanding::GivenUp,
        },
        tries: i32::try_from(row.tries).unwrap_or(i32::MAX),
        next_try: row.next_try.map(values::time).unwrap_or_default().into(),
        may_retry: row.may_be_tried_again,
    }
}

const fn act_of(act: QueueAct) -> Act {
    match act {
        QueueAct::Charged => Act::Resolve(Resolution::Charged),
        QueueAct::Reversed => Act::Resolve(Resolution::Reversed),
        QueueAct::Noted => Act::Resolve(Resolution::Noted),
        QueueAct::Retry => Act::Retry,
    }
}
