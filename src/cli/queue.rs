//! `yima queue`: what the host is still to be told, and what a person must look at.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::{Failure, output};
use crate::app::Setup;
use crate::ledger::{AdviceRow, TransactionRow};
use crate::payment::record::State;

/// What comes after `yima queue`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let mut list = Vec::new();
        if let Some(ledger) = setup.ledger_to_look_at(&setup.identity()?)? {
            // What a power cut left in the middle becomes reversals at the next start, and those go before everything else.
            for state in [State::Unresolved, State::ReversalDue, State::HostApproved, State::Pending] {
                list.extend(ledger.in_state(state)?.iter().map(reversal));
            }
            list.extend(ledger.undelivered_advices()?.iter().map(advice));
        }
        if self.json {
            output::json(&Value::Array(list));
        } else if list.is_empty() {
            output::say("nothing waits");
        } else {
            list.iter().for_each(|entry| output::say(&line(entry)));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn reversal(row: &TransactionRow) -> Value {
    let state = match row.state {
        State::Unresolved => "parked",
        State::Pending | State::HostApproved => "interrupted",
        State::ReversalDue | State::Approved | State::Declined | State::Reversed => "queued",
    };
    json!({
        "kind": "reversal",
        "state": state,
        "batch": row.trace.batch.to_string(),
        "stan": row.trace.stan.to_string(),
        "original_stan": row.trace.stan.to_string(),
        "amount": row.amount.to_string(),
        "currency": row.amount.currency().code(),
        "at": row.at.to_string(),
        "tries": row.reversal_tries,
        "response_code": row.response_code.as_ref().map(|code| code.as_str()),
        "reason": row.reason.map(crate::wording::ReasonKind::word),
    })
}

fn advice(row: &AdviceRow) -> Value {
    json!({
        "kind": row.advice.kind.word(),
        "state": row.state.word(),
        "batch": row.advice.trace.batch.to_string(),
        "stan": row.advice.trace.stan.to_string(),
        "original_stan": row.advice.original.stan.to_string(),
        "amount": row.advice.amount.to_string(),
        "currency": row.advice.amount.currency().code(),
        "at": row.advice.at.to_string(),
        "tries": row.tries,
        "response_code": row.response_code.as_ref().map(|code| code.as_str()),
        "reason": null,
    })
}

fn line(entry: &Value) -> String {
    let text = |key: &str| match &entry[key] {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    format!(
        "{:<13} {:<11} {} {} of {}, {} {}, tries {}, last answer {}",
        text("kind"),
        text("state"),
        text("batch"),
        text("stan"),
        text("original_stan"),
        text("amount"),
        text("currency"),
        text("tries"),
        text("response_code"),
    )
}
