//! Whether the two ledgers agree.

use yima::ledger::TransactionRow;
use yima::payment::advice::AdviceKind;
use yima::payment::record::State;
use yima::payment::transaction::{CardUse, Money};
use yima::sandbox::host::Note;
use yima::sandbox::host::store::{Entry, EntryState};

/// What terminal and host do not agree on.
pub fn disagreements(rows: &[TransactionRow], entries: &[Entry], charged: i64) -> Vec<String> {
    let mut problems = Vec::new();
    for row in rows {
        let entry = entries.iter().find(|entry| entry.trace == row.trace);
        let agree = match (row.state, entry.map(|entry| (entry.state, entry.amount, entry.booked))) {
            (State::Approved, Some((EntryState::Approved, asked, booked))) => {
                asked == row.asked_for() && booked == row.amount
            }
            (State::Declined, None | Some((EntryState::Declined, ..))) => true,
            (State::Reversed, Some((EntryState::Reversed | EntryState::Declined, ..))) => true,
            _ => false,
        };
        let alike = entry.is_none_or(|entry| (entry.kind, entry.original) == (row.kind, row.original));
        if !agree || (!alike && row.state == State::Approved) {
            let host = entry.map_or("nothing".to_owned(), |entry| format!("{} {}", entry.state.word(), entry.reason));
            problems.push(format!("{}: {} at the terminal, {host} at the host", row.trace, row.state.word()));
        }
    }
    for entry in entries.iter().filter(|entry| rows.iter().all(|row| row.trace != entry.trace)) {
        problems.push(format!("{}: {} at the host, nothing at the terminal", entry.trace, entry.state.word()));
    }
    let paid = rows.iter().filter(|row| row.state == State::Approved).map(moved).sum::<i64>();
    if paid != charged {
        problems.push(format!("the terminal has taken {paid}, the account has paid {charged}"));
    }
    problems
}

/// What a row that is done has moved from the customer to the merchant, in minor units.
fn moved(row: &TransactionRow) -> i64 {
    let amount = row.amount.minor() as i64;
    match row.kind.money() {
        Money::ToMerchant => amount,
        Money::ToCustomer => -amount,
        Money::Held | Money::Released | Money::None => 0,
    }
}

/// What the host was not told of paid payments.
pub fn not_told(rows: &[TransactionRow], notes: &[Note]) -> Vec<String> {
    let noted = |row: &TransactionRow, kind: AdviceKind| {
        notes.iter().any(|note| note.original == row.trace && note.kind == kind && note.verdict == "TC")
    };
    let mut missing = Vec::new();
    // Only of a card that had the last word there is something to tell.
    let whole = |row: &&TransactionRow| row.kind.card() == CardUse::Whole;
    for row in rows.iter().filter(|row| row.state == State::Approved).filter(whole) {
        let script = row.script_results.as_ref().map(|_| AdviceKind::ScriptResult);
        for kind in [Some(AdviceKind::CardResult), script].into_iter().flatten() {
            if !noted(row, kind) {
                missing.push(format!("{}: the host has no {}", row.trace, kind.word()));
            }
        }
    }
    missing
}
