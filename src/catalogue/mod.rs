//! The catalogue: what a shop sells, and carts that were put aside, in a file beside the ledger. It decides nothing.
//!
//! What is kept stands in SQLite; what is searched stands in memory as well ([`Finder`]), and is read anew once anybody, this
//! program or another one, has changed the file.

mod error;
mod held;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, TransactionBehavior, params};

use self::error::statement_error;
use crate::goods::import::{self, Changes};
use crate::goods::table::Table;
use crate::goods::{
    Barcode, Category, Finder, Good, GoodError, GoodName, GoodNumber, Label, Pattern, TaxRate, Unit, Wanted, read_label,
};
use crate::ledger::{Prepared, journal_mode};
use crate::money::{Amount, Currency};
use crate::terminal::files;

pub use error::CatalogueError;
pub use held::HeldCart;

/// Name of the file within the state directory.
pub const FILE: &str = "goods.sqlite";

/// Goods at most.
pub const MOST_GOODS: usize = 200_000;

/// Carts that are put aside at most.
pub const MOST_HELD: usize = 6;

/// How long one connection waits for what another one writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Migrations in order; the database's `user_version` counts how many have been applied.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// What is read of a good.
const COLUMNS: &str = "number, name, price, currency, unit, tax_rate, category, favourite";

/// What a shop sells.
#[derive(Debug)]
pub struct Catalogue {
    connection: Prepared,
    path: PathBuf,
    /// Where goods are looked for, and what SQLite counted of other connections' changes when it was filled.
    finder: Option<(i64, Finder)>,
}

/// What a table has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Goods that are new.
    pub new: usize,
    /// Goods that are otherwise than before.
    pub changed: usize,
    /// Goods that were so already.
    pub same: usize,
}

/// What was read from a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// What it is.
    pub good: Good,
    /// What a scale says of it.
    pub label: Option<Label>,
}

impl Catalogue {
    /// Opens or makes the catalogue in a state directory.
    ///
    /// # Errors
    /// When it cannot be opened or made, or a newer program wrote it.
    pub fn open(state: &Path) -> Result<Self, CatalogueError> {
        files::make_private(state)
            .map_err(|source| CatalogueError::State { path: state.display().to_string(), source })?;
        let path = state.join(FILE);
        let catalogue = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        if !journal_mode(&catalogue.connection, "wal").map_err(catalogue.failed())? {
            return Err(catalogue.refused("journal_mode=WAL"));
        }
        catalogue.migrate()?;
        Ok(catalogue)
    }

    /// Opens the catalogue in a state directory to look at it. `None` where there is none yet.
    ///
    /// # Errors
    /// When it cannot be opened, or another version of this program wrote it.
    pub fn open_to_look(state: &Path) -> Result<Option<Self>, CatalogueError> {
        let path = state.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let catalogue = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        match catalogue.version()? {
            // Made, and the power went before anything was in it.
            0 => Ok(None),
            found if found == MIGRATIONS.len() => Ok(Some(catalogue)),
            found if found > MIGRATIONS.len() => Err(catalogue.newer(found)),
            _ => Err(CatalogueError::Older(catalogue.path.display().to_string())),
        }
    }

    /// Copies the goods into another state directory, in the place of those that are there; carts that were put aside stay here. Nobody
    /// may have the other one open.
    ///
    /// # Errors
    /// When this one cannot be read or the other one not be written.
    pub fn copy_goods_to(&self, state: &Path) -> Result<(), CatalogueError> {
        let path = state.join(FILE);
        let begun = path.with_extension("new");
        let refused = |source| CatalogueError::State { path: state.display().to_string(), source };
        for old in [begun.clone(), path.with_extension("sqlite-wal"), path.with_extension("sqlite-shm")] {
            files::remove(&old).map_err(refused)?;
        }
        self.connection.execute("VACUUM INTO ?1", [begun.display().to_string()]).map_err(self.failed())?;
        let copy = Self::connect(begun.clone(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        copy.connection.execute("DELETE FROM held_carts", []).map_err(copy.failed())?;
        drop(copy);
        std::fs::rename(&begun, &path).and_then(|()| files::sync(state)).map_err(refused)
    }

    fn connect(path: PathBuf, flags: OpenFlags) -> Result<Self, CatalogueError> {
        let open = |source| CatalogueError::Open { path: path.display().to_string(), source };
        let connection = Connection::open_with_flags(&path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(open)?;
        connection.busy_timeout(PATIENCE).map_err(open)?;
        let catalogue = Self { connection: Prepared::new(connection), path, finder: None };
        for (ask, look, wanted, setting) in [
            ("PRAGMA synchronous = FULL", "PRAGMA synchronous", 2, "synchronous=FULL"),
            ("PRAGMA foreign_keys = ON", "PRAGMA foreign_keys", 1, "foreign_keys=ON"),
        ] {
            catalogue.connection.execute_batch(ask).map_err(catalogue.failed())?;
            let found: i64 = catalogue.connection.query_row(look, [], |row| row.get(0)).map_err(catalogue.failed())?;
            if found != wanted {
                return Err(catalogue.refused(setting));
            }
        }
        Ok(catalogue)
    }

    fn migrate(&self) -> Result<(), CatalogueError> {
        let failed = self.failed();
        // Only who holds the lock knows what there is to do.
        let changes = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let found = self.version()?;
        if found > MIGRATIONS.len() {
            return Err(self.newer(found));
        }
        for migration in MIGRATIONS.iter().skip(found) {
            changes.execute_batch(migration).map_err(&failed)?;
        }
        if found < MIGRATIONS.len() {
            changes.pragma_update(None, "user_version", MIGRATIONS.len() as i64).map_err(&failed)?;
        }
        changes.commit().map_err(failed)
    }

    fn version(&self) -> Result<usize, CatalogueError> {
        let found: i64 =
            self.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(self.failed())?;
        Ok(usize::try_from(found).unwrap_or(usize::MAX))
    }

    /// How many goods there are.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn len(&self) -> Result<usize, CatalogueError> {
        let count: i64 =
            self.connection.query_row("SELECT count(*) FROM goods", [], |row| row.get(0)).map_err(self.failed())?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// Whether there are none.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn is_empty(&self) -> Result<bool, CatalogueError> {
        Ok(self.len()? == 0)
    }

    /// The good of a number.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn good(&self, number: GoodNumber) -> Result<Option<Good>, CatalogueError> {
        let sql = format!("SELECT {COLUMNS} FROM goods WHERE number = ?1");
        let row = self.connection.query_row(&sql, [number.number()], stored).optional().map_err(self.failed())?;
        let Some(row) = row else { return Ok(None) };
        let mut good = row.good()?;
        let mut statement = self
            .connection
            .prepare("SELECT barcode FROM barcodes WHERE number = ?1 ORDER BY barcode")
            .map_err(self.failed())?;
        let found = statement.query_map([number.number()], |row| row.get::<_, i64>(0)).map_err(self.failed())?;
        for number in found {
            good.barcodes.push(barcode(number.map_err(self.failed())?)?);
        }
        Ok(Some(good))
    }

    /// The good with a barcode.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn by_barcode(&self, barcode: Barcode) -> Result<Option<Good>, CatalogueError> {
        let number = self
            .connection
            .query_row("SELECT number FROM barcodes WHERE barcode = ?1", [barcode.number() as i64], |row| row.get(0))
            .optional()
            .map_err(self.failed())?;
        number.map_or(Ok(None), |number| self.good(good_number(number)?))
    }

    /// What a scanner has read: a barcode that a good has, or what one of the shop's scales has printed for a good.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn scan(&self, digits: &str, scales: &[Pattern]) -> Result<Option<Scanned>, CatalogueError> {
        if let Ok(barcode) = digits.parse()
            && let Some(good) = self.by_barcode(barcode)?
        {
            return Ok(Some(Scanned { good, label: None }));
        }
        let Some(label) = read_label(scales, digits) else { return Ok(None) };
        Ok(self.good(label.number)?.map(|good| Scanned { good, label: Some(label) }))
    }

    /// All goods, in the order of their numbers.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn goods(&self) -> Result<Vec<Good>, CatalogueError> {
        let failed = self.failed();
        let mut goods: Vec<Good> = Vec::new();
        let sql = format!("SELECT {COLUMNS} FROM goods ORDER BY number");
        let mut statement = self.connection.prepare(&sql).map_err(&failed)?;
        for row in statement.query_map([], stored).map_err(&failed)? {
            goods.push(row.map_err(&failed)?.good()?);
        }
        // Both come in the order of the numbers.
        let mut owner = 0;
        self.each_barcode(|number, barcode| {
            while goods.get(owner).is_some_and(|good| good.number < number) {
                owner += 1;
            }
            if let Some(good) = goods.get_mut(owner) {
                good.barcodes.push(barcode);
            }
        })?;
        Ok(goods)
    }

    fn each_barcode(&self, mut each: impl FnMut(GoodNumber, Barcode)) -> Result<(), CatalogueError> {
        let failed = self.failed();
        let mut statement = self
            .connection
            .prepare("SELECT number, barcode FROM barcodes ORDER BY number, barcode")
            .map_err(&failed)?;
        for row in statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(&failed)? {
            let (number, code) = row.map_err(&failed)?;
            each(good_number(number)?, barcode(code)?);
        }
        Ok(())
    }

    /// Favourites, in the order of their numbers, at most `most`.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn favourites(&self, most: usize) -> Result<Vec<Good>, CatalogueError> {
        let failed = self.failed();
        let mut statement = self
            .connection
            .prepare("SELECT number FROM goods WHERE favourite = 1 ORDER BY number LIMIT ?1")
            .map_err(&failed)?;
        let mut goods = Vec::new();
        for number in statement.query_map([most as i64], |row| row.get(0)).map_err(&failed)? {
            goods.extend(self.good(good_number(number.map_err(&failed)?)?)?);
        }
        Ok(goods)
    }

    /// What is looked for, the best answers first, at most `most`.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn search(&mut self, wanted: &Wanted, most: usize) -> Result<Vec<Good>, CatalogueError> {
        let numbers = self.finder()?.find(wanted, most);
        let mut goods = Vec::with_capacity(numbers.len());
        for number in numbers {
            // Another program may have taken it out since.
            goods.extend(self.good(number)?);
        }
        Ok(goods)
    }

    /// Categories that goods are in.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn categories(&mut self) -> Result<Vec<Category>, CatalogueError> {
        Ok(self.finder()?.categories())
    }

    fn finder(&mut self) -> Result<&Finder, CatalogueError> {
        let version: i64 =
            self.connection.query_row("PRAGMA data_version", [], |row| row.get(0)).map_err(self.failed())?;
        let (_, finder) = match self.finder.take() {
            Some((filled, finder)) if filled == version => self.finder.insert((filled, finder)),
            Some(_) | None => {
                let finder = self.fill()?;
                self.finder.insert((version, finder))
            }
        };
        Ok(finder)
    }

    fn fill(&self) -> Result<Finder, CatalogueError> {
        let failed = self.failed();
        // Goods and barcodes are those of one moment.
        let _moment = self.connection.begin(TransactionBehavior::Deferred).map_err(&failed)?;
        let mut finder = Finder::default();
        let mut statement = self
            .connection
            .prepare("SELECT number, name, category, favourite FROM goods ORDER BY number")
            .map_err(&failed)?;
        let mut rows = statement.query([]).map_err(&failed)?;
        while let Some(row) = rows.next().map_err(&failed)? {
            let text = |index| row.get_ref(index)?.as_str().map_err(rusqlite::Error::from);
            let name = GoodName::parse(text(1).map_err(&failed)?).map_err(wrong("name"))?;
            let category = Category::parse(text(2).map_err(&failed)?).map_err(wrong("category"))?;
            let number = good_number(row.get(0).map_err(&failed)?)?;
            finder.add(number, &name, &category, row.get(3).map_err(&failed)?);
        }
        self.each_barcode(|number, barcode| finder.add_barcode(number, barcode))?;
        Ok(finder)
    }

    /// Brings the catalogue up to date with a table: with all of it, or, when anything in it is wrong, with nothing.
    ///
    /// # Errors
    /// What is wrong with which line; or when the catalogue cannot be written.
    pub fn import(&mut self, table: &Table, currency: Currency) -> Result<Imported, CatalogueError> {
        self.import_if(table, currency, true)
    }

    /// What [`Catalogue::import`] would change.
    ///
    /// # Errors
    /// As for [`Catalogue::import`].
    pub fn try_import(&mut self, table: &Table, currency: Currency) -> Result<Imported, CatalogueError> {
        self.import_if(table, currency, false)
    }

    fn import_if(&mut self, table: &Table, currency: Currency, write: bool) -> Result<Imported, CatalogueError> {
        let failed = self.failed();
        // What the lines are compared with stays as it is until they are written.
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let there = self.goods()?;
        let changes = import::changes(table, &there, currency).map_err(CatalogueError::Lines)?;
        let many = there.len() + changes.new;
        if many > MOST_GOODS {
            return Err(CatalogueError::Many(many));
        }
        let imported = Imported { new: changes.new, changed: changes.goods.len() - changes.new, same: changes.same };
        if write && !changes.goods.is_empty() {
            self.write(&changes)?;
            transaction.commit().map_err(failed)?;
            self.finder = None;
        }
        Ok(imported)
    }

    fn write(&self, changes: &Changes) -> Result<(), CatalogueError> {
        let failed = self.failed();
        // A barcode may go from one of them to another one.
        let mut forget = self.connection.prepare("DELETE FROM barcodes WHERE number = ?1").map_err(&failed)?;
        for good in &changes.goods {
            forget.execute([good.number.number()]).map_err(&failed)?;
        }
        let mut keep = self
            .connection
            .prepare(
                "INSERT INTO goods (number, name, price, currency, unit, tax_rate, category, favourite)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (number) DO UPDATE SET name = excluded.name, price = excluded.price, currency = excluded.currency,
                     unit = excluded.unit, tax_rate = excluded.tax_rate, category = excluded.category,
                     favourite = excluded.favourite",
            )
            .map_err(&failed)?;
        let mut code =
            self.connection.prepare("INSERT INTO barcodes (barcode, number) VALUES (?1, ?2)").map_err(&failed)?;
        for good in &changes.goods {
            keep.execute(params![
                good.number.number(),
                good.name.as_str(),
                good.price.minor() as i64,
                good.currency().code(),
                good.unit.word(),
                good.tax_rate.basis_points(),
                good.category.as_str(),
                good.favourite,
            ])
            .map_err(&failed)?;
            for barcode in &good.barcodes {
                code.execute(params![barcode.number() as i64, good.number.number()]).map_err(&failed)?;
            }
        }
        Ok(())
    }

    /// Has a good at hand on the keypad, or no longer.
    ///
    /// # Errors
    /// When there is no such good, or the catalogue cannot be written.
    pub fn set_favourite(&mut self, number: GoodNumber, favourite: bool) -> Result<(), CatalogueError> {
        self.change_one(
            number,
            "UPDATE goods SET favourite = ?2 WHERE number = ?1",
            params![number.number(), favourite],
        )
    }

    /// Takes a good out.
    ///
    /// # Errors
    /// When there is no such good, or the catalogue cannot be written.
    pub fn remove(&mut self, number: GoodNumber) -> Result<(), CatalogueError> {
        self.change_one(number, "DELETE FROM goods WHERE number = ?1", params![number.number()])
    }

    fn change_one(
        &mut self,
        number: GoodNumber,
        sql: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<(), CatalogueError> {
        let changed = self.connection.execute(sql, values).map_err(self.failed())?;
        self.finder = None;
        if changed == 1 { Ok(()) } else { Err(CatalogueError::NoGood(number)) }
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> CatalogueError + use<> {
        statement_error(&self.path)
    }

    fn refused(&self, setting: &'static str) -> CatalogueError {
        CatalogueError::Setting { path: self.path.display().to_string(), setting }
    }

    fn newer(&self, found: usize) -> CatalogueError {
        CatalogueError::Newer { path: self.path.display().to_string(), found, known: MIGRATIONS.len() }
    }
}

/// A row as it stands there.
struct Stored {
    number: i64,
    name: String,
    price: i64,
    currency: String,
    unit: String,
    tax_rate: i64,
    category: String,
    favourite: bool,
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        number: row.get(0)?,
        name: row.get(1)?,
        price: row.get(2)?,
        currency: row.get(3)?,
        unit: row.get(4)?,
        tax_rate: row.get(5)?,
        category: row.get(6)?,
        favourite: row.get(7)?,
    })
}

impl Stored {
    /// Without its barcodes.
    fn good(self) -> Result<Good, CatalogueError> {
        let currency: Currency = self.currency.parse().map_err(wrong("currency"))?;
        let minor = u64::try_from(self.price).map_err(wrong("price"))?;
        let rate = u16::try_from(self.tax_rate).map_err(wrong("tax rate"))?;
        Ok(Good {
            number: good_number(self.number)?,
            name: GoodName::parse(&self.name).map_err(wrong("name"))?,
            barcodes: Vec::new(),
            price: Amount::new(minor, currency).map_err(wrong("price"))?,
            unit: Unit::parse(&self.unit).map_err(wrong("unit"))?,
            tax_rate: TaxRate::new(rate).map_err(wrong("tax rate"))?,
            category: Category::parse(&self.category).map_err(wrong("category"))?,
            favourite: self.favourite,
        })
    }
}

fn good_number(stored: i64) -> Result<GoodNumber, CatalogueError> {
    let number = u32::try_from(stored).map_err(|_| GoodError::Number(stored.to_string()));
    number.and_then(GoodNumber::new).map_err(wrong("number"))
}

fn barcode(stored: i64) -> Result<Barcode, CatalogueError> {
    let number = u64::try_from(stored).map_err(wrong("barcode"))?;
    Barcode::of_number(number).map_err(wrong("barcode"))
}

fn wrong<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> CatalogueError {
    move |error| CatalogueError::Value { what, problem: error.to_string() }
}

#[cfg(test)]
mod tests;
