//! Why the ledger does not do what it is asked, and what to do then.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::money::Amount;
use crate::payment::cash::CashError;
use crate::payment::purchase::NotNow;
use crate::payment::queue::NotAllowed;
use crate::payment::transaction::NotPossible;
use crate::people::{NotAllowed as PersonNotAllowed, ShiftError};
use crate::reference::{Batch, TraceNumber};
use crate::vault::VaultError;

/// Why the ledger does not do what it is asked. No sale may go on after one of these.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file cannot be opened or made.
    #[error("the ledger {path} cannot be opened: {source}; check that the state directory exists and can be written")]
    Open {
        /// Which file.
        path: String,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A newer program wrote this file.
    #[error(
        "the ledger {path} was written by a newer version of this program (schema {found}, known {known}); install that version"
    )]
    Newer {
        /// Which file.
        path: String,
        /// Its version.
        found: usize,
        /// The newest this program knows.
        known: usize,
    },
    /// An older program wrote this file, and nobody has brought it up to date.
    #[error("the ledger {path} is of an older version (schema {found}, known {known}); start the terminal once")]
    Older {
        /// Which file.
        path: String,
        /// Its version.
        found: usize,
        /// The newest this program knows.
        known: usize,
    },
    /// SQLite did not take a setting that durability depends on.
    #[error("the ledger {path} refuses {setting}; it must be on a local disk, not a network share")]
    Setting {
        /// Which file.
        path: String,
        /// Which setting.
        setting: &'static str,
    },
    /// The file is damaged.
    #[error(
        "the ledger {path} is damaged ({problem}): no payment is taken. Keep the file and call the help desk; the last good copy \
         takes its place with: yima ledger restore"
    )]
    Damaged {
        /// Which file.
        path: String,
        /// What the integrity check says.
        problem: String,
    },
    /// It was there, and is no more as it was.
    #[error("the ledger {path} is {}: no payment is taken and no other one is begun in its place. {}", loss.said(), loss.way_out())]
    Lost {
        /// Which file.
        path: String,
        /// What became of it.
        loss: Loss,
    },
    /// A copy was to take its place when the power went.
    #[error(
        "the last good copy was to take the place of the ledger {0} and was cut short; do it again: yima ledger restore"
    )]
    HalfRestored(String),
    /// Nothing to restore.
    #[error("the ledger {0} is whole; a copy takes the place of a damaged one only")]
    NotDamaged(String),
    /// Nothing to restore from.
    #[error(
        "there is no copy {0} to put in the ledger's place; call the help desk. New keys begin a new ledger, \
         with a new activation code of the acquirer: yima enrol --again"
    )]
    NoCopy(String),
    /// Too little room.
    #[error("{path} has {free_mib} MiB left and {least_mib} are needed; make room")]
    NoSpace {
        /// Which folder.
        path: String,
        /// What is free.
        free_mib: u64,
        /// What must be.
        least_mib: u64,
    },
    /// A file beside the ledger.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// An archive is not what left the ledger.
    #[error(
        "the archive {path} is damaged ({problem}); keep it, and put a copy of it that is whole in its place, if you have one"
    )]
    Archive {
        /// Which file.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// Payments of another merchant or terminal are not finished.
    #[error(
        "the ledger {path} holds {count} unfinished payments of another merchant or terminal; finish them under that \
         identity first, or give them up when you take it out of service: yima decommission --give-up"
    )]
    OtherIdentity {
        /// Which file.
        path: String,
        /// How many.
        count: i64,
    },
    /// Another program reads a ledger that is to be put aside.
    #[error("the ledger {0} is in use by another program; end that, then try again")]
    InUse(String),
    /// A ledger of an earlier identity cannot be put aside.
    #[error("the ledger {path} of an earlier identity cannot be put aside: {source}; it is where it was")]
    PutAside {
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// That is not done with a purchase now.
    #[error(transparent)]
    Purchase(#[from] NotNow),
    /// A statement failed: disk full, I/O error, constraint.
    #[error("the ledger {path} cannot be written or read: {source}")]
    Statement {
        /// Which file.
        path: String,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// It is not begun like this, or not written down at all.
    #[error("this ledger keeps no {0}: nothing was asked of the host")]
    Kind(&'static str),
    /// What became of the original does not allow it: nothing was written down.
    #[error(transparent)]
    NotPossible(#[from] NotPossible),
    /// What may have to be sent again names the card by its number.
    #[error("no {0} is begun where no vault keeps the card's number: it could not be sent again")]
    NumberNotKept(&'static str),
    /// The number of a card is needed and can no longer be read.
    #[error("the card number of {0} is no longer kept: its batch is settled, or other keys took the place of its own")]
    NumberGone(TraceNumber),
    /// What is sold does not come to what is to be paid.
    #[error("what is sold does not come to {0}: nothing was asked of the host. Put the cart together anew")]
    Sold(Amount),
    /// An approval by instalments says how they are paid.
    #[error("the approval of {0} by instalments has no plan of them: it is taken back")]
    NoPlan(TraceNumber),
    /// No row with this trace number, or not in a state that allows the change.
    #[error("the ledger has no transaction {0} that could be changed so")]
    NoSuchRow(TraceNumber),
    /// Nothing of this number is in the queue.
    #[error("nothing of the number {0} waits; yima queue shows what does")]
    NoSuchEntry(TraceNumber),
    /// A person cannot do that with an entry of the queue.
    #[error("{trace}: {problem}")]
    NotAllowed {
        /// Which entry.
        trace: TraceNumber,
        /// Why not.
        problem: NotAllowed,
    },
    /// All trace numbers of a batch are in use.
    #[error("the ledger has no trace number left in batch {0}; settle it")]
    NoNumberLeft(Batch),
    /// A batch cannot be settled now, or not in this way.
    #[error("not settled: {0}")]
    NotSettled(String),
    /// That cannot become of a person.
    #[error(transparent)]
    People(#[from] PersonNotAllowed),
    /// That cannot be done in cash.
    #[error(transparent)]
    Cash(#[from] CashError),
    /// That cannot be done with a shift.
    #[error(transparent)]
    Shift(#[from] ShiftError),
    /// The log of transactions is not what this program writes.
    #[error("the transaction log in the ledger {path} was changed: {problem}; yima log verify names the entry")]
    Log {
        /// Which file.
        path: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A card number cannot be kept, read, or be given up: its keys fail.
    #[error("the keys of card numbers in the ledger: {0}")]
    NumberKeys(#[from] VaultError),
    /// A stored value is none that this program writes.
    #[error("the ledger holds \"{value}\" where a {what} belongs; call the help desk")]
    Value {
        /// What it should be.
        what: &'static str,
        /// What stands there.
        value: String,
    },
}

impl LedgerError {
    /// What was asked for can never be made of what is written: its card number, or something it rests on, is gone.
    pub const fn is_for_good(&self) -> bool {
        matches!(self, Self::NumberGone(_) | Self::NoSuchRow(_) | Self::NotPossible(_) | Self::Value { .. })
    }
}

/// What became of a ledger that was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The file is gone.
    Gone {
        /// The last good copy is there.
        copy: bool,
    },
    /// The file is there, and nothing is in it.
    Empty {
        /// The last good copy is there.
        copy: bool,
    },
    /// An earlier one is in its place: its own copy knows more.
    Older,
}

impl Loss {
    const fn said(self) -> &'static str {
        match self {
            Self::Gone { .. } => "gone",
            Self::Empty { .. } => "empty, and this terminal has had one",
            Self::Older => "an earlier one than its own copy",
        }
    }

    const fn way_out(self) -> &'static str {
        match self {
            Self::Gone { copy: true } | Self::Empty { copy: true } | Self::Older => {
                "Keep what is there and call the help desk; the last good copy takes its place with: yima ledger restore"
            }
            Self::Gone { copy: false } | Self::Empty { copy: false } => {
                "There is no copy of it. Keep what is there and call the acquirer, who alone knows the payments; new keys begin a \
                 new ledger, with a new activation code: yima enrol --again"
            }
        }
    }
}

/// Wraps what SQLite says with the file it speaks of.
pub(super) fn statement_error(path: &Path) -> impl Fn(rusqlite::Error) -> LedgerError + use<> {
    let path = path.display().to_string();
    move |source| match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            LedgerError::Damaged { path: path.clone(), problem: source.to_string() }
        }
        Some(_) | None => LedgerError::Statement { path: path.clone(), source },
    }
}
