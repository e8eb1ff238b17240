//! Offline sales: what stands in the way of one, and how the host is told of it. How much may be sold so is the core's matter
//! (`payment::offline`), and so is what an answer means (`payment::queue`).

use super::engine::Core;
use super::queue::AFTER_DAMAGE;
use super::view::Screen;
use super::workers::link;
use crate::goods::sold::Sold;
use crate::ledger::LedgerError;
use crate::money::Amount;
use crate::payment::offline;
use crate::payment::online::{HostAnswer, LinkFailure};
use crate::payment::permitted;
use crate::payment::purpose::Purpose;
use crate::payment::queue::{Entry, EntryId};
use crate::payment::sale::Conclusion;
use crate::payment::transaction::Kind;
use crate::wording::{Reason, ReasonKind};

/// What could not be paid because the host is not reached.
#[derive(Clone, Debug)]
pub(super) struct Unreached {
    amount: Amount,
    sold: Sold,
    /// It was for what is in the cart.
    for_cart: bool,
}

impl Core {
    /// Why so much is not sold offline now.
    pub(super) fn refusal_of_offline_sale(&self, kind: Kind, amount: Amount) -> Option<Reason> {
        if kind != Kind::OfflineSale {
            return None;
        }
        match self.ledger.unsent_offline() {
            Ok(unsent) => offline::refusal(&self.parts.tables.terminal, unsent, amount),
            Err(error) => Some(Reason::with_detail(ReasonKind::LedgerFailed, error.to_string())),
        }
    }

    /// Remembers what somebody may want to sell offline.
    pub(super) fn note_unreached(&mut self, purpose: &Purpose, conclusion: &Conclusion) {
        let unreached = matches!(conclusion, Conclusion::Failed(reason) if reason.kind == ReasonKind::HostUnreachable);
        let what = matches!(purpose.what(), Purpose::Sale(_) | Purpose::Goods(_)).then(|| purpose.amount()).flatten();
        let for_cart = self.shop.paying;
        self.unreached = what.filter(|_| unreached).map(|amount| Unreached { amount, sold: purpose.sold(), for_cart });
    }

    /// Whether somebody at the screen may sell offline: what was keyed, or what could not be paid just now.
    pub(super) fn may_sell_offline(&self) -> bool {
        let parameters = &self.parts.tables.terminal;
        let least = Amount::zero(self.parts.currency);
        let amount = match (&self.screen, &self.unreached) {
            (Screen::Keypad { .. }, _) => least,
            (Screen::NotPaid { .. }, Some(unreached)) => unreached.amount,
            _ => return false,
        };
        let allowed =
            parameters.offline.is_some() && permitted::refusal(parameters, Kind::OfflineSale, amount).is_none();
        allowed && !self.purchase_is_open() && self.refusal_of_offline_sale(Kind::OfflineSale, amount).is_none()
    }

    /// Sells what could not be paid.
    pub(super) fn sell_offline(&mut self) {
        if self.may_sell_offline()
            && let (Screen::NotPaid { .. }, Some(unreached)) = (&self.screen, self.unreached.take())
        {
            let Unreached { amount, sold, for_cart } = unreached;
            self.begin_with(Purpose::Offline(amount, sold));
            // What is in the cart is still what is paid.
            self.shop.paying = for_cart && (self.pays() || self.waiting.is_some());
        }
    }

    /// Tells the host of one. Gives whether that left for the link.
    pub(super) fn tell_of_offline_sale(&mut self, entry: &Entry) -> bool {
        match self.ledger.offline_request(entry.trace) {
            Ok(Some(request)) => self.ask_host(link::Job::TellOfOfflineSale(Box::new(request))),
            Ok(None) => return false,
            // It will never be made, and what stands behind it can: a person must look.
            Err(error) if error.is_for_good() => {
                tracing::error!(trace = %entry.trace, %error, "an offline sale cannot be told to the host any more");
                if let Err(error) = self.give_up(entry, None) {
                    self.ledger_failed(&error);
                }
                return false;
            }
            Err(error) => {
                tracing::error!(trace = %entry.trace, %error, "an offline sale cannot be told to the host");
                self.queue.rest(entry.id, AFTER_DAMAGE);
                return false;
            }
        }
        true
    }

    /// The host has booked it: what it said is written down with that.
    pub(super) fn note_booked_offline_sale(
        &mut self,
        id: EntryId,
        result: &Result<HostAnswer, LinkFailure>,
    ) -> Result<bool, LedgerError> {
        let (EntryId::OfflineSale(trace), Ok(answer)) = (id, result) else { return Ok(false) };
        self.ledger.offline_sale_is_booked(trace, answer)?;
        Ok(true)
    }
}
