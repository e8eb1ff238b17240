//! One earlier transaction on the screen, with what can be done with it: the payment core says what that is.

use super::cash::view_of_cash;
use super::engine::Core;
use super::showing::view_of_row;
use super::view::{Detail, Screen};
use crate::ledger::LedgerError;
use crate::money::Amount;
use crate::payment::permitted;
use crate::payment::purpose::Purpose;
use crate::payment::record::State;
use crate::payment::transaction::Presence;
use crate::reference::TraceNumber;
use crate::wording::Reason;

impl Core {
    /// Shows it; where there is none of this number the list stays.
    pub(super) fn show_transaction(&mut self, trace: TraceNumber) {
        self.leave_result();
        match self.detail_of(trace) {
            Ok(Some(detail)) => {
                self.slips_shown = Some(trace);
                self.screen = Screen::Transaction(Box::new(detail));
            }
            Ok(None) => {}
            Err(error) => self.ledger_failed(&error),
        }
    }

    fn detail_of(&self, trace: TraceNumber) -> Result<Option<Detail>, LedgerError> {
        let Some(row) = self.ledger.find(trace)? else { return self.detail_of_cash(trace) };
        let past = self.ledger.past(trace)?;
        let allowed = self.allowed()?;
        let can = |purpose: Purpose| purpose.transaction(past.as_ref(), allowed).ok();
        let refund = can(Purpose::Refund(trace, None));
        let complete = can(Purpose::Completion(trace, None, Presence::CardThere));
        let terminal = &self.parts.tables.terminal;
        let may = |purpose: Purpose| {
            can(purpose).is_some_and(|wanted| {
                permitted::refusal(terminal, wanted.kind(), wanted.amount()).is_none()
                    && permitted::refusal_without_card(terminal, &wanted).is_none()
            })
        };
        let whole = refund.as_ref().or(complete.as_ref()).map(|transaction| transaction.amount());
        let most = match &complete {
            Some(held) => Some(allowed.most_of(held.amount())),
            None => whole,
        };
        let reason = row.reason.map(|kind| Reason { code: row.response_code.clone(), ..Reason::of(kind) });
        Ok(Some(Detail {
            original: row.original,
            rrn: row.rrn.clone(),
            authorisation_code: row.authorisation_code.clone(),
            instalments: self.ledger.instalments_of(trace)?,
            cashier: self.told_of(row.cashier),
            reason: reason.filter(|_| row.state != State::Approved).map(|reason| reason.of_sense(row.kind.sense())),
            can_undo: can(Purpose::Void(trace, Presence::CardThere)).is_some(),
            can_undo_away: may(Purpose::Void(trace, Presence::CardAway)),
            can_refund: refund.is_some(),
            can_top_up: Amount::new(1, row.amount.currency()).is_ok_and(|least| may(Purpose::TopUp(trace, least))),
            can_complete: complete.is_some(),
            can_complete_away: may(Purpose::Completion(trace, None, Presence::CardAway)),
            can_notify: may(Purpose::CompletionNotice(trace, None)),
            can_print: row.has_slips(),
            whole,
            most,
            copies: self.copy_views(trace),
            row: view_of_row(row),
        }))
    }

    /// What of a cash sale has not gone back yet can.
    fn detail_of_cash(&self, trace: TraceNumber) -> Result<Option<Detail>, LedgerError> {
        let Some(row) = self.ledger.cash(trace)? else { return Ok(None) };
        let left = row.left();
        Ok(Some(Detail {
            row: view_of_cash(&row),
            original: row.sale,
            rrn: None,
            authorisation_code: None,
            instalments: None,
            cashier: self.told_of(row.cashier),
            reason: None,
            can_undo: false,
            can_undo_away: false,
            can_refund: left.is_some(),
            can_top_up: false,
            can_complete: false,
            can_complete_away: false,
            can_notify: false,
            can_print: true,
            whole: left,
            most: left,
            copies: self.copy_views(trace),
        }))
    }
}
