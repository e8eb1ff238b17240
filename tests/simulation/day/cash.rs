//! Customers who pay in cash: all of it, or what their card has left of a purchase.

use yima::app::cash_view::{CashFor, CashIntent, CashStage, CashView};
use yima::app::view::{Intent, RowKind, RowState, TransactionRow};
use yima::money::Amount;
use yima::payment::cash::CashKind;
use yima::reference::TraceNumber;

use super::Day;
use super::people::Word;
use crate::plan::Cash;

/// What a screen or the list said was taken in cash.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    pub trace: TraceNumber,
    pub minor: u64,
    /// What was given; the list does not say.
    pub given: Option<u64>,
}

/// All cash of a day, as people know it.
#[derive(Clone, Debug, Default)]
pub struct InCash {
    pub taken: Vec<Taken>,
    /// Nobody knows whether these, in minor units, are in the drawer by the ledger's word: the customer had left.
    pub not_known: Vec<u64>,
}

impl InCash {
    fn is_taken(&self, trace: TraceNumber) -> bool {
        self.taken.iter().any(|taken| taken.trace == trace)
    }
}

impl Day<'_> {
    pub(super) fn pays_in_cash(&mut self, amount: Amount) {
        self.send(Intent::Cash(CashIntent::Begin(CashFor::Amount(amount))));
    }

    /// Cash is on the screen while somebody is served.
    pub(super) fn gives_cash(&mut self, view: &CashView, cash: Cash) {
        let Some(serving) = &mut self.people.serving else { return };
        match &view.stage {
            CashStage::Asks { notice, .. } => {
                let minor = view.amount.minor();
                let too_little = cash.miscounts && notice.is_none() && minor > 1;
                let given = if too_little { minor - 1 } else { minor + cash.more };
                if !too_little {
                    serving.gave_cash = Some(minor);
                }
                self.send(Intent::Cash(CashIntent::Take(Amount::new(given, view.amount.currency()).unwrap())));
            }
            CashStage::Done { trace, given, copies, .. } => {
                let (trace, given) = (*trace, given.map(Amount::minor));
                // After a power cut it may be another's: the list tells.
                if !serving.to_look_up && !self.people.in_cash.is_taken(trace) && view.kind == CashKind::Sale {
                    serving.paid_in_cash = true;
                    self.people.in_cash.taken.push(Taken { trace, minor: view.amount.minor(), given });
                    self.is_paid_with_cash();
                }
                if self.minds_slips(copies) {
                    return;
                }
                let Some(serving) = &mut self.people.serving else { return };
                if serving.paid_in_cash { self.leaves() } else { self.send(Intent::NextCustomer) }
            }
        }
    }

    /// After a power cut: whether the newest row of the list is what was just given.
    pub(super) fn finds_cash(&mut self, newest: &TransactionRow, minor: u64) -> bool {
        let mine = newest.kind == RowKind::Cash(CashKind::Sale)
            && newest.state == RowState::Approved
            && newest.amount.minor() == minor
            && !self.people.in_cash.is_taken(newest.trace);
        if mine {
            self.people.in_cash.taken.push(Taken { trace: newest.trace, minor, given: None });
            self.is_paid_with_cash();
        }
        mine
    }

    /// Of a purchase it was the rest: all of that is paid.
    fn is_paid_with_cash(&mut self) {
        let Some(serving) = &mut self.people.serving else { return };
        let is_rest = self.people.customers[serving.customer].cash.is_none();
        serving.begun = is_rest;
        self.tell(Word::Paid);
    }
}
