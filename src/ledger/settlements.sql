-- Version 18: settlements. A batch is cut in one database transaction: its totals and what would be uploaded are written down, and the
-- next number is of the next batch. No row comes into it afterwards.

CREATE TABLE settlements (
    id               INTEGER PRIMARY KEY,
    merchant_code    TEXT NOT NULL CHECK (length(merchant_code) = 15),
    terminal_number  TEXT NOT NULL CHECK (length(terminal_number) = 8),
    batch            INTEGER NOT NULL CHECK (batch BETWEEN 1 AND 999999),
    cause            TEXT NOT NULL CHECK (cause = 'by_hand' OR cause = 'nightly' OR cause = 'full'),
    -- Local time. It decides nothing: which batch a payment is in is its number.
    begun_at         TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state = 'comparing' OR state = 'uploading' OR state = 'ending' OR state = 'reading'
                       OR state = 'closed' OR state = 'given_up'),
    -- Of the request that is made in this state.
    stan             INTEGER NOT NULL CHECK (stan BETWEEN 1 AND 999999),
    tries            INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
    currency         TEXT NOT NULL CHECK (length(currency) = 3),
    -- Count and minor units: domestic debit and credit, foreign debit and credit.
    totals           TEXT NOT NULL,
    -- What nobody had decided about. It is not in the totals.
    undecided        INTEGER NOT NULL CHECK (undecided >= 0),
    lines            INTEGER NOT NULL CHECK (lines >= 0),
    uploaded         INTEGER NOT NULL DEFAULT 0 CHECK (uploaded BETWEEN 0 AND lines),
    verdict          TEXT CHECK (verdict = 'equal' OR verdict = 'different' OR verdict = 'settled_before'),
    host_totals      TEXT CHECK ((host_totals IS NULL) = (verdict IS NULL)),
    -- What the host posts: minor units, with a sign.
    gross            INTEGER,
    fee              INTEGER CHECK ((fee IS NULL) = (gross IS NULL)),
    differences      INTEGER CHECK ((differences IS NULL) = (gross IS NULL) AND differences >= 0),
    closed_at        TEXT CHECK ((closed_at IS NOT NULL) = (state = 'closed' OR state = 'given_up')),
    slip             TEXT NOT NULL DEFAULT 'none' CHECK (slip = 'none' OR slip = 'due' OR slip = 'printed'),
    -- Who gave it up, and what the acquirer said.
    person           TEXT CHECK ((person IS NOT NULL) = (state = 'given_up')),
    note             TEXT CHECK ((note IS NULL) = (person IS NULL)),
    UNIQUE (merchant_code, terminal_number, batch),
    CHECK (state = 'comparing' OR state = 'given_up' OR verdict IS NOT NULL),
    CHECK (state <> 'closed' OR gross IS NOT NULL OR verdict = 'settled_before'),
    CHECK (state <> 'reading' OR differences > 0)
) STRICT;

-- One at a time.
CREATE UNIQUE INDEX settlement_under_way ON settlements ((1)) WHERE state <> 'closed' AND state <> 'given_up';

-- What would be uploaded, in the order of the numbers. It goes when the batch is closed.
CREATE TABLE settlement_lines (
    settlement INTEGER NOT NULL REFERENCES settlements (id),
    place      INTEGER NOT NULL CHECK (place >= 0),
    stan       INTEGER NOT NULL CHECK (stan BETWEEN 1 AND 999999),
    kind       TEXT NOT NULL,
    amount     INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 999999999999),
    PRIMARY KEY (settlement, place)
) STRICT, WITHOUT ROWID;

-- What host and terminal have otherwise, line by line.
CREATE TABLE settlement_differences (
    settlement INTEGER NOT NULL REFERENCES settlements (id),
    place      INTEGER NOT NULL CHECK (place >= 0),
    kind       TEXT NOT NULL CHECK (kind = 'unknown_here' OR kind = 'not_charged' OR kind = 'charged_all_the_same'
                 OR kind = 'amounts_differ'),
    stan       INTEGER NOT NULL CHECK (stan BETWEEN 1 AND 999999),
    ours       INTEGER CHECK (ours BETWEEN 0 AND 999999999999),
    theirs     INTEGER CHECK (theirs BETWEEN 0 AND 999999999999),
    rrn        TEXT CHECK (length(rrn) = 12),
    PRIMARY KEY (settlement, place)
) STRICT, WITHOUT ROWID;

-- What is wanted and has not begun; and the night that was settled last.
CREATE TABLE settlement_plan (
    id                INTEGER PRIMARY KEY CHECK (id = 1),
    -- Batches before this one were over before this program settled any.
    first_batch       INTEGER NOT NULL CHECK (first_batch BETWEEN 1 AND 999999),
    night             TEXT,
    cause             TEXT CHECK (cause = 'by_hand' OR cause = 'nightly' OR cause = 'full'),
    since             TEXT CHECK ((since IS NULL) = (cause IS NULL)),
    without_undecided INTEGER NOT NULL DEFAULT 0 CHECK (without_undecided = 0 OR without_undecided = 1)
) STRICT;

INSERT INTO settlement_plan (id, first_batch) SELECT 1, batch FROM counters WHERE id = 1;

CREATE TRIGGER transactions_not_into_a_settled_batch BEFORE INSERT ON transactions
WHEN EXISTS (SELECT 1 FROM settlements s WHERE s.merchant_code = NEW.merchant_code AND s.terminal_number = NEW.terminal_number
    AND s.batch = NEW.batch)
BEGIN SELECT RAISE(ABORT, 'this batch is settled'); END;

-- Which state may follow which. The table is in settlement/closing; a test compares them.
CREATE TRIGGER settlements_keep_their_order BEFORE UPDATE OF state ON settlements
WHEN NEW.state <> OLD.state AND NOT CASE OLD.state
    WHEN 'comparing' THEN NEW.state = 'uploading' OR NEW.state = 'ending' OR NEW.state = 'closed' OR NEW.state = 'given_up'
    WHEN 'uploading' THEN NEW.state = 'ending' OR NEW.state = 'given_up'
    WHEN 'ending' THEN NEW.state = 'reading' OR NEW.state = 'closed' OR NEW.state = 'given_up'
    WHEN 'reading' THEN NEW.state = 'closed' OR NEW.state = 'given_up'
    ELSE 0
END
BEGIN SELECT RAISE(ABORT, 'this state of a settlement does not follow that one'); END;

CREATE TRIGGER settlements_begin_comparing BEFORE INSERT ON settlements
WHEN NEW.state <> 'comparing'
BEGIN SELECT RAISE(ABORT, 'a settlement begins with its totals'); END;

CREATE TRIGGER settlements_stay_what_they_are BEFORE UPDATE OF merchant_code, terminal_number, batch, totals, currency, lines ON settlements
BEGIN SELECT RAISE(ABORT, 'what was compared never changes'); END;

CREATE TRIGGER settlements_are_not_deleted BEFORE DELETE ON settlements
BEGIN SELECT RAISE(ABORT, 'a settlement is never deleted'); END;
