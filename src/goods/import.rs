//! What a table of goods changes in a catalogue: decided as a whole, or not at all.
//!
//! A line is of the good with its number, or, where it has none, of the good with one of its barcodes; otherwise it is of a new
//! one. A column that a table does not have is left as it is; an empty cell is nothing of it. Goods that stand in no line stay.

use std::collections::{BTreeMap, HashMap};

use super::barcode::BarcodeError;
use super::good::MOST_BARCODES;
use super::table::{Column, Line, Table};
use super::{Barcode, Category, Good, GoodError, GoodName, GoodNumber, TaxRate, Unit, words};
use crate::money::{Amount, AmountError, Currency};

/// What changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Goods as they are from now on.
    pub goods: Vec<Good>,
    /// How many of them are new.
    pub new: usize,
    /// How many lines say what is so already.
    pub same: usize,
}

/// Something wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Problem {
    /// Which line.
    pub line: usize,
    /// What is wrong, and what to do.
    pub what: What,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum What {
    /// What a good has is none.
    #[error(transparent)]
    Good(#[from] GoodError),
    /// A barcode is none.
    #[error(transparent)]
    Barcode(#[from] BarcodeError),
    /// A price is none.
    #[error("the price {0}")]
    Price(PriceError),
    /// Neither yes nor no.
    #[error("\"{0}\" says neither yes nor no in the column {column}", column = Column::Favourite)]
    Answer(String),
    /// Too many barcodes.
    #[error("it has more than {MOST_BARCODES} barcodes; make several goods of it")]
    Barcodes,
    /// Too many cells.
    #[error("it has more cells than the heading; a name with a comma in it stands in quotation marks")]
    Cells,
    /// Nothing says which good it is.
    #[error("it has neither number nor barcode; give it one of them")]
    Nobody,
    /// A new good without something.
    #[error("it is a new good without {0}; give it one")]
    Without(Column),
    /// Its barcodes are of several goods.
    #[error("its barcodes are those of the goods {0} and {1}; give it the number of the good that is meant")]
    Several(GoodNumber, GoodNumber),
    /// Another line is about the same good.
    #[error("it is about the good {number}, as line {line} is; take one of them out")]
    Twice {
        /// Which good.
        number: GoodNumber,
        /// The other line.
        line: usize,
    },
    /// Another good has its barcode.
    #[error("the barcode {barcode} is that of the good {number} as well; take it away from one of them")]
    Taken {
        /// Which barcode.
        barcode: Barcode,
        /// The other good.
        number: GoodNumber,
    },
    /// Another line has its barcode.
    #[error("the barcode {barcode} stands in line {line} as well; take it out of one of them")]
    TwiceTaken {
        /// Which barcode.
        barcode: Barcode,
        /// The other line.
        line: usize,
    },
    /// Nothing is left to number it with.
    #[error("no number is left for a new good; give it one that is free")]
    NoNumber,
    /// Another currency than that of the catalogue.
    #[error("the good {0} is priced in {1}; give the price in the settings' currency, {2}")]
    Currency(GoodNumber, Currency, Currency),
}

/// Why a price is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// There is none.
    #[error("is missing; 0.00 is one")]
    Missing,
    /// It is no amount.
    #[error("is wrong: {0}")]
    Amount(AmountError),
}

/// What a line says; nothing where there is no such column.
#[derive(Default)]
struct Said {
    number: Option<GoodNumber>,
    barcodes: Option<Vec<Barcode>>,
    name: Option<GoodName>,
    price: Option<Amount>,
    unit: Option<Unit>,
    tax_rate: Option<TaxRate>,
    category: Option<Category>,
    favourite: Option<bool>,
}

/// What a table changes among the goods that there are, in the order of their numbers.
///
/// # Errors
/// Everything that is wrong with its lines.
pub fn changes(table: &Table, there: &[Good], currency: Currency) -> Result<Changes, Vec<Problem>> {
    let mut problems = Vec::new();
    let said: Vec<(usize, Said)> = table
        .lines
        .iter()
        .filter_map(|line| Some((line.number, said(table, line, currency, &mut problems)?)))
        .collect();
    let mut plan = Plan::new(there, &said);
    for (line, said) in said {
        if let Err(what) = plan.take(line, said, currency) {
            problems.push(Problem { line, what });
        }
    }
    plan.check_barcodes(&mut problems);
    problems.sort_by_key(|problem| problem.line);
    if problems.is_empty() { Ok(plan.changes()) } else { Err(problems) }
}

/// What a line says. Everything that is wrong with it is told; then nothing is said.
fn said(table: &Table, line: &Line, currency: Currency, problems: &mut Vec<Problem>) -> Option<Said> {
    let before = problems.len();
    let mut wrong = |what: What| problems.push(Problem { line: line.number, what });
    let cell = |column| table.cell(line, column);
    let mut said = Said::default();
    if table.overflows(line) {
        wrong(What::Cells);
    }
    if let Some(text) = cell(Column::Number).filter(|text| !text.is_empty()) {
        match text.parse() {
            Ok(number) => said.number = Some(number),
            Err(error) => wrong(GoodError::into(error)),
        }
    }
    if let Some(text) = cell(Column::Barcodes) {
        let texts =
            text.split([' ', '\t', ',', ';', '/', '、', '，', '；', '\n', '\r']).filter(|text| !text.is_empty());
        let mut barcodes: Vec<Barcode> = Vec::new();
        for read in texts.map(str::parse::<Barcode>) {
            match read {
                Ok(barcode) if barcodes.contains(&barcode) => (),
                Ok(barcode) => barcodes.push(barcode),
                Err(error) => wrong(error.into()),
            }
        }
        if barcodes.len() > MOST_BARCODES {
            wrong(What::Barcodes);
        }
        said.barcodes = Some(barcodes);
    }
    if let Some(text) = cell(Column::Name) {
        match GoodName::parse(text) {
            Ok(name) => said.name = Some(name),
            Err(error) => wrong(error.into()),
        }
    }
    if let Some(text) = cell(Column::Price) {
        match price(text, currency) {
            Ok(price) => said.price = Some(price),
            Err(error) => wrong(What::Price(error)),
        }
    }
    if let Some(text) = cell(Column::Unit) {
        match if text.is_empty() { Ok(Unit::Piece) } else { Unit::parse(text) } {
            Ok(unit) => said.unit = Some(unit),
            Err(error) => wrong(error.into()),
        }
    }
    if let Some(text) = cell(Column::TaxRate) {
        match if text.is_empty() { Ok(TaxRate::default()) } else { TaxRate::parse(text) } {
            Ok(rate) => said.tax_rate = Some(rate),
            Err(error) => wrong(error.into()),
        }
    }
    if let Some(text) = cell(Column::Category) {
        match Category::parse(text) {
            Ok(category) => said.category = Some(category),
            Err(error) => wrong(error.into()),
        }
    }
    if let Some(text) = cell(Column::Favourite) {
        match words::answer(text) {
            Some(answer) => said.favourite = Some(answer),
            None => wrong(What::Answer(text.to_owned())),
        }
    }
    (problems.len() == before).then_some(said)
}

/// `12.34`, with the currency's sign or without: people write it into the cell.
fn price(text: &str, currency: Currency) -> Result<Amount, PriceError> {
    let bare = text.trim_start_matches(['￥', '¥']).trim_start_matches(currency.sign()).trim();
    if bare.is_empty() {
        return Err(PriceError::Missing);
    }
    Amount::parse(bare, currency).map_err(PriceError::Amount)
}

/// The catalogue as it would be.
struct Plan<'t> {
    there: &'t [Good],
    /// Which good has a barcode now.
    owners: HashMap<Barcode, GoodNumber>,
    /// Goods that a line is about, with that line.
    told: BTreeMap<GoodNumber, (usize, Good)>,
    /// Numbers that lines name, which no new good is given.
    named: std::collections::HashSet<GoodNumber>,
    next_number: u32,
}

impl<'t> Plan<'t> {
    fn new(there: &'t [Good], said: &[(usize, Said)]) -> Self {
        let owners =
            there.iter().flat_map(|good| good.barcodes.iter().map(|barcode| (*barcode, good.number))).collect();
        let named = said.iter().filter_map(|(_, said)| said.number).collect();
        let next_number = there.iter().map(|good| good.number.number()).max().unwrap_or(0).saturating_add(1);
        Self { there, owners, told: BTreeMap::new(), named, next_number }
    }

    fn good(&self, number: GoodNumber) -> Option<&'t Good> {
        let index = self.there.binary_search_by_key(&number, |good| good.number).ok()?;
        self.there.get(index)
    }

    fn take(&mut self, line: usize, said: Said, currency: Currency) -> Result<(), What> {
        let number = match said.number {
            Some(number) => number,
            None => match self.owner(said.barcodes.as_deref().unwrap_or_default())? {
                Some(number) => number,
                None => self.new_number()?,
            },
        };
        if let Some((other, _)) = self.told.get(&number) {
            return Err(What::Twice { number, line: *other });
        }
        let good = match self.good(number) {
            Some(there) => changed(there.clone(), said, currency)?,
            None => begun(number, said)?,
        };
        self.told.insert(number, (line, good));
        Ok(())
    }

    /// The good that has one of the barcodes.
    fn owner(&self, barcodes: &[Barcode]) -> Result<Option<GoodNumber>, What> {
        if barcodes.is_empty() {
            return Err(What::Nobody);
        }
        let mut owners = barcodes.iter().filter_map(|barcode| self.owners.get(barcode).copied());
        let Some(first) = owners.next() else { return Ok(None) };
        match owners.find(|other| *other != first) {
            Some(other) => Err(What::Several(first, other)),
            None => Ok(Some(first)),
        }
    }

    fn new_number(&mut self) -> Result<GoodNumber, What> {
        loop {
            let number = GoodNumber::new(self.next_number).map_err(|_| What::NoNumber)?;
            self.next_number += 1;
            if !self.named.contains(&number) {
                return Ok(number);
            }
        }
    }

    /// Every barcode is of one good, once everything has changed.
    fn check_barcodes(&self, problems: &mut Vec<Problem>) {
        let mut owners: HashMap<Barcode, GoodNumber> = HashMap::new();
        let untold = self.there.iter().filter(|good| !self.told.contains_key(&good.number));
        for (barcode, number) in untold.flat_map(|good| good.barcodes.iter().map(|barcode| (*barcode, good.number))) {
            owners.insert(barcode, number);
        }
        let mut by_line: Vec<&(usize, Good)> = self.told.values().collect();
        by_line.sort_by_key(|(line, _)| *line);
        for (line, good) in by_line {
            for barcode in &good.barcodes {
                let Some(number) = owners.insert(*barcode, good.number) else { continue };
                let what = match self.told.get(&number) {
                    Some((line, _)) => What::TwiceTaken { barcode: *barcode, line: *line },
                    None => What::Taken { barcode: *barcode, number },
                };
                problems.push(Problem { line: *line, what });
            }
        }
    }

    fn changes(self) -> Changes {
        let mut changes = Changes::default();
        let there = self.there;
        for (number, (_, good)) in self.told {
            match there.binary_search_by_key(&number, |good| good.number).ok().and_then(|index| there.get(index)) {
                Some(before) if *before == good => changes.same += 1,
                Some(_) => changes.goods.push(good),
                None => {
                    changes.new += 1;
                    changes.goods.push(good);
                }
            }
        }
        changes
    }
}

/// A good that is there, as a line has it. What only its barcode names keeps the others it has.
fn changed(mut good: Good, said: Said, currency: Currency) -> Result<Good, What> {
    match (said.barcodes, said.number) {
        (Some(barcodes), Some(_)) => good.barcodes = barcodes,
        (Some(barcodes), None) => {
            for barcode in barcodes {
                if !good.barcodes.contains(&barcode) {
                    good.barcodes.push(barcode);
                }
            }
            if good.barcodes.len() > MOST_BARCODES {
                return Err(What::Barcodes);
            }
        }
        (None, _) => (),
    }
    if good.currency() != currency && said.price.is_none() {
        return Err(What::Currency(good.number, good.currency(), currency));
    }
    good.name = said.name.unwrap_or(good.name);
    good.price = said.price.unwrap_or(good.price);
    good.unit = said.unit.unwrap_or(good.unit);
    good.tax_rate = said.tax_rate.unwrap_or(good.tax_rate);
    good.category = said.category.unwrap_or(good.category);
    good.favourite = said.favourite.unwrap_or(good.favourite);
    // They have no order of their own.
    good.barcodes.sort_unstable();
    Ok(good)
}

fn begun(number: GoodNumber, said: Said) -> Result<Good, What> {
    let mut barcodes = said.barcodes.unwrap_or_default();
    barcodes.sort_unstable();
    Ok(Good {
        number,
        name: said.name.ok_or(What::Without(Column::Name))?,
        barcodes,
        price: said.price.ok_or(What::Without(Column::Price))?,
        unit: said.unit.unwrap_or(Unit::Piece),
        tax_rate: said.tax_rate.unwrap_or_default(),
        category: said.category.unwrap_or_default(),
        favourite: said.favourite.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests;
