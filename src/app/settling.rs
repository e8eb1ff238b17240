//! Settlement: when a batch is cut, and one request after the other until the host has closed it. What is asked and what an answer means
//! is the core's matter ([`crate::settlement::closing`]).
//!
//! No payment waits for it: the moment in which a batch is cut is one in which nobody pays, and from then on payments have numbers of the
//! next batch. Its requests go by the second thread of the link, and none is begun while somebody pays.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::civil::{DateTime, Time};

use super::engine::Core;
use super::setup::{Setup, SetupError};
use super::showing::{local_in, local_now};
use super::sign_on::destroy_number_keys;
use super::workers::link;
use crate::acquirer::link::HostLink;
use crate::clock;
use crate::deliberate;
use crate::goods::GoodSum;
use crate::ledger::{CashSum, CashierSum, Ledger, LedgerError, SettlementRow};
use crate::payment::cash::CashKind;
use crate::payment::online::LinkFailure;
use crate::people::{PersonNumber, Roster};
use crate::reference::Batch;
use crate::settlement::closing::{
    self, Answer, Cause, Closing, Cut, MerchantAccount, State, UnderWay, Wish, due, may_cut, night, pause_s,
};
use crate::settlement::{Totals, TotalsError, totals};
use crate::wording::Reason;

/// How often it is looked whether a batch has become too long for a message.
const LOOK_AT_LENGTH: Duration = Duration::from_secs(60);

/// When a terminal settles without being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettlementPlan {
    /// Local time of every night, where the acquirer says nothing else; none where people do it.
    pub at: Option<Time>,
    /// With so many payments.
    pub most_payments: u32,
    /// How many one message uploads; nothing is settled where it is none.
    pub most_lines: usize,
}

impl SettlementPlan {
    /// Of a terminal that settles nothing.
    pub const NEVER: Self = Self { at: None, most_payments: u32::MAX, most_lines: 0 };
}

/// What the engine knows of settlements beside the ledger. Only its own thread touches it.
#[derive(Debug)]
pub(super) struct SettlingDesk {
    pub(super) wish: Option<Wish>,
    pub(super) under_way: Option<UnderWay>,
    tries: u32,
    /// The host is being asked, and how many lines it was told.
    asked: Option<u32>,
    next_try: Instant,
    /// The same in local time, as it is shown.
    pub(super) next_try_at: Option<DateTime>,
    next_look: Instant,
    /// What is said of it once.
    told: Option<Cut>,
    pub(super) slips: SettlementSlips,
}

/// What the engine knows of slips of settlements beside the ledger.
#[derive(Debug, Default)]
pub(super) struct SettlementSlips {
    /// Which one the printer has, and since when.
    pub printing: Option<(Batch, Instant)>,
    /// The printer did not take one: nothing is tried until something changes.
    pub held: bool,
    /// Somebody wants this one once more.
    pub again: Option<Batch>,
    /// Which one did not come out, and why.
    pub failed: Option<(Batch, Option<Reason>)>,
}

impl SettlementSlips {
    /// Somebody wants a slip once more; what kept the printer may be over.
    pub fn print_again(&mut self, batch: Batch) {
        self.again = Some(batch);
        self.held = false;
        self.failed = None;
    }
}

impl SettlementSlips {
    /// A slip is coming out that a program which stops should wait for, as long as it takes no longer than that.
    pub fn keep_engine(&self, limit: Duration) -> bool {
        self.printing.is_some_and(|(_, since)| clock::since(since) < limit)
    }
}

impl SettlingDesk {
    pub fn new() -> Self {
        let now = clock::instant();
        Self {
            wish: None,
            under_way: None,
            tries: 0,
            asked: None,
            next_try: now,
            next_try_at: None,
            next_look: now,
            told: None,
            slips: SettlementSlips::default(),
        }
    }

    /// The host is being asked: the keys stay as they are.
    pub const fn asking(&self) -> bool {
        self.asked.is_some()
    }

    /// The next request goes at once.
    pub fn try_now(&mut self) {
        self.next_try = clock::instant();
        self.next_try_at = None;
    }

    /// The next request goes after a while.
    fn try_in(&mut self, pause: Duration) {
        self.next_try = clock::instant() + pause;
        self.next_try_at = Some(local_in(pause));
    }

    fn take(&mut self, row: Option<SettlementRow>) {
        self.tries = row.as_ref().map_or(0, |row| row.tries);
        self.under_way = row.map(|row| row.under_way);
    }
}

impl Core {
    /// What is wanted, and what an earlier run had begun.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn take_up_settlement(&mut self) -> Result<(), LedgerError> {
        self.settling.wish = self.ledger.settlement_wish()?;
        self.settling.told = None;
        let row = self.ledger.settlement_under_way()?;
        self.settling.take(row);
        Ok(())
    }

    /// Somebody wants a settlement.
    pub(super) fn want_settlement(&mut self, cause: Cause, without_undecided: bool) {
        let wish = Wish { cause, since: local_now(), without_undecided };
        if let Err(error) = self.ledger.wish_settlement(&wish).and_then(|()| self.take_up_settlement()) {
            return self.ledger_failed(&error);
        }
        self.settling.try_now();
        self.queue.look_again();
        self.drain_queue(true);
        self.drain_settlement();
        self.refresh_settlement();
    }

    /// Does what is next of a settlement, when nobody pays.
    pub(super) fn drain_settlement(&mut self) {
        let plan = self.parts.settlement;
        let busy = self.pays() || self.waiting.is_some() || self.settling.asking() || self.sign_on.holds();
        // What is being signed is still to be uploaded in its batch.
        let busy = busy || self.signing.asks();
        if plan.most_lines == 0 || busy || self.left_over || self.out_of_service.is_some() {
            return;
        }
        if let Err(error) = self.settle_on(plan) {
            self.ledger_failed(&error);
        }
    }

    fn settle_on(&mut self, plan: SettlementPlan) -> Result<(), LedgerError> {
        self.look_at_the_clock(plan)?;
        self.look_at_the_length(plan)?;
        if self.settling.under_way.is_none() {
            self.cut()?;
        }
        if let Some(under_way) = self.settling.under_way.clone()
            && clock::instant() >= self.settling.next_try
        {
            self.ask_about_settlement(&under_way, plan)?;
        }
        Ok(())
    }

    fn look_at_the_clock(&mut self, plan: SettlementPlan) -> Result<(), LedgerError> {
        // A clock that is known to be wrong says nothing of the night.
        // The acquirer's word goes before that of the settings.
        let at = self.parts.tables.terminal.settlement_time().or(plan.at);
        let Some(at) = at.filter(|_| self.line.refusal().is_none()) else { return Ok(()) };
        let (now, last) = (local_now(), self.ledger.settled_night()?);
        let wish = Wish { cause: Cause::Nightly, since: now, without_undecided: false };
        match (due(last, now, at), last) {
            (Some(night), _) => {
                tracing::info!(%night, "it is time to settle");
                self.ledger.night_has_come(night, Some(&wish))?;
                self.settling.wish = self.ledger.settlement_wish()?;
            }
            // A terminal that never settled waits for its first night.
            (None, None) => self.ledger.night_has_come(night(now, at), None)?,
            (None, Some(_)) => {}
        }
        Ok(())
    }

    fn look_at_the_length(&mut self, plan: SettlementPlan) -> Result<(), LedgerError> {
        if self.settling.wish.is_some() || clock::instant() < self.settling.next_look {
            return Ok(());
        }
        self.settling.next_look = clock::instant() + LOOK_AT_LENGTH;
        let tallies = self.ledger.tallies(self.ledger.batch()?)?;
        let count = tallies.iter().fold(0_u32, |count, tally| count.saturating_add(tally.count));
        if count >= plan.most_payments {
            let wish = Wish { cause: Cause::Full, since: local_now(), without_undecided: false };
            self.ledger.wish_settlement(&wish)?;
            self.settling.wish = self.ledger.settlement_wish()?;
        }
        Ok(())
    }

    /// Cuts the batch that is next, when it is wanted and nothing stands in the way.
    fn cut(&mut self) -> Result<(), LedgerError> {
        let Some(wish) = self.settling.wish.filter(|_| !self.queue.busy()) else { return Ok(()) };
        // Whoever has paid a part is still there: the day is not over.
        if self.ledger.open_purchase()?.is_some() {
            return Ok(());
        }
        let cut = may_cut(self.ledger.open_entries()?, &wish, local_now());
        if cut != Cut::Now {
            if self.settling.told != Some(cut) {
                tracing::info!(?cut, "a settlement waits");
                self.settling.told = Some(cut);
            }
            return Ok(());
        }
        let batch = self.ledger.batch_to_settle()?;
        match self.ledger.begin_settlement(batch, self.parts.currency, wish.cause, local_now()) {
            Ok(row) => {
                tracing::info!(%batch, cause = wish.cause.word(), payments = row.under_way.lines, "a batch is cut");
                self.settling.wish = None;
                self.settling.told = None;
                self.settling.take(Some(row));
                self.settling.try_now();
                Ok(())
            }
            // A batch that cannot be added up is for a person; payments go on.
            Err(error @ LedgerError::NotSettled(_)) => {
                tracing::error!(%batch, %error, "this batch cannot be settled");
                self.settling.wish = None;
                self.ledger.withdraw_settlement()
            }
            Err(error) => Err(error),
        }
    }

    fn ask_about_settlement(&mut self, under_way: &UnderWay, plan: SettlementPlan) -> Result<(), LedgerError> {
        let UnderWay { batch, state, uploaded, .. } = *under_way;
        let part = if state == State::Uploading {
            self.ledger.settlement_lines(batch, under_way.totals.currency(), uploaded, plan.most_lines)?
        } else {
            Vec::new()
        };
        let sent = u32::try_from(part.len()).unwrap_or(u32::MAX);
        let Some(request) = under_way.request(part) else { return Ok(()) };
        if self.check_jobs.send(link::Job::Settle(batch, Box::new(request))).is_ok() {
            self.settling.asked = Some(sent);
        }
        Ok(())
    }

    /// What came of a request.
    pub(super) fn after_settling(&mut self, batch: Batch, result: Result<Answer, LinkFailure>) {
        let Some(sent) = self.settling.asked.take() else { return };
        let noted = match result {
            Ok(answer) => self.note_settlement(batch, answer, sent),
            Err(failure) => self.note_no_settlement(batch, &failure),
        };
        if let Err(error) = noted {
            // The same is asked again: nothing of it is written down.
            self.settling.try_in(Duration::from_secs(pause_s(1).into()));
            return self.ledger_failed(&error);
        }
        self.drain_settlement();
        self.refresh_settlement();
    }

    fn note_settlement(&mut self, batch: Batch, answer: Answer, sent: u32) -> Result<(), LedgerError> {
        let Some(under_way) = self.settling.under_way.clone().filter(|under_way| under_way.batch == batch) else {
            return Ok(());
        };
        match under_way.step(answer, sent) {
            Ok((next, change)) => {
                self.ledger.carry_settlement_on(batch, next, &change, local_now())?;
                tracing::info!(%batch, state = next.word(), "a settlement goes on");
                let row = self.ledger.settlement_under_way()?;
                self.settling.take(row);
                self.settling.try_now();
                if !next.is_open() { self.after_close() } else { Ok(()) }
            }
            Err(unexpected) => {
                tracing::error!(%batch, %unexpected, "the same is asked again");
                self.wait_with_settlement(batch)
            }
        }
    }

    /// Nothing that needs the numbers of its cards can come any more, and batches that a sign-on had passed over are settled as well.
    fn after_close(&mut self) -> Result<(), LedgerError> {
        destroy_number_keys(&mut self.ledger);
        self.witness.order();
        self.settling.slips.held = false;
        self.print_settlements();
        if self.ledger.batch_to_settle()? < self.ledger.batch()? {
            self.want_settlement(Cause::Full, false);
        }
        Ok(())
    }

    fn note_no_settlement(&mut self, batch: Batch, failure: &LinkFailure) -> Result<(), LedgerError> {
        if deliberate::is("silence_closes")
            && let Some(UnderWay { state: State::Ending, totals, .. }) = &self.settling.under_way
        {
            let closed = Closing { gross_minor: totals.net_minor(), fee_minor: 0, differences: 0 };
            return self.note_settlement(batch, Answer::Closed(closed), 0);
        }
        tracing::warn!(%batch, %failure, "a settlement waits for the host");
        self.wait_with_settlement(batch)
    }

    fn wait_with_settlement(&mut self, batch: Batch) -> Result<(), LedgerError> {
        // Somebody may have given it up meanwhile.
        let still = self.ledger.settlement_under_way()?.is_some_and(|row| row.under_way.batch == batch);
        if still {
            self.ledger.settlement_tried(batch)?;
        }
        self.take_up_settlement()?;
        self.settling.try_in(Duration::from_secs(pause_s(self.settling.tries.max(1)).into()));
        Ok(())
    }
}

/// What is known of a batch: what it comes to, and how its settlement stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchReport {
    /// Which.
    pub batch: Batch,
    /// What it comes to, by type and means of payment.
    pub totals: Totals,
    /// What was sold, that of which most was sold first.
    pub goods: Vec<GoodSum>,
    /// Who took what, by person and type.
    pub cashiers: Vec<CashierSum>,
    /// Everybody who works here, to name them.
    pub people: Roster,
    /// What came about in cash meanwhile, by who did it: no host settles it.
    pub cash: Vec<CashSum>,
    /// Its settlement, once it has begun.
    pub settlement: Option<SettlementRow>,
    /// What host and terminal have otherwise.
    pub differences: Vec<closing::HostDifference>,
}

impl BatchReport {
    /// Who took or gave back something in it, by number.
    pub fn people_in_it(&self) -> BTreeSet<PersonNumber> {
        let by_host = self.cashiers.iter().filter_map(|sum| sum.cashier);
        by_host.chain(self.cash.iter().filter_map(|sum| sum.cashier)).collect()
    }

    /// Nothing happened of which a slip could tell.
    pub fn is_empty(&self) -> bool {
        let undecided = self.settlement.as_ref().is_some_and(|row| row.undecided > 0);
        self.totals.lines.is_empty() && self.cash.is_empty() && !undecided && self.differences.is_empty()
    }

    /// What came about in cash of each kind, whoever did it: how many, and minor units. What there is none of is left out.
    pub fn cash_sums(&self) -> Vec<(CashKind, u32, u64)> {
        in_cash_by_kind(&self.cash)
    }
}

/// The same of sums by who did it.
pub(super) fn in_cash_by_kind(sums: &[CashSum]) -> Vec<(CashKind, u32, u64)> {
    let of = |kind| {
        let sums = sums.iter().filter(|sum| sum.kind == kind);
        sums.fold((kind, 0_u32, 0_u64), |(kind, count, minor), sum| {
            (kind, count.saturating_add(sum.count), minor.saturating_add(sum.minor))
        })
    };
    CashKind::ALL.into_iter().map(of).filter(|(_, count, _)| *count > 0).collect()
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The sums.
    #[error(transparent)]
    Totals(#[from] TotalsError),
}

/// What is known of a batch.
///
/// # Errors
/// When the ledger cannot be read, or the batch cannot be added up.
pub fn batch_report(
    ledger: &Ledger,
    batch: Batch,
    currency: crate::money::Currency,
) -> Result<BatchReport, ReportError> {
    let settlement = ledger.settlement(batch)?;
    let currency = settlement.as_ref().map_or(currency, |row| row.under_way.totals.currency());
    Ok(BatchReport {
        batch,
        totals: totals(&ledger.tallies(batch)?, currency)?,
        goods: ledger.goods_of_batch(batch)?,
        cashiers: ledger.cashiers_of_batch(batch)?,
        people: ledger.people()?,
        cash: ledger.cash_of_batch(batch, currency)?,
        settlement,
        differences: ledger.settlement_differences(batch)?,
    })
}

/// Why the account cannot be asked for.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The terminal cannot ask.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The host.
    #[error("the host does not tell: {0}")]
    Link(#[from] LinkFailure),
}

impl Setup {
    /// Asks the host what is on the merchant's account. The terminal may run meanwhile.
    ///
    /// # Errors
    /// When the terminal cannot ask, or the host does not tell.
    pub fn merchant_account(&self) -> Result<MerchantAccount, AccountError> {
        let (identity, vault) = (self.identity()?, self.vault()?);
        Ok(self.link(identity, vault)?.merchant_account()?)
    }

    /// When this terminal settles without being asked.
    ///
    /// # Errors
    /// When a setting has a value that cannot be.
    pub fn settlement_plan(&self) -> Result<SettlementPlan, SetupError> {
        let Some(rules) = self.dialect()?.settlement else { return Ok(SettlementPlan::NEVER) };
        let text = &self.settings.settlement.at;
        let at = match text.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|error: jiff::Error| {
                self.origin.wrong("settlement.at", format!("{error}; write it like 23:30, or leave it empty"))
            })?),
        };
        Ok(SettlementPlan { at, most_payments: rules.most_payments, most_lines: rules.most_lines })
    }
}
