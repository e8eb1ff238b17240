//! `yima parameters`: applications, CA keys and tables from the host, now; or what counts, and what the host ordered.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{Failure, output};
use crate::app::Setup;
use crate::app::parameters::{Changes, Update, parameter_values};
use crate::host_tables::HostTables;
use crate::iso8583::Order;
use crate::ledger::OrderRow;
use crate::terminal::emv_files::InUse;
use crate::terminal::identity::Identity;

/// What comes after `yima parameters`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Fetch nothing; show what counts, and what the host ordered
    #[arg(long)]
    show: bool,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        if self.show {
            return self.show(setup);
        }
        let (update, changes) = setup.update_parameters()?;
        if self.json {
            output::json(&as_json(&update, &changes));
        } else {
            print(&update, &changes);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn show(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let identity = setup.identity()?;
        let in_use = setup.emv_files(&identity).load()?;
        if self.json {
            let orders: Vec<_> = orders(setup, &identity)?.iter().map(order_as_json).collect();
            let mut shown = counts_as_json(&in_use);
            shown["terminal"] = serde_json::to_value(&in_use.tables.terminal)?;
            shown["cards"] = serde_json::to_value(&in_use.tables.card)?;
            shown["card_numbers"] = serde_json::to_value(&in_use.tables.number)?;
            shown["texts"] = serde_json::to_value(&in_use.tables.text)?;
            shown["orders"] = orders.into();
            output::json(&shown);
            return Ok(ExitCode::SUCCESS);
        }
        output::say(&counts(&in_use));
        for (name, value) in parameter_values(&in_use.tables.terminal) {
            output::say(&format!("  {name}: {value}"));
        }
        for range in &in_use.tables.card {
            let taken = if range.refused { ", not taken" } else { "" };
            output::say(&format!("  {}: {}{taken}", range.name(), range.bank));
        }
        for card in &in_use.tables.number {
            let taken = if card.refused { ", not taken" } else { "" };
            output::say(&format!("  {}: {}{taken}", card.name(), card.bank));
        }
        for text in &in_use.tables.text {
            let words = text.zh.as_ref().or(text.en.as_ref()).map_or("", String::as_str);
            output::say(&format!("  response {}: {words}", text.code));
        }
        for said in orders_said(setup, &identity)? {
            output::say(&said);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What the host ordered, the last time of each kind; nothing before the first payment.
fn orders(setup: &Setup, identity: &Identity) -> Result<Vec<OrderRow>, Failure> {
    let ledger = setup.ledger_to_look_at(identity)?;
    Ok(ledger.map(|ledger| ledger.orders()).transpose()?.unwrap_or_default())
}

fn order_as_json(row: &OrderRow) -> serde_json::Value {
    json!({
        "order": row.order.word(),
        "ordered_at": row.ordered_at.to_string(),
        "done_at": row.done_at.map(|at| at.to_string()),
    })
}

/// The same for people: what is still to be done, and what cannot be done.
pub fn orders_said(setup: &Setup, identity: &Identity) -> Result<Vec<String>, String> {
    let rows = orders(setup, identity).map_err(|error| error.to_string())?;
    let said = rows.iter().filter_map(|row| match (row.order, row.done_at) {
        (Order::Remote, Some(at)) => Some(format!(
            "the host ordered remote management at {}, which this program does not do; the host was told so at {at}",
            row.ordered_at
        )),
        (_, Some(_)) => None,
        (order, None) => Some(format!("ordered by the host at {} and not done yet: {}", row.ordered_at, order.word())),
    });
    Ok(said.collect())
}

fn counts(in_use: &InUse) -> String {
    let (data, tables) = (&in_use.data, &in_use.tables);
    let (applications, keys, world) = (data.applications.len(), data.ca_keys.iter().count(), data.ca_keys.world());
    let HostTables { card, number, text, .. } = &**tables;
    let tables = format!("{} card entries, words for {} codes", card.len() + number.len(), text.len());
    format!("{}: {applications} applications, {keys} {world} CA keys, {tables}", in_use.provenance)
}

fn counts_as_json(in_use: &InUse) -> serde_json::Value {
    let (data, tables) = (&in_use.data, &in_use.tables);
    json!({
        "set": in_use.provenance.to_string(),
        "applications": data.applications.len(),
        "ca_keys": data.ca_keys.iter().count(),
        "ca_key_world": data.ca_keys.world().to_string(),
        "card_ranges": tables.card.len(),
        "single_cards": tables.number.len(),
        "response_texts": tables.text.len(),
    })
}

fn as_json(update: &Update, changes: &Changes) -> serde_json::Value {
    let mut said = counts_as_json(&update.in_use);
    said["added"] = json!(changes.added);
    said["removed"] = json!(changes.removed);
    said["changed"] = json!(changes.changed);
    said["unusable"] = json!(unusable(update));
    said["unconfirmed"] = json!(update.unconfirmed.as_ref().map(ToString::to_string));
    said
}

fn print(update: &Update, changes: &Changes) {
    output::say(&counts(&update.in_use));
    for (mark, names) in [("+", &changes.added), ("-", &changes.removed), ("~", &changes.changed)] {
        for name in names {
            output::say(&format!("  {mark} {name}"));
        }
    }
    if changes.is_empty() {
        output::say("  nothing is different");
    }
    for name in unusable(update) {
        output::say(&format!("  left out, not SHA-1 and RSA: {name}"));
    }
    if let Some(error) = &update.unconfirmed {
        output::note(&format!("the host does not know that its data were taken and will order them again: {error}"));
    }
}

fn unusable(update: &Update) -> Vec<String> {
    update.unusable.iter().map(|name| format!("CA key {} {:02X}", name.rid, name.index)).collect()
}
