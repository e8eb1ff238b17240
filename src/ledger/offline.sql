-- Version 27: offline sales. A card approves one by itself, so that its row begins with that; the host is told of it afterwards by an entry
-- of the queue. How much may be sold so stands in payment/offline.rs.

CREATE TABLE offline_sales (
    transaction_id INTEGER PRIMARY KEY REFERENCES transactions (id),
    state          TEXT NOT NULL DEFAULT 'queued' CHECK (state = 'queued' OR state = 'delivered' OR state = 'parked'),
    -- Field 55; it lives only until the host has it or a person has decided.
    chip_data      BLOB,
    tries          INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
    -- Local time of the next try, as planned after the last one.
    next_try       TEXT,
    CHECK ((state = 'delivered') = (chip_data IS NULL))
) STRICT;

CREATE INDEX offline_sales_undelivered ON offline_sales (transaction_id) WHERE state <> 'delivered';

CREATE TRIGGER offline_sales_begin_with_their_payment BEFORE INSERT ON offline_sales
WHEN NEW.state <> 'queued' OR NOT EXISTS (
    SELECT 1 FROM transactions t WHERE t.id = NEW.transaction_id AND t.kind = 'offline_sale' AND t.state = 'approved')
BEGIN SELECT RAISE(ABORT, 'only what a card has approved alone is told to the host so'); END;

CREATE TRIGGER offline_sales_are_told_once BEFORE INSERT ON offline_sales
WHEN EXISTS (SELECT 1 FROM offline_sales WHERE transaction_id = NEW.transaction_id)
BEGIN SELECT RAISE(ABORT, 'an offline sale is told to the host once'); END;

CREATE TRIGGER offline_sales_stay_what_they_are BEFORE UPDATE ON offline_sales
WHEN NEW.transaction_id <> OLD.transaction_id OR (NEW.state <> OLD.state AND OLD.state = 'delivered')
BEGIN SELECT RAISE(ABORT, 'what the host has booked is never told again'); END;

CREATE TRIGGER offline_sales_are_not_deleted BEFORE DELETE ON offline_sales
WHEN NOT EXISTS (SELECT 1 FROM archived_leaves a WHERE a.transaction_id = OLD.transaction_id)
BEGIN SELECT RAISE(ABORT, 'what was sold is never deleted'); END;

DROP TRIGGER transactions_begin_pending;
CREATE TRIGGER transactions_begin_pending BEFORE INSERT ON transactions
WHEN (NEW.kind = 'offline_sale') <> (NEW.state = 'approved') OR (NEW.state <> 'approved' AND NEW.state <> 'pending')
BEGIN SELECT RAISE(ABORT, 'a payment begins before its request leaves, and an offline sale with the word of its card'); END;

DROP TRIGGER transactions_keep_their_order;
CREATE TRIGGER transactions_keep_their_order BEFORE UPDATE OF state ON transactions
WHEN NEW.state <> OLD.state AND NOT CASE OLD.state
    WHEN 'pending' THEN NEW.state = 'host_approved' OR NEW.state = 'declined' OR NEW.state = 'reversal_due'
        OR NEW.state = 'repeat_due' OR NEW.state = 'unresolved'
        -- What was asked about is paid at once.
        OR (NEW.state = 'approved' AND NEW.kind = 'code_payment')
    WHEN 'host_approved' THEN NEW.state = 'approved' OR NEW.state = 'reversal_due'
    -- What is paid stays paid, but for what paid a part of a purchase that is given up, and for what nobody but the card has approved
    -- and its bank does not pay.
    WHEN 'approved' THEN (NEW.state = 'reversal_due' AND NEW.kind <> 'code_payment' AND EXISTS (
        SELECT 1 FROM purchase_parts q JOIN purchases p ON p.number = q.purchase
        WHERE q.transaction_id = NEW.id AND p.state = 'given_up'))
        OR (NEW.state = 'unresolved' AND NEW.kind = 'offline_sale')
    WHEN 'reversal_due' THEN NEW.state = 'reversed' OR NEW.state = 'unresolved'
    WHEN 'repeat_due' THEN NEW.state = 'host_approved' OR NEW.state = 'declined' OR NEW.state = 'unresolved'
    -- A person has it tried again; or an approval came too late.
    WHEN 'unresolved' THEN CASE NEW.kind WHEN 'offline_sale' THEN NEW.state = 'approved'
        ELSE NEW.state = 'reversal_due' OR NEW.state = 'repeat_due' END
    WHEN 'declined' THEN NEW.state = 'reversal_due' OR NEW.state = 'unresolved'
    WHEN 'reversed' THEN NEW.state = 'reversal_due'
    ELSE 0
END
BEGIN SELECT RAISE(ABORT, 'this state does not follow that one'); END;

-- A tip is given with it as with any other sale.
DROP TRIGGER tips_are_a_part_of_what_is_paid;
CREATE TRIGGER tips_are_a_part_of_what_is_paid BEFORE INSERT ON tips
WHEN NOT EXISTS (
    SELECT 1 FROM transactions t WHERE t.id = NEW.transaction_id AND 2 * NEW.amount <= coalesce(t.asked, t.amount)
        AND (t.kind = 'sale' OR t.kind = 'offline_sale' OR t.kind = 'code_payment'))
BEGIN SELECT RAISE(ABORT, 'a tip is given with a payment, and is no more than what it is given for'); END;
