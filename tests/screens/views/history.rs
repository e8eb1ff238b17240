//! Earlier transactions, what can be done with one, and the queue.

use std::sync::Arc;

use yima::app::receipt_view::{PaperView, ReceiptView};
use yima::app::view::{
    CopyState, CopyView, Detail, LinkState, QueueRow, ROWS_PER_PAGE, RowState, Screen, TransactionRow, View,
};
use yima::payment::advice::AdviceKind;
use yima::payment::queue::{Kind, Standing};
use yima::payment::transaction;
use yima::receipt::{CopyFor, PrinterProfile, render};
use yima::reference::{AuthorisationCode, Rrn};
use yima::sandbox::printer::{PaperWidth, Picture};
use yima::terminal::mark::Mark;
use yima::wording::{Language, Reason, ReasonKind, Sense};

use super::paying::{declined, printer_missing};
use super::{Scene, at, cny, scene, trace, view};

pub fn transactions(copies: Vec<CopyView>) -> Screen {
    let states = [
        RowState::Approved,
        RowState::Pending,
        RowState::Declined,
        RowState::ReversalDue,
        RowState::Reversed,
        RowState::Unresolved,
    ];
    let rows = (0..u32::try_from(ROWS_PER_PAGE).unwrap())
        .map(|index| TransactionRow {
            kind: [
                transaction::Kind::Sale,
                transaction::Kind::Refund,
                transaction::Kind::Sale,
                transaction::Kind::PreAuthorisation,
                transaction::Kind::Sale,
                transaction::Kind::PreAuthorisationVoid,
            ][index as usize]
                .into(),
            trace: trace(123 - index),
            at: at(14, 26 - i8::try_from(index).unwrap(), 0),
            amount: cny([1234, 800, 4500, 123_456, 2200, 999_999_999_999][index as usize]),
            truncated_pan: if index == 2 { String::new() } else { format!("622202******{:04}", 1234 + index * 871) },
            state: states[index as usize],
        })
        .collect();
    Screen::Transactions {
        rows,
        page: 0,
        pages: 8,
        count_today: 38,
        total_today: cny(128_650),
        count_back: 2,
        total_back: cny(3500),
        copies,
        sought: None,
    }
}

/// A paid sale with everything that can be done with it.
pub fn detail() -> Detail {
    Detail {
        row: TransactionRow {
            kind: transaction::Kind::Sale.into(),
            trace: trace(123),
            at: at(14, 26, 9),
            amount: cny(1234),
            truncated_pan: "622202******1234".to_owned(),
            state: RowState::Approved,
        },
        original: None,
        rrn: Rrn::parse("263260000001").ok(),
        authorisation_code: AuthorisationCode::parse("A12B3C").ok(),
        instalments: None,
        cashier: "01 小王".to_owned(),
        reason: None,
        can_undo: true,
        can_undo_away: true,
        can_complete_away: false,
        can_notify: false,
        can_refund: true,
        can_top_up: false,
        can_complete: false,
        can_print: true,
        whole: Some(cny(1234)),
        most: Some(cny(1234)),
        copies: Vec::new(),
    }
}

/// What was set aside, and can be completed.
fn held() -> Detail {
    let row = TransactionRow {
        kind: transaction::Kind::PreAuthorisation.into(),
        amount: cny(999_999_999_999),
        ..detail().row
    };
    Detail {
        row,
        can_refund: false,
        can_top_up: true,
        can_complete: true,
        can_complete_away: true,
        can_notify: true,
        whole: Some(cny(999_999_999_999)),
        most: Some(cny(999_999_999_999)),
        ..detail()
    }
}

/// The same of an everyday amount, to which more was added.
fn topped_up() -> Detail {
    let row = TransactionRow { amount: cny(50_000), ..held().row };
    Detail { row, whole: Some(cny(80_000)), most: Some(cny(92_000)), ..held() }
}

/// A refund that the bank did not want.
fn refused_refund() -> Detail {
    Detail {
        row: TransactionRow { kind: transaction::Kind::Refund.into(), state: RowState::Declined, ..detail().row },
        original: Some(trace(101)),
        rrn: None,
        authorisation_code: None,
        reason: Some(declined("12").of_sense(Sense::Refund)),
        can_undo: false,
        can_undo_away: false,
        can_refund: false,
        can_print: false,
        whole: None,
        most: None,
        ..detail()
    }
}

/// A row of the queue.
pub fn queue_row(stan: u32, kind: Kind, standing: Standing) -> QueueRow {
    QueueRow {
        trace: trace(stan),
        kind,
        amount: cny(1234),
        at: at(14, 26, 9),
        standing,
        tries: if standing == Standing::Parked { 20 } else { 3 },
        next_try: (standing == Standing::Waiting).then(|| at(14, 31, 20)),
        may_be_tried_again: true,
    }
}

/// The queue with everything in it that there can be.
pub fn queue() -> Screen {
    let (card, script) = (Kind::Advice(AdviceKind::CardResult), Kind::Advice(AdviceKind::ScriptResult));
    let rows = vec![
        QueueRow { amount: cny(999_999_999_999), ..queue_row(101, Kind::Reversal, Standing::Parked) },
        queue_row(102, card, Standing::Parked),
        queue_row(123, Kind::Reversal, Standing::Waiting),
        QueueRow { tries: 0, next_try: None, ..queue_row(124, script, Standing::Waiting) },
    ];
    Screen::Queue { rows, page: 0, pages: 3, waiting: 8, parked: 2, under_way: false }
}

/// What a printer draws of these bytes.
pub fn drawn(bytes: &[u8], paper: PaperWidth) -> PaperView {
    let pieces = Picture::printed(bytes, paper);
    let dots = pieces.iter().flat_map(|piece| piece.dots().iter().copied()).collect();
    PaperView { width: paper.dots(), dots }
}

/// A slip as it is on paper, or while it is being drawn.
pub fn receipt(paper: Option<PaperView>) -> Screen {
    Screen::Receipt(Box::new(ReceiptView { trace: trace(123), copy: CopyFor::Customer, paper: paper.map(Arc::new) }))
}

/// Paper of the sale that is measured elsewhere too.
fn paper(name: &str, width: PaperWidth, language: Language) -> PaperView {
    let profile = PrinterProfile::shipped(name).unwrap();
    drawn(&render(&crate::slip::sale(), CopyFor::Customer, &profile, language), width)
}

/// All of them.
pub fn scenes() -> Vec<Scene> {
    let keypad = |notice| Screen::Keypad { notice };
    vec![
        scene("transactions", transactions(Vec::new())),
        scene("transaction", Screen::Transaction(Box::new(detail()))),
        Scene { then: "v", ..scene("transaction-void", Screen::Transaction(Box::new(detail()))) },
        Scene { then: "r", ..scene("transaction-refund", Screen::Transaction(Box::new(detail()))) },
        Scene { then: "r9900", ..scene("transaction-refund-too-much", Screen::Transaction(Box::new(detail()))) },
        Scene {
            view: View { mark: Mark::Test, ..view(Screen::Transaction(Box::new(held()))) },
            ..scene("transaction-held", keypad(None))
        },
        Scene {
            view: View { mark: Mark::Test, ..view(Screen::Transaction(Box::new(held()))) },
            then: "c",
            ..scene("transaction-complete", keypad(None))
        },
        Scene {
            view: View { mark: Mark::Test, ..view(Screen::Transaction(Box::new(topped_up()))) },
            ..scene("transaction-topped-up", keypad(None))
        },
        Scene {
            view: View { mark: Mark::Test, ..view(Screen::Transaction(Box::new(topped_up()))) },
            then: "t5000",
            ..scene("transaction-top-up", keypad(None))
        },
        Scene {
            view: View { mark: Mark::Test, ..view(Screen::Transaction(Box::new(topped_up()))) },
            then: "v",
            ..scene("transaction-topped-up-void", keypad(None))
        },
        scene("receipt", receipt(Some(paper("generic-58", PaperWidth::Mm58, Language::Chinese)))),
        Scene {
            view: View {
                mark: Mark::Test,
                ..view(receipt(Some(paper("generic-80", PaperWidth::Mm80, Language::English))))
            },
            ..scene("receipt-wide", keypad(None))
        },
        scene("receipt-drawing", receipt(None)),
        scene("transaction-refused", Screen::Transaction(Box::new(refused_refund()))),
        scene(
            "transactions-none",
            Screen::Transactions {
                rows: Vec::new(),
                page: 0,
                pages: 1,
                count_today: 0,
                total_today: cny(0),
                count_back: 0,
                total_back: cny(0),
                copies: Vec::new(),
                sought: None,
            },
        ),
        Scene {
            view: View {
                mark: Mark::Test,
                ..view(transactions(vec![
                    CopyView { copy: CopyFor::Merchant, state: CopyState::Printed },
                    CopyView { copy: CopyFor::Customer, state: CopyState::Asks(None) },
                ]))
            },
            ..scene("transactions-reprint", keypad(None))
        },
        Scene {
            view: View {
                mark: Mark::Test,
                ..view(transactions(vec![
                    CopyView { copy: CopyFor::Merchant, state: CopyState::Failed(printer_missing()) },
                    CopyView { copy: CopyFor::Customer, state: CopyState::Failed(printer_missing()) },
                ]))
            },
            ..scene("transactions-failed", keypad(None))
        },
        Scene {
            view: View {
                mark: Mark::Test,
                ..view(transactions(vec![
                    CopyView {
                        copy: CopyFor::Merchant,
                        state: CopyState::Waiting(Reason::of(ReasonKind::PrinterPaperOut)),
                    },
                    CopyView { copy: CopyFor::Customer, state: CopyState::Queued },
                ]))
            },
            ..scene("transactions-paper-out", keypad(None))
        },
        scene("queue", queue()),
        Scene {
            view: View { mark: Mark::Test, link: LinkState::HostSilent, waiting: 12, queued: 14, ..view(queue()) },
            ..scene("queue-test", keypad(None))
        },
        scene(
            "queue-none",
            Screen::Queue { rows: Vec::new(), page: 0, pages: 1, waiting: 0, parked: 0, under_way: false },
        ),
    ]
}
