//! Binder of `ui/api/settlement.slint`: settlements, and the merchant's account.

use slint::{ComponentHandle, ModelRc};

use super::generated::{self, AppWindow, Screens, Settlement, SettlementStep};
use super::{Intents, Shared, values};
use crate::app::settlement_view::{
    AccountView, CashierSums, DoneSum, OneSettlement, OpenBatch, PastRow, SettlementIntent, SettlementView, SlipView,
    Sums, WaitsFor,
};
use crate::app::view::{Intent, Screen};
use crate::goods::GoodSum;
use crate::money::{Amount, Currency};
use crate::reference::Batch;
use crate::settlement::closing::{Cause, HostDifference, HostSettlement, MerchantAccount, State, Verdict};
use crate::settlement::reconciliation;
use crate::settlement::{Line, Scheme, Side};
use crate::wording::Language;

/// Sums, differences and postings on one page. Of sums there are fewer where people choose among several, for that takes room as well.
const SUMS_PER_PAGE: usize = 5;
const CHOSEN_SUMS_PER_PAGE: usize = 3;
const DIFFERENCES_PER_PAGE: usize = 5;
const POSTINGS_PER_PAGE: usize = 5;

/// Which pages are shown of lists that are longer than the screen, from 0.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pages {
    part: SumsPart,
    sums: usize,
    differences: usize,
    postings: usize,
}

/// Which sums are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum SumsPart {
    #[default]
    Types,
    Cash,
    Cashiers,
    Goods,
}

/// Which of them is turned.
type Turned = fn(&mut Pages) -> &mut usize;

/// Connects pages, wishes and the way here.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let settlement = window.global::<Settlement>();
    let wish = |intent: SettlementIntent| {
        let sender = intents.clone();
        move || sender.send(Intent::Settlement(intent))
    };
    settlement.on_show(wish(SettlementIntent::Show));
    settlement.on_show_past(wish(SettlementIntent::ShowPast(0)));
    settlement.on_show_account(wish(SettlementIntent::ShowAccount));
    settlement.on_withdraw(wish(SettlementIntent::Withdraw));
    settlement.on_try_now(wish(SettlementIntent::TryNow));
    window.global::<Screens>().on_show_settlement(wish(SettlementIntent::Show));
    let sender = intents.clone();
    settlement.on_settle(move |without_undecided| sender.send(Intent::Settle { without_undecided }));
    let about_shown = |intent: fn(Batch) -> SettlementIntent| {
        let (state, sender) = (shared.clone(), intents.clone());
        move || {
            if let Some(batch) = shown_batch(&state) {
                sender.send(Intent::Settlement(intent(batch)));
            }
        }
    };
    settlement.on_give_up(about_shown(SettlementIntent::GiveUp));
    settlement.on_reprint(about_shown(SettlementIntent::Reprint));
    let (state, sender) = (shared.clone(), intents.clone());
    settlement.on_open_one(move |name| {
        // The list may have moved since it was drawn: a settlement is meant by its name.
        let batch = state.with(|state| match shown(state.view.as_ref().map(|view| &view.screen)) {
            Some(SettlementView::Past(past)) => {
                past.rows.iter().map(|row| row.batch).find(|batch| batch.to_string() == name.as_str())
            }
            _ => None,
        });
        if let Some(batch) = batch {
            sender.send(Intent::Settlement(SettlementIntent::ShowOne(batch)));
        }
    });
    let (state, sender) = (shared.clone(), intents.clone());
    settlement.on_turn_past(move |by| {
        let target = state.with(|state| match shown(state.view.as_ref().map(|view| &view.screen)) {
            Some(SettlementView::Past(past)) => step(past.page, by).filter(|target| *target < past.pages),
            _ => None,
        });
        if let Some(target) = target {
            sender.send(Intent::Settlement(SettlementIntent::ShowPast(target)));
        }
    });
    let turn = |turned: Turned| {
        let (weak, shared) = (window.as_weak(), shared.clone());
        move |by: i32| {
            let Some(window) = weak.upgrade() else { return };
            let view = shared.with(|state| {
                let page = turned(&mut state.settlement_pages);
                *page = step(*page, by).unwrap_or(*page);
                shown(state.view.as_ref().map(|view| &view.screen)).cloned()
            });
            if let Some(view) = view {
                show_lists(&window, &shared, &view);
            }
        }
    };
    let (weak, state) = (window.as_weak(), shared.clone());
    settlement.on_show_sums(move |part| {
        let Some(window) = weak.upgrade() else { return };
        let view = state.with(|state| {
            state.settlement_pages.part = match part {
                generated::SumsPart::Types => SumsPart::Types,
                generated::SumsPart::Cash => SumsPart::Cash,
                generated::SumsPart::Cashiers => SumsPart::Cashiers,
                generated::SumsPart::Goods => SumsPart::Goods,
            };
            state.settlement_pages.sums = 0;
            shown(state.view.as_ref().map(|view| &view.screen)).cloned()
        });
        if let Some(view) = view {
            show_lists(&window, &state, &view);
        }
    });
    settlement.on_turn_sums(turn(|pages| &mut pages.sums));
    settlement.on_turn_differences(turn(|pages| &mut pages.differences));
    settlement.on_turn_postings(turn(|pages| &mut pages.postings));
}

fn shown(screen: Option<&Screen>) -> Option<&SettlementView> {
    match screen {
        Some(Screen::Settlement(view)) => Some(view),
        _ => None,
    }
}

/// Of what a person looks at, a page is kept as long as it is the same.
pub(super) fn is_another(before: Option<&Screen>, now: &Screen) -> bool {
    match (shown(before), shown(Some(now))) {
        (Some(SettlementView::Open(before)), Some(SettlementView::Open(now))) => before.batch != now.batch,
        (Some(SettlementView::One(before)), Some(SettlementView::One(now))) => before.row.batch != now.row.batch,
        (Some(SettlementView::Account(_)), Some(SettlementView::Account(_))) => false,
        (_, now) => now.is_some(),
    }
}

fn shown_batch(shared: &Shared) -> Option<Batch> {
    shared.with(|state| match shown(state.view.as_ref().map(|view| &view.screen)) {
        Some(SettlementView::One(one)) => Some(one.row.batch),
        _ => None,
    })
}

fn step(page: usize, by: i32) -> Option<usize> {
    page.checked_add_signed(isize::try_from(by).ok()?)
}

/// Shows what there is. Whoever is asked something about what is not so any more is back at the whole.
pub(super) fn show(window: &AppWindow, shared: &Shared, view: &SettlementView, language: Language) {
    let settlement = window.global::<Settlement>();
    let (part, batch) = match view {
        SettlementView::Open(open) => (generated::SettlementPart::Open, Some(open.batch)),
        SettlementView::One(one) => (generated::SettlementPart::One, Some(one.row.batch)),
        SettlementView::Past(_) => (generated::SettlementPart::Past, None),
        SettlementView::Account(_) => (generated::SettlementPart::Account, None),
    };
    let name = batch.map(|batch| batch.to_string()).unwrap_or_default();
    let other = settlement.get_part() != part || (batch.is_some() && settlement.get_batch() != name.as_str());
    let asked_in_vain = matches!(view, SettlementView::One(one) if !one.row.state.is_open())
        && matches!(settlement.get_step(), SettlementStep::GiveUp | SettlementStep::Certain);
    if other || asked_in_vain {
        settlement.set_step(SettlementStep::Look);
    }
    settlement.set_part(part);
    if batch.is_some() {
        settlement.set_batch(name.as_str().into());
    }
    match view {
        SettlementView::Open(open) => show_open(&settlement, open),
        SettlementView::One(one) => show_one(&settlement, one, language),
        SettlementView::Past(past) => {
            let rows: Vec<_> = past.rows.iter().map(past_row).collect();
            settlement.set_past(ModelRc::from(rows.as_slice()));
            settlement.set_past_page(number(past.page.saturating_add(1)));
            settlement.set_past_pages(number(past.pages));
        }
        SettlementView::Account(account) => show_account(&settlement, account),
    }
    show_lists(window, shared, view);
}

fn show_open(settlement: &Settlement<'_>, open: &OpenBatch) {
    show_sums(settlement, &open.sums, open.currency);
    settlement.set_can_settle(open.can_settle);
    settlement.set_waiting(number(open.waiting));
    settlement.set_parked(number(open.parked));
    settlement.set_wait(match open.wanted {
        None => generated::SettlementWait::None,
        Some(WaitsFor::Turn) => generated::SettlementWait::Turn,
        Some(WaitsFor::Host) => generated::SettlementWait::Host,
        Some(WaitsFor::People) => generated::SettlementWait::People,
    });
}

fn show_sums(settlement: &Settlement<'_>, sums: &Result<Sums, String>, currency: Currency) {
    let none = Sums::default();
    let known = sums.as_ref().unwrap_or(&none);
    settlement.set_net(values::signed_money(known.net_minor, currency));
    settlement.set_count(number(known.count));
    settlement.set_open(number(known.open));
    settlement.set_unsummed(sums.as_ref().err().cloned().unwrap_or_default().into());
}

fn show_one(settlement: &Settlement<'_>, one: &OneSettlement, language: Language) {
    let row = &one.row;
    show_sums(settlement, &one.sums, row.currency);
    // What was compared is what the ledger wrote down then.
    settlement.set_net(values::signed_money(row.net_minor, row.currency));
    settlement.set_state(state(row.state));
    settlement.set_verdict(verdict(row.verdict));
    settlement.set_cause(match one.cause {
        Cause::ByHand => generated::SettlementCause::ByHand,
        Cause::Nightly => generated::SettlementCause::Nightly,
        Cause::Full => generated::SettlementCause::Full,
    });
    let moment = |at: jiff::civil::DateTime| at.strftime("%Y-%m-%d %H:%M:%S").to_string();
    settlement.set_begun(moment(row.at).into());
    settlement.set_closed(one.closed_at.map(moment).unwrap_or_default().into());
    settlement.set_undecided(number(one.undecided));
    settlement.set_uploaded(number(one.uploaded.0));
    settlement.set_lines(number(one.uploaded.1));
    settlement.set_asking(one.request.is_some_and(|request| request.asking));
    settlement.set_tries(number(one.request.map_or(0, |request| request.tries)));
    let next_try = one.request.and_then(|request| request.next_try);
    settlement.set_next_try(next_try.map(values::time).unwrap_or_default().into());
    let said = |minor: Option<i64>| minor.map(|minor| values::signed_text(minor, row.currency)).unwrap_or_default();
    settlement.set_gross(said(one.money.map(|money| money.gross_minor)).into());
    settlement.set_fee(said(one.money.map(|money| money.fee_minor)).into());
    settlement.set_posted(said(one.money.map(|money| money.net_minor())).into());
    settlement.set_different(number(one.differences.len()));
    let (by, note) = one.given_up.clone().unwrap_or_default();
    settlement.set_given_up_by(by.into());
    settlement.set_given_up_note(note.into());
    settlement.set_can_print(one.can_print);
    let (slip, trouble) = match &one.slip {
        None => (generated::SettlementSlip::None, None),
        Some(SlipView::Printing) => (generated::SettlementSlip::Printing, None),
        Some(SlipView::Printed) => (generated::SettlementSlip::Printed, None),
        Some(SlipView::Failed(reason)) => (generated::SettlementSlip::Failed, reason.as_ref()),
    };
    settlement.set_slip(slip);
    settlement.set_trouble(values::sentences(trouble, language));
}

fn show_account(settlement: &Settlement<'_>, account: &AccountView) {
    let (state, detail) = match account {
        AccountView::Asking => (generated::AccountState::Asking, ""),
        AccountView::Told(told) => {
            settlement.set_balance(values::signed_money(told.balance_minor, told.currency));
            settlement.set_fee_rate(format!("{}.{:02} %", told.fee_rate / 100, told.fee_rate % 100).into());
            (generated::AccountState::Told, "")
        }
        AccountView::NotTold { unreachable: true, detail } => (generated::AccountState::Unreachable, detail.as_str()),
        AccountView::NotTold { unreachable: false, detail } => (generated::AccountState::Silent, detail.as_str()),
    };
    settlement.set_account(state);
    settlement.set_detail(detail.into());
}

/// The pages of the lists that are shown; one that is not there any more gives way to the last.
fn show_lists(window: &AppWindow, shared: &Shared, view: &SettlementView) {
    let settlement = window.global::<Settlement>();
    let none = Sums::default();
    let (sums, differences, account): (&Sums, &[HostDifference], Option<&MerchantAccount>) = match view {
        SettlementView::Open(open) => (open.sums.as_ref().unwrap_or(&none), &[], None),
        SettlementView::One(one) => (one.sums.as_ref().unwrap_or(&none), &one.differences, None),
        SettlementView::Account(AccountView::Told(account)) => (&none, &[], Some(account)),
        SettlementView::Past(_) | SettlementView::Account(_) => (&none, &[], None),
    };
    let mut pages = shared.with(|state| state.settlement_pages);
    let there = |part: SumsPart| match part {
        SumsPart::Types => true,
        SumsPart::Cash => !sums.cash.is_empty(),
        SumsPart::Cashiers => !sums.cashiers.is_empty(),
        SumsPart::Goods => !sums.goods.is_empty(),
    };
    if !there(pages.part) {
        pages.part = SumsPart::Types;
    }
    settlement.set_sums_part(match pages.part {
        SumsPart::Types => generated::SumsPart::Types,
        SumsPart::Cash => generated::SumsPart::Cash,
        SumsPart::Cashiers => generated::SumsPart::Cashiers,
        SumsPart::Goods => generated::SumsPart::Goods,
    });
    let others = [SumsPart::Cash, SumsPart::Cashiers, SumsPart::Goods].map(there);
    let [cash, cashiers, goods] = others;
    settlement.set_with_cash(cash);
    settlement.set_with_cashiers(cashiers);
    settlement.set_with_goods(goods);
    let most = if others.contains(&true) { CHOSEN_SUMS_PER_PAGE } else { SUMS_PER_PAGE };
    let rows = sum_rows(sums, pages.part, currency_of(view));
    let (rows, count) = page_of(&rows, &mut pages.sums, most);
    settlement.set_sums(ModelRc::from(rows));
    settlement.set_sums_page(number(pages.sums.saturating_add(1)));
    settlement.set_sums_pages(number(count));
    let (found, count) = page_of(differences, &mut pages.differences, DIFFERENCES_PER_PAGE);
    let rows: Vec<_> = found.iter().map(difference_row).collect();
    settlement.set_differences(ModelRc::from(rows.as_slice()));
    settlement.set_differences_page(number(pages.differences.saturating_add(1)));
    settlement.set_differences_pages(number(count));
    let settlements = account.map(|account| account.settlements.as_slice()).unwrap_or_default();
    let (found, count) = page_of(settlements, &mut pages.postings, POSTINGS_PER_PAGE);
    let currency = account.map_or(Currency::CNY, |account| account.currency);
    let rows: Vec<_> = found.iter().map(|settlement| posting_row(settlement, currency)).collect();
    settlement.set_postings(ModelRc::from(rows.as_slice()));
    settlement.set_postings_page(number(pages.postings.saturating_add(1)));
    settlement.set_postings_pages(number(count));
    shared.with(|state| state.settlement_pages = pages);
}

fn page_of<'a, T>(all: &'a [T], page: &mut usize, most: usize) -> (&'a [T], usize) {
    let pages = all.len().div_ceil(most).max(1);
    *page = (*page).min(pages - 1);
    let from = *page * most;
    (all.get(from..all.len().min(from + most)).unwrap_or_default(), pages)
}

fn number<N: TryInto<i32>>(number: N) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

const fn state(state: State) -> generated::SettlementState {
    match state {
        State::Comparing => generated::SettlementState::Comparing,
        State::Uploading => generated::SettlementState::Uploading,
        State::Ending => generated::SettlementState::Ending,
        State::Reading => generated::SettlementState::Reading,
        State::Closed => generated::SettlementState::Closed,
        State::GivenUp => generated::SettlementState::GivenUp,
    }
}

const fn verdict(verdict: Option<Verdict>) -> generated::SettlementVerdict {
    match verdict {
        None => generated::SettlementVerdict::None,
        Some(Verdict::Equal) => generated::SettlementVerdict::Equal,
        Some(Verdict::Different) => generated::SettlementVerdict::Different,
        Some(Verdict::SettledBefore) => generated::SettlementVerdict::SettledBefore,
    }
}

/// The currency of a batch that is shown.
const fn currency_of(view: &SettlementView) -> Currency {
    match view {
        SettlementView::Open(open) => open.currency,
        SettlementView::One(one) => one.row.currency,
        SettlementView::Past(_) | SettlementView::Account(_) => Currency::CNY,
    }
}

/// All rows of these sums.
fn sum_rows(sums: &Sums, part: SumsPart, currency: Currency) -> Vec<generated::SumRow> {
    match part {
        SumsPart::Types => sums.lines.iter().map(sum_row).collect(),
        SumsPart::Cash => sums.cash.iter().map(|done| done_row(done, "")).collect(),
        SumsPart::Cashiers => sums.cashiers.iter().flat_map(rows_of_cashier).collect(),
        SumsPart::Goods => {
            let money = |minor: u64| values::signed_text(i64::try_from(minor).unwrap_or(i64::MAX), currency).into();
            let good = |good: &GoodSum| generated::SumRow {
                good: format!("{} {}", good.quantity_text(), good.name).into(),
                amount: money(good.minor),
                ..generated::SumRow::default()
            };
            let others = sums.goods.others.map(|others| generated::SumRow {
                others: number(others.count),
                amount: money(others.minor),
                ..generated::SumRow::default()
            });
            sums.goods.goods.iter().map(good).chain(others).collect()
        }
    }
}

fn rows_of_cashier(cashier: &CashierSums) -> Vec<generated::SumRow> {
    let tips = cashier.tips.map(|tips| generated::SumRow {
        tips: true,
        who: cashier.who.as_str().into(),
        amount: values::money_text(tips).into(),
        apart: true,
        ..generated::SumRow::default()
    });
    cashier.sums.iter().map(|done| done_row(done, &cashier.who)).chain(tips).collect()
}

/// What was done of a kind, by somebody.
fn done_row(done: &DoneSum, who: &str) -> generated::SumRow {
    let amount = values::money_text(done.sum.amount);
    generated::SumRow {
        kind: values::row_kind(done.kind),
        who: who.into(),
        count: number(done.sum.count),
        amount: if done.goes_back() { format!("−{amount}") } else { amount }.into(),
        apart: done.moves_nothing(),
        ..generated::SumRow::default()
    }
}

fn sum_row(line: &Line) -> generated::SumRow {
    let side = Side::of(line.kind);
    let amount = values::money_text(line.sum.amount);
    let method = match line.scheme {
        _ if line.kind.is_by_code() => generated::PaymentMethod::Code,
        Scheme::UnionPay => generated::PaymentMethod::Unionpay,
        Scheme::Visa => generated::PaymentMethod::Visa,
        Scheme::Mastercard => generated::PaymentMethod::Mastercard,
        Scheme::AmericanExpress => generated::PaymentMethod::AmericanExpress,
        Scheme::Jcb => generated::PaymentMethod::Jcb,
        Scheme::Discover => generated::PaymentMethod::Discover,
        Scheme::Other => generated::PaymentMethod::Other,
    };
    generated::SumRow {
        kind: values::kind(line.kind),
        method,
        count: number(line.sum.count),
        amount: if side == Some(Side::Credit) { format!("−{amount}") } else { amount }.into(),
        apart: side.is_none(),
        ..generated::SumRow::default()
    }
}

fn past_row(row: &PastRow) -> generated::SettlementRow {
    generated::SettlementRow {
        batch: row.batch.to_string().into(),
        at: values::day_and_time(row.at).into(),
        net: values::signed_text(row.net_minor, row.currency).into(),
        state: state(row.state),
        verdict: verdict(row.verdict),
        differences: number(row.differences),
    }
}

fn difference_row(difference: &HostDifference) -> generated::DifferenceRow {
    let amount = |amount: Option<Amount>| amount.map(values::money_text).unwrap_or_default().into();
    generated::DifferenceRow {
        stan: difference.stan.to_string().into(),
        kind: match difference.kind {
            reconciliation::Kind::UnknownHere => generated::DifferenceKind::UnknownHere,
            reconciliation::Kind::NotCharged => generated::DifferenceKind::NotCharged,
            reconciliation::Kind::ChargedAllTheSame => generated::DifferenceKind::ChargedAllTheSame,
            reconciliation::Kind::Amounts => generated::DifferenceKind::Amounts,
        },
        ours: amount(difference.ours),
        theirs: amount(difference.theirs),
        reference: difference.rrn.as_ref().map(ToString::to_string).unwrap_or_default().into(),
    }
}

fn posting_row(settlement: &HostSettlement, currency: Currency) -> generated::PostingRow {
    let closing = &settlement.closing;
    let text = |minor| values::signed_text(minor, currency);
    // A fee of what went back comes back as well.
    let sign = if closing.fee_minor < 0 { '+' } else { '−' };
    let fee = text(closing.fee_minor.saturating_abs());
    generated::PostingRow {
        batch: settlement.batch.to_string().into(),
        at: values::day_and_time(settlement.at).into(),
        posted: settlement.posted,
        net: text(closing.net_minor()).into(),
        made_of: format!("{} {sign} {fee}", text(closing.gross_minor)).into(),
        differences: number(closing.differences),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_gone_gives_way_to_the_last() {
        let all = [1, 2, 3, 4, 5];
        for (page, expected, now) in [(0, &all[..2], 0), (1, &all[2..4], 1), (2, &all[4..], 2), (9, &all[4..], 2)] {
            let mut turned = page;
            assert_eq!(page_of(&all, &mut turned, 2), (expected, 3));
            assert_eq!(turned, now);
        }
        assert_eq!(page_of::<u8>(&[], &mut 3, 2), (&[][..], 1));
    }
}
