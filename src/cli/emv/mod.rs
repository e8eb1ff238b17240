//! `yima emv`: the kernel without a card.

mod replay;
mod script;

use std::process::ExitCode;

use clap::Subcommand;

use super::Failure;

/// What comes after `yima emv`.
#[derive(Debug, Subcommand)]
pub enum Tool {
    /// Play a script of commands and answers to the kernel that takes real cards, and print every step
    Replay(Box<replay::Arguments>),
}

impl Tool {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        match self {
            Self::Replay(arguments) => arguments.run(),
        }
    }
}
