//! Signatures that terminals upload (0820): joined to their payment by batch, STAN and RRN, and looked at as a picture.

use rusqlite::{OptionalExtension, params};
use tracing::info;

use super::books::Booked;
use super::originals;
use super::rules::{Decision, Refusal, format_error};
use super::store::{EntryState, Store, StoreError, Terminal};
use crate::acquirer::signatures::Uploaded;
use crate::iso8583::Message;
use crate::jbig::{self, Picture};
use crate::reference::{Batch, Stan, TraceNumber};

/// Table of this module.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS signatures (
        terminal TEXT NOT NULL,
        batch    INTEGER NOT NULL,
        stan     INTEGER NOT NULL,              -- the payment's
        picture  BLOB NOT NULL,                 -- as T.82 writes it
        times    INTEGER NOT NULL DEFAULT 1,
        PRIMARY KEY (terminal, batch, stan),
        FOREIGN KEY (terminal, batch, stan) REFERENCES entries (terminal, batch, stan)
    ) STRICT, WITHOUT ROWID;
";

/// A signature that the host has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenSignature {
    /// The terminal.
    pub terminal: String,
    /// Batch and STAN of the payment.
    pub trace: TraceNumber,
    /// As it came.
    pub data: Vec<u8>,
    /// Its dots.
    pub picture: Picture,
    /// How often it came.
    pub times: u32,
}

/// Takes a signature, however often it comes.
///
/// # Errors
/// When the database fails; nothing is taken then.
pub(super) fn take(
    store: &Store,
    terminal: &Terminal,
    message: &Message,
    uploaded: Uploaded<'_>,
) -> Result<Decision, StoreError> {
    let Some(trace) = uploaded.trace else {
        return Ok(format_error("it names no payment in fields 60 and 11").into());
    };
    let picture = match jbig::decode(uploaded.picture) {
        Ok(picture) => picture,
        Err(error) => return Ok(format_error(error.to_string()).into()),
    };
    store.transaction(|books| {
        let unknown = |reason: &str| Decision::from(Refusal { response_code: "25", reason: reason.to_owned() });
        let Some(Booked { entry, .. }) = books.entry(&terminal.terminal, trace)? else {
            return Ok(unknown("no such payment"));
        };
        if entry.state != EntryState::Approved {
            return Ok(unknown("that payment was not approved, or was taken back"));
        }
        if let Some(what) = originals::disagreement_of_reference(books, &terminal.terminal, &entry, message)? {
            return Ok(unknown(&format!("another payment had this number: the {what} is not its")));
        }
        let (batch, stan) = (trace.batch.number(), trace.stan.number());
        let before: Option<Vec<u8>> = books
            .connection()
            .query_row(
                "SELECT picture FROM signatures WHERE terminal = ?1 AND batch = ?2 AND stan = ?3",
                params![terminal.terminal, batch, stan],
                |row| row.get(0),
            )
            .optional()?;
        if before.is_some_and(|before| before != uploaded.picture) {
            let refusal = Refusal { response_code: "12", reason: "that payment is signed otherwise".to_owned() };
            return Ok(refusal.into());
        }
        books.connection().execute(
            "INSERT INTO signatures (terminal, batch, stan, picture) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET times = times + 1",
            params![terminal.terminal, batch, stan, uploaded.picture],
        )?;
        info!(terminal = terminal.terminal, %trace, ?picture, "took a signature");
        Ok(Decision {
            response_code: "00".to_owned(),
            reason: "the signature is taken".to_owned(),
            ..Decision::default()
        })
    })
}

impl Store {
    /// The signatures that were taken, in the order of their payments.
    ///
    /// # Errors
    /// When the database cannot be read, or a row is damaged.
    pub fn signatures(&self) -> Result<Vec<TakenSignature>, StoreError> {
        self.transaction(|books| {
            let mut statement = books.connection().prepare(
                "SELECT terminal, batch, stan, picture, times FROM signatures ORDER BY terminal, batch, stan",
            )?;
            let rows = statement.query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, Vec<u8>>(3)?, row.get(4)?))
            })?;
            rows.map(|row| {
                let (terminal, batch, stan, data, times): (String, u32, u32, Vec<u8>, u32) = row?;
                let damaged = |problem: String| StoreError::Row(problem);
                let trace = TraceNumber {
                    batch: Batch::new(batch).map_err(|error| damaged(error.to_string()))?,
                    stan: Stan::new(stan).map_err(|error| damaged(error.to_string()))?,
                };
                let picture = jbig::decode(&data).map_err(|error| damaged(error.to_string()))?;
                Ok(TakenSignature { terminal, trace, data, picture, times })
            })
            .collect()
        })
    }
}
