//! `yima goods`: what the shop sells; looked for, and brought up to date with tables.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::people::Attending;
use super::{FAILED, Failure, output};
use crate::app::Setup;
use crate::app::goods::GoodsError;
use crate::catalogue::{Catalogue, CatalogueError};
use crate::goods::table::{self, MOST_BYTES, Table};
use crate::goods::{Category, Good, GoodNumber, Wanted};
use crate::terminal::files;
use crate::wording::Language;

/// How many are found when nobody says.
const USUAL_LIMIT: usize = 20;

/// What comes after `yima goods`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    attending: Attending,

    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List the goods, in the order of their numbers
    List(List),
    /// Look for goods by a part of the name, pinyin initials, or digits of number or barcode; the best answers first
    Search(Search),
    /// Bring the catalogue up to date with a table (CSV or XLSX): with all of it, or, when a line is wrong, with nothing
    Import(Import),
    /// Write the catalogue as a table that import and spreadsheets read: as an Excel file where the name ends with .xlsx, as CSV otherwise
    Export(Export),
    /// Have a good at hand on the keypad, or no longer
    Favourite(Favourite),
    /// Take a good out of the catalogue
    Remove(Remove),
}

/// Which goods.
#[derive(Debug, Args)]
struct Which {
    /// Only goods of this category
    #[arg(long, value_name = "CATEGORY", value_parser = category)]
    category: Option<Category>,

    /// Only favourites
    #[arg(long)]
    favourites: bool,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct List {
    /// Show at most so many [default: all]
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,

    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
struct Search {
    /// Words; each must be found
    #[arg(required = true, value_name = "TEXT")]
    words: Vec<String>,

    /// Show at most so many
    #[arg(long, value_name = "NUMBER", default_value_t = USUAL_LIMIT)]
    limit: usize,

    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
struct Import {
    /// The table; its first line says what the columns are
    file: PathBuf,

    /// Only look what would change
    #[arg(long)]
    dry_run: bool,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Export {
    /// Where to; - is standard output
    file: PathBuf,
}

#[derive(Debug, Args)]
struct Favourite {
    /// Number or barcode
    code: String,

    /// No longer
    #[arg(long)]
    off: bool,
}

#[derive(Debug, Args)]
struct Remove {
    /// Number or barcode
    code: String,
}

impl Arguments {
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        match &self.act {
            Act::List(list) => list.run(setup)?,
            Act::Search(search) => search.run(setup)?,
            Act::Import(import) => return import.run(setup, &self.attending),
            Act::Export(export) => export.run(setup)?,
            Act::Favourite(favourite) => favourite.run(setup, &self.attending)?,
            Act::Remove(remove) => remove.run(setup, &self.attending)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Which {
    fn says(&self, good: &Good) -> bool {
        (!self.favourites || good.favourite) && self.category.as_ref().is_none_or(|category| good.category == *category)
    }

    fn print(&self, goods: &[Good], language: Language) {
        if self.json {
            return output::json(&goods.iter().map(as_json).collect());
        }
        for good in goods {
            output::say(&line(good, language));
        }
    }
}

impl List {
    fn run(&self, setup: &Setup) -> Result<(), Failure> {
        let mut goods = setup.catalogue_to_look_at()?.map_or(Ok(Vec::new()), |catalogue| catalogue.goods())?;
        goods.retain(|good| self.which.says(good));
        let count = goods.len();
        goods.truncate(self.limit.unwrap_or(count));
        self.which.print(&goods, setup.settings.terminal.language);
        if goods.len() < count && !self.which.json {
            output::note(&format!("{} more are not shown; --limit NUMBER shows more", count - goods.len()));
        }
        Ok(())
    }
}

impl Search {
    fn run(&self, setup: &Setup) -> Result<(), Failure> {
        let wanted = Wanted {
            text: self.words.join(" "),
            category: self.which.category.clone(),
            favourites: self.which.favourites,
        };
        let goods = match setup.catalogue_to_look_at()? {
            Some(mut catalogue) => catalogue.search(&wanted, self.limit)?,
            None => Vec::new(),
        };
        self.which.print(&goods, setup.settings.terminal.language);
        if goods.is_empty() {
            output::note("nothing is found; yima goods list shows what there is");
        }
        Ok(())
    }
}

impl Import {
    fn run(&self, setup: &Setup, attending: &Attending) -> Result<ExitCode, Failure> {
        let currency = setup.settings.terminal.currency.parse()?;
        let table = read(&self.file)?;
        // Whoever only looks changes nothing.
        if !self.dry_run {
            attending.change_settings(setup, &format!("goods import {}", self.file.display()))?;
        }
        let mut catalogue = setup.catalogue()?;
        let imported = match self.dry_run {
            true => catalogue.try_import(&table, currency),
            false => catalogue.import(&table, currency),
        };
        let imported = match imported {
            Ok(imported) => imported,
            Err(CatalogueError::Lines(problems)) if self.json => {
                let problems = problems.iter();
                let problems: Vec<_> = problems
                    .map(|problem| json!({ "line": problem.line, "problem": problem.what.to_string() }))
                    .collect();
                output::json(&json!({ "changed": false, "problems": problems }));
                return Ok(ExitCode::from(FAILED));
            }
            Err(CatalogueError::Lines(problems)) => {
                for problem in &problems {
                    output::note(&problem.to_string());
                }
                return Err(CatalogueError::Lines(problems).into());
            }
            Err(error) => return Err(error.into()),
        };
        if self.json {
            output::json(&json!({
                "changed": !self.dry_run,
                "new": imported.new,
                "updated": imported.changed,
                "same": imported.same,
                "columns_not_read": table.ignored,
            }));
            return Ok(ExitCode::SUCCESS);
        }
        for column in &table.ignored {
            output::note(&format!("the column \"{column}\" means nothing here and was not read"));
        }
        let would = if self.dry_run { "would be " } else { "" };
        output::say(&format!(
            "{} {would}new, {} {would}changed, {} as before",
            imported.new, imported.changed, imported.same
        ));
        Ok(ExitCode::SUCCESS)
    }
}

/// A table that was named on the command line.
fn read(path: &Path) -> Result<Table, Failure> {
    use std::io::Read;
    let said = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut content = Vec::new();
    // One more than there may be says that there is more.
    let file = std::fs::File::open(path).map_err(said)?;
    file.take(MOST_BYTES as u64 + 1).read_to_end(&mut content).map_err(said)?;
    Ok(Table::read(&content).map_err(|error| format!("{}: {error}", path.display()))?)
}

impl Export {
    fn run(&self, setup: &Setup) -> Result<(), Failure> {
        let goods = setup.catalogue_to_look_at()?.map_or(Ok(Vec::new()), |catalogue| catalogue.goods())?;
        let language = setup.settings.terminal.language;
        let as_book = self.file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx"));
        let table = match as_book {
            true => table::write_book(goods.iter(), language)?,
            false => table::write(goods.iter(), language)?,
        };
        if self.file == Path::new("-") {
            return Ok(output::bytes(&table)?);
        }
        files::write(&self.file, &table).map_err(|error| format!("{}: {error}", self.file.display()))?;
        output::say(&format!("{} goods are in {}", goods.len(), self.file.display()));
        Ok(())
    }
}

impl Favourite {
    fn run(&self, setup: &Setup, attending: &Attending) -> Result<(), Failure> {
        let mut catalogue = setup.catalogue()?;
        let good = good(&catalogue, &self.code)?;
        attending.change_settings(setup, &format!("goods favourite {}", good.number))?;
        catalogue.set_favourite(good.number, !self.off)?;
        let said = if self.off { "is no longer at hand on the keypad" } else { "is at hand on the keypad" };
        output::say(&format!("{} {said}", good.name));
        Ok(())
    }
}

impl Remove {
    fn run(&self, setup: &Setup, attending: &Attending) -> Result<(), Failure> {
        let mut catalogue = setup.catalogue()?;
        let good = good(&catalogue, &self.code)?;
        attending.change_settings(setup, &format!("goods remove {}", good.number))?;
        catalogue.remove(good.number)?;
        output::say(&format!("{} is no longer in the catalogue", good.name));
        Ok(())
    }
}

/// The good of a number or barcode.
fn good(catalogue: &Catalogue, code: &str) -> Result<Good, GoodsError> {
    if let Some(scanned) = catalogue.scan(code, &[])? {
        return Ok(scanned.good);
    }
    let unknown = || GoodsError::Unknown(code.to_owned());
    let number: GoodNumber = code.parse().map_err(|_| unknown())?;
    catalogue.good(number)?.ok_or_else(unknown)
}

fn line(good: &Good, language: Language) -> String {
    let barcodes: String = good.barcodes.iter().map(|barcode| format!(" {barcode}")).collect();
    format!(
        "{:>8} {:>14}/{} {}{}{barcodes}",
        good.number,
        good.price.signed(),
        good.unit.name(language),
        if good.favourite { "★ " } else { "" },
        good.name,
    )
}

fn as_json(good: &Good) -> Value {
    json!({
        "number": good.number.number(),
        "name": good.name.as_str(),
        "barcodes": good.barcodes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "price": good.price.to_string(),
        "currency": good.currency().code(),
        "unit": good.unit.word(),
        "tax_rate": good.tax_rate.to_string(),
        "category": good.category.as_str(),
        "favourite": good.favourite,
    })
}

fn category(text: &str) -> Result<Category, String> {
    Category::parse(text).map_err(|error| error.to_string())
}
