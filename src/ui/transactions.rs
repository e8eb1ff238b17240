//! Binder of `ui/api/transactions.slint`: one page of transactions.

use slint::{ComponentHandle, ModelRc};
use zeroize::Zeroizing;

use super::generated::{self, AppWindow, Screens, Transactions};
use super::{Intents, Shared, values};
use crate::app::seek_view::SeekIntent;
use crate::app::view::{Intent, Screen, TransactionRow};
use crate::devices::scanner::ScannedText;
use crate::money::Amount;
use crate::reference::TraceNumber;

/// Connects pages, reprints and the way here and back.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let transactions = window.global::<Transactions>();
    let (state, sender) = (shared.clone(), intents.clone());
    transactions.on_turn_page(move |by| {
        let target = state.with(|state| match state.view.as_ref().map(|view| &view.screen) {
            Some(Screen::Transactions { page, pages, .. }) => {
                let by = isize::try_from(by).unwrap_or(0);
                page.checked_add_signed(by).filter(|target| target < pages)
            }
            _ => None,
        });
        if let Some(target) = target {
            sender.send(Intent::ShowTransactions(target));
        }
    });
    let (state, sender) = (shared.clone(), intents.clone());
    transactions.on_reprint(move |index| {
        if let Some(trace) = trace_at(&state, index) {
            sender.send(Intent::Reprint(trace));
        }
    });
    let (state, sender) = (shared.clone(), intents.clone());
    transactions.on_open(move |index| {
        if let Some(trace) = trace_at(&state, index) {
            sender.send(Intent::ShowTransaction(trace));
        }
    });
    let state = shared.clone();
    transactions.on_scan(move |text| state.with(|state| state.scanned.quick_sign(&text)));
    let (state, sender) = (shared.clone(), intents.clone());
    transactions.on_scanned(move || {
        if let Some(text) = state.with(|state| state.scanned.take_quick()) {
            let text = Zeroizing::new(text);
            sender.send(Intent::Scanned(ScannedText::new(&text)));
        }
    });
    let screens = window.global::<Screens>();
    let sender = intents.clone();
    screens.on_show_transactions(move || sender.send(Intent::Seek(SeekIntent::All)));
    let sender = intents.clone();
    screens.on_show_keypad(move || sender.send(Intent::ShowKeypad));
}

/// Which transaction stands in this row of the page.
fn trace_at(shared: &Shared, index: i32) -> Option<TraceNumber> {
    shared.with(|state| match state.view.as_ref().map(|view| &view.screen) {
        Some(Screen::Transactions { rows, .. }) => {
            usize::try_from(index).ok().and_then(|index| rows.get(index)).map(|row| row.trace)
        }
        _ => None,
    })
}

/// Today's approved payments.
pub(super) struct Today {
    /// How many.
    pub(super) count: usize,
    /// How much.
    pub(super) total: Amount,
    /// How often something went back.
    pub(super) count_back: usize,
    /// How much.
    pub(super) back: Amount,
}

/// Shows a page; `page` counts from 0.
pub(super) fn show(window: &AppWindow, rows: &[TransactionRow], page: usize, pages: usize, today: &Today) {
    let shown = window.global::<Transactions>();
    let rows: Vec<generated::TransactionRow> = rows.iter().map(row).collect();
    shown.set_rows(ModelRc::from(rows.as_slice()));
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    shown.set_page(count(page.saturating_add(1)));
    shown.set_pages(count(pages));
    shown.set_count_today(count(today.count));
    shown.set_total_today(values::money(today.total));
    shown.set_count_back(count(today.count_back));
    shown.set_total_back(values::money(today.back));
}

fn row(row: &TransactionRow) -> generated::TransactionRow {
    generated::TransactionRow {
        amount: values::money_text(row.amount).into(),
        at: values::day_and_time(row.at).into(),
        trace: row.trace.to_string().into(),
        last_four: values::last_four(&row.truncated_pan).into(),
        kind: values::row_kind(row.kind),
        state: values::row_state(row.state),
    }
}
