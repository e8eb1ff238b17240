-- Version 19: people and their codes, who took which payment, shifts with the count of the drawer, and what is written down of people. A
-- code is never here: only what Argon2id makes of it with a key of the terminal. A ledger without people is what it was.

CREATE TABLE people (
    number        INTEGER PRIMARY KEY CHECK (number BETWEEN 0 AND 99),
    name          TEXT NOT NULL CHECK (length(name) <= 20),
    enabled       INTEGER NOT NULL CHECK (enabled = 0 OR enabled = 1),
    added_at      TEXT NOT NULL,
    code          TEXT CHECK (code LIKE '$argon2id$%'),
    -- Wrong codes since the last right one. A try is counted before its code is looked at: a power cut makes it a wrong one.
    wrong         INTEGER NOT NULL DEFAULT 0 CHECK (wrong >= 0),
    -- When the last one was: which start of the machine, and milliseconds since. No clock that anybody can set.
    wrong_boot    TEXT,
    wrong_at_ms   INTEGER CHECK ((wrong_at_ms IS NULL) = (wrong_boot IS NULL) AND wrong_at_ms >= 0)
) STRICT;

CREATE TRIGGER people_are_not_deleted BEFORE DELETE ON people
BEGIN SELECT RAISE(ABORT, 'a person is never deleted: payments and what was written down name the number'); END;

CREATE TRIGGER people_keep_their_number BEFORE UPDATE OF number ON people
WHEN NEW.number <> OLD.number
BEGIN SELECT RAISE(ABORT, 'a number is never given to somebody else'); END;

-- Who is signed on.
CREATE TABLE on_duty (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    person INTEGER REFERENCES people (number),
    since  TEXT CHECK ((since IS NULL) = (person IS NULL))
) STRICT;

INSERT INTO on_duty (id) VALUES (1);

-- Who took a payment; nobody of those that are older, or where nobody signs on.
ALTER TABLE transactions ADD COLUMN cashier INTEGER REFERENCES people (number);

CREATE INDEX transactions_of_cashier ON transactions (cashier, at) WHERE cashier IS NOT NULL;

CREATE TRIGGER transactions_keep_their_cashier BEFORE UPDATE OF cashier ON transactions
WHEN NEW.cashier IS NOT OLD.cashier
BEGIN SELECT RAISE(ABORT, 'who took a payment never changes'); END;

-- A drawer is opened with what is in it, and counted at the end. Minor units of one currency.
CREATE TABLE shifts (
    id        INTEGER PRIMARY KEY,
    opened_by INTEGER REFERENCES people (number),
    opened_at TEXT NOT NULL,
    currency  TEXT NOT NULL CHECK (length(currency) = 3),
    float     INTEGER NOT NULL CHECK (float BETWEEN 0 AND 999999999999),
    put_in    INTEGER NOT NULL DEFAULT 0 CHECK (put_in BETWEEN 0 AND 999999999999),
    taken_out INTEGER NOT NULL DEFAULT 0 CHECK (taken_out BETWEEN 0 AND 999999999999),
    closed_by INTEGER REFERENCES people (number),
    closed_at TEXT CHECK (closed_at IS NOT NULL OR closed_by IS NULL),
    counted   INTEGER CHECK (counted BETWEEN 0 AND 999999999999),
    CHECK ((counted IS NULL) = (closed_at IS NULL)),
    CHECK (float + put_in - taken_out BETWEEN 0 AND 999999999999)
) STRICT;

-- One drawer.
CREATE UNIQUE INDEX shift_that_is_open ON shifts ((1)) WHERE closed_at IS NULL;

CREATE TRIGGER shifts_stay_closed BEFORE UPDATE ON shifts
WHEN OLD.closed_at IS NOT NULL OR NEW.float <> OLD.float OR NEW.opened_at <> OLD.opened_at OR NEW.opened_by IS NOT OLD.opened_by
    OR NEW.currency <> OLD.currency OR NEW.put_in < OLD.put_in OR NEW.taken_out < OLD.taken_out
BEGIN SELECT RAISE(ABORT, 'what was counted is never changed'); END;

CREATE TRIGGER shifts_are_not_deleted BEFORE DELETE ON shifts
BEGIN SELECT RAISE(ABORT, 'a shift is never deleted'); END;

-- What is written down of people. Words are those of people/audit.rs.
CREATE TABLE audit (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     TEXT NOT NULL,
    place  TEXT NOT NULL CHECK (place = 'screen' OR place = 'command'),
    deed   TEXT NOT NULL,
    -- Numbers, and not references: somebody who does not exist may have been tried.
    person INTEGER CHECK (person BETWEEN 0 AND 99),
    by     INTEGER CHECK (by BETWEEN 0 AND 99),
    "right" TEXT,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX audit_of_person ON audit (person, id);

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'what was written down of people is never changed'); END;

CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'what was written down of people is never deleted'); END;

-- A row that takes another one's place would delete it, and no trigger for that runs.
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'what was written down of people is never changed'); END;

CREATE TRIGGER shifts_are_not_replaced BEFORE INSERT ON shifts
WHEN EXISTS (SELECT 1 FROM shifts WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'what was counted is never changed'); END;

CREATE TRIGGER people_are_not_replaced BEFORE INSERT ON people
WHEN EXISTS (SELECT 1 FROM people WHERE number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'a number is never given to somebody else'); END;
