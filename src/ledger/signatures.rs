//! Signatures that were given on the screen, and how far each is: `queued → delivered | given_up`.

use jiff::civil::DateTime;
use rusqlite::{OptionalExtension, ToSql, params};

use super::row::{COLUMN_COUNT, COLUMNS, TransactionRow, maybe_word, read, word};
use super::{Ledger, LedgerError, statement_error};
use crate::payment::queue::{Entry, EntryId, Kind, Standing};
use crate::payment::signature::{Signature, SignatureUpload};
use crate::reference::{ResponseCode, TraceNumber};

/// How far a signature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureState {
    /// Waits for the host.
    Queued,
    /// The host has it.
    Delivered,
    /// The host does not take it: it is on the slip.
    GivenUp,
}

impl SignatureState {
    const ALL: [Self; 3] = [Self::Queued, Self::Delivered, Self::GivenUp];

    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// A signature as the ledger holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureRow {
    /// The payment.
    pub payment: TransactionRow,
    /// The picture.
    pub signature: Signature,
    /// Local time when it was given.
    pub at: DateTime,
    /// How far it is.
    pub state: SignatureState,
    /// Field 39 of the last refusal.
    pub response_code: Option<ResponseCode>,
    /// Tries that count.
    pub tries: u32,
    /// Of these so many were refused.
    pub refusals: u32,
    /// Local time of the next one.
    pub next_try: Option<DateTime>,
}

/// Those that wait for the host.
const WAITING: &str = "s.state = 'queued'";

/// Those that a person may still want to know of: what was given up in the batch that is open and in the one before it.
const GIVEN_UP: &str = "s.state = 'given_up' AND t.batch >= (SELECT batch FROM counters WHERE id = 1) - 1";

impl Ledger {
    /// Writes down what a cardholder signed. It waits for the host from then on.
    ///
    /// # Errors
    /// When it cannot be written, nobody has to sign this payment, or it is signed already.
    pub fn sign(&mut self, trace: TraceNumber, signature: &Signature, at: DateTime) -> Result<(), LedgerError> {
        let written = self.connection.execute(
            "INSERT INTO signatures (transaction_id, signed_at, picture) SELECT id, ?5, ?6 FROM transactions
             WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4",
            params![
                self.merchant_code.as_str(),
                self.terminal_number.as_str(),
                trace.batch.number(),
                trace.stan.number(),
                at.to_string(),
                signature.data(),
            ],
        );
        match written.map_err(statement_error(&self.path))? {
            1 => Ok(()),
            _ => Err(LedgerError::NoSuchRow(trace)),
        }
    }

    /// What was signed of a payment; nothing where nobody did on the screen.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn signature_of(&self, trace: TraceNumber) -> Result<Option<SignatureRow>, LedgerError> {
        let numbers = [trace.batch.number(), trace.stan.number()].map(i64::from);
        Ok(self.signatures("t.batch = ?4 AND t.stan = ?5", &numbers, 1)?.pop())
    }

    /// The oldest that waits for the host.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn next_signature(&self) -> Result<Option<SignatureRow>, LedgerError> {
        Ok(self.signatures(WAITING, &[], 1)?.pop())
    }

    /// Those that wait for the host, and those that were given up of late, oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn listed_signatures(&self) -> Result<Vec<SignatureRow>, LedgerError> {
        let mut rows = self.signatures(WAITING, &[], i64::MAX)?;
        rows.extend(self.signatures(GIVEN_UP, &[], i64::MAX)?);
        Ok(rows)
    }

    /// The host has refused one, this time as well.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn signature_refused(&mut self, trace: TraceNumber, code: &ResponseCode) -> Result<(), LedgerError> {
        self.change_signature(trace, "refusals = refusals + 1, response_code = ?5", params![code.as_str()])
    }

    /// It is uploaded no more; the payment stands, and so does its slip.
    ///
    /// # Errors
    /// When it cannot be written or does not wait.
    pub(super) fn give_signature_up(&self, trace: TraceNumber, code: Option<&ResponseCode>) -> Result<(), LedgerError> {
        let code = code.map(ResponseCode::as_str);
        self.change_signature(
            trace,
            "state = 'given_up', tries = tries + 1, response_code = coalesce(?5, response_code), next_try = NULL,
             refusals = refusals + (?5 IS NOT NULL)",
            params![code],
        )
    }

    /// Changes one that waits; parameters are counted from 5.
    pub(super) fn change_signature(
        &self,
        trace: TraceNumber,
        change: &str,
        parameters: &[&dyn ToSql],
    ) -> Result<(), LedgerError> {
        let (merchant, terminal) = (self.merchant_code.as_str(), self.terminal_number.as_str());
        let (batch, stan) = (trace.batch.number(), trace.stan.number());
        let mut all: Vec<&dyn ToSql> = vec![&merchant, &terminal, &batch, &stan];
        all.extend(parameters);
        let sql = format!(
            "UPDATE signatures SET {change} WHERE state = 'queued' AND transaction_id = (SELECT id FROM transactions
             WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3 AND stan = ?4)"
        );
        match self.connection.execute(&sql, &*all).map_err(statement_error(&self.path))? {
            1 => Ok(()),
            _ => Err(LedgerError::Value { what: "queued signature", value: trace.to_string() }),
        }
    }

    /// Signatures of a condition whose numbers are counted from 4.
    fn signatures(&self, condition: &str, numbers: &[i64], limit: i64) -> Result<Vec<SignatureRow>, LedgerError> {
        let failed = statement_error(&self.path);
        let (merchant, terminal) = (self.merchant_code.as_str(), self.terminal_number.as_str());
        let sql = format!(
            "SELECT {COLUMNS}, s.picture, s.signed_at, s.state, s.response_code, s.tries, s.refusals, s.next_try
             FROM signatures s CROSS JOIN transactions t ON t.id = s.transaction_id
             WHERE {condition} AND merchant_code = ?1 AND terminal_number = ?2 ORDER BY s.transaction_id LIMIT ?3"
        );
        let mut statement = self.connection.prepare(&sql).map_err(&failed)?;
        let mut parameters: Vec<&dyn ToSql> = vec![&merchant, &terminal, &limit];
        parameters.extend(numbers.iter().map(|number| number as &dyn ToSql));
        let rows = statement.query_map(&*parameters, |row| {
            let picture: Vec<u8> = row.get(COLUMN_COUNT)?;
            let (tries, refusals) = (row.get(COLUMN_COUNT + 4)?, row.get(COLUMN_COUNT + 5)?);
            Ok(signature_row(row, picture, tries, refusals))
        });
        rows.map_err(&failed)?.map(|row| row.map_err(&failed)?).collect()
    }

    /// How many wait for the host.
    pub(super) fn signatures_waiting(&self) -> Result<usize, LedgerError> {
        let count: Option<i64> = self
            .connection
            .query_row(
                "SELECT count(*) FROM signatures s CROSS JOIN transactions t ON t.id = s.transaction_id
                 WHERE s.state = 'queued' AND merchant_code = ?1 AND terminal_number = ?2",
                [self.merchant_code.as_str(), self.terminal_number.as_str()],
                |row| row.get(0),
            )
            .optional()
            .map_err(statement_error(&self.path))?;
        Ok(usize::try_from(count.unwrap_or(0)).unwrap_or(usize::MAX))
    }
}

/// Reads a row whose columns behind those of its payment are those of its signature.
fn signature_row(
    row: &rusqlite::Row<'_>,
    picture: Vec<u8>,
    tries: u32,
    refusals: u32,
) -> Result<SignatureRow, LedgerError> {
    let damaged = |error: crate::jbig::JbigError| LedgerError::Value { what: "signature", value: error.to_string() };
    Ok(SignatureRow {
        payment: read(row)?,
        signature: Signature::read(picture).map_err(damaged)?,
        at: word(row, COLUMN_COUNT + 1, "time", |text| text.parse().ok())?,
        state: word(row, COLUMN_COUNT + 2, "state of a signature", SignatureState::from_word)?,
        response_code: maybe_word(row, COLUMN_COUNT + 3, "response code", |text| ResponseCode::parse(text).ok())?,
        tries,
        refusals,
        next_try: maybe_word(row, COLUMN_COUNT + 6, "time", |text| text.parse().ok())?,
    })
}

impl SignatureRow {
    /// What is sent of it.
    pub fn upload(&self) -> SignatureUpload {
        SignatureUpload {
            trace: self.payment.trace,
            rrn: self.payment.rrn.clone(),
            authorisation_code: self.payment.authorisation_code.clone(),
            signature: self.signature.clone(),
        }
    }

    /// As an entry of the queue; nothing once the host has it.
    pub(super) fn entry(&self) -> Option<Entry> {
        let standing = match self.state {
            SignatureState::Queued => Standing::Waiting,
            SignatureState::GivenUp => Standing::GivenUp,
            SignatureState::Delivered => return None,
        };
        Some(Entry {
            id: EntryId::Signature(self.payment.trace),
            kind: Kind::Signature,
            trace: self.payment.trace,
            original: self.payment.trace,
            amount: self.payment.amount,
            at: self.at,
            standing,
            tries: self.tries,
            next_try: self.next_try,
            reason: None,
            response_code: self.response_code.clone(),
        })
    }
}

#[cfg(test)]
mod tests;
