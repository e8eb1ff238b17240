//! `yima sandbox merchant account`: what the acquirer has on a merchant's account, what was posted to it, and what it keeps.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::cli::{Failure, output};
use crate::money::{Amount, Currency};
use crate::sandbox::host::{DEFAULT_TERMINAL, Host};

/// What comes after `yima sandbox merchant account`.
#[derive(Debug, Args)]
pub struct Account {
    /// Terminal number of one of the merchant's terminals
    #[arg(long, value_name = "NUMBER", default_value = DEFAULT_TERMINAL)]
    terminal: String,

    /// From now on keep so many parts per ten thousand of each settlement
    #[arg(long, value_name = "PARTS", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    fee: Option<u32>,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Account {
    /// Shows the account, after a change of the fee if one is wanted.
    pub fn run(&self, host: &Host) -> Result<ExitCode, Failure> {
        let merchant = host.merchant_of(&self.terminal)?;
        if let Some(rate) = self.fee {
            host.set_fee_rate(&merchant, rate)?;
        }
        let (balance, rate) = host.merchant_account(&merchant)?;
        let postings = host.postings(&merchant)?;
        if self.json {
            let postings: Vec<_> = postings
                .iter()
                .map(|posting| {
                    json!({
                        "at": posting.at,
                        "kind": posting.kind.word(),
                        "terminal": posting.terminal,
                        "batch": posting.batch.to_string(),
                        "amount": yuan(posting.amount),
                        "balance": yuan(posting.balance),
                    })
                })
                .collect();
            output::json(&json!({
                "merchant": merchant,
                "balance": yuan(balance),
                "fee_per_ten_thousand": rate,
                "postings": postings,
            }));
            return Ok(ExitCode::SUCCESS);
        }
        output::say(&format!("merchant {merchant}: {}, fee {}.{:02} %", yuan(balance), rate / 100, rate % 100));
        for posting in &postings {
            output::say(&format!(
                "  {} {:<10} terminal {} batch {}: {:>14} -> {:>14}",
                posting.at,
                posting.kind.word(),
                posting.terminal,
                posting.batch,
                yuan(posting.amount),
                yuan(posting.balance),
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Minor units of CNY with a sign.
fn yuan(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let amount = Amount::new(minor.unsigned_abs(), Currency::CNY);
    amount.map_or_else(|_| format!("{minor} fen"), |amount| format!("{sign}{amount}"))
}
