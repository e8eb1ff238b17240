//! The receipt of a number, out of the books.

use std::sync::Arc;

use jiff::civil::{Date, DateTime, Time};

use super::facts::{self, Facts};
use super::goods;
use crate::money::Amount;
use crate::payment::transaction::{Kind, Money};
use crate::receipt::link::ReceiptLink;
use crate::receipt::{CardEntry, SaleSlip};
use crate::reference::{AuthorisationCode, MerchantCode, Rrn, TraceNumber};
use crate::sandbox::host::books::Books;
use crate::sandbox::host::code_payments::{OrderState, receipts_of};
use crate::sandbox::host::instalments;
use crate::sandbox::host::store::{EntryState, StoreError};
use crate::terminal::mark::Mark;

/// A receipt, and how its payment stands.
#[derive(Debug, PartialEq, Eq)]
pub struct EReceipt {
    /// What it says.
    pub slip: SaleSlip,
    /// How the payment stands now.
    pub now: Now,
}

/// How a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Now {
    /// As it was.
    Stands,
    /// The terminal took it back: nobody has paid or got anything by it.
    TakenBack,
    /// Voided, cancelled or let go as a whole.
    Undone,
    /// So much of it was refunded.
    Refunded(Amount),
    /// What was set aside was paid.
    Completed,
}

/// What the books say of a payment that a link names; nothing when it was declined or never came.
pub(super) fn find(books: &Books<'_>, link: &ReceiptLink, trace: TraceNumber) -> Result<Option<EReceipt>, StoreError> {
    let terminal = link.terminal.as_str();
    let Some(facts) = facts::read(books, terminal, trace)? else { return Ok(None) };
    let goods = goods::read(books, terminal, trace)?;
    // Of what was approved in part the goods are those of the whole purchase.
    let with_goods = |slip: SaleSlip| match goods.come_to(slip.amount) {
        true => SaleSlip { goods: goods.lines, tip: goods.tip, ..slip },
        false => slip,
    };
    if let Some(booked) = books.entry(terminal, trace)? {
        let entry = booked.entry;
        if entry.state == EntryState::Declined || entry.booked.is_zero() {
            return Ok(None);
        }
        let family = books.family(booked.root)?;
        let given_back = family.given_back(booked.id);
        let now = if entry.state == EntryState::Reversed {
            Now::TakenBack
        } else if family.is_undone(booked.id) {
            Now::Undone
        } else if family.is_completed(booked.id) {
            Now::Completed
        } else if given_back > 0 {
            Now::Refunded(amount(given_back, entry.booked)?)
        } else {
            Now::Stands
        };
        let code = books.kept_answer(terminal, trace)?.and_then(|answer| answer.authorisation_code);
        let number = booked.pan.as_deref().map(last_four).unwrap_or_default();
        let slip = SaleSlip {
            original: entry.original,
            entry: card_entry(facts.entry_mode.as_deref().unwrap_or_default()),
            truncated_pan: number,
            instalments: instalments::kept(books, terminal, link.trace)?.map(|plan| plan.on_slip()),
            authorisation_code: code.and_then(|code| AuthorisationCode::parse(&code).ok()),
            ..slip(link, trace, &facts, entry.kind, entry.booked, &entry.rrn)?
        };
        return Ok(Some(EReceipt { slip: with_goods(slip), now }));
    }
    let (order, refund) = receipts_of(books, terminal, trace)?;
    if let Some(order) = order {
        let now = match order.state {
            OrderState::PaidBack => Now::Undone,
            OrderState::Paid if !order.refunded.is_zero() => Now::Refunded(order.refunded),
            OrderState::Paid => Now::Stands,
            OrderState::Open | OrderState::Refused | OrderState::Closed => return Ok(None),
        };
        let slip = with_goods(slip(link, trace, &facts, Kind::CodePayment, order.amount, &order.rrn)?);
        return Ok(Some(EReceipt { slip: SaleSlip { voucher: order.voucher, ..slip }, now }));
    }
    let Some(refund) = refund.filter(|refund| !refund.booked.is_zero()) else { return Ok(None) };
    let slip = slip(link, trace, &facts, Kind::CodeRefund, refund.booked, &refund.rrn)?;
    Ok(Some(EReceipt { slip: SaleSlip { original: refund.order, ..slip }, now: Now::Stands }))
}

/// How the card was read, by field 22 as the terminal wrote it; whether a stripe stood for a chip the books say, and the slip of the terminal.
fn card_entry(mode: &str) -> CardEntry {
    match mode.get(..2) {
        Some("05") => CardEntry::Chip,
        Some("02") => CardEntry::Stripe,
        _ => CardEntry::None,
    }
}

/// What every receipt has.
fn slip(
    link: &ReceiptLink,
    trace: TraceNumber,
    facts: &Facts,
    kind: Kind,
    amount: Amount,
    rrn: &str,
) -> Result<SaleSlip, StoreError> {
    let damaged = |problem: String| StoreError::Row(problem);
    Ok(SaleSlip {
        merchant_name: facts.merchant_name.clone(),
        merchant_code: MerchantCode::parse(&facts.merchant).map_err(|error| damaged(error.to_string()))?,
        terminal_number: link.terminal.clone(),
        acquirer_code: facts.acquirer.clone(),
        kind: kind.word(),
        trace,
        original: None::<TraceNumber>,
        tip: None,
        instalments: None,
        at: match moment(facts.moment.as_deref(), rrn) {
            Some(said) => said,
            None => facts.at.parse().map_err(|_| damaged(format!("{} is no time", facts.at)))?,
        },
        amount,
        goes_back: kind.money() == Money::ToCustomer,
        entry: CardEntry::None,
        goods: Vec::new(),
        truncated_pan: String::new(),
        code_tail: None,
        voucher: None,
        card_sequence_number: None,
        bank: None,
        application_label: String::new(),
        aid: String::new(),
        card_expiry: None,
        rrn: Rrn::parse(rrn).ok(),
        authorisation_code: None,
        cryptogram: None,
        tvr: String::new(),
        tsi: String::new(),
        atc: None,
        signature: false,
        signed: None,
        signature_spared: false,
        pin_checked_by_bank: false,
        trailer: Vec::new(),
        link: None,
        log_head: link.log_head.clone(),
        cashier: None,
        duplicate: None,
        mark: Mark::Test,
        letterhead: Arc::default(),
    })
}

/// `MMDDhhmmss` of the year in which the reference number was given (`YYDDD…`). A payment of New Year's Eve may have got its number
/// after midnight.
fn moment(said: Option<&str>, rrn: &str) -> Option<DateTime> {
    let said = said.filter(|said| said.len() == 10 && said.is_ascii())?;
    let number = |range: std::ops::Range<usize>| said.get(range)?.parse::<i8>().ok();
    let (year, day): (i16, i16) = (rrn.get(..2)?.parse().ok()?, rrn.get(2..5)?.parse().ok()?);
    let before = i16::from(number(0..2)? == 12 && day == 1);
    let date = Date::new(2000 + year - before, number(0..2)?, number(2..4)?).ok()?;
    Some(date.to_datetime(Time::new(number(4..6)?, number(6..8)?, number(8..10)?, 0).ok()?))
}

/// All but the last four digits are stars.
fn last_four(number: &str) -> String {
    let hidden = number.len().saturating_sub(4);
    format!("{}{}", "*".repeat(hidden), number.get(hidden..).unwrap_or_default())
}

fn amount(minor: u64, like: Amount) -> Result<Amount, StoreError> {
    Amount::new(minor, like.currency()).map_err(|error| StoreError::Row(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_of_the_year_of_its_reference_number() {
        for (said, rrn, expected) in [
            ("0305142609", "260640000001", "2026-03-05T14:26:09"),
            ("1231235959", "270010000001", "2026-12-31T23:59:59"),
            ("1231235959", "263650000001", "2026-12-31T23:59:59"),
        ] {
            assert_eq!(moment(Some(said), rrn).unwrap().to_string(), expected);
        }
        assert_eq!(moment(Some("1332142609"), "260640000001"), None);
        assert_eq!(moment(None, "260640000001"), None);
    }

    #[test]
    fn of_a_card_the_last_four_digits_are_left() {
        assert_eq!(last_four("6228480000000001230"), "***************1230");
        assert_eq!(last_four("12"), "12");
    }
}
