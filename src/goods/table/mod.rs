//! Tables of goods as shops keep them: CSV of whatever program, and the first sheet of an Excel file (XLSX).
//!
//! Takes a file apart into lines and cells, and puts goods together into one. What a cell means is not asked here: see
//! [`import`](super::import).

mod book;
mod formula;
mod sheet;
mod text;

use std::fmt;

pub use self::book::BookError;
pub use self::formula::guarded;
use super::words;
use super::{Barcode, Good};
use crate::wording::Language;

/// Bytes of a file at most.
pub const MOST_BYTES: usize = 64 << 20;

/// Bytes that a workbook unpacks to at most, with everything in it: more than a table of as many lines as there may be.
pub const MOST_UNPACKED: u64 = 128 << 20;

/// Lines of a table at most.
pub const MOST_LINES: usize = 200_000;

/// Cells of a line at most.
const MOST_CELLS: usize = 64;

/// With what an Excel file begins: it is a ZIP archive.
const ZIP: &[u8] = b"PK\x03\x04";

/// With what a file of Excel 97 begins.
const OLD_EXCEL: &[u8] = &[0xD0, 0xCF, 0x11, 0xE0];

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The shop's number.
    Number,
    /// Barcodes with a blank between them.
    Barcodes,
    /// The name.
    Name,
    /// What a unit costs.
    Price,
    /// What the price is of.
    Unit,
    /// What of it is tax.
    TaxRate,
    /// Where it is found.
    Category,
    /// Whether it is at hand.
    Favourite,
}

impl Column {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 8] = [
        Self::Number,
        Self::Barcodes,
        Self::Name,
        Self::Price,
        Self::Unit,
        Self::TaxRate,
        Self::Category,
        Self::Favourite,
    ];

    /// The word in `assets/goods.toml` and in what is said of it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Barcodes => "barcodes",
            Self::Name => "name",
            Self::Price => "price",
            Self::Unit => "unit",
            Self::TaxRate => "tax_rate",
            Self::Category => "category",
            Self::Favourite => "favourite",
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", words::heading(*self, Language::English), words::heading(*self, Language::Chinese))
    }
}

/// Why a file is no table of goods.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Too large.
    #[error("the file has more than {} MiB: it is no table of goods", MOST_BYTES >> 20)]
    Large,
    /// Too many lines.
    #[error("the file has more than {MOST_LINES} lines: divide it")]
    Lines,
    /// Nothing in it.
    #[error("the file is empty; its first line says what the columns are, such as {}", headings())]
    Empty,
    /// An older kind of file.
    #[error("this is a file of Excel 97 to 2003: save it as .xlsx or as CSV")]
    OldExcel,
    /// A file that is small, and huge once it is unpacked.
    #[error("the Excel file unpacks to more than {} MiB: it is no table of goods", MOST_UNPACKED >> 20)]
    Unpacked,
    /// An Excel file that cannot be read.
    #[error("the Excel file cannot be read ({0}); open it, save it once more as .xlsx, and try again")]
    Sheet(String),
    /// Characters of an unknown code.
    #[error("the file is neither UTF-8 nor GB18030 (line {0}); save it as CSV UTF-8")]
    Characters(usize),
    /// A line that cannot be taken apart.
    #[error("line {0} cannot be taken apart into cells; look for a quotation mark too many")]
    Cells(usize),
    /// The first line is no heading.
    #[error(
        "line {line} does not say what the columns are; one must be {missing}, and the others are named {}",
        headings()
    )]
    Heading {
        /// Which line.
        line: usize,
        /// What is not there.
        missing: Column,
    },
    /// Two columns of one meaning.
    #[error("two columns are named {0}; take one of them out")]
    Twice(Column),
}

fn headings() -> String {
    Column::ALL.iter().map(Column::to_string).collect::<Vec<_>>().join(", ")
}

/// A file taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Headings of columns that mean nothing to this program.
    pub ignored: Vec<String>,
    /// What the others are, and where they stand.
    columns: Vec<(usize, Column)>,
    /// How many cells the heading has.
    width: usize,
    /// Its lines without the heading and without empty ones.
    pub lines: Vec<Line>,
}

/// A line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which one, from 1, as the program shows it in which people look at the file.
    pub number: usize,
    cells: Vec<String>,
}

impl Table {
    /// Takes a file apart.
    ///
    /// # Errors
    /// When it is no table, or its first line does not say what the columns are.
    pub fn read(file: &[u8]) -> Result<Self, TableError> {
        if file.len() > MOST_BYTES {
            return Err(TableError::Large);
        }
        let mut lines = match file {
            file if file.starts_with(ZIP) => sheet::lines(file)?,
            file if file.starts_with(OLD_EXCEL) => return Err(TableError::OldExcel),
            file => text::lines(file)?,
        }
        .into_iter();
        let heading = lines.next().ok_or(TableError::Empty)?;
        let mut table = Self { width: heading.cells.len(), ..Self::default() };
        for (index, name) in heading.cells.iter().enumerate() {
            match words::column(name) {
                Some(column) if table.has(column) => return Err(TableError::Twice(column)),
                Some(column) => table.columns.push((index, column)),
                None if name.is_empty() => (),
                None => table.ignored.push(name.clone()),
            }
        }
        // Without one of the others, goods can still be told from each other, or be brought up to date.
        if !table.has(Column::Number) && !table.has(Column::Barcodes) {
            return Err(TableError::Heading { line: heading.number, missing: Column::Number });
        }
        table.lines = lines.collect();
        Ok(table)
    }

    /// Whether there is such a column.
    pub fn has(&self, column: Column) -> bool {
        self.columns.iter().any(|(_, there)| *there == column)
    }

    /// What stands in a column of a line. Nothing, where there is no such column.
    pub fn cell<'t>(&self, line: &'t Line, column: Column) -> Option<&'t str> {
        let (index, _) = self.columns.iter().find(|(_, there)| *there == column)?;
        Some(line.cells.get(*index).map_or("", String::as_str))
    }

    /// Whether a line has more cells than the heading: a comma too many.
    pub const fn overflows(&self, line: &Line) -> bool {
        line.cells.len() > self.width
    }
}

/// A line without the blanks around its cells; nothing, when there is nothing in it.
fn line(number: usize, cells: Vec<String>) -> Option<Line> {
    let mut cells: Vec<String> = cells.into_iter().take(MOST_CELLS).map(|cell| cell.trim().to_owned()).collect();
    let used = cells.iter().rposition(|cell| !cell.is_empty())?;
    cells.truncate(used + 1);
    Some(Line { number, cells })
}

/// Goods as a file that this program reads again, and that spreadsheets show as it is: CSV in UTF-8 with a mark in front.
///
/// # Errors
/// Never, where goods are what this program keeps.
pub fn write<'g>(goods: impl Iterator<Item = &'g Good>, language: Language) -> Result<Vec<u8>, csv::Error> {
    text::write(
        heading(language),
        goods.map(|good| {
            Column::ALL.map(|column| match (column, cell(good, column, language)) {
                // Spreadsheets take one alone for a number and shorten it; behind a tab they leave it as it is.
                (Column::Barcodes, barcodes) if !barcodes.is_empty() => format!("\t{barcodes}"),
                (_, cell) => cell,
            })
        }),
    )
}

/// Goods as an Excel file (XLSX) that this program reads again: barcodes and names are text, numbers and prices numbers.
///
/// # Errors
/// When they are more than a sheet holds.
pub fn write_book<'g>(goods: impl Iterator<Item = &'g Good>, language: Language) -> Result<Vec<u8>, BookError> {
    book::write(goods, language)
}

fn heading(language: Language) -> [String; 8] {
    Column::ALL.map(|column| words::heading(column, language).to_owned())
}

/// What stands in a column of a good; barcodes with a blank between them.
fn cell(good: &Good, column: Column, language: Language) -> String {
    match column {
        Column::Number => good.number.to_string(),
        Column::Barcodes => good.barcodes.iter().map(Barcode::to_string).collect::<Vec<_>>().join(" "),
        Column::Name => good.name.to_string(),
        Column::Price => good.price.to_string(),
        Column::Unit => good.unit.name(language).to_owned(),
        Column::TaxRate => good.tax_rate.to_string(),
        Column::Category => good.category.as_str().to_owned(),
        Column::Favourite => words::answer_word(good.favourite, language).to_owned(),
    }
}

#[cfg(test)]
mod tests;
