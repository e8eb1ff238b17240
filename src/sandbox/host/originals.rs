//! What a request said of itself beyond its number and amount, kept for what refers to it later. A reversal or an advice that
//! says anything else is about another payment, which happens to have the same number: that of a terminal which lost its
//! ledger and began to count anew.

use rusqlite::{OptionalExtension, params};

use super::books::Books;
use super::store::{Entry, StoreError};
use crate::emv::tag;
use crate::emv::tlv;
use crate::iso8583::Message;
use crate::ledger::Prepared;
use crate::reference::TraceNumber;

/// Table of this module.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS originals (
        terminal        TEXT NOT NULL,
        batch           INTEGER NOT NULL,
        stan            INTEGER NOT NULL,
        date            TEXT,                -- MMDD, as the card signed it
        entry_mode      TEXT,
        sequence_number TEXT,
        counter         BLOB,                -- the card's
        PRIMARY KEY (terminal, batch, stan),
        FOREIGN KEY (terminal, batch, stan) REFERENCES entries (terminal, batch, stan)
    ) STRICT, WITHOUT ROWID;
";

/// Where field 61 has the date of the original, after batch and STAN.
const DATE: std::ops::Range<usize> = 12..16;

/// What a request said of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Original {
    date: Option<String>,
    entry_mode: Option<String>,
    sequence_number: Option<String>,
    counter: Option<Vec<u8>>,
}

impl Original {
    /// Reads a request (0100, 0200, 0220).
    pub(super) fn of_request(message: &Message) -> Self {
        let date = object(message, tag::TRANSACTION_DATE).and_then(|date| match date {
            [_, month, day] => Some(format!("{month:02X}{day:02X}")),
            _ => None,
        });
        Self {
            date,
            entry_mode: message.text(22).map(str::to_owned),
            sequence_number: message.text(23).map(str::to_owned),
            counter: object(message, tag::ATC).map(<[u8]>::to_vec),
        }
    }

    /// In what a later message disagrees, of what both say.
    fn disagreement(&self, message: &Message) -> Option<&'static str> {
        let differs = |ours: &Option<String>, theirs: Option<&str>| {
            ours.as_deref().is_some_and(|ours| theirs.is_some_and(|theirs| theirs != ours))
        };
        let date = message.text(61).and_then(|text| text.get(DATE));
        let counter = object(message, tag::ATC);
        let other_counter = self.counter.as_deref().is_some_and(|ours| counter.is_some_and(|theirs| theirs != ours));
        [
            (differs(&self.date, date), "date"),
            (differs(&self.entry_mode, message.text(22)), "entry mode"),
            (differs(&self.sequence_number, message.text(23)), "card sequence number"),
            (other_counter, "counter of the card"),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then_some(what))
    }
}

/// In what a reversal or an advice says otherwise than the request itself, or than its answer.
///
/// # Errors
/// When the database cannot be read.
pub(super) fn disagreement(
    books: &Books<'_>,
    terminal: &str,
    trace: TraceNumber,
    message: &Message,
) -> Result<Option<&'static str>, StoreError> {
    if let Some(what) = books.original(terminal, trace)?.and_then(|original| original.disagreement(message)) {
        return Ok(Some(what));
    }
    other_code(books, terminal, trace, message)
}

/// In what a request about an earlier one says otherwise than that, or than its answer. How the card is read this time says nothing of
/// how it was then.
///
/// # Errors
/// When the database cannot be read.
pub(super) fn disagreement_of_reference(
    books: &Books<'_>,
    terminal: &str,
    entry: &Entry,
    message: &Message,
) -> Result<Option<&'static str>, StoreError> {
    let original = books.original(terminal, entry.trace)?;
    let then = original.map(|original| Original { entry_mode: None, counter: None, ..original });
    if let Some(what) = then.and_then(|then| then.disagreement(message)) {
        return Ok(Some(what));
    }
    if message.text(37).is_some_and(|named| named != entry.rrn) {
        return Ok(Some("retrieval reference number"));
    }
    other_code(books, terminal, entry.trace, message)
}

fn other_code(
    books: &Books<'_>,
    terminal: &str,
    trace: TraceNumber,
    message: &Message,
) -> Result<Option<&'static str>, StoreError> {
    let given = books.kept_answer(terminal, trace)?.and_then(|answer| answer.authorisation_code);
    let other_code = message.text(38).is_some_and(|named| given.as_deref() != Some(named));
    Ok(other_code.then_some("authorisation code"))
}

/// Reads what [`write`] wrote; nothing of a sale from before this table, or of one that never came.
pub(super) fn read(connection: &Prepared, terminal: &str, trace: TraceNumber) -> rusqlite::Result<Option<Original>> {
    let sql = "SELECT date, entry_mode, sequence_number, counter FROM originals
               WHERE terminal = ?1 AND batch = ?2 AND stan = ?3";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Original { date: row.get(0)?, entry_mode: row.get(1)?, sequence_number: row.get(2)?, counter: row.get(3)? })
    };
    connection.query_row(sql, params![terminal, trace.batch.number(), trace.stan.number()], read).optional()
}

/// Keeps what a request said of itself.
pub(super) fn write(
    connection: &Prepared,
    terminal: &str,
    trace: TraceNumber,
    original: &Original,
) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO originals (terminal, batch, stan, date, entry_mode, sequence_number, counter)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            terminal,
            trace.batch.number(),
            trace.stan.number(),
            original.date,
            original.entry_mode,
            original.sequence_number,
            original.counter
        ],
    )?;
    Ok(())
}

fn object(message: &Message, tag: tag::Tag) -> Option<&[u8]> {
    tlv::find(message.bytes(55)?, tag).ok().flatten()
}
