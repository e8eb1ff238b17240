//! What must be true at the end of every day.

mod cash;
mod codes;
mod instalments;
mod settlements;

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use yima::ledger::TransactionRow;
use yima::payment::purchase::{Purchase, PurchaseState};
use yima::payment::queue::Resolution;
use yima::payment::record::State;
use yima::payment::transaction::Kind;
use yima::receipt::CopyFor;
use yima::reference::{Batch, TraceNumber};
use yima::sandbox::card::profile::{CardProfile, SHIPPED};
use yima::sandbox::host::store::{Entry, EntryState};
use yima::settlement::closing;

use crate::agreement::{disagreements, not_told};
use crate::day::{InCash, SaidClosed, Told, Undone, Word, may_follow};
use crate::network::Network;
use crate::plan::Plan;
use crate::premises;
use codes::Codes;

/// What was seen of a day.
pub struct Seen<'a> {
    pub plan: &'a Plan,
    pub network: &'a Network,
    pub told: &'a [Told],
    pub undone: &'a [Undone],
    pub in_cash: &'a InCash,
    /// What the screen said of settlements.
    pub said_closed: &'a [SaidClosed],
    /// What was written down of payments, for certain.
    pub acknowledged: &'a BTreeMap<TraceNumber, State>,
    /// And of settlements.
    pub settled: &'a BTreeMap<Batch, closing::State>,
}

/// Looks at both ledgers. Gives the terminal's rows.
pub fn judge(seen: &Seen<'_>, problems: &mut Vec<String>) -> Vec<TransactionRow> {
    let Seen { network, told, undone, acknowledged, .. } = *seen;
    let ledger = match premises::with(|premises| premises.ledger()) {
        Ok(ledger) => ledger,
        Err(error) => {
            problems.push(format!("the ledger cannot be opened in the end: {error}"));
            return Vec::new();
        }
    };
    let mut rows = ledger.page(0, 10_000).unwrap();
    rows.reverse();
    let entries = network.host(|host| host.store.ledger()).unwrap();
    let notes = network.host(|host| host.store.advices()).unwrap();
    let charged: i64 = SHIPPED
        .iter()
        .flat_map(|(name, _)| CardProfile::shipped(name).unwrap().applications)
        .map(|card| {
            let left = network.host(|host| host.store.balance(&card.pan)).unwrap().unwrap();
            card.issuer.balance as i64 - left as i64
        })
        .sum();

    // A person's word counts where the terminal could not find out by itself.
    let said: Vec<TransactionRow> = rows
        .iter()
        .cloned()
        .map(|mut row| {
            match (row.state, row.resolution) {
                (State::Unresolved, Some(Resolution::Charged)) => row.state = State::Approved,
                (State::Unresolved, Some(Resolution::Reversed)) => row.state = State::Reversed,
                _ => {}
            }
            row
        })
        .collect();
    let by_card: Vec<_> = said.iter().filter(|row| !row.kind.is_by_code()).cloned().collect();
    problems.extend(disagreements(&by_card, &entries, charged));
    let codes = Codes::of(network);
    problems.extend(codes.disagreements(&said));
    problems.extend(codes.not_undone(undone));
    problems.extend(cash::judge(&ledger, seen.in_cash));
    problems.extend(settlements::judge(seen, &ledger, &rows, &entries, &codes));
    problems.extend(not_told(&rows, &notes));

    let owners = network.owners();
    let paid = |trace: TraceNumber| {
        let by_card = |entry: &Entry| {
            entry.kind == Kind::Sale
                && entry.trace == trace
                && entry.state == EntryState::Approved
                && !entry.booked.is_zero()
        };
        // What a card has approved alone is paid, whatever its bank says later.
        let alone = |row: &TransactionRow| row.kind == Kind::OfflineSale && row.trace == trace;
        entries.iter().any(by_card) || rows.iter().any(alone) || codes.is_paid(trace)
    };
    problems.extend(gone_back_wrongly(&entries, undone));
    // All parts of a purchase that is paid are one payment; of one that was given up they are none.
    let purchase_of = |trace: TraceNumber| ledger.purchase_of(trace).unwrap();
    let payment = |trace: TraceNumber| match purchase_of(trace) {
        None => Some(format!("{trace}")),
        Some(purchase) => (purchase.state == PurchaseState::Paid).then(|| format!("purchase {}", purchase.number)),
    };
    let mut payments = BTreeMap::<usize, BTreeSet<String>>::new();
    for (trace, customer) in owners.iter().filter(|(trace, _)| paid(**trace)) {
        payments.entry(*customer).or_default().extend(payment(*trace));
    }
    problems.extend(purchases_gone_wrong(&said, purchase_of));
    for (customer, payments) in payments.iter().filter(|(_, payments)| payments.len() > 1) {
        problems.push(format!("customer {customer} has paid {} times: {payments:?}", payments.len()));
    }
    for Told { customer, word, payments } in told {
        let count = payments.iter().filter(|trace| paid(**trace)).filter_map(|trace| payment(*trace));
        let count = count.collect::<BTreeSet<_>>().len();
        let right = match word {
            Word::Paid => count == 1,
            Word::NotPaid => count == 0,
        };
        if !right {
            problems.push(format!("customer {customer} was told {word:?} and has paid {count} of {payments:?}"));
        }
    }
    let has_slips = |row: &TransactionRow| match purchase_of(row.trace) {
        None => true,
        // Of a purchase the part that was approved last has them.
        Some(purchase) => {
            let last = purchase.parts.iter().rfind(|part| part.state == State::Approved);
            purchase.state == PurchaseState::Paid && last.is_some_and(|part| part.trace == row.trace)
        }
    };
    let is_paid = |row: &&TransactionRow| row.state == State::Approved || row.kind == Kind::OfflineSale;
    for row in rows.iter().filter(is_paid).filter(|row| has_slips(row)) {
        let copies = ledger.copies_of(row.trace).unwrap();
        for copy in [CopyFor::Merchant, CopyFor::Customer] {
            if !copies.iter().any(|slip| slip.copy == copy) {
                problems.push(format!("{} is paid and has no {} slip", row.trace, copy.word()));
            }
        }
    }
    for (trace, state) in acknowledged {
        let row = rows.iter().find(|row| row.trace == *trace);
        let now = row.map(|row| row.state);
        let given_up = || purchase_of(*trace).is_some_and(|purchase| purchase.state == PurchaseState::GivenUp);
        // Or its bank did not pay what the card approved alone.
        let alone = || row.is_some_and(|row| row.kind == Kind::OfflineSale);
        let taken_back = *state == State::Approved && now != Some(State::Approved);
        let follows = row.is_some_and(|row| may_follow(row.kind, *state, row.state));
        if !follows || (taken_back && !given_up() && !alone()) {
            problems.push(format!("{trace} was written as {} and ends as {:?}", state.word(), now.map(State::word)));
        }
    }
    problems.extend(instalments::judge(network, &ledger, &said));
    drop(ledger);
    let database = Connection::open(premises::with(|premises| premises.ledger_path())).unwrap();
    let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    if verdict != "ok" {
        problems.push(format!("the database is damaged: {verdict}"));
    }
    rows
}

/// Purchases that are left open, are paid with other than what is due, or were given up and are not back as far as the terminal sees to it.
fn purchases_gone_wrong(rows: &[TransactionRow], purchase_of: impl Fn(TraceNumber) -> Option<Purchase>) -> Vec<String> {
    let mut problems = Vec::new();
    for purchase in rows.iter().filter_map(|row| purchase_of(row.trace)) {
        let (number, paid, due) = (purchase.number, purchase.paid().minor(), purchase.due.minor());
        let right = match purchase.state {
            PurchaseState::Open => false,
            PurchaseState::Paid => paid == due,
            PurchaseState::GivenUp => purchase.is_back(),
        };
        if !right {
            problems.push(format!("purchase {number} is {}: {paid} of {due}", purchase.state.word()));
        }
    }
    problems
}

/// Of which sale more went back than was paid, or other than the screens said.
fn gone_back_wrongly(entries: &[Entry], undone: &[Undone]) -> Vec<String> {
    let mut problems = Vec::new();
    let stand = |original: TraceNumber| {
        entries.iter().filter(move |entry| entry.original == Some(original) && entry.state == EntryState::Approved)
    };
    for sale in entries.iter().filter(|entry| matches!(entry.kind, Kind::Sale | Kind::OfflineSale)) {
        let back: u64 = stand(sale.trace).map(|entry| entry.booked.minor()).sum();
        if back > sale.booked.minor() {
            problems.push(format!("{}: {back} went back of {}", sale.trace, sale.booked.minor()));
        }
    }
    for Undone { original, kind, times } in undone.iter().filter(|undone| undone.kind != Kind::CodeRefund) {
        let count = stand(*original).filter(|entry| entry.kind == *kind).count();
        if count < *times as usize {
            problems.push(format!("{original}: {times} times {} was said, {count} times it was done", kind.word()));
        }
    }
    problems
}
