//! The register of merchant applications: one machine each, from the application to the end of its service. Every change is
//! logged with who, when and what, in a table that can only grow.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::application::{Application, Form, Numbers, State};
use crate::acquirer::enrolment::wire::ActivationCode;
use crate::ledger::Prepared;
use crate::sandbox::host::store::{Store, StoreError};
use crate::terminal::binding::Place;

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
    /// No head of a terminal's log was signed, or what was signed counts no more already.
    #[error("the host has signed no log of terminal {0} that still counts: there is nothing to accept")]
    NoLog(String),
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

/// The register within one transaction.
pub struct Register<'a>(pub(in crate::sandbox::host) &'a Prepared);

impl Store {
    /// Changes the register in one transaction: all of it is kept, durably, or nothing.
    ///
    /// # Errors
    /// Those of `work`, and when the transaction cannot be begun or kept.
    pub fn register<T>(
        &self,
        work: impl FnOnce(&Register<'_>) -> Result<T, RegisterError>,
    ) -> Result<T, RegisterError> {
        let connection = self.connection();
        let transaction = connection.begin(rusqlite::TransactionBehavior::Immediate)?;
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

    /// The newest application with a terminal number that a terminal was enrolled on, also one that is over. While a newer one waits for
    /// its machine, the earlier terminal still gives back what it took.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn of_terminal(&self, terminal: &str) -> Result<Option<Application>, RegisterError> {
        self.one("terminal = ?1 ORDER BY device_key IS NULL, id DESC LIMIT 1", params![terminal])
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

/// Why an application is not changed.
pub(super) fn state_error(application: &Application, wish: &'static str) -> RegisterError {
    RegisterError::State { id: application.id, state: application.state.word(), wish }
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
