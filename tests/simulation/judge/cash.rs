//! What must be true of cash: the ledger has what people were told, once, and its sums are theirs.

use std::collections::BTreeSet;

use yima::ledger::{CashRow, Ledger, Listed};
use yima::money::Currency;
use yima::payment::cash::CashKind;
use yima::payment::purchase::PurchaseState;
use yima::receipt::CopyFor;
use yima::reference::Batch;

use crate::day::{InCash, Taken};

/// Everything that was done in cash.
fn rows_of(ledger: &Ledger) -> Vec<CashRow> {
    let rows = ledger.list(None, None, 10_000).unwrap().rows;
    let cash = |listed| match listed {
        Listed::Cash(row) => Some(*row),
        Listed::Payment(_) => None,
    };
    rows.into_iter().filter_map(cash).collect()
}

pub fn judge(ledger: &Ledger, in_cash: &InCash) -> Vec<String> {
    let mut problems = Vec::new();
    let rows = rows_of(ledger);
    for Taken { trace, minor, given } in &in_cash.taken {
        let right = |row: &&CashRow| {
            let change = row.given.map(|given| given.minor() - row.amount.minor());
            row.trace == *trace
                && row.kind == CashKind::Sale
                && row.amount.minor() == *minor
                && (given.is_none() || row.given.map(|given| given.minor()) == *given)
                && row.change.map(|change| change.minor()) == change
        };
        if !rows.iter().any(|row| right(&row)) {
            problems.push(format!("{trace}: {minor} was taken in cash, and the ledger does not say so"));
        }
    }
    // Who had left before anybody could see it may have paid, once.
    let mut not_known = in_cash.not_known.clone();
    for row in rows.iter().filter(|row| in_cash.taken.iter().all(|taken| taken.trace != row.trace)) {
        match not_known.iter().position(|minor| *minor == row.amount.minor()) {
            Some(place) => drop(not_known.swap_remove(place)),
            None => problems.push(format!("{}: {} in cash that nobody was told of", row.trace, row.amount.minor())),
        }
    }
    for row in &rows {
        let purchase = ledger.purchase_of(row.trace).unwrap();
        if purchase.is_some_and(|purchase| purchase.state != PurchaseState::Paid) {
            problems.push(format!("{}: cash of a purchase that is not paid", row.trace));
        }
        let copies = ledger.copies_of(row.trace).unwrap();
        if !copies.iter().any(|slip| slip.copy == CopyFor::Customer) {
            problems.push(format!("{}: cash without a slip", row.trace));
        }
    }
    let batches: BTreeSet<Batch> = rows.iter().map(|row| row.trace.batch).collect();
    let summed: u64 = batches
        .into_iter()
        .flat_map(|batch| ledger.cash_of_batch(batch, Currency::CNY).unwrap())
        .map(|sum| sum.minor)
        .sum();
    let counted: u64 = rows.iter().map(|row| row.amount.minor()).sum();
    if summed != counted {
        problems.push(format!("the batches have {summed} in cash, the rows {counted}"));
    }
    problems
}
