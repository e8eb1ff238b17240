//! `yima sign-on`: working keys and batch number from the host, now.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};

use super::{Failure, output};
use crate::app::Setup;
use crate::app::sign_on::SignOnReport;
use crate::crypto::hex;
use crate::ledger::Adopted;

/// What comes after `yima sign-on`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let report = setup.sign_on()?;
        if self.json {
            output::json(&as_json(&report));
        } else {
            print(&report);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn as_json(report: &SignOnReport) -> Value {
    let check_values: Map<_, _> =
        report.check_values.iter().map(|(name, value)| (name.word().to_owned(), json!(hex::encode(value)))).collect();
    let refused = match report.adopted {
        Adopted::Refused { theirs, .. } => Some(theirs.to_string()),
        Adopted::Kept(_) | Adopted::Taken(_) => None,
    };
    json!({
        "batch": report.adopted.batch().to_string(),
        "batch_not_taken": refused,
        "check_values": check_values,
    })
}

fn print(report: &SignOnReport) {
    output::say(&format!("signed on, batch {}", report.adopted.batch()));
    for (name, value) in &report.check_values {
        output::say(&format!("  {name:<10} check value {}", hex::encode(value)));
    }
    if let Adopted::Refused { ours, theirs } = report.adopted {
        output::note(&format!(
            "the host says batch {theirs}; its numbers may have been used, so that this terminal stays in batch {ours}. \
             Report this to the acquirer"
        ));
    }
}
