//! `yima queue`: what the host must still take back or be told, what a person must look at, and what a person found out.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::DateTime;
use serde_json::{Value, json};

use super::people::Attending;
use super::{Failure, output, people};
use crate::app::Setup;
use crate::clock;
use crate::ledger::DeedRow;
use crate::payment::queue::{Act, Deed, Entry, Open, Resolution};
use crate::people::{PersonNumber, Right};
use crate::reference::{Batch, Stan, TraceNumber};

/// Who puts an entry back when nobody is named.
const SOMEBODY: &str = "command line";

/// Why, when nobody says.
const NO_NOTE: &str = "sent again";

/// What comes after `yima queue`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// Print as JSON
    #[arg(long)]
    json: bool,

    /// List what people did with entries that were given up, instead
    #[arg(long)]
    history: bool,

    #[command(flatten)]
    attending: Attending,

    #[command(subcommand)]
    action: Option<Action>,
}

/// What a person does with an entry that was given up.
#[derive(Debug, Subcommand)]
enum Action {
    /// End an entry that was given up, with what the acquirer says; it is kept for good and cannot be undone
    Resolve {
        #[command(flatten)]
        number: Number,

        /// What the acquirer says
        #[arg(long = "as", value_name = "WHAT")]
        resolution: Word,

        /// Who says so here
        #[arg(long, value_name = "NAME")]
        by: String,

        /// Why: who was asked, and what they said
        #[arg(long, value_name = "TEXT")]
        note: String,
    },
    /// Put an entry that was given up back to the head of its kind, to be sent again
    Retry {
        #[command(flatten)]
        number: Number,

        /// Who wants it
        #[arg(long, value_name = "NAME", default_value = SOMEBODY)]
        by: String,

        /// Why
        #[arg(long, value_name = "TEXT", default_value = NO_NOTE)]
        note: String,
    },
}

/// Which entry or transaction, as `yima queue` and `yima transactions` name it.
#[derive(Debug, Args)]
pub(super) struct Number {
    /// Its batch
    #[arg(value_name = "BATCH", value_parser = batch)]
    batch: Batch,

    /// Its STAN
    #[arg(value_name = "STAN", value_parser = stan)]
    stan: Stan,
}

impl Number {
    /// The same as the ledger has it.
    pub(super) const fn trace(&self) -> TraceNumber {
        TraceNumber { batch: self.batch, stan: self.stan }
    }
}

/// What the acquirer says of an entry.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Word {
    /// The payment is not charged: it was taken back, or never booked
    Reversed,
    /// The payment is charged, and stays so: it counts as paid
    Charged,
    /// The acquirer has what the message says (for TCs and script results)
    Noted,
}

impl Arguments {
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        match &self.action {
            Some(Action::Resolve { number, resolution, by, note }) => {
                self.decide(setup, number, Act::Resolve(resolution.resolution()), by, note)
            }
            Some(Action::Retry { number, by, note }) => self.decide(setup, number, Act::Retry, by, note),
            None if self.history => self.history(setup),
            None => self.list(setup),
        }
    }

    fn list(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let ledger = setup.ledger_to_look_at(&setup.identity()?)?;
        let entries = ledger.map(|ledger| ledger.entries()).transpose()?.unwrap_or_default();
        if self.json {
            output::json(&entries.iter().map(as_json).collect());
            return Ok(ExitCode::SUCCESS);
        }
        entries.iter().for_each(|entry| output::say(&line(entry)));
        let open = Open::of(&entries);
        if open.settlement_may_begin() {
            output::say("nothing waits");
        } else {
            let Open { waiting, parked } = open;
            output::say(&format!("settlement waits for these: {waiting} for the host, {parked} for a person"));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The terminal may run meanwhile: it sees what was decided, and goes on with what is to be sent again.
    fn decide(&self, setup: &Setup, number: &Number, act: Act, by: &str, note: &str) -> Result<ExitCode, Failure> {
        let identity = setup.identity()?;
        // A ledger is not made for this.
        setup.ledger_to_look_at(&identity)?.ok_or("this terminal has no ledger yet: nothing waits")?;
        let who = self.attending.attend(people::of(setup)?.people(), Right::Decide)?;
        let mut ledger = setup.ledger_beside(&identity)?;
        let trace = number.trace();
        let deed = Deed { act, by: with_number(by.trim(), who), note: note.trim().to_owned(), at: now() };
        let entry = ledger.decide(trace, &deed)?;
        let what = match act {
            Act::Resolve(Resolution::Reversed) => "counts as taken back; nothing more is sent",
            Act::Resolve(Resolution::Charged) => "counts as paid; it is not taken back",
            Act::Resolve(Resolution::Noted) => "the acquirer has it; it is not sent any more",
            Act::Retry => "is sent again, as in the beginning",
        };
        output::say(&format!("{trace} {} {}: {what}", entry.amount, entry.amount.currency().code()));
        Ok(ExitCode::SUCCESS)
    }

    fn history(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let ledger = setup.ledger_to_look_at(&setup.identity()?)?;
        let deeds = ledger.map(|ledger| ledger.deeds()).transpose()?.unwrap_or_default();
        if self.json {
            output::json(&deeds.iter().map(deed_as_json).collect());
        } else {
            deeds.iter().for_each(|row| output::say(&deed_line(row)));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The name that was given, with the number of whoever is known by a code.
fn with_number(by: &str, who: Option<PersonNumber>) -> String {
    match who {
        Some(who) if !by.is_empty() => format!("{who} {by}"),
        _ => by.to_owned(),
    }
}

impl Word {
    const fn resolution(self) -> Resolution {
        match self {
            Self::Reversed => Resolution::Reversed,
            Self::Charged => Resolution::Charged,
            Self::Noted => Resolution::Noted,
        }
    }
}

/// A number as people write it, with or without the zeros before it.
pub(super) fn number<T>(
    text: &str,
    new: impl Fn(u32) -> Result<T, crate::reference::ReferenceError>,
) -> Result<T, String> {
    let number: u32 = text.parse().map_err(|_| format!("\"{text}\" is no number"))?;
    new(number).map_err(|error| error.to_string())
}

fn batch(text: &str) -> Result<Batch, String> {
    number(text, Batch::new)
}

fn stan(text: &str) -> Result<Stan, String> {
    number(text, Stan::new)
}

/// Local time, to the second.
fn now() -> DateTime {
    let now = clock::local().datetime();
    now.with().subsec_nanosecond(0).build().unwrap_or(now)
}

fn as_json(entry: &Entry) -> Value {
    json!({
        "kind": entry.kind.word(),
        "state": entry.standing.word(),
        "batch": entry.trace.batch.to_string(),
        "stan": entry.trace.stan.to_string(),
        "original_batch": entry.original.batch.to_string(),
        "original_stan": entry.original.stan.to_string(),
        "amount": entry.amount.to_string(),
        "currency": entry.amount.currency().code(),
        "at": entry.at.to_string(),
        "tries": entry.tries,
        "next_try": entry.next_try.map(|time| time.to_string()),
        "response_code": entry.response_code.as_ref().map(|code| code.as_str()),
        "reason": entry.reason.map(crate::wording::ReasonKind::word),
    })
}

fn line(entry: &Entry) -> String {
    let next = entry.next_try.map_or_else(String::new, |time| format!(", next try {}", time.strftime("%H:%M:%S")));
    format!(
        "{:<13} {:<11} {} {} of {}, {} {}, since {}, tries {}{next}, last answer {}",
        entry.kind.word(),
        entry.standing.word(),
        entry.trace.batch,
        entry.trace.stan,
        entry.original.stan,
        entry.amount,
        entry.amount.currency().code(),
        entry.at.strftime("%Y-%m-%d %H:%M:%S"),
        entry.tries,
        entry.response_code.as_ref().map_or("-", |code| code.as_str()),
    )
}

/// What a person did, as a program reads it.
pub fn deed_as_json(row: &DeedRow) -> Value {
    json!({
        "kind": row.kind.word(),
        "batch": row.trace.batch.to_string(),
        "stan": row.trace.stan.to_string(),
        "original_batch": row.original.batch.to_string(),
        "original_stan": row.original.stan.to_string(),
        "as": row.deed.act.word(),
        "by": row.deed.by,
        "note": row.deed.note,
        "at": row.deed.at.to_string(),
        "tries": row.tries,
    })
}

fn deed_line(row: &DeedRow) -> String {
    format!(
        "{} {:<13} {} of {}: {} by {}, after {} tries: {}",
        row.deed.at.strftime("%Y-%m-%d %H:%M:%S"),
        row.kind.word(),
        row.trace,
        row.original,
        row.deed.act.word(),
        row.deed.by,
        row.tries,
        row.deed.note,
    )
}
