//! The receipt of a purchase that was paid in parts, out of the books: all that its link names, on one page.

use super::found::{self, EReceipt, Now};
use super::goods;
use crate::money::{Amount, Currency};
use crate::payment::transaction::Kind;
use crate::receipt::link::ReceiptLink;
use crate::receipt::{PaidBy, PurchaseSlip, SlipPart};
use crate::reference::TraceNumber;
use crate::sandbox::host::books::Books;
use crate::sandbox::host::store::StoreError;

/// A receipt of several payments, and how each of them stands.
#[derive(Debug, PartialEq, Eq)]
pub struct PurchaseReceipt {
    /// What it says.
    pub slip: PurchaseSlip,
    /// How each payment stands now, in their order.
    pub now: Vec<(TraceNumber, Now)>,
}

/// What the books say of the payments that a link names; nothing when one of them was declined, never came, or gave something back.
pub(super) fn find(books: &Books<'_>, link: &ReceiptLink) -> Result<Option<PurchaseReceipt>, StoreError> {
    let mut found = Vec::new();
    for trace in link.traces() {
        match found::find(books, link, trace)?.filter(|receipt| !receipt.slip.goes_back) {
            Some(receipt) => found.push(receipt),
            None => return Ok(None),
        }
    }
    let Some(first) = found.first().map(|receipt| receipt.slip.clone()) else { return Ok(None) };
    let damaged = |problem: crate::money::AmountError| StoreError::Row(problem.to_string());
    let cash = link.cash_minor.map(|minor| Amount::new(minor, Currency::CNY)).transpose().map_err(damaged)?;
    let mut due = cash.unwrap_or(Amount::zero(first.amount.currency()));
    for EReceipt { slip, .. } in &found {
        due = due.checked_add(slip.amount).map_err(damaged)?;
    }
    let sold = goods::read(books, link.terminal.as_str(), link.trace)?;
    let sold = if sold.come_to(due) { sold } else { Default::default() };
    // Cash has no number of the host's, and stands last, as it was paid.
    let in_cash = cash.map(|amount| SlipPart::in_cash(None, amount, None));
    let slip = PurchaseSlip {
        merchant_name: first.merchant_name,
        merchant_code: first.merchant_code,
        terminal_number: first.terminal_number,
        acquirer_code: first.acquirer_code,
        state: "paid",
        number: None,
        at: first.at,
        due,
        paid: due,
        goods: sold.lines,
        tip: sold.tip,
        parts: found.iter().map(part).chain(in_cash).collect(),
        trailer: Vec::new(),
        cashier: None,
        link: None,
        duplicate: None,
        mark: first.mark,
    };
    let now = found.iter().map(|receipt| (receipt.slip.trace, receipt.now)).collect();
    Ok(Some(PurchaseReceipt { slip, now }))
}

fn part(receipt: &EReceipt) -> SlipPart {
    let slip = &receipt.slip;
    let by_code = slip.kind == Kind::CodePayment.word();
    SlipPart {
        means: if by_code { PaidBy::Code } else { PaidBy::Card },
        truncated_pan: slip.truncated_pan.clone(),
        rrn: slip.rrn.clone(),
        authorisation_code: slip.authorisation_code.clone(),
        voucher: slip.voucher.clone(),
        ..SlipPart::in_cash(Some(slip.trace), slip.amount, None)
    }
}
