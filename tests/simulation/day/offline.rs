//! Cards that pay without their bank, and cardholders who pay by instalments: what the acquirer allows, what a cashier begins, and how
//! it is known whose sale the host hears of when its customer has long left.

use std::sync::Arc;

use yima::app::view::Intent;
use yima::goods::sold::Sold;
use yima::host_tables::{HostTables, InstalmentOffer, OfflineLimits, TerminalParameters};
use yima::ledger::{Ledger, TransactionRow};
use yima::money::Amount;
use yima::payment::instalments::{ByInstalments, Periods};
use yima::payment::purpose::Purpose;
use yima::payment::transaction::Kind;

use super::Day;
use crate::plan::{Customer, Offline, Plan};

/// The most of one offline sale, in minor units: what the card `offline` approves alone.
pub const MOST_OFFLINE: u64 = 20_000;

/// What may be sold offline until the host has heard of it.
const LIMITS: OfflineLimits = OfflineLimits { most: MOST_OFFLINE, count: 4, total: 45_000 };

/// From so much on something is paid by instalments, in minor units.
const FROM: u64 = 50_00;

/// What the acquirer of this day allows.
pub fn allowed(plan: &Plan, tables: &Arc<HostTables>) -> Arc<HostTables> {
    let offer = InstalmentOffer { periods: vec![3, 6, 12], from: FROM, programme: None };
    let terminal = TerminalParameters {
        in_part: plan.takes_parts(),
        offline: plan.sells_offline().then_some(LIMITS),
        instalments: plan.takes_instalments().then_some(offer),
        ..tables.terminal.clone()
    };
    Arc::new(HostTables { terminal, ..HostTables::clone(tables) })
}

/// What the cashier begins for this customer.
pub(super) fn begins(customer: &Customer, tries: u32, amount: Amount) -> Intent {
    let without_bank = match customer.offline {
        Some(Offline::AtOnce) => true,
        Some(Offline::AtLast) => tries > 1,
        Some(Offline::WhenOffered) | None => false,
    };
    if without_bank && customer.phone.is_none_or(|phone| phone.gives_up && tries > 1) {
        return Intent::Begin(Purpose::Offline(amount, Sold::default()));
    }
    let periods = customer.periods.and_then(|number| Periods::new(number).ok());
    match periods.map(|periods| ByInstalments::new(amount, Sold::default(), periods)) {
        Some(Ok(sale)) => Intent::Begin(Purpose::Instalments(sale)),
        Some(Err(_)) | None => Intent::Charge(amount),
    }
}

impl Day<'_> {
    /// Whether the screen of a payment that was not made offers to sell it offline, and this customer wants that.
    pub(super) fn may_sell_offline(&self, customer: &Customer) -> bool {
        let offered = || self.shown.lock().unwrap().view.as_ref().is_some_and(|view| view.offline);
        customer.offline == Some(Offline::WhenOffered) && offered()
    }

    /// The cashier touches what the screen offers.
    pub(super) fn sells_offline(&mut self) {
        let Some(serving) = &mut self.people.serving else { return };
        (serving.begun, serving.inserted) = (true, false);
        self.send(Intent::SellOffline);
    }

    /// An offline sale that was written down: the line does not say whose it is, but the amount does.
    pub(super) fn knows_whose(&self, row: &TransactionRow) {
        let is_its = |customer: &Customer| customer.offline.is_some() && customer.minor == row.amount.minor();
        if row.kind == Kind::OfflineSale
            && let Some(customer) = self.people.customers.iter().position(is_its)
        {
            self.network.owns(row.trace, customer);
        }
    }

    /// More waits for the host than the acquirer lets wait.
    pub(super) fn over_limits(&self, ledger: &Ledger) -> Option<String> {
        let unsent = ledger.unsent_offline().ok()?;
        let over = unsent.count > LIMITS.count || unsent.minor > LIMITS.total;
        over.then(|| format!("{unsent:?} was sold offline and has not come to the host"))
    }
}
