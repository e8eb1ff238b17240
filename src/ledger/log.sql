-- Version 6: the log of what payments finally are, as the leaves of a Merkle tree (src/proof), with signed checkpoints.

CREATE TABLE log_leaves (
    -- Its place in the log, counted from 0.
    number         INTEGER PRIMARY KEY CHECK (number >= 0),
    transaction_id INTEGER NOT NULL REFERENCES transactions (id),
    leaf           TEXT NOT NULL CHECK (leaf <> ''),
    -- Of the tree that ends with it.
    root           BLOB NOT NULL CHECK (length(root) = 32)
) STRICT;

CREATE INDEX log_leaves_of_transaction ON log_leaves (transaction_id, number);

-- The right edge of the tree: with it a leaf is appended without reading the others.
CREATE TABLE log_head (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    size     INTEGER NOT NULL CHECK (size >= 0),
    frontier BLOB NOT NULL CHECK (length(frontier) % 32 = 0),
    -- Payments that were final before this version are in the log as well.
    complete INTEGER NOT NULL CHECK (complete IN (0, 1))
) STRICT;

INSERT INTO log_head (id, size, frontier, complete) VALUES (1, 0, x'', 0);

CREATE TABLE log_checkpoints (
    id          INTEGER PRIMARY KEY,
    size        INTEGER NOT NULL CHECK (size >= 0),
    -- Signed by the device key.
    note        TEXT NOT NULL,
    -- The host's signature, as a line of the note.
    cosignature TEXT
) STRICT;

CREATE INDEX log_checkpoints_of_size ON log_checkpoints (size);

CREATE TRIGGER log_leaves_are_not_changed BEFORE UPDATE ON log_leaves
BEGIN SELECT RAISE(ABORT, 'what was logged is never changed'); END;

CREATE TRIGGER log_leaves_are_not_deleted BEFORE DELETE ON log_leaves
BEGIN SELECT RAISE(ABORT, 'what was logged is never deleted'); END;

CREATE TRIGGER log_checkpoints_are_not_changed BEFORE UPDATE ON log_checkpoints
WHEN NEW.id IS NOT OLD.id OR NEW.size IS NOT OLD.size OR NEW.note IS NOT OLD.note OR OLD.cosignature IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'what was signed is never changed'); END;

CREATE TRIGGER log_checkpoints_are_not_deleted BEFORE DELETE ON log_checkpoints
BEGIN SELECT RAISE(ABORT, 'what was signed is never deleted'); END;

-- The next one follows from the last one.
CREATE TRIGGER log_head_never_shrinks BEFORE UPDATE ON log_head
WHEN NEW.size < OLD.size
BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;
