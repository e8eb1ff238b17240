//! `yima ledger`: the last good copy takes the place of a ledger that is damaged or lost, and the host is asked what was paid since.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Failure, output};
use crate::app::Setup;
use crate::app::reconciling::Reconciled;
use crate::payment::queue::Resolution;
use crate::settlement::reconciliation::{Difference, Kind};

/// What a reconciliation gives back to the shell when something does not agree.
const DIFFERENT: u8 = 1;

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
    /// Hold the ledger against the host's books, from the last restoration on: what the host has charged and the ledger does
    /// not know, and the reverse
    Reconcile(Reconcile),
}

#[derive(Debug, Args)]
struct Reconcile {
    /// Print as JSON
    #[arg(long)]
    json: bool,
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
            Act::Reconcile(reconcile) => reconcile.run(setup),
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
            "payments since then are known to the acquirer alone, those of batch {} from STAN {} on: yima ledger reconcile asks \
             for them, before you settle. New ones begin with STAN {}",
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

impl Reconcile {
    fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let Some(Reconciled { batches, comparison }) = setup.reconcile()? else {
            if self.json {
                output::json(&json!({ "agree": true, "differences": [] }));
            } else {
                output::say("this terminal has no ledger yet");
            }
            return Ok(ExitCode::SUCCESS);
        };
        let agree = comparison.differences.is_empty();
        if self.json {
            output::json(&json!({
                "first_batch": batches.0.to_string(),
                "last_batch": batches.1.to_string(),
                "agree": agree,
                "agreed": comparison.agreed,
                "open": comparison.open,
                "differences": comparison.differences.iter().map(as_json).collect::<Vec<_>>(),
            }));
        } else {
            comparison.differences.iter().for_each(|difference| output::say(&line(difference)));
            output::say(&format!(
                "batches {} to {}: {} payments agree, {} do not, {} are not finished here",
                batches.0,
                batches.1,
                comparison.agreed,
                comparison.differences.len(),
                comparison.open
            ));
            if !agree {
                output::say("settle these with the acquirer; nothing has been changed");
            }
        }
        Ok(if agree { ExitCode::SUCCESS } else { ExitCode::from(DIFFERENT) })
    }
}

fn line(difference: &Difference) -> String {
    let what = match difference.kind {
        Kind::UnknownHere => "charged at the host, not known here",
        Kind::NotCharged => "paid here, not charged at the host",
        Kind::ChargedAllTheSame => "charged at the host, not paid here",
        Kind::Amounts => "paid here and at the host, with different amounts",
    };
    let ours = difference.ours.as_ref().map(|ours| format!("; here {} {}", ours.amount.signed(), ours.state.word()));
    let theirs = difference.theirs.as_ref().map(|theirs| {
        let card = if theirs.last_four.is_empty() { String::new() } else { format!(" card *{}", theirs.last_four) };
        format!("; host {} RRN {}{card}", theirs.amount.signed(), theirs.rrn)
    });
    format!("{} {what}{}{}", difference.trace, ours.unwrap_or_default(), theirs.unwrap_or_default())
}

fn as_json(difference: &Difference) -> Value {
    json!({
        "batch": difference.trace.batch.to_string(),
        "stan": difference.trace.stan.to_string(),
        "what": difference.kind.word(),
        "ours": difference.ours.as_ref().map(|ours| json!({
            "state": ours.state.word(),
            "resolution": ours.resolution.map(Resolution::word),
            "amount": ours.amount.to_string(),
            "currency": ours.amount.currency().code(),
        })),
        "theirs": difference.theirs.as_ref().map(|theirs| json!({
            "charged": theirs.charged,
            "amount": theirs.amount.to_string(),
            "currency": theirs.amount.currency().code(),
            "rrn": theirs.rrn,
            "last_four": theirs.last_four,
        })),
    })
}

/// The name of whoever does something that is written down.
pub(super) fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > 64 {
        return Err("say who does it, in 1 to 64 characters".to_owned());
    }
    Ok(name.to_owned())
}
