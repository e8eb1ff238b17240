//! `yima parameters`: applications and CA keys from the host, now.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{Failure, output};
use crate::app::Setup;
use crate::app::parameters::{Changes, Update};

/// What comes after `yima parameters`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let (update, changes) = setup.update_parameters()?;
        if self.json {
            output::json(&as_json(&update, &changes));
        } else {
            print(&update, &changes);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn as_json(update: &Update, changes: &Changes) -> serde_json::Value {
    let data = &update.in_use.data;
    json!({
        "set": update.in_use.provenance.to_string(),
        "applications": data.applications.len(),
        "ca_keys": data.ca_keys.iter().count(),
        "card_ranges": data.tables.card.len(),
        "response_texts": data.tables.text.len(),
        "ca_key_world": data.ca_keys.world().to_string(),
        "added": changes.added,
        "removed": changes.removed,
        "changed": changes.changed,
        "unusable": unusable(update),
        "unconfirmed": update.unconfirmed.as_ref().map(ToString::to_string),
    })
}

fn print(update: &Update, changes: &Changes) {
    let data = &update.in_use.data;
    let (applications, keys) = (data.applications.len(), data.ca_keys.iter().count());
    let world = data.ca_keys.world();
    output::say(&format!("{}: {applications} applications, {keys} {world} CA keys", update.in_use.provenance));
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
