//! The host's memory: terminals, accounts and bookings, in SQLite. Everything that belongs together is one transaction.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::advices::Note;
use super::books::Books;
use super::keys::{self, MacKey, SINCE_VERSION_2};
use super::parameters::Versions;
use super::pins;
use crate::crypto::cipher::BlockKey;
use crate::crypto::emv::{Algorithm, IssuerKey};
use crate::crypto::mac::Cipher;
use crate::crypto::sm4::Sm4Key;
use crate::crypto::{CryptoError, hex};
use crate::ledger::{Prepared, journal_mode};
use crate::money::{Amount, AmountError, Currency};
use crate::payment::advice::AdviceKind;
use crate::payment::transaction::Kind;
use crate::pin::Pin;
use crate::reference::{Batch, ReferenceError, Stan, TraceNumber};
use crate::sandbox::card::profile::ApplicationProfile;
use crate::sandbox::issuer::ResponseMethod;

/// Version of the schema, in SQLite's `user_version`. The first one had neither algorithm nor response method, and until version 3
/// every entry was a sale.
const SCHEMA_VERSION: i64 = 3;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS terminals (
        terminal      TEXT PRIMARY KEY,
        merchant      TEXT NOT NULL,
        serial_number TEXT NOT NULL UNIQUE,
        acquirer      TEXT NOT NULL,
        certificate   TEXT NOT NULL UNIQUE, -- SHA-256, hexadecimal
        mac_key       BLOB,                 -- until version 2
        device_key    BLOB NOT NULL         -- a TEST key
    ) STRICT;
    CREATE TABLE IF NOT EXISTS accounts (
        pan             TEXT PRIMARY KEY,   -- a TEST number
        sequence_number INTEGER NOT NULL,   -- plain: ten is 10
        expiry          TEXT NOT NULL,      -- YYMM
        master_key      BLOB NOT NULL,      -- a TEST key
        balance         INTEGER NOT NULL CHECK (balance >= 0),
        last_atc        INTEGER NOT NULL DEFAULT -1
    ) STRICT;
    CREATE TABLE IF NOT EXISTS pins (
        pan         TEXT PRIMARY KEY REFERENCES accounts,
        check_value BLOB NOT NULL,
        wrong       INTEGER NOT NULL DEFAULT 0 -- in a row
    ) STRICT;
    CREATE TABLE IF NOT EXISTS entries (
        id            INTEGER PRIMARY KEY,
        terminal      TEXT NOT NULL REFERENCES terminals,
        batch         INTEGER NOT NULL,
        stan          INTEGER NOT NULL,
        amount        INTEGER NOT NULL,     -- asked for
        booked        INTEGER NOT NULL,     -- debited, 0 when declined
        state         TEXT NOT NULL CHECK (state IN ('approved', 'declined', 'reversed')),
        response_code TEXT NOT NULL,
        rrn           TEXT NOT NULL,
        reason        TEXT NOT NULL,
        pan           TEXT REFERENCES accounts,
        reversals     INTEGER NOT NULL DEFAULT 0,
        UNIQUE (terminal, batch, stan)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS sale_answers (
        terminal           TEXT NOT NULL,
        batch              INTEGER NOT NULL,
        stan               INTEGER NOT NULL,
        request            BLOB NOT NULL,    -- SHA-256 of the message
        authorisation_code TEXT,
        issuer_data        BLOB,
        PRIMARY KEY (terminal, batch, stan),
        FOREIGN KEY (terminal, batch, stan) REFERENCES entries (terminal, batch, stan)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS parameters_taken (
        terminal     TEXT PRIMARY KEY REFERENCES terminals,
        ca_keys      TEXT NOT NULL,         -- SHA-1 of the file, hexadecimal
        applications TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS advices (
        terminal       TEXT NOT NULL,
        batch          INTEGER NOT NULL,
        stan           INTEGER NOT NULL,     -- the payment's
        kind           TEXT NOT NULL CHECK (kind IN ('card_result', 'script_result')),
        verdict        TEXT NOT NULL,        -- TC, AAC or ARQC when it is right, otherwise why not
        script_results TEXT NOT NULL,
        times          INTEGER NOT NULL DEFAULT 1,
        PRIMARY KEY (terminal, batch, stan, kind),
        FOREIGN KEY (terminal, batch, stan) REFERENCES entries (terminal, batch, stan)
    ) STRICT, WITHOUT ROWID;
";

/// What version 1 has beyond [`SCHEMA`].
const SINCE_VERSION_1: &str = "
    BEGIN IMMEDIATE;
    ALTER TABLE accounts ADD COLUMN algorithm TEXT NOT NULL DEFAULT 'tdes' CHECK (algorithm IN ('tdes', 'aes'));
    ALTER TABLE accounts ADD COLUMN response_method INTEGER NOT NULL DEFAULT 1 CHECK (response_method IN (1, 2));
    PRAGMA user_version = 1;
    COMMIT;
";

/// What version 3 has beyond version 2.
const SINCE_VERSION_3: &str = "
    BEGIN IMMEDIATE;
    ALTER TABLE accounts ADD COLUMN held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0); -- set aside, of the balance
    ALTER TABLE entries ADD COLUMN kind TEXT NOT NULL DEFAULT 'sale';
    ALTER TABLE entries ADD COLUMN original INTEGER REFERENCES entries;                -- what it refers to
    ALTER TABLE entries ADD COLUMN root INTEGER REFERENCES entries;                    -- what that refers to in the end
    CREATE INDEX entries_of_root ON entries (root);
    PRAGMA user_version = 3;
    COMMIT;
";

/// The database. One connection; whoever needs it waits.
#[derive(Debug)]
pub struct Store(Mutex<Prepared>);

/// What the host knows of a terminal.
#[derive(Debug)]
pub struct Terminal {
    /// Terminal number (field 41).
    pub terminal: String,
    /// Merchant code (field 42).
    pub merchant: String,
    /// Serial number (field 59).
    pub serial_number: String,
    /// Acquirer's institution code (field 32).
    pub acquirer: String,
    /// Fingerprint of its certificate.
    pub certificate: String,
    /// Master key.
    pub master_key: BlockKey,
    /// MAC key; none before the first sign-on.
    pub mac_key: Option<MacKey>,
    /// PIN key, likewise.
    pub pin_key: Option<BlockKey>,
    /// Device key.
    pub device_key: Sm4Key,
}

/// A row of the host's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Terminal number.
    pub terminal: String,
    /// Batch and STAN.
    pub trace: TraceNumber,
    /// What it is.
    pub kind: Kind,
    /// What it refers to.
    pub original: Option<TraceNumber>,
    /// What was asked for.
    pub amount: Amount,
    /// What was debited, given back, set aside or let go; nothing when declined, and kept when it has been taken back.
    pub booked: Amount,
    /// What became of it.
    pub state: EntryState,
    /// Response code of the first answer.
    pub response_code: String,
    /// Retrieval reference number.
    pub rrn: String,
    /// Why it was decided so, for a technician.
    pub reason: String,
    /// Reversals that came for it.
    pub reversals: u32,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryState {
    /// Done.
    Approved,
    /// Not done.
    Declined,
    /// Taken back, perhaps before it came.
    Reversed,
}

/// A database that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite's own words.
    #[error("the sandbox host's database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// SQLite did not take a setting that durability depends on.
    #[error("the sandbox host's database refuses {0}; it must be on a local disk, not a network share")]
    Setting(&'static str),
    /// A key in it has no key's length.
    #[error("the sandbox host's database: {0}")]
    Key(#[from] CryptoError),
    /// A row holds a value that was never written there.
    #[error("the sandbox host's database: a row is damaged: {0}")]
    Row(String),
}

impl EntryState {
    /// The word in the database, in JSON and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Reversed => "reversed",
        }
    }
}

impl Store {
    /// Opens the database, and makes it when it is not there.
    ///
    /// # Errors
    /// When it cannot be opened or is not one.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        if !journal_mode(&connection, "wal")? {
            return Err(StoreError::Setting("journal_mode=WAL"));
        }
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        connection.execute_batch(SCHEMA)?;
        connection.execute_batch(super::originals::SCHEMA)?;
        connection.execute_batch(super::balances::SCHEMA)?;
        connection.execute_batch(super::stripes::SCHEMA)?;
        connection.execute_batch(super::offline::SCHEMA)?;
        connection.execute_batch(keys::SCHEMA)?;
        connection.execute_batch(super::onboarding::register::SCHEMA)?;
        connection.execute_batch(super::orders::SCHEMA)?;
        connection.execute_batch(super::onboarding::wrong_codes::SCHEMA)?;
        connection.execute_batch(super::checkpoints::SCHEMA)?;
        connection.execute_batch(super::code_payments::SCHEMA)?;
        connection.execute_batch(super::settling::SCHEMA)?;
        connection.execute_batch(super::signatures::SCHEMA)?;
        connection.execute_batch(super::instalments::SCHEMA)?;
        for schema in super::receipts::SCHEMAS {
            connection.execute_batch(schema)?;
        }
        connection.execute_batch(super::notifications::SCHEMA)?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        for (step, since) in (1..=SCHEMA_VERSION).zip([SINCE_VERSION_1, SINCE_VERSION_2, SINCE_VERSION_3]) {
            if version < step {
                connection.execute_batch(since)?;
            }
        }
        let connection = Prepared::new(connection);
        super::receipts::keep_link_keys(&connection)?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Runs `work` in one transaction: all of it is kept, durably, or nothing.
    ///
    /// # Errors
    /// Those of `work`, and when the transaction cannot be begun or kept.
    pub fn transaction<T>(&self, work: impl FnOnce(&Books<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = self.connection();
        let transaction = connection.begin(TransactionBehavior::Immediate)?;
        let result = work(&Books::new(&transaction))?;
        transaction.commit()?;
        Ok(result)
    }

    /// The account behind an application of a card; one that is there keeps its balance and its counter.
    ///
    /// # Errors
    /// When the profile's key is not one, or the database cannot be written.
    pub fn register_account(&self, profile: &ApplicationProfile) -> Result<(), StoreError> {
        let master_key = hex::decode(&profile.issuer.master_key)
            .map_err(|error| StoreError::Row(format!("master key of {}: {error}", profile.label)))?;
        IssuerKey::new(profile.issuer.algorithm, &master_key)?;
        self.connection().execute(
            "INSERT INTO accounts (pan, sequence_number, expiry, master_key, algorithm, response_method, balance)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (pan) DO UPDATE SET sequence_number = ?2, expiry = ?3, master_key = ?4, algorithm = ?5,
                                             response_method = ?6",
            params![
                profile.pan,
                profile.sequence_number.number(),
                profile.expiry,
                master_key,
                algorithm_word(profile.issuer.algorithm),
                method_number(profile.issuer.response_method),
                i64::try_from(profile.issuer.balance).unwrap_or(i64::MAX)
            ],
        )?;
        super::settling::note_scheme(&self.connection(), &profile.pan, &profile.aid)?;
        super::stripes::note(&self.connection(), &profile.pan, &profile.service_code)?;
        self.give_first_pin(&profile.pan)
    }

    /// The account behind a card without a chip; one that is there keeps its balance.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(super) fn register_chipless(
        &self,
        pan: &str,
        expiry: &str,
        master_key: &[u8],
        balance: u64,
        aid: &str,
    ) -> Result<(), StoreError> {
        self.connection().execute(
            "INSERT INTO accounts (pan, sequence_number, expiry, master_key, balance) VALUES (?1, 0, ?2, ?3, ?4)
             ON CONFLICT (pan) DO UPDATE SET expiry = ?2, master_key = ?3",
            params![pan, expiry, master_key, i64::try_from(balance).unwrap_or(i64::MAX)],
        )?;
        super::settling::note_scheme(&self.connection(), pan, aid)?;
        self.give_first_pin(pan)
    }

    fn give_first_pin(&self, pan: &str) -> Result<(), StoreError> {
        let pin = Pin::new(pins::FIRST_PIN.to_vec().into()).map_err(|error| StoreError::Row(error.to_string()))?;
        self.connection().execute(
            "INSERT INTO pins (pan, check_value) VALUES (?1, ?2) ON CONFLICT (pan) DO NOTHING",
            params![pan, pins::check_value(pan, &pin)?],
        )?;
        Ok(())
    }

    /// Gives an account another PIN, with all its tries.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_pin(&self, pan: &str, pin: &Pin) -> Result<(), StoreError> {
        self.connection().execute(
            "UPDATE pins SET check_value = ?2, wrong = 0 WHERE pan = ?1",
            params![pan, pins::check_value(pan, pin)?],
        )?;
        Ok(())
    }

    /// Adds a terminal to the register, or replaces what was known of it.
    ///
    /// # Errors
    /// When the database cannot be written, or the serial number belongs to another terminal.
    pub fn register_terminal(&self, row: &TerminalRow<'_>) -> Result<(), StoreError> {
        let connection = self.connection();
        let connection = connection.begin(TransactionBehavior::Immediate)?;
        for table in ["parameters_taken", "tables_taken", "orders"] {
            connection.execute(&format!("DELETE FROM {table} WHERE terminal = ?1"), [row.terminal])?;
        }
        // The machine had another number before, which is out of service: the register lets it have one only.
        connection.execute(
            "UPDATE terminals SET serial_number = serial_number || ', once terminal ' || terminal
             WHERE serial_number = ?1 AND terminal <> ?2",
            [row.serial_number, row.terminal],
        )?;
        connection.execute(
            "INSERT INTO terminals (terminal, merchant, serial_number, acquirer, certificate, device_key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (terminal) DO UPDATE SET merchant = ?2, serial_number = ?3, acquirer = ?4, certificate = ?5,
                                                  device_key = ?6",
            params![row.terminal, row.merchant, row.serial_number, row.acquirer, row.certificate, &row.device_key[..]],
        )?;
        keys::give_master_key(&connection, row.terminal, row.cipher, row.master_key)?;
        super::receipts::keep_link_keys(&connection)?;
        connection.commit()?;
        Ok(())
    }

    /// Which applications, CA keys and tables a terminal said it has taken; one that never did has those of its program.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn parameters_taken(&self, terminal: &str) -> Result<Versions, StoreError> {
        let found = self
            .connection()
            .query_row("SELECT ca_keys, applications FROM parameters_taken WHERE terminal = ?1", [terminal], |row| {
                let found: (String, String) = (row.get(0)?, row.get(1)?);
                Ok(found)
            })
            .optional()?;
        let mut taken = Versions::shipped();
        if let Some((ca_keys, applications)) = found {
            (taken.ca_keys, taken.applications) = (ca_keys, applications);
        }
        if let Some((parameters, cards)) = self.tables_taken(terminal)? {
            (taken.parameters, taken.cards) = (parameters, cards);
        }
        Ok(taken)
    }

    /// A terminal has taken these.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_parameters_taken(&self, terminal: &str, versions: &Versions) -> Result<(), StoreError> {
        self.connection().execute(
            "INSERT INTO parameters_taken (terminal, ca_keys, applications) VALUES (?1, ?2, ?3)
             ON CONFLICT (terminal) DO UPDATE SET ca_keys = ?2, applications = ?3",
            [terminal, &versions.ca_keys, &versions.applications],
        )?;
        self.note_tables_taken(terminal, versions)
    }

    /// A terminal of the register that has a master key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn terminal(&self, number: &str) -> Result<Option<Terminal>, StoreError> {
        let found = self
            .connection()
            .query_row(
                "SELECT terminal, merchant, serial_number, acquirer, certificate, master_key, device_key, mac_key, pin_key,
                        coalesce(cipher, 'tdes')
                 FROM terminals JOIN terminal_keys USING (terminal) LEFT JOIN terminal_ciphers USING (terminal)
                 WHERE terminal = ?1",
                [number],
                |row| {
                    let keys: [Vec<u8>; 2] = [row.get(5)?, row.get(6)?];
                    let working: [Option<Vec<u8>>; 2] = [row.get(7)?, row.get(8)?];
                    let texts: [String; 5] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
                    let cipher: String = row.get(9)?;
                    Ok((texts, keys, working, cipher))
                },
            )
            .optional()?;
        let Some((texts, [master_key, device_key], working, cipher)) = found else { return Ok(None) };
        let cipher = Cipher::from_word(&cipher).ok_or(StoreError::Row(cipher))?;
        let [terminal, merchant, serial_number, acquirer, certificate] = texts;
        let [mac_key, pin_key] = working;
        Ok(Some(Terminal {
            terminal,
            merchant,
            serial_number,
            acquirer,
            certificate,
            master_key: cipher.key(&master_key)?,
            mac_key: mac_key.map(MacKey::new),
            pin_key: pin_key.map(|key| cipher.key(&key)).transpose()?,
            device_key: Sm4Key::new(&device_key)?,
        }))
    }

    /// The ledger, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn ledger(&self) -> Result<Vec<Entry>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare(&format!("SELECT {ENTRY_COLUMNS} FROM entries ORDER BY id"))?;
        let rows = statement.query_map([], |row| Ok(entry(row)))?;
        rows.map(|row| row?).collect()
    }

    /// What terminals told of payments that are over, in the payments' order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn advices(&self) -> Result<Vec<Note>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare(
            "SELECT batch, stan, kind, verdict, script_results, times FROM advices ORDER BY batch, stan, kind",
        )?;
        let rows = statement.query_map([], |row| Ok(note(row)))?;
        rows.map(|row| row?).collect()
    }

    /// What an account holds, in minor units of CNY; nothing when there is no such account.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn balance(&self, pan: &str) -> Result<Option<u64>, StoreError> {
        let found: Option<i64> = self
            .connection()
            .query_row("SELECT balance FROM accounts WHERE pan = ?1", [pan], |row| row.get(0))
            .optional()?;
        Ok(found.map(|balance| balance.try_into().unwrap_or(0)))
    }

    /// What of an account is set aside.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn held(&self, pan: &str) -> Result<Option<u64>, StoreError> {
        let found: Option<i64> = self
            .connection()
            .query_row("SELECT held FROM accounts WHERE pan = ?1", [pan], |row| row.get(0))
            .optional()?;
        Ok(found.map(|held| held.try_into().unwrap_or(0)))
    }

    pub(super) fn connection(&self) -> MutexGuard<'_, Prepared> {
        // A panic in another thread rolled its transaction back; the connection itself is sound.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn algorithm_word(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Tdes => "tdes",
        Algorithm::Aes => "aes",
    }
}

const fn method_number(method: ResponseMethod) -> u8 {
    match method {
        ResponseMethod::One => 1,
        ResponseMethod::Two => 2,
    }
}

/// Reads what [`Store::register_account`] wrote.
pub(super) fn algorithm_of(word: String) -> Result<Algorithm, StoreError> {
    [Algorithm::Tdes, Algorithm::Aes]
        .into_iter()
        .find(|algorithm| algorithm_word(*algorithm) == word)
        .ok_or(StoreError::Row(word))
}

/// Reads what [`Store::register_account`] wrote.
pub(super) fn method_of(number: u8) -> Result<ResponseMethod, StoreError> {
    [ResponseMethod::One, ResponseMethod::Two]
        .into_iter()
        .find(|method| method_number(*method) == number)
        .ok_or_else(|| StoreError::Row(format!("response method {number}")))
}

/// A terminal to be registered.
pub struct TerminalRow<'a> {
    /// Terminal number.
    pub terminal: &'a str,
    /// Merchant code.
    pub merchant: &'a str,
    /// Serial number.
    pub serial_number: &'a str,
    /// Acquirer's institution code.
    pub acquirer: &'a str,
    /// Fingerprint of its certificate.
    pub certificate: &'a str,
    /// Cipher of its master, PIN and data key.
    pub cipher: Cipher,
    /// Master key.
    pub master_key: &'a [u8; 16],
    /// Device key.
    pub device_key: &'a [u8; 16],
}

fn note(row: &Row<'_>) -> Result<Note, StoreError> {
    let damaged = |error: ReferenceError| StoreError::Row(error.to_string());
    let word: String = row.get(2)?;
    Ok(Note {
        kind: AdviceKind::from_word(&word).ok_or(StoreError::Row(word))?,
        original: TraceNumber {
            batch: Batch::new(row.get(0)?).map_err(damaged)?,
            stan: Stan::new(row.get(1)?).map_err(damaged)?,
        },
        verdict: row.get(3)?,
        script_results: row.get(4)?,
        times: row.get(5)?,
    })
}

/// Reads [`EntryState::word`].
pub(super) fn state_of(word: String) -> Result<EntryState, StoreError> {
    [EntryState::Approved, EntryState::Declined, EntryState::Reversed]
        .into_iter()
        .find(|state| state.word() == word)
        .ok_or(StoreError::Row(word))
}

/// Reads [`Kind::word`].
pub(super) fn kind_of(word: String) -> Result<Kind, StoreError> {
    Kind::from_word(&word).ok_or(StoreError::Row(word))
}

/// Columns that make an [`Entry`].
pub(super) const ENTRY_COLUMNS: &str =
    "terminal, batch, stan, amount, booked, state, response_code, rrn, reason, reversals, kind,
     (SELECT batch FROM entries AS earlier WHERE earlier.id = entries.original),
     (SELECT stan FROM entries AS earlier WHERE earlier.id = entries.original)";
/// How many they are.
pub(super) const ENTRY_COLUMN_COUNT: usize = 13;

/// Reads a row of [`ENTRY_COLUMNS`].
pub(super) fn entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    let damaged = |error: ReferenceError| StoreError::Row(error.to_string());
    let money = |minor: i64| {
        let minor = u64::try_from(minor).map_err(|_| AmountError::Negative);
        minor.and_then(|minor| Amount::new(minor, Currency::CNY)).map_err(|error| StoreError::Row(error.to_string()))
    };
    let number = |batch: u32, stan: u32| {
        let batch = Batch::new(batch).map_err(damaged)?;
        Ok::<_, StoreError>(TraceNumber { batch, stan: Stan::new(stan).map_err(damaged)? })
    };
    let original: (Option<u32>, Option<u32>) = (row.get(11)?, row.get(12)?);
    Ok(Entry {
        terminal: row.get(0)?,
        trace: number(row.get(1)?, row.get(2)?)?,
        kind: kind_of(row.get(10)?)?,
        original: original.0.zip(original.1).map(|(batch, stan)| number(batch, stan)).transpose()?,
        amount: money(row.get(3)?)?,
        booked: money(row.get(4)?)?,
        state: state_of(row.get(5)?)?,
        response_code: row.get(6)?,
        rrn: row.get(7)?,
        reason: row.get(8)?,
        reversals: row.get(9)?,
    })
}
