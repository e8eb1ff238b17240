-- Version 24: signatures that cardholders gave on the screen, and how far each is with the host. Which follow which stands in
-- payment/signature/mod.rs.

CREATE TABLE signatures (
    transaction_id INTEGER PRIMARY KEY REFERENCES transactions (id),
    -- Local time when it was given.
    signed_at      TEXT NOT NULL,
    -- Its dots, as T.82 (JBIG) writes them: what is printed and what is sent.
    picture        BLOB NOT NULL CHECK (length(picture) BETWEEN 21 AND 999),
    state          TEXT NOT NULL DEFAULT 'queued' CHECK (state = 'queued' OR state = 'delivered' OR state = 'given_up'),
    -- Of the host's last refusal.
    response_code  TEXT CHECK (length(response_code) = 2),
    tries          INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
    -- Of these tries so many were refused.
    refusals       INTEGER NOT NULL DEFAULT 0 CHECK (refusals >= 0),
    -- Local time of the next try, as planned after the last one.
    next_try       TEXT
) STRICT;

CREATE INDEX signatures_waiting ON signatures (transaction_id) WHERE state = 'queued';
CREATE INDEX signatures_given_up ON signatures (transaction_id) WHERE state = 'given_up';

-- Nobody signs what is not paid, nor what was paid without.
CREATE TRIGGER signatures_are_of_who_had_to_sign BEFORE INSERT ON signatures
WHEN NEW.state <> 'queued' OR NOT EXISTS (
    SELECT 1 FROM transactions t WHERE t.id = NEW.transaction_id AND t.state = 'approved' AND t.signature = 1)
BEGIN SELECT RAISE(ABORT, 'nobody has to sign this payment'); END;

CREATE TRIGGER signatures_are_given_once BEFORE INSERT ON signatures
WHEN EXISTS (SELECT 1 FROM signatures WHERE transaction_id = NEW.transaction_id)
BEGIN SELECT RAISE(ABORT, 'a payment is signed once'); END;

CREATE TRIGGER signatures_stay_what_they_are BEFORE UPDATE ON signatures
WHEN NEW.transaction_id <> OLD.transaction_id OR NEW.signed_at <> OLD.signed_at OR NEW.picture <> OLD.picture
    OR (NEW.state <> OLD.state AND OLD.state <> 'queued')
BEGIN SELECT RAISE(ABORT, 'what somebody signed is never changed'); END;

-- It leaves with its payment, and in no other way.
CREATE TRIGGER signatures_are_not_deleted BEFORE DELETE ON signatures
WHEN NOT EXISTS (SELECT 1 FROM archived_leaves a WHERE a.transaction_id = OLD.transaction_id)
BEGIN SELECT RAISE(ABORT, 'what somebody signed is never deleted'); END;
