//! `yima sandbox order` and `yima sandbox reports`: what the host behind them orders its terminals to do, and what they told of
//! themselves. Both work on the host's state directory, whether the host runs or not.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use crate::cli::{Failure, output};
use crate::iso8583::Order;
use crate::sandbox::host::{DEFAULT_TERMINAL, Host, Told};

/// What comes after `yima sandbox order`.
#[derive(Debug, Args)]
pub struct OrderArguments {
    /// What: parameters, status, sign_on, ca_keys, applications, remote or cards
    #[arg(value_name = "ORDER", value_parser = order)]
    order: Order,

    /// Number of the terminal
    #[arg(long, value_name = "NUMBER", default_value = DEFAULT_TERMINAL)]
    terminal: String,
}

/// What comes after `yima sandbox reports`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

fn order(word: &str) -> Result<Order, String> {
    Order::from_word(word).ok_or_else(|| Order::ALL.map(Order::word).join(", "))
}

impl OrderArguments {
    pub fn run(&self, host: &Path) -> Result<ExitCode, Failure> {
        Host::prepare(host)?.order(&self.terminal, self.order)?;
        let (order, terminal) = (self.order.word(), &self.terminal);
        output::say(&format!("terminal {terminal} hears of it with the next answer: {order}"));
        Ok(ExitCode::SUCCESS)
    }
}

impl ReportArguments {
    pub fn run(&self, host: &Path) -> Result<ExitCode, Failure> {
        let reports = Host::prepare(host)?.reports()?;
        if self.json {
            let mut all = Vec::new();
            for Told { terminal, at, report } in &reports {
                let mut told = serde_json::to_value(report)?;
                told["terminal"] = terminal.as_str().into();
                told["at"] = at.to_string().into();
                all.push(told);
            }
            output::json(&all.into());
            return Ok(ExitCode::SUCCESS);
        }
        for Told { terminal, at, report } in &reports {
            output::say(&format!("terminal {terminal} at {at:.0}: program {}, set {}", report.program, report.set));
            for (name, value) in [
                ("CA keys", &report.ca_keys),
                ("applications", &report.applications),
                ("parameters", &report.parameters),
                ("cards", &report.cards),
                ("reader", &report.reader),
                ("printer", &report.printer),
                ("queue", &report.queue),
                ("signed on", &report.signed_on),
                ("refused", &report.refused),
            ] {
                if !value.is_empty() {
                    output::say(&format!("  {name}: {value}"));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
