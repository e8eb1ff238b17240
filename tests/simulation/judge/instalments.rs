//! What must be true of sales by instalments: terminal and host have the same plan of each that is paid, the host has one of no other, and
//! one that went back is paid in no periods any more.

use std::collections::BTreeSet;

use yima::ledger::{Ledger, TransactionRow};
use yima::payment::record::State;
use yima::payment::transaction::Kind;
use yima::reference::TraceNumber;
use yima::sandbox::host::Host;

use crate::network::Network;

pub fn judge(network: &Network, ledger: &Ledger, rows: &[TransactionRow]) -> Vec<String> {
    let mut problems = Vec::new();
    let plans = network.street(Host::instalment_plans).unwrap();
    let approved = |row: &&TransactionRow| row.state == State::Approved;
    // A refund of one is of all of it.
    let undoes = |row: &&TransactionRow| matches!(row.kind, Kind::Void | Kind::Refund);
    let undone: BTreeSet<_> = rows.iter().filter(approved).filter(undoes).filter_map(|row| row.original).collect();
    let mut known = BTreeSet::<TraceNumber>::new();
    for row in rows.iter().filter(approved).filter(|row| row.kind == Kind::Sale && row.periods.is_some()) {
        known.insert(row.trace);
        let ours = ledger.instalments_of(row.trace).unwrap().and_then(|instalments| instalments.plan);
        let theirs = plans.iter().find(|plan| plan.trace == row.trace);
        if ours.is_none() || ours != theirs.map(|kept| kept.plan) {
            problems.push(format!("{}: {ours:?} at the terminal, {theirs:?} at the host", row.trace));
        }
        let stands = theirs.is_some_and(|kept| kept.stands);
        if stands == undone.contains(&row.trace) {
            problems.push(format!("{}: its plan stands: {stands}", row.trace));
        }
    }
    for kept in plans.iter().filter(|kept| kept.stands && !known.contains(&kept.trace)) {
        problems.push(format!("{}: {kept:?} at the host, nothing at the terminal", kept.trace));
    }
    problems
}
