//! `yima sandbox books`: what the host has written down of requests, oldest first. Works on its state directory, whether it runs or
//! not.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Failure, output};
use crate::sandbox::host::Host;
use crate::sandbox::host::store::Entry;

/// What comes after `yima sandbox books`.
#[derive(Debug, Args)]
pub struct BookArguments {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl BookArguments {
    pub fn run(&self, host: &Path) -> Result<ExitCode, Failure> {
        let entries = Host::prepare(host)?.ledger()?;
        if self.json {
            output::json(&entries.iter().map(in_json).collect());
        } else {
            entries.iter().for_each(|entry| output::say(&line(entry)));
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

fn in_json(entry: &Entry) -> Value {
    json!({
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Amount, Currency};
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
        assert_eq!(in_json(&entry)["original"], "000001-000001");
        assert_eq!(in_json(&Entry { original: None, ..entry })["original"], Value::Null);
    }
}
