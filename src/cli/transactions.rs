//! `yima transactions`: what the ledger holds, newest first.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use jiff::civil::DateTime;
use serde_json::{Value, json};

use super::bookkeeping::Books;
use super::search::Wanted;
use super::{Failure, output};
use crate::app::Setup;
use crate::emv::cvm::Verification;
use crate::goods::{SoldGood, Unit};
use crate::ledger::{CashRow, CopyRow, DeedRow, Ledger, LedgerError, Listed, TransactionRow};
use crate::payment::online::LateApproval;
use crate::payment::queue::{Kind, Resolution};
use crate::payment::transaction;
use crate::wording::Language;

/// How many are shown when nobody says.
const USUAL_LIMIT: usize = 50;

/// What comes after `yima transactions`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print as JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,

    /// Print as a table with a line for each payment; "net" is what it adds to the merchant's money
    #[arg(long)]
    csv: bool,

    /// A line of the table for each good that was sold instead
    #[arg(long, requires = "csv")]
    goods: bool,

    /// Show at most so many [default: 50; with --json and --csv all]
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,

    #[command(flatten)]
    wanted: Wanted,

    /// Read a ledger that was put aside when this machine was enrolled for another merchant or terminal
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
}

impl Arguments {
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let ledger = match &self.ledger {
            Some(path) => Some(Ledger::open_put_aside(path)?),
            None => setup.ledger_to_look_at(&setup.identity()?)?,
        };
        let Some(ledger) = ledger else {
            if self.csv {
                Books::begin(self.goods, false)?.say()?;
            } else if self.json {
                output::json(&Value::Array(Vec::new()));
            }
            return Ok(ExitCode::SUCCESS);
        };
        let limit = self.limit.unwrap_or(if self.json || self.csv { usize::MAX } else { USUAL_LIMIT });
        let page = ledger.list(self.wanted.search(setup)?.as_ref(), None, limit)?;
        if self.csv {
            let mut books = Books::begin(self.goods, false)?;
            page.rows.iter().try_for_each(|row| books.add(&ledger, row, ""))?;
            books.say()?;
            return Ok(ExitCode::SUCCESS);
        }
        let deeds = if self.json { ledger.deeds()? } else { Vec::new() };
        let mut list = Vec::new();
        for row in &page.rows {
            let (trace, said) = match row {
                Listed::Payment(row) if self.json => (row.trace, Err(whole(&ledger, row, &deeds)?)),
                Listed::Payment(row) => (row.trace, Ok(line(row))),
                Listed::Cash(row) if self.json => (row.trace, Err(cash_as_json(&ledger, row)?)),
                Listed::Cash(row) => (row.trace, Ok(cash_line(row))),
            };
            match said {
                Err(json) => list.push(json),
                Ok(text) => {
                    output::say(&text);
                    let language = setup.settings.terminal.language;
                    ledger.sold_in(trace)?.iter().for_each(|good| output::say(&line_of_good(good, language)));
                }
            }
        }
        if self.json {
            output::json(&Value::Array(list));
        } else if page.next.is_some() {
            output::note("older ones are not shown; --limit NUMBER shows more");
        }
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) fn line(row: &TransactionRow) -> String {
    format!(
        "{} {} {:<22} {:>14} {:<13} {}{}{}{}{}{}",
        row.trace,
        row.at.strftime("%Y-%m-%d %H:%M:%S"),
        row.kind.word(),
        row.amount.signed(),
        row.state.word(),
        row.truncated_pan,
        if row.entry.is_without_chip() { format!(" {}", row.entry.word()) } else { String::new() },
        row.periods.map(|periods| format!(" in {periods} periods")).unwrap_or_default(),
        row.cashier.map(|cashier| format!(" by {cashier}")).unwrap_or_default(),
        row.reason.map(|reason| format!(" ({})", reason.word())).unwrap_or_default(),
        row.resolution.map(|resolution| format!(", a person says: {}", resolution.word())).unwrap_or_default(),
    )
}

/// A cash sale or refund in the columns of [`line`].
pub(super) fn cash_line(row: &CashRow) -> String {
    let given = row.given.zip(row.change).map(|(given, change)| format!(" given {given}, change {change}"));
    let of = row.sale.map(|sale| format!(" of {sale}"));
    let back = Some(row.given_back).filter(|back| !back.is_zero()).map(|back| format!(", {back} has gone back"));
    format!(
        "{} {} {:<22} {:>14} {:<13}{}{}{}{}",
        row.trace,
        row.at.strftime("%Y-%m-%d %H:%M:%S"),
        row.kind.word(),
        row.amount.signed(),
        "approved",
        given.unwrap_or_default(),
        of.unwrap_or_default(),
        row.cashier.map(|cashier| format!(" by {cashier}")).unwrap_or_default(),
        back.unwrap_or_default(),
    )
}

/// The same as JSON, with the keys that payments have and one for what only cash has.
pub(super) fn cash_as_json(ledger: &Ledger, row: &CashRow) -> Result<Value, LedgerError> {
    let copies = ledger.copies_of(row.trace)?;
    let sold = ledger.sold_in(row.trace)?;
    Ok(json!({
        "batch": row.trace.batch.to_string(),
        "stan": row.trace.stan.to_string(),
        "kind": row.kind.word(),
        "original": row.sale.map(|sale| sale.to_string()),
        "state": "approved",
        "amount": row.amount.to_string(),
        "currency": row.amount.currency().code(),
        "at": row.at.to_string(),
        "card": null,
        "code": null,
        "cash": {
            "given": row.given.map(|given| given.to_string()),
            "change": row.change.map(|change| change.to_string()),
            "given_back": row.given_back.to_string(),
            "drawer": row.drawer.word(),
        },
        "cashier": row.cashier.map(|cashier| cashier.to_string()),
        "receipts": receipts_as_json(&copies),
        "goods": sold.iter().map(good_as_json).collect::<Vec<_>>(),
    }))
}

fn receipts_as_json(copies: &[CopyRow]) -> Vec<Value> {
    let receipt =
        |copy: &CopyRow| json!({ "copy": copy.copy.word(), "duplicate": copy.duplicate, "state": copy.state.word() });
    copies.iter().map(receipt).collect()
}

/// A row with everything that belongs to it.
pub(super) fn whole(ledger: &Ledger, row: &TransactionRow, deeds: &[DeedRow]) -> Result<Value, LedgerError> {
    let mut said = as_json(row, &ledger.copies_of(row.trace)?, &ledger.sold_in(row.trace)?, deeds);
    said["instalments"] = json!(ledger.instalments_of(row.trace)?.as_ref().map(super::instalments::as_json));
    said["tip"] = json!(ledger.tip_of(row.trace)?.map(|tip| tip.to_string()));
    Ok(said)
}

fn line_of_good(good: &SoldGood, language: Language) -> String {
    let unit = match good.unit {
        Unit::Piece => "",
        Unit::Kilogram | Unit::Jin | Unit::HundredGrams => "kg",
    };
    let off = if good.discount.is_zero() { String::new() } else { format!(" -{}", good.discount.grouped()) };
    let price = format!("{}{unit} x {}/{}", good.quantity, good.price.grouped(), good.unit.name(language));
    format!("    {} {price}{off} = {}", good.name, good.amount.grouped())
}

fn good_as_json(good: &SoldGood) -> Value {
    json!({
        "number": good.number.number(),
        "name": good.name.as_str(),
        "quantity": good.quantity.to_string(),
        "unit": good.unit.word(),
        "price": good.price.to_string(),
        "discount": good.discount.to_string(),
        "amount": good.amount.to_string(),
        "tax_rate": good.tax_rate.to_string(),
    })
}

fn as_json(row: &TransactionRow, copies: &[CopyRow], sold: &[SoldGood], deeds: &[DeedRow]) -> Value {
    let own = |deed: &&DeedRow| matches!(deed.kind, Kind::Reversal | Kind::Repeat) && deed.original == row.trace;
    let decisions: Vec<_> = deeds.iter().filter(own).map(super::queue::deed_as_json).collect();
    let receipts = receipts_as_json(copies);
    let by_code = matches!(row.kind, transaction::Kind::CodePayment | transaction::Kind::CodeRefund);
    let card = (!by_code).then(|| {
        json!({ "pan": row.truncated_pan, "aid": row.aid, "label": row.application_label, "entry": row.entry.word() })
    });
    json!({
        "batch": row.trace.batch.to_string(),
        "stan": row.trace.stan.to_string(),
        "kind": row.kind.word(),
        "original": row.original.map(|original| original.to_string()),
        "state": row.state.word(),
        "amount": row.amount.to_string(),
        "asked": row.asked.map(|asked| asked.to_string()),
        "currency": row.amount.currency().code(),
        "at": row.at.to_string(),
        "card": card,
        "code": by_code.then(|| json!({ "ends_with": row.code_tail, "voucher": row.voucher, "paid_back": row.paid_back })),
        "cvm": row.verification.map(Verification::word),
        "signature": row.signed_on().word(),
        "rrn": row.rrn.as_ref().map(|rrn| rrn.as_str()),
        "auth_code": row.authorisation_code.as_ref().map(|code| code.as_str()),
        "response_code": row.response_code.as_ref().map(|code| code.as_str()),
        "tvr": row.tvr,
        "tsi": row.tsi,
        "script_results": row.script_results,
        "cashier": row.cashier.map(|cashier| cashier.to_string()),
        "reason": row.reason.map(crate::wording::ReasonKind::word),
        "reversal_tries": row.reversal_tries,
        "resolution": row.resolution.map(Resolution::word),
        "decisions": decisions,
        "late_approval": row.late.as_ref().map(|(late, at)| late_as_json(late, *at)),
        "receipts": receipts,
        "goods": sold.iter().map(good_as_json).collect::<Vec<_>>(),
    })
}

/// An approval that came too late, and was not accepted.
fn late_as_json(late: &LateApproval, at: DateTime) -> Value {
    json!({
        "response_code": late.response_code.as_str(),
        "rrn": late.rrn.as_ref().map(|rrn| rrn.as_str()),
        "auth_code": late.authorisation_code.as_ref().map(|code| code.as_str()),
        "at": at.to_string(),
    })
}
