//! `yima archive`: payments that have left the ledger after years, in files beside it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::bookkeeping::Books;
use super::search::Wanted;
use super::transactions::{line, whole};
use super::{Failure, output};
use crate::app::Setup;
use crate::ledger::{ArchiveRow, Ledger, Listed, Search};

/// What comes after `yima archive`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List the archives, those with the newest payments first
    List(List),
    /// Show payments in them, newest first: all, or those that are looked for
    Show(Show),
}

/// Of which ledger.
#[derive(Debug, Args)]
struct Common {
    /// The archives of a ledger that was put aside when this machine was enrolled for another merchant or terminal
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Show {
    #[command(flatten)]
    wanted: Wanted,

    /// Print as a table with a line for each payment; "net" is what it adds to the merchant's money
    #[arg(long, conflicts_with = "json")]
    csv: bool,

    /// A line of the table for each good that was sold instead
    #[arg(long, requires = "csv")]
    goods: bool,

    #[command(flatten)]
    common: Common,
}

impl Arguments {
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        match &self.act {
            Act::List(list) => list.run(setup),
            Act::Show(show) => show.run(setup),
        }
    }
}

impl Common {
    fn archives(&self, setup: &Setup) -> Result<Option<(Ledger, Vec<ArchiveRow>)>, Failure> {
        let ledger = match &self.ledger {
            Some(path) => Some(Ledger::open_put_aside(path)?),
            None => setup.ledger_to_look_at(&setup.identity()?)?,
        };
        let Some(ledger) = ledger else { return Ok(None) };
        let archives = ledger.archives()?;
        Ok(Some((ledger, archives)))
    }
}

impl List {
    fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let archives = self.common.archives(setup)?.map(|(_, archives)| archives).unwrap_or_default();
        if self.common.json {
            output::json(&archives.iter().map(archive_as_json).collect());
            return Ok(ExitCode::SUCCESS);
        }
        for archive in archives {
            output::say(&format!(
                "{} {} to {}: {} payments",
                archive.name,
                archive.first_at.date(),
                archive.last_at.date(),
                archive.payments
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn archive_as_json(archive: &ArchiveRow) -> Value {
    json!({
        "file": archive.name,
        "first": archive.first_at.to_string(),
        "last": archive.last_at.to_string(),
        "payments": archive.payments,
        "made_at": archive.made_at.to_string(),
    })
}

impl Show {
    fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let search = self.wanted.search(setup)?.unwrap_or_default();
        let (mut list, mut books) = (Vec::new(), Books::begin(self.goods, true)?);
        if let Some((ledger, archives)) = self.common.archives(setup)? {
            for archive in archives.iter().filter(|archive| may_hold(archive, &search)) {
                self.add(&ledger.open_archive(archive)?, archive, &search, &mut list, &mut books)?;
            }
        }
        if self.csv {
            books.say()?;
        } else if self.common.json {
            output::json(&Value::Array(list));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn add(
        &self,
        opened: &Ledger,
        archive: &ArchiveRow,
        search: &Search,
        list: &mut Vec<Value>,
        books: &mut Books,
    ) -> Result<(), Failure> {
        let deeds = opened.deeds()?;
        for row in opened.search(search, None, usize::MAX)?.rows {
            if self.csv {
                books.add(opened, &Listed::Payment(Box::new(row)), &archive.name)?;
                continue;
            }
            if !self.common.json {
                output::say(&line(&row));
                continue;
            }
            let mut value = whole(opened, &row, &deeds)?;
            if let Some(object) = value.as_object_mut() {
                object.insert("archive".to_owned(), archive.name.clone().into());
            }
            list.push(value);
        }
        Ok(())
    }
}

/// Not, where its times say that what is looked for is none of it.
fn may_hold(archive: &ArchiveRow, search: &Search) -> bool {
    search.from.is_none_or(|from| archive.last_at >= from)
        && search.before.is_none_or(|before| archive.first_at < before)
}
