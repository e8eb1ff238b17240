//! Accounts and ledger as one transaction sees them: what is read here stays so until it is written.

use rusqlite::{OptionalExtension, params};

use super::advices::Note;
use super::balances::{self, KeptBalance};
use super::families::{Family, Member, Standing};
use super::originals::{self, Original};
use super::store::{
    ENTRY_COLUMN_COUNT, ENTRY_COLUMNS, Entry, EntryState, StoreError, algorithm_of, entry, kind_of, method_of, state_of,
};
use crate::crypto::emv::{IssuerKey, SequenceNumber};
use crate::ledger::Prepared;
use crate::payment::transaction::Kind;
use crate::reference::TraceNumber;
use crate::sandbox::issuer::Issuer;

/// Accounts and ledger within one transaction.
pub struct Books<'a>(&'a Prepared);

/// The account behind a card.
#[derive(Debug)]
pub struct Account {
    /// PAN sequence number.
    pub sequence_number: SequenceNumber,
    /// Expiry, `YYMM`.
    pub expiry: String,
    /// The issuer, with the card's key.
    pub issuer: Issuer,
    /// What it holds, in minor units of CNY.
    pub balance: u64,
    /// What of it is set aside.
    pub held: u64,
    /// The highest transaction counter seen, if any was.
    pub last_atc: Option<u16>,
}

impl Account {
    /// What can be spent. What was let go, spent, and set aside again because letting it go was taken back, can be more than
    /// there is: then it is nothing.
    pub const fn available(&self) -> u64 {
        self.balance.saturating_sub(self.held)
    }
}

/// A row, and what only the books need of it.
#[derive(Debug)]
pub struct Booked {
    /// The row.
    pub entry: Entry,
    /// Its number.
    pub id: i64,
    /// The first of its family.
    pub root: i64,
    /// The account, if it is known.
    pub pan: Option<String>,
}

/// What an entry refers to.
#[derive(Clone, Copy, Debug)]
pub struct Referred {
    /// Its row.
    pub id: i64,
    /// The first of its family.
    pub root: i64,
}

/// A row to be written.
pub struct NewEntry<'a> {
    /// Terminal number.
    pub terminal: &'a str,
    /// Batch and STAN.
    pub trace: TraceNumber,
    /// What it is.
    pub kind: Kind,
    /// What it refers to, if that is known.
    pub original: Option<Referred>,
    /// Asked for, in minor units.
    pub amount: u64,
    /// Debited, given back, set aside or let go, in minor units.
    pub booked: u64,
    /// What became of it.
    pub state: EntryState,
    /// Response code.
    pub response_code: &'a str,
    /// Why.
    pub reason: &'a str,
    /// The account, if it is known.
    pub pan: Option<&'a str>,
}

/// What a request was answered, beyond what its row says.
#[derive(Debug)]
pub struct KeptAnswer {
    /// SHA-256 of the request.
    pub request: Vec<u8>,
    /// Field 38.
    pub authorisation_code: Option<String>,
    /// Field 55.
    pub issuer_data: Option<Vec<u8>>,
}

impl<'a> Books<'a> {
    /// The books of a transaction that has begun.
    pub(super) const fn new(transaction: &'a Prepared) -> Self {
        Self(transaction)
    }

    /// The transaction itself, for tables of other modules.
    pub(super) const fn connection(&self) -> &'a Prepared {
        self.0
    }

    /// The row of a request.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn entry(&self, terminal: &str, trace: TraceNumber) -> Result<Option<Booked>, StoreError> {
        let sql = format!(
            "SELECT {ENTRY_COLUMNS}, id, coalesce(root, id), pan FROM entries
             WHERE terminal = ?1 AND batch = ?2 AND stan = ?3"
        );
        let key = params![terminal, trace.batch.number(), trace.stan.number()];
        let [id, root, pan] = [0, 1, 2].map(|column| ENTRY_COLUMN_COUNT + column);
        let read = |row: &rusqlite::Row<'_>| Ok((entry(row), row.get(id)?, row.get(root)?, row.get(pan)?));
        let found = self.0.query_row(&sql, key, read).optional()?;
        found.map(|(entry, id, root, pan)| Ok(Booked { entry: entry?, id, root, pan })).transpose()
    }

    /// All that belongs to the first row of a family.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn family(&self, root: i64) -> Result<Family, StoreError> {
        let sql = "SELECT id, kind, state, booked, original FROM entries WHERE id = ?1 OR root = ?1 ORDER BY id";
        let mut statement = self.0.prepare(sql)?;
        let rows = statement.query_map([root], |row| {
            let words: (String, String) = (row.get(1)?, row.get(2)?);
            Ok((row.get(0)?, words, row.get::<_, i64>(3)?, row.get(4)?))
        })?;
        let mut members = Vec::new();
        for row in rows {
            let (id, (kind, state), booked, original) = row?;
            let booked = booked.try_into().map_err(|_| StoreError::Row("less than nothing booked".to_owned()))?;
            members.push(Member { id, kind: kind_of(kind)?, state: state_of(state)?, booked, original });
        }
        Ok(Family::new(members))
    }

    /// Writes a row and gives its number and its retrieval reference number: day of the year and a running number.
    ///
    /// # Errors
    /// When the database cannot be written, or the trace number was used before.
    pub fn record(&self, new: &NewEntry<'_>, today: jiff::civil::Date) -> Result<(i64, String), StoreError> {
        let id: i64 = self.0.query_row("SELECT coalesce(max(id), 0) + 1 FROM entries", [], |row| row.get(0))?;
        let rrn = format!("{:02}{:03}{:07}", today.year() % 100, today.day_of_year(), id % 10_000_000);
        self.0.execute(
            "INSERT INTO entries
                 (id, terminal, batch, stan, amount, booked, state, response_code, rrn, reason, pan, kind, original, root)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            params![
                id,
                new.terminal,
                new.trace.batch.number(),
                new.trace.stan.number(),
                signed(new.amount)?,
                signed(new.booked)?,
                new.state.word(),
                new.response_code,
                rrn,
                new.reason,
                new.pan,
                new.kind.word(),
                new.original.map(|original| original.id),
                new.original.map(|original| original.root)
            ],
        )?;
        Ok((id, rrn))
    }

    /// Keeps what a request was answered beyond its row, and which request it was.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep_answer(&self, terminal: &str, trace: TraceNumber, answer: &KeptAnswer) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT INTO sale_answers (terminal, batch, stan, request, authorisation_code, issuer_data)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                terminal,
                trace.batch.number(),
                trace.stan.number(),
                answer.request,
                answer.authorisation_code,
                answer.issuer_data
            ],
        )?;
        Ok(())
    }

    /// Keeps what a sale said of itself.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(super) fn keep_original(
        &self,
        terminal: &str,
        trace: TraceNumber,
        original: &Original,
    ) -> Result<(), StoreError> {
        Ok(originals::write(self.0, terminal, trace, original)?)
    }

    /// What a sale said of itself.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) fn original(&self, terminal: &str, trace: TraceNumber) -> Result<Option<Original>, StoreError> {
        Ok(originals::read(self.0, terminal, trace)?)
    }

    /// What was kept of an answer.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn kept_answer(&self, terminal: &str, trace: TraceNumber) -> Result<Option<KeptAnswer>, StoreError> {
        let sql = "SELECT request, authorisation_code, issuer_data FROM sale_answers
                   WHERE terminal = ?1 AND batch = ?2 AND stan = ?3";
        let key = params![terminal, trace.batch.number(), trace.stan.number()];
        let read = |row: &rusqlite::Row<'_>| {
            Ok(KeptAnswer { request: row.get(0)?, authorisation_code: row.get(1)?, issuer_data: row.get(2)? })
        };
        Ok(self.0.query_row(sql, key, read).optional()?)
    }

    /// Counts a reversal of a request, and marks the request when it is taken back by it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn count_reversal(&self, terminal: &str, trace: TraceNumber, state: EntryState) -> Result<(), StoreError> {
        self.0.execute(
            "UPDATE entries SET reversals = reversals + 1, state = ?4 WHERE terminal = ?1 AND batch = ?2 AND stan = ?3",
            params![terminal, trace.batch.number(), trace.stan.number(), state.word()],
        )?;
        Ok(())
    }

    /// Writes down what an advice told; one that came before is counted.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_advice(&self, terminal: &str, note: &Note) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT INTO advices (terminal, batch, stan, kind, verdict, script_results) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET verdict = ?5, script_results = ?6, times = times + 1",
            params![
                terminal,
                note.original.batch.number(),
                note.original.stan.number(),
                note.kind.word(),
                note.verdict,
                note.script_results
            ],
        )?;
        Ok(())
    }

    /// The account of a card.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn account(&self, pan: &str) -> Result<Option<Account>, StoreError> {
        let found = self
            .0
            .query_row(
                "SELECT sequence_number, expiry, master_key, algorithm, response_method, balance, held, last_atc
                 FROM accounts WHERE pan = ?1",
                [pan],
                |row| {
                    let key: (Vec<u8>, String, u8) = (row.get(2)?, row.get(3)?, row.get(4)?);
                    let numbers: (i64, i64, i64) = (row.get(5)?, row.get(6)?, row.get(7)?);
                    Ok((row.get(0)?, row.get(1)?, key, numbers))
                },
            )
            .optional()?;
        let Some((sequence_number, expiry, (key, algorithm, method), (balance, held, last_atc))) = found else {
            return Ok(None);
        };
        let balance = balance.try_into().map_err(|_| StoreError::Row("a balance below nothing".to_owned()))?;
        let held = held.try_into().map_err(|_| StoreError::Row("less than nothing set aside".to_owned()))?;
        let sequence_number = SequenceNumber::new(sequence_number)?;
        let key = IssuerKey::new(algorithm_of(algorithm)?, &key)?;
        let issuer = Issuer::new(&key, pan, sequence_number, method_of(method)?)?;
        Ok(Some(Account { sequence_number, expiry, issuer, balance, held, last_atc: last_atc.try_into().ok() }))
    }

    /// What the account of a card keeps of its PIN, and how many wrong ones came in a row.
    ///
    /// # Errors
    /// When the database cannot be read, or there is no such account.
    pub fn pin_check(&self, pan: &str) -> Result<(Vec<u8>, u32), StoreError> {
        let sql = "SELECT check_value, wrong FROM pins WHERE pan = ?1";
        Ok(self.0.query_row(sql, [pan], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// Counts wrong PINs.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_wrong_pins(&self, pan: &str, wrong: u32) -> Result<(), StoreError> {
        self.0.execute("UPDATE pins SET wrong = ?2 WHERE pan = ?1", params![pan, wrong])?;
        Ok(())
    }

    /// Moves an account from what stood to what stands; the database refuses to take more than there is.
    ///
    /// # Errors
    /// When the database cannot be written, there is too little, or there is no such account.
    pub fn move_account(&self, pan: &str, before: Standing, after: Standing) -> Result<(), StoreError> {
        let changed = self.0.execute(
            "UPDATE accounts SET balance = balance + ?2 - ?3, held = held - ?4 + ?5 WHERE pan = ?1",
            params![pan, signed(before.paid)?, signed(after.paid)?, signed(before.held)?, signed(after.held)?],
        )?;
        if changed == 1 { Ok(()) } else { Err(StoreError::Row("an entry of an account that is not there".to_owned())) }
    }

    /// Keeps what a question about a balance was answered.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(super) fn keep_balance(&self, request: &[u8], answer: &KeptBalance) -> Result<(), StoreError> {
        Ok(balances::write(self.0, request, answer)?)
    }

    /// What the same question was answered before.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) fn kept_balance(&self, request: &[u8]) -> Result<Option<KeptBalance>, StoreError> {
        Ok(balances::read(self.0, request)?)
    }

    /// Remembers the transaction counter of a card whose cryptogram was right.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remember_atc(&self, pan: &str, atc: u16) -> Result<(), StoreError> {
        self.0.execute("UPDATE accounts SET last_atc = max(last_atc, ?2) WHERE pan = ?1", params![pan, atc])?;
        Ok(())
    }

    /// Remembers that an offline sale came with this counter; false where another came with it before.
    ///
    /// # Errors
    /// When the database fails.
    pub fn remember_offline(&self, pan: &str, atc: u16) -> Result<bool, StoreError> {
        let sql = "INSERT OR IGNORE INTO offline_counters (pan, atc) VALUES (?1, ?2)";
        Ok(self.0.execute(sql, params![pan, atc])? == 1)
    }
}

fn signed(minor: u64) -> Result<i64, StoreError> {
    minor.try_into().map_err(|_| StoreError::Row("an amount beyond all bounds".to_owned()))
}
