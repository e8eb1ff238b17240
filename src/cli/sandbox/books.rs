//! `yima sandbox books`: what the host has written down of requests, oldest first. Works on its state directory, whether it runs or
//! not.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::instalments::{plan_as_json, plan_line};
use crate::cli::{Failure, output};
use crate::money::Amount;
use crate::sandbox::host::code_payments::{CodeOrder, CodeRefunded};
use crate::sandbox::host::store::Entry;
use crate::sandbox::host::{Host, KeptPlan};
use crate::wording::Language;

/// What comes after `yima sandbox books`.
#[derive(Debug, Args)]
pub struct BookArguments {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl BookArguments {
    pub fn run(&self, host: &Path) -> Result<ExitCode, Failure> {
        let host = Host::prepare(host)?;
        let (entries, orders, refunds) = (host.ledger()?, host.code_orders()?, host.code_refunds()?);
        let plans = host.instalment_plans()?;
        let plan_of =
            |entry: &Entry| plans.iter().find(|plan| plan.terminal == entry.terminal && plan.trace == entry.trace);
        let mut kept = Vec::new();
        for order in &orders {
            kept.push(order.kept()?);
        }
        if self.json {
            let orders = orders.iter().zip(&kept).map(|(order, kept)| order_in_json(order, *kept));
            let refunds = refunds.iter().map(refund_in_json);
            output::json(
                &entries.iter().map(|entry| in_json(entry, plan_of(entry))).chain(orders).chain(refunds).collect(),
            );
        } else {
            for entry in &entries {
                output::say(&line(entry));
                if let Some(KeptPlan { plan, stands, .. }) = plan_of(entry) {
                    let over = if *stands { "" } else { " (over)" };
                    output::say(&format!("    {}{over}", plan_line(plan, Language::English)));
                }
            }
            orders.iter().zip(&kept).for_each(|(order, kept)| output::say(&order_line(order, *kept)));
            refunds.iter().for_each(|refund| output::say(&refund_line(refund)));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn line(entry: &Entry) -> String {
    let Entry { terminal, trace, amount, booked, response_code, rrn, reason, .. } = entry;
    let (kind, state) = (entry.kind.word(), entry.state.word());
    let original = entry.original.map(|original| format!(", of {original}")).unwrap_or_default();
    format!("{terminal} {trace} {kind} {amount}{original}: {state} {booked}, {response_code}, {rrn}, {reason}")
}

fn in_json(entry: &Entry, plan: Option<&KeptPlan>) -> Value {
    let plan = plan.map(|kept| {
        let mut told = plan_as_json(&kept.plan);
        told["programme"] = json!(kept.programme);
        told["stands"] = json!(kept.stands);
        told
    });
    json!({
        "instalments": plan,
        "terminal": entry.terminal,
        "trace": entry.trace.to_string(),
        "kind": entry.kind.word(),
        "original": entry.original.map(|original| original.to_string()),
        "amount": entry.amount.to_string(),
        "booked": entry.booked.to_string(),
        "state": entry.state.word(),
        "response_code": entry.response_code,
        "rrn": entry.rrn,
        "reason": entry.reason,
        "reversals": entry.reversals,
    })
}

/// An order that is paid by code: what the merchant has of it is what is booked.
fn order_line(order: &CodeOrder, kept: Amount) -> String {
    let CodeOrder { terminal, trace, amount, outcome, rrn, reason, .. } = order;
    let (way, state) = (order.way.word(), order.state.word());
    let wallet = order.wallet.as_ref().map(|wallet| format!(", {wallet}")).unwrap_or_default();
    format!("{terminal} {trace} code {way} {amount}{wallet}: {state} {kept}, {outcome}, {rrn}, {reason}")
}

fn order_in_json(order: &CodeOrder, kept: Amount) -> Value {
    json!({
        "terminal": order.terminal,
        "trace": order.trace.to_string(),
        "kind": "code_payment",
        "original": Value::Null,
        "amount": order.amount.to_string(),
        "booked": kept.to_string(),
        "state": order.state.word(),
        "response_code": order.outcome,
        "rrn": order.rrn,
        "reason": order.reason,
        "reversals": order.cancels,
        "way": order.way.word(),
        "wallet": order.wallet,
        "refunded": order.refunded.to_string(),
        "voucher": order.voucher,
    })
}

fn refund_line(refund: &CodeRefunded) -> String {
    let CodeRefunded { terminal, trace, amount, booked, response_code, rrn, reason, .. } = refund;
    let order = refund.order.map(|order| format!(", of {order}")).unwrap_or_default();
    format!("{terminal} {trace} code refund {amount}{order}: {booked}, {response_code}, {rrn}, {reason}")
}

fn refund_in_json(refund: &CodeRefunded) -> Value {
    json!({
        "terminal": refund.terminal,
        "trace": refund.trace.to_string(),
        "kind": "code_refund",
        "original": refund.order.map(|order| order.to_string()),
        "amount": refund.amount.to_string(),
        "booked": refund.booked.to_string(),
        "state": if refund.booked.is_zero() { "declined" } else { "approved" },
        "response_code": refund.response_code,
        "rrn": refund.rrn,
        "reason": refund.reason,
        "reversals": 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use crate::payment::transaction::Kind;
    use crate::reference::{Batch, Stan, TraceNumber};
    use crate::sandbox::host::store::EntryState;

    #[test]
    fn an_entry_says_what_it_is_and_what_it_refers_to() {
        let trace = |stan| TraceNumber { batch: Batch::FIRST, stan: Stan::new(stan).unwrap() };
        let amount = Amount::new(1234, Currency::CNY).unwrap();
        let entry = Entry {
            terminal: "10000001".to_owned(),
            trace: trace(2),
            kind: Kind::Void,
            original: Some(trace(1)),
            amount,
            booked: amount,
            state: EntryState::Approved,
            response_code: "00".to_owned(),
            rrn: "263260000001".to_owned(),
            reason: "because".to_owned(),
            reversals: 0,
        };
        assert_eq!(
            line(&entry),
            "10000001 000001-000002 void 12.34, of 000001-000001: approved 12.34, 00, 263260000001, because"
        );
        assert_eq!(in_json(&entry, None)["original"], "000001-000001");
        assert_eq!(in_json(&Entry { original: None, ..entry }, None)["original"], Value::Null);
    }
}
