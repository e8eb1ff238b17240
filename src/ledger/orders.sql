-- Version 8: what the host ordered, and the bank behind the card of a payment.

-- One row for each kind of order: the last one. The words are those of `iso8583::Order`; a sign-on has its own table.
CREATE TABLE orders (
    word       TEXT PRIMARY KEY CHECK (word IN ('parameters', 'status', 'ca_keys', 'applications', 'remote', 'cards')),
    -- Local times.
    ordered_at TEXT NOT NULL,
    done_at    TEXT
) STRICT, WITHOUT ROWID;

ALTER TABLE transactions ADD COLUMN bank TEXT;
