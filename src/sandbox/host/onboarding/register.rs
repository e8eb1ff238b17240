//! The register of merchant applications: one machine each, from the application to the end of its service. Every change is
//! logged with who, when and what, in a table that can only grow.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::store::{Store, StoreError};
use crate::acquirer::enrolment::wire::ActivationCode;
use crate::crypto::mac;
use crate::crypto::sha256::sha256;
use crate::terminal::binding::{self, BindingRecord, Place, check_serial_number};
use crate::terminal::credit_code;

/// Tables of the register. Only applications that are over may share a serial number or terminal number with another.
pub const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS applications (
        id             INTEGER PRIMARY KEY,
        serial_number  TEXT NOT NULL,
        merchant_name  TEXT NOT NULL,
        credit_code    TEXT NOT NULL,
        account        TEXT NOT NULL,         -- whole, with the acquirer only
        address        TEXT NOT NULL,
        latitude_e6    INTEGER NOT NULL,
        longitude_e6   INTEGER NOT NULL,
        radius_m       INTEGER NOT NULL,
        state          TEXT NOT NULL DEFAULT 'applied'
                       CHECK (state IN ('applied', 'approved', 'rejected', 'active', 'suspended', 'decommissioned')),
        resumes_to     TEXT,                  -- what a suspended one was before
        reason         TEXT NOT NULL DEFAULT '',
        acquirer       TEXT,
        merchant       TEXT,
        terminal       TEXT,
        code_digest    BLOB,                  -- SHA-256 of number and activation code
        code_expires   INTEGER NOT NULL DEFAULT 0,
        code_tries     INTEGER NOT NULL DEFAULT 0,
        code_used      INTEGER NOT NULL DEFAULT 0,
        request_digest BLOB,                  -- of the request that used the code
        answer         TEXT,                  -- what it was answered, for one that asks again
        device_key     BLOB,                  -- SubjectPublicKeyInfo
        machine        BLOB,                  -- key of the machine's proofs
        version        INTEGER NOT NULL DEFAULT 0,
        issued_at      INTEGER NOT NULL DEFAULT 0,
        asked_at_ms    INTEGER NOT NULL DEFAULT 0,
        move_asked     TEXT,
        CHECK (state IN ('applied', 'rejected', 'decommissioned') OR terminal IS NOT NULL)
    ) STRICT;
    CREATE UNIQUE INDEX IF NOT EXISTS one_machine_one_code ON applications (serial_number)
        WHERE state NOT IN ('rejected', 'decommissioned');
    CREATE UNIQUE INDEX IF NOT EXISTS one_code_one_machine ON applications (terminal)
        WHERE state NOT IN ('rejected', 'decommissioned');
    CREATE TABLE IF NOT EXISTS register_log (
        id          INTEGER PRIMARY KEY,
        at          TEXT NOT NULL,
        who         TEXT NOT NULL,
        application INTEGER NOT NULL REFERENCES applications,
        what        TEXT NOT NULL
    ) STRICT;
    CREATE TRIGGER IF NOT EXISTS register_log_stays BEFORE UPDATE ON register_log
        BEGIN SELECT RAISE(ABORT, 'the log of the register is never changed'); END;
    CREATE TRIGGER IF NOT EXISTS register_log_grows BEFORE DELETE ON register_log
        BEGIN SELECT RAISE(ABORT, 'the log of the register is never changed'); END;
";

/// Where an application stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// To be decided.
    Applied,
    /// May be enrolled.
    Approved,
    /// Over: it was not taken.
    Rejected,
    /// Its terminal is enrolled.
    Active,
    /// Its terminal must not trade for now.
    Suspended,
    /// Over: its terminal is out of service.
    Decommissioned,
}

/// An application as the acquirer has it.
#[derive(Clone, Debug)]
pub struct Application {
    /// Its number.
    pub id: i64,
    /// What was applied for.
    pub form: Form,
    /// Where it stands.
    pub state: State,
    /// Why it was rejected or suspended.
    pub reason: String,
    /// Acquirer code, merchant code and terminal number, once it was approved.
    pub numbers: Option<Numbers>,
    /// Version of the newest binding record; 0 before the first.
    pub version: u32,
    /// When that was issued.
    pub issued_at: Timestamp,
    /// Public key of the device that was enrolled.
    pub device_key: Option<Vec<u8>>,
    /// Key of the machine's proofs.
    pub machine: Option<Vec<u8>>,
    /// The place its terminal asked to be moved to.
    pub move_asked: Option<String>,
}

/// What a merchant says in an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Serial number of the machine (TUSN).
    pub serial_number: String,
    /// Name of the shop.
    pub merchant_name: String,
    /// Unified social credit code.
    pub credit_code: String,
    /// Settlement account.
    pub account: String,
    /// Deployment address.
    pub address: String,
    /// Where that is.
    pub place: Place,
}

/// What an acquirer assigns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Acquirer's institution code.
    pub acquirer: String,
    /// Merchant code.
    pub merchant: String,
    /// Terminal number.
    pub terminal: String,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: String,
    /// Who.
    pub who: String,
    /// Which application.
    pub application: i64,
    /// What.
    pub what: String,
}

/// Why the register is not changed.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// There is no such application.
    #[error("there is no application {0}; yima sandbox merchant list shows those there are")]
    Unknown(String),
    /// A value of an application cannot be.
    #[error("{what}: {problem}")]
    Value {
        /// Which.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Another application of the machine is open.
    #[error("the machine {serial_number} has application {other} already: one machine, one code")]
    Taken {
        /// The machine.
        serial_number: String,
        /// Its application.
        other: i64,
    },
    /// Not in this state.
    #[error("application {id} is {state}: it cannot be {wish}")]
    State {
        /// Which.
        id: i64,
        /// Its state.
        state: &'static str,
        /// What was to be done.
        wish: &'static str,
    },
    /// Random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for RegisterError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// How long an activation code is good, in seconds: a week.
pub const CODE_LIFETIME_S: i64 = 7 * 24 * 3600;

/// Wrong codes that a machine may send; after the last its code is of no use any more.
pub const MOST_TRIES: i64 = 5;

impl State {
    const ALL: [Self; 6] =
        [Self::Applied, Self::Approved, Self::Rejected, Self::Active, Self::Suspended, Self::Decommissioned];

    /// The word in the database, in JSON and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Decommissioned => "decommissioned",
        }
    }
}

impl Form {
    /// Checks everything that an acquirer can check without asking anybody.
    ///
    /// # Errors
    /// At the first value that cannot be.
    pub fn check(&self) -> Result<(), RegisterError> {
        let wrong = |what: &'static str| move |problem: String| RegisterError::Value { what, problem };
        check_serial_number(&self.serial_number).map_err(wrong("serial number"))?;
        credit_code::check(&self.credit_code).map_err(|error| wrong("credit code")(error.to_string()))?;
        for (what, text) in [("name", &self.merchant_name), ("account", &self.account), ("address", &self.address)] {
            binding::check_text(text).map_err(wrong(what))?;
        }
        if self.account.chars().filter(char::is_ascii_digit).count() < 8 {
            return Err(wrong("account")("it has eight digits at least".to_owned()));
        }
        Ok(())
    }

    /// The account as terminals may know it: first and last four characters.
    pub fn masked_account(&self) -> String {
        let characters: Vec<char> = self.account.chars().filter(|character| *character != ' ').collect();
        let ends = |range: &[char]| range.iter().collect::<String>();
        let count = characters.len();
        format!("{} **** **** {}", ends(&characters[..4.min(count)]), ends(&characters[count.saturating_sub(4)..]))
    }
}

impl Application {
    /// Whether it is neither rejected nor decommissioned.
    pub const fn is_open(&self) -> bool {
        !matches!(self.state, State::Rejected | State::Decommissioned)
    }

    /// The binding record as this register has it now; nothing before its terminal was enrolled.
    pub fn record(&self) -> Option<BindingRecord> {
        let (numbers, device_key) = (self.numbers.as_ref()?, self.device_key.as_ref()?);
        Some(BindingRecord {
            version: self.version,
            issued_at: self.issued_at,
            test: true,
            serial_number: self.form.serial_number.clone(),
            device_key: binding::key_name(device_key).ok()?,
            acquirer_code: numbers.acquirer.clone(),
            merchant_code: numbers.merchant.clone(),
            terminal_number: numbers.terminal.clone(),
            merchant_name: self.form.merchant_name.clone(),
            credit_code: self.form.credit_code.clone(),
            settlement_account: self.form.masked_account(),
            address: self.form.address.clone(),
            place: self.form.place,
        })
    }
}

/// What became of an activation code.
#[derive(Debug, PartialEq, Eq)]
pub enum CodeVerdict {
    /// It is right and unused.
    Right,
    /// It is right, and this very request used it: this was the answer.
    Repeated(String),
    /// It is right, and was used.
    Used,
    /// It is right, and too old.
    Expired,
    /// It cannot be used any more.
    Locked,
    /// It is wrong.
    Wrong,
}

/// The register within one transaction.
pub struct Register<'a>(&'a Connection);

impl Store {
    /// Changes the register in one transaction: all of it is kept, durably, or nothing.
    ///
    /// # Errors
    /// Those of `work`, and when the transaction cannot be begun or kept.
    pub fn register<T>(
        &self,
        work: impl FnOnce(&Register<'_>) -> Result<T, RegisterError>,
    ) -> Result<T, RegisterError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let result = work(&Register(&transaction))?;
        transaction.commit()?;
        Ok(result)
    }
}

const COLUMNS: &str =
    "id, serial_number, merchant_name, credit_code, account, address, latitude_e6, longitude_e6, radius_m,
    state, reason, acquirer, merchant, terminal, version, issued_at, device_key, machine, move_asked";

impl Register<'_> {
    /// Takes an application in.
    ///
    /// # Errors
    /// When a value cannot be, or the machine has an application that is not over.
    pub fn apply(&self, form: &Form, who: &str, now: Timestamp) -> Result<i64, RegisterError> {
        form.check()?;
        if let Some(other) = self.open_of_machine(&form.serial_number)? {
            return Err(RegisterError::Taken { serial_number: form.serial_number.clone(), other: other.id });
        }
        self.0.execute(
            "INSERT INTO applications (serial_number, merchant_name, credit_code, account, address, latitude_e6,
                                       longitude_e6, radius_m)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                form.serial_number,
                form.merchant_name,
                form.credit_code,
                form.account,
                form.address,
                form.place.latitude_e6,
                form.place.longitude_e6,
                form.place.radius_m
            ],
        )?;
        let id = self.0.last_insert_rowid();
        self.log(id, who, &format!("applied for {} at {}", form.serial_number, form.address), now)?;
        Ok(id)
    }

    /// An application by its number.
    ///
    /// # Errors
    /// When there is none.
    pub fn application(&self, id: i64) -> Result<Application, RegisterError> {
        self.one("id = ?1", params![id])?.ok_or_else(|| RegisterError::Unknown(id.to_string()))
    }

    /// The application of a machine that is not over.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open_of_machine(&self, serial_number: &str) -> Result<Option<Application>, RegisterError> {
        self.one("serial_number = ?1 AND state NOT IN ('rejected', 'decommissioned')", params![serial_number])
    }

    /// The newest application of a machine, also one that is over.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn newest_of_machine(&self, serial_number: &str) -> Result<Option<Application>, RegisterError> {
        self.one("serial_number = ?1 ORDER BY id DESC LIMIT 1", params![serial_number])
    }

    /// The newest application with a terminal number, also one that is over.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn of_terminal(&self, terminal: &str) -> Result<Option<Application>, RegisterError> {
        self.one("terminal = ?1 ORDER BY id DESC LIMIT 1", params![terminal])
    }

    /// All applications, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn all(&self) -> Result<Vec<Application>, RegisterError> {
        let mut statement = self.0.prepare(&format!("SELECT {COLUMNS} FROM applications ORDER BY id"))?;
        let rows = statement.query_map([], |row| Ok(application(row)))?;
        rows.map(|row| Ok(row??)).collect()
    }

    /// The log, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn log_lines(&self) -> Result<Vec<LogLine>, RegisterError> {
        let mut statement = self.0.prepare("SELECT at, who, application, what FROM register_log ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            Ok(LogLine { at: row.get(0)?, who: row.get(1)?, application: row.get(2)?, what: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Approves an application: it gets its numbers and an activation code. Without `numbers` the next free ones; terminals of
    /// one company share its merchant code.
    ///
    /// # Errors
    /// When it was decided before.
    pub fn approve(
        &self,
        id: i64,
        numbers: Option<Numbers>,
        who: &str,
        now: Timestamp,
    ) -> Result<ActivationCode, RegisterError> {
        let application = self.application(id)?;
        if application.state != State::Applied {
            return Err(state_error(&application, "approved"));
        }
        let numbers = match numbers {
            Some(numbers) => numbers,
            None => self.next_numbers(&application.form.credit_code)?,
        };
        // A terminal number that an earlier application had goes on counting: an older record must never count again.
        let earlier = self.of_terminal(&numbers.terminal)?.map_or(0, |earlier| earlier.version);
        self.0.execute(
            "UPDATE applications SET state = 'approved', acquirer = ?2, merchant = ?3, terminal = ?4, version = ?5 WHERE id = ?1",
            params![id, numbers.acquirer, numbers.merchant, numbers.terminal, earlier],
        )?;
        let what = format!("approved as merchant {}, terminal {}", numbers.merchant, numbers.terminal);
        self.log(id, who, &what, now)?;
        self.new_code(id, who, now)
    }

    /// Gives a new activation code; the one before is of no use any more.
    ///
    /// # Errors
    /// When the application is not one that can be enrolled.
    pub fn new_code(&self, id: i64, who: &str, now: Timestamp) -> Result<ActivationCode, RegisterError> {
        let application = self.application(id)?;
        if !matches!(application.state, State::Approved | State::Active) {
            return Err(state_error(&application, "given an activation code"));
        }
        let code = draw_code()?;
        self.0.execute(
            "UPDATE applications SET code_digest = ?2, code_expires = ?3, code_tries = 0, code_used = 0,
                                     request_digest = NULL, answer = NULL
             WHERE id = ?1",
            params![id, digest(id, code.expose_digits())?, now.as_second() + CODE_LIFETIME_S],
        )?;
        self.log(id, who, "activation code given", now)?;
        Ok(code)
    }

    /// Rejects an application.
    ///
    /// # Errors
    /// When it was decided before.
    pub fn reject(&self, id: i64, reason: &str, who: &str, now: Timestamp) -> Result<(), RegisterError> {
        let application = self.application(id)?;
        if application.state != State::Applied {
            return Err(state_error(&application, "rejected"));
        }
        self.set_state(id, State::Rejected, reason)?;
        self.log(id, who, &format!("rejected: {reason}"), now)
    }

    /// Suspends a merchant: its terminal takes no payment until it is resumed.
    ///
    /// # Errors
    /// When it is neither approved nor active.
    pub fn suspend(&self, id: i64, reason: &str, who: &str, now: Timestamp) -> Result<(), RegisterError> {
        let application = self.application(id)?;
        if !matches!(application.state, State::Approved | State::Active) {
            return Err(state_error(&application, "suspended"));
        }
        let before = application.state.word();
        self.0.execute("UPDATE applications SET resumes_to = ?2 WHERE id = ?1", params![id, before])?;
        self.set_state(id, State::Suspended, reason)?;
        self.log(id, who, &format!("suspended: {reason}"), now)
    }

    /// Ends a suspension.
    ///
    /// # Errors
    /// When it is not suspended.
    pub fn resume(&self, id: i64, who: &str, now: Timestamp) -> Result<(), RegisterError> {
        let application = self.application(id)?;
        if application.state != State::Suspended {
            return Err(state_error(&application, "resumed"));
        }
        self.0.execute(
            "UPDATE applications SET state = COALESCE(resumes_to, 'approved'), resumes_to = NULL, reason = '' WHERE id = ?1",
            [id],
        )?;
        self.log(id, who, "resumed", now)
    }

    /// Moves a terminal: a new record, which it fetches before its next payment.
    ///
    /// # Errors
    /// When it is over, or the place cannot be.
    pub fn move_to(
        &self,
        id: i64,
        address: &str,
        place: Place,
        who: &str,
        now: Timestamp,
    ) -> Result<(), RegisterError> {
        let application = self.application(id)?;
        if !matches!(application.state, State::Approved | State::Active | State::Suspended) {
            return Err(state_error(&application, "moved"));
        }
        Form { address: address.to_owned(), place, ..application.form.clone() }.check()?;
        self.0.execute(
            "UPDATE applications SET address = ?2, latitude_e6 = ?3, longitude_e6 = ?4, radius_m = ?5, move_asked = NULL
             WHERE id = ?1",
            params![id, address, place.latitude_e6, place.longitude_e6, place.radius_m],
        )?;
        if application.version > 0 {
            self.next_version(id, now)?;
        }
        self.log(id, who, &format!("moved to {address}, {place}"), now)
    }

    /// A terminal asks to be moved.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_move_asked(&self, id: i64, wish: &str, who: &str, now: Timestamp) -> Result<(), RegisterError> {
        self.0.execute("UPDATE applications SET move_asked = ?2 WHERE id = ?1", params![id, wish])?;
        self.log(id, who, &format!("asks to be moved to {wish}"), now)
    }

    /// Takes a terminal out of service.
    ///
    /// # Errors
    /// When it is over already.
    pub fn decommission(&self, id: i64, who: &str, why: &str, now: Timestamp) -> Result<(), RegisterError> {
        let application = self.application(id)?;
        if matches!(application.state, State::Rejected | State::Decommissioned) {
            return Err(state_error(&application, "decommissioned"));
        }
        self.set_state(id, State::Decommissioned, why)?;
        self.log(id, who, &format!("decommissioned: {why}"), now)
    }

    /// Looks at a code that a machine sends. A wrong one is counted.
    ///
    /// # Errors
    /// When the database fails.
    pub fn judge_code(
        &self,
        id: i64,
        code: &str,
        request_digest: &[u8],
        now: Timestamp,
    ) -> Result<CodeVerdict, RegisterError> {
        type Columns = (Option<Vec<u8>>, i64, i64, bool, Option<Vec<u8>>, Option<String>);
        let (right, expires, tries, used, used_by, answer): Columns = self.0.query_row(
            "SELECT code_digest, code_expires, code_tries, code_used, request_digest, answer FROM applications WHERE id = ?1",
            [id],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?)),
        )?;
        if tries >= MOST_TRIES {
            return Ok(CodeVerdict::Locked);
        }
        if !right.is_some_and(|right| mac::equal(&right, &digest(id, code).unwrap_or_default())) {
            self.0.execute("UPDATE applications SET code_tries = code_tries + 1 WHERE id = ?1", [id])?;
            return Ok(CodeVerdict::Wrong);
        }
        Ok(match (used, used_by, answer) {
            (true, Some(used_by), Some(answer)) if used_by == request_digest => CodeVerdict::Repeated(answer),
            (true, _, _) => CodeVerdict::Used,
            (false, _, _) if now.as_second() >= expires => CodeVerdict::Expired,
            (false, _, _) => CodeVerdict::Right,
        })
    }

    /// Whether a code is that of another machine.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_code_of_another(&self, code: &str, than: Option<i64>) -> Result<bool, RegisterError> {
        let mut statement = self.0.prepare("SELECT id, code_digest FROM applications WHERE code_digest IS NOT NULL")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        let mut found = false;
        for row in rows {
            let (id, right) = row?;
            // All are compared, whichever fits.
            found |= Some(id) != than && mac::equal(&right, &digest(id, code).unwrap_or_default());
        }
        Ok(found)
    }

    /// The record of a new enrolment gets its version and its key. What was asked under the key before can be asked of nobody
    /// again, so that the times of it do not count any more.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn bind_device(
        &self,
        id: i64,
        device_key: &[u8],
        machine: &[u8],
        now: Timestamp,
    ) -> Result<Application, RegisterError> {
        self.0.execute(
            "UPDATE applications SET device_key = ?2, machine = ?3, state = 'active', asked_at_ms = 0 WHERE id = ?1",
            params![id, device_key, machine],
        )?;
        self.next_version(id, now)?;
        self.application(id)
    }

    /// The code was used, by this request, with this answer.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_enrolled(
        &self,
        id: i64,
        request_digest: &[u8],
        answer: &str,
        who: &str,
        now: Timestamp,
    ) -> Result<(), RegisterError> {
        self.0.execute(
            "UPDATE applications SET code_used = 1, request_digest = ?2, answer = ?3 WHERE id = ?1",
            params![id, request_digest, answer],
        )?;
        self.log(id, who, "enrolled", now)
    }

    /// Whether a request comes later than all before; it is noted.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn is_later(&self, id: i64, at_ms: i64) -> Result<bool, RegisterError> {
        let changed = self.0.execute(
            "UPDATE applications SET asked_at_ms = ?2 WHERE id = ?1 AND asked_at_ms < ?2",
            params![id, at_ms],
        )?;
        Ok(changed == 1)
    }

    /// Writes into the log.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn log(&self, id: i64, who: &str, what: &str, now: Timestamp) -> Result<(), RegisterError> {
        self.0.execute(
            "INSERT INTO register_log (at, who, application, what) VALUES (?1, ?2, ?3, ?4)",
            params![now.to_string(), who, id, what],
        )?;
        Ok(())
    }

    fn next_version(&self, id: i64, now: Timestamp) -> Result<(), RegisterError> {
        self.0.execute(
            "UPDATE applications SET version = version + 1, issued_at = ?2 WHERE id = ?1",
            params![id, now.as_second()],
        )?;
        Ok(())
    }

    fn next_numbers(&self, credit_code: &str) -> Result<Numbers, RegisterError> {
        let highest = |column: &str, from: usize| -> Result<u32, RegisterError> {
            let sql = format!("SELECT COALESCE(MAX(CAST(substr({column}, {from}) AS INTEGER)), 0) FROM applications");
            Ok(self.0.query_row(&sql, [], |row| row.get(0))?)
        };
        let same: Option<String> = self
            .0
            .query_row(
                "SELECT merchant FROM applications WHERE credit_code = ?1 AND merchant IS NOT NULL LIMIT 1",
                [credit_code],
                |row| row.get(0),
            )
            .optional()?;
        let merchant = match same {
            Some(merchant) => merchant,
            None => format!("999TEST{:08}", highest("merchant", 8)? + 1),
        };
        let terminal = format!("{:08}", highest("terminal", 1)?.max(10_000_000) + 1);
        Ok(Numbers { acquirer: ACQUIRER.to_owned(), merchant, terminal })
    }

    fn set_state(&self, id: i64, state: State, reason: &str) -> Result<(), RegisterError> {
        self.0.execute(
            "UPDATE applications SET state = ?2, reason = ?3 WHERE id = ?1",
            params![id, state.word(), reason],
        )?;
        Ok(())
    }

    fn one(&self, which: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Option<Application>, RegisterError> {
        let sql = format!("SELECT {COLUMNS} FROM applications WHERE {which}");
        let found = self.0.query_row(&sql, values, |row| Ok(application(row))).optional()?;
        Ok(found.transpose()?)
    }
}

/// The sandbox acquirer's institution code. It belongs to nobody.
pub const ACQUIRER: &str = "99990000";

fn state_error(application: &Application, wish: &'static str) -> RegisterError {
    RegisterError::State { id: application.id, state: application.state.word(), wish }
}

/// Twelve digits that nobody can guess, all as likely.
fn draw_code() -> Result<ActivationCode, RegisterError> {
    const CODES: u64 = 1_000_000_000_000;
    loop {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|error| RegisterError::Random(error.to_string()))?;
        let drawn = u64::from_be_bytes(bytes);
        // What is left beyond the last whole multiple would make some codes likelier.
        if drawn < u64::MAX - u64::MAX % CODES
            && let Ok(code) = ActivationCode::parse(&format!("{:012}", drawn % CODES))
        {
            return Ok(code);
        }
    }
}

fn digest(id: i64, code: &str) -> Result<Vec<u8>, StoreError> {
    Ok(sha256(&[&id.to_be_bytes(), code.as_bytes()])?.to_vec())
}

fn application(row: &Row<'_>) -> Result<Application, StoreError> {
    let word: String = row.get(9)?;
    let state = State::ALL.into_iter().find(|state| state.word() == word).ok_or(StoreError::Row(word))?;
    let issued_at: i64 = row.get(15)?;
    let numbers = match (row.get(11)?, row.get(12)?, row.get(13)?) {
        (Some(acquirer), Some(merchant), Some(terminal)) => Some(Numbers { acquirer, merchant, terminal }),
        _ => None,
    };
    Ok(Application {
        id: row.get(0)?,
        form: Form {
            serial_number: row.get(1)?,
            merchant_name: row.get(2)?,
            credit_code: row.get(3)?,
            account: row.get(4)?,
            address: row.get(5)?,
            place: Place { latitude_e6: row.get(6)?, longitude_e6: row.get(7)?, radius_m: row.get(8)? },
        },
        state,
        reason: row.get(10)?,
        numbers,
        version: row.get(14)?,
        issued_at: Timestamp::from_second(issued_at).map_err(|error| StoreError::Row(error.to_string()))?,
        device_key: row.get(16)?,
        machine: row.get(17)?,
        move_asked: row.get(18)?,
    })
}
