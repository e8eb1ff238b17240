-- Version 20: purchases that are paid in parts. What a part is and what is done with it stands in payment/purchase.rs.
--
-- A sale of which the issuer approved a part has the part as its amount, and beside it what was asked for: the host knows the request by
-- that. Everything that adds amounts up takes the part.

ALTER TABLE transactions ADD COLUMN asked INTEGER
    CHECK (asked IS NULL OR (asked > amount AND asked <= 999999999999 AND kind = 'sale'));

-- Nothing else changes an amount, and this only once.
CREATE TRIGGER transactions_keep_their_amount BEFORE UPDATE OF amount, asked ON transactions
WHEN (NEW.amount <> OLD.amount OR NEW.asked IS NOT OLD.asked)
    AND NOT (OLD.state = 'pending' AND NEW.state = 'host_approved' AND OLD.asked IS NULL AND NEW.asked IS OLD.amount)
BEGIN SELECT RAISE(ABORT, 'what was asked for never changes, and what was approved of it only once'); END;

CREATE TABLE purchases (
    number          INTEGER PRIMARY KEY,
    merchant_code   TEXT NOT NULL CHECK (length(merchant_code) = 15),
    terminal_number TEXT NOT NULL CHECK (length(terminal_number) = 8),
    -- What the customer owes in all, in minor units.
    due             INTEGER NOT NULL CHECK (due BETWEEN 2 AND 999999999999),
    currency        TEXT NOT NULL CHECK (length(currency) = 3),
    -- Local time of its first part.
    opened_at       TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state = 'open' OR state = 'paid' OR state = 'given_up'),
    ended_at        TEXT CHECK ((ended_at IS NULL) = (state = 'open')),
    -- What was taken back is said on one.
    slip            TEXT NOT NULL DEFAULT 'none' CHECK (slip = 'none' OR slip = 'due' OR slip = 'printed'),
    CHECK ((slip <> 'none') = (state = 'given_up'))
) STRICT;

-- One at a time.
CREATE UNIQUE INDEX purchase_that_is_open ON purchases ((1)) WHERE state = 'open';
CREATE INDEX purchases_with_a_slip ON purchases (number) WHERE slip = 'due';

-- What was tried to pay one, in this order. A part is of a kind and refers to something of this kind: cards and codes to transactions. Cash
-- has none, and refers to what is written down of cash.
CREATE TABLE purchase_parts (
    purchase       INTEGER NOT NULL REFERENCES purchases (number),
    -- From 1.
    position       INTEGER NOT NULL CHECK (position >= 1),
    kind           TEXT NOT NULL CHECK (kind = 'card' OR kind = 'code' OR kind = 'cash'),
    transaction_id INTEGER REFERENCES transactions (id) CHECK ((transaction_id IS NULL) = (kind = 'cash')),
    PRIMARY KEY (purchase, position)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX purchase_part_of_transaction ON purchase_parts (transaction_id) WHERE transaction_id IS NOT NULL;

-- What is paid of each; by a person's word as well. Whatever else a part may refer to is to be added up here too.
CREATE VIEW purchase_sums AS
    SELECT p.number, coalesce(sum(t.amount), 0) AS paid FROM purchases p
        LEFT JOIN purchase_parts q ON q.purchase = p.number
        LEFT JOIN transactions t ON t.id = q.transaction_id
            AND (t.state = 'approved' OR (t.state = 'unresolved' AND t.resolution = 'charged'))
    GROUP BY p.number;

CREATE TRIGGER purchases_begin_open BEFORE INSERT ON purchases
WHEN NEW.state <> 'open' OR EXISTS (SELECT 1 FROM purchases WHERE number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'a purchase begins open, with a number of its own'); END;

CREATE TRIGGER purchases_stay_what_they_are BEFORE UPDATE ON purchases
WHEN NEW.number <> OLD.number OR NEW.merchant_code <> OLD.merchant_code OR NEW.terminal_number <> OLD.terminal_number
    OR NEW.due <> OLD.due OR NEW.currency <> OLD.currency OR NEW.opened_at <> OLD.opened_at
    OR (OLD.state <> 'open' AND (NEW.state <> OLD.state OR NEW.ended_at <> OLD.ended_at))
    OR (NEW.state = 'paid' AND OLD.state = 'open'
        AND NEW.due <> (SELECT paid FROM purchase_sums WHERE number = OLD.number))
BEGIN SELECT RAISE(ABORT, 'a purchase is paid when its parts are what is due, and stays what it is then'); END;

CREATE TRIGGER purchases_are_not_deleted BEFORE DELETE ON purchases
BEGIN SELECT RAISE(ABORT, 'a purchase is never deleted'); END;

CREATE TRIGGER purchase_parts_are_of_one_that_is_open BEFORE INSERT ON purchase_parts
WHEN EXISTS (SELECT 1 FROM purchases WHERE number = NEW.purchase AND state <> 'open')
BEGIN SELECT RAISE(ABORT, 'nothing is paid of a purchase that is over'); END;

CREATE TRIGGER purchase_parts_are_not_changed BEFORE UPDATE ON purchase_parts
BEGIN SELECT RAISE(ABORT, 'what was tried to pay a purchase is never changed'); END;

CREATE TRIGGER purchase_parts_are_not_deleted BEFORE DELETE ON purchase_parts
WHEN NOT EXISTS (SELECT 1 FROM archived_leaves a WHERE a.transaction_id = OLD.transaction_id)
BEGIN SELECT RAISE(ABORT, 'what was tried to pay a purchase is never deleted'); END;

-- While one is open nothing begins but what pays the rest of it, and that only when it is known of everything before what it came to: the
-- customer would pay twice.
CREATE TRIGGER transactions_wait_for_an_open_purchase BEFORE INSERT ON transactions
WHEN EXISTS (
    SELECT 1 FROM purchases p WHERE p.state = 'open'
        AND ((NEW.kind <> 'sale' AND NEW.kind <> 'code_payment') OR NEW.currency <> p.currency
            OR NEW.amount > p.due - (SELECT s.paid FROM purchase_sums s WHERE s.number = p.number)
            OR EXISTS (
                SELECT 1 FROM purchase_parts q JOIN transactions t ON t.id = q.transaction_id
                WHERE q.purchase = p.number AND (t.state = 'pending' OR t.state = 'host_approved' OR t.state = 'reversal_due'
                    OR (t.state = 'unresolved' AND t.resolution IS NULL)))))
BEGIN SELECT RAISE(ABORT, 'a purchase is open: only its rest is paid'); END;

CREATE TRIGGER settlements_wait_for_an_open_purchase BEFORE INSERT ON settlements
WHEN EXISTS (SELECT 1 FROM purchases WHERE state = 'open')
BEGIN SELECT RAISE(ABORT, 'a purchase is open: the day is not over'); END;

-- Which state may follow which, as in version 17, and one more.
DROP TRIGGER transactions_keep_their_order;

CREATE TRIGGER transactions_keep_their_order BEFORE UPDATE OF state ON transactions
WHEN NEW.state <> OLD.state AND NOT CASE OLD.state
    WHEN 'pending' THEN NEW.state = 'host_approved' OR NEW.state = 'declined' OR NEW.state = 'reversal_due'
        OR NEW.state = 'repeat_due' OR NEW.state = 'unresolved'
        -- What was asked about is paid at once.
        OR (NEW.state = 'approved' AND NEW.kind = 'code_payment')
    WHEN 'host_approved' THEN NEW.state = 'approved' OR NEW.state = 'reversal_due'
    -- What is paid stays paid, but for what paid a part of a purchase that is given up.
    WHEN 'approved' THEN NEW.state = 'reversal_due' AND NEW.kind <> 'code_payment' AND EXISTS (
        SELECT 1 FROM purchase_parts q JOIN purchases p ON p.number = q.purchase
        WHERE q.transaction_id = NEW.id AND p.state = 'given_up')
    WHEN 'reversal_due' THEN NEW.state = 'reversed' OR NEW.state = 'unresolved'
    WHEN 'repeat_due' THEN NEW.state = 'host_approved' OR NEW.state = 'declined' OR NEW.state = 'unresolved'
    -- A person has it tried again; or an approval came too late.
    WHEN 'unresolved' THEN NEW.state = 'reversal_due' OR NEW.state = 'repeat_due'
    WHEN 'declined' THEN NEW.state = 'reversal_due' OR NEW.state = 'unresolved'
    WHEN 'reversed' THEN NEW.state = 'reversal_due'
    ELSE 0
END
BEGIN SELECT RAISE(ABORT, 'this state does not follow that one'); END;
