//! `yima sandbox notifications`: what customers were told on their phones, or would be.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Failure, output};
use crate::sandbox::host::Host;
use crate::sandbox::host::notifications::Notification;
use crate::sandbox::host::notifications::sms::parts;

/// What comes after `yima sandbox notifications`.
#[derive(Debug, Args)]
pub struct NotificationArguments {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl NotificationArguments {
    pub fn run(&self, state: &Path) -> Result<ExitCode, Failure> {
        let notifications = Host::prepare(state)?.notifications()?;
        if self.json {
            output::json(&notifications.iter().map(in_json).collect::<Value>());
            return Ok(ExitCode::SUCCESS);
        }
        for one in &notifications {
            let problem = one.problem.as_ref().map(|problem| format!(" ({problem})")).unwrap_or_default();
            output::say(&format!(
                "{} {:<9} {}, tries {}{problem}",
                one.trace,
                one.standing.word(),
                one.phone,
                one.tries
            ));
            output::say(&format!("    {}", one.text));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Of the phone the last four digits alone.
fn in_json(one: &Notification) -> Value {
    json!({
        "key": one.key,
        "event": one.event.word(),
        "phone": one.phone.to_string(),
        "text": one.text,
        "sms_parts": parts(&one.text),
        "state": one.standing.word(),
        "tries": one.tries,
        "problem": one.problem,
    })
}
