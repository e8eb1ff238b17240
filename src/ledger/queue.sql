-- Version 3: what was given up and what a person decided about it, when the queue goes on, approvals that came too late.

-- Local time of the next try, as planned after the last one.
ALTER TABLE transactions ADD COLUMN next_try TEXT;
-- What a person found out about a payment that stays neither paid nor taken back for all that the terminal knows.
ALTER TABLE transactions ADD COLUMN resolution TEXT
    CHECK (resolution IS NULL OR (resolution IN ('reversed', 'charged') AND state = 'unresolved'));
-- An approval that came when the payment was to be taken back already: recorded, never accepted.
ALTER TABLE transactions ADD COLUMN late_response_code TEXT CHECK (length(late_response_code) = 2);
ALTER TABLE transactions ADD COLUMN late_rrn TEXT CHECK (length(late_rrn) = 12);
ALTER TABLE transactions ADD COLUMN late_authorisation_code TEXT CHECK (length(late_authorisation_code) = 6);
ALTER TABLE transactions ADD COLUMN late_at TEXT
    CHECK ((late_at IS NULL) = (late_response_code IS NULL));

ALTER TABLE advices ADD COLUMN next_try TEXT;
ALTER TABLE advices ADD COLUMN resolution TEXT CHECK (resolution IS NULL OR (resolution = 'noted' AND state = 'parked'));

-- What was given up, each time with a slip that says so.
CREATE TABLE dead_letters (
    id             INTEGER PRIMARY KEY,
    transaction_id INTEGER NOT NULL REFERENCES transactions (id),
    -- None: taking the payment back was given up.
    advice_id      INTEGER REFERENCES advices (id),
    at             TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%S', 'now', 'localtime')),
    response_code  TEXT CHECK (length(response_code) = 2),
    slip           TEXT NOT NULL DEFAULT 'due' CHECK (slip IN ('due', 'printed', 'needless'))
) STRICT;

CREATE INDEX dead_letters_unprinted ON dead_letters (id) WHERE slip = 'due';

INSERT INTO dead_letters (transaction_id) SELECT id FROM transactions WHERE state = 'unresolved';
INSERT INTO dead_letters (transaction_id, advice_id, response_code)
    SELECT transaction_id, id, response_code FROM advices WHERE state = 'parked';

-- What people did with what was given up: who, when, what and why. Never changed, never deleted.
CREATE TABLE deeds (
    id             INTEGER PRIMARY KEY,
    transaction_id INTEGER NOT NULL REFERENCES transactions (id),
    advice_id      INTEGER REFERENCES advices (id),
    act            TEXT NOT NULL CHECK (act IN ('reversed', 'charged', 'noted', 'retried')),
    person         TEXT NOT NULL CHECK (length(person) BETWEEN 1 AND 64),
    note           TEXT NOT NULL CHECK (length(note) BETWEEN 1 AND 500),
    at             TEXT NOT NULL,
    -- Tries before it.
    tries          INTEGER NOT NULL CHECK (tries >= 0)
) STRICT;

CREATE TRIGGER deeds_are_not_changed BEFORE UPDATE ON deeds
BEGIN SELECT RAISE(ABORT, 'what was decided is never changed'); END;

CREATE TRIGGER deeds_are_not_deleted BEFORE DELETE ON deeds
BEGIN SELECT RAISE(ABORT, 'what was decided is never deleted'); END;
