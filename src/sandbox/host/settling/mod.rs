//! The host's books of a batch: what it comes to by its own entries, what the terminal says, and what is posted to the merchant.
//!
//! | state | what happens | next |
//! |---|---|---|
//! | | totals come | compared |
//! | compared | the same totals once more: answered as before | compared |
//! | compared | payments are uploaded | compared |
//! | compared | the batch ends: it is posted | closed |
//! | closed | the same once more: answered as before | closed |
//!
//! From the first totals on no payment comes into the batch; what is sent again of one that was booked before is answered as it was.
//! Other totals for a batch that was compared before are an error and change nothing. What is posted is what the host has booked, whatever
//! was uploaded; where the two differ, the differences are kept line by line. A payment that is taken back after its batch was
//! posted is posted once more, the other way.

mod account;
mod books;
mod service;
#[cfg(test)]
mod tests;

pub use self::account::{Posting, PostingKind};
pub(super) use self::books::{adjust, is_settling, note_scheme};

/// What is kept of a settlement when nothing else is agreed, in parts per ten thousand.
pub const USUAL_FEE_RATE: u32 = 38;

/// Tables of this module.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS account_schemes (
        pan TEXT PRIMARY KEY REFERENCES accounts,
        aid TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS merchant_accounts (
        merchant TEXT PRIMARY KEY,
        fee_rate INTEGER NOT NULL CHECK (fee_rate BETWEEN 0 AND 10000), -- of ten thousand
        balance  INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE IF NOT EXISTS merchant_postings (
        id       INTEGER PRIMARY KEY,
        merchant TEXT NOT NULL REFERENCES merchant_accounts,
        at       TEXT NOT NULL,
        kind     TEXT NOT NULL CHECK (kind IN ('settlement', 'fee', 'adjustment')),
        terminal TEXT NOT NULL,
        batch    INTEGER NOT NULL,
        amount   INTEGER NOT NULL,                                      -- with a sign
        balance  INTEGER NOT NULL                                       -- after it
    ) STRICT;
    -- Whatever is sent again, a batch is posted once.
    CREATE UNIQUE INDEX IF NOT EXISTS posted_once ON merchant_postings (terminal, batch, kind) WHERE kind <> 'adjustment';
    CREATE TABLE IF NOT EXISTS batch_settlements (
        terminal    TEXT NOT NULL REFERENCES terminals,
        batch       INTEGER NOT NULL,
        merchant    TEXT NOT NULL,
        state       TEXT NOT NULL CHECK (state IN ('compared', 'closed')),
        said        TEXT NOT NULL,                                      -- field 48 of the terminal
        answered    TEXT NOT NULL,                                      -- and of the host
        equal       INTEGER NOT NULL CHECK (equal IN (0, 1)),
        gross       INTEGER,
        fee         INTEGER,
        differences INTEGER,
        at          TEXT NOT NULL,
        closed_at   TEXT,
        PRIMARY KEY (terminal, batch),
        CHECK ((state = 'closed') = (gross IS NOT NULL AND fee IS NOT NULL AND differences IS NOT NULL AND closed_at IS NOT NULL))
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS batch_lines (
        terminal TEXT NOT NULL,
        batch    INTEGER NOT NULL,
        stan     INTEGER NOT NULL,
        kind     TEXT NOT NULL,
        amount   INTEGER NOT NULL,
        PRIMARY KEY (terminal, batch, stan),
        FOREIGN KEY (terminal, batch) REFERENCES batch_settlements (terminal, batch)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS batch_differences (
        terminal TEXT NOT NULL,
        batch    INTEGER NOT NULL,
        place    INTEGER NOT NULL,
        kind     TEXT NOT NULL,
        stan     INTEGER NOT NULL,
        ours     INTEGER,                                               -- uploaded
        theirs   INTEGER,                                               -- booked
        rrn      TEXT,
        PRIMARY KEY (terminal, batch, place),
        FOREIGN KEY (terminal, batch) REFERENCES batch_settlements (terminal, batch)
    ) STRICT, WITHOUT ROWID;
";
