//! What a request tells of what is sold ([`crate::acquirer::told_goods`]): looked at before anything is booked, kept beside the payment, and
//! read again for its e-receipt.

use rusqlite::{OptionalExtension, params};

use crate::acquirer::told_goods::{self, ToldGoods};
use crate::iso8583::{Dialect, Message};
use crate::money::{Amount, Currency};
use crate::reference::TraceNumber;
use crate::sandbox::host::books::Books;
use crate::sandbox::host::rules::{Refusal, format_error};
use crate::sandbox::host::store::StoreError;

/// Table of this module.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS receipt_goods (
        terminal TEXT NOT NULL REFERENCES terminals,
        batch    INTEGER NOT NULL,
        stan     INTEGER NOT NULL,
        told     BLOB NOT NULL,              -- as the terminal told it
        PRIMARY KEY (terminal, batch, stan)
    ) STRICT, WITHOUT ROWID;
";

/// The field of a request, if it has one, once what is told there comes to what it asks for.
///
/// # Errors
/// When it cannot be read, or comes to something else.
pub(in crate::sandbox::host) fn told<'a>(
    dialect: &Dialect,
    message: &'a Message,
    minor: u64,
) -> Result<Option<&'a [u8]>, Refusal> {
    let field = dialect.goods.as_ref().and_then(|rules| message.bytes(rules.field));
    let Some(bytes) = field else { return Ok(None) };
    let told = told_goods::read(bytes, Currency::CNY).map_err(|error| format_error(error.to_string()))?;
    let comes_to = Amount::new(minor, Currency::CNY).is_ok_and(|amount| told.come_to(amount));
    if comes_to { Ok(Some(bytes)) } else { Err(format_error("goods that come to something else than the amount")) }
}

/// Keeps it. The same number once more keeps what came first.
///
/// # Errors
/// When the database fails.
pub(super) fn keep(books: &Books<'_>, terminal: &str, trace: TraceNumber, told: &[u8]) -> Result<(), StoreError> {
    books.connection().execute(
        "INSERT INTO receipt_goods (terminal, batch, stan, told) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        params![terminal, trace.batch.number(), trace.stan.number(), told],
    )?;
    Ok(())
}

/// What was kept; nothing where nothing was told.
///
/// # Errors
/// When the database fails, or what stands there was never told.
pub(super) fn read(books: &Books<'_>, terminal: &str, trace: TraceNumber) -> Result<ToldGoods, StoreError> {
    let sql = "SELECT told FROM receipt_goods WHERE terminal = ?1 AND batch = ?2 AND stan = ?3";
    let key = params![terminal, trace.batch.number(), trace.stan.number()];
    let kept: Option<Vec<u8>> = books.connection().query_row(sql, key, |row| row.get(0)).optional()?;
    let Some(kept) = kept else { return Ok(ToldGoods::default()) };
    told_goods::read(&kept, Currency::CNY).map_err(|error| StoreError::Row(error.to_string()))
}
