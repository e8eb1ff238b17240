//! Why the catalogue does not do what it is asked, and what to do then. No payment stops for one of these: an amount can be keyed.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::goods::import::Problem;
use crate::goods::{Barcode, GoodNumber};

/// Why the catalogue does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The file cannot be opened or made.
    #[error(
        "the catalogue {path} cannot be opened: {source}; check that the state directory exists and can be written"
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
        "the catalogue {path} was written by a newer version of this program (schema {found}, known {known}); install that version"
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
    #[error("the catalogue {0} is of an older version; start the terminal once")]
    Older(String),
    /// SQLite did not take a setting that durability depends on.
    #[error("the catalogue {path} refuses {setting}; it must be on a local disk, not a network share")]
    Setting {
        /// Which file.
        path: String,
        /// Which setting.
        setting: &'static str,
    },
    /// The file is damaged.
    #[error(
        "the catalogue {path} is damaged ({problem}). Payments are not touched by that; move the file away and import the goods anew: \
         yima goods import FILE"
    )]
    Damaged {
        /// Which file.
        path: String,
        /// What SQLite says.
        problem: String,
    },
    /// A statement failed: disk full, I/O error.
    #[error("the catalogue {path} cannot be written or read: {source}")]
    Statement {
        /// Which file.
        path: String,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A stored value is none that this program writes.
    #[error("the catalogue holds a {what} that is none ({problem}); import that good anew: yima goods import FILE")]
    Value {
        /// What it should be.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Lines of a table are wrong.
    #[error("nothing was changed: {} of the file {}", .0.len(), if .0.len() == 1 { "is wrong" } else { "are wrong" })]
    Lines(Vec<Problem>),
    /// More goods than there may be.
    #[error("there would be {0} goods; at most {most} are kept", most = super::MOST_GOODS)]
    Many(usize),
    /// No such good.
    #[error("there is no good {0}; yima goods search finds them")]
    NoGood(GoodNumber),
    /// No good with such a barcode.
    #[error("no good has the barcode {0}; yima goods search finds others")]
    NoBarcode(Barcode),
    /// Too many carts.
    #[error("{most} carts are put aside: take one of them up first", most = super::MOST_HELD)]
    Held,
    /// No such cart.
    #[error("no cart {0} is put aside")]
    NoCart(u8),
}

/// Wraps what SQLite says with the file it speaks of.
pub(super) fn statement_error(path: &Path) -> impl Fn(rusqlite::Error) -> CatalogueError + use<> {
    let path = path.display().to_string();
    move |source| match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            CatalogueError::Damaged { path: path.clone(), problem: source.to_string() }
        }
        Some(_) | None => CatalogueError::Statement { path: path.clone(), source },
    }
}
