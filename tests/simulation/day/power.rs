//! The terminal goes off and on, and what it has written has to be there.

use std::sync::Arc;
use std::time::Duration;

use yima::app::{Device, SteppedEngine};
use yima::ledger::{LedgerError, TransactionRow};
use yima::payment::record::State;
use yima::payment::transaction::Kind;

use super::screen::{Shown, Watcher};
use super::{Day, Happening};
use crate::disk::{self, Survives};
use crate::plan::{CutAt, Part};
use crate::premises;

/// So often the terminal is switched on before somebody sees to its disk.
const PATIENCE: u32 = 40;

impl Day<'_> {
    /// The power went in the middle of a write or sync.
    pub(super) fn mind_power(&mut self) {
        if self.engine.is_none() || !disk::is_dead() {
            return;
        }
        self.power_goes(self.what_survives());
    }

    /// What is left after a cut at the last write or sync.
    fn what_survives(&self) -> Survives {
        let operation = disk::operations() - 1;
        let survives = self.plan.parts.iter().find_map(|part| match part {
            Part::Cut(CutAt::Operation(at, _), survives) if *at == operation => Some(*survives),
            _ => None,
        });
        survives.unwrap_or(Survives::Synced)
    }

    pub(super) fn power_goes(&mut self, survives: Survives) {
        let Some(mut engine) = self.engine.take() else { return };
        self.trace.note(format_args!("THE POWER GOES at operation {}; survives: {survives:?}", disk::operations()));
        self.cuts += 1;
        disk::cut();
        // A job that was handed over may have been done before.
        for device in [Device::Link, Device::SecondLink] {
            if !self.busy.contains(&device) && self.random.percent(50) {
                drop(engine.work(device));
            }
        }
        drop(engine);
        self.network.took();
        disk::restore(survives);
        self.busy.clear();
        self.run += 1;
        (self.looks, self.acts) = (false, false);
        *self.shown.lock().unwrap() = Shown::default();
        self.people.see_it_go_off();
        let off = self.random.between(2, 90);
        self.after(Duration::from_secs(off), Happening::PowerOn);
    }

    pub(super) fn power_on(&mut self) {
        let met = disk::met();
        let opened = premises::with(|premises| premises.parts(&self.network, &self.slot, &self.paper, self.plan));
        let again = Duration::from_secs(10);
        let parts = match opened {
            Ok(parts) => parts,
            Err(error) if disk::is_dead() => {
                self.trace.note(format_args!("the power goes again while starting: {}", error_word(&error)));
                self.cuts += 1;
                self.cuts_while_starting += 1;
                disk::restore(self.what_survives());
                return self.after(again, Happening::PowerOn);
            }
            Err(error) => {
                self.trace.note(format_args!("the terminal does not start: {}", error_word(&error)));
                self.refusals += 1;
                // What is met after that is another trouble of the plan, which somebody sees to as well.
                if self.refusals > PATIENCE && disk::met() > met {
                    self.refusals = 1;
                }
                // However long this trouble is: somebody sees to the disk, and that has to be enough.
                if self.refusals == PATIENCE {
                    self.trace.note(format_args!("somebody sees to the disk"));
                    disk::mend();
                }
                if self.refusals > PATIENCE + 3 || matches!(error, LedgerError::Damaged { .. }) {
                    self.is_over = true;
                    return self.problems.push(format!("the terminal does not start any more: {error}"));
                }
                return self.after(again, Happening::PowerOn);
            }
        };
        let rows = parts.ledger.page(0, 10_000);
        self.check_settlements(&parts.ledger);
        self.trace.note(format_args!("the terminal starts"));
        self.refusals = 0;
        if let Ok(rows) = rows {
            self.check_nothing_is_lost(&rows);
        }
        let watcher = Watcher(Arc::clone(&self.shown), self.trace.clone());
        self.engine = Some(SteppedEngine::start(parts, Box::new(watcher)));
        self.acts_soon(2000);
    }

    /// What the ledger said it had written is there, or what may have become of it since.
    fn check_nothing_is_lost(&mut self, rows: &[TransactionRow]) {
        for (trace, state) in &self.acknowledged {
            let now = rows.iter().find(|row| row.trace == *trace);
            if !now.is_some_and(|now| may_follow(now.kind, *state, now.state)) {
                let now = now.map_or("gone", |row| row.state.word());
                self.problems.push(format!("{trace} was written as {} and is {now}", state.word()));
            }
        }
    }

    pub(super) fn acknowledge(&mut self) {
        let syncs = disk::syncs();
        if syncs == self.syncs || disk::is_dead() {
            return;
        }
        self.syncs = syncs;
        let Some(engine) = &self.engine else { return };
        for row in engine.ledger().page(0, 6).unwrap_or_default() {
            self.acknowledged.insert(row.trace, row.state);
            self.knows_whose(&row);
        }
        let over = self.over_limits(engine.ledger());
        self.problems.extend(over);
        self.acknowledge_settlements();
    }
}

/// Which kind of error it is: the sentence names places of this machine.
fn error_word(error: &LedgerError) -> String {
    format!("{error:?}").split(|end: char| !end.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

/// What may have become of a payment.
pub const fn may_follow(kind: Kind, before: State, after: State) -> bool {
    if matches!(kind, Kind::OfflineSale) {
        // Nobody takes it back; a bank that does not pay it makes it a matter of a person, who may have it told once more.
        return matches!(before, State::Approved | State::Unresolved)
            && matches!(after, State::Approved | State::Unresolved);
    }
    match before {
        State::Pending => true,
        State::HostApproved => !matches!(after, State::Pending | State::Declined),
        // The judge asks whether it was a part of a purchase that was given up.
        State::Approved => {
            matches!(after, State::Approved | State::ReversalDue | State::Reversed | State::Unresolved)
        }
        State::Declined => matches!(after, State::Declined | State::ReversalDue | State::Reversed | State::Unresolved),
        State::RepeatDue => !matches!(after, State::Pending | State::ReversalDue | State::Reversed),
        State::ReversalDue => matches!(after, State::ReversalDue | State::Reversed | State::Unresolved),
        State::Reversed | State::Unresolved => {
            matches!(after, State::Reversed | State::Unresolved | State::ReversalDue)
        }
    }
}
