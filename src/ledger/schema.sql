-- Version 1: one terminal, its counters, its card sales and the slips that belong to them.
-- Constraints make wrong states impossible to write; what a state means stands in payment/record.rs. Words are compared one by
-- one: a list makes SQLite fill a table of its own for every row that is written.

CREATE TABLE counters (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    batch     INTEGER NOT NULL CHECK (batch BETWEEN 1 AND 999999),
    next_stan INTEGER NOT NULL CHECK (next_stan BETWEEN 1 AND 999999)
) STRICT;

INSERT INTO counters (id, batch, next_stan) VALUES (1, 1, 1);

CREATE TABLE transactions (
    id                 INTEGER PRIMARY KEY,
    merchant_code      TEXT NOT NULL CHECK (length(merchant_code) = 15),
    terminal_number    TEXT NOT NULL CHECK (length(terminal_number) = 8),
    batch              INTEGER NOT NULL CHECK (batch BETWEEN 1 AND 999999),
    stan               INTEGER NOT NULL CHECK (stan BETWEEN 1 AND 999999),
    kind               TEXT NOT NULL CHECK (kind = 'sale'),
    state              TEXT NOT NULL CHECK (state = 'pending' OR state = 'host_approved' OR state = 'approved'
                         OR state = 'declined' OR state = 'reversal_due' OR state = 'reversed' OR state = 'unresolved'),
    amount             INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 999999999999),
    currency           TEXT NOT NULL CHECK (length(currency) = 3),
    at                 TEXT NOT NULL,
    entry              TEXT NOT NULL CHECK (entry = 'chip'),
    truncated_pan      TEXT NOT NULL CHECK (truncated_pan GLOB '[0-9][0-9][0-9][0-9][0-9][0-9]*[0-9][0-9][0-9][0-9]'
                         AND length(replace(truncated_pan, '*', '')) = 10),
    sequence_number    INTEGER CHECK (sequence_number BETWEEN 0 AND 255),
    card_expiry        TEXT CHECK (length(card_expiry) = 4),
    aid                TEXT NOT NULL,
    application_label  TEXT NOT NULL,
    chip_data          BLOB,
    reason             TEXT,
    response_code      TEXT CHECK (length(response_code) = 2),
    rrn                TEXT CHECK (length(rrn) = 12),
    authorisation_code TEXT CHECK (length(authorisation_code) = 6),
    cryptogram         TEXT,
    tvr                TEXT,
    tsi                TEXT,
    atc                TEXT,
    signature          INTEGER CHECK (signature IN (0, 1)),
    reversal_reason    TEXT CHECK (reversal_reason = '98' OR reversal_reason = 'A0' OR reversal_reason = '06'),
    reversal_tries     INTEGER NOT NULL DEFAULT 0 CHECK (reversal_tries >= 0),
    UNIQUE (merchant_code, terminal_number, batch, stan),
    CHECK (state <> 'approved' OR (cryptogram IS NOT NULL AND tvr IS NOT NULL AND signature IS NOT NULL)),
    CHECK (state <> 'declined' OR reason IS NOT NULL),
    CHECK ((state <> 'reversal_due' AND state <> 'reversed' AND state <> 'unresolved')
        OR (reversal_reason IS NOT NULL AND reason IS NOT NULL)),
    -- Chip data lives only as long as a reversal may need it.
    CHECK ((state = 'approved' OR state = 'declined' OR state = 'reversed') = (chip_data IS NULL))
) STRICT;

CREATE INDEX transactions_unfinished ON transactions (state)
    WHERE state IN ('pending', 'host_approved', 'reversal_due', 'unresolved');

CREATE TABLE copies (
    transaction_id INTEGER NOT NULL REFERENCES transactions (id),
    copy           TEXT NOT NULL CHECK (copy IN ('merchant', 'customer')),
    duplicate      INTEGER NOT NULL CHECK (duplicate >= 0),
    state          TEXT NOT NULL CHECK (state = 'queued' OR state = 'sending' OR state = 'sent_unconfirmed'
                     OR state = 'printed' OR state = 'failed'),
    PRIMARY KEY (transaction_id, copy, duplicate)
) STRICT, WITHOUT ROWID;
