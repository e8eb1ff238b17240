//! A question about a balance: the issuer looks at card and PIN as in a sale, and tells what can be spent. Nothing is booked and
//! no number is used up; the same question once more is answered as before, though the card's counter does not rise.

use jiff::Zoned;
use rusqlite::{OptionalExtension, params};

use super::books::Books;
use super::issuing;
use super::rules::Decision;
use super::store::StoreError;
use super::transactions::{self, Asked, Verdict};
use crate::acquirer::balances::write_available;
use crate::ledger::Prepared;
use crate::money::{Amount, Currency};

/// Table of this module.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS balance_answers (
        request       BLOB PRIMARY KEY,  -- SHA-256 of the message
        response_code TEXT NOT NULL,
        reason        TEXT NOT NULL,
        balance       TEXT,              -- field 54
        issuer_data   BLOB
    ) STRICT, WITHOUT ROWID;
";

/// What a question was answered.
#[derive(Debug)]
pub(super) struct KeptBalance {
    response_code: String,
    reason: String,
    balance: Option<String>,
    issuer_data: Option<Vec<u8>>,
}

impl From<KeptBalance> for Decision {
    fn from(kept: KeptBalance) -> Self {
        let KeptBalance { response_code, reason, balance, issuer_data } = kept;
        Self { response_code, reason, balance, issuer_data, ..Self::default() }
    }
}

/// Tells what can be spent of the card's account.
///
/// # Errors
/// When the database fails.
pub(super) fn tell(
    books: &Books<'_>,
    asked: &Asked<'_>,
    request: [u8; 32],
    now: &Zoned,
) -> Result<Decision, StoreError> {
    if let Some(kept) = books.kept_balance(&request)? {
        return Ok(kept.into());
    }
    let (verdict, balance) = match issuing::identify(books, asked, now)? {
        Ok((account, verified)) => {
            let available = Amount::new(account.available(), Currency::CNY);
            let available = available.map_err(|error| StoreError::Row(error.to_string()))?;
            let told = Verdict { verified, ..Verdict::approved("00", "told", 0) };
            (told, Some(write_available(available)))
        }
        Err(verdict) => (verdict, None),
    };
    let issuer_data = transactions::issuer_data(asked, &verdict)?;
    let answer = KeptBalance { response_code: verdict.response_code, reason: verdict.reason, balance, issuer_data };
    books.keep_balance(&request, &answer)?;
    Ok(answer.into())
}

/// Reads what [`write`] wrote.
pub(super) fn read(connection: &Prepared, request: &[u8]) -> rusqlite::Result<Option<KeptBalance>> {
    let sql = "SELECT response_code, reason, balance, issuer_data FROM balance_answers WHERE request = ?1";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(KeptBalance {
            response_code: row.get(0)?,
            reason: row.get(1)?,
            balance: row.get(2)?,
            issuer_data: row.get(3)?,
        })
    };
    connection.query_row(sql, [request], read).optional()
}

/// Keeps what a question was answered.
pub(super) fn write(connection: &Prepared, request: &[u8], answer: &KeptBalance) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO balance_answers (request, response_code, reason, balance, issuer_data) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![request, answer.response_code, answer.reason, answer.balance, answer.issuer_data],
    )?;
    Ok(())
}
