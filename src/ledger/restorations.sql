-- Version 7: when a copy took the place of a ledger that was damaged. What was paid between the copy and then, only the host knows.

CREATE TABLE restorations (
    id      INTEGER PRIMARY KEY,
    at      TEXT NOT NULL,
    person  TEXT NOT NULL CHECK (length(person) BETWEEN 1 AND 64),
    -- When the copy was made.
    made_at TEXT NOT NULL,
    -- The last number that the copy knew, and the first that was given afterwards.
    batch   INTEGER NOT NULL CHECK (batch BETWEEN 1 AND 999999),
    known   INTEGER NOT NULL CHECK (known BETWEEN 1 AND 999999),
    next    INTEGER NOT NULL CHECK (next BETWEEN 1 AND 999999)
) STRICT;

CREATE TRIGGER restorations_are_not_changed BEFORE UPDATE ON restorations
BEGIN SELECT RAISE(ABORT, 'that a ledger was restored is never changed'); END;

CREATE TRIGGER restorations_are_not_deleted BEFORE DELETE ON restorations
BEGIN SELECT RAISE(ABORT, 'that a ledger was restored is never deleted'); END;

-- When a copy was made stands in the copy itself.
ALTER TABLE counters ADD COLUMN copied_at TEXT;
