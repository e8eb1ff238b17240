-- Version 1: which tills may speak to this terminal, which keys they gave their payments, and what they were told of them. It is no part
-- of the ledger: see docs/decisions/040-a-tills-keys-beside-the-ledger.md.

CREATE TABLE tills (
    number     INTEGER PRIMARY KEY,
    -- Who pairs again under a name is the same till.
    name       TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
    -- SHA-256 of its key; nothing once it is revoked.
    key_hash   BLOB UNIQUE CHECK (key_hash IS NULL OR length(key_hash) = 32),
    -- Time of the world, RFC 3339.
    paired_at  TEXT NOT NULL,
    revoked_at TEXT,
    CHECK ((key_hash IS NULL) = (revoked_at IS NOT NULL))
) STRICT;

-- The one pairing that is open, if any.
CREATE TABLE pairing (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    name       TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    -- SHA-256 of the code.
    code_hash  BLOB NOT NULL CHECK (length(code_hash) = 32),
    -- Seconds since 1970.
    expires_at INTEGER NOT NULL,
    -- Wrong codes so far.
    wrong      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE payments (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    till        INTEGER NOT NULL REFERENCES tills (number),
    key         TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 64),
    -- SHA-256 of the request.
    digest      BLOB NOT NULL CHECK (length(digest) = 32),
    -- What was wanted, in one form; see till/request.rs.
    request     TEXT NOT NULL,
    standing    TEXT NOT NULL CHECK (standing = 'open' OR standing = 'refused' OR standing = 'ended'),
    -- Time of the world, RFC 3339.
    accepted_at TEXT NOT NULL,
    -- What became of it; known once it has ended.
    outcome     TEXT CHECK (outcome = 'approved' OR outcome = 'declined' OR outcome = 'not_charged' OR outcome = 'reversed'),
    -- JSON; see till/answer.rs.
    facts       TEXT NOT NULL DEFAULT '{}',
    -- What was last told of it, so that nothing is told twice.
    told        TEXT NOT NULL,
    CHECK ((standing = 'ended') = (outcome IS NOT NULL)),
    -- What keeps a key from charging twice.
    UNIQUE (till, key)
) STRICT;

CREATE INDEX open_payments ON payments (number) WHERE standing = 'open';

-- Numbers of the ledger that a payment was given, in their order: written before the ledger's row.
CREATE TABLE numbers (
    id              INTEGER PRIMARY KEY,
    payment         INTEGER NOT NULL REFERENCES payments (number) ON DELETE CASCADE,
    merchant_code   TEXT NOT NULL CHECK (length(merchant_code) = 15),
    terminal_number TEXT NOT NULL CHECK (length(terminal_number) = 8),
    batch           INTEGER NOT NULL CHECK (batch BETWEEN 1 AND 999999),
    stan            INTEGER NOT NULL CHECK (stan BETWEEN 1 AND 999999)
) STRICT;

CREATE INDEX numbers_of_payment ON numbers (payment);

-- What tills were told, so that one whose line broke can catch up.
CREATE TABLE events (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    till INTEGER NOT NULL REFERENCES tills (number),
    -- JSON of the payment as it stood then.
    data TEXT NOT NULL
) STRICT;

CREATE INDEX events_of_till ON events (till, id);

-- A key stands for one request, as long as it stands.
CREATE TRIGGER a_key_stays BEFORE UPDATE ON payments
WHEN NEW.number <> OLD.number OR NEW.till <> OLD.till OR NEW.key <> OLD.key OR NEW.digest <> OLD.digest OR NEW.request <> OLD.request
BEGIN SELECT RAISE(ABORT, 'a key stands for one request'); END;

-- Nothing follows an end, and what was refused begins before it ends.
CREATE TRIGGER an_end_stays BEFORE UPDATE OF standing, outcome, facts ON payments
WHEN OLD.standing = 'ended' OR (OLD.standing = 'refused' AND NEW.standing = 'ended')
BEGIN SELECT RAISE(ABORT, 'an end stays'); END;

-- What was given a number may have been sent: it was not refused.
CREATE TRIGGER what_has_a_number_began BEFORE UPDATE OF standing ON payments
WHEN NEW.standing = 'refused' AND EXISTS (SELECT 1 FROM numbers WHERE payment = OLD.number)
BEGIN SELECT RAISE(ABORT, 'what was given a number has begun'); END;

CREATE TRIGGER only_what_is_open_is_given_numbers BEFORE INSERT ON numbers
WHEN (SELECT standing FROM payments WHERE number = NEW.payment) IS NOT 'open'
BEGIN SELECT RAISE(ABORT, 'only what is open is given a number'); END;
