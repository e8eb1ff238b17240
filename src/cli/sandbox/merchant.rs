//! `yima sandbox merchant`: the acquirer's side of onboarding. Works on the host's state directory, whether the host runs or
//! not.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::acquirer::enrolment::wire::ActivationCode;
use crate::cli::{Failure, output};
use crate::clock;
use crate::sandbox::host::Host;
use crate::sandbox::host::onboarding::application::{Application, Form};
use crate::sandbox::host::onboarding::codes::CODE_LIFETIME_S;
use crate::sandbox::host::onboarding::register::{Register, RegisterError};
use crate::terminal::binding::Place;

/// What the acquirer does with merchants.
#[derive(Debug, Subcommand)]
pub enum Merchant {
    /// Take an application in
    Apply(Apply),
    /// Approve an application: it gets its numbers and an activation code
    Approve(One),
    /// Reject an application
    Reject(OneBecause),
    /// Give a new activation code, for example to enrol a terminal anew
    Code(One),
    /// Suspend a merchant: its terminal takes no payment
    Suspend(OneBecause),
    /// End a suspension
    Resume(One),
    /// Move a terminal, to the place it asked for or to another one
    Move(Move),
    /// Take a terminal out of service, whatever it still has open
    Decommission(OneBecause),
    /// Show a merchant's account and what was posted to it, or change its fee
    Account(super::account::Account),
    /// List all applications
    List(List),
    /// Show who changed what, oldest first
    Log(List),
}

/// What comes after `apply`.
#[derive(Debug, Args)]
pub struct Apply {
    /// Name of the shop
    #[arg(long, value_name = "TEXT")]
    name: String,

    /// Unified social credit code, 18 characters (GB 32100-2015)
    #[arg(long, value_name = "CODE")]
    credit_code: String,

    /// Settlement account; the terminal will know it masked
    #[arg(long, value_name = "NUMBER")]
    account: String,

    #[command(flatten)]
    place: PlaceArguments,

    /// Serial number of the machine (TUSN)
    #[arg(long, visible_alias = "tusn", value_name = "NUMBER")]
    serial: String,

    #[command(flatten)]
    common: Common,
}

/// Where a terminal stands.
#[derive(Debug, Args)]
pub struct PlaceArguments {
    /// Deployment address
    #[arg(long, value_name = "TEXT")]
    address: String,

    /// Degrees north and east (WGS-84), as 39.908722,116.397499
    #[arg(long, value_name = "LATITUDE,LONGITUDE", allow_hyphen_values = true)]
    coordinates: String,

    /// How far from there it may be, in metres
    #[arg(long, value_name = "METRES", default_value_t = 500)]
    radius: u32,
}

/// What all of them take.
#[derive(Debug, Args)]
pub struct Common {
    /// Who does it, for the log
    #[arg(long, value_name = "NAME", default_value = "acquirer")]
    by: String,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// An application.
#[derive(Debug, Args)]
pub struct One {
    /// Number of the application, or serial number of its machine
    application: String,

    #[command(flatten)]
    common: Common,
}

/// An application, and why.
#[derive(Debug, Args)]
pub struct OneBecause {
    /// Number of the application, or serial number of its machine
    application: String,

    /// Why, for the log
    #[arg(long, value_name = "TEXT", default_value = "no reason given")]
    reason: String,

    #[command(flatten)]
    common: Common,
}

/// What comes after `move`.
#[derive(Debug, Args)]
pub struct Move {
    /// Number of the application, or serial number of its machine
    application: String,

    /// The new address; without it, the place that the terminal asked for
    #[arg(long, value_name = "TEXT", requires = "coordinates")]
    address: Option<String>,

    /// Degrees north and east (WGS-84), as 39.908722,116.397499
    #[arg(long, value_name = "LATITUDE,LONGITUDE", allow_hyphen_values = true, requires = "address")]
    coordinates: Option<String>,

    /// How far from there it may be, in metres
    #[arg(long, value_name = "METRES", default_value_t = 500)]
    radius: u32,

    #[command(flatten)]
    common: Common,
}

/// What comes after `list` and `log`.
#[derive(Debug, Args)]
pub struct List {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Merchant {
    pub fn run(&self, state: &Path) -> Result<ExitCode, Failure> {
        let host = Host::prepare(state)?;
        let now = clock::timestamp();
        match self {
            Self::Apply(arguments) => {
                let form = Form {
                    serial_number: arguments.serial.clone(),
                    merchant_name: arguments.name.clone(),
                    credit_code: arguments.credit_code.clone(),
                    account: arguments.account.clone(),
                    address: arguments.place.address.clone(),
                    place: Place::parse(&arguments.place.coordinates, arguments.place.radius)?,
                };
                let application = host.register(|register| {
                    let id = register.apply(&form, &arguments.common.by, now)?;
                    register.application(id)
                })?;
                say(&application, &arguments.common);
            }
            Self::Approve(One { application, common }) => {
                with_code(&host, application, common, |register, id| register.approve(id, None, &common.by, now))?;
            }
            Self::Code(One { application, common }) => {
                with_code(&host, application, common, |register, id| register.new_code(id, &common.by, now))?;
            }
            Self::Reject(OneBecause { application, reason, common }) => {
                change(&host, application, common, |register, id| register.reject(id, reason, &common.by, now))?;
            }
            Self::Suspend(OneBecause { application, reason, common }) => {
                change(&host, application, common, |register, id| register.suspend(id, reason, &common.by, now))?;
            }
            Self::Resume(One { application, common }) => {
                change(&host, application, common, |register, id| register.resume(id, &common.by, now))?;
            }
            Self::Decommission(OneBecause { application, reason, common }) => {
                change(&host, application, common, |register, id| register.decommission(id, &common.by, reason, now))?;
            }
            Self::Move(arguments) => {
                let common = &arguments.common;
                change(&host, &arguments.application, common, |register, id| {
                    let (address, place) = arguments.place(&register.application(id)?)?;
                    register.move_to(id, &address, place, &common.by, now)
                })?;
            }
            Self::Account(account) => return account.run(&host),
            Self::List(List { json }) => {
                let all = host.register(|register| register.all())?;
                if *json {
                    output::json(&Value::Array(all.iter().map(as_json).collect()));
                } else {
                    all.iter().for_each(|application| output::say(&line(application)));
                }
            }
            Self::Log(List { json }) => {
                let lines = host.register(|register| register.log_lines())?;
                if *json {
                    let lines = lines.iter().map(|line| {
                        json!({ "at": line.at, "who": line.who, "application": line.application, "what": line.what })
                    });
                    output::json(&Value::Array(lines.collect()));
                } else {
                    for line in lines {
                        output::say(&format!("{} {} {}: {}", line.at, line.application, line.who, line.what));
                    }
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Move {
    fn place(&self, application: &Application) -> Result<(String, Place), RegisterError> {
        let wrong = |problem: String| RegisterError::Value { what: "place", problem };
        if let (Some(address), Some(coordinates)) = (&self.address, &self.coordinates) {
            return Ok((address.clone(), Place::parse(coordinates, self.radius).map_err(wrong)?));
        }
        let asked = application.move_asked.as_deref();
        let asked = asked.ok_or_else(|| wrong("the terminal did not ask to be moved; give --address".to_owned()))?;
        let damaged = || wrong(format!("\"{asked}\" is no place"));
        let (rest, radius) = asked.rsplit_once("; ").ok_or_else(damaged)?;
        let (address, coordinates) = rest.rsplit_once("; ").ok_or_else(damaged)?;
        let radius = radius.trim_end_matches(" m").parse().map_err(|_| damaged())?;
        Ok((address.to_owned(), Place::parse(coordinates, radius).map_err(wrong)?))
    }
}

fn change(
    host: &Host,
    wanted: &str,
    common: &Common,
    work: impl FnOnce(&Register<'_>, i64) -> Result<(), RegisterError>,
) -> Result<(), Failure> {
    let application = host.register(|register| {
        let id = find(register, wanted)?;
        work(register, id)?;
        register.application(id)
    })?;
    say(&application, common);
    Ok(())
}

fn with_code(
    host: &Host,
    wanted: &str,
    common: &Common,
    work: impl FnOnce(&Register<'_>, i64) -> Result<ActivationCode, RegisterError>,
) -> Result<(), Failure> {
    let (application, code) = host.register(|register| {
        let id = find(register, wanted)?;
        let code = work(register, id)?;
        Ok((register.application(id)?, code))
    })?;
    if common.json {
        let mut value = as_json(&application);
        value["activation_code"] = code.expose_digits().into();
        output::json(&value);
    } else {
        output::say(&line(&application));
        let days = CODE_LIFETIME_S / (24 * 3600);
        output::say(&format!("activation code, good once and for {days} days: {}", *code.expose_grouped()));
    }
    Ok(())
}

/// By its number, or the machine's.
fn find(register: &Register<'_>, wanted: &str) -> Result<i64, RegisterError> {
    if let Some(application) = register.newest_of_machine(wanted)? {
        return Ok(application.id);
    }
    let id: i64 = wanted.parse().map_err(|_| RegisterError::Unknown(wanted.to_owned()))?;
    Ok(register.application(id)?.id)
}

fn say(application: &Application, common: &Common) {
    if common.json {
        output::json(&as_json(application));
    } else {
        output::say(&line(application));
    }
}

fn line(application: &Application) -> String {
    let (merchant, terminal) =
        application.numbers.as_ref().map_or(("-", "-"), |numbers| (&numbers.merchant, &numbers.terminal));
    format!(
        "{} {} machine {} merchant {merchant} terminal {terminal} {} {}{}",
        application.id,
        application.state.word(),
        application.form.serial_number,
        application.form.merchant_name,
        application.form.address,
        application.move_asked.as_ref().map(|wish| format!(" (asks to be moved to {wish})")).unwrap_or_default(),
    )
}

fn as_json(application: &Application) -> Value {
    let numbers = application.numbers.as_ref();
    json!({
        "application": application.id,
        "state": application.state.word(),
        "reason": application.reason,
        "serial_number": application.form.serial_number,
        "merchant_name": application.form.merchant_name,
        "credit_code": application.form.credit_code,
        "settlement_account": application.form.masked_account(),
        "address": application.form.address,
        "place": application.form.place.to_string(),
        "acquirer_code": numbers.map(|numbers| &numbers.acquirer),
        "merchant_code": numbers.map(|numbers| &numbers.merchant),
        "terminal_number": numbers.map(|numbers| &numbers.terminal),
        "binding_version": application.version,
        "move_asked": application.move_asked,
    })
}
