//! What must be true of payments by code: terminal, host and wallets have the same of each order, and nothing of one is open.

use yima::ledger::TransactionRow;
use yima::payment::record::State;
use yima::payment::transaction::Kind;
use yima::reference::TraceNumber;
use yima::sandbox::host::Host;
use yima::sandbox::host::code_payments::{CodeOrder, CodeRefunded, OrderState};

use crate::day::Undone;
use crate::network::Network;

/// What the host has of codes.
pub struct Codes {
    pub orders: Vec<CodeOrder>,
    pub refunds: Vec<CodeRefunded>,
    /// What all wallets have paid less what they got back, in minor units.
    charged: i64,
}

impl Codes {
    pub fn of(network: &Network) -> Self {
        let now = yima::clock::timestamp();
        // Whoever looks closes what is over.
        network.street(|host| host.shown(now)).unwrap();
        let held: i64 = network.held().iter().map(|wallet| wallet.balance as i64).sum();
        let left: i64 = network.street(Host::wallets).unwrap().iter().map(|wallet| wallet.balance as i64).sum();
        Self {
            orders: network.street(Host::code_orders).unwrap(),
            refunds: network.street(Host::code_refunds).unwrap(),
            charged: held - left,
        }
    }

    /// Whether an order is paid.
    pub fn is_paid(&self, trace: TraceNumber) -> bool {
        self.orders.iter().any(|order| order.trace == trace && order.state == OrderState::Paid)
    }

    /// What terminal and host do not agree on, or the wallets do not.
    pub fn disagreements(&self, rows: &[TransactionRow]) -> Vec<String> {
        let mut problems = Vec::new();
        for row in rows.iter().filter(|row| row.kind.is_by_code()) {
            let (agree, host) =
                if row.kind == Kind::CodeRefund { self.agrees_on_refund(row) } else { self.agrees_on_order(row) };
            if !agree {
                problems.push(format!("{}: {} at the terminal, {host} at the host", row.trace, row.state.word()));
            }
        }
        let has = |kind: Kind, trace: TraceNumber| rows.iter().any(|row| row.kind == kind && row.trace == trace);
        for order in &self.orders {
            let trace = order.trace;
            if order.state == OrderState::Open {
                problems.push(format!("{trace}: its order is still open"));
            }
            if !has(Kind::CodePayment, trace) {
                problems.push(format!("{trace}: {} at the host, nothing at the terminal", order.state.word()));
            }
            if order.refunded.minor() > order.amount.minor() {
                problems.push(format!("{trace}: {} went back of {}", order.refunded.minor(), order.amount.minor()));
            }
        }
        for refund in self.refunds.iter().filter(|refund| !has(Kind::CodeRefund, refund.trace)) {
            problems.push(format!("{}: a refund at the host, nothing at the terminal", refund.trace));
        }
        let paid = |row: &&TransactionRow| row.kind.is_by_code() && row.state == State::Approved;
        let taken: i64 = rows
            .iter()
            .filter(paid)
            .map(|row| row.amount.minor() as i64 * if row.kind == Kind::CodeRefund { -1 } else { 1 })
            .sum();
        if taken != self.charged {
            problems.push(format!("the terminal has taken {taken} by code, the wallets have paid {}", self.charged));
        }
        problems
    }

    fn agrees_on_order(&self, row: &TransactionRow) -> (bool, &'static str) {
        let order = self.orders.iter().find(|order| order.trace == row.trace);
        let state = order.map(|order| order.state);
        let agree = match row.state {
            State::Approved => order.is_some_and(|order| order.state == OrderState::Paid && order.amount == row.amount),
            State::Declined => matches!(state, None | Some(OrderState::Refused | OrderState::Closed)),
            // A person found out that it was never paid; what the terminal itself closed it knows better.
            State::Reversed => match (state, row.resolution) {
                (None, resolution) => resolution.is_some(),
                (Some(OrderState::PaidBack), _) => row.paid_back || row.resolution.is_some(),
                (Some(OrderState::Refused | OrderState::Closed), _) => !row.paid_back,
                (Some(OrderState::Open | OrderState::Paid), _) => false,
            },
            State::Pending | State::HostApproved | State::ReversalDue | State::RepeatDue | State::Unresolved => false,
        };
        (agree, state.map_or("nothing", OrderState::word))
    }

    fn agrees_on_refund(&self, row: &TransactionRow) -> (bool, &'static str) {
        let refund = self.refunds.iter().find(|refund| refund.trace == row.trace);
        let booked = refund.filter(|refund| !refund.booked.is_zero());
        let agree = match row.state {
            State::Approved => booked.is_some_and(|refund| refund.booked == row.amount && refund.order == row.original),
            State::Declined | State::Reversed => booked.is_none(),
            State::Pending | State::HostApproved | State::ReversalDue | State::RepeatDue | State::Unresolved => false,
        };
        let host = match (refund, booked) {
            (None, _) => "nothing",
            (Some(_), None) => "refused",
            (Some(_), Some(_)) => "done",
        };
        (agree, host)
    }

    /// What a screen said went back, and did not.
    pub fn not_undone(&self, undone: &[Undone]) -> Vec<String> {
        let mut problems = Vec::new();
        for Undone { original, times, .. } in undone.iter().filter(|undone| undone.kind == Kind::CodeRefund) {
            let done = |refund: &&CodeRefunded| refund.order == Some(*original) && !refund.booked.is_zero();
            let count = self.refunds.iter().filter(done).count();
            if count < *times as usize {
                problems.push(format!("{original}: {times} times a refund was said, {count} times it was done"));
            }
        }
        problems
    }
}
