//! What is on the screen: where a payment stands, how one ended, the keypad with what waits for the cashier, the list of
//! transactions. A result that is shown stays until it is left, whatever becomes of the ledger meanwhile.

use std::time::Duration;

use jiff::civil::DateTime;

use super::books::kind_of_ledger;
use super::cash::view_of_cash;
use super::choosing;
use super::engine::Core;
use super::pin_entry;
use super::view::{CopyState, Progress, ROWS_PER_PAGE, RowState, Screen, TransactionRow, View};
use crate::clock;
use crate::ledger::{self, LedgerError, ListEnd, Listed};
use crate::money::Amount;
use crate::payment::queue::Resolution;
use crate::payment::record::State;
use crate::payment::sale;
use crate::payment::transaction::Kind;
use crate::reference::{AuthorisationCode, TraceNumber};
use crate::wording::{Language, Reason};

/// How often a ledger that failed is tried again.
const LEDGER_INTERVAL: Duration = Duration::from_secs(10);

/// What there is to show of a payment that was made.
#[derive(Clone, Debug)]
pub(super) struct Paid {
    /// What it was.
    pub kind: Kind,
    pub trace: TraceNumber,
    pub amount: Amount,
    pub truncated_pan: String,
    pub authorisation_code: Option<AuthorisationCode>,
    pub at: DateTime,
}

impl Core {
    pub(super) fn show_progress(&mut self) {
        let Some(running) = &self.running else { return };
        let amount = running.sale.amount();
        if let Some(question) = &running.question {
            self.screen = choosing::screen(question, amount);
            return self.publish();
        }
        self.screen = match running.progress {
            sale::Progress::PresentCard | sale::Progress::PresentStripe => {
                Screen::PresentCard { amount, notice: running.notice.clone() }
            }
            sale::Progress::TypingNumber => Screen::TypeNumber { amount, notice: running.notice.clone() },
            sale::Progress::ReadingCard => Screen::Processing { amount, progress: Progress::ReadingCard },
            sale::Progress::EnteringPin(request) => Screen::EnterPin {
                amount,
                notice: pin_entry::notice(request),
                place: running.pin_place,
                may_bypass: running.sale.pin_bypass(),
                language: running.sale.language().and_then(Language::of_iso_639),
            },
            sale::Progress::AskingHost => Screen::Processing { amount, progress: Progress::AskingHost },
            sale::Progress::CompletingCard => Screen::Processing { amount, progress: Progress::CompletingCard },
        };
        // What a person sees must not lag behind what happens next.
        self.publish();
    }

    /// The payment was made. What is shown comes from the payment itself: a ledger that cannot be read now does not take it
    /// off the screen.
    pub(super) fn show_paid(&mut self, paid: Paid) {
        self.kind_shown = Some(paid.kind);
        self.result_shown = Some(paid.trace);
        self.slips_shown = Some(paid.trace);
        self.screen = Screen::Approved {
            trace: paid.trace,
            amount: paid.amount,
            truncated_pan: paid.truncated_pan,
            authorisation_code: paid.authorisation_code.map(|code| code.to_string()).unwrap_or_default(),
            copies: self.copy_views(paid.trace),
            receipt: self.receipt_link(paid.trace, paid.at),
            at: paid.at,
        };
    }

    pub(super) fn show_keypad(&mut self) {
        self.leave_result();
        self.sought = None;
        self.screen = match &self.out_of_service.clone() {
            Some(reason) => Screen::OutOfService { reason: reason.clone() },
            None => match self.sign_on_screen() {
                Some(screen) => screen,
                // Whoever has paid a part is still there.
                None => self.purchase_screen(None).unwrap_or_else(|| Screen::Keypad { notice: self.notice() }),
            },
        };
        self.look_at_favourites();
    }

    /// A person must look at a payment: said above the keypad until somebody has dealt with it.
    pub(super) fn set_alarm(&mut self, reason: Reason) {
        self.alarm = Some(reason);
        self.refresh_notice();
    }

    /// What waits for the cashier has changed: said at once when the keypad is shown.
    pub(super) fn refresh_notice(&mut self) {
        let now = self.notice();
        if let Screen::Keypad { notice } = &mut self.screen {
            *notice = now;
        }
    }

    /// A payment that a person must look at; then a host that disagrees about this terminal or its log, or gives it no keys; then a slip of
    /// an earlier sale that does not come out; then a line to the host that does not mend itself.
    fn notice(&self) -> Option<Reason> {
        let slip = || {
            self.copies.iter().find_map(|copy| match &copy.state {
                CopyState::Waiting(reason) | CopyState::Failed(reason) | CopyState::Asks(Some(reason)) => Some(reason),
                CopyState::Queued | CopyState::Sending | CopyState::Asks(None) | CopyState::Printed => None,
            })
        };
        let terminal = || {
            let refusal = self.binding.refusal().or_else(|| self.sign_on_trouble().cloned());
            refusal.or_else(|| self.witness.trouble().cloned())
        };
        self.alarm.clone().or_else(terminal).or_else(|| slip().cloned()).or_else(|| self.line.trouble())
    }

    /// Whatever was on screen is left; a payment that waited for reversals is given up.
    pub(super) fn leave_result(&mut self) {
        self.leave_result_at = None;
        self.result_shown = None;
        self.slips_shown = None;
        self.waiting = None;
        self.cash.leave();
        self.tip.leave();
        self.instalments.leave();
        self.leave_people();
    }

    pub(super) fn show_transactions(&mut self, page: usize) {
        self.leave_result();
        let read = (|| {
            // A page begins where the one before ended, however many there are.
            let page = page.min(self.page_ends.len());
            let (found, page, pages) = match &self.sought {
                None => {
                    let pages = (self.ledger.count()? + self.ledger.count_cash_rows()?).div_ceil(ROWS_PER_PAGE).max(1);
                    let page = page.min(pages - 1);
                    (self.ledger.list(None, self.end_before(page), ROWS_PER_PAGE)?, page, pages)
                }
                Some(sought) => {
                    let found = self.ledger.list(Some(&sought.search()), self.end_before(page), ROWS_PER_PAGE)?;
                    // Nobody counts through: there is one more, or none.
                    let pages = page + 1 + usize::from(found.next.is_some());
                    (found, page, pages)
                }
            };
            self.page_ends.truncate(page);
            self.page_ends.extend(found.next);
            let total = self.ledger.paid_on(local_now().date(), self.parts.currency)?;
            Ok((found.rows, page, pages, total))
        })();
        let (rows, page, pages, total) = match read {
            Ok(read) => read,
            Err(error) => return self.ledger_failed(&error),
        };
        self.screen = Screen::Transactions {
            rows: rows.into_iter().map(view_of_listed).collect(),
            page,
            pages,
            count_today: total.count,
            total_today: total.amount,
            count_back: total.count_back,
            total_back: total.back,
            copies: Vec::new(),
            sought: self.sought.clone(),
        };
    }

    /// Where the page before this one ended.
    fn end_before(&self, page: usize) -> Option<&ListEnd> {
        page.checked_sub(1).and_then(|before| self.page_ends.get(before))
    }

    /// The ledger cannot be read or written: no payment can be taken. What a payment came to is worth more than why there
    /// can be no next one, so a result stays on screen until it is left.
    pub(super) fn ledger_failed(&mut self, error: &LedgerError) {
        tracing::error!(%error, "the ledger failed");
        self.next_ledger_try = clock::instant() + LEDGER_INTERVAL;
        self.queue.rest_until(self.next_ledger_try);
        if let Some(report) = &mut self.report {
            report.complete = true;
        }
        let reason = Reason::with_detail(kind_of_ledger(error), error.to_string());
        self.out_of_service = Some(reason.clone());
        if let Some(purpose) = self.waiting.take() {
            self.refuse(purpose, reason.clone());
        }
        match self.screen {
            Screen::Approved { .. }
            | Screen::Sign { .. }
            | Screen::NotPaid { .. }
            | Screen::Unknown { .. }
            | Screen::Purchase(_)
            | Screen::Cash(_) => {}
            Screen::Keypad { .. }
            | Screen::PresentCard { .. }
            | Screen::TypeNumber { .. }
            | Screen::EnterPin { .. }
            | Screen::ChooseApplication { .. }
            | Screen::ConfirmApplication { .. }
            | Screen::Processing { .. }
            | Screen::ShowCode { .. }
            | Screen::Transactions { .. }
            | Screen::Seek { .. }
            | Screen::Tip(_)
            | Screen::Instalments(_)
            | Screen::Transaction(_)
            | Screen::Receipt(_)
            | Screen::Cart(_)
            | Screen::Goods(_)
            | Screen::Settlement(_)
            | Screen::Staff(_)
            | Screen::Queue { .. }
            | Screen::Enrol { .. }
            | Screen::Turning(_)
            | Screen::OutOfService { .. } => self.screen = Screen::OutOfService { reason },
        }
    }

    /// A ledger that failed is looked at again now and then: a full disk may have been emptied. Not while a payment runs: its
    /// row is not one that was left.
    pub(super) fn try_ledger_again(&mut self) {
        let due = self.out_of_service.is_some() && clock::instant() >= self.next_ledger_try;
        if !due || self.pays() {
            return;
        }
        self.next_ledger_try = clock::instant() + LEDGER_INTERVAL;
        if self.ledger.check_writable().is_err() || (self.left_over && self.take_up_what_was_left().is_err()) {
            return;
        }
        if self.count_waiting().is_err() {
            return;
        }
        self.out_of_service = None;
        if matches!(self.screen, Screen::OutOfService { .. }) {
            self.show_keypad();
        }
    }

    /// Tells the listener what has changed since the last time.
    pub(super) fn publish(&mut self) {
        self.mind_signature();
        self.mind_cart();
        self.mind_till();
        let view = View {
            screen: self.screen.clone(),
            kind: self.kind_shown.unwrap_or(Kind::Sale),
            link: self.line.state(),
            waiting: self.line.waiting,
            queued: self.queued,
            merchant_name: self.merchant_name(),
            currency: self.parts.currency,
            mark: self.parts.mark,
            codes: self.may_turn_to_code(),
            offline: self.may_sell_offline(),
            ways: self.card_ways(),
            shop: self.shop.shown(self.parts.cash),
            display: self.till.shown(),
            duty: self.duty_view(),
            instalments: self.instalments_shown(),
            scan_note: self.scanning.note(),
        };
        if self.shown.as_ref() != Some(&view) {
            self.listener.show(&view);
            self.shown = Some(view);
        }
        if let Some(report) = &self.report
            && report.complete
        {
            self.listener.report(report);
            self.report = None;
        }
    }
}

/// The terminal's local time, to the second.
pub(super) fn local_now() -> DateTime {
    local_in(Duration::ZERO)
}

/// Local time some seconds from now.
pub(super) fn local_in(delay: Duration) -> DateTime {
    let now = clock::local().datetime();
    let later = now.saturating_add(jiff::SignedDuration::try_from(delay).unwrap_or_default());
    later.with().subsec_nanosecond(0).build().unwrap_or(later)
}

fn view_of_listed(row: Listed) -> TransactionRow {
    match row {
        Listed::Payment(row) => view_of_row(*row),
        Listed::Cash(row) => view_of_cash(&row),
    }
}

pub(super) fn view_of_row(row: ledger::TransactionRow) -> TransactionRow {
    TransactionRow {
        kind: row.kind.into(),
        trace: row.trace,
        at: row.at,
        amount: row.amount,
        truncated_pan: row.truncated_pan,
        state: match row.state {
            State::Pending | State::HostApproved | State::RepeatDue => RowState::Pending,
            State::Approved => RowState::Approved,
            State::Declined => RowState::Declined,
            State::ReversalDue => RowState::ReversalDue,
            State::Reversed => RowState::Reversed,
            State::Unresolved => match row.resolution {
                // The acquirer's word, told by a person.
                Some(Resolution::Charged) => RowState::Approved,
                Some(Resolution::Reversed) => RowState::Reversed,
                Some(Resolution::Noted) | None => RowState::Unresolved,
            },
        },
    }
}
