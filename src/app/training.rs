//! Between the shop and its training: when one may be left for the other. Who opens the other one is outside.

use std::time::Duration;

use super::engine::Core;
use super::view::{Screen, TrainingIntent, Turn};
use crate::clock;
use crate::terminal::mark::Mark;
use crate::wording::{Reason, ReasonKind};

/// A training that nobody touches for so long was forgotten; the shop must not stay closed.
const FORGOTTEN: Duration = Duration::from_secs(600);

impl Core {
    /// Somebody wants to train, or has trained enough. Only from the keypad, where nothing is under way.
    pub(super) fn on_training(&mut self, wish: TrainingIntent) {
        let turn = match (wish, self.parts.mark) {
            (TrainingIntent::Begin, Mark::Live | Mark::Test) => Turn::ToTraining,
            (TrainingIntent::End, Mark::Training) => Turn::ToTheShop,
            (TrainingIntent::Failed(reason), _) if self.turns() => return self.turn_failed(reason),
            // Cards and phones are put where they belong outside.
            _ => return,
        };
        if !matches!(self.screen, Screen::Keypad { .. }) || self.pays() || self.waiting.is_some() {
            return;
        }
        // A customer waits for money: that goes before.
        if turn == Turn::ToTraining && self.line.waiting > 0 {
            let reason = Reason::of(ReasonKind::TrainingWaits);
            self.screen = Screen::Keypad { notice: Some(reason) };
            return;
        }
        self.leave_for(turn);
    }

    /// Nothing else is begun while it is left.
    pub(super) const fn turns(&self) -> bool {
        matches!(self.screen, Screen::Turning(_))
    }

    fn turn_failed(&mut self, reason: Reason) {
        self.show_keypad();
        if matches!(self.screen, Screen::Keypad { .. }) {
            self.screen = Screen::Keypad { notice: Some(reason) };
        }
    }

    /// A training that was forgotten ends by itself, wherever it was left: locked, with a purchase open, or with a ledger that fails.
    pub(super) fn mind_training(&mut self) {
        let forgotten = self.parts.mark == Mark::Training && clock::since(self.staff.last_touch()) >= FORGOTTEN;
        if forgotten && !self.turns() && !self.pays() && self.waiting.is_none() {
            self.leave_for(Turn::ToTheShop);
        }
    }

    fn leave_for(&mut self, turn: Turn) {
        self.leave_result();
        self.screen = Screen::Turning(turn);
    }
}
