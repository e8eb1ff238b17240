//! Whoever settles: by the screen when nobody is served, or in the middle of everything. What the screen says of a settlement that is
//! over is remembered, and what is written down of one is not forgotten.

use yima::app::settlement_view::{SettlementIntent, SettlementView};
use yima::app::view::Intent;
use yima::ledger::Ledger;
use yima::reference::Batch;
use yima::settlement::closing::{Closing, State};

use super::Day;
use crate::plan::{Part, Settling};

/// Looks at a settlement before whoever looks goes on with something else.
const PATIENCE: u32 = 4;

impl Day<'_> {
    /// Somebody settles now, or as soon as there is a keypad.
    pub(super) fn wants_settled(&mut self, how: Settling) {
        match how {
            Settling::AtTheKeypad => self.people.to_settle += 1,
            Settling::AtOnce => self.send(Intent::Settle { without_undecided: false }),
            Settling::WithoutUndecided => self.send(Intent::Settle { without_undecided: true }),
        }
    }

    /// The keypad is there, and nobody is served.
    pub(super) fn settles_at_keypad(&mut self) {
        self.people.to_settle -= 1;
        self.people.looks = 0;
        self.send(Intent::Settlement(SettlementIntent::Show));
        self.send(Intent::Settle { without_undecided: false });
    }

    /// A settlement is on the screen, and nobody is served.
    pub(super) fn watches_settlement(&mut self, view: &SettlementView) {
        if let SettlementView::One(one) = view
            && let Some(money) = one.money
        {
            self.people.said_closed.push((one.row.batch, money));
        }
        self.people.looks += 1;
        let is_over = matches!(view, SettlementView::One(one) if !one.row.state.is_open());
        if is_over || self.people.looks >= PATIENCE {
            self.send(Intent::ShowKeypad);
        }
    }

    /// Everything else is over: what is left is settled, once.
    pub(super) fn settles_at_last(&mut self) {
        if self.plan.parts.contains(&Part::SettlesAtLast) {
            self.send(Intent::Settle { without_undecided: false });
        }
    }

    /// What of settlements is still to be done.
    pub(super) fn left_to_settle(&self, ledger: &Ledger, left: &mut Vec<String>) {
        if !self.plan.settles() {
            return;
        }
        match (ledger.settlement_wish(), ledger.settlement_under_way()) {
            (Ok(None), Ok(None)) => {}
            (wish, row) => {
                left.push(format!("a settlement: {wish:?}, {:?}", row.map(|row| row.map(|row| row.under_way))))
            }
        }
        // A slip that the printer did not take comes out with the next one that it takes.
        if self.last_customer.is_none() {
            return;
        }
        match ledger.settlement_slips_due() {
            Ok(due) if due.is_empty() => {}
            due => left.push(format!("slips of settlements: {due:?}")),
        }
    }

    /// What was written down of settlements, as far as it is on the disk for certain.
    pub(super) fn acknowledge_settlements(&mut self) {
        let Some(engine) = self.engine.as_ref().filter(|_| self.plan.settles()) else { return };
        for row in engine.ledger().settlements(3).unwrap_or_default() {
            let (batch, state) = (row.under_way.batch, row.under_way.state);
            if self.settled.insert(batch, state) != Some(state) {
                self.trace.note(format_args!("batch {batch} is {}", state.word()));
            }
        }
    }

    /// How settlements stand, after how they stood.
    pub(super) fn check_settlements(&mut self, ledger: &Ledger) {
        let problems =
            forgotten(&self.settled, |batch| ledger.settlement(batch).ok().flatten().map(|row| row.under_way.state));
        self.problems.extend(problems);
    }
}

/// What was written down of settlements and is gone.
pub fn forgotten(
    settled: &std::collections::BTreeMap<Batch, State>,
    now: impl Fn(Batch) -> Option<State>,
) -> Vec<String> {
    let mut problems = Vec::new();
    for (batch, before) in settled {
        let now = now(*batch);
        if !now.is_some_and(|now| before.may_become(now) || follows(*before, now)) {
            let now = now.map_or("gone", State::word);
            problems.push(format!("the settlement of batch {batch} was written as {} and is {now}", before.word()));
        }
    }
    problems
}

/// Whether a state follows another one, with others between them.
fn follows(before: State, now: State) -> bool {
    State::ALL.into_iter().any(|between| {
        between != before
            && before.may_become(between)
            && between != now
            && (between.may_become(now) || follows(between, now))
    })
}

/// What a screen said that a batch came to.
pub type SaidClosed = (Batch, Closing);
