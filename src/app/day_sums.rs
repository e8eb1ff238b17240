//! What of a batch no host compares: cash, who took what, and what was sold. One place for the screen and the slip.

use super::settlement_view::{CashierSums, DoneSum};
use super::settling::{BatchReport, in_cash_by_kind};
use super::view::RowKind;
use crate::goods::GoodsSold;
use crate::ledger::CashSum;
use crate::money::{Amount, Currency};
use crate::payment::cash::CashKind;
use crate::settlement::{Side, Sum};

impl DoneSum {
    /// It went back to customers.
    pub fn goes_back(&self) -> bool {
        match self.kind {
            RowKind::Host(kind) => Side::of(kind) == Some(Side::Credit),
            RowKind::Cash(kind) => kind == CashKind::Refund,
        }
    }

    /// No money moved: it is told, and not added.
    pub fn moves_nothing(&self) -> bool {
        matches!(self.kind, RowKind::Host(kind) if Side::of(kind).is_none())
    }
}

impl BatchReport {
    /// Who took and gave back what, by card, by code and in cash. Nobody, where nobody signed on.
    pub(super) fn sums_of_cashiers(&self) -> Vec<CashierSums> {
        let of_person = |person| {
            let by_host = self.cashiers.iter().filter(move |sum| sum.cashier == Some(person));
            let in_cash = self.cash.iter().filter(move |sum| sum.cashier == Some(person));
            let tips = by_host.clone().fold(0_u64, |tips, sum| tips.saturating_add(sum.tips));
            let currency = self.totals.currency;
            CashierSums {
                who: self.people.label(person),
                sums: by_host
                    .filter_map(|sum| done(RowKind::Host(sum.kind), sum.count, sum.minor, currency))
                    .chain(in_cash.filter_map(|sum| done(RowKind::Cash(sum.kind), sum.count, sum.minor, currency)))
                    .collect(),
                tips: Amount::new(tips, currency).ok().filter(|tips| !tips.is_zero()),
            }
        };
        self.people_in_it().into_iter().map(of_person).collect()
    }

    /// What was sold, in so many lines at most.
    pub(super) fn goods_in_lines(&self, most: usize) -> GoodsSold {
        GoodsSold::in_lines(self.goods.clone(), most)
    }
}

/// What came about in cash of each kind, whoever did it.
pub(super) fn sums_in_cash(sums: &[CashSum], currency: Currency) -> Vec<DoneSum> {
    let of = |(kind, count, minor)| done(RowKind::Cash(kind), count, minor, currency);
    in_cash_by_kind(sums).into_iter().filter_map(of).collect()
}

/// None, where it is more than an amount can be.
fn done(kind: RowKind, count: u32, minor: u64, currency: Currency) -> Option<DoneSum> {
    let amount = Amount::new(minor, currency).ok()?;
    Some(DoneSum { kind, sum: Sum { count, amount } })
}
