//! The merchant's account: what is posted to it, and what is kept.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::USUAL_FEE_RATE;
use crate::reference::Batch;
use crate::sandbox::host::books::Books;
use crate::sandbox::host::store::{Store, StoreError};
use crate::sandbox::host::{Host, HostError};

/// Why an account moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostingKind {
    /// What a batch came to.
    Settlement,
    /// What is kept of it.
    Fee,
    /// A payment of a batch that was posted has been taken back since.
    Adjustment,
}

/// What was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// When.
    pub at: String,
    /// Why.
    pub kind: PostingKind,
    /// Which terminal's batch it is of.
    pub terminal: String,
    /// Which batch.
    pub batch: Batch,
    /// Minor units of CNY, with a sign.
    pub amount: i64,
    /// What was on the account then.
    pub balance: i64,
}

impl PostingKind {
    const ALL: [Self; 3] = [Self::Settlement, Self::Fee, Self::Adjustment];

    /// The word in the database, in JSON and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Settlement => "settlement",
            Self::Fee => "fee",
            Self::Adjustment => "adjustment",
        }
    }
}

/// What is kept of so much: rounded half away from nothing, and given back of what goes back.
pub(super) fn fee_of(gross_minor: i64, rate: u32) -> i64 {
    let parts = i128::from(gross_minor) * i128::from(rate);
    let rounded = (parts.abs() + 5_000) / 10_000;
    i64::try_from(if parts < 0 { -rounded } else { rounded }).unwrap_or_default()
}

/// What is kept of a merchant's settlements.
pub(super) fn fee_rate(books: &Books<'_>, merchant: &str) -> Result<u32, StoreError> {
    let found = books
        .connection()
        .query_row("SELECT fee_rate FROM merchant_accounts WHERE merchant = ?1", [merchant], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(USUAL_FEE_RATE))
}

/// What is on a merchant's account.
pub(super) fn balance(books: &Books<'_>, merchant: &str) -> Result<i64, StoreError> {
    let found = books
        .connection()
        .query_row("SELECT balance FROM merchant_accounts WHERE merchant = ?1", [merchant], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// What is to be posted.
pub(super) struct New<'a> {
    pub merchant: &'a str,
    pub kind: PostingKind,
    pub terminal: &'a str,
    pub batch: Batch,
    pub amount: i64,
    pub at: Timestamp,
}

/// Posts something, and moves the account by it.
pub(super) fn post(books: &Books<'_>, new: &New<'_>) -> Result<(), StoreError> {
    let connection = books.connection();
    connection.execute(
        "INSERT INTO merchant_accounts (merchant, fee_rate) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![new.merchant, USUAL_FEE_RATE],
    )?;
    connection.execute(
        "INSERT INTO merchant_postings (merchant, at, kind, terminal, batch, amount, balance)
         SELECT merchant, ?2, ?3, ?4, ?5, ?6, balance + ?6 FROM merchant_accounts WHERE merchant = ?1",
        params![new.merchant, new.at.to_string(), new.kind.word(), new.terminal, new.batch.number(), new.amount],
    )?;
    connection.execute(
        "UPDATE merchant_accounts SET balance = balance + ?2 WHERE merchant = ?1",
        params![new.merchant, new.amount],
    )?;
    Ok(())
}

impl Store {
    /// What is on a merchant's account, in minor units of CNY, and what is kept of each settlement, in parts per ten thousand.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn merchant_account(&self, merchant: &str) -> Result<(i64, u32), StoreError> {
        self.transaction(|books| Ok((balance(books, merchant)?, fee_rate(books, merchant)?)))
    }

    /// Changes what is kept of each settlement, in parts per ten thousand.
    ///
    /// # Errors
    /// When the database cannot be written, or it is more than all.
    pub fn set_fee_rate(&self, merchant: &str, rate: u32) -> Result<(), StoreError> {
        self.connection().execute(
            "INSERT INTO merchant_accounts (merchant, fee_rate) VALUES (?1, ?2)
             ON CONFLICT (merchant) DO UPDATE SET fee_rate = ?2",
            params![merchant, rate],
        )?;
        Ok(())
    }

    /// What was posted to a merchant's account, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn postings(&self, merchant: &str) -> Result<Vec<Posting>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare(
            "SELECT at, kind, terminal, batch, amount, balance FROM merchant_postings WHERE merchant = ?1 ORDER BY id",
        )?;
        let rows = statement.query_map([merchant], |row| {
            let (word, batch): (String, u32) = (row.get(1)?, row.get(3)?);
            Ok((row.get(0)?, word, row.get(2)?, batch, row.get(4)?, row.get(5)?))
        })?;
        rows.map(|row| {
            let (at, word, terminal, batch, amount, balance) = row?;
            let kind = PostingKind::ALL.into_iter().find(|kind| kind.word() == word);
            Ok(Posting {
                at,
                kind: kind.ok_or_else(|| StoreError::Row(word))?,
                terminal,
                batch: Batch::new(batch).map_err(|error| StoreError::Row(error.to_string()))?,
                amount,
                balance,
            })
        })
        .collect()
    }
}

impl Host {
    /// Whose terminal this is.
    ///
    /// # Errors
    /// When no terminal has that number.
    pub fn merchant_of(&self, terminal: &str) -> Result<String, HostError> {
        let unknown = || HostError::UnknownTerminal(terminal.to_owned());
        Ok(self.store.terminal(terminal)?.ok_or_else(unknown)?.merchant)
    }

    /// As [`Store::merchant_account`].
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn merchant_account(&self, merchant: &str) -> Result<(i64, u32), StoreError> {
        self.store.merchant_account(merchant)
    }

    /// As [`Store::postings`].
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn postings(&self, merchant: &str) -> Result<Vec<Posting>, StoreError> {
        self.store.postings(merchant)
    }

    /// As [`Store::set_fee_rate`].
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_fee_rate(&self, merchant: &str, rate: u32) -> Result<(), StoreError> {
        self.store.set_fee_rate(merchant, rate)
    }
}

#[cfg(test)]
mod unit {
    use super::fee_of;

    #[test]
    fn a_fee_is_rounded_half_away_from_nothing_and_goes_back_with_what_goes_back() {
        for (gross, rate, fee) in [
            (0, 38, 0),
            (10_000, 38, 38),
            (131, 38, 0),
            (132, 38, 1),
            (-10_000, 38, -38),
            (-132, 38, -1),
            (100, 10_000, 100),
            (100, 0, 0),
            (999_999_999_999, 10_000, 999_999_999_999),
        ] {
            assert_eq!(fee_of(gross, rate), fee, "{gross} {rate}");
        }
    }
}
