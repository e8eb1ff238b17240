//! `yima ledger`: the last good copy takes the place of a ledger that is damaged or lost.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Failure, output};
use crate::app::Setup;

/// What comes after `yima ledger`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Put the last good copy in the place of a ledger that is damaged or lost; what is there of it is kept beside
    Restore(Restore),
}

#[derive(Debug, Args)]
struct Restore {
    /// Who does it
    #[arg(long, value_name = "NAME", value_parser = name)]
    by: String,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        match &self.act {
            Act::Restore(restore) => restore.run(setup),
        }
    }
}

impl Restore {
    fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let restored = setup.restore_ledger(&self.by)?;
        let ledger = setup.ledger_to_look_at(&setup.identity()?)?;
        let parked = ledger.map(|ledger| ledger.open_entries()).transpose()?.unwrap_or_default().parked;
        if self.json {
            output::json(&json!({
                "at": restored.at.to_string(),
                "by": restored.by,
                "copy_made_at": restored.made_at.to_string(),
                "batch": restored.batch.to_string(),
                "first_stan_not_known": restored.known.to_string(),
                "next_stan": restored.next.to_string(),
                "parked": parked,
            }));
            return Ok(ExitCode::SUCCESS);
        }
        output::say(&format!("the copy of {} is the ledger now", restored.made_at.strftime("%Y-%m-%d %H:%M:%S")));
        output::say(&format!(
            "payments since then are known to the acquirer alone: ask it for those of batch {} from STAN {} on, before you \
             settle. New ones begin with STAN {}",
            restored.batch, restored.known, restored.next
        ));
        if parked > 0 {
            output::say(&format!(
                "{parked} entries of the queue wait for a person, who may have decided about them since then: ask the acquirer for \
                 those as well (yima queue)"
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The name of whoever does something that is written down.
pub(super) fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > 64 {
        return Err("say who does it, in 1 to 64 characters".to_owned());
    }
    Ok(name.to_owned())
}
