-- Version 26: what of a payment is a tip. It is written with the payment's own row and never changes; it leaves with its payment.

CREATE TABLE tips (
    transaction_id INTEGER PRIMARY KEY REFERENCES transactions (id),
    -- In minor units of the payment's currency, and no more than what it was given for.
    amount         INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 999999999999)
) STRICT;

CREATE TRIGGER tips_are_a_part_of_what_is_paid BEFORE INSERT ON tips
WHEN NOT EXISTS (
    SELECT 1 FROM transactions t WHERE t.id = NEW.transaction_id AND 2 * NEW.amount <= coalesce(t.asked, t.amount)
        AND (t.kind = 'sale' OR t.kind = 'code_payment'))
BEGIN SELECT RAISE(ABORT, 'a tip is given with a payment, and is no more than what it is given for'); END;

CREATE TRIGGER tips_are_not_changed BEFORE UPDATE ON tips
BEGIN SELECT RAISE(ABORT, 'what was given as a tip is never changed'); END;

CREATE TRIGGER tips_are_not_deleted BEFORE DELETE ON tips
WHEN NOT EXISTS (SELECT 1 FROM archived_leaves a WHERE a.transaction_id = OLD.transaction_id)
BEGIN SELECT RAISE(ABORT, 'what was given as a tip is never deleted'); END;
