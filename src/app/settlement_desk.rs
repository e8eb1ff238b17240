//! Settlements and the merchant's account on the screen: what is shown, and what somebody at it wants.

use super::day_sums::sums_in_cash;
use super::engine::Core;
use super::settlement_view::{
    AccountView, GOODS_ON_SCREEN, OneSettlement, OpenBatch, PastPage, PastRow, RequestView, SETTLEMENTS_PER_PAGE,
    SettlementIntent, SettlementView, SlipView, Sums, WaitsFor,
};
use super::settling::{BatchReport, ReportError, batch_report};
use super::showing::local_now;
use super::view::Screen;
use super::workers::link;
use crate::ledger::{LedgerError, SettlementRow};
use crate::payment::online::LinkFailure;
use crate::reference::Batch;
use crate::settlement::closing::{BatchTotals, Cut, MerchantAccount, may_cut};
use crate::settlement::{TotalsError, totals};

/// Who gives a settlement up at this screen, and what is noted.
const AT_THE_SCREEN: (&str, &str) = ("touchscreen", "confirmed twice on the touchscreen");

/// Asking the host for the merchant's account. Only the engine's thread touches it.
#[derive(Debug, Default)]
pub(super) struct AccountDesk {
    /// Somebody looks at it, and the host was not asked yet.
    wanted: bool,
    /// The host is being asked.
    asked: bool,
}

impl AccountDesk {
    /// The host is being asked: the keys stay as they are.
    pub const fn asking(&self) -> bool {
        self.asked
    }
}

impl Core {
    /// What somebody at the screen wants; nobody pays meanwhile.
    pub(super) fn on_settlement(&mut self, intent: SettlementIntent) {
        match intent {
            SettlementIntent::Show => self.show_settlement(),
            SettlementIntent::ShowPast(page) => self.show_of_settlement(|core| core.past_page(page)),
            SettlementIntent::ShowOne(batch) => self.show_of_settlement(|core| core.one_settlement(batch)),
            SettlementIntent::ShowAccount => self.show_account(),
            SettlementIntent::Withdraw => {
                if let Err(error) = self.ledger.withdraw_settlement().and_then(|()| self.take_up_settlement()) {
                    self.ledger_failed(&error);
                }
            }
            SettlementIntent::TryNow => {
                self.settling.try_now();
                self.drain_settlement();
            }
            SettlementIntent::GiveUp(batch) => self.give_settlement_up(batch),
            SettlementIntent::Reprint(batch) => {
                self.settling.slips.print_again(batch);
                self.print_settlements();
            }
        }
        self.refresh_settlement();
    }

    /// The batch that is open, or the settlement that is under way.
    fn show_settlement(&mut self) {
        self.show_of_settlement(|core| match core.ledger.settlement_under_way()? {
            Some(row) => core.one_settlement(row.under_way.batch),
            None => core.open_batch().map(Some),
        });
    }

    fn show_of_settlement(&mut self, read: impl FnOnce(&Self) -> Result<Option<SettlementView>, LedgerError>) {
        self.leave_result();
        match read(self) {
            Ok(Some(view)) => self.screen = Screen::Settlement(Box::new(view)),
            // There is none of this number: what is shown stays.
            Ok(None) => {}
            Err(error) => self.ledger_failed(&error),
        }
    }

    /// How far a settlement is, is seen at once. One that is cut takes the place of its open batch.
    pub(super) fn refresh_settlement(&mut self) {
        let Screen::Settlement(shown) = &self.screen else { return };
        let read = match &**shown {
            SettlementView::Open(_) => match &self.settling.under_way {
                Some(under_way) => self.one_settlement(under_way.batch),
                None => self.open_batch().map(Some),
            },
            SettlementView::One(one) => self.one_settlement(one.row.batch),
            SettlementView::Past(past) => self.past_page(past.page),
            SettlementView::Account(_) => return,
        };
        match read {
            Ok(Some(view)) => self.screen = Screen::Settlement(Box::new(view)),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "settlements cannot be read"),
        }
    }

    fn open_batch(&self) -> Result<SettlementView, LedgerError> {
        let batch = self.ledger.batch_to_settle()?;
        let open = self.ledger.open_entries()?;
        let wanted = self.settling.wish.map(|wish| match may_cut(open, &wish, local_now()) {
            Cut::Now => WaitsFor::Turn,
            Cut::WaitsForHost(_) => WaitsFor::Host,
            Cut::WaitsForPeople(_) => WaitsFor::People,
        });
        let currency = self.parts.currency;
        let sums = match self.sums_as_shown(batch)? {
            Some(shown) => Ok(shown),
            None => match batch_report(&self.ledger, batch, currency) {
                Ok(report) => sums(&report).map_err(|error| error.to_string()),
                Err(ReportError::Ledger(error)) => return Err(error),
                Err(ReportError::Totals(error)) => Err(error.to_string()),
            },
        };
        Ok(SettlementView::Open(OpenBatch {
            batch,
            currency,
            sums,
            waiting: open.waiting,
            parked: open.parked,
            wanted,
            can_settle: self.parts.settlement.most_lines > 0,
        }))
    }

    /// The sums on the screen, where nothing was done in the batch since. They are looked at twice a second: what a long day sold is not
    /// added up each time.
    fn sums_as_shown(&self, batch: Batch) -> Result<Option<Sums>, LedgerError> {
        let Screen::Settlement(shown) = &self.screen else { return Ok(None) };
        let SettlementView::Open(OpenBatch { batch: of, currency, sums: Ok(sums), .. }) = &**shown else {
            return Ok(None);
        };
        if *of != batch {
            return Ok(None);
        }
        let Ok(now) = totals(&self.ledger.tallies(batch)?, *currency) else { return Ok(None) };
        let cash = sums_in_cash(&self.ledger.cash_of_batch(batch, *currency)?, *currency);
        let same = now.lines == sums.lines && now.open == sums.open && cash == sums.cash;
        Ok(same.then(|| sums.clone()))
    }

    fn past_page(&self, page: usize) -> Result<Option<SettlementView>, LedgerError> {
        let pages = self.ledger.count_settlements()?.div_ceil(SETTLEMENTS_PER_PAGE).max(1);
        let page = page.min(pages - 1);
        let found = self.ledger.settlements_from(page * SETTLEMENTS_PER_PAGE, SETTLEMENTS_PER_PAGE)?;
        Ok(Some(SettlementView::Past(PastPage { rows: found.iter().map(past_row).collect(), page, pages })))
    }

    fn one_settlement(&self, batch: Batch) -> Result<Option<SettlementView>, LedgerError> {
        let Some(row) = self.ledger.settlement(batch)? else { return Ok(None) };
        let (report, unsummed) = match batch_report(&self.ledger, batch, self.parts.currency) {
            Ok(report) => (Some(report), String::new()),
            Err(ReportError::Ledger(error)) => return Err(error),
            Err(ReportError::Totals(error)) => (None, error.to_string()),
        };
        let under_way = &row.under_way;
        let own = self.settling.under_way.as_ref().is_some_and(|own| own.batch == batch);
        let request = under_way.state.is_open().then(|| RequestView {
            asking: own && self.settling.asking(),
            tries: row.tries,
            next_try: self.settling.next_try_at.filter(|_| own && row.tries > 0),
        });
        let over = !under_way.state.is_open();
        let something = report.as_ref().is_some_and(|report| {
            !report.totals.lines.is_empty() || row.undecided > 0 || !report.differences.is_empty()
        });
        let slips = &self.settling.slips;
        let printing = slips.printing.is_some_and(|(printing, _)| printing == batch);
        let slip = if printing || slips.again == Some(batch) {
            Some(SlipView::Printing)
        } else if let Some((_, reason)) = slips.failed.as_ref().filter(|(failed, _)| *failed == batch) {
            Some(SlipView::Failed(reason.clone()))
        } else if over && something {
            Some(match (row.slip_due, slips.held) {
                (true, true) => SlipView::Failed(None),
                (true, false) => SlipView::Printing,
                (false, _) => SlipView::Printed,
            })
        } else {
            None
        };
        let differences = report.as_ref().map(|report| report.differences.clone()).unwrap_or_default();
        Ok(Some(SettlementView::One(Box::new(OneSettlement {
            row: past_row(&row),
            cause: row.cause,
            closed_at: row.closed_at,
            sums: match report {
                Some(report) => sums(&report).map_err(|error| error.to_string()),
                None => Err(unsummed),
            },
            undecided: row.undecided,
            uploaded: (under_way.uploaded, under_way.lines),
            request,
            money: row.closing,
            differences,
            given_up: row.given_up,
            can_print: over && something,
            slip,
        }))))
    }

    fn give_settlement_up(&mut self, batch: Batch) {
        let (person, note) = AT_THE_SCREEN;
        match self.ledger.give_settlement_up(batch, person, note, local_now()) {
            Ok(()) => {
                tracing::warn!(%batch, "somebody gave a settlement up");
                if let Err(error) = self.take_up_settlement() {
                    return self.ledger_failed(&error);
                }
                self.settling.slips.held = false;
                self.print_settlements();
            }
            // It came to its end meanwhile: the screen shows how it stands.
            Err(error @ LedgerError::NotSettled(_)) => tracing::warn!(%error, "nothing is given up"),
            Err(error) => self.ledger_failed(&error),
        }
    }

    fn show_account(&mut self) {
        self.leave_result();
        self.screen = Screen::Settlement(Box::new(SettlementView::Account(AccountView::Asking)));
        self.account.wanted = true;
        self.drain_account();
    }

    /// Asks the host for the account, when somebody looks at it and nothing stands in the way.
    pub(super) fn drain_account(&mut self) {
        let SettlementView::Account(AccountView::Asking) = (match &self.screen {
            Screen::Settlement(view) => &**view,
            _ => return self.account.wanted = false,
        }) else {
            return self.account.wanted = false;
        };
        let busy = self.account.asked || self.settling.asking() || self.sign_on.holds();
        if self.account.wanted && !busy && self.check_jobs.send(link::Job::Account).is_ok() {
            self.account = AccountDesk { wanted: false, asked: true };
        }
    }

    /// What the host told of the account; whoever has left does not see it.
    pub(super) fn after_account(&mut self, result: Result<MerchantAccount, LinkFailure>) {
        self.account.asked = false;
        let Screen::Settlement(view) = &mut self.screen else { return };
        if **view != SettlementView::Account(AccountView::Asking) {
            return;
        }
        // It was opened anew while the host was asked before.
        self.account.wanted = false;
        **view = SettlementView::Account(match result {
            Ok(account) => AccountView::Told(account),
            Err(failure) => {
                tracing::warn!(%failure, "the host does not tell of the account");
                AccountView::NotTold {
                    unreachable: matches!(failure, LinkFailure::NeverSent(_)),
                    detail: failure.to_string(),
                }
            }
        });
    }
}

fn past_row(row: &SettlementRow) -> PastRow {
    let under_way = &row.under_way;
    PastRow {
        batch: under_way.batch,
        state: under_way.state,
        at: row.begun_at,
        net_minor: under_way.totals.net_minor(),
        currency: under_way.totals.currency(),
        verdict: under_way.verdict,
        differences: row.closing.map_or(0, |closing| closing.differences),
    }
}

fn sums(report: &BatchReport) -> Result<Sums, TotalsError> {
    let compared = BatchTotals::of(&report.totals)?;
    Ok(Sums {
        count: compared.count(),
        net_minor: compared.net_minor(),
        open: report.totals.open,
        lines: report.totals.lines.clone(),
        cash: sums_in_cash(&report.cash, report.totals.currency),
        cashiers: report.sums_of_cashiers(),
        goods: report.goods_in_lines(GOODS_ON_SCREEN),
    })
}
