-- Version 12: payments that have left the ledger for a file beside it, and what of the log stays.

CREATE TABLE archives (
    id       INTEGER PRIMARY KEY,
    -- The file, in the folder of the ledger. Its name holds a part of the digest: no two archives can have one name.
    name     TEXT NOT NULL UNIQUE,
    made_at  TEXT NOT NULL,
    -- Local times of its oldest and of its newest payment.
    first_at TEXT NOT NULL,
    last_at  TEXT NOT NULL CHECK (last_at >= first_at),
    payments INTEGER NOT NULL CHECK (payments > 0),
    -- SHA-256 of the text that is compressed in it.
    digest   BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;

-- A leaf leaves with its payment; its hash stays, so that the log can be verified without the file, and the file by the log.
CREATE TABLE archived_leaves (
    number         INTEGER PRIMARY KEY CHECK (number >= 0),
    -- Which payment it was; none has this number any more.
    transaction_id INTEGER NOT NULL,
    archive_id     INTEGER NOT NULL REFERENCES archives (id),
    hash           BLOB NOT NULL CHECK (length(hash) = 32),
    -- Of the tree that ends with it.
    root           BLOB NOT NULL CHECK (length(root) = 32)
) STRICT;

CREATE INDEX archived_leaves_of_transaction ON archived_leaves (transaction_id);

CREATE TRIGGER archives_are_not_changed BEFORE UPDATE ON archives
BEGIN SELECT RAISE(ABORT, 'that payments were archived is never changed'); END;

CREATE TRIGGER archives_are_not_deleted BEFORE DELETE ON archives
BEGIN SELECT RAISE(ABORT, 'that payments were archived is never deleted'); END;

CREATE TRIGGER archived_leaves_are_not_changed BEFORE UPDATE ON archived_leaves
BEGIN SELECT RAISE(ABORT, 'what was logged is never changed'); END;

CREATE TRIGGER archived_leaves_are_not_deleted BEFORE DELETE ON archived_leaves
BEGIN SELECT RAISE(ABORT, 'what was logged is never deleted'); END;

-- What was logged and what was decided leave with their payment, and in no other way.
DROP TRIGGER log_leaves_are_not_deleted;
CREATE TRIGGER log_leaves_are_not_deleted BEFORE DELETE ON log_leaves
WHEN NOT EXISTS (SELECT 1 FROM archived_leaves a
                 WHERE a.number = OLD.number AND a.transaction_id = OLD.transaction_id AND a.root = OLD.root)
BEGIN SELECT RAISE(ABORT, 'what was logged is never deleted'); END;

DROP TRIGGER deeds_are_not_deleted;
CREATE TRIGGER deeds_are_not_deleted BEFORE DELETE ON deeds
WHEN NOT EXISTS (SELECT 1 FROM archived_leaves a WHERE a.transaction_id = OLD.transaction_id)
BEGIN SELECT RAISE(ABORT, 'what was decided is never deleted'); END;

-- What refers to a payment is found when it leaves.
CREATE INDEX dead_letters_of_transaction ON dead_letters (transaction_id);
CREATE INDEX dead_letters_of_advice ON dead_letters (advice_id) WHERE advice_id IS NOT NULL;
CREATE INDEX deeds_of_transaction ON deeds (transaction_id);
CREATE INDEX deeds_of_advice ON deeds (advice_id) WHERE advice_id IS NOT NULL;
