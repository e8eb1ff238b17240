//! `yima enrol`, `yima move` and `yima decommission`: how this terminal comes to a merchant, to another place, and out of
//! service.

use std::fmt;
use std::io::{BufRead, Read};
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Failure, output};
use crate::acquirer::enrolment::wire::ActivationCode;
use crate::app::Setup;
use crate::app::enrolment::{EnrolError, GivenUp, Standing, kind_of_setup};
use crate::terminal::binding::{BindingRecord, Place};
use crate::terminal::journal::Journal;
use crate::wording::{Reason, ReasonKind};

/// Longest line with a code that is read, in bytes.
const LONGEST_LINE: usize = 256;

/// What comes after `yima enrol`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["code", "status", "refresh"])))]
pub struct EnrolArguments {
    /// The acquirer's activation code, twelve digits; - reads it from standard input
    #[arg(long, value_name = "CODE", value_parser = given_code)]
    code: Option<GivenCode>,

    /// Enrol anew: make new keys and destroy the old ones
    #[arg(long, requires = "code")]
    again: bool,

    /// Say how the terminal stands and what was written down of its enrolments
    #[arg(long)]
    status: bool,

    /// Fetch the acquirer's binding record, for example after the terminal was moved
    #[arg(long)]
    refresh: bool,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// An activation code as it was typed, or where it is to be read. Masks itself; wiped when it is dropped.
#[derive(Clone)]
struct GivenCode(Zeroizing<String>);

impl fmt::Debug for GivenCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GivenCode(masked)")
    }
}

fn given_code(text: &str) -> Result<GivenCode, std::convert::Infallible> {
    Ok(GivenCode(Zeroizing::new(text.to_owned())))
}

/// What comes after `yima move`.
#[derive(Debug, Args)]
pub struct MoveArguments {
    /// The new address
    #[arg(long, value_name = "TEXT")]
    address: String,

    /// Degrees north and east (WGS-84), as 39.908722,116.397499
    #[arg(long, value_name = "LATITUDE,LONGITUDE", allow_hyphen_values = true)]
    coordinates: String,

    /// How far from there it may be, in metres
    #[arg(long, value_name = "METRES", default_value_t = 500)]
    radius: u32,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// What comes after `yima decommission`.
#[derive(Debug, Args)]
pub struct DecommissionArguments {
    /// Give up payments that are not finished, when the acquirer ordered this: they can never be taken back afterwards
    #[arg(long, requires = "by", requires = "note")]
    give_up: bool,

    /// Who gives them up
    #[arg(long, value_name = "NAME", requires = "give_up")]
    by: Option<String>,

    /// Why: who was asked, and what they said
    #[arg(long, value_name = "TEXT", requires = "give_up")]
    note: Option<String>,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl EnrolArguments {
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        if self.status {
            return status(setup, self.json);
        }
        if self.refresh {
            let refreshed = setup.refresh_binding();
            return finish(setup, self.json, refreshed, |newer| match newer {
                Some(identity) => (
                    json!({ "newer": true, "version": identity.version, "address": identity.address }),
                    format!("binding record {}: {}", identity.version, identity.address),
                ),
                None => (json!({ "newer": false }), "the binding record is the newest".to_owned()),
            });
        }
        let code = match &self.code {
            Some(GivenCode(given)) if given.as_str() == "-" => line_of_standard_input()?,
            given => given.as_ref().map(|GivenCode(given)| given.clone()).unwrap_or_default(),
        };
        let enrolled = setup.enrol(&ActivationCode::parse(&code)?, self.again, &mut |_| ());
        finish(setup, self.json, enrolled, |record| {
            let mut value = as_json(&record);
            value["enrolled"] = true.into();
            (value, format!("enrolled: merchant {}, terminal {}", record.merchant_code, record.terminal_number))
        })
    }
}

impl MoveArguments {
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        Place::parse(&self.coordinates, self.radius)?;
        let asked = setup.ask_to_move(&self.address, &self.coordinates, self.radius);
        finish(setup, self.json, asked, |()| {
            let said = "the acquirer was asked; when it has agreed, the terminal fetches its new record by itself";
            (json!({ "asked": true }), said.to_owned())
        })
    }
}

impl DecommissionArguments {
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let given_up = match (&self.by, &self.note) {
            (Some(by), Some(note)) if self.give_up => Some(GivenUp { by: by.clone(), note: note.clone() }),
            _ => None,
        };
        let done = setup.decommission(given_up.as_ref());
        finish(setup, self.json, done, |()| {
            let said = "this terminal is out of service and its keys are destroyed";
            (json!({ "decommissioned": true }), said.to_owned())
        })
    }
}

/// Says what came of it: 0 when it was done, 1 when the terminal is as it was.
fn finish<T>(
    setup: &Setup,
    json: bool,
    result: Result<T, EnrolError>,
    said: impl FnOnce(T) -> (Value, String),
) -> Result<ExitCode, Failure> {
    match result {
        Ok(done) => {
            let (value, text) = said(done);
            if json {
                output::json(&value);
            } else {
                output::say(&text);
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let language = setup.settings.terminal.language;
            let reason = Reason::with_detail(error.kind(), error.to_string());
            if json {
                output::json(&json!({ "done": false, "reason": output::reason(&reason, &reason, language) }));
            } else {
                let sentences = reason.sentences(language);
                output::say(&format!("{} {}", sentences.what, sentences.advice));
                output::note(&format!("yima: {error}"));
            }
            Ok(ExitCode::from(1))
        }
    }
}

fn status(setup: &Setup, json: bool) -> Result<ExitCode, Failure> {
    let journal = setup.journal();
    let entries = journal.as_ref().map(Journal::entries).unwrap_or_default();
    let (word, record, reason) = match setup.standing() {
        Standing::NotEnrolled => ("not_enrolled", None, Some(Reason::of(ReasonKind::NotEnrolled))),
        Standing::Enrolled(record) => ("enrolled", Some(record), None),
        Standing::Refused(error) => {
            ("refused", None, Some(Reason::with_detail(kind_of_setup(&error), error.to_string())))
        }
    };
    let language = setup.settings.terminal.language;
    if json {
        let journal: Vec<Value> = entries
            .iter()
            .map(|entry| json!({ "at": entry.at, "event": entry.event, "detail": entry.detail, "binding": entry.binding }))
            .collect();
        output::json(&json!({
            "standing": word,
            "binding": record.as_deref().map(as_json),
            "reason": reason.as_ref().map(|reason| output::reason(reason, reason, language)),
            "journal": journal,
        }));
    } else {
        if let Some(record) = &record {
            for line in record.text().lines().skip(1) {
                output::say(line);
            }
        }
        if let Some(reason) = &reason {
            let sentences = reason.sentences(language);
            output::say(&format!("{} {}", sentences.what, sentences.advice));
            if !reason.detail.is_empty() {
                output::note(&format!("yima: {}", reason.detail));
            }
        }
        for entry in entries {
            output::say(&format!("{} {} {}", entry.at, entry.event.word(), entry.detail));
        }
    }
    Ok(if reason.is_none() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn as_json(record: &BindingRecord) -> Value {
    json!({
        "version": record.version,
        "issued_at": record.issued_at.to_string(),
        "test": record.test,
        "serial_number": record.serial_number,
        "acquirer_code": record.acquirer_code,
        "merchant_code": record.merchant_code,
        "terminal_number": record.terminal_number,
        "merchant_name": record.merchant_name,
        "credit_code": record.credit_code,
        "settlement_account": record.settlement_account,
        "address": record.address,
        "place": record.place.to_string(),
        "device_key": record.device_key,
    })
}

fn line_of_standard_input() -> Result<Zeroizing<String>, Failure> {
    // It is not moved while it grows: what is left behind then is not wiped.
    let mut line = Zeroizing::new(String::with_capacity(LONGEST_LINE));
    std::io::stdin().lock().take(LONGEST_LINE as u64).read_line(&mut line)?;
    let length = line.trim_end().len();
    line.truncate(length);
    Ok(line)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: EnrolArguments,
    }

    #[test]
    fn the_code_that_was_typed_is_not_shown() {
        let line = Line::parse_from(["enrol", "--code", "1234 5678 9012"]);
        let shown = format!("{line:?}");
        assert!(!shown.contains("5678") && shown.contains("masked"), "{shown}");
        assert_eq!(&*line.arguments.code.unwrap().0, "1234 5678 9012");
    }
}
