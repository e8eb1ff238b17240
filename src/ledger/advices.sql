-- Version 2: what the host is still told of a payment that is over.

ALTER TABLE transactions ADD COLUMN script_results TEXT;

CREATE TABLE advices (
    id             INTEGER PRIMARY KEY,
    transaction_id INTEGER NOT NULL REFERENCES transactions (id),
    kind           TEXT NOT NULL CHECK (kind IN ('card_result', 'script_result')),
    -- Its own number.
    batch          INTEGER NOT NULL CHECK (batch BETWEEN 1 AND 999999),
    stan           INTEGER NOT NULL CHECK (stan BETWEEN 1 AND 999999),
    state          TEXT NOT NULL CHECK (state = 'queued' OR state = 'delivered' OR state = 'parked'),
    -- Chip data lives only until the host has it.
    chip_data      BLOB,
    response_code  TEXT CHECK (length(response_code) = 2),
    tries          INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
    UNIQUE (transaction_id, kind),
    CHECK ((state = 'delivered') = (chip_data IS NULL))
) STRICT;

CREATE INDEX advices_numbers ON advices (batch, stan);

CREATE INDEX advices_undelivered ON advices (id) WHERE state <> 'delivered';
