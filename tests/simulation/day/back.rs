//! Who has paid and comes back: for the whole of it, or for a part. They go by the screen as well; a cashier who does not know what
//! came of it may try once more.

use yima::app::view::{Intent, Screen};
use yima::payment::purpose::Purpose;
use yima::payment::transaction::{Kind, Presence};
use yima::pin::Pin;
use yima::reference::TraceNumber;

use super::Day;
use crate::plan::Regret;

/// How often a cashier tries.
const TRIES: u32 = 3;

/// Looks at a screen that does not change before somebody goes away.
const PATIENCE: u32 = 12;

/// Somebody who came back.
pub struct Back {
    original: TraceNumber,
    regret: Regret,
    /// Times that it was done.
    times: u32,
}

/// What a screen said was done, of which sale.
pub struct Undone {
    pub original: TraceNumber,
    pub kind: Kind,
    pub times: u32,
}

impl Day<'_> {
    /// Whether somebody has come back, and for what: the sale that the terminal says was paid.
    pub(super) fn comes_back(&mut self, customer: usize) -> Option<Back> {
        let place = self.people.to_return.iter().position(|who| *who == customer)?;
        self.people.to_return.remove(place);
        let regret = self.people.customers[customer].regrets?;
        let owners = self.network.owners();
        let rows = self.engine.as_ref()?.ledger().page(0, 1000).ok()?;
        let paid = |row: &&yima::ledger::TransactionRow| {
            matches!(row.kind, Kind::Sale | Kind::OfflineSale | Kind::CodePayment)
                && row.state == yima::payment::record::State::Approved
                && owners.get(&row.trace) == Some(&customer)
        };
        Some(Back { original: rows.iter().find(paid)?.trace, regret, times: 0 })
    }

    pub(super) fn begins_errand(&mut self) {
        let Some(serving) = &mut self.people.serving else { return };
        let Some(back) = &serving.back else { return };
        let enough = match back.regret {
            Regret::Void => back.times > 0,
            Regret::Refund { times, .. } => back.times >= times,
        };
        if enough || serving.tries >= TRIES + back.times {
            return self.leaves();
        }
        serving.tries += 1;
        (serving.begun, serving.inserted, serving.patience) = (true, false, 0);
        let original = back.original;
        let purpose = match back.regret {
            Regret::Void => Purpose::Void(original, Presence::CardThere),
            Regret::Refund { percent, .. } => {
                let row = self.engine.as_ref().and_then(|engine| engine.ledger().find(original).ok().flatten());
                let Some(row) = row else { return self.leaves() };
                let minor = (row.amount.minor() * percent / 100).max(1);
                // At some amounts the sandbox host does something particular, whenever it is asked.
                let minor = if (66_00..70_00).contains(&minor) { minor - 60_00 } else { minor };
                let part = yima::money::Amount::new(minor, row.amount.currency());
                Purpose::Refund(original, part.ok())
            }
        };
        self.send(Intent::Begin(purpose));
    }

    pub(super) fn serves_who_came_back(&mut self, screen: &Screen) {
        let kind = self.shown.lock().unwrap().view.as_ref().map(|view| view.kind);
        let Some(serving) = &mut self.people.serving else { return };
        let card = self.people.customers[serving.customer].card;
        match screen {
            Screen::Keypad { .. } => self.begins_errand(),
            Screen::PresentCard { .. } if !serving.inserted => {
                serving.inserted = true;
                // Whoever paid before may have forgotten a card in there.
                self.slot.remove();
                self.slot.insert(card, None);
            }
            Screen::EnterPin { .. } => self.send(Intent::EnterPin(Pin::new(b"1234".to_vec().into()).unwrap())),
            Screen::ChooseApplication { .. } => self.send(Intent::ChooseApplication(0)),
            Screen::ConfirmApplication { .. } => self.send(Intent::ConfirmApplication(true)),
            Screen::PresentCard { .. } | Screen::Processing { .. } | Screen::ShowCode { .. } => {}
            // No acquirer of these days wants it on the screen.
            Screen::Sign { .. } => {}
            Screen::Approved { copies, .. } => {
                let mine = kind.is_some_and(|kind| matches!(kind, Kind::Void | Kind::Refund | Kind::CodeRefund));
                if let Some(back) = serving.back.as_mut().filter(|_| mine && std::mem::take(&mut serving.begun)) {
                    back.times += 1;
                    let (original, times) = (back.original, back.times);
                    self.people.undone.push(Undone { original, kind: kind.unwrap_or(Kind::Void), times });
                }
                self.slot.remove();
                if !self.minds_slips(copies) {
                    self.begins_errand();
                }
            }
            Screen::NotPaid { .. } => {
                self.slot.remove();
                self.begins_errand();
            }
            Screen::Unknown { .. } | Screen::OutOfService { .. } => {
                self.slot.remove();
                serving.patience += 1;
                if serving.patience > PATIENCE {
                    self.leaves();
                }
            }
            // This acquirer approves no parts.
            Screen::Purchase(_)
            | Screen::Transactions { .. }
            | Screen::Transaction(_)
            | Screen::Receipt(_)
            | Screen::Cart(_)
            | Screen::Cash(_)
            | Screen::Goods(_)
            | Screen::Settlement(_)
            | Screen::Queue { .. }
            | Screen::Staff(_)
            | Screen::Seek { .. }
            | Screen::Tip(_)
            | Screen::Instalments(_)
            | Screen::TypeNumber { .. }
            | Screen::Turning(_)
            | Screen::Enrol { .. } => {
                self.send(Intent::ShowKeypad);
            }
        }
    }
}
