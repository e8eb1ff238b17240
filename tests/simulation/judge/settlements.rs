//! What must be true of settlements: every payment is in one batch that is settled once, both sides have the same totals or name what
//! differs, and the merchant's account has what the batch came to, once.

use std::collections::{BTreeMap, BTreeSet};

use yima::ledger::{Ledger, SettlementRow, TransactionRow};
use yima::money::Currency;
use yima::payment::transaction::{Kind, Money};
use yima::reference::{Batch, TraceNumber};
use yima::sandbox::host::DEFAULT_TERMINAL;
use yima::sandbox::host::code_payments::OrderState;
use yima::sandbox::host::settling::{Posting, PostingKind, USUAL_FEE_RATE};
use yima::sandbox::host::store::{Entry, EntryState};
use yima::settlement::closing::{BatchTotals, HostDifference, State, Verdict};

use super::Seen;
use super::codes::Codes;
use crate::day::forgotten;
use crate::plan::{HostDeed, Part};

/// With a sign: what a transaction moves to the merchant.
fn moved(kind: Kind, minor: u64) -> i64 {
    match kind.money() {
        Money::ToMerchant => minor as i64,
        Money::ToCustomer => -(minor as i64),
        Money::Held | Money::Released | Money::None => 0,
    }
}

pub fn judge(
    seen: &Seen<'_>,
    ledger: &Ledger,
    rows: &[TransactionRow],
    entries: &[Entry],
    codes: &Codes,
) -> Vec<String> {
    let mut problems =
        forgotten(seen.settled, |batch| ledger.settlement(batch).unwrap().map(|row| row.under_way.state));
    let settlements = ledger.settlements(1000).unwrap();
    let merchant = seen.network.street(|host| host.merchant_of(DEFAULT_TERMINAL)).unwrap();
    let postings = seen.network.street(|host| host.postings(&merchant)).unwrap();
    let (balance, _) = seen.network.street(|host| host.merchant_account(&merchant)).unwrap();
    let posted: i64 = postings.iter().map(|posting| posting.amount).sum();
    if posted != balance {
        problems.push(format!("{balance} is on the merchant's account, {posted} was posted to it"));
    }
    let host = HostsBooks { entries, codes, postings: &postings };
    for settlement in &settlements {
        problems.extend(one(ledger, settlement, rows, &host));
    }
    problems.extend(batches(seen, ledger, &settlements, rows, &host));
    for (batch, said) in seen.said_closed {
        let closing = settlements.iter().find(|row| row.under_way.batch == *batch).and_then(|row| row.closing);
        if closing != Some(*said) {
            problems.push(format!("batch {batch} was said to be closed with {said:?} and is with {closing:?}"));
        }
    }
    problems
}

/// What the host has.
struct HostsBooks<'a> {
    entries: &'a [Entry],
    codes: &'a Codes,
    postings: &'a [Posting],
}

impl HostsBooks<'_> {
    /// What a batch has moved in the end, whenever.
    fn moved_in(&self, batch: Batch) -> i64 {
        let entries = self.entries.iter().filter(|entry| entry.trace.batch == batch);
        let cards: i64 = entries
            .filter(|entry| entry.state == EntryState::Approved)
            .map(|entry| moved(entry.kind, entry.booked.minor()))
            .sum();
        let orders = self.codes.orders.iter().filter(|order| order.trace.batch == batch);
        let paid: i64 = orders
            .map(|order| match order.state {
                OrderState::Paid => order.amount.minor() as i64,
                OrderState::PaidBack => order.refunded.minor() as i64,
                OrderState::Open | OrderState::Refused | OrderState::Closed => 0,
            })
            .sum();
        let refunds = self.codes.refunds.iter().filter(|refund| refund.trace.batch == batch);
        cards + paid - refunds.map(|refund| refund.booked.minor() as i64).sum::<i64>()
    }

    fn posted(&self, batch: Batch, kind: PostingKind) -> Vec<i64> {
        let of = |posting: &&Posting| posting.batch == batch && posting.kind == kind;
        self.postings.iter().filter(of).map(|posting| posting.amount).collect()
    }
}

/// One settlement that nothing stands in the way of any more.
fn one(ledger: &Ledger, row: &SettlementRow, rows: &[TransactionRow], host: &HostsBooks<'_>) -> Vec<String> {
    let (batch, totals) = (row.under_way.batch, &row.under_way.totals);
    let mut problems = Vec::new();
    let mut wrong = |problem: String| problems.push(format!("batch {batch}: {problem}"));
    if row.under_way.state != State::Closed {
        wrong(format!("its settlement ends as {}", row.under_way.state.word()));
        return problems;
    }
    let Some(closing) = row.closing else {
        wrong(format!("it is closed and nobody knows with what, as it is {:?}", row.under_way.verdict));
        return problems;
    };
    // What was posted is what the host said, once; with what was taken back since it is what the batch moved.
    let settled = host.posted(batch, PostingKind::Settlement);
    let expected: Vec<i64> = Some(closing.gross_minor).filter(|gross| *gross != 0).into_iter().collect();
    if settled != expected {
        wrong(format!("{settled:?} was posted, {} said", closing.gross_minor));
    }
    let fees = host.posted(batch, PostingKind::Fee);
    let fee: i64 = fees.iter().sum();
    if fees.len() > 1 || -fee != closing.fee_minor || !is_fee_of(closing.gross_minor, closing.fee_minor) {
        wrong(format!("{fees:?} was kept of {}, {} said", closing.gross_minor, closing.fee_minor));
    }
    let since: i64 = host.posted(batch, PostingKind::Adjustment).iter().sum();
    if closing.gross_minor + since != host.moved_in(batch) {
        let moved = host.moved_in(batch);
        wrong(format!("{} was posted and {since} since, {moved} was paid", closing.gross_minor));
    }
    let differences = ledger.settlement_differences(batch).unwrap();
    if differences.len() != closing.differences as usize {
        wrong(format!("{} differences were said, {} are known", closing.differences, differences.len()));
    }
    let equal = row.host_totals == Some(*totals);
    match row.under_way.verdict {
        Some(Verdict::Equal) if equal && differences.is_empty() && closing.gross_minor == totals.net_minor() => {}
        Some(Verdict::Different) if !equal && !differences.is_empty() => {
            let named: i64 = differences.iter().map(|difference| difference_of(batch, difference, rows)).sum();
            if totals.net_minor() - closing.gross_minor != named {
                let (ours, theirs) = (totals.net_minor(), closing.gross_minor);
                wrong(format!("{ours} at the terminal, {theirs} at the host, and {named} of it is named"));
            }
        }
        verdict => wrong(format!(
            "{verdict:?}: {totals:?} at the terminal, {:?} and {closing:?} at the host, {differences:?}",
            row.host_totals
        )),
    }
    // What nobody had decided about when the batch was cut may have been tried once more since.
    let unexplained: Vec<_> = differences.iter().filter(|difference| !is_explained(batch, difference, rows)).collect();
    if unexplained.len() > row.undecided as usize {
        wrong(format!("nobody knows why {unexplained:?} differ"));
    }
    // What was cut is what is there, as far as nothing has become of it since.
    let tallies = yima::settlement::totals(&ledger.tallies(batch).unwrap(), Currency::CNY).unwrap();
    let now = BatchTotals::of(&tallies).unwrap();
    let changed = rows.iter().any(|row| row.trace.batch == batch && (row.resolution.is_some() || row.late.is_some()));
    if now != *totals && !changed {
        wrong(format!("{totals:?} was cut, {now:?} is there"));
    }
    problems
}

/// Rounded half away from nothing.
fn is_fee_of(gross: i64, fee: i64) -> bool {
    (gross * i64::from(USUAL_FEE_RATE) - fee * 10_000).abs() <= 5_000
}

/// What the terminal has more than the host by it.
fn difference_of(batch: Batch, difference: &HostDifference, rows: &[TransactionRow]) -> i64 {
    let trace = TraceNumber { batch, stan: difference.stan };
    let kind = rows.iter().find(|row| row.trace == trace).map_or(Kind::Sale, |row| row.kind);
    let minor = |amount: Option<yima::money::Amount>| amount.map_or(0, |amount| moved(kind, amount.minor()));
    minor(difference.ours) - minor(difference.theirs)
}

/// It was given up, a person decided otherwise, or an approval came when it was too late.
fn is_explained(batch: Batch, difference: &HostDifference, rows: &[TransactionRow]) -> bool {
    let trace = TraceNumber { batch, stan: difference.stan };
    let given_up = |row: &TransactionRow| row.resolution.is_some() || row.late.is_some() || row.reversal_tries > 0;
    rows.iter().any(|row| row.trace == trace && given_up(row))
}

/// No payment is between two batches, and none in one that was passed over.
fn batches(
    seen: &Seen<'_>,
    ledger: &Ledger,
    settlements: &[SettlementRow],
    rows: &[TransactionRow],
    host: &HostsBooks<'_>,
) -> Vec<String> {
    let mut problems = Vec::new();
    let settled: BTreeSet<Batch> = settlements.iter().map(|row| row.under_way.batch).collect();
    let current = ledger.batch().unwrap();
    let at_last = seen.plan.parts.contains(&Part::SettlesAtLast);
    for row in rows {
        if row.trace.batch > current || (at_last && row.trace.batch < current && !settled.contains(&row.trace.batch)) {
            problems.push(format!("{}: no batch has it, the current one is {current}", row.trace));
        }
    }
    if settled.iter().any(|batch| *batch >= current) {
        problems.push(format!("a batch of {settled:?} is settled, and the current one is {current}"));
    }
    let mut counts = BTreeMap::<Batch, u32>::new();
    for posting in host.postings.iter().filter(|posting| posting.kind == PostingKind::Settlement) {
        *counts.entry(posting.batch).or_default() += 1;
        if !settled.contains(&posting.batch) {
            problems.push(format!("batch {} was posted, and the terminal has not settled it", posting.batch));
        }
    }
    if let Some((batch, count)) = counts.iter().find(|(_, count)| **count > 1) {
        problems.push(format!("batch {batch} was posted {count} times"));
    }
    // Only the host's own word passes over a number.
    let orders_batches = seen.plan.parts.iter().any(|part| matches!(part, Part::Host(_, HostDeed::NextBatch)));
    let all = settled.iter().chain([&current]).map(|batch| batch.number()).collect::<Vec<_>>();
    if !settled.is_empty() && !orders_batches && all.windows(2).any(|pair| pair[1] != pair[0] + 1) {
        problems.push(format!("batches are passed over: {all:?}"));
    }
    problems
}
