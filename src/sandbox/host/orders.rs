//! What this host orders its terminals to do beside what follows from its files, what they have taken of its tables, and what they
//! told of themselves.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::parameters::Versions;
use super::store::{Store, StoreError};
use crate::acquirer::parameters::status::StatusReport;
use crate::iso8583::Order;

/// Tables of the database.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS tables_taken (
        terminal   TEXT PRIMARY KEY REFERENCES terminals,
        parameters TEXT NOT NULL,         -- SHA-1 of the tables, hexadecimal
        cards      TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS orders (
        terminal TEXT NOT NULL REFERENCES terminals,
        word     TEXT NOT NULL,
        PRIMARY KEY (terminal, word)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS status_reports (
        id       INTEGER PRIMARY KEY,
        terminal TEXT NOT NULL REFERENCES terminals,
        at       TEXT NOT NULL,
        report   TEXT NOT NULL            -- JSON
    ) STRICT;
";

/// What a terminal told of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Terminal number.
    pub terminal: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub report: StatusReport,
}

impl Store {
    /// The next answers to a terminal order this, until it is done.
    ///
    /// # Errors
    /// When the database cannot be written, or no terminal has that number.
    pub fn order(&self, terminal: &str, order: Order) -> Result<(), StoreError> {
        if order == Order::SignOn {
            return self.order_sign_on(terminal);
        }
        self.connection().execute(
            "INSERT INTO orders (terminal, word) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            [terminal, order.word()],
        )?;
        Ok(())
    }

    /// What a terminal is ordered to do first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn first_order(&self, terminal: &str) -> Result<Option<Order>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare("SELECT word FROM orders WHERE terminal = ?1")?;
        let words = statement.query_map([terminal], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        Ok(words.iter().filter_map(|word| Order::from_word(word)).min())
    }

    /// A terminal has done what it was ordered to do.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn order_is_done(&self, terminal: &str, order: Order) -> Result<(), StoreError> {
        self.connection().execute("DELETE FROM orders WHERE terminal = ?1 AND word = ?2", [terminal, order.word()])?;
        Ok(())
    }

    /// Keeps what a terminal told of itself; with it the order to tell it is done.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_report(&self, told: &Told) -> Result<(), StoreError> {
        let report = serde_json::to_string(&told.report).map_err(|error| StoreError::Row(error.to_string()))?;
        self.connection().execute(
            "INSERT INTO status_reports (terminal, at, report) VALUES (?1, ?2, ?3)",
            params![told.terminal, told.at.to_string(), report],
        )?;
        self.order_is_done(&told.terminal, Order::Status)?;
        // It says that it cannot, which is an answer.
        if told.report.refused.contains("remote") {
            self.order_is_done(&told.terminal, Order::Remote)?;
        }
        Ok(())
    }

    /// What terminals told of themselves, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn reports(&self) -> Result<Vec<Told>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare("SELECT terminal, at, report FROM status_reports ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            let texts: [String; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
            Ok(texts)
        })?;
        rows.map(|row| {
            let [terminal, at, report] = row?;
            let at = at.parse().map_err(|_| StoreError::Row(at))?;
            let report = serde_json::from_str(&report).map_err(|error| StoreError::Row(error.to_string()))?;
            Ok(Told { terminal, at, report })
        })
        .collect()
    }

    /// The digests of the tables that a terminal has taken: parameters, cards.
    pub(super) fn tables_taken(&self, terminal: &str) -> Result<Option<(String, String)>, StoreError> {
        Ok(self
            .connection()
            .query_row("SELECT parameters, cards FROM tables_taken WHERE terminal = ?1", [terminal], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?)
    }

    pub(super) fn note_tables_taken(&self, terminal: &str, versions: &Versions) -> Result<(), StoreError> {
        self.connection().execute(
            "INSERT INTO tables_taken (terminal, parameters, cards) VALUES (?1, ?2, ?3)
             ON CONFLICT (terminal) DO UPDATE SET parameters = ?2, cards = ?3",
            [terminal, &versions.parameters, &versions.cards],
        )?;
        Ok(())
    }
}
