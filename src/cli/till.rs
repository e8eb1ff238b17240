//! `yima till`: who may speak to this terminal by its interface for tills, and the terminal without a touchscreen for them.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::people::Attending;
use super::sandbox::wait_for_the_end;
use super::{Failure, output};
use crate::app::view::View;
use crate::app::{Attendant, Listener, SaleReport, Setup};
use crate::clock;
use crate::people::Right;
use crate::till::TillName;
use crate::till_keys::{CODE_VALID, TillKeys};
use crate::till_server::{TillServerError, start_engine};
use crate::wording::Language;

/// What a revocation gives back to the shell when there was nothing to revoke.
const NOTHING: u8 = 1;

/// What comes after `yima till`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    attending: Attending,

    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Show a code by which a till gets its key, once and within five minutes
    ///
    /// A till that is paired again under its name is the same till: the key it had counts no more, and the keys it gave its payments
    /// go on to count.
    Pair(Pair),
    /// List the tills
    List(List),
    /// Take a till's key away
    Revoke(Revoke),
    /// Run the terminal for tills, without a touchscreen, until it is asked to end
    ///
    /// Where people work here the payments of tills are of whoever gives the command, and tills have of the terminal what that person may
    /// do alone.
    Serve,
}

#[derive(Debug, Args)]
struct Pair {
    /// What the till is called
    name: TillName,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct List {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Revoke {
    /// What the till is called
    name: TillName,
}

impl Arguments {
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        match &self.act {
            Act::Pair(pair) => {
                self.attending.change_settings(setup, &format!("till pair {}", pair.name))?;
                pair.run(setup)
            }
            Act::List(list) => list.run(setup),
            Act::Revoke(revoke) => {
                self.attending.change_settings(setup, &format!("till revoke {}", revoke.name))?;
                revoke.run(setup)
            }
            Act::Serve => serve(setup, &self.attending),
        }
    }
}

impl Pair {
    fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let listen = &setup.settings.till.listen;
        if listen.is_empty() {
            output::note(
                "tills are not listened to on this terminal yet: set till.listen, and start the terminal anew",
            );
        }
        let code = TillKeys::open(&setup.state)?.begin_pairing(&self.name, clock::timestamp())?;
        let seconds = CODE_VALID.as_secs();
        if self.json {
            output::json(&json!({
                "till": self.name.as_str(),
                "code": code.expose(),
                "valid_s": seconds,
                "listen": listen,
            }));
        } else {
            let said = match setup.settings.terminal.language {
                Language::Chinese => format!("配对码 {}，{} 分钟内在收银机上输入一次", code.expose(), seconds / 60),
                Language::English => {
                    format!(
                        "pairing code {}: enter it at the till within {} minutes, once",
                        code.expose(),
                        seconds / 60
                    )
                }
            };
            output::say(&said);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let tills = if TillKeys::is_there(&setup.state) { TillKeys::open(&setup.state)?.tills()? } else { Vec::new() };
        if self.json {
            let list: Vec<_> = tills
                .iter()
                .map(|till| {
                    json!({
                        "till": till.name.as_str(),
                        "paired_at": till.paired_at.to_string(),
                        "revoked_at": till.revoked_at.map(|at| at.to_string()),
                    })
                })
                .collect();
            output::json(&list.into());
            return Ok(ExitCode::SUCCESS);
        }
        for till in &tills {
            let revoked = till.revoked_at.map(|at| format!("  revoked {at:.0}")).unwrap_or_default();
            output::say(&format!("{}  paired {:.0}{revoked}", till.name, till.paired_at));
        }
        if tills.is_empty() {
            output::say("no till was paired with this terminal: yima till pair NAME");
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Revoke {
    fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let revoked =
            TillKeys::is_there(&setup.state) && TillKeys::open(&setup.state)?.revoke(&self.name, clock::timestamp())?;
        if revoked {
            output::say(&format!("{} has no key any more", self.name));
            return Ok(ExitCode::SUCCESS);
        }
        output::note(&format!("{} has no key: yima till list shows who has one", self.name));
        Ok(ExitCode::from(NOTHING))
    }
}

/// Nobody looks at a screen here.
struct Nobody;

impl Listener for Nobody {
    fn show(&mut self, _: &View) {}

    fn report(&mut self, report: &SaleReport) {
        let trace = report.trace.map(|trace| trace.to_string());
        tracing::info!(trace, outcome = report.ending.word(), "a payment is over");
    }
}

fn serve(setup: &Setup, attending: &Attending) -> Result<ExitCode, Failure> {
    if setup.settings.till.listen.is_empty() {
        return Err(
            "there is no place where tills are listened to: set till.listen, like unix:/run/yima/till.sock".into()
        );
    }
    // Who is signed on at a screen is not at this command: it names whose payments they are.
    let mut parts = setup.parts()?;
    let cashier = attending.attend(parts.people(), Right::Sale)?;
    parts.staff.attendant = Attendant::Known(cashier);
    let (engine, tills) = start_engine(setup, parts, Box::new(Nobody))?;
    let tills = tills?.ok_or(TillServerError::NoPlace)?;
    output::note(&format!("tills are listened to on {}", tills.place()));
    let ended = wait_for_the_end();
    // What is on its way is waited for, and written down.
    drop(engine);
    drop(tills);
    ended
}
