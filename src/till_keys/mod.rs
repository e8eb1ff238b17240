//! The keys of tills: which of them may speak to this terminal, and which keys they gave their payments, in a file beside the ledger. It
//! decides nothing but what its constraints hold: one key, one request, one beginning.
//!
//! A call that returns `Ok` is on disk. Several connections may work at a time: the engine binds numbers of the ledger to payments, the
//! server does the rest, and commands pair and revoke.

mod error;
mod events;
mod pairing;
mod payments;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use self::error::statement_error;
use crate::ledger::{Prepared, journal_mode};
use crate::terminal::files;

pub use error::TillKeysError;
pub use events::{Event, MOST_EVENTS};
pub use pairing::{CODE_VALID, MOST_WRONG_CODES, OpenPairing, Paired, PairingCode, Till, TillId, TillKey};
pub use payments::{BoundNumber, KEPT_DAYS, PaymentNumber, PaymentRow, TakenUp};

/// Name of the file within the state directory.
pub const FILE: &str = "tills.sqlite";

/// How long one connection waits for what another one writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Migrations in order; the database's `user_version` counts how many have been applied.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// The keys of tills.
#[derive(Debug)]
pub struct TillKeys {
    connection: Prepared,
    path: PathBuf,
}

impl TillKeys {
    /// Opens or makes the file in a state directory.
    ///
    /// # Errors
    /// When it cannot be opened or made, or a newer program wrote it.
    pub fn open(state: &Path) -> Result<Self, TillKeysError> {
        files::make_private(state)
            .map_err(|source| TillKeysError::State { path: state.display().to_string(), source })?;
        let path = state.join(FILE);
        let open = |source| TillKeysError::Open { path: path.display().to_string(), source };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags).map_err(open)?;
        connection.busy_timeout(PATIENCE).map_err(open)?;
        let keys = Self { connection: Prepared::new(connection), path };
        for (ask, look, wanted, setting) in [
            ("PRAGMA synchronous = FULL", "PRAGMA synchronous", 2, "synchronous=FULL"),
            ("PRAGMA foreign_keys = ON", "PRAGMA foreign_keys", 1, "foreign_keys=ON"),
            ("PRAGMA secure_delete = ON", "PRAGMA secure_delete", 1, "secure_delete=ON"),
        ] {
            keys.connection.execute_batch(ask).map_err(keys.failed())?;
            let found: i64 = keys.connection.query_row(look, [], |row| row.get(0)).map_err(keys.failed())?;
            if found != wanted {
                return Err(keys.refused(setting));
            }
        }
        if !journal_mode(&keys.connection, "wal").map_err(keys.failed())? {
            return Err(keys.refused("journal_mode=WAL"));
        }
        keys.migrate()?;
        Ok(keys)
    }

    /// Whether a state directory has such a file: who never had a till has none made.
    pub fn is_there(state: &Path) -> bool {
        state.join(FILE).exists()
    }

    fn migrate(&self) -> Result<(), TillKeysError> {
        let failed = self.failed();
        // Only who holds the lock knows what there is to do.
        let changes = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let found: i64 = self.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(&failed)?;
        let found = usize::try_from(found).unwrap_or(usize::MAX);
        if found > MIGRATIONS.len() {
            let path = self.path.display().to_string();
            return Err(TillKeysError::Newer { path, found, known: MIGRATIONS.len() });
        }
        for migration in MIGRATIONS.iter().skip(found) {
            changes.execute_batch(migration).map_err(&failed)?;
        }
        if found < MIGRATIONS.len() {
            changes.pragma_update(None, "user_version", MIGRATIONS.len() as i64).map_err(&failed)?;
        }
        changes.commit().map_err(failed)
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> TillKeysError + use<> {
        statement_error(&self.path)
    }

    fn refused(&self, setting: &'static str) -> TillKeysError {
        TillKeysError::Setting { path: self.path.display().to_string(), setting }
    }
}

#[cfg(test)]
mod tests;
