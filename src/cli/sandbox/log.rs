//! `yima sandbox log`: the acquirer clears up why its host does not sign a terminal's log. Works on the host's state directory, whether
//! the host runs or not.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::ledger::name;
use crate::cli::{Failure, output};
use crate::clock;
use crate::sandbox::host::Host;

/// What the acquirer does about logs.
#[derive(Debug, Subcommand)]
pub enum Log {
    /// Take the log of a terminal as it is now: after its ledger was restored, the host signs it again
    Accept(Accept),
}

/// What comes after `yima sandbox log accept`.
#[derive(Debug, Args)]
pub struct Accept {
    /// Number of the terminal
    #[arg(value_name = "TERMINAL")]
    terminal: String,

    /// Who takes it; kept in `yima sandbox merchant log`
    #[arg(long, value_name = "NAME", value_parser = name)]
    by: String,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Log {
    pub fn run(&self, host: &Path) -> Result<ExitCode, Failure> {
        match self {
            Self::Accept(accept) => accept.run(host),
        }
    }
}

impl Accept {
    fn run(&self, host: &Path) -> Result<ExitCode, Failure> {
        let host = Host::prepare(host)?;
        let head = host.register(|register| register.accept_log(&self.terminal, &self.by, clock::timestamp()))?;
        if self.json {
            output::json(&json!({ "terminal": self.terminal, "by": self.by, "no_more": head.line() }));
            return Ok(ExitCode::SUCCESS);
        }
        let Self { terminal, .. } = self;
        output::say(&format!(
            "the next head of the log of terminal {terminal} is signed whatever it follows; the one of {} entries counts no more",
            head.size
        ));
        Ok(ExitCode::SUCCESS)
    }
}
