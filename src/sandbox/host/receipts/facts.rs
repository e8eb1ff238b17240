//! What is kept of a request for its e-receipt, beyond what the books have anyway: when it was, and for whom. A shop that is called
//! otherwise later, or a terminal that moves to another, changes no receipt.

use jiff::Zoned;
use rusqlite::{OptionalExtension, params};

use super::goods;
use crate::iso8583::Message;
use crate::reference::TraceNumber;
use crate::sandbox::host::books::Books;
use crate::sandbox::host::onboarding::register::Register;
use crate::sandbox::host::store::StoreError;

/// Tables of this module, and of the keys of links.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS link_keys (
        terminal TEXT NOT NULL,
        secret   BLOB NOT NULL,               -- of a TEST key
        PRIMARY KEY (terminal, secret)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS receipt_facts (
        terminal      TEXT NOT NULL REFERENCES terminals,
        batch         INTEGER NOT NULL,
        stan          INTEGER NOT NULL,
        at            TEXT NOT NULL,          -- local time of the host
        moment        TEXT,                   -- MMDDhhmmss, as the terminal said it
        entry_mode    TEXT,
        merchant      TEXT NOT NULL,
        acquirer      TEXT NOT NULL,
        merchant_name TEXT NOT NULL,
        PRIMARY KEY (terminal, batch, stan)
    ) STRICT, WITHOUT ROWID;
";

/// See the module.
#[derive(Debug)]
pub(super) struct Facts {
    /// When the host got it, in its local time.
    pub at: String,
    /// MMDDhhmmss.
    pub moment: Option<String>,
    /// Field 22.
    pub entry_mode: Option<String>,
    /// Merchant code.
    pub merchant: String,
    /// Acquirer's institution code.
    pub acquirer: String,
    /// Name of the shop.
    pub merchant_name: String,
}

/// Keeps what a request says of itself, and what it tells of goods.
///
/// # Errors
/// When the database fails.
pub(in crate::sandbox::host) fn keep(
    books: &Books<'_>,
    terminal: &str,
    trace: TraceNumber,
    message: &Message,
    goods: Option<&[u8]>,
    now: &Zoned,
) -> Result<(), StoreError> {
    let application = Register(books.connection()).of_terminal(terminal);
    let application = application.map_err(|error| StoreError::Row(error.to_string()))?;
    let merchant_name = application.map(|application| application.form.merchant_name).unwrap_or_default();
    let moment = message.text(13).zip(message.text(12)).map(|(day, time)| format!("{day}{time}"));
    books.connection().execute(
        "INSERT INTO receipt_facts (terminal, batch, stan, at, moment, entry_mode, merchant, acquirer, merchant_name)
         SELECT terminal, ?2, ?3, ?4, ?5, ?6, merchant, acquirer, ?7 FROM terminals WHERE terminal = ?1
         ON CONFLICT DO NOTHING",
        params![
            terminal,
            trace.batch.number(),
            trace.stan.number(),
            now.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            moment,
            message.text(22),
            merchant_name
        ],
    )?;
    match goods {
        Some(told) => goods::keep(books, terminal, trace, told),
        None => Ok(()),
    }
}

/// For whom a request was.
///
/// # Errors
/// When the database fails.
pub(in crate::sandbox::host) fn merchant_name(
    books: &Books<'_>,
    terminal: &str,
    trace: TraceNumber,
) -> Result<Option<String>, StoreError> {
    Ok(read(books, terminal, trace)?.map(|facts| facts.merchant_name))
}

/// What was kept; nothing of what came before these tables.
pub(super) fn read(books: &Books<'_>, terminal: &str, trace: TraceNumber) -> Result<Option<Facts>, StoreError> {
    let sql = "SELECT moment, entry_mode, merchant, acquirer, merchant_name, at FROM receipt_facts
               WHERE terminal = ?1 AND batch = ?2 AND stan = ?3";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Facts {
            moment: row.get(0)?,
            entry_mode: row.get(1)?,
            merchant: row.get(2)?,
            acquirer: row.get(3)?,
            merchant_name: row.get(4)?,
            at: row.get(5)?,
        })
    };
    let key = params![terminal, trace.batch.number(), trace.stan.number()];
    Ok(books.connection().query_row(sql, key, read).optional()?)
}
