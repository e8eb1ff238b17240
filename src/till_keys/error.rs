//! Why the keys of tills cannot be written or read, and what to do then.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::crypto::CryptoError;

/// Why the keys of tills cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TillKeysError {
    /// The file cannot be opened or made.
    #[error(
        "the tills' file {path} cannot be opened: {source}; check that the state directory exists and can be written"
    )]
    Open {
        /// Which file.
        path: String,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The folder cannot be made.
    #[error("the state directory {path} cannot be made ({source}); choose another with --state")]
    State {
        /// Which.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A newer program wrote this file.
    #[error(
        "the tills' file {path} was written by a newer version of this program (schema {found}, known {known}); install that version"
    )]
    Newer {
        /// Which file.
        path: String,
        /// Its version.
        found: usize,
        /// The newest this program knows.
        known: usize,
    },
    /// SQLite did not take a setting that durability depends on.
    #[error("the tills' file {path} refuses {setting}; it must be on a local disk, not a network share")]
    Setting {
        /// Which file.
        path: String,
        /// Which setting.
        setting: &'static str,
    },
    /// The file is damaged.
    #[error(
        "the tills' file {path} is damaged ({problem}). Move it away and pair the tills anew (yima till pair); a payment that a till asks \
         for again is then a new one: look at yima transactions first"
    )]
    Damaged {
        /// Which file.
        path: String,
        /// What SQLite says.
        problem: String,
    },
    /// A statement failed: disk full, I/O error.
    #[error("the tills' file {path} cannot be written or read: {source}")]
    Statement {
        /// Which file.
        path: String,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A stored value is none that this program writes.
    #[error("the tills' file holds a {what} that is none ({problem})")]
    Value {
        /// What it should be.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A payment does not stand as it must for what was to be written.
    #[error("the till's payment {0} is over, or was never begun")]
    NotOpen(i64),
    /// No random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// A hash.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Wraps what SQLite says with the file it speaks of.
pub(super) fn statement_error(path: &Path) -> impl Fn(rusqlite::Error) -> TillKeysError + use<> {
    let path = path.display().to_string();
    move |source| match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            TillKeysError::Damaged { path: path.clone(), problem: source.to_string() }
        }
        Some(_) | None => TillKeysError::Statement { path: path.clone(), source },
    }
}

pub(super) fn wrong<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> TillKeysError {
    move |error| TillKeysError::Value { what, problem: error.to_string() }
}
