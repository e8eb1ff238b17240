//! What cards approved alone: the issuer pays each of their cryptograms once, in whichever order it hears of them.

/// Counters of cards with which an offline sale came.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS offline_counters (
        pan TEXT NOT NULL,
        atc INTEGER NOT NULL,
        PRIMARY KEY (pan, atc)
    ) STRICT, WITHOUT ROWID;
";
